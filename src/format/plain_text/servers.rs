//! Error logs of servers around the application: nginx, Apache, PostgreSQL, PgBouncer. They are never a request of their
//! own: no status, no marks.

use crate::format::prefixed::apache;
use crate::format::text_parts::{
    first_line, path_of, push_code, push_field, request_line, said_by_php, set_asked, set_request, set_time,
};
use crate::format::time;
use crate::record::{Level, Record};
use xxhash_rust::xxh3::xxh3_64;

/// What nginx says of requests that it answers below 500 itself; it logs them as errors all the same.
const ANSWERED_BELOW_500: &[&str] = &[
    "client intended to send too large ",
    "access forbidden by rule",
    "directory index of \"",
    " no user/password was provided for basic authentication",
    ": password mismatch, client: ",
    " was not found in \"",
    "client closed connection while",
    "client prematurely closed connection",
];

/// Reads a line of one of the servers; false if it is none.
pub fn read(text: &str, record: &mut Record) -> bool {
    let first = first_line(text);
    match first.as_bytes().first() {
        // What an application wrote to nginx over FastCGI may have many lines; the request stands behind it.
        Some(b'0'..=b'9') if nginx(text, record) || postgres(first, record) => true,
        Some(_) => apache(first, record),
        None => false,
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
    let said = said_by_php(rest);
    let fails = match said {
        Some(said) if said.starts_with("PHP ") => {
            rest.contains("PHP Fatal error") || rest.contains("PHP Parse error")
        }
        Some(_) => true,
        None => !ANSWERED_BELOW_500.iter().any(|words| rest.contains(words)),
    };
    if !fails {
        record.level = Some(Level::Warn);
    }
    if let Some((verb, target)) = named(", request: \"").and_then(request_line) {
        set_request(record, verb, target);
        let client = named(", client: ").and_then(|rest| rest.split(',').next()).unwrap_or_default();
        let asked = set_asked(record, client, target);
        // `31#31: *77 ` is process, thread and connection.
        asked.connection = rest.split_once(' ').and_then(|(process, rest)| {
            let (connection, _) = rest.split_once(' ').filter(|(word, _)| word.starts_with('*'))?;
            Some(xxh3_64(format!("{process}{connection}").as_bytes()))
        });
        asked.quoted = said.map(|said| xxh3_64(said.as_bytes()));
    }
    if let Some(upstream) = named(", upstream: \"") {
        let address = upstream.split_once("://").map_or(upstream, |(_, address)| address);
        push_field(record, "upstream", address.split('/').next().unwrap_or_default());
    }
    true
}

/// What Apache says of requests that it answers below 500.
/// <https://httpd.apache.org/docs/2.4/logs.html#errorlog>
const APACHE_BELOW_500: &[&str] = &[
    "AH00035", "AH00036", "AH00037", "AH00126", "AH00127", "AH00128", "AH00130", "AH00135", "AH00524",
    "AH00529", "AH00548", "AH01276", "AH01384", "AH01588", "AH01617", "AH01618", "AH01627", "AH01630",
    "AH01631", "AH01797", "AH02811", "AH10244",
];

/// Words of Apache's error log behind its prefix, which the container has read or, in another one, stands before them:
/// `(111)Connection refused: AH00957: text`.
fn apache(line: &str, record: &mut Record) -> bool {
    let line = match apache::head(line) {
        Some(head) => {
            if let Some(ms) = head.time_ms {
                set_time(record, time::Stamp { ms, zoned: false });
            }
            record.level = head.level;
            apache::note(record, head.stream.as_deref(), head.client);
            head.body
        }
        None if record.field("logger") == Some(apache::NAME) => line,
        None => return false,
    };
    let code = line.split([' ', ':']).find(|word| {
        word.len() == 7 && word.starts_with("AH") && word[2..].bytes().all(|b| b.is_ascii_digit())
    });
    if let Some(code) = code {
        push_code(record, code);
        if APACHE_BELOW_500.contains(&code) {
            record.level = Some(Level::Warn);
        }
    }
    // Of all its errors this one names the request; of the others nobody can tell whose they are.
    if let Some((_, said)) = line.split_once("AH00898: ")
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
