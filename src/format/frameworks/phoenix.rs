//! Phoenix and Plug: `10:10:15.001 request_id=F1 [info] GET /x`, `… [info] Sent 500 in 12ms`. The clock has no date.

use super::{Framework, begin, complete, status};
use crate::format::About;
use crate::format::text_parts::{METHODS, duration_ms, set_request_id};
use crate::record::{Level, Marks, Record};

/// The shape `phoenix`.
pub const PHOENIX: Framework = Framework {
    name: "phoenix",
    about: About {
        title: "Phoenix's console log",
        fingerprint: "HH:MM:SS.mmm request_id=ID [level] text",
        export: "the release's standard output, with metadata: [:request_id]",
    },
    detect: |text| head(text).is_some(),
    read,
};

/// Metadata, level and text.
fn head(text: &str) -> Option<(&str, Level, &str)> {
    let clock = text.get(..12)?.as_bytes();
    if clock[2] != b':' || clock[5] != b':' || clock[8] != b'.' || !clock[0].is_ascii_digit() {
        return None;
    }
    let (before, rest) = text[12..].split_once('[')?;
    if before.len() > 400 || before.contains('\n') {
        return None;
    }
    let (level, body) = rest.split_once("] ")?;
    Some((before.trim(), Level::parse(level)?, body))
}

fn read(text: &str, record: &mut Record) {
    let Some((metadata, level, body)) = head(text) else { return };
    record.level = Some(level);
    record.runtime.get_or_insert_with(|| "elixir".to_owned());
    if let Some(id) = metadata.split(' ').find_map(|pair| pair.strip_prefix("request_id=")) {
        set_request_id(record, id);
    }
    let (word, rest) = body.split_once(' ').unwrap_or((body, ""));
    if METHODS.contains(&word) && rest.starts_with('/') {
        begin(record, word, rest.trim());
        record.marks.insert(Marks::START);
    } else if let ("Sent", Some((code, took))) = (word, rest.split_once(" in "))
        && let Some(code) = status(code)
    {
        complete(record, code, duration_ms(took));
    }
    // `** (DBConnection.ConnectionError) tcp connect: connection refused`
    if let Some((_, rest)) = text.split_once("** (")
        && let Some((class, _)) = rest.split_once(") ")
        && class.len() <= 120
        && !class.contains(char::is_whitespace)
    {
        record.error_class = class.rsplit('.').next().map(str::to_owned);
    }
}
