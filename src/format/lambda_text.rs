//! Lambda's text log format: the platform's START, END and REPORT lines, initialisation, timeouts and exits, and the
//! lines that its runtimes prefix. A message that holds a whole invocation is cut by [`super::lambda_split`].

use super::lambda_lines::{self, Line, TRACEBACK};
use super::{About, Payload, aws, lambda_body, lambda_split};
use crate::record::{Level, Marks, Record};

/// The shape `lambda-text`.
pub struct LambdaText;

impl Payload for LambdaText {
    fn name(&self) -> &'static str {
        "lambda-text"
    }

    fn about(&self) -> About {
        About {
            title: "AWS Lambda text log",
            fingerprint: "START, END and REPORT RequestId; time, request id and level between tabs; [LEVEL] and a tab",
            export: "aws logs tail /aws/lambda/NAME --since 1h",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        let text = record.message.trim_start_matches(['\n', '\r']);
        match lambda_lines::line(text) {
            Some(Line::Levelled(..)) => aws::from_lambda(record),
            Some(Line::Crash(..)) => lambda_lines::is_lambda(text) || aws::from_lambda(record),
            Some(_) => true,
            None => lambda_split::found(text),
        }
    }

    fn read(&self, record: &mut Record, more: &mut Vec<Record>) {
        aws::clean(&mut record.message);
        if record.message.starts_with('\n') {
            record.message = record.message.trim_start_matches('\n').to_owned();
        }
        if lambda_split::found(&record.message) {
            lambda_split::split(record, more);
        } else {
            read_line(record);
        }
    }
}

/// Reads a record whose message is one Lambda line with the lines that continue it. A message without a Lambda
/// prefix is read as the application's own text.
pub fn read_line(record: &mut Record) {
    let mut message = std::mem::take(&mut record.message);
    let mut application = true;
    let keep = match lambda_lines::line(&message) {
        None => message.len(),
        Some(Line::App(time_ms, id, level, text)) => {
            record.time_ms.get_or_insert(time_ms);
            record.level = level.or(record.level);
            set_id(record, id);
            text.len()
        }
        Some(Line::Levelled(level, text)) => {
            record.level = Some(level);
            text.len()
        }
        Some(Line::Crash(class, text)) => {
            record.level = Some(Level::Error);
            if class.starts_with("Runtime.") || text.contains(TRACEBACK) {
                record.marks.insert(Marks::CRASH);
                record.error_class.get_or_insert_with(|| class.to_owned());
            }
            text.len()
        }
        Some(line) => {
            application = false;
            platform_line(line, &message, record)
        }
    };
    message.drain(..message.len().saturating_sub(keep));
    if !application {
        message.truncate(message.trim_end().len());
    }
    record.message = message;
    if application {
        lambda_body::read(record);
    }
}

/// Reads a line of the platform; gives the length of the text that stays as the message.
fn platform_line(line: Line<'_>, message: &str, record: &mut Record) -> usize {
    match line {
        Line::Start(id) => {
            set_id(record, id);
            record.marks.insert(Marks::START);
        }
        Line::End(id) => {
            set_id(record, id);
            record.marks.insert(Marks::SUMMARY);
        }
        Line::Report(id, figures) => {
            set_id(record, id);
            report(figures, record);
        }
        Line::Init => init_line(message, record),
        Line::InitReport(figures) => init_report(figures, record),
        Line::Xray => {
            record.marks.insert(Marks::CONTINUATION);
            trace(message, record);
        }
        Line::Timeout(time_ms, id, text) => {
            record.time_ms.get_or_insert(time_ms);
            set_id(record, id);
            fail(record, Marks::TIMEOUT);
            return text.len();
        }
        Line::Fault(id, text) => {
            set_id(record, id);
            if text.trim_start_matches("Error: ").starts_with("Task timed out") {
                fail(record, Marks::TIMEOUT);
            } else {
                fail(record, Marks::CRASH);
            }
            // The class stands on the line below: `Runtime.ExitError`.
            if let Some(class) = text.lines().skip(1).map(str::trim).find(|line| is_runtime_class(line)) {
                error_type(class, record);
            }
            return text.len();
        }
        Line::App(..) | Line::Crash(..) | Line::Levelled(..) => {}
    }
    message.len()
}

/// The id column: `undefined` or nothing means that no invocation has begun.
fn set_id(record: &mut Record, id: &str) {
    if matches!(id, "" | "undefined") {
        record.marks.insert(Marks::INIT);
    } else {
        aws::set_lambda_id(record, id);
    }
}

fn fail(record: &mut Record, mark: Marks) {
    record.marks.insert(mark);
    record.level = Some(Level::Error);
}

fn is_runtime_class(text: &str) -> bool {
    ["Runtime.", "Extension.", "Sandbox.", "Function."].iter().any(|head| text.starts_with(head))
        && text.len() <= 120
        && !text.contains(char::is_whitespace)
}

/// An error type as the platform names it.
pub(super) fn error_type(class: &str, record: &mut Record) {
    if class == "Runtime.OutOfMemory" {
        record.marks.insert(Marks::OUT_OF_MEMORY);
    }
    record.error_class.get_or_insert_with(|| class.to_owned());
}

fn report(figures: &str, record: &mut Record) {
    record.marks.insert(Marks::SUMMARY | Marks::END);
    record.duration_ms = record.duration_ms.or(figure(figures, "Duration: ", &["Billed", "Init", "Restore"]));
    record.memory_limit_mb = record.memory_limit_mb.or(figure(figures, "Memory Size: ", &[]));
    record.memory_used_mb = record.memory_used_mb.or(figure(figures, "Max Memory Used: ", &[]));
    for (key, name, not_after) in [
        ("Init Duration: ", "init_duration_ms", [].as_slice()),
        ("Restore Duration: ", "restore_duration_ms", &["Billed"]),
    ] {
        if let Some(value) = after(figures, key, not_after) {
            record.marks.insert(Marks::COLD_START);
            aws::set_field(record, name, number(value));
        }
    }
    trace(figures, record);
    if let Some(class) = word(figures, "Error Type: ") {
        error_type(class, record);
    }
    match word(figures, "Status: ") {
        Some("timeout") => fail(record, Marks::TIMEOUT),
        Some("error" | "failure") => fail(record, Marks::CRASH),
        _ => {}
    }
}

fn init_line(message: &str, record: &mut Record) {
    record.marks.insert(Marks::INIT);
    if let Some(version) = word(message, "Runtime Version: ") {
        record.runtime.get_or_insert_with(|| version.to_owned());
    }
}

fn init_report(figures: &str, record: &mut Record) {
    record.marks.insert(Marks::INIT);
    if let Some(value) = after(figures, "Init Duration: ", &[]) {
        aws::set_field(record, "init_duration_ms", number(value));
    }
    if let Some(class) = word(figures, "Error Type: ") {
        error_type(class, record);
    }
    let phase = word(figures, "Phase: ");
    match word(figures, "Status: ") {
        Some("error" | "failure") => fail(record, Marks::CRASH),
        // A timeout of the init phase is tried again in the invocation; only there it is the end.
        Some("timeout") if phase == Some("invoke") => fail(record, Marks::TIMEOUT),
        _ => {}
    }
}

fn trace(figures: &str, record: &mut Record) {
    if let Some(id) = word(figures, "XRAY TraceId: ") {
        aws::set_field(record, aws::TRACE_ID, id);
        record.know_as(id, crate::record::IdKind::Trace);
    }
}

/// The text behind `key`, unless one of the words stands before it (`Billed Duration:` is no `Duration:`).
fn after<'a>(text: &'a str, key: &str, not_after: &[&str]) -> Option<&'a str> {
    text.match_indices(key).find_map(|(at, _)| {
        let before = text[..at].trim_end();
        let other = not_after.iter().any(|word| before.ends_with(word));
        (!other).then(|| text[at + key.len()..].trim_start())
    })
}

fn figure(text: &str, key: &str, not_after: &[&str]) -> Option<f64> {
    number(after(text, key, not_after)?).parse().ok()
}

/// The digits that a text begins with.
fn number(text: &str) -> &str {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.').unwrap_or(text.len());
    &text[..end]
}

/// The word behind `key`.
fn word<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    after(text, key, &[])?.split(char::is_whitespace).next().filter(|word| !word.is_empty())
}

#[cfg(test)]
#[path = "lambda_text_tests.rs"]
mod tests;
