//! Tar archives: a header before each file. The crate reads a header; how headers follow each other is read here, because
//! what they say of lengths is not trusted: long names and pax records are read up to a limit.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use ::tar::{EntryType, Header, PaxExtensions};

use super::{Listing, Member, Place, tidy};
use crate::input::unpack::{self, Expand};

/// Tar files consist of blocks of this length.
pub const BLOCK_BYTES: usize = 512;
/// Memory for the members of compressed tars, which are kept with zstd and thus small.
pub const HOLD_BYTES: usize = 128 << 20;
/// Members beyond that memory for which a compressed tar is unpacked once more, each time up to the member.
const MAX_BEHIND: usize = 16;
/// Longest name or pax record that is read.
const MAX_RECORD_BYTES: u64 = 64 << 10;
/// Where the magic stands; `ustar` in all of pax, GNU and POSIX.
const MAGIC: std::ops::Range<usize> = 257..262;

/// Whether the first block of a file is a tar header.
pub fn is_tar(head: &[u8]) -> bool {
    head.get(MAGIC) == Some(b"ustar")
}

/// Bytes that can be passed over.
trait Pass: Read {
    /// Passes over so many bytes.
    fn pass(&mut self, count: u64) -> io::Result<()>;
}

impl Pass for BufReader<File> {
    fn pass(&mut self, count: u64) -> io::Result<()> {
        match i64::try_from(count) {
            Ok(count) => self.seek_relative(count),
            Err(_) => self.seek(SeekFrom::End(0)).map(drop),
        }
    }
}

impl Pass for Box<dyn Read + Send> {
    fn pass(&mut self, count: u64) -> io::Result<()> {
        io::copy(&mut self.take(count), &mut io::sink()).map(drop)
    }
}

/// Lists a tar that is not compressed.
pub fn list(path: &Path) -> Listing {
    let mut listing = Listing::default();
    let read = File::open(path).and_then(|file| {
        let size_bytes = file.metadata()?.len();
        walk(path, &mut BufReader::new(file), &mut listing, &mut |_, at, bytes| {
            if at.checked_add(bytes).is_none_or(|end| end > size_bytes) && at >= size_bytes {
                return Ok(Keep::Nothing("the archive ends before this file"));
            }
            Ok(Keep::Place(Place::Tar { at, bytes }))
        })
    });
    finish(listing, read)
}

/// Lists a compressed tar. It cannot be read from the middle, so what it holds is kept in memory, compressed, up to
/// `hold_bytes`, which is lowered by what was taken.
pub fn list_compressed(path: &Path, expand: Expand, hold_bytes: &mut usize) -> Listing {
    let mut listing = Listing::default();
    let mut behind = 0;
    let read = File::open(path).and_then(|file| {
        let (mut whole, _) = unpack::unpacked(Box::new(file), None, expand)?;
        walk(path, &mut whole, &mut listing, &mut |reader, at, bytes| {
            let (held, taken) = hold(reader, bytes, *hold_bytes)?;
            if let Some((packed, whole)) = held {
                *hold_bytes -= packed.len().min(*hold_bytes);
                // What is missing of a member that is cut off is said when it is read.
                let bytes = if whole { bytes } else { taken.saturating_add(1) };
                return Ok(Keep::Taken(Place::Held(packed.into(), bytes), taken));
            }
            behind += 1;
            let keep = match behind {
                ..=MAX_BEHIND => Place::Behind { at, bytes },
                _ => {
                    return Ok(Keep::Skipped(
                        taken,
                        "a compressed tar holds too much for the memory: unpack it first",
                    ));
                }
            };
            Ok(Keep::Taken(keep, taken))
        })?;
        // The checksum stands behind everything.
        io::copy(&mut whole, &mut io::sink()).map(|_| ())
    });
    finish(listing, read)
}

fn finish(mut listing: Listing, read: io::Result<()>) -> Listing {
    if let Err(error) = read {
        listing.broken = Some(format!("this tar archive cannot be read to its end: {error}"));
    }
    replace(&mut listing);
    listing
}

/// What becomes of a member.
enum Keep {
    /// It is here; nothing of it was read.
    Place(Place),
    /// It is here, and so many bytes of it were read.
    Taken(Place, u64),
    /// It is refused, and so many bytes of it were read.
    Skipped(u64, &'static str),
    /// It is refused.
    Nothing(&'static str),
}

type Visit<'a, R> = dyn FnMut(&mut R, u64, u64) -> io::Result<Keep> + 'a;

/// Goes from header to header; `visit` sees the place of every file that is wanted.
fn walk<R: Pass>(
    path: &Path,
    reader: &mut R,
    listing: &mut Listing,
    visit: &mut Visit<'_, R>,
) -> io::Result<()> {
    let (mut at, mut long_name, mut pax_size) = (0u64, None::<String>, None::<u64>);
    loop {
        let mut block = [0; BLOCK_BYTES];
        match fill(reader, &mut block)? {
            0 => return Ok(()),
            BLOCK_BYTES => at += BLOCK_BYTES as u64,
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let header = Header::from_byte_slice(&block);
        if !checks(header, &block) {
            return Err(io::Error::other("a header is damaged"));
        }
        let bytes = pax_size.unwrap_or(header.entry_size()?);
        let padded = bytes.checked_next_multiple_of(BLOCK_BYTES as u64).unwrap_or(u64::MAX);
        let kind = header.entry_type();
        let mut taken = 0;
        match kind {
            EntryType::GNULongName | EntryType::XHeader => {
                let mut record = Vec::new();
                taken = reader.take(bytes.min(MAX_RECORD_BYTES)).read_to_end(&mut record)? as u64;
                if kind == EntryType::GNULongName {
                    let end = record.iter().position(|byte| *byte == 0).unwrap_or(record.len());
                    long_name = Some(String::from_utf8_lossy(&record[..end]).into_owned());
                } else {
                    for extension in PaxExtensions::new(&record).flatten() {
                        let value = String::from_utf8_lossy(extension.value_bytes());
                        match extension.key_bytes() {
                            b"path" => long_name = Some(value.into_owned()),
                            b"size" => pax_size = value.parse().ok(),
                            _ => {}
                        }
                    }
                }
            }
            EntryType::GNULongLink | EntryType::XGlobalHeader | EntryType::Directory => {}
            EntryType::Regular | EntryType::Continuous => {
                let name = long_name.take();
                let name =
                    tidy(&name.unwrap_or_else(|| String::from_utf8_lossy(&header.path_bytes()).into_owned()));
                // Old archives mark a folder by its last slash alone.
                if !name.ends_with('/') && listing.wants(&name) {
                    let place = match visit(reader, at, bytes)? {
                        Keep::Place(place) => Ok(place),
                        Keep::Taken(place, count) => {
                            taken = count;
                            Ok(place)
                        }
                        Keep::Skipped(count, why) => {
                            taken = count;
                            Err(why)
                        }
                        Keep::Nothing(why) => Err(why),
                    };
                    match place {
                        Ok(place) => {
                            listing.members.push(Member { archive: path.to_owned(), path: name, place });
                        }
                        Err(why) => listing.refused.push((name, why.to_owned())),
                    }
                }
            }
            _ => listing.special += 1,
        }
        if !matches!(kind, EntryType::GNULongName | EntryType::XHeader) {
            (long_name, pax_size) = (None, None);
        }
        reader.pass(padded - taken.min(padded))?;
        at = at.saturating_add(padded);
    }
}

/// A member compressed, and whether all of it is there.
type Packed = (Vec<u8>, bool);

/// Reads a member into memory, compressed; how many of its bytes were read. None if it takes more than `most_bytes`. A
/// member that is cut off is kept as far as it goes, and the next header is not there.
fn hold<R: Read>(reader: &mut R, bytes: u64, most_bytes: usize) -> io::Result<(Option<Packed>, u64)> {
    let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 1)?;
    let (mut taken, mut piece) = (0, vec![0; 64 << 10]);
    while taken < bytes {
        let most = usize::try_from(bytes - taken).map_or(piece.len(), |left| left.min(piece.len()));
        let count = match reader.read(&mut piece[..most]) {
            Ok(0) | Err(_) => return Ok((Some((encoder.finish()?, false)), taken)),
            Ok(count) => count,
        };
        taken += count as u64;
        io::Write::write_all(&mut encoder, &piece[..count])?;
        if encoder.get_ref().len() > most_bytes {
            return Ok((None, taken));
        }
    }
    Ok((Some((encoder.finish()?, true)), taken))
}

/// The checksum of a header, over its bytes with the checksum itself as blanks.
fn checks(header: &Header, block: &[u8; BLOCK_BYTES]) -> bool {
    let sum = block[..148].iter().chain(&block[156..]).map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
    header.cksum().is_ok_and(|told| told == sum)
}

/// Fills a block as far as there are bytes.
fn fill(reader: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    while have < block.len() {
        match reader.read(&mut block[have..]) {
            Ok(0) => break,
            Ok(count) => have += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(have)
}

/// Of several files with one path the last one counts, as when the archive is unpacked.
fn replace(listing: &mut Listing) {
    let last: HashMap<String, usize> =
        listing.members.iter().enumerate().map(|(index, member)| (member.path.clone(), index)).collect();
    let before = listing.members.len();
    let mut index = 0;
    listing.members.retain(|member| {
        index += 1;
        last.get(&member.path) == Some(&(index - 1))
    });
    listing.replaced += (before - listing.members.len()) as u64;
}
