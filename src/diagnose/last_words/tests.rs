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
        Line { identity: self.entry, order, at, record, text: text.to_owned(), hits }
    }

    fn outside(&mut self, source: u32, second: i64, text: &str) -> Outside {
        let lines = vec![self.line(source, second, text)];
        let diagnosis = weigh(&lines, &self.rules);
        Outside { lines, diagnosis, ended: text.contains("Node.js v") }
    }

    /// The cause of a failure at second 100 by what a proxy says, beside these lines of programs.
    fn cause(&mut self, says: &str, outside: &[Outside]) -> Option<String> {
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
    let timeless = log.outside(1, -1, MISSING);
    assert_eq!(log.cause(REFUSED, &[timeless]).as_deref(), Some("node-package-missing"));
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
    let one = [log.outside(1, 90, MISSING), log.outside(1, 99, &other)];
    assert_eq!(log.cause(REFUSED, &one).as_deref(), Some("null-dereference"), "the last one of a program");
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
