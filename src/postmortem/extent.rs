//! Where cited lines stand: the range of bytes from the beginning of a line to its end, or to the end of the JSON value
//! that begins on it and goes on. Of other entries with several lines (a stack, a CSV row) it is the first line; where
//! many entries stand on one line, it is that line. Counted in what is read of a source, after decompression.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use memchr::{memchr, memchr_iter};

use super::digest::{BLOCK_BYTES, read_block};
use crate::input::source::{Source, Stream};
use crate::input::unpack::Expand;

/// Longest JSON value over several lines, in bytes; as for reading.
const MAX_VALUE_BYTES: u64 = crate::engine::MAX_LINE_BYTES as u64;

/// A range of bytes and their hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// First byte.
    pub from: u64,
    /// After the last byte.
    pub to: u64,
    /// BLAKE3 of the bytes; it stays in the process, see [`super`].
    pub hash: blake3::Hash,
}

/// Finds lines of a source by their numbers, counted from 1. `index`: ends of lines before each block of a plain file.
/// Lines that are not there are not in the answer.
///
/// # Errors
/// The source cannot be opened or read.
pub fn find(
    source: &Source,
    expand: Expand,
    index: Option<&[u64]>,
    lines: &BTreeSet<u64>,
) -> io::Result<BTreeMap<u64, Extent>> {
    let mut buffer = vec![0; BLOCK_BYTES];
    match (index, source) {
        (Some(index), Source::File(path)) => {
            let mut file = File::open(path)?;
            let mut found = BTreeMap::new();
            for line in lines {
                // The block in which the line before it ends.
                let block = index.partition_point(|ends| *ends < line.saturating_sub(1)).saturating_sub(1);
                let offset = (block * BLOCK_BYTES) as u64;
                file.seek(SeekFrom::Start(offset))?;
                let before = index.get(block).copied().unwrap_or_default();
                let search = Search::new(offset, before + 1, [*line].into());
                found.append(&mut search.run(&mut file, &mut buffer)?);
            }
            Ok(found)
        }
        _ => {
            let stream = Stream::open(source, expand).map_err(io::Error::other)?;
            Search::new(0, 1, lines.clone()).run(&mut Unpacked(stream), &mut buffer)
        }
    }
}

/// A stream as a reader.
pub(super) struct Unpacked(pub(super) Stream);

impl Read for Unpacked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        Ok(self.0.read(out).map_err(io::Error::other)?.unwrap_or_default())
    }
}

/// A search for lines in blocks of bytes.
struct Search {
    /// Of the next block.
    offset: u64,
    /// Number of the line that the next byte belongs to.
    line: u64,
    /// Whether that byte is its first.
    at_start: bool,
    wanted: BTreeSet<u64>,
    open: Vec<(u64, Tracker)>,
    found: BTreeMap<u64, Extent>,
}

impl Search {
    fn new(offset: u64, line: u64, wanted: BTreeSet<u64>) -> Search {
        Search { offset, line, at_start: offset == 0, wanted, open: Vec::new(), found: BTreeMap::new() }
    }

    fn run(mut self, reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<BTreeMap<u64, Extent>> {
        while !(self.wanted.is_empty() && self.open.is_empty()) {
            let block = read_block(reader, buffer)?;
            if block.is_empty() {
                break;
            }
            self.feed(block);
        }
        for (line, tracker) in self.open {
            self.found.insert(line, tracker.finish());
        }
        Ok(self.found)
    }

    fn feed(&mut self, block: &[u8]) {
        let found = &mut self.found;
        self.open.retain_mut(|(line, tracker)| match tracker.feed(block) {
            Some(extent) => {
                found.insert(*line, extent);
                false
            }
            None => true,
        });
        let mut from = 0;
        while let Some(line) = self.wanted.first().copied() {
            let ends = line.saturating_sub(self.line);
            if ends > 0 || !self.at_start {
                let rest = &block[from..];
                // The end of the line before it.
                let skip = usize::try_from(ends.max(1) - 1).unwrap_or(usize::MAX);
                let Some(at) = memchr_iter(b'\n', rest).nth(skip) else {
                    self.line += memchr_iter(b'\n', rest).count() as u64;
                    self.at_start = rest.last().map_or(self.at_start, |byte| *byte == b'\n');
                    break;
                };
                self.line += skip as u64 + 1;
                from += at + 1;
                self.at_start = true;
            }
            self.wanted.remove(&line);
            if self.line != line {
                // Asked for line 0, or for one that the search began in.
                continue;
            }
            let mut tracker = Tracker::new(self.offset + from as u64);
            match tracker.feed(&block[from..]) {
                Some(extent) => drop(self.found.insert(line, extent)),
                None => self.open.push((line, tracker)),
            }
        }
        self.offset += block.len() as u64;
    }
}

/// What is known of the JSON value that a line may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    /// White space, brackets and commas before it.
    Before,
    /// Behind its first brace.
    Opened,
    /// Inside.
    Inside { depth: u32, quoted: bool, escaped: bool },
    /// It ended.
    Closed,
    /// The line begins with something else.
    None,
}

impl Value {
    fn is_open(self) -> bool {
        matches!(self, Value::Opened | Value::Inside { .. })
    }

    fn next(self, byte: u8) -> Value {
        match (self, byte) {
            (Value::Before, b'{') => Value::Opened,
            (Value::Before, b' ' | b'\t' | b'\r' | b'[' | b']' | b'}' | b',') => Value::Before,
            (Value::Opened, b' ' | b'\t' | b'\r' | b'\n') => Value::Opened,
            (Value::Opened, b'"') => Value::Inside { depth: 1, quoted: true, escaped: false },
            (Value::Opened, b'}') => Value::Closed,
            (Value::Inside { depth, quoted: true, escaped }, _) => match byte {
                // JSON has no line break in a string.
                b'\n' => Value::None,
                _ if escaped => Value::Inside { depth, quoted: true, escaped: false },
                b'\\' => Value::Inside { depth, quoted: true, escaped: true },
                b'"' => Value::Inside { depth, quoted: false, escaped: false },
                _ => self,
            },
            (Value::Inside { depth, .. }, b'"') => Value::Inside { depth, quoted: true, escaped: false },
            (Value::Inside { depth, .. }, b'{' | b'[') => {
                Value::Inside { depth: depth.saturating_add(1), quoted: false, escaped: false }
            }
            (Value::Inside { depth: 1, .. }, b'}' | b']') => Value::Closed,
            (Value::Inside { depth, .. }, b'}' | b']') => {
                Value::Inside { depth: depth - 1, quoted: false, escaped: false }
            }
            (Value::Inside { .. } | Value::Closed, _) => self,
            _ => Value::None,
        }
    }
}

/// Follows one line, and the value that begins on it, through blocks of bytes.
struct Tracker {
    from: u64,
    bytes: u64,
    hasher: blake3::Hasher,
    value: Value,
    /// The line, once it has ended and the value on it has not.
    line: Option<Extent>,
}

impl Tracker {
    fn new(from: u64) -> Tracker {
        Tracker { from, bytes: 0, hasher: blake3::Hasher::new(), value: Value::Before, line: None }
    }

    fn so_far(&self) -> Extent {
        Extent { from: self.from, to: self.from + self.bytes, hash: self.hasher.finalize() }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// The extent, once it is known.
    fn feed(&mut self, block: &[u8]) -> Option<Extent> {
        let mut rest = block;
        if self.line.is_none() {
            let end = memchr(b'\n', rest);
            let line = &rest[..end.unwrap_or(rest.len())];
            for byte in line {
                self.value = self.value.next(*byte);
                if matches!(self.value, Value::Closed | Value::None) {
                    break;
                }
            }
            self.take(line);
            rest = &rest[end?..];
            let line = self.so_far();
            if !self.value.is_open() {
                return Some(line);
            }
            self.line = Some(line);
        }
        let mut taken = 0;
        for byte in rest {
            self.value = self.value.next(*byte);
            taken += 1;
            if !self.value.is_open() {
                break;
            }
        }
        self.take(&rest[..taken]);
        match self.value {
            Value::Closed => Some(self.so_far()),
            Value::None => self.line,
            _ if self.bytes > MAX_VALUE_BYTES => self.line,
            _ => None,
        }
    }

    /// The extent at the end of the source.
    fn finish(self) -> Extent {
        self.line.unwrap_or_else(|| self.so_far())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(content: &str, lines: &[u64], block_bytes: usize) -> Vec<(u64, String)> {
        let search = Search::new(0, 1, lines.iter().copied().collect());
        let mut buffer = vec![0; block_bytes];
        let found = search.run(&mut content.as_bytes(), &mut buffer).expect("reads");
        let text = |extent: &Extent| {
            let text = &content[extent.from as usize..extent.to as usize];
            assert_eq!(extent.hash, blake3::hash(text.as_bytes()), "{text}");
            text.to_owned()
        };
        found.iter().map(|(line, extent)| (*line, text(extent))).collect()
    }

    #[test]
    fn lines_and_values_however_the_bytes_arrive() {
        let content = "one\n{\"a\": 1}\n\n{\n  \"b\": [\"}\", {}]\n}, {\n  \"c\": 2\n}\nError {\n  at x\n}\n[{\"d\":1},{\"e\":\n2}]\nlast";
        let expected = [
            (1, "one"),
            (2, "{\"a\": 1}"),
            (3, ""),
            (4, "{\n  \"b\": [\"}\", {}]\n}"),
            (6, "}, {\n  \"c\": 2\n}"),
            (9, "Error {"),
            (12, "[{\"d\":1},{\"e\":"),
            (14, "last"),
        ];
        let lines: Vec<u64> = expected.iter().map(|(line, _)| *line).chain([0, 15, u64::MAX]).collect();
        for block_bytes in [1, 2, 3, 7, 64, 1000] {
            let found = texts(content, &lines, block_bytes);
            let expected: Vec<(u64, String)> =
                expected.iter().map(|(line, text)| (*line, (*text).to_owned())).collect();
            assert_eq!(found, expected, "{block_bytes}");
        }
    }

    #[test]
    fn text_that_looks_like_a_value_is_a_line() {
        for content in ["{ oops\n}\n", "{\"a\n\"}\n", "{\"a\": [\n"] {
            let line = content.lines().next().expect("a line");
            assert_eq!(texts(content, &[1], 5), [(1, line.to_owned())]);
        }
    }
}
