//! Lines that look like a cause and are not it: each line of `data/adversarial.jsonl` is the only text of a failed
//! request, and the rule it is aimed at must not be named as the cause. Other rules may win: some lines are a
//! different cause in similar words.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use why500::engine::Engine;
use why500::rules::model::Class;

const LINES: &str = include_str!("data/adversarial.jsonl");

/// One look-alike.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LookAlike {
    /// ID of the rule that a careless pattern would make fire.
    rule: String,
    /// What is logged.
    line: String,
    /// Level it is logged at.
    level: String,
}

fn look_alikes() -> Vec<LookAlike> {
    LINES.lines().map(|line| serde_json::from_str(line).expect("a look-alike")).collect()
}

/// The line as the only text of a request that was answered with 500.
fn request(number: usize, look_alike: &LookAlike) -> String {
    let minute = number / 60;
    json!({
        "time": format!("2026-03-01T{:02}:{:02}:{:02}Z", minute / 60 % 24, minute % 60, number % 60),
        "requestId": format!("adv-{number:05}"),
        "level": look_alike.level,
        "msg": look_alike.line,
        "status": 500,
        "method": "GET",
        "path": "/api/orders",
    })
    .to_string()
}

#[test]
fn look_alikes_are_not_taken_for_the_cause() {
    let engine = Engine::new().expect("rules load");
    let look_alikes = look_alikes();
    let log: String =
        look_alikes.iter().enumerate().map(|(number, line)| request(number, line) + "\n").collect();

    let report = engine.run_reader("adversarial.ndjson", Box::new(std::io::Cursor::new(log))).report;
    assert_eq!(report.requests.total, look_alikes.len() as u64);

    let causes: BTreeMap<_, _> = report
        .failures
        .iter()
        .filter_map(|failure| failure.correlation_id.as_deref().zip(failure.cause.as_deref()))
        .collect();
    let taken: Vec<String> = look_alikes
        .iter()
        .enumerate()
        .filter(|(number, line)| causes.get(format!("adv-{number:05}").as_str()) == Some(&line.rule.as_str()))
        .map(|(_, line)| format!("{}: {}", line.rule, line.line))
        .collect();
    assert!(taken.is_empty(), "{} lines taken for the cause:\n{}", taken.len(), taken.join("\n"));
}

#[test]
fn every_rule_that_is_named_exists() {
    let engine = Engine::new().expect("rules load");
    for line in look_alikes() {
        assert!(engine.rules.get(&line.rule).is_some(), "{}", line.rule);
    }
}

#[test]
fn every_cause_has_look_alikes() {
    const AT_LEAST: usize = 5;
    let engine = Engine::new().expect("rules load");
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for look_alike in look_alikes() {
        *lines.entry(look_alike.rule).or_default() += 1;
    }
    let short: Vec<&str> = engine
        .rules
        .rules()
        .iter()
        .filter(|rule| rule.class != Class::Decoy)
        .map(|rule| rule.id.as_str())
        .filter(|id| lines.get(*id).copied().unwrap_or_default() < AT_LEAST)
        .collect();
    assert!(short.is_empty(), "fewer than {AT_LEAST} look-alikes: {}", short.join(", "));
}
