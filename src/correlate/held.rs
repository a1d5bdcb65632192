//! What is kept of a request's entries until the request is decided: raw bytes where the shape could be
//! glanced at, else the record. Every entry has an identity, so the same entry read twice is one.

use std::ops::Range;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::input::batches::Batch;
use crate::input::frame::{FrameContext, FrameKind};
use crate::record::{Position, Record};

/// Place of an entry in its request: by time, then by source and sequence within it. Total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order {
    /// Time, or `i64::MIN` where there is none.
    pub time_ms: i64,
    /// Index of the source.
    pub source: u32,
    /// Number of the frame; negative in a source that runs backwards.
    pub sequence: i64,
    /// Number of the record within its frame.
    pub part: u32,
}

impl Order {
    /// Order of an entry at `at`.
    pub fn new(time_ms: Option<i64>, at: Position, backwards: bool) -> Order {
        let entry = i64::try_from(at.entry).unwrap_or(i64::MAX);
        Order {
            time_ms: time_ms.unwrap_or(i64::MIN),
            source: at.source,
            sequence: if backwards { -entry } else { entry },
            part: at.part,
        }
    }
}

/// A frame that was only glanced at: a part of the batch that it was read in, until it is worth a copy of its own.
#[derive(Debug, Clone)]
pub struct RawFrame {
    batch: Arc<Batch>,
    start: u32,
    end: u32,
    context: u32,
    /// Index of the container that glanced.
    pub container: u8,
    /// How it was framed.
    pub kind: FrameKind,
}

impl RawFrame {
    /// The part `range` of a batch, with the batch's context of that index. None if the batch is longer than 4 GiB.
    pub fn shared(
        batch: &Arc<Batch>,
        range: Range<usize>,
        context: u32,
        container: u8,
        kind: FrameKind,
    ) -> Option<RawFrame> {
        let (start, end) = (u32::try_from(range.start).ok()?, u32::try_from(range.end).ok()?);
        Some(RawFrame { batch: Arc::clone(batch), start, end, context, container, kind })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.batch.bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The source around it.
    pub fn context(&self) -> Option<&Arc<FrameContext>> {
        self.batch.contexts.get(self.context as usize)
    }

    /// Lets go of the batch: what is kept for long must not keep its neighbours.
    fn detach(&mut self) {
        if self.batch.bytes.len() > self.bytes().len() {
            let contexts = self.context().cloned().into_iter().collect();
            let batch = Batch { bytes: self.bytes().to_vec(), contexts };
            *self =
                RawFrame { start: 0, end: self.end - self.start, context: 0, batch: Arc::new(batch), ..*self };
        }
    }
}

/// An entry's content.
#[derive(Debug, Clone)]
pub enum Body {
    /// Not decoded yet.
    Raw(RawFrame),
    /// Decoded; the name of its format beside it.
    Record(Box<Record>, &'static str),
}

/// One entry of an undecided request.
#[derive(Debug, Clone)]
pub struct Held {
    /// Equal for equal entries.
    pub identity: u64,
    /// Place in the request.
    pub order: Order,
    /// Place in the input.
    pub at: Position,
    /// Content.
    pub body: Body,
}

impl Held {
    /// Bytes that the entry keeps alive, roughly.
    pub fn bytes(&self) -> usize {
        match &self.body {
            Body::Raw(raw) => raw.bytes().len() + 96,
            Body::Record(record, _) => {
                record.message.len()
                    + record.error_text.len()
                    + record.fields.iter().map(|(k, v)| k.len() + v.len() + 48).sum::<usize>()
                    + 640
            }
        }
    }
}

impl Held {
    /// Keeps the entry alone alive, not the batch it was read in.
    pub fn detach(&mut self) {
        if let Body::Raw(raw) = &mut self.body {
            raw.detach();
        }
    }
}

/// Identity of a record: its event ID, else its stream, time and text; where it has no time, its place.
pub fn identity(record: &Record) -> u64 {
    if let Some(id) = &record.event_id {
        return event_identity(id) ^ u64::from(record.at.part);
    }
    let mut bytes = Vec::with_capacity(record.message.len() + record.error_text.len() + 64);
    bytes.extend_from_slice(record.stream.as_deref().unwrap_or_default().as_bytes());
    bytes.push(0);
    match record.time_ms {
        Some(time_ms) => bytes.extend_from_slice(&time_ms.to_le_bytes()),
        None => {
            bytes.extend_from_slice(&record.at.source.to_le_bytes());
            bytes.extend_from_slice(&record.at.entry.to_le_bytes());
        }
    }
    bytes.extend_from_slice(&record.at.part.to_le_bytes());
    bytes.extend_from_slice(&record.status.unwrap_or_default().to_le_bytes());
    bytes.extend_from_slice(record.message.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(record.error_text.as_bytes());
    xxh3_64(&bytes)
}

/// Identity of an event by the ID that the platform gave it.
pub fn event_identity(id: &str) -> u64 {
    xxh3_64(id.as_bytes()) | 1
}
