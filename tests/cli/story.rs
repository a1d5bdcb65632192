//! One incident story as a whole: its bundle is held against the reviewed one in `tests/cli/story/`.
//! `UPDATE_SNAPSHOTS=1 cargo test --test cli story` rewrites that one; read what changed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::Dir;

const FILES: [&str; 5] = ["postmortem.md", "report.html", "report.json", "evidence.jsonl", "manifest.json"];
/// What was saved of an earlier incident.
const SAVED: &str = "incidents";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// The version of the program and the hash of its rules differ from release to release, and with them the length and the
/// digest of every file and the seal. That they are right is for `verify` to say.
fn lasting(text: &str, manifest: &Value) -> String {
    let text_of = |value: &Value| value.as_str().expect("a text").to_owned();
    let version = text_of(&manifest["tool"]["version"]);
    let mut text = text
        .replace(&text_of(&manifest["tool"]["ruleset"]), "RULES")
        .replace(&format!("why500 {version} "), "why500 VERSION ")
        .replace(&format!("\"version\": \"{version}\""), "\"version\": \"VERSION\"")
        .replace(&text_of(&manifest["seal"]), "SEAL");
    for artifact in manifest["artifacts"].as_array().expect("files") {
        if artifact["name"] != "evidence.jsonl" {
            text = text
                .replace(&text_of(&artifact["sha256"]), "DIGEST")
                .replace(&format!("\"bytes\": {},", artifact["bytes"]), "\"bytes\": 0,");
        }
    }
    text
}

#[test]
fn the_bundle_of_a_story_is_the_reviewed_one() {
    let dir = Dir::new();
    let story = root().join("samples/stories/checkout/drain.ndjson");
    dir.file("drain.ndjson", fs::read(story).expect("the story"));
    let reviewed = root().join("tests/cli/story");
    let saved = fs::read_dir(reviewed.join(SAVED)).expect("saved incidents").flatten();
    for file in saved {
        let name = file.file_name().to_string_lossy().into_owned();
        dir.file(&format!("{SAVED}/{name}"), fs::read(file.path()).expect("a saved incident"));
    }
    let command = ["postmortem", "drain.ndjson", "--slo", "99.9", "--incidents", SAVED, "--out", "bundle"];
    dir.run(&command).exits(0).says("wrote");
    dir.run(&["verify", "bundle"]).exits(0).shows("Nothing differs.");
    let read = |name: &str| fs::read_to_string(dir.path("bundle").join(name)).expect(name);
    let manifest: Value = serde_json::from_str(&read("manifest.json")).expect("JSON");
    let mut differ = Vec::new();
    for name in FILES {
        let text = lasting(&read(name), &manifest);
        let path = reviewed.join(name);
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            fs::write(&path, text).expect("writes");
            continue;
        }
        // A checkout may have changed the ends of lines.
        let known = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        if text != known {
            let line = text.lines().zip(known.lines()).position(|(a, b)| a != b);
            let at = line.unwrap_or_else(|| text.lines().count().min(known.lines().count()));
            let short =
                |text: &str| text.lines().nth(at).unwrap_or_default().chars().take(400).collect::<String>();
            differ.push(format!("{name}:{}\n- {}\n+ {}", at + 1, short(&known), short(&text)));
        }
    }
    assert!(
        differ.is_empty(),
        "{}\nif this is right: UPDATE_SNAPSHOTS=1 cargo test --test cli story",
        differ.join("\n")
    );
}
