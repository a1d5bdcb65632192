//! One source on its way: bytes to frames to decoded items, in batches. Batches are decoded on all threads; their items
//! keep the order of the source, so nothing above can tell how many threads there were.

mod decoding;

use std::sync::Arc;

use self::decoding::decode;
use super::account::{Account, Glanced};
use crate::correlate::held::{FrameRef, Part};
use crate::format::joiner::Joiner;
use crate::format::registry::{Detector, Shapes};
use crate::format::{Begun, Element, Glance};
use crate::input::batches::Batches;
use crate::input::frame::{FrameContext, FrameKind};
use crate::input::framer::{Framer, Step};
use crate::input::source::{SourceError, Stream, binary_kind};
use crate::record::{Brief, Position, Record};

/// Bytes that are read and decoded at a time, at most.
pub const BATCH_BYTES: usize = 240 * 1024;
/// First bytes that are looked at to tell binary data from text, before anything else is done with them: however they
/// arrive, the verdict is the same.
const HEAD_BYTES: usize = 512;

/// A frame of the batch at hand.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    start: usize,
    end: usize,
    /// How it was framed.
    pub kind: FrameKind,
    /// Where it stands.
    pub at: Position,
    /// Lines after the first.
    pub continuations: u64,
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
    /// What became of its frames.
    pub account: Account,
    /// None before it is opened, and again when all of it was read.
    stream: Option<Stream>,
    framer: Framer,
    detector: Detector,
    shapes: Shapes,
    batches: Batches,
    consumed: usize,
    eof: bool,
    broken: Option<SourceError>,
    head_seen: bool,
    hint: Option<u8>,
    /// Entries that later ones may continue.
    joiner: Joiner,
    /// Who glance at the frames of the container that the hint names, one a thread.
    glancers: Vec<Option<Box<dyn Glance>>>,
    /// Frames that were cut off the batch at hand, and their contexts.
    cuts: Vec<Cut>,
    contexts: Vec<Arc<FrameContext>>,
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
            account: Account::new(name),
            stream: None,
            framer: Framer::new(name, max_line_bytes),
            detector: Detector::new(shapes),
            shapes,
            batches: Batches::default(),
            consumed: 0,
            eof: false,
            broken: None,
            head_seen: false,
            hint: None,
            joiner: Joiner::default(),
            glancers: Vec::new(),
            cuts: Vec::new(),
            contexts: Vec::new(),
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

    /// Whether a thread reads its bytes and was slower than what is done with them, when last asked.
    pub fn waits_for_bytes(&self) -> bool {
        self.stream.as_ref().is_some_and(Stream::was_waited_for)
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
            self.account.remark_on_rounding();
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
        let (mut from, mut frames) = (0, 0);
        let mut glanced = Glanced::default();
        let mut begun = None;
        let through = loop {
            if !Arc::ptr_eq(&context, self.framer.context()) {
                break false;
            }
            let bytes = &batch.bytes[from..filled];
            if let Some(ahead) = self.glance_ahead(&mut glancer, &context, bytes, from, &mut begun) {
                self.entries += 1;
                glanced.add(ahead.part.kind);
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
                        self.account.frame(&cut, &batch.bytes[cut.start..cut.end], &item);
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
        self.account.glanced(glanced);
        self.glancers.push(glancer);
        self.batches.keep(&batch.bytes[from..filled]);
        let any = frames + glanced.count() > 0;
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
            && let Some(Element { brief, length, newlines }) =
                glancer.glance_element(&bytes[first..], context)
            && let Some(part) = Part::new(from + first..from + first + length, 0, container, FrameKind::Json)
            && let Some(line) = self.framer.take_element(bytes, first, length, newlines)
        {
            return Some(Ahead { brief, part, line, next: first + length });
        }
        if !self.detector.takes_lines_of(container) {
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

    /// Whether most frames are glanced at, as far as was seen.
    fn mostly_glanced(&self) -> bool {
        self.glancers.iter().any(Option::is_some) && self.account.mostly_glanced()
    }

    /// Closes the account at the end, after an error or an interruption.
    pub fn close(&mut self) {
        // Only frames of the container that the hint names are glanced at.
        let glancer = self.new_glancer();
        let payload = |kind| glancer.as_ref().map_or("", |glancer| glancer.payload(kind));
        self.account.close(self.hint, &payload);
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
                self.account.ledger.bytes += count as u64;
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
        // Only the head was looked at, however much had arrived.
        self.account.reject_whole(what, self.batches.bytes().len().min(HEAD_BYTES) as u64);
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
                self.account.skipped(what, line);
                Found::Nothing(next)
            }
            Step::Trailer { next, members } => {
                if members.iter().any(|(key, _)| key == "nextToken") {
                    self.account.remark_on_pages();
                }
                Found::Nothing(next)
            }
            Step::More => Found::More,
        }
    }
}
