//! Guards of saved incidents: checks that must find nothing, or what was mended is there again. An incident carries them
//! from the day on which it was fixed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::checks::{self, About};
use super::{declared, env, live, negatives, simple};
use crate::fault::Fault;
use crate::gate::report::model::{Check, Severity, State};
use crate::incidents::memory::Memory;
use crate::incidents::saved::{Guard, Saved};
use crate::rules::error::nearest;

/// A fixed incident that would come back.
pub const RETURNS: About = About {
    id: "gate-incident-returns",
    class: "incident",
    subclass: "guard",
    prevents: &[],
    prevention: "Keep the guard of an incident for as long as the code that it was in.",
};

/// The checks of guards.
pub const GUARDS: &[About] = &[RETURNS];

/// Checks that suit as guards of an incident, by the rules that they prevent.
const SUITED: &[About] = &[
    checks::NODE_MODULE,
    checks::NODE_PACKAGE,
    checks::NODE_API,
    checks::DYNAMIC_CODE,
    checks::MODULE_SUBSET,
    env::MISSING,
    env::EMPTY,
    declared::MALFORMED,
    live::NEGATIVE_500,
    negatives::MISSING,
];

/// Whether all guards name checks that exist.
///
/// # Errors
/// The first that does not; or the first file that cannot be read, for a guard may stand in it.
pub fn sound(memory: &Memory) -> Result<(), Fault> {
    if let Some(fault) = memory.faults.first() {
        return Err(fault.clone());
    }
    for (file, saved) in memory.saved.values() {
        for guard in &saved.guards {
            if about(guard).is_none() {
                let problem = format!("the guard `{}` is no check of why500 gate", guard.check);
                let cure = nearest(&guard.check, checks::all().map(|about| about.id)).map_or_else(
                    || "docs/gate.md lists the checks".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                let fault = Fault::whole(file, problem, cure);
                return Err(Fault { key: "guard".to_owned(), ..fault });
            }
        }
    }
    Ok(())
}

fn about(guard: &Guard) -> Option<&'static About> {
    checks::all().find(|about| about.id == guard.check && about.id != RETURNS.id)
}

/// Guards for an incident: the checks that prevent its cause, for its key or each of its routes.
pub fn suggest(saved: &Saved) -> Vec<Guard> {
    let prevents = |about: &&About| about.prevents.contains(&saved.cause.as_str());
    let mut guards = Vec::new();
    for about in SUITED.iter().filter(prevents) {
        let subjects: Vec<String> = match about.class {
            "env" => saved.subject.get("env_key").cloned().into_iter().collect(),
            _ => saved.routes.iter().filter(|route| route.starts_with('/')).cloned().collect(),
        };
        let guard = |subject| Guard { check: about.id.to_owned(), subject: Some(subject) };
        guards.extend(subjects.into_iter().map(guard));
    }
    guards
}

/// Holds the findings against the guards of fixed incidents. `ran`: checks that ran; `routes`: the routes that there are.
/// Returns findings, and what to remark.
pub fn judge(
    saved: &BTreeMap<String, (PathBuf, Saved)>,
    found: &[Check],
    ran: &[About],
    routes: &[&str],
) -> (Vec<Check>, Vec<String>) {
    let (mut checks, mut remarks) = (Vec::new(), Vec::new());
    let mut unguarded = 0;
    for (_, incident) in saved.values().filter(|(_, incident)| !incident.fixed_at.is_empty()) {
        unguarded += usize::from(incident.guards.is_empty());
        for guard in &incident.guards {
            let Some(about) = about(guard) else { continue };
            checks.extend(of_guard(incident, guard, about, found, ran));
            if let Some(route) = guard.subject.as_deref().filter(|subject| subject.starts_with('/'))
                && about.class == "runtime"
                && !routes.iter().any(|other| same(other, route))
            {
                remarks.push(format!(
                    "incident {} guards {route}, which is no route now: take the guard out, or name the new route",
                    incident.id
                ));
            }
        }
    }
    if unguarded > 0 {
        let incidents = if unguarded == 1 { "incident carries" } else { "incidents carry" };
        remarks.push(format!("{unguarded} fixed {incidents} no guard, so nothing keeps it from coming back"));
    }
    (checks, remarks)
}

fn of_guard(incident: &Saved, guard: &Guard, about: &About, found: &[Check], ran: &[About]) -> Option<Check> {
    let name = match incident.cause.as_str() {
        "" => incident.title.as_str(),
        cause => cause,
    };
    let head = format!(
        "incident {} ({name}, fixed {})",
        incident.id,
        crate::report::words::date(&incident.fixed_at)
    );
    let meant = |check: &&Check| {
        let subject = guard.subject.as_deref();
        check.id == guard.check && subject.is_none_or(|subject| same(&check.subject, subject))
    };
    let check = |severity, message: String, fix: &str| {
        let mut check = simple(RETURNS, severity, &incident.id, message, fix);
        (check.class, check.subclass, check.prevents) = (about.class, about.subclass, about.prevents);
        check.cause = (!incident.cause.is_empty()).then(|| incident.cause.clone());
        check
    };
    let grave =
        |check: &&Check| matches!(check.state, State::Fail | State::Warn) && check.severity != Severity::Note;
    if let Some(again) = found.iter().filter(meant).find(grave) {
        let message = format!("{head} would happen again: {}", again.message);
        let before = match incident.fix.as_str() {
            "" => String::new(),
            fix => format!("; what ended it before: {fix}"),
        };
        let mut check = check(Severity::Critical, message, &format!("{}{before}", again.fix));
        check.certainty = again.certainty;
        check.evidence.clone_from(&again.evidence);
        check.cut.clone_from(&again.cut);
        check.build = again.build;
        return Some(check);
    }
    let stopped = found.iter().find(|check| {
        check.state == State::NotRun
            && check.id == guard.check
            && (meant(check) || check.subject == "project")
    });
    let (severity, why, fix) = match stopped {
        Some(stopped) => (Severity::Critical, stopped.message.clone(), stopped.fix.as_str()),
        None if ran.iter().all(|one| one.id != about.id) => {
            let why = format!("{} did not run", about.id);
            (
                Severity::Warning,
                why,
                "run the step that it belongs to as well: --live URL, --reach, or files of keys",
            )
        }
        None => return None,
    };
    let mut check = check(severity, format!("{head}: its guard could not be judged: {why}"), fix);
    check.state = State::NotRun;
    Some(check)
}

/// Whether two subjects are one: equal, or routes that differ in the names of their variable parts only.
fn same(one: &str, other: &str) -> bool {
    let variable = |part: &str| part.starts_with('[') && part.ends_with(']');
    one == other
        || (one.starts_with('/')
            && one.split('/').count() == other.split('/').count()
            && one.split('/').zip(other.split('/')).all(|(a, b)| a == b || (variable(a) && variable(b))))
}
