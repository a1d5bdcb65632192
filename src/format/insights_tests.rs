use super::*;
use crate::record::Position;

const STREAM: &str = "2026/01/01/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f9";

fn run(
    shape: &dyn Container,
    bytes: &str,
    context: &FrameContext,
) -> (Option<&'static str>, Decoded, Vec<Record>) {
    let kind = if context.columns.is_empty() { FrameKind::Json } else { FrameKind::Csv };
    let frame = Frame { bytes: bytes.as_bytes(), kind, at: Position::default() };
    let mut out = Vec::new();
    let decoded = shape.decode(&frame, context, &mut out);
    (shape.detect(&frame, context), decoded, out)
}

#[test]
fn reads_rows_of_the_api() {
    let text = r#"[{"field":"@timestamp","value":"2026-01-01 00:00:00.188"},{"field":"@message","value":"x\n"},
        {"field":"@type","value":"REPORT"},{"field":"@requestId","value":"11111111-2222-4333-8444-555555555555"},
        {"field":"@duration","value":"14.97"},{"field":"@memorySize","value":"1.28E8"},{"field":"@maxMemoryUsed","value":"6.7E7"},
        {"field":"@initDuration","value":"201.5"},{"field":"@log","value":"111122223333:/aws/lambda/orders"},
        {"field":"@@own","value":"v"},{"field":"@ptr","value":"abc"}]"#;
    let context = FrameContext { array_key: "results".to_owned(), ..FrameContext::default() };
    let (found, decoded, out) = run(&InsightsApi, text, &context);
    assert_eq!((found.is_some(), decoded), (true, Decoded::Records));
    let record = &out[0];
    assert_eq!(record.time_ms, Some(1_767_225_600_188));
    assert_eq!(record.message, "x");
    assert_eq!(record.id.as_ref().unwrap().text, "11111111-2222-4333-8444-555555555555");
    assert_eq!(
        (record.duration_ms, record.memory_limit_mb, record.memory_used_mb),
        (Some(14.97), Some(128.0), Some(67.0))
    );
    assert!(record.marks.has(Marks::COLD_START));
    assert_eq!(record.field("log_group"), Some("/aws/lambda/orders"));
    assert_eq!(record.field("own"), Some("v"));
    assert_eq!(record.event_id, None);

    let object = r#"{"@timestamp":"2026-01-01 00:00:00.188","@message":"x"}"#;
    assert!(run(&InsightsApi, object, &context).0.is_some());
    assert!(run(&InsightsJson, object, &context).0.is_none());
    assert!(run(&InsightsJson, object, &FrameContext::default()).0.is_some());
}

#[test]
fn writes_parsed_messages_back() {
    let text =
        r#"{"@timestamp":"2026-01-01 00:00:00.188","@message":{"level":"ERROR","n":[1,2]},"@logStream":"s"}"#;
    let (_, _, out) = run(&InsightsJson, text, &FrameContext::default());
    assert_eq!(out[0].message, r#"{"level":"ERROR","n":[1,2]}"#);
    assert_eq!(out[0].stream.as_deref(), Some("s"));
}

#[test]
fn reads_the_table() {
    let context = FrameContext {
        columns: ["@timestamp", "@message", "@logStream", "@log"].map(String::from).to_vec(),
        ..FrameContext::default()
    };
    let row =
        format!("2026-01-01 00:00:00.188,\"a \"\"b\"\",\nc\n\",{STREAM},111122223333:/aws/lambda/orders");
    let (found, decoded, out) = run(&InsightsCsv, &row, &context);
    assert_eq!((found.is_some(), decoded), (true, Decoded::Records));
    assert_eq!(out[0].message, "a \"b\",\nc");
    assert_eq!(out[0].stream.as_deref(), Some(STREAM));
    assert_eq!(
        run(&InsightsCsv, "@timestamp,@message,@logStream,@log", &context).1,
        Decoded::Ignored("header")
    );

    let renamed =
        FrameContext { columns: ["t", "message"].map(String::from).to_vec(), ..FrameContext::default() };
    let (_, _, out) = run(&InsightsCsv, "2026-01-01 00:00:00.188,x", &renamed);
    assert_eq!((out[0].time_ms, out[0].message.as_str()), (Some(1_767_225_600_188), "x"));
}

#[test]
fn refuses_aggregations() {
    let context = FrameContext {
        columns: ["bin(5m)", "count(*)"].map(String::from).to_vec(),
        ..FrameContext::default()
    };
    assert!(InsightsCsv.claims_header(&["bin(5m)", "count(*)"]));
    assert_eq!(run(&InsightsCsv, "2026-01-01 00:00:00.000,12", &context).1, REFUSED);
    let text = r#"[{"field":"bin(5m)","value":"2026-01-01 00:00:00.000"},{"field":"count(*)","value":"12"}]"#;
    assert_eq!(run(&InsightsApi, text, &FrameContext::default()).1, REFUSED);
    assert_eq!(
        run(
            &InsightsJson,
            r#"{"@timestamp":"2026-01-01 00:00:00.000","errors":"3"}"#,
            &FrameContext::default()
        )
        .1,
        REFUSED
    );
}

#[test]
fn leaves_foreign_rows() {
    let top = FrameContext::default();
    for text in [
        r#"{"@timestamp":"2026-01-01T00:00:00Z","message":"x","log.level":"error"}"#,
        r#"{"a":1}"#,
        "[1,2]",
        "[]",
        "[INFO]\tx",
    ] {
        assert_eq!(run(&InsightsJson, text, &top).0, None, "{text}");
        assert_eq!(run(&InsightsApi, text, &top).0, None, "{text}");
    }
    assert!(!InsightsCsv.claims_header(&["timestamp", "message"]));
}
