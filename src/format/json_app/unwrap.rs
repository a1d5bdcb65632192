//! Finds the object in a text: alone, after a logger's prefix, as a quoted string, or cut off.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::format::text_parts::{is_uuid, set_request_id, set_time};
use crate::format::{json, time};
use crate::record::{Level, Record};

/// How many members most objects of loggers have at most.
const USUAL_MEMBERS: usize = 16;
/// Longest text before an object that can be a logger's prefix, in bytes.
const MAX_PREFIX_BYTES: usize = 200;

/// The logger's prefix and the object of a message; none if the message is no JSON. Nothing is parsed here.
pub fn split(message: &str) -> Option<(&str, &str)> {
    let text = message.trim();
    if let Some(inside) = text.strip_prefix('{') {
        let next = inside.trim_start().bytes().next();
        return matches!(next, Some(b'"' | b'}')).then_some(("", text));
    }
    if text.starts_with("\"{\\\"") && text.ends_with('"') {
        return Some(("", text));
    }
    if !text.ends_with('}') {
        return None;
    }
    let at = text.find("{\"").filter(|at| *at <= MAX_PREFIX_BYTES)?;
    is_prefix(&text[..at]).then(|| (&text[..at], &text[at..]))
}

/// Whether a text before an object is a logger's or shipper's prefix: times, numbers, a level, bracketed words,
/// `web-1  |`, `heroku[web.1]:`, `--`; prose is not.
fn is_prefix(prefix: &str) -> bool {
    let mut words = prefix.split_whitespace();
    // `web 2026-01-01T10:10:15.001Z {…}`: a component's name, then the time.
    let (first, second) = (words.next(), words.next());
    let named = second.filter(|word| word.len() >= 20).and_then(time::parse).and(first);
    prefix.split_whitespace().all(|word| {
        let bytes = word.as_bytes();
        bytes[0].is_ascii_digit()
            || matches!(bytes[0], b'[' | b'#' | b'<' | b'(')
            || matches!(bytes[bytes.len() - 1], b']' | b'>')
            || bytes.iter().all(|b| b.is_ascii_punctuation())
            || word.ends_with("]:")
            || Level::parse(word.trim_end_matches([':', ','])).is_some()
            || (prefix.contains(" | ") && prefix.starts_with(word))
            || named == Some(word)
            || matches!(word, "UTC" | "GMT" | "stdout" | "stderr")
    })
}

/// Time, level and a tagged request ID (Rails: `I, [time #pid]  INFO -- : [uuid] {…}`) of the prefix.
pub fn read_prefix(prefix: &str, record: &mut Record) {
    if prefix.is_empty() {
        return;
    }
    for word in prefix.split([' ', '\t', ',']).filter(|word| !word.is_empty()).take(12) {
        let bare = word.trim_matches(['[', ']', '(', ')', ':']);
        if is_uuid(bare) {
            set_request_id(record, bare);
        } else if let Some(stamp) = time::parse(bare) {
            set_time(record, stamp);
        } else if word.len() > 1
            && let Some(level) = Level::parse(word.trim_end_matches(':'))
        {
            record.level = Some(level);
        }
    }
}

/// An object inside a text: the text is one, holds one as a quoted string, or ends in one after a prefix.
pub fn inner_object(text: &str) -> Option<Map<String, Value>> {
    let (_, body) = split(text)?;
    body.ends_with(['}', '"']).then(|| object(body)).flatten()
}

/// Parses an object, unwrapping one level of string.
pub fn object(body: &str) -> Option<Map<String, Value>> {
    if body.starts_with('"') {
        let inner: String = serde_json::from_str(body).ok()?;
        return parse(inner.trim());
    }
    parse(body)
}

fn parse(text: &str) -> Option<Map<String, Value>> {
    if json::is_too_dense(text.as_bytes()) {
        return None;
    }
    match serde_json::from_str::<FirstLevel>(text) {
        Ok(parsed) => Some(parsed.0),
        Err(_) => json::object(text.as_bytes()),
    }
}

/// An object of a logger that may repeat keys: its own `level` and `time` come first and stand, of every other key
/// the last one is meant (pino writes child bindings before the logged object).
struct FirstLevel(Map<String, Value>);

impl<'de> Deserialize<'de> for FirstLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = FirstLevel;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<FirstLevel, A::Error> {
                let mut map = Map::with_capacity(USUAL_MEMBERS);
                while let Some((key, value)) = access.next_entry::<String, Value>()? {
                    if !(matches!(key.as_str(), "level" | "time") && map.contains_key(&key)) {
                        map.insert(key, value);
                    }
                }
                Ok(FirstLevel(map))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Reads an object that was cut off: up to its last complete member, then closed.
pub fn repair(body: &str) -> Option<Map<String, Value>> {
    let mut open: Vec<char> = Vec::new();
    let (mut in_string, mut escaped) = (false, false);
    let mut last: Option<(usize, String)> = None;
    for (at, c) in body.char_indices() {
        if in_string {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match c {
            '"' => in_string = true,
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' if open.pop() != Some(c) => {
                return None;
            }
            // Depth is bounded so that remembering the closers stays cheap.
            ',' if open.len() <= 8 => last = Some((at, open.iter().rev().collect())),
            _ => {}
        }
    }
    let (at, closers) = last.filter(|_| !open.is_empty())?;
    parse(&format!("{}{closers}", &body[..at]))
}
