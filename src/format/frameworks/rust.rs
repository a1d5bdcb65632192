//! Payload `rust-text`: lines of Rust's usual loggers for people: those of `tracing`, which put the spans that an event stands
//! in before it, and those of `env_logger`. A span names the request; what it says proves nothing of its answer.
//! <https://docs.rs/tracing-subscriber/latest/tracing_subscriber/fmt/format/struct.Full.html>

use serde_json::{Map, Value};

use crate::format::text_parts::{first_line, set_time};
use crate::format::{About, Payload, json_app, plain_text, time};
use crate::record::{Level, Record};

/// The payload.
pub const RUST: RustText = RustText;

/// `ISO LEVEL span{key=value}: target: text key=value`, the same over several lines, `[ISO LEVEL target] text`.
pub struct RustText;

/// Spans in spans that are read, and pairs of each.
const MAX_SPANS: usize = 16;
const MAX_PAIRS: usize = 64;
/// Longest name of a span, in bytes.
const MAX_NAME_BYTES: usize = 64;

impl Payload for RustText {
    fn name(&self) -> &'static str {
        "rust-text"
    }

    fn about(&self) -> About {
        About {
            title: "Lines of Rust's tracing and env_logger",
            fingerprint: "time, level and name{key=value}: before a text; time, level and target in brackets",
            export: "the program's standard output",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        let line = first_line(&record.message);
        env_logger(line).is_some() || tracing(line).is_some() || pretty(line).is_some()
    }

    fn read(&self, record: &mut Record, more: &mut Vec<Record>) {
        let text = std::mem::take(&mut record.message);
        let (line, below) = text.split_once('\n').unwrap_or((&text, ""));
        if let Some((stamp, level, rest)) = env_logger(line) {
            set_time(record, stamp);
            record.message = text[line.len() - rest.len()..].to_owned();
            plain_text::read_text(record);
            record.level = Some(level);
            return;
        }
        let found = tracing(line).map(|event| (event.stamp, event.level, event.object()));
        let found = found.or_else(|| {
            let (stamp, level, target, said) = pretty(line)?;
            Some((stamp, level, pretty_object(target, said, below)))
        });
        if let Some((stamp, level, object)) = found {
            set_time(record, stamp);
            json_app::read_map(&object, record, more, 0);
            record.level = Some(level);
        }
        if !below.is_empty() {
            record.message.push('\n');
            record.message.push_str(below);
        }
    }
}

/// A time, a level and what follows.
fn env_logger(line: &str) -> Option<(time::Stamp, Level, &str)> {
    let (head, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let (stamp, rest_of_head) = head.split_once(' ')?;
    let (level, target) = rest_of_head.split_once(' ')?;
    let is_target = !target.trim().is_empty() && target.trim().bytes().all(is_of_path);
    let stamp = Some(stamp).filter(|stamp| stamp.as_bytes().get(10) == Some(&b'T')).and_then(time::parse)?;
    Some((stamp, shouted(level)?, rest)).filter(|_| is_target)
}

/// A level in capitals.
fn shouted(word: &str) -> Option<Level> {
    word.bytes().all(|b| b.is_ascii_uppercase()).then(|| Level::parse(word)).flatten()
}

fn is_of_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-' | b'.')
}

/// An event of `tracing`.
struct Event<'t> {
    stamp: time::Stamp,
    level: Level,
    spans: Vec<&'t str>,
    target: &'t str,
    text: &'t str,
}

/// Within at least one span, or of a module inside a crate: `INFO text: more` can be anybody's.
fn tracing(line: &str) -> Option<Event<'_>> {
    let (stamp, rest) = line.split_once(' ')?;
    if stamp.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    // Six digits of a second and a level five wide: nobody else writes both, so the name of a crate will do.
    let is_default = stamp.len() == 27 && stamp.ends_with('Z') && rest.as_bytes().get(5) == Some(&b' ');
    let (level, mut rest) = rest.trim_start().split_once(' ')?;
    let level = shouted(level)?;
    if let Some((_, after)) = rest.strip_prefix("ThreadId(").and_then(|after| after.split_once(") ")) {
        rest = after;
    }
    let mut spans = Vec::new();
    while let Some((inside, after)) = span(rest) {
        if spans.len() < MAX_SPANS {
            spans.push(inside);
        }
        rest = after;
    }
    if !spans.is_empty() {
        rest = rest.strip_prefix(' ')?;
    }
    let (mut target, mut text) = word_before_colon(rest).unwrap_or(("", rest));
    // The compact format has but the names of the spans before the target, and their fields at the end.
    while !target.contains("::")
        && let Some((next, after)) = word_before_colon(text).filter(|(next, _)| next.contains("::"))
    {
        (target, text) = (next, after);
    }
    let is_certain = !spans.is_empty() || target.contains("::") || (is_default && !target.is_empty());
    Some(Event { stamp: time::parse(stamp).filter(|_| is_certain)?, level, spans, target, text })
}

/// The first line of an event as the pretty format has it: two blanks, then time, level, target and text.
/// <https://docs.rs/tracing-subscriber/latest/tracing_subscriber/fmt/format/struct.Pretty.html>
fn pretty(line: &str) -> Option<(time::Stamp, Level, &str, &str)> {
    let (stamp, rest) = line.strip_prefix("  ")?.split_once(' ')?;
    if stamp.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let (level, rest) = rest.trim_start().split_once(' ')?;
    let (target, said) = word_before_colon(rest)?;
    Some((time::parse(stamp)?, shouted(level)?, target, said))
}

/// Whether an indented line is the first one of such an event; `body` is what stands behind the blanks.
pub(in crate::format) fn begins_pretty(body: &str) -> bool {
    body.as_bytes().get(10) == Some(&b'T')
        && body.starts_with(|c: char| c.is_ascii_digit())
        && body.split_once(' ').is_some_and(|(stamp, rest)| {
            let level = rest.trim_start().split(' ').next().unwrap_or_default();
            shouted(level).is_some() && time::parse(stamp).is_some()
        })
}

/// Such an event as the JSON formatter writes it. Its spans stand below it, the innermost first: `in api::request with method:
/// GET, uri: /x`.
fn pretty_object(target: &str, said: &str, below: &str) -> Map<String, Value> {
    let (message, mut fields) = listed(said);
    fields.insert("message".to_owned(), Value::String(message.to_owned()));
    let mut span = Map::new();
    for line in below.lines().take(MAX_SPANS) {
        let Some((_, inside)) = line.strip_prefix("    in ").and_then(|line| line.split_once(" with "))
        else {
            continue;
        };
        // The first one has no comma before it.
        for (name, value) in listed(&format!(", {inside}")).1 {
            span.entry(name).or_insert(value);
        }
    }
    let mut map = Map::new();
    map.insert("fields".to_owned(), Value::Object(fields));
    map.insert("target".to_owned(), Value::String(target.to_owned()));
    map.insert("span".to_owned(), Value::Object(span));
    map
}

/// The words before the first `, key: value`, and these; a value reaches to the next key.
fn listed(text: &str) -> (&str, Map<String, Value>) {
    let keys: Vec<(usize, usize)> = memchr::memmem::find_iter(text.as_bytes(), b", ")
        .filter_map(|comma| {
            let rest = text.as_bytes().get(comma + 2..)?;
            let is_of_key = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
            let key_bytes = rest.iter().take(MAX_NAME_BYTES).take_while(is_of_key).count();
            let is_key = key_bytes > 0 && rest[key_bytes..].starts_with(b": ");
            is_key.then_some((comma, comma + 2 + key_bytes))
        })
        .take(MAX_PAIRS)
        .collect();
    let ends = keys.iter().skip(1).map(|(comma, _)| *comma).chain([text.len()]);
    let map = keys.iter().zip(ends).map(|((comma, colon), end)| {
        let value = text.get(colon + 2..end).unwrap_or_default().trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        (text[comma + 2..*colon].to_owned(), Value::String(value.to_owned()))
    });
    (&text[..keys.first().map_or(text.len(), |(comma, _)| *comma)], map.collect())
}

/// A name and what follows `: ` after it.
fn word_before_colon(text: &str) -> Option<(&str, &str)> {
    text.split_once(": ").filter(|(word, _)| !word.is_empty() && word.bytes().all(is_of_path))
}

/// `name{key=value other="a } b"}:`: what is inside, and what follows.
fn span(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once('{')?;
    // `HTTP request` is one.
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(|b| is_of_path(b) || b == b' ') {
        return None;
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return rest[at + 1..].strip_prefix(':').map(|after| (&rest[..at], after)),
            _ => {}
        }
    }
    None
}

impl Event<'_> {
    /// The event as the JSON formatter of the same library writes it.
    fn object(&self) -> Map<String, Value> {
        let mut span = Map::new();
        self.spans.iter().for_each(|inside| span.extend(pairs(inside).1));
        let (message, mut fields) = pairs(self.text);
        if self.spans.is_empty() {
            span.clone_from(&fields);
        }
        fields.insert("message".to_owned(), Value::String(message.to_owned()));
        let mut map = Map::new();
        map.insert("fields".to_owned(), Value::Object(fields));
        map.insert("target".to_owned(), Value::String(self.target.to_owned()));
        map.insert("span".to_owned(), Value::Object(span));
        map
    }
}

/// The words before the first pair, and the pairs; a value reaches to the next key.
fn pairs(text: &str) -> (&str, Map<String, Value>) {
    let keys: Vec<(usize, usize)> = memchr::memchr_iter(b'=', text.as_bytes())
        .filter_map(|equals| {
            let begin = memchr::memrchr(b' ', &text.as_bytes()[..equals]).map_or(0, |space| space + 1);
            let key = &text[begin..equals];
            (!key.is_empty() && key.bytes().all(is_of_path)).then_some((begin, equals))
        })
        .take(MAX_PAIRS)
        .collect();
    let ends = keys.iter().skip(1).map(|(begin, _)| *begin).chain([text.len()]);
    let map = keys.iter().zip(ends).map(|((begin, equals), end)| {
        let value = text.get(equals + 1..end).unwrap_or_default().trim_end();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        (text[*begin..*equals].to_owned(), Value::String(value.to_owned()))
    });
    let words = text[..keys.first().map_or(text.len(), |(begin, _)| *begin)].trim_end();
    (words, map.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Marks;

    fn of(text: &str) -> Option<Record> {
        let mut record = Record { message: text.to_owned(), ..Record::default() };
        RUST.detect(&record).then(|| RUST.read(&mut record, &mut Vec::new()))?;
        Some(record)
    }

    fn id(record: &Record) -> Option<&str> {
        record.id.as_ref().map(|id| id.text.as_str())
    }

    #[test]
    fn reads_tracing() {
        let line = "2026-01-01T10:10:15.001234Z  INFO http{listener=a}:request{method=GET uri=/pay/7?x=1 request_id=8f31aa-9}: tower_http::trace::on_response: finished processing request latency=3 ms status=500";
        let record = of(line).expect("read");
        assert_eq!(
            (id(&record), record.status, record.path.as_deref()),
            (Some("8f31aa-9"), Some(500), Some("/pay/7"))
        );
        assert_eq!((record.method.as_deref(), record.time_ms), (Some("GET"), Some(1_767_262_215_001)));
        assert!(record.marks.has(Marks::END | Marks::CLIENT) && record.level == Some(Level::Info));
        let line = "2026-01-01T10:10:15.001234Z ERROR request{request_id=\"8f31aa-9\" note=\"a } b\"}: api::pay: lookup failed error=Connection refused (os error 111) status=503\n   0: frame";
        let record = of(line).expect("read");
        assert_eq!((id(&record), record.status, record.level), (Some("8f31aa-9"), None, Some(Level::Error)));
        assert!(
            record.text().contains("Connection refused (os error 111)") && record.text().contains("0: frame")
        );
    }

    #[test]
    fn a_failure_of_the_trace_layer_says_the_status() {
        let failed = "tower_http::trace::on_failure: response failed classification=Status code: 503 Service Unavailable latency=30001 ms";
        for (spans, path) in
            [("request{method=GET uri=/pay/7 version=HTTP/1.1}: ", Some("/pay/7")), ("", None)]
        {
            let record = of(&format!("2026-01-01T10:10:15.001234Z ERROR {spans}{failed}")).expect("read");
            assert_eq!((record.status, record.path.as_deref()), (Some(503), path));
            assert!(record.marks.has(Marks::END) && record.marks.has(Marks::ECHO));
            assert_eq!(record.duration_ms, Some(30_001.0));
        }
        let compact = "2026-01-01T10:10:15.001234Z  INFO ThreadId(02) request: tower_http::trace::on_response: finished processing request latency=0 ms status=200 method=GET uri=/pay/7";
        let record = of(compact).expect("read");
        assert_eq!((record.status, record.path.as_deref()), (Some(200), Some("/pay/7")));
        let error = of("2026-01-01T10:10:15.001234Z ERROR tower_http::trace::on_failure: response failed classification=Error: timed out latency=1 ms").expect("read");
        assert!(
            error.status.is_none() && error.marks.has(Marks::ERROR_BLOCK) && !error.marks.has(Marks::ECHO)
        );
    }

    #[test]
    fn reads_events_over_several_lines() {
        let record = of("  2026-01-01T10:10:15.001234Z  INFO tower_http::trace::on_response: finished processing request, latency: 3 ms, status: 500\n    at /src/on_response.rs:114\n    in api::request with method: GET, uri: /pay/7?x=1, request_id: 8f31aa-9\n")
            .expect("read");
        assert_eq!(
            (id(&record), record.status, record.path.as_deref(), record.method.as_deref()),
            (Some("8f31aa-9"), Some(500), Some("/pay/7"), Some("GET"))
        );
        assert!(record.marks.has(Marks::END | Marks::CLIENT));
        let error = of("  2026-01-01T10:10:15.001234Z ERROR api: lookup failed, late, error: Connection refused (os error 111), attempt: 1\n    at src/main.rs:5\n    in api::request with request_id: 8f31aa-9")
            .expect("read");
        assert_eq!((id(&error), error.level), (Some("8f31aa-9"), Some(Level::Error)));
        assert!(error.text().contains("lookup failed, late"), "{}", error.text());
        assert!(error.text().contains("Connection refused (os error 111)"));
        for body in ["2026-01-01T10:10:15.001234Z  INFO api: x", "2026-01-01T10:10:15Z ERROR api: x"] {
            assert!(begins_pretty(body), "{body}");
        }
        for body in ["2026-01-01T10:10:15Z api", "2026-01-01 10:10:15 INFO x", "at src/main.rs:5", "é"] {
            assert!(!begins_pretty(body), "{body}");
        }
    }

    #[test]
    fn reads_env_logger() {
        let record =
            of("[2026-01-01T10:10:15Z ERROR api::pay] request_id=8f31aa-9 lookup failed\nCaused by: x")
                .expect("read");
        assert_eq!((id(&record), record.level), (Some("8f31aa-9"), Some(Level::Error)));
        assert_eq!(record.time_ms, Some(1_767_262_215_000));
        assert!(record.message.ends_with("Caused by: x"), "{}", record.message);
    }

    #[test]
    fn leaves_others() {
        for text in [
            "",
            "2026-01-01T10:10:15.001Z  INFO api: started",
            "2026-01-01T10:10:15.001234Z INFO api: started with a::b: c",
            "2026-01-01T10:10:15.001234Z  INFO started",
            "2026-01-01T10:10:15.001234Z INFO {\"a\":1}: x",
            "2026-01-01T10:10:15.001234Z info request{a=1}: x",
            "[2026-01-01T10:10:15Z] ERROR x",
            "[2026-01-01 10:10:15 ERROR x] y",
            "[é] x",
            "2026-01-01T10:10:15Z ERROR request{a=\"1}: x",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
