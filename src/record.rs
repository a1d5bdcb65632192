//! The record: one normalised log line, and nothing else.
//!
//! Every input shape ends here, so the rooms above (correlation, rules, diagnosis, report) never see
//! a platform's field names. A record is plain owned data; it does no I/O and knows no request.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use asked::Asked;
pub use client::Client;
use ids::{MAX_ID_BYTES, kept_id};

// Named, for the build script reads this file from elsewhere.
#[path = "record/asked.rs"]
mod asked;
#[path = "record/client.rs"]
mod client;
#[path = "record/ids.rs"]
pub mod ids;

/// Where a record stands in the input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Index of the source in the run's list of sources (which is sorted by name).
    pub source: u32,
    /// Number of the first physical line of the frame, counted from 1.
    pub line: u64,
    /// Number of the frame in its source, counted from 1.
    pub entry: u64,
    /// Number of the record within its frame, counted from 0.
    pub part: u32,
}

/// Severity on one scale for all loggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Finer than debug.
    Trace,
    /// For developers.
    Debug,
    /// Normal operation. `log`, `http` and `notice` are this too.
    Info,
    /// Something odd that was survived.
    Warn,
    /// Something failed.
    Error,
    /// The process gave up.
    Fatal,
}

impl Level {
    /// The lower-case name used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }

    /// Reads the spellings that loggers use (`WARNING`, `err`, `crit`, `E`, `Information`, `fail` …).
    pub fn parse(text: &str) -> Option<Level> {
        let text = text.trim().trim_matches(|c| c == '[' || c == ']');
        // No spelling is longer.
        let mut lower = [0; 16];
        let lower = lower.get_mut(..text.len())?;
        lower.copy_from_slice(text.as_bytes());
        lower.make_ascii_lowercase();
        Some(match &*lower {
            b"trace" | b"silly" | b"verbose" | b"trce" | b"t" | b"finest" | b"finer" => Level::Trace,
            b"debug" | b"dbug" | b"d" | b"fine" | b"dbg" => Level::Debug,
            b"info" | b"log" | b"http" | b"notice" | b"information" | b"informational" | b"default"
            | b"i" | b"inf" | b"ok" => Level::Info,
            b"warn" | b"warning" | b"wrn" | b"w" => Level::Warn,
            b"error" | b"err" | b"erro" | b"severe" | b"fail" | b"e" | b"exception" => Level::Error,
            b"fatal" | b"critical" | b"crit" | b"alert" | b"emerg" | b"emergency" | b"panic" | b"dpanic"
            | b"f" | b"c" => Level::Fatal,
            _ => return None,
        })
    }

    /// Reads pino's and bunyan's numbers (10 trace … 60 fatal); other numbers count as the nearest below.
    pub fn from_pino(number: i64) -> Level {
        match number {
            ..20 => Level::Trace,
            20..30 => Level::Debug,
            30..40 => Level::Info,
            40..50 => Level::Warn,
            50..60 => Level::Error,
            _ => Level::Fatal,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a correlation ID was read from, which decides how far it can be trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IdKind {
    /// A request ID on the line itself, or the platform's own (`requestId`, `reqId`, Lambda's UUID).
    #[default]
    Request,
    /// A per-process counter, scoped as `host:pid:id`.
    Scoped,
    /// Two request IDs of which a line says that they are one request's: a gateway's and the function's.
    Alias,
    /// A trace ID: of lines that have no request ID, or that a line with both ties to its request.
    Trace,
    /// No ID on the line: attached by stream and order.
    Order,
    /// The shape has no ID at all: method, path and time window, or a block of its own.
    Fallback,
}

impl IdKind {
    /// The name used in JSON (`correlation.kind`).
    pub fn as_str(self) -> &'static str {
        match self {
            IdKind::Request => "request_id",
            IdKind::Scoped => "scoped_id",
            IdKind::Alias => "alias",
            IdKind::Trace => "trace_id",
            IdKind::Order => "stream_order",
            IdKind::Fallback => "fallback",
        }
    }

    /// Probability that lines joined in this way belong together, as stated in the report.
    pub fn certainty(self) -> f64 {
        match self {
            IdKind::Request => 1.0,
            IdKind::Scoped | IdKind::Alias => 0.95,
            IdKind::Trace => 0.9,
            IdKind::Order => 0.7,
            IdKind::Fallback => 0.5,
        }
    }
}

/// The normalised correlation ID of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrelationId {
    /// The ID, normalised (see [`normalise_id`]).
    pub text: String,
    /// What it was read from.
    pub kind: IdKind,
}

/// Strips what platforms wrap around one and the same ID: `fra1::iad1::ID`, `Root=ID;Parent=…`,
/// `projects/P/traces/ID`. Placeholders (`-`, `undefined`, all zeros …) are no ID.
pub fn normalise_id(raw: &str) -> Option<&str> {
    let mut id = raw.trim();
    if memchr::memchr3(b':', b'=', b'/', id.as_bytes()).is_some() {
        if let Some(at) = id.rfind("::") {
            id = &id[at + 2..];
        }
        if let Some(at) = id.find("Root=") {
            id = id[at + 5..].split(';').next().unwrap_or_default();
        }
        if id.starts_with("projects/") {
            id = id.rsplit('/').next().unwrap_or_default();
        }
    }
    (!is_placeholder(id.as_bytes())).then_some(id)
}

/// As [`normalise_id`], for the bytes of a text; most have nothing to strip and are read but once. None of over-long ones,
/// which are not kept as they stand.
pub fn normalise_id_bytes(raw: &[u8]) -> Option<&[u8]> {
    if raw.len() > MAX_ID_BYTES {
        return None;
    }
    if memchr::memchr3(b':', b'=', b'/', raw).is_some() || !raw.is_ascii() {
        return normalise_id(std::str::from_utf8(raw).ok()?).map(str::as_bytes);
    }
    let id = raw.trim_ascii();
    (!is_placeholder(id)).then_some(id)
}

/// Whether a text stands for "no ID".
fn is_placeholder(id: &[u8]) -> bool {
    // An empty one too.
    if id.iter().all(|b| matches!(b, b'0' | b'-')) {
        return true;
    }
    // Nothing that stands for "none" has a length that IDs have, but for one.
    match id.len() {
        4 | 7 | 9 | 10 => {
            matches!(id, b"undefined" | b"null" | b"None" | b"none" | b"unknown" | b"[Redacted]")
        }
        3 => id == b"N/A",
        32 => id == b"UUID_REPLACED_INVALID_REQUEST_ID",
        _ => false,
    }
}

/// What a record says happened, beyond its text. A set: one record can carry several marks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Marks(u32);

impl Marks {
    /// The request (or invocation) begins here: `START RequestId`, `incoming request`.
    pub const START: Marks = Marks(1);
    /// The request ends here; after this record it can be decided (`END`, `REPORT`, a completion or proxy record).
    pub const END: Marks = Marks(1 << 1);
    /// A client saw the status of this record (proxy, router or completion record).
    pub const CLIENT: Marks = Marks(1 << 2);
    /// The process or function crashed or exited in this request.
    pub const CRASH: Marks = Marks(1 << 3);
    /// The platform killed the function at its time limit.
    pub const TIMEOUT: Marks = Marks(1 << 4);
    /// The process ran out of memory.
    pub const OUT_OF_MEMORY: Marks = Marks(1 << 5);
    /// The client went away without an answer.
    pub const ABORTED: Marks = Marks(1 << 6);
    /// Background work that no client waits for (a drain's proxy status −1).
    pub const BACKGROUND: Marks = Marks(1 << 7);
    /// This invocation started a new instance.
    pub const COLD_START: Marks = Marks(1 << 8);
    /// Initialisation output, before any request: belongs to the next request of the stream.
    pub const INIT: Marks = Marks(1 << 9);
    /// A platform's summary row or line (REPORT, dashboard summary row), not written by the application.
    pub const SUMMARY: Marks = Marks(1 << 10);
    /// A framework's own "this request failed" block that carries no status (Next.js ` ⨯ `).
    pub const ERROR_BLOCK: Marks = Marks(1 << 11);
    /// Middleware answered or ran; its status never hides the function's.
    pub const MIDDLEWARE: Marks = Marks(1 << 12);
    /// The source cut the message.
    pub const TRUNCATED: Marks = Marks(1 << 13);
    /// Text that continues the record before it (a stack frame in an entry of its own).
    pub const CONTINUATION: Marks = Marks(1 << 14);
    /// The line has no time of its own; it stands at the time of the lines before it.
    pub const NO_TIME: Marks = Marks(1 << 15);
    /// One of several entries that stood in one frame (a page of an API): the others are not of its request.
    pub const APART: Marks = Marks(1 << 18);
    /// A piece of a line that its container cut: the text goes on in the next piece of the stream.
    pub const PIECE: Marks = Marks(1 << 16);
    /// Of a proxy or router in front of the application: of several statuses under one ID, its own is what the client got.
    pub const EDGE: Marks = Marks(1 << 17);

    /// Tells again of an answer where the completion just before it told of it; without one it is the completion itself.
    pub const ECHO: Marks = Marks(1 << 19);
    /// Printed outside any request, by a backend whose end explains what its proxy says of this request.
    pub const LAST_WORDS: Marks = Marks(1 << 20);
    /// Beside [`Marks::LAST_WORDS`]: the request's own lines name the program that printed it.
    pub const BACKEND_NAMED: Marks = Marks(1 << 21);

    /// The marks of both sets.
    pub const fn and(self, other: Marks) -> Marks {
        Marks(self.0 | other.0)
    }

    /// Adds `other`.
    pub fn insert(&mut self, other: Marks) {
        self.0 |= other.0;
    }

    /// Takes `other` away.
    pub fn remove(&mut self, other: Marks) {
        self.0 &= !other.0;
    }

    /// Whether any mark of `other` is set.
    pub fn has(self, other: Marks) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether none is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::BitOr for Marks {
    type Output = Marks;
    fn bitor(self, other: Marks) -> Marks {
        Marks(self.0 | other.0)
    }
}

/// Other IDs that are kept of one record.
const MAX_ALSO: usize = 4;

/// One normalised log line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Where it stands.
    pub at: Position,
    /// Milliseconds since the Unix epoch, UTC. None where the line has no time.
    pub time_ms: Option<i64>,
    /// Severity, where stated.
    pub level: Option<Level>,
    /// The text as the application wrote it, all its lines, without the container's prefix.
    /// Structured error details (stack, cause, code) go to [`Record::error_text`].
    pub message: String,
    /// Error class, message, stack, causes and codes that stood in fields of their own, as text.
    pub error_text: String,
    /// The event's own ID, unique per event where the platform gives one; used to recognise duplicates.
    pub event_id: Option<String>,
    /// What ties the record to its request.
    pub id: Option<CorrelationId>,
    /// Other IDs that the record gives the same request: a trace ID beside a request ID, a function's beside a gateway's.
    pub also: Vec<CorrelationId>,
    /// What lines without an ID are ordered in: a log stream, an instance, a process.
    pub stream: Option<String>,
    /// HTTP status of the request as this record has it, 100–599. Sentinels (−1, 0, "") are None plus a mark.
    /// An upstream's status never goes here.
    pub status: Option<u16>,
    /// The function's own status where the platform tells it apart from the client's (log drain).
    pub function_status: Option<u16>,
    /// What the record says happened.
    pub marks: Marks,
    /// HTTP method, upper case.
    pub method: Option<String>,
    /// Concrete path, without host and query.
    pub path: Option<String>,
    /// The platform's route template (`/api/orders/[id]`), where it has one.
    pub route: Option<String>,
    /// `node`, `edge`, `python`, `middleware`, `static` or what the platform calls it (`nodejs24.x`).
    pub runtime: Option<String>,
    /// Deployment or release.
    pub deployment: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// `production`, `preview` …
    pub environment: Option<String>,
    /// Git branch.
    pub branch: Option<String>,
    /// What kind of program asked, by its user agent, which itself is never kept.
    pub client: Option<Client>,
    /// Of a failed request's access line and of a server's error: who asked for what.
    pub asked: Option<Box<Asked>>,
    /// Duration of the request in milliseconds, from a completion or summary record only.
    #[serde(with = "exact")]
    pub duration_ms: Option<f64>,
    /// Peak memory in megabytes, from a summary record.
    #[serde(with = "exact")]
    pub memory_used_mb: Option<f64>,
    /// Memory limit in megabytes, from a summary record.
    #[serde(with = "exact")]
    pub memory_limit_mb: Option<f64>,
    /// Error class (`TypeError`, `PrismaClientInitializationError`).
    pub error_class: Option<String>,
    /// Error codes, innermost last (`ECONNREFUSED`, `P2024`, `28P01`).
    pub error_codes: Vec<String>,
    /// Name of the payload shape that read the message; empty where none did.
    #[serde(skip)]
    pub payload: &'static str,
    /// Other fields by name, flattened with dots, in the order of the input. Used by rule conditions and captures.
    pub fields: Vec<(String, String)>,
}

impl Record {
    /// The text that rules are matched on: message, then error text; never twice the same.
    pub fn text(&self) -> String {
        if self.error_text.is_empty() {
            return self.message.clone();
        }
        if self.message.is_empty() || self.error_text.contains(self.message.as_str()) {
            return self.error_text.clone();
        }
        format!("{}\n{}", self.message, self.error_text)
    }

    /// The value of another field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Sets a request ID unless a better kind is there already. A trace ID beside a request ID is kept as another ID.
    pub fn set_id(&mut self, raw: &str, kind: IdKind) {
        match &self.id {
            Some(have) if kind == IdKind::Trace && have.kind < IdKind::Trace => self.know_as(raw, kind),
            Some(have) if have.kind <= kind => {}
            _ => {
                let Some(text) = normalise_id(raw).map(kept_id) else { return };
                let id = CorrelationId { text: text.into_owned(), kind };
                if let Some(before) = self.id.replace(id)
                    && before.kind == IdKind::Trace
                    && kind < IdKind::Trace
                {
                    self.know_as(&before.text, IdKind::Trace);
                }
            }
        }
    }

    /// Keeps another ID of the request beside its own: [`IdKind::Alias`] for a request ID, [`IdKind::Trace`].
    pub fn know_as(&mut self, raw: &str, kind: IdKind) {
        let Some(text) = normalise_id(raw).map(kept_id) else { return };
        let is_known = self.also.iter().map(|id| &id.text).chain(self.id.iter().map(|id| &id.text));
        if self.also.len() < MAX_ALSO && !is_known.into_iter().any(|known| *known == text) {
            self.also.push(CorrelationId { text: text.into_owned(), kind });
        }
    }
}

/// Numbers as their bits, for files of one run: what is read back equals what was written.
mod exact {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(number: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
        number.map(f64::to_bits).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(f64::from_bits))
    }
}

/// What correlation must know of a frame before the frame is worth decoding. A shape that can find this quickly
/// lets the lines of healthy requests go by unread. Texts are UTF-8, as bytes, because most are only hashed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Brief<'a> {
    /// Normalised request ID; empty if the entry is a completion without any, which is a request by itself.
    pub id: &'a [u8],
    /// The trace ID beside it: the one of [`Record::also`], which holds nothing else.
    pub trace: Option<&'a [u8]>,
    /// As [`Record::time_ms`].
    pub time_ms: Option<i64>,
    /// As [`Record::status`].
    pub status: Option<u16>,
    /// As [`Record::function_status`].
    pub function_status: Option<u16>,
    /// As [`Record::marks`].
    pub marks: Marks,
    /// As [`Record::event_id`].
    pub event_id: Option<&'a [u8]>,
    /// As [`Record::route`].
    pub route: Option<&'a [u8]>,
    /// As [`Record::path`]; only where there is no route.
    pub path: Option<&'a [u8]>,
    /// As [`Record::deployment`].
    pub deployment: Option<&'a [u8]>,
    /// As [`Record::stream`], where the platform serves one request at a time in a stream.
    pub stream: Option<&'a [u8]>,
    /// The message was read too: decoding would say nothing of how the request ended that is not said here.
    pub complete: bool,
    /// Of entries without an event ID: what tells them apart.
    pub line: Option<BriefLine<'a>>,
}

/// What tells entries without an event ID apart, beside their time: where they were written, and the text.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BriefLine<'a> {
    /// As [`Record::stream`], in two parts with a colon between them; an empty part and the colon are left out.
    pub stream: [&'a [u8]; 2],
    /// As [`Record::message`], but with a backslash before each quote if it stood in a JSON string; it holds no others.
    /// There is no [`Record::error_text`].
    pub message: &'a [u8],
}
