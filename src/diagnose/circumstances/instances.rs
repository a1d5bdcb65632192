//! Instances: many that begin or crowd one server at once, and one that fails alone.

use std::collections::BTreeMap;

use super::{Said, Seen, densest, instances_of, span};
use crate::diagnose::judge::Judged;
use crate::rules::RuleSet;
use crate::rules::model::Class;

/// Instances that make a burst or a crowd; fewer are the ordinary life of a serverless function.
const MANY: usize = 5;
/// Failures that show an instance to be at fault.
const REPEATED: usize = 3;
/// How far from an incident another instance's failure shows that it was alive, in milliseconds.
const ALIVE_MS: i64 = 10 * 60_000;
/// Causes in which the server itself has no room for another connection.
pub(super) const SERVER_FULL: [&str; 4] = [
    "postgres-too-many-connections",
    "mysql-too-many-connections",
    "pooler-connections-exhausted",
    "redis-max-clients",
];
/// Causes beside dropped connections that lie in one process.
pub(super) const OWN_LIMITS: [&str; 1] = ["local-sockets-exhausted"];

/// Incidents of exhausted pools at least half of which began on new instances, many within a minute.
pub(super) fn cold_bursts<'a>(judged: &'a [Judged], rules: &RuleSet) -> Said<'a> {
    let is_pool = |one: &Judged| {
        one.diagnosis
            .rule
            .and_then(|rule| rules.by_index(rule))
            .is_some_and(|rule| rule.class == Class::Connectivity && rule.subclass == "pool")
    };
    let mut members: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    for one in judged.iter().filter(|one| is_pool(one)) {
        members.entry(&one.fingerprint).or_default().push(one);
    }
    members
        .into_iter()
        .filter_map(|(incident, members)| Some((incident, vec![cold_burst(&members)?])))
        .collect()
}

/// A sentence on the densest burst of cold starts among these failures, if there is one and it covers at least half of them.
pub(super) fn cold_burst(members: &[&Judged]) -> Option<String> {
    let mut starts: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for one in members.iter().filter(|one| one.cold) {
        let deployment = one.deployment.as_deref().unwrap_or_default();
        starts.entry(deployment).or_default().extend(one.first_ms);
    }
    let (deployment, times, count) = starts
        .into_iter()
        .filter_map(|(deployment, mut times)| {
            times.sort_unstable();
            let (from, count) = densest(&times)?;
            Some((deployment, times.get(from..from + count)?.to_vec(), count))
        })
        .max_by(|a, b| a.2.cmp(&b.2).then(b.0.cmp(a.0)))?;
    if count < MANY || count * 2 < members.len() {
        return None;
    }
    let seconds = (times.last()? - times.first()?) as f64 / 1000.0;
    let of = if deployment.is_empty() { String::new() } else { format!(" of deployment {deployment}") };
    Some(format!(
        "cold starts: {count} of these {} requests began on new instances{of} within {seconds:.1} s, each of which opens its own pool",
        members.len()
    ))
}

/// A server without room that many instances met at once.
pub(super) fn crowds<'a>(members: &BTreeMap<&'a str, Vec<&Seen<'_>>>, said: &mut Said<'a>) {
    for (incident, members) in members {
        if !members.first().is_some_and(|one| one.has_rule(&SERVER_FULL)) {
            continue;
        }
        let mut first: BTreeMap<&str, i64> = BTreeMap::new();
        for one in members {
            for instance in &one.instances {
                first.entry(instance).or_insert(one.at_ms);
            }
        }
        let mut times: Vec<i64> = first.into_values().collect();
        times.sort_unstable();
        let Some((from, count)) = densest(&times).filter(|(_, count)| *count >= MANY) else { continue };
        let took = times.get(from..from + count).and_then(|times| Some(times.last()? - times.first()?));
        let pools = members.iter().filter_map(|one| one.pool_max).max().map(|most| {
            format!(", each with a pool of up to {most}: {} connections", most.saturating_mul(count as u64))
        });
        said.entry(incident).or_default().push(format!(
            "too many instances x pool size: {count} instances met the full server within {}{}",
            span(took.unwrap_or_default()),
            pools.unwrap_or_default()
        ));
    }
}

/// Dropped connections of one instance, while others that failed in that time failed otherwise.
pub(super) fn alone<'a>(all: &[Seen<'_>], members: &BTreeMap<&'a str, Vec<&Seen<'_>>>, said: &mut Said<'a>) {
    let everywhere: Vec<(i64, &str)> =
        all.iter().flat_map(|one| one.instances.iter().map(|instance| (one.at_ms, *instance))).collect();
    // For every place the next one with another instance.
    let mut next = vec![everywhere.len(); everywhere.len()];
    for (index, pair) in everywhere.windows(2).enumerate().rev() {
        if let [(_, here), (_, there)] = pair {
            let further = next.get(index + 1).copied().unwrap_or(everywhere.len());
            if let Some(slot) = next.get_mut(index) {
                *slot = if here == there { further } else { index + 1 };
            }
        }
    }
    for (incident, members) in members {
        let is_own = |one: &&Seen<'_>| one.is_connectivity(&["reset"]) || one.has_rule(&OWN_LIMITS);
        let instances = instances_of(members);
        let (Some(first), Some(last), 1) = (members.first(), members.last(), instances.len()) else {
            continue;
        };
        if members.len() < REPEATED || !members.iter().all(|one| is_own(one) && !one.instances.is_empty()) {
            continue;
        }
        let Some(instance) = instances.first() else { continue };
        let from = everywhere.partition_point(|(at, _)| *at < first.at_ms.saturating_sub(ALIVE_MS));
        let other = match everywhere.get(from) {
            Some((_, there)) if there != instance => Some(from),
            Some(_) => next.get(from).copied(),
            None => None,
        };
        let until = last.at_ms.saturating_add(ALIVE_MS);
        if other.and_then(|index| everywhere.get(index)).is_none_or(|(at, _)| *at > until) {
            continue;
        }
        said.entry(incident).or_default().push(format!(
            "one instance alone: all {} requests ran on {instance}, and other instances that failed in that time did not fail so; \
             it probably holds stale sockets or has used up its own, so replace it",
            members.len()
        ));
    }
}
