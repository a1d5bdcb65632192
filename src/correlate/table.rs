//! The table of requests: entries in, requests out, in memory that the requests in flight determine.
//!
//! A terminal record makes a request evictable. It is evicted when the watermark (the least log time that any source
//! may still bring) has passed its end by the horizon. Of an evicted healthy request a tombstone stays, so a late record
//! neither counts twice nor vanishes; failed requests stay to the end. Never is anything evicted by distance. Where all
//! sources run newest first the same holds in the mirror: the watermark is the greatest log time that may still come.

mod alone;
mod endings;
mod evict;
mod finish;
mod glance;
mod join;
mod keys;
mod loose;
mod place;
mod relief;
mod routes;
mod started;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashMap};

use self::endings::Endings;
pub use self::evict::{HORIZON_MS, IDLE_MS};
use self::evict::{due_second, may_hasten};
pub use self::finish::Requests;
use self::keys::{is_own_completion, neighbours_key, own_place, source_key, stream_key};
use self::loose::Loose;
pub use self::relief::Losses;
pub use self::routes::{MAX_ROUTES, OTHER, OTHER_PLACE};
use self::routes::{Names, RouteText};
use self::started::Started;
use super::aliases::Aliases;
use super::attach::{Brackets, Neighbours, Place, stands_below};
use super::budget::{Budget, OPEN_BYTES, TOMBSTONE_BYTES};
use super::held::{Held, Order, identity};
use super::last_words::ends_process;
use super::line::Fold;
use super::outcome::Facts;
use super::partial::Partial;
use super::shared::Shared;
use super::slots::{Slots, Tombstone};
use super::spill::Entries;
use super::spill::graves::Graves;
use super::traffic::{Counts, NONE, Sample};
use super::wanted::Wanted;
use crate::format::text_parts::thread_of;
use crate::record::ids::id_key;
use crate::record::{IdKind, Level, Marks, Position, Record};

/// The source that an entry comes from, as far as order matters.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Name of the source.
    pub name: &'a str,
    /// The source runs newest first.
    pub backwards: bool,
    /// The stream of its entries that name none.
    stream: u64,
}

impl<'a> Origin<'a> {
    /// The source of this name.
    pub fn new(name: &'a str, backwards: bool) -> Origin<'a> {
        Origin { name, backwards, stream: source_key(name) }
    }

    /// The same source, its direction being known.
    pub fn running(self, backwards: bool) -> Origin<'a> {
        Origin { backwards, ..self }
    }
}

/// Names that an entry gives its request.
struct Named<'a> {
    route: Option<RouteText<'a>>,
    deployment: Option<&'a [u8]>,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// New.
    New,
    /// An event with this ID was there already.
    Duplicate,
    /// It belongs to no request.
    Unattributed,
}

/// The table.
#[derive(Clone)]
pub struct Correlator<'f> {
    fold: &'f dyn Fold,
    slots: Slots,
    shared: Shared,
    open: Vec<Partial>,
    free: Vec<u32>,
    /// Requests that are about to be buried.
    dead: Vec<(u64, Tombstone)>,
    /// Requests to look at again, by the second in which that is due. Buckets, because nearly everything is due in
    /// the order in which it was queued.
    due: BTreeMap<i64, Vec<u64>>,
    /// All sources run newest first: time is counted backwards.
    back: bool,
    streams: HashMap<u64, Brackets>,
    /// Any stream of a platform that serves one request at a time was seen.
    bracketed: bool,
    neighbours: HashMap<u64, Neighbours>,
    /// Starts of requests without an ID.
    started: Started,
    /// For the name of a stream, so that it is allocated once.
    scratch: Vec<u8>,
    /// For the bytes of frames; what it says shows nowhere.
    hasher: DefaultHashBuilder,
    routes: Names,
    deployments: Names,
    /// The deployment of the last entry that named one.
    last_deployment: u32,
    /// Requests that were let go, and at the end all.
    counts: Counts,
    /// Of these, those that were counted where they were seen, see `alone.rs`.
    alone: u64,
    /// Of those that were let go, clients that left, and those with neither status nor end.
    aborted: u64,
    incomplete: u64,
    sample: Sample,
    budget: Budget,
    /// Where entries go for which there is no room.
    entries: Option<Arc<Entries>>,
    /// Where tombstones go for which there is no room, and how many requests are there.
    graves: Option<Graves>,
    stored: u64,
    losses: Losses,
    fallback: HashMap<u64, (i64, u64, bool)>,
    last_own: Option<(Position, u64)>,
    unattributed: u64,
    /// Of these the first that tell of a failure.
    outside: BTreeMap<Order, Held>,
    /// And those that tell that a process ended.
    endings: Endings,
    /// Of these the events with an ID.
    left: hashbrown::HashSet<u64>,
    window_ms: Option<(i64, i64)>,
    wanted: Option<Wanted>,
    aliases: Aliases,
    /// Of the sample those that were merged with another request: what it holds of them is as it stays.
    joined: hashbrown::HashSet<u64>,
    /// Errors that stand beside no completion and wait for the end of the input.
    loose: Loose,
}

impl<'f> Correlator<'f> {
    /// An empty table. `fold` decodes and matches what has to be reduced.
    pub fn new(fold: &'f dyn Fold) -> Correlator<'f> {
        Correlator {
            fold,
            slots: Slots::default(),
            shared: Shared::default(),
            open: Vec::new(),
            free: Vec::new(),
            dead: Vec::new(),
            due: BTreeMap::new(),
            back: false,
            streams: HashMap::new(),
            bracketed: false,
            neighbours: HashMap::new(),
            started: Started::default(),
            scratch: Vec::new(),
            hasher: DefaultHashBuilder::default(),
            routes: Names::default(),
            deployments: Names::default(),
            last_deployment: NONE,
            counts: Counts::default(),
            alone: 0,
            aborted: 0,
            incomplete: 0,
            sample: Sample::default(),
            budget: Budget::new(None),
            entries: None,
            graves: None,
            stored: 0,
            losses: Losses::default(),
            fallback: HashMap::new(),
            last_own: None,
            unattributed: 0,
            outside: BTreeMap::new(),
            endings: Endings::default(),
            left: hashbrown::HashSet::new(),
            window_ms: None,
            wanted: None,
            aliases: Aliases::default(),
            joined: hashbrown::HashSet::new(),
            loose: Loose::default(),
        }
    }

    /// Keeps a request that is asked for to the end, whatever becomes of it.
    pub fn keep(mut self, wanted: Wanted) -> Correlator<'f> {
        self.wanted = Some(wanted);
        self
    }

    /// Takes no more memory than this, roughly; what does not fit goes to files in `spill_dir`, without one it is done
    /// without, see [`Losses`].
    pub fn within(mut self, memory_bytes: Option<usize>, spill_dir: Option<&Path>) -> Correlator<'f> {
        self.budget = Budget::new(memory_bytes);
        self.entries = spill_dir.map(|dir| Arc::new(Entries::new(dir)));
        self.graves = spill_dir.map(|dir| Graves::new(dir, self.budget.filters_bytes()));
        self
    }

    /// All sources run newest first: from now on time is counted backwards, in [`Correlator::advance`] too. To be called
    /// before any entry is taken.
    pub fn run_back(&mut self) {
        self.back = true;
    }

    /// Whether a request under this key was ever seen, and not forgotten.
    fn knows(&self, key: u64) -> bool {
        self.slots.knows(key) || self.graves.as_ref().is_some_and(|graves| graves.knows(key))
    }

    fn is_wanted(&self, key: u64) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| wanted.is(key))
    }

    /// Takes a decoded record. `brackets`: its platform serves one request at a time in a stream.
    pub fn record(
        &mut self,
        mut record: Record,
        format: &'static str,
        origin: Origin<'_>,
        brackets: bool,
    ) -> Taken {
        self.by_start(&mut record, origin);
        self.take_record(record, format, origin, brackets)
    }

    fn take_record(
        &mut self,
        record: Record,
        format: &'static str,
        origin: Origin<'_>,
        brackets: bool,
    ) -> Taken {
        self.see_time(record.time_ms);
        let stream = stream_key(&record, origin);
        if let Some(id) = record.id.clone() {
            let key = id_key(id.text.as_bytes());
            let open = if brackets { self.amid(stream, key, record.marks) } else { None };
            return match open {
                Some(open) => self.attach(open, IdKind::Order, record, format, origin),
                None => self.identified(key, Some(&id.text), id.kind, record, format, origin, brackets),
            };
        }
        let neighbours = neighbours_key(stream, format, origin);
        if record.marks.has(Marks::ECHO)
            && let Some(key) = neighbours.and_then(|key| self.neighbours(key).echoed(&record))
        {
            return self.attach(key, IdKind::Order, record, format, origin);
        }
        let is_servers = record.payload == "access-log";
        if is_servers
            && record.status >= Some(500)
            && let Some(key) = neighbours.and_then(|key| self.neighbours(key).told(&record))
        {
            return self.attach(key, IdKind::Order, record, format, origin);
        }
        // Amid a request of a platform that serves one at a time, a line of words about it is its own.
        let is_amid = brackets
            && matches!(
                self.brackets(stream).place(&record, true, origin.backwards),
                Some(Place::Request(_))
            );
        let own = if is_amid { None } else { self.own_key(&record, origin) };
        if let Some(key) = own {
            // An object may only have been glanced at.
            let told = !is_servers && record.payload != "json" && is_own_completion(&record);
            if let Some(neighbours) = neighbours.filter(|_| told) {
                self.neighbours(neighbours).tell(key, &record);
            }
            return self.identified(key, None, IdKind::Fallback, record, format, origin, brackets);
        }
        let place = self.brackets(stream).place(&record, brackets, origin.backwards);
        let place = match (place, neighbours) {
            (Some(place), _) => place,
            (None, Some(key)) if stands_below(&record) && !origin.backwards => self.neighbours(key).below(),
            (None, Some(key)) => self.neighbours(key).place(&record),
            (None, None) => Place::Nowhere,
        };
        match place {
            Place::Request(key) => {
                if let Some(neighbours) = neighbours {
                    self.neighbours(neighbours).attached(key, &record);
                }
                self.attach(key, IdKind::Order, record, format, origin)
            }
            Place::Own => {
                let key = own_place(&record, origin);
                if let Some(neighbours) = neighbours {
                    self.neighbours(neighbours).attached(key, &record);
                }
                self.attach(key, IdKind::Fallback, record, format, origin)
            }
            Place::WaitsForStart => {
                if let Some((late, format)) = self.brackets(stream).wait(record, format) {
                    self.left_over(late, format, origin);
                }
                Taken::New
            }
            Place::WaitsForFailure => {
                if ends_process(&record) {
                    neighbours.into_iter().for_each(|near| self.endings.end(near));
                }
                let late = neighbours.and_then(|key| self.neighbours(key).wait(record, format));
                if let Some((late, format)) = late {
                    self.left_over(late, format, origin);
                }
                Taken::New
            }
            Place::Nowhere => {
                let said = neighbours
                    .filter(|_| record.level >= Some(Level::Error) && thread_of(&record.message).is_some())
                    .map(|key| (key, record.clone()));
                let before = self.unattributed;
                let new = self.leave(record, format, origin);
                // One that waits for the end of the input is not left.
                if let Some((key, record)) = said.filter(|_| self.unattributed > before) {
                    self.neighbours(key).say(&record, format);
                }
                if new { Taken::Unattributed } else { Taken::Duplicate }
            }
        }
    }

    fn put_record(
        &mut self,
        key: u64,
        id: Option<&str>,
        kind: IdKind,
        mut record: Record,
        format: &'static str,
        origin: Origin<'_>,
    ) -> bool {
        self.claim_all(key, &std::mem::take(&mut record.also));
        let order = Order::new(record.time_ms, record.at, origin.backwards);
        self.loose.note_answer(key, &record, order, &mut self.budget);
        self.put_in_order(key, id, kind, record, format, order)
    }

    fn put_in_order(
        &mut self,
        key: u64,
        id: Option<&str>,
        kind: IdKind,
        record: Record,
        format: &'static str,
        order: Order,
    ) -> bool {
        let facts = Facts::of(order.time_ms, record.status, record.function_status, record.marks);
        let identity = identity(&record);
        let (template, path) = (record.route.clone(), record.path.clone());
        let (template, path) = (template.as_ref().map(String::as_bytes), path.as_ref().map(String::as_bytes));
        let route = RouteText::of(template, path, record.marks);
        let deployment = record.deployment.clone();
        let names = Named { route, deployment: deployment.as_ref().map(String::as_bytes) };
        let held = Held::of_record(identity, order, record, format);
        self.put(key, id.map(str::as_bytes), kind, &facts, names, held)
    }

    fn put(
        &mut self,
        key: u64,
        id: Option<&[u8]>,
        kind: IdKind,
        facts: &Facts,
        names: Named<'_>,
        held: Held,
    ) -> bool {
        if let Some(wanted) = &mut self.wanted {
            wanted.see_place(key, held.at());
        }
        let index = match self.slots.open(key) {
            Some(index) => index,
            None => self.open(key, id, kind),
        };
        let Some(partial) = self.open.get_mut(index as usize) else { return false };
        if partial.id.is_none() {
            partial.id = id.map(|id| String::from_utf8_lossy(id).into_owned());
        }
        partial.spell(id);
        partial.learn(facts, kind);
        if let Some(deployment) = names.deployment {
            self.last_deployment = self.deployments.number(deployment, self.last_deployment);
            if self.last_deployment != partial.deployment {
                partial.deployment = self.deployments.least(self.last_deployment, partial.deployment);
            }
        }
        if let Some(route) = names.route
            && partial.route_seen != route.hash
        {
            partial.route_seen = route.hash;
            if let Some(name) = self.routes.route(route, |name| partial.wants_route(route.rank, name)) {
                partial.route = Some((route.rank, name));
            }
        }
        if partial.due_second == i64::MAX || may_hasten(facts, self.back) {
            let second = due_second(&partial.facts, self.back);
            if second < partial.due_second {
                partial.due_second = second;
                self.due.entry(second).or_default().push(key);
            }
        }
        let before = partial.bytes();
        let new = partial.take(held, self.fold, &mut self.shared);
        self.budget.change(before, partial.bytes());
        if self.budget.is_over() {
            self.relieve();
        }
        if self.shared.bytes() > self.budget.batches_bytes {
            self.leave_batches();
        }
        new
    }

    /// Opens a request, or one that was evicted once more.
    fn open(&mut self, key: u64, id: Option<&[u8]>, kind: IdKind) -> u32 {
        let id = id.map(String::from_utf8_lossy);
        if let (Some(wanted), Some(id)) = (&mut self.wanted, &id) {
            wanted.see(key, id);
        }
        let index = self.begin(id.as_deref(), kind);
        self.budget.change(0, OPEN_BYTES);
        let buried = match self.slots.begin(key, index) {
            Some(tombstone) => {
                self.budget.change(TOMBSTONE_BYTES, 0);
                Some(tombstone)
            }
            None => {
                let found = self.graves.as_mut().and_then(|graves| graves.find(key));
                self.stored -= u64::from(found.is_some());
                found
            }
        };
        if let (Some(tombstone), Some(partial)) = (buried, self.open.get_mut(index as usize)) {
            // A late record: what was decided comes back, so that it can only be corrected, not forgotten.
            partial.facts = tombstone.facts();
            partial.counted = self.counts.take_back(tombstone.cell);
            let (route, deployment) =
                partial.counted.map_or((NONE, NONE), |place| (place.route, place.deployment));
            partial.route = self.routes.name(route).map(|name| (tombstone.route_rank(), name));
            partial.deployment = deployment;
            self.aborted -= u64::from(tombstone.is_aborted());
            self.incomplete -= u64::from(tombstone.is_incomplete());
        }
        index
    }

    /// A place for a new request.
    fn begin(&mut self, id: Option<&str>, kind: IdKind) -> u32 {
        if let Some(index) = self.free.pop() {
            if let Some(partial) = self.open.get_mut(index as usize) {
                partial.reuse(id, kind);
            }
            return index;
        }
        self.open.push(Partial::new(id, kind));
        (self.open.len() - 1) as u32
    }

    fn see_time(&mut self, time_ms: Option<i64>) {
        if let Some(at) = time_ms {
            self.window_ms = Some(self.window_ms.map_or((at, at), |(from, to)| (from.min(at), to.max(at))));
        }
    }
}
