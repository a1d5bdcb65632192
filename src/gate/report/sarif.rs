//! SARIF 2.1.0, for code scanning: one result for each finding, its import chain as a code flow, and a fingerprint that
//! lines moving up or down do not change.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::io;

use serde_json::{Value, json};

use super::model::{Check, Evidence, GateReport, Severity, State};
use super::table::{of_build, place};
use crate::redact::printable::{escaped_json, single_line};

/// Writes one log with one run.
pub fn write(report: &GateReport, out: &mut dyn io::Write) -> io::Result<()> {
    let found = || report.checks.iter().filter(|check| check.state != State::Pass);
    let mut rules: Vec<&Check> = Vec::new();
    for check in found() {
        if !rules.iter().any(|rule| rule.id == check.id) {
            rules.push(check);
        }
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "semanticVersion": report.tool.version,
                "rules": rules.iter().map(|check| rule(check)).collect::<Vec<_>>(),
            } },
            "results": found().map(result).collect::<Vec<_>>(),
        }],
    });
    let text = serde_json::to_string_pretty(&log).map_err(io::Error::other)?;
    writeln!(out, "{}", escaped_json(&text))
}

fn rule(check: &Check) -> Value {
    json!({
        "id": check.id,
        "help": { "text": check.prevention },
        "properties": { "class": check.class, "subclass": check.subclass, "prevents": check.prevents },
    })
}

fn result(check: &Check) -> Value {
    let first = check.evidence.first();
    let said = check.build.map_or_else(String::new, |build| format!(" {}.", of_build(build)));
    let chain = first.map_or_else(String::new, |evidence| format!(" [{}]", place(evidence)));
    let text = format!("{}{chain}.{said} Fix: {}", check.message, check.fix);
    let mut result = json!({
        "ruleId": check.id,
        "level": level(check.severity),
        "message": { "text": single_line(&text) },
        "locations": check.evidence.iter().map(location).collect::<Vec<_>>(),
        "partialFingerprints": { "why500/v1": fingerprint(check) },
        "properties": { "state": check.state, "certainty": check.certainty, "subject": check.subject },
    });
    if let Some(cause) = &check.cause {
        result["properties"]["cause"] = json!(cause);
    }
    if let Some(reason) = &check.waived {
        result["suppressions"] = json!([{ "kind": "external", "justification": single_line(reason) }]);
    }
    if let Some(evidence) = first.filter(|evidence| !evidence.chain.is_empty()) {
        result["codeFlows"] = json!([{ "threadFlows": [{ "locations": flow(evidence) }] }]);
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn location(evidence: &Evidence) -> Value {
    at(&evidence.file, evidence.line, Some(evidence.column))
}

fn at(file: &str, line: u32, column: Option<u32>) -> Value {
    let mut region = json!({ "startLine": line.max(1) });
    if let Some(column) = column {
        region["startColumn"] = json!(column.max(1));
    }
    json!({ "physicalLocation": { "artifactLocation": { "uri": uri(file) }, "region": region } })
}

/// The imports of a chain, in the order in which they load each other.
fn flow(evidence: &Evidence) -> Vec<Value> {
    let steps = evidence.chain.iter().map(|step| {
        let mut at = at(&step.file, step.line, None);
        at["message"] = json!({ "text": format!("imports {}", single_line(&step.imports)) });
        json!({ "location": at })
    });
    steps.collect()
}

/// A relative path as a URI reference: `app/[id]/route.ts` holds brackets.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@()".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

/// Equal for the same finding when lines above it come and go: check, subject, and the files of the chain.
fn fingerprint(check: &Check) -> String {
    let mut parts = vec![check.id, &check.subject];
    for evidence in check.evidence.iter().take(1) {
        parts.extend(evidence.chain.iter().flat_map(|step| [step.file.as_str(), step.imports.as_str()]));
        parts.push(&evidence.file);
    }
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(parts.join("\0").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn brackets_of_routes_are_encoded() {
        assert_eq!(uri("app/(shop)/[id]/route.ts"), "app/(shop)/%5Bid%5D/route.ts");
        assert_eq!(uri("a b%/ü"), "a%20b%25/%C3%BC");
    }
}
