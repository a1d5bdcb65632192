//! CloudWatch Logs Insights: results of the API, and the console's JSON and CSV downloads. What a message holds
//! is not read here.

use memchr::memmem;
use serde_json::Value;

use super::{About, Container, Decoded, aws, json, time};
use crate::input::csv_scan;
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{Marks, Record};

/// The shape `insights-api`: rows of `{"field": …, "value": …}` pairs, or objects under `results`.
pub struct InsightsApi;
/// The shape `insights-json`: an array of objects with `@timestamp` and `@message`.
pub struct InsightsJson;
/// The shape `insights-csv`: the same as a table.
pub struct InsightsCsv;

const REFUSED: Decoded =
    Decoded::Rejected("an Insights aggregation has no log lines: select @timestamp, @message, @logStream");

impl Container for InsightsApi {
    fn name(&self) -> &'static str {
        "insights-api"
    }

    fn about(&self) -> About {
        About {
            title: "CloudWatch Logs Insights results (API)",
            fingerprint: "results[] of {field, value} pairs",
            export: "aws logs get-query-results --query-id ID",
        }
    }

    fn detect(&self, frame: &Frame<'_>, context: &FrameContext) -> Option<&'static str> {
        if frame.kind != FrameKind::Json {
            return None;
        }
        if frame.bytes.trim_ascii_start().starts_with(b"[") {
            return pairs(frame.bytes).map(|_| "a row of field and value pairs");
        }
        let map = (context.array_key == "results").then(|| json::object(frame.bytes)).flatten()?;
        map.keys().any(|key| is_insights_column(key)).then_some("results[] with @ fields")
    }

    fn decode(&self, frame: &Frame<'_>, _context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        if let Some(pairs) = pairs(frame.bytes) {
            return row(pairs, frame, out);
        }
        match json::object(frame.bytes) {
            Some(map) => row(map.into_iter().collect(), frame, out),
            None => Decoded::NotMine,
        }
    }
}

impl Container for InsightsJson {
    fn name(&self) -> &'static str {
        "insights-json"
    }

    fn about(&self) -> About {
        About {
            title: "CloudWatch Logs Insights download (JSON)",
            fingerprint: "objects with @timestamp or @message",
            export: "CloudWatch console, Logs Insights, Export results, JSON",
        }
    }

    fn detect(&self, frame: &Frame<'_>, context: &FrameContext) -> Option<&'static str> {
        if frame.kind != FrameKind::Json || context.array_key == "results" {
            return None;
        }
        // Every name looked for begins with `@` or ends with a bracket.
        if ![&b"\"@"[..], b")\""].iter().any(|word| memmem::find(frame.bytes, word).is_some()) {
            return None;
        }
        let map = json::object(frame.bytes)?;
        // winston's format for Logstash has @message and @timestamp too.
        if map.contains_key("@fields") {
            return None;
        }
        // Elastic's documents have @timestamp too, but never @message beside it.
        if map.contains_key("@message") {
            return Some("@message");
        }
        if map.keys().any(|key| matches!(key.as_str(), "@ptr" | "@logStream" | "@log")) {
            return Some("@logStream or @ptr");
        }
        map.keys().any(|key| is_aggregation(key)).then_some("columns of an Insights aggregation")
    }

    fn decode(&self, frame: &Frame<'_>, _context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        match json::object(frame.bytes) {
            Some(map) => row(map.into_iter().collect(), frame, out),
            None => Decoded::NotMine,
        }
    }
}

impl Container for InsightsCsv {
    fn name(&self) -> &'static str {
        "insights-csv"
    }

    fn about(&self) -> About {
        About {
            title: "CloudWatch Logs Insights download (CSV)",
            fingerprint: "a header with @timestamp or @message",
            export: "CloudWatch console, Logs Insights, Export results, CSV",
        }
    }

    fn detect(&self, frame: &Frame<'_>, context: &FrameContext) -> Option<&'static str> {
        if frame.kind != FrameKind::Csv {
            return None;
        }
        let columns: Vec<&str> = context.columns.iter().map(String::as_str).collect();
        self.claims_header(&columns).then_some("header with @timestamp or @message")
    }

    fn claims_header(&self, columns: &[&str]) -> bool {
        columns.iter().any(|name| matches!(*name, "@timestamp" | "@message") || is_aggregation(name))
    }

    fn decode(&self, frame: &Frame<'_>, context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        let cells = csv_scan::fields(frame.bytes, context.delimiter());
        if cells.iter().all(|cell| cell.is_empty()) {
            return Decoded::Ignored("blank row");
        }
        if cells == context.columns {
            return Decoded::Ignored("header");
        }
        let cells = context
            .columns
            .iter()
            .cloned()
            .zip(cells.into_iter().map(|cell| Value::String(cell.into_owned())))
            .collect();
        row(cells, frame, out)
    }
}

/// The cells of a row of the API; none where it is no such row.
fn pairs(bytes: &[u8]) -> Option<Vec<(String, Value)>> {
    let bytes = bytes.trim_ascii();
    if bytes.first() != Some(&b'[') {
        return None;
    }
    let Ok(Value::Array(items)) = serde_json::from_slice(bytes) else {
        return None;
    };
    let cells: Option<Vec<(String, Value)>> = items
        .into_iter()
        .map(|item| match item {
            Value::Object(mut pair) => {
                let Some(Value::String(field)) = pair.remove("field") else { return None };
                Some((field, pair.remove("value").unwrap_or(Value::Null)))
            }
            _ => None,
        })
        .collect();
    cells.filter(|cells| !cells.is_empty())
}

fn is_insights_column(name: &str) -> bool {
    matches!(name, "@timestamp" | "@message" | "@logStream" | "@log" | "@ptr" | "@requestId")
        || is_aggregation(name)
}

/// `count(*)`, `bin(5m)` and the other functions of `stats`, as Insights names their columns.
fn is_aggregation(name: &str) -> bool {
    let Some((function, _)) = name.split_once('(').filter(|_| name.ends_with(')')) else {
        return false;
    };
    matches!(
        function,
        "bin"
            | "count"
            | "count_distinct"
            | "sum"
            | "avg"
            | "min"
            | "max"
            | "pct"
            | "stddev"
            | "median"
            | "earliest"
            | "latest"
            | "sortsFirst"
            | "sortsLast"
    )
}

fn row(cells: Vec<(String, Value)>, frame: &Frame<'_>, out: &mut Vec<Record>) -> Decoded {
    let mut record = Record { at: frame.at, ..Record::default() };
    let mut message = None;
    let mut renamed = None;
    for (name, value) in cells {
        match name.as_str() {
            "@message" => message = message_text(value),
            // Fields that Insights discovered in JSON lines, and columns renamed by `as`.
            "message" | "msg" | "log" => renamed = renamed.or_else(|| message_text(value)),
            _ => cell(&name, value, &mut record),
        }
    }
    let Some(mut text) = message.or(renamed) else {
        return REFUSED;
    };
    aws::clean(&mut text);
    record.message = text;
    out.push(record);
    Decoded::Records
}

/// A message that the console parsed is written back as JSON text.
fn message_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn cell(name: &str, value: Value, record: &mut Record) {
    let Some(text) = json::scalar(&value) else {
        return;
    };
    match name {
        "@timestamp" => record.time_ms = time::parse(&text).map(|stamp| stamp.ms),
        "timestamp" | "time" | "t" | "ts" | "datetime" if record.time_ms.is_none() => {
            record.time_ms = time::parse(&text).map(|stamp| stamp.ms);
        }
        "@logStream" => record.stream = Some(text),
        "@log" => aws::set_field(record, aws::LOG_GROUP, aws::log_group(&text)),
        "@requestId" => aws::set_lambda_id(record, &text),
        "@xrayTraceId" => aws::set_trace_id(record, &text),
        "@duration" => record.duration_ms = text.parse().ok(),
        "@maxMemoryUsed" => record.memory_used_mb = megabytes(&text),
        "@memorySize" => record.memory_limit_mb = megabytes(&text),
        "@initDuration" if text.parse::<f64>().is_ok_and(|ms| ms > 0.0) => {
            record.marks.insert(Marks::COLD_START)
        }
        // A pointer of this query, no identity of the event: it would hide that two exports hold the same line.
        "@ptr" | "@ingestionTime" | "@entity" => {}
        _ => aws::set_field(record, name.strip_prefix("@@").unwrap_or(name), &text),
    }
}

/// Insights gives memory in bytes, `6.7E7`, counting a megabyte as 10⁶ bytes.
fn megabytes(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|bytes| bytes.is_finite() && *bytes >= 0.0).map(|bytes| bytes / 1e6)
}

#[cfg(test)]
#[path = "insights_tests.rs"]
mod tests;
