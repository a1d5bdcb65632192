//! Azure diagnostic records, as a diagnostic setting writes them to a storage account or an event hub: App Service and
//! what stands in front of it.
//! <https://learn.microsoft.com/azure/azure-monitor/reference/tables/appservicehttplogs>

use serde_json::Value;

use super::{Envelope, Object, answered, keep, level, push_line, time_ms};
use crate::format::text_parts::{push_field, set_request};
use crate::format::{About, json, json_app};
use crate::record::{IdKind, Record};

/// Diagnostic records.
pub const ENVELOPE: Envelope = Envelope {
    name: "azure-diagnostics",
    about: About {
        title: "Azure diagnostic records (App Service, Front Door, Functions)",
        fingerprint: "objects with category, resourceId, and properties or resultDescription",
        export: "a diagnostic setting to a storage account (PT1H.json), or az monitor diagnostic-settings",
    },
    one_request: false,
    claims: |map| {
        let has = |key: &str| json::get(map, key).is_some();
        map.keys().any(|key| key.eq_ignore_ascii_case("category"))
            && has("resourceId")
            && (has("properties") || has("resultDescription"))
    },
    read,
};

fn read(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let mut record = base.clone();
    record.time_ms = time_ms(map, &["time", "EventTime"]).or(base.time_ms);
    record.level = level(map, &["level"]);
    record.stream = json::text(map, &["containerId", "Host", "roleInstance"]);
    record.region = json::text(map, &["location"]);
    keep(map, &[("category", "category"), ("operationName", "operation")], &mut record);
    // An object, or on some stamps the text of one.
    let inner = match json::get(map, "properties") {
        Some(Value::Object(inner)) => Some(inner.clone()),
        Some(Value::String(text)) => json::object(text.as_bytes()),
        _ => None,
    };
    let properties = inner.unwrap_or_default();
    let mut out = Vec::new();
    if json::get(&properties, "ScStatus").is_some() || json::get(&properties, "httpStatusCode").is_some() {
        read_request(&properties, &mut record);
        out.push(record);
        return out;
    }
    let text = json::text(map, &["resultDescription"])
        .or_else(|| json::text(&properties, &["resultDescription", "message", "log", "Log", "errorMessage"]));
    let stack = json::text(&properties, &["exceptionDetails", "StackTrace", "stack"]);
    let class = json::text(map, &["ExceptionClass"])
        .or_else(|| json::text(&properties, &["ExceptionClass", "exceptionType"]));
    if let Some(id) = json::text(&properties, &["functionInvocationId", "invocationId"]) {
        record.set_id(&id, IdKind::Request);
    }
    record.level = record.level.or_else(|| level(&properties, &["level", "CustomLevel"]));
    keep(&properties, &[("functionName", "function"), ("hostInstanceId", "instance")], &mut record);
    if class.is_some() || stack.is_some() {
        let mut error = Object::new();
        let parts = [("type", class), ("message", text.clone()), ("stack", stack)];
        error.extend(parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
        json::read_error(&Value::Object(error), &mut record);
    }
    match text {
        Some(text) => {
            record.message = text.trim_end().to_owned();
            push_line(record, depth, &mut out);
        }
        None => {
            json_app::read_object(&properties, &mut record);
            out.push(record);
        }
    }
    out
}

/// The request log of App Service (`Cs…`, `Sc…`) or Front Door.
fn read_request(properties: &Object, record: &mut Record) {
    let text = |names: &[&str]| json::text(properties, names);
    let target = text(&["CsUriStem", "requestUri", "RequestUri"]).unwrap_or_default();
    set_request(record, &text(&["CsMethod", "httpMethod"]).unwrap_or_default(), &target);
    let status = json::first(properties, &["ScStatus", "httpStatusCode"]).and_then(json::as_status);
    answered(record, status);
    record.duration_ms = json::number(properties, &["TimeTaken"]).filter(|ms| *ms >= 0.0);
    // The front end's ID travels as a query parameter to the instance, on Windows alone.
    let query = text(&["CsUriQuery"]).unwrap_or_default();
    let arr = query.split('&').find_map(|pair| pair.strip_prefix("X-ARR-LOG-ID="));
    if let Some(id) = arr {
        record.set_id(id, IdKind::Request);
    }
    if let Some(id) = text(&["trackingReference", "requestId"]) {
        record.set_id(&id, IdKind::Request);
    }
    for (name, kept) in [
        ("ScSubStatus", "substatus"),
        ("ScWin32Status", "win32_status"),
        ("Result", "result"),
        ("errorInfo", "error_info"),
    ] {
        if let Some(value) = text(&[name]).filter(|value| value != "0") {
            push_field(record, kept, &value);
        }
    }
}
