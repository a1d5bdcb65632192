//! One incident in full: what it means, where and when, the lines that prove it, what else was considered, and what to do.

use super::super::model::{Evidence, Incident, Report, Verdict};
use super::super::{onset, words};
use super::text::{code, prose};
use super::{Page, headline, moment, share};

/// Routes of an incident; more are in the JSON report.
const MAX_ROUTES: usize = 10;

/// Writes it.
pub(super) fn write(page: &mut Page, report: &Report, incident: &Incident) {
    let what = if incident.cause.is_some() { "Root cause" } else { "Undecided" };
    page.heading(2, &format!("{what} {}: {}", incident.rank, headline(incident)));
    page.paragraph(&prose(&incident.meaning));
    facts(page, incident, report.requests.failed);
    context(page, incident);
    began(page, incident);
    segments(page, incident);
    seen_before(page, report, incident);
    evidence(page, incident);
    considered(page, incident);
    advice(page, incident);
}

fn facts(page: &mut Page, incident: &Incident, failed: u64) {
    if let Some(cause) = &incident.cause {
        page.item(&format!(
            "Cause: {} ({}), {} sure",
            code(cause),
            words::class(incident),
            words::percent(incident.confidence)
        ));
    }
    let status: Vec<String> = incident
        .status
        .iter()
        .map(|(status, count)| match status.as_str() {
            "none" => format!("{} without a status", words::count(*count)),
            _ => format!("{} with {status}", words::count(*count)),
        })
        .collect();
    page.item(&format!(
        "Failed requests: {} ({} of all failures); {}",
        words::count(incident.requests),
        share(incident.requests, failed),
        status.join(", ")
    ));
    match (&incident.first_seen, &incident.last_seen) {
        (Some(first), Some(last)) => {
            page.item(&format!("First failure {}, last failure {}", moment(first), moment(last)));
        }
        _ => page.item("No failure of it has a time"),
    }
    for count in incident.routes.iter().take(MAX_ROUTES) {
        page.item(&format!(
            "On {}: {} of {} ({})",
            code(&count.route),
            words::count(count.requests),
            words::counted(count.total, "request", "requests"),
            share(count.requests, count.total)
        ));
    }
    if let Some(more) = incident.routes.len().checked_sub(MAX_ROUTES).filter(|more| *more > 0) {
        page.item(&format!("On {} more routes", words::count(more as u64)));
    }
    let codes = |values: &[String]| values.iter().map(|value| code(value)).collect::<Vec<_>>().join(", ");
    if !incident.deployments.is_empty() {
        page.item(&format!("Deployments: {}", codes(&incident.deployments)));
    }
    for (key, value) in incident.captures.iter().filter(|(key, _)| *key != "route") {
        page.item(&format!("{}: {}", code(key), code(value)));
    }
    page.item(&format!("Incident ID: {}", code(&incident.id)));
}

/// What helped the cause along, and what may be behind an undecided one.
fn context(page: &mut Page, incident: &Incident) {
    for factor in &incident.contributing {
        page.item(&format!("Contributing: {}", prose(factor)));
    }
    for id in &incident.inferred_from {
        page.item(&format!("May belong to incident {}, whose failures stand beside these", code(id)));
    }
}

/// Since when, with what, all requests or some, and whether it is over.
fn began(page: &mut Page, incident: &Incident) {
    let facts = onset::facts(incident);
    if facts.is_empty() {
        return;
    }
    page.heading(3, "How it began and went on");
    for (name, text) in facts {
        page.item(&format!("{name}: {}", prose(&text)));
    }
}

/// Where and for whom it is more frequent.
fn segments(page: &mut Page, incident: &Incident) {
    if incident.segments.is_empty() {
        return;
    }
    page.heading(3, "Who and what it strikes most");
    for segment in &incident.segments {
        page.item(&prose(&onset::segment_in_full(segment)));
    }
}

/// What was saved of it.
fn seen_before(page: &mut Page, report: &Report, incident: &Incident) {
    let Some(seen) = report.known.seen(&incident.id) else { return };
    page.heading(3, "Seen before");
    page.item(&prose(&seen.sentence()));
    if !seen.root_cause.trim().is_empty() {
        page.item(&format!("Root cause then: {}", prose(&seen.root_cause)));
    }
    for one in &seen.links {
        page.item(&format!("See {}", link(one)));
    }
    page.item(&format!("Saved in {}", code(&seen.file)));
}

fn evidence(page: &mut Page, incident: &Incident) {
    if incident.evidence.is_empty() {
        return;
    }
    page.heading(3, "Evidence");
    for line in &incident.evidence {
        page.paragraph(&place(line));
        page.block(&line.text);
    }
}

fn place(line: &Evidence) -> String {
    let mut parts = vec![code(&format!("{}:{}", line.source, line.line))];
    parts.extend(line.time.as_deref().map(moment));
    parts.extend(line.correlation_id.as_deref().map(|id| format!("request {}", code(id))));
    parts.join(", ")
}

fn considered(page: &mut Page, incident: &Incident) {
    if incident.rivals.is_empty() && incident.triage.is_empty() {
        return;
    }
    page.heading(3, "What else it could have been");
    for step in &incident.triage {
        let verdict = match step.verdict {
            Verdict::Fail => "found here",
            Verdict::Clear => "ruled out",
            Verdict::Unknown => "the logs do not tell",
        };
        page.item(&format!("{}: {verdict} – {}", step.step, prose(&step.why)));
    }
    for rival in &incident.rivals {
        let against = match incident.cause {
            Some(_) => format!(" against {}", words::percent(incident.confidence)),
            None => String::new(),
        };
        page.item(&format!(
            "Rival cause {}: its lines were seen, and it lost with {}{against}",
            code(&rival.cause),
            words::percent(rival.confidence)
        ));
    }
}

fn advice(page: &mut Page, incident: &Incident) {
    let label = if incident.cause.is_some() { "Fix" } else { "Next" };
    for (label, text) in [(label, &incident.fix), ("Prevention", &incident.prevention)] {
        if !text.trim().is_empty() {
            page.paragraph(&format!("**{label}:** {}", prose(text)));
        }
    }
    if !incident.references.is_empty() {
        for reference in &incident.references {
            page.item(&format!("See {}", link(reference)));
        }
    }
}

/// References are written by whoever writes rules; only a plain address becomes a link.
fn link(reference: &str) -> String {
    let plain = reference.starts_with("https://")
        && reference.bytes().all(|b| b.is_ascii_alphanumeric() || b":/.-_%?=&#~+,".contains(&b));
    if plain { format!("<{reference}>") } else { code(reference) }
}
