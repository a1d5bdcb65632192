//! `verify` on bundles that somebody changed with care (all digests and the seal mended), and on such as want to do harm.

use std::path::Path;

use serde_json::{Value, json};
use why500::postmortem::digest::sha256;
use why500::postmortem::manifest::seals;

use super::support::{Dir, Ran, drain, sample};

const SECRET: &str =
    "Error: connect ECONNREFUSED 10.0.0.5:5432 postgres://app:hunter2@db.example.com:5432/app";

fn bundle() -> Dir {
    let dir = Dir::new();
    dir.file("logs/a.log", sample() + &drain(3, 500, SECRET))
        .file("logs/b.log", drain(4, 500, "Error: boom"));
    dir.run(&["postmortem", "logs", "--out", "out"]).exits(0);
    dir.run(&["verify", "out"]).exits(0).shows("cited texts  3 as recorded");
    dir
}

/// Changes the manifest, and mends its entries for the files and its seal.
fn reseal(dir: &Dir, change: impl Fn(&mut Value)) {
    let path = dir.path("out/manifest.json");
    let mut manifest: Value =
        serde_json::from_slice(&std::fs::read(&path).expect("a manifest")).expect("JSON");
    for entry in manifest["artifacts"].as_array_mut().expect("entries") {
        let name = entry["name"].as_str().expect("a name").to_owned();
        if let Ok(bytes) = std::fs::read(dir.path("out").join(name)) {
            entry["sha256"] = json!(sha256(&bytes));
            entry["bytes"] = json!(bytes.len());
        }
    }
    change(&mut manifest);
    let text = serde_json::to_string_pretty(&manifest).expect("JSON") + "\n";
    let (has, should) = seals(text.as_bytes()).expect("a seal");
    std::fs::write(&path, text.replace(&has, &should)).expect("writes");
}

/// Changes the first cited line that has a text, and mends all digests.
fn forge(dir: &Dir, change: impl Fn(&mut Value)) -> Value {
    let path = dir.path("out/evidence.jsonl");
    let text = std::fs::read_to_string(&path).expect("evidence");
    let mut done = Value::Null;
    let lines = text.lines().map(|line| {
        let mut one: Value = serde_json::from_str(line).expect("JSON");
        if done.is_null() && one["text"].is_string() {
            change(&mut one);
            done = one.clone();
        }
        format!("{one}\n")
    });
    let forged: String = lines.collect();
    std::fs::write(&path, forged).expect("writes");
    reseal(dir, |_| {});
    done
}

fn differs(ran: &Ran, place: &str) {
    assert!(ran.stdout.lines().any(|line| line.starts_with(place) && line.contains("differs")), "{ran:#?}");
}

#[test]
fn a_forged_text_shows_though_all_digests_fit() {
    let dir = bundle();
    let text = json!("Error: the database was on fire");
    forge(&dir, |one| one["text"] = text.clone());
    for args in [&["verify", "out"][..], &["verify", "out", "--sources", "logs"]] {
        let ran = dir.run(args).exits(1).shows("another text");
        differs(&ran, "logs/a.log:1");
    }
}

#[test]
fn a_forged_place_or_request_shows_though_all_digests_fit() {
    let changes: [(&str, Value); 5] = [
        ("line", json!(2)),
        ("to_byte", json!(10)),
        ("correlation_id", json!("request-9")),
        ("time", json!("2026-01-01T00:00:00.000Z")),
        ("hash", json!("0".repeat(64))),
    ];
    for (key, value) in changes {
        let dir = bundle();
        let one = forge(&dir, |one| one[key] = value.clone());
        let ran = dir.run(&["verify", "out"]).exits(1);
        differs(&ran, &format!("logs/a.log:{}", one["line"]));
    }
}

/// A line that is left out of the evidence is one that the report cites.
#[test]
fn a_cited_line_that_was_taken_out_shows() {
    let dir = bundle();
    let text = std::fs::read_to_string(dir.path("out/evidence.jsonl")).expect("evidence");
    let (_, rest) = text.split_once('\n').expect("lines");
    dir.file("out/evidence.jsonl", rest);
    let lines = rest.lines().count();
    reseal(&dir, |manifest| {
        manifest["evidence"]["lines"] = json!(lines);
        manifest["evidence"]["located"] = json!(lines);
    });
    dir.run(&["verify", "out"]).exits(1).shows("a cited line").shows("not in evidence.jsonl");
}

/// Whoever has another key gets other tokens at the same places.
#[test]
fn texts_with_a_key_of_ones_own_are_compared_but_for_the_tokens() {
    let dir = bundle();
    let args = ["postmortem", "logs", "--out", "out", "--redact-key", "mine"];
    dir.run(&args).exits(0);
    dir.run(&["verify", "out"]).exits(0).shows("cited texts  3 as recorded");
    forge(&dir, |one| one["text"] = json!("Error: no such thing"));
    dir.run(&["verify", "out"]).exits(1).shows("another text");
    // Patterns of one's own are not in a bundle, so what they hid cannot be found again; it is said.
    dir.run(&["postmortem", "logs", "--out", "out", "--redact-pattern", "request-[0-9]+"]).exits(0);
    dir.run(&["verify", "out"]).exits(0).shows("not checked: cited texts: the command had --redact-pattern");
}

#[test]
fn lengths_are_checked_besides_the_digests() {
    let dir = bundle();
    reseal(&dir, |manifest| manifest["artifacts"][1]["bytes"] = json!(1));
    differs(&dir.run(&["verify", "out"]).exits(1), "report.html");
    for size in [json!(100_000), json!(7), Value::Null] {
        reseal(&dir, |manifest| manifest["sources"][0]["size_bytes"] = size.clone());
        for args in [&["verify", "out"][..], &["verify", "out", "--sources", "logs"]] {
            differs(&dir.run(args).exits(1), "logs/a.log");
        }
    }
}

#[test]
fn other_files_in_the_folder_are_named() {
    let dir = bundle();
    dir.file("out/postmortem-final.md", "mine").file("out/manifest.json.asc", "a signature");
    let ran = dir.run(&["verify", "out"]).exits(1).shows("not checked: manifest.json.asc");
    differs(&ran, "postmortem-final.md");
    std::fs::remove_file(dir.path("out/postmortem-final.md")).expect("goes");
    dir.run(&["verify", "out"]).exits(0);
    let extra = json!({"name": "../notes.txt", "bytes": 1, "sha256": "0"});
    reseal(&dir, |manifest| manifest["artifacts"].as_array_mut().expect("entries").push(extra.clone()));
    differs(&dir.run(&["verify", "out"]).exits(1), "manifest.json");
}

/// A bundle names a file that the user has not: nothing is told of what stands in it.
#[test]
fn a_file_that_a_bundle_names_does_not_speak() {
    let dir = bundle();
    dir.file("private/notes.txt", "my own");
    reseal(&dir, |manifest| {
        manifest["sources"][0]["name"] = json!("private/notes.txt");
        manifest["sources"][0]["size_bytes"] = json!(6);
    });
    let ran = dir.run(&["verify", "out"]).exits(1).shows("name its place with --sources");
    assert!(!ran.stdout.contains(&sha256(b"my own")[..8]), "{ran:#?}");
    // With --sources, nothing else is opened.
    dir.run(&["verify", "out", "--sources", "logs"]).exits(1).shows("cited lines");
}

#[cfg(unix)]
mod hostile {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    /// Runs `verify`; it has to end by itself.
    fn ends(dir: &Dir, args: &[&str]) -> Ran {
        let mut child = dir.command(args).stdin(Stdio::null()).spawn().expect("the program starts");
        let begun = Instant::now();
        while child.try_wait().expect("a child").is_none() {
            if begun.elapsed() > Duration::from_secs(30) {
                child.kill().expect("ends");
                panic!("{args:?} does not end");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ran::from(child.wait_with_output().expect("output"))
    }

    fn pipe(path: &Path) {
        let _ = std::fs::remove_file(path);
        assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
    }

    fn zero(path: &Path) {
        let _ = std::fs::remove_file(path);
        std::os::unix::fs::symlink("/dev/zero", path).expect("a link");
    }

    #[test]
    fn pipes_and_devices_in_the_place_of_files_are_refused() {
        for put in [pipe, zero] {
            for name in ["postmortem.md", "report.html", "report.json", "evidence.jsonl"] {
                let dir = bundle();
                put(&dir.path("out").join(name));
                let ran = ends(&dir, &["verify", "out"]);
                assert_eq!(ran.code, Some(1), "{ran:#?}");
                assert!(ran.stdout.contains("no regular file"), "{ran:#?}");
            }
            let dir = bundle();
            put(&dir.path("out/manifest.json"));
            ends(&dir, &["verify", "out"]).exits(3).says("no regular file");
            // A former bundle is looked at before one is written.
            ends(&dir, &["postmortem", "logs", "--out", "out"]).exits(2);
        }
    }

    #[test]
    fn pipes_and_devices_in_the_place_of_sources_are_not_opened() {
        for put in [pipe, zero] {
            let dir = bundle();
            put(&dir.path("logs/a.log"));
            ends(&dir, &["verify", "out"]).exits(0).shows("not checked: logs/a.log: no regular file");
            ends(&dir, &["verify", "out", "--sources", "logs"]).exits(1).shows("not among --sources");
        }
        let dir = bundle();
        for name in ["/dev/zero", "/dev/stdin", "/proc/self/mem", "/proc/kmsg"] {
            reseal(&dir, |manifest| {
                manifest["sources"][0]["name"] = json!(name);
                manifest["sources"][0]["size_bytes"] = json!(u64::MAX);
            });
            ends(&dir, &["verify", "out"]).shows("no regular file");
        }
    }

    #[test]
    fn a_link_out_of_the_bundle_is_not_followed() {
        let dir = bundle();
        dir.file("private/notes.txt", "my own");
        std::fs::remove_file(dir.path("out/report.html")).expect("goes");
        std::os::unix::fs::symlink(dir.path("private/notes.txt"), dir.path("out/report.html"))
            .expect("a link");
        let ran = ends(&dir, &["verify", "out"]).exits(1).shows("it is a link");
        assert!(!ran.stdout.contains(&sha256(b"my own")[..8]), "{ran:#?}");
    }

    /// 16 GiB of nothing take no room on disk and minutes to read.
    #[test]
    fn files_beyond_their_limits_are_not_read() {
        let dir = bundle();
        for (name, bytes) in [("evidence.jsonl", 17_u64 << 30), ("report.json", 17 << 30)] {
            let file = std::fs::File::create(dir.path("out").join(name)).expect("a file");
            file.set_len(bytes).expect("a length");
        }
        ends(&dir, &["verify", "out"]).exits(1).shows("which are not read").shows("its lines are not read");
        let file = std::fs::File::create(dir.path("out/manifest.json")).expect("a file");
        file.set_len(65 << 20).expect("a length");
        ends(&dir, &["verify", "out"]).exits(3).says("larger than");
    }
}
