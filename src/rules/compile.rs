//! All rules as one machine: a prefilter over the fixed texts of all patterns, and the patterns themselves,
//! each compiled when a record first needs it, so that loading stays cheap.
//!
//! Patterns work on bytes, with ASCII meanings of `\w`, `\d`, `\s`, `\b` and `(?i)`: what software prints of an error
//! is ASCII, and a bounded repetition of a Unicode class takes a hundred times the memory and time to compile.
//! Only a pattern that cannot be said in bytes (a class with a letter beyond ASCII) is compiled for Unicode.

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};

use crate::record::Record;
use crate::rules::conditions::Test;
use crate::rules::model::{Class, Effect, Rule, Scope, Strength};
use crate::rules::prefilter::Prefilter;
use crate::rules::presence::{Presence, Questions};
use crate::rules::signal::PreparedSignal;

/// Most memory for one compiled pattern, in bytes.
const PATTERN_SIZE_BYTES: usize = 4 << 20;

/// A pattern that is compiled at its first use.
#[derive(Debug)]
pub(super) struct LazyPattern {
    source: String,
    unicode: bool,
    compiled: OnceLock<Option<Regex>>,
    /// What every match contains, as a text and as it is asked: most patterns are never asked further.
    questions_text: String,
    questions: OnceLock<Questions>,
}

impl LazyPattern {
    /// The regular expression; `None` if it is too large, which the loader reports for rules that are not built in.
    pub(super) fn get(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| compile(&self.source, self.unicode).ok()).as_ref()
    }

    /// Whether a record with these windows may hold all that a match contains.
    fn may_match(&self, presence: &Presence) -> bool {
        presence.may_match(self.questions.get_or_init(|| Questions::of(&self.questions_text)))
    }
}

/// Compiles a pattern as [`PreparedSignal::read`] understood it.
pub(super) fn compile(source: &str, unicode: bool) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source)
        .multi_line(true)
        .crlf(true)
        .unicode(unicode)
        .size_limit(PATTERN_SIZE_BYTES)
        .build()
}

/// A signal in the machine.
#[derive(Debug)]
pub(super) struct CompiledSignal {
    pub(super) rule: u16,
    pub(super) signal: u16,
    pub(super) strength: Strength,
    pub(super) effect: Effect,
    /// Set for signals of decoys.
    pub(super) decoy: Option<Scope>,
    pub(super) pattern: Option<LazyPattern>,
    tests: Vec<Test>,
}

impl CompiledSignal {
    /// Whether all conditions hold that do not ask for captures.
    pub(super) fn conditions_hold(&self, record: &Record, format: &str) -> bool {
        self.tests.iter().all(|test| test.holds(record, format))
    }

    /// Whether the conditions hold that compare a field with what the pattern captured.
    pub(super) fn captures_hold(&self, record: &Record, captures: &[(String, String)]) -> bool {
        self.tests.iter().all(|test| test.holds_for(record, captures))
    }
}

/// All rules, ready to match.
#[derive(Debug)]
pub(super) struct Machine {
    /// In the order of rules, then of signals; decoys, which sort last as a class, are at the end.
    pub(super) signals: Vec<CompiledSignal>,
    prefilter: Prefilter,
    /// Signals without a pattern.
    without_pattern: Vec<u32>,
}

impl Machine {
    /// Builds the machine from rules in their final order and their signals.
    pub(super) fn build<'a>(rules: impl Iterator<Item = (&'a Rule, Vec<PreparedSignal>)>) -> Machine {
        let mut signals = Vec::new();
        let mut needs: Vec<(String, u32)> = Vec::new();
        let mut without_pattern = Vec::new();
        for (rule_index, (rule, prepared)) in (0u16..).zip(rules) {
            for ((signal_index, model), prepared) in (0u16..).zip(&rule.signals).zip(prepared) {
                let number = signals.len() as u32;
                let pattern = model.pattern.as_ref().map(|source| LazyPattern {
                    source: source.clone(),
                    unicode: prepared.unicode,
                    compiled: OnceLock::new(),
                    questions_text: prepared.questions,
                    questions: OnceLock::new(),
                });
                if pattern.is_none() {
                    without_pattern.push(number);
                }
                needs.extend(prepared.texts.into_iter().map(|text| (text, number)));
                signals.push(CompiledSignal {
                    rule: rule_index,
                    signal: signal_index,
                    strength: model.strength.unwrap_or(Strength::Strong),
                    effect: model.effect,
                    decoy: (rule.class == Class::Decoy).then_some(rule.scope),
                    pattern,
                    tests: prepared.tests,
                });
            }
        }
        Machine { signals, prefilter: Prefilter::new(&needs), without_pattern }
    }

    /// Numbers of the signals that this text may match, and of those without a pattern, ascending.
    pub(super) fn candidates(&self, text: &str, out: &mut Vec<u32>) {
        let mut seen: Vec<bool> = Vec::new();
        self.prefilter.find(text, |number| {
            seen.resize(self.signals.len(), false);
            if let Some(flag) = seen.get_mut(number as usize).filter(|flag| !**flag) {
                *flag = true;
                out.push(number);
            }
        });
        if !out.is_empty() {
            // Of ten patterns of which something was found, nine miss something else.
            let presence = Presence::of(text);
            out.retain(|number| {
                let pattern = self.signals.get(*number as usize).and_then(|signal| signal.pattern.as_ref());
                pattern.is_none_or(|pattern| pattern.may_match(&presence))
            });
        }
        out.extend(&self.without_pattern);
        out.sort_unstable();
    }
}
