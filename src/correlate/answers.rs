//! Errors that name their request in the log of a server, and the access lines of failed requests in another: which belongs
//! to which. Neither has an ID; what they have in common is the second, the client, the method, the path. A pure function
//! of the two sets. Not here: how they are kept, and what becomes of those that are joined (`table/loose.rs`).
//!
//! Where nothing tells two requests apart, none is guessed, but for one case: if there are as many errors as failed requests
//! and all say the same, any pairing is right, and they are paired in order.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use super::held::Order;

/// Least seconds of log time between the answers of two requests that cannot have one error in common.
const APART_SECONDS: i64 = 2;

/// An error that names its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unanswered {
    /// Where it stands.
    pub order: Order,
    /// Second of log time.
    pub second: i64,
    /// Of method and path, or of the path alone.
    pub request: Option<u64>,
    /// As in [`crate::record::Asked`].
    pub client: Option<u64>,
    /// As in [`crate::record::Asked`].
    pub target: Option<u64>,
    /// As in [`crate::record::Asked`].
    pub connection: Option<u64>,
    /// The access line stands at the time at which the request came.
    pub at_arrival: bool,
    /// Of what it says, but for numbers.
    pub text: u64,
}

/// The access line of a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Where it stands.
    pub order: Order,
    /// Second of log time.
    pub second: i64,
    /// Of method and path.
    pub request: u64,
    /// Of the path alone.
    pub path: u64,
    /// As in [`crate::record::Asked`].
    pub client: Option<u64>,
    /// As in [`crate::record::Asked`].
    pub target: Option<u64>,
    /// As in [`crate::record::Asked`].
    pub has_query: bool,
    /// Of the request.
    pub key: u64,
}

/// What lines of one request have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Kind {
    request: Option<u64>,
    client: Option<u64>,
    target: Option<u64>,
}

/// Errors of one request: those of one connection, or a single one.
#[derive(Debug, Clone)]
struct Unit {
    second: i64,
    text: u64,
    errors: Vec<usize>,
}

/// Pairs errors with answers: index of the error, key of the request. The errors are of one source.
pub fn pair(errors: &[Unanswered], answers: &[Answer]) -> Vec<(usize, u64)> {
    let mut answers = answers.to_vec();
    answers.sort_by_key(|answer| (answer.second, answer.order, answer.key));
    // One request may have several lines.
    let mut seen = HashSet::new();
    answers.retain(|answer| seen.insert(answer.key));
    let mut pairs = Vec::new();
    let all: Vec<usize> = (0..errors.len()).collect();
    let (named, by_client): (Vec<usize>, Vec<usize>) =
        all.into_iter().partition(|index| errors[*index].request.is_some());
    let clients: HashSet<u64> = answers.iter().filter_map(|answer| answer.client).collect();
    // Behind a balancer the two logs may not write the same address; not every access log has the query.
    let by_address =
        named.iter().any(|index| errors[*index].client.is_some_and(|one| clients.contains(&one)));
    let by_query = answers.iter().any(|answer| answer.has_query);
    let mut taken: HashSet<u64> = HashSet::new();
    for (late, indexes) in [(false, named), (true, by_client)] {
        let mut kinds: HashMap<Kind, (Vec<usize>, Vec<usize>)> = HashMap::new();
        let mut requests: HashSet<u64> = HashSet::new();
        for index in indexes {
            let error = &errors[index];
            let kind = Kind {
                request: error.request,
                client: error.client.filter(|_| late || by_address),
                target: error.target.filter(|_| by_query),
            };
            if kind.request.is_none() && kind.client.is_none() {
                continue;
            }
            requests.extend(kind.request);
            kinds.entry(kind).or_default().0.push(index);
        }
        for (index, answer) in answers.iter().enumerate() {
            if taken.contains(&answer.key) {
                continue;
            }
            for kind in kinds_of(answer, late) {
                if let Some((_, theirs)) = kinds.get_mut(&kind) {
                    theirs.push(index);
                }
            }
        }
        let mut found: Vec<(usize, u64)> = kinds
            .into_values()
            .flat_map(|(errors_of, answers_of)| of_kind(errors, errors_of, &answers, &answers_of))
            .collect();
        taken.extend(found.iter().map(|(_, key)| *key));
        pairs.append(&mut found);
    }
    pairs.sort_unstable();
    pairs
}

/// The kinds of errors that may be this answer's.
fn kinds_of(answer: &Answer, by_client: bool) -> Vec<Kind> {
    let requests: &[Option<u64>] =
        if by_client { &[None] } else { &[Some(answer.request), Some(answer.path)] };
    let mut kinds = Vec::with_capacity(8);
    for request in requests {
        for client in [answer.client, None] {
            for target in [answer.target, None] {
                let kind = Kind { request: *request, client, target };
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
    }
    kinds
}

/// Pairs within a kind, by seconds.
fn of_kind(
    errors: &[Unanswered],
    mut mine: Vec<usize>,
    answers: &[Answer],
    theirs: &[usize],
) -> Vec<(usize, u64)> {
    if theirs.is_empty() {
        return Vec::new();
    }
    mine.sort_by_key(|index| (errors[*index].second, errors[*index].order));
    let mut pairs = Vec::new();
    let (mut from, mut first) = (0, 0);
    while first < theirs.len() {
        // What lies so near to each other that it may be mixed up.
        let mut last_second = answers[theirs[first]].second;
        let mut end = first + 1;
        while end < theirs.len() && answers[theirs[end]].second - last_second < APART_SECONDS {
            last_second = answers[theirs[end]].second;
            end += 1;
        }
        let near = &theirs[first..end];
        let first_second = answers[near[0]].second;
        let at = |index: usize| errors[mine[index]].second;
        while from < mine.len() && at(from) < first_second - 1 {
            from += 1;
        }
        let mut to = from;
        while to < mine.len() && at(to) <= last_second + 1 {
            to += 1;
        }
        let near_errors: Vec<usize> = mine[from..to]
            .iter()
            .copied()
            .filter(|index| near.iter().any(|answer| may_be(&errors[*index], &answers[*answer])))
            .collect();
        pairs.extend(of_cluster(errors, &near_errors, answers, near));
        first = end;
    }
    pairs
}

/// Whether an error may be of the request with this answer: an access line is written a moment later than the error, or
/// stands at the time at which the request came.
fn may_be(error: &Unanswered, answer: &Answer) -> bool {
    let later = answer.second - error.second;
    if error.at_arrival { (-1..=0).contains(&later) } else { (0..=1).contains(&later) }
}

fn of_cluster(
    errors: &[Unanswered],
    mine: &[usize],
    answers: &[Answer],
    theirs: &[usize],
) -> Vec<(usize, u64)> {
    let by_connection = units(errors, mine, true);
    if let [only] = theirs {
        // The address alone is less than the path: others of the same client may have their errors here too.
        let is_sure = by_connection.len() == 1 || mine.iter().all(|index| errors[*index].request.is_some());
        let sure = if is_sure { mine } else { &[] };
        return sure.iter().map(|index| (*index, answers[*only].key)).collect();
    }
    let singly = units(errors, mine, false);
    for units in [by_connection, singly] {
        let pairs = of_units(errors, &units, answers, theirs);
        if !pairs.is_empty() {
            return pairs;
        }
    }
    Vec::new()
}

fn units(errors: &[Unanswered], indexes: &[usize], by_connection: bool) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut known: HashMap<u64, usize> = HashMap::new();
    for index in indexes {
        let error = &errors[*index];
        let have = error.connection.filter(|_| by_connection).and_then(|connection| {
            let next = units.len();
            let at = *known.entry(connection).or_insert(next);
            units.get_mut(at)
        });
        match have {
            Some(unit) => {
                unit.second = error.second;
                unit.text = unit.text.rotate_left(7) ^ error.text;
                unit.errors.push(*index);
            }
            None => units.push(Unit { second: error.second, text: error.text, errors: vec![*index] }),
        }
    }
    units.sort_by_key(|unit| (unit.second, unit.errors.first().map(|index| errors[*index].order)));
    units
}

fn of_units(
    errors: &[Unanswered],
    units: &[Unit],
    answers: &[Answer],
    theirs: &[usize],
) -> Vec<(usize, u64)> {
    let mut pairs = Vec::new();
    let mut join = |unit: &Unit, answer: usize| {
        pairs.extend(unit.errors.iter().map(|index| (*index, answers[answer].key)));
    };
    let fits = |unit: &Unit, answer: usize| {
        unit.errors.last().is_some_and(|index| may_be(&errors[*index], &answers[answer]))
    };
    let in_order = || units.iter().zip(theirs.iter().copied());
    if units.len() == theirs.len()
        && say_the_same(units)
        && in_order().all(|(unit, answer)| fits(unit, answer))
    {
        in_order().for_each(|(unit, answer)| join(unit, answer));
        return pairs;
    }
    // By single seconds, where the numbers fit in those beside them too: then nothing was carried over.
    let mut seconds: Vec<i64> = theirs.iter().map(|index| answers[*index].second).collect();
    seconds.dedup();
    for second in seconds {
        let units_at = |second: i64| {
            let from = units.partition_point(|unit| unit.second < second);
            let to = units.partition_point(|unit| unit.second <= second);
            &units[from..to]
        };
        let answers_at = |second: i64| {
            let from = theirs.partition_point(|index| answers[*index].second < second);
            let to = theirs.partition_point(|index| answers[*index].second <= second);
            &theirs[from..to]
        };
        let is_even = (second - 1..=second + 1).all(|at| units_at(at).len() == answers_at(at).len());
        let here = units_at(second);
        if is_even && say_the_same(here) {
            here.iter().zip(answers_at(second)).for_each(|(unit, answer)| join(unit, *answer));
        }
    }
    pairs
}

fn say_the_same(units: &[Unit]) -> bool {
    units.windows(2).all(|pair| pair[0].text == pair[1].text)
}

/// Blocks that name no request in the log of an application, and the failed requests of a server in front of it: if there
/// are as many of them in the two logs, two at least, and each pair is of one second, they are the same. `blocks` and
/// `answers` by source; index of the block, key of the request.
pub fn pair_all(blocks: &[(Order, i64)], answers: &[Answer]) -> Vec<(usize, u64)> {
    let mut by_source: BTreeMap<u32, Vec<&Answer>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for answer in answers {
        if seen.insert(answer.key) {
            by_source.entry(answer.order.source).or_default().push(answer);
        }
    }
    let mut mine: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, (order, _)) in blocks.iter().enumerate() {
        mine.entry(order.source).or_default().push(index);
    }
    mine.values_mut().for_each(|indexes| indexes.sort_by_key(|index| blocks[*index].0));
    by_source.values_mut().for_each(|answers| answers.sort_by_key(|answer| (answer.second, answer.order)));
    let fits = |indexes: &[usize], answers: &[&Answer]| {
        indexes.len() >= 2
            && indexes.len() == answers.len()
            && indexes
                .iter()
                .zip(answers)
                .all(|(index, answer)| (0..=1).contains(&(answer.second - blocks[*index].1)))
    };
    let mut pairs = Vec::new();
    for (source, indexes) in &mine {
        let mut fitting =
            by_source.iter().filter(|(other, theirs)| *other != source && fits(indexes, theirs));
        let (Some((_, theirs)), None) = (fitting.next(), fitting.next()) else { continue };
        let rivals = mine.values().filter(|rivals| fits(rivals, theirs)).count();
        if rivals == 1 {
            pairs.extend(indexes.iter().copied().zip(theirs.iter().map(|answer| answer.key)));
        }
    }
    pairs
}

#[cfg(test)]
mod tests;
