//! A zip archive without its directory, which stands at the end and is the first to go where a download breaks off. Every
//! member has a header of its own before its bytes; they are followed one by one as far as they reach. What they say is
//! trusted no more than a directory.
//! <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT> (section 4.3)

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::zip::{Method, OFFICE};
use super::{Listing, MAX_MEMBERS, Member, Place, tidy};
use crate::input::unpack::Expand;

/// What a member's header begins with.
const HEADER: [u8; 4] = *b"PK\x03\x04";
/// Bytes of it before the name.
const HEADER_BYTES: u64 = 30;
/// The header has no sizes: they stand behind the bytes.
const SIZES_FOLLOW: u16 = 1 << 3;
const ENCRYPTED: u16 = 1;
/// A size that stands among the extra fields, where it has 64 bits.
const ELSEWHERE: u64 = 0xffff_ffff;
/// What may stand behind a member's bytes: checksum and sizes of 32 or 64 bits, with a signature or without.
const TRAILER_BYTES: [u64; 5] = [0, 12, 16, 20, 24];

/// A member's header.
struct Header {
    flags: u16,
    method: u16,
    crc32: u32,
    packed_bytes: u64,
    bytes: u64,
    name: String,
    /// Where its bytes begin.
    data_at: u64,
}

/// Adds what the headers tell of to `listing`.
pub fn list(path: &Path, expand: Expand, listing: &mut Listing) -> io::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let end = file.get_ref().metadata()?.len();
    let (mut at, mut declared) = (0, 0u64);
    // As many headers as members are bearable, and folders, which are none.
    for _ in 0..MAX_MEMBERS * 2 {
        let Some(header) = read_header(&mut file, at)? else { break };
        if header.name == OFFICE {
            return Err(io::Error::other("an Office document (xlsx, docx), not logs: save it as CSV"));
        }
        let left = end.saturating_sub(header.data_at);
        let known = header.flags & SIZES_FOLLOW == 0 || header.packed_bytes > 0;
        let (packed_bytes, bytes) = match known {
            true => (header.packed_bytes, header.bytes),
            false => measure(path, &header, left, expand)?,
        };
        let is_whole = packed_bytes <= left;
        let (packed_bytes, bytes) = if is_whole { (packed_bytes, bytes) } else { (left, u64::MAX) };
        declared = declared.saturating_add(if is_whole { bytes } else { 0 });
        if let Some(why) = expand.refuses(end, declared) {
            return Err(io::Error::other(why));
        }
        add(path, &header, (packed_bytes, bytes), listing);
        if !is_whole {
            break;
        }
        let next = header.data_at.saturating_add(packed_bytes);
        let Some(behind) = behind(&mut file, next)? else { break };
        at = behind;
    }
    Ok(())
}

fn add(path: &Path, header: &Header, (packed_bytes, bytes): (u64, u64), listing: &mut Listing) {
    let name = tidy(&header.name);
    if name.ends_with('/') || !listing.wants(&name) {
        return;
    }
    if header.flags & ENCRYPTED != 0 {
        listing.refused.push((name, "encrypted: unpack it first, with its password".to_owned()));
        return;
    }
    match method(header) {
        Some(method) => {
            let crc32 = Some(header.crc32).filter(|crc32| *crc32 != 0 && bytes != u64::MAX);
            let place = Place::Zip { at: header.data_at, packed_bytes, bytes, method, crc32 };
            listing.members.push(Member { archive: path.to_owned(), path: name, place });
        }
        None => listing.refused.push((name, "compressed with another method: unpack it first".to_owned())),
    }
}

fn method(header: &Header) -> Option<Method> {
    match header.method {
        0 => Some(Method::Stored),
        8 => Some(Method::Deflate),
        93 => Some(Method::Zstd),
        _ => None,
    }
}

/// The header at an offset, if one stands there whole.
fn read_header(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<Header>> {
    file.seek(SeekFrom::Start(at))?;
    let Some(fixed) = read_some(file, HEADER_BYTES)? else { return Ok(None) };
    if fixed[..4] != HEADER {
        return Ok(None);
    }
    let short = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
    let long = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    let (name_bytes, extra_bytes) = (u64::from(short(26)), u64::from(short(28)));
    let Some(name) = read_some(file, name_bytes)? else { return Ok(None) };
    let Some(extra) = read_some(file, extra_bytes)? else { return Ok(None) };
    let (mut packed_bytes, mut bytes) = (u64::from(long(18)), u64::from(long(22)));
    if packed_bytes == ELSEWHERE || bytes == ELSEWHERE {
        (bytes, packed_bytes) = wide_sizes(&extra).unwrap_or((bytes, packed_bytes));
    }
    Ok(Some(Header {
        flags: short(6),
        method: short(8),
        crc32: long(14),
        packed_bytes,
        bytes,
        name: String::from_utf8_lossy(&name).into_owned(),
        data_at: at + HEADER_BYTES + name_bytes + extra_bytes,
    }))
}

/// So many bytes, or none if there are fewer.
fn read_some(file: &mut impl Read, count: u64) -> io::Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    file.take(count).read_to_end(&mut out)?;
    Ok((out.len() as u64 == count).then_some(out))
}

/// Unpacked and packed size among the extra fields of an archive for large files.
fn wide_sizes(mut extra: &[u8]) -> Option<(u64, u64)> {
    loop {
        let (head, rest) = extra.split_at_checked(4)?;
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let (field, after) = rest.split_at_checked(length)?;
        if head[..2] == [1, 0] {
            let number = |at: usize| Some(u64::from_le_bytes(field.get(at..at + 8)?.try_into().ok()?));
            return Some((number(0)?, number(8)?));
        }
        extra = after;
    }
}

/// Packed and unpacked size of a member whose header has none: by unpacking it. Only deflate tells where it ends.
fn measure(path: &Path, header: &Header, left: u64, expand: Expand) -> io::Result<(u64, u64)> {
    if header.method != 8 {
        return Ok((u64::MAX, u64::MAX));
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(header.data_at))?;
    let mut unpacked = flate2::bufread::DeflateDecoder::new(BufReader::new(file.take(left)));
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match unpacked.read(&mut buffer) {
            Ok(0) => return Ok((unpacked.total_in(), unpacked.total_out())),
            Ok(_) => {}
            // It is cut off, or damaged: nobody knows where the next one begins.
            Err(_) => return Ok((u64::MAX, u64::MAX)),
        }
        if let Some(why) = expand.refuses(left, unpacked.total_out()) {
            return Err(io::Error::other(why));
        }
    }
}

/// Where the next header stands, behind a member's bytes and what may follow them.
fn behind(file: &mut (impl Read + Seek), end: u64) -> io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(end))?;
    let mut bytes = Vec::new();
    file.take(TRAILER_BYTES[4] + 4).read_to_end(&mut bytes)?;
    let stands_at = |at: u64| bytes.get(at as usize..at as usize + 4) == Some(&HEADER[..]);
    Ok(TRAILER_BYTES.into_iter().find(|at| stands_at(*at)).map(|at| end + at))
}
