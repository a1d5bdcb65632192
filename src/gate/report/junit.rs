//! JUnit's XML, as CI systems read it: a check is a test case; a finding that fails the gate is a failure, a critical check
//! that could not be judged an error, what should be looked at goes to the output of a case that passed.
//! <https://github.com/testmoapp/junitxml>

use std::io;

use super::model::{Check, GateReport, Severity, State};
use super::table::{of_build, place, rules};
use crate::redact::printable::printable;

/// Writes one test suite.
pub fn write(report: &GateReport, out: &mut dyn io::Write) -> io::Result<()> {
    let count = |outcome: fn(&Check) -> bool| report.checks.iter().filter(|check| outcome(check)).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        report.checks.len(),
        count(|check| check.state == State::Fail),
        count(is_error),
        count(|check| check.state == State::Waived || (check.state == State::NotRun && !is_error(check))),
    );
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"why500 gate\" {counts}>")?;
    writeln!(out, "  <testsuite name=\"why500 gate\" {counts}>")?;
    for check in &report.checks {
        case(check, out)?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn is_error(check: &Check) -> bool {
    check.state == State::NotRun && check.severity == Severity::Critical
}

fn case(check: &Check, out: &mut dyn io::Write) -> io::Result<()> {
    let name = escaped(&format!("{} {}", check.id, check.subject));
    write!(out, "    <testcase classname=\"{}.{}\" name=\"{name}\"", check.class, check.subclass)?;
    let message = escaped(&check.message);
    let text = escaped(&details(check));
    match check.state {
        State::Pass => writeln!(out, "/>"),
        State::Warn => writeln!(out, ">\n      <system-out>{message}\n{text}</system-out>\n    </testcase>"),
        State::Waived => {
            let reason = escaped(check.waived.as_deref().unwrap_or_default());
            writeln!(out, ">\n      <skipped message=\"accepted: {reason}\"/>\n    </testcase>")
        }
        State::NotRun if !is_error(check) => {
            writeln!(out, ">\n      <skipped message=\"{message}\"/>\n    </testcase>")
        }
        State::Fail | State::NotRun => {
            let element = if check.state == State::Fail { "failure" } else { "error" };
            let severity = check.severity.as_str();
            writeln!(
                out,
                ">\n      <{element} message=\"{message}\" type=\"{severity}\">{text}</{element}>\n    </testcase>"
            )
        }
    }
}

/// Where, what the build says, what to do, the log rules: a line each.
fn details(check: &Check) -> String {
    let places = check.evidence.iter().map(place);
    let build = check.build.map(|build| of_build(build).to_owned());
    let fix = (!check.fix.is_empty()).then(|| format!("fix: {}", check.fix));
    let rules = rules(check);
    let rules = (!rules.is_empty()).then(|| rules.trim_start_matches([' ', '·']).to_owned());
    places.chain(build).chain(fix).chain(rules).collect::<Vec<_>>().join("\n")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no way to write these.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
