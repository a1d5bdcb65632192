//! `--memory` and `--spill`.

use super::support::{Dir, REFUSED, drain, failed};

/// Requests over some hours, a few of which fail.
fn hours() -> String {
    (0..3_000u64).map(|number| drain(number * 3, if number % 50 == 0 { 500 } else { 200 }, REFUSED)).collect()
}

#[test]
fn sizes_are_checked() {
    let dir = Dir::new();
    dir.run(&["--memory", "soon"]).exits(2).says("a size such as");
    dir.run(&["--memory", "5XB"]).exits(2).says("KiB, MiB or GiB");
    dir.run(&["--memory", "12"]).exits(2).says("1KiB");
    dir.run(&["--spill", "."]).exits(2).says("--memory");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_said_with_the_cure() {
    let dir = Dir::new();
    dir.file("a.log", drain(1, 500, REFUSED));
    for args in [&["a.log"][..], &["explain", "request-1", "a.log"]] {
        let args = [args, &["--memory", "1MiB", "--spill", "missing"]].concat();
        dir.run(&args).exits(3).says("--spill missing: ").says("name a folder that exists");
    }
    dir.run(&["a.log", "--memory", "1MiB", "--spill", "a.log"]).exits(3);
}

#[test]
fn what_does_not_fit_is_forgotten_and_said() {
    let dir = Dir::new();
    dir.file("a.log", hours());
    let ran = dir.run(&["a.log", "--format", "json", "--memory", "32KiB"]).exits(0);
    let report = ran.json();
    assert_eq!(report["requests"]["exact"], false);
    assert!(report["requests"]["forgotten"].as_u64().expect("a count") > 1_000, "{}", report["requests"]);
    assert_eq!((failed(&report), report["requests"]["total"].as_u64()), (60, Some(3_000)));
    let remarks = report["remarks"].to_string();
    assert!(remarks.contains("a late line of them counts again; use --spill DIR"), "{remarks}");
    dir.run(&["a.log", "--format", "jsonl", "--memory", "32KiB"]).exits(0).says(" forgotten; ");
}

#[test]
fn with_a_folder_the_report_is_the_same_and_nothing_is_left_behind() {
    let dir = Dir::new();
    dir.file("a.log", hours());
    std::fs::create_dir(dir.path("spill")).expect("a folder");
    let whole = dir.run(&["a.log", "--format", "json"]).exits(0);
    let tight = &["--memory", "8KiB", "--spill", "spill"];
    let spilled = dir.run(&[&["a.log", "--format", "json"][..], tight].concat()).exits(0);
    assert_eq!(whole.stdout, spilled.stdout);
    assert_eq!(whole.json()["traffic"]["step_minutes"], 2);
    let explained = dir.run(&[&["explain", "request-150", "a.log"][..], tight].concat()).exits(0);
    assert_eq!(explained.stdout, dir.run(&["explain", "request-150", "a.log"]).exits(0).stdout);
    assert_eq!(std::fs::read_dir(dir.path("spill")).expect("the folder").count(), 0);
}
