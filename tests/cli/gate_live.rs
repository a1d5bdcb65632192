//! `why500 gate --live`: what is sent, what is said, and that a transcript gives the same verdict again.

#[path = "../../src/gate/probe/tests/server.rs"]
#[expect(dead_code, reason = "the tests of the probes use the rest of it")]
pub mod server;

use server::{Asked, Reply, Server};

use super::support::Dir;

const MANIFEST: &str = r#"schema = "why500/manifest/v1"

[[family]]
name = "billing"
routes = ["/api/billing/**"]
owner = "payments"
critical = true

[[family.probe]]
name = "price list answers"
request = { path = "/api/billing/prices", headers_env = { authorization = "PROBE_TOKEN" } }
expect = { status = 200, headers = { content-type = "application/json*" } }

[[family.negative]]
name = "malformed body"
request = { method = "POST", path = "/api/billing/checkout", body = '{"items":' }
expect = { status = [400, 415, 422] }
"#;

pub fn project() -> Dir {
    let dir = Dir::new();
    dir.file("package.json", r#"{"dependencies":{"next":"16.4.0"}}"#)
        .file("app/api/billing/checkout/route.ts", "export const POST = () => new Response('ok');")
        .file("app/api/billing/prices/route.ts", "export const GET = () => new Response('ok');")
        .file("why500.toml", MANIFEST);
    dir
}

fn shop(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/api/billing/prices" if asked.header("authorization") == Some("Bearer s3cret-token") => {
            Reply::json(200, "[]")
        }
        "/api/billing/checkout" => Reply::json(500, r#"{"error":"Unexpected end of JSON input"}"#),
        _ => Reply::html(404, "<html>"),
    }
}

#[test]
fn a_transcript_gives_the_same_verdict_byte_for_byte() {
    let dir = project();
    let server = Server::start(shop);
    for format in ["json", "table"] {
        let file = format!("seen-{format}.jsonl");
        let live =
            ["gate", "--format", format, "--live", &server.url(), "--record", &file, "--as-of", "2026-11-23"];
        let first = super::support::Ran::from(
            dir.command(&live)
                .env("PROBE_TOKEN", "Bearer s3cret-token")
                // Nothing goes to a proxy: this one would answer nobody.
                .envs([("HTTP_PROXY", "http://127.0.0.1:9"), ("ALL_PROXY", "http://127.0.0.1:9")])
                .output()
                .expect("it runs"),
        );
        let first = first.exits(1);
        let recorded = std::fs::read_to_string(dir.path(&file)).expect("a transcript");
        assert!(!recorded.contains("s3cret") && !first.stdout.contains("s3cret"), "{recorded}");
        let again = dir.run(&["gate", "--format", format, "--transcript", &file]).exits(1);
        assert_eq!(again.stdout, first.stdout, "{format}");
        assert!(again.stdout.contains("gate-negative-500"), "{}", again.stdout);
    }
    let asked = server.asked().len();
    let report = dir.run(&["gate", "--format", "json", "--transcript", "seen-json.jsonl"]).exits(1);
    assert_eq!(server.asked().len(), asked, "nothing is sent");
    let report: serde_json::Value = serde_json::from_str(&report.stdout).expect("JSON");
    assert_eq!(report["phase"], "live");
    assert_eq!(report["target"], server.url());
    assert_eq!(report["ledger"]["probes_sent"], 3);
    assert_eq!(report["checks"][0]["id"], "gate-negative-500");
    assert_eq!(report["checks"][0]["subject"], "/api/billing/checkout");
}

#[test]
fn what_cannot_be_probed_is_said_with_its_exit_code() {
    let dir = project();
    let url = "http://127.0.0.1:9";
    dir.run(&["gate", "--live", "https://user:s3cret@shop.example.com"]).exits(2).says("user or password");
    dir.run(&["gate", "--live", url, "--transcript", "x"]).exits(2);
    dir.run(&["gate", "--record", "x"]).exits(2).says("--live URL");
    dir.run(&["gate", "--live", url, "--record", "why500.toml"]).exits(2).says("is there already");
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    dir.run(&["gate", "--live", &format!("http://{closed}")]).exits(3).says("does not answer");
    let server = Server::start(shop);
    dir.run(&["gate", "--live", &server.url()]).exits(1).shows("PROBE_TOKEN is not set");
    dir.run(&["gate", "--transcript", "gone.jsonl"]).exits(4).says("gone.jsonl: cannot be read");
    dir.file(
        "bad.jsonl",
        "{\"schema\":\"why500/transcript/v1\",\"as_of\":\"2026-11-23\",\"phases\":[]}\n{\"kind\":1}\n",
    );
    dir.run(&["gate", "--transcript", "bad.jsonl"]).exits(4).says("bad.jsonl:2:");
    dir.run(&["gate", "--require-phase", "live,reach"]).exits(1).shows("the step live was required");
    dir.run(&["gate", "--require-phase", "dive"]).exits(2);
    std::fs::remove_file(dir.path("why500.toml")).expect("removed");
    dir.run(&["gate", "--live", url]).exits(2).says("why500 gate init");
}

/// Requests of a deployment, of which the first fail.
fn deployment(id: &str, minute: u64, failed: u64, of: u64) -> String {
    let line = |number: u64| {
        let fails = number < failed;
        let message =
            if fails { "Error: The edge runtime does not support Node.js 'crypto' module." } else { "ok" };
        let mut value =
            super::support::drain_value(minute * 60 + number, if fails { 500 } else { 200 }, message);
        value["deploymentId"] = id.into();
        value["id"] = format!("{id}-{number}").into();
        value["requestId"] = format!("{id}-{number}").into();
        format!("{value}\n")
    };
    (0..of).map(line).collect()
}

#[test]
fn after_a_deployment_the_advice_is_the_exit_code() {
    let dir = project();
    dir.file("old.ndjson", deployment("dpl_old", 0, 0, 600))
        .file("bad.ndjson", deployment("dpl_new", 30, 100, 600))
        .file("good.ndjson", deployment("dpl_new", 30, 0, 600))
        .file("few.ndjson", deployment("dpl_new", 30, 0, 6));
    let run = |file: &str, more: &[&str]| {
        let args = [&["gate", "--after", "--logs", "old.ndjson", "--logs", file], more].concat();
        dir.run(&args)
    };
    let text = run("bad.ndjson", &[]).exits(1).stdout;
    for part in ["Deployment dpl_new: roll back", "edge-node-module", "gate-budget-burn", "it leaves"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let report: serde_json::Value =
        serde_json::from_str(&run("bad.ndjson", &["--format", "json"]).exits(1).stdout).expect("JSON");
    assert_eq!(report["phase"], "after");
    assert_eq!(report["after"]["advice"], "roll_back");
    assert_eq!(report["after"]["top_incident"]["cause"], "edge-node-module");
    assert_eq!(report["checks"][0]["cause"], "edge-node-module");
    for form in ["sarif", "junit", "github", "markdown"] {
        run("bad.ndjson", &["--format", form]).exits(1).shows("edge-node-module");
    }
    run("good.ndjson", &[]).exits(0).shows("Deployment dpl_new: keep");
    run("few.ndjson", &[]).exits(1).shows("194 more are needed");
    run("good.ndjson", &["--previous", "dpl_gone"]).exits(1).says("the logs name dpl_new, dpl_old");
    // With probes: a contract that is broken twice in a row.
    let server = Server::start(shop);
    run("good.ndjson", &["--live", &server.url()]).exits(1).shows("a declared contract is broken");
    dir.run(&["gate", "--after"]).exits(2);
    dir.run(&["gate", "--logs", "old.ndjson"]).exits(2);
    dir.run(&["gate", "--after", "--logs", "gone.ndjson"]).exits(3);
}

#[test]
fn an_incident_that_was_fixed_is_guarded_from_its_log_to_the_gate() {
    let dir = project();
    let edge = "import { createHash } from 'crypto';\nexport const runtime = 'edge';\nexport const POST = () => new Response(createHash('sha1').digest('hex'));";
    dir.file("drain.ndjson", deployment("dpl_new", 30, 3, 9).replace("/api/orders", "/api/billing/checkout"));
    let save = [
        "incidents",
        "save",
        "top",
        "drain.ndjson",
        "--fixed-at",
        "2026-11-02T00:00:00Z",
        "--fix",
        "split the helper",
    ];
    dir.run(&[&save[..], &["--guard=gate-edge-node-modul"]].concat()).exits(2).says("did you mean");
    let file = dir.run(&[&save[..], &["--guard"]].concat()).exits(0).stdout;
    let text = std::fs::read_to_string(dir.path(file.trim())).expect("a file");
    assert!(
        text.contains("[[guard]]\ncheck = \"gate-edge-node-module\"\nsubject = \"/api/billing/checkout\""),
        "{text}"
    );
    dir.run(&["gate"]).exits(0);
    dir.file("app/api/billing/checkout/route.ts", edge);
    dir.run(&["gate"]).exits(1).shows("would happen again").shows("cause edge-node-module");
    dir.run(&["gate", "--no-incidents", "--format", "json"]).exits(1);
    // After a deployment, what is known of the incident is said.
    dir.run(&["gate", "--after", "--logs", "drain.ndjson"]).exits(1).shows("before: 2026");
    std::fs::write(dir.path(file.trim()), text.replace("gate-edge-node-module", "gate-x")).expect("written");
    dir.run(&["gate"]).exits(4).says("is no check of why500 gate");
    dir.run(&["gate", "--incidents", "gone"]).exits(4);
}
