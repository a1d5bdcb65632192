//! One source on its way: bytes to frames to decoded items, in batches. Batches are decoded on all threads; their items
//! keep the order of the source, so nothing above can tell how many threads there were.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::correlate::held::{FrameRef, Part};
use crate::format::joiner::Joiner;
use crate::format::registry::{Detector, Shapes};
use crate::format::{Begun, Decoded, Glance};
use crate::input::batches::{Batch, Batches};
use crate::input::csv_scan::is_rounded_by_spreadsheet;
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::input::framer::{Framer, Skipped, Step};
use crate::input::source::{SourceError, Stream, binary_kind};
use crate::record::{Brief, Marks, Position, Record};
use crate::report::model;

/// Bytes that are read and decoded at a time, at most.
pub const BATCH_BYTES: usize = 240 * 1024;
/// Frames below which a batch is not worth distributing.
const PARALLEL_FRAMES: usize = 64;
/// First bytes that are looked at to tell binary data from text, before anything else is done with them: however they
/// arrive, the verdict is the same.
const HEAD_BYTES: usize = 512;

/// A frame of the batch at hand.
#[derive(Debug, Clone, Copy)]
struct Cut {
    start: usize,
    end: usize,
    kind: FrameKind,
    at: Position,
    continuations: u64,
    /// Index in the batch's contexts.
    context: u32,
    text: Option<u8>,
}

/// What the framer found next, and how many bytes are consumed with it.
enum Found {
    Cut(Cut, usize),
    Nothing(usize),
    More,
}

/// An entry that was glanced at before the framer framed it.
struct Ahead<'b> {
    brief: Brief<'b>,
    part: Part,
    /// Its first line.
    line: u64,
    /// Bytes that are consumed with it.
    next: usize,
}

/// How far [`SourceReader::go_along`] came, and whether there were any entries.
enum Along {
    /// As far as the bytes at hand reach.
    Through(bool),
    /// To where entries stand in another context.
    Changed(bool),
}

/// A decoded frame.
pub enum Item<'b> {
    /// Glanced at only.
    Glance(Brief<'b>, Position, FrameRef<'b>),
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
    /// None before it is opened, and again when all of it was read.
    stream: Option<Stream>,
    framer: Framer,
    detector: Detector,
    shapes: Shapes,
    batches: Batches,
    consumed: usize,
    eof: bool,
    broken: Option<SourceError>,
    /// CSV rows with a number that a spreadsheet rounded.
    rounded: u64,
    head_seen: bool,
    rejects: BTreeMap<&'static str, (u64, u64)>,
    formats: BTreeMap<(u8, &'static str), u64>,
    hint: Option<u8>,
    /// Entries that later ones may continue.
    joiner: Joiner,
    /// Who glance at the frames of the container that the hint names, one a thread.
    glancers: Vec<Option<Box<dyn Glance>>>,
    /// Frames that were cut off the batch at hand, and their contexts.
    cuts: Vec<Cut>,
    contexts: Vec<Arc<FrameContext>>,
    /// Frames glanced at, not yet in `formats`.
    glanced: u64,
    /// Entries that the source cut off, and the line of the first.
    cut_off: (u64, u64),
    entries: u64,
    batch_bytes: usize,
}

impl SourceReader {
    /// A source that nothing was read of; [`SourceReader::attach`] its bytes before the first batch. It reads
    /// `batch_bytes` at a time.
    pub fn new(
        index: u32,
        name: &str,
        shapes: Shapes,
        max_line_bytes: usize,
        batch_bytes: usize,
    ) -> SourceReader {
        SourceReader {
            index,
            name: name.to_owned(),
            ledger: model::Source { name: name.to_owned(), ..model::Source::default() },
            remarks: Vec::new(),
            stream: None,
            framer: Framer::new(name, max_line_bytes),
            detector: Detector::new(shapes),
            shapes,
            batches: Batches::default(),
            consumed: 0,
            eof: false,
            broken: None,
            rounded: 0,
            head_seen: false,
            rejects: BTreeMap::new(),
            formats: BTreeMap::new(),
            hint: None,
            joiner: Joiner::default(),
            glancers: Vec::new(),
            cuts: Vec::new(),
            contexts: Vec::new(),
            glanced: 0,
            cut_off: (0, 0),
            entries: 0,
            batch_bytes,
        }
    }

    /// Who glances at its frames, with nothing learned yet; none before the source's container is known.
    fn new_glancer(&self) -> Option<Box<dyn Glance>> {
        self.hint.and_then(|container| self.shapes.glancer(container))
    }

    /// Gives it the bytes to read.
    pub fn attach(&mut self, stream: Stream) {
        self.stream = Some(stream);
    }

    /// Reads and decodes the next batch and hands its items to `each` in order. False at the end of the source.
    ///
    /// Where reading breaks off, what was read before is decoded like the end of any source, and then the error is
    /// returned. A pipe that holds nothing now gives an empty batch.
    pub fn batch(&mut self, parallel: bool, each: &mut dyn FnMut(Item<'_>)) -> Result<bool, SourceError> {
        loop {
            let quiet = !self.eof && !self.fill();
            if quiet && (self.head_seen || !self.batches.bytes().contains(&b'\n')) {
                return Ok(true);
            }
            let bytes = self.batches.bytes();
            if !self.head_seen {
                // Judged before anything is cut, and on the same bytes however they arrive; only on a quiet pipe
                // that is watched, on what is there.
                if bytes.len() < HEAD_BYTES && !self.eof && !quiet {
                    continue;
                }
                self.head_seen = true;
                if let Some(what) = binary_kind(&bytes[..bytes.len().min(HEAD_BYTES)]) {
                    self.reject_whole(what);
                    return self.broken.take().map_or(Ok(false), Err);
                }
            }
            // To glance at a line takes less than to hand it to another thread.
            let alone = !parallel || self.mostly_glanced();
            let along = if alone { self.go_along(each) } else { Along::Changed(false) };
            if let Along::Changed(_) = along {
                self.cut();
            }
            if let Along::Through(true) | Along::Changed(true) = along {
                break;
            }
            if !self.cuts.is_empty() || self.eof {
                break;
            }
        }
        if !self.cuts.is_empty() {
            self.decode_cuts(parallel, each);
        }
        if self.eof {
            self.joiner.finish();
            self.hand_over_joined(parallel, each);
            self.remark_on_rounding();
            self.close();
            // A folder may hold thousands of files: neither descriptor nor buffer is kept.
            self.stream = None;
            self.batches = Batches::default();
        }
        match self.broken.take() {
            Some(error) => Err(error),
            None => Ok(!self.eof),
        }
    }

    /// Frames, decodes and hands over entry by entry, as long as all stand in the same context. A line that is much like
    /// one before it is framed and glanced at in one.
    fn go_along(&mut self, each: &mut dyn FnMut(Item<'_>)) -> Along {
        let context = Arc::clone(self.framer.context());
        let (batch, filled) = self.batches.lend(vec![Arc::clone(&context)]);
        let mut glancer = self.glancers.pop().flatten();
        let (mut from, mut frames, mut lines) = (0, 0, 0);
        let mut begun = None;
        let through = loop {
            if !Arc::ptr_eq(&context, self.framer.context()) {
                break false;
            }
            let bytes = &batch.bytes[from..filled];
            if let Some(ahead) = self.glance_ahead(&mut glancer, &context, bytes, from, &mut begun) {
                self.entries += 1;
                lines += 1;
                let at = Position { source: self.index, line: ahead.line, entry: self.entries, part: 0 };
                each(Item::Glance(ahead.brief, at, FrameRef { batch: &batch, part: ahead.part }));
                from += ahead.next;
                continue;
            }
            match self.step(from, bytes) {
                Found::Cut(cut, next) => {
                    frames += 1;
                    let item = decode(self.shapes, self.hint, &mut glancer, &batch, &cut);
                    if let (None, Item::Records(_, container)) = (self.hint, &item) {
                        // The first record of the source gives the hint for all that follow, so batches do not show.
                        self.hint = Some(*container);
                        glancer = self.new_glancer();
                    }
                    if let Some(item) = self.join(&cut, item) {
                        self.account(&cut, &batch.bytes[cut.start..cut.end], &item);
                        each(item);
                    } else {
                        self.hand_over_joined(false, each);
                    }
                    from += next;
                }
                Found::Nothing(next) => from += next,
                Found::More => break true,
            }
        };
        self.ledger.frames += lines;
        self.ledger.decoded += lines;
        self.ledger.records += lines;
        self.glanced += lines;
        self.glancers.push(glancer);
        self.batches.keep(&batch.bytes[from..filled]);
        let any = frames + lines > 0;
        if through { Along::Through(any) } else { Along::Changed(any) }
    }

    /// Glances at the entry that `bytes` begin with, `from` on in their batch, if its end is found on the way: a line that
    /// is one object, an element of an array, or a line of text with the next one's beginning. Then the framer is past it.
    /// `begun` is the prefix of that line, if it was seen as the next one, and then of the next.
    fn glance_ahead<'b>(
        &mut self,
        glancer: &mut Option<Box<dyn Glance>>,
        context: &FrameContext,
        bytes: &'b [u8],
        from: usize,
        begun: &mut Option<Begun>,
    ) -> Option<Ahead<'b>> {
        // Of the line at hand, if it was the one after the last.
        let begun_before = begun.take();
        let (container, glancer) = (self.hint?, glancer.as_mut()?);
        if self.framer.expects_object_line()
            && let Some((brief, length)) = glancer.glance_line(bytes)
            && let Some(part) = Part::new(from..from + length, 0, container, FrameKind::Json)
            && let Some(line) = self.framer.take_object_line(length)
        {
            return Some(Ahead { brief, part, line, next: length + 1 });
        }
        if let Some(first) = self.framer.peek_element(bytes)
            && let Some((brief, length)) = glancer.glance_element(&bytes[first..], context)
            && let Some(part) = Part::new(from + first..from + first + length, 0, container, FrameKind::Json)
            && let Some(line) = self.framer.take_element(bytes, first, length)
        {
            return Some(Ahead { brief, part, line, next: first + length });
        }
        if self.detector.text_container() != Some(container) {
            return None;
        }
        let entry = self.framer.peek_line(bytes)?;
        let next_begun = glancer.begin(entry.next_line)?;
        let part = Part::new(from..from + entry.end, 0, container, FrameKind::Line)?;
        let line = &bytes[..entry.end];
        let this_begun = begun_before.or_else(|| glancer.begin(line))?;
        let brief = glancer.glance_begun(line, this_begun)?;
        let (line, next) = (self.framer.line(), entry.next);
        self.framer.take_line(entry);
        self.detector.took_entry();
        *begun = Some(next_begun);
        Some(Ahead { brief, part, line, next })
    }

    /// Decodes the frames that were cut off, in parallel if these are many, and hands their items over.
    fn decode_cuts(&mut self, parallel: bool, each: &mut dyn FnMut(Item<'_>)) {
        let (batch, filled) = self.batches.lend(std::mem::take(&mut self.contexts));
        self.batches.keep(&batch.bytes[std::mem::take(&mut self.consumed)..filled]);
        let cuts = std::mem::take(&mut self.cuts);
        let shapes = self.shapes;
        let mut rest = &cuts[..];
        // The first record of the source gives the hint for all that follow, so batches do not show.
        while self.hint.is_none()
            && let Some((first, later)) = rest.split_first()
        {
            let item = decode(shapes, None, &mut None, &batch, first);
            if let Item::Records(_, container) = &item {
                self.hint = Some(*container);
                self.glancers = vec![self.new_glancer()];
            }
            if let Some(item) = self.join(first, item) {
                self.account(first, &batch.bytes[first.start..first.end], &item);
                each(item);
            }
            rest = later;
        }
        let hint = self.hint;
        if parallel && rest.len() >= PARALLEL_FRAMES {
            let threads = rayon::current_num_threads();
            while self.glancers.len() < threads {
                self.glancers.push(self.new_glancer());
            }
            let items: Vec<Item<'_>> = rest
                .par_chunks(rest.len().div_ceil(threads))
                .zip(&mut self.glancers)
                .flat_map_iter(|(piece, glancer)| {
                    let batch = &batch;
                    piece.iter().map(move |cut| decode(shapes, hint, glancer, batch, cut))
                })
                .collect();
            for (cut, item) in rest.iter().zip(items) {
                if let Some(item) = self.join(cut, item) {
                    // Entries that were joined before it come first.
                    self.hand_over_joined(parallel, each);
                    self.account(cut, &batch.bytes[cut.start..cut.end], &item);
                    each(item);
                }
            }
        } else {
            let mut glancer = self.glancers.pop().flatten();
            for cut in rest {
                let item = decode(shapes, hint, &mut glancer, &batch, cut);
                if let Some(item) = self.join(cut, item) {
                    self.hand_over_joined(parallel, each);
                    self.account(cut, &batch.bytes[cut.start..cut.end], &item);
                    each(item);
                }
            }
            self.glancers.push(glancer);
        }
        self.hand_over_joined(parallel, each);
        self.cuts = cuts;
        self.cuts.clear();
    }

    /// Whether most frames are glanced at, as far as was seen.
    fn mostly_glanced(&self) -> bool {
        self.glancers.iter().any(Option::is_some) && self.glanced * 2 >= self.ledger.decoded
    }

    /// Gives an item to the joiner, if its container wants that, and enters the frame into the ledger; else gives it back.
    fn join<'b>(&mut self, cut: &Cut, item: Item<'b>) -> Option<Item<'b>> {
        let (records, container) = match item {
            Item::Records(records, container) if Shapes::joins(container) => (records, container),
            item => return Some(item),
        };
        // Syslog's frames may follow each other without a break.
        self.ledger.frames += records.len().max(1) as u64 + cut.continuations;
        self.ledger.continuations += cut.continuations;
        for record in records {
            if self.joiner.push(record, container) {
                self.ledger.continuations += 1;
            } else {
                self.ledger.decoded += 1;
            }
        }
        None
    }

    /// Reads the entries that were joined, in parallel if these are many, and hands them over.
    fn hand_over_joined(&mut self, parallel: bool, each: &mut dyn FnMut(Item<'_>)) {
        let mut whole = self.joiner.take_whole();
        whole.retain(|(record, _)| {
            let blank = record.message.trim().is_empty();
            self.ledger.decoded -= u64::from(blank);
            self.ledger.ignored += u64::from(blank);
            !blank
        });
        let shapes = self.shapes;
        let read = |(record, container)| (shapes.read_joined(record, container), container);
        let read: Vec<(Vec<Record>, u8)> = if parallel && whole.len() >= PARALLEL_FRAMES {
            whole.into_par_iter().map(read).collect()
        } else {
            whole.into_iter().map(read).collect()
        };
        for (records, container) in read {
            self.account_records(&records, container, records.first().map_or(0, |record| record.at.line));
            each(Item::Records(records, container));
        }
    }

    fn remark_on_rounding(&mut self) {
        let text = match self.rounded {
            0 => return,
            1 => "1 row holds a number".to_owned(),
            rows => format!("{rows} rows hold numbers"),
        };
        self.remarks.push(format!(
            "{}: {text} that a spreadsheet rounded (1.76563E+12), times among them may be off: export again and use the file as it comes",
            self.name
        ));
        self.rounded = 0;
    }

    /// Closes the account after an error or an interruption: what was not framed is not counted.
    pub fn close(&mut self) {
        let (count, line) = std::mem::take(&mut self.cut_off);
        if count > 0 {
            let entries = if count == 1 { "entry is" } else { "entries are" };
            self.remarks.push(format!(
                "{}:{line}: {count} {entries} cut off by the source; what is left was read",
                self.name
            ));
        }
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
            let payload = self.new_glancer().map_or("", |glancer| glancer.payload());
            *self.formats.entry((container, payload)).or_default() += std::mem::take(&mut self.glanced);
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
    fn account(&mut self, cut: &Cut, bytes: &[u8], item: &Item<'_>) {
        if cut.kind == FrameKind::Csv && is_rounded_by_spreadsheet(bytes) {
            self.rounded += 1;
        }
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
                self.account_records(records, *container, cut.at.line);
            }
            Item::Ignored => ledger.ignored += 1,
            Item::Rejected(reason, at) => {
                ledger.rejected += 1;
                self.rejects.entry(reason).or_insert((0, at.line)).0 += 1;
            }
        }
    }

    /// Enters what a frame, or several joined ones, hold.
    fn account_records(&mut self, records: &[Record], container: u8, line: u64) {
        self.ledger.records += records.len() as u64;
        if records.iter().any(|record| record.marks.has(Marks::TRUNCATED)) {
            self.cut_off.0 += 1;
            self.cut_off.1 = if self.cut_off.1 == 0 { line } else { self.cut_off.1 };
        }
        let payload = records.first().map_or("", |record| record.payload);
        *self.formats.entry((container, payload)).or_default() += 1;
    }

    /// False if nothing is there yet.
    fn fill(&mut self) -> bool {
        self.batches.consume(std::mem::take(&mut self.consumed));
        // A frame that is longer than a batch needs more than a batch: double, so that the work stays linear.
        let want = self.batch_bytes.max(self.batches.bytes().len());
        let Some(stream) = &mut self.stream else {
            self.eof = true;
            return true;
        };
        match self.batches.fill(stream, want) {
            Ok(Some(count)) => {
                self.ledger.bytes += count as u64;
                self.eof = count == 0;
            }
            Ok(None) => return false,
            Err(error) => {
                self.eof = true;
                self.broken = Some(error);
            }
        }
        true
    }

    fn reject_whole(&mut self, what: &'static str) {
        self.ledger.frames += 1;
        self.ledger.rejected += 1;
        self.rejects.insert(what, (1, 1));
        self.ledger.format = "binary".to_owned();
        // Only the head was looked at, however much had arrived.
        self.ledger.bytes = self.batches.bytes().len().min(HEAD_BYTES) as u64;
        self.eof = true;
        self.stream = None;
        self.batches = Batches::default();
        self.close();
    }

    /// Cuts frames off the bytes at hand, as far as these reach.
    fn cut(&mut self) {
        let batches = std::mem::take(&mut self.batches);
        loop {
            match self.step(self.consumed, &batches.bytes()[self.consumed..]) {
                Found::Cut(mut cut, next) => {
                    let context = self.framer.context();
                    if self.contexts.last().is_none_or(|last| !Arc::ptr_eq(last, context)) {
                        self.contexts.push(Arc::clone(context));
                    }
                    cut.context = (self.contexts.len() - 1) as u32;
                    self.cuts.push(cut);
                    self.consumed += next;
                }
                Found::Nothing(next) => self.consumed += next,
                Found::More => break,
            }
        }
        self.batches = batches;
    }

    /// The framer's next step on `bytes`, which begin at `from` of their batch. A frame stands in its first context.
    fn step(&mut self, from: usize, bytes: &[u8]) -> Found {
        match self.framer.next(bytes, self.eof, &mut self.detector) {
            Step::Frame { start, end, next, kind, line, continuations } => {
                self.entries += 1;
                let cut = Cut {
                    start: from + start,
                    end: from + end,
                    kind,
                    at: Position { source: self.index, line, entry: self.entries, part: 0 },
                    continuations,
                    context: 0,
                    text: self.detector.text_container(),
                };
                Found::Cut(cut, next)
            }
            Step::Skip { next, what, line } => {
                self.skipped(what, line);
                Found::Nothing(next)
            }
            Step::Trailer { next, members } => {
                if members.iter().any(|(key, _)| key == "nextToken") {
                    self.remarks.push(format!(
                        "{}: the export is partial (it has a nextToken): fetch all pages",
                        self.name
                    ));
                }
                Found::Nothing(next)
            }
            Step::More => Found::More,
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

/// Decodes one frame. What the glancer learned does not show, so this runs on any thread.
fn decode<'b>(
    shapes: Shapes,
    hint: Option<u8>,
    glancer: &mut Option<Box<dyn Glance>>,
    batch: &'b Arc<Batch>,
    cut: &Cut,
) -> Item<'b> {
    let frame = Frame { bytes: &batch.bytes[cut.start..cut.end], kind: cut.kind, at: cut.at };
    let context = &batch.contexts[cut.context as usize];
    if let (Some(container), Some(glancer)) = (hint, glancer)
        && (cut.kind != FrameKind::Line || cut.text == Some(container))
        && let Some(brief) = glancer.glance(&frame, context)
        && let Some(part) = Part::new(cut.start..cut.end, cut.context, container, cut.kind)
    {
        return Item::Glance(brief, cut.at, FrameRef { batch, part });
    }
    // Nearly every frame is one record.
    let mut records = Vec::with_capacity(1);
    let read = shapes.read(&frame, context, hint, cut.text, &mut records);
    match (read.decoded, read.container) {
        (Decoded::Records, Some(container)) => Item::Records(records, container),
        (Decoded::Ignored(_), _) => Item::Ignored,
        (Decoded::Rejected(reason), _) => Item::Rejected(reason, cut.at),
        (Decoded::NotMine | Decoded::Records, _) => Item::Rejected("no known shape", cut.at),
    }
}
