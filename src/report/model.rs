//! The report: what every output form prints, and nothing of how. Keys are a contract for scripts outside
//! the project: they may be added, never renamed. All lists are in a total order, so equal input gives equal bytes.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::diagnose::onset::Onset;
use crate::diagnose::segments::Segment;
use crate::rules::model::Class;

/// Name and version of the JSON contract.
pub const SCHEMA: &str = "why500/report/v1";

/// Everything that a run found out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Program and rule set.
    pub tool: Tool,
    /// The run was interrupted; this is what it had seen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The ledger: one row per source, in the order of their names.
    pub sources: Vec<Source>,
    /// First and last time of any record, RFC 3339 UTC with milliseconds.
    pub window: Window,
    /// Totals.
    pub requests: Totals,
    /// Failed requests per route, all routes, most failures first.
    pub routes: Vec<RouteCount>,
    /// All requests, failed or not, over time.
    #[serde(skip_serializing_if = "Traffic::is_empty")]
    pub traffic: Traffic,
    /// Classified incidents by requests × confidence, then the unclassified ones.
    pub incidents: Vec<Incident>,
    /// Errors that no request of these logs can be given: a process that crashed, a start that failed. They count as no
    /// request, but they may be why requests fail where these logs do not look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outside_requests: Vec<Outside>,
    /// The error budget; only where an objective was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slo: Option<super::slo::Slo>,
    /// What is known of the incidents from elsewhere: `seen_before`, `in_baseline`, `suppressions`.
    #[serde(flatten)]
    pub known: super::memory::Known,
    /// What the logs of failed requests lack, per route family.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<crate::diagnose::gaps::Gap>,
    /// What the reader must know: partial exports, unknown time zones, cut messages.
    pub remarks: Vec<String>,
    /// One per failed request, by time and correlation ID. The `jsonl` form; not part of `json`.
    #[serde(skip)]
    pub failures: Vec<Failure>,
}

/// Program and rule set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tool {
    /// `why500`.
    pub name: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// Hash of the rules that were in force.
    pub ruleset: String,
}

/// The account of one source: `frames = decoded + continuations + duplicates + ignored + rejected`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Path, or `-` for standard input.
    pub name: String,
    /// Container, and after a `/` the most frequent payload.
    pub format: String,
    /// Bytes after decompression.
    pub bytes: u64,
    /// Entries as framed, continuation lines counted one by one.
    pub frames: u64,
    /// Frames that gave records.
    pub decoded: u64,
    /// Lines that continue the entry before them.
    pub continuations: u64,
    /// Entries whose event ID was seen before.
    pub duplicates: u64,
    /// Headers, blanks, control messages.
    pub ignored: u64,
    /// Broken or unknown entries.
    pub rejected: u64,
    /// Records that the decoded frames gave.
    pub records: u64,
    /// Why frames were rejected, with counts and the first line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<Reject>,
}

/// One reason for rejection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reject {
    /// Why.
    pub reason: String,
    /// How many frames.
    pub frames: u64,
    /// The first of them.
    pub first_line: u64,
}

/// First and last time seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Window {
    /// First.
    pub from: Option<String>,
    /// Last.
    pub to: Option<String>,
}

/// Totals over all requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Distinct requests.
    pub total: u64,
    /// Of these failed.
    pub failed: u64,
    /// The client went away.
    pub aborted: u64,
    /// No status and no end.
    pub incomplete: u64,
    /// Records that belong to no request.
    pub unattributed: u64,
    /// Whether the totals are exact: not if requests were forgotten, or files with what did not fit into memory could not
    /// be read.
    pub exact: bool,
    /// Requests that were forgotten for want of memory; a late line of one counts again.
    #[serde(skip_serializing_if = "is_zero")]
    pub forgotten: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Failures of one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteCount {
    /// Route template.
    pub route: String,
    /// Failed requests.
    pub requests: u64,
    /// All requests of the route that the logs hold.
    pub total: u64,
}

/// All requests over time; how dense `intervals` are depends on how much time they span.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Traffic {
    /// Length of an interval in minutes.
    pub step_minutes: i64,
    /// At most some 120, in the order of time; those without a request are left out.
    pub intervals: Vec<Interval>,
    /// The counts by minute, route and deployment, and the sample of healthy requests; redacted. Not part of `json`.
    #[serde(skip)]
    pub whole: crate::correlate::traffic::Traffic,
}

impl Traffic {
    /// Whether there was no request.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }
}

/// The requests whose first record lies in one interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// Its begin, RFC 3339 UTC; null for requests of which no record has a time.
    pub from: Option<String>,
    /// All requests.
    pub requests: u64,
    /// Of these failed.
    pub failed: u64,
}

/// Failed requests with the same cause and subject.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Incident {
    /// 1 is what to look at first.
    pub rank: u32,
    /// Fingerprint: equal across runs, machines and days.
    pub id: String,
    /// Class.
    pub class: Class,
    /// Subclass; empty when unclassified.
    pub subclass: String,
    /// Rule ID; null when unclassified.
    pub cause: Option<String>,
    /// One line for people.
    pub title: String,
    /// What it means, one sentence.
    pub meaning: String,
    /// What distinguishes it from other incidents of the same cause.
    pub subject: BTreeMap<String, String>,
    /// Probability that the class is right.
    pub confidence: f64,
    /// Failed requests.
    pub requests: u64,
    /// Share of all failed requests, 0–1.
    pub share: f64,
    /// Affected routes, most failures first.
    pub routes: Vec<RouteCount>,
    /// HTTP status (`null` as "none") to count.
    pub status: BTreeMap<String, u64>,
    /// First failure, RFC 3339 UTC.
    pub first_seen: Option<String>,
    /// Last failure.
    pub last_seen: Option<String>,
    /// Deployments on which it was seen.
    pub deployments: Vec<String>,
    /// All captured values, `key = value`: the subject, and what the log holds beside it.
    pub captures: BTreeMap<String, String>,
    /// The decisive lines.
    pub evidence: Vec<Evidence>,
    /// Other causes that were considered.
    pub rivals: Vec<Rival>,
    /// The five steps in order.
    pub triage: Vec<TriageStep>,
    /// The first 20.
    pub correlation_ids: Vec<String>,
    /// What to do now, with the captured values filled in.
    pub fix: String,
    /// What keeps it from coming back.
    pub prevention: String,
    /// Primary documentation.
    pub references: Vec<String>,
    /// What helped the cause along, such as a burst of cold starts beside an exhausted pool.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contributing: Vec<String>,
    /// Since when, with which deployment, all requests or some, whether it has ended. None where no failure has a time, and of
    /// incidents beyond the 200 most frequent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onset: Option<Onset>,
    /// Values that are over-represented among the failures, the most certain first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// Unclassified failures without any text: incidents of their neighbours, which may be theirs too. Never a class.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inferred_from: Vec<String>,
}

/// One cited line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Evidence {
    /// Source name.
    pub source: String,
    /// Line in it, counted from 1.
    pub line: u64,
    /// RFC 3339 UTC.
    pub time: Option<String>,
    /// Request it belongs to.
    pub correlation_id: Option<String>,
    /// The line, redacted, control characters removed, cut to a readable length.
    pub text: String,
}

/// A cause that was considered and lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rival {
    /// Rule ID.
    pub cause: String,
    /// Its own confidence.
    pub confidence: f64,
}

/// Verdict of one triage step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriageStep {
    /// `runtime`, `env`, `connectivity`, `platform`, `route`.
    pub step: Class,
    /// `fail`, `clear` (only with cited evidence) or `unknown`.
    pub verdict: Verdict,
    /// Why, one short sentence.
    pub why: String,
    /// The line that it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cites: Option<Place>,
}

/// A line of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Source name.
    pub source: String,
    /// Line in it, counted from 1.
    pub line: u64,
}

/// What a triage step found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The cause is here.
    Fail,
    /// Evidence says that it is not here.
    Clear,
    /// The log does not tell.
    Unknown,
}

/// An error outside any request, with the cause that the rules name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outside {
    /// Class.
    pub class: Class,
    /// Rule ID.
    pub cause: String,
    /// One line for people.
    pub title: String,
    /// Lines that say so.
    pub records: u64,
    /// The first of them.
    pub evidence: Evidence,
    /// What to do.
    pub fix: String,
}

/// One failed request: one line of `jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// Null where the log has none.
    pub correlation_id: Option<String>,
    /// How its lines were joined.
    pub correlation: Correlation,
    /// First record, RFC 3339 UTC.
    pub time: Option<String>,
    /// HTTP method.
    pub method: Option<String>,
    /// Route template.
    pub route: Option<String>,
    /// Null when not logged.
    pub status: Option<u16>,
    /// Class.
    pub class: Class,
    /// Subclass; empty when unclassified.
    pub subclass: String,
    /// Rule ID; null when unclassified.
    pub cause: Option<String>,
    /// Probability that the class is right; 0 when unclassified.
    pub confidence: f64,
    /// Fingerprint of its incident.
    pub incident: String,
    /// Where and for whom it ran, as far as its lines say: `region`, `deployment`, `environment`, `branch`, `runtime`,
    /// `client`, `start` (`cold` or `warm`), and the fields that name a tenant or flag.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<String, String>,
    /// The decisive lines.
    pub evidence: Vec<Evidence>,
    /// Why it is unclassified and what to look at next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// Of a failure without any text: the incident of the failures beside it (same route and deployment, or the same
    /// instance after a crash), which may be its own too. Never a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inferred_from: Option<String>,
}

/// How the lines of a request were joined.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Correlation {
    /// `request_id`, `scoped_id`, `alias`, `trace_id`, `stream_order` or `fallback`: the weakest join that was needed.
    pub kind: &'static str,
    /// Probability that its lines belong together.
    pub certainty: f64,
    /// Other IDs under which lines of it stand, because a line with both IDs says so; in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Alias>,
}

/// Another ID of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alias {
    /// The ID.
    pub id: String,
    /// `alias` for a request ID, `trace_id`.
    pub kind: &'static str,
}
