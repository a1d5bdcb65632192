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
    dir.run(&["incidents", "show", "ffff"]).exits(4).says("incidents list");
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
    dir.run(&["incidents", "--dir", "mine", "save", "ffff", "report.json"]).exits(2).says("there are");
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
