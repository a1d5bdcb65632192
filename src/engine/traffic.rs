//! The traffic of a run, and what was found out by it, in the words of the report. The whole counts are the library's; what `json` shows of them is kept
//! short: a week has ten thousand minutes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::assemble::Writer;
use crate::correlate::traffic::Traffic;
use crate::diagnose::onset::Onset;
use crate::diagnose::segments::Segment;
use crate::format::time::rfc3339;
use crate::report::model::{self, Interval};

/// Most intervals that are shown.
const MOST_INTERVALS: i64 = 120;
/// Lengths that an interval may have, in minutes; beyond them, whole days.
const STEPS_MINUTES: [i64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, DAY_MINUTES];
const DAY_MINUTES: i64 = 1440;
const MINUTE_MS: i64 = 60_000;

impl Writer<'_> {
    /// The traffic, redacted. An interval begins at a multiple of its length, so runs of parts of the input agree.
    pub(super) fn traffic(&self, traffic: Traffic) -> model::Traffic {
        let step_minutes = step_minutes(&traffic);
        let step_ms = step_minutes.saturating_mul(MINUTE_MS);
        let mut counts: BTreeMap<Option<i64>, (u64, u64)> = BTreeMap::new();
        for cell in &traffic.cells {
            let from_ms = cell.minute_ms.map(|at| at.div_euclid(step_ms).saturating_mul(step_ms));
            let (requests, failed) = counts.entry(from_ms).or_default();
            *requests += cell.requests;
            *failed += cell.failed;
        }
        let intervals = counts
            .into_iter()
            .map(|(from, (requests, failed))| Interval { from: from.map(rfc3339), requests, failed })
            .collect();
        let text = |text: Option<Arc<str>>| text.map(|text| Arc::from(self.text(&text)));
        let mut whole = traffic;
        let mut texts = HashMap::new();
        for cell in &mut whole.cells {
            cell.route = text(cell.route.take());
            cell.deployment = text(cell.deployment.take());
        }
        for one in &mut whole.sample {
            one.route = text(one.route.take());
            one.deployment = text(one.deployment.take());
            one.region = one.region.take().map(|region| self.text(&region));
            one.dimensions = self.dimensions(std::mem::take(&mut one.dimensions), &mut texts);
        }
        model::Traffic { step_minutes, intervals, whole }
    }
}

impl Writer<'_> {
    /// Dimensions with their names and values redacted; both come from the log. `texts` remembers what was redacted, for
    /// the same few values come again and again.
    pub(super) fn dimensions(
        &self,
        values: BTreeMap<String, String>,
        texts: &mut HashMap<String, String>,
    ) -> BTreeMap<String, String> {
        let mut text = |text: String| match texts.get(&text) {
            Some(known) => known.clone(),
            None => {
                let redacted = self.text(&text);
                texts.insert(text, redacted.clone());
                redacted
            }
        };
        values.into_iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    /// An onset with the names in it redacted.
    pub(super) fn onset(&self, onset: &Onset) -> Onset {
        let mut onset = onset.clone();
        let text = |text: &mut String| *text = self.text(text);
        if let Some(start) = &mut onset.deployment {
            text(&mut start.id);
            start.previous.as_mut().map(text);
        }
        onset.ended_with.as_mut().map(text);
        onset
    }

    /// Segments with their names and values redacted.
    pub(super) fn segments(&self, segments: &[Segment]) -> Vec<Segment> {
        let redacted = |segment: &Segment| Segment {
            dimension: self.text(&segment.dimension),
            value: self.text(&segment.value),
            ..segment.clone()
        };
        segments.iter().map(redacted).collect()
    }
}

/// The least step by which the minutes make no more intervals than are shown.
fn step_minutes(traffic: &Traffic) -> i64 {
    let minutes =
        || traffic.cells.iter().filter_map(|cell| cell.minute_ms).map(|at| at.div_euclid(MINUTE_MS));
    let (Some(first), Some(last)) = (minutes().min(), minutes().max()) else { return 1 };
    let fits = |step: i64| last.div_euclid(step) - first.div_euclid(step) < MOST_INTERVALS;
    STEPS_MINUTES.into_iter().find(|step| fits(*step)).unwrap_or_else(|| {
        let days = (last.div_euclid(DAY_MINUTES) - first.div_euclid(DAY_MINUTES)) / (MOST_INTERVALS - 1) + 1;
        days.saturating_mul(DAY_MINUTES)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::traffic::Cell;

    fn spread(minutes: &[i64]) -> Traffic {
        let cell = |minute: &i64| Cell {
            minute_ms: Some(minute * MINUTE_MS),
            route: None,
            deployment: None,
            requests: 1,
            failed: 0,
        };
        Traffic { cells: minutes.iter().map(cell).collect(), sample: Vec::new() }
    }

    #[test]
    fn intervals_are_no_more_than_can_be_shown() {
        assert_eq!(step_minutes(&Traffic::default()), 1);
        assert_eq!(step_minutes(&spread(&[0, 119])), 1);
        assert_eq!(step_minutes(&spread(&[0, 120])), 2);
        assert_eq!(step_minutes(&spread(&[-1, 119])), 2);
        assert_eq!(step_minutes(&spread(&[0, 1439])), 15);
        assert_eq!(step_minutes(&spread(&[0, 30 * 1440])), 720);
        for years in [1, 10, 100_000_000] {
            let (first, last) = (0, years * 365 * 1440);
            let step = step_minutes(&spread(&[first, last]));
            assert!(
                step % DAY_MINUTES == 0 && last / step - first / step < MOST_INTERVALS,
                "{years}: {step}"
            );
        }
    }
}
