//! What counts as a secret, as data: one file of `src/redact/rules/` per way to find one, read by the build script (`read.rs`),
//! so that nothing is read when the program starts. The value to replace is the first group that took part.
//!
//! Prefixes of keys are those that the providers publish for secret scanning; publishable keys (`pk_live_`,
//! `sb_publishable_`) are made to be seen and stay.

use super::{judge, place};

/// One way to find a secret.
pub struct Pattern {
    /// Name of its file.
    pub id: &'static str,
    /// Stands in the token. Lower case, digits and `-`.
    pub kind: &'static str,
    /// Literals, one of which stands in every match, in any case.
    pub hints: &'static [&'static str],
    /// Finds it; the first group that took part is the value. Every alternative must stop at a bounded
    /// distance or consume what it reads, so that all matches together take linear time.
    pub regex: &'static str,
    /// Gets the text before the value, the value, the text after it, and says whether it is one.
    pub accept: fn(&str, &str, &str) -> bool,
}

/// All of them. Where values overlap they are replaced as one, under the kind that stands first here (`order`).
pub const PATTERNS: &[Pattern] = include!(concat!(env!("OUT_DIR"), "/redaction.rs"));

/// What a pattern is proved by.
pub struct Samples {
    /// Texts, and what must not be seen of them any more.
    pub secrets: &'static [(&'static str, &'static str)],
    /// Texts that stay to the letter.
    pub look_alikes: &'static [&'static str],
}

/// The samples of [`PATTERNS`], in the same order.
pub const SAMPLES: &[Samples] = include!(concat!(env!("OUT_DIR"), "/redaction_samples.rs"));
