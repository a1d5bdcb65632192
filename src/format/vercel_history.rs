//! The request history of the Vercel CLI (`vercel logs --json`, CLI 50.12 and later): one object per request. From
//! CLI 50.42 it lists the request's lines under `logs`; before, only the first line's text was kept.

use serde::Deserialize;

use crate::format::vercel::{self, Number, Object, Text};
use crate::format::{About, Container, Decoded};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{IdKind, Level, Marks, Record};

/// The history's requests.
pub struct VercelHistory;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
struct Request<'a> {
    id: Text<'a>,
    timestamp: Number,
    deployment_id: Text<'a>,
    level: Text<'a>,
    message: Text<'a>,
    message_truncated: Text<'a>,
    logs: Option<Vec<Object<Line<'a>>>>,
    source: Text<'a>,
    domain: Text<'a>,
    request_method: Text<'a>,
    request_path: Text<'a>,
    response_status_code: Number,
    environment: Text<'a>,
    branch: Text<'a>,
    cache: Text<'a>,
    cache_reason: Text<'a>,
    ppr_state: Text<'a>,
    trace_id: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
struct Line<'a> {
    level: Text<'a>,
    message: Text<'a>,
    message_truncated: Text<'a>,
}

impl Container for VercelHistory {
    fn name(&self) -> &'static str {
        "vercel-history"
    }

    fn knows_status(&self) -> bool {
        true
    }

    fn about(&self) -> About {
        About {
            title: "Vercel CLI request history",
            fingerprint: "objects with id, timestamp, domain, requestPath and responseStatusCode",
            export: "vercel logs --json --since 24h --limit 1000 > logs.jsonl",
        }
    }

    fn detect(&self, frame: &Frame<'_>, _context: &FrameContext) -> Option<&'static str> {
        if frame.kind == FrameKind::Csv || !vercel::is_object(frame.bytes) {
            return None;
        }
        if is_deployment_error(frame.bytes) {
            return Some("type deployment_error");
        }
        (vercel::has_keys(frame.bytes, &["id", "timestamp", "domain", "requestPath", "responseStatusCode"])
            && !["rowId", "timestampInMs", "rows"].iter().any(|key| vercel::has_key(frame.bytes, key)))
        .then_some("members id, timestamp, domain, responseStatusCode")
    }

    fn decode(&self, frame: &Frame<'_>, context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        if self.detect(frame, context).is_none() {
            return Decoded::NotMine;
        }
        if is_deployment_error(frame.bytes) {
            return Decoded::Ignored("the deployment never became ready, so it has no logs");
        }
        let Some(request) = vercel::read::<Request<'_>>(frame.bytes) else {
            return Decoded::Rejected("broken JSON in a Vercel request history");
        };
        request.into_records(frame, out);
        Decoded::Records
    }
}

/// The one object that the CLI prints instead of a history.
fn is_deployment_error(bytes: &[u8]) -> bool {
    vercel::has_keys(bytes, &["type", "message"])
        && !vercel::has_key(bytes, "id")
        && memchr::memmem::find(bytes, b"\"deployment_error\"").is_some()
}

impl Request<'_> {
    /// One record for the request, which has its status, then one per line; lines have no time of their own.
    fn into_records(self, frame: &Frame<'_>, out: &mut Vec<Record>) {
        // The source is that of the first event only, so middleware here does not mean that it answered.
        let runtime = match vercel::runtime(&self.source.0) {
            (name, false) => name.map(str::to_owned),
            (_, true) => None,
        };
        let mut base = Record {
            at: frame.at,
            time_ms: self.timestamp.time_ms().or_else(|| vercel::id_time_ms(&self.id.0)),
            path: vercel::path(&self.request_path.0),
            runtime,
            deployment: self.deployment_id.given(),
            environment: self.environment.given(),
            branch: self.branch.given(),
            ..Record::default()
        };
        base.set_id(&self.id.0, IdKind::Request);
        base.set_id(&self.trace_id.0, IdKind::Trace);
        vercel::set_method(&mut base, self.request_method);
        vercel::keep(&mut base, "domain", self.domain);

        let logs: Vec<Line<'_>> = self.logs.unwrap_or_default().into_iter().map(|line| line.0).collect();
        let mut request = base.clone();
        request.level = Level::parse(&self.level.0);
        request.status = self.response_status_code.status();
        if request.status.is_some() {
            // Status 0 stands for one that the CLI does not know: the request may still be running.
            request.marks.insert(Marks::CLIENT | Marks::END);
        }
        vercel::keep(&mut request, "source", self.source);
        vercel::keep(&mut request, "cache", self.cache);
        vercel::keep(&mut request, "cache_reason", self.cache_reason);
        vercel::keep(&mut request, "ppr_state", self.ppr_state);
        // With `logs` the message repeats the worst of them.
        if logs.iter().any(|line| line.message.0 == self.message.0) || self.message.0.is_empty() {
            request.marks.insert(Marks::SUMMARY);
        } else {
            request.message = self.message.0.into_owned();
            mark_truncated(&mut request, &self.message_truncated);
        }
        vercel::mark_phrases(&mut request);
        out.push(request);

        for (line, part) in logs.into_iter().zip(frame.at.part.saturating_add(1)..) {
            let mut record = base.clone();
            record.at.part = part;
            record.level = Level::parse(&line.level.0);
            record.message = line.message.0.into_owned();
            mark_truncated(&mut record, &line.message_truncated);
            vercel::mark_phrases(&mut record);
            out.push(record);
        }
    }
}

fn mark_truncated(record: &mut Record, flag: &Text<'_>) {
    if flag.0 == "true" {
        record.marks.insert(Marks::TRUNCATED);
    }
}

#[cfg(test)]
mod tests;
