//! The manifest `why500.toml`: what a team wants held of its routes and keys. Read and checked here, judged in
//! [`crate::gate::judge`]. What is not judged yet is refused like any unknown key.

pub mod after;
pub mod datastore;
pub mod draft;
pub mod live;
pub mod pattern;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chrono::NaiveDate;
use regex::Regex;
use serde::{Deserialize, Deserializer, de};

use crate::fault::Fault;
use crate::gate::judge::checks;
use crate::rules::error::nearest;
use datastore::{Datastore, Service};
use pattern::Pattern;

/// Name of the file that is looked for in the project's folder.
pub const FILE: &str = "why500.toml";
/// Schema of the file.
pub const SCHEMA: &str = "why500/manifest/v1";
/// Largest manifest that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What a team declares.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// Keys and where they can be read.
    #[serde(default)]
    pub env: Environment,
    /// Route families.
    #[serde(default, rename = "family")]
    pub families: Vec<Family>,
    /// Servers that the project needs.
    #[serde(default, rename = "datastore")]
    pub datastores: BTreeMap<String, Datastore>,
    /// Who opens connections to them.
    #[serde(default, rename = "service")]
    pub services: Vec<Service>,
    /// How a deployment is probed.
    #[serde(default)]
    pub live: live::Live,
    /// What share of requests must not fail.
    #[serde(default)]
    pub slo: Option<after::Slo>,
    /// The way back from a deployment.
    #[serde(default)]
    pub rollback: after::Rollback,
    /// What fails the gate.
    #[serde(default)]
    pub gate: Policy,
}

/// `[env]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Exported files of keys by scope, the first that has a key wins. A scope named here is taken for complete.
    #[serde(default)]
    pub snapshots: BTreeMap<Scope, Vec<String>>,
    /// What is known of keys.
    #[serde(default)]
    pub keys: BTreeMap<String, Key>,
}

/// Where a release runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Production.
    Production,
    /// Preview.
    Preview,
    /// Development.
    Development,
}

impl Scope {
    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Production => "production",
            Scope::Preview => "preview",
            Scope::Development => "development",
        }
    }
}

/// `[env.keys.NAME]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// What its value must be.
    #[serde(default, rename = "type")]
    pub kind: Kind,
    /// Schemes that a URL may have.
    #[serde(default)]
    pub schemes: Vec<String>,
    /// What production's value must match.
    #[serde(default, deserialize_with = "expression")]
    pub pattern: Option<Regex>,
    /// Scopes that must have it.
    #[serde(default)]
    pub required_in: Vec<Scope>,
    /// Scopes that must not share its value.
    #[serde(default)]
    pub distinct_across: Vec<Scope>,
}

/// What a value must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Any text.
    #[default]
    String,
    /// An absolute URL.
    Url,
    /// A number from 1 to 65535.
    Port,
    /// A whole number.
    Int,
    /// `true`, `false`, `1` or `0`.
    Bool,
    /// A key or certificate with its BEGIN line.
    Pem,
    /// JSON.
    Json,
}

/// `[[family]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// Patterns of routes: `/api/billing/**`.
    pub routes: Vec<Pattern>,
    /// Who answers for it.
    #[serde(default)]
    pub owner: Option<String>,
    /// What it lacks fails the gate.
    #[serde(default)]
    pub critical: bool,
    /// The runtime that its routes must have.
    #[serde(default)]
    pub runtime: Option<Wanted>,
    /// Keys that production must have for it.
    #[serde(default)]
    pub env: Vec<String>,
    /// Datastores that it needs.
    #[serde(default)]
    pub datastores: Vec<String>,
    /// Requests that a deployment must answer.
    #[serde(default, rename = "probe")]
    pub probes: Vec<live::Probe>,
    /// Requests that it must refuse.
    #[serde(default, rename = "negative")]
    pub negatives: Vec<live::Probe>,
}

/// A runtime that is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// Node.js.
    Nodejs,
    /// Edge.
    Edge,
}

/// `[gate]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// From where on a finding fails the gate.
    #[serde(default)]
    pub fail_on: FailOn,
    /// Findings that are accepted for a while.
    #[serde(default)]
    pub allow: Vec<Waiver>,
}

/// From where on a finding fails the gate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Critical findings.
    #[default]
    Critical,
    /// Warnings too.
    Warning,
}

/// `[[gate.allow]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The check.
    pub check: String,
    /// The route or key; every subject of the check where it is left out.
    #[serde(default)]
    pub subject: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    #[serde(deserialize_with = "day")]
    pub until: NaiveDate,
}

impl Manifest {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read or is not a manifest; the fault names line, key and cure.
    pub fn read(path: &Path) -> Result<Manifest, Fault> {
        let unreadable = |problem: String| {
            Fault::whole(path, problem, "name a readable file of at most 1 MiB, or leave --manifest out")
        };
        let about = fs::metadata(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        if !about.is_file() || about.len() > MAX_BYTES {
            return Err(unreadable("is no regular file of at most 1 MiB".to_owned()));
        }
        let text =
            fs::read_to_string(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        Manifest::parse(path, &text)
    }

    /// Reads a text; `path` is named in faults.
    ///
    /// # Errors
    /// See [`Manifest::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Manifest, Fault> {
        let manifest: Manifest =
            toml::from_str(text).map_err(|error| Fault::toml(path, text, &error, &cure(error.message())))?;
        manifest.check(path, text).map_or(Ok(()), Err)?;
        Ok(manifest)
    }

    /// What the types cannot refuse.
    fn check(&self, path: &Path, text: &str) -> Option<Fault> {
        if self.schema != SCHEMA {
            let problem = format!("the schema is `{}`", self.schema);
            return Some(Fault::at(path, text, None, "schema", &problem, &format!("write {SCHEMA}")));
        }
        for (number, family) in self.families.iter().enumerate() {
            let table = Some(("family", number));
            if self.families[..number].iter().any(|other| other.name == family.name) {
                let problem = format!("`{}` is also the name of an earlier family", family.name);
                return Some(Fault::at(path, text, table, "name", &problem, "give each family its own name"));
            }
        }
        if let Some(fault) = self.check_live(path, text) {
            return Some(fault);
        }
        for (number, waiver) in self.gate.allow.iter().enumerate() {
            let table = Some(("gate.allow", number));
            if checks::all().all(|about| about.id != waiver.check) {
                let problem = format!("there is no check `{}`", waiver.check);
                let cure = nearest(&waiver.check, checks::all().map(|about| about.id)).map_or_else(
                    || "docs/gate.md lists the checks".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                return Some(Fault::at(path, text, table, "check", &problem, &cure));
            }
            if waiver.reason.trim().is_empty() {
                let cure = "say why the finding is accepted";
                return Some(Fault::at(path, text, table, "reason", "the reason is empty", cure));
            }
        }
        datastore::check(self, path, text)
    }

    fn check_live(&self, path: &Path, text: &str) -> Option<Fault> {
        for (table, is_negative) in [("family.probe", false), ("family.negative", true)] {
            let mut number = 0;
            for family in &self.families {
                let probes = if is_negative { &family.negatives } else { &family.probes };
                for (at, probe) in probes.iter().enumerate() {
                    let place = Some((table, number));
                    number += 1;
                    if let Some((key, problem, cure)) = probe.fault(is_negative, &self.live) {
                        return Some(Fault::at(path, text, place, key, &problem, &cure));
                    }
                    if probes[..at].iter().any(|other| other.name == probe.name) {
                        let problem = format!("`{}` is also the name of an earlier one", probe.name);
                        return Some(Fault::at(path, text, place, "name", &problem, "give it its own name"));
                    }
                }
            }
        }
        let too_many = |what: &str, most: usize| {
            Some(Fault::whole(path, format!("more than {most} {what}"), "keep those that tell most"))
        };
        let count: usize =
            self.families.iter().map(|family| family.probes.len() + family.negatives.len()).sum();
        if count > live::MAX_PROBES {
            return too_many("probes and negative paths", live::MAX_PROBES);
        }
        if self.live.warm_up.len() > live::MAX_WARM_UPS {
            return too_many("warm-ups", live::MAX_WARM_UPS);
        }
        None
    }

    /// The family of a route: the first with a pattern that matches.
    pub fn family(&self, route: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.routes.iter().any(|pattern| pattern.matches(route)))
    }
}

/// The cure for what the TOML reader says; for an unknown name the nearest that it lists.
fn cure(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let near = quoted.next().and_then(|wrong| nearest(wrong, quoted));
    match near.filter(|_| message.starts_with("unknown")) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "docs/gate.md has a whole example".to_owned(),
    }
}

fn expression<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Regex>, D::Error> {
    let text = String::deserialize(from)?;
    Regex::new(&text).map(Some).map_err(|_| de::Error::custom("the pattern is no regular expression"))
}

fn day<'de, D: Deserializer<'de>>(from: D) -> Result<NaiveDate, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|_| de::Error::custom("the day is not written as 2027-03-31"))
}

#[cfg(test)]
mod tests;
