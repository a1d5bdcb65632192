use std::collections::BTreeMap;

use super::side::Found;
use super::*;
use crate::report::table::TableOptions;

/// A side with requests by route and failures by incident and route.
fn side(name: &str, routes: &[(&str, u64)], failures: &[(&str, &str, u64)]) -> Side {
    let mut incidents: BTreeMap<String, Found> = BTreeMap::new();
    for (incident, route, failed) in failures {
        let found = incidents.entry((*incident).to_owned()).or_insert_with(|| Found {
            class: Class::Connectivity,
            cause: Some("refused".to_owned()),
            title: format!("The title of {incident}"),
            routes: BTreeMap::new(),
        });
        found.routes.insert(Some((*route).to_owned()), *failed);
    }
    Side {
        name: name.to_owned(),
        window_ms: None,
        routes: routes.iter().map(|(route, requests)| (Some((*route).to_owned()), *requests)).collect(),
        failed: failures.iter().map(|(_, _, failed)| failed).sum(),
        denominator: Denominator::Exact,
        incidents,
    }
}

fn verdicts(comparison: &Comparison) -> Vec<(&str, Verdict)> {
    comparison.incidents.iter().map(|change| (change.id.as_str(), change.verdict)).collect()
}

#[test]
fn every_verdict() {
    let routes = [("/a", 1000), ("/b", 1000)];
    let before = side(
        "old",
        &routes,
        &[
            ("gone", "/a", 50),
            ("same", "/a", 50),
            ("better", "/b", 90),
            ("worse", "/b", 10),
            ("rare", "/b", 1),
        ],
    );
    let after = side(
        "new",
        &routes,
        &[("new", "/a", 40), ("same", "/a", 55), ("better", "/b", 20), ("worse", "/b", 80)],
    );
    let comparison = compare(&before, &after, Vec::new());
    assert_eq!(
        verdicts(&comparison),
        [
            ("new", Verdict::New),
            ("worse", Verdict::Worse),
            ("rare", Verdict::Unknown),
            ("same", Verdict::Same),
            ("better", Verdict::Better),
            ("gone", Verdict::Gone),
        ]
    );
    let worse = &comparison.incidents[1];
    assert_eq!((worse.after.rate, worse.before.rate), (Some(0.08), Some(0.01)));
    let difference = worse.difference.expect("an interval");
    assert!(difference.low > 0.05 && difference.high < 0.09, "{difference:?}");
    assert!(comparison.incidents.iter().all(|change| change.q_value >= change.p_value));
    let other_way = compare(&after, &before, Vec::new());
    assert_eq!(other_way.count(Verdict::Worse), 1);
    assert_eq!(other_way.count(Verdict::New), 2, "gone, and the rare one");
}

#[test]
fn new_is_new_however_seldom() {
    let before = side("old", &[("/a", 10)], &[]);
    let after = side("new", &[("/a", 1000), ("/b", 5)], &[("one", "/a", 1), ("two", "/b", 5)]);
    let comparison = compare(&before, &after, Vec::new());
    assert_eq!(verdicts(&comparison), [("two", Verdict::New), ("one", Verdict::New)]);
    let notes: Vec<&str> = comparison.incidents.iter().filter_map(|change| change.note.as_deref()).collect();
    assert_eq!(
        notes,
        ["its routes had no request before", "seldom enough that it may have been there before"]
    );
}

#[test]
fn without_the_requests_that_went_well_only_new_is_said() {
    let before = side("old", &[("/a", 9)], &[("gone", "/a", 4), ("both", "/a", 5)]);
    let mut after = side("new", &[("/a", 900)], &[("both", "/a", 800), ("new", "/a", 100)]);
    after.denominator = Denominator::LowerBound;
    let comparison = compare(&before, &after, Vec::new());
    assert_eq!(
        verdicts(&comparison),
        [("new", Verdict::New), ("both", Verdict::Unknown), ("gone", Verdict::Unknown)]
    );
    assert!(
        comparison.incidents.iter().all(|change| change.after.rate.is_none() && change.p_value.is_none())
    );
    assert!(comparison.remarks[0].starts_with("new: the number of requests is a lower bound"));
}

#[test]
fn the_page_and_what_is_redacted() {
    let before = side("old", &[("/a", 1000)], &[]);
    let after = side("new", &[("/a", 1000)], &[("i1", "/a", 29)]);
    let mut comparison = compare(&before, &after, vec!["a remark".to_owned()]);
    comparison.redact(&|text| text.replace("title", "‹name›"));
    let mut page = Vec::new();
    table::write(&comparison, &TableOptions::default(), &mut page).expect("writes");
    let page = String::from_utf8(page).expect("text");
    assert_eq!(
        page,
        "1 new
before   old · 0 of 1 000 requests failed
after    new · 29 of 1 000 requests failed

new      The ‹name› of i1
         0 of 1 000 (0%, 0–0.38%) → 29 of 1 000 (2.9%, 2.0–4.1%)
         connectivity · /a · incident i1 · q < 0.001

note     a remark
"
    );
    let mut json = Vec::new();
    comparison.write_json(&mut json).expect("writes");
    assert!(String::from_utf8_lossy(&json).contains("\"verdict\": \"new\""));
}

#[test]
fn nothing_on_either_side() {
    let comparison = compare(&side("a", &[], &[]), &side("b", &[("/a", 3)], &[]), Vec::new());
    assert!(comparison.incidents.is_empty());
    let mut page = Vec::new();
    table::write(&comparison, &TableOptions::default(), &mut page).expect("writes");
    assert!(String::from_utf8_lossy(&page).starts_with("No incident on either side\n"));
}
