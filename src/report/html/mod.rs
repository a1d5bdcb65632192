//! The report as one page that stands alone: no script, no network, no font of its own, so it can be mailed, archived
//! and opened in ten years. What a log said is text and nothing else: every value is escaped when it is put in, and the
//! page's own policy allows its style sheet and nothing more. Light or dark as the reader has it, and printable.

mod about;
mod chart;
mod incident;
mod sections;

use std::io;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::model::{Incident, Report};
use super::{onset, words};
use crate::redact::printable::single_line;

/// The style sheet, in the page itself.
const STYLE: &str = include_str!("style.css");

/// Writes the page. `as_of`: the moment as of which it speaks, RFC 3339; by default that of the last record.
pub fn write(report: &Report, as_of: Option<&str>, out: &mut dyn io::Write) -> io::Result<()> {
    out.write_all(page(report, as_of).as_bytes())
}

/// The whole page.
pub fn page(report: &Report, as_of: Option<&str>) -> String {
    // A checkout may have changed the ends of lines.
    let style = STYLE.replace('\r', "");
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        base64(&Sha256::digest(style.as_bytes()))
    );
    let title = words::verdict(report);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "why500 – " (title) }
                style { (PreEscaped(&style)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                (head(report, as_of, &title))
                (contents(report))
                main id="content" {
                    (sections::timeline(report, as_of))
                    (incident::table(report))
                    (incident::cards(report))
                    (sections::routes(report))
                    (sections::outside(report))
                    (about::budget(report))
                    (sections::gaps(report))
                    (about::lacking(report))
                    (about::known(report))
                    (sections::sources(report))
                }
                (sections::foot(report))
            }
        }
    };
    page.into_string() + "\n"
}

/// A value on one line, without characters that hide or turn text.
fn line(text: &str) -> String {
    single_line(text).into_owned()
}

/// A time of the report.
fn moment(time: &str) -> String {
    line(&match words::date(time) {
        date if date.len() == 10 => format!("{date} {}", words::clock(time)),
        _ => time.to_owned(),
    })
}

fn share(part: u64, whole: u64) -> String {
    words::percent(part as f64 / whole.max(1) as f64)
}

fn head(report: &Report, as_of: Option<&str>, title: &str) -> Markup {
    let window = line(&words::span(report.window.from.as_deref(), report.window.to.as_deref()));
    html! {
        header {
            p.brand { "why" b { "500" } }
            h1 { (title) }
            p.quiet { (if window.is_empty() { "No record has a time" } else { &window }) }
            @if report.partial {
                p { strong { "The run was interrupted; this is what it had seen." } }
            }
            (answer(report))
            (tiles(report, as_of))
        }
    }
}

/// The main cause and what to do, before anything else.
fn answer(report: &Report) -> Markup {
    let Some(first) = report.incidents.first() else {
        let well = report.requests.total > 0 && report.outside_requests.is_empty();
        return html! {
            @if report.requests.total > 0 {
                div.answer.well[well] {
                    p.lead { "No request of these logs failed." }
                    @if let Some(one) = report.outside_requests.first() {
                        p { "But outside any request: " (line(&one.title)) " – see below." }
                    }
                }
            }
        };
    };
    html! {
        div.answer {
            p.lead {
                (line(&words::headline(first))) ": " (words::count(first.requests)) " of "
                (words::counted(report.requests.failed, "failure", "failures"))
            }
            @if let Some(since) = onset::sentence(first, words::one_day(&report.window)) { p { (line(&capital(&since))) } }
            @if !first.fix.trim().is_empty() {
                p { span.label { (advice_label(first)) ": " } (line(&first.fix)) }
            }
        }
    }
}

/// With a capital letter.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// What the advice of an incident is called.
fn advice_label(incident: &Incident) -> &'static str {
    if incident.cause.is_some() { "Fix" } else { "Next" }
}

/// The figures of the run.
fn tiles(report: &Report, as_of: Option<&str>) -> Markup {
    let totals = &report.requests;
    let causes = report.incidents.iter().filter(|incident| incident.cause.is_some()).count() as u64;
    let undecided = report.incidents.len() as u64 - causes;
    let as_of = as_of.or(report.window.to.as_deref());
    html! {
        dl.tiles {
            div.alarm[totals.failed > 0] {
                dt { "Failed requests" }
                dd { (words::count(totals.failed)) small { "of " (words::count(totals.total)) ": " (share(totals.failed, totals.total)) } }
            }
            div {
                dt { "Causes" }
                dd { (words::count(causes)) small { (words::counted(undecided, "incident", "incidents")) " undecided" } }
            }
            div {
                dt { "Routes that failed" }
                dd { (words::count(report.routes.len() as u64)) @if let Some(first) = report.routes.first() { small { "most: " (line(&first.route)) } } }
            }
            @if let Some(as_of) = as_of {
                div {
                    dt { "As of" }
                    dd { (line(words::clock(as_of))) small { (line(words::date(as_of))) " UTC" } }
                }
            }
        }
    }
}

fn contents(report: &Report) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                @if !report.traffic.is_empty() { li { a href="#timeline" { "Timeline" } } }
                @if !report.incidents.is_empty() { li { a href="#incidents" { "Incidents" } } }
                @if !report.routes.is_empty() { li { a href="#routes" { "Routes" } } }
                @if !report.outside_requests.is_empty() { li { a href="#outside" { "Outside requests" } } }
                @if report.slo.is_some() { li { a href="#budget" { "Error budget" } } }
                li { a href="#gaps" { "What the logs could not tell" } }
                @if !report.gaps.is_empty() { li { a href="#lacking" { "What the logs lack" } } }
                li { a href="#sources" { "What was read" } }
            }
        }
    }
}

/// A share as a small bar; the number stands beside it.
fn bar(part: u64, whole: u64) -> Markup {
    let width = u128::from(part.min(whole)) * 100 / u128::from(whole.max(1));
    let width = if part > 0 { width.max(2) } else { 0 };
    html! {
        svg.bar viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect width="100" height="6" rx="3" {}
            rect width=(width) height="6" rx="3" {}
        }
    }
}

/// Standard Base64 with padding (RFC 4648), which the policy's digest is written in.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for piece in bytes.chunks(3) {
        let bits =
            piece.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - piece.len()));
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit) & 63) as usize;
            out.push(if digit <= piece.len() { char::from(DIGITS[index]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests;
