//! One incident in full: what it means, the lines that prove it, what was captured, what was ruled out, and
//! what to do. Lines of the form `key = value` are for people and for `grep`; no value can add one.

use std::io;

use super::layout::width;
use super::model::{Evidence, Incident, Verdict};
use super::page::Page;
use super::palette::{GOOD, PLAIN, QUIET, STRONG, class as class_style, verdict as verdict_style};
use super::{onset, words};

/// Indent of everything below the heading.
const INDENT: &str = "   ";
/// Lines of one piece of evidence.
const EVIDENCE_LINES: usize = 6;
/// Pieces of evidence; more are in `json`.
const MAX_EVIDENCE: usize = 5;
/// Routes of an incident; more are in `json`.
const MAX_ROUTES: usize = 5;
/// Segments of an incident; more are in `json`.
const MAX_SEGMENTS: usize = 3;
/// Lines of one captured value.
const CAPTURE_LINES: usize = 2;

/// Writes one incident. `one_day`: the report's window lies within one day, so dates may be left out.
pub fn write(page: &mut Page, incident: &Incident, one_day: bool) -> io::Result<()> {
    heading(page, incident)?;
    if !incident.meaning.trim().is_empty() {
        page.entry((PLAIN, INDENT), PLAIN, &incident.meaning, 6)?;
    }
    page.items((PLAIN, INDENT), QUIET, &facts(incident, one_day))?;
    if let Some(onset) = onset::sentence(incident, one_day) {
        page.entry((PLAIN, INDENT), PLAIN, &onset, 3)?;
    }
    if incident.routes.len() > 1 {
        page.items((QUIET, &format!("{INDENT}on ")), QUIET, &places(incident))?;
    }

    if !incident.evidence.is_empty() {
        label(page, "evidence")?;
        for evidence in incident.evidence.iter().take(MAX_EVIDENCE) {
            cite(page, evidence, one_day)?;
        }
        if let Some(more) = incident.evidence.len().checked_sub(MAX_EVIDENCE).filter(|more| *more > 0) {
            page.line(&[(QUIET, &format!("{INDENT}  and {more} more"))])?;
        }
    }

    page.gap()?;
    if let Some(cause) = &incident.cause {
        entry(page, "rule", cause)?;
    }
    if let Some(first) = incident.routes.first().filter(|_| !incident.captures.contains_key("route")) {
        entry(page, "route", &first.route)?;
    }
    for (key, value) in &incident.captures {
        entry(page, key, value)?;
    }

    for factor in &incident.contributing {
        entry(page, "contributing", factor)?;
    }

    for segment in incident.segments.iter().take(MAX_SEGMENTS) {
        entry(page, "segment", &onset::segment(segment))?;
    }

    triage(page, incident)?;
    page.gap()?;
    advice(page, if incident.cause.is_some() { "fix" } else { "next" }, &incident.fix)?;
    advice(page, "prevention", &incident.prevention)?;
    for reference in &incident.references {
        page.entry((QUIET, &format!("{INDENT}see ")), PLAIN, reference, 3)?;
    }
    Ok(())
}

fn heading(page: &mut Page, incident: &Incident) -> io::Result<()> {
    let note = match incident.cause {
        Some(_) => format!("{} sure", words::percent(incident.confidence)),
        None => "no cause found".to_owned(),
    };
    let rank = format!("{}  ", incident.rank);
    let class = words::class(incident);
    let title = format!("  {}", words::headline(incident));
    if page.rule_fits(&format!("{rank}{class}{title}"), &note) {
        return page.rule(&[(STRONG, &rank), (class_style(incident.class), &class), (STRONG, &title)], &note);
    }
    page.rule(&[(STRONG, &rank), (class_style(incident.class), &class)], &note)?;
    page.entry((PLAIN, INDENT), STRONG, &title, 3)
}

/// The routes with their failures.
fn places(incident: &Incident) -> Vec<String> {
    let mut places: Vec<String> = incident
        .routes
        .iter()
        .take(MAX_ROUTES)
        .map(|count| {
            format!("{} ({} of {})", count.route, words::count(count.requests), words::count(count.total))
        })
        .collect();
    if let Some(more) = incident.routes.len().checked_sub(MAX_ROUTES).filter(|more| *more > 0) {
        places.push(format!("{more} more"));
    }
    places
}

/// Numbers of the incident.
fn facts(incident: &Incident, one_day: bool) -> Vec<String> {
    let mut facts = vec![format!(
        "{} ({})",
        words::counted(incident.requests, "failed request", "failed requests"),
        words::percent(incident.share)
    )];
    let status: Vec<String> = incident
        .status
        .iter()
        .map(|(code, count)| match code.as_str() {
            "none" => format!("no status ×{}", words::count(*count)),
            _ => format!("{code} ×{}", words::count(*count)),
        })
        .collect();
    facts.push(status.join(", "));
    facts.push(match (incident.first_seen.as_deref(), incident.last_seen.as_deref()) {
        (Some(from), Some(to)) if one_day && words::clock(from) == words::clock(to) => {
            words::clock(from).to_owned()
        }
        (Some(from), Some(to)) if one_day => format!("{}–{}", words::clock(from), words::clock(to)),
        (from, to) => words::span(from, to),
    });
    facts.push(match incident.deployments.as_slice() {
        [] => String::new(),
        [one] => format!("deployment {one}"),
        [first, more @ ..] => format!("deployment {first} +{} more", more.len()),
    });
    facts.push(format!("incident {}", incident.id));
    facts.retain(|fact| !fact.is_empty());
    facts
}

/// A small heading within the incident.
fn label(page: &mut Page, name: &str) -> io::Result<()> {
    page.gap()?;
    page.line(&[(PLAIN, INDENT), (STRONG, name)])
}

fn cite(page: &mut Page, evidence: &Evidence, one_day: bool) -> io::Result<()> {
    let place = format!("{}:{}", evidence.source, evidence.line);
    let time = match evidence.time.as_deref() {
        Some(time) if one_day => format!("  {}", words::clock_ms(time)),
        Some(time) => format!("  {} {}", words::date(time), words::clock_ms(time)),
        None => String::new(),
    };
    let id = evidence.correlation_id.as_deref().map(|id| format!("  request {id}")).unwrap_or_default();
    // Half an ID finds nothing; it is shown in full or not at all.
    let id = if width(&place) + width(&time) + width(&id) + 5 <= page.columns() { id } else { String::new() };
    page.line(&[(PLAIN, INDENT), (PLAIN, "  "), (PLAIN, &place), (QUIET, &time), (QUIET, &id)])?;
    page.quote("     ", &evidence.text, EVIDENCE_LINES)
}

fn entry(page: &mut Page, key: &str, value: &str) -> io::Result<()> {
    let key: String =
        key.chars().map(|c| if c.is_alphanumeric() || "_.-".contains(c) { c } else { '_' }).collect();
    page.entry((QUIET, &format!("{INDENT}{key} = ")), PLAIN, value, CAPTURE_LINES)
}

fn advice(page: &mut Page, key: &str, text: &str) -> io::Result<()> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let style = if key == "prevention" { QUIET } else { GOOD };
    page.entry((style, &format!("{INDENT}{key} = ")), PLAIN, text, 8)
}

fn triage(page: &mut Page, incident: &Incident) -> io::Result<()> {
    if incident.triage.is_empty() {
        return Ok(());
    }
    page.gap()?;
    let legend = ["✗ found here", "✓ ruled out", "· the log does not tell"].join("   ");
    page.entry((STRONG, &format!("{INDENT}triage   ")), QUIET, &legend, 2)?;
    for step in &incident.triage {
        let (mark, style) = verdict_style(step.verdict);
        let label = format!("{INDENT}  {mark} {:<13} ", step.step.as_str());
        let why = if step.verdict == Verdict::Unknown { QUIET } else { PLAIN };
        page.entry((style, &label), why, &step.why, 3)?;
    }
    if !incident.rivals.is_empty() {
        let rivals: Vec<String> = incident
            .rivals
            .iter()
            .take(5)
            .map(|rival| format!("{} {}", rival.cause, words::percent(rival.confidence)))
            .collect();
        page.entry((QUIET, &format!("{INDENT}  also considered: ")), QUIET, &rivals.join(", "), 2)?;
    }
    Ok(())
}
