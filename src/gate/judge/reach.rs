//! What a route reaches in the module graph, and how certainly: which statements run because of what the route uses
//! (liveness), the shortest import chains, and the smallest cut. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

use crate::gate::collect::graph::{Graph, Target, in_package};
use crate::gate::collect::module::{Asked, Circumstance, Exported, Module};

/// How certain it is that code runs, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// Behind a condition or a `try`, or in a function that may never be called.
    Suspect,
    /// Loaded with something that is used, without being used itself.
    Likely,
    /// It runs when the route does its work.
    Certain,
}

/// An edge of the graph: the asking file and the number of the edge in it.
pub type EdgeId = (String, usize);

/// What a route reaches.
pub struct Reach<'g> {
    graph: &'g Graph,
    /// Client files are a boundary: a handler only refers to them.
    stops_at_client: bool,
    /// Edge code leaves out what only Node.js runs.
    on_edge: bool,
    live_items: BTreeSet<(String, usize)>,
    live_edges: BTreeSet<EdgeId>,
    used: BTreeMap<String, BTreeSet<String>>,
    level: BTreeMap<String, Certainty>,
    parent: BTreeMap<String, EdgeId>,
    entries: Vec<String>,
}

impl<'g> Reach<'g> {
    /// On edge, from these files on, all of whose exports are used.
    pub fn from(graph: &'g Graph, entries: &[String], stops_at_client: bool) -> Reach<'g> {
        Reach::begin(graph, entries, stops_at_client, true)
    }

    /// The same on Node.js.
    pub fn on_node(graph: &'g Graph, entries: &[String], stops_at_client: bool) -> Reach<'g> {
        Reach::begin(graph, entries, stops_at_client, false)
    }

    fn begin(graph: &'g Graph, entries: &[String], stops_at_client: bool, on_edge: bool) -> Reach<'g> {
        let entries: Vec<String> =
            entries.iter().filter(|file| graph.modules.contains_key(*file)).cloned().collect();
        let mut reach = Reach {
            graph,
            stops_at_client,
            on_edge,
            live_items: BTreeSet::new(),
            live_edges: BTreeSet::new(),
            used: BTreeMap::new(),
            level: BTreeMap::new(),
            parent: BTreeMap::new(),
            entries,
        };
        reach.live();
        reach.levels();
        reach
    }

    fn module(&self, file: &str) -> Option<&'g Module> {
        self.graph.modules.get(file).filter(|module| !(self.stops_at_client && module.client))
    }

    fn target(&self, file: &str, edge: usize) -> Option<&'g Target> {
        self.graph.targets.get(file)?.get(edge)
    }

    /// Marks what runs because something used refers to it, until nothing changes.
    fn live(&mut self) {
        let mut waiting: Vec<(String, String)> =
            self.entries.iter().map(|file| (file.clone(), "*".to_owned())).collect();
        while let Some((file, name)) = waiting.pop() {
            let Some(module) = self.module(&file) else { continue };
            let first = !self.used.contains_key(&file);
            if !self.used.entry(file.clone()).or_default().insert(name.clone()) {
                continue;
            }
            let mut locals: Vec<String> = Vec::new();
            if first {
                for (number, item) in module.items.iter().enumerate() {
                    if item.effect {
                        self.item(&file, module, number, &mut locals, &mut waiting);
                    }
                }
                for (number, edge) in module.edges.iter().enumerate() {
                    let reexport = module.stars.contains(&number)
                        || module
                            .exports
                            .values()
                            .any(|one| matches!(one, Exported::From(at, _) if *at == number));
                    if edge.bare && edge.asked == Asked::Import && !reexport {
                        self.edge(&file, number, "", &mut waiting);
                    }
                }
            }
            if module.common_js {
                for number in 0..module.items.len() {
                    self.item(&file, module, number, &mut locals, &mut waiting);
                }
            } else if name == "*" {
                for exported in module.exports.values() {
                    self.export(&file, exported, &mut locals, &mut waiting);
                }
                for star in &module.stars {
                    self.edge(&file, *star, "*", &mut waiting);
                }
            } else if let Some(exported) = module.exports.get(&name) {
                self.export(&file, exported, &mut locals, &mut waiting);
            } else if name != "default" && !name.is_empty() {
                for star in &module.stars {
                    self.edge(&file, *star, &name, &mut waiting);
                }
            }
            self.locals(&file, module, locals, &mut waiting);
        }
    }

    fn export(
        &mut self,
        file: &str,
        exported: &Exported,
        locals: &mut Vec<String>,
        waiting: &mut Vec<(String, String)>,
    ) {
        match exported {
            Exported::Local(name) => locals.push(name.clone()),
            Exported::From(edge, name) => self.edge(file, *edge, name, waiting),
        }
    }

    fn edge(&mut self, file: &str, edge: usize, name: &str, waiting: &mut Vec<(String, String)>) {
        self.live_edges.insert((file.to_owned(), edge));
        if let Some(Target::File(target)) = self.target(file, edge) {
            waiting.push((target.clone(), name.to_owned()));
        }
    }

    fn item(
        &mut self,
        file: &str,
        module: &Module,
        number: usize,
        locals: &mut Vec<String>,
        waiting: &mut Vec<(String, String)>,
    ) {
        if !self.live_items.insert((file.to_owned(), number)) {
            return;
        }
        locals.extend(module.items.get(number).iter().flat_map(|item| item.refers.iter().cloned()));
        for (at, edge) in module.edges.iter().enumerate() {
            let runs =
                edge.asked != Asked::Import && !(edge.when.node_only && self.on_edge) && !edge.when.guarded;
            if edge.when.item == number && runs {
                self.edge(file, at, "*", waiting);
            }
        }
    }

    fn locals(
        &mut self,
        file: &str,
        module: &Module,
        mut locals: Vec<String>,
        waiting: &mut Vec<(String, String)>,
    ) {
        let mut seen = BTreeSet::new();
        while let Some(local) = locals.pop() {
            if !seen.insert(local.clone()) {
                continue;
            }
            for (number, item) in module.items.iter().enumerate() {
                if item.declares.contains(&local) {
                    self.item(file, module, number, &mut locals, waiting);
                }
            }
            for (number, edge) in module.edges.iter().enumerate() {
                if let Some(imported) = edge.bindings.get(&local) {
                    self.edge(file, number, imported, waiting);
                }
            }
        }
    }

    /// How certain it is that an edge of a reached file is followed; `None` where edge never comes.
    pub fn edge_certainty(&self, id: &EdgeId) -> Option<Certainty> {
        let module = self.module(&id.0)?;
        let edge = module.edges.get(id.1)?;
        if edge.when.node_only && self.on_edge {
            return None;
        }
        if edge.when.guarded {
            return Some(Certainty::Suspect);
        }
        if !self.live_edges.contains(id) {
            let called = edge.when.depth > 0 || edge.asked == Asked::Dynamic;
            return Some(if called { Certainty::Suspect } else { Certainty::Likely });
        }
        if edge.asked == Asked::Import || (edge.when.depth == 0 && edge.asked == Asked::Require) {
            return Some(Certainty::Certain);
        }
        // Packages often probe for what the runtime has.
        Some(if in_package(&id.0) { Certainty::Suspect } else { called(module, edge.when) })
    }

    /// How certain it is that code of a reached file runs; `None` where edge never comes.
    pub fn code_certainty(&self, file: &str, when: Circumstance) -> Option<Certainty> {
        let (module, level) = (self.module(file)?, *self.level.get(file)?);
        if when.node_only && self.on_edge {
            return None;
        }
        let own = if when.guarded {
            Certainty::Suspect
        } else if !self.live_items.contains(&(file.to_owned(), when.item)) {
            Certainty::Likely
        } else if when.depth == 0 {
            Certainty::Certain
        } else {
            called(module, when)
        };
        Some(own.min(level))
    }

    /// The best level of each file, by three breadth-first searches, and the edge by which it is reached.
    fn levels(&mut self) {
        for entry in &self.entries {
            self.level.insert(entry.clone(), Certainty::Certain);
        }
        let mut order: Vec<String> = self.entries.clone();
        for level in [Certainty::Certain, Certainty::Likely, Certainty::Suspect] {
            let mut queue: VecDeque<String> = order.iter().cloned().collect();
            while let Some(file) = queue.pop_front() {
                for (number, target) in self.graph.targets.get(&file).into_iter().flatten().enumerate() {
                    let Target::File(next) = target else { continue };
                    let id = (file.clone(), number);
                    if self.level.contains_key(next)
                        || self.module(next).is_none()
                        || self.edge_certainty(&id).is_none_or(|certainty| certainty < level)
                    {
                        continue;
                    }
                    self.level.insert(next.clone(), level);
                    self.parent.insert(next.clone(), id);
                    order.push(next.clone());
                    queue.push_back(next.clone());
                }
            }
        }
    }

    /// Reached files, by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &'g Module)> {
        self.level.keys().filter_map(|file| Some((file.as_str(), self.module(file)?)))
    }

    /// Edges of reached files that edge may follow: the edge, where it leads, how certainly.
    pub fn edges(&self) -> impl Iterator<Item = (EdgeId, &'g Target, Certainty)> {
        self.level.iter().flat_map(move |(file, level)| {
            let targets = self.graph.targets.get(file).into_iter().flatten().enumerate();
            targets.filter_map(move |(number, target)| {
                let id = (file.clone(), number);
                let certainty = self.edge_certainty(&id)?.min(*level);
                Some((id, target, certainty))
            })
        })
    }

    /// The edges that lead from an entry to a file, in their order.
    pub fn chain(&self, file: &str) -> Vec<EdgeId> {
        let mut chain = Vec::new();
        let mut at = file;
        while let Some(edge) = self.parent.get(at) {
            chain.push(edge.clone());
            at = &edge.0;
        }
        chain.reverse();
        chain
    }

    /// Names of a file that the route uses.
    pub fn used_names(&self, file: &str) -> Vec<&str> {
        self.used
            .get(file)
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect()
    }

    /// The smallest cut that is sought: one edge of the chain without which no goal is reached, the one nearest to the
    /// goal; where there is none, all goals themselves.
    pub fn cut(&self, chain: &[EdgeId], goals: &BTreeSet<EdgeId>) -> Vec<EdgeId> {
        let one = chain.iter().rev().find(|edge| !self.reaches(goals, edge));
        one.map_or_else(|| goals.iter().cloned().collect(), |edge| vec![edge.clone()])
    }

    fn reaches(&self, goals: &BTreeSet<EdgeId>, without: &EdgeId) -> bool {
        let mut seen: BTreeSet<&str> = self.entries.iter().map(String::as_str).collect();
        let mut waiting: Vec<&str> = seen.iter().copied().collect();
        while let Some(file) = waiting.pop() {
            for (number, target) in self.graph.targets.get(file).into_iter().flatten().enumerate() {
                let id = (file.to_owned(), number);
                if id == *without || self.edge_certainty(&id).is_none() {
                    continue;
                }
                if goals.contains(&id) {
                    return true;
                }
                if let Target::File(next) = target
                    && self.level.contains_key(next)
                    && seen.insert(next)
                {
                    waiting.push(next);
                }
            }
        }
        false
    }
}

/// Code in a function that is referred to: certain in a plain function of the file, else it may not be called.
fn called(module: &Module, when: Circumstance) -> Certainty {
    if when.depth == 1 && when.in_function_item && !module.common_js {
        Certainty::Certain
    } else {
        Certainty::Likely
    }
}
