//! The partial and its facts: merging is associative, commutative and idempotent.

use std::sync::{Arc, OnceLock};

use proptest::prelude::*;
use why500::correlate::held::{FrameRef, Held, Order, Part, event_identity, identity};
use why500::correlate::line::Line;
use why500::correlate::outcome::Facts;
use why500::correlate::partial::{MAX_HELD_BYTES, Partial};
use why500::correlate::shared::Shared;
use why500::diagnose::fold::Folder;
use why500::format::registry::{CONTAINERS, Shapes};
use why500::input::batches::Batch;
use why500::input::frame::{FrameContext, FrameKind};
use why500::record::{CorrelationId, IdKind, Level, Marks, Position, Record};

use crate::support::engine;

fn folder() -> Folder<'static> {
    Folder { shapes: Shapes::all(), rules: &engine(1).rules, fields: &engine(1).options.segment_fields }
}

fn marks() -> impl Strategy<Value = Marks> {
    let some = [
        Marks::START,
        Marks::END,
        Marks::CLIENT,
        Marks::CRASH,
        Marks::TIMEOUT,
        Marks::ABORTED,
        Marks::BACKGROUND,
        Marks::MIDDLEWARE,
        Marks::ERROR_BLOCK,
    ];
    proptest::collection::vec(proptest::sample::select(some.to_vec()), 0..3)
        .prop_map(|marks| marks.into_iter().fold(Marks::default(), |all, mark| all | mark))
}

fn fact() -> impl Strategy<Value = Facts> {
    let status = || proptest::option::of(proptest::sample::select(vec![200u16, 404, 499, 500, 503]));
    let time = prop_oneof![Just(i64::MIN), 0i64..5];
    (time, status(), status(), marks())
        .prop_map(|(time, status, own, marks)| Facts::of(time, status, own, marks))
}

fn joined(one: &Facts, two: &Facts) -> Facts {
    let mut out = one.clone();
    out.merge(two);
    out
}

proptest! {
    #[test]
    fn facts_are_a_semilattice(a in fact(), b in fact(), c in fact()) {
        let (ab, bc) = (joined(&a, &b), joined(&b, &c));
        prop_assert_eq!(joined(&ab, &c), joined(&a, &bc));
        prop_assert_eq!(&ab, &joined(&b, &a));
        prop_assert_eq!(&joined(&ab, &a), &ab);
        prop_assert_eq!(joined(&ab, &c).outcome(), joined(&joined(&c, &b), &a).outcome());
    }
}

/// Texts of which some are signals of rules, some decoys, some nothing.
const TEXTS: [&str; 10] = [
    "cart of 3 items",
    "Error: connect ECONNREFUSED 10.0.3.17:5432",
    "Error: Cannot find module 'sharp'",
    "error: Environment variable not found: DATABASE_URL.",
    "Error: getaddrinfo ENOTFOUND db.internal.example.com",
    "TypeError: Cannot read properties of undefined (reading 'total')",
    "error: remaining connection slots are reserved for non-replication superuser connections",
    "Retry succeeded after 2 attempts",
    "warn: slow query",
    "",
];

fn record(number: u64) -> Record {
    let text = TEXTS[(number * 7 % TEXTS.len() as u64) as usize];
    let mut marks = Marks::default();
    if number % 11 == 10 {
        marks.insert(Marks::CLIENT | Marks::END);
    }
    Record {
        at: Position { source: (number % 3) as u32, line: number + 1, entry: number + 1, part: 0 },
        time_ms: Some(1_767_571_200_000 + number as i64),
        level: Some(if text.contains("rror") { Level::Error } else { Level::Info }),
        message: text.to_owned(),
        event_id: Some(format!("event-{number}")),
        id: Some(CorrelationId { text: "r-1".to_owned(), kind: IdKind::Request }),
        status: (number % 11 == 10).then_some(if number.is_multiple_of(2) { 500 } else { 200 }),
        marks,
        path: number.is_multiple_of(2).then(|| format!("/api/items/{number}")),
        route: number.is_multiple_of(5).then(|| "/api/items/[id]".to_owned()),
        ..Record::default()
    }
}

fn held(record: Record) -> Held {
    let order = Order::new(record.time_ms, record.at, false);
    Held::of_record(identity(&record), order, record, "lines")
}

fn put(partial: &mut Partial, record: Record, folder: &Folder<'_>) {
    let facts =
        Facts::of(record.time_ms.unwrap_or(i64::MIN), record.status, record.function_status, record.marks);
    let kind = if record.at.line.is_multiple_of(4) { IdKind::Order } else { IdKind::Request };
    let route = match (&record.route, &record.path) {
        (Some(route), _) => Some((0, route.clone())),
        (None, Some(path)) => Some((2, path.clone())),
        (None, None) => None,
    };
    partial.learn(&facts, kind);
    if let Some((rank, route)) = route
        && partial.wants_route(rank, &route)
    {
        partial.route = Some((rank, Arc::from(route)));
    }
    partial.take(held(record), folder, &mut Shared::default());
}

fn partial_of(numbers: &[u64], folder: &Folder<'_>) -> Partial {
    let mut partial = Partial::new(Some("r-1"), IdKind::Request);
    for number in numbers {
        put(&mut partial, record(*number), folder);
    }
    partial
}

type Seen = (String, IdKind, Facts, Option<(u8, Arc<str>)>, Vec<Line>);

fn seen(partial: Partial, folder: &Folder<'_>) -> Seen {
    let (outcome, kind) = (format!("{:?} of {:?}", partial.outcome(), partial.id), partial.kind);
    let (facts, route) = (partial.facts.clone(), partial.route.clone());
    (outcome, kind, facts, route, partial.into_lines(folder))
}

fn merged(mut one: Partial, two: &Partial, folder: &Folder<'_>) -> Partial {
    one.merge(two.clone(), folder);
    one
}

/// Subsets that overlap and together hold `0..count`, each in an order of its own.
fn parts(count: u64) -> impl Strategy<Value = Vec<Vec<u64>>> {
    let all: Vec<u64> = (0..count).collect();
    let some = proptest::sample::subsequence(all.clone(), 0..=all.len()).prop_shuffle();
    (proptest::collection::vec(some, 2), Just(all)).prop_map(|(mut parts, all)| {
        // The third brings what the others lack, and a few that they have.
        parts.push(
            all.into_iter()
                .filter(|n| n % 5 == 0 || !parts.iter().any(|part| part.contains(n)))
                .rev()
                .collect(),
        );
        parts
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn partials_are_a_semilattice(parts in (1u64..80).prop_flat_map(parts), compacted in 0usize..8) {
        let folder = folder();
        let count = parts.iter().flatten().max().map_or(0, |n| n + 1);
        let whole = seen(partial_of(&(0..count).collect::<Vec<_>>(), &folder), &folder);
        let made: Vec<Partial> = parts
            .iter()
            .enumerate()
            .map(|(index, part)| {
                let mut partial = partial_of(part, &folder);
                if compacted & (1 << index) != 0 {
                    partial.compact(&folder, &mut Shared::default());
                }
                partial
            })
            .collect();
        let [a, b, c] = &made[..] else { unreachable!("three parts") };
        let left = merged(merged(a.clone(), b, &folder), c, &folder);
        let right = merged(a.clone(), &merged(b.clone(), c, &folder), &folder);
        let turned = merged(merged(c.clone(), b, &folder), a, &folder);
        let again = merged(merged(left.clone(), b, &folder), &left.clone(), &folder);
        for (how, other) in [("(ab)c", left), ("a(bc)", right), ("(cb)a", turned), ("again", again)] {
            prop_assert_eq!(&seen(other, &folder), &whole, "{}", how);
        }
    }
}

/// A frame that was not decoded has the identity that its event ID gives it, as has its record.
#[test]
fn raw_entries_and_records_are_the_same_entries() {
    let folder = folder();
    let bytes = br#"{"id":"e1","timestamp":1767571200000,"deploymentId":"dpl_1","source":"lambda","requestId":"r-1","level":"error","message":"Error: Cannot find module 'sharp'"}"#;
    let container = CONTAINERS.iter().position(|shape| shape.name() == "vercel-drain").expect("known") as u8;
    let at = Position { source: 0, line: 1, entry: 1, part: 0 };
    let contexts = vec![Arc::new(FrameContext::default())];
    let batch = Arc::new(Batch { bytes: bytes.to_vec(), contexts });
    let part = Part::new(0..bytes.len(), 0, container, FrameKind::Json).expect("short");
    let mut shared = Shared::default();
    let mut raw = || Held {
        identity: event_identity(b"e1"),
        order: Order::new(Some(1_767_571_200_000), at, false),
        line: at.line,
        body: shared.hold(FrameRef { batch: &batch, part }),
    };
    let (first, second, third) = (raw(), raw(), raw());
    let mut one = Partial::new(Some("r-1"), IdKind::Request);
    assert!(one.take(first, &folder, &mut shared));
    assert!(!one.take(second, &folder, &mut shared));
    one.detach(&mut shared);
    let mut compacted = one.clone();
    compacted.compact(&folder, &mut shared);
    assert!(!compacted.take(third, &folder, &mut shared));
    let lines = merged(one, &compacted, &folder).into_lines(&folder);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].hits.iter().any(|hit| hit.captures.iter().any(|(_, value)| value == "sharp")));
}

/// Debug lines of more than a request may hold, with the decisive line somewhere among them.
fn flood(decisive_at: u64) -> Vec<Record> {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| "state of the cart: ".repeat(500));
    let count = (2 * MAX_HELD_BYTES / text.len()) as u64;
    (0..count)
        .map(|number| {
            let mut one = record(number);
            one.marks = Marks::default();
            one.status = None;
            one.level = Some(Level::Debug);
            one.message = format!("{number} {text}");
            if number == decisive_at.min(count - 1) {
                one.level = Some(Level::Error);
                one.message = "Error: Cannot find module 'sharp'".to_owned();
            }
            one
        })
        .collect()
}

#[test]
fn a_flood_of_debug_lines_does_not_push_the_decisive_line_out() {
    let folder = folder();
    for decisive_at in [0, 5, 60, 90, u64::MAX] {
        let records = flood(decisive_at);
        let mut forth = Partial::new(Some("r-1"), IdKind::Request);
        let mut back = Partial::new(Some("r-1"), IdKind::Request);
        records.iter().for_each(|record| put(&mut forth, record.clone(), &folder));
        records.iter().rev().for_each(|record| put(&mut back, record.clone(), &folder));
        let (first, second) = records.split_at(records.len() / 3);
        let mut halves = Partial::new(Some("r-1"), IdKind::Request);
        second.iter().for_each(|record| put(&mut halves, record.clone(), &folder));
        let mut other = Partial::new(Some("r-1"), IdKind::Request);
        first.iter().for_each(|record| put(&mut other, record.clone(), &folder));
        halves.merge(other, &folder);
        // Everything once more.
        records.iter().for_each(|record| put(&mut halves, record.clone(), &folder));
        let forth = seen(forth, &folder);
        assert!(forth.4.len() < records.len() / 2, "{} lines are kept", forth.4.len());
        assert!(
            forth.4.iter().any(|line| line.text.contains("'sharp'") && !line.hits.is_empty()),
            "the decisive line at {decisive_at}"
        );
        assert_eq!(forth, seen(back, &folder));
        assert_eq!(forth, seen(halves, &folder));
    }
}
