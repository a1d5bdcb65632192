//! Cloudflare Workers: the events of `wrangler tail --format json`, the trace events that Logpush writes (the same with
//! capital letters), and the entries of Workers Logs. One event is one invocation with all its lines and exceptions.
//! <https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/account/workers_trace_events/>

use serde_json::Value;

use super::{Envelope, Object, keep, level, printed, push_line_of_known_request, ray_id, time_ms};
use crate::format::text_parts::{path_of, set_request};
use crate::format::{About, json};
use crate::record::{IdKind, Level, Marks, Record};

/// Events of the tail.
pub const TAIL: Envelope = Envelope {
    name: "cloudflare-tail",
    about: About {
        title: "Cloudflare Workers tail events",
        fingerprint: "objects with outcome, eventTimestamp, logs and exceptions",
        export: "wrangler tail NAME --format json > tail.json",
    },
    one_request: true,
    claims: |map| {
        map.contains_key("outcome") && map.contains_key("eventTimestamp") && map.contains_key("logs")
    },
    read,
};

/// Trace events of Logpush.
pub const TRACE: Envelope = Envelope {
    name: "cloudflare-workers-trace",
    about: About {
        title: "Cloudflare Logpush, Workers trace events",
        fingerprint: "objects with EventTimestampMs, or Outcome and ScriptName",
        export: "a Logpush job of dataset workers_trace_events",
    },
    one_request: true,
    claims: |map| {
        map.contains_key("EventTimestampMs")
            || (map.contains_key("Outcome") && map.contains_key("ScriptName"))
    },
    read,
};

/// Entries of Workers Logs, one per line or invocation.
pub const OBSERVABILITY: Envelope = Envelope {
    name: "cloudflare-workers-logs",
    about: About {
        title: "Cloudflare Workers Logs",
        fingerprint: "objects with $workers and $metadata",
        export: "Workers dashboard, Observability, or its telemetry query API",
    },
    one_request: true,
    claims: |map| map.contains_key("$workers") && map.contains_key("$metadata"),
    read: read_entry,
};

fn read(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let mut event = base.clone();
    event.time_ms = time_ms(map, &["eventTimestamp", "EventTimestampMs"]).or(base.time_ms);
    event.deployment = json::text(map, &["scriptVersion.id"]);
    event.region = json::text(map, &["event.request.cf.colo"]);
    event.runtime = Some("edge".to_owned());
    keep(
        map,
        &[
            ("scriptName", "script"),
            ("entrypoint", "entrypoint"),
            ("cpuTime", "cpu_ms"),
            ("CPUTimeMs", "cpu_ms"),
        ],
        &mut event,
    );
    let ray = ["event.rayID", "event.request.headers.cf-ray", "rayID"];
    if let Some(ray) = json::text(map, &ray) {
        event.set_id(ray_id(&ray), IdKind::Request);
    }
    let request = json::get(map, "event.request").and_then(Value::as_object);
    if let Some(request) = request {
        let target = json::text(request, &["url", "path"]).unwrap_or_default();
        set_request(&mut event, &json::text(request, &["method"]).unwrap_or_default(), &target);
    }
    let base = event.clone();

    event.duration_ms = json::number(map, &["wallTime", "WallTimeMs"]);
    let outcome = json::text(map, &["outcome"]).unwrap_or_default();
    let status = json::get(map, "event.response.status").and_then(json::as_status);
    // A durable object answers a Worker, not the client.
    let is_inner = json::text(map, &["executionModel"]).is_some_and(|model| model == "durableObject");
    if request.is_some() {
        mark(&mut event, &outcome, status, is_inner);
    }
    event.message = match words(&outcome) {
        // Sampling, and other notes of the tail about itself.
        "" => json::text(map, &["event.message"]).unwrap_or_default(),
        words => words.to_owned(),
    };
    if json::text(map, &["truncated"]).is_some_and(|flag| flag == "true") {
        event.marks.insert(Marks::TRUNCATED);
    }
    let mut out = vec![event];
    for line in items(map, "logs") {
        let record = Record {
            time_ms: time_ms(line, &["timestamp", "TimestampMs"]).or(base.time_ms),
            level: level(line, &["level"]),
            message: json::get(line, "message").map(printed).unwrap_or_default(),
            ..base.clone()
        };
        push_line_of_known_request(record, depth, &mut out);
    }
    for exception in items(map, "exceptions") {
        let time_ms = time_ms(exception, &["timestamp", "TimestampMs"]).or(base.time_ms);
        out.push(thrown(exception, Record { time_ms, ..base.clone() }));
    }
    out
}

/// The exception as a record.
fn thrown(exception: &Object, mut record: Record) -> Record {
    record.level = Some(Level::Error);
    let mut error = Object::new();
    for name in ["name", "message", "stack"] {
        if let Some(value) = json::get(exception, name) {
            error.insert(name.to_owned(), value.clone());
        }
    }
    json::read_error(&Value::Object(error), &mut record);
    if record.error_text.contains("<<<Logpush:") {
        record.marks.insert(Marks::TRUNCATED);
    }
    record
}

/// What an outcome says of a request. The client's status is logged only where the Worker answered.
fn mark(event: &mut Record, outcome: &str, status: Option<u16>, is_inner: bool) {
    event.status = status;
    event.marks.insert(if is_inner { Marks::default() } else { Marks::CLIENT.and(Marks::END) });
    let broke = match outcome.to_ascii_lowercase().as_str() {
        "ok" | "unknown" | "" => return,
        "canceled" | "cancelled" | "responsestreamdisconnected" => {
            if status.is_none() {
                event.marks.insert(Marks::ABORTED);
            }
            return;
        }
        "exceededmemory" => Marks::OUT_OF_MEMORY,
        "exceededwalltime" => Marks::TIMEOUT,
        _ => Marks::CRASH,
    };
    event.marks.insert(broke);
    event.level = Some(Level::Error);
}

/// The outcome in the words of the tail's own page; none where the lines say more.
fn words(outcome: &str) -> &'static str {
    match outcome.to_ascii_lowercase().as_str() {
        "exceededcpu" => "Exceeded CPU Limit",
        "exceededmemory" => "Exceeded Memory Limit",
        "exceededwalltime" => "Exceeded wall time limit",
        "scriptnotfound" => "Script not found",
        "internalerror" => "Worker: internal error",
        "loadshed" => "Worker: load shed",
        _ => "",
    }
}

fn items<'v>(map: &'v Object, key: &str) -> impl Iterator<Item = &'v Object> {
    let list = map.get(key).or_else(|| {
        let capital = format!("{}{}", key[..1].to_ascii_uppercase(), &key[1..]);
        map.get(&capital)
    });
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// An entry of Workers Logs: a line, or the invocation itself (`cf-worker-event`).
fn read_entry(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let empty = Object::new();
    let object = |key: &str| map.get(key).and_then(Value::as_object).unwrap_or(&empty);
    let (worker, meta) = (object("$workers"), object("$metadata"));
    let mut record = base.clone();
    record.time_ms = time_ms(map, &["timestamp"]).or(base.time_ms);
    record.deployment = json::text(worker, &["scriptVersion.id"]);
    record.region = json::text(worker, &["event.request.cf.colo"]);
    record.runtime = Some("edge".to_owned());
    record.level = level(meta, &["level"]);
    record.event_id = json::text(meta, &["id"]);
    keep(worker, &[("scriptName", "script"), ("cpuTimeMs", "cpu_ms")], &mut record);
    if let Some(id) = json::text(worker, &["requestId"]).or_else(|| json::text(meta, &["requestId"])) {
        record.set_id(&id, IdKind::Request);
    }
    if let Some(request) = json::get(worker, "event.request").and_then(Value::as_object) {
        let target = json::text(request, &["url", "path"]).unwrap_or_default();
        set_request(&mut record, &json::text(request, &["method"]).unwrap_or_default(), &target);
        record.path = record.path.take().or_else(|| path_of(&target));
    }
    let outcome = json::text(worker, &["outcome"]).unwrap_or_default();
    let is_event = json::text(meta, &["type"]).is_some_and(|kind| kind == "cf-worker-event");
    let mut out = Vec::new();
    if is_event {
        let status = json::get(worker, "event.response.status").or_else(|| json::get(meta, "statusCode"));
        record.duration_ms = json::number(worker, &["wallTimeMs"]);
        if record.method.is_some() {
            mark(&mut record, &outcome, status.and_then(json::as_status), false);
        }
        record.message = match words(&outcome) {
            "" => json::text(meta, &["error"]).unwrap_or_default(),
            words => words.to_owned(),
        };
        if !record.message.is_empty() && words(&outcome).is_empty() {
            record.error_text = std::mem::take(&mut record.message);
        }
        out.push(record);
        return out;
    }
    let message = map.get("source").filter(|source| source.as_object().is_some_and(|map| map.len() > 1));
    record.message = match message {
        Some(source) => source.to_string(),
        None => json::text(meta, &["message", "error"]).unwrap_or_default(),
    };
    push_line_of_known_request(record, depth, &mut out);
    out
}
