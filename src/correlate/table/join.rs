//! Requests that turn out to be one, because a record named two of their IDs: which of them stay for each other, and their
//! merger when all input was read.

use super::Correlator;
use super::evict::status_of;
use crate::correlate::aliases::{CLAIM_BYTES, Join};
use crate::correlate::attach::names_failed_request;
use crate::correlate::held::Held;
use crate::correlate::outcome::{Facts, Outcome};
use crate::correlate::partial::Partial;
use crate::correlate::spill::restore;
use crate::correlate::traffic::{NONE, Place};
use crate::record::ids::id_key;
use crate::record::{CorrelationId, IdKind, Record};
use xxhash_rust::xxh3::xxh3_64;

/// What an error that names its request and the completion of it have in common: second of log time, method, path.
fn answer_key(second: i64, record: &Record) -> Option<u64> {
    let (method, path) = (record.method.as_deref()?, record.path.as_deref()?);
    Some(xxh3_64(format!("answer\0{second}\0{method}\0{path}").as_bytes()))
}

/// The second in which a request failed by an error that names it: a server's of the application behind it, or the
/// application's own.
fn failed_in(record: &Record) -> Option<i64> {
    let second = record.time_ms?.div_euclid(1000);
    names_failed_request(record).then_some(second)
}

impl Correlator<'_> {
    /// An error that names its request and stands beside no completion waits under a key of its own for one in another
    /// source.
    pub(super) fn await_answer(&mut self, record: &Record) -> Option<u64> {
        let key = answer_key(failed_in(record)?, record)?;
        if self.slots.open(key).is_none() {
            self.loose.push(key);
        }
        Some(key)
    }

    /// The access line of a failed request claims the error of its second, or of the one before, since it is written a
    /// moment later. An application's own completion stands beside its errors, and would claim them a second time.
    pub(super) fn claim_error(&mut self, key: u64, record: &Record) {
        let failed = record.payload == "access-log" && record.status >= Some(500);
        let Some(time_ms) = record.time_ms.filter(|_| failed) else { return };
        for second in [time_ms.div_euclid(1000), time_ms.div_euclid(1000) - 1] {
            if let Some(alias) = answer_key(second, record)
                && self.aliases.claim(key, alias, IdKind::Order)
            {
                self.budget.change(0, CLAIM_BYTES);
            }
        }
    }

    /// Errors for which no completion came belong to no request.
    pub(super) fn leave_loose(&mut self) {
        for key in std::mem::take(&mut self.loose) {
            let Some(index) = self.slots.open(key) else { continue };
            let Some(partial) = self.open.get_mut(index as usize) else { continue };
            let mut partial = std::mem::replace(partial, Partial::new(None, IdKind::Request));
            self.slots.leave(key);
            self.free.push(index);
            let (mut held, lines) = partial.entries(&mut self.shared);
            held.extend(lines.iter().map(|line| {
                let record = Record { message: line.text.clone(), ..line.record.clone() };
                Held::of_record(line.identity, line.order, record, "lines")
            }));
            restore(&mut held);
            for one in held {
                self.unattributed += 1;
                self.keep_outside(one);
            }
        }
    }

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
            return self.leave_loose();
        }
        for join in self.aliases.joins(|key| self.knows(key)) {
            self.join(join);
        }
        self.leave_loose();
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
