//! The runtime that a route really gets, by version and bundler, and where that was learnt. The rules are those of
//! Next.js 12 to 16, as its sources and builds of small projects show them.

use super::collect::graph::Graph;
use super::collect::module::{Place, RuntimeDeclaration, RuntimeForm};
use super::collect::project::{Bundler, Project};
use super::collect::routes::{Kind, Route};

/// Where code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Runtime {
    /// The Edge runtime.
    Edge,
    /// Node.js.
    Node,
    /// Compiled for both (instrumentation).
    Both,
}

impl Runtime {
    /// As reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Runtime::Edge => "edge",
            Runtime::Node => "nodejs",
            Runtime::Both => "both",
        }
    }
}

/// What is wrong with a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oddity {
    /// The build cannot read it and stops.
    Fatal(&'static str),
    /// It is passed over in silence, or read differently elsewhere.
    Ignored(&'static str),
    /// The route inherits a runtime that another bundler would not pass on.
    Shifts,
}

/// A route's runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The runtime.
    pub runtime: Runtime,
    /// In words.
    pub source: String,
    /// Where it is declared.
    pub declared: Option<(String, Place)>,
    /// What is wrong.
    pub oddity: Option<Oddity>,
}

/// Assigns a runtime to a route. `graph` holds its file and layouts as far as they could be parsed; of what could not be
/// and may speak of edge, edge is assumed, so that it is judged as far as it can be.
pub fn assign(project: &Project, route: &Route, graph: &Graph) -> Assigned {
    let modules = &graph.modules;
    let may_be_edge = |file: &str| graph.unread.get(file).is_some_and(|unread| unread.may_be_edge);
    let plain =
        |runtime, source: &str| Assigned { runtime, source: source.to_owned(), declared: None, oddity: None };
    let own = modules.get(&route.file).and_then(|module| module.runtime.as_ref());
    match route.kind {
        Kind::Proxy => plain(Runtime::Node, "proxy always runs on Node.js"),
        Kind::Instrumentation => plain(Runtime::Both, "instrumentation is compiled for both runtimes"),
        Kind::Middleware => match own.and_then(|one| value(&one.form)) {
            Some("nodejs") if project.version >= (15, 2) => declared(project, route, &route.file, own),
            _ => plain(Runtime::Edge, "middleware runs on edge by default"),
        },
        Kind::AppPage | Kind::AppHandler | Kind::Page | Kind::PagesApi if may_be_edge(&route.file) => {
            plain(Runtime::Edge, "assumed, for its file could not be read")
        }
        Kind::AppPage | Kind::AppHandler => {
            // `config` is no segment option.
            if let Some(one) = own.filter(|one| !matches!(one.form, RuntimeForm::Config(_))) {
                return declared(project, route, &route.file, Some(one));
            }
            inherited(project, route, graph).unwrap_or_else(|| plain(Runtime::Node, "Node.js is the default"))
        }
        Kind::Page | Kind::PagesApi => match own {
            Some(_) => declared(project, route, &route.file, own),
            None => plain(Runtime::Node, "Node.js is the default"),
        },
    }
}

fn inherited(project: &Project, route: &Route, graph: &Graph) -> Option<Assigned> {
    let declares = |file: &String| {
        let one = graph.modules.get(file)?.runtime.as_ref()?;
        (!matches!(one.form, RuntimeForm::Config(_))).then_some(one)
    };
    let decides = |file: &&String| {
        declares(file).is_some() || graph.unread.get(*file).is_some_and(|unread| unread.may_be_edge)
    };
    let file = route.layouts.iter().find(decides)?;
    let Some(one) = declares(file) else {
        let source = format!("assumed, for {file} could not be read");
        return Some(Assigned { runtime: Runtime::Edge, source, declared: None, oddity: None });
    };
    let mut assigned = declared(project, route, file, Some(one));
    assigned.source = format!("inherited from {file}:{}", one.place.line);
    if route.kind == Kind::AppHandler && assigned.runtime == Runtime::Edge && project.version.0 >= 15 {
        assigned.oddity = Some(Oddity::Shifts);
        if project.bundler == Bundler::Webpack {
            assigned.runtime = Runtime::Node;
            assigned.source = format!("handlers do not inherit from {file} under webpack");
        }
    }
    Some(assigned)
}

fn value(form: &RuntimeForm) -> Option<&str> {
    match form {
        RuntimeForm::Literal(text)
        | RuntimeForm::NotConst(text)
        | RuntimeForm::Wrapped(text)
        | RuntimeForm::Config(text) => Some(text),
        RuntimeForm::Reexported | RuntimeForm::Computed => None,
    }
}

fn declared(project: &Project, route: &Route, file: &str, one: Option<&RuntimeDeclaration>) -> Assigned {
    let turbopack = project.bundler == Bundler::Turbopack;
    let (old, new) = (project.version.0 < 15, project.version.0 >= 16);
    let Some(one) = one else {
        return Assigned {
            runtime: Runtime::Node,
            source: "Node.js is the default".to_owned(),
            declared: None,
            oddity: None,
        };
    };
    let oddity = match &one.form {
        RuntimeForm::Literal(_) | RuntimeForm::Config(_) => None,
        RuntimeForm::NotConst(_) if old || turbopack => None,
        RuntimeForm::NotConst(_) => Some(Oddity::Ignored("declared with let or var; only const is read")),
        RuntimeForm::Wrapped(_) if new => None,
        RuntimeForm::Wrapped(_) => Some(Oddity::Ignored("wrapped in a type; this version may not read it")),
        RuntimeForm::Reexported if turbopack && new => {
            Some(Oddity::Fatal("re-exported; it must stand in the file"))
        }
        RuntimeForm::Reexported => {
            Some(Oddity::Ignored("re-exported; only a declaration in the file is read"))
        }
        RuntimeForm::Computed => Some(Oddity::Fatal("not a literal; the build needs a plain string")),
    };
    let text = value(&one.form).unwrap_or("");
    let ignored = matches!(one.form, RuntimeForm::NotConst(_)) && oddity.is_some();
    // A page of the Pages Router knows only the experimental name.
    let edge = match route.kind {
        Kind::Page => text == "experimental-edge",
        _ => matches!(text, "edge" | "experimental-edge"),
    };
    Assigned {
        runtime: if edge && !ignored { Runtime::Edge } else { Runtime::Node },
        source: format!("{file}:{}", one.place.line),
        declared: Some((file.to_owned(), one.place)),
        oddity,
    }
}
