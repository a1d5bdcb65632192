//! Imports of a route on edge that lead nowhere: the route was checked in part, and that must not look like a pass.

use std::collections::BTreeSet;

use super::checks;
use super::simple;
use crate::gate::collect::graph::{Target, in_package};
use crate::gate::collect::routes::Route;
use crate::gate::report::model::{Check, Severity, State};

/// Where as many lead nowhere as this, and half of all, the graph was not read: the rest says nothing of the route.
const TOO_MANY_LOST: usize = 3;

/// Imports of the project's own files that lead nowhere: what a route loads through them is unknown.
#[derive(Default)]
pub struct Lost {
    /// Imports that lead to files of the project.
    held: BTreeSet<(String, String)>,
    /// Those that lead nowhere.
    lost: BTreeSet<(String, String)>,
}

impl Lost {
    /// Takes note of an import of an own file.
    pub fn see(&mut self, file: &str, specifier: &str, target: &Target) {
        let one = || (file.to_owned(), specifier.to_owned());
        match target {
            Target::File(next) if !in_package(next) => self.held.insert(one()),
            Target::Unresolved => self.lost.insert(one()),
            _ => false,
        };
    }

    /// The check that could not run to its end, if there is such an import.
    pub fn check(&self, route: &Route, label: &str, spared: bool) -> Option<Check> {
        let (file, first) = self.lost.first()?;
        let count = self.lost.len();
        let severity = match count >= TOO_MANY_LOST && count >= self.held.len() && !spared {
            true => Severity::Critical,
            false => Severity::Warning,
        };
        let more = match count - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let message = format!(
            "{label} may run on edge and {first} in {file} leads nowhere{more}; it was checked without"
        );
        let fix = "generate or install what is missing before the gate runs";
        let mut check = simple(checks::NODE_MODULE, severity, &route.pattern, message, fix);
        check.state = State::NotRun;
        Some(check)
    }
}
