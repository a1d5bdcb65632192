//! One side of a comparison: of a report, the requests and failures that belong to it.

use std::collections::BTreeMap;

use super::Summary;
use crate::correlate::traffic::Cell;
use crate::diagnose::exposure::Denominator;
use crate::format::time::rfc3339;
use crate::report::model::{Failure, Report};
use crate::report::words;
use crate::rules::model::Class;

/// Requests per route, and failures per incident and route.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// What the user calls it.
    pub name: String,
    /// First and last minute, in milliseconds since the Unix epoch.
    pub window_ms: Option<(i64, i64)>,
    /// All requests by route.
    pub routes: BTreeMap<Option<String>, u64>,
    /// Failed requests.
    pub failed: u64,
    /// How far the numbers of requests can be trusted.
    pub denominator: Denominator,
    /// Incidents by fingerprint.
    pub incidents: BTreeMap<String, Found>,
}

/// An incident on one side.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Class.
    pub class: Class,
    /// Rule ID.
    pub cause: Option<String>,
    /// One line for people, with the subject.
    pub title: String,
    /// Failures by route.
    pub routes: BTreeMap<Option<String>, u64>,
}

impl Side {
    /// A whole report. It should not be redacted: tokens of two runs differ.
    pub fn of(name: &str, report: &Report) -> Side {
        Side::part(name, report, &|_| true, &|_| true)
    }

    /// The requests of these cells and these failures.
    pub fn part(
        name: &str,
        report: &Report,
        cells: &dyn Fn(&Cell) -> bool,
        failures: &dyn Fn(&Failure) -> bool,
    ) -> Side {
        let kept: Vec<Cell> = report.traffic.whole.cells.iter().filter(|cell| cells(cell)).cloned().collect();
        let mut routes: BTreeMap<Option<String>, u64> = BTreeMap::new();
        for cell in &kept {
            *routes.entry(cell.route.as_deref().map(str::to_owned)).or_default() += cell.requests;
        }
        let titles: BTreeMap<&str, String> =
            report.incidents.iter().map(|one| (one.id.as_str(), words::headline(one))).collect();
        let mut incidents: BTreeMap<String, Found> = BTreeMap::new();
        let mut failed = 0;
        for failure in report.failures.iter().filter(|failure| failures(failure)) {
            failed += 1;
            let found = incidents.entry(failure.incident.clone()).or_insert_with(|| Found {
                class: failure.class,
                cause: failure.cause.clone(),
                title: titles.get(failure.incident.as_str()).cloned().unwrap_or_default(),
                routes: BTreeMap::new(),
            });
            *found.routes.entry(failure.route.clone()).or_default() += 1;
        }
        let minutes = || kept.iter().filter_map(|cell| cell.minute_ms);
        Side {
            name: name.to_owned(),
            window_ms: minutes().min().zip(minutes().max()),
            denominator: Denominator::of(&kept, report.requests.exact),
            routes,
            failed,
            incidents,
        }
    }

    /// In numbers.
    pub fn summary(&self) -> Summary {
        Summary {
            name: self.name.clone(),
            from: self.window_ms.map(|(from, _)| rfc3339(from)),
            to: self.window_ms.map(|(_, to)| rfc3339(to)),
            requests: self.routes.values().sum::<u64>().max(self.failed),
            failed: self.failed,
            denominator: self.denominator,
        }
    }
}
