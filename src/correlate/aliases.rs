//! IDs that name the same request: what records say of it, and which of it can be believed. Not here: what becomes of the
//! requests that are joined (`table/join.rs`).
//!
//! A record with two IDs claims the second for the request of the first. Nothing follows from a claim by itself: only when
//! all input was read is it known whether an ID is claimed once. So the claims are a set, and the joins a function of
//! that set and of which requests there are: the order of the input is no part of it.
//!
//! Two rules keep unrelated requests apart. A trace ID is joined to a request only if no other request has the trace, so
//! it never glues the requests of one trace together; what is joined is the lines that have nothing but the trace. A
//! request ID is joined to another one only if it is claimed once and its claimant claims no further one.

use hashbrown::{HashMap, HashSet};

use crate::record::IdKind;

/// Bytes that a claim takes, roughly.
pub const CLAIM_BYTES: usize = 64;
/// Claimants of one ID that are kept, the least; more than a gateway, its function and the application share no ID
/// without ambiguity.
const MAX_CLAIMANTS: usize = 8;
/// Longest chain of joins: gateway, function, application, trace.
const MAX_CHAIN: usize = 4;
/// Requests that are looked at around one, to find out whether it is still needed.
const MAX_AROUND: usize = 8;

/// Who claims an ID.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    kind: IdKind,
    /// Keys of the claimants, ascending.
    by: Claimants,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Claimants {
    One(u64),
    Several(Vec<u64>),
}

impl Claim {
    fn keys(&self) -> &[u64] {
        match &self.by {
            Claimants::One(key) => std::slice::from_ref(key),
            Claimants::Several(keys) => keys,
        }
    }

    fn add(&mut self, key: u64) {
        let mut keys = match &mut self.by {
            Claimants::One(have) if *have == key => return,
            Claimants::One(have) => vec![*have],
            Claimants::Several(keys) => std::mem::take(keys),
        };
        if let Err(at) = keys.binary_search(&key) {
            keys.insert(at, key);
            // One more than can be joined: that there are too many must not be forgotten.
            keys.truncate(MAX_CLAIMANTS + 1);
        }
        self.by = Claimants::Several(keys);
    }
}

/// The lines under one ID belong to the request of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Join {
    /// Key of the request they belong to.
    pub request: u64,
    /// Key of the ID they stand under.
    pub alias: u64,
    /// How the two are tied.
    pub kind: IdKind,
}

/// All claims of a run, by the key of the ID that is claimed.
#[derive(Debug, Clone, Default)]
pub struct Aliases {
    claims: HashMap<u64, Claim>,
    /// What requests that are open claim.
    open: HashMap<u64, Vec<u64>>,
    /// The claim that was made last: many lines of a request say the same.
    last: Option<(u64, u64)>,
    /// IDs with greater keys than this are not noted any more, because memory is short.
    ceiling: Option<u64>,
}

impl Aliases {
    /// Whether no record has named two IDs.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// A record of `request` says that `alias` names it too. Returns whether this is the first claim on that ID.
    pub fn claim(&mut self, request: u64, alias: u64, kind: IdKind) -> bool {
        if request == alias
            || self.last == Some((request, alias))
            || self.ceiling.is_some_and(|ceiling| alias > ceiling)
        {
            return false;
        }
        self.last = Some((request, alias));
        let own = self.open.entry(request).or_default();
        if !own.contains(&alias) && own.len() < MAX_AROUND {
            own.push(alias);
        }
        match self.claims.get_mut(&alias) {
            Some(claim) => {
                claim.kind = claim.kind.max(kind);
                claim.add(request);
                false
            }
            None => {
                self.claims.insert(alias, Claim { kind, by: Claimants::One(request) });
                true
            }
        }
    }

    /// The request is not open any more.
    #[inline]
    pub fn close(&mut self, request: u64) {
        if !self.claims.is_empty() {
            self.open.remove(&request);
        }
    }

    /// Requests that may be the same one as this, as far as is known yet.
    pub fn around(&self, key: u64) -> Vec<u64> {
        let mut found = vec![key];
        let mut at = 0;
        while let Some(key) = found.get(at).copied() {
            at += 1;
            let claimants = self.claims.get(&key).filter(|claim| claim.keys().len() <= 2);
            let up = claimants.map(Claim::keys).unwrap_or_default();
            let own = self.open.get(&key).map(Vec::as_slice).unwrap_or_default();
            let down = own
                .iter()
                .filter(|alias| self.claims.get(*alias).is_some_and(|claim| claim.keys().len() <= 2));
            for next in up.iter().chain(down) {
                if found.len() < MAX_AROUND && !found.contains(next) {
                    found.push(*next);
                }
            }
        }
        found.remove(0);
        found
    }

    /// Bytes that the claims take, roughly.
    pub fn bytes(&self) -> usize {
        self.claims.len() * CLAIM_BYTES
    }

    /// Forgets the claims on half of the IDs, those with the greatest keys, and notes no more of them; how many these were.
    pub fn halve(&mut self) -> u64 {
        let mut keys: Vec<u64> = self.claims.keys().copied().collect();
        if keys.is_empty() {
            return 0;
        }
        let middle = keys.len() / 2;
        let (_, ceiling, _) = keys.select_nth_unstable(middle);
        let ceiling = ceiling.saturating_sub(1);
        let before = self.claims.len();
        self.claims.retain(|key, _| *key <= ceiling);
        self.claims.shrink_to_fit();
        self.ceiling = Some(ceiling);
        (before - self.claims.len()) as u64
    }

    /// The joins that hold, in order; no ID is both joined and joined to. `knows`: whether there is a request under a key.
    pub fn joins(&self, knows: impl Fn(u64) -> bool) -> Vec<Join> {
        let known: Vec<(u64, &Claim)> = self
            .claims
            .iter()
            .map(|(alias, claim)| (*alias, claim))
            .filter(|(alias, _)| knows(*alias))
            .collect();
        let mut claimed: HashMap<u64, u32> = HashMap::new();
        let requests = known.iter().filter(|(_, claim)| claim.kind != IdKind::Trace);
        for (_, claim) in requests.clone() {
            claim.keys().iter().for_each(|key| *claimed.entry(*key).or_default() += 1);
        }
        let mut parents: HashMap<u64, u64> = HashMap::new();
        for (alias, claim) in requests {
            if let [request] = claim.keys()
                && claimed.get(request) == Some(&1)
            {
                parents.insert(*alias, *request);
            }
        }
        // Two that claim each other: the lesser one is the request.
        let mutual: HashSet<u64> = parents
            .iter()
            .filter(|(alias, request)| parents.get(*request) == Some(*alias) && alias < request)
            .map(|(alias, _)| *alias)
            .collect();
        parents.retain(|alias, _| !mutual.contains(alias));
        let root = |mut key: u64| {
            for _ in 0..MAX_CHAIN {
                match parents.get(&key) {
                    Some(parent) => key = *parent,
                    None => return Some(key),
                }
            }
            None
        };
        let mut joins = Vec::new();
        for (alias, claim) in known {
            let request = match claim.kind {
                IdKind::Trace => {
                    let mut roots = claim.keys().iter().map(|key| root(*key));
                    let first = roots.next().flatten();
                    first.filter(|_| claim.keys().len() <= MAX_CLAIMANTS && roots.all(|other| other == first))
                }
                _ => parents.get(&alias).and_then(|request| root(*request)),
            };
            if let Some(request) = request.filter(|request| *request != alias) {
                joins.push(Join { request, alias, kind: claim.kind });
            }
        }
        joins.sort_unstable();
        joins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joins(claims: &[(u64, u64, IdKind)]) -> Vec<(u64, u64)> {
        let of = |claims: &mut dyn Iterator<Item = &(u64, u64, IdKind)>| {
            let mut aliases = Aliases::default();
            for (request, alias, kind) in claims {
                aliases.claim(*request, *alias, *kind);
            }
            aliases.joins(|_| true)
        };
        let found = of(&mut claims.iter());
        assert_eq!(found, of(&mut claims.iter().rev()), "any order");
        assert_eq!(found, of(&mut claims.iter().chain(claims)), "any repetition");
        found.iter().map(|join| (join.request, join.alias)).collect()
    }

    const GATEWAY: u64 = 1;
    const FUNCTION: u64 = 2;
    const TRACE: u64 = 3;
    const OWN: u64 = 4;

    #[test]
    fn a_chain_of_names_is_one_request() {
        use IdKind::{Alias, Trace};
        let all = [
            (GATEWAY, FUNCTION, Alias),
            (FUNCTION, OWN, Alias),
            (GATEWAY, TRACE, Trace),
            (FUNCTION, TRACE, Trace),
        ];
        assert_eq!(joins(&all), [(GATEWAY, FUNCTION), (GATEWAY, TRACE), (GATEWAY, OWN)]);
        assert_eq!(joins(&[(1, 2, Alias), (2, 1, Alias)]), [(1, 2)], "who claims each other is joined once");
        assert_eq!(joins(&[(7, 7, Alias)]), []);
    }

    #[test]
    fn a_trace_of_several_requests_is_nobodys() {
        use IdKind::{Alias, Trace};
        assert_eq!(joins(&[(10, TRACE, Trace)]), [(10, TRACE)]);
        assert_eq!(joins(&[(10, TRACE, Trace), (11, TRACE, Trace)]), []);
        let many: Vec<_> = (10..90).map(|request| (request, TRACE, Trace)).collect();
        assert_eq!(joins(&many), []);
        assert_eq!(joins(&[(10, TRACE, Trace), (10, 5, Trace)]), [(10, TRACE), (10, 5)], "a retry");
        assert_eq!(joins(&[(10, 20, Alias), (10, 21, Alias)]), [], "a batch of several requests");
        assert_eq!(joins(&[(10, 20, Alias), (11, 20, Alias)]), []);
    }

    #[test]
    fn what_is_forgotten_does_not_come_back() {
        let mut aliases = Aliases::default();
        for number in 0..100 {
            aliases.claim(1_000 + number, number, IdKind::Trace);
        }
        assert_eq!(aliases.halve(), 50);
        assert!(!aliases.claim(2_000, 99, IdKind::Trace));
        assert_eq!(aliases.joins(|_| true).len(), 50);
        assert_eq!(aliases.joins(|key| key == 7), [Join { request: 1_007, alias: 7, kind: IdKind::Trace }]);
    }

    #[test]
    fn those_around_are_found_both_ways() {
        let mut aliases = Aliases::default();
        aliases.claim(GATEWAY, FUNCTION, IdKind::Alias);
        aliases.claim(FUNCTION, OWN, IdKind::Alias);
        assert_eq!(aliases.around(OWN), [FUNCTION, GATEWAY]);
        assert_eq!(aliases.around(GATEWAY), [FUNCTION, OWN]);
        aliases.close(FUNCTION);
        assert_eq!(aliases.around(GATEWAY), [FUNCTION]);
        assert!(aliases.around(77).is_empty());
    }
}
