//! What `aws logs tail` prints in its three formats. Only the prefix is read; the message may span lines.

use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::{map_opt, opt, recognize, verify};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use super::lambda_glance::{self, Plain, Reader};
use super::time::Seconds;
use super::{About, Begun, Container, Decoded, Glance, aws, lambda_lines, time};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{Brief, Record};

/// The shape `cloudwatch-tail`.
pub struct CloudWatchTail;

/// Longest prefix: time, stream name (at most 512 characters) and colour codes.
const MAX_PREFIX_BYTES: usize = 700;

impl Container for CloudWatchTail {
    fn name(&self) -> &'static str {
        "cloudwatch-tail"
    }

    fn is_text(&self) -> bool {
        true
    }

    fn about(&self) -> About {
        About {
            title: "aws logs tail",
            fingerprint: "lines that begin with time+00:00, stream and message; short: time without zone, then a Lambda line",
            export: "aws logs tail GROUP --since 1h --format detailed",
        }
    }

    fn detect(&self, frame: &Frame<'_>, _context: &FrameContext) -> Option<&'static str> {
        if frame.kind != FrameKind::Line {
            return None;
        }
        match prefix(head(frame.bytes))? {
            // Syslog and other routers print time and host in the same form; streams are named otherwise.
            (rest, Prefix { stream: Some(stream), .. }) => {
                (is_stream(stream) || lambda_lines::is_lambda(rest)).then_some("time+00:00 and a log stream")
            }
            (rest, _) => lambda_lines::is_lambda(rest).then_some("time without zone before a Lambda line"),
        }
    }

    fn starts_entry(&self, line: &[u8]) -> bool {
        plain_prefix(line, &mut Seconds::default()).is_some() || prefix(head(line)).is_some()
    }

    fn glancer(&self) -> Option<Box<dyn Glance>> {
        Some(Box::new(Glancer::default()))
    }

    fn decode(&self, frame: &Frame<'_>, _context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        let Some((rest, found)) = prefix(head(frame.bytes)) else {
            return if frame.bytes.trim_ascii().is_empty() {
                Decoded::Ignored("blank line")
            } else {
                Decoded::NotMine
            };
        };
        let start = head(frame.bytes).len() - rest.len();
        let mut message = aws::text(frame.bytes.get(start..).unwrap_or_default());
        // `--format json` puts a JSON message on lines of its own.
        if message.starts_with("\n{") || message.starts_with("\n[") {
            message.remove(0);
        }
        let stream = found.stream.map(str::to_owned);
        out.push(Record { at: frame.at, time_ms: Some(found.time_ms), message, stream, ..Record::default() });
        Decoded::Records
    }
}

/// Reads briefs of entries of one line in the default format.
#[derive(Default)]
struct Glancer {
    reader: Reader,
}

impl Glance for Glancer {
    fn glance<'a>(&mut self, frame: &Frame<'a>, _: &FrameContext) -> Option<Brief<'a>> {
        if frame.kind != FrameKind::Line {
            return None;
        }
        let begun = self.begin(frame.bytes)?;
        self.glance_begun(frame.bytes, begun)
    }

    fn begin(&mut self, line: &[u8]) -> Option<Begun> {
        plain_prefix(line, &mut self.reader.seconds)
    }

    fn glance_begun<'a>(&mut self, line: &'a [u8], begun: Begun) -> Option<Brief<'a>> {
        let (from, to) = begun.stream;
        let seen = lambda_glance::glance::<Plain>(line.get(begun.message as usize..)?, &mut self.reader)?;
        Some(Brief {
            deployment: None,
            id: seen.id,
            trace: None,
            time_ms: Some(begun.time_ms),
            status: seen.status,
            function_status: None,
            marks: seen.marks,
            event_id: None,
            route: None,
            path: seen.path,
            stream: Some(line.get(from as usize..to as usize)?),
            complete: true,
            line: None,
        })
    }

    fn payload(&self, _: FrameKind) -> &'static str {
        "lambda-text"
    }

    fn reads_on(&self) -> bool {
        true
    }
}

/// Bytes of `2026-01-01T00:00:00.188000+00:00 `.
const TIME_BYTES: usize = 33;

/// As [`prefix`], without colours and in the form that nearly all lines have:
/// `2026-01-01T00:00:00.188000+00:00 stream message`.
#[inline]
fn plain_prefix(line: &[u8], seconds: &mut Seconds) -> Option<Begun> {
    let second_ms = seconds.ms(line)?;
    let (fraction, rest) = line.get(19..)?.split_first_chunk::<14>()?;
    let [b'.', a, b, c, d, e, f, b'+', b'0', b'0', b':', b'0', b'0', b' '] = fraction else { return None };
    if ![a, b, c, d, e, f].into_iter().all(u8::is_ascii_digit) {
        return None;
    }
    let ms = [a, b, c].into_iter().fold(0, |ms, digit| ms * 10 + i64::from(digit & 0xf));
    // What [`head`] would cut off is left to it.
    let end = memchr::memchr(b' ', &rest[..rest.len().min(MAX_PREFIX_BYTES / 2)])?;
    let stream = &rest[..end];
    let printable = stream
        .iter()
        .fold(true, |plain, b| plain & (b.wrapping_sub(b'!') < 0x5e) & !matches!(b, b':' | b'*'));
    let end = TIME_BYTES + end;
    (printable && !stream.is_empty()).then_some(Begun {
        time_ms: second_ms + ms,
        stream: (TIME_BYTES as u32, end as u32),
        message: end as u32 + 1,
    })
}

struct Prefix<'a> {
    time_ms: i64,
    /// None in the short format.
    stream: Option<&'a str>,
}

/// As much of the first line as a prefix can need, as far as it is UTF-8.
fn head(bytes: &[u8]) -> &str {
    let bytes = bytes.get(..MAX_PREFIX_BYTES).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

/// Rest and prefix; none where the line does not begin an entry.
fn prefix(line: &str) -> Option<(&str, Prefix<'_>)> {
    if !line.as_bytes().first().is_some_and(|byte| byte.is_ascii_digit() || *byte == 0x1b) {
        return None;
    }
    if let Ok((rest, (time_ms, stream))) = (coloured(detailed_time), coloured(stream)).parse(line) {
        return Some((rest, Prefix { time_ms, stream: Some(stream) }));
    }
    coloured(short_time).parse(line).ok().map(|(rest, time_ms)| (rest, Prefix { time_ms, stream: None }))
}

/// A token, possibly in colour, and the space after it. An empty message loses its space at the line's end.
fn coloured<'a, O>(
    token: impl Parser<&'a str, Output = O, Error = nom::error::Error<&'a str>>,
) -> impl Parser<&'a str, Output = O, Error = nom::error::Error<&'a str>> {
    terminated(delimited(opt(colour), token, opt(colour)), char(' '))
}

fn colour(input: &str) -> IResult<&str, &str> {
    recognize((tag("\u{1b}["), take_while(|c: char| c.is_ascii_digit() || c == ';'), char('m'))).parse(input)
}

/// `2026-01-01T00:00:00.188000+00:00`, the fraction missing at whole seconds.
fn detailed_time(input: &str) -> IResult<&str, i64> {
    let token = verify(take_while1(|c: char| c.is_ascii_digit() || "-:T.+".contains(c)), |token: &str| {
        token.ends_with("+00:00") && matches!(token.len(), 25 | 32)
    });
    map_opt(token, |token| time::parse(token).map(|stamp| stamp.ms)).parse(input)
}

/// `2026-01-01T00:00:00`.
fn short_time(input: &str) -> IResult<&str, i64> {
    let token = verify(take_while1(|c: char| c.is_ascii_digit() || "-:T".contains(c)), |token: &str| {
        token.len() == 19 && token.as_bytes().get(10) == Some(&b'T')
    });
    map_opt(token, |token| time::parse(token).map(|stamp| stamp.ms)).parse(input)
}

fn stream(input: &str) -> IResult<&str, &str> {
    preceded(
        opt(colour),
        verify(take_while1(|c: char| !c.is_whitespace() && c != '\u{1b}'), |token: &str| {
            // CloudWatch allows neither in a stream name; a syslog tag ends in a colon.
            !token.contains([':', '*'])
        }),
    )
    .parse(input)
}

/// Whether a token is named as Lambda, ECS, Amplify and API Gateway name their streams.
fn is_stream(token: &str) -> bool {
    aws::is_lambda_stream(token)
        || (token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()))
        || (token.matches('/').count() >= 2 && !token.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Position;

    const STREAM: &str = "2026/01/01/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f9";

    fn run(text: &[u8]) -> (Option<&'static str>, Decoded, Vec<Record>) {
        let frame = Frame { bytes: text, kind: FrameKind::Line, at: Position::default() };
        let mut out = Vec::new();
        let decoded = CloudWatchTail.decode(&frame, &FrameContext::default(), &mut out);
        (CloudWatchTail.detect(&frame, &FrameContext::default()), decoded, out)
    }

    #[test]
    fn reads_detailed_entries_with_their_lines() {
        let text =
            format!("2026-01-01T00:00:00.188000+00:00 {STREAM} Error: x\n    at f (/var/task/a.js:1:2)\n");
        let (found, decoded, out) = run(text.as_bytes());
        assert_eq!((found.is_some(), decoded), (true, Decoded::Records));
        assert_eq!(out[0].time_ms, Some(1_767_225_600_188));
        assert_eq!(out[0].stream.as_deref(), Some(STREAM));
        assert_eq!(out[0].message, "Error: x\n    at f (/var/task/a.js:1:2)");
    }

    #[test]
    fn reads_json_and_short_entries() {
        let json = format!("2026-01-01T00:00:00+00:00 {STREAM} \n{{\n    \"level\": \"ERROR\"\n}}");
        assert_eq!(run(json.as_bytes()).2[0].message, "{\n    \"level\": \"ERROR\"\n}");

        let (found, _, out) =
            run(b"2026-01-01T00:00:00 START RequestId: 11111111-2222-4333-8444-555555555555 Version: 7");
        assert!(found.is_some());
        assert_eq!((out[0].time_ms, out[0].stream.as_deref()), (Some(1_767_225_600_000), None));
    }

    #[test]
    fn reads_colours_and_ecs_streams() {
        let text = b"\x1b[32m2026-01-01T00:00:00.188000+00:00\x1b[0m \x1b[36mweb/app/0123456789abcdef0123456789abcdef\x1b[0m hello";
        let (found, _, out) = run(text);
        assert!(found.is_some());
        assert_eq!(out[0].message, "hello");
        assert_eq!(out[0].stream.as_deref(), Some("web/app/0123456789abcdef0123456789abcdef"));
    }

    #[test]
    fn leaves_foreign_lines() {
        for text in [
            "2026-01-01T00:00:00.188000+00:00 app[web.1]: hello",
            "2026-01-01T00:00:00.188000+00:00 host sshd[1]: hello",
            "2026-01-01T00:00:00 INFO hello",
            "2026-01-01T00:00:00.188Z START RequestId: x",
            "    at f (/var/task/a.js:1:2)",
            "",
        ] {
            assert_eq!(run(text.as_bytes()).0, None, "{text}");
        }
        assert!(!CloudWatchTail.starts_entry(b"    at f (a.js:1:2)"));
        assert!(!CloudWatchTail.starts_entry("2026-01-01T00:00:0é".as_bytes()));
        assert!(CloudWatchTail.starts_entry(b"2026-01-01T00:00:00+00:00 s \xff\xfe"));
        assert_eq!(run(b"2026-01-01T00:00:00+00:00 s \xff\xfe").2[0].message, "\u{fffd}\u{fffd}");
    }
}
