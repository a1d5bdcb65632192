//! One row per incident, for spreadsheets: RFC 4180 (CRLF, quotes doubled), and no cell that a spreadsheet
//! would run as a formula. The columns are a contract: new ones are added at the end.

use std::borrow::Cow;
use std::io;

use super::model::{Incident, Report, RouteCount};
use crate::redact::printable::single_line;

/// Names of the columns.
pub const COLUMNS: [&str; 17] = [
    "rank",
    "class",
    "cause",
    "title",
    "confidence",
    "requests",
    "share",
    "routes",
    "status",
    "first_seen",
    "last_seen",
    "deployments",
    "fix",
    "id",
    "subclass",
    "subject",
    "prevention",
];

/// Writes a header and one row per incident. Lists within a cell are joined by `; `.
pub fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    row(out, COLUMNS.iter().map(|name| Cow::Borrowed(*name)))?;
    for incident in &report.incidents {
        row(out, cells(incident).into_iter().map(Cow::Owned))?;
    }
    Ok(())
}

fn cells(incident: &Incident) -> [String; COLUMNS.len()] {
    let pairs = |pairs: &mut dyn Iterator<Item = (String, String)>| {
        pairs.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("; ")
    };
    let route = |count: &RouteCount| format!("{} ({})", count.route, count.requests);
    [
        incident.rank.to_string(),
        incident.class.to_string(),
        incident.cause.clone().unwrap_or_default(),
        incident.title.clone(),
        format!("{:.3}", incident.confidence),
        incident.requests.to_string(),
        format!("{:.4}", incident.share),
        incident.routes.iter().map(route).collect::<Vec<_>>().join("; "),
        pairs(&mut incident.status.iter().map(|(code, count)| (code.clone(), count.to_string()))),
        incident.first_seen.clone().unwrap_or_default(),
        incident.last_seen.clone().unwrap_or_default(),
        incident.deployments.join("; "),
        incident.fix.clone(),
        incident.id.clone(),
        incident.subclass.clone(),
        pairs(&mut incident.subject.iter().map(|(key, value)| (key.clone(), value.clone()))),
        incident.prevention.clone(),
    ]
}

fn row<'a>(out: &mut dyn io::Write, cells: impl Iterator<Item = Cow<'a, str>>) -> io::Result<()> {
    for (index, text) in cells.enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        out.write_all(cell(&text).as_bytes())?;
    }
    out.write_all(b"\r\n")
}

/// One cell: defused, on one line, quoted where RFC 4180 asks for it.
fn cell(text: &str) -> String {
    // Asked of the text as it came too: a leading tab or CR would be gone after the cleaning.
    let formula = |text: &str| text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let line = single_line(text);
    let defused = if formula(text) || formula(&line) { Cow::Owned(format!("'{line}")) } else { line };
    if defused.contains(['"', ',', '\n', '\r', ';']) {
        return format!("\"{}\"", defused.replace('"', "\"\""));
    }
    defused.into_owned()
}
