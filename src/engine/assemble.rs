//! Requests to a report: every failed request is diagnosed, those with one fingerprint become an incident, and all of it
//! is put in a total order.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::Engine;
use crate::correlate::held::Held;
use crate::correlate::line::{Fold, Line};
use crate::correlate::outcome::Outcome;
use crate::correlate::partial::Partial;
use crate::correlate::table::Requests;
use crate::diagnose::fold::Folder;
use crate::diagnose::weigh::{Diagnosis, round, weigh};
use crate::diagnose::{incident, triage};
use crate::format::time::rfc3339;
use crate::record::{Level, Marks, Position};
use crate::redact::Redactor;
use crate::report::model::{
    Correlation, Evidence, Failure, Incident, Outside, Report, Rival, RouteCount, SCHEMA, Source, Tool,
    Totals, TriageStep, Verdict, Window,
};
use crate::rules::RuleSet;
use crate::rules::model::Class;
use crate::rules::template::fill;

/// Evidence lines of one request.
const REQUEST_EVIDENCE: usize = 3;
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

/// A diagnosed request, before anything is redacted.
struct Judged {
    id: Option<String>,
    kind: crate::record::IdKind,
    first_ms: Option<i64>,
    status: Option<u16>,
    method: Option<String>,
    route: Option<String>,
    deployment: Option<String>,
    diagnosis: Diagnosis,
    fingerprint: String,
    subject: BTreeMap<String, String>,
    captures: BTreeMap<String, String>,
    evidence: Vec<(Position, Option<i64>, String)>,
    steps: Vec<triage::Step>,
    next_step: Option<String>,
    identities: u64,
}

/// The report of a run.
pub fn report(
    engine: &Engine,
    folder: &Folder<'_>,
    requests: Requests,
    sources: Vec<Source>,
    mut remarks: Vec<String>,
    parallel: bool,
) -> Report {
    let rules = &engine.rules;
    let failed = requests.failed.len() as u64;
    let judge = |partial: Partial| judge(partial, folder, rules);
    let mut judged: Vec<Judged> = if parallel {
        requests.failed.into_par_iter().map(judge).collect()
    } else {
        requests.failed.into_iter().map(judge).collect()
    };
    let redactor = redactor(engine, &judged);
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
    remarks.sort();
    remarks.dedup();
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let writer = Writer { rules, redactor: &redactor, names: &names, per_route: &requests.per_route };
    let failures: Vec<Failure> = judged.iter().map(|one| writer.failure(one)).collect();
    let incidents = writer.incidents(&judged, failed);
    let outside_requests = writer.outside(requests.outside, folder);
    let routes = writer.routes(judged.iter());
    Report {
        schema: SCHEMA,
        tool: Tool { name: "why500", version: env!("CARGO_PKG_VERSION"), ruleset: rules.hash() },
        partial: false,
        sources,
        window: Window {
            from: requests.window_ms.map(|(from, _)| rfc3339(from)),
            to: requests.window_ms.map(|(_, to)| rfc3339(to)),
        },
        requests: Totals {
            total: requests.total,
            failed,
            aborted: requests.aborted,
            incomplete: requests.incomplete,
            unattributed: requests.unattributed,
            exact: true,
        },
        routes,
        incidents,
        outside_requests,
        remarks,
        failures,
    }
}

fn class_of(rule: Option<u16>, rules: &RuleSet) -> Class {
    rule.and_then(|rule| rules.by_index(rule)).map_or(Class::Unclassified, |rule| rule.class)
}

fn judge(partial: Partial, folder: &Folder<'_>, rules: &RuleSet) -> Judged {
    let status = match partial.outcome() {
        Outcome::Failed(status) => status,
        _ => None,
    };
    let (id, kind) = (partial.id.as_deref().map(str::to_owned), partial.kind);
    let first_ms = partial.facts.span_ms.map(|(first, _)| first);
    let route = partial.route.as_ref().map(|(_, route)| route.to_string());
    let lines = partial.into_lines(folder as &dyn Fold);
    let diagnosis = weigh(&lines, rules);
    let rule = diagnosis.rule.and_then(|rule| rules.by_index(rule));
    let subject = rule.map(|rule| incident::subject(rule, &diagnosis.captures)).unwrap_or_default();
    let first_error = incident::first_error(&lines);
    let fingerprint = match rule {
        Some(rule) => incident::of_cause(rule, &subject),
        None => incident::of_unknown(
            route.as_deref().unwrap_or("?"),
            first_error.and_then(|(line, _)| line.record.error_class.as_deref()).unwrap_or_default(),
            &incident::mask(first_error.map_or("", |(_, text)| text)),
        ),
    };
    let mut captures = diagnosis.captures.clone();
    add_context(&mut captures, &lines, route.as_deref());
    let first_of = |get: fn(&Line) -> Option<&String>| lines.iter().find_map(get).cloned();
    Judged {
        id,
        kind,
        first_ms,
        status,
        method: first_of(|line| line.record.method.as_ref()),
        deployment: first_of(|line| line.record.deployment.as_ref()),
        evidence: evidence(&diagnosis, &lines, first_error.map(|(line, text)| (line, text.to_owned()))),
        steps: triage::steps(&diagnosis, &lines, rules),
        next_step: rule.is_none().then(|| next_step(&diagnosis, &lines, rules)),
        identities: lines.iter().fold(0, |all, line| all ^ line.identity),
        route,
        diagnosis,
        fingerprint,
        subject,
        captures,
    }
}

/// `key = value` facts that the log holds beside the rule's captures.
fn add_context(captures: &mut BTreeMap<String, String>, lines: &[Line], route: Option<&str>) {
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            captures.entry(key.to_owned()).or_insert(value);
        }
    };
    add("route", route.map(str::to_owned));
    let find = |get: &dyn Fn(&Line) -> Option<String>| lines.iter().find_map(get);
    add(
        "runtime_detected",
        lines
            .iter()
            .filter(|line| !line.record.marks.has(Marks::MIDDLEWARE))
            .filter_map(|line| {
                line.record.runtime.clone().map(|runtime| (line.record.memory_limit_mb.is_none(), runtime))
            })
            .min_by_key(|(no_function, _)| *no_function)
            .map(|(_, runtime)| runtime),
    );
    add("region", find(&|line| line.record.region.clone()));
    add("environment", find(&|line| line.record.environment.clone()));
    for (key, names) in POOL_FIELDS {
        add(key, find(&|line| names.iter().find_map(|name| line.record.field(name).map(str::to_owned))));
    }
    let summary = lines.iter().rev().find(|line| line.record.duration_ms.is_some());
    add("duration_ms", summary.and_then(|line| line.record.duration_ms).map(|ms| format!("{ms:.0}")));
    let memory = lines.iter().find(|line| line.record.memory_limit_mb.is_some());
    add("memory_used_mb", memory.and_then(|line| line.record.memory_used_mb).map(|mb| format!("{mb:.0}")));
    add("memory_limit_mb", memory.and_then(|line| line.record.memory_limit_mb).map(|mb| format!("{mb:.0}")));
}

/// Pool and TLS figures that applications log, under the names of the report.
const POOL_FIELDS: [(&str, &[&str]); 6] = [
    (
        "db_timeout_ms",
        &["db_timeout_ms", "dbTimeoutMs", "connectionTimeoutMillis", "pool.connectionTimeoutMillis"],
    ),
    (
        "active_clients",
        &[
            "active_clients",
            "activeClients",
            "pool.active",
            "db.pool.active",
            "pool.totalCount",
            "totalCount",
        ],
    ),
    (
        "waiting_requests",
        &[
            "waiting_requests",
            "waitingRequests",
            "pool.waiting",
            "db.pool.waiting",
            "pool.waitingCount",
            "waitingCount",
        ],
    ),
    (
        "idle_clients",
        &["idle_clients", "idleClients", "pool.idle", "db.pool.idle", "pool.idleCount", "idleCount"],
    ),
    ("ssl_required", &["ssl_required", "sslRequired"]),
    ("ssl_config", &["ssl_config", "sslConfig", "sslmode"]),
];

/// The decisive lines: for a cause the lines of its signals, else the first error.
fn evidence(
    diagnosis: &Diagnosis,
    lines: &[Line],
    first_error: Option<(&Line, String)>,
) -> Vec<(Position, Option<i64>, String)> {
    let mut out: Vec<(Position, Option<i64>, String)> = diagnosis
        .evidence
        .iter()
        .filter_map(|(index, start)| lines.get(*index).map(|line| (line, physical_line(&line.text, *start))))
        .map(|(line, text)| {
            (line.at, line.record.time_ms, if text.is_empty() { describe(line) } else { text })
        })
        .collect();
    let mut seen = BTreeSet::new();
    out.retain(|(_, _, text)| seen.insert(text.clone()));
    out.truncate(REQUEST_EVIDENCE);
    if out.is_empty() {
        match first_error {
            Some((line, text)) => out.push((line.at, line.record.time_ms, text)),
            None => out.extend(
                lines
                    .iter()
                    .find(|line| line.record.status.is_some())
                    .map(|line| (line.at, line.record.time_ms, describe(line))),
            ),
        }
    }
    out
}

/// What a record without text says.
fn describe(line: &Line) -> String {
    let record = &line.record;
    let mut parts = Vec::new();
    parts.extend(record.method.clone());
    parts.extend(record.path.clone().or_else(|| record.route.clone()));
    parts.extend(record.status.map(|status| format!("status={status}")));
    parts.extend(record.duration_ms.map(|ms| format!("duration_ms={ms:.0}")));
    if let (Some(used), Some(limit)) = (record.memory_used_mb, record.memory_limit_mb) {
        parts.push(format!("memory_mb={used:.0}/{limit:.0}"));
    }
    if parts.is_empty() { "(a record without text)".to_owned() } else { parts.join(" ") }
}

/// The physical line of a text around an offset.
fn physical_line(text: &str, start: usize) -> String {
    let start = start.min(text.len());
    let from = text.as_bytes()[..start].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let to = text.as_bytes()[start..].iter().position(|b| *b == b'\n').map_or(text.len(), |at| start + at);
    let line = text.get(from..to).unwrap_or_default().trim();
    line.chars().take(EVIDENCE_CHARS * 2).collect()
}

/// What to look at when nothing was decided.
fn next_step(diagnosis: &Diagnosis, lines: &[Line], rules: &RuleSet) -> String {
    if let Some(rule) = diagnosis.symptom.and_then(|rule| rules.by_index(rule)) {
        return format!(
            "only a symptom was logged ({}): look for the first error of the same instance before it, or log the error with its stack",
            rule.title
        );
    }
    if lines.iter().all(|line| line.text.trim().is_empty()) {
        return "no line of this request carries text: add the function's own logs (level error, with the stack) to the export, and log in the handler's catch block".to_owned();
    }
    if !lines.iter().any(|line| line.record.level >= Some(Level::Error)) {
        return "no line of this request is logged as an error: log the caught error with its stack and cause".to_owned();
    }
    "no rule knows this error: read the cited line; if the cause is clear, a rule for it is one file (`why500 rules`)".to_owned()
}

/// The redactor of a run. Its key depends on the failed requests' records alone, so it is the same however the input
/// was split, ordered or repeated.
fn redactor(engine: &Engine, judged: &[Judged]) -> Redactor {
    if engine.options.no_redact {
        return Redactor::off();
    }
    if let Some(key) = &engine.options.redact_key {
        return Redactor::new(key.as_bytes());
    }
    let mut hasher = blake3::Hasher::new();
    for one in judged {
        hasher.update(one.id.as_deref().unwrap_or_default().as_bytes());
        hasher.update(&one.identities.to_le_bytes());
    }
    Redactor::new(hasher.finalize().as_bytes())
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

struct Writer<'a> {
    rules: &'a RuleSet,
    redactor: &'a Redactor,
    names: &'a [&'a str],
    per_route: &'a BTreeMap<String, u64>,
}

impl Writer<'_> {
    fn text(&self, text: &str) -> String {
        let clean = crate::redact::printable::printable(text);
        let redacted = self.redactor.redact(&clean);
        match redacted.char_indices().nth(EVIDENCE_CHARS) {
            Some((end, _)) => format!("{}…", &redacted[..end]),
            None => redacted.into_owned(),
        }
    }

    fn map(&self, map: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        map.iter().map(|(key, value)| (key.clone(), self.text(value))).collect()
    }

    fn place(&self, at: Position) -> String {
        self.names.get(at.source as usize).copied().unwrap_or("?").to_owned()
    }

    fn evidence(&self, one: &Judged) -> Vec<Evidence> {
        one.evidence
            .iter()
            .map(|(at, time_ms, text)| Evidence {
                source: self.place(*at),
                line: at.line,
                time: time_ms.map(rfc3339),
                correlation_id: one.id.clone(),
                text: self.text(text),
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

    fn failure(&self, one: &Judged) -> Failure {
        let rule = one.diagnosis.rule.and_then(|rule| self.rules.by_index(rule));
        Failure {
            correlation_id: one.id.clone(),
            correlation: Correlation { kind: one.kind.as_str(), certainty: one.kind.certainty() },
            time: one.first_ms.map(rfc3339),
            method: one.method.clone(),
            route: one.route.as_deref().map(|route| self.text(route)),
            status: one.status,
            class: rule.map_or(Class::Unclassified, |rule| rule.class),
            subclass: rule.map(|rule| rule.subclass.clone()).unwrap_or_default(),
            cause: rule.map(|rule| rule.id.clone()),
            confidence: one.diagnosis.confidence,
            incident: one.fingerprint.clone(),
            evidence: self.evidence(one),
            next_step: one.next_step.clone(),
        }
    }

    fn incidents(&self, judged: &[Judged], failed: u64) -> Vec<Incident> {
        let mut groups: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
        for one in judged {
            groups.entry(&one.fingerprint).or_default().push(one);
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

    fn incident(&self, id: &str, members: &[&Judged], failed: u64) -> Incident {
        // The request that shows it best: highest confidence, then first in time.
        let best = members
            .iter()
            .enumerate()
            .min_by(|(i, a), (j, b)| b.diagnosis.confidence.total_cmp(&a.diagnosis.confidence).then(i.cmp(j)))
            .map(|(_, one)| *one)
            .unwrap_or(members[0]);
        let rule = best.diagnosis.rule.and_then(|rule| self.rules.by_index(rule));
        let captures = self.map(&common_captures(members));
        // One request's captures, so that a host goes with its own port.
        let own = self.map(&best.captures);
        let subject = self.map(&best.subject);
        let mut evidence: Vec<Evidence> = Vec::new();
        let mut texts = BTreeSet::new();
        for one in std::iter::once(&best).chain(members) {
            for line in self.evidence(one) {
                if evidence.len() < INCIDENT_EVIDENCE && texts.insert(incident::mask(&line.text)) {
                    evidence.push(line);
                }
            }
        }
        let mut rivals: BTreeMap<u16, (u64, f64)> = BTreeMap::new();
        for one in members {
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
        for one in members {
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
            captures,
        }
    }

    /// What the rules say of errors outside any request, one entry a cause.
    fn outside(&self, held: Vec<Held>, folder: &Folder<'_>) -> Vec<Outside> {
        let mut out: Vec<Outside> = Vec::new();
        for entry in held {
            let lines = folder.lines(vec![entry]);
            let diagnosis = weigh(&lines, self.rules);
            let Some(rule) = diagnosis.rule.and_then(|rule| self.rules.by_index(rule)) else { continue };
            if let Some(seen) = out.iter_mut().find(|one| one.cause == rule.id) {
                seen.records += 1;
                continue;
            }
            let Some((at, time_ms, text)) = evidence(&diagnosis, &lines, None).into_iter().next() else {
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

    fn step(&self, step: &triage::Step) -> TriageStep {
        let cited = step.cites.map(|at| format!(" ({}:{})", self.place(at), at.line)).unwrap_or_default();
        TriageStep {
            step: step.step,
            verdict: match step.fail {
                Some(true) => Verdict::Fail,
                Some(false) => Verdict::Clear,
                None => Verdict::Unknown,
            },
            why: self.text(&format!("{}{cited}", step.why)),
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
