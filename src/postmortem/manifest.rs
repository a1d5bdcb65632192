//! The manifest of a bundle: what was run on what, and digests of all of it. It ends with a seal, the SHA-256 of the
//! manifest itself with zeros in the place of the seal, so that a change of any byte shows. A seal is no signature: it
//! tells damage and carelessness, not forgery.

use std::io;

use serde::{Deserialize, Serialize};

use super::digest::sha256;
use crate::redact::printable::escaped_json;
use crate::report::model::{Source, Tool, Totals, Window};

/// File name.
pub const NAME: &str = "manifest.json";
/// Name and version of the contract; keys may be added, never renamed.
pub const SCHEMA: &str = "why500/bundle/v1";
/// Largest manifest that is read, in bytes; it takes about 600 for each source.
pub const MAX_BYTES: u64 = 64 << 20;
/// What stands before the seal.
const BEFORE_SEAL: &[u8] = b"\"seal\": \"";
/// Hexadecimal digits of a seal.
const SEAL_DIGITS: usize = 64;
/// How hashes of lines are made, in short.
const HASH: &str = "BLAKE3 keyed with SHA-256(source, context), of BLAKE3(bytes); see `why500 verify`";

/// The manifest.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Program and rule set.
    pub tool: Tool,
    /// The command, without output path and number of threads, and without a redaction key.
    pub command: Vec<String>,
    /// The moment as of which the bundle speaks, RFC 3339 UTC; null without any time.
    pub as_of: Option<String>,
    /// The incident that it was narrowed to.
    pub incident: Option<String>,
    /// First and last time of any record.
    pub window: Window,
    /// Totals.
    pub requests: Totals,
    /// The ledger, with digests.
    pub sources: Vec<Recorded>,
    /// Inputs that could not be read, or not to their end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// The other files of the bundle.
    pub artifacts: Vec<Artifact>,
    /// The cited lines.
    pub evidence: Lines,
    /// See the module.
    pub seal: String,
}

/// A source: its account and its digest.
#[derive(Debug, Clone, Serialize)]
pub struct Recorded {
    /// The account.
    #[serde(flatten)]
    pub ledger: Source,
    /// SHA-256 of its bytes as they lie on disk, or in their archive; null where it cannot be read again.
    pub sha256: Option<String>,
    /// How many bytes these are.
    pub size_bytes: Option<u64>,
    /// Why there is no digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// File name.
    pub name: String,
    /// Length.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: String,
}

/// How many lines are cited.
#[derive(Debug, Clone, Serialize)]
pub struct Lines {
    /// Lines of `evidence.jsonl`.
    pub lines: u64,
    /// Of these have a range of bytes and a hash.
    pub located: u64,
    /// How the hashes are made.
    pub hash: &'static str,
}

impl Lines {
    /// Counts.
    pub fn new(lines: u64, located: u64) -> Lines {
        Lines { lines, located, hash: HASH }
    }
}

/// What verifying needs of a manifest. Nothing in it is trusted.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    /// Name and version of the contract.
    pub schema: String,
    /// Program and rule set.
    #[serde(default)]
    pub tool: ClaimedTool,
    /// The command.
    #[serde(default)]
    pub command: Vec<String>,
    /// The incident that it was narrowed to.
    #[serde(default)]
    pub incident: Option<String>,
    /// Sources.
    pub sources: Vec<ClaimedSource>,
    /// Files.
    pub artifacts: Vec<Artifact>,
    /// Cited lines.
    pub evidence: ClaimedLines,
}

/// What a manifest says of program and rule set.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ClaimedTool {
    /// Version of the program.
    #[serde(default)]
    pub version: String,
    /// Hash of the rules.
    #[serde(default)]
    pub ruleset: String,
}

/// What a manifest says of a source.
#[derive(Debug, Clone, Deserialize)]
pub struct ClaimedSource {
    /// Its name.
    pub name: String,
    /// SHA-256.
    pub sha256: Option<String>,
    /// Length on disk.
    pub size_bytes: Option<u64>,
}

/// What a manifest says of the cited lines.
#[derive(Debug, Clone, Deserialize)]
pub struct ClaimedLines {
    /// How many.
    pub lines: u64,
    /// Of these have a range of bytes and a hash.
    #[serde(default)]
    pub located: Option<u64>,
}

/// The manifest with its seal, as bytes.
///
/// # Errors
/// None in practice: every key is a text.
pub fn sealed(manifest: &Manifest) -> io::Result<Vec<u8>> {
    let open = Manifest { seal: "0".repeat(SEAL_DIGITS), ..manifest.clone() };
    let json = serde_json::to_string_pretty(&open)?;
    let mut bytes = (escaped_json(&json).into_owned() + "\n").into_bytes();
    let seal = sha256(&bytes);
    if let Some(place) = place_of_seal(&bytes) {
        bytes[place].copy_from_slice(seal.as_bytes());
    }
    Ok(bytes)
}

/// Where the digits of the seal stand.
fn place_of_seal(bytes: &[u8]) -> Option<std::ops::Range<usize>> {
    let from = memchr::memmem::rfind(bytes, BEFORE_SEAL)? + BEFORE_SEAL.len();
    let to = from.checked_add(SEAL_DIGITS)?;
    (to <= bytes.len()).then_some(from..to)
}

/// The seal that a manifest has, and the one that it should have.
pub fn seals(bytes: &[u8]) -> Option<(String, String)> {
    let place = place_of_seal(bytes)?;
    let has = String::from_utf8_lossy(&bytes[place.clone()]).into_owned();
    let mut open = bytes.to_vec();
    open[place].fill(b'0');
    Some((has, sha256(&open)))
}

/// Whether these bytes are the manifest of a bundle, of whatever version.
pub fn is_manifest(bytes: &[u8]) -> bool {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    value["schema"].as_str().is_some_and(|schema| schema.starts_with("why500/bundle/"))
}
