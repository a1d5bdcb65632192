//! Container `lines`: entries without an envelope, as a program wrote them to its standard output: a physical
//! line with the lines that continue it, or one JSON object. It tells where entries begin; what they say is the
//! business of the payloads.

use crate::format::{About, Container, Decoded, Glance, ansi, frameworks, text_parts};
use crate::input::frame::{Frame, FrameContext, FrameKind, lossy};
use crate::record::{Marks, Record};

mod glance;

#[cfg(test)]
mod tests;

/// The container `lines`.
pub struct Lines;

impl Container for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn about(&self) -> About {
        About {
            title: "Plain lines or JSON lines, as a program printed them",
            fingerprint: "no envelope around the entries",
            export: "redirect the program's output to a file, or `docker logs NAME`, `kubectl logs POD`",
        }
    }

    fn detect(&self, frame: &Frame<'_>, _context: &FrameContext) -> Option<&'static str> {
        match frame.kind {
            FrameKind::Line => Some("a line without an envelope"),
            FrameKind::Json => Some("a JSON object without an envelope"),
            FrameKind::Csv => None,
        }
    }

    fn starts_entry(&self, line: &[u8]) -> bool {
        starts_entry(line)
    }

    fn glancer(&self) -> Option<Box<dyn Glance>> {
        Some(Box::new(glance::Glancer::new()))
    }

    fn decode(&self, frame: &Frame<'_>, _context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        if frame.kind == FrameKind::Csv {
            return Decoded::NotMine;
        }
        let text = lossy(frame.bytes);
        let text = text.trim_start_matches(['\u{feff}', '\0']).trim_end_matches(['\n', '\r', '\0', ' ']);
        if text.trim().is_empty() {
            return Decoded::Ignored("blank line");
        }
        let mut record = Record { at: frame.at, message: text.to_owned(), ..Record::default() };
        if frame.kind == FrameKind::Line && begins_with_fragment(text) {
            record.marks.insert(Marks::CONTINUATION);
        }
        if text.starts_with("{\"") && !text.ends_with('}') {
            record.marks.insert(Marks::TRUNCATED);
        }
        out.push(record);
        Decoded::Records
    }
}

/// Whether a text begins with a line that makes no sense without the one before it.
pub(super) fn begins_with_fragment(text: &str) -> bool {
    is_fragment(&ansi::strip(text_parts::first_line(text)))
}

/// What a line begins with when it only ever stands below another one. `{` lines never do.
const CONTINUATION_PREFIXES: &[&str] = &[
    // Node.js and its libraries: frames, causes, module chains, crash trailers, the heap's last words.
    "at ",
    "Caused by:",
    "caused by:",
    "Suppressed:",
    "[cause]:",
    "[errors]:",
    "[auth][cause]",
    "[auth][details]",
    // gRPC's own stack below the client's.
    "for call at",
    "Require stack:",
    "- /",
    "- file://",
    "Node.js v",
    "Emitted '",
    "----- Native stack trace",
    "----- JavaScript stack trace",
    // Python: `Traceback` nearly always stands below the line of the logger.
    "Traceback (most recent call last):",
    "During handling of the above exception",
    "The above exception was the direct cause",
    "(Background on this error at:",
    "For more information check:",
    "[SQL: ",
    "[parameters: ",
    // .NET and Java.
    "--- End of stack trace from previous location",
    "--- End of inner exception stack trace",
    "nested exception is:",
    // PostgreSQL's follow-up lines as drivers print them.
    "DETAIL:  ",
    "HINT:  ",
    "CONTEXT:  ",
    "LINE 1: ",
    // Go, and the errors that gin lists below its line.
    "goroutine ",
    "Error #0",
    "created by ",
    // PHP.
    "[stacktrace]",
    "[previous exception]",
    "Stack trace:",
    // Texts of several lines: Next.js, NextAuth, Prisma.
    "http://",
    "https://",
    "Learn more: ",
    "Learn More: ",
    "Read more: ",
    "Import trace for requested module:",
    "- Local:",
    "- Network:",
    "- Environments:",
    "- Experiments",
    "Invalid `prisma.",
    "Invalid `",
    "Can't reach database server at `",
    "Please make sure your database server is running",
    "Timed out fetching a new connection from the connection pool",
    "Environment variable not found: ",
    "error: Environment variable not found: ",
    "  -->  ",
    "→ ",
    "> ",
];

/// Symbols that Next.js puts before its own lines, with or without a space before them.
const NEXT_SYMBOLS: &[&str] = &["⨯ ", "â¨¯ ", "⚠ ", "▲ ", "✓ ", "○ ", "» "];

/// Whether a physical line begins an entry; a pure function of the line.
///
/// A line continues the entry before it if it is blank, indented, closes a bracket, draws carets, or begins with
/// what only follows (see `CONTINUATION_PREFIXES`); so does the unindented last line of a Python traceback.
/// Exceptions: Next.js indents its own lines by one space, and V8's own error classes (`TypeError: …`) begin an
/// entry because Node.js and Express print a stack without any line before it. Python has classes of the same
/// names: there the wording decides.
pub fn starts_entry(line: &[u8]) -> bool {
    if line.first() == Some(&b'{') {
        return true;
    }
    let text = lossy(line);
    let text = ansi::strip(text.trim_start_matches(['\u{feff}', '\0']).trim_end());
    let body = text.trim_start();
    if body.is_empty() {
        return false;
    }
    if body.len() < text.len() {
        return begins_next_line(body);
    }
    !(is_fragment(&text)
        || CONTINUATION_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
        || is_python_last_line(&text))
}

/// Whether an indented line is one of Next.js's own (a symbol, or a request line of its development server), or koa-logger's.
fn begins_next_line(body: &str) -> bool {
    NEXT_SYMBOLS.iter().any(|symbol| body.starts_with(symbol))
        // chi's, for what it recovered from.
        || body.starts_with("panic: ")
        || frameworks::rust::begins_pretty(body)
        || text_parts::koa_line(body).is_some()
        || text_parts::request_line(body).is_some_and(|(_, target)| {
            target.starts_with('/')
                && target.contains(" in ")
                && target.split(' ').nth(1).is_some_and(is_status)
        })
}

fn is_status(word: &str) -> bool {
    word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a line makes no sense without the one before it: indented, a frame, a closing bracket, carets.
pub(super) fn is_fragment(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes.first() {
        None => false,
        Some(b' ' | b'\t') => !begins_next_line(text.trim_start()),
        Some(b'}' | b']' | b')') => {
            bytes.iter().all(|b| matches!(b, b'}' | b']' | b')' | b',' | b';' | b' ')) || text == "):"
        }
        Some(b'^' | b'~') => bytes.iter().all(|b| matches!(b, b'^' | b'~' | b' ')),
        Some(b'.') => {
            text.starts_with("... ") && (text.ends_with(" more") || text.contains(" lines matching "))
        }
        Some(b'0'..=b'9') => is_numbered_frame(text),
        // PHP's frames: `#0 /app/x.php(12): f()`.
        Some(b'#') => text[1..]
            .split(' ')
            .next()
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())),
        Some(b'"') => matches!(text.trim_end(), "\"}" | "\"} []" | "\"} {}"),
        Some(b'[') => is_heap_line(text),
        // Ruby's end of a message that ends with a line break.
        Some(b':') => text == ":",
        Some(_) => {
            (text.starts_with("at ") && text.contains(['(', ':', '.']))
                || is_ruby_frame(text)
                || is_go_frame(text)
                || is_gin_frame(text)
                || is_dumped_header(text)
        }
    }
}

/// `app/models/order.rb:12:in 'total'`.
fn is_ruby_frame(text: &str) -> bool {
    let Some((path, rest)) = text.split_once(".rb:") else { return false };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    path.len() <= 300 && !path.contains(' ') && rest.starts_with(":in ")
}

/// `net/http.(*conn).serve.func1(0xc000112320)`, `panic({0x6a, 0x7b})`, `main.main()` between a goroutine's places.
fn is_go_frame(text: &str) -> bool {
    if !text.ends_with(')') || text.len() > 400 {
        return false;
    }
    let Some(open) = text.rfind('(') else { return false };
    let (name, arguments) = (&text[..open], &text[open + 1..text.len() - 1]);
    let is_name = name == "panic"
        || (name.contains('.')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-*()[]".contains(&b)));
    is_name && (arguments.is_empty() || arguments.contains("0x") || arguments == "...")
}

/// `/app/main.go:17 (0x8d3f05)`, as gin prints places.
pub(super) fn is_gin_frame(text: &str) -> bool {
    let Some((path, rest)) = text.split_once(".go:") else { return false };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    path.len() <= 300 && !path.contains(' ') && rest.starts_with(" (0x") && rest.ends_with(')')
}

/// Headers of the request that gin prints with a panic, and Go's dumps of requests.
const DUMPED: &[&str] = &[
    "Accept: ",
    "Accept-Encoding: ",
    "Accept-Language: ",
    "Authorization: *",
    "Connection: ",
    "Content-Length: ",
    "Content-Type: ",
    "Cookie: ",
    "Host: ",
    "Origin: ",
    "Referer: ",
    "User-Agent: ",
    "X-Amzn-Trace-Id: ",
    "X-Forwarded-For: ",
    "X-Forwarded-Proto: ",
    "X-Real-Ip: ",
    "X-Request-Id: ",
];

/// A header, or the line above them: `GET /x HTTP/1.1` and nothing else.
fn is_dumped_header(text: &str) -> bool {
    let is_header = text.starts_with(['A', 'C', 'H', 'O', 'R', 'U', 'X'])
        && DUMPED.iter().any(|header| text.starts_with(header));
    is_header
        || (text.ends_with(" HTTP/1.1") || text.ends_with(" HTTP/2.0"))
            && text_parts::request_line(text).is_some_and(|(_, target)| target.starts_with('/'))
}

/// `10: 0x1addd09  [node]` of a native stack, `12 | code` of a code frame.
fn is_numbered_frame(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    text.len() - rest.len() <= 6 && (rest.starts_with(": 0x") || rest.starts_with(" | "))
}

/// `[2476:0x2c288000]     1155 ms: Mark-Compact …`, printed between a heap's last words.
fn is_heap_line(text: &str) -> bool {
    let digits = text[1..].bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && text[1 + digits..].starts_with(":0x")
}

/// Python's built-in exceptions that V8 has no class for; below a traceback they stand without a module.
/// <https://docs.python.org/3/library/exceptions.html>
const PYTHON_BUILT_IN: &[&str] = &[
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BlockingIOError",
    "BrokenPipeError",
    "BufferError",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "EOFError",
    "Exception",
    "ExceptionGroup",
    "FileExistsError",
    "FileNotFoundError",
    "FloatingPointError",
    "IOError",
    "ImportError",
    "IndentationError",
    "IndexError",
    "InterruptedError",
    "IsADirectoryError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "ModuleNotFoundError",
    "NameError",
    "NotADirectoryError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PermissionError",
    "ProcessLookupError",
    "RecursionError",
    "RuntimeError",
    "StopAsyncIteration",
    "StopIteration",
    "SystemError",
    "SystemExit",
    "TabError",
    "TimeoutError",
    "UnboundLocalError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "ValueError",
    "ZeroDivisionError",
];

/// Endings of the names of exceptions in modules.
const PYTHON_ENDINGS: &[&str] = &[
    "Error",
    "Exception",
    "Warning",
    "Exit",
    "Interrupt",
    "Timeout",
    "DoesNotExist",
    "NotFound",
    "Refused",
    "Failed",
    "Denied",
    "Unavailable",
    "ImproperlyConfigured",
    "NotReady",
    "NotUnique",
    "Empty",
    "Full",
];

/// How Python words a `TypeError` or `SyntaxError`; V8 says it otherwise.
const PYTHON_WORDINGS: &[&str] = &[
    "' object ",
    "unsupported operand type",
    " argument",
    "indices must be",
    "can only concatenate",
    "not supported between instances",
    "cannot unpack",
    "object is not ",
    "must be str",
    "expected str",
    "is not JSON serializable",
    "not all arguments converted",
    "invalid syntax",
    "unterminated string literal",
    "was never closed",
    "can't compare offset-naive",
];

/// `0x80004005)`, `111)`.
fn is_error_number(text: &str) -> bool {
    let Some(number) = text.strip_suffix(')') else { return false };
    let digits = number.strip_prefix("0x").unwrap_or(number);
    !digits.is_empty() && digits.len() <= 10 && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a line is the unindented last line of a traceback (`KeyError: 'total'`, `httpx.ReadTimeout`,
/// `sqlalchemy.exc.OperationalError: (psycopg.OperationalError) …`), or the first of a .NET exception below a logger's line.
pub(super) fn is_python_last_line(line: &str) -> bool {
    let (name, rest) = match text_parts::split_colon(line) {
        Some((name, rest)) => (name, rest),
        None => (line.strip_suffix(':').unwrap_or(line), ""),
    };
    // .NET writes the number of an error behind its class, and `+` before the name of a class in a class.
    let name =
        name.split_once(" (").filter(|(_, number)| is_error_number(number)).map_or(name, |(name, _)| name);
    let word =
        name.len() <= 120 && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+'));
    if !word || !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return false;
    }
    match name.rsplit_once('.') {
        // The answers of AWS, each a class of its own name.
        Some(("botocore.errorfactory", _)) => true,
        Some((_, class)) => {
            class.starts_with(|c: char| c.is_ascii_uppercase())
                && PYTHON_ENDINGS.iter().any(|ending| class.ends_with(ending))
        }
        None if matches!(name, "TypeError" | "SyntaxError") => {
            PYTHON_WORDINGS.iter().any(|wording| rest.contains(wording))
        }
        None => PYTHON_BUILT_IN.binary_search(&name).is_ok(),
    }
}
