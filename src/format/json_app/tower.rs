//! What Rust's `tracing` says of a request: its spans name it, and tower-http's trace layer writes how it was answered. The
//! layer may write of one answer twice, once of the response and once of the failure.
//! <https://docs.rs/tower-http/latest/tower_http/trace/index.html>

use serde_json::{Map, Value};

use crate::format::json;
use crate::format::text_parts::{method, path_of};
use crate::record::{Marks, Record};

/// Written of a request that arrived.
pub const STARTED: &str = "started processing request";
/// Written of an answer, with its status.
pub const FINISHED: &str = "finished processing request";
/// Written of an answer that counts as a failure, or of an error in its place.
pub const FAILED: &str = "response failed";

/// Names in a span, the better first.
const METHODS: [&str; 3] = ["method", "http.method", "http.request.method"];
const TARGETS: [&str; 6] = ["uri", "path", "http.target", "url.path", "http.uri", "http.url"];
const ROUTES: [&str; 3] = ["http.route", "matched_path", "route"];
/// Spans that are looked into.
const MAX_SPANS: usize = 16;

/// Whether an object is an event of `tracing`, its fields in an object of their own or beside the target.
pub fn is_event(map: &Map<String, Value>) -> bool {
    let Some(target) = map.get("target").and_then(Value::as_str) else { return false };
    let is_module = target.contains("::") && target.starts_with(|c: char| c.is_ascii_alphabetic());
    map.get("fields").is_some_and(Value::is_object)
        || is_module
        || map.get("span").is_some_and(Value::is_object)
}

/// Method, path and route by the spans around an event, of which the innermost stands last.
pub fn read_spans(map: &Map<String, Value>, record: &mut Record) {
    let around = map.get("spans").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let around = around.iter().rev().take(MAX_SPANS);
    for span in map.get("span").into_iter().chain(around).filter_map(Value::as_object) {
        let of = |names: &[&str]| names.iter().find_map(|name| span.get(*name).and_then(Value::as_str));
        if record.method.is_none() {
            record.method = of(&METHODS).and_then(method);
        }
        if record.path.is_none() {
            record.path = of(&TARGETS).and_then(path_of);
        }
        if record.route.is_none() {
            record.route = of(&ROUTES).filter(|route| route.starts_with('/')).map(str::to_owned);
        }
    }
}

/// The status that such an event says the client got.
pub fn status(map: &Map<String, Value>, message: &str) -> Option<u16> {
    match message {
        FINISHED => member(map, "status").and_then(json::as_status),
        FAILED => classification(map)?.strip_prefix("Status code: ")?.get(..3)?.parse().ok(),
        _ => None,
    }
}

/// Notes what is written of a failure: it may say again what the line before it said.
pub fn mark(map: &Map<String, Value>, record: &mut Record) {
    let Some(class) = classification(map).filter(|_| record.message == FAILED) else { return };
    if record.status.is_some() {
        record.marks.insert(Marks::ECHO);
    } else if class.starts_with("Error: ") {
        // The service gave an error in the place of an answer.
        record.marks.insert(Marks::ERROR_BLOCK);
    }
}

fn classification(map: &Map<String, Value>) -> Option<&str> {
    member(map, "classification")?.as_str()
}

fn member<'m>(map: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    map.get("fields").and_then(|fields| fields.get(name)).or_else(|| map.get(name))
}
