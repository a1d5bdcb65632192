//! The systemd journal as `journalctl -o json` prints it: all values are text, but bytes that are none, and members
//! that stand several times, are arrays.
//! <https://systemd.io/JOURNAL_EXPORT_FORMATS/>

use serde_json::Value;

use super::{Envelope, Object, keep, push_line, time_ms};
use crate::format::{About, json};
use crate::record::{Level, Record};

/// Entries of the journal.
pub const ENVELOPE: Envelope = Envelope {
    name: "journald",
    about: About {
        title: "systemd journal, JSON",
        fingerprint: "objects with __REALTIME_TIMESTAMP or __CURSOR",
        export: "journalctl -u UNIT -o json > journal.json",
    },
    one_request: false,
    claims: |map| map.contains_key("__REALTIME_TIMESTAMP") || map.contains_key("__CURSOR"),
    read,
};

fn read(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let mut record = base.clone();
    // When the program wrote it, then when the journal took it; both in microseconds.
    let time = time_ms(map, &["_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"]);
    record.time_ms = time.or(base.time_ms);
    record.level = json::text(map, &["PRIORITY"]).and_then(|text| Some(of_priority(text.parse().ok()?)));
    record.event_id = json::text(map, &["__CURSOR"]);
    let host = json::text(map, &["CONTAINER_ID", "_HOSTNAME"]);
    let process = json::text(map, &["_PID", "SYSLOG_PID", "_SYSTEMD_UNIT"]);
    record.stream = match (host, process) {
        (Some(host), Some(process)) => Some(format!("{host}:{process}")),
        (one, other) => one.or(other),
    };
    let kept =
        [("_SYSTEMD_UNIT", "unit"), ("SYSLOG_IDENTIFIER", "identifier"), ("CONTAINER_NAME", "container")];
    keep(map, &kept, &mut record);
    record.message = map.get("MESSAGE").map(text).unwrap_or_default();
    let mut out = Vec::new();
    push_line(record, depth, &mut out);
    out
}

/// Syslog's scale: 0 emergency to 7 debug.
fn of_priority(priority: u8) -> Level {
    match priority {
        0..=2 => Level::Fatal,
        3 => Level::Error,
        4 => Level::Warn,
        5 | 6 => Level::Info,
        _ => Level::Debug,
    }
}

/// A text, the bytes of one, or several of them.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let bytes: Option<Vec<u8>> =
                items.iter().map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect();
            match bytes {
                Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                None => {
                    items.iter().filter(|item| !item.is_number()).map(text).collect::<Vec<_>>().join("\n")
                }
            }
        }
        _ => String::new(),
    }
}
