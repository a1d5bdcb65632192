//! Checks the patterns against their samples, for `why500 rules test` and `why500 rules lint`.

use regex::Regex;

use super::Redactor;
use super::patterns::{PATTERNS, Pattern, SAMPLES, Samples};

/// How many patterns there are, and how many samples and look-alikes.
pub fn count() -> (usize, usize) {
    let samples = SAMPLES.iter().map(|one| one.secrets.len() + one.look_alikes.len());
    (PATTERNS.len(), samples.sum())
}

/// What all patterns together do not do as the samples say: a secret that is still seen, a look-alike that is not.
pub fn test() -> Vec<String> {
    let redactor = Redactor::new(b"samples");
    let mut failures = Vec::new();
    for (pattern, samples) in PATTERNS.iter().zip(SAMPLES) {
        for (log, hides) in samples.secrets {
            let redacted = redactor.redact(log);
            if redacted.contains(hides) || !redacted.contains('‹') {
                failures.push(format!(
                    "src/redact/rules/{}.toml: `{hides}` is still seen in: {redacted}",
                    pattern.id
                ));
            }
        }
        for log in samples.look_alikes {
            let redacted = redactor.redact(log);
            if redacted != *log {
                failures.push(format!(
                    "src/redact/rules/{}.toml: a look-alike is hidden: {redacted}",
                    pattern.id
                ));
            }
        }
    }
    failures
}

/// Patterns that their own samples do not prove: each sample has to be found by the pattern in whose file it stands.
pub fn lint() -> Vec<String> {
    let unproved = |(pattern, samples): (&Pattern, &Samples)| -> Vec<String> {
        let Ok(regex) = Regex::new(pattern.regex) else {
            return vec![format!("src/redact/rules/{}.toml: the pattern is too large", pattern.id)];
        };
        let not_found = samples.secrets.iter().filter(|(log, hides)| !finds(pattern, &regex, log, hides));
        not_found
            .map(|(log, _)| {
                format!(
                    "src/redact/rules/{}.toml: the pattern does not find the secret of its own sample: {log}",
                    pattern.id
                )
            })
            .collect()
    };
    PATTERNS.iter().zip(SAMPLES).flat_map(unproved).collect()
}

fn finds(pattern: &Pattern, regex: &Regex, log: &str, hides: &str) -> bool {
    regex.captures_iter(log).any(|captures| {
        let Some(value) = captures.iter().skip(1).flatten().next() else { return false };
        let (before, after) = (&log[..value.start()], &log[value.end()..]);
        let is_it = value.as_str().contains(hides) || hides.contains(value.as_str());
        is_it && (pattern.accept)(before, value.as_str(), after)
    })
}
