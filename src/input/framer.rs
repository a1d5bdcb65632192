//! Cuts the bytes of one source into frames: text entries with the lines that continue them, JSON values however
//! they are laid out (one a line, in an array, back to back, pretty-printed, inside an envelope), CSV rows.
//!
//! The framer sees a growing window of bytes and gives the same frames however the bytes arrived. It knows
//! syntax only; what a line or a header means it asks of [`Boundaries`].

mod json;
mod text;

use std::sync::Arc;

use memchr::memchr;

use super::csv_scan::RowScan;
use super::frame::{FrameContext, FrameKind};
use super::json_scan::{self, ValueScan};

/// What the shapes know of boundaries; the room above answers.
pub trait Boundaries {
    /// Whether a first line with these columns is the header of a CSV export.
    fn is_csv_header(&mut self, columns: &[&str]) -> bool;
    /// Whether the source is known to have text entries and the physical line begins one as they do.
    fn is_known_entry(&self, line: &[u8]) -> bool;
    /// Whether the physical line begins a new entry (else it continues the one before it).
    fn starts_entry(&mut self, line: &[u8]) -> bool;
}

/// One step of framing. Offsets count from the first byte that was not yet consumed.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A frame: its bytes are `start..end`, the next step begins at `next`.
    Frame {
        /// First byte.
        start: usize,
        /// After the last byte.
        end: usize,
        /// First byte that is not consumed.
        next: usize,
        /// How it was framed.
        kind: FrameKind,
        /// Number of its first line in the source.
        line: u64,
        /// How many lines after the first continue it (text entries only).
        continuations: u64,
    },
    /// Bytes that hold no entry, consumed up to `next`.
    Skip {
        /// First byte that is not consumed.
        next: usize,
        /// What they were.
        what: Skipped,
        /// Number of the first line.
        line: u64,
    },
    /// A member of an envelope that stood after its entries (`nextToken`).
    Trailer {
        /// First byte that is not consumed.
        next: usize,
        /// Scalar members.
        members: Vec<(String, String)>,
    },
    /// More bytes are needed.
    More,
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skipped {
    /// White space, brackets and commas between values: not counted.
    Glue,
    /// An empty line.
    Blank,
    /// A CSV header.
    Header,
    /// A value or line longer than the limit.
    TooLong,
    /// A JSON value that the input ends in.
    CutOff,
    /// Bytes that are no JSON inside an array of entries.
    Broken,
}

/// A line of text and the one after it.
#[derive(Debug, Clone, Copy)]
pub struct TextLine<'b> {
    /// After the last byte of the line that is no white space.
    pub end: usize,
    /// Where the next line begins.
    pub next: usize,
    /// The next line, without its line end.
    pub next_line: &'b [u8],
    /// Where its line end stands, counted from its beginning.
    next_line_end: usize,
}

#[derive(Debug, Clone, Default)]
enum Mode {
    #[default]
    Top,
    Csv,
    /// Inside an array of entries; `enveloped` if an object is around it.
    Array {
        enveloped: bool,
    },
    /// After such an array, in the object around it.
    Tail,
    /// Dropping the rest of an overlong line; `csv`: rows follow, else anything.
    Drop {
        csv: bool,
    },
    /// After the whole part of a value in which the input ends.
    CutOff,
    /// Dropping the rest of an overlong array element.
    DropValue {
        enveloped: bool,
    },
}

/// State of framing of one source.
#[derive(Debug)]
pub struct Framer {
    mode: Mode,
    line: u64,
    value: ValueScan,
    row: RowScan,
    /// The last top-level value was an object on a line of its own: the next probably is one too.
    one_line_objects: bool,
    /// Text entry at hand: how far its lines were taken, and how many.
    entry: Option<(usize, u64)>,
    /// How far the current line was searched for its end.
    searched: usize,
    wait_until: usize,
    max_frame_bytes: usize,
    first: bool,
    /// A value ended, and its line may go on.
    after_value: bool,
    /// Bytes beyond their line that were searched for the ends of objects that have none.
    vain_bytes: usize,
    context: Arc<FrameContext>,
}

impl Framer {
    /// A framer for the source `name`; values and lines longer than `max_frame_bytes` are skipped and counted.
    pub fn new(name: &str, max_frame_bytes: usize) -> Framer {
        Framer {
            mode: Mode::Top,
            line: 1,
            value: ValueScan::default(),
            row: RowScan::default(),
            one_line_objects: false,
            entry: None,
            searched: 0,
            wait_until: 0,
            max_frame_bytes,
            first: true,
            after_value: false,
            vain_bytes: 0,
            context: Arc::new(FrameContext { source: name.to_owned(), ..FrameContext::default() }),
        }
    }

    /// What frames need to know of the source around them, as of now.
    pub fn context(&self) -> &Arc<FrameContext> {
        &self.context
    }

    /// The next step for `bytes`, which begin at the first byte not yet consumed. `eof`: no more will come.
    pub fn next(&mut self, bytes: &[u8], eof: bool, boundaries: &mut dyn Boundaries) -> Step {
        if self.first && !bytes.is_empty() && (bytes.len() >= 3 || eof) {
            self.first = false;
            if bytes.starts_with(b"\xef\xbb\xbf") {
                return self.skip(3, Skipped::Glue, 0);
            }
        } else if self.first && !eof {
            return Step::More;
        }
        if bytes.is_empty() {
            return Step::More;
        }
        match self.mode {
            Mode::Csv => self.csv(bytes, eof),
            Mode::Array { enveloped } => self.array(bytes, eof, enveloped),
            Mode::Tail => self.tail(bytes, eof),
            Mode::CutOff => self.skip(bytes.len(), Skipped::CutOff, count_lines(bytes)),
            Mode::Drop { csv } => self.drop_line(bytes, csv),
            Mode::DropValue { enveloped } => self.drop_value(bytes, eof, enveloped),
            Mode::Top => self.top(bytes, eof, boundaries),
        }
    }

    /// Whether a line that is one object and nothing else would be the next frame.
    pub fn expects_object_line(&self) -> bool {
        self.one_line_objects
            && matches!(self.mode, Mode::Top)
            && self.entry.is_none()
            && !self.after_value
            && !self.first
    }

    /// Where [`Framer::expects_object_line`]: takes such a line, which somebody else recognised, instead of a
    /// [`Framer::next`] that would frame it, and gives its number. `length` is without its `\n`, which is there. `None`
    /// where the line is over the limit.
    pub fn take_object_line(&mut self, length: usize) -> Option<u64> {
        if length > self.max_frame_bytes {
            return None;
        }
        let line = self.line;
        self.frame(0, length, length + 1, FrameKind::Json, 1, 0);
        Some(line)
    }

    /// Where the element of an array begins that would be the next frame.
    pub fn peek_element(&self, bytes: &[u8]) -> Option<usize> {
        if !matches!(self.mode, Mode::Array { .. }) || self.value.consumed() > 0 {
            return None;
        }
        let first = glue_len(bytes);
        (bytes.get(first) == Some(&b'{')).then_some(first)
    }

    /// Takes an element that was peeked at and whose length and line ends somebody else found, instead of a
    /// [`Framer::next`] that would frame it, and gives the number of its line. `None` where it is over the limit.
    pub fn take_element(&mut self, bytes: &[u8], first: usize, length: usize, newlines: u64) -> Option<u64> {
        if length > self.max_frame_bytes {
            return None;
        }
        let glue = bytes.get(..first)?;
        self.line += glue.iter().filter(|b| **b == b'\n').count() as u64;
        let line = self.line;
        self.frame(first, first + length, first + length, FrameKind::Json, newlines, 0);
        Some(line)
    }

    /// The line that `bytes` begin with, if it is an entry by itself provided that it begins one and the next line does
    /// too, which is all there is of it.
    pub fn peek_line<'b>(&mut self, bytes: &'b [u8]) -> Option<TextLine<'b>> {
        if !matches!(self.mode, Mode::Top) || self.entry.is_some() || self.after_value || self.first {
            return None;
        }
        // The end of this line may have been found when it was the next one.
        let newline = self.searched + memchr(b'\n', bytes.get(self.searched..)?)?;
        let next = newline + 1;
        let length = memchr(b'\n', bytes.get(next..)?)?;
        let (end, whole) = (trim_len(bytes, newline), next + length + 1);
        (whole <= self.max_frame_bytes).then_some(TextLine {
            end,
            next,
            next_line: line_of(&bytes[next..next + length]),
            next_line_end: length,
        })
    }

    /// Takes a line that was peeked at and found to be an entry, instead of a [`Framer::next`] that would frame it.
    pub fn take_line(&mut self, line: TextLine<'_>) {
        self.frame(0, line.end, line.next, FrameKind::Line, 1, 0);
        self.one_line_objects = false;
        self.searched = line.next_line_end;
    }

    /// Number of the line at hand.
    pub fn line(&self) -> u64 {
        self.line
    }

    fn skip(&mut self, next: usize, what: Skipped, newlines: u64) -> Step {
        let line = self.line;
        self.line += newlines;
        self.searched = 0;
        self.wait_until = 0;
        self.value = ValueScan::default();
        Step::Skip { next, what, line }
    }

    fn frame(
        &mut self,
        start: usize,
        end: usize,
        next: usize,
        kind: FrameKind,
        newlines: u64,
        continuations: u64,
    ) -> Step {
        let line = self.line;
        self.line += newlines;
        self.searched = 0;
        self.wait_until = 0;
        self.value = ValueScan::default();
        Step::Frame { start, end, next, kind, line, continuations }
    }

    fn top(&mut self, bytes: &[u8], eof: bool, boundaries: &mut dyn Boundaries) -> Step {
        if let Some((taken, lines)) = self.entry {
            return self.continue_entry(bytes, eof, taken, lines, boundaries);
        }
        let first = json_scan::skip_space(bytes, 0);
        if self.after_value {
            // What is left of the line on which a value ended is no line of its own.
            let newline = bytes[..first].iter().position(|b| *b == b'\n');
            if newline.is_none() && first == bytes.len() && !eof {
                return Step::More;
            }
            self.after_value = false;
            if let Some(newline) = newline {
                return self.skip(newline + 1, Skipped::Glue, 1);
            }
            if first == bytes.len() {
                return self.skip(first, Skipped::Glue, 0);
            }
        }
        let blank = bytes[..first].iter().rposition(|b| *b == b'\n');
        if let Some(newline) = blank {
            // Blank lines before the next entry, one by one so that the ledger can count them.
            let end = memchr(b'\n', bytes).unwrap_or(newline);
            return self.skip(end + 1, Skipped::Blank, 1);
        }
        let Some(&byte) = bytes.get(first) else {
            return if eof { self.skip(bytes.len(), Skipped::Blank, 0) } else { Step::More };
        };
        match byte {
            b'{' if self.one_line_objects => match self.line_end(bytes, eof) {
                None => self.too_long(bytes, bytes.len() - first).unwrap_or(Step::More),
                Some((end, next)) if end - first > self.max_frame_bytes => {
                    self.skip(next, Skipped::TooLong, 1)
                }
                Some((end, next)) if trim_end(&bytes[..end]).ends_with(b"}") => {
                    self.frame(first, trim_len(bytes, end), next, FrameKind::Json, u64::from(next > end), 0)
                }
                Some(_) => {
                    self.one_line_objects = false;
                    self.object(bytes, first, eof, boundaries)
                }
            },
            b'{' => self.object(bytes, first, eof, boundaries),
            b'[' => match bytes.get(json_scan::skip_space(bytes, first + 1)) {
                None if !eof => Step::More,
                Some(b'{' | b'[' | b']') => {
                    self.enter_array();
                    self.skip(first + 1, Skipped::Glue, 0)
                }
                _ => self.text(bytes, eof, boundaries),
            },
            b',' if self.line > 1 => match bytes.get(json_scan::skip_space(bytes, first + 1)) {
                None if !eof => Step::More,
                Some(b'{') => self.skip(first + 1, Skipped::Glue, 0),
                _ => self.text(bytes, eof, boundaries),
            },
            _ => self.text(bytes, eof, boundaries),
        }
    }

    /// The end of the first line (without and with its newline), remembering how far was searched.
    fn line_end(&mut self, bytes: &[u8], eof: bool) -> Option<(usize, usize)> {
        match memchr(b'\n', bytes.get(self.searched..).unwrap_or_default()) {
            Some(found) => {
                let end = self.searched + found;
                Some((end, end + 1))
            }
            None if eof => Some((bytes.len(), bytes.len())),
            None => {
                self.searched = bytes.len();
                None
            }
        }
    }

    /// If `length`, what the entry at hand is known to have, is over the limit: skips that much and drops the
    /// rest of the line. How much is skipped depends on the limit alone, never on how the bytes arrived.
    fn too_long(&mut self, bytes: &[u8], length: usize) -> Option<Step> {
        if length <= self.max_frame_bytes {
            return None;
        }
        self.mode = Mode::Drop { csv: matches!(self.mode, Mode::Csv) };
        self.entry = None;
        let newlines = count_lines(&bytes[..self.max_frame_bytes]);
        Some(self.skip(self.max_frame_bytes, Skipped::TooLong, newlines))
    }

    /// As much of an entry that begins at `first` as may decide what it is. More would make it depend on how the bytes
    /// arrived whether an overlong entry is found to be one.
    fn within_limit<'b>(&self, bytes: &'b [u8], first: usize) -> &'b [u8] {
        &bytes[..bytes.len().min(first.saturating_add(self.max_frame_bytes).saturating_add(1))]
    }

    fn drop_line(&mut self, bytes: &[u8], csv: bool) -> Step {
        match memchr(b'\n', bytes) {
            Some(end) => {
                self.mode = if csv { Mode::Csv } else { Mode::Top };
                self.skip(end + 1, Skipped::Glue, 1)
            }
            None => self.skip(bytes.len(), Skipped::Glue, 0),
        }
    }

    fn csv(&mut self, bytes: &[u8], eof: bool) -> Step {
        // What is beyond the limit must not be looked at: what is learned of an overlong row would depend on how it arrived.
        let within = &bytes[..bytes.len().min(self.max_frame_bytes.saturating_add(1))];
        match self.row.row_end(within) {
            Some(end) => {
                let newlines = count_lines(&bytes[..=end]);
                if trim_end(&bytes[..end]).is_empty() {
                    return self.skip(end + 1, Skipped::Blank, newlines);
                }
                self.frame(0, end, end + 1, FrameKind::Csv, newlines, 0)
            }
            None => match self.too_long(bytes, bytes.len()) {
                Some(step) => {
                    self.row.reset();
                    step
                }
                None if eof => {
                    self.row.reset();
                    let newlines = count_lines(bytes);
                    let end = bytes.len() - usize::from(bytes.ends_with(b"\n"));
                    self.frame(0, end, bytes.len(), FrameKind::Csv, newlines, 0)
                }
                None => Step::More,
            },
        }
    }
}

/// How many bytes of what stands between elements `bytes` begin with.
fn glue_len(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_whitespace() || **b == b',').count()
}

fn trim_end(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// A line without its line break; blanks before it may mean something (`STREAM ` before a JSON message).
fn line_of(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

fn trim_len(bytes: &[u8], end: usize) -> usize {
    trim_end(&bytes[..end]).len()
}

fn count_lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests;
