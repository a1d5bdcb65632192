//! From frames to items: glanced at, or decoded and joined, on one thread or several. What a thread's glancer learned does
//! not show, so it does not matter who decodes what.

use std::sync::Arc;

use rayon::prelude::*;

use super::{Cut, Item, SourceReader};
use crate::correlate::held::{FrameRef, Part};
use crate::format::registry::Shapes;
use crate::format::{Decoded, Glance};
use crate::input::batches::Batch;
use crate::input::frame::{Frame, FrameKind};
use crate::record::Record;

/// Frames below which a batch is not worth distributing.
const PARALLEL_FRAMES: usize = 64;
impl SourceReader {
    /// Decodes the frames that were cut off, in parallel if these are many, and hands their items over.
    pub(super) fn decode_cuts(&mut self, parallel: bool, each: &mut dyn FnMut(Item<'_>)) {
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
                self.account.frame(first, &batch.bytes[first.start..first.end], &item);
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
                    self.account.frame(cut, &batch.bytes[cut.start..cut.end], &item);
                    each(item);
                }
            }
        } else {
            let mut glancer = self.glancers.pop().flatten();
            for cut in rest {
                let item = decode(shapes, hint, &mut glancer, &batch, cut);
                if let Some(item) = self.join(cut, item) {
                    self.hand_over_joined(parallel, each);
                    self.account.frame(cut, &batch.bytes[cut.start..cut.end], &item);
                    each(item);
                }
            }
            self.glancers.push(glancer);
        }
        self.hand_over_joined(parallel, each);
        self.cuts = cuts;
        self.cuts.clear();
    }

    /// Gives an item to the joiner, if its container wants that, and enters the frame into the ledger; else gives it back.
    pub(super) fn join<'b>(&mut self, cut: &Cut, item: Item<'b>) -> Option<Item<'b>> {
        let (records, container) = match item {
            Item::Records(records, container) if Shapes::joins(container) => (records, container),
            item => return Some(item),
        };
        let joiner = &mut self.joiner;
        self.account.joined(cut, records.into_iter().map(|record| joiner.push(record, container)));
        None
    }

    /// Reads the entries that were joined, in parallel if these are many, and hands them over.
    pub(super) fn hand_over_joined(&mut self, parallel: bool, each: &mut dyn FnMut(Item<'_>)) {
        let mut whole = self.joiner.take_whole();
        whole.retain(|(record, _)| {
            let blank = record.message.trim().is_empty();
            if blank {
                self.account.blank();
            }
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
            self.account.records(&records, container, records.first().map_or(0, |record| record.at.line));
            each(Item::Records(records, container));
        }
    }
}

/// Decodes one frame. What the glancer learned does not show, so this runs on any thread.
pub(super) fn decode<'b>(
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
