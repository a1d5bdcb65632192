//! Archives: zip and tar, the latter also compressed. An archive is opened like a folder: every file in it is a source of
//! its own, named `archive.zip:path/in/it.log`. That path is a name and nothing else; no file is ever written or opened
//! by it. Not here: compression of single files (`unpack.rs`); archives inside archives, which are refused.

pub mod salvage;
pub mod tar;
pub mod zip;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Crc;

use super::unpack::{self, Expand};

/// Files of one archive that are read; more are counted.
pub const MAX_MEMBERS: usize = 10_000;
/// Longest path in an archive that is kept, in bytes.
const MAX_PATH_BYTES: usize = 1024;

/// One file in an archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The archive.
    pub archive: PathBuf,
    /// Path in it.
    pub path: String,
    /// Where its bytes are.
    pub place: Place,
}

/// Where the bytes of a member are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a zip file.
    Zip {
        /// Offset of its compressed bytes.
        at: u64,
        /// How many these are.
        packed_bytes: u64,
        /// How many it has unpacked, as the directory says.
        bytes: u64,
        /// How it is compressed.
        method: zip::Method,
        /// The checksum of what comes out, where it is known.
        crc32: Option<u32>,
    },
    /// In a tar file that is not compressed.
    Tar {
        /// Offset.
        at: u64,
        /// Length.
        bytes: u64,
    },
    /// Held in memory, compressed with zstd: out of a compressed tar, which cannot be read from the middle.
    Held(Arc<[u8]>, u64),
    /// In a compressed tar, which is unpacked once more up to it.
    Behind {
        /// Offset in the unpacked tar.
        at: u64,
        /// Length.
        bytes: u64,
    },
}

impl Member {
    /// The name in reports.
    pub fn name(&self) -> String {
        format!("{}:{}", self.archive.to_string_lossy().replace('\\', "/"), self.path)
    }

    /// Bytes that it takes in the archive, or has where that is not known.
    pub fn size_bytes(&self) -> u64 {
        match &self.place {
            Place::Zip { packed_bytes, .. } => *packed_bytes,
            Place::Tar { bytes, .. } | Place::Behind { bytes, .. } | Place::Held(_, bytes) => *bytes,
        }
    }

    /// Opens it. Its bytes are not yet unpacked where the member is itself a compressed file.
    pub fn open(&self, expand: Expand) -> io::Result<Box<dyn Read + Send>> {
        let from = |at: u64| -> io::Result<File> {
            let mut file = File::open(&self.archive)?;
            file.seek(SeekFrom::Start(at))?;
            Ok(file)
        };
        Ok(match &self.place {
            Place::Zip { at, packed_bytes, bytes, method, crc32 } => {
                let packed = Exact::new(from(*at)?, *packed_bytes);
                let unpacked = Exact::new(method.unpack(packed)?, *bytes);
                match crc32 {
                    Some(crc32) => Box::new(Checked { inner: unpacked, crc: Crc::new(), wanted: *crc32 }),
                    None => Box::new(unpacked),
                }
            }
            Place::Tar { at, bytes } => Box::new(Exact::new(from(*at)?, *bytes)),
            Place::Held(packed, bytes) => {
                let packed = io::Cursor::new(Arc::clone(packed));
                Box::new(Exact::new(::zstd::stream::read::Decoder::new(packed)?, *bytes))
            }
            Place::Behind { at, bytes } => {
                let (mut whole, _) = unpack::unpacked(Box::new(File::open(&self.archive)?), None, expand)?;
                io::copy(&mut (&mut whole).take(*at), &mut io::sink())?;
                Box::new(Exact::new(whole, *bytes))
            }
        })
    }
}

/// Reads so many bytes; it is an error if there are fewer.
struct Exact<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Exact<R> {
    fn new(inner: R, left: u64) -> Exact<R> {
        Exact { inner, left }
    }
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(out.len(), |left| left.min(out.len()));
        if most == 0 {
            return Ok(0);
        }
        let count = self.inner.read(&mut out[..most])?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends inside this file"));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// Ends with an error where the checksum of what was read is not the one that was said.
struct Checked<R> {
    inner: R,
    crc: Crc,
    wanted: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        if count == 0 && !out.is_empty() && self.crc.sum() != self.wanted {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the checksum of this file in the archive does not match",
            ));
        }
        self.crc.update(&out[..count]);
        Ok(count)
    }
}

/// What an archive holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// The files in it, in its order.
    pub members: Vec<Member>,
    /// Members that cannot be read, and why.
    pub refused: Vec<(String, String)>,
    /// Files that begin with a dot, or lie in such a folder.
    pub hidden: u64,
    /// Links, devices and the like.
    pub special: u64,
    /// Files that a later one of the same path replaces.
    pub replaced: u64,
    /// Files beyond [`MAX_MEMBERS`].
    pub beyond: u64,
    /// Why the listing ends early.
    pub broken: Option<String>,
}

impl Listing {
    /// Whether a file of this path is to be read; if not, it is counted.
    fn wants(&mut self, path: &str) -> bool {
        if path.split('/').any(|part| part.starts_with('.') && part != "." && part != "..") {
            self.hidden += 1;
            return false;
        }
        if self.members.len() >= MAX_MEMBERS {
            self.beyond += 1;
            return false;
        }
        true
    }
}

/// A path as a name: one kind of slash, not endless.
fn tidy(path: &str) -> String {
    let path = path.replace('\\', "/");
    match path.char_indices().find(|(at, _)| *at >= MAX_PATH_BYTES) {
        Some((at, _)) => path[..at].to_owned(),
        None => path,
    }
}

/// Lists the archive that a file is, told by its first bytes; none if it is no archive. `hold_bytes`: memory that is left
/// for members of compressed tars.
pub fn list(path: &Path, expand: Expand, hold_bytes: &mut usize) -> Option<Listing> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(tar::BLOCK_BYTES as u64).read_to_end(&mut head).ok()?;
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Some(zip::list(path, expand));
    }
    if tar::is_tar(&head) {
        return Some(tar::list(path));
    }
    if !(head.starts_with(b"\x1f\x8b") || head.starts_with(b"\x28\xb5\x2f\xfd")) {
        return None;
    }
    let (whole, _) = unpack::unpacked(Box::new(File::open(path).ok()?), None, expand).ok()?;
    let mut unpacked = Vec::new();
    // What is cut off within its first bytes is read as a file, and said to be cut off there.
    let _ = whole.take(tar::BLOCK_BYTES as u64).read_to_end(&mut unpacked);
    tar::is_tar(&unpacked).then(|| tar::list_compressed(path, expand, hold_bytes))
}

#[cfg(test)]
mod tests;
