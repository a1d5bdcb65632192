//! ASP.NET Core's console: `fail: Category[13]` and the text on indented lines below it.
//! <https://learn.microsoft.com/aspnet/core/fundamentals/logging/>

use super::{Framework, begin, complete, note_class, status};
use crate::format::About;
use crate::format::text_parts::{duration_ms, first_line, set_request_id};
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

/// Level and text. The category must be named as a namespace is, with the event's number after it.
fn head(text: &str) -> Option<(Level, &str)> {
    let (level, rest) = text.split_at_checked(4)?;
    let rest = rest.strip_prefix(": ")?;
    if !matches!(level, "trce" | "dbug" | "info" | "warn" | "fail" | "crit") {
        return None;
    }
    let (first, below) = rest.split_once('\n')?;
    let (category, number) = first.trim_end().strip_suffix(']')?.rsplit_once('[')?;
    let valid = !category.contains(char::is_whitespace)
        && number.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit());
    Some((Level::parse(level).filter(|_| valid)?, below))
}

fn read(text: &str, record: &mut Record) {
    let Some((level, below)) = head(text) else { return };
    record.level = Some(level);
    record.runtime.get_or_insert_with(|| "dotnet".to_owned());
    let first = first_line(below).trim();
    // Scopes: `=> ConnectionId:0HM => RequestPath:/x RequestId:0HM:00000001 …`.
    let scoped = |name: &str| {
        let (_, rest) = below.split_once(name)?;
        rest.split([' ', ',', '"', '\n', '\r']).next().filter(|value| !value.is_empty())
    };
    if let Some(id) = scoped("RequestId:").or_else(|| scoped("Request id \"")) {
        set_request_id(record, id);
    }
    if let Some(path) = scoped("RequestPath:") {
        begin(record, "", path);
    }
    let finished = below.lines().take(3).find_map(|line| line.trim_start().strip_prefix("Request finished "));
    if let Some(rest) = finished {
        // `HTTP/1.1 GET http://shop.example.com/x - 500 0 - 12.3456ms`; before version 5 `in 12.3ms 500`.
        let words: Vec<&str> = rest.split(' ').take(16).collect();
        if let [_, verb, target, ..] = words.as_slice() {
            begin(record, verb, target);
        }
        let took = words.iter().rev().find_map(|word| duration_ms(word));
        if let Some(code) = words.iter().skip(3).find_map(|word| status(word)) {
            complete(record, code, took);
        }
    } else if let Some(rest) = first.strip_prefix("Request starting ") {
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
