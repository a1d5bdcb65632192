//! Logs of two deployments with known counts, through triage, to the advice.

use std::path::Path;

use super::*;
use crate::engine::Engine;
use crate::gate::manifest::SCHEMA;
use crate::redact::printable::escaped_json;

const EDGE: &str = "Error: The edge runtime does not support Node.js 'crypto' module.";
const REFUSED: &str = "Error: connect ECONNREFUSED 10.0.0.5:5432";
/// 2026-01-01T00:00:00Z.
const BEGIN_MS: i64 = 1_767_225_600_000;

/// Requests of a deployment: so many in so many minutes from this one on, some of which fail with this message, evenly.
fn requests(
    deployment: &str,
    from_minute: i64,
    minutes: i64,
    (failed, message): (u64, &str),
    of: u64,
) -> String {
    let mut out = String::new();
    for number in 0..of {
        let time = BEGIN_MS + from_minute * 60_000 + number as i64 * minutes * 60_000 / of as i64;
        let (status, level, text) = if number * failed / of != (number + 1) * failed / of {
            (500, "error", message)
        } else {
            (200, "info", "ok")
        };
        let id = format!("{deployment}-{number}");
        out.push_str(&format!(
            r#"{{"id":"e-{id}","timestamp":{time},"deploymentId":"{deployment}","source":"lambda","host":"shop.example.com","path":"/api/pay","environment":"production","branch":"main","level":"{level}","requestId":"{id}","statusCode":{status},"message":"{text}","proxy":{{"timestamp":{time},"method":"POST","path":"/api/pay","statusCode":{status}}}}}"#
        ));
        out.push('\n');
    }
    out
}

fn manifest() -> Manifest {
    let text = format!(
        "schema = \"{SCHEMA}\"\n[slo]\navailability = 0.99\nmin_requests = 100\nafter_deploy = {{ observe = \"20m\" }}\n\
         [rollback]\ncommand = \"vercel rollback {{previous}}\"\ndoes_not_undo = [\"prisma/migrations of this release\"]\n"
    );
    Manifest::parse(Path::new("why500.toml"), &text).expect("a manifest")
}

fn logs(text: &str, named: &Named) -> Result<Logs, String> {
    let engine = Engine::new().expect("an engine");
    let bytes = std::io::Cursor::new(text.as_bytes().to_vec());
    Logs::new(engine.run_reader("drain.ndjson", Box::new(bytes)).report, named)
}

fn after(text: &str) -> (After, Check) {
    let logs = logs(text, &Named::default()).expect("deployments");
    judge(&logs, Some(&manifest()), &[])
}

#[test]
fn a_release_that_fails_more_is_rolled_back_with_its_cause() {
    let text = requests("dpl_old", 0, 60, (1, REFUSED), 1000) + &requests("dpl_new", 60, 25, (60, EDGE), 300);
    let (after, check) = after(&text);
    assert_eq!(after.advice, Advice::RollBack, "{:?}", after.why);
    assert_eq!(after.deployment.id, "dpl_new");
    assert_eq!((after.deployment.failed, after.deployment.requests), (60, 300));
    assert_eq!(after.deployment.branches, ["main"]);
    assert_eq!(after.previous.as_ref().map(|one| one.id.as_str()), Some("dpl_old"));
    let top = after.top_incident.as_ref().expect("an incident");
    assert_eq!((top.cause.as_deref(), top.is_new, top.requests), (Some("edge-node-module"), Some(true), 60));
    assert_eq!(
        after.deployment.first_failure.as_ref().and_then(|one| one.correlation_id.as_deref()),
        Some("dpl_new-4")
    );
    assert_eq!(after.rollback.command.as_deref(), Some("vercel rollback dpl_old"));
    assert!(after.rollback.does_not_undo.iter().any(|one| one.contains("migrations")));
    assert_eq!((check.state, check.severity), (State::Fail, Severity::Critical));
    assert_eq!(check.cause.as_deref(), Some("edge-node-module"), "the id of the incident");
    assert!(after.rise_p_value.expect("a test") < 1e-6);
    // A finding and the incident that it would become have the id in common.
    let prevents = crate::gate::judge::checks::NODE_MODULE.prevents;
    assert!(prevents.contains(&check.cause.as_deref().unwrap_or_default()));
    let shown = crate::gate::report::after::lines(&after);
    let shown: String = shown.iter().map(|(label, text)| format!("{label:<11}{text}\n")).collect();
    insta::assert_snapshot!(shown);
    let json = serde_json::to_string(&after).expect("JSON");
    assert_eq!(escaped_json(&json), json);
}

#[test]
fn a_good_release_is_kept_and_a_young_one_watched() {
    let old = requests("dpl_old", 0, 60, (1, REFUSED), 1000);
    let (kept, check) = after(&(old.clone() + &requests("dpl_new", 60, 25, (0, ""), 300)));
    assert_eq!((kept.advice, check.state), (Advice::Keep, State::Pass), "{:?}", kept.why);
    let (few, check) = after(&(old.clone() + &requests("dpl_new", 60, 25, (0, ""), 30)));
    assert_eq!((few.advice, few.missing.requests), (Advice::Watch, 70));
    assert_eq!((check.state, check.severity), (State::NotRun, Severity::Critical));
    let (early, _) = after(&(old.clone() + &requests("dpl_new", 60, 5, (0, ""), 300)));
    assert_eq!((early.advice, early.missing.requests), (Advice::Watch, 0));
    assert!(early.missing.minutes >= 15, "{:?}", early.missing);
    let named = Named { deployment: Some("dpl_none".into()), previous: None };
    let none =
        judge(&logs(&old, &named).expect("a deployment that is not there yet"), Some(&manifest()), &[]).0;
    assert_eq!(none.advice, Advice::Watch);
    assert!(
        none.notes[0].contains("the logs name dpl_old")
            || none.notes.iter().any(|note| note.contains("dpl_old"))
    );
}

#[test]
fn what_a_rollback_would_not_end_is_held() {
    let (held, check) = after(
        &(requests("dpl_old", 0, 60, (200, REFUSED), 1000)
            + &requests("dpl_new", 60, 25, (60, REFUSED), 300)),
    );
    assert_eq!(held.advice, Advice::Hold, "{:?}", held.why);
    assert_eq!((check.state, check.severity), (State::Fail, Severity::Warning));
    assert!(held.why[0].contains("going back would not end it"), "{:?}", held.why);
}

#[test]
fn a_broken_contract_decides_and_a_probe_that_did_not_run_is_waited_for() {
    let text = requests("dpl_old", 0, 60, (0, ""), 1000) + &requests("dpl_new", 60, 25, (0, ""), 300);
    let logs = logs(&text, &Named::default()).expect("deployments");
    let finding = |state| {
        let about = crate::gate::judge::live::STATUS;
        let mut check = crate::gate::judge::simple(
            about,
            Severity::Critical,
            "/api/pay",
            "prices: got 500 twice".into(),
            "",
        );
        check.state = state;
        check
    };
    assert_eq!(judge(&logs, Some(&manifest()), &[finding(State::Fail)]).0.advice, Advice::RollBack);
    assert_eq!(judge(&logs, Some(&manifest()), &[finding(State::NotRun)]).0.advice, Advice::Watch);
    assert_eq!(judge(&logs, Some(&manifest()), &[finding(State::Waived)]).0.advice, Advice::Keep);
}

#[test]
fn logs_that_name_no_deployment_are_said() {
    let plain = "{\"time\":\"2026-01-01T00:00:00Z\",\"requestId\":\"r1\",\"status\":200,\"path\":\"/a\"}\n";
    assert_eq!(logs(plain, &Named::default()).expect_err("none"), "the logs name no deployment");
    let old = requests("dpl_old", 0, 60, (0, ""), 10);
    let named = Named { deployment: Some("dpl_old".into()), previous: Some("dpl_gone".into()) };
    let said = logs(&old, &named).expect_err("none");
    assert_eq!(said, "no request of deployment dpl_gone; the logs name dpl_old");
}
