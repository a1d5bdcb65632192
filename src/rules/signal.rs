//! Reads one signal of a rule: what its pattern needs and captures, what its conditions test.

use regex_syntax::hir::{Hir, HirKind};
use serde::{Deserialize, Serialize};

use crate::rules::conditions::Test;
use crate::rules::error::Problem;
use crate::rules::literals::{MIN_BYTES, required_texts, ways};
use crate::rules::model::Signal;
use crate::rules::presence;

/// A signal as its file states it, checked: what it captures, what it needs, what it tests.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PreparedSignal {
    /// Fixed texts of the pattern; empty without a pattern.
    pub(super) texts: Vec<String>,
    /// What else every match contains, as [`presence::text_of`] writes it.
    pub(super) questions: String,
    /// Whether the pattern is matched on characters, because it cannot be read for bytes.
    pub(super) unicode: bool,
    /// Names that the pattern captures. Only checks of the file ask for them.
    #[serde(skip)]
    pub(super) captures: Vec<String>,
    /// Conditions, all of which must hold.
    pub(super) tests: Vec<Test>,
}

/// A fault of a signal and the key below the signal where it stands, with an index for conditions.
pub(super) type SignalFault = (&'static str, Option<usize>, Problem);

impl PreparedSignal {
    /// Checks a signal and reads out of it what matching needs. Does not compile the pattern.
    pub(super) fn read(signal: &Signal) -> Result<PreparedSignal, SignalFault> {
        let mut tests = Vec::with_capacity(signal.conditions.len());
        for (number, condition) in signal.conditions.iter().enumerate() {
            let test =
                Test::read(condition).map_err(|why| ("where", Some(number), Problem::BadCondition(why)))?;
            tests.push(test);
        }
        let captured = |name: &Test| name.captured().map(str::to_owned);
        let Some(source) = &signal.pattern else {
            if let Some(name) = tests.iter().find_map(captured) {
                return Err(("where", None, Problem::BadCondition(no_capture(&name))));
            }
            if tests.is_empty() {
                return Err(("", None, Problem::EmptySignal));
            }
            let (texts, questions) = (Vec::new(), String::new());
            return Ok(PreparedSignal { texts, questions, unicode: false, captures: Vec::new(), tests });
        };
        let (hir, unicode) = parse(source).map_err(|why| ("pattern", None, Problem::BadPattern(why)))?;
        let texts = required_texts(&hir).ok_or(("pattern", None, Problem::NoLiteral(MIN_BYTES)))?;
        let mut captures = Vec::new();
        capture_names(&hir, &mut captures);
        if let Some(name) = tests.iter().filter_map(captured).find(|name| !captures.contains(name)) {
            return Err(("where", None, Problem::BadCondition(no_capture(&name))));
        }
        let questions = presence::text_of(&ways(&hir));
        Ok(PreparedSignal { texts, questions, unicode, captures, tests })
    }
}

fn no_capture(name: &str) -> String {
    format!("the condition asks for the capture `{name}`, which the signal's pattern does not have")
}

/// Parses for bytes if possible, else for Unicode, and says which; the error is the parser's reason.
pub(super) fn parse(source: &str) -> Result<(Hir, bool), String> {
    let with = |unicode: bool| {
        regex_syntax::ParserBuilder::new()
            .multi_line(true)
            .crlf(true)
            .unicode(unicode)
            .utf8(false)
            .build()
            .parse(source)
            .map(|hir| (hir, unicode))
            .map_err(|error| short_reason(&error))
    };
    with(false).or_else(|_| with(true))
}

/// The parser's reason without its drawing of the pattern.
fn short_reason(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => {
            format!("{} (at character {})", error.kind(), error.span().start.offset + 1)
        }
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        other => other.to_string(),
    }
}

/// The capture that a group stands for. A regular expression may name a group once only, so groups of several
/// alternatives are numbered: `host_2` is another place of `host`.
pub(super) fn capture_name(group: &str) -> &str {
    match group.rsplit_once('_') {
        Some((name, number)) if !name.is_empty() && is_number(number) => name,
        _ => group,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Appends the names of all captures, each once, in the order of the pattern.
pub(super) fn capture_names(hir: &Hir, names: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            if let Some(name) = capture.name.as_deref().map(capture_name)
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
            capture_names(&capture.sub, names);
        }
        HirKind::Repetition(repetition) => capture_names(&repetition.sub, names),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| capture_names(part, names));
        }
        _ => {}
    }
}
