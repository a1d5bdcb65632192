//! `why500 explain`: one request in full.

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::support::{Dir, REFUSED, drain, sample};

fn explained(dir: &Dir, args: &[&str], input: &str) -> Value {
    let ran = dir.pipe(&[&["explain", "--format", "json"], args].concat(), input).exits(0);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"))
}

#[test]
fn a_failed_request_with_its_signals_and_their_weights() {
    let dir = Dir::new();
    let one = explained(&dir, &["request-1"], &sample());
    assert_eq!(one["schema"], "why500/explain/v1");
    assert_eq!((&one["outcome"], &one["status"]), (&Value::from("failed"), &Value::from(500)));
    assert_eq!(one["cause"], "postgres-connection-refused");
    let weighed = one["weighed"].as_array().expect("a list");
    assert_eq!((&weighed[0]["cause"], &weighed[0]["fate"]), (&one["cause"], &Value::from("won")));
    for cause in weighed {
        let last = cause["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
        assert_eq!(last["score"], cause["score"], "the steps end at the score");
    }
    let yielded: Vec<&Value> = weighed.iter().filter(|cause| cause["fate"] == "yielded").collect();
    assert!(yielded.iter().any(|cause| cause["cause"] == "tcp-connection-refused"), "{weighed:#?}");
    let signals = one["timeline"][0]["signals"].as_array().expect("a list");
    assert!(signals.iter().any(|signal| signal["overruled"].is_null()));
    assert!(
        signals.iter().any(|signal| signal["overruled"] == "postgres-connection-refused explains it"),
        "{signals:#?}"
    );
    assert_eq!(one["triage"].as_array().map(Vec::len), Some(5));
    dir.pipe(&["explain", "request-1"], sample())
        .exits(0)
        .shows("weighed")
        .shows("explained by postgres-connection-refused")
        .shows("would decide = ");
}

#[test]
fn ids_as_headers_have_them() {
    let dir = Dir::new();
    for id in ["request-1", " fra1::iad1::request-1", "REQUEST-1"] {
        dir.pipe(&["explain", id], sample()).exits(0).shows("postgres-connection-refused");
    }
}

#[test]
fn a_healthy_request_is_explained_too() {
    let dir = Dir::new();
    let one = explained(&dir, &["request-2"], &sample());
    assert_eq!((&one["outcome"], &one["class"]), (&Value::from("succeeded"), &Value::from("unclassified")));
    assert_eq!((&one["incident"], &one["weighed"]), (&Value::Null, &Value::from(Vec::<Value>::new())));
    dir.pipe(&["explain", "request-2"], sample()).exits(0).shows("It did not fail: status 200").shows("│ ok");
    // It stays to the end, long after the table would have let it go.
    let later: String = (3..200).map(|number| drain(number, 200, "ok")).collect();
    dir.pipe(&["explain", "request-2"], sample() + &later).exits(0).shows("It did not fail: status 200");
}

#[test]
fn decoys_are_named() {
    let dir = Dir::new();
    let text = "(node:7) [DEP0040] DeprecationWarning: The `punycode` module is deprecated. connect ECONNREFUSED 10.0.0.5:5432";
    let one = explained(&dir, &["request-1"], &drain(1, 500, text));
    assert_eq!(one["cause"], Value::Null);
    let signals = one["timeline"][0]["signals"].as_array().expect("a list");
    assert!(!signals.is_empty());
    for signal in signals {
        assert!(signal["overruled"].as_str().is_some_and(|why| why.starts_with("the decoy ")), "{signal}");
    }
    assert!(one["next_step"].as_str().is_some_and(|next| !next.is_empty()));
}

#[test]
fn an_id_that_is_not_there_teaches() {
    let dir = Dir::new();
    dir.pipe(&["explain", "request-9"], sample()).exits(1).says("near it: request-1, request-2");
    dir.pipe(&["explain", "zzzz"], sample()).exits(1).says("none resembles it").says("--format jsonl");
    dir.run(&["explain", "request-1", "no-such-file.log"]).exits(3);
    dir.run(&["explain"]).exits(2).says("<ID>");
}

#[test]
fn it_shows_what_triage_shows() {
    let dir = Dir::new();
    let input =
        drain(1, 500, &format!("{REFUSED}\nAuthorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789"));
    let one = explained(&dir, &["request-1"], &input);
    let report = dir.pipe(&["--format", "json"], &input).exits(0).json();
    let incident = &report["incidents"][0];
    assert_eq!((&one["incident"], &one["confidence"]), (&incident["id"], &incident["confidence"]));
    assert_eq!(one["triage"], incident["triage"]);
    assert!(!one.to_string().contains("abcdefghijklmnopqrstuvwxyz0123456789"), "{one}");
}

#[test]
fn the_order_of_files_and_lines_changes_nothing_but_places() {
    let dir = Dir::new();
    let more = drain(1, 500, "TypeError: fetch failed").replace("event-1", "event-9");
    dir.file("a.ndjson", sample()).file("b.ndjson", &more);
    let one = dir.run(&["explain", "request-1", "a.ndjson", "b.ndjson"]).exits(0);
    let other = dir.run(&["explain", "request-1", "b.ndjson", "a.ndjson", "--threads", "1"]).exits(0);
    assert_eq!(one.stdout, other.stdout);
}

#[test]
fn it_fits_the_width() {
    let dir = Dir::new();
    for width in ["40", "72", "120"] {
        let ran = dir.pipe(&["explain", "request-1", "--width", width], sample()).exits(0);
        let most: usize = width.parse().expect("a number");
        for line in ran.stdout.lines() {
            assert!(line.width() <= most, "{} columns: {line}", line.width());
        }
    }
}

#[test]
fn a_request_without_an_id_is_named_by_its_line() {
    let dir = Dir::new();
    let log = "203.0.113.9 - - [05/Jan/2026:10:10:14 +0000] \"GET /ok HTTP/1.1\" 200 15 \"-\" \"agent\"\n\
        [2026-01-05 10:10:15 +0000] [7] [ERROR] Error handling request /orders\n\
        Traceback (most recent call last):\n\
        \x20 File \"/app/a.py\", line 3, in f\n\
        \x20   key = os.environ['STRIPE_KEY']\n\
        KeyError: 'STRIPE_KEY'\n\
        203.0.113.9 - - [05/Jan/2026:10:10:15 +0000] \"GET /orders HTTP/1.1\" 500 15 \"-\" \"agent\"\n";
    dir.file("app.log", log);
    let path = dir.path("app.log").display().to_string();
    for line in [4, 7] {
        let one = explained(&dir, &[&format!("app.log:{line}"), &path], "");
        assert_eq!((&one["outcome"], &one["status"]), (&Value::from("failed"), &Value::from(500)), "{one:#}");
        assert_eq!((&one["correlation_id"], &one["class"]), (&Value::Null, &Value::from("env")));
        assert!(one["incident"].is_string());
    }
    let healthy = explained(&dir, &["app.log:1", &path], "");
    assert_eq!(healthy["outcome"], "succeeded");
}

#[test]
fn a_place_that_is_none_teaches_the_form() {
    let dir = Dir::new();
    dir.file("logs/a.log", sample());
    dir.run(&["explain", "a.log:0", "logs"]).exits(1).says("SOURCE:LINE").says("counted from 1");
    dir.run(&["explain", "b.log:3", "logs"])
        .exits(1)
        .says("SOURCE:LINE")
        .says("no source is called `b.log`; there are logs/a.log");
    dir.run(&["explain", "zzzz", "logs"]).exits(1).says("SOURCE:LINE");
    dir.run(&["explain", "a.log:1", "logs"]).exits(0);
}

#[test]
fn a_field_without_a_name_is_refused() {
    let dir = Dir::new();
    for name in ["", " ", ".*", "_", "a..b"] {
        dir.pipe(&["--segment-field", name], sample()).exits(2).says("the name of a field");
    }
    dir.pipe(&["--segment-field", "flags.*", "--segment-field", "user-tier"], sample()).exits(0);
}
