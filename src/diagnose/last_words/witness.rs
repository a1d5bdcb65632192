//! Entries outside any request that belong together, with what the rules say of them: those around the end of a program as
//! one, for many print why, and then (or first) that they end; all others each by itself.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::correlate::held::Held;
use crate::correlate::last_words::{ends_process, serves};
use crate::correlate::line::{Fold, Line};
use crate::diagnose::fold::Folder;
use crate::diagnose::weigh::{Diagnosis, weigh};
use crate::rules::RuleSet;

/// Time in which a program that ends prints why, and that it ends, in milliseconds.
const SAME_END_MS: i64 = 5_000;
/// Entries of its source within which it does.
const BESIDE_ENTRIES: i64 = 8;

/// What stands outside requests, and what the rules say of it.
pub struct Witness {
    /// The lines: one entry's, or those around the end of a program.
    pub lines: Vec<Line>,
    /// What the rules say of them.
    pub diagnosis: Diagnosis,
    /// A process, or a worker of it, ended.
    pub(super) end: Option<End>,
    /// It is a proxy that speaks of its backend.
    pub(super) is_proxy: bool,
}

/// When a program ended.
pub(super) struct End {
    /// Where it is told first.
    pub first: Moment,
    /// Where it is told last.
    pub last: Moment,
    /// Where the program said that it serves again.
    pub back: Option<Moment>,
    /// Nothing but a few lines follows, and no other end.
    pub is_last: bool,
}

/// Where an entry stands.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub time_ms: Option<i64>,
    pub source: u32,
    pub sequence: i64,
}

impl Moment {
    /// Whether two entries of one program can be of one end.
    fn is_near(self, other: Moment) -> bool {
        let apart_ms = self.time_ms.zip(other.time_ms).map_or(0, |(a, b)| (b - a).abs());
        other.source == self.source
            && (other.sequence - self.sequence).abs() <= BESIDE_ENTRIES
            && apart_ms <= SAME_END_MS
            && self.time_ms.is_some() == other.time_ms.is_some()
    }
}

/// Entries with the end of a program and what follows, if it says no more: fewer than are kept beside an end.
const FEW_ENTRIES: usize = 5;

/// An entry, and what counts here of it.
struct Entry {
    held: Held,
    at: Moment,
    /// It tells that a process ended.
    ends: bool,
    /// It tells that a process serves.
    serves: bool,
}

/// What stands outside requests, diagnosed, in order.
pub fn witnesses(held: Vec<Held>, folder: &Folder<'_>, rules: &RuleSet) -> Vec<Witness> {
    let mut all: Vec<Witness> = Vec::new();
    for (entries, end) in groups(held, folder) {
        let lines = folder.lines(entries);
        let diagnosis = weigh(&lines, rules);
        if end.is_some() || diagnosis.rule.is_some() {
            let hits = lines.iter().flat_map(|line| &line.hits);
            let is_proxy = hits
                .filter_map(|hit| rules.by_index(hit.rule))
                .any(|rule| rule.backend_gone && !rule.symptom);
            all.push(Witness { lines, diagnosis, end, is_proxy });
        }
    }
    all.sort_by_key(|one| one.lines.first().map(|line| (line.order, line.at)));
    // What was given twice is told once.
    let mut seen = hashbrown::HashSet::new();
    all.retain(|one| seen.insert(one.lines.iter().map(|line| line.identity).collect::<Vec<_>>()));
    all
}

fn groups(held: Vec<Held>, folder: &Folder<'_>) -> Vec<(Vec<Held>, Option<End>)> {
    let mut programs: BTreeMap<(u32, Option<String>), Vec<Entry>> = BTreeMap::new();
    for held in held {
        // Before texts are taken out of the record.
        let records = folder.records(vec![held.clone()]);
        let first = records.first();
        let (source, sequence) = (held.order.source, held.order.sequence);
        let at = Moment { time_ms: first.and_then(|one| one.time_ms), source, sequence };
        let (ends, serves) = (records.iter().any(ends_process), records.iter().any(serves));
        let program = (source, first.and_then(|one| one.stream.clone()));
        programs.entry(program).or_default().push(Entry { held, at, ends, serves });
    }
    let mut groups = Vec::new();
    for mut entries in programs.into_values() {
        entries.sort_by_key(|entry| (entry.held.order.sequence, entry.held.order.part));
        let ends = ends_of(&entries);
        let mut from = 0;
        for (around, end) in ends {
            groups
                .extend(entries[from..*around.start()].iter().map(|entry| (vec![entry.held.clone()], None)));
            from = around.end() + 1;
            groups.push((entries[around].iter().map(|entry| entry.held.clone()).collect(), Some(end)));
        }
        groups.extend(entries[from..].iter().map(|entry| (vec![entry.held.clone()], None)));
    }
    groups
}

/// The ends that entries of one program tell of, each with the entries around it.
fn ends_of(entries: &[Entry]) -> Vec<(RangeInclusive<usize>, End)> {
    let mut told: Vec<(usize, usize)> = Vec::new();
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.ends) {
        match told.last_mut() {
            Some((first, last))
                if entries[*first].at.is_near(entry.at)
                    && !entries[*last..index].iter().any(|between| between.serves) =>
            {
                *last = index;
            }
            _ => told.push((index, index)),
        }
    }
    let mut ends: Vec<(RangeInclusive<usize>, End)> = Vec::new();
    for (number, (first, last)) in told.iter().copied().enumerate() {
        let taken = ends.last().map_or(0, |(around, _)| around.end() + 1);
        let next = told.get(number + 1).map_or(entries.len(), |(next, _)| *next);
        let beside =
            |index: usize, end: usize| entries[index].at.is_near(entries[end].at) && !entries[index].serves;
        let before = (taken..first).rev().take_while(|index| beside(*index, first)).last();
        let after = (last + 1..next).take_while(|index| beside(*index, last)).last();
        let (back, is_last) = (back(&entries[last + 1..]), entries.len() - last <= FEW_ENTRIES);
        let end = End { first: entries[first].at, last: entries[last].at, back, is_last };
        ends.push((before.unwrap_or(first)..=after.unwrap_or(last), end));
    }
    ends
}

/// Where a program serves again, by the entries after its end: it serves if it does not end at once.
fn back(after: &[Entry]) -> Option<Moment> {
    let serves = |(index, entry): &(usize, &Entry)| {
        let next_end = after[*index..].iter().find(|later| later.ends);
        entry.serves && !next_end.is_some_and(|next| entry.at.is_near(next.at))
    };
    after.iter().enumerate().find(serves).map(|(_, entry)| entry.at)
}

impl Witness {
    /// Source and stream: the program that wrote it.
    pub(super) fn program(&self) -> (u32, Option<&str>) {
        self.lines.first().map_or((0, None), program)
    }

    /// Whether another witness may tell of the same end.
    pub(super) fn is_same_end(&self, other: &Witness) -> bool {
        let (Some(one), Some(other)) = (&self.end, &other.end) else { return false };
        match (one.first.time_ms, other.first.time_ms) {
            (Some(one_ms), Some(other_ms)) => (one_ms - other_ms).abs() <= SAME_END_MS,
            _ => one.first.is_near(other.first),
        }
    }
}

/// Source and stream of a line.
pub(super) fn program(line: &Line) -> (u32, Option<&str>) {
    (line.at.source, line.record.stream.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::held::Order;
    use crate::record::{Position, Record};

    /// Entries of one program by second and text, and the ends that they tell of: first and last entry, and where it is back.
    fn ends(told: &[(i64, &str)]) -> Vec<(usize, usize, Option<i64>)> {
        let entry = |(index, (second, text)): (usize, &(i64, &str))| {
            let at = Position { entry: index as u64, ..Position::default() };
            let record =
                Record { at, time_ms: Some(second * 1000), message: (*text).to_owned(), ..Record::default() };
            let (ends, serves) = (ends_process(&record), serves(&record));
            let moment = Moment { time_ms: record.time_ms, source: 0, sequence: index as i64 };
            let order = Order::new(record.time_ms, at, false);
            Entry { held: Held::of_record(index as u64, order, record, "lines"), at: moment, ends, serves }
        };
        let entries: Vec<Entry> = told.iter().enumerate().map(entry).collect();
        let second = |moment: Moment| moment.time_ms.map_or(0, |ms| ms / 1000);
        ends_of(&entries)
            .into_iter()
            .map(|(around, end)| (*around.start(), *around.end(), end.back.map(second)))
            .collect()
    }

    #[test]
    fn an_end_is_what_stands_around_it() {
        let told = [
            (1, "warming the cache"),
            (10, "Error: no such table"),
            (10, "exited with code 1"),
            (11, "restarting"),
            (12, "listening on 3000"),
            (30, "all is well"),
        ];
        assert_eq!(ends(&told), [(1, 3, Some(12))]);
        assert_eq!(ends(&[(1, "listening on 3000"), (2, "migrate-1 exited with code 0")]), []);
    }

    #[test]
    fn programs_that_end_again_and_again_tell_of_many_ends() {
        let told: Vec<(i64, &str)> = (0..6).map(|n| (n * 4, "exited with code 1")).collect();
        assert_eq!(ends(&told), [(0, 1, None), (2, 3, None), (4, 5, None)]);
        let loops = [
            (0, "exited with code 1"),
            (2, "listening on 3000"),
            (4, "exited with code 1"),
            (9, "listening on 3000"),
        ];
        assert_eq!(ends(&loops), [(0, 0, Some(9)), (2, 2, Some(9))], "it served for no time");
    }
}
