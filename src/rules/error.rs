//! What can be wrong with a rule file, said so that its author can repair it: file, line, key and cure.

use std::fmt;

use thiserror::Error;

use crate::rules::refusal::Refusal;

/// One fault in one rule file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct RuleError {
    /// Path of the file as the user knows it; for embedded rules the path below `rules/`.
    pub file: String,
    /// Line of the fault, counted from 1, where it has one.
    pub line: Option<usize>,
    /// Key at fault (`signal[2].pattern`, counted from 1); empty where the whole file is at fault.
    pub key: String,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fault(f, (&self.file, self.line, &self.key), &self.problem, &self.problem.cure())
    }
}

/// Writes a fault of a file of the user: its place (file, line, key), what is wrong, and the cure.
pub fn write_fault(
    f: &mut fmt::Formatter<'_>,
    (file, line, key): (&str, Option<usize>, &str),
    problem: &dyn fmt::Display,
    cure: &dyn fmt::Display,
) -> fmt::Result {
    f.write_str(file)?;
    if let Some(line) = line {
        write!(f, ":{line}")?;
    }
    if !key.is_empty() {
        write!(f, ": {key}")?;
    }
    write!(f, ": {problem}\n  cure: {cure}")
}

/// All faults of a set of rule files, in the order of the files; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct RuleErrors(pub Vec<RuleError>);

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// Kinds of faults. The text says what is wrong, [`Problem::cure`] what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// The file or folder cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// Not TOML.
    #[error("{0}")]
    Toml(String),
    /// A value of another type than the key takes; the text is that of the TOML reader.
    #[error("{0}")]
    WrongType(String),
    /// A value that the key does not take.
    #[error("`{value}` is none of its values")]
    UnknownValue {
        /// The value as written.
        value: String,
        /// Those that it takes, the nearest first.
        valid: Vec<String>,
    },
    /// A key that every rule has.
    #[error("the key `{0}` is missing")]
    MissingKey(String),
    /// A key that rules do not have.
    #[error("unknown key `{key}`")]
    UnknownKey {
        /// The key as written.
        key: String,
        /// Valid keys at that place, the nearest first.
        valid: Vec<String>,
    },
    /// The id differs from the file's name.
    #[error("id is `{id}`, but the file is named `{file_stem}.toml`")]
    IdIsNotFileName {
        /// As written in the file.
        id: String,
        /// Name of the file.
        file_stem: String,
    },
    /// The class differs from the folder.
    #[error("class is `{class}`, but the file lies in folder `{folder}`")]
    ClassIsNotFolder {
        /// As written in the file.
        class: &'static str,
        /// Folder of the file.
        folder: String,
    },
    /// `class = "unclassified"`.
    #[error("`unclassified` is what a request without evidence is called, not a class for rules")]
    ReservedClass,
    /// Two files of one folder tree hold the same id.
    #[error("id `{id}` is also that of {other}")]
    DuplicateId {
        /// The id.
        id: String,
        /// The other file.
        other: String,
    },
    /// A connectivity rule with a subclass that does not exist.
    #[error("`{0}` is no subclass of connectivity")]
    UnknownSubclass(String),
    /// No signals at all, or none that supports.
    #[error("the rule has no signal that speaks for it")]
    NoSignals,
    /// A signal with neither a pattern nor a condition.
    #[error("the signal has neither a pattern nor a condition")]
    EmptySignal,
    /// A supporting signal without strength.
    #[error("the signal has no strength")]
    NoStrength,
    /// The regular expression does not compile.
    #[error("the pattern is no regular expression: {0}")]
    BadPattern(String),
    /// The compiled expression would need too much memory.
    #[error("the compiled pattern is too large")]
    PatternTooLarge,
    /// The pattern can match without a literal that the prefilter could look for.
    #[error("the pattern, or one of its alternatives, can match without any fixed text of {0} bytes or more")]
    NoLiteral(usize),
    /// `subject` names a capture that no pattern has.
    #[error("`{0}` is not captured by any signal")]
    UnknownCapture(String),
    /// `yields_to` names a rule that does not exist.
    #[error("there is no rule `{id}`")]
    UnknownRule {
        /// As written.
        id: String,
        /// The nearest id that exists.
        nearest: Option<String>,
    },
    /// Rules that yield to each other in a circle.
    #[error("the rule yields to itself, by way of `{0}`")]
    YieldsInCircle(String),
    /// A condition that can never hold.
    #[error("{0}")]
    BadCondition(String),
    /// A sample sets a mark or level that records do not have.
    #[error("{0}")]
    BadSample(String),
    /// No sample.
    #[error("the rule has no sample")]
    NoSamples,
    /// No counter-sample.
    #[error("the rule has no counter-sample")]
    NoCounterSamples,
    /// More rules than an index can count.
    #[error("more than {0} rules")]
    TooMany(usize),
    /// The rule loads, but `why500 rules lint` refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Problem {
    /// What the author can do about it, one sentence.
    pub fn cure(&self) -> String {
        match self {
            Problem::Unreadable(_) => "check that the path exists, is UTF-8 text and may be read".into(),
            Problem::Toml(_) => {
                "correct the TOML at this line; patterns are easiest in '''triple single quotes'''".into()
            }
            Problem::WrongType(message) => match message.rsplit("expected ").next() {
                Some("a string") => "put it in quotes".into(),
                Some("a sequence") => "put it in brackets: [\"…\"], also if it is a single one".into(),
                Some("a boolean") => "write true or false, without quotes".into(),
                _ => "docs/rules.md says which kind of value each key takes".into(),
            },
            Problem::UnknownValue { valid, .. } => match valid.first() {
                Some(nearest) => format!("did you mean `{nearest}`? It takes {}", valid.join(", ")),
                None => "docs/rules.md lists the values".into(),
            },
            Problem::MissingKey(key) => format!("add `{key} = …`; docs/rules.md has a whole example"),
            Problem::UnknownKey { valid, .. } => match valid.first() {
                Some(nearest) => format!("did you mean `{nearest}`? valid here: {}", valid.join(", ")),
                None => "remove it; docs/rules.md lists the keys".into(),
            },
            Problem::IdIsNotFileName { id, .. } => format!("rename the file to `{id}.toml`, or correct the id"),
            Problem::ClassIsNotFolder { class, .. } => {
                format!("move the file to folder `{class}`, or correct the class")
            }
            Problem::ReservedClass => {
                "choose one of runtime, env, connectivity, platform, route, decoy".into()
            }
            Problem::DuplicateId { .. } => "rename one of the two".into(),
            Problem::UnknownSubclass(_) => {
                "choose one of ssl, pool, timeout, refused, dns, allowlist, auth, reset, limit, upstream".into()
            }
            Problem::NoSignals => "add a [[signal]] with a pattern and a strength".into(),
            Problem::EmptySignal => "add `pattern`, or conditions in `where`".into(),
            Problem::NoStrength => {
                "add strength = \"definitive\", \"strong\" or \"suggestive\" (how sure the text alone makes you)".into()
            }
            Problem::BadPattern(_) => {
                "see docs.rs/regex for the syntax; there is no look-around and no back-reference".into()
            }
            Problem::PatternTooLarge => {
                "shorten the counted repetitions; [A-Za-z0-9_] is far smaller than \\w, [0-9] than \\d".into()
            }
            Problem::NoLiteral(_) => {
                "add the words that always stand around it, or split short alternatives into signals of their own"
                    .into()
            }
            Problem::UnknownCapture(name) => {
                format!("name a group (?P<{name}>…) in a pattern, or take `{name}` out of `subject`")
            }
            Problem::UnknownRule { nearest, .. } => match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "name the id of another rule".into(),
            },
            Problem::YieldsInCircle(_) => "decide which of the two is the deeper cause".into(),
            Problem::BadCondition(_) => "see \"Signals\" in docs/rules.md for fields and operators".into(),
            Problem::BadSample(_) => "see \"Samples\" in docs/rules.md".into(),
            Problem::NoSamples => "add a [[sample]] with a real text that this rule must match".into(),
            Problem::NoCounterSamples => {
                "add a [[counter_sample]]: best the look-alike that a careless pattern would take".into()
            }
            Problem::TooMany(_) => "load fewer rules".into(),
            Problem::Refused(refusal) => refusal.cure(),
        }
    }
}

/// The candidate that is most like `word`, if any is alike at all (edit distance up to a third of its length).
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(2);
    candidates.map(|c| (edit_distance(word, c), c)).filter(|(d, _)| *d <= limit).min().map(|(_, c)| c)
}

/// Levenshtein distance in characters.
pub(super) fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut last = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&right) {
            let best = (diagonal + usize::from(a != *b)).min(last + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            last = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
