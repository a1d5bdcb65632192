//! The window of bytes at hand: filled from a stream, handed out as a batch that entries can point into, and used again
//! when no entry points into it any more. Without the reuse, half of the time of a fast run goes into the allocator.

use std::collections::VecDeque;
use std::sync::Arc;

use super::frame::FrameContext;
use super::source::{SourceError, Stream};

/// Bytes that were read together. Entries point into it; it lives as long as any of them.
#[derive(Debug, Default)]
pub struct Batch {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What stands around its entries; they know theirs by index.
    pub contexts: Vec<Arc<FrameContext>>,
}

/// A growing window of bytes and the batches made of it.
#[derive(Debug, Default)]
pub struct Batches {
    /// All of it is initialised; only the first `filled` bytes mean anything.
    bytes: Vec<u8>,
    filled: usize,
    /// Batches handed out, oldest first.
    issued: VecDeque<Arc<Batch>>,
}

impl Batches {
    /// The bytes at hand.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Reads once, up to `limit` bytes; 0 at the end of the stream, none when nothing is there yet.
    pub fn fill(&mut self, stream: &mut Stream, limit: usize) -> Result<Option<usize>, SourceError> {
        if self.bytes.len() < self.filled + limit {
            self.bytes.resize(self.filled + limit, 0);
        }
        let count = stream.read(&mut self.bytes[self.filled..])?;
        self.filled += count.unwrap_or(0);
        Ok(count)
    }

    /// Forgets the first `count` bytes.
    pub fn consume(&mut self, count: usize) {
        if count > 0 {
            self.bytes.copy_within(count..self.filled, 0);
            self.filled -= count;
        }
    }

    /// Hands out all bytes at hand as a batch, and says how many these are: its memory may be longer. What is not consumed
    /// of them is to be given back with [`Batches::keep`].
    pub fn lend(&mut self, contexts: Vec<Arc<FrameContext>>) -> (Arc<Batch>, usize) {
        let filled = std::mem::take(&mut self.filled);
        if filled * 2 < self.bytes.len() {
            // A live pipe brings little at a time; entries that wait must not hold a large buffer each.
            return (Arc::new(Batch { bytes: self.bytes[..filled].to_vec(), contexts }), filled);
        }
        let next = self.spare();
        let batch = Arc::new(Batch { bytes: std::mem::replace(&mut self.bytes, next), contexts });
        self.issued.push_back(Arc::clone(&batch));
        (batch, filled)
    }

    /// Has `rest`, the end of what was lent, at hand again.
    pub fn keep(&mut self, rest: &[u8]) {
        if self.bytes.len() < rest.len() {
            self.bytes.resize(rest.len(), 0);
        }
        self.bytes[..rest.len()].copy_from_slice(rest);
        self.filled = rest.len();
    }

    /// The memory of the oldest batch, if nothing points into it any more.
    fn spare(&mut self) -> Vec<u8> {
        // Entries of a failed request are copied out in time, so the oldest batch is the first to be free; one that is
        // held for longer is left to whoever holds it.
        for _ in 0..2 {
            let Some(oldest) = self.issued.pop_front() else { break };
            match Arc::try_unwrap(oldest) {
                Ok(batch) => return batch.bytes,
                Err(held) if self.issued.len() < 4096 => {
                    self.issued.push_front(held);
                    break;
                }
                Err(_) => {}
            }
        }
        Vec::new()
    }
}
