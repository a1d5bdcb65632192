//! The partial: what is known of one request so far. Two partials of one request merge into what one would be that had
//! seen both: associative, commutative, idempotent. Threads, files and live windows all rest on this.

use std::sync::Arc;

use hashbrown::HashSet;

use super::budget::OPEN_BYTES;
use super::held::{Held, STORED_BYTES};
use super::line::{Fold, Line, cut, reduce};
use super::outcome::{Facts, Outcome};
use super::shared::Shared;
use super::spill::{Entries, restore};
use super::traffic::{NONE, Place};
use crate::record::ids::shown_id;
use crate::record::{CorrelationId, IdKind, Marks};

/// Bytes of undecoded entries that one request may hold; beyond it they are decoded, matched and reduced.
pub const MAX_HELD_BYTES: usize = 512 * 1024;
/// From so many entries on, repetitions are looked up in a set.
const SET_FROM: usize = 32;

/// What is known of one request.
#[derive(Debug, Clone)]
pub struct Partial {
    /// The correlation ID; None where the log has none.
    pub id: Option<String>,
    /// The weakest join that was needed.
    pub kind: IdKind,
    /// Status, marks, times.
    pub facts: Facts,
    /// Best route seen; smaller ranks are better.
    pub route: Option<(u8, Arc<str>)>,
    /// Hash of the text that the route was last made of, so that it is made once.
    pub route_seen: u64,
    /// Number of the deployment, of several the least by name; [`NONE`] without any.
    pub deployment: u32,
    /// Where the request counted before it came back; None if it was never let go.
    pub counted: Option<Place>,
    /// Second of log time in which the table looks at the request again; `i64::MAX` while it is in no queue.
    pub due_second: i64,
    held: Vec<Held>,
    held_bytes: usize,
    /// Of these bytes, those that are on disk.
    stored_bytes: usize,
    /// A bit for the identity of every entry: where it is not set, nothing has to be looked up.
    bits: u64,
    /// What few requests have.
    rare: Option<Box<Rare>>,
}

/// What a request with many entries, or one that was reduced, has beyond others. Apart, for every request that is open
/// should stay in the cache.
#[derive(Debug, Clone, Default)]
struct Rare {
    identities: Option<HashSet<u64>>,
    lines: Vec<Line>,
    lines_bytes: usize,
    /// Lines were lost.
    was_cut: bool,
    /// Other IDs of the request, whose lines it took.
    joined: Vec<CorrelationId>,
}

impl Rare {
    fn weigh(&mut self) {
        self.lines_bytes = self.lines.iter().map(Line::bytes).sum();
    }
}

/// The bit that stands for an identity.
fn bit(identity: u64) -> u64 {
    1 << (identity >> 58)
}

impl Partial {
    /// A request of which nothing is known but its ID.
    pub fn new(id: Option<&str>, kind: IdKind) -> Partial {
        Partial {
            id: id.map(str::to_owned),
            kind,
            facts: Facts::default(),
            route: None,
            route_seen: 0,
            deployment: NONE,
            counted: None,
            due_second: i64::MAX,
            held: Vec::new(),
            held_bytes: 0,
            stored_bytes: 0,
            bits: 0,
            rare: None,
        }
    }

    /// Whether this entry was taken already.
    pub fn has(&self, identity: u64) -> bool {
        self.bits & bit(identity) != 0 && self.has_indeed(identity)
    }

    fn has_indeed(&self, identity: u64) -> bool {
        match self.rare.as_deref() {
            Some(Rare { identities: Some(set), .. }) => set.contains(&identity),
            rare => {
                self.held.iter().any(|held| held.identity == identity)
                    || rare.is_some_and(|rare| rare.lines.iter().any(|line| line.identity == identity))
            }
        }
    }

    /// Takes an entry; false if it was there already (the entry that stands first in the input is kept).
    pub fn take(&mut self, mut held: Held, fold: &dyn Fold, shared: &mut Shared) -> bool {
        if self.has(held.identity) {
            let at = held.at();
            if let Some(have) =
                self.held.iter_mut().find(|have| have.identity == held.identity && at < have.at())
            {
                std::mem::swap(have, &mut held);
            } else if let Some(rare) = &mut self.rare
                && let Some(line) = rare.lines.iter_mut().find(|line| line.identity == held.identity)
            {
                line.at = line.at.min(at);
            }
            shared.release(&held);
            return false;
        }
        self.held_bytes += held.bytes();
        self.bits |= bit(held.identity);
        if let Some(Rare { identities: Some(set), .. }) = self.rare.as_deref_mut() {
            set.insert(held.identity);
        }
        self.held.push(held);
        if self.held.len() == SET_FROM + 1 {
            let Rare { identities, lines, .. } = &mut **self.rare.get_or_insert_default();
            let set = identities.get_or_insert_default();
            set.extend(self.held.iter().map(|held| held.identity));
            set.extend(lines.iter().map(|line| line.identity));
        }
        if self.held_bytes > MAX_HELD_BYTES {
            self.compact(fold, shared);
        }
        true
    }

    /// Takes what the records of an entry say.
    pub fn learn(&mut self, facts: &Facts, kind: IdKind) {
        self.facts.merge(facts);
        self.kind = self.kind.max(kind);
    }

    /// Whether a route of this rank and name would be kept.
    pub fn wants_route(&self, rank: u8, route: &str) -> bool {
        self.route.as_ref().is_none_or(|(have_rank, have)| (rank, route) < (*have_rank, have))
    }

    /// Lets the entries go; the memory stays for [`Partial::reuse`].
    pub fn close(&mut self, shared: &mut Shared) {
        self.held.drain(..).for_each(|held| shared.release(&held));
        self.rare = None;
    }

    /// Begins anew as another request, in the memory of this one, which was closed.
    pub fn reuse(&mut self, id: Option<&str>, kind: IdKind) {
        match (&mut self.id, id) {
            (Some(have), Some(id)) => {
                have.clear();
                have.push_str(id);
            }
            (have, id) => *have = id.map(str::to_owned),
        }
        self.kind = kind;
        self.facts = Facts::default();
        self.route = None;
        self.route_seen = 0;
        self.deployment = NONE;
        self.counted = None;
        self.due_second = i64::MAX;
        self.held_bytes = 0;
        self.stored_bytes = 0;
        self.bits = 0;
    }

    /// Learns another spelling of the ID; which one is shown does not depend on which came first.
    #[inline]
    pub fn spell(&mut self, id: Option<&[u8]>) {
        if let (Some(have), Some(id)) = (&mut self.id, id)
            && have.len() != id.len()
        {
            *have = shown_id(std::mem::take(have), String::from_utf8_lossy(id).into_owned());
        }
    }

    /// Joins two partials of one request, whose entries are detached.
    pub fn merge(&mut self, other: Partial, fold: &dyn Fold) {
        self.id = match (self.id.take(), other.id) {
            (Some(a), Some(b)) => Some(shown_id(a, b)),
            (a, b) => a.or(b),
        };
        self.learn(&other.facts, other.kind);
        if let Some((rank, route)) = other.route
            && self.wants_route(rank, &route)
        {
            self.route = Some((rank, route));
        }
        for held in other.held {
            self.take(held, fold, &mut Shared::default());
        }
        if let Some(other) = other.rare {
            self.add_lines(other.lines);
        }
        if let Some(rare) = &mut self.rare {
            reduce(&mut rare.lines);
        }
    }

    /// Takes what stood under another ID of the same request; the entries of both are detached. `kind`: how the IDs are
    /// tied. The route stays what it is, if it is known.
    pub fn adopt(&mut self, mut other: Partial, kind: IdKind, fold: &dyn Fold) {
        let id = self.id.take();
        let alias = other.id.take();
        if self.route.is_some() {
            other.route = None;
        }
        let more = other.rare.as_mut().map(|rare| std::mem::take(&mut rare.joined)).unwrap_or_default();
        self.merge(other, fold);
        self.kind = self.kind.max(kind);
        let Some(id) = id else {
            self.id = alias;
            return;
        };
        self.id = Some(id);
        let alias = alias.map(|text| CorrelationId { text, kind });
        self.rare.get_or_insert_default().joined.extend(alias.into_iter().chain(more));
    }

    /// Other IDs of the request, whose lines it took, in order.
    pub fn aliases(&self) -> Vec<CorrelationId> {
        let mut aliases = self.rare.as_deref().map(|rare| rare.joined.clone()).unwrap_or_default();
        aliases.sort_by(|a, b| a.text.cmp(&b.text));
        aliases
    }

    fn add_lines(&mut self, lines: Vec<Line>) {
        self.bits |= lines.iter().fold(0, |bits, line| bits | bit(line.identity));
        let rare = self.rare.get_or_insert_default();
        if let Some(set) = &mut rare.identities {
            set.extend(lines.iter().map(|line| line.identity));
        }
        rare.lines.extend(lines);
    }

    /// Decodes and matches what is held, and keeps what can matter. Nothing is dropped before signals were
    /// looked for in it.
    pub fn compact(&mut self, fold: &dyn Fold, shared: &mut Shared) {
        if !self.held.is_empty() {
            self.detach(shared);
            restore(&mut self.held);
            let lines = fold.lines(std::mem::take(&mut self.held));
            for line in &lines {
                let record = &line.record;
                self.facts.merge(&Facts::of(
                    line.order.time_ms,
                    record.status,
                    record.function_status,
                    record.marks,
                ));
            }
            self.add_lines(lines);
            self.held_bytes = 0;
            self.stored_bytes = 0;
        }
        if let Some(rare) = &mut self.rare {
            reduce(&mut rare.lines);
            rare.weigh();
        }
    }

    /// Bytes that the request takes, roughly.
    #[inline]
    pub fn bytes(&self) -> usize {
        OPEN_BYTES + self.movable_bytes()
    }

    /// Bytes of its entries, those that are on disk aside, and of its lines.
    #[inline]
    pub fn movable_bytes(&self) -> usize {
        self.held_bytes.saturating_sub(self.stored_bytes)
            + self.rare.as_deref().map_or(0, |rare| rare.lines_bytes)
    }

    /// Puts its entries away that are not yet.
    pub fn store(&mut self, entries: &Arc<Entries>, shared: &mut Shared) {
        self.detach(shared);
        for held in &mut self.held {
            let before = held.bytes();
            // What is small is not worth a place on disk.
            if before > 2 * STORED_BYTES && entries.put(held) {
                self.stored_bytes += before - STORED_BYTES;
            }
        }
    }

    /// Keeps a few decisive lines of those that it was reduced to; whether any was lost.
    pub fn cut(&mut self) -> bool {
        let Some(rare) = self.rare.as_deref_mut() else { return false };
        let had = std::mem::replace(&mut rare.was_cut, true);
        let lost = cut(&mut rare.lines);
        rare.was_cut = had || lost;
        rare.weigh();
        lost && !had
    }

    /// Makes sure that the facts decide. Most glances do not read messages, where crashes and timeouts stand; they
    /// matter only while no client-visible status is known, so only then the entries are decoded for them.
    pub fn settle(&mut self, fold: &dyn Fold, shared: &mut Shared) {
        let undecided = !self.facts.client.is_something() && !self.facts.marks.has(Marks::BACKGROUND);
        if undecided && self.held.iter().any(Held::is_unread) {
            self.compact(fold, shared);
        }
    }

    /// Keeps the request's own entries alive and nothing of their batches: it is going to stay.
    pub fn detach(&mut self, shared: &mut Shared) {
        self.held.iter_mut().for_each(|held| shared.detach(held));
    }

    /// Its entries, with bytes of their own, and those that were decoded already.
    pub fn entries(&mut self, shared: &mut Shared) -> (Vec<Held>, &[Line]) {
        self.detach(shared);
        (self.held.clone(), self.rare.as_deref().map_or(&[], |rare| &rare.lines))
    }

    /// How the request ended, as far as is known.
    pub fn outcome(&self) -> Outcome {
        self.facts.outcome()
    }

    /// Every line that is held, and the request with the facts that they complete. Only what a very large request
    /// let go of is missing.
    pub fn open(mut self, fold: &dyn Fold) -> (Partial, Vec<Line>) {
        restore(&mut self.held);
        let mut lines = fold.lines(self.held.clone());
        lines.extend(self.rare.iter().flat_map(|rare| rare.lines.iter().cloned()));
        lines.sort_by(|a, b| a.order.cmp(&b.order).then(a.at.cmp(&b.at)));
        let mut seen = HashSet::new();
        lines.retain(|line| seen.insert(line.identity));
        self.compact(fold, &mut Shared::default());
        (self, lines)
    }

    /// The lines of a request that is not going to change, and whose entries are detached.
    pub fn into_lines(mut self, fold: &dyn Fold) -> Vec<Line> {
        self.compact(fold, &mut Shared::default());
        self.rare.map(|rare| rare.lines).unwrap_or_default()
    }
}
