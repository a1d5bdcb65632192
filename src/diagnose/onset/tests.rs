use super::*;
use crate::diagnose::story::Story;

/// The onset of the only incident; the order of the failures makes no difference.
fn onset(story: &Story) -> Onset {
    onset_with(story, &BTreeMap::new())
}

fn onset_with(story: &Story, segments: &BTreeMap<String, Vec<Segment>>) -> Onset {
    let traffic = story.traffic();
    let found = of(&story.judged, &traffic, segments, true);
    let mut reversed = story.judged.clone();
    reversed.reverse();
    assert_eq!(found, of(&reversed, &traffic, segments, true));
    assert_eq!(found.len(), 1);
    found.into_values().next().expect("an onset")
}

/// Ten minutes of deployment `old`, ten of `new` on which every request fails, ten of `fix`.
fn rollout() -> Story {
    let mut story = Story::default();
    for minute in 0..10 {
        story.good(minute, "/a", "old", 10);
        story.bad(10 + minute, "/a", "new", "boom", 10);
        story.good(20 + minute, "/a", "fix", 10);
    }
    story
}

#[test]
fn it_begins_with_a_deployment_and_ends_with_the_next() {
    let onset = onset(&rollout());
    let start = onset.deployment.expect("a deployment");
    assert_eq!((start.id.as_str(), start.previous.as_deref()), ("new", Some("old")));
    assert_eq!((start.first_seen.as_str(), start.requests_before), ("1970-01-01T00:10:00.000Z", 100));
    assert!(start.p_value < 1e-20);
    let change = onset.change.expect("a change");
    assert_eq!((change.at.as_str(), change.before.failed), ("1970-01-01T00:10:00.000Z", 0));
    assert_eq!((onset.pattern, onset.scope), (Pattern::Deterministic, Some(Scope::Routes)));
    assert_eq!((onset.state, onset.requests_after), (State::Ended, 100));
    assert_eq!(onset.ended_with.as_deref(), Some("fix"));
}

#[test]
fn a_deployment_that_served_well_first_did_not_begin_it() {
    let mut story = rollout();
    for minute in 5..10 {
        story.good(minute, "/a", "new", 10);
    }
    let onset = onset(&story);
    assert_eq!(onset.deployment, None);
    assert!(onset.change.is_some());
}

#[test]
fn failures_on_older_deployments_begin_with_none() {
    let mut story = rollout();
    story.bad(4, "/a", "old", "boom", 1);
    assert_eq!(onset(&story).deployment, None);
}

#[test]
fn beside_others_it_is_all_requests_of_its_deployments() {
    let mut story = Story::default();
    for minute in 0..10 {
        story.good(minute, "/a", "stable", 20);
        if minute >= 3 {
            story.bad(minute, "/a", "canary", "boom", 2);
        }
    }
    let onset = onset(&story);
    assert_eq!((onset.pattern, onset.scope), (Pattern::Deterministic, Some(Scope::Deployments)));
    assert_eq!(onset.state, State::Ongoing);
    assert_eq!(onset.deployment.map(|start| start.id).as_deref(), Some("canary"));
}

#[test]
fn a_few_requests_decide_nothing() {
    let mut story = Story::default();
    story.good(0, "/a", "old", 2);
    story.bad(1, "/a", "new", "boom", 2);
    story.good(2, "/a", "new", 1);
    let onset = onset(&story);
    assert_eq!((onset.deployment, onset.change), (None, None));
    assert_eq!((onset.pattern, onset.state), (Pattern::Unknown, State::Unknown));
}

#[test]
fn without_the_requests_that_went_well_nothing_is_said() {
    let mut story = Story::default();
    (0..20).for_each(|minute| story.bad(minute, "/a", "new", "boom", 9));
    let onset = onset(&story);
    assert_eq!(onset.requests, Denominator::LowerBound);
    assert_eq!((onset.pattern, onset.state), (Pattern::Unknown, State::Unknown));
    story.good(3, "/b", "", 1);
    let traffic = story.traffic();
    let forgotten = of(&story.judged, &traffic, &BTreeMap::new(), false);
    assert_eq!(forgotten["boom"].requests, Denominator::LowerBound, "requests were forgotten");
}

#[test]
fn it_goes_with_many_requests_a_minute() {
    let mut story = Story::default();
    for minute in 0..60 {
        let busy = minute % 3 == 0;
        story.good(minute, "/a", "", if busy { 100 } else { 20 });
        story.bad(minute, "/a", "", "boom", if busy { 12 } else { minute as u64 % 2 });
        // Load counts on all routes.
        story.good(minute, "/b", "", if busy { 1000 } else { 300 - minute as u64 % 3 });
    }
    let onset = onset(&story);
    assert_eq!(onset.pattern, Pattern::Intermittent);
    let with: Vec<&str> = onset.correlates.iter().map(|one| one.with).collect();
    assert_eq!(with, ["concurrency"]);
    assert!(onset.correlates[0].says.contains("more than"), "{onset:?}");
}

#[test]
fn it_goes_with_an_hour_of_the_day() {
    let mut story = Story::default();
    for hour in 0..72 {
        story.good(hour * 60, "/a", "", 50);
        story.bad(hour * 60, "/a", "", "boom", if hour % 24 == 3 { 20 } else { u64::from(hour % 12 == 0) });
    }
    let onset = onset(&story);
    let hour = onset.correlates.iter().find(|one| one.with == "time_of_day").expect("an hour");
    assert_eq!((hour.says.as_str(), hour.inside.failed), ("03:00–04:00 UTC", 60));
}

#[test]
fn it_goes_with_cold_starts() {
    let mut story = Story::default();
    for minute in 0..30 {
        story.good(minute, "/a", "", 10);
        story.failed(minute, "/a", "", "boom", &[("start", "cold")]);
    }
    story.sampled("/a", &[("start", "warm")], 190);
    story.sampled("/a", &[("start", "cold")], 10);
    let segments = crate::diagnose::segments::of(&story.judged, &story.traffic(), true);
    let onset = onset_with(&story, &segments);
    let with: Vec<&str> = onset.correlates.iter().map(|one| one.with).collect();
    assert_eq!(with, ["cold_start"], "{segments:?}");
}

#[test]
fn other_incidents_of_the_route_do_not_make_it_intermittent() {
    let mut story = Story::default();
    for minute in 0..10 {
        story.good(minute, "/a", "", 10);
        story.bad(10 + minute, "/a", "", "boom", 7);
        story.bad(10 + minute, "/a", "", "other", 3);
    }
    let found = of(&story.judged, &story.traffic(), &BTreeMap::new(), true);
    assert_eq!(found["boom"].pattern, Pattern::Deterministic);
    assert_eq!(found["other"].pattern, Pattern::Unknown, "most of the others failed otherwise");
}
