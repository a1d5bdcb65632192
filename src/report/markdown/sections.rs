//! What stands beside the incidents: error budget, what the logs lack, what is known from elsewhere.

use super::super::model::Report;
use super::super::{budget, lacking, memory};
use super::Page;
use super::text::{code, prose};

/// The error budget, where one was asked for.
pub(super) fn budget(page: &mut Page, report: &Report) {
    let Some(slo) = &report.slo else { return };
    page.heading(2, &prose(&budget::title(slo)));
    page.item(&format!("verdict: **{}**", budget::verdict(slo)));
    let row = |page: &mut Page, row: &budget::Row, label: &str| {
        page.item(&format!("{label}: {}", prose(&row.items.join("; "))));
    };
    let mut label = "";
    for one in &budget::rows(slo) {
        if !one.label.is_empty() {
            label = one.label;
        }
        row(page, one, label);
    }
    for note in &slo.notes {
        page.item(&prose(note));
    }
    if let Some(rollback) = &slo.rollback {
        page.item(&format!("**rollback:** {}", prose(&rollback.why)));
        for one in &budget::deployments(rollback) {
            row(page, one, one.label);
        }
    }
}

/// What the logs of failed requests lack, and how to log it.
pub(super) fn lacking(page: &mut Page, report: &Report) {
    if report.gaps.is_empty() {
        return;
    }
    page.heading(2, "What the logs lack");
    for gap in lacking::shown(report) {
        let family = gap.family.as_deref().map_or_else(|| "requests without a route".to_owned(), code);
        page.item(&format!("{family}: {}", lacking::sentence(gap)));
    }
    if let Some(more) = lacking::more(report) {
        page.item(&format!("{more} in the JSON report"));
    }
    for (phase, change) in lacking::changes(report) {
        page.paragraph(&format!("To log {}:", phase.words()));
        let width =
            lacking::loggers(change).map(|(name, _)| name.len()).into_iter().max().unwrap_or_default();
        let lines: Vec<String> =
            lacking::loggers(change).iter().map(|(name, text)| format!("{name:width$}  {text}")).collect();
        page.block(&lines.join("\n"));
    }
}

/// What a baseline and suppressions say.
pub(super) fn known(page: &mut Page, report: &Report) {
    let baseline = memory::baseline(report);
    if baseline.is_none() && report.known.suppressions.is_empty() {
        return;
    }
    page.heading(2, "Known and put up with");
    if let Some(text) = baseline {
        page.item(&format!("Incidents: {text}"));
    }
    if let Some(ids) = report.known.in_baseline.as_ref().filter(|ids| !ids.is_empty()) {
        let ids: Vec<String> = ids.iter().map(|id| code(id)).collect();
        page.item(&format!("In the baseline: {}", ids.join(", ")));
    }
    for one in &report.known.suppressions {
        page.item(&format!("Suppressed: {}", prose(&one.sentence())));
    }
}
