//! One file of the memory: what an incident was, why, what fixed it, and how that was proved.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::is_fingerprint;
use crate::fault::Fault;
use crate::format::time;

/// Stands at the head of every file.
const HEADER: &str = "# An incident that why500 has seen, and what was learned of it. Edit freely; docs/incidents.md has the keys.\n";

/// An incident as it is kept. Texts that are not known are left out of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// Fingerprint; also the file's name.
    pub id: String,
    /// Class.
    pub class: String,
    /// Rule; empty where no rule named the cause.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// One line.
    pub title: String,
    /// Why it happened, in people's words; from the report until somebody knows better.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub root_cause: String,
    /// Who knows more.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// What ended it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fix: String,
    /// What keeps it from coming back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prevention: String,
    /// Affected routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    /// Failed requests that were seen.
    #[serde(default)]
    pub requests: u64,
    /// First failure, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub first_seen: String,
    /// Last failure.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_seen: String,
    /// When it was fixed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fixed_at: String,
    /// Tickets, changes, postmortems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// What tells it from other incidents of the same cause.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subject: BTreeMap<String, String>,
    /// Probes after the fix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proof: Vec<Proof>,
    /// Checks of `why500 gate` that must find nothing from the day on which it was fixed.
    #[serde(default, rename = "guard", skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
}

/// A check that must find nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Its id.
    pub check: String,
    /// The route or key that it is about; every one where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

impl Guard {
    /// Reads `gate-edge-node-module:/api/pay`; the subject may be left out.
    pub fn parse(text: &str) -> Guard {
        match text.split_once(':') {
            Some((check, subject)) => Guard {
                check: check.to_owned(),
                subject: Some(subject.to_owned()).filter(|one| !one.is_empty()),
            },
            None => Guard { check: text.to_owned(), subject: None },
        }
    }
}

/// A probe after the fix.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// When, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// HTTP status that came back.
    pub status: u16,
    /// Body that came back, or the part that proves it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Log lines of the probe.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub logs: String,
}

impl Saved {
    /// An incident of a report, as its JSON has it; texts are redacted there already. None if it has no sound
    /// fingerprint.
    pub fn of(incident: &Value) -> Option<Saved> {
        let text = |key: &str| incident.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = text("id");
        let routes = incident.get("routes").and_then(Value::as_array).into_iter().flatten();
        let subject = incident.get("subject").and_then(Value::as_object).into_iter().flatten();
        is_fingerprint(&id).then(|| Saved {
            id,
            class: text("class"),
            cause: text("cause"),
            title: text("title"),
            root_cause: text("meaning"),
            prevention: text("prevention"),
            routes: routes.filter_map(|one| Some(one.get("route")?.as_str()?.to_owned())).collect(),
            requests: incident.get("requests").and_then(Value::as_u64).unwrap_or_default(),
            first_seen: text("first_seen"),
            last_seen: text("last_seen"),
            subject: subject
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect(),
            ..Saved::default()
        })
    }

    /// Takes over from `earlier` what people wrote, and widens the times: for another sighting of the same incident.
    pub fn continue_from(&mut self, earlier: Saved) {
        let keep = |mine: &mut String, theirs: String| {
            if !theirs.is_empty() {
                *mine = theirs;
            }
        };
        keep(&mut self.root_cause, earlier.root_cause);
        keep(&mut self.owner, earlier.owner);
        keep(&mut self.fix, earlier.fix);
        keep(&mut self.prevention, earlier.prevention);
        keep(&mut self.fixed_at, earlier.fixed_at);
        if !earlier.first_seen.is_empty()
            && (self.first_seen.is_empty() || earlier.first_seen < self.first_seen)
        {
            self.first_seen = earlier.first_seen;
        }
        if earlier.last_seen > self.last_seen {
            self.last_seen = earlier.last_seen;
        }
        self.requests = self.requests.max(earlier.requests);
        self.routes.extend(earlier.routes);
        self.routes.sort();
        self.routes.dedup();
        self.links = earlier.links;
        self.proof = earlier.proof;
        self.guards = earlier.guards;
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It is no TOML, lacks a key or has one too many, or a value cannot be.
    pub fn read(file: &Path, text: &str) -> Result<Saved, Fault> {
        let cure = "docs/incidents.md lists the keys with an example";
        let saved: Saved = toml::from_str(text).map_err(|error| Fault::toml(file, text, &error, cure))?;
        let wrong = |key: &str, problem: &str, cure: &str| Fault::at(file, text, None, key, problem, cure);
        if !is_fingerprint(&saved.id) {
            let cure = "take `incident` from the report: why500 --format json | jq '.incidents[].id'";
            return Err(wrong(
                "id",
                "this is no fingerprint of an incident (twelve hexadecimal digits)",
                cure,
            ));
        }
        if file.file_stem().and_then(|stem| stem.to_str()) != Some(saved.id.as_str()) {
            let cure = format!("rename the file to {}.toml, or correct the id", saved.id);
            return Err(wrong("id", "the id is not the file's name", &cure));
        }
        for (key, value) in [
            ("first_seen", &saved.first_seen),
            ("last_seen", &saved.last_seen),
            ("fixed_at", &saved.fixed_at),
        ] {
            if !value.is_empty() && time::parse(value).is_none() && !is_date(value) {
                return Err(wrong(key, "this is no time", "write it as 2026-01-31 or 2026-01-31T10:00:00Z"));
            }
        }
        Ok(saved)
    }

    /// The file's text.
    ///
    /// # Errors
    /// The text cannot be written as TOML, which no content of these fields leads to.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        Ok(format!("{HEADER}{}", toml::to_string_pretty(self)?))
    }
}

/// Whether a text is a date without a time.
pub(super) fn is_date(text: &str) -> bool {
    time::parse(&format!("{text}T00:00:00Z")).is_some()
}
