//! `why500 postmortem PATH... --out DIR`: a run whose findings are written as a bundle.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::{PostmortemArgs, RunArgs};
use super::exit::{Exit, Failure, remark};
use super::triage::{table_options, watch_signals};
use super::watch::Terminal;
use crate::budget;
use crate::engine::MAX_LINE_BYTES;
use crate::format::time::{parse, rfc3339};
use crate::input::source;
use crate::postmortem::bundle::{self, Circumstances, Digesting};
use crate::postmortem::narrow;
use crate::report::model::Report;
use crate::report::words;

/// Reads, diagnoses, writes the bundle.
pub fn run(args: &PostmortemArgs) -> Result<Exit, Failure> {
    let options = args.read.options()?;
    bundle::may_write(&args.out, &args.paths).map_err(|error| Failure::Usage(error.to_string()))?;
    let known = args.saved.read(args.quiet)?;
    let engine = args.read.engine(options)?;
    if args.paths.is_empty() && io::stdin().is_terminal() {
        remark("reading standard input; pipe a log into it, or name files (see --help)");
    }
    let stop = Arc::new(AtomicBool::new(false));
    watch_signals(&stop);
    let expand = args.read.run.expand();
    let found = source::find_within(&args.paths, expand);
    let digesting = Digesting::begin(&found.sources, expand, &stop);
    let mut watcher = Terminal::new(args.quiet, None, table_options(&args.read.run));
    let mut finished = engine.run(found, &stop, &mut watcher);
    watcher.done();
    for error in &finished.errors {
        remark(&error.to_string());
    }
    if finished.read == 0 {
        return Err(Failure::NoInput);
    }
    let report = &mut finished.report;
    if report.partial {
        remark("interrupted: no bundle was written, for it would not hold all of the input");
        return Ok(Exit::Interrupted);
    }
    let as_of = as_of(args, report)?;
    known.apply(report, args.as_of, args.quiet);
    report.slo = args.objective().map(|objective| budget::of(report, &objective));
    if let Some(id) = &args.incident
        && let Err(known) = narrow(report, id)
    {
        return Err(Failure::NotThere(no_incident(id, &known)));
    }
    let sources = digesting.finish(report);
    let around = Circumstances {
        command: command(args),
        as_of,
        incident: args.incident.as_ref().and_then(|_| report.incidents.first()).map(|one| one.id.clone()),
        unread: finished.errors.iter().map(ToString::to_string).collect(),
    };
    let written = bundle::write(&args.out, report, &sources, &around).map_err(Failure::Output)?;
    if !args.quiet {
        say_what_was_written(args, report, written);
    }
    Ok(Exit::Success)
}

fn say_what_was_written(args: &PostmortemArgs, report: &Report, written: bundle::Written) {
    let dir = args.out.display();
    let lines = words::counted(written.lines as u64, "cited line", "cited lines");
    let unproven = written.lines - written.located;
    let but = if unproven > 0 {
        format!(", {unproven} of them without bytes to prove them")
    } else {
        String::new()
    };
    remark(&format!(
        "wrote {dir}: postmortem.md, report.html, report.json, evidence.jsonl ({lines}{but}), manifest.json"
    ));
    if report.requests.failed == 0 {
        remark("no request of this input failed; the bundle says so");
    }
}

/// The moment as of which the bundle speaks.
fn as_of(args: &PostmortemArgs, report: &Report) -> Result<Option<String>, Failure> {
    let last = report.window.to.clone();
    let Some(as_of_ms) = args.as_of else { return Ok(last) };
    match last.as_deref().and_then(parse) {
        Some(stamp) if stamp.ms > as_of_ms => Err(Failure::Usage(format!(
            "--as-of {}: the last record is later ({}); leave it out, or name a later moment",
            rfc3339(as_of_ms),
            last.unwrap_or_default()
        ))),
        _ => Ok(Some(rfc3339(as_of_ms))),
    }
}

fn no_incident(id: &str, known: &[String]) -> String {
    let fits: Vec<&str> = known.iter().map(String::as_str).filter(|known| known.starts_with(id)).collect();
    match (known.is_empty(), fits.is_empty()) {
        (true, _) => format!("--incident {id}: no request of this input failed, so there is no incident"),
        (_, true) => {
            let shown: Vec<&str> = known.iter().map(String::as_str).take(10).collect();
            let more = if known.len() > shown.len() { ", …" } else { "" };
            format!("--incident {id}: no incident has this ID; there are {}{more}", shown.join(", "))
        }
        _ => format!("--incident {id}: several begin so: {}", fits.join(", ")),
    }
}

/// The command as it is recorded: what decides what is found. Where it is written, on how many threads and how it looks on
/// a terminal do not, and a key is nobody's business.
fn command(args: &PostmortemArgs) -> Vec<String> {
    let path = |path: &PathBuf| path.to_string_lossy().replace('\\', "/");
    let mut words = vec!["why500".to_owned(), "postmortem".to_owned()];
    match args.paths.is_empty() {
        true => words.push("-".to_owned()),
        false => words.extend(args.paths.iter().map(path)),
    }
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.push(format!("--{name}"));
            words.push(value);
        }
    };
    option("incident", args.incident.clone());
    option("as-of", args.as_of.map(rfc3339));
    let minutes = |window: i64| {
        (window % 1440 == 0).then(|| format!("{}d", window / 1440)).unwrap_or(format!("{window}m"))
    };
    option("slo", args.objective().map(|objective| objective.target_percent().to_string()));
    option("window", args.slo.map(|_| minutes(args.window)).filter(|window| window != "30d"));
    option("incidents", args.saved.incidents.as_ref().map(path));
    option("input-format", args.read.input_format.clone());
    for dir in &args.read.rules {
        option("rules", Some(path(dir)));
    }
    for name in &args.read.run.segment_fields {
        option("segment-field", Some(name.clone()));
    }
    for _ in &args.read.run.redact_pattern {
        option("redact-pattern", Some("…".to_owned()));
    }
    let RunArgs { max_line, memory, spill, max_expand, redact_key, no_redact, .. } = &args.read.run;
    option("max-line", Some(*max_line).filter(|most| *most != MAX_LINE_BYTES).map(|most| most.to_string()));
    option("memory", memory.map(|most| most.to_string()));
    option("spill", spill.as_ref().map(|_| "…".to_owned()));
    option("max-expand", max_expand.map(|most| most.to_string()));
    option("redact-key", redact_key.as_ref().map(|_| "…".to_owned()));
    if *no_redact {
        words.push("--no-redact".to_owned());
    }
    words
}
