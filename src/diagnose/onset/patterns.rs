//! Whether all requests of an incident's routes failed, and what failing goes with if not.

use std::collections::{BTreeMap, BTreeSet};

use super::{CHANCE, Correlate, LEAST_ALL, Rate, Scope};
use crate::diagnose::exposure::{Case, Exposure, Minute, three_digits};
use crate::diagnose::segments::Segment;
use crate::diagnose::statistics::{Count, fisher};

/// How many times as large a share must be for it to be said.
const LEAST_RATIO: f64 = 1.5;
const HOUR_MS: i64 = 3_600_000;
const HOURS: i64 = 24;

/// The sum of some minutes.
pub(super) fn sum<'m>(minutes: impl Iterator<Item = (&'m i64, &'m Minute)>) -> Minute {
    minutes.fold(Minute::default(), |sum, (_, minute)| Minute {
        own: sum.own + minute.own,
        failed: sum.failed + minute.failed,
        all: sum.all + minute.all,
    })
}

/// Where all requests failed between the first failure and the last, most of them by this incident.
pub(super) fn all_failed<'a>(
    case: &Case<'a>,
    exposure: &Exposure<'a>,
    minutes: &BTreeMap<i64, Minute>,
    first: i64,
    last: i64,
) -> Option<Scope> {
    if is_all(minutes, first, last) {
        return Some(Scope::Routes);
    }
    let failing: BTreeSet<Option<&str>> = case.members.iter().map(|one| one.deployment.as_deref()).collect();
    let on_these = exposure.minutes(case, &|deployment| failing.contains(&deployment));
    (!failing.contains(&None) && is_all(&on_these, first, last)).then_some(Scope::Deployments)
}

fn is_all(minutes: &BTreeMap<i64, Minute>, first: i64, last: i64) -> bool {
    let whole = sum(minutes.range(first..=last));
    // In the first and the last minute requests may well have been served before and after it.
    let inside = sum(minutes.range(first.saturating_add(1)..last.max(first.saturating_add(1))));
    let counted = if inside.all >= LEAST_ALL { inside } else { whole };
    whole.own >= LEAST_ALL && counted.all == counted.failed && counted.own * 2 >= counted.failed
}

/// What failing goes with.
pub(super) fn correlates(
    minutes: &BTreeMap<i64, Minute>,
    first: i64,
    last: i64,
    exposure: &Exposure<'_>,
    segments: &[Segment],
) -> Vec<Correlate> {
    let series: Vec<(i64, u64, Count)> = minutes
        .range(first..=last)
        .map(|(at, minute)| {
            let load = exposure.load.get(at).copied().unwrap_or_default();
            (*at, load, Count::new(minute.own, minute.all))
        })
        .collect();
    let mut out = Vec::new();
    out.extend(concurrency(&series));
    out.extend(cold_start(segments));
    out.extend(time_of_day(&series));
    out
}

/// Of two sides, whether failing is more frequent on the first; of so many such pairs.
fn compare(inside: Count, outside: Count, pairs: f64) -> Option<f64> {
    let p_value = (fisher(inside, outside).greater * pairs).min(1.0);
    (p_value < CHANCE && inside.share()? >= LEAST_RATIO * outside.share()?).then_some(p_value)
}

/// Minutes with many requests of any route against those with few. The logs tell no concurrency; requests of a minute
/// stand for it.
fn concurrency(series: &[(i64, u64, Count)]) -> Option<Correlate> {
    let load: u64 = series.iter().map(|(_, load, _)| load).sum();
    // Busy and quiet minutes stand on either side of the mean, however many there are of each.
    let mean = load.checked_div(series.len() as u64)?;
    let side = |high: bool| {
        let minutes = series.iter().filter(|(_, load, _)| (*load > mean) == high);
        minutes.fold(Count::default(), |sum, (_, _, count)| sum.plus(*count))
    };
    let (inside, outside) = (side(true), side(false));
    let p_value = compare(inside, outside, 1.0)?;
    Some(Correlate {
        with: "concurrency",
        says: format!("minutes with more than {mean} requests"),
        inside: Rate::of(inside)?,
        outside: Rate::of(outside)?,
        p_value: three_digits(p_value),
        estimated: false,
    })
}

fn cold_start(segments: &[Segment]) -> Option<Correlate> {
    let cold = segments.iter().find(|one| one.dimension == "start" && one.value == "cold")?;
    Some(Correlate {
        with: "cold_start",
        says: "requests that began on a new instance".to_owned(),
        inside: Rate::of(Count::new(cold.failures, cold.of_failures))?,
        outside: Rate::of(Count::new(cold.requests, cold.of_requests))?,
        p_value: cold.q_value,
        estimated: cold.estimated,
    })
}

/// The hour of the day, UTC, that differs most from the others, if it does so on more than one day.
fn time_of_day(series: &[(i64, u64, Count)]) -> Option<Correlate> {
    let mut hours: BTreeMap<i64, (Count, BTreeSet<i64>)> = BTreeMap::new();
    let mut all = Count::default();
    for (at, _, count) in series {
        let hour = at.div_euclid(HOUR_MS);
        let (sum, days) = hours.entry(hour.rem_euclid(HOURS)).or_default();
        *sum = sum.plus(*count);
        all = all.plus(*count);
        if count.hits > 0 {
            days.insert(hour.div_euclid(HOURS));
        }
    }
    let repeated = hours.into_iter().filter(|(_, (_, days))| days.len() > 1);
    let tested = repeated.filter_map(|(hour, (inside, _))| {
        let outside = all.minus(inside);
        Some((compare(inside, outside, HOURS as f64)?, hour, inside, outside))
    });
    let (p_value, hour, inside, outside) = tested.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?;
    Some(Correlate {
        with: "time_of_day",
        says: format!("{hour:02}:00–{:02}:00 UTC", hour + 1),
        inside: Rate::of(inside)?,
        outside: Rate::of(outside)?,
        p_value: three_digits(p_value),
        estimated: false,
    })
}
