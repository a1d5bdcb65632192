//! `key=value` pairs, leniently.

use serde_json::{Map, Value};

/// Keys of which a line must have one, so that an address with a query is not taken for pairs.
const KNOWN: &[&str] = &[
    "level",
    "lvl",
    "msg",
    "message",
    "at",
    "ts",
    "time",
    "timestamp",
    "method",
    "path",
    "status",
    "request_id",
    "requestId",
    "reqId",
    "service",
    "dyno",
    "err",
    "error",
    "caller",
    "component",
    "request.id",
    "response.status",
];

/// The pairs of a line that has at least two, one of them with a well-known key. Prose may stand before them. An
/// unbalanced quote runs to the end.
pub fn pairs(line: &str) -> Option<Map<String, Value>> {
    // Prose with pairs is common, so keys are looked at before anything is copied.
    let pairs: Vec<_> = Pairs { rest: line.trim() }.take(MAX_PAIRS).collect();
    if pairs.len() < 2 || !pairs.iter().any(|(key, _)| KNOWN.contains(key)) {
        return None;
    }
    let mut map = Map::with_capacity(pairs.len());
    map.extend(pairs.into_iter().map(|(key, value)| (key.to_owned(), Value::String(unquoted(value)))));
    (map.len() >= 2).then_some(map)
}

/// Whether a line begins with a pair, or with a level before one.
pub fn leads(line: &str) -> bool {
    let line = line.trim_start();
    let key_end = line.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(line.len());
    if line[key_end..].starts_with('=') {
        return is_key(&line[..key_end]);
    }
    let (word, rest) = line.split_at(key_end);
    let word = word.trim_matches(|c| matches!(c, '[' | ']' | ':'));
    crate::record::Level::parse(word).is_some()
        && rest.trim_start().split_once('=').is_some_and(|(key, _)| is_key(key))
}

/// Most pairs of a line that are read.
const MAX_PAIRS: usize = 128;

/// Keys and values as they stand, quotes included.
struct Pairs<'t> {
    rest: &'t str,
}

impl<'t> Iterator for Pairs<'t> {
    type Item = (&'t str, &'t str);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(equals) = memchr::memchr(b'=', self.rest.as_bytes()) {
            let (before, after) = self.rest.split_at(equals);
            // Bare words before the key are passed over.
            let space = memchr::memrchr2(b' ', b'\t', before.as_bytes());
            let key = space.map_or(before, |space| &before[space + 1..]).trim_start();
            let value = &after[1..];
            if is_key(key) {
                let (value, after) = value.split_at(value_end(value));
                self.rest = after.trim_start();
                return Some((key, value));
            }
            let space = memchr::memchr2(b' ', b'\t', value.as_bytes())?;
            self.rest = value[space..].trim_start();
        }
        None
    }
}

fn is_key(key: &str) -> bool {
    let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'@' | b'#' | b'-');
    !key.is_empty() && key.len() <= 64 && key.bytes().all(valid)
}

/// Where a value ends, its quotes included.
fn value_end(text: &str) -> usize {
    if let Some(end) = single_quoted_end(text) {
        return end;
    }
    let Some(inside) = text.strip_prefix('"') else {
        return memchr::memchr2(b' ', b'\t', text.as_bytes()).unwrap_or(text.len());
    };
    let mut escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'"' => return at + 2,
            b'\\' => escaped = true,
            _ => {}
        }
    }
    text.len()
}

/// Where a value in single quotes ends (lograge's `error='A: b'`), after the first such quote that ends a word. Only for
/// values that have one: an apostrophe is no quote.
fn single_quoted_end(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let bytes = inside.as_bytes();
    let end = memchr::memchr_iter(b'\'', bytes).find(|at| {
        let escaped = *at > 0 && bytes[at - 1] == b'\\';
        !escaped && bytes.get(at + 1).is_none_or(|next| matches!(next, b' ' | b'\t' | b','))
    })?;
    Some(end + 2)
}

fn unquoted(value: &str) -> String {
    if value.len() >= 2 && value.starts_with('\'') && value.ends_with('\'') {
        return value[1..value.len() - 1].replace("\\'", "'");
    }
    let Some(inside) = value.strip_prefix('"') else { return value.to_owned() };
    let mut out = String::new();
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => {}
            },
            _ => out.push(c),
        }
    }
    out
}
