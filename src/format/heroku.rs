//! Payload `heroku`: what Heroku's router and dyno manager say, in whatever it was wrapped (`heroku logs`, a syslog
//! drain). Names and meanings of the codes: <https://devcenter.heroku.com/articles/error-codes>

use super::text_parts::{push_code, set_request};
use super::{About, Payload};
use crate::record::{Level, Marks, Record};

/// The payload `heroku`.
pub struct Heroku;

impl Payload for Heroku {
    fn name(&self) -> &'static str {
        "heroku"
    }

    fn about(&self) -> About {
        About {
            title: "Heroku's router and dyno manager",
            fingerprint: "at=error code=H12 … dyno= connect= service= status=, Error R14 (…)",
            export: "heroku logs --num 1500 > app.log",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        old_router(&record.message).is_some()
            || is_router(&record.message)
            || dyno_code(&record.message).is_some()
            || exit(&record.message)
    }

    fn read(&self, record: &mut Record, _more: &mut Vec<Record>) {
        if let Some((code, request)) = old_router(&record.message) {
            let (code, request) = (code.to_owned(), request.to_owned());
            read_old_router(record, &code, &request);
        } else if is_router(&record.message) {
            read_router(record);
        } else if let Some(code) = dyno_code(&record.message).map(str::to_owned) {
            record.level = Some(if code == "R14" { Level::Warn } else { Level::Error });
            if matches!(code.as_str(), "R14" | "R15") {
                record.marks.insert(Marks::OUT_OF_MEMORY);
            }
            push_code(record, &code);
        } else {
            record.level = Some(Level::Error);
            record.marks.insert(Marks::CRASH);
        }
    }
}

fn is_router(text: &str) -> bool {
    (text.starts_with("at=") || text.starts_with("sock="))
        && [" host=", " dyno=", " connect=", " service="].iter().all(|key| text.contains(key))
}

/// The pairs themselves are read like anybody's; here is what only the router means.
fn read_router(record: &mut Record) {
    let value = |key: &str| {
        let (_, rest) = record.message.split_once(key)?;
        rest.split(' ').next().map(|value| value.trim_matches('"')).filter(|value| !value.is_empty())
    };
    let (dyno, code) = (value(" dyno=").map(str::to_owned), value(" code=").map(str::to_owned));
    // Beside the lines of the dyno that it sent the request to.
    if dyno.is_some() {
        record.stream = dyno;
    }
    record.marks.insert(Marks::CLIENT | Marks::END | Marks::EDGE);
    if code.as_deref() == Some("H27") {
        // The client went away, whatever status is noted.
        record.status = Some(499);
        record.marks.insert(Marks::ABORTED);
    }
}

/// Code and request of `Error H10 (App crashed) -> GET shop.example.com/orders dyno= queue= wait= service= status=503 bytes=`,
/// as the router wrote it until 2013.
fn old_router(text: &str) -> Option<(&str, &str)> {
    let (head, request) = text.strip_prefix("Error H")?.split_once(" -> ")?;
    let code = head.split(' ').next()?;
    let valid = code.len() == 2 && code.bytes().all(|b| b.is_ascii_digit()) && request.contains(" status=");
    valid.then(|| (&text["Error ".len().."Error H".len() + 2], request))
}

fn read_old_router(record: &mut Record, code: &str, request: &str) {
    push_code(record, code);
    record.level = Some(Level::Error);
    record.marks.insert(Marks::CLIENT | Marks::END | Marks::EDGE);
    // In the router's words of today.
    let what = record.message.split_once(" (").and_then(|(_, rest)| rest.split_once(") -> "));
    record.error_text = format!("code={code} desc=\"{}\"", what.map_or("", |(what, _)| what));
    let mut words = request.split(' ');
    let (verb, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    // The host stands before the path.
    let path = target.find('/').map_or("/", |at| &target[at..]);
    set_request(record, verb, path);
    let value = |key: &str| {
        request.split(' ').find_map(|word| word.strip_prefix(key)).filter(|value| !value.is_empty())
    };
    record.status =
        value("status=").and_then(|code| code.parse().ok()).filter(|code| (100..600).contains(code));
    if let Some(dyno) = value("dyno=") {
        record.stream = Some(dyno.to_owned());
    }
    if code == "H27" {
        record.status = Some(499);
        record.marks.insert(Marks::ABORTED);
    }
}

/// `R14` of `Error R14 (Memory quota exceeded)`.
fn dyno_code(text: &str) -> Option<&str> {
    let (code, rest) = text.strip_prefix("Error ")?.split_once(' ')?;
    let digits = code.strip_prefix(['R', 'L'])?;
    let valid = (2..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    (valid && rest.starts_with('(')).then_some(code)
}

/// The dyno's process ended by itself.
fn exit(text: &str) -> bool {
    text.strip_prefix("State changed from ").is_some_and(|rest| rest.trim_end().ends_with("to crashed"))
        || text.strip_prefix("Process exited with status ").is_some_and(|code| {
            let code = code.trim();
            code.len() <= 3 && code != "0" && code != "143" && code.bytes().all(|b| b.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Record {
        let mut record = Record { message: text.to_owned(), ..Record::default() };
        assert!(Heroku.detect(&record), "{text}");
        Heroku.read(&mut record, &mut Vec::new());
        record
    }

    #[test]
    fn reads_the_router() {
        let line = read(
            "at=error code=H12 desc=\"Request timeout\" method=GET path=\"/o\" host=shop.example.com request_id=8f31 fwd=\"203.0.113.9\" dyno=web.2 connect=1ms service=30000ms status=503 bytes=0",
        );
        assert!(line.marks.has(Marks::EDGE) && line.marks.has(Marks::CLIENT));
        assert_eq!(line.stream.as_deref(), Some("web.2"));
        let gone = read(
            "sock=client at=warning code=H27 desc=\"Client Request Interrupted\" method=POST path=\"/o\" host=shop.example.com request_id=8f31 fwd=\"203.0.113.9\" dyno= connect= service= status=499 bytes=0",
        );
        assert!(gone.marks.has(Marks::ABORTED) && gone.status == Some(499) && gone.stream.is_none());
    }

    #[test]
    fn reads_the_router_of_old() {
        let line = read(
            "Error H10 (App crashed) -> GET shop.example.com/orders?x=1 dyno= queue= wait= service= status=503 bytes=",
        );
        assert_eq!(
            (line.status, line.path.as_deref(), line.method.as_deref()),
            (Some(503), Some("/orders"), Some("GET"))
        );
        assert_eq!(line.error_codes, ["H10"]);
        assert!(
            read("Error H27 (Client Request Interrupted) -> GET x/ dyno=web.1 status=499 bytes=")
                .marks
                .has(Marks::ABORTED)
        );
        for text in ["Error H10", "Error H1 (x) -> GET / status=503", "Error Hé0 (x) -> GET / status=1"] {
            assert!(!Heroku.detect(&Record { message: text.to_owned(), ..Record::default() }), "{text}");
        }
    }

    #[test]
    fn reads_the_dyno_manager() {
        let memory = read("Error R15 (Memory quota vastly exceeded)");
        assert!(memory.marks.has(Marks::OUT_OF_MEMORY) && memory.error_codes == ["R15"]);
        assert!(read("Error R10 (Boot timeout) -> Web process failed to bind").marks.is_empty());
        assert!(read("Process exited with status 137").marks.has(Marks::CRASH));
        assert!(read("State changed from up to crashed").marks.has(Marks::CRASH));
        for text in
            ["Process exited with status 0", "State changed from starting to up", "Error R (x)", "at=x"]
        {
            assert!(!Heroku.detect(&Record { message: text.to_owned(), ..Record::default() }), "{text}");
        }
    }
}
