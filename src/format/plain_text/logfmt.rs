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
];

/// The pairs of a line that has at least two, one of them with a well-known key. Prose may stand before them. An
/// unbalanced quote runs to the end.
pub fn pairs(line: &str) -> Option<Map<String, Value>> {
    if line.bytes().filter(|b| *b == b'=').take(2).count() < 2 {
        return None;
    }
    let mut map = Map::new();
    let mut rest = line.trim();
    while !rest.is_empty() && map.len() < 128 {
        let end = rest.find([' ', '\t', '=']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let Some(value) = after.strip_prefix('=').filter(|_| is_key(key)) else {
            // A bare word, or an `=` where no key is: skip to the next space.
            let space = rest.find([' ', '\t']).unwrap_or(rest.len());
            rest = rest[space..].trim_start();
            continue;
        };
        let (value, after) = read_value(value);
        map.insert(key.to_owned(), Value::String(value));
        rest = after.trim_start();
    }
    (map.len() >= 2 && map.keys().any(|key| KNOWN.contains(&key.as_str()))).then_some(map)
}

fn is_key(key: &str) -> bool {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@' | '#' | '-');
    !key.is_empty() && key.len() <= 64 && key.chars().all(valid)
}

fn read_value(text: &str) -> (String, &str) {
    let Some(inside) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut out = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (out, &inside[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, other)) => out.push(other),
                None => {}
            },
            _ => out.push(c),
        }
    }
    (out, "")
}
