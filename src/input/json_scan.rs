//! Finds where JSON values end, without reading what they mean. It can stop at the end of the bytes at hand and go on
//! when there are more, so a value may arrive in pieces of any size.

use memchr::{memchr, memchr2, memchr3};

/// What a scan found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// The value ends before this offset.
    Done(usize),
    /// The bytes end inside the value.
    More,
    /// This cannot be JSON; the offset of the offending byte.
    Bad(usize),
}

/// Scanner of one value: an object, an array, a string, or a bare word or number.
#[derive(Debug, Clone, Default)]
pub struct ValueScan {
    at: usize,
    depth: u32,
    in_string: bool,
    begun: bool,
}

impl ValueScan {
    /// Goes on scanning `bytes`, which begin with the value's first byte and have grown since the last call.
    ///
    /// A line break inside a string is not JSON: that is how a line that was cut off is told from a value
    /// that spans lines.
    pub fn advance(&mut self, bytes: &[u8]) -> Scan {
        loop {
            if self.in_string {
                let Some(found) = memchr3(b'"', b'\\', b'\n', bytes.get(self.at..).unwrap_or_default())
                else {
                    self.at = bytes.len();
                    return Scan::More;
                };
                let hit = self.at + found;
                match bytes[hit] {
                    b'"' => {
                        self.in_string = false;
                        self.at = hit + 1;
                        if self.depth == 0 {
                            return Scan::Done(self.at);
                        }
                    }
                    b'\n' => return Scan::Bad(hit),
                    _ if hit + 1 < bytes.len() => self.at = hit + 2,
                    _ => {
                        self.at = hit;
                        return Scan::More;
                    }
                }
                continue;
            }
            let Some(&byte) = bytes.get(self.at) else { return Scan::More };
            if !self.begun {
                self.begun = true;
                if !matches!(byte, b'{' | b'[' | b'"') {
                    return self.bare(bytes);
                }
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    if self.depth == 0 {
                        return Scan::Bad(self.at);
                    }
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Scan::Done(self.at + 1);
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// How many bytes were looked at and need not be kept.
    pub fn consumed(&self) -> usize {
        self.at
    }

    /// Says that the first `count` bytes are gone.
    pub fn rebase(&mut self, count: usize) {
        self.at = self.at.saturating_sub(count);
    }

    /// A number, `true`, `false` or `null`: ends before a delimiter.
    fn bare(&mut self, bytes: &[u8]) -> Scan {
        self.begun = false;
        let start = self.at;
        let end = bytes[start..]
            .iter()
            .position(|b| matches!(b, b',' | b'}' | b']' | b'\n' | b' ' | b'\r' | b'\t'));
        match end {
            Some(0) => Scan::Bad(start),
            Some(length)
                if bytes[start..start + length]
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) =>
            {
                Scan::Done(start + length)
            }
            Some(_) => Scan::Bad(start),
            None if bytes.len() - start > 64 => Scan::Bad(start),
            None => Scan::More,
        }
    }
}

/// The offset after a string that begins at `start` with its quote.
pub fn string_end(bytes: &[u8], start: usize) -> Scan {
    let mut at = start + 1;
    loop {
        let Some(found) = memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) else {
            return Scan::More;
        };
        if bytes[at + found] == b'"' {
            return Scan::Done(at + found + 1);
        }
        at += found + 2;
    }
}

/// Offset of the first byte at or after `from` that is not white space.
pub fn skip_space(bytes: &[u8], from: usize) -> usize {
    from + bytes.get(from..).unwrap_or_default().iter().take_while(|b| b.is_ascii_whitespace()).count()
}

/// Where to cut a value in which the bytes end: after its last comma outside of strings. None if the bytes are not the
/// beginning of one value: a line that was cut off is followed by others, and they do not go on with it.
pub fn cut_at(bytes: &[u8]) -> Option<usize> {
    let mut open: Vec<u8> = Vec::new();
    let (mut at, mut cut, mut next) = (0, None, Expected::Value);
    // The first name, with what stands before it.
    let first_line = &bytes[..memchr(b'\n', bytes).unwrap_or(bytes.len())];
    let begin = memchr(b':', first_line).map_or(&[][..], |colon| &bytes[..=colon]);
    while let Some(&byte) = bytes.get(at) {
        let inside = open.last().copied();
        match (byte, next) {
            // A line that begins as the first one did is the next one of many.
            (b'\n', _) if !begin.is_empty() && bytes[at + 1..].starts_with(begin) => return None,
            (b' ' | b'\t' | b'\r' | b'\n', _) => at += 1,
            (b'"', Expected::Value | Expected::FirstOrEnd | Expected::Key) => {
                let is_key = next == Expected::Key || (next == Expected::FirstOrEnd && inside == Some(b'{'));
                let end = match string_end(bytes, at) {
                    Scan::Done(end) => end,
                    _ => bytes.len(),
                };
                if memchr(b'\n', &bytes[at..end]).is_some() {
                    return None;
                }
                next = if is_key { Expected::Colon } else { Expected::CommaOrEnd };
                at = end;
            }
            (b'{' | b'[', Expected::Value) | (b'{' | b'[', Expected::FirstOrEnd)
                if inside != Some(b'{') || next == Expected::Value =>
            {
                if open.len() >= MAX_OPEN {
                    return None;
                }
                open.push(byte);
                next = Expected::FirstOrEnd;
                at += 1;
            }
            (b'}' | b']', Expected::FirstOrEnd | Expected::CommaOrEnd) if inside == Some(byte - 2) => {
                open.pop();
                if open.is_empty() {
                    return None;
                }
                next = Expected::CommaOrEnd;
                at += 1;
            }
            (b':', Expected::Colon) => {
                next = Expected::Value;
                at += 1;
            }
            (b',', Expected::CommaOrEnd) => {
                next = if inside == Some(b'{') { Expected::Key } else { Expected::Value };
                at += 1;
                cut = Some(at);
            }
            (_, Expected::Value) | (_, Expected::FirstOrEnd)
                if next == Expected::Value || inside == Some(b'[') =>
            {
                let is_bare = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
                let length = bytes[at..].iter().take_while(|b| is_bare(b)).count();
                if length == 0 {
                    return None;
                }
                next = Expected::CommaOrEnd;
                at += length;
            }
            _ => return None,
        }
    }
    cut
}

/// Deepest nesting of a value that was cut off.
const MAX_OPEN: usize = 64;

/// What a value goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Value,
    /// After an opening bracket.
    FirstOrEnd,
    Key,
    Colon,
    CommaOrEnd,
}

/// Keys whose array holds the entries of an export that is one JSON object: `filter-log-events` and
/// `get-log-events` (`events`), Insights (`results`), subscription payloads (`logEvents`), live tail
/// (`sessionResults`), request-log pages (`rows`), Firehose and Azure (`records`, `Records`), Google Cloud's API (`entries`).
pub const ENTRY_ARRAYS: [&str; 9] =
    ["events", "results", "logEvents", "sessionResults", "rows", "records", "Records", "logs", "entries"];

/// What begins at a `{` outside any array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// An object of its own, ending before the offset.
    Object(usize),
    /// An object around an array of entries: the members before it, the array's key, and the offset after `[`.
    Entries(Vec<(String, String)>, String, usize),
    /// The bytes end before it can be told.
    More,
    /// Not JSON.
    Bad(usize),
}

/// Reads members of an object from `at` (which stands after `{` or after a member) until an array of
/// entries begins or the object ends. Scalar members are collected.
pub fn members(bytes: &[u8], mut at: usize, mut scalars: Vec<(String, String)>) -> Head {
    loop {
        at = skip_space(bytes, at);
        match bytes.get(at) {
            None => return Head::More,
            Some(b',') => at += 1,
            Some(b'}') => return Head::Object(at + 1),
            Some(b'"') => {
                let key_end = match string_end(bytes, at) {
                    Scan::Done(end) => end,
                    _ => return Head::More,
                };
                let key = String::from_utf8_lossy(&bytes[at + 1..key_end - 1]).into_owned();
                at = skip_space(bytes, key_end);
                match bytes.get(at) {
                    None => return Head::More,
                    Some(b':') => at = skip_space(bytes, at + 1),
                    Some(_) => return Head::Bad(at),
                }
                if bytes.get(at) == Some(&b'[') && ENTRY_ARRAYS.contains(&key.as_str()) {
                    match bytes.get(skip_space(bytes, at + 1)) {
                        None => return Head::More,
                        // `logs` of a request record holds objects too: only an envelope, which has no `id`, is unwrapped.
                        Some(b'{' | b'[' | b']')
                            if !matches!(key.as_str(), "logs" | "entries") || scalars.is_empty() =>
                        {
                            return Head::Entries(scalars, key, at + 1);
                        }
                        Some(_) => {}
                    }
                }
                match ValueScan::default().advance(bytes.get(at..).unwrap_or_default()) {
                    Scan::Done(length) => {
                        let value = &bytes[at..at + length];
                        if !matches!(value.first(), Some(b'{' | b'[')) && value.len() <= 1024 {
                            let text = serde_json::from_slice::<String>(value)
                                .unwrap_or_else(|_| String::from_utf8_lossy(value).into_owned());
                            scalars.push((key, text));
                        }
                        at += length;
                    }
                    Scan::More => return Head::More,
                    Scan::Bad(offset) => return Head::Bad(at + offset),
                }
            }
            Some(_) => return Head::Bad(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_in_any_pieces() {
        let text = br#"{"a":"x\"}{","b":[1,{"c":null}]} tail"#;
        for step in 1..text.len() {
            let mut scan = ValueScan::default();
            let mut have = 0;
            let end = loop {
                have = (have + step).min(text.len());
                match scan.advance(&text[..have]) {
                    Scan::Done(end) => break end,
                    Scan::More => assert!(have < text.len()),
                    Scan::Bad(at) => panic!("bad at {at}"),
                }
            };
            assert_eq!(&text[end..], b" tail", "step {step}");
        }
    }

    #[test]
    fn a_line_break_in_a_string_is_no_json() {
        assert!(matches!(ValueScan::default().advance(b"{\"a\":\"cut off\n{\"b\":1}"), Scan::Bad(_)));
    }

    #[test]
    fn a_value_that_was_cut_off_is_told_from_a_torn_line() {
        let page = "{\n \"data\": [\n  {\"a\": [1, -2.5, null], \"b\": \"x,\\\"y\"},\n  {},\n  {\"c\": tr";
        let last = page.rfind(',').map(|at| at + 1);
        assert_eq!(cut_at(page.as_bytes()), last);
        for end in last.unwrap_or(0)..page.len() {
            assert_eq!(cut_at(&page.as_bytes()[..end]), last, "{end}");
        }
        for text in [
            "",
            "{",
            "{\"a\": 1",
            "{\"a\": 1, \"b\": \"cut off\n{\"c\": 1}",
            "{\"a\": 1, \"b\": {\"c\": 2\n{\"a\": 1}",
            "{\"a\": 1, \"b\":\n{\"c\": 1}\n{\"c\": 1}",
            "{\"a\": [{\"b\": 1},\n{\"a\": [{\"b\": 1}]}",
            "{\"a\": 1, ]",
            "{\"a\": 1, é",
            "{\"a\": 1, \"b\": 2} x",
        ] {
            assert_eq!(cut_at(text.as_bytes()), None, "{text}");
        }
        assert_eq!(cut_at(&[b'['; 100]), None);
    }

    #[test]
    fn tells_envelopes_from_objects() {
        let page = br#"{"logStream":"s","events":[{"a":1}],"nextToken":"t"}"#;
        let Head::Entries(scalars, key, at) = members(page, 1, Vec::new()) else { panic!("no entries") };
        assert_eq!((scalars, key.as_str()), (vec![("logStream".into(), "s".into())], "events"));
        assert_eq!(page[at], b'{');
        let object = br#"{"a":[1],"b":2}"#;
        assert_eq!(members(object, 1, Vec::new()), Head::Object(object.len()));
        assert_eq!(members(b"{\"a\": ", 1, Vec::new()), Head::More);
    }
}
