//! The rules that come with the program. The build script (`build.rs`) has read and checked the files of `rules/` and
//! left two texts: the checked rules, and the texts of their files, which only `why500 rules` needs.

use std::fmt;

use serde::Deserialize;

use crate::rules::error::{Problem, RuleError, RuleErrors};
use crate::rules::model::Sample;
use crate::rules::validate::CheckedRule;

/// The checked rules in their order, without samples.
const RULES: &str = include_str!(concat!(env!("OUT_DIR"), "/rules.json"));
/// The texts of their files, in the same order.
const TEXTS: &str = include_str!(concat!(env!("OUT_DIR"), "/texts.json"));

/// The samples in the text of a file, which are more than half of it.
#[derive(Deserialize)]
struct Samples {
    #[serde(default)]
    sample: Vec<Sample>,
    #[serde(default)]
    counter_sample: Vec<Sample>,
}

/// The built-in rules without their samples; faults in them are named without a line.
pub(super) fn rules() -> Result<Vec<CheckedRule>, RuleErrors> {
    let mut rules: Vec<CheckedRule> = serde_json::from_str(RULES).map_err(defect)?;
    for rule in &mut rules {
        rule.file.built_in = true;
    }
    Ok(rules)
}

/// The built-in rules as their files state them; faults in them are named with their line.
pub(super) fn rules_with_samples() -> Result<Vec<CheckedRule>, RuleErrors> {
    let mut rules = rules()?;
    let texts: Vec<String> = serde_json::from_str(TEXTS).map_err(defect)?;
    for (rule, text) in rules.iter_mut().zip(texts) {
        let samples: Samples = toml::from_str(&text).map_err(defect)?;
        rule.rule.samples = samples.sample;
        rule.rule.counter_samples = samples.counter_sample;
        rule.file.text = text;
    }
    Ok(rules)
}

/// Cannot happen: the program reads what the same code wrote when it was built, and tests read it.
fn defect(error: impl fmt::Display) -> RuleErrors {
    RuleErrors(vec![RuleError {
        file: "built-in rules".to_owned(),
        line: None,
        key: String::new(),
        problem: Problem::Unreadable(error.to_string()),
    }])
}
