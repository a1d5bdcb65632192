//! Cloudflare Logpush, dataset `http_requests`: what the edge answered. The customer chooses the fields.
//! <https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/zone/http_requests/>

use super::{Envelope, Object, answered, keep, ray_id, time_ms};
use crate::format::text_parts::{push_field, set_request};
use crate::format::{About, json};
use crate::record::{IdKind, Marks, Record};

/// Requests as the edge saw them.
pub const ENVELOPE: Envelope = Envelope {
    name: "cloudflare-http-requests",
    about: About {
        title: "Cloudflare Logpush, HTTP requests",
        fingerprint: "objects with RayID and members that begin with Edge, Client or Origin",
        export: "a Logpush job of dataset http_requests, or logpull",
    },
    one_request: false,
    claims: |map| {
        map.contains_key("RayID")
            && map.keys().any(|key| ["Edge", "Client", "Origin"].iter().any(|part| key.starts_with(part)))
    },
    read,
};

fn read(map: &Object, base: &Record, _depth: usize) -> Vec<Record> {
    let mut record = base.clone();
    record.time_ms = time_ms(map, &["EdgeStartTimestamp", "EdgeEndTimestamp"]).or(base.time_ms);
    record.region = json::text(map, &["EdgeColoCode"]);
    // A call that a Worker made names the request that it was made for.
    let parent = json::text(map, &["ParentRayID"]).filter(|ray| ray.bytes().any(|b| b != b'0'));
    if let Some(ray) = parent.clone().or_else(|| json::text(map, &["RayID"])) {
        record.set_id(ray_id(&ray), IdKind::Request);
    }
    let target = json::text(map, &["ClientRequestPath", "ClientRequestURI"]).unwrap_or_default();
    set_request(&mut record, &json::text(map, &["ClientRequestMethod"]).unwrap_or_default(), &target);
    record.duration_ms = json::number(map, &["EdgeTimeToFirstByteMs", "OriginResponseDurationMs"]);
    let status = map.get("EdgeResponseStatus").and_then(json::as_status);
    match (parent, status) {
        (None, _) => answered(&mut record, status),
        (Some(_), Some(status)) => {
            // Its answer is the Worker's to deal with.
            push_field(&mut record, "upstream_status", &status.to_string());
            let path = record.path.take().unwrap_or_default();
            push_field(&mut record, "upstream_path", &path);
            record.method = None;
            record.marks.insert(Marks::SUMMARY);
        }
        _ => record.marks.insert(Marks::SUMMARY),
    }
    let origin = map.get("OriginResponseStatus").and_then(json::as_status);
    if let Some(origin) = origin {
        push_field(&mut record, "upstream_status", &origin.to_string());
    }
    // Only the edge itself says 520 to 527 and 530; this is the text that it then sends.
    if let Some(status @ (520..=527 | 530)) = record.status
        && origin.is_none_or(|origin| origin == status)
    {
        record.message = format!("error code: {status}");
    }
    let kept = [
        ("OriginIP", "origin"),
        ("OriginTCPHandshakeDurationMs", "origin_tcp_ms"),
        ("OriginTLSHandshakeDurationMs", "origin_tls_ms"),
        ("OriginDNSResponseTimeMs", "origin_dns_ms"),
        ("OriginResponseHeaderReceiveDurationMs", "origin_header_ms"),
        ("CacheCacheStatus", "cache"),
        ("ClientRequestHost", "host"),
    ];
    keep(map, &kept, &mut record);
    vec![record]
}
