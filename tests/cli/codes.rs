//! Exit codes, and what narrows the view.

use super::support::{Dir, REFUSED, drain, failed, names, sample};

#[test]
fn zero_whatever_it_found() {
    let dir = Dir::new();
    dir.pipe(&[], sample()).exits(0).shows("1 of 2 requests failed");
    dir.pipe(&[], drain(1, 200, "ok")).exits(0).shows("No failed request");
    dir.pipe(&["triage", "-"], sample()).exits(0).shows("PostgreSQL is not listening there");
}

#[test]
fn one_when_what_was_asked_to_fail_did() {
    let dir = Dir::new();
    for what in ["any", "connectivity"] {
        dir.pipe(&["--fail-on", what], sample()).exits(1).shows("1 of 2 requests failed");
    }
    dir.pipe(&["--fail-on", "env"], sample()).exits(0);
    dir.pipe(&["--fail-on", "env", "--fail-on", "connectivity"], sample()).exits(1);
    dir.pipe(&["--fail-on", "any"], drain(1, 200, "ok")).exits(0);
    dir.pipe(&["--fail-on", "unclassified"], drain(1, 500, "boom")).exits(1);
}

#[test]
fn two_for_what_makes_no_sense() {
    let dir = Dir::new();
    dir.run(&["--input-format", "nonsense"])
        .exits(2)
        .says("`nonsense`")
        .says("vercel-drain")
        .says("lambda-text");
    dir.run(&["--class", "network"]).exits(2).says("connectivity");
    dir.run(&["--fail-on", "everything"]).exits(2).says("any, new, or one of");
    dir.run(&["--since", "yesterday-ish"]).exits(2).says("2026-01-01T10:00:00Z");
    dir.run(&["--every", "0s"]).exits(2);
    dir.run(&["--every", "soon"]).exits(2).says("10s");
    dir.run(&["--max-line", "12"]).exits(2).says("1KiB");
    dir.run(&["--format", "xml"]).exits(2).says("jsonl");
    dir.run(&["--no-such-option"]).exits(2).says("--no-such-option");
    dir.run(&["rules", "shake"]).exits(2);
}

#[test]
fn three_without_any_input() {
    let dir = Dir::new();
    dir.run(&["missing.log"])
        .exits(3)
        .says("missing.log")
        .says("check the path")
        .says("no input could be read");
    dir.run(&["missing/*.log"]).exits(3).says("missing/*.log: the pattern matches no file");
    std::fs::create_dir(dir.path("empty")).expect("a folder");
    dir.run(&["empty"]).exits(3).says("empty: the folder holds no file to read");
}

#[test]
fn a_missing_file_names_itself_and_the_run_goes_on() {
    let dir = Dir::new();
    dir.file("good.log", sample());
    let ran = dir.run(&["missing.log", "good.log", "--format", "json"]).exits(0).says("missing.log: ");
    assert_eq!(names(&ran.json()), ["good.log"]);
    assert_eq!(failed(&ran.json()), 1);
    assert!(ran.json()["remarks"].to_string().contains("missing.log: "), "the report says it, too");
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_names_itself_and_the_cure() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new();
    dir.file("secret.log", sample()).file("good.log", sample());
    let nobody = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(dir.path("secret.log"), nobody).expect("permissions");
    if std::fs::File::open(dir.path("secret.log")).is_ok() {
        return; // The superuser may read everything.
    }
    let ran = dir.run(&["secret.log", "good.log", "--format", "json"]).exits(0);
    let ran = ran.says("secret.log: ").says("may this user read it?");
    assert_eq!(names(&ran.json()), ["good.log"]);
    dir.run(&["secret.log"]).exits(3);
}

#[cfg(target_os = "linux")]
#[test]
fn three_when_the_output_cannot_be_written() {
    let dir = Dir::new();
    dir.file("a.log", sample());
    for args in [
        &["a.log"][..],
        &["a.log", "--format", "json"],
        &["a.log", "--format", "jsonl"],
        &["a.log", "--format", "csv"],
        &["--help"],
        &["formats"],
        &["rules", "list"],
        &["man"],
    ] {
        let full = std::fs::File::create("/dev/full").expect("the full device");
        let ran = dir.command(args).stdout(full).output().expect("the program runs");
        assert_eq!(ran.status.code(), Some(3), "{args:?}");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(said.contains("could not be written"), "{args:?}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_quiet() {
    let dir = Dir::new();
    // Enough failures that the report does not fit into a pipe.
    let lines: String = (0..3000).map(|number| drain(number, 500, REFUSED)).collect();
    dir.file("a.log", lines);
    for args in [&["a.log", "--format", "jsonl", "--quiet"][..], &["--help"], &["rules", "list"]] {
        let mut child = dir.command(args).spawn().expect("the program starts");
        drop(child.stdout.take());
        let ran = child.wait_with_output().expect("the program ends");
        assert_eq!(ran.status.code(), Some(0), "{args:?}");
        assert!(ran.stderr.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn the_view_is_narrowed_and_the_totals_are_not() {
    let dir = Dir::new();
    let logs = drain(1, 500, REFUSED) + &drain(2, 500, "boom") + &drain(3, 200, "ok");
    dir.file("a.log", logs);
    let shown = |args: &[&str]| {
        let ran = dir.run(&[&["a.log", "--format", "json"], args].concat()).exits(0);
        assert_eq!(ran.json()["requests"]["total"], 3, "{args:?}");
        let lines =
            dir.run(&[&["a.log", "--format", "jsonl"], args].concat()).exits(0).stdout.lines().count();
        let report = ran.json();
        let of = |incident: &serde_json::Value| incident["requests"].as_u64().expect("a count");
        let incidents = report["incidents"].as_array().expect("incidents");
        assert_eq!(incidents.iter().map(of).sum::<u64>(), lines as u64, "{args:?}");
        lines
    };
    assert_eq!(shown(&[]), 2);
    assert_eq!(shown(&["--class", "connectivity"]), 1);
    assert_eq!(shown(&["--class", "connectivity", "--class", "unclassified"]), 2);
    assert_eq!(shown(&["--route", "orders"]), 2);
    assert_eq!(shown(&["--route", "/api/users"]), 0);
    assert_eq!(shown(&["--since", "2026-01-01T00:00:02Z"]), 1);
    assert_eq!(shown(&["--until", "1767225602000"]), 1);
    assert_eq!(shown(&["--since", "2026-01-01T00:00:01Z", "--until", "2026-01-01T00:00:01Z"]), 0);
}

#[test]
fn top_chooses_how_many_are_shown_in_full() {
    let dir = Dir::new();
    dir.file("a.log", drain(1, 500, REFUSED) + &drain(2, 500, "boom"));
    let full = |top: &str| dir.run(&["a.log", "--top", top]).exits(0).stdout.matches("  evidence\n").count();
    assert_eq!([full("0"), full("1"), full("9")], [0, 1, 2]);
    dir.run(&["a.log", "--threads", "100000"]).exits(0);
}
