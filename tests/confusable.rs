//! Requests that speak for several causes: each entry of `tests/data/confusable.toml` names the cause that is meant.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use why500::correlate::held::Order;
use why500::correlate::line::Line;
use why500::diagnose::account::Account;
use why500::diagnose::weigh::weigh_with_accounts;
use why500::record::{CorrelationId, IdKind, Level, Marks, Position, Record};
use why500::rules::RuleSet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    lines: Vec<Said>,
    cause: Option<String>,
    class: Option<String>,
    subclass: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Text(String),
    Record(Box<Fields>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    text: String,
    level: Option<String>,
    runtime: Option<String>,
    #[serde(default)]
    mark: Vec<String>,
    duration_ms: Option<f64>,
    memory_used_mb: Option<f64>,
    memory_limit_mb: Option<f64>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

fn record(said: &Said, number: usize) -> (Record, String) {
    let at = Position { line: number as u64 + 1, entry: number as u64 + 1, ..Position::default() };
    let id = CorrelationId { text: "request-1".to_owned(), kind: IdKind::Request };
    let base = Record { at, id: Some(id), level: Some(Level::Error), ..Record::default() };
    match said {
        Said::Text(text) => (base, text.clone()),
        Said::Record(fields) => {
            let mut marks = Marks::default();
            for name in &fields.mark {
                marks.insert(match name.as_str() {
                    "timeout" => Marks::TIMEOUT,
                    "crash" => Marks::CRASH,
                    "summary" => Marks::SUMMARY,
                    "init" => Marks::INIT,
                    "out_of_memory" => Marks::OUT_OF_MEMORY,
                    other => panic!("no mark {other} in this table"),
                });
            }
            let level = fields.level.as_deref().map_or(base.level, Level::parse);
            let record = Record {
                level,
                marks,
                runtime: fields.runtime.clone(),
                duration_ms: fields.duration_ms,
                memory_used_mb: fields.memory_used_mb,
                memory_limit_mb: fields.memory_limit_mb,
                fields: fields.fields.clone().into_iter().collect(),
                ..base
            };
            (record, fields.text.clone())
        }
    }
}

fn lines(case: &Case, rules: &RuleSet) -> Vec<Line> {
    let line = |(number, said): (usize, &Said)| {
        let (record, text) = record(said, number);
        let mut hits = Vec::new();
        rules.match_record(&record, &text, "", &mut hits);
        let order = Order::new(Some(number as i64), record.at, false);
        Line { identity: number as u64, order, at: record.at, record, text, error_at: 0, hits }
    };
    case.lines.iter().enumerate().map(line).collect()
}

fn describe(accounts: &[Account], rules: &RuleSet) -> String {
    let mut out = String::new();
    for one in accounts {
        let id = rules.by_index(one.rule).map_or("?", |rule| rule.id.as_str());
        let _ = writeln!(out, "    {:.3} {id} {:?} {:?}", one.score, one.fate, one.weights);
    }
    out
}

#[test]
fn the_cause_that_is_meant_wins() {
    let file: File = toml::from_str(include_str!("data/confusable.toml")).expect("the table is sound");
    let rules = RuleSet::embedded().unwrap_or_else(|errors| panic!("{errors}"));
    let mut wrong = String::new();
    for case in &file.case {
        let (diagnosis, accounts) = weigh_with_accounts(&lines(case, &rules), &rules);
        let rule = diagnosis.rule.and_then(|rule| rules.by_index(rule));
        let got = [
            rule.map_or("", |rule| rule.id.as_str()),
            rule.map_or("unclassified", |rule| rule.class.as_str()),
            rule.map_or("", |rule| rule.subclass.as_str()),
        ];
        let wanted = [&case.cause, &case.class, &case.subclass];
        if wanted.iter().zip(got).any(|(wanted, got)| wanted.as_ref().is_some_and(|wanted| wanted != got)) {
            let _ =
                writeln!(wrong, "{}: {got:?}, wanted {wanted:?}\n{}", case.name, describe(&accounts, &rules));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn accounts_add_up_and_do_not_depend_on_the_number_of_calls() {
    let file: File = toml::from_str(include_str!("data/confusable.toml")).expect("the table is sound");
    let rules = RuleSet::embedded().unwrap_or_else(|errors| panic!("{errors}"));
    for case in &file.case {
        let lines = lines(case, &rules);
        let (diagnosis, accounts) = weigh_with_accounts(&lines, &rules);
        assert_eq!((diagnosis.clone(), accounts.clone()), weigh_with_accounts(&lines, &rules));
        for one in &accounts {
            assert_eq!(one.weights.last().map(|weight| weight.score), Some(one.score), "{}", case.name);
            assert!((0.0..1.0).contains(&one.score), "{}: {}", case.name, one.score);
        }
        assert!(diagnosis.confidence < 1.0);
    }
}
