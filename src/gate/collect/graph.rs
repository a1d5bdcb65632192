//! The module graph as a bundler resolves it for edge (or for Node.js), from a set of files on. Files are read once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use super::fence;
use super::module::Module;
use super::nesting::STACK_BYTES;
use super::parse::parse;
use super::project::Project;
use super::resolve::{Led, Loader};
use super::routes::shown;

/// For which runtime modules are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Edge: packages are followed.
    Edge,
    /// Node.js: only the project's own files are followed.
    Node,
}

/// Where a request for a module leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A file, as [`shown`].
    File(String),
    /// A module of Node.js, without `node:`.
    Builtin(String),
    /// A package that is not installed.
    Absent(String),
    /// A package of the workspace that is not built, and whose sources are not where sources are.
    Unbuilt(String),
    /// A file of the project that is not there (generated code, or an alias that is not understood).
    Unresolved,
    /// Nothing that matters: an asset, a part of the framework, a module that the package maps to nothing.
    Nothing,
}

/// What was read and where everything leads.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Files by shown path.
    pub modules: BTreeMap<String, Module>,
    /// For each file, one target for each of its edges.
    pub targets: BTreeMap<String, Vec<Target>>,
    /// Files that could not be read or parsed.
    pub unread: BTreeMap<String, Unread>,
    /// Edges that lead to the sources of a package of the workspace, by a guess: it is not built.
    pub guessed: BTreeSet<(String, usize)>,
    /// Specifiers of the project's own files that lead nowhere: (file, specifier).
    pub unresolved: BTreeSet<(String, String)>,
    /// What could not be told, in words.
    pub remarks: BTreeSet<String>,
}

/// A file that could not be read or parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Why, in words.
    pub reason: String,
    /// It may declare that it runs on edge: its text has the word as a string, or could not be had.
    pub may_be_edge: bool,
}

/// Whether a shown path lies in a package.
pub fn in_package(path: &str) -> bool {
    path.starts_with("node_modules/") || path.contains("/node_modules/")
}

/// The package of a shown path or of a bare specifier.
pub fn package_of(path: &str) -> &str {
    let rest = path.rfind("node_modules/").map_or(path, |at| &path[at + "node_modules/".len()..]);
    let slashes = if rest.starts_with('@') { 2 } else { 1 };
    let end = rest.match_indices('/').nth(slashes - 1).map_or(rest.len(), |(at, _)| at);
    &rest[..end]
}

/// Reads the graph that hangs on these files (shown paths), on a thread with a stack for what is nested deeply.
pub fn read(project: &Project, entries: &BTreeSet<String>, profile: Profile) -> Graph {
    let graph = thread::scope(|scope| {
        let reader = thread::Builder::new().stack_size(STACK_BYTES);
        let reader = reader.spawn_scoped(scope, || read_here(project, entries, profile)).ok()?;
        reader.join().ok()
    });
    graph.unwrap_or_else(|| {
        let unread = || Unread { reason: "no memory for its parser".to_owned(), may_be_edge: true };
        let unread = entries.iter().map(|entry| (entry.clone(), unread())).collect();
        Graph { unread, ..Graph::default() }
    })
}

fn read_here(project: &Project, entries: &BTreeSet<String>, profile: Profile) -> Graph {
    let root = fs::canonicalize(&project.root).unwrap_or_else(|_| project.root.clone());
    let loader = Loader::new(project, profile);
    let mut graph = Graph::default();
    let mut waiting: Vec<PathBuf> = entries.iter().map(|entry| root.join(entry)).collect();
    while let Some(path) = waiting.pop() {
        let name = shown(&root, &path);
        if graph.targets.contains_key(&name) || graph.unread.contains_key(&name) {
            continue;
        }
        let module = match module(project, &path) {
            Ok(module) => module,
            Err(unread) => {
                graph.unread.insert(name, unread);
                continue;
            }
        };
        let mut targets = Vec::with_capacity(module.edges.len());
        for (number, edge) in module.edges.iter().enumerate() {
            let Led { target, next, guessed } = loader.target(&root, &path, &edge.specifier, edge.asked);
            if guessed {
                graph.guessed.insert((name.clone(), number));
            }
            if target == Target::Unresolved && !in_package(&name) {
                graph.unresolved.insert((name.clone(), edge.specifier.clone()));
            }
            let follow =
                profile == Profile::Edge || !matches!(&target, Target::File(file) if in_package(file));
            waiting.extend(next.filter(|_| follow));
            targets.push(target);
        }
        graph.targets.insert(name.clone(), targets);
        graph.modules.insert(name, module);
    }
    graph.remarks = loader.remarks(&root);
    graph
}

fn module(project: &Project, path: &Path) -> Result<Module, Unread> {
    let inside = match fs::canonicalize(path) {
        Ok(real) if !real.starts_with(&project.workspace) => {
            Err("a link leads out of the workspace".to_owned())
        }
        Ok(_) => fence::text(path),
        Err(error) => Err(error.to_string()),
    };
    let text = inside.map_err(|reason| Unread { reason, may_be_edge: true })?;
    parse(path, &text, project.keeps_unused_imports).map_err(|reason| {
        let says =
            |word: &str| ['\'', '"', '`'].iter().any(|quote| text.contains(&format!("{quote}{word}{quote}")));
        Unread { reason, may_be_edge: says("edge") || says("experimental-edge") }
    })
}
