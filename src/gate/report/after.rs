//! What to do about a deployment, for people: the advice, what it rests on, the way back and what that leaves as it is.

use crate::compare::Verdict;
use crate::gate::after::advice::Advice;
use crate::gate::after::{After, Deployment};
use crate::redact::printable::single_line;
use crate::report::slo::BurnWindow;
use crate::report::words;

/// The lines, each with its label. Texts are printable.
pub fn lines(after: &After) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut line = |label: &'static str, text: &str| lines.push((label, single_line(text).into_owned()));
    for why in &after.why {
        line("because", why);
    }
    line("deployment", &deployment(&after.deployment));
    if let Some(previous) = &after.previous {
        line("before it", &deployment(previous));
    }
    if let Some(first) = &after.deployment.first_failure {
        let parts = [first.method.as_deref(), first.route.as_deref()];
        let request: Vec<&str> = parts.into_iter().flatten().collect();
        let status = first.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let id = first.correlation_id.as_deref().unwrap_or("none");
        let time = first.time.as_deref().unwrap_or("unknown time");
        line("first 500", &format!("{time} {} · status {status} · id {id}", request.join(" ")));
    }
    for burn in &after.burn {
        let rates = format!("{} · {}", window(&burn.long), window(&burn.short));
        line("burn", &format!("{rates} · threshold {}", burn.threshold));
    }
    if let Some(comparison) = &after.comparison {
        let counts: Vec<String> = Verdict::ALL
            .into_iter()
            .filter(|verdict| comparison.count(*verdict) > 0)
            .map(|verdict| format!("{} {}", comparison.count(verdict), verdict.as_str()))
            .collect();
        let counts = if counts.is_empty() { "no incident on either".to_owned() } else { counts.join(", ") };
        let p = match after.rise_p_value {
            None => String::new(),
            Some(..0.001) => " · p of the rise < 0.001".to_owned(),
            Some(p) => format!(" · p of the rise {p}"),
        };
        line("compared", &format!("incidents: {counts}{p}"));
    }
    if let Some(top) = &after.top_incident {
        let cause = top.cause.as_deref().unwrap_or("no cause named");
        let new = match top.is_new {
            Some(true) => ", new",
            Some(false) => ", was there before",
            None => "",
        };
        let requests = words::counted(top.requests, "request", "requests");
        line(
            "top",
            &format!("{} · {} {cause} · {requests}{new} · incident {}", top.title, top.class, top.id),
        );
        if let Some(seen) = &top.seen_before {
            line("seen", &format!("before: {seen}"));
        }
        if !top.fix.is_empty() {
            line("fix", &top.fix);
        }
    }
    if matches!(after.advice, Advice::RollBack | Advice::Hold) {
        match &after.rollback.command {
            Some(command) => line("way back", &format!("{command}   (not run)")),
            None => line("way back", "the manifest has no [rollback] command"),
        }
        if let Some(notes) = &after.rollback.notes {
            line("see", notes);
        }
        for stays in &after.rollback.does_not_undo {
            line("it leaves", stays);
        }
    }
    for note in &after.notes {
        line("note", note);
    }
    lines
}

fn deployment(one: &Deployment) -> String {
    let requests = words::counted(one.requests, "request", "requests");
    let mut parts = vec![
        one.id.clone(),
        format!("{} of {requests} failed", words::count(one.failed)),
        words::span(one.first_seen.as_deref(), one.last_seen.as_deref()),
    ];
    for (name, values) in
        [("environment", &one.environments), ("branch", &one.branches), ("region", &one.regions)]
    {
        if !values.is_empty() {
            parts.push(format!("{name} {}", values.join(", ")));
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

fn window(window: &BurnWindow) -> String {
    let seen = match window.covered_minutes < window.minutes {
        true => format!(", {} seen", window.covered_minutes),
        false => String::new(),
    };
    match window.rate {
        Some(rate) => format!("{rate}× over {} min{seen}", window.minutes),
        None => format!("no request in {} min{seen}", window.minutes),
    }
}
