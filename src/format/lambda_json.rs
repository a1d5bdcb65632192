//! Lambda's JSON log format as the runtimes write it for the application, and Powertools' loggers, which run inside.
//! The platform's own records are the business of [`super::lambda_platform`].

use memchr::memmem;
use serde_json::{Map, Value};

use super::{About, Payload, aws, json, lambda_body, time};
use crate::record::{Level, Marks, Record};

/// The shape `lambda-json`.
pub struct LambdaJson;

/// Members that are read by name; the others are kept as fields.
const KNOWN: [&str; 21] = [
    "timestamp",
    "level",
    "log_level",
    "message",
    "requestId",
    "AWSRequestId",
    "function_request_id",
    "xray_trace_id",
    "traceId",
    "errorType",
    "errorMessage",
    "stackTrace",
    "error",
    "err",
    "exception",
    "exception_name",
    "stack_trace",
    "cold_start",
    "_aws",
    "sampling_rate",
    "function_arn",
];

impl Payload for LambdaJson {
    fn name(&self) -> &'static str {
        "lambda-json"
    }

    fn about(&self) -> About {
        About {
            title: "AWS Lambda JSON log and Powertools",
            fingerprint: "objects with timestamp, level in capitals and requestId; AWSRequestId; function_request_id; errorType with stackTrace",
            export: "aws logs filter-log-events --log-group-name /aws/lambda/NAME",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        let bytes = record.message.trim_start().as_bytes();
        if !bytes.starts_with(b"{") {
            return false;
        }
        let has = |key: &str| memmem::find(bytes, key.as_bytes()).is_some();
        if has("\"function_request_id\"") || has("\"AWSRequestId\"") {
            return true;
        }
        // What a runtime client writes of an unhandled error.
        if has("\"errorType\"") && has("\"stackTrace\"") && has("\"errorMessage\"") {
            return true;
        }
        // Ordinary loggers have these members too, so either the runtimes' way of writing them or the container
        // has to confirm that this is a function.
        let id_is_uuid = string_after(&record.message, "\"requestId\"").is_some_and(aws::is_uuid);
        let level = string_after(&record.message, "\"level\"");
        let capital = level.is_some_and(|level| level.starts_with(|c: char| c.is_ascii_uppercase()));
        let stamp_first = bytes[1..].trim_ascii_start().starts_with(b"\"timestamp\"");
        if aws::from_lambda(record) {
            return capital && (id_is_uuid || stamp_first);
        }
        id_is_uuid && capital && stamp_first
    }

    fn read(&self, record: &mut Record, _more: &mut Vec<Record>) {
        let Some(mut map) = json::object(record.message.as_bytes()) else {
            return;
        };
        if record.time_ms.is_none() {
            record.time_ms =
                json::text(&map, &["timestamp"]).and_then(|text| time::parse(&text)).map(|stamp| stamp.ms);
        }
        if let Some(level) = json::text(&map, &["level", "log_level"]).and_then(|text| Level::parse(&text)) {
            record.level = Some(level);
        }
        match ["requestId", "AWSRequestId", "function_request_id"]
            .iter()
            .find_map(|key| map.get(*key).and_then(json::scalar))
        {
            Some(id) => aws::set_lambda_id(record, &id),
            // The runtimes leave the member out until the first invocation.
            None if map.contains_key("level") && is_runtime(&map) => record.marks.insert(Marks::INIT),
            None => {}
        }
        if let Some(trace) = json::text(&map, &["xray_trace_id", "traceId"]) {
            aws::set_trace_id(record, &trace);
        }
        if map.get("cold_start") == Some(&Value::Bool(true)) {
            record.marks.insert(Marks::COLD_START);
        }
        read_error(&map, record);
        json::flatten(&map, &KNOWN, record);
        read_message(map.remove("message"), &map, record);
    }
}

/// The text member behind `key`, without reading the object around it.
fn string_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let at = memmem::find(text.as_bytes(), key.as_bytes())?;
    let rest = text[at + key.len()..].trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    rest.find('"').map(|end| &rest[..end])
}

/// Whether there is nothing but what the Node and Python clients write.
fn is_runtime(map: &Map<String, Value>) -> bool {
    map.contains_key("timestamp")
        && map.keys().all(|key| {
            matches!(
                key.as_str(),
                "timestamp"
                    | "level"
                    | "message"
                    | "logger"
                    | "requestId"
                    | "location"
                    | "tenantId"
                    | "errorType"
                    | "errorMessage"
                    | "stackTrace"
            )
        })
}

/// Error members: the runtimes' own at top level, Powertools' objects, Python's traceback as text.
fn read_error(map: &Map<String, Value>, record: &mut Record) {
    let has = |key: &str| map.contains_key(key);
    if has("errorType") || has("errorMessage") {
        let own: Map<String, Value> = ["errorType", "errorMessage", "stackTrace"]
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), map.get(*key)?.clone())))
            .collect();
        json::read_error(&Value::Object(own), record);
        if has("log_level") || (has("stackTrace") && !has("message")) {
            record.marks.insert(Marks::CRASH);
            record.level = Some(Level::Error);
        }
    }
    for key in ["error", "err"] {
        if let Some(value @ Value::Object(_)) = map.get(key) {
            json::read_error(value, record);
        }
    }
    if let Some(class) = json::text(map, &["exception_name"]) {
        record.error_class.get_or_insert(class);
    }
    match map.get("exception") {
        Some(Value::String(traceback)) => json::append_line(&mut record.error_text, traceback.trim_end()),
        Some(value @ Value::Object(_)) => json::read_error(value, record),
        // Its frames repeat the traceback, so they are read only where that is missing.
        _ => {
            if let Some(Value::Object(stack)) = map.get("stack_trace") {
                let head: Map<String, Value> = [("type", "type"), ("value", "message")]
                    .iter()
                    .filter_map(|(from, to)| Some(((*to).to_owned(), stack.get(*from)?.clone())))
                    .chain(stack.get("frames").map(|frames| ("stack".to_owned(), frames.clone())))
                    .collect();
                json::read_error(&Value::Object(head), record);
            }
        }
    }
}

/// The message: a text, an error object, or any other value, which is written back as JSON text.
fn read_message(message: Option<Value>, map: &Map<String, Value>, record: &mut Record) {
    match message {
        Some(Value::Object(inner))
            if inner.contains_key("errorType") || inner.contains_key("errorMessage") =>
        {
            lambda_body::read_failure(&inner, record);
            record.message = headline(&inner);
        }
        Some(Value::String(text)) => {
            record.message = text;
            aws::clean(&mut record.message);
            lambda_body::read(record);
        }
        Some(Value::Null) | None => record.message = headline(map),
        Some(other) => {
            record.message = other.to_string();
            lambda_body::read(record);
        }
    }
}

/// `Class: message` of an error.
fn headline(map: &Map<String, Value>) -> String {
    let class = json::text(map, &["errorType"]);
    let message = json::text(map, &["errorMessage"]);
    [class, message].into_iter().flatten().collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
#[path = "lambda_json_tests.rs"]
mod tests;
