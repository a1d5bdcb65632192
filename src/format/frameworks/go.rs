//! Go's net/http: `http: panic serving ADDRESS: text` with the goroutine below it. The client's connection is closed
//! without an answer. <https://pkg.go.dev/net/http#Handler>

use super::Framework;
use crate::format::text_parts::set_time;
use crate::format::{About, time};
use crate::record::{Level, Marks, Record};

/// The shape `go-panic`.
pub const GO_PANIC: Framework = Framework {
    name: "go-panic",
    about: About {
        title: "Panics of Go's net/http",
        fingerprint: "http: panic serving ADDRESS",
        export: "the program's standard error",
    },
    detect: is_panic,
    read,
};

/// With the time of the log package before it, or without.
fn is_panic(text: &str) -> bool {
    let words = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '/' | ':' | '.' | ' '));
    words.starts_with("http: panic serving ")
}

fn read(text: &str, record: &mut Record) {
    // `2026/01/01 10:10:15 ` of the log package.
    if let Some(stamp) = text.get(..19).and_then(time::parse) {
        set_time(record, stamp);
    }
    record.level = Some(Level::Error);
    record.runtime.get_or_insert_with(|| "go".to_owned());
    record.marks.insert(Marks::ERROR_BLOCK);
}
