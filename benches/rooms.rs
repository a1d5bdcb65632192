//! Times of the single rooms and of a whole run, on made-up logs. `cargo bench --bench rooms`.

#[path = "support/generate.rs"]
#[expect(dead_code, reason = "others use the rest of it")]
mod generate;

use std::hint::black_box;
use std::io::{Cursor, Read};
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use generate::{Endless, Format, Generator};
use why500::correlate::table::{Correlator, Origin};
use why500::diagnose::fold::Folder;
use why500::engine::{Engine, Options};
use why500::format::registry::{Detector, Shapes};
use why500::input::frame::{Frame, FrameContext, FrameKind};
use why500::input::framer::{Framer, Step};
use why500::record::{Level, Position, Record};

/// Bytes of one input.
const INPUT_BYTES: u64 = 4 << 20;
/// Of a thousand requests so many fail.
const FAILED_PER_MILLE: u64 = 20;

fn input(format: Format, bytes: u64) -> Vec<u8> {
    let mut out = Vec::new();
    Endless::new(Generator::new(format, 1, FAILED_PER_MILLE), bytes)
        .read_to_end(&mut out)
        .expect("made-up bytes can be read");
    out
}

/// A frame of an input, with what is known around it.
struct Cut {
    start: usize,
    end: usize,
    kind: FrameKind,
    at: Position,
    context: Arc<FrameContext>,
}

fn cut(bytes: &[u8]) -> Vec<Cut> {
    let mut framer = Framer::new("bench", bytes.len());
    let mut detector = Detector::new(Shapes::all());
    let (mut from, mut cuts) = (0, Vec::new());
    loop {
        match framer.next(&bytes[from..], true, &mut detector) {
            Step::Frame { start, end, next, kind, line, .. } => {
                let at = Position { source: 0, line, entry: cuts.len() as u64 + 1, part: 0 };
                let context = Arc::clone(framer.context());
                cuts.push(Cut { start: from + start, end: from + end, kind, at, context });
                from += next;
            }
            Step::Skip { next, .. } | Step::Trailer { next, .. } => from += next,
            Step::More => return cuts,
        }
    }
}

fn decode(bytes: &[u8], cuts: &[Cut]) -> Vec<(Record, u8)> {
    let (mut out, mut hint) = (Vec::new(), None);
    for cut in cuts {
        let frame = Frame { bytes: &bytes[cut.start..cut.end], kind: cut.kind, at: cut.at };
        let mut records = Vec::new();
        let read = Shapes::all().read(&frame, &cut.context, hint, None, &mut records);
        hint = read.container.or(hint);
        out.extend(records.into_iter().map(|record| (record, read.container.unwrap_or_default())));
    }
    out
}

fn framing(c: &mut Criterion) {
    let mut group = c.benchmark_group("framing");
    for format in Format::ALL {
        let bytes = input(format, INPUT_BYTES);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format.name(), |b| b.iter(|| cut(black_box(&bytes)).len()));
    }
    group.finish();
}

fn decoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("decoding");
    for format in Format::ALL {
        let bytes = input(format, INPUT_BYTES);
        let cuts = cut(&bytes);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format.name(), |b| b.iter(|| decode(black_box(&bytes), &cuts).len()));
    }
    group.finish();
}

/// The rules on single records: most records hold no literal of any rule and are done after one scan.
fn prefilter(c: &mut Criterion) {
    let engine = Engine::new().expect("the embedded rules load");
    let bytes = input(Format::Vercel, INPUT_BYTES);
    let records = decode(&bytes, &cut(&bytes));
    let (failing, healthy): (Vec<&Record>, Vec<&Record>) =
        records.iter().map(|(record, _)| record).partition(|record| record.level >= Some(Level::Error));
    let mut group = c.benchmark_group("prefilter");
    for (name, records) in [("healthy", healthy), ("failing", failing)] {
        let texts: Vec<(&Record, String)> = records
            .into_iter()
            .map(|record| (record, record.text()))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        group.throughput(Throughput::Elements(texts.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut hits = Vec::new();
                for (record, text) in &texts {
                    hits.clear();
                    engine.rules.match_record(record, black_box(text), "vercel-drain/plain-text", &mut hits);
                }
                hits.len()
            });
        });
    }
    group.finish();
}

fn correlation(c: &mut Criterion) {
    let engine = Engine::new().expect("the embedded rules load");
    let folder =
        Folder { shapes: Shapes::all(), rules: &engine.rules, fields: &engine.options.segment_fields };
    let origin = Origin::new("bench", false);
    let mut group = c.benchmark_group("correlation");
    for format in Format::ALL {
        let bytes = input(format, INPUT_BYTES);
        let records = decode(&bytes, &cut(&bytes));
        group.throughput(Throughput::Elements(records.len() as u64));
        group.bench_function(format.name(), |b| {
            b.iter_batched(
                || records.clone(),
                |records| {
                    let mut table = Correlator::new(&folder);
                    for (record, container) in records {
                        if let Some(time_ms) = record.time_ms {
                            table.advance(time_ms);
                        }
                        let brackets = record.payload.starts_with("lambda");
                        table.record(record, Shapes::container_name(container), origin, brackets);
                    }
                    table.finish().total
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn whole_run(c: &mut Criterion) {
    let mut group = c.benchmark_group("whole-run");
    group.sample_size(10);
    for threads in [1, 0] {
        let options = Options { threads, ..Options::default() };
        let engine = Engine::with_rules(&[], options).expect("the embedded rules load");
        for format in Format::ALL {
            let bytes = input(format, 4 * INPUT_BYTES);
            group.throughput(Throughput::Bytes(bytes.len() as u64));
            let name = format!("{}/{}", format.name(), if threads == 1 { "1-thread" } else { "all-threads" });
            group.bench_function(name, |b| {
                b.iter_batched(
                    || Box::new(Cursor::new(bytes.clone())),
                    |reader| engine.run_reader("bench", reader).report.requests.total,
                    BatchSize::LargeInput,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(rooms, framing, decoding, prefilter, correlation, whole_run);
criterion_main!(rooms);
