//! Ruby's servers and small frameworks: what Sinatra dumps of an error, and what Puma says of one that nobody rescued.

use super::{Framework, begin, complete};
use crate::format::text_parts::{first_line, set_time};
use crate::format::{About, time};
use crate::record::{Level, Marks, Record};

/// The shape `rack`.
pub const RACK: Framework = Framework {
    name: "rack",
    about: About {
        title: "Errors of Sinatra and Puma",
        fingerprint: "TIME - Class - text: with Ruby's frames below; TIME Rack app (\"GET /x\" - (ADDRESS)): #<Class: text>",
        export: "the server's standard error",
    },
    detect: |text| sinatra(text).is_some() || puma(text).is_some(),
    read,
};

/// What Puma says of what the application raised; it answers 500 then.
/// <https://github.com/puma/puma/blob/master/lib/puma/error_logger.rb>
const UNRESCUED: &str = " Rack app (\"";

/// `2026-01-01 10:10:15`.
fn dated(text: &str) -> Option<(&str, &str)> {
    let (date, rest) = text.split_at_checked(19)?;
    let bytes = date.as_bytes();
    (bytes[4] == b'-' && bytes[10] == b' ' && bytes[13] == b':').then_some((date, rest))
}

/// Time and class of `2026-01-01 10:10:15 - PG::ConnectionBad - text:` with frames below it, each behind a tab. Sinatra dumps
/// nothing of what it answers below 500. <https://github.com/sinatra/sinatra/blob/main/lib/sinatra/base.rb>
fn sinatra(text: &str) -> Option<(&str, &str)> {
    let (date, rest) = dated(text)?;
    let (class, _) = rest.strip_prefix(" - ")?.split_once(" - ")?;
    let is_class = class.starts_with(|c: char| c.is_ascii_uppercase())
        && class.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_'));
    let (_, below) = text.split_once("\n\t")?;
    let frame = first_line(below);
    (is_class && frame.contains(':') && frame.contains(":in ")).then_some((date, class))
}

/// What Puma says of a request.
struct Unrescued<'t> {
    date: &'t str,
    verb: &'t str,
    target: &'t str,
    class: &'t str,
}

/// `2026-01-01 10:10:15 +0000 Rack app ("GET /x" - (203.0.113.9)): #<KeyError: key not found: "A">`.
fn puma(text: &str) -> Option<Unrescued<'_>> {
    dated(text)?;
    let (date, rest) = first_line(text).split_once(UNRESCUED)?;
    let (request, rest) = rest.split_once("\" - (")?;
    let (verb, target) = request.split_once(' ')?;
    let (_, error) = rest.split_once("): #<")?;
    let name = error.split([' ', '>']).next().unwrap_or_default().trim_end_matches(':');
    let class = name.rsplit("::").next().unwrap_or(name);
    (date.len() <= 25 && target.starts_with('/')).then_some(Unrescued { date, verb, target, class })
}

fn read(text: &str, record: &mut Record) {
    record.level = Some(Level::Error);
    record.runtime.get_or_insert_with(|| "ruby".to_owned());
    if let Some((date, class)) = sinatra(text) {
        if let Some(stamp) = time::parse(date) {
            set_time(record, stamp);
        }
        record.error_class = class.rsplit("::").next().map(str::to_owned);
        record.marks.insert(Marks::ERROR_BLOCK);
    } else if let Some(said) = puma(text) {
        if let Some(stamp) = time::parse(said.date) {
            set_time(record, stamp);
        }
        begin(record, said.verb, said.target);
        complete(record, 500, None);
        // A framework above may have told of the answer already.
        record.marks.insert(Marks::ECHO);
        record.error_class = Some(said.class.to_owned()).filter(|class| !class.is_empty());
    }
}
