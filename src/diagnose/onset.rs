//! The onset of an incident: since when, whether with a deployment, whether every request of its routes fails since then
//! or some do and what that goes with, and whether it has ended. Each is said only where the requests that the logs hold
//! decide it.
//!
//! Rests on counts by minute, route and deployment, so nothing here depends on the order of the input, and the only clock
//! is the log's. That a thing goes with another does not say that it is its cause.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::exposure::{Case, Denominator, Exposure, Minute, cases, minute_of, three_digits};
use super::judge::Judged;
use super::segments::Segment;
use super::statistics::{Count, change_point, fisher, wilson};
use crate::correlate::traffic::Traffic;
use crate::format::time::rfc3339;

mod patterns;
#[cfg(test)]
mod tests;

/// Probability of an accident above which nothing is said.
const CHANCE: f64 = 0.01;
/// Failures from which it is said that all requests failed.
const LEAST_ALL: u64 = 5;

/// When an incident began, how it goes on, and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Onset {
    /// How far the numbers of requests can be trusted; where they are lower bounds, little is said.
    pub requests: Denominator,
    /// The minute from which on more requests of its routes failed than before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The deployment that it began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Start>,
    /// Whether all requests of its routes failed between its first failure and its last.
    pub pattern: Pattern,
    /// Where they did: on all deployments, or on those of the failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The share of the requests of its routes that failed by it, in the minutes from its first failure to its last.
    pub during: Option<Rate>,
    /// What failing goes with, if some requests failed and others did not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub correlates: Vec<Correlate>,
    /// Whether it has ended.
    pub state: State,
    /// Requests of its routes after the minute of its last failure.
    pub requests_after: u64,
    /// If it has ended: the deployment that has answered since, if none of those that failed did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_with: Option<String>,
}

/// A change of the share of failures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Begin of the first minute after it, RFC 3339 UTC.
    pub at: String,
    /// Before it.
    pub before: Rate,
    /// From it to the last failure.
    pub after: Rate,
    /// Probability of such a change somewhere without any, at most.
    pub p_value: f64,
}

/// A share with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// Failed requests.
    pub failed: u64,
    /// Of so many.
    pub requests: u64,
    /// Lower bound of the share, 95 % (Wilson).
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Rate {
    /// The share of these; None of nothing.
    pub fn of(count: Count) -> Option<Rate> {
        let bounds = wilson(count)?;
        let (low, high) = (three_digits(bounds.low), three_digits(bounds.high));
        Some(Rate { failed: count.hits, requests: count.of, low, high })
    }

    /// The share itself, 0–1.
    pub fn share(&self) -> f64 {
        self.failed as f64 / self.requests.max(1) as f64
    }
}

/// A deployment that an incident began with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Start {
    /// Its ID.
    pub id: String,
    /// Begin of the minute of its first request, RFC 3339 UTC.
    pub first_seen: String,
    /// The deployment that answered last before it.
    pub previous: Option<String>,
    /// Requests of the incident's routes on older deployments, none of which failed by it.
    pub requests_before: u64,
    /// Probability that all failures fell on the newer ones by accident.
    pub p_value: f64,
}

/// Whether all requests failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// All did.
    Deterministic,
    /// Some did.
    Intermittent,
    /// Too few requests to say, or the logs do not hold those that did not fail.
    Unknown,
}

/// Where all requests failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// On all deployments.
    Routes,
    /// On the deployments of the failures; others served the routes meanwhile.
    Deployments,
}

/// Something that failing goes with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Correlate {
    /// `concurrency`, `cold_start` or `time_of_day`.
    pub with: &'static str,
    /// In words: `minutes with more than 120 requests`, `14:00–15:00 UTC`.
    pub says: String,
    /// Share of failures where it is so; of cold starts how many of the failures began cold.
    pub inside: Rate,
    /// Share of failures where it is not; of cold starts how many of all requests began cold.
    pub outside: Rate,
    /// Probability of an accident.
    pub p_value: f64,
    /// Counts of requests are extrapolated from the sample.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

/// Whether an incident has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No request of its routes comes after the minute of its last failure.
    Ongoing,
    /// So many requests of its routes came after its last failure that it would have been seen again.
    Ended,
    /// Some came after it, too few to say.
    Unknown,
}

/// The onset of every incident with a time, by its fingerprint. `segments` as [`super::segments::of`] gives them;
/// `all_counted`: no request was forgotten. The order of the requests makes no difference.
pub fn of(
    judged: &[Judged],
    traffic: &Traffic,
    segments: &BTreeMap<String, Vec<Segment>>,
    all_counted: bool,
) -> BTreeMap<String, Onset> {
    let exposure = Exposure::of(traffic, all_counted);
    let onset = |case: &Case<'_>| {
        let segments = segments.get(case.incident).map_or(&[][..], Vec::as_slice);
        Some((case.incident.to_owned(), of_case(case, &exposure, segments)?))
    };
    cases(judged).iter().filter_map(onset).collect()
}

fn of_case<'a>(case: &Case<'a>, exposure: &Exposure<'a>, segments: &[Segment]) -> Option<Onset> {
    let times = || case.members.iter().filter_map(|one| one.first_ms).map(minute_of);
    let (first, last) = (times().min()?, times().max()?);
    let minutes = exposure.minutes(case, &|_| true);
    let during = patterns::sum(minutes.range(first..=last));
    let exact = exposure.denominator == Denominator::Exact;
    let mut onset = Onset {
        requests: exposure.denominator,
        change: None,
        deployment: None,
        pattern: Pattern::Unknown,
        scope: None,
        during: Rate::of(Count::new(during.own, during.all)),
        correlates: Vec::new(),
        state: State::Unknown,
        requests_after: patterns::sum(minutes.range(last.saturating_add(1)..)).all,
        ended_with: None,
    };
    if !exact {
        return Some(onset);
    }
    onset.change = change(&minutes, last);
    onset.deployment = start(case, exposure, &minutes, first);
    onset.scope = patterns::all_failed(case, exposure, &minutes, first, last);
    onset.pattern = match onset.scope {
        Some(_) => Pattern::Deterministic,
        // One that failed as another incident is none that went well.
        None if during.all > during.failed && during.own > 1 => Pattern::Intermittent,
        None => Pattern::Unknown,
    };
    if onset.pattern == Pattern::Intermittent {
        onset.correlates = patterns::correlates(&minutes, first, last, exposure, segments);
    }
    let (failing, after) = (Count::new(during.own, during.all), Count::new(0, onset.requests_after));
    onset.state = match after.of {
        0 => State::Ongoing,
        _ if fisher(after, failing).less < CHANCE => State::Ended,
        _ => State::Unknown,
    };
    if onset.state == State::Ended {
        onset.ended_with = successor(case, exposure, last);
    }
    Some(onset)
}

/// The change point of the series up to the last failure, if it is no accident.
fn change(minutes: &BTreeMap<i64, Minute>, last: i64) -> Option<Change> {
    let series: Vec<(i64, Count)> =
        minutes.range(..=last).map(|(at, minute)| (*at, Count::new(minute.own, minute.all))).collect();
    let counts: Vec<Count> = series.iter().map(|(_, count)| *count).collect();
    let change = change_point(&counts).filter(|change| change.p_value < CHANCE)?;
    Some(Change {
        at: rfc3339(series.get(change.at)?.0),
        before: Rate::of(change.before)?,
        after: Rate::of(change.after)?,
        p_value: three_digits(change.p_value),
    })
}

/// The deployment that the incident began with: all its failures are on it and newer ones, none of the requests on older
/// ones failed so, that is no accident, and there were not so many good requests on it first that something else must
/// have begun it.
fn start<'a>(
    case: &Case<'a>,
    exposure: &Exposure<'a>,
    minutes: &BTreeMap<i64, Minute>,
    first: i64,
) -> Option<Start> {
    let begins = |deployment: &str| exposure.deployments.get(deployment).map(|(begin, _)| *begin);
    let earliest = case.members.iter().filter_map(|one| Some((one.first_ms?, one.deployment.as_deref())));
    let id = earliest.min().and_then(|(_, deployment)| deployment)?;
    let begin = begins(id)?;
    let is_new = |deployment: &str| begins(deployment).is_some_and(|at| at >= begin);
    if !case.members.iter().all(|one| one.deployment.as_deref().is_some_and(is_new)) {
        return None;
    }
    let (mut before, mut newer, mut good_first) = (0, 0, 0);
    for cell in exposure.cells(&case.routes) {
        let (Some(at), Some(deployment)) = (cell.minute_ms, cell.deployment.as_deref()) else { continue };
        if !is_new(deployment) {
            before += cell.requests;
        } else {
            newer += cell.requests;
            good_first += if at < first { cell.requests } else { 0 };
        }
    }
    let failing = Count::new(case.members.len() as u64, newer);
    let p_value = fisher(failing, Count::new(0, before)).greater;
    let since = patterns::sum(minutes.range(first..));
    let share = Count::new(since.own, since.all).share()?;
    if p_value >= CHANCE || (1.0 - share).powf(good_first as f64) < CHANCE {
        return None;
    }
    let older = exposure.deployments.iter().filter(|(_, (at, _))| *at < begin);
    let previous = older.max_by_key(|(id, (_, last))| (*last, **id)).map(|(id, _)| (*id).to_owned());
    Some(Start {
        id: id.to_owned(),
        first_seen: rfc3339(begin),
        previous,
        requests_before: before,
        p_value: three_digits(p_value),
    })
}

/// The deployment that has answered the incident's routes since its last failure, if none that failed has.
fn successor<'a>(case: &Case<'a>, exposure: &Exposure<'a>, last: i64) -> Option<String> {
    let failed: BTreeSet<&str> = case.members.iter().filter_map(|one| one.deployment.as_deref()).collect();
    let after = exposure.cells(&case.routes).filter(|cell| cell.minute_ms.is_some_and(|at| at > last));
    let mut answered: Vec<(i64, &str)> = Vec::new();
    for cell in after {
        let deployment = cell.deployment.as_deref()?;
        if failed.contains(deployment) {
            return None;
        }
        answered.push((cell.minute_ms?, deployment));
    }
    answered.into_iter().min().filter(|_| !failed.is_empty()).map(|(_, deployment)| deployment.to_owned())
}
