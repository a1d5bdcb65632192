//! Fingerprints: which failed requests are one incident. A pure function of the request, so that it is equal across
//! runs, machines and days.

use std::collections::BTreeMap;

use crate::correlate::line::Line;
use crate::record::Level;
use crate::rules::model::Rule;

/// Longest masked line in a fingerprint, in characters.
const MAX_MASKED_CHARS: usize = 160;

/// Fingerprint of a classified request: the rule and the captures that it names as its subject.
pub fn of_cause(rule: &Rule, subject: &BTreeMap<String, String>) -> String {
    let mut text = format!("cause\0{}", rule.id);
    for (name, value) in subject {
        text.push_str(&format!("\0{name}={value}"));
    }
    digest(&text)
}

/// Fingerprint of an unclassified request: route, error class and masked first error line.
pub fn of_unknown(route: &str, error_class: &str, line: &str) -> String {
    digest(&format!("unknown\0{route}\0{error_class}\0{line}"))
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..12].to_owned()
}

/// The subject of a rule, out of the captures; whitespace at the ends does not tell incidents apart.
pub fn subject(rule: &Rule, captures: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    rule.subject
        .iter()
        .filter_map(|name| captures.get(name).map(|value| (name.clone(), value.trim().to_owned())))
        .collect()
}

/// The line that says best what went wrong where no rule does, and the decisive part of its text.
pub fn first_error<'l>(lines: impl Iterator<Item = &'l Line> + Clone) -> Option<(&'l Line, &'l str)> {
    let severe = |line: &&Line| line.record.level >= Some(Level::Error) || line.record.error_class.is_some();
    let warns = |line: &&Line| line.record.level >= Some(Level::Warn);
    fn telling(line: &Line) -> Option<(&Line, &str)> {
        // A bare class or code says less than the message does.
        let error = line.text.get(line.error_at..).and_then(decisive);
        let error = error.filter(|text| text.contains(' ') && !text.starts_with("code"));
        Some((line, error.or_else(|| decisive(&line.text))?))
    }
    let mut of_severe = lines.clone().filter(severe).filter_map(telling);
    let mut of_warning = lines.clone().filter(warns).filter_map(telling);
    of_severe
        .next()
        .or_else(|| of_warning.next())
        .or_else(|| {
            let mut lines = lines;
            lines.find(severe).and_then(|line| line.text.lines().next().map(|text| (line, text)))
        })
        .filter(|(_, text)| !text.trim().is_empty())
}

/// The first line of a text that is no stack frame; of a Python traceback the last, where the error stands.
fn decisive(text: &str) -> Option<&str> {
    let traceback = "Traceback (most recent call last)";
    let is_frame = |line: &&str| {
        let line = line.trim_start();
        line.is_empty()
            || line.starts_with(traceback)
            || ["at ", "File \"", "^", "~", "During handling of", "The above exception"]
                .iter()
                .any(|start| line.starts_with(start))
    };
    let mut said = text.lines().filter(|line| !is_frame(line));
    if text.contains(traceback) {
        return text.lines().rev().find(|line| !is_frame(line) && !line.starts_with([' ', '\t', '\u{a0}']));
    }
    said.next()
}

/// A line with its variable parts masked: digits, ids, quoted values keep their place only.
pub fn mask(line: &str) -> String {
    let mut out = String::new();
    for word in line.split_whitespace().take(40) {
        if !out.is_empty() {
            out.push(' ');
        }
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        if digits > 0 && (digits * 3 >= word.len() || word.len() >= 16) {
            out.push('#');
        } else {
            out.extend(word.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }));
        }
    }
    out.chars().take(MAX_MASKED_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_what_varies_between_requests() {
        assert_eq!(
            mask("order 4711 of user a1b2c3d4-0000-4000-8000-000000000000 failed"),
            "order # of user # failed"
        );
        assert_eq!(mask("  two\twords  "), "two words");
    }

    #[test]
    fn the_decisive_line_is_no_frame() {
        assert_eq!(
            decisive("Traceback (most recent call last):\n  File \"a.py\", line 1\n    x()\nKeyError: 'a'"),
            Some("KeyError: 'a'")
        );
        assert_eq!(decisive("    at f (a.js:1:2)\nError: boom"), Some("Error: boom"));
        assert_eq!(decisive("Traceback (most recent call last):"), None);
    }

    #[test]
    fn fingerprints_are_stable() {
        assert_eq!(of_unknown("/api/a", "Error", "x"), of_unknown("/api/a", "Error", "x"));
        assert_ne!(of_unknown("/api/a", "Error", "x"), of_unknown("/api/b", "Error", "x"));
    }
}
