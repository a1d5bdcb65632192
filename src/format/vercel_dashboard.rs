//! Exports of Vercel's dashboard (`logs_result.csv` and `logs_result.json`): rows of several requests mixed, each
//! either a log line or the summary of a request. CSV and JSON have the same columns and one meaning, read here;
//! columns came and went over the years, so they are read by name.
//!
//! A status of −1 or nothing means "on another row" or "not known", never a crash: that is the log drain's sentinel.
//! Rows have no ID of their own.

mod glance;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::format::time;
use crate::format::vercel::{self, Number, Text};
use crate::format::{About, Container, Decoded, Glance};
use crate::input::csv_scan as csv;
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{Client, IdKind, Level, Marks, Record};

/// The CSV export.
pub struct VercelDashboardCsv;

/// The JSON export.
pub struct VercelDashboardJson;

/// The columns that are read, as text.
#[derive(Debug, Default)]
struct Row<'a> {
    time_utc: Text<'a>,
    timestamp_ms: Text<'a>,
    path: Text<'a>,
    method: Text<'a>,
    status: Text<'a>,
    request_id: Text<'a>,
    level: Text<'a>,
    environment: Text<'a>,
    branch: Text<'a>,
    cache: Text<'a>,
    kind: Text<'a>,
    function: Text<'a>,
    host: Text<'a>,
    deployment_id: Text<'a>,
    duration_ms: Text<'a>,
    region: Text<'a>,
    memory_used_mb: Text<'a>,
    memory_limit_mb: Text<'a>,
    message: Text<'a>,
    project_name: Text<'a>,
    trace_id: Text<'a>,
    invocation_id: Text<'a>,
    instance_id: Text<'a>,
    concurrency: Text<'a>,
    user_agent: Text<'a>,
    /// Whether the columns are those of 2023, where `-` stands for an empty message.
    first_era: bool,
}

impl<'a> Row<'a> {
    /// Where a column is kept; `None` for columns that are not read (also those with personal data).
    fn slot(&mut self, column: &str) -> Option<&mut Text<'a>> {
        self.first_era |= column == "lambdaDurationInMs";
        Some(match column {
            "TimeUTC" => &mut self.time_utc,
            "timestampInMs" => &mut self.timestamp_ms,
            "requestPath" => &mut self.path,
            "requestMethod" => &mut self.method,
            "responseStatusCode" => &mut self.status,
            "requestId" => &mut self.request_id,
            "level" => &mut self.level,
            "environment" => &mut self.environment,
            "branch" => &mut self.branch,
            "vercelCache" => &mut self.cache,
            "type" => &mut self.kind,
            "function" => &mut self.function,
            "host" => &mut self.host,
            "deploymentId" => &mut self.deployment_id,
            "durationMs" | "lambdaDurationInMs" => &mut self.duration_ms,
            "region" | "lambdaRegion" => &mut self.region,
            "maxMemoryUsed" | "lambdaMaxMemoryUsed" => &mut self.memory_used_mb,
            "memorySize" | "lambdaMemorySize" => &mut self.memory_limit_mb,
            "message" => &mut self.message,
            "projectName" => &mut self.project_name,
            "traceId" => &mut self.trace_id,
            "invocationId" => &mut self.invocation_id,
            "instanceId" => &mut self.instance_id,
            "concurrency" => &mut self.concurrency,
            // Of this only the family is kept.
            "requestUserAgent" => &mut self.user_agent,
            _ => return None,
        })
    }

    /// The time of the row. A spreadsheet rounds `timestampInMs` to hours (`1.76563E+12`): then the second in
    /// `TimeUTC` counts, else the start of the request in its ID.
    fn time_ms(&self) -> Option<i64> {
        let exact = !self.timestamp_ms.0.contains(['E', 'e', '+']);
        exact
            .then(|| time::from_number_text(&self.timestamp_ms.0))
            .flatten()
            .or_else(|| time::parse(&self.time_utc.0).map(|stamp| stamp.ms))
            .or_else(|| vercel::id_time_ms(&self.request_id.0))
    }

    /// Text that an unescaped quote or a spreadsheet has pushed into a row of its own: it lacks all that a row has.
    fn is_fragment(&self) -> bool {
        self.request_id.0.is_empty()
            && Number::parse(&self.status.0).0.is_none()
            && self.deployment_id.0.is_empty()
            && self.time_ms().is_none()
    }

    fn into_record(mut self) -> Record {
        if self.first_era && self.message.0 == "-" {
            self.message = Text::default();
        }
        let Judged { status, duration, summary, runtime, middleware, marks } = judge(Figures {
            status: &self.status.0,
            duration_ms: &self.duration_ms.0,
            kind: &self.kind.0,
            has_message: !self.message.0.is_empty(),
            has_level: !self.level.0.is_empty(),
            first_era: self.first_era,
        });
        let runtime = runtime.map(str::to_owned);
        let mut record = Record {
            time_ms: self.time_ms(),
            level: Level::parse(&self.level.0),
            message: self.message.0.into_owned(),
            status,
            stream: self.instance_id.given().or_else(|| self.invocation_id.given()),
            path: vercel::path(&self.path.0),
            runtime,
            deployment: self.deployment_id.given(),
            region: self.region.given(),
            environment: self.environment.given(),
            branch: self.branch.given(),
            client: Client::of(&self.user_agent.0),
            ..Record::default()
        };
        record.set_id(&self.request_id.0, IdKind::Request);
        record.set_id(&self.trace_id.0, IdKind::Trace);
        vercel::set_method(&mut record, self.method);
        record.marks.insert(marks);
        if !middleware {
            record.duration_ms = duration.0.filter(|ms| *ms > 0.0);
            record.memory_used_mb = Number::parse(&self.memory_used_mb.0).0.filter(|mb| *mb > 0.0);
            record.memory_limit_mb = Number::parse(&self.memory_limit_mb.0).0.filter(|mb| *mb > 0.0);
            // Line rows can name the concrete path here, where the summary names the template.
            let concrete = !summary && record.path.as_deref() == Some(self.function.0.as_ref());
            if self.function.0.starts_with('/') && !concrete {
                record.route = vercel::route(&self.function.0);
            }
        }
        vercel::mark_phrases(&mut record);
        vercel::keep(&mut record, "host", self.host);
        vercel::keep(&mut record, "function", self.function);
        vercel::keep(&mut record, "cache", self.cache);
        vercel::keep(&mut record, "type", self.kind);
        vercel::keep(&mut record, "project", self.project_name);
        if Number::parse(&self.concurrency.0).0.is_some_and(|n| n > 1.0) {
            vercel::keep(&mut record, "concurrency", self.concurrency);
        }
        record
    }
}

/// What decides what a row is, as it stands there.
struct Figures<'a> {
    status: &'a str,
    duration_ms: &'a str,
    kind: &'a str,
    has_message: bool,
    has_level: bool,
    first_era: bool,
}

/// What a row is.
struct Judged<'a> {
    status: Option<u16>,
    duration: Number,
    /// The summary of a request, else a line that it logged.
    summary: bool,
    runtime: Option<&'a str>,
    middleware: bool,
    marks: Marks,
}

fn judge(row: Figures<'_>) -> Judged<'_> {
    let status = Number::parse(row.status).status();
    let duration = Number::parse(row.duration_ms);
    let (runtime, middleware) = vercel::runtime(row.kind);
    // Until November 2025 a summary has −1 for a duration that it lacks; later it has no level.
    let summary = !row.has_message
        && (duration.known().is_some()
            || status.is_some() && (duration.is_minus_one() || !row.has_level || row.first_era));
    let mut marks = Marks::default();
    if summary {
        marks.insert(Marks::SUMMARY);
    }
    if middleware {
        marks.insert(if summary { vercel::middleware_marks(status) } else { Marks::MIDDLEWARE });
    } else if summary || duration.known().is_some() {
        marks.insert(Marks::END);
        if status.is_some() {
            marks.insert(Marks::CLIENT);
        }
    }
    Judged { status, duration, summary, runtime, middleware, marks }
}

/// A record for text without a row; it continues what stands before it.
fn fragment<'a>(cells: impl Iterator<Item = &'a str>) -> Option<Record> {
    let cells: Vec<&str> = cells.filter(|cell| !cell.trim().is_empty()).collect();
    let message = cells.join(",").replace("\"\"", "\"");
    (!message.is_empty()).then(|| {
        let mut record = Record { message, marks: Marks::CONTINUATION, ..Record::default() };
        vercel::mark_phrases(&mut record);
        record
    })
}

fn push(record: Record, frame: &Frame<'_>, out: &mut Vec<Record>) -> Decoded {
    out.push(Record { at: frame.at, ..record });
    Decoded::Records
}

impl Container for VercelDashboardCsv {
    fn name(&self) -> &'static str {
        "vercel-dashboard-csv"
    }

    fn knows_status(&self) -> bool {
        true
    }

    fn about(&self) -> About {
        About {
            title: "Vercel dashboard export, CSV",
            fingerprint: "a header row with TimeUTC and timestampInMs",
            export: "Vercel dashboard, Logs, Export, CSV (logs_result.csv)",
        }
    }

    fn detect(&self, frame: &Frame<'_>, context: &FrameContext) -> Option<&'static str> {
        let has = |name: &str| context.columns.iter().any(|column| column_name(column) == name);
        (frame.kind == FrameKind::Csv && has("TimeUTC") && has("timestampInMs"))
            .then_some("columns TimeUTC, timestampInMs")
    }

    fn claims_header(&self, columns: &[&str]) -> bool {
        ["TimeUTC", "timestampInMs"].iter().all(|name| columns.iter().any(|c| column_name(c) == *name))
    }

    fn glancer(&self) -> Option<Box<dyn Glance>> {
        Some(Box::new(glance::Glancer::new()))
    }

    fn decode(&self, frame: &Frame<'_>, context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        if self.detect(frame, context).is_none() {
            return Decoded::NotMine;
        }
        let cells = csv::fields(frame.bytes, context.delimiter());
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Decoded::Ignored("empty row");
        }
        if cells.iter().zip(&context.columns).take(4).all(|(cell, column)| cell == column) {
            return Decoded::Ignored("header row");
        }
        let mut row = Row::default();
        for (cell, column) in cells.iter().zip(&context.columns) {
            if let Some(slot) = row.slot(column_name(column)) {
                slot.0 = Cow::Borrowed(cell);
            }
        }
        if row.is_fragment() {
            return match fragment(cells.iter().map(AsRef::as_ref)) {
                Some(record) => push(record, frame, out),
                None => Decoded::Ignored("empty row"),
            };
        }
        push(row.into_record(), frame, out)
    }
}

/// A column's name without what spreadsheets put around it.
fn column_name(column: &str) -> &str {
    column.trim_start_matches('\u{feff}').trim().trim_matches('"')
}

impl Container for VercelDashboardJson {
    fn name(&self) -> &'static str {
        "vercel-dashboard-json"
    }

    fn knows_status(&self) -> bool {
        true
    }

    fn about(&self) -> About {
        About {
            title: "Vercel dashboard export, JSON",
            fingerprint: "objects with TimeUTC and timestampInMs",
            export: "Vercel dashboard, Logs, Export, JSON (logs_result.json)",
        }
    }

    fn detect(&self, frame: &Frame<'_>, _context: &FrameContext) -> Option<&'static str> {
        (frame.kind != FrameKind::Csv
            && vercel::is_object(frame.bytes)
            && vercel::has_keys(frame.bytes, &["TimeUTC", "timestampInMs"]))
        .then_some("members TimeUTC, timestampInMs")
    }

    fn decode(&self, frame: &Frame<'_>, context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        if self.detect(frame, context).is_none() {
            return Decoded::NotMine;
        }
        let Some(row) = vercel::read::<Row<'_>>(frame.bytes) else {
            return Decoded::Rejected("broken JSON in a Vercel dashboard export");
        };
        if row.is_fragment() {
            let cells = [&row.time_utc, &row.timestamp_ms, &row.path, &row.method, &row.status, &row.message];
            return match fragment(cells.into_iter().map(|cell| cell.0.as_ref())) {
                Some(record) => push(record, frame, out),
                None => Decoded::Ignored("empty row"),
            };
        }
        push(row.into_record(), frame, out)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Row<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row<'de>, A::Error> {
        let mut row = Row::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match row.slot(&key) {
                Some(slot) => *slot = map.next_value()?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(row)
    }
}

#[cfg(test)]
mod tests;
