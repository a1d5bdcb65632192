//! Bundles: what is written, that it is the same wherever and however it is written, and that `verify` finds what changed.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::support::{Dir, REFUSED, drain, drain_value, gzip, sample};

const FILES: [&str; 5] = ["evidence.jsonl", "manifest.json", "postmortem.md", "report.html", "report.json"];

/// A folder with logs of several shapes: one entry a line, JSON over several lines, text, compressed.
fn logs() -> Dir {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let dir = Dir::new();
    for folder in ["jsonlines/deployment-change", "cloudwatch/filter-log-events", "text/nginx"] {
        for entry in std::fs::read_dir(samples.join(folder)).expect("a sample").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != "truth.toml" && name != "report.txt" {
                dir.file(&format!("logs/{folder}/{name}"), std::fs::read(entry.path()).expect("a file"));
            }
        }
    }
    dir.file("logs/drain.ndjson.gz", gzip(sample().as_bytes()));
    dir
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries
        .map(|entry| {
            (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).expect("a file"))
        })
        .collect()
}

fn evidence(dir: &Dir, out: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.path(out).join("evidence.jsonl")).expect("evidence");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn manifest(dir: &Dir, out: &str) -> Value {
    let text = std::fs::read(dir.path(out).join("manifest.json")).expect("a manifest");
    serde_json::from_slice(&text).expect("JSON")
}

fn text(dir: &Dir, path: &str) -> String {
    std::fs::read_to_string(dir.path(path)).expect("a text")
}

#[test]
fn the_same_input_gives_the_same_bytes_wherever_they_are_written() {
    let dir = logs();
    let mut bundles = Vec::new();
    for (out, threads) in [("one", "1"), ("some/where/else", "2"), ("third", "0")] {
        dir.run(&["postmortem", "logs", "--out", out, "--threads", threads]).exits(0).says("wrote");
        bundles.push(files(&dir.path(out)));
    }
    let names: Vec<&str> = bundles[0].keys().map(String::as_str).collect();
    assert_eq!(names, FILES);
    assert!(bundles[0] == bundles[1] && bundles[0] == bundles[2]);
    // Over a former bundle, too.
    dir.run(&["postmortem", "logs", "--out", "one", "--quiet"]).exits(0);
    assert!(files(&dir.path("one")) == bundles[0]);
    let manifest = manifest(&dir, "one");
    assert_eq!(manifest["command"], json!(["why500", "postmortem", "logs"]));
    assert_eq!(manifest["as_of"], manifest["window"]["to"]);
    let report: Value = serde_json::from_slice(&bundles[0]["report.json"]).expect("JSON");
    for (source, recorded) in
        report["sources"].as_array().unwrap().iter().zip(manifest["sources"].as_array().unwrap())
    {
        for (key, value) in source.as_object().unwrap() {
            assert_eq!(recorded[key], *value, "the ledger");
        }
        assert_eq!(recorded["sha256"].as_str().map(str::len), Some(64));
    }
}

#[test]
fn every_cited_line_is_where_the_evidence_says() {
    let dir = logs();
    dir.run(&["postmortem", "logs", "--out", "out"]).exits(0);
    let all = evidence(&dir, "out");
    let mut seen = 0;
    for one in &all {
        let name = one["source"].as_str().unwrap();
        let (from, to) =
            (one["from_byte"].as_u64().unwrap() as usize, one["to_byte"].as_u64().unwrap() as usize);
        if name.ends_with(".gz") {
            assert!(sample().as_bytes()[from..to].starts_with(b"{"));
            continue;
        }
        let content = std::fs::read(dir.path(name)).expect("a source");
        let line =
            content.split(|byte| *byte == b'\n').nth(one["line"].as_u64().unwrap() as usize - 1).unwrap();
        assert!(content[from..to].starts_with(line), "{one}");
        // What is quoted was read from there: its longest plain word stands in the bytes.
        let bytes = String::from_utf8_lossy(&content[from..to]).into_owned();
        let quoted = one["text"].as_str().unwrap_or_default();
        let words = quoted.split(|c: char| !c.is_ascii_alphanumeric()).max_by_key(|word| word.len());
        assert!(bytes.contains(words.unwrap_or_default()), "{one}\n{bytes}");
        seen += 1;
    }
    assert!(seen > 5, "{all:#?}");
    assert!(all.iter().any(|one| one["text"].is_null()), "lines of triage steps");
}

#[test]
fn an_untouched_bundle_verifies() {
    let dir = logs();
    dir.run(&["postmortem", "logs", "--out", "out"]).exits(0);
    dir.run(&["verify", "out"]).exits(0).shows("Nothing differs.");
    // Moved and renamed, the sources are known by their content.
    std::fs::rename(dir.path("logs"), dir.path("archived")).expect("moves");
    dir.run(&["verify", "out"]).exits(0).shows("not checked").shows("--sources");
    dir.run(&["verify", "out", "--sources", "archived"]).exits(0).shows("Nothing differs.");
    std::fs::rename(dir.path("archived/drain.ndjson.gz"), dir.path("archived/other.gz")).expect("moves");
    dir.run(&["verify", "out", "--sources", "archived"]).exits(0).shows("Nothing differs.");
    std::fs::remove_file(dir.path("archived/other.gz")).expect("goes");
    dir.run(&["verify", "out", "--sources", "archived"]).exits(1).shows("not among --sources");
}

#[test]
fn any_changed_byte_shows() {
    let dir = logs();
    dir.run(&["postmortem", "logs", "--out", "out"]).exits(0);
    for name in FILES {
        let path = dir.path("out").join(name);
        let good = std::fs::read(&path).expect("a file");
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).expect("writes");
            let ran = dir.run(&["verify", "out"]).exits(1);
            assert!(
                ran.stdout.lines().any(|line| line.starts_with(name) && line.contains("differs")),
                "{ran:?}"
            );
        }
        std::fs::write(&path, &good[..good.len() / 2]).expect("writes");
        dir.run(&["verify", "out"]).exits(1).shows(name);
        std::fs::remove_file(&path).expect("goes");
        if name == "manifest.json" {
            dir.run(&["verify", "out"]).exits(3).says("no bundle here");
        } else {
            dir.run(&["verify", "out"]).exits(1).shows("missing");
        }
        std::fs::write(&path, &good).expect("writes");
    }
    dir.run(&["verify", "out"]).exits(0);
}

#[test]
fn a_changed_source_shows_and_a_grown_one_is_told_apart() {
    let dir = logs();
    dir.run(&["postmortem", "logs", "--out", "out"]).exits(0);
    let path = dir.path("logs/jsonlines/deployment-change/app.log");
    let good = std::fs::read(&path).expect("a file");
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    std::fs::write(&path, &bad).expect("writes");
    for args in [&["verify", "out"][..], &["verify", "out", "--sources", "logs"]] {
        dir.run(args).exits(1).shows("app.log").shows("SHA-256");
    }
    std::fs::write(&path, [&good[..], b"one more line\n"].concat()).expect("writes");
    let ran = dir.run(&["verify", "out"]).exits(1).shows("it has grown, and what was read is unchanged");
    assert!(!ran.stdout.contains("app.log:"), "its lines are still proven: {ran:?}");
    std::fs::write(&path, &good).expect("writes");
    dir.run(&["verify", "out"]).exits(0);
}

/// Whoever changes a line of evidence and mends all digests still cannot prove it.
#[test]
fn a_forged_line_does_not_fit_its_source() {
    let dir = logs();
    dir.run(&["postmortem", "logs", "--out", "out"]).exits(0);
    let lines = text(&dir, "out/evidence.jsonl");
    let first = lines.lines().next().expect("a line");
    let mut forged: Value = serde_json::from_str(first).expect("JSON");
    forged["from_byte"] = json!(forged["from_byte"].as_u64().unwrap() + 1);
    dir.file("out/evidence.jsonl", lines.replacen(first, &forged.to_string(), 1));
    let place = format!("{}:{}", forged["source"].as_str().unwrap(), forged["line"]);
    let ran = dir.run(&["verify", "out"]).exits(1);
    assert!(
        ran.stdout
            .lines()
            .any(|line| line.contains("bytes") && place.starts_with(&line[..20.min(line.len())])),
        "{ran:?}"
    );
}

#[test]
fn archives_and_pipes() {
    let dir = Dir::new();
    let log = sample();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(log.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append_data(&mut header, "in/app.log", log.as_bytes()).expect("appends");
    let tar = tar.into_inner().expect("finishes");
    dir.file("a.tar", &tar).file("b.tar.gz", gzip(&tar));
    dir.run(&["postmortem", "a.tar", "b.tar.gz", "--out", "out"]).exits(0);
    assert!(evidence(&dir, "out").iter().all(|one| one["hash"].is_string()));
    dir.run(&["verify", "out"]).exits(0).shows("Nothing differs.");
    dir.run(&["verify", "out", "--sources", "a.tar", "b.tar.gz"]).exits(0).shows("Nothing differs.");

    let ran = dir.pipe(&["postmortem", "--out", "piped"], log.as_bytes()).exits(0);
    assert!(ran.stderr.contains("without bytes to prove them"), "{ran:?}");
    let recorded = &manifest(&dir, "piped")["sources"][0];
    assert_eq!((&recorded["name"], &recorded["sha256"]), (&json!("-"), &Value::Null));
    assert!(recorded["note"].as_str().is_some_and(|note| note.starts_with("standard input")));
    assert!(evidence(&dir, "piped").iter().all(|one| one["hash"].is_null() && one["from_byte"].is_null()));
    dir.run(&["verify", "piped"]).exits(0).shows("not checked: -:");
}

/// It is passed over after its first bytes, and its digest is that of all of it.
#[test]
fn a_source_that_is_no_log_verifies() {
    let dir = Dir::new();
    dir.file("a.log", sample()).file("b.bin", [0_u8, 1, 2, 3, 255].repeat(200_000));
    dir.run(&["postmortem", "a.log", "b.bin", "--out", "out"]).exits(0);
    assert_eq!(manifest(&dir, "out")["sources"][1]["size_bytes"], json!(1_000_000));
    dir.run(&["verify", "out"]).exits(0).shows("2 as recorded");
}

#[test]
fn without_a_failed_request_a_bundle_says_so() {
    let dir = Dir::new();
    dir.file("a.log", drain(1, 200, "ok"));
    dir.run(&["postmortem", "a.log", "--out", "out"]).exits(0).says("no request of this input failed");
    assert!(text(&dir, "out/postmortem.md").contains("No failed request in 1 request"));
    assert!(text(&dir, "out/report.html").contains("No request of these logs failed."));
    assert_eq!(text(&dir, "out/evidence.jsonl"), "");
    dir.run(&["verify", "out"]).exits(0);
    dir.run(&["postmortem", "missing.log", "--out", "none"]).exits(3);
    assert!(!dir.path("none").exists());
}

#[test]
fn what_is_typed_wrong_is_explained() {
    let dir = Dir::new();
    dir.file("a.log", sample()).file("full/notes.txt", "mine").file("logs/a.log", sample());
    dir.run(&["postmortem", "a.log"]).exits(2).says("--out");
    dir.run(&["postmortem", "a.log", "--out", "full"]).exits(2).says("notes.txt").says("new or empty folder");
    dir.run(&["postmortem", "a.log", "--out", "a.log"]).exits(2).says("this is a file");
    dir.run(&["postmortem", "logs", "--out", "logs/out"]).exits(2).says("outside of it");
    dir.run(&["postmortem", "a.log", "--out", "o", "--incident", "zz"])
        .exits(1)
        .says("no incident has this ID");
    dir.run(&["postmortem", "a.log", "--out", "o", "--as-of", "2020-01-01T00:00:00Z"]).exits(2).says("later");
    dir.run(&["verify", "full"]).exits(3).says("no bundle here");
    assert!(!dir.path("o").exists() && !dir.path("logs/out").exists());
    assert_eq!(files(&dir.path("full")).len(), 1);
}

#[test]
fn one_incident_and_another_moment() {
    let dir = Dir::new();
    dir.file("a.log", sample() + &drain(3, 500, "Error: Missing required environment variable: STRIPE_KEY"));
    let all = dir.run(&["a.log", "--format", "json"]).exits(0).json();
    let id = all["incidents"][1]["id"].as_str().expect("an ID").to_owned();
    let later = "2027-01-01T00:00:00.000Z";
    dir.run(&["postmortem", "a.log", "--out", "o", "--incident", &id[..6], "--as-of", later]).exits(0);
    let report: Value = serde_json::from_str(&text(&dir, "o/report.json")).expect("JSON");
    assert_eq!(report["incidents"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["incidents"][0]["id"], json!(id));
    let manifest = manifest(&dir, "o");
    assert_eq!((&manifest["incident"], &manifest["as_of"]), (&json!(id), &json!(later)));
    assert!(text(&dir, "o/postmortem.md").contains("as of 2027-01-01 00:00:00"));
    dir.run(&["verify", "o"]).exits(0);
}

/// What a log says becomes neither markup nor a control character, whichever form it ends in.
#[test]
fn hostile_lines_stay_text() {
    let hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>\u{1b}[2J\u{202e} ``` \n```\n# owned\n[x](javascript:alert(3)) \\| @here";
    let mut entry = drain_value(1, 500, &format!("{REFUSED} {hostile}"));
    let mut other = drain_value(2, 500, &format!("Error: boom {hostile}"));
    for entry in [&mut entry, &mut other] {
        for key in ["path", "requestId", "deploymentId", "environment", "entrypoint", "executionRegion"] {
            entry[key] = json!(format!("{}{hostile}", entry[key].as_str().unwrap_or("x")));
        }
        entry["proxy"]["path"] = json!(format!("/a{hostile}"));
    }
    let dir = Dir::new();
    let name = "evil<b>`\u{202e}.log";
    dir.file(name, format!("{entry}\n{other}\n"));
    dir.run(&["postmortem", name, "--out", "out"]).exits(0);
    let html = text(&dir, "out/report.html");
    for tag in ["<script", "<img", "<b>`"] {
        assert!(!html.contains(tag), "{tag}");
    }
    for file in FILES {
        let text = text(&dir, &format!("out/{file}"));
        let odd = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(odd, None, "{file}");
    }
    let page = text(&dir, "out/postmortem.md");
    assert!(!page.lines().any(|line| line.starts_with("# owned")) || page.contains("````"), "{page}");
    dir.run(&["verify", "out"]).exits(0);
}

/// A bundle may come from anywhere: its manifest names no file that is opened outside of it, and nothing it says is run.
#[test]
fn a_hostile_manifest_opens_nothing() {
    let dir = Dir::new();
    dir.file("a.log", sample());
    dir.run(&["postmortem", "a.log", "--out", "out"]).exits(0);
    let mut manifest = manifest(&dir, "out");
    manifest["artifacts"][0]["name"] = json!("../../../../etc/hostname");
    manifest["sources"][0]["name"] = json!("/dev/zero");
    manifest["sources"][0]["size_bytes"] = json!(u64::MAX);
    dir.file("out/manifest.json", manifest.to_string());
    let ran = dir.run(&["verify", "out"]).exits(1);
    assert!(!ran.stdout.contains("hostname"), "{ran:?}");
    for broken in [
        "",
        "{}",
        "[]",
        "\u{0}",
        "{\"schema\":\"why500/bundle/v9\",\"sources\":[],\"artifacts\":[],\"evidence\":{\"lines\":0}}",
    ] {
        dir.file("out/manifest.json", broken);
        dir.run(&["verify", "out"]).exits(1).shows("manifest.json");
    }
}
