//! Joins what one stream continues: the pieces that a container runtime cut a long line into, and the lines of a stack
//! that each have a prefix of their own. Works on entries as their container left them, before any payload is read, and
//! hands them out in the order in which they began. Nothing is read here, and nothing is joined across streams.

use std::collections::VecDeque;

use super::text_parts::first_line;
use super::{lines, prefixed};
use crate::record::{Marks, Record};

/// Entries that wait for their continuation at a time; more streams than that are not told apart well.
const MAX_OPEN: usize = 64;
/// How many entries of other streams may stand between two lines of one.
const MAX_DISTANCE: u64 = 256;
/// Longest time between two lines of a stack, in milliseconds; one write of a program is read at once.
const MAX_GAP_MS: i64 = 2_000;
/// Most lines of an entry.
const MAX_LINES: u32 = 1_000;
/// Longest entry, in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Entries of one source that may go on.
#[derive(Debug, Default)]
pub struct Joiner {
    /// In the order in which they began.
    open: VecDeque<Open>,
    /// Entries that are whole.
    whole: Vec<(Record, u8)>,
}

#[derive(Debug)]
struct Open {
    record: Record,
    container: u8,
    lines: u32,
    /// Number of the last frame that was joined to it, and its time.
    last_entry: u64,
    last_ms: Option<i64>,
    /// Nothing more belongs to it.
    closed: bool,
}

impl Joiner {
    /// Takes the next entry of the source; true if it continues an earlier one.
    pub fn push(&mut self, record: Record, container: u8) -> bool {
        let entry = record.at.entry;
        if let Some(open) =
            self.open.iter_mut().rev().find(|open| !open.closed && open.has_stream_of(&record))
        {
            if open.is_continued_by(&record) {
                open.append(&record);
                return true;
            }
            open.closed = true;
        }
        let closed = is_object(&record);
        let last_ms = record.time_ms;
        self.open.push_back(Open { record, container, lines: 1, last_entry: entry, last_ms, closed });
        while let Some(front) = self.open.front()
            && (front.closed
                || self.open.len() > MAX_OPEN
                || entry.saturating_sub(front.last_entry) > MAX_DISTANCE)
        {
            self.close_first();
        }
        false
    }

    /// The source ended.
    pub fn finish(&mut self) {
        while !self.open.is_empty() {
            self.close_first();
        }
    }

    /// Takes the entries that are whole, with the indexes of their containers.
    pub fn take_whole(&mut self) -> Vec<(Record, u8)> {
        std::mem::take(&mut self.whole)
    }

    fn close_first(&mut self) {
        let Some(Open { mut record, container, .. }) = self.open.pop_front() else { return };
        record.marks.remove(Marks::PIECE);
        record.message.truncate(record.message.trim_end().len());
        if lines::begins_with_fragment(&record.message) {
            record.marks.insert(Marks::CONTINUATION);
        }
        self.whole.push((record, container));
    }
}

impl Open {
    fn has_stream_of(&self, record: &Record) -> bool {
        let channel = |record: &Record| record.field(prefixed::CHANNEL).map(str::to_owned);
        self.record.stream == record.stream && channel(&self.record) == channel(record)
    }

    fn is_continued_by(&self, record: &Record) -> bool {
        if self.lines >= MAX_LINES || self.record.message.len() + record.message.len() > MAX_BYTES {
            return false;
        }
        if self.record.marks.has(Marks::PIECE) {
            return true;
        }
        let gap_ms = match (self.last_ms, record.time_ms) {
            (Some(last), Some(next)) => next.saturating_sub(last).saturating_abs(),
            _ => 0,
        };
        let first = first_line(&record.message);
        gap_ms <= MAX_GAP_MS && !lines::starts_entry(first.as_bytes())
    }

    fn append(&mut self, record: &Record) {
        if !self.record.marks.has(Marks::PIECE) {
            self.record.message.push('\n');
            self.lines += 1;
        }
        self.record.message.push_str(&record.message);
        if !record.marks.has(Marks::PIECE) {
            self.record.marks.remove(Marks::PIECE);
            self.closed = is_object(&self.record);
        }
        self.last_entry = record.at.entry;
        self.last_ms = record.time_ms;
    }
}

/// Whether an entry is one JSON object: nothing continues it.
fn is_object(record: &Record) -> bool {
    !record.marks.has(Marks::PIECE)
        && record.message.starts_with("{\"")
        && record.message.trim_end().ends_with('}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Position;

    fn record(entry: u64, stream: &str, message: &str) -> Record {
        let (message, marks) = match message.strip_suffix('…') {
            Some(piece) => (piece, Marks::PIECE),
            None => (message, Marks::default()),
        };
        Record {
            at: Position { entry, line: entry, ..Position::default() },
            time_ms: Some(1_000 + entry as i64),
            stream: Some(stream.to_owned()),
            message: message.to_owned(),
            marks,
            ..Record::default()
        }
    }

    fn join(parts: &[(&str, &str)]) -> Vec<String> {
        let mut joiner = Joiner::default();
        for (entry, (stream, message)) in parts.iter().enumerate() {
            joiner.push(record(entry as u64 + 1, stream, message), 0);
        }
        joiner.finish();
        joiner.take_whole().into_iter().map(|(record, _)| record.message).collect()
    }

    #[test]
    fn pieces_are_put_together_without_anything_between() {
        let parts =
            [("a", "{\"level\":50,\"ti…"), ("b", "hello"), ("a", "me\":1…"), ("a", "}"), ("a", "next")];
        assert_eq!(join(&parts), ["{\"level\":50,\"time\":1}", "hello", "next"]);
    }

    #[test]
    fn a_stack_is_joined_within_its_stream() {
        let parts = [
            ("err", "TypeError: no"),
            ("out", "GET / 200"),
            ("err", "    at f (a.js:1:1)"),
            ("out", "    indented"),
            ("err", "    at g (a.js:2:1)"),
            ("err", ""),
            ("err", "Node.js v24.0.0"),
            ("err", "TypeError: again"),
        ];
        assert_eq!(
            join(&parts),
            [
                "TypeError: no\n    at f (a.js:1:1)\n    at g (a.js:2:1)\n\nNode.js v24.0.0",
                "GET / 200\n    indented",
                "TypeError: again"
            ]
        );
    }

    #[test]
    fn nothing_continues_an_object_or_an_entry_long_past() {
        assert_eq!(join(&[("a", "{\"a\":1}"), ("a", "    at f (a.js:1:1)")]).len(), 2);
        let mut joiner = Joiner::default();
        joiner.push(record(1, "a", "TypeError: no"), 0);
        let mut late = record(2, "a", "    at f (a.js:1:1)");
        late.time_ms = Some(9_000);
        assert!(!joiner.push(late, 0));
        joiner.finish();
        let whole = joiner.take_whole();
        assert!(whole[1].0.marks.has(Marks::CONTINUATION), "it is still known to continue something");
    }

    #[test]
    fn memory_and_waiting_are_bounded() {
        let mut joiner = Joiner::default();
        for entry in 0..1_000 {
            joiner.push(record(entry, &entry.to_string(), "text"), 0);
            assert!(joiner.open.len() <= MAX_OPEN);
        }
        let mut joiner = Joiner::default();
        joiner.push(record(1, "quiet", "text"), 0);
        for entry in 2..500 {
            joiner.push(record(entry, "busy", "text"), 0);
        }
        assert!(joiner.take_whole().len() > 200, "a quiet stream holds nobody up for long");
    }
}
