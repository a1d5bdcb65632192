//! Envelopes in JSON: the objects in which platforms, log shippers and log stores hand out other programs' lines. What
//! one line of an application says is the business of the payloads.
//!
//! An envelope is told by members that only it has, so it is looked for once an object is parsed, and costs the lines
//! of plain loggers next to nothing. One file per envelope, one line in [`ENVELOPES`].

pub mod app_insights;
pub mod azure;
pub mod cloudflare;
pub mod datadog;
pub mod elastic;
pub mod fly;
pub mod journald;
pub mod logpush;
pub mod loki;
pub mod netlify;
pub mod otlp;
pub mod render;
pub mod shipper;
pub mod vercel;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::json_app::{self, JsonApp};
use super::{About, Payload, ansi, json, lines, text_parts};
use super::{access_log, lambda_text, next_stdout, plain_text, python_text};
use crate::record::{Level, Marks, Record};

/// The members of an object.
pub type Object = Map<String, Value>;

/// How many envelopes inside each other are read.
pub const MAX_DEPTH: usize = 4;

/// A kind of envelope.
pub struct Envelope {
    /// The name for `--input-format` and `sources[].format`, kebab-case.
    pub name: &'static str,
    /// For `why500 formats`.
    pub about: About,
    /// Whether all its records are of one request; else each is an entry of its own.
    pub one_request: bool,
    /// Whether an object is this envelope. Cheap, never guesses.
    pub claims: fn(&Object) -> bool,
    /// The records in it. Each begins as a copy of the given one, which holds what the container knows and no message;
    /// the number is how deep the envelope stands in others.
    pub read: fn(&Object, &Record, usize) -> Vec<Record>,
}

/// All envelopes, the most telling first.
pub const ENVELOPES: [&Envelope; 18] = [
    &otlp::ENVELOPE,
    &journald::ENVELOPE,
    &cloudflare::TAIL,
    &cloudflare::TRACE,
    &cloudflare::OBSERVABILITY,
    &logpush::ENVELOPE,
    &datadog::ENVELOPE,
    &loki::ENVELOPE,
    &azure::ENVELOPE,
    &app_insights::ENVELOPE,
    &elastic::ENVELOPE,
    &shipper::ENVELOPE,
    &fly::ENVELOPE,
    &render::ENVELOPE,
    &netlify::ENVELOPE,
    &vercel::ROWS,
    &vercel::BUILD,
    &vercel::ELSEWHERE,
];

/// The envelope that an object is.
pub fn find(map: &Object) -> Option<&'static Envelope> {
    // The commonest loggers by far, which no envelope looks like.
    if map.contains_key("msg") && map.get("level").is_some_and(Value::is_number) {
        return None;
    }
    ENVELOPES.into_iter().find(|envelope| (envelope.claims)(map))
}

impl Envelope {
    /// Reads the records into `record` and `more`.
    pub fn open(&self, map: &Object, record: &mut Record, more: &mut Vec<Record>, depth: usize) {
        record.message = String::new();
        let mut records = (self.read)(map, record, depth);
        if records.len() > 1 && !self.one_request {
            records.iter_mut().for_each(|record| record.marks.insert(Marks::APART));
        }
        let mut records = records.into_iter();
        match records.next() {
            Some(first) => *record = first,
            None => record.marks.insert(Marks::SUMMARY),
        }
        record.payload = self.name;
        more.extend(records.map(|record| Record { payload: self.name, ..record }));
    }
}

// An envelope is listed as a payload, so that a user can force it; else the payload `json` opens it.
impl Payload for Envelope {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> About {
        self.about
    }

    fn detect(&self, record: &Record) -> bool {
        // Most texts that get here are no objects; not even to begin with parsing them saves much.
        let text = record.message.trim_ascii();
        let whole = text.starts_with('{') && text.ends_with('}');
        whole && json::object(text.as_bytes()).is_some_and(|map| (self.claims)(&map))
    }

    fn read(&self, record: &mut Record, more: &mut Vec<Record>) {
        if let Some(map) = json::object(record.message.as_bytes()) {
            self.open(&map, record, more, 0);
        }
    }
}

/// Adds a line of an application that an envelope held: its message is read on, whatever it holds. The envelope's time
/// stays, since it orders all of them.
pub fn push_line(mut line: Record, depth: usize, out: &mut Vec<Record>) {
    let time_ms = line.time_ms;
    let mut more = Vec::new();
    read_text(&mut line, &mut more, depth);
    line.time_ms = time_ms.or(line.time_ms);
    out.push(line);
    out.append(&mut more);
}

/// As [`push_line`], where the platform itself tells what became of the request: a status inside a line is about
/// something else.
pub fn push_line_of_known_request(line: Record, depth: usize, out: &mut Vec<Record>) {
    let from = out.len();
    push_line(line, depth, out);
    for line in &mut out[from..] {
        line.status = None;
        line.function_status = None;
        line.marks.remove(
            Marks::CLIENT | Marks::END | Marks::START | Marks::ERROR_BLOCK | Marks::ABORTED | Marks::CRASH,
        );
    }
}

/// Reads the message of a line by the first payload that knows it.
fn read_text(line: &mut Record, more: &mut Vec<Record>, depth: usize) {
    if let std::borrow::Cow::Owned(stripped) = ansi::strip(&line.message) {
        line.message = stripped;
    }
    line.message.truncate(line.message.trim_end_matches(['\n', '\r']).len());
    if line.message.is_empty() {
        return;
    }
    if depth < MAX_DEPTH && JsonApp.detect(line) {
        json_app::read_at(line, more, depth + 1);
        return;
    }
    if lines::is_fragment(text_parts::first_line(&line.message)) {
        line.marks.insert(Marks::CONTINUATION);
    }
    let payloads: [&dyn Payload; 5] = [
        &lambda_text::LambdaText,
        &access_log::AccessLog,
        &next_stdout::NextStdout,
        &python_text::PythonText,
        &plain_text::PlainText,
    ];
    if let Some(payload) = payloads.into_iter().find(|payload| payload.detect(line)) {
        payload.read(line, more);
    }
}

/// The arguments of a call to `console`, as it prints them: joined by spaces, objects as JSON.
pub fn printed(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().take(64).map(printed_one).collect();
            parts.join(" ")
        }
        other => printed_one(other),
    }
}

fn printed_one(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The time of the first of these members that has one, in milliseconds.
pub fn time_ms(map: &Object, paths: &[&str]) -> Option<i64> {
    paths.iter().find_map(|path| json_app::stamp_of(json::get(map, path)?)).map(|stamp| stamp.ms)
}

/// The level of the first of these members that names one.
pub fn level(map: &Object, paths: &[&str]) -> Option<Level> {
    json::text(map, paths).and_then(|name| Level::parse(&name))
}

/// Sets status, and that a client saw it and the request ended; 499 is a client that went away.
pub fn answered(record: &mut Record, status: Option<u16>) {
    if let Some(status) = status {
        record.status = Some(status);
        record.marks.insert(Marks::CLIENT | Marks::END);
        if status == 499 {
            record.marks.insert(Marks::ABORTED);
        }
        if record.level.is_none() && status >= 500 {
            record.level = Some(Level::Error);
        }
    }
}

/// Keeps members of an object as other fields under the given names.
pub fn keep(map: &Object, members: &[(&str, &str)], record: &mut Record) {
    for (path, name) in members {
        if let Some(text) = json::text(map, &[path]) {
            text_parts::push_field(record, name, &text);
        }
    }
}

/// The members of `[{"name": …, "value": …}]` or `["name:value", …]` as an object; the first of a name counts.
pub fn pairs(value: Option<&Value>) -> Object {
    let mut out = Object::new();
    for item in value.and_then(Value::as_array).into_iter().flatten().take(json::MAX_FIELDS) {
        let pair = match item {
            Value::Object(pair) => json::text(pair, &["name", "key"]).zip(pair.get("value").cloned()),
            Value::String(pair) => {
                pair.split_once(':').map(|(name, value)| (name.to_owned(), Value::from(value)))
            }
            _ => None,
        };
        if let Some((name, value)) = pair {
            out.entry(name).or_insert(value);
        }
    }
    out
}

/// A Cloudflare ray without the name of the data centre, as some of its logs have it: `8c1d2e3f4a5b6c7d-FRA`.
pub fn ray_id(text: &str) -> &str {
    match text.split_once('-') {
        Some((ray, place))
            if ray.len() == 16
                && ray.bytes().all(|b| b.is_ascii_hexdigit())
                && place.len() <= 4
                && place.bytes().all(|b| b.is_ascii_uppercase()) =>
        {
            ray
        }
        _ => text,
    }
}
