//! Guards of saved incidents.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::gate::judge::guards;
use crate::incidents::memory::Memory;
use crate::incidents::saved::{Guard, Saved};

fn incident(guards: &[&str]) -> Saved {
    Saved {
        id: "41d0aa93e1f5".into(),
        class: "runtime".into(),
        cause: "edge-node-module".into(),
        title: "Node.js module in the Edge runtime (crypto)".into(),
        fix: "split lib/slug.ts from lib/mixed.ts".into(),
        fixed_at: "2026-11-02T21:52:40Z".into(),
        routes: vec!["/api/pay".into()],
        guards: guards.iter().map(|text| Guard::parse(text)).collect(),
        ..Saved::default()
    }
}

fn memory(incident: Saved) -> Memory {
    let file = PathBuf::from(format!("{}.toml", incident.id));
    Memory { saved: BTreeMap::from([(incident.id.clone(), (file, incident))]), faults: Vec::new() }
}

fn guarded(files: &[(&str, &str)], incident: Saved) -> GateReport {
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day");
    let dir = project(files);
    let project = crate::gate::collect::project::find(dir.path()).expect("a project");
    let memory = memory(incident);
    assert_eq!(guards::sound(&memory), Ok(()));
    crate::gate::run(
        project,
        Demands {
            manifest: None,
            today,
            transcript: None,
            logs: None,
            incidents: Some(&memory),
            required: &[],
        },
    )
}

const FILES: [(&str, &str); 3] =
    [("tsconfig.json", PATHS), ("app/api/pay/route.ts", PAY), ("lib/mixed.ts", MIXED)];

#[test]
fn a_fixed_incident_cannot_return() {
    let report = guarded(&FILES, incident(&["gate-edge-node-module:/api/pay"]));
    assert_eq!(
        findings(&report),
        ["gate-edge-node-module /api/pay critical", "gate-incident-returns 41d0aa93e1f5 critical"]
    );
    let check = &report.checks[1];
    assert!(
        check.message.starts_with(
            "incident 41d0aa93e1f5 (edge-node-module, fixed 2026-11-02) would happen again: POST /api/pay"
        ),
        "{}",
        check.message
    );
    assert!(
        check.fix.ends_with("what ended it before: split lib/slug.ts from lib/mixed.ts"),
        "{}",
        check.fix
    );
    assert_eq!(check.cause.as_deref(), Some("edge-node-module"));
    assert_eq!((check.class, check.evidence.as_slice()), ("runtime", report.checks[0].evidence.as_slice()));
    let fine = [("app/api/pay/route.ts", OK)];
    let report = guarded(&fine, incident(&["gate-edge-node-module:/api/pay"]));
    assert!(findings(&report).is_empty());
    assert!(
        report.checks.iter().any(|check| check.id == "gate-incident-returns" && check.state == State::Pass)
    );
}

#[test]
fn a_guard_is_about_its_subject_and_begins_with_the_fix() {
    for saved in [
        incident(&["gate-edge-node-module:/api/other"]),
        incident(&["gate-edge-dynamic-code"]),
        incident(&[]),
        Saved { fixed_at: String::new(), ..incident(&["gate-edge-node-module"]) },
    ] {
        let report = guarded(&FILES, saved);
        assert_eq!(findings(&report), ["gate-edge-node-module /api/pay critical"]);
    }
    let remarks = guarded(&FILES, incident(&["gate-edge-node-module:/api/gone"])).ledger.remarks;
    assert!(remarks.iter().any(|one| one.contains("guards /api/gone, which is no route now")), "{remarks:?}");
    let remarks = guarded(&FILES, incident(&[])).ledger.remarks;
    assert!(remarks.iter().any(|one| one.starts_with("1 fixed incident carries no guard")), "{remarks:?}");
}

#[test]
fn variable_parts_may_have_other_names() {
    let files = [("app/api/o/[orderId]/route.ts", PAY), ("lib/mixed.ts", MIXED), ("tsconfig.json", PATHS)];
    let report = guarded(&files, incident(&["gate-edge-node-module:/api/o/[id]"]));
    assert!(findings(&report).iter().any(|one| one.starts_with("gate-incident-returns")));
}

#[test]
fn a_guard_that_could_not_be_judged_is_said() {
    let report = guarded(&FILES, incident(&["gate-negative-500:/api/pay"]));
    let check = report.checks.iter().find(|check| check.id == "gate-incident-returns").expect("a check");
    assert_eq!((check.state, check.severity), (State::NotRun, Severity::Warning));
    let broken = [("app/api/pay/route.ts", "export const runtime = 'edge'; export const POST = (")];
    let report = guarded(&broken, incident(&["gate-edge-node-module:/api/pay"]));
    let check = report.checks.iter().find(|check| check.id == "gate-incident-returns").expect("a check");
    assert_eq!((check.state, check.severity), (State::NotRun, Severity::Critical), "{}", check.message);
}

#[test]
fn guards_are_suggested_for_the_cause_and_must_exist() {
    let guards = guards::suggest(&incident(&[]));
    let names: Vec<_> = guards.iter().map(|one| (one.check.as_str(), one.subject.as_deref())).collect();
    assert_eq!(
        names,
        [("gate-edge-node-module", Some("/api/pay")), ("gate-edge-node-package", Some("/api/pay"))]
    );
    let mut env = Saved { cause: "missing-variable".into(), class: "env".into(), ..incident(&[]) };
    env.subject.insert("env_key".into(), "STRIPE_KEY".into());
    assert!(guards::suggest(&env).contains(&Guard::parse("gate-env-missing:STRIPE_KEY")));
    let fault = guards::sound(&memory(incident(&["gate-edge-node-modul"]))).expect_err("a fault").to_string();
    assert!(fault.starts_with("41d0aa93e1f5.toml: guard: ") && fault.contains("did you mean"), "{fault}");
}

#[test]
fn checks_name_log_rules_that_exist() {
    let rules = crate::rules::RuleSet::load_without_samples(&[]).expect("rules");
    for about in crate::gate::judge::checks::all() {
        for id in about.prevents {
            assert!(rules.get(id).is_some(), "{}: {id}", about.id);
        }
    }
    let mut ids: Vec<_> = crate::gate::judge::checks::all().map(|about| about.id).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|two| two[0] != two[1]), "{ids:?}");
}
