//! Entries of a failed request to lines: decode what was only glanced at, join what continues, match the rules.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::correlate::held::{Body, Held, Order, identity};
use crate::correlate::line::{Fold, Line};
use crate::format::ansi;
use crate::format::registry::Shapes;
use crate::input::frame::Frame;
use crate::record::{Marks, Record};
use crate::rules::RuleSet;

/// Longest joined text that rules are matched on, in bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Entries of one stream further apart than this are not parts of one message, in milliseconds.
const JOIN_GAP_MS: i64 = 1_000;

/// Decodes with the shapes and matches with the rules of a run.
pub struct Folder<'a> {
    /// Shapes.
    pub shapes: Shapes,
    /// Rules.
    pub rules: &'a RuleSet,
}

impl Fold for Folder<'_> {
    fn lines(&self, held: Vec<Held>) -> Vec<Line> {
        let mut lines = Vec::with_capacity(held.len());
        for entry in held {
            let (backwards, at) = (entry.order.sequence < 0, entry.at());
            match entry.body {
                Body::Record(decoded) => {
                    let (record, format) = *decoded;
                    lines.push((entry.identity, entry.order, record, format));
                }
                Body::Shared(..) => continue,
                Body::Raw(raw) => {
                    let part = raw.as_ref().part;
                    let frame = Frame { bytes: raw.as_ref().bytes(), kind: part.kind, at };
                    let Some(context) = raw.context() else { continue };
                    let mut records = Vec::new();
                    self.shapes.read(&frame, context, Some(part.container), None, &mut records);
                    let format = Shapes::container_name(part.container);
                    for record in records {
                        // The entry's own identity for its first record, so that a repetition is found again.
                        let own = if record.at.part == 0 { entry.identity } else { identity(&record) };
                        let order = Order::new(record.time_ms, record.at, backwards);
                        lines.push((own, order, record, format));
                    }
                }
            }
        }
        lines.sort_by(|a, b| a.1.cmp(&b.1).then(a.2.at.cmp(&b.2.at)));
        let mut seen = HashSet::new();
        lines.retain(|(identity, ..)| seen.insert(*identity));
        let mut out: Vec<(Line, &'static str)> = Vec::with_capacity(lines.len());
        for (identity, order, mut record, format) in lines {
            let text = take_text(&mut record);
            if let Some((last, _)) = out.last_mut()
                && continues(last, &record, &text, order)
            {
                last.text.push('\n');
                last.text.push_str(&text);
                crate::format::json::truncate(&mut last.text, MAX_TEXT_BYTES);
                continue;
            }
            let at = record.at;
            out.push((Line { identity, order, at, record, text, hits: Vec::new() }, format));
        }
        out.into_iter()
            .map(|(mut line, format)| {
                let name = format!("{format}/{}", line.record.payload);
                self.rules.match_record(&line.record, &line.text, &name, &mut line.hits);
                line
            })
            .collect()
    }
}

/// The record's joined text without escapes; the record keeps no second copy.
fn take_text(record: &mut Record) -> String {
    let mut text = record.text();
    record.message = String::new();
    record.error_text = String::new();
    if let Cow::Owned(stripped) = ansi::strip(&text) {
        text = stripped;
    }
    crate::format::json::truncate(&mut text, MAX_TEXT_BYTES);
    text
}

/// Whether an entry of its own only goes on with the text of the entry before it: a stack frame, a closing brace, a
/// property of a printed error.
fn continues(last: &Line, record: &Record, text: &str, order: Order) -> bool {
    if last.record.stream != record.stream
        || order.source != last.order.source
        || text.is_empty()
        || last.text.is_empty()
    {
        return false;
    }
    if order.time_ms.saturating_sub(last.order.time_ms) > JOIN_GAP_MS || record.marks.has(Marks::SUMMARY) {
        return false;
    }
    record.marks.has(Marks::CONTINUATION)
        || text.starts_with([' ', '\t', '\u{a0}', '}', ']'])
        || [
            "at ",
            "Caused by:",
            "caused by:",
            "[cause]:",
            "... ",
            "Traceback (most recent",
            "code: '",
            "errno: ",
            "syscall: ",
        ]
        .iter()
        .any(|start| text.starts_with(start))
}
