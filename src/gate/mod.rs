//! The pre-deploy gate: judges a Next.js project before it ships, by the causes that the log rules name afterwards.
//!
//! [`collect`] reads the project (nothing is run, written or fetched); [`probe`] looks at a deployment and [`reach`] at
//! datastores, only where they are asked to, and give a [`transcript`]; [`judge`] decides on what was read and seen and
//! nothing else; [`report`] writes.

pub mod after;
pub mod collect;
pub mod drivers;
pub mod judge;
pub mod manifest;
pub mod probe;
pub mod reach;
pub mod report;
pub mod runtime;
pub mod transcript;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::incidents::memory::Memory;
use after::Logs;
use collect::datastores::{self, Sought, Values};
use collect::dotenv::{self, Hidden};
use collect::graph::{self, Layer, Profile, Target, file_of};
use collect::project::Project;
use collect::routes::{self, Kind, Route};
use judge::checks::About;
use judge::declared::Facts;
use manifest::{Family, Manifest};
use reach::seen::{Asked, Reached};
use report::model::{Check, DatastoreLine, GateReport, Ledger, ProjectLine, RouteLine, SCHEMA, Tool, fails};
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
    /// Logs of a deployment. With them the deployment is judged, and not the project.
    pub logs: Option<&'m Logs>,
    /// Saved incidents, whose guards must hold.
    pub incidents: Option<&'m Memory>,
    /// Steps without which nothing passes.
    pub required: &'m [Phase],
}

/// Judges a project (see [`collect::project::find`]), and what was seen. Opens no connection.
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

    let snapshots = dotenv::snapshots(&project.root, snapshots_named(demands.manifest));

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
    let sought = datastores::sought(&project, demands.manifest, &read, &values, &own);
    let (of_datastores, judged) = of_datastores(&sought, demands);
    found.extend(of_datastores);
    ran.extend(judged);
    let mut ledger = ledger(&project, &own, &edge);
    if let Some(manifest) = demands.manifest {
        let facts = Facts { routes: &assigned, keys: &keys, snapshots: &snapshots };
        found.extend(judge::declared::judge(manifest, facts));
        let methods: Vec<_> = assigned.iter().map(|(route, _)| judge::methods(route, &own)).collect();
        found.extend(judge::negatives::judge(manifest, &assigned, &methods));
        judge::declared::settle(&mut found);
        ran.extend(judge::declared::DECLARED);
    }
    if demands.logs.is_some() {
        // A deployment is judged by what it does, not by its sources and the servers below it.
        (found, ran) = (Vec::new(), Vec::new());
        if demands.transcript.is_some_and(|transcript| transcript.has(Phase::Reach)) {
            ledger
                .remarks
                .push("what the transcript saw of datastores is not judged with --after".to_owned());
        }
    }
    if let Some((of_live, remarks)) = demands.live() {
        found.extend(of_live);
        ledger.remarks.extend(remarks);
        ran.extend(judge::live::LIVE);
    }
    ledger.probes_sent = demands.sent();
    if let Some(memory) = demands.incidents.filter(|_| demands.logs.is_none()) {
        let routes: Vec<&str> = assigned.iter().map(|(route, _)| route.pattern.as_str()).collect();
        let (of_guards, remarks) = judge::guards::judge(&memory.saved, &found, &ran, &routes);
        found.extend(of_guards);
        ledger.remarks.extend(remarks);
        if memory.saved.values().any(|(_, incident)| !incident.guards.is_empty()) {
            ran.extend(judge::guards::GUARDS);
        }
    }
    found.extend(judge::phase::judge(demands.required, demands.transcript));
    if !demands.required.is_empty() {
        ran.extend(judge::phase::PHASES);
    }
    let waive = |found: &mut Vec<Check>, ran: &[About]| {
        let policy = demands.manifest.map(|manifest| &manifest.gate);
        policy.map(|policy| judge::waive::apply(policy, demands.today, found, ran)).unwrap_or_default()
    };
    ledger.remarks.extend(waive(&mut found, &ran));
    let after = demands.logs.map(|logs| {
        let (after, check) = after::judge(logs, demands.manifest, &found);
        let mut checks = vec![check];
        ledger.remarks.extend(waive(&mut checks, after::AFTER));
        found.append(&mut checks);
        ran.extend(after::AFTER);
        after
    });
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
        datastores: datastores_of(family(route), &keys, &sought),
        env: keys,
    });
    GateReport {
        schema: SCHEMA,
        tool: Tool { name: "why500", version: env!("CARGO_PKG_VERSION") },
        phase: match demands.logs {
            Some(_) => "after",
            None => demands.transcript.map_or("offline", Transcript::phase),
        },
        target: demands.transcript.and_then(|transcript| transcript.head.target.clone()),
        verdict: if fails(&checks) { "failed" } else { "passed" },
        routes: lines.collect(),
        datastores: demands.reached().unwrap_or_default().into_iter().map(DatastoreLine::of).collect(),
        checks,
        after,
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
    /// Findings about probes, and remarks; None where none were sent.
    fn live(&self) -> Option<(Vec<Check>, Vec<String>)> {
        let transcript = self.transcript.filter(|transcript| transcript.has(Phase::Live))?;
        Some(judge::live::judge(self.manifest?, transcript))
    }

    /// Requests that were sent.
    fn sent(&self) -> usize {
        self.transcript.map_or(0, |transcript| transcript.http().filter(|http| http.is_sent()).count())
    }

    /// What was seen of the declared datastores; None where none was gone to, or the deployment is judged.
    fn reached(&self) -> Option<Vec<&Reached>> {
        let transcript = self.transcript.filter(|transcript| transcript.has(Phase::Reach))?;
        self.logs.is_none().then(|| transcript.datastores().collect())
    }
}

/// Files of keys that a manifest names.
fn snapshots_named(manifest: Option<&Manifest>) -> Vec<(&'static str, Vec<String>)> {
    let named = manifest.into_iter().flat_map(|manifest| &manifest.env.snapshots);
    named.map(|(scope, files)| (scope.as_str(), files.clone())).collect()
}

/// The datastores that a manifest declares, for [`reach::run`]: as [`run`] finds them, and with what an environment adds.
pub fn sought(
    project: &Project,
    manifest: &Manifest,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Vec<Sought> {
    let found = routes::routes(project);
    let every: BTreeMap<String, Layer> =
        found.routes.iter().flat_map(files).map(|file| (file, Layer::Plain)).collect();
    let own = graph::read(project, &every, Profile::Node);
    let snapshots = dotenv::snapshots(&project.root, snapshots_named(Some(manifest)));
    let environment = |key: &str| environment(key).map(Hidden::new);
    let values = Values { snapshots: &snapshots, environment: &environment };
    datastores::sought(project, Some(manifest), &BTreeSet::new(), &values, &own)
}

/// Names of the datastores that a route needs.
fn datastores_of(family: Option<&Family>, keys: &[String], sought: &[Sought]) -> Vec<String> {
    let named = family.into_iter().flat_map(|family| &family.datastores);
    let read = sought.iter().filter(|one| keys.contains(&one.key)).map(|one| &one.name);
    named.chain(read).cloned().collect::<BTreeSet<String>>().into_iter().collect()
}

/// What a project asks of its datastores, and what was seen of them, judged; with the checks that this was.
fn of_datastores(sought: &[Sought], demands: Demands<'_>) -> (Vec<Check>, Vec<About>) {
    let now: Vec<Asked> = sought.iter().map(Asked::of).collect();
    let reached = demands.reached();
    let seen = |one: &Asked| {
        let of_one = |seen: &&Reached| one.declared && seen.asked.speaks_for(one);
        reached.iter().flatten().copied().find(of_one)
    };
    // What was seen speaks of the URL that it was seen with, which the project's files may not hold.
    let asked: Vec<Asked> =
        now.iter().map(|one| seen(one).map_or_else(|| one.clone(), |seen| (*seen.asked).clone())).collect();
    let limits =
        now.iter().filter_map(|one| Some((one.name.as_str(), seen(one)?.capacity.as_ref()?))).collect();
    let mut found = judge::datastores::judge(&asked, demands.manifest, &limits);
    let mut ran = if asked.is_empty() { Vec::new() } else { judge::datastores::DATASTORES.to_vec() };
    if let Some(reached) = &reached {
        found.extend(judge::reached::judge(demands.manifest, &now, reached, demands.today));
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
        probes_sent: 0,
        snapshots: Vec::new(),
        remarks: project.remarks.iter().cloned().chain(remarks).collect(),
    }
}

#[cfg(test)]
mod tests;
