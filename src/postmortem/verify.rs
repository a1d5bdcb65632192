//! Checks a bundle: the manifest against its seal, every file against its digest, every source that is there against its
//! own, and every cited line against its keyed hash. A bundle may come from anywhere, so nothing in it is trusted: only
//! files of known names are opened in its folder, and of sources only regular files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use thiserror::Error;

use super::ARTIFACTS;
use super::digest::{Digest, digest, is_lasting, is_plain, sha256};
use super::evidence::Cited;
use super::manifest::{self, ClaimedSource, Claims, is_manifest, seals};
use super::prove::check_lines;
use crate::input::source::{Found, Source, find_within};
use crate::input::unpack::{Expand, MAX_EXPANDED_BYTES};

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
    /// A cited line.
    Line,
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
    let bytes = fs::read(dir.join(manifest::NAME))
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
    checks.extend(ARTIFACTS.iter().map(|name| check_artifact(dir, name, &claims)));
    let (cited, mut broken) = read_evidence(dir, &claims);
    checks.append(&mut broken);
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

fn check_artifact(dir: &Path, name: &str, claims: &Claims) -> Check {
    let check = |state, expected: &str, found: &str| Check::new(What::File, name, state, expected, found);
    let Some(claimed) = claims.artifacts.iter().find(|one| one.name == name) else {
        return check(State::Differs, "an entry in the manifest", "none");
    };
    match fs::read(dir.join(name)) {
        Err(error) => check(State::Missing, &short(&claimed.sha256), &error.to_string()),
        Ok(bytes) => {
            let is = sha256(&bytes);
            let length = |bytes: u64| format!("{bytes} bytes, SHA-256 ");
            match is == claimed.sha256 {
                true => check(State::Same, "", ""),
                false => check(
                    State::Differs,
                    &(length(claimed.bytes) + &short(&claimed.sha256)),
                    &(length(bytes.len() as u64) + &short(&is)),
                ),
            }
        }
    }
}

/// The cited lines, and what is wrong with their file.
fn read_evidence(dir: &Path, claims: &Claims) -> (Vec<Cited>, Vec<Check>) {
    let name = ARTIFACTS[3];
    let (mut cited, mut checks) = (Vec::new(), Vec::new());
    // That it is missing was said.
    let text = fs::read(dir.join(name)).unwrap_or_default();
    let mut lines = 0;
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        lines += 1;
        match serde_json::from_slice(line) {
            Ok(one) => cited.push(one),
            Err(error) => {
                let place = format!("{name}:{}", number + 1);
                checks.push(Check::new(
                    What::Line,
                    &place,
                    State::Differs,
                    "a cited line",
                    &error.to_string(),
                ));
            }
        }
    }
    if lines != claims.evidence.lines {
        checks.push(Check::new(
            What::File,
            name,
            State::Differs,
            &format!("{} lines", claims.evidence.lines),
            &format!("{lines} lines"),
        ));
    }
    (cited, checks)
}

/// Where the sources of a manifest are now.
struct Now {
    sources: BTreeMap<String, Source>,
    digests: BTreeMap<String, Digest>,
    expand: Expand,
}

fn check_sources(claims: &Claims, cited: &[Cited], given: &[PathBuf], checks: &mut Vec<Check>) {
    // Whoever checks has named these files, and they are unpacked only once they have proven to be the ones.
    let expand = Expand::up_to(MAX_EXPANDED_BYTES);
    let mut now = Now { sources: BTreeMap::new(), digests: BTreeMap::new(), expand };
    if !given.is_empty() {
        let Found { sources, errors, .. } = find_within(given, expand);
        for error in errors {
            checks.push(Check::new(What::Source, "--sources", State::Missing, "", &error.to_string()));
        }
        now.sources = sources.into_iter().filter(is_lasting).map(|source| (source.name(), source)).collect();
    }
    let mut lines = Vec::new();
    for claimed in &claims.sources {
        let own: Vec<&Cited> = cited.iter().filter(|one| one.source == claimed.name).collect();
        let (check, source) = match given.is_empty() {
            true => now.at_its_place(claimed),
            false => now.among_given(claimed),
        };
        match source {
            Some((source, digest)) => lines.extend(check_lines(&own, &source, expand, &digest)),
            None => lines.extend(own.iter().map(|one| {
                Check::new(
                    What::Line,
                    &place(one),
                    State::Unchecked,
                    "",
                    "its source was not checked, or differs",
                )
            })),
        }
        checks.push(check);
    }
    let known: BTreeSet<&str> = claims.sources.iter().map(|one| one.name.as_str()).collect();
    for one in cited.iter().filter(|one| !known.contains(one.source.as_str())) {
        lines.push(Check::new(
            What::Line,
            &place(one),
            State::Differs,
            "a source of the manifest",
            &one.source,
        ));
    }
    checks.append(&mut lines);
}

/// A cited line as people look it up.
pub(super) fn place(one: &Cited) -> String {
    format!("{}:{}", one.source, one.line)
}

type Checked = (Check, Option<(Source, Digest)>);

impl Now {
    /// The source at the place that the manifest names.
    fn at_its_place(&mut self, claimed: &ClaimedSource) -> Checked {
        let check = |state, found: &str| Check::new(What::Source, &claimed.name, state, "", found);
        if claimed.sha256.is_none() {
            return (check(State::Unchecked, "it has no digest (standard input or a pipe)"), None);
        }
        match at_place(&claimed.name, self.expand) {
            Some(source) => self.compare(claimed, &source),
            None => (check(State::Unchecked, "not found there; name its place with --sources"), None),
        }
    }

    /// The source with this digest among those that were given; else one of the same name, to say what differs.
    fn among_given(&mut self, claimed: &ClaimedSource) -> Checked {
        let check = |state, found: &str| Check::new(What::Source, &claimed.name, state, "", found);
        let Some(sha256) = &claimed.sha256 else {
            return (check(State::Unchecked, "it has no digest (standard input or a pipe)"), None);
        };
        let own = last_part(&claimed.name);
        // Those of its name first: the others are read only if it is not among them.
        let mut names: Vec<String> = self.sources.keys().cloned().collect();
        names.sort_by_key(|name| (*name != claimed.name, last_part(name) != own, name.clone()));
        let mut named = None;
        for name in names {
            let Some(source) = self.sources.get(&name).cloned() else { continue };
            let same_name = last_part(&name) == own;
            let compared = self.compare(claimed, &source);
            let has_it = compared.1.as_ref().is_some_and(|(_, digest)| digest.sha256 == *sha256);
            if has_it && (same_name || !compared.0.fails()) {
                return compared;
            }
            if same_name && named.is_none() {
                named = Some(compared);
            }
        }
        named.unwrap_or_else(|| (check(State::Missing, "not among --sources"), None))
    }

    fn compare(&mut self, claimed: &ClaimedSource, source: &Source) -> Checked {
        let check = |state, expected: &str, found: &str| {
            Check::new(What::Source, &claimed.name, state, expected, found)
        };
        let expected = claimed.sha256.as_deref().map(short).unwrap_or_default();
        let found = match self.digest(source, claimed.size_bytes) {
            Ok(found) => found,
            Err(error) => return (check(State::Missing, &expected, &error.to_string()), None),
        };
        let size = match source {
            Source::File(path) => fs::metadata(path).map_or(found.bytes, |metadata| metadata.len()),
            _ => found.bytes,
        };
        if Some(&found.sha256) != claimed.sha256.as_ref() {
            let found = format!("{size} bytes, SHA-256 {}", short(&found.sha256));
            let expected = format!("{} bytes, SHA-256 {expected}", claimed.size_bytes.unwrap_or_default());
            return (check(State::Differs, &expected, &found), None);
        }
        let grown = claimed.size_bytes.is_some_and(|bytes| bytes < size);
        let check = match grown {
            true => check(
                State::Differs,
                &format!("{} bytes", found.bytes),
                &format!("{size} bytes: it has grown, and what was read is unchanged"),
            ),
            false => check(State::Same, "", ""),
        };
        (check, Some((source.clone(), found)))
    }

    /// The digest of a source, or of as much of a plain file as was read.
    fn digest(&mut self, source: &Source, size_bytes: Option<u64>) -> io::Result<Digest> {
        let key = format!("{} {size_bytes:?}", source.name());
        if let Some(known) = self.digests.get(&key) {
            return Ok(known.clone());
        }
        let limit = size_bytes.filter(|_| is_plain(source, self.expand).unwrap_or(false));
        let found = digest(source, self.expand, limit, &AtomicBool::new(false))?;
        self.digests.insert(key, found.clone());
        Ok(found)
    }
}

fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The regular file of this name, or the file in an archive.
fn at_place(name: &str, expand: Expand) -> Option<Source> {
    let file = Source::File(PathBuf::from(name));
    if is_lasting(&file) {
        return Some(file);
    }
    name.match_indices(':').find_map(|(at, _)| {
        let archive = PathBuf::from(&name[..at]);
        if !is_lasting(&Source::File(archive.clone())) {
            return None;
        }
        find_within(&[archive], expand).sources.into_iter().find(|source| source.name() == name)
    })
}
