//! Input shapes: frames to records.
//!
//! Two layers, always. A **container** is how an entry is wrapped (a drain object, a CloudWatch event, a
//! dashboard row, a bare line); a **payload** is what its message holds (Lambda text, an application's JSON,
//! an access log line). Each shape is one file with one `impl` and one line in [`registry::CONTAINERS`] or
//! [`registry::PAYLOADS`].
//! A shape reads one frame at a time and keeps no state: what spans frames is the business of `correlate`.

pub mod access_glance;
pub mod access_log;
pub mod alone;
pub mod ansi;
pub mod apigw_access;
pub mod apigw_execution;
pub mod aws;
pub mod cloudwatch_events;
pub mod cloudwatch_tail;
pub mod cloudwatch_text;
pub mod completion;
pub mod docker_json;
pub mod envelope;
pub mod frameworks;
pub mod heroku;
pub mod insights;
pub mod joiner;
pub mod json;
pub mod json_app;
pub mod lambda_body;
pub mod lambda_glance;
pub mod lambda_json;
pub mod lambda_lines;
pub mod lambda_platform;
pub mod lambda_split;
pub mod lambda_text;
pub mod lines;
pub mod logged_objects;
pub mod members;
pub mod next_stdout;
pub mod plain_text;
pub mod prefixed;
pub mod proxy_log;
pub mod python_text;
pub mod quiet;
pub mod registry;
pub mod render_request;
pub mod s3_export;
pub mod sam_logs;
pub mod stencil;
pub mod subscription;
pub mod text_parts;
pub mod time;
pub mod vercel;
pub mod vercel_dashboard;
pub mod vercel_drain;
pub mod vercel_history;
pub mod vercel_stream;
pub mod vercel_table;
pub mod viewer_csv;
pub mod w3c;

use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{Brief, Record};

/// What `why500 formats` prints of a shape.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// One line for people.
    pub title: &'static str,
    /// What it is recognised by.
    pub fingerprint: &'static str,
    /// How to get such an export.
    pub export: &'static str,
}

/// What became of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Its records were appended.
    Records,
    /// It holds no log line: a header, a control message, an empty page. Counted as ignored.
    Ignored(&'static str),
    /// It is of another shape; the caller detects again.
    NotMine,
    /// It is of this shape but broken. Counted as rejected, with the reason.
    Rejected(&'static str),
}

/// How an entry is wrapped.
pub trait Container: Sync {
    /// The name for `--input-format` and `sources[].format`, kebab-case.
    fn name(&self) -> &'static str;

    /// For `why500 formats`.
    fn about(&self) -> About;

    /// Whether the frame has this shape, and by what it was recognised. Cheap, never guesses: `None` when in doubt.
    fn detect(&self, frame: &Frame<'_>, context: &FrameContext) -> Option<&'static str>;

    /// CSV shapes only: whether a header row with these column names is this shape's.
    fn claims_header(&self, _columns: &[&str]) -> bool {
        false
    }

    /// Text shapes only: whether a physical line begins a new entry. Lines that do not begin one continue
    /// the entry before them. JSON and CSV shapes are framed by their syntax and keep the default.
    fn starts_entry(&self, _line: &[u8]) -> bool {
        true
    }

    /// Text shapes only: entries are lines with a prefix of this shape's own.
    fn is_text(&self) -> bool {
        false
    }

    /// Entries are physical lines with a prefix each, or pieces of lines: what one stream continues is joined by
    /// [`joiner::Joiner`] before any payload reads it.
    fn joins(&self) -> bool {
        false
    }

    /// The platform itself says what status the request had, so a status inside a message is about something else.
    fn knows_status(&self) -> bool {
        false
    }

    /// Who tells what correlation must know of this shape's frames without decoding them, if anybody can.
    fn glancer(&self) -> Option<Box<dyn Glance>> {
        None
    }

    /// Appends the frame's records. `message` is left as the container holds it: the payload layer reads on.
    fn decode(&self, frame: &Frame<'_>, context: &FrameContext, out: &mut Vec<Record>) -> Decoded;

    /// As [`Container::decode`], for a frame that this shape's own [`Glance`] has read: it is of this shape for sure.
    fn decode_glanced(&self, frame: &Frame<'_>, context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        self.decode(frame, context, out)
    }
}

/// The prefix of a line of text: what stands before the message, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// Time of the entry.
    pub time_ms: i64,
    /// Where the name of its stream begins and ends.
    pub stream: (u32, u32),
    /// Where its message begins.
    pub message: u32,
}

/// An element of an array that was glanced at.
#[derive(Debug)]
pub struct Element<'a> {
    /// What it says.
    pub brief: Brief<'a>,
    /// Its length in bytes.
    pub length: usize,
    /// How many line ends are in it.
    pub newlines: u64,
}

/// Reads of a frame only what correlation must know. It may learn from frame to frame how to do that faster, or for more
/// of them; what it says of a frame, if it says anything, never depends on that.
pub trait Glance: Send {
    /// The payload that all frames of this kind have of which it tells anything; empty where that is not known.
    fn payload(&self, _kind: FrameKind) -> &'static str {
        ""
    }

    /// Whether it may be asked where no other payload than this one is to be read; from then on it tells of no other.
    fn keep_to(&mut self, payload: &str) -> bool {
        match self.payload(FrameKind::Line) {
            "" => true,
            known => known == payload && !self.reads_on(),
        }
    }

    /// Whether it tells also what further payloads find in what [`Glance::payload`] leaves of a message.
    fn reads_on(&self) -> bool {
        false
    }

    /// Exactly what [`Container::decode`] and the payload layer would say of the frame. `None` where there is any doubt.
    fn glance<'a>(&mut self, frame: &Frame<'a>, context: &FrameContext) -> Option<Brief<'a>>;

    /// What [`Glance::glance`] says of the line that `bytes` begin with, if that line is one JSON object and nothing else,
    /// and its length without the `\n` that follows it. `None` unless the line is much like one that was glanced at
    /// before, so that its end is found on the way.
    fn glance_line<'a>(&mut self, _bytes: &'a [u8]) -> Option<(Brief<'a>, usize)> {
        None
    }

    /// What [`Glance::glance`] says of the element of an array that `bytes` begin with, whose end is found on the way.
    fn glance_element<'a>(&mut self, _bytes: &'a [u8], _context: &FrameContext) -> Option<Element<'a>> {
        None
    }

    /// Text shapes only: reads the prefix of a physical line that surely begins an entry. Faster than
    /// [`Container::starts_entry`], and none where that may say yes.
    fn begin(&mut self, _line: &[u8]) -> Option<Begun> {
        None
    }

    /// Text shapes only: what [`Glance::glance`] says of an entry that is such a line, white space at its end left out.
    fn glance_begun<'a>(&mut self, _line: &'a [u8], _begun: Begun) -> Option<Brief<'a>> {
        None
    }
}

/// What a message holds.
pub trait Payload: Sync {
    /// The name for `--input-format` and `sources[].format`, kebab-case.
    fn name(&self) -> &'static str;

    /// For `why500 formats`.
    fn about(&self) -> About;

    /// Whether this message has this shape: by `record.message` alone, and by whether the
    /// container knows that it is of a Lambda function. Cheap, never guesses.
    fn detect(&self, record: &Record) -> bool;

    /// Reads `record.message` and fills what the container could not know; fields that the container has set stay,
    /// except level and time of the application where the container only knows its own. May append further
    /// records for the same frame (several lines in one message). Called only after `detect` said yes.
    fn read(&self, record: &mut Record, more: &mut Vec<Record>);
}
