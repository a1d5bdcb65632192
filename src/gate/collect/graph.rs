//! The module graph as a bundler resolves it for edge (or for Node.js), from a set of files on. Files are read once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::Value;

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

/// In which layer a file is compiled: the App Router has one of its own for what runs on the server only, where packages
/// are resolved with the condition `react-server`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Everything else; also client files, as they are rendered on the server.
    Plain,
    /// Pages, layouts, handlers and actions of the App Router, and what they import.
    Server,
}

/// Where a request for a module leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A file, by its key.
    File(String),
    /// A module of Node.js, without `node:`.
    Builtin(String),
    /// A module of Node.js that the project's own `package.json` maps to nothing (`browser`).
    Emptied(String),
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
    /// Files by key: the shown path, marked where the file is compiled for both layers, see [`file_of`].
    pub modules: BTreeMap<String, Module>,
    /// For each file, one target for each of its edges.
    pub targets: BTreeMap<String, Vec<Target>>,
    /// Files that could not be read or parsed.
    pub unread: BTreeMap<String, Unread>,
    /// Files of packages that say that loading them does nothing (`sideEffects`).
    pub pure: BTreeSet<String>,
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

/// Marks the key of a file in the layer of the server. No path that is shown has it.
const MARK: char = '\u{1}';

/// The shown path of a key.
pub fn file_of(key: &str) -> &str {
    key.trim_end_matches(MARK)
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
pub fn read(project: &Project, entries: &BTreeMap<String, Layer>, profile: Profile) -> Graph {
    let graph = thread::scope(|scope| {
        let reader = thread::Builder::new().stack_size(STACK_BYTES);
        let reader = reader.spawn_scoped(scope, || read_here(project, entries, profile)).ok()?;
        reader.join().ok()
    });
    graph.unwrap_or_else(|| {
        let unread = || Unread { reason: "no memory for its parser".to_owned(), may_be_edge: true };
        let unread = entries.keys().map(|entry| (entry.clone(), unread())).collect();
        Graph { unread, ..Graph::default() }
    })
}

fn read_here(project: &Project, entries: &BTreeMap<String, Layer>, profile: Profile) -> Graph {
    let root = fs::canonicalize(&project.root).unwrap_or_else(|_| project.root.clone());
    let loader = Loader::new(project, profile);
    let mut effects = Effects { workspace: &project.workspace, known: BTreeMap::new() };
    let mut graph = Graph::default();
    // Files that say themselves in which layer they are: their key is their path.
    let mut says = BTreeMap::new();
    let mut waiting: Vec<(PathBuf, Layer)> =
        entries.iter().map(|(entry, layer)| (root.join(entry), *layer)).collect();
    while let Some((path, layer)) = waiting.pop() {
        let file = shown(&root, &path);
        let layer = entries.get(&file).copied().unwrap_or(layer);
        let wanted = key(entries, &file, layer);
        if graph.targets.contains_key(&wanted) || graph.unread.contains_key(&file) || says.contains_key(&file)
        {
            continue;
        }
        let other = [file.clone(), marked(&file)].iter().find_map(|key| graph.modules.get(key)).cloned();
        let module = match other.map_or_else(|| module(project, &path), Ok) {
            Ok(module) => module,
            Err(unread) => {
                graph.unread.insert(file, unread);
                continue;
            }
        };
        let own = (profile == Profile::Edge).then_some(()).and(module.layer());
        if let Some(layer) = own {
            says.insert(file.clone(), layer);
        }
        let (name, layer) = own.map_or((wanted, layer), |layer| (file.clone(), layer));
        let mut targets = Vec::with_capacity(module.edges.len());
        for (number, edge) in module.edges.iter().enumerate() {
            let Led { target, next, guessed } = loader.target(&root, &path, layer, edge);
            if guessed {
                graph.guessed.insert((name.clone(), number));
            }
            if target == Target::Unresolved && !in_package(&name) {
                graph.unresolved.insert((file.clone(), edge.specifier.clone()));
            }
            let follow =
                profile == Profile::Edge || !matches!(&target, Target::File(file) if in_package(file));
            waiting.extend(next.filter(|_| follow).map(|next| (next, layer)));
            targets.push(match target {
                Target::File(next) => Target::File(key(entries, &next, layer)),
                other => other,
            });
        }
        if effects.is_pure(&path) {
            graph.pure.insert(name.clone());
        }
        graph.targets.insert(name.clone(), targets);
        graph.modules.insert(name, module);
    }
    for target in graph.targets.values_mut().flatten() {
        if let Target::File(next) = target
            && (says.contains_key(file_of(next)) || graph.unread.contains_key(file_of(next)))
        {
            *next = file_of(next).to_owned();
        }
    }
    graph.remarks = loader.remarks(&root);
    graph
}

fn marked(file: &str) -> String {
    format!("{file}{MARK}")
}

/// The key of a file that is compiled in a layer.
fn key(entries: &BTreeMap<String, Layer>, file: &str, layer: Layer) -> String {
    // An entry is in the layer that it begins.
    if layer == Layer::Plain || entries.contains_key(file) { file.to_owned() } else { marked(file) }
}

/// Which packages say that loading their files does nothing.
struct Effects<'p> {
    workspace: &'p Path,
    known: BTreeMap<PathBuf, bool>,
}

impl Effects<'_> {
    fn is_pure(&mut self, path: &Path) -> bool {
        let Some(dir) = path.parent() else { return false };
        if let Some(known) = self.known.get(dir) {
            return *known;
        }
        let within = dir.ancestors().take_while(|dir| dir.starts_with(self.workspace));
        let package = within.map(|dir| dir.join("package.json")).find_map(|file| fence::json(&file));
        let pure = match package.as_ref().and_then(|package| package.get("sideEffects")) {
            Some(Value::Bool(effects)) => !effects,
            // A list of styles alone leaves the code free of effects.
            Some(Value::Array(list)) => list.iter().all(|one| {
                let ends = |ending: &&str| one.as_str().is_some_and(|one| one.ends_with(ending));
                [".css", ".scss", ".sass", ".less"].iter().any(ends)
            }),
            _ => false,
        };
        self.known.insert(dir.to_owned(), pure);
        pure
    }
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
