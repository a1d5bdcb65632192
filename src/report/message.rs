//! A few lines of plain text for an incident channel: how much failed, the top cause, where, since when, and the fix. It
//! is pasted or posted into chats, so nothing in it may call people or become a link's markup there.

use std::io;

use super::model::{Incident, Report};
use super::{onset, words};
use crate::redact::printable::single_line;

/// Longest line, in characters; what is longer is cut with `…`.
const MAX_CHARS: usize = 300;
/// Further incidents that are named.
const MAX_MORE: usize = 3;
/// Words that call everybody when they stand behind an `@`.
const CALLS: [&str; 8] = ["here", "channel", "everyone", "all", "room", "team", "group", "online"];

/// Writes the lines.
pub fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    for line in lines(report) {
        let line = quiet(&line);
        let line = match line.char_indices().nth(MAX_CHARS) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        };
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn lines(report: &Report) -> Vec<String> {
    let totals = &report.requests;
    let window = words::span(report.window.from.as_deref(), report.window.to.as_deref());
    let within = if window.is_empty() { String::new() } else { format!(", {window}") };
    let partial = if report.partial { " (interrupted: so far)" } else { "" };
    if totals.failed == 0 {
        let mut lines = vec![match totals.total {
            0 => format!("why500: no request found in these logs{partial}"),
            total => {
                format!(
                    "why500: none of {} failed{within}{partial}",
                    words::counted(total, "request", "requests")
                )
            }
        }];
        if let Some(one) = report.outside_requests.first() {
            lines.push(format!("But outside any request: {}", one.title));
            lines.push(format!("Fix: {}", one.fix));
        }
        return lines;
    }
    let at_least = if totals.exact { "" } else { "at least " };
    let mut lines = vec![format!(
        "why500: {at_least}{} of {} failed ({}){within}{partial}",
        words::count(totals.failed),
        words::counted(totals.total, "request", "requests"),
        words::percent(totals.failed as f64 / totals.total.max(1) as f64)
    )];
    let Some((first, more)) = report.incidents.split_first() else { return lines };
    lines.extend(top(first, totals.failed, words::one_day(&report.window)));
    if !more.is_empty() {
        let mut named: Vec<String> = more
            .iter()
            .take(MAX_MORE)
            .map(|incident| format!("{} ({})", words::headline(incident), words::count(incident.requests)))
            .collect();
        if let Some(rest) = more.len().checked_sub(MAX_MORE).filter(|rest| *rest > 0) {
            named.push(format!("{} more", words::count(rest as u64)));
        }
        lines.push(format!("Also: {}", named.join("; ")));
    }
    lines
}

fn top(incident: &Incident, failed: u64, one_day: bool) -> Vec<String> {
    let known = incident.cause.is_some();
    let sure = if known { format!(", {} sure", words::percent(incident.confidence)) } else { String::new() };
    let mut lines = vec![format!(
        "{}: {} – {} of the failures ({}){sure}",
        if known { "Cause" } else { "Not decided" },
        words::headline(incident),
        words::percent(incident.requests as f64 / failed.max(1) as f64),
        words::count(incident.requests)
    )];
    if !incident.routes.is_empty() {
        lines.push(format!("Route: {}", words::routes(&incident.routes)));
    }
    if let Some(first) = &incident.first_seen {
        let last = match &incident.last_seen {
            Some(last) if last != first => format!(", last {}", moment(last)),
            _ => String::new(),
        };
        let rest = onset::rest(incident, one_day).unwrap_or_default();
        lines.push(format!("Since: {} UTC{last}{rest}", moment(first)));
    }
    let start = incident.onset.as_ref().and_then(|onset| onset.deployment.as_ref());
    match incident.deployments.as_slice() {
        [] => {}
        // The line above names it.
        [one] if start.is_some_and(|start| start.id == *one) => {}
        [one] => lines.push(format!("Deployment: {one}")),
        [first, more @ ..] => lines.push(format!("Deployments: {first} +{} more", more.len())),
    }
    if !incident.fix.trim().is_empty() {
        lines.push(format!("{}: {}", if known { "Fix" } else { "Next" }, incident.fix));
    }
    lines.push(format!("Incident: {}", incident.id));
    lines
}

fn moment(time: &str) -> String {
    format!("{} {}", words::date(time), words::clock(time))
}

/// One line in which no chat finds a mention, code, or a link that it would fetch.
fn quiet(line: &str) -> String {
    let line = single_line(line).replace("://", "[:]//");
    let mut out = String::with_capacity(line.len());
    for (at, c) in line.char_indices() {
        out.push(match c {
            '<' => '‹',
            '>' => '›',
            '`' => '\'',
            '@' => {
                let rest = line.get(at + 1..).unwrap_or_default();
                let word: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                let calls = CALLS.iter().any(|call| call.eq_ignore_ascii_case(&word));
                if calls { '＠' } else { '@' }
            }
            _ => c,
        });
    }
    out
}
