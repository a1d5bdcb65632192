use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::bundle::{Circumstances, Digesting, may_write, write};
use super::evidence::cited;
use super::narrow;
use super::verify::{State, What, verify};
use crate::engine::Engine;
use crate::input::source::find;
use crate::input::unpack::Expand;
use crate::report::fixture;
use crate::report::model::Place;

#[test]
fn what_is_cited_stands_once_and_in_order() {
    let mut report = fixture::busy();
    report.incidents[0].triage[0].cites = Some(Place { source: "export.json".to_owned(), line: 182 });
    report.incidents[0].triage[1].cites = Some(Place { source: "export.json".to_owned(), line: 5 });
    report.incidents[1].evidence = report.incidents[0].evidence.clone();
    let all = cited(&report);
    let places: Vec<(&str, u64)> = all.iter().map(|one| (one.source.as_str(), one.line)).collect();
    assert_eq!(
        places,
        [
            ("export.json", 5),
            ("export.json", 182),
            ("export.json", 207),
            ("export.json", 900),
            ("fra1/worker.log", 12_044)
        ]
    );
    assert_eq!(all[0].text, None);
    assert_eq!(all[0].cited_by, ["incident 9c1e04b7d2aa, triage step env"]);
    assert_eq!(
        all[1].cited_by,
        ["incident 41d0aa93e1f5", "incident 9c1e04b7d2aa", "incident 9c1e04b7d2aa, triage step runtime"]
    );
}

#[test]
fn a_report_is_narrowed_to_one_incident() {
    let mut report = fixture::busy();
    assert!(narrow(&mut report, "zzz").is_err_and(|known| known.len() == 4));
    assert!(narrow(&mut report, "").is_err());
    narrow(&mut report, "41d0").expect("there is one");
    assert_eq!(report.incidents.len(), 1);
    assert_eq!((report.requests.failed, report.incidents[0].rank), (23, 2));
    assert_eq!(report.routes.len(), 1);
    assert!(report.remarks.iter().any(|remark| remark.starts_with("narrowed to incident 41d0aa93e1f5")));
}

#[test]
fn a_folder_with_other_files_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("out");
    assert!(may_write(&out, &[]).is_ok());
    fs::create_dir(&out).expect("a folder");
    assert!(may_write(&out, &[]).is_ok());
    fs::write(out.join("manifest.json"), "{\"name\": \"a web app\"}").expect("a file");
    let refused = may_write(&out, &[]).expect_err("refused").to_string();
    assert!(refused.contains("manifest.json") && refused.contains("name a new or empty folder"), "{refused}");
    fs::write(out.join("manifest.json"), "{\"schema\": \"why500/bundle/v1\"}").expect("a file");
    assert!(may_write(&out, &[]).is_ok());
    assert!(may_write(&out.join("manifest.json"), &[]).is_err());
    let refused = may_write(&dir.path().join("new/deep"), &[dir.path().to_owned()]).expect_err("refused");
    assert!(refused.to_string().contains("is read as logs"), "{refused}");
}

/// The hash of a line cannot be had from what the bundle says, only with the source.
#[test]
fn a_bundle_does_not_tell_its_keys() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = dir.path().join("app.log");
    let line = r#"{"id":"1","timestamp":1767225600000,"source":"lambda","deploymentId":"dpl_1","requestId":"r1","path":"/api/orders","level":"error","message":"Error: connect ECONNREFUSED 10.0.0.5:5432 postgres://app:hunter2@10.0.0.5:5432/app","statusCode":500,"proxy":{"method":"GET","path":"/api/orders","statusCode":500}}"#;
    fs::write(&log, format!("{line}\n")).expect("a file");
    let engine = Engine::new().expect("rules load");
    let stop = Arc::new(AtomicBool::new(false));
    let found = find(std::slice::from_ref(&log));
    let digesting = Digesting::begin(&found.sources, Expand::default(), &stop);
    let report = engine.run(found, &stop, &mut ()).report;
    assert_eq!(report.requests.failed, 1, "{report:#?}");
    let sources = digesting.finish(&report);
    let out = dir.path().join("out");
    let written = write(&out, &report, &sources, &Circumstances::default()).expect("writes");
    assert!(written.lines > 0 && written.lines == written.located);
    let read = |name: &str| fs::read_to_string(out.join(name)).expect("a file");
    let (manifest, evidence) = (read("manifest.json"), read("evidence.jsonl"));
    let key =
        super::digest::digest(&find(&[log]).sources[0], Expand::default(), None, &stop).expect("reads").key;
    let hash = blake3::hash(line.as_bytes());
    let shown = super::evidence::keyed(&key, &hash);
    assert!(evidence.contains(&shown));
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    for text in [&manifest, &evidence] {
        assert!(!text.contains(&hex) && !text.contains(hash.to_hex().as_str()) && !text.contains("hunter2"));
    }
    let checks = verify(&out, &[]).expect("a bundle");
    assert!(checks.iter().all(|check| check.state == State::Same), "{checks:#?}");
    assert!(checks.iter().any(|check| check.what == What::Line));
}
