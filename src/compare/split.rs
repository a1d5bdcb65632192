//! One input in two: before and after a time or a deployment, or one environment or branch against the others.

use std::collections::{BTreeMap, BTreeSet};

use super::side::Side;
use crate::correlate::traffic::Cell;
use crate::diagnose::exposure::Denominator;
use crate::format::time;
use crate::report::model::{Failure, Report};

/// What decides to which side a request belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Before this time or not, in milliseconds since the Unix epoch; rounded down to the minute, for requests are counted
    /// by minute.
    Time(i64),
    /// This deployment against those first seen before it; without a name the one that was first seen last.
    Deployment(Option<String>),
    /// This environment against all others; without a name, of two the one that is not `production`.
    Environment(Option<String>),
    /// This branch against all others; without a name, of two the one that is not `main` or `master`.
    Branch(Option<String>),
}

const MINUTE_MS: i64 = 60_000;

/// Both sides, and what the reader must know.
///
/// # Errors
/// The input cannot be split so; the text says why.
pub fn split(report: &Report, by: &By) -> Result<(Side, Side, Vec<String>), String> {
    match by {
        By::Time(at_ms) => Ok(by_time(report, *at_ms)),
        By::Deployment(id) => by_deployment(report, id.as_deref()),
        By::Environment(value) => by_value(report, "environment", value.as_deref(), &["production"]),
        By::Branch(value) => by_value(report, "branch", value.as_deref(), &["main", "master"]),
    }
}

fn minute_of(failure: &Failure) -> Option<i64> {
    let at_ms = time::parse(failure.time.as_deref()?)?.ms;
    Some(at_ms.div_euclid(MINUTE_MS).saturating_mul(MINUTE_MS))
}

/// Adds a remark on requests of which it is not known where they belong.
fn left_over(requests: u64, why: &str, remarks: &mut Vec<String>) {
    if requests > 0 {
        let are = if requests == 1 { "request is" } else { "requests are" };
        remarks.push(format!("{requests} {are} on neither side: {why}"));
    }
}

fn uncounted(report: &Report, counts: &dyn Fn(&Cell) -> bool) -> u64 {
    report.traffic.whole.cells.iter().filter(|cell| !counts(cell)).map(|cell| cell.requests).sum()
}

fn by_time(report: &Report, at_ms: i64) -> (Side, Side, Vec<String>) {
    let at = at_ms.div_euclid(MINUTE_MS).saturating_mul(MINUTE_MS);
    let name = time::rfc3339(at);
    let side = |name: String, is_in: &dyn Fn(i64) -> bool| {
        Side::part(&name, report, &|cell| cell.minute_ms.is_some_and(is_in), &|failure| {
            minute_of(failure).is_some_and(is_in)
        })
    };
    let mut remarks = Vec::new();
    if at != at_ms {
        remarks.push(format!("requests are counted by minute: split at {name}"));
    }
    left_over(uncounted(report, &|cell| cell.minute_ms.is_some()), "they have no time", &mut remarks);
    let before = side(format!("before {name}"), &|minute| minute < at);
    (before, side(format!("from {name}"), &|minute| minute >= at), remarks)
}

fn by_deployment(report: &Report, id: Option<&str>) -> Result<(Side, Side, Vec<String>), String> {
    let mut first: BTreeMap<&str, i64> = BTreeMap::new();
    for cell in &report.traffic.whole.cells {
        if let (Some(deployment), Some(minute)) = (cell.deployment.as_deref(), cell.minute_ms) {
            let seen = first.entry(deployment).or_insert(minute);
            *seen = (*seen).min(minute);
        }
    }
    let newest = || first.iter().max_by_key(|(id, at)| (**at, **id)).map(|(id, _)| *id);
    let id = match id {
        Some(id) => {
            *first.get_key_value(id).ok_or_else(|| unknown("deployment", id, first.keys().copied()))?.0
        }
        None => newest().ok_or("no line of this input names a deployment")?,
    };
    let begin = first.get(id).copied().unwrap_or_default();
    let older: BTreeSet<&str> = first.iter().filter(|(_, at)| **at < begin).map(|(id, _)| *id).collect();
    if older.is_empty() {
        return Err(format!("no deployment was seen before {id}, so there is nothing to compare it with"));
    }
    let side = |name: &str, is_in: &dyn Fn(&str) -> bool| {
        Side::part(name, report, &|cell| cell.deployment.as_deref().is_some_and(is_in), &|failure| {
            failure.dimensions.get("deployment").is_some_and(|deployment| is_in(deployment))
        })
    };
    let mut remarks = Vec::new();
    left_over(uncounted(report, &|cell| cell.deployment.is_some()), "they name no deployment", &mut remarks);
    let rest = uncounted(report, &|cell| {
        cell.deployment.as_deref().is_none_or(|deployment| deployment == id || older.contains(deployment))
    });
    left_over(rest, &format!("they are on deployments first seen with {id} or after it"), &mut remarks);
    let name = match older.len() {
        1 => older.first().map(|one| format!("deployment {one}")).unwrap_or_default(),
        many => format!("{many} older deployments"),
    };
    let before = side(&name, &|deployment| older.contains(deployment));
    Ok((before, side(&format!("deployment {id}"), &|deployment| deployment == id), remarks))
}

/// A value that is known of failures and of the sample alone. Of all other requests the deployment is known, and a
/// deployment mostly has one environment and one branch.
fn by_value(
    report: &Report,
    name: &str,
    value: Option<&str>,
    usual: &[&str],
) -> Result<(Side, Side, Vec<String>), String> {
    let sampled = report.traffic.whole.sample.iter().map(|one| &one.dimensions);
    let mut values: BTreeSet<&str> = BTreeSet::new();
    let mut of_deployment: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for dimensions in report.failures.iter().map(|failure| &failure.dimensions).chain(sampled) {
        let Some(value) = dimensions.get(name) else { continue };
        values.insert(value);
        if let Some(deployment) = dimensions.get("deployment") {
            of_deployment.entry(deployment).or_default().insert(value);
        }
    }
    let others = |value: &str| values.iter().copied().filter(|other| *other != value).collect::<Vec<&str>>();
    let value = match value {
        Some(value) => *values.get(value).ok_or_else(|| unknown(name, value, values.iter().copied()))?,
        None => {
            let rest: Vec<&str> = values.iter().copied().filter(|value| !usual.contains(value)).collect();
            match (values.len(), rest.as_slice()) {
                (2, [one]) => *one,
                _ => {
                    return Err(format!(
                        "say which: --by {name}=NAME, one of: {}",
                        list(values.iter().copied())
                    ));
                }
            }
        }
    };
    if others(value).is_empty() {
        return Err(format!("no other {name} than {value} was seen, so there is nothing to compare it with"));
    }
    let value_of = |deployment: Option<&str>| {
        let values = of_deployment.get(deployment?)?;
        values.first().copied().filter(|_| values.len() == 1)
    };
    let side = |label: &str, is_in: &dyn Fn(&str) -> bool| {
        Side::part(
            label,
            report,
            &|cell| value_of(cell.deployment.as_deref()).is_some_and(is_in),
            &|failure| failure.dimensions.get(name).is_some_and(|value| is_in(value)),
        )
    };
    let label = match others(value).as_slice() {
        [one] => format!("{name} {one}"),
        _ => format!("every other {name}"),
    };
    let mut before = side(&label, &|other| other != value);
    let mut after = side(&format!("{name} {value}"), &|other| other == value);
    let rest = uncounted(report, &|cell| value_of(cell.deployment.as_deref()).is_some());
    let mut remarks = Vec::new();
    left_over(
        rest,
        &format!("requests are counted by deployment, and of theirs the logs do not tell one {name}"),
        &mut remarks,
    );
    if rest > 0 {
        (before.denominator, after.denominator) = (Denominator::LowerBound, Denominator::LowerBound);
    }
    Ok((before, after, remarks))
}

fn unknown<'a>(name: &str, value: &str, known: impl Iterator<Item = &'a str>) -> String {
    format!("no {name} {value} in this input; it has: {}", list(known))
}

/// The first ones by name.
fn list<'a>(values: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 20;
    let all: Vec<&str> = values.collect();
    let more = if all.len() > MOST { " …" } else { "" };
    match all.is_empty() {
        true => "none".to_owned(),
        false => format!("{}{more}", all[..all.len().min(MOST)].join(", ")),
    }
}
