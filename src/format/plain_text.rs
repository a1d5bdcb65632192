//! Payload `text`: whatever no other payload knows. It reads what lines of text commonly carry (a time, a level,
//! `key=value` pairs, an explicit request ID, a JSON object at the end) and a few shapes with a syntax of their own:
//! error logs of nginx and Apache, server logs of PostgreSQL and PgBouncer, Node.js crashes and warnings.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::format::frameworks::java;
use crate::format::text_parts::{
    behind_clock, first_line, is_error_class, is_uuid, level_behind_thread, push_field, read_printed_error,
    set_request_id, set_time,
};
use crate::format::{About, Payload, ansi, json, json_app, time};
use crate::record::{Level, Marks, Record};

mod logfmt;
pub(super) mod prefix;
mod servers;

#[cfg(test)]
mod tests;

/// The payload `text`.
pub struct PlainText;

impl Payload for PlainText {
    fn name(&self) -> &'static str {
        "text"
    }

    fn about(&self) -> About {
        About {
            title: "Any other text: levels, key=value pairs, Node.js crashes, nginx and PostgreSQL server logs",
            fingerprint: "nothing more special fits",
            export: "any log file",
        }
    }

    fn detect(&self, _record: &Record) -> bool {
        true
    }

    fn read(&self, record: &mut Record, _more: &mut Vec<Record>) {
        read_text(record);
    }
}

/// Reads `record.message` as text; the fallback of the other payloads too.
pub(super) fn read_text(record: &mut Record) {
    let mut text = std::mem::take(&mut record.message);
    text.truncate(text.trim_end().len());
    if let Cow::Owned(stripped) = ansi::strip(&text) {
        text = stripped;
    }
    record.message = if servers::read(&text, record) { text } else { read_generic(text, record) };
}

/// A line of no known shape; returns the message without its leading time.
fn read_generic(mut text: String, record: &mut Record) -> String {
    // What the platform or a logger's object says of the request is better than what stands in the words.
    let alone = record.id.is_none();
    let (stamp, rest) = match leading_time(&text) {
        (None, _) if alone => time_behind_word(&text, record),
        found => found,
    };
    let is_dated = stamp.is_some();
    if let Some(stamp) = stamp {
        set_time(record, stamp);
    }
    let own_level = leading_level(rest).or_else(|| {
        let rest = if is_dated { rest } else { behind_clock(rest) };
        leading_level(rest).or_else(|| level_behind_thread(rest).map(|(level, _)| level))
    });
    record.level = own_level.or(record.level);
    let has_lines_below = memchr::memchr(b'\n', rest.as_bytes()).is_some();
    if has_lines_below && rest.contains("\n    at ") {
        // Nothing prints a stack unless something failed.
        record.level.get_or_insert(Level::Error);
    }
    read_node(rest, record);
    read_ids(rest, record);
    let first = first_line(rest);
    if own_level == Some(Level::Warn) {
        java::read_jetty(first, record);
    }
    if alone && (is_dated || own_level.is_some()) {
        read_prefix(first, record);
    } else if alone && let Some(told) = prefix::read(first).told {
        // A line without time and level may be a piece of another entry: an ID in it proves nothing.
        told.settle(record);
    }
    if let Some(pairs) = logfmt::pairs(first) {
        return read_pairs(pairs, rest, record, logfmt::leads(first));
    }
    if let Some(map) = trailing_object(rest) {
        // The message stays as written; the object only adds what it knows.
        record.message.clone_from(&text);
        json_app::read_object(&map, record);
    }
    let kept_bytes = rest.trim_start().len();
    text.drain(..text.len() - kept_bytes);
    text
}

/// A time at the start, in brackets or not, with or without a space inside, and the text after it.
fn leading_time(text: &str) -> (Option<time::Stamp>, &str) {
    let trimmed = text.trim_start();
    if let Some((inside, rest)) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        if let Some(stamp) = Some(inside).filter(|inside| inside.len() <= 40).and_then(time::parse) {
            return (Some(stamp), rest.trim_start());
        }
        return (None, text);
    }
    if !trimmed.starts_with(|c: char| c.is_ascii_digit()) {
        return (None, text);
    }
    // The longest of one, two or three words that is a time: `T` form, date and clock, date, clock and zone.
    let ends = trimmed.match_indices([' ', '\t']).map(|(at, _)| at).take(3);
    let ends: Vec<usize> = ends.chain([trimmed.len()]).filter(|end| *end <= 40).take(3).collect();
    let found = ends.iter().rev().find_map(|end| {
        let word = trimmed[..*end].trim_end_matches([':', ',', '|']);
        // A bare number is a count, not a time.
        let stamp = Some(word).filter(|word| word.contains(['-', '/'])).and_then(time::parse)?;
        Some((Some(stamp), trimmed[*end..].trim_start_matches([' ', '\t', '|'])))
    });
    found.unwrap_or((None, text))
}

/// A time behind the first word, which is a level or the name of a process: `error 2026-01-01T…`, `Main  2026-01-01 …`.
fn time_behind_word<'t>(text: &'t str, record: &mut Record) -> (Option<time::Stamp>, &'t str) {
    const MAX_WORD: usize = 16;
    let Some((word, behind)) = text.split_once(' ').filter(|(word, _)| word.len() <= MAX_WORD) else {
        return (None, text);
    };
    let found = leading_time(behind.trim_start());
    if found.0.is_none() {
        return (None, text);
    }
    record.level = Level::parse(word.trim_matches(|c: char| !c.is_alphanumeric())).or(record.level);
    found
}

/// The request's ID and how it ended, as applications print them in an order of their own.
pub(super) fn read_prefix(first: &str, record: &mut Record) {
    let found = prefix::read(first);
    if let (Some(id), None) = (found.id, &record.id) {
        set_request_id(record, id);
    }
    if let Some(told) = found.told {
        told.settle(record);
    }
}

/// A level as the first word: `ERROR text`, `[error] text`, `error: text`, `E text`, `<warn> text`, `npm ERR! text`.
fn leading_level(text: &str) -> Option<Level> {
    let text = text.trim_start_matches(['-', ' ', '\t', '|']);
    let word = text.split([' ', '\t', '\n']).next().unwrap_or_default();
    let bare = word.trim_matches(|c| matches!(c, '[' | ']' | '<' | '>' | '(' | ')' | ':' | ',' | '|'));
    // `[error][module]`
    let bare = bare.split("][").next().unwrap_or(bare);
    let shouted = bare.len() > 1 && bare.bytes().all(|b| b.is_ascii_uppercase());
    let marked = word.len() > bare.len() && bare.len() > 1;
    let letter = bare.len() == 1 && matches!(bare, "E" | "W" | "I" | "D" | "F") && word.len() <= 2;
    if (shouted || marked || letter)
        && let Some(level) = Level::parse(bare)
    {
        return Some(level);
    }
    if text.starts_with("npm ERR!") || text.starts_with("npm error") {
        return Some(Level::Error);
    }
    // An error that a runtime printed without a level.
    let class = text.strip_prefix("Uncaught ").unwrap_or(text).split(' ').next().unwrap_or_default();
    let class = if class.contains("::") {
        class.trim_end_matches(':')
    } else {
        class.split(':').next().unwrap_or(class)
    };
    (is_error_class(class) && (text.contains(": ") || text.contains("\n    at "))).then_some(Level::Error)
}

/// What Node.js prints by itself: crashes, warnings, the version that ends a crash.
fn read_node(text: &str, record: &mut Record) {
    let first = first_line(text);
    if let Some((pid, rest)) = first.strip_prefix("(node:").and_then(|rest| rest.split_once(") "))
        && pid.bytes().all(|b| b.is_ascii_digit())
        && rest.contains("Warning: ")
    {
        record.level = Some(Level::Warn);
        push_field(record, "pid", pid);
        return;
    }
    read_printed_error(first_error(text), record);
    let trailer = text.lines().rev().take(4).find_map(|line| line.strip_prefix("Node.js v"));
    if let Some(version) = trailer.filter(|version| version.starts_with(|c: char| c.is_ascii_digit())) {
        push_field(record, "runtime_version", version.trim());
        record.runtime.get_or_insert_with(|| "node".to_owned());
        record.marks.insert(Marks::CRASH);
        record.level = Some(Level::Fatal);
    }
    if text.starts_with("FATAL ERROR: ") {
        record.level = Some(Level::Fatal);
        record.marks.insert(Marks::CRASH);
        if text.contains("JavaScript heap out of memory") {
            record.marks.insert(Marks::OUT_OF_MEMORY);
        }
    }
}

/// The text from the line that names an error: a crash begins with the place in the source.
fn first_error(text: &str) -> &str {
    let mut from = 0;
    for line in text.split_inclusive('\n').take(12) {
        let class = line.trim_start_matches("Uncaught ").split([':', ' ']).next().unwrap_or_default();
        if is_error_class(class.trim()) {
            return &text[from..];
        }
        from += line.len();
    }
    text
}

/// Keys of request IDs in text. A longer one stands before the one that it ends with.
const ID_KEYS: [&str; 7] =
    ["request_id", "requestId", "reqId", "req_id", "x-request-id", "request-id", "rid"];

/// Explicit request IDs in the first line: `request_id=…`, `reqId=…`, `[UUID]`. IDs that services return in error
/// texts (`Request ID: …`) are theirs, not ours.
fn read_ids(text: &str, record: &mut Record) {
    let first = first_line(text);
    for equals in memchr::memchr_iter(b'=', first.as_bytes()) {
        let (before, value) = (&first[..equals], &first[equals + 1..]);
        // All of them end with this letter.
        if !before.ends_with('d') {
            continue;
        }
        let Some(before) = ID_KEYS.iter().find_map(|key| before.strip_suffix(key)) else { continue };
        let starts_word = before.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let value = value.trim_start_matches(['"', '\'']);
        let value = value.split([' ', '"', '\'', ',', ']', ')', ';', '&']).next().unwrap_or_default();
        if starts_word && !value.is_empty() {
            set_request_id(record, value);
            return;
        }
    }
    let after_brackets = memchr::memchr_iter(b'[', first.as_bytes()).take(8).map(|at| &first[at + 1..]);
    let mut bracketed = after_brackets.filter_map(|rest| rest.split_at_checked(36));
    if let Some((id, _)) = bracketed.find(|(id, rest)| rest.starts_with(']') && is_uuid(id)) {
        set_request_id(record, id);
    }
}

/// Pairs are read as a logger's object: one table for both. Where they do not lead (`leads`), the line is a sentence with
/// pairs in it, and all of it is the message.
fn read_pairs(pairs: Map<String, Value>, text: &str, record: &mut Record, leads: bool) -> String {
    let words = ["msg", "message"].iter().find_map(|key| pairs.get(*key).and_then(Value::as_str));
    let words = words.filter(|_| leads).map(str::to_owned);
    record.message.clear();
    json_app::read_object(&pairs, record);
    record.fields.retain(|(name, _)| name != "logger");
    match words {
        // Lines below the pairs, such as a stack, stay.
        Some(words) => match text.split_once('\n') {
            Some((_, below)) => format!("{words}\n{below}"),
            None => words,
        },
        None => text.trim_start().to_owned(),
    }
}

/// A JSON object that ends the text: `payment failed {"requestId":"…","error":{…}}`.
fn trailing_object(text: &str) -> Option<Map<String, Value>> {
    let text = text.trim_end();
    if !text.ends_with('}') {
        return None;
    }
    text.find("{\"").and_then(|at| json::object(&text.as_bytes()[at..]))
}
