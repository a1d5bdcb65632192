//! Facts to checks. Pure: the same facts give the same verdict, in whatever order they were read.

pub mod checks;
pub mod edge;
pub mod env;
pub mod lists;
pub mod reach;

use std::collections::BTreeMap;

use crate::gate::collect::graph::Graph;
use crate::gate::collect::project::Project;
use crate::gate::collect::routes::{Kind, Route};
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
fn simple(about: About, severity: Severity, subject: &str, message: String, fix: &str) -> Check {
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
    }
}

/// Judges the runtimes of all routes.
pub fn runtimes(project: &Project, routes: &[(Route, Assigned)], graph: &Graph) -> Vec<Check> {
    let any_edge = routes.iter().any(|(_, assigned)| assigned.runtime == Runtime::Edge);
    let mut found = Vec::new();
    for (route, assigned) in routes {
        let label = label(route, &methods(route, graph));
        found.extend(declaration(project, route, assigned, &label));
        if assigned.runtime == Runtime::Node {
            continue;
        }
        if let Some(reason) = graph.unread.get(&route.file) {
            let message = format!("{label} runs on edge and {} could not be read: {reason}", route.file);
            let fix = "make the file readable, so that what it loads can be told";
            let mut check = simple(checks::NODE_MODULE, Severity::Critical, &route.pattern, message, fix);
            check.state = State::NotRun;
            found.push(check);
        }
        found.extend(edge::judge(project, graph, route, assigned, &label, any_edge));
    }
    found
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
