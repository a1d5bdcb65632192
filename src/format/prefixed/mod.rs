//! Text exports in which every physical line has a prefix of the platform's: a time, a stream, a level. One grammar a
//! shape; what follows the prefix is the application's own line, which the joiner puts together with the lines that
//! continue it and the payloads read.

pub mod apache;
pub mod container;
pub mod platform;
pub mod relayed;
pub mod syslog;

use std::borrow::Cow;

use super::{About, Container, Decoded, ansi};
use crate::input::frame::{Frame, FrameContext, FrameKind, lossy};
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
    /// The server whose own log it is.
    pub server: Option<&'a str>,
    /// The address that the server served.
    pub client: Option<&'a str>,
    /// The rest of the line.
    pub body: &'a str,
}

/// A shape of lines with a prefix.
pub struct Prefixed {
    name: &'static str,
    about: About,
    fingerprint: &'static str,
    /// Whether a line can have the prefix, by its first bytes: asked of every line of every text source.
    can_begin: fn(&[u8]) -> bool,
    /// Reads the prefix. Sees only the beginning of a long line.
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
        self.read_start(line, |_, _| ()).is_some()
    }

    fn decode(&self, frame: &Frame<'_>, _context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        let mut frame = *frame;
        while self.name == syslog::SYSLOG.name
            && let Some((first, rest)) = syslog::cut_counted(frame.bytes)
        {
            if self.decode_one(&Frame { bytes: first, ..frame }, out) != Decoded::Records {
                break;
            }
            frame.bytes = rest;
        }
        self.decode_one(&frame, out)
    }
}

impl Prefixed {
    fn decode_one(&self, frame: &Frame<'_>, out: &mut Vec<Record>) -> Decoded {
        let record = self.read_start(frame.bytes, |head, start| {
            let rest = frame.bytes.get(start..).unwrap_or_default();
            let message = lossy(rest).trim_end_matches(['\n', '\r', '\0']).to_owned();
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
            if head.server.is_some() {
                let thread = record.stream.clone();
                apache::note(&mut record, thread.as_deref(), head.client);
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

    /// Reads the prefix of an entry and hands it on with the place of its body. A prefix in colour is read without the
    /// colours; the body keeps its own.
    fn read_start<T>(&self, bytes: &[u8], then: impl FnOnce(Head<'_>, usize) -> T) -> Option<T> {
        let coloured = bytes.first() == Some(&0x1b);
        if !coloured && !(self.can_begin)(bytes) {
            return None;
        }
        let first = bytes.get(..MAX_PREFIX_BYTES).unwrap_or(bytes);
        let first = first.split(|b| *b == b'\n').next().unwrap_or_default();
        let text = match std::str::from_utf8(first) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&first[..error.valid_up_to()]).unwrap_or_default(),
        };
        let text = text.trim_end_matches('\r');
        if let Some(found) = (self.head)(text) {
            let start = text.len() - found.body.len();
            return Some(then(found, start));
        }
        // Colours stand where a terminal was meant to be, mostly around the whole prefix.
        let Cow::Owned(plain) = ansi::strip(text) else { return None };
        let found = (self.head)(&plain)?;
        let start = coloured_length(text, plain.len() - found.body.len());
        Some(then(found, start))
    }
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

/// Whether a line begins as `2026-01-01T10:10:15` does.
fn can_begin_iso(line: &[u8]) -> bool {
    line.len() >= 20 && line[4] == b'-' && line[10] == b'T' && line[0].is_ascii_digit()
}

/// A time in the form `2026-01-01T10:10:15…` as the first word: its text and what follows it.
fn iso_word(text: &str) -> Option<(&str, &str)> {
    can_begin_iso(text.as_bytes()).then(|| word(text)).flatten()
}

/// How many digits a time has after its second.
fn fraction_digits(time: &str) -> usize {
    time.get(20..).map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count())
}
