//! Requests to a report: every failed request is diagnosed, those with one fingerprint become an incident, and all of it
//! is put in a total order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use super::Engine;
use super::totals::{losses, remarks_on, totals};
use crate::correlate::partial::Partial;
use crate::correlate::table::{MAX_ROUTES, Requests};
use crate::diagnose::fold::Folder;
use crate::diagnose::judge::{Judged, evidence, judge};
use crate::diagnose::weigh::round;
use crate::diagnose::{circumstances, gaps, incident, last_words, neighbours, onset, segments, triage};
use crate::format::time::rfc3339;
use crate::record::{CorrelationId, IdKind, Position, ids};
use crate::redact::{Keep, Redactor};
use crate::report::model::{
    Alias, Correlation, Evidence, Failure, Incident, Outside, Place, Report, Rival, RouteCount, SCHEMA,
    Source, Tool, TriageStep, Verdict, Window,
};
use crate::rules::RuleSet;
use crate::rules::model::Class;
use crate::rules::template::fill;

/// Evidence lines of one incident.
const INCIDENT_EVIDENCE: usize = 6;
/// Correlation IDs that an incident lists.
const INCIDENT_IDS: usize = 20;
/// Longest evidence text, in characters.
const EVIDENCE_CHARS: usize = 400;
/// Causes outside any request that are shown.
const OUTSIDE: usize = 5;
/// Rivals that are shown.
const RIVALS: usize = 5;

/// The report of a run.
pub fn report(
    engine: &Engine,
    folder: &Folder<'_>,
    mut requests: Requests,
    sources: Vec<Source>,
    mut remarks: Vec<String>,
    parallel: bool,
) -> Report {
    let rules = &engine.rules;
    let failed = requests.failed.len() as u64;
    let witnesses = last_words::witnesses(std::mem::take(&mut requests.outside), folder, rules);
    let judge = |partial: Partial| judge(partial, folder, rules, &witnesses);
    let mut judged: Vec<Judged> = if parallel {
        std::mem::take(&mut requests.failed).into_par_iter().map(judge).collect()
    } else {
        std::mem::take(&mut requests.failed).into_iter().map(judge).collect()
    };
    let redactor = redactor(engine, &judged);
    neighbours::infer(&mut judged);
    let circumstances = circumstances::of(&judged, rules, requests.window_ms, &requests.traffic.cells);
    segments::forget_unknown_starts(&mut judged, &mut requests.traffic.sample);
    let segments = segments::of(&judged, &requests.traffic, requests.losses.forgotten == 0);
    let onsets = onset::of(&judged, &requests.traffic, &segments, requests.losses.forgotten == 0);
    let view = &engine.options.view;
    if view.is_narrow() {
        judged.retain(|one| {
            let class = class_of(one.diagnosis.rule, rules);
            view.route
                .as_ref()
                .is_none_or(|route| one.route.as_deref().unwrap_or_default().contains(route.as_str()))
                && (view.classes.is_empty() || view.classes.contains(&class))
                && view.since_ms.is_none_or(|since| one.first_ms.is_some_and(|at| at >= since))
                && view.until_ms.is_none_or(|until| one.first_ms.is_some_and(|at| at < until))
        });
        remarks.push(format!("narrowed view: {} of {failed} failed requests are shown", judged.len()));
    }
    let losses = losses(
        std::mem::take(&mut requests.losses),
        requests.entries.as_ref().and_then(|entries| entries.trouble()),
    );
    let totals = totals(&requests, failed, &losses);
    remarks.extend(remarks_on(&losses));
    if requests.other_routes > 0 {
        remarks.push(format!(
            "{} requests are counted as one route: there are more than {MAX_ROUTES} routes",
            requests.other_routes
        ));
    }
    let names_of =
        |one: &Judged| one.id.iter().chain(one.aliases.iter().map(|id| &id.text)).any(|id| ids::was_cut(id));
    let cut = judged.iter().filter(|one| names_of(one)).count();
    if cut > 0 {
        remarks.push(format!(
            "IDs of {cut} failed requests are longer than {} bytes; shown is their beginning and a hash",
            ids::MAX_ID_BYTES
        ));
    }
    remarks.sort();
    remarks.dedup();
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let writer = Writer { rules, redactor: &redactor, names: &names, per_route: &requests.per_route };
    let mut texts = HashMap::new();
    let failure = |one: &mut Judged| {
        let dimensions = writer.dimensions(std::mem::take(&mut one.dimensions), &mut texts);
        writer.failure(one, dimensions)
    };
    let failures: Vec<Failure> = judged.iter_mut().map(failure).collect();
    let mut incidents = writer.incidents(&judged, &failures, failed);
    for incident in &mut incidents {
        let said = circumstances.get(&incident.id).into_iter().flatten();
        let addresses: Vec<&str> = incident.captures.values().map(String::as_str).collect();
        let keep = Keep { addresses: &addresses, id: None };
        incident.contributing = said.map(|sentence| writer.text_but(sentence, keep)).collect();
        incident.onset = onsets.get(&incident.id).map(|onset| writer.onset(onset));
        incident.segments = segments.get(&incident.id).map_or_else(Vec::new, |found| writer.segments(found));
    }
    let mut gaps = gaps::of(&judged, rules);
    for gap in &mut gaps {
        gap.family = gap.family.take().map(|family| writer.text(&family));
    }
    let outside_requests = writer.outside(&witnesses, &judged);
    let routes = writer.routes(judged.iter());
    let traffic = writer.traffic(requests.traffic);
    Report {
        schema: SCHEMA,
        tool: Tool { name: "why500", version: env!("CARGO_PKG_VERSION"), ruleset: rules.hash() },
        partial: false,
        sources,
        window: Window {
            from: requests.window_ms.map(|(from, _)| rfc3339(from)),
            to: requests.window_ms.map(|(_, to)| rfc3339(to)),
        },
        requests: totals,
        routes,
        traffic,
        incidents,
        outside_requests,
        slo: None,
        gaps,
        known: Default::default(),
        remarks,
        failures,
    }
}

/// How the lines of a request were joined.
pub(super) fn correlation(kind: IdKind, aliases: &[CorrelationId]) -> Correlation {
    let aliases = aliases.iter().map(|id| Alias { id: id.text.clone(), kind: id.kind.as_str() }).collect();
    Correlation { kind: kind.as_str(), certainty: kind.certainty(), aliases }
}

fn class_of(rule: Option<u16>, rules: &RuleSet) -> Class {
    rule.and_then(|rule| rules.by_index(rule)).map_or(Class::Unclassified, |rule| rule.class)
}

/// The redactor of a run. Its key depends on the failed requests' records alone, so it is the same however the input
/// was split, ordered or repeated.
pub(super) fn redactor(engine: &Engine, judged: &[Judged]) -> Redactor {
    if engine.options.no_redact {
        return Redactor::off();
    }
    if let Some(key) = &engine.options.redact_key {
        return Redactor::new(key.as_bytes()).with_own(&engine.options.redact_patterns);
    }
    let mut hasher = blake3::Hasher::new();
    for one in judged {
        hasher.update(one.id.as_deref().unwrap_or_default().as_bytes());
        hasher.update(&one.identities.to_le_bytes());
    }
    Redactor::new(hasher.finalize().as_bytes()).with_own(&engine.options.redact_patterns)
}

/// Failed and all requests per route, most failures first.
fn route_counts<'a>(
    routes: impl Iterator<Item = &'a str>,
    totals: &BTreeMap<String, u64>,
) -> Vec<RouteCount> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for route in routes {
        *counts.entry(route).or_default() += 1;
    }
    let mut out: Vec<RouteCount> = counts
        .into_iter()
        .map(|(route, requests)| RouteCount {
            route: route.to_owned(),
            requests,
            total: totals.get(route).copied().unwrap_or(requests).max(requests),
        })
        .collect();
    out.sort_by(|a, b| b.requests.cmp(&a.requests).then(a.route.cmp(&b.route)));
    out
}

/// A failed request in its incident.
#[derive(Clone, Copy)]
struct Member<'a> {
    one: &'a Judged,
    /// Its decisive lines as they are shown.
    evidence: &'a [Evidence],
}

/// Writes judged requests in the words of the report, redacted.
pub(super) struct Writer<'a> {
    pub(super) rules: &'a RuleSet,
    pub(super) redactor: &'a Redactor,
    pub(super) names: &'a [&'a str],
    pub(super) per_route: &'a BTreeMap<String, u64>,
}

impl Writer<'_> {
    pub(super) fn text(&self, text: &str) -> String {
        self.text_but(text, Keep::default())
    }

    /// As [`Writer::text`], but what is to be kept stays.
    pub(super) fn text_but(&self, text: &str, keep: Keep<'_>) -> String {
        let clean = crate::redact::printable::printable(text);
        let redacted = self.redactor.redact_but(&clean, keep);
        match redacted.char_indices().nth(EVIDENCE_CHARS) {
            Some((end, _)) => format!("{}…", &redacted[..end]),
            None => redacted.into_owned(),
        }
    }

    pub(super) fn map(&self, map: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        // A bare address that a rule captured is what the fix is about: a host, or one's own that is to be let in.
        let kept = |value: &String| self.text_but(value, Keep { addresses: &[value.as_str()], id: None });
        map.iter().map(|(key, value)| (key.clone(), kept(value))).collect()
    }

    pub(super) fn place(&self, at: Position) -> String {
        self.names.get(at.source as usize).copied().unwrap_or("?").to_owned()
    }

    fn evidence(&self, one: &Judged) -> Vec<Evidence> {
        let addresses: Vec<&str> = one.captures.values().map(String::as_str).collect();
        let keep = Keep { addresses: &addresses, id: one.id.as_deref() };
        one.evidence
            .iter()
            .map(|(at, time_ms, text)| Evidence {
                source: self.place(*at),
                line: at.line,
                time: time_ms.map(rfc3339),
                correlation_id: one.id.clone().filter(|_| !one.last_words.contains(at)),
                text: self.text_but(text, keep),
            })
            .collect()
    }

    fn routes<'j>(&self, judged: impl Iterator<Item = &'j Judged>) -> Vec<RouteCount> {
        let mut counts = route_counts(judged.filter_map(|one| one.route.as_deref()), self.per_route);
        for count in &mut counts {
            count.route = self.text(&count.route);
        }
        counts
    }

    fn failure(&self, one: &Judged, dimensions: BTreeMap<String, String>) -> Failure {
        let rule = one.diagnosis.rule.and_then(|rule| self.rules.by_index(rule));
        Failure {
            correlation_id: one.id.clone(),
            correlation: correlation(one.kind, &one.aliases),
            time: one.first_ms.map(rfc3339),
            method: one.method.clone(),
            route: one.route.as_deref().map(|route| self.text(route)),
            status: one.status,
            class: rule.map_or(Class::Unclassified, |rule| rule.class),
            subclass: rule.map(|rule| rule.subclass.clone()).unwrap_or_default(),
            cause: rule.map(|rule| rule.id.clone()),
            confidence: one.diagnosis.confidence,
            incident: one.fingerprint.clone(),
            dimensions,
            evidence: self.evidence(one),
            next_step: one.next_step.clone(),
            inferred_from: one.inferred_from.clone(),
        }
    }

    fn incidents(&self, judged: &[Judged], failures: &[Failure], failed: u64) -> Vec<Incident> {
        let mut groups: BTreeMap<&str, Vec<Member<'_>>> = BTreeMap::new();
        for (one, failure) in judged.iter().zip(failures) {
            groups.entry(&one.fingerprint).or_default().push(Member { one, evidence: &failure.evidence });
        }
        let mut incidents: Vec<Incident> =
            groups.into_iter().map(|(id, members)| self.incident(id, &members, failed)).collect();
        incidents.sort_by(|a, b| {
            let weight = |incident: &Incident| incident.requests as f64 * incident.confidence;
            a.cause
                .is_none()
                .cmp(&b.cause.is_none())
                .then(weight(b).total_cmp(&weight(a)))
                .then(b.requests.cmp(&a.requests))
                .then(a.class.cmp(&b.class))
                .then(a.id.cmp(&b.id))
        });
        for (index, incident) in incidents.iter_mut().enumerate() {
            incident.rank = index as u32 + 1;
        }
        incidents
    }

    fn incident(&self, id: &str, group: &[Member<'_>], failed: u64) -> Incident {
        let members: Vec<&Judged> = group.iter().map(|member| member.one).collect();
        // The request that shows it best: highest confidence, then first in time.
        let best = members
            .iter()
            .enumerate()
            .min_by(|(i, a), (j, b)| b.diagnosis.confidence.total_cmp(&a.diagnosis.confidence).then(i.cmp(j)))
            .map_or(0, |(index, _)| index);
        let (shown, best) = (&group[best], members[best]);
        let rule = best.diagnosis.rule.and_then(|rule| self.rules.by_index(rule));
        let inferred: BTreeSet<&str> =
            members.iter().filter_map(|one| one.inferred_from.as_deref()).collect();
        let captures = self.map(&common_captures(&members));
        // One request's captures, so that a host goes with its own port.
        let own = self.map(&best.captures);
        let subject = self.map(&best.subject);
        let mut evidence: Vec<Evidence> = Vec::new();
        let mut texts = BTreeSet::new();
        for line in std::iter::once(shown).chain(group).flat_map(|member| member.evidence) {
            if evidence.len() == INCIDENT_EVIDENCE {
                break;
            }
            if texts.insert(incident::mask(&line.text)) {
                evidence.push(line.clone());
            }
        }
        let mut rivals: BTreeMap<u16, (u64, f64)> = BTreeMap::new();
        for one in &members {
            for (rule, confidence) in &one.diagnosis.rivals {
                let entry = rivals.entry(*rule).or_default();
                entry.0 += 1;
                entry.1 = entry.1.max(*confidence);
            }
        }
        let mut rivals: Vec<(u64, Rival)> = rivals
            .into_iter()
            .filter_map(|(rule, (count, confidence))| {
                let cause = self.rules.by_index(rule)?.id.clone();
                Some((count, Rival { cause, confidence: round(confidence) }))
            })
            .collect();
        rivals.sort_by(|(a, x), (b, y)| {
            b.cmp(a).then(y.confidence.total_cmp(&x.confidence)).then(x.cause.cmp(&y.cause))
        });
        let mut status: BTreeMap<String, u64> = BTreeMap::new();
        for one in &members {
            *status.entry(one.status.map_or("none".to_owned(), |code| code.to_string())).or_default() += 1;
        }
        let mean = members.iter().map(|one| one.diagnosis.confidence).sum::<f64>() / members.len() as f64;
        let times = || members.iter().filter_map(|one| one.first_ms);
        let deployments: BTreeSet<String> = members.iter().filter_map(|one| one.deployment.clone()).collect();
        let ids: Vec<String> = members.iter().filter_map(|one| one.id.clone()).take(INCIDENT_IDS).collect();
        Incident {
            rank: 0,
            id: id.to_owned(),
            class: rule.map_or(Class::Unclassified, |rule| rule.class),
            subclass: rule.map(|rule| rule.subclass.clone()).unwrap_or_default(),
            cause: rule.map(|rule| rule.id.clone()),
            title: match rule {
                Some(rule) => rule.title.clone(),
                None => best.evidence.first().map_or("No message".to_owned(), |(_, _, text)| self.text(text)),
            },
            meaning: rule.map_or("No evidence names a cause.".to_owned(), |rule| fill(&rule.meaning, &own)),
            subject,
            confidence: round(mean),
            requests: members.len() as u64,
            share: round(members.len() as f64 / failed.max(1) as f64),
            routes: self.routes(members.iter().copied()),
            status,
            first_seen: times().min().map(rfc3339),
            last_seen: times().max().map(rfc3339),
            deployments: deployments.into_iter().collect(),
            evidence,
            rivals: rivals.into_iter().take(RIVALS).map(|(_, rival)| rival).collect(),
            triage: best.steps.iter().map(|step| self.step(step)).collect(),
            correlation_ids: ids,
            fix: rule
                .map_or_else(|| best.next_step.clone().unwrap_or_default(), |rule| fill(&rule.fix, &own)),
            prevention: rule.map(|rule| fill(&rule.prevention, &own)).unwrap_or_default(),
            references: rule.map(|rule| rule.references.clone()).unwrap_or_default(),
            contributing: Vec::new(),
            onset: None,
            segments: Vec::new(),
            inferred_from: inferred.into_iter().map(str::to_owned).collect(),
            captures,
        }
    }

    /// What the rules say of errors outside any request, one entry a cause; not of those that explain a request.
    fn outside(&self, witnesses: &[last_words::Witness], judged: &[Judged]) -> Vec<Outside> {
        let explaining: BTreeSet<Position> =
            judged.iter().flat_map(|one| one.last_words.iter().copied()).collect();
        let mut out: Vec<Outside> = Vec::new();
        for last_words::Witness { lines, diagnosis, .. } in witnesses {
            if lines.iter().any(|line| explaining.contains(&line.at)) {
                continue;
            }
            let Some(rule) = diagnosis.rule.and_then(|rule| self.rules.by_index(rule)) else { continue };
            if let Some(seen) = out.iter_mut().find(|one| one.cause == rule.id) {
                seen.records += 1;
                continue;
            }
            let Some((at, time_ms, text)) = evidence(diagnosis, lines, None).into_iter().next() else {
                continue;
            };
            if out.len() < OUTSIDE {
                out.push(Outside {
                    class: rule.class,
                    cause: rule.id.clone(),
                    title: rule.title.clone(),
                    records: 1,
                    evidence: Evidence {
                        source: self.place(at),
                        line: at.line,
                        time: time_ms.map(rfc3339),
                        correlation_id: None,
                        text: self.text(&text),
                    },
                    fix: fill(&rule.fix, &self.map(&diagnosis.captures)),
                });
            }
        }
        out
    }

    pub(super) fn step(&self, step: &triage::Step) -> TriageStep {
        let cited = step.cites.map(|at| format!(" ({}:{})", self.place(at), at.line)).unwrap_or_default();
        TriageStep {
            step: step.step,
            verdict: match step.verdict {
                triage::Verdict::Fail => Verdict::Fail,
                triage::Verdict::Clear => Verdict::Clear,
                triage::Verdict::Unknown => Verdict::Unknown,
            },
            why: self.text(&format!("{}{cited}", step.why)),
            cites: step.cites.map(|at| Place { source: self.place(at), line: at.line }),
        }
    }
}

/// For every key its most frequent value, of equally frequent ones the least.
fn common_captures(members: &[&Judged]) -> BTreeMap<String, String> {
    let mut counts: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for one in members {
        for (key, value) in &one.captures {
            *counts.entry(key).or_default().entry(value).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .filter_map(|(key, values)| {
            let (value, _) = values.into_iter().max_by(|(a, x), (b, y)| x.cmp(y).then(b.cmp(a)))?;
            Some((key.to_owned(), value.to_owned()))
        })
        .collect()
}
