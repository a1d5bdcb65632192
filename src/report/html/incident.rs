//! The incidents of the page: a ranked table, and each of the top ones in full with its evidence on demand.

use maud::{Markup, html};

use super::super::model::{Evidence, Incident, Report, Verdict};
use super::super::{onset, words};
use super::{advice_label, bar, line, moment, share};
use crate::diagnose::segments::Among;
use crate::redact::printable::printable;

/// Rows of the table.
const MAX_ROWS: usize = 200;
/// Incidents that are told in full.
const MAX_CARDS: usize = 25;
/// Routes of one incident; more are in the JSON report.
const MAX_ROUTES: usize = 10;
/// Correlation IDs of one incident.
const MAX_IDS: usize = 5;

/// The ranked table.
pub(super) fn table(report: &Report) -> Markup {
    if report.incidents.is_empty() {
        return html! {};
    }
    let shown = &report.incidents[..report.incidents.len().min(MAX_ROWS)];
    let one_day = words::one_day(&report.window);
    html! {
        section id="incidents" aria-labelledby="incidents-title" {
            h2 id="incidents-title" { "Incidents" }
            div.sheet.scroll tabindex="0" role="region" aria-label="Table of incidents" {
                table {
                    caption { "Failed requests with one cause and subject, by requests × confidence; undecided ones last" }
                    thead {
                        tr {
                            th scope="col" { "#" }
                            th scope="col" { "Cause" }
                            th scope="col" { "Class" }
                            th scope="col" { "Route" }
                            th.number scope="col" { "Requests" }
                            th scope="col" { "Share" }
                            th scope="col" { "Since" }
                            th.number scope="col" { "Confidence" }
                        }
                    }
                    tbody {
                        @for incident in shown { (row(report, incident, one_day)) }
                    }
                }
            }
            @if report.incidents.len() > shown.len() {
                p.quiet { "And " (words::count((report.incidents.len() - shown.len()) as u64)) " more in the JSON report." }
            }
        }
    }
}

fn row(report: &Report, incident: &Incident, one_day: bool) -> Markup {
    let title = line(&words::headline(incident));
    html! {
        tr {
            td.number { (incident.rank) }
            th.cause scope="row" {
                @if is_in_full(report, incident) { a href={ "#incident-" (incident.rank) } { (title) } }
                @else { (title) }
            }
            td { (badge(incident)) }
            td.place { code { (line(&words::routes(&incident.routes))) } }
            td.number { (words::count(incident.requests)) }
            td.nowrap { (share(incident.requests, report.requests.failed)) (bar(incident.requests, report.requests.failed)) }
            td.nowrap { (line(&words::moment(incident.first_seen.as_deref(), one_day))) }
            td.number { (sure(incident).unwrap_or_else(|| "–".to_owned())) }
        }
    }
}

fn badge(incident: &Incident) -> Markup {
    html! { span class={ "badge " (incident.class) } { (line(&words::class(incident))) } }
}

fn sure(incident: &Incident) -> Option<String> {
    incident.cause.as_ref().map(|_| words::percent(incident.confidence))
}

fn is_in_full(report: &Report, incident: &Incident) -> bool {
    report.incidents.iter().take(MAX_CARDS).any(|one| one.rank == incident.rank)
}

/// The top incidents in full.
pub(super) fn cards(report: &Report) -> Markup {
    html! {
        @if !report.incidents.is_empty() {
            section aria-labelledby="details-title" {
                h2 id="details-title" { "Incidents in full" }
                @for (index, incident) in report.incidents.iter().take(MAX_CARDS).enumerate() {
                    (card(report, incident, index == 0))
                }
            }
        }
    }
}

/// One incident; `open`: its evidence is unfolded.
fn card(report: &Report, incident: &Incident, open: bool) -> Markup {
    html! {
        article.sheet id={ "incident-" (incident.rank) } aria-labelledby={ "incident-" (incident.rank) "-title" } {
            header {
                span.rank aria-hidden="true" { (incident.rank) }
                h3 id={ "incident-" (incident.rank) "-title" } { (line(&words::headline(incident))) }
                (badge(incident))
                span.sure { @match sure(incident) { Some(sure) => { (sure) " sure" }, None => { "no cause found" } } }
            }
            @if !incident.meaning.trim().is_empty() { p { (line(&incident.meaning)) } }
            (advice(incident))
            (seen_before(report, incident))
            (facts(incident, report.requests.failed))
            (segments(incident))
            @if !incident.evidence.is_empty() {
                details open[open] {
                    summary { "Evidence: " (words::counted(incident.evidence.len() as u64, "line", "lines")) }
                    @for one in &incident.evidence { (cited(one)) }
                }
            }
            (considered(incident))
        }
    }
}

fn advice(incident: &Incident) -> Markup {
    html! {
        @if !incident.fix.trim().is_empty() || !incident.prevention.trim().is_empty() {
            div.fix {
                @if !incident.fix.trim().is_empty() {
                    p { span.label { (advice_label(incident)) ": " } (line(&incident.fix)) }
                }
                @if !incident.prevention.trim().is_empty() {
                    p { span.label { "Prevention: " } (line(&incident.prevention)) }
                }
                @if !incident.references.is_empty() {
                    p {
                        span.label { "See: " }
                        @for (index, reference) in incident.references.iter().enumerate() {
                            @if index > 0 { ", " }
                            (link(reference))
                        }
                    }
                }
            }
        }
    }
}

/// References are written by whoever writes rules, so only an address of the web becomes a link.
fn link(reference: &str) -> Markup {
    let reference = line(reference);
    let shown = reference.strip_prefix("https://").unwrap_or(&reference);
    html! {
        @if reference.starts_with("https://") { a href=(reference) rel="noopener noreferrer" { (shown) } }
        @else { code { (reference) } }
    }
}

fn facts(incident: &Incident, failed: u64) -> Markup {
    let status = |(code, count): (&String, &u64)| match code.as_str() {
        "none" => format!("no status ×{}", words::count(*count)),
        _ => format!("{code} ×{}", words::count(*count)),
    };
    let status: Vec<String> = incident.status.iter().map(status).collect();
    html! {
        dl.facts {
            dt { "Failed" }
            dd { (words::counted(incident.requests, "request", "requests")) ", " (share(incident.requests, failed)) " of all failures; " (line(&status.join(", "))) }
            @if let (Some(first), Some(last)) = (&incident.first_seen, &incident.last_seen) {
                dt { "Seen" }
                dd.nowrap { (moment(first)) " – " (moment(last)) }
            }
            @if !incident.routes.is_empty() {
                dt { "Routes" }
                dd {
                    @for (index, count) in incident.routes.iter().take(MAX_ROUTES).enumerate() {
                        @if index > 0 { ", " }
                        code { (line(&count.route)) } " (" (words::count(count.requests)) " of " (words::count(count.total)) ")"
                    }
                    @if incident.routes.len() > MAX_ROUTES { " and " (words::count((incident.routes.len() - MAX_ROUTES) as u64)) " more" }
                }
            }
            @if !incident.deployments.is_empty() {
                dt { "Deployments" }
                dd { (codes(&incident.deployments, MAX_ROUTES)) }
            }
            @for (name, text) in onset::facts(incident) {
                dt { (name) }
                dd { (line(&text)) }
            }
            @for (key, value) in incident.captures.iter().filter(|(key, _)| *key != "route") {
                dt { (line(key)) }
                dd { code { (line(value)) } }
            }
            @for factor in &incident.contributing {
                dt { "Contributing" }
                dd { (line(factor)) }
            }
            @if !incident.inferred_from.is_empty() {
                dt { "Beside" }
                dd { (codes(&incident.inferred_from, MAX_ROUTES)) " – incidents of neighbouring failures, which may be these too" }
            }
            @if !incident.correlation_ids.is_empty() {
                dt { "Requests" }
                dd { (codes(&incident.correlation_ids, MAX_IDS)) }
            }
            @if let Some(cause) = &incident.cause {
                dt { "Rule" }
                dd { code { (line(cause)) } }
            }
            dt { "Incident" }
            dd { code { (line(&incident.id)) } }
        }
    }
}

/// What was saved of it.
fn seen_before(report: &Report, incident: &Incident) -> Markup {
    html! {
        @if let Some(seen) = report.known.seen(&incident.id) {
            div.seen {
                p { span.label { "Seen before: " } (line(&seen.sentence())) }
                @if !seen.root_cause.trim().is_empty() { p { span.label { "Root cause then: " } (line(&seen.root_cause)) } }
                p {
                    @for one in &seen.links { (link(one)) ", " }
                    "saved in " code { (line(&seen.file)) }
                }
            }
        }
    }
}

/// Where and for whom it is more frequent.
fn segments(incident: &Incident) -> Markup {
    html! {
        @if !incident.segments.is_empty() {
            div.scroll tabindex="0" role="region" aria-label={ "Segments of incident " (incident.rank) } {
                table {
                    caption { "Who and what it strikes most, against the requests of its routes" }
                    thead {
                        tr {
                            th scope="col" { "Segment" }
                            th.number scope="col" { "Of the failures" }
                            th.number scope="col" { "Of the requests" }
                            th.number scope="col" { "Lift" }
                            th.number scope="col" { "q" }
                        }
                    }
                    tbody {
                        @for one in &incident.segments {
                            tr {
                                th scope="row" { (line(&one.dimension)) " " code { (line(&one.value)) } }
                                td.number { (words::count(one.failures)) " of " (words::count(one.of_failures)) }
                                td.number {
                                    @if one.estimated { "≈ " }
                                    (share(one.requests, one.of_requests))
                                    @if one.among == Among::All { " of all routes" }
                                }
                                td.number { "×" (onset::lift(one)) }
                                td.number { (onset::q(one)) }
                            }
                        }
                    }
                }
                @if incident.segments.iter().any(|one| one.estimated) { p.quiet { "≈ estimated from a sample of the healthy requests" } }
            }
        }
    }
}

/// Values, at most so many.
pub(super) fn codes(values: &[String], most: usize) -> Markup {
    html! {
        @for (index, value) in values.iter().take(most).enumerate() {
            @if index > 0 { ", " }
            code { (line(value)) }
        }
        @if values.len() > most { " and " (words::count((values.len() - most) as u64)) " more" }
    }
}

/// One cited line.
pub(super) fn cited(one: &Evidence) -> Markup {
    html! {
        figure {
            figcaption {
                code { (line(&one.source)) ":" (one.line) }
                @if let Some(time) = &one.time { " · " (line(words::date(time))) " " (line(words::clock_ms(time))) }
                @if let Some(id) = &one.correlation_id { " · request " code { (line(id)) } }
            }
            pre tabindex="0" { code { (printable(&one.text)) } }
        }
    }
}

fn considered(incident: &Incident) -> Markup {
    html! {
        @if !incident.triage.is_empty() || !incident.rivals.is_empty() {
            details {
                summary { "What else it could have been" }
                ul.steps {
                    @for step in &incident.triage {
                        @let (class, verdict) = match step.verdict {
                            Verdict::Fail => ("fail", "✗ found here"),
                            Verdict::Clear => ("clear", "✓ ruled out"),
                            Verdict::Unknown => ("unknown", "· not told"),
                        };
                        li {
                            span { (step.step) }
                            span class=(class) { (verdict) }
                            span { (line(&step.why)) }
                        }
                    }
                }
                @if !incident.rivals.is_empty() {
                    p.quiet { "Rival causes, whose lines were seen and which lost:" }
                    ul.plain {
                        @for rival in &incident.rivals {
                            li {
                                code { (line(&rival.cause)) } ", " (words::percent(rival.confidence)) " sure"
                                @if let Some(sure) = sure(incident) { " against " (sure) }
                            }
                        }
                    }
                }
            }
        }
    }
}
