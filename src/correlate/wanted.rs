//! A request that somebody asks for by its ID: it is kept whole, healthy or not, and IDs that resemble it are remembered
//! for the case that it is not there.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::record::ids::{is_same_id, kept_id};
use crate::record::{Position, normalise_id};

/// IDs that are remembered.
const NEAR: usize = 5;
/// Characters that an ID must share with the wanted one to resemble it.
const SHARED_CHARS: usize = 4;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    id: String,
    keys: BTreeSet<u64>,
    /// By likeness, then by ID, so that the order of the input does not matter.
    near: BTreeSet<(Reverse<usize>, String)>,
    /// Where its line stands, if it is asked for by that.
    place: Option<AtLine>,
}

/// A line of a source, and the entry closest before it so far.
#[derive(Debug, Clone, Copy)]
struct AtLine {
    source: u32,
    line: u64,
    best: Option<(u64, u64)>,
}

impl Wanted {
    /// An ID as somebody typed it or copied it from a header: with `fra1::iad1::`, `Root=` or a trace's path before it.
    pub fn new(typed: &str) -> Wanted {
        let id = kept_id(normalise_id(typed).unwrap_or(typed.trim())).into_owned();
        Wanted { id, keys: BTreeSet::new(), near: BTreeSet::new(), place: None }
    }

    /// The request of the entry that stands at this line, or that this line continues. `source`: index among the sources by
    /// name.
    pub fn at_line(source: u32, line: u64) -> Wanted {
        let place = Some(AtLine { source, line, best: None });
        Wanted { id: String::new(), keys: BTreeSet::new(), near: BTreeSet::new(), place }
    }

    /// Learns where an entry of a request begins.
    pub fn see_place(&mut self, key: u64, at: Position) {
        let Some(place) = &mut self.place else { return };
        let is_closer = place.best.is_none_or(|(line, _)| at.line > line);
        if at.source == place.source && at.line <= place.line && is_closer {
            place.best = Some((at.line, key));
            self.keys.clear();
            self.keys.insert(key);
        }
    }

    /// Learns that a request has this ID.
    pub fn see(&mut self, key: u64, id: &str) {
        if self.matches(id) {
            self.keys.insert(key);
            return;
        }
        if self.place.is_some() {
            return;
        }
        let likeness = shared_start(id, &self.id).max(shared_end(id, &self.id));
        if likeness >= SHARED_CHARS.min(self.id.chars().count().max(1)) || id.contains(&self.id) {
            self.near.insert((Reverse(likeness), id.to_owned()));
            if self.near.len() > NEAR {
                self.near.pop_last();
            }
        }
    }

    /// Whether the request under this key is asked for.
    pub fn is(&self, key: u64) -> bool {
        self.keys.contains(&key)
    }

    /// The lines under one key belong to the request under another one.
    pub fn share(&mut self, request: u64, alias: u64) {
        if self.keys.contains(&alias) {
            self.keys.insert(request);
        }
    }

    /// IDs that resemble it, most alike first.
    pub fn near(&self) -> Vec<String> {
        self.near.iter().map(|(_, id)| id.clone()).collect()
    }

    /// The ID itself, in any case of letters; of one scoped as `host:pid:id` the last part is enough.
    fn matches(&self, id: &str) -> bool {
        !self.id.is_empty()
            && (is_same_id(id, &self.id)
                || id.strip_suffix(self.id.as_str()).is_some_and(|scope| scope.ends_with(':')))
    }
}

fn shared_start(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

fn shared_end(a: &str, b: &str) -> usize {
    a.chars().rev().zip(b.chars().rev()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_match_as_people_type_them() {
        let mut wanted = Wanted::new(" fra1::iad1::abcde-1 ");
        wanted.see(1, "abcde-1");
        wanted.see(2, "ABCDE-1");
        wanted.see(3, "web-1:7:abcde-1");
        wanted.see(4, "abcde-12");
        wanted.see(5, "xabcde-1");
        assert_eq!([1, 2, 3, 4, 5].map(|key| wanted.is(key)), [true, true, true, false, false]);
        assert_eq!(wanted.near(), ["abcde-12", "xabcde-1"]);
        assert!(!Wanted::new("").is(1));
    }

    #[test]
    fn a_line_is_of_the_entry_before_it() {
        let mut wanted = Wanted::at_line(1, 7);
        let at = |source: u32, line: u64| Position { source, line, ..Position::default() };
        for (key, at) in [(1, at(1, 2)), (2, at(1, 6)), (3, at(0, 7)), (4, at(1, 8)), (5, at(1, 5))] {
            wanted.see_place(key, at);
        }
        assert_eq!([1, 2, 3, 4, 5].map(|key| wanted.is(key)), [false, true, false, false, false]);
    }

    #[test]
    fn what_resembles_does_not_depend_on_the_order() {
        let ids: Vec<String> = (0..40).map(|number| format!("request-{number}")).collect();
        let mut forward = Wanted::new("request-99x");
        let mut backward = forward.clone();
        ids.iter().for_each(|id| forward.see(0, id));
        ids.iter().rev().for_each(|id| backward.see(0, id));
        assert_eq!(forward.near(), backward.near());
        assert_eq!(forward.near().len(), 5);
        let mut other = Wanted::new("zzzz-zzzz");
        other.see(0, "request-1");
        assert!(other.near().is_empty());
    }
}
