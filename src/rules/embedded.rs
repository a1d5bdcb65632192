//! The rules that come with the program. The build script (`build.rs`) has read and checked the files of `rules/` and
//! left two texts: the checked rules, and their samples, which only `why500 rules` needs.

use crate::rules::error::{Problem, RuleError, RuleErrors};
use crate::rules::validate::{CheckedRule, Samples};

/// The checked rules in their order, without samples.
const RULES: &str = include_str!(concat!(env!("OUT_DIR"), "/rules.json"));
/// Their samples, in the same order.
const SAMPLES: &str = include_str!(concat!(env!("OUT_DIR"), "/samples.json"));

/// The built-in rules without their samples.
pub(super) fn rules() -> Result<Vec<CheckedRule>, RuleErrors> {
    serde_json::from_str(RULES).map_err(defect)
}

/// The built-in rules as their files state them.
pub(super) fn rules_with_samples() -> Result<Vec<CheckedRule>, RuleErrors> {
    let mut rules = rules()?;
    let samples: Vec<Samples> = serde_json::from_str(SAMPLES).map_err(defect)?;
    for (rule, samples) in rules.iter_mut().zip(samples) {
        rule.rule.samples = samples.samples;
        rule.rule.counter_samples = samples.counter_samples;
    }
    Ok(rules)
}

/// Cannot happen: the program reads what the same code wrote when it was built, and tests read it.
fn defect(error: serde_json::Error) -> RuleErrors {
    RuleErrors(vec![RuleError {
        file: "built-in rules".to_owned(),
        line: None,
        key: String::new(),
        problem: Problem::Unreadable(error.to_string()),
    }])
}
