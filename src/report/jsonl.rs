//! One compact JSON object per failed request and line, for pipes.

use std::io;

use super::model::Report;
use crate::redact::printable::escaped_json;

/// Writes one line per failed request, in the order of the report.
pub fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    for failure in &report.failures {
        let json = serde_json::to_string(failure)?;
        out.write_all(escaped_json(&json).as_bytes())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
