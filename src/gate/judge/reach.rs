//! What a route reaches in the module graph, and how certainly: which statements run because of what the route uses
//! (liveness), the shortest import chains, and the smallest cut. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

use crate::gate::collect::graph::{Graph, Target, in_package};
use crate::gate::collect::module::{Asked, Circumstance, Exported, Item, Module};

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

/// Most imports of a chain that are shown: those next to the finding.
pub const MAX_SHOWN: usize = 64;

/// An edge of the graph: the asking file and the number of the edge in it.
pub type EdgeId = (String, usize);

/// What a route reaches.
pub struct Reach<'g> {
    graph: &'g Graph,
    /// Client files are a boundary: a handler only refers to them.
    stops_at_client: bool,
    /// Edge code leaves out what only Node.js runs.
    on_edge: bool,
    /// The build leaves out files without side effects of which nothing is used.
    drops_unused: bool,
    live_items: BTreeSet<(String, usize)>,
    live_edges: BTreeSet<EdgeId>,
    used: BTreeMap<String, BTreeSet<String>>,
    level: BTreeMap<String, Certainty>,
    parent: BTreeMap<String, EdgeId>,
    /// Files that are reached through a guess, see [`Graph::guessed`].
    through_guess: BTreeSet<String>,
    /// How many edges lead from an entry to each file.
    depth: BTreeMap<String, usize>,
    entries: Vec<String>,
}

impl<'g> Reach<'g> {
    /// On edge, from these files on, all of whose exports are used.
    pub fn from(
        graph: &'g Graph,
        entries: &[String],
        stops_at_client: bool,
        drops_unused: bool,
    ) -> Reach<'g> {
        Reach::begin(graph, entries, stops_at_client, true, drops_unused)
    }

    /// The same on Node.js.
    pub fn on_node(graph: &'g Graph, entries: &[String], stops_at_client: bool) -> Reach<'g> {
        Reach::begin(graph, entries, stops_at_client, false, false)
    }

    fn begin(
        graph: &'g Graph,
        entries: &[String],
        stops_at_client: bool,
        on_edge: bool,
        drops_unused: bool,
    ) -> Reach<'g> {
        let entries: Vec<String> =
            entries.iter().filter(|file| graph.modules.contains_key(*file)).cloned().collect();
        let mut reach = Reach {
            graph,
            stops_at_client,
            on_edge,
            drops_unused,
            live_items: BTreeSet::new(),
            live_edges: BTreeSet::new(),
            used: BTreeMap::new(),
            level: BTreeMap::new(),
            parent: BTreeMap::new(),
            through_guess: BTreeSet::new(),
            depth: BTreeMap::new(),
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
                    let reexport = module.reexports.contains(&number);
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
                    if !self.is_dropped(&file, *star, &name) {
                        self.edge(&file, *star, &name, &mut waiting);
                    }
                }
            }
            self.locals(&file, module, locals, &mut waiting);
        }
    }

    /// Whether the build leaves out an `export *` when this name is asked for: it leads to a file that does nothing when it
    /// is loaded, and that does not have the name.
    fn is_dropped(&self, file: &str, star: usize, name: &str) -> bool {
        let Some(Target::File(first)) = self.target(file, star) else { return false };
        if !self.drops_unused || !self.graph.pure.contains(first) {
            return false;
        }
        let mut seen = BTreeSet::new();
        let mut waiting = vec![first.as_str()];
        while let Some(file) = waiting.pop() {
            if !seen.insert(file) {
                continue;
            }
            let Some(module) = self.graph.modules.get(file) else { return false };
            if module.common_js || module.exports.contains_key(name) {
                return false;
            }
            for star in &module.stars {
                match self.target(file, *star) {
                    Some(Target::File(next)) => waiting.push(next),
                    Some(Target::Nothing) => {}
                    // What it has is not known.
                    _ => return false,
                }
            }
        }
        true
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
        for at in module.in_item.get(&number).into_iter().flatten() {
            let Some(edge) = module.edges.get(*at) else { continue };
            let runs =
                edge.asked != Asked::Import && !(edge.when.node_only && self.on_edge) && !edge.when.guarded;
            if runs {
                self.edge(file, *at, "*", waiting);
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
            for number in module.declared.get(&local).into_iter().flatten() {
                self.item(file, module, *number, &mut locals, waiting);
            }
            for (number, imported) in module.bound.get(&local).into_iter().flatten() {
                self.edge(file, *number, imported, waiting);
            }
        }
    }

    /// How certain it is that an edge of a reached file is followed; `None` where edge never comes.
    pub fn edge_certainty(&self, id: &EdgeId) -> Option<Certainty> {
        let certainty = self.certainty_as_written(id)?;
        let most = if self.graph.guessed.contains(id) { Certainty::Likely } else { Certainty::Certain };
        Some(certainty.min(most))
    }

    fn certainty_as_written(&self, id: &EdgeId) -> Option<Certainty> {
        let module = self.module(&id.0)?;
        let edge = module.edges.get(id.1)?;
        if edge.when.node_only && self.on_edge {
            return None;
        }
        if edge.when.guarded {
            return Some(Certainty::Suspect);
        }
        if !self.live_edges.contains(id) {
            let is_pure =
                |target: &Target| matches!(target, Target::File(file) if self.graph.pure.contains(file));
            let dropped = self.drops_unused
                && module.stars.contains(&id.1)
                && self.target(&id.0, id.1).is_some_and(is_pure);
            let called = edge.when.depth > 0 || edge.asked == Asked::Dynamic || dropped;
            return Some(if called { Certainty::Suspect } else { Certainty::Likely });
        }
        if edge.asked == Asked::Import || (edge.when.depth == 0 && edge.asked == Asked::Require) {
            return Some(Certainty::Certain);
        }
        // Packages often probe for what the runtime has.
        Some(if in_package(&id.0) { Certainty::Suspect } else { called(module, edge.when) })
    }

    /// Whether only classes use what an import binds: it is touched when a method runs, and none may.
    pub fn is_only_in_classes(&self, id: &EdgeId) -> bool {
        let Some(module) = self.module(&id.0) else { return false };
        let Some(edge) = module.edges.get(id.1).filter(|edge| !edge.bindings.is_empty()) else {
            return false;
        };
        let uses = |item: &&Item| edge.bindings.keys().any(|name| item.refers.contains(name));
        module.items.iter().filter(uses).all(|item| item.class)
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
        Some(self.doubted(file, own).min(level))
    }

    /// Of a file that is reached through a guess, what is not certain is suspect: two doubts are more than one.
    fn doubted(&self, file: &str, own: Certainty) -> Certainty {
        match own {
            Certainty::Likely if self.through_guess.contains(file) => Certainty::Suspect,
            own => own,
        }
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
                    if self.graph.guessed.contains(&id) || self.through_guess.contains(&file) {
                        self.through_guess.insert(next.clone());
                    }
                    self.level.insert(next.clone(), level);
                    self.depth.insert(next.clone(), self.depth(&file) + 1);
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
                let certainty = self.doubted(file, self.edge_certainty(&id)?).min(*level);
                Some((id, target, certainty))
            })
        })
    }

    /// How many edges lead from an entry to a file.
    pub fn depth(&self, file: &str) -> usize {
        self.depth.get(file).copied().unwrap_or_default()
    }

    /// The edge by which a file is reached.
    pub fn edge_to(&self, file: &str) -> Option<&EdgeId> {
        self.parent.get(file)
    }

    /// The last edges, at most [`MAX_SHOWN`], of those that lead from an entry to a file, in their order.
    pub fn end_of_chain(&self, file: &str) -> Vec<EdgeId> {
        let mut chain = Vec::new();
        let mut at = file;
        while let Some(edge) = self.parent.get(at).filter(|_| chain.len() < MAX_SHOWN) {
            chain.push(edge.clone());
            at = &edge.0;
        }
        chain.reverse();
        chain
    }

    /// The edges that lead from an entry to a file, in their order. It takes as long as there are edges.
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
    /// goal; where there is none, all goals themselves. The chain leads from an entry on. Every edge is looked at once:
    /// what is reached without an edge of the chain grows by one edge of it at a time, as long as no goal is among it.
    pub fn cut(&self, chain: &[EdgeId], goals: &BTreeSet<EdgeId>) -> Vec<EdgeId> {
        let steps: BTreeMap<&EdgeId, usize> = chain.iter().enumerate().map(|(at, edge)| (edge, at)).collect();
        let starts: BTreeMap<&str, usize> =
            chain.iter().enumerate().rev().map(|(at, edge)| (edge.0.as_str(), at)).collect();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut waiting: Vec<&str> = self.entries.iter().map(String::as_str).collect();
        let mut best = None;
        // The step of the chain that the walk has come to by now.
        let mut reached = 0;
        loop {
            while let Some(file) = waiting.pop() {
                if !seen.insert(file) {
                    continue;
                }
                let from = starts.get(file).copied().unwrap_or_default();
                // Steps that were gone around may be taken now: without them there is another way.
                let around = chain.get(reached..from).unwrap_or_default();
                if around.iter().any(|edge| goals.contains(edge)) {
                    return self.one_or_all(best, goals);
                }
                waiting.extend(around.iter().filter_map(|edge| self.next(edge)));
                reached = reached.max(from);
                for number in 0..self.graph.targets.get(file).map_or(0, Vec::len) {
                    let id = (file.to_owned(), number);
                    if self.edge_certainty(&id).is_none() || steps.get(&id).is_some_and(|at| *at >= reached) {
                        continue;
                    }
                    if goals.contains(&id) {
                        return self.one_or_all(best, goals);
                    }
                    waiting.extend(self.next(&id));
                }
            }
            let Some(edge) = chain.get(reached) else { return self.one_or_all(best, goals) };
            best = Some(edge);
            if goals.contains(edge) {
                return self.one_or_all(best, goals);
            }
            reached += 1;
            waiting.extend(self.next(edge));
        }
    }

    fn one_or_all(&self, one: Option<&EdgeId>, goals: &BTreeSet<EdgeId>) -> Vec<EdgeId> {
        one.map_or_else(|| goals.iter().cloned().collect(), |edge| vec![edge.clone()])
    }

    /// The reached file that an edge leads to.
    fn next(&self, id: &EdgeId) -> Option<&str> {
        match self.target(&id.0, id.1)? {
            Target::File(next) if self.level.contains_key(next) => Some(next),
            _ => None,
        }
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
