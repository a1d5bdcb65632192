//! Completions that are requests by themselves: access lines without any ID. Nothing that comes later can belong to one that
//! did not fail, so it is counted where it is seen, and neither it nor a tombstone of it is held.

use super::evict::status_of;
use super::keys::{place_key, source_key};
use super::{Correlator, Named, Origin, Taken};
use crate::correlate::attach::Completion;
use crate::correlate::held::{FrameRef, Order};
use crate::correlate::outcome::{Facts, Outcome};
use crate::correlate::table::routes::RouteText;
use crate::correlate::traffic::{NONE, Place};
use crate::format::registry::Shapes;
use crate::record::{Brief, IdKind, Position};

impl Correlator<'_> {
    /// Takes the completion of a request of which there is nothing else, see [`Brief::id`].
    pub(super) fn alone(
        &mut self,
        brief: &Brief<'_>,
        at: Position,
        frame: FrameRef<'_>,
        origin: Origin<'_>,
    ) -> Taken {
        let key = place_key(origin.name, at, &mut self.scratch);
        let order = Order::new(brief.time_ms, at, origin.backwards);
        let facts = Facts::of(order.time_ms, brief.status, brief.function_status, brief.marks);
        self.see_time(brief.time_ms);
        let route = RouteText::of(brief.route, brief.path, brief.marks);
        let format = Shapes::container_name(frame.part.container);
        let source = source_key(origin);
        let completion = Completion::of_brief(brief);
        let freed = self.pass(key, source, brief.marks, completion, format, origin, false);
        // Lines of a stream that serves one request at a time might still be attached to this one.
        let holds = self.bracketed || self.wanted.is_some() || !freed.is_empty();
        let outcome = facts.outcome();
        match outcome {
            Outcome::Succeeded(_) | Outcome::Aborted if !holds => {
                let route = route.map_or(NONE, |route| self.routes.number(route.name().as_bytes(), NONE));
                let place = Place::of(&facts, route, NONE, None);
                self.counts.add(place, false);
                self.alone += 1;
                self.aborted += u64::from(outcome == Outcome::Aborted);
                if self.sample.wants(key) {
                    let mut held = self.hold(brief, at, frame, order);
                    self.shared.detach(&mut held);
                    let entries = (vec![held], &[][..]);
                    self.sample.take(key, Some(place), &facts, status_of(outcome), entries, self.fold);
                }
            }
            _ => {
                let names = Named { route, deployment: brief.deployment };
                let held = self.hold(brief, at, frame, order);
                self.put(key, None, IdKind::Fallback, &facts, names, held);
                self.put_freed(key, None, IdKind::Fallback, freed, origin);
            }
        }
        self.put_overdue(source, brief.marks, format, origin);
        Taken::New
    }
}
