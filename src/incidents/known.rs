//! Puts beside a report what is known of its incidents.

use std::collections::BTreeSet;
use std::path::Path;

use super::accept::{Suppress, apply};
use super::memory::Memory;
use super::saved::Saved;
use crate::format::time;
use crate::report::memory::{Known, SeenBefore};
use crate::report::model::Report;

/// What of the incidents of a report is known. `as_of_ms`: what counts as now, by default the last record's time.
pub fn of(
    report: &Report,
    memory: &Memory,
    baseline: Option<&BTreeSet<String>>,
    suppressions: &[Suppress],
    as_of_ms: Option<i64>,
) -> Known {
    let ids: BTreeSet<&str> = report.incidents.iter().map(|one| one.id.as_str()).collect();
    let now_ms = as_of_ms.or_else(|| report.window.to.as_deref().and_then(time::parse).map(|stamp| stamp.ms));
    Known {
        seen_before: report
            .incidents
            .iter()
            .filter_map(|one| memory.saved.get(&one.id))
            .map(|(file, saved)| seen(file, saved))
            .collect(),
        in_baseline: baseline.map(|baseline| {
            ids.iter().filter(|id| baseline.contains(**id)).map(|id| (*id).to_owned()).collect()
        }),
        suppressions: apply(suppressions, &ids, now_ms),
    }
}

fn seen(file: &Path, saved: &Saved) -> SeenBefore {
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    SeenBefore {
        incident: saved.id.clone(),
        // The same on all systems.
        file: file.display().to_string().replace('\\', "/"),
        last_seen: some(&saved.last_seen),
        root_cause: saved.root_cause.clone(),
        fix: saved.fix.clone(),
        fixed_at: some(&saved.fixed_at),
        proved_by_status: saved.proof.last().map(|proof| proof.status),
        owner: saved.owner.clone(),
        links: saved.links.clone(),
    }
}
