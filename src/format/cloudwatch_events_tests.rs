use super::*;

const STREAM: &str = "2026/01/01/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f9";

fn context(array_key: &str, envelope: &[(&str, &str)]) -> FrameContext {
    FrameContext {
        array_key: array_key.to_owned(),
        envelope: envelope.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..FrameContext::default()
    }
}

fn run(text: &str, context: &FrameContext) -> (Option<&'static str>, Decoded, Vec<Record>) {
    let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Json, at: Position::default() };
    let mut out = Vec::new();
    let decoded = CloudWatchEvents.decode(&frame, context, &mut out);
    (CloudWatchEvents.detect(&frame, context), decoded, out)
}

#[test]
fn reads_filtered_events() {
    let text = format!(
        r#"{{"logStreamName":"{STREAM}","timestamp":1767225600188,"message":"a\rb\n\n","ingestionTime":1767225601000,"eventId":"380001"}}"#
    );
    let (found, decoded, out) = run(&text, &context("events", &[]));
    assert_eq!(found, Some("events[] with eventId"));
    assert_eq!(decoded, Decoded::Records);
    assert_eq!(out[0].time_ms, Some(1_767_225_600_188));
    assert_eq!(out[0].stream.as_deref(), Some(STREAM));
    assert_eq!(out[0].event_id.as_deref(), Some("380001"));
    assert_eq!(out[0].message, "a\nb");
    // `--query events[]` gives the same objects at top level.
    assert!(run(&text, &context("", &[])).0.is_some());
}

#[test]
fn reads_events_of_one_stream() {
    let (found, _, out) = run(
        r#"{"timestamp":1767225600188,"message":"x","ingestionTime":1767225601000}"#,
        &context("events", &[]),
    );
    assert!(found.is_some());
    assert_eq!((out[0].stream.as_deref(), out[0].event_id.as_deref()), (None, None));
}

#[test]
fn reads_live_tail_updates() {
    let (found, _, out) = run(
        r#"{"logStreamName":"s","logGroupIdentifier":"111122223333:/aws/lambda/orders","message":"x","timestamp":1767225600188,"ingestionTime":1767225601000}"#,
        &context("sessionResults", &[]),
    );
    assert!(found.is_some());
    assert_eq!(out[0].field("log_group"), Some("/aws/lambda/orders"));
}

#[test]
fn reads_subscription_payloads() {
    let element = r#"{"id":"380001","timestamp":1767225600188,"message":"x\n\n"}"#;
    let around = context(
        "logEvents",
        &[("messageType", "DATA_MESSAGE"), ("logGroup", "/aws/lambda/orders"), ("logStream", STREAM)],
    );
    let (found, _, out) = run(element, &around);
    assert!(found.is_some());
    assert_eq!(out[0].stream.as_deref(), Some(STREAM));
    assert_eq!(out[0].field("log_group"), Some("/aws/lambda/orders"));
    assert_eq!(out[0].event_id.as_deref(), Some("380001"));

    let control = context("logEvents", &[("messageType", "CONTROL_MESSAGE")]);
    assert_eq!(run(element, &control).1, CONTROL);
    let inside = r#"{"id":"1","timestamp":1767225600188,"message":"CWL CONTROL MESSAGE: Checking health of destination x"}"#;
    assert_eq!(run(inside, &around).1, CONTROL);
}

#[test]
fn reads_whole_and_wrapped_objects() {
    let whole = r#"{"messageType":"DATA_MESSAGE","logGroup":"/aws/lambda/orders","logStream":"s","logEvents":[{"id":"1","timestamp":1767225600188,"message":"a"},{"id":"2","timestamp":1767225600189,"message":"b"}]}"#;
    let (found, decoded, out) = run(whole, &context("", &[]));
    assert_eq!((found, decoded), (Some("messageType and logEvents"), Decoded::Records));
    assert_eq!(out.iter().map(|record| record.at.part).collect::<Vec<_>>(), [0, 1]);

    let control = r#"{"messageType":"CONTROL_MESSAGE","logGroup":"","logStream":"","logEvents":[{"id":"","timestamp":1767225600188,"message":"CWL CONTROL MESSAGE: x"}]}"#;
    let data = subscription::tests::pack(&format!("{whole}{control}{whole}"));
    for wrapped in [
        format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#),
        format!(r#"{{"Records":[{{"kinesis":{{"data":"{data}"}}}}]}}"#),
        format!(r#"{{"records":[{{"recordId":"1","data":"{data}"}}]}}"#),
        format!(r#"{{"Records":[{{"Data":"{data}"}}]}}"#),
    ] {
        let (found, decoded, out) = run(&wrapped, &context("", &[]));
        assert_eq!((found.is_some(), decoded, out.len()), (true, Decoded::Records, 4), "{wrapped}");
        assert_eq!(out[3].at.part, 3);
    }
    let broken = r#"{"awslogs":{"data":"H4sIAAAA"}}"#;
    assert_eq!(run(broken, &context("", &[])).1, Decoded::Rejected("data is not base64 of gzip of JSON"));
}

#[test]
fn leaves_what_is_not_its_own() {
    for (text, key) in [
        (r#"{"timestamp":1767225600188,"message":"x"}"#, ""),
        (r#"{"timestamp":1767225600188,"message":"x","id":"1"}"#, "events"),
        (r#"{"id":"1","timestamp":1767225600188,"source":"lambda","message":"x"}"#, ""),
        (r#"{"events":[{"name":"x"}]}"#, ""),
        ("[1]", "events"),
        ("{", "events"),
    ] {
        assert_eq!(run(text, &context(key, &[])).0, None, "{text}");
    }
    let searched =
        run(r#"{"logStreamName":"s","searchedCompletely":true}"#, &context("searchedLogStreams", &[]));
    assert_eq!(searched.1, Decoded::Ignored("list beside the events"));
    assert_eq!(run(r#"{"timestamp":1,"eventId":"1"}"#, &context("events", &[])).1, NO_MESSAGE);
}

proptest::proptest! {
    #[test]
    fn no_container_panics(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80), head in 0usize..6) {
        use crate::format::{cloudwatch_tail::CloudWatchTail, insights, s3_export::S3Export, viewer_csv::ViewerCsv};
        let heads: [&[u8]; 6] = [
            b"",
            b"2026-01-01T00:00:00.188000+00:00 ",
            b"2026-01-01T00:00:00.188Z ",
            b"{\"timestamp\":1,\"message\":\"",
            b"[{\"field\":\"@message\",\"value\":\"",
            b"1767225600188,\"",
        ];
        bytes.splice(0..0, heads[head].iter().copied());
        let shapes: [&dyn Container; 7] = [
            &CloudWatchEvents,
            &insights::InsightsApi,
            &insights::InsightsJson,
            &insights::InsightsCsv,
            &ViewerCsv,
            &CloudWatchTail,
            &S3Export,
        ];
        let context = FrameContext { columns: vec!["timestamp".into(), "message".into()], ..context("events", &[]) };
        for kind in [FrameKind::Line, FrameKind::Json, FrameKind::Csv] {
            let frame = Frame { bytes: &bytes, kind, at: Position::default() };
            for shape in shapes {
                let _ = shape.detect(&frame, &context);
                let _ = shape.starts_entry(&bytes);
                let mut out = Vec::new();
                let decoded = shape.decode(&frame, &context, &mut out);
                proptest::prop_assert_eq!(decoded == Decoded::Records, !out.is_empty());
            }
        }
    }
}
