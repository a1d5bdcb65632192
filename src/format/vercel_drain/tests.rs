use super::*;
use crate::record::Position;

fn decode(text: &str) -> (Decoded, Vec<Record>) {
    let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Json, at: Position::default() };
    let mut out = Vec::new();
    let decoded = VercelDrain.decode(&frame, &FrameContext::default(), &mut out);
    (decoded, out)
}

/// A drain entry with `members` added to what every entry has.
fn entry(members: &str) -> Record {
    let text = format!(
        r#"{{"id":"176722560018800000000000000001","timestamp":1767225600188,"deploymentId":"dpl_ExampleAAAA1111","projectId":"prj_ExampleBBBB2222","host":"shop.example.com",{members}}}"#
    );
    let (decoded, mut out) = decode(&text);
    assert_eq!(decoded, Decoded::Records, "{members}");
    out.remove(0)
}

fn lambda(own: &str, proxy: &str) -> Record {
    entry(&format!(
        r#""source":"lambda","message":"x","statusCode":{own},"proxy":{{"method":"GET","statusCode":{proxy}}}"#
    ))
}

#[test]
fn reads_a_function_line() {
    let record = entry(
        r#""source":"lambda","type":"stderr","level":"error","projectName":"shop","path":"/api/orders/[id]","entrypoint":"api/orders/[id].js","environment":"production","branch":"main","executionRegion":"iad1","requestId":"fra1::iad1::kq7zt-1767225600123-0a1b2c3d4e5f","statusCode":500,"instanceId":"inst1","message":"Error: connect ETIMEDOUT 10.0.0.5:5432\n    at f (node:net:1:2)","proxy":{"timestamp":1767225600123,"method":"GET","host":"www.example.com","path":"/api/orders/42?full=1","region":"fra1","statusCode":500,"userAgent":["ExampleClient/1.0"],"clientIp":"192.0.2.10","referer":"https://example.com/","vercelCache":"MISS","pathType":"STREAMING_FUNC"}"#,
    );
    assert_eq!(record.id.as_ref().unwrap().text, "kq7zt-1767225600123-0a1b2c3d4e5f");
    assert_eq!(record.event_id.as_deref(), Some("176722560018800000000000000001"));
    assert_eq!(record.time_ms, Some(1_767_225_600_188));
    assert_eq!((record.status, record.function_status), (Some(500), Some(500)));
    assert_eq!(record.marks, Marks::CLIENT | Marks::END);
    assert_eq!(record.level, Some(Level::Error));
    assert_eq!(record.method.as_deref(), Some("GET"));
    assert_eq!(record.path.as_deref(), Some("/api/orders/42"));
    assert_eq!(record.route.as_deref(), Some("/api/orders/[id]"));
    assert_eq!(record.runtime.as_deref(), Some("lambda"));
    assert_eq!(record.region.as_deref(), Some("iad1"));
    assert_eq!(record.stream.as_deref(), Some("inst1"));
    assert_eq!(record.field("path_type"), Some("streaming_func"));
    assert_eq!(record.field("host"), Some("www.example.com"));
    for private in ["ExampleClient", "192.0.2.10", "https://example.com/"] {
        assert!(!record.fields.iter().any(|(_, value)| value.contains(private)), "{private}");
    }
}

#[test]
fn reads_the_two_statuses() {
    let stale = lambda("500", "200");
    assert_eq!((stale.status, stale.function_status), (Some(200), Some(500)));
    let killed = lambda("-1", "504");
    assert_eq!((killed.status, killed.function_status), (Some(504), None));
    assert_eq!(killed.marks, Marks::CLIENT | Marks::END | Marks::CRASH | Marks::TIMEOUT);
    let crashed = lambda("-1", "500");
    assert_eq!(crashed.marks, Marks::CLIENT | Marks::END | Marks::CRASH);
    let background = lambda("200", "-1");
    assert_eq!((background.status, background.marks), (None, Marks::BACKGROUND | Marks::END));
    let background_crash = lambda("-1", "-1");
    assert_eq!(background_crash.marks, Marks::BACKGROUND | Marks::END | Marks::CRASH);
    let early = lambda("0", "null");
    assert_eq!((early.status, early.function_status, early.marks), (None, None, Marks::default()));
    let text = lambda("\"502\"", "\"502\"");
    assert_eq!((text.status, text.function_status), (Some(502), Some(502)));
}

#[test]
fn a_function_line_without_proxy_ends_nothing() {
    let record = entry(r#""source":"lambda","statusCode":200,"message":null,"requestId":"a-1""#);
    assert_eq!((record.status, record.function_status), (None, Some(200)));
    assert!(record.marks.is_empty() && record.message.is_empty());
    let record = entry(r#""source":"static","statusCode":404,"path":"favicon.ico""#);
    assert_eq!((record.status, record.function_status), (Some(404), None));
    assert_eq!(record.marks, Marks::CLIENT | Marks::END);
}

#[test]
fn marks_middleware() {
    let record = entry(
        r#""source":"edge","edgeType":"middleware","type":"middleware-invocation","path":"src/middleware","message":"[GET] [middleware: \"middleware\"] /path status=200","statusCode":200,"proxy":{"method":"GET","path":"/path","statusCode":200}"#,
    );
    assert_eq!((record.status, record.marks), (Some(200), Marks::MIDDLEWARE));
    assert_eq!((record.route, record.runtime.as_deref()), (None, Some("edge")));
    let record = entry(r#""source":"edge","type":"middleware","statusCode":500"#);
    assert_eq!(record.marks, Marks::MIDDLEWARE | Marks::CLIENT | Marks::END);
}

#[test]
fn reads_sparse_and_odd_entries() {
    let record = entry(
        r#""source":"lambda","type":"stderr","path":"api/hello","proxy":{"userAgent":"ExampleClient/1.0","pathType":"STATIC","vercelId":"fra1::kq7zt-1767225600123-0a1b2c3d4e5f"},"ja4Digest":"x","new":{"deep":[{"a":null}]}"#,
    );
    assert_eq!(record.level, Some(Level::Error));
    assert_eq!(record.route.as_deref(), Some("/api/hello"));
    assert_eq!(record.id.as_ref().unwrap().text, "kq7zt-1767225600123-0a1b2c3d4e5f");
    let record = entry(
        r#""source":"edge","edgeType":"edge-function","trace.id":"0123456789abcdef0123456789abcdef","proxy":null"#,
    );
    assert_eq!(record.id.as_ref().unwrap().kind, IdKind::Trace);
    for odd in ["\"-\"", "[1]", "7", "true"] {
        assert_eq!(
            entry(&format!(r#""source":"edge","proxy":{odd},"proxy":{odd},"statusCode":502"#)).status,
            Some(502)
        );
    }
    assert_eq!(record.runtime.as_deref(), Some("edge"));
}

#[test]
fn leaves_embedded_lambda_text() {
    for text in [
        r"START RequestId: 11111111-2222-4333-8444-555555555555 Version: $LATEST\nhello\nEND RequestId: 11111111-2222-4333-8444-555555555555\nREPORT RequestId: 11111111-2222-4333-8444-555555555555\tDuration: 116 ms",
        r"tail of a cut line\\nEND RequestId: 11111111-2222-4333-8444-555555555555\\nREPORT RequestId: 11111111-2222-4333-8444-555555555555",
    ] {
        let record = entry(&format!(r#""source":"lambda","requestId":"a-1","message":"{text}""#));
        assert!(record.message.contains("END RequestId: 11111111"));
        assert_eq!(record.id.as_ref().unwrap().text, "a-1");
    }
}

#[test]
fn passes_over_and_refuses() {
    let base = r#""id":"1","timestamp":1767225600188,"projectId":"p","deploymentId":"d""#;
    let sample = format!(r#"{{{base},"source":"lambda","message":"SAMPLE MESSAGE: xxxx"}}"#);
    assert!(matches!(decode(&sample).0, Decoded::Ignored(_)));
    let build = format!(r#"{{{base},"source":"build","message":"Installing"}}"#);
    assert!(matches!(decode(&build).0, Decoded::Ignored(_)));
    assert!(matches!(decode(r#"{"resourceSpans":[]}"#).0, Decoded::Rejected(_)));
    assert!(matches!(
        decode(r#"{"schema":"vercel.analytics.v1","eventType":"pageview"}"#).0,
        Decoded::Rejected(_)
    ));
    assert!(matches!(decode(&format!("{{{base},\"source\":\"lambda\",\"mess")).0, Decoded::Rejected(_)));
    for other in ["", "[", "text", r#"{"id":1,"level":30,"msg":"x"}"#, r#"{"rowId":"","timestampInMs":1}"#] {
        assert_eq!(decode(other).0, Decoded::NotMine, "{other}");
    }
}

#[test]
fn reads_broken_utf8() {
    let bytes = b"{\"id\":\"1\",\"timestamp\":1767225600188,\"projectId\":\"p\",\"source\":\"lambda\",\"message\":\"caf\xff\"}";
    let frame = Frame { bytes, kind: FrameKind::Line, at: Position::default() };
    let mut out = Vec::new();
    assert_eq!(VercelDrain.decode(&frame, &FrameContext::default(), &mut out), Decoded::Records);
    assert_eq!(out[0].message, "caf\u{fffd}");
}

/// Where a glance says anything, it says what the full decoder says.
#[test]
fn a_glance_agrees_with_the_decoder() {
    let base = |extra: &str| {
        format!(
            r#"{{"id":"17","timestamp":1767225600188,"source":"lambda","projectId":"p","requestId":"fra1::kq7zt-1767225600123-0a1b2c3d4e5f"{extra}}}"#
        )
    };
    let extras = [
        "",
        r#","statusCode":500,"path":"/api/orders/[id]","message":"x \"statusCode\":200""#,
        r#","statusCode":-1,"proxy":{"statusCode":504,"path":"/api/orders/4?x=1","method":"GET"}"#,
        r#","statusCode":500,"proxy":{"statusCode":200,"path":"/a"}"#,
        r#","statusCode":200,"proxy":{"statusCode":-1}"#,
        r#","statusCode":null,"proxy":{"statusCode":500}"#,
        r#","type":"middleware","proxy":{"statusCode":200}"#,
        r#","edgeType":"middleware","proxy":{"statusCode":500},"path":"src/middleware""#,
        r#","path":"api/hello""#,
        r#","path":"src/middleware","statusCode":404"#,
        r#","statusCode":500,"statusCode":200"#,
        r#","message":"SAMPLE MESSAGE: test""#,
        r#","unknown":{"a":[{"b":"}"}]},"statusCode":503"#,
    ];
    let mut glancer = VercelDrain.glancer().unwrap();
    let mut glances = 0;
    for extra in extras {
        for source in ["lambda", "edge", "static", "build"] {
            let text = base(extra).replace("\"lambda\"", &format!("\"{source}\""));
            let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Json, at: Default::default() };
            // First member by member, then by the stencil that was learned of it.
            let first = glancer.glance(&frame, &FrameContext::default());
            let Some(brief) = glancer.glance(&frame, &FrameContext::default()) else { continue };
            assert_eq!(first.as_ref(), Some(&brief), "{text}");
            glances += 1;
            let mut records = Vec::new();
            assert_eq!(
                VercelDrain.decode(&frame, &FrameContext::default(), &mut records),
                Decoded::Records,
                "{text}"
            );
            let record = &records[0];
            assert_eq!(Some(brief.id), record.id.as_ref().map(|id| id.text.as_bytes()), "{text}");
            assert_eq!(brief.time_ms, record.time_ms, "{text}");
            assert_eq!(brief.status, record.status, "{text}");
            assert_eq!(brief.function_status, record.function_status, "{text}");
            assert_eq!(brief.marks, record.marks, "{text}");
            assert_eq!(brief.event_id, record.event_id.as_ref().map(String::as_bytes), "{text}");
            assert_eq!(brief.route, record.route.as_ref().map(String::as_bytes), "{text}");
            let path = record.path.as_ref().filter(|_| record.route.is_none());
            assert_eq!(brief.path, path.map(String::as_bytes), "{text}");
        }
    }
    assert!(glances > 20, "{glances} glances");
}
