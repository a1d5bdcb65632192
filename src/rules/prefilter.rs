//! Finds which of some thousand short texts occur in a record, in one pass over its bytes and without regard to ASCII
//! case.
//!
//! Every text is known by one window of four bytes in it, chosen so that few texts share a window; a table says for
//! each window of the record which texts to compare there. Building that table takes a fraction of a millisecond,
//! where an Aho-Corasick automaton over the built-in rules takes ten, which is more than all else at start-up.

use crate::rules::literals::MIN_BYTES;

/// Number of slots of the table, as a power of two: several times as many as there are texts, so that most are empty.
const SLOT_BITS: u32 = 15;
const SLOTS: usize = 1 << SLOT_BITS;

/// A window is a `u32`, and every text has one.
const _: () = assert!(MIN_BYTES == size_of::<u32>());

/// Texts and where to look for them.
#[derive(Debug)]
pub(super) struct Prefilter {
    /// One bit for each slot: whether any text is there. Small enough for the nearest cache.
    taken: Vec<u64>,
    /// Where the entries of a slot begin; they end where those of the next begin.
    starts: Vec<u32>,
    entries: Vec<Entry>,
}

/// A text in the table.
#[derive(Debug, Clone, Default)]
struct Entry {
    text: String,
    /// Bytes of the text up to the end of its window.
    head_bytes: usize,
    owner: u32,
}

impl Prefilter {
    /// Texts with the numbers of those who want to know of them; several may want the same. Texts are in ASCII
    /// lower case and at least [`MIN_BYTES`] long; shorter ones are never found.
    pub(super) fn new(texts: Vec<(String, u32)>) -> Prefilter {
        // A window that many texts have is common in logs too.
        let mut common = vec![0u32; SLOTS];
        for (_, slot) in texts.iter().flat_map(|(text, _)| windows(text.as_bytes())) {
            common[slot] += 1;
        }
        let places = texts.into_iter().filter_map(|(text, owner)| {
            let (head_bytes, slot) = windows(text.as_bytes()).min_by_key(|(_, slot)| common[*slot])?;
            Some((slot, Entry { text, head_bytes, owner }))
        });
        let mut places: Vec<(usize, Entry)> = places.collect();
        places.sort_unstable_by_key(|(slot, _)| *slot);

        let mut taken = vec![0u64; SLOTS / 64];
        let mut starts = common;
        starts.fill(0);
        starts.push(0);
        for (slot, _) in &places {
            taken[slot / 64] |= 1 << (slot % 64);
            starts[slot + 1] += 1;
        }
        for slot in 0..SLOTS {
            starts[slot + 1] += starts[slot];
        }
        Prefilter { taken, starts, entries: places.into_iter().map(|(_, entry)| entry).collect() }
    }

    /// Calls `found` with the owner of a text for each place where it occurs.
    pub(super) fn find(&self, record: &str, mut found: impl FnMut(u32)) {
        let record = record.as_bytes();
        for (end, slot) in windows(record) {
            if self.taken[slot / 64] >> (slot % 64) & 1 == 0 {
                continue;
            }
            for entry in &self.entries[self.starts[slot] as usize..self.starts[slot + 1] as usize] {
                let begin = end.checked_sub(entry.head_bytes);
                let there = begin.and_then(|begin| record.get(begin..begin + entry.text.len()));
                if there.is_some_and(|there| there.eq_ignore_ascii_case(entry.text.as_bytes())) {
                    found(entry.owner);
                }
            }
        }
    }
}

/// The slots of all windows of some bytes, in ASCII lower case, each with the place where the window ends.
fn windows(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut window = 0u32;
    let ends = bytes.iter().enumerate().map(move |(at, byte)| {
        window = window << 8 | u32::from(byte.to_ascii_lowercase());
        // Multiplying by an odd number of mixed bits (from the golden ratio) spreads windows over the high bits.
        (at + 1, (window.wrapping_mul(0x9e37_79b1) >> (32 - SLOT_BITS)) as usize)
    });
    ends.skip(MIN_BYTES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str], record: &str) -> Vec<String> {
        let owned = texts.iter().map(|text| (*text).to_owned()).zip(0u32..);
        let mut found = Vec::new();
        Prefilter::new(owned.collect()).find(record, |number| found.push(texts[number as usize].to_owned()));
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
            texts in proptest::collection::btree_set("[ab⨯]{4,7}", 0..40),
            record in "[abAB⨯]{0,60}",
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let mut have = found(&texts, &record);
            have.dedup();
            let record = record.to_ascii_lowercase();
            let wanted: Vec<&str> = texts.into_iter().filter(|text| record.contains(text)).collect();
            proptest::prop_assert_eq!(have, wanted);
        }
    }
}
