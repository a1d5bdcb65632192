//! Where requests are: those that are held, and of evicted healthy ones what must never be forgotten.

use hashbrown::HashMap;

use super::outcome::{Facts, Outcome, Seen};
use crate::record::Marks;

/// What is left of an evicted healthy request.
#[derive(Debug, Clone, Copy)]
pub struct Tombstone {
    /// Packed status and the time it was seen at.
    seen: Seen,
    /// Index of its route; out of range where it had none.
    pub route: u32,
    outcome: Buried,
}

/// What decided an evicted request, so that a late record meets the same facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Buried {
    Client,
    Middleware,
    Function,
    Other,
    Background,
    Aborted,
    End,
}

impl Tombstone {
    /// What is left of a request that these facts decided so.
    pub fn of(facts: &Facts, outcome: Outcome, route: u32) -> Tombstone {
        let known = [
            (Buried::Client, facts.client),
            (Buried::Other, facts.other),
            (Buried::Function, facts.function),
            (Buried::Middleware, facts.middleware),
        ];
        let first = known.into_iter().find(|(_, seen)| seen.is_something());
        let (outcome, seen) = match (outcome, first) {
            (Outcome::Aborted, Some((_, seen))) => (Buried::Aborted, seen),
            (Outcome::Aborted, None) => (Buried::Aborted, Seen::NOTHING),
            (_, Some((Buried::Client, seen))) => (Buried::Client, seen),
            _ if facts.marks.has(Marks::BACKGROUND) => (Buried::Background, Seen::NOTHING),
            (_, Some(decisive)) => decisive,
            (_, None) => (Buried::End, Seen::NOTHING),
        };
        Tombstone { seen, route, outcome }
    }

    /// The client went away.
    pub fn is_aborted(&self) -> bool {
        self.outcome == Buried::Aborted
    }

    /// The facts that a late record meets.
    pub fn facts(self) -> Facts {
        let status = self.seen.status();
        let facts =
            |status, function, marks| Facts::of(self.seen.time_ms(), status, function, Marks::END | marks);
        match self.outcome {
            Buried::Client => facts(status, None, Marks::CLIENT),
            Buried::Middleware => facts(status, None, Marks::MIDDLEWARE),
            Buried::Function => facts(None, status, Marks::default()),
            Buried::Other => facts(status, None, Marks::default()),
            Buried::Background => facts(None, None, Marks::BACKGROUND),
            Buried::Aborted => facts(status, None, Marks::CLIENT | Marks::ABORTED),
            Buried::End => facts(None, None, Marks::default()),
        }
    }
}

/// Where every request is that was ever seen.
#[derive(Debug, Clone, Default)]
pub struct Slots {
    /// Requests that are held, by key: few, so that a line finds its own without leaving the cache.
    open: HashMap<u64, u32>,
    /// Evicted ones.
    closed: HashMap<u64, Tombstone>,
}

impl Slots {
    /// The place of a request that is held.
    #[inline]
    pub fn open(&self, key: u64) -> Option<u32> {
        self.open.get(&key).copied()
    }

    /// Whether the request was ever seen.
    pub fn knows(&self, key: u64) -> bool {
        self.open.contains_key(&key) || self.closed.contains_key(&key)
    }

    /// The request is held at this place from now on; what was left of it, if it was evicted before.
    pub fn begin(&mut self, key: u64, place: u32) -> Option<Tombstone> {
        self.open.insert(key, place);
        self.closed.remove(&key)
    }

    /// The request is held no more.
    pub fn bury(&mut self, key: u64, tombstone: Tombstone) {
        self.open.remove(&key);
        self.closed.insert(key, tombstone);
    }

    /// How many requests were ever seen.
    pub fn count(&self) -> usize {
        self.open.len() + self.closed.len()
    }

    /// Those that are held, with their places, in no order.
    pub fn all_open(&self) -> impl Iterator<Item = (u64, u32)> {
        self.open.iter().map(|(key, place)| (*key, *place))
    }

    /// What is left of the others, in no order.
    pub fn tombstones(&self) -> impl Iterator<Item = &Tombstone> {
        self.closed.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_open_or_buried_and_counts_once() {
        let mut slots = Slots::default();
        assert!(slots.begin(7, 3).is_none());
        assert_eq!((slots.open(7), slots.knows(7), slots.count()), (Some(3), true, 1));
        slots.bury(7, Tombstone::of(&Facts::default(), Outcome::Succeeded(None), 5));
        assert_eq!((slots.open(7), slots.knows(7), slots.count()), (None, true, 1));
        assert_eq!(slots.tombstones().count(), 1);
        assert_eq!(slots.begin(7, 4).map(|tombstone| tombstone.route), Some(5));
        assert_eq!((slots.open(7), slots.count()), (Some(4), 1));
        assert_eq!(slots.all_open().collect::<Vec<_>>(), [(7, 4)]);
        assert_eq!((slots.open(8), slots.knows(8)), (None, false));
    }

    #[test]
    fn a_tombstone_brings_back_what_was_decided() {
        let client = Marks::CLIENT | Marks::END;
        for (time_ms, status, function, marks) in [
            (5, Some(200), None, client),
            (5, Some(499), None, client),
            (5, Some(204), Some(500), client),
            (5, Some(307), None, client | Marks::MIDDLEWARE),
            (5, None, Some(200), Marks::END),
            (5, Some(201), None, Marks::END),
            (5, None, None, Marks::BACKGROUND | Marks::END),
            (5, None, None, Marks::ABORTED | Marks::END),
            (i64::MIN, Some(200), None, client),
            (5, None, None, Marks::END),
        ] {
            let facts = Facts::of(time_ms, status, function, marks);
            let outcome = facts.outcome();
            let tombstone = Tombstone::of(&facts, outcome, 0);
            let mut back = tombstone.facts();
            assert_eq!(tombstone.is_aborted(), outcome == Outcome::Aborted);
            assert_eq!(back.outcome(), outcome, "{facts:?}");
            back.merge(&facts);
            assert_eq!(back.outcome(), outcome, "{facts:?} again");
        }
    }
}
