use super::witness::{End, Moment};
use super::*;
use crate::correlate::held::Order;
use crate::record::{Position, Record};

/// Lines of failures and of programs, matched with the rules of the program.
struct Log {
    rules: RuleSet,
    entry: u64,
}

const REFUSED: &str = "connect() failed (111: Connection refused) while connecting to upstream";
const LOST: &str = "upstream prematurely closed connection while reading response header from upstream";
const MISSING: &str = "Error: Cannot find module 'sharp'\n\nNode.js v22.14.0";
const NULL: &str = "TypeError: Cannot read properties of undefined (reading 'email')";

impl Log {
    fn new() -> Log {
        Log { rules: RuleSet::embedded().unwrap_or_else(|errors| panic!("{errors}")), entry: 0 }
    }

    fn line(&mut self, source: u32, second: i64, text: &str) -> Line {
        self.entry += 1;
        let at = Position { source, line: self.entry, entry: self.entry, part: 0 };
        let record = Record {
            at,
            time_ms: (second >= 0).then_some(second * 1000),
            payload: "text",
            ..Record::default()
        };
        let mut hits = Vec::new();
        self.rules.match_record(&record, text, "test/test", &mut hits);
        let order = Order::new(record.time_ms, at, false);
        Line { identity: self.entry, order, at, record, text: text.to_owned(), error_at: 0, hits }
    }

    fn outside(&mut self, source: u32, second: i64, text: &str) -> Witness {
        let lines = vec![self.line(source, second, text)];
        let diagnosis = weigh(&lines, &self.rules);
        let told = Moment { time_ms: lines[0].record.time_ms, source, sequence: lines[0].order.sequence };
        let end =
            text.contains("Node.js v").then_some(End { first: told, last: told, back: None, is_last: false });
        Witness { lines, diagnosis, end, is_proxy: false }
    }

    /// The same, of a program that a collector names.
    fn outside_of(&mut self, stream: &str, source: u32, second: i64, text: &str) -> Witness {
        let mut witness = self.outside(source, second, text);
        witness.lines[0].record.stream = Some(stream.to_owned());
        witness
    }

    /// The cause of a failure at second 100 by what a proxy says, beside these lines of programs.
    fn cause(&mut self, says: &str, outside: &[Witness]) -> Option<String> {
        let mut lines = vec![self.line(0, 100, says)];
        add(&mut lines, outside, &self.rules);
        let rule = weigh(&lines, &self.rules).rule?;
        self.rules.by_index(rule).map(|rule| rule.id.clone())
    }
}

#[test]
fn an_end_just_before_explains_what_the_proxy_says() {
    let mut log = Log::new();
    for (second, cause) in [
        (99, "node-package-missing"),
        (45, "node-package-missing"),
        (101, "node-package-missing"),
        (10, "reverse-proxy-connection-refused"),
        (110, "reverse-proxy-connection-refused"),
    ] {
        let end = log.outside(1, second, MISSING);
        assert_eq!(log.cause(REFUSED, &[end]).as_deref(), Some(cause), "second {second}");
    }
    let mut back = log.outside(1, 80, MISSING);
    for (second, cause) in [
        (85, "reverse-proxy-connection-refused"),
        (99, "node-package-missing"),
        (101, "node-package-missing"),
    ] {
        let time_ms = Some(second * 1000);
        let end = back.end.as_mut().unwrap_or_else(|| panic!("it ended"));
        end.back = Some(Moment { time_ms, ..end.first });
        assert_eq!(
            log.cause(REFUSED, std::slice::from_ref(&back)).as_deref(),
            Some(cause),
            "back at {second}"
        );
    }
}

#[test]
fn an_end_without_a_time_explains_what_follows_it_in_its_own_log_or_if_it_was_the_last_word() {
    let mut log = Log::new();
    let mut elsewhere = [log.outside(1, -1, MISSING)];
    assert_eq!(log.cause(REFUSED, &elsewhere).as_deref(), Some("reverse-proxy-connection-refused"));
    elsewhere[0].end.as_mut().unwrap_or_else(|| panic!("it ended")).is_last = true;
    assert_eq!(log.cause(REFUSED, &elsewhere).as_deref(), Some("node-package-missing"));
    assert_eq!(log.cause(LOST, &elsewhere).as_deref(), Some("reverse-proxy-upstream-failed"));
    let text = "Out of memory: Killed process 4711 (transcoder) total-vm:8000000kB\n\nNode.js v22.14.0";
    let mut kernel = [log.outside(1, -1, text)];
    kernel[0].end.as_mut().unwrap_or_else(|| panic!("it ended")).is_last = true;
    assert_eq!(log.cause(REFUSED, &kernel).as_deref(), Some("reverse-proxy-connection-refused"));
    let here = log.outside_of("api-1", 0, -1, MISSING);
    assert_eq!(log.cause(REFUSED, &[here]).as_deref(), Some("node-package-missing"));
    let long_ago = log.outside_of("api-1", 0, -1, MISSING);
    log.entry += 100;
    assert_eq!(log.cause(REFUSED, &[long_ago]).as_deref(), Some("reverse-proxy-connection-refused"));
}

#[test]
fn where_the_proxy_names_its_backend_only_that_one_explains() {
    let mut log = Log::new();
    let says = format!("{REFUSED}, upstream: \"http://api:3000/orders\"");
    let worker = log.outside_of("worker-1", 0, 98, MISSING);
    assert_eq!(log.cause(&says, &[worker]).as_deref(), Some("reverse-proxy-connection-refused"));
    let other = format!("{NULL}\n\nNode.js v22.14.0");
    let two = [log.outside_of("api-1", 0, 98, MISSING), log.outside_of("worker-1", 0, 99, &other)];
    assert_eq!(log.cause(&says, &two).as_deref(), Some("node-package-missing"));
}

#[test]
fn an_error_explains_a_lost_connection_beside_it_and_no_refused_one() {
    let mut log = Log::new();
    let error = |log: &mut Log, second| [log.outside(1, second, NULL)];
    let beside = error(&mut log, 99);
    assert_eq!(log.cause(LOST, &beside).as_deref(), Some("null-dereference"));
    assert_eq!(log.cause(REFUSED, &beside).as_deref(), Some("reverse-proxy-connection-refused"));
    let earlier = error(&mut log, 90);
    assert_eq!(log.cause(LOST, &earlier).as_deref(), Some("reverse-proxy-upstream-failed"));
}

#[test]
fn ends_of_several_programs_explain_nothing() {
    let mut log = Log::new();
    let other = format!("{NULL}\n\nNode.js v22.14.0");
    let two = [log.outside(1, 98, MISSING), log.outside(2, 99, &other)];
    assert_eq!(log.cause(REFUSED, &two).as_deref(), Some("reverse-proxy-connection-refused"));
    let unknown = "Error: plugin table is upside down\n\nNode.js v22.14.0";
    let one_unknown = [log.outside(1, 70, MISSING), log.outside(2, 99, unknown)];
    assert_eq!(log.cause(REFUSED, &one_unknown).as_deref(), Some("reverse-proxy-connection-refused"));
    let other_subject = MISSING.replace("sharp", "left-pad");
    let two_subjects = [log.outside(1, 98, MISSING), log.outside(2, 99, &other_subject)];
    assert_eq!(log.cause(REFUSED, &two_subjects).as_deref(), Some("reverse-proxy-connection-refused"));
    let told_twice = [log.outside(1, 98, MISSING), log.outside(2, 99, unknown)];
    assert_eq!(
        log.cause(REFUSED, &told_twice).as_deref(),
        Some("node-package-missing"),
        "one end, two witnesses"
    );
}

#[test]
fn an_end_that_no_rule_knows_leaves_the_request_unclassified() {
    let mut log = Log::new();
    let end = log.outside(1, 99, "Error: plugin table is upside down\n\nNode.js v22.14.0");
    assert_eq!(log.cause(REFUSED, &[end]), None);
}

#[test]
fn a_request_with_a_cause_of_its_own_needs_no_last_words() {
    let mut log = Log::new();
    let end = log.outside(1, 99, MISSING);
    assert_eq!(log.cause(NULL, &[end]).as_deref(), Some("null-dereference"));
}
