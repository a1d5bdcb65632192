//! Lines without an ID: which request they belong to, by stream and order.
//!
//! Three cases, from sure to less sure. A stream that serves one request at a time (a Lambda log stream) brackets
//! its lines between START and REPORT. A stack that a framework prints beside an access or completion line belongs to
//! the failed one next to it. A framework's error block with no request line at all is a request of its own.

use std::collections::VecDeque;

use xxhash_rust::xxh3::xxh3_64;

use crate::format::text_parts::thread_of;
use crate::record::{Brief, Level, Marks, Record};

/// Most lines that wait for a request to attach to, per stream.
const MAX_PENDING: usize = 64;
/// Most errors of threads that are remembered, for how long, and how many entries further.
const MAX_SAID: usize = 8;
const MAX_SAID_MS: i64 = 10_000;
const MAX_SAID_ENTRIES: u64 = 64;
/// Failed requests of which the server's line is waited for, and for how long, in milliseconds. The server's clock may
/// write seconds only.
const MAX_TOLD: usize = 16;
const MAX_TOLD_MS: i64 = 1_500;
/// How many healthy completions may stand between an error block and its own.
const MAX_PASSED: u32 = 8;

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

/// What a stream that serves one request at a time has shown so far: a Lambda log stream between START and REPORT.
#[derive(Debug, Clone, Default)]
pub struct Brackets {
    /// A bracket was seen.
    seen: bool,
    /// Requests begun and not ended, by key.
    open: Vec<u64>,
    /// The request of the last line with an ID.
    current: Option<u64>,
    /// The same, kept after its end.
    last: Option<u64>,
    /// Output before any request: belongs to the next one.
    waiting: Freed,
}

impl Brackets {
    /// A line with an ID passes. Returns lines that waited for it. `brackets`: it is of a platform that serves one
    /// request at a time. `backwards`: the source runs newest first, so ends come before starts.
    pub fn identified(&mut self, key: u64, marks: Marks, brackets: bool, backwards: bool) -> Freed {
        let (opens, closes) = if backwards { (Marks::END, Marks::START) } else { (Marks::START, Marks::END) };
        let mut freed = Vec::new();
        self.seen |= brackets;
        if !self.seen {
            return freed;
        }
        if marks.has(opens) {
            if !self.open.contains(&key) {
                self.open.push(key);
            }
            if self.open.len() > MAX_PENDING {
                self.open.remove(0);
            }
            if !backwards {
                freed.append(&mut self.waiting);
            }
        }
        self.current = Some(key);
        self.last = Some(key);
        if marks.has(closes) {
            self.open.retain(|open| *open != key);
            if !backwards {
                self.current = None;
            }
        }
        freed
    }

    /// The one request that is open, if it is one.
    pub fn only_open(&self) -> Option<u64> {
        match &self.open[..] {
            [only] if self.seen => Some(*only),
            _ => None,
        }
    }

    /// Where a line without an ID goes; none where the stream has no brackets. `brackets` and `backwards` as in
    /// [`Brackets::identified`].
    pub fn place(&self, record: &Record, brackets: bool, backwards: bool) -> Option<Place> {
        if record.marks.has(Marks::INIT) {
            // Output of the initialisation belongs to the START after it in time, which a source that runs newest
            // first has shown already. Only a second try, made in the invoke phase, is part of a request.
            let in_request = record.message.contains("Phase: invoke");
            let request =
                if backwards { self.current } else { self.only_open().or(self.last).filter(|_| in_request) };
            return Some(request.map_or(Place::WaitsForStart, Place::Request));
        }
        if !(self.seen || brackets) {
            return None;
        }
        Some(match (&self.open[..], self.current) {
            ([only], _) => Place::Request(*only),
            ([], Some(current)) => Place::Request(current),
            ([], None) => Place::WaitsForStart,
            _ => Place::Nowhere,
        })
    }

    /// Puts a line aside for the next request. Returns what had to give way.
    pub fn wait(&mut self, record: Record, format: &'static str) -> Option<(Record, &'static str)> {
        self.waiting.push((record, format));
        (self.waiting.len() > MAX_PENDING).then(|| self.waiting.remove(0))
    }

    /// What still waits at the end of the input.
    pub fn left(&mut self) -> Freed {
        std::mem::take(&mut self.waiting)
    }
}

/// Error blocks and the completions beside them, of one source: some frameworks print the stack before the access
/// line, others after it, and Next.js prints blocks and no access line at all.
#[derive(Debug, Clone, Default)]
pub struct Neighbours {
    /// Error blocks that wait for the completion beside them.
    blocks: Freed,
    /// Completions that went by while a block waited.
    passed: u32,
    /// The completion just before, if it failed and has no block yet, with its path, and whether it has an ID.
    failed_before: Option<(u64, Option<String>, bool)>,
    /// The completion just before, if it failed, with its path.
    answered: Option<(u64, Option<String>)>,
    /// Failed requests of which the application told in words of its own, and the server has not yet.
    told: VecDeque<Told>,
    /// Any completion was seen.
    completions: bool,
    /// The request that the last block was given to, and the block's text, to recognise a second print.
    last_block: Option<(u64, u64)>,
    /// The request that the last block was given to, and the entry after the block.
    below: Option<(u64, u64)>,
    /// Errors that threads logged of late without a class or a stack: `thread`, record, format.
    said: VecDeque<(u64, Record, &'static str)>,
}

/// A failed request of which an application told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    key: u64,
    status: u16,
    method: Option<String>,
    path: String,
    time_ms: Option<i64>,
}

/// What decides which block is that of a completion.
#[derive(Debug, Clone, Copy, Default)]
pub struct Completion<'a> {
    /// The request failed.
    pub failed: bool,
    /// It has its error with it, so a block that is printed after it is another one's.
    pub explained: bool,
    /// It may only say again what another one said ([`Marks::ECHO`]).
    pub echoes: bool,
    /// It has an ID, so its program gives its requests IDs.
    pub named: bool,
    /// A block that names another path is not its own. A text that is no UTF-8 is none.
    pub path: Option<&'a [u8]>,
    /// The record that it is.
    pub record: Option<&'a Record>,
}

impl<'a> Completion<'a> {
    /// What a record says, if it is one's completion.
    pub fn of(record: &'a Record) -> Completion<'a> {
        let failed = record.status.is_some_and(|code| code >= 500);
        let explained = failed && (!record.error_text.is_empty() || is_raised(record));
        let echoes = record.marks.has(Marks::ECHO);
        let path = record.path.as_ref().map(String::as_bytes);
        Completion { failed, explained, echoes, named: record.id.is_some(), path, record: Some(record) }
    }

    /// What a brief says. What has its error with it is not glanced at.
    pub fn of_brief(brief: &Brief<'a>) -> Completion<'a> {
        let failed = brief.status.is_some_and(|code| code >= 500);
        let named = !brief.id.is_empty();
        Completion { failed, explained: false, echoes: false, named, path: brief.path, record: None }
    }
}

impl Neighbours {
    /// A completion passes. Returns the block that waited for it, and what belongs to that.
    pub fn completed(&mut self, key: u64, completion: Completion<'_>) -> Freed {
        let Completion { failed, explained, echoes, named, path, .. } = completion;
        self.completions = true;
        self.failed_before = None;
        self.answered = None;
        if !failed {
            self.passed += u32::from(!self.blocks.is_empty());
            return Vec::new();
        }
        let path = path.and_then(|path| std::str::from_utf8(path).ok());
        self.answered = (!echoes).then(|| (key, path.map(str::to_owned)));
        let fits = |block: &Record| may_be_of(block, path) && is_sure(block, named);
        let names = |block: &Record| block.path.is_some() && block.path.as_deref() == path;
        // One that names the path before one that names none.
        let own = self.blocks.iter().position(|(block, _)| names(block) && fits(block));
        let own = own.or_else(|| self.blocks.iter().position(|(block, _)| fits(block)));
        if let Some(own) = own {
            self.passed = 0;
            let names_path = self.blocks.get(own).is_some_and(|(block, _)| block.path.is_some());
            // The rest of a block of which a line is broken: without a time and a path of its own.
            let rest = self.blocks[own + 1..]
                .iter()
                .take_while(|(block, _)| {
                    names_path && block.path.is_none() && block.marks.has(Marks::NO_TIME)
                })
                .count();
            return self.blocks.drain(own..=own + rest).collect();
        }
        if !explained {
            self.failed_before = Some((key, path.map(str::to_owned), named));
        }
        Vec::new()
    }

    /// The request of which a line tells again that it failed, once.
    pub fn echoed(&mut self, record: &Record) -> Option<u64> {
        let (key, path) = self.answered.take()?;
        may_be_of(record, path.as_deref()).then_some(key)
    }

    /// Notes that an application told in words of its own that the request `key` failed: its server's access line may follow.
    pub fn tell(&mut self, key: u64, record: &Record) {
        let (Some(status @ 500..), Some(path)) = (record.status, &record.path) else { return };
        let (method, path, time_ms) = (record.method.clone(), path.clone(), record.time_ms);
        self.told.push_back(Told { key, status, method, path, time_ms });
        if self.told.len() > MAX_TOLD {
            self.told.pop_front();
        }
    }

    /// The request of which this access line tells once more: one with the same method, path and status, of a moment ago.
    pub fn told(&mut self, record: &Record) -> Option<u64> {
        let at = self.told.iter().position(|told| {
            let gap_ms = told.time_ms.zip(record.time_ms).map_or(0, |(told, now)| (now - told).abs());
            Some(told.status) == record.status
                && Some(&told.path) == record.path.as_ref()
                && told.method == record.method
                && gap_ms <= MAX_TOLD_MS
        })?;
        self.told.remove(at).map(|told| told.key)
    }

    /// Where a line without an ID goes.
    pub fn place(&self, record: &Record) -> Place {
        // What is left of an object may have named its request.
        let is_torn = record.marks.has(Marks::TRUNCATED);
        if is_torn || !tells_of_failure(record) {
            return Place::Nowhere;
        }
        if let Some((key, next)) = self.below
            && next == record.at.entry
            && is_rest(record)
        {
            return Place::Request(key);
        }
        if let Some((key, path, named)) = &self.failed_before
            && may_be_of(record, path.as_deref())
            && is_sure(record, *named)
        {
            return Place::Request(*key);
        }
        // Next.js prints blocks and no access line at all; others wait, for the line may come after the block.
        if record.marks.has(Marks::ERROR_BLOCK) && !self.completions && record.payload == "next-stdout" {
            return match self.last_block {
                Some((key, text)) if prints_twice(record) && text == text_key(record) => Place::Request(key),
                _ => Place::Own,
            };
        }
        Place::WaitsForFailure
    }

    /// Where a block goes that never stands before its completion: to the one just before it, if that failed. Without one its
    /// request told nothing of an answer.
    pub fn below(&self) -> Place {
        self.answered.as_ref().map_or(Place::Nowhere, |(key, _)| Place::Request(*key))
    }

    /// Notes an error that a thread logged and that belongs to no request so far.
    pub fn say(&mut self, record: &Record, format: &'static str) {
        let thread = thread_of(&record.message).filter(|_| record.level >= Some(Level::Error));
        if let Some(thread) = thread {
            self.said.push_back((xxh3_64(thread.as_bytes()), record.clone(), format));
            if self.said.len() > MAX_SAID {
                self.said.pop_front();
            }
        }
    }

    /// What a thread said before this completion of its own, if that failed: errors are logged by the thread that answers.
    pub fn said(&mut self, completion: &Completion<'_>) -> Freed {
        // An object may only have been glanced at.
        let answer = completion.record.filter(|record| !self.said.is_empty() && record.payload != "json");
        let Some(answer) = answer else { return Freed::new() };
        let Some(thread) = thread_of(&answer.message) else { return Freed::new() };
        let thread = xxh3_64(thread.as_bytes());
        let (own, others): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.said).into_iter().partition(|(of, ..)| *of == thread);
        self.said = others;
        let fits = |record: &Record| {
            let gap_ms = answer.time_ms.zip(record.time_ms).map_or(0, |(now, then)| (now - then).abs());
            let gap = answer.at.entry.saturating_sub(record.at.entry);
            // Where requests have IDs, another program may have a thread of this name.
            completion.failed
                && !completion.named
                && gap_ms <= MAX_SAID_MS
                && gap <= MAX_SAID_ENTRIES
                && may_be_of(record, answer.path.as_deref())
        };
        own.into_iter()
            .map(|(_, record, format)| (record, format))
            .filter(|(record, _)| fits(record))
            .collect()
    }

    /// Puts a block aside for the completion after it. Returns what had to give way.
    pub fn wait(&mut self, record: Record, format: &'static str) -> Option<(Record, &'static str)> {
        self.blocks.push((record, format));
        (self.blocks.len() > MAX_PENDING).then(|| self.blocks.remove(0))
    }

    /// Notes that a block was given to, or became, the request `key`.
    pub fn attached(&mut self, key: u64, record: &Record) {
        if tells_of_failure(record) {
            self.failed_before = None;
            self.below = Some((key, record.at.entry + 1));
            let text = text_key(record);
            // After a second print, a third block is a new request.
            self.last_block = if self.last_block == Some((key, text)) { None } else { Some((key, text)) };
        }
    }

    /// A block that waited past its turn.
    pub fn overdue(&mut self) -> Option<(Record, &'static str)> {
        if self.passed < MAX_PASSED || self.blocks.is_empty() {
            return None;
        }
        self.passed = 0;
        Some(self.blocks.remove(0))
    }

    /// What still waits at the end of the input.
    pub fn left(&mut self) -> Freed {
        std::mem::take(&mut self.blocks)
    }
}

/// Whether a line tells of a failure by itself: an error block, a crash, a stack, an error that a logger was given.
pub fn tells_of_failure(record: &Record) -> bool {
    is_raised(record) || (!record.error_text.is_empty() && record.level >= Some(Level::Error))
}

/// Whether a text with a stack is only the rest of the block above it: it has neither a time nor a class of its own, as where
/// an error's message has a blank line in it.
fn is_rest(record: &Record) -> bool {
    !record.marks.has(Marks::ERROR_BLOCK)
        && record.path.is_none()
        && record.error_class.is_none()
        && (record.time_ms.is_none() || record.marks.has(Marks::NO_TIME))
        && has_frames(&record.message)
}

/// Whether a block is one that its framework prints below the completion, as Rails does with what nobody rescued.
pub fn stands_below(record: &Record) -> bool {
    record.payload == "rails" && record.level == Some(Level::Fatal) && record.error_class.is_some()
}

/// Whether a line that tells of a failure belongs to the completion beside it. Where completions have IDs and the line
/// has none, another program may have written it: then only what was raised is sure enough.
fn is_sure(record: &Record, named: bool) -> bool {
    !named || is_raised(record)
}

/// Whether a line was printed because an error was raised: a block, a crash, a stack, an error's class.
fn is_raised(record: &Record) -> bool {
    record.marks.has(Marks::ERROR_BLOCK | Marks::CRASH | Marks::OUT_OF_MEMORY | Marks::TIMEOUT)
        || record.message.contains("Traceback (most recent call last)")
        || has_frames(&record.message)
        || (record.error_class.as_ref().is_some_and(|class| !class.ends_with("Warning"))
            && record.level.is_none_or(|level| level >= Level::Error))
        || names_failed_request(record)
}

/// Whether a text has a line below the first that begins, behind a tab or four blanks at least, as a frame does.
fn has_frames(text: &str) -> bool {
    memchr::memchr_iter(b'\n', text.as_bytes()).any(|at| {
        let line = &text[at + 1..];
        let frame = line.trim_start_matches([' ', '\t']);
        frame.starts_with("at ") && (line.starts_with("    ") || line.starts_with('\t'))
    })
}

/// Whether an error names its request by method and path, as a proxy's error log does, and is no completion.
pub fn names_failed_request(record: &Record) -> bool {
    record.method.is_some()
        && record.path.is_some()
        && record.status.is_none()
        && !record.marks.has(Marks::CLIENT | Marks::START)
        && record.level.is_some_and(|level| level >= Level::Error)
}

/// Whether a block can be of a request with this path: neither or only one of them names it, or both the same.
fn may_be_of(block: &Record, path: Option<&str>) -> bool {
    match (block.path.as_deref(), path) {
        (Some(own), Some(path)) => own == path,
        _ => true,
    }
}

/// Next.js prints an error of the Edge runtime twice for one request.
fn prints_twice(record: &Record) -> bool {
    record.message.contains("/server/edge/") || record.message.contains("edge-runtime")
}

fn text_key(record: &Record) -> u64 {
    xxh3_64(record.message.as_bytes())
}

#[cfg(test)]
mod tests;
