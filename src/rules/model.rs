//! What a rule file holds, as read: plain data, no compiled patterns. See `docs/rules.md`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Class of a cause. The order is the triage order and breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// What the code needs is not what the deployed runtime gives.
    Runtime,
    /// A missing, malformed or wrongly scoped variable, secret or credential.
    Env,
    /// TLS, pool, timeout, DNS, refused, allowlist, auth, reset, limit, upstream.
    Connectivity,
    /// Limits of the platform: function timeout, memory, payload, throttling, crash signal.
    Platform,
    /// Handler or query bug, schema, unhandled validation.
    Route,
    /// No evidence.
    Unclassified,
    /// Not a cause: lines that look like one and never are. Only in rule files.
    Decoy,
}

impl Class {
    /// The five steps of triage, in order.
    pub const TRIAGE: [Class; 5] =
        [Class::Runtime, Class::Env, Class::Connectivity, Class::Platform, Class::Route];

    /// The name used in rules, JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Runtime => "runtime",
            Class::Env => "env",
            Class::Connectivity => "connectivity",
            Class::Platform => "platform",
            Class::Route => "route",
            Class::Unclassified => "unclassified",
            Class::Decoy => "decoy",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How sure a signal alone makes one of the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// Fits this cause and others.
    Suggestive,
    /// Nearly always this cause.
    Strong,
    /// The text says it and no other cause prints it.
    Definitive,
}

/// What a signal does for its rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Speaks for the cause.
    #[default]
    Supports,
    /// Speaks against it.
    Contradicts,
    /// Says that what was reported was survived.
    Recovers,
}

/// Maturity of a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Proved on real failures.
    #[default]
    Stable,
    /// New; its confidence is lowered.
    Experimental,
}

/// What a decoy masks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Signals on the line that matched.
    #[default]
    Line,
    /// Every signal of the record.
    Record,
}

/// A condition on one field of the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Name of the field, see `docs/rules.md`.
    pub field: String,
    /// Equal to.
    pub is: Option<toml::Value>,
    /// Equal to one of.
    pub any: Option<Vec<toml::Value>>,
    /// Number at least.
    pub at_least: Option<f64>,
    /// Number at most.
    pub at_most: Option<f64>,
    /// There at all (or not).
    pub present: Option<bool>,
    /// Equal to what the signal's pattern captures under this name.
    pub captured: Option<String>,
}

/// One pattern or set of conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// How sure it makes; decoys have none.
    pub strength: Option<Strength>,
    /// For, against, or survived.
    #[serde(default)]
    pub effect: Effect,
    /// Regular expression on the joined text of one record.
    pub pattern: Option<String>,
    /// Conditions on the same record, all of which must hold.
    #[serde(default, rename = "where")]
    pub conditions: Vec<Condition>,
}

/// A text that must match, with the fields that the record around it has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The text, one or several lines.
    #[serde(default)]
    pub log: String,
    /// Captures that must come out.
    #[serde(default)]
    pub captures: BTreeMap<String, String>,
    /// The rule that is meant to win instead.
    pub won_by: Option<String>,
    /// HTTP status of the record.
    pub status: Option<u16>,
    /// Level of the record.
    pub level: Option<String>,
    /// Runtime of the record.
    pub runtime: Option<String>,
    /// Marks of the record.
    #[serde(default)]
    pub mark: Vec<String>,
    /// Error code of the record.
    pub error_code: Option<String>,
    /// Peak memory of the record.
    pub memory_used_mb: Option<f64>,
    /// Memory limit of the record.
    pub memory_limit_mb: Option<f64>,
    /// Duration of the record.
    pub duration_ms: Option<f64>,
    /// Other fields of the record.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// One rule file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Kebab-case; the file's name.
    pub id: String,
    /// Class; the folder's name.
    pub class: Class,
    /// Finer than the class; empty for decoys.
    #[serde(default)]
    pub subclass: String,
    /// One line.
    pub title: String,
    /// What it means, one sentence.
    #[serde(default)]
    pub meaning: String,
    /// Captures that tell one incident from another.
    #[serde(default)]
    pub subject: Vec<String>,
    /// Maturity.
    #[serde(default)]
    pub status: Status,
    /// A wrapper or late symptom that never wins over another cause.
    #[serde(default)]
    pub symptom: bool,
    /// What a proxy or router says of a backend that is not there or hung up. The backend's own last words explain it;
    /// where they were logged, this rule is a symptom.
    #[serde(default)]
    pub backend_gone: bool,
    /// Causes that explain this one.
    #[serde(default)]
    pub yields_to: Vec<String>,
    /// What a decoy masks.
    #[serde(default)]
    pub scope: Scope,
    /// What to do now.
    #[serde(default)]
    pub fix: String,
    /// What keeps it from coming back.
    #[serde(default)]
    pub prevention: String,
    /// Primary documentation.
    #[serde(default)]
    pub references: Vec<String>,
    /// Signals.
    #[serde(default, rename = "signal")]
    pub signals: Vec<Signal>,
    /// Texts that must match.
    #[serde(default, rename = "sample")]
    pub samples: Vec<Sample>,
    /// Texts that must not.
    #[serde(default, rename = "counter_sample")]
    pub counter_samples: Vec<Sample>,
}
