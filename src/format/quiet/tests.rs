use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::format::registry::Shapes;
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{Marks, Record};

/// Only what payloads say counts: other containers know lines of their own.
fn read(bytes: &[u8], kind: FrameKind) -> Vec<Record> {
    let mut records = Vec::new();
    let frame = Frame { bytes, kind, at: Default::default() };
    Shapes::forced("lines").expect("a container").read(
        &frame,
        &FrameContext::default(),
        None,
        None,
        &mut records,
    );
    records
}

/// What payloads say of a quiet text: alone, after the prefix of a Lambda runtime, and as a logger's message.
fn check(text: &str) {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    let (quiet, quiet_escaped) = (is_quiet(text.as_bytes()), is_quiet_escaped(escaped.as_bytes()));
    // Loggers take two words for no text.
    if matches!(text, "" | "null" | "undefined") || !(quiet || quiet_escaped) {
        return;
    }
    const ID: &str = "11111111-2222-4333-8444-555555555555";
    let lambda = format!("2026-01-01T00:00:00.000Z\t{ID}\tINFO\t{text}");
    let logger = format!(
        r#"{{"level":30,"time":1767225600000,"pid":7,"hostname":"web","reqId":"{ID}","msg":"{escaped}"}}"#
    );
    let cases = [
        (text, FrameKind::Line, None, None, None),
        (&lambda, FrameKind::Line, Some(ID), None, Some(1_767_225_600_000)),
        (&logger, FrameKind::Json, Some(ID), Some("web:7"), Some(1_767_225_600_000)),
    ];
    for (bytes, kind, id, stream, time_ms) in cases {
        if kind == FrameKind::Line && !quiet {
            continue;
        }
        let records = read(bytes.as_bytes(), kind);
        let [record] = &records[..] else { panic!("{} records: {text:?}", records.len()) };
        // The container marks what stands below another line, whatever it says.
        let mut marks = record.marks;
        marks.remove(Marks::CONTINUATION);
        if !(kind == FrameKind::Json && super::super::json_app::is_phrase(text.as_bytes())) {
            assert!(marks.is_empty(), "{marks:?}: {text:?}");
        }
        assert_eq!(record.id.as_ref().map(|id| id.text.as_str()), id, "{text:?}");
        assert_eq!(record.stream.as_deref(), stream, "{text:?}");
        assert_eq!(record.time_ms, time_ms, "{text:?}");
        assert_eq!((record.status, record.function_status), (None, None), "{text:?}");
        assert_eq!((&record.route, &record.path), (&None, &None), "{text:?}");
        assert_eq!((record.message.as_str(), record.error_text.as_str()), (text, ""), "{text:?}");
    }
}

/// Every line of the samples and the rules, and every text within quotes.
fn texts(folder: &Path, out: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            texts(&entry, out);
        } else if let Ok(text) = fs::read_to_string(&entry) {
            for line in text.lines() {
                out.push(line.to_owned());
                out.extend(line.split('"').map(str::to_owned));
                out.push(format!("{{\"a\":\"b\"}} {}", line.replace("\\\"", "\"")));
                out.push(format!("called {}", line.replace("\\\"", "\"")));
                out.extend(line.split('\t').map(str::to_owned));
            }
        }
    }
}

#[test]
fn payloads_find_nothing_in_quiet_samples() {
    let mut all = Vec::new();
    for folder in ["samples", "rules"] {
        texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut all);
    }
    all.sort_unstable();
    all.dedup();
    let quiet = all.iter().filter(|text| is_quiet(text.as_bytes())).count();
    assert!(quiet > all.len() / 8, "{quiet} of {}", all.len());
    all.iter().for_each(|text| check(text));
}

#[test]
fn ordinary_messages_are_quiet() {
    for text in [
        "fetch https://api.example.com/v1/x?limit=57 -> 200 in 780ms quantity=358136",
        "queue publish topic=x id=02812a10df9f5176 attempt=1 ok",
        "[cache] HIT key=catalog:prefetch:65555 ttl=302 region=694816 component=164512",
        "feature flag limit-region evaluated variant=on bucket=415 locale=262182",
        "user u_1 authenticated via jwt scope=read:orders,write:cart tenant=109889",
        "rendered /api/products/7724536 in 171ms (rsc 24516 bytes) payload=3319 tag=page",
        "request completed",
        "payment accepted",
        "prisma:query SELECT \"public\".\"Order\".\"id\" FROM \"public\".\"Order\" LIMIT $1",
    ] {
        assert!(is_quiet(text.as_bytes()), "{text}");
        check(text);
    }
}

#[test]
fn an_object_that_goes_on_is_quiet_in_a_logger() {
    let text = r#"{\"event\":\"tag.page\",\"tenant\":\"t_1\",\"took\":115} shard=976201 component=416722"#;
    assert!(is_quiet_escaped(text.as_bytes()));
    check(&text.replace('\\', ""));
    for text in [r#"{\"a\":1}"#, r#"{\"requestId\":\"x\"} b"#, r#"a \n b"#, r#"{\"a\":1} status=500"#] {
        assert!(!is_quiet_escaped(text.as_bytes()), "{text}");
    }
}

#[test]
fn telling_messages_are_not() {
    for text in [
        "GET /x 200 in 5ms",
        "app 10.0.0.1 GET /x",
        "a status=500 component=b",
        "a b_time=1 time=2",
        "done request_id=abc",
        "done rid=abc",
        "done for [11111111-2222-4333-8444-555555555555]",
        "ERROR: x",
        "2026-01-01T00:00:00Z x",
        "said {\"x\":1}",
        "10.0.0.1 - - \"GET /x HTTP/1.1\" 200",
        "caf\u{e9}",
        "red [31mx[0m",
        "Node.js v22.1.0",
        "[thu, 01 Jan 2026 00:00:00 GMT] x",
    ] {
        assert!(!is_quiet(text.as_bytes()), "{text}");
    }
}

proptest! {
    #[test]
    fn payloads_find_nothing_in_quiet_texts(
        words in prop::collection::vec(
            prop_oneof![
                Just("GET"), Just("/a"), Just("200"), Just("in"), Just("5ms"), Just("-"), Just("a=b"),
                Just("level=info"), Just("msg=x"), Just("status=500"), Just("path=/x"), Just("method=GET"),
                Just("component=x"), Just("[x]"), Just("[INFO]"), Just("ERROR:"), Just("Error:"), Just("T"),
                Just("req.id=7"), Just("time=1767225600"), Just("request"), Just("completed"), Just("code=H27"),
                Just("{}"), Just("res.statusCode=500"), Just("TypeError:"), Just("x?url=/y"), Just("_id=5"),
                Just("event=access"), Just("{\"a\":1}"), Just("\"GET"), Just("HTTP/1.1\""), Just("x=\"a"), Just("error_type=X"), Just("err"), Just("Thu,"), Just("01"), Just("Jan"),
            ],
            1..7,
        ),
    ) {
        check(&words.join(" "));
    }
}
