//! Patterns of the user (`--redact-pattern`): what else is personal, such as ids of users.

use regex::{Regex, RegexBuilder};

/// Largest compiled pattern, in bytes.
const MAX_COMPILED_BYTES: usize = 1 << 20;
/// Kind of a value whose pattern does not name one.
const KIND: &str = "own";

/// A pattern of the user.
#[derive(Debug, Clone)]
pub struct OwnPattern {
    /// Stands in the token.
    pub(super) kind: String,
    /// Finds it.
    pub(super) regex: Regex,
    /// The group that is the value; 0 is the whole match.
    pub(super) group: usize,
}

impl OwnPattern {
    /// Reads a pattern: its first group is the value, without a group all that matches; the group's name is the kind
    /// that stands in the token (`user_id=(?P<user>\d+)` gives `user_id=‹user:…›`).
    ///
    /// # Errors
    /// It is no regular expression, is too large, or matches nothing at all everywhere.
    pub fn parse(text: &str) -> Result<OwnPattern, String> {
        let regex = RegexBuilder::new(text)
            .size_limit(MAX_COMPILED_BYTES)
            .build()
            .map_err(|error| format!("no regular expression (docs.rs/regex): {error}"))?;
        if regex.is_match("") {
            return Err("it matches an empty text, so it says nothing of what to hide".to_owned());
        }
        let group = usize::from(regex.captures_len() > 1);
        let name = regex.capture_names().flatten().next();
        let group = name
            .and_then(|name| regex.capture_names().position(|other| other == Some(name)))
            .unwrap_or(group);
        let kind: String = name
            .unwrap_or(KIND)
            .to_ascii_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        Ok(OwnPattern { kind, regex, group })
    }
}
