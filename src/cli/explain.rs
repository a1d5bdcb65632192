//! `why500 explain ID PATH...`: one request in full.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::{ExplainArgs, ExplainFormat};
use super::exit::{Exit, Failure, remark};
use super::triage::{table_options, watch_signals};
use crate::engine::explain::Explained;
use crate::input::source::{self, Source};
use crate::report::{explain, explanation};

/// Sources that are named where the one that was meant is not there.
const SHOWN_SOURCES: usize = 5;

/// Reads, finds the request, prints.
///
/// # Errors
/// As for every command that reads; [`Failure::NotThere`] where no request, or more than one, has the ID.
pub fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let engine = args.read.engine(args.read.options()?)?;
    if args.paths.is_empty() && io::stdin().is_terminal() {
        remark("reading standard input; pipe a log into it, or name files (see --help)");
    }
    let stop = Arc::new(AtomicBool::new(false));
    watch_signals(&stop);
    let found = source::find_within(&args.paths, args.read.run.expand());
    let sources: Vec<String> = found.sources.iter().map(Source::name).collect();
    let explained = engine.explain(found, &args.id, &stop, &mut ());
    for error in &explained.errors {
        remark(&error.to_string());
    }
    if explained.read == 0 {
        return Err(Failure::NoInput);
    }
    let Some(request) = &explained.explanation else {
        return Err(Failure::NotThere(not_there(&args.id, &explained, &sources)));
    };
    let table = table_options(&args.read.run);
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match args.format {
        ExplainFormat::Table => explain::write(request, &table, &mut out),
        ExplainFormat::Json => explanation::write_json(request, &mut out),
    };
    written.and_then(|()| out.flush()).map_err(Failure::Output)?;
    Ok(Exit::Success)
}

/// Why there is nothing to explain, and what to try.
fn not_there(id: &str, explained: &Explained, sources: &[String]) -> String {
    let near = explained.near.join(", ");
    let missing = missing(id, explained, &near);
    match explained.found {
        0 => format!("{missing}; {}", about_places(id, sources)),
        _ => missing,
    }
}

/// What a place in a source looks like, and why this is none.
fn about_places(id: &str, sources: &[String]) -> String {
    let form = "SOURCE:LINE names a line, for requests that have no ID";
    let Some((name, line)) = id.trim().rsplit_once(':') else { return form.to_owned() };
    let Ok(line) = line.parse::<u64>() else { return form.to_owned() };
    let is_it = |known: &&String| *known == name || known.ends_with(&format!("/{name}"));
    let shown: Vec<&str> = sources.iter().map(String::as_str).take(SHOWN_SOURCES).collect();
    let more = if sources.len() > shown.len() { ", …" } else { "" };
    match (sources.iter().find(is_it), line) {
        (Some(known), 0) => format!("{form}, and lines of {known} are counted from 1"),
        (Some(known), _) => {
            format!(
                "{form}: line {line} of {known} belongs to no request that can be explained, or is not there"
            )
        }
        (None, _) => {
            format!("{form}, and no source is called `{name}`; there are {}{more}", shown.join(", "))
        }
    }
}

fn missing(id: &str, explained: &Explained, near: &str) -> String {
    match (explained.found, explained.near.is_empty()) {
        (0, true) => format!(
            "no request in this input has the ID `{id}`, and none resembles it; `why500 --format jsonl PATH...` lists the IDs of all failed requests"
        ),
        (0, false) => format!("no request in this input has the ID `{id}`; near it: {near}"),
        (count, _) => format!("{count} requests have an ID that ends with `{id}`; name one in full: {near}"),
    }
}
