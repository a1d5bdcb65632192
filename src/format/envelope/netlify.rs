//! Netlify: lines of its command line, entries of its log drains, and the traffic that the drains tell of. Functions
//! are AWS Lambda's underneath, so a message can be Lambda's.
//! <https://docs.netlify.com/manage/monitoring/log-drains/>

use serde_json::Value;

use super::{Envelope, Object, answered, keep, level, push_line, time_ms};
use crate::format::text_parts::set_request;
use crate::format::{About, json};
use crate::record::{IdKind, Record};

/// Lines and traffic.
pub const ENVELOPE: Envelope = Envelope {
    name: "netlify",
    about: About {
        title: "Netlify logs and log drains, JSON",
        fingerprint: "objects with source function or edge-function, name, level and message; site_id beside status_code; netlify_request_id",
        export: "netlify logs --json > netlify.json, or a log drain",
    },
    one_request: false,
    claims: |map| {
        let source = map.get("source").and_then(Value::as_str).unwrap_or_default();
        let has = |key: &str| map.contains_key(key);
        (matches!(source, "function" | "functions" | "edge-function" | "edge-functions" | "deploy")
            && has("name")
            && has("message"))
            || has("netlify_request_id")
            || (has("site_id") && has("deploy_id") && (has("status_code") || has("log_type")))
    },
    read,
};

fn read(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let text = |names: &[&str]| json::text(map, names);
    let mut record = base.clone();
    record.time_ms = time_ms(map, &["timestamp", "ts"]).or(base.time_ms);
    record.level = level(map, &["level"]);
    record.deployment = text(&["deploy_id"]);
    record.stream = text(&["name", "function", "function_name"]);
    record.region = text(&["region"]);
    keep(
        map,
        &[("name", "function"), ("function_name", "function"), ("source", "source"), ("log_type", "source")],
        &mut record,
    );
    if text(&["source", "log_type", "type"]).is_some_and(|source| source.starts_with("edge")) {
        record.runtime = Some("edge".to_owned());
    }
    // One of the two names the request as the edge does.
    for name in ["netlify_request_id", "request_id"] {
        if let Some(id) = text(&[name]) {
            record.set_id(&id, IdKind::Request);
        }
    }
    let target = text(&["request_path", "path", "url"]).unwrap_or_default();
    set_request(&mut record, &text(&["method"]).unwrap_or_default(), &target);
    let status = map.get("status_code").and_then(json::as_status);
    if status.is_some() {
        record.duration_ms = json::number(map, &["duration"]);
    }
    record.message = text(&["message"]).unwrap_or_default();
    let mut out = Vec::new();
    push_line(record, depth, &mut out);
    if let Some(line) = out.first_mut().filter(|_| status.is_some()) {
        answered(line, status);
    }
    out
}
