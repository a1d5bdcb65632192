//! Sources: from what the user named to open byte streams. Folders are walked, patterns expanded, archives opened. What cannot be read is an error that names it and the cure; the run goes on without it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

use super::ahead::Ahead;
use super::archive::{self, Member, tar};
use super::unpack::{self, Expand};

/// One input that can be opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A file in an archive.
    Member(Member),
    /// Standard input.
    Stdin,
}

impl Source {
    /// The name in reports: the path as given, `-` for standard input.
    pub fn name(&self) -> String {
        match self {
            Source::File(path) => path.to_string_lossy().replace('\\', "/"),
            Source::Member(member) => member.name(),
            Source::Stdin => "-".to_owned(),
        }
    }
}

/// Why an input cannot be read.
#[derive(Debug, Error)]
pub enum SourceError {
    /// No such file, or one that may not be read.
    #[error("{name}: {source}{hint}")]
    Open {
        /// What the user named.
        name: String,
        /// What the system said.
        source: io::Error,
        /// What to do, beginning with a separator; may be empty.
        hint: String,
    },
    /// Reading broke off.
    #[error("{name}: read up to byte {at_bytes}, then: {source}")]
    Read {
        /// What the user named.
        name: String,
        /// How far it was read.
        at_bytes: u64,
        /// What the system or the decompressor said.
        source: io::Error,
    },
    /// A pattern or folder that holds nothing to read.
    #[error("{name}: {reason}")]
    Nothing {
        /// What the user named.
        name: String,
        /// Why.
        reason: String,
    },
}

impl SourceError {
    /// For a source that cannot be opened, with the cure where there is one.
    pub fn open(name: String, source: io::Error) -> SourceError {
        let hint = match source.kind() {
            io::ErrorKind::PermissionDenied => " (may this user read it?)",
            io::ErrorKind::NotFound => " (check the path; `-` reads standard input)",
            _ => "",
        };
        SourceError::Open { name, source, hint: hint.to_owned() }
    }
}

/// Sources found, and what was passed over on the way.
#[derive(Debug, Default)]
pub struct Found {
    /// Sorted by name; a file that was named in several ways stands once.
    pub sources: Vec<Source>,
    /// What could not be read.
    pub errors: Vec<SourceError>,
    /// Hidden files in walked folders.
    pub hidden: u64,
    /// Links, pipes and sockets in walked folders: a link may lead out of what the user named.
    pub special: u64,
    /// What was passed over in archives, in words.
    pub in_archives: Vec<String>,
    /// How far compressed sources are unpacked.
    pub expand: Expand,
}

impl Found {
    /// What was passed over on the way, in words.
    pub fn remarks(&self) -> Vec<String> {
        let counted = |count: u64, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one} was passed over")),
            _ => Some(format!("{count} {many} were passed over")),
        };
        let hidden = counted(self.hidden, "hidden file", "hidden files");
        let special =
            counted(self.special, "link, pipe or socket in a folder", "links, pipes or sockets in folders");
        hidden.into_iter().chain(special).chain(self.in_archives.iter().cloned()).collect()
    }
}

/// Resolves paths, folders and patterns. No argument means standard input.
pub fn find(arguments: &[PathBuf]) -> Found {
    find_within(arguments, Expand::default())
}

/// As [`find`]; compressed sources are unpacked so far.
pub fn find_within(arguments: &[PathBuf], expand: Expand) -> Found {
    let mut found = Found { expand, ..Found::default() };
    if arguments.is_empty() {
        found.sources.push(Source::Stdin);
    }
    for argument in arguments {
        if argument.as_os_str() == "-" {
            found.sources.push(Source::Stdin);
            continue;
        }
        match std::fs::metadata(argument) {
            Ok(metadata) if metadata.is_dir() => walk(argument, &mut found),
            Ok(_) => found.sources.push(Source::File(argument.clone())),
            Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
                found.errors.push(SourceError::open(argument.to_string_lossy().into_owned(), source))
            }
            Err(source) => match_pattern(argument, source, &mut found),
        }
    }
    found.sources.sort();
    let mut seen = HashSet::new();
    found.sources.retain(|source| match source {
        // What has no path of its own (a pipe behind `/dev/fd`) is known by the name that was given.
        Source::File(path) => seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())),
        Source::Stdin => seen.insert(PathBuf::from("-")),
        Source::Member(_) => true,
    });
    open_archives(&mut found);
    found
}

/// Puts the files of an archive in its place.
fn open_archives(found: &mut Found) {
    let mut hold_bytes = tar::HOLD_BYTES;
    for source in std::mem::take(&mut found.sources) {
        // Only what is a file can be looked at without being used up.
        let listing = match &source {
            Source::File(path) if std::fs::metadata(path).is_ok_and(|m| m.is_file()) => {
                archive::list(path, found.expand, &mut hold_bytes)
            }
            _ => None,
        };
        let Some(listing) = listing else {
            found.sources.push(source);
            continue;
        };
        let name = source.name();
        let nothing = listing.members.is_empty() && listing.refused.is_empty() && listing.broken.is_none();
        found.hidden += listing.hidden;
        found.special += listing.special;
        let mut passed = |count: u64, what: &str| {
            if count > 0 {
                found.in_archives.push(format!("{name}: {count} {what}"));
            }
        };
        passed(listing.beyond, "files beyond the first 10000 in it were passed over: unpack it first");
        passed(listing.replaced, "files in it are replaced by later ones of the same path");
        let mut refuse = |name: String, reason: String| {
            found.in_archives.push(format!("{name}: {reason}"));
            found.errors.push(SourceError::Nothing { name, reason });
        };
        for (member, reason) in listing.refused {
            refuse(format!("{name}:{member}"), reason);
        }
        if let Some(reason) = listing.broken {
            refuse(name.clone(), reason);
        }
        if nothing {
            refuse(
                name,
                "the archive holds no file to read (hidden files and links are passed over)".to_owned(),
            );
        }
        found.sources.extend(listing.members.into_iter().map(Source::Member));
    }
    found.sources.sort();
}

fn walk(folder: &Path, found: &mut Found) {
    let before = found.sources.len();
    let walker = ignore::WalkBuilder::new(folder)
        .standard_filters(false)
        .follow_links(false)
        .sort_by_file_path(|a, b| a.cmp(b))
        .build();
    for entry in walker {
        match entry {
            Ok(entry) => {
                let hidden = entry.path().strip_prefix(folder).is_ok_and(|inner| {
                    inner.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'))
                });
                if entry.file_type().is_none_or(|kind| kind.is_dir()) {
                    continue;
                }
                if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                    found.special += 1;
                } else if hidden {
                    found.hidden += 1;
                } else {
                    found.sources.push(Source::File(entry.into_path()));
                }
            }
            Err(error) => found.errors.push(SourceError::Nothing {
                name: folder.to_string_lossy().into_owned(),
                reason: error.to_string(),
            }),
        }
    }
    if found.sources.len() == before {
        found.errors.push(SourceError::Nothing {
            name: folder.to_string_lossy().into_owned(),
            reason: "the folder holds no file to read (hidden files and links are passed over)".to_owned(),
        });
    }
}

/// A path that does not exist may be a pattern that the shell left alone.
fn match_pattern(argument: &Path, source: io::Error, found: &mut Found) {
    let name = argument.to_string_lossy().into_owned();
    let is_pattern = name.contains(['*', '?', '[']);
    let mut any = false;
    if is_pattern && let Ok(paths) = glob::glob(&name) {
        for path in paths.flatten().filter(|path| path.is_file()) {
            any = true;
            found.sources.push(Source::File(path));
        }
    }
    if !any {
        found.errors.push(match is_pattern {
            true => SourceError::Nothing { name, reason: "the pattern matches no file".to_owned() },
            false => SourceError::open(name, source),
        });
    }
}

/// An open source that hands out decompressed bytes.
pub struct Stream {
    reader: Box<dyn Read + Send>,
    name: String,
    read_bytes: u64,
    peeked: Vec<u8>,
    /// What went wrong while peeking; it is said when the source is read.
    broken: Option<SourceError>,
    /// Set where a thread reads ahead: whether it was waited for of late.
    waited_for: Option<Arc<AtomicBool>>,
    /// Size of the file on disk, where it is known and not compressed; for progress only.
    pub size_bytes: Option<u64>,
}

impl Stream {
    /// Opens a source and looks at its first bytes for compression.
    pub fn open(source: &Source, expand: Expand) -> Result<Stream, SourceError> {
        let name = source.name();
        let failed = |source: io::Error| SourceError::open(name.clone(), source);
        let (raw, size_bytes): (Box<dyn Read + Send>, _) = match source {
            Source::Stdin => (Box::new(io::stdin()), None),
            Source::File(path) => {
                let file = File::open(path).map_err(failed)?;
                let size_bytes = file.metadata().ok().filter(|m| m.is_file()).map(|m| m.len());
                (Box::new(file), size_bytes)
            }
            Source::Member(member) => {
                let size_bytes = Some(member.size_bytes());
                (member.open(expand).map_err(failed)?, size_bytes)
            }
        };
        Stream::within(raw, &name, size_bytes, expand).map_err(failed)
    }

    /// Wraps any reader, as for a source called `name`.
    pub fn from_reader(raw: Box<dyn Read + Send>, name: &str, size_bytes: Option<u64>) -> io::Result<Stream> {
        Stream::within(raw, name, size_bytes, Expand::default())
    }

    /// As [`Stream::from_reader`]; unpacks so far.
    pub fn within(
        raw: Box<dyn Read + Send>,
        name: &str,
        size_bytes: Option<u64>,
        expand: Expand,
    ) -> io::Result<Stream> {
        let (reader, size_bytes) = unpack::unpacked(raw, size_bytes, expand)?;
        Ok(Stream {
            reader,
            name: name.to_owned(),
            read_bytes: 0,
            size_bytes,
            peeked: Vec::new(),
            broken: None,
            waited_for: None,
        })
    }

    /// Reads, and unpacks, in a thread of its own from now on. For a source that does not keep anybody waiting.
    pub fn read_ahead(&mut self) {
        let reader = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        let ahead = Ahead::new(move || Ok(reader));
        self.waited_for = Some(ahead.waited_for());
        self.reader = Box::new(ahead);
    }

    /// Whether a thread reads ahead and its bytes had to be waited for, when some were taken last.
    pub fn was_waited_for(&self) -> bool {
        self.waited_for.as_ref().is_some_and(|waited| waited.load(Ordering::Relaxed))
    }

    /// The first bytes, up to `limit`; they are still there for [`Stream::read`]. Of a pipe that is still
    /// written to, whole lines that are there already will do. True if the source ends with them.
    pub fn peek(&mut self, limit: usize) -> (&[u8], bool) {
        let mut ended = false;
        let mut bytes = std::mem::take(&mut self.peeked);
        let read_bytes = self.read_bytes;
        while bytes.len() < limit && !ended {
            let start = bytes.len();
            bytes.resize(limit, 0);
            let read = self.read(&mut bytes[start..]);
            bytes.truncate(start + read.as_ref().map_or(0, |count| count.unwrap_or(0)));
            match read {
                Ok(Some(count)) => ended = count == 0,
                Ok(None) if bytes.contains(&b'\n') => break,
                Ok(None) => {}
                Err(error) => {
                    self.broken = Some(error);
                    ended = true;
                }
            }
        }
        self.read_bytes = read_bytes;
        self.peeked = bytes;
        (&self.peeked[..self.peeked.len().min(limit)], ended)
    }

    /// Reads once, into the beginning of `out`: how many bytes, 0 at the end; none when nothing is there yet (see
    /// [`crate::engine::stdin::LiveReader`]).
    pub fn read(&mut self, out: &mut [u8]) -> Result<Option<usize>, SourceError> {
        if !self.peeked.is_empty() {
            let count = self.peeked.len().min(out.len());
            out[..count].copy_from_slice(&self.peeked[..count]);
            self.peeked.drain(..count);
            self.read_bytes += count as u64;
            return Ok(Some(count));
        }
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        loop {
            match self.reader.read(out) {
                Ok(count) => {
                    self.read_bytes += count as u64;
                    return Ok(Some(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    let (name, at_bytes) = (self.name.clone(), self.read_bytes);
                    return Err(SourceError::Read { name, at_bytes, source });
                }
            }
        }
    }
}

/// An archive that is not a file of its own: it cannot be opened like a folder.
const ARCHIVE: &str = "an archive from a pipe or inside another archive: name its file, or unpack it first";

/// What the first bytes of a source are, if they are no text.
pub fn binary_kind(head: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 11] = [
        (b"PAR1", "a Parquet file: export as JSON or CSV instead"),
        (b"\xff\xfe\0\0", "UTF-32 text: convert it first (iconv -f UTF-32 -t UTF-8)"),
        (b"PK\x03\x04", ARCHIVE),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
        (b"Rar!\x1a\x07", "a RAR archive: unpack it first"),
        (b"\xfd7zXZ\0", "compressed with xz: unpack it first"),
        (b"\x7fELF", "a program, not a log"),
        (b"\x89PNG", "an image, not a log"),
        (b"%PDF", "a PDF, not a log"),
        (b"SQLite format 3", "a database file, not a log"),
        (b"BZh", "bzip2-compressed: unpack it first"),
    ];
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(what);
    }
    if tar::is_tar(head) {
        return Some(ARCHIVE);
    }
    let nul = |parity: usize| head.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    if head.len() >= 8 && nul(0).abs_diff(nul(1)) * 5 > head.len() * 2 {
        return Some("UTF-16 text without its mark: convert it first (iconv -f UTF-16 -t UTF-8)");
    }
    let odd = head.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31)).count();
    (odd * 20 > head.len()).then_some("binary data, not a log")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read_all(bytes: &[u8]) -> Vec<u8> {
        let mut stream =
            Stream::from_reader(Box::new(io::Cursor::new(bytes.to_vec())), "t", None).expect("opens");
        let (mut out, mut piece) = (Vec::new(), [0; 7]);
        while let Some(count) = stream.read(&mut piece).expect("reads").filter(|count| *count > 0) {
            out.extend_from_slice(&piece[..count]);
        }
        out
    }

    #[test]
    fn peeking_takes_nothing_away() {
        let mut stream = Stream::from_reader(Box::new(&b"first\nsecond\n"[..]), "t", None).expect("opens");
        assert_eq!(stream.peek(5), (&b"first"[..], false));
        assert_eq!(stream.peek(100), (&b"first\nsecond\n"[..], true));
        let mut out = Vec::new();
        let mut piece = [0; 7];
        while let Some(count) = stream.read(&mut piece).expect("reads").filter(|count| *count > 0) {
            out.extend_from_slice(&piece[..count]);
        }
        assert_eq!(out, b"first\nsecond\n");
        assert_eq!(stream.read_bytes, 13);
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("writes");
        encoder.finish().expect("finishes")
    }

    #[test]
    fn compression_is_recognised_by_content() {
        let two_members = [gzip(b"one\n"), gzip(b"two\n")].concat();
        assert_eq!(read_all(&two_members), b"one\ntwo\n");
        assert_eq!(read_all(&gzip(&gzip(b"inner"))), b"inner");
        assert_eq!(read_all(&zstd::stream::encode_all(&b"frame"[..], 1).expect("encodes")), b"frame");
        assert_eq!(read_all(b"plain"), b"plain");
        assert_eq!(read_all(b"\x1f"), b"\x1f");
        assert_eq!(read_all(b""), b"");
    }

    #[test]
    fn tells_binary_from_text() {
        assert_eq!(binary_kind("héllo\tworld\x1b[31m\n".as_bytes()), None);
        assert_eq!(binary_kind(b"one \0 NUL in a long enough line of a log is still a log line"), None);
        assert!(binary_kind(&[0, 1, 2, 3, 0, 0, 0, 9, 65, 66]).is_some());
        assert!(binary_kind(b"PAR1....").is_some());
        assert_eq!(binary_kind(b""), None);
    }
}
