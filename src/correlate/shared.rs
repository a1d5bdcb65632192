//! The batches that entries of open requests stand in. Nearly all entries are let go again unread, in the thread that
//! took them, so who stands in a batch is simply counted here, and the batch is let go with the last one.

use std::sync::Arc;

use super::held::{Body, FrameRef, Held};
use crate::input::batches::Batch;

/// Batches and how many entries stand in each.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    places: Vec<Place>,
    /// Bytes of all batches that are held.
    bytes: usize,
    free: Vec<u32>,
    /// The place that was used last: frames come in the order of their batches.
    last: u32,
}

#[derive(Debug, Clone, Default)]
struct Place {
    batch: Option<Arc<Batch>>,
    entries: u32,
}

impl Shared {
    /// Takes a frame.
    #[inline]
    pub fn hold(&mut self, frame: FrameRef<'_>) -> Body {
        let is_last = |place: &Place| place.batch.as_ref().is_some_and(|have| Arc::ptr_eq(have, frame.batch));
        if !self.places.get(self.last as usize).is_some_and(is_last) {
            self.last = self.free.pop().unwrap_or_else(|| {
                self.places.push(Place::default());
                (self.places.len() - 1) as u32
            });
            self.bytes += frame.batch.bytes.len();
            self.places[self.last as usize] = Place { batch: Some(Arc::clone(frame.batch)), entries: 0 };
        }
        self.places[self.last as usize].entries += 1;
        Body::Shared(self.last, frame.part)
    }

    /// Bytes of all batches that are held.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lets an entry go.
    #[inline]
    pub fn release(&mut self, held: &Held) {
        let Body::Shared(index, _) = held.body else { return };
        let Some(place) = self.places.get_mut(index as usize) else { return };
        place.entries -= 1;
        if place.entries == 0 {
            self.bytes -= place.batch.take().map_or(0, |batch| batch.bytes.len());
            self.free.push(index);
        }
    }

    /// Gives an entry bytes of its own: what is kept for long must not keep its neighbours.
    pub fn detach(&mut self, held: &mut Held) {
        let own = match &held.body {
            Body::Shared(index, part) => {
                let batch = self.places.get(*index as usize).and_then(|place| place.batch.as_ref());
                batch.map(|batch| FrameRef { batch, part: *part }.to_own())
            }
            Body::Raw(_) | Body::Record(_) | Body::Stored(_) => None,
        };
        if let Some(own) = own {
            self.release(held);
            held.body = Body::Raw(own);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use super::*;
    use crate::correlate::held::{Order, Part};
    use crate::input::frame::FrameKind;
    use crate::record::Position;

    fn batch(bytes: &[u8]) -> Arc<Batch> {
        Arc::new(Batch { bytes: bytes.to_vec(), contexts: vec![Arc::default()] })
    }

    fn hold(shared: &mut Shared, batch: &Arc<Batch>) -> Held {
        let at = Position::default();
        let part = Part::new(1..3, 0, 0, FrameKind::Json).unwrap();
        let body = shared.hold(FrameRef { batch, part });
        Held { identity: 1, order: Order::new(None, at, false), line: at.line, body }
    }

    #[test]
    fn a_batch_goes_with_its_last_entry() {
        let mut shared = Shared::default();
        let first = batch(b"abcd");
        let seen: Weak<Batch> = Arc::downgrade(&first);
        let (one, two) = (hold(&mut shared, &first), hold(&mut shared, &first));
        drop(first);
        let second = batch(b"efgh");
        let three = hold(&mut shared, &second);
        shared.release(&one);
        assert!(seen.upgrade().is_some());
        shared.release(&two);
        assert!(seen.upgrade().is_none());
        // The place is used again, by a batch that may stand where the other stood.
        let third = batch(b"ijkl");
        let four = hold(&mut shared, &third);
        assert_eq!(shared.places.len(), 2);
        shared.release(&three);
        shared.release(&four);
        assert!(shared.places.iter().all(|place| place.batch.is_none() && place.entries == 0));
        assert_eq!((Arc::strong_count(&second), Arc::strong_count(&third)), (1, 1));
    }

    #[test]
    fn a_detached_entry_keeps_its_bytes_alone() {
        let mut shared = Shared::default();
        let whole = batch(b"abcd");
        let mut held = hold(&mut shared, &whole);
        shared.detach(&mut held);
        shared.detach(&mut held);
        assert_eq!(Arc::strong_count(&whole), 1);
        let Body::Raw(raw) = &held.body else { panic!("{held:?}") };
        assert_eq!((raw.as_ref().bytes(), raw.context().is_some()), (&b"bc"[..], true));
        shared.release(&held);
    }
}
