//! What the CloudWatch containers and the Lambda payloads share: message text, log groups, CSV rows, Lambda's ids.
//! No shape is recognised here.

use super::json::MAX_FIELDS;
use crate::input::frame::lossy;
use crate::record::{IdKind, Record};

/// Field under which a log group is kept.
pub const LOG_GROUP: &str = "log_group";
/// Field under which Lambda's own request ID is kept where the record has another one.
pub const LAMBDA_REQUEST_ID: &str = "lambda_request_id";
/// Field under which a trace ID is kept beside the request ID.
pub const TRACE_ID: &str = "trace_id";

/// Room for the fields named here in a record that is full of the input's own.
const OWN_FIELDS: usize = 16;

/// Brings a message to plain lines: one trailing run of line ends is cut, a carriage return becomes a line
/// end (runtime clients that write to standard output join lines by it), and no-break spaces that indent a
/// line (Python tracebacks) become spaces. Applying it twice changes nothing more.
pub fn clean(text: &mut String) {
    let end = text.trim_end_matches(['\n', '\r']).len();
    text.truncate(end);
    // 0xC2 leads the two bytes of U+00A0.
    if memchr::memchr2(b'\r', 0xC2, text.as_bytes()).is_none() {
        return;
    }
    let mut out = String::with_capacity(text.len());
    let mut indenting = true;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\n' => {
                out.push('\n');
                indenting = true;
            }
            '\u{a0}' if indenting => out.push(' '),
            _ => {
                indenting = indenting && (c == ' ' || c == '\t');
                out.push(c);
            }
        }
    }
    *text = out;
}

/// Text of bytes, cleaned; invalid UTF-8 is replaced.
pub fn text(bytes: &[u8]) -> String {
    let mut text = lossy(bytes).into_owned();
    clean(&mut text);
    text
}

/// The name of a log group out of `111122223333:/aws/lambda/x` or an ARN. Group names hold no colon.
pub fn log_group(raw: &str) -> &str {
    let raw = raw.trim();
    let raw = raw.strip_suffix(":*").unwrap_or(raw);
    raw.rsplit(':').next().unwrap_or(raw)
}

/// Sets another field unless the record has it, the value is empty or the record is full: a row with very many
/// columns must not make every further one search them all.
pub fn set_field(record: &mut Record, name: &str, value: &str) {
    let full = record.fields.len() >= MAX_FIELDS + OWN_FIELDS;
    if !full && !value.is_empty() && record.field(name).is_none() {
        record.fields.push((name.to_owned(), value.to_owned()));
    }
}

/// Lambda's request ID. It becomes the record's ID; where the record has a request ID of another origin already
/// (a platform around the function), that one stays and Lambda's is kept as a field.
pub fn set_lambda_id(record: &mut Record, id: &str) {
    match &record.id {
        Some(have) if have.kind == IdKind::Request => {
            if have.text != id {
                set_field(record, LAMBDA_REQUEST_ID, id);
                record.know_as(id, IdKind::Alias);
            }
        }
        _ => record.set_id(id, IdKind::Request),
    }
}

/// A trace ID: kept as a field, and the record's ID where the line has no request ID.
pub fn set_trace_id(record: &mut Record, id: &str) {
    if let Some(id) = crate::record::normalise_id(id).map(str::to_owned) {
        set_field(record, TRACE_ID, &id);
        record.set_id(&id, IdKind::Trace);
    }
}

/// Whether the container says that the record comes from a Lambda function: the group `/aws/lambda/…`, or a
/// stream `YYYY/MM/DD/[version]…` or `YYYY/MM/DD/name[version]…`.
pub fn from_lambda(record: &Record) -> bool {
    record.stream.as_deref().is_some_and(is_lambda_stream)
        || record.field(LOG_GROUP).is_some_and(|group| group.starts_with("/aws/lambda/"))
}

/// Whether a stream is named as Lambda names its streams.
pub fn is_lambda_stream(stream: &str) -> bool {
    let bytes = stream.as_bytes();
    bytes.len() > 11
        && bytes.iter().take(4).all(u8::is_ascii_digit)
        && bytes[4] == b'/'
        && bytes[7] == b'/'
        && bytes[10] == b'/'
        && stream.contains('[')
        && stream.contains(']')
}

/// Whether a text is 8-4-4-4-12 hexadecimal digits.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_line_ends_and_indentation() {
        let cases = [
            ("a\n", "a"),
            ("a\n\n", "a"),
            ("a\tb\t\r\n", "a\tb\t"),
            (
                "[ERROR] E: x\rTraceback:\r\u{a0} \u{a0} File \"a\"",
                "[ERROR] E: x\nTraceback:\n    File \"a\"",
            ),
            ("a\r\nb", "a\nb"),
            ("prix\u{a0}: 3\r\u{a0}x", "prix\u{a0}: 3\n x"),
            ("", ""),
        ];
        for (raw, want) in cases {
            let mut text = raw.to_owned();
            clean(&mut text);
            assert_eq!(text, want);
            clean(&mut text);
            assert_eq!(text, want);
        }
    }

    #[test]
    fn names_log_groups() {
        for raw in [
            "/aws/lambda/orders",
            "111122223333:/aws/lambda/orders",
            "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders:*",
        ] {
            assert_eq!(log_group(raw), "/aws/lambda/orders");
        }
    }

    #[test]
    fn keeps_the_outer_id() {
        let mut record = Record::default();
        record.set_id("kq7zt-1767225600123-0a1b2c3d4e5f", IdKind::Request);
        set_lambda_id(&mut record, "11111111-2222-4333-8444-555555555555");
        assert_eq!(record.id.as_ref().map(|id| id.text.as_str()), Some("kq7zt-1767225600123-0a1b2c3d4e5f"));
        assert_eq!(record.field(LAMBDA_REQUEST_ID), Some("11111111-2222-4333-8444-555555555555"));
    }
}
