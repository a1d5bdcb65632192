//! Text measured and broken by display width (columns of a terminal), never by bytes. Knows no colour.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that `text` takes in a terminal.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// `text` in at most `columns`, the last of which is `…` where something was cut.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let head = &text[..fitting(text, columns.saturating_sub(1))];
    Cow::Owned(if columns == 0 { String::new() } else { format!("{}…", head.trim_end()) })
}

/// Breaks `text` into lines of at most `columns`, between words where it can. What does not fit into
/// `max_lines` is cut with `…`. Always gives at least one line.
pub fn wrap(text: &str, columns: usize, max_lines: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if lines.len() + 1 >= max_lines {
            lines.push(cut(rest, columns).into_owned());
            return lines;
        }
        // A wide character in a narrow place: it takes its line alone rather than never.
        let one = rest.chars().next().map_or(0, char::len_utf8);
        let fits = fitting(rest, columns).max(one);
        let end = if fits == rest.len() { fits } else { break_before(rest, fits) };
        lines.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// Sets `items` on as few lines as their order allows, `separator` between two on one line. An item that is
/// wider than a line is wrapped.
pub fn pack(items: &[String], separator: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if width(line) + width(separator) + width(item) <= columns => {
                line.push_str(separator);
                line.push_str(item);
            }
            _ => lines.extend(wrap(item, columns, 4)),
        }
    }
    lines
}

/// Length in bytes of the longest start of `text` that fits.
fn fitting(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        // The emoji selector makes a narrow sign wide; counted alone it has no width.
        used += if c == '\u{fe0f}' { 1 } else { c.width().unwrap_or(0) };
        if used > columns {
            return at;
        }
    }
    text.len()
}

/// Where to break a text of which `fits` bytes fit: behind the last space, else behind `/` and the like
/// where that fills a third of the line, else in the middle of the word.
fn break_before(text: &str, fits: usize) -> usize {
    let head = &text[..fits];
    if text[fits..].starts_with(' ') {
        return fits;
    }
    match head.rfind(' ') {
        Some(at) if at > 0 => return at,
        _ => {}
    }
    match head.rfind(['/', ',', '-', '_', '.', '&', '?']) {
        Some(at) if (at + 1) * 3 >= fits => at + 1,
        _ => fits,
    }
}
