//! One pass over a source: its SHA-256, the key of its lines, and where its lines begin, coarsely, so that a cited line is
//! found later without reading all of it again.

use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use memchr::memchr_iter;
use sha2::{Digest as _, Sha256};

use super::KEY_CONTEXT;
use crate::input::source::{Source, Stream};
use crate::input::unpack::Expand;

/// Bytes that are read at a time, and between two entries of the index.
pub const BLOCK_BYTES: usize = 1 << 20;

/// What one pass over a source gives.
#[derive(Debug, Clone)]
pub struct Digest {
    /// SHA-256 of its bytes as they lie on disk or in their archive, in hexadecimal digits.
    pub sha256: String,
    /// How many bytes these are.
    pub bytes: u64,
    /// Key of the hashes of its lines, see [`super`].
    pub key: [u8; 32],
    /// Ends of lines before each block; none where what is read is not what lies there (compressed, UTF-16, in an archive).
    pub index: Option<Vec<u64>>,
}

/// Whether a source can be read more than once; a pipe cannot.
pub fn is_lasting(source: &Source) -> bool {
    match source {
        Source::Stdin => false,
        Source::File(path) => std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()),
        Source::Member(_) => true,
    }
}

/// Whether what is read of a source are its bytes as they lie on disk.
///
/// # Errors
/// It cannot be opened.
pub fn is_plain(source: &Source, expand: Expand) -> io::Result<bool> {
    let stream = Stream::open(source, expand).map_err(io::Error::other)?;
    Ok(matches!(source, Source::File(_)) && stream.size_bytes.is_some())
}

/// Reads a lasting source, or its first `limit_bytes`. `stop` ends it early, with an error of kind `Interrupted`.
///
/// # Errors
/// It cannot be opened or read.
pub fn digest(
    source: &Source,
    expand: Expand,
    limit_bytes: Option<u64>,
    stop: &AtomicBool,
) -> io::Result<Digest> {
    let plain = is_plain(source, expand)?;
    let raw: Box<dyn Read> = match source {
        Source::File(path) => Box::new(File::open(path)?),
        Source::Member(member) => member.open(expand)?,
        Source::Stdin => return Err(io::Error::other("standard input cannot be read again")),
    };
    of_reader(raw.take(limit_bytes.unwrap_or(u64::MAX)), plain, stop)
}

fn of_reader(mut raw: impl Read, plain: bool, stop: &AtomicBool) -> io::Result<Digest> {
    let mut sha = Sha256::new();
    let mut buffer = vec![0; BLOCK_BYTES];
    let (mut bytes, mut lines) = (0_u64, 0_u64);
    let mut index = Vec::new();
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let block = read_block(&mut raw, &mut buffer)?;
        if block.is_empty() {
            break;
        }
        sha.update(block);
        bytes += block.len() as u64;
        if plain {
            index.push(lines);
            lines += memchr_iter(b'\n', block).count() as u64;
        }
    }
    let mut with_context = sha.clone();
    with_context.update(KEY_CONTEXT);
    Ok(Digest {
        sha256: hex(&sha.finalize()),
        bytes,
        key: with_context.finalize().into(),
        index: plain.then_some(index),
    })
}

/// Fills the buffer, unless the end comes first.
pub fn read_block<'b>(reader: &mut impl Read, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(&buffer[..filled])
}

/// SHA-256 of some bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_sha256sum_and_the_key_another() {
        let stop = AtomicBool::new(false);
        let digest = of_reader(&b"abc"[..], true, &stop).expect("reads");
        // FIPS 180-2, appendix B.1.
        assert_eq!(digest.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_ne!(hex(&digest.key), digest.sha256);
        assert_eq!(hex(&digest.key), sha256(&[b"abc", KEY_CONTEXT].concat()));
        let long = vec![b'\n'; BLOCK_BYTES + 3];
        let digest = of_reader(&long[..], true, &stop).expect("reads");
        assert_eq!(digest.index, Some(vec![0, BLOCK_BYTES as u64]));
        assert_eq!(digest.sha256, sha256(&long));
        stop.store(true, Ordering::Relaxed);
        assert!(of_reader(&b"abc"[..], false, &stop).is_err());
    }
}
