use super::*;
use crate::record::Position;

fn decode(text: &str) -> (Decoded, Vec<Record>) {
    let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Json, at: Position::default() };
    let mut out = Vec::new();
    let decoded = VercelHistory.decode(&frame, &FrameContext::default(), &mut out);
    (decoded, out)
}

#[test]
fn reads_a_request_and_its_lines() {
    let (decoded, out) = decode(
        r#"{"id":"kq7zt-1767225600123-0a1b2c3d4e5f","timestamp":1767225600123,"deploymentId":"dpl_ExampleAAAA1111","projectId":"prj_ExampleBBBB2222","level":"error","message":"Vercel Runtime Timeout Error: Task timed out after 60 seconds","source":"serverless","domain":"shop.example.com","requestMethod":"POST","requestPath":"/api/checkout","responseStatusCode":504,"environment":"production","branch":"main","cache":"MISS","traceId":"","pprState":"fully_dynamic","logs":[{"level":"info","message":"charging card","messageTruncated":true},{"level":"error","message":"Vercel Runtime Timeout Error: Task timed out after 60 seconds"}]}"#,
    );
    assert_eq!(decoded, Decoded::Records);
    assert_eq!(out.len(), 3);
    assert_eq!((out[0].status, out[0].message.as_str()), (Some(504), ""));
    assert_eq!(out[0].marks, Marks::CLIENT | Marks::END | Marks::SUMMARY);
    assert_eq!(out[0].field("cache"), Some("MISS"));
    assert_eq!((out[1].status, out[1].level), (None, Some(Level::Info)));
    assert_eq!(out[1].marks, Marks::TRUNCATED);
    assert_eq!((out[2].at.part, out[2].marks), (2, Marks::TIMEOUT));
    for record in &out {
        assert_eq!(record.id.as_ref().unwrap().text, "kq7zt-1767225600123-0a1b2c3d4e5f");
        assert_eq!(record.time_ms, Some(1_767_225_600_123));
        assert_eq!(record.event_id, None);
    }
}

#[test]
fn reads_the_flat_form() {
    let (_, out) = decode(
        r#"{"id":"","timestamp":1767225600123,"deploymentId":"dpl_ExampleAAAA1111","projectId":"prj_ExampleBBBB2222","level":"error","message":"Error: boom","source":"edge-middleware","domain":"shop.example.com","requestMethod":"GET","requestPath":"/a","responseStatusCode":0,"environment":"production","branch":"main"}"#,
    );
    assert_eq!(out.len(), 1);
    let record = &out[0];
    assert_eq!((record.status, record.id.is_none(), record.marks), (None, true, Marks::default()));
    assert_eq!((record.message.as_str(), record.runtime.is_none()), ("Error: boom", true));
    assert_eq!(record.field("domain"), Some("shop.example.com"));
}

#[test]
fn falls_back_to_the_trace_id() {
    let (_, out) = decode(
        r#"{"id":"","timestamp":1767225600123,"domain":"shop.example.com","requestPath":"/a","responseStatusCode":500,"traceId":"0123456789abcdef0123456789abcdef","message":"","logs":[]}"#,
    );
    assert_eq!(out[0].id.as_ref().unwrap().kind, IdKind::Trace);
}

#[test]
fn passes_over_control_objects() {
    let (decoded, _) = decode(
        r#"{"type":"deployment_error","message":"Logs are unavailable because deployment dpl_1 never became ready."}"#,
    );
    assert!(matches!(decoded, Decoded::Ignored(_)));
    assert_eq!(decode(r#"{"type":"deployment_error_seen","message":"x"}"#).0, Decoded::NotMine);
    assert_eq!(decode(r#"{"id":"1","timestamp":1,"message":"x"}"#).0, Decoded::NotMine);
    assert!(matches!(
        decode(r#"{"id":"1","timestamp":1,"domain":"d","requestPath":"/","responseStatusCode":500,"logs":["#)
            .0,
        Decoded::Rejected(_)
    ));
}
