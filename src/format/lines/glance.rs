//! Glances at the lines of JSON loggers, and at access lines ([`crate::format::access_glance`]).
//!
//! What a member means is said by the alias table of payload `json`; which of several members counts is never worked out
//! here: the full decoder reads the first line of each kind, and a stencil is learned only if all that it said stands in
//! the holes or is the same for all lines that fill it.

use wide::u8x16;

use crate::format::json_app::{self, Use};
use crate::format::logged_objects::Objects;
use crate::format::quiet::is_quiet_escaped;
use crate::format::registry::{CONTAINERS, Shapes};
use crate::format::stencil::{EMPTY, Holes, Role, Stencils};
use crate::format::text_parts::{is_counter, unescape};
use crate::format::{Begun, Decoded, Glance, access_glance, ansi, time};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{Brief, BriefLine, IdKind, Marks, Record, normalise_id_bytes};

/// Reads briefs of objects by stencil, those of lines by their form.
pub struct Glancer {
    stencils: Stencils<Kind>,
    inner: Inner,
    access: access_glance::Reader,
    /// The only payload that is to be read, if there is one.
    only: Option<&'static str>,
}

/// Reads texts that are objects themselves.
#[derive(Default)]
struct Inner {
    objects: Objects,
    scratch: Vec<u8>,
}

impl Inner {
    /// The text that an object as it stands in a JSON string is logged for. No escape is left in it, so it is found in the
    /// string too, behind a quote.
    fn text_of<'a>(&mut self, escaped: &'a [u8]) -> Option<&'a [u8]> {
        unescape(escaped, &mut self.scratch)?;
        let text = self.objects.text_of(&self.scratch)?;
        let mut quotes = memchr::memchr_iter(b'"', escaped).map(|quote| quote + 1);
        let at = quotes.find(|at| escaped[*at..].starts_with(text))?;
        escaped.get(at..at + text.len())
    }
}

/// What all lines of one stencil have in common.
struct Kind {
    status: Option<u16>,
    marks: Marks,
    /// The deployment stands in its slot.
    deployed: bool,
    /// Slot of the text.
    message: Option<u8>,
    /// The text too, where it counts for what is said of the request.
    exact: Option<Box<[u8]>>,
}

/// The payloads of objects, and of lines.
const JSON: &str = "json";
const ACCESS: &str = "access-log";

const ID: u8 = 0;
const TIME_TEXT: u8 = 1;
const TIME_NUMBER: u8 = 2;
const PATH: u8 = 3;
const ROUTE: u8 = 4;
const HOST: u8 = 5;
const PID: u8 = 6;
const DURATION: u8 = 7;
/// Texts that may be the entry's.
const MESSAGES: [(&str, u8); 3] = [("msg", 8), ("message", 9), ("event", 10)];
const DEPLOYMENT: u8 = 11;
const TRACE: u8 = 12;

/// What a line of a kind may be marked with.
const KNOWN_MARKS: [Marks; 4] = [Marks::START, Marks::END, Marks::CLIENT, Marks::ABORTED];

/// Loggers whose texts are templates, or are read further than others.
const READ_FURTHER: [&str; 6] = ["serilog", "docker", "loki", "gcp", "lograge", "tracing"];

fn role(path: &[&str]) -> Option<Role> {
    Some(match json_app::use_of(path) {
        Use::Nothing => return None,
        Use::Time => Role::Either(TIME_TEXT, TIME_NUMBER),
        Use::Message => {
            let slot = MESSAGES.iter().find(|(name, _)| path.last() == Some(name));
            slot.map_or(Role::Fixed, |(_, slot)| Role::Raw(*slot))
        }
        Use::Id => Role::Text(ID),
        Use::Trace => Role::Word(TRACE),
        Use::Path => Role::Text(PATH),
        Use::Route => Role::Text(ROUTE),
        Use::Host => Role::Text(HOST),
        Use::Pid => Role::Either(PID, PID),
        Use::Duration => Role::Number(DURATION),
        Use::Deployment => Role::FixedText(DEPLOYMENT),
        Use::Value => Role::Fixed,
    })
}

/// Texts that would make another shape of the line if they stood in it, as names do, and the beginning of compressed
/// content.
fn is_barred(text: &[u8]) -> bool {
    matches!(
        text,
        b"type"
            | b"time"
            | b"level"
            | b"record"
            | b"status"
            | b"routeKey"
            | b"requestId"
            | b"errorType"
            | b"timestamp"
            | b"stackTrace"
            | b"httpMethod"
            | b"requestTime"
            | b"resourcePath"
            | b"AWSRequestId"
            | b"errorMessage"
            | b"responseLength"
            | b"requestTimeEpoch"
            | b"deployment_error"
            | b"extendedRequestId"
            | b"integrationStatus"
            | b"function_request_id"
    ) || text.starts_with(b"H4sI")
}

impl Glancer {
    /// One that has learned nothing.
    pub fn new() -> Glancer {
        Glancer {
            stencils: Stencils::with_bars(role, is_barred),
            inner: Inner::default(),
            access: Default::default(),
            only: None,
        }
    }

    /// Whether this payload is to be read.
    fn reads(&self, payload: &str) -> bool {
        self.only.is_none_or(|only| only == payload)
    }

    /// Has a line decoded that fills no stencil, and learns from it if that can be done.
    fn learn<'a>(&mut self, frame: &Frame<'a>) -> Option<Brief<'a>> {
        let line = frame.bytes;
        if !self.stencils.may_learn() || !may_stand_for_others(line) {
            return None;
        }
        let found = self.learn_from(frame);
        if found.is_none() {
            self.stencils.could_not_learn();
        }
        found
    }

    fn learn_from<'a>(&mut self, frame: &Frame<'a>) -> Option<Brief<'a>> {
        let mut records = Vec::new();
        let read = Shapes::all().read(frame, &FrameContext::default(), None, None, &mut records);
        let is_ours = read.container.is_some_and(|index| usize::from(index) + 1 == CONTAINERS.len());
        let [record] = &records[..] else { return None };
        if read.decoded != Decoded::Records || !is_ours || !is_plain(record) {
            return None;
        }
        let (mut found, inner) = (None, &mut self.inner);
        self.stencils.learn_by(frame.bytes, |holes| {
            let kind = Kind::of(record, holes)?;
            found = Some(brief(&kind, holes, inner)?).filter(|brief| agrees(brief, record));
            found.as_ref().map(|_| kind)
        });
        found
    }
}

impl Glance for Glancer {
    fn payload(&self, kind: FrameKind) -> &'static str {
        if kind == FrameKind::Line { ACCESS } else { JSON }
    }

    fn keep_to(&mut self, payload: &str) -> bool {
        self.only = [JSON, ACCESS].into_iter().find(|known| *known == payload);
        self.only.is_some()
    }

    fn glance<'a>(&mut self, frame: &Frame<'a>, context: &FrameContext) -> Option<Brief<'a>> {
        // What stands in an array that has a name may be of another shape than its members tell.
        if !context.array_key.is_empty() {
            return None;
        }
        if frame.kind != FrameKind::Json || !self.reads(JSON) {
            return None;
        }
        match self.stencils.fill(frame.bytes) {
            Some((kind, holes)) => {
                brief(kind, &holes, &mut self.inner).filter(|_| !ansi::has_reset(frame.bytes))
            }
            None => self.learn(frame),
        }
    }

    fn glance_line<'a>(&mut self, bytes: &'a [u8]) -> Option<(Brief<'a>, usize)> {
        if !self.reads(JSON) {
            return None;
        }
        let mut holes = EMPTY;
        let (kind, length) = self.stencils.fill_line(bytes, &mut holes)?;
        let brief = brief(kind, &holes, &mut self.inner)?;
        (!ansi::has_reset(bytes.get(..length)?)).then_some((brief, length))
    }

    fn begin(&mut self, line: &[u8]) -> Option<Begun> {
        if self.reads(ACCESS) { self.access.begin(line) } else { None }
    }

    fn glance_begun<'a>(&mut self, line: &'a [u8], begun: Begun) -> Option<Brief<'a>> {
        self.access.glance(line, begun)
    }
}

/// Whether what shape the line has is told by its structure alone.
fn may_stand_for_others(line: &[u8]) -> bool {
    let has = |name: &[u8]| memchr::memmem::find(line, name).is_some();
    let whole = line.first() == Some(&b'{') && line.last() == Some(&b'}');
    // Lambda's own JSON is told by the form of its level and its request ID.
    whole && !ansi::has_reset(line) && !(has(b"\"timestamp\"") && has(b"\"requestId\"") && has(b"\"level\""))
}

/// Whether a record says nothing but what a brief can say.
fn is_plain(record: &Record) -> bool {
    let mut marks = record.marks;
    KNOWN_MARKS.iter().for_each(|known| marks.remove(*known));
    record.payload == "json"
        && record.error_text.is_empty()
        && record.error_class.is_none()
        && record.event_id.is_none()
        && record.function_status.is_none()
        && marks.is_empty()
        && record.id.as_ref().is_some_and(|id| id.kind == IdKind::Request)
        && record.also.len() <= 1
        && record.also.iter().all(|id| id.kind == IdKind::Trace)
        && !record.field("logger").is_some_and(|logger| READ_FURTHER.contains(&logger))
}

impl Kind {
    fn of(record: &Record, holes: &Holes<'_>) -> Option<Kind> {
        let text = |slot: u8| holes.get(usize::from(slot)).copied().flatten();
        let mut slots = MESSAGES.iter().map(|(_, slot)| *slot).filter(|slot| {
            text(*slot).is_some_and(|text| without_escapes(text) == record.message.as_bytes())
        });
        let message = slots.next();
        if slots.next().is_some() || (message.is_none() && !record.message.is_empty()) {
            return None;
        }
        // A brief has no path beside a route, and what stands beside a failed request may be told by its path.
        if record.status >= Some(500) && record.route.is_some() && record.path.is_some() {
            return None;
        }
        let decides = record.status.is_some() || !record.marks.is_empty();
        let exact = decides.then(|| message.and_then(text).unwrap_or_default().into());
        let deployed = record.deployment.is_some();
        Some(Kind { status: record.status, marks: record.marks, deployed, message, exact })
    }

    /// The entry's text out of what stands in its slot, if it says nothing more.
    #[inline]
    fn text<'a>(&self, text: &'a [u8], inner: &mut Inner) -> Option<&'a [u8]> {
        let fits = match &self.exact {
            Some(exact) => text == &**exact,
            None if text.starts_with(b"{\\\"") && text.ends_with(b"}") => return inner.text_of(text),
            None => !json_app::is_phrase(text),
        };
        let placed = self.message.is_none() || !is_placeholder(text);
        (fits && placed && is_quiet_escaped(text)).then_some(text)
    }
}

/// Whether a brief says what a record says.
fn agrees(brief: &Brief<'_>, record: &Record) -> bool {
    let text = |text: &Option<String>| text.as_ref().map(String::as_bytes).map(<[u8]>::to_vec);
    let stream = brief.line.map(|line| line.stream).unwrap_or_default();
    let stream = stream.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&b':');
    let path = text(&record.path).filter(|_| record.route.is_none());
    record.id.as_ref().is_some_and(|id| id.text.as_bytes() == brief.id)
        && record.also.first().map(|id| id.text.as_bytes()) == brief.trace
        && record.time_ms == brief.time_ms
        && text(&record.stream).unwrap_or_default() == stream
        && text(&record.route).as_deref() == brief.route
        && path.as_deref() == brief.path
        && text(&record.deployment).as_deref() == brief.deployment
        && brief.line.is_some_and(|line| without_escapes(line.message) == record.message.as_bytes())
}

/// A text that stood in a JSON string and in which nothing is escaped but quotes.
fn without_escapes(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| *byte != b'\\').collect()
}

/// Gives up where a value may mean anything else than a value of its kind.
#[inline]
fn brief<'a>(kind: &Kind, holes: &Holes<'a>, inner: &mut Inner) -> Option<Brief<'a>> {
    let hole = |slot: u8| holes[usize::from(slot) % holes.len()];
    let message = kind.text(kind.message.map_or(Some(&b""[..]), hole)?, inner)?;
    if hole(DURATION).is_some_and(|number| number.first() == Some(&b'-')) {
        return None;
    }
    let time_ms = match (hole(TIME_NUMBER), hole(TIME_TEXT)) {
        (Some(number), None) => time_of_number(number)?,
        (None, Some(text)) => time::parse(std::str::from_utf8(text).ok()?)?.ms,
        _ => return None,
    };
    let (host, pid) = (hole(HOST).unwrap_or_default(), hole(PID).unwrap_or_default());
    let has_host = hole(HOST).is_none_or(|host| !is_placeholder(host));
    let has_pid = hole(PID).is_none_or(|pid| !pid.is_empty() && pid.iter().all(u8::is_ascii_digit));
    if !has_host || !has_pid {
        return None;
    }
    let route = hole(ROUTE);
    if route.is_some_and(|route| route.first() != Some(&b'/')) {
        return None;
    }
    let path = match hole(PATH) {
        Some(target) => Some(path_of(target)?),
        None => None,
    };
    let id = request_id(hole(ID)?)?;
    let trace = match hole(TRACE) {
        Some(trace) => Some(plain_trace(trace)?).filter(|trace| *trace != id),
        None => None,
    };
    Some(Brief {
        id,
        trace,
        time_ms: Some(time_ms),
        status: kind.status,
        function_status: None,
        marks: kind.marks,
        event_id: None,
        route,
        path: path.filter(|_| route.is_none()),
        deployment: hole(DEPLOYMENT).filter(|_| kind.deployed),
        stream: None,
        complete: false,
        line: Some(BriefLine { stream: [host, pid], message }),
    })
}

/// Texts that stand for a missing value.
#[inline]
fn is_placeholder(text: &[u8]) -> bool {
    text.len() <= 9 && matches!(text, b"" | b"-" | b"null" | b"undefined")
}

/// A request ID that is no counter and holds no space.
#[inline]
fn request_id(raw: &[u8]) -> Option<&[u8]> {
    // What most of them are: then there is nothing to strip.
    if raw.len() <= 200 && is_hexadecimal(raw) {
        return Some(raw);
    }
    let short = raw.len() <= 12 && std::str::from_utf8(raw).is_ok_and(is_counter);
    let fits = !short && raw.is_ascii() && !raw.contains(&b' ');
    if fits { normalise_id_bytes(raw) } else { None }
}

/// Whether an ID of some length is hexadecimal digits with dashes between them, not zeros alone.
#[inline]
fn is_hexadecimal(raw: &[u8]) -> bool {
    let kinds = |block: &[u8; 16]| {
        let block = u8x16::from(*block);
        let dash = block.simd_eq(u8x16::splat(b'-'));
        let (digit, letter) = (block ^ u8x16::splat(b'0'), block - u8x16::splat(b'a'));
        let hexadecimal =
            digit.min(u8x16::splat(9)).simd_eq(digit) | letter.min(u8x16::splat(5)).simd_eq(letter);
        (hexadecimal | dash, block.simd_eq(u8x16::splat(b'0')) | dash)
    };
    let Some(last) = raw.last_chunk::<16>() else { return false };
    let (blocks, _) = raw.as_chunks::<16>();
    let (plain, zeros) = blocks.iter().map(kinds).fold(kinds(last), |(plain, zeros), kinds| {
        // The last block overlaps the one before it.
        (plain & kinds.0, zeros & kinds.1)
    });
    plain.to_bitmask() == 0xffff && zeros.to_bitmask() != 0xffff
}

/// A trace ID that the decoder takes as it stands.
#[inline]
fn plain_trace(raw: &[u8]) -> Option<&[u8]> {
    let plain = raw.iter().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase() || *b == b'-');
    let whole =
        raw.len() <= 200 && !raw.starts_with(b"0x") && raw.iter().filter(|b| **b == b'-').count() != 3;
    if plain && whole { normalise_id_bytes(raw) } else { None }
}

/// As the decoder reads a number: whole ones by their size, others with their fraction.
#[inline]
fn time_of_number(number: &[u8]) -> Option<i64> {
    if number.contains(&b'.') {
        return time::from_float(serde_json::from_slice(number).ok()?);
    }
    time::from_integer(crate::format::stencil::integer(number).into())
}

/// The path of a target of this service.
#[inline]
fn path_of(target: &[u8]) -> Option<&[u8]> {
    if target.first() != Some(&b'/') || target.last() == Some(&b' ') {
        return None;
    }
    let end = memchr::memchr2(b'?', b'#', target).unwrap_or(target.len());
    target.get(..end)
}
