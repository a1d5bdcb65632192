//! Tombstones on disk, in sorted runs that are written once. Of each run stay in memory the first key of every block and
//! a filter that tells nearly all keys that are not in it; runs of one size are merged, so there are few.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::nameless_file;
use crate::correlate::slots::{GRAVE_CONTENT_BYTES, Tombstone};

/// Bytes of a tombstone with its key in a file.
const GRAVE_BYTES: usize = 8 + GRAVE_CONTENT_BYTES;
/// Tombstones that are read at once.
const BLOCK: usize = 195;
/// Bits of the filter for each key, and how many of them are set: about one in a hundred wrong keys passes.
const FILTER_BITS: u64 = 10;
const FILTER_HASHES: u64 = 7;
/// Runs of one level before they are merged into one of the next.
const RUNS: usize = 8;

/// What was buried on disk. A key may stand in several runs, of which the youngest counts.
#[derive(Debug, Clone)]
pub struct Graves {
    dir: PathBuf,
    /// Oldest first; older ones have the same level or a higher one.
    runs: Vec<Arc<Run>>,
    /// Most bytes that filters may have; runs beyond it have none and are looked up on disk.
    filters_bytes: usize,
    trouble: Option<String>,
}

#[derive(Debug)]
struct Run {
    level: u32,
    file: Mutex<File>,
    count: usize,
    /// First key of every block.
    firsts: Vec<u64>,
    filter: Vec<u64>,
}

impl Graves {
    /// Nothing is buried in `dir` yet.
    pub fn new(dir: &Path, filters_bytes: usize) -> Graves {
        Graves { dir: dir.to_owned(), runs: Vec::new(), filters_bytes, trouble: None }
    }

    /// Writes tombstones, whose keys are distinct. On an error nothing was taken.
    ///
    /// # Errors
    /// The disk is full, or the folder may not be written to any more.
    pub fn bury(&mut self, dead: &[(u64, Tombstone)]) -> io::Result<()> {
        let mut dead = dead.to_vec();
        dead.sort_unstable_by_key(|(key, _)| *key);
        let filtered = self.has_room(dead.len());
        let run = Run::write(&self.dir, 0, dead.len(), filtered, dead.iter().map(|dead| Ok(*dead)))?;
        self.runs.push(Arc::new(run));
        // To merge serves speed alone: what cannot be merged stays as it is.
        while matches!(self.merge(), Ok(true)) {}
        Ok(())
    }

    /// The tombstone of this key; an error of the disk counts as none, and is kept.
    pub fn find(&mut self, key: u64) -> Option<Tombstone> {
        for run in self.runs.iter().rev() {
            match run.find(key) {
                Ok(None) => {}
                Ok(found) => return found,
                Err(error) => {
                    self.trouble.get_or_insert_with(|| error.to_string());
                }
            }
        }
        None
    }

    /// Whether this key may be here.
    pub fn knows(&self, key: u64) -> bool {
        self.runs.iter().any(|run| matches!(run.find(key), Ok(Some(_))))
    }

    /// The first error of the disk while reading.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Bytes that are kept in memory.
    pub fn bytes(&self) -> usize {
        self.runs.iter().map(|run| run.bytes()).sum()
    }

    fn has_room(&self, count: usize) -> bool {
        self.bytes() + filter_words(count) * 8 <= self.filters_bytes
    }

    /// Merges the youngest runs if enough have one level; false if not.
    fn merge(&mut self) -> io::Result<bool> {
        let Some(level) = self.runs.last().map(|run| run.level) else { return Ok(false) };
        let first = self.runs.iter().position(|run| run.level == level).unwrap_or_default();
        if self.runs.len() - first < RUNS {
            return Ok(false);
        }
        let young = &self.runs[first..];
        let count = young.iter().map(|run| run.count).sum();
        let room = self.bytes() - young.iter().map(|run| run.bytes()).sum::<usize>();
        let filtered = room + filter_words(count) * 8 <= self.filters_bytes;
        let merged = Run::write(&self.dir, level + 1, count, filtered, Merge::new(young)?)?;
        self.runs.truncate(first);
        self.runs.push(Arc::new(merged));
        Ok(true)
    }
}

fn filter_words(count: usize) -> usize {
    (count as u64 * FILTER_BITS).div_ceil(64) as usize
}

/// The bits of a key, which is a hash already.
fn bits(key: u64, words: usize) -> impl Iterator<Item = (usize, u64)> {
    let step = key.rotate_left(32) | 1;
    let size = words as u64 * 64;
    (0..FILTER_HASHES).map(move |nth| {
        let bit = key.wrapping_add(nth.wrapping_mul(step)).wrapping_mul(0x9e37_79b9_7f4a_7c15) % size;
        ((bit / 64) as usize, 1 << (bit % 64))
    })
}

impl Run {
    /// Writes tombstones in the order of their keys; `most` is how many there are at most.
    fn write(
        dir: &Path,
        level: u32,
        most: usize,
        filtered: bool,
        graves: impl Iterator<Item = io::Result<(u64, Tombstone)>>,
    ) -> io::Result<Run> {
        let mut out = BufWriter::with_capacity(1 << 16, nameless_file(dir)?);
        let mut filter = vec![0; if filtered { filter_words(most) } else { 0 }];
        let (mut firsts, mut count) = (Vec::new(), 0);
        for grave in graves {
            let (key, tombstone) = grave?;
            if count % BLOCK == 0 {
                firsts.push(key);
            }
            count += 1;
            if !filter.is_empty() {
                for (word, bit) in bits(key, filter.len()) {
                    filter[word] |= bit;
                }
            }
            out.write_all(&key.to_le_bytes())?;
            out.write_all(&tombstone.to_bytes())?;
        }
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Run { level, file: Mutex::new(file), count, firsts, filter })
    }

    fn find(&self, key: u64) -> io::Result<Option<Tombstone>> {
        if bits(key, self.filter.len().max(1))
            .any(|(word, bit)| self.filter.get(word).is_some_and(|have| have & bit == 0))
        {
            return Ok(None);
        }
        let Some(block) = self.firsts.partition_point(|first| *first <= key).checked_sub(1) else {
            return Ok(None);
        };
        let count = BLOCK.min(self.count - block * BLOCK);
        let mut bytes = vec![0; count * GRAVE_BYTES];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start((block * BLOCK * GRAVE_BYTES) as u64))?;
            file.read_exact(&mut bytes)?;
        }
        let (graves, _) = bytes.as_chunks::<GRAVE_BYTES>();
        Ok(graves.iter().map(read_grave).find(|(have, _)| *have == key).map(|(_, tombstone)| tombstone))
    }

    fn bytes(&self) -> usize {
        (self.firsts.len() + self.filter.len()) * 8
    }
}

fn read_grave(bytes: &[u8; GRAVE_BYTES]) -> (u64, Tombstone) {
    let (mut key, mut rest) = ([0; 8], [0; GRAVE_CONTENT_BYTES]);
    key.copy_from_slice(&bytes[..8]);
    rest.copy_from_slice(&bytes[8..]);
    (u64::from_le_bytes(key), Tombstone::from_bytes(rest))
}

/// Runs read side by side in the order of their keys; of equal keys the youngest.
struct Merge {
    readers: Vec<(BufReader<File>, usize)>,
    /// Next key of each run; the greater index is the younger run.
    heads: BinaryHeap<Reverse<(u64, Reverse<usize>)>>,
    graves: Vec<Option<Tombstone>>,
    last: Option<u64>,
}

impl Merge {
    fn new(runs: &[Arc<Run>]) -> io::Result<Merge> {
        let mut merge =
            Merge { readers: Vec::new(), heads: BinaryHeap::new(), graves: Vec::new(), last: None };
        for (index, run) in runs.iter().enumerate() {
            let mut file = run.file.lock().unwrap_or_else(PoisonError::into_inner).try_clone()?;
            file.seek(SeekFrom::Start(0))?;
            merge.readers.push((BufReader::with_capacity(1 << 16, file), run.count));
            merge.graves.push(None);
            merge.pull(index)?;
        }
        Ok(merge)
    }

    fn pull(&mut self, index: usize) -> io::Result<()> {
        let (reader, left) = &mut self.readers[index];
        if *left > 0 {
            *left -= 1;
            let mut bytes = [0; GRAVE_BYTES];
            reader.read_exact(&mut bytes)?;
            let (key, tombstone) = read_grave(&bytes);
            self.graves[index] = Some(tombstone);
            self.heads.push(Reverse((key, Reverse(index))));
        }
        Ok(())
    }
}

impl Iterator for Merge {
    type Item = io::Result<(u64, Tombstone)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Reverse((key, Reverse(index))) = self.heads.pop()?;
            let tombstone = self.graves[index].take()?;
            if let Err(error) = self.pull(index) {
                return Some(Err(error));
            }
            if self.last != Some(key) {
                self.last = Some(key);
                return Some(Ok((key, tombstone)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::outcome::{Facts, Outcome};
    use crate::record::Marks;

    fn tombstone(cell: u32) -> Tombstone {
        let facts = Facts::of(5, Some(200), None, Marks::CLIENT | Marks::END);
        Tombstone::of(&facts, Outcome::Succeeded(Some(200)), cell)
    }

    fn key(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn every_grave_is_found_in_its_youngest_run() {
        let dir = tempfile::tempdir().expect("a folder");
        for filters_bytes in [0, 3_000, usize::MAX] {
            let mut graves = Graves::new(dir.path(), filters_bytes);
            for round in 0..100u64 {
                // Each run repeats half of the one before it.
                let dead =
                    (round * 50..round * 50 + 100).map(|number| (key(number), tombstone(round as u32)));
                graves.bury(&dead.collect::<Vec<_>>()).expect("a disk");
            }
            assert!(graves.runs.len() < 2 * RUNS + 2, "{} runs", graves.runs.len());
            for number in 0..5_050 {
                let round = (number / 50).min(99);
                assert_eq!(graves.find(key(number)).map(|found| found.cell), Some(round as u32), "{number}");
                assert!(graves.knows(key(number)));
            }
            assert!((5_050..9_000).all(|number| graves.find(key(number)).is_none()));
            assert!(graves.bytes() <= filters_bytes.saturating_add(2_000));
            assert_eq!(graves.trouble(), None);
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("the folder").count(), 0, "files have no names");
    }

    #[test]
    fn a_folder_that_is_not_there_takes_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut graves = Graves::new(&dir.path().join("missing"), 0);
        assert!(graves.bury(&[(1, tombstone(1))]).is_err());
        assert!(graves.find(1).is_none() && !graves.knows(1) && graves.bytes() == 0);
    }
}
