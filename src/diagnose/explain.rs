//! A weighing in words: why a score moved, why a signal does not count, and which one more fact would decide. Nothing is
//! redacted here.

use super::account::{Account, Factor, Fate};
use super::weigh::{Diagnosis, MIN_SCORE};
use crate::correlate::line::Line;
use crate::record::Record;
use crate::rules::model::{Effect, Rule, Strength};
use crate::rules::{Hit, RuleSet};

/// Rivals that are closer than this could still win.
const CLOSE: f64 = 0.15;

/// Name of a strength in rules and reports.
pub fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Definitive => "definitive",
        Strength::Strong => "strong",
        Strength::Suggestive => "suggestive",
    }
}

/// Name of an effect in rules and reports.
pub fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Supports => "supports",
        Effect::Contradicts => "contradicts",
        Effect::Recovers => "recovers",
    }
}

fn id(rule: u16, rules: &RuleSet) -> &str {
    rules.by_index(rule).map_or("?", |rule| rule.id.as_str())
}

/// What moved a score.
pub fn factor(factor: Factor, lines: &[Line], rules: &RuleSet) -> String {
    match factor {
        Factor::Strength(found) => format!("{} signal", strength(found)),
        Factor::Witnesses(count) => format!("{count} lines say so"),
        Factor::PoolExhausted => "figures: all connections in use, requests waiting".to_owned(),
        Factor::PoolNeverReached => "figures: none in use and none free, so none could be opened".to_owned(),
        Factor::PoolHadIdle => "figures: connections were free".to_owned(),
        Factor::TlsMissing => "figures: the server demands TLS, the client does without".to_owned(),
        Factor::InitPhase => "said while the process started".to_owned(),
        Factor::DriverFrames => "the stack runs through a driver".to_owned(),
        Factor::AppFrames => "the stack begins in the application".to_owned(),
        Factor::RuntimeFits => "the row's runtime fits".to_owned(),
        Factor::RuntimeDiffers => "the row has another runtime".to_owned(),
        Factor::TimerFits => "the request took as long as the limit named".to_owned(),
        Factor::TimerTooLong => "the request ended before the limit named".to_owned(),
        Factor::Contradicted(1) => "a signal against it".to_owned(),
        Factor::Contradicted(count) => format!("{count} signals against it"),
        Factor::Recovered(line) => match lines.get(line) {
            Some(line) => format!("survived, says line {}", line.at.line),
            None => "survived".to_owned(),
        },
        Factor::Quiet => "not logged as an error, others are".to_owned(),
        Factor::Mentioned => "only mentioned, below a warning".to_owned(),
        Factor::UnknownError(line) => match lines.get(line) {
            Some(line) => format!("the request ended with an error that no rule knows ({})", class_of(line)),
            None => "the request ended with an error that no rule knows".to_owned(),
        },
        Factor::PoolWasFree => "figures: connections were free and nobody waited".to_owned(),
        Factor::LastWords => "only said by the backend when it ended, outside this request".to_owned(),
        Factor::Experimental => "an experimental rule".to_owned(),
        Factor::Outer(rule) => format!("wraps {}", id(rule, rules)),
        Factor::Follows(rule) => format!("seen after {}", id(rule, rules)),
        Factor::WentOn(rule) => format!("the request went on, until {}", id(rule, rules)),
        Factor::Ended(rule) => format!("only the end of what {} began", id(rule, rules)),
    }
}

/// The report's word for what became of a rule.
pub fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Won => "won",
        Fate::Lost => "lost",
        Fate::TooWeak => "too weak",
        Fate::Symptom => "symptom",
        Fate::Yielded(_) => "yielded",
    }
}

/// Why that became of it.
pub fn why(account: &Account, accounts: &[Account], rules: &RuleSet) -> String {
    match account.fate {
        Fate::Won => "the cause".to_owned(),
        Fate::Symptom => "a wrapper or symptom, which is never the cause".to_owned(),
        Fate::TooWeak => format!("too weak, a cause needs {MIN_SCORE:.2}"),
        Fate::Yielded(rule) => format!("explained by {}", id(rule, rules)),
        Fate::Lost => match accounts.iter().find(|one| one.fate == Fate::Won) {
            Some(winner) if winner.score > account.score + 0.005 => {
                format!("{} weighs more", id(winner.rule, rules))
            }
            Some(winner) => format!("a tie; {} comes first in the order of triage", id(winner.rule, rules)),
            None => "lost".to_owned(),
        },
    }
}

fn class_of(line: &Line) -> &str {
    line.record.error_class.as_deref().unwrap_or("of no class")
}

/// Why a signal of a record does not count, if it does not.
pub fn overruled(hit: &Hit, accounts: &[Account], rules: &RuleSet) -> Option<String> {
    if hit.effect != Effect::Supports {
        return None;
    }
    let account = accounts.iter().find(|one| one.rule == hit.rule)?;
    let lowered = account.weights.iter().rev().find_map(|weight| match weight.factor {
        Factor::Outer(rule) => Some(format!("it wraps {}", id(rule, rules))),
        Factor::Recovered(_) => Some("it was survived".to_owned()),
        Factor::Contradicted(_) => Some("it is contradicted".to_owned()),
        Factor::PoolNeverReached => Some("no connection could be opened".to_owned()),
        Factor::PoolWasFree => Some("connections were free".to_owned()),
        Factor::UnknownError(_) => Some("the request ended with another error".to_owned()),
        _ => None,
    });
    match account.fate {
        Fate::Won | Fate::Lost if lowered.is_none() => None,
        Fate::Won => None,
        Fate::Lost => lowered,
        Fate::Symptom => Some("a wrapper or symptom".to_owned()),
        Fate::Yielded(rule) => Some(format!("{} explains it", id(rule, rules))),
        Fate::TooWeak => Some(lowered.unwrap_or_else(|| "too weak".to_owned())),
    }
}

/// Which one more fact would decide.
pub fn would_decide(diagnosis: &Diagnosis, accounts: &[Account], rules: &RuleSet) -> String {
    let Some(winner) = accounts.iter().find(|one| one.fate == Fate::Won) else {
        let best = accounts.iter().find(|one| matches!(one.fate, Fate::TooWeak | Fate::Lost));
        return match best.or(accounts.first()).and_then(|one| rules.by_index(one.rule)) {
            Some(rule) if rule.symptom => {
                format!("the error behind the symptom ({}), logged with its stack and cause", rule.title)
            }
            Some(rule) => format!("a line that says it plainly for {}{}", rule.id, example(rule, rules)),
            None => "the error itself, logged with its class, message, stack and cause".to_owned(),
        };
    };
    let Some(rule) = rules.by_index(winner.rule) else { return String::new() };
    let rival = accounts.iter().find(|one| {
        one.fate == Fate::Lost
            && winner.score - one.score < CLOSE
            && rules.by_index(one.rule).is_some_and(|rival| rival.class != rule.class)
    });
    if let Some(rival) = rival.and_then(|one| rules.by_index(one.rule)) {
        return format!(
            "which of the two came first, {} or {}: the stack and cause of the last error, or a line that says plainly{}",
            rule.id,
            rival.id,
            example(rival, rules)
        );
    }
    if winner.has(Factor::LastWords) {
        return "the request's ID in the backend's own log, or which program the proxy asked, and the name of the one that ended".to_owned();
    }
    if diagnosis.confidence >= 0.9 {
        return "nothing more: no other class is close".to_owned();
    }
    match example(rule, rules) {
        text if text.is_empty() => "a second, independent line that names the same cause".to_owned(),
        text => format!("a line that says it plainly{text}"),
    }
}

/// The first sample of a rule that its strongest signals find: what such a line looks like.
fn example(rule: &Rule, rules: &RuleSet) -> String {
    let strongest = rule
        .signals
        .iter()
        .filter(|signal| signal.effect == Effect::Supports && signal.pattern.is_some())
        .filter_map(|signal| signal.strength)
        .max();
    let found = rule.samples.iter().find(|sample| {
        let record = Record { message: sample.log.clone(), ..Record::default() };
        let mut hits = Vec::new();
        rules.match_record(&record, &sample.log, "", &mut hits);
        hits.iter().any(|hit| id(hit.rule, rules) == rule.id && Some(hit.strength) == strongest)
    });
    let line = found.and_then(|sample| sample.log.lines().find(|line| !line.trim().is_empty()));
    match line {
        Some(line) => format!(", such as “{}”", line.trim().chars().take(160).collect::<String>()),
        None => String::new(),
    }
}
