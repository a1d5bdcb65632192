//! Sources that run newest first: what they let go of on the way back changes nothing.

use why500::report::model::Report;

use crate::generate::{Format, Random};
use crate::horizon::{Drain, LONG_MS, counts};
use crate::inputs::generated_of;
use crate::support::{Pieces, assert_same, engine, findings, run, run_pieces};

/// Requests with all that makes an order tell: middleware, lines before and after the answer, long ones, retries.
fn traffic() -> Drain {
    let mut drain = Drain::default();
    for number in 0..200u64 {
        let (id, at) = (format!("r{number}"), number * 3_000);
        let status = if number % 10 == 0 { 500 } else { 200 };
        drain.middleware(at, &id, 200);
        drain.says(at + 20, &id, "error", "Error: Cannot find module 'sharp'");
        // Some take much longer than the horizon.
        let end = at + if number % 7 == 0 { 60_000 } else { 500 };
        drain.answer(end, &id, status).says(end + 40, &id, "info", "written");
        if number % 23 == 0 {
            // Tried again under the same ID: the last answer decides.
            drain.answer(end + 1_000, &id, 700 - status);
        }
    }
    drain.lines.sort();
    drain
}

fn reversed(drain: &Drain) -> Drain {
    let mut back = drain.clone();
    back.lines.reverse();
    back
}

fn of(drains: &[(&str, &Drain)]) -> Report {
    let bytes: Vec<(&str, Vec<u8>)> = drains.iter().map(|(name, drain)| (*name, drain.bytes())).collect();
    let sources: Vec<(&str, &[u8])> = bytes.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
    let (one, two) = (run(engine(1), &sources), run(engine(2), &sources));
    assert_same(&findings(&one), &findings(&two), "threads");
    one
}

/// Every other line, and the rest.
fn dealt(drain: &Drain) -> (Drain, Drain) {
    let (mut even, mut odd) = (Drain::default(), Drain::default());
    for (number, line) in drain.lines.iter().enumerate() {
        if number % 2 == 0 { even.lines.push(line.clone()) } else { odd.lines.push(line.clone()) }
    }
    (even, odd)
}

#[test]
fn newest_first_says_what_oldest_first_says() {
    let forth = traffic();
    let (first, back) = (of(&[("a", &forth)]), reversed(&forth));
    assert_eq!(first.requests.total, 200);
    assert!(first.requests.failed > 15);
    assert_same(&findings(&first), &findings(&of(&[("a", &back)])), "newest first");
    let pieces = run_pieces(engine(1), "a", Pieces::random(&back.bytes(), 3));
    assert_same(&findings(&first), &findings(&pieces), "in pieces");
    assert_same(&findings(&first), &findings(&of(&[("a", &back), ("b", &back)])), "twice");
    let (even, odd) = dealt(&back);
    assert_same(&findings(&first), &findings(&of(&[("a", &even), ("b", &odd)])), "two files");
    assert_same(&findings(&first), &findings(&of(&[("b", &even), ("a", &odd)])), "the other way round");
    // One after the other in time.
    let (mut early, mut late) = (back.clone(), back.clone());
    early.lines.drain(..300);
    late.lines.truncate(300);
    assert_same(&findings(&first), &findings(&of(&[("a", &early), ("b", &late)])), "by time");
    // Directions mixed.
    let (even_forth, _) = dealt(&forth);
    let mixed = of(&[("a", &even_forth), ("b", &back)]);
    assert_same(&findings(&first), &findings(&mixed), "one forth, one back");
    // A file of one line goes either way.
    let mut line = Drain::default();
    line.lines.push(forth.lines[7].clone());
    assert_same(&findings(&first), &findings(&of(&[("a", &back), ("b", &line)])), "beside one line");
}

#[test]
fn rows_out_of_order_change_no_count() {
    let forth = traffic();
    let expected = counts(&of(&[("a", &forth)]));
    for seed in 1..6 {
        let (mut back, mut random) = (reversed(&forth), Random::new(seed));
        // Beyond the first lines, which tell the direction, some stand far from their place.
        let count = back.lines.len() as u64;
        for _ in 0..40 {
            let (one, two) = (40 + random.below(count - 40), 40 + random.below(count - 40));
            back.lines.swap(one as usize, two as usize);
        }
        assert_eq!(counts(&of(&[("a", &back)])), expected, "seed {seed}");
    }
}

#[test]
fn a_late_row_meets_what_was_decided() {
    let mut drain = Drain::default();
    drain.pass(1_000, LONG_MS).answer(LONG_MS + 500, "late", 200).answer(LONG_MS + 600, "gone", 499);
    drain.lines.sort();
    let healthy = reversed(&drain);
    let before = of(&[("a", &healthy)]);
    assert_eq!((counts(&before), before.requests.aborted), ((42, 0), 1));
    // Older ones change nothing but what is known of the route.
    let mut late = healthy.clone();
    late.answer(5, "late", 503).answer(6, "gone", 503);
    let after = of(&[("a", &late)]);
    assert_eq!((&before.requests, &before.routes), (&after.requests, &after.routes));
    assert!(after.incidents.is_empty());
    // A newer one that stands at the end decides, and counts once.
    let mut late = healthy.clone();
    late.answer(LONG_MS + 700, "late", 503).answer(LONG_MS + 700, "late", 503);
    let after = of(&[("a", &late)]);
    assert_eq!(counts(&after), (42, 1));
    assert_eq!(after.failures[0].status, Some(503));
    // Let go and brought back time and again.
    let mut late = healthy;
    for at in [9_000, 8_000, 5_000, 200] {
        late.pass(at - 100, at).says(at - 150, "late", "error", "Error: Cannot find module 'sharp'");
    }
    assert_eq!(of(&[("a", &late)]).requests.failed, 0);
}

#[test]
fn a_second_attempt_stands_whichever_way_it_is_read() {
    let line = |at_s: u64, text: &str| {
        let (minute, second) = (at_s / 60, at_s % 60);
        format!(
            "2026-01-05T00:{minute:02}:{second:02}.000000+00:00 2026/01/05/[$LATEST]0123456789abcdef0123456789abcdef {text}"
        )
    };
    let mut lines = Vec::new();
    for number in 0..50u64 {
        let (id, at) = (format!("{number:08x}-2222-4333-8444-555555555555"), number * 10);
        let again = number % 10 == 3;
        lines.push((at, line(at, &format!("START RequestId: {id} Version: $LATEST"))));
        if again {
            lines.push((
                at + 3,
                line(at + 3, &format!("2026-01-05T00:00:00.000Z {id} Task timed out after 3.00 seconds")),
            ));
        }
        lines.push((at + 4, line(at + 4, &format!("END RequestId: {id}"))));
        if again {
            lines.push((at + 66, line(at + 66, &format!("START RequestId: {id} Version: $LATEST"))));
            lines.push((at + 67, line(at + 67, &format!("END RequestId: {id}"))));
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    let text = |lines: &[(u64, String)]| {
        lines.iter().flat_map(|(_, line)| format!("{line}\n").into_bytes()).collect::<Vec<u8>>()
    };
    let forth = run(engine(1), &[("a.log", &text(&lines))]);
    lines.reverse();
    let back = run(engine(1), &[("a.log", &text(&lines))]);
    assert_eq!(counts(&forth), counts(&back));
    assert_same(&findings(&forth), &findings(&back), "newest first");
}

#[test]
fn an_export_read_backwards_finds_what_was_made() {
    let (bytes, truth) = generated_of(Format::Dashboard, 5, 2_000_000, 100);
    let one = run(engine(1), &[("a.csv", &bytes)]);
    let failed: u64 = truth.classes.values().sum();
    assert_eq!(counts(&one), (truth.requests, failed));
    assert!(one.failures.iter().all(|failure| failure.cause.is_some()));
    for report in
        [run(engine(2), &[("a.csv", &bytes)]), run(engine(1), &[("a.csv", &bytes), ("b.csv", &bytes)])]
    {
        assert_same(&findings(&one), &findings(&report), "again");
    }
}
