//! The onset of an incident and its segments in words.

use super::model::Incident;
use super::words;
use crate::diagnose::onset::{Onset, Pattern, Scope, State};
use crate::diagnose::segments::{Among, Segment};

/// Requests from which a share is worth a word where no change is.
const LEAST_REQUESTS: u64 = 20;

/// `since 14:03:11, with deployment dpl_x; every request of the route since`. None where the logs hold too little to say
/// more than the time. `one_day`: the report's window lies within one day.
pub fn sentence(incident: &Incident, one_day: bool) -> Option<String> {
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
    let since = format!("since {}", words::moment(incident.first_seen.as_deref(), one_day));
    let joint = if onset.deployment.is_some() { ", " } else { "; " };
    (!parts.is_empty()).then(|| format!("{since}{joint}{}", parts.join("; ")))
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
