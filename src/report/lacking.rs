//! What the logs of failed requests lack, in words: which route families, which phases, which logging changes.

use super::model::Report;
use super::words;
use crate::diagnose::gaps::{Change, Gap, Phase};

/// Route families that are shown; more are in `json`.
const MAX_FAMILIES: usize = 5;

/// The families that are shown.
pub fn shown(report: &Report) -> &[Gap] {
    &report.gaps[..report.gaps.len().min(MAX_FAMILIES)]
}

/// How many are not.
pub fn more(report: &Report) -> Option<String> {
    let more = report.gaps.len().saturating_sub(MAX_FAMILIES) as u64;
    (more > 0).then(|| words::counted(more, "more route family", "more route families"))
}

/// `12 failed requests, 3 without a certain cause; 42% of what would help was logged; not request receipt (12), …`.
pub fn sentence(gap: &Gap) -> String {
    let uncertain = match gap.uncertain {
        0 => "all with a certain cause".to_owned(),
        some => format!("{} without a certain cause", words::count(some)),
    };
    let missing: Vec<String> = gap
        .missing
        .iter()
        .map(|one| match one.requests == gap.requests {
            true => one.phase.words().to_owned(),
            false => format!("{} ({})", one.phase.words(), words::count(one.requests)),
        })
        .collect();
    format!(
        "{}, {uncertain}; {} of what would help was logged, and not: {}",
        words::counted(gap.requests, "failed request", "failed requests"),
        words::percent(gap.score),
        missing.join(", ")
    )
}

/// The logging changes that the families shown need, each once, the most telling first.
pub fn changes(report: &Report) -> Vec<(Phase, &Change)> {
    let mut changes: Vec<(Phase, &Change)> = Vec::new();
    for one in shown(report).iter().flat_map(|gap| &gap.missing) {
        if let Some(change) = &one.change
            && changes.iter().all(|(phase, _)| *phase != one.phase)
        {
            changes.push((one.phase, change));
        }
    }
    changes
}

/// A change in each logger.
pub fn loggers(change: &Change) -> [(&'static str, &str); 4] {
    [
        ("pino", &change.pino),
        ("winston", &change.winston),
        ("powertools", &change.powertools),
        ("structlog", &change.structlog),
    ]
}
