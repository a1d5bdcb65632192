//! What happened when, one moment an item.

use super::super::model::Report;
use super::super::timeline::{self, Deployed, Event, What};
use super::super::words;
use super::text::code;
use super::{Page, headline, minutes, moment};

/// Writes what the logs tell; the rest is left open.
pub(super) fn write(page: &mut Page, report: &Report, as_of: Option<&str>) {
    let events = timeline::events(report, as_of);
    if events.is_empty() {
        return;
    }
    page.heading(2, "Timeline");
    for event in &events {
        page.item(&format!("{} – {}", moment(&event.time), told(event)));
    }
    if report.requests.failed > 0 {
        page.item("Noticed by, and when: *to be filled in* (no log tells)");
        page.item("What was done, and when: *to be filled in*");
    }
}

fn told(event: &Event<'_>) -> String {
    match &event.what {
        What::LogsBegin(deployments) if deployments.is_empty() => "the logs begin".to_owned(),
        What::LogsBegin(deployments) => {
            let names: Vec<String> = deployments.iter().map(deployed).collect();
            format!("the logs begin; serving then: {}", names.join(", "))
        }
        What::Deployment(one) => format!("first request of deployment {}", deployed(one)),
        What::First(incident) => {
            let with = match incident.onset.as_ref().and_then(|onset| onset.deployment.as_ref()) {
                Some(start) => format!(", with deployment {}", code(&start.id)),
                None => String::new(),
            };
            format!("**first failure** of incident {}: {}{with}", incident.rank, headline(incident))
        }
        What::Change(incident, change) => format!(
            "from here on more requests of the routes of incident {} fail by it: {} of {}, before {} of {}",
            incident.rank,
            words::count(change.after.failed),
            words::count(change.after.requests),
            words::count(change.before.failed),
            words::count(change.before.requests)
        ),
        What::Peak(peak, step) => format!(
            "most failures: {} of {} in {}",
            words::count(peak.failed),
            words::counted(peak.requests, "request", "requests"),
            minutes(*step)
        ),
        What::Last(incident, since) => {
            let after = match since {
                None => String::new(),
                Some(since) if since.requests == 0 && timeline::is_over(incident) => String::new(),
                Some(since) if since.requests == 0 => {
                    "; the logs hold no later request of its routes, so whether it is over is open".to_owned()
                }
                Some(since) => format!(
                    "; of the {} of its routes in the minutes after that, {}",
                    words::counted(since.requests, "request", "requests"),
                    match since.failed {
                        0 => "none failed".to_owned(),
                        failed => format!("{} failed (for other reasons)", words::count(failed)),
                    }
                ),
            };
            match incident.first_seen == incident.last_seen {
                true => format!(
                    "**only {}** of incident {}: {}{after}",
                    if incident.requests == 1 { "failure" } else { "failures" },
                    incident.rank,
                    headline(incident)
                ),
                false => {
                    let over = if timeline::is_over(incident) { "; **it is over**" } else { "" };
                    format!("last failure of incident {}{after}{over}", incident.rank)
                }
            }
        }
        What::LogsEnd => "the logs end".to_owned(),
        What::AsOf => "the moment as of which this is written".to_owned(),
    }
}

fn deployed(one: &Deployed) -> String {
    format!(
        "{} ({} of {} failed)",
        code(&one.name),
        words::count(one.failed),
        words::counted(one.requests, "request", "requests")
    )
}
