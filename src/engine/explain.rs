//! One request explained: the run of triage, with the request that was asked for kept whole, so that cause, incident and
//! redaction tokens are those of the report.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

use super::Engine;
use super::assemble::{Writer, correlation, redactor};
use super::open::Input;
use super::run::{ReadAll, Watcher};
use crate::correlate::line::{Line, reduce};
use crate::correlate::outcome::Outcome;
use crate::correlate::partial::Partial;
use crate::correlate::wanted::Wanted;
use crate::diagnose::account::Account;
use crate::diagnose::fold::Folder;
use crate::diagnose::judge::{Judged, describe, judge};
use crate::diagnose::weigh::{round, weigh_with_accounts};
use crate::diagnose::{explain, last_words, neighbours};
use crate::format::time::rfc3339;
use crate::input::source::{Found, SourceError};
use crate::report::explanation::{Explanation, Fired, Moment, SCHEMA, ScoreStep, Weighed};
use crate::report::model::Tool;
use crate::rules::Hit;
use crate::rules::model::{Class, Effect};

/// Longest matched text that is shown, in bytes.
const MATCHED_BYTES: usize = 160;

/// What asking for one request gave.
pub struct Explained {
    /// The request, if exactly one has the ID.
    pub explanation: Option<Explanation>,
    /// IDs of the requests that share the part that was given, else those that resemble it.
    pub near: Vec<String>,
    /// How many requests have the ID: 0, 1, or several where only a part of a scoped ID was given.
    pub found: usize,
    /// Inputs that could not be read, or not to their end.
    pub errors: Vec<SourceError>,
    /// Sources of which at least something was read.
    pub read: usize,
}

impl Engine {
    /// Reads the sources and explains the request with this ID, failed or not.
    pub fn explain(
        &self,
        found: Found,
        id: &str,
        stop: &Arc<AtomicBool>,
        watcher: &mut (dyn Watcher + Send),
    ) -> Explained {
        let mut errors = found.errors;
        let expand = found.expand;
        let inputs: Vec<(String, Input)> =
            found.sources.into_iter().map(|source| (source.name(), Input::Closed(source, expand))).collect();
        let folder = self.folder();
        let wanted = wanted(id, &inputs);
        let mut explained = self.in_pool(|parallel| {
            let table = self.table(&folder).keep(wanted);
            let everything = self.read_all(inputs, stop, watcher, parallel, table);
            self.explained(everything, &folder)
        });
        errors.append(&mut explained.errors);
        Explained { errors, ..explained }
    }

    fn explained(&self, everything: ReadAll, folder: &Folder<'_>) -> Explained {
        let ReadAll { mut requests, sources, errors, read, .. } = everything;
        let found = requests.wanted.len();
        let mut explained = Explained { explanation: None, near: requests.near, found, errors, read };
        let request = match requests.wanted.as_slice() {
            [_] => requests.wanted.remove(0),
            several => {
                if found > 0 {
                    explained.near = several.iter().filter_map(|one| one.id.clone()).collect();
                }
                return explained;
            }
        };
        let failed = matches!(request.clone().open(folder).0.outcome(), Outcome::Failed(_));
        // A request without an ID is known by its lines.
        let witnesses = last_words::witnesses(std::mem::take(&mut requests.outside), folder, &self.rules);
        let judge = |partial| judge(partial, folder, &self.rules, &witnesses);
        let same = failed.then(|| judge(request.clone()));
        let (request, mut all) = request.open(folder);
        if failed {
            last_words::add(&mut all, &witnesses, &self.rules);
        }
        let mut judged: Vec<Judged> = requests.failed.into_par_iter().map(judge).collect();
        let redactor = redactor(self, &judged);
        neighbours::infer(&mut judged);
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        let none = BTreeMap::new();
        let writer = Writer { rules: &self.rules, redactor: &redactor, names: &names, per_route: &none };
        let own = same.and_then(|same| {
            judged.iter().find(|one| {
                (&one.id, one.first_ms, one.identities) == (&same.id, same.first_ms, same.identities)
            })
        });
        let like = |one: &Judged| own.is_some_and(|own| own.fingerprint == one.fingerprint);
        let siblings = judged.iter().filter(|one| like(one)).count() as u64;
        let explanation = Explainer { writer: &writer, folder }.explain(&request, all, own);
        explained.explanation = Some(Explanation { incident_requests: siblings, ..explanation });
        explained
    }
}

/// What is asked for: `SOURCE:LINE` if a source has that name, or one that ends so; else an ID.
fn wanted(typed: &str, inputs: &[(String, Input)]) -> Wanted {
    let mut names: Vec<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let place = typed.trim().rsplit_once(':').and_then(|(name, line)| {
        let is_it =
            |known: &&str| *known == name || known.strip_suffix(name).is_some_and(|dir| dir.ends_with('/'));
        let source = names.iter().position(is_it)?;
        Some((source as u32, line.parse().ok()?))
    });
    match place {
        Some((source, line)) => Wanted::at_line(source, line),
        None => Wanted::new(typed),
    }
}

struct Explainer<'a> {
    writer: &'a Writer<'a>,
    folder: &'a Folder<'a>,
}

impl Explainer<'_> {
    fn explain(&self, request: &Partial, all: Vec<Line>, own: Option<&Judged>) -> Explanation {
        let rules = self.folder.rules;
        let mut kept = all.clone();
        reduce(&mut kept);
        // Of a request that did not fail nothing is the cause, so nothing is weighed.
        let (diagnosis, accounts) = weigh_with_accounts(if own.is_some() { &kept } else { &[] }, rules);
        let rule = diagnosis.rule.and_then(|rule| rules.by_index(rule));
        let (outcome, status) = match request.outcome() {
            Outcome::Failed(status) => ("failed", status),
            Outcome::Succeeded(status) => ("succeeded", status),
            Outcome::Aborted => ("aborted", None),
            Outcome::Incomplete => ("incomplete", None),
        };
        let first_of = |get: fn(&Line) -> Option<&String>| all.iter().find_map(get).cloned();
        let route = request.route.as_ref().map(|(_, route)| self.writer.text(route));
        Explanation {
            schema: SCHEMA,
            tool: Tool { name: "why500", version: env!("CARGO_PKG_VERSION"), ruleset: rules.hash() },
            correlation_id: request.id.clone(),
            correlation: correlation(request.kind, &request.aliases()),
            outcome,
            status,
            method: first_of(|line| line.record.method.as_ref()),
            route,
            deployment: first_of(|line| line.record.deployment.as_ref()),
            time: request.facts.span.ends_ms().map(|(first, _)| rfc3339(first)),
            class: rule.map_or(Class::Unclassified, |rule| rule.class),
            subclass: rule.map(|rule| rule.subclass.clone()).unwrap_or_default(),
            cause: rule.map(|rule| rule.id.clone()),
            title: match (rule, own) {
                (Some(rule), _) => rule.title.clone(),
                (None, Some(own)) => own
                    .evidence
                    .first()
                    .map_or("No message".to_owned(), |(_, _, text)| self.writer.text(text)),
                (None, None) => did_not_fail(outcome, status),
            },
            confidence: diagnosis.confidence,
            incident: own.map(|own| own.fingerprint.clone()),
            incident_requests: 0,
            timeline: all.iter().map(|line| self.moment(line, &accounts)).collect(),
            weighed: accounts.iter().filter_map(|one| self.weighed(one, &accounts, &kept)).collect(),
            captures: own.map(|own| self.writer.map(&own.captures)).unwrap_or_default(),
            triage: own
                .map(|own| own.steps.iter().map(|step| self.writer.step(step)).collect())
                .unwrap_or_default(),
            would_decide: match own {
                Some(_) => explain::would_decide(&diagnosis, &accounts, rules),
                None => "nothing: there is no failure to explain".to_owned(),
            },
            next_step: own.and_then(|own| own.next_step.clone()),
            inferred_from: own.and_then(|own| own.inferred_from.clone()),
        }
    }

    fn moment(&self, line: &Line, accounts: &[Account]) -> Moment {
        let rules = self.folder.rules;
        let masked = rules.masked_hits(&line.record, &line.text, line.record.payload, &line.hits);
        let decoys = match masked.is_empty() {
            true => String::new(),
            false => rules.decoys_in(&line.record, &line.text, line.record.payload).join(", "),
        };
        let mut signals: Vec<Fired> = line
            .hits
            .iter()
            .map(|hit| self.fired(hit, line, explain::overruled(hit, accounts, rules)))
            .collect();
        // Signals on fields match without a text; they are no news where a decoy took the text away.
        signals.extend(masked.iter().filter(|hit| hit.end > hit.start).map(|hit| {
            let why = if decoys.is_empty() { "a decoy".to_owned() } else { format!("the decoy {decoys}") };
            self.fired(hit, line, Some(why))
        }));
        let text = if line.text.trim().is_empty() { describe(line) } else { line.text.clone() };
        Moment {
            source: self.writer.place(line.at),
            line: line.at.line,
            time: line.record.time_ms.map(rfc3339),
            level: line.record.level.map(|level| level.as_str()),
            text: self.writer.text(&text),
            signals,
        }
    }

    fn fired(&self, hit: &Hit, line: &Line, overruled: Option<String>) -> Fired {
        let matched = line.text.get(hit.start..hit.end).unwrap_or_default();
        let end = matched.floor_char_boundary(MATCHED_BYTES);
        Fired {
            cause: self.folder.rules.by_index(hit.rule).map(|rule| rule.id.clone()).unwrap_or_default(),
            signal: hit.signal + 1,
            strength: explain::strength(hit.strength),
            effect: explain::effect(hit.effect),
            matched: self.writer.text(&matched[..end]),
            overruled: overruled.filter(|_| hit.effect == Effect::Supports),
        }
    }

    fn weighed(&self, account: &Account, accounts: &[Account], lines: &[Line]) -> Option<Weighed> {
        let rules = self.folder.rules;
        let rule = rules.by_index(account.rule)?;
        Some(Weighed {
            cause: rule.id.clone(),
            class: rule.class,
            subclass: rule.subclass.clone(),
            title: rule.title.clone(),
            score: round(account.score),
            fate: explain::fate(account.fate),
            why: explain::why(account, accounts, rules),
            steps: account
                .weights
                .iter()
                .map(|weight| ScoreStep {
                    why: explain::factor(weight.factor, lines, rules),
                    score: round(weight.score),
                })
                .collect(),
        })
    }
}

fn did_not_fail(outcome: &str, status: Option<u16>) -> String {
    match (outcome, status) {
        ("aborted", _) => "It did not fail: the client went away before the answer".to_owned(),
        ("incomplete", _) => {
            "The log has neither its status nor its end, so it is not counted as failed".to_owned()
        }
        (_, Some(status)) => format!("It did not fail: status {status}"),
        (_, None) => "It did not fail: it ended without a sign of failure".to_owned(),
    }
}
