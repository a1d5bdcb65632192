//! Payload `python-text`: lines of Python's own loggers and servers (logging, Flask, Django, gunicorn, uvicorn) with
//! the tracebacks below them, and bare tracebacks. Access lines and JSON loggers are read elsewhere.

use crate::format::lines::is_python_last_line;
use crate::format::plain_text::read_prefix;
use crate::format::text_parts::{METHODS, duration_ms, first_line, method, set_request, set_time};
use crate::format::{About, Payload, ansi, time};
use crate::record::{Level, Marks, Record};

#[cfg(test)]
mod tests;

/// The payload `python-text`.
pub struct PythonText;

/// The line above the frames.
const TRACEBACK: &str = "Traceback (most recent call last):";

impl Payload for PythonText {
    fn name(&self) -> &'static str {
        "python-text"
    }

    fn about(&self) -> About {
        About {
            title: "Python's loggers and servers (logging, Flask, Django, gunicorn, uvicorn)",
            fingerprint: "`[time] ERROR in app:`, `[time] [pid] [ERROR]`, `ERROR:    `, or a traceback",
            export: "the server's standard error",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        let text = record.message.trim_start();
        let begins = |at: usize| text.as_bytes()[at..].starts_with(TRACEBACK.as_bytes());
        if begins(0) || memchr::memchr_iter(b'\n', text.as_bytes()).any(|at| begins(at + 1)) {
            return true;
        }
        let first = ansi::strip(first_line(text));
        head(&first).is_some()
    }

    fn read(&self, record: &mut Record, _more: &mut Vec<Record>) {
        let mut text = ansi::strip(record.message.trim()).into_owned();
        if tornado_head(first_line(&text)).is_some() {
            text = text.replace("\n    ", "\n");
        }
        let first = first_line(&text);
        record.runtime.get_or_insert_with(|| "python".to_owned());
        let body = match head(first) {
            Some(head) => {
                if let Some(stamp) = head.time {
                    set_time(record, stamp);
                }
                record.level = head.level.or(record.level);
                if let Some(pid) = head.pid {
                    record.stream.get_or_insert_with(|| pid.to_owned());
                }
                head.body
            }
            None => first,
        };
        read_body(body, record);
        if record.id.is_none() && body.len() < text.len() {
            read_prefix(body, record);
        }
        if text.contains(TRACEBACK) {
            record.error_class = last_exception(&text).map(|(class, _)| class);
            record.level = record.level.filter(|level| *level > Level::Info).or(Some(Level::Error));
        }
        record.message = text;
    }
}

/// What stands before the text of a line.
#[derive(Debug, Default)]
struct Head<'a> {
    time: Option<time::Stamp>,
    level: Option<Level>,
    pid: Option<&'a str>,
    body: &'a str,
}

fn head(line: &str) -> Option<Head<'_>> {
    let found = bracketed_head(line).or_else(|| logging_head(line)).or_else(|| level_head(line));
    found.or_else(|| tornado_head(line)).or_else(|| {
        // Django prints only the message to standard error.
        line.starts_with("Internal Server Error: /").then(|| Head {
            level: Some(Level::Error),
            body: line,
            ..Head::default()
        })
    })
}

/// `[time] [pid] [LEVEL] text` of gunicorn, `[time] LEVEL in module: text` of Flask.
fn bracketed_head(line: &str) -> Option<Head<'_>> {
    let (date, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let time = Some(time::parse(date)?);
    if let Some((pid, rest)) = rest.strip_prefix('[').and_then(|rest| rest.split_once("] [")) {
        let (level, body) = rest.split_once(']')?;
        let pid = pid.bytes().all(|b| b.is_ascii_digit()).then_some(pid)?;
        return Some(Head {
            time,
            level: Some(python_level(level)?),
            pid: Some(pid),
            body: body.trim_start(),
        });
    }
    let (level, rest) = rest.split_once(" in ")?;
    let (_, body) = rest.split_once(": ")?;
    Some(Head { time, level: Some(python_level(level)?), pid: None, body })
}

/// `[E 260101 10:10:15 web:2591] text` of Tornado, which indents all lines below by four blanks.
/// <https://www.tornadoweb.org/en/stable/log.html>
fn tornado_head(line: &str) -> Option<Head<'_>> {
    let (head, body) = line.strip_prefix('[')?.split_once("] ")?;
    let mut words = head.split(' ');
    let (level, date, clock, place) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let level = match level {
        "D" => Level::Debug,
        "I" => Level::Info,
        "W" => Level::Warn,
        "E" => Level::Error,
        "C" => Level::Fatal,
        _ => return None,
    };
    let is_date = date.len() == 6 && date.bytes().all(|b| b.is_ascii_digit());
    if !is_date || !place.contains(':') {
        return None;
    }
    let time = time::parse(&format!("20{}-{}-{} {clock}", &date[..2], &date[2..4], &date[4..]))?;
    Some(Head { time: Some(time), level: Some(level), pid: None, body })
}

/// `500 GET /x (203.0.113.9) 12.34ms` of Tornado: status, verb, target and milliseconds.
fn tornado_access(body: &str) -> Option<(u16, &str, &str, f64)> {
    let mut words = first_line(body).split(' ');
    let (code, verb, target) = (words.next()?, words.next()?, words.next()?);
    let (address, took) = (words.next()?, words.next()?);
    let is_whole = address.starts_with('(') && address.ends_with(')') && words.next().is_none();
    let code = code.parse().ok().filter(|code| (100..600).contains(code) && is_whole)?;
    METHODS.contains(&verb).then_some((code, verb, target, duration_ms(took)?))
}

/// `2026-01-01 10:10:15,001 …`: the comma before the milliseconds is Python's. The level is one of the next words.
fn logging_head(line: &str) -> Option<Head<'_>> {
    let date = line.get(..23).filter(|date| date.as_bytes()[19] == b',')?;
    let time = Some(time::parse(date)?);
    let rest = line[23..].trim_start_matches([' ', '-', ':', '|']);
    let mut level = None;
    let mut pid = None;
    for word in rest.split([' ', '[', ']', ':', '|']).filter(|word| !word.is_empty()).take(8) {
        level = level.or_else(|| python_level(word));
        if pid.is_none() && word.len() <= 7 && word.bytes().all(|b| b.is_ascii_digit()) && level.is_none() {
            pid = Some(word);
        }
    }
    Some(Head { time, level, pid, body: rest })
}

/// `ERROR:    text` of uvicorn, `ERROR:logger:text` of `logging.basicConfig`.
fn level_head(line: &str) -> Option<Head<'_>> {
    // The longest level has eight letters.
    let (word, rest) = line.split_at(line.bytes().take(9).position(|b| b == b':')?);
    let (level, rest) = (Some(python_level(word)?), &rest[1..]);
    if rest.starts_with("  ") {
        return Some(Head { level, body: rest.trim_start(), ..Head::default() });
    }
    let (logger, body) = rest.split_once(':')?;
    let is_logger = !logger.is_empty()
        && logger.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    is_logger.then_some(Head { level, body, ..Head::default() })
}

/// Python writes its levels in upper case.
fn python_level(word: &str) -> Option<Level> {
    matches!(word, "DEBUG" | "INFO" | "WARNING" | "WARN" | "ERROR" | "CRITICAL" | "FATAL")
        .then(|| Level::parse(word))
        .flatten()
}

/// What servers and frameworks say in their own words.
fn read_body(body: &str, record: &mut Record) {
    if let Some((code, verb, target, took_ms)) = tornado_access(body) {
        set_request(record, verb, target);
        record.status = Some(code);
        record.duration_ms = Some(took_ms);
        record.marks.insert(Marks::CLIENT | Marks::END);
    } else if let Some(request) = body.strip_prefix("Uncaught exception ") {
        let mut words = request.split([' ', '\n']);
        if let (Some(verb), Some(target)) = (words.next().and_then(method), words.next()) {
            set_request(record, &verb, target);
            record.marks.insert(Marks::ERROR_BLOCK);
        }
    } else if first_line(body).contains("django.security.") {
        // What Django finds suspicious it answers with 400.
        record.level = Some(Level::Warn);
    } else if let Some(rest) = after(body, "Exception on ") {
        // Flask: `Exception on /api/cart [GET]`.
        let (path, verb) = rest.rsplit_once(" [").unwrap_or((rest, ""));
        if let Some(verb) = method(verb.trim_end_matches(']')) {
            set_request(record, &verb, path);
            record.marks.insert(Marks::ERROR_BLOCK);
        }
    } else if let Some(path) =
        after(body, "Internal Server Error: ").or_else(|| after(body, "Error handling request "))
    {
        // Django and gunicorn name the path only.
        set_request(record, "", path.split(' ').next().unwrap_or_default());
        record.marks.insert(Marks::ERROR_BLOCK);
        record.level = Some(Level::Error);
    } else if body.starts_with("Exception in ASGI application") {
        record.marks.insert(Marks::ERROR_BLOCK);
    } else if body.starts_with("WORKER TIMEOUT") {
        record.marks.insert(Marks::TIMEOUT);
        set_worker(body, record);
    } else if body.contains("was sent SIGKILL!") || body.contains("was sent SIGSEGV!") {
        record.marks.insert(Marks::CRASH);
        set_worker(body, record);
    }
}

fn after<'t>(body: &'t str, words: &str) -> Option<&'t str> {
    body.find(words).filter(|at| *at <= 120).map(|at| &body[at + words.len()..])
}

/// gunicorn's master speaks of a worker: the worker is the stream, not the master.
fn set_worker(body: &str, record: &mut Record) {
    let pid = body.split_once("(pid:").and_then(|(_, rest)| rest.split_once(')')).map(|(pid, _)| pid.trim());
    if let Some(pid) = pid.filter(|pid| !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit())) {
        record.stream = Some(pid.to_owned());
    }
}

/// Class (without its module) and line of the last exception in a text with tracebacks: Python prints the outermost
/// one last.
pub(super) fn last_exception(text: &str) -> Option<(String, &str)> {
    let is_last = |line: &&str| {
        let line = line.trim_end();
        is_python_last_line(line) || {
            // Below a traceback V8's names and unknown endings are Python's too.
            let name = line.split(": ").next().unwrap_or_default();
            crate::format::text_parts::is_error_class(name)
        }
    };
    let line = text.lines().rfind(is_last)?.trim_end();
    let name = line.split(": ").next().unwrap_or(line).trim_end_matches(':');
    let class = name.rsplit('.').next().unwrap_or(name);
    Some((class.to_owned(), line))
}
