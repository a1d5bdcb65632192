//! Segments: which region, deployment, tenant, flag, client … is over-represented among the failures of an incident,
//! against the requests of its routes that did not fail. Said only where it is no accident and large.
//!
//! Deployments are counted exactly. All else is known of a sample of the healthy requests, so it is an estimate and says
//! so. A request counts for a dimension only if its lines name a value of it: where only errors are logged with the
//! tenant, nothing follows from it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::exposure::{Case, Denominator, Exposure, cases, minute_of, three_digits};
use super::judge::Judged;
use super::statistics::{Count, benjamini_hochberg, fisher};
use crate::correlate::dimensions::ON;
use crate::correlate::traffic::{Cell, Sampled, Traffic};

/// Failures with a value below which nothing is said.
const LEAST_FAILURES: u64 = 5;
/// Healthy requests whose value is known below which nothing is said; and as many of the incident's own routes, or all
/// routes are taken.
const LEAST_SAMPLED: u64 = 30;
/// Rate of false discoveries over all tests of a run.
const MOST_FALSE: f64 = 0.01;
/// How many times as frequent a value must be.
const LEAST_LIFT: f64 = 1.5;
/// Segments of one incident.
const MOST: usize = 8;

/// A value that is over-represented among the failures of an incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segment {
    /// Name of the dimension: `region`, `deployment`, `start`, `tenantId` …
    pub dimension: String,
    /// Its value.
    pub value: String,
    /// Failures of the incident with this value.
    pub failures: u64,
    /// Of so many whose value is known.
    pub of_failures: u64,
    /// Requests with this value: the failures above and what did not fail.
    pub requests: u64,
    /// Of so many whose value is known.
    pub of_requests: u64,
    /// How many times as frequent the value is among the failures as among the requests.
    pub lift: f64,
    /// Fisher's exact test, one-sided.
    pub p_value: f64,
    /// The p-value corrected for all tests of the run (Benjamini and Hochberg).
    pub q_value: f64,
    /// `requests` are extrapolated from a sample of healthy requests.
    pub estimated: bool,
    /// Which requests: those of the incident's routes, or of all routes where of these too few are in the sample.
    pub among: Among,
}

/// Which requests a segment is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Among {
    /// Those of the incident's routes.
    Routes,
    /// Those of all routes.
    All,
}

/// Takes `start = warm` back where no request of the run began cold: the platform does not tell.
pub fn forget_unknown_starts(judged: &mut [Judged], sample: &mut [Sampled]) {
    let is_cold =
        |values: &BTreeMap<String, String>| values.get("start").is_some_and(|start| start == "cold");
    let told = judged.iter().any(|one| is_cold(&one.dimensions))
        || sample.iter().any(|one| is_cold(&one.dimensions));
    if !told {
        let all = judged.iter_mut().map(|one| &mut one.dimensions);
        all.chain(sample.iter_mut().map(|one| &mut one.dimensions)).for_each(|values| {
            values.remove("start");
        });
    }
}

/// The segments of every incident that has any, by its fingerprint; the most certain first. `all_counted`: no request was
/// forgotten. The order of the requests makes no difference.
pub fn of(judged: &[Judged], traffic: &Traffic, all_counted: bool) -> BTreeMap<String, Vec<Segment>> {
    let exposure = Exposure::of(traffic, all_counted);
    if exposure.denominator != Denominator::Exact {
        return BTreeMap::new();
    }
    let mut tests: Vec<(&str, Segment)> = Vec::new();
    let cases = cases(judged);
    let mut sample = Sample::of(traffic);
    for case in cases.iter().filter(|case| case.members.len() as u64 >= LEAST_FAILURES) {
        let found = tests_of(case, &exposure, &mut sample);
        tests.extend(found.into_iter().map(|segment| (case.incident, segment)));
    }
    let p_values: Vec<f64> = tests.iter().map(|(_, segment)| segment.p_value).collect();
    let mut out: BTreeMap<String, Vec<Segment>> = BTreeMap::new();
    for ((incident, mut segment), q_value) in tests.into_iter().zip(benjamini_hochberg(&p_values)) {
        if q_value < MOST_FALSE && segment.lift >= LEAST_LIFT {
            segment.q_value = three_digits(q_value);
            out.entry(incident.to_owned()).or_default().push(segment);
        }
    }
    for segments in out.values_mut() {
        segments.sort_by(|a, b| {
            let name = |segment: &Segment| (segment.dimension.clone(), segment.value.clone());
            a.p_value.total_cmp(&b.p_value).then(name(a).cmp(&name(b)))
        });
        segments.truncate(MOST);
        for segment in segments {
            segment.p_value = three_digits(segment.p_value);
            segment.lift = three_digits(segment.lift);
        }
    }
    out
}

/// The sample of healthy requests, ready to be asked often.
struct Sample<'a> {
    all: &'a [Sampled],
    /// Healthy requests that it was drawn from.
    drawn_from: u64,
    by_route: BTreeMap<Option<&'a str>, Vec<&'a Sampled>>,
    /// What was counted of all of it.
    counted: BTreeMap<(&'a str, &'a str), Count>,
}

impl<'a> Sample<'a> {
    fn of(traffic: &'a Traffic) -> Sample<'a> {
        let all = &traffic.sample[..];
        let mut by_route: BTreeMap<Option<&str>, Vec<&Sampled>> = BTreeMap::new();
        for one in all {
            by_route.entry(one.route.as_deref()).or_default().push(one);
        }
        let drawn_from = traffic.cells.iter().map(healthy).sum();
        Sample { all, drawn_from, by_route, counted: BTreeMap::new() }
    }

    /// Requests with this value, of those that are known to have it or not: of the incident's routes, or of all if these
    /// are too few.
    fn count(&mut self, case: &Case<'a>, name: &'a str, value: &'a str) -> (Count, Among) {
        let on_routes = case.routes.iter().filter_map(|route| self.by_route.get(route)).flatten().copied();
        let own = with_value(on_routes, name, value);
        if own.of >= LEAST_SAMPLED {
            return (own, Among::Routes);
        }
        let all = self.all;
        let count = || with_value(all.iter(), name, value);
        (*self.counted.entry((name, value)).or_insert_with(count), Among::All)
    }
}

fn with_value<'s>(sample: impl Iterator<Item = &'s Sampled>, name: &str, value: &str) -> Count {
    let known = sample.filter(|one| is_known(&one.dimensions, name, value));
    known.fold(Count::default(), |sum, one| {
        let hits = one.dimensions.get(name).is_some_and(|have| have == value);
        sum.plus(Count::new(u64::from(hits), 1))
    })
}

fn healthy(cell: &Cell) -> u64 {
    cell.requests.saturating_sub(cell.failed)
}

/// Every value that enough failures of an incident have, tested.
fn tests_of<'a>(case: &Case<'a>, exposure: &Exposure<'a>, sample: &mut Sample<'a>) -> Vec<Segment> {
    let mut values: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for one in &case.members {
        for (name, value) in &one.dimensions {
            *values.entry((name, value)).or_default() += 1;
        }
    }
    let on_routes: u64 = exposure.cells(&case.routes).map(healthy).sum();
    let enough = values.into_iter().filter(|(_, failures)| *failures >= LEAST_FAILURES);
    enough
        .filter_map(|((name, value), failures)| {
            if name == "deployment" {
                return deployment(case, exposure, value);
            }
            let known = case.members.iter().filter(|one| is_known(&one.dimensions, name, value)).count();
            let failures = Count::new(failures, known as u64);
            let everywhere = sample.drawn_from;
            let (sample, among) = sample.count(case, name, value);
            let of_healthy = if among == Among::Routes { on_routes } else { everywhere };
            if sample.of < LEAST_SAMPLED {
                return None;
            }
            let with_value = sample.share()? * of_healthy as f64;
            let requests = failures.hits as f64 + with_value;
            let of_requests = failures.of + of_healthy;
            Some(Segment {
                dimension: name.to_owned(),
                value: value.to_owned(),
                failures: failures.hits,
                of_failures: failures.of,
                requests: requests.round() as u64,
                of_requests,
                lift: failures.share()? / (requests / of_requests as f64),
                p_value: fisher(failures, sample).greater,
                q_value: 1.0,
                estimated: true,
                among,
            })
        })
        .collect()
}

/// Whether a request's lines say whether it has this value. Where flags stand in a list of those that are on, the list
/// does.
fn is_known(values: &BTreeMap<String, String>, name: &str, value: &str) -> bool {
    if values.contains_key(name) {
        return true;
    }
    let Some((list, _)) = name.split_once('.').filter(|_| value == ON) else { return false };
    let is_listed = |(name, value): (&String, &String)| {
        value == ON && name.strip_prefix(list).is_some_and(|rest| rest.starts_with('.'))
    };
    values.range(list.to_owned()..).take_while(|(name, _)| name.starts_with(list)).any(is_listed)
}

/// A deployment, against all requests of the routes in the time from the first failure to the last; exact.
fn deployment(case: &Case<'_>, exposure: &Exposure<'_>, value: &str) -> Option<Segment> {
    let times = || case.members.iter().filter_map(|one| one.first_ms).map(minute_of);
    let (first, last) = (times().min()?, times().max()?);
    let is_it = |deployment: Option<&str>| deployment == Some(value);
    let mut requests = Count::default();
    for cell in exposure.cells(&case.routes) {
        let in_time = cell.minute_ms.is_some_and(|at| (first..=last).contains(&at));
        if in_time && cell.deployment.is_some() {
            let hits = if is_it(cell.deployment.as_deref()) { cell.requests } else { 0 };
            requests = requests.plus(Count::new(hits, cell.requests));
        }
    }
    let known = case.members.iter().filter(|one| one.first_ms.is_some() && one.deployment.is_some());
    let failures = known.fold(Count::default(), |sum, one| {
        sum.plus(Count::new(u64::from(is_it(one.deployment.as_deref())), 1))
    });
    let others = requests.minus(failures);
    if others.of == 0 || failures.hits < LEAST_FAILURES {
        return None;
    }
    Some(Segment {
        dimension: "deployment".to_owned(),
        value: value.to_owned(),
        failures: failures.hits,
        of_failures: failures.of,
        requests: requests.hits,
        of_requests: requests.of,
        lift: failures.share()? / requests.share()?,
        p_value: fisher(failures, others).greater,
        q_value: 1.0,
        estimated: false,
        among: Among::Routes,
    })
}

#[cfg(test)]
mod tests;
