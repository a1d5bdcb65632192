//! A line of a failed request: its record, the text that rules were matched on, and what they found. A request keeps,
//! of however many lines, those in which a signal was first or last seen and a few around the failure.

use std::collections::{BTreeMap, HashSet};

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
    /// Signals found.
    pub hits: Vec<Hit>,
}

/// Decodes and matches: the rooms below and beside correlation, as it needs them.
pub trait Fold: Sync {
    /// The lines of some entries of one request, in order, without repetitions.
    fn lines(&self, held: Vec<Held>) -> Vec<Line>;
}

/// Lines without any signal that are kept for context.
const CONTEXT_LINES: usize = 24;

/// Keeps the lines that can matter: for every signal its first and last occurrence, every line with a mark, and
/// the most severe others. The result is the same however often and on whatever parts this was done before.
pub fn reduce(lines: &mut Vec<Line>) {
    lines.sort_by(|a, b| a.order.cmp(&b.order).then(a.at.cmp(&b.at)));
    let mut seen = HashSet::new();
    lines.retain(|line| seen.insert(line.identity));
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

fn weight(record: &Record) -> (bool, Option<Level>) {
    let telling = record
        .marks
        .has(Marks::CRASH | Marks::TIMEOUT | Marks::OUT_OF_MEMORY | Marks::ERROR_BLOCK | Marks::SUMMARY);
    (telling, record.level)
}
