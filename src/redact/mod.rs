//! Redaction: secrets and personal data in a text become keyed tokens, so equal values stay comparable and
//! cannot be read back. Pure text functions; they know no record, no rule and no report.
//!
//! What is found stands in the files of `src/redact/rules/` as data ([`patterns`]); whether a found value is a value or prose is asked in
//! [`judge`]. Not here: which texts are redacted, and what the key is; the caller decides both.

pub mod judge;
pub mod own;
pub mod patterns;
pub mod place;
pub mod printable;
#[cfg(test)]
mod read;
pub mod samples;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::Regex;

use own::OwnPattern;
use patterns::{PATTERNS, Pattern};

/// How often a text is read again after something was replaced: a token ends words, so a value next to one
/// may be seen only then. Two rounds are the usual maximum.
const MAX_ROUNDS: usize = 8;

/// Replaces secrets by tokens such as `‹email:7f3a90c412de›`: the kind, and 48 bits of a keyed hash of the value.
pub struct Redactor {
    /// None: nothing is redacted.
    engine: Option<Engine>,
}

struct Engine {
    key: [u8; 32],
    /// Finds which patterns can match at all.
    hints: AhoCorasick,
    /// Index of the pattern of each hint.
    hint_pattern: Vec<usize>,
    /// Compiled when first needed; most texts need none of them.
    regexes: Vec<OnceLock<Option<Regex>>>,
    /// Tokens of an earlier redaction.
    token: Regex,
    /// Patterns of the user; their indexes follow those of [`PATTERNS`].
    own: Vec<OwnPattern>,
}

/// What stays although it looks like personal data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep<'k> {
    /// Addresses that a fix needs: those that a rule captured.
    pub addresses: &'k [&'k str],
    /// The correlation ID, which patterns of the user may match.
    pub id: Option<&'k str>,
}

/// A value to be replaced.
struct Found {
    range: Range<usize>,
    pattern: usize,
}

impl Redactor {
    /// A redactor whose tokens depend on `key`, which may have any length.
    pub fn new(key: &[u8]) -> Redactor {
        let mut literals = Vec::new();
        let mut hint_pattern = Vec::new();
        for (index, pattern) in PATTERNS.iter().enumerate() {
            for hint in pattern.hints {
                literals.push(*hint);
                hint_pattern.push(index);
            }
        }
        let hints = AhoCorasick::builder().ascii_case_insensitive(true).build(literals);
        let token = Regex::new("‹[a-z0-9-]+:[0-9a-f]{12}›");
        let engine = match (hints, token) {
            (Ok(hints), Ok(token)) => Some(Engine {
                key: blake3::derive_key("why500 2026 redaction tokens", key),
                hints,
                hint_pattern,
                regexes: PATTERNS.iter().map(|_| OnceLock::new()).collect(),
                token,
                own: Vec::new(),
            }),
            // Both are built from constants of this crate, and a test builds them.
            _ => unreachable!("the redaction table is valid"),
        };
        Redactor { engine }
    }

    /// Hides what these patterns find as well.
    pub fn with_own(mut self, own: &[OwnPattern]) -> Redactor {
        if let Some(engine) = &mut self.engine {
            engine.own = own.to_vec();
        }
        self
    }

    /// A redactor that changes nothing.
    pub fn off() -> Redactor {
        Redactor { engine: None }
    }

    /// Replaces every secret in `text`. Redacting a redacted text changes nothing. Time is linear in the text;
    /// a text without any hint of a secret is scanned once and borrowed.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redact_but(text, Keep::default())
    }

    /// As [`Redactor::redact`], but what is to be kept stays.
    pub fn redact_but<'t>(&self, text: &'t str, keep: Keep<'_>) -> Cow<'t, str> {
        let Some(engine) = &self.engine else { return Cow::Borrowed(text) };
        let mut current = Cow::Borrowed(text);
        for _ in 0..MAX_ROUNDS {
            let found = engine.find(&current, keep);
            if found.is_empty() {
                break;
            }
            current = Cow::Owned(engine.replace(&current, &found));
        }
        current
    }
}

impl Engine {
    /// All values to replace, in order and disjoint. Values that overlap are replaced as one.
    fn find(&self, text: &str, keep: Keep<'_>) -> Vec<Found> {
        let mut wanted = vec![false; PATTERNS.len()];
        let mut any = false;
        for hit in self.hints.find_overlapping_iter(text) {
            if let Some(index) = self.hint_pattern.get(hit.pattern().as_usize()) {
                wanted[*index] = true;
                any = true;
            }
        }
        if !any && self.own.is_empty() {
            return Vec::new();
        }
        let tokens: Vec<Range<usize>> = self.token.find_iter(text).map(|found| found.range()).collect();
        let mut found = Vec::new();
        for (index, pattern) in PATTERNS.iter().enumerate().filter(|(index, _)| wanted[*index]) {
            if let Some(regex) = self.regex(index) {
                collect(text, index, pattern, regex, &tokens, &mut found);
            }
        }
        found.retain(|found| {
            PATTERNS[found.pattern].kind != "ip" || !keep.addresses.contains(&&text[found.range.clone()])
        });
        let ids: Vec<Range<usize>> = match keep.id.filter(|id| !id.is_empty() && !self.own.is_empty()) {
            Some(id) => text.match_indices(id).map(|(at, id)| at..at + id.len()).collect(),
            None => Vec::new(),
        };
        for (index, own) in self.own.iter().enumerate() {
            for captures in own.regex.captures_iter(text) {
                let Some(value) = captures.get(own.group).filter(|value| !value.is_empty()) else { continue };
                let range = value.range();
                let ended = tokens.partition_point(|token| token.end <= range.start);
                let before = ids.partition_point(|id| id.end < range.end);
                let in_id = ids.get(before).is_some_and(|id| id.start <= range.start);
                let touches_token = tokens.get(ended).is_some_and(|token| token.start < range.end);
                if !touches_token && !in_id {
                    found.push(Found { range, pattern: PATTERNS.len() + index });
                }
            }
        }
        found.sort_by_key(|found| (found.range.start, found.pattern));
        let mut merged: Vec<Found> = Vec::with_capacity(found.len());
        for next in found {
            match merged.last_mut() {
                Some(last) if next.range.start < last.range.end => {
                    last.range.end = last.range.end.max(next.range.end);
                    last.pattern = last.pattern.min(next.pattern);
                }
                _ => merged.push(next),
            }
        }
        merged
    }

    fn regex(&self, index: usize) -> Option<&Regex> {
        let pattern = PATTERNS.get(index)?;
        self.regexes.get(index)?.get_or_init(|| Regex::new(pattern.regex).ok()).as_ref()
    }

    fn replace(&self, text: &str, found: &[Found]) -> String {
        let mut out = String::with_capacity(text.len() + found.len() * 16);
        let mut from = 0;
        for Found { range, pattern } in found {
            out.push_str(&text[from..range.start]);
            let hash = blake3::keyed_hash(&self.key, text[range.clone()].as_bytes()).to_hex();
            out.push('‹');
            let own = || self.own.get(pattern - PATTERNS.len()).map_or("own", |own| own.kind.as_str());
            out.push_str(PATTERNS.get(*pattern).map_or_else(own, |pattern| pattern.kind));
            out.push(':');
            out.push_str(&hash.as_str()[..12]);
            out.push('›');
            from = range.end;
        }
        out.push_str(&text[from..]);
        out
    }
}

/// Adds the accepted values of one pattern.
fn collect(
    text: &str,
    index: usize,
    pattern: &Pattern,
    regex: &Regex,
    tokens: &[Range<usize>],
    found: &mut Vec<Found>,
) {
    for captures in regex.captures_iter(text) {
        // Alternatives of one pattern have groups of their own; the first that took part holds the value.
        let Some(value) = captures.iter().skip(1).flatten().next() else { continue };
        let range = value.range();
        // A value that begins inside a token is that token: `‹url-password:…›` is no member named password.
        let ended = tokens.partition_point(|token| token.end <= range.start);
        let in_token = tokens.get(ended).is_some_and(|token| {
            token.start < range.start || (token.start == range.start && token.end >= range.end)
        });
        if range.is_empty() || in_token {
            continue;
        }
        if (pattern.accept)(&text[..range.start], value.as_str(), &text[range.end..]) {
            found.push(Found { range, pattern: index });
        }
    }
}
