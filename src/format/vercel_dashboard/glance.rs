//! Glancing at rows of the CSV export: the few cells that correlation needs, of rows whose message tells nothing. Whatever
//! is odd in a row is left to the decoder. Nothing is learned but where the columns are.

use super::{Figures, column_name, judge};
use crate::format::vercel::{self, Phrases};
use crate::format::{Glance, quiet, stencil, time};
use crate::input::csv_scan;
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::ids::MAX_ID_BYTES;
use crate::record::{Brief, BriefLine, normalise_id_bytes};

const TIME: usize = 0;
const PATH: usize = 1;
const STATUS: usize = 2;
const ID: usize = 3;
const LEVEL: usize = 4;
const KIND: usize = 5;
const FUNCTION: usize = 6;
const DEPLOYMENT: usize = 7;
const DURATION: usize = 8;
const MESSAGE: usize = 9;
const INVOCATION: usize = 10;
const INSTANCE: usize = 11;
const TRACE: usize = 12;
/// All that are not read.
const OTHER: usize = 13;
const SLOTS: usize = 14;

/// The column that only the exports of 2023 have.
const FIRST_ERA: &str = "lambdaDurationInMs";

/// Where the cell of a column is kept.
fn slot(column: &str) -> usize {
    match column {
        "timestampInMs" => TIME,
        "requestPath" => PATH,
        "responseStatusCode" => STATUS,
        "requestId" => ID,
        "level" => LEVEL,
        "type" => KIND,
        "function" => FUNCTION,
        "deploymentId" => DEPLOYMENT,
        "durationMs" | FIRST_ERA => DURATION,
        "message" => MESSAGE,
        "invocationId" => INVOCATION,
        "instanceId" => INSTANCE,
        "traceId" => TRACE,
        _ => OTHER,
    }
}

/// Reads briefs of rows.
pub struct Glancer {
    phrases: Phrases,
    /// Where the columns stand that were looked up last, and how many: a source has one header, which stays in its place.
    columns: (usize, usize),
    /// The slot of each.
    slots: Vec<u8>,
    first_era: bool,
}

impl Glancer {
    /// A glancer that has seen no header yet.
    pub fn new() -> Glancer {
        Glancer { phrases: Phrases::new(), columns: (0, 0), slots: Vec::new(), first_era: false }
    }

    fn look_up(&mut self, context: &FrameContext) {
        let columns = (context.columns.as_ptr().addr(), context.columns.len());
        if self.columns != columns {
            self.columns = columns;
            let names = || context.columns.iter().map(|column| column_name(column));
            self.slots = names().map(|name| slot(name) as u8).collect();
            self.first_era = names().any(|name| name == FIRST_ERA);
        }
    }
}

impl Glance for Glancer {
    /// What no other payload reads is text.
    fn payload(&self, _: FrameKind) -> &'static str {
        "text"
    }

    fn glance<'a>(&mut self, frame: &Frame<'a>, context: &FrameContext) -> Option<Brief<'a>> {
        if frame.kind != FrameKind::Csv {
            return None;
        }
        self.look_up(context);
        let mut cells: [&[u8]; SLOTS] = [b""; SLOTS];
        let count = csv_scan::plain_cells(frame.bytes, context.delimiter(), |number, cell| {
            if let Some(slot) = self.slots.get(number) {
                cells[usize::from(*slot) % SLOTS] = cell;
            }
        })?;
        if count != self.slots.len() || cells[TIME].is_empty() {
            return None;
        }
        let mut message = cells[MESSAGE];
        if self.first_era && message == b"-" {
            message = b"";
        }
        let has_message = !message.is_empty();
        // Text is read without the line end that console.log has put after it.
        message = message.strip_suffix(b"\n").unwrap_or(message);
        if message.is_empty() && has_message
            || !quiet::is_quiet(message)
            || self.phrases.may_stand_in(message)
        {
            return None;
        }
        let integer = stencil::integer_end(cells[TIME], 0).filter(|end| *end == cells[TIME].len())?;
        let time_ms = time::from_integer(stencil::integer(&cells[TIME][..integer]).into())?;
        let id = normalise_id_bytes(cells[ID])?;
        if cells[TRACE].len() > MAX_ID_BYTES {
            return None;
        }
        // All cells are ASCII.
        let text = |slot: usize| std::str::from_utf8(cells[slot]).ok();
        let judged = judge(Figures {
            status: text(STATUS)?,
            duration_ms: text(DURATION)?,
            kind: text(KIND)?,
            has_message,
            has_level: !cells[LEVEL].is_empty(),
            first_era: self.first_era,
        });
        let path = vercel::path_in(text(PATH)?).map(str::as_bytes);
        let function = cells[FUNCTION];
        let concrete = !judged.summary && path == Some(function);
        let named = function.starts_with(b"/") && !judged.middleware && !concrete;
        let route = Some(function).filter(|function| named && vercel::is_route(function));
        let given = |slot: usize| Some(cells[slot]).filter(|cell| !matches!(*cell, b"" | b"-"));
        let stream = given(INSTANCE).or(given(INVOCATION)).unwrap_or_default();
        Some(Brief {
            id,
            trace: normalise_id_bytes(cells[TRACE]).filter(|trace| *trace != id),
            time_ms: Some(time_ms),
            status: judged.status,
            function_status: None,
            marks: judged.marks,
            event_id: None,
            route,
            path: if route.is_none() { path } else { None },
            deployment: given(DEPLOYMENT),
            stream: None,
            complete: true,
            line: Some(BriefLine { stream: [stream, b""], message }),
        })
    }
}
