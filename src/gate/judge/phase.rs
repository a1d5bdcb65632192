//! Steps that a run was required to take, and did not.

use super::checks::About;
use super::simple;
use crate::gate::report::model::{Check, Severity, State};
use crate::gate::transcript::{Phase, Transcript};

/// A step that was required and not taken.
pub const MISSING: About = About {
    id: "gate-phase-missing",
    class: "route",
    subclass: "manifest",
    prevents: &[],
    prevention: "Require in the pipeline the steps that a release has to pass.",
};

/// The checks of steps.
pub const PHASES: &[About] = &[MISSING];

/// The required steps that a transcript does not hold.
pub fn judge(required: &[Phase], transcript: Option<&Transcript>) -> Vec<Check> {
    let lacking = required.iter().filter(|phase| transcript.is_none_or(|seen| !seen.has(**phase)));
    lacking
        .map(|phase| {
            let name = phase.as_str();
            let message = format!("the step {name} was required, and was not taken");
            let fix = format!("run it with --{name}, or give a --transcript that has it");
            let mut check = simple(MISSING, Severity::Critical, name, message, &fix);
            check.state = State::NotRun;
            check
        })
        .collect()
}
