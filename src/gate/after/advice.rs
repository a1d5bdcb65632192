//! Whether a deployment stays: a decision table over what is known, with the reasons in words.

use serde::Serialize;

use crate::diagnose::statistics::{Count, fisher, wilson};

/// Failures below which a share says nothing about a deployment.
pub const MIN_FAILURES: u64 = 5;
/// Probability of a rise by accident, below which it counts as none.
const SURE: f64 = 0.01;

/// What to do about a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// It stays.
    Keep,
    /// Not enough was seen to tell.
    Watch,
    /// Let no more traffic to it; look first.
    Hold,
    /// Go back.
    RollBack,
}

impl Advice {
    /// As reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Advice::Keep => "keep",
            Advice::Watch => "watch",
            Advice::Hold => "hold",
            Advice::RollBack => "roll back",
        }
    }
}

/// What is known of a deployment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Probes and negative paths that failed twice in a row.
    pub broken: Vec<String>,
    /// Probes that could not be judged.
    pub not_probed: usize,
    /// Its requests and the failed ones among them.
    pub seen: Count,
    /// Whether the logs hold all requests, not failures only.
    pub exact: bool,
    /// Requests below which burn rates say nothing.
    pub min_requests: u64,
    /// Minutes from its first request to the end of the logs, and how many it is to be observed.
    pub observed: (i64, i64),
    /// Share of requests that may fail.
    pub allowed: f64,
    /// Whether both windows burn at 14.4 and at 6 times what is allowed.
    pub fast: bool,
    /// See `fast`.
    pub slow: bool,
    /// Requests of the deployment before, where one is known.
    pub before: Option<Count>,
    /// Its most frequent incident, and whether the deployment before did not have it.
    pub top: Option<(String, Option<bool>)>,
}

/// What is still missing before it can be called good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Requests.
    pub requests: u64,
    /// Minutes.
    pub minutes: i64,
}

/// The advice, why, and what is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// In one word.
    pub advice: Advice,
    /// Sentences, the one that decided first.
    pub why: Vec<String>,
    /// See [`Missing`].
    pub missing: Missing,
}

/// The p-value of a rise over the deployment before.
pub fn rise(seen: Count, before: Count) -> Option<f64> {
    (seen.of > 0 && before.of > 0).then(|| fisher(seen, before).greater)
}

/// Decides. The order of the questions is that of their weight: a promise that is broken, a budget that burns, a rise over the
/// deployment before, too little to tell.
pub fn decide(known: &Known) -> Decision {
    let enough = known.exact && known.seen.of >= known.min_requests;
    // Whatever the rest of the traffic does: even the least share that fits these counts burns.
    let least = wilson(known.seen).map_or(0.0, |interval| interval.low);
    let surely = known.exact && known.seen.hits >= MIN_FAILURES && least >= 14.4 * known.allowed;
    let before = known.before.filter(|before| known.exact && before.of > 0);
    let rise = before.and_then(|before| rise(known.seen, before));
    let rises = known.seen.hits >= MIN_FAILURES && rise.is_some_and(|p| p < SURE);
    let is_new = known.top.as_ref().and_then(|(_, is_new)| *is_new);
    let counts = format!("{} of {} requests failed", known.seen.hits, known.seen.of);
    let missing = Missing {
        requests: known.min_requests.saturating_sub(known.seen.of),
        minutes: (known.observed.1 - known.observed.0).max(0),
    };
    let mut all: Vec<(Advice, String)> = Vec::new();
    let mut say = |advice: Advice, why: String| all.push((advice, why));
    if let [first, rest @ ..] = known.broken.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
        say(Advice::RollBack, format!("a declared contract is broken: {first}{more}"));
    }
    if known.fast && (enough || surely) {
        let alike = before.is_some_and(|before| before.of >= known.min_requests) && !rises;
        match alike {
            true => say(
                Advice::Hold,
                format!(
                    "{counts}, which burns the budget at 14.4 times or more, but no more than on the deployment before: going back would not end it"
                ),
            ),
            false => say(Advice::RollBack, format!("{counts}, which burns the budget at 14.4 times or more")),
        }
    }
    if rises && let Some(before) = before {
        let beside = format!("{counts}, before it {} of {}", before.hits, before.of);
        match is_new {
            Some(false) => say(Advice::Hold, format!("{beside}: more, by an incident that was there before")),
            _ => say(Advice::RollBack, format!("{beside}: that is no accident, and the top incident is new")),
        }
    }
    if known.slow && enough && !known.fast {
        say(Advice::Hold, format!("{counts}, which burns the budget at 6 times or more"));
    }
    if !known.exact && known.seen.hits >= MIN_FAILURES && is_new != Some(false) {
        let why = format!(
            "{} requests failed, and the logs do not tell of how many: give logs of all requests",
            known.seen.hits
        );
        say(Advice::Hold, why);
    }
    if known.seen.of == 0 {
        say(Advice::Watch, "the logs hold no request of the deployment".to_owned());
    } else if !known.exact {
        say(
            Advice::Watch,
            "the logs do not hold all requests, so shares are not known: give logs of all requests"
                .to_owned(),
        );
    } else if missing.requests > 0 {
        let why = format!(
            "{counts}: too few to tell, {} more are needed ({})",
            missing.requests, known.min_requests
        );
        say(Advice::Watch, why);
    }
    if missing.minutes > 0 {
        let (have, want) = known.observed;
        say(Advice::Watch, format!("seen for {have} of {want} minutes: {} more are needed", missing.minutes));
    }
    if known.not_probed > 0 {
        let probes = if known.not_probed == 1 { "probe" } else { "probes" };
        say(Advice::Watch, format!("{} {probes} could not be judged", known.not_probed));
    }
    let Some(advice) = all.iter().map(|(advice, _)| *advice).max() else {
        return Decision { advice: Advice::Keep, why: vec![format!("{counts}")], missing };
    };
    all.sort_by_key(|(advice, _)| std::cmp::Reverse(*advice));
    Decision { advice, why: all.into_iter().map(|(_, why)| why).collect(), missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(failed: u64, requests: u64) -> Known {
        Known {
            seen: Count::new(failed, requests),
            exact: true,
            min_requests: 200,
            observed: (30, 30),
            allowed: 0.001,
            ..Known::default()
        }
    }

    fn advice(known: &Known) -> Advice {
        decide(known).advice
    }

    #[test]
    fn the_table() {
        let top = |is_new| Some(("edge-node-module".to_owned(), Some(is_new)));
        let before = |failed, requests| Some(Count::new(failed, requests));
        let healthy = known(0, 1000);
        assert_eq!(advice(&healthy), Advice::Keep);
        assert_eq!(advice(&Known { fast: true, slow: true, ..known(20, 1000) }), Advice::RollBack);
        assert_eq!(advice(&Known { slow: true, ..known(8, 1000) }), Advice::Hold);
        // Too little.
        let few = decide(&known(0, 40));
        assert_eq!((few.advice, few.missing.requests), (Advice::Watch, 160));
        assert!(few.why[0].contains("160 more are needed"), "{:?}", few.why);
        let early = decide(&Known { observed: (12, 30), ..healthy.clone() });
        assert_eq!((early.advice, early.missing.minutes), (Advice::Watch, 18));
        assert_eq!(advice(&known(0, 0)), Advice::Watch);
        assert_eq!(advice(&Known { not_probed: 1, ..healthy.clone() }), Advice::Watch);
        // One failure among few is no verdict; five of five are.
        assert_eq!(advice(&Known { fast: true, slow: true, ..known(1, 1) }), Advice::Watch);
        assert_eq!(advice(&Known { fast: true, slow: true, ..known(5, 5) }), Advice::RollBack);
        // Against the deployment before.
        let rise = Known { before: before(1, 5000), top: top(true), ..known(12, 900) };
        assert_eq!(advice(&rise), Advice::RollBack);
        assert_eq!(advice(&Known { top: top(false), ..rise.clone() }), Advice::Hold);
        assert_eq!(advice(&Known { seen: Count::new(4, 900), ..rise }), Advice::Keep);
        let alike = Known { fast: true, before: before(200, 10_000), top: top(false), ..known(20, 1000) };
        assert_eq!(advice(&alike), Advice::Hold, "going back would not end it");
        // Failures only.
        let only = Known { exact: false, ..known(50, 50) };
        assert_eq!(advice(&only), Advice::Hold);
        assert_eq!(advice(&Known { exact: false, ..known(2, 2) }), Advice::Watch);
        // A broken contract decides, whatever the logs say.
        let broken = decide(&Known { broken: vec!["a".into(), "b".into()], ..known(0, 0) });
        assert_eq!(broken.advice, Advice::RollBack);
        assert_eq!(broken.why[0], "a declared contract is broken: a, and 1 more");
    }
}
