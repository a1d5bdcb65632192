//! Finds which of some thousand short texts occur in a record, in one pass over its bytes. A capital letter of a text
//! stands for itself, a small one for both cases.
//!
//! Every text is known by one window of four bytes in it, chosen so that few texts share a window; a table says for
//! each window of the record which texts to compare there. Building that table takes a fraction of a millisecond,
//! where an Aho-Corasick automaton over the built-in rules takes ten, which is more than all else at start-up.

use crate::rules::literals::{MAX_BYTES, MIN_BYTES};

/// Number of slots of the table, as a power of two: several times as many as there are texts, so that most are empty.
const SLOT_BITS: u32 = 15;
const SLOTS: usize = 1 << SLOT_BITS;
/// The first look at a window is finer: fewer bytes of a record then look as if a text began there.
const FINE_BITS: u32 = 17;
const FINE_WORDS: usize = (1 << FINE_BITS) / u64::BITS as usize;
/// The bit that is the case of a letter, in every byte.
const CASE: u128 = u128::from_ne_bytes([b' '; MAX_BYTES]);

/// A window is a `u32`, and every text has one; a text is no longer than a `u128`.
const _: () = assert!(MIN_BYTES == size_of::<u32>() && MAX_BYTES == size_of::<u128>());

/// Texts and where to look for them.
#[derive(Debug)]
pub(super) struct Prefilter {
    /// One bit for each fine slot: whether any text is there. Small enough for the nearest cache.
    taken: Box<[u64; FINE_WORDS]>,
    /// Where the entries of a slot begin; they end where those of the next begin.
    starts: Vec<u32>,
    entries: Vec<Entry>,
}

/// A text in the table.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The text, and zeros after it.
    text: [u8; MAX_BYTES],
    text_bytes: u8,
    /// Bytes of the text before its window.
    head_bytes: u8,
    window: u32,
    owner: u32,
}

impl Prefilter {
    /// Texts with the numbers of those who want to know of them; several may want the same. Texts are
    /// from [`MIN_BYTES`] to [`MAX_BYTES`] long; shorter ones are never found, of longer ones only
    /// the beginning counts.
    pub(super) fn new(texts: &[(String, u32)]) -> Prefilter {
        let texts = || {
            texts
                .iter()
                .map(|(text, owner)| (text.as_bytes().get(..MAX_BYTES).unwrap_or(text.as_bytes()), *owner))
        };
        // A window that many texts have is common in logs too.
        let mut common = vec![0u32; SLOTS];
        for (_, window) in texts().flat_map(|(text, _)| windows(text)) {
            common[slot(window, SLOT_BITS)] += 1;
        }
        let places = texts().filter_map(|(text, owner)| {
            let (head, window) = windows(text).min_by_key(|(_, window)| common[slot(*window, SLOT_BITS)])?;
            Some((slot(window, SLOT_BITS), Entry::new(text, head, window, owner)))
        });
        let mut places: Vec<(usize, Entry)> = places.collect();
        places.sort_unstable_by_key(|(slot, _)| *slot);

        let mut taken = Box::new([0u64; FINE_WORDS]);
        let mut starts = common;
        starts.fill(0);
        starts.push(0);
        for (coarse, entry) in &places {
            let fine = slot(entry.window, FINE_BITS);
            taken[fine / 64] |= 1 << (fine % 64);
            starts[coarse + 1] += 1;
        }
        for slot in 0..SLOTS {
            starts[slot + 1] += starts[slot];
        }
        Prefilter { taken, starts, entries: places.into_iter().map(|(_, entry)| entry).collect() }
    }

    /// Calls `found` with the owner of a text for each place where it occurs.
    pub(super) fn find(&self, record: &str, mut found: impl FnMut(u32)) {
        let record = record.as_bytes();
        for (at, window) in windows(record) {
            let fine = slot(window, FINE_BITS);
            if self.taken[fine / 64] >> (fine % 64) & 1 == 0 {
                continue;
            }
            let coarse = slot(window, SLOT_BITS);
            let entries = &self.entries[self.starts[coarse] as usize..self.starts[coarse + 1] as usize];
            for entry in entries.iter().filter(|entry| entry.window == window) {
                let begin = at.checked_sub(usize::from(entry.head_bytes));
                if begin.and_then(|begin| record.get(begin..)).is_some_and(|rest| entry.begins(rest)) {
                    found(entry.owner);
                }
            }
        }
    }
}

impl Entry {
    fn new(text: &[u8], head: usize, window: u32, owner: u32) -> Entry {
        let mut padded = [0; MAX_BYTES];
        padded[..text.len()].copy_from_slice(text);
        Entry { text: padded, text_bytes: text.len() as u8, head_bytes: head as u8, window, owner }
    }

    /// Whether `rest` begins with the text. A small letter of the text stands for both cases.
    fn begins(&self, rest: &[u8]) -> bool {
        let text = &self.text[..usize::from(self.text_bytes)];
        // Most that have the window differ elsewhere; all bytes at once say so.
        if let Some(there) = rest.first_chunk() {
            let unused_bits = 8 * (MAX_BYTES - text.len()) as u32;
            let differ = (u128::from_le_bytes(*there) ^ u128::from_le_bytes(self.text)) & !CASE;
            if differ << unused_bits != 0 {
                return false;
            }
        }
        let same = |(there, wanted): (&u8, &u8)| there == wanted || there.to_ascii_lowercase() == *wanted;
        rest.get(..text.len()).is_some_and(|there| there.iter().zip(text).all(same))
    }
}

/// All windows of some bytes, each with the place where it begins. A bit that is the case of a letter is set in every
/// byte, which takes some other characters for one another too.
fn windows(bytes: &[u8]) -> impl Iterator<Item = (usize, u32)> {
    let at = bytes.array_windows::<MIN_BYTES>().enumerate();
    at.map(|(at, window)| (at, u32::from_le_bytes(*window) | CASE as u32))
}

/// The slot of a window among `1 << bits`: multiplying by an odd number of mixed bits (from the golden ratio) spreads
/// windows over the high bits.
fn slot(window: u32, bits: u32) -> usize {
    (window.wrapping_mul(0x9e37_79b1) >> (u32::BITS - bits)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str], record: &str) -> Vec<String> {
        let owned = texts.iter().map(|text| (*text).to_owned()).zip(0u32..);
        let mut found = Vec::new();
        Prefilter::new(&owned.collect::<Vec<_>>())
            .find(record, |number| found.push(texts[number as usize].to_owned()));
        found.sort();
        found
    }

    #[test]
    fn finds_texts_that_overlap_at_both_ends_and_in_any_case() {
        let texts = ["econnrefused", "refused", "used to", "connect econn", "⨯ error"];
        assert_eq!(found(&texts, "connect ECONNREFUSED"), ["connect econn", "econnrefused", "refused"]);
        assert_eq!(found(&texts, "Refused to"), ["refused", "used to"]);
        assert_eq!(found(&texts, "refusereFUSED"), ["refused"]);
        assert_eq!(found(&texts, "ä⨯ Error⨯"), ["⨯ error"]);
        assert_eq!(found(&texts, "refuse"), Vec::<String>::new());
        assert_eq!(found(&texts, "use"), Vec::<String>::new());
        assert_eq!(found(&[], "refused"), Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_a_plain_search(
            texts in proptest::collection::btree_set("[ab⨯]{4,5}", 0..40),
            record in "[abAB⨯]{0,60}",
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let mut have = found(&texts, &record);
            have.dedup();
            let same = |there: &u8, wanted: &u8| there == wanted || there.to_ascii_lowercase() == *wanted;
            let occurs = |text: &str| {
                let mut places = record.as_bytes().windows(text.len());
                places.any(|place| place.iter().zip(text.as_bytes()).all(|(there, wanted)| same(there, wanted)))
            };
            let wanted: Vec<&str> = texts.into_iter().filter(|text| occurs(text)).collect();
            proptest::prop_assert_eq!(have, wanted);
        }
    }
}
