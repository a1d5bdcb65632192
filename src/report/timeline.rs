//! What happened when, as far as a report tells: deployments, first and last failures, the worst interval. Shared by the
//! forms for people; it lays nothing out. Not here: when somebody noticed, which no log tells.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::model::{Incident, Interval, Report};
use crate::diagnose::onset::{Change, State};
use crate::format::time::{parse, rfc3339};

const MINUTE_MS: i64 = 60_000;
/// Incidents whose beginning and end are events of their own.
const MAX_INCIDENTS: usize = 10;
/// Deployments that are events.
const MAX_DEPLOYMENTS: usize = 20;

/// One moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'r> {
    /// RFC 3339 UTC.
    pub time: String,
    /// What happened.
    pub what: What<'r>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What<'r> {
    /// The first record; with the deployments that had requests in its minute.
    LogsBegin(Vec<Deployed>),
    /// The first minute in which a deployment had requests.
    Deployment(Deployed),
    /// The first failure of an incident.
    First(&'r Incident),
    /// The minute from which on more requests of the routes of an incident failed, where that is not its first failure's.
    Change(&'r Incident, &'r Change),
    /// The interval with the most failures, and its length in minutes.
    Peak(&'r Interval, i64),
    /// The last failure of an incident, which may be its first, and what the logs hold of its routes after it.
    Last(&'r Incident, Option<Since>),
    /// The last record.
    LogsEnd,
    /// The moment as of which the report speaks, where it is another.
    AsOf,
}

/// A deployment and its traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// Its name.
    pub name: Arc<str>,
    /// Begin of the first minute in which it had a request, in milliseconds since the Unix epoch.
    pub first_ms: i64,
    /// All its requests.
    pub requests: u64,
    /// Of these failed.
    pub failed: u64,
}

/// Requests of the routes of an incident in the minutes after its last failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// All.
    pub requests: u64,
    /// Of these failed, for other reasons.
    pub failed: u64,
}

/// Deployments that had requests with a time, by when they were first seen.
pub fn deployments(report: &Report) -> Vec<Deployed> {
    let mut seen: BTreeMap<&Arc<str>, Deployed> = BTreeMap::new();
    for cell in &report.traffic.whole.cells {
        let (Some(name), Some(minute_ms)) = (&cell.deployment, cell.minute_ms) else { continue };
        let one = seen.entry(name).or_insert_with(|| Deployed {
            name: Arc::clone(name),
            first_ms: minute_ms,
            requests: 0,
            failed: 0,
        });
        one.first_ms = one.first_ms.min(minute_ms);
        one.requests += cell.requests;
        one.failed += cell.failed;
    }
    let mut all: Vec<Deployed> = seen.into_values().collect();
    all.sort_by(|a, b| a.first_ms.cmp(&b.first_ms).then(a.name.cmp(&b.name)));
    all
}

/// What the logs hold of the routes of an incident in the minutes after its last failure; none where its failures have no
/// route or no time.
pub fn since(report: &Report, incident: &Incident) -> Option<Since> {
    let last_ms = parse(incident.last_seen.as_deref()?)?.ms;
    let routes: BTreeSet<&str> = incident.routes.iter().map(|count| count.route.as_str()).collect();
    if routes.is_empty() {
        return None;
    }
    let later = report.traffic.whole.cells.iter().filter(|cell| {
        cell.minute_ms.is_some_and(|minute_ms| minute_ms > last_ms)
            && cell.route.as_deref().is_some_and(|route| routes.contains(route))
    });
    let mut since = Since { requests: 0, failed: 0 };
    for cell in later {
        since.requests += cell.requests;
        since.failed += cell.failed;
    }
    Some(since)
}

/// Whether so many requests of its routes came after its last failure that an incident must have ended.
pub fn is_over(incident: &Incident) -> bool {
    incident.onset.as_ref().is_some_and(|onset| onset.state == State::Ended)
}

/// The interval with the most failures; of several the first.
pub fn peak(report: &Report) -> Option<&Interval> {
    let mut best: Option<&Interval> = None;
    for interval in report.traffic.intervals.iter().filter(|one| one.from.is_some() && one.failed > 0) {
        if best.is_none_or(|best| interval.failed > best.failed) {
            best = Some(interval);
        }
    }
    best
}

/// The moments of a report in their order. `as_of`: the moment as of which it speaks.
pub fn events<'r>(report: &'r Report, as_of: Option<&str>) -> Vec<Event<'r>> {
    let mut events = Vec::new();
    let from_ms = report.window.from.as_deref().and_then(parse).map(|stamp| stamp.ms);
    let (before, later): (Vec<Deployed>, Vec<Deployed>) =
        deployments(report).into_iter().take(MAX_DEPLOYMENTS).partition(|one| {
            from_ms.is_some_and(|from_ms| one.first_ms <= from_ms.div_euclid(MINUTE_MS) * MINUTE_MS)
        });
    if let Some(from) = &report.window.from {
        events.push(Event { time: from.clone(), what: What::LogsBegin(before) });
    }
    events.extend(
        later.into_iter().map(|one| Event { time: rfc3339(one.first_ms), what: What::Deployment(one) }),
    );
    for incident in report.incidents.iter().take(MAX_INCIDENTS) {
        // A single moment is one event, and there the last.
        if let Some(first) =
            incident.first_seen.as_ref().filter(|_| incident.first_seen != incident.last_seen)
        {
            events.push(Event { time: first.clone(), what: What::First(incident) });
        }
        if let Some(change) = incident.onset.as_ref().and_then(|onset| onset.change.as_ref())
            && minute(&change.at) != minute(incident.first_seen.as_deref().unwrap_or_default())
        {
            events.push(Event { time: change.at.clone(), what: What::Change(incident, change) });
        }
        if let Some(last) = &incident.last_seen {
            events.push(Event { time: last.clone(), what: What::Last(incident, since(report, incident)) });
        }
    }
    if let Some(peak) = peak(report)
        && let Some(from) = &peak.from
    {
        events.push(Event { time: from.clone(), what: What::Peak(peak, report.traffic.step_minutes) });
    }
    if let Some(to) = &report.window.to {
        events.push(Event { time: to.clone(), what: What::LogsEnd });
    }
    if let Some(as_of) = as_of.filter(|as_of| report.window.to.as_deref() != Some(*as_of)) {
        events.push(Event { time: as_of.to_owned(), what: What::AsOf });
    }
    // Stable: of one moment, the first failures stand before the last ones.
    let order = |event: &Event<'_>| match event.what {
        What::LogsBegin(_) => 0,
        What::Deployment(_) => 1,
        What::First(_) => 2,
        What::Change(..) => 3,
        What::Peak(..) => 4,
        What::Last(..) => 5,
        What::LogsEnd => 6,
        What::AsOf => 7,
    };
    events.sort_by(|a, b| {
        // The first interval begins on a whole minute, before the first record.
        let time = |event: &Event<'r>| match (&event.what, &report.window.from) {
            (What::Peak(..) | What::Deployment(_), Some(from)) => event.time.clone().max(from.clone()),
            _ => event.time.clone(),
        };
        time(a).cmp(&time(b)).then(order(a).cmp(&order(b)))
    });
    events
}

fn minute(time: &str) -> Option<i64> {
    parse(time).map(|stamp| stamp.ms.div_euclid(MINUTE_MS))
}
