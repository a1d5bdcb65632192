//! What the AWS command line prints of CloudWatch Logs with `--output text`: of whole events, with a column a member in the
//! order of their names, and of the messages that a `--query` picked. Messages bring their own line breaks, so what comes
//! after a message stands on a line of its own, behind a tab.
//! <https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-output-format.html#text-output>

use super::{About, Container, Decoded, aws, lambda_lines, time};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::Record;

/// The shape `cloudwatch-text`.
pub struct CloudWatchText;

/// What a line of an event begins with.
const EVENT: &str = "EVENTS\t";
/// As much of a line as is needed to tell it: names of streams have at most 512 characters.
const MAX_HEAD_BYTES: usize = 1_000;

impl Container for CloudWatchText {
    fn name(&self) -> &'static str {
        "cloudwatch-text"
    }

    fn is_text(&self) -> bool {
        true
    }

    fn about(&self) -> About {
        About {
            title: "aws logs filter-log-events and get-log-events, --output text",
            fingerprint: "lines that begin with EVENTS and tabs, with a time in milliseconds and a tab, or with a tab and a Lambda line",
            export: "aws logs filter-log-events --log-group-name GROUP --output text > events.txt",
        }
    }

    fn detect(&self, frame: &Frame<'_>, _context: &FrameContext) -> Option<&'static str> {
        if frame.kind != FrameKind::Line {
            return None;
        }
        match head(frame.bytes)? {
            Head::Event { .. } => Some("EVENTS and tabs"),
            Head::Timed { rest, .. } => lambda_lines::is_lambda(rest).then_some("a time and a Lambda line"),
            Head::Message { .. } => Some("a tab and a Lambda line"),
            Head::Around => Some("EVENTS and tabs"),
        }
    }

    fn starts_entry(&self, line: &[u8]) -> bool {
        head(line).is_some()
    }

    fn decode(&self, frame: &Frame<'_>, _context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        let Some(head) = head(frame.bytes) else { return Decoded::NotMine };
        let mut record = Record { at: frame.at, ..Record::default() };
        let rest = match head {
            Head::Event { id, stream, rest } => {
                record.event_id = id.map(str::to_owned);
                record.stream = stream.map(str::to_owned);
                rest
            }
            Head::Timed { time_ms, rest } => {
                record.time_ms = Some(time_ms);
                rest
            }
            Head::Message { rest } => rest,
            Head::Around => return Decoded::Ignored("tokens and names of streams"),
        };
        let start = text_head(frame.bytes).len() - rest.len();
        let mut message = frame.bytes.get(start..).unwrap_or_default();
        if let Head::Event { .. } = head
            && let Some((time_ms, before)) = trailing_time(message)
        {
            record.time_ms = Some(time_ms);
            message = before;
        }
        record.message = aws::text(message.trim_ascii_end());
        out.push(record);
        Decoded::Records
    }
}

/// How a line begins.
enum Head<'a> {
    /// An event: its ID and stream where several streams were asked for.
    Event { id: Option<&'a str>, stream: Option<&'a str>, rest: &'a str },
    /// A time and a message, as `--query 'events[].[timestamp,message]'` picks them.
    Timed { time_ms: i64, rest: &'a str },
    /// A message after another one, as `--query 'events[].message'` lists them.
    Message { rest: &'a str },
    /// What a page says beside its events.
    Around,
}

/// As much of a line as is looked at, as far as it is UTF-8.
fn text_head(bytes: &[u8]) -> &str {
    let bytes = bytes.get(..MAX_HEAD_BYTES).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

fn head(bytes: &[u8]) -> Option<Head<'_>> {
    let first = *bytes.first()?;
    if !(matches!(first, b'E' | b'\t' | b'S' | b'b') || first.is_ascii_digit()) {
        return None;
    }
    let text = text_head(bytes);
    if text.starts_with("SEARCHEDLOGSTREAMS\t") || (text.starts_with("b/") && text.contains("\tf/")) {
        return Some(Head::Around);
    }
    if let Some(columns) = text.strip_prefix(EVENT) {
        let (one, rest) = columns.split_once('\t')?;
        if let Some((two, after)) = rest.split_once('\t')
            && milliseconds(two).is_some()
            && one.bytes().all(|b| b.is_ascii_digit())
        {
            let (stream, rest) = after.split_once('\t')?;
            return Some(Head::Event { id: Some(one), stream: Some(stream), rest });
        }
        milliseconds(one)?;
        return Some(Head::Event { id: None, stream: None, rest });
    }
    if let Some(rest) = text.strip_prefix('\t') {
        return lambda_lines::is_lambda(rest).then_some(Head::Message { rest });
    }
    let (stamp, rest) = text.split_once('\t')?;
    Some(Head::Timed { time_ms: milliseconds(stamp)?, rest })
}

/// A time of thirteen digits.
fn milliseconds(text: &str) -> Option<i64> {
    let is_time = text.len() == 13 && text.bytes().all(|b| b.is_ascii_digit());
    is_time.then(|| text.parse().ok()).flatten().and_then(time::from_integer)
}

/// The time after a message, and the message.
fn trailing_time(message: &[u8]) -> Option<(i64, &[u8])> {
    let message = message.trim_ascii_end();
    let (before, stamp) = message.split_at_checked(message.len().checked_sub(14)?)?;
    let time_ms = milliseconds(std::str::from_utf8(stamp).ok()?.strip_prefix('\t')?)?;
    Some((time_ms, before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Record> {
        let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Line, at: Default::default() };
        CloudWatchText.detect(&frame, &FrameContext::default())?;
        let mut out = Vec::new();
        assert_eq!(CloudWatchText.decode(&frame, &FrameContext::default(), &mut out), Decoded::Records);
        out.pop()
    }

    const STREAM: &str = "2026/01/01/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f9";
    const START: &str = "START RequestId: 11111111-2222-4333-8444-555555555555 Version: $LATEST";

    #[test]
    fn reads_events_of_one_and_of_several_streams() {
        let line =
            read(&format!("EVENTS\t0017\t1767225600900\t{STREAM}\t{START}\n\t1767225600188")).expect("read");
        assert_eq!((line.message.as_str(), line.time_ms), (START, Some(1_767_225_600_188)));
        assert_eq!((line.stream.as_deref(), line.event_id.as_deref()), (Some(STREAM), Some("0017")));
        let line = read("EVENTS\t1767225600900\tError: x\n    at f (a.js:1:2)\t1767225600188").expect("read");
        assert_eq!(
            (line.message.as_str(), line.time_ms),
            ("Error: x\n    at f (a.js:1:2)", Some(1_767_225_600_188))
        );
        assert_eq!(line.stream, None);
        for text in ["SEARCHEDLOGSTREAMS\ta\tTrue", "b/0017\tf/0018"] {
            let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Line, at: Default::default() };
            let decoded = CloudWatchText.decode(&frame, &FrameContext::default(), &mut Vec::new());
            assert!(matches!(decoded, Decoded::Ignored(_)), "{text}");
        }
    }

    #[test]
    fn reads_what_a_query_picks() {
        let line = read(&format!("1767225600188\t{START}\n")).expect("read");
        assert_eq!((line.message.as_str(), line.time_ms), (START, Some(1_767_225_600_188)));
        assert_eq!(read(&format!("\t{START}")).map(|line| line.message).as_deref(), Some(START));
    }

    #[test]
    fn leaves_foreign_lines() {
        for text in [
            "",
            "\t",
            "EVENTS",
            "EVENTS\t",
            "EVENTS\tx\ty",
            "\tat com.example.Shop.pay(Shop.java:7)",
            "1767225600188\thello",
            "17672256001881\tx",
            "1767225600188",
            "EVENTS\té",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
