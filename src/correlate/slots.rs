//! Where requests are: those that are held, and of evicted healthy ones what must never be forgotten.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

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
    Edge,
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
            (Buried::Edge, facts.edge),
            (Buried::Client, facts.client),
            (Buried::Other, facts.other),
            (Buried::Function, facts.function),
            (Buried::Middleware, facts.middleware),
        ];
        let first = known.into_iter().find(|(_, seen)| seen.is_something());
        let (outcome, seen) = match (outcome, first) {
            (Outcome::Aborted, Some((_, seen))) => (Buried::Aborted, seen),
            (Outcome::Aborted, None) => (Buried::Aborted, Seen::NOTHING),
            (_, Some((which @ (Buried::Edge | Buried::Client), seen))) => (which, seen),
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
            Buried::Edge => facts(status, None, Marks::CLIENT | Marks::EDGE),
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
    /// Evicted ones with their keys, in no order, and where each is by its key. Most are never asked for again, so they
    /// are written one after the other, and what is written at random is small.
    closed: Vec<(u64, Tombstone)>,
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Slots {
    /// The place of a request that is held.
    #[inline]
    pub fn open(&self, key: u64) -> Option<u32> {
        self.open.get(&key).copied()
    }

    /// Whether the request was ever seen.
    pub fn knows(&self, key: u64) -> bool {
        let here = |place: &u32| self.closed[*place as usize].0 == key;
        self.open.contains_key(&key) || self.places.find(self.hasher.hash_one(key), here).is_some()
    }

    /// The request is held at this place from now on; what was left of it, if it was evicted before.
    pub fn begin(&mut self, key: u64, place: u32) -> Option<Tombstone> {
        self.open.insert(key, place);
        let here = |place: &u32| self.closed[*place as usize].0 == key;
        let found = self.places.find_entry(self.hasher.hash_one(key), here).ok()?;
        let (at, _) = found.remove();
        let (_, tombstone) = self.closed.swap_remove(at as usize);
        if let Some((moved, _)) = self.closed.get(at as usize) {
            // The last one took its place.
            let last = self.closed.len() as u32;
            if let Some(place) = self.places.find_mut(self.hasher.hash_one(moved), |place| *place == last) {
                *place = at;
            }
        }
        Some(tombstone)
    }

    /// These requests are held no more.
    pub fn bury(&mut self, dead: &[(u64, Tombstone)]) {
        let Slots { open, closed, places, hasher } = self;
        for (key, _) in dead {
            open.remove(key);
        }
        let first = closed.len();
        closed.extend_from_slice(dead);
        let hash = |place: &u32| hasher.hash_one(closed[*place as usize].0);
        for place in first..closed.len() {
            let place = place as u32;
            places.insert_unique(hash(&place), place, hash);
        }
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
        self.closed.iter().map(|(_, tombstone)| tombstone)
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
        slots.bury(&[(7, Tombstone::of(&Facts::default(), Outcome::Succeeded(None), 5))]);
        assert_eq!((slots.open(7), slots.knows(7), slots.count()), (None, true, 1));
        assert_eq!(slots.tombstones().count(), 1);
        assert_eq!(slots.begin(7, 4).map(|tombstone| tombstone.route), Some(5));
        assert_eq!((slots.open(7), slots.count()), (Some(4), 1));
        assert_eq!(slots.all_open().collect::<Vec<_>>(), [(7, 4)]);
        assert_eq!((slots.open(8), slots.knows(8)), (None, false));
    }

    #[test]
    fn every_grave_is_found() {
        let mut slots = Slots::default();
        let tombstone = |key: u64| Tombstone::of(&Facts::default(), Outcome::Succeeded(None), key as u32);
        for first in (0..1_000).step_by(10) {
            (first..first + 10).for_each(|key| assert!(slots.begin(key, 0).is_none()));
            let dead: Vec<_> = (first..first + 10).map(|key| (key, tombstone(key))).collect();
            slots.bury(&dead);
        }
        for key in (0..1_000).filter(|key| key % 3 == 0).chain((0..1_000).filter(|key| key % 3 != 0)) {
            assert!(slots.knows(key));
            assert_eq!(slots.begin(key, 0).map(|tombstone| tombstone.route), Some(key as u32));
            assert!(slots.knows(key));
        }
        assert_eq!((slots.count(), slots.tombstones().count()), (1_000, 0));
    }

    #[test]
    fn a_tombstone_brings_back_what_was_decided() {
        let client = Marks::CLIENT | Marks::END;
        for (time_ms, status, function, marks) in [
            (5, Some(200), None, client),
            (5, Some(499), None, client),
            (5, Some(200), None, client | Marks::EDGE),
            (5, Some(499), None, client | Marks::EDGE),
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
