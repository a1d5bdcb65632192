//! Vercel's data that comes by another way than its drains and exports: pages of the dashboard's request logs (V8 of the
//! API that the dashboard reads), build events, and log drains as other services hand them out again.

use serde_json::Value;

use super::{Envelope, Object, answered, keep, level, push_line_of_known_request, time_ms};
use crate::format::text_parts::{push_code, set_request};
use crate::format::{About, json, vercel};
use crate::record::{IdKind, Marks, Record};

/// Rows of a page of request logs.
pub const ROWS: Envelope = Envelope {
    name: "vercel-rows",
    about: About {
        title: "Vercel request-log page",
        fingerprint: "rows[] with requestId, requestMethod, requestPath and statusCode",
        export: "save the response to the dashboard's request for logs, as the browser's network panel shows it",
    },
    one_request: true,
    claims: |map| {
        let has = |key: &str| map.contains_key(key);
        has("requestId") && has("requestMethod") && has("requestPath") && has("statusCode")
    },
    read: rows,
};

/// Events of a build.
pub const BUILD: Envelope = Envelope {
    name: "vercel-build",
    about: About {
        title: "Vercel build events (no requests in them)",
        fingerprint: "objects with created, type, deploymentId and text, perhaps below payload",
        export: "not needed: build output tells of no request",
    },
    one_request: true,
    claims: |map| {
        let inner = map.get("payload").and_then(Value::as_object).unwrap_or(map);
        let kind = map.get("type").and_then(Value::as_str).unwrap_or_default();
        map.get("created").is_some_and(Value::is_number)
            && inner.contains_key("deploymentId")
            && inner.contains_key("serial")
            && matches!(
                kind,
                "command"
                    | "stdout"
                    | "stderr"
                    | "exit"
                    | "deployment-state"
                    | "delimiter"
                    | "report"
                    | "fatal"
            )
    },
    read: |_, _, _| Vec::new(),
};

/// A log drain in the words of another service: Axiom, PostHog, Sentry, Logflare.
pub const ELSEWHERE: Envelope = Envelope {
    name: "vercel-elsewhere",
    about: About {
        title: "Vercel log drain as Axiom, PostHog, Sentry or Logflare export it",
        fingerprint: "vercel.* beside request.*, proxy_status_code beside request_id, or metadata.parsedLambdaMessage",
        export: "the service's export of the events, as NDJSON",
    },
    one_request: true,
    claims: |map| {
        let has = |key: &str| map.contains_key(key);
        (has("_time") && (has("vercel") || map.keys().any(|key| key.starts_with("vercel."))))
            || (has("proxy_status_code") && has("request_id"))
            || attributes(map).is_some()
            || (has("event_message") && metadata(map).is_some())
    },
    read: elsewhere,
};

/// Sentry's attributes, if Vercel's are among them.
fn attributes(map: &Object) -> Option<&Object> {
    let attributes = map.get("attributes")?.as_object()?;
    attributes.keys().any(|key| key.starts_with("vercel.")).then_some(attributes)
}

/// Logflare's metadata, if they are of a drain.
fn metadata(map: &Object) -> Option<&Object> {
    let metadata = only(map.get("metadata")?)?;
    (metadata.contains_key("deploymentId") && metadata.contains_key("source")).then_some(metadata)
}

/// An object, or the only one of an array.
fn only(value: &Value) -> Option<&Object> {
    match value {
        Value::Array(items) if items.len() == 1 => items[0].as_object(),
        other => other.as_object(),
    }
}

fn rows(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let text = |names: &[&str]| json::text(map, names);
    let mut record = base.clone();
    record.time_ms = time_ms(map, &["timestamp"]).or(base.time_ms);
    record.deployment = text(&["deploymentId"]);
    record.environment = text(&["environment"]);
    record.branch = text(&["branch"]);
    record.region = text(&["clientRegion"]);
    record.duration_ms = json::number(map, &["requestDurationMs"]);
    if let Some(id) = text(&["requestId"]) {
        record.set_id(&id, IdKind::Request);
    }
    if let Some(trace) = text(&["traceId"]) {
        record.set_id(&trace, IdKind::Trace);
    }
    set_request(
        &mut record,
        &text(&["requestMethod"]).unwrap_or_default(),
        &text(&["requestPath"]).unwrap_or_default(),
    );
    record.route = text(&["route"]).as_deref().and_then(vercel::route);
    keep(map, &[("domain", "host"), ("cache", "cache"), ("wafAction", "waf_action")], &mut record);
    if let Some(code) = text(&["errorCode"]) {
        push_code(&mut record, &code);
        record.error_text = code;
    }
    if map.get("hasFunctionCrashed").and_then(Value::as_bool) == Some(true) {
        record.marks.insert(Marks::CRASH);
    }
    for event in map.get("events").and_then(Value::as_array).into_iter().flatten().take(8) {
        let Some(event) = event.as_object() else { continue };
        record.runtime = record.runtime.or_else(|| json::text(event, &["functionRuntime"]));
        record.memory_used_mb =
            record.memory_used_mb.or_else(|| json::number(event, &["functionMaxMemoryUsed"]));
        if json::text(event, &["functionStartType"]).as_deref() == Some("cold") {
            record.marks.insert(Marks::COLD_START);
        }
    }
    let status = map.get("statusCode").and_then(json::as_status);
    let line = Record { status: None, ..base_of(&record) };
    record.marks.insert(Marks::SUMMARY);
    answered(&mut record, status);
    let mut out = vec![record];
    for entry in map.get("logs").and_then(Value::as_array).into_iter().flatten().take(json::MAX_FIELDS) {
        let Some(entry) = entry.as_object() else { continue };
        let mut line = line.clone();
        line.level = level(entry, &["level"]);
        line.message = json::text(entry, &["message"]).unwrap_or_default();
        line.marks.insert(Marks::NO_TIME);
        if entry.get("messageTruncated").and_then(Value::as_bool) == Some(true) {
            line.marks.insert(Marks::TRUNCATED);
        }
        push_line_of_known_request(line, depth, &mut out);
    }
    out
}

/// What a line of the same request has in common with the request itself.
fn base_of(record: &Record) -> Record {
    Record {
        time_ms: record.time_ms,
        id: record.id.clone(),
        deployment: record.deployment.clone(),
        environment: record.environment.clone(),
        branch: record.branch.clone(),
        ..Record::default()
    }
}

fn elsewhere(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let inner = metadata(map).unwrap_or(map);
    // Sentry types every attribute; its texts are found without the types.
    let attributes: Object = attributes(map)
        .into_iter()
        .flatten()
        .map(|(key, value)| {
            let plain = value.get("value").unwrap_or(value).clone();
            (key.trim_start_matches("vercel.").to_owned(), plain)
        })
        .collect();
    let inner = if attributes.is_empty() { inner } else { &attributes };
    let proxy = inner.get("proxy").and_then(only);
    let text = |names: &[&str]| json::text(inner, names);
    let of_proxy = |name: &str| {
        let flat = format!("proxy_{name}");
        proxy.and_then(|proxy| json::text(proxy, &[name])).or_else(|| {
            text(&[
                &format!("proxy.{name}"),
                &flat,
                &format!("vercel.proxy.{name}"),
                &format!("request.{name}"),
            ])
        })
    };
    let mut record = base.clone();
    record.time_ms = time_ms(map, &["_time", "vercel_timestamp_ms", "timestamp"]).or(base.time_ms);
    record.level = level(map, &["level"]).or_else(|| level(inner, &["level"]));
    record.event_id = json::text(map, &["id"]).filter(|_| map.contains_key("event_message"));
    for name in ["requestId", "request_id", "request.id", "vercel.requestId", "vercel.request_id"] {
        if let Some(id) = text(&[name]) {
            record.set_id(&id, IdKind::Request);
        }
    }
    record.deployment = text(&["deploymentId", "deployment_id", "vercel.deploymentId", "deployment.id"]);
    record.environment = text(&["environment", "vercel.environment"]);
    record.region = text(&["executionRegion", "execution_region", "vercel.executionRegion"]);
    let source = text(&["source", "vercel.source"]).unwrap_or_default();
    record.runtime = vercel::runtime(&source).0.map(str::to_owned);
    set_request(&mut record, &of_proxy("method").unwrap_or_default(), &of_proxy("path").unwrap_or_default());
    let status = |name: &str| {
        let code = of_proxy(name).or_else(|| text(&[name, &format!("vercel.{name}")]))?;
        code.parse().ok().filter(|code| (100..600).contains(code))
    };
    let status = status("statusCode").or_else(|| status("status_code"));
    let mut lines = Vec::new();
    let parsed = inner.get("parsedLambdaMessage").and_then(only);
    if let Some(parsed) = parsed {
        for entry in
            parsed.get("lines").and_then(Value::as_array).into_iter().flatten().take(json::MAX_FIELDS)
        {
            let Some(entry) = entry.as_object() else { continue };
            let mut line = base_of(&record);
            line.level = level(entry, &["level"]);
            line.time_ms = time_ms(entry, &["timestamp"]).or(line.time_ms);
            line.message = json::text(entry, &["message"]).unwrap_or_default();
            push_line_of_known_request(line, depth, &mut lines);
        }
    }
    record.message = json::text(map, &["message", "body"]).unwrap_or_default();
    let mut out = Vec::new();
    push_line_of_known_request(record, depth, &mut out);
    if let Some(record) = out.first_mut() {
        answered(record, status);
    }
    out.append(&mut lines);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (&'static str, Vec<Record>) {
        let map = json::object(text.as_bytes()).expect("JSON");
        let envelope = super::super::find(&map).expect("an envelope");
        let mut record = Record { message: text.to_owned(), ..Record::default() };
        let mut more = Vec::new();
        envelope.open(&map, &mut record, &mut more, 0);
        more.insert(0, record);
        (envelope.name, more)
    }

    fn check(text: &str, name: &str) -> Vec<Record> {
        let (found, records) = read(text);
        assert_eq!(found, name, "{text}");
        assert_eq!(
            records[0].id.as_ref().map(|id| id.text.as_str()),
            Some("kq7zt-1767225600123-0a1b2c3d4e5f")
        );
        assert_eq!((records[0].status, records[0].path.as_deref()), (Some(500), Some("/api/me")), "{text}");
        assert!(records.iter().any(|record| record.message.contains("STRIPE_KEY")), "{text}");
        records
    }

    #[test]
    fn rows_of_a_page() {
        let records = check(
            r#"{"requestId":"kq7zt-1767225600123-0a1b2c3d4e5f","timestamp":"2026-01-01T00:00:00.123Z","deploymentId":"dpl_A","requestMethod":"GET","requestPath":"/api/me","route":"/api/me","statusCode":500,"errorCode":"FUNCTION_INVOCATION_FAILED","hasFunctionCrashed":true,"logs":[{"level":"error","message":"Error: Missing required environment variable: STRIPE_KEY"}],"events":[{"functionRuntime":"nodejs24.x","functionStartType":"cold"}]}"#,
            "vercel-rows",
        );
        assert!(records[0].marks.has(Marks::CRASH) && records[0].marks.has(Marks::COLD_START));
        assert_eq!(records[0].runtime.as_deref(), Some("nodejs24.x"));
        assert_eq!(records[1].id, records[0].id);
    }

    #[test]
    fn drains_of_other_services() {
        for text in [
            r#"{"_time":"2026-01-01T00:00:00.123Z","level":"error","message":"no STRIPE_KEY","request":{"id":"kq7zt-1767225600123-0a1b2c3d4e5f","path":"/api/me","statusCode":500,"method":"GET"},"vercel":{"deploymentId":"dpl_A","source":"lambda"}}"#,
            r#"{"_time":"2026-01-01T00:00:00.123Z","message":"no STRIPE_KEY","request.id":"kq7zt-1767225600123-0a1b2c3d4e5f","request.path":"/api/me","request.statusCode":500,"request.method":"GET","vercel.source":"lambda"}"#,
            r#"{"body":"no STRIPE_KEY","level":"error","proxy_status_code":500,"request_id":"kq7zt-1767225600123-0a1b2c3d4e5f","vercel_timestamp_ms":1767225600123,"proxy_path":"/api/me","proxy_method":"GET"}"#,
            r#"{"timestamp":1767225600.1,"body":"no STRIPE_KEY","attributes":{"vercel.request_id":{"value":"kq7zt-1767225600123-0a1b2c3d4e5f"},"vercel.proxy.status_code":{"value":"500"},"vercel.proxy.path":{"value":"/api/me"}}}"#,
            r#"{"event_message":"lambda | 500 | x","id":"0a1b","timestamp":1767225600123000,"metadata":[{"source":"lambda","deploymentId":"dpl_A","requestId":"kq7zt-1767225600123-0a1b2c3d4e5f","proxy":[{"method":"GET","path":"/api/me","statusCode":500}],"parsedLambdaMessage":[{"lines":[{"level":"error","message":"no STRIPE_KEY"}]}]}]}"#,
        ] {
            check(text, "vercel-elsewhere");
        }
    }

    #[test]
    fn build_events_hold_no_request() {
        for text in [
            r#"{"created":1767225600000,"deploymentId":"dpl_A","id":"e","serial":"1","text":"Error: x","type":"stderr"}"#,
            r#"{"created":1767225600000,"type":"stdout","payload":{"deploymentId":"dpl_A","serial":"1","text":"x"}}"#,
        ] {
            let (name, records) = read(text);
            assert_eq!((name, records.len(), records[0].message.as_str()), ("vercel-build", 1, ""));
        }
    }
}
