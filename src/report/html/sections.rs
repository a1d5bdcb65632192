//! The parts of the page around the incidents: timeline, routes, errors outside requests, gaps, sources, foot.

use maud::{Markup, html};

use super::super::model::Report;
use super::super::timeline::{self, Deployed, Event, What};
use super::super::words;
use super::incident::cited;
use super::{bar, chart, line, moment, share};

/// Routes in the table.
const MAX_ROUTES: usize = 50;
/// Sources in the table.
const MAX_SOURCES: usize = 100;

/// The chart, its figures, and what happened when.
pub(super) fn timeline(report: &Report, as_of: Option<&str>) -> Markup {
    if report.traffic.is_empty() {
        return html! {};
    }
    html! {
        section id="timeline" aria-labelledby="timeline-title" {
            h2 id="timeline-title" { "Timeline" }
            div.sheet {
                (chart::draw(report))
                details {
                    summary { "Figures of the chart" }
                    (figures(report))
                }
                details open {
                    summary { "What happened when" }
                    ol.events {
                        @for event in &timeline::events(report, as_of) {
                            li { time { (moment(&event.time)) } span { (told(event)) } }
                        }
                    }
                }
            }
        }
    }
}

fn figures(report: &Report) -> Markup {
    html! {
        table {
            caption { "Requests by the time of their first record, UTC" }
            thead { tr { th scope="col" { "From" } th.number scope="col" { "Requests" } th.number scope="col" { "Failed" } } }
            tbody {
                @for one in &report.traffic.intervals {
                    tr {
                        th scope="row" { (one.from.as_deref().map_or_else(|| "without a time".to_owned(), moment)) }
                        td.number { (words::count(one.requests)) }
                        td.number { (words::count(one.failed)) }
                    }
                }
            }
        }
    }
}

fn told(event: &Event<'_>) -> Markup {
    html! {
        @match &event.what {
            What::LogsBegin(deployments) => {
                "The logs begin"
                @for (index, one) in deployments.iter().enumerate() {
                    @if index == 0 { "; serving then: " } @else { ", " }
                    (deployed(one))
                }
            },
            What::Deployment(one) => { "First request of deployment " (deployed(one)) },
            What::First(incident) => {
                strong { "First failure" } " of " a href={ "#incident-" (incident.rank) } { "incident " (incident.rank) }
                ": " (line(&words::headline(incident)))
                @if let Some(start) = incident.onset.as_ref().and_then(|onset| onset.deployment.as_ref()) {
                    ", with deployment " code { (line(&start.id)) }
                }
            },
            What::Change(incident, change) => {
                "From here on more requests of the routes of " a href={ "#incident-" (incident.rank) } { "incident " (incident.rank) }
                " fail by it: " (words::count(change.after.failed)) " of " (words::count(change.after.requests))
                ", before " (words::count(change.before.failed)) " of " (words::count(change.before.requests))
            },
            What::Peak(peak, step) => {
                "Most failures: " (words::count(peak.failed)) " of " (words::counted(peak.requests, "request", "requests"))
                " in " (words::counted(step.unsigned_abs(), "minute", "minutes"))
            },
            What::Last(incident, since) => {
                @if incident.first_seen == incident.last_seen {
                    strong { "Only " @if incident.requests == 1 { "failure" } @else { "failures" } } " of "
                    a href={ "#incident-" (incident.rank) } { "incident " (incident.rank) }
                    ": " (line(&words::headline(incident)))
                } @else {
                    "Last failure of " a href={ "#incident-" (incident.rank) } { "incident " (incident.rank) }
                }
                @match since {
                    None => {},
                    Some(since) if since.requests == 0 && timeline::is_over(incident) => {},
                    Some(since) if since.requests == 0 => { "; no later request of its routes, so whether it is over is open" },
                    Some(since) => {
                        "; of the " (words::counted(since.requests, "request", "requests")) " of its routes in the minutes after that, "
                        @match since.failed { 0 => { "none failed" }, failed => { (words::count(failed)) " failed for other reasons" } }
                    },
                }
                @if timeline::is_over(incident) { "; " strong { "it is over" } }
            },
            What::LogsEnd => { "The logs end" },
            What::AsOf => { "The moment as of which this is written" },
        }
    }
}

fn deployed(one: &Deployed) -> Markup {
    html! {
        code { (line(&one.name)) }
        " (" (words::count(one.failed)) " of " (words::counted(one.requests, "request", "requests")) " failed)"
    }
}

/// Failed requests by route.
pub(super) fn routes(report: &Report) -> Markup {
    if report.routes.is_empty() {
        return html! {};
    }
    let shown = &report.routes[..report.routes.len().min(MAX_ROUTES)];
    html! {
        section id="routes" aria-labelledby="routes-title" {
            h2 id="routes-title" { "Routes" }
            div.sheet.scroll tabindex="0" role="region" aria-label="Table of routes" {
                table {
                    caption { "Routes with failed requests, most failures first" }
                    thead {
                        tr {
                            th scope="col" { "Route" }
                            th.number scope="col" { "Failed" }
                            th.number scope="col" { "Requests" }
                            th scope="col" { "Failed share" }
                        }
                    }
                    tbody {
                        @for count in shown {
                            tr {
                                th scope="row" { code { (line(&count.route)) } }
                                td.number { (words::count(count.requests)) }
                                td.number { (words::count(count.total)) }
                                td.nowrap { (share(count.requests, count.total)) (bar(count.requests, count.total)) }
                            }
                        }
                    }
                }
            }
            @if report.routes.len() > shown.len() {
                p.quiet { "And " (words::count((report.routes.len() - shown.len()) as u64)) " more in the JSON report." }
            }
        }
    }
}

/// Errors that no request can be given.
pub(super) fn outside(report: &Report) -> Markup {
    html! {
        @if !report.outside_requests.is_empty() {
            section id="outside" aria-labelledby="outside-title" {
                h2 id="outside-title" { "Errors outside any request" }
                @for one in &report.outside_requests {
                    div.sheet {
                        h3 { (line(&one.title)) }
                        p.quiet { (words::counted(one.records, "line", "lines")) ", rule " code { (line(&one.cause)) } " (" (one.class) ")" }
                        (cited(&one.evidence))
                        div.fix { p { span.label { "Fix: " } (line(&one.fix)) } }
                    }
                }
            }
        }
    }
}

/// What the logs could not tell.
pub(super) fn gaps(report: &Report) -> Markup {
    let totals = &report.requests;
    let undecided = report.incidents.iter().filter(|incident| incident.cause.is_none());
    let open: u64 = undecided.clone().map(|incident| incident.requests).sum();
    let nothing = totals.aborted + totals.incomplete + totals.unattributed + open == 0
        && totals.exact
        && report.remarks.is_empty();
    html! {
        section id="gaps" aria-labelledby="gaps-title" {
            h2 id="gaps-title" { "What the logs could not tell" }
            div.sheet {
                ul.plain {
                    @if open > 0 {
                        li { "No evidence names a cause for " (words::counted(open, "failed request", "failed requests")) "; what to look at next stands with each undecided incident." }
                    }
                    @if totals.aborted > 0 {
                        li { (words::counted(totals.aborted, "request was", "requests were")) " given up by the client: not counted as failed." }
                    }
                    @if totals.incomplete > 0 {
                        li { (words::counted(totals.incomplete, "request has", "requests have")) " no status and no end: the export may be cut off." }
                    }
                    @if totals.unattributed > 0 {
                        li { (words::counted(totals.unattributed, "record belongs", "records belong")) " to no request: log the request ID on every line." }
                    }
                    @if !totals.exact { li { "The totals are not exact: memory was short." } }
                    @for remark in &report.remarks { li { (line(remark)) } }
                    @if nothing { li { "Nothing that this program knows of." } }
                    li { "When somebody noticed, and what was done: no log tells." }
                }
            }
        }
    }
}

/// The account of the input.
pub(super) fn sources(report: &Report) -> Markup {
    let shown = &report.sources[..report.sources.len().min(MAX_SOURCES)];
    html! {
        section id="sources" aria-labelledby="sources-title" {
            h2 id="sources-title" { "What was read" }
            div.sheet.scroll tabindex="0" role="region" aria-label="Table of sources" {
                table {
                    caption { "Every entry of every source is accounted for: frames = decoded + continuations + duplicates + ignored + rejected" }
                    thead {
                        tr {
                            th scope="col" { "Source" }
                            th scope="col" { "Format" }
                            @for name in ["Frames", "Decoded", "Continuations", "Duplicates", "Ignored", "Rejected"] {
                                th.number scope="col" { (name) }
                            }
                        }
                    }
                    tbody {
                        @for source in shown {
                            tr {
                                th.cause scope="row" {
                                    code { (line(&source.name)) }
                                    @for reject in &source.rejects {
                                        p.quiet { (words::count(reject.frames)) " rejected, first in line " (words::count(reject.first_line)) ": " (line(&reject.reason)) }
                                    }
                                }
                                td { (line(&source.format)) }
                                @for number in [source.frames, source.decoded, source.continuations, source.duplicates, source.ignored, source.rejected] {
                                    td.number { (words::count(number)) }
                                }
                            }
                        }
                    }
                }
            }
            @if report.sources.len() > shown.len() {
                p.quiet { "And " (words::count((report.sources.len() - shown.len()) as u64)) " more sources in the JSON report." }
            }
        }
    }
}

/// Who wrote this, with what.
pub(super) fn foot(report: &Report) -> Markup {
    html! {
        footer {
            p {
                "Written by " (report.tool.name) " " (report.tool.version) " with rules " code { (line(&report.tool.ruleset)) }
                " from logs alone. All times are UTC. Secrets and personal data are replaced by tokens unless that was turned off."
            }
        }
    }
}
