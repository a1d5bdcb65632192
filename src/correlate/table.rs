//! The table of requests: entries in, requests out, in memory that the requests in flight determine.
//!
//! A terminal record makes a request evictable. It is evicted when the watermark (the least log time that any source
//! may still bring) has passed its end by the horizon. Of an evicted healthy request a tombstone stays, so a late record
//! neither counts twice nor vanishes; failed requests stay to the end. Never is anything evicted by distance.

mod evict;
mod finish;
mod keys;
mod routes;

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_64;

use self::evict::due_second;
pub use self::evict::{HORIZON_MS, IDLE_MS};
pub use self::finish::Requests;
use self::keys::{neighbours_key, place_key, stream_key};
pub use self::routes::MAX_ROUTES;
use self::routes::{RouteText, Routes};
use super::attach::{Brackets, Neighbours, Place, tells_of_failure};
use super::held::{FrameRef, Held, Order, event_identity, identity};
use super::line::Fold;
use super::outcome::{Facts, Latest};
use super::partial::Partial;
use super::shared::Shared;
use super::slots::{Slots, Tombstone};
use super::wanted::Wanted;
use crate::record::{Brief, IdKind, Marks, Position, Record};

/// Records that tell of a failure and belong to no request: how many are kept.
const MAX_OUTSIDE: usize = 64;

/// The source that an entry comes from, as far as order matters.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Name of the source.
    pub name: &'a str,
    /// The source runs newest first.
    pub backwards: bool,
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
    streams: HashMap<u64, Brackets>,
    neighbours: HashMap<u64, Neighbours>,
    routes: Routes,
    fallback: HashMap<u64, (i64, u64, bool)>,
    last_own: Option<(Position, u64)>,
    unattributed: u64,
    /// Of these the first that tell of a failure.
    outside: BTreeMap<Order, Held>,
    /// Of these the events with an ID.
    left: hashbrown::HashSet<u64>,
    window_ms: Option<(i64, i64)>,
    wanted: Option<Wanted>,
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
            streams: HashMap::new(),
            neighbours: HashMap::new(),
            routes: Routes::default(),
            fallback: HashMap::new(),
            last_own: None,
            unattributed: 0,
            outside: BTreeMap::new(),
            left: hashbrown::HashSet::new(),
            window_ms: None,
            wanted: None,
        }
    }

    /// Keeps a request that is asked for to the end, whatever becomes of it.
    pub fn keep(mut self, wanted: Wanted) -> Correlator<'f> {
        self.wanted = Some(wanted);
        self
    }

    fn is_wanted(&self, key: u64) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| wanted.is(key))
    }

    /// Takes a frame that was only glanced at.
    pub fn glance(
        &mut self,
        brief: &Brief<'_>,
        at: Position,
        frame: FrameRef<'_>,
        origin: Origin<'_>,
    ) -> Taken {
        let key = xxh3_64(brief.id);
        let order = Order::new(brief.time_ms, at, origin.backwards);
        let facts = Facts::of(order.time_ms, brief.status, brief.function_status, brief.marks);
        self.see_time(brief.time_ms);
        let identity = match brief.event_id {
            Some(id) => event_identity(id),
            None => xxh3_64(frame.bytes()),
        };
        let route = RouteText::of(brief.route, brief.path, brief.marks);
        let held = Held { identity, order, line: at.line, body: self.shared.hold(frame) };
        let new = self.put(key, Some(brief.id), IdKind::Request, &facts, route, held);
        if new || brief.event_id.is_none() { Taken::New } else { Taken::Duplicate }
    }

    /// Takes a decoded record. `brackets`: its platform serves one request at a time in a stream.
    pub fn record(
        &mut self,
        record: Record,
        format: &'static str,
        origin: Origin<'_>,
        brackets: bool,
    ) -> Taken {
        self.see_time(record.time_ms);
        let stream = stream_key(&record, origin);
        if let Some(id) = record.id.clone() {
            let key = xxh3_64(id.text.as_bytes());
            let open = self.brackets(stream).only_open().filter(|open| brackets && *open != key);
            return match open {
                // An ID never seen, amid the lines of a stream that serves one request at a time, is of something
                // else that the open request logs.
                Some(open) if !record.marks.has(Marks::START | Marks::END) && !self.slots.knows(key) => {
                    self.attach(open, IdKind::Order, record, format, origin)
                }
                _ => self.identified(key, Some(&id.text), id.kind, record, format, origin, brackets),
            };
        }
        if let Some(key) = self.own_key(&record, origin) {
            return self.identified(key, None, IdKind::Fallback, record, format, origin, brackets);
        }
        let neighbours = neighbours_key(stream, format, origin);
        let place = self.brackets(stream).place(&record, brackets, origin.backwards);
        let place = match (place, neighbours) {
            (Some(place), _) => place,
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
                let key = place_key(origin.name, record.at);
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
                let late = neighbours.and_then(|key| self.neighbours(key).wait(record, format));
                if let Some((late, format)) = late {
                    self.left_over(late, format, origin);
                }
                Taken::New
            }
            Place::Nowhere if self.leave(record, format, origin) => Taken::Unattributed,
            Place::Nowhere => Taken::Duplicate,
        }
    }

    /// Takes a record of a known request, and the lines that waited for it.
    #[expect(clippy::too_many_arguments, reason = "the parts of one record's way, each from another place")]
    fn identified(
        &mut self,
        key: u64,
        id: Option<&str>,
        kind: IdKind,
        record: Record,
        format: &'static str,
        origin: Origin<'_>,
        brackets: bool,
    ) -> Taken {
        let stream = stream_key(&record, origin);
        let neighbours = neighbours_key(stream, format, origin).filter(|_| record.marks.has(Marks::CLIENT));
        let failed = record.status.is_some_and(|code| code >= 500);
        let has_event = record.event_id.is_some();
        let mut freed = self.brackets(stream).identified(key, record.marks, brackets, origin.backwards);
        if let Some(neighbours) = neighbours {
            freed.extend(self.neighbours(neighbours).completed(key, failed));
        }
        let new = self.put_record(key, id, kind, record, format, origin);
        for (waiting, format) in freed {
            self.put_record(key, id, kind.max(IdKind::Order), waiting, format, origin);
        }
        // A block that waited past its turn becomes a request of its own; another line belongs to none.
        if let Some((late, format)) = neighbours.and_then(|key| self.neighbours(key).overdue()) {
            self.left_over(late, format, origin);
        }
        if new || !has_event { Taken::New } else { Taken::Duplicate }
    }

    /// Takes a record without an ID of its own for a request.
    fn attach(
        &mut self,
        key: u64,
        kind: IdKind,
        record: Record,
        format: &'static str,
        origin: Origin<'_>,
    ) -> Taken {
        let has_event = record.event_id.is_some();
        let new = self.put_record(key, None, kind, record, format, origin);
        if new || !has_event { Taken::New } else { Taken::Duplicate }
    }

    /// All sources were read: what still waits in their streams finds its place. Not earlier: a stream may go on in
    /// another source. `origins` by index of the source.
    pub fn end_of_input(&mut self, origins: &[Origin<'_>]) {
        let mut left: Vec<(Record, &'static str)> = Vec::new();
        left.extend(self.streams.values_mut().flat_map(Brackets::left));
        left.extend(self.neighbours.values_mut().flat_map(Neighbours::left));
        left.sort_by_key(|(record, _)| record.at);
        for (record, format) in left {
            if let Some(origin) = origins.get(record.at.source as usize) {
                self.left_over(record, format, *origin);
            }
        }
    }

    fn brackets(&mut self, stream: u64) -> &mut Brackets {
        self.streams.entry(stream).or_default()
    }

    fn neighbours(&mut self, key: u64) -> &mut Neighbours {
        self.neighbours.entry(key).or_default()
    }

    fn left_over(&mut self, record: Record, format: &'static str, origin: Origin<'_>) {
        if record.marks.has(Marks::ERROR_BLOCK)
            || (record.marks.has(Marks::CRASH) && record.marks.has(Marks::INIT))
        {
            let key = place_key(origin.name, record.at);
            self.put_record(key, None, IdKind::Fallback, record, format, origin);
        } else {
            self.leave(record, format, origin);
        }
    }

    /// Counts a record that belongs to no request, and keeps it if it tells of a failure; false if an event with this ID
    /// was counted already.
    fn leave(&mut self, record: Record, format: &'static str, origin: Origin<'_>) -> bool {
        let identity = identity(&record);
        if record.event_id.is_some() && !self.left.insert(identity) {
            return false;
        }
        self.unattributed += 1;
        if tells_of_failure(&record) {
            let order = Order::new(record.time_ms, record.at, origin.backwards);
            let held = Held::of_record(identity, order, record, format);
            self.outside.insert(order, held);
            if self.outside.len() > MAX_OUTSIDE {
                self.outside.pop_last();
            }
        }
        true
    }

    fn put_record(
        &mut self,
        key: u64,
        id: Option<&str>,
        kind: IdKind,
        record: Record,
        format: &'static str,
        origin: Origin<'_>,
    ) -> bool {
        let order = Order::new(record.time_ms, record.at, origin.backwards);
        let facts = Facts::of(order.time_ms, record.status, record.function_status, record.marks);
        let identity = identity(&record);
        let (template, path) = (record.route.clone(), record.path.clone());
        let (template, path) = (template.as_ref().map(String::as_bytes), path.as_ref().map(String::as_bytes));
        let route = RouteText::of(template, path, record.marks);
        let held = Held::of_record(identity, order, record, format);
        self.put(key, id.map(str::as_bytes), kind, &facts, route, held)
    }

    fn put(
        &mut self,
        key: u64,
        id: Option<&[u8]>,
        kind: IdKind,
        facts: &Facts,
        route: Option<RouteText<'_>>,
        held: Held,
    ) -> bool {
        let index = match self.slots.open(key) {
            Some(index) => index,
            None => self.open(key, id, kind),
        };
        let Some(partial) = self.open.get_mut(index as usize) else { return false };
        if partial.id.is_none() {
            partial.id = id.map(|id| String::from_utf8_lossy(id).into_owned());
        }
        partial.learn(facts, kind);
        if let Some(route) = route
            && partial.route_seen != route.hash
        {
            partial.route_seen = route.hash;
            let name = route.name();
            if partial.wants_route(route.rank, &name) {
                partial.route = Some((route.rank, self.routes.intern(&name)));
            }
        }
        // Only an end brings nearer when a request is due.
        if partial.due_second == i64::MAX || facts.end != Latest::NEVER {
            let second = due_second(&partial.facts);
            if second < partial.due_second {
                partial.due_second = second;
                self.due.entry(second).or_default().push(key);
            }
        }
        partial.take(held, self.fold, &mut self.shared)
    }

    /// Opens a request, or one that was evicted once more.
    fn open(&mut self, key: u64, id: Option<&[u8]>, kind: IdKind) -> u32 {
        let id = id.map(String::from_utf8_lossy);
        if let (Some(wanted), Some(id)) = (&mut self.wanted, &id) {
            wanted.see(key, id);
        }
        let index = self.begin(id.as_deref(), kind);
        let buried = self.slots.begin(key, index);
        if let (Some(tombstone), Some(partial)) = (buried, self.open.get_mut(index as usize)) {
            // A late record: what was decided comes back, so that it can only be corrected, not forgotten.
            partial.facts = tombstone.facts();
            partial.route = self.routes.name(tombstone.route).map(|name| (1, name));
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
