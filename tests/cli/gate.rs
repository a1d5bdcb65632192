//! `why500 gate` as a process: forms and exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn gate(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_why500"));
    command.arg("gate").arg(dir).args(arguments).output().expect("the program runs")
}

fn project(route: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(dir.path().join("app/api/x")).expect("folders");
    fs::write(dir.path().join("package.json"), r#"{"dependencies":{"next":"16.4.0"}}"#).expect("a file");
    fs::write(dir.path().join("app/api/x/route.ts"), route).expect("a file");
    dir
}

#[test]
fn a_good_project_passes_and_a_bad_one_fails() {
    let good = project("export const GET = () => new Response('ok');");
    assert_eq!(gate(good.path(), &[]).status.code(), Some(0));
    let bad = project(
        "import fs from 'fs';\nexport const runtime = 'edge';\nexport const GET = () => fs.readFileSync('x');",
    );
    let output = gate(bad.path(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["schema"], "why500/gate/v1");
    assert_eq!(report["verdict"], "failed");
    assert_eq!(report["checks"][0]["id"], "gate-edge-node-module");
    assert_eq!(report["checks"][0]["state"], "fail");
    assert_eq!(report["checks"][0]["subject"], "/api/x");
    let notes = String::from_utf8(gate(bad.path(), &["--format", "github"]).stdout).expect("text");
    assert!(
        notes.starts_with("::error file=app/api/x/route.ts,line=1,title=gate-edge-node-module::"),
        "{notes}"
    );
    let text = String::from_utf8(gate(bad.path(), &[]).stdout).expect("text");
    assert!(text.contains("app/api/x/route.ts:1 → fs"), "{text}");
}

const BAD: &str =
    "import fs from 'fs';\nexport const runtime = 'edge';\nexport const GET = () => fs.readFileSync('x');";

fn form(dir: &Path, name: &str) -> String {
    let output = gate(dir, &["--format", name]);
    assert_eq!(output.status.code(), Some(1), "{name}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn code_scanning_gets_places_chains_and_steady_fingerprints() {
    let log = |route: &str| -> serde_json::Value {
        serde_json::from_str(&form(project(route).path(), "sarif")).expect("JSON")
    };
    let (first, moved) = (log(BAD), log(&format!("// a line above\n{BAD}")));
    let result = &first["runs"][0]["results"][0];
    assert_eq!(first["version"], "2.1.0");
    assert_eq!(result["ruleId"], "gate-edge-node-module");
    assert_eq!(result["level"], "error");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "app/api/x/route.ts");
    assert_eq!(place["region"]["startLine"], 1);
    assert_eq!(first["runs"][0]["tool"]["driver"]["rules"][0]["id"], "gate-edge-node-module");
    let other = &moved["runs"][0]["results"][0];
    assert_eq!(other["locations"][0]["physicalLocation"]["region"]["startLine"], 2);
    assert_eq!(result["partialFingerprints"], other["partialFingerprints"]);
}

#[test]
fn ci_systems_and_pull_requests_get_their_forms() {
    let bad = project(BAD);
    let junit = form(bad.path(), "junit");
    assert!(junit.starts_with("<?xml"), "{junit}");
    assert!(junit.contains("failures=\"1\" errors=\"0\""), "{junit}");
    assert!(junit.contains("name=\"gate-edge-node-module /api/x\""), "{junit}");
    let comment = form(bad.path(), "markdown");
    assert!(comment.starts_with("### ✗ why500 gate: failed"), "{comment}");
    assert!(comment.contains("`app/api/x/route.ts:1 → fs`"), "{comment}");
}

#[test]
fn a_folder_without_a_project_cannot_be_judged() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_eq!(gate(dir.path(), &[]).status.code(), Some(3));
    assert_eq!(gate(dir.path(), &["--format", "yaml"]).status.code(), Some(2));
}
