//! ASP.NET Core's console: `fail: Category[13]` and the text on indented lines below it; and Serilog's text.
//! <https://learn.microsoft.com/aspnet/core/fundamentals/logging/>

use super::{Framework, begin, complete, note_class, status};
use crate::format::text_parts::{duration_ms, first_line, set_request_id, set_time};
use crate::format::{About, completion, time};
use crate::record::{Level, Marks, Record};

/// The shape `dotnet-console`.
pub const DOTNET: Framework = Framework {
    name: "dotnet-console",
    about: About {
        title: "The console log of ASP.NET Core",
        fingerprint: "fail: Category[13] and indented lines below it",
        export: "the application's standard output",
    },
    detect: |text| head(text).is_some(),
    read,
};

/// Serilog's text: `[10:10:15 ERR] text` on the console, `2026-01-01 10:10:15.000 +00:00 [ERR] text` in files.
/// <https://github.com/serilog/serilog/wiki/Formatting-Output>
pub const SERILOG: Framework = Framework {
    name: "serilog-text",
    about: About {
        title: "Serilog's text, on the console and in files",
        fingerprint: "[10:10:15 ERR] or [ERR] after a time, in three letters",
        export: "the application's standard output, or its log file",
    },
    detect: |text| serilog(first_line(text)).is_some(),
    read: read_serilog,
};

/// What stands before an entry: a time where one is configured, and the level.
struct Head<'t> {
    stamp: Option<time::Stamp>,
    level: Level,
    /// The text, without the category.
    below: &'t str,
}

/// The category must be named as a namespace is, with the event's number after it; the text stands on the next lines, or
/// on the same one if the console is told to keep to one.
fn head(text: &str) -> Option<Head<'_>> {
    if let Some(found) = systemd(text) {
        return Some(found);
    }
    // Few lines of others begin so.
    if !text.starts_with(|c: char| matches!(c, 't' | 'd' | 'i' | 'w' | 'f' | 'c' | '0'..='9')) {
        return None;
    }
    let first = first_line(text);
    let at = LEVELS.iter().find_map(|level| match first.starts_with(level) {
        true => Some(0),
        false => first.get(..48).unwrap_or(first).find(level),
    })?;
    let (before, rest) = text.split_at(at);
    let stamp = time::parse(before);
    let is_clock = before.as_bytes().get(2) == Some(&b':') && before.len() <= 16;
    if !(before.is_empty() || stamp.is_some() || is_clock) {
        return None;
    }
    let (level, rest) = rest.split_at_checked(4)?;
    let rest = rest.strip_prefix(": ")?;
    let close = rest.find(']')?;
    let (category, number) = rest[..close].rsplit_once('[')?;
    let below = &rest[close + 1..];
    let valid = !category.contains(char::is_whitespace)
        && number.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit())
        && (below.trim_start_matches('\r').starts_with('\n')
            || (below.starts_with(' ') && category.contains('.')));
    Some(Head { stamp, level: Level::parse(level).filter(|_| valid)?, below })
}

/// `<3>Category[13] text` on one line, as the console writes for systemd; the journal keeps the level apart.
/// <https://learn.microsoft.com/dotnet/core/extensions/console-log-formatter#systemd>
fn systemd(text: &str) -> Option<Head<'_>> {
    let (level, rest) = match text.strip_prefix('<') {
        Some(rest) => {
            let level = match rest.as_bytes().first()? {
                b'0'..=b'2' => Level::Fatal,
                b'3' => Level::Error,
                b'4' => Level::Warn,
                b'5' | b'6' => Level::Info,
                b'7' => Level::Debug,
                _ => return None,
            };
            (Some(level), rest.get(1..)?.strip_prefix('>')?)
        }
        None if text.starts_with("Microsoft.") => (None, text),
        None => return None,
    };
    let (category, rest) =
        first_line(rest).split_once('[').map(|(category, _)| (category, &rest[category.len() + 1..]))?;
    let (number, below) = rest.split_once(']')?;
    let valid = category.contains('.')
        && category.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'`' | b'+'))
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && below.starts_with(' ');
    let level = level.or_else(|| below.contains("nhandled exception").then_some(Level::Error));
    valid.then_some(Head { stamp: None, level: level.unwrap_or(Level::Info), below })
}

/// As the console writes them.
const LEVELS: [&str; 6] = ["info: ", "fail: ", "warn: ", "dbug: ", "crit: ", "trce: "];

fn read(text: &str, record: &mut Record) {
    let Some(Head { stamp, level, below }) = head(text) else { return };
    if let Some(stamp) = stamp {
        set_time(record, stamp);
    }
    record.level = Some(level);
    record.runtime.get_or_insert_with(|| "dotnet".to_owned());
    // Scopes: `=> ConnectionId:0HM => RequestPath:/x RequestId:0HM:00000001 …`.
    let scoped = |name: &str| {
        let (_, rest) = below.split_once(name)?;
        rest.split([' ', ',', '"', '\n', '\r']).next().filter(|value| !value.is_empty())
    };
    // Where no other line names the request, the ID in Kestrel's sentence would part the error from its request.
    let has_scopes = below.contains("=> ");
    if let Some(id) = scoped("RequestId:").or_else(|| scoped("Request id \"").filter(|_| has_scopes)) {
        set_request_id(record, id);
    }
    if let Some(path) = scoped("RequestPath:") {
        begin(record, "", path);
    }
    let said = |words: &str| below.lines().take(3).find_map(|line| Some(line.split_once(words)?.1));
    if let Some(rest) = said("Request finished ") {
        // `HTTP/1.1 GET http://shop.example.com/x - 500 0 - 12.3456ms`; before version 5 `in 12.3ms 500`.
        let words: Vec<&str> = rest.split(' ').take(16).collect();
        if let [_, verb, target, ..] = words.as_slice() {
            begin(record, verb, target);
        }
        let took = words.iter().rev().find_map(|word| duration_ms(word));
        if let Some(code) = words.iter().skip(3).find_map(|word| status(word)).or_else(|| old_status(&words))
        {
            complete(record, code, took);
        }
    } else if let Some(rest) = said("Request starting ") {
        let words: Vec<&str> = rest.split(' ').take(4).collect();
        if let [_, verb, target, ..] = words.as_slice() {
            begin(record, verb, target);
        }
        record.marks.insert(Marks::START);
    }
    if below.contains("An unhandled exception ") && level >= Level::Error {
        record.marks.insert(Marks::ERROR_BLOCK);
    }
    if level >= Level::Error {
        note_class(below, record);
    }
}

/// Of `in 12.3ms 500 text/plain`, which names neither verb nor target.
fn old_status(words: &[&str]) -> Option<u16> {
    match words {
        ["in", _, code, ..] => status(code),
        _ => None,
    }
}

/// Time, level and text.
fn serilog(line: &str) -> Option<(Option<time::Stamp>, Level, &str)> {
    let (stamp, word, body) = match line.strip_prefix('[') {
        Some(inside) => {
            let (clock, rest) = inside.split_once(' ')?;
            let is_clock = clock.len() >= 8 && clock.as_bytes()[2] == b':' && clock.as_bytes()[5] == b':';
            let (word, body) = rest.split_once("] ")?;
            (None, Some(word).filter(|_| is_clock)?, body)
        }
        None => {
            if !line.starts_with(|c: char| c.is_ascii_digit()) {
                return None;
            }
            let (before, rest) = line.split_once(" [").filter(|(before, _)| before.len() <= 40)?;
            let (word, body) = rest.split_once("] ")?;
            (Some(time::parse(before)?), word, body)
        }
    };
    let level = match word {
        "VRB" => Level::Trace,
        "DBG" => Level::Debug,
        "INF" => Level::Info,
        "WRN" => Level::Warn,
        "ERR" => Level::Error,
        "FTL" => Level::Fatal,
        _ => return None,
    };
    Some((stamp, level, body))
}

fn read_serilog(text: &str, record: &mut Record) {
    let Some((stamp, level, body)) = serilog(first_line(text)) else { return };
    if let Some(stamp) = stamp {
        set_time(record, stamp);
    }
    record.level = Some(level);
    record.runtime.get_or_insert_with(|| "dotnet".to_owned());
    if let Some(done) = completion::read(body) {
        done.settle(record);
        let took = body.rsplit_once(" in ").and_then(|(_, took)| duration_ms(took));
        record.duration_ms = record.duration_ms.or(took);
    }
    if level >= Level::Error {
        note_class(text, record);
    }
}
