//! Every sample damaged: cut off anywhere, and with bytes that changed. The account closes, nothing panics, and a cut
//! invents no failure: a request fails in the beginning of an export only if it fails in the whole, or if what made it
//! healthy was cut away.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use why500::report::model::Report;

use crate::generate::Random;
use crate::inputs::{Input, samples};
use crate::support::{assert_closes, engine, run};

/// Places at which a sample is cut.
const CUTS: usize = 20;
/// Variants with changed bytes.
const FLIPPED: u64 = 4;
/// Larger samples are damaged in fewer places.
const LARGE_BYTES: usize = 64 * 1024;

/// Samples that are not packed: a damaged archive is not read to its end, and says so.
fn plain_samples() -> impl Iterator<Item = Input> {
    let packed = |name: &str| [".gz", ".zst", ".zip", ".tar", ".tgz"].iter().any(|end| name.ends_with(end));
    samples().into_iter().filter(move |input| !input.bytes.is_empty() && !packed(&input.name))
}

/// Failed requests with an ID, and their statuses.
fn failed(report: &Report) -> BTreeMap<String, Option<u16>> {
    let with_id = report.failures.iter().filter_map(|one| Some((one.correlation_id.clone()?, one.status)));
    with_id.collect()
}

#[test]
fn every_sample_survives_cuts() {
    for input in plain_samples() {
        let whole = run(engine(1), &[(&input.name, &input.bytes)]);
        let known = failed(&whole);
        let cuts = if input.bytes.len() > LARGE_BYTES { CUTS / 4 } else { CUTS };
        for nth in 1..cuts {
            // Off the line ends: in the middle of an entry.
            let end = input.bytes.len() * nth / cuts;
            let part = &input.bytes[..end];
            let report = run(engine(1), &[(&input.name, part)]);
            for (id, status) in failed(&report) {
                // What is cut away may have been the answer, or the rest of the ID.
                let answered_later = holds(&input.bytes[end.saturating_sub(4096)..], id.as_bytes());
                assert!(
                    known.contains_key(&id) || answered_later || part.ends_with(id.as_bytes()),
                    "{} cut at {end}: {id} failed with {status:?}, and in the whole it did not",
                    input.name
                );
            }
            assert!(
                report.requests.failed <= whole.requests.failed + 1,
                "{} cut at {end}: {:?}, in the whole {:?}",
                input.name,
                report.requests,
                whole.requests
            );
        }
    }
}

/// Whether bytes hold others.
fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len().max(1)).any(|window| window == part)
}

#[test]
fn every_sample_survives_changed_bytes() {
    for input in plain_samples() {
        for seed in 0..FLIPPED {
            let mut random = Random::new(seed);
            let mut bytes = input.bytes.clone();
            for _ in 0..1 + bytes.len() / 512 {
                let at = random.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << random.below(8);
            }
            assert_closes(&run(engine(1), &[(&input.name, &bytes)]));
        }
    }
}

/// Folders below `samples/` that hold a case.
fn cases(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    if entries.iter().any(|path| path.ends_with("truth.toml")) {
        out.push(dir.to_path_buf());
    } else {
        entries.iter().filter(|path| path.is_dir()).for_each(|path| cases(path, out));
    }
}

#[test]
fn every_folder_of_samples_is_a_case_with_an_export() {
    let mut found = Vec::new();
    cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"), &mut found);
    assert!(found.len() > 100, "{}", found.len());
    for dir in &found {
        let exports = fs::read_dir(dir).expect("a folder").filter(|entry| {
            let name = entry.as_ref().expect("an entry").file_name();
            !["truth.toml", "report.txt", "report.json"].iter().any(|other| name == *other)
        });
        assert!(exports.count() > 0, "{} holds no export", dir.display());
    }
}
