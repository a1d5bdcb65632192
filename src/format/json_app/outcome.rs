//! Which logger wrote an object, and what the object says of its request: method, path, status, duration, marks.

use serde_json::{Map, Value};

use super::aliases::Slot;
use super::tower;
use super::walk::Found;
use crate::format::json;
use crate::format::text_parts::{duration_ms, method, path_of, request_line};
use crate::record::{Level, Marks, Record};

/// Texts of completion records.
const COMPLETIONS: &[&str] = &[
    "request completed",
    "request errored",
    "request aborted",
    "request finished",
    "request_finished",
    "request handled",
    "handled request",
    "response sent",
    "access",
    tower::FINISHED,
    tower::FAILED,
];
/// Names of the record that closes a request; they say so only beside its verb, path and status.
const NAMES: &[&str] = &["request", "http", "http request", "http_request", "response"];
/// Texts of the record that opens a request.
const STARTS: &[&str] =
    &["incoming request", "request started", "request_started", "request received", tower::STARTED];

/// The logger that writes such objects, by the members that only it has; the most telling first.
pub fn logger(map: &Map<String, Value>) -> Option<&'static str> {
    let has = |key: &str| map.contains_key(key);
    let is_text = |key: &str| map.get(key).is_some_and(Value::is_string);
    let is_number = |key: &str| map.get(key).is_some_and(Value::is_number);
    let is_object = |key: &str| map.get(key).is_some_and(Value::is_object);
    let level_text = map.get("level").and_then(Value::as_str);
    let gcp_payload = || ["textPayload", "jsonPayload", "protoPayload", "httpRequest"].into_iter().any(has);
    let tests: [(&str, &dyn Fn() -> bool); 26] = [
        ("gcp", &|| has("logName") || (has("insertId") && gcp_payload())),
        ("docker", &|| is_text("log") && has("stream") && has("time")),
        ("loki", &|| is_text("line") && has("timestamp") && !has("level")),
        ("postgres", &|| has("error_severity") && has("pid")),
        ("caddy", &|| {
            map.get("logger").and_then(Value::as_str).is_some_and(|name| name.starts_with("http.log.access"))
        }),
        ("ecs", &|| {
            has("ecs.version")
                || is_object("ecs")
                || (has("@timestamp") && (has("log.level") || is_object("log")))
        }),
        ("traefik", &|| has("DownstreamStatus") || (has("RouterName") && has("StartUTC"))),
        ("serilog", &|| has("@t")),
        ("winston", &|| has("@message") || has("@fields")),
        ("tslog", &|| is_object("_meta") || is_object("_logMeta")),
        ("log4js", &|| has("categoryName")),
        ("python", &|| has("levelname") || has("asctime") || has("exc_info") || has("levelno")),
        ("bunyan", &|| is_number("level") && has("v") && has("name") && is_text("time")),
        ("pino", &|| is_number("level") && (has("time") || has("pid") || has("msg"))),
        ("pino", &|| is_number("time") && has("msg") && has("pid")),
        ("gcp", &|| {
            has("severity")
                && (has("httpRequest") || map.keys().any(|key| key.starts_with("logging.googleapis.com/")))
        }),
        ("lograge", &|| has("controller") && has("action")),
        ("structlog", &|| is_text("event") && has("level")),
        ("nestjs", &|| has("context") && has("pid") && is_number("timestamp")),
        ("tracing", &|| tower::is_event(map)),
        ("zap", &|| has("ts") && has("level") && has("msg")),
        ("slog", &|| {
            is_text("time")
                && has("msg")
                && level_text.is_some_and(|level| level.starts_with(|c: char| c.is_ascii_uppercase()))
        }),
        ("logrus", &|| is_text("time") && has("msg") && has("level")),
        ("zerolog", &|| has("level") && has("message") && has("time")),
        ("monolog", &|| has("level_name") && has("channel")),
        ("winston", &|| is_text("level") && is_text("message")),
    ];
    tests.into_iter().find(|(_, holds)| holds()).map(|(name, _)| name)
}

/// Reads method, path, status and duration, and marks what the record says happened.
pub fn read(map: &Map<String, Value>, found: &mut Found<'_>, record: &mut Record, logger: Option<&str>) {
    let own_request = read_request(map, found, record);
    // echo writes the duration twice, in nanoseconds and for people.
    let timed_by = if map.contains_key("latency_human") { Some("echo") } else { logger };
    let duration =
        found.value(Slot::Duration).and_then(|value| duration(value, found.name(Slot::Duration), timed_by));
    if duration.is_none() {
        found.give_back(Slot::Duration);
    }
    let message = record.message.trim();
    let is_start = is_start(message);
    let is_completion = is_completion(message);
    let status_of = |slot| found.value(slot).and_then(json::as_status);
    let strong = status_of(Slot::Status);
    let noted = is_noted_500(map, found, record);
    let bare = status_of(Slot::BareStatus).filter(|_| own_request);
    let bare = bare.or_else(|| tower::status(map, message)).or_else(|| finished_code(map, message));
    if strong.is_some() || bare.is_none() {
        found.give_back(Slot::BareStatus);
    }
    if let Some(status) = strong.or(bare) {
        record.status.get_or_insert(status);
    } else if noted {
        // What an error handler notes of its own answer. It decides only where nobody tells what the client saw.
        record.function_status.get_or_insert(500);
    }
    let has_error = !record.error_text.is_empty();
    let edge = found.name(Slot::Status).contains("httpRequest") && own_request;
    let complete = (strong.is_some() || bare.is_some())
        && (edge
            || is_completion
            || logger == Some("lograge")
            || duration.is_some()
            || (own_request
                && !has_error
                && (message.is_empty()
                    || (is_name(message) && !record.marks.has(Marks::TRUNCATED))
                    || names_status(message, strong.or(bare)))));
    if logger == Some("nestjs") && map.get("context").and_then(Value::as_str) == Some("ExceptionsHandler") {
        // What Nest's exception handler logs has become an answer with status 500.
        record.marks.insert(Marks::ERROR_BLOCK);
    }
    if is_start {
        record.marks.insert(Marks::START);
    }
    let unanswered = map.get("res").and_then(|res| res.get("statusCode")).is_some_and(Value::is_null);
    if message.eq_ignore_ascii_case("request aborted")
        || (unanswered && (is_completion || duration.is_some()))
    {
        record.marks.insert(Marks::ABORTED | Marks::END);
    } else if complete {
        record.marks.insert(Marks::CLIENT | Marks::END);
        if matches!(logger, Some("traefik" | "caddy")) {
            record.marks.insert(Marks::EDGE);
        }
        if record.status == Some(499) {
            record.marks.insert(Marks::ABORTED);
        }
    }
    if record.marks.has(Marks::END) {
        record.duration_ms = record.duration_ms.or(duration);
    } else if duration.is_some() {
        found.give_back(Slot::Duration);
    }
    if record.level.is_none() && record.status.is_some_and(|status| status >= 500) {
        record.level = Some(Level::Error);
    }
    let is_raised = || map.get("context").is_some_and(|context| context.get("exception").is_some());
    if logger == Some("monolog") && record.level >= Some(Level::Error) && is_raised() {
        // What Laravel and Symfony log of an exception that nobody caught has become an answer with status 500.
        record.marks.insert(Marks::ERROR_BLOCK);
    }
    if logger == Some("tracing") {
        tower::read_spans(map, record);
        tower::mark(map, record);
    }
}

/// Whether an error says `statusCode: 500` of itself, as handlers do of what they are about to answer.
fn is_noted_500(map: &Map<String, Value>, found: &Found<'_>, record: &Record) -> bool {
    let name = found.name(Slot::BareStatus);
    record.level >= Some(Level::Error)
        && name.eq_ignore_ascii_case("statusCode")
        && map.get(name).and_then(json::as_status) == Some(500)
}

fn is_start(message: &str) -> bool {
    STARTS.iter().any(|text| message.eq_ignore_ascii_case(text))
}

fn is_completion(message: &str) -> bool {
    COMPLETIONS.iter().any(|text| message.eq_ignore_ascii_case(text))
        || message.starts_with("request completed")
        || message.starts_with("HTTP ") && message.contains(" responded ")
}

fn is_name(message: &str) -> bool {
    NAMES.iter().any(|name| message.eq_ignore_ascii_case(name))
}

/// Whether a text says by itself, or with what stands beside it, that a request begins or ends.
pub fn is_phrase(message: &[u8]) -> bool {
    // All begin with one of these letters.
    matches!(
        message.first(),
        Some(b'r' | b'R' | b'h' | b'H' | b'a' | b'A' | b'i' | b'I' | b'f' | b'F' | b's' | b'S')
    ) && std::str::from_utf8(message)
        .is_ok_and(|message| is_start(message) || is_completion(message) || is_name(message))
}

/// Method and path; true if they stand in the entry itself and name a target of this service, which makes a bare
/// status beside them this request's.
fn read_request(map: &Map<String, Value>, found: &mut Found<'_>, record: &mut Record) -> bool {
    let text = |slot| found.value(slot).and_then(json::scalar);
    let mut verb = text(Slot::Method).and_then(|verb| method(&verb));
    let mut target = text(Slot::Path);
    let extra = map.get("extra").filter(|_| map.contains_key("level_name") && map.contains_key("channel"));
    let web = |name: &str| extra.and_then(|extra| json::scalar(extra.get(name)?));
    let bound_target = text(Slot::BoundPath).or_else(|| web("url"));
    let bound_verb = text(Slot::BoundMethod).or_else(|| web("http_method")).and_then(|verb| method(&verb));
    let route = text(Slot::Route).filter(|route| route.starts_with('/'));
    // `request: "GET /x HTTP/1.1"`, as nginx and django-structlog have it.
    let line =
        ["request", "req", "request_line"].iter().find_map(|name| map.get(*name).and_then(Value::as_str));
    if let Some((line_verb, line_target)) = line.and_then(request_line) {
        verb = verb.or_else(|| Some(line_verb.to_owned()));
        target = target.or_else(|| Some(line_target.to_owned()));
    }
    let name = aliased(found.name(Slot::Path));
    // A file's path stands beside `syscall` and `errno`; a bare `url` with a host is somebody else's.
    let is_file = matches!(name, "path") && (map.contains_key("syscall") || map.contains_key("errno"));
    let is_foreign =
        matches!(name, "url" | "uri") && target.as_ref().is_some_and(|url| !url.starts_with('/'));
    if is_file || is_foreign {
        found.give_back(Slot::Path);
        target = None;
    }
    let own = verb.is_some() && target.is_some();
    let path = target.or(bound_target).and_then(|target| path_of(&target));
    if is_foreign {
        // The method beside a foreign address is the call's, not ours.
        verb = None;
    }
    record.method = record.method.take().or(verb).or(bound_verb);
    record.path = record.path.take().or(path);
    if let Some(route) = route {
        record.route.get_or_insert(route);
    } else {
        found.give_back(Slot::Route);
    }
    own
}

/// The last segment of a name as written.
fn aliased(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// django-structlog's `{"event":"request_finished","code":500,"request":"GET /x"}`.
fn finished_code(map: &Map<String, Value>, message: &str) -> Option<u16> {
    (message == "request_finished").then(|| map.get("code").and_then(json::as_status)).flatten()
}

/// Whether a text names the status, as access lines do.
fn names_status(message: &str, status: Option<u16>) -> bool {
    status.is_some_and(|status| {
        let status = status.to_string();
        message.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == status)
    })
}

/// A duration in milliseconds; the unit is the text's own, else the member's, else the logger's.
fn duration(value: &Value, name: &str, logger: Option<&str>) -> Option<f64> {
    if let Value::String(text) = value
        && let Some(ms) = duration_ms(text)
    {
        return Some(ms);
    }
    let number = json::as_number(value).filter(|number| number.is_finite() && *number >= 0.0)?;
    let name = super::aliases::fold(aliased(name));
    let factor = match (name.as_str(), logger) {
        ("service", _) => return None,
        ("duration", Some("ecs" | "slog" | "traefik")) | ("elapsed", Some("slog")) => 1e-6,
        ("latency", Some("echo")) => 1e-6,
        // Go's durations are whole nanoseconds, unless somebody divided them; between, nobody can tell.
        ("duration" | "elapsed" | "latency" | "took", Some("logrus"))
            if number >= 1e5 && number.fract() == 0.0 =>
        {
            return (number >= 1e7).then_some(number * 1e-6);
        }
        ("requesttime", _) => 1e3,
        ("duration" | "elapsed" | "latency", Some("zap" | "caddy")) => 1e3,
        ("latency", Some("gcp")) => 1e3,
        ("duration", _) if number >= 1e8 && number.fract() == 0.0 => 1e-6,
        _ => 1.0,
    };
    Some(number * factor)
}
