//! What a backend printed outside any request when it ended or failed, as the explanation of what its proxy says of a
//! request: that the backend refuses, or that it hung up. Each request is looked at by itself: its own lines and the set
//! of lines outside requests decide, nothing that other requests say.
//!
//! It is evidence by time only, so it is narrow: a proxy's failure without any cause of its own, an ending (or, for a
//! connection that was lost, an error) of another program just before that has not come back since, only one such cause,
//! and nowhere a name that says it was another program.

mod backend;
mod witness;

use std::collections::BTreeSet;

use super::incident::subject;
use super::weigh::weigh;
use crate::correlate::line::Line;
use crate::record::Marks;
use crate::rules::RuleSet;

use backend::{Backend, Tie};
use witness::{Moment, program};
pub use witness::{Witness, witnesses};

/// Time for which a process that ended explains what its proxy says, in milliseconds.
const REACH_MS: i64 = 60_000;
/// Time within which the error of a process and the lost connection of its proxy are one failure, in milliseconds: proxies
/// log whole seconds.
const BESIDE_MS: i64 = 2_000;
/// Entries of one source within which an end without a time explains what its proxy says.
const REACH_ENTRIES: i64 = 64;

/// What a proxy says of its backend.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gone {
    /// Nothing listened.
    Refused,
    /// It hung up, or gave no usable answer.
    Lost,
}

/// A failed request as it is looked at here.
struct Failure<'l> {
    lines: &'l [Line],
    gone: Gone,
    /// First and last time.
    span_ms: Option<(i64, i64)>,
    backend: Backend<'l>,
}

/// Adds to the lines of a failed request the last words of its backend, if they explain what its proxy says.
pub fn add(lines: &mut Vec<Line>, witnesses: &[Witness], rules: &RuleSet) {
    if witnesses.is_empty() || !may_be_gone(lines, rules) {
        return;
    }
    let Some(gone) = gone(lines, rules) else { return };
    let failure = Failure { lines, gone, span_ms: span_ms(lines), backend: Backend::of(lines) };
    let Some((witness, tie)) = failure.explained_by(witnesses, rules) else { return };
    let mut marks = Marks::LAST_WORDS;
    if tie == Tie::Named {
        marks.insert(Marks::BACKEND_NAMED);
    }
    for line in &witness.lines {
        let mut line = line.clone();
        line.record.marks.insert(marks);
        // It is a witness from elsewhere: where the request ran is told by its own lines.
        (line.record.stream, line.record.status, line.record.path, line.record.route) =
            (None, None, None, None);
        let at = lines.partition_point(|own| (own.order, own.at) < (line.order, line.at));
        lines.insert(at, line);
    }
}

fn span_ms(lines: &[Line]) -> Option<(i64, i64)> {
    let timed = lines.iter().filter(|line| !line.record.marks.has(Marks::NO_TIME));
    let times = || timed.clone().filter_map(|line| line.record.time_ms);
    times().min().zip(times().max())
}

/// Whether it is worth while to look closer: most failures speak of no backend.
fn may_be_gone(lines: &[Line], rules: &RuleSet) -> bool {
    is_bare(lines) || lines.iter().any(|line| says_gone(line, rules))
}

/// Nothing but a line of a proxy's access log: whatever it met, it met no backend that answered.
fn is_bare(lines: &[Line]) -> bool {
    lines.iter().all(|line| line.record.payload == "access-log")
        && lines.iter().any(|line| line.record.status == Some(502))
}

/// Whether a line says of a backend that it is gone: a proxy's, not the backend's.
fn says_gone(line: &Line, rules: &RuleSet) -> bool {
    line.hits.iter().filter_map(|hit| rules.by_index(hit.rule)).any(|rule| rule.backend_gone)
}

/// What the request's own lines say of a backend, where they name no other cause.
fn gone(lines: &[Line], rules: &RuleSet) -> Option<Gone> {
    let own = weigh(lines, rules);
    if let Some(rule) = own.rule.or(own.symptom).and_then(|rule| rules.by_index(rule)) {
        let said = if rule.subclass == "refused" { Gone::Refused } else { Gone::Lost };
        return rule.backend_gone.then_some(said);
    }
    (is_bare(lines) && own.rivals.is_empty()).then_some(Gone::Refused)
}

impl Failure<'_> {
    /// The witness that explains it, if all that could agree.
    fn explained_by<'w>(&self, witnesses: &'w [Witness], rules: &RuleSet) -> Option<(&'w Witness, Tie)> {
        let own: BTreeSet<_> = self.lines.iter().map(program).collect();
        let others = witnesses.iter().filter(|one| !one.is_proxy && !own.contains(&one.program()));
        let mut ended: Vec<(&Witness, Tie)> = Vec::new();
        let mut survived: Vec<(&Witness, Tie)> = Vec::new();
        for one in others {
            let found = match () {
                () if self.is_after_end(one) => &mut ended,
                () if self.is_beside_error(one) => &mut survived,
                () => continue,
            };
            match self.backend.tie(one) {
                Tie::Another => {}
                tie => found.push((one, tie)),
            }
        }
        let found = if ended.is_empty() { survived } else { ended };
        // Where the proxy names one of them, it is that one.
        let is_named = |(_, tie): &&(&Witness, Tie)| *tie == Tie::Named;
        let named: Vec<_> = found.iter().filter(is_named).copied().collect();
        only_cause(if named.is_empty() { found } else { named }, rules)
    }

    /// Whether a program had ended just before, and had not come back.
    fn is_after_end(&self, one: &Witness) -> bool {
        let Some(end) = &one.end else { return false };
        match (self.span_ms, end.first.time_ms, end.last.time_ms) {
            (Some((from_ms, to_ms)), Some(first_ms), Some(last_ms)) => {
                let before = |moment: &Moment| moment.time_ms.is_some_and(|ms| ms + BESIDE_MS < from_ms);
                first_ms <= to_ms.saturating_add(BESIDE_MS)
                    && last_ms >= from_ms.saturating_sub(REACH_MS)
                    && !end.back.as_ref().is_some_and(before)
            }
            // Without a time only its place in the same log tells, or that a program which nothing reaches said no more.
            (_, None, None) if self.is_apart(one) => {
                self.gone == Gone::Refused && end.is_last && !backend::is_kernel(one)
            }
            (_, None, None) => {
                let own = self.lines.iter().filter(|line| line.order.source == one.program().0);
                own.map(|line| line.order.sequence).max().is_some_and(|here| {
                    let before = |moment: &Moment| moment.sequence < here;
                    (0..=REACH_ENTRIES).contains(&(here - end.first.sequence))
                        && !end.back.as_ref().is_some_and(before)
                })
            }
            _ => false,
        }
    }

    /// Whether a witness stands in a source that holds nothing of the request.
    fn is_apart(&self, one: &Witness) -> bool {
        self.lines.iter().all(|line| line.order.source != one.program().0)
    }

    /// Whether a program failed at the moment in which the connection was lost.
    fn is_beside_error(&self, one: &Witness) -> bool {
        let (Gone::Lost, Some((from_ms, to_ms))) = (self.gone, self.span_ms) else { return false };
        let times = || one.lines.iter().filter_map(|line| line.record.time_ms);
        let Some((first_ms, last_ms)) = times().min().zip(times().max()) else { return false };
        one.diagnosis.rule.is_some() && last_ms >= from_ms - BESIDE_MS && first_ms <= to_ms + BESIDE_MS
    }
}

/// The latest of witnesses that have one cause; none where there could be several. An end of which nothing is known is a
/// cause of its own, unless another witness tells of the same end what was its cause.
fn only_cause<'w>(mut found: Vec<(&'w Witness, Tie)>, rules: &RuleSet) -> Option<(&'w Witness, Tie)> {
    let known: Vec<&Witness> =
        found.iter().map(|(one, _)| *one).filter(|one| one.diagnosis.rule.is_some()).collect();
    found
        .retain(|(one, _)| one.diagnosis.rule.is_some() || !known.iter().any(|known| known.is_same_end(one)));
    let cause = |one: &Witness| {
        let rule = one.diagnosis.rule.and_then(|rule| rules.by_index(rule));
        rule.map(|rule| (rule.id.clone(), subject(rule, &one.diagnosis.captures)))
    };
    let causes: BTreeSet<_> = found.iter().map(|(one, _)| cause(one)).collect();
    let (last, others) = found.split_last()?;
    let agree = match causes.first() {
        Some(Some(_)) => causes.len() == 1,
        _ => others.iter().all(|(one, _)| one.is_same_end(last.0)),
    };
    agree.then_some(*last)
}

#[cfg(test)]
mod tests;
