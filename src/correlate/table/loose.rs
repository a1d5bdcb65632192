//! Errors that stand beside no completion of their own source: those that name their request in the log of a server, and
//! blocks of applications that print no completions. They wait for the end of the input, for only then it is known which
//! failed requests there are (`correlate/answers.rs` pairs them); what finds none is a request by itself, or of none.

use std::collections::BTreeSet;

use hashbrown::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64;

use super::{Correlator, Origin};
use crate::correlate::answers::{Answer, Unanswered, pair, pair_all};
use crate::correlate::attach::names_failed_request;
use crate::correlate::budget::Budget;
use crate::correlate::held::{Body, Held, Order, identity};
use crate::correlate::spill::restore;
use crate::record::{IdKind, Level, Marks, Record};

/// Bytes that the note of an answer takes, roughly.
const ANSWER_BYTES: usize = 128;
/// Most errors that wait and are no request by themselves, the earliest.
const MAX_WAITING: usize = 100_000;
/// Bytes of a text that are looked at to tell whether two say the same.
const LOOK_BYTES: usize = 4096;

/// What waits, and what it waits for.
#[derive(Debug, Clone, Default)]
pub struct Loose {
    /// By its own place where it is a request by itself, else by its identity.
    waiting: HashMap<u64, Waiting>,
    /// Keys of those that are no request by themselves.
    others: BTreeSet<(Order, u64)>,
    answers: Vec<Answer>,
}

#[derive(Debug, Clone)]
struct Waiting {
    held: Held,
    /// The request that it is if it finds none.
    own: Option<u64>,
    /// It names its request.
    names: Option<Unanswered>,
    /// As in [`crate::record::Asked`].
    quoted: Option<u64>,
    /// It is a request by itself, with a time and without a path.
    is_blank: bool,
}

impl Loose {
    /// Notes the access line of a failed request; these are always decoded. An application's own completion stands beside its errors.
    pub fn note_answer(&mut self, key: u64, record: &Record, order: Order, budget: &mut Budget) {
        let failed = record.payload == "access-log" && record.status >= Some(500);
        let (Some(time_ms), Some(path)) = (record.time_ms.filter(|_| failed), record.path.as_deref()) else {
            return;
        };
        let asked = record.asked.as_deref().copied().unwrap_or_default();
        budget.change(0, ANSWER_BYTES);
        self.answers.push(Answer {
            order,
            second: time_ms.div_euclid(1000),
            request: request_key(record.method.as_deref(), path),
            path: request_key(None, path),
            client: asked.client,
            target: asked.target,
            has_query: asked.has_query,
            key,
        });
    }

    fn bytes(&self) -> usize {
        self.waiting.values().map(Waiting::bytes).sum()
    }
}

impl Waiting {
    fn bytes(&self) -> usize {
        self.held.bytes() + ANSWER_BYTES
    }
}

fn request_key(method: Option<&str>, path: &str) -> u64 {
    xxh3_64(format!("{}\0{path}", method.unwrap_or_default()).as_bytes())
}

/// What an error says of its request, if that is enough to find it.
fn unanswered(record: &Record, order: Order) -> Option<Unanswered> {
    let second = record.time_ms.filter(|_| !record.marks.has(Marks::NO_TIME))?.div_euclid(1000);
    let asked = record.asked.as_deref().copied().unwrap_or_default();
    let names = names_failed_request(record)
        || (asked.at_arrival
            && asked.client.is_some()
            && record.status.is_none()
            && record.level >= Some(Level::Error));
    let request = record.path.as_deref().map(|path| request_key(record.method.as_deref(), path));
    names.then(|| Unanswered {
        order,
        second,
        request,
        client: asked.client,
        target: asked.target,
        connection: asked.connection,
        at_arrival: asked.at_arrival,
        text: text_key(record),
    })
}

/// What a text says, but for words with digits in them, and without what a server adds of the request.
fn text_key(record: &Record) -> u64 {
    let text = record.message.split(", client: ").next().unwrap_or_default();
    let mut end = text.len().min(LOOK_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let words = text[..end].split(|c: char| !c.is_alphanumeric());
    let words = words.map(|word| if word.bytes().any(|b| b.is_ascii_digit()) { "#" } else { word });
    xxh3_64(words.collect::<Vec<_>>().join(" ").as_bytes())
}

impl Correlator<'_> {
    /// Has a record wait that may belong to a request of another source; false if it is no such record. `own`: the request
    /// that it is if it does not.
    pub(super) fn loosen(
        &mut self,
        record: &Record,
        own: Option<u64>,
        format: &'static str,
        origin: Origin<'_>,
    ) -> bool {
        let order = Order::new(record.time_ms, record.at, origin.backwards);
        let names = unanswered(record, order);
        let quoted = record.asked.as_deref().and_then(|asked| asked.quoted);
        let is_blank = own.is_some()
            && record.time_ms.is_some()
            && !record.marks.has(Marks::NO_TIME)
            && record.path.is_none()
            && record.id.is_none();
        if names.is_none() && !is_blank && (own.is_none() || quoted.is_none()) {
            return false;
        }
        let identity = identity(record);
        let held = Held::of_record(identity, order, record.clone(), format);
        let waiting = Waiting { held, own, names, quoted, is_blank };
        let bytes = waiting.bytes();
        let key = own.unwrap_or(identity);
        let have = self.loose.waiting.get(&key).map(|have| have.held.order);
        if have.is_none_or(|have| order < have) {
            let was_bytes = self.loose.waiting.insert(key, waiting).map_or(0, |was| was.bytes());
            self.budget.change(was_bytes, bytes);
            if own.is_none() {
                have.map(|have| self.loose.others.remove(&(have, key)));
                self.loose.others.insert((order, key));
            }
        }
        if self.loose.others.len() > MAX_WAITING
            && let Some((_, key)) = self.loose.others.pop_last()
        {
            self.wait_no_longer(key);
        }
        if self.budget.is_over() {
            self.relieve();
        }
        true
    }

    /// Joins what waits with the requests that it belongs to.
    pub(super) fn settle_loose(&mut self) {
        let Loose { waiting, answers, .. } = std::mem::take(&mut self.loose);
        let mut waiting: Vec<Waiting> = waiting.into_values().collect();
        waiting.sort_by(|a, b| a.held.order.cmp(&b.held.order).then(a.own.cmp(&b.own)));
        let mut found: Vec<Option<u64>> = vec![None; waiting.len()];
        let mut by_source: HashMap<u32, Vec<usize>> = HashMap::new();
        for (index, one) in waiting.iter().enumerate() {
            if one.names.is_some() {
                by_source.entry(one.held.order.source).or_default().push(index);
            }
        }
        for indexes in by_source.values() {
            let errors: Vec<Unanswered> = indexes.iter().filter_map(|index| waiting[*index].names).collect();
            for (error, key) in pair(&errors, &answers) {
                found[indexes[error]] = Some(key);
            }
        }
        let repeated = join_quoted(&waiting, &mut found);
        let blank: Vec<usize> = (0..waiting.len())
            .filter(|index| {
                waiting[*index].own.is_some() && waiting[*index].is_blank && found[*index].is_none()
            })
            .collect();
        let blocks: Vec<(Order, i64)> = blank
            .iter()
            .map(|index| waiting[*index].held.order)
            .map(|order| (order, order.time_ms.div_euclid(1000)))
            .collect();
        for (block, key) in pair_all(&blocks, &answers) {
            found[blank[block]] = Some(key);
        }
        for (index, (one, found)) in waiting.into_iter().zip(found).enumerate() {
            if repeated.contains(&index) {
                self.unattributed += 1;
            } else {
                self.put_loose(one, found);
            }
        }
    }

    fn put_loose(&mut self, one: Waiting, found: Option<u64>) {
        let mut held = [one.held];
        restore(&mut held);
        let [held] = held;
        let (key, kind) = match (found, one.own) {
            (Some(key), _) => (key, IdKind::Order),
            (None, Some(own)) => (own, IdKind::Fallback),
            (None, None) => {
                self.unattributed += 1;
                return self.keep_outside(held);
            }
        };
        let order = held.order;
        if let Body::Record(decoded) = held.body {
            let (record, format) = *decoded;
            self.put_in_order(key, None, kind, record, format, order);
        }
    }

    /// Puts what waits on disk.
    pub(super) fn store_loose(&mut self) {
        let Some(entries) = &self.entries else { return };
        for one in self.loose.waiting.values_mut() {
            let before = one.held.bytes();
            if entries.put(&mut one.held) {
                self.budget.change(before, one.held.bytes());
            }
        }
    }

    /// Of more errors that wait than there is room for, the later half waits no longer.
    pub(super) fn forget_loose(&mut self) {
        let before = self.loose.bytes();
        if before <= self.budget.aliases_bytes() {
            return;
        }
        let mut order: Vec<(Order, u64)> =
            self.loose.waiting.iter().map(|(key, one)| (one.held.order, *key)).collect();
        order.sort_unstable();
        for (order, key) in order.split_off(order.len() / 2) {
            self.losses.cut += 1;
            self.loose.others.remove(&(order, key));
            self.wait_no_longer(key);
        }
    }

    fn wait_no_longer(&mut self, key: u64) {
        if let Some(one) = self.loose.waiting.remove(&key) {
            self.budget.change(one.bytes(), 0);
            self.put_loose(one, None);
        }
    }
}

/// What an application wrote stands twice where its server quotes it: what waits goes to the request of the quotation.
/// Without a time of its own it says nothing more than that; those are returned.
fn join_quoted(waiting: &[Waiting], found: &mut [Option<u64>]) -> HashSet<usize> {
    let mut quotations: HashMap<u64, Vec<u64>> = HashMap::new();
    let mut blocks: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, one) in waiting.iter().enumerate() {
        let Some(quoted) = one.quoted else { continue };
        match found[index] {
            Some(key) => quotations.entry(quoted).or_default().push(key),
            None if one.own.is_some() => blocks.entry(quoted).or_default().push(index),
            None => {}
        }
    }
    let mut repeated = HashSet::new();
    for (quoted, indexes) in blocks {
        let keys = quotations.get(&quoted).map(Vec::as_slice).unwrap_or_default();
        if indexes.len() > keys.len() {
            continue;
        }
        for (index, key) in indexes.into_iter().zip(keys) {
            if waiting[index].is_blank {
                found[index] = Some(*key);
            } else {
                repeated.insert(index);
            }
        }
    }
    repeated
}
