//! Which deployment is judged, which one was there before it, and what the logs know of both.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::format::time::{self, rfc3339};
use crate::report::model::{Report, Window};

const MINUTE_MS: i64 = 60_000;

/// Deployments that were named on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The one that is judged; by default the one that was first seen last.
    pub deployment: Option<String>,
    /// The one before it; by default the one of the same environment that was first seen last before it.
    pub previous: Option<String>,
}

/// What the logs know of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// Minute of its first request, RFC 3339 UTC.
    pub first_seen: Option<String>,
    /// Minute of its last request.
    pub last_seen: Option<String>,
    /// Requests.
    pub requests: u64,
    /// Of these failed.
    pub failed: u64,
    /// Its first failed request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_failure: Option<First>,
    /// Environments, branches and regions that its requests name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// See `environments`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<String>,
    /// See `environments`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
}

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct First {
    /// When.
    pub time: Option<String>,
    /// Its id, for `why500 explain`.
    pub correlation_id: Option<String>,
    /// Method.
    pub method: Option<String>,
    /// Route.
    pub route: Option<String>,
    /// Status.
    pub status: Option<u16>,
}

/// Logs, and which of their deployments is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Logs {
    /// What triage says of them.
    pub report: Report,
    /// The one that is judged.
    pub deployment: Deployment,
    /// The one before it.
    pub previous: Option<Deployment>,
    /// Minutes from its first request to the end of the logs.
    pub minutes: i64,
    /// What bounds the figures.
    pub notes: Vec<String>,
    /// First minute and last record.
    window_ms: Option<(i64, i64)>,
}

impl Logs {
    /// Finds the deployments that a report is to be asked about.
    ///
    /// # Errors
    /// The logs do not name them; the text says which they name.
    pub fn new(report: Report, named: &Named) -> Result<Logs, String> {
        let Found { deployment, previous, minutes, notes, window_ms } = find(&report, named)?;
        Ok(Logs { report, deployment, previous, minutes, notes, window_ms })
    }

    /// The report as if there had been this deployment alone.
    pub fn part(&self) -> Report {
        let id = self.deployment.id.as_str();
        let mut part = self.report.clone();
        part.traffic.whole.cells.retain(|cell| cell.deployment.as_deref() == Some(id));
        part.failures.retain(|one| one.dimensions.get("deployment").is_some_and(|other| other == id));
        part.window = Window {
            from: self.window_ms.map(|(from, _)| rfc3339(from)),
            to: self.window_ms.map(|(_, to)| rfc3339(to)),
        };
        part
    }
}

struct Found {
    deployment: Deployment,
    previous: Option<Deployment>,
    minutes: i64,
    notes: Vec<String>,
    window_ms: Option<(i64, i64)>,
}

fn find(report: &Report, named: &Named) -> Result<Found, String> {
    let mut first: BTreeMap<&str, i64> = BTreeMap::new();
    let mut untold = 0;
    for cell in &report.traffic.whole.cells {
        match (cell.deployment.as_deref(), cell.minute_ms) {
            (Some(id), at) => {
                let at = at.unwrap_or(i64::MAX);
                first.entry(id).and_modify(|seen| *seen = (*seen).min(at)).or_insert(at);
            }
            (None, _) => untold += cell.requests,
        }
    }
    let known = || match first.len() {
        0 => "the logs name no deployment".to_owned(),
        _ => {
            let ids: Vec<&str> = first.keys().copied().take(20).collect();
            format!("the logs name {}", ids.join(", "))
        }
    };
    let newest = |of: &dyn Fn(&str) -> bool| {
        let ids = first.iter().filter(|(id, _)| of(id));
        ids.max_by_key(|(id, at)| (**at, **id)).map(|(id, _)| (*id).to_owned())
    };
    let id = match &named.deployment {
        Some(id) => id.clone(),
        None => newest(&|_| true).ok_or_else(known)?,
    };
    let mut notes = Vec::new();
    let begin = match first.get(id.as_str()) {
        Some(begin) => *begin,
        // Nothing of it yet: that is to be watched, not an error. But a slip of the pen is one.
        None if !first.is_empty() => {
            notes.push(format!("no request of deployment {id}; {}", known()));
            i64::MAX
        }
        None => return Err(known()),
    };
    let deployment = describe(report, &id);
    let alike = |other: &str| {
        let others = describe(report, other).environments;
        deployment.environments.is_empty()
            || others.is_empty()
            || others.iter().any(|one| deployment.environments.contains(one))
    };
    let previous = match &named.previous {
        Some(previous) if !first.contains_key(previous.as_str()) => {
            return Err(format!("no request of deployment {previous}; {}", known()));
        }
        Some(previous) if *previous == id => {
            return Err(format!("{id} cannot be the deployment before itself"));
        }
        Some(previous) => Some(previous.clone()),
        None => {
            newest(&|other| other != id && first.get(other).is_some_and(|at| *at < begin) && alike(other))
        }
    };
    if previous.is_none() {
        notes.push("the logs hold no deployment before it, so nothing is compared".to_owned());
    }
    if untold > 0 {
        notes.push(format!("{untold} requests name no deployment and are not counted"));
    }
    let end = report.window.to.as_deref().and_then(time::parse).map(|stamp| stamp.ms);
    let window_ms = end.filter(|_| begin != i64::MAX).map(|end| (begin, end));
    Ok(Found {
        previous: previous.map(|id| describe(report, &id)),
        minutes: window_ms.map_or(0, |(from, to)| to.saturating_sub(from).max(0) / MINUTE_MS),
        deployment,
        notes,
        window_ms,
    })
}

fn describe(report: &Report, id: &str) -> Deployment {
    let cells = || report.traffic.whole.cells.iter().filter(|cell| cell.deployment.as_deref() == Some(id));
    let minutes = || cells().filter_map(|cell| cell.minute_ms);
    let failures = || {
        let on_it = report.failures.iter();
        on_it.filter(|one| one.dimensions.get("deployment").is_some_and(|other| other == id))
    };
    let sampled = report.traffic.whole.sample.iter().filter(|one| one.deployment.as_deref() == Some(id));
    let dimensions: Vec<&BTreeMap<String, String>> =
        failures().map(|one| &one.dimensions).chain(sampled.map(|one| &one.dimensions)).collect();
    let values = |name: &str| {
        let values: BTreeSet<&String> = dimensions.iter().filter_map(|one| one.get(name)).collect();
        values.into_iter().take(10).cloned().collect()
    };
    // They are in the order of time.
    let first_failure = failures().find(|one| one.time.is_some()).or_else(|| failures().next());
    Deployment {
        id: id.to_owned(),
        first_seen: minutes().min().map(rfc3339),
        last_seen: minutes().max().map(rfc3339),
        requests: cells().map(|cell| cell.requests).sum(),
        failed: cells().map(|cell| cell.failed).sum(),
        first_failure: first_failure.map(|one| First {
            time: one.time.clone(),
            correlation_id: one.correlation_id.clone(),
            method: one.method.clone(),
            route: one.route.clone(),
            status: one.status,
        }),
        environments: values("environment"),
        branches: values("branch"),
        regions: values("region"),
    }
}
