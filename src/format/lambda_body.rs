//! The application's own text in a Lambda line: reports of a failed invocation, error objects behind a message, and
//! logged requests and responses. Prefixes are gone by now.

use serde_json::{Map, Value};

use super::json;
use crate::record::{Level, Marks, Record};

/// How Node's runtime client begins its report of an error that ended the invocation. A tab and JSON follow.
const FAILURES: [&str; 3] = ["Invoke Error", "Uncaught Exception", "Unhandled Promise Rejection"];
/// Members that are worth reading a JSON object for.
const KEYS: [&str; 8] = [
    "\"err",
    "\"exception",
    "\"stack",
    "\"cause\"",
    "\"statusCode\"",
    "\"method\"",
    "\"httpMethod\"",
    "\"rawPath\"",
];
/// Words before an object that speak of a call to somebody else, whose status is not the request's.
const OUTGOING: [&str; 12] = [
    "upstream",
    "fetch",
    "axios",
    "outbound",
    "outgoing",
    "external",
    "retry",
    "calling",
    "called",
    "http client",
    "webhook",
    "api call",
];
/// At how many braces of a text an object is looked for; each try reads to the end of the text.
const MAX_TRIES: usize = 4;

/// Reads `record.message`.
pub fn read(record: &mut Record) {
    if let Some((head, map)) = failure(&record.message) {
        read_failure(&map, record);
        record.marks.insert(Marks::CRASH);
        record.level = Some(Level::Error);
        // The object's content stands in the error text now.
        record.message = head.to_owned();
        return;
    }
    if FAILURES
        .iter()
        .any(|head| record.message.strip_prefix(head).is_some_and(|rest| rest.trim_start().starts_with('{')))
    {
        // The JSON was cut; its text is all there is.
        record.marks.insert(Marks::CRASH);
        record.level = Some(Level::Error);
        return;
    }
    let Some((at, map)) = object_at_end(&record.message) else {
        return;
    };
    read_errors(&map, record);
    let prefix = record.message[..at].to_owned();
    read_http(&prefix, &map, record);
}

fn failure(message: &str) -> Option<(&'static str, Map<String, Value>)> {
    let (head, rest) = FAILURES.iter().find_map(|head| Some((*head, message.strip_prefix(head)?)))?;
    Some((head, json::object(rest.as_bytes())?))
}

/// An error as the runtime client writes it; behind a rejected promise the reason names the class.
pub fn read_failure(map: &Map<String, Value>, record: &mut Record) {
    let reason = map
        .get("reason")
        .and_then(Value::as_object)
        .and_then(|reason| json::text(reason, &["errorType", "name"]));
    if let Some(class) = reason.filter(|class| class != "Error") {
        record.error_class.get_or_insert(class);
    }
    json::read_error(&Value::Object(map.clone()), record);
}

/// The JSON object that a text ends in, and where it begins; only where it holds something to read.
fn object_at_end(text: &str) -> Option<(usize, Map<String, Value>)> {
    if !text.trim_end().ends_with('}') || !KEYS.iter().any(|key| text.contains(key)) {
        return None;
    }
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'{', bytes)
        .filter(|&at| at == 0 || !bytes[at - 1].is_ascii_alphanumeric())
        .take(MAX_TRIES)
        .find_map(|at| Some((at, json::object(&bytes[at..])?)))
}

/// Error objects among the members, or the object itself where it is one.
fn read_errors(map: &Map<String, Value>, record: &mut Record) {
    let is_error = map.contains_key("errorType")
        || map.contains_key("errorMessage")
        || (map.contains_key("stack") && (map.contains_key("message") || map.contains_key("name")));
    if is_error {
        json::read_error(&Value::Object(map.clone()), record);
        return;
    }
    for key in ["err", "error", "exception", "cause"] {
        if let Some(value @ Value::Object(_)) = map.get(key) {
            json::read_error(value, record);
        }
    }
}

/// A request or response that the handler logged. Its status is the request's, but no client was seen to get it.
fn read_http(prefix: &str, map: &Map<String, Value>, record: &mut Record) {
    let prefix = prefix.trim().trim_end_matches([':', '=', '>', '-']).trim_end().to_ascii_lowercase();
    let is_error = map.contains_key("errorType")
        || map.get("name").and_then(Value::as_str).is_some_and(|name| name.ends_with("Error"));
    let note = json::text(map, &["message", "msg"]).unwrap_or_default().to_ascii_lowercase();
    let outgoing = OUTGOING.iter().any(|word| prefix.contains(word) || note.contains(word));
    if prefix.len() > 60 || is_error || outgoing {
        return;
    }
    let event = map.get("requestContext").and_then(Value::as_object);
    let http = event.and_then(|context| context.get("http")).and_then(Value::as_object);
    let method = json::text(map, &["httpMethod", "method"])
        .or_else(|| json::text(http?, &["method"]))
        .filter(|method| method.len() <= 10 && method.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let place = json::text(map, &["path", "rawPath", "resource", "route"]);
    let status = map.get("statusCode").filter(|value| value.is_number()).and_then(json::as_status);
    let is_response = matches!(
        prefix.as_str(),
        "response"
            | "lambda response"
            | "handler response"
            | "returning response"
            | "returning"
            | "sending response"
    );
    let is_request = event.is_some()
        || matches!(
            prefix.as_str(),
            "request" | "incoming request" | "event" | "received event" | "received request"
        );
    if status.is_some() && (is_response || method.is_some() || place.is_some()) {
        record.status = record.status.or(status);
    } else if !(is_request && method.is_some() && place.is_some()) {
        return;
    }
    if record.method.is_none() {
        record.method = method.map(|method| method.to_ascii_uppercase());
    }
    if record.path.is_none() {
        record.path = json::text(map, &["path", "rawPath"]).as_deref().and_then(path);
    }
    if record.route.is_none() {
        record.route = json::text(map, &["resource", "route"]).as_deref().and_then(path);
    }
}

/// A path without host and query, out of `/a?b`, `https://example.com/a` or `GET /a`.
pub fn path(raw: &str) -> Option<String> {
    let mut path = raw.trim();
    if let Some((method, rest)) = path.split_once(' ')
        && method.bytes().all(|byte| byte.is_ascii_uppercase())
    {
        path = rest;
    }
    if let Some((_, rest)) = path.split_once("://") {
        path = rest.find('/').map_or("/", |at| &rest[at..]);
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.starts_with('/').then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(message: &str) -> Record {
        let mut record = Record { message: message.to_owned(), ..Record::default() };
        read(&mut record);
        record
    }

    #[test]
    fn reads_failed_invocations() {
        let record = run(
            "Invoke Error \t{\"errorType\":\"Error\",\"errorMessage\":\"connect ECONNREFUSED 10.0.0.5:5432\",\"code\":\"ECONNREFUSED\",\"stack\":[\"Error: connect ECONNREFUSED 10.0.0.5:5432\",\"    at f (/var/task/a.js:1:2)\"]}",
        );
        assert!(record.marks.has(Marks::CRASH));
        assert_eq!(record.level, Some(Level::Error));
        assert_eq!(record.message, "Invoke Error");
        assert_eq!(
            record.error_text,
            "Error: connect ECONNREFUSED 10.0.0.5:5432\n    at f (/var/task/a.js:1:2)\ncode: 'ECONNREFUSED'"
        );
        assert_eq!(record.error_codes, ["ECONNREFUSED"]);

        let record = run(
            "Unhandled Promise Rejection \t{\"errorType\":\"Runtime.UnhandledPromiseRejection\",\"errorMessage\":\"TypeError: x is undefined\",\"reason\":{\"errorType\":\"TypeError\",\"errorMessage\":\"x is undefined\",\"stack\":[\"TypeError: x is undefined\",\"    at g (/var/task/b.js:3:4)\"]},\"promise\":{},\"stack\":[\"Runtime.UnhandledPromiseRejection: TypeError: x is undefined\"]}",
        );
        assert!(record.marks.has(Marks::CRASH));
        assert_eq!(record.error_class.as_deref(), Some("TypeError"));
        assert!(record.error_text.contains("at g (/var/task/b.js:3:4)"), "{}", record.error_text);

        let cut = run("Uncaught Exception \t{\"errorType\":\"Runtime.ImportModuleError\",\"errorMes");
        assert!(cut.marks.has(Marks::CRASH) && cut.message.contains("ImportModuleError"));
        assert!(run("Invoke Error handling is documented").marks.is_empty());
    }

    #[test]
    fn reads_errors_behind_a_message() {
        let record = run(
            "payment failed {\"orderId\":7,\"err\":{\"type\":\"StripeError\",\"message\":\"No such customer\",\"code\":\"resource_missing\"}}",
        );
        assert_eq!(record.error_class.as_deref(), Some("StripeError"));
        assert_eq!(record.error_text, "StripeError: No such customer\ncode: 'resource_missing'");
        assert!(record.message.starts_with("payment failed {"));
        assert!(record.marks.is_empty());
        assert_eq!(run("loaded {id} then {\"error\":{\"message\":\"late\"}}").error_text, "late");
        assert_eq!(run("{\"error\":\"text only\"}").error_text, "");
    }

    #[test]
    fn reads_logged_responses() {
        let record =
            run("response {\"statusCode\":500,\"method\":\"get\",\"path\":\"/api/orders/7?full=1\"}");
        assert_eq!(
            (record.status, record.method.as_deref(), record.path.as_deref()),
            (Some(500), Some("GET"), Some("/api/orders/7"))
        );
        assert!(record.marks.is_empty());
        assert_eq!(run("response: {\"statusCode\":502,\"body\":\"x\"}").status, Some(502));
        let whole = run("{\"statusCode\":503,\"httpMethod\":\"POST\",\"resource\":\"/orders/{id}\"}");
        assert_eq!((whole.status, whole.route.as_deref()), (Some(503), Some("/orders/{id}")));
        let event = run(
            "event {\"version\":\"2.0\",\"rawPath\":\"/orders/7\",\"requestContext\":{\"http\":{\"method\":\"GET\"}}}",
        );
        assert_eq!(
            (event.status, event.method.as_deref(), event.path.as_deref()),
            (None, Some("GET"), Some("/orders/7"))
        );
    }

    #[test]
    fn leaves_the_status_of_others() {
        for message in [
            "upstream response {\"statusCode\":503,\"method\":\"GET\",\"path\":\"/v1/charges\"}",
            "fetch failed {\"statusCode\":503,\"path\":\"/v1/charges\"}",
            "{\"message\":\"upstream call\",\"statusCode\":503,\"path\":\"/v1\"}",
            "{\"name\":\"AxiosError\",\"statusCode\":503,\"method\":\"GET\",\"path\":\"/v1\"}",
            "{\"statusCode\":503,\"attempt\":1}",
            "response {\"statusCode\":\"503\"}",
            "response {\"statusCode\":-1,\"path\":\"/a\"}",
            "response {\"statusCode\":500.5,\"path\":\"/a\"}",
        ] {
            assert_eq!(run(message).status, None, "{message}");
        }
    }

    #[test]
    fn survives_hostile_text() {
        for message in
            ["{{{{{{{{\"err\"}", "é{\"err\":", "\"err}", "Invoke Error {", "Uncaught Exception \t{}"]
        {
            run(message);
        }
        run(&format!("{}\"err\"}}", "{".repeat(100_000)));
    }
}
