//! Whole runs: pieces, threads, files, order, repetition.

use proptest::prelude::*;

use crate::generate::{Format, Random};
use crate::inputs::{file, generated, records, samples};
use crate::support::{Pieces, assert_same, engine, findings, printed, run, run_pieces};

#[test]
fn the_made_up_inputs_hold_what_they_are_made_for() {
    for input in generated() {
        let report = run(engine(1), &[(&input.name, &input.bytes)]);
        let totals = &report.requests;
        assert!(totals.total > 10 && totals.failed > 2, "{}: {totals:?}", input.name);
        assert!(report.incidents.iter().any(|incident| incident.cause.is_some()), "{}", input.name);
        assert!(report.sources[0].rejected == 0, "{:?}", report.sources);
    }
}

#[test]
fn pieces_of_any_size_give_the_same_bytes() {
    for input in generated().into_iter().chain(samples()) {
        let (json, jsonl) = printed(&run(engine(1), &[(&input.name, &input.bytes)]));
        let sizes: &[usize] = if input.bytes.len() > 32 * 1024 { &[61] } else { &[1, 2, 3, 7, 16, 61, 64] };
        let pieces = sizes.iter().map(|size| Pieces::of(&input.bytes, *size));
        for (index, pieces) in pieces.chain([Pieces::random(&input.bytes, 9)]).enumerate() {
            let what = format!("{} in pieces ({index})", input.name);
            let (json_in_pieces, jsonl_in_pieces) = printed(&run_pieces(engine(1), &input.name, pieces));
            assert_same(&json, &json_in_pieces, &what);
            assert_same(&jsonl, &jsonl_in_pieces, &what);
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let mut inputs = generated();
    inputs.extend(samples());
    for format in crate::inputs::RECORDS {
        let bytes = file(format, &records(format, 3, 700_000));
        inputs.push(crate::inputs::Input { name: format!("large-{}", format.name()), bytes });
    }
    for input in inputs {
        let one = printed(&run(engine(1), &[(&input.name, &input.bytes)]));
        for threads in [2, 4] {
            let more = printed(&run(engine(threads), &[(&input.name, &input.bytes)]));
            assert_same(&one.0, &more.0, &format!("{} with {threads} threads", input.name));
            assert_same(&one.1, &more.1, &format!("{} with {threads} threads", input.name));
        }
    }
}

/// Several sources at once, each in pieces: which of them is read when must not show.
#[test]
fn pieces_of_several_sources_give_the_same_bytes() {
    for format in crate::inputs::RECORDS {
        let all = records(format, 4, 24_000);
        let parts: Vec<Vec<u8>> = all.chunks(all.len().div_ceil(3)).map(|part| file(format, part)).collect();
        let names = ["a.log", "b.log", "c.log"];
        let whole: Vec<(&str, &[u8])> = names.iter().copied().zip(parts.iter().map(Vec::as_slice)).collect();
        let (json, jsonl) = printed(&run(engine(1), &whole));
        for seed in 0..4 {
            let readers = whole
                .iter()
                .map(|(name, bytes)| {
                    (*name, Box::new(Pieces::random(bytes, seed)) as Box<dyn std::io::Read + Send>)
                })
                .collect();
            let pieces = printed(&crate::support::run_readers(engine(1), readers));
            assert_same(&json, &pieces.0, &format!("{format:?} in pieces"));
            assert_same(&jsonl, &pieces.1, &format!("{format:?} in pieces"));
        }
    }
}

#[test]
fn the_order_of_files_changes_nothing() {
    const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for format in crate::inputs::RECORDS {
        let all = records(format, 2, 30_000);
        let whole = findings(&run(engine(1), &[("whole.log", &file(format, &all))]));
        let runs: Vec<Vec<u8>> = all.chunks(all.len().div_ceil(3)).map(|part| file(format, part)).collect();
        let dealt: Vec<Vec<u8>> =
            (0..3).map(|nth| file(format, &all.iter().skip(nth).step_by(3).collect::<Vec<_>>())).collect();
        for (how, parts) in [("cut in three", runs), ("dealt to three", dealt)] {
            for order in ORDERS {
                let sources: Vec<(&str, &[u8])> = ["a.log", "b.log", "c.log"]
                    .into_iter()
                    .zip(order.map(|index| parts[index].as_slice()))
                    .collect();
                let again = findings(&run(engine(1), &sources));
                assert_same(&whole, &again, &format!("{format:?} {how} files, order {order:?}"));
            }
        }
    }
}

/// What several requests say together does not depend on how the log was cut.
#[test]
fn circumstances_are_found_however_the_log_is_dealt() {
    for case in ["many-instances", "deployment-change"] {
        let path = format!("{}/samples/jsonlines/{case}/app.log", env!("CARGO_MANIFEST_DIR"));
        let log = std::fs::read_to_string(path).expect("a sample");
        let whole = run(engine(1), &[("whole.log", log.as_bytes())]);
        let said: usize = whole.incidents.iter().map(|incident| incident.contributing.len()).sum();
        assert!(said > 1, "{case} has circumstances");
        let expected = findings(&whole);
        let parts: Vec<String> = (0..3)
            .map(|nth| log.lines().skip(nth).step_by(3).map(|line| format!("{line}\n")).collect())
            .collect();
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let sources: Vec<(&str, &[u8])> =
                ["a.log", "b.log", "c.log"].into_iter().zip(order.map(|nth| parts[nth].as_bytes())).collect();
            for threads in [1, 2] {
                let again = findings(&run(engine(threads), &sources));
                assert_same(&expected, &again, &format!("{case}, dealt in the order {order:?}"));
            }
        }
    }
}

#[test]
fn repetition_changes_nothing() {
    for format in [Format::Vercel, Format::CloudWatch] {
        let all = records(format, 7, 30_000);
        let once = file(format, &all);
        let report = run(engine(1), &[("once.log", &once)]);
        let expected = findings(&report);
        let each_twice: Vec<&String> = all.iter().flat_map(|record| [record, record]).collect();
        let twice = run(engine(1), &[("twice.log", &file(format, &each_twice))]);
        assert_same(&expected, &findings(&twice), &format!("{format:?}, every record twice"));
        assert_eq!(twice.sources[0].duplicates, report.sources[0].decoded, "{format:?}");
        assert_eq!(twice.sources[0].decoded, report.sources[0].decoded, "{format:?}");
        let end_to_end: Vec<&String> = all.iter().chain(&all).collect();
        let again = run(engine(1), &[("again.log", &file(format, &end_to_end))]);
        assert_same(&expected, &findings(&again), &format!("{format:?}, all records twice in one file"));
        let files = run(engine(1), &[("a.log", &once), ("b.log", &once)]);
        assert_same(&expected, &findings(&files), &format!("{format:?}, the file twice"));
    }
}

/// Large enough for several batches, and over a span of time in which requests are let go.
#[test]
fn repetition_of_large_files_changes_nothing() {
    for format in [Format::Vercel, Format::CloudWatch] {
        let once = file(format, &records(format, 7, 900_000));
        let expected = findings(&run(engine(2), &[("once.log", &once)]));
        let files = run(engine(2), &[("a.log", &once), ("b.log", &once)]);
        assert_same(&expected, &findings(&files), &format!("{format:?}, the file twice"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn interleaving_changes_nothing_but_positions(seed in any::<u64>(), which in 0usize..3) {
        let format = crate::inputs::RECORDS[which];
        let (one, two) = (records(format, 11, 8_000), records(format, 12, 8_000));
        let apart = findings(&run(engine(1), &[("a.log", &file(format, &one)), ("b.log", &file(format, &two))]));
        let mut random = Random::new(seed);
        let (mut left, mut right) = (one.iter().peekable(), two.iter().peekable());
        let mut riffled = Vec::new();
        while left.peek().is_some() || right.peek().is_some() {
            let take = if random.below(2) == 0 { left.next() } else { right.next() };
            riffled.extend(take);
        }
        let together = findings(&run(engine(1), &[("ab.log", &file(format, &riffled))]));
        assert_same(&apart, &together, &format!("{format:?}"));
    }

    #[test]
    fn records_with_id_and_time_may_come_in_any_order(seed in any::<u64>()) {
        let all = records(Format::Vercel, 13, 12_000);
        let expected = findings(&run(engine(1), &[("a.log", &file(Format::Vercel, &all))]));
        let mut shuffled = all.clone();
        let mut random = Random::new(seed);
        for index in (1..shuffled.len()).rev() {
            shuffled.swap(index, random.below(index as u64 + 1) as usize);
        }
        let again = findings(&run(engine(1), &[("a.log", &file(Format::Vercel, &shuffled))]));
        assert_same(&expected, &again, "shuffled records");
    }
}
