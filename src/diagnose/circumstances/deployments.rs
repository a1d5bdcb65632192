//! Changes of deployment, and what fails on one side of them only.

use std::collections::{BTreeMap, BTreeSet};

use super::{Said, Seen, span};
use crate::correlate::traffic::Cell;
use crate::rules::model::Class;

/// Time after a deployment in which refused logins point at its secrets, in milliseconds.
const SECRET_MS: i64 = 15 * 60_000;
/// Time after a deployment in which a schema that does not fit points at its migration, in milliseconds.
const SCHEMA_MS: i64 = 30 * 60_000;
/// Failures that an incident must have for a deployment to be named.
const LEAST: usize = 2;

/// A deployment that is first seen after another one of its environment. It took over at some time between the two.
pub(super) struct Change<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    /// When the older one was last seen before it.
    pub(super) before_ms: i64,
    /// When the newer one was first seen.
    pub(super) first_ms: i64,
}

/// All changes, in the order of time. Failed requests tell the moment and the environment; of all others it is known in
/// which minute a deployment answered.
pub(super) fn changes<'a>(all: &[Seen<'a>], traffic: &'a [Cell]) -> Vec<Change<'a>> {
    type Sighting<'a> = (i64, Option<&'a str>, &'a str);
    let failed: Vec<Sighting<'a>> =
        all.iter().filter_map(|one| Some((one.at_ms, one.environment, one.deployment?))).collect();
    let environments: BTreeMap<&str, Option<&str>> =
        failed.iter().map(|(_, environment, deployment)| (*deployment, *environment)).collect();
    // A deployment that never failed is taken for one of the environment that failed, if that is one.
    let known: BTreeSet<Option<&str>> = environments.values().copied().collect();
    let only = known.first().copied().filter(|_| known.len() == 1);
    let answered = traffic.iter().filter_map(|cell| {
        let deployment = cell.deployment.as_deref()?;
        let environment = environments.get(deployment).copied().or(only)?;
        Some((cell.minute_ms?, environment, deployment))
    });
    let mut sightings: Vec<Sighting<'a>> = answered.chain(failed.iter().copied()).collect();
    sightings.sort_unstable();
    let mut seen: BTreeSet<(Option<&str>, &str)> = BTreeSet::new();
    let mut latest: BTreeMap<Option<&str>, (&'a str, i64)> = BTreeMap::new();
    let mut out = Vec::new();
    for (at_ms, environment, deployment) in sightings {
        let before = latest.insert(environment, (deployment, at_ms));
        // Both in one minute is no change: the log began with both.
        if seen.insert((environment, deployment))
            && let Some((from, before_ms)) = before.filter(|(_, before_ms)| *before_ms < at_ms)
        {
            out.push(Change { from, to: deployment, before_ms, first_ms: at_ms });
        }
    }
    out
}

/// Refused logins and missing relations that only one side of a change knows.
pub(super) fn drift<'a>(
    members: &BTreeMap<&'a str, Vec<&Seen<'_>>>,
    changes: &[Change<'_>],
    said: &mut Said<'a>,
) {
    let mut to: BTreeMap<&str, &Change<'_>> = BTreeMap::new();
    let mut from: BTreeMap<&str, &Change<'_>> = BTreeMap::new();
    for change in changes {
        to.entry(change.to).or_insert(change);
        from.entry(change.from).or_insert(change);
    }
    for (incident, members) in members {
        let Some(first) = members.first().filter(|_| members.len() >= LEAST) else { continue };
        let Some(deployment) = first.deployment else { continue };
        if members.iter().any(|one| one.deployment != Some(deployment)) {
            continue;
        }
        let number = members.len();
        let within = |change: &&&Change<'_>, most: i64| first.at_ms.saturating_sub(change.before_ms) <= most;
        let seen = |change: &Change<'_>| {
            format!(
                "deployment {}, first seen {} after {}",
                change.to,
                span(change.first_ms.saturating_sub(change.before_ms)),
                change.from
            )
        };
        let sentence = if first.is_connectivity(&["auth"]) {
            let new = to.get(deployment).filter(|change| within(change, SECRET_MS)).map(|change| {
                format!(
                    "secret out of sync between instances: all {number} requests are of {}, which does not fail so; \
                     the two probably hold different credentials",
                    seen(change)
                )
            });
            let old = || {
                let change = from
                    .get(deployment)
                    .filter(|change| first.at_ms >= change.first_ms && within(change, SECRET_MS))?;
                Some(format!(
                    "secret out of sync between instances: all {number} requests are of deployment {deployment} and come after {}; \
                     the newer one does not fail so, the older probably still holds the secret from before",
                    seen(change)
                ))
            };
            new.or_else(old)
        } else if first.rule.is_some_and(|rule| rule.class == Class::Route && rule.subclass == "schema") {
            to.get(deployment).filter(|change| within(change, SCHEMA_MS)).map(|change| {
                format!(
                    "schema drift: all {number} requests are of {}, which does not fail so; \
                     a migration that this deployment needs has probably not been applied",
                    seen(change)
                )
            })
        } else {
            None
        };
        if let Some(sentence) = sentence {
            said.entry(incident).or_default().push(sentence);
        }
    }
}
