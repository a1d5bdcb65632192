//! What a deployment answered, against what the manifest declares. Pure: the same transcript gives the same findings.

use super::checks::About;
use super::{cause, simple};
use crate::gate::manifest::live::{Live, Probe};
use crate::gate::manifest::{Family, Manifest, Wanted};
use crate::gate::report::model::{Check, Severity, State};
use crate::gate::transcript::{Answer, Body, Http, Outcome, Phase, Purpose, Step, Transcript};

const fn about(id: &'static str, subclass: &'static str, prevents: &'static [&'static str]) -> About {
    let prevention = "Probe a preview of every release before it is promoted.";
    About { id, class: "route", subclass, prevents, prevention }
}

/// Another status than declared, or no answer.
pub const STATUS: About = about(
    "gate-live-status",
    "live",
    &["process-crashed", "function-timeout", "deployment-unavailable", "platform-internal-error"],
);
/// A header that lacks or differs.
pub const HEADER: About = about("gate-live-header", "live", &[]);
/// A runtime that the answer does not come from.
pub const RUNTIME: About = about("gate-live-runtime", "live", &["edge-handler-on-node", "edge-node-module"]);
/// An answer later than declared.
pub const TIME: About = about("gate-live-time", "live", &["function-timeout"]);
/// A body that is not as declared.
pub const BODY: About = about("gate-live-body", "live", &["html-parsed-as-json"]);
/// A request that must be refused ends in a 5xx.
pub const NEGATIVE_500: About =
    about("gate-negative-500", "validation", &["request-body-parse", "unhandled-validation"]);
/// A refusal that tells the caller nothing.
pub const NEGATIVE_SHAPE: About = about("gate-negative-shape", "validation", &["html-parsed-as-json"]);
/// A request without credentials that is answered.
pub const AUTH_OPEN: About = about("gate-auth-open", "validation", &[]);

/// The checks of a deployment, in the order of reports.
pub const LIVE: &[About] = &[STATUS, HEADER, RUNTIME, TIME, BODY, NEGATIVE_500, NEGATIVE_SHAPE, AUTH_OPEN];

/// One way in which an answer is not as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wrong {
    about: About,
    severity: Severity,
    /// `expected …, got …`.
    what: String,
    /// Whether nothing is known, instead.
    unknown: bool,
}

/// Whether a request came to what is declared of it.
pub fn is_as_declared(probe: &Probe, purpose: Purpose, seen: &Http, live: &Live) -> bool {
    wrongs(probe, purpose, seen, live).is_empty()
}

/// Judges what a transcript holds of a manifest's probes. Returns findings and what to remark.
pub fn judge(manifest: &Manifest, transcript: &Transcript) -> (Vec<Check>, Vec<String>) {
    if !transcript.has(Phase::Live) {
        return (Vec::new(), Vec::new());
    }
    let declared: Vec<(&Family, &Probe, Purpose)> = manifest
        .families
        .iter()
        .flat_map(|family| {
            let probes = family.probes.iter().map(move |probe| (family, probe, Purpose::Probe));
            let negatives = family.negatives.iter().map(move |probe| (family, probe, Purpose::Negative));
            probes.chain(negatives)
        })
        .collect();
    let mut found = Vec::new();
    let mut met = 0;
    // Requests with findings, and where the first of these stands.
    let mut failed: Vec<(&Http, usize)> = Vec::new();
    for (family, probe, purpose) in &declared {
        let digest = probe.digest();
        let mut seen: Vec<&Http> = transcript
            .http()
            .filter(|http| {
                (http.purpose, &http.family, &http.name, &http.sent)
                    == (*purpose, &family.name, &probe.name, &digest)
            })
            .collect();
        seen.sort_by_key(|http| http.attempt);
        met += seen.len();
        let checks = of_probe(probe, *purpose, &seen, &manifest.live);
        failed.extend(seen.last().filter(|_| !checks.is_empty()).map(|last| (*last, found.len())));
        found.extend(checks);
    }
    let answers: Vec<&Http> = failed.iter().map(|(http, _)| *http).collect();
    for (at, cause) in cause::of(&answers) {
        if let Some(check) = failed.get(at).and_then(|(_, number)| found.get_mut(*number)) {
            check.cause = Some(cause);
        }
    }
    if declared.is_empty() {
        let message = "no probe and no negative path is declared, so nothing of the deployment was checked";
        let fix = "declare [[family.probe]] and [[family.negative]] in why500.toml";
        found.push(not_run("project", message.to_owned(), fix));
    }
    let mut remarks = Vec::new();
    let warm: Vec<&Http> = transcript.http().filter(|http| http.purpose == Purpose::WarmUp).collect();
    for path in &manifest.live.warm_up {
        let attempts: Vec<&Http> = warm.iter().copied().filter(|http| http.name == path.as_str()).collect();
        met += attempts.len();
        let (check, remark) = warm_up(path.without_query(), &attempts);
        found.extend(check);
        remarks.extend(remark);
    }
    let all = transcript.http().count();
    if met < all {
        remarks.push(format!(
            "{} of {all} requests of the transcript are of no probe that the manifest declares now",
            all - met
        ));
    }
    (found, remarks)
}

fn not_run(subject: &str, message: String, fix: &str) -> Check {
    let mut check = simple(STATUS, Severity::Critical, subject, message, fix);
    check.state = State::NotRun;
    check
}

/// `price list answers (GET /api/prices)`.
fn label(probe: &Probe) -> String {
    let request = &probe.request;
    format!("{} ({} {})", probe.name, request.method.as_str(), request.path.without_query())
}

fn of_probe(probe: &Probe, purpose: Purpose, seen: &[&Http], live: &Live) -> Vec<Check> {
    let subject = probe.request.path.without_query();
    let label = label(probe);
    let Some(last) = seen.last() else {
        let message = format!("{label} was not sent, or was declared otherwise when the transcript was made");
        return vec![not_run(subject, message, "probe the deployment again with --live")];
    };
    if let Outcome::Lost(lost) = &last.outcome
        && lost.step == Step::NotSent
    {
        let message = format!("{label} was not sent: {}", lost.text);
        return vec![not_run(subject, message, "set what it needs, and probe again")];
    }
    if let Outcome::Answered(answer) = &last.outcome
        && is_protected(answer)
    {
        let message = format!("{label} got the sign-in of the deployment protection, not the application");
        let fix = "name the key that holds the bypass secret: protection_bypass_env in [live]";
        return vec![not_run(subject, message, fix)];
    }
    let wrong = wrongs(probe, purpose, last, live);
    let first = seen.first().filter(|_| seen.len() > 1);
    if wrong.is_empty() {
        let before = first.map(|first| wrongs(probe, purpose, first, live)).unwrap_or_default();
        return before.into_iter().take(1).map(|wrong| at_second(subject, &label, &wrong)).collect();
    }
    let twice = if first.is_some() { " twice" } else { "" };
    wrong
        .into_iter()
        .map(|wrong| {
            let shown = details(last);
            let message = format!("{label}: {}{twice}{shown}", wrong.what);
            let mut check = simple(wrong.about, wrong.severity, subject, message, &fix(&wrong, last));
            if wrong.unknown {
                check.state = State::NotRun;
            }
            check
        })
        .collect()
}

fn at_second(subject: &str, label: &str, wrong: &Wrong) -> Check {
    let message = format!("{label} was as declared at the second attempt only: at first {}", wrong.what);
    let fix = "look for what the first request after a start waits for; a warm_up in [live] keeps it out of the probes";
    simple(wrong.about, Severity::Warning, subject, message, fix)
}

fn warm_up(path: &str, attempts: &[&Http]) -> (Option<Check>, Option<String>) {
    let (Some(first), Some(last)) = (attempts.first(), attempts.last()) else {
        let message = format!("the warm-up {path} was not sent");
        return (Some(not_run(path, message, "probe the deployment again with --live")), None);
    };
    match &last.outcome {
        Outcome::Answered(answer) if answer.status < 500 => {
            let mut said = format!("warm-up {path}: {} after {} ms", got(first), first.elapsed_ms);
            if attempts.len() > 1 {
                said.push_str(&format!(
                    ", at attempt {} {} after {} ms",
                    attempts.len(),
                    answer.status,
                    last.elapsed_ms
                ));
            }
            (None, Some(said))
        }
        Outcome::Lost(lost) if lost.step == Step::NotSent => {
            let message = format!("the warm-up {path} was not sent: {}", lost.text);
            (Some(not_run(path, message, "set what it needs, and probe again")), None)
        }
        _ => {
            let message = format!(
                "the warm-up {path} is not answered after {} attempts: {}{}",
                attempts.len(),
                got(last),
                details(last)
            );
            let fix = "look up why in the logs of the deployment";
            (Some(simple(STATUS, Severity::Critical, path, message, fix)), None)
        }
    }
}

/// What is wrong with an answer, the gravest first.
fn wrongs(probe: &Probe, purpose: Purpose, seen: &Http, live: &Live) -> Vec<Wrong> {
    let expect = &probe.expect;
    let wrong =
        |about: About, severity: Severity, what: String| Wrong { about, severity, what, unknown: false };
    let negative = purpose == Purpose::Negative;
    let Outcome::Answered(answer) = &seen.outcome else {
        return vec![wrong(STATUS, Severity::Critical, format!("{} ({} ms)", got(seen), seen.elapsed_ms))];
    };
    let status = answer.status;
    let expected = match expect.status.is_empty() {
        false => expect.status.contains(&status),
        true if negative => (400..500).contains(&status),
        true => (200..300).contains(&status),
    };
    if !expected {
        // Credentials are what it was to be refused for, if nothing but their absence is expected.
        let of_auth = !expect.status.is_empty() && expect.status.iter().all(|one| matches!(one, 401 | 403));
        let about = match status {
            500.. if negative => NEGATIVE_500,
            200..=299 if negative && of_auth => AUTH_OPEN,
            _ => STATUS,
        };
        let what = format!("expected {}, got {}", statuses(&expect.status, negative), got(seen));
        // The rest of an answer of another kind says nothing.
        return vec![wrong(about, Severity::Critical, what)];
    }
    let mut found = Vec::new();
    for (name, pattern) in &expect.headers {
        let what = match answer.headers.get(name) {
            None => format!("expected the header {name}, got none"),
            Some(value) if !fits(pattern, value) => {
                format!("expected {name}: {pattern}, got {value}")
            }
            Some(_) => continue,
        };
        found.push(wrong(HEADER, Severity::Critical, what));
    }
    if let (Some(wanted), Some(name)) = (expect.runtime, &live.runtime_header) {
        let wanted = match wanted {
            Wanted::Nodejs => "nodejs",
            Wanted::Edge => "edge",
        };
        match answer.headers.get(name) {
            Some(value) if value == wanted => {}
            Some(value) => {
                let what = format!("expected the runtime {wanted}, got {value} ({name})");
                found.push(wrong(RUNTIME, Severity::Critical, what));
            }
            None => {
                let what = format!("the answer has no header {name}, so its runtime is not known");
                found.push(Wrong { unknown: true, ..wrong(RUNTIME, Severity::Critical, what) });
            }
        }
    }
    let is_json = matches!(answer.body, Body::Json | Body::Unread);
    if expect.json.unwrap_or(negative) && !is_json {
        let cut = if answer.body_cut { ", of which only the beginning was read" } else { "" };
        let what = format!("expected a body of JSON, got {}{cut}", body(answer.body));
        found.push(match negative {
            true => wrong(NEGATIVE_SHAPE, Severity::Warning, format!("{status}: {what}")),
            false if answer.body_cut => Wrong { unknown: true, ..wrong(BODY, Severity::Critical, what) },
            false => wrong(BODY, Severity::Critical, what),
        });
    }
    if let Some(most) = expect.max_ms.filter(|most| seen.elapsed_ms > *most) {
        let what = format!("expected an answer within {most} ms, got it after {} ms", seen.elapsed_ms);
        found.push(wrong(TIME, Severity::Warning, what));
    }
    found
}

fn statuses(expected: &[u16], negative: bool) -> String {
    let list: Vec<String> = expected.iter().map(u16::to_string).collect();
    match list.as_slice() {
        [] if negative => "400–499".to_owned(),
        [] => "200–299".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

fn got(seen: &Http) -> String {
    match &seen.outcome {
        Outcome::Answered(answer) => match answer.headers.get("location") {
            Some(location) => format!("{} to {location}", answer.status),
            None => answer.status.to_string(),
        },
        Outcome::Lost(lost) => match lost.step {
            Step::Timeout => "no answer in time".to_owned(),
            step => format!("no answer: {} failed ({})", step.as_str(), lost.text),
        },
    }
}

fn body(kind: Body) -> &'static str {
    match kind {
        Body::Empty => "an empty one",
        Body::Json | Body::Unread => "JSON",
        Body::Html => "a page",
        Body::Text => "text",
        Body::Binary => "what is no text",
    }
}

/// What helps to find the request in the logs, and what it says itself.
fn details(seen: &Http) -> String {
    let Outcome::Answered(answer) = &seen.outcome else { return String::new() };
    let named = ["x-vercel-error", "x-matched-path", "x-vercel-id", "x-request-id", "x-amzn-requestid"];
    let mut parts: Vec<String> =
        named.iter().filter_map(|name| Some(format!("{name}: {}", answer.headers.get(*name)?))).collect();
    if !answer.excerpt.is_empty() {
        parts.push(format!("it says: {}", answer.excerpt));
    }
    if parts.is_empty() { String::new() } else { format!(" [{}]", parts.join("; ")) }
}

fn fix(wrong: &Wrong, seen: &Http) -> String {
    let id = match &seen.outcome {
        Outcome::Answered(answer) => ["x-vercel-id", "x-request-id", "x-amzn-requestid"]
            .iter()
            .find_map(|name| answer.headers.get(*name))
            .map(|id| id.rsplit("::").next().unwrap_or(id).to_owned())
            .filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=:".contains(&byte))),
        Outcome::Lost(_) => None,
    };
    let cause = id.map_or_else(
        || "look up the request in the logs of the deployment with why500".to_owned(),
        |id| format!("why500 explain {id} LOGS names the cause"),
    );
    match wrong.about {
        NEGATIVE_500 => format!("catch what the body fails on, and answer 4xx with JSON; {cause}"),
        NEGATIVE_SHAPE => "answer with JSON that says what was wrong with the request".to_owned(),
        AUTH_OPEN => "refuse the request before it does its work".to_owned(),
        HEADER | RUNTIME | BODY => "correct the route, or what the manifest declares of it".to_owned(),
        TIME => format!("find what it waits for, or declare a longer time; {cause}"),
        _ => cause,
    }
}

/// The sign-in page of the deployment protection of Vercel.
fn is_protected(answer: &Answer) -> bool {
    let header = |name: &str| answer.headers.get(name).map(String::as_str).unwrap_or_default();
    let to_sign_in = header("location").starts_with("https://vercel.com/sso");
    let page = answer.status == 401
        && answer.body == Body::Html
        && header("server").eq_ignore_ascii_case("vercel")
        && (header("set-cookie").contains("_vercel_sso_nonce") || header("x-matched-path").is_empty());
    to_sign_in || page
}

/// Whether a value is what a pattern means: `*` stands for any text, case counts for nothing.
fn fits(pattern: &str, value: &str) -> bool {
    let (pattern, value) = (pattern.to_ascii_lowercase(), value.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| value.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_of_values() {
        assert!(fits("application/json*", "Application/JSON; charset=utf-8"));
        assert!(fits("*", "") && fits("a", "A") && fits("*b*d", "abcd") && fits("a*a", "aa"));
        assert!(!fits("a*a", "a") && !fits("json", "json;") && !fits("*b*d", "abdc") && !fits("", "x"));
    }
}
