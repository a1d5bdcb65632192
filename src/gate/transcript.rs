//! What the probes saw, as a file: so that a verdict can be given again, byte for byte, without any connection.
//!
//! JSON lines. The first line is the [`Head`]; each line after it is one [`Observation`] in the order of sending, and its
//! `kind` says which step made it. Nothing here sends or judges. What is written is safe to keep: values of headers that
//! hold credentials, and texts of answers, were hidden or redacted by the step that saw them.
//!
//! To add a kind: a plain struct with `deny_unknown_fields` in the room of its step, and a variant of [`Observation`]. Keys
//! may be added with `#[serde(default)]`, never renamed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::reach::seen::Reached;
use crate::fault::Fault;

/// Schema of the file.
pub const SCHEMA: &str = "why500/transcript/v1";
/// Largest transcript that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;
/// Most observations of a transcript.
const MAX_OBSERVATIONS: usize = 20_000;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// [`SCHEMA`].
    pub schema: String,
    /// Day as of which the first verdict was given (`2027-03-31`): the one that waivers and certificates are held against
    /// when it is given again.
    pub as_of: String,
    /// Steps that were taken, whether or not they saw anything.
    pub phases: Vec<Phase>,
    /// Origin and base path that requests went to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// A step that looks at something outside of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Datastores of the manifest.
    Reach,
    /// Routes of a deployment.
    Live,
}

impl Phase {
    /// As flags and reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Reach => "reach",
            Phase::Live => "live",
        }
    }
}

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Observation {
    /// A request to a deployment.
    Http(Http),
    /// A datastore, and how far one came with it.
    Datastore(Reached),
}

/// A request to a deployment, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// What it was sent for.
    pub purpose: Purpose,
    /// Family of the manifest that declares it; empty for a warm-up.
    pub family: String,
    /// Its name in the manifest; the path of a warm-up.
    pub name: String,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// Hash of the declared request: an observation speaks only for the request that it was made with.
    pub sent: String,
    /// Method.
    pub method: String,
    /// Path and query as declared.
    pub path: String,
    /// Redirects within the host that were followed, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirects: Vec<Redirect>,
    /// Milliseconds from the beginning of the request to the end of the answer.
    pub elapsed_ms: u64,
    /// What came of it.
    pub outcome: Outcome,
}

impl Http {
    /// Whether it was sent.
    pub fn is_sent(&self) -> bool {
        !matches!(&self.outcome, Outcome::Lost(lost) if lost.step == Step::NotSent)
    }
}

/// What a request is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To wake what the probes will need.
    WarmUp,
    /// It must be answered as declared.
    Probe,
    /// It must be refused as declared.
    Negative,
}

/// A redirect within the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    /// Status.
    pub status: u16,
    /// Path that it leads to, without a query.
    pub path: String,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An answer.
    Answered(Answer),
    /// None.
    Lost(Lost),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers that a judgement may need, by lower-case name; hidden where they hold credentials.
    pub headers: BTreeMap<String, String>,
    /// What the body is.
    pub body: Body,
    /// Bytes of it that were read.
    pub body_bytes: u64,
    /// There was more, which was not read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub body_cut: bool,
    /// How it begins, redacted; only of refusals and failures.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Nothing.
    Empty,
    /// One JSON value, to its end.
    Json,
    /// A page.
    Html,
    /// Other text.
    Text,
    /// No text.
    Binary,
    /// It was not looked at: the answer to HEAD.
    Unread,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// The step that failed.
    pub step: Step,
    /// What the client says, redacted.
    pub text: String,
}

/// Steps of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The name of the host.
    Dns,
    /// The connection.
    Connect,
    /// TLS.
    Tls,
    /// The answer's time was over.
    Timeout,
    /// The answer broke off, or is no HTTP.
    Answer,
    /// It was not sent: the run's time or number of requests was used up.
    NotSent,
}

impl Step {
    /// As messages name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Dns => "the name of the host",
            Step::Connect => "the connection",
            Step::Tls => "TLS",
            Step::Timeout => "the time limit",
            Step::Answer => "the answer",
            Step::NotSent => "sending",
        }
    }
}

/// A whole transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The first line.
    pub head: Head,
    /// The others.
    pub observations: Vec<Observation>,
}

impl Transcript {
    /// An empty one, as of a day.
    pub fn new(as_of: NaiveDate) -> Transcript {
        let head =
            Head { schema: SCHEMA.to_owned(), as_of: as_of.to_string(), phases: Vec::new(), target: None };
        Transcript { head, observations: Vec::new() }
    }

    /// Notes that a step was taken, with what it saw.
    pub fn add(&mut self, phase: Phase, seen: impl IntoIterator<Item = Observation>) {
        if !self.head.phases.contains(&phase) {
            self.head.phases.push(phase);
            self.head.phases.sort();
        }
        self.observations.extend(seen);
    }

    /// Whether a step was taken.
    pub fn has(&self, phase: Phase) -> bool {
        self.head.phases.contains(&phase)
    }

    /// What was looked at, as reports name it.
    pub fn phase(&self) -> &'static str {
        match (self.has(Phase::Reach), self.has(Phase::Live)) {
            (true, true) => "reach,live",
            (true, false) => "reach",
            (false, true) => "live",
            (false, false) => "offline",
        }
    }

    /// The requests.
    pub fn http(&self) -> impl Iterator<Item = &Http> {
        self.observations.iter().filter_map(|one| match one {
            Observation::Http(http) => Some(http),
            Observation::Datastore(_) => None,
        })
    }

    /// The datastores.
    pub fn datastores(&self) -> impl Iterator<Item = &Reached> {
        self.observations.iter().filter_map(|one| match one {
            Observation::Datastore(reached) => Some(reached),
            Observation::Http(_) => None,
        })
    }

    /// The day as of which it was judged. None where the head holds none, which [`Transcript::parse`] refuses.
    pub fn as_of(&self) -> Option<NaiveDate> {
        self.head.as_of.parse().ok()
    }

    /// Writes it.
    ///
    /// # Errors
    /// It could not be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let lines = std::iter::once(serde_json::to_string(&self.head))
            .chain(self.observations.iter().map(serde_json::to_string));
        for line in lines {
            writeln!(out, "{}", line.map_err(io::Error::other)?)?;
        }
        Ok(())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no transcript; the fault names line, key and cure.
    pub fn read(path: &Path) -> Result<Transcript, Fault> {
        let unreadable = |problem: String| {
            Fault::whole(path, problem, "name a file that why500 gate --record wrote, of at most 16 MiB")
        };
        let about = fs::metadata(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        if !about.is_file() || about.len() > MAX_BYTES {
            return Err(unreadable("is no regular file of at most 16 MiB".to_owned()));
        }
        let bytes = fs::read(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        Transcript::parse(path, &bytes)
    }

    /// Reads a text; `path` is named in faults.
    ///
    /// # Errors
    /// See [`Transcript::read`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Transcript, Fault> {
        let mut lines = bytes.split(|byte| *byte == b'\n').enumerate().map(|(at, line)| (at + 1, line));
        let (_, first) = lines.next().unwrap_or_default();
        let head = head(path, first)?;
        let mut observations = Vec::new();
        for (number, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
            if observations.len() == MAX_OBSERVATIONS {
                let problem = format!("more than {MAX_OBSERVATIONS} observations");
                return Err(at(path, number, "", problem, RECORD));
            }
            let one: Observation = serde_json::from_slice(line)
                .map_err(|error| at(path, number, "", said(&error), cure(&error)))?;
            observations.push(one);
        }
        Ok(Transcript { head, observations })
    }
}

const RECORD: &str = "record it anew with why500 gate --record FILE";

fn head(path: &Path, line: &[u8]) -> Result<Head, Fault> {
    // The version decides how the rest is read, so it is asked first.
    #[derive(Deserialize)]
    struct Version {
        schema: String,
    }
    let first = |key: &str, problem: String, cure: &str| at(path, 1, key, problem, cure);
    let version: Version =
        serde_json::from_slice(line).map_err(|error| first("schema", said(&error), RECORD))?;
    if version.schema != SCHEMA {
        let shown: String = version.schema.chars().take(60).collect();
        let problem = format!("the schema is `{shown}`, and {SCHEMA} is read");
        return Err(first("schema", problem, RECORD));
    }
    let head: Head = serde_json::from_slice(line).map_err(|error| first("", said(&error), cure(&error)))?;
    if head.as_of.parse::<NaiveDate>().is_err() {
        return Err(first("as_of", "the day is not written as 2027-03-31".to_owned(), RECORD));
    }
    Ok(head)
}

fn at(path: &Path, line: usize, key: &str, problem: String, cure: &str) -> Fault {
    Fault { line: Some(line), key: key.to_owned(), ..Fault::whole(path, problem, cure) }
}

/// What the JSON reader says; its line is always the first, for it sees one at a time.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((said, _)) => format!("{said} (column {})", error.column()),
        None => text,
    }
}

fn cure(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "the line is cut off: copy the whole file, or record it anew",
        serde_json::error::Category::Data => {
            "it may be of another version of why500: record it anew with this one"
        }
        _ => RECORD,
    }
}

#[cfg(test)]
mod tests;
