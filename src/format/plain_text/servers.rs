//! Error logs of servers around the application: nginx, Apache, PostgreSQL, PgBouncer. They are never a request of their
//! own: no status, no marks.

use crate::format::text_parts::{
    first_line, path_of, push_code, push_field, request_line, set_request, set_time,
};
use crate::format::time;
use crate::record::{Level, Record};

/// Reads a line of one of the servers; false if it is none.
pub fn read(text: &str, record: &mut Record) -> bool {
    let first = first_line(text);
    match first.as_bytes().first() {
        // What an application wrote to nginx over FastCGI may have many lines; the request stands behind it.
        Some(b'0'..=b'9') => nginx(text, record) || postgres(first, record),
        Some(b'[') => apache(first, record),
        _ => false,
    }
}

/// `2026/01/01 10:10:15 [error] 31#31: *77 text, client: …, request: "GET /x HTTP/1.1", upstream: "…", host: "…"`.
/// The time has no zone.
fn nginx(line: &str, record: &mut Record) -> bool {
    let Some(date) = line.get(..19).filter(|date| date.as_bytes()[4] == b'/') else { return false };
    let Some(stamp) = time::parse(date) else { return false };
    let Some((level, rest)) =
        line[19..].trim_start().strip_prefix('[').and_then(|rest| rest.split_once("] "))
    else {
        return false;
    };
    let Some(level) = Level::parse(level) else { return false };
    if !rest.split(':').next().is_some_and(|process| process.contains('#')) {
        return false;
    }
    set_time(record, stamp);
    record.level = Some(level);
    push_field(record, "logger", "nginx");
    let named = |name: &str| {
        let (_, value) = rest.rsplit_once(name)?;
        value.split('"').next()
    };
    if let Some((verb, target)) = named(", request: \"").and_then(request_line) {
        set_request(record, verb, target);
    }
    if let Some(upstream) = named(", upstream: \"") {
        let address = upstream.split_once("://").map_or(upstream, |(_, address)| address);
        push_field(record, "upstream", address.split('/').next().unwrap_or_default());
    }
    true
}

/// `[Thu Jan 01 10:10:15.001 2026] [proxy:error] [pid 9:tid 8] [client …] AH01114: text`. The time has no zone.
/// <https://httpd.apache.org/docs/2.4/logs.html#errorlog>
fn apache(line: &str, record: &mut Record) -> bool {
    let Some((date, rest)) = line[1..].split_once("] [") else { return false };
    let Ok(at) = chrono::NaiveDateTime::parse_from_str(date, "%a %b %d %H:%M:%S%.f %Y") else { return false };
    let Some((place, rest)) = rest.split_once(']') else { return false };
    // Before version 2.4 there was no module.
    let level = place.rsplit(':').next().unwrap_or_default();
    let Some(level) = Level::parse(level) else { return false };
    set_time(record, time::Stamp { ms: at.and_utc().timestamp_millis(), zoned: false });
    record.level = Some(level);
    push_field(record, "logger", "apache");
    let code = rest.split([' ', ':']).find(|word| {
        word.len() == 7 && word.starts_with("AH") && word[2..].bytes().all(|b| b.is_ascii_digit())
    });
    if let Some(code) = code {
        push_code(record, code);
    }
    // Of all its errors this one names the request; of the others nobody can tell whose they are.
    if let Some((_, said)) = rest.split_once("AH00898: ")
        && let Some((_, target)) = said.split_once(" returned by ")
    {
        record.path = path_of(target.split([' ', ',']).next().unwrap_or_default());
        record.error_text = said.trim_end().to_owned();
    }
    true
}

/// Levels of the PostgreSQL server; `LOG` is informational, the last five continue the entry before.
const POSTGRES_LEVELS: &[(&str, Level)] = &[
    ("FATAL", Level::Fatal),
    ("PANIC", Level::Fatal),
    ("ERROR", Level::Error),
    ("WARNING", Level::Warn),
    ("NOTICE", Level::Info),
    ("INFO", Level::Info),
    ("LOG", Level::Info),
    ("DEBUG", Level::Debug),
    ("DETAIL", Level::Info),
    ("HINT", Level::Info),
    ("CONTEXT", Level::Info),
    ("STATEMENT", Level::Info),
    ("QUERY", Level::Info),
];

/// `2026-01-01 10:10:15.001 UTC [311] app@shop FATAL:  text` (any `log_line_prefix` with `%m` or `%t` and `[%p]`),
/// Amazon RDS's `… UTC:10.0.0.9(5432):user@db:[123]:FATAL:  text`, PgBouncer's `… UTC [208] LOG text`.
fn postgres(line: &str, record: &mut Record) -> bool {
    let Some(open) = memchr::memchr(b'[', line.as_bytes()).filter(|at| (23..120).contains(at)) else {
        return false;
    };
    let Some((pid, rest)) = line[open + 1..].split_once(']') else { return false };
    if pid.is_empty() || !pid.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let head: Vec<&str> = line[..open].splitn(3, ' ').collect();
    let [date, clock, zone] = head.as_slice() else { return false };
    let zone = zone.split([':', ' ']).next().unwrap_or_default();
    if zone.len() < 3 || !zone.bytes().all(|b| b.is_ascii_alphabetic()) {
        return false;
    }
    let known_zone = matches!(zone, "UTC" | "GMT");
    let spelled = format!("{date} {clock}{}", if known_zone { "Z" } else { "" });
    let Some(stamp) = time::parse(&spelled) else { return false };
    let words = rest.split([' ', ':']).filter(|word| !word.is_empty()).take(4);
    let level = words.clone().find_map(|word| {
        POSTGRES_LEVELS.iter().find(|(name, _)| *name == word.trim_end_matches(|c: char| c.is_ascii_digit()))
    });
    let Some((name, level)) = level else { return false };
    set_time(record, stamp);
    record.level = Some(*level);
    record.stream.get_or_insert_with(|| format!("postgres:{pid}"));
    let is_pooler = !rest.contains(&format!("{name}:"));
    push_field(record, "logger", if is_pooler { "pgbouncer" } else { "postgres" });
    true
}
