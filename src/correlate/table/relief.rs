//! What goes when the memory that the table may take is full, in this order: the largest requests are put away to disk,
//! or reduced where there is none; tombstones go to disk, or the oldest are forgotten; where there is no disk, lines of
//! requests are cut to the decisive ones, and requests that did not fail are let go before their time. Failed requests
//! are never forgotten: the report lists every one of them.

use super::Correlator;
use crate::correlate::budget::TOMBSTONE_BYTES;
use crate::correlate::outcome::Outcome;
use crate::correlate::slots::Tombstone;

/// Requests that hold less than this beyond what every one takes are not worth the trouble.
const WORTH_STORING_BYTES: usize = 1024;
const WORTH_REDUCING_BYTES: usize = 16 * 1024;

/// What a run had to do without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    /// Requests whose tombstones were forgotten.
    pub forgotten: u64,
    /// Requests of which only decisive lines were kept, or which were let go before their time.
    pub cut: u64,
    /// IDs of which it was forgotten that they name a request with another ID.
    pub aliases: u64,
    /// Lines outside any request that tell of a failure or of the end of a process, and were not kept.
    pub outside: u64,
    /// Why the disk could not be used, the first time.
    pub disk: Option<String>,
}

impl Correlator<'_> {
    /// Makes room. Depends on nothing but the entries so far.
    #[cold]
    pub(super) fn relieve(&mut self) {
        if self.entries.is_some() {
            self.store_loose();
            self.store_largest();
        } else {
            self.forget_aliases();
            self.forget_loose();
            self.reduce_largest(WORTH_REDUCING_BYTES, false);
        }
        self.thin_graves();
        if self.entries.is_none() {
            self.reduce_largest(WORTH_STORING_BYTES, true);
            self.let_go_early();
            self.thin_graves();
        }
        self.budget.relieved();
    }

    /// Of more other IDs than there is room for, half are forgotten.
    fn forget_aliases(&mut self) {
        let before = self.aliases.bytes();
        if before > self.budget.aliases_bytes() {
            self.losses.aliases += self.aliases.halve();
            self.budget.change(before, self.aliases.bytes());
        }
    }

    /// Gives all entries bytes of their own, so that no batch is kept.
    #[cold]
    pub(super) fn leave_batches(&mut self) {
        for (_, index) in self.slots.all_open() {
            if let Some(partial) = self.open.get_mut(index as usize) {
                partial.detach(&mut self.shared);
            }
        }
    }

    /// Open requests that hold at least so much beyond what every one takes, largest first.
    fn largest(&self, least_bytes: usize) -> Vec<(usize, u64, u32)> {
        let mut found: Vec<(usize, u64, u32)> = self
            .slots
            .all_open()
            .filter_map(|(key, index)| Some((self.open.get(index as usize)?.movable_bytes(), key, index)))
            .filter(|(bytes, ..)| *bytes >= least_bytes)
            .collect();
        found.sort_unstable_by(|(a, x, _), (b, y, _)| b.cmp(a).then(x.cmp(y)));
        found
    }

    fn store_largest(&mut self) {
        let Some(entries) = self.entries.clone() else { return };
        for (_, _, index) in self.largest(WORTH_STORING_BYTES) {
            if self.budget.excess_bytes() == 0 {
                break;
            }
            let Some(partial) = self.open.get_mut(index as usize) else { continue };
            let before = partial.bytes();
            partial.store(&entries, &mut self.shared);
            self.budget.change(before, partial.bytes());
        }
    }

    fn reduce_largest(&mut self, least_bytes: usize, cut: bool) {
        if self.budget.excess_bytes() == 0 {
            return;
        }
        for (_, key, index) in self.largest(least_bytes) {
            if self.budget.excess_bytes() == 0 {
                break;
            }
            if self.is_wanted(key) {
                continue;
            }
            let Some(partial) = self.open.get_mut(index as usize) else { continue };
            let before = partial.bytes();
            partial.compact(self.fold, &mut self.shared);
            if cut {
                self.losses.cut += u64::from(partial.cut());
            }
            self.budget.change(before, partial.bytes());
        }
    }

    /// Tombstones go to disk, or are forgotten, those first whose minutes were read first.
    fn thin_graves(&mut self) {
        let count = self.budget.excess_bytes().div_ceil(TOMBSTONE_BYTES).min(self.slots.buried());
        if count == 0 {
            return;
        }
        let (counts, back) = (&self.counts, self.back);
        let age = |tombstone: &Tombstone| counts.age(tombstone.cell, back);
        let gone = self.slots.take_oldest(count, age);
        self.budget.change(count * TOMBSTONE_BYTES, 0);
        if let Some(graves) = &mut self.graves {
            let before = graves.bytes();
            match graves.bury(&gone) {
                Ok(()) => {
                    self.budget.change(before, graves.bytes());
                    self.stored += count as u64;
                    return;
                }
                Err(error) => {
                    self.losses.disk.get_or_insert_with(|| error.to_string());
                }
            }
        }
        self.losses.forgotten += count as u64;
    }

    /// Lets requests go that did not fail so far, those first of which nothing was heard for longest.
    fn let_go_early(&mut self) {
        if self.budget.excess_bytes() == 0 {
            return;
        }
        let mut idle: Vec<(i64, u64)> = self
            .slots
            .all_open()
            .filter_map(|(key, index)| {
                let partial = self.open.get(index as usize)?;
                let ends_ms = partial.facts.span.ends_ms();
                let heard_ms =
                    ends_ms.map_or(
                        i64::MIN,
                        |(first_ms, last_ms)| {
                            if self.back { first_ms.saturating_neg() } else { last_ms }
                        },
                    );
                Some((heard_ms, key))
            })
            .collect();
        idle.sort_unstable();
        for (_, key) in idle {
            if self.budget.excess_bytes() == 0 {
                break;
            }
            if self.is_wanted(key) {
                continue;
            }
            let Some(index) = self.slots.open(key) else { continue };
            let Some(partial) = self.open.get_mut(index as usize) else { continue };
            let before = partial.bytes();
            partial.settle(self.fold, &mut self.shared);
            self.budget.change(before, partial.bytes());
            if !matches!(partial.outcome(), Outcome::Failed(_)) {
                self.losses.cut += 1;
                self.let_go(key, index);
                self.bury();
            }
        }
    }
}
