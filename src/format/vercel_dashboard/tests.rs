use super::*;
use crate::record::Position;

const E1: &str = "TimeUTC,timestampInMs,requestPath,requestMethod,responseStatusCode,requestId,requestUserAgent,level,environment,branch,vercelCache,type,function,host,deploymentDomain,deploymentId,lambdaDurationInMs,lambdaRegion,lambdaMaxMemoryUsed,lambdaMemorySize,message,projectId,projectName";
const E3: &str = "TimeUTC,timestampInMs,requestPath,requestMethod,requestQueryString,responseStatusCode,requestId,requestUserAgent,level,environment,branch,vercelCache,type,function,host,deploymentDomain,deploymentId,durationMs,region,maxMemoryUsed,memorySize,message,projectId,traceId,sessionId,invocationId,instanceId,concurrency";
const ID: &str = "kq7zt-1767225600123-0a1b2c3d4e5f";

fn decode_csv(header: &str, row: &str) -> (Decoded, Vec<Record>) {
    let columns: Vec<String> = header.split(',').map(str::to_owned).collect();
    let names: Vec<&str> = header.split(',').collect();
    assert!(VercelDashboardCsv.claims_header(&names));
    let context = FrameContext { columns, ..FrameContext::default() };
    let frame = Frame { bytes: row.as_bytes(), kind: FrameKind::Csv, at: Position::default() };
    let mut out = Vec::new();
    let decoded = VercelDashboardCsv.decode(&frame, &context, &mut out);
    (decoded, out)
}

fn csv_row(header: &str, row: &str) -> Record {
    let (decoded, mut out) = decode_csv(header, row);
    assert_eq!(decoded, Decoded::Records, "{row}");
    out.remove(0)
}

fn json_row(text: &str) -> Record {
    let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Json, at: Position::default() };
    let mut out = Vec::new();
    assert_eq!(VercelDashboardJson.decode(&frame, &FrameContext::default(), &mut out), Decoded::Records);
    out.remove(0)
}

#[test]
fn reads_2023_rows() {
    let row = |kind: &str, duration: &str, message: &str| {
        csv_row(
            E1,
            &format!(
                r#""2026-01-01 00:00:00",1767225600123,"shop.example.com/a","GET",504,"fra1::{ID}","['ExampleClient/1.0']","error","production","main","-","{kind}","/a/[id]","shop.example.com","shop-abc.example.com","dpl_ExampleAAAA1111",{duration},"-",-1,-1,"{message}","prj_ExampleBBBB2222","shop""#
            ),
        )
    };
    let twin = row("request", "0", "-");
    assert_eq!((twin.message.as_str(), twin.duration_ms), ("", None));
    assert_eq!(twin.marks, Marks::SUMMARY | Marks::CLIENT | Marks::END);
    assert_eq!((twin.status, twin.region.as_deref(), twin.field("cache")), (Some(504), None, None));
    assert_eq!(twin.id.as_ref().unwrap().text, ID);
    let line = row("lambda", "15026.8", "[agent] Loaded!\n");
    assert_eq!((line.message.as_str(), line.duration_ms), ("[agent] Loaded!\n", Some(15026.8)));
    assert_eq!(line.marks, Marks::CLIENT | Marks::END);
    assert_eq!(line.runtime.as_deref(), Some("lambda"));
    let middleware = row("edge-middleware", "-1", "[GET] [middleware: middleware] /a status=200");
    assert_eq!(middleware.marks, Marks::MIDDLEWARE);
}

#[test]
fn reads_2025_rows() {
    let row = |status: &str, kind: &str, function: &str, numbers: &str, message: &str| {
        csv_row(
            E3,
            &format!(
                r#""2026-01-01 00:00:01",1767225601240,"shop.example.com/api/pay","POST","",{status},"{ID}","ExampleClient/1.0","error","production","main","MISS","{kind}","{function}","shop.example.com","shop-abc.example.com","dpl_ExampleAAAA1111",{numbers},"{message}","prj_ExampleBBBB2222","","","01EXAMPLEINVOCATION0000001","",-1"#
            ),
        )
    };
    let line = row(
        "-1",
        "lambda",
        "/api/pay",
        r#"-1,"iad1",-1,-1"#,
        "Error: \"\"KEY\"\", missing\n    at f (/a.js:1:2)",
    );
    assert_eq!(line.message, "Error: \"KEY\", missing\n    at f (/a.js:1:2)");
    assert_eq!((line.status, line.marks, line.duration_ms), (None, Marks::default(), None));
    assert_eq!(line.time_ms, Some(1_767_225_601_240));
    assert_eq!(line.stream.as_deref(), Some("01EXAMPLEINVOCATION0000001"));
    assert_eq!(row("-10", "lambda", "/api/pay", "-1,,-1,-1", "x").status, None);
    let summary = row("500", "lambda", "/api/[name]", r#"1117,"iad1",142,2048"#, "");
    assert_eq!(summary.marks, Marks::SUMMARY | Marks::CLIENT | Marks::END);
    assert_eq!(
        (summary.duration_ms, summary.memory_used_mb, summary.memory_limit_mb),
        (Some(1117.0), Some(142.0), Some(2048.0))
    );
    assert_eq!(summary.route.as_deref(), Some("/api/[name]"));
    assert_eq!(summary.path.as_deref(), Some("/api/pay"));
    let middleware = row("200", "edge-middleware", "/middleware", "-1,,-1,-1", "");
    assert_eq!((middleware.marks, middleware.route), (Marks::MIDDLEWARE | Marks::SUMMARY, None));
    let gate = row("401", "edge-middleware", "/middleware", "-1,,-1,-1", "");
    assert!(gate.marks.has(Marks::CLIENT) && gate.marks.has(Marks::END));
    let asset = row("404", "static", "/logo.png", "-1,,-1,-1", "");
    assert_eq!(asset.marks, Marks::SUMMARY | Marks::CLIENT | Marks::END);
}

#[test]
fn reads_2026_rows_with_bare_cells_and_workflow_columns() {
    let header = format!("{E3},workflowRunId,workflowStepId");
    let row = |status: &str, level: &str, kind: &str, numbers: &str, message: &str| {
        csv_row(
            &header,
            &format!(
                "2026-01-01 00:00:01,1767225601240,shop.example.com/api/orders/7,POST,a=b,{status},{ID},ExampleClient/1.0,{level},production,main,,{kind},/api/orders/7,shop.example.com,shop-abc.example.com,dpl_ExampleAAAA1111,{numbers},{message},prj_ExampleBBBB2222,,,,abcdef123456,3,,"
            ),
        )
    };
    let line = row("500", "error", "function", ",,,", "\"Error: Missing \"\"KEY\"\", stop\n    at load\"");
    assert_eq!(line.message, "Error: Missing \"KEY\", stop\n    at load");
    assert_eq!((line.status, line.marks), (Some(500), Marks::default()));
    assert_eq!(line.route, None, "a line names the concrete path");
    let summary = row("500", "", "function", "1117,iad1,142,2048", "");
    assert_eq!((summary.level, summary.marks), (None, Marks::SUMMARY | Marks::CLIENT | Marks::END));
    assert_eq!(summary.field("concurrency"), Some("3"));
    let unknown = row("", "", "function", "1117,iad1,142,2048", "");
    assert_eq!((unknown.status, unknown.marks), (None, Marks::SUMMARY | Marks::END));
    let crash = row(
        "",
        "fatal",
        "serverless",
        ",,,",
        "Node.js process exited with exit status: 1. The logs above can help with debugging the issue.",
    );
    assert_eq!((crash.status, crash.marks, crash.level), (None, Marks::CRASH, Some(Level::Fatal)));
    let bare = row("500", "", "", ",,,", "");
    assert_eq!(bare.marks, Marks::SUMMARY | Marks::CLIENT | Marks::END);
    let silent = row("500", "info", "function", ",,,", "");
    assert!(silent.marks.is_empty(), "an empty line of the application");
    let middleware = row("500", "", "middleware", "311,iad1,141,2048", "");
    assert!(middleware.marks.has(Marks::MIDDLEWARE) && middleware.duration_ms.is_none());
}

#[test]
fn reads_json_numbers_texts_and_nulls() {
    let record = json_row(
        r#"{"projectId":"prj_ExampleBBBB2222","TimeUTC":"2026-01-01 00:00:01","timestampInMs":1767225601240,"requestPath":"shop.example.com/api/pay","requestMethod":"POST","requestQueryString":"","responseStatusCode":"","requestId":"kq7zt-1767225600123-0a1b2c3d4e5f","requestUserAgent":"ExampleClient/1.0","environment":"production","branch":"main","vercelCache":"","host":"shop.example.com","deploymentId":"dpl_ExampleAAAA1111","traceId":null,"type":"function","function":"","level":"error","message":"Python process exited with exit status: 1. The logs above can help with debugging the issue.","durationMs":"","maxMemoryUsed":"","memorySize":"","invocationId":"","instanceId":"","concurrency":"","new":[{}]}"#,
    );
    assert_eq!((record.status, record.marks), (None, Marks::CRASH));
    assert_eq!(record.path.as_deref(), Some("/api/pay"));
    assert!(!record.fields.iter().any(|(_, value)| value.contains("ExampleClient")));
    let record = json_row(
        r#"{"TimeUTC":"2026-01-01 00:00:01","timestampInMs":1767225601240,"requestPath":"shop.example.com/","responseStatusCode":503,"requestId":"a-1","level":"error","type":"lambda","message":"","durationMs":12.5,"memorySize":1024,"maxMemoryUsed":1024}"#,
    );
    assert_eq!(record.marks, Marks::SUMMARY | Marks::CLIENT | Marks::END);
    assert_eq!(
        (record.status, record.duration_ms, record.memory_used_mb),
        (Some(503), Some(12.5), Some(1024.0))
    );
}

#[test]
fn survives_spreadsheets() {
    let header = "TimeUTC,timestampInMs,requestPath,responseStatusCode,requestId,message";
    let row =
        |time: &str, id: &str| csv_row(header, &format!("{time},1.76723E+12,a.example.com/x,500,{id},boom"));
    assert_eq!(row("2026-01-01 00:00:01", ID).time_ms, Some(1_767_225_601_000));
    assert_eq!(row("1/1/2026 0:00", ID).time_ms, Some(1_767_225_600_123));
    assert_eq!(row("1/1/2026 0:00", "a-1").time_ms, None);
}

#[test]
fn keeps_text_that_lost_its_row() {
    let (decoded, out) =
        decode_csv(E3, "\"log_file = os.path.join('app'\",\" 'logs')\",,,,,,,,,,,,,,,,,,,,,,,,,,");
    assert_eq!(decoded, Decoded::Records);
    assert_eq!(out[0].message, "log_file = os.path.join('app', 'logs')");
    assert_eq!((out[0].marks, out[0].id.is_none()), (Marks::CONTINUATION, true));
    let (_, out) =
        decode_csv(E3, "\"Python process exited with exit status: 1. The logs above can help.\"\"\",prj_x");
    assert_eq!(out[0].marks, Marks::CONTINUATION | Marks::CRASH);
    assert!(matches!(decode_csv(E3, ",,,,").0, Decoded::Ignored(_)));
    assert!(matches!(decode_csv(E3, E3).0, Decoded::Ignored(_)));
}

#[test]
fn leaves_other_shapes_and_rejects_broken_json() {
    let frame = Frame { bytes: b"1,2", kind: FrameKind::Csv, at: Position::default() };
    let context =
        FrameContext { columns: vec!["timestamp".into(), "message".into()], ..FrameContext::default() };
    assert_eq!(VercelDashboardCsv.decode(&frame, &context, &mut Vec::new()), Decoded::NotMine);
    assert!(!VercelDashboardCsv.claims_header(&["timestamp", "message"]));
    assert!(VercelDashboardCsv.claims_header(&["\u{feff}\"TimeUTC\"", "timestampInMs"]));
    let json = |text: &str| {
        let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Json, at: Position::default() };
        VercelDashboardJson.decode(&frame, &FrameContext::default(), &mut Vec::new())
    };
    assert_eq!(json(r#"{"timestampInMs":1,"rowId":"a"}"#), Decoded::NotMine);
    assert!(matches!(json(r#"{"TimeUTC":"x","timestampInMs":1,"#), Decoded::Rejected(_)));
}
