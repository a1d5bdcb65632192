//! What is known of the incidents of a report from elsewhere: saved ones, a baseline, suppressions. Words and section
//! only; what is known is found in [`crate::incidents`].

use std::io;

use serde::Serialize;

use super::model::Report;
use super::page::Page;
use super::palette::{GOOD, PLAIN, QUIET, STRONG};
use super::words;

/// Saved incidents that are shown.
const MAX_ROWS: usize = 8;
const INDENT: &str = "   ";

/// What other runs and people know.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Known {
    /// Incidents that were saved before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seen_before: Vec<SeenBefore>,
    /// Fingerprints of this report that the baseline has too; left out without a baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_baseline: Option<Vec<String>>,
    /// Every entry of the suppression file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suppressions: Vec<Suppression>,
}

/// An incident that was saved before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeenBefore {
    /// Fingerprint.
    pub incident: String,
    /// File that holds it.
    pub file: String,
    /// Its last failure before this report, RFC 3339 UTC; null where it is not known.
    pub last_seen: Option<String>,
    /// Why it happened.
    pub root_cause: String,
    /// What ended it.
    pub fix: String,
    /// When.
    pub fixed_at: Option<String>,
    /// Status of the last probe after it.
    pub proved_by_status: Option<u16>,
    /// Who knows more.
    pub owner: String,
    /// Tickets, changes, postmortems.
    pub links: Vec<String>,
}

/// One entry of a suppression file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suppression {
    /// Fingerprint.
    pub incident: String,
    /// Why it is put up with.
    pub reason: String,
    /// How long.
    pub until: String,
    /// What became of it.
    pub state: SuppressionState,
}

/// What became of a suppression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SuppressionState {
    /// An incident of this report is put up with.
    Used,
    /// No incident of this report has the fingerprint.
    Unused,
    /// Its time is over: it suppresses nothing.
    Expired,
}

impl Known {
    /// Whether `--fail-on` puts up with an incident.
    pub fn accepts(&self, incident: &str) -> bool {
        self.in_baseline.iter().flatten().any(|id| id == incident)
            || self
                .suppressions
                .iter()
                .any(|one| one.state == SuppressionState::Used && one.incident == incident)
    }

    /// What was saved of an incident.
    pub fn seen(&self, incident: &str) -> Option<&SeenBefore> {
        self.seen_before.iter().find(|one| one.incident == incident)
    }
}

impl SeenBefore {
    /// When, by whom it was fixed and how, in one line.
    pub fn sentence(&self) -> String {
        let day = |time: &Option<String>| time.as_deref().map(|time| words::date(time).to_owned());
        let mut parts = vec![day(&self.last_seen).unwrap_or_else(|| "at no known time".to_owned())];
        parts.push(match (self.fix.trim(), day(&self.fixed_at)) {
            ("", None) => "no fix was saved".to_owned(),
            ("", Some(at)) => format!("fixed {at}"),
            (fix, None) => format!("fixed by {fix}"),
            (fix, Some(at)) => format!("fixed {at} by {fix}"),
        });
        parts.extend(self.proved_by_status.map(|status| format!("a probe answered {status}")));
        if !self.owner.is_empty() {
            parts.push(format!("owner {}", self.owner));
        }
        parts.join("; ")
    }
}

impl Suppression {
    /// What became of it, in words.
    pub fn sentence(&self) -> String {
        let state = match self.state {
            SuppressionState::Used => format!("until {}", self.until),
            SuppressionState::Unused => "unused: take it out".to_owned(),
            SuppressionState::Expired => format!("expired after {}: it suppresses nothing", self.until),
        };
        format!("{}: {} ({state})", self.incident, self.reason)
    }
}

/// How many incidents of a report are those of its baseline; none without one.
pub fn baseline(report: &Report) -> Option<String> {
    let ids = report.known.in_baseline.as_ref()?;
    let new = report.incidents.len().saturating_sub(ids.len()) as u64;
    Some(format!("{} of the baseline, {} not in it", words::count(ids.len() as u64), words::count(new)))
}

/// Writes the part of the closing section; nothing if nothing is known.
pub fn write(page: &mut Page, report: &Report) -> io::Result<()> {
    let known = &report.known;
    let rank = |id: &str| report.incidents.iter().find(|one| one.id == id).map_or(0, |one| one.rank);
    if !known.seen_before.is_empty() {
        page.gap()?;
        page.line(&[(PLAIN, INDENT), (STRONG, "seen before")])?;
        for one in known.seen_before.iter().take(MAX_ROWS) {
            let label = format!("{INDENT}{:>2}  ", rank(&one.incident));
            page.entry((QUIET, &label), GOOD, &one.sentence(), 4)?;
            if !one.root_cause.trim().is_empty() {
                page.entry((QUIET, &format!("{INDENT}    because ")), PLAIN, &one.root_cause, 4)?;
            }
            for link in one.links.iter().take(3) {
                page.entry((QUIET, &format!("{INDENT}    see ")), PLAIN, link, 2)?;
            }
            page.entry((QUIET, &format!("{INDENT}    in  ")), QUIET, &one.file, 2)?;
        }
        if let Some(more) = known.seen_before.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
            page.line(&[(QUIET, &format!("{INDENT}    and {more} more"))])?;
        }
    }
    if let Some(text) = baseline(report) {
        page.gap()?;
        page.entry((STRONG, &format!("{INDENT}baseline  ")), PLAIN, &text, 2)?;
    }
    for (index, one) in known.suppressions.iter().enumerate() {
        if index == 0 {
            page.gap()?;
            page.line(&[(PLAIN, INDENT), (STRONG, "suppressed")])?;
        }
        page.entry((QUIET, &format!("{INDENT}- ")), PLAIN, &one.sentence(), 3)?;
    }
    Ok(())
}
