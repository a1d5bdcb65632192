//! The frame: the bytes of one entry, as its source frames it. No meaning is read here.

use std::borrow::Cow;

use crate::record::Position;

/// The bytes as text; what is not UTF-8 is replaced.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    // Nearly all logs are UTF-8, and to see that takes less than to replace nothing.
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// How the entry was framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// One physical line, or a line with the lines that continue it.
    Line,
    /// One JSON value: an NDJSON line, an array element, or one of several values written back to back.
    Json,
    /// One CSV row, quotes included; it may span lines.
    Csv,
}

/// The bytes of one entry.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Without the final newline; inner newlines are kept.
    pub bytes: &'a [u8],
    /// How it was framed.
    pub kind: FrameKind,
    /// Where it stands; `part` is 0.
    pub at: Position,
}

/// What a frame needs to know of the source around it.
#[derive(Debug, Clone, Default)]
pub struct FrameContext {
    /// Column names of the CSV header above the row, or of the line `#Fields:` above a line; empty for other kinds.
    pub columns: Vec<String>,
    /// Its cells are parted by semicolons, as spreadsheets write CSV where the comma is part of numbers.
    pub semicolons: bool,
    /// Scalar members of the JSON object around the array that the frame is an element of, as far as
    /// they stood before it: `logStream` of a subscription payload, for example. Of an extended log file, its `#Date:`.
    pub envelope: Vec<(String, String)>,
    /// Key of that array (`events`, `results`, `logEvents` …); empty at top level.
    pub array_key: String,
    /// Name of the source: a path, `-` for standard input.
    pub source: String,
}

impl FrameContext {
    /// What parts the cells of a CSV row.
    pub fn delimiter(&self) -> u8 {
        if self.semicolons { b';' } else { b',' }
    }
}
