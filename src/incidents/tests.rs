use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::accept::{self, apply};
use super::memory::{Memory, write};
use super::saved::{Proof, Saved};
use super::{is_fingerprint, known};
use crate::report::fixture;
use crate::report::memory::SuppressionState;

fn saved() -> Saved {
    let report = fixture::busy();
    let incident = serde_json::to_value(&report.incidents[1]).expect("an incident is JSON");
    Saved {
        owner: "payments".to_owned(),
        fix: "set STRIPE_SECRET_KEY in Production".to_owned(),
        fixed_at: "2026-01-01T11:00:00.000Z".to_owned(),
        links: vec!["https://example.com/pr/12".to_owned()],
        proof: vec![Proof {
            status: 200,
            body: "{\"ok\":true}".to_owned(),
            logs: "a\nb \"c\"".to_owned(),
            ..Proof::default()
        }],
        ..Saved::of(&incident).expect("has a fingerprint")
    }
}

#[test]
fn only_fingerprints_name_files() {
    assert!(is_fingerprint("9c1e04b7d2aa"));
    for wrong in ["", "9C1E04B7D2AA", "9c1e04b7d2a", "../../../etc/", "9c1e04b7d2a/", "9c1e04b7d2aaa"] {
        assert!(!is_fingerprint(wrong), "{wrong}");
    }
    assert!(Saved::of(&serde_json::json!({ "id": "../evil", "class": "env", "title": "x" })).is_none());
}

#[test]
fn what_is_written_is_read_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("deep/incidents");
    let path = write(&folder, &saved(), false).expect("written");
    assert_eq!(path, folder.join("41d0aa93e1f5.toml"));
    let memory = Memory::load(&folder);
    assert_eq!(memory.faults, []);
    assert_eq!(memory.saved["41d0aa93e1f5"].1, saved());
    assert_eq!(memory.find("41d0").map(|(_, one)| one.clone()), Ok(saved()));
    assert!(memory.find("ffff").is_err());
    let again = write(&folder, &Saved { title: "another".to_owned(), ..saved() }, false);
    assert_eq!(again.map_err(|error| error.kind()), Err(std::io::ErrorKind::AlreadyExists));
    assert_eq!(Memory::load(&folder).saved["41d0aa93e1f5"].1, saved(), "nothing was overwritten");
    write(&folder, &Saved { title: "another".to_owned(), ..saved() }, true).expect("replaced");
    assert_eq!(Memory::load(&folder).saved["41d0aa93e1f5"].1.title, "another");
    let left: Vec<_> = fs::read_dir(&folder).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 1, "no drafts stay");
}

#[test]
fn another_sighting_keeps_what_people_wrote() {
    let mut again = Saved {
        first_seen: "2026-02-01T00:00:00.000Z".to_owned(),
        last_seen: "2026-02-01T00:10:00.000Z".to_owned(),
        routes: vec!["/api/refund".to_owned()],
        ..Saved::of(&serde_json::json!({ "id": "41d0aa93e1f5", "meaning": "from the report" }))
            .expect("sound")
    };
    again.continue_from(saved());
    assert_eq!(
        (again.fix.as_str(), again.owner.as_str()),
        ("set STRIPE_SECRET_KEY in Production", "payments")
    );
    assert_eq!(again.first_seen, saved().first_seen);
    assert_eq!(again.last_seen, "2026-02-01T00:10:00.000Z");
    assert_eq!(again.routes, ["/api/checkout", "/api/refund"]);
    assert_eq!(again.proof, saved().proof);
}

#[test]
fn broken_files_are_named_and_passed_over() {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), &saved(), false).expect("written");
    let good = "id = \"9c1e04b7d2aa\"\nclass = \"env\"\ntitle = \"t\"\n";
    for (name, text, line, key) in [
        ("a.toml", "id = \"9c1e04b7d2aa\"\nclass = ", Some(2), "class"),
        ("9c1e04b7d2ab.toml", good, Some(1), "id"),
        ("c.toml", "class = \"env\"\nid = \"nonsense\"\ntitle = \"t\"\n", Some(2), "id"),
        ("9c1e04b7d2aa.toml", &format!("{good}fixed_at = \"soon\"\n"), Some(4), "fixed_at"),
        ("e.toml", &format!("{good}colour = 1\n"), Some(4), "colour"),
        ("f.toml", "", Some(1), ""),
    ] {
        fs::write(dir.path().join(name), text).expect("written");
        let memory = Memory::load(dir.path());
        assert_eq!(memory.saved.len(), 1, "{name}");
        assert_eq!(memory.faults.len(), 1, "{name}: {:?}", memory.faults);
        let fault = &memory.faults[0];
        assert!(fault.file.ends_with(name), "{fault}");
        assert_eq!((fault.line, fault.key.as_str()), (line, key), "{name}: {fault}");
        assert!(fault.to_string().contains("\n  cure: "), "{fault}");
        fs::remove_file(dir.path().join(name)).expect("removed");
    }
    fs::write(dir.path().join("notes.md"), "no TOML").expect("written");
    assert_eq!(Memory::load(dir.path()).faults, []);
    assert_eq!(Memory::load(&dir.path().join("none")).faults.len(), 1);
}

#[test]
fn a_report_says_what_was_seen_before() {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), &saved(), false).expect("written");
    let report = fixture::busy();
    let known = known::of(&report, &Memory::load(dir.path()), None, &[], None);
    assert_eq!(known.seen_before.len(), 1);
    let seen = known.seen("41d0aa93e1f5").expect("seen");
    assert_eq!(
        seen.sentence(),
        "2026-01-01; fixed 2026-01-01 by set STRIPE_SECRET_KEY in Production; a probe answered 200; owner payments"
    );
    assert!(!known.accepts("41d0aa93e1f5"), "seen before is no excuse");
}

fn suppressions(text: &str) -> Result<Vec<accept::Suppress>, Vec<crate::fault::Fault>> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), text).expect("written");
    accept::suppressions(file.path())
}

#[test]
fn suppressions_end_and_are_accounted_for() {
    let text = r#"
[[suppress]]
incident = "41d0aa93e1f5"
reason = "known; ticket 12"
until = 2026-01-01

[[suppress]]
incident = "77ab0c12fe90"
reason = "waits for the pooler"
until = "2025-12-31"

[[suppress]]
incident = "ffffffffffff"
reason = "gone?"
until = "2026-06-01T00:00:00Z"
"#;
    let entries = suppressions(text).expect("sound");
    let report = fixture::busy();
    let known = known::of(&report, &Memory::default(), None, &entries, None);
    let states: Vec<_> = known.suppressions.iter().map(|one| one.state).collect();
    // The last record is of 2026-01-01: a day lasts to its end.
    assert_eq!(states, [SuppressionState::Used, SuppressionState::Expired, SuppressionState::Unused]);
    assert!(known.accepts("41d0aa93e1f5") && !known.accepts("77ab0c12fe90"));
    let next_day = 1_767_312_000_000;
    let ids = BTreeSet::from(["41d0aa93e1f5"]);
    assert_eq!(apply(&entries, &ids, Some(next_day))[0].state, SuppressionState::Expired);
    assert_eq!(apply(&entries, &ids, Some(next_day - 1))[0].state, SuppressionState::Used);
    assert_eq!(
        apply(&entries, &ids, None)[1].state,
        SuppressionState::Unused,
        "without a time nothing expires"
    );
}

#[test]
fn faults_of_suppressions_are_all_said() {
    let text = "[[suppress]]\nincident = \"x\"\nreason = \"\"\nuntil = 5\n\n[[suppress]]\nincident = \"41d0aa93e1f5\"\nreason = \"r\"\nuntil = \"2026-13-01\"\n";
    let faults = suppressions(text).expect_err("has faults");
    let at: Vec<_> = faults.iter().map(|fault| (fault.line, fault.key.as_str())).collect();
    assert_eq!(at, [(Some(2), "incident"), (Some(3), "reason"), (Some(4), "until"), (Some(9), "until")]);
    let twice = "[[suppress]]\nincident = \"41d0aa93e1f5\"\nreason = \"r\"\nuntil = 2026-01-01\n".repeat(2);
    assert_eq!(suppressions(&twice).expect_err("twice")[0].line, Some(6));
    assert_eq!(suppressions("suppress = 1").expect_err("no table").len(), 1);
    assert_eq!(
        suppressions("[[suppress]]\nincident = \"41d0aa93e1f5\"\n").expect_err("keys missing").len(),
        1
    );
    assert_eq!(suppressions("").map(|entries| entries.len()), Ok(0));
}

#[test]
fn a_baseline_is_a_report() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let mut json = Vec::new();
    crate::report::json::write(&fixture::busy(), &mut json).expect("to memory");
    fs::write(file.path(), &json).expect("written");
    let ids = accept::baseline(file.path()).expect("a report");
    assert!(ids.contains("41d0aa93e1f5") && ids.len() == 4);
    let known = known::of(&fixture::busy(), &Memory::default(), Some(&ids), &[], None);
    assert_eq!(known.in_baseline.as_ref().map(Vec::len), Some(4));
    assert!(known.accepts("41d0aa93e1f5"));
    for wrong in
        ["", "{}", "[1]", "{\"schema\":\"other\",\"incidents\":[]}", "{\"schema\":\"why500/report/v1\"}"]
    {
        fs::write(file.path(), wrong).expect("written");
        assert!(accept::baseline(file.path()).is_err(), "{wrong}");
    }
    assert!(accept::baseline(Path::new("no/such/file.json")).is_err());
}
