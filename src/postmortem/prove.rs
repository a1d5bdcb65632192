//! Checks cited lines against the bytes of a source that has proven to be the one they were cited from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::digest::{BLOCK_BYTES, Digest, read_block};
use super::evidence::{Cited, keyed};
use super::extent::Unpacked;
use super::verify::{Check, State, What, place, short};
use crate::input::source::{Source, Stream};
use crate::input::unpack::Expand;

/// Checks the cited lines of a source.
pub(super) fn check_lines(cited: &[&Cited], source: &Source, expand: Expand, digest: &Digest) -> Vec<Check> {
    let with_bytes: Vec<(&Cited, u64, u64, &str)> = cited
        .iter()
        .filter_map(|one| Some((*one, one.from_byte?, one.to_byte?, one.hash.as_deref()?)))
        .collect();
    let ranges: BTreeSet<(u64, u64)> = with_bytes.iter().map(|(_, from, to, _)| (*from, *to)).collect();
    let hashes = match hash_ranges(source, expand, digest.index.is_some(), &ranges) {
        Ok(hashes) => hashes,
        Err(error) => {
            let found = error.to_string();
            return cited
                .iter()
                .map(|one| Check::new(What::Line, &place(one), State::Missing, "", &found))
                .collect();
        }
    };
    let mut checks: Vec<Check> = cited
        .iter()
        .filter(|one| one.hash.is_none() || one.from_byte.is_none() || one.to_byte.is_none())
        .map(|one| Check::new(What::Line, &place(one), State::Unchecked, "", "no bytes of it were recorded"))
        .collect();
    for (one, from, to, hash) in with_bytes {
        let range = format!("bytes {from}–{to}: ");
        checks.push(match hashes.get(&(from, to)) {
            None => Check::new(
                What::Line,
                &place(one),
                State::Missing,
                &(range + &short(hash)),
                "the source ends before",
            ),
            Some(found) => {
                let found = keyed(&digest.key, found);
                match found == hash {
                    true => Check::new(What::Line, &place(one), State::Same, "", ""),
                    false => Check::new(
                        What::Line,
                        &place(one),
                        State::Differs,
                        &(range + &short(hash)),
                        &short(&found),
                    ),
                }
            }
        });
    }
    checks
}

/// Hashes of ranges of what is read of a source; those that are not there in full are left out.
fn hash_ranges(
    source: &Source,
    expand: Expand,
    plain: bool,
    ranges: &BTreeSet<(u64, u64)>,
) -> io::Result<BTreeMap<(u64, u64), blake3::Hash>> {
    let mut hashes = BTreeMap::new();
    let mut buffer = vec![0; BLOCK_BYTES];
    if let (true, Source::File(path)) = (plain, source) {
        let mut file = File::open(path)?;
        for (from, to) in ranges.iter().filter(|(from, to)| from <= to) {
            file.seek(SeekFrom::Start(*from))?;
            let mut hasher = blake3::Hasher::new();
            let bytes = io::copy(&mut (&mut file).take(to - from), &mut hasher)?;
            if bytes == to - from {
                hashes.insert((*from, *to), hasher.finalize());
            }
        }
        return Ok(hashes);
    }
    let mut reader = Unpacked(Stream::open(source, expand).map_err(io::Error::other)?);
    let mut open: Vec<((u64, u64), blake3::Hasher)> = Vec::new();
    let mut waiting = ranges.iter().filter(|(from, to)| from <= to).copied().peekable();
    let mut at = 0_u64;
    loop {
        while let Some(range) = waiting.next_if(|(from, _)| *from <= at + BLOCK_BYTES as u64) {
            open.push((range, blake3::Hasher::new()));
        }
        if open.is_empty() && waiting.peek().is_none() {
            return Ok(hashes);
        }
        let block = read_block(&mut reader, &mut buffer)?;
        let end = at + block.len() as u64;
        open.retain_mut(|((from, to), hasher)| {
            let (first, last) = ((*from).clamp(at, end), (*to).clamp(at, end));
            hasher.update(&block[(first - at) as usize..(last - at) as usize]);
            if *to <= end {
                hashes.insert((*from, *to), hasher.finalize());
            }
            *to > end
        });
        if block.is_empty() {
            return Ok(hashes);
        }
        at = end;
    }
}
