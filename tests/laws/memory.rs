//! Too little memory: with a folder for what does not fit nothing is lost; without one the report says what was, and the
//! account closes all the same.

use std::path::Path;

use why500::engine::{Engine, Options};
use why500::report::model::Report;

use crate::generate::Format;
use crate::inputs::{Input, file, generated, records, samples};
use crate::support::{Pieces, assert_same, engine, findings, printed, run, run_pieces, with_options};

/// A little memory, and so little that hardly one request fits.
const LITTLE: [usize; 2] = [64 * 1024, 1024];

fn little(memory_bytes: usize, spill: Option<&Path>, threads: usize) -> Engine {
    let spill_dir = spill.map(Path::to_owned);
    with_options(Options { threads, memory_bytes: Some(memory_bytes), spill_dir, ..Options::default() })
}

/// Made-up inputs that span so much time that most requests are let go.
fn long() -> Vec<Input> {
    let formats = Format::ALL.into_iter();
    formats
        .map(|format| {
            let all = records(format, 21, 400_000);
            Input { name: format!("long-{}.log", format.name()), bytes: file(format, &all) }
        })
        .collect()
}

#[test]
fn with_files_for_what_does_not_fit_nothing_is_lost() {
    let dir = tempfile::tempdir().expect("a folder");
    for memory_bytes in LITTLE {
        let tight = little(memory_bytes, Some(dir.path()), 1);
        for input in generated().into_iter().chain(long()).chain(samples()) {
            let all = run(engine(1), &[(&input.name, &input.bytes)]);
            let again = run(&tight, &[(&input.name, &input.bytes)]);
            let what = format!("{} in {memory_bytes} bytes", input.name);
            assert_same(&printed(&all).0, &printed(&again).0, &what);
            assert_same(&findings(&all), &findings(&again), &what);
        }
    }
    assert_eq!(std::fs::read_dir(dir.path()).expect("the folder").count(), 0, "nothing is left behind");
}

/// Records of requests that were let go long ago, and of requests that are on disk.
#[test]
fn with_files_late_records_find_what_was_decided() {
    let dir = tempfile::tempdir().expect("a folder");
    let tight = little(1024, Some(dir.path()), 1);
    for format in [Format::Vercel, Format::CloudWatch] {
        let once = file(format, &records(format, 22, 300_000));
        let expected = findings(&run(engine(1), &[("once.log", &once)]));
        let all = records(format, 22, 300_000);
        let end_to_end: Vec<&String> = all.iter().chain(&all).collect();
        let again = run(&tight, &[("again.log", &file(format, &end_to_end))]);
        assert!(again.requests.exact);
        assert_same(&expected, &findings(&again), &format!("{format:?}, all records twice"));
        let (one, two) = (file(format, &all[..all.len() / 2]), file(format, &all[all.len() / 3..]));
        let parts = run(&tight, &[("a.log", &two), ("b.log", &one)]);
        assert_same(&expected, &findings(&parts), &format!("{format:?}, two files that overlap"));
    }
}

fn whole(report: &Report) -> String {
    let (json, jsonl) = printed(report);
    format!("{json}{jsonl}{:?}", report.traffic.whole)
}

#[test]
fn without_files_the_report_says_what_was_lost() {
    let (mut forgotten, mut cut) = (0, 0);
    for memory_bytes in LITTLE {
        let engines = [1, 2, 4].map(|threads| little(memory_bytes, None, threads));
        for input in generated().into_iter().chain(long()).chain(samples()) {
            let all = run(engine(1), &[(&input.name, &input.bytes)]);
            let report = run(&engines[0], &[(&input.name, &input.bytes)]);
            let what = format!("{} in {memory_bytes} bytes", input.name);
            let (had, have) = (&all.requests, &report.requests);
            // Other IDs of requests may be forgotten too.
            let ids = report.remarks.iter().any(|text| text.contains(" forgotten which request "));
            assert_eq!(have.exact, have.forgotten == 0 && !ids, "{what}");
            assert!(have.total >= had.total && have.failed >= had.failed, "{what}: {had:?}, {have:?}");
            if have.exact {
                assert_eq!(had.total, have.total, "{what}");
            } else {
                let requests = report.remarks.iter().any(|text| text.contains(" forgotten; "));
                assert_eq!(requests, have.forgotten > 0, "{what}");
            }
            assert_eq!(
                report.traffic.intervals.iter().map(|one| one.requests).sum::<u64>(),
                have.total,
                "{what}"
            );
            forgotten += have.forgotten;
            cut += u64::from(report.remarks.iter().any(|text| text.contains("most telling lines")));
            for tight in &engines[1..] {
                let again = run(tight, &[(&input.name, &input.bytes)]);
                assert_same(&whole(&report), &whole(&again), &format!("{what}, more threads"));
            }
            if input.bytes.len() < 32 * 1024 {
                let pieces = run_pieces(&engines[0], &input.name, Pieces::random(&input.bytes, 5));
                assert_same(&whole(&report), &whole(&pieces), &format!("{what}, in pieces"));
            }
        }
    }
    assert!(forgotten > 1_000 && cut > 10, "{forgotten} requests were forgotten, {cut} runs cut lines");
}

#[test]
fn a_disk_that_fails_ends_no_run() {
    let dir = tempfile::tempdir().expect("a folder");
    let tight = little(1024, Some(&dir.path().join("missing")), 1);
    let input = long().remove(0);
    let report = run(&tight, &[(&input.name, &input.bytes)]);
    assert!(!report.requests.exact && report.requests.forgotten > 0);
    assert!(report.remarks.iter().any(|text| text.contains("--spill")), "{:?}", report.remarks);
}
