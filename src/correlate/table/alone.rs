//! Completions that are requests by themselves: access lines without any ID. Nothing that comes later can belong to one that
//! did not fail, so it is counted where it is seen, and neither it nor a tombstone of it is held. Whether it was decoded or
//! only glanced at makes no difference.

use super::evict::status_of;
use super::keys::{is_own_completion, own_place, place_key, stream_key};
use super::routes::RouteText;
use super::{Correlator, Named, Origin, Taken};
use crate::correlate::attach::Completion;
use crate::correlate::held::{FrameRef, Held, Order, identity};
use crate::correlate::outcome::{Facts, Outcome};
use crate::correlate::traffic::{NONE, Place};
use crate::format::registry::Shapes;
use crate::record::{Brief, IdKind, Position, Record};

impl Correlator<'_> {
    /// Takes a decoded record that is all of its frame. `brackets` as in [`Correlator::record`].
    pub fn only_record(
        &mut self,
        mut record: Record,
        format: &'static str,
        origin: Origin<'_>,
        brackets: bool,
    ) -> Taken {
        self.by_start(&mut record, origin);
        let order = Order::new(record.time_ms, record.at, origin.backwards);
        let facts = Facts::of(order.time_ms, record.status, record.function_status, record.marks);
        let nameless = record.id.is_none() && record.also.is_empty() && record.event_id.is_none();
        let plain = nameless && !brackets && record.deployment.is_none() && is_own_completion(&record);
        if !plain || !self.may_count(&facts) {
            return self.take_record(record, format, origin, brackets);
        }
        self.see_time(record.time_ms);
        let (key, stream, marks) = (own_place(&record, origin), stream_key(&record, origin), record.marks);
        self.pass(key, stream, marks, Completion::of(&record), format, origin, brackets);
        let bytes = |text: &Option<String>| text.as_ref().map(|text| text.as_bytes().to_vec());
        let (template, path) = (bytes(&record.route), bytes(&record.path));
        let route = RouteText::of(template.as_deref(), path.as_deref(), marks);
        self.count_alone(key, &facts, route, |_| Held::of_record(identity(&record), order, record, format));
        self.put_overdue(stream, marks, format, origin);
        Taken::New
    }

    /// Takes an entry that was only glanced at and has no ID, see [`Brief::id`].
    pub(super) fn glance_alone(
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
        let source = origin.stream;
        let counts = self.may_count(&facts);
        let completion = Completion::of_brief(brief);
        let freed = self.pass(key, source, brief.marks, completion, format, origin, false);
        if counts {
            self.count_alone(key, &facts, route, |table| {
                let mut held = table.hold(brief, at, frame, order);
                table.shared.detach(&mut held);
                held
            });
        } else {
            let names = Named { route, deployment: brief.deployment };
            let held = self.hold(brief, at, frame, order);
            self.put(key, None, IdKind::Fallback, &facts, names, held);
            self.put_freed(key, None, IdKind::Fallback, freed, brief.time_ms, origin);
        }
        self.put_overdue(source, brief.marks, format, origin);
        Taken::New
    }

    /// Whether a request of which all is known needs not be held. One that failed is, and all of them where a stream serves
    /// one request at a time, for lines without an ID are attached to such, and where one is asked for.
    fn may_count(&self, facts: &Facts) -> bool {
        let healthy = matches!(facts.outcome(), Outcome::Succeeded(_) | Outcome::Aborted);
        healthy && !self.bracketed && self.wanted.is_none()
    }

    /// Counts a healthy request, and takes it into the sample if it belongs there.
    fn count_alone(
        &mut self,
        key: u64,
        facts: &Facts,
        route: Option<RouteText<'_>>,
        held: impl FnOnce(&mut Self) -> Held,
    ) {
        let outcome = facts.outcome();
        let route = route.map_or(NONE, |route| self.routes.route_number(route));
        let place = Place::of(facts, route, NONE, None);
        self.counts.add(place, false);
        self.alone += 1;
        self.aborted += u64::from(outcome == Outcome::Aborted);
        if self.sample.wants(key) {
            let entries = (vec![held(self)], &[][..]);
            self.sample.take(key, Some(place), facts, status_of(outcome), entries, self.fold);
        }
    }
}
