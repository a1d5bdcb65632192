//! Render: lines of its API and command line, whose particulars are a list of labels; all label values are text.
//! <https://api-docs.render.com/reference/list-logs>

use serde_json::Value;

use super::{Envelope, Object, answered, keep, level, pairs, push_line, time_ms};
use crate::format::text_parts::{set_request, set_request_id};
use crate::format::{About, json};
use crate::record::Record;

/// Lines with labels.
pub const ENVELOPE: Envelope = Envelope {
    name: "render",
    about: About {
        title: "Render logs, JSON",
        fingerprint: "objects with message, timestamp and labels[] of name and value, or logs[] of them",
        export: "render logs --resources SERVICE --output json > render.json",
    },
    one_request: false,
    claims: |map| is_line(map) || page(map).is_some(),
    read,
};

fn is_line(map: &Object) -> bool {
    let first = map.get("labels").and_then(Value::as_array).and_then(|labels| labels.first());
    let is_label = |label: &Object| label.contains_key("name") && label.contains_key("value");
    map.contains_key("timestamp")
        && map.contains_key("message")
        && first.and_then(Value::as_object).is_some_and(is_label)
}

/// The lines of a page.
fn page(map: &Object) -> Option<&Vec<Value>> {
    let lines = map.get("logs")?.as_array()?;
    lines.first()?.as_object().is_some_and(is_line).then_some(lines)
}

fn read(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let mut out = Vec::new();
    match page(map) {
        Some(lines) => {
            for line in lines.iter().filter_map(Value::as_object) {
                push(line, base, depth, &mut out);
            }
        }
        None => push(map, base, depth, &mut out),
    }
    out
}

fn push(map: &Object, base: &Record, depth: usize, out: &mut Vec<Record>) {
    let labels = pairs(map.get("labels"));
    let label = |name: &str| json::text(&labels, &[name]);
    let mut record = base.clone();
    record.time_ms = time_ms(map, &["timestamp"]).or(base.time_ms);
    record.level = level(&labels, &["level"]);
    record.stream = label("instance").or_else(|| label("resource"));
    record.event_id = json::text(map, &["id"]);
    keep(&labels, &[("resource", "service"), ("host", "host")], &mut record);
    set_request(&mut record, &label("method").unwrap_or_default(), &label("path").unwrap_or_default());
    if let Some(id) = label("requestID") {
        set_request_id(&mut record, &id);
    }
    record.message = json::text(map, &["message"]).unwrap_or_default();
    let status = json::get(&labels, "statusCode").and_then(json::as_status);
    let from = out.len();
    push_line(record, depth, out);
    if let Some(line) = out.get_mut(from).filter(|_| status.is_some()) {
        answered(line, status);
    }
}
