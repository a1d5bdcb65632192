//! What the text payloads share: request lines, ids, durations, error classes and the clock of the application.
//! No shape is recognised here.

use crate::format::json;
use crate::format::time::Stamp;
use crate::record::{Asked, IdKind, Level, Record};
use xxhash_rust::xxh3::xxh3_64;

/// How far an application's clock may be from its container's before it is not believed, in milliseconds.
const CLOCK_TOLERANCE_MS: i64 = 24 * 60 * 60 * 1000;
/// Verbs that a request line can begin with.
pub const METHODS: [&str; 9] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"];
/// Longest name of a thread.
const MAX_THREAD_BYTES: usize = 80;
/// Endings of class names that are errors.
const CLASS_ENDINGS: [&str; 9] =
    ["Error", "Exception", "Timeout", "Failure", "DoesNotExist", "NotFound", "Interrupt", "Exit", "Warning"];

/// The first line, without its end; as the first of [`str::lines`].
pub fn first_line(text: &str) -> &str {
    match memchr::memchr(b'\n', text.as_bytes()) {
        Some(at) => text[..at].strip_suffix('\r').unwrap_or(&text[..at]),
        None => text,
    }
}

/// What stands before and after the first `: `.
pub fn split_colon(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let at = memchr::memchr_iter(b':', bytes).find(|at| bytes.get(at + 1) == Some(&b' '))?;
    Some((&text[..at], &text[at + 2..]))
}

/// The parts of a text between `: `.
fn colon_segments(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (segment, after) = split_colon(text).map_or((text, None), |(head, tail)| (head, Some(tail)));
        rest = after;
        Some(segment)
    })
}

/// Takes the application's own time, unless the container has one that is surer: the text named no zone, or the
/// two are more than a day apart.
pub fn set_time(record: &mut Record, stamp: Stamp) {
    match record.time_ms {
        Some(have) if !stamp.zoned || (have - stamp.ms).abs() > CLOCK_TOLERANCE_MS => {}
        _ => record.time_ms = Some(stamp.ms),
    }
}

/// The HTTP verb, if `text` is one, in any case.
pub fn method(text: &str) -> Option<String> {
    let text = text.trim();
    METHODS.into_iter().find(|method| method.eq_ignore_ascii_case(text)).map(str::to_owned)
}

/// The path of a request target: without scheme, host, query and fragment.
pub fn path_of(target: &str) -> Option<String> {
    let target = target.trim();
    let scheme_end = if target.starts_with('/') { None } else { target.find("://") };
    let local = match scheme_end {
        Some(at) if at < 10 => {
            let rest = &target[at + 3..];
            rest.find(['/', '?', '#']).map_or("/", |slash| &rest[slash..])
        }
        _ => target,
    };
    let end = memchr::memchr2(b'?', b'#', local.as_bytes()).unwrap_or(local.len());
    let path = &local[..end];
    match path {
        "" if local != target || target.starts_with('?') => Some("/".to_owned()),
        "*" => Some("*".to_owned()),
        _ => path.starts_with('/').then(|| path.to_owned()),
    }
}

/// Method and target of `GET /x?y HTTP/1.1`; the protocol may be missing.
pub fn request_line(text: &str) -> Option<(&str, &str)> {
    let verb = METHODS.into_iter().find(|method| text.starts_with(method))?;
    let rest = text[verb.len()..].strip_prefix(' ')?;
    // The protocol is found by its slash, mostly the last one.
    let target = memchr::memrchr_iter(b'/', rest.as_bytes()).find_map(|at| rest[..at].strip_suffix(" HTTP"));
    let target = target.unwrap_or(rest).trim();
    (!target.is_empty()).then_some((verb, target))
}

/// What koa-logger's arrows mean, and the request line after it: `<--` came in, `-->` was answered, `xxx` failed, `-x-` was
/// closed by the client.
pub fn koa_line(text: &str) -> Option<(&str, &str)> {
    let (arrow, rest) = text.split_at_checked(3)?;
    let request = rest.strip_prefix(' ')?;
    let is_arrow = matches!(arrow, "<--" | "-->" | "xxx" | "-x-");
    (is_arrow && request_line(request).is_some_and(|(_, target)| target.starts_with('/')))
        .then_some((arrow, request))
}

/// Fills method and path of a record that has none.
pub fn set_request(record: &mut Record, verb: &str, target: &str) {
    if record.method.is_none() {
        record.method = method(verb);
    }
    if record.path.is_none() {
        record.path = path_of(target);
    }
}

/// Notes who asked for what. An address that is none, and a target without a path, say nothing.
pub fn set_asked<'r>(record: &'r mut Record, client: &str, target: &str) -> &'r mut Asked {
    let asked = record.asked.get_or_insert_default();
    if client.parse::<std::net::IpAddr>().is_ok() {
        asked.client = Some(xxh3_64(client.as_bytes()));
    }
    if !target.is_empty() {
        asked.target = Some(xxh3_64(target.as_bytes()));
        asked.has_query = target.contains('?');
    }
    asked
}

/// What stands behind a clock without a date, as Logback writes it where nobody says otherwise: `10:10:15.001 [main] INFO …`.
pub fn behind_clock(text: &str) -> &str {
    let form = b"dd:dd:dd.ddd ";
    let is_clock = text.len() > form.len()
        && text.bytes().zip(form).all(|(byte, is)| match is {
            b'd' => byte.is_ascii_digit(),
            b'.' => matches!(byte, b'.' | b','),
            _ => byte == *is,
        });
    if is_clock { text[form.len()..].trim_start() } else { text }
}

/// Level and thread of `[http-nio-8080-exec-1] ERROR text`.
pub fn level_behind_thread(text: &str) -> Option<(Level, &str)> {
    let (thread, rest) = text.strip_prefix('[')?.split_once("] ")?;
    let word = rest.trim_start().split(' ').next()?;
    let shouted = word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase());
    Some((Level::parse(word).filter(|_| shouted && thread.len() <= MAX_THREAD_BYTES)?, thread))
}

/// The thread of `ERROR [http-nio-8080-exec-1] text`.
fn thread_behind_level(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(' ')?;
    let (thread, _) = rest.trim_start().strip_prefix('[')?.split_once("] ")?;
    (thread.len() <= MAX_THREAD_BYTES && thread.bytes().any(|b| b.is_ascii_digit())).then_some(thread)
}

/// The thread that wrote a line, which may have its time before it no more.
pub fn thread_of(message: &str) -> Option<&str> {
    let line = behind_clock(first_line(message));
    match level_behind_thread(line) {
        Some((_, thread)) => Some(thread),
        None => {
            let level = line.split(' ').next().unwrap_or_default();
            let shouted = level.len() > 1 && level.bytes().all(|b| b.is_ascii_uppercase());
            thread_behind_level(line).filter(|_| shouted && Level::parse(level).is_some())
        }
    }
}

/// The first line of what a script wrote through PHP-FPM last, in the words of its own log or of the server's.
pub fn said_by_php(text: &str) -> Option<&str> {
    let (_, said) = text.rsplit_once("PHP message: ")?;
    let said = first_line(said);
    Some(said.split("\" while ").next().unwrap_or(said).trim_end())
}

/// Whether an id is a per-process counter (`412`, `req-8f`), which is unique only within its process.
pub fn is_counter(id: &str) -> bool {
    let digits =
        |text: &str| !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
    let short = |text: &str| {
        !text.is_empty()
            && text.len() <= 7
            && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
    };
    digits(id) || id.strip_prefix("req-").is_some_and(short)
}

/// Sets an explicit request id: a counter is scoped by the record's stream, anything else is global.
pub fn set_request_id(record: &mut Record, raw: &str) {
    if is_counter(raw.trim()) {
        let scope = record.stream.clone().unwrap_or_default();
        let text = if scope.is_empty() { raw.trim().to_owned() } else { format!("{scope}:{}", raw.trim()) };
        // A zero counter is a placeholder in most loggers; `normalise_id` would not see that behind the scope.
        if raw.trim() != "0" {
            record.set_id(&text, IdKind::Scoped);
        }
    } else if !raw.contains(char::is_whitespace) {
        record.set_id(raw, IdKind::Request);
    }
}

/// As [`set_request_id`], of a member that holds nothing else: there an ID may have blanks in it.
pub fn set_whole_request_id(record: &mut Record, raw: &str) {
    let raw = raw.trim();
    if may_have_blanks(raw) {
        record.set_id(raw, IdKind::Request);
    } else {
        set_request_id(record, raw);
    }
}

/// Whether a text with blanks can be an ID: words alone (`not set`) say that there is none.
pub fn may_have_blanks(raw: &str) -> bool {
    let id = raw.trim();
    id.contains(char::is_whitespace) && id.bytes().any(|b| b.is_ascii_digit())
}

/// Whether a text is a UUID in its usual form.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Whether a text can stand for a request without a key beside it: a UUID or 32 hexadecimal digits.
pub fn is_bare_id(text: &str) -> bool {
    is_uuid(text) || (text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A duration with its unit (`12ms`, `1.2s`, `3 min`, `850µs`) in milliseconds; none without a unit.
pub fn duration_ms(text: &str) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..split].parse().ok()?;
    let factor = match text[split..].trim() {
        "ns" => 1e-6,
        "us" | "µs" | "μs" => 1e-3,
        "ms" => 1.0,
        "s" | "sec" => 1e3,
        "m" | "min" => 6e4,
        _ => return None,
    };
    Some(number * factor)
}

/// Whether a word is the name of an error class (`TypeError`, `redis.exceptions.ConnectionError`).
pub fn is_error_class(word: &str) -> bool {
    // `a.b.C`, Ruby's `A::B`, PHP's `A\B`, a class in a class of .NET's `A.B+C`.
    let last = word.rsplit(['.', ':', '\\', '+']).next().unwrap_or(word);
    let is_scoped = || !word.contains(':') || !word.replace("::", "").contains(':');
    word.len() <= 120
        && is_scoped()
        && last.starts_with(|c: char| c.is_ascii_uppercase())
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.' | b':' | b'\\' | b'+'))
        && CLASS_ENDINGS.iter().any(|ending| last.ends_with(ending))
}

/// Reads error class and codes from error text that a runtime printed: `TypeError: …`, `Error [Name]: …`,
/// `Error: … {` with `code: 'X'` property lines below.
pub fn read_printed_error(text: &str, record: &mut Record) {
    let head = first_line(text);
    let mut segments = colon_segments(head).take(5).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        let segment = segment.trim_end_matches(':');
        if is_last && segment.contains(' ') && !segment.ends_with(']') {
            break;
        }
        note_class(segment, record);
    }
    if head.len() == text.len() {
        return;
    }
    for line in text.lines().skip(1).take(400) {
        let line = line.trim_start();
        if let Some(cause) = line.strip_prefix("[cause]: ").or_else(|| line.strip_prefix("Caused by: ")) {
            if let Some((segment, _)) = cause.split_once(':') {
                note_class(segment, record);
            }
        } else if let Some(code) = line.strip_prefix("code: '")
            && let Some(end) = code.find('\'')
        {
            push_code(record, &code[..end]);
        }
    }
}

/// `Uncaught TypeError`, `Error [ERR_MODULE_NOT_FOUND]`, `Error [PostgresError]`: class or code to the record.
fn note_class(segment: &str, record: &mut Record) {
    let (words, bracket) = match segment.split_once(" [") {
        Some((words, rest)) => (words, rest.strip_suffix(']')),
        None => (segment, None),
    };
    // .NET writes the number of an error behind its class.
    let words = words.split_once(" (0x").map_or(words, |(class, _)| class);
    // `ActionView::Template::Error (PG::UndefinedTable`: Rails has the message in brackets.
    let words = words.split_once(" (").map_or(words, |(class, _)| class);
    let word = words.rsplit(' ').next().unwrap_or_default();
    if !is_error_class(word) {
        return;
    }
    match bracket {
        Some(code) if code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_') => {
            push_code(record, code);
        }
        Some(name) if is_error_class(name) => {
            record.error_class.get_or_insert_with(|| name.to_owned());
            return;
        }
        _ => {}
    }
    if !matches!(word, "Error" | "AggregateError") {
        record.error_class.get_or_insert_with(|| word.rsplit('.').next().unwrap_or(word).to_owned());
    }
}

/// Adds an error code once.
pub fn push_code(record: &mut Record, code: &str) {
    if !code.is_empty() && code.len() <= 64 && !record.error_codes.iter().any(|have| have == code) {
        record.error_codes.push(code.to_owned());
    }
}

/// Adds another field, cut to a bearable length; a name that is there already is left alone.
pub fn push_field(record: &mut Record, name: &str, value: &str) {
    if record.fields.len() < json::MAX_FIELDS && record.field(name).is_none() && !value.is_empty() {
        let mut value = value.to_owned();
        json::truncate(&mut value, 512);
        record.fields.push((name.to_owned(), value));
    }
}

/// Writes a text of a JSON string without its escapes; `None` for those by number.
pub fn unescape(mut text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.clear();
    while let Some(at) = memchr::memchr(b'\\', text) {
        out.extend_from_slice(&text[..at]);
        out.push(match text.get(at + 1)? {
            b't' => b'\t',
            b'n' => b'\n',
            b'r' => b'\r',
            byte @ (b'"' | b'\\' | b'/') => *byte,
            _ => return None,
        });
        text = &text[at + 2..];
    }
    out.extend_from_slice(text);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_in_a_class_is_one() {
        assert!(is_error_class("System.Net.Internals.SocketExceptionFactory+ExtendedSocketException"));
        assert!(!is_error_class("Error+1") && !is_error_class("1+Error)"));
    }

    #[test]
    fn reads_targets_and_durations() {
        assert_eq!(path_of("https://shop.example.com/o/1?x=1").as_deref(), Some("/o/1"));
        assert_eq!(path_of("https://shop.example.com").as_deref(), Some("/"));
        assert_eq!(path_of("/o?next=https://example.com/").as_deref(), Some("/o"));
        assert_eq!(path_of("example.com:443"), None);
        assert_eq!(duration_ms("12.5ms"), Some(12.5));
        assert_eq!(duration_ms("1.5 s"), Some(1500.0));
        assert_eq!(duration_ms("12"), None);
        assert_eq!(request_line("GET /a b HTTP/1.1"), Some(("GET", "/a b")));
        assert_eq!(request_line("Getting /a"), None);
    }

    #[test]
    fn tells_counters_from_ids() {
        assert!(is_counter("412") && is_counter("req-8f") && is_counter("req-1"));
        assert!(!is_counter("7b1f") && !is_counter("req-4d1b8ac7-9910"));
        let mut record = Record { stream: Some("web-1:17".to_owned()), ..Record::default() };
        set_request_id(&mut record, "412");
        assert_eq!(record.id.map(|id| (id.text, id.kind)), Some(("web-1:17:412".to_owned(), IdKind::Scoped)));
    }

    #[test]
    fn a_member_may_hold_an_id_with_blanks() {
        let of = |raw: &str| {
            let mut record = Record::default();
            set_whole_request_id(&mut record, raw);
            record.id.map(|id| id.text)
        };
        assert_eq!(of(" order 42 / try 1 ").as_deref(), Some("order 42 / try 1"));
        assert_eq!(of(" 7b1f-aa ").as_deref(), Some("7b1f-aa"));
        assert_eq!((of("not set"), of("")), (None, None));
        assert!(of(&"x1".repeat(200)).is_some_and(|id| id.len() < 100));
    }

    #[test]
    fn names_printed_errors() {
        let cases = [
            ("TypeError: x is not a function\n    at f", Some("TypeError"), None),
            ("Failed to load orders: Error [PostgresError]: password", Some("PostgresError"), None),
            ("Error: connect\n    at f {\n  code: 'ECONNREFUSED',", None, Some("ECONNREFUSED")),
            ("Error [ERR_MODULE_NOT_FOUND]: Cannot find", None, Some("ERR_MODULE_NOT_FOUND")),
            ("redis.exceptions.ConnectionError: max clients", Some("ConnectionError"), None),
            ("Uncaught RangeError: Maximum call stack", Some("RangeError"), None),
            ("All good: nothing here", None, None),
        ];
        for (text, class, code) in cases {
            let mut record = Record::default();
            read_printed_error(text, &mut record);
            assert_eq!(record.error_class.as_deref(), class, "{text}");
            assert_eq!(record.error_codes.first().map(String::as_str), code, "{text}");
        }
    }

    #[test]
    fn undoes_escapes() {
        let mut out = Vec::new();
        for text in ["", "a\tb\nc\rd\"e\\f", "\\", "é"] {
            let escaped = serde_json::to_string(text).expect("a text");
            assert_eq!(unescape(&escaped.as_bytes()[1..escaped.len() - 1], &mut out), Some(()));
            assert_eq!(out, text.as_bytes());
        }
        assert_eq!(unescape(b"\\u0041", &mut out), None);
        assert_eq!(unescape(b"\\", &mut out), None);
    }
}
