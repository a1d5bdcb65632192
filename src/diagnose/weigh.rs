//! From the signals of a request to one cause, its confidence and its rivals.
//!
//! Every rule that fired gets a score: its best signal, raised by what supports it in the same request, lowered by what
//! speaks against it, by causes that stand deeper in the chain of errors and by those that came before it. Causes that
//! explain others beat them, wrappers and symptoms win over nothing, the triage order breaks ties. Every step is written
//! into an [`Account`].
//!
//! The numbers below are of two kinds. The three base scores say how often a signal of that strength is expected to be
//! right; they are round estimates, held against labelled failures (Brier score), not fitted to them. All others only
//! order causes within one request and are kept small: a raise leaves a share of the doubt, so that nothing becomes
//! certain, and a lowering is just wide enough to decide between equals (`OUTER`, `FOLLOWS`, `WENT_ON`) or to say
//! "probably not" (`CONTRADICTED`, `RECOVERED`). None is set for a single case.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::account::{Account, Factor, Fate};
use super::case::{Case, Context, Voice, begins_in_app, gather, has_driver_frames, is_platform_end};
use super::telemetry::{Figures, Pool};
use crate::correlate::line::Line;
use crate::record::{Level, Marks};
use crate::rules::model::{Class, Effect, Rule, Status, Strength};
use crate::rules::{Hit, RuleSet};

/// What the rules say of one failed request.
#[derive(Debug, Clone, Default, PartialEq)]
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
    /// Figures of pools and connections in the request's lines.
    pub figures: Figures,
}

/// Score below which a cause is not named: two contradictions of a strong signal, or a lone suggestive one with any.
pub const MIN_SCORE: f64 = 0.4;
/// Scores closer than this are a tie, which the triage order breaks: what one more witness is worth.
pub const TIE: f64 = 0.021;

/// Base scores by strength.
const DEFINITIVE: f64 = 0.96;
const STRONG: f64 = 0.88;
const SUGGESTIVE: f64 = 0.55;

/// Doubt left by each further line that says the same, up to two: repetitions of one program are hardly independent.
const WITNESS: f64 = 0.85;
/// Doubt left by figures that prove the cause.
const FIGURES: f64 = 0.5;
/// Doubt left by a circumstance that fits (runtime, initialisation, frames, time limit).
const FITS: f64 = 0.85;
/// Score left by a circumstance that does not fit.
const MISFITS: f64 = 0.95;
/// Score left by each signal against the rule, up to three, and by figures that disprove it.
const CONTRADICTED: f64 = 0.5;
/// Score left where figures make another kind of cause likely.
const DOUBTED: f64 = 0.75;
/// Score left where the trouble was survived.
const RECOVERED: f64 = 0.3;
/// Score left where other lines of the request are logged as errors and this one is not: probably it was survived.
const QUIET: f64 = 0.75;
/// Score left where a cause is only mentioned: a search for its words, a quoted mail, a setting.
const MENTIONED: f64 = 0.75;
/// Score left where the request ended with an error of its own that no rule knows: to what was raised before it, ...
const AFTER_RAISED: f64 = 0.85;
/// ... to what was a warning, ...
const AFTER_WARNED: f64 = 0.6;
/// ... and to what was mentioned: not named any more.
const AFTER_MENTIONED: f64 = 0.4;
/// Score left to what a backend said outside the request when it ended, where the proxy names this backend ...
const LAST_WORDS_NAMED: f64 = 0.9;
/// ... and where only time ties the two.
const LAST_WORDS: f64 = 0.7;
/// Score left to a rule that is experimental.
const EXPERIMENTAL: f64 = 0.9;
/// Score left to a cause that stands further out in a chain of errors than one at least as sure. Like the two below it
/// is wider than a tie, and narrower than the step between two strengths.
const OUTER: f64 = 0.95;
/// Score left to a cause that was seen after another one at least as sure: it may well follow from it.
const FOLLOWS: f64 = 0.96;
/// Score left to a cause after which the request went on normally until another one at least as sure was seen.
const WENT_ON: f64 = 0.95;
/// Score left to a time limit of the platform where a cause was seen before it.
const ENDED: f64 = 0.9;
/// Share of its confidence that the winner loses to a rival of another class that is as sure.
const RIVALRY: f64 = 0.25;

/// Subclasses of connectivity, what explains others first: without TLS or a login no pool fills, and a pool that
/// nothing can fill times out.
const DEPENDENCY_ORDER: [&str; 10] =
    ["ssl", "auth", "allowlist", "dns", "refused", "pool", "timeout", "reset", "limit", "upstream"];

/// Weighs the lines of one request.
pub fn weigh(lines: &[Line], rules: &RuleSet) -> Diagnosis {
    weigh_with_accounts(lines, rules).0
}

/// As [`weigh`], with the account of every rule that fired, best first.
pub fn weigh_with_accounts(lines: &[Line], rules: &RuleSet) -> (Diagnosis, Vec<Account>) {
    let cases = gather(lines);
    let fired: Vec<(u16, &Case, Strength)> =
        cases.iter().filter_map(|(rule, case)| Some((*rule, case, case.best?))).collect();
    let context = Context::of(lines);
    let mut accounts: Vec<Account> = fired
        .iter()
        .filter_map(|(index, case, strength)| {
            let rule = rules.by_index(*index)?;
            Some(own_account(*index, rule, case, *strength, lines, &context))
        })
        .collect();
    for account in &mut accounts {
        compare(account, &fired, &context, rules);
    }
    accounts.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.rule.cmp(&b.rule)));
    let diagnosis = decide(lines, rules, &cases, &context, &mut accounts);
    (Diagnosis { figures: context.figures, ..diagnosis }, accounts)
}

/// What a rule weighs by itself, in the circumstances of its request.
fn own_account(
    index: u16,
    rule: &Rule,
    case: &Case,
    strength: Strength,
    lines: &[Line],
    context: &Context,
) -> Account {
    let base = match strength {
        Strength::Definitive => DEFINITIVE,
        Strength::Strong => STRONG,
        Strength::Suggestive => SUGGESTIVE,
    };
    let mut account = Account::open(index, strength, base);
    let witnesses = case.witnesses.len();
    if witnesses > 1 {
        account.raise(Factor::Witnesses(witnesses), WITNESS.powi(witnesses.min(3) as i32 - 1));
    }
    circumstances(&mut account, rule, case, strength, lines, context);
    let contradicting = case.contradicting.len();
    if contradicting > 0 {
        account.lower(Factor::Contradicted(contradicting), CONTRADICTED.powi(contradicting.min(3) as i32));
    }
    let said = case.recovered.filter(|line| *line >= case.last);
    let elsewhere = context.recoveries.iter().copied().find(|line| {
        *line > case.last
            && rule.class == Class::Connectivity
            && (names_target(case, &lines[*line].text) || follows(&lines[case.last..=*line]))
    });
    let said = said.or_else(|| says_survived(&lines[case.last]).then_some(case.last));
    if let Some(line) = said.or(elsewhere) {
        account.lower(Factor::Recovered(line), RECOVERED);
    }
    let connected =
        context.connections.iter().copied().find(|line| {
            *line > case.last && !case.hosts.is_empty() && names_target(case, &lines[*line].text)
        });
    if let (Some(line), None) = (connected.filter(|_| rule.class == Class::Connectivity), said.or(elsewhere))
    {
        account.lower(Factor::Recovered(line), RECOVERED);
    }
    // Figures are no errors wherever they are logged; a proof by them is not survived.
    let proved = account.has(Factor::PoolExhausted);
    if context.any_severe && !case.severe && !proved {
        account.lower(Factor::Quiet, QUIET);
    } else if !context.any_severe && case.voice == Voice::Mentioned {
        account.lower(Factor::Mentioned, MENTIONED);
    }
    if let Some(line) = context.unknown_error.filter(|line| *line > case.last) {
        let left = match case.voice {
            Voice::Raised => AFTER_RAISED,
            Voice::Warned => AFTER_WARNED,
            Voice::Mentioned => AFTER_MENTIONED,
        };
        account.lower(Factor::UnknownError(line), left);
    }
    if witnesses_all(case, lines, |line| line.record.marks.has(Marks::LAST_WORDS)) {
        let named = witnesses_all(case, lines, |line| line.record.marks.has(Marks::BACKEND_NAMED));
        account.lower(Factor::LastWords, if named { LAST_WORDS_NAMED } else { LAST_WORDS });
    }
    if rule.status == Status::Experimental {
        account.lower(Factor::Experimental, EXPERIMENTAL);
    }
    account
}

fn witnesses_all(case: &Case, lines: &[Line], are: fn(&Line) -> bool) -> bool {
    case.witnesses.iter().all(|line| are(&lines[*line]))
}

/// Whether a line speaks of what this case could not reach: of its host, or of no host that is known.
fn names_target(case: &Case, text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    case.hosts.is_empty() || case.hosts.iter().any(|host| lower.contains(host.as_str()))
}

/// Whether a line that is no error says itself that the program went on without what failed.
fn says_survived(line: &Line) -> bool {
    if line.record.level.is_none_or(|level| level >= Level::Error) {
        return false;
    }
    let head = line.text.chars().take(400).collect::<String>().to_ascii_lowercase();
    [
        "fallback used",
        "using fallback",
        "falling back to",
        "fell back to",
        "served from cache",
        "serving stale",
    ]
    .iter()
    .any(|words| head.contains(words))
}

/// Whether good news name no address, and no other trouble stands between them and the trouble: they are of it.
fn follows(lines: &[Line]) -> bool {
    let Some((news, before)) = lines.split_last() else { return false };
    let is_address = |word: &str| {
        let dotted = |at: usize| word.as_bytes().get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
        word.match_indices(['.', ':']).any(|(at, _)| at > 0 && dotted(at))
    };
    before.iter().skip(1).all(|line| line.hits.is_empty()) && !news.text.split_whitespace().any(is_address)
}

/// What the request's telemetry, runtime, phase, frames and times say of a rule.
fn circumstances(
    account: &mut Account,
    rule: &Rule,
    case: &Case,
    strength: Strength,
    lines: &[Line],
    context: &Context,
) {
    let witnesses = || case.witnesses.iter().filter_map(|index| lines.get(*index));
    match (rule.class, rule.subclass.as_str()) {
        (Class::Connectivity, "pool") => match context.figures.pool() {
            Some(Pool::Exhausted) => account.raise(Factor::PoolExhausted, FIGURES),
            // A server that says that it is full is right whatever the client's own pool holds.
            Some(Pool::NeverReached) if strength < Strength::Definitive => {
                account.lower(Factor::PoolNeverReached, CONTRADICTED);
            }
            Some(Pool::Idle) if strength < Strength::Definitive => {
                account.lower(Factor::PoolHadIdle, DOUBTED);
            }
            Some(Pool::Free) => {
                let left = if strength < Strength::Definitive { CONTRADICTED } else { DOUBTED };
                account.lower(Factor::PoolWasFree, left);
            }
            _ => {}
        },
        (Class::Connectivity, "ssl") if context.figures.tls_is_missing() => {
            account.raise(Factor::TlsMissing, FIGURES);
        }
        (Class::Connectivity, "reset") if context.figures.tls_is_missing() => {
            account.lower(Factor::TlsMissing, DOUBTED);
        }
        (Class::Runtime, "edge") => {
            let runtimes = || witnesses().filter_map(|line| line.record.runtime.as_deref());
            let is_edge = |name: &str| {
                let name = name.to_ascii_lowercase();
                ["edge", "middleware", "worker"].iter().any(|word| name.contains(word))
            };
            let in_middleware = witnesses().any(|line| line.record.marks.has(Marks::MIDDLEWARE));
            if runtimes().any(is_edge) {
                account.raise(Factor::RuntimeFits, FITS);
            } else if !in_middleware && runtimes().next().is_some() {
                account.lower(Factor::RuntimeDiffers, MISFITS);
            }
        }
        _ => {}
    }
    if matches!(rule.class, Class::Runtime | Class::Env)
        && witnesses().any(|line| line.record.marks.has(Marks::INIT))
    {
        account.raise(Factor::InitPhase, FITS);
    }
    if rule.class == Class::Connectivity && case.texts(lines).any(has_driver_frames) {
        account.raise(Factor::DriverFrames, FITS);
    }
    if rule.class == Class::Route && case.texts(lines).any(begins_in_app) {
        account.raise(Factor::AppFrames, FITS);
    }
    let timed = rule.subclass == "timeout" || rule.subclass == "pool";
    if let (true, Some(took), Some(limit)) =
        (timed, context.duration_ms, case.limits_ms.iter().copied().reduce(f64::min))
    {
        // Clocks differ a little, and a request may hit the limit more than once.
        match took / limit {
            ratio if ratio < 0.9 => account.lower(Factor::TimerTooLong, MISFITS),
            ratio if ratio < 1.5 => account.raise(Factor::TimerFits, FITS),
            _ => {}
        }
    }
}

/// What the other rules of the request say of this one. Only strengths and places are compared, never scores, so that
/// the order of the rules does not matter.
fn compare(account: &mut Account, fired: &[(u16, &Case, Strength)], context: &Context, rules: &RuleSet) {
    let Some((_, case, strength)) = fired.iter().find(|(rule, ..)| *rule == account.rule) else { return };
    // A symptom is no cause, so it is compared with none.
    let Some(rule) = rules.by_index(account.rule).filter(|rule| !context.is_symptom(rule)) else { return };
    let rivals = || {
        fired.iter().filter_map(|(index, other, at)| {
            let other_rule = rules.by_index(*index).filter(|other| !context.is_symptom(other))?;
            (*index != account.rule && at >= strength && other.recovered.is_none_or(|line| line < other.last))
                .then_some((*index, *other, other_rule))
        })
    };
    let outer = rivals().find(|(_, other, _)| {
        context.chained_lines().any(|line| {
            match (context.depth(case, line, *strength), context.depth(other, line, *strength)) {
                (Some(own), Some(deeper)) => own < deeper,
                _ => false,
            }
        })
    });
    let follows = rivals().find(|(_, other, other_rule)| {
        let connects = rule.class == Class::Connectivity && other_rule.class == Class::Connectivity;
        // Of two faults of one dependency the order of subclasses decides, of two others the triage order, if the
        // earlier step is beyond doubt.
        let by_target = connects && !case.another_target(other);
        let by_triage = *strength == Strength::Definitive
            && matches!(rule.class, Class::Runtime | Class::Env)
            && rule.class < other_rule.class;
        other.last < case.first && !by_target && !by_triage && !went_on(other, case, context)
    });
    let went_on = rivals().find(|(_, other, _)| case.last < other.first && went_on(case, other, context));
    let ended = is_platform_end(account.rule, rules).then(|| {
        fired.iter().find(|(index, other, at)| {
            *at >= Strength::Strong
                && other.first <= case.first
                && other.severe
                && rules
                    .by_index(*index)
                    .is_some_and(|other| other.class != Class::Platform && !context.is_symptom(other))
        })
    });
    // A full pool that is only reported is no witness against an error of another kind.
    let raised = fired.iter().any(|(index, other, at)| {
        let cause = rules.by_index(*index).filter(|rule| !context.is_symptom(rule));
        let class = cause.map(|rule| rule.class);
        *at >= Strength::Strong
            && other.severe
            && matches!(class, Some(Class::Runtime | Class::Env | Class::Route))
    });
    if raised && !case.severe && account.has(Factor::PoolExhausted) {
        account.lower(Factor::Quiet, QUIET);
    }
    let (outer, follows, went_on) =
        (outer.map(|one| one.0), follows.map(|one| one.0), went_on.map(|one| one.0));
    if let Some(other) = outer {
        account.lower(Factor::Outer(other), OUTER);
    }
    if let Some(other) = follows.filter(|_| outer.is_none()) {
        account.lower(Factor::Follows(other), FOLLOWS);
    }
    if let Some(other) = went_on {
        account.lower(Factor::WentOn(other), WENT_ON);
    }
    if let Some((other, ..)) = ended.flatten() {
        account.lower(Factor::Ended(*other), ENDED);
    }
}

/// Whether the application said something normal between the end of one and the beginning of the other.
fn went_on(early: &Case, late: &Case, context: &Context) -> bool {
    context.normal.iter().any(|line| early.last < *line && *line < late.first)
}

/// Names the winner and writes into the accounts what became of the others.
fn decide(
    lines: &[Line],
    rules: &RuleSet,
    cases: &BTreeMap<u16, Case>,
    context: &Context,
    accounts: &mut [Account],
) -> Diagnosis {
    let loud: Vec<u16> = accounts.iter().filter(|one| one.score >= MIN_SCORE).map(|one| one.rule).collect();
    for account in accounts.iter_mut() {
        let explained = loud.iter().copied().find(|other| rules.yields(account.rule, *other));
        account.fate = match explained {
            _ if rules.by_index(account.rule).is_some_and(|rule| context.is_symptom(rule)) => Fate::Symptom,
            _ if account.score < MIN_SCORE => Fate::TooWeak,
            Some(other) => Fate::Yielded(other),
            None => Fate::Lost,
        };
    }
    let standing: Vec<(u16, f64)> =
        accounts.iter().filter(|one| one.fate == Fate::Lost).map(|one| (one.rule, one.score)).collect();
    let symptom = accounts.iter().find(|one| one.fate == Fate::Symptom).map(|one| one.rule);
    let Some(&(_, top)) = standing.first() else {
        let rivals = accounts.iter().map(|one| (one.rule, one.score)).collect();
        return Diagnosis { rivals, symptom, ..Diagnosis::default() };
    };
    let class = |rule: u16| rules.by_index(rule).map_or(Class::Unclassified, |rule| rule.class);
    let place = |rule: u16| {
        let first = cases.get(&rule).map_or(usize::MAX, |case| case.first);
        (class(rule), dependency_place(rule, rules), first, rule)
    };
    let winner = standing
        .iter()
        .filter(|(_, score)| top - score < TIE)
        .map(|(rule, _)| *rule)
        .min_by_key(|rule| place(*rule))
        .unwrap_or_default();
    let mut own = 0.0;
    for account in accounts.iter_mut().filter(|one| one.rule == winner) {
        account.fate = Fate::Won;
        own = account.score;
    }
    let rivals: Vec<(u16, f64)> =
        accounts.iter().filter(|one| one.rule != winner).map(|one| (one.rule, round(one.score))).collect();
    let against = standing
        .iter()
        .filter(|(rule, _)| class(*rule) != class(winner))
        .map(|(_, score)| score / f64::max(own, 0.01))
        .fold(0.0, f64::max)
        .min(1.0);
    let mut evidence = cases.get(&winner).map(|case| case.hits.clone()).unwrap_or_default();
    evidence.sort_by_key(|(strength, line, start, _)| (Reverse(*strength), *line, *start));
    evidence.dedup_by_key(|(_, line, ..)| *line);
    Diagnosis {
        rule: Some(winner),
        confidence: round(own * (1.0 - RIVALRY * against)),
        rivals,
        captures: captures(lines, winner),
        evidence: evidence.into_iter().map(|(_, line, start, _)| (line, start)).collect(),
        symptom,
        figures: Figures::default(),
    }
}

/// Place of a cause among those of its dependency; equal for all that are not of connectivity.
fn dependency_place(rule: u16, rules: &RuleSet) -> usize {
    rules.by_index(rule).filter(|rule| rule.class == Class::Connectivity).map_or(0, |rule| {
        DEPENDENCY_ORDER.iter().position(|name| *name == rule.subclass).unwrap_or(DEPENDENCY_ORDER.len())
    })
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
