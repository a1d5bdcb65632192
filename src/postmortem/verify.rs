//! Checks a bundle: the manifest against its seal, every file against its digest, every source that is there against its
//! own, every cited line against its bytes, and every cited text against what the sources give when they are read again.
//!
//! A bundle may come from anywhere, so nothing in it is trusted. In its folder only files of known names are opened, and
//! only regular ones; of sources those that the user names, or regular files where the manifest says, of which then
//! nothing is told. See `docs/postmortem.md`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::evidence::Cited;
use super::files;
use super::manifest::{self, Claims, is_manifest, seals};
use super::prove::check_lines;
use super::replay;
use super::sources::Finder;
use crate::input::regular;

/// Digits of a digest that are shown; nobody compares 64 by eye.
const SHOWN_DIGITS: usize = 16;

/// Why nothing can be checked.
#[derive(Debug, Error)]
pub enum NoBundle {
    /// No manifest.
    #[error("{dir}: no bundle here: {name} cannot be read ({source}); name the folder that `why500 postmortem --out` wrote", name = manifest::NAME)]
    Unreadable {
        /// The folder.
        dir: String,
        /// What the system said.
        source: io::Error,
    },
}

/// What became of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is as the manifest says.
    Same,
    /// It is not.
    Differs,
    /// It is not there.
    Missing,
    /// It could not be checked, which is no fault of the bundle.
    Unchecked,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub what: What,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub state: State,
    /// What should be there, or empty.
    pub expected: String,
    /// What is there, or why it was not checked.
    pub found: String,
}

/// Kinds of checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A file of the bundle.
    File,
    /// A source.
    Source,
    /// The place and the bytes of a cited line.
    Line,
    /// The text that is quoted of a line, its time, its request and what cites it.
    Text,
}

impl Check {
    pub(super) fn new(what: What, name: &str, state: State, expected: &str, found: &str) -> Check {
        Check { what, name: name.to_owned(), state, expected: expected.to_owned(), found: found.to_owned() }
    }

    /// Whether it makes a bundle fail.
    pub fn fails(&self) -> bool {
        matches!(self.state, State::Differs | State::Missing)
    }
}

/// Checks the bundle in a folder. `given`: where its sources are now; empty: where they were.
///
/// # Errors
/// There is no bundle.
pub fn verify(dir: &Path, given: &[PathBuf]) -> Result<Vec<Check>, NoBundle> {
    let bytes = regular::open_itself(&dir.join(manifest::NAME))
        .and_then(|(file, length)| regular::whole(file, length, manifest::MAX_BYTES))
        .map_err(|source| NoBundle::Unreadable { dir: dir.to_string_lossy().into_owned(), source })?;
    let mut checks = vec![check_seal(&bytes)];
    let claims: Claims = match serde_json::from_slice(&bytes) {
        Ok(claims) if is_manifest(&bytes) => claims,
        Ok(_) => {
            checks.push(broken_manifest("it is not of a bundle"));
            return Ok(checks);
        }
        Err(error) => {
            checks.push(broken_manifest(&error.to_string()));
            return Ok(checks);
        }
    };
    if claims.schema != manifest::SCHEMA {
        checks.push(Check::new(
            What::File,
            manifest::NAME,
            State::Differs,
            manifest::SCHEMA,
            &format!("{}, of another version of why500", claims.schema),
        ));
        return Ok(checks);
    }
    checks.extend(files::check(dir, &claims));
    let (cited, broken) = files::read_evidence(dir, &claims);
    checks.extend(broken);
    check_sources(&claims, &cited, given, &mut checks);
    Ok(checks)
}

fn broken_manifest(why: &str) -> Check {
    Check::new(What::File, manifest::NAME, State::Differs, "a manifest", why)
}

fn check_seal(bytes: &[u8]) -> Check {
    match seals(bytes) {
        Some((has, should)) if has == should => Check::new(What::File, manifest::NAME, State::Same, "", ""),
        Some((has, should)) => {
            let found = format!("content {}", short(&should));
            Check::new(What::File, manifest::NAME, State::Differs, &format!("seal {}", short(&has)), &found)
        }
        None => Check::new(What::File, manifest::NAME, State::Differs, "a seal at its end", "none"),
    }
}

/// The first digits of a digest.
pub(super) fn short(digest: &str) -> String {
    match digest.char_indices().nth(SHOWN_DIGITS) {
        Some((end, _)) => format!("{}…", &digest[..end]),
        None => digest.to_owned(),
    }
}

fn check_sources(claims: &Claims, cited: &[Cited], given: &[PathBuf], checks: &mut Vec<Check>) {
    let mut finder = Finder::new(given);
    checks.append(&mut finder.errors);
    let mut by_source: BTreeMap<&str, Vec<&Cited>> = BTreeMap::new();
    for one in cited {
        by_source.entry(one.source.as_str()).or_default().push(one);
    }
    let mut lines = Vec::new();
    let mut proven = Vec::new();
    for claimed in &claims.sources {
        let (check, source) = finder.find(claimed);
        let whole = check.state == State::Same;
        checks.push(check);
        // A source that is named twice has no lines left.
        let own = by_source.remove(claimed.name.as_str()).unwrap_or_default();
        match source {
            Some((source, digest)) => {
                lines.extend(check_lines(&own, &source, finder.expand, &digest));
                proven.extend(whole.then(|| (claimed.name.clone(), source)));
            }
            None => lines.extend(own.iter().map(|one| {
                let why = "its source was not checked, or differs";
                Check::new(What::Line, &place(one), State::Unchecked, "", why)
            })),
        }
    }
    let strays = by_source.into_values().flatten();
    lines.extend(strays.map(|one| {
        Check::new(What::Line, &place(one), State::Differs, "a source of the manifest", &one.source)
    }));
    checks.append(&mut lines);
    checks.extend(replay::check(claims, cited, proven, finder.expand));
}

/// A cited line as people look it up.
pub(super) fn place(one: &Cited) -> String {
    format!("{}:{}", one.source, one.line)
}
