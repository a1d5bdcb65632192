//! After a deployment: what its logs and the probes say together. Keep it, watch it, hold it, or roll it back, with what that
//! rests on. A pure function of the triage's report, of findings about probes, and of the manifest; the causes are those
//! of triage, the burn rates those of [`crate::budget`], the changes those of [`crate::compare`].

pub mod advice;
mod deployments;

use serde::Serialize;

use super::judge::checks::About;
use super::manifest::Manifest;
use super::report::model::{Check, Severity, State};
use crate::budget;
use crate::compare::side::Side;
use crate::compare::{Comparison, Verdict, compare};
use crate::diagnose::exposure::three_digits;
use crate::diagnose::statistics::Count;
use crate::report::model::Report;
use crate::report::slo::{Burn, Denominator, State as Burning};
use crate::report::words;
use advice::{Advice, Known, Missing, decide};
pub use deployments::{Deployment, Logs, Named};

/// The budget of a deployment.
pub const BURN: About = About {
    id: "gate-budget-burn",
    class: "budget",
    subclass: "burn",
    prevents: &[],
    prevention: "Let a part of the traffic to a deployment first, and judge it with why500 gate --after.",
};

/// The checks of this step.
pub const AFTER: &[About] = &[BURN];

/// What going back leaves as it is, everywhere.
const STAYS: [&str; 3] = [
    "the database: migrations and what was written since stay",
    "variables of the environment: the earlier build comes back with the values that it was made with, NEXT_PUBLIC_* inlined; a secret that was changed since is the old one again",
    "what others hold: queues, caches, registered webhooks, pages in browsers and CDNs",
];

/// What to do about a deployment, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct After {
    /// In one word.
    pub advice: Advice,
    /// Sentences, the one that decided first.
    pub why: Vec<String>,
    /// What is still missing before it can be called good.
    pub missing: Missing,
    /// The deployment.
    pub deployment: Deployment,
    /// The one before it.
    pub previous: Option<Deployment>,
    /// Objective, in per cent of requests that must not fail.
    pub target_percent: f64,
    /// Burn rates of the deployment, of windows that end with the logs.
    pub burn: Vec<Burn>,
    /// Probability that so many more failures than on the deployment before are an accident (Fisher's exact test, one-sided).
    pub rise_p_value: Option<f64>,
    /// What became of every incident.
    pub comparison: Option<Comparison>,
    /// The most frequent incident of the deployment.
    pub top_incident: Option<Top>,
    /// The way back.
    pub rollback: Way,
    /// What bounds the figures.
    pub notes: Vec<String>,
}

/// An incident of the deployment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Top {
    /// Fingerprint.
    pub id: String,
    /// Class.
    pub class: &'static str,
    /// Rule; null where none named the cause.
    pub cause: Option<String>,
    /// One line.
    pub title: String,
    /// Failed requests on the deployment.
    pub requests: u64,
    /// Whether the deployment before did not have it; null without one.
    pub is_new: Option<bool>,
    /// What to do.
    pub fix: String,
    /// What is known of it from before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_before: Option<String>,
}

/// The way back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Way {
    /// The manifest's command. It is printed and never run.
    pub command: Option<String>,
    /// Where to read more.
    pub notes: Option<String>,
    /// What it leaves as it is.
    pub does_not_undo: Vec<String>,
}

/// Judges a deployment. `live`: findings about probes, if there were any.
pub fn judge(logs: &Logs, manifest: Option<&Manifest>, live: &[Check]) -> (After, Check) {
    let report = &logs.report;
    let slo = manifest.and_then(|manifest| manifest.slo.clone()).unwrap_or_default();
    let burnt = budget::of(&logs.part(), &slo.objective());
    let (new, old) = (&logs.deployment, logs.previous.as_ref());
    let side = |one: &Deployment| {
        Side::part(
            &format!("deployment {}", one.id),
            report,
            &|cell| cell.deployment.as_deref() == Some(one.id.as_str()),
            &|failure| failure.dimensions.get("deployment").is_some_and(|id| *id == one.id),
        )
    };
    let comparison = old.map(|old| compare(&side(old), &side(new), Vec::new()));
    let top = top(report, new, comparison.as_ref());
    let at = |threshold: f64| {
        burnt.burn.iter().any(|burn| burn.threshold == threshold && burn.verdict != Burning::Kept)
    };
    let exact = burnt.denominator == Denominator::Exact;
    let before = old.map(|old| Count::new(old.failed, old.requests));
    let seen = Count::new(new.failed, new.requests);
    let known = Known {
        broken: live
            .iter()
            .filter(|check| check.state == State::Fail && check.severity == Severity::Critical)
            .map(|check| check.message.clone())
            .collect(),
        not_probed: live.iter().filter(|check| check.state == State::NotRun).count(),
        seen,
        exact,
        min_requests: slo.min_requests,
        observed: (logs.minutes, slo.after_deploy.observe),
        allowed: slo.objective().allowed_share(),
        fast: at(14.4),
        slow: at(6.0),
        before,
        top: top.as_ref().map(|top| (top.title.clone(), top.is_new)),
    };
    let decision = decide(&known);
    let mut notes = burnt.notes.clone();
    notes.retain(|note| !note.starts_with("the logs do not cover the whole period"));
    if manifest.is_none_or(|manifest| manifest.slo.is_none()) {
        notes.push(format!("no [slo] in the manifest: {} % of requests must not fail", burnt.target_percent));
    }
    if let Some(long) =
        burnt.burn.iter().map(|burn| &burn.long).find(|long| long.covered_minutes < long.minutes)
    {
        notes.push(format!(
            "burn rates rest on the {} minutes that the deployment was seen for",
            long.covered_minutes
        ));
    }
    let last = burnt.burn.first().map(|burn| &burn.short);
    if let Some(last) = last.filter(|last| seen.hits > 0 && last.failed == 0 && last.requests > 0) {
        notes.push(format!("no request failed in the last {} minutes: it may be over", last.minutes));
    }
    notes.extend(logs.notes.iter().cloned());
    let declared = manifest.map(|manifest| &manifest.rollback);
    let rollback = Way {
        command: declared
            .and_then(|rollback| rollback.filled(Some(new.id.as_str()), old.map(|old| old.id.as_str()))),
        notes: declared.and_then(|rollback| rollback.notes.clone()),
        does_not_undo: STAYS
            .into_iter()
            .map(str::to_owned)
            .chain(declared.into_iter().flat_map(|rollback| rollback.does_not_undo.clone()))
            .collect(),
    };
    let after = After {
        advice: decision.advice,
        why: decision.why,
        missing: decision.missing,
        target_percent: burnt.target_percent,
        burn: burnt.burn,
        rise_p_value: before
            .filter(|_| exact)
            .and_then(|before| advice::rise(seen, before))
            .map(three_digits),
        comparison,
        top_incident: top,
        rollback,
        notes,
        deployment: new.clone(),
        previous: logs.previous.clone(),
    };
    let check = check(&after);
    (after, check)
}

/// The incident of the deployment with most failures; of equals the first of the report.
fn top(report: &Report, new: &Deployment, comparison: Option<&Comparison>) -> Option<Top> {
    let on_it = |id: &str| {
        let of_deployment = |failure: &&crate::report::model::Failure| {
            failure.incident == id
                && failure.dimensions.get("deployment").is_some_and(|deployment| *deployment == new.id)
        };
        report.failures.iter().filter(of_deployment).count() as u64
    };
    let counted = report.incidents.iter().map(|incident| (on_it(&incident.id), incident));
    let (requests, incident) = counted
        .filter(|(requests, _)| *requests > 0)
        .max_by_key(|(requests, incident)| (*requests, std::cmp::Reverse(incident.rank)))?;
    let change =
        comparison.and_then(|comparison| comparison.incidents.iter().find(|change| change.id == incident.id));
    Some(Top {
        id: incident.id.clone(),
        class: incident.class.as_str(),
        cause: incident.cause.clone(),
        title: words::headline(incident),
        requests,
        is_new: comparison.map(|_| change.is_some_and(|change| change.verdict == Verdict::New)),
        fix: incident.fix.clone(),
        seen_before: report.known.seen(&incident.id).map(|seen| seen.sentence()),
    })
}

fn check(after: &After) -> Check {
    let (severity, state) = match after.advice {
        Advice::Keep => (Severity::Note, State::Pass),
        // Nothing failed, and nothing has passed either.
        Advice::Watch => (Severity::Critical, State::NotRun),
        Advice::Hold => (Severity::Warning, State::Fail),
        Advice::RollBack => (Severity::Critical, State::Fail),
    };
    let why = after.why.first().map(String::as_str).unwrap_or_default();
    let message = format!("{}: {}: {why}", after.deployment.id, after.advice.as_str());
    let fix = match (after.advice, &after.rollback.command, &after.top_incident) {
        (Advice::Keep, _, _) => String::new(),
        (Advice::Watch, _, _) => "judge again with more logs".to_owned(),
        (Advice::RollBack, Some(command), _) => command.clone(),
        (Advice::RollBack, None, _) => "go back to the deployment before".to_owned(),
        (Advice::Hold, _, Some(top)) if !top.fix.is_empty() => top.fix.clone(),
        (Advice::Hold, _, _) => "let no more traffic to it until the cause is known".to_owned(),
    };
    let mut check = crate::gate::judge::simple(BURN, severity, &after.deployment.id, message, &fix);
    check.state = state;
    check.cause = after.top_incident.as_ref().and_then(|top| top.cause.clone());
    check
}

#[cfg(test)]
mod tests;
