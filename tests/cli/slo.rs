//! Error budgets: what is printed, and the exit code for scripts.

use super::support::{Dir, REFUSED, drain};

/// An hour in which every second request fails since the second deployment.
fn bad_release() -> String {
    let mut log = String::new();
    for second in 0..3600 {
        let bad = second >= 1800;
        let line =
            if bad && second % 2 == 0 { drain(second, 500, REFUSED) } else { drain(second, 200, "ok") };
        log += &if bad { line.replace("dpl_ExampleAAAA1111", "dpl_ExampleBBBB2222") } else { line };
    }
    log
}

#[test]
fn a_crossed_threshold_exits_with_one_and_names_the_last_good_deployment() {
    let dir = Dir::new();
    dir.file("drain.ndjson", bad_release());
    dir.run(&["drain.ndjson"]).exits(0);
    let ran = dir.run(&["--slo", "99.9", "drain.ndjson"]).exits(1);
    ran.shows("Error budget: 99.9 % over 30d")
        .shows("threshold crossed")
        .shows("roll back to dpl_ExampleAAAA1111")
        .shows("limit 14.4: crossed");
    let report = dir.run(&["--slo", "99.9", "--format", "json", "drain.ndjson"]).exits(1).json();
    let slo = &report["slo"];
    assert_eq!(slo["verdict"], "crossed");
    assert_eq!(slo["denominator"], "exact");
    assert_eq!(slo["requests"], 3600);
    assert_eq!(slo["rollback"]["advice"], "roll_back");
    assert_eq!(slo["rollback"]["bad"]["id"], "dpl_ExampleBBBB2222");
    assert_eq!(slo["incidents"][0]["id"], report["incidents"][0]["id"]);
    assert_eq!(slo["families"][0]["family"], "/api/orders");
    dir.run(&["--slo", "99.9", "--format", "csv", "drain.ndjson"]).exits(1).says("a threshold was crossed");
}

#[test]
fn without_an_objective_nothing_is_said_of_one() {
    let dir = Dir::new();
    dir.file("drain.ndjson", bad_release());
    let report = dir.run(&["--format", "json", "drain.ndjson"]).exits(0).json();
    assert!(report.get("slo").is_none());
}

#[test]
fn a_kept_objective_exits_with_zero() {
    let dir = Dir::new();
    dir.file("drain.ndjson", bad_release());
    dir.run(&["--slo", "50", "drain.ndjson"]).exits(0).shows("no threshold crossed");
    // Half an hour before the bad release.
    let before = ["--slo", "99.9", "--as-of", "2026-01-01T00:20:00Z", "drain.ndjson"];
    dir.run(&before).exits(0).shows("no threshold crossed");
}

#[test]
fn logs_of_errors_only_decide_nothing() {
    let dir = Dir::new();
    let log: String = (0..3600).map(|second| drain(second, 500, REFUSED)).collect();
    dir.pipe(&["--slo", "99.9"], &log)
        .exits(0)
        .shows("not certain")
        .shows("at least 0 % available")
        .shows("export of errors only");
    dir.pipe(&["--slo", "99.9", "--format", "jsonl"], &log).exits(0).says("not certain whether");
}

#[test]
fn what_is_no_objective_is_refused() {
    let dir = Dir::new();
    dir.run(&["--slo", "100", "x"]).exits(2).says("such as 99.9");
    dir.run(&["--slo", "99.9", "--window", "3 weeks", "x"]).exits(2).says("30d");
    dir.run(&["--slo", "99.9", "--as-of", "yesterday", "x"]).exits(2);
}

#[test]
fn a_window_without_requests_decides_nothing() {
    let dir = Dir::new();
    dir.file("drain.ndjson", bad_release());
    let ran = dir.run(&["--slo", "99.9", "--as-of", "9999-01-01T00:00:00Z", "drain.ndjson"]).exits(0);
    assert!(!ran.stdout.contains("no threshold crossed"), "{ran:#?}");
    ran.shows("no requests in the window");
}

#[test]
fn branch_and_region_of_a_bad_deployment_are_named() {
    let dir = Dir::new();
    let log: String = bad_release()
        .lines()
        .map(|line| {
            let mut entry: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let bad = entry["deploymentId"] == "dpl_ExampleBBBB2222";
            entry["branch"] = if bad { "feat/pool" } else { "main" }.into();
            entry["executionRegion"] = "fra1".into();
            format!("{entry}\n")
        })
        .collect();
    dir.file("drain.ndjson", log);
    let ran = dir.run(&["--slo", "99.9", "drain.ndjson"]).exits(1);
    ran.shows("branch feat/pool").shows("branch main");
    let report = dir.run(&["--slo", "99.9", "--format", "json", "drain.ndjson"]).exits(1).json();
    let rollback = &report["slo"]["rollback"];
    assert_eq!(rollback["bad"]["branches"], serde_json::json!(["feat/pool"]));
    assert_eq!(rollback["bad"]["regions"], serde_json::json!(["fra1"]));
    assert_eq!(rollback["last_good"]["branches"], serde_json::json!(["main"]));
}
