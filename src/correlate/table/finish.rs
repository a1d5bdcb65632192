//! The end of the table: everything it found.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Correlator;
use super::evict::status_of;
use super::relief::Losses;
use super::routes::OTHER;
use crate::correlate::held::Held;
use crate::correlate::outcome::Outcome;
use crate::correlate::partial::Partial;
use crate::correlate::spill::Entries;
use crate::correlate::spill::graves::Graves;
use crate::correlate::traffic::{NONE, Place, Traffic};
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
    /// Of these the first that tell of a failure or of the end of a process, in order.
    pub outside: Vec<Held>,
    /// All requests per route.
    pub per_route: BTreeMap<String, u64>,
    /// All requests per route, deployment and minute, and a sample of the healthy ones.
    pub traffic: Traffic,
    /// What the run had to do without.
    pub losses: Losses,
    /// Where entries of failed requests may be; asked for errors once these were read.
    pub entries: Option<Arc<Entries>>,
    /// Requests that are counted together, because there were too many routes.
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
        self.settle_loose();
        self.join_aliases();
        self.outside.append(&mut self.endings.take());
        self.losses.outside += self.endings.lost;
        let outside = std::mem::take(&mut self.outside).into_values().collect();
        let (mut open, mut shared) = (std::mem::take(&mut self.open), std::mem::take(&mut self.shared));
        let mut requests = Requests {
            failed: Vec::new(),
            total: 0,
            aborted: self.aborted,
            incomplete: self.incomplete,
            unattributed: self.unattributed,
            outside,
            per_route: BTreeMap::new(),
            traffic: Traffic::default(),
            losses: std::mem::take(&mut self.losses),
            entries: self.entries.clone(),
            other_routes: 0,
            window_ms: self.window_ms,
            wanted: Vec::new(),
            near: self.wanted.as_ref().map(Wanted::near).unwrap_or_default(),
        };
        type Order = (i64, Option<String>, u64);
        let mut failed: Vec<(Order, Partial)> = Vec::new();
        requests.total = self.slots.count() as u64 + self.alone + self.stored + requests.losses.forgotten;
        for (key, index) in self.slots.all_open() {
            let Some(partial) = open.get_mut(index as usize) else { continue };
            let mut partial = std::mem::replace(partial, Partial::new(None, IdKind::Request));
            if self.is_wanted(key) {
                partial.detach(&mut shared);
                requests.wanted.push(partial.clone());
            }
            partial.settle(self.fold, &mut shared);
            let outcome = partial.outcome();
            let route = partial.route.as_ref().map(|(_, route)| self.routes.place(route));
            let place = Place::of(&partial.facts, route.unwrap_or(NONE), partial.deployment, partial.counted);
            self.counts.add(place, matches!(outcome, Outcome::Failed(_)));
            if self.joined.contains(&key) && self.sample.wants(key) {
                let healthy = matches!(outcome, Outcome::Succeeded(_) | Outcome::Aborted);
                self.sample.decide(key, healthy.then_some(place), status_of(outcome));
            } else if self.sample.wants(key) {
                let healthy = matches!(outcome, Outcome::Succeeded(_) | Outcome::Aborted);
                let facts = partial.facts.clone();
                let entries = if healthy { partial.entries(&mut shared) } else { (Vec::new(), &[][..]) };
                let place = healthy.then_some(place);
                self.sample.take(key, place, &facts, status_of(outcome), entries, self.fold);
            }
            match outcome {
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
        let (routes, deployments) = (self.routes.names(), self.deployments.names());
        requests.traffic.cells = self.counts.finish(routes, deployments);
        requests.traffic.sample = self.sample.finish(routes, deployments, self.fold);
        for cell in &requests.traffic.cells {
            if let Some(route) = &cell.route {
                *requests.per_route.entry(route.to_string()).or_default() += cell.requests;
            }
        }
        requests.other_routes = requests.per_route.get(OTHER).copied().unwrap_or_default();
        if let Some(trouble) = self.graves.as_ref().and_then(Graves::trouble) {
            requests.losses.disk.get_or_insert_with(|| trouble.to_owned());
        }
        requests.wanted.sort_by(|a, b| a.id.cmp(&b.id));
        failed.sort_by(|(a, _), (b, _)| a.cmp(b));
        requests.failed = failed.into_iter().map(|(_, partial)| partial).collect();
        requests
    }
}
