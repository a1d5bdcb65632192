use super::*;
use crate::format::Payload;
use crate::format::lambda_text::LambdaText;
use crate::record::{IdKind, Level, Position};

const U: &str = "11111111-2222-4333-8444-555555555555";
const OUTER: &str = "kq7zt-1767225600123-0a1b2c3d4e5f";

fn run(mut record: Record) -> Vec<Record> {
    assert!(LambdaText.detect(&record), "{}", record.message);
    let mut more = Vec::new();
    LambdaText.read(&mut record, &mut more);
    more.insert(0, record);
    more
}

fn plain(message: &str) -> Vec<Record> {
    run(Record { message: message.to_owned(), ..Record::default() })
}

fn messages(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.message.as_str()).collect()
}

fn invocation() -> String {
    format!(
        "START RequestId: {U}\nprinted\n2026-01-01T00:00:00.186Z\t{U}\tERROR\tError: x\n    at f (a.js:1:2)\n2026-01-01T00:00:00.190Z\t{U}\tINFO\tdone\nEND RequestId: {U}\nREPORT RequestId: {U}\tDuration: 116 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\t\nXRAY TraceId: 1-6955b900-0123456789abcdef01234567\tSampled: true\n\n"
    )
}

#[test]
fn cuts_a_whole_invocation() {
    let records = plain(&invocation());
    assert_eq!(messages(&records)[1..4], ["printed", "Error: x\n    at f (a.js:1:2)", "done"]);
    assert_eq!(records.len(), 6);
    assert_eq!(records.iter().map(|record| record.at.part).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert!(records.iter().all(|record| record.id.as_ref().is_some_and(|id| id.text == U)));
    assert!(records[0].marks.has(Marks::START) && records[5].marks.has(Marks::END));
    assert_eq!((records[5].duration_ms, records[5].field("trace_id").is_some()), (Some(116.0), true));
    let times: Vec<_> = records.iter().map(|record| record.time_ms.unwrap() - 1_767_225_600_000).collect();
    assert_eq!(times, [186, 186, 186, 190, 190, 190]);
}

#[test]
fn keeps_the_outer_request() {
    let mut outer = Record {
        message: invocation(),
        at: Position { source: 1, line: 7, entry: 7, part: 0 },
        time_ms: Some(1_767_225_600_500),
        level: Some(Level::Info),
        event_id: Some("e".to_owned()),
        status: Some(500),
        marks: Marks::CLIENT,
        route: Some("/api/orders/[id]".to_owned()),
        ..Record::default()
    };
    outer.set_id(OUTER, IdKind::Request);
    let records = run(outer);
    assert!(records.iter().all(|record| record.id.as_ref().is_some_and(|id| id.text == OUTER)));
    assert!(records.iter().all(|record| record.field("lambda_request_id") == Some(U)));
    assert!(records.iter().all(|record| record.route.is_some() && record.at.line == 7));
    assert_eq!((records[0].status, records[1].status), (Some(500), None));
    assert!(records[0].marks.has(Marks::CLIENT) && !records[1].marks.has(Marks::CLIENT));
    assert_eq!(records[2].level, Some(Level::Error));
    assert_eq!((records[0].event_id.as_deref(), records[1].event_id.as_deref()), (Some("e"), Some("e#1")));
}

#[test]
fn tells_invocations_of_one_message_apart() {
    let other = "22222222-2222-4333-8444-555555555555";
    let records = plain(&format!(
        "{}stray\n{}",
        invocation().trim_end().to_owned() + "\n",
        invocation().replace(U, other)
    ));
    let ids: Vec<_> = records.iter().map(|record| record.id.as_ref().map(|id| id.text.as_str())).collect();
    assert_eq!(ids[..6], [Some(U); 6]);
    assert_eq!(ids[6], None);
    assert_eq!(ids[7..], [Some(other); 6]);
}

#[test]
fn undoes_escapes() {
    let escaped = invocation().replace('\n', "\\n").replace('\t', "\\t");
    assert_eq!(messages(&plain(&escaped)), messages(&plain(&invocation())));
    // Some stores escape line ends only.
    let half = invocation().replace('\n', "\\n");
    assert_eq!(messages(&plain(&half)), messages(&plain(&invocation())));
}

#[test]
fn reads_a_text_without_its_head() {
    let text = format!(
        "nd of a line\n    at g (b.js:3:4)\nEND RequestId: {U}\nREPORT RequestId: {U} Duration: 9 ms Billed Duration: 10 ms Memory Size: 128 MB Max Memory Used: 60 MB\n"
    );
    let records = plain(&text);
    assert_eq!(records.len(), 3);
    assert_eq!(records[0].message, "nd of a line\n    at g (b.js:3:4)");
    assert_eq!(records[0].id.as_ref().map(|id| id.text.as_str()), Some(U));
    assert_eq!((records[2].duration_ms, records[2].memory_limit_mb), (Some(9.0), Some(128.0)));
}

#[test]
fn reads_failures_inside() {
    let text = format!(
        "START RequestId: {U} Version: $LATEST\n2026-01-01T00:00:03.186Z {U} Task timed out after 3.00 seconds\n\nEND RequestId: {U}\nREPORT RequestId: {U}\tDuration: 3000.00 ms\nRequestId: {U} Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n"
    );
    let records = plain(&text);
    assert!(records[1].marks.has(Marks::TIMEOUT));
    assert!(records[4].marks.has(Marks::CRASH));
    assert_eq!(records[4].error_class.as_deref(), Some("Runtime.ExitError"));
    assert_eq!(records.len(), 5);
}

#[test]
fn survives_odd_texts() {
    for text in [
        "START RequestId: 11111111\n\u{e9}",
        "\\nEND RequestId: 1\\",
        "x\\nREPORT RequestId: \u{e9}\\q",
        "\nREPORT RequestId: ",
    ] {
        let mut record = Record { message: text.to_owned(), ..Record::default() };
        LambdaText.read(&mut record, &mut Vec::new());
    }
    assert!(!found("START RequestId: 11111111 Version: $LATEST\n"));
    assert!(!found("REPORT RequestId: 11111111\t\nXRAY TraceId: 1-6955b900-0"));
}
