//! What is glanced at says what decoding says, whatever was learned before.

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value, json};
use why500::format::registry::{CONTAINERS, Shapes};
use why500::format::{Decoded, Glance};
use why500::input::frame::{Frame, FrameContext, FrameKind};
use why500::record::{Brief, IdKind, Marks, Position};

use crate::generate::Format;
use crate::inputs::{generated, records, samples};

/// A line as a frame.
pub fn frame(bytes: &[u8]) -> Frame<'_> {
    Frame { bytes, kind: FrameKind::Json, at: Position::default() }
}

/// Whether what the glancer of the container at this index said of a frame is what decoding says.
pub fn agrees(
    name: &str,
    frame: &Frame<'_>,
    context: &FrameContext,
    index: usize,
    brief: &Brief<'_>,
) -> TestCaseResult {
    let mut records = Vec::new();
    let read = Shapes::all().read(frame, context, None, None, &mut records);
    let text = String::from_utf8_lossy(frame.bytes);
    prop_assert_eq!(read.container, Some(index as u8), "{}: {}", name, text);
    prop_assert_eq!(read.decoded, Decoded::Records, "{}: {}", name, text);
    let record = &records[0];
    prop_assert_eq!(record.id.as_ref().map(|id| id.text.as_bytes()), Some(brief.id), "{}", text);
    let also = record.also.first().filter(|_| brief.line.is_some() || brief.trace.is_some());
    prop_assert_eq!(also.map(|id| id.text.as_bytes()), brief.trace, "{}", text);
    prop_assert_eq!(record.event_id.as_ref().map(String::as_bytes), brief.event_id, "{}", text);
    prop_assert_eq!(record.time_ms, brief.time_ms, "{}", text);
    prop_assert_eq!(record.status, brief.status, "{}", text);
    prop_assert_eq!(record.function_status, brief.function_status, "{}", text);
    prop_assert_eq!(record.route.as_ref().map(String::as_bytes), brief.route, "{}", text);
    // A path is asked for where there is no route.
    let path = record.path.as_ref().filter(|_| record.route.is_none());
    prop_assert_eq!(path.map(String::as_bytes), brief.path, "{}", text);
    prop_assert_eq!(record.deployment.as_ref().map(String::as_bytes), brief.deployment, "{}", text);
    let decisive = Marks::CLIENT | Marks::END | Marks::BACKGROUND | Marks::MIDDLEWARE;
    for (name, mark) in [("any", decisive), ("client", Marks::CLIENT), ("end", Marks::END)] {
        prop_assert_eq!(record.marks.has(mark), brief.marks.has(mark), "{}: {}", name, text);
    }
    if brief.complete {
        prop_assert_eq!(record.marks, brief.marks, "{}", text);
        prop_assert_eq!(records.len(), 1, "{}", text);
    }
    if brief.stream.is_some() {
        prop_assert_eq!(record.stream.as_ref().map(String::as_bytes), brief.stream, "{}", text);
        prop_assert!(record.payload.starts_with("lambda"), "{}", text);
    }
    let Some(own) = brief.line else { return Ok(()) };
    // An entry without an event ID is told from others by all that its record says.
    prop_assert_eq!(records.len(), 1, "{}", text);
    prop_assert_eq!(record.id.as_ref().map(|id| id.kind), Some(IdKind::Request), "{}", text);
    prop_assert_eq!(record.marks, brief.marks, "{}", text);
    let message: Vec<u8> = own.message.iter().copied().filter(|byte| *byte != b'\\').collect();
    prop_assert_eq!((record.message.as_bytes(), record.error_text.as_str()), (&message[..], ""), "{}", text);
    let stream: Vec<&[u8]> = own.stream.into_iter().filter(|part| !part.is_empty()).collect();
    let stream = (!stream.is_empty()).then(|| stream.join(&b':'));
    prop_assert_eq!(record.stream.as_ref().map(|text| text.as_bytes().to_vec()), stream, "{}", text);
    Ok(())
}

/// The glancers, each with the index of its container.
pub fn glancers() -> Vec<(usize, Box<dyn Glance>)> {
    let all = CONTAINERS.iter().enumerate();
    all.filter_map(|(index, container)| Some((index, container.glancer()?))).collect()
}

/// Values that mean something else than others of their type.
fn odd_values() -> Vec<Value> {
    let texts = [
        "",
        "-",
        "null",
        "undefined",
        "0",
        "7",
        "req-5",
        "a b",
        "a ",
        " a",
        "x/y",
        "/x?y=1",
        "//x",
        "/x#y",
        "/",
        "https://example.com/x",
        "GET",
        "GET /x 200 in 5ms",
        "GET /x",
        "request completed",
        "Request Aborted",
        "incoming request",
        "access",
        "handled 200",
        "2026-01-01T00:00:00Z",
        "2026-01-01",
        "1767225600000",
        "red [31mx[0m",
        "\u{1b}[31mx\u{1b}[0m",
        "{}",
        "{\"status\":500}",
        "done {\"requestId\":\"abc\"}",
        "a\nb",
        "AWSRequestId",
        "type",
        "platform.report",
        "caf\u{e9}",
        "H4sIAAAA",
        "request_id=abc level=info",
        "status=500 method=GET path=/x",
        "Error: boom\n    at f (a.js:1:1)",
        "500",
        "info",
        "ERROR",
        "{Name} x",
        "a::b",
        "Root=1-2-3;Parent=4",
        "projects/p/traces/abc",
        "12ms",
        "[x] y",
        "[INFO] y",
        "ok \"q\"",
    ];
    let mut out: Vec<Value> = texts.into_iter().map(|text| json!(text)).collect();
    out.extend([
        json!(0),
        json!(7),
        json!(-7),
        json!(1.5),
        json!(-1.5),
        json!(200),
        json!(500),
        json!(503.0),
    ]);
    out.extend([json!(1_767_225_600_000u64), json!(1_767_225_600.25), json!(1_767_225_600), json!(1e300)]);
    out.extend([json!(null), json!(true), json!([]), json!(["a"]), json!({}), json!({"status": 500})]);
    out
}

/// Lines of loggers, a few of each kind so that there is something to learn.
fn logger_lines() -> Vec<String> {
    let mut out = records(Format::Pino, 7, 60_000);
    let ids = |n: u32| format!("{n:08x}-2222-4333-8444-555555555555");
    for n in 0..8u32 {
        let (id, ms) = (ids(n), 1_767_225_600_000u64 + u64::from(n) * 37);
        out.push(json!({"timestamp": format!("2026-01-01T00:00:0{n}.120Z"), "level": "info", "message": format!("order {n} of many"), "requestId": id, "service": "shop", "took": f64::from(n) + 0.5}).to_string());
        out.push(json!({"level": "info", "ts": 1_767_225_600.25 + f64::from(n), "caller": "a.go:12", "msg": "done", "trace_id": format!("{n:032x}"), "request_id": id}).to_string());
        out.push(json!({"time": format!("2026-01-01T00:00:0{n}Z"), "level": "INFO", "msg": "handled", "request_id": id, "method": "GET", "path": format!("/orders/{n}?x=1"), "status": 200, "duration_ms": f64::from(n) * 1.5}).to_string());
        out.push(json!({"level": 30, "time": ms, "pid": n, "hostname": "web", "reqId": id, "req": {"method": "GET", "url": format!("/o/{n}"), "headers": {"x-request-id": id, "user-agent": format!("Client/{n}")}}, "res": {"statusCode": 200}, "responseTime": 3.25 + f64::from(n), "msg": "request completed"}).to_string());
        out.push(json!({"event": format!("charged {n}"), "level": "info", "timestamp": format!("2026-01-01T00:00:0{n}Z"), "request_id": id, "route": format!("/o/[id]/{n}"), "context": {"status": n, "path": format!("x{n}")}}).to_string());
        out.push(json!({"level": 30, "time": ms, "req_id": id, "data": {"requestId": id, "items": [n, n + 1], "note": format!("n{n}")}, "msg": format!("item {n}")}).to_string());
    }
    out
}

/// The scalars of a value.
fn scalars<'v>(value: &'v mut Value, out: &mut Vec<&'v mut Value>) {
    match value {
        Value::Object(map) => map.values_mut().for_each(|value| scalars(value, out)),
        Value::Array(items) => items.iter_mut().for_each(|value| scalars(value, out)),
        scalar => out.push(scalar),
    }
}

#[test]
fn odd_values_are_seen_as_decoding_sees_them() {
    let lines = logger_lines();
    let (mut glancers, context) = (glancers(), FrameContext::default());
    // Twice, so that what was learned last is used too.
    let mut glanced = 0;
    for line in lines.iter().chain(&lines) {
        for (index, glancer) in &mut glancers {
            if let Some(brief) = glancer.glance(&frame(line.as_bytes()), &context) {
                agrees("as it is", &frame(line.as_bytes()), &context, *index, &brief).expect("agrees");
                glanced += 1;
            }
        }
    }
    assert!(glanced > lines.len() * 3 / 2, "{glanced} of {}", 2 * lines.len());
    let odd = odd_values();
    let mut still = 0;
    for line in lines.iter().rev().take(48).chain(lines.iter().take(60)) {
        let whole: Value = serde_json::from_str(line).expect("JSON");
        let count = {
            let (mut copy, mut places) = (whole.clone(), Vec::new());
            scalars(&mut copy, &mut places);
            places.len()
        };
        for place in 0..count {
            for value in &odd {
                let mut changed = whole.clone();
                let mut places = Vec::new();
                scalars(&mut changed, &mut places);
                *places.swap_remove(place) = value.clone();
                let text = changed.to_string();
                for (index, glancer) in &mut glancers {
                    if let Some(brief) = glancer.glance(&frame(text.as_bytes()), &context) {
                        agrees("changed", &frame(text.as_bytes()), &context, *index, &brief).expect("agrees");
                        still += 1;
                    }
                }
            }
        }
    }
    assert!(still > 500, "{still}");
}

/// Addresses with queries, and objects, which may be all of a text or stand in one.
fn odd_texts() -> Vec<String> {
    let texts = [
        "rendered /a?error=login_required&next=/b in 5ms",
        "rendered /a?request_id=r-12345678&status=500",
        "a ?status=500 b&status=500",
        "x=\"a\"&status=500",
        "{\"event\":\"tag.page\",\"tenant\":\"t_1\",\"took\":115,\"rows\":3}",
        "{\"event\":\"tag.page\",\"tenant\":\"t_1\",\"took\":-1.5} shard=9 component=4",
        "{\"event\":\"tag.page\",\"b\":1} x { \"b\":1, y",
        "{\"event\":\"tag.page\",\"requestId\":\"r-12345678\"}",
        "{\"event\":\"request completed\",\"status\":200,\"took\":5}",
        "{\"msg\":\"status=500 level=info\",\"a\":null}",
        "{\"msg\":\"GET /x 500 in 5ms\",\"level\":\"error\"}",
        "{\"msg\":\"x\",\"level\":\"ERROR\",\"timestamp\":\"2026-01-01T00:00:00Z\"}",
        "{\"text\":\"x\",\"record\":1}",
        "{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:00Z\"}",
        "{\"statusCode\":500,\"method\":\"GET\",\"path\":\"/a\"}",
        "{\"a\":\"err\",\"b\":\"statusCode\"}",
        "{\"name\":\"record\",\"b\":\"time\",\"type\":\"function\"}",
        "{\"hostname\":\"web\",\"pid\":7,\"event\":\"x\"}",
        "{\"a\":{\"status\":500}}",
        "{\"EventId\":1,\"LogLevel\":\"x\",\"Message\":\"request completed\"}",
        "response {\"statusCode\":500,\"method\":\"GET\",\"path\":\"/a\",\"durationMs\":5}",
        "request {\"method\":\"GET\",\"path\":\"/a?b=1\",\"ua\":\"x\"}",
    ];
    texts.into_iter().map(str::to_owned).collect()
}

/// What a program may print: the odd values, and lines of the samples without what stands before them.
fn printed() -> Vec<String> {
    let mut out = odd_texts();
    out.extend(odd_values().iter().filter_map(Value::as_str).map(str::to_owned));
    out.extend(
        odd_values().iter().filter(|value| !value.is_string()).map(|value| format!("{{\"a\":{value}}}")),
    );
    for input in samples() {
        let text = String::from_utf8_lossy(&input.bytes).into_owned();
        out.extend(text.lines().take(200).map(str::to_owned));
        out.extend(text.lines().take(200).filter_map(|line| Some(line.rsplit_once('\t')?.1.to_owned())));
    }
    out.sort_unstable();
    out.dedup();
    out
}

#[test]
fn what_programs_print_is_seen_as_decoding_sees_it() {
    const ID: &str = "11111111-2222-4333-8444-555555555555";
    const STREAM: &str = "2026/01/01/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f9";
    let events = FrameContext { array_key: "events".to_owned(), ..FrameContext::default() };
    let (mut glancers, mut glanced) = (glancers(), 0);
    let line = |text: &str, n: u32| {
        json!({"level": 30, "time": 1_767_225_600_000u64 + u64::from(n), "pid": n, "hostname": format!("web-{n}"), "reqId": format!("{n:08x}-2222-4333-8444-555555555555"), "msg": text}).to_string()
    };
    for n in 0..8 {
        let line = line(&format!("ordinary {n}"), n);
        glancers.iter_mut().for_each(|(_, glancer)| {
            let _ = glancer.glance(&frame(line.as_bytes()), &FrameContext::default());
        });
    }
    for text in printed() {
        let logged = line(&text, 9);
        let message = format!("2026-01-01T00:00:00.186Z\t{ID}\tINFO\t{text}");
        let line = format!("2026-01-01T00:00:00.188000+00:00 {STREAM} {message}");
        let event = json!({"logStreamName": STREAM, "timestamp": 1_767_225_600_188u64, "message": message, "ingestionTime": 1, "eventId": "38000001764547200002681972558251"}).to_string();
        let bare = Frame { kind: FrameKind::Line, ..frame(line.as_bytes()) };
        let none = FrameContext::default();
        let frames = [(bare, &none), (frame(event.as_bytes()), &events), (frame(logged.as_bytes()), &none)];
        for (frame, context) in frames {
            for (index, glancer) in &mut glancers {
                if let Some(brief) = glancer.glance(&frame, context) {
                    agrees("printed", &frame, context, *index, &brief).expect("agrees");
                    glanced += 1;
                }
            }
        }
    }
    assert!(glanced > 2_000, "{glanced}");
}

#[test]
fn samples_are_seen_as_decoding_sees_them() {
    for input in generated().into_iter().chain(samples()) {
        let (mut glancers, context) = (glancers(), FrameContext::default());
        for line in input.bytes.split(|byte| *byte == b'\n').chain(input.bytes.split(|byte| *byte == b'\n')) {
            for (index, glancer) in &mut glancers {
                if let Some(brief) = glancer.glance(&frame(line), &context) {
                    agrees(&input.name, &frame(line), &context, *index, &brief).expect("agrees");
                }
            }
        }
    }
}

const HEADERS: [&str; 2] = [
    "TimeUTC,timestampInMs,requestPath,requestMethod,responseStatusCode,requestId,requestUserAgent,level,environment,branch,vercelCache,type,function,host,deploymentDomain,deploymentId,lambdaDurationInMs,lambdaRegion,lambdaMaxMemoryUsed,lambdaMemorySize,message,projectId,projectName",
    "TimeUTC,timestampInMs,requestPath,requestMethod,requestQueryString,responseStatusCode,requestId,requestUserAgent,level,environment,branch,vercelCache,type,function,host,deploymentDomain,deploymentId,durationMs,region,maxMemoryUsed,memorySize,message,projectId,traceId,sessionId,invocationId,instanceId,concurrency",
];

/// What stands in the cells of a row.
fn cell(column: &str, number: usize) -> &'static str {
    match column {
        "TimeUTC" => "2026-01-01 00:00:00",
        "timestampInMs" => "1767225600123",
        "requestPath" => ["shop.example.com/orders/5?x=1", "shop.example.com/api/pay"][number % 2],
        "requestMethod" => "GET",
        "responseStatusCode" => ["200", "-1", "", "500", "304"][number % 5],
        "requestId" => {
            ["kq7zt-1767225600123-0a1b2c3d4e5f", "fra1::kq7zt-1767225600123-0a1b2c3d4e5f"][number % 2]
        }
        "level" => ["info", "", "error"][number % 3],
        "type" => ["function", "middleware", "lambda", "request", "edge-middleware"][number % 5],
        "function" => ["/orders/[id]", "/api/pay", "/", "middleware", ""][number / 2 % 5],
        "deploymentId" => "dpl_ExampleAAAA1111",
        "durationMs" | "lambdaDurationInMs" => ["", "-1", "240", "12.5"][number / 3 % 4],
        "message" => ["", "cart of 3 items, loaded", "-", "done\n"][number / 5 % 4],
        "invocationId" | "instanceId" => ["", "i-1"][number % 2],
        _ => "",
    }
}

/// A row of cells, quoted where that is needed or wanted.
fn row(cells: &[String], quote_all: bool) -> String {
    let quoted = |cell: &String| match quote_all || cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.clone(),
    };
    cells.iter().map(quoted).collect::<Vec<_>>().join(",")
}

#[test]
fn odd_cells_are_seen_as_decoding_sees_them() {
    let phrases = [
        "Node.js process exited with exit status: 1",
        "x Vercel Runtime Timeout Error: Task timed out",
        "Error: boom",
        "-",
        " 200 ",
        "1e3",
        "2e2",
        "edge",
        "static",
        "/middleware",
        "a\n",
        "\n",
    ];
    let odd: Vec<String> = odd_values()
        .iter()
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .chain(phrases.map(str::to_owned))
        .collect();
    let is_dashboard = |index: usize| CONTAINERS[index].name() == "vercel-dashboard-csv";
    let mut glanced = 0;
    for header in HEADERS {
        let columns: Vec<String> = header.split(',').map(str::to_owned).collect();
        let context = FrameContext { columns: columns.clone(), ..FrameContext::default() };
        let mut glancers = glancers();
        let (index, glancer) =
            glancers.iter_mut().find(|(index, _)| is_dashboard(*index)).expect("a glancer");
        let mut check = |text: &str| {
            let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Csv, at: Position::default() };
            if let Some(brief) = glancer.glance(&frame, &context) {
                agrees("row", &frame, &context, *index, &brief).expect("agrees");
                let mut records = Vec::new();
                Shapes::all().read(&frame, &context, None, None, &mut records);
                assert_eq!(records[0].payload, glancer.payload(FrameKind::Csv), "{text}");
                glanced += 1;
            }
        };
        for number in 0..120 {
            let cells: Vec<String> = columns.iter().map(|column| cell(column, number).to_owned()).collect();
            check(&row(&cells, false));
            check(&row(&cells, true));
            check(&row(&cells[..cells.len() - 1], false));
            for at in (0..cells.len()).filter(|_| number % 8 == 3) {
                for value in &odd {
                    let mut cells = cells.clone();
                    cells[at].clone_from(value);
                    check(&row(&cells, number % 16 == 3));
                }
            }
        }
    }
    assert!(glanced > 5_000, "{glanced}");
}
