//! The report as one JSON document, for scripts. Keys stand in the order of the structs.

use std::io;

use super::model::Report;
use crate::redact::printable::escaped_json;

/// Writes the report, indented by two spaces, with a newline at the end. Failures of single requests are not
/// part of it; see [`super::jsonl`].
pub fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let json = serde_json::to_string_pretty(report)?;
    out.write_all(escaped_json(&json).as_bytes())?;
    out.write_all(b"\n")
}
