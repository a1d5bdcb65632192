//! Zip archives: the directory at their end, without one the members' own headers. Members are stored or compressed with deflate or zstd; others are refused by
//! name. A directory may lie, so what it says is checked against the size of the file before anything is unpacked.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::zip::CompressionMethod;
use ::zip::result::ZipError;

use super::{Listing, Member, Place, salvage, tidy};
use crate::input::unpack::Expand;

/// Bytes of a directory that are read: about a hundred thousand files. The memory that it takes is a few times that.
const MAX_DIRECTORY_BYTES: u64 = 8 << 20;

/// A file that every Office document holds.
pub(super) const OFFICE: &str = "[Content_Types].xml";

/// How a member is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Not at all.
    Stored,
    /// Deflate, nearly always.
    Deflate,
    /// Zstandard.
    Zstd,
}

impl Method {
    fn of(method: CompressionMethod) -> Result<Method, &'static str> {
        Err(match method {
            CompressionMethod::STORE => return Ok(Method::Stored),
            CompressionMethod::DEFLATE => return Ok(Method::Deflate),
            CompressionMethod::ZSTD => return Ok(Method::Zstd),
            CompressionMethod::DEFLATE64 => "deflate64",
            CompressionMethod::BZIP2 => "bzip2",
            CompressionMethod::LZMA => "lzma",
            CompressionMethod::XZ => "xz",
            _ => "a method of old",
        })
    }

    /// A reader of what comes out.
    pub(super) fn unpack<R: Read + Send + 'static>(self, packed: R) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Method::Stored => Box::new(packed),
            Method::Deflate => Box::new(flate2::read::DeflateDecoder::new(packed)),
            Method::Zstd => Box::new(::zstd::stream::read::Decoder::new(packed)?),
        })
    }
}

/// Lists what an archive holds.
pub fn list(path: &Path, expand: Expand) -> Listing {
    let mut listing = Listing::default();
    let Err(error) = read(path, expand, &mut listing) else { return listing };
    listing.broken = Some(format!("the directory of this zip archive cannot be read: {error}"));
    listing.members.clear();
    if is_missing(&error)
        && let Err(error) = salvage::list(path, expand, &mut listing)
    {
        listing.broken =
            Some(format!("this zip archive has no directory, and cannot be read without: {error}"));
        listing.members.clear();
    }
    listing
}

/// Whether an archive has no directory, as one that was cut off; else it has one that is not to be followed.
fn is_missing(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ZipError>());
    matches!(inner, Some(ZipError::InvalidArchive(_)))
}

fn read(path: &Path, expand: Expand, listing: &mut Listing) -> io::Result<()> {
    let file = File::open(path)?;
    let size_bytes = file.metadata()?.len();
    let left = Arc::new(AtomicU64::new(MAX_DIRECTORY_BYTES));
    let bounded = Bounded { inner: BufReader::new(file), left: Arc::clone(&left) };
    let mut archive = ::zip::ZipArchive::new(bounded).map_err(io::Error::other)?;
    let (mut declared, mut office) = (0u64, false);
    for index in 0..archive.len() {
        // Every member has a short header of its own.
        left.store(MAX_DIRECTORY_BYTES, Ordering::Relaxed);
        let member = match archive.by_index_raw(index) {
            Ok(member) => member,
            Err(error) => {
                listing.refused.push((format!("member {}", index + 1), error.to_string()));
                continue;
            }
        };
        let name = tidy(&member.name().map_err(io::Error::other)?);
        office |= name == OFFICE;
        if member.is_dir() {
            continue;
        }
        // The upper half of the attributes holds the kind of file where Unix made the archive.
        if member.unix_mode().is_some_and(|mode| !matches!(mode & 0o170_000, 0 | 0o100_000)) {
            listing.special += 1;
            continue;
        }
        if !listing.wants(&name) {
            continue;
        }
        if member.encrypted() {
            listing.refused.push((name, "encrypted: unpack it first, with its password".to_owned()));
            continue;
        }
        let method = match Method::of(member.compression()) {
            Ok(method) => method,
            Err(method) => {
                listing.refused.push((name, format!("compressed with {method}: unpack it first")));
                continue;
            }
        };
        let Some(at) = member.data_start() else {
            listing.refused.push((name, "its header cannot be read".to_owned()));
            continue;
        };
        let (packed_bytes, bytes) = (member.compressed_size(), member.size());
        declared = declared.saturating_add(bytes);
        let crc32 = Some(member.crc32()).filter(|crc32| *crc32 != 0);
        let place = Place::Zip { at, packed_bytes, bytes, method, crc32 };
        listing.members.push(Member { archive: path.to_owned(), path: name, place });
    }
    if office {
        return Err(io::Error::other("an Office document (xlsx, docx), not logs: save it as CSV"));
    }
    // Members that share their bytes, or that lie about their size, make much out of little.
    if let Some(why) = expand.refuses(size_bytes, declared) {
        return Err(io::Error::other(why));
    }
    Ok(())
}

/// Reads no more than so many bytes in all: a directory of a billion files must not fill the memory.
struct Bounded<R> {
    inner: R,
    left: Arc<AtomicU64>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        let left = self.left.load(Ordering::Relaxed).checked_sub(count as u64).ok_or_else(|| {
            io::Error::other(format!(
                "it is longer than {} MiB: unpack the archive first",
                MAX_DIRECTORY_BYTES >> 20
            ))
        })?;
        self.left.store(left, Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
