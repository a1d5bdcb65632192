//! What an incident's failures are held against: the requests of its routes, minute by minute, and the sample of those
//! that did not fail. Not here: what follows from it (`onset`, `segments`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::judge::Judged;
use crate::correlate::traffic::{Cell, Traffic};

/// Incidents that are looked at, those with most failures first: each costs the minutes of its routes.
const MOST_INCIDENTS: usize = 200;
/// Length of a minute in milliseconds.
pub(super) const MINUTE_MS: i64 = 60_000;

/// How far numbers of requests can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Denominator {
    /// The logs hold failed and other requests, and all were counted.
    Exact,
    /// There were more requests than were counted: the logs hold failures only, or some requests were forgotten for want
    /// of memory. Shares are upper bounds.
    LowerBound,
}

impl Denominator {
    /// Of these requests; `all_counted`: none was forgotten.
    pub fn of(cells: &[Cell], all_counted: bool) -> Denominator {
        let holds_others = cells.iter().any(|cell| cell.requests > cell.failed);
        if holds_others && all_counted { Denominator::Exact } else { Denominator::LowerBound }
    }
}

/// Requests of one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Minute {
    /// Of the incident.
    pub own: u64,
    /// Failed ones.
    pub failed: u64,
    /// All.
    pub all: u64,
}

/// An incident with its failures.
pub(super) struct Case<'a> {
    pub incident: &'a str,
    pub members: Vec<&'a Judged>,
    pub routes: BTreeSet<Option<&'a str>>,
}

/// The traffic of a run, ready to be asked.
pub(super) struct Exposure<'a> {
    pub denominator: Denominator,
    routes: BTreeMap<Option<&'a str>, Vec<&'a Cell>>,
    /// All requests by minute.
    pub load: BTreeMap<i64, u64>,
    /// First and last minute of every deployment, on any route.
    pub deployments: BTreeMap<&'a str, (i64, i64)>,
}

impl<'a> Exposure<'a> {
    pub fn of(traffic: &'a Traffic, all_counted: bool) -> Exposure<'a> {
        let mut exposure = Exposure {
            denominator: Denominator::of(&traffic.cells, all_counted),
            routes: BTreeMap::new(),
            load: BTreeMap::new(),
            deployments: BTreeMap::new(),
        };
        for cell in &traffic.cells {
            exposure.routes.entry(cell.route.as_deref()).or_default().push(cell);
            let Some(minute) = cell.minute_ms else { continue };
            *exposure.load.entry(minute).or_default() += cell.requests;
            if let Some(deployment) = cell.deployment.as_deref() {
                let (first, last) = exposure.deployments.entry(deployment).or_insert((minute, minute));
                (*first, *last) = ((*first).min(minute), (*last).max(minute));
            }
        }
        exposure
    }

    /// The cells of these routes.
    pub fn cells(&self, routes: &BTreeSet<Option<&'a str>>) -> impl Iterator<Item = &'a Cell> {
        routes.iter().filter_map(|route| self.routes.get(route)).flatten().copied()
    }

    /// The minutes of an incident's routes, on those deployments of which `counts` says so.
    pub fn minutes(&self, case: &Case<'a>, counts: &dyn Fn(Option<&str>) -> bool) -> BTreeMap<i64, Minute> {
        let mut minutes: BTreeMap<i64, Minute> = BTreeMap::new();
        for cell in self.cells(&case.routes).filter(|cell| counts(cell.deployment.as_deref())) {
            let Some(at) = cell.minute_ms else { continue };
            let minute = minutes.entry(at).or_default();
            minute.all += cell.requests;
            minute.failed += cell.failed;
        }
        for one in &case.members {
            if let Some(at) = one.first_ms.filter(|_| counts(one.deployment.as_deref())) {
                minutes.entry(minute_of(at)).or_default().own += 1;
            }
        }
        for minute in minutes.values_mut() {
            // A route that is counted as one of many others has no cells of its own.
            minute.failed = minute.failed.max(minute.own);
            minute.all = minute.all.max(minute.failed);
        }
        minutes
    }
}

/// The incidents that are looked at, by fingerprint.
pub(super) fn cases<'j>(judged: &'j [Judged]) -> Vec<Case<'j>> {
    let mut groups: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    for one in judged {
        groups.entry(&one.fingerprint).or_default().push(one);
    }
    let mut groups: Vec<(&str, Vec<&Judged>)> = groups.into_iter().collect();
    groups.sort_by(|(a, some), (b, others)| others.len().cmp(&some.len()).then(a.cmp(b)));
    groups.truncate(MOST_INCIDENTS);
    let case = |(incident, members): (&'j str, Vec<&'j Judged>)| {
        let routes = members.iter().map(|one| one.route.as_deref()).collect();
        Case { incident, members, routes }
    };
    let mut cases: Vec<Case<'j>> = groups.into_iter().map(case).collect();
    cases.sort_by_key(|case| case.incident);
    cases
}

/// Begin of the minute in which this time lies.
pub(super) fn minute_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(MINUTE_MS).saturating_mul(MINUTE_MS)
}

/// A number with the digits that mean something: three.
pub fn three_digits(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}
