//! Log shippers that parsed the application's line and put its members below one of their own: Filebeat's `json`, Fluent
//! Bit's `log_processed`. Where they kept the line as text, the payload `json` reads it through.

use serde_json::Value;

use super::{Envelope, MAX_DEPTH, Object, time_ms};
use crate::format::{About, json, json_app};
use crate::record::Record;

/// A parsed line below a shipper's members.
pub const ENVELOPE: Envelope = Envelope {
    name: "log-shipper",
    about: About {
        title: "Filebeat and Fluent Bit, with the line already parsed",
        fingerprint: "objects with json beside agent, input or beat; with log_processed",
        export: "the file output of Filebeat or Fluent Bit",
    },
    one_request: false,
    claims: |map| inner(map).is_some(),
    read,
};

fn inner(map: &Object) -> Option<&Object> {
    let is_beat = ["agent", "beat", "input"].iter().any(|key| map.get(*key).is_some_and(Value::is_object));
    let key = if is_beat { "json" } else { "log_processed" };
    map.get(key)?.as_object()
}

fn read(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let Some(inner) = inner(map).filter(|_| depth < MAX_DEPTH) else { return Vec::new() };
    let text = |names: &[&str]| json::text(map, names);
    let mut record = base.clone();
    record.time_ms = time_ms(map, &["@timestamp", "date", "time"]).or(base.time_ms);
    record.stream =
        text(&["kubernetes.pod.name", "kubernetes.pod_name", "container.id", "host.name", "agent.hostname"]);
    record.region = text(&["cloud.region"]);
    let mut more = Vec::new();
    json_app::read_map(inner, &mut record, &mut more, depth + 1);
    let mut out = vec![record];
    out.append(&mut more);
    out
}
