//! One failed request judged: its lines weighed, its incident named, its decisive lines and next step found. Nothing is
//! redacted or ordered here.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::Folder;
use super::gaps::Phases;
use super::last_words::Witness;
use super::telemetry::Figures;
use super::weigh::{Diagnosis, weigh};
use super::{gaps, incident, last_words, private, triage};
use crate::correlate::dimensions::Dimensions;
use crate::correlate::line::{Fold, Line};
use crate::correlate::outcome::Outcome;
use crate::correlate::partial::Partial;
use crate::record::{CorrelationId, IdKind, Level, Marks, Position};
use crate::rules::RuleSet;

/// Evidence lines of one request.
const REQUEST_EVIDENCE: usize = 3;
/// Longest line that is looked at for evidence, in characters.
const MAX_LINE_CHARS: usize = 800;

/// A diagnosed request, before anything is redacted.
#[derive(Clone, Default)]
pub struct Judged {
    /// Correlation ID.
    pub id: Option<String>,
    /// The weakest join that was needed.
    pub kind: IdKind,
    /// Other IDs of the request, whose lines are among its own.
    pub aliases: Vec<CorrelationId>,
    /// Time of its first record.
    pub first_ms: Option<i64>,
    /// Status; none where none was logged.
    pub status: Option<u16>,
    /// HTTP method.
    pub method: Option<String>,
    /// Route.
    pub route: Option<String>,
    /// Deployment.
    pub deployment: Option<String>,
    /// Where and for whom it ran, by name.
    pub dimensions: BTreeMap<String, String>,
    /// What the rules say.
    pub diagnosis: Diagnosis,
    /// Fingerprint of its incident.
    pub fingerprint: String,
    /// What tells the incident from others of the same cause.
    pub subject: BTreeMap<String, String>,
    /// The rule's captures, and facts that the log holds beside them.
    pub captures: BTreeMap<String, String>,
    /// The decisive lines: place, time, text.
    pub evidence: Vec<(Position, Option<i64>, String)>,
    /// The five triage steps.
    pub steps: Vec<triage::Step>,
    /// What to look at where nothing was decided.
    pub next_step: Option<String>,
    /// Hash over the identities of its lines.
    pub identities: u64,
    /// Log streams of its lines: instances, processes.
    pub streams: BTreeSet<String>,
    /// It began on a new instance.
    pub cold: bool,
    /// A machine of a private network that answered it.
    pub private_answer: Option<String>,
    /// The process crashed in it.
    pub crashed: bool,
    /// Where its backend printed, outside any request, what stands among its lines.
    pub last_words: BTreeSet<Position>,
    /// Its own lines name the backend that printed them.
    pub backend_named: bool,
    /// No line of it carries text.
    pub silent: bool,
    /// Of a silent one: the incident of its neighbours, see [`super::neighbours`].
    pub inferred_from: Option<String>,
    /// Phases of which its lines tell.
    pub logged: Phases,
}

/// Diagnoses one failed request. `witnesses`: what was said outside any request.
pub fn judge(partial: Partial, folder: &Folder<'_>, rules: &RuleSet, witnesses: &[Witness]) -> Judged {
    let status = match partial.outcome() {
        Outcome::Failed(status) => status,
        _ => None,
    };
    let (id, kind) = (partial.id.as_deref().map(str::to_owned), partial.kind);
    let aliases = partial.aliases();
    let first_ms = partial.facts.span.ends_ms().map(|(first, _)| first);
    let route = partial.route.as_ref().map(|(_, route)| route.to_string());
    let mut lines = partial.into_lines(folder as &dyn Fold);
    last_words::add(&mut lines, witnesses, rules);
    let diagnosis = weigh(&lines, rules);
    let rule = diagnosis.rule.and_then(|rule| rules.by_index(rule));
    let subject = rule.map(|rule| incident::subject(rule, &diagnosis.captures)).unwrap_or_default();
    // What the backend printed when it ended tells more than what its proxy says.
    let mut last_words = lines.iter().filter(|line| is_last_words(line));
    let first_error = incident::first_error(last_words.clone())
        .or_else(|| last_words.next().map(|line| (line, line.text.trim())))
        .or_else(|| incident::first_error(lines.iter()));
    let fingerprint = match rule {
        Some(rule) => incident::of_cause(rule, &subject),
        None => incident::of_unknown(
            route.as_deref().unwrap_or("?"),
            first_error.and_then(|(line, _)| line.record.error_class.as_deref()).unwrap_or_default(),
            &incident::mask(first_error.map_or("", |(_, text)| text)),
        ),
    };
    let mut captures = diagnosis.captures.clone();
    let mut dimensions = Dimensions::default();
    lines.iter().for_each(|line| folder.dimensions(&line.record, &mut dimensions));
    add_context(&mut captures, &lines, &diagnosis.figures, route.as_deref());
    let has = |marks: Marks| lines.iter().any(|line| line.record.marks.has(marks));
    let first_of = |get: fn(&Line) -> Option<&String>| lines.iter().find_map(get).cloned();
    Judged {
        id,
        kind,
        aliases,
        first_ms,
        status,
        method: first_of(|line| line.record.method.as_ref()),
        deployment: first_of(|line| line.record.deployment.as_ref()),
        dimensions: dimensions.finish(),
        evidence: evidence(&diagnosis, &lines, first_error.map(|(line, text)| (line, text.to_owned()))),
        steps: triage::steps(&diagnosis, &lines, rules),
        next_step: rule.is_none().then(|| next_step(&diagnosis, &lines, rules)),
        identities: lines.iter().fold(0, |all, line| all ^ line.identity),
        streams: lines.iter().filter_map(|line| line.record.stream.clone()).collect(),
        cold: has(Marks::COLD_START | Marks::INIT),
        private_answer: private::answer(&lines, rule, &captures),
        crashed: has(Marks::CRASH | Marks::OUT_OF_MEMORY),
        last_words: lines.iter().filter(|line| is_last_words(line)).map(|line| line.at).collect(),
        backend_named: has(Marks::BACKEND_NAMED),
        silent: lines.iter().all(|line| line.text.trim().is_empty()),
        inferred_from: None,
        logged: gaps::phases(&lines, kind, &diagnosis.figures),
        route,
        diagnosis,
        fingerprint,
        subject,
        captures,
    }
}

/// `key = value` facts that the log holds beside the rule's captures.
fn add_context(
    captures: &mut BTreeMap<String, String>,
    lines: &[Line],
    figures: &Figures,
    route: Option<&str>,
) {
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            captures.entry(key.to_owned()).or_insert(value);
        }
    };
    add("route", route.map(str::to_owned));
    let find = |get: &dyn Fn(&Line) -> Option<String>| lines.iter().find_map(get);
    add(
        "runtime_detected",
        lines
            .iter()
            .filter(|line| !line.record.marks.has(Marks::MIDDLEWARE))
            .filter_map(|line| {
                line.record.runtime.clone().map(|runtime| (line.record.memory_limit_mb.is_none(), runtime))
            })
            .min_by_key(|(no_function, _)| *no_function)
            .map(|(_, runtime)| runtime),
    );
    add("region", find(&|line| line.record.region.clone()));
    add("environment", find(&|line| line.record.environment.clone()));
    for (key, value) in figures.captures() {
        add(&key, Some(value));
    }
    let summary = lines.iter().rev().find(|line| line.record.duration_ms.is_some());
    add("duration_ms", summary.and_then(|line| line.record.duration_ms).map(|ms| format!("{ms:.0}")));
    let memory = lines.iter().find(|line| line.record.memory_limit_mb.is_some());
    add("memory_used_mb", memory.and_then(|line| line.record.memory_used_mb).map(|mb| format!("{mb:.0}")));
    add("memory_limit_mb", memory.and_then(|line| line.record.memory_limit_mb).map(|mb| format!("{mb:.0}")));
}

/// The decisive lines: for a cause the lines of its signals, else the first error.
pub fn evidence(
    diagnosis: &Diagnosis,
    lines: &[Line],
    first_error: Option<(&Line, String)>,
) -> Vec<(Position, Option<i64>, String)> {
    let mut out: Vec<(Position, Option<i64>, String)> = diagnosis
        .evidence
        .iter()
        .filter_map(|(index, start)| lines.get(*index).map(|line| (line, *start)))
        .map(|(line, start)| (line.at, line.record.time_ms, cite(line, start)))
        .collect();
    let mut seen = BTreeSet::new();
    out.retain(|(_, _, text)| seen.insert(text.clone()));
    out.truncate(REQUEST_EVIDENCE);
    if out.is_empty() {
        out.extend(first_error.map(|(line, text)| (line.at, line.record.time_ms, text)));
    }
    // What the proxy saw is the request's own part of the proof.
    if let Some((line, start)) = own_part(diagnosis, lines) {
        out.truncate(REQUEST_EVIDENCE - 1);
        out.push((line.at, line.record.time_ms, cite(line, start)));
    }
    if out.is_empty() {
        let answer = lines.iter().find(|line| line.record.status.is_some());
        out.extend(answer.map(|line| (line.at, line.record.time_ms, describe(line))));
    }
    out
}

fn is_last_words(line: &Line) -> bool {
    line.record.marks.has(Marks::LAST_WORDS)
}

/// Of a request that its backend's last words explain, its own line: what the proxy says, and where.
fn own_part<'l>(diagnosis: &Diagnosis, lines: &'l [Line]) -> Option<(&'l Line, usize)> {
    let decisive: Vec<&Line> = diagnosis.evidence.iter().filter_map(|(index, _)| lines.get(*index)).collect();
    if !lines.iter().any(is_last_words) || !decisive.iter().all(|line| is_last_words(line)) {
        return None;
    }
    let own = || lines.iter().filter(|line| !is_last_words(line));
    let symptom = own().find_map(|line| {
        let hit = line.hits.iter().find(|hit| Some(hit.rule) == diagnosis.symptom)?;
        Some((line, hit.start))
    });
    symptom.or_else(|| own().find(|line| line.record.status.is_some()).map(|line| (line, 0)))
}

/// The physical line of a line around an offset, as evidence.
fn cite(line: &Line, start: usize) -> String {
    let text = physical_line(&line.text, start);
    if text.is_empty() { describe(line) } else { text }
}

/// What a record without text says.
pub fn describe(line: &Line) -> String {
    let record = &line.record;
    let mut parts = Vec::new();
    parts.extend(record.method.clone());
    parts.extend(record.path.clone().or_else(|| record.route.clone()));
    parts.extend(record.status.map(|status| format!("status={status}")));
    parts.extend(record.duration_ms.map(|ms| format!("duration_ms={ms:.0}")));
    if let (Some(used), Some(limit)) = (record.memory_used_mb, record.memory_limit_mb) {
        parts.push(format!("memory_mb={used:.0}/{limit:.0}"));
    }
    if parts.is_empty() { "(a record without text)".to_owned() } else { parts.join(" ") }
}

/// The physical line of a text around an offset.
fn physical_line(text: &str, start: usize) -> String {
    let start = start.min(text.len());
    let from = text.as_bytes()[..start].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let to = text.as_bytes()[start..].iter().position(|b| *b == b'\n').map_or(text.len(), |at| start + at);
    let line = text.get(from..to).unwrap_or_default().trim();
    line.chars().take(MAX_LINE_CHARS).collect()
}

/// Why nothing was decided, and the next best step.
fn next_step(diagnosis: &Diagnosis, lines: &[Line], rules: &RuleSet) -> String {
    if lines.iter().any(is_last_words) {
        return "a program ended just before, and no rule knows why: if it is the proxy's backend, read what it printed at the cited line; if that is clear, a rule for it is one file (`why500 rules`)".to_owned();
    }
    if let Some(rule) = diagnosis.symptom.and_then(|rule| rules.by_index(rule)) {
        return format!(
            "only a symptom was logged ({}): look for the first error of the same instance before it, or log the error with its stack",
            rule.title
        );
    }
    if let Some((rule, _)) = diagnosis.rivals.first()
        && let Some(rule) = rules.by_index(*rule)
    {
        return format!(
            "too little speaks for the best guess ({}): log the error that the request ended with, with its stack and cause",
            rule.title
        );
    }
    if lines.iter().all(|line| line.text.trim().is_empty()) {
        let source = match lines.iter().find_map(|line| line.record.runtime.as_deref()) {
            Some(runtime) => format!("the logs of the {runtime} function"),
            None => "the function's own logs".to_owned(),
        };
        return format!(
            "no line of this request carries text: add {source} (level error, with the stack) to the export, and log in the handler's catch block"
        );
    }
    if let Some(line) = lines.iter().find(|line| line.record.marks.has(Marks::TRUNCATED)) {
        return format!(
            "the source cut the text in line {}: take it from an export that keeps whole messages (a log drain, or the platform's JSON)",
            line.at.line
        );
    }
    if !lines.iter().any(|line| line.record.level >= Some(Level::Error)) {
        return "no line of this request is logged as an error: log the caught error with its stack and cause".to_owned();
    }
    "no rule knows this error: read the cited line; if the cause is clear, a rule for it is one file (`why500 rules`)".to_owned()
}
