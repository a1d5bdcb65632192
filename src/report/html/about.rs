//! The parts of the page beside the incidents: error budget, what the logs lack, what is known from elsewhere.

use maud::{Markup, html};

use super::super::model::Report;
use super::super::slo::{Advice, State};
use super::super::{budget, lacking, memory};
use super::line;

/// The error budget, where one was asked for.
pub(super) fn budget(report: &Report) -> Markup {
    let Some(slo) = &report.slo else { return html! {} };
    let class = match slo.verdict {
        State::Kept => "clear",
        State::Unknown => "unknown",
        State::Crossed => "fail",
    };
    html! {
        section id="budget" aria-labelledby="budget-title" {
            h2 id="budget-title" { (line(&budget::title(slo))) }
            div.sheet {
                dl.facts {
                    dt { "Verdict" }
                    dd { strong class=(class) { (budget::verdict(slo)) } }
                    (rows(&budget::rows(slo)))
                }
                @if !slo.notes.is_empty() {
                    ul.plain.quiet { @for note in &slo.notes { li { (line(note)) } } }
                }
                @if let Some(rollback) = &slo.rollback {
                    div class=(if rollback.advice == Advice::RollBack { "fix" } else { "seen" }) {
                        p { span.label { "Rollback: " } (line(&rollback.why)) }
                        dl.facts { (rows(&budget::deployments(rollback))) }
                    }
                }
            }
        }
    }
}

/// Rows of one label stand under it together.
fn rows(rows: &[budget::Row]) -> Markup {
    html! {
        @for row in rows {
            @if !row.label.is_empty() { dt { (super::capital(row.label)) } }
            dd { (line(&row.items.join(" · "))) }
        }
    }
}

/// What the logs of failed requests lack, and how to log it.
pub(super) fn lacking(report: &Report) -> Markup {
    html! {
        @if !report.gaps.is_empty() {
            section id="lacking" aria-labelledby="lacking-title" {
                h2 id="lacking-title" { "What the logs lack" }
                div.sheet {
                    ul.plain {
                        @for gap in lacking::shown(report) {
                            li {
                                @match &gap.family { Some(family) => code { (line(family)) }, None => { "Requests without a route" } }
                                ": " (lacking::sentence(gap))
                            }
                        }
                        @if let Some(more) = lacking::more(report) { li { (more) " in the JSON report" } }
                    }
                    @for (phase, change) in lacking::changes(report) {
                        details {
                            summary { "How to log " (phase.words()) }
                            dl.facts {
                                @for (name, text) in lacking::loggers(change) {
                                    dt { (name) }
                                    dd { code { (line(text)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a baseline and suppressions say.
pub(super) fn known(report: &Report) -> Markup {
    let baseline = memory::baseline(report);
    let known = &report.known;
    html! {
        @if baseline.is_some() || !known.suppressions.is_empty() {
            section aria-labelledby="known-title" {
                h2 id="known-title" { "Known and put up with" }
                div.sheet {
                    ul.plain {
                        @if let Some(text) = &baseline { li { "Incidents: " (text) } }
                        @if let Some(ids) = known.in_baseline.as_ref().filter(|ids| !ids.is_empty()) {
                            li { "In the baseline: " (super::incident::codes(ids, ids.len())) }
                        }
                        @for one in &known.suppressions { li { "Suppressed: " (line(&one.sentence())) } }
                    }
                }
            }
        }
    }
}
