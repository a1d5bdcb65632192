//! What is kept of a request's entries until the request is decided: raw bytes where the shape could be
//! glanced at, else the record. Every entry has an identity, so the same entry read twice is one.

use std::ops::Range;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::spill::Stored;
use crate::input::batches::Batch;
use crate::input::frame::{FrameContext, FrameKind};
use crate::record::{BriefLine, Position, Record};

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

/// A frame that was only glanced at, as a part of the batch that it was read in.
#[derive(Debug, Clone, Copy)]
pub struct FrameRef<'b> {
    /// The batch.
    pub batch: &'b Arc<Batch>,
    /// Where it stands in the batch.
    pub part: Part,
}

/// A part of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    start: u32,
    end: u32,
    context: u32,
    /// Index of the container that glanced.
    pub container: u8,
    /// As [`crate::record::Brief::complete`].
    pub complete: bool,
    /// What tells the entry from others is its stream, time and text, not its bytes.
    pub by_text: bool,
    /// How it was framed.
    pub kind: FrameKind,
}

impl Part {
    /// The bytes in `range`, with the batch's context of that index. None beyond 4 GiB.
    pub fn new(range: Range<usize>, context: u32, container: u8, kind: FrameKind) -> Option<Part> {
        let (start, end) = (u32::try_from(range.start).ok()?, u32::try_from(range.end).ok()?);
        Some(Part { start, end, context, container, complete: false, by_text: false, kind })
    }

    /// How many bytes it has.
    pub fn len_bytes(self) -> usize {
        (self.end - self.start) as usize
    }
}

impl<'b> FrameRef<'b> {
    /// The bytes.
    pub fn bytes(&self) -> &'b [u8] {
        self.batch.bytes.get(self.part.start as usize..self.part.end as usize).unwrap_or_default()
    }

    /// The source around it.
    pub fn context(&self) -> Option<&'b Arc<FrameContext>> {
        self.batch.contexts.get(self.part.context as usize)
    }

    /// A frame that keeps the batch alive by itself.
    pub fn to_raw(self) -> RawFrame {
        RawFrame { batch: Arc::clone(self.batch), part: self.part }
    }

    /// A frame that keeps nothing of its neighbours alive.
    pub fn to_own(self) -> RawFrame {
        let contexts = self.batch.contexts.get(self.part.context as usize).cloned().into_iter().collect();
        let batch = Arc::new(Batch { bytes: self.bytes().to_vec(), contexts });
        RawFrame {
            batch,
            part: Part { start: 0, end: self.part.end - self.part.start, context: 0, ..self.part },
        }
    }
}

/// A frame that was only glanced at, and its batch.
#[derive(Debug, Clone)]
pub struct RawFrame {
    batch: Arc<Batch>,
    part: Part,
}

impl RawFrame {
    /// The frame that is all of its batch.
    pub fn whole(batch: Batch, part: Part) -> RawFrame {
        let end = u32::try_from(batch.bytes.len()).unwrap_or(u32::MAX);
        RawFrame { batch: Arc::new(batch), part: Part { start: 0, end, context: 0, ..part } }
    }

    /// The frame within its batch.
    pub fn as_ref(&self) -> FrameRef<'_> {
        FrameRef { batch: &self.batch, part: self.part }
    }

    /// The source around it.
    pub fn context(&self) -> Option<&Arc<FrameContext>> {
        self.as_ref().context()
    }

    /// Identity of the frame by the first record that was decoded of it.
    pub fn identity(&self, record: &Record) -> u64 {
        if self.part.by_text || record.event_id.is_some() {
            identity(record)
        } else {
            xxh3_64(self.as_ref().bytes())
        }
    }
}

/// An entry's content.
#[derive(Debug, Clone)]
pub enum Body {
    /// Not decoded yet; its batch is among the table's [`super::shared::Shared`].
    Shared(u32, Part),
    /// Not decoded yet.
    Raw(RawFrame),
    /// Put away on disk.
    Stored(Box<Stored>),
    /// Decoded; the name of its format beside it. In one box, for the other kinds are many and small.
    Record(Box<(Record, &'static str)>),
}

/// Bytes that an entry takes that was put away.
pub const STORED_BYTES: usize = 208;

/// One entry of an undecided request.
#[derive(Debug, Clone)]
pub struct Held {
    /// Equal for equal entries. Of a frame without an event ID that was only glanced at it is a hash of its bytes, which is
    /// faster than what tells its record from others, see [`RawFrame::identity`].
    pub identity: u64,
    /// Place in the request.
    pub order: Order,
    /// Number of its first line.
    pub line: u64,
    /// Content.
    pub body: Body,
}

impl Held {
    /// A decoded entry.
    pub fn of_record(identity: u64, order: Order, record: Record, format: &'static str) -> Held {
        Held { identity, order, line: record.at.line, body: Body::Record(Box::new((record, format))) }
    }

    /// Place in the input.
    pub fn at(&self) -> Position {
        let Order { source, sequence, part, .. } = self.order;
        Position { source, line: self.line, entry: sequence.unsigned_abs(), part }
    }

    /// Whether its message may say something of the request that nobody has read yet.
    pub fn is_unread(&self) -> bool {
        match &self.body {
            Body::Shared(_, part) => !part.complete,
            Body::Raw(raw) => !raw.part.complete,
            Body::Stored(stored) => stored.is_unread(),
            Body::Record(_) => false,
        }
    }

    /// The record, if the entry was decoded.
    pub fn record(&self) -> Option<&Record> {
        match &self.body {
            Body::Record(decoded) => Some(&decoded.0),
            _ => None,
        }
    }

    /// Bytes that the entry keeps alive, roughly.
    pub fn bytes(&self) -> usize {
        match &self.body {
            Body::Shared(_, part) => part.len_bytes() + 96,
            Body::Raw(raw) => raw.part.len_bytes() + 96,
            Body::Stored(_) => STORED_BYTES,
            Body::Record(decoded) => {
                let (record, _) = &**decoded;
                record.message.len()
                    + record.error_text.len()
                    + record.fields.iter().map(|(k, v)| k.len() + v.len() + 48).sum::<usize>()
                    + 640
            }
        }
    }
}

/// Identity of a record: its event ID, else its stream, time and text; where it has no time, its place.
pub fn identity(record: &Record) -> u64 {
    if let Some(id) = &record.event_id {
        return event_identity(id.as_bytes()) ^ u64::from(record.at.part);
    }
    let mut bytes = Vec::with_capacity(record.message.len() + record.error_text.len() + 64);
    bytes.extend_from_slice(record.stream.as_deref().unwrap_or_default().as_bytes());
    let place = record.at;
    append_text(&mut bytes, place, record.time_ms, record.status, record.message.as_bytes());
    bytes.extend_from_slice(record.error_text.as_bytes());
    xxh3_64(&bytes)
}

/// Hash of the stream of an entry that was only glanced at, if it names one. `bytes` is for use.
pub fn glanced_stream(line: &BriefLine<'_>, bytes: &mut Vec<u8>) -> Option<u64> {
    bytes.clear();
    let [first, second] = line.stream;
    bytes.extend_from_slice(first);
    if !first.is_empty() && !second.is_empty() {
        bytes.push(b':');
    }
    bytes.extend_from_slice(second);
    (!bytes.is_empty()).then(|| xxh3_64(bytes))
}

/// What follows the stream in the bytes that an identity is the hash of.
fn append_text(
    bytes: &mut Vec<u8>,
    place: Position,
    time_ms: Option<i64>,
    status: Option<u16>,
    message: &[u8],
) {
    bytes.push(0);
    match time_ms {
        Some(time_ms) => bytes.extend_from_slice(&time_ms.to_le_bytes()),
        None => {
            bytes.extend_from_slice(&place.source.to_le_bytes());
            bytes.extend_from_slice(&place.entry.to_le_bytes());
        }
    }
    bytes.extend_from_slice(&place.part.to_le_bytes());
    bytes.extend_from_slice(&status.unwrap_or_default().to_le_bytes());
    bytes.extend_from_slice(message);
    bytes.push(0);
}

/// Identity of an event by the ID that the platform gave it.
pub fn event_identity(id: &[u8]) -> u64 {
    xxh3_64(id) | 1
}
