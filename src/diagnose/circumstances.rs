//! What the failed requests of a run say together of an incident: bursts of new instances, a change of deployment, an
//! outage that many instances saw, a fault that one instance has alone.
//!
//! It runs after the merge, over all failed requests, and states circumstances in plain words (`contributing`). It never
//! gives a request a class or a cause, and takes none away: that rests on the request's own lines. Of healthy requests
//! it is known only which deployment answered in which minute, so nothing else is said of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::judge::Judged;
use crate::correlate::traffic::Cell;
use crate::rules::RuleSet;
use crate::rules::model::{Class, Rule};

mod dependencies;
mod deployments;
mod instances;
#[cfg(test)]
mod tests;

/// Time in which what happens in several places is one event, in milliseconds.
const TOGETHER_MS: i64 = 60_000;
/// Sentences of one incident.
const MOST: usize = 5;

/// Sentences by incident.
type Said<'a> = BTreeMap<&'a str, Vec<String>>;

/// The circumstances of every incident, by its fingerprint. `window_ms` are the first and last time in the log,
/// `traffic` tells when which deployment answered.
///
/// A function of the set of requests: their order does not matter.
pub fn of(
    judged: &[Judged],
    rules: &RuleSet,
    window_ms: Option<(i64, i64)>,
    traffic: &[Cell],
) -> BTreeMap<String, Vec<String>> {
    let all = seen(judged, rules);
    let mut members: BTreeMap<&str, Vec<&Seen<'_>>> = BTreeMap::new();
    for one in &all {
        members.entry(one.incident).or_default().push(one);
    }
    let mut said = instances::cold_bursts(judged, rules);
    instances::crowds(&members, &mut said);
    let (faults, targets) = dependencies::environment(&all);
    merge(&mut said, faults);
    merge(&mut said, last_words(judged));
    let changes = deployments::changes(&all, traffic);
    let ends_ms = window_ms.map(|(_, to)| to);
    merge(&mut said, dependencies::outages(&all, &targets, &changes, ends_ms));
    merge(&mut said, dependencies::failover(&all));
    instances::alone(&all, &members, &mut said);
    deployments::drift(&members, &changes, &mut said);
    let owned = |(incident, mut sentences): (&str, Vec<String>)| {
        sentences.truncate(MOST);
        (incident.to_owned(), sentences)
    };
    said.into_iter().map(owned).collect()
}

/// How many requests of an incident rest on what their backend printed outside of them, and what ties it to them.
fn last_words(judged: &[Judged]) -> Said<'_> {
    let mut counts: BTreeMap<&str, (usize, usize, bool)> = BTreeMap::new();
    for one in judged {
        let (told, all, named) = counts.entry(one.fingerprint.as_str()).or_insert((0, 0, true));
        *told += usize::from(!one.last_words.is_empty());
        *named &= one.last_words.is_empty() || one.backend_named;
        *all += 1;
    }
    let sentence = |(told, all, named): (usize, usize, bool)| {
        let which =
            if told == all { "these requests".to_owned() } else { format!("{told} of {all} requests") };
        let ties = if named { "time and the name of the backend tie" } else { "time ties" };
        format!(
            "the cited error was printed outside any request, by a program that ended or failed just before: {ties} it to {which}, no ID"
        )
    };
    counts
        .into_iter()
        .filter(|(_, (told, ..))| *told > 0)
        .map(|(incident, counts)| (incident, vec![sentence(counts)]))
        .collect()
}

fn merge<'a>(said: &mut Said<'a>, more: Said<'a>) {
    for (incident, sentences) in more {
        said.entry(incident).or_default().extend(sentences);
    }
}

/// What counts here of a failed request with a time.
struct Seen<'a> {
    at_ms: i64,
    incident: &'a str,
    /// None of an unclassified one.
    rule: Option<&'a Rule>,
    target: Option<Target>,
    deployment: Option<&'a str>,
    environment: Option<&'a str>,
    instances: Vec<&'a str>,
    pool_max: Option<u64>,
    /// A machine of a private network that answered it.
    private_answer: Option<&'a str>,
    /// First line of its evidence.
    text: &'a str,
}

impl Seen<'_> {
    /// Whether its cause is a fault of a connection of one of these kinds.
    fn is_connectivity(&self, subclasses: &[&str]) -> bool {
        self.rule.is_some_and(|rule| {
            rule.class == Class::Connectivity && subclasses.contains(&rule.subclass.as_str())
        })
    }

    fn has_rule(&self, ids: &[&str]) -> bool {
        self.rule.is_some_and(|rule| ids.contains(&rule.id.as_str()))
    }
}

/// What a request could not reach.
struct Target {
    host: String,
    /// What tells it from other targets for sure: the name, of a bare address the port, because one name may have many
    /// addresses.
    distinct: Distinct,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Distinct {
    Name(String),
    Port(String),
    Nothing,
}

/// All failed requests that have a time, in a total order.
fn seen<'a>(judged: &'a [Judged], rules: &'a RuleSet) -> Vec<Seen<'a>> {
    let mut per_stream: BTreeMap<&str, u32> = BTreeMap::new();
    for stream in judged.iter().flat_map(|one| &one.streams) {
        *per_stream.entry(stream).or_default() += 1;
    }
    // Some platforms name a stream for every request. Streams are instances where one serves several requests.
    let are_instances = per_stream.values().any(|requests| *requests > 1);
    let one_seen = |one: &'a Judged| {
        let mut instances: Vec<&str> = Vec::new();
        if are_instances || one.cold {
            instances.extend(one.streams.iter().map(String::as_str));
        }
        if instances.is_empty() && one.cold {
            instances.extend(one.id.as_deref());
        }
        Some(Seen {
            at_ms: one.first_ms?,
            incident: &one.fingerprint,
            rule: one.diagnosis.rule.and_then(|rule| rules.by_index(rule)),
            target: target(&one.captures),
            deployment: one.deployment.as_deref(),
            environment: one.captures.get("environment").map(String::as_str),
            instances,
            pool_max: one.captures.get("pool_max").and_then(|max| max.parse().ok()),
            private_answer: one.private_answer.as_deref(),
            text: one.evidence.first().map_or("", |(_, _, text)| text),
        })
    };
    let mut all: Vec<(Option<&str>, Seen<'_>)> =
        judged.iter().filter_map(|one| Some((one.id.as_deref(), one_seen(one)?))).collect();
    all.sort_by(|(a_id, a), (b_id, b)| {
        (a.at_ms, a.incident, a_id, a.deployment, &a.instances, a.text).cmp(&(
            b.at_ms,
            b.incident,
            b_id,
            b.deployment,
            &b.instances,
            b.text,
        ))
    });
    all.into_iter().map(|(_, one)| one).collect()
}

/// The target that a rule captured; none where it is this machine itself.
fn target(captures: &BTreeMap<String, String>) -> Option<Target> {
    let host = captures.get("host")?.to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    if host.is_empty()
        || host == "localhost"
        || address.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified())
    {
        return None;
    }
    let distinct = match (address, captures.get("port")) {
        (None, _) => Distinct::Name(host.clone()),
        (Some(_), Some(port)) => Distinct::Port(port.clone()),
        (Some(_), None) => Distinct::Nothing,
    };
    Some(Target { host, distinct })
}

/// Where the window of [`TOGETHER_MS`] with the most of these sorted times begins, and how many there are.
fn densest(times: &[i64]) -> Option<(usize, usize)> {
    let mut from = 0;
    let mut best: Option<(usize, usize)> = None;
    for (to, at) in times.iter().enumerate() {
        while times.get(from).is_some_and(|first| at.saturating_sub(*first) > TOGETHER_MS) {
            from += 1;
        }
        let count = to + 1 - from;
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((from, count));
        }
    }
    best
}

/// A span of time in words.
fn span(ms: i64) -> String {
    let seconds = ms as f64 / 1000.0;
    if seconds < 120.0 { format!("{seconds:.1} s") } else { format!("{:.0} min", seconds / 60.0) }
}

/// Instances of some failures.
fn instances_of<'a>(failures: &[&Seen<'a>]) -> BTreeSet<&'a str> {
    failures.iter().flat_map(|one| one.instances.iter().copied()).collect()
}
