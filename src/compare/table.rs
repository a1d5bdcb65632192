//! A comparison for people, in a terminal.

use std::io;

use anstyle::Style;

use super::{Change, Comparison, Figures, Summary, Verdict};
use crate::diagnose::exposure::Denominator;
use crate::report::page::Page;
use crate::report::palette::{ALARM, GOOD, PLAIN, QUIET, STRONG};
use crate::report::table::TableOptions;
use crate::report::words;

/// Incidents of one verdict that are shown; the rest is counted.
const MOST: usize = 20;
/// Below the verdict's word.
const INDENT: &str = "         ";

/// Writes it. Every line takes at most the width of the options.
///
/// # Errors
/// It could not be written.
pub fn write(comparison: &Comparison, options: &TableOptions, out: &mut dyn io::Write) -> io::Result<()> {
    let page = &mut Page::new(out, options.width, options.colour);
    let counts: Vec<String> = Verdict::ALL
        .into_iter()
        .map(|verdict| (comparison.count(verdict), verdict))
        .filter(|(count, _)| *count > 0)
        .map(|(count, verdict)| format!("{count} {}", verdict.as_str()))
        .collect();
    let headline =
        if counts.is_empty() { "No incident on either side".to_owned() } else { counts.join(" · ") };
    page.line(&[(STRONG, &headline)])?;
    side(page, "before", &comparison.before)?;
    side(page, "after", &comparison.after)?;
    for verdict in Verdict::ALL {
        let all = comparison.incidents.iter().filter(|change| change.verdict == verdict);
        for one in all.take(MOST) {
            page.gap()?;
            change(page, one)?;
        }
        if let Some(more) = comparison.count(verdict).checked_sub(MOST).filter(|more| *more > 0) {
            page.line(&[(
                QUIET,
                &format!("{INDENT}and {more} more {}; --format json has them all", verdict.as_str()),
            )])?;
        }
    }
    if !comparison.remarks.is_empty() {
        page.gap()?;
    }
    for remark in &comparison.remarks {
        page.entry((QUIET, "note     "), PLAIN, remark, 4)?;
    }
    Ok(())
}

fn side(page: &mut Page, label: &str, side: &Summary) -> io::Result<()> {
    let least = if side.denominator == Denominator::LowerBound { "at least " } else { "" };
    let mut facts = vec![
        side.name.clone(),
        format!(
            "{} of {least}{} failed",
            words::count(side.failed),
            words::counted(side.requests, "request", "requests")
        ),
        words::span(side.from.as_deref(), side.to.as_deref()),
    ];
    facts.retain(|fact| !fact.is_empty());
    page.items((QUIET, &format!("{label:<9}")), PLAIN, &facts)
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::New | Verdict::Worse => ALARM,
        Verdict::Better | Verdict::Gone => GOOD,
        Verdict::Unknown | Verdict::Same => STRONG,
    }
}

fn change(page: &mut Page, change: &Change) -> io::Result<()> {
    let label = format!("{:<9}", change.verdict.as_str());
    page.entry((style(change.verdict), &label), STRONG, &change.title, 3)?;
    let shares = format!("{} → {}", figures(&change.before), figures(&change.after));
    page.entry((PLAIN, INDENT), PLAIN, &shares, 3)?;
    let routes: Vec<&str> = change.routes.iter().map(String::as_str).take(3).collect();
    let mut facts = vec![change.class.to_string(), routes.join(", "), format!("incident {}", change.id)];
    facts.extend(change.q_value.map(|q_value| match q_value {
        ..0.001 => "q < 0.001".to_owned(),
        _ => format!("q = {q_value}"),
    }));
    facts.extend(change.note.clone());
    facts.retain(|fact| !fact.is_empty());
    page.items((PLAIN, INDENT), QUIET, &facts)
}

/// `34 of 1 180 (2.9%, 2.1–4.0%)`.
fn figures(figures: &Figures) -> String {
    let counts = match figures.rate {
        None if figures.requests > figures.failed || figures.failed == 0 => words::count(figures.failed),
        None => format!("{} of an unknown number", words::count(figures.failed)),
        Some(_) => format!("{} of {}", words::count(figures.failed), words::count(figures.requests)),
    };
    match (figures.rate, figures.interval) {
        (Some(rate), Some(bounds)) => {
            let (low, high) = (percent(bounds.low), percent(bounds.high));
            format!("{counts} ({}%, {low}–{high}%)", percent(rate))
        }
        _ => counts,
    }
}

/// A share in per cent with two digits, or with whole ones.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        0.0 => "0".to_owned(),
        ..0.01 => "<0.01".to_owned(),
        ..1.0 => format!("{percent:.2}"),
        ..10.0 => format!("{percent:.1}"),
        _ => format!("{percent:.0}"),
    }
}
