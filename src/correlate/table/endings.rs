//! Lines outside any request that tell that a process ended, and those that stand beside them: many programs print why in a
//! line before or after, and that they serve again. They are kept for the diagnosis of what a proxy says of that process.

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashMap;

use crate::correlate::held::{Body, Held, Order};
use crate::correlate::last_words::serves;
use crate::correlate::line::MAX_TEXT_BYTES;
use crate::format::json::truncate;

/// How many entries are kept, the earliest, and their bytes.
const MAX_KEPT: usize = 1024;
const MAX_KEPT_BYTES: usize = 4 << 20;
/// Entries of one place that are kept before an ending, and after it: as many, for some exports run backwards.
const BESIDE: usize = 6;
/// Places (sources, streams) whose last entries are remembered, and the bytes of these entries.
const MAX_PLACES: usize = 4096;
const MAX_NEAR_BYTES: usize = 4 << 20;

/// The entries, and the last ones of every place.
#[derive(Clone, Default)]
pub(super) struct Endings {
    kept: BTreeMap<Order, Held>,
    kept_bytes: usize,
    near: HashMap<u64, Near>,
    near_bytes: usize,
    /// Entries that were not kept, because there were too many.
    pub(super) lost: u64,
}

#[derive(Clone, Default)]
struct Near {
    /// The last entries without an ending.
    before: VecDeque<Held>,
    /// How many more belong to the ending before them.
    after: usize,
    /// It ended, and has not said since that it serves.
    is_down: bool,
    /// Where it said so in a source that runs backwards: an ending may follow.
    back: Option<Held>,
}

impl Endings {
    /// An entry outside any request, without an ending and without a failure, passes.
    pub(super) fn pass(&mut self, place: u64, mut held: Held) {
        let Some(near) = self.near(place) else { return };
        let serves = held.record().is_some_and(serves);
        let is_back = near.is_down && serves;
        near.is_down &= !serves;
        if serves && held.order.sequence < 0 {
            shorten(&mut held);
            near.back = Some(held.clone());
        }
        if near.after > 0 || is_back {
            near.after = near.after.saturating_sub(1);
            return self.keep(held);
        }
        let bytes = held.bytes();
        if bytes > MAX_TEXT_BYTES {
            return;
        }
        near.before.push_back(held);
        let gone = if near.before.len() > BESIDE { near.before.pop_front() } else { None };
        let gone_bytes = gone.map_or(0, |gone| gone.bytes());
        self.near_bytes = (self.near_bytes + bytes).saturating_sub(gone_bytes);
        if self.near_bytes > MAX_NEAR_BYTES {
            self.near.values_mut().for_each(|near| near.before.clear());
            self.near_bytes = 0;
        }
    }

    /// An entry with an ending was read: what stands beside it stays.
    pub(super) fn end(&mut self, place: u64) {
        let Some(near) = self.near(place) else { return };
        (near.after, near.is_down) = (BESIDE, true);
        let (before, back) = (std::mem::take(&mut near.before), near.back.take());
        for held in before {
            self.near_bytes = self.near_bytes.saturating_sub(held.bytes());
            self.keep(held);
        }
        back.into_iter().for_each(|held| self.keep(held));
    }

    /// Keeps an entry.
    pub(super) fn keep(&mut self, mut held: Held) {
        shorten(&mut held);
        self.kept_bytes += held.bytes();
        if let Some(before) = self.kept.insert(held.order, held) {
            self.kept_bytes = self.kept_bytes.saturating_sub(before.bytes());
        }
        while self.kept.len() > MAX_KEPT || self.kept_bytes > MAX_KEPT_BYTES {
            let Some((_, last)) = self.kept.pop_last() else { break };
            self.kept_bytes = self.kept_bytes.saturating_sub(last.bytes());
            self.lost += 1;
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

/// Cuts the texts of an entry to what rules look at.
pub(super) fn shorten(held: &mut Held) {
    if let Body::Record(decoded) = &mut held.body {
        let (record, _) = &mut **decoded;
        for text in [&mut record.message, &mut record.error_text] {
            if text.len() > MAX_TEXT_BYTES {
                truncate(text, MAX_TEXT_BYTES);
                text.shrink_to_fit();
            }
        }
    }
}
