//! Checks one rule file: TOML, keys, names, signals, samples. Finds all faults of a file, not only the first.

use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use xxhash_rust::xxh3::xxh3_64;

use crate::record::Level;
use crate::rules::conditions::{mark_by_name, mark_names};
use crate::rules::error::{Problem, RuleError, edit_distance};
use crate::rules::model::{Class, Effect, Rule, Sample};
use crate::rules::signal::PreparedSignal;

/// Subclasses of connectivity, in the order of the documentation.
const CONNECTIVITY: [&str; 10] =
    ["ssl", "pool", "timeout", "refused", "dns", "allowlist", "auth", "reset", "limit", "upstream"];

/// A rule file. Of a built-in one only the name is at hand when the program starts; its text is, where `why500 rules`
/// asks for it (`embedded.rs`).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RuleFile {
    /// Path for messages.
    pub(super) name: String,
    /// Name of the folder it lies in, if that is the name of a class.
    #[serde(skip)]
    pub(super) class_folder: Option<String>,
    /// Name without folder and extension.
    #[serde(skip)]
    pub(super) stem: String,
    /// Content, line breaks as `\n`.
    #[serde(skip)]
    pub(super) text: String,
    /// Whether it comes with the program.
    #[serde(skip)]
    pub(super) built_in: bool,
}

/// A rule that passed, with its signals ready to compile.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CheckedRule {
    pub(super) file: RuleFile,
    /// Hash of the file's content.
    pub(super) digest: u64,
    pub(super) rule: Rule,
    pub(super) signals: Vec<PreparedSignal>,
}

/// One step of the way to a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// The class that a folder or file names.
pub(super) fn class_by_name(name: &str) -> Option<Class> {
    Class::TRIAGE.into_iter().chain([Class::Decoy]).find(|class| class.as_str() == name)
}

impl RuleFile {
    /// Reads and checks the rule.
    pub(super) fn check(self) -> Result<CheckedRule, Vec<RuleError>> {
        let mut errors = Vec::new();
        let rule: Rule = match toml::from_str(&self.text) {
            Ok(rule) => rule,
            Err(error) => {
                errors.push(self.toml_error(&error));
                // The reader stops at its first fault; samples that are not there are seen all the same.
                if let Ok(document) = DeTable::parse(&self.text) {
                    let has = |key| member(document.get_ref(), key).is_some();
                    self.check_presence(has("sample"), has("counter_sample"), &mut errors);
                }
                return Err(errors);
            }
        };
        self.check_names(&rule, &mut errors);
        let signals = self.check_signals(&rule, &mut errors);
        self.check_samples(&rule, &mut errors);
        let digest = xxh3_64(self.text.as_bytes());
        if errors.is_empty() { Ok(CheckedRule { file: self, digest, rule, signals }) } else { Err(errors) }
    }

    /// A fault at a key of this file. A key that is not there belongs to the head of the file, where the id is.
    pub(super) fn error(&self, path: &[Step<'_>], problem: Problem) -> RuleError {
        let line = locate(&self.text, path).or_else(|| locate(&self.text, &[Step::Key("id")]));
        RuleError { file: self.name.clone(), line, key: written(path), problem }
    }

    fn toml_error(&self, error: &toml::de::Error) -> RuleError {
        let at = error.span().map(|span| span.start);
        let line = at.map(|offset| line_of(&self.text, offset));
        let message = error.message();
        let mut quoted = message.split('`').skip(1).step_by(2).map(str::to_owned);
        let named = quoted.next().unwrap_or_default();
        let nearest_first = |mut valid: Vec<String>| {
            valid.sort_by_key(|candidate| edit_distance(&named, candidate));
            valid
        };
        let around = || at.and_then(|offset| key_at(&self.text, offset)).unwrap_or_default();
        let (key, problem) = if message.starts_with("unknown field") {
            let valid = nearest_first(quoted.collect());
            (named.clone(), Problem::UnknownKey { key: named, valid })
        } else if message.starts_with("missing field") {
            (named.clone(), Problem::MissingKey(named))
        } else if message.starts_with("unknown variant") {
            let valid = nearest_first(quoted.filter(|value| value != Class::Unclassified.as_str()).collect());
            (around(), Problem::UnknownValue { value: named, valid })
        } else if message.starts_with("invalid type") {
            (around(), Problem::WrongType(message.replace('\n', " ")))
        } else {
            (String::new(), Problem::Toml(message.replace('\n', " ")))
        };
        RuleError { file: self.name.clone(), line, key, problem }
    }

    fn check_names(&self, rule: &Rule, errors: &mut Vec<RuleError>) {
        if rule.id != self.stem {
            let problem = Problem::IdIsNotFileName { id: rule.id.clone(), file_stem: self.stem.clone() };
            errors.push(self.error(&[Step::Key("id")], problem));
        }
        if rule.class == Class::Unclassified {
            errors.push(self.error(&[Step::Key("class")], Problem::ReservedClass));
        }
        if let Some(folder) = self.class_folder.as_ref().filter(|folder| *folder != rule.class.as_str()) {
            let problem = Problem::ClassIsNotFolder { class: rule.class.as_str(), folder: folder.clone() };
            errors.push(self.error(&[Step::Key("class")], problem));
        }
        if rule.class == Class::Connectivity && !CONNECTIVITY.contains(&rule.subclass.as_str()) {
            errors
                .push(self.error(&[Step::Key("subclass")], Problem::UnknownSubclass(rule.subclass.clone())));
        }
    }

    fn check_signals(&self, rule: &Rule, errors: &mut Vec<RuleError>) -> Vec<PreparedSignal> {
        let mut prepared = Vec::with_capacity(rule.signals.len());
        for (number, signal) in rule.signals.iter().enumerate() {
            let place = [Step::Key("signal"), Step::Index(number)];
            let supports = signal.effect == Effect::Supports;
            if supports && signal.strength.is_none() && rule.class != Class::Decoy {
                errors.push(self.error(&place, Problem::NoStrength));
            }
            match PreparedSignal::read(signal) {
                Ok(signal) => prepared.push(signal),
                Err((key, index, problem)) => {
                    let mut path = place.to_vec();
                    path.extend((!key.is_empty()).then_some(Step::Key(key)));
                    path.extend(index.map(Step::Index));
                    errors.push(self.error(&path, problem));
                }
            }
        }
        if !rule.signals.iter().any(|signal| signal.effect == Effect::Supports) {
            errors.push(self.error(&[Step::Key("signal")], Problem::NoSignals));
        }
        // A pattern that could not be read hides its captures: say that fault alone.
        if prepared.len() == rule.signals.len() {
            for (number, name) in rule.subject.iter().enumerate() {
                if !prepared.iter().any(|signal| signal.captures.contains(name)) {
                    let path = [Step::Key("subject"), Step::Index(number)];
                    errors.push(self.error(&path, Problem::UnknownCapture(name.clone())));
                }
            }
        }
        prepared
    }

    fn check_presence(&self, samples: bool, counter_samples: bool, errors: &mut Vec<RuleError>) {
        if !samples {
            errors.push(self.error(&[Step::Key("sample")], Problem::NoSamples));
        }
        if !counter_samples {
            errors.push(self.error(&[Step::Key("counter_sample")], Problem::NoCounterSamples));
        }
    }

    fn check_samples(&self, rule: &Rule, errors: &mut Vec<RuleError>) {
        self.check_presence(!rule.samples.is_empty(), !rule.counter_samples.is_empty(), errors);
        for (key, samples) in [("sample", &rule.samples), ("counter_sample", &rule.counter_samples)] {
            for (number, sample) in samples.iter().enumerate() {
                for (field, problem) in sample_faults(sample) {
                    let path = [Step::Key(key), Step::Index(number), Step::Key(field)];
                    errors.push(self.error(&path, problem));
                }
            }
        }
    }
}

fn sample_faults(sample: &Sample) -> Vec<(&'static str, Problem)> {
    let mut faults = Vec::new();
    for mark in sample.mark.iter().filter(|mark| mark_by_name(mark).is_none()) {
        let why = format!("there is no mark `{mark}`; marks are {}", mark_names());
        faults.push(("mark", Problem::BadSample(why)));
    }
    if let Some(level) = sample.level.as_ref().filter(|level| Level::parse(level).is_none()) {
        faults.push(("level", Problem::BadSample(format!("there is no level `{level}`"))));
    }
    faults
}

/// A path as messages name it: `signal[2].pattern`, counted from 1.
fn written(path: &[Step<'_>]) -> String {
    let mut key = String::new();
    for step in path {
        match step {
            Step::Key(name) if key.is_empty() => key.push_str(name),
            Step::Key(name) => {
                key.push('.');
                key.push_str(name);
            }
            Step::Index(index) => key.push_str(&format!("[{}]", index + 1)),
        }
    }
    key
}

/// The key whose value stands at a byte offset. Only called when there is a fault to report.
fn key_at(text: &str, offset: usize) -> Option<String> {
    let document = DeTable::parse(text).ok()?;
    let mut path = Vec::new();
    let mut found = None;
    nearest_before(document.get_ref(), offset, &mut path, &mut found);
    found.map(|(_, key)| key)
}

/// Of all keys and elements of a table the last that begins at or before the offset, the innermost of several. A table
/// of TOML may be written in pieces, so its own end says nothing.
fn nearest_before<'t>(
    table: &'t DeTable<'_>,
    offset: usize,
    path: &mut Vec<Step<'t>>,
    found: &mut Option<(usize, String)>,
) {
    for (key, value) in table {
        path.push(Step::Key(key.get_ref()));
        consider(key.span().start, value.get_ref(), offset, path, found);
        path.pop();
    }
}

fn consider<'t>(
    start: usize,
    value: &'t DeValue<'_>,
    offset: usize,
    path: &mut Vec<Step<'t>>,
    found: &mut Option<(usize, String)>,
) {
    if start <= offset && found.as_ref().is_none_or(|(best, _)| start >= *best) {
        *found = Some((start, written(path)));
    }
    match value {
        DeValue::Table(inner) => nearest_before(inner, offset, path, found),
        DeValue::Array(elements) => {
            for (number, element) in elements.iter().enumerate() {
                path.push(Step::Index(number));
                consider(element.span().start, element.get_ref(), offset, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Line of a byte offset, counted from 1.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// Line of a key, or of the nearest thing around it that has one. Only called when there is a fault to report.
fn locate(text: &str, path: &[Step<'_>]) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let (first, rest) = path.split_first()?;
    let Step::Key(first) = first else { return None };
    let (start, mut value) = member(document.get_ref(), first)?;
    let mut offset = start;
    for step in rest {
        let next = match (step, value.get_ref()) {
            (Step::Key(name), DeValue::Table(table)) => member(table, name),
            (Step::Index(index), DeValue::Array(array)) => {
                array.get(*index).map(|element| (element.span().start, element))
            }
            _ => None,
        };
        let Some((start, inner)) = next else { break };
        offset = start;
        value = inner;
    }
    Some(line_of(text, offset))
}

fn member<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<(usize, &'t Spanned<DeValue<'i>>)> {
    table.iter().find(|(key, _)| key.get_ref() == name).map(|(key, value)| (key.span().start, value))
}
