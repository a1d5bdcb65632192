//! `why500 compare`: two inputs, one input in two, exit codes.

use serde_json::{Value, json};

use super::support::{Dir, REFUSED, Ran, drain_value};

/// A log of one deployment: `bad` of `all` requests, one a second from `from` seconds on.
fn log(from: u64, all: u64, bad: u64, deployment: &str, environment: &str) -> String {
    let mut out = String::new();
    for number in from..from + all {
        let mut entry = match number - from < bad {
            true => drain_value(number, 500, REFUSED),
            false => drain_value(number, 200, "ok"),
        };
        entry["deploymentId"] = json!(deployment);
        entry["environment"] = json!(environment);
        out.push_str(&entry.to_string());
        out.push('\n');
    }
    out
}

fn old(bad: u64) -> String {
    log(0, 300, bad, "dpl_old", "production")
}

fn new(bad: u64) -> String {
    log(600, 300, bad, "dpl_new", "production")
}

#[track_caller]
fn verdict(ran: &Ran) -> Value {
    let comparison: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    assert_eq!(comparison["schema"], "why500/compare/v1");
    comparison["incidents"][0]["verdict"].clone()
}

#[test]
fn two_inputs_and_what_fails_the_run() {
    let dir = Dir::new();
    dir.file("none.log", old(0)).file("few.log", old(6)).file("many.log", new(60));
    for (before, after, is) in [
        ("none.log", "many.log", "new"),
        ("few.log", "many.log", "worse"),
        ("many.log", "few.log", "better"),
        ("many.log", "none.log", "gone"),
        ("few.log", "few.log", "same"),
    ] {
        for fail_on in ["new", "worse"] {
            let args = ["compare", before, after, "--format", "json", "--fail-on", fail_on];
            let ran = dir.run(&args).exits(i32::from(fail_on == is));
            assert_eq!(verdict(&ran), is, "{before} {after}");
        }
    }
    dir.run(&["compare", "few.log", "many.log"])
        .exits(0)
        .shows("1 worse")
        .shows("6 of 300 (2.0%, ")
        .shows("→ 60 of 300 (20%, ");
}

#[test]
fn one_input_in_two() {
    let dir = Dir::new();
    let all = old(0) + &new(30);
    for by in ["deployment", "deployment=dpl_new", "time=2026-01-01T00:08:00Z"] {
        let ran = dir.pipe(&["compare", "--by", by, "--format", "json", "--fail-on", "new"], &all).exits(1);
        assert_eq!(verdict(&ran), "new", "{by}");
        let comparison: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(comparison["incidents"][0]["before"]["requests"], 300);
        assert_eq!(comparison["incidents"][0]["after"]["failed"], 30);
        assert_eq!(comparison["before"]["denominator"], "exact");
    }
    let preview = log(0, 300, 40, "dpl_preview", "preview") + &log(1000, 300, 0, "dpl_live", "production");
    for by in ["environment", "environment=preview"] {
        dir.pipe(&["compare", "--by", by], &preview).exits(0).shows("1 new").shows("environment preview");
    }
    dir.pipe(&["compare", "--by", "environment=production"], &preview).exits(0).shows("1 gone");
}

#[test]
fn the_order_of_lines_and_the_threads_do_not_show() {
    let dir = Dir::new();
    let all = old(3) + &new(30);
    let mut lines: Vec<&str> = all.lines().collect();
    lines.reverse();
    let args = ["compare", "--by", "deployment", "--format", "json", "--threads"];
    let forth = dir.pipe(&[&args[..], &["1"]].concat(), &all).exits(0).stdout;
    let back = dir.pipe(&[&args[..], &["4"]].concat(), lines.join("\n")).exits(0).stdout;
    assert_eq!(forth, back);
}

#[test]
fn logs_of_failures_alone() {
    let dir = Dir::new();
    dir.file("a.log", log(0, 9, 9, "dpl_old", "production")).file("b.log", new(30));
    dir.run(&["compare", "a.log", "b.log"]).exits(0).shows("1 unknown").shows("lower bound");
}

#[test]
fn what_makes_no_sense() {
    let dir = Dir::new();
    dir.file("a.log", old(3));
    dir.run(&["compare", "a.log"]).exits(2).says("--by");
    dir.run(&["compare", "--by", "colour", "a.log"]).exits(2).says("deployment[=ID]");
    dir.run(&["compare", "--by", "time", "a.log"]).exits(2).says("time=TIME");
    dir.run(&["compare", "--by", "deployment", "a.log"]).exits(2).says("nothing to compare it with");
    dir.run(&["compare", "--by", "deployment=dpl_x", "a.log"]).exits(2).says("it has: dpl_old");
    dir.run(&["compare", "--by", "branch", "a.log"]).exits(2).says("say which");
    dir.run(&["compare", "a.log", "missing.log"]).exits(3);
    dir.run(&["compare", "a.log", "a.log", "--fail-on", "gone"]).exits(2);
}

#[test]
fn tokens_of_both_sides_are_equal() {
    let dir = Dir::new();
    let failing = |number: u64, status: u16| {
        let mut entry = drain_value(number, status, "Error: no such user jane.doe@example.com");
        entry["path"] = json!("/api/mail/jane.doe@example.com/send");
        entry.to_string() + "\n"
    };
    let log = |from: u64| {
        (from..from + 40).map(|n| failing(n, if n % 4 == 0 { 500 } else { 200 })).collect::<String>()
    };
    dir.file("a.log", log(0)).file("b.log", log(100));
    let ran = dir.run(&["compare", "a.log", "b.log", "--format", "json"]).exits(0);
    assert_eq!(verdict(&ran), "same");
    assert!(!ran.stdout.contains("jane.doe"), "{}", ran.stdout);
    let ran = dir.run(&["compare", "a.log", "b.log", "--no-redact"]).exits(0);
    assert!(ran.stdout.contains("jane.doe"), "{}", ran.stdout);
}
