//! The verdict as data. Keys may be added, never renamed: scripts read them.

use serde::Serialize;

use crate::gate::after::After;
use crate::gate::judge::reach::Certainty;
use crate::gate::reach::seen::{Capacity, Certificate, Reached, Step as StepOfReach};

/// Schema of the JSON form.
pub const SCHEMA: &str = "why500/gate/v1";

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The release would answer 500.
    Critical,
    /// It may.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// State of a check with such a finding.
    pub fn state(self) -> State {
        if self == Severity::Critical { State::Fail } else { State::Warn }
    }

    /// As reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It found what must not be released.
    Fail,
    /// It could not be judged.
    NotRun,
    /// It found what should be looked at.
    Warn,
    /// It found what the manifest accepts for a while.
    Waived,
    /// It found nothing.
    Pass,
}

/// What `next build` says about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Build {
    /// It stops.
    Fails,
    /// It prints a warning and goes on.
    Warns,
    /// Nothing.
    Silent,
}

/// One step of an import chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Step {
    /// The file, relative to the project.
    pub file: String,
    /// Line of the import, from 1.
    pub line: u32,
    /// What it asks for.
    pub imports: String,
}

/// Where a finding stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Evidence {
    /// The file, relative to the project.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// Imports that lead there from the route's own file.
    pub chain: Vec<Step>,
}

/// One check with its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its id.
    pub id: &'static str,
    /// Class of the incident that it prevents.
    pub class: &'static str,
    /// And subclass.
    pub subclass: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Outcome.
    pub state: State,
    /// How sure.
    pub certainty: Option<Certainty>,
    /// The route or key that it is about; `project` for a check that found nothing.
    pub subject: String,
    /// One sentence.
    pub message: String,
    /// Where.
    pub evidence: Vec<Evidence>,
    /// Imports without which the finding is gone.
    pub cut: Vec<Step>,
    /// What the build says.
    pub build: Option<Build>,
    /// What to do.
    pub fix: String,
    /// How to keep it from coming back.
    pub prevention: &'static str,
    /// Log rules whose incident the check prevents.
    pub prevents: &'static [&'static str],
    /// The log rule that names the cause of what was seen to fail already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Why the manifest accepts it, and until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<String>,
}

/// A route and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RouteLine {
    /// Pattern.
    pub pattern: String,
    /// Methods that a handler exports.
    pub methods: Vec<String>,
    /// What it is.
    pub kind: &'static str,
    /// Its file.
    pub file: String,
    /// Its runtime.
    pub runtime: &'static str,
    /// Where that was learnt.
    pub runtime_source: String,
    /// Keys of the environment that its code reads.
    pub env: Vec<String>,
    /// Datastores that it needs: those of its family, and those whose URL its code reads.
    pub datastores: Vec<String>,
    /// Its family in the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Who answers for the family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// A datastore that was gone to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatastoreLine {
    /// Its name in the manifest.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// Host and port.
    pub address: String,
    /// The driver that the URL was read for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// What the URL means to that driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_asked: Option<&'static str>,
    /// Steps with their times.
    pub steps: Vec<StepOfReach>,
    /// The version of TLS that was spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// The certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// Limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
}

impl DatastoreLine {
    /// What reports show of what was seen.
    pub fn of(seen: &Reached) -> DatastoreLine {
        DatastoreLine {
            name: seen.asked.name.clone(),
            kind: seen.asked.store.as_str(),
            address: if seen.asked.host.is_empty() { String::new() } else { seen.asked.address() },
            driver: seen.asked.driver.as_ref().map(|driver| driver.label()),
            tls_asked: seen.asked.meaning.as_ref().map(|meaning| meaning.words()),
            steps: seen.steps.clone(),
            tls: seen.tls.clone(),
            certificate: seen.certificate.clone(),
            capacity: seen.capacity.clone(),
        }
    }
}

/// The program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// The project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectLine {
    /// `next`.
    pub framework: &'static str,
    /// As written.
    pub version: String,
    /// Where the version was read.
    pub version_source: String,
    /// What builds it.
    pub bundler: &'static str,
}

/// What was read and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Source files read.
    pub files_read: usize,
    /// Files that could not be read or understood.
    pub files_unread: Vec<String>,
    /// Imports of the project that lead nowhere here.
    pub unresolved: Vec<String>,
    /// Packages that are not installed, so what they load is unknown.
    pub packages_absent: Vec<String>,
    /// Packages of the workspace that are not built and whose sources were not found, so what they load is unknown.
    pub packages_unbuilt: Vec<String>,
    /// Keys of the environment that the code reads.
    pub keys: usize,
    /// Requests that were sent to a deployment.
    pub probes_sent: usize,
    /// Files of keys that were read.
    pub snapshots: Vec<String>,
    /// Remarks.
    pub remarks: Vec<String>,
}

/// The verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateReport {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The program.
    pub tool: Tool,
    /// The project.
    pub project: ProjectLine,
    /// What was looked at: `offline` (the project alone), `reach`, `live` or `reach,live`;
    /// `after` (a deployment's logs, and what was probed).
    pub phase: &'static str,
    /// The deployment that was probed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `passed` or `failed`.
    pub verdict: &'static str,
    /// Routes.
    pub routes: Vec<RouteLine>,
    /// Datastores that were gone to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub datastores: Vec<DatastoreLine>,
    /// Checks: what failed first.
    pub checks: Vec<Check>,
    /// What to do about a deployment; only with its logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// What it rests on.
    pub ledger: Ledger,
}

impl GateReport {
    /// Whether the release must stop: something failed, or something critical could not be judged.
    pub fn failed(&self) -> bool {
        fails(&self.checks)
    }
}

/// See [`GateReport::failed`].
pub fn fails(checks: &[Check]) -> bool {
    checks.iter().any(|check| match check.state {
        State::Fail => true,
        State::NotRun => check.severity == Severity::Critical,
        State::Warn | State::Waived | State::Pass => false,
    })
}
