//! What is let go, and when: the table looks at a request again in the second of log time in which it is due.

use super::Correlator;
use crate::correlate::budget::TOMBSTONE_BYTES;
use crate::correlate::outcome::{Facts, Latest, Outcome};
use crate::correlate::slots::Tombstone;
use crate::correlate::traffic::{NONE, Place};

/// Log time after its end for which a healthy request stays open for late records, in milliseconds.
pub const HORIZON_MS: i64 = 3_000;
/// Log time after its last record for which a request without an end keeps all its lines.
pub const IDLE_MS: i64 = 900_000;

impl Correlator<'_> {
    /// Lets go of what is decided and out of reach: no source brings a record older than `watermark_ms`; where all of them
    /// run newest first none newer than its negative.
    pub fn advance(&mut self, watermark_ms: i64) {
        while let Some(bucket) =
            self.due.first_entry().filter(|bucket| second_is_over(*bucket.key(), watermark_ms))
        {
            let (second, keys) = bucket.remove_entry();
            for key in keys {
                self.look(key, second, watermark_ms);
            }
            self.bury();
        }
    }

    /// Looks at a request that was due in this second, and lets it go if it may go.
    fn look(&mut self, key: u64, second: i64, watermark_ms: i64) {
        let Some(index) = self.slots.open(key) else { return };
        if self.is_wanted(key) {
            return;
        }
        let Some(partial) = self.open.get_mut(index as usize) else { return };
        if partial.due_second != second {
            // It was queued again, for an earlier second, since.
            return;
        }
        partial.due_second = due_second(&partial.facts, self.back);
        if !second_is_over(partial.due_second, watermark_ms) {
            self.due.entry(partial.due_second).or_default().push(key);
            return;
        }
        partial.due_second = i64::MAX;
        let before = partial.bytes();
        partial.settle(self.fold, &mut self.shared);
        match partial.outcome() {
            Outcome::Failed(_) => partial.detach(&mut self.shared),
            Outcome::Incomplete => partial.compact(self.fold, &mut self.shared),
            Outcome::Succeeded(_) | Outcome::Aborted => {
                self.budget.change(before, partial.bytes());
                self.let_go(key, index);
                return;
            }
        }
        self.budget.change(before, partial.bytes());
    }

    /// Lets a request go that has not failed. Its tombstone waits among the dead.
    pub(super) fn let_go(&mut self, key: u64, index: u32) {
        let Some(partial) = self.open.get_mut(index as usize) else { return };
        let outcome = partial.outcome();
        let route = partial.route.as_ref().map(|(_, route)| self.routes.place(route));
        let place = Place::of(&partial.facts, route.unwrap_or(NONE), partial.deployment, partial.counted);
        let rank = partial.route.as_ref().map_or(0, |(rank, _)| *rank);
        let mut tombstone =
            Tombstone::of(&partial.facts, outcome, self.counts.add(place, false)).with_route_rank(rank);
        if self.back {
            tombstone = tombstone.with_start(&partial.facts);
        }
        self.aborted += u64::from(tombstone.is_aborted());
        self.incomplete += u64::from(tombstone.is_incomplete());
        if self.sample.wants(key) {
            let facts = partial.facts.clone();
            let place = Some(place).filter(|_| !tombstone.is_incomplete());
            let entries = partial.entries(&mut self.shared);
            self.sample.take(key, place, &facts, status_of(outcome), entries, self.fold);
        }
        self.budget.change(partial.bytes(), TOMBSTONE_BYTES);
        // The memory is kept for the next request, the entries are not.
        partial.close(&mut self.shared);
        self.dead.push((key, tombstone));
        self.free.push(index);
    }

    /// Buries the dead.
    pub(super) fn bury(&mut self) {
        let mut dead = std::mem::take(&mut self.dead);
        self.slots.bury(&dead);
        dead.clear();
        self.dead = dead;
    }
}

/// The status that decided an outcome.
pub fn status_of(outcome: Outcome) -> Option<u16> {
    match outcome {
        Outcome::Failed(status) | Outcome::Succeeded(status) => status,
        Outcome::Aborted | Outcome::Incomplete => None,
    }
}

/// Second of log time, counted backwards if `back`, in which a request may be let go; never (`i64::MAX`) while it has no
/// time.
pub fn due_second(facts: &Facts, back: bool) -> i64 {
    let Some((first_ms, last_ms)) = facts.span.ends_ms() else { return i64::MAX };
    let due_ms = if back {
        let wait_ms = if is_whole(facts) { HORIZON_MS } else { IDLE_MS };
        first_ms.saturating_neg().saturating_add(wait_ms)
    } else {
        match facts.end.time_ms() {
            Some(end_ms) => end_ms.max(last_ms).saturating_add(HORIZON_MS),
            None => last_ms.saturating_add(IDLE_MS),
        }
    };
    due_ms.div_euclid(1000)
}

/// Whether nothing that comes before what was seen of a request can change how it ended. Of a source that runs newest
/// first the end comes first, and any time later what led to it: what the client saw last stands then, else only a start
/// says that this was all of the last attempt.
fn is_whole(facts: &Facts) -> bool {
    let answered = facts.client.is_something() || facts.edge.is_something();
    facts.end != Latest::NEVER && (answered || facts.start != Latest::NEVER)
}

/// Whether an entry with these facts may bring nearer when its request is due.
pub fn may_hasten(facts: &Facts, back: bool) -> bool {
    facts.end != Latest::NEVER
        || back && (facts.start != Latest::NEVER || facts.client.is_something() || facts.edge.is_something())
}

/// Whether the watermark has passed the whole second.
fn second_is_over(second: i64, watermark_ms: i64) -> bool {
    second < watermark_ms.div_euclid(1000)
}
