//! Two sets of requests compared: which incidents are new, worse, the same, better or gone, with rates and intervals.
//! A pure function of reports; what it rests on are counts per route that hold all requests, and where the logs do not,
//! it says so instead of a verdict. Not here: reading logs, and which exit code follows.

pub mod side;
pub mod split;
pub mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;

use serde::Serialize;

use crate::diagnose::exposure::{Denominator, three_digits};
use crate::diagnose::statistics::{Count, Interval, benjamini_hochberg, fisher, newcombe, wilson};
use crate::redact::printable::escaped_json;
use crate::rules::model::Class;
use side::Side;

/// Name and version of the JSON contract.
pub const SCHEMA: &str = "why500/compare/v1";
/// Rate of false discoveries among incidents that are called worse, better or gone.
const MOST_FALSE: f64 = 0.05;
/// Routes of an incident that are listed.
const MOST_ROUTES: usize = 5;

/// What became of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It was not seen before.
    New,
    /// A larger share of the requests of its routes fails by it.
    Worse,
    /// It was seen before; whether it is gone or has changed, the logs do not hold enough requests to tell.
    Unknown,
    /// No difference that would be no accident.
    Same,
    /// A smaller share.
    Better,
    /// It is not seen again, among so many requests that it would have been.
    Gone,
}

impl Verdict {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Verdict; 6] =
        [Verdict::New, Verdict::Worse, Verdict::Unknown, Verdict::Same, Verdict::Better, Verdict::Gone];

    /// The name used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::New => "new",
            Verdict::Worse => "worse",
            Verdict::Unknown => "unknown",
            Verdict::Same => "same",
            Verdict::Better => "better",
            Verdict::Gone => "gone",
        }
    }
}

/// Two sides and what became of every incident of either.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What is compared with.
    pub before: Summary,
    /// What is compared.
    pub after: Summary,
    /// New ones first, see [`Verdict::ALL`]; of those of one verdict the most frequent first.
    pub incidents: Vec<Change>,
    /// What the reader must know.
    pub remarks: Vec<String>,
}

/// One side in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// What the user calls it.
    pub name: String,
    /// First and last minute, RFC 3339 UTC.
    pub from: Option<String>,
    /// Begin of the last minute.
    pub to: Option<String>,
    /// All requests.
    pub requests: u64,
    /// Of these failed.
    pub failed: u64,
    /// How far these numbers can be trusted.
    pub denominator: Denominator,
}

/// One incident on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What became of it.
    pub verdict: Verdict,
    /// Its fingerprint.
    pub id: String,
    /// Class.
    pub class: Class,
    /// Rule ID; null when unclassified.
    pub cause: Option<String>,
    /// One line for people, with the subject.
    pub title: String,
    /// Its routes on either side, the first ones by name.
    pub routes: Vec<String>,
    /// How many requests of its routes failed by it before.
    pub before: Figures,
    /// And now.
    pub after: Figures,
    /// Interval of the difference of the two shares, after − before, 95 % (Newcombe); null where a share is not known.
    pub difference: Option<Interval>,
    /// Fisher's exact test, two-sided.
    pub p_value: Option<f64>,
    /// The p-value corrected for all incidents (Benjamini and Hochberg).
    pub q_value: Option<f64>,
    /// What limits the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Failures by one incident on one side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Failed requests.
    pub failed: u64,
    /// Requests of its routes; at least the failed ones.
    pub requests: u64,
    /// The share; null where the number of requests is a lower bound, or 0.
    pub rate: Option<f64>,
    /// Its interval, 95 % (Wilson).
    pub interval: Option<Interval>,
}

impl Figures {
    fn of(failed: u64, requests: u64, denominator: Denominator) -> Figures {
        let count = Count::new(failed, requests.max(failed));
        let known = denominator == Denominator::Exact;
        let rounded =
            |bounds: Interval| Interval { low: three_digits(bounds.low), high: three_digits(bounds.high) };
        Figures {
            failed,
            requests: count.of,
            rate: count.share().filter(|_| known).map(three_digits),
            interval: wilson(count).filter(|_| known).map(rounded),
        }
    }

    fn count(&self) -> Count {
        Count::new(self.failed, self.requests)
    }
}

/// What became of the incidents of `before`, and which are new in `after`.
pub fn compare(before: &Side, after: &Side, mut remarks: Vec<String>) -> Comparison {
    for side in [before, after] {
        if side.denominator == Denominator::LowerBound {
            remarks.push(format!(
                "{}: the number of requests is a lower bound (the logs hold failures only, or not all requests were counted), so shares are not compared",
                side.name
            ));
        }
    }
    let ids: BTreeSet<&String> = before.incidents.keys().chain(after.incidents.keys()).collect();
    let mut changes: Vec<Change> = ids.into_iter().filter_map(|id| change(id, before, after)).collect();
    let tested: Vec<usize> = (0..changes.len()).filter(|index| changes[*index].p_value.is_some()).collect();
    let p_values: Vec<f64> = tested.iter().filter_map(|index| changes[*index].p_value).collect();
    for (index, q_value) in tested.into_iter().zip(benjamini_hochberg(&p_values)) {
        changes[index].q_value = Some(q_value);
    }
    for change in &mut changes {
        judge(change);
        change.p_value = change.p_value.map(three_digits);
        change.q_value = change.q_value.map(three_digits);
    }
    changes.sort_by(|a, b| {
        let weight = |change: &Change| (change.after.failed, change.before.failed);
        a.verdict.cmp(&b.verdict).then(weight(b).cmp(&weight(a))).then(a.id.cmp(&b.id))
    });
    remarks.sort();
    remarks.dedup();
    let summary = |side: &Side| side.summary();
    Comparison { schema: SCHEMA, before: summary(before), after: summary(after), incidents: changes, remarks }
}

/// An incident's figures, not judged yet.
fn change(id: &str, before: &Side, after: &Side) -> Option<Change> {
    let (was, is) = (before.incidents.get(id), after.incidents.get(id));
    let shown = is.or(was)?;
    let routes: BTreeSet<&Option<String>> =
        was.into_iter().chain(is).flat_map(|found| found.routes.keys()).collect();
    let figures = |side: &Side| {
        let failed = side.incidents.get(id).map_or(0, |found| found.routes.values().sum());
        let requests = routes.iter().filter_map(|route| side.routes.get(*route)).sum();
        Figures::of(failed, requests, side.denominator)
    };
    let (was, is) = (figures(before), figures(after));
    let known = is.rate.is_some() && was.rate.is_some();
    let rounded =
        |bounds: Interval| Interval { low: three_digits(bounds.low), high: three_digits(bounds.high) };
    Some(Change {
        verdict: Verdict::Same,
        id: id.to_owned(),
        class: shown.class,
        cause: shown.cause.clone(),
        title: shown.title.clone(),
        routes: routes.iter().filter_map(|route| (*route).clone()).take(MOST_ROUTES).collect(),
        difference: newcombe(is.count(), was.count()).filter(|_| known).map(rounded),
        p_value: known.then(|| fisher(is.count(), was.count()).two_sided),
        q_value: None,
        note: None,
        before: was,
        after: is,
    })
}

/// What became of it. New is what was not seen, however rarely the routes were asked for before; everything else has to be
/// no accident.
fn judge(change: &mut Change) {
    let sure = change.q_value.map(|q_value| q_value < MOST_FALSE);
    let grew = change.after.rate > change.before.rate;
    let note: Option<String>;
    (change.verdict, note) = match (change.before.failed, change.after.failed, sure) {
        (0, _, _) if change.before.requests == 0 => {
            (Verdict::New, Some("its routes had no request before".to_owned()))
        }
        (0, _, Some(false)) => {
            let note = "seldom enough that it may have been there before".to_owned();
            (Verdict::New, Some(note))
        }
        (0, _, _) => (Verdict::New, None),
        (_, 0, Some(true)) => (Verdict::Gone, None),
        (_, 0, Some(false)) => (
            Verdict::Unknown,
            Some("not seen again, among too few requests to say that it is gone".to_owned()),
        ),
        (_, 0, None) if change.after.requests == 0 => {
            (Verdict::Unknown, Some("its routes had no request".to_owned()))
        }
        (_, 0, None) => {
            (Verdict::Unknown, Some("not seen again; how many requests went well is not known".to_owned()))
        }
        (_, _, Some(true)) if grew => (Verdict::Worse, None),
        (_, _, Some(true)) => (Verdict::Better, None),
        (_, _, Some(false)) => (Verdict::Same, None),
        (_, _, None) => (Verdict::Unknown, Some("how many requests went well is not known".to_owned())),
    };
    change.note = note;
}

impl Comparison {
    /// Applies `text` to everything that comes from a log.
    pub fn redact(&mut self, text: &dyn Fn(&str) -> String) {
        let apply = |value: &mut String| *value = text(value);
        for change in &mut self.incidents {
            apply(&mut change.title);
            change.routes.iter_mut().for_each(apply);
        }
        apply(&mut self.before.name);
        apply(&mut self.after.name);
        self.remarks.iter_mut().for_each(apply);
    }

    /// How many incidents have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.incidents.iter().filter(|change| change.verdict == verdict).count()
    }

    /// Writes it as one JSON document.
    ///
    /// # Errors
    /// It could not be written.
    pub fn write_json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let json = serde_json::to_string_pretty(self)?;
        out.write_all(escaped_json(&json).as_bytes())?;
        out.write_all(b"\n")
    }
}
