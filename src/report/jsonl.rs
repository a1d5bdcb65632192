//! One compact JSON object per failed request and line, for pipes.

use std::io;

use super::model::Report;

/// Writes one line per failed request, in the order of the report.
pub fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    for failure in &report.failures {
        serde_json::to_writer(&mut *out, failure)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
