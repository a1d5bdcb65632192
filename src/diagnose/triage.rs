//! The five steps in their order, each with a verdict. A step is `clear` only with a cited line.

use super::weigh::Diagnosis;
use crate::correlate::line::Line;
use crate::record::{Marks, Position};
use crate::rules::RuleSet;
use crate::rules::model::{Class, Effect};

/// What a step found, in the report's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The cause is here.
    Fail,
    /// A cited line says that it is not here.
    Clear,
    /// The log does not tell.
    Unknown,
}

/// One step and what it found.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which step.
    pub step: Class,
    /// What it found.
    pub verdict: Verdict,
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
                return Step { step: *class, verdict: Verdict::Fail, why: rule.title.clone(), cites };
            }
            let overruled = diagnosis
                .rivals
                .iter()
                .filter_map(|(rule, _)| rules.by_index(*rule))
                .find(|rule| rule.class == *class);
            if let Some(rule) = overruled {
                return Step {
                    step: *class,
                    verdict: Verdict::Unknown,
                    why: format!("seen but overruled: {}", rule.title),
                    cites: None,
                };
            }
            clear(*class, winner.map(|rule| rule.class), diagnosis, lines).unwrap_or_else(|| Step {
                step: *class,
                verdict: Verdict::Unknown,
                why: no_evidence(*class).to_owned(),
                cites: None,
            })
        })
        .collect()
}

/// What speaks for a step being all right.
fn clear(step: Class, winner: Option<Class>, diagnosis: &Diagnosis, lines: &[Line]) -> Option<Step> {
    let says = |line: &Line, why: String| Step { step, verdict: Verdict::Clear, why, cites: Some(line.at) };
    match step {
        Class::Runtime => {
            // The code was loaded and ran: an application's own line below error level, written in the request before
            // the cause was. Where no cause is known, a module that is loaded late may still be it.
            let failed_at = diagnosis.evidence.iter().map(|(line, _)| *line).min()?;
            let line = lines.get(..failed_at)?.iter().find(|line| {
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
            let answered = lines.iter().find(|line| {
                line.hits.iter().any(|hit| hit.effect == Effect::Supports)
                    && line.record.error_codes.iter().any(|code| {
                        code.len() == 5
                            && !code.starts_with("08")
                            && !code.starts_with("57")
                            && code.bytes().all(|b| b.is_ascii_alphanumeric())
                            && code.bytes().any(|b| b.is_ascii_digit())
                    })
            });
            if let Some(line) = answered {
                return Some(says(line, "the database was reached and answered".to_owned()));
            }
            let figures = &diagnosis.figures;
            let free = figures.idle.filter(|idle| *idle > 0 && figures.waiting == Some(0))?;
            let line = figures.line.and_then(|line| lines.get(line))?;
            Some(says(line, format!("the pool had {free} free connections and nobody waiting")))
        }
        Class::Route if matches!(winner, Some(Class::Runtime | Class::Env)) => {
            // A process that failed while it started never came to the handler.
            let line = lines.iter().find(|line| {
                line.record.marks.has(Marks::INIT)
                    && line.record.marks.has(Marks::CRASH)
                    && line.hits.iter().any(|hit| hit.effect == Effect::Supports)
            })?;
            Some(says(line, "the process failed while it started, before any handler".to_owned()))
        }
        _ => None,
    }
}

/// Why a step is unknown. Short: it is said of most steps of most failures.
fn no_evidence(step: Class) -> &'static str {
    match step {
        Class::Runtime => "no line tells whether the code was loaded",
        Class::Env => "no line tells which variables were set",
        Class::Connectivity => "no line tells of a dependency",
        Class::Platform => "no memory, duration or limit in these lines",
        _ => "no error of the handler's own in these lines",
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::correlate::held::Order;
    use crate::record::{Level, Record};

    fn line(text: &str, record: Record) -> Line {
        Line {
            identity: 1,
            order: Order::new(None, record.at, false),
            at: record.at,
            record,
            text: text.to_owned(),
            error_at: 0,
            hits: Vec::new(),
        }
    }

    #[test]
    fn without_evidence_all_steps_are_unknown_and_say_why() {
        let rules = RuleSet::embedded().unwrap_or_else(|errors| panic!("{errors}"));
        let steps = steps(&Diagnosis::default(), &[], &rules);
        assert_eq!(steps.iter().map(|step| step.step).collect::<Vec<_>>(), Class::TRIAGE);
        for step in steps {
            assert_eq!((step.verdict, step.cites), (Verdict::Unknown, None));
            assert!(step.why.starts_with("no "), "{}", step.why);
        }
    }

    #[test]
    fn a_step_is_clear_only_with_a_cited_line() {
        let rules = RuleSet::embedded().unwrap_or_else(|errors| panic!("{errors}"));
        let mut handler = Record { level: Some(Level::Info), ..Record::default() };
        handler.set_id("request-1", crate::record::IdKind::Request);
        let summary = Record {
            marks: Marks::SUMMARY,
            memory_used_mb: Some(90.0),
            memory_limit_mb: Some(512.0),
            ..Record::default()
        };
        let lines = [
            line("cart loaded", handler.clone()),
            line("REPORT", summary),
            line("Error: x", Record::default()),
            line("cart kept", handler),
        ];
        let undecided = steps(&Diagnosis::default(), &lines, &rules);
        assert_eq!(
            undecided[0].verdict,
            Verdict::Unknown,
            "what was not found may be a module that is loaded late"
        );
        let decided = Diagnosis { evidence: vec![(2, 0)], ..Diagnosis::default() };
        let steps = steps(&decided, &lines, &rules);
        assert_eq!(steps[0].cites, Some(lines[0].at));
        let clear: Vec<Class> =
            steps.iter().filter(|step| step.verdict == Verdict::Clear).map(|step| step.step).collect();
        assert_eq!(clear, [Class::Runtime, Class::Platform]);
        assert!(steps.iter().all(|step| (step.verdict == Verdict::Clear) == step.cites.is_some()));
    }
}
