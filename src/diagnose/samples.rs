//! What the rules make of their own samples, by the weighing of a run: the other half of `rules/check.rs` and
//! `rules/lint.rs`, which know no requests.

use crate::correlate::held::Order;
use crate::correlate::line::Line;
use crate::diagnose::weigh::weigh;
use crate::record::Record;
use crate::rules::check::SampleFailure;
use crate::rules::{RuleError, RuleSet, check, lint};

/// Name of the shape that samples are said to have come in.
const FORMAT: &str = "sample/sample";

/// Runs all samples of all rules; empty if all do what their files say.
pub fn test(rules: &RuleSet) -> Vec<SampleFailure> {
    check::test(rules, &|record| winner(rules, record))
}

/// What `why500 rules lint` refuses, in the order of the rules and their lines; see [`lint::lint`].
pub fn refused(rules: &RuleSet, which: lint::Which) -> Vec<RuleError> {
    lint::lint(rules, which, &|record| winner(rules, record))
}

/// The rule that wins on a failed request of this one record; the symptom where nothing better was found.
pub fn winner(rules: &RuleSet, record: &Record) -> Option<String> {
    let text = record.text();
    let mut hits = Vec::new();
    rules.match_record(record, &text, FORMAT, &mut hits);
    let order = Order::new(record.time_ms, record.at, false);
    let line = Line { identity: 0, order, at: record.at, record: record.clone(), text, error_at: 0, hits };
    let diagnosis = weigh(&[line], rules);
    let rule = diagnosis.rule.or(diagnosis.symptom)?;
    rules.by_index(rule).map(|rule| rule.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed<T: ToString>(faults: &[T]) -> String {
        faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn embedded_rules_pass_their_samples() {
        let rules = RuleSet::embedded().unwrap_or_else(|errors| panic!("{errors}"));
        let failures = test(&rules);
        assert!(failures.is_empty(), "{} samples fail:\n{}", failures.len(), listed(&failures));
    }

    #[test]
    fn nothing_in_the_embedded_rules_is_refused() {
        let rules = RuleSet::embedded().unwrap_or_else(|errors| panic!("{errors}"));
        let refused = refused(&rules, lint::Which::All);
        assert!(refused.is_empty(), "{} refused:\n{}", refused.len(), listed(&refused));
    }

    #[test]
    fn the_winner_yields_follows_chains_and_prefers_causes_to_symptoms() {
        let dir = tempfile::TempDir::new().unwrap();
        for (id, head, strength) in [
            ("wrapper", "yields_to = ['middle']", "definitive"),
            ("middle", "yields_to = ['inner']", "strong"),
            ("inner", "", "suggestive"),
            ("late-symptom", "symptom = true", "definitive"),
        ] {
            let text = format!(
                "id = '{id}'\nclass = 'route'\ntitle = 't'\n{head}\n\
                 [[signal]]\nstrength = '{strength}'\npattern = '{id} here'\n\
                 [[sample]]\nlog = 's'\n[[counter_sample]]\nlog = 'c'\n"
            );
            std::fs::write(dir.path().join(format!("{id}.toml")), text).unwrap();
        }
        let (rules, errors) = RuleSet::from_dir(dir.path());
        assert!(errors.is_empty(), "{}", listed(&errors));
        let won = |text: &str| winner(&rules, &Record { message: text.to_owned(), ..Record::default() });
        assert_eq!(won("wrapper here, inner here, late-symptom here").as_deref(), Some("inner"));
        assert_eq!(won("wrapper here, late-symptom here").as_deref(), Some("wrapper"));
        assert_eq!(won("late-symptom here").as_deref(), Some("late-symptom"));
        assert_eq!(won("nothing"), None);
    }
}
