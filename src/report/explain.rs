//! One request explained, for a terminal: its lines in order with the signals below them, the causes with their scores
//! step by step, and what would decide. It only lays out.

use std::io;

use super::explanation::{Explanation, Fired, Moment, Weighed};
use super::layout::width;
use super::model::Verdict;
use super::page::Page;
use super::palette::{GOOD, PLAIN, QUIET, STRONG, class as class_style, verdict as verdict_style};
use super::table::TableOptions;
use super::words;

/// Indent of everything below a heading.
const INDENT: &str = "   ";
/// Lines of one text.
const TEXT_LINES: usize = 4;
/// Lines of a request that are shown; those with signals are never left out.
const MAX_MOMENTS: usize = 60;

/// Writes it as text. Every line takes at most `width` columns.
pub fn write(explanation: &Explanation, options: &TableOptions, out: &mut dyn io::Write) -> io::Result<()> {
    let page = &mut Page::new(out, options.width, options.colour);
    heading(page, explanation)?;
    page.gap()?;
    timeline(page, explanation)?;
    if !explanation.weighed.is_empty() {
        page.gap()?;
        page.line(&[(STRONG, "weighed")])?;
        for cause in &explanation.weighed {
            weighed(page, cause)?;
        }
    }
    if !explanation.captures.is_empty() {
        page.gap()?;
        for (key, value) in &explanation.captures {
            page.entry((QUIET, &format!("{INDENT}{key} = ")), PLAIN, value, 2)?;
        }
    }
    if !explanation.triage.is_empty() {
        page.gap()?;
        let legend = ["✗ found here", "✓ ruled out", "· the log does not tell"].join("   ");
        page.entry((STRONG, "triage   "), QUIET, &legend, 2)?;
        for step in &explanation.triage {
            let (mark, style) = verdict_style(step.verdict);
            let why = if step.verdict == Verdict::Unknown { QUIET } else { PLAIN };
            page.entry((style, &format!("{INDENT}{mark} {:<13} ", step.step.as_str())), why, &step.why, 3)?;
        }
    }
    page.gap()?;
    if let Some(next) = &explanation.next_step {
        page.entry((GOOD, "next = "), PLAIN, next, 6)?;
    }
    if let Some(incident) = &explanation.inferred_from {
        page.entry((QUIET, "inferred_from = "), PLAIN, incident, 2)?;
    }
    page.entry((STRONG, "would decide = "), PLAIN, &explanation.would_decide, 6)
}

fn heading(page: &mut Page, explanation: &Explanation) -> io::Result<()> {
    let id = explanation.correlation_id.as_deref().unwrap_or("(no ID)");
    let note = match (explanation.outcome, &explanation.cause) {
        ("failed", Some(_)) => format!("{} sure", words::percent(explanation.confidence)),
        ("failed", None) => "no cause found".to_owned(),
        (outcome, _) => outcome.to_owned(),
    };
    page.rule(&[(STRONG, id)], &note)?;
    match (&explanation.cause, explanation.outcome) {
        (Some(cause), _) => {
            let class = format!("{}/{}", explanation.class, explanation.subclass);
            let label = format!("{INDENT}{class}  ");
            page.entry((class_style(explanation.class), &label), STRONG, &explanation.title, 3)?;
            page.entry((QUIET, &format!("{INDENT}rule = ")), PLAIN, cause, 2)?;
        }
        (None, _) => page.entry((PLAIN, INDENT), STRONG, &explanation.title, 3)?,
    }
    let mut facts = Vec::new();
    let request = [explanation.method.as_deref(), explanation.route.as_deref()];
    facts.push(request.into_iter().flatten().collect::<Vec<_>>().join(" "));
    facts.push(match explanation.status {
        Some(status) => format!("status {status}"),
        None => "no status".to_owned(),
    });
    facts.push(words::span(explanation.time.as_deref(), explanation.time.as_deref()));
    facts.extend(explanation.deployment.as_ref().map(|name| format!("deployment {name}")));
    facts.extend(explanation.incident.as_ref().map(|incident| {
        let requests = words::counted(explanation.incident_requests, "failed request", "failed requests");
        format!("incident {incident} ({requests})")
    }));
    let certainty = explanation.correlation.certainty;
    if certainty < 1.0 {
        facts.push(format!("joined by {} ({})", explanation.correlation.kind, words::percent(certainty)));
    }
    facts.retain(|fact| !fact.is_empty());
    page.items((PLAIN, INDENT), QUIET, &facts)
}

fn timeline(page: &mut Page, explanation: &Explanation) -> io::Result<()> {
    page.line(&[(STRONG, "timeline")])?;
    let mut plain = explanation.timeline.iter().filter(|moment| moment.signals.is_empty()).count();
    let with_signals = explanation.timeline.len() - plain;
    let mut room = MAX_MOMENTS.saturating_sub(with_signals);
    for moment in &explanation.timeline {
        if moment.signals.is_empty() {
            if room == 0 {
                continue;
            }
            room -= 1;
            plain -= 1;
        }
        line(page, moment)?;
    }
    if plain > 0 {
        let more = words::counted(plain as u64, "more line", "more lines");
        page.line(&[(QUIET, &format!("{INDENT}and {more} without a signal; --format json has them"))])?;
    }
    Ok(())
}

fn line(page: &mut Page, moment: &Moment) -> io::Result<()> {
    let time = moment.time.as_deref().map_or("–", words::clock_ms);
    let place = format!("  {}:{}", moment.source, moment.line);
    let level = moment.level.map(|level| format!("  {level}")).unwrap_or_default();
    page.line(&[(PLAIN, INDENT), (PLAIN, time), (QUIET, &place), (PLAIN, &level)])?;
    page.quote("     ", &moment.text, TEXT_LINES)?;
    for signal in &moment.signals {
        fired(page, signal)?;
    }
    Ok(())
}

fn fired(page: &mut Page, signal: &Fired) -> io::Result<()> {
    let what = match signal.effect {
        "supports" => signal.strength.to_owned(),
        effect => effect.to_owned(),
    };
    let label = format!("       {} ", if signal.overruled.is_some() { "○" } else { "●" });
    let mut text = format!("{} signal {}, {what}", signal.cause, signal.signal);
    if !signal.matched.is_empty() {
        text.push_str(&format!(": {}", signal.matched));
    }
    if let Some(why) = &signal.overruled {
        text.push_str(&format!(" – overruled: {why}"));
    }
    let style = if signal.overruled.is_some() { QUIET } else { GOOD };
    page.entry((style, &label), if signal.overruled.is_some() { QUIET } else { PLAIN }, &text, 3)
}

fn weighed(page: &mut Page, cause: &Weighed) -> io::Result<()> {
    let mark = if cause.fate == "won" { "✓" } else { "·" };
    let label = format!("{INDENT}{mark} {:.2}  ", cause.score);
    let style = if cause.fate == "won" { GOOD } else { QUIET };
    let title = format!("{} ({}/{}): {}", cause.cause, cause.class, cause.subclass, cause.why);
    page.entry((style, &label), if cause.fate == "won" { STRONG } else { PLAIN }, &title, 3)?;
    let steps: Vec<String> =
        cause.steps.iter().map(|step| format!("{:.2} {}", step.score, step.why)).collect();
    let indent = " ".repeat(width(&label));
    page.items((PLAIN, &indent), QUIET, &steps)
}
