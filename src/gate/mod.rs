//! The pre-deploy gate: judges a Next.js project before it ships, by the causes that the log rules name afterwards.
//!
//! Three steps: [`collect`] reads the project (nothing is run, written or fetched), [`judge`] decides on what was read
//! and nothing else, [`report`] writes. Before the second, where it is asked for, [`reach`] goes to the declared datastores. The gate stands beside the log engine and uses only its printing.

pub mod collect;
pub mod drivers;
pub mod judge;
pub mod manifest;
pub mod reach;
pub mod report;
pub mod runtime;
pub mod transcript;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use collect::datastores::{self, Sought, Values};
use collect::dotenv::{self, Hidden};
use collect::graph::{self, Layer, Profile, Target, file_of};
use collect::project::Project;
use collect::routes::{self, Kind, Route};
use judge::checks::About;
use judge::declared::Facts;
use manifest::Manifest;
use reach::seen::{Asked, Reached};
use report::model::{Check, GateReport, Ledger, ProjectLine, RouteLine, SCHEMA, Tool, fails};
use runtime::{Assigned, Runtime};
use transcript::{Phase, Transcript};

/// What a gate is held to beside the project's own code.
#[derive(Debug, Clone, Copy)]
pub struct Demands<'m> {
    /// What the team declares.
    pub manifest: Option<&'m Manifest>,
    /// The day as of which waivers hold.
    pub today: NaiveDate,
    /// What was seen outside of the project.
    pub transcript: Option<&'m Transcript>,
}

/// Judges a project (see [`collect::project::find`]), offline.
pub fn run(project: Project, demands: Demands<'_>) -> GateReport {
    let found = routes::routes(&project);
    let of_project = judge::of_project(&project, &found);
    let passed_over = found.passed_over;

    // The project's own files of every route, for what it declares; then packages too, from what runs on edge.
    let every: BTreeMap<String, Layer> =
        found.routes.iter().flat_map(files).map(|file| (file, Layer::Plain)).collect();
    let own = graph::read(&project, &every, Profile::Node);
    let assigned: Vec<(Route, Assigned)> = found
        .routes
        .into_iter()
        .map(|route| {
            let runtime = runtime::assign(&project, &route, &own);
            (route, runtime)
        })
        .collect();
    let on_edge = assigned.iter().filter(|(_, assigned)| assigned.runtime != Runtime::Node);
    let entries: BTreeMap<String, Layer> = on_edge
        .flat_map(|(route, _)| {
            let layer = layer(&project, route);
            entries(route).into_iter().map(move |file| (file, layer))
        })
        .collect();
    let edge = graph::read(&project, &entries, Profile::Edge);

    let snapshots = dotenv::snapshots(&project.root, demands.snapshots());

    let mut found = of_project;
    found.extend(judge::runtimes(&project, &assigned, &own, &edge));
    let (keys, of_env) = judge::env::judge(&assigned, &own, &snapshots);
    found.extend(of_env);
    let mut ran = judge::checks::RUNTIME.to_vec();
    if !snapshots.is_empty() {
        ran.extend(judge::env::ENVIRONMENT);
    }
    let read: BTreeSet<&str> = keys.iter().flatten().map(String::as_str).collect();
    let values = Values { snapshots: &snapshots, environment: &|_| None };
    let (of_datastores, judged) =
        of_datastores(&datastores::sought(&project, demands.manifest, &read, &values, &own), demands);
    found.extend(of_datastores);
    ran.extend(judged);
    let mut ledger = ledger(&project, &own, &edge);
    if let Some(manifest) = demands.manifest {
        let facts = Facts { routes: &assigned, keys: &keys, snapshots: &snapshots };
        found.extend(judge::declared::judge(manifest, facts));
        judge::declared::settle(&mut found);
        ledger.remarks.extend(judge::waive::apply(&manifest.gate, demands.today, &mut found));
        ran.extend(judge::declared::DECLARED);
    }
    let checks = judge::complete(found, &ran);
    ledger.remarks.extend(passed_over.into_iter().map(|one| format!("passed over {one}")));
    ledger.keys = keys.iter().flatten().collect::<BTreeSet<_>>().len();
    ledger.snapshots = snapshots.into_iter().flat_map(|snapshot| snapshot.files).collect();
    let family = |route: &Route| demands.manifest.and_then(|manifest| manifest.family(&route.pattern));
    let lines = assigned.iter().zip(keys).map(|((route, assigned), keys)| RouteLine {
        family: family(route).map(|family| family.name.clone()),
        owner: family(route).and_then(|family| family.owner.clone()),
        pattern: route.pattern.clone(),
        methods: judge::methods(route, &own),
        kind: route.kind.as_str(),
        file: route.file.clone(),
        runtime: assigned.runtime.as_str(),
        runtime_source: assigned.source.clone(),
        env: keys,
    });
    GateReport {
        schema: SCHEMA,
        tool: Tool { name: "why500", version: env!("CARGO_PKG_VERSION") },
        phase: if demands.has_reached() { "reach" } else { "offline" },
        verdict: if fails(&checks) { "failed" } else { "passed" },
        routes: lines.collect(),
        datastores: demands.reached().iter().map(report::model::DatastoreLine::of).collect(),
        checks,
        ledger,
        project: ProjectLine {
            framework: "next",
            version: project.version_text,
            version_source: project.version_source,
            bundler: project.bundler.as_str(),
        },
    }
}

impl Demands<'_> {
    /// Files of keys that the manifest names.
    fn snapshots(&self) -> Vec<(&'static str, Vec<String>)> {
        let named = self.manifest.iter().flat_map(|manifest| &manifest.env.snapshots);
        named.map(|(scope, files)| (scope.as_str(), files.clone())).collect()
    }

    /// Whether the declared datastores were gone to.
    fn has_reached(&self) -> bool {
        self.transcript.is_some_and(|transcript| transcript.has(Phase::Reach))
    }

    /// What was seen of them.
    fn reached(&self) -> Vec<Reached> {
        self.transcript.iter().flat_map(|transcript| transcript.datastores()).cloned().collect()
    }
}

/// The datastores of a project, for [`reach::run`]: as [`run`] finds them, with what the environment of this process adds.
pub fn sought(project: &Project, manifest: &Manifest) -> Vec<Sought> {
    let found = routes::routes(project);
    let every: BTreeMap<String, Layer> =
        found.routes.iter().flat_map(files).map(|file| (file, Layer::Plain)).collect();
    let own = graph::read(project, &every, Profile::Node);
    let named = Demands { manifest: Some(manifest), today: NaiveDate::MIN, transcript: None }.snapshots();
    let snapshots = dotenv::snapshots(&project.root, named);
    let environment = |key: &str| std::env::var(key).ok().map(Hidden::new);
    let values = Values { snapshots: &snapshots, environment: &environment };
    datastores::sought(project, Some(manifest), &BTreeSet::new(), &values, &own)
}

/// What a project asks of its datastores, and what was seen of them, judged; with the checks that this was.
fn of_datastores(sought: &[Sought], demands: Demands<'_>) -> (Vec<Check>, Vec<About>) {
    let reached = demands.reached();
    // What was seen speaks of the URL that it was seen with, which may be another than that of the project's files.
    let asked: Vec<Asked> = sought
        .iter()
        .map(|one| {
            let seen = reached.iter().find(|seen| one.declared && seen.asked.name == one.name);
            seen.map_or_else(|| Asked::of(one), |seen| seen.asked.as_ref().clone())
        })
        .collect();
    let limits =
        reached.iter().filter_map(|seen| Some((seen.asked.name.as_str(), seen.capacity.as_ref()?))).collect();
    let mut found = judge::datastores::judge(&asked, demands.manifest, &limits);
    let mut ran = if asked.is_empty() { Vec::new() } else { judge::datastores::DATASTORES.to_vec() };
    if demands.has_reached() {
        found.extend(judge::reached::judge(demands.manifest, &reached, demands.today));
        ran.extend(judge::reached::REACHED);
    }
    (found, ran)
}

/// Files that a route is built from, as far as the project names them.
fn entries(route: &Route) -> Vec<String> {
    std::iter::once(&route.file).chain(&route.with).cloned().collect()
}

/// The layer that a route begins in. Builds of 16.0 showed it for handlers.
fn layer(project: &Project, route: &Route) -> Layer {
    match route.kind {
        Kind::AppPage | Kind::AppHandler if project.version >= (13, 4) => Layer::Server,
        _ => Layer::Plain,
    }
}

/// [`entries`], and the layouts that may declare its runtime.
fn files(route: &Route) -> Vec<String> {
    entries(route).into_iter().chain(route.layouts.iter().cloned()).collect()
}

fn ledger(project: &Project, own: &graph::Graph, edge: &graph::Graph) -> Ledger {
    let read: BTreeSet<&str> =
        own.modules.keys().chain(edge.modules.keys()).map(|key| file_of(key)).collect();
    let unread =
        own.unread.iter().chain(&edge.unread).map(|(file, unread)| format!("{file} ({})", unread.reason));
    let unresolved = own.unresolved.iter().chain(&edge.unresolved);
    let absent = edge.targets.values().flatten().filter_map(|target| match target {
        Target::Absent(specifier) => Some(graph::package_of(specifier).to_owned()),
        _ => None,
    });
    let edges = own.targets.values().chain(edge.targets.values()).flatten();
    let unbuilt = edges.filter_map(|target| match target {
        Target::Unbuilt(package) => Some(package.clone()),
        _ => None,
    });
    let guessed = own.guessed.union(&edge.guessed).filter_map(|(file, number)| {
        let module = own.modules.get(file).or_else(|| edge.modules.get(file))?;
        let package = graph::package_of(&module.edges.get(*number)?.specifier);
        Some(format!(
            "{package} is not built; its sources were read, and findings in them are likely at most"
        ))
    });
    let remarks: BTreeSet<String> = own.remarks.union(&edge.remarks).cloned().chain(guessed).collect();
    let sorted = |list: BTreeSet<String>| list.into_iter().collect::<Vec<_>>();
    Ledger {
        files_read: read.len(),
        files_unread: sorted(unread.collect()),
        unresolved: sorted(unresolved.map(|(file, specifier)| format!("{specifier} in {file}")).collect()),
        packages_absent: sorted(absent.collect()),
        packages_unbuilt: sorted(unbuilt.collect()),
        keys: 0,
        snapshots: Vec::new(),
        remarks: project.remarks.iter().cloned().chain(remarks).collect(),
    }
}

#[cfg(test)]
mod tests;
