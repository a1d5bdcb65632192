//! Elasticsearch and OpenSearch: documents as a search returns them (`hits.hits[]`) or a dump writes them (`_source`).

use serde_json::Value;

use super::{Envelope, MAX_DEPTH, Object};
use crate::format::{About, json, json_app};
use crate::record::Record;

/// Documents and pages of them.
pub const ENVELOPE: Envelope = Envelope {
    name: "elasticsearch",
    about: About {
        title: "Elasticsearch and OpenSearch documents",
        fingerprint: "objects with _source, or hits.hits[] of them",
        export: "GET /INDEX/_search, or elasticdump --type=data",
    },
    one_request: false,
    claims: |map| map.get("_source").is_some_and(Value::is_object) || hits(map).is_some(),
    read,
};

fn hits(map: &Object) -> Option<&Vec<Value>> {
    map.get("hits")?.as_object()?.get("hits")?.as_array()
}

fn read(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let mut out = Vec::new();
    match hits(map) {
        Some(hits) => {
            for hit in hits.iter().filter_map(Value::as_object) {
                push(hit, base, depth, &mut out);
            }
        }
        None => push(map, base, depth, &mut out),
    }
    out
}

fn push(hit: &Object, base: &Record, depth: usize, out: &mut Vec<Record>) {
    let Some(source) = hit.get("_source").and_then(Value::as_object).filter(|_| depth < MAX_DEPTH) else {
        return;
    };
    let mut record = base.clone();
    let mut more = Vec::new();
    json_app::read_map(source, &mut record, &mut more, depth + 1);
    let id = json::text(hit, &["_id"]);
    record.event_id = record.event_id.take().or(id);
    out.push(record);
    out.append(&mut more);
}
