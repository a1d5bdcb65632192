//! Payload `json`: one JSON object as an application logger writes it, whichever logger that is.
//!
//! One table says what a member means (`aliases.rs`), one walk finds the members (`walk.rs`), and this file turns
//! them into a record. JSON inside a message is unwrapped; an object that the source cut off is read as far as it
//! goes. Envelopes of log shippers that keep the line as text (`log`, `textPayload`, `line`) are read through.

mod aliases;
mod errors;
mod nested;
mod outcome;
mod tower;
mod unwrap;
mod walk;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::format::text_parts::{
    is_counter, is_uuid, may_have_blanks, push_field, set_request_id, set_time, set_whole_request_id,
};
use crate::format::time::{self, Stamp};
use crate::format::{
    About, Payload, access_log, ansi, completion, envelope, json, next_stdout, plain_text, python_text, w3c,
};
use crate::record::{IdKind, Level, Marks, Record};
use aliases::Slot;
pub use outcome::is_phrase;
use unwrap::{inner_object, object, read_prefix, repair, split};
use walk::Found;
pub use walk::{Use, use_of};

/// How many wrappings (a JSON text inside a member, and so on) are looked into.
const MAX_DEPTH: usize = 4;

/// The payload `json`.
pub struct JsonApp;

impl Payload for JsonApp {
    fn name(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> About {
        About {
            title: "JSON lines of an application logger (pino, winston, bunyan, ECS, zap, structlog, Serilog …)",
            fingerprint: "a JSON object, alone or after a time and level",
            export: "the application's standard output",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        split(&record.message).is_some()
    }

    fn read(&self, record: &mut Record, more: &mut Vec<Record>) {
        read_at(record, more, 0);
    }
}

/// Reads a message that holds an object, which stands so deep in envelopes.
pub fn read_at(record: &mut Record, more: &mut Vec<Record>, depth: usize) {
    let message = std::mem::take(&mut record.message);
    let Some((prefix, body)) = split(&message) else {
        record.message = message;
        return;
    };
    let whole = object(body);
    let is_cut = whole.is_none();
    let Some(map) = whole.or_else(|| repair(body)) else {
        record.message = message;
        plain_text::read_text(record);
        return;
    };
    read_prefix(prefix, record);
    let had = more.len();
    if is_cut {
        record.marks.remove(Marks::TRUNCATED);
    }
    read_map(&map, record, more, depth);
    if is_cut {
        // Of the entries in a page that was cut off, the last one is not whole.
        let last = if more.len() > had { more.last_mut() } else { None };
        last.unwrap_or(record).marks.insert(Marks::TRUNCATED);
    }
}

/// Reads an object: what an envelope holds, or the members of a logger's.
pub fn read_map(map: &Map<String, Value>, record: &mut Record, more: &mut Vec<Record>, depth: usize) {
    if let Some(envelope) = envelope::find(map).filter(|_| depth <= envelope::MAX_DEPTH) {
        envelope.open(map, record, more, depth);
        return;
    }
    if w3c::is_row(map) {
        w3c::read_row(map, record);
        return;
    }
    let flat = nested::flatten(map);
    let logger = read_object(flat.as_ref().unwrap_or(map), record);
    if matches!(logger, Some("docker" | "loki" | "gcp")) {
        read_inner_text(record, more);
    }
}

/// Reads the members of an object into the record by the alias table, and returns the logger's name where the
/// object tells it. Also the reader of logfmt pairs.
pub fn read_object(map: &Map<String, Value>, record: &mut Record) -> Option<&'static str> {
    let mut done = Done::default();
    read_level(map, record, 0, &mut done)
}

/// Whether a member of this name, as written and at top level, can say anything by which entries are joined or requests
/// decided: an ID, a status, a time, a place, an error, the text itself.
pub fn is_telling_key(key: &[u8]) -> bool {
    aliases::may_be_telling(key)
}

/// All names of such members, folded (lower case, without `_` and `-`).
pub fn telling_keys() -> impl Iterator<Item = &'static str> {
    aliases::telling()
}

/// What an inner object has settled, so that the one around it does not overwrite it.
#[derive(Default)]
struct Done {
    time: bool,
    level: bool,
    message: bool,
}

fn read_level(
    map: &Map<String, Value>,
    record: &mut Record,
    depth: usize,
    done: &mut Done,
) -> Option<&'static str> {
    let logger = outcome::logger(map);
    if let Some(name) = logger {
        push_field(record, "logger", name);
    }
    let mut found = Found::default();
    found.walk(map, record);
    let message = message_text(map, &found, logger);
    let inner = message.as_deref().filter(|_| depth < MAX_DEPTH).and_then(inner_object);
    if let Some(inner) = inner {
        read_level(&inner, record, depth + 1, done);
    } else if let Some(message) = message.filter(|_| !done.message) {
        record.message = message;
        done.message = true;
    }
    read_head(&mut found, record, logger, done);
    read_place(&mut found, record);
    read_ids(&mut found, record);
    errors::read(map, &mut found, record);
    outcome::read(map, &mut found, record, logger);
    if depth == 0 {
        read_words(record);
    }
    found.keep_unread(record);
    logger
}

/// What only the words of the message say: an ID in brackets before them, how the request ended.
fn read_words(record: &mut Record) {
    if record.id.is_none()
        && let Some(id) = bracketed_id(record.message.as_bytes())
        && let Ok(id) = std::str::from_utf8(id)
    {
        let id = id.to_owned();
        set_request_id(record, &id);
    }
    let is_trouble = record.level.is_none_or(|level| level >= Level::Warn);
    if is_trouble && record.error_class.is_none() && is_goroutine(&record.message) {
        record.level = Some(record.level.map_or(Level::Error, |level| level.max(Level::Error)));
        record.error_class = Some("panic".to_owned());
    }
    // The words of an entry that was cut off may be a piece of something else.
    if record.id.is_some() || !record.marks.has(Marks::TRUNCATED) {
        completion::complete(record);
    }
}

/// Whether the stack of a goroutine stands in a text, as echo and others log what they recovered from.
fn is_goroutine(message: &str) -> bool {
    message.split_once("goroutine ").is_some_and(|(_, rest)| {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.starts_with(" [running]:\n")
    })
}

/// The UUID in brackets that a message begins with.
pub fn bracketed_id(message: &[u8]) -> Option<&[u8]> {
    let id = message.strip_prefix(b"[")?.get(..36)?;
    (message.get(37) == Some(&b']') && std::str::from_utf8(id).is_ok_and(is_uuid)).then_some(id)
}

/// Time and level.
fn read_head(found: &mut Found<'_>, record: &mut Record, logger: Option<&str>, done: &mut Done) {
    if let Some(stamp) = found.value(Slot::Time).and_then(stamp_of)
        && !done.time
    {
        set_time(record, stamp);
        done.time = true;
    }
    let level = match found.value(Slot::Level).and_then(|value| level_of(value, logger)) {
        Some(level) => Some(level),
        None if logger == Some("serilog") => Some(Level::Info),
        None => {
            found.give_back(Slot::Level);
            None
        }
    };
    if let Some(level) = level.filter(|_| !done.level) {
        record.level = Some(level);
        done.level = true;
    }
}

/// Where the process ran, and as what.
fn read_place(found: &mut Found<'_>, record: &mut Record) {
    let text = |slot| found.value(slot).and_then(json::scalar);
    let host = text(Slot::Host);
    let pid = text(Slot::Pid);
    let stream = match (host, pid) {
        (Some(host), Some(pid)) => Some(format!("{host}:{pid}")),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
    };
    let version = text(Slot::Version).filter(|version| is_release(version));
    let deployment = text(Slot::Deployment).or_else(|| version.clone());
    let places = [
        (&mut record.stream, stream),
        (&mut record.region, text(Slot::Region)),
        (&mut record.environment, text(Slot::Environment)),
        (&mut record.branch, text(Slot::Branch)),
        (&mut record.runtime, text(Slot::Runtime)),
        (&mut record.deployment, deployment),
    ];
    for (place, value) in places {
        if place.is_none() {
            *place = value;
        }
    }
    if version.is_none() {
        found.give_back(Slot::Version);
    }
    // An insert ID is unique only together with its time.
    if let (Some(id), Some(ms)) = (found.value(Slot::EventId).and_then(json::scalar), record.time_ms) {
        record.event_id.get_or_insert_with(|| format!("{ms}:{id}"));
    }
}

/// A version that names a release: a dotted number or a hash, not the `0` and `1` of a schema.
fn is_release(version: &str) -> bool {
    let digits = version.bytes().any(|b| b.is_ascii_digit());
    let hash = version.len() >= 7 && version.bytes().all(|b| b.is_ascii_hexdigit());
    digits && (hash || version.contains('.') || version.starts_with('v')) && version.len() <= 80
}

/// Whether a member of this name holds Cloudflare's ID of a request.
fn is_ray(name: &str) -> bool {
    matches!(aliases::fold(name).as_str(), "cfray" | "rayid")
}

fn read_ids(found: &mut Found<'_>, record: &mut Record) {
    if let Some(id) = found.value(Slot::RequestId).and_then(json::scalar) {
        let is_ray = is_ray(found.name(Slot::RequestId));
        set_whole_request_id(record, if is_ray { envelope::ray_id(&id) } else { &id });
    }
    // One member names the request; of several, each gives it another name.
    for (id, name) in found.request_ids.iter().filter(|_| found.request_ids.len() > 1) {
        let Some(other) = json::scalar(id) else { continue };
        let has_blanks = other.trim().contains(char::is_whitespace);
        if (!has_blanks || may_have_blanks(&other)) && !is_counter(other.trim()) {
            record.know_as(if is_ray(name) { envelope::ray_id(&other) } else { &other }, IdKind::Alias);
        }
    }
    if let Some(trace) = found.value(Slot::TraceId).and_then(json::scalar)
        && let Some(id) = trace_id(&trace)
    {
        record.set_id(&id, IdKind::Trace);
    }
}

/// The trace ID inside `00-TRACE-SPAN-01`, `TRACE/SPAN;o=1`, `projects/P/traces/TRACE`, `0xTRACE`.
fn trace_id(raw: &str) -> Option<String> {
    if raw.len() > 200 || raw.contains(char::is_whitespace) {
        return None;
    }
    if raw.contains("Root=") {
        // X-Amzn-Trace-Id, as load balancers write it.
        return Some(raw.to_owned());
    }
    let mut parts = raw.split('-');
    let id = match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(version), Some(trace), Some(_), Some(_), None) if version.len() == 2 && trace.len() == 32 => {
            trace
        }
        _ if raw.starts_with("projects/") => raw,
        _ => raw.split('/').next().unwrap_or_default().trim_start_matches("0x"),
    };
    Some(id.to_ascii_lowercase())
}

/// The text of the entry: by the table, but for loggers that mean another member or a template.
fn message_text(map: &Map<String, Value>, found: &Found<'_>, logger: Option<&str>) -> Option<String> {
    let value = match (logger, map.get("msg")) {
        (Some("pino" | "bunyan"), Some(msg @ Value::String(_))) => msg,
        _ => found.value(Slot::Message)?,
    };
    let text = match value {
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().take(16).filter_map(json::scalar).collect();
            parts.join(" ")
        }
        other => json::scalar(other)?,
    };
    let text = if logger == Some("serilog") && !map.contains_key("@m") { render(&text, map) } else { text };
    Some(ansi::strip(text.trim_end_matches(['\n', '\r'])).into_owned())
}

/// Fills a Serilog template: `{Name}`, `{@Name}`, `{Name:format}` by the property of that name.
/// <https://github.com/serilog/serilog-formatting-compact>
fn render(template: &str, map: &Map<String, Value>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let close = from.bytes().take(128).position(|b| b == b'}');
        let Some(close) = close else {
            out.push('{');
            rest = &from[1..];
            continue;
        };
        let name = from[1..close].trim_start_matches(['@', '$']);
        let name = name.split([':', ',']).next().unwrap_or_default();
        match map.get(name) {
            Some(Value::String(text)) => out.push_str(text),
            Some(value) => out.push_str(&value.to_string()),
            None => out.push_str(&from[..=close]),
        }
        rest = &from[close + 1..];
    }
    out.push_str(rest);
    out
}

/// A time in a member: a text, or a number of any unit.
pub fn stamp_of(value: &Value) -> Option<Stamp> {
    let zoned = |ms| Stamp { ms, zoned: true };
    match value {
        Value::String(text) => time::parse(text),
        Value::Number(number) => match number.as_u64() {
            Some(whole) => time::from_integer(i128::from(whole)).map(zoned),
            None => time::from_float(number.as_f64()?).map(zoned),
        },
        _ => None,
    }
}

/// A level in a member. `DEFAULT` of Google Cloud says nothing; `ERROR+4` of slog counts as its base, four steps up
/// being one level; numbers are pino's unless the logger has its own.
fn level_of(value: &Value, logger: Option<&str>) -> Option<Level> {
    if let Value::Number(number) = value {
        let number = number.as_i64()?;
        return match logger {
            Some("python") => Some(Level::from_pino(number + 10)),
            _ if number >= 100 => Some(Level::from_pino(number.min(800) / 10 + 10)),
            _ if number >= 10 => Some(Level::from_pino(number)),
            // 0 to 7 without a logger's name: syslog's scale.
            _ => Some(match number {
                ..3 => Level::Fatal,
                3 => Level::Error,
                4 => Level::Warn,
                5 | 6 => Level::Info,
                _ => Level::Debug,
            }),
        };
    }
    let text = json::scalar(value)?;
    let text = ansi::strip(&text);
    if text.eq_ignore_ascii_case("default") {
        return None;
    }
    match text.split_once(['+', '-']) {
        Some(("ERROR", "4")) => Some(Level::Fatal),
        Some(("DEBUG", "4")) if text.contains('-') => Some(Level::Trace),
        Some((base, offset)) if offset.parse::<u8>().is_ok() => Level::parse(base),
        _ => Level::parse(&text),
    }
}

/// Reads the text that an envelope kept, by the first text payload that knows it.
fn read_inner_text(record: &mut Record, more: &mut Vec<Record>) {
    let payloads: [&dyn Payload; 4] =
        [&access_log::AccessLog, &next_stdout::NextStdout, &python_text::PythonText, &plain_text::PlainText];
    if let Some(payload) = payloads.iter().find(|payload| payload.detect(record)) {
        payload.read(record, more);
    }
}
