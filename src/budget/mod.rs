//! Error budgets: what an objective allowed to fail, what failed, and how fast the budget goes. A pure function of the
//! report and its exact counts by minute, route and deployment. Not here: any clock. "Now" is `--as-of`, by default the
//! last record's time.
//!
//! Windows and thresholds are those of "The Site Reliability Workbook", chapter "Alerting on SLOs", table 5-8 (multiwindow,
//! multi-burn-rate alerts): <https://sre.google/workbook/alerting-on-slos/>.

mod count;
mod objective;
mod rollback;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::format::time;
use crate::report::model::Report;
use crate::report::slo::{Burn, BurnWindow, Denominator, Family, IncidentShare, Slo, Spent, State};
use count::{Period, Tally};
pub use objective::{Objective, parse_span, parse_target};

/// Long window, short window (minutes) and ten times the burn rate of one alert.
const ALERTS: [(i64, i64, u64); 3] = [(60, 5, 144), (360, 30, 60), (4320, 360, 10)];

/// Holds an objective against the requests of a report.
pub fn of(report: &Report, objective: &Objective) -> Slo {
    let ms = |text: &Option<String>| text.as_deref().and_then(time::parse).map(|stamp| stamp.ms);
    let window_ms = ms(&report.window.from).zip(ms(&report.window.to));
    let period = Period::new(objective, window_ms);
    let counted = count::count(&report.traffic.whole, &period);
    let (denominator, mut notes) = denominator(report, &counted.all);
    if counted.untimed > 0 {
        notes.push(format!(
            "{} of the requests have no time: they count for the period and for no burn window",
            counted.untimed
        ));
    }
    if counted.outside > 0 {
        notes.push(format!("{} requests lie outside of the period", counted.outside));
    }
    let covered_minutes = period.covered(period.minutes);
    if covered_minutes < period.minutes {
        notes.push(
            "the logs do not cover the whole period: the budget is that of the requests that they hold"
                .to_owned(),
        );
    }
    let sure = denominator == Denominator::Exact;
    let judge = |tally: &Tally| {
        let burn: Vec<Burn> = ALERTS
            .iter()
            .zip(&tally.windows)
            .map(|(alert, counts)| burn(*alert, counts, objective, &period, sure))
            .collect();
        let exhausted = {
            let over =
                |scale: (i64, i64)| objective.burns(tally.period.failed, tally.period.requests, 10, scale);
            match (over((covered_minutes, period.minutes)), over((1, 1))) {
                (true, _) if sure => State::Crossed,
                (_, true) => State::Unknown,
                _ => State::Kept,
            }
        };
        let worst = burn.iter().map(|burn| burn.verdict).fold(exhausted, State::max);
        (burn, worst)
    };
    let (all_burn, verdict) = judge(&counted.all);
    let mut families: Vec<Family> = Vec::new();
    let mut families_without_failures = 0;
    for (family, tally) in &counted.families {
        if tally.period.failed == 0 {
            families_without_failures += u64::from(tally.period.requests > 0);
            continue;
        }
        let (burn, verdict) = judge(tally);
        let spent = spent(tally.period.requests, tally.period.failed, objective);
        families.push(Family { family: family.map(str::to_owned), spent, burn, verdict });
    }
    families.sort_by(|a, b| b.spent.failed.cmp(&a.spent.failed).then(a.family.cmp(&b.family)));
    let verdict = families.iter().map(|family| family.verdict).fold(verdict, State::max);
    // Where nothing was counted, nothing was kept either.
    let verdict = if counted.all.period.requests == 0 { verdict.max(State::Unknown) } else { verdict };
    let rollback = (verdict == State::Crossed)
        .then(|| rollback::advise(report, objective, &period, &all_burn, &families));
    let spent = spent(counted.all.period.requests, counted.all.period.failed, objective);
    Slo {
        target_percent: objective.target_percent(),
        period_minutes: period.minutes,
        as_of: period.as_of_ms.map(time::rfc3339),
        covered_minutes,
        verdict,
        denominator,
        notes,
        incidents: shares(report, &period, spent.budget),
        spent,
        burn: all_burn,
        families,
        families_without_failures,
        rollback,
    }
}

/// What the counts of all requests are worth. Logs that hold failures only say so by what is missing.
fn denominator(report: &Report, all: &Tally) -> (Denominator, Vec<String>) {
    let mut notes = Vec::new();
    let totals = &report.requests;
    let healthy = totals.total.saturating_sub(totals.failed);
    let sample = &report.traffic.whole.sample;
    let all_refused = !sample.is_empty() && sample.iter().all(|one| one.status.is_some_and(|s| s >= 400));
    if totals.failed > 0 && healthy == 0 {
        notes.push("no request in these logs succeeded: they look like an export of errors only".to_owned());
    } else if totals.failed > 0 && healthy == totals.incomplete {
        notes.push(
            "no request in these logs is known to have succeeded: they may hold errors only".to_owned(),
        );
    } else if totals.failed > 0 && all_refused {
        notes.push(
            "of all requests that did not fail, none was answered below 400: the logs look filtered by status or level"
                .to_owned(),
        );
    }
    if !totals.exact {
        notes.push("the totals are not exact: memory was short".to_owned());
    }
    if report.remarks.iter().any(|remark| remark.contains("the export is partial")) {
        notes.push("an export is partial: requests of further pages are not counted".to_owned());
    }
    if all.period.requests == 0 {
        notes.push(
            "no requests in the window: those of these logs are older, newer or without a time".to_owned(),
        );
        return (Denominator::Exact, notes);
    }
    let exact = notes.is_empty();
    (if exact { Denominator::Exact } else { Denominator::LowerBound }, notes)
}

/// Failures against the budget of so many requests.
fn spent(requests: u64, failed: u64, objective: &Objective) -> Spent {
    let budget = requests as f64 * objective.allowed_share();
    let some = requests > 0;
    Spent {
        requests,
        failed,
        availability: some.then(|| round(1.0 - failed as f64 / requests as f64, 1e6)),
        budget: round(budget, 1e3),
        budget_spent: some.then(|| round(failed as f64 / budget, 1e4)),
    }
}

/// One alert, from the counts of its long and its short window. It is crossed for sure if it still would be had the
/// minutes that the logs do not cover brought as many requests and no failure.
fn burn(
    (long, short, threshold): (i64, i64, u64),
    counts: &(count::Counts, count::Counts),
    objective: &Objective,
    period: &Period,
    exact: bool,
) -> Burn {
    let window = |minutes: i64, counts: count::Counts| BurnWindow {
        minutes,
        covered_minutes: period.covered(minutes),
        requests: counts.requests,
        failed: counts.failed,
        rate: (counts.requests > 0)
            .then(|| round(counts.failed as f64 / counts.requests as f64 / objective.allowed_share(), 1e2)),
    };
    let (long, short) = (window(long, counts.0), window(short, counts.1));
    let over = |window: &BurnWindow, whole: bool| {
        let scale = if whole { (1, 1) } else { (window.covered_minutes, window.minutes) };
        objective.burns(window.failed, window.requests, threshold, scale)
    };
    let verdict = if over(&long, false) && over(&short, false) && exact {
        State::Crossed
    } else if over(&long, true) && over(&short, true) {
        State::Unknown
    } else {
        State::Kept
    };
    Burn { threshold: threshold as f64 / 10.0, long, short, verdict }
}

/// What each incident that is shown took of the budget.
fn shares(report: &Report, period: &Period, budget: f64) -> Vec<IncidentShare> {
    let mut failed: BTreeMap<&str, u64> = BTreeMap::new();
    for failure in &report.failures {
        let minute_ms = failure.time.as_deref().and_then(time::parse).map(|stamp| stamp.ms);
        if period.holds(minute_ms.map(count::minute)) {
            *failed.entry(&failure.incident).or_default() += 1;
        }
    }
    let mut shares: Vec<IncidentShare> = failed
        .into_iter()
        .map(|(id, failed)| IncidentShare {
            id: id.to_owned(),
            failed,
            budget_spent: (budget > 0.0).then(|| round(failed as f64 / budget, 1e4)),
        })
        .collect();
    shares.sort_by(|a, b| b.failed.cmp(&a.failed).then(a.id.cmp(&b.id)));
    shares
}

fn round(number: f64, steps: f64) -> f64 {
    (number * steps).round() / steps
}
