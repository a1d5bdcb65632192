//! Facts to checks. Pure: the same facts give the same verdict, in whatever order they were read.

pub mod cause;
pub mod checks;
pub mod datastores;
pub mod declared;
pub mod edge;
pub mod env;
pub mod guards;
pub mod lists;
pub mod live;
pub mod lost;
pub mod negatives;
pub mod phase;
pub mod reach;
pub mod reached;
pub mod waive;

use std::collections::BTreeMap;

use crate::gate::collect::graph::{Graph, Unread};
use crate::gate::collect::project::Project;
use crate::gate::collect::routes::{Found, Kind, Route};
use crate::gate::report::model::{Check, Evidence, Severity, State};
use crate::gate::runtime::{Assigned, Oddity, Runtime};
use checks::About;

/// Methods that a handler may export.
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The methods of a handler, by what it exports.
pub fn methods(route: &Route, graph: &Graph) -> Vec<String> {
    let exports = graph.modules.get(&route.file).filter(|_| route.kind == Kind::AppHandler);
    let named = |name: &&str| exports.is_some_and(|module| module.exports.contains_key(*name));
    METHODS.iter().copied().filter(named).map(str::to_owned).collect()
}

/// How messages name a route.
pub fn label(route: &Route, methods: &[String]) -> String {
    match route.kind {
        Kind::Middleware | Kind::Proxy | Kind::Instrumentation => route.file.clone(),
        _ if methods.is_empty() => route.pattern.clone(),
        _ => format!("{} {}", methods.join(","), route.pattern),
    }
}

/// A check about one place that is no chain.
pub(in crate::gate) fn simple(
    about: About,
    severity: Severity,
    subject: &str,
    message: String,
    fix: &str,
) -> Check {
    Check {
        id: about.id,
        class: about.class,
        subclass: about.subclass,
        severity,
        state: severity.state(),
        certainty: None,
        subject: subject.to_owned(),
        message,
        evidence: Vec::new(),
        cut: Vec::new(),
        build: None,
        fix: fix.to_owned(),
        prevention: about.prevention,
        prevents: about.prevents,
        cause: None,
        waived: None,
    }
}

/// Judges the runtimes of all routes.
/// `own`: the graph of the project's own files, with the layouts of all routes.
pub fn runtimes(project: &Project, routes: &[(Route, Assigned)], own: &Graph, graph: &Graph) -> Vec<Check> {
    let any_edge = routes.iter().any(|(_, assigned)| assigned.runtime == Runtime::Edge);
    let mut found = Vec::new();
    for (route, assigned) in routes {
        let label = label(route, &methods(route, graph));
        found.extend(declaration(project, route, assigned, &label));
        if assigned.runtime == Runtime::Node {
            continue;
        }
        // What is bundled with it, and what may decide that it runs on edge.
        let bundled = std::iter::once(&route.file).chain(&route.with);
        let says = own.modules.get(&route.file).is_some_and(|module| module.runtime.is_some());
        let deciding = route.layouts.iter().filter(|_| !says);
        let deciding = deciding.filter(|file| own.unread.get(*file).is_some_and(|unread| unread.may_be_edge));
        let severity = match assigned.runtime == Runtime::Both && !any_edge {
            true => Severity::Warning,
            false => Severity::Critical,
        };
        let unread: BTreeMap<&String, &Unread> = bundled
            .chain(deciding)
            .filter_map(|file| Some((file, graph.unread.get(file).or_else(|| own.unread.get(file))?)))
            .collect();
        let unread = unread.into_iter();
        found.extend(unread.map(|(file, unread)| not_read(route, &label, file, unread, severity)));
        found.extend(edge::judge(project, graph, route, assigned, &label, any_edge));
    }
    found
}

/// A check that could not run because a file on edge, or that decides on it, could not be read.
pub fn not_read(route: &Route, label: &str, file: &str, unread: &Unread, severity: Severity) -> Check {
    let message = format!("{label} may run on edge and {file} could not be read: {}", unread.reason);
    let fix = "make the file readable, so that what it loads can be told";
    let mut check = simple(checks::NODE_MODULE, severity, &route.pattern, message, fix);
    check.state = State::NotRun;
    check
}

/// Checks that could not run for the whole project: nothing to check was found, or not all of it.
pub fn of_project(project: &Project, found: &Found) -> Vec<Check> {
    let not_run = |message: String, fix: &str| {
        let mut check = simple(checks::RUNTIME_UNREADABLE, Severity::Critical, "project", message, fix);
        check.state = State::NotRun;
        check
    };
    let mut checks = Vec::new();
    if found.routes.is_empty() {
        let message =
            "no route was found (neither app nor pages, middleware or proxy), so nothing was checked";
        checks.push(not_run(message.to_owned(), "name the folder of the project that has them"));
    }
    if let Some((file, reason)) = &project.unread_config {
        let message = format!("{file} could not be read: {reason}; it may say that other files are routes");
        checks.push(not_run(message, "make the file readable"));
    }
    if let Some(why) = &found.incomplete {
        let message = format!("not all folders were walked: {why}");
        checks.push(not_run(message, "keep what is no route out of app and pages"));
    }
    checks
}

fn declaration(project: &Project, route: &Route, assigned: &Assigned, label: &str) -> Option<Check> {
    let mut check = match assigned.oddity.as_ref()? {
        Oddity::Fatal(why) => {
            let message = format!("the runtime of {label} is {why}");
            let fix = "write export const runtime = 'nodejs' (or 'edge') in the file";
            simple(checks::RUNTIME_UNREADABLE, Severity::Critical, &route.pattern, message, fix)
        }
        Oddity::Ignored(why) => {
            let message =
                format!("the runtime of {label} is {why}; it runs on {}", assigned.runtime.as_str());
            let fix = "write export const runtime = 'nodejs' (or 'edge') in the file";
            simple(checks::RUNTIME_UNREADABLE, Severity::Warning, &route.pattern, message, fix)
        }
        Oddity::Shifts => {
            let message = format!(
                "{label} has a layout on edge above it: Turbopack passes that on to handlers, webpack does not; under {} it runs on {}",
                project.bundler.as_str(),
                assigned.runtime.as_str()
            );
            let fix = "declare the runtime in the file of the handler";
            simple(checks::RUNTIME_SHIFTS, Severity::Warning, &route.pattern, message, fix)
        }
    };
    check.evidence.extend(assigned.declared.iter().map(|(file, place)| Evidence {
        file: file.clone(),
        line: place.line,
        column: place.column,
        chain: Vec::new(),
    }));
    Some(check)
}

/// Adds a line for every check that found nothing, and puts all in the order of reports: what failed first.
pub fn complete(mut found: Vec<Check>, ran: &[About]) -> Vec<Check> {
    let order: BTreeMap<&str, usize> =
        ran.iter().enumerate().map(|(number, about)| (about.id, number)).collect();
    for about in ran {
        if !found.iter().any(|check| check.id == about.id) {
            let mut check = simple(*about, Severity::Note, "project", "nothing found".to_owned(), "");
            check.state = State::Pass;
            found.push(check);
        }
    }
    found.sort_by(|a, b| {
        let key = |check: &Check| (check.state, check.severity, order.get(check.id).copied());
        key(a).cmp(&key(b)).then_with(|| (&a.subject, &a.message).cmp(&(&b.subject, &b.message)))
    });
    found
}
