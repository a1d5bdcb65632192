//! The account of one source: what became of each frame, of which shapes they were, and what the reader of the report should
//! know of the source. Nothing is read here.

use std::collections::BTreeMap;

use super::reader::{Cut, Item};
use crate::format::registry::Shapes;
use crate::input::csv_scan::is_rounded_by_spreadsheet;
use crate::input::frame::FrameKind;
use crate::input::framer::Skipped;
use crate::record::{Marks, Record};
use crate::report::model;

/// How many frames were glanced at, by how they were framed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Glanced {
    lines: u64,
    others: u64,
}

impl Glanced {
    /// Counts one.
    pub fn add(&mut self, kind: FrameKind) {
        let count = if kind == FrameKind::Line { &mut self.lines } else { &mut self.others };
        *count += 1;
    }

    /// All of them.
    pub fn count(self) -> u64 {
        self.lines + self.others
    }
}

/// The account of one source.
#[derive(Default)]
pub struct Account {
    /// The account so far.
    pub ledger: model::Source,
    /// Remarks for the reader of the report.
    pub remarks: Vec<String>,
    /// CSV rows with a number that a spreadsheet rounded.
    rounded: u64,
    rejects: BTreeMap<&'static str, (u64, u64)>,
    formats: BTreeMap<(u8, &'static str), u64>,
    /// Frames glanced at, not yet in `formats`.
    glanced: Glanced,
    /// Entries that the source cut off, and the line of the first.
    cut_off: (u64, u64),
}

impl Account {
    /// Of a source of this name, of which nothing was read.
    pub fn new(name: &str) -> Account {
        let ledger = model::Source { name: name.to_owned(), ..model::Source::default() };
        Account { ledger, ..Account::default() }
    }

    /// Enters lines that were only glanced at.
    pub fn glanced(&mut self, entries: Glanced) {
        let count = entries.count();
        self.ledger.frames += count;
        self.ledger.decoded += count;
        self.ledger.records += count;
        self.glanced.lines += entries.lines;
        self.glanced.others += entries.others;
    }

    /// Whether most frames were glanced at, so far.
    pub fn mostly_glanced(&self) -> bool {
        self.glanced.count() * 2 >= self.ledger.decoded
    }

    /// Enters a frame whose records wait to be joined; each of them says whether it continues another.
    pub fn joined(&mut self, cut: &Cut, records: impl Iterator<Item = bool>) {
        let mut entries = 0;
        for continues in records {
            let count = if continues { &mut self.ledger.continuations } else { &mut self.ledger.decoded };
            *count += 1;
            entries += 1;
        }
        // Syslog's frames may follow each other without a break.
        self.ledger.frames += entries.max(1) + cut.continuations;
        self.ledger.continuations += cut.continuations;
    }

    /// A joined entry turned out to be blank.
    pub fn blank(&mut self) {
        self.ledger.decoded -= 1;
        self.ledger.ignored += 1;
    }

    /// Says that the source is one page of several.
    pub fn remark_on_pages(&mut self) {
        self.remarks.push(format!(
            "{}: the export is partial (it has a nextToken): fetch all pages",
            self.ledger.name
        ));
    }

    /// Rejects all of the source, of which so many bytes were looked at.
    pub fn reject_whole(&mut self, what: &'static str, bytes: u64) {
        self.ledger.frames += 1;
        self.ledger.rejected += 1;
        self.rejects.insert(what, (1, 1));
        self.ledger.format = "binary".to_owned();
        self.ledger.bytes = bytes;
    }

    /// Enters a frame into the ledger.
    pub fn frame(&mut self, cut: &Cut, bytes: &[u8], item: &Item<'_>) {
        if cut.kind == FrameKind::Csv && is_rounded_by_spreadsheet(bytes) {
            self.rounded += 1;
        }
        let ledger = &mut self.ledger;
        ledger.frames += 1 + cut.continuations;
        ledger.continuations += cut.continuations;
        match item {
            Item::Glance(..) => {
                ledger.decoded += 1;
                ledger.records += 1;
                self.glanced.add(cut.kind);
            }
            Item::Records(records, container) => {
                ledger.decoded += 1;
                self.records(records, *container, cut.at.line);
            }
            Item::Ignored => ledger.ignored += 1,
            Item::Rejected(reason, at) => {
                ledger.rejected += 1;
                self.rejects.entry(reason).or_insert((0, at.line)).0 += 1;
            }
        }
    }

    /// Enters what a frame, or several joined ones, hold.
    pub fn records(&mut self, records: &[Record], container: u8, line: u64) {
        self.ledger.records += records.len() as u64;
        if records.iter().any(|record| record.marks.has(Marks::TRUNCATED)) {
            self.cut_off.0 += 1;
            self.cut_off.1 = if self.cut_off.1 == 0 { line } else { self.cut_off.1 };
        }
        let payload = records.first().map_or("", |record| record.payload);
        *self.formats.entry((container, payload)).or_default() += 1;
    }

    /// Enters bytes that are no frame.
    pub fn skipped(&mut self, what: Skipped, line: u64) {
        let reason = match what {
            Skipped::Glue => return,
            Skipped::Blank | Skipped::Header => {
                self.ledger.frames += 1;
                self.ledger.ignored += 1;
                return;
            }
            Skipped::TooLong => "longer than the line limit",
            Skipped::CutOff => "the input ends inside this JSON value",
            Skipped::Broken => "not JSON, inside an array of entries",
        };
        self.ledger.frames += 1;
        self.ledger.rejected += 1;
        self.rejects.entry(reason).or_insert((0, line)).0 += 1;
    }

    /// Says that numbers were rounded before the source was read, if any were.
    pub fn remark_on_rounding(&mut self) {
        let text = match self.rounded {
            0 => return,
            1 => "1 row holds a number".to_owned(),
            rows => format!("{rows} rows hold numbers"),
        };
        self.remarks.push(format!(
            "{}: {text} that a spreadsheet rounded (1.76563E+12), times among them may be off: export again and use the file as it comes",
            self.ledger.name
        ));
        self.rounded = 0;
    }

    /// Closes the account; what was not framed is not counted. `container`: that of frames that were only glanced at, and
    /// `payload` which they have, by how they were framed.
    pub fn close(&mut self, container: Option<u8>, payload: &dyn Fn(FrameKind) -> &'static str) {
        let (count, line) = std::mem::take(&mut self.cut_off);
        if count > 0 {
            let entries = if count == 1 { "entry is" } else { "entries are" };
            self.remarks.push(format!(
                "{}:{line}: {count} {entries} cut off by the source; what is left was read",
                self.ledger.name
            ));
        }
        self.ledger.rejects = self
            .rejects
            .iter()
            .map(|(reason, (frames, first_line))| model::Reject {
                reason: (*reason).to_owned(),
                frames: *frames,
                first_line: *first_line,
            })
            .collect();
        if let Some(container) = container {
            let Glanced { lines, others } = std::mem::take(&mut self.glanced);
            for (kind, count) in [(FrameKind::Line, lines), (FrameKind::Json, others)] {
                if count > 0 {
                    *self.formats.entry((container, payload(kind))).or_default() += count;
                }
            }
        }
        let most =
            self.formats.iter().max_by_key(|((container, payload), count)| (**count, !container, *payload));
        let container = most.map(|((container, _), _)| *container);
        let payload = self
            .formats
            .iter()
            .filter(|((have, payload), _)| Some(*have) == container && !payload.is_empty())
            .max_by_key(|((_, payload), count)| (**count, *payload))
            .map(|((_, payload), _)| *payload);
        self.ledger.format = match (container.map(Shapes::container_name), payload) {
            (None, _) if self.ledger.format.is_empty() => "unknown".to_owned(),
            (None, _) => self.ledger.format.clone(),
            (Some(container), None) => container.to_owned(),
            (Some(container), Some(payload)) => format!("{container}/{payload}"),
        };
    }
}
