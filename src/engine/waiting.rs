//! Items that wait: what was read stays in its batch, and what was glanced at is noted by where it stands there. So a
//! source can be read on one thread while what was read before goes into the table on another.

use std::collections::VecDeque;
use std::sync::Arc;

use super::reader::Item;
use crate::correlate::held::{FrameRef, Part};
use crate::input::batches::Batch;
use crate::record::{Brief, BriefLine, Marks, Position, Record};

/// Items in their order.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    groups: VecDeque<Group>,
}

/// Items that stand in one batch, or in none.
#[derive(Debug, Clone, Default)]
struct Group {
    batch: Arc<Batch>,
    items: VecDeque<Waiting>,
}

/// An item apart from its batch.
#[derive(Debug, Clone)]
enum Waiting {
    Glance(Note, Position, Part),
    Records(Vec<Record>, u8),
}

impl Queue {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// How many items wait.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.items.len()).sum()
    }

    /// Adds an item, unless it holds no log line.
    pub fn push(&mut self, item: Item<'_>) {
        let (waiting, batch) = match item {
            Item::Glance(brief, at, frame) => {
                (Waiting::Glance(Note::of(&brief, frame.bytes()), at, frame.part), Some(frame.batch))
            }
            Item::Records(records, container) => (Waiting::Records(records, container), None),
            Item::Ignored | Item::Rejected(..) => return,
        };
        let last =
            self.groups.back_mut().filter(|group| batch.is_none_or(|batch| Arc::ptr_eq(batch, &group.batch)));
        match last {
            Some(group) => group.items.push_back(waiting),
            None => {
                let batch = batch.map(Arc::clone).unwrap_or_default();
                self.groups.push_back(Group { batch, items: VecDeque::from([waiting]) });
            }
        }
    }

    /// Adds the items of another queue.
    pub fn append(&mut self, mut other: Queue) {
        self.groups.append(&mut other.groups);
    }

    /// The log time of the first item, if there is one.
    pub fn first_ms(&self) -> Option<Option<i64>> {
        self.groups.front().and_then(|group| group.items.front()).map(Waiting::time_ms)
    }

    /// The log time of the last item, if there is one.
    pub fn last_ms(&self) -> Option<Option<i64>> {
        self.groups.back().and_then(|group| group.items.back()).map(Waiting::time_ms)
    }

    /// Hands the items over one by one, as long as `wants` says so of the log time of the first.
    pub fn hand_over(&mut self, mut wants: impl FnMut(Option<i64>) -> bool, mut each: impl FnMut(Item<'_>)) {
        while let Some(group) = self.groups.front_mut() {
            while let Some(item) = group.items.front() {
                if !wants(item.time_ms()) {
                    return;
                }
                match group.items.pop_front() {
                    Some(Waiting::Glance(note, at, part)) => {
                        let frame = FrameRef { batch: &group.batch, part };
                        each(Item::Glance(note.brief(frame.bytes()), at, frame));
                    }
                    Some(Waiting::Records(records, container)) => each(Item::Records(records, container)),
                    None => {}
                }
            }
            self.groups.pop_front();
        }
    }
}

impl Waiting {
    fn time_ms(&self) -> Option<i64> {
        match self {
            Waiting::Glance(note, ..) => note.time_ms,
            Waiting::Records(records, _) => records.iter().find_map(|record| record.time_ms),
        }
    }
}

/// A [`Brief`] apart from the bytes of its frame.
#[derive(Debug, Clone)]
struct Note {
    time_ms: Option<i64>,
    status: Option<u16>,
    function_status: Option<u16>,
    marks: Marks,
    complete: bool,
    id: Place,
    event_id: Option<Place>,
    route: Option<Place>,
    path: Option<Place>,
    deployment: Option<Place>,
    trace: Option<Place>,
    stream: Option<Place>,
    line: Option<LinePlaces>,
    /// Texts that do not stand in the frame as they are.
    other: Vec<u8>,
}

/// Where a text stands in the bytes of the frame and those that follow them in [`Note::other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    start: u32,
    len: u32,
}

/// The places of a [`BriefLine`].
#[derive(Debug, Clone, Copy)]
struct LinePlaces {
    stream: [Place; 2],
    message: Place,
}

impl Note {
    fn of(brief: &Brief<'_>, bytes: &[u8]) -> Note {
        let mut other = Vec::new();
        let mut place = |text: &[u8]| Place::of(text, bytes, &mut other);
        Note {
            time_ms: brief.time_ms,
            status: brief.status,
            function_status: brief.function_status,
            marks: brief.marks,
            complete: brief.complete,
            id: place(brief.id),
            trace: brief.trace.map(&mut place),
            event_id: brief.event_id.map(&mut place),
            route: brief.route.map(&mut place),
            path: brief.path.map(&mut place),
            deployment: brief.deployment.map(&mut place),
            stream: brief.stream.map(&mut place),
            line: brief
                .line
                .map(|line| LinePlaces { stream: line.stream.map(&mut place), message: place(line.message) }),
            other,
        }
    }

    /// The brief, of the same frame.
    fn brief<'a>(&'a self, bytes: &'a [u8]) -> Brief<'a> {
        let text = |place: Place| place.text(bytes, &self.other);
        Brief {
            id: text(self.id),
            trace: self.trace.map(text),
            time_ms: self.time_ms,
            status: self.status,
            function_status: self.function_status,
            marks: self.marks,
            event_id: self.event_id.map(text),
            route: self.route.map(text),
            path: self.path.map(text),
            deployment: self.deployment.map(text),
            stream: self.stream.map(text),
            complete: self.complete,
            line: self
                .line
                .map(|line| BriefLine { stream: line.stream.map(text), message: text(line.message) }),
        }
    }
}

impl Place {
    #[inline]
    fn of(text: &[u8], bytes: &[u8], other: &mut Vec<u8>) -> Place {
        let start = text.as_ptr().addr().wrapping_sub(bytes.as_ptr().addr());
        let inside = start <= bytes.len() && text.len() <= bytes.len() - start;
        let start = if inside {
            start
        } else {
            other.extend_from_slice(text);
            bytes.len() + other.len() - text.len()
        };
        // A frame has less than 4 GiB, see `Part`.
        Place { start: start as u32, len: text.len() as u32 }
    }

    #[inline]
    fn text<'a>(self, bytes: &'a [u8], other: &'a [u8]) -> &'a [u8] {
        let (start, len) = (self.start as usize, self.len as usize);
        let text = match start.checked_sub(bytes.len()) {
            Some(start) if len > 0 => other.get(start..start + len),
            _ => bytes.get(start..start + len),
        };
        text.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_gives_the_brief_back() {
        let bytes = b"id r-1 /cart 200".to_vec();
        let brief = Brief {
            id: &bytes[3..6],
            trace: Some(b"trace"),
            time_ms: Some(7),
            status: Some(200),
            function_status: None,
            marks: Marks::END,
            event_id: Some(b"elsewhere"),
            route: Some(&bytes[7..12]),
            path: Some(&bytes[16..]),
            deployment: None,
            stream: Some(&bytes[..6]),
            complete: true,
            line: Some(BriefLine { stream: [b"", &bytes[..2]], message: &bytes[13..] }),
        };
        let note = Note::of(&brief, &bytes);
        assert_eq!(note.route, Some(Place { start: 7, len: 5 }));
        assert_eq!(note.other, b"traceelsewhere");
        // The note points into any copy of the frame.
        assert_eq!(note.brief(&bytes.clone()), brief);
    }
}
