//! `why500/gate/v1`.

use std::io;

use super::model::GateReport;
use crate::redact::printable::escaped_json;

/// Writes one JSON object, pretty-printed, with control characters escaped.
pub fn write(report: &GateReport, out: &mut dyn io::Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(report).map_err(io::Error::other)?;
    writeln!(out, "{}", escaped_json(&text))
}
