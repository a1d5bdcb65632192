//! The sheet that terminal output is written on. Everything passes [`Page::line`]: there texts are cleaned,
//! cut to the width and coloured, so no other code has to remember it.

use std::io;

use anstyle::Style;

use super::layout::{cut, pack, width, wrap};
use super::palette::{PLAIN, QUIET};
use crate::redact::printable::{printable, single_line};

/// Prose and rules do not grow wider than this: longer lines are hard to read.
const PROSE_COLUMNS: usize = 110;

/// A piece of a line in one style.
pub type Span<'a> = (Style, &'a str);

/// A terminal of a certain width.
pub struct Page<'a> {
    out: &'a mut dyn io::Write,
    columns: usize,
    colour: bool,
}

impl<'a> Page<'a> {
    /// A page of `columns` columns; below 20 it is treated as 20.
    pub fn new(out: &'a mut dyn io::Write, columns: usize, colour: bool) -> Page<'a> {
        Page { out, columns: columns.max(20), colour }
    }

    /// Columns that a line may take.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Writes an empty line.
    pub fn gap(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// Writes one line. Control characters go, what exceeds the width is cut with `…`.
    pub fn line(&mut self, spans: &[Span]) -> io::Result<()> {
        let mut left = self.columns;
        let last = spans.iter().rposition(|(_, text)| !text.trim().is_empty());
        for (index, (style, text)) in spans.iter().enumerate() {
            if last.is_none_or(|last| index > last) || left == 0 {
                break;
            }
            let text = clean_inside(text);
            let text = if last == Some(index) { text.trim_end() } else { &text };
            let fits = width(text) <= left;
            let text = cut(text, left);
            left = if fits { left - width(&text) } else { 0 };
            if self.colour && *style != PLAIN && !text.trim().is_empty() {
                write!(self.out, "{}{}{}", style.render(), text, style.render_reset())?;
            } else {
                self.out.write_all(text.as_bytes())?;
            }
        }
        self.gap()
    }

    /// Writes `label` and then `text`, wrapped to `max_lines`, its further lines below the first one's start.
    /// A further line never looks like a `key = value` line of its own, whatever the text holds.
    pub fn entry(&mut self, label: Span, style: Style, text: &str, max_lines: usize) -> io::Result<()> {
        let text = single_line(text);
        let start = width(label.1);
        // A long label leaves too little room beside it; then the text hangs by four columns.
        let hang = if start * 2 > self.columns { 4 } else { start };
        let columns = self.columns.min(PROSE_COLUMNS).saturating_sub(start.max(hang)).max(10);
        let indent = " ".repeat(hang);
        for (index, line) in wrap(&text, columns, max_lines).iter().enumerate() {
            if index == 0 {
                self.line(&[label, (style, line)])?;
            } else if looks_like_entry(line) {
                self.line(&[(PLAIN, &indent), (QUIET, "↪ "), (style, line)])?;
            } else {
                self.line(&[(PLAIN, &indent), (style, line)])?;
            }
        }
        Ok(())
    }

    /// Writes `label` and then the items, ` · ` between them, broken between items.
    pub fn items(&mut self, label: Span, style: Style, items: &[String]) -> io::Result<()> {
        let hang = width(label.1);
        let items: Vec<String> = items.iter().map(|item| single_line(item).into_owned()).collect();
        let columns = self.columns.min(PROSE_COLUMNS).saturating_sub(hang).max(10);
        let indent = " ".repeat(hang);
        for (index, line) in pack(&items, " · ", columns).iter().enumerate() {
            let start = if index == 0 { label } else { (PLAIN, indent.as_str()) };
            let guard = if index > 0 && looks_like_entry(line) { "↪ " } else { "" };
            self.line(&[start, (QUIET, guard), (style, line)])?;
        }
        Ok(())
    }

    /// Writes a text from a log behind a bar, so that none of its lines can be taken for the report's own.
    /// At most `max_lines` lines.
    pub fn quote(&mut self, indent: &str, text: &str, max_lines: usize) -> io::Result<()> {
        let text = printable(text);
        let columns = self.columns.saturating_sub(width(indent) + 2).max(10);
        let mut left = max_lines;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if left == 0 {
                return self.line(&[(PLAIN, indent), (QUIET, "│ …")]);
            }
            let lines = wrap(&single_line(line), columns, left.min(3));
            left = left.saturating_sub(lines.len());
            for line in &lines {
                self.line(&[(PLAIN, indent), (QUIET, "│ "), (PLAIN, line)])?;
            }
        }
        Ok(())
    }

    /// Whether a rule with this title and note can be written without a cut.
    pub fn rule_fits(&self, title: &str, note: &str) -> bool {
        8 + width(&clean_inside(title)) + 4 + width(note) <= self.columns.min(PROSE_COLUMNS)
    }

    /// Writes a horizontal rule with a title in it: `── title ─────── note ──`.
    pub fn rule(&mut self, title: &[Span], note: &str) -> io::Result<()> {
        let note = if note.is_empty() { String::new() } else { format!(" {note} ──") };
        let columns = self.columns.min(PROSE_COLUMNS);
        let room = columns.saturating_sub(4 + width(&note));
        let mut spans = vec![(QUIET, "── ".to_owned())];
        let mut used = 0;
        for (style, text) in title {
            let text = cut(&clean_inside(text), room.saturating_sub(used + 1)).into_owned();
            used += width(&text);
            spans.push((*style, text));
        }
        let fill = columns.saturating_sub(3 + used + 1 + width(&note));
        spans.push((QUIET, format!(" {}", "─".repeat(fill))));
        spans.push((QUIET, note));
        let spans: Vec<Span> = spans.iter().map(|(style, text)| (*style, text.as_str())).collect();
        self.line(&spans)
    }
}

/// Cleans a text on one line but keeps the spaces at its ends, which align.
fn clean_inside(text: &str) -> String {
    let body = text.trim_matches(' ');
    if body.is_empty() {
        return text.to_owned();
    }
    let before = text.len() - text.trim_start_matches(' ').len();
    let after = text.len() - text.trim_end_matches(' ').len();
    format!("{}{}{}", " ".repeat(before), single_line(body), " ".repeat(after))
}

/// Whether a line could be taken for `key = value`.
fn looks_like_entry(line: &str) -> bool {
    let name = line.trim_start_matches(|c: char| c.is_alphanumeric() || "_.-".contains(c));
    name.len() < line.len() && name.trim_start().starts_with('=')
}
