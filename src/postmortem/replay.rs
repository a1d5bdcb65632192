//! Checks what is quoted. A text is redacted and comes out of a record, so it cannot be read off the bytes of its line;
//! but the same sources give the same report, so they are triaged again and the cited lines of both are compared. Only
//! what a manifest's command may safely ask for is done again: it names no file that is opened and no pattern that is run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::evidence::{Cited, cited as cited_of};
use super::manifest::Claims;
use super::verify::{Check, State, What, place};
use super::{ARTIFACTS, narrow};
use crate::engine::{Engine, Options};
use crate::format::registry::Shapes;
use crate::input::source::Source;
use crate::input::unpack::Expand;

/// Hexadecimal digits of a redaction token.
const TOKEN_DIGITS: usize = 12;

/// Checks the quoted texts of a bundle. `proven`: its sources by their names, those that are as they were read.
pub(super) fn check(
    claims: &Claims,
    cited: &[Cited],
    proven: Vec<(String, Source)>,
    expand: Expand,
) -> Vec<Check> {
    if cited.is_empty() && claims.evidence.lines == 0 {
        return Vec::new();
    }
    let again = match proven.len() == claims.sources.len() {
        true => again(claims, proven, expand),
        false => Err("not all sources are here as they were read".to_owned()),
    };
    match again {
        Ok((again, keyed)) => compare(cited, &again, keyed),
        Err(why) => {
            cited.iter().map(|one| Check::new(What::Text, &place(one), State::Unchecked, "", &why)).collect()
        }
    }
}

/// What the sources give when they are read again, and whether redaction tokens are the same; or why they are not read.
fn again(
    claims: &Claims,
    proven: Vec<(String, Source)>,
    expand: Expand,
) -> Result<(Vec<Cited>, bool), String> {
    let Command { options, keyed } = command(&claims.command)?;
    let version = env!("CARGO_PKG_VERSION");
    if claims.tool.version != version {
        return Err("another version of why500 wrote them".to_owned());
    }
    let none: [PathBuf; 0] = [];
    let engine = Engine::with_rules(&none, options).map_err(|error| error.to_string())?;
    if claims.tool.ruleset != engine.rules.hash() {
        return Err("they were found with other rules".to_owned());
    }
    let finished = engine.run_named(proven, expand);
    let mut report = finished.report;
    if let Some(id) = &claims.incident {
        narrow(&mut report, id).map_err(|_| "the sources have no such incident".to_owned())?;
    }
    Ok((cited_of(&report), keyed))
}

/// What of a command decides what is cited.
struct Command {
    options: Options,
    /// Whether tokens follow from the input alone.
    keyed: bool,
}

fn command(words: &[String]) -> Result<Command, String> {
    let mut read = Command { options: Options::default(), keyed: true };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(name) = word.strip_prefix("--") else { continue };
        if name == "no-redact" {
            read.options.no_redact = true;
            continue;
        }
        let value = words.next().map(String::as_str).unwrap_or_default();
        let number = || value.parse().map_err(|_| format!("--{name} of the command is no number"));
        match name {
            "input-format" => read.options.shapes = Shapes::forced(value)?,
            "max-line" => read.options.max_line_bytes = number()?,
            "memory" => read.options.memory_bytes = Some(number()?),
            "redact-key" => read.keyed = false,
            // They change nothing of what is cited, or how far is unpacked, which whoever checks decides.
            "incident" | "as-of" | "slo" | "window" | "incidents" | "segment-field" | "max-expand" => {}
            _ => return Err(format!("the command had --{name}")),
        }
    }
    Ok(read)
}

/// A cited line as it is compared: without its bytes, which are checked by themselves.
type Quote = (String, u64, Option<String>, Option<String>, Option<String>, Vec<String>);

fn compare(cited: &[Cited], again: &[Cited], keyed: bool) -> Vec<Check> {
    let quote = |one: &Cited| -> Quote {
        let text = one.text.as_ref().map(|text| if keyed { text.clone() } else { without_digits(text) });
        (
            one.source.clone(),
            one.line,
            one.time.clone(),
            one.correlation_id.clone(),
            text,
            one.cited_by.clone(),
        )
    };
    let mut left: BTreeMap<Quote, u64> = BTreeMap::new();
    for one in again {
        *left.entry(quote(one)).or_default() += 1;
    }
    let mut checks = Vec::new();
    for one in cited {
        let found = left.get_mut(&quote(one)).filter(|count| **count > 0);
        checks.push(match found {
            Some(count) => {
                *count -= 1;
                Check::new(What::Text, &place(one), State::Same, "", "")
            }
            None => {
                let expected = one.text.as_deref().unwrap_or("no text");
                let found = "its source gives another text, time or request";
                Check::new(What::Text, &place(one), State::Differs, expected, found)
            }
        });
    }
    for ((source, line, ..), count) in left.into_iter().filter(|(_, count)| *count > 0) {
        let place = format!("{source}:{line}");
        let found = format!("{count} not in {}", ARTIFACTS[3]);
        checks.push(Check::new(What::Text, &place, State::Missing, "a cited line", &found));
    }
    checks
}

/// A text with the hash of every token taken out: with another key the kinds and places of tokens are the same.
fn without_digits(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = rest.find('›') {
        let digits = end.checked_sub(TOKEN_DIGITS).filter(|at| rest.is_char_boundary(*at));
        let is_hash = |at: &usize| rest[*at..end].bytes().all(|byte| byte.is_ascii_hexdigit());
        out.push_str(&rest[..digits.filter(is_hash).unwrap_or(end)]);
        out.push('›');
        rest = &rest[end + '›'.len_utf8()..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_command_asks_for_nothing_but_how_to_read() {
        let read = command(&words("why500 postmortem a.log --max-line 1024 --no-redact --as-of x")).ok();
        let options = read.expect("understood").options;
        assert_eq!((options.max_line_bytes, options.no_redact), (1024, true));
        assert!(command(&words("why500 postmortem a.log --rules /etc")).is_err());
        assert!(command(&words("why500 postmortem a.log --redact-pattern …")).is_err());
        assert!(command(&words("why500 postmortem a.log --max-line")).is_err());
        assert!(command(&words("why500 postmortem a.log --input-format nonsense")).is_err());
        assert!(!command(&words("why500 --redact-key …")).expect("understood").keyed);
    }

    #[test]
    fn tokens_are_compared_without_their_hashes() {
        assert_eq!(without_digits("a ‹email:7f3a90c412de› b ‹x› ›"), "a ‹email:› b ‹x› ›");
        assert_eq!(without_digits("é›ééééééé› ok"), "é›ééééééé› ok");
    }
}
