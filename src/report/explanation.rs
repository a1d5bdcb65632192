//! One request explained: what `why500 explain` prints, as plain data. Keys are a contract as those of the report: they
//! may be added, never renamed. Texts are redacted and clean.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use super::model::{Correlation, Tool, TriageStep};
use crate::redact::printable::escaped_json;
use crate::rules::model::Class;

/// Name and version of the JSON contract.
pub const SCHEMA: &str = "why500/explain/v1";

/// One request: what happened, what the rules found, and how they were weighed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Program and rule set.
    pub tool: Tool,
    /// The ID as the log has it, normalised.
    pub correlation_id: Option<String>,
    /// How its lines were joined.
    pub correlation: Correlation,
    /// `failed`, `succeeded`, `aborted` or `incomplete`.
    pub outcome: &'static str,
    /// Null when not logged.
    pub status: Option<u16>,
    /// HTTP method.
    pub method: Option<String>,
    /// Route template.
    pub route: Option<String>,
    /// Deployment.
    pub deployment: Option<String>,
    /// First record, RFC 3339 UTC.
    pub time: Option<String>,
    /// Class; `unclassified` for a request that did not fail.
    pub class: Class,
    /// Subclass.
    pub subclass: String,
    /// Rule ID of the cause; null when unclassified.
    pub cause: Option<String>,
    /// Title of the cause.
    pub title: String,
    /// Probability that the class is right.
    pub confidence: f64,
    /// Fingerprint of its incident; null for a request that did not fail.
    pub incident: Option<String>,
    /// Failed requests of this incident in the input.
    pub incident_requests: u64,
    /// Its lines in order.
    pub timeline: Vec<Moment>,
    /// Every cause that fired, best first.
    pub weighed: Vec<Weighed>,
    /// Figures of pools and connections, and other facts that the log holds beside the cause.
    pub captures: BTreeMap<String, String>,
    /// The five steps in order; empty for a request that did not fail.
    pub triage: Vec<TriageStep>,
    /// Which one more fact would decide.
    pub would_decide: String,
    /// What the log lacks, where no cause was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// See [`Failure::inferred_from`](super::model::Failure::inferred_from).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inferred_from: Option<String>,
}

/// One line of the request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// Source name.
    pub source: String,
    /// Line in it, counted from 1.
    pub line: u64,
    /// RFC 3339 UTC.
    pub time: Option<String>,
    /// Severity, where stated.
    pub level: Option<&'static str>,
    /// The text, or what a record without text says.
    pub text: String,
    /// Signals in it, overruled ones too.
    pub signals: Vec<Fired>,
}

/// One signal in one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fired {
    /// Rule ID.
    pub cause: String,
    /// Number of the signal in the rule, counted from 1.
    pub signal: u16,
    /// `definitive`, `strong` or `suggestive`.
    pub strength: &'static str,
    /// `supports`, `contradicts` or `recovers`.
    pub effect: &'static str,
    /// The text that matched; empty for a signal on fields alone.
    pub matched: String,
    /// Why it does not count; null where it does.
    pub overruled: Option<String>,
}

/// One cause and how it was weighed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weighed {
    /// Rule ID.
    pub cause: String,
    /// Class.
    pub class: Class,
    /// Subclass.
    pub subclass: String,
    /// One line for people.
    pub title: String,
    /// Score, 0–1.
    pub score: f64,
    /// `won`, `lost`, `too weak`, `symptom` or `yielded`.
    pub fate: &'static str,
    /// Why, one short sentence.
    pub why: String,
    /// The score step by step.
    pub steps: Vec<ScoreStep>,
}

/// One step of a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreStep {
    /// What moved it.
    pub why: String,
    /// The score after that.
    pub score: f64,
}

/// Writes it as one JSON document, indented by two spaces, with a newline at the end.
pub fn write_json(explanation: &Explanation, out: &mut dyn io::Write) -> io::Result<()> {
    let json = serde_json::to_string_pretty(explanation)?;
    out.write_all(escaped_json(&json).as_bytes())?;
    out.write_all(b"\n")
}
