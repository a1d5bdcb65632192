//! Lines outside any request that tell that a process ended, and those that stand beside them: many programs print why in a
//! line before or after. They are kept for the diagnosis of what a proxy says of that process.

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashMap;

use crate::correlate::held::{Held, Order};

/// How many entries are kept, the earliest.
const MAX_KEPT: usize = 1024;
/// Entries of one place that are kept before an ending, and after it.
const BEFORE: usize = 4;
const AFTER: usize = 6;
/// Places (sources, streams) whose last entries are remembered.
const MAX_PLACES: usize = 4096;

/// The entries, and the last ones of every place.
#[derive(Clone, Default)]
pub(super) struct Endings {
    kept: BTreeMap<Order, Held>,
    near: HashMap<u64, Near>,
}

#[derive(Clone, Default)]
struct Near {
    /// The last entries without an ending.
    before: VecDeque<Held>,
    /// How many more belong to the ending before them.
    after: usize,
}

impl Endings {
    /// An entry outside any request, without an ending and without a failure, passes.
    pub(super) fn pass(&mut self, place: u64, held: Held) {
        let Some(near) = self.near(place) else { return };
        if near.after > 0 {
            near.after -= 1;
            return self.keep(held);
        }
        near.before.push_back(held);
        if near.before.len() > BEFORE {
            near.before.pop_front();
        }
    }

    /// An entry with an ending was read: what stands beside it stays.
    pub(super) fn end(&mut self, place: u64) {
        let Some(near) = self.near(place) else { return };
        near.after = AFTER;
        for held in std::mem::take(&mut near.before) {
            self.keep(held);
        }
    }

    /// Keeps an entry.
    pub(super) fn keep(&mut self, held: Held) {
        self.kept.insert(held.order, held);
        if self.kept.len() > MAX_KEPT {
            self.kept.pop_last();
        }
    }

    /// All that were kept.
    pub(super) fn take(&mut self) -> BTreeMap<Order, Held> {
        std::mem::take(&mut self.kept)
    }

    fn near(&mut self, place: u64) -> Option<&mut Near> {
        if self.near.len() >= MAX_PLACES && !self.near.contains_key(&place) {
            return None;
        }
        Some(self.near.entry(place).or_default())
    }
}
