//! What was learned of incidents: a folder of small files that people review and keep beside the code, so that an incident
//! that comes back brings its cure with it; the incidents of an earlier report; and those that are put up with for a while.
//!
//! Incidents are known by their fingerprint (`Incident.id`), which is equal across runs, machines and days. Nothing here
//! changes a diagnosis: the report says beside it what is known.

pub mod accept;
pub mod known;
pub mod memory;
pub mod saved;
#[cfg(test)]
mod tests;

/// Where incidents are kept unless a folder is named: in the current directory, and only there.
pub const DEFAULT_DIR: &str = ".why500/incidents";

/// Whether a text is a fingerprint: twelve hexadecimal digits. Nothing else becomes a file's name.
pub fn is_fingerprint(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
