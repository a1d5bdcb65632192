//! Dependencies: several that one instance cannot reach at once, one that no instance could reach for a time, and one
//! whose primary moves.

use std::collections::{BTreeMap, BTreeSet};

use super::deployments::Change;
use super::{Distinct, Said, Seen, TOGETHER_MS, span};
use crate::diagnose::private::is_public;
use crate::format::time::rfc3339;

/// Targets that make a fault one of the environment.
const TARGETS: usize = 2;
/// Failures that it takes at least.
const FAILURES: usize = 3;
/// Targets that are named.
const NAMED: usize = 3;
/// Instances on which an outage is seen at least.
const INSTANCES: usize = 3;
/// Sessions that a failover ends at least.
const SESSIONS: usize = 2;

/// The cause of a write that met a replica.
pub(super) const READ_ONLY: &str = "database-read-only-node";
/// Causes of a session that ended under the client, by kind of database.
pub(super) const LOST: [(Kind, &[&str]); 3] = [
    (
        Kind::Sql,
        &[
            "database-session-killed",
            "database-starting-or-stopping",
            "postgres-connection-terminated",
            "mysql-connection-lost",
        ],
    ),
    (Kind::Redis, &["redis-connection-closed"]),
    (Kind::Mongo, &["mongodb-connection-lost"]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sql,
    Redis,
    Mongo,
}

/// What an instance could not reach in one stretch of time.
struct Fault<'a> {
    at_ms: i64,
    instance: &'a str,
    targets: Vec<String>,
    others: usize,
    took_ms: i64,
    /// All targets are of the public internet, and none answered in time.
    only_public: bool,
}

/// Different targets that began to fail with timeouts or name resolution on one instance within a minute; with them all
/// hosts concerned.
pub(super) fn environment<'a>(all: &[Seen<'a>]) -> (Said<'a>, BTreeSet<String>) {
    let private = all.iter().find_map(|one| one.private_answer);
    let mut per_instance: BTreeMap<&str, Vec<&Seen<'a>>> = BTreeMap::new();
    for one in all.iter().filter(|one| one.target.is_some() && one.is_connectivity(&["timeout", "dns"])) {
        for instance in &one.instances {
            per_instance.entry(instance).or_default().push(one);
        }
    }
    let mut faults: Vec<Fault<'a>> = Vec::new();
    // Of every incident the first fault, and on how many instances there is one.
    let mut concerned: BTreeMap<&'a str, (usize, &str, u64)> = BTreeMap::new();
    let mut hosts = BTreeSet::new();
    for (instance, failures) in per_instance {
        for chain in failures.chunk_by(|a, b| b.at_ms.saturating_sub(a.at_ms) <= TOGETHER_MS) {
            let Some((fault, part)) = fault(instance, chain) else { continue };
            let number = faults.len();
            for one in part {
                hosts.extend(one.target.as_ref().map(|target| target.host.clone()));
                let entry = concerned.entry(one.incident).or_insert((number, instance, 1));
                if entry.1 != instance {
                    (entry.1, entry.2) = (instance, entry.2 + 1);
                }
                let known = faults.get(entry.0).map(|known| (known.at_ms, known.instance));
                if known.is_some_and(|known| (fault.at_ms, fault.instance) < known) {
                    entry.0 = number;
                }
            }
            faults.push(fault);
        }
    }
    let sentence = |(number, _, instances): (usize, &str, u64)| {
        let fault = faults.get(number)?;
        let more = if fault.others > 0 { format!(" and {} more", fault.others) } else { String::new() };
        let also = if instances > 1 {
            format!(", and so on {} more instances", instances - 1)
        } else {
            String::new()
        };
        let seen = format!(
            "{}{more} failed on instance {} within {}{also}",
            fault.targets.join(", "),
            fault.instance,
            span(fault.took_ms)
        );
        Some(match private.filter(|_| fault.only_public) {
            Some(address) => format!(
                "only public targets hang, {address} of the private network answers: the subnets of this function have no way \
                 to the internet (NAT gateway, or VPC endpoints for what it calls): {seen}"
            ),
            None => format!(
                "one fault of this environment: {seen}; look at its resolver and way out (NAT, routes, security groups) \
                 before any single target"
            ),
        })
    };
    let said = concerned
        .into_iter()
        .filter_map(|(incident, concern)| Some((incident, vec![sentence(concern)?])))
        .collect();
    (said, hosts)
}

/// The fault that a stretch of failures of one instance shows, with the failures that belong to it.
fn fault<'s, 'a>(instance: &'a str, chain: &[&'s Seen<'a>]) -> Option<(Fault<'a>, Vec<&'s Seen<'a>>)> {
    let from = chain.first()?.at_ms;
    let mut names: BTreeMap<&Distinct, (i64, &str)> = BTreeMap::new();
    for one in chain {
        if let Some(target) = &one.target {
            names.entry(&target.distinct).or_insert((one.at_ms, &target.host));
        }
    }
    // One that failed long before the others has a fault of its own.
    names.retain(|_, (first, _)| first.saturating_sub(from) <= TOGETHER_MS);
    let count = |keep: fn(&Distinct) -> bool| names.keys().filter(|one| keep(one)).count();
    let is_name = |one: &Distinct| matches!(one, Distinct::Name(_));
    let is_port = |one: &Distinct| matches!(one, Distinct::Port(_));
    // A name and an address may be one target, so each kind is counted for itself.
    let (by_name, by_port) = (count(is_name) >= TARGETS, count(is_port) >= TARGETS);
    names.retain(|one, _| (by_name && is_name(one)) || (by_port && is_port(one)));
    let part: Vec<&Seen<'a>> = chain
        .iter()
        .filter(|one| one.target.as_ref().is_some_and(|target| names.contains_key(&target.distinct)))
        .copied()
        .collect();
    if names.is_empty() || part.len() < FAILURES {
        return None;
    }
    let only_public = part.iter().all(|one| {
        one.is_connectivity(&["timeout"]) && one.target.as_ref().is_some_and(|target| is_public(&target.host))
    });
    let last = names.values().map(|(first, _)| *first).max()?;
    let mut targets: Vec<(i64, String)> = names
        .iter()
        .map(|(distinct, (first, host))| match distinct {
            Distinct::Port(port) => (*first, format!("{host}:{port}")),
            _ => (*first, (*host).to_owned()),
        })
        .collect();
    targets.sort();
    let others = targets.len().saturating_sub(NAMED);
    let targets = targets.into_iter().take(NAMED).map(|(_, name)| name).collect();
    let took_ms = last.saturating_sub(from);
    Some((Fault { at_ms: from, instance, targets, others, took_ms, only_public }, part))
}

/// Targets that failed on several instances at once and then no more, although the log goes on and no deployment changed.
/// Those of a fault of the environment are left out.
pub(super) fn outages<'a>(
    all: &[Seen<'a>],
    environment: &BTreeSet<String>,
    changes: &[Change<'_>],
    ends_ms: Option<i64>,
) -> Said<'a> {
    let mut per_host: BTreeMap<&str, Vec<&Seen<'a>>> = BTreeMap::new();
    let is_outage =
        |one: &&Seen<'_>| one.is_connectivity(&["refused", "timeout", "upstream", "reset", "dns"]);
    for one in all.iter().filter(is_outage) {
        if let Some(target) = one.target.as_ref().filter(|target| !environment.contains(&target.host)) {
            per_host.entry(&target.host).or_default().push(one);
        }
    }
    let mut said = Said::new();
    for (host, failures) in per_host {
        let Some((sentence, incidents)) = outage(host, &failures, changes, ends_ms) else { continue };
        for incident in incidents {
            said.entry(incident).or_default().push(sentence.clone());
        }
    }
    said
}

fn outage<'a>(
    host: &str,
    failures: &[&Seen<'a>],
    changes: &[Change<'_>],
    ends_ms: Option<i64>,
) -> Option<(String, BTreeSet<&'a str>)> {
    let (first, last) = (failures.first()?.at_ms, failures.last()?.at_ms);
    let mut instances: BTreeMap<&str, i64> = BTreeMap::new();
    for one in failures {
        for instance in &one.instances {
            instances.entry(instance).or_insert(one.at_ms);
        }
    }
    let began = |at: &&i64| at.saturating_sub(first) <= TOGETHER_MS;
    let at_once = instances.values().filter(began).count();
    let took = instances.values().filter(began).max()?.saturating_sub(first);
    // Silence means something only where it is longer than any before it.
    let gap = failures.windows(2).map(|pair| match pair {
        [a, b] => b.at_ms.saturating_sub(a.at_ms),
        _ => 0,
    });
    let usual = gap.max().unwrap_or_default().max(TOGETHER_MS);
    let silence = ends_ms?.saturating_sub(last);
    let next = changes.partition_point(|change| change.first_ms < first);
    if at_once < INSTANCES || silence <= usual || next < changes.len() {
        return None;
    }
    let sentence = format!(
        "outage of a dependency: {host} failed on {at_once} instances within {}, last at {}, then no more for the {} that the log goes on, \
         and no new deployment is seen since; look at the dependency, not at pools or at this release",
        span(took),
        rfc3339(last),
        span(silence)
    );
    Some((sentence, failures.iter().map(|one| one.incident).collect()))
}

/// Writes that met a replica within a minute of sessions that the database ended.
pub(super) fn failover<'a>(all: &[Seen<'a>]) -> Said<'a> {
    let mut said = Said::new();
    for (kind, lost) in LOST {
        let refused: Vec<&Seen<'a>> =
            all.iter().filter(|one| one.has_rule(&[READ_ONLY]) && kind_of(one.text) == kind).collect();
        let times: Vec<i64> = refused.iter().map(|one| one.at_ms).collect();
        let is_near = |one: &&Seen<'a>| {
            let after = times.partition_point(|at| *at < one.at_ms.saturating_sub(TOGETHER_MS));
            times.get(after).is_some_and(|at| at.saturating_sub(one.at_ms) <= TOGETHER_MS)
        };
        let ended: Vec<&Seen<'a>> = all.iter().filter(|one| one.has_rule(lost)).filter(is_near).collect();
        if ended.len() < SESSIONS {
            continue;
        }
        let sentence = format!(
            "failover in progress: {} requests lost their connection within {} s of a write that a replica refused; \
             drop pooled connections and connect again to the primary's address",
            ended.len(),
            TOGETHER_MS / 1000
        );
        let incidents: BTreeSet<&str> = refused.iter().chain(&ended).map(|one| one.incident).collect();
        for incident in incidents {
            said.entry(incident).or_default().push(sentence.clone());
        }
    }
    said
}

/// Which database says that a node takes no writes.
fn kind_of(text: &str) -> Kind {
    if ["READONLY", "ReadOnlyError", "MASTERDOWN", "CLUSTERDOWN", "ClusterDownError"]
        .iter()
        .any(|word| text.contains(word))
    {
        Kind::Redis
    } else if ["rimary", "not master"].iter().any(|word| text.contains(word)) {
        Kind::Mongo
    } else {
        Kind::Sql
    }
}
