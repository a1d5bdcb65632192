//! What a run takes beside other programs on the same bytes, as ratios within one run, and only if what it found equals
//! what the generator made: `cargo bench --bench compare -- --size 1GiB --runs 5`. Prints Markdown.

#[path = "support/generate.rs"]
mod generate;
#[path = "support/process.rs"]
mod process;

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use generate::{Endless, Format, Generator, Truth};
use process::{Cost, Program, median};

/// The program that is measured.
const OURS: &str = env!("CARGO_BIN_EXE_why500");
/// Words that somebody might look for instead.
const WORDS: [&str; 25] = [
    "ECONNREFUSED",
    "ETIMEDOUT",
    "ECONNRESET",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ERR_MODULE_NOT_FOUND",
    "Cannot find module",
    "Environment variable not found",
    "pg_hba.conf",
    "remaining connection slots",
    "P2024",
    "P1001",
    "self-signed certificate",
    "Task timed out",
    "heap out of memory",
    "FUNCTION_INVOCATION_FAILED",
    "too many connections",
    "password authentication failed",
    "TypeError",
    "ReferenceError",
    "SyntaxError",
    "Runtime.ImportModuleError",
    "certificate has expired",
    "504 Gateway",
    "MaxRetriesPerRequest",
];

/// What was asked for.
struct Plan {
    size_bytes: u64,
    runs: usize,
    formats: Vec<Format>,
    folder: PathBuf,
}

/// A generated file.
struct Input {
    format: Format,
    path: PathBuf,
    truth: Truth,
}

fn main() -> ExitCode {
    let plan = match plan(std::env::args().skip(1)) {
        Ok(Some(plan)) => plan,
        // A bare `cargo bench` or `cargo test --benches` runs this too: without a size there is nothing to do.
        Ok(None) => return ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("compare: {problem}\noptions: --size NMiB|NGiB  --runs N  --format NAME  --folder DIR");
            return ExitCode::from(2);
        }
    };
    match compare(&plan) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("compare: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn plan(mut arguments: impl Iterator<Item = String>) -> Result<Option<Plan>, String> {
    let mut plan = Plan {
        size_bytes: 0,
        runs: 5,
        formats: Format::ALL.to_vec(),
        folder: std::env::temp_dir().join("why500-bench"),
    };
    while let Some(name) = arguments.next() {
        if name == "--bench" {
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--size" => plan.size_bytes = generate::size(&value)?,
            "--runs" => plan.runs = value.parse().map_err(|_| format!("--runs {value}: not a number"))?,
            "--folder" => plan.folder = PathBuf::from(value),
            "--format" => {
                let found = Format::ALL.into_iter().find(|format| format.name() == value);
                plan.formats = vec![found.ok_or_else(|| format!("no format is called `{value}`"))?];
            }
            _ => return Err(format!("what is {name}?")),
        }
    }
    Ok((plan.size_bytes > 0).then_some(plan))
}

fn compare(plan: &Plan) -> io::Result<()> {
    fs::create_dir_all(&plan.folder)?;
    machine();
    println!(
        "\nInputs of {} MiB, {} runs each in turn, medians; `÷ wc` is wall time pair by pair.\n",
        plan.size_bytes >> 20,
        plan.runs
    );
    println!("| input | program | wall s | ÷ `wc -l` | CPU s | peak MiB |\n|---|---|---:|---:|---:|---:|");
    for format in &plan.formats {
        rows(plan, *format)?;
    }
    start_up(plan)
}

/// All programs on one format.
fn rows(plan: &Plan, format: Format) -> io::Result<()> {
    let input = make(plan, format, 5, plan.size_bytes)?;
    check(&input)?;
    let file = input.path.as_path();
    let label = format!("{}, 0.5 % failing", format.name());
    let words: Vec<&str> = WORDS.iter().flat_map(|word| ["-e", *word]).collect();
    let ours = |threads: &str| Program::new(OURS).args(["--threads", threads, "--format", "json"]);
    let measure = |name: &str, program: Program| row(plan, &label, name, program, file);
    let one = measure("why500, 1 thread", ours("1").path(file))?;
    let two = measure("why500, 2 threads", ours("2").path(file))?;
    let piped = measure("why500, 1 thread, from a pipe", ours("1").piped(file))?;
    let searched =
        measure("`rg -c`, 25 words", Program::new("rg").args(["-c", "-F"]).args(words).path(file))?;
    measure(
        "`jq`, filter only",
        Program::new("jq")
            .args(["-c", "select(.statusCode? // .proxy?.statusCode? // 0 | tonumber? // 0 >= 500)"])
            .path(file),
    )?;

    let failing = make(plan, format, 100, plan.size_bytes)?;
    check(&failing)?;
    let tenth = row(
        plan,
        &format!("{}, 10 % failing", format.name()),
        "why500, 1 thread",
        ours("1").path(&failing.path),
        &failing.path,
    )?;

    let small = make(plan, format, 5, plan.size_bytes / 8)?;
    let eighth = row(
        plan,
        &format!("{}, an eighth", format.name()),
        "why500, 1 thread",
        ours("1").path(&small.path),
        &small.path,
    )?;
    gzip(plan, &input, &label)?;

    let Some(one) = one else { return Ok(()) };
    let ratio = |name: &str, other: Option<Cost>, invert: bool| {
        if let Some(other) = other {
            let ratio = other.wall_s / one.wall_s;
            println!("| {label} | {name} | | {:.2} | | |", if invert { 1.0 / ratio } else { ratio });
        }
    };
    ratio("*2 threads ÷ 1*", two, false);
    ratio("*pipe ÷ file*", piped, false);
    ratio("*why500 ÷ `rg -c`*", searched, true);
    ratio("*10 % ÷ 0.5 % failing*", tenth, false);
    if let Some(eighth) = eighth {
        println!(
            "| {label} | *time per byte ÷ that of an eighth* | | {:.2} | | {:.2} |",
            one.wall_s / 8.0 / eighth.wall_s,
            one.peak_mib / eighth.peak_mib
        );
    }
    Ok(())
}

/// One program beside `wc -l`; nothing is printed of one that is not installed.
fn row(plan: &Plan, label: &str, name: &str, program: Program, file: &Path) -> io::Result<Option<Cost>> {
    let counter = Program::new("wc").args(["-l"]).path(file);
    let (mut costs, mut ratios) = (Vec::new(), Vec::new());
    program.run().ok();
    for _ in 0..plan.runs {
        let Ok(cost) = program.run() else { return Ok(None) };
        let counted = counter.run()?;
        ratios.push(cost.wall_s / counted.wall_s);
        costs.push(cost);
    }
    let cost = Cost::median(&costs);
    println!(
        "| {label} | {name} | {:.3} | {:.2} | {:.3} | {:.0} |",
        cost.wall_s,
        median(ratios),
        cost.cpu_s,
        cost.peak_mib
    );
    io::stdout().flush()?;
    Ok(Some(cost))
}

/// Compressed input beside the decoder alone, in this process.
fn gzip(plan: &Plan, input: &Input, label: &str) -> io::Result<()> {
    let packed = input.path.with_extension("gz");
    if !packed.exists() {
        let mut encoder = flate2::write::GzEncoder::new(
            BufWriter::new(File::create(&packed)?),
            flate2::Compression::new(6),
        );
        io::copy(&mut File::open(&input.path)?, &mut encoder)?;
        encoder.finish()?.flush()?;
    }
    let alone = || -> io::Result<f64> {
        let begun = Instant::now();
        let mut decoder = flate2::read::MultiGzDecoder::new(File::open(&packed)?);
        let mut buffer = vec![0; 256 << 10];
        while decoder.read(&mut buffer)? > 0 {}
        Ok(begun.elapsed().as_secs_f64())
    };
    let ours = Program::new(OURS).args(["--threads", "2", "--format", "json"]).path(&packed);
    let (mut costs, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..plan.runs.min(3) {
        let cost = ours.run()?;
        ratios.push(cost.wall_s / alone()?);
        costs.push(cost);
    }
    let cost = Cost::median(&costs);
    println!(
        "| {label}, gzip | why500, 2 threads; ÷ the decoder alone | {:.3} | {:.2} | {:.3} | {:.0} |",
        cost.wall_s,
        median(ratios),
        cost.cpu_s,
        cost.peak_mib
    );
    Ok(())
}

/// A run on one line.
fn start_up(plan: &Plan) -> io::Result<()> {
    let path = plan.folder.join("one-line.log");
    fs::write(&path, "Error: connect ECONNREFUSED 10.0.3.17:5432\n")?;
    let program = Program::new(OURS).args(["--threads", "1"]).path(&path);
    let costs: Vec<Cost> = (0..plan.runs.max(11)).map(|_| program.run()).collect::<io::Result<_>>()?;
    let cost = Cost::median(&costs);
    println!("| one line | why500 | {:.4} | | {:.4} | {:.0} |", cost.wall_s, cost.cpu_s, cost.peak_mib);
    Ok(())
}

/// Writes a log, unless an earlier run left it.
fn make(plan: &Plan, format: Format, failed_per_mille: u64, size_bytes: u64) -> io::Result<Input> {
    let name = format!("{}-{failed_per_mille}-{size_bytes}.log", format.name());
    let path = plan.folder.join(name);
    let mut log = Endless::new(Generator::new(format, 1, failed_per_mille).in_flight(200), size_bytes);
    if path.exists() {
        io::copy(&mut log, &mut io::sink())?;
    } else {
        io::copy(&mut log, &mut BufWriter::with_capacity(1 << 20, File::create(&path)?))?;
    }
    // Into the page cache.
    io::copy(&mut File::open(&path)?, &mut io::sink())?;
    Ok(Input { format, path, truth: log.truth().clone() })
}

/// Whether the report says what was made: requests in all, failed ones, by class and by route.
fn check(input: &Input) -> io::Result<()> {
    let output = std::process::Command::new(OURS).args(["--format", "json"]).arg(&input.path).output()?;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let mut seen =
        Truth { requests: report["requests"]["total"].as_u64().unwrap_or_default(), ..Truth::default() };
    for incident in report["incidents"].as_array().into_iter().flatten() {
        for class in input.truth.classes.keys() {
            if incident["class"].as_str() == Some(class) {
                *seen.classes.entry(class).or_default() += incident["requests"].as_u64().unwrap_or_default();
            }
        }
        for route in incident["routes"].as_array().into_iter().flatten() {
            for name in input.truth.routes.keys() {
                if route["route"].as_str() == Some(name) {
                    *seen.routes.entry(name).or_default() += route["requests"].as_u64().unwrap_or_default();
                }
            }
        }
    }
    if matches!(input.format, Format::CloudWatch | Format::CloudWatchText) {
        // Lambda's own lines name no route.
        seen.routes.clone_from(&input.truth.routes);
    }
    if seen == input.truth {
        return Ok(());
    }
    Err(io::Error::other(format!("{}: made {:?}, found {seen:?}", input.path.display(), input.truth)))
}

/// The machine and the programs.
fn machine() {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let memory = read("/proc/meminfo");
    println!(
        "- machine: {} ×{}, {}",
        std::thread::available_parallelism().map_or(1, usize::from),
        model.trim_start_matches([' ', '\t', ':']),
        memory.lines().next().unwrap_or_default()
    );
    println!("- system: {}", read("/proc/version").split('(').next().unwrap_or_default().trim());
    for (program, flag) in
        [(OURS, "--version"), ("wc", "--version"), ("rg", "--version"), ("jq", "--version")]
    {
        if let Ok(output) = std::process::Command::new(program).arg(flag).output() {
            println!("- {}", String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default());
        }
    }
}
