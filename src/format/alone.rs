//! Lines that are entries of their own wherever they stand. In a source whose entries have a prefix, a line without it
//! continues the entry before it, unless another program wrote it: pipes mix. Not here: how entries of the source's own
//! shape begin.

use super::registry::Shapes;
use super::{Decoded, json};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{Marks, Record};

/// What every access line of a server holds.
const PROTOCOL: &[u8] = b" HTTP/";

/// Whether a physical line without the prefix of the entries around it is one of another program: a whole JSON object of a
/// logger or of a platform, an access line, a line that begins with a time. Each must say more than that: its time and a
/// level, an ID, a status or by what it was written. Objects and access lines that a program prints inside a text of several lines seldom do.
pub fn is_entry(line: &[u8]) -> bool {
    match line.first() {
        Some(b'{') => is_object(line),
        Some(byte) if !byte.is_ascii_whitespace() => {
            (begins_with_time(line) || memchr::memmem::find(line, PROTOCOL).is_some())
                && read(line, FrameKind::Line).is_some_and(|records| records.iter().any(says_enough))
        }
        _ => false,
    }
}

/// Whether the line is one object and nothing else, and an entry.
fn is_object(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    // Some loggers put a comma between their objects.
    let line = line.strip_suffix(b",").unwrap_or(line);
    if !line.starts_with(b"{\"") || !line.ends_with(b"}") || json::object(line).is_none() {
        return false;
    }
    read(line, FrameKind::Json).is_some_and(|records| records.iter().any(says_enough))
}

/// `2026-01-01T00:00:00`, as no text of several lines goes on.
fn begins_with_time(line: &[u8]) -> bool {
    let form = b"dddd-dd-ddTdd:dd:dd";
    line.len() > form.len()
        && line
            .iter()
            .zip(form)
            .all(|(byte, is)| if *is == b'd' { byte.is_ascii_digit() } else { byte == is })
}

/// What the line holds if it is read by itself.
fn read(line: &[u8], kind: FrameKind) -> Option<Vec<Record>> {
    let frame = Frame { bytes: line, kind, at: Default::default() };
    let mut records = Vec::new();
    let read = Shapes::all().read(&frame, &FrameContext::default(), None, None, &mut records);
    (read.decoded == Decoded::Records).then_some(records)
}

/// Whether a record has its own time and one thing more by which an entry is known.
fn says_enough(record: &Record) -> bool {
    record.time_ms.is_some()
        && !record.marks.has(Marks::TRUNCATED | Marks::NO_TIME)
        && (record.id.is_some()
            || record.level.is_some()
            || record.status.is_some()
            || record.field("logger").is_some()
            || !matches!(record.payload, "" | "json" | "text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_other_programs_are_entries() {
        for line in [
            r#"{"level":30,"time":1767571200000,"pid":7,"hostname":"web-1","reqId":"a","msg":"hello"}"#,
            r#"{"timestamp":"2026-01-01T00:00:00.000Z","level":"INFO","requestId":"a","message":"x"}"#,
            r#"{"requestId":"11111111-2222-4333-8444-555555555555","requestTimeEpoch":"1767571200000","httpMethod":"POST","resourcePath":"/o","status":"502","responseLength":"36"}"#,
            r#"{"id":"1767225600000000000000001","timestamp":1767225600000,"source":"lambda","deploymentId":"dpl_A","projectId":"prj_A","host":"shop.example.com","requestId":"a","message":"x"}"#,
            r#"203.0.113.9 - - [10/Mar/2026:09:15:00 +0000] "GET / HTTP/1.1" 200 500 "-" "ExampleClient/1.0""#,
            r#"{"startTime":"2026-01-01T00:00:00.000Z","categoryName":"api","data":["x"],"level":{"level":40000,"levelStr":"ERROR"}},"#,
            r#"{"time":"2026-01-01T00:00:00.000Z","type":"platform.initStart","record":{"initializationType":"on-demand","phase":"init"}}"#,
            "2026-01-01T00:00:00.188Z\t11111111-2222-4333-8444-555555555555\tERROR\tError: x",
        ] {
            assert!(is_entry(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn what_a_program_prints_in_a_text_continues_it() {
        for line in [
            "",
            "{",
            "}",
            "    at f (/var/task/a.js:1:2)",
            "KeyError: 'total'",
            r#"{"error":"not found","status":404}"#,
            r#"{"timestamp":"2026-01-01T00:00:00.000Z","status":500,"error":"Internal Server Error"}"#,
            r#"{"version":"0","id":"a","detail-type":"x","time":"2026-01-01T00:00:00Z","region":"eu-west-1"}"#,
            r#"{"level":30,"time":1767571200000,"#,
            r#"{"level":30,"time":1767571200000} and more"#,
            r#"    {"level":30,"time":1767571200000,"reqId":"a","msg":"x"}"#,
            "GET / HTTP/1.1",
            "Host: shop.example.com",
            "2026-01-01T00:00:00.188Z is not a date of ours",
            "2026-01-01",
            "\u{fffd}",
        ] {
            assert!(!is_entry(line.as_bytes()), "{line}");
        }
    }
}
