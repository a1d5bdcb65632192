//! Grafana Loki: lines of `logcli --output=jsonl`, answers of its query API, and the download of Grafana's inspector.
//! <https://grafana.com/docs/loki/latest/reference/loki-http-api/>

use serde_json::Value;

use super::{Envelope, Object, level, push_line};
use crate::format::text_parts::push_field;
use crate::format::{About, json, json_app};
use crate::record::Record;

/// Lines with labels.
pub const ENVELOPE: Envelope = Envelope {
    name: "loki",
    about: About {
        title: "Grafana Loki lines and query answers",
        fingerprint: "objects of line, timestamp and labels alone, or data.result[] with stream and values",
        export: "logcli query --output=jsonl '{app=\"NAME\"}' > lines.jsonl",
    },
    one_request: false,
    claims: |map| is_line(map) || streams(map).is_some(),
    read,
};

fn is_line(map: &Object) -> bool {
    map.get("line").is_some_and(Value::is_string)
        && map.contains_key("timestamp")
        && map.keys().all(|key| matches!(key.as_str(), "line" | "timestamp" | "labels" | "date" | "fields"))
}

fn streams(map: &Object) -> Option<&Vec<Value>> {
    let data = map.get("data")?.as_object()?;
    let result = data.get("result")?.as_array()?;
    let named = data.get("resultType").is_some_and(|kind| kind == "streams");
    let shaped = result.first().is_some_and(|stream| {
        stream.get("stream").is_some_and(Value::is_object)
            && stream.get("values").is_some_and(Value::is_array)
    });
    (named || shaped).then_some(result)
}

fn read(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let mut out = Vec::new();
    let empty = Object::new();
    let Some(streams) = streams(map) else {
        let labels = map.get("labels").or_else(|| map.get("fields")).and_then(Value::as_object);
        let line = map.get("line").and_then(Value::as_str).unwrap_or_default();
        push(map.get("timestamp"), line, labels.unwrap_or(&empty), base, depth, &mut out);
        return out;
    };
    for stream in streams {
        let labels = stream.get("stream").and_then(Value::as_object).unwrap_or(&empty);
        let values = stream.get("values").and_then(Value::as_array);
        for value in values.into_iter().flatten().filter_map(Value::as_array) {
            let line = value.get(1).and_then(Value::as_str).unwrap_or_default();
            let mut of_line = base.clone();
            if let Some(more) = value.get(2).and_then(Value::as_object) {
                // Structured metadata: labels of the line alone.
                let inner = more.get("structuredMetadata").and_then(Value::as_object).unwrap_or(more);
                labelled(inner, &mut of_line);
            }
            push(value.first(), line, labels, &of_line, depth, &mut out);
        }
    }
    out
}

fn push(
    time: Option<&Value>,
    line: &str,
    labels: &Object,
    base: &Record,
    depth: usize,
    out: &mut Vec<Record>,
) {
    let time_ms = time.and_then(json_app::stamp_of).map(|stamp| stamp.ms).or(base.time_ms);
    let mut record = Record { time_ms, message: line.to_owned(), ..base.clone() };
    labelled(labels, &mut record);
    push_line(record, depth, out);
}

/// What labels say of where a line comes from.
fn labelled(labels: &Object, record: &mut Record) {
    let label = |names: &[&str]| json::text(labels, names);
    let places = [
        (
            &mut record.stream,
            label(&["pod", "k8s_pod_name", "instance", "host", "hostname", "container", "filename"]),
        ),
        (&mut record.environment, label(&["env", "environment", "deployment_environment"])),
        (&mut record.region, label(&["region", "cloud_region"])),
        (&mut record.deployment, label(&["version", "release", "service_version"])),
    ];
    for (place, value) in places {
        if place.is_none() {
            *place = value;
        }
    }
    record.level = record.level.or_else(|| level(labels, &["level", "detected_level", "severity_text"]));
    for name in ["app", "service_name", "namespace", "container", "job"] {
        if let Some(value) = label(&[name]) {
            push_field(record, name, &value);
        }
    }
    for name in ["trace_id", "traceID"] {
        if let Some(trace) = label(&[name]) {
            record.set_id(&trace.to_ascii_lowercase(), crate::record::IdKind::Trace);
        }
    }
}
