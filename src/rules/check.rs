//! Tests rules on their own samples: each sample must match with its captures and its rule must win, each
//! counter-sample must not match.

use std::collections::BTreeSet;
use std::fmt;

use crate::record::{Level, Record};
use crate::rules::conditions::mark_by_name;
use crate::rules::load::RuleSet;
use crate::rules::matcher::Hit;
use crate::rules::model::{Class, Effect, Rule, Sample};

/// A sample on which the rules do not do what its file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFailure {
    /// File of the rule.
    pub file: String,
    /// Whether it is a counter-sample.
    pub counter: bool,
    /// Number of the sample in its file, counted from 1.
    pub number: usize,
    /// First line of its text.
    pub text: String,
    /// What should have happened.
    pub expected: String,
    /// What happened.
    pub got: String,
    /// What to look at.
    pub hint: String,
}

impl fmt::Display for SampleFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.counter { "counter_sample" } else { "sample" };
        writeln!(f, "{}: {kind} {}: {}", self.file, self.number, self.text)?;
        writeln!(f, "  expected: {}", self.expected)?;
        writeln!(f, "  got:      {}", self.got)?;
        write!(f, "  hint:     {}", self.hint)
    }
}

/// Runs all samples of all rules. `winner` names the rule that explains a record; what that is, is weighed above
/// this room (`diagnose/samples.rs`).
pub fn test(rules: &RuleSet, winner: &dyn Fn(&Record) -> Option<String>) -> Vec<SampleFailure> {
    let mut failures = Vec::new();
    for (index, rule) in (0u16..).zip(rules.rules()) {
        for (counter, samples) in [(false, &rule.samples), (true, &rule.counter_samples)] {
            for (number, sample) in samples.iter().enumerate() {
                let record = record_of(sample);
                let fault = match (rule.class == Class::Decoy, counter) {
                    (true, _) => decoy_fault(rules, rule, &record, counter),
                    (false, false) => sample_fault(rules, index, rule, sample, &record, winner),
                    (false, true) => counter_fault(rules, index, rule, &record),
                };
                if let Some(Fault { expected, got, hint }) = fault {
                    let text = sample.log.lines().next().unwrap_or_default().chars().take(120).collect();
                    let file = rules.file(index).to_owned();
                    failures.push(SampleFailure {
                        file,
                        counter,
                        number: number + 1,
                        text,
                        expected,
                        got,
                        hint,
                    });
                }
            }
        }
    }
    failures
}

/// The record that a sample describes.
pub fn record_of(sample: &Sample) -> Record {
    let mut record = Record {
        message: sample.log.clone(),
        status: sample.status,
        level: sample.level.as_deref().and_then(Level::parse),
        runtime: sample.runtime.clone(),
        error_codes: sample.error_code.iter().cloned().collect(),
        memory_used_mb: sample.memory_used_mb,
        memory_limit_mb: sample.memory_limit_mb,
        duration_ms: sample.duration_ms,
        ..Record::default()
    };
    for mark in sample.mark.iter().filter_map(|name| mark_by_name(name)) {
        record.marks.insert(mark);
    }
    for (name, value) in &sample.fields {
        let place = match name.as_str() {
            "environment" => &mut record.environment,
            "method" => &mut record.method,
            "route" => &mut record.route,
            "error_class" => &mut record.error_class,
            _ => {
                record.fields.push((name.clone(), value.clone()));
                continue;
            }
        };
        *place = Some(value.clone());
    }
    record
}

struct Fault {
    expected: String,
    got: String,
    hint: String,
}

fn decoy_fault(rules: &RuleSet, rule: &Rule, record: &Record, counter: bool) -> Option<Fault> {
    let matched = rules.decoys_in(record, &record.text(), "").contains(&rule.id.as_str());
    (matched == counter).then(|| Fault {
        expected: format!("the decoy {}", if counter { "does not match" } else { "matches" }),
        got: if matched { "it matches".into() } else { "no signal of it matches".into() },
        hint: if matched {
            "narrow the pattern: a decoy that is too wide hides causes".into()
        } else {
            NO_MATCH_HINT.into()
        },
    })
}

const NO_MATCH_HINT: &str = "compare pattern and text character by character (matching is case-sensitive), and the conditions in `where`";

fn sample_fault(
    rules: &RuleSet,
    index: u16,
    rule: &Rule,
    sample: &Sample,
    record: &Record,
    winner: &dyn Fn(&Record) -> Option<String>,
) -> Option<Fault> {
    let text = record.text();
    let mut hits = Vec::new();
    rules.match_record(record, &text, "", &mut hits);
    let own: Vec<&Hit> =
        hits.iter().filter(|hit| hit.rule == index && hit.effect == Effect::Supports).collect();
    if own.is_empty() {
        let decoys = rules.decoys_in(record, &text, "");
        return Some(Fault {
            expected: format!("{} matches", rule.id),
            got: format!("it does not; {}", others(rules, &hits)),
            hint: if decoys.is_empty() {
                NO_MATCH_HINT.into()
            } else {
                format!("masked by {}: narrow the decoy or choose another sample", decoys.join(", "))
            },
        });
    }
    for (name, wanted) in &sample.captures {
        let values: BTreeSet<&str> = own
            .iter()
            .flat_map(|hit| &hit.captures)
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect();
        if !values.contains(wanted.as_str()) {
            let got = if values.is_empty() {
                format!("no {name} was captured")
            } else {
                let list: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
                format!("{name} = {}", list.join(" and "))
            };
            return Some(Fault {
                expected: format!("{name} = \"{wanted}\""),
                got,
                hint: format!("look at the group (?P<{name}>…) of the signals that matched"),
            });
        }
    }
    let wanted = sample.won_by.as_deref().unwrap_or(&rule.id);
    if rules.get(wanted).is_none() {
        return Some(Fault {
            expected: format!("{wanted} wins"),
            got: "there is no rule of that id".into(),
            hint: "correct `won_by`".into(),
        });
    }
    let won = winner(record);
    (won.as_deref() != Some(wanted)).then(|| Fault {
        expected: format!("{wanted} wins"),
        got: format!("{} wins; {}", won.as_deref().unwrap_or("no rule"), others(rules, &hits)),
        hint: "narrow the other rule, set `yields_to` or `symptom` on the one that is not the cause, or say `won_by`"
            .into(),
    })
}

fn counter_fault(rules: &RuleSet, index: u16, rule: &Rule, record: &Record) -> Option<Fault> {
    let text = record.text();
    let hit = supporting_hit(rules, index, record, &text)?;
    let matched: String = text.get(hit.start..hit.end).unwrap_or_default().chars().take(120).collect();
    Some(Fault {
        expected: format!("{} does not match", rule.id),
        got: format!("signal {} matches \"{}\"", hit.signal + 1, matched.replace('\n', "\\n")),
        hint: "anchor the pattern with more of the real text, or add a condition in `where`".into(),
    })
}

fn supporting_hit(rules: &RuleSet, index: u16, record: &Record, text: &str) -> Option<Hit> {
    let mut hits = Vec::new();
    rules.match_record(record, text, "", &mut hits);
    hits.into_iter().find(|hit| hit.rule == index && hit.effect == Effect::Supports)
}

/// Number, counted from 1, of the first signal by which a rule takes the record: one that supports its cause, or any of
/// a decoy.
pub(super) fn supporting_signal(rules: &RuleSet, index: u16, rule: &Rule, record: &Record) -> Option<usize> {
    let text = record.text();
    let signal = match rule.class {
        Class::Decoy => rules.signals_found(index, record, &text, "").into_iter().next(),
        _ => supporting_hit(rules, index, record, &text).map(|hit| hit.signal),
    };
    signal.map(|number| usize::from(number) + 1)
}

/// Which rules matched, with their strongest signal, for messages.
fn others(rules: &RuleSet, hits: &[Hit]) -> String {
    let mut list: Vec<String> = Vec::new();
    for hit in hits.iter().filter(|hit| hit.effect == Effect::Supports) {
        if let Some(rule) = rules.by_index(hit.rule) {
            let strength = format!("{:?}", hit.strength).to_lowercase();
            list.push(format!("{} (signal {}, {strength})", rule.id, hit.signal + 1));
        }
    }
    if list.is_empty() { "no rule matches".into() } else { format!("matched: {}", list.join(", ")) }
}
