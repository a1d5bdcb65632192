//! The memory of incidents, baselines and suppressions.

use super::support::{Dir, REFUSED, drain, sample};

/// The fingerprint of the incident of `sample()`.
fn fingerprint(dir: &Dir) -> String {
    let report = dir.pipe(&["--format", "json"], sample()).exits(0).json();
    report["incidents"][0]["id"].as_str().expect("an incident").to_owned()
}

#[test]
fn saved_shown_matched_and_seen_again() {
    let dir = Dir::new();
    dir.file("drain.ndjson", sample());
    dir.file("body.json", "{\"ok\":true,\"mail\":\"jane@example.com\"}");
    let id = fingerprint(&dir);
    dir.run(&["incidents", "match", "drain.ndjson"]).exits(0).shows("not seen before").says("passed over");
    let save = [
        "incidents",
        "save",
        "top",
        "drain.ndjson",
        "--owner",
        "payments",
        "--fix",
        "started the database",
        "--fixed-at",
        "2026-01-01T02:00:00Z",
        "--link",
        "https://example.com/i/7",
        "--proof-status",
        "200",
        "--proof-body",
        "@body.json",
        "--proof-logs",
        "GET /api/orders 200",
    ];
    dir.run(&save).exits(0).shows(&format!(".why500/incidents/{id}.toml"));
    let file = dir.path(&format!(".why500/incidents/{id}.toml"));
    let text = std::fs::read_to_string(&file).expect("a file");
    assert!(text.contains("started the database") && text.contains("status = 200"), "{text}");
    assert!(!text.contains("jane@") && text.contains("‹email:"), "{text}");
    // Never silently overwritten.
    dir.run(&save).exits(3).says("--update");
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), text);
    dir.run(&["incidents", "save", &id[..6], "drain.ndjson", "--owner", "orders", "--update"]).exits(0);
    dir.run(&["incidents", "list"]).exits(0).shows("orders").shows("fixed 2026-01-01");
    dir.run(&["incidents", "show", &id[..5]])
        .exits(0)
        .shows("started the database")
        .shows("owner = \"orders\"");
    dir.run(&["incidents", "show", "ffff"]).exits(1).says("incidents list");
    dir.run(&["incidents", "match", "drain.ndjson"]).exits(0).shows("seen before: 2026-01-01");
    // Triage says so by itself, and not where it is told not to.
    dir.run(&["drain.ndjson"])
        .exits(0)
        .shows("seen before: 2026-01-01; fixed 2026-01-01 by started the database");
    let report = dir.run(&["--format", "json", "drain.ndjson"]).exits(0).json();
    assert_eq!(report["seen_before"][0]["incident"], id);
    assert_eq!(report["seen_before"][0]["proved_by_status"], 200);
    let report = dir.run(&["--no-incidents", "--format", "json", "drain.ndjson"]).exits(0).json();
    assert!(report.get("seen_before").is_none());
    // A broken file is named and passed over.
    dir.file(".why500/incidents/broken.toml", "id = 1\n");
    dir.run(&["drain.ndjson"]).exits(0).says("broken.toml:1: id:").says("cure:").shows("seen before");
}

#[test]
fn an_incident_is_saved_from_a_report_too() {
    let dir = Dir::new();
    let json = dir.pipe(&["--format", "json"], sample()).exits(0).stdout;
    dir.file("report.json", json);
    dir.run(&["incidents", "--dir", "mine", "save", "top", "report.json"]).exits(0).shows("mine/");
    dir.pipe(&["--incidents", "mine"], sample()).exits(0).shows("no fix was saved");
    dir.run(&["incidents", "--dir", "mine", "save", "ffff", "report.json"]).exits(1).says("there are");
    dir.run(&["incidents", "save", "top", "none.json"]).exits(3);
}

#[test]
fn a_check_fails_on_what_is_new_only() {
    let dir = Dir::new();
    let known = sample();
    let new = known.clone() + &drain(3, 500, "Error: Missing required environment variable: STRIPE_KEY");
    let json = dir.pipe(&["--format", "json"], &known).exits(0).stdout;
    dir.file("base.json", json);
    for what in ["new", "any", "connectivity"] {
        dir.pipe(&["--fail-on", what, "--baseline", "base.json"], &known).exits(0).shows("1 of the baseline");
    }
    dir.pipe(&["--fail-on", "new", "--baseline", "base.json"], &new).exits(1).shows("1 not in it");
    dir.pipe(&["--fail-on", "connectivity", "--baseline", "base.json"], &new).exits(0);
    dir.pipe(&["--fail-on", "new"], &known).exits(2).says("--baseline");
    dir.file("base.json", "{}");
    dir.pipe(&["--fail-on", "new", "--baseline", "base.json"], &known)
        .exits(4)
        .says("base.json")
        .says("cure:");
}

#[test]
fn suppressions_hold_until_they_end() {
    let dir = Dir::new();
    let id = fingerprint(&dir);
    let entry = |until: &str| {
        format!("[[suppress]]\nincident = \"{id}\"\nreason = \"database moves\"\nuntil = {until}\n")
    };
    dir.file("suppress.toml", entry("2026-01-31"));
    let args = ["--fail-on", "any", "--suppress", "suppress.toml"];
    dir.pipe(&args, sample()).exits(0).shows("database moves (until 2026-01-31)");
    dir.pipe(&[&args[..], &["--as-of", "2026-02-01T00:00:00Z"]].concat(), sample()).exits(1).says("is over");
    dir.pipe(&args, drain(1, 200, "ok")).exits(0).says("matches no incident");
    dir.file("suppress.toml", entry("\"soon\"") + "owner = 1\n");
    dir.pipe(&args, sample()).exits(4).says("suppress.toml:5: owner").says("cure:");
    dir.file("suppress.toml", entry("\"soon\""));
    dir.pipe(&args, sample()).exits(4).says("suppress.toml:4: until");
    let other =
        drain(1, 500, REFUSED) + &drain(2, 500, "Error: Missing required environment variable: A_KEY");
    dir.file("suppress.toml", entry("2026-01-31"));
    dir.pipe(&args, other).exits(1);
}

/// A folder that was named has to be there; the usual one need not.
#[test]
fn a_folder_that_is_missing_is_an_error_where_it_was_named() {
    let dir = Dir::new();
    dir.file("drain.ndjson", sample()).file("notes", "a file");
    for missing in ["none", "notes"] {
        dir.run(&["--incidents", missing, "drain.ndjson"]).exits(4).says("--incidents").says("cure:");
        let args = ["postmortem", "drain.ndjson", "--out", "out", "--incidents", missing];
        dir.run(&args).exits(4).says("--incidents");
        for action in [&["list"][..], &["show", "ffff"], &["match", "drain.ndjson"]] {
            dir.run(&[&["incidents", "--dir", missing], action].concat()).exits(4).says("--dir");
        }
    }
    assert!(!dir.path("out").exists());
    dir.run(&["drain.ndjson"]).exits(0);
    dir.run(&["incidents", "list"]).exits(0).shows("no saved incident");
}

/// One meaning, one code: the input was read, and it has no such incident or request.
#[test]
fn what_is_not_there_ends_with_one_code() {
    let dir = Dir::new();
    dir.file("drain.ndjson", sample()).file("ok.ndjson", drain(1, 200, "ok"));
    dir.run(&["incidents", "save", "top", "drain.ndjson"]).exits(0);
    dir.run(&["explain", "nobody", "drain.ndjson"]).exits(1);
    dir.run(&["postmortem", "drain.ndjson", "--out", "out", "--incident", "ffff"]).exits(1);
    dir.run(&["incidents", "show", "ffff"]).exits(1);
    dir.run(&["incidents", "save", "ffff", "drain.ndjson"]).exits(1);
    dir.run(&["incidents", "save", "top", "ok.ndjson"]).exits(1).says("no incident");
}

#[test]
fn a_report_of_another_version_is_refused_by_both_names() {
    let dir = Dir::new();
    let json = dir.pipe(&["--format", "json"], sample()).exits(0).stdout;
    dir.file("old.json", json.replace("why500/report/v1", "why500/report/v0")).file("drain.ndjson", sample());
    for args in [
        &["--fail-on", "new", "--baseline", "old.json", "drain.ndjson"][..],
        &["incidents", "save", "top", "old.json"],
    ] {
        dir.run(args).exits(4).says("why500/report/v0").says("why500/report/v1");
    }
}

/// What a bundle says does not depend on the folder that it is made in.
#[test]
fn a_bundle_has_the_incidents_of_a_folder_only_if_it_is_named() {
    let dir = Dir::new();
    dir.file("drain.ndjson", sample());
    dir.run(&["postmortem", "drain.ndjson", "--out", "before"]).exits(0);
    dir.run(&["incidents", "save", "top", "drain.ndjson", "--fix", "started the database"]).exits(0);
    dir.run(&["drain.ndjson"]).exits(0).shows("seen before");
    dir.run(&["postmortem", "drain.ndjson", "--out", "after"]).exits(0);
    for file in ["manifest.json", "report.json", "postmortem.md"] {
        let read = |out: &str| std::fs::read_to_string(dir.path(out).join(file)).expect("a file");
        assert_eq!(read("before"), read("after"), "{file}");
    }
    let args = ["postmortem", "drain.ndjson", "--out", "with", "--incidents", ".why500/incidents"];
    dir.run(&args).exits(0);
    let page = std::fs::read_to_string(dir.path("with/postmortem.md")).expect("a page");
    assert!(page.contains("started the database"), "{page}");
}
