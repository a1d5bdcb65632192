//! Container `w3c`: extended log files, in which a line `#Fields:` names what stands in the lines below it: IIS and HTTP.sys,
//! CloudFront's standard logs. Each row is one answered request, and its status is what the client got.
//! <https://www.w3.org/TR/WD-logfile.html>
//! <https://learn.microsoft.com/windows/win32/http/w3c-logging>
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html>

use std::fmt::Write;

use serde_json::{Map, Value};

use super::text_parts::{is_uuid, push_field, set_request, set_request_id};
use super::{About, Container, Decoded, time};
use crate::input::frame::{Frame, FrameContext, FrameKind, lossy};
use crate::record::{Client, Level, Marks, Record};

/// The shape `w3c`.
pub struct W3c;

/// Fields that tell why a request failed; they are kept and shown where they say anything. Rules know their names.
const TELLING: [&str; 8] = [
    "sc-substatus",
    "sc-win32-status",
    "s-reason",
    "s-queuename",
    "x-edge-result-type",
    "x-edge-response-result-type",
    "x-edge-detailed-result-type",
    "x-edge-location",
];
/// Fields that hold the request's ID. Lower case; the names of headers stand in `cs()`.
const IDS: [&str; 7] = [
    "x-edge-request-id",
    "cs(x-request-id)",
    "cs(x-correlation-id)",
    "cs(request-id)",
    "x-request-id",
    "x-correlation-id",
    "sc(x-request-id)",
];
/// What Azure's front end adds to the query of a request, before its ID.
const ARR_KEY: &str = "X-ARR-LOG-ID=";

impl Container for W3c {
    fn name(&self) -> &'static str {
        "w3c"
    }

    fn about(&self) -> About {
        About {
            title: "W3C extended log files: IIS, HTTP.sys, CloudFront's standard logs",
            fingerprint: "a line #Fields: above the rows",
            export: "the u_ex*.log and httperr*.log files of IIS; the bucket of CloudFront's standard logs",
        }
    }

    fn detect(&self, frame: &Frame<'_>, context: &FrameContext) -> Option<&'static str> {
        (!context.columns.is_empty() && frame.kind == FrameKind::Line && begins_as_row(frame.bytes, context))
            .then_some("a line #Fields: names its columns")
    }

    fn knows_status(&self) -> bool {
        true
    }

    fn decode(&self, frame: &Frame<'_>, context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        if context.columns.is_empty() || frame.kind != FrameKind::Line {
            return Decoded::NotMine;
        }
        let text = lossy(frame.bytes);
        // IIS reserves room in the file at hand and fills it with zero bytes.
        let text = text.trim_matches(['\0', '\r', '\n']);
        if text.trim().is_empty() {
            return Decoded::Ignored("blank line");
        }
        let cells: Vec<&str> = if text.contains('\t') {
            text.split('\t').collect()
        } else {
            text.split_ascii_whitespace().collect()
        };
        if cells.len() != context.columns.len() {
            return Decoded::Rejected("a row has as many fields as #Fields: names");
        }
        let mut record = Record { at: frame.at, ..Record::default() };
        Row { columns: &context.columns, cells }.fill(context, &mut record);
        if record.time_ms.is_none() {
            return Decoded::Rejected("a row has a time");
        }
        if record.status.is_none() && record.method.is_none() && record.path.is_none() {
            return Decoded::Ignored("a connection without a request");
        }
        out.push(record);
        Decoded::Records
    }
}

/// Whether an object is a row whose members have the names of such fields, as CloudFront writes JSON.
pub fn is_row(map: &Map<String, Value>) -> bool {
    map.contains_key("sc-status") && map.contains_key("cs-method")
}

/// Reads such an object.
pub fn read_row(map: &Map<String, Value>, record: &mut Record) {
    let columns: Vec<String> = map.keys().cloned().collect();
    let cells: Vec<&str> = map.values().map(|value| value.as_str().unwrap_or_default()).collect();
    let (time_ms, level) = (record.time_ms, record.level);
    Row { columns: &columns, cells }.fill(&FrameContext::default(), record);
    record.time_ms = record.time_ms.or(time_ms);
    record.level = level.or(record.level);
}

/// Whether a line begins with a date or a clock, as the first column says; what else stands in such a file is somebody
/// else's. Rows of all known servers begin so, and no entry of another shape does.
fn begins_as_row(line: &[u8], context: &FrameContext) -> bool {
    let starts_with_digit = line.first().is_some_and(u8::is_ascii_digit);
    match context.columns.first().map(String::as_str) {
        Some("date") => {
            starts_with_digit && line.get(4) == Some(&b'-') && matches!(line.get(10), Some(b' ' | b'\t'))
        }
        Some("time") => starts_with_digit && line.get(2) == Some(&b':'),
        _ => false,
    }
}

/// A row and the names of its fields.
struct Row<'r> {
    columns: &'r [String],
    cells: Vec<&'r str>,
}

impl<'r> Row<'r> {
    /// The value of a field; a dash says that there is none.
    fn get(&self, name: &str) -> Option<&'r str> {
        let at = self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))?;
        self.cells.get(at).copied().filter(|value| !matches!(*value, "-" | ""))
    }

    fn fill(&self, context: &FrameContext, record: &mut Record) {
        let is_cloudfront = self.columns.iter().any(|column| column.starts_with("x-edge-"));
        record.time_ms = self.time_ms(context);
        let verb = self.get("cs-method").unwrap_or_default();
        let target = self.get("cs-uri-stem").or_else(|| self.get("cs-uri")).unwrap_or_default();
        set_request(record, verb, target);
        let status = self.get("sc-status").or_else(|| self.get("s-status")).unwrap_or_default();
        record.status = status.parse().ok().filter(|code| (100..600).contains(code));
        record.duration_ms = self.get("time-taken").and_then(|took| took.parse().ok()).map(|took: f64| {
            // CloudFront counts in seconds, IIS in milliseconds.
            if is_cloudfront { (took * 1e6).round() / 1e3 } else { took }
        });
        record.marks.insert(Marks::END);
        match record.status {
            Some(499) => record.marks.insert(Marks::ABORTED | Marks::CLIENT),
            Some(_) => record.marks.insert(Marks::CLIENT),
            // `000`: the viewer closed the connection before there was an answer.
            None => record.marks.insert(Marks::ABORTED),
        }
        if is_cloudfront {
            record.marks.insert(Marks::EDGE);
        }
        record.level = Some(if record.status >= Some(500) { Level::Error } else { Level::Info });
        push_field(record, "logger", if is_cloudfront { "cloudfront" } else { "w3c" });
        for name in TELLING {
            if let Some(value) = self.get(name) {
                push_field(record, name, value);
            }
        }
        if let Some(id) = IDS.iter().find_map(|name| self.get(name)).or_else(|| self.arr_id()) {
            set_request_id(record, id);
        }
        record.client = self.get("cs(User-Agent)").and_then(|agent| Client::of(&agent.replace('+', " ")));
        record.message = self.words(record);
    }

    fn time_ms(&self, context: &FrameContext) -> Option<i64> {
        if let Some(number) = self.get("timestamp(ms)").or_else(|| self.get("timestamp")) {
            return time::from_integer(number.parse().ok()?);
        }
        // A file of which the rows have a clock only has its day in a line above them.
        let above = context.envelope.iter().rev().find(|(name, _)| name == "Date");
        let day = self.get("date").or_else(|| above.and_then(|(_, date)| date.split(' ').next()))?;
        // Both stand in UTC.
        Some(time::parse(&format!("{day} {}", self.get("time")?))?.ms)
    }

    /// The ID that Azure's front end wrote into the query.
    fn arr_id(&self) -> Option<&'r str> {
        let (_, rest) = self.get("cs-uri-query")?.split_once(ARR_KEY)?;
        rest.split('&').next().filter(|id| is_uuid(id))
    }

    /// The row for people: no query, no address, no agent, and of the rest what tells something.
    fn words(&self, record: &Record) -> String {
        let mut text = String::new();
        let parts = [record.method.as_deref(), record.path.as_deref(), self.get("sc-status")];
        for part in parts.into_iter().flatten() {
            text.push_str(if text.is_empty() { "" } else { " " });
            text.push_str(part);
        }
        for name in TELLING {
            if let Some(value) = self.get(name).filter(|value| *value != "0") {
                // A text cannot fail to be written to.
                let _ = write!(text, " {name}={value}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::registry::{CONTAINERS, Detector, Shapes};
    use crate::input::framer::{Framer, Skipped, Step};

    /// The records of a file, and how many lines were headers and broken rows.
    fn read(text: &str) -> (Vec<Record>, usize, usize) {
        let (mut framer, mut detector) = (Framer::new("x.log", 1 << 16), Detector::new(Shapes::all()));
        let (mut at, mut out, mut headers, mut rejected) = (0, Vec::new(), 0, 0);
        let bytes = text.as_bytes();
        loop {
            match framer.next(&bytes[at..], true, &mut detector) {
                Step::Frame { start, end, next, kind, .. } => {
                    let frame = Frame { bytes: &bytes[at + start..at + end], kind, at: Default::default() };
                    let read = Shapes::all().read(&frame, &framer.context().clone(), None, None, &mut out);
                    assert_eq!(CONTAINERS[usize::from(read.container.expect("known"))].name(), "w3c");
                    rejected += usize::from(matches!(read.decoded, Decoded::Rejected(_)));
                    at += next;
                }
                Step::Skip { next, what, .. } => {
                    headers += usize::from(what == Skipped::Header);
                    at += next;
                }
                Step::Trailer { next, .. } => at += next,
                Step::More => return (out, headers, rejected),
            }
        }
    }

    #[test]
    fn reads_iis() {
        let (rows, headers, rejected) = read(
            "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2026-01-01 10:10:15\r\n\
             #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n\
             2026-01-01 10:10:15 192.0.2.1 GET /orders/7 request_id=5&X-ARR-LOG-ID=7b1f2a3c-0d1e-4f5a-8b9c-0d1e2f3a4b5c 443 - 203.0.113.9 curl/8.5.0 - 500 19 2147942403 1234\r\n\
             2026-01-01 10:10:16 192.0.2.1 GET /ok - 443 - 203.0.113.9 curl/8.5.0 - 200 0 0 3\r\n\
             2026-01-01 10:10:17 192.0.2.1 GET /torn - 443\r\n\
             #Fields: time cs-method cs-uri-stem sc-status\r\n\
             10:10:18 POST /pay 503\r\n\0\0\0\0",
        );
        assert_eq!((rows.len(), headers, rejected), (3, 5, 1));
        let failed = &rows[0];
        assert_eq!(
            (failed.status, failed.path.as_deref(), failed.duration_ms),
            (Some(500), Some("/orders/7"), Some(1234.0))
        );
        assert_eq!(failed.time_ms, Some(1_767_262_215_000));
        assert_eq!(failed.message, "GET /orders/7 500 sc-substatus=19 sc-win32-status=2147942403");
        assert_eq!(
            failed.id.as_ref().map(|id| id.text.as_str()),
            Some("7b1f2a3c-0d1e-4f5a-8b9c-0d1e2f3a4b5c")
        );
        assert!(
            failed.marks.has(Marks::CLIENT) && failed.marks.has(Marks::END) && !failed.marks.has(Marks::EDGE)
        );
        assert_eq!((rows[1].status, rows[1].id.is_none()), (Some(200), true));
        assert_eq!((rows[2].status, rows[2].time_ms), (Some(503), Some(1_767_262_218_000)));
    }

    #[test]
    fn reads_cloudfront() {
        let (rows, ..) = read(
            "#Version: 1.0\n#Fields: date time x-edge-location cs-method cs-uri-stem sc-status x-edge-result-type x-edge-request-id time-taken x-edge-detailed-result-type\n\
             2026-01-01\t10:10:15\tFRA56-P1\tGET\t/o/7\t502\tError\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\t0.043\tOriginConnectError\n\
             2026-01-01\t10:10:16\tFRA56-P1\tGET\t/o/8\t000\tError\tk6WGMNkEzR5BEM_SaF47gjtX9zBDO2m349OY2an0QPEaUum1ZOLrow==\t0.1\tClientCommError\n",
        );
        assert_eq!((rows[0].status, rows[0].duration_ms), (Some(502), Some(43.0)));
        assert_eq!(rows[0].field("x-edge-detailed-result-type"), Some("OriginConnectError"));
        assert!(rows[0].id.is_some() && rows[0].marks.has(Marks::EDGE));
        assert!(rows[1].status.is_none() && rows[1].marks.has(Marks::ABORTED));
    }
}
