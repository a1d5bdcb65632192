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
#[derive(Debug, Default)]
pub struct StreamState {
    /// Requests begun and not ended, by key.
    open: Vec<u64>,
    /// The request of the last line with an ID, where the stream serves one at a time.
    current: Option<u64>,
    /// Output before any request: belongs to the next one.
    init: Vec<(Record, &'static str)>,
    /// Error blocks that wait for the completion beside them.
    blocks: Vec<(Record, &'static str)>,
    /// Completions that went by while a block waited.
    passed: u32,
    /// The completion just before, if it failed and has no block yet.
    failed_before: Option<u64>,
    /// Any completion was seen.
    completions: u64,
    /// The request of the last block that was one of its own, with its text, to recognise a second print.
    last_block: Option<(u64, u64)>,
}

/// Where a line without an ID goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// To this request.
    Request(u64),
    /// It waits in the state.
    Waits,
    /// It is a request of its own.
    Own,
    /// The same block printed twice for one request.
    Repeats(u64),
    /// Nowhere.
    Nowhere,
}

/// Records that a line with an ID sets free for its request.
pub type Freed = Vec<(Record, &'static str)>;

impl StreamState {
    /// A line with an ID passes. Returns lines that waited for it. `backwards`: the source runs newest first, so
    /// ends come before starts.
    pub fn identified(&mut self, key: u64, marks: Marks, failed: bool, backwards: bool) -> Freed {
        let (opens, closes) = if backwards { (Marks::END, Marks::START) } else { (Marks::START, Marks::END) };
        let mut freed = Vec::new();
        if marks.has(opens) && !self.open.contains(&key) {
            self.open.push(key);
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
        if marks.has(Marks::CLIENT) {
            self.completions += 1;
            self.failed_before = None;
            if failed {
                if self.blocks.is_empty() {
                    self.failed_before = Some(key);
                } else {
                    freed.push(self.blocks.remove(0));
                    self.passed = 0;
                }
            } else if !self.blocks.is_empty() {
                self.passed += 1;
            }
        }
        freed
    }

    /// A line without an ID. `one_at_a_time`: the stream serves one request at a time.
    pub fn unidentified(&self, record: &Record, one_at_a_time: bool) -> Place {
        if record.marks.has(Marks::INIT) {
            return Place::Waits;
        }
        match (&self.open[..], one_at_a_time) {
            ([only], true) => return Place::Request(*only),
            ([], true) => {
                return match self.current {
                    Some(current) => Place::Request(current),
                    None => Place::Waits,
                };
            }
            (_, true) => return Place::Nowhere,
            _ => {}
        }
        if !is_block(record) {
            return Place::Nowhere;
        }
        if let Some(key) = self.failed_before {
            return Place::Request(key);
        }
        if record.marks.has(Marks::ERROR_BLOCK) && self.completions == 0 {
            return match self.last_block {
                Some((key, text)) if prints_twice(record) && text == text_key(record) => Place::Repeats(key),
                _ => Place::Own,
            };
        }
        Place::Waits
    }

    /// Puts a line aside for the next request. Returns what had to give way.
    pub fn wait(&mut self, record: Record, format: &'static str) -> Option<(Record, &'static str)> {
        let queue = if is_block(&record) && !record.marks.has(Marks::INIT) && self.completions > 0 {
            &mut self.blocks
        } else if record.marks.has(Marks::INIT)
            || self.open.is_empty() && self.current.is_none() && self.completions == 0 && !is_block(&record)
        {
            &mut self.init
        } else {
            &mut self.blocks
        };
        queue.push((record, format));
        let too_many = queue.len() > MAX_PENDING;
        if too_many { Some(queue.remove(0)) } else { None }
    }

    /// Notes that a block was attached to, or became, the request `key`.
    pub fn attached(&mut self, key: u64, record: &Record) {
        if is_block(record) {
            self.failed_before = None;
            self.last_block = match self.last_block {
                // A second print was taken; a third block is a new request.
                Some((last, text)) if last == key && text == text_key(record) => None,
                _ => Some((key, text_key(record))),
            };
        }
    }

    /// Blocks that waited past their turn, or all of them at the end of the source.
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
