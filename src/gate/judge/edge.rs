//! What a route on edge reaches and edge does not have. A finding is critical only if it is certain.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::{self, About};
use super::lists::{edge_has, members, node_only};
use super::lost::Lost;
use super::reach::{Certainty, EdgeId, Reach};
use super::simple;
use crate::gate::collect::graph::{Graph, Target, file_of, in_package, package_of};
use crate::gate::collect::module::{Asked, Doing, Place};
use crate::gate::collect::project::{Bundler, Project};
use crate::gate::collect::routes::{Kind, Route};
use crate::gate::report::model::{Build, Check, Evidence, Severity, Step};
use crate::gate::runtime::{Assigned, Runtime};

/// Most places shown of one finding.
const MAX_PLACES: usize = 5;

/// What a finding is about: check id, name, and whether only the name of a package speaks for it.
type Group = (&'static str, String);

/// One occurrence.
struct Hit {
    certainty: Certainty,
    file: String,
    place: Place,
    /// How many imports lead to the file.
    depth: usize,
    /// The edge that is the place, if it is one.
    edge: Option<EdgeId>,
    build: Build,
    /// In words, what it does.
    what: String,
    instead: &'static str,
}

/// Judges one route that runs on edge, or instrumentation. `label` names it in messages.
pub fn judge(
    project: &Project,
    graph: &Graph,
    route: &Route,
    assigned: &Assigned,
    label: &str,
    any_edge: bool,
) -> Vec<Check> {
    let entries: Vec<String> = std::iter::once(&route.file).chain(&route.with).cloned().collect();
    let boundary = !matches!(route.kind, Kind::AppPage | Kind::Page);
    // The build leaves out what is not used of files that do nothing when they are loaded; webpack does not do so
    // before it has stopped at a module that edge lacks.
    let drops = match route.kind {
        Kind::AppPage | Kind::AppHandler | Kind::Instrumentation => project.bundler == Bundler::Turbopack,
        _ => true,
    };
    let reach = Reach::from(graph, &entries, boundary, drops);
    let mut groups: BTreeMap<Group, (About, Vec<Hit>)> = BTreeMap::new();
    let mut goals: BTreeMap<Group, BTreeSet<EdgeId>> = BTreeMap::new();
    let mut add = |about: About, name: &str, hit: Hit| {
        let group = (about.id, name.to_owned());
        groups.entry(group).or_insert_with(|| (about, Vec::new())).1.push(hit);
    };

    let mut not_run: BTreeMap<String, Check> = BTreeMap::new();
    let mut lost = Lost::default();
    let mut entered = Entered::default();
    for (id, target, certainty) in reach.edges() {
        let Some(edge) = graph.modules.get(&id.0).and_then(|module| module.edges.get(id.1)) else { continue };
        let own = !in_package(&id.0);
        if own && certainty >= Certainty::Likely {
            lost.see(file_of(&id.0), &edge.specifier, target);
        }
        let hit = |certainty, build, what: String, instead| {
            let (file, place, depth) = (id.0.clone(), edge.place, reach.depth(&id.0));
            Hit { certainty, file, place, depth, edge: Some(id.clone()), build, what, instead }
        };
        match target {
            Target::Builtin(module) if edge_has(module, project.version) => {
                let lacking = |name: &&String| {
                    members(module).is_some_and(|members| {
                        !matches!(name.as_str(), "*" | "default") && !members.contains(&name.as_str())
                    })
                };
                for name in edge.bindings.values().filter(lacking).filter(|_| own) {
                    let what = format!("{module}.{name}, which the {module} of edge lacks");
                    add(
                        checks::MODULE_SUBSET,
                        &format!("{module}.{name}"),
                        hit(certainty, Build::Silent, what, ""),
                    );
                }
            }
            Target::Builtin(module) if own => {
                let build = build_of_module(project, route, &edge.specifier, edge.asked);
                let what = format!("node:{module}, which edge does not have");
                // Where the build goes on, the module is only missed when it is touched.
                let idle = build != Build::Fails && reach.is_only_in_classes(&id);
                let certainty = if idle { certainty.min(Certainty::Likely) } else { certainty };
                add(checks::NODE_MODULE, module, hit(certainty, build, what, ""));
                goals.entry((checks::NODE_MODULE.id, module.clone())).or_default().insert(id.clone());
            }
            Target::Builtin(module) => {
                // The package that the project itself asks for is the one to name.
                let name = entered.of(&reach, graph, &id.0);
                let instead = node_only(&name).map_or("", |entry| entry.instead);
                let what = format!("{name}, which loads node:{module}");
                let build = build_of_package(project, route);
                add(checks::NODE_PACKAGE, &name, hit(certainty, build, what, instead));
            }
            Target::Emptied(module) if own && certainty == Certainty::Certain => {
                let what = format!(
                    "{module}, which `browser` in package.json maps to nothing, so that its functions are undefined"
                );
                add(checks::NODE_MODULE, module, hit(Certainty::Likely, Build::Silent, what, ""));
            }
            Target::Absent(specifier) if own => {
                if let Some(entry) = node_only(specifier) {
                    let most = if entry.depends { Certainty::Suspect } else { Certainty::Likely };
                    let what = format!("{}, which by its name needs Node.js", entry.name);
                    let build = build_of_package(project, route);
                    let name = package_of(specifier);
                    add(checks::NODE_PACKAGE, name, hit(certainty.min(most), build, what, entry.instead));
                }
            }
            Target::File(next) if own && *file_of(next) != route.file => {
                // What it loads is unknown, so that the check could not run to its end.
                if let Some(unread) = graph.unread.get(file_of(next)).filter(|_| !in_package(next)) {
                    let spared = assigned.runtime == Runtime::Both && !any_edge;
                    let severity = match certainty >= Certainty::Likely && !spared {
                        true => Severity::Critical,
                        false => Severity::Warning,
                    };
                    not_run.insert(next.clone(), super::not_read(route, label, next, unread, severity));
                }
            }
            _ => {}
        }
        if let Some(package) = package_entered(graph, &id).filter(|_| own) {
            goals.entry((checks::NODE_PACKAGE.id, package)).or_default().insert(id.clone());
        }
    }
    for (file, module) in reach.files().filter(|(file, _)| !in_package(file)) {
        for one in &module.uses {
            let Some(certainty) = reach.code_certainty(file, one.when) else { continue };
            let (about, name, what, build) = using(project, route, &one.doing);
            let value = matches!(one.doing, Doing::ProcessValue(_));
            // A value that is undefined is seldom fatal.
            let certainty = if value { certainty.min(Certainty::Likely) } else { certainty };
            let (file, place, depth) = (file.to_owned(), one.place, reach.depth(file));
            add(about, &name, Hit { certainty, file, place, depth, edge: None, build, what, instead: "" });
        }
    }
    let none = BTreeSet::new();
    let found = groups.into_iter().map(|(group, (about, hits))| {
        let goals = goals.get(&group).unwrap_or(&none);
        finding(graph, &reach, route, assigned, about, label, hits, goals, any_edge)
    });
    let spared = assigned.runtime == Runtime::Both && !any_edge;
    found.chain(not_run.into_values()).chain(lost.check(route, label, spared)).collect()
}

/// The package that an edge of the project's own code leads into.
fn package_entered(graph: &Graph, id: &EdgeId) -> Option<String> {
    match graph.targets.get(&id.0)?.get(id.1)? {
        Target::File(file) if in_package(file) && !in_package(&id.0) => Some(package_of(file).to_owned()),
        Target::Absent(specifier) if !in_package(&id.0) => Some(package_of(specifier).to_owned()),
        _ => None,
    }
}

/// The packages that the project's own code asks for, by the files of packages that are reached through them.
#[derive(Default)]
struct Entered(BTreeMap<String, String>);

impl Entered {
    /// The package of a file: the one that the project itself asks for, not one that this one loads.
    fn of(&mut self, reach: &Reach<'_>, graph: &Graph, file: &str) -> String {
        let mut way = Vec::new();
        let mut at = file.to_owned();
        let name = loop {
            if let Some(known) = self.0.get(&at) {
                break known.clone();
            }
            way.push(at.clone());
            let Some(edge) = reach.edge_to(&at) else { break package_of(file).to_owned() };
            if let Some(package) = package_entered(graph, edge) {
                break package;
            }
            at = edge.0.clone();
        };
        self.0.extend(way.into_iter().map(|file| (file, name.clone())));
        name
    }
}

#[expect(clippy::too_many_arguments, reason = "one finding is made in one place")]
fn finding(
    graph: &Graph,
    reach: &Reach<'_>,
    route: &Route,
    assigned: &Assigned,
    about: About,
    label: &str,
    mut hits: Vec<Hit>,
    goals: &BTreeSet<EdgeId>,
    any_edge: bool,
) -> Check {
    // The surest and shortest first; the rest by place, so that the order is total.
    hits.sort_by(|a, b| {
        let length = |hit: &Hit| hit.depth + usize::from(hit.edge.is_some());
        let key = |hit: &Hit| (std::cmp::Reverse(hit.certainty), length(hit));
        key(a).cmp(&key(b)).then_with(|| (&a.file, a.place, &a.edge).cmp(&(&b.file, b.place, &b.edge)))
    });
    let best = &hits[0];
    let both = assigned.runtime == Runtime::Both;
    let about = if both { checks::INSTRUMENTATION } else { about };
    let severity = match best.certainty {
        Certainty::Certain if both && !any_edge => Severity::Note,
        // Edge has most of the module, and what it lacks may never be called.
        Certainty::Certain if about.id == checks::MODULE_SUBSET.id => Severity::Warning,
        Certainty::Certain => Severity::Critical,
        Certainty::Likely => Severity::Warning,
        Certainty::Suspect => Severity::Note,
    };
    let whole = reach.chain(&best.file).into_iter().chain(best.edge.clone());
    let in_project: Vec<EdgeId> = whole.filter(|edge| !in_package(&edge.0)).collect();
    let cut = if goals.is_empty() {
        reach.cut(&in_project, &in_project.last().cloned().into_iter().collect())
    } else {
        reach.cut(&in_project, goals)
    };
    let hedge = match best.certainty {
        Certainty::Certain => "",
        Certainty::Likely => {
            " (likely: it is loaded and not used, or the name of a package or its sources speak for it)"
        }
        Certainty::Suspect => {
            " (suspect: it stands behind a condition, a try or a call that may not come, or is not used in a package that is not built)"
        }
    };
    let message = format!("{label} runs on {} and reaches {}{hedge}", on(assigned), best.what);
    let fix = fix(graph, reach, route, assigned, best, &cut);
    let mut cut: Vec<Step> = cut.iter().filter_map(|edge| step(graph, edge)).collect();
    cut.dedup();
    // A file that is compiled for both layers is one place.
    let mut seen = BTreeSet::new();
    let places = hits.iter().filter(|hit| seen.insert((file_of(&hit.file), hit.place)));
    Check {
        certainty: Some(best.certainty),
        evidence: places.take(MAX_PLACES).map(|hit| evidence(graph, reach, hit)).collect(),
        build: Some(best.build),
        cut,
        ..simple(about, severity, &route.pattern, message, &fix)
    }
}

fn on(assigned: &Assigned) -> String {
    match assigned.runtime {
        Runtime::Both => "edge as well as Node.js".to_owned(),
        _ => format!("edge ({})", assigned.source),
    }
}

/// An edge as reports show it.
pub fn step(graph: &Graph, id: &EdgeId) -> Option<Step> {
    let edge = graph.modules.get(&id.0)?.edges.get(id.1)?;
    Some(Step { file: file_of(&id.0).to_owned(), line: edge.place.line, imports: edge.specifier.clone() })
}

fn evidence(graph: &Graph, reach: &Reach<'_>, hit: &Hit) -> Evidence {
    let whole = reach.end_of_chain(&hit.file).into_iter().chain(hit.edge.clone());
    let chain = whole.filter_map(|edge| step(graph, &edge)).collect();
    Evidence { file: file_of(&hit.file).to_owned(), line: hit.place.line, column: hit.place.column, chain }
}

fn fix(
    graph: &Graph,
    reach: &Reach<'_>,
    route: &Route,
    assigned: &Assigned,
    best: &Hit,
    cut: &[EdgeId],
) -> String {
    let mut ways = Vec::new();
    ways.push(match (assigned.runtime, route.kind) {
        (Runtime::Both, _) => "load it under if (process.env.NEXT_RUNTIME === 'nodejs')".to_owned(),
        (_, Kind::Middleware) => {
            "run it on Node.js (proxy from Next.js 16, config.runtime = 'nodejs' from 15.5)".to_owned()
        }
        (_, Kind::Page | Kind::PagesApi) => "take the edge runtime out of the file's config".to_owned(),
        _ => "export const runtime = 'nodejs'".to_owned(),
    });
    if !best.instead.is_empty() {
        ways.push(format!("use {}", best.instead));
    }
    if let [id] = cut
        && let (Some(one), Some(module)) = (step(graph, id), graph.modules.get(&id.0))
    {
        let used = reach.used_names(&id.0);
        let has = |name: &&str| module.exports.contains_key(*name) || !module.stars.is_empty();
        let known: Vec<&str> = used.iter().copied().filter(has).collect();
        let cut = format!("cut the import of {} in {}:{}", one.imports, one.file, one.line);
        ways.push(if one.file == route.file || used.is_empty() || used.contains(&"*") {
            cut
        } else if known.is_empty() {
            // Reached through `export *` by others of its names.
            format!(
                "import what the route uses past the `export *` that brings {}: it uses nothing of that file",
                one.file
            )
        } else {
            format!("{cut} (the route uses only {} of that file)", known.join(", "))
        });
    }
    ways.join(", or ")
}

/// What `next build` says about a module of Node.js, as builds of 14.2, 15.5 and 16.4 showed.
fn build_of_module(project: &Project, route: &Route, specifier: &str, asked: Asked) -> Build {
    match (project.bundler, route.kind) {
        (Bundler::Webpack, Kind::AppHandler | Kind::AppPage | Kind::Instrumentation) => Build::Fails,
        (_, _) if asked == Asked::Require => Build::Silent,
        (Bundler::Webpack, _) if specifier.starts_with("node:") => Build::Fails,
        (_, _) => Build::Warns,
    }
}

fn build_of_package(project: &Project, route: &Route) -> Build {
    match (project.bundler, route.kind) {
        (Bundler::Webpack, Kind::AppHandler | Kind::AppPage | Kind::Instrumentation) => Build::Fails,
        (Bundler::Webpack, _) => Build::Warns,
        (Bundler::Turbopack, Kind::Middleware) => Build::Silent,
        (Bundler::Turbopack, _) => Build::Fails,
    }
}

fn using(project: &Project, route: &Route, doing: &Doing) -> (About, String, String, Build) {
    let app = matches!(route.kind, Kind::AppHandler | Kind::AppPage);
    let webpack = project.bundler == Bundler::Webpack;
    let warned = if webpack && app { Build::Silent } else { Build::Warns };
    match doing {
        Doing::DynamicCode(name) => {
            let build = if webpack && !app { Build::Fails } else { Build::Silent };
            let what = format!("{name}, which works in development and is forbidden in production");
            (checks::DYNAMIC_CODE, name.clone(), what, build)
        }
        Doing::ProcessCall(name) => {
            let what = format!("process.{name}(), which throws there");
            (checks::NODE_API, format!("process.{name}"), what, warned)
        }
        Doing::ProcessValue(name) => {
            let what = format!("process.{name}, which is undefined there");
            (checks::NODE_API, format!("process.{name}"), what, warned)
        }
        Doing::MissingGlobal(name) => {
            let what = format!("{name}, which throws there");
            (checks::NODE_API, name.clone(), what, warned)
        }
    }
}
