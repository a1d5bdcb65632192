//! All rules as one machine: a prefilter over the fixed texts of all patterns, and the patterns themselves,
//! each compiled when a record first needs it, so that loading stays cheap.
//!
//! Patterns work on bytes, with ASCII meanings of `\w`, `\d`, `\s`, `\b` and `(?i)`: what software prints of an error
//! is ASCII, and a bounded repetition of a Unicode class takes a hundred times the memory and time to compile.
//! Only a pattern that cannot be said in bytes (a class with a letter beyond ASCII) is compiled for Unicode.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind};

use crate::record::Record;
use crate::rules::conditions::Test;
use crate::rules::error::Problem;
use crate::rules::literals::{MIN_BYTES, required_texts};
use crate::rules::model::{Class, Effect, Rule, Scope, Signal, Strength};

/// Most memory for one compiled pattern, in bytes.
const PATTERN_SIZE_BYTES: usize = 4 << 20;

/// A pattern that is compiled at its first use.
#[derive(Debug)]
pub(super) struct LazyPattern {
    source: String,
    unicode: bool,
    compiled: OnceLock<Option<Regex>>,
}

impl LazyPattern {
    /// The regular expression; `None` if it is too large, which the loader reports for rules that are not built in.
    pub(super) fn get(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| build(&self.source, self.unicode).ok()).as_ref()
    }
}

/// A signal as its file states it, checked: what it captures, what it needs, what it tests.
#[derive(Debug)]
pub(super) struct PreparedSignal {
    /// Fixed texts of the pattern; empty without a pattern.
    pub(super) texts: Vec<Vec<u8>>,
    /// Names that the pattern captures.
    pub(super) captures: Vec<String>,
    pattern: Option<LazyPattern>,
    tests: Vec<Test>,
}

/// A fault of a signal and the key below the signal where it stands, with an index for conditions.
pub(super) type SignalFault = (&'static str, Option<usize>, Problem);

impl PreparedSignal {
    /// Checks a signal and reads out of it what matching needs. Does not compile the pattern.
    pub(super) fn read(signal: &Signal) -> Result<PreparedSignal, SignalFault> {
        let mut tests = Vec::with_capacity(signal.conditions.len());
        for (number, condition) in signal.conditions.iter().enumerate() {
            let test =
                Test::read(condition).map_err(|why| ("where", Some(number), Problem::BadCondition(why)))?;
            tests.push(test);
        }
        let Some(source) = &signal.pattern else {
            if tests.is_empty() {
                return Err(("", None, Problem::EmptySignal));
            }
            return Ok(PreparedSignal { texts: Vec::new(), captures: Vec::new(), pattern: None, tests });
        };
        let (hir, unicode) = parse(source).map_err(|why| ("pattern", None, Problem::BadPattern(why)))?;
        let texts = required_texts(&hir).ok_or(("pattern", None, Problem::NoLiteral(MIN_BYTES)))?;
        let mut captures = Vec::new();
        capture_names(&hir, &mut captures);
        let pattern = LazyPattern { source: source.clone(), unicode, compiled: OnceLock::new() };
        Ok(PreparedSignal { texts, captures, pattern: Some(pattern), tests })
    }

    /// Compiles the pattern now.
    pub(super) fn compile_now(&self) -> Result<(), Problem> {
        let Some(pattern) = &self.pattern else { return Ok(()) };
        match build(&pattern.source, pattern.unicode) {
            Ok(regex) => {
                pattern.compiled.get_or_init(|| Some(regex));
                Ok(())
            }
            Err(regex::Error::CompiledTooBig(_)) => Err(Problem::PatternTooLarge),
            Err(error) => Err(Problem::BadPattern(error.to_string())),
        }
    }
}

fn build(source: &str, unicode: bool) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source)
        .multi_line(true)
        .crlf(true)
        .unicode(unicode)
        .size_limit(PATTERN_SIZE_BYTES)
        .build()
}

/// Parses for bytes if possible, else for Unicode, and says which; the error is the parser's reason.
pub(super) fn parse(source: &str) -> Result<(Hir, bool), String> {
    let with = |unicode: bool| {
        regex_syntax::ParserBuilder::new()
            .multi_line(true)
            .crlf(true)
            .unicode(unicode)
            .utf8(false)
            .build()
            .parse(source)
            .map(|hir| (hir, unicode))
            .map_err(|error| short_reason(&error))
    };
    with(false).or_else(|_| with(true))
}

/// The parser's reason without its drawing of the pattern.
fn short_reason(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => {
            format!("{} (at character {})", error.kind(), error.span().start.offset + 1)
        }
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        other => other.to_string(),
    }
}

/// Appends the names of all groups, in the order of the pattern.
pub(super) fn capture_names(hir: &Hir, names: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            names.extend(capture.name.iter().map(|name| name.to_string()));
            capture_names(&capture.sub, names);
        }
        HirKind::Repetition(repetition) => capture_names(&repetition.sub, names),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| capture_names(part, names));
        }
        _ => {}
    }
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
    /// Whether all conditions hold.
    pub(super) fn conditions_hold(&self, record: &Record, format: &str) -> bool {
        self.tests.iter().all(|test| test.holds(record, format))
    }
}

/// All rules, ready to match.
#[derive(Debug)]
pub(super) struct Machine {
    /// In the order of rules, then of signals; decoys, which sort last as a class, are at the end.
    pub(super) signals: Vec<CompiledSignal>,
    prefilter: Option<AhoCorasick>,
    /// For each text of the prefilter the signals that need it.
    signals_by_text: Vec<Vec<u32>>,
    /// Signals without a pattern.
    without_pattern: Vec<u32>,
}

impl Machine {
    /// Builds the machine from rules in their final order and their signals.
    pub(super) fn build<'a>(rules: impl Iterator<Item = (&'a Rule, Vec<PreparedSignal>)>) -> Machine {
        let mut signals = Vec::new();
        let mut needs: Vec<(Vec<u8>, u32)> = Vec::new();
        let mut without_pattern = Vec::new();
        for (rule_index, (rule, prepared)) in (0u16..).zip(rules) {
            for ((signal_index, model), prepared) in (0u16..).zip(&rule.signals).zip(prepared) {
                let number = signals.len() as u32;
                if prepared.pattern.is_none() {
                    without_pattern.push(number);
                }
                needs.extend(prepared.texts.into_iter().map(|text| (text, number)));
                signals.push(CompiledSignal {
                    rule: rule_index,
                    signal: signal_index,
                    strength: model.strength.unwrap_or(Strength::Strong),
                    effect: model.effect,
                    decoy: (rule.class == Class::Decoy).then_some(rule.scope),
                    pattern: prepared.pattern,
                    tests: prepared.tests,
                });
            }
        }
        needs.sort();
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut signals_by_text: Vec<Vec<u32>> = Vec::new();
        for (text, number) in needs {
            if texts.last() != Some(&text) {
                texts.push(text);
                signals_by_text.push(Vec::new());
            }
            if let Some(numbers) = signals_by_text.last_mut() {
                numbers.push(number);
            }
        }
        let prefilter = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(&texts)
            .ok();
        Machine { signals, prefilter, signals_by_text, without_pattern }
    }

    /// Numbers of the signals that this text may match, and of those without a pattern, ascending.
    pub(super) fn candidates(&self, text: &str, out: &mut Vec<u32>) {
        out.extend(&self.without_pattern);
        let Some(prefilter) = &self.prefilter else {
            // Without an automaton (it would have been too large) every pattern is tried: slow, never wrong.
            out.clear();
            out.extend(0..self.signals.len() as u32);
            return;
        };
        let mut seen: Vec<bool> = Vec::new();
        for found in prefilter.find_overlapping_iter(text) {
            if seen.is_empty() {
                seen.resize(self.signals_by_text.len(), false);
            }
            let text_number = found.pattern().as_usize();
            if let Some(flag) = seen.get_mut(text_number).filter(|flag| !**flag) {
                *flag = true;
                out.extend(self.signals_by_text.get(text_number).into_iter().flatten());
            }
        }
        out.sort_unstable();
        out.dedup();
    }
}
