//! The report as Markdown: a postmortem's text with all that logs can tell, and what people have to fill in left open.
//! Lists and code blocks only: no table, whose cells a log could break (see `text.rs`).

mod incident;
mod sections;
mod story;
pub(crate) mod text;

use std::io;

use self::text::{code, prose};
use super::model::{Incident, Report, Source};
use super::{onset, timeline, words};

/// Incidents that are listed.
const MAX_LISTED: usize = 50;
/// Incidents that are told in full.
const MAX_IN_FULL: usize = 10;
/// Routes that are listed.
const MAX_ROUTES: usize = 15;
/// Sources whose account is listed one by one.
const MAX_SOURCES: usize = 20;

/// Writes the report. `as_of`: the moment as of which it speaks, RFC 3339; by default that of the last record.
pub fn write(report: &Report, as_of: Option<&str>, out: &mut dyn io::Write) -> io::Result<()> {
    out.write_all(page(report, as_of).as_bytes())
}

/// The whole text.
pub fn page(report: &Report, as_of: Option<&str>) -> String {
    let mut page = Page::default();
    page.heading(1, &title(report));
    about(&mut page, report, as_of);
    summary(&mut page, report);
    impact(&mut page, report);
    list(&mut page, report);
    story::write(&mut page, report, as_of);
    for incident in report.incidents.iter().take(MAX_IN_FULL) {
        incident::write(&mut page, report, incident);
    }
    if let Some(more) = report.incidents.get(MAX_IN_FULL..).filter(|more| !more.is_empty()) {
        let more = words::counted(more.len() as u64, "more incident is", "more incidents are");
        page.paragraph(&format!("{more} told in the JSON report only."));
    }
    actions(&mut page, report);
    outside(&mut page, report);
    sections::budget(&mut page, report);
    gaps(&mut page, report);
    sections::lacking(&mut page, report);
    sections::known(&mut page, report);
    ledger(&mut page, report);
    page.text
}

/// Text in the making.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// A heading; the text is this program's own or went through [`text`].
    fn heading(&mut self, level: usize, text: &str) {
        self.gap();
        self.text.push_str(&format!("{} {text}\n", "#".repeat(level)));
    }

    fn paragraph(&mut self, text: &str) {
        self.gap();
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// An item of a list; the first one after something else begins the list.
    fn item(&mut self, text: &str) {
        let in_list = self
            .text
            .lines()
            .next_back()
            .is_some_and(|line| line.starts_with("- ") || line.starts_with("  - "));
        if !in_list {
            self.gap();
        }
        self.text.push_str(&format!("- {text}\n"));
    }

    fn block(&mut self, text: &str) {
        self.gap();
        self.text.push_str(&text::block(text));
    }

    fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }
}

fn title(report: &Report) -> String {
    let verdict = words::verdict(report);
    if report.requests.failed == 0 { verdict } else { format!("Postmortem: {verdict}") }
}

fn about(page: &mut Page, report: &Report, as_of: Option<&str>) {
    let as_of = as_of.or(report.window.to.as_deref()).map(|time| format!(", as of {}", moment(time)));
    page.paragraph(&format!(
        "Written by {} {} (rules {}) from logs alone{}. All times are UTC. What no log tells is marked *to be filled in*.",
        report.tool.name,
        report.tool.version,
        code(&report.tool.ruleset),
        as_of.unwrap_or_default()
    ));
    if report.partial {
        page.paragraph("**The run was interrupted; this is what it had seen.**");
    }
}

fn summary(page: &mut Page, report: &Report) {
    page.heading(2, "Summary");
    let totals = &report.requests;
    let within = match (&report.window.from, &report.window.to) {
        (Some(from), Some(to)) => format!(" from {} to {}", moment(from), moment(to)),
        _ => String::new(),
    };
    if totals.failed == 0 {
        page.paragraph(&format!(
            "The logs hold {}{within}, and none of them failed. There is no cause to name.",
            words::counted(totals.total, "request", "requests")
        ));
        return;
    }
    let causes = report.incidents.iter().filter(|incident| incident.cause.is_some()).count() as u64;
    let undecided = report.incidents.len() as u64 - causes;
    let mut found = vec![match causes {
        0 => "no cause was found".to_owned(),
        _ => format!("{} found", words::counted(causes, "cause was", "causes were")),
    }];
    if undecided > 0 {
        found.push(format!("{} undecided", words::counted(undecided, "incident is", "incidents are")));
    }
    page.paragraph(&format!(
        "{} of {} failed ({}){within}; {}.",
        words::count(totals.failed),
        words::counted(totals.total, "request", "requests"),
        share(totals.failed, totals.total),
        found.join(", ")
    ));
    let Some(first) = report.incidents.first() else { return };
    let meaning = prose(&first.meaning);
    let sure = match first.cause {
        Some(_) => format!(", {} sure", words::percent(first.confidence)),
        None => String::new(),
    };
    page.paragraph(&format!(
        "**{}:** {} ({} of {} failures{sure}). {meaning}",
        if first.cause.is_some() { "Main cause" } else { "Most failures" },
        headline(first),
        words::count(first.requests),
        words::count(totals.failed)
    ));
    if let Some(since) = onset::sentence(first, words::one_day(&report.window)) {
        page.paragraph(&format!("**Began:** {}.", prose(&since)));
    }
    if !first.fix.trim().is_empty() {
        let label = if first.cause.is_some() { "Fix" } else { "Next" };
        page.paragraph(&format!("**{label}:** {}", prose(&first.fix)));
    }
}

fn impact(page: &mut Page, report: &Report) {
    let totals = &report.requests;
    page.heading(2, "Impact");
    page.item(&format!(
        "Requests: {} seen, {} failed ({}), {} given up by the client, {} without an end",
        words::count(totals.total),
        words::count(totals.failed),
        share(totals.failed, totals.total),
        words::count(totals.aborted),
        words::count(totals.incomplete)
    ));
    if !totals.exact {
        page.item("These numbers are not exact: memory was short, see the remarks");
    }
    if let Some(peak) = timeline::peak(report) {
        page.item(&format!(
            "Worst interval: {} of {} failed in {} from {}",
            words::count(peak.failed),
            words::counted(peak.requests, "request", "requests"),
            minutes(report.traffic.step_minutes),
            moment(peak.from.as_deref().unwrap_or_default())
        ));
    }
    for count in report.routes.iter().take(MAX_ROUTES) {
        page.item(&format!(
            "{}: {} of {} failed ({})",
            code(&count.route),
            words::count(count.requests),
            words::counted(count.total, "request", "requests"),
            share(count.requests, count.total)
        ));
    }
    if let Some(more) = report.routes.len().checked_sub(MAX_ROUTES).filter(|more| *more > 0) {
        page.item(&format!("{} more routes", words::count(more as u64)));
    }
    if totals.failed > 0 {
        page.item("People and business: *to be filled in*");
    }
}

/// The incidents by rank.
fn list(page: &mut Page, report: &Report) {
    if report.incidents.is_empty() {
        return;
    }
    page.heading(2, "Incidents");
    for incident in report.incidents.iter().take(MAX_LISTED) {
        page.item(&format!(
            "Incident {}: {}, {}: {} ({}), {}",
            incident.rank,
            headline(incident),
            words::class(incident),
            words::counted(incident.requests, "failed request", "failed requests"),
            share(incident.requests, report.requests.failed),
            code(&incident.id)
        ));
    }
    if let Some(more) = report.incidents.len().checked_sub(MAX_LISTED).filter(|more| *more > 0) {
        page.item(&format!("{} more", words::count(more as u64)));
    }
}

/// What to do, as a list to tick off.
fn actions(page: &mut Page, report: &Report) {
    let todo: Vec<&Incident> = report
        .incidents
        .iter()
        .filter(|incident| !incident.fix.trim().is_empty())
        .take(MAX_IN_FULL)
        .collect();
    if todo.is_empty() {
        return;
    }
    page.heading(2, "Actions");
    for incident in todo {
        let what = if incident.cause.is_some() { "Fix" } else { "Find out" };
        page.item(&format!("[ ] {what} (incident {}): {}", incident.rank, prose(&incident.fix)));
        if !incident.prevention.trim().is_empty() {
            page.item(&format!("[ ] Prevent (incident {}): {}", incident.rank, prose(&incident.prevention)));
        }
    }
}

/// Errors outside any request.
fn outside(page: &mut Page, report: &Report) {
    if report.outside_requests.is_empty() {
        return;
    }
    page.heading(2, "Errors outside any request");
    for one in &report.outside_requests {
        page.paragraph(&format!(
            "**{}** ({}, rule {}), {}, first in {}:",
            prose(&one.title),
            one.class,
            code(&one.cause),
            words::counted(one.records, "line", "lines"),
            code(&format!("{}:{}", one.evidence.source, one.evidence.line))
        ));
        page.block(&one.evidence.text);
        page.paragraph(&format!("**Fix:** {}", prose(&one.fix)));
    }
}

/// What the logs could not tell.
fn gaps(page: &mut Page, report: &Report) {
    page.heading(2, "What the logs could not tell");
    let totals = &report.requests;
    let before = page.text.len();
    if totals.incomplete > 0 {
        page.item(&format!(
            "{} without a status and without an end: the export may be cut off",
            words::counted(totals.incomplete, "request is", "requests are")
        ));
    }
    if totals.unattributed > 0 {
        page.item(&format!(
            "{} to no request: log the request ID on every line",
            words::counted(totals.unattributed, "record belongs", "records belong")
        ));
    }
    for incident in report.incidents.iter().filter(|incident| incident.cause.is_none()).take(MAX_IN_FULL) {
        let next = match incident.fix.trim() {
            "" => String::new(),
            fix => format!(" Next: {}", prose(fix)),
        };
        page.item(&format!(
            "Incident {} ({}) is not decided. {}{next}",
            incident.rank,
            words::counted(incident.requests, "request", "requests"),
            prose(&incident.meaning)
        ));
    }
    for remark in &report.remarks {
        page.item(&prose(remark));
    }
    if page.text.len() == before {
        page.item("Nothing that this program knows of");
    }
}

/// The account of the input.
fn ledger(page: &mut Page, report: &Report) {
    page.heading(2, "What was read");
    if report.sources.is_empty() {
        page.item("Nothing");
    }
    for source in report.sources.iter().take(MAX_SOURCES) {
        page.item(&account(source));
        for reject in &source.rejects {
            page.text.push_str(&format!(
                "  - {} rejected, the first in line {}: {}\n",
                words::count(reject.frames),
                words::count(reject.first_line),
                prose(&reject.reason)
            ));
        }
    }
    if let Some(more) = report.sources.len().checked_sub(MAX_SOURCES).filter(|more| *more > 0) {
        page.item(&format!(
            "{} more sources; the JSON report has the account of each",
            words::count(more as u64)
        ));
    }
}

fn account(source: &Source) -> String {
    format!(
        "{} ({}): {} = {} decoded + {} continuations + {} duplicates + {} ignored + {} rejected",
        code(&source.name),
        if source.format.is_empty() { "no known format".to_owned() } else { code(&source.format) },
        words::counted(source.frames, "frame", "frames"),
        words::count(source.decoded),
        words::count(source.continuations),
        words::count(source.duplicates),
        words::count(source.ignored),
        words::count(source.rejected)
    )
}

/// The title of an incident and its subject; an unclassified one is titled by what a log said.
fn headline(incident: &Incident) -> String {
    match incident.cause {
        None => code(&incident.title),
        Some(_) => {
            let whole = words::headline(incident);
            let subject = whole.strip_prefix(&incident.title).unwrap_or_default().trim();
            match subject.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
                Some(subject) => format!("{} ({})", prose(&incident.title), code(subject)),
                None => prose(&incident.title),
            }
        }
    }
}

/// A time of the report; what has another shape was a log's.
fn moment(time: &str) -> String {
    match words::date(time) {
        date if date.len() == 10 => format!("{date} {}", words::clock(time)),
        _ => code(time),
    }
}

fn minutes(step: i64) -> String {
    match step {
        1 => "one minute".to_owned(),
        _ => format!("{step} minutes"),
    }
}

fn share(part: u64, whole: u64) -> String {
    words::percent(part as f64 / whole.max(1) as f64)
}

#[cfg(test)]
mod tests;
