//! `sam logs`: the stream first, then a time without a zone (UTC), then the message.
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-logs.html>

use super::{About, Container, Decoded, ansi, aws, time};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::Record;

/// The shape `sam-logs`.
pub struct SamLogs;

/// Longest prefix: stream name, time, colour codes.
const MAX_PREFIX_BYTES: usize = 700;

impl Container for SamLogs {
    fn name(&self) -> &'static str {
        "sam-logs"
    }

    fn is_text(&self) -> bool {
        true
    }

    fn about(&self) -> About {
        About {
            title: "sam logs",
            fingerprint: "lines that begin with a log stream, then a time without zone",
            export: "sam logs --stack-name STACK --name FUNCTION > function.log",
        }
    }

    fn detect(&self, frame: &Frame<'_>, _context: &FrameContext) -> Option<&'static str> {
        (frame.kind == FrameKind::Line && split(frame.bytes).is_some()).then_some("a log stream, then a time")
    }

    fn starts_entry(&self, line: &[u8]) -> bool {
        split(line).is_some()
    }

    fn decode(&self, frame: &Frame<'_>, _context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        let Some((stream, time_ms, rest)) = split(frame.bytes) else {
            return if frame.bytes.trim_ascii().is_empty() {
                Decoded::Ignored("blank line")
            } else {
                Decoded::NotMine
            };
        };
        out.push(Record {
            at: frame.at,
            time_ms: Some(time_ms),
            message: aws::text(rest),
            stream: Some(stream),
            ..Record::default()
        });
        Decoded::Records
    }
}

/// Stream, time and message.
fn split(bytes: &[u8]) -> Option<(String, i64, &[u8])> {
    // `2026/01/01/[$LATEST]…`, perhaps in colour.
    let first = *bytes.first()?;
    if first != 0x1b && !(first.is_ascii_digit() && bytes.get(4) == Some(&b'/')) {
        return None;
    }
    let mut spaces = memchr::memchr_iter(b' ', &bytes[..bytes.len().min(MAX_PREFIX_BYTES)]);
    let (one, two) = (spaces.next()?, spaces.next().unwrap_or(bytes.len()));
    let stream = std::str::from_utf8(&bytes[..one]).ok()?;
    let stamp = std::str::from_utf8(bytes.get(one + 1..two)?).ok()?;
    let (stream, stamp) = (ansi::strip(stream), ansi::strip(stamp));
    let digits = stamp.as_bytes();
    let plain = digits.len() >= 19
        && digits[10] == b'T'
        && digits.iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'T' | b'.'));
    if !plain || !aws::is_lambda_stream(&stream) {
        return None;
    }
    let time_ms = time::parse(&stamp)?.ms;
    Some((stream.into_owned(), time_ms, bytes.get(two + 1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "2026/01/01/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f9";

    #[test]
    fn the_stream_comes_first() {
        for (time, ms) in [("2026-01-01T00:00:00.188000", 188), ("2026-01-01T00:00:00", 0)] {
            let line = format!("{STREAM} {time} END RequestId: x");
            let (stream, time_ms, rest) = split(line.as_bytes()).expect(time);
            assert_eq!(
                (stream.as_str(), time_ms, rest),
                (STREAM, 1_767_225_600_000 + ms, &b"END RequestId: x"[..])
            );
        }
        let coloured = format!("\u{1b}[36m{STREAM}\u{1b}[0m \u{1b}[32m2026-01-01T00:00:00.188000\u{1b}[0m x");
        assert!(split(coloured.as_bytes()).is_some());
        let empty = format!("{STREAM} 2026-01-01T00:00:00.188000");
        assert_eq!(split(empty.as_bytes()).map(|(.., rest)| rest.len()), Some(0));
    }

    #[test]
    fn other_lines_are_not_taken() {
        for text in [
            "2026/01/01 10:10:15 [error] 7#7: x",
            "2026/01/01/[$LATEST]0a 2026-01-01T00:00:00.1Z x",
            "2026/01/01/[$LATEST]0a hello",
            "2026/01/01/[",
            "\u{1b}",
            "",
        ] {
            assert!(split(text.as_bytes()).is_none(), "{text}");
        }
    }
}
