//! Datadog: log events as its API returns them, a page or one event each, and as its archives keep them.
//! `status` is the level of the line there, never HTTP.
//! <https://docs.datadoghq.com/api/latest/logs/>

use serde_json::Value;

use super::{Envelope, Object, keep, level, pairs, push_line, time_ms};
use crate::format::{About, json, json_app};
use crate::record::Record;

/// Events and pages of events.
pub const ENVELOPE: Envelope = Envelope {
    name: "datadog",
    about: About {
        title: "Datadog log events and archives",
        fingerprint: "data[] of objects with type log and attributes, one such object, or _id, date and attributes",
        export: "POST /api/v2/logs/events/search, or the files of a log archive",
    },
    one_request: false,
    claims: |map| is_page(map) || is_event(map) || is_archived(map),
    read,
};

fn is_page(map: &Object) -> bool {
    let first = map.get("data").and_then(Value::as_array).and_then(|events| events.first());
    first.and_then(Value::as_object).is_some_and(is_event)
}

fn is_event(map: &Object) -> bool {
    map.get("type").is_some_and(|kind| kind == "log") && map.get("attributes").is_some_and(Value::is_object)
}

fn is_archived(map: &Object) -> bool {
    map.contains_key("_id") && map.contains_key("date") && map.get("attributes").is_some_and(Value::is_object)
}

fn read(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let mut out = Vec::new();
    if is_page(map) {
        for event in map.get("data").and_then(Value::as_array).into_iter().flatten() {
            if let Some(event) = event.as_object().filter(|event| is_event(event)) {
                read_event(event, base, depth, &mut out);
            }
        }
    } else {
        read_event(map, base, depth, &mut out);
    }
    out
}

fn read_event(map: &Object, base: &Record, depth: usize, out: &mut Vec<Record>) {
    let empty = Object::new();
    let event = match map.get("attributes").and_then(Value::as_object) {
        Some(inner) if is_event(map) => inner,
        _ => map,
    };
    let own = event.get("attributes").and_then(Value::as_object).unwrap_or(&empty);
    let mut record = base.clone();
    json_app::read_object(own, &mut record);
    record.time_ms = time_ms(event, &["timestamp", "date"]).or(record.time_ms);
    record.level = level(event, &["status"]).or(record.level);
    record.event_id = json::text(map, &["id", "_id"]);
    let tags = pairs(event.get("tags"));
    let tag = |name: &str| json::text(&tags, &[name]);
    record.environment = record.environment.take().or_else(|| tag("env"));
    record.deployment = record.deployment.take().or_else(|| tag("version"));
    record.region = record.region.take().or_else(|| tag("region"));
    record.stream = record.stream.take().or_else(|| json::text(event, &["host"]));
    keep(event, &[("service", "service")], &mut record);
    match json::text(event, &["message"]) {
        Some(message) => {
            record.message = message;
            push_line(record, depth, out);
        }
        None => out.push(record),
    }
}
