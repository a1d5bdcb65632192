//! A first manifest, drafted from what the gate sees of a project. It decides nothing: owners are left to be filled in, and
//! only keys that the code reads are required.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::SCHEMA;
use crate::gate::report::model::{GateReport, RouteLine};

/// Keys that deployments most often lack, by what their names hold; those that the code does not read are suggested.
const USUAL: [(&str, &str); 4] = [
    ("DATABASE_URL", "the database"),
    ("AUTH_SECRET", "what signs sessions"),
    ("AUTH_URL", "the domain that sign-in calls back"),
    ("STRIPE_SECRET_KEY", "tokens of providers: payment, mail, storage, AI"),
];

/// What a reviewer asks of a change.
const CHECKLIST: [&str; 5] = [
    "A new route is in a family with an owner.",
    "A new key is set in production and preview, and stands below with its type.",
    "A helper that needs Node.js is not imported by a route on edge (why500 gate shows the chain).",
    "Malformed input and missing credentials answer 4xx, never 500.",
    "A waiver says why and ends.",
];

/// The draft.
pub fn write(report: &GateReport) -> String {
    let mut out = String::from(
        "# What why500 gate holds this project to; docs/gate.md has all keys. Drafted from the project: fill in the owners.\n#\n# Review of a change:\n",
    );
    for question in CHECKLIST {
        let _ = writeln!(out, "#   [ ] {question}");
    }
    let _ = writeln!(out, "\nschema = \"{SCHEMA}\"\n\n[gate]\nfail_on = \"critical\"");
    for (name, routes) in families(&report.routes) {
        family(name, &routes, &mut out);
    }
    let keys: BTreeSet<&str> =
        report.routes.iter().flat_map(|route| &route.env).map(String::as_str).collect();
    for key in &keys {
        let _ = writeln!(out, "\n[env.keys.{}]\ntype = \"{}\"", quoted(key), kind(key));
        let _ = writeln!(out, "required_in = [\"production\", \"preview\"]");
    }
    datastores(&keys, &mut out);
    let missing: Vec<_> = USUAL.iter().filter(|(key, _)| !keys.contains(key)).collect();
    if !missing.is_empty() {
        out.push_str("\n# Usual keys that no route is seen to read; required where the project has them under another name:\n");
        for (key, what) in missing {
            let _ = writeln!(out, "# [env.keys.{key}]   # {what}");
        }
    }
    out
}

/// Datastores that keys seem to lead to, by their names; to be uncommented, for `--reach` goes to what is declared.
fn datastores(keys: &BTreeSet<&str>, out: &mut String) {
    const KINDS: [(&str, &str); 5] = [
        ("POSTGRES", "postgres"),
        ("DATABASE_URL", "postgres"),
        ("MYSQL", "mysql"),
        ("MARIADB", "mariadb"),
        ("REDIS", "redis"),
    ];
    let plain =
        |key: &&&str| key.ends_with("_URL") && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    for key in keys.iter().filter(plain) {
        let Some((_, kind)) = KINDS.iter().find(|(part, _)| key.contains(part)) else { continue };
        let name = key.trim_end_matches("_URL").to_ascii_lowercase();
        let _ = writeln!(
            out,
            "\n# why500 gate --reach asks it, with the value of {key} in the gate's environment:"
        );
        let _ = writeln!(
            out,
            "# [datastore.{name}]\n# kind = \"{kind}\"\n# url_env = \"{key}\"\n# tls = \"verify-full\""
        );
    }
}

/// Handlers by the part of their pattern that names what they are about.
fn families(routes: &[RouteLine]) -> BTreeMap<&str, Vec<&RouteLine>> {
    let mut families: BTreeMap<&str, Vec<&RouteLine>> = BTreeMap::new();
    for route in routes.iter().filter(|route| matches!(route.kind, "app handler" | "api")) {
        let mut parts = route.pattern.split('/').filter(|part| !part.is_empty() && !part.starts_with('['));
        let first = parts.next().unwrap_or("root");
        let name = if first == "api" { parts.next().unwrap_or(first) } else { first };
        families.entry(name).or_default().push(route);
    }
    families
}

fn family(name: &str, routes: &[&RouteLine], out: &mut String) {
    let patterns: BTreeSet<&str> = routes.iter().map(|route| route.pattern.as_str()).collect();
    let runtimes: BTreeSet<&str> = routes.iter().map(|route| route.runtime).collect();
    let keys: BTreeSet<&str> = routes.iter().flat_map(|route| &route.env).map(String::as_str).collect();
    let changes = |method: &String| matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE");
    let critical = routes.iter().any(|route| route.methods.iter().any(changes));
    let _ = writeln!(out, "\n[[family]]\nname = {}\nroutes = [{}]", text(name), list(&patterns));
    let _ = writeln!(out, "# owner = \"…\"\ncritical = {critical}");
    if let [runtime @ ("nodejs" | "edge")] = runtimes.into_iter().collect::<Vec<_>>().as_slice() {
        let _ = writeln!(out, "runtime = \"{runtime}\"");
    }
    if !keys.is_empty() {
        let _ = writeln!(out, "env = [{}]", list(&keys));
    }
    for route in routes {
        negative(route, out);
    }
}

/// What an endpoint must refuse. A malformed body changes nothing; whether a DELETE is refused is for people to ask.
fn negative(route: &RouteLine, out: &mut String) {
    let path = text(&example(&route.pattern));
    let with_body = |method: &&String| matches!(method.as_str(), "POST" | "PUT" | "PATCH");
    if let Some(method) = route.methods.iter().find(with_body) {
        let name = text(&format!("malformed body of {method} {}", route.pattern));
        let _ = writeln!(out, "\n[[family.negative]]\nname = {name}");
        let _ = writeln!(
            out,
            "request = {{ method = \"{method}\", path = {path}, body = '{{\"', headers = {{ content-type = \"application/json\" }} }}\nexpect = {{ status = [400, 401, 403, 415, 422] }}"
        );
    } else if route.methods.iter().any(|method| method == "DELETE") {
        let name = text(&format!("DELETE {} without credentials", route.pattern));
        let _ = writeln!(
            out,
            "\n# Only where nothing is lost if it is not refused:\n# [[family.negative]]\n# name = {name}"
        );
        let _ = writeln!(
            out,
            "# request = {{ method = \"DELETE\", path = {path} }}\n# expect = {{ status = [401, 403] }}"
        );
    }
}

/// A path that a route answers.
fn example(pattern: &str) -> String {
    let mut path = String::new();
    for part in pattern.split('/').filter(|part| !part.is_empty() && !part.starts_with("[[...")) {
        path.push('/');
        if part.starts_with('[') {
            path.push('0');
            continue;
        }
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~@()".contains(&byte) {
                path.push(char::from(byte));
            } else {
                path.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

/// What a key's value is, by its name.
fn kind(key: &str) -> &'static str {
    let ends = |list: &[&str]| list.iter().any(|end| key.ends_with(end));
    match key {
        _ if ends(&["_URL", "_URI", "_DSN", "_ENDPOINT"]) => "url",
        _ if ends(&["_PORT"]) => "port",
        _ if ends(&["_PRIVATE_KEY", "_CERT", "_PEM"]) => "pem",
        _ if ends(&["_JSON"]) => "json",
        _ => "string",
    }
}

fn list(values: &BTreeSet<&str>) -> String {
    values.iter().map(|value| text(value)).collect::<Vec<_>>().join(", ")
}

/// A TOML string: JSON's escapes are a part of TOML's.
fn text(value: &str) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A key of a TOML table.
fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if bare { key.to_owned() } else { text(key) }
}
