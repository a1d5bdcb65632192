//! Text exports in which every physical line has a prefix of the platform's: a time, a stream, a level. One grammar a
//! shape; what follows the prefix is the application's own line, which the joiner puts together with the lines that
//! continue it and the payloads read.

pub mod container;
pub mod platform;
pub mod syslog;

use std::borrow::Cow;

use super::{About, Container, Decoded, ansi};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{Level, Marks, Record};

/// The field that names the output (`stdout`, `stderr`) which a line was written to.
pub const CHANNEL: &str = "channel";

/// Longest prefix, colours included, in bytes.
const MAX_PREFIX_BYTES: usize = 500;

/// What a prefix says, and what follows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Head<'a> {
    /// Milliseconds since the Unix epoch.
    pub time_ms: Option<i64>,
    /// Instance, pod, dyno.
    pub stream: Option<Cow<'a, str>>,
    /// `stdout` or `stderr`.
    pub channel: Option<&'a str>,
    /// Severity as the platform has it.
    pub level: Option<Level>,
    /// Region.
    pub region: Option<&'a str>,
    /// The line goes on in the next piece of its stream.
    pub is_piece: bool,
    /// The rest of the line.
    pub body: &'a str,
}

/// A shape of lines with a prefix.
pub struct Prefixed {
    name: &'static str,
    about: About,
    fingerprint: &'static str,
    /// Reads the prefix. Sees only the beginning of a long line. Has to fail at the first bytes of most other lines.
    head: fn(&str) -> Option<Head<'_>>,
}

impl Container for Prefixed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> About {
        self.about
    }

    fn is_text(&self) -> bool {
        true
    }

    fn joins(&self) -> bool {
        true
    }

    fn detect(&self, frame: &Frame<'_>, _context: &FrameContext) -> Option<&'static str> {
        (frame.kind == FrameKind::Line && self.starts_entry(frame.bytes)).then_some(self.fingerprint)
    }

    fn starts_entry(&self, line: &[u8]) -> bool {
        read_start(line, self.head, |_, _| ()).is_some()
    }

    fn decode(&self, frame: &Frame<'_>, _context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        let record = read_start(frame.bytes, self.head, |head, start| {
            let rest = frame.bytes.get(start..).unwrap_or_default();
            let message = String::from_utf8_lossy(rest).trim_end_matches(['\n', '\r', '\0']).to_owned();
            let mut record = Record {
                at: frame.at,
                time_ms: head.time_ms,
                level: head.level,
                stream: head.stream.map(Cow::into_owned),
                region: head.region.map(str::to_owned),
                message,
                ..Record::default()
            };
            if let Some(channel) = head.channel {
                record.fields.push((CHANNEL.to_owned(), channel.to_owned()));
            }
            if head.is_piece {
                record.marks.insert(Marks::PIECE);
            }
            record
        });
        match record {
            Some(record) => {
                out.push(record);
                Decoded::Records
            }
            None if frame.bytes.trim_ascii().is_empty() => Decoded::Ignored("blank line"),
            None => Decoded::NotMine,
        }
    }
}

/// Reads the prefix of an entry and hands it on with the place of its body. A prefix in colour is read without them;
/// the body keeps its own.
fn read_start<T>(
    bytes: &[u8],
    head: fn(&str) -> Option<Head<'_>>,
    then: impl FnOnce(Head<'_>, usize) -> T,
) -> Option<T> {
    let first = bytes.get(..MAX_PREFIX_BYTES).unwrap_or(bytes);
    let first = first.split(|b| *b == b'\n').next().unwrap_or_default();
    let text = match std::str::from_utf8(first) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&first[..error.valid_up_to()]).unwrap_or_default(),
    };
    let text = text.trim_start_matches('\u{feff}').trim_end_matches('\r');
    let offset = text.as_ptr().addr() - bytes.as_ptr().addr();
    if let Some(found) = head(text) {
        let start = offset + text.len() - found.body.len();
        return Some(then(found, start));
    }
    // Colours stand where a terminal was meant to be, mostly around the whole prefix.
    let Cow::Owned(plain) = ansi::strip(text) else { return None };
    let found = head(&plain)?;
    let end_at = plain.len() - found.body.len();
    let start = offset + coloured_length(text, end_at);
    Some(then(found, start))
}

/// How many bytes of a text with colours hold its first `plain` bytes without them.
fn coloured_length(text: &str, plain: usize) -> usize {
    let mut low = 0;
    for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
        if ansi::strip(&text[..at]).len() > plain {
            break;
        }
        low = at;
    }
    low
}

/// The first word and what follows the one space after it.
fn word(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (!word.is_empty()).then_some((word, rest))
}

/// A time in the form `2026-01-01T10:10:15…` as the first word: its text and what follows it.
fn iso_word(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || bytes[4] != b'-' || bytes[10] != b'T' || !bytes[0].is_ascii_digit() {
        return None;
    }
    word(text)
}

/// How many digits a time has after its second.
fn fraction_digits(time: &str) -> usize {
    time.get(20..).map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count())
}
