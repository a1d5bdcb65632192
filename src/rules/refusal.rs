//! Why `why500 rules lint` refuses a rule, and the cure. What is refused is found in `lint.rs`.

use thiserror::Error;

use crate::rules::anchors::MAX_RUN;
use crate::rules::model::Effect;

/// Why a rule that loads is refused. The text says what is wrong, [`Refusal::cure`] what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Any text over any number of lines.
    #[error("a repetition in the pattern runs over any number of lines")]
    RunsOverLines,
    /// `.*` without fixed text on both sides.
    #[error("a repetition in the pattern takes any text, and fixed text does not stand on both of its sides")]
    OpenRun,
    /// A capture that nothing shows.
    #[error("the capture `{0}` is never used")]
    UnusedCapture(String),
    /// A capture of a signal that does not support.
    #[error("the capture `{0}` is never used: only signals that support the cause capture for the report")]
    CaptureWithoutSupport(String),
    /// A signal that is not proved.
    #[error("no sample fires the signal")]
    Silent(Effect),
    /// A sample that another rule wins.
    #[error("`{0}` wins this sample")]
    LostSample(String),
    /// A sample whose `won_by` no longer holds.
    #[error("`{won}` wins this sample, not `{wanted}`")]
    WonByAnother {
        /// Who wins it.
        won: String,
        /// As `won_by` says.
        wanted: String,
    },
    /// A sample that no rule wins.
    #[error("no rule wins this sample")]
    NobodyWins,
    /// A text that must not match and does.
    #[error("signal {0} of the rule matches this counter-sample")]
    TakenCounterSample(usize),
    /// A name in braces that nothing fills.
    #[error("`{{{name}}}` is captured by no signal that supports the cause")]
    UnknownPlaceholder {
        /// The name.
        name: String,
        /// The capture that is most like it.
        nearest: Option<String>,
    },
    /// A sample that is there already.
    #[error("the same as `{0}`")]
    DuplicateSample(String),
    /// A text that is not there.
    #[error("`{0}` is missing or empty")]
    Missing(&'static str),
    /// A reference that is not a web page.
    #[error("`{0}` is not an https URL")]
    NotHttps(String),
}

impl Refusal {
    /// What the author can do about it, one sentence.
    pub fn cure(&self) -> String {
        match self {
            Refusal::RunsOverLines => format!(
                "count it, say {{0,1000}} and at most {{0,{MAX_RUN}}}, or keep it on its line: `[^'\\n]` instead of `[^']`"
            ),
            Refusal::OpenRun => {
                "leave it out at the start and end of a pattern; to capture the rest of a line write [^\\n]{1,200}".into()
            }
            Refusal::UnusedCapture(name) => format!(
                "say `{{{name}}}` in a text or name it in `subject`, take one of the names in docs/rules.md \
                 (\"Captures\"), or make the group (?:…). Another place of a capture that is used is numbered: \
                 (?P<name_2>…) is `name`"
            ),
            Refusal::CaptureWithoutSupport(_) => "make the group (?:…)".into(),
            Refusal::Silent(Effect::Supports) => {
                "add a [[sample]] that fires it, or take the signal out if nothing prints that text".into()
            }
            Refusal::Silent(Effect::Contradicts | Effect::Recovers) => {
                "add a [[sample]] or [[counter_sample]] that fires it, or take the signal out if nothing prints that text"
                    .into()
            }
            Refusal::LostSample(winner) => format!(
                "add won_by = \"{winner}\" if that is meant; else narrow one of the two, or set `yields_to` or `symptom`"
            ),
            Refusal::WonByAnother { won, .. } => format!(
                "say won_by = \"{won}\" if that is meant; a rule of your own that took it is to be narrowed"
            ),
            Refusal::TakenCounterSample(_) => {
                "narrow the pattern by more of the real text or by a condition in `where`; if the rule is meant to match, make it a [[sample]]".into()
            }
            Refusal::NobodyWins => "look at the pattern and the conditions; `why500 rules test` says what matched".into(),
            Refusal::UnknownPlaceholder { name, nearest } => match nearest {
                Some(nearest) => format!("did you mean `{{{nearest}}}`?"),
                None => format!("name a group (?P<{name}>…) in a pattern, or say it without braces"),
            },
            Refusal::DuplicateSample(_) => "remove one of the two".into(),
            Refusal::Missing("references") => {
                "add references = [\"https://…\"]: the primary documentation of what prints this".into()
            }
            Refusal::Missing(key) => format!("add {key} = \"…\"; docs/rules.md says what it is for"),
            Refusal::NotHttps(_) => "cite primary documentation by a URL that begins with https://".into(),
        }
    }
}
