//! Frames that were only glanced at: what is known of them goes to their requests, and their bytes are held.

use std::hash::{BuildHasher, Hash, Hasher};

use xxhash_rust::xxh3::xxh3_64;

use super::routes::RouteText;
use super::{Correlator, Named, Origin, Taken};
use crate::correlate::attach::Completion;
use crate::correlate::held::{FrameRef, Held, Order, event_identity, glanced_stream};
use crate::correlate::outcome::Facts;
use crate::format::registry::Shapes;
use crate::record::ids::id_key;
use crate::record::{Brief, IdKind, Marks, Position};

impl Correlator<'_> {
    /// Takes a frame that was only glanced at.
    pub fn glance(
        &mut self,
        brief: &Brief<'_>,
        at: Position,
        frame: FrameRef<'_>,
        origin: Origin<'_>,
    ) -> Taken {
        if brief.id.is_empty() {
            return self.glance_alone(brief, at, frame, origin);
        }
        let key = id_key(brief.id);
        let order = Order::new(brief.time_ms, at, origin.backwards);
        let facts = Facts::of(order.time_ms, brief.status, brief.function_status, brief.marks);
        self.see_time(brief.time_ms);
        let route = RouteText::of(brief.route, brief.path, brief.marks);
        let format = Shapes::container_name(frame.part.container);
        let held = self.hold(brief, at, frame, order);
        let names = Named { route, deployment: brief.deployment };
        // Lines without an ID stand beside such as this one only where there are streams of that kind, or completions.
        let beside = brief.line.as_ref().filter(|_| self.bracketed || brief.marks.has(Marks::CLIENT));
        let stream = match (brief.stream, beside) {
            (Some(stream), _) => Some((xxh3_64(stream), true)),
            (None, Some(line)) => {
                let written = glanced_stream(line, &mut self.scratch);
                Some((written.unwrap_or(origin.stream), false))
            }
            (None, None) => None,
        };
        let new = match stream {
            Some((stream, brackets)) => {
                let open = if brackets { self.amid(stream, key, brief.marks) } else { None };
                if let Some(trace) = brief.trace {
                    self.claim(open.unwrap_or(key), trace, IdKind::Trace);
                }
                if let Some(open) = open {
                    self.put(open, None, IdKind::Order, &facts, names, held)
                } else {
                    let ends = brief.marks.has(Marks::CLIENT);
                    let completion = if ends { Completion::of_brief(brief) } else { Completion::default() };
                    let freed = self.pass(key, stream, brief.marks, completion, format, origin, brackets);
                    let new = self.put(key, Some(brief.id), IdKind::Request, &facts, names, held);
                    if !freed.is_empty() {
                        let id = std::str::from_utf8(brief.id).ok();
                        self.put_freed(key, id, IdKind::Request, freed, brief.time_ms, origin);
                    }
                    self.put_overdue(stream, brief.marks, format, origin);
                    new
                }
            }
            None => {
                if let Some(trace) = brief.trace {
                    self.claim(key, trace, IdKind::Trace);
                }
                self.put(key, Some(brief.id), IdKind::Request, &facts, names, held)
            }
        };
        if new || brief.event_id.is_none() { Taken::New } else { Taken::Duplicate }
    }

    /// An entry that was only glanced at.
    pub(super) fn hold(
        &mut self,
        brief: &Brief<'_>,
        at: Position,
        mut frame: FrameRef<'_>,
        order: Order,
    ) -> Held {
        frame.part.complete = brief.complete;
        frame.part.by_text = brief.line.is_some();
        let identity = match brief.event_id {
            Some(id) => event_identity(id),
            None => {
                let mut hasher = self.hasher.build_hasher();
                hasher.write(frame.bytes());
                if brief.time_ms.is_none() && frame.part.by_text {
                    // Without a time, equal texts at two places are two entries.
                    (at.source, at.entry).hash(&mut hasher);
                }
                hasher.finish()
            }
        };
        Held { identity, order, line: at.line, body: self.shared.hold(frame) }
    }

    /// The request that is open in a stream which serves one at a time, where a line with another ID that was never seen
    /// is of something that this request logs.
    pub(super) fn amid(&mut self, stream: u64, key: u64, marks: Marks) -> Option<u64> {
        if marks.has(Marks::START | Marks::END) {
            return None;
        }
        let open = self.streams.get(&stream)?.only_open().filter(|open| *open != key)?;
        (!self.knows(key)).then_some(open)
    }
}
