//! Entries of a failed request to lines: decode what was only glanced at, join what continues, match the rules.

use std::borrow::Cow;

use hashbrown::HashSet;

use crate::correlate::dimensions::{Dimensions, Fields};
use crate::correlate::held::{Body, Held, Order, RawFrame, identity};
use crate::correlate::line::{Fold, Line, MAX_TEXT_BYTES};
use crate::diagnose::join::continues;
use crate::format::ansi;
use crate::format::prefixed::relayed;
use crate::format::registry::Shapes;
use crate::input::frame::Frame;
use crate::record::{Position, Record};
use crate::rules::RuleSet;

/// Decodes with the shapes and matches with the rules of a run.
pub struct Folder<'a> {
    /// Shapes.
    pub shapes: Shapes,
    /// Rules.
    pub rules: &'a RuleSet,
    /// Other fields that are dimensions.
    pub fields: &'a Fields,
}

impl Fold for Folder<'_> {
    fn lines(&self, held: Vec<Held>) -> Vec<Line> {
        let mut lines: Vec<(Line, &'static str)> = Vec::with_capacity(held.len());
        let line = |identity, order, record: Record| Line {
            identity,
            order,
            at: record.at,
            record,
            text: String::new(),
            error_at: 0,
            hits: Vec::new(),
        };
        let mut records = Vec::new();
        for entry in held {
            let (backwards, at) = (entry.order.sequence < 0, entry.at());
            match entry.body {
                Body::Record(decoded) => {
                    let (record, format) = *decoded;
                    lines.push((line(entry.identity, entry.order, record), format));
                }
                // What could not be read from disk again is missed, and that is said.
                Body::Shared(..) | Body::Stored(_) => continue,
                Body::Raw(raw) => {
                    self.decode(&raw, at, &mut records);
                    let format = Shapes::container_name(raw.as_ref().part.container);
                    for record in records.drain(..) {
                        // The entry's own identity for its first record, so that a repetition is found again.
                        let own = if record.at.part == 0 { raw.identity(&record) } else { identity(&record) };
                        let order = Order::new(record.time_ms, record.at, backwards);
                        lines.push((line(own, order, record), format));
                    }
                }
            }
        }
        lines.sort_by(|(a, _), (b, _)| a.order.cmp(&b.order).then(a.at.cmp(&b.at)));
        let mut seen = HashSet::with_capacity(lines.len());
        lines.retain(|(line, _)| seen.insert(line.identity));
        for (line, _) in &mut lines {
            (line.text, line.error_at) = take_text(&mut line.record);
        }
        lines.dedup_by(|(line, _), (last, _)| {
            let joined = continues(last, line);
            if joined {
                last.text.push('\n');
                last.text.push_str(&line.text);
                crate::format::json::truncate(&mut last.text, MAX_TEXT_BYTES);
            }
            joined
        });
        let mut name = String::new();
        for (line, format) in &mut lines {
            name.clear();
            name.extend([*format, "/", line.record.payload]);
            self.rules.match_record(&line.record, &line.text, &name, &mut line.hits);
        }
        lines.into_iter().map(|(line, _)| line).collect()
    }

    fn records(&self, held: Vec<Held>) -> Vec<Record> {
        let mut records = Vec::with_capacity(held.len());
        for entry in held {
            let at = entry.at();
            match entry.body {
                Body::Record(decoded) => records.push(decoded.0),
                Body::Raw(raw) => self.decode(&raw, at, &mut records),
                Body::Shared(..) | Body::Stored(_) => {}
            }
        }
        records
    }

    fn dimensions(&self, record: &Record, into: &mut Dimensions) {
        into.learn(record, self.fields);
    }
}

impl Folder<'_> {
    /// Appends the records of a frame that was only glanced at.
    fn decode(&self, raw: &RawFrame, at: Position, records: &mut Vec<Record>) {
        let part = raw.as_ref().part;
        let frame = Frame { bytes: raw.as_ref().bytes(), kind: part.kind, at };
        if let Some(context) = raw.context() {
            self.shapes.read_glanced(&frame, context, part.container, records);
        }
    }
}

/// The record's joined text without escapes and without the prefixes that a collector kept, and where in it an error
/// begins that stood beside the message; the record keeps no second copy.
fn take_text(record: &mut Record) -> (String, usize) {
    let mut text =
        if record.error_text.is_empty() { std::mem::take(&mut record.message) } else { record.text() };
    let mut error_at =
        if record.error_text.is_empty() { 0 } else { text.len().saturating_sub(record.error_text.len()) };
    record.message = String::new();
    record.error_text = String::new();
    if let Cow::Owned(stripped) = ansi::strip(&text) {
        (text, error_at) = (stripped, 0);
    }
    if let Some(plain) = relayed::without_prefix(&text) {
        (text, error_at) = (plain, 0);
    }
    crate::format::json::truncate(&mut text, MAX_TEXT_BYTES);
    (text, error_at)
}
