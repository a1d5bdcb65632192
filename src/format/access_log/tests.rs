use super::*;

fn read(text: &str) -> Record {
    let mut record = Record { message: text.to_owned(), ..Record::default() };
    assert!(AccessLog.detect(&record), "{text}");
    AccessLog.read(&mut record, &mut Vec::new());
    record
}

fn id(record: &Record) -> Option<&str> {
    record.id.as_ref().map(|id| id.text.as_str())
}

const ID: &str = "0d4d3513-edf4-5caa-abe7-8c387666ddda";

#[test]
fn reads_common_and_combined() {
    let record = read(
        "203.0.113.9 - ann [10/Oct/2026:13:55:36 +0000] \"GET /o/7?x=1 HTTP/1.1\" 502 157 \"https://example.com/\" \"curl/8 (a \\\"b\\\")\"",
    );
    assert_eq!(record.status, Some(502));
    assert_eq!(record.method.as_deref(), Some("GET"));
    assert_eq!(record.path.as_deref(), Some("/o/7"));
    assert_eq!(record.time_ms, Some(1_791_640_536_000));
    assert!(record.marks.has(Marks::CLIENT) && record.marks.has(Marks::END));
    assert_eq!(record.level, Some(Level::Error));
    assert_eq!(record.id, None);
    assert!(record.fields.is_empty(), "{:?}", record.fields);
}

#[test]
fn a_byte_count_is_no_status() {
    let record = read("203.0.113.9 - - [10/Oct/2026:13:55:36 +0000] \"GET /o HTTP/1.1\" 200 500");
    assert_eq!(record.status, Some(200));
}

#[test]
fn reads_custom_tails() {
    let nginx = read(&format!(
        "10.0.0.2 - [2026-11-22T12:34:54+00:00] \"GET /api/o HTTP/1.1\" 502 559 rt=0.627 urt=0.626 ust=502 id={ID}"
    ));
    assert_eq!(id(&nginx), Some(ID));
    assert_eq!(nginx.duration_ms, Some(627.0));
    assert_eq!(nginx.field("upstream_status"), Some("502"));
    assert_eq!(nginx.time_ms, Some(1_795_350_894_000));

    let gunicorn = read(&format!(
        "10.0.0.2 - [22/Nov/2026:12:35:08 +0000] \"GET /api/o HTTP/1.1\" 500 265 0.002531 request_id={ID}"
    ));
    assert_eq!(id(&gunicorn), Some(ID));
    assert_eq!(gunicorn.duration_ms, Some(2.531));

    let quoted = read(&format!(
        "10.0.0.2 - - [22/Nov/2026:12:35:08 +0000] \"GET / HTTP/1.1\" 500 2 \"-\" \"-\" \"{ID}\""
    ));
    assert_eq!(id(&quoted), Some(ID));

    let ingress = read(
        "203.0.113.9 - - [01/Jan/2026:10:10:15 +0000] \"GET /o HTTP/1.1\" 200 12 \"-\" \"curl/8\" 90 0.321 [shop-web-80] [] 10.0.0.5:3000, 10.0.0.6:3000 0, 12 0.300, 0.021 502, 200 8f31aa008f31aa008f31aa008f31aa00",
    );
    assert_eq!(id(&ingress), Some("8f31aa008f31aa008f31aa008f31aa00"));
    assert_eq!(ingress.duration_ms, Some(321.0));
    assert_eq!(ingress.status, Some(200));

    let envoy = read(
        "[2026-01-01T10:10:15.001Z] \"GET /o HTTP/1.1\" 503 UF 0 91 5001 - \"203.0.113.9\" \"curl/8\" \"8f31aa00-0000-4000-8000-000000000001\" \"shop.example.com\" \"10.0.0.5:3000\"",
    );
    assert_eq!(id(&envoy), Some("8f31aa00-0000-4000-8000-000000000001"));
    assert_eq!(envoy.field("response_flags"), Some("UF"));
}

#[test]
fn reads_uvicorn() {
    let record = read("INFO:     10.0.0.2:34560 - \"GET /api/rates HTTP/1.1\" 500 Internal Server Error");
    assert_eq!(record.status, Some(500));
    assert_eq!(record.path.as_deref(), Some("/api/rates"));
    assert_eq!(read("INFO:     10.0.0.2:55202 - \"GET /h HTTP/1.1\" 200 OK").field("response_flags"), None);
}

#[test]
fn reads_morgan_and_next() {
    let cases = [
        ("GET /o 503 31 - 12.345 ms", 12.345),
        ("\u{1b}[0mGET /o \u{1b}[31m503\u{1b}[0m 12.345 ms - 31\u{1b}[0m", 12.345),
        ("203.0.113.9 - GET /o HTTP/1.1 503 31 - 12.345 ms", 12.345),
        (" GET /o 503 in 32ms (next.js: 5ms, application-code: 27ms)", 32.0),
        (" GET /o?x=1 503 in 1.5s", 1500.0),
    ];
    for (line, ms) in cases {
        let record = read(line);
        assert_eq!((record.status, record.path.as_deref()), (Some(503), Some("/o")), "{line}");
        assert_eq!(record.duration_ms, Some(ms), "{line}");
    }
    let web =
        read("203.0.113.9 - - [Thu, 01 Jan 2026 10:10:15 GMT] \"POST /o HTTP/1.1\" 500 12 \"-\" \"curl\"");
    assert_eq!(web.time_ms, Some(1_767_262_215_000));
}

#[test]
fn reads_koa_logger() {
    let record = read("  --> GET /ok 200 9ms 2b");
    assert_eq!(
        (record.status, record.path.as_deref(), record.duration_ms),
        (Some(200), Some("/ok"), Some(9.0))
    );
    let record = read("xxx GET /pay/7?x=1 500 1.2s -");
    assert_eq!((record.status, record.path.as_deref(), id(&record)), (Some(500), Some("/pay/7"), None));
    let record = read("-x- GET /ok 200 9ms -");
    assert!(record.status.is_none() && record.marks.has(Marks::ABORTED));
    for text in ["<-- GET /ok", "--> GET /ok soon", "xxx GET /ok 500", "--> 200"] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn tells_aborted_requests() {
    let gone = read("10.0.0.2 - - [22/Nov/2026:12:35:08 +0000] \"GET /o HTTP/1.1\" 499 0 \"-\" \"-\"");
    assert!(gone.marks.has(Marks::ABORTED) && gone.status == Some(499));
    let unsent = read("GET /o - - - - ms");
    assert!(unsent.marks.has(Marks::ABORTED) && unsent.status.is_none() && !unsent.marks.has(Marks::CLIENT));
    let malformed = read("10.0.0.2 - - [22/Nov/2026:12:35:08 +0000] \"-\" 400 0 \"-\" \"-\"");
    assert_eq!((malformed.status, malformed.method.as_deref()), (Some(400), None));
}

#[test]
fn a_traceback_below_is_a_record_of_its_own() {
    let mut record = Record {
        message: "10.0.0.2 - - [22/Nov/2026:12:35:08 +0000] \"GET /o HTTP/1.1\" 200 5\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'total'".to_owned(),
        ..Record::default()
    };
    let mut more = Vec::new();
    AccessLog.read(&mut record, &mut more);
    assert!(!record.message.contains("KeyError"));
    assert_eq!(more.len(), 1);
    assert_eq!(more[0].error_class.as_deref(), Some("KeyError"));
    assert_eq!((more[0].at.part, more[0].id.clone()), (1, None));
    assert!(more[0].marks.has(Marks::APART), "of whichever request came next");
}

#[test]
fn reads_sanic() {
    let line = "Main |2026-01-01 10:10:15 +0000 INFO: 203.0.113.9:4711 GET http://shop.example.com/jobs/1?a 500 136  510.0ms";
    let mut record = Record { message: line.to_owned(), ..Record::default() };
    AccessLog.read(&mut record, &mut Vec::new());
    assert_eq!((record.status, record.path.as_deref()), (Some(500), Some("/jobs/1")));
    assert_eq!(record.time_ms, Some(1_767_262_215_000));
    for other in [
        "Main  2026-01-01 10:10:15 +0000 INFO: Starting worker [606]",
        "Main |2026-01-01 10:10:15 +0000 INFO: 203.0.113.9:4711 GET http://shop.example.com/x 500 136  510.0ms more",
        "é INFO: 203.0.113.9:4711 GET http://shop.example.com/x 500 136  510.0ms",
    ] {
        assert!(!AccessLog.detect(&Record { message: other.to_owned(), ..Record::default() }), "{other}");
    }
}

#[test]
fn a_failed_request_tells_who_asked_for_what() {
    let read = |line: &str| {
        let mut record = Record { message: line.to_owned(), ..Record::default() };
        AccessLog.read(&mut record, &mut Vec::new());
        record
    };
    let line = "203.0.113.9 - - [01/Jan/2026:10:10:15 +0000] \"GET /o?x=1 HTTP/1.1\" 500 5";
    let asked = read(line).asked.expect("what was asked");
    assert!(asked.client.is_some() && asked.target.is_some() && asked.has_query);
    let behind_host = read(&format!("shop.example.com:80 {line}"));
    assert_eq!(behind_host.asked.map(|asked| asked.client), Some(asked.client));
    assert_eq!(read(&line.replace(" 500 ", " 404 ")).asked, None, "not of others");
    let proxy = read(
        "203.0.113.9 - - [01/Jan/2026:10:10:15 +0000] \"GET /o HTTP/1.1\" 502 5 rt=0.002 id=7b1f2a3c-0d1e-4f5a-8b9c-0d1e2f3a4b5c",
    );
    assert!(proxy.marks.has(Marks::EDGE), "a gateway's own time and status");
}

#[test]
fn leaves_other_text_alone() {
    for text in [
        "GET /o returned 500 in production",
        "GET /o 500 times",
        "│ GET https://partner.example.com/v1 502 in 88ms (cache skip)",
        "failed: \"GET /o HTTP/1.1\" 502 from the partner",
        "2026/01/01 10:10:15 [error] 31#31: *77 connect() failed, request: \"GET /o HTTP/1.1\", upstream: \"x\"",
        "[2026-11-22 12:36:36,691] ERROR in app: Exception on /api/invoice [GET]",
        "{\"msg\":\"GET /o 500 in 3ms\"}",
        "\"",
        "[",
        "",
    ] {
        assert!(!AccessLog.detect(&Record { message: text.to_owned(), ..Record::default() }), "{text}");
    }
}
