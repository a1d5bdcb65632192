//! Rails: `Started GET "/x" for … at …`, `Completed 500 Internal Server Error in 12ms`, the exception between them, with
//! or without Ruby's logger prefix and `[request id]` tags. Without tags a request is known by its completion alone.

use super::{Framework, begin, complete, status};
use crate::format::text_parts::{duration_ms, first_line, push_field, set_request_id, set_time};
use crate::format::{About, time};
use crate::record::{Level, Marks, Record};

/// The shape `rails`.
pub const RAILS: Framework = Framework {
    name: "rails",
    about: About {
        title: "Rails' log",
        fingerprint: "Ruby's logger prefix; Started GET \"/x\" for …, Completed 500 … in 12ms, with [request id] tags",
        export: "log/production.log, with config.log_tags = [:request_id]",
    },
    detect,
    read,
};

fn detect(text: &str) -> bool {
    let first = first_line(text);
    let (found, rest) = prefix(first);
    let (tag, body) = tags(rest);
    found.is_some()
        || body.starts_with("Started ") && body.contains(" for ") && body.contains('"')
        || body.starts_with("Processing by ") && body.contains('#')
        || body.starts_with("Completed ") && body.get(10..13).and_then(status).is_some()
        || exception(body).is_some() && (tag.is_some() || is_bare_exception(text))
}

/// Without a tag the line has to end, or the text below it to go on, as only Rails writes it: `Module::Class (text):`. Ruby shows
/// the place in the code below the text, within the brackets.
fn is_bare_exception(text: &str) -> bool {
    text.lines().take(MAX_TEXT_LINES).any(|line| line.ends_with("):"))
}

/// Lines of an exception's text that are looked at.
const MAX_TEXT_LINES: usize = 20;

/// Exceptions that Rails answers below 500 unless it is told otherwise; it logs them like any other.
/// <https://guides.rubyonrails.org/configuring.html#config-action-dispatch-rescue-responses>
const ANSWERED_BELOW_500: &[&str] = &[
    "AbstractController::ActionNotFound",
    "ActionController::BadRequest",
    "ActionController::InvalidAuthenticityToken",
    "ActionController::InvalidCrossOriginRequest",
    "ActionController::MethodNotAllowed",
    "ActionController::MissingExactTemplate",
    "ActionController::ParameterMissing",
    "ActionController::RoutingError",
    "ActionController::TooManyRequests",
    "ActionController::UnknownFormat",
    "ActionController::UnknownHttpMethod",
    "ActionDispatch::Http::MimeNegotiation::InvalidType",
    "ActionDispatch::Http::Parameters::ParseError",
    "ActiveRecord::RecordInvalid",
    "ActiveRecord::RecordNotFound",
    "ActiveRecord::RecordNotSaved",
    "ActiveRecord::StaleObjectError",
    "Rack::QueryParser::InvalidParameterError",
    "Rack::QueryParser::ParameterTypeError",
];

fn read(text: &str, record: &mut Record) {
    let first = first_line(text);
    let (found, rest) = prefix(first);
    if let Some((stamp, level, pid)) = found {
        if let Some(stamp) = stamp {
            set_time(record, stamp);
        }
        record.level = level.or(record.level);
        record.stream.get_or_insert_with(|| pid.to_owned());
    }
    let (tag, body) = tags(rest);
    if let Some(tag) = tag {
        set_request_id(record, tag);
    }
    record.runtime.get_or_insert_with(|| "ruby".to_owned());
    if let Some(rest) = body.strip_prefix("Started ") {
        let mut parts = rest.split('"');
        let verb = parts.next().unwrap_or_default().trim();
        begin(record, verb, parts.next().unwrap_or_default());
        if let Some((_, at)) = rest.rsplit_once(" at ")
            && let Some(stamp) = time::parse(at)
        {
            set_time(record, stamp);
        }
        record.marks.insert(Marks::START);
    } else if let Some(rest) = body.strip_prefix("Processing by ") {
        push_field(record, "controller", rest.split(' ').next().unwrap_or_default());
    } else if let Some(rest) = body.strip_prefix("Completed ") {
        let code = rest.split(' ').next().and_then(status);
        let took = rest.split_once(" in ").map(|(_, after)| after.split(' ').next().unwrap_or_default());
        if let Some(code) = code {
            complete(record, code, took.and_then(duration_ms));
        }
    } else if body.starts_with("ActionController::RoutingError (No route matches [") {
        // No controller was asked, so no other line tells of the answer.
        record.level = Some(Level::Warn);
        complete(record, 404, None);
    } else if let Some(class) = exception(body) {
        if ANSWERED_BELOW_500.contains(&class) {
            record.level = Some(Level::Warn);
            return;
        }
        record.level = Some(Level::Fatal);
        record.error_class = class.rsplit("::").next().map(str::to_owned);
    }
}

type Prefix<'t> = (Option<time::Stamp>, Option<Level>, &'t str);

/// `I, [2026-01-01T10:10:15.001234 #17]  INFO -- : ` of Ruby's logger, and what follows it.
/// <https://docs.ruby-lang.org/en/3.3/Logger.html>
fn prefix(line: &str) -> (Option<Prefix<'_>>, &str) {
    let read = || {
        let (head, body) = line.split_once(" -- : ").or_else(|| line.split_once(" -- :"))?;
        let (stamp, rest) = head.get(1..)?.strip_prefix(", [")?.split_once(']')?;
        let (at, pid) = stamp.split_once(" #")?;
        Some(((time::parse(at), Level::parse(rest), pid), body))
    };
    match read() {
        Some((found, body)) => (Some(found), body),
        None => (None, line),
    }
}

/// The first tag that can be a request's ID, and what follows all tags.
fn tags(line: &str) -> (Option<&str>, &str) {
    let mut rest = line;
    let mut id = None;
    for _ in 0..6 {
        let Some((tag, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { break };
        let is_id = tag.len() >= 16
            && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && tag.bytes().any(|b| b.is_ascii_digit());
        id = id.or(is_id.then_some(tag));
        rest = after.trim_start();
    }
    if id.is_some() { (id, rest) } else { (None, line) }
}

/// The class of `ActiveRecord::ConnectionNotEstablished (text):`.
fn exception(body: &str) -> Option<&str> {
    if !body.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    let (class, rest) = body.split_once(" (")?;
    let is_class = class.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_'));
    (is_class && (class.contains("::") || class.ends_with("Error")) && !rest.is_empty()).then_some(class)
}
