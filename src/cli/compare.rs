//! `why500 compare`: two inputs, or two parts of one.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::{CompareArgs, CompareFormat, FailOnChange};
use super::exit::{Exit, Failure, remark};
use super::triage::{table_options, watch_signals};
use crate::compare::side::Side;
use crate::compare::split::{By, split};
use crate::compare::{Comparison, Verdict, compare, table};
use crate::engine::Engine;
use crate::redact::Redactor;
use crate::redact::printable::printable;
use crate::report::model::Report;

/// Reads, compares, prints.
pub fn run(args: &CompareArgs) -> Result<Exit, Failure> {
    if args.by.is_none() && args.paths.len() != 2 {
        let text = "name two inputs, or split one with --by (see `why500 compare --help`)";
        return Err(Failure::Usage(text.to_owned()));
    }
    let mut options = args.read.options()?;
    // Each run has tokens of its own, and names must be equal on both sides. So the result is redacted.
    options.no_redact = true;
    let engine = args.read.engine(options)?;
    let stop = Arc::new(AtomicBool::new(false));
    watch_signals(&stop);
    let (comparison, reports) = match &args.by {
        Some(by) => of_one(args, by, &engine, &stop)?,
        None => of_two(args, &engine, &stop)?,
    };
    print(&redacted(comparison, args, &reports), args)
        .map(|exit| if reports.iter().any(|report| report.partial) { Exit::Interrupted } else { exit })
}

fn of_one(
    args: &CompareArgs,
    by: &By,
    engine: &Engine,
    stop: &Arc<AtomicBool>,
) -> Result<(Comparison, Vec<Report>), Failure> {
    if args.paths.is_empty() && io::stdin().is_terminal() {
        remark("reading standard input; pipe a log into it, or name files (see --help)");
    }
    let report = args.read.report(&args.paths, engine, stop)?;
    let (before, after, remarks) = split(&report, by).map_err(Failure::Usage)?;
    Ok((compare(&before, &after, remarks), vec![report]))
}

fn of_two(
    args: &CompareArgs,
    engine: &Engine,
    stop: &Arc<AtomicBool>,
) -> Result<(Comparison, Vec<Report>), Failure> {
    let mut sides = Vec::new();
    let mut reports = Vec::new();
    for path in &args.paths {
        let report = args.read.report(std::slice::from_ref(path), engine, stop)?;
        sides.push(Side::of(&path.to_string_lossy(), &report));
        reports.push(report);
    }
    match sides.as_slice() {
        [before, after] => Ok((compare(before, after, Vec::new()), reports)),
        _ => Err(Failure::NoInput),
    }
}

/// The comparison made safe to show. The key depends on the failed requests of both sides, unless one is given.
fn redacted(mut comparison: Comparison, args: &CompareArgs, reports: &[Report]) -> Comparison {
    let redactor = if args.read.run.no_redact {
        Redactor::off()
    } else if let Some(key) = &args.read.run.redact_key {
        Redactor::new(key.as_bytes())
    } else {
        let mut hasher = blake3::Hasher::new();
        for failure in reports.iter().flat_map(|report| &report.failures) {
            hasher.update(failure.correlation_id.as_deref().unwrap_or_default().as_bytes());
            hasher.update(failure.time.as_deref().unwrap_or_default().as_bytes());
            hasher.update(failure.incident.as_bytes());
        }
        Redactor::new(hasher.finalize().as_bytes())
    };
    comparison.redact(&|text| redactor.redact(&printable(text)).into_owned());
    comparison
}

fn print(comparison: &Comparison, args: &CompareArgs) -> Result<Exit, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match args.format {
        CompareFormat::Table => table::write(comparison, &table_options(&args.read.run), &mut out),
        CompareFormat::Json => comparison.write_json(&mut out),
    };
    written.and_then(|()| out.flush()).map_err(Failure::Output)?;
    let fails = args.fail_on.iter().any(|what| {
        let verdict = match what {
            FailOnChange::New => Verdict::New,
            FailOnChange::Worse => Verdict::Worse,
        };
        comparison.count(verdict) > 0
    });
    Ok(if fails { Exit::Found } else { Exit::Success })
}
