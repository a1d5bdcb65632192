//! Messages that were logged line by line, each line an entry of its own: which entry only goes on with the text of
//! the one before it. Shapes join what one entry holds; here entries of one request are joined.

use crate::correlate::line::Line;
use crate::record::Marks;

/// Entries of one stream further apart than this are not parts of one message, in milliseconds.
const GAP_MS: i64 = 1_000;
/// Longest text that is looked at for what it left open, in bytes from its end.
const OPEN_BYTES: usize = 8 * 1024;

/// What only stands below the first line of a printed error: frames, causes, properties, details.
const STARTS: &[&str] = &[
    "at ",
    "Caused by:",
    "caused by:",
    "[cause]:",
    "... ",
    "Traceback (most recent",
    "During handling of the above",
    "The above exception was",
    "File \"",
    "--- End of ",
    "---> ",
    "Parameter name: ",
    "DETAIL: ",
    "HINT: ",
    "CONTEXT: ",
    "code: '",
    "errno: ",
    "syscall: ",
    "address: '",
    "hostname: '",
    "severity: '",
    "routine: '",
    "clientVersion: ",
    "requireStack: ",
    "^",
];

/// How names of Python's exceptions end.
const ERROR_ENDINGS: &[&str] =
    &["Error", "Exception", "Warning", "Exit", "Interrupt", "DoesNotExist", "NotFound", "Timeout"];

/// Whether an entry of its own only goes on with the text of the entry before it.
pub fn continues(last: &Line, line: &Line) -> bool {
    let (record, text, order) = (&line.record, line.text.as_str(), line.order);
    if last.record.stream != record.stream
        || order.source != last.order.source
        || text.is_empty()
        || last.text.is_empty()
    {
        return false;
    }
    if order.time_ms.saturating_sub(last.order.time_ms) > GAP_MS || record.marks.has(Marks::SUMMARY) {
        return false;
    }
    record.marks.has(Marks::CONTINUATION)
        || text.starts_with([' ', '\t', '\u{a0}', '}', ']'])
        || STARTS.iter().any(|start| text.starts_with(start))
        || (last.record.level == record.level && is_open(&last.text))
}

/// Whether a text ends amid something: a Python traceback without its error, or a brace that was not closed.
fn is_open(text: &str) -> bool {
    let from = text.ceil_char_boundary(text.len().saturating_sub(OPEN_BYTES));
    let tail = &text[from..];
    open_traceback(tail) || open_braces(tail)
}

fn open_traceback(text: &str) -> bool {
    const HEAD: &str = "Traceback (most recent call last):";
    // Forwards is quicker, and nearly no text holds it.
    memchr::memmem::find(text.as_bytes(), HEAD.as_bytes())
        .and_then(|_| text.rfind(HEAD))
        .is_some_and(|at| lacks_error(&text[at + HEAD.len()..]))
}

/// Whether a traceback below its head goes on to the end of the text.
fn lacks_error(below: &str) -> bool {
    // The error is the first line that is not indented; carets and frames are. Where a collector took the indent
    // away, a frame is told by its first word, and the line below it is its code.
    let mut below_frame = false;
    !below.lines().skip(1).any(|line| {
        let is_frame = line.starts_with("File \"");
        let is_code = std::mem::replace(&mut below_frame, is_frame) && !names_error(line);
        line.starts_with(|c: char| c.is_alphabetic()) && !is_frame && !is_code
    })
}

/// Whether a line begins as the last one of a traceback does: `pkg.SomeError: text`. Frames of frozen modules have no code.
fn names_error(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    !name.contains(|c: char| c.is_whitespace() || c == '(')
        && ERROR_ENDINGS.iter().any(|end| name.ends_with(end))
}

/// Whether a line ended in an opening brace or bracket (`{ code: …` printed over several lines) that no later line
/// closed at its beginning.
fn open_braces(text: &str) -> bool {
    if memchr::memchr2(b'{', b'[', text.as_bytes()).is_none() {
        return false;
    }
    let mut depth = 0u32;
    for line in text.lines().map(str::trim) {
        if line.starts_with(['}', ']']) {
            depth = depth.saturating_sub(1);
        }
        if line.ends_with(['{', '[']) {
            depth += 1;
        }
    }
    depth > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::held::Order;
    use crate::record::Record;

    fn line(text: &str) -> Line {
        at(1_000, text)
    }

    fn at(time_ms: i64, text: &str) -> Line {
        let record = Record::default();
        let order = Order::new(Some(time_ms), record.at, false);
        Line {
            identity: 0,
            order,
            at: record.at,
            record,
            text: text.to_owned(),
            error_at: 0,
            hits: Vec::new(),
        }
    }

    fn joins(last: &str, next: &str) -> bool {
        continues(&line(last), &at(1_001, next))
    }

    #[test]
    fn joins_what_is_printed_below_an_error() {
        assert!(joins("Error: x", "    at f (a.js:1:2)"));
        assert!(joins(
            "System.ArgumentNullException: Value cannot be null.",
            "Parameter name: connectionString"
        ));
        assert!(joins("ERROR: relation \"t\" does not exist", "HINT: create it"));
        assert!(!joins("Error: x", "GET /api 500"));
    }

    #[test]
    fn joins_a_traceback_up_to_its_error() {
        let head = "Traceback (most recent call last):";
        let frame = "  File \"/app/a.py\", line 1, in f";
        assert!(joins(&format!("{head}\n{frame}"), "raise KeyError(key) from None"));
        assert!(joins(&format!("{head}\n{frame}\n    raise KeyError(key)"), "KeyError: 'A'"));
        assert!(!joins(&format!("{head}\n{frame}\nKeyError: 'A'"), "next request"));
    }

    #[test]
    fn joins_a_traceback_without_its_indent() {
        let text = "Traceback (most recent call last):\nFile \"/app/a.py\", line 1, in f";
        assert!(joins(text, "print(event)"));
        assert!(joins(&format!("{text}\nprint(event)"), "UnicodeEncodeError: x"));
        assert!(!joins(&format!("{text}\nprint(event)\nUnicodeEncodeError: x"), "next request"));
        assert!(!joins(&format!("{text}\napp.errors.NotFound: x"), "next request"));
    }

    #[test]
    fn joins_a_dump_up_to_its_brace() {
        assert!(joins("Error: x {", "hint: 'y'"));
        assert!(joins("Error: x {\n  details: [", "'y'"));
        assert!(!joins("Error: x {\n  code: 1\n}", "hint: 'y'"));
    }

    #[test]
    fn joins_nothing_across_a_gap_or_a_stream() {
        let mut other = at(1_001, "    at f");
        other.record.stream = Some("other".to_owned());
        assert!(!continues(&line("Error: x"), &other));
        assert!(!continues(&line("Error: x"), &at(9_000, "    at f")));
    }
}
