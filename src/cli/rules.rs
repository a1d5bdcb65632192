//! `why500 rules list|show|test`.

use std::fmt::Write;

use super::args::{RulesAction, RulesArgs};
use super::exit::{Exit, Failure, print};
use crate::correlate::held::Order;
use crate::correlate::line::Line;
use crate::diagnose::weigh::weigh;
use crate::record::Record;
use crate::rules::model::{Class, Rule};
use crate::rules::{RuleSet, check};

/// Does what was asked.
pub fn run(args: &RulesArgs) -> Result<Exit, Failure> {
    let rules = RuleSet::load(&args.rules)?;
    match &args.action {
        RulesAction::List => list(&rules),
        RulesAction::Show { id } => show(&rules, id),
        RulesAction::Test => test(&rules),
    }
}

fn list(rules: &RuleSet) -> Result<Exit, Failure> {
    let mut out = String::new();
    let width = rules.rules().iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    for rule in rules.rules() {
        let kind = if rule.subclass.is_empty() {
            rule.class.to_string()
        } else {
            format!("{}/{}", rule.class, rule.subclass)
        };
        let _ = writeln!(out, "{:width$}  {kind:24}  {}", rule.id, rule.title);
    }
    let causes = rules.rules().iter().filter(|rule| rule.class != Class::Decoy).count();
    let _ = writeln!(
        out,
        "\n{causes} causes, {} decoys, rule set {}",
        rules.rules().len() - causes,
        rules.hash()
    );
    print(out.as_bytes())
}

fn show(rules: &RuleSet, id: &str) -> Result<Exit, Failure> {
    let Some(rule) = rules.get(id) else {
        let near: Vec<&str> =
            rules.rules().iter().map(|rule| rule.id.as_str()).filter(|have| near(have, id)).take(5).collect();
        let hint = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
        return Err(Failure::Config(format!(
            "no rule is called `{id}` (`why500 rules list` shows all){hint}"
        )));
    };
    print(describe(rule).as_bytes())
}

/// Shares a word of at least four letters.
fn near(have: &str, wanted: &str) -> bool {
    wanted.split('-').any(|word| word.len() >= 4 && have.contains(word))
}

fn describe(rule: &Rule) -> String {
    let mut out = String::new();
    let _ =
        writeln!(out, "{}\n{}/{} · {}\n\n{}\n", rule.title, rule.class, rule.subclass, rule.id, rule.meaning);
    for signal in &rule.signals {
        let strength =
            signal.strength.map_or(String::new(), |strength| format!("{strength:?} ").to_lowercase());
        let effect = format!("{:?}", signal.effect).to_lowercase();
        let _ = writeln!(
            out,
            "  {strength}{effect}: {}",
            signal.pattern.as_deref().unwrap_or("(conditions only)")
        );
        for condition in &signal.conditions {
            let _ = writeln!(out, "      where {}", condition.field);
        }
    }
    let _ = writeln!(out, "\nfix:        {}\nprevention: {}", rule.fix, rule.prevention);
    for reference in &rule.references {
        let _ = writeln!(out, "see         {reference}");
    }
    let _ = writeln!(out, "\n{} samples, {} counter-samples", rule.samples.len(), rule.counter_samples.len());
    out
}

fn test(rules: &RuleSet) -> Result<Exit, Failure> {
    let failures = check::test(rules, &|record| winner(rules, record));
    let mut out = String::new();
    for failure in &failures {
        let _ = writeln!(out, "{failure}");
    }
    let samples: usize =
        rules.rules().iter().map(|rule| rule.samples.len() + rule.counter_samples.len()).sum();
    let _ = writeln!(
        out,
        "{} rules, {samples} samples and counter-samples: {} failed",
        rules.rules().len(),
        failures.len()
    );
    print(out.as_bytes())?;
    Ok(if failures.is_empty() { Exit::Success } else { Exit::Found })
}

/// The rule that wins on a request of this one record, by the same weighing as in a run.
pub fn winner(rules: &RuleSet, record: &Record) -> Option<String> {
    let text = record.text();
    let mut hits = Vec::new();
    rules.match_record(record, &text, "sample/sample", &mut hits);
    let order = Order::new(record.time_ms, record.at, false);
    let line = Line { identity: 0, order, at: record.at, record: record.clone(), text, hits };
    let diagnosis = weigh(&[line], rules);
    let rule = diagnosis.rule.or(diagnosis.symptom)?;
    rules.by_index(rule).map(|rule| rule.id.clone())
}
