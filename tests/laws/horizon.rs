//! Late records and the horizon: nothing is let go before it is decided, and what was let go is counted once.

use why500::report::model::Report;

use crate::support::{Pieces, assert_same, engine, findings, run, run_pieces};

/// 2026-01-05T00:00:00Z.
const START_MS: u64 = 1_767_571_200_000;
/// Milliseconds after which a healthy request is certainly let go.
pub const LONG_MS: u64 = 600_000;

/// Lines of a log drain at times counted from the start.
#[derive(Default, Clone)]
pub struct Drain {
    /// Times and texts.
    pub lines: Vec<(u64, String)>,
}

impl Drain {
    pub fn put(&mut self, at_ms: u64, id: &str, rest: &str) -> &mut Drain {
        let time = START_MS + at_ms;
        let number = self.lines.len();
        self.lines.push((at_ms, format!(
            r#"{{"id":"e{id}-{at_ms}-{number}","timestamp":{time},"deploymentId":"dpl_1","projectId":"prj_1","host":"shop.example.com","requestId":"{id}",{rest}}}"#
        )));
        self
    }

    /// What the client saw.
    pub fn answer(&mut self, at_ms: u64, id: &str, status: u16) -> &mut Drain {
        self.put(at_ms, id, &format!(
            r#""source":"lambda","path":"/api/pay","level":"info","message":"","statusCode":{status},"proxy":{{"method":"GET","path":"/api/pay","host":"shop.example.com","statusCode":{status}}}"#
        ))
    }

    pub fn middleware(&mut self, at_ms: u64, id: &str, status: u16) -> &mut Drain {
        self.put(at_ms, id, &format!(
            r#""source":"edge","edgeType":"middleware","level":"info","message":"","proxy":{{"method":"GET","path":"/api/pay","host":"shop.example.com","statusCode":{status}}}"#
        ))
    }

    pub fn says(&mut self, at_ms: u64, id: &str, level: &str, message: &str) -> &mut Drain {
        self.put(
            at_ms,
            id,
            &format!(r#""source":"lambda","path":"/api/pay","level":"{level}","message":"{message}""#),
        )
    }

    /// Healthy requests that move the log's time on.
    pub fn pass(&mut self, from_ms: u64, to_ms: u64) -> &mut Drain {
        let step = (to_ms - from_ms) / 40;
        for number in 0..40 {
            let at = from_ms + number * step;
            self.answer(at, &format!("other-{at}"), 200);
        }
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|(_, line)| format!("{line}\n").into_bytes()).collect()
    }
}

fn only(drain: &Drain) -> Report {
    let bytes = drain.bytes();
    let report = run(engine(1), &[("drain.log", &bytes)]);
    let pieces = run_pieces(engine(1), "drain.log", Pieces::random(&bytes, 1));
    assert_same(&findings(&report), &findings(&pieces), "in pieces");
    report
}

pub fn counts(report: &Report) -> (u64, u64) {
    (report.requests.total, report.requests.failed)
}

#[test]
fn middleware_that_let_pass_does_not_hide_the_functions_failure() {
    for (middleware_ms, function_ms) in [(0, 100), (100, 0), (50, 50)] {
        let mut drain = Drain::default();
        drain.middleware(middleware_ms, "m", 200).answer(function_ms, "m", 500).pass(1_000, LONG_MS);
        assert_eq!(counts(&only(&drain)), (41, 1));
    }
    // The function's line comes long after the middleware's.
    let mut drain = Drain::default();
    drain.middleware(0, "m", 200).pass(1_000, LONG_MS).answer(LONG_MS + 1, "m", 500);
    assert_eq!(counts(&only(&drain)), (41, 1));
    // It stands late in the input, but its time is the middleware's own, or before it.
    for time_ms in [0, 5, 10] {
        let mut drain = Drain::default();
        drain.middleware(5, "m", 200).pass(1_000, LONG_MS).answer(time_ms, "m", 500);
        assert_eq!(counts(&only(&drain)), (41, 1), "500 at {time_ms} ms beside the middleware's 200 at 5 ms");
    }
}

/// What let a request go comes back as it was: a middleware's 200 after the idle time is no client's.
#[test]
fn what_was_let_go_comes_back_as_it_was() {
    let own = r#""source":"lambda","path":"/api/pay","level":"error","message":"","statusCode":500"#;
    let noted = r#""source":"external","path":"/api/pay","level":"info","message":"","statusCode":200"#;
    let background = r#""source":"lambda","path":"/api/pay","level":"info","message":"","statusCode":200,"proxy":{"statusCode":-1}"#;
    let late_ms = 3 * LONG_MS + 1;
    for (name, first) in [("middleware", None), ("noted", Some(noted)), ("background", Some(background))] {
        for (what, late) in [
            ("own status", own),
            ("crash", r#""source":"lambda","level":"error","message":"","statusCode":-1"#),
        ] {
            let mut drain = Drain::default();
            match first {
                Some(first) => drain.put(0, "m", first),
                None => drain.middleware(0, "m", 200),
            };
            let mut together = drain.clone();
            together.put(late_ms, "m", late).pass(1_000, 3 * LONG_MS);
            drain.pass(1_000, 3 * LONG_MS).put(late_ms, "m", late);
            assert_eq!(counts(&only(&drain)), counts(&only(&together)), "{name}, then late: {what}");
        }
    }
}

#[test]
fn a_stack_after_the_completion_line_is_evidence() {
    let stack = r"Error: Cannot find module 'sharp'\n    at load (/var/task/a.js:1:2)";
    for later_ms in [1, 20_000, LONG_MS + 1] {
        let mut drain = Drain::default();
        drain.answer(0, "s", 500).pass(1_000, LONG_MS).says(later_ms, "s", "error", stack);
        let report = only(&drain);
        assert_eq!(counts(&report), (41, 1));
        let failure = &report.failures[0];
        assert!(failure.cause.is_some(), "the stack came {later_ms} ms after the completion");
        assert!(failure.evidence[0].text.contains("sharp"));
    }
}

#[test]
fn a_timeout_line_after_report_fails_the_request() {
    let id = "0a1b2c3d-0000-4000-8000-000000000001";
    let mut events = Vec::new();
    let mut put = |at_ms: u64, stream: u32, message: &str| {
        let number = events.len();
        events.push(format!(
            r#"{{"logStreamName":"2026/01/05/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e{stream:03x}","timestamp":{},"message":"{message}\n","ingestionTime":1,"eventId":"{number}"}}"#,
            START_MS + at_ms
        ));
    };
    put(0, 0, &format!("START RequestId: {id} Version: $LATEST"));
    put(3_000, 0, &format!("END RequestId: {id}"));
    put(
        3_000,
        0,
        &format!(
            "REPORT RequestId: {id}\\tDuration: 3000.00 ms\\tBilled Duration: 3000 ms\\tMemory Size: 128 MB\\tMax Memory Used: 64 MB\\t"
        ),
    );
    put(3_000, 0, &format!("2026-01-05T00:00:03.000Z {id} Task timed out after 3.00 seconds"));
    for number in 1..60u32 {
        let other = format!("0a1b2c3d-0000-4000-8000-1000000000{number:02}");
        let at = 4_000 + u64::from(number) * 5_000;
        put(at, number, &format!("START RequestId: {other} Version: $LATEST"));
        put(at + 9, number, &format!("END RequestId: {other}"));
        put(
            at + 9,
            number,
            &format!(
                "REPORT RequestId: {other}\\tDuration: 9.00 ms\\tBilled Duration: 9 ms\\tMemory Size: 128 MB\\tMax Memory Used: 64 MB\\t"
            ),
        );
    }
    for late in [false, true] {
        let mut events = events.clone();
        if late {
            // After the request was let go.
            let timeout = events.remove(3);
            events.push(timeout);
        }
        let bytes = format!("{{\"events\":[{}]}}", events.join(",")).into_bytes();
        let report = run(engine(1), &[("events.json", &bytes)]);
        assert_eq!(counts(&report), (60, 1), "late: {late}");
        assert_eq!(report.failures[0].cause.as_deref(), Some("function-timeout"), "late: {late}");
    }
}

#[test]
fn a_late_failure_of_a_request_let_go_is_counted_once() {
    let mut drain = Drain::default();
    drain.says(0, "late", "info", "begins").answer(10, "late", 200).pass(1_000, LONG_MS);
    assert_eq!(counts(&only(&drain)), (41, 0));
    drain.answer(LONG_MS + 5, "late", 503);
    let report = only(&drain);
    assert_eq!(counts(&report), (41, 1));
    assert_eq!(report.failures[0].status, Some(503));
    assert_eq!(report.failures[0].correlation_id.as_deref(), Some("late"));
    // Once more, after it was let go as a failed one could not be.
    drain.pass(LONG_MS + 10, 2 * LONG_MS).answer(LONG_MS + 6, "late", 503);
    assert_eq!(counts(&only(&drain)), (81, 1));
}

#[test]
fn a_late_record_of_a_healthy_request_changes_nothing() {
    let mut drain = Drain::default();
    drain.answer(10, "late", 200).pass(1_000, LONG_MS);
    let before = only(&drain);
    drain.says(11, "late", "error", "Error: Cannot find module 'sharp'");
    let after = only(&drain);
    assert_eq!(before.requests, after.requests);
    assert_eq!(before.routes, after.routes);
    assert!(after.incidents.is_empty());
    // A late answer that is older than the one that decided.
    drain.answer(5, "late", 503);
    assert_eq!(counts(&only(&drain)), (41, 0));
}

#[test]
fn a_client_that_left_stays_gone() {
    let mut drain = Drain::default();
    drain.answer(10, "gone", 499).pass(1_000, LONG_MS).says(11, "gone", "info", "late");
    let report = only(&drain);
    assert_eq!((report.requests.aborted, report.requests.failed, report.requests.total), (1, 0, 41));
}

#[test]
fn two_files_of_one_day_are_one_day() {
    // One holds what middleware logged, the other what functions logged, over ten minutes.
    let (mut edge, mut functions, mut both) = (Drain::default(), Drain::default(), Drain::default());
    for number in 0..200u64 {
        let (id, at) = (format!("r{number}"), number * 3_000);
        edge.middleware(at, &id, 200);
        functions.says(at + 20, &id, "error", "Error: Cannot find module 'sharp'");
        functions.answer(at + 30, &id, if number % 10 == 0 { 500 } else { 200 });
        both.middleware(at, &id, 200).says(at + 20, &id, "error", "Error: Cannot find module 'sharp'");
        both.answer(at + 30, &id, if number % 10 == 0 { 500 } else { 200 });
    }
    let one = run(engine(1), &[("a.log", &edge.bytes()), ("b.log", &functions.bytes())]);
    let two = run(engine(1), &[("a.log", &functions.bytes()), ("b.log", &edge.bytes())]);
    assert_eq!(counts(&one), (200, 20));
    assert_same(&findings(&one), &findings(&two), "files the other way round");
    assert!(one.failures.iter().all(|failure| failure.cause.is_some()));
    let report = only(&both);
    assert_eq!(counts(&report), (200, 20));
}

#[test]
fn a_source_that_runs_backwards_lets_nothing_go_too_early() {
    let mut drain = Drain::default();
    for number in 0..200u64 {
        let (id, at) = (format!("r{number}"), number * 3_000);
        drain.middleware(at, &id, 200).says(at + 20, &id, "error", "Error: Cannot find module 'sharp'");
        drain.answer(at + 2_999, &id, if number % 10 == 0 { 500 } else { 200 });
    }
    let forth = only(&drain);
    drain.lines.reverse();
    let back = only(&drain);
    assert_eq!(counts(&back), (200, 20));
    assert_same(&findings(&forth), &findings(&back), "newest first");
    // Beside a source that runs forwards and is much longer.
    let mut other = Drain::default();
    other.pass(0, 4 * LONG_MS);
    let beside = run(engine(1), &[("a.log", &drain.bytes()), ("b.log", &other.bytes())]);
    assert_eq!(counts(&beside), (240, 20));
    let beside = run(engine(1), &[("b.log", &drain.bytes()), ("a.log", &other.bytes())]);
    assert_eq!(counts(&beside), (240, 20));
}
