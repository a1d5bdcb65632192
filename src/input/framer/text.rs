//! The framer among lines of text: headers and directives, entries, and the lines that continue them.

use std::borrow::Cow;
use std::sync::Arc;

use memchr::memchr;

use super::{Boundaries, Framer, Mode, Skipped, Step, count_lines, line_of, trim_len};
use crate::input::csv_scan::{self, RowScan};
use crate::input::frame::{FrameContext, FrameKind};

/// Longest text entry in lines: a stack of a thousand frames is no longer one entry.
const MAX_ENTRY_LINES: u64 = 1000;
/// A CSV header with semicolons is looked for up to this line.
const MAX_HEADER_LINE: u64 = 3;
/// A line this long is looked at for a CSV header; no export has a longer one.
const MAX_HEADER_BYTES: usize = 8192;

impl Framer {
    /// A text line: a CSV header, or the first line of an entry.
    pub(super) fn text(&mut self, bytes: &[u8], eof: bool, boundaries: &mut dyn Boundaries) -> Step {
        let Some((end, next)) = self.line_end(bytes, eof) else {
            return self.too_long(bytes, bytes.len()).unwrap_or(Step::More);
        };
        if end > self.max_frame_bytes {
            return self.skip(next, Skipped::TooLong, 1);
        }
        let line = line_of(&bytes[..end]);
        if self.line == 1 && matches!(line, b"sep=," | b"sep=;") {
            // A spreadsheet's note to itself.
            return self.skip(next, Skipped::Header, 1);
        }
        if line.starts_with(b"#") && self.directive(line) {
            return self.skip(next, Skipped::Header, 1);
        }
        for delimiter in [b',', b';'] {
            // A header with semicolons stands at the top or nowhere; lines of text are full of them.
            let may_be_here = delimiter == b',' || self.line <= MAX_HEADER_LINE;
            if line.len() > MAX_HEADER_BYTES
                || !may_be_here
                || memchr(delimiter, line).is_none()
                || line.starts_with(b"{")
                || boundaries.is_known_entry(line)
            {
                continue;
            }
            let columns = csv_scan::fields(line, delimiter);
            let names: Vec<&str> = columns.iter().map(AsRef::as_ref).collect();
            if boundaries.is_csv_header(&names) {
                self.mode = Mode::Csv;
                self.row = RowScan::new(delimiter);
                self.context = Arc::new(FrameContext {
                    columns: columns.into_iter().map(Cow::into_owned).collect(),
                    semicolons: delimiter == b';',
                    source: self.context.source.clone(),
                    ..FrameContext::default()
                });
                return self.skip(next, Skipped::Header, 1);
            }
        }
        boundaries.starts_entry(line);
        self.one_line_objects = false;
        self.entry = Some((next, 0));
        self.searched = 0;
        if next == end && eof {
            return self.finish_entry(bytes, end, next, 0);
        }
        self.continue_entry(bytes, eof, next, 0, boundaries)
    }

    /// Whether a line that begins with `#` is a directive of an extended log file; `#Fields:` names the columns of the lines
    /// below it. <https://www.w3.org/TR/WD-logfile.html>
    fn directive(&mut self, line: &[u8]) -> bool {
        let Some((name, value)) = std::str::from_utf8(line).ok().and_then(|line| line[1..].split_once(':'))
        else {
            return false;
        };
        let mut context = FrameContext { source: self.context.source.clone(), ..FrameContext::default() };
        match name {
            "Software" | "Version" | "Start-Date" | "End-Date" | "Remark" => return true,
            "Date" => {
                context.envelope = vec![("Date".to_owned(), value.trim().to_owned())];
                context.columns.clone_from(&self.context.columns);
            }
            "Fields" => {
                context.columns = value.split_ascii_whitespace().map(str::to_owned).collect();
                if !context
                    .columns
                    .iter()
                    .any(|column| column.starts_with("cs-") || column.starts_with("sc-"))
                {
                    return false;
                }
                context.envelope.clone_from(&self.context.envelope);
            }
            _ => return false,
        }
        self.context = Arc::new(context);
        true
    }

    /// Takes the lines that continue the text entry which begins at `bytes[0]` and reaches to `taken`.
    pub(super) fn continue_entry(
        &mut self,
        bytes: &[u8],
        eof: bool,
        mut taken: usize,
        mut lines: u64,
        boundaries: &mut dyn Boundaries,
    ) -> Step {
        loop {
            let rest = bytes.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                if eof {
                    return self.finish_entry(bytes, taken, taken, lines);
                }
                break;
            }
            let from = self.searched.max(taken) - taken;
            let Some(found) = memchr(b'\n', rest.get(from..).unwrap_or_default())
                .map(|n| n + from)
                .or(eof.then_some(rest.len()))
            else {
                self.searched = bytes.len();
                if rest.len() > self.max_frame_bytes {
                    return self.finish_entry(bytes, taken, taken, lines);
                }
                break;
            };
            let line = line_of(&rest[..found]);
            let next = (taken + found + 1).min(bytes.len());
            let over = lines >= MAX_ENTRY_LINES || next > self.max_frame_bytes;
            if over || boundaries.starts_entry(line) {
                return self.finish_entry(bytes, taken, taken, lines);
            }
            taken = next;
            lines += 1;
            self.searched = 0;
        }
        self.entry = Some((taken, lines));
        Step::More
    }

    fn finish_entry(&mut self, bytes: &[u8], taken: usize, next: usize, lines: u64) -> Step {
        self.entry = None;
        let newlines = count_lines(&bytes[..taken]);
        let end = trim_len(bytes, taken);
        self.frame(0, end, next, FrameKind::Line, newlines, lines)
    }
}
