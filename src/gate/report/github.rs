//! Workflow commands of GitHub Actions: one annotation for each finding, what failed first (GitHub shows only some of each
//! level).

use std::io;

use super::model::{GateReport, Severity, State};
use super::table::{place, rules};
use crate::redact::printable::single_line;

/// Writes the annotations.
pub fn write(report: &GateReport, out: &mut dyn io::Write) -> io::Result<()> {
    for check in report.checks.iter().filter(|check| check.state != State::Pass) {
        let level = match check.severity {
            _ if check.state == State::Waived => "notice",
            Severity::Critical => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let at = check.evidence.first().map_or_else(String::new, |evidence| {
            format!("file={},line={},", property(&evidence.file), evidence.line)
        });
        let chain =
            check.evidence.first().map_or_else(String::new, |evidence| format!(" [{}]", place(evidence)));
        let text = message(&format!("{}{chain}. Fix: {}{}", check.message, check.fix, rules(check)));
        writeln!(out, "::{level} {at}title={}::{text}", check.id)?;
    }
    Ok(())
}

/// A text in a command; control characters are gone, so that no name begins a command of its own.
fn message(text: &str) -> String {
    single_line(text).replace('%', "%25")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
