//! Keys of the environment that the code of a route reads, against the snapshots. Values are never seen here.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::About;
use super::reach::{Certainty, Reach};
use super::simple;
use crate::gate::collect::dotenv::{Held, Snapshot};
use crate::gate::collect::graph::{Graph, in_package};
use crate::gate::collect::module::{EnvUse, Place, Reading};
use crate::gate::collect::routes::{Kind, Route};
use crate::gate::report::model::{Check, Evidence, Severity, State, Step};
use crate::gate::runtime::Assigned;

const fn env(id: &'static str, subclass: &'static str, prevents: &'static [&'static str]) -> About {
    let prevention = "Add a key to every scope in the change that first reads it.";
    About { id, class: "env", subclass, prevents, prevention }
}

/// A key that the code needs and a scope lacks.
pub const MISSING: About =
    env("gate-env-missing", "missing", &["missing-variable", "database-url-missing", "auth-secret-missing"]);
/// A key that is set to nothing.
pub const EMPTY: About = env("gate-env-empty", "malformed", &["missing-variable", "url-malformed"]);
/// A value that loses a part when it is read.
pub const DOLLAR: About = env("gate-env-dollar", "malformed", &["database-url-malformed"]);
/// A key that is needed in one place and replaced in another.
pub const FALLBACK: About = env("gate-env-optional-chaining", "missing", &["localhost-default"]);

/// The checks of keys, in the order of reports.
pub const ENVIRONMENT: &[About] = &[MISSING, EMPTY, DOLLAR, FALLBACK];

/// Keys that the platform, the framework or the system sets.
fn is_given(key: &str) -> bool {
    const GIVEN: &[&str] = &[
        "CI",
        "HOME",
        "HOSTNAME",
        "NODE_ENV",
        "NEXT_RUNTIME",
        "NEXT_PHASE",
        "NODE_OPTIONS",
        "PATH",
        "PORT",
        "PWD",
        "TURBOPACK",
        "TZ",
        "USER",
        "VERCEL",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
    ];
    const FAMILIES: &[&str] =
        &["VERCEL_", "NEXT_PUBLIC_VERCEL_", "__NEXT", "npm_", "AWS_LAMBDA_", "NETLIFY", "CF_PAGES"];
    GIVEN.contains(&key) || FAMILIES.iter().any(|family| key.starts_with(family))
}

/// A read, with the file and the last imports of the chain that leads there.
struct Read<'g> {
    file: String,
    depth: usize,
    chain: Vec<Step>,
    using: &'g EnvUse,
    certainty: Certainty,
}

/// A read by how far it is, its place and its file.
type Nearest<'r, 'g> = (usize, Place, &'r str, &'g EnvUse);

/// Keys read by each route, by the position of the route, and the checks on them.
pub fn judge(
    routes: &[(Route, Assigned)],
    graph: &Graph,
    snapshots: &[Snapshot],
) -> (Vec<Vec<String>>, Vec<Check>) {
    let mut by_key: BTreeMap<String, (BTreeSet<String>, Vec<Read<'_>>)> = BTreeMap::new();
    let mut by_route = Vec::new();
    for (route, _) in routes {
        let entries: Vec<String> = std::iter::once(&route.file).chain(&route.with).cloned().collect();
        let reach = Reach::on_node(graph, &entries, !matches!(route.kind, Kind::AppPage | Kind::Page));
        // Of the reads that count alike, the nearest: one chain is enough of each.
        let mut nearest: BTreeMap<(&str, Reading, Certainty), Nearest<'_, '_>> = BTreeMap::new();
        for (file, module) in reach.files().filter(|(file, _)| !in_package(file)) {
            // What runs in browsers has only what was inlined when it was built.
            for using in module.env.iter().filter(|_| !module.client) {
                let Some(key) = using.key.as_deref().filter(|key| !is_given(key)) else { continue };
                let Some(certainty) = reach.code_certainty(file, using.when) else { continue };
                let one = (reach.depth(file), using.place, file, using);
                let known = nearest.entry((key, using.reading, certainty)).or_insert(one);
                if (one.0, one.1, one.2) < (known.0, known.1, known.2) {
                    *known = one;
                }
            }
        }
        let keys: BTreeSet<&str> = nearest.keys().map(|(key, ..)| *key).collect();
        by_route.push(keys.into_iter().map(str::to_owned).collect());
        for ((key, _, certainty), (depth, _, file, using)) in nearest {
            let chain = reach.end_of_chain(file);
            let chain = chain.iter().filter_map(|id| super::edge::step(graph, id)).collect();
            let (named, reads) = by_key.entry(key.to_owned()).or_default();
            named.insert(route.pattern.clone());
            reads.push(Read { file: file.to_owned(), depth, chain, using, certainty });
        }
    }
    let mut found: Vec<Check> = snapshots.iter().flat_map(unread).collect();
    for (key, (named, mut reads)) in by_key {
        reads.sort_by(|a, b| {
            let order = |read: &Read<'_>| (std::cmp::Reverse(read.certainty), read.depth, read.using.place);
            order(a).cmp(&order(b)).then_with(|| (&a.file, &a.chain).cmp(&(&b.file, &b.chain)))
        });
        found.extend(snapshots.iter().flat_map(|snapshot| in_scope(&key, &named, &reads, snapshot)));
        found.extend(replaced(&key, &reads));
    }
    (by_route, found)
}

/// A key as messages have it. What is no usual name may hold anything (`process.env['…']`): it is quoted and escaped, so
/// that it is neither taken for another key nor for a part of the page that it ends up on.
fn shown(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !key.is_empty() && key.chars().all(is_plain) {
        return key.to_owned();
    }
    let mut out = "\"".to_owned();
    for c in key.chars() {
        match c {
            ' ' | '!'..='~' if !matches!(c, '"' | '\\' | '<' | '>' | '&' | '`') => out.push(c),
            c if c.is_alphanumeric() && !c.is_ascii() => out.push(c),
            c => out.extend(c.escape_unicode()),
        }
    }
    out + "\""
}

/// Files of keys that are there and cannot be read. What the platform wrote decides; the project's own files only hint.
fn unread(snapshot: &Snapshot) -> Vec<Check> {
    let severity = if snapshot.complete { Severity::Critical } else { Severity::Warning };
    let check = |(file, reason): &(String, String)| {
        let message =
            format!("{file} could not be read: {reason}; keys of {} are not judged", snapshot.scope);
        let mut check = simple(MISSING, severity, "project", message, "make the file readable, or remove it");
        check.state = State::NotRun;
        check
    };
    snapshot.unread.iter().map(check).collect()
}

/// Whether a read needs the key: its value is used, and nothing provides for its absence.
fn needs(read: &Read<'_>) -> bool {
    matches!(read.using.reading, Reading::Plain | Reading::Asserted) && read.certainty >= Certainty::Likely
}

fn in_scope(key: &str, named: &BTreeSet<String>, reads: &[Read<'_>], snapshot: &Snapshot) -> Vec<Check> {
    let name = shown(key);
    let passed =
        |read: &&Read<'_>| read.using.reading == Reading::Passed && read.certainty >= Certainty::Likely;
    let needing = reads.iter().find(|read| needs(read));
    let Some(first) = needing.or_else(|| reads.iter().find(passed)) else { return Vec::new() };
    // Only what lists all keys of a scope says that one is absent, and what is handed on may not be needed.
    let doubt = match (snapshot.complete, needing) {
        (false, _) => Some(" (suspect: the platform may add it)"),
        (true, None) => Some(" (suspect: it is only handed on, to what may do without)"),
        (true, Some(_)) => None,
    };
    let readers = match named.iter().collect::<Vec<_>>().as_slice() {
        [one] => format!("by {one}"),
        several => format!("by {} routes", several.len()),
    };
    let scope = snapshot.scope;
    let check = match snapshot.keys.get(key) {
        // What is not known to be absent is not said to be.
        None if !snapshot.unread.is_empty() => return Vec::new(),
        None => {
            // `!` says that the code cannot do without; a plain read may be provided for further on.
            let asserted = reads
                .iter()
                .any(|read| read.using.reading == Reading::Asserted && read.certainty == Certainty::Certain);
            let certainty = match (doubt, asserted) {
                (Some(_), _) => Certainty::Suspect,
                (None, true) => Certainty::Certain,
                (None, false) => Certainty::Likely,
            };
            let severity = match certainty {
                Certainty::Certain => Severity::Critical,
                Certainty::Likely => Severity::Warning,
                Certainty::Suspect => Severity::Note,
            };
            let seen = snapshot.files.join(", ");
            let hedge = doubt.unwrap_or_default();
            let message = format!("{name} is read {readers} and absent in {scope} ({seen}){hedge}");
            let fix = format!("set {name} in {scope}, or provide for its absence in the code");
            let mut check = simple(MISSING, severity, key, message, &fix);
            check.certainty = Some(certainty);
            check
        }
        Some((file, entry)) if entry.held == Held::Empty => {
            let hedge = doubt.unwrap_or(" (or its value cannot be read)");
            let (severity, certainty) = match doubt {
                Some(_) => (Severity::Note, Certainty::Suspect),
                None => (Severity::Warning, Certainty::Likely),
            };
            let message = format!(
                "{name} is read {readers} and set to nothing in {scope}: {file}:{}{hedge}",
                entry.line
            );
            let mut check = simple(EMPTY, severity, key, message, &format!("give {name} a value in {scope}"));
            check.certainty = Some(certainty);
            check
        }
        Some((file, entry)) if entry.held == Held::Eaten && !snapshot.complete => {
            let message = format!(
                "the value of {name} loses a part when Next.js reads {file}:{}: $ begins a name",
                entry.line
            );
            let mut check =
                simple(DOLLAR, Severity::Warning, key, message, "write \\$ for each $ of the value");
            check.certainty = Some(Certainty::Likely);
            check
        }
        Some(_) => return Vec::new(),
    };
    vec![with_place(check, first)]
}

/// A key that one place needs and another replaces.
fn replaced(key: &str, reads: &[Read<'_>]) -> Option<Check> {
    reads.iter().find(|read| read.using.reading == Reading::Asserted)?;
    let other = reads.iter().find(|read| read.using.reading == Reading::Fallback)?;
    let message = format!(
        "{} is required in one place and has a fallback in another, which hides that it is missing",
        shown(key)
    );
    let check = simple(FALLBACK, Severity::Note, key, message, "read the key in one place and fail there");
    Some(with_place(check, other))
}

fn with_place(mut check: Check, read: &Read<'_>) -> Check {
    check.evidence.push(Evidence {
        file: read.file.clone(),
        line: read.using.place.line,
        column: read.using.place.column,
        chain: read.chain.clone(),
    });
    check
}
