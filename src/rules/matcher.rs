//! Matches the rules on one record. Pure: the same record and text give the same hits, whatever came before.

use std::ops::RangeInclusive;

use regex::bytes::{Match, Regex};

use crate::record::Record;
use crate::rules::compile::CompiledSignal;
use crate::rules::load::RuleSet;
use crate::rules::model::{Effect, Scope, Strength};
use crate::rules::signal::capture_name;

/// Longest captured value, in characters.
const CAPTURE_CHARS: usize = 200;
/// Most matches of one signal that may fall on decoy lines before the signal is given up for this record.
const MASKED_MATCHES: usize = 64;

/// A signal that was found in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Index of the rule, see [`RuleSet::by_index`].
    pub rule: u16,
    /// Index of the signal in the rule.
    pub signal: u16,
    /// How sure it makes. `strong` where a signal that does not support states none.
    pub strength: Strength,
    /// For, against, or survived.
    pub effect: Effect,
    /// Named groups that took part, in the order of the pattern: trimmed, without control characters, at most
    /// 200 characters each, never empty.
    pub captures: Vec<(String, String)>,
    /// Byte range of the match in the text; 0 and 0 for signals of conditions only.
    pub start: usize,
    /// End of that range.
    pub end: usize,
}

impl RuleSet {
    /// Appends a hit for every signal found in this record, in the order of rules and signals; of a signal the
    /// first match that no decoy masks. `text` is what patterns are matched on (see [`Record::text`]; colour codes
    /// removed), `format` the name of the source's shape for conditions, empty if unknown.
    pub fn match_record(&self, record: &Record, text: &str, format: &str, hits: &mut Vec<Hit>) {
        let mut numbers = Vec::new();
        self.machine().candidates(text, &mut numbers);
        let candidates: Vec<&CompiledSignal> = numbers
            .iter()
            .filter_map(|number| self.machine().signals.get(*number as usize))
            .filter(|signal| signal.conditions_hold(record, format))
            .collect();
        if candidates.iter().all(|signal| signal.decoy.is_some()) {
            return;
        }
        let Some(masks) = masked_lines(&candidates, text) else { return };
        for signal in candidates.iter().filter(|signal| signal.decoy.is_none()) {
            hits.extend(find_hit(signal, record, text, &masks));
        }
    }

    /// Signals that would have been found in this record but for a decoy. `kept` are those that were found.
    pub fn masked_hits(&self, record: &Record, text: &str, format: &str, kept: &[Hit]) -> Vec<Hit> {
        let mut numbers = Vec::new();
        self.machine().candidates(text, &mut numbers);
        numbers
            .iter()
            .filter_map(|number| self.machine().signals.get(*number as usize))
            .filter(|signal| signal.decoy.is_none() && signal.conditions_hold(record, format))
            .filter(|signal| !kept.iter().any(|hit| (hit.rule, hit.signal) == (signal.rule, signal.signal)))
            .filter_map(|signal| find_hit(signal, record, text, &[]))
            .collect()
    }

    /// Ids of the decoys that mask something in this record. For the authors of rules.
    pub fn decoys_in(&self, record: &Record, text: &str, format: &str) -> Vec<&str> {
        let hits = self.decoy_hits(record, text, format);
        let rules = hits.iter().filter_map(|hit| self.by_index(hit.rule));
        let mut ids: Vec<&str> = rules.map(|rule| rule.id.as_str()).collect();
        ids.dedup();
        ids
    }

    /// Indexes of the signals of one rule that are found in this record, ascending; of a decoy, too. For the authors
    /// of rules.
    pub fn signals_found(&self, rule: u16, record: &Record, text: &str, format: &str) -> Vec<u16> {
        let mut hits = self.decoy_hits(record, text, format);
        self.match_record(record, text, format, &mut hits);
        hits.iter().filter(|hit| hit.rule == rule).map(|hit| hit.signal).collect()
    }

    fn decoy_hits(&self, record: &Record, text: &str, format: &str) -> Vec<Hit> {
        let mut numbers = Vec::new();
        self.machine().candidates(text, &mut numbers);
        numbers
            .iter()
            .filter_map(|number| self.machine().signals.get(*number as usize))
            .filter(|signal| signal.decoy.is_some() && signal.conditions_hold(record, format))
            .filter_map(|signal| find_hit(signal, record, text, &[]))
            .collect()
    }
}

/// Lines (byte ranges, line break included) on which signals count for nothing; `None` if nothing in the record counts.
fn masked_lines(candidates: &[&CompiledSignal], text: &str) -> Option<Vec<RangeInclusive<usize>>> {
    let mut masks = Vec::new();
    for signal in candidates {
        let Some(scope) = signal.decoy else { continue };
        let Some(pattern) = &signal.pattern else { return None };
        let Some(regex) = pattern.get() else { continue };
        match scope {
            Scope::Record if regex.is_match(text.as_bytes()) => return None,
            Scope::Record => {}
            Scope::Line => masks.extend(regex.find_iter(text.as_bytes()).map(|found| lines_of(text, &found))),
        }
    }
    Some(masks)
}

/// The whole lines that a match touches.
fn lines_of(text: &str, found: &Match<'_>) -> RangeInclusive<usize> {
    let bytes = text.as_bytes();
    let first =
        bytes.get(..found.start()).and_then(|head| memchr::memrchr(b'\n', head)).map_or(0, |at| at + 1);
    let last = found.start().max(found.end().saturating_sub(1));
    let end =
        bytes.get(last..).and_then(|tail| memchr::memchr(b'\n', tail)).map_or(bytes.len(), |at| last + at);
    first..=end
}

fn find_hit(
    signal: &CompiledSignal,
    record: &Record,
    text: &str,
    masks: &[RangeInclusive<usize>],
) -> Option<Hit> {
    let mut hit = Hit {
        rule: signal.rule,
        signal: signal.signal,
        strength: signal.strength,
        effect: signal.effect,
        captures: Vec::new(),
        start: 0,
        end: 0,
    };
    if let Some(pattern) = &signal.pattern {
        let regex = pattern.get()?;
        let found = first_unmasked(regex, text, masks)?;
        // A counted repetition may begin or end within a character.
        hit.start = text.floor_char_boundary(found.start());
        hit.end = text.ceil_char_boundary(found.end());
        hit.captures = captures(regex, text, found.start());
    }
    signal.captures_hold(record, &hit.captures).then_some(hit)
}

fn first_unmasked<'t>(regex: &Regex, text: &'t str, masks: &[RangeInclusive<usize>]) -> Option<Match<'t>> {
    let mut from = 0;
    for _ in 0..MASKED_MATCHES {
        if from > text.len() {
            return None;
        }
        let found = regex.find_at(text.as_bytes(), from)?;
        match masks.iter().filter(|mask| mask.contains(&found.start())).map(|mask| *mask.end()).max() {
            None => return Some(found),
            // A mask ends on a line break, so the next position is the start of a line.
            Some(end) => from = end + 1,
        }
    }
    None
}

fn captures(regex: &Regex, text: &str, start: usize) -> Vec<(String, String)> {
    if regex.captures_len() == 1 {
        return Vec::new();
    }
    let Some(groups) = regex.captures_at(text.as_bytes(), start) else { return Vec::new() };
    let mut out: Vec<(String, String)> = Vec::new();
    for group in regex.capture_names().flatten() {
        let name = capture_name(group);
        let Some(range) = groups.name(group).map(|found| found.range()) else { continue };
        let whole = text.get(text.ceil_char_boundary(range.start)..text.floor_char_boundary(range.end));
        let value = whole.map(clean).unwrap_or_default();
        // Of several groups of one capture the first in the pattern counts.
        if !value.is_empty() && !out.iter().any(|(known, _)| known == name) {
            out.push((name.to_owned(), value));
        }
    }
    out
}

fn clean(raw: &str) -> String {
    let visible: String = raw.chars().filter(|c| !c.is_control()).collect();
    let short: String = visible.trim().chars().take(CAPTURE_CHARS).collect();
    short.trim_end().to_owned()
}
