//! Which signals the samples of their own rule prove. It counts; what is too little is for `lint.rs` to say.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::check::record_of;
use crate::rules::load::RuleSet;
use crate::rules::model::{Class, Effect, Rule};

/// What the samples of one rule cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Id of the rule.
    pub id: String,
    /// Its class.
    pub class: Class,
    /// Number of its signals.
    pub signals: usize,
    /// Signals that no sample fires, counted from 1 as in messages.
    pub silent: Vec<usize>,
    /// Number of its samples.
    pub samples: usize,
    /// Number of its counter-samples.
    pub counter_samples: usize,
}

/// Sums over rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rules.
    pub rules: usize,
    /// Signals.
    pub signals: usize,
    /// Signals that a sample fires.
    pub fired: usize,
    /// Samples.
    pub samples: usize,
    /// Counter-samples.
    pub counter_samples: usize,
}

impl Coverage {
    /// Number of signals that a sample fires.
    pub fn fired(&self) -> usize {
        self.signals - self.silent.len()
    }
}

impl Totals {
    /// Both together.
    pub fn with(self, other: Totals) -> Totals {
        Totals {
            rules: self.rules + other.rules,
            signals: self.signals + other.signals,
            fired: self.fired + other.fired,
            samples: self.samples + other.samples,
            counter_samples: self.counter_samples + other.counter_samples,
        }
    }
}

/// The coverage of all rules, in their order. A signal that supports, and one of a decoy, is fired by a sample; one
/// that contradicts or recovers by a sample or a counter-sample, which is where the survived case stands.
pub fn coverage(rules: &RuleSet) -> Vec<Coverage> {
    (0u16..).zip(rules.rules()).map(|(index, rule)| of_rule(rules, index, rule)).collect()
}

/// Totals per class, in the order of triage, decoys last.
pub fn totals(coverage: &[Coverage]) -> BTreeMap<Class, Totals> {
    let mut all: BTreeMap<Class, Totals> = BTreeMap::new();
    for rule in coverage {
        let sum = all.entry(rule.class).or_default();
        *sum = sum.with(Totals {
            rules: 1,
            signals: rule.signals,
            fired: rule.fired(),
            samples: rule.samples,
            counter_samples: rule.counter_samples,
        });
    }
    all
}

pub(super) fn of_rule(rules: &RuleSet, index: u16, rule: &Rule) -> Coverage {
    let mut found: BTreeSet<u16> = BTreeSet::new();
    for (counter, samples) in [(false, &rule.samples), (true, &rule.counter_samples)] {
        for sample in samples {
            let record = record_of(sample);
            let signals = rules.signals_found(index, &record, &record.text(), "");
            found.extend(signals.into_iter().filter(|number| {
                let effect = rule.signals.get(usize::from(*number)).map(|signal| signal.effect);
                !counter || effect.is_some_and(|effect| effect != Effect::Supports)
            }));
        }
    }
    let silent = (0u16..).zip(&rule.signals).map(|(number, _)| number);
    Coverage {
        id: rule.id.clone(),
        class: rule.class,
        signals: rule.signals.len(),
        silent: silent.filter(|number| !found.contains(number)).map(|n| usize::from(n) + 1).collect(),
        samples: rule.samples.len(),
        counter_samples: rule.counter_samples.len(),
    }
}
