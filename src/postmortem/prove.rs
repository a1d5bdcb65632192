//! Checks cited lines against the bytes of a source that has proven to be the one they were cited from: the line of that
//! number is looked up again, and its place and its keyed hash have to be those of the evidence.

use std::collections::BTreeSet;

use super::digest::Digest;
use super::evidence::{Cited, keyed};
use super::extent;
use super::verify::{Check, State, What, place, short};
use crate::input::source::Source;
use crate::input::unpack::Expand;

/// Checks the cited lines of a source.
pub(super) fn check_lines(cited: &[&Cited], source: &Source, expand: Expand, digest: &Digest) -> Vec<Check> {
    let lines: BTreeSet<u64> = cited.iter().filter(|one| is_located(one)).map(|one| one.line).collect();
    let extents = match extent::find(source, expand, digest.index.as_deref(), &lines) {
        Ok(extents) => extents,
        Err(error) => {
            let found = error.to_string();
            let missing = |one: &&Cited| Check::new(What::Line, &place(one), State::Missing, "", &found);
            return cited.iter().map(missing).collect();
        }
    };
    let check = |one: &&Cited| {
        let check =
            |state, expected: &str, found: &str| Check::new(What::Line, &place(one), state, expected, found);
        let (Some(from), Some(to), Some(hash)) = (one.from_byte, one.to_byte, one.hash.as_deref()) else {
            return check(State::Unchecked, "", "no bytes of it were recorded");
        };
        let expected = format!("bytes {from}–{to}: {}", short(hash));
        let Some(extent) = extents.get(&one.line) else {
            return check(State::Missing, &expected, "the source ends before");
        };
        let found = keyed(&digest.key, &extent.hash);
        match (extent.from, extent.to) == (from, to) && found == hash {
            true => check(State::Same, "", ""),
            false => {
                let found = format!("bytes {}–{}: {}", extent.from, extent.to, short(&found));
                check(State::Differs, &expected, &found)
            }
        }
    };
    cited.iter().map(check).collect()
}

fn is_located(one: &Cited) -> bool {
    one.from_byte.is_some() && one.to_byte.is_some() && one.hash.is_some()
}
