//! Errors of a logger's object: as an object, as text, or in flat members.

use serde_json::{Map, Value, json};

use super::aliases::Slot;
use super::walk::Found;
use crate::format::json;
use crate::format::python_text;
use crate::format::text_parts::{is_error_class, push_code, push_field, read_printed_error};
use crate::record::{Level, Record};

/// Reads all errors of the object into the record.
pub fn read(map: &Map<String, Value>, found: &mut Found<'_>, record: &mut Record) {
    for error in std::mem::take(&mut found.errors) {
        match error {
            Value::Object(object) if is_fabricated(object) => {}
            Value::Object(object) => read_object(object, record),
            Value::Array(items) => {
                for item in items.iter().take(16) {
                    match item {
                        Value::Object(object) => read_object(object, record),
                        // python-json-logger can write a traceback as an array of lines.
                        other => json::read_error(other, record),
                    }
                }
                read_class(&record.error_text.clone(), record);
            }
            Value::String(text) => {
                json::append_line(&mut record.error_text, text.trim_end());
                read_class(text, record);
            }
            _ => {}
        }
    }
    read_flat(map, found, record);
    read_remarks(found, record);
}

/// What members such as `reason` say, in words, on an entry that was written for an error.
fn read_remarks(found: &Found<'_>, record: &mut Record) {
    let tells = record.level.is_some_and(|level| level >= Level::Warn) || !record.error_text.is_empty();
    for text in found.remarks.iter().filter(|text| tells && text.trim().contains(char::is_whitespace)) {
        if !record.message.contains(*text) {
            json::append_line(&mut record.error_text, text.trim());
        }
    }
}

fn read_object(object: &Map<String, Value>, record: &mut Record) {
    // structlog's transformer: `exc_type`, `exc_value`, `frames`.
    if let Some(class) = object.get("exc_type").and_then(json::scalar) {
        let text = object.get("exc_value").and_then(json::scalar).unwrap_or_default();
        json::read_error(&json!({"type": class, "message": text}), record);
        return;
    }
    json::read_error(&Value::Object(object.clone()), record);
    // An HTTP client's error carries the answer it got; one with `expose` is our own answer in the making.
    let status = json::first(object, &["response.status", "response.statusCode", "statusCode", "status"]);
    if let Some(status) = status.and_then(json::as_status).filter(|_| !object.contains_key("expose")) {
        push_field(record, "upstream_status", &status.to_string());
    }
}

/// The error that pino-http makes up for a 5xx answer without one: it says nothing but the status.
/// <https://github.com/pinojs/pino-http/blob/master/logger.js>
fn is_fabricated(error: &Map<String, Value>) -> bool {
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let stack = error.get("stack").and_then(Value::as_str).unwrap_or_default();
    let status = message.strip_prefix("failed with status code ").unwrap_or_default();
    status.len() == 3
        && status.bytes().all(|b| b.is_ascii_digit())
        && (stack.is_empty() || stack.contains("onResFinished") || stack.contains("pino-http"))
}

/// Class and codes from error text: the last line of a traceback, the first of anything else.
fn read_class(text: &str, record: &mut Record) {
    match python_text::last_exception(text) {
        Some((class, _)) if text.contains("Traceback (most recent") => {
            record.error_class.get_or_insert(class);
        }
        _ => read_printed_error(text, record),
    }
}

/// Errors in members of their own: ECS, Lambda's `errorType`, winston's spread error (`stack`, `code`).
fn read_flat(map: &Map<String, Value>, found: &mut Found<'_>, record: &mut Record) {
    let class = found.value(Slot::ErrorClass).and_then(json::scalar).filter(|name| is_class_name(name));
    let message = found.value(Slot::ErrorMessage).and_then(json::scalar);
    let stack = found.value(Slot::Stack);
    let has_error = class.is_some() || message.is_some() || stack.is_some();
    let code = found.value(Slot::ErrorCode).and_then(json::scalar);
    let code = code.filter(|code| is_code(code) || (has_error && code.parse::<f64>().is_err()));
    if code.is_none() {
        found.give_back(Slot::ErrorCode);
    }
    if has_error {
        let mut error = Map::new();
        let parts = [
            ("type", class.map(Value::String)),
            ("message", message.map(Value::String)),
            ("stack", stack.cloned()),
            ("code", code.map(Value::String)),
        ];
        for (name, value) in parts {
            if let Some(value) = value {
                error.insert(name.to_owned(), value);
            }
        }
        // An error that was spread over the entry keeps its other members beside the message.
        for name in
            ["errno", "syscall", "address", "port", "hostname", "meta", "clientVersion", "detail", "hint"]
        {
            if let Some(value) = map.get(name).filter(|_| map.contains_key("syscall") || name != "hostname") {
                error.entry(name).or_insert_with(|| value.clone());
            }
        }
        json::read_error(&Value::Object(error), record);
        if record.error_class.is_none() {
            read_class(&record.error_text.clone(), record);
        }
    } else if let Some(code) = code {
        push_code(record, &code);
    }
}

/// A class, not the status code that OpenTelemetry puts into `error.type`.
fn is_class_name(name: &str) -> bool {
    is_error_class(name) || (!name.is_empty() && !name.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a bare `code` is an error's: `ECONNREFUSED`, `P2024`, `28P01`, `H12`; not an HTTP status.
fn is_code(code: &str) -> bool {
    let shape = code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    shape && (3..=64).contains(&code.len()) && code.bytes().any(|b| b.is_ascii_uppercase())
        || (code.len() == 5 && shape)
}
