//! What the logs lack: which phases of a failed request left no line, and which logging change would have told more. It
//! looks at what was logged of failed requests, names no cause and takes no confidence away.

mod changes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use memchr::memmem;
use serde::Serialize;

use super::judge::Judged;
use super::telemetry::Figures;
use crate::correlate::family;
use crate::correlate::line::Line;
use crate::record::{IdKind, Marks};
use crate::rules::RuleSet;
use crate::rules::model::Class;
pub use changes::Change;

/// Below this confidence a cause counts as not certain.
const CERTAIN: f64 = 0.6;
/// Route families that are told of.
const MAX_FAMILIES: usize = 20;
/// Missing phases of a family that come with a change.
const MAX_CHANGES: usize = 3;
/// Bytes of a line that are looked at.
const MAX_BYTES: usize = 600;
/// Words of a line that a request came in.
const RECEIVED: &[&str] =
    &["request received", "incoming request", "request started", "--> ", "received request"];
/// Words of a line on who asks.
const AUTHENTICATED: &[&str] =
    &["authenticated", "authorized", "session", "logged in", "token verified", "signed in"];
/// Words of a line on the start of a client or pool.
const INITIALISED: &[&str] = &[
    "connected to",
    "connection established",
    "pool created",
    "client created",
    "initialized",
    "initialised",
];
/// Words of a line on a call to a database.
const DATABASE: &[&str] =
    &["select ", "insert into", "update ", "delete from", "prisma:query", "executing query", "query took"];
/// Words of a line on flags.
const FLAGGED: &[&str] = &["feature flag"];

/// Which words of a line tell of which phase.
const WORDS: [(Phase, &[&str]); 5] = [
    (Phase::RequestReceipt, RECEIVED),
    (Phase::Authentication, AUTHENTICATED),
    (Phase::DependencyInit, INITIALISED),
    (Phase::DatabaseCall, DATABASE),
    (Phase::FeatureFlags, FLAGGED),
];
/// Which parts of a field's name do.
const NAMES: [(Phase, &[&str]); 4] = [
    (Phase::IdPassedOn, &["traceparent", "x-request-id", "x-correlation-id", "x-amzn-trace"]),
    (Phase::Authentication, &["user_id", "userid", "session", "auth"]),
    (Phase::DatabaseCall, &["query", "sql", "db."]),
    (Phase::FeatureFlags, &["flag", "feature", "experiment"]),
];

/// [`WORDS`] and [`NAMES`] as they are searched for, which takes time to prepare.
static SEARCHES: LazyLock<[Search; 2]> = LazyLock::new(|| [Search::new(&WORDS), Search::new(&NAMES)]);

/// One search for the words of all phases, in any case.
struct Search {
    words: AhoCorasick,
    /// The phase of each word.
    phases: Vec<Phase>,
}

impl Search {
    fn new(words: &[(Phase, &[&str])]) -> Search {
        let all = words.iter().flat_map(|(phase, words)| words.iter().map(|word| (*phase, *word)));
        let (phases, words): (Vec<Phase>, Vec<&str>) = all.unzip();
        let words = AhoCorasick::builder().ascii_case_insensitive(true).build(words);
        Search { words: words.expect("a few short words make a small automaton"), phases }
    }

    /// Adds the phases whose words occur.
    fn find(&self, text: &[u8], into: &mut Phases) {
        for found in self.words.find_overlapping_iter(text) {
            into.0 |= self.phases[found.pattern().as_usize()].bit();
        }
    }
}

/// What a request can log of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A correlation ID on every line.
    CorrelationId,
    /// The ID passed on to outbound calls; asked for only where an outbound call failed.
    IdPassedOn,
    /// A line when the request came in.
    RequestReceipt,
    /// A line on who asks: session, token, user.
    Authentication,
    /// A line when a client or pool was made.
    DependencyInit,
    /// Lines before and after a call to the database.
    DatabaseCall,
    /// A line when the answer went out, with its status.
    ResponseEmission,
    /// The class of the error, not its message alone.
    ErrorClass,
    /// Feature flags in force.
    FeatureFlags,
    /// Size, use and queue of the connection pool.
    PoolFigures,
}

impl Phase {
    /// All, in the order in which a request goes through them.
    pub const ALL: [Phase; 10] = [
        Phase::CorrelationId,
        Phase::IdPassedOn,
        Phase::RequestReceipt,
        Phase::Authentication,
        Phase::DependencyInit,
        Phase::DatabaseCall,
        Phase::ResponseEmission,
        Phase::ErrorClass,
        Phase::FeatureFlags,
        Phase::PoolFigures,
    ];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Phase::CorrelationId => "a correlation ID on every line",
            Phase::IdPassedOn => "the ID passed on to outbound calls",
            Phase::RequestReceipt => "request receipt",
            Phase::Authentication => "authentication",
            Phase::DependencyInit => "start of dependencies",
            Phase::DatabaseCall => "database calls",
            Phase::ResponseEmission => "the answer with its status",
            Phase::ErrorClass => "the error's class",
            Phase::FeatureFlags => "feature flags",
            Phase::PoolFigures => "pool figures",
        }
    }

    /// How much it helps a diagnosis, as a weight: what joins lines and what names an error most.
    fn weight(self) -> u64 {
        match self {
            Phase::CorrelationId | Phase::ErrorClass => 4,
            Phase::DatabaseCall | Phase::ResponseEmission => 2,
            Phase::RequestReceipt | Phase::DependencyInit | Phase::PoolFigures | Phase::IdPassedOn => 2,
            Phase::Authentication | Phase::FeatureFlags => 1,
        }
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of phases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases(u16);

impl Phases {
    /// Whether it is in the set.
    pub fn has(self, phase: Phase) -> bool {
        self.0 & phase.bit() != 0
    }

    fn add(&mut self, phase: Phase, present: bool) {
        if present {
            self.0 |= phase.bit();
        }
    }
}

/// What the lines of one request tell of. Words are looked for, not understood: a phase counts as logged as soon as
/// anything speaks of it, so that a gap that is shown is one.
pub fn phases(lines: &[Line], kind: IdKind, figures: &Figures) -> Phases {
    let mut seen = Phases::default();
    seen.add(Phase::CorrelationId, matches!(kind, IdKind::Request | IdKind::Scoped | IdKind::Trace));
    seen.add(Phase::PoolFigures, !figures.captures().is_empty());
    let [words, names] = &*SEARCHES;
    for line in lines {
        let record = &line.record;
        let marks = record.marks;
        let text = line.text.as_bytes();
        words.find(text.get(..MAX_BYTES).unwrap_or(text), &mut seen);
        for (name, _) in &record.fields {
            names.find(name.as_bytes(), &mut seen);
        }
        seen.add(Phase::RequestReceipt, marks.has(Marks::START));
        seen.add(Phase::DependencyInit, marks.has(Marks::INIT));
        let answered =
            record.status.is_some() && marks.has(Marks::END.and(Marks::CLIENT).and(Marks::SUMMARY));
        seen.add(Phase::ResponseEmission, answered);
        if !seen.has(Phase::ErrorClass) {
            seen.add(Phase::ErrorClass, record.error_class.is_some() || names_error_class(&line.text));
        }
    }
    seen
}

/// Whether a text holds a word such as `TypeError` or `java.sql.SQLException`; `Error` alone says nothing.
fn names_error_class(text: &str) -> bool {
    let head = text.as_bytes().get(..MAX_BYTES).unwrap_or(text.as_bytes());
    let in_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let mut ends = ["Error", "Exception"].into_iter().flat_map(|end| {
        let places = memmem::find_iter(head, end);
        places.filter(move |at| !head.get(at + end.len()).is_some_and(in_word))
    });
    ends.any(|at| {
        head[..at]
            .rsplit(|b| !in_word(b))
            .next()
            .is_some_and(|word| word.first().is_some_and(u8::is_ascii_uppercase))
    })
}

/// What the failed requests of one route family lack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gap {
    /// Route family; null for requests without a route.
    pub family: Option<String>,
    /// Failed requests.
    pub requests: u64,
    /// Of these without a cause, or with one that is not certain.
    pub uncertain: u64,
    /// How much of what would help was logged, 0–1, weighted.
    pub score: f64,
    /// Phases that some of them did not log, the most telling first.
    pub missing: Vec<Missing>,
}

/// A phase that was not logged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missing {
    /// Which.
    pub phase: Phase,
    /// Failed requests without it.
    pub requests: u64,
    /// Of the uncertain ones so many.
    pub uncertain: u64,
    /// How to log it; for those at the head of the list only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

/// Counts of one family.
#[derive(Default)]
struct Count {
    requests: u64,
    uncertain: u64,
    present: u64,
    wanted: u64,
    missing: BTreeMap<Phase, (u64, u64, u64)>,
}

/// What every route family lacks, those with the most uncertain failures first.
pub fn of(judged: &[Judged], rules: &RuleSet) -> Vec<Gap> {
    let mut counts: BTreeMap<Option<&str>, Count> = BTreeMap::new();
    for one in judged {
        let family = one.route.as_deref().map(family::of_route);
        count(counts.entry(family).or_default(), one, rules);
    }
    let mut gaps: Vec<Gap> =
        counts.into_iter().map(|(family, count)| gap(family.map(str::to_owned), count)).collect();
    gaps.retain(|gap| !gap.missing.is_empty());
    gaps.sort_by(|a, b| {
        b.uncertain.cmp(&a.uncertain).then(b.requests.cmp(&a.requests)).then(a.family.cmp(&b.family))
    });
    gaps.truncate(MAX_FAMILIES);
    gaps
}

fn count(count: &mut Count, one: &Judged, rules: &RuleSet) {
    let class_of = |rule: u16| rules.by_index(rule).map(|rule| rule.class);
    let uncertain = one.diagnosis.rule.is_none() || one.diagnosis.confidence < CERTAIN;
    // What is suspected says what would have helped.
    let suspected =
        [one.diagnosis.rule, one.diagnosis.symptom, one.diagnosis.rivals.first().map(|(rule, _)| *rule)];
    let connectivity =
        suspected.into_iter().flatten().any(|rule| class_of(rule) == Some(Class::Connectivity));
    count.requests += 1;
    count.uncertain += u64::from(uncertain);
    for phase in Phase::ALL {
        let of_dependencies = matches!(
            phase,
            Phase::IdPassedOn | Phase::PoolFigures | Phase::DependencyInit | Phase::DatabaseCall
        );
        if phase == Phase::IdPassedOn && !connectivity {
            continue;
        }
        count.wanted += phase.weight();
        if one.logged.has(phase) {
            count.present += phase.weight();
            continue;
        }
        let weight = phase.weight() * if of_dependencies && connectivity { 3 } else { 1 };
        let (requests, open, weights) = count.missing.entry(phase).or_default();
        *requests += 1;
        *open += u64::from(uncertain);
        *weights += if uncertain { weight * 1000 } else { weight };
    }
}

fn gap(family: Option<String>, count: Count) -> Gap {
    let mut missing: Vec<(u64, Missing)> = count
        .missing
        .into_iter()
        .map(|(phase, (requests, uncertain, weight))| {
            (weight, Missing { phase, requests, uncertain, change: None })
        })
        .collect();
    missing.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.phase.cmp(&y.phase)));
    let mut missing: Vec<Missing> = missing.into_iter().map(|(_, missing)| missing).collect();
    for one in missing.iter_mut().take(MAX_CHANGES) {
        one.change = Some(changes::of(one.phase));
    }
    let score = count.present as f64 / count.wanted.max(1) as f64;
    Gap {
        family,
        requests: count.requests,
        uncertain: count.uncertain,
        score: (score * 100.0).round() / 100.0,
        missing,
    }
}
