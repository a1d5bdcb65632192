//! Requests that turn out to be one, because a record named two of their IDs: which of them stay for each other, and their
//! merger when all input was read.

use super::Correlator;
use super::evict::status_of;
use crate::correlate::aliases::{CLAIM_BYTES, Join};
use crate::correlate::outcome::{Facts, Outcome};
use crate::correlate::partial::Partial;
use crate::correlate::traffic::{NONE, Place};
use crate::record::ids::id_key;
use crate::record::{CorrelationId, IdKind};

impl Correlator<'_> {
    /// Notes the other IDs that a record gives its request.
    pub(super) fn claim_all(&mut self, key: u64, also: &[CorrelationId]) {
        also.iter().for_each(|id| self.claim(key, id.text.as_bytes(), id.kind));
    }

    /// Notes another ID of a request.
    pub(super) fn claim(&mut self, key: u64, alias: &[u8], kind: IdKind) {
        if self.aliases.claim(key, id_key(alias), kind) {
            self.budget.change(0, CLAIM_BYTES);
        }
    }

    /// Whether a healthy request may belong to one that failed, or that is asked for, under another ID: then its lines
    /// stay.
    pub(super) fn is_needed(&mut self, key: u64) -> bool {
        if self.aliases.is_empty() {
            return false;
        }
        self.aliases.around(key).into_iter().any(|other| {
            let Some(index) = self.slots.open(other) else { return false };
            if self.is_wanted(other) {
                return true;
            }
            let Some(partial) = self.open.get_mut(index as usize) else { return false };
            let before = partial.bytes();
            partial.settle(self.fold, &mut self.shared);
            self.budget.change(before, partial.bytes());
            matches!(partial.outcome(), Outcome::Failed(_))
        })
    }

    /// Merges what is known to be one request.
    pub(super) fn join_aliases(&mut self) {
        if self.aliases.is_empty() {
            return;
        }
        for join in self.aliases.joins(|key| self.knows(key)) {
            self.join(join);
        }
    }

    fn join(&mut self, join: Join) {
        let was_open = self.slots.open(join.request).is_some() || self.slots.open(join.alias).is_some();
        let index = self.reopen(join.request);
        let other = self.reopen(join.alias);
        // The sample holds of every request what its own lines tell, whether they were let go or are here still.
        self.draw(join.request, index, true);
        self.draw(join.alias, other, false);
        let Some(other_partial) = self.open.get_mut(other as usize) else { return };
        let mut other_partial = std::mem::replace(other_partial, Partial::new(None, IdKind::Request));
        other_partial.detach(&mut self.shared);
        self.slots.leave(join.alias);
        self.free.push(other);
        let Some(partial) = self.open.get_mut(index as usize) else { return };
        partial.detach(&mut self.shared);
        let deployment = match (partial.deployment, other_partial.deployment) {
            (NONE, only) | (only, NONE) => only,
            (one, two) => self.deployments.least(one, two),
        };
        let counted = Place::earlier(partial.counted, other_partial.counted);
        partial.adopt(other_partial, join.kind, self.fold);
        (partial.deployment, partial.counted) = (deployment, counted);
        if let Some(wanted) = &mut self.wanted {
            wanted.share(join.request, join.alias);
        }
        if !was_open && !self.is_wanted(join.request) {
            self.let_go(join.request, index);
            self.bury();
        }
    }

    /// The place of a request that is open, or that is opened once more.
    fn reopen(&mut self, key: u64) -> u32 {
        match self.slots.open(key) {
            Some(index) => index,
            None => self.open(key, None, IdKind::Request),
        }
    }

    /// Draws a request for the sample, before it is merged; `counts` is whether it is one by itself.
    fn draw(&mut self, key: u64, index: u32, counts: bool) {
        if !self.sample.wants(key) {
            return;
        }
        let Some(partial) = self.open.get_mut(index as usize) else { return };
        if self.joined.insert(key) {
            let facts = if counts { partial.facts.clone() } else { Facts::default() };
            let entries = if counts { partial.entries(&mut self.shared) } else { (Vec::new(), &[][..]) };
            self.sample.take(key, None, &facts, None, entries, self.fold);
        }
    }

    /// Takes a request into the sample if it belongs there. `place`: where it counts, if it is healthy.
    pub(super) fn sample(&mut self, key: u64, index: u32, place: Option<Place>, outcome: Outcome) {
        if !self.sample.wants(key) {
            return;
        }
        if self.joined.contains(&key) {
            return self.sample.decide(key, place, status_of(outcome));
        }
        let Some(partial) = self.open.get_mut(index as usize) else { return };
        let facts = partial.facts.clone();
        let entries = if place.is_some() { partial.entries(&mut self.shared) } else { (Vec::new(), &[][..]) };
        self.sample.take(key, place, &facts, status_of(outcome), entries, self.fold);
    }
}
