//! Spring Boot's console: `TIME LEVEL PID --- [thread] logger : text`, with the stack below it.
//! <https://docs.spring.io/spring-boot/reference/features/logging.html>

use super::{Framework, begin, complete, note_class, status};
use crate::format::text_parts::{is_bare_id, is_error_class, path_of, set_time};
use crate::format::{About, time};
use crate::record::{IdKind, Level, Marks, Record};

/// The shape `spring`.
pub const SPRING: Framework = Framework {
    name: "spring",
    about: About {
        title: "Spring Boot's console log",
        fingerprint: "TIME LEVEL PID --- [thread] logger : text",
        export: "the application's standard output",
    },
    detect: |text| head(text).is_some(),
    read,
};

struct Head<'t> {
    stamp: time::Stamp,
    level: Level,
    /// `[app] [thread] [trace-span] logger `.
    place: &'t str,
    body: &'t str,
}

/// What stands between the process and the thread, and how far from the beginning at most.
const MARK: &[u8] = b" --- [";
const MAX_BEFORE_BYTES: usize = 60;

fn head(text: &str) -> Option<Head<'_>> {
    let line = text.lines().next()?;
    if !line.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // It stands behind a time, a level and a process; other lines are not searched to their ends.
    let at = memchr::memmem::find(&line.as_bytes()[..line.len().min(MAX_BEFORE_BYTES + MARK.len())], MARK)?;
    let (before, after) = (&line[..at], &line[at + MARK.len()..]);
    let mut words = before.rsplit(' ').filter(|word| !word.is_empty());
    let pid = words.next()?;
    let level = words.next()?;
    let at = before.find(level)?;
    let (place, body) = after.split_once(" : ").or_else(|| after.split_once(": "))?;
    let stamp = time::parse(before[..at].trim())?;
    pid.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
    Some(Head { stamp, level: Level::parse(level)?, place, body })
}

fn read(text: &str, record: &mut Record) {
    let Some(head) = head(text) else { return };
    set_time(record, head.stamp);
    record.level = Some(head.level);
    record.runtime.get_or_insert_with(|| "java".to_owned());
    // Micrometer's `[trace-span]` or, before version 3, `[app,trace,span]`.
    let mut words = head.place.split([' ', '[', ']', ',', '-']).filter(|word| !word.is_empty());
    if let Some(trace) = words.find(|word| is_bare_id(word)) {
        record.set_id(trace, IdKind::Trace);
    }
    if text.contains("\tat ") || text.contains("\nCaused by: ") {
        note_class(text.split_once('\n').map_or("", |(_, below)| below), record);
    }
    if head.level == Level::Warn {
        read_jetty(head.body, record);
    }
    if head.body.starts_with("Servlet.service() for servlet") && head.body.contains("threw exception") {
        record.marks.insert(Marks::ERROR_BLOCK);
    } else if let Some((before, rest)) = head.body.split_once(" Server Error for HTTP ")
        && let Some(code) = before.rsplit(' ').next().and_then(status)
    {
        // WebFlux: `[2bfa1-1]  500 Server Error for HTTP GET "/x"`.
        let (verb, target) = rest.split_once(' ').unwrap_or((rest, ""));
        begin(record, verb, target.trim_matches('"'));
        complete(record, code, None);
    }
}

/// `handleException /x java.net.ConnectException: text`: what Jetty says of an error of a request for which it prints no
/// stack. A request that it could not read it answers with 400.
/// <https://github.com/jetty/jetty.project/blob/jetty-9.4.x/jetty-server/src/main/java/org/eclipse/jetty/server/HttpChannel.java>
pub fn read_jetty(body: &str, record: &mut Record) {
    let Some((_, rest)) = body.split_once("handleException ") else { return };
    let Some((target, error)) = rest.split_once(' ').filter(|(target, _)| target.starts_with('/')) else {
        return;
    };
    let class = error.split([':', ' ', '\n']).next().unwrap_or_default();
    if class.contains('.') && is_error_class(class) && !class.ends_with("BadMessageException") {
        record.path = path_of(target).or(record.path.take());
        record.level = Some(Level::Error);
        record.error_class = class.rsplit('.').next().map(str::to_owned);
    }
}
