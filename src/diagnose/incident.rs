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

/// The first line that looks like an error, and its error class.
pub fn first_error(lines: &[Line]) -> Option<(&Line, &str)> {
    let severe = |line: &&Line| line.record.level >= Some(Level::Error) || line.record.error_class.is_some();
    let line = lines.iter().filter(|line| !line.text.trim().is_empty()).find(severe).or_else(|| {
        lines.iter().find(|line| line.record.level >= Some(Level::Warn) && !line.text.trim().is_empty())
    })?;
    Some((line, line.text.lines().find(|text| !text.trim().is_empty()).unwrap_or_default()))
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
    fn fingerprints_are_stable() {
        assert_eq!(of_unknown("/api/a", "Error", "x"), of_unknown("/api/a", "Error", "x"));
        assert_ne!(of_unknown("/api/a", "Error", "x"), of_unknown("/api/b", "Error", "x"));
    }
}
