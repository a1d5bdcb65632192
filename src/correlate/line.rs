//! A line of a failed request: its record, the text that rules were matched on, and what they found. A request keeps,
//! of however many lines, those in which a signal was first or last seen and a few around the failure.

use std::collections::BTreeMap;

use hashbrown::HashSet;

use super::dimensions::Dimensions;
use super::held::{Held, Order};
use crate::record::{Level, Marks, Position, Record};
use crate::rules::Hit;

/// One decoded and matched line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Equal for equal lines.
    pub identity: u64,
    /// Place in the request.
    pub order: Order,
    /// Place in the input.
    pub at: Position,
    /// The record; its message and error text have moved to `text`.
    pub record: Record,
    /// Joined text.
    pub text: String,
    /// Where an error begins in the text that the logger was given beside its message, in bytes; else 0.
    pub error_at: usize,
    /// Signals found.
    pub hits: Vec<Hit>,
}

impl Line {
    /// Bytes that it takes, roughly.
    pub fn bytes(&self) -> usize {
        let record = &self.record;
        self.text.len()
            + record.message.len()
            + record.fields.iter().map(|(key, value)| key.len() + value.len() + 48).sum::<usize>()
            + self.hits.len() * 128
            + 768
    }
}

/// Decodes and matches: the rooms below and beside correlation, as it needs them.
pub trait Fold: Sync {
    /// The lines of some entries of one request, in order, without repetitions.
    fn lines(&self, held: Vec<Held>) -> Vec<Line>;

    /// The records of these entries, not joined and not matched.
    fn records(&self, held: Vec<Held>) -> Vec<Record>;

    /// Adds what a record says of where and for whom its request ran.
    fn dimensions(&self, record: &Record, into: &mut Dimensions);
}

/// Longest joined text that rules are matched on, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Lines without any signal that are kept for context.
const CONTEXT_LINES: usize = 24;

/// Keeps the lines that can matter: for every signal its first and last occurrence, every line with a mark, and
/// the most severe others. The result is the same however often and on whatever parts this was done before.
pub fn reduce(lines: &mut Vec<Line>) {
    lines.sort_by(|a, b| a.order.cmp(&b.order).then(a.at.cmp(&b.at)));
    let mut seen = HashSet::new();
    lines.retain(|line| seen.insert(line.identity));
    if lines.len() <= CONTEXT_LINES {
        return;
    }
    let mut first_last: BTreeMap<(u16, u16), (u64, u64)> = BTreeMap::new();
    for line in lines.iter() {
        for hit in &line.hits {
            first_last
                .entry((hit.rule, hit.signal))
                .and_modify(|(_, last)| *last = line.identity)
                .or_insert((line.identity, line.identity));
        }
    }
    let mut keep: HashSet<u64> = first_last.values().flat_map(|(first, last)| [*first, *last]).collect();
    let mut others: Vec<&Line> = lines.iter().filter(|line| !keep.contains(&line.identity)).collect();
    others.sort_by_key(|line| (std::cmp::Reverse(weight(&line.record)), line.order));
    let context: Vec<u64> = others.iter().take(CONTEXT_LINES).map(|line| line.identity).collect();
    keep.extend(context);
    lines.retain(|line| keep.contains(&line.identity));
}

/// Lines that a request keeps when memory is short, and how long their texts may be.
const FEW_LINES: usize = 6;
const SHORT_BYTES: usize = 2 * 1024;

/// Keeps a few lines of those that [`reduce`] kept: those with the strongest signals, then the most telling. Whether any
/// text was lost.
pub fn cut(lines: &mut Vec<Line>) -> bool {
    let before = lines.len();
    let strongest = |line: &Line| line.hits.iter().map(|hit| hit.strength).max();
    let mut order: Vec<usize> = (0..before).collect();
    order.sort_by_key(|at| {
        let line = &lines[*at];
        (std::cmp::Reverse((strongest(line), weight(&line.record))), line.order, *at)
    });
    order.truncate(FEW_LINES);
    let keep: HashSet<usize> = order.into_iter().collect();
    let mut at = 0;
    lines.retain(|_| {
        at += 1;
        keep.contains(&(at - 1))
    });
    let mut lost = lines.len() < before;
    for line in lines {
        if line.text.len() > SHORT_BYTES {
            let end = line.text.floor_char_boundary(SHORT_BYTES);
            // What a signal matched is cited, so it stays.
            let end = line.hits.iter().map(|hit| hit.end).fold(end, usize::max);
            lost |= end < line.text.len();
            let end = line.text.floor_char_boundary(end);
            line.text.truncate(end);
            line.text.shrink_to_fit();
        }
    }
    lost
}

fn weight(record: &Record) -> (bool, Option<Level>) {
    let telling = record
        .marks
        .has(Marks::CRASH | Marks::TIMEOUT | Marks::OUT_OF_MEMORY | Marks::ERROR_BLOCK | Marks::SUMMARY);
    (telling, record.level)
}
