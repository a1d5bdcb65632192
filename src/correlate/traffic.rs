//! The traffic behind the failures: exact counts of all requests per route, deployment and minute of log time, and a
//! sample of the healthy ones with what the counts do not tell. Not here: which requests there are (the table), and
//! what a report shows of the counts.
//!
//! Neither depends on the order of the input: a request counts where its facts put it, and if a late record brings it
//! back it is taken out of its count first; the sample holds whose keys are least.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use super::dimensions::Dimensions;
use super::held::Held;
use super::line::{Fold, Line};
use super::outcome::Facts;
use super::spill::restore;
use super::table::{OTHER, OTHER_PLACE};
use crate::record::Record;

/// Requests, failed ones among them, that the sample is drawn from: those with the least keys, so that a request which
/// turns out to have failed leaves no gap that only an earlier look could have filled.
pub const SAMPLE: usize = 512;
/// Bytes of undecoded entries that one request of the sample may hold.
const MAX_HELD_BYTES: usize = 8 * 1024;
/// No route, no deployment, or not counted.
pub const NONE: u32 = u32::MAX;
const MINUTE_MS: i64 = 60_000;
/// In the place of a minute, for requests of which no record has a time; later than any.
const NO_MINUTE: i64 = i64::MAX;

/// What all requests of a run were.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traffic {
    /// Counts, by minute, route and deployment; none is 0.
    pub cells: Vec<Cell>,
    /// A sample of the healthy requests (an answer below 500, or a client that left), by key: each is as likely to be in
    /// it as any other.
    pub sample: Vec<Sampled>,
}

/// Requests of one route, deployment and minute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Begin of the minute of log time in which their first record lies, in milliseconds since the Unix epoch; None for
    /// requests without any time.
    pub minute_ms: Option<i64>,
    /// Route; None where the log names none.
    pub route: Option<Arc<str>>,
    /// Deployment, of several the least; None where the log names none.
    pub deployment: Option<Arc<str>>,
    /// All requests.
    pub requests: u64,
    /// Of these failed.
    pub failed: u64,
}

/// One healthy request.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// Hash of its correlation ID.
    pub key: u64,
    /// As in [`Cell`].
    pub route: Option<Arc<str>>,
    /// As in [`Cell`].
    pub deployment: Option<Arc<str>>,
    /// Region, of several the least.
    pub region: Option<String>,
    /// Where and for whom it ran, by name; its deployment among them.
    pub dimensions: BTreeMap<String, String>,
    /// Status that decided, where one was logged.
    pub status: Option<u16>,
    /// Time of its last terminal record, in milliseconds since the Unix epoch.
    pub end_ms: Option<i64>,
    /// Duration that its completion or summary states, in milliseconds.
    pub duration_ms: Option<f64>,
}

/// What one cell counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Number of the route, or [`NONE`].
    pub route: u32,
    /// Number of the deployment, or [`NONE`].
    pub deployment: u32,
    minute: i64,
}

impl Place {
    /// Where a request with these facts counts. `before`: where it counted before a late record brought it back.
    pub fn of(facts: &Facts, route: u32, deployment: u32, before: Option<Place>) -> Place {
        let minute = facts.span.ends_ms().map_or(NO_MINUTE, |(first_ms, _)| first_ms.div_euclid(MINUTE_MS));
        Place { route, deployment, minute: before.map_or(minute, |before| minute.min(before.minute)) }
    }

    /// The first of two that has a route and a deployment by itself, in the earlier minute of both.
    pub fn earlier(one: Option<Place>, two: Option<Place>) -> Option<Place> {
        match (one, two) {
            (Some(one), Some(two)) => Some(Place { minute: one.minute.min(two.minute), ..one }),
            (one, two) => one.or(two),
        }
    }
}

/// The counts while they change.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    cells: Vec<(Place, u64, u64)>,
    numbers: HashMap<Place, u32>,
}

impl Counts {
    /// Counts a request; the number of its cell.
    pub fn add(&mut self, place: Place, failed: bool) -> u32 {
        let number = *self.numbers.entry(place).or_insert_with(|| {
            self.cells.push((place, 0, 0));
            (self.cells.len() - 1) as u32
        });
        if let Some((_, requests, failures)) = self.cells.get_mut(number as usize) {
            *requests += 1;
            *failures += u64::from(failed);
        }
        number
    }

    /// Takes a request that did not fail out of the cell of this number; what the cell counts.
    pub fn take_back(&mut self, number: u32) -> Option<Place> {
        let (place, requests, _) = self.cells.get_mut(number as usize)?;
        *requests = requests.saturating_sub(1);
        Some(*place)
    }

    /// What the cell of this number counts.
    pub fn place(&self, number: u32) -> Option<Place> {
        self.cells.get(number as usize).map(|(place, ..)| *place)
    }

    /// What orders cells by age: the minute, in a run that goes `back` in time its negative.
    pub fn age(&self, number: u32, back: bool) -> i64 {
        match self.place(number).map_or(NO_MINUTE, |place| place.minute) {
            NO_MINUTE => NO_MINUTE,
            minute if back => minute.saturating_neg(),
            minute => minute,
        }
    }

    /// The counts, with the names of all routes and deployments by number.
    pub fn finish(&self, routes: &[Arc<str>], deployments: &[Arc<str>]) -> Vec<Cell> {
        let mut cells: Vec<Cell> = self
            .cells
            .iter()
            .filter(|(_, requests, _)| *requests > 0)
            .map(|(place, requests, failed)| Cell {
                minute_ms: (place.minute != NO_MINUTE).then(|| place.minute.saturating_mul(MINUTE_MS)),
                route: name_of(routes, place.route),
                deployment: name_of(deployments, place.deployment),
                requests: *requests,
                failed: *failed,
            })
            .collect();
        cells.sort();
        cells
    }
}

/// The name of this number.
fn name_of(names: &[Arc<str>], number: u32) -> Option<Arc<str>> {
    if number == OTHER_PLACE {
        return Some(Arc::from(OTHER));
    }
    names.get(number as usize).cloned()
}

/// The sample while it is drawn.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    drawn: BTreeMap<u64, Drawn>,
}

/// A request of the sample.
#[derive(Debug, Clone)]
struct Drawn {
    place: Option<Place>,
    status: Option<u16>,
    details: Details,
    /// Entries that were not decoded for the details yet: most requests are not in the sample for long.
    held: Vec<Held>,
}

/// What only decoded records tell; merged in any order.
#[derive(Debug, Clone, Default)]
struct Details {
    end_ms: Option<i64>,
    region: Option<String>,
    duration_ms: Option<f64>,
    dimensions: Dimensions,
}

impl Details {
    fn learn(&mut self, record: &Record, fold: &dyn Fold) {
        fold.dimensions(record, &mut self.dimensions);
        if let Some(region) = &record.region
            && self.region.as_ref().is_none_or(|have| region < have)
        {
            self.region = Some(region.clone());
        }
        if let Some(duration_ms) = record.duration_ms {
            self.duration_ms = Some(self.duration_ms.map_or(duration_ms, |have| have.max(duration_ms)));
        }
    }
}

impl Sample {
    /// Whether the request under this key belongs to the sample so far.
    #[inline]
    pub fn wants(&self, key: u64) -> bool {
        self.drawn.len() < SAMPLE || self.drawn.last_key_value().is_some_and(|(last, _)| key <= *last)
    }

    /// Takes a request that has ended. `place`: where it counts, None if it is not healthy and only keeps its place in
    /// the sample. `held` and `lines`: its entries, with bytes of their own, and those that were decoded already.
    pub fn take(
        &mut self,
        key: u64,
        place: Option<Place>,
        facts: &Facts,
        status: Option<u16>,
        (held, lines): (Vec<Held>, &[Line]),
        fold: &dyn Fold,
    ) {
        let drawn = self.drawn.entry(key).or_insert_with(|| Drawn {
            place: None,
            status: None,
            details: Details::default(),
            held: Vec::new(),
        });
        (drawn.place, drawn.status) = (place, status);
        let end_ms = facts.end.time_ms().filter(|end_ms| *end_ms > i64::MIN + 1);
        drawn.details.end_ms = drawn.details.end_ms.max(end_ms);
        lines.iter().for_each(|line| drawn.details.learn(&line.record, fold));
        drawn.held.extend(held);
        if drawn.held.iter().map(Held::bytes).sum::<usize>() > MAX_HELD_BYTES {
            drawn.decode(fold);
        }
        if self.drawn.len() > SAMPLE {
            self.drawn.pop_last();
        }
    }

    /// Says of a request of the sample where it counts, if it is healthy, and with which status; nothing else changes.
    pub fn decide(&mut self, key: u64, place: Option<Place>, status: Option<u16>) {
        if let Some(drawn) = self.drawn.get_mut(&key) {
            (drawn.place, drawn.status) = (place, status);
        }
    }

    /// The healthy ones, with the names of all routes and deployments by number.
    pub fn finish(self, routes: &[Arc<str>], deployments: &[Arc<str>], fold: &dyn Fold) -> Vec<Sampled> {
        let healthy = self.drawn.into_iter().filter_map(|(key, drawn)| Some((key, drawn.place?, drawn)));
        healthy
            .map(|(key, place, mut drawn)| {
                drawn.decode(fold);
                let Details { end_ms, region, duration_ms, dimensions } = drawn.details;
                Sampled {
                    key,
                    route: name_of(routes, place.route),
                    deployment: name_of(deployments, place.deployment),
                    region,
                    dimensions: dimensions.finish(),
                    status: drawn.status,
                    end_ms,
                    duration_ms,
                }
            })
            .collect()
    }
}

impl Drawn {
    fn decode(&mut self, fold: &dyn Fold) {
        restore(&mut self.held);
        let records = fold.records(std::mem::take(&mut self.held));
        records.iter().for_each(|record| self.details.learn(record, fold));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Marks;

    struct Nothing;

    impl Fold for Nothing {
        fn lines(&self, _: Vec<Held>) -> Vec<Line> {
            Vec::new()
        }

        fn records(&self, _: Vec<Held>) -> Vec<Record> {
            Vec::new()
        }

        fn dimensions(&self, _: &Record, _: &mut Dimensions) {}
    }

    fn facts(time_ms: i64) -> Facts {
        Facts::of(time_ms, Some(200), None, Marks::CLIENT | Marks::END)
    }

    #[test]
    fn a_request_that_comes_back_counts_once_in_its_first_minute() {
        let routes: Vec<Arc<str>> = vec![Arc::from("/a")];
        let mut counts = Counts::default();
        let first = counts.add(Place::of(&facts(120_005), 0, NONE, None), false);
        let before = counts.take_back(first);
        assert!(counts.finish(&routes, &[]).is_empty());
        counts.add(Place::of(&facts(180_000), 0, NONE, before), true);
        counts.add(Place::of(&Facts::default(), NONE, NONE, None), false);
        let cells = counts.finish(&routes, &[]);
        let seen: Vec<_> = cells
            .iter()
            .map(|cell| (cell.minute_ms, cell.route.as_deref(), cell.requests, cell.failed))
            .collect();
        assert_eq!(seen, [(None, None, 1, 0), (Some(120_000), Some("/a"), 1, 1)]);
        assert_eq!(Place::of(&facts(-1), NONE, NONE, None).minute, -1, "before 1970");
    }

    #[test]
    fn the_sample_is_the_same_in_any_order() {
        let put = |sample: &mut Sample, key: u64| {
            if sample.wants(key) {
                let place = (!key.is_multiple_of(7)).then(|| Place::of(&facts(5), NONE, NONE, None));
                sample.take(key, place, &facts(key as i64), Some(200), (Vec::new(), &[]), &Nothing);
            }
        };
        let keys: Vec<u64> =
            (0..3_000).map(|number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let (mut forth, mut back) = (Sample::default(), Sample::default());
        keys.iter().for_each(|key| put(&mut forth, *key));
        keys.iter().rev().for_each(|key| put(&mut back, *key));
        keys.iter().for_each(|key| put(&mut back, *key));
        let (forth, back) = (forth.finish(&[], &[], &Nothing), back.finish(&[], &[], &Nothing));
        assert_eq!(forth, back);
        let mut least = keys;
        least.sort_unstable();
        least.truncate(SAMPLE);
        least.retain(|key| !key.is_multiple_of(7));
        assert_eq!(forth.iter().map(|one| one.key).collect::<Vec<_>>(), least);
    }
}
