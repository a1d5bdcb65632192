//! `why500 verify DIR`: checks a bundle and prints what differs.

use super::args::VerifyArgs;
use super::exit::{Exit, Failure, print};
use crate::postmortem::verify::{Check, State, What, verify};
use crate::redact::printable::single_line;
use crate::report::layout::{cut, width};
use crate::report::words;

/// Names of the columns.
const HEADER: [&str; 4] = ["WHAT", "STATE", "EXPECTED", "FOUND"];
/// Widest cell, in columns; only the last one may be wider.
const MAX_COLUMNS: usize = 60;
/// Rows of one kind that are shown.
const MAX_ROWS: usize = 50;

/// Checks and prints; [`Exit::Found`] if anything differs.
pub fn run(args: &VerifyArgs) -> Result<Exit, Failure> {
    let checks = verify(&args.dir, &args.sources).map_err(|error| Failure::NoBundle(error.to_string()))?;
    let fails = checks.iter().any(Check::fails);
    print(page(&checks, fails).as_bytes())?;
    Ok(if fails { Exit::Found } else { Exit::Success })
}

fn page(checks: &[Check], fails: bool) -> String {
    let mut out = String::new();
    let odd: Vec<&Check> = checks.iter().filter(|check| check.fails()).collect();
    let (shown, more) = odd.split_at(odd.len().min(MAX_ROWS));
    if !shown.is_empty() {
        out.push_str(&table(shown));
        if !more.is_empty() {
            out.push_str(&format!("and {} more\n", words::count(more.len() as u64)));
        }
        out.push('\n');
    }
    for what in [What::File, What::Source, What::Line, What::Text] {
        out.push_str(&sum(checks, what));
    }
    // Why something was not checked is said once for each file and source, and once for all texts.
    let unchecked =
        |what: What| checks.iter().filter(move |one| one.what == what && one.state == State::Unchecked);
    for check in unchecked(What::File).chain(unchecked(What::Source)) {
        out.push_str(&single_line(&format!("not checked: {}: {}", check.name, check.found)));
        out.push('\n');
    }
    if let Some(check) = unchecked(What::Text).next() {
        out.push_str(&single_line(&format!("not checked: cited texts: {}", check.found)));
        out.push('\n');
    }
    out.push_str(match fails {
        true => "This bundle is not what was written, or its sources are not what was read.\n",
        false => "Nothing differs.\n",
    });
    out
}

/// One line on all checks of a kind.
fn sum(checks: &[Check], what: What) -> String {
    let count =
        |state: State| checks.iter().filter(|one| one.what == what && one.state == state).count() as u64;
    let name = match what {
        What::File => "files",
        What::Source => "sources",
        What::Line => "cited lines",
        What::Text => "cited texts",
    };
    let mut parts = vec![format!("{} as recorded", words::count(count(State::Same)))];
    for (state, word) in
        [(State::Differs, "differ"), (State::Missing, "missing"), (State::Unchecked, "not checked")]
    {
        if count(state) > 0 {
            parts.push(format!("{} {word}", words::count(count(state))));
        }
    }
    format!("{name:<12} {}\n", parts.join(", "))
}

fn table(checks: &[&Check]) -> String {
    let cell = |text: &str| cut(&single_line(text), MAX_COLUMNS).into_owned();
    let rows: Vec<[String; 4]> = checks
        .iter()
        .map(|check| {
            let state = if check.state == State::Missing { "missing" } else { "differs" };
            let found = single_line(&check.found).into_owned();
            [cell(&check.name), state.to_owned(), cell(&check.expected), found]
        })
        .collect();
    let widest = |column: usize| {
        let cells = rows.iter().map(|row| width(&row[column]));
        cells.chain([width(HEADER[column])]).max().unwrap_or_default()
    };
    let widths = [widest(0), widest(1), widest(2), 0];
    let mut out = String::new();
    for row in std::iter::once(HEADER.map(str::to_owned)).chain(rows) {
        let mut line = String::new();
        for (text, columns) in row.iter().zip(widths) {
            line.push_str(text);
            line.push_str(&" ".repeat(columns.saturating_sub(width(text)) + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
