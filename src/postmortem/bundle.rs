//! Writes a bundle. Every file is written beside its place and then put there, the manifest last, so that a bundle that was
//! cut off does not verify and one that is shown is whole. What is written follows from the input alone: not from the
//! folder, the number of threads or the clock.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use thiserror::Error;

use super::digest::{Digest, digest, is_lasting, sha256};
use super::evidence::{self, Cited};
use super::manifest::{self, Artifact, Lines, Manifest, Recorded};
use super::{ARTIFACTS, manifest::is_manifest};
use crate::input::regular;
use crate::input::source::Source;
use crate::input::unpack::Expand;
use crate::report::model::Report;
use crate::report::{html, json, markdown};

/// Files of a folder that are named where it is refused.
const NAMED_FILES: usize = 3;

/// Why no bundle can be written to a folder.
#[derive(Debug, Error)]
pub enum Refusal {
    /// It is something else.
    #[error("--out {0}: this is a file; name a folder, which is made if it does not exist")]
    File(String),
    /// It holds other things.
    #[error(
        "--out {dir}: the folder holds other files ({files}) and no bundle; name a new or empty folder, or that of a former bundle"
    )]
    Taken {
        /// The folder.
        dir: String,
        /// Some of them.
        files: String,
    },
    /// What is written would be read as a log the next time.
    #[error("--out {dir}: this lies in {path}, which is read as logs; name a folder outside of it")]
    AmongInputs {
        /// The folder.
        dir: String,
        /// The input.
        path: String,
    },
}

/// Whether a bundle may be written to `dir`, where `inputs` are read.
///
/// # Errors
/// It may not; the text says what to do.
pub fn may_write(dir: &Path, inputs: &[PathBuf]) -> Result<(), Refusal> {
    let name = || dir.to_string_lossy().into_owned();
    if fs::metadata(dir).is_ok_and(|metadata| !metadata.is_dir()) {
        return Err(Refusal::File(name()));
    }
    if let Some(out) = resolved(dir) {
        for input in inputs.iter().filter(|input| input.is_dir()) {
            if input.canonicalize().is_ok_and(|input| out.starts_with(input)) {
                return Err(Refusal::AmongInputs { dir: name(), path: input.to_string_lossy().into_owned() });
            }
        }
    }
    let mut files: Vec<String> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let is_bundle = || {
        regular::read(&dir.join(manifest::NAME), manifest::MAX_BYTES).is_ok_and(|bytes| is_manifest(&bytes))
    };
    if files.is_empty() || is_bundle() {
        return Ok(());
    }
    files.sort();
    let more = if files.len() > NAMED_FILES { ", …" } else { "" };
    files.truncate(NAMED_FILES);
    Err(Refusal::Taken { dir: name(), files: files.join(", ") + more })
}

/// The folder without links, also where its last parts do not exist yet.
fn resolved(dir: &Path) -> Option<PathBuf> {
    let dir = std::path::absolute(dir).ok()?;
    let there = dir.ancestors().find(|part| part.exists())?;
    let rest = dir.strip_prefix(there).ok()?;
    Some(there.canonicalize().ok()?.join(rest))
}

/// Digests of sources, by their names.
type Digests = BTreeMap<String, io::Result<Digest>>;

/// Sources that are read for their digests while the engine reads them too: both read the same pages.
pub struct Digesting {
    sources: BTreeMap<String, Source>,
    /// Lengths of files before the engine began.
    sizes: BTreeMap<String, u64>,
    expand: Expand,
    stop: Arc<AtomicBool>,
    worker: JoinHandle<Digests>,
}

impl Digesting {
    /// Begins, on a thread of its own.
    pub fn begin(sources: &[Source], expand: Expand, stop: &Arc<AtomicBool>) -> Digesting {
        let sources: BTreeMap<String, Source> =
            sources.iter().filter(|one| is_lasting(one)).map(|one| (one.name(), one.clone())).collect();
        let size = |(name, one): (&String, &Source)| match one {
            Source::File(path) => Some((name.clone(), fs::metadata(path).ok()?.len())),
            _ => None,
        };
        let sizes = sources.iter().filter_map(size).collect();
        let (work, halt) = (sources.clone(), Arc::clone(stop));
        let worker = std::thread::spawn(move || {
            work.into_iter().map(|(name, one)| (name, digest(&one, expand, None, &halt))).collect()
        });
        Digesting { sources, sizes, expand, stop: Arc::clone(stop), worker }
    }

    /// What was found out. A file that has grown since the engine read it counts as far as that went.
    pub fn finish(self, report: &Report) -> Sources {
        let mut digests = self.worker.join().unwrap_or_default();
        for ledger in &report.sources {
            let (Some(Ok(found)), Some(source)) = (digests.get(&ledger.name), self.sources.get(&ledger.name))
            else {
                continue;
            };
            // What is no log is not read to its end, and counts as a whole.
            let to_its_end = self.sizes.get(&ledger.name).is_some_and(|size| ledger.bytes >= *size);
            if found.index.is_some() && found.bytes != ledger.bytes && to_its_end {
                let again = digest(source, self.expand, Some(ledger.bytes), &self.stop);
                digests.insert(ledger.name.clone(), again);
            }
        }
        Sources { sources: self.sources, expand: self.expand, digests }
    }
}

/// Sources with their digests.
pub struct Sources {
    sources: BTreeMap<String, Source>,
    expand: Expand,
    digests: Digests,
}

/// What a bundle says besides the report.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// See [`Manifest::command`].
    pub command: Vec<String>,
    /// See [`Manifest::as_of`].
    pub as_of: Option<String>,
    /// See [`Manifest::incident`].
    pub incident: Option<String>,
    /// See [`Manifest::unread`].
    pub unread: Vec<String>,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Cited lines.
    pub lines: usize,
    /// Of these with their bytes found.
    pub located: usize,
}

/// Writes the bundle of a report to a folder, which is made where there is none.
///
/// # Errors
/// The folder cannot be written to; the text names the file.
pub fn write(dir: &Path, report: &Report, sources: &Sources, around: &Circumstances) -> io::Result<Written> {
    let mut cited = evidence::cited(report);
    let recorded: Vec<Recorded> =
        report.sources.iter().map(|ledger| sources.record(ledger.clone(), &mut cited)).collect();
    let located = cited.iter().filter(|one| one.hash.is_some()).count();
    let as_of = around.as_of.as_deref();
    let mut report_json = Vec::new();
    json::write(report, &mut report_json)?;
    let contents = [
        markdown::page(report, as_of).into_bytes(),
        html::page(report, as_of).into_bytes(),
        report_json,
        evidence::to_jsonl(&cited)?.into_bytes(),
    ];
    let artifacts = ARTIFACTS.iter().zip(&contents).map(|(name, bytes)| Artifact {
        name: (*name).to_owned(),
        bytes: bytes.len() as u64,
        sha256: sha256(bytes),
    });
    let manifest = Manifest {
        schema: manifest::SCHEMA,
        tool: report.tool.clone(),
        command: around.command.clone(),
        as_of: around.as_of.clone(),
        incident: around.incident.clone(),
        window: report.window.clone(),
        requests: report.requests.clone(),
        sources: recorded,
        unread: around.unread.clone(),
        artifacts: artifacts.collect(),
        evidence: Lines::new(cited.len() as u64, located as u64),
        seal: String::new(),
    };
    fs::create_dir_all(dir).map_err(|error| named(dir, error))?;
    for (name, bytes) in ARTIFACTS.iter().zip(&contents) {
        put(dir, name, bytes)?;
    }
    put(dir, manifest::NAME, &manifest::sealed(&manifest)?)?;
    Ok(Written { lines: cited.len(), located })
}

impl Sources {
    /// The account of a source with its digest; finds its cited lines on the way.
    fn record(&self, ledger: crate::report::model::Source, cited: &mut [Cited]) -> Recorded {
        let name = ledger.name.as_str();
        let (digest, mut note) = match (self.digests.get(name), name) {
            (Some(Ok(digest)), _) => (Some(digest), None),
            (Some(Err(error)), _) => (None, Some(format!("it could not be read again: {error}"))),
            (None, "-") => (
                None,
                Some("standard input: it cannot be read again, so its lines have no bytes and hashes; save it to a file first to prove them".to_owned()),
            ),
            (None, _) => (None, Some("no file: it cannot be read again, so its lines have no bytes and hashes".to_owned())),
        };
        if let (Some(digest), Some(source)) = (digest, self.sources.get(name))
            && let Err(error) = evidence::locate(cited, name, source, self.expand, digest)
        {
            note = Some(format!("its lines could not be found again: {error}"));
        }
        Recorded {
            sha256: digest.map(|digest| digest.sha256.clone()),
            size_bytes: digest.map(|digest| digest.bytes),
            note,
            ledger,
        }
    }
}

/// Writes a file beside its place, then puts it there.
fn put(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = dir.join(name);
    let mut beside = tempfile::Builder::new();
    beside.prefix(".why500-");
    // As for any file that a program writes: what the user's mask leaves.
    #[cfg(unix)]
    beside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let written = beside
        .tempfile_in(dir)
        .and_then(|mut file| file.write_all(bytes).map(|()| file))
        .and_then(|file| file.persist(&path).map_err(|error| error.error));
    written.map(drop).map_err(|error| named(&path, error))
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
