//! The totals of a run, and what it says of itself if memory was short.

use crate::correlate::table::{Losses, Requests};
use crate::report::model::Totals;

/// What the run had to do without. To be asked once the lines of failed requests were read, some of them from disk.
pub fn losses(losses: Losses, trouble: Option<String>) -> Losses {
    Losses { disk: losses.disk.or(trouble), ..losses }
}

/// The totals; `failed` counts the failed requests, which stand apart by now.
pub fn totals(requests: &Requests, failed: u64, losses: &Losses) -> Totals {
    Totals {
        total: requests.total,
        failed,
        aborted: requests.aborted,
        incomplete: requests.incomplete,
        unattributed: requests.unattributed,
        exact: losses.forgotten == 0 && losses.aliases == 0 && losses.disk.is_none(),
        forgotten: losses.forgotten,
    }
}

/// Remarks on the losses.
pub fn remarks_on(losses: &Losses) -> Vec<String> {
    let mut remarks = Vec::new();
    let cure = "use --spill DIR or a larger --memory";
    let count =
        |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    if losses.forgotten > 0 {
        let forgotten = count(losses.forgotten, "request was", "requests were");
        remarks.push(format!("--memory: {forgotten} forgotten; a late line of them counts again; {cure}"));
    }
    if losses.cut > 0 {
        let cut = count(losses.cut, "request", "requests");
        remarks.push(format!("--memory: of {cut} only the most telling lines were kept; {cure}"));
    }
    if losses.aliases > 0 {
        let ids = count(losses.aliases, "ID was", "IDs were");
        remarks.push(format!(
            "--memory: of {ids} forgotten which request they name, so its lines under them may count as another one; use a larger --memory"
        ));
    }
    if losses.outside > 0 {
        let lines = count(losses.outside, "line", "lines");
        remarks.push(format!(
            "{lines} outside any request tell of a failure and were not kept, the latest ones: read a shorter time (--since, --until) to see what they say"
        ));
    }
    if let Some(error) = &losses.disk {
        remarks.push(format!(
            "--spill: files could not be written or read ({error}), so the totals may not be exact: free space there, or name another folder"
        ));
    }
    remarks
}
