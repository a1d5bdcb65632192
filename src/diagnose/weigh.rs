//! From the signals of a request to one cause, its confidence and its rivals.
//!
//! Every rule that fired gets a score: its best signal, raised a little by further lines that say so, lowered by what
//! contradicts it or says that it was survived. Causes that explain others beat them, wrappers and symptoms win over
//! nothing, the triage order breaks ties.

use std::collections::{BTreeMap, BTreeSet};

use crate::correlate::line::Line;
use crate::record::Level;
use crate::rules::model::{Class, Effect, Status, Strength};
use crate::rules::{Hit, RuleSet};

/// What the rules say of one failed request.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// Index of the rule that won; None when unclassified.
    pub rule: Option<u16>,
    /// Probability that the class is right; 0 when unclassified.
    pub confidence: f64,
    /// Other rules that fired, best first, with their scores.
    pub rivals: Vec<(u16, f64)>,
    /// What the winner's signals captured.
    pub captures: BTreeMap<String, String>,
    /// Lines (by index) in which the winner's signals were found, best first, with the offset of the match in the
    /// line's text.
    pub evidence: Vec<(usize, usize)>,
    /// A wrapper or symptom that was seen where nothing better was.
    pub symptom: Option<u16>,
}

/// Score below which a cause is not named.
const MIN_SCORE: f64 = 0.4;
/// Scores closer than this are a tie, which the triage order breaks.
const TIE: f64 = 0.021;

#[derive(Debug, Default)]
struct Case {
    best: Option<Strength>,
    /// Lines with a supporting signal: two patterns on one line are one witness.
    witnesses: BTreeSet<usize>,
    contradicting: BTreeSet<u16>,
    last_support: usize,
    first_support: usize,
    last_recovery: Option<usize>,
    severe: bool,
    hits: Vec<(Strength, usize, usize)>,
}

/// Weighs the lines of one request.
pub fn weigh(lines: &[Line], rules: &RuleSet) -> Diagnosis {
    let mut cases: BTreeMap<u16, Case> = BTreeMap::new();
    let any_severe =
        lines.iter().any(|line| !line.hits.is_empty() && line.record.level >= Some(Level::Error));
    for (index, line) in lines.iter().enumerate() {
        for hit in &line.hits {
            let case = cases.entry(hit.rule).or_default();
            match hit.effect {
                Effect::Supports => {
                    if case.best.is_none() {
                        case.first_support = index;
                    }
                    case.best = case.best.max(Some(hit.strength));
                    case.witnesses.insert(index);
                    case.last_support = index;
                    case.severe |= line.record.level.is_none_or(|level| level >= Level::Error);
                    case.hits.push((hit.strength, index, hit.start));
                }
                Effect::Contradicts => {
                    case.contradicting.insert(hit.signal);
                }
                Effect::Recovers => case.last_recovery = Some(index),
            }
        }
    }
    let mut scores: Vec<(u16, f64)> = cases
        .iter()
        .filter(|(_, case)| case.best.is_some())
        .map(|(rule, case)| (*rule, score(*rule, case, any_severe, rules)))
        .collect();
    scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let is_symptom = |rule: u16| rules.by_index(rule).is_some_and(|rule| rule.symptom);
    let fired: Vec<u16> =
        scores.iter().filter(|(_, score)| *score >= MIN_SCORE).map(|(rule, _)| *rule).collect();
    let standing: Vec<(u16, f64)> = scores
        .iter()
        .copied()
        .filter(|(rule, score)| {
            *score >= MIN_SCORE
                && !is_symptom(*rule)
                && !fired.iter().any(|other| rules.yields(*rule, *other))
        })
        .collect();
    let symptom = scores.iter().find(|(rule, _)| is_symptom(*rule)).map(|(rule, _)| *rule);
    let Some(&(_, top)) = standing.first() else {
        return Diagnosis {
            rule: None,
            confidence: 0.0,
            rivals: scores,
            captures: BTreeMap::new(),
            evidence: Vec::new(),
            symptom,
        };
    };
    let class = |rule: u16| rules.by_index(rule).map_or(Class::Unclassified, |rule| rule.class);
    let winner = standing
        .iter()
        .filter(|(_, score)| top - score < TIE)
        .min_by_key(|(rule, _)| (class(*rule), cases[rule].first_support, *rule))
        .map_or(0, |(rule, _)| *rule);
    let own = scores.iter().find(|(rule, _)| *rule == winner).map_or(0.0, |(_, score)| *score);
    let rivals: Vec<(u16, f64)> = scores
        .iter()
        .copied()
        .filter(|(rule, _)| *rule != winner)
        .map(|(rule, score)| (rule, round(score)))
        .collect();
    let against = standing
        .iter()
        .filter(|(rule, _)| class(*rule) != class(winner))
        .map(|(_, score)| score / own.max(0.01))
        .fold(0.0, f64::max)
        .min(1.0);
    let mut evidence = cases.get(&winner).map(|case| case.hits.clone()).unwrap_or_default();
    evidence.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    evidence.dedup_by_key(|(_, line, _)| *line);
    Diagnosis {
        rule: Some(winner),
        confidence: round(own * (1.0 - 0.25 * against)),
        rivals,
        captures: captures(lines, winner),
        evidence: evidence.into_iter().map(|(_, line, start)| (line, start)).collect(),
        symptom,
    }
}

/// A rule's score, 0–1.
fn score(rule: u16, case: &Case, any_severe: bool, rules: &RuleSet) -> f64 {
    let mut doubt: f64 = match case.best {
        Some(Strength::Definitive) => 0.04,
        Some(Strength::Strong) => 0.12,
        Some(Strength::Suggestive) => 0.45,
        None => return 0.0,
    };
    for _ in 1..case.witnesses.len().min(3) {
        doubt *= 0.85;
    }
    let mut score = 1.0 - doubt;
    for _ in 0..case.contradicting.len().min(3) {
        score *= 0.5;
    }
    if case.last_recovery.is_some_and(|line| line >= case.last_support) {
        score *= 0.3;
    }
    if any_severe && !case.severe {
        // Others of this request are logged as errors, this one is not: probably it was survived.
        score *= 0.75;
    }
    if rules.by_index(rule).is_some_and(|rule| rule.status == Status::Experimental) {
        score *= 0.9;
    }
    score
}

/// What the winner's own signals captured, from its first lines on. Another rule's host or file is not this one's.
fn captures(lines: &[Line], winner: u16) -> BTreeMap<String, String> {
    let own = |hit: &&Hit| hit.rule == winner && hit.effect == Effect::Supports;
    let mut out = BTreeMap::new();
    for (name, value) in
        lines.iter().flat_map(|line| line.hits.iter().filter(own)).flat_map(|hit| &hit.captures)
    {
        out.entry(name.clone()).or_insert_with(|| value.clone());
    }
    out
}

/// Two decimals: more would claim more than is known.
pub fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
