//! The five steps in their order, each with a verdict. A step is `clear` only with a cited line.

use super::weigh::Diagnosis;
use crate::correlate::line::Line;
use crate::record::{Marks, Position};
use crate::rules::RuleSet;
use crate::rules::model::{Class, Effect};

/// Verdict of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which step.
    pub step: Class,
    /// Some(true): the cause is here; Some(false): evidence says that it is not; None: the log does not tell.
    pub fail: Option<bool>,
    /// Why, one short sentence.
    pub why: String,
    /// The line that it rests on.
    pub cites: Option<Position>,
}

/// The steps for one diagnosed request.
pub fn steps(diagnosis: &Diagnosis, lines: &[Line], rules: &RuleSet) -> Vec<Step> {
    let winner = diagnosis.rule.and_then(|rule| rules.by_index(rule));
    Class::TRIAGE
        .iter()
        .map(|class| {
            if let Some(rule) = winner.filter(|rule| rule.class == *class) {
                let cites =
                    diagnosis.evidence.first().and_then(|(line, _)| lines.get(*line)).map(|line| line.at);
                return Step { step: *class, fail: Some(true), why: rule.title.clone(), cites };
            }
            let overruled = diagnosis
                .rivals
                .iter()
                .filter_map(|(rule, _)| rules.by_index(*rule))
                .find(|rule| rule.class == *class);
            if let Some(rule) = overruled {
                return Step {
                    step: *class,
                    fail: None,
                    why: format!("seen but overruled: {}", rule.title),
                    cites: None,
                };
            }
            clear(*class, winner.map(|rule| rule.class), lines).unwrap_or_else(|| Step {
                step: *class,
                fail: None,
                why: no_evidence(*class).to_owned(),
                cites: None,
            })
        })
        .collect()
}

/// What speaks for a step being all right.
fn clear(step: Class, winner: Option<Class>, lines: &[Line]) -> Option<Step> {
    let says = |line: &Line, why: String| Step { step, fail: Some(false), why, cites: Some(line.at) };
    match step {
        Class::Runtime => {
            // The code was loaded and ran: an application's own line below error level, written in the request.
            let line = lines.iter().find(|line| {
                !line.text.is_empty()
                    && line.record.id.is_some()
                    && line.record.level.is_some_and(|level| level < crate::record::Level::Warn)
                    && line.hits.is_empty()
                    && !line
                        .record
                        .marks
                        .has(Marks::SUMMARY | Marks::INIT | Marks::START | Marks::CLIENT | Marks::MIDDLEWARE)
            })?;
            Some(says(line, "the handler ran and logged before the failure".to_owned()))
        }
        Class::Platform => {
            let line = lines.iter().find(|line| {
                line.record.marks.has(Marks::SUMMARY) && line.record.memory_limit_mb.is_some()
            })?;
            let (used, limit) = (line.record.memory_used_mb?, line.record.memory_limit_mb?);
            let timed_out =
                lines.iter().any(|line| line.record.marks.has(Marks::TIMEOUT | Marks::OUT_OF_MEMORY));
            if timed_out || used > 0.9 * limit {
                return None;
            }
            let took = line.record.duration_ms.map(|ms| format!(" in {ms:.0} ms")).unwrap_or_default();
            Some(says(line, format!("ended{took} with {used:.0} of {limit:.0} MB")))
        }
        Class::Connectivity if winner == Some(Class::Route) => {
            // The database answered with an error of its own: it was reached.
            let line = lines.iter().find(|line| {
                line.hits.iter().any(|hit| hit.effect == Effect::Supports)
                    && line.record.error_codes.iter().any(|code| {
                        code.len() == 5
                            && !code.starts_with("08")
                            && !code.starts_with("57")
                            && code.bytes().all(|b| b.is_ascii_alphanumeric())
                            && code.bytes().any(|b| b.is_ascii_digit())
                    })
            })?;
            Some(says(line, "the database was reached and answered".to_owned()))
        }
        _ => None,
    }
}

fn no_evidence(step: Class) -> &'static str {
    match step {
        Class::Runtime => "no line tells whether the code was loaded",
        Class::Env => "no line tells which variables were set",
        Class::Connectivity => "no line tells of a dependency",
        Class::Platform => "no memory, duration or limit in these lines",
        _ => "no error of the handler's own in these lines",
    }
}
