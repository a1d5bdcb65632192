//! What a check in CI is to put up with: the incidents of an earlier report (the baseline), and those that somebody
//! suppressed for a reason and until a day.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::is_fingerprint;
use super::memory::read_text;
use super::saved::is_date;
use crate::fault::Fault;
use crate::format::time;
use crate::report::memory::{Suppression, SuppressionState};
use crate::report::model::SCHEMA;

/// Most that is shown of the schema of a file, in characters.
const MAX_SCHEMA_CHARS: usize = 60;
const DAY_MS: i64 = 86_400_000;
/// Faults of one file that are said.
const MAX_FAULTS: usize = 20;

/// Why a file is no report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoReport {
    /// It cannot be read or is something else.
    Other(Fault),
    /// It is one, of another version of the contract.
    OtherVersion(Fault),
}

impl From<NoReport> for Fault {
    fn from(why: NoReport) -> Fault {
        match why {
            NoReport::Other(fault) | NoReport::OtherVersion(fault) => fault,
        }
    }
}

/// The fingerprints of an earlier report (`--format json`).
///
/// # Errors
/// The file cannot be read or is no such report.
pub fn baseline(file: &Path) -> Result<BTreeSet<String>, Fault> {
    let report = read_report(file)?;
    let incidents = report.get("incidents").and_then(Value::as_array).into_iter().flatten();
    Ok(incidents.filter_map(|one| one.get("id")?.as_str()).map(str::to_owned).collect())
}

/// A report that `--format json` wrote.
///
/// # Errors
/// The file cannot be read, is no such report, or is one of another version.
pub fn read_report(file: &Path) -> Result<Value, NoReport> {
    let cure = "write it with `why500 --format json PATH... > report.json`";
    let text = std::fs::read_to_string(file)
        .map_err(|error| NoReport::Other(Fault::whole(file, format!("cannot be read: {error}"), cure)))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        let fault = Fault::whole(file, format!("no JSON: {error}"), cure);
        NoReport::Other(Fault { line: Some(error.line()), ..fault })
    })?;
    let schema = value.get("schema").and_then(Value::as_str).unwrap_or_default();
    if !schema.starts_with("why500/report/") || !value.get("incidents").is_some_and(Value::is_array) {
        let fault = Fault::whole(file, "no report of why500: `schema` or `incidents` is missing", cure);
        return Err(NoReport::Other(Fault { key: "schema".to_owned(), ..fault }));
    }
    if schema != SCHEMA {
        let shown: String = schema.chars().take(MAX_SCHEMA_CHARS).collect();
        let problem =
            format!("`{shown}` is another version of the report than `{SCHEMA}`, which this program reads");
        let cure = "write it anew with this version of why500, or read it with the one that wrote it";
        let fault = Fault { key: "schema".to_owned(), ..Fault::whole(file, problem, cure) };
        return Err(NoReport::OtherVersion(fault));
    }
    Ok(value)
}

/// One entry of a suppression file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppress {
    /// Fingerprint.
    pub incident: String,
    /// Why it is put up with.
    pub reason: String,
    /// The last day or moment that it is.
    pub until: String,
    /// The first moment that it is not any more, in milliseconds since the Unix epoch.
    pub ends_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    suppress: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    incident: String,
    reason: String,
    until: toml::Value,
}

/// Reads a suppression file.
///
/// # Errors
/// All faults of it; nothing is suppressed by a file with a fault.
pub fn suppressions(file: &Path) -> Result<Vec<Suppress>, Vec<Fault>> {
    let text = read_text(file).map_err(|fault| vec![fault])?;
    let cure = "an entry is [[suppress]] with incident, reason and until; docs/incidents.md has an example";
    let read: File = toml::from_str(&text).map_err(|error| vec![Fault::toml(file, &text, &error, cure)])?;
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for (number, entry) in read.suppress.into_iter().enumerate() {
        let mut wrong = |key: &str, problem: &str, cure: &str| {
            faults.push(Fault::at(file, &text, Some(("suppress", number)), key, problem, cure));
        };
        if !is_fingerprint(&entry.incident) {
            let cure = "take it from the report: why500 --format json | jq '.incidents[].id'";
            wrong("incident", "this is no fingerprint (twelve hexadecimal digits)", cure);
        } else if !seen.insert(entry.incident.clone()) {
            wrong("incident", "this incident is suppressed twice", "keep one entry of the two");
        }
        if entry.reason.trim().is_empty() {
            wrong("reason", "the reason is empty", "say why it can wait, and who looks after it");
        }
        let until = match &entry.until {
            toml::Value::String(text) => text.clone(),
            toml::Value::Datetime(at) => at.to_string(),
            _ => String::new(),
        };
        match ends_ms(&until) {
            Some(ends_ms) => {
                out.push(Suppress { incident: entry.incident, reason: entry.reason, until, ends_ms })
            }
            None => wrong("until", "this is no day", "write it as until = 2026-01-31"),
        }
    }
    faults.truncate(MAX_FAULTS);
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

/// A day lasts to its end (UTC), a moment to itself.
fn ends_ms(until: &str) -> Option<i64> {
    if is_date(until) {
        return time::parse(&format!("{until}T00:00:00Z")).map(|stamp| stamp.ms.saturating_add(DAY_MS));
    }
    time::parse(until).map(|stamp| stamp.ms)
}

/// What became of every entry, at this time and with these incidents; without a time nothing expires.
pub fn apply(entries: &[Suppress], incidents: &BTreeSet<&str>, as_of_ms: Option<i64>) -> Vec<Suppression> {
    let state = |entry: &Suppress| {
        if as_of_ms.is_some_and(|now| now >= entry.ends_ms) {
            SuppressionState::Expired
        } else if incidents.contains(entry.incident.as_str()) {
            SuppressionState::Used
        } else {
            SuppressionState::Unused
        }
    };
    entries
        .iter()
        .map(|entry| Suppression {
            incident: entry.incident.clone(),
            reason: entry.reason.clone(),
            until: entry.until.clone(),
            state: state(entry),
        })
        .collect()
}
