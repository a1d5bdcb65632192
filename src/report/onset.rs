//! The onset of an incident and its segments in words.

use super::model::Incident;
use super::words;
use crate::diagnose::exposure::Denominator;
use crate::diagnose::onset::{Correlate, Onset, Pattern, Rate, Scope, Start, State};
use crate::diagnose::segments::{Among, Segment};

/// Requests from which a share is worth a word where no change is.
const LEAST_REQUESTS: u64 = 20;

/// `since 14:03:11, with deployment dpl_x; every request of the route since`. None where the logs hold too little to say
/// more than the time. `one_day`: the report's window lies within one day.
pub fn sentence(incident: &Incident, one_day: bool) -> Option<String> {
    let rest = rest(incident, one_day)?;
    Some(format!("since {}{rest}", words::moment(incident.first_seen.as_deref(), one_day)))
}

/// What [`sentence`] says behind the time, with what joins it: `, with deployment dpl_x; every request of the route since`.
pub fn rest(incident: &Incident, one_day: bool) -> Option<String> {
    let onset = incident.onset.as_ref()?;
    let until = (onset.state == State::Ended)
        .then(|| format!("until {}", words::moment(incident.last_seen.as_deref(), one_day)));
    let mut parts: Vec<String> = Vec::new();
    parts.extend(onset.deployment.as_ref().map(|start| format!("with deployment {}", start.id)));
    parts.extend(pattern(incident, onset, until.as_deref()));
    match (&until, &onset.ended_with) {
        (Some(_), Some(deployment)) => parts.push(format!("over since deployment {deployment} answers")),
        (Some(_), None) => {
            let after = words::counted(onset.requests_after, "request", "requests");
            parts.push(format!("over: none of {after} after it"));
        }
        (None, _) => {}
    }
    let joint = if onset.deployment.is_some() { ", " } else { "; " };
    (!parts.is_empty()).then(|| format!("{joint}{}", parts.join("; ")))
}

/// All that is known of the onset: names of facts, and what they are.
pub fn facts(incident: &Incident) -> Vec<(&'static str, String)> {
    let Some(onset) = &incident.onset else { return Vec::new() };
    let mut facts = Vec::new();
    if let Some(change) = &onset.change {
        let text = format!(
            "from {} on {} of the requests of its routes failed by it, before that {}",
            words::day_and_clock(&change.at),
            rate(&change.after),
            rate(&change.before)
        );
        facts.push(("Change", text));
    }
    facts.extend(onset.deployment.as_ref().map(|start| ("Began with", began(start))));
    facts.extend(in_full(incident, onset).map(|text| ("Pattern", text)));
    facts.extend(onset.correlates.iter().map(|one| ("Goes with", goes_with(one))));
    facts.push(("State", state(incident, onset)));
    if onset.requests == Denominator::LowerBound {
        let text = "the logs do not hold all requests, so these shares are upper bounds";
        facts.push(("Caution", text.to_owned()));
    }
    facts
}

/// `12 of 14 (86%, 95% interval 60%–96%)`.
fn rate(rate: &Rate) -> String {
    format!(
        "{} of {} ({}, 95% interval {}–{})",
        words::count(rate.failed),
        words::count(rate.requests),
        percent(rate.share()),
        percent(rate.low),
        percent(rate.high)
    )
}

/// Near the ends to a tenth: there it is what tells.
fn percent(share: f64) -> String {
    let near_an_end = (share > 0.0 && share < 0.01) || (share > 0.99 && share < 1.0);
    if near_an_end { format!("{:.1}%", share * 100.0) } else { words::percent(share) }
}

fn began(start: &Start) -> String {
    let before = match &start.previous {
        Some(previous) => format!(
            "; before it {previous} answered, and of {} to the same routes on older deployments none failed by it",
            words::counted(start.requests_before, "request", "requests")
        ),
        None => String::new(),
    };
    format!("deployment {}, first seen {}{before}", start.id, words::day_and_clock(&start.first_seen))
}

fn in_full(incident: &Incident, onset: &Onset) -> Option<String> {
    let during = onset.during.as_ref()?;
    match onset.pattern {
        Pattern::Deterministic => {
            let said = until_its_end(&pattern(incident, onset, None)?);
            Some(format!("deterministic: {said}, {} in all", words::count(during.requests)))
        }
        Pattern::Intermittent => {
            Some(format!("intermittent: {} of the requests of its routes while it lasted", rate(during)))
        }
        Pattern::Unknown => None,
    }
}

/// The state says whether it is over.
fn until_its_end(said: &str) -> String {
    match said.strip_suffix(" since") {
        Some(said) => format!("{said} while it lasted"),
        None => said.to_owned(),
    }
}

fn goes_with(one: &Correlate) -> String {
    let estimated = if one.estimated { " (estimated from a sample)" } else { "" };
    match one.with {
        "cold_start" => format!(
            "new instances: {} of the failures began cold, and {} of all requests{estimated}",
            rate(&one.inside),
            rate(&one.outside)
        ),
        _ => {
            format!("{}: {} failed, otherwise {}{estimated}", one.says, rate(&one.inside), rate(&one.outside))
        }
    }
}

fn state(incident: &Incident, onset: &Onset) -> String {
    let after = words::counted(onset.requests_after, "request", "requests");
    match (onset.state, &onset.ended_with) {
        (State::Ongoing, _) => {
            "ongoing as far as the logs reach: no request of its routes comes later".to_owned()
        }
        (State::Unknown, _) => format!("open: {after} of its routes came later, too few to tell"),
        (State::Ended, with) => {
            let last = incident.last_seen.as_deref().map(words::day_and_clock).unwrap_or_default();
            let with = with.as_ref().map(|id| format!("; deployment {id} answers since")).unwrap_or_default();
            format!("over since {last}: none of {after} of its routes after that failed by it{with}")
        }
    }
}

fn pattern(incident: &Incident, onset: &Onset, until: Option<&str>) -> Option<String> {
    let one = incident.routes.len() <= 1;
    let routes = if one { "the route" } else { "its routes" };
    let time = until.unwrap_or("since");
    match (onset.pattern, onset.scope) {
        (Pattern::Deterministic, Some(Scope::Deployments)) => {
            let these = if incident.deployments.len() == 1 { "this deployment" } else { "these deployments" };
            Some(format!("every request of {routes} on {these} {time}"))
        }
        (Pattern::Deterministic, _) => Some(format!("every request of {routes} {time}")),
        (Pattern::Intermittent, _) => {
            let during =
                onset.during.filter(|rate| onset.change.is_some() || rate.requests >= LEAST_REQUESTS)?;
            let share = words::percent(during.share());
            let more = onset.correlates.first().map(|first| match first.with {
                "cold_start" => ", above all on new instances".to_owned(),
                _ => format!(", above all in {}", first.says),
            });
            Some(format!("{share} of the requests of {routes} {time}{}", more.unwrap_or_default()))
        }
        (Pattern::Unknown, _) => None,
    }
}

/// `region fra1: 40 of 42 failures, 33% of the requests (estimated from a sample)`.
pub fn segment(segment: &Segment) -> String {
    let share = words::percent(segment.requests as f64 / segment.of_requests.max(1) as f64);
    let among = if segment.among == Among::All { " of all routes" } else { "" };
    let estimated = if segment.estimated { " (estimated from a sample)" } else { "" };
    format!(
        "{} {}: {} of {}, {share} of the requests{among}{estimated}",
        segment.dimension,
        segment.value,
        words::count(segment.failures),
        words::counted(segment.of_failures, "failure", "failures"),
    )
}

/// The same with how sure it is: `…; 2.9 times as frequent as among the failures (q 0.0001)`.
pub fn segment_in_full(one: &Segment) -> String {
    format!("{}; {} times as frequent among the failures (q {})", segment(one), lift(one), q(one))
}

/// How many times as frequent a value is among the failures.
pub fn lift(segment: &Segment) -> String {
    format!("{:.1}", segment.lift)
}

/// The corrected p-value, to one digit.
pub fn q(segment: &Segment) -> String {
    match segment.q_value {
        q if q >= 0.001 => format!("{q:.3}"),
        q if q <= 1e-99 => "0".to_owned(),
        q => format!("{q:.0e}"),
    }
}
