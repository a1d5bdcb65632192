use std::sync::Arc;

use super::*;
use crate::correlate::traffic::Cell;
use crate::report::fixture;
use crate::report::slo::Advice;

/// 2026-01-31T00:00:00Z in minutes.
const END: i64 = 1_769_817_600_000 / 60_000;

/// Minute counted back from the end, route, deployment, requests, failed.
type Row = (i64, &'static str, &'static str, u64, u64);

/// A report on logs from `covered` minutes before the end to the end.
fn report(covered: i64, rows: &[Row]) -> Report {
    let mut report = fixture::calm();
    report.window.from = Some(time::rfc3339((END - covered + 1) * 60_000));
    report.window.to = Some(time::rfc3339(END * 60_000 + 30_000));
    report.traffic.whole.cells = rows
        .iter()
        .map(|(back, route, deployment, requests, failed)| Cell {
            minute_ms: Some((END - back) * 60_000),
            route: Some(Arc::from(*route)),
            deployment: (!deployment.is_empty()).then(|| Arc::from(*deployment)),
            requests: *requests,
            failed: *failed,
        })
        .collect();
    report.requests.total = rows.iter().map(|row| row.3).sum();
    report.requests.failed = rows.iter().map(|row| row.4).sum();
    report.requests.incomplete = 0;
    report
}

fn objective(percent: &str) -> Objective {
    Objective::new(parse_target(percent).expect("an objective"), 30 * 1440, None)
}

/// `minutes` minutes of traffic, each with so many requests and failures.
fn steady(minutes: i64, requests: u64, failed: u64) -> Vec<Row> {
    (0..minutes).map(|back| (back, "/api/orders/[id]", "dpl_1", requests, failed)).collect()
}

#[test]
fn objectives_and_spans_are_read() {
    assert_eq!(objective("99.9").target_percent(), 99.9);
    assert_eq!(objective("99.999999%").allowed_share(), 1e-8);
    for wrong in ["0", "100", "", "99,9", "-1", "99.9999999", "1e1", "abc", "0.000000", "."] {
        assert!(parse_target(wrong).is_err(), "{wrong}");
    }
    let spans = ["30d", "12h", "90m", "4w"].map(|text| parse_span(text).expect("a span"));
    assert_eq!(spans, [43_200, 720, 90, 40_320]);
    for wrong in ["", "d", "0d", "30", "3 d", "99999w", "99999999999999999999d", "1ü"] {
        assert!(parse_span(wrong).is_err(), "{wrong}");
    }
}

/// Table 5-8 of the workbook: at each alert's burn rate over its long window this share of a 30-day budget is gone.
#[test]
fn thresholds_spend_what_the_workbook_says() {
    for ((long, _, threshold), percent) in ALERTS.iter().zip([2.0, 5.0, 10.0]) {
        let spent = *threshold as f64 / 10.0 * *long as f64 / f64::from(30 * 1440) * 100.0;
        assert!((spent - percent).abs() < 1e-9, "{long}: {spent}");
    }
}

#[test]
fn exactly_the_threshold_is_crossed_and_just_below_is_not() {
    // 14.4 times 0.1 % are 1.44 %: 144 of 10 000 in every minute.
    let at = of(&report(60, &steady(60, 10_000, 144)), &objective("99.9"));
    assert_eq!((at.burn[0].verdict, at.verdict), (State::Crossed, State::Crossed));
    assert_eq!(at.burn[0].long.rate, Some(14.4));
    let below = of(&report(60, &steady(60, 10_000, 143)), &objective("99.9"));
    assert_eq!(below.burn[0].verdict, State::Kept);
    assert_eq!(below.denominator, Denominator::Exact);
}

#[test]
fn both_windows_have_to_burn() {
    // An hour ago it burned; for the last five minutes all is well.
    let mut rows = steady(60, 100, 20);
    rows.iter_mut().take(5).for_each(|row| row.4 = 0);
    let over = of(&report(60, &rows), &objective("99.9"));
    assert_eq!(over.burn[0].verdict, State::Kept);
    assert!(over.burn[0].long.rate > Some(14.4));
    // The longer windows still see it, by what the logs hold.
    assert_eq!(over.burn[1].verdict, State::Crossed, "1/6 of 180 is more than 6");
}

#[test]
fn what_the_logs_do_not_cover_makes_it_uncertain() {
    // Ten minutes at 2 %: 20 times too fast, but for a sixth of an hour only.
    let slo = of(&report(10, &steady(10, 1000, 20)), &objective("99.9"));
    assert_eq!(slo.burn[0].verdict, State::Unknown);
    assert_eq!(slo.verdict, State::Unknown);
    assert_eq!((slo.burn[0].long.covered_minutes, slo.burn[0].short.covered_minutes), (10, 5));
    assert!(slo.rollback.is_none());
    // Ten minutes in which everything fails but one in a hundred cost the hour whatever the rest was.
    let slo = of(&report(10, &steady(10, 100, 99)), &objective("99.9"));
    assert_eq!(slo.burn[0].verdict, State::Crossed);
}

#[test]
fn logs_of_errors_only_are_a_lower_bound() {
    let slo = of(&report(60, &steady(60, 3, 3)), &objective("99.9"));
    assert_eq!((slo.denominator, slo.verdict), (Denominator::LowerBound, State::Unknown));
    assert!(slo.notes[0].contains("errors only"), "{:?}", slo.notes);
    let mut unfinished = report(60, &steady(60, 3, 1));
    unfinished.requests.incomplete = 120;
    assert_eq!(of(&unfinished, &objective("99.9")).denominator, Denominator::LowerBound);
    let mut short = report(60, &steady(60, 3, 1));
    short.requests.exact = false;
    assert_eq!(of(&short, &objective("99.9")).denominator, Denominator::LowerBound);
}

#[test]
fn the_budget_and_what_incidents_took_of_it() {
    let mut report = report(1440, &steady(1000, 100, 0));
    report.traffic.whole.cells[0].failed = 30;
    report.requests.failed = 30;
    let failure = fixture::busy().failures[0].clone();
    let minute = Some(time::rfc3339(END * 60_000 + 5));
    report.failures = (0..30)
        .map(|n| crate::report::model::Failure {
            incident: if n < 20 { "a" } else { "b" }.to_owned(),
            time: if n == 29 { Some("2025-01-01T00:00:00.000Z".to_owned()) } else { minute.clone() },
            ..failure.clone()
        })
        .collect();
    let slo = of(&report, &objective("99.9"));
    assert_eq!((slo.spent.requests, slo.spent.budget, slo.spent.budget_spent), (100_000, 100.0, Some(0.3)));
    assert_eq!(slo.spent.availability, Some(0.9997));
    let shares: Vec<_> =
        slo.incidents.iter().map(|one| (one.id.as_str(), one.failed, one.budget_spent)).collect();
    assert_eq!(shares, [("a", 20, Some(0.2)), ("b", 9, Some(0.09))], "one lies before the period");
    assert_eq!(slo.covered_minutes, 1440);
}

#[test]
fn as_of_is_the_only_clock() {
    let rows = steady(120, 100, 50);
    let later = Objective { as_of_ms: Some((END + 60) * 60_000), ..objective("99.9") };
    let slo = of(&report(120, &rows), &later);
    assert_eq!(slo.burn[0].long.requests, 0);
    assert_eq!(slo.burn[0].verdict, State::Kept);
    let earlier = Objective { as_of_ms: Some((END - 60) * 60_000), ..objective("99.9") };
    let slo = of(&report(120, &rows), &earlier);
    assert_eq!(slo.spent.requests, 6000);
    assert!(slo.notes.iter().any(|note| note.contains("6000 requests lie outside")), "{:?}", slo.notes);
    let nothing = of(&fixture::empty(), &objective("99.9"));
    assert_eq!((nothing.verdict, nothing.as_of, nothing.spent.availability), (State::Unknown, None, None));
}

#[test]
fn a_family_can_burn_while_the_whole_does_not() {
    let mut rows = steady(60, 100_000, 0);
    rows.extend((0..60).map(|back| (back, "/api/pay/[id]", "dpl_1", 10, 5)));
    let slo = of(&report(60, &rows), &objective("99.9"));
    assert!(slo.burn.iter().all(|burn| burn.verdict == State::Kept));
    assert_eq!((slo.families.len(), slo.families_without_failures), (1, 1));
    assert_eq!(slo.families[0].family.as_deref(), Some("/api/pay"));
    assert_eq!((slo.families[0].verdict, slo.verdict), (State::Crossed, State::Crossed));
}

fn advice(rows: &[Row]) -> crate::report::slo::Rollback {
    let covered = rows.iter().map(|row| row.0 + 1).max().unwrap_or(1);
    of(&report(covered, rows), &objective("99.9")).rollback.expect("a threshold is crossed")
}

#[test]
fn the_last_good_deployment_is_named() {
    let mut rows: Vec<Row> = (60..120).map(|back| (back, "/api/orders", "dpl_old", 100, 0)).collect();
    rows.extend((30..60).map(|back| (back, "/api/orders", "dpl_good", 100, 0)));
    // Nothing but another route ran on this one: it proves nothing.
    rows.extend((30..32).map(|back| (back, "/about", "dpl_silent", 100, 0)));
    rows.extend((0..30).map(|back| (back, "/api/orders", "dpl_bad", 100, 40)));
    let rollback = advice(&rows);
    assert_eq!(rollback.advice, Advice::RollBack, "{}", rollback.why);
    assert_eq!(rollback.last_good.map(|one| (one.id, one.requests)), Some(("dpl_good".to_owned(), 3000)));
    let bad = rollback.bad.expect("a bad one");
    assert_eq!((bad.id.as_str(), bad.requests, bad.failed), ("dpl_bad", 3000, 1200));
    // A second bad one in front of it does not make the first one good.
    rows.extend((0..20).map(|back| (back, "/api/orders", "dpl_worse", 100, 80)));
    assert_eq!(advice(&rows).bad.map(|one| one.id).as_deref(), Some("dpl_bad"));
}

#[test]
fn nothing_is_rolled_back_that_was_replaced_already() {
    let mut rows: Vec<Row> = (60..120).map(|back| (back, "/api/orders", "dpl_good", 100, 0)).collect();
    rows.extend((30..60).map(|back| (back, "/api/orders", "dpl_bad", 100, 40)));
    rows.extend((0..30).map(|back| (back, "/api/orders", "dpl_fixed", 100, 0)));
    let rollback = advice(&rows);
    assert_eq!(rollback.advice, Advice::AlreadyReplaced, "{}", rollback.why);
    // While the bad one still answers, it is not replaced.
    rows.push((0, "/api/orders", "dpl_bad", 100, 40));
    assert_eq!(advice(&rows).advice, Advice::RollBack);
}

#[test]
fn no_rollback_where_it_would_not_help_or_nothing_is_known() {
    // The deployment was fine for an hour.
    let mut rows: Vec<Row> = (30..90).map(|back| (back, "/api/orders", "dpl_1", 100, 0)).collect();
    rows.extend((0..30).map(|back| (back, "/api/orders", "dpl_1", 100, 40)));
    assert_eq!(advice(&rows).advice, Advice::NotTheDeployment);
    // An outage that an old deployment sees as well as a new one.
    rows.extend((0..20).map(|back| (back, "/api/orders", "dpl_2", 100, 40)));
    assert_eq!(advice(&rows).advice, Advice::NotTheDeployment);
    // Failing since the logs begin.
    assert_eq!(advice(&steady(60, 100, 40)).advice, Advice::Unknown);
    // A predecessor with too few requests to be called good.
    let mut rows = steady(60, 100, 40);
    rows.push((61, "/api/orders", "dpl_0", 5, 0));
    assert_eq!(advice(&rows).advice, Advice::Unknown);
    // No deployment in the logs.
    let rows: Vec<Row> = (0..60).map(|back| (back, "/api/orders", "", 100, 40)).collect();
    let rollback = advice(&rows);
    assert_eq!((rollback.advice, rollback.bad), (Advice::Unknown, None));
}
