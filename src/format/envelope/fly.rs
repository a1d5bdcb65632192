//! Fly.io: lines of `fly logs --json` and of its log shipper. What is not known stands there as 0 or an empty text.
//! <https://fly.io/docs/monitoring/exporting-logs/>

use serde_json::Value;

use super::{Envelope, Object, keep, level, push_line, time_ms};
use crate::format::text_parts::{push_code, set_request};
use crate::format::{About, json};
use crate::record::{IdKind, Level, Record};

/// Lines of Fly machines and of the proxy before them.
pub const ENVELOPE: Envelope = Envelope {
    name: "fly",
    about: About {
        title: "Fly.io logs, JSON",
        fingerprint: "objects with instance, region, message and meta, or with fly.app and log.level",
        export: "fly logs --json > fly.json",
    },
    one_request: false,
    claims: |map| {
        let is_object = |key: &str| map.get(key).is_some_and(Value::is_object);
        (is_object("meta")
            && ["instance", "region", "message", "timestamp"].iter().all(|key| map.contains_key(*key)))
            || (is_object("fly") && json::get(map, "fly.app").is_some() && map.contains_key("message"))
    },
    read,
};

fn read(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let text = |names: &[&str]| json::text(map, names);
    let mut record = base.clone();
    record.time_ms = time_ms(map, &["timestamp"]).or(base.time_ms);
    record.level = level(map, &["level", "log.level"]);
    record.stream = text(&["instance", "meta.instance", "fly.app.instance"]);
    record.region = text(&["region", "meta.region", "fly.region"]);
    let kept =
        [("meta.Event.Provider", "provider"), ("event.provider", "provider"), ("fly.app.name", "service")];
    keep(map, &kept, &mut record);
    set_request(
        &mut record,
        &text(&["meta.HTTP.Request.Method", "http.request.method"]).unwrap_or_default(),
        &text(&["meta.URL.Full", "url.full"]).unwrap_or_default(),
    );
    if let Some(id) = text(&["meta.HTTP.Request.ID", "http.request.id"]) {
        record.set_id(&id, IdKind::Request);
    }
    let status = ["meta.HTTP.Response.status_code", "http.response.status_code"];
    let status = json::first(map, &status).and_then(json::as_status);
    let message = text(&["message"]).unwrap_or_default();
    let error =
        text(&["meta.Error.Message", "error.message"]).filter(|error| !message.contains(error.as_str()));
    if let Some(error) = error {
        json::append_line(&mut record.error_text, &error);
        record.level = record.level.max(Some(Level::Error));
    }
    // The proxy's own codes: `[PC05] timed out while connecting to your instance`.
    if let Some((code, _)) = message.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        && code.len() == 4
        && code.starts_with('P')
    {
        push_code(&mut record, code);
    }
    record.message = message;
    let mut out = Vec::new();
    push_line(record, depth, &mut out);
    // The proxy logs what it could not deliver.
    if let Some(line) = out.first_mut().filter(|_| status.is_some()) {
        super::answered(line, status);
    }
    out
}
