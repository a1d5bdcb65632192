use super::*;
use crate::record::Position;

fn decode(text: &str) -> (Decoded, Vec<Record>) {
    let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Json, at: Position::default() };
    let mut out = Vec::new();
    let decoded = VercelStream.decode(&frame, &FrameContext::default(), &mut out);
    (decoded, out)
}

#[test]
fn reads_a_line() {
    let (decoded, out) = decode(
        r#"{"level":"error","message":"Error: self-signed certificate in certificate chain\n","rowId":"1767225600188-0001","source":"serverless","timestampInMs":1767225600188,"domain":"shop.example.com","messageTruncated":true,"requestMethod":"get","requestPath":"/api/orders/42?x=1","responseStatusCode":500,"new":{"key":[]}}"#,
    );
    assert_eq!(decoded, Decoded::Records);
    let record = &out[0];
    assert_eq!(record.message, "Error: self-signed certificate in certificate chain");
    assert_eq!(record.event_id.as_deref(), Some("1767225600188-0001"));
    assert_eq!(record.time_ms, Some(1_767_225_600_188));
    assert_eq!((record.status, record.id.is_none()), (Some(500), true));
    assert_eq!(record.method.as_deref(), Some("GET"));
    assert_eq!(record.path.as_deref(), Some("/api/orders/42"));
    assert_eq!(record.runtime.as_deref(), Some("lambda"));
    assert_eq!(record.field("domain"), Some("shop.example.com"));
    assert_eq!(record.marks, Marks::TRUNCATED);
}

#[test]
fn tells_summaries_and_markers_from_lines() {
    let (_, out) = decode(
        r#"{"level":"info","message":"","rowId":"a","source":"request","timestampInMs":1767225600188,"domain":"shop.example.com","requestMethod":"GET","requestPath":"/","responseStatusCode":502}"#,
    );
    assert_eq!(out[0].marks, Marks::SUMMARY | Marks::CLIENT | Marks::END);
    let (_, out) = decode(
        r#"{"rowId":"b","source":"edge-middleware","timestampInMs":1767225600188,"responseStatusCode":-1}"#,
    );
    assert_eq!((out[0].status, out[0].marks), (None, Marks::MIDDLEWARE));
    let (decoded, out) = decode(
        r#"{"level":"error","message":"Exceeded query duration limit","rowId":"","source":"delimiter","timestampInMs":1767225600188}"#,
    );
    assert!(matches!(decoded, Decoded::Ignored(_)) && out.is_empty());
}

#[test]
fn leaves_other_shapes_and_rejects_broken_ones() {
    assert_eq!(decode(r#"{"rowId":"a","TimeUTC":"x","timestampInMs":1}"#).0, Decoded::NotMine);
    assert_eq!(decode("plain text").0, Decoded::NotMine);
    assert!(matches!(decode(r#"{"rowId":"a","timestampInMs":1767"#).0, Decoded::Rejected(_)));
}
