//! What a person on call sees in a terminal: the answer first, then the ranked causes, the top ones in full,
//! and at the end what the answer rests on. It only lays out; every word and number is the report's.
//!
//! Laid out for any width: from 80 columns a table, below that one small block per incident.

use std::io;

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::layout::{width, wrap};
use super::model::{Incident, Report};
use super::page::Page;
use super::palette::{ALARM, GOOD, PLAIN, QUIET, STRONG, class as class_style};
use super::{budget, detail, summary, words};
use crate::redact::printable::single_line;

/// Narrowest terminal that gets a table.
const TABLE_COLUMNS: usize = 80;
/// Rows of the table; the rest is counted below it.
const MAX_ROWS: usize = 20;
/// Columns between two columns of the table.
const GUTTER: usize = 2;
/// Titles of the table.
const HEADER: [&str; 7] = ["#", "CLASS", "CAUSE", "ROUTE", "REQUESTS", "SINCE", "CONF"];

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableOptions {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to colour; the caller knows the terminal, `--color` and `NO_COLOR`.
    pub colour: bool,
    /// How many incidents to show in full.
    pub top: usize,
}

impl Default for TableOptions {
    fn default() -> TableOptions {
        TableOptions { width: 100, colour: false, top: 3 }
    }
}

/// Writes the report as text. Every line ends with a newline and takes at most `width` columns.
pub fn write(report: &Report, options: &TableOptions, out: &mut dyn io::Write) -> io::Result<()> {
    let page = &mut Page::new(out, options.width, options.colour);
    if report.partial {
        page.entry((ALARM, "Interrupted: "), PLAIN, "the run was stopped; this is what it had seen.", 2)?;
    }
    head(page, report)?;
    if !report.incidents.is_empty() {
        page.gap()?;
        let shown = &report.incidents[..report.incidents.len().min(MAX_ROWS.max(options.top))];
        if page.columns() >= TABLE_COLUMNS {
            table(page, shown, words::one_day(&report.window))?;
        } else {
            stacked(page, shown, words::one_day(&report.window))?;
        }
        more(page, &report.incidents[shown.len()..])?;
        for incident in report.incidents.iter().take(options.top) {
            page.gap()?;
            detail::write(page, incident, words::one_day(&report.window))?;
        }
    }
    if let Some(slo) = &report.slo {
        page.gap()?;
        budget::write(page, slo)?;
    }
    page.gap()?;
    summary::write(page, report)
}

/// The answer: how many failed, why most of them did, and what to do.
fn head(page: &mut Page, report: &Report) -> io::Result<()> {
    let totals = &report.requests;
    let window = words::span(report.window.from.as_deref(), report.window.to.as_deref());
    if totals.failed == 0 {
        let decoded: u64 = report.sources.iter().map(|source| source.decoded).sum();
        let rejected: u64 = report.sources.iter().map(|source| source.rejected).sum();
        let seen = match totals.total {
            0 if decoded == 0 && rejected > 0 => {
                format!("Nothing could be read: {} rejected", words::counted(rejected, "entry", "entries"))
            }
            0 => "No request found in these logs".to_owned(),
            total => format!("No failed request in {}", words::counted(total, "request", "requests")),
        };
        let all_is_well = totals.total > 0 && report.outside_requests.is_empty();
        headline(page, (if all_is_well { GOOD.bold() } else { STRONG }, &seen), &[window])?;
        return match report.outside_requests.first() {
            Some(one) => {
                page.entry((ALARM, "But    "), PLAIN, &format!("outside any request: {}", one.title), 3)
            }
            None => Ok(()),
        };
    }
    let at_least = if totals.exact { "" } else { "at least " };
    let all = words::counted(totals.total, "request", "requests");
    let failed = format!("{at_least}{} of {all} failed", words::count(totals.failed));
    let causes = report.incidents.iter().filter(|incident| incident.cause.is_some()).count() as u64;
    let undecided = report.incidents.len() as u64 - causes;
    let mut notes = vec![match causes {
        0 => "no cause found".to_owned(),
        _ => words::counted(causes, "cause", "causes"),
    }];
    if undecided > 0 {
        notes.push(format!("{} undecided", words::count(undecided)));
    }
    notes.push(window);
    headline(page, (ALARM, &failed), &notes)?;
    match report.incidents.first() {
        Some(first) => answer(page, report, first),
        None => Ok(()),
    }
}

/// The first line; what does not fit beside it goes below.
fn headline(page: &mut Page, title: (anstyle::Style, &str), notes: &[String]) -> io::Result<()> {
    let notes: &Vec<String> = &notes.iter().filter(|note| !note.is_empty()).cloned().collect();
    let joined = notes.join(" · ");
    if !notes.is_empty() && width(title.1) + 3 + width(&joined) <= page.columns() {
        return page.line(&[title, (QUIET, " · "), (PLAIN, &joined)]);
    }
    page.line(&[title])?;
    page.items((PLAIN, ""), PLAIN, notes)
}

/// The top cause in one sentence, with its fix.
fn answer(page: &mut Page, report: &Report, first: &Incident) -> io::Result<()> {
    page.gap()?;
    let failed = report.requests.failed;
    let share = format!("{} of {} failures", words::count(first.requests), words::count(failed));
    let place = match first.routes.first() {
        Some(_) => format!(" on {}", words::routes(&first.routes)),
        None => String::new(),
    };
    let (label, advice) = if first.cause.is_some() { ("Cause  ", "Fix    ") } else { ("First  ", "Next   ") };
    let sentence = format!("{}: {share}{place}", words::headline(first));
    page.entry((class_style(first.class), label), STRONG, &sentence, 3)?;
    if !first.fix.trim().is_empty() {
        page.entry((GOOD, advice), PLAIN, &first.fix, 4)?;
    }
    if let Some(seen) = report.known.seen(&first.id) {
        page.entry((GOOD, "Before "), PLAIN, &format!("seen before: {}", seen.sentence()), 4)?;
    }
    Ok(())
}

/// The cells of one row, clean and not yet broken.
fn cells(incident: &Incident, one_day: bool) -> [String; 7] {
    let clean = |text: &str| single_line(text).into_owned();
    [
        incident.rank.to_string(),
        incident.class.to_string(),
        clean(&words::headline(incident)),
        clean(&words::routes(&incident.routes)),
        format!("{} {:>4}", words::count(incident.requests), words::percent(incident.share)),
        clean(&words::moment(incident.first_seen.as_deref(), one_day)),
        confidence(incident),
    ]
}

fn confidence(incident: &Incident) -> String {
    if incident.cause.is_none() { "–".to_owned() } else { words::percent(incident.confidence) }
}

fn table(page: &mut Page, incidents: &[Incident], one_day: bool) -> io::Result<()> {
    let rows: Vec<[String; 7]> = incidents.iter().map(|incident| cells(incident, one_day)).collect();
    let natural = |column: usize| {
        rows.iter().map(|row| width(&row[column])).chain([width(HEADER[column])]).max().unwrap_or_default()
    };
    let fixed: usize = [0, 1, 4, 5, 6].map(natural).iter().sum::<usize>() + GUTTER * (HEADER.len() - 1);
    let (cause, route) = share_room(page.columns().saturating_sub(fixed), natural(2), natural(3));

    let mut table = Table::new();
    // Cells are broken here and not by the table: it must not depend on what it thinks the terminal is.
    table.force_no_tty().set_content_arrangement(ContentArrangement::Disabled);
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_header(HEADER);
    let mut heights = Vec::with_capacity(rows.len());
    for row in &rows {
        let broken = [wrap(&row[2], cause, 3), wrap(&row[3], route, 2)];
        heights.push(broken.iter().map(Vec::len).max().unwrap_or(1));
        let [cause, route] = broken.map(|lines| lines.join("\n"));
        table.add_row([&row[0], &row[1], &cause, &route, &row[4], &row[5], &row[6]].map(Cell::new));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        // The table itself sets one space between two columns.
        column.set_padding((0, if index + 1 == HEADER.len() { 0 } else { GUTTER as u16 - 1 }));
        if matches!(index, 0 | 4 | 6) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut lines = table.lines();
    for _ in 0..2 {
        if let Some(line) = lines.next() {
            page.line(&[(QUIET, &line)])?;
        }
    }
    for (incident, height) in incidents.iter().zip(heights) {
        for (index, line) in lines.by_ref().take(height).enumerate() {
            let word = incident.class.as_str();
            match line.split_once(word).filter(|_| index == 0) {
                Some((rank, rest)) => {
                    page.line(&[(PLAIN, rank), (class_style(incident.class), word), (PLAIN, rest)])?
                }
                None => page.line(&[(PLAIN, &line)])?,
            }
        }
    }
    Ok(())
}

/// Splits `room` between cause and route: what they need, else three fifths to the cause.
fn share_room(room: usize, cause: usize, route: usize) -> (usize, usize) {
    if cause + route <= room {
        return (cause, route);
    }
    let for_route = route.min((room * 2 / 5).max(room.saturating_sub(cause))).max(5);
    (room.saturating_sub(for_route).max(5), for_route)
}

/// For narrow terminals: three lines per incident.
fn stacked(page: &mut Page, incidents: &[Incident], one_day: bool) -> io::Result<()> {
    for (index, incident) in incidents.iter().enumerate() {
        if index > 0 {
            page.gap()?;
        }
        let [rank, class, title, routes, _, since, confidence] = cells(incident, one_day);
        let label = format!("{rank}  ");
        let requests = words::counted(incident.requests, "request", "requests");
        let note = format!("  {requests} ({}) · confidence {confidence}", words::percent(incident.share));
        page.line(&[(PLAIN, &label), (class_style(incident.class), &class), (QUIET, &note)])?;
        let indent = " ".repeat(width(&label));
        page.entry((PLAIN, &indent), STRONG, &title, 3)?;
        page.entry((PLAIN, &indent), PLAIN, &format!("{routes} · since {since}"), 2)?;
    }
    Ok(())
}

/// What the table left out.
fn more(page: &mut Page, rest: &[Incident]) -> io::Result<()> {
    if rest.is_empty() {
        return Ok(());
    }
    let requests = rest.iter().map(|incident| incident.requests).sum();
    let text = format!(
        "and {} more with {}; --format json has them all",
        words::count(rest.len() as u64),
        words::counted(requests, "request", "requests")
    );
    page.entry((PLAIN, "   "), QUIET, &text, 2)
}
