//! `why500 [triage]`: the main job.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::{Colour, FailOn, Format, RunArgs, TriageArgs};
use super::exit::{Exit, Failure, remark};
use super::watch::Terminal;
use crate::budget;
use crate::correlate::spill::nameless_file;
use crate::engine::Engine;
use crate::input::source;
use crate::report::model::Report;
use crate::report::slo::State;
use crate::report::table::{self, TableOptions};
use crate::report::{csv, html, json, jsonl, markdown, message};

/// Width of a report that goes to no terminal.
const DEFAULT_WIDTH: usize = 100;

/// Remarks on sources that are said on stderr; a folder may hold thousands of files that are no logs.
const MAX_REMARKS: usize = 20;

/// Reads, diagnoses, prints.
pub fn run(args: &TriageArgs) -> Result<Exit, Failure> {
    let options = args.options().map_err(Failure::Usage)?;
    let shapes = options.shapes;
    if args.fail_on.contains(&FailOn::New) && args.known.baseline.is_none() {
        return Err(Failure::Usage(
            "--fail-on new needs --baseline: a report.json to compare with".to_owned(),
        ));
    }
    try_spill(&args.run)?;
    let known = args.known.read(args.quiet)?;
    let engine = Engine::with_rules(&args.rules, options)?;
    if args.paths.is_empty() && io::stdin().is_terminal() {
        remark("reading standard input; pipe a log into it, or name files (see --help)");
    }
    let found = source::find_within(&args.paths, args.run.expand());
    let to_terminal = io::stdout().is_terminal();
    let table = TableOptions { top: args.top, ..table_options(&args.run) };
    let every = args.every.filter(|_| to_terminal && args.format == Format::Table);
    let stop = Arc::new(AtomicBool::new(false));
    watch_signals(&stop);
    if args.every.is_some() && every.is_none() {
        remark("--every redraws a table on a terminal; elsewhere the report is printed once, at the end");
    }
    let mut watcher = Terminal::new(args.quiet, every, table);
    watcher.explain = args.explain_format.then_some(shapes);
    let mut finished = engine.run(found, &stop, &mut watcher);
    watcher.done();
    known.apply(&mut finished.report, args.as_of, args.quiet);
    finished.report.slo = args.objective().map(|objective| budget::of(&finished.report, &objective));
    for error in &finished.errors {
        remark(&error.to_string());
    }
    if finished.read == 0 {
        return Err(Failure::NoInput);
    }
    say_what_was_odd(&finished.report, args);
    print(&finished.report, args.format, &table)?;
    if finished.report.partial {
        return Ok(Exit::Interrupted);
    }
    Ok(if fails(&finished.report, &args.fail_on) || crossed(&finished.report) {
        Exit::Found
    } else {
        Exit::Success
    })
}

/// Writes the report in the form asked for.
fn print(report: &Report, format: Format, table: &TableOptions) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match format {
        Format::Table => table::write(report, table, &mut out),
        Format::Json => json::write(report, &mut out),
        Format::Jsonl => jsonl::write(report, &mut out),
        Format::Csv => csv::write(report, &mut out),
        Format::Markdown => markdown::write(report, None, &mut out),
        Format::Html => html::write(report, None, &mut out),
        Format::Message => message::write(report, &mut out),
    };
    written.and_then(|()| out.flush()).map_err(Failure::Output)
}

/// Entries that gave nothing are said aloud, with the reason and where the first one stands.
fn say_what_was_odd(report: &Report, args: &TriageArgs) {
    if args.quiet {
        return;
    }
    // The other forms hold the remarks of the report themselves.
    let mut remarks = match args.format {
        Format::Jsonl | Format::Csv | Format::Message => report.remarks.clone(),
        Format::Table | Format::Json | Format::Markdown | Format::Html => Vec::new(),
    };
    if let Some(slo) = &report.slo
        && slo.verdict != State::Kept
        && matches!(args.format, Format::Jsonl | Format::Csv)
    {
        remarks.push(match slo.verdict {
            State::Crossed => "--slo: a threshold was crossed".to_owned(),
            _ => format!("--slo: not certain whether a threshold was crossed; {}", slo.notes.join("; ")),
        });
    }
    for source in &report.sources {
        for reject in &source.rejects {
            remarks.push(format!(
                "{}:{}: {} of {} entries rejected: {}",
                source.name, reject.first_line, reject.frames, source.frames, reject.reason
            ));
        }
        if source.frames == source.ignored && !report.partial {
            // A pipe that brings nothing has a usual reason.
            let hint = match source.name.as_str() {
                "-" => "; `vercel logs` prints its table to stderr: use `vercel logs --json`",
                _ => "",
            };
            remarks.push(format!("{}: no log line in it{hint}", source.name));
        }
    }
    for text in remarks.iter().take(MAX_REMARKS) {
        remark(text);
    }
    if remarks.len() > MAX_REMARKS {
        let more = remarks.len() - MAX_REMARKS;
        remark(&format!("{more} more remarks of this kind; `--format json` has the account of every source"));
    }
}

/// Whether an error budget's threshold was crossed for sure.
fn crossed(report: &Report) -> bool {
    report.slo.as_ref().is_some_and(|slo| slo.verdict == State::Crossed)
}

fn fails(report: &Report, fail_on: &[FailOn]) -> bool {
    let mut counted = report.failures.iter().filter(|failure| !report.known.accepts(&failure.incident));
    counted.any(|failure| {
        fail_on.iter().any(|what| match what {
            FailOn::Any | FailOn::New => true,
            FailOn::Class(class) => failure.class == *class,
        })
    })
}

/// Makes sure that what does not fit into memory can be put away, before anything is read.
pub(super) fn try_spill(args: &RunArgs) -> Result<(), Failure> {
    let Some(dir) = &args.spill else { return Ok(()) };
    nameless_file(dir).map(drop).map_err(|source| Failure::Spill { dir: dir.clone(), source })
}

/// How a page is drawn on standard output.
pub(super) fn table_options(args: &RunArgs) -> TableOptions {
    TableOptions {
        width: args.width.map_or_else(terminal_width, usize::from),
        colour: colour(args.color, io::stdout().is_terminal()),
        ..TableOptions::default()
    }
}

fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0))
}

fn colour(choice: Colour, to_terminal: bool) -> bool {
    match choice {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => to_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// The first Ctrl-C or SIGTERM ends the reading, so that the report so far is printed; a second one ends the process.
pub(super) fn watch_signals(stop: &Arc<AtomicBool>) {
    use signal_hook::consts::{SIGINT, SIGTERM};
    for signal in [SIGINT, SIGTERM] {
        let _ = signal_hook::flag::register_conditional_shutdown(
            signal,
            Exit::Interrupted as i32,
            Arc::clone(stop),
        );
        let _ = signal_hook::flag::register(signal, Arc::clone(stop));
    }
}
