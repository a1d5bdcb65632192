//! The error budget in words, and on the page: verdict, what was spent and by what, burn rates, and what to do.

use std::io;

use super::page::Page;
use super::palette::{ALARM, GOOD, PLAIN, QUIET, STRONG};
use super::slo::{Advice, Burn, BurnWindow, Denominator, Deployment, Rollback, Slo, State};
use super::words;

/// Rows of incidents and of families; more are in `json`.
const MAX_ROWS: usize = 5;
const INDENT: &str = "   ";

/// What stands beside a label.
pub struct Row {
    /// Empty where the row above it has it.
    pub label: &'static str,
    /// What is said.
    pub items: Vec<String>,
}

/// `Error budget: 99.9 % over 30d`.
pub fn title(slo: &Slo) -> String {
    format!("Error budget: {} % over {}", slo.target_percent, span(slo.period_minutes))
}

/// The verdict in words.
pub fn verdict(slo: &Slo) -> &'static str {
    match slo.verdict {
        State::Unknown if slo.spent.requests == 0 => "not certain: no requests in the window",
        State::Kept => "no threshold crossed",
        State::Unknown => "not certain",
        State::Crossed => "threshold crossed",
    }
}

/// The figures: what was spent and by what, and burn rates.
pub fn rows(slo: &Slo) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut fact = |label, items| rows.push(Row { label, items });
    let at_least = if slo.denominator == Denominator::LowerBound { "at least " } else { "" };
    let spent = &slo.spent;
    let availability = match spent.availability {
        Some(share) => format!("{at_least}{} available", percent(share)),
        None => "no requests in the window".to_owned(),
    };
    let requests = words::counted(spent.requests, "request", "requests");
    fact("period", vec![availability, format!("{} of {requests} failed", words::count(spent.failed))]);
    let used = spent.budget_spent.map_or("–".to_owned(), |share| format!("{} of it spent", percent(share)));
    let covered = format!("logs cover {} of {}", span(slo.covered_minutes), span(slo.period_minutes));
    fact("budget", vec![format!("{} failures", number(spent.budget)), used, covered]);
    for (index, one) in slo.burn.iter().enumerate() {
        fact(if index == 0 { "burn rate" } else { "" }, burn(one));
    }
    for (index, one) in slo.incidents.iter().take(MAX_ROWS).enumerate() {
        let share = one.budget_spent.map_or("–".to_owned(), percent);
        let failed = words::counted(one.failed, "failure", "failures");
        let items = vec![format!("incident {}", one.id), failed, format!("{share} of the budget")];
        fact(if index == 0 { "spent by" } else { "" }, items);
    }
    for (index, one) in slo.families.iter().take(MAX_ROWS).enumerate() {
        let name = one.family.as_deref().unwrap_or("(no route)");
        let mut items = vec![
            name.to_owned(),
            one.spent.availability.map_or("–".to_owned(), percent),
            format!("{} of {} failed", words::count(one.spent.failed), words::count(one.spent.requests)),
        ];
        items.extend(one.spent.budget_spent.map(|share| format!("{} of its budget", percent(share))));
        if one.verdict == State::Crossed {
            items.push("crossed".to_owned());
        }
        fact(if index == 0 { "families" } else { "" }, items);
    }
    rows
}

/// What is known of the deployments that a rollback is about.
pub fn deployments(rollback: &Rollback) -> Vec<Row> {
    [("bad", &rollback.bad), ("last good", &rollback.last_good)]
        .into_iter()
        .filter_map(|(label, one)| one.as_ref().map(|one| Row { label, items: deployment(one) }))
        .collect()
}

/// Writes the section.
pub fn write(page: &mut Page, slo: &Slo) -> io::Result<()> {
    let style = match slo.verdict {
        State::Kept => GOOD,
        State::Unknown => STRONG,
        State::Crossed => ALARM,
    };
    page.rule(&[(STRONG, &title(slo))], "")?;
    page.entry((QUIET, &label("verdict")), style, verdict(slo), 1)?;
    for row in rows(slo) {
        fact(page, row.label, &row.items)?;
    }
    for note in &slo.notes {
        page.entry((QUIET, &format!("{INDENT}- ")), PLAIN, note, 3)?;
    }
    let Some(rollback) = &slo.rollback else { return Ok(()) };
    let style = if rollback.advice == Advice::RollBack { GOOD } else { STRONG };
    page.entry((style, &label("rollback")), PLAIN, &rollback.why, 4)?;
    for row in deployments(rollback) {
        fact(page, row.label, &row.items)?;
    }
    Ok(())
}

fn label(name: &str) -> String {
    format!("{INDENT}{name:<10} ")
}

fn fact(page: &mut Page, name: &str, items: &[String]) -> io::Result<()> {
    page.items((QUIET, &label(name)), PLAIN, items)
}

fn burn(burn: &Burn) -> Vec<String> {
    let window = |window: &BurnWindow| {
        let rate = window.rate.map_or("no request".to_owned(), number);
        let partly = match window.covered_minutes < window.minutes {
            true => format!(" (logs: {})", span(window.covered_minutes)),
            false => String::new(),
        };
        format!("{} {rate}{partly}", span(window.minutes))
    };
    let verdict = match burn.verdict {
        State::Kept => "below",
        State::Unknown => "above, not certain",
        State::Crossed => "crossed",
    };
    vec![window(&burn.long), window(&burn.short), format!("limit {}: {verdict}", number(burn.threshold))]
}

fn deployment(one: &Deployment) -> Vec<String> {
    let mut items = vec![one.id.clone()];
    items
        .extend(one.first_seen.as_deref().map(|at| format!("from {} {}", words::date(at), words::clock(at))));
    items.extend(
        one.first_failure
            .as_deref()
            .map(|at| format!("first failure {} {}", words::date(at), words::clock(at))),
    );
    items.push(format!("{} of {} failed", words::count(one.failed), words::count(one.requests)));
    if !one.branches.is_empty() {
        let word = if one.branches.len() == 1 { "branch" } else { "branches" };
        items.push(format!("{word} {}", one.branches.join(", ")));
    }
    if !one.regions.is_empty() {
        items.push(one.regions.join(", "));
    }
    items
}

/// `43200` as `30d`, `90` as `1h 30m`.
fn span(minutes: i64) -> String {
    let parts = [(minutes / 1440, "d"), (minutes / 60 % 24, "h"), (minutes % 60, "m")];
    let said: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if said.is_empty() { "0m".to_owned() } else { said.join(" ") }
}

/// A share in per cent, exact enough for objectives; never rounded up to all or down to nothing.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p < 100.0 && p > 99.999 => ">99.999 %".to_owned(),
        p if p > 0.0 && p < 0.001 => "<0.001 %".to_owned(),
        p => format!("{} %", number(p)),
    }
}

/// At most three decimals, none without need.
fn number(number: f64) -> String {
    let text = format!("{number:.3}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
