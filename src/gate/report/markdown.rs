//! Markdown for a comment on a pull request: the verdict, what fails with chain and fix, and the rest folded away.

use std::io;

use super::after::lines;
use super::model::{Check, GateReport, State};
use super::table::{of_build, place};
use crate::report::markdown::text::{code, prose};

/// Writes the comment.
pub fn write(report: &GateReport, out: &mut dyn io::Write) -> io::Result<()> {
    let of = |state: State| report.checks.iter().filter(move |check| check.state == state);
    let heading = if report.failed() { "✗ why500 gate: failed" } else { "✓ why500 gate: passed" };
    writeln!(out, "### {heading}\n")?;
    writeln!(
        out,
        "{} failed · {} not run · {} to look at · {} passed · {} routes",
        of(State::Fail).count(),
        of(State::NotRun).count(),
        of(State::Warn).count(),
        of(State::Pass).count(),
        report.routes.len()
    )?;
    if let Some(after) = &report.after {
        let id = code(&after.deployment.id);
        writeln!(out, "\n**Deployment {id}: {}**\n", after.advice.as_str())?;
        for (label, text) in lines(after) {
            writeln!(out, "- {label}: {}", prose(&text))?;
        }
    }
    for check in of(State::Fail).chain(of(State::NotRun)) {
        writeln!(out)?;
        finding(check, out)?;
    }
    if of(State::Waived).next().is_some() {
        writeln!(out, "\n{} accepted by the manifest.", of(State::Waived).count())?;
    }
    if of(State::Warn).next().is_some() {
        writeln!(out, "\n<details><summary>To look at ({})</summary>", of(State::Warn).count())?;
        for check in of(State::Warn) {
            writeln!(out)?;
            finding(check, out)?;
        }
        writeln!(out, "\n</details>")?;
    }
    Ok(())
}

fn finding(check: &Check, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "- **{}** {}: {}", check.id, check.severity.as_str(), prose(&check.message))?;
    for evidence in check.evidence.iter().take(3) {
        writeln!(out, "  - {}", code(&place(evidence)))?;
    }
    if check.evidence.len() > 3 {
        writeln!(out, "  - and {} more places", check.evidence.len() - 3)?;
    }
    if let Some(build) = check.build {
        writeln!(out, "  - {}", of_build(build))?;
    }
    if !check.fix.is_empty() {
        writeln!(out, "  - fix: {}", prose(&check.fix))?;
    }
    if !check.prevents.is_empty() {
        let rules: Vec<_> = check.prevents.iter().map(|rule| code(rule)).collect();
        writeln!(out, "  - prevents {}", rules.join(", "))?;
    }
    match &check.cause {
        Some(cause) => writeln!(out, "  - cause {}", code(cause)),
        None => Ok(()),
    }
}
