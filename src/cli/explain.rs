//! `why500 explain ID PATH...`: one request in full.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::{ExplainArgs, ExplainFormat};
use super::exit::{Exit, Failure, remark};
use super::triage::{table_options, watch_signals};
use crate::engine::explain::Explained;
use crate::input::source;
use crate::report::{explain, explanation};

/// Reads, finds the request, prints. An ID that is not there ends with [`Exit::Found`]: the input was read, and what was
/// asked for is not so.
pub fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let engine = args.read.engine(args.read.options()?)?;
    if args.paths.is_empty() && io::stdin().is_terminal() {
        remark("reading standard input; pipe a log into it, or name files (see --help)");
    }
    let stop = Arc::new(AtomicBool::new(false));
    watch_signals(&stop);
    let explained =
        engine.explain(source::find_within(&args.paths, args.read.run.expand()), &args.id, &stop, &mut ());
    for error in &explained.errors {
        remark(&error.to_string());
    }
    if explained.read == 0 {
        return Err(Failure::NoInput);
    }
    let Some(request) = &explained.explanation else {
        remark(&not_there(&args.id, &explained));
        return Ok(Exit::Found);
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
fn not_there(id: &str, explained: &Explained) -> String {
    let near = explained.near.join(", ");
    match (explained.found, explained.near.is_empty()) {
        (0, true) => format!(
            "no request in this input has the ID `{id}`, and none resembles it; `why500 --format jsonl PATH...` lists the IDs of all failed requests"
        ),
        (0, false) => format!("no request in this input has the ID `{id}`; near it: {near}"),
        (count, _) => format!("{count} requests have an ID that ends with `{id}`; name one in full: {near}"),
    }
}
