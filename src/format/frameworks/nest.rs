//! Nest's console logger: `[Nest] 17  - 03/10/2026, 9:15:01 AM   ERROR [ExceptionsHandler] text` and a stack. What its
//! exception handler logs has become an answer with status 500.
//! <https://github.com/nestjs/nest/blob/master/packages/core/exceptions/base-exception-filter.ts>

use super::Framework;
use crate::format::plain_text::read_prefix;
use crate::format::text_parts::{push_field, read_printed_error, set_time};
use crate::format::{About, time};
use crate::record::{Level, Marks, Record};

/// The shape `nest`.
pub const NEST: Framework = Framework {
    name: "nest",
    about: About {
        title: "Nest's console log",
        fingerprint: "[Nest] PID  - time   LEVEL [Context] text",
        export: "the application's standard output",
    },
    detect: |text| head(text).is_some(),
    read,
};

struct Head<'t> {
    pid: &'t str,
    stamp: Option<time::Stamp>,
    level: Level,
    context: &'t str,
    /// The text with all its lines.
    body: &'t str,
}

fn head(text: &str) -> Option<Head<'_>> {
    let (pid, rest) = text.strip_prefix("[Nest] ")?.split_once(" - ")?;
    let open = rest.find('[')?;
    let (before, after) = (rest.get(..open)?, rest.get(open + 1..)?);
    let (at, level) = before.trim_end().rsplit_once(' ')?;
    let (context, body) = after.split_once(']')?;
    let level = Level::parse(level)?;
    Some(Head { pid: pid.trim(), stamp: stamp(at.trim()), level, context, body: body.trim_start() })
}

/// `03/10/2026, 9:15:01 AM`: only where the clock has twelve hours, for the order of day and month is the locale's.
fn stamp(text: &str) -> Option<time::Stamp> {
    let plain = text.replace('\u{202f}', " ");
    let at = chrono::NaiveDateTime::parse_from_str(&plain, "%m/%d/%Y, %I:%M:%S %p").ok()?;
    Some(time::Stamp { ms: at.and_utc().timestamp_millis(), zoned: false })
}

fn read(text: &str, record: &mut Record) {
    let Some(head) = head(text) else { return };
    if let Some(stamp) = head.stamp {
        set_time(record, stamp);
    }
    record.level = Some(head.level);
    record.runtime.get_or_insert_with(|| "node".to_owned());
    record.stream.get_or_insert_with(|| head.pid.to_owned());
    push_field(record, "context", head.context);
    if record.id.is_none() {
        read_prefix(head.body, record);
    }
    if head.level >= Level::Error {
        read_printed_error(head.body, record);
        if head.context == "ExceptionsHandler" {
            record.marks.insert(Marks::ERROR_BLOCK);
        }
    }
}
