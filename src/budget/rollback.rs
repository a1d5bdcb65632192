//! Whether to roll back, and to what. It names a deployment as the last good one only if the same routes kept the
//! objective on it, with so many requests that the failures of the bad one would have shown: at its rate at least three
//! were to be expected, so that none at all has a chance below 5 % (the "rule of three").

use std::collections::{BTreeMap, BTreeSet};

use super::count::{Counts, Period, minute, minute_ms};
use super::objective::Objective;
use crate::correlate::family;
use crate::diagnose::onset;
use crate::format::time::rfc3339;
use crate::report::model::Report;
use crate::report::slo::{Advice, Burn, Deployment, Family, Rollback, State};

/// Failures that were to be expected, before their absence says something.
const EXPECTED: f64 = 3.0;
/// A deployment counts as failing beside another if it has at least this share of its failures.
const BESIDE: f64 = 0.2;

/// What is counted of one deployment, on the routes in question.
#[derive(Debug, Default)]
struct Served {
    first: Option<i64>,
    last: Option<i64>,
    first_failure: Option<i64>,
    all: Counts,
    /// In the window that was crossed.
    crossed: Counts,
    /// Before the minute of the first failure.
    before: u64,
}

impl Served {
    fn rate(&self) -> f64 {
        self.all.failed as f64 / (self.all.requests - self.before).max(1) as f64
    }
}

/// The advice for crossed thresholds.
pub fn advise(
    report: &Report,
    objective: &Objective,
    period: &Period,
    burn: &[Burn],
    families: &[Family],
) -> Rollback {
    let scope: BTreeSet<Option<&str>> = families
        .iter()
        .filter(|family| family.verdict == State::Crossed)
        .map(|family| family.family.as_deref())
        .collect();
    let crossed = families.iter().flat_map(|family| &family.burn).chain(burn);
    let window_minutes = crossed
        .filter(|burn| burn.verdict == State::Crossed)
        .map(|burn| burn.long.minutes)
        .max()
        .unwrap_or(period.minutes);
    let served = serve(report, period, &scope, window_minutes);
    let over = |one: &Served| {
        objective.burns(one.crossed.failed, one.crossed.requests, 10, (1, 1)) && one.first.is_some()
    };
    let most = served.values().filter(|one| over(one)).map(|one| one.crossed.failed).max().unwrap_or(0);
    let bad = served
        .iter()
        .filter(|(_, one)| over(one) && one.crossed.failed as f64 >= most as f64 * BESIDE)
        .min_by_key(|(id, one)| (one.first, **id));
    let Some((bad_id, bad)) = bad else {
        let why = "the failed requests name no deployment in these logs: add it to every line, or look up which one was live"
            .to_owned();
        return Rollback { advice: Advice::Unknown, why, bad: None, last_good: None };
    };
    let kept = |one: &Served| {
        one.all.requests as f64 * bad.rate() >= EXPECTED
            && one.all.failed as f64 <= one.all.requests as f64 * objective.allowed_share()
    };
    let good = served
        .iter()
        .filter(|(_, one)| one.first.is_some() && one.first < bad.first && kept(one))
        .max_by_key(|(id, one)| (one.first, **id));
    // One that answers after all that failed have stopped.
    let last_of_failing = served.values().filter(|one| over(one)).filter_map(|one| one.last).max();
    let successor = served
        .iter()
        .filter(|(_, one)| one.first > bad.first && one.last > last_of_failing && kept(one))
        .max_by_key(|(id, one)| (one.last, one.first, **id));
    let count = |count: u64| crate::report::words::counted(count, "request", "requests");
    let (advice, why) = if bad.before as f64 * bad.rate() >= EXPECTED {
        let why = format!(
            "{bad_id} had answered {} of these routes before its first failure: something else than the deployment changed",
            count(bad.before)
        );
        (Advice::NotTheDeployment, why)
    } else if let Some((id, one)) = successor {
        let why = format!(
            "no rollback needed: {id} answers since {bad_id} does not, {} of {} of the same routes failed on it",
            one.all.failed,
            count(one.all.requests)
        );
        (Advice::AlreadyReplaced, why)
    } else if is_over(report, bad_id) {
        let why = format!("what began with {bad_id} is over: a rollback would not end what has failed since");
        (Advice::NotTheDeployment, why)
    } else if let Some((good_id, good)) = good {
        let why = format!(
            "roll back to {good_id}: of {} of the same routes {} failed on it, on {bad_id} {} of {}",
            count(good.all.requests),
            good.all.failed,
            bad.all.failed,
            bad.all.requests
        );
        (Advice::RollBack, why)
    } else {
        let why = format!(
            "no deployment before {bad_id} answered enough requests of these routes in these logs to be called good: add older logs"
        );
        (Advice::Unknown, why)
    };
    Rollback {
        advice,
        why,
        bad: Some(describe(bad_id, bad, report)),
        last_good: good.map(|(id, one)| describe(id, one, report)),
    }
}

/// Whether all incidents that began with a deployment have ended, and there is one.
fn is_over(report: &Report, id: &str) -> bool {
    let mut began = report
        .incidents
        .iter()
        .filter_map(|one| one.onset.as_ref())
        .filter(|onset| onset.deployment.as_ref().is_some_and(|start| start.id == id))
        .peekable();
    began.peek().is_some() && began.all(|onset| onset.state == onset::State::Ended)
}

/// What every deployment answered until the end of the period; an empty scope is all routes.
fn serve<'r>(
    report: &'r Report,
    period: &Period,
    scope: &BTreeSet<Option<&str>>,
    window_minutes: i64,
) -> BTreeMap<&'r str, Served> {
    let end = period.as_of_ms.map(minute);
    let cells = || {
        report.traffic.whole.cells.iter().filter_map(|cell| {
            let at = cell.minute_ms.map(minute);
            let in_scope = scope.is_empty() || scope.contains(&cell.route.as_deref().map(family::of_route));
            let past = at.is_none() || at <= end;
            let id = cell.deployment.as_deref()?;
            (in_scope && past).then_some((id, at, cell.requests, cell.failed))
        })
    };
    let mut served: BTreeMap<&str, Served> = BTreeMap::new();
    for (id, at, requests, failed) in cells() {
        let one = served.entry(id).or_default();
        one.all.add(requests, failed);
        let Some(at) = at else { continue };
        one.first = Some(one.first.map_or(at, |first| first.min(at)));
        one.last = Some(one.last.map_or(at, |last| last.max(at)));
        if failed > 0 {
            one.first_failure = Some(one.first_failure.map_or(at, |first| first.min(at)));
        }
        if period.in_last(at, window_minutes) {
            one.crossed.add(requests, failed);
        }
    }
    for (id, at, requests, _) in cells() {
        if let Some(one) = served.get_mut(id)
            && at.is_some()
            && at < one.first_failure
        {
            one.before += requests;
        }
    }
    served
}

fn describe(id: &str, served: &Served, report: &Report) -> Deployment {
    let on_it = || {
        report.incidents.iter().filter(|incident| incident.deployments.iter().any(|one| one.as_str() == id))
    };
    // Of those that failed every one is known, of the others a sample.
    let failed = || {
        let all = report.failures.iter().map(|one| &one.dimensions);
        all.filter(|dimensions| dimensions.get("deployment").is_some_and(|one| one == id))
    };
    let drawn = report.traffic.whole.sample.iter().filter(|one| one.deployment.as_deref() == Some(id));
    let branches: BTreeSet<&String> =
        failed().chain(drawn.map(|one| &one.dimensions)).filter_map(|one| one.get("branch")).collect();
    let named = on_it().filter_map(|one| one.captures.get("region"));
    let regions: BTreeSet<&String> = named.chain(failed().filter_map(|one| one.get("region"))).collect();
    let time = |at: Option<i64>| at.map(minute_ms).map(rfc3339);
    Deployment {
        id: id.to_owned(),
        first_seen: time(served.first),
        last_seen: time(served.last),
        first_failure: time(served.first_failure),
        requests: served.all.requests,
        failed: served.all.failed,
        incidents: on_it().map(|incident| incident.id.clone()).collect(),
        branches: branches.into_iter().cloned().collect(),
        regions: regions.into_iter().cloned().collect(),
    }
}
