//! Postmortem bundles: a folder with what a run found, written so that it can be shown, kept and checked. It holds the
//! text and the page of `report`, the report itself, every cited line with where its bytes stand, and a manifest with
//! digests of all of it and of the sources. `verify` checks a bundle again, with the sources or without them.
//!
//! Not here: what a report says and how its forms look (`report`); reading and diagnosing (`engine`).
//!
//! # Hashes of lines
//!
//! Cited lines are hashed so that they can be proven, and redacted because they may hold secrets. A plain hash would undo
//! the redaction: who holds the bundle could try every short password in the place of a token until the hash fits. A key
//! in the manifest would not help, nor would one that follows from the digests of the sources, which stand there too.
//!
//! So the key of a source is a second digest of its whole content: SHA-256 of the content and then of [`KEY_CONTEXT`].
//! Who has the source computes it in the same pass as the digest; the bundle holds nothing that it follows from. Both
//! digests share the state of SHA-256 after the last full block of the content, and neither gives that state away: to get
//! from one to the other is to invert the compression function. (What is known as length extension leads from the digest
//! to contents that go on behind SHA-256's own padding, which [`KEY_CONTEXT`] does not begin with.) What remains is what
//! a digest of the source means anywhere: whoever can guess the whole source, byte for byte, can confirm it.
//!
//! The hash of a line is BLAKE3, keyed, of the BLAKE3 hash of its bytes, so that a line of any length is read once and
//! before the key is known. The price: of a source that was changed anywhere, no line can be proven any more.

pub mod bundle;
pub mod digest;
pub mod evidence;
pub mod extent;
mod files;
pub mod manifest;
mod prove;
mod replay;
mod sources;
pub mod verify;

#[cfg(test)]
mod tests;

use crate::report::model::Report;

/// What the key of a source is derived with, besides its content.
pub const KEY_CONTEXT: &[u8] = b"why500 2026 key of evidence hashes";

/// The files of a bundle besides its manifest, in the order in which they are written.
pub const ARTIFACTS: [&str; 4] = ["postmortem.md", "report.html", "report.json", "evidence.jsonl"];

/// Narrows a report to the one incident whose ID begins with `id`. The totals stay those of the whole input.
///
/// # Errors
/// The IDs of all incidents, if none or several begin so.
pub fn narrow(report: &mut Report, id: &str) -> Result<(), Vec<String>> {
    let fits: Vec<&str> =
        report.incidents.iter().map(|one| one.id.as_str()).filter(|known| known.starts_with(id)).collect();
    let [full] = fits.as_slice() else {
        return Err(report.incidents.iter().map(|one| one.id.clone()).collect());
    };
    let full = (*full).to_owned();
    let all = report.failures.len();
    report.incidents.retain(|one| one.id == full);
    report.failures.retain(|one| one.incident == full);
    report.outside_requests.clear();
    report.known.seen_before.retain(|one| one.incident == full);
    report.routes = report.incidents.iter().flat_map(|one| one.routes.iter().cloned()).collect();
    let shown = report.failures.len();
    report.remarks.push(format!("narrowed to incident {full}: {shown} of {all} failed requests are shown"));
    report.remarks.sort();
    Ok(())
}
