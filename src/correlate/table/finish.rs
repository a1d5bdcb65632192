//! The end of the table: everything it found.

use std::collections::BTreeMap;

use super::Correlator;
use super::routes::{OTHER, OTHER_PLACE};
use crate::correlate::held::Held;
use crate::correlate::outcome::Outcome;
use crate::correlate::partial::Partial;
use crate::correlate::wanted::Wanted;
use crate::record::IdKind;

/// Everything correlation found, when all input is read.
pub struct Requests {
    /// Failed ones, in the order of time and ID.
    pub failed: Vec<Partial>,
    /// Distinct requests.
    pub total: u64,
    /// Clients that left.
    pub aborted: u64,
    /// Neither status nor end.
    pub incomplete: u64,
    /// Records without a request.
    pub unattributed: u64,
    /// Of these the first that tell of a failure, in order.
    pub outside: Vec<Held>,
    /// All requests per route.
    pub per_route: BTreeMap<String, u64>,
    /// Of these the ones that are counted together, because there were too many routes.
    pub other_routes: u64,
    /// First and last time of any record.
    pub window_ms: Option<(i64, i64)>,
    /// Requests that were asked for, failed or not, by ID; the failed ones stand in `failed` too.
    pub wanted: Vec<Partial>,
    /// IDs that resemble the one that was asked for.
    pub near: Vec<String>,
}

impl Correlator<'_> {
    /// The requests, when all input is read.
    pub fn finish(mut self) -> Requests {
        let (mut open, mut shared) = (std::mem::take(&mut self.open), std::mem::take(&mut self.shared));
        let mut requests = Requests {
            failed: Vec::new(),
            total: 0,
            aborted: 0,
            incomplete: 0,
            unattributed: self.unattributed,
            outside: self.outside.values().cloned().collect(),
            per_route: BTreeMap::new(),
            other_routes: 0,
            window_ms: self.window_ms,
            wanted: Vec::new(),
            near: self.wanted.as_ref().map(Wanted::near).unwrap_or_default(),
        };
        type Place = (i64, Option<String>, u64);
        let mut failed: Vec<(Place, Partial)> = Vec::new();
        requests.total = self.slots.count() as u64;
        let mut buried: Vec<u64> = vec![0; self.routes.names().len()];
        for tombstone in self.slots.tombstones() {
            requests.aborted += u64::from(tombstone.is_aborted());
            match buried.get_mut(tombstone.route as usize) {
                Some(count) => *count += 1,
                None if tombstone.route == OTHER_PLACE => requests.other_routes += 1,
                None => {}
            }
        }
        for (route, count) in self.routes.names().iter().zip(buried).filter(|(_, count)| *count > 0) {
            *requests.per_route.entry(route.to_string()).or_default() += count;
        }
        if requests.other_routes > 0 {
            requests.per_route.insert(OTHER.to_owned(), requests.other_routes);
        }
        for (key, index) in self.slots.all_open() {
            let Some(partial) = open.get_mut(index as usize) else { continue };
            let mut partial = std::mem::replace(partial, Partial::new(None, IdKind::Request));
            if self.is_wanted(key) {
                partial.detach(&mut shared);
                requests.wanted.push(partial.clone());
            }
            partial.settle(self.fold, &mut shared);
            if let Some((_, route)) = &partial.route {
                *requests.per_route.entry(route.to_string()).or_default() += 1;
            }
            match partial.outcome() {
                Outcome::Failed(_) => {
                    partial.detach(&mut shared);
                    let first = partial.facts.span.ends_ms().map_or(i64::MIN, |(first, _)| first);
                    failed.push(((first, partial.id.clone(), key), partial));
                }
                Outcome::Aborted => requests.aborted += 1,
                Outcome::Incomplete => requests.incomplete += 1,
                Outcome::Succeeded(_) => {}
            }
        }
        requests.wanted.sort_by(|a, b| a.id.cmp(&b.id));
        failed.sort_by(|(a, _), (b, _)| a.cmp(b));
        requests.failed = failed.into_iter().map(|(_, partial)| partial).collect();
        requests
    }
}
