use proptest::prelude::*;

use super::*;
use crate::format::registry::{CONTAINERS, Detector, Shapes};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::input::framer::Boundaries;
use crate::record::Record;

const HEAD: &str = "192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] \"";

fn seen(line: &str) -> Option<Brief<'_>> {
    let mut reader = Reader::default();
    let begun = reader.begin(line.as_bytes())?;
    reader.glance(line.as_bytes(), begun)
}

fn decoded(line: &str) -> (Option<&'static str>, Vec<Record>) {
    let frame = Frame { bytes: line.as_bytes(), kind: FrameKind::Line, at: Default::default() };
    let mut records = Vec::new();
    let read = Shapes::all().read(&frame, &FrameContext::default(), None, None, &mut records);
    (read.container.map(Shapes::container_name), records)
}

/// What is said of a line is what the decoder says, and lines that begin so are framed as lines of no other shape.
fn check(line: &str) {
    if Reader::default().begin(line.as_bytes()).is_some() {
        let mut detector = Detector::default();
        assert!(detector.starts_entry(line.as_bytes()) && detector.text_container().is_none(), "{line}");
    }
    let Some(brief) = seen(line) else { return };
    let (container, records) = decoded(line);
    let [record] = &records[..] else { panic!("{line}: {records:?}") };
    assert_eq!((container, record.payload), (Some("lines"), "access-log"), "{line}");
    assert_eq!((&record.id, &record.stream, &record.event_id), (&None, &None, &None), "{line}");
    assert_eq!(
        (record.time_ms, record.status, record.marks),
        (brief.time_ms, brief.status, brief.marks),
        "{line}"
    );
    assert_eq!((record.path.as_deref().map(str::as_bytes), &record.route), (brief.path, &None), "{line}");
    assert_eq!((record.function_status, &record.deployment), (None, &None), "{line}");
    assert_eq!((record.also.len(), record.error_text.as_str()), (0, ""), "{line}");
    assert_eq!(brief.line.map(|line| line.message), Some(record.message.as_bytes()), "{line}");
    assert!(record.field("domain").is_none(), "{line}");
}

#[test]
fn reads_what_servers_write_of_healthy_requests() {
    for (rest, path, status) in [
        ("GET / HTTP/1.1\" 200 12", "/", 200),
        ("POST /a/7?b=1&c=d HTTP/2.0\" 201 0 \"-\" \"curl/8.7.1\"", "/a/7", 201),
        (
            "GET /a HTTP/1.1\" 404 5 \"https://example.com/?q=1\" \"Mozilla/5.0 (X11; rv:133.0)\" \"-\"",
            "/a",
            404,
        ),
        (
            "PUT /a?id=7 HTTP/2\" 304 0 \"-\" \"bot/1.0 (+https://example.com/bot; bot@example.com)\"",
            "/a",
            304,
        ),
    ] {
        for head in [HEAD.to_owned(), HEAD.replace("192.0.2.1", "2001:db8::1")] {
            let line = format!("{head}{rest}");
            let brief = seen(&line).expect(&line);
            assert_eq!((brief.path, brief.status), (Some(path.as_bytes()), Some(status)));
            assert_eq!((brief.time_ms, brief.id), (Some(1_767_225_600_000), &b""[..]));
            check(&line);
        }
    }
}

#[test]
fn leaves_everything_else() {
    for rest in [
        "GET / HTTP/1.1\" 500 12",
        "GET / HTTP/1.1\" 499 12",
        "GET / HTTP/1.1\" 200 -",
        "GET / HTTP/1.1\" 2000 1",
        "GET / HTTP/1.1\" 200",
        "GET /",
        "get / HTTP/1.1\" 200 12",
        "GET http://example.com/ HTTP/1.1\" 200 12",
        "GET /a b HTTP/1.1\" 200 12",
        "GET /?request_id=8f31 HTTP/1.1\" 200 12",
        "GET /a HTTP/1.1\" 200 12 \"-\" \"x\" rt=0.1",
        "GET /a HTTP/1.1\" 200 12 \"-\" \"x\" 0.002",
        "GET /a HTTP/1.1\" 200 12 \"-\" \"x y=1 status=500\"",
        "GET /a HTTP/1.1\" 200 12 \"-\" \"said \\\"x\\\"\"",
        "GET /a HTTP/1.1\" 200 12 \"-\" \"web@docker\"",
        "GET /a HTTP/1.1\" 200 12 \"-\" \"11111111-2222-4333-8444-555555555555\"",
        "GET /a HTTP/1.1\" 200 12 \"-\" \"[11111111-2222-4333-8444-555555555555]\"",
        "GET /caf\u{e9} HTTP/1.1\" 200 12",
        "\" 400 0",
        "-\" 400 0",
    ] {
        let line = format!("{HEAD}{rest}");
        assert_eq!(seen(&line), None, "{line}");
        check(&line);
    }
    for line in [
        "web - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 12",
        "192.0.2.1 - eve [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 12",
        "192.0.2.1 - - [32/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 12",
        "1234567 - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 12",
        "",
    ] {
        assert_eq!(seen(line), None, "{line}");
    }
}

#[test]
fn only_the_payload_asked_for_is_read() {
    let lines = CONTAINERS.last().expect("a container");
    let line = format!("{HEAD}GET / HTTP/1.1\" 200 12");
    for (payload, reads) in [("access-log", true), ("json", false)] {
        let mut glancer = lines.glancer().expect("a glancer");
        assert!(glancer.keep_to(payload));
        assert_eq!(glancer.begin(line.as_bytes()).is_some(), reads);
    }
    assert!(!lines.glancer().expect("a glancer").keep_to("text"));
}

proptest! {
    #[test]
    fn says_what_the_decoder_says(
        address in prop_oneof![
            Just("192.0.2.1"), Just("2001:db8::1"), Just("12:34:56.789012"), Just("2026-01-01"), Just("1767225600"),
            Just("12:34:56.78"), Just("10.0.0.1:443"), Just("0x7f.1.1.1"),
        ],
        method in prop_oneof![Just("GET"), Just("TRACE"), Just("GETS"), Just("-")],
        parts in prop::collection::vec(
            prop_oneof![
                Just("/a"), Just("?b=1"), Just("&rid=77777777777"), Just("=x"), Just(" "), Just("#"), Just("//"),
                Just("status=500"), Just("level=info"), Just(" HTTP/1.1"), Just("HTTP"), Just(" HTTP"),
                Just("TypeError: x"), Just(": "), Just("@"), Just("%5B"), Just("START RequestId: "), Just(" | "),
                Just(" --- [x] y : z"), Just("\""), Just(" -- : "), Just("Node.js v1"), Just("{\"a\":1}"),
                Just("11111111222243338444555555555555"), Just("\t"), Just("12ms"), Just("0.5"), Just("-"),
            ],
            0..12,
        ),
        cuts in prop::collection::vec(0usize..12, 3),
        status in prop_oneof![Just("200"), Just("404"), Just("503"), Just("000")],
        size in prop_oneof![Just("12"), Just("-"), Just("UF")],
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(parts.len())).collect();
        cuts.sort_unstable();
        let text = |from: usize, to: usize| parts[from..to].concat();
        let line = format!(
            "{address} - - [01/Jan/2026:00:00:00 +0000] \"{method} /{} HTTP/1.1\" {status} {size} \"{}\" \"{}\"{}",
            text(0, cuts[0]), text(cuts[0], cuts[1]), text(cuts[1], cuts[2]), text(cuts[2], parts.len()),
        );
        check(line.trim_end());
    }
}
