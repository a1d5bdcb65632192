//! Where requests are: those that are held, and of evicted healthy ones what must never be forgotten.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::outcome::{Facts, Latest, Outcome, Seen};
use crate::record::Marks;

/// What is left of an evicted healthy request.
#[derive(Debug, Clone, Copy)]
pub struct Tombstone {
    /// Packed status and the time it was seen at.
    seen: Seen,
    /// Number of the cell of [`super::traffic::Counts`] that counts it.
    pub cell: u32,
    outcome: Buried,
    /// Rank of its route, see [`super::table`].
    rank: u8,
    /// The last attempt began after all that may still come.
    started: bool,
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
    /// Let go before its time, with neither status nor end.
    Incomplete,
}

/// All of them, by their number in a file.
const BURIED: [Buried; 9] = [
    Buried::Edge,
    Buried::Client,
    Buried::Middleware,
    Buried::Function,
    Buried::Other,
    Buried::Background,
    Buried::Aborted,
    Buried::End,
    Buried::Incomplete,
];

/// How the last byte of a tombstone in a file is shared: what decided, half the rank of the route, whether it started.
const DECIDED: u8 = 0xf;
const RANK_SHIFT: u32 = 4;
const RANKS: u8 = 3;
const STARTED: u8 = 1 << 7;

/// Bytes of a tombstone in a file.
pub const GRAVE_CONTENT_BYTES: usize = 13;

impl Tombstone {
    /// What is left of a request that these facts decided so, and that this cell counts.
    pub fn of(facts: &Facts, outcome: Outcome, cell: u32) -> Tombstone {
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
            (Outcome::Incomplete, _) => {
                let last_ms = facts.span.ends_ms().map(|(_, last_ms)| last_ms);
                (Buried::Incomplete, last_ms.map_or(Seen::NOTHING, |at| Seen::at(at, 0)))
            }
            (Outcome::Aborted, None) => (Buried::Aborted, Seen::NOTHING),
            (_, Some((which @ (Buried::Edge | Buried::Client), seen))) => (which, seen),
            _ if facts.marks.has(Marks::BACKGROUND) => (Buried::Background, Seen::NOTHING),
            (_, Some(decisive)) => decisive,
            (_, None) => (Buried::End, Seen::NOTHING),
        };
        Tombstone { seen, cell, outcome, rank: 0, started: false }
    }

    /// The same of a request whose route has this rank.
    pub fn with_route_rank(self, rank: u8) -> Tombstone {
        Tombstone { rank, ..self }
    }

    /// The same where all that may still come is older than what was seen. A break in it was survived if the request began
    /// once more afterwards.
    pub fn with_start(mut self, facts: &Facts) -> Tombstone {
        self.started = facts.start != Latest::NEVER && facts.start <= facts.end;
        if let (true, Buried::End, Some(start_ms)) = (self.started, self.outcome, facts.start.time_ms()) {
            self.seen = Seen::at(start_ms, 0);
        }
        self
    }

    /// Rank of the request's route.
    pub fn route_rank(self) -> u8 {
        self.rank
    }

    /// The client went away.
    pub fn is_aborted(&self) -> bool {
        self.outcome == Buried::Aborted
    }

    /// Neither status nor end.
    pub fn is_incomplete(&self) -> bool {
        self.outcome == Buried::Incomplete
    }

    /// As it stands in a file.
    pub fn to_bytes(self) -> [u8; GRAVE_CONTENT_BYTES] {
        let mut bytes = [0; GRAVE_CONTENT_BYTES];
        bytes[..8].copy_from_slice(&self.seen.to_bits().to_le_bytes());
        bytes[8..12].copy_from_slice(&self.cell.to_le_bytes());
        let started = if self.started { STARTED } else { 0 };
        bytes[12] = self.outcome as u8 | (self.rank / 2).min(RANKS) << RANK_SHIFT | started;
        bytes
    }

    /// As it was written.
    pub fn from_bytes(bytes: [u8; GRAVE_CONTENT_BYTES]) -> Tombstone {
        let [s0, s1, s2, s3, s4, s5, s6, s7, c0, c1, c2, c3, rest] = bytes;
        Tombstone {
            seen: Seen::from_bits(i64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7])),
            cell: u32::from_le_bytes([c0, c1, c2, c3]),
            outcome: BURIED.get(usize::from(rest & DECIDED)).copied().unwrap_or(Buried::End),
            rank: (rest >> RANK_SHIFT & RANKS) * 2,
            started: rest & STARTED != 0,
        }
    }

    /// The facts that a late record meets.
    pub fn facts(self) -> Facts {
        if self.outcome == Buried::Incomplete {
            return Facts::of(self.seen.time_ms(), None, None, Marks::default());
        }
        let status = self.seen.status();
        let ends = if self.started { Marks::END | Marks::START } else { Marks::END };
        let facts = |status, function, marks| Facts::of(self.seen.time_ms(), status, function, ends | marks);
        match self.outcome {
            Buried::Edge => facts(status, None, Marks::CLIENT | Marks::EDGE),
            Buried::Client => facts(status, None, Marks::CLIENT),
            Buried::Middleware => facts(status, None, Marks::MIDDLEWARE),
            Buried::Function => facts(None, status, Marks::default()),
            Buried::Other => facts(status, None, Marks::default()),
            Buried::Background => facts(None, None, Marks::BACKGROUND),
            Buried::Aborted => facts(status, None, Marks::CLIENT | Marks::ABORTED),
            Buried::End | Buried::Incomplete => facts(None, None, Marks::default()),
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

    /// A request that is held is none any more: it was merged with another one.
    pub fn leave(&mut self, key: u64) {
        self.open.remove(&key);
    }

    /// How many of them are held no more.
    pub fn buried(&self) -> usize {
        self.closed.len()
    }

    /// Takes so many of those that are held no more out, the least by age and key.
    pub fn take_oldest(&mut self, count: usize, age: impl Fn(&Tombstone) -> i64) -> Vec<(u64, Tombstone)> {
        let Slots { closed, places, hasher, .. } = self;
        if (1..closed.len()).contains(&count) {
            closed.select_nth_unstable_by_key(count, |(key, tombstone)| (age(tombstone), *key));
        }
        let taken = closed.drain(..count.min(closed.len())).collect();
        let hash = |place: &u32| hasher.hash_one(closed[*place as usize].0);
        places.clear();
        for place in 0..closed.len() as u32 {
            places.insert_unique(hash(&place), place, hash);
        }
        taken
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
        assert_eq!(slots.begin(7, 4).map(|tombstone| tombstone.cell), Some(5));
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
            assert_eq!(slots.begin(key, 0).map(|tombstone| tombstone.cell), Some(key as u32));
            assert!(slots.knows(key));
        }
        assert_eq!((slots.count(), slots.tombstones().count()), (1_000, 0));
    }

    /// Whoever chooses IDs can make their hashes end alike.
    #[test]
    fn keys_that_end_alike_cost_what_others_cost() {
        let time = |key: fn(u64) -> u64| {
            let begin = std::time::Instant::now();
            let mut slots = Slots::default();
            for number in 0..200_000 {
                slots.begin(key(number), 0);
                slots.bury(&[(key(number), Tombstone::of(&Facts::default(), Outcome::Succeeded(None), 0))]);
            }
            assert!((0..200_000).all(|number| slots.knows(key(number))));
            begin.elapsed()
        };
        let spread = time(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for (bits, alike) in [("low", time(|number| number << 40)), ("high", time(|number| number))] {
            // A chain of so many would take minutes.
            println!("equal {bits} bits: {alike:?}, spread: {spread:?}");
            assert!(alike < spread * 20 + std::time::Duration::from_secs(1), "{bits}: {alike:?}, {spread:?}");
        }
    }

    #[test]
    fn the_oldest_can_be_taken_out() {
        let mut slots = Slots::default();
        let tombstone = |cell: u32| Tombstone::of(&Facts::default(), Outcome::Succeeded(None), cell);
        slots.bury(&(0..100u32).map(|key| (u64::from(key), tombstone(100 - key))).collect::<Vec<_>>());
        let age = |tombstone: &Tombstone| i64::from(tombstone.cell);
        let mut taken: Vec<u64> = slots.take_oldest(30, age).into_iter().map(|(key, _)| key).collect();
        taken.sort_unstable();
        assert_eq!(taken, (70..100).collect::<Vec<_>>());
        assert!((0..100).all(|key| slots.knows(key) == (key < 70)));
        assert_eq!((slots.take_oldest(500, age).len(), slots.buried()), (70, 0));
    }

    #[test]
    fn a_start_tells_what_an_older_break_was() {
        for (status, marks) in [(None, Marks::default()), (Some(200), Marks::default())] {
            let mut facts = Facts::of(100, None, None, Marks::START);
            facts.merge(&Facts::of(110, status, None, Marks::END | marks));
            let whole = Tombstone::of(&facts, facts.outcome(), 7).with_route_rank(6).with_start(&facts);
            assert_eq!(Tombstone::from_bytes(whole.to_bytes()).facts(), whole.facts());
            assert_eq!(Tombstone::from_bytes(whole.to_bytes()).route_rank(), 6);
            for (at_ms, failed) in [(50, false), (150, true)] {
                let broke = Facts::of(at_ms, None, None, Marks::CRASH);
                for mut all in [facts.clone(), whole.facts()] {
                    all.merge(&broke);
                    assert_eq!(all.outcome() == Outcome::Failed(None), failed, "{status:?} {at_ms} {all:?}");
                }
            }
        }
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
            (5, None, None, Marks::START),
        ] {
            let facts = Facts::of(time_ms, status, function, marks);
            let outcome = facts.outcome();
            let tombstone = Tombstone::of(&facts, outcome, 7);
            let mut back = tombstone.facts();
            assert_eq!(tombstone.is_aborted(), outcome == Outcome::Aborted);
            assert_eq!(back.outcome(), outcome, "{facts:?}");
            back.merge(&facts);
            assert_eq!(back.outcome(), outcome, "{facts:?} again");
            let read = Tombstone::from_bytes(tombstone.to_bytes());
            assert_eq!((read.facts(), read.cell), (tombstone.facts(), 7));
        }
    }
}
