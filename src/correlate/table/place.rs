//! What becomes of records by what stands beside them: lines that waited for a request, and records that belong to none.

use super::endings::shorten;
use super::keys::{completion_key, neighbours_key, own_place, stream_key};
use super::{Correlator, Origin, Taken};
use crate::correlate::attach::{Brackets, Completion, Freed, Neighbours, tells_of_failure};
use crate::correlate::held::{Held, Order, identity};
use crate::correlate::last_words::ends_process;
use crate::record::{IdKind, Marks, Record};

/// Records that tell of a failure and belong to no request: how many are kept.
const MAX_OUTSIDE: usize = 256;

impl Correlator<'_> {
    /// Takes a record of a known request, and the lines that waited for it.
    #[expect(clippy::too_many_arguments, reason = "the parts of one record's way, each from another place")]
    pub(super) fn identified(
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
        let marks = record.marks;
        let has_event = record.event_id.is_some();
        let freed = self.pass(key, stream, marks, Completion::of(&record), format, origin, brackets);
        let time_ms = record.time_ms;
        let new = self.put_record(key, id, kind, record, format, origin);
        self.put_freed(key, id, kind, freed, time_ms, origin);
        self.put_overdue(stream, marks, format, origin);
        if new || !has_event { Taken::New } else { Taken::Duplicate }
    }

    /// An entry of a known request passes those that stand beside it. Returns what waited for it.
    #[expect(clippy::too_many_arguments, reason = "the parts of one entry's way, each from another place")]
    pub(super) fn pass(
        &mut self,
        key: u64,
        stream: u64,
        marks: Marks,
        completion: Completion<'_>,
        format: &'static str,
        origin: Origin<'_>,
        brackets: bool,
    ) -> Freed {
        self.bracketed |= brackets;
        // A stream of which nothing was noted yet is not worth a place.
        let mut freed = match self.bracketed {
            true => self.brackets(stream).identified(key, marks, brackets, origin.backwards),
            false => Freed::new(),
        };
        if let Some(neighbours) = completion_key(stream, marks, format, origin) {
            let said = self.neighbours(neighbours).said(&completion);
            self.unattributed -= said.len() as u64;
            freed.extend(said);
            freed.extend(self.neighbours(neighbours).completed(key, completion));
        }
        freed
    }

    /// Gives what waited for it to a request, whose completion has this time: what has none of its own stood at that
    /// of the line before it.
    pub(super) fn put_freed(
        &mut self,
        key: u64,
        id: Option<&str>,
        kind: IdKind,
        freed: Freed,
        time_ms: Option<i64>,
        origin: Origin<'_>,
    ) {
        for (mut waiting, format) in freed {
            if waiting.marks.has(Marks::NO_TIME) {
                waiting.time_ms = time_ms.max(waiting.time_ms);
            }
            self.put_record(key, id, kind.max(IdKind::Order), waiting, format, origin);
        }
    }

    /// A block that waited past its turn becomes a request of its own; another line belongs to none.
    pub(super) fn put_overdue(
        &mut self,
        stream: u64,
        marks: Marks,
        format: &'static str,
        origin: Origin<'_>,
    ) {
        let neighbours = completion_key(stream, marks, format, origin);
        if let Some((late, format)) = neighbours.and_then(|key| self.neighbours(key).overdue()) {
            self.left_over(late, format, origin);
        }
    }

    /// Takes a record without an ID of its own for a request.
    pub(super) fn attach(
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

    pub(super) fn brackets(&mut self, stream: u64) -> &mut Brackets {
        self.streams.entry(stream).or_default()
    }

    pub(super) fn neighbours(&mut self, key: u64) -> &mut Neighbours {
        self.neighbours.entry(key).or_default()
    }

    pub(super) fn left_over(&mut self, record: Record, format: &'static str, origin: Origin<'_>) {
        let is_block = record.marks.has(Marks::ERROR_BLOCK);
        if is_block && self.loosen(&record, Some(own_place(&record, origin)), format, origin) {
            return;
        }
        if is_block || (record.marks.has(Marks::CRASH) && record.marks.has(Marks::INIT)) {
            let key = own_place(&record, origin);
            self.put_record(key, None, IdKind::Fallback, record, format, origin);
        } else {
            self.leave(record, format, origin);
        }
    }

    /// Counts a record that belongs to no request, and keeps it if it tells of a failure; false if an event with this ID
    /// was counted already.
    pub(super) fn leave(&mut self, record: Record, format: &'static str, origin: Origin<'_>) -> bool {
        let identity = identity(&record);
        if record.event_id.is_some() && !self.left.insert(identity) {
            return false;
        }
        if self.loosen(&record, None, format, origin) {
            return true;
        }
        self.unattributed += 1;
        let (fails, ends) = (tells_of_failure(&record), ends_process(&record));
        let near = neighbours_key(stream_key(&record, origin), format, origin);
        let order = Order::new(record.time_ms, record.at, origin.backwards);
        let held = Held::of_record(identity, order, record, format);
        match (ends, fails, near) {
            (true, _, near) => {
                near.into_iter().for_each(|near| self.endings.end(near));
                self.endings.keep(held);
            }
            (_, true, _) => self.keep_outside(held),
            (_, _, Some(near)) => self.endings.pass(near, held),
            _ => {}
        }
        true
    }

    /// Keeps an entry that tells of a failure outside of any request.
    pub(super) fn keep_outside(&mut self, mut held: Held) {
        shorten(&mut held);
        self.outside.insert(held.order, held);
        if self.outside.len() > MAX_OUTSIDE {
            self.outside.pop_last();
            self.losses.outside += 1;
        }
    }
}
