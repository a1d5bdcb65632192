//! OpenTelemetry logs in OTLP's JSON: requests of many records each, as the collector's file exporter writes them, one
//! on a line. Spans and metrics in the same file are none of ours.
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>

use serde_json::Value;

use super::{Envelope, MAX_DEPTH, Object, push_line};
use crate::format::{About, json, json_app, time};
use crate::record::{IdKind, Level, Record};

/// Requests of the logs service.
pub const ENVELOPE: Envelope = Envelope {
    name: "otlp",
    about: About {
        title: "OpenTelemetry logs (OTLP/JSON)",
        fingerprint: "objects with resourceLogs[]",
        export: "the file exporter of the OpenTelemetry Collector",
    },
    one_request: false,
    claims: |map| {
        ["resourceLogs", "resource_logs", "resourceSpans", "resourceMetrics"]
            .iter()
            .any(|key| map.get(*key).is_some_and(Value::is_array))
    },
    read,
};

fn read(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let mut out = Vec::new();
    for resource in list(map, &["resourceLogs", "resource_logs"]) {
        let mut of_resource = Object::new();
        attributes(resource.get("resource"), &mut of_resource);
        for scope in list(resource, &["scopeLogs", "scope_logs", "instrumentationLibraryLogs"]) {
            let mut of_scope = of_resource.clone();
            attributes(scope.get("scope"), &mut of_scope);
            for record in list(scope, &["logRecords", "log_records", "logs"]) {
                push(record, of_scope.clone(), base, depth, &mut out);
            }
        }
    }
    out
}

fn list<'v>(map: &'v Object, keys: &[&str]) -> impl Iterator<Item = &'v Object> {
    let found = keys.iter().find_map(|key| map.get(*key)?.as_array());
    found.into_iter().flatten().filter_map(Value::as_object)
}

/// Adds the attributes of a resource, scope or record; the narrower one counts.
fn attributes(holder: Option<&Value>, out: &mut Object) {
    let list = holder.and_then(|holder| holder.get("attributes")).and_then(Value::as_array);
    for pair in list.into_iter().flatten() {
        if let (Some(key), Some(value)) = (pair.get("key").and_then(Value::as_str), pair.get("value")) {
            out.insert(key.to_owned(), any_value(value, 0));
        }
    }
}

/// An `AnyValue` as JSON. Whole numbers stand there as text.
fn any_value(value: &Value, depth: usize) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|map| map.iter().next()) else { return Value::Null };
    let items = || inner.get("values").and_then(Value::as_array).into_iter().flatten();
    match kind.as_str() {
        "intValue" | "int_value" => inner
            .as_str()
            .and_then(|text| text.parse::<i64>().ok())
            .map_or_else(|| inner.clone(), Value::from),
        "arrayValue" | "array_value" if depth < MAX_DEPTH => {
            items().map(|item| any_value(item, depth + 1)).collect()
        }
        "kvlistValue" | "kvlist_value" if depth < MAX_DEPTH => {
            let members = items().filter_map(|pair| {
                Some((pair.get("key")?.as_str()?.to_owned(), any_value(pair.get("value")?, depth + 1)))
            });
            Value::Object(members.collect())
        }
        "arrayValue" | "array_value" | "kvlistValue" | "kvlist_value" => Value::Null,
        _ => inner.clone(),
    }
}

fn push(entry: &Object, mut members: Object, base: &Record, depth: usize, out: &mut Vec<Record>) {
    let holder = Value::Object(entry.clone());
    attributes(Some(&holder), &mut members);
    let mut text = String::new();
    match entry.get("body").map(|body| any_value(body, 0)) {
        // A body of members is a whole record.
        Some(Value::Object(body)) => members.extend(body),
        Some(Value::Null) | None => {}
        Some(Value::String(body)) => text = body,
        Some(other) => text = other.to_string(),
    }
    let mut record = base.clone();
    json_app::read_object(&members, &mut record);
    let stamp = ["timeUnixNano", "time_unix_nano", "observedTimeUnixNano", "observed_time_unix_nano"];
    let stamp = stamp.iter().find_map(|key| nanoseconds(entry.get(*key)?));
    record.time_ms = stamp.or(record.time_ms);
    record.level = severity(entry).or(record.level);
    if let Some(trace) = json::text(entry, &["traceId"]).and_then(|trace| trace_id(&trace)) {
        record.set_id(&trace, IdKind::Trace);
    }
    if text.is_empty() {
        out.push(record);
        return;
    }
    record.message = text;
    push_line(record, depth, out);
}

fn nanoseconds(value: &Value) -> Option<i64> {
    let number = match value {
        Value::String(text) => text.parse().ok()?,
        other => i128::from(other.as_u64()?),
    };
    time::from_integer(number)
}

/// The number decides, the source's own word stands in for it.
fn severity(entry: &Object) -> Option<Level> {
    let number = json::get(entry, "severityNumber");
    let word = number.and_then(Value::as_str).and_then(|text| text.strip_prefix("SEVERITY_NUMBER_"));
    if let Some(word) = word {
        return Level::parse(word.trim_end_matches(|c: char| c.is_ascii_digit()));
    }
    match number.and_then(json::as_number).unwrap_or(0.0) as i64 {
        1..=4 => Some(Level::Trace),
        5..=8 => Some(Level::Debug),
        9..=12 => Some(Level::Info),
        13..=16 => Some(Level::Warn),
        17..=20 => Some(Level::Error),
        21..=24 => Some(Level::Fatal),
        _ => json::text(entry, &["severityText"]).and_then(|text| Level::parse(&text)),
    }
}

/// 32 hexadecimal digits in lower case; some exporters write base64 of the 16 bytes.
fn trace_id(text: &str) -> Option<String> {
    if text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Some(text.to_ascii_lowercase());
    }
    let bytes = (text.len() == 24 && text.ends_with("==")).then(|| base64(&text[..22]))??;
    Some(bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let (mut bits, mut held) = (0u32, 0);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(out)
}
