//! `why500 rules list|show|test|lint|coverage`.

use std::fmt::Write;

use super::args::{ListFormat, RulesAction, RulesArgs};
use super::exit::{Exit, Failure, print};
use crate::diagnose::samples;
use crate::redact::printable::single_line;
use crate::redact::samples as redaction;
use crate::rules::coverage::Totals;
use crate::rules::lint::Which;
use crate::rules::model::{Class, Rule};
use crate::rules::{RuleSet, catalogue, coverage};

/// Does what was asked.
pub fn run(args: &RulesArgs) -> Result<Exit, Failure> {
    let rules = RuleSet::load(&args.rules)?;
    match &args.action {
        RulesAction::List { format: ListFormat::Text } => list(&rules),
        RulesAction::List { format: ListFormat::Markdown } => print(catalogue::markdown(&rules).as_bytes()),
        RulesAction::Show { id } => show(&rules, id),
        RulesAction::Test => test(&rules),
        RulesAction::Lint => lint(&rules, if args.rules.is_empty() { Which::All } else { Which::Own }),
        RulesAction::Coverage => show_coverage(&rules),
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
    let failures = samples::test(rules);
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
    let unsound = redaction::test();
    for failure in &unsound {
        let _ = writeln!(out, "{}", single_line(failure));
    }
    let (patterns, samples) = redaction::count();
    let failed = unsound.len();
    let _ =
        writeln!(out, "{patterns} redaction patterns, {samples} samples and look-alikes: {failed} failed");
    print(out.as_bytes())?;
    Ok(if failures.is_empty() && unsound.is_empty() { Exit::Success } else { Exit::Found })
}

fn lint(rules: &RuleSet, which: Which) -> Result<Exit, Failure> {
    let refused = samples::refused(rules, which);
    let mut out = String::new();
    for fault in &refused {
        let _ = writeln!(out, "{fault}");
    }
    let looked_at = match which {
        Which::All => rules.rules().len(),
        Which::Own => (0u16..).zip(rules.rules()).filter(|(index, _)| !rules.is_built_in(*index)).count(),
    };
    let own = if which == Which::Own { " of your own" } else { "" };
    let _ = writeln!(out, "{looked_at} rules{own} linted: {} refused", refused.len());
    let mut unproved = Vec::new();
    if which == Which::All {
        unproved = redaction::lint();
        for fault in &unproved {
            let _ = writeln!(out, "{}", single_line(fault));
        }
        let patterns = redaction::count().0;
        let _ = writeln!(out, "{patterns} redaction patterns linted: {} refused", unproved.len());
    }
    print(out.as_bytes())?;
    Ok(if refused.is_empty() && unproved.is_empty() { Exit::Success } else { Exit::Config })
}

fn show_coverage(rules: &RuleSet) -> Result<Exit, Failure> {
    let coverage = coverage::coverage(rules);
    let mut out = String::new();
    let width = coverage.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let head = format!("{:>7}  {:>5}  {:>7}  {:>15}", "signals", "fired", "samples", "counter-samples");
    let _ = writeln!(out, "{:width$}  {head}", "rule");
    for rule in &coverage {
        let _ = write!(
            out,
            "{:width$}  {:>7}  {:>5}  {:>7}  {:>15}",
            rule.id,
            rule.signals,
            rule.fired(),
            rule.samples,
            rule.counter_samples
        );
        let silent: Vec<String> = rule.silent.iter().map(ToString::to_string).collect();
        if !silent.is_empty() {
            let _ = write!(out, "  not fired: signal {}", silent.join(", "));
        }
        out.push('\n');
    }
    let _ = writeln!(out, "\n{:12}  {:>5}  {head}", "class", "rules");
    let totals = coverage::totals(&coverage);
    let all = totals.values().fold(Totals::default(), |all, class| all.with(*class));
    let lines = totals.iter().map(|(class, totals)| (class.as_str(), *totals)).chain([("all", all)]);
    for (name, totals) in lines {
        let _ = writeln!(
            out,
            "{name:12}  {:>5}  {:>7}  {:>5}  {:>7}  {:>15}",
            totals.rules, totals.signals, totals.fired, totals.samples, totals.counter_samples
        );
    }
    print(out.as_bytes())
}
