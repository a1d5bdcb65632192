//! Completions that applications log in words of their own: `GET /orders/7 -> 500 (12 ms)`, `"POST /pay HTTP/1.1" 500`,
//! `http PUT /files/b.bin 500 3ms`. One sentence with a verb, a path of this server and a status; a call to another
//! server has an address in the place of the path and is none. Access lines of servers are read elsewhere.

use super::text_parts::{METHODS, first_line, is_error_class, is_uuid, set_request};
use crate::record::{Level, Marks, Record};

/// Longest message that is looked at, in bytes.
const MAX_BYTES: usize = 600;
/// The verb is one of the first words (as `quiet` expects it).
const VERB_WITHIN: usize = 3;

/// Words that may stand before the verb.
const OPENERS: [&str; 12] = [
    "http",
    "https",
    "request",
    "response",
    "access",
    "req",
    "res",
    "completed",
    "handled",
    "finished",
    "served",
    "answered",
];
/// Words that may stand between path and status.
const JOINTS: [&str; 14] = [
    "=>",
    "->",
    "-->",
    "→",
    ":",
    "-",
    "|",
    "status",
    "returned",
    "responded",
    "with",
    "completed",
    "in",
    "code",
];
/// First words of what follows a status: its reason, or how long it took.
const AFTER: [&str; 21] = [
    "in",
    "took",
    "ms",
    "OK",
    "Created",
    "Accepted",
    "No",
    "Moved",
    "Found",
    "Not",
    "Bad",
    "Unauthorized",
    "Forbidden",
    "Conflict",
    "Gone",
    "Unprocessable",
    "Too",
    "Internal",
    "Service",
    "Gateway",
    "after",
];

/// What a completion says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion<'t> {
    /// HTTP verb.
    pub method: &'t str,
    /// Path, with its query.
    pub path: &'t str,
    /// Status that the client got.
    pub status: u16,
}

/// Reads a message of one line; `None` in any doubt.
pub fn read(message: &str) -> Option<Completion<'_>> {
    let text = message.trim();
    if text.len() > MAX_BYTES || text.contains('\n') || !text.contains('/') {
        return None;
    }
    let mut words = text.split_ascii_whitespace();
    let first =
        words.by_ref().take(VERB_WITHIN).find(|word| METHODS.contains(&bare(word)) || !opens(bare(word)));
    let method = first.map(bare).filter(|word| METHODS.contains(word))?;
    let path = words.next().map(bare).filter(|path| path.starts_with('/') && !path.starts_with("//"))?;
    let status = words.by_ref().find(|word| !joins(word)).and_then(status)?;
    let is_end = words.next().is_none_or(|word| {
        word.starts_with(|c: char| !c.is_alphabetic()) || word.contains('=') || AFTER.contains(&bare(word))
    });
    is_end.then_some(Completion { method, path, status })
}

/// Method and path of a message that tells of an error of this request: `GET /events Error: connect …`,
/// `POST /pay: TypeError: …`.
fn read_failed(message: &str) -> Option<(&str, &str)> {
    let mut words = first_line(message).split_ascii_whitespace();
    let before = |word: &&str| !METHODS.contains(&bare(word)) && may_precede(word);
    let method = words.by_ref().take(VERB_WITHIN).find(|word| !before(word)).map(bare)?;
    let path = words.next().map(bare).filter(|path| path.starts_with('/') && !path.starts_with("//"))?;
    let class = words.find(|word| !joins(word))?;
    let names_error = is_error_class(class.trim_end_matches(':'));
    (METHODS.contains(&method) && names_error).then(|| (method, path.trim_end_matches(':')))
}

/// What words tell of the request that wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'t> {
    /// How it ended.
    Ended(Completion<'t>),
    /// Method and path of the request in which an error was raised.
    Failed(&'t str, &'t str),
}

impl<'t> Told<'t> {
    /// What a message tells; of errors only where `is_error` says that it was written for one.
    pub fn read(message: &'t str, is_error: bool) -> Option<Told<'t>> {
        let failed = || {
            is_error.then(|| read_failed(message)).flatten().map(|(method, path)| Told::Failed(method, path))
        };
        read(message).map(Told::Ended).or_else(failed)
    }

    /// Says it in the record, where nothing else said so.
    pub fn settle(self, record: &mut Record) {
        match self {
            _ if record.status.is_some() => {}
            Told::Ended(completion) => completion.settle(record),
            Told::Failed(method, path) if record.level >= Some(Level::Error) && record.path.is_none() => {
                set_request(record, method, path);
            }
            Told::Failed(..) => {}
        }
    }
}

/// Fills in a record whose message is a completion, or an error that names its request.
pub fn complete(record: &mut Record) {
    if record.status.is_some() {
        return;
    }
    let message = std::mem::take(&mut record.message);
    if let Some(told) = Told::read(&message, record.level >= Some(Level::Error)) {
        told.settle(record);
    }
    record.message = message;
}

impl Completion<'_> {
    /// Says in the record how its request ended.
    pub fn settle(&self, record: &mut Record) {
        set_request(record, self.method, self.path);
        record.status = Some(self.status);
        record.marks.insert(Marks::CLIENT | Marks::END);
    }
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c| matches!(c, '"' | '\'' | '[' | ']' | '(' | ')' | ',' | ';'))
}

/// Whether a word may stand before the verb: an opener, an arrow, an ID, an address.
fn opens(word: &str) -> bool {
    let lower = word.trim_end_matches(':').to_ascii_lowercase();
    OPENERS.contains(&lower.as_str())
        || is_uuid(word)
        || !word.contains(|c: char| c.is_ascii_alphabetic())
        || word.parse::<std::net::IpAddr>().is_ok()
}

/// Whether a word may stand before the verb of an error: also a level.
fn may_precede(word: &str) -> bool {
    opens(bare(word)) || Level::parse(bare(word).trim_end_matches(':')).is_some()
}

fn joins(word: &str) -> bool {
    let word = bare(word);
    word.is_empty()
        || word.starts_with("HTTP/")
        || JOINTS.contains(&word.trim_end_matches([':', '=']))
        || JOINTS.contains(&word)
}

/// `500`, `500,`, `status=500`.
fn status(word: &str) -> Option<u16> {
    let word = bare(word);
    let digits = word.strip_prefix("status=").or_else(|| word.strip_prefix("status:")).unwrap_or(word);
    let digits = digits.trim_end_matches(':');
    let is_status = digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|status| is_status && (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str) -> Option<(&str, &str, u16)> {
        read(message).map(|found| (found.method, found.path, found.status))
    }

    #[test]
    fn reads_what_middleware_prints() {
        for (message, path) in [
            ("GET /views/home => 500", "/views/home"),
            ("GET /features/dark -> 500 (94 ms)", "/features/dark"),
            ("http GET /sessions/abcdef 500 821.0ms", "/sessions/abcdef"),
            ("GET /stock/1 HTTP/1.1 500 0.008221", "/stock/1"),
            ("\"GET /reviews/AB-1\" 500", "/reviews/AB-1"),
            ("--> GET /describe 500 452ms", "/describe"),
            ("[5c18ae68-1eab-4adf-965c-b1ff5215de14] GET /refunds 500 52 - 14ms", "/refunds"),
            ("10.30.0.2 GET /orders 500 44.724 ms - 20 id=a6", "/orders"),
            ("GET /a?b=c 500 Internal Server Error", "/a?b=c"),
            ("GET /a status=500 dur=4", "/a"),
            ("GET /a responded with status 500", "/a"),
            ("Completed: GET /a [500] in 12ms", "/a"),
        ] {
            assert_eq!(told(message), Some(("GET", path, 500)), "{message}");
        }
    }

    #[test]
    fn reads_errors_that_name_their_request() {
        for message in [
            "GET /events/4 Error: connect ENETUNREACH 2001:db8::1:5432\n    at internalConnect (node:net:1111:16)",
            "error GET /events/4: TypeError: x is not a function",
            "ERROR: GET /events/4 - PrismaClientKnownRequestError: x",
        ] {
            assert_eq!(read_failed(message), Some(("GET", "/events/4")), "{message}");
        }
        for message in [
            "GET /events/4 failed",
            "axios GET /events/4 Error: x",
            "GET https://api.example.com/x Error: y",
            "failed to GET /x Error: y",
            "Error: GET /x",
        ] {
            assert_eq!(read_failed(message), None, "{message}");
        }
    }

    #[test]
    fn leaves_calls_to_others_and_sentences() {
        for message in [
            "GET https://api.example.com/x 500",
            "HTTP Request: GET https://api.example.com/x \"HTTP/1.1 500 Internal Server Error\"",
            "upstream GET /x 500",
            "retrying GET /x 500",
            "GET /orders 500 items loaded",
            "GET //cdn.example.com/x 500",
            "GET /orders",
            "GET /orders 5000",
            "failed to GET /x 500",
            "GET /x 500\nError: x",
            "",
        ] {
            assert_eq!(told(message), None, "{message}");
        }
    }
}
