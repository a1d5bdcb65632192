//! What the log rules say of an answer with 5xx: its text is read as the log line that it would be, so that a finding about
//! a deployment has the id of the incident that it would become.

use std::collections::BTreeMap;
use std::io::Cursor;

use serde_json::json;

use crate::engine::{Engine, Options};
use crate::gate::transcript::{Answer, Http, Outcome};

/// Causes by the position of the request; none where no rule names one.
pub fn of(seen: &[&Http]) -> BTreeMap<usize, String> {
    let lines: String = seen.iter().enumerate().filter_map(|(at, http)| line(at, http)).collect();
    if lines.is_empty() {
        return BTreeMap::new();
    }
    // The rules are checked when the program is built.
    let Ok(engine) = Engine::with_rules(&[], Options { threads: 1, ..Options::default() }) else {
        return BTreeMap::new();
    };
    let report = engine.run_reader("answers", Box::new(Cursor::new(lines.into_bytes()))).report;
    let named = report.failures.into_iter().filter_map(|failure| {
        let at = failure.correlation_id?.strip_prefix("answer-")?.parse().ok()?;
        Some((at, failure.cause?))
    });
    named.collect()
}

/// The line of a log drain that the answer would be.
fn line(at: usize, http: &Http) -> Option<String> {
    let Outcome::Answered(Answer { status: status @ 500.., headers, excerpt, .. }) = &http.outcome else {
        return None;
    };
    let error = headers.get("x-vercel-error").map(String::as_str).unwrap_or_default();
    let message = format!("{error}\n{excerpt}");
    if message.trim().is_empty() {
        return None;
    }
    let id = format!("answer-{at}");
    let value = json!({
        "id": id, "timestamp": 0, "source": "lambda", "level": "error", "requestId": id,
        "path": http.path, "statusCode": status, "message": message.trim(),
        "proxy": { "timestamp": 0, "method": http.method, "path": http.path, "statusCode": status },
    });
    Some(format!("{value}\n"))
}
