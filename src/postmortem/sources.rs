//! Finds the sources of a bundle: among those that the user named, or where the manifest says. The second is the bundle's
//! own word, so it may do less: only a regular file of at least the length that was read is opened, none of the system's,
//! unpacked no further than for triage, and nothing is told of one that differs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::digest::{Digest, digest, is_lasting, is_plain};
use super::manifest::ClaimedSource;
use super::verify::{Check, State, What, short};
use crate::input::source::{Found, Source, find_within};
use crate::input::unpack::{Expand, MAX_EXPANDED_BYTES};

/// Longest name that is looked for, in bytes: the longest path of common systems.
const MAX_NAME_BYTES: usize = 4096;
/// How often one file is read again, each time as far as another entry says that it was read.
const MAX_PREFIXES: u32 = 8;
/// Folders whose files are no files: reading them may have effects, or no end.
const SYSTEM: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Looks for sources.
pub(super) struct Finder {
    /// What was named and cannot be read.
    pub(super) errors: Vec<Check>,
    /// How far sources are unpacked.
    pub(super) expand: Expand,
    /// What the user named, by name; none: sources are where they were.
    given: Option<BTreeMap<String, Source>>,
    /// The names of [`Finder::given`] by the digests of their whole content, once all of it was read.
    by_sha256: Option<BTreeMap<String, Vec<String>>>,
    digests: BTreeMap<(String, Option<u64>), Digest>,
    prefixes: BTreeMap<String, u32>,
    seen: BTreeSet<String>,
    /// The archive that was looked into last: its files follow each other in a manifest.
    archive: Option<(PathBuf, BTreeMap<String, Source>)>,
}

/// The check of a source, and the source with its digest if that is the one that was read, or begins so.
pub(super) type Checked = (Check, Option<(Source, Digest)>);

impl Finder {
    /// Looks among these; or, without any, where the sources were.
    pub(super) fn new(given: &[PathBuf]) -> Finder {
        let (mut errors, mut named) = (Vec::new(), None);
        // Whoever checks has named these files, so they may be as dense as they are.
        let expand = if given.is_empty() { Expand::default() } else { Expand::up_to(MAX_EXPANDED_BYTES) };
        if !given.is_empty() {
            let Found { sources, errors: unread, .. } = find_within(given, expand);
            let missing = |text: &str| Check::new(What::Source, "--sources", State::Missing, "", text);
            errors.extend(unread.iter().map(|error| missing(&error.to_string())));
            let lasting = sources.into_iter().filter(is_lasting);
            named = Some(lasting.map(|source| (source.name(), source)).collect());
        }
        Finder {
            errors,
            expand,
            given: named,
            by_sha256: None,
            digests: BTreeMap::new(),
            prefixes: BTreeMap::new(),
            seen: BTreeSet::new(),
            archive: None,
        }
    }

    /// Looks for a source that the manifest names.
    pub(super) fn find(&mut self, claimed: &ClaimedSource) -> Checked {
        let check = |state, found: &str| (Check::new(What::Source, &claimed.name, state, "", found), None);
        if !self.seen.insert(claimed.name.clone()) {
            return check(State::Differs, "the manifest names it twice");
        }
        let Some(sha256) = &claimed.sha256 else {
            return check(State::Unchecked, "it has no digest (standard input or a pipe)");
        };
        if self.given.is_some() {
            return self.among_given(claimed, sha256);
        }
        match self.at_place(&claimed.name) {
            Some(source) => self.at_its_place(claimed, sha256, &source),
            None => check(State::Unchecked, "no regular file is there; name its place with --sources"),
        }
    }

    /// The regular file of this name, or the file in an archive.
    fn at_place(&mut self, name: &str) -> Option<Source> {
        if name.len() > MAX_NAME_BYTES {
            return None;
        }
        if is_ordinary(Path::new(name)) {
            return Some(Source::File(PathBuf::from(name)));
        }
        for archive in name.match_indices(':').map(|(at, _)| PathBuf::from(&name[..at])) {
            if self.archive.as_ref().is_none_or(|(known, _)| *known != archive) {
                if !is_ordinary(&archive) {
                    continue;
                }
                let found = find_within(std::slice::from_ref(&archive), self.expand);
                let members = found.sources.into_iter().map(|source| (source.name(), source)).collect();
                self.archive = Some((archive, members));
            }
            if let Some(source) = self.archive.as_ref().and_then(|(_, members)| members.get(name)) {
                return Some(source.clone());
            }
        }
        None
    }

    /// Compares the source where it was. What it holds instead is not told: the user has not named it.
    fn at_its_place(&mut self, claimed: &ClaimedSource, sha256: &str, source: &Source) -> Checked {
        let size_bytes = claimed.size_bytes.unwrap_or_default();
        let shorter = length(source).is_some_and(|length| length < size_bytes);
        let (check, found) = match shorter {
            true => (self.differs(claimed, sha256, "it is shorter"), None),
            false => self.compare(claimed, sha256, source),
        };
        let told = match check.state {
            State::Same | State::Unchecked => return (check, found),
            _ if found.is_some() => return (check, found),
            State::Missing => "it cannot be read; name its place with --sources",
            State::Differs if shorter => "it is shorter; name its place with --sources",
            State::Differs => "another content; name its place with --sources to see more",
        };
        (Check { found: told.to_owned(), ..check }, None)
    }

    /// The source with this digest among those that were given; else one of the same name, to say what differs.
    fn among_given(&mut self, claimed: &ClaimedSource, sha256: &str) -> Checked {
        let own = last_part(&claimed.name);
        let given = self.given.as_ref().into_iter().flatten();
        let mut same_name: Vec<String> =
            given.map(|(name, _)| name).filter(|name| last_part(name) == own).cloned().collect();
        same_name.sort_by_key(|name| (*name != claimed.name, name.clone()));
        let mut named = None;
        for name in same_name {
            let Some(source) = self.given_source(&name) else { continue };
            let compared = self.compare(claimed, sha256, &source);
            if compared.1.is_some() {
                return compared;
            }
            named = named.or(Some(compared));
        }
        // It may have another name by now.
        let names = self.names_by_digest().get(sha256).cloned().unwrap_or_default();
        for name in names {
            let Some(source) = self.given_source(&name) else { continue };
            let compared = self.compare(claimed, sha256, &source);
            if !compared.0.fails() {
                return compared;
            }
        }
        named.unwrap_or_else(|| {
            (Check::new(What::Source, &claimed.name, State::Missing, "", "not among --sources"), None)
        })
    }

    fn given_source(&self, name: &str) -> Option<Source> {
        self.given.as_ref()?.get(name).cloned()
    }

    /// Reads all that was given, once. What cannot be read is not there.
    fn names_by_digest(&mut self) -> &BTreeMap<String, Vec<String>> {
        if self.by_sha256.is_none() {
            let given: Vec<(String, Source)> =
                self.given.iter().flatten().map(|(name, source)| (name.clone(), source.clone())).collect();
            let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (name, source) in given {
                if let Ok(found) = self.digest(&source, None) {
                    names.entry(found.sha256).or_default().push(name);
                }
            }
            self.by_sha256 = Some(names);
        }
        self.by_sha256.get_or_insert_default()
    }

    /// Compares a source with what was read: as a whole, and if it is longer now, as far as that went.
    fn compare(&mut self, claimed: &ClaimedSource, sha256: &str, source: &Source) -> Checked {
        let unread = |error: io::Error| {
            let found = error.to_string();
            (Check::new(What::Source, &claimed.name, State::Missing, &short(sha256), &found), None)
        };
        let claimed_bytes = claimed.size_bytes.unwrap_or(u64::MAX);
        // Where more lies on disk than was read, the beginning may be what was read.
        let longer = match length(source).is_some_and(|length| length > claimed_bytes) {
            true => is_plain(source, self.expand).unwrap_or(false),
            false => false,
        };
        if longer {
            let tries = self.prefixes.entry(source.name()).or_default();
            *tries += 1;
            if *tries > MAX_PREFIXES {
                return (self.differs(claimed, sha256, "it is longer, and too many entries name it"), None);
            }
        }
        let found = match self.digest(source, longer.then_some(claimed_bytes)) {
            Ok(found) => found,
            Err(error) => return unread(error),
        };
        let bytes = match longer {
            true => length(source).unwrap_or(found.bytes),
            false => found.bytes,
        };
        if found.sha256 != sha256 || found.bytes != claimed_bytes {
            let text = format!("{bytes} bytes, SHA-256 {}", short(&found.sha256));
            return (self.differs(claimed, sha256, &text), None);
        }
        if longer {
            let expected = format!("{} bytes", found.bytes);
            let text = format!("{bytes} bytes: it has grown, and what was read is unchanged");
            let check = Check::new(What::Source, &claimed.name, State::Differs, &expected, &text);
            return (check, Some((source.clone(), found)));
        }
        let check = Check::new(What::Source, &claimed.name, State::Same, "", "");
        (check, Some((source.clone(), found)))
    }

    fn differs(&self, claimed: &ClaimedSource, sha256: &str, found: &str) -> Check {
        let length = claimed.size_bytes.map_or("no length".to_owned(), |bytes| format!("{bytes} bytes"));
        let expected = format!("{length}, SHA-256 {}", short(sha256));
        Check::new(What::Source, &claimed.name, State::Differs, &expected, found)
    }

    /// The digest of a source, or of the beginning of a plain file; each is read once.
    fn digest(&mut self, source: &Source, limit_bytes: Option<u64>) -> io::Result<Digest> {
        let key = (source.name(), limit_bytes);
        if let Some(known) = self.digests.get(&key) {
            return Ok(known.clone());
        }
        let found = digest(source, self.expand, limit_bytes, &AtomicBool::new(false))?;
        self.digests.insert(key, found.clone());
        Ok(found)
    }
}

/// Length on disk.
fn length(source: &Source) -> Option<u64> {
    match source {
        Source::File(path) => fs::metadata(path).ok().map(|metadata| metadata.len()),
        Source::Member(_) | Source::Stdin => None,
    }
}

fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Whether this is a regular file, and none that the system makes up.
fn is_ordinary(path: &Path) -> bool {
    path.canonicalize()
        .is_ok_and(|real| real.is_file() && !SYSTEM.iter().any(|system| real.starts_with(system)))
}
