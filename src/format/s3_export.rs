//! Files of a CloudWatch export task to S3: a time, a space, the message. Chunks inside a file are not sorted.

use nom::bytes::complete::{tag, take_while_m_n};
use nom::character::complete::{char, digit1};
use nom::combinator::{map_opt, recognize, verify};
use nom::sequence::terminated;
use nom::{IResult, Parser, branch::alt};

use super::{About, Container, Decoded, aws, lambda_lines, time};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::Record;

/// The shape `cloudwatch-s3`.
pub struct S3Export;

/// The file that a task leaves beside its data.
const WRITE_TEST: &[u8] = b"Permission Check Successful";

impl Container for S3Export {
    fn name(&self) -> &'static str {
        "cloudwatch-s3"
    }

    fn is_text(&self) -> bool {
        true
    }

    fn about(&self) -> About {
        About {
            title: "CloudWatch export task to S3",
            fingerprint: "lines that begin with ISO.mmmZ and a space, in files <task>/<stream>/000000.gz",
            export: "aws logs create-export-task --log-group-name GROUP --from MS --to MS --destination BUCKET",
        }
    }

    fn detect(&self, frame: &Frame<'_>, context: &FrameContext) -> Option<&'static str> {
        if frame.kind != FrameKind::Line {
            return None;
        }
        if frame.bytes.trim_ascii() == WRITE_TEST {
            return Some("write test of an export task");
        }
        let (_, rest) = split(frame.bytes)?;
        // Many loggers begin a line with such a time, so the name of the file or a Lambda line has to confirm it.
        if stream_of(&context.source).is_some() {
            return Some("time, message, and the name of an export file");
        }
        let end = rest.len().min(256);
        let text = String::from_utf8_lossy(&rest[..end]);
        lambda_lines::is_lambda(&text).then_some("time before a Lambda line")
    }

    fn starts_entry(&self, line: &[u8]) -> bool {
        split(line).is_some() || line.trim_ascii() == WRITE_TEST
    }

    fn decode(&self, frame: &Frame<'_>, context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        let Some((time_ms, rest)) = split(frame.bytes) else {
            return match frame.bytes.trim_ascii() {
                b"" => Decoded::Ignored("blank line"),
                bytes if bytes == WRITE_TEST => Decoded::Ignored("write test of the export task"),
                _ => Decoded::NotMine,
            };
        };
        out.push(Record {
            at: frame.at,
            time_ms: Some(time_ms),
            message: aws::text(rest),
            stream: stream_of(&context.source),
            ..Record::default()
        });
        Decoded::Records
    }
}

/// Time and message bytes.
fn split(bytes: &[u8]) -> Option<(i64, &[u8])> {
    if !bytes.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let end = bytes.len().min(96);
    let head = match std::str::from_utf8(&bytes[..end]) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    };
    // `ISO id Task timed out` is a line of Lambda itself; in an export another time stands before it.
    if lambda_lines::is_timeout(head) {
        return None;
    }
    let (rest, time_ms) = terminated(alt((iso, epoch)), char(' ')).parse(head).ok()?;
    Some((time_ms, bytes.get(head.len() - rest.len()..)?))
}

/// `2026-01-01T00:00:00.188Z`.
fn iso(input: &str) -> IResult<&str, i64> {
    let time = recognize((
        take_while_m_n(19, 19, |c: char| c.is_ascii_digit() || "-:T".contains(c)),
        char('.'),
        verify(digit1, |fraction: &str| fraction.len() == 3),
        tag("Z"),
    ));
    map_opt(time, |text| time::parse(text).map(|stamp| stamp.ms)).parse(input)
}

/// Milliseconds, as one published export has them.
fn epoch(input: &str) -> IResult<&str, i64> {
    let digits = take_while_m_n(13, 13, |c: char| c.is_ascii_digit());
    map_opt(digits, |text: &str| time::from_integer(text.parse().ok()?)).parse(input)
}

/// The stream out of a key `prefix/<task id>/<stream, dashes for slashes>/000000.gz`. Slashes come back where the
/// name is one of Lambda's, so that other exports of the same stream agree with it.
fn stream_of(source: &str) -> Option<String> {
    let mut parts = source.rsplit(['/', '\\', '!']);
    let file = parts.next()?;
    let number = file.strip_suffix(".gz").unwrap_or(file);
    if number.len() != 6 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let folder = parts.next().filter(|folder| !folder.is_empty() && !folder.starts_with('.'))?;
    if let (Some(date), Some(rest)) = (folder.get(..10), folder.get(10..)) {
        let is_date = date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        if let (true, Some(rest), true) = (is_date, rest.strip_prefix('-'), rest.contains('[')) {
            return Some(format!("{}/{rest}", date.replace('-', "/")));
        }
    }
    Some(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Position;

    fn run(text: &str, source: &str) -> (Option<&'static str>, Decoded, Vec<Record>) {
        let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Line, at: Position::default() };
        let context = FrameContext { source: source.to_owned(), ..FrameContext::default() };
        let mut out = Vec::new();
        let decoded = S3Export.decode(&frame, &context, &mut out);
        (S3Export.detect(&frame, &context), decoded, out)
    }

    #[test]
    fn reads_entries_with_their_lines() {
        let key = "logs/99999999-2222-4333-8444-555555555555/2026-01-01-[$LATEST]0a1b2c3d/000000.gz";
        let (found, decoded, out) = run("2026-01-01T00:00:00.188Z Error: x\n    at f (a.js:1:2)", key);
        assert_eq!((found.is_some(), decoded), (true, Decoded::Records));
        assert_eq!(out[0].time_ms, Some(1_767_225_600_188));
        assert_eq!(out[0].message, "Error: x\n    at f (a.js:1:2)");
        assert_eq!(out[0].stream.as_deref(), Some("2026/01/01/[$LATEST]0a1b2c3d"));
        assert_eq!(run("1767225600188 hello", key).2[0].message, "hello");
    }

    #[test]
    fn tells_two_times_apart() {
        let line = "2026-01-01T00:00:00.120Z 2026-01-01T00:00:00.118Z\t11111111-2222-4333-8444-555555555555\tINFO\tx";
        let (found, _, out) = run(line, "export.log");
        assert!(found.is_some());
        assert!(out[0].message.starts_with("2026-01-01T00:00:00.118Z\t"));
        let bare =
            "2026-01-01T00:00:00.186Z 11111111-2222-4333-8444-555555555555 Task timed out after 3.00 seconds";
        assert_eq!(run(bare, "x").0, None);
        assert_eq!(run(&format!("2026-01-01T00:00:00.188Z {bare}"), "x").2[0].message, bare);
    }

    #[test]
    fn ignores_the_write_test_and_leaves_foreign_lines() {
        let (found, decoded, _) = run("Permission Check Successful", "aws-logs-write-test");
        assert_eq!((found.is_some(), decoded), (true, Decoded::Ignored("write test of the export task")));
        for line in [
            "2026-01-01T00:00:00.188Z INFO hello",
            "1767225600188 hello",
            "    at f (a.js:1:2)",
            "2026-01-01T00:00:00.188Z\tx",
        ] {
            assert_eq!(run(line, "app.log").0, None, "{line}");
        }
        assert_eq!(run("abc", "app.log").1, Decoded::NotMine);
    }
}
