//! Sources: from what the user named to open byte streams. Folders are walked, patterns expanded, compression
//! recognised by content. What cannot be read is an error that names it and the cure; the run goes on without it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// One input that can be opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Source {
    /// The name in reports: the path as given, `-` for standard input.
    pub fn name(&self) -> String {
        match self {
            Source::File(path) => path.to_string_lossy().replace('\\', "/"),
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
        hidden.into_iter().chain(special).collect()
    }
}

/// Resolves paths, folders and patterns. No argument means standard input.
pub fn find(arguments: &[PathBuf]) -> Found {
    let mut found = Found::default();
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
            Err(source) => expand(argument, source, &mut found),
        }
    }
    found.sources.sort();
    let mut seen = HashSet::new();
    found.sources.retain(|source| match source {
        // What has no path of its own (a pipe behind `/dev/fd`) is known by the name that was given.
        Source::File(path) => seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())),
        Source::Stdin => seen.insert(PathBuf::from("-")),
    });
    found
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
fn expand(argument: &Path, source: io::Error, found: &mut Found) {
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
    /// Size of the file on disk, where it is known and not compressed; for progress only.
    pub size_bytes: Option<u64>,
}

impl Stream {
    /// Opens a source and looks at its first bytes for compression.
    pub fn open(source: &Source) -> Result<Stream, SourceError> {
        let name = source.name();
        let failed = |source: io::Error| SourceError::open(name.clone(), source);
        let (raw, size_bytes): (Box<dyn Read + Send>, _) = match source {
            Source::Stdin => (Box::new(io::stdin()), None),
            Source::File(path) => {
                let file = File::open(path).map_err(failed)?;
                let size_bytes = file.metadata().ok().filter(|m| m.is_file()).map(|m| m.len());
                (Box::new(file), size_bytes)
            }
        };
        Stream::from_reader(raw, &name, size_bytes).map_err(failed)
    }

    /// Wraps any reader, as for a source called `name`.
    pub fn from_reader(raw: Box<dyn Read + Send>, name: &str, size_bytes: Option<u64>) -> io::Result<Stream> {
        let (reader, size_bytes) = decompressed(raw, size_bytes, 0)?;
        Ok(Stream {
            reader,
            name: name.to_owned(),
            read_bytes: 0,
            size_bytes,
            peeked: Vec::new(),
            broken: None,
        })
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

/// Compression layers that are opened; `gzip` in `gzip` is what Firehose makes.
const MAX_LAYERS: u32 = 3;

/// Decompresses by content: gzip (members back to back) and zstd.
fn decompressed(
    raw: Box<dyn Read + Send>,
    size_bytes: Option<u64>,
    layer: u32,
) -> io::Result<(Box<dyn Read + Send>, Option<u64>)> {
    let mut reader = BufReader::with_capacity(64 * 1024, raw);
    let mut head = Vec::new();
    // A pipe may hand out its first bytes one at a time.
    while head.len() < 4 {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            break;
        }
        let take = available.len().min(4 - head.len());
        head.extend_from_slice(&available[..take]);
        reader.consume(take);
        if !b"\x1f\x8b".starts_with(&head[..head.len().min(2)])
            && !b"\x28\xb5\x2f\xfd".starts_with(&head[..head.len().min(4)])
        {
            break;
        }
    }
    let gzip = head.starts_with(b"\x1f\x8b");
    let zstd = head.starts_with(b"\x28\xb5\x2f\xfd");
    let whole = io::Cursor::new(head).chain(reader);
    if layer >= MAX_LAYERS {
        return Ok((Box::new(whole), size_bytes));
    }
    if gzip {
        return decompressed(Box::new(flate2::read::MultiGzDecoder::new(whole)), None, layer + 1);
    }
    if zstd {
        return decompressed(Box::new(zstd::stream::read::Decoder::new(whole)?), None, layer + 1);
    }
    Ok((Box::new(whole), size_bytes))
}

/// What the first bytes of a source are, if they are no text.
pub fn binary_kind(head: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 9] = [
        (b"PAR1", "a Parquet file: export as JSON or CSV instead"),
        (b"\xff\xfe", "UTF-16 text: convert it first (iconv -f UTF-16 -t UTF-8)"),
        (b"\xfe\xff", "UTF-16 text: convert it first (iconv -f UTF-16 -t UTF-8)"),
        (b"PK\x03\x04", "a zip archive: unpack it first"),
        (b"\x7fELF", "a program, not a log"),
        (b"\x89PNG", "an image, not a log"),
        (b"%PDF", "a PDF, not a log"),
        (b"SQLite format 3", "a database file, not a log"),
        (b"BZh", "bzip2-compressed: unpack it first"),
    ];
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(what);
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
