//! The framer among JSON values: one of its own, the elements of an array, what stands behind an envelope's array.

use std::sync::Arc;

use memchr::memchr;

use super::{Boundaries, Framer, Mode, Skipped, Step, count_lines, glue_len};
use crate::input::frame::{FrameContext, FrameKind};
use crate::input::json_scan::{self, Head, Scan};

/// So many times the longest value may be searched for the ends of objects that have none, all together; from then on an
/// object has to end on its line. Else a million lines that each open one are each searched to the end of the input.
const MAX_VAIN_LINES: usize = 2;

impl Framer {
    pub(super) fn drop_value(&mut self, bytes: &[u8], eof: bool, enveloped: bool) -> Step {
        let (next, done) = match self.value.advance(bytes) {
            Scan::Done(end) => (end, true),
            Scan::Bad(at) => (at, true),
            Scan::More if eof => (bytes.len(), false),
            // A backslash alone: what it escapes is yet to come.
            Scan::More if self.value.consumed() == 0 => return Step::More,
            Scan::More => (self.value.consumed().min(bytes.len()), false),
        };
        let newlines = count_lines(&bytes[..next]);
        let mut value = std::mem::take(&mut self.value);
        let step = self.skip(next, Skipped::Glue, newlines);
        if done {
            self.mode = Mode::Array { enveloped };
        } else {
            value.rebase(next);
            self.value = value;
        }
        step
    }

    /// An object outside any array: one of its own, or an envelope.
    pub(super) fn object(
        &mut self,
        bytes: &[u8],
        first: usize,
        eof: bool,
        boundaries: &mut dyn Boundaries,
    ) -> Step {
        if bytes.len() < self.wait_until && !eof && !bytes.ends_with(b"\n") {
            return Step::More;
        }
        let mut within = self.within_limit(bytes, first);
        let line_end = memchr(b'\n', &within[first..]).map(|at| first + at);
        if self.vain_bytes > self.max_frame_bytes.saturating_mul(MAX_VAIN_LINES) {
            within = &within[..line_end.unwrap_or(within.len())];
        }
        let beyond_line = |at: usize| line_end.map_or(0, |end| at.saturating_sub(end));
        match json_scan::members(within, first + 1, Vec::new()) {
            Head::Object(end) => {
                if let Some(step) = self.too_long(bytes, end - first) {
                    return step;
                }
                let blank =
                    |from: usize| bytes[from..].iter().position(|b| !matches!(b, b' ' | b'\t' | b'\r'));
                let mut rest = blank(end);
                // A comma that only separates the lines.
                if let Some(comma) = rest.filter(|n| bytes[end + n] == b',') {
                    match blank(end + comma + 1) {
                        None if !eof => return Step::More,
                        None => rest = None,
                        Some(n) if bytes[end + comma + 1 + n] == b'\n' => rest = Some(comma + 1 + n),
                        Some(_) => {}
                    }
                }
                let at_line_end = match rest.map(|n| bytes[end + n]) {
                    Some(b'\n') => true,
                    Some(_) => false,
                    None if eof => true,
                    None => return Step::More,
                };
                let newlines = count_lines(&bytes[..end]);
                self.one_line_objects = at_line_end && newlines == 0;
                let next = if at_line_end {
                    (end + rest.unwrap_or(bytes.len() - end) + 1).min(bytes.len())
                } else {
                    end
                };
                let ends_line = u64::from(at_line_end && next > end && bytes[next - 1] == b'\n');
                self.frame(first, end, next, FrameKind::Json, newlines + ends_line, 0)
            }
            Head::Entries(scalars, key, at) => {
                self.context = Arc::new(FrameContext {
                    envelope: scalars,
                    array_key: key,
                    source: self.context.source.clone(),
                    ..FrameContext::default()
                });
                self.mode = Mode::Array { enveloped: true };
                let newlines = count_lines(&bytes[..at]);
                self.skip(at, Skipped::Glue, newlines)
            }
            Head::Bad(at) => {
                self.vain_bytes = self.vain_bytes.saturating_add(beyond_line(at));
                self.text(bytes, eof, boundaries)
            }
            // Its line is all that is looked at, and it does not end there.
            Head::More if within.len() < bytes.len() && line_end == Some(within.len()) => {
                self.text(bytes, eof, boundaries)
            }
            Head::More => {
                if let Some(step) = self.too_long(bytes, bytes.len() - first) {
                    return step;
                }
                if eof
                    && line_end.is_some()
                    && let Some(cut) = json_scan::cut_at(&bytes[first..]).map(|at| first + at)
                {
                    // A value over several lines that was cut off: what stands before its last comma can be read.
                    self.mode = Mode::CutOff;
                    let newlines = count_lines(&bytes[..cut]);
                    return self.frame(first, cut, cut, FrameKind::Json, newlines, 0);
                }
                if eof {
                    // Cut off. If it is one line it is kept as text, so that nothing in it is lost unseen.
                    self.vain_bytes = self.vain_bytes.saturating_add(beyond_line(within.len()));
                    return self.text(bytes, eof, boundaries);
                }
                self.wait_until = bytes.len() + bytes.len() / 2 + 1;
                Step::More
            }
        }
    }

    pub(super) fn enter_array(&mut self) {
        self.mode = Mode::Array { enveloped: false };
        self.context =
            Arc::new(FrameContext { source: self.context.source.clone(), ..FrameContext::default() });
    }

    pub(super) fn array(&mut self, bytes: &[u8], eof: bool, enveloped: bool) -> Step {
        let first = glue_len(bytes);
        if first > 0 {
            let newlines = count_lines(&bytes[..first]);
            return self.skip(first, Skipped::Glue, newlines);
        }
        match bytes[0] {
            b']' => {
                self.mode = if enveloped { Mode::Tail } else { Mode::Top };
                self.after_value = !enveloped;
                self.one_line_objects = false;
                self.skip(1, Skipped::Glue, 0)
            }
            b'}' => {
                self.mode = Mode::Top;
                self.after_value = true;
                self.skip(1, Skipped::Glue, 0)
            }
            _ => match self.value.advance(bytes) {
                Scan::Done(end) if end > self.max_frame_bytes => {
                    let newlines = count_lines(&bytes[..end]);
                    self.skip(end, Skipped::TooLong, newlines)
                }
                Scan::Done(end) => {
                    let newlines = count_lines(&bytes[..end]);
                    self.frame(0, end, end, FrameKind::Json, newlines, 0)
                }
                Scan::More if bytes.len() > self.max_frame_bytes => {
                    self.mode = Mode::DropValue { enveloped };
                    let line = self.line;
                    Step::Skip { next: 0, what: Skipped::TooLong, line }
                }
                Scan::More if eof => {
                    let newlines = count_lines(bytes);
                    self.skip(bytes.len(), Skipped::CutOff, newlines)
                }
                Scan::More => Step::More,
                Scan::Bad(at) if at > self.max_frame_bytes => {
                    let newlines = count_lines(&bytes[..at]);
                    self.skip(at, Skipped::TooLong, newlines)
                }
                Scan::Bad(at) => {
                    // Resume at the next line, outside the array: what follows may be anything.
                    let end = memchr(b'\n', &bytes[at..]).map(|found| at + found + 1);
                    match end {
                        None if !eof => Step::More,
                        _ => {
                            let next = end.unwrap_or(bytes.len());
                            self.mode = Mode::Top;
                            let newlines = count_lines(&bytes[..next]);
                            self.skip(next, Skipped::Broken, newlines)
                        }
                    }
                }
            },
        }
    }

    pub(super) fn tail(&mut self, bytes: &[u8], eof: bool) -> Step {
        match json_scan::members(self.within_limit(bytes, 0), 0, Vec::new()) {
            Head::Object(end) => {
                self.mode = Mode::Top;
                self.after_value = true;
                let newlines = count_lines(&bytes[..end]);
                self.line += newlines;
                let mut members = Vec::new();
                // `members` dropped its scalars on the way out of the object; read them once more for the trailer.
                if let Some(text) =
                    std::str::from_utf8(&bytes[..end]).ok().and_then(|t| t.rfind('}').map(|at| &t[..at]))
                {
                    let object = format!("{{{}}}", text.trim_start_matches([',', ' ', '\n', '\r', '\t']));
                    if let Ok(serde_json::Value::Object(map)) = serde_json::from_str(&object) {
                        members = map
                            .into_iter()
                            .filter_map(|(k, v)| v.as_str().map(|v| (k, v.to_owned())))
                            .collect();
                    }
                }
                self.context =
                    Arc::new(FrameContext { source: self.context.source.clone(), ..FrameContext::default() });
                Step::Trailer { next: end, members }
            }
            Head::Entries(scalars, key, at) => {
                let mut context = (*self.context).clone();
                context.envelope.extend(scalars);
                context.array_key = key;
                self.context = Arc::new(context);
                self.mode = Mode::Array { enveloped: true };
                let newlines = count_lines(&bytes[..at]);
                self.skip(at, Skipped::Glue, newlines)
            }
            Head::Bad(_) => {
                self.mode = Mode::Top;
                self.skip(0, Skipped::Glue, 0)
            }
            Head::More => match self.too_long(bytes, bytes.len()) {
                Some(step) => step,
                None if eof => {
                    let newlines = count_lines(bytes);
                    self.mode = Mode::Top;
                    self.skip(bytes.len(), Skipped::CutOff, newlines)
                }
                None => Step::More,
            },
        }
    }
}
