//! Numbers, times and counts as people read them.

use super::model::{Incident, Report, RouteCount, Window};

/// `1204` as `1 204`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// `1 request`, `3 requests`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// How many requests failed, as a title.
pub fn verdict(report: &Report) -> String {
    let totals = &report.requests;
    let at_least = if totals.exact { "" } else { "at least " };
    match (totals.failed, totals.total) {
        (0, 0) => "No request found in these logs".to_owned(),
        (0, total) => format!("No failed request in {}", counted(total, "request", "requests")),
        (failed, total) => {
            format!("{at_least}{} of {} failed", count(failed), counted(total, "request", "requests"))
        }
    }
}

/// A share or probability in whole per cent; neither 0 % nor 100 % unless it is exactly that.
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "?".to_owned();
    }
    let rounded = (share * 100.0).round();
    if rounded <= 0.0 && share > 0.0 {
        return "<1%".to_owned();
    }
    if rounded >= 100.0 && share < 1.0 {
        return ">99%".to_owned();
    }
    format!("{rounded:.0}%")
}

/// The date of an RFC 3339 time; the whole text where it has another shape.
pub fn date(time: &str) -> &str {
    if is_rfc3339(time) { time.get(..10).unwrap_or(time) } else { time }
}

/// The time of day of an RFC 3339 time, in seconds.
pub fn clock(time: &str) -> &str {
    if is_rfc3339(time) { time.get(11..19).unwrap_or(time) } else { time }
}

/// The time of day with milliseconds.
pub fn clock_ms(time: &str) -> &str {
    if is_rfc3339(time) { time.get(11..23).or(time.get(11..19)).unwrap_or(time) } else { time }
}

/// Date and time of day; the whole text where it has another shape.
pub fn day_and_clock(time: &str) -> String {
    if is_rfc3339(time) { format!("{} {}", date(time), clock(time)) } else { time.to_owned() }
}

fn is_rfc3339(time: &str) -> bool {
    time.is_ascii() && time.len() >= 20 && time.as_bytes().get(10) == Some(&b'T') && time.ends_with('Z')
}

/// Whether first and last time are on one day, so that the date need not be repeated.
pub fn one_day(window: &Window) -> bool {
    match (&window.from, &window.to) {
        (Some(from), Some(to)) => date(from) == date(to),
        _ => false,
    }
}

/// A moment for the table: time of day, with month and day where the window spans days.
pub fn moment(time: Option<&str>, one_day: bool) -> String {
    match time {
        None => "–".to_owned(),
        Some(time) if one_day => clock(time).to_owned(),
        Some(time) => match (date(time).get(5..), clock(time).get(..5)) {
            (Some(day), Some(minute)) if is_rfc3339(time) => format!("{day} {minute}"),
            _ => time.to_owned(),
        },
    }
}

/// `2026-01-01 09:58:12–10:21:40 UTC`, or both dates where they differ. Empty without times.
pub fn span(from: Option<&str>, to: Option<&str>) -> String {
    match (from, to) {
        (Some(from), Some(to)) if from == to => format!("{} {} UTC", date(from), clock(from)),
        (Some(from), Some(to)) if date(from) == date(to) => {
            format!("{} {}–{} UTC", date(from), clock(from), clock(to))
        }
        (Some(from), Some(to)) => format!("{} {} – {} {} UTC", date(from), clock(from), date(to), clock(to)),
        (Some(one), None) | (None, Some(one)) => format!("{} {} UTC", date(one), clock(one)),
        (None, None) => String::new(),
    }
}

/// The first route and how many more: `/api/users/create +2 more`.
pub fn routes(routes: &[RouteCount]) -> String {
    match routes {
        [] => "–".to_owned(),
        [one] => one.route.clone(),
        [first, more @ ..] => format!("{} +{} more", first.route, more.len()),
    }
}

/// `runtime/edge`, or the class alone.
pub fn class(incident: &Incident) -> String {
    if incident.subclass.is_empty() {
        incident.class.to_string()
    } else {
        format!("{}/{}", incident.class, incident.subclass)
    }
}

/// Title of an incident with the subject it does not name itself: `Missing environment variable (API_KEY)`.
pub fn headline(incident: &Incident) -> String {
    let subject: Vec<&str> = incident
        .subject
        .values()
        .map(String::as_str)
        .filter(|value| !value.trim().is_empty() && !incident.title.contains(value))
        .collect();
    if subject.is_empty() {
        incident.title.clone()
    } else {
        format!("{} ({})", incident.title, subject.join(", "))
    }
}
