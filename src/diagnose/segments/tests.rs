use super::*;
use crate::diagnose::story::Story;

fn said(story: &Story) -> Vec<String> {
    let traffic = story.traffic();
    let found = of(&story.judged, &traffic, true);
    let mut reversed = story.judged.clone();
    reversed.reverse();
    assert_eq!(found, of(&reversed, &traffic, true));
    let one = |segment: &Segment| format!("{}={}", segment.dimension, segment.value);
    found.values().flatten().map(one).collect()
}

/// Thirty failures in `fra1`, among requests that are a third there.
fn one_region() -> Story {
    let mut story = Story::default();
    for minute in 0..30 {
        story.good(minute, "/a", "d1", 100);
        story.failed(minute, "/a", "d1", "boom", &[("region", "fra1"), ("runtime", "node")]);
    }
    for region in ["fra1", "iad1", "sfo1"] {
        story.sampled("/a", &[("region", region), ("runtime", "node")], 50);
    }
    story
}

#[test]
fn a_region_that_fails_alone() {
    let story = one_region();
    assert_eq!(said(&story), ["region=fra1"]);
    let found = of(&story.judged, &story.traffic(), true);
    let region = &found["boom"][0];
    assert_eq!((region.failures, region.of_failures), (30, 30));
    assert_eq!((region.requests, region.of_requests), (1030, 3030));
    assert_eq!((region.lift, region.estimated, region.among), (2.94, true, Among::Routes));
    assert!(region.p_value < 1e-10 && region.q_value >= region.p_value);
}

#[test]
fn what_all_requests_have_is_no_segment() {
    let mut story = one_region();
    story.judged.retain(|_| false);
    assert_eq!(said(&story), [""; 0]);
    let mut story = Story::default();
    for minute in 0..30 {
        story.good(minute, "/a", "d1", 100);
        let region = ["fra1", "iad1", "sfo1"][minute as usize % 3];
        story.failed(minute, "/a", "d1", "boom", &[("region", region)]);
        story.sampled("/a", &[("region", region)], 5);
    }
    assert_eq!(said(&story), [""; 0]);
}

#[test]
fn a_value_that_only_failures_name_proves_nothing() {
    let mut story = one_region();
    for one in &mut story.judged {
        one.dimensions.insert("tenantId".to_owned(), "acme".to_owned());
    }
    assert_eq!(said(&story), ["region=fra1"]);
}

#[test]
fn flags_of_a_list_are_off_where_the_list_does_not_name_them() {
    let mut story = Story::default();
    for minute in 0..30 {
        story.good(minute, "/a", "", 100);
        story.failed(minute, "/a", "", "boom", &[("flags.beta", "on"), ("flags.old", "on")]);
    }
    story.sampled("/a", &[("flags.old", "on")], 90);
    story.sampled("/a", &[("flags.beta", "on"), ("flags.old", "on")], 10);
    story.sampled("/a", &[], 90);
    assert_eq!(said(&story), ["flags.beta=on"]);
}

#[test]
fn deployments_are_counted_exactly_in_the_time_of_the_incident() {
    let mut story = Story::default();
    for minute in 0..30 {
        story.good(minute, "/a", "stable", 90);
        story.good(minute, "/a", "canary", 8);
        story.bad(minute, "/a", "canary", "boom", 2);
    }
    // The canary's own good time does not count.
    (100..130).for_each(|minute| story.good(minute, "/a", "canary", 1000));
    assert_eq!(said(&story), ["deployment=canary"]);
    let found = of(&story.judged, &story.traffic(), true);
    let canary = &found["boom"][0];
    assert_eq!((canary.requests, canary.of_requests, canary.lift), (300, 3000, 10.0));
    assert!(!canary.estimated);
}

#[test]
fn logs_of_failures_alone_and_small_samples_say_nothing() {
    let mut story = Story::default();
    (0..30).for_each(|minute| story.failed(minute, "/a", "", "boom", &[("region", "fra1")]));
    assert_eq!(said(&story), [""; 0]);
    story.good(0, "/a", "", 900);
    story.sampled("/a", &[("region", "iad1")], 29);
    assert_eq!(said(&story), [""; 0]);
    story.sampled("/b", &[("region", "iad1")], 9);
    let found = of(&story.judged, &story.traffic(), true);
    assert_eq!(found["boom"][0].among, Among::All);
    assert!(of(&story.judged, &story.traffic(), false).is_empty(), "requests were forgotten");
}

#[test]
fn warm_starts_are_known_where_there_is_a_cold_one() {
    let mut story = one_region();
    story.failed(0, "/a", "d1", "boom", &[("start", "warm")]);
    let mut sample = story.traffic().sample;
    forget_unknown_starts(&mut story.judged, &mut sample);
    assert!(story.judged.iter().all(|one| !one.dimensions.contains_key("start")));
    story.failed(0, "/a", "d1", "boom", &[("start", "cold")]);
    story.failed(0, "/a", "d1", "boom", &[("start", "warm")]);
    forget_unknown_starts(&mut story.judged, &mut sample);
    assert_eq!(story.judged.iter().filter(|one| one.dimensions.contains_key("start")).count(), 2);
}
