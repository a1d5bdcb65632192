//! For people: four lines for each finding — what, where, why only in production, what to do.

use std::io;

use super::after::lines;
use super::model::{Build, Check, DatastoreLine, Evidence, GateReport, State};
use crate::gate::reach::seen::Outcome;
use crate::redact::printable::single_line;

/// Writes the verdict as text.
pub fn write(report: &GateReport, out: &mut dyn io::Write) -> io::Result<()> {
    let count = |runtime: &str| report.routes.iter().filter(|route| route.runtime == runtime).count();
    let failed = report.checks.iter().filter(|check| check.state == State::Fail).count();
    let not_run = report.checks.iter().filter(|check| check.state == State::NotRun).count();
    let warned = report.checks.iter().filter(|check| check.state == State::Warn).count();
    let passed = report.checks.iter().filter(|check| check.state == State::Pass).count();
    writeln!(
        out,
        "Gate {}: {failed} failed, {not_run} not run, {warned} to look at, {passed} passed",
        report.verdict
    )?;
    let project = &report.project;
    writeln!(
        out,
        "Next.js {} ({}, {}) · {} {}: {} on edge, {} on Node.js",
        single_line(&project.version),
        single_line(&project.version_source),
        project.bundler,
        report.routes.len(),
        if report.routes.len() == 1 { "route" } else { "routes" },
        count("edge"),
        count("nodejs"),
    )?;
    if let Some(target) = &report.target {
        let sent = report.ledger.probes_sent;
        let requests = if sent == 1 { "request" } else { "requests" };
        writeln!(out, "Probed {} with {sent} {requests}", single_line(target))?;
    }
    if let Some(after) = &report.after {
        writeln!(out, "\nDeployment {}: {}", single_line(&after.deployment.id), after.advice.as_str())?;
        for (label, text) in lines(after) {
            writeln!(out, "  {label:<11}{text}")?;
        }
    }
    for check in report.checks.iter().filter(|check| check.state != State::Pass) {
        writeln!(out)?;
        finding(check, out)?;
    }
    if !report.datastores.is_empty() {
        writeln!(out)?;
    }
    for datastore in &report.datastores {
        writeln!(out, "{}", single_line(&way(datastore)))?;
    }
    writeln!(out)?;
    ledger(report, out)
}

/// `main (PostgreSQL, db.example.com:5432): dns 2 ms, tcp 1 ms, tls 9 ms, login failed after 3 ms · TLS 1.3 · 12 of 97 used`
fn way(datastore: &DatastoreLine) -> String {
    let steps: Vec<String> = datastore
        .steps
        .iter()
        .map(|step| match &step.outcome {
            Outcome::Ok => format!("{} {} ms", step.step.as_str(), step.ms),
            Outcome::NotRun { .. } => format!("{} not run", step.step.as_str()),
            Outcome::Failed { .. } => format!("{} failed after {} ms", step.step.as_str(), step.ms),
        })
        .collect();
    let mut line = format!("{} ({}", datastore.name, datastore.kind);
    if !datastore.address.is_empty() {
        line.push_str(&format!(", {}", datastore.address));
    }
    line.push_str(&format!("): {}", steps.join(", ")));
    let until = datastore.certificate.as_ref().map(|seen| format!("certificate until {}", seen.until));
    for more in datastore.tls.iter().chain(&until) {
        line.push_str(&format!(" · {more}"));
    }
    if let Some((used, usable)) = datastore.capacity.as_ref().and_then(|seen| seen.used.zip(seen.usable())) {
        line.push_str(&format!(" · {used} of {usable} connections used"));
    }
    line
}

fn finding(check: &Check, out: &mut dyn io::Write) -> io::Result<()> {
    let mark = match check.state {
        State::Fail => "✗",
        State::NotRun => "?",
        State::Warn => "!",
        State::Waived => "–",
        State::Pass => "✓",
    };
    writeln!(out, "{mark} {}  {}", check.id, single_line(&check.message))?;
    for evidence in check.evidence.iter().take(3) {
        writeln!(out, "  {}", single_line(&place(evidence)))?;
    }
    if check.evidence.len() > 3 {
        writeln!(out, "  and {} more places", check.evidence.len() - 3)?;
    }
    if let Some(build) = check.build {
        writeln!(out, "  {}", of_build(build))?;
    }
    if !check.fix.is_empty() {
        writeln!(out, "  fix: {}", single_line(&check.fix))?;
    }
    if let Some(reason) = &check.waived {
        writeln!(out, "  accepted: {}", single_line(reason))?;
    }
    writeln!(out, "  {}{}", check.severity.as_str(), rules(check))
}

/// The log rules of a check: ` · prevents a, b · cause c`.
pub fn rules(check: &Check) -> String {
    let mut text = String::new();
    if !check.prevents.is_empty() {
        text.push_str(&format!(" · prevents {}", check.prevents.join(", ")));
    }
    if let Some(cause) = &check.cause {
        text.push_str(&format!(" · cause {}", single_line(cause)));
    }
    text
}

/// What the build says, as a sentence.
pub fn of_build(build: Build) -> &'static str {
    match build {
        Build::Fails => "next build should stop at it",
        Build::Warns => "next build only warns; the request answers 500",
        Build::Silent => "next build says nothing; the request answers 500",
    }
}

/// `app/api/pay/route.ts:1 → lib/mixed.ts:1 → crypto`.
pub fn place(evidence: &Evidence) -> String {
    let mut parts: Vec<String> =
        evidence.chain.iter().map(|step| format!("{}:{}", step.file, step.line)).collect();
    match evidence.chain.last() {
        Some(last) if last.file == evidence.file && last.line == evidence.line => {
            parts.push(last.imports.clone())
        }
        _ => parts.push(format!("{}:{}", evidence.file, evidence.line)),
    }
    parts.join(" → ")
}

fn ledger(report: &GateReport, out: &mut dyn io::Write) -> io::Result<()> {
    let ledger = &report.ledger;
    let snapshots = match ledger.snapshots.as_slice() {
        [] => "no file of keys, so keys are not judged".to_owned(),
        files => format!("keys of {}", files.join(", ")),
    };
    writeln!(
        out,
        "Read: {} files; {} keys of the environment in the code; {snapshots}",
        ledger.files_read, ledger.keys
    )?;
    let lists: [(&str, &[String]); 5] = [
        ("Not read", &ledger.files_unread),
        ("Imports that lead nowhere", &ledger.unresolved),
        ("Packages not installed, so not looked into", &ledger.packages_absent),
        ("In the workspace and not built, so not looked into", &ledger.packages_unbuilt),
        ("Remark", &ledger.remarks),
    ];
    for (title, list) in lists {
        if !list.is_empty() {
            let shown: Vec<_> = list.iter().take(8).map(|one| single_line(one).into_owned()).collect();
            let rest = list.len() - shown.len();
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            writeln!(out, "{title}: {}{more}", shown.join(", "))?;
        }
    }
    Ok(())
}
