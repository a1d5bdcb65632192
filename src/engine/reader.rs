//! One source on its way: bytes to frames to decoded items, in batches. Batches are decoded on all threads; their items
//! keep the order of the source, so nothing above can tell how many threads there were.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::correlate::held::{FrameBytes, RawFrame};
use crate::format::Decoded;
use crate::format::registry::{CONTAINERS, Detector, Shapes};
use crate::input::batches::Batches;
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::input::framer::{Framer, Skipped, Step};
use crate::input::source::{SourceError, Stream, binary_kind};
use crate::record::{Brief, Position, Record};
use crate::report::model;

/// Bytes that are read and decoded at a time, at most.
pub const BATCH_BYTES: usize = 120 * 1024;
/// Frames below which a batch is not worth distributing.
const PARALLEL_FRAMES: usize = 64;
/// First bytes that are looked at to tell binary data from text, before anything else is done with them: however they
/// arrive, the verdict is the same.
const HEAD_BYTES: usize = 512;

/// A frame of the batch at hand.
#[derive(Debug, Clone)]
struct Cut {
    start: usize,
    end: usize,
    kind: FrameKind,
    at: Position,
    continuations: u64,
    context: Arc<FrameContext>,
}

/// A decoded frame.
pub enum Item<'b> {
    /// Glanced at only.
    Glance(Brief<'b>, Position, RawFrame),
    /// Records, the container that read them, and the lines that continued the frame.
    Records(Vec<Record>, u8),
    /// No log line.
    Ignored,
    /// Broken or of no known shape.
    Rejected(&'static str, Position),
}

/// A source being read.
pub struct SourceReader {
    /// Index in the sorted list of sources.
    pub index: u32,
    /// Name in reports.
    pub name: String,
    /// The account so far.
    pub ledger: model::Source,
    /// Remarks for the reader of the report.
    pub remarks: Vec<String>,
    stream: Stream,
    framer: Framer,
    detector: Detector,
    shapes: Shapes,
    batches: Batches,
    consumed: usize,
    eof: bool,
    head_seen: bool,
    rejects: BTreeMap<&'static str, (u64, u64)>,
    formats: BTreeMap<(u8, &'static str), u64>,
    hint: Option<u8>,
    /// Frames glanced at, not yet in `formats`.
    glanced: u64,
    entries: u64,
    batch_bytes: usize,
}

impl SourceReader {
    /// Begins to read a stream, `batch_bytes` at a time.
    pub fn new(
        index: u32,
        name: &str,
        stream: Stream,
        shapes: Shapes,
        max_line_bytes: usize,
        batch_bytes: usize,
    ) -> SourceReader {
        SourceReader {
            index,
            name: name.to_owned(),
            ledger: model::Source { name: name.to_owned(), ..model::Source::default() },
            remarks: Vec::new(),
            stream,
            framer: Framer::new(name, max_line_bytes),
            detector: Detector::new(shapes),
            shapes,
            batches: Batches::default(),
            consumed: 0,
            eof: false,
            head_seen: false,
            rejects: BTreeMap::new(),
            formats: BTreeMap::new(),
            hint: None,
            glanced: 0,
            entries: 0,
            batch_bytes,
        }
    }

    /// Reads and decodes the next batch and hands its items to `each` in order. False at the end of the source.
    pub fn batch(&mut self, parallel: bool, each: &mut dyn FnMut(Item<'_>)) -> Result<bool, SourceError> {
        let cuts = loop {
            if !self.eof {
                self.fill()?;
            }
            let bytes = self.batches.bytes();
            if !self.head_seen {
                if bytes.len() < HEAD_BYTES && !self.eof {
                    continue;
                }
                self.head_seen = true;
                if let Some(what) = binary_kind(&bytes[..bytes.len().min(HEAD_BYTES)]) {
                    self.reject_whole(what);
                    return Ok(false);
                }
            }
            let cuts = self.cut();
            if !cuts.is_empty() || self.eof {
                break cuts;
            }
        };
        let batch = self.batches.take(std::mem::take(&mut self.consumed));
        let shapes = self.shapes;
        let mut rest = &cuts[..];
        // The first record of the source gives the hint for all that follow, so batches do not show.
        while self.hint.is_none()
            && let Some((first, later)) = rest.split_first()
        {
            let item = decode(shapes, None, &batch, first);
            if let Item::Records(_, container) = &item {
                self.hint = Some(*container);
            }
            self.account(first, &item);
            each(item);
            rest = later;
        }
        let hint = self.hint;
        let decode = |cut: &Cut| decode(shapes, hint, &batch, cut);
        if parallel && rest.len() >= PARALLEL_FRAMES {
            let items: Vec<Item<'_>> =
                rest.par_iter().with_min_len(PARALLEL_FRAMES / 2).map(decode).collect();
            for (cut, item) in rest.iter().zip(items) {
                self.account(cut, &item);
                each(item);
            }
        } else {
            for cut in rest {
                let item = decode(cut);
                self.account(cut, &item);
                each(item);
            }
        }
        if self.eof {
            self.close();
        }
        Ok(!self.eof)
    }

    /// Closes the account after an error or an interruption: what was not framed is not counted.
    pub fn close(&mut self) {
        self.ledger.rejects = self
            .rejects
            .iter()
            .map(|(reason, (frames, first_line))| model::Reject {
                reason: (*reason).to_owned(),
                frames: *frames,
                first_line: *first_line,
            })
            .collect();
        // Only frames of the container that the hint names are glanced at.
        if let Some(container) = self.hint.filter(|_| self.glanced > 0) {
            *self.formats.entry((container, "")).or_default() += std::mem::take(&mut self.glanced);
        }
        let most =
            self.formats.iter().max_by_key(|((container, payload), count)| (**count, !container, *payload));
        let container = most.map(|((container, _), _)| *container);
        let payload = self
            .formats
            .iter()
            .filter(|((have, payload), _)| Some(*have) == container && !payload.is_empty())
            .max_by_key(|((_, payload), count)| (**count, *payload))
            .map(|((_, payload), _)| *payload);
        self.ledger.format = match (container.map(Shapes::container_name), payload) {
            (None, _) if self.ledger.format.is_empty() => "unknown".to_owned(),
            (None, _) => self.ledger.format.clone(),
            (Some(container), None) => container.to_owned(),
            (Some(container), Some(payload)) => format!("{container}/{payload}"),
        };
    }

    /// Enters a frame into the ledger.
    fn account(&mut self, cut: &Cut, item: &Item<'_>) {
        let ledger = &mut self.ledger;
        ledger.frames += 1 + cut.continuations;
        ledger.continuations += cut.continuations;
        match item {
            Item::Glance(..) => {
                ledger.decoded += 1;
                ledger.records += 1;
                self.glanced += 1;
            }
            Item::Records(records, container) => {
                ledger.decoded += 1;
                ledger.records += records.len() as u64;
                let payload = records.first().map_or("", |record| record.payload);
                *self.formats.entry((*container, payload)).or_default() += 1;
            }
            Item::Ignored => ledger.ignored += 1,
            Item::Rejected(reason, at) => {
                ledger.rejected += 1;
                self.rejects.entry(reason).or_insert((0, at.line)).0 += 1;
            }
        }
    }

    fn fill(&mut self) -> Result<(), SourceError> {
        self.batches.consume(std::mem::take(&mut self.consumed));
        // A frame that is longer than a batch needs more than a batch: double, so that the work stays linear.
        let want = self.batch_bytes.max(self.batches.bytes().len());
        let count = match self.batches.fill(&mut self.stream, want) {
            Ok(count) => count,
            Err(error) => {
                self.eof = true;
                self.close();
                return Err(error);
            }
        };
        self.ledger.bytes += count as u64;
        self.eof = count == 0;
        Ok(())
    }

    fn reject_whole(&mut self, what: &'static str) {
        self.ledger.frames += 1;
        self.ledger.rejected += 1;
        self.rejects.insert(what, (1, 1));
        self.ledger.format = "binary".to_owned();
        // Only the head was looked at, however much had arrived.
        self.ledger.bytes = self.batches.bytes().len().min(HEAD_BYTES) as u64;
        self.eof = true;
        self.batches.clear();
        self.close();
    }

    fn cut(&mut self) -> Vec<Cut> {
        let mut cuts = Vec::new();
        loop {
            let bytes = &self.batches.bytes()[self.consumed..];
            let from = self.consumed;
            match self.framer.next(bytes, self.eof, &mut self.detector) {
                Step::Frame { start, end, next, kind, line, continuations } => {
                    self.entries += 1;
                    cuts.push(Cut {
                        start: from + start,
                        end: from + end,
                        kind,
                        at: Position { source: self.index, line, entry: self.entries, part: 0 },
                        continuations,
                        context: Arc::clone(self.framer.context()),
                    });
                    self.consumed += next;
                }
                Step::Skip { next, what, line } => {
                    self.consumed += next;
                    self.skipped(what, line);
                }
                Step::Trailer { next, members } => {
                    self.consumed += next;
                    if members.iter().any(|(key, _)| key == "nextToken") {
                        self.remarks.push(format!(
                            "{}: the export is partial (it has a nextToken): fetch all pages",
                            self.name
                        ));
                    }
                }
                Step::More => return cuts,
            }
        }
    }

    fn skipped(&mut self, what: Skipped, line: u64) {
        let reason = match what {
            Skipped::Glue => return,
            Skipped::Blank | Skipped::Header => {
                self.ledger.frames += 1;
                self.ledger.ignored += 1;
                return;
            }
            Skipped::TooLong => "longer than the line limit",
            Skipped::CutOff => "the input ends inside this JSON value",
            Skipped::Broken => "not JSON, inside an array of entries",
        };
        self.ledger.frames += 1;
        self.ledger.rejected += 1;
        self.rejects.entry(reason).or_insert((0, line)).0 += 1;
    }
}

/// Decodes one frame. Pure, so it runs on any thread.
fn decode<'b>(shapes: Shapes, hint: Option<u8>, batch: &'b Arc<Vec<u8>>, cut: &Cut) -> Item<'b> {
    let frame = Frame { bytes: &batch[cut.start..cut.end], kind: cut.kind, at: cut.at };
    if let Some(container) = hint
        && let Some(brief) = CONTAINERS[usize::from(container)].glance(&frame)
        && let Some(bytes) = FrameBytes::shared(batch, cut.start, cut.end)
    {
        let raw = RawFrame { container, kind: cut.kind, context: Arc::clone(&cut.context), bytes };
        return Item::Glance(brief, cut.at, raw);
    }
    let mut records = Vec::new();
    let read = shapes.read(&frame, &cut.context, hint, &mut records);
    match (read.decoded, read.container) {
        (Decoded::Records, Some(container)) => Item::Records(records, container),
        (Decoded::Ignored(_), _) => Item::Ignored,
        (Decoded::Rejected(reason), _) => Item::Rejected(reason, cut.at),
        (Decoded::NotMine | Decoded::Records, _) => Item::Rejected("no known shape", cut.at),
    }
}
