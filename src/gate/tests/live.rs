//! A transcript and what reports say of it.

use super::*;
use crate::gate::report::{github, junit, markdown, sarif, table};
use crate::gate::transcript::Transcript;

const MANIFEST: &str = r#"schema = "why500/manifest/v1"
[live]
warm_up = ["/api/health"]
[[family]]
name = "billing"
routes = ["/api/billing/**"]
owner = "payments"
critical = true
[[family.probe]]
name = "price list answers"
request = { path = "/api/billing/prices?page=1" }
expect = { status = 200, headers = { content-type = "application/json*" }, max_ms = 1500 }
[[family.probe]]
name = "pay page"
request = { path = "/api/billing/page" }
[[family.negative]]
name = "malformed body"
request = { method = "POST", path = "/api/billing/checkout", body = '{"items":' }
expect = { status = [400, 415, 422] }
[[family.negative]]
name = "no credentials"
request = { method = "POST", path = "/api/billing/checkout", body = '{}' }
expect = { status = [401, 403] }
"#;

const FILES: [(&str, &str); 3] = [
    ("app/api/billing/checkout/route.ts", "export const POST = () => new Response('ok');"),
    ("app/api/billing/prices/route.ts", OK),
    ("app/api/billing/page/route.ts", OK),
];

/// What was seen, with the hashes of the requests as declared.
fn transcript(manifest: &Manifest) -> Transcript {
    let family = &manifest.families[0];
    let sent: Vec<String> =
        family.probes.iter().chain(&family.negatives).map(|probe| probe.digest()).collect();
    let line = |purpose: &str, name: &str, attempt: u32, sent: &str, request: (&str, &str), outcome: &str| {
        let (method, path) = request;
        let family = if purpose == "warm_up" { "" } else { "billing" };
        format!(
            r#"{{"kind":"http","purpose":"{purpose}","family":"{family}","name":"{name}","attempt":{attempt},"sent":"{sent}","method":"{method}","path":"{path}","elapsed_ms":{},"outcome":{outcome}}}"#,
            2100 / attempt
        )
    };
    let answer = |status: u16, headers: &str, body: &str, excerpt: &str| {
        format!(
            r#"{{"answered":{{"status":{status},"headers":{{{headers}}},"body":"{body}","body_bytes":2,"excerpt":"{excerpt}"}}}}"#
        )
    };
    let json = r#""content-type":"application/json""#;
    let vercel = r#""x-vercel-error":"FUNCTION_INVOCATION_FAILED","x-vercel-id":"iad1::iad1::abc12-17-d""#;
    let (prices, page, checkout) = (
        ("GET", "/api/billing/prices?page=1"),
        ("GET", "/api/billing/page"),
        ("POST", "/api/billing/checkout"),
    );
    let lost = r#"{"lost":{"step":"timeout","text":"timeout: global"}}"#;
    let edge = "Error: The edge runtime does not support Node.js 'crypto' module.";
    let lines = [
        r#"{"schema":"why500/transcript/v1","as_of":"2026-11-23","phases":["live"],"target":"https://shop.example.com"}"#.to_owned(),
        line("warm_up", "/api/health", 1, "", ("GET", "/api/health"), &answer(503, "", "empty", "")),
        line("warm_up", "/api/health", 2, "", ("GET", "/api/health"), &answer(200, json, "json", "")),
        line("probe", "price list answers", 1, &sent[0], prices, &answer(200, json, "json", "")),
        line("probe", "pay page", 1, &sent[1], page, lost),
        line("negative", "malformed body", 1, &sent[2], checkout, &answer(500, vercel, "text", edge)),
        line("negative", "no credentials", 1, &sent[3], checkout, &answer(403, "", "html", "<html>\\u001b[31m<b>")),
        line("probe", "price list answers", 2, &sent[0], prices, &answer(200, json, "json", "")),
        line("probe", "pay page", 2, &sent[1], page, lost),
        line("negative", "malformed body", 2, &sent[2], checkout, &answer(500, vercel, "text", edge)),
        line("negative", "no credentials", 2, &sent[3], checkout, &answer(403, "", "html", "<html>\\u001b[31m<b>")),
    ];
    Transcript::parse(Path::new("seen.jsonl"), lines.join("\n").as_bytes()).expect("a transcript")
}

fn report() -> GateReport {
    let manifest = Manifest::parse(Path::new("why500.toml"), MANIFEST).expect("a manifest");
    let transcript = transcript(&manifest);
    let dir = project(&FILES);
    let project = crate::gate::collect::project::find(dir.path()).expect("a project");
    let today = transcript.as_of().expect("a day");
    crate::gate::run(
        project,
        Demands {
            manifest: Some(&manifest),
            today,
            transcript: Some(&transcript),
            logs: None,
            incidents: None,
            required: &[crate::gate::transcript::Phase::Live],
        },
    )
}

#[test]
fn a_transcript_is_told_to_people() {
    let report = report();
    assert_eq!(
        findings(&report),
        [
            "gate-live-status /api/billing/page critical",
            "gate-negative-500 /api/billing/checkout critical",
            "gate-live-time /api/billing/prices warning",
            "gate-negative-shape /api/billing/checkout warning",
        ]
    );
    let mut out = Vec::new();
    table::write(&report, &mut out).expect("written");
    insta::assert_snapshot!(String::from_utf8(out).expect("text"));
}

#[test]
fn every_form_has_the_rule_and_nothing_that_a_terminal_obeys() {
    let report = report();
    type Write = fn(&GateReport, &mut dyn std::io::Write) -> std::io::Result<()>;
    let forms: [(&str, Write); 6] = [
        ("table", table::write),
        ("json", crate::gate::report::json::write),
        ("sarif", sarif::write),
        ("junit", junit::write),
        ("github", github::write),
        ("markdown", markdown::write),
    ];
    for (name, write) in forms {
        let mut out = Vec::new();
        write(&report, &mut out).expect("written");
        let text = String::from_utf8(out).expect("text");
        // The id of the incident that the finding would become, and the rules that the check prevents.
        assert!(text.contains("edge-node-module") && text.contains("request-body-parse"), "{name}: {text}");
        assert!(!text.contains('\u{1b}'), "{name}");
    }
}
