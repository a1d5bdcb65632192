//! What applications print before the words of a line, in an order of their own: level, logger, process, and the request's
//! ID as it is, without a key: `ERROR 5c18ae68-… http GET /x 500`, `| ERROR | 5c18ae68-… | main:f:19 - text`. An ID among
//! the words of the message is of something else (an order, a cart) and no request's.

use crate::format::completion::Told;
use crate::format::text_parts::{METHODS, is_uuid};
use crate::record::Level;

/// Most words of a prefix.
const MAX_WORDS: usize = 12;

/// Words that say that what follows was asked of another server.
const OF_OTHERS: [&str; 24] = [
    "upstream", "backend", "proxy", "client", "calling", "call", "fetch", "fetching", "retry", "retrying",
    "outgoing", "outbound", "axios", "got", "undici", "curl", "httpx", "requests", "urllib3", "faraday",
    "httparty", "okhttp", "guzzle", "partner",
];

/// What the prefix of a line says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prefix<'t> {
    /// The request's ID.
    pub id: Option<&'t str>,
    /// How the request ended, or that an error was raised in it.
    pub told: Option<Told<'t>>,
}

/// Reads the first line of a text, behind its time.
pub fn read(line: &str) -> Prefix<'_> {
    let mut found = Prefix::default();
    // A piece of an object is no line of words.
    if line.starts_with(['{', '}', '"']) {
        return found;
    }
    let mut after_level = false;
    let mut rest = line.trim_ascii_start();
    for _ in 0..MAX_WORDS {
        let word = rest.split_ascii_whitespace().next().unwrap_or_default();
        let body = rest;
        rest = rest[word.len()..].trim_ascii_start();
        let plain = bare(word);
        if METHODS.contains(&plain) {
            found.told = Told::read(body, true);
            if matches!(found.told, Some(Told::Ended(_))) && found.id.is_none() {
                found.id = body.split_ascii_whitespace().find_map(keyed);
            }
            break;
        }
        if let Some(id) = whole(plain).or_else(|| keyed(word)) {
            found.id = found.id.or(Some(id));
            continue;
        }
        let is_level = Level::parse(plain).is_some();
        // A column of one word.
        let is_column = body.as_bytes().get(word.len()) == Some(&b'\t') && !OF_OTHERS.contains(&plain);
        if word.is_empty() || (!is_level && !is_column && !is_label(word, plain, after_level)) {
            break;
        }
        after_level = is_level;
    }
    found
}

/// A UUID as a word, or behind the logger's name: `INFO:aiohttp.access:5c18ae68-…`.
fn whole(word: &str) -> Option<&str> {
    let last = word.rsplit(':').next().unwrap_or(word);
    is_uuid(last).then_some(last)
}

/// `id=5c18ae68-…`.
fn keyed(word: &str) -> Option<&str> {
    let (key, value) = bare(word).split_once('=')?;
    let value = bare(value);
    (key.to_ascii_lowercase().ends_with("id") && is_uuid(value)).then_some(value)
}

fn is_label(word: &str, plain: &str, after_level: bool) -> bool {
    let name = plain.trim_end_matches(':');
    !OF_OTHERS.contains(&name)
        && (after_level
            || word.contains([':', '=', '|', '[', ']', '<'])
            || !word.contains(|c: char| c.is_ascii_alphabetic())
            || (plain.contains('.') && !plain.ends_with('.'))
            || matches!(name, "http" | "HTTP" | "access" | "request"))
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c| matches!(c, '"' | '\'' | '[' | ']' | '(' | ')' | '|' | ',' | ';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5c18ae68-1eab-4adf-965c-b1ff5215de14";

    fn told(line: &str) -> (Option<String>, Option<u16>) {
        let line = line.replace("ID", ID);
        let found = read(&line);
        let status = match found.told {
            Some(Told::Ended(completion)) => Some(completion.status),
            _ => None,
        };
        (found.id.map(str::to_owned), status)
    }

    #[test]
    fn reads_ids_and_completions_behind_levels_and_loggers() {
        for line in [
            "ERROR ID http GET /sessions/abcdef 500 821.0ms",
            "| INFO     | ID | main:context:21 - POST /sms -> 500 (12 ms)",
            "INFO views - [ID] GET /views/home => 500",
            "[info] (ID) GET /products/AB1 500",
            "shop:http ID GET /geo/198.51.100.7 500 62ms",
            "INFO: ID \"GET /reviews/AB-1\" 500",
            "INFO shop rid=ID POST /import 500 4.1ms",
            "10.30.0.2 POST /orders 500 44.724 ms - 20 id=ID",
            "INFO\tserver.mjs:6\tshop\tID\tGET /runs 500",
            "[1/5/2026] [10:10:15 AM] [shop] › ℹ  info      ID GET /slots 500",
            "INFO:aiohttp.access:ID POST /hooks HTTP/1.1 500 0.008221",
        ] {
            assert_eq!(told(line), (Some(ID.to_owned()), Some(500)), "{line}");
        }
        for line in ["ERROR ID request failed", "[error] (ID) MongooseError: x", "ERROR:hooks:ID failed"] {
            assert_eq!(told(line), (Some(ID.to_owned()), None), "{line}");
        }
    }

    #[test]
    fn leaves_ids_of_other_things() {
        for line in [
            "cart ID not found",
            "could not load order ID",
            "GET /orders/ID",
            "upstream GET /x 500 id=ID",
            "",
        ] {
            assert_eq!(told(line), (None, None), "{line}");
        }
    }
}
