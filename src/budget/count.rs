//! The counts of all requests, put into the windows that an objective looks at. One pass over the cells.

use std::collections::BTreeMap;

use super::ALERTS;
use super::objective::Objective;
use crate::correlate::family;
use crate::correlate::traffic::Traffic;

const MINUTE_MS: i64 = 60_000;

/// The minute of a time.
pub fn minute(at_ms: i64) -> i64 {
    at_ms.div_euclid(MINUTE_MS)
}

/// The begin of a minute.
pub fn minute_ms(minute: i64) -> i64 {
    minute.saturating_mul(MINUTE_MS)
}

/// The period of an objective in log time, by the minute: its last minute is that of `as_of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its length.
    pub minutes: i64,
    /// Its end; None where no record has a time.
    pub as_of_ms: Option<i64>,
    /// First and last minute of the logs.
    logged: Option<(i64, i64)>,
}

impl Period {
    /// `window_ms`: first and last time of any record.
    pub fn new(objective: &Objective, window_ms: Option<(i64, i64)>) -> Period {
        Period {
            minutes: objective.period_minutes,
            as_of_ms: objective.as_of_ms.or(window_ms.map(|(_, to)| to)),
            logged: window_ms.map(|(from, to)| (minute(from), minute(to))),
        }
    }

    /// Whether a minute lies in the last `minutes` of the period.
    pub fn in_last(&self, at: i64, minutes: i64) -> bool {
        self.as_of_ms.map(minute).is_some_and(|last| at <= last && at > last.saturating_sub(minutes))
    }

    /// Whether requests of this minute count for the period; those without a time do.
    pub fn holds(&self, at: Option<i64>) -> bool {
        at.is_none_or(|at| self.in_last(at, self.minutes))
    }

    /// How many of the last `minutes` the logs cover.
    pub fn covered(&self, minutes: i64) -> i64 {
        let (Some(last), Some((from, to))) = (self.as_of_ms.map(minute), self.logged) else { return 0 };
        let begin = last.saturating_sub(minutes).saturating_add(1);
        to.min(last).saturating_sub(from.max(begin)).saturating_add(1).clamp(0, minutes)
    }
}

/// Requests and failures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests.
    pub requests: u64,
    /// Of these failed.
    pub failed: u64,
}

impl Counts {
    /// Adds some.
    pub fn add(&mut self, requests: u64, failed: u64) {
        self.requests += requests;
        self.failed += failed;
    }
}

/// Counts of the period and of the windows of every alert.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Of the period.
    pub period: Counts,
    /// Of the long and the short window of every alert.
    pub windows: [(Counts, Counts); ALERTS.len()],
}

/// All requests, and by family.
#[derive(Debug, Default)]
pub struct Counted<'t> {
    /// All.
    pub all: Tally,
    /// By route family; None without a route.
    pub families: BTreeMap<Option<&'t str>, Tally>,
    /// Requests of the period that have no time.
    pub untimed: u64,
    /// Requests before and after the period.
    pub outside: u64,
}

/// Counts.
pub fn count<'t>(traffic: &'t Traffic, period: &Period) -> Counted<'t> {
    let mut counted = Counted::default();
    for cell in &traffic.cells {
        let at = cell.minute_ms.map(minute);
        if !period.holds(at) {
            counted.outside += cell.requests;
            continue;
        }
        if at.is_none() {
            counted.untimed += cell.requests;
        }
        let family = counted.families.entry(cell.route.as_deref().map(family::of_route)).or_default();
        for tally in [&mut counted.all, family] {
            tally.period.add(cell.requests, cell.failed);
            let Some(at) = at else { continue };
            for ((long, short, _), counts) in ALERTS.iter().zip(&mut tally.windows) {
                if period.in_last(at, *long) {
                    counts.0.add(cell.requests, cell.failed);
                }
                if period.in_last(at, *short) {
                    counts.1.add(cell.requests, cell.failed);
                }
            }
        }
    }
    counted
}
