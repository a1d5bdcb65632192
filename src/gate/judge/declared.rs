//! What the manifest demands, against what was found: owners, runtimes, keys and their values. Values are asked questions
//! and never shown.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::About;
use super::env::{EMPTY, MISSING};
use super::simple;
use crate::gate::collect::dotenv::{Entry, Held, Snapshot};
use crate::gate::collect::routes::{Kind as RouteKind, Route};
use crate::gate::manifest::{Family, Key, Kind, Manifest, Scope, Wanted};
use crate::gate::report::model::{Check, Evidence, Severity, State};
use crate::gate::runtime::{Assigned, Runtime};

const fn about(
    id: &'static str,
    (class, subclass): (&'static str, &'static str),
    prevents: &'static [&'static str],
    prevention: &'static str,
) -> About {
    About { id, class, subclass, prevents, prevention }
}

const OF_KEYS: &str = "Change a key in every scope and in the manifest at once.";

/// A runtime that differs from the declared one.
pub const RUNTIME: About = about(
    "gate-runtime-mismatch",
    ("runtime", "edge"),
    &["edge-node-module"],
    "Declare the runtime in the route's file and in the manifest.",
);
/// A value that cannot be what the key needs.
pub const MALFORMED: About =
    about("gate-env-malformed", ("env", "malformed"), &["database-url-malformed", "url-malformed"], OF_KEYS);
/// A value that two scopes share and must not.
pub const SHARED: About =
    about("gate-env-shared-value", ("env", "scope"), &["wrongly-scoped-variable"], OF_KEYS);
/// A key that one scope has and the other lacks.
pub const PARITY: About = about("gate-env-parity", ("env", "scope"), &["missing-variable"], OF_KEYS);
/// A key that the code reads and the manifest does not know.
pub const UNDECLARED_KEY: About =
    about("gate-env-undeclared", ("env", "missing"), &["missing-variable"], OF_KEYS);
/// A key of the manifest that no code reads.
pub const UNUSED_KEY: About = about("gate-env-unused", ("env", "missing"), &[], OF_KEYS);
/// A route that no family holds.
pub const UNDECLARED: About = about(
    "gate-route-undeclared",
    ("route", "manifest"),
    &[],
    "Add a route to its family in the change that adds it.",
);
/// A family without an owner.
pub const UNOWNED: About =
    about("gate-route-unowned", ("route", "manifest"), &[], "Give each family somebody who answers for it.");
/// A pattern that no route matches.
pub const DEAD: About =
    about("gate-route-dead", ("route", "manifest"), &[], "Take a route out of the manifest with its code.");

/// The checks of a manifest, in the order of reports.
pub const DECLARED: &[About] = &[
    RUNTIME,
    MALFORMED,
    SHARED,
    PARITY,
    UNDECLARED,
    UNOWNED,
    DEAD,
    UNDECLARED_KEY,
    UNUSED_KEY,
    super::negatives::MISSING,
    super::waive::EXPIRED,
];

/// What is judged: the project as it was read.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// Routes with their runtimes.
    pub routes: &'f [(Route, Assigned)],
    /// Keys that each route reads, by its position.
    pub keys: &'f [Vec<String>],
    /// What each scope has.
    pub snapshots: &'f [Snapshot],
}

/// Judges a manifest's demands.
pub fn judge(manifest: &Manifest, facts: Facts<'_>) -> Vec<Check> {
    let mut found = Vec::new();
    for (route, assigned) in facts.routes {
        found.extend(of_route(manifest, route, assigned));
    }
    for family in &manifest.families {
        found.extend(of_family(family, facts.routes));
    }
    for (key, scopes) in required(manifest) {
        found.extend(scopes.into_iter().filter_map(|scope| lacking(&key, scope, facts.snapshots)));
    }
    for (name, key) in &manifest.env.keys {
        found.extend(facts.snapshots.iter().filter_map(|snapshot| malformed(name, key, snapshot)));
        found.extend(shared(name, key, facts.snapshots));
    }
    found.extend(drift(manifest, facts));
    found
}

/// Of two findings about one key that the code's reads and the manifest's demand both show, the graver one stays.
pub fn settle(found: &mut Vec<Check>) {
    let demanded: BTreeMap<(&'static str, String), Severity> = found
        .iter()
        .filter(|check| check.class == "env" && check.certainty.is_none())
        .map(|check| ((check.id, check.subject.clone()), check.severity))
        .collect();
    found.retain(|check| {
        let graver = demanded.get(&(check.id, check.subject.clone()));
        check.certainty.is_none() || graver.is_none_or(|graver| check.severity < *graver)
    });
}

fn of_route(manifest: &Manifest, route: &Route, assigned: &Assigned) -> Option<Check> {
    let serves = matches!(route.kind, RouteKind::AppHandler | RouteKind::PagesApi);
    let Some(family) = manifest.family(&route.pattern) else {
        let message = format!("{} belongs to no family of the manifest", route.pattern);
        let fix = "add its pattern to a family, so that somebody answers for it";
        return (serves && !manifest.families.is_empty())
            .then(|| at(simple(UNDECLARED, Severity::Warning, &route.pattern, message, fix), route));
    };
    let wanted = match family.runtime? {
        Wanted::Nodejs => Runtime::Node,
        Wanted::Edge => Runtime::Edge,
    };
    (assigned.runtime != wanted).then(|| {
        let (has, wants) = (assigned.runtime.as_str(), wanted.as_str());
        let message = format!(
            "{} runs on {has} ({}), and family {} declares {wants}",
            route.pattern, assigned.source, family.name
        );
        let fix =
            format!("write export const runtime = '{wants}' in {}, or correct the manifest", route.file);
        at(simple(RUNTIME, Severity::Critical, &route.pattern, message, &fix), route)
    })
}

fn of_family(family: &Family, routes: &[(Route, Assigned)]) -> Vec<Check> {
    let mut found = Vec::new();
    if family.owner.as_deref().is_none_or(|owner| owner.trim().is_empty()) {
        let severity = if family.critical { Severity::Critical } else { Severity::Warning };
        let message = format!("family {} has no owner", family.name);
        found.push(simple(UNOWNED, severity, &family.name, message, "add owner = \"…\" to the family"));
    }
    for pattern in &family.routes {
        if !routes.iter().any(|(route, _)| pattern.matches(&route.pattern)) {
            let message = format!("no route matches {} of family {}", pattern.as_str(), family.name);
            let fix = "correct the pattern, or take it out if the route is gone";
            found.push(simple(DEAD, Severity::Warning, pattern.as_str(), message, fix));
        }
    }
    found
}

/// Keys with the scopes that must have them; those of families in production.
fn required(manifest: &Manifest) -> BTreeMap<String, BTreeSet<Scope>> {
    let mut required: BTreeMap<String, BTreeSet<Scope>> = BTreeMap::new();
    for (name, key) in &manifest.env.keys {
        required.entry(name.clone()).or_default().extend(&key.required_in);
    }
    for name in manifest.families.iter().flat_map(|family| &family.env) {
        required.entry(name.clone()).or_default().insert(Scope::Production);
    }
    required
}

fn lacking(key: &str, scope: Scope, snapshots: &[Snapshot]) -> Option<Check> {
    let name = scope.as_str();
    let Some(snapshot) = snapshots.iter().find(|snapshot| snapshot.scope == name) else {
        let message = format!("{key} is required in {name}, and no file of {name}'s keys is there");
        let fix = format!("run vercel pull --environment={name}, or name the file in [env.snapshots]");
        let mut check = simple(MISSING, Severity::Critical, key, message, &fix);
        check.state = State::NotRun;
        return Some(check);
    };
    let files = snapshot.files.join(", ");
    match snapshot.keys.get(key) {
        None => {
            let severity = if snapshot.complete { Severity::Critical } else { Severity::Warning };
            let message = format!("{key} is required in {name} and absent ({files})");
            Some(simple(MISSING, severity, key, message, &format!("set {key} in {name}")))
        }
        Some((file, entry)) if entry.held == Held::Empty => {
            let message = format!("{key} is required in {name} and set to nothing: {file}:{}", entry.line);
            let fix = format!("give {key} a value in {name}");
            Some(placed(simple(EMPTY, Severity::Critical, key, message, &fix), file, entry))
        }
        Some(_) => None,
    }
}

fn malformed(name: &str, key: &Key, snapshot: &Snapshot) -> Option<Check> {
    let (file, entry) = snapshot.keys.get(name).filter(|(_, entry)| entry.held != Held::Empty)?;
    let in_production = snapshot.scope == Scope::Production.as_str();
    let wrong = entry.value.ask(|value| wrong(value, key, in_production))?;
    let message = format!("{name} in {} {wrong}: {file}:{}", snapshot.scope, entry.line);
    let severity = if in_production { Severity::Critical } else { Severity::Warning };
    let fix = format!("correct {name} in {}", snapshot.scope);
    Some(placed(simple(MALFORMED, severity, name, message, &fix), file, entry))
}

/// What is wrong with a value, in words that do not hold it.
fn wrong(value: &str, key: &Key, in_production: bool) -> Option<String> {
    if value != value.trim() {
        return Some("has space around it".to_owned());
    }
    if value.len() > 1 && value.starts_with(['"', '\'']) && value.ends_with(['"', '\'']) {
        return Some("keeps quotes around its value".to_owned());
    }
    let of_kind = match key.kind {
        Kind::String => None,
        Kind::Url => of_url(value, key, in_production),
        Kind::Port => (!value.parse::<u16>().is_ok_and(|port| port > 0)).then_some("is no port".to_owned()),
        Kind::Int => value.parse::<i64>().is_err().then_some("is no whole number".to_owned()),
        Kind::Bool => {
            (!matches!(value, "true" | "false" | "1" | "0")).then_some("is neither true nor false".to_owned())
        }
        Kind::Pem => {
            (!value.contains("-----BEGIN ")).then_some("has no BEGIN line of a key or certificate".to_owned())
        }
        Kind::Json => {
            serde_json::from_str::<serde::de::IgnoredAny>(value).is_err().then_some("is no JSON".to_owned())
        }
    };
    let pattern = key.pattern.as_ref().filter(|pattern| in_production && !pattern.is_match(value));
    of_kind.or_else(|| pattern.map(|pattern| format!("does not match {}", pattern.as_str())))
}

fn of_url(value: &str, key: &Key, in_production: bool) -> Option<String> {
    let Some((scheme, rest)) =
        value.split_once("://").filter(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
    else {
        return Some("is no URL with a scheme".to_owned());
    };
    if !key.schemes.is_empty() && !key.schemes.iter().any(|wanted| wanted == scheme) {
        return Some(format!("does not begin with {}://", key.schemes.join(":// or ")));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let is_local = ["localhost", "127.", "[::1]", "0.0.0.0"].iter().any(|local| host.starts_with(local));
    (in_production && is_local).then(|| "points to the machine that it runs on".to_owned())
}

fn shared(name: &str, key: &Key, snapshots: &[Snapshot]) -> Option<Check> {
    let holders: Vec<(&str, &(String, Entry))> = key
        .distinct_across
        .iter()
        .filter_map(|scope| snapshots.iter().find(|snapshot| snapshot.scope == scope.as_str()))
        .filter_map(|snapshot| Some((snapshot.scope, snapshot.keys.get(name)?)))
        .filter(|(_, (_, entry))| entry.held != Held::Empty)
        .collect();
    let pairs =
        holders.iter().enumerate().flat_map(|(at, one)| holders[at + 1..].iter().map(move |two| (one, two)));
    let ((first, (file, entry)), (second, _)) =
        pairs.into_iter().find(|(one, two)| one.1.1.value == two.1.1.value)?;
    let message = format!("{first} and {second} share the value of {name}");
    let fix = format!("give {name} a value of its own in each of {first} and {second}");
    Some(placed(simple(SHARED, Severity::Warning, name, message, &fix), file, entry))
}

/// Keys that production and preview do not both have, and keys on which code and manifest differ.
fn drift(manifest: &Manifest, facts: Facts<'_>) -> Vec<Check> {
    let read: BTreeSet<&String> = facts.keys.iter().flatten().collect();
    let declared: BTreeSet<&String> =
        manifest.env.keys.keys().chain(manifest.families.iter().flat_map(|family| &family.env)).collect();
    let mut found = Vec::new();
    let complete = |scope: Scope| {
        facts.snapshots.iter().find(|snapshot| snapshot.scope == scope.as_str() && snapshot.complete)
    };
    if let (Some(production), Some(preview)) = (complete(Scope::Production), complete(Scope::Preview)) {
        for key in read.union(&declared) {
            let (has, lacks) = match (production.keys.contains_key(*key), preview.keys.contains_key(*key)) {
                (true, false) => (production, preview),
                (false, true) => (preview, production),
                _ => continue,
            };
            let message = format!("{key} is set in {} and absent in {}", has.scope, lacks.scope);
            let fix = format!("set {key} in {}, or accept the difference in [[gate.allow]]", lacks.scope);
            found.push(simple(PARITY, Severity::Warning, key, message, &fix));
        }
    }
    if !manifest.env.keys.is_empty() {
        for key in read.difference(&declared) {
            let message = format!("the code reads {key}, which the manifest does not name");
            found.push(simple(
                UNDECLARED_KEY,
                Severity::Note,
                key,
                message,
                &format!("add [env.keys.{key}]"),
            ));
        }
        for key in declared.difference(&read) {
            let message = format!("the manifest names {key}, which no route is seen to read");
            let fix = format!("take {key} out of the manifest, if nothing else needs it");
            found.push(simple(UNUSED_KEY, Severity::Note, key, message, &fix));
        }
    }
    found
}

fn at(mut check: Check, route: &Route) -> Check {
    check.evidence.push(Evidence { file: route.file.clone(), line: 1, column: 1, chain: Vec::new() });
    check
}

fn placed(mut check: Check, file: &str, entry: &Entry) -> Check {
    check.evidence.push(Evidence { file: file.to_owned(), line: entry.line, column: 1, chain: Vec::new() });
    check
}
