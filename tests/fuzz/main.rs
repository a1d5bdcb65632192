//! Mutated input for every room that reads bytes: no panic, the account closes, no split of the input shows, nothing
//! dangerous is printed. It runs on any toolchain: inputs are the samples and made-up logs, mutation is seeded, so a
//! number names a case.
//!
//! `FUZZ_SECONDS=600 cargo test --test fuzz [TARGET]` runs long, `FUZZ_SEED=n` begins elsewhere. A case that fails is
//! written to the folder for temporary files of the build; once mended it goes to `tests/fuzz/cases/`, which every target
//! reads first.

#[path = "../../benches/support/generate.rs"]
#[expect(dead_code, reason = "others use the rest of it")]
mod generate;
#[path = "../laws/inputs.rs"]
#[expect(dead_code, reason = "others use the rest of it")]
mod inputs;
mod mutate;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use inputs::Input;
use mutate::Mutator;

/// Seconds for each target where nothing else is said: part of every `cargo test`.
const SECONDS: u64 = 1;
/// Memory that all targets together may take, in kB.
const MOST_KB: u64 = 1 << 20;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What is mutated: regression cases come first and are run as they are, too.
fn seeds() -> (Vec<Input>, usize) {
    let mut cases = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/cases");
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        cases.push(Input { name: entry.file_name().to_string_lossy().into_owned(), bytes });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    let count = cases.len();
    cases.extend(inputs::generated());
    cases.extend(inputs::samples());
    (cases, count)
}

/// Runs a target until its time is over.
fn fuzz(target: &str, most_bytes: usize, property: impl Fn(&[u8], u64)) {
    let (seeds, cases) = seeds();
    let allowed = Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(SECONDS));
    let first = number("FUZZ_SEED").unwrap_or(0);
    let mutator = Mutator::new(&seeds, most_bytes);
    let begun = Instant::now();
    let mut slowest = (Duration::ZERO, 0);
    let mut runs = 0u64;
    while runs < cases as u64 || begun.elapsed() < allowed {
        let seed = first.wrapping_add(runs);
        let bytes = match seeds.get(runs as usize).filter(|_| runs < cases as u64) {
            Some(case) => case.bytes.clone(),
            None => mutator.make(seed),
        };
        let started = Instant::now();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| property(&bytes, seed))) {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{target}-{seed}"));
            std::fs::write(&path, &bytes).expect("the case can be written");
            eprintln!("{target}: case {seed} fails, see {}", path.display());
            std::panic::resume_unwind(panic);
        }
        slowest = slowest.max((started.elapsed(), seed));
        runs += 1;
    }
    eprintln!("{target}: {runs} cases, the slowest {:?} (seed {})", slowest.0, slowest.1);
    if let Some(kb) = peak_kb() {
        assert!(kb < MOST_KB, "{target}: {kb} kB");
    }
}

/// High-water mark of this process's memory in kB, where the system tells it.
fn peak_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn framing() {
    fuzz("framing", 8_000, targets::framing);
}

#[test]
fn detection() {
    fuzz("detection", 2_000, targets::detection);
}

#[test]
fn decoding() {
    fuzz("decoding", 2_000, targets::decoding);
}

#[test]
fn unpacking() {
    fuzz("unpacking", 4_000, targets::unpacking);
}

#[test]
fn archives() {
    fuzz("archives", 2_000, targets::archives);
}

#[test]
fn correlation() {
    fuzz("correlation", 6_000, targets::correlation);
}

#[test]
fn whole_run() {
    fuzz("whole_run", 6_000, targets::whole_run);
}

#[test]
fn time_is_linear() {
    fuzz("time_is_linear", 400, targets::linear);
}

#[cfg(feature = "gate")]
#[test]
fn gate() {
    fuzz("gate", 2_000, targets::gate);
}

#[cfg(feature = "gate")]
#[test]
fn transcript() {
    fuzz("transcript", 2_000, targets::transcript);
}
