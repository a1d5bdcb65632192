//! One test per folder `samples/<platform>/<case>/`: the exports in it are read as a user would read them, and the
//! report is held against the hand-written `truth.toml` and against the snapshot `report.txt`.
//!
//! A snapshot says what a reader sees, the truth says what is so. `UPDATE_SNAPSHOTS=1 cargo test --test samples`
//! rewrites the snapshots; nothing rewrites a truth.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use similar::{ChangeTag, TextDiff};

use why500::cli::args::Cli;
use why500::engine::run::Finished;
use why500::engine::{Engine, Options};
use why500::input::archive::{self, tar};
use why500::input::source::Stream;
use why500::input::unpack::Expand;
use why500::report::model::{Failure, Report, Source};
use why500::report::table::TableOptions;
use why500::report::{json, jsonl, table};

const TRUTH: &str = "truth.toml";
const SNAPSHOT: &str = "report.txt";
/// Columns of the snapshots.
const WIDTH: usize = 100;
/// Odd and small, so that lines, characters and JSON values are cut anywhere.
const SMALL_READ_BYTES: usize = 61;
const RENEW: &str = "if the new report is right: UPDATE_SNAPSHOTS=1 cargo test --test samples";

/// What the author of the exports put into them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Truth {
    /// What this export is, and what about it is invented.
    note: String,
    /// Options of the command line; `--top` too, but none that is about output.
    #[serde(default)]
    args: Vec<String>,
    total: u64,
    failed: u64,
    aborted: u64,
    incomplete: u64,
    /// Not checked where it is left out.
    unattributed: Option<u64>,
    /// How many incidents the failures make; not checked where it is left out.
    incidents: Option<usize>,
    /// Sources that cannot be read to their end.
    #[serde(default)]
    unreadable: usize,
    #[serde(default)]
    failed_request: Vec<FailedRequest>,
    /// Correlation IDs that must not be reported.
    #[serde(default)]
    healthy: Vec<String>,
    /// By file name.
    #[serde(default)]
    ledger: BTreeMap<String, Ledger>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FailedRequest {
    /// Left out where the log has none.
    id: Option<String>,
    class: String,
    /// Not checked where it is left out.
    cause: Option<String>,
    /// Left out where the log has none.
    status: Option<u16>,
    /// Not checked where it is left out.
    route: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ledger {
    frames: u64,
    decoded: u64,
    #[serde(default)]
    continuations: u64,
    #[serde(default)]
    duplicates: u64,
    #[serde(default)]
    ignored: u64,
    #[serde(default)]
    rejected: u64,
}

impl From<&Source> for Ledger {
    fn from(source: &Source) -> Ledger {
        Ledger {
            frames: source.frames,
            decoded: source.decoded,
            continuations: source.continuations,
            duplicates: source.duplicates,
            ignored: source.ignored,
            rejected: source.rejected,
        }
    }
}

/// The embedded rules, compiled once per thread count.
struct Engines {
    one_thread: Engine,
    four_threads: Engine,
}

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let folders = cases(&root);
    assert!(!folders.is_empty(), "no samples in {}", root.display());
    let engines = Arc::new(Engines { one_thread: engine(1), four_threads: engine(4) });
    let trials = folders
        .into_iter()
        .map(|folder| {
            let name = folder.strip_prefix(&root).unwrap_or(&folder).to_string_lossy().replace('\\', "/");
            let engines = Arc::clone(&engines);
            Trial::test(name, move || check(&folder, &engines))
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn engine(threads: usize) -> Engine {
    let mut engine = Engine::new().expect("the embedded rules load");
    engine.options.threads = threads;
    engine
}

/// The case folders, by name.
fn cases(root: &Path) -> Vec<PathBuf> {
    let folders = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        found.sort();
        found
    };
    folders(root).iter().flat_map(|platform| folders(platform)).collect()
}

fn check(folder: &Path, engines: &Engines) -> Result<(), Failed> {
    let text = fs::read_to_string(folder.join(TRUTH)).map_err(|error| format!("{TRUTH}: {error}"))?;
    let truth: Truth = toml::from_str(&text).map_err(|error| format!("{TRUTH}: {error}"))?;
    let cli = Cli::try_parse_from(std::iter::once("why500").chain(truth.args.iter().map(String::as_str)))
        .map_err(|error| format!("{TRUTH}: args: {error}"))?;
    let finished = if truth.args.is_empty() {
        read(folder, &engines.one_thread, usize::MAX)?
    } else {
        read(folder, &engine_of(&cli, 1)?, usize::MAX)?
    };
    let mut problems = Vec::new();
    check_truth(&truth, &finished, &mut problems);
    let options = TableOptions { width: WIDTH, colour: false, top: cli.triage.top };
    let page = printed(&finished.report, &options);
    if truth.args.is_empty() {
        let again = read(folder, &engines.four_threads, SMALL_READ_BYTES)?;
        let (one, four) = (&finished.report, &again.report);
        if printed_everything(four, &options) != printed_everything(one, &options) {
            let diff = line_diff(&page, &printed(four, &options));
            problems.push(format!("four threads and small reads give another report:\n{diff}"));
        }
    }
    check_snapshot(folder, &page, &mut problems)?;
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n  {}\n", truth.note.trim(), problems.join("\n  ")).into())
}

fn engine_of(cli: &Cli, threads: usize) -> Result<Engine, String> {
    let args = &cli.triage;
    let options = Options { threads, ..args.options()? };
    Engine::with_rules(&args.rules, options).map_err(|error| error.to_string())
}

/// Hands out at most so many bytes at a time.
struct Slow<R>(R, usize);

impl<R: Read> Read for Slow<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = out.len().min(self.1);
        self.0.read(&mut out[..count])
    }
}

/// Reads every file of the case under its name in the folder, at most `read_bytes` at a time.
fn read(folder: &Path, engine: &Engine, read_bytes: usize) -> Result<Finished, String> {
    let mut streams = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == TRUTH || name == SNAPSHOT {
            continue;
        }
        if let Some(listing) = archive::list(&entry.path(), Expand::default(), &mut tar::HOLD_BYTES.clone()) {
            for member in listing.members {
                let name = format!("{name}:{}", member.path);
                let opened = member
                    .open(Expand::default())
                    .and_then(|file| Stream::from_reader(Box::new(Slow(file, read_bytes)), &name, None));
                streams.push((name.clone(), opened.map_err(|error| format!("{name}: {error}"))?));
            }
            continue;
        }
        let file = File::open(entry.path()).map_err(|error| format!("{name}: {error}"))?;
        let stream = Stream::from_reader(Box::new(Slow(file, read_bytes)), &name, None);
        streams.push((name.clone(), stream.map_err(|error| format!("{name}: {error}"))?));
    }
    Ok(engine.run_streams(streams, &Arc::default(), &mut ()))
}

fn check_truth(truth: &Truth, finished: &Finished, problems: &mut Vec<String>) {
    let report = &finished.report;
    let mut equal = |what: &str, is: u64, should: u64| {
        if is != should {
            problems.push(format!("{what}: {is}, should be {should}"));
        }
    };
    equal("total", report.requests.total, truth.total);
    equal("failed", report.requests.failed, truth.failed);
    equal("aborted", report.requests.aborted, truth.aborted);
    equal("incomplete", report.requests.incomplete, truth.incomplete);
    if let Some(unattributed) = truth.unattributed {
        equal("unattributed", report.requests.unattributed, unattributed);
    }
    if let Some(incidents) = truth.incidents {
        equal("incidents", report.incidents.len() as u64, incidents as u64);
    }
    equal("unreadable sources", finished.errors.len() as u64, truth.unreadable as u64);
    equal("[[failed_request]] tables", truth.failed_request.len() as u64, truth.failed);
    check_failures(truth, &report.failures, problems);
    for source in &report.sources {
        let entry = Ledger::from(source);
        let accounted =
            entry.decoded + entry.continuations + entry.duplicates + entry.ignored + entry.rejected;
        if entry.frames != accounted {
            problems.push(format!("{}: the ledger does not close: {entry:?}", source.name));
        }
    }
    for (name, should) in &truth.ledger {
        match report.sources.iter().find(|source| source.name == *name) {
            Some(source) if Ledger::from(source) == *should => {}
            Some(source) => {
                let is = Ledger::from(source);
                problems.push(format!("{name} ({}): {is:?}, should be {should:?}", source.format));
            }
            None => problems.push(format!("{name}: no such source")),
        }
    }
}

/// Every failed request of the truth takes one of the report's; what is left over on either side is a problem.
fn check_failures(truth: &Truth, failures: &[Failure], problems: &mut Vec<String>) {
    let mut left: Vec<&Failure> = failures.iter().collect();
    for should in &truth.failed_request {
        let same_id = |is: &&Failure| is.correlation_id == should.id;
        // Without an ID, whichever fits; then whichever is there, to say what differs.
        let found = left
            .iter()
            .position(|is| same_id(is) && differences(should, is).is_empty())
            .or_else(|| left.iter().position(|is| should.id.is_some() && same_id(is)));
        match found.map(|at| left.swap_remove(at)) {
            Some(is) => problems.extend(
                differences(should, is)
                    .iter()
                    .map(|difference| format!("{}: {difference}", label(&should.id))),
            ),
            None => problems.push(format!("not reported: {should:?}")),
        }
    }
    for id in &truth.healthy {
        if failures.iter().any(|failure| failure.correlation_id.as_ref() == Some(id)) {
            problems.push(format!("{id}: reported, but is healthy"));
        }
    }
    for is in left {
        problems.push(format!(
            "reported, but not in the truth: {} {} cause {} status {:?} route {}",
            label(&is.correlation_id),
            is.class,
            is.cause.as_deref().unwrap_or("none"),
            is.status,
            is.route.as_deref().unwrap_or("none"),
        ));
    }
}

fn label(id: &Option<String>) -> &str {
    id.as_deref().unwrap_or("a request without an ID")
}

fn differences(should: &FailedRequest, is: &Failure) -> Vec<String> {
    let mut found = Vec::new();
    if is.class.as_str() != should.class {
        let cause = is.cause.as_deref().unwrap_or("no cause");
        found.push(format!("class {} ({cause}), should be {}", is.class, should.class));
    }
    if should.cause.is_some() && is.cause != should.cause {
        found.push(format!("cause {:?}, should be {:?}", is.cause, should.cause));
    }
    if is.status != should.status {
        found.push(format!("status {:?}, should be {:?}", is.status, should.status));
    }
    if should.route.is_some() && is.route != should.route {
        found.push(format!("route {:?}, should be {:?}", is.route, should.route));
    }
    found
}

fn printed(report: &Report, options: &TableOptions) -> String {
    let mut page = Vec::new();
    table::write(report, options, &mut page).expect("writing to memory");
    String::from_utf8(page).expect("a report is UTF-8")
}

fn printed_everything(report: &Report, options: &TableOptions) -> String {
    let mut out = Vec::new();
    json::write(report, &mut out).expect("writing to memory");
    jsonl::write(report, &mut out).expect("writing to memory");
    printed(report, options) + &String::from_utf8_lossy(&out)
}

fn check_snapshot(folder: &Path, page: &str, problems: &mut Vec<String>) -> Result<(), String> {
    let path = folder.join(SNAPSHOT);
    let before = fs::read_to_string(&path).unwrap_or_default();
    if before == page {
        return Ok(());
    }
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        return fs::write(&path, page).map_err(|error| format!("{SNAPSHOT}: {error}"));
    }
    problems.push(format!("{SNAPSHOT} differs (- snapshot, + now); {RENEW}\n{}", line_diff(&before, page)));
    Ok(())
}

fn line_diff(before: &str, now: &str) -> String {
    let diff = TextDiff::from_lines(before, now);
    let changed = diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal);
    changed.map(|change| format!("    {}{}", change.tag(), change.to_string_lossy())).collect()
}
