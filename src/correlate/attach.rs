//! Lines without an ID: which request they belong to, by stream and order.
//!
//! Three cases, from sure to less sure. A stream that serves one request at a time (a Lambda log stream) brackets
//! its lines between START and REPORT. A stack that a framework prints beside an access or completion line belongs to
//! the failed one next to it. A framework's error block with no request line at all is a request of its own.

use crate::record::{Marks, Record};

/// Most lines that wait for a request to attach to, per stream.
const MAX_PENDING: usize = 64;
/// How many healthy completions may stand between an error block and its own.
const MAX_PASSED: u32 = 8;

/// What one stream (or one source) has shown so far.
#[derive(Debug, Clone, Default)]
pub struct StreamState {
    /// The stream brackets requests (START … REPORT): it serves one at a time.
    bracketed: bool,
    /// Requests begun and not ended, by key.
    open: Vec<u64>,
    /// The request of the last line with an ID.
    current: Option<u64>,
    /// Output before any request: belongs to the next one.
    init: Freed,
    /// Error blocks that wait for the completion beside them.
    blocks: Freed,
    /// Completions that went by while a block waited.
    passed: u32,
    /// The completion just before, if it failed and has no block yet.
    failed_before: Option<u64>,
    /// Completions seen.
    completions: u64,
    /// The request that the last block was given to, and the block's text, to recognise a second print.
    last_block: Option<(u64, u64)>,
}

/// Where a line without an ID goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// To this request.
    Request(u64),
    /// It waits for the next request of the stream.
    WaitsForStart,
    /// It waits for the failed completion beside it.
    WaitsForFailure,
    /// It is a request of its own.
    Own,
    /// Nowhere.
    Nowhere,
}

/// Records that a line with an ID sets free for its request, with their formats.
pub type Freed = Vec<(Record, &'static str)>;

impl StreamState {
    /// A line with an ID passes. Returns lines that waited for it. `brackets`: it is of a platform that serves one
    /// request at a time. `backwards`: the source runs newest first, so ends come before starts.
    pub fn identified(
        &mut self,
        key: u64,
        marks: Marks,
        failed: bool,
        brackets: bool,
        backwards: bool,
    ) -> Freed {
        let (opens, closes) = if backwards { (Marks::END, Marks::START) } else { (Marks::START, Marks::END) };
        let mut freed = Vec::new();
        self.bracketed |= brackets;
        if self.bracketed {
            if marks.has(opens) {
                if !self.open.contains(&key) {
                    self.open.push(key);
                }
                if self.open.len() > MAX_PENDING {
                    self.open.remove(0);
                }
                if !backwards {
                    freed.append(&mut self.init);
                }
            }
            self.current = Some(key);
            if marks.has(closes) {
                self.open.retain(|open| *open != key);
                if !backwards {
                    self.current = None;
                }
            }
        }
        if marks.has(Marks::CLIENT) {
            self.completions += 1;
            self.failed_before = None;
            if failed && !self.blocks.is_empty() {
                freed.push(self.blocks.remove(0));
                self.passed = 0;
            } else if failed {
                self.failed_before = Some(key);
            } else {
                self.passed += u32::from(!self.blocks.is_empty());
            }
        }
        freed
    }

    /// Where a line without an ID goes. `brackets` and `backwards` as in [`StreamState::identified`].
    pub fn unidentified(&self, record: &Record, brackets: bool, backwards: bool) -> Place {
        if record.marks.has(Marks::INIT) {
            // Output of the initialisation belongs to the START after it in time, which a source that runs
            // newest first has shown already.
            return match self.current.filter(|_| backwards) {
                Some(started) => Place::Request(started),
                None => Place::WaitsForStart,
            };
        }
        if self.bracketed || brackets {
            return match (&self.open[..], self.current) {
                ([only], _) => Place::Request(*only),
                ([], Some(current)) => Place::Request(current),
                ([], None) => Place::WaitsForStart,
                _ => Place::Nowhere,
            };
        }
        if !is_block(record) {
            return Place::Nowhere;
        }
        if let Some(key) = self.failed_before {
            return Place::Request(key);
        }
        if record.marks.has(Marks::ERROR_BLOCK) && self.completions == 0 {
            return match self.last_block {
                Some((key, text)) if prints_twice(record) && text == text_key(record) => Place::Request(key),
                _ => Place::Own,
            };
        }
        Place::WaitsForFailure
    }

    /// Puts a line aside. Returns what had to give way.
    pub fn wait(
        &mut self,
        record: Record,
        format: &'static str,
        place: Place,
    ) -> Option<(Record, &'static str)> {
        let queue = if place == Place::WaitsForStart { &mut self.init } else { &mut self.blocks };
        queue.push((record, format));
        (queue.len() > MAX_PENDING).then(|| queue.remove(0))
    }

    /// Notes that a block was given to, or became, the request `key`.
    pub fn attached(&mut self, key: u64, record: &Record) {
        if is_block(record) {
            self.failed_before = None;
            let text = text_key(record);
            // After a second print, a third block is a new request.
            self.last_block = if self.last_block == Some((key, text)) { None } else { Some((key, text)) };
        }
    }

    /// Blocks that waited past their turn, or all lines that wait at the end of the source.
    pub fn overdue(&mut self, at_end: bool) -> Freed {
        if at_end {
            let mut left = std::mem::take(&mut self.blocks);
            left.append(&mut self.init);
            return left;
        }
        if self.passed >= MAX_PASSED && !self.blocks.is_empty() {
            self.passed = 0;
            return vec![self.blocks.remove(0)];
        }
        Vec::new()
    }
}

/// Whether a line tells of a failure by itself: an error block, a crash, a stack.
fn is_block(record: &Record) -> bool {
    record.marks.has(Marks::ERROR_BLOCK | Marks::CRASH | Marks::OUT_OF_MEMORY | Marks::TIMEOUT)
        || (record.error_class.is_some()
            && record.level.is_none_or(|level| level >= crate::record::Level::Error))
}

/// Next.js prints an error of the Edge runtime twice for one request.
fn prints_twice(record: &Record) -> bool {
    record.message.contains("/server/edge/") || record.message.contains("edge-runtime")
}

fn text_key(record: &Record) -> u64 {
    xxhash_rust::xxh3::xxh3_64(record.message.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_of_the_initialisation_belongs_to_the_start_after_it_in_time() {
        let init = Record { marks: Marks::INIT, ..Record::default() };
        let mut forwards = StreamState::default();
        forwards.identified(1, Marks::START, false, true, false);
        forwards.identified(1, Marks::END, false, true, false);
        assert_eq!(forwards.unidentified(&init, true, false), Place::WaitsForStart);
        forwards.wait(init.clone(), "lines", Place::WaitsForStart);
        assert_eq!(forwards.identified(2, Marks::START, false, true, false).len(), 1);

        let mut backwards = StreamState::default();
        backwards.identified(2, Marks::END, false, true, true);
        backwards.identified(2, Marks::START, false, true, true);
        assert_eq!(backwards.unidentified(&init, true, true), Place::Request(2));
    }
}
