//! Requests with several IDs: what a record says of them joins their lines, whatever comes first and wherever it stands,
//! and joins nothing else.

use why500::report::model::Report;

use crate::support::{Pieces, assert_same, engine, findings, printed, run, run_pieces, run_readers};

/// 2026-01-05T00:00:00Z.
const START_MS: u64 = 1_767_571_200_000;

/// Lines of several files, with their times, counted from the start.
#[derive(Default, Clone)]
struct Files {
    names: Vec<&'static str>,
    lines: Vec<(u64, usize, String)>,
}

impl Files {
    fn put(&mut self, file: &'static str, at_ms: u64, line: String) -> &mut Files {
        let index = self.names.iter().position(|name| *name == file).unwrap_or_else(|| {
            self.names.push(file);
            self.names.len() - 1
        });
        self.lines.push((at_ms, index, line));
        self
    }

    /// An application's line, with any members.
    fn says(&mut self, file: &'static str, at_ms: u64, members: &str) -> &mut Files {
        let time = START_MS + at_ms;
        self.put(file, at_ms, format!(r#"{{"level":30,"time":{time},"pid":7,"hostname":"web-1",{members}}}"#))
    }

    /// Node's own lines of an invocation that returns.
    fn invocation(&mut self, at_ms: u64, id: &str, trace: &str, text: &str) -> &mut Files {
        let file = "function.log";
        let stream = "2026/01/05/[$LATEST]0123456789abcdef0123456789abcdef";
        let begin = |at_ms: u64| format!("{} {stream}", time(at_ms, "000+00:00"));
        self.put(file, at_ms, format!("{} START RequestId: {id} Version: $LATEST", begin(at_ms)))
            .put(file, at_ms + 5, format!("{} {}\t{id}\tERROR\t{text}", begin(at_ms + 5), time(at_ms + 5, "Z")))
            .put(file, at_ms + 9, format!("{} END RequestId: {id}", begin(at_ms + 9)))
            .put(file, at_ms + 9, format!(
                "{} REPORT RequestId: {id}\tDuration: 9.10 ms\tBilled Duration: 10 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\t\tXRAY TraceId: {trace}\tSegmentId: 0123456789abcdef\tSampled: true\t",
                begin(at_ms + 9)
            ))
    }

    fn gateway(&mut self, at_ms: u64, id: &str, function: &str, status: u16) -> &mut Files {
        let epoch = START_MS + at_ms;
        self.put("gateway.log", at_ms, format!(
            r#"{{"requestId":"{id}","requestTimeEpoch":"{epoch}","httpMethod":"POST","resourcePath":"/orders/{{id}}","path":"/orders/7","status":"{status}","responseLength":"36","integrationRequestId":"{function}"}}"#
        ))
    }

    fn balancer(&mut self, at_ms: u64, trace: &str, status: u16) -> &mut Files {
        let at = time(at_ms, "000Z");
        self.put("balancer.log", at_ms, format!(
            r#"https {at} app/web/0123456789abcdef 203.0.113.9:40000 192.0.2.7:3000 0.001 0.050 0.000 {status} {status} 120 36 "POST https://shop.example.com:443/orders/7 HTTP/1.1" "agent" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef "Root={trace}" "shop.example.com" "-" 0 {at} "forward" "-" "-" "192.0.2.7:3000" "{status}" "-" "-""#
        ))
    }

    fn sorted(&self) -> Files {
        let mut files = self.clone();
        files.lines.sort_by_key(|(at_ms, ..)| *at_ms);
        files
    }

    fn bytes(&self) -> Vec<(&'static str, Vec<u8>)> {
        let text = |index: usize| {
            let of_it = self.lines.iter().filter(|(_, file, _)| *file == index);
            of_it.flat_map(|(_, _, line)| format!("{line}\n").into_bytes()).collect()
        };
        self.names.iter().enumerate().map(|(index, name)| (*name, text(index))).collect()
    }
}

/// `2026-01-05T00:00:00.007` and what follows, of a time within the first hour.
fn time(at_ms: u64, rest: &str) -> String {
    let (minute, second, milli) = (at_ms / 60_000, at_ms / 1000 % 60, at_ms % 1000);
    format!("2026-01-05T00:{minute:02}:{second:02}.{milli:03}{rest}")
}

/// Runs over the files in every order of names, in pieces and on several threads; all have to say the same.
fn all_ways(files: &Files) -> Report {
    let bytes = files.sorted().bytes();
    let named = |order: &[usize]| -> Vec<(String, Vec<u8>)> {
        order
            .iter()
            .enumerate()
            .map(|(place, index)| (format!("{place}.log"), bytes[*index].1.clone()))
            .collect()
    };
    let forth: Vec<usize> = (0..bytes.len()).collect();
    let back: Vec<usize> = (0..bytes.len()).rev().collect();
    let go = |files: &[(String, Vec<u8>)], threads: usize| {
        let files: Vec<(&str, &[u8])> =
            files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
        run(engine(threads), &files)
    };
    let report = go(&named(&forth), 1);
    assert_same(&findings(&report), &findings(&go(&named(&back), 1)), "files the other way round");
    assert_same(&printed(&report).1, &printed(&go(&named(&forth), 4)).1, "threads");
    for seed in 0..3 {
        let files = named(&forth);
        let readers = files.iter().map(|(name, bytes)| {
            (name.as_str(), Box::new(Pieces::random(bytes, seed)) as Box<dyn std::io::Read + Send>)
        });
        assert_same(&printed(&report).1, &printed(&run_readers(engine(1), readers.collect())).1, "pieces");
    }
    let mut one = Files { names: vec!["all.log"], lines: files.sorted().lines };
    one.lines.iter_mut().for_each(|(_, file, _)| *file = 0);
    let bytes = &one.bytes()[0].1;
    let whole = run(engine(1), &[("all.log", bytes)]);
    assert_same(&findings(&report), &findings(&whole), "all in one file");
    assert_same(
        &findings(&report),
        &findings(&run_pieces(engine(1), "all.log", Pieces::random(bytes, 4))),
        "that in pieces",
    );
    report
}

fn counts(report: &Report) -> (u64, u64, u64) {
    (report.requests.total, report.requests.failed, report.requests.incomplete)
}

/// Healthy requests that move the log's time far beyond what is kept open.
fn pass(files: &mut Files, names: &[&'static str]) {
    for name in names {
        for number in 0..30 {
            let id = format!("healthy-{name}-{number}");
            files.says(
                name,
                60_000 + number * 20_000,
                &format!(r#""reqId":"{id}","req":{{"method":"GET","url":"/h"}},"res":{{"statusCode":200}},"responseTime":3,"msg":"request completed""#),
            );
        }
    }
}

const FUNCTION: &str = "11111111-2222-4333-8444-555555555555";
const TRACE: &str = "1-695b0000-0123456789abcdef01234567";

#[test]
fn a_gateway_its_function_and_its_trace_are_one_request() {
    for long in [false, true] {
        let mut files = Files::default();
        files
            .invocation(100, FUNCTION, TRACE, "Error: Missing required environment variable: STRIPE_KEY")
            .gateway(110, "gw-1", FUNCTION, 502)
            .balancer(105, TRACE, 502)
            .gateway(400, "gw-2", "11111111-2222-4333-8444-000000000000", 200);
        if long {
            pass(&mut files, &["gateway.log", "balancer.log"]);
        }
        let report = all_ways(&files);
        assert_eq!(counts(&report), (if long { 62 } else { 2 }, 1, 0));
        let one = &report.failures[0];
        assert_eq!(one.correlation_id.as_deref(), Some("gw-1"));
        assert_eq!((one.cause.as_deref(), one.status), (Some("missing-variable"), Some(502)));
        assert!(one.route.as_deref().is_some_and(|route| route.starts_with("/orders/")), "{:?}", one.route);
        let aliases: Vec<(&str, &str)> =
            one.correlation.aliases.iter().map(|alias| (alias.id.as_str(), alias.kind)).collect();
        assert_eq!(aliases, [(TRACE, "trace_id"), (FUNCTION, "alias")]);
        assert_eq!((one.correlation.kind, one.correlation.certainty), ("trace_id", 0.9));
    }
}

#[test]
fn a_trace_over_several_requests_joins_none_of_them() {
    let mut files = Files::default();
    let failed = r#""req":{"method":"GET","url":"/pay"},"res":{"statusCode":500},"responseTime":3,"msg":"request errored""#;
    files
        .says("a.log", 10, &format!(r#""reqId":"one","traceId":"4bf92f3577b34da6a3ce929d0e0e4736",{failed}"#))
        .says("a.log", 20, &format!(r#""reqId":"two","traceId":"4bf92f3577b34da6a3ce929d0e0e4736",{failed}"#))
        .says("b.log", 15, r#""traceId":"4bf92f3577b34da6a3ce929d0e0e4736","msg":"Error: Missing required environment variable: K""#);
    let report = all_ways(&files);
    assert_eq!(counts(&report), (3, 2, 1));
    assert!(report.failures.iter().all(|one| one.correlation.aliases.is_empty() && one.cause.is_none()));
    // Of one request alone, the trace's line is its own.
    files.lines.remove(1);
    let report = all_ways(&files);
    assert_eq!(counts(&report), (1, 1, 0));
    assert_eq!(report.failures[0].cause.as_deref(), Some("missing-variable"));
}

#[test]
fn healthy_requests_with_two_ids_count_once() {
    let mut files = Files::default();
    for number in 0..700u64 {
        let at = number * 1_000;
        let trace = format!("{:032x}", number + 0xabcdef);
        files
            .says("a.log", at, &format!(r#""reqId":"r-{number}-x","traceId":"{trace}","req":{{"method":"GET","url":"/a"}},"res":{{"statusCode":200}},"responseTime":3,"msg":"request completed""#))
            .says("b.log", at + 1, &format!(r#""traceId":"{trace}","msg":"charged a card","region":"fra1""#));
        if number % 100 == 7 {
            files.says("b.log", at + 2, &format!(r#""traceId":"{trace}","req":{{"method":"GET","url":"/b"}},"res":{{"statusCode":503}},"responseTime":3,"msg":"request errored""#));
        }
    }
    let report = all_ways(&files);
    assert_eq!(counts(&report), (700, 7, 0));
    assert!(
        report.failures.iter().all(|one| one.correlation_id.as_deref().unwrap_or_default().starts_with("r-"))
    );
    assert!(report.requests.exact);
}

#[test]
fn names_of_one_request_in_two_loggers_are_joined() {
    let mut files = Files::default();
    let failed = r#""req":{"method":"GET","url":"/pay"},"res":{"statusCode":500},"responseTime":3,"msg":"request errored""#;
    files
        .says("a.log", 10, &format!(r#""reqId":"own-7","x-vercel-id":"fra1::iad1::kq7zt-1767571200000-0123456789ab",{failed}"#))
        .says("b.log", 12, r#""requestId":"kq7zt-1767571200000-0123456789ab","msg":"Error: Missing required environment variable: K""#)
        .says("b.log", 13, r#""requestId":"kq7zt-1767571200000-ffffffffffff","msg":"of another request""#);
    let report = all_ways(&files);
    assert_eq!(counts(&report), (2, 1, 1));
    assert_eq!(report.failures[0].correlation_id.as_deref(), Some("own-7"));
    assert_eq!(report.failures[0].cause.as_deref(), Some("missing-variable"));
    assert_eq!(report.failures[0].correlation.kind, "alias");
}
