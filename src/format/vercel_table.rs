//! What the Vercel CLI prints for people (to standard error): the table of `vercel logs`, compact and expanded, the
//! pretty stream of `--follow`, and the short form of CLI 34 and older. It holds less than `--json`: no request ID, the
//! time of day without a date, the expanded table no status, messages cut to the terminal's width. Read what is there;
//! for more, export again with `vercel logs --json`.

use std::borrow::Cow;

use crate::format::time;
use crate::format::vercel::{self, Text};
use crate::format::{About, Container, Decoded};
use crate::input::frame::{Frame, FrameContext, FrameKind, lossy};
use crate::record::{Level, Marks, Record};

/// The CLI's output for people.
pub struct VercelTable;

/// Lines that the CLI prints around its logs, by how they begin.
const CHATTER: [&str; 6] = [
    "Fetched ",
    "Fetching logs",
    "No logs found for ",
    "Streaming logs for deployment ",
    "Displaying runtime logs for deployment ",
    "waiting for new logs",
];
/// What the table prints for a request without a message.
const NO_MESSAGE: &str = "(no message)";

impl Container for VercelTable {
    fn name(&self) -> &'static str {
        "vercel-table"
    }

    fn knows_status(&self) -> bool {
        true
    }

    fn is_text(&self) -> bool {
        true
    }

    fn about(&self) -> About {
        About {
            title: "Vercel CLI output for people",
            fingerprint: "a header TIME HOST LEVEL, or lines with a time of day, a method and a host",
            export: "vercel logs 2> logs.txt (no dates and no request ids: prefer vercel logs --json)",
        }
    }

    fn detect(&self, frame: &Frame<'_>, _context: &FrameContext) -> Option<&'static str> {
        if frame.kind != FrameKind::Line {
            return None;
        }
        match Line::read(&text_of(first_line(frame.bytes)))? {
            Line::Header => Some("header TIME HOST LEVEL"),
            Line::Chatter => Some("a line that the Vercel CLI prints around its logs"),
            Line::Row(_) => Some("a row of the Vercel CLI's table"),
            Line::Stream(_) => Some("a line of the Vercel CLI's stream"),
            Line::Short(_) => Some("a time, two spaces, a message"),
        }
    }

    fn starts_entry(&self, line: &[u8]) -> bool {
        Line::read(&text_of(line)).is_some()
    }

    fn decode(&self, frame: &Frame<'_>, _context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        if frame.kind != FrameKind::Line {
            return Decoded::NotMine;
        }
        let text = text_of(frame.bytes);
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let mut record = match Line::read(first) {
            None => return Decoded::NotMine,
            Some(Line::Header) => return Decoded::Ignored("header of the table"),
            Some(Line::Chatter) => return Decoded::Ignored("a remark of the Vercel CLI"),
            Some(Line::Row(record) | Line::Stream(record) | Line::Short(record)) => *record,
        };
        let rest: Vec<&str> = rest.lines().map(str::trim_end).filter(|line| !is_rule(line)).collect();
        let rest = rest.join("\n");
        let rest = rest.trim_matches('\n');
        if !rest.is_empty() {
            if !record.message.is_empty() {
                record.message.push('\n');
            }
            record.message.push_str(rest);
        }
        if record.message == NO_MESSAGE {
            record.message.clear();
        }
        if record.message.ends_with('…') {
            record.marks.insert(Marks::TRUNCATED);
        }
        vercel::mark_phrases(&mut record);
        record.at = frame.at;
        out.push(record);
        Decoded::Records
    }
}

/// What a first line is.
enum Line {
    Header,
    Chatter,
    Row(Box<Record>),
    Stream(Box<Record>),
    Short(Box<Record>),
}

impl Line {
    fn read(line: &str) -> Option<Line> {
        let line = line.trim_end();
        let mut words = line.split_whitespace();
        if words.next() == Some("TIME") && words.next() == Some("HOST") && words.next() == Some("LEVEL") {
            return Some(Line::Header);
        }
        let mut remark = line;
        while let Some(rest) = remark.strip_prefix("> ") {
            remark = rest;
        }
        if CHATTER.iter().any(|start| remark.starts_with(start))
            && (!line.starts_with("Fetched ") || line.contains(" logs for "))
        {
            return Some(Line::Chatter);
        }
        if let Some((time, rest)) = time_of_day(line) {
            return row(time, rest).map(Line::Row).or_else(|| stream(time, rest).map(Line::Stream));
        }
        short(line).map(Line::Short)
    }
}

/// Splits off `HH:mm:ss.SS` or `MMM DD HH:mm:ss.SS` and the two spaces after it.
fn time_of_day(line: &str) -> Option<(&str, &str)> {
    let clock_at = if matches_shape(line, "AAA 99 ") { 7 } else { 0 };
    let end = clock_at + 11;
    let rest = line.get(end..)?;
    (matches_shape(line.get(clock_at..end)?, "99:99:99.99") && rest.starts_with("  "))
        .then(|| (line.get(..end).unwrap_or_default(), rest))
}

/// Whether the text begins as the shape does: `9` stands for a digit, `A` for a letter, else the character itself.
fn matches_shape(text: &str, shape: &str) -> bool {
    text.len() >= shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_alphabetic(),
            other => byte == other,
        })
}

/// Splits off the next cell; cells are two or more spaces apart.
fn cell(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find("  ").unwrap_or(text.len());
    text.split_at(end)
}

/// `HOST  LEVEL  <icon METHOD PATH>  STATUS  MESSAGE`; the expanded table ends after the path, and a request without
/// a host has no first cell.
fn row(time: &str, rest: &str) -> Option<Box<Record>> {
    let (first, after) = cell(rest);
    let (host, level, after) = match table_level(first) {
        Some(level) => ("", level, after),
        None => {
            let (second, after) = cell(after);
            (first, table_level(second)?, after)
        }
    };
    let (request, after) = cell(after);
    let mut words = request.split(' ');
    let mut method = words.next()?;
    let mut runtime = None;
    if !method.is_ascii() {
        runtime = runtime_of(method);
        method = words.next()?;
    }
    if !is_method(method) {
        return None;
    }
    let mut record = base(time, host, method, words.next().unwrap_or_default());
    record.level = Some(level);
    record.runtime = runtime.map(str::to_owned);
    let (status, message) = cell(after);
    if status == "---" || matches_shape(status, "999") && status.len() == 3 {
        record.status = vercel::Number::parse(status).status();
        if record.status.is_some() {
            record.marks.insert(Marks::CLIENT | Marks::END);
        }
        record.message = message.trim().to_owned();
    }
    Some(Box::new(record))
}

/// `<icon>  METHOD  STATUS  domain  <icon>  path`.
fn stream(time: &str, rest: &str) -> Option<Box<Record>> {
    let (icon, after) = cell(rest);
    let level = match icon.trim_end_matches('\u{fe0f}') {
        "🚫" => Level::Error,
        "⚠" => Level::Warn,
        "ℹ" => Level::Info,
        _ => return None,
    };
    let (method, after) = cell(after);
    let (status, after) = cell(after);
    let (domain, after) = cell(after);
    let (next, after) = cell(after);
    let (source, path) = if next.starts_with('/') { ("", next) } else { (next, after.trim()) };
    if !is_method(method) || !(status == "---" || matches_shape(status, "999")) {
        return None;
    }
    let mut record = base(time, domain, method, path);
    record.level = Some(level);
    record.status = vercel::Number::parse(status).status();
    record.runtime = runtime_of(source).map(str::to_owned);
    Some(Box::new(record))
}

/// `2026-01-01T00:00:00.000Z  text`: exactly two spaces, which tells it from other lines that begin with a time.
fn short(line: &str) -> Option<Box<Record>> {
    let message = line.get(24..)?.strip_prefix("  ")?;
    if !matches_shape(line, "9999-99-99T99:99:99.999Z") || message.starts_with([' ', '\t']) {
        return None;
    }
    if message.find(" --- [").is_some_and(|at| at <= 14) {
        // Spring Boot pads its levels: `TIME  INFO 1 --- [main] …`.
        return None;
    }
    let stamp = time::parse(line.get(..24)?)?;
    Some(Box::new(Record { time_ms: Some(stamp.ms), message: message.to_owned(), ..Record::default() }))
}

fn base(time: &str, domain: &str, method: &str, path: &str) -> Record {
    let mut record = Record { path: vercel::path(path), ..Record::default() };
    vercel::set_method(&mut record, Text(method.into()));
    vercel::keep(&mut record, "time_of_day", Text(time.into()));
    vercel::keep(&mut record, "domain", Text(domain.into()));
    record
}

fn is_method(word: &str) -> bool {
    (3..=7).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_uppercase())
}

/// The levels of the table, and no other word.
fn table_level(word: &str) -> Option<Level> {
    matches!(word, "info" | "warning" | "error" | "fatal" | "debug" | "trace")
        .then(|| Level::parse(word))
        .flatten()
}

/// What the icon before a path stands for. Edge functions and middleware share one in the table.
fn runtime_of(icon: &str) -> Option<&'static str> {
    match icon {
        "λ" | "ƒ" => Some("lambda"),
        "ε" | "ɛ" | "ന" => Some("edge"),
        "◇" => Some("static"),
        _ => None,
    }
}

/// The dashes under a stream's line.
fn is_rule(line: &str) -> bool {
    line.len() >= 20 && line.bytes().all(|b| b == b'-')
}

fn first_line(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr::memchr(b'\n', bytes).unwrap_or(bytes.len())]
}

/// The bytes as text without colour codes, which stand between the columns where colour was forced.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    let text = lossy(bytes);
    if memchr::memchr(0x1b, bytes).is_none() {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = rest.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest);
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests;
