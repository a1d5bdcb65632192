//! The timeline as plain SVG: all requests and failed ones per interval on one axis of time, a lane for each of the top
//! incidents, and a mark where a deployment had its first request. Whole numbers of pixels, so equal input gives equal
//! bytes on every machine. Not here: its colours, which are the page's.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::model::Report;
use super::super::timeline::{self, Deployed};
use super::super::words;
use super::line;
use crate::format::time::{parse, rfc3339};

/// Incidents that have a lane.
const MAX_LANES: usize = 6;
/// Deployments that are marked: as many as there are letters, in a chart that can still be read.
const MAX_MARKS: usize = 12;
/// Labels on the axis of time.
const MAX_TICKS: i64 = 7;

const WIDTH: i64 = 960;
const LEFT: i64 = 52;
const RIGHT: i64 = 12;
const FLAGS: i64 = 26;
const ALL_HEIGHT: i64 = 64;
const FAILED_HEIGHT: i64 = 110;
/// Room for the title above a panel.
const TITLE: i64 = 22;
const AXIS: i64 = 28;
const LANE: i64 = 36;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1440 * MINUTE_MS;

/// One slot of the axis.
struct Slot {
    from_ms: i64,
    requests: u64,
    failed: u64,
}

/// The axis of time.
struct Axis {
    first_ms: i64,
    step_ms: i64,
    slots: i64,
}

impl Axis {
    /// The axis of a report; none where no request has a time.
    fn of(slots: &[Slot], step_minutes: i64) -> Option<Axis> {
        let step_ms = step_minutes.max(1).saturating_mul(MINUTE_MS);
        let first_ms = slots.first()?.from_ms;
        let last_ms = slots.last()?.from_ms;
        let slots = last_ms.saturating_sub(first_ms).div_euclid(step_ms).saturating_add(1);
        Some(Axis { first_ms, step_ms, slots: slots.max(1) })
    }

    /// Where a slot begins.
    fn x(&self, slot: i64) -> i64 {
        LEFT + (WIDTH - LEFT - RIGHT) * slot.clamp(0, self.slots) / self.slots
    }

    /// Where a time stands.
    fn x_of(&self, at_ms: i64) -> i64 {
        let span_ms = i128::from(self.step_ms) * i128::from(self.slots);
        let part = i128::from(WIDTH - LEFT - RIGHT) * i128::from(at_ms.saturating_sub(self.first_ms))
            / span_ms.max(1);
        LEFT + i64::try_from(part).unwrap_or_default().clamp(0, WIDTH - LEFT - RIGHT)
    }

    /// In which slot a time lies.
    fn slot(&self, at_ms: i64) -> i64 {
        at_ms.saturating_sub(self.first_ms).div_euclid(self.step_ms).clamp(0, self.slots - 1)
    }

    /// Begin and width of the bar of a slot, with a gap to the next where there is room.
    fn bar(&self, slot: i64) -> (i64, i64) {
        let (from, to) = (self.x(slot), self.x(slot + 1));
        let gap = if to - from >= 5 { 1 } else { 0 };
        (from, (to - from - gap).max(1))
    }
}

/// The chart with its legend; empty where no request has a time.
pub(super) fn draw(report: &Report) -> Markup {
    let slots: Vec<Slot> = report
        .traffic
        .intervals
        .iter()
        .filter_map(|one| {
            let from_ms = parse(one.from.as_deref()?)?.ms;
            Some(Slot { from_ms, requests: one.requests, failed: one.failed })
        })
        .collect();
    let Some(axis) = Axis::of(&slots, report.traffic.step_minutes) else { return html! {} };
    let deployments = timeline::deployments(report);
    let marks: Vec<&Deployed> = deployments.iter().take(MAX_MARKS).collect();
    let lanes = lanes(report, &axis);
    let all_top = FLAGS + TITLE;
    let failed_top = all_top + ALL_HEIGHT + TITLE + 6;
    let axis_y = failed_top + FAILED_HEIGHT;
    let lanes_top = axis_y + AXIS;
    let height = lanes_top + lanes.len() as i64 * LANE + 4;
    let most_all = slots.iter().map(|slot| slot.requests).max().unwrap_or_default();
    let most_failed = slots.iter().map(|slot| slot.failed).max().unwrap_or_default();
    let every = every(report.traffic.step_minutes);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Chart of requests over time" {
            svg.chart viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-labelledby="chart-title chart-text" {
                title id="chart-title" { "Requests over time" }
                desc id="chart-text" { (description(report, most_failed, &every)) }
                (marks_on(&marks, &axis, if lanes.is_empty() { axis_y } else { height - 4 }))
                text.strong x=(LEFT) y=(all_top - 7) { "All requests " (every) }
                (panel(&axis, &slots, "all", |slot| slot.requests, most_all, all_top, ALL_HEIGHT))
                text.strong x=(LEFT) y=(failed_top - 7) { "Failed requests " (every) }
                (panel(&axis, &slots, "failed", |slot| slot.failed, most_failed, failed_top, FAILED_HEIGHT))
                (ticks(&axis, axis_y))
                @for (index, lane) in lanes.iter().enumerate() {
                    (lane.draw(&axis, lanes_top + index as i64 * LANE))
                }
            }
        }
        (legend(&marks, deployments.len()))
    }
}

/// What the chart shows, for those who do not see it.
fn description(report: &Report, most: u64, every: &str) -> String {
    let totals = &report.requests;
    let window = words::span(report.window.from.as_deref(), report.window.to.as_deref());
    let peak = timeline::peak(report).and_then(|peak| peak.from.as_deref());
    let peak = peak
        .map(|from| format!(" Most failures: {} {every} from {}.", words::count(most), super::moment(from)));
    format!(
        "{} of {} failed, {window}.{} The figures stand in a table below.",
        words::count(totals.failed),
        words::counted(totals.total, "request", "requests"),
        peak.unwrap_or_default()
    )
}

fn every(step_minutes: i64) -> String {
    match step_minutes {
        1 => "per minute".to_owned(),
        60 => "per hour".to_owned(),
        1440 => "per day".to_owned(),
        step if step % 1440 == 0 => format!("per {} days", step / 1440),
        step if step % 60 == 0 => format!("per {} hours", step / 60),
        step => format!("per {step} minutes"),
    }
}

/// Bars of one height scale, with its greatest value written beside it.
fn panel(
    axis: &Axis,
    slots: &[Slot],
    class: &str,
    value: fn(&Slot) -> u64,
    most: u64,
    top: i64,
    height: i64,
) -> Markup {
    let bottom = top + height;
    html! {
        line.grid x1=(LEFT) y1=(top) x2=(WIDTH - RIGHT) y2=(top) {}
        line.grid x1=(LEFT) y1=(bottom) x2=(WIDTH - RIGHT) y2=(bottom) {}
        text x=(LEFT - 8) y=(top + 4) text-anchor="end" { (words::count(most)) }
        text x=(LEFT - 8) y=(bottom + 4) text-anchor="end" { "0" }
        @for slot in slots.iter().filter(|slot| value(slot) > 0) {
            @let (x, width) = axis.bar(axis.slot(slot.from_ms));
            // What is not nothing must be seen.
            @let tall = scaled(value(slot), most, height).max(2);
            rect class=(class) x=(x) y=(bottom - tall) width=(width) height=(tall) {}
        }
    }
}

/// `value` of `most`, in pixels of `height`.
fn scaled(value: u64, most: u64, height: i64) -> i64 {
    i64::try_from(u128::from(value) * height as u128 / u128::from(most.max(1))).unwrap_or(height)
}

/// Distances between labels that people expect, in minutes; beyond them, whole days.
const TICK_MINUTES: [i64; 14] = [1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 360, 720, 1440, 2880];

fn ticks(axis: &Axis, y: i64) -> Markup {
    let span_ms = axis.step_ms.saturating_mul(axis.slots);
    let fits = |minutes: &i64| span_ms / (minutes * MINUTE_MS) <= MAX_TICKS;
    let each_ms = TICK_MINUTES.into_iter().find(fits).map(|minutes| minutes * MINUTE_MS);
    let each_ms = each_ms.unwrap_or_else(|| (span_ms / MAX_TICKS / DAY_MS + 1).saturating_mul(DAY_MS));
    let last_ms = axis.first_ms.saturating_add(span_ms);
    let days = axis.first_ms.div_euclid(DAY_MS) != last_ms.saturating_sub(1).div_euclid(DAY_MS);
    let first_ms = axis.first_ms.saturating_add(each_ms - 1).div_euclid(each_ms).saturating_mul(each_ms);
    let times = (0..=MAX_TICKS).map(|tick| first_ms.saturating_add(each_ms.saturating_mul(tick)));
    html! {
        @for at_ms in times.take_while(|at_ms| *at_ms < last_ms) {
            @let time = rfc3339(at_ms);
            @let x = axis.x_of(at_ms);
            @if x < WIDTH - RIGHT - 40 {
                line.grid x1=(x) y1=(y) x2=(x) y2=(y + 4) {}
                text x=(x) y=(y + 17) {
                    @if each_ms >= DAY_MS { (time.get(5..10).unwrap_or_default()) }
                    @else if days { (time.get(5..10).unwrap_or_default()) " " (time.get(11..16).unwrap_or_default()) }
                    @else { (time.get(11..16).unwrap_or_default()) }
                }
            }
        }
    }
}

/// Letters above dashed lines where deployments had their first requests. Of one slot, they stand side by side.
fn marks_on(marks: &[&Deployed], axis: &Axis, bottom: i64) -> Markup {
    let mut taken = LEFT - 30;
    let places = marks.iter().map(|one| {
        let x = axis.x(axis.slot(one.first_ms));
        taken = (x - 8).max(taken + 20);
        (x, taken)
    });
    let places: Vec<(i64, i64)> = places.collect();
    html! {
        @for (index, (x, flag)) in places.iter().enumerate() {
            line.mark x1=(x) y1="20" x2=(x) y2=(bottom) {}
            rect.flag x=(flag) y="4" width="16" height="16" rx="4" {}
            text.letter x=(flag + 8) y="16" { (letter(index)) }
        }
    }
}

fn letter(index: usize) -> char {
    char::from(b'A' + (index % 26) as u8)
}

fn legend(marks: &[&Deployed], all: usize) -> Markup {
    html! {
        @if !marks.is_empty() {
            ul.legend aria-label="Deployments, by their first request" {
                @for (index, one) in marks.iter().enumerate() {
                    li {
                        b { (letter(index)) }
                        "deployment " code { (line(&one.name)) } " from " (super::moment(&rfc3339(one.first_ms))) ": "
                        (words::count(one.failed)) " of " (words::count(one.requests)) " failed"
                    }
                }
                @if all > marks.len() { li { "and " (words::count((all - marks.len()) as u64)) " more" } }
            }
        }
    }
}

/// The failures of one incident over time.
struct Lane {
    label: String,
    counts: BTreeMap<i64, u64>,
}

/// The lanes of the top incidents.
fn lanes(report: &Report, axis: &Axis) -> Vec<Lane> {
    let top = &report.incidents[..report.incidents.len().min(MAX_LANES)];
    let mut lanes: Vec<Lane> = top
        .iter()
        .map(|incident| Lane {
            label: format!("{}  {}", incident.rank, short(&words::headline(incident))),
            counts: BTreeMap::new(),
        })
        .collect();
    for failure in &report.failures {
        let Some(lane) = top.iter().position(|incident| incident.id == failure.incident) else { continue };
        let Some(at) = failure.time.as_deref().and_then(parse) else { continue };
        if let Some(lane) = lanes.get_mut(lane) {
            *lane.counts.entry(axis.slot(at.ms)).or_default() += 1;
        }
    }
    lanes
}

/// A title that fits over a lane.
fn short(title: &str) -> String {
    let title = line(title);
    match title.char_indices().nth(110) {
        Some((end, _)) => format!("{}…", &title[..end]),
        None => title,
    }
}

impl Lane {
    fn draw(&self, axis: &Axis, top: i64) -> Markup {
        let most = self.counts.values().copied().max().unwrap_or_default();
        html! {
            text.name x=(LEFT) y=(top + 14) { (self.label) }
            rect.lane x=(LEFT) y=(top + 20) width=(WIDTH - LEFT - RIGHT) height="10" rx="2" {}
            @for (slot, count) in &self.counts {
                @let (x, width) = axis.bar(*slot);
                // From a third to full, in whole per cent.
                @let shade = 35 + scaled(*count, most, 65);
                rect.failed x=(x) y=(top + 20) width=(width) height="10" fill-opacity=(format!("{}.{:02}", shade / 100, shade % 100)) {}
            }
        }
    }
}
