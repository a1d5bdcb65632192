//! The run: sources are read side by side in the order of their log time, so that the watermark moves and healthy
//! requests can be let go; then what failed is diagnosed on all threads.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::reader::{Item, SourceReader};
use super::stdin::LiveReader;
use super::{Engine, assemble};
use crate::correlate::held::RawFrame;
use crate::correlate::table::{Correlator, Origin, Taken};
use crate::diagnose::fold::Folder;
use crate::format::registry::{CONTAINERS, Shapes};
use crate::input::frame::Frame;
use crate::input::source::{Found, Source, SourceError, Stream};
use crate::record::{Position, Record};
use crate::report::model::{self, Report};

/// Timed records after which it is decided whether a source runs backwards.
const DIRECTION_RECORDS: usize = 32;

/// What the caller wants to know while a run is on.
pub trait Watcher {
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
enum Owned {
    Raw(RawFrame, Position),
    Records(Vec<Record>, u8),
}

impl Engine {
    /// Reads the sources and reports. `stop` ends the run early; the report is then marked partial.
    pub fn run(&self, found: Found, stop: &Arc<AtomicBool>, watcher: &mut (dyn Watcher + Send)) -> Finished {
        let mut streams = Vec::new();
        let mut errors = found.errors;
        for source in &found.sources {
            let opened = match source {
                Source::Stdin => {
                    let live = LiveReader::new(Box::new(std::io::stdin()), Arc::clone(stop), watcher.ticks());
                    Stream::from_reader(Box::new(live), "-", None).map_err(|source| SourceError::Open {
                        name: "-".to_owned(),
                        source,
                        hint: String::new(),
                    })
                }
                Source::File(_) => Stream::open(source),
            };
            match opened {
                Ok(stream) => streams.push((source.name(), stream)),
                Err(error) => errors.push(error),
            }
        }
        let mut finished = self.run_streams(streams, stop, watcher);
        errors.append(&mut finished.errors);
        if found.hidden > 0 {
            finished.report.remarks.push(format!("{} hidden files were passed over", found.hidden));
            finished.report.remarks.sort();
        }
        Finished { errors, ..finished }
    }

    /// Reports on one reader, as for a source called `name`. For library users and tests.
    pub fn run_reader(&self, name: &str, reader: Box<dyn Read + Send>) -> Finished {
        match Stream::from_reader(reader, name, None) {
            Ok(stream) => self.run_streams(vec![(name.to_owned(), stream)], &Arc::default(), &mut ()),
            Err(source) => {
                let mut finished = self.run_streams(Vec::new(), &Arc::default(), &mut ());
                finished.errors.push(SourceError::Open {
                    name: name.to_owned(),
                    source,
                    hint: String::new(),
                });
                finished
            }
        }
    }

    /// Reports on open streams with their names.
    pub fn run_streams(
        &self,
        mut streams: Vec<(String, Stream)>,
        stop: &Arc<AtomicBool>,
        watcher: &mut (dyn Watcher + Send),
    ) -> Finished {
        streams.sort_by(|(a, _), (b, _)| a.cmp(b));
        let threads = match self.options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        match pool {
            Ok(pool) if threads > 1 => pool.install(|| self.run_in_pool(streams, stop, watcher, true)),
            _ => self.run_in_pool(streams, stop, watcher, false),
        }
    }

    fn run_in_pool(
        &self,
        streams: Vec<(String, Stream)>,
        stop: &AtomicBool,
        watcher: &mut (dyn Watcher + Send),
        parallel: bool,
    ) -> Finished {
        let folder = Folder { shapes: self.options.shapes, rules: &self.rules };
        let mut table = Correlator::new(&folder);
        let size_bytes: Option<u64> = streams.iter().map(|(_, stream)| stream.size_bytes).sum();
        let mut active: Vec<Active> = streams
            .into_iter()
            .enumerate()
            .map(|(index, (name, stream))| Active {
                reader: SourceReader::new(
                    index as u32,
                    &name,
                    stream,
                    self.options.shapes,
                    self.options.max_line_bytes,
                ),
                clock_ms: i64::MIN,
                direction: Direction::Unknown { times_ms: Vec::new(), waiting: Vec::new() },
                done: false,
            })
            .collect();
        let mut errors = Vec::new();
        while let Some(index) = next_source(&active) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let floor_ms = floor(&active, index);
            let source = &mut active[index];
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
            watcher.progress(read_bytes, size_bytes);
            if watcher.wants_report() {
                let (sources, remarks) = accounts(&mut active);
                let mut report =
                    assemble::report(self, &folder, table.snapshot(), sources, remarks, parallel);
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
