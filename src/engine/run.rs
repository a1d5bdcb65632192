//! The run: sources are read side by side in the order of their log time, so that the watermark moves and healthy
//! requests can be let go; then what failed is diagnosed on all threads.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::open::Input;
use super::reader::{Item, SourceReader};
use super::{Engine, assemble};
use crate::correlate::held::RawFrame;
use crate::correlate::table::{Correlator, Origin, Requests, Taken};
use crate::diagnose::fold::Folder;
use crate::format::registry::{CONTAINERS, Shapes};
use crate::input::frame::Frame;
use crate::input::source::{Found, SourceError, Stream};
use crate::record::{Position, Record};
use crate::report::model::{self, Report};

/// Timed records after which it is decided whether a source runs backwards.
const DIRECTION_RECORDS: usize = 32;

/// More workers than this help nowhere and only cost their stacks.
const MAX_THREADS: usize = 256;

/// What the caller wants to know while a run is on.
pub trait Watcher {
    /// A source was opened; its first bytes may be peeked at.
    fn opened(&mut self, _name: &str, _stream: &mut Stream) {}
    /// Bytes read so far, and of how many, where that is known.
    fn progress(&mut self, _read_bytes: u64, _of_bytes: Option<u64>) {}
    /// Asked now and then: whether a report of what was seen so far is wanted.
    fn wants_report(&mut self) -> bool {
        false
    }
    /// The report that was wanted.
    fn report(&mut self, _report: Report) {}
    /// Whether [`Watcher::wants_report`] has to be asked while nothing arrives.
    fn ticks(&self) -> bool {
        false
    }
}

/// Nobody watches.
impl Watcher for () {}

/// What a run found, and what it could not read.
pub struct Finished {
    /// The report.
    pub report: Report,
    /// Inputs that could not be read, or not to their end.
    pub errors: Vec<SourceError>,
    /// Sources of which at least something was read.
    pub read: usize,
}

/// A source while it is read.
struct Active {
    reader: SourceReader,
    /// None once the reader has it.
    input: Option<Input>,
    size_bytes: Option<u64>,
    /// Latest log time seen; `i64::MIN` holds everything back.
    clock_ms: i64,
    direction: Direction,
    done: bool,
}

/// Whether a source runs newest first; until that is known its items wait.
enum Direction {
    Unknown { times_ms: Vec<i64>, waiting: Vec<Owned> },
    Known { backwards: bool },
}

/// An item that outlives its batch.
#[derive(Clone)]
enum Owned {
    Raw(RawFrame, Position),
    Records(Vec<Record>, u8),
}

impl Engine {
    /// Reads the sources and reports. `stop` ends the run early; the report is then marked partial.
    pub fn run(&self, found: Found, stop: &Arc<AtomicBool>, watcher: &mut (dyn Watcher + Send)) -> Finished {
        let passed_over = found.remarks();
        let mut errors = found.errors;
        let inputs = found.sources.into_iter().map(|source| (source.name(), Input::Closed(source))).collect();
        let mut finished = self.run_inputs(inputs, stop, watcher);
        errors.append(&mut finished.errors);
        finished.report.remarks.extend(passed_over);
        finished.report.remarks.sort();
        Finished { errors, ..finished }
    }

    /// Reports on one reader, as for a source called `name`. For library users and tests.
    pub fn run_reader(&self, name: &str, reader: Box<dyn Read + Send>) -> Finished {
        match Stream::from_reader(reader, name, None) {
            Ok(stream) => self.run_streams(vec![(name.to_owned(), stream)], &Arc::default(), &mut ()),
            Err(source) => {
                let mut finished = self.run_streams(Vec::new(), &Arc::default(), &mut ());
                finished.errors.push(SourceError::open(name.to_owned(), source));
                finished
            }
        }
    }

    /// Reports on open streams with their names.
    pub fn run_streams(
        &self,
        streams: Vec<(String, Stream)>,
        stop: &Arc<AtomicBool>,
        watcher: &mut (dyn Watcher + Send),
    ) -> Finished {
        let inputs = streams.into_iter().map(|(name, stream)| (name, Input::Open(stream))).collect();
        self.run_inputs(inputs, stop, watcher)
    }

    fn run_inputs(
        &self,
        mut inputs: Vec<(String, Input)>,
        stop: &Arc<AtomicBool>,
        watcher: &mut (dyn Watcher + Send),
    ) -> Finished {
        inputs.sort_by(|(a, _), (b, _)| a.cmp(b));
        let threads = match self.options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads.min(MAX_THREADS),
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        match pool {
            Ok(pool) if threads > 1 => pool.install(|| self.run_in_pool(inputs, stop, watcher, true)),
            _ => self.run_in_pool(inputs, stop, watcher, false),
        }
    }

    fn run_in_pool(
        &self,
        inputs: Vec<(String, Input)>,
        stop: &Arc<AtomicBool>,
        watcher: &mut (dyn Watcher + Send),
        parallel: bool,
    ) -> Finished {
        let folder = Folder { shapes: self.options.shapes, rules: &self.rules };
        let mut table = Correlator::new(&folder);
        let mut active: Vec<Active> = inputs
            .into_iter()
            .enumerate()
            .map(|(index, (name, input))| Active {
                reader: SourceReader::new(
                    index as u32,
                    &name,
                    self.options.shapes,
                    self.options.max_line_bytes,
                ),
                size_bytes: input.size_bytes(),
                input: Some(input),
                clock_ms: i64::MIN,
                direction: Direction::Unknown { times_ms: Vec::new(), waiting: Vec::new() },
                done: false,
            })
            .collect();
        let mut errors = Vec::new();
        let mut unreadable = BTreeSet::new();
        while let Some(index) = next_source(&active) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let floor_ms = floor(&active, index);
            let source = &mut active[index];
            if let Err(error) = source.open(stop, watcher) {
                source.done = true;
                unreadable.insert(source.reader.name.clone());
                errors.push(error);
                continue;
            }
            let more = source.batch(&mut table, floor_ms, parallel);
            match more {
                Ok(true) => {}
                Ok(false) => source.finish(&mut table),
                Err(error) => {
                    source.finish(&mut table);
                    errors.push(error);
                }
            }
            let read_bytes = active.iter().map(|source| source.reader.ledger.bytes).sum();
            watcher.progress(read_bytes, active.iter().map(|source| source.size_bytes).sum());
            if watcher.wants_report() {
                let (sources, remarks) = accounts(&mut active);
                let so_far = so_far(&table, &active);
                let mut report = assemble::report(self, &folder, so_far, sources, remarks, parallel);
                report.partial = true;
                watcher.report(report);
            }
        }
        let partial = active.iter().any(|source| !source.done);
        for source in active.iter_mut().filter(|source| !source.done) {
            source.finish(&mut table);
        }
        let partial = partial || stop.load(Ordering::Relaxed);
        let (sources, remarks) = accounts(&mut active);
        let read = sources
            .iter()
            .filter(|source| source.bytes > 0 || source.frames > 0)
            .count()
            .max(sources.len() - errors.len());
        let mut report = assemble::report(self, &folder, table.finish(), sources, remarks, parallel);
        report.partial = partial;
        report.sources.retain(|source| !unreadable.contains(&source.name));
        Finished { report, errors, read }
    }
}

/// The source that is furthest behind in log time.
fn next_source(active: &[Active]) -> Option<usize> {
    (0..active.len())
        .filter(|index| !active[*index].done)
        .min_by_key(|index| (active[*index].clock_ms, *index))
}

/// The least log time that the other sources may still bring.
fn floor(active: &[Active], but: usize) -> i64 {
    active
        .iter()
        .enumerate()
        .filter(|(index, source)| *index != but && !source.done)
        .map(|(_, source)| source.clock_ms)
        .min()
        .unwrap_or(i64::MAX)
}

/// The requests as if the input ended here. What still waits for its place is shown too.
fn so_far(table: &Correlator<'_>, active: &[Active]) -> Requests {
    let mut table = table.clone();
    for source in active.iter().filter(|source| !source.done) {
        let name = source.reader.name.clone();
        let mut origin = Origin { name: &name, backwards: false };
        match &source.direction {
            Direction::Unknown { times_ms, waiting } => {
                origin.backwards = runs_backwards(times_ms);
                let mut clock_ms = source.clock_ms;
                for owned in waiting.iter().cloned() {
                    put_owned(&mut table, owned, origin, &mut clock_ms, i64::MIN);
                }
            }
            Direction::Known { backwards } => origin.backwards = *backwards,
        }
        table.end_of_source(origin);
    }
    table.finish()
}

fn accounts(active: &mut [Active]) -> (Vec<model::Source>, Vec<String>) {
    let mut remarks = Vec::new();
    let sources = active
        .iter_mut()
        .map(|source| {
            source.reader.close();
            remarks.extend(source.reader.remarks.iter().cloned());
            source.reader.ledger.clone()
        })
        .collect();
    (sources, remarks)
}

impl Active {
    /// Opens the source, if that was not done yet.
    fn open(
        &mut self,
        stop: &Arc<AtomicBool>,
        watcher: &mut (dyn Watcher + Send),
    ) -> Result<(), SourceError> {
        let Some(input) = self.input.take() else { return Ok(()) };
        let mut stream = input.open(stop, watcher.ticks())?;
        watcher.opened(&self.reader.name, &mut stream);
        self.size_bytes = stream.size_bytes;
        self.reader.attach(stream);
        Ok(())
    }

    /// Reads one batch into the table. False at the end.
    fn batch(
        &mut self,
        table: &mut Correlator<'_>,
        floor_ms: i64,
        parallel: bool,
    ) -> Result<bool, SourceError> {
        let name = self.reader.name.clone();
        let (direction, clock_ms) = (&mut self.direction, &mut self.clock_ms);
        let mut duplicates = 0;
        let more = self.reader.batch(parallel, &mut |item| {
            if let Direction::Unknown { times_ms, waiting } = direction {
                match item {
                    Item::Glance(brief, at, raw) => {
                        times_ms.extend(brief.time_ms);
                        waiting.push(Owned::Raw(raw, at));
                    }
                    Item::Records(records, container) => {
                        times_ms.extend(records.iter().filter_map(|record| record.time_ms));
                        waiting.push(Owned::Records(records, container));
                    }
                    Item::Ignored | Item::Rejected(..) => {}
                }
                if times_ms.len() >= DIRECTION_RECORDS {
                    let waiting = std::mem::take(waiting);
                    let backwards = runs_backwards(times_ms);
                    *direction = Direction::Known { backwards };
                    for owned in waiting {
                        let origin = Origin { name: &name, backwards };
                        duplicates += put_owned(table, owned, origin, clock_ms, floor_ms);
                    }
                }
                return;
            }
            let Direction::Known { backwards } = direction else { return };
            let origin = Origin { name: &name, backwards: *backwards };
            duplicates += put(table, item, origin, clock_ms, floor_ms);
        });
        self.count_duplicates(duplicates);
        more
    }

    /// Everything of this source is read.
    fn finish(&mut self, table: &mut Correlator<'_>) {
        self.done = true;
        let name = self.reader.name.clone();
        let mut origin = Origin { name: &name, backwards: false };
        match std::mem::replace(&mut self.direction, Direction::Known { backwards: false }) {
            Direction::Unknown { times_ms, waiting } => {
                origin.backwards = runs_backwards(&times_ms);
                let mut duplicates = 0;
                for owned in waiting {
                    duplicates += put_owned(table, owned, origin, &mut self.clock_ms, i64::MIN);
                }
                self.count_duplicates(duplicates);
            }
            Direction::Known { backwards } => origin.backwards = backwards,
        }
        table.end_of_source(origin);
    }

    fn count_duplicates(&mut self, frames: u64) {
        self.reader.ledger.duplicates += frames;
        self.reader.ledger.decoded -= frames.min(self.reader.ledger.decoded);
    }
}

/// Puts an item into the table; 1 if all it held was there already.
fn put(
    table: &mut Correlator<'_>,
    item: Item<'_>,
    origin: Origin<'_>,
    clock_ms: &mut i64,
    floor_ms: i64,
) -> u64 {
    let taken = match item {
        Item::Glance(brief, at, raw) => {
            step(table, brief.time_ms, origin, clock_ms, floor_ms);
            table.glance(&brief, at, raw, origin)
        }
        Item::Records(records, container) => {
            return put_records(table, records, container, origin, clock_ms, floor_ms);
        }
        Item::Ignored | Item::Rejected(..) => return 0,
    };
    u64::from(taken == Taken::Duplicate)
}

fn put_owned(
    table: &mut Correlator<'_>,
    owned: Owned,
    origin: Origin<'_>,
    clock_ms: &mut i64,
    floor_ms: i64,
) -> u64 {
    match owned {
        Owned::Records(records, container) => {
            put_records(table, records, container, origin, clock_ms, floor_ms)
        }
        Owned::Raw(raw, at) => {
            let bytes = raw.bytes.clone();
            let frame = Frame { bytes: bytes.get(), kind: raw.kind, at };
            match CONTAINERS[usize::from(raw.container)].glance(&frame) {
                Some(brief) => put(table, Item::Glance(brief, at, raw), origin, clock_ms, floor_ms),
                None => 0,
            }
        }
    }
}

fn put_records(
    table: &mut Correlator<'_>,
    records: Vec<Record>,
    container: u8,
    origin: Origin<'_>,
    clock_ms: &mut i64,
    floor_ms: i64,
) -> u64 {
    let format = Shapes::container_name(container);
    let mut all_duplicates = !records.is_empty();
    for mut record in records {
        step(table, record.time_ms, origin, clock_ms, floor_ms);
        if record.time_ms.is_none() && *clock_ms != i64::MIN && !origin.backwards {
            // A line without a time stands at the time of the lines before it.
            record.time_ms = Some(*clock_ms);
        }
        let brackets = record.payload.starts_with("lambda");
        all_duplicates &= table.record(record, format, origin, brackets) == Taken::Duplicate;
    }
    u64::from(all_duplicates)
}

/// Moves the source's clock and with it the watermark.
fn step(
    table: &mut Correlator<'_>,
    time_ms: Option<i64>,
    origin: Origin<'_>,
    clock_ms: &mut i64,
    floor_ms: i64,
) {
    if origin.backwards {
        return;
    }
    if let Some(time_ms) = time_ms
        && time_ms > *clock_ms
    {
        *clock_ms = time_ms;
        table.advance(time_ms.min(floor_ms));
    }
}

/// Whether most steps go back in time.
fn runs_backwards(times_ms: &[i64]) -> bool {
    let back = times_ms.windows(2).filter(|pair| pair[1] < pair[0]).count();
    let forth = times_ms.windows(2).filter(|pair| pair[1] > pair[0]).count();
    back > forth
}
