//! Access lines of Go's web frameworks: gin's and Fiber's with bars between the parts, chi's with the request in quotes; and the
//! panic that gin prints below its line. echo's are JSON.
//! <https://pkg.go.dev/github.com/gin-gonic/gin#Logger>
//! <https://docs.gofiber.io/api/middleware/logger>
//! <https://pkg.go.dev/github.com/go-chi/chi/v5/middleware#Logger>

use super::{Framework, begin, complete, status};
use crate::format::text_parts::{
    METHODS, duration_ms, first_line, push_field, request_line, set_request_id, set_time,
};
use crate::format::{About, lines, time};
use crate::record::{Level, Marks, Record};

/// The shape `go-access`.
pub const GO_ACCESS: Framework = Framework {
    name: "go-access",
    about: About {
        title: "Access lines of gin, Fiber and chi (Go)",
        fingerprint: "[GIN] time | 500 | …; time | 500 | … | GET | /x; \"GET URL HTTP/1.1\" from ADDRESS - 500 …",
        export: "the program's standard output",
    },
    detect: |text| entry(first_line(text)).is_some() || is_panic(text),
    read,
};

/// Longest text before chi's request, in bytes.
const MAX_HEAD_BYTES: usize = 200;

/// One access line.
struct Entry<'t> {
    stamp: Option<time::Stamp>,
    verb: &'t str,
    target: &'t str,
    status: u16,
    took: &'t str,
    id: Option<&'t str>,
}

fn entry(line: &str) -> Option<Entry<'_>> {
    barred(line).or_else(|| chi(line))
}

/// `[GIN] 2026/01/01 - 10:10:15 | 500 |  12.3ms |  203.0.113.9 | GET  "/x"`, `10:10:15 | 500 | 12.3ms | 203.0.113.9 | GET | /x | error`.
fn barred(line: &str) -> Option<Entry<'_>> {
    let (is_gin, rest) = match line.strip_prefix("[GIN] ") {
        Some(rest) => (true, rest),
        None => (false, Some(line).filter(|line| line.as_bytes().get(2) == Some(&b':'))?),
    };
    let mut parts = rest.splitn(7, '|').map(str::trim);
    let (at, code, took, _address) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let status = status(code)?;
    let (verb, target) = match is_gin {
        true => {
            parts.next()?.split_once(' ').map(|(verb, target)| (verb, target.trim().trim_matches('"')))?
        }
        false => (parts.next()?, parts.next()?),
    };
    let stamp = at.split_once(" - ").and_then(|(day, clock)| time::parse(&format!("{day} {clock}")));
    let is_request = METHODS.contains(&verb) && target.starts_with('/');
    (is_request && milliseconds(took).is_some()).then_some(Entry {
        stamp,
        verb,
        target,
        status,
        took,
        id: None,
    })
}

/// `2026/01/01 10:10:15 [host/AbCdEf-000001] "GET http://shop.example.com/x HTTP/1.1" from 203.0.113.9:4711 - 500 21B in 12.3ms`.
fn chi(line: &str) -> Option<Entry<'_>> {
    let quote = memchr::memchr(b'"', line.as_bytes()).filter(|at| *at <= MAX_HEAD_BYTES)?;
    let (request, rest) = line[quote + 1..].split_once("\" from ")?;
    let (verb, target) = request_line(request)?;
    let mut words = rest.split(' ');
    let (_address, dash, code) = (words.next()?, words.next()?, words.next()?);
    let (size, joint, took) = (words.next()?, words.next()?, words.next()?);
    if dash != "-" || joint != "in" || !size.ends_with('B') {
        return None;
    }
    let head = line[..quote].trim_end();
    let (head, id) = match head.strip_suffix(']').and_then(|head| head.rsplit_once('[')) {
        Some((head, id)) => (head, Some(id)),
        None => (head, None),
    };
    Some(Entry { stamp: time::parse(head), verb, target, status: status(code)?, took, id })
}

/// Go's durations of one unit (`12.345678ms`) and of several (`1m2.3s`).
fn milliseconds(text: &str) -> Option<f64> {
    duration_ms(text).or_else(|| {
        let (minutes, seconds) = text.split_once('m')?;
        Some(minutes.parse::<f64>().ok()? * 6e4 + duration_ms(seconds)?)
    })
}

/// The text of a panic below gin's `panic recovered:`, whatever it says: gin's places stand below it. chi's begins with
/// ` panic: ` and has arrows below.
fn is_panic(text: &str) -> bool {
    let below = || text.lines().skip(1).take(MAX_TEXT_LINES);
    text.starts_with("runtime error: ")
        || below().any(lines::is_gin_frame)
        || text.trim_start().starts_with("panic: ") && below().any(|line| line.starts_with(" ->"))
}

/// Lines below the first one in which the places of a panic have to begin.
const MAX_TEXT_LINES: usize = 20;

fn read(text: &str, record: &mut Record) {
    record.runtime.get_or_insert_with(|| "go".to_owned());
    let Some(entry) = entry(first_line(text)) else {
        record.level = Some(Level::Error);
        let is_runtimes = text.contains("runtime error: ");
        record.error_class = Some(if is_runtimes { "runtime error" } else { "panic" }.to_owned());
        return;
    };
    if let Some(stamp) = entry.stamp {
        set_time(record, stamp);
    }
    begin(record, entry.verb, entry.target);
    complete(record, entry.status, milliseconds(entry.took));
    if let Some(id) = entry.id {
        set_request_id(record, id);
    }
    if entry.status == 499 {
        record.marks.insert(Marks::ABORTED);
    }
    record.level = Some(if entry.status >= 500 { Level::Error } else { Level::Info });
    push_field(record, "logger", "go");
}
