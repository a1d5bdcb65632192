//! Finds where CSV rows end and which fields they have. Real exports hold quotes that were never escaped, so a
//! quote closes a field only before a delimiter, and a line that looks like the beginning of a row ends a row
//! whose quote was left open.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::frame::lossy;

/// Scanner of rows; keeps its place while more bytes arrive.
#[derive(Debug, Clone)]
pub struct RowScan {
    delimiter: u8,
    at: usize,
    state: State,
    /// Shape of the first field of the first data row, digits as `0`; empty while unknown.
    shape: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    FieldStart,
    Bare,
    Quoted,
}

impl Default for RowScan {
    fn default() -> RowScan {
        RowScan::new(b',')
    }
}

impl RowScan {
    /// Of rows whose cells are parted by this byte.
    pub fn new(delimiter: u8) -> RowScan {
        RowScan { delimiter, at: 0, state: State::FieldStart, shape: Vec::new() }
    }

    /// Offset of the newline that ends the row which begins at `bytes[0]`, or None if more bytes are needed.
    /// At the end of the input the caller takes what is left as the last row.
    pub fn row_end(&mut self, bytes: &[u8]) -> Option<usize> {
        loop {
            match self.state {
                State::FieldStart => match bytes.get(self.at)? {
                    b'"' => {
                        self.state = State::Quoted;
                        self.at += 1;
                    }
                    _ => self.state = State::Bare,
                },
                State::Bare => {
                    let found = self.at
                        + memchr2(self.delimiter, b'\n', bytes.get(self.at..)?).or_else(|| {
                            self.at = bytes.len();
                            None
                        })?;
                    self.at = found + 1;
                    self.state = State::FieldStart;
                    if bytes[found] == b'\n' {
                        return Some(self.finish(bytes, found));
                    }
                }
                State::Quoted => {
                    let rest = bytes.get(self.at..)?;
                    let Some(found) = memchr2(b'"', b'\n', rest) else {
                        self.at = bytes.len();
                        return None;
                    };
                    let hit = self.at + found;
                    if bytes[hit] == b'\n' {
                        let line = &bytes[hit + 1..];
                        if !self.shape.is_empty()
                            && line.len() < self.shape.len() + 2
                            && memchr(b'\n', line).is_none()
                        {
                            // Not enough of the next line to see whether it begins a row; at the end of the input it does not.
                            self.at = hit;
                            return None;
                        }
                        if self.begins_row(line) {
                            self.at = 0;
                            self.state = State::FieldStart;
                            return Some(hit);
                        }
                        self.at = hit + 1;
                        continue;
                    }
                    match bytes.get(hit + 1) {
                        None => {
                            self.at = hit;
                            return None;
                        }
                        Some(byte) if *byte == self.delimiter => {
                            self.state = State::FieldStart;
                            self.at = hit + 2;
                        }
                        Some(b'\n') => {
                            self.at = 0;
                            self.state = State::FieldStart;
                            return Some(self.finish(bytes, hit + 1));
                        }
                        Some(b'\r') if bytes.get(hit + 2).is_none() => {
                            self.at = hit;
                            return None;
                        }
                        Some(b'\r') if bytes.get(hit + 2) == Some(&b'\n') => {
                            self.at = 0;
                            self.state = State::FieldStart;
                            return Some(self.finish(bytes, hit + 2));
                        }
                        Some(b'"') => self.at = hit + 2,
                        Some(_) => self.at = hit + 1,
                    }
                }
            }
        }
    }

    /// Forgets the row at hand (after a row was taken at the end of the input).
    pub fn reset(&mut self) {
        self.at = 0;
        self.state = State::FieldStart;
    }

    fn finish(&mut self, bytes: &[u8], end: usize) -> usize {
        self.reset();
        if self.shape.is_empty() {
            let first: Vec<u8> = first_field(&bytes[..end], self.delimiter)
                .iter()
                .map(|b| if b.is_ascii_digit() { b'0' } else { *b })
                .collect();
            // Only a date or a number tells rows from text.
            if first.first() == Some(&b'0') && first.len() >= 10 {
                self.shape = first;
            }
        }
        end
    }

    fn begins_row(&self, line: &[u8]) -> bool {
        if self.shape.is_empty() {
            return false;
        }
        let line = line.strip_prefix(b"\"").unwrap_or(line);
        let n = self.shape.len();
        line.len() > n
            && (line[n] == self.delimiter || line[n] == b'"')
            && line.iter().zip(&self.shape).all(|(b, s)| if *s == b'0' { b.is_ascii_digit() } else { b == s })
    }
}

fn first_field(row: &[u8], delimiter: u8) -> &[u8] {
    let row = row.strip_prefix(b"\"").unwrap_or(row);
    let end = row.iter().position(|b| *b == delimiter || *b == b'"').unwrap_or(row.len());
    &row[..end]
}

/// The fields of one row. Doubled quotes are undone, a quote that closes nothing is text, bytes that are not
/// UTF-8 are replaced.
pub fn fields(row: &[u8], delimiter: u8) -> Vec<Cow<'_, str>> {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    let row = row.strip_suffix(b"\r").unwrap_or(row);
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        let (field, end) = if row.get(at) == Some(&b'"') {
            quoted_field(row, at + 1, delimiter)
        } else {
            let rest = row.get(at..).unwrap_or_default();
            let end = memchr(delimiter, rest).map_or(row.len(), |found| at + found);
            (lossy(row.get(at..end).unwrap_or_default()), end)
        };
        out.push(field);
        if row.get(end) != Some(&delimiter) {
            return out;
        }
        at = end + 1;
    }
}

/// The field whose text begins at `from`, behind its quote, and where it ends, behind its other quote.
fn quoted_field(row: &[u8], from: usize, delimiter: u8) -> (Cow<'_, str>, usize) {
    let closes = |at: usize| row.get(at + 1).is_none_or(|next| *next == delimiter);
    let mut at = from;
    let mut field = Vec::new();
    while let Some(found) = memchr(b'"', row.get(at..).unwrap_or_default()) {
        let quote = at + found;
        if closes(quote) && field.is_empty() {
            return (lossy(&row[at..quote]), quote + 1);
        }
        field.extend_from_slice(&row[at..quote]);
        if closes(quote) {
            return (Cow::Owned(lossy(&field).into_owned()), quote + 1);
        }
        field.push(b'"');
        at = quote + if row.get(quote + 1) == Some(&b'"') { 2 } else { 1 };
    }
    field.extend_from_slice(row.get(at..).unwrap_or_default());
    (Cow::Owned(lossy(&field).into_owned()), row.len())
}

/// Whether a cell of the row is a whole number of more than eleven digits as a spreadsheet rounds and writes it
/// (`1.76563E+12`): such a time is off by up to seconds.
pub fn is_rounded_by_spreadsheet(row: &[u8]) -> bool {
    memchr::memmem::find(row, b"E+1").is_some()
        && [b',', b';'].iter().any(|delimiter| row.split(|byte| byte == delimiter).any(is_rounded))
}

fn is_rounded(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    let cell = cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell);
    let Some(at) = memchr::memmem::find(cell, b"E+1") else { return false };
    let (mantissa, exponent) = (&cell[..at], &cell[at + 2..]);
    exponent.len() == 2
        && exponent.iter().all(u8::is_ascii_digit)
        && matches!(mantissa, [b'1'..=b'9', b'.' | b',', rest @ ..] if rest.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8], step: usize) -> Vec<String> {
        let mut scan = RowScan::default();
        let (mut out, mut start, mut have) = (Vec::new(), 0, 0);
        while start < text.len() {
            match scan.row_end(&text[start..have]) {
                Some(end) => {
                    out.push(String::from_utf8_lossy(&text[start..start + end]).into_owned());
                    start += end + 1;
                }
                None if have < text.len() => have = (have + step).min(text.len()),
                None => {
                    out.push(String::from_utf8_lossy(&text[start..]).into_owned());
                    break;
                }
            }
        }
        out
    }

    #[test]
    fn rows_may_span_lines() {
        let text = b"a,b\n1,\"x\ny \"\"z\"\"\"\r\n2,w\n3";
        for step in 1..8 {
            assert_eq!(rows(text, step), ["a,b", "1,\"x\ny \"\"z\"\"\"\r", "2,w", "3"], "step {step}");
        }
    }

    #[test]
    fn an_unescaped_quote_ends_with_the_row() {
        let text = b"t,message,id\n2026-01-01 00:00:00,\"say \"hi\" there\",a\n2026-01-01 00:00:01,\"open quote,b\n2026-01-01 00:00:02,ok,c\n";
        for step in [1, 3, 64] {
            let rows = rows(text, step);
            assert_eq!(rows.len(), 4, "{rows:?}");
            assert_eq!(fields(rows[1].as_bytes(), b','), ["2026-01-01 00:00:00", "say \"hi\" there", "a"]);
            assert_eq!(fields(rows[3].as_bytes(), b','), ["2026-01-01 00:00:02", "ok", "c"]);
        }
    }

    #[test]
    fn splits_fields() {
        assert_eq!(fields(b"a,,\"b,\"\"c\"\"\",\r\n", b','), ["a", "", "b,\"c\"", ""]);
        assert_eq!(fields(b"a;;\"b;c\";1,5", b';'), ["a", "", "b;c", "1,5"]);
        assert_eq!(fields(b"", b','), [""]);
        assert_eq!(fields(b"\"\"", b','), [""]);
    }
}
