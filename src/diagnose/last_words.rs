//! What a backend printed outside any request when it ended or failed, as the explanation of what its proxy says of a
//! request: that the backend refuses, or that it hung up. Each request is looked at by itself: its own lines and the set
//! of lines outside requests decide, nothing that other requests say.
//!
//! It is evidence by time only, so it is narrow: a proxy's failure without any cause of its own, an ending (or, for a
//! connection that was lost, an error) of another program just before, and only one such cause.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::Folder;
use super::weigh::{Diagnosis, weigh};
use crate::correlate::held::Held;
use crate::correlate::last_words::ends_process;
use crate::correlate::line::{Fold, Line};
use crate::record::Marks;
use crate::rules::RuleSet;

/// Time for which a process that ended explains what its proxy says, in milliseconds.
const REACH_MS: i64 = 60_000;
/// Time within which the error of a process and the lost connection of its proxy are one failure, in milliseconds: proxies
/// log whole seconds.
const BESIDE_MS: i64 = 2_000;
/// Time in which a program that ends prints why, and that it ends, in milliseconds.
const SAME_END_MS: i64 = 5_000;
/// Entries of its source within which it does.
const BESIDE_ENTRIES: i64 = 8;

/// Entries outside any request that belong together, with what the rules say of them.
pub struct Outside {
    /// Their lines: one entry's, or those around the end of a program.
    pub lines: Vec<Line>,
    /// What the rules say of them.
    pub diagnosis: Diagnosis,
    /// The process, or a worker of it, ended.
    ended: bool,
}

/// What a proxy says of its backend.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gone {
    /// Nothing listened.
    Refused,
    /// It hung up, or gave no usable answer.
    Lost,
}

/// An entry, and what counts here of it.
#[derive(Clone)]
struct Entry {
    held: Held,
    time_ms: Option<i64>,
    /// It tells that a process ended.
    ends: bool,
}

/// What stands outside requests, diagnosed, in order.
pub fn outside(held: Vec<Held>, folder: &Folder<'_>, rules: &RuleSet) -> Vec<Outside> {
    let mut all: Vec<Outside> = Vec::new();
    for entries in around_endings(held, folder) {
        let ended = entries.iter().any(|entry| entry.ends);
        let lines = folder.lines(entries.into_iter().map(|entry| entry.held).collect());
        let diagnosis = weigh(&lines, rules);
        all.push(Outside { lines, diagnosis, ended });
    }
    all.sort_by_key(|one| one.lines.first().map(|line| (line.order, line.at)));
    all
}

/// Entries in groups: those around the end of a program as one, for many print why, and then (or first) that they end;
/// all others each by itself.
fn around_endings(held: Vec<Held>, folder: &Folder<'_>) -> Vec<Vec<Entry>> {
    let mut places: BTreeMap<(u32, Option<String>), Vec<Entry>> = BTreeMap::new();
    for held in held {
        // Before texts are taken out of the record.
        let records = folder.records(vec![held.clone()]);
        let first = records.first();
        let (stream, time_ms) = (first.and_then(|one| one.stream.clone()), first.and_then(|one| one.time_ms));
        let ends = records.iter().any(ends_process);
        places.entry((held.order.source, stream)).or_default().push(Entry { held, time_ms, ends });
    }
    let mut groups: Vec<Vec<Entry>> = Vec::new();
    for mut entries in places.into_values() {
        entries.sort_by_key(|entry| (entry.held.order.sequence, entry.held.order.part));
        for group in entries.chunk_by(stand_together) {
            if group.iter().any(|entry| entry.ends) {
                groups.push(group.to_vec());
            } else {
                groups.extend(group.iter().map(|entry| vec![entry.clone()]));
            }
        }
    }
    groups
}

/// Whether two entries of one place are of one end, if one is told there.
fn stand_together(one: &Entry, next: &Entry) -> bool {
    let gap = next.held.order.sequence - one.held.order.sequence;
    let apart_ms = one.time_ms.zip(next.time_ms).map_or(0, |(a, b)| (b - a).abs());
    gap <= BESIDE_ENTRIES && apart_ms <= SAME_END_MS && one.time_ms.is_some() == next.time_ms.is_some()
}

impl Outside {
    /// First and last time.
    fn span_ms(&self) -> Option<(i64, i64)> {
        let times = || self.lines.iter().filter_map(|line| line.record.time_ms);
        times().min().zip(times().max())
    }

    /// Source and stream: the program that wrote it.
    fn place(&self) -> Option<(u32, Option<&str>)> {
        self.lines.first().map(place)
    }

    /// Whether it explains a failure of a time.
    fn explains(&self, gone: Gone, (from_ms, to_ms): (i64, i64)) -> bool {
        let Some((first_ms, last_ms)) = self.span_ms() else { return false };
        let within = |before_ms: i64| {
            last_ms >= to_ms.saturating_sub(before_ms) && first_ms <= from_ms.saturating_add(BESIDE_MS)
        };
        let beside = gone == Gone::Lost && self.diagnosis.rule.is_some() && within(BESIDE_MS);
        (self.ended && within(REACH_MS)) || beside
    }
}

fn place(line: &Line) -> (u32, Option<&str>) {
    (line.at.source, line.record.stream.as_deref())
}

/// Adds to the lines of a failed request the last words of its backend, if they explain what its proxy says.
pub fn add(lines: &mut Vec<Line>, outside: &[Outside], rules: &RuleSet) {
    if !outside.iter().any(|one| one.ended || one.diagnosis.rule.is_some()) {
        return;
    }
    let Some(gone) = gone(lines, rules) else { return };
    let own: BTreeSet<_> = lines.iter().map(place).collect();
    let others: Vec<&Outside> = outside
        .iter()
        .filter(|one| one.place().is_some_and(|place| !own.contains(&place)))
        .filter(|one| !says_gone(&one.lines, rules))
        .collect();
    let times = || {
        lines
            .iter()
            .filter(|line| !line.record.marks.has(Marks::NO_TIME))
            .filter_map(|line| line.record.time_ms)
    };
    let span = times().min().zip(times().max());
    let timed: Vec<&Outside> =
        others.iter().copied().filter(|one| span.is_some_and(|span| one.explains(gone, span))).collect();
    let untimed = || others.iter().copied().filter(|one| one.ended && one.span_ms().is_none()).collect();
    let found = if timed.is_empty() { only_cause(untimed()) } else { only_cause(timed) };
    let Some(found) = found else { return };
    for line in &found.lines {
        let mut line = line.clone();
        line.record.marks.insert(Marks::LAST_WORDS);
        // It is a witness from elsewhere: where the request ran is told by its own lines.
        (line.record.stream, line.record.status, line.record.path, line.record.route) =
            (None, None, None, None);
        let at = lines.partition_point(|own| (own.order, own.at) < (line.order, line.at));
        lines.insert(at, line);
    }
}

/// The latest of entries that have one cause, or that one program printed; none where they could be of several. Entries
/// of which nothing is known speak only where no other does.
fn only_cause(found: Vec<&Outside>) -> Option<&Outside> {
    let known: Vec<&Outside> = found.iter().copied().filter(|one| one.diagnosis.rule.is_some()).collect();
    let found = if known.is_empty() { found } else { known };
    let causes: BTreeSet<_> = found.iter().map(|one| one.diagnosis.rule).collect();
    let places: BTreeSet<_> = found.iter().filter_map(|one| one.place()).collect();
    found.last().copied().filter(|_| causes.len() == 1 || places.len() == 1)
}

/// What the request's own lines say of a backend, where they name no other cause.
fn gone(lines: &[Line], rules: &RuleSet) -> Option<Gone> {
    let own = weigh(lines, rules);
    if let Some(rule) = own.rule.or(own.symptom).and_then(|rule| rules.by_index(rule)) {
        let said = if rule.subclass == "refused" { Gone::Refused } else { Gone::Lost };
        return rule.backend_gone.then_some(said);
    }
    // A bare access line of a proxy: whatever it met, it met no backend that answered.
    let bare = lines.iter().all(|line| line.record.payload == "access-log");
    let by_proxy = lines.iter().any(|line| matches!(line.record.status, Some(502 | 503)));
    (bare && by_proxy && own.rivals.is_empty()).then_some(Gone::Refused)
}

/// Whether lines say of a backend that it is gone: a proxy's, not the backend's.
fn says_gone(lines: &[Line], rules: &RuleSet) -> bool {
    let hits = lines.iter().flat_map(|line| &line.hits);
    hits.filter_map(|hit| rules.by_index(hit.rule)).any(|rule| rule.backend_gone && !rule.symptom)
}

#[cfg(test)]
mod tests;
