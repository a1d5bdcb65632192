//! What one source file says: imports, what its top-level statements refer to, and what they call. Pure data; nothing is
//! resolved yet.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::Layer;

/// Where something stands in a file, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// How a module is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// `import … from` and `export … from`.
    Import,
    /// `require(…)`.
    Require,
    /// `import(…)`.
    Dynamic,
}

/// Under which circumstances a piece of code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Circumstance {
    /// How many functions it stands in; 0 runs when the module is loaded.
    pub depth: u32,
    /// Inside a condition or a `try`, so it may never run or its failure may be caught.
    pub guarded: bool,
    /// Under a test that only the Node.js runtime passes; Next.js folds such tests when it builds for edge.
    pub node_only: bool,
    /// Number of the top-level statement.
    pub item: usize,
    /// The top-level statement is one function, so referring to it is calling it.
    pub in_function_item: bool,
}

/// One request for another module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// As written.
    pub specifier: String,
    /// Where.
    pub place: Place,
    /// How.
    pub asked: Asked,
    /// Under which circumstances.
    pub when: Circumstance,
    /// Local names that it binds, with the name in the other module (`*` for all of it).
    pub bindings: BTreeMap<String, String>,
    /// `import 'x'`: loaded for its effects.
    pub bare: bool,
}

/// One top-level statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// Names that it declares.
    pub declares: BTreeSet<String>,
    /// Names that it refers to as values.
    pub refers: BTreeSet<String>,
    /// It does something when the module is loaded.
    pub effect: bool,
    /// It is a class: what it refers to may stand in a method that nothing calls.
    pub class: bool,
}

/// What a name that a module exports stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exported {
    /// A local name.
    Local(String),
    /// A name of another module: edge number and name there.
    From(usize, String),
}

/// What code does that an edge runtime may refuse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// `eval(…)`, `new Function(…)`, `WebAssembly.compile(…)`: code from text or bytes.
    DynamicCode(String),
    /// A call of `process.name()`.
    ProcessCall(String),
    /// A read of `process.name`.
    ProcessValue(String),
    /// A call or construction of a global that edge only has as a throwing stub.
    MissingGlobal(String),
}

/// One such use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What.
    pub doing: Doing,
    /// Where.
    pub place: Place,
    /// Under which circumstances.
    pub when: Circumstance,
}

/// How a variable of the environment is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// Its value goes on as it is.
    Plain,
    /// `?? x`, `|| x`, a default in a pattern: absence is provided for.
    Fallback,
    /// `!`, `as string`: the code says that it cannot be absent.
    Asserted,
    /// `?.`, or inside a template: absence is hidden.
    Hidden,
    /// Only compared or tested, or its absence is tested for elsewhere in the file.
    Tested,
    /// Put into an object or a list, or handed to a function, which may do without.
    Passed,
}

/// One read of a variable of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvUse {
    /// The key; `None` for `process.env[name]`.
    pub key: Option<String>,
    /// Where.
    pub place: Place,
    /// How.
    pub reading: Reading,
    /// Under which circumstances.
    pub when: Circumstance,
}

/// A `runtime` that a file declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeDeclaration {
    /// How it is written.
    pub form: RuntimeForm,
    /// Where.
    pub place: Place,
}

/// How a runtime is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimeForm {
    /// `export const runtime = 'edge'`.
    Literal(String),
    /// `export let` or `export var`.
    NotConst(String),
    /// `'edge' as const`, `satisfies`.
    Wrapped(String),
    /// `export { runtime } from './x'`.
    Reexported,
    /// Anything computed.
    Computed,
    /// `export const config = { runtime: 'edge' }`.
    Config(String),
}

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Module {
    /// Requests for other modules, in the order of the file.
    pub edges: Vec<Edge>,
    /// Top-level statements.
    pub items: Vec<Item>,
    /// What the names that it exports stand for.
    pub exports: BTreeMap<String, Exported>,
    /// `export * from`: edge numbers.
    pub stars: Vec<usize>,
    /// What edge may refuse.
    pub uses: Vec<Use>,
    /// Reads of the environment.
    pub env: Vec<EnvUse>,
    /// The runtime that it declares.
    pub runtime: Option<RuntimeDeclaration>,
    /// `'use client'` stands first.
    pub client: bool,
    /// `'use server'` stands first.
    pub server: bool,
    /// It has no `import` or `export`: CommonJS, whose parts cannot be told apart.
    pub common_js: bool,
    /// Statements that declare a name.
    pub declared: BTreeMap<String, Vec<usize>>,
    /// Edges that bind a name, with the name in the other module.
    pub bound: BTreeMap<String, Vec<(usize, String)>>,
    /// Edges in a statement.
    pub in_item: BTreeMap<usize, Vec<usize>>,
    /// Edges whose names are exported again.
    pub reexports: BTreeSet<usize>,
}

impl Module {
    /// The layer that the file says it belongs to.
    pub fn layer(&self) -> Option<Layer> {
        match (self.client, self.server) {
            (true, _) => Some(Layer::Plain),
            (false, true) => Some(Layer::Server),
            (false, false) => None,
        }
    }

    /// Fills in what is looked up by name or number, once the rest is there.
    pub fn index(&mut self) {
        for (number, item) in self.items.iter().enumerate() {
            for name in &item.declares {
                self.declared.entry(name.clone()).or_default().push(number);
            }
        }
        for (number, edge) in self.edges.iter().enumerate() {
            self.in_item.entry(edge.when.item).or_default().push(number);
            for (name, imported) in &edge.bindings {
                self.bound.entry(name.clone()).or_default().push((number, imported.clone()));
            }
        }
        let named = self.exports.values().filter_map(|one| match one {
            Exported::From(edge, _) => Some(*edge),
            Exported::Local(_) => None,
        });
        self.reexports = named.chain(self.stars.iter().copied()).collect();
    }
}
