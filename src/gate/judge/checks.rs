//! The checks that exist: id, class, the log rules whose incidents they prevent, and how to keep the cause away.

/// What a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Its id.
    pub id: &'static str,
    /// Class of the incident.
    pub class: &'static str,
    /// Subclass.
    pub subclass: &'static str,
    /// Log rules.
    pub prevents: &'static [&'static str],
    /// Prevention.
    pub prevention: &'static str,
}

const fn edge(id: &'static str, prevents: &'static [&'static str], prevention: &'static str) -> About {
    About { id, class: "runtime", subclass: "edge", prevents, prevention }
}

/// A module of Node.js in the project's own code.
pub const NODE_MODULE: About = edge(
    "gate-edge-node-module",
    &["edge-node-module"],
    "Keep helpers that need Node.js in files of their own.",
);
/// A package that needs Node.js.
pub const NODE_PACKAGE: About = edge(
    "gate-edge-node-package",
    &["edge-node-module", "edge-prisma-client"],
    "Import database drivers and SDKs only where the runtime is Node.js.",
);
/// A function or value that edge lacks.
pub const NODE_API: About =
    edge("gate-edge-node-api", &["edge-node-api", "edge-unsupported-api"], "Keep code for edge to Web APIs.");
/// Code from text.
pub const DYNAMIC_CODE: About = edge(
    "gate-edge-dynamic-code",
    &["edge-dynamic-code", "edge-wasm-compile"],
    "Do without code made from text; it works in development only.",
);
/// A member that edge's part of a module lacks.
pub const MODULE_SUBSET: About = edge(
    "gate-edge-module-subset",
    &["edge-node-api"],
    "Use of `util`, `events`, `buffer` and `async_hooks` only what edge has.",
);
/// Instrumentation that loads Node.js code on edge as well.
pub const INSTRUMENTATION: About = edge(
    "gate-instrumentation-unguarded",
    &["edge-node-module"],
    "Load Node.js instrumentation only if process.env.NEXT_RUNTIME is 'nodejs'.",
);
/// A runtime that depends on the bundler.
pub const RUNTIME_SHIFTS: About = edge(
    "gate-runtime-shifts",
    &["edge-node-module", "edge-handler-on-node"],
    "Declare the runtime in the file of the handler.",
);
/// A runtime that cannot be read.
pub const RUNTIME_UNREADABLE: About = edge(
    "gate-runtime-unreadable",
    &["edge-node-module"],
    "Write the runtime as a plain string in the file itself.",
);

/// The checks of runtimes, in the order of reports.
pub const RUNTIME: &[About] = &[
    NODE_MODULE,
    NODE_PACKAGE,
    NODE_API,
    DYNAMIC_CODE,
    MODULE_SUBSET,
    INSTRUMENTATION,
    RUNTIME_SHIFTS,
    RUNTIME_UNREADABLE,
];

/// Every check that exists.
pub fn all() -> impl Iterator<Item = &'static About> {
    let offline = RUNTIME
        .iter()
        .chain(super::env::ENVIRONMENT)
        .chain(super::datastores::DATASTORES)
        .chain(super::declared::DECLARED);
    offline
        .chain(super::reached::REACHED)
        .chain(super::live::LIVE)
        .chain(crate::gate::after::AFTER)
        .chain(super::guards::GUARDS)
        .chain(super::phase::PHASES)
}
