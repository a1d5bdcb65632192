//! A whole Lambda invocation in one message: `START … END … REPORT`, as log drains deliver it. Cuts it into records.
//! Lines of their own are the business of [`super::lambda_text`].

use super::lambda_lines::{self, Line};
use super::{aws, lambda_text};
use crate::record::{Marks, Record};

/// Whether a message holds several Lambda lines, one of them the platform's, with real line ends or the two
/// characters `\n`. JSON is left alone: what it quotes is data.
pub fn found(text: &str) -> bool {
    if text.starts_with('{') {
        return false;
    }
    for at in memchr::memmem::find_iter(text.as_bytes(), b"RequestId: ") {
        let before = &text[..at];
        let Some(line) = ["START ", "END ", "REPORT "].iter().find_map(|word| before.strip_suffix(word))
        else {
            continue;
        };
        if line.ends_with(['\n', '\r']) || line.ends_with("\\n") {
            return true;
        }
        if line.is_empty() && has_more(text) {
            return true;
        }
    }
    false
}

/// Whether anything but a trace line follows the first line.
fn has_more(text: &str) -> bool {
    let first = text.find('\n').map(|at| at + 1);
    let literal = text.find("\\n").map(|at| at + 2);
    let Some(rest) = first.or(literal).and_then(|at| text.get(at..)) else {
        return false;
    };
    let rest = rest.trim_start().trim_start_matches("\\n");
    !rest.is_empty() && !rest.starts_with("XRAY TraceId: ")
}

/// One line with those that continue it.
struct Part {
    text: String,
    /// A line of the platform: what follows it is not its continuation.
    closed: bool,
    id: Option<String>,
    begins: bool,
    ends: bool,
}

/// Cuts the record's message. The record becomes the first part; the others are appended with what identifies
/// their origin. The record's own ID stays for all of them; where it has none, Lambda's is set, for lines without
/// an id that of the invocation around them.
pub fn split(record: &mut Record, more: &mut Vec<Record>) {
    let mut text = std::mem::take(&mut record.message);
    if !text.contains('\n') {
        text = unescape(&text);
        aws::clean(&mut text);
    }
    let parts = parts(&text);
    let outer_time = record.time_ms;
    let outer_id = record.id.clone();
    let mut current = parts.iter().find_map(|part| part.id.clone());
    let mut records = Vec::with_capacity(parts.len());
    for (number, part) in parts.into_iter().enumerate() {
        let mut piece = if number == 0 { std::mem::take(record) } else { sibling(&records[0], number) };
        piece.message = part.text;
        piece.id.clone_from(&outer_id);
        // Time and level are read from the line; the container's are those of the whole message.
        piece.time_ms = None;
        piece.level = None;
        lambda_text::read_line(&mut piece);
        if part.begins {
            current.clone_from(&part.id);
        }
        if part.id.is_none()
            && !piece.marks.has(Marks::INIT)
            && let Some(id) = &current
        {
            aws::set_lambda_id(&mut piece, id);
        }
        if part.ends {
            current = None;
        }
        records.push(piece);
    }
    fill_times(&mut records, outer_time);
    let mut records = records.into_iter();
    if let Some(first) = records.next() {
        *record = first;
    }
    more.extend(records);
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for line in text.split('\n') {
        let line = line.trim_end_matches('\r');
        let read = lambda_lines::line(line);
        let continues = match (&read, parts.last()) {
            (_, None) => false,
            (Some(Line::Xray), _) => true,
            (Some(_), _) => false,
            (None, Some(last)) => !last.closed || line.trim().is_empty(),
        };
        if continues {
            if let Some(last) = parts.last_mut()
                && !(last.closed && line.trim().is_empty())
            {
                last.text.push('\n');
                last.text.push_str(line);
            }
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        parts.push(Part {
            text: line.to_owned(),
            closed: matches!(
                read,
                Some(
                    Line::Start(_)
                        | Line::End(_)
                        | Line::Report(..)
                        | Line::Init
                        | Line::InitReport(_)
                        | Line::Timeout(..)
                )
            ),
            id: read.and_then(own_id).map(str::to_owned),
            begins: matches!(read, Some(Line::Start(_))),
            ends: matches!(read, Some(Line::Report(..))),
        });
    }
    for part in &mut parts {
        part.text.truncate(part.text.trim_end().len());
    }
    parts
}

fn own_id(line: Line<'_>) -> Option<&str> {
    match line {
        Line::Start(id) | Line::End(id) | Line::Report(id, _) | Line::Fault(id, _) => Some(id),
        Line::Timeout(_, id, _) | Line::App(_, id, _, _) => Some(id).filter(|id| aws::is_uuid(id)),
        _ => None,
    }
}

/// A record of the same origin. Status, marks and figures belong to the message as a whole and stay with its first part.
fn sibling(first: &Record, number: usize) -> Record {
    let mut at = first.at;
    at.part = at.part.saturating_add(u32::try_from(number).unwrap_or(u32::MAX));
    Record {
        at,
        // Unique per record, and the same in every export of the message.
        event_id: first.event_id.as_ref().map(|id| format!("{id}#{number}")),
        stream: first.stream.clone(),
        method: first.method.clone(),
        path: first.path.clone(),
        route: first.route.clone(),
        runtime: first.runtime.clone(),
        deployment: first.deployment.clone(),
        region: first.region.clone(),
        environment: first.environment.clone(),
        branch: first.branch.clone(),
        fields: first.fields.iter().filter(|(name, _)| name == aws::LOG_GROUP).cloned().collect(),
        ..Record::default()
    }
}

/// Lines without a time take that of the line before them, the first ones that of the first line with one; so the
/// parts keep their order. Where no line has a time, all take the message's.
fn fill_times(records: &mut [Record], outer: Option<i64>) {
    let mut last = records.iter().find_map(|record| record.time_ms).or(outer);
    for record in records {
        record.time_ms = record.time_ms.or(last);
        last = record.time_ms;
    }
}

/// Undoes `\n`, `\t`, `\r`, `\"` and `\\` of a message that was stored escaped.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some(other @ ('"' | '\\' | '/')) => out.push(other),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
#[path = "lambda_split_tests.rs"]
mod tests;
