//! The run: sources are read side by side in the order of their log time, so that the watermark moves and healthy
//! requests can be let go; then what failed is diagnosed on all threads.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::lane::{Lane, Turn};
use super::open::Input;
use super::reader::{BATCH_BYTES, SourceReader};
use super::{Engine, assemble};
use crate::correlate::table::{Correlator, Origin, Requests};
use crate::diagnose::fold::Folder;
use crate::input::source::{Found, Source, SourceError, Stream};
use crate::input::unpack::Expand;
use crate::report::model::{self, Report};

/// Bytes that all sources together read ahead, and the least that one reads at a time.
const READ_AHEAD_BYTES: usize = 4 << 20;
const LEAST_BATCH_BYTES: usize = 16 << 10;

/// Sources that are each read in a thread of their own, where there are no more.
const MAX_AHEAD: usize = 4;

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

impl Engine {
    /// Reads the sources and reports. `stop` ends the run early; the report is then marked partial.
    pub fn run(&self, found: Found, stop: &Arc<AtomicBool>, watcher: &mut (dyn Watcher + Send)) -> Finished {
        let passed_over = found.remarks();
        let mut errors = found.errors;
        let expand = found.expand;
        let inputs =
            found.sources.into_iter().map(|source| (source.name(), Input::Closed(source, expand))).collect();
        let mut finished = self.run_inputs(inputs, stop, watcher);
        finished.report.remarks.extend(errors.iter().map(ToString::to_string));
        errors.append(&mut finished.errors);
        finished.report.remarks.extend(passed_over);
        finished.report.remarks.sort();
        Finished { errors, ..finished }
    }

    /// As [`Engine::run`], with sources that go by these names, wherever they lie: as when they were read before.
    pub fn run_named(&self, sources: Vec<(String, Source)>, expand: Expand) -> Finished {
        let named = sources.into_iter().map(|(name, source)| (name, Input::Closed(source, expand)));
        self.run_inputs(named.collect(), &Arc::default(), &mut ())
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
        inputs: Vec<(String, Input)>,
        stop: &Arc<AtomicBool>,
        watcher: &mut (dyn Watcher + Send),
    ) -> Finished {
        let folder = self.folder();
        self.in_pool(|parallel| {
            let everything = self.read_all(inputs, stop, watcher, parallel, self.table(&folder));
            let ReadAll { requests, sources, mut remarks, errors, unreadable, read } = everything;
            remarks.extend(errors.iter().map(ToString::to_string));
            let mut report = assemble::report(self, &folder, requests, sources, remarks, parallel);
            report.partial = stop.load(Ordering::Relaxed);
            report.sources.retain(|source| !unreadable.contains(&source.name));
            Finished { report, errors, read }
        })
    }

    /// An empty table within the memory of the options.
    pub(super) fn table<'f>(&self, folder: &'f Folder<'f>) -> Correlator<'f> {
        Correlator::new(folder).within(self.options.memory_bytes, self.options.spill_dir.as_deref())
    }

    /// Decodes and matches as this engine is set up.
    pub(super) fn folder(&self) -> Folder<'_> {
        Folder { shapes: self.options.shapes, rules: &self.rules, fields: &self.options.segment_fields }
    }

    /// Does some work on the threads that the options allow; the work is told whether they are several.
    pub(super) fn in_pool<T: Send>(&self, work: impl FnOnce(bool) -> T + Send) -> T {
        let threads = match self.options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads.min(MAX_THREADS),
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        match pool {
            Ok(pool) if threads > 1 => pool.install(|| work(true)),
            _ => work(false),
        }
    }

    /// Reads all input into the table.
    pub(super) fn read_all(
        &self,
        mut inputs: Vec<(String, Input)>,
        stop: &Arc<AtomicBool>,
        watcher: &mut (dyn Watcher + Send),
        parallel: bool,
        mut table: Correlator<'_>,
    ) -> ReadAll {
        inputs.sort_by(|(a, _), (b, _)| a.cmp(b));
        let batch_bytes = (READ_AHEAD_BYTES / inputs.len().max(1)).clamp(LEAST_BATCH_BYTES, BATCH_BYTES);
        let mut lanes: Vec<Lane> = inputs
            .into_iter()
            .enumerate()
            .map(|(index, (name, input))| {
                let (shapes, most) = (self.options.shapes, self.options.max_line_bytes);
                Lane::new(SourceReader::new(index as u32, &name, shapes, most, batch_bytes), input)
            })
            .collect();
        // Each of them takes a thread and a megabyte or two.
        let ahead = parallel && lanes.len() <= MAX_AHEAD;
        let mut errors = Vec::new();
        let mut unreadable = BTreeSet::new();
        let mut turns: BinaryHeap<Reverse<Turn>> = BinaryHeap::new();
        let mut unready: Vec<usize> = (0..lanes.len()).rev().collect();
        let mut begun = false;
        loop {
            while let Some(index) = unready.pop() {
                // What is read may go into the table at once, if the turns of all other sources are known.
                let next = turns.peek().map(|Reverse(next)| *next);
                while !lanes[index].is_ready() {
                    if stop.load(Ordering::Relaxed) {
                        lanes[index].end();
                        break;
                    }
                    if let Err(error) = lanes[index].open(stop, watcher, ahead) {
                        unreadable.insert(lanes[index].reader.name.clone());
                        errors.push(error);
                        break;
                    }
                    let direct = unready.is_empty().then_some((&mut table, next));
                    errors.extend(lanes[index].fill(parallel, index, direct).err());
                    self.tell(watcher, &mut lanes, &table, parallel);
                }
                turns.extend(lanes[index].turn_ms().map(|turn_ms| Reverse((turn_ms, index))));
            }
            if !std::mem::replace(&mut begun, true) && all_run_back(&lanes) {
                // Nothing went into the table yet, so time can be counted the other way.
                table.run_back();
                lanes.iter_mut().for_each(Lane::run_back);
                let turn = |(index, lane): (usize, &Lane)| Some(Reverse((lane.turn_ms()?, index)));
                turns = lanes.iter().enumerate().filter_map(turn).collect();
            }
            let Some(Reverse((_, index))) = turns.pop() else { break };
            let next = turns.peek().map(|Reverse(next)| *next);
            let lane = &mut lanes[index];
            if parallel && lane.may_read_on(index, next) && !stop.load(Ordering::Relaxed) {
                errors.extend(lane.put_and_read_on(&mut table, index, next).err());
                self.tell(watcher, &mut lanes, &table, parallel);
            } else {
                lane.put_until(&mut table, index, next);
            }
            unready.push(index);
        }
        end_of_input(&mut table, &lanes);
        let (sources, remarks) = accounts(&mut lanes);
        let read = sources
            .iter()
            .filter(|source| source.bytes > 0 || source.frames > 0)
            .count()
            .max(sources.len() - errors.len());
        ReadAll { requests: table.finish(), sources, remarks, errors, unreadable, read }
    }

    /// Tells whoever watches how far the run is.
    fn tell(
        &self,
        watcher: &mut (dyn Watcher + Send),
        lanes: &mut [Lane],
        table: &Correlator<'_>,
        parallel: bool,
    ) {
        let read_bytes = lanes.iter().map(|lane| lane.reader.account.ledger.bytes).sum();
        watcher.progress(read_bytes, lanes.iter().map(|lane| lane.size_bytes).sum());
        if watcher.wants_report() {
            let (sources, remarks) = accounts(lanes);
            let so_far = so_far(table, lanes);
            let mut report = assemble::report(self, &self.folder(), so_far, sources, remarks, parallel);
            report.partial = true;
            watcher.report(report);
        }
    }
}

/// What reading all input gave.
pub(super) struct ReadAll {
    /// The requests.
    pub(super) requests: Requests,
    /// Accounts of the sources.
    pub(super) sources: Vec<model::Source>,
    /// What was odd.
    pub(super) remarks: Vec<String>,
    /// Inputs that could not be read, or not to their end.
    pub(super) errors: Vec<SourceError>,
    /// Names of those of which nothing was read.
    pub(super) unreadable: BTreeSet<String>,
    /// Sources of which at least something was read.
    pub(super) read: usize,
}

/// Whether all sources run newest first. Their directions are known.
fn all_run_back(lanes: &[Lane]) -> bool {
    lanes.iter().all(Lane::fits_backwards) && lanes.iter().any(|lane| lane.backwards() == Some(true))
}

/// What still waits in the streams finds its place.
fn end_of_input(table: &mut Correlator<'_>, lanes: &[Lane]) {
    let origins: Vec<Origin<'_>> =
        lanes.iter().map(|lane| Origin::new(&lane.reader.name, lane.backwards() == Some(true))).collect();
    table.end_of_input(&origins);
}

/// The requests as if the input ended here. What still waits for its place is shown too.
fn so_far(table: &Correlator<'_>, lanes: &[Lane]) -> Requests {
    let mut table = table.clone();
    for lane in lanes {
        lane.put_copies(&mut table);
    }
    end_of_input(&mut table, lanes);
    table.finish()
}

fn accounts(lanes: &mut [Lane]) -> (Vec<model::Source>, Vec<String>) {
    let mut remarks = Vec::new();
    let sources = lanes
        .iter_mut()
        .map(|lane| {
            lane.reader.close();
            remarks.extend(lane.reader.account.remarks.iter().cloned());
            lane.reader.account.ledger.clone()
        })
        .collect();
    (sources, remarks)
}
