//! A source's items on their way into the table. Several sources are merged by log time, item by item, so that neither
//! the sizes of batches nor the number of sources shows in what the table sees.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::open::Input;
use super::reader::{Item, SourceReader};
use super::run::Watcher;
use super::waiting::Queue;
use crate::correlate::table::{Correlator, Origin, Taken};
use crate::format::registry::Shapes;
use crate::input::source::SourceError;
use crate::record::{Marks, Record};

/// Timed records after which it is decided whether a source runs backwards.
const DIRECTION_RECORDS: usize = 32;
/// Items after which that is decided although few or none have a time.
const DIRECTION_ITEMS: usize = 4096;

/// Files up to this size are read to their end at once: a folder may hold more of them than a process may have open.
const SMALL_BYTES: u64 = 64 * 1024;

/// Files from this size on are worth a thread that reads them.
const LARGE_BYTES: u64 = 1 << 20;

/// Batches read while those before them go into the table.
const BATCHES_AHEAD: usize = 8;

/// Where a lane stands among the others: the log time of its next item, then its index.
pub type Turn = (i64, usize);

/// A source while it is read.
pub struct Lane {
    /// The source.
    pub reader: SourceReader,
    /// Its size on disk, where that is known; for progress only.
    pub size_bytes: Option<u64>,
    /// None once the reader has it.
    input: Option<Input>,
    /// A file, which never keeps anybody waiting.
    on_disk: bool,
    /// Runs newest first; unknown until enough times were seen.
    backwards: Option<bool>,
    /// It fits a run of any direction: it was read to its end, and all its times are one.
    either: bool,
    /// All lanes of the run go back in time, see [`Lane::run_back`].
    all_back: bool,
    /// Times seen while that is unknown.
    times_ms: Vec<i64>,
    /// Latest log time that went into the table; where all lanes go back, the negative of the earliest.
    clock_ms: i64,
    /// Items that wait for their turn.
    queue: Queue,
    ended: bool,
}

impl Lane {
    /// A lane of which nothing was read; `input` is where the reader's bytes come from.
    pub fn new(reader: SourceReader, input: Input) -> Lane {
        Lane {
            reader,
            size_bytes: input.size_bytes(),
            on_disk: input.size_bytes().is_some(),
            input: Some(input),
            backwards: None,
            either: false,
            all_back: false,
            times_ms: Vec::new(),
            clock_ms: i64::MIN,
            queue: Queue::default(),
            ended: false,
        }
    }

    /// Opens the source, if that was not done yet; `ahead`: to be read in a thread of its own, if it is large. One that
    /// cannot be opened is over.
    pub fn open(
        &mut self,
        stop: &Arc<AtomicBool>,
        watcher: &mut (dyn Watcher + Send),
        ahead: bool,
    ) -> Result<(), SourceError> {
        let Some(input) = self.input.take() else { return Ok(()) };
        let mut stream = input.open(stop, watcher.ticks()).inspect_err(|_| self.end())?;
        watcher.opened(&self.reader.name, &mut stream);
        if ahead && self.size_bytes.is_some_and(|bytes| bytes >= LARGE_BYTES) {
            stream.read_ahead();
        }
        self.size_bytes = stream.size_bytes;
        self.reader.attach(stream);
        Ok(())
    }

    /// Whether its turn is known, or it is over.
    pub fn is_ready(&self) -> bool {
        let small = self.on_disk && self.reader.account.ledger.bytes < SMALL_BYTES;
        self.ended || (self.backwards.is_some() && !self.queue.is_empty() && !small)
    }

    /// Nothing more is read; what waits still has its turn.
    pub fn end(&mut self) {
        self.ended = true;
        if self.backwards.is_none() {
            let (back, forth) = steps(&self.times_ms);
            self.backwards = Some(back > forth);
            self.either = back == 0 && forth == 0;
        }
    }

    /// Whether it may be read beside sources that all run newest first. Asked when its direction is known.
    pub fn fits_backwards(&self) -> bool {
        self.either || self.backwards == Some(true)
    }

    /// From now on time is counted backwards, because all sources of the run go back: what holds of one that goes forth
    /// holds of them in the mirror. To be called before any of its items went into the table.
    pub fn run_back(&mut self) {
        self.all_back = true;
    }

    fn direction(&self) -> Direction {
        match (self.all_back, self.backwards) {
            (true, _) => Direction::Back,
            (false, Some(true)) => Direction::BackAmongOthers,
            (false, _) => Direction::Forth,
        }
    }

    /// Whether the source runs newest first; none while that is not known.
    pub fn backwards(&self) -> Option<bool> {
        self.backwards
    }

    /// Where its next item stands in the run; none if no item waits. A source that runs backwards beside one that does
    /// not comes before all others, because it holds the watermark until it is read.
    pub fn turn_ms(&self) -> Option<i64> {
        self.queue.first_ms().map(|time_ms| self.turn_of(time_ms))
    }

    fn turn_of(&self, time_ms: Option<i64>) -> i64 {
        self.direction().turn_ms(self.clock_ms, time_ms)
    }

    /// Reads one batch. With a table, items go into it at once while it is this lane's turn, that is up to `next`, the
    /// turn of the lane behind it; the others wait.
    pub fn fill(
        &mut self,
        parallel: bool,
        index: usize,
        mut table: Option<(&mut Correlator<'_>, Option<Turn>)>,
    ) -> Result<(), SourceError> {
        // The reader is taken out for the time that it hands its items to the lane.
        let mut duplicates = 0;
        let direction = self.direction();
        let Lane { reader, backwards, times_ms, clock_ms, queue, .. } = self;
        let name = reader.name.clone();
        let origin = Origin::new(&name, false);
        let more = reader.batch(parallel, &mut |item| {
            let time_ms = match &item {
                Item::Glance(brief, ..) => brief.time_ms,
                Item::Records(records, _) => records.iter().find_map(|record| record.time_ms),
                Item::Ignored | Item::Rejected(..) => return,
            };
            if let (Some(backwards), Some((table, next)), true) = (*backwards, &mut table, queue.is_empty())
                && next.is_none_or(|next| (direction.turn_ms(*clock_ms, time_ms), index) <= next)
            {
                let origin = origin.running(backwards);
                duplicates += put(table, item, origin, direction, clock_ms, floor(*next));
                return;
            }
            queue.push(item);
            if backwards.is_none() {
                times_ms.extend(time_ms);
                if times_ms.len() >= DIRECTION_RECORDS || queue.len() >= DIRECTION_ITEMS {
                    let (back, forth) = steps(times_ms);
                    *backwards = Some(back > forth);
                }
            }
        });
        self.count_duplicates(duplicates);
        if !matches!(more, Ok(true)) {
            self.end();
        }
        more.map(drop)
    }

    /// Puts what waits into the table, up to the turn of the lane behind it.
    pub fn put_until(&mut self, table: &mut Correlator<'_>, index: usize, next: Option<Turn>) {
        let origin = Origin::new(&self.reader.name, self.backwards == Some(true));
        let direction = self.direction();
        let duplicates =
            put_queue(table, &mut self.queue, origin, direction, &mut self.clock_ms, (index, next));
        self.count_duplicates(duplicates);
    }

    /// Whether all that waits goes into the table now, so that more may be read meanwhile. Not if its bytes are waited for
    /// already: then whoever unpacks them needs the other thread.
    pub fn may_read_on(&self, index: usize, next: Option<Turn>) -> bool {
        let last = self.queue.last_ms().map(|time_ms| (self.turn_of(time_ms), index));
        !self.ended
            && !self.reader.waits_for_bytes()
            && self.backwards.is_some()
            && next.is_none_or(|next| last <= Some(next))
    }

    /// As [`Lane::put_until`], and reads the next batch at the same time.
    pub fn put_and_read_on(
        &mut self,
        table: &mut Correlator<'_>,
        index: usize,
        next: Option<Turn>,
    ) -> Result<(), SourceError> {
        let direction = self.direction();
        let Lane { reader, backwards, clock_ms, queue, .. } = self;
        let name = reader.name.clone();
        let origin = Origin::new(&name, *backwards == Some(true));
        let mut read = Queue::default();
        let (duplicates, more) = rayon::join(
            || put_queue(table, queue, origin, direction, clock_ms, (index, next)),
            || {
                for _ in 1..BATCHES_AHEAD {
                    if !reader.batch(true, &mut |item| read.push(item))? {
                        return Ok(false);
                    }
                }
                reader.batch(true, &mut |item| read.push(item))
            },
        );
        queue.append(read);
        self.count_duplicates(duplicates);
        if !matches!(more, Ok(true)) {
            self.end();
        }
        more.map(drop)
    }

    /// Puts copies of what waits into a table that is looked at and thrown away.
    pub fn put_copies(&self, table: &mut Correlator<'_>) {
        let backwards = self.backwards.unwrap_or_else(|| {
            let (back, forth) = steps(&self.times_ms);
            back > forth
        });
        let origin = Origin::new(&self.reader.name, backwards);
        let (mut clock_ms, direction) = (self.clock_ms, self.direction());
        self.queue.clone().hand_over(
            |_| true,
            |item| {
                put(table, item, origin, direction, &mut clock_ms, i64::MIN);
            },
        );
    }

    fn count_duplicates(&mut self, frames: u64) {
        self.reader.account.ledger.duplicates += frames;
        self.reader.account.ledger.decoded -= frames.min(self.reader.account.ledger.decoded);
    }
}

/// The least log time that the other lanes may still bring.
fn floor(next: Option<Turn>) -> i64 {
    next.map_or(i64::MAX, |(turn_ms, _)| turn_ms)
}

/// Which way the time of a source goes, and that of the run with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// Oldest first.
    Forth,
    /// Newest first, as all sources of the run.
    Back,
    /// Newest first, but others of the run are not.
    BackAmongOthers,
}

impl Direction {
    /// A time as the run counts it.
    fn count_ms(self, time_ms: i64) -> i64 {
        if self == Direction::Back { time_ms.saturating_neg() } else { time_ms }
    }

    /// Where a lane with this clock stands among the others whose next item has this time.
    fn turn_ms(self, clock_ms: i64, time_ms: Option<i64>) -> i64 {
        match self {
            Direction::BackAmongOthers => i64::MIN,
            _ => clock_ms.max(time_ms.map_or(i64::MIN, |time_ms| self.count_ms(time_ms))),
        }
    }
}

/// Puts items into the table as long as it is their turn; how many were there already.
fn put_queue(
    table: &mut Correlator<'_>,
    queue: &mut Queue,
    origin: Origin<'_>,
    direction: Direction,
    clock_ms: &mut i64,
    (index, next): (usize, Option<Turn>),
) -> u64 {
    let mut duplicates = 0;
    // Each item moves the clock by which the turn of the next one is judged.
    let clock_ms = Cell::from_mut(clock_ms);
    queue.hand_over(
        |time_ms| next.is_none_or(|next| (direction.turn_ms(clock_ms.get(), time_ms), index) <= next),
        |item| {
            let mut now_ms = clock_ms.get();
            duplicates += put(table, item, origin, direction, &mut now_ms, floor(next));
            clock_ms.set(now_ms);
        },
    );
    duplicates
}

/// Puts an item into the table; 1 if all it held was there already.
fn put(
    table: &mut Correlator<'_>,
    item: Item<'_>,
    origin: Origin<'_>,
    direction: Direction,
    clock_ms: &mut i64,
    floor_ms: i64,
) -> u64 {
    let taken = match item {
        Item::Glance(brief, at, frame) => {
            step(table, brief.time_ms, direction, clock_ms, floor_ms);
            table.glance(&brief, at, frame, origin)
        }
        Item::Records(records, container) => {
            return put_records(table, (records, container), origin, direction, clock_ms, floor_ms);
        }
        Item::Ignored | Item::Rejected(..) => return 0,
    };
    u64::from(taken == Taken::Duplicate)
}

fn put_records(
    table: &mut Correlator<'_>,
    (records, container): (Vec<Record>, u8),
    origin: Origin<'_>,
    direction: Direction,
    clock_ms: &mut i64,
    floor_ms: i64,
) -> u64 {
    let format = Shapes::container_name(container);
    let (mut all_duplicates, only) = (!records.is_empty(), records.len() == 1);
    for mut record in records {
        step(table, record.time_ms, direction, clock_ms, floor_ms);
        if record.time_ms.is_none() && *clock_ms != i64::MIN && !origin.backwards {
            // A line without a time stands at the time of the lines before it.
            record.time_ms = Some(direction.count_ms(*clock_ms));
            record.marks.insert(Marks::NO_TIME);
        }
        let brackets = record.payload.starts_with("lambda");
        let taken = if only {
            table.only_record(record, format, origin, brackets)
        } else {
            table.record(record, format, origin, brackets)
        };
        all_duplicates &= taken == Taken::Duplicate;
    }
    u64::from(all_duplicates)
}

/// Moves the source's clock and with it the watermark.
fn step(
    table: &mut Correlator<'_>,
    time_ms: Option<i64>,
    direction: Direction,
    clock_ms: &mut i64,
    floor_ms: i64,
) {
    if direction == Direction::BackAmongOthers {
        return;
    }
    if let Some(time_ms) = time_ms.map(|time_ms| direction.count_ms(time_ms))
        && time_ms > *clock_ms
    {
        *clock_ms = time_ms;
        table.advance(time_ms.min(floor_ms));
    }
}

/// How many steps go back in time, and how many forth.
fn steps(times_ms: &[i64]) -> (usize, usize) {
    let back = times_ms.windows(2).filter(|pair| pair[1] < pair[0]).count();
    let forth = times_ms.windows(2).filter(|pair| pair[1] > pair[0]).count();
    (back, forth)
}
