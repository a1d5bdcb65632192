//! The runtime log stream of the Vercel CLI (`vercel logs --follow --json`, and every `--json` run of the CLI from
//! 35.0 to 50.11): one object per log line. It has no request ID, so method, path, domain and time are what ties
//! lines together. The history that newer CLIs print is `vercel-history`.

use serde::Deserialize;

use crate::format::vercel::{self, Number, Text};
use crate::format::{About, Container, Decoded};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{Level, Marks, Record};

/// The stream's lines.
pub struct VercelStream;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
struct Line<'a> {
    row_id: Text<'a>,
    timestamp_in_ms: Number,
    level: Text<'a>,
    message: Text<'a>,
    message_truncated: Text<'a>,
    source: Text<'a>,
    domain: Text<'a>,
    request_method: Text<'a>,
    request_path: Text<'a>,
    response_status_code: Number,
}

impl Container for VercelStream {
    fn name(&self) -> &'static str {
        "vercel-stream"
    }

    fn knows_status(&self) -> bool {
        true
    }

    fn about(&self) -> About {
        About {
            title: "Vercel CLI runtime log stream",
            fingerprint: "objects with rowId and timestampInMs",
            export: "vercel logs --follow --json > logs.jsonl (has no request ids: prefer vercel logs --json)",
        }
    }

    fn detect(&self, frame: &Frame<'_>, _context: &FrameContext) -> Option<&'static str> {
        (frame.kind != FrameKind::Csv
            && vercel::is_object(frame.bytes)
            && vercel::has_keys(frame.bytes, &["rowId", "timestampInMs"])
            && !vercel::has_key(frame.bytes, "TimeUTC"))
        .then_some("members rowId, timestampInMs")
    }

    fn decode(&self, frame: &Frame<'_>, context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        if self.detect(frame, context).is_none() {
            return Decoded::NotMine;
        }
        let Some(line) = vercel::read::<Line<'_>>(frame.bytes) else {
            return Decoded::Rejected("broken JSON in a Vercel log stream");
        };
        if line.source.0 == "delimiter" {
            return Decoded::Ignored("marker of the log stream");
        }
        let (runtime, middleware) = vercel::runtime(&line.source.0);
        let mut record = Record {
            at: frame.at,
            time_ms: line.timestamp_in_ms.time_ms(),
            level: Level::parse(&line.level.0),
            message: line.message.0.into_owned(),
            event_id: line.row_id.given(),
            status: line.response_status_code.status(),
            path: vercel::path(&line.request_path.0),
            runtime: runtime.map(str::to_owned),
            ..Record::default()
        };
        record.message.truncate(record.message.trim_end_matches('\n').len());
        if line.source.0 == "request" {
            record.marks.insert(Marks::SUMMARY | Marks::END);
            if record.status.is_some() {
                record.marks.insert(Marks::CLIENT);
            }
        }
        if middleware {
            record.marks.insert(vercel::middleware_marks(record.status));
        }
        if line.message_truncated.0 == "true" {
            record.marks.insert(Marks::TRUNCATED);
        }
        vercel::mark_phrases(&mut record);
        vercel::set_method(&mut record, line.request_method);
        vercel::keep(&mut record, "domain", line.domain);
        vercel::keep(&mut record, "source", line.source);
        out.push(record);
        Decoded::Records
    }
}

#[cfg(test)]
mod tests;
