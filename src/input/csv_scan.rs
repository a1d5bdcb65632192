//! Finds where CSV rows end and which fields they have. Real exports hold quotes that were never escaped, so a
//! quote closes a field only before a delimiter, and a line that looks like the beginning of a row ends a row
//! whose quote was left open.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2};
use wide::u8x16;

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
    /// Outside of quotes: at the beginning of a field, or in one without quotes around it.
    #[default]
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
        RowScan { delimiter, at: 0, state: State::Bare, shape: Vec::new() }
    }

    /// Offset of the newline that ends the row which begins at `bytes[0]`, or None if more bytes are needed.
    /// At the end of the input the caller takes what is left as the last row.
    pub fn row_end(&mut self, bytes: &[u8]) -> Option<usize> {
        loop {
            match self.state {
                State::Bare => {
                    // Only a quote with which a field begins means anything, so fields are not looked for.
                    let Some(found) = memchr2(b'"', b'\n', bytes.get(self.at..)?) else {
                        self.at = bytes.len();
                        return None;
                    };
                    let hit = self.at + found;
                    if bytes[hit] == b'\n' {
                        return Some(self.finish(bytes, hit));
                    }
                    self.at = hit + 1;
                    if hit == 0 || bytes[hit - 1] == self.delimiter {
                        self.state = State::Quoted;
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
                            self.state = State::Bare;
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
                            self.state = State::Bare;
                            self.at = hit + 2;
                        }
                        Some(b'\n') => {
                            self.at = 0;
                            self.state = State::Bare;
                            return Some(self.finish(bytes, hit + 1));
                        }
                        Some(b'\r') if bytes.get(hit + 2).is_none() => {
                            self.at = hit;
                            return None;
                        }
                        Some(b'\r') if bytes.get(hit + 2) == Some(&b'\n') => {
                            self.at = 0;
                            self.state = State::Bare;
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
        self.state = State::Bare;
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

/// Calls `each` with the number and the bytes of every cell of a row, without the quotes around it; how many there are.
/// `None` where [`fields`] would see anything else: the row is not ASCII, or there is a quote inside of quotes.
pub fn plain_cells<'a>(row: &'a [u8], delimiter: u8, mut each: impl FnMut(usize, &'a [u8])) -> Option<usize> {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    let row = row.strip_suffix(b"\r").unwrap_or(row);
    let (delimiters, quotes) = (u8x16::splat(delimiter), u8x16::splat(b'"'));
    let (mut start, mut count) = (0, 0);
    // Whether a cell with quotes is open, and where the quote stands that closed one.
    let (mut quoted, mut closed) = (false, None);
    let mut cell = |start: usize, end: usize, closed: Option<usize>| {
        each(count, closed.map_or(&row[start..end], |closed| &row[start + 1..closed]));
        count += 1;
    };
    let mut from = 0;
    while from < row.len() {
        let block = match row[from..].first_chunk::<16>() {
            Some(block) => *block,
            None => {
                let mut block = [0; 16];
                block[..row.len() - from].copy_from_slice(&row[from..]);
                block
            }
        };
        let block = u8x16::from(block);
        if block.to_bitmask() != 0 {
            return None;
        }
        let mut found = (block.simd_eq(delimiters) | block.simd_eq(quotes)).to_bitmask();
        while found != 0 {
            let at = from + found.trailing_zeros() as usize;
            found &= found - 1;
            if row[at] != b'"' {
                if !quoted {
                    cell(start, at, closed.take());
                    start = at + 1;
                }
            } else if quoted {
                if row.get(at + 1).is_some_and(|next| *next != delimiter) {
                    return None;
                }
                (quoted, closed) = (false, Some(at));
            } else if at == start {
                quoted = true;
            }
        }
        from += 16;
    }
    if quoted {
        return None;
    }
    cell(start, row.len(), closed);
    Some(count)
}

/// Whether a cell of the row is a whole number of more than eleven digits as a spreadsheet rounds and writes it
/// (`1.76563E+12`): such a time is off by up to seconds.
pub fn is_rounded_by_spreadsheet(row: &[u8]) -> bool {
    let looks_rounded = |plus: usize| plus > 0 && row[plus - 1] == b'E' && row.get(plus + 1) == Some(&b'1');
    memchr_iter(b'+', row).any(looks_rounded)
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

    proptest::proptest! {
        #[test]
        fn plain_cells_are_fields(row in "[ab,;\"é\r\n]{0,50}|([a-z]{0,9}(,|,\"[a-z,]{0,20}\")){0,9}") {
            for delimiter in [b',', b';'] {
                let mut cells = Vec::new();
                if let Some(count) = plain_cells(row.as_bytes(), delimiter, |number, cell| {
                    assert_eq!(number, cells.len());
                    cells.push(String::from_utf8_lossy(cell).into_owned());
                }) {
                    proptest::prop_assert_eq!(count, cells.len());
                    proptest::prop_assert_eq!(cells, fields(row.as_bytes(), delimiter));
                }
            }
        }
    }

    #[test]
    fn most_rows_are_plain() {
        let count = |row: &[u8]| plain_cells(row, b',', |_, _| {});
        assert_eq!(count(b"a,\"b, c\",,\"\",d\"e"), Some(5));
        assert_eq!(
            (count(b""), count(b"\"\"\r\n"), count(b"\"a\"\"b\""), count("é".as_bytes())),
            (Some(1), Some(1), None, None)
        );
        assert_eq!((count(b"\"open,b"), count(b"\"a\"b,c")), (None, None));
    }

    #[test]
    fn splits_fields() {
        assert_eq!(fields(b"a,,\"b,\"\"c\"\"\",\r\n", b','), ["a", "", "b,\"c\"", ""]);
        assert_eq!(fields(b"a;;\"b;c\";1,5", b';'), ["a", "", "b;c", "1,5"]);
        assert_eq!(fields(b"", b','), [""]);
        assert_eq!(fields(b"\"\"", b','), [""]);
    }
}
