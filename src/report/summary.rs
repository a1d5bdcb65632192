//! What the answer rests on: how many requests were seen, where they failed, what was read and what was not,
//! what the reader must know, and what could not be decided.

use std::io;

use super::model::{Incident, Report, Source};
use super::page::Page;
use super::palette::{ALARM, PLAIN, QUIET, STRONG};
use super::{layout, memory, words};

/// More sources than this are added up.
const MAX_SOURCES: usize = 8;
/// Routes that are shown.
const MAX_ROUTES: usize = 5;
/// Undecided incidents that are shown.
const MAX_UNDECIDED: usize = 8;
/// Indent of continued blocks.
const INDENT: &str = "   ";

/// Writes the closing part.
pub fn write(page: &mut Page, report: &Report) -> io::Result<()> {
    page.rule(&[(STRONG, "Summary")], "")?;
    totals(page, report)?;
    routes(page, report)?;
    ledger(page, report)?;
    outside(page, report)?;
    undecided(page, report)?;
    lacking(page, report)?;
    memory::write(page, report)?;
    remarks(page, report)
}

/// Errors that belong to no request.
fn outside(page: &mut Page, report: &Report) -> io::Result<()> {
    for (index, one) in report.outside_requests.iter().enumerate() {
        if index == 0 {
            page.gap()?;
            page.line(&[(STRONG, &format!("{INDENT}outside any request"))])?;
        }
        let place = format!("{}:{}", one.evidence.source, one.evidence.line);
        let times =
            if one.records > 1 { format!(", {} times", words::count(one.records)) } else { String::new() };
        page.entry((PLAIN, INDENT), PLAIN, &format!("{} ({}, {place}{times})", one.title, one.class), 3)?;
        page.quote(&format!("{INDENT}  "), &one.evidence.text, 3)?;
        page.entry((QUIET, &format!("{INDENT}  fix = ")), PLAIN, &one.fix, 6)?;
    }
    Ok(())
}

/// A label in a column of its own, then text.
fn fact(page: &mut Page, name: &str, text: &str) -> io::Result<()> {
    page.entry((QUIET, &format!("{INDENT}{name:<10} ")), PLAIN, text, 6)
}

/// A label in a column of its own, then items.
fn facts(page: &mut Page, name: &str, items: &[String]) -> io::Result<()> {
    page.items((QUIET, &format!("{INDENT}{name:<10} ")), PLAIN, items)
}

fn totals(page: &mut Page, report: &Report) -> io::Result<()> {
    let totals = &report.requests;
    let mut parts = vec![
        format!("{} seen", words::count(totals.total)),
        format!("{} failed", words::count(totals.failed)),
        format!("{} aborted", words::count(totals.aborted)),
        format!("{} incomplete", words::count(totals.incomplete)),
    ];
    if !totals.exact {
        parts.push("not exact".to_owned());
    }
    facts(page, "requests", &parts)?;
    if totals.unattributed > 0 {
        let records = words::counted(totals.unattributed, "record belongs", "records belong");
        fact(page, "", &format!("{records} to no request"))?;
    }
    let window = words::span(report.window.from.as_deref(), report.window.to.as_deref());
    fact(page, "window", if window.is_empty() { "no record has a time" } else { &window })
}

fn routes(page: &mut Page, report: &Report) -> io::Result<()> {
    let shown = &report.routes[..report.routes.len().min(MAX_ROUTES)];
    let widest = shown.iter().map(|route| layout::width(&route.route)).max().unwrap_or_default();
    let column = widest.min(page.columns().saturating_sub(36).max(16));
    for (index, route) in shown.iter().enumerate() {
        let name = layout::cut(&route.route, column).into_owned();
        let pad = " ".repeat(column.saturating_sub(layout::width(&name)));
        let counts = format!("{} of {} failed", words::count(route.requests), words::count(route.total));
        fact(page, if index == 0 { "top routes" } else { "" }, &format!("{name}{pad}  {counts}"))?;
    }
    match report.routes.len() - shown.len() {
        0 => Ok(()),
        more => fact(page, "", &format!("and {} more", words::count(more as u64))),
    }
}

fn ledger(page: &mut Page, report: &Report) -> io::Result<()> {
    match report.sources.as_slice() {
        [] => fact(page, "read", "nothing"),
        sources if sources.len() <= MAX_SOURCES => {
            for (index, source) in sources.iter().enumerate() {
                let name = match source.format.as_str() {
                    "" => source.name.clone(),
                    format => format!("{} ({format})", source.name),
                };
                account(page, if index == 0 { "read" } else { "" }, &name, source)?;
            }
            Ok(())
        }
        sources => {
            let name = format!("{} sources, together", words::count(sources.len() as u64));
            account(page, "read", &name, &sum(sources))
        }
    }
}

fn sum(sources: &[Source]) -> Source {
    let mut all = Source::default();
    for source in sources {
        all.bytes += source.bytes;
        all.frames += source.frames;
        all.decoded += source.decoded;
        all.continuations += source.continuations;
        all.duplicates += source.duplicates;
        all.ignored += source.ignored;
        all.rejected += source.rejected;
        all.records += source.records;
    }
    all
}

/// The account of one source: terms that are zero are left out, the sum still closes.
fn account(page: &mut Page, label: &str, name: &str, source: &Source) -> io::Result<()> {
    fact(page, label, name)?;
    let terms: Vec<String> = [
        (source.decoded, "decoded"),
        (source.continuations, "continuations"),
        (source.duplicates, "duplicates"),
        (source.ignored, "ignored"),
        (source.rejected, "rejected"),
    ]
    .iter()
    .filter(|(count, name)| *count > 0 || *name == "decoded")
    .map(|(count, name)| format!("{} {name}", words::count(*count)))
    .collect();
    let frames = words::counted(source.frames, "frame", "frames");
    let records = words::counted(source.records, "record", "records");
    facts(page, "", &[format!("{frames} = {}", terms.join(" + ")), records])?;
    let accounted =
        [source.decoded, source.continuations, source.duplicates, source.ignored, source.rejected]
            .iter()
            .fold(0_u64, |sum, count| sum.saturating_add(*count));
    if accounted != source.frames {
        let text =
            format!("the account does not close: {} of {frames} accounted for", words::count(accounted));
        page.entry((ALARM, &format!("{INDENT}           ")), ALARM, &text, 2)?;
    }
    for reject in source.rejects.iter().take(3) {
        let text = format!(
            "rejected {} × {}, first in line {}",
            words::count(reject.frames),
            reject.reason,
            words::count(reject.first_line)
        );
        fact(page, "", &text)?;
    }
    Ok(())
}

/// Incidents without a cause: why, and what to look at next.
fn undecided(page: &mut Page, report: &Report) -> io::Result<()> {
    let open: Vec<&Incident> = report.incidents.iter().filter(|incident| incident.cause.is_none()).collect();
    if open.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.line(&[(PLAIN, INDENT), (STRONG, "not decided")])?;
    for incident in open.iter().take(MAX_UNDECIDED) {
        let requests = words::counted(incident.requests, "request", "requests");
        let label = format!("{INDENT}{:>2}  ", incident.rank);
        let hang = " ".repeat(layout::width(&label));
        let title =
            format!("{requests} on {}: {}", words::routes(&incident.routes), words::headline(incident));
        page.entry((QUIET, &label), PLAIN, &title, 2)?;
        if !incident.meaning.trim().is_empty() {
            page.entry((PLAIN, &hang), QUIET, &format!("why: {}", incident.meaning), 3)?;
        }
        if let Some(next) = next_step(report, incident) {
            page.entry((PLAIN, &hang), QUIET, &format!("next: {next}"), 3)?;
        }
    }
    match open.len().saturating_sub(MAX_UNDECIDED) {
        0 => Ok(()),
        more => page.line(&[(QUIET, &format!("{INDENT}    and {more} more"))]),
    }
}

/// Where causes are missing or uncertain, what the logs lack: one line, on the family with most of them.
fn lacking(page: &mut Page, report: &Report) -> io::Result<()> {
    let Some(gap) = report.gaps.first().filter(|gap| gap.uncertain > 0) else { return Ok(()) };
    let told = gap.missing.iter().filter(|one| one.change.is_some() && one.uncertain > 0);
    let missing: Vec<&str> = told.map(|one| one.phase.words()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let family = gap.family.as_deref().unwrap_or("requests without a route");
    let text = format!("{family}: {} (--format json has the logging changes)", missing.join(", "));
    page.gap()?;
    page.entry((STRONG, &format!("{INDENT}what the logs lack  ")), PLAIN, &text, 3)
}

fn next_step<'r>(report: &'r Report, incident: &'r Incident) -> Option<&'r str> {
    if !incident.fix.trim().is_empty() {
        return Some(&incident.fix);
    }
    let failure = report.failures.iter().find(|failure| failure.incident == incident.id)?;
    failure.next_step.as_deref()
}

fn remarks(page: &mut Page, report: &Report) -> io::Result<()> {
    if report.remarks.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.line(&[(PLAIN, INDENT), (STRONG, "remarks")])?;
    for remark in &report.remarks {
        page.entry((QUIET, &format!("{INDENT}- ")), PLAIN, remark, 4)?;
    }
    Ok(())
}
