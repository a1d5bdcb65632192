//! Vercel log drain entries (array elements, NDJSON lines or single objects): one object is one log line. Build
//! output has no request and is passed over; drains that hold no logs (traces, analytics, audit) are refused.
//! Lambda's START/END/REPORT text inside a message is left for the payload layer.

use serde::Deserialize;

use crate::format::members::Members;
use crate::format::stencil::{self, Holes, Role, Stencils};
use crate::format::vercel::{self, Number, Object, Text};
use crate::format::{About, Container, Decoded, Glance, time};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::ids::MAX_ID_BYTES;
use crate::record::{Brief, IdKind, Level, Marks, Record, normalise_id_bytes};

/// A log drain's entries.
pub struct VercelDrain;

/// Members that are read; all are optional and of any type.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
struct Entry<'a> {
    id: Text<'a>,
    timestamp: Number,
    source: Text<'a>,
    #[serde(rename = "type")]
    kind: Text<'a>,
    edge_type: Text<'a>,
    level: Text<'a>,
    message: Text<'a>,
    deployment_id: Text<'a>,
    project_name: Text<'a>,
    host: Text<'a>,
    path: Text<'a>,
    entrypoint: Text<'a>,
    environment: Text<'a>,
    branch: Text<'a>,
    execution_region: Text<'a>,
    request_id: Text<'a>,
    status_code: Number,
    destination: Text<'a>,
    invocation_id: Text<'a>,
    instance_id: Text<'a>,
    trace_id: Text<'a>,
    #[serde(rename = "trace.id")]
    trace_id_dotted: Text<'a>,
    proxy: Object<Proxy<'a>>,
}

/// What the edge network knows of the request.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
struct Proxy<'a> {
    timestamp: Number,
    method: Text<'a>,
    host: Text<'a>,
    path: Text<'a>,
    status_code: Number,
    vercel_id: Text<'a>,
    vercel_cache: Text<'a>,
    path_type: Text<'a>,
    lambda_region: Text<'a>,
    waf_action: Text<'a>,
    /// A text, or a list of one.
    user_agent: serde_json::Value,
}

impl Container for VercelDrain {
    fn name(&self) -> &'static str {
        "vercel-drain"
    }

    fn knows_status(&self) -> bool {
        true
    }

    fn about(&self) -> About {
        About {
            title: "Vercel log drain (JSON or NDJSON)",
            fingerprint: "objects with id, timestamp, source and deploymentId or projectId",
            export: "the bodies that Vercel posts to the endpoint of a log drain, saved as they come",
        }
    }

    fn detect(&self, frame: &Frame<'_>, _context: &FrameContext) -> Option<&'static str> {
        if frame.kind == FrameKind::Csv || !vercel::is_object(frame.bytes) {
            return None;
        }
        if other_drain(frame.bytes).is_some() {
            return Some("a Vercel drain that holds no logs");
        }
        let bytes = frame.bytes;
        (vercel::has_keys(bytes, &["id", "timestamp", "source"])
            && (vercel::has_key(bytes, "deploymentId") || vercel::has_key(bytes, "projectId"))
            && !["rowId", "event_message", "TimeUTC", "responseStatusCode", "timestampInMs"]
                .iter()
                .any(|key| vercel::has_key(bytes, key)))
        .then_some("members id, timestamp, source, deploymentId")
    }

    fn glancer(&self) -> Option<Box<dyn Glance>> {
        Some(Box::new(Glancer { stencils: Stencils::new(role) }))
    }

    fn decode(&self, frame: &Frame<'_>, context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        if self.detect(frame, context).is_none() {
            return Decoded::NotMine;
        }
        if let Some(reason) = other_drain(frame.bytes) {
            return Decoded::Rejected(reason);
        }
        self.decode_glanced(frame, context, out)
    }

    fn decode_glanced(&self, frame: &Frame<'_>, _: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        let Some(entry) = vercel::read::<Entry<'_>>(frame.bytes) else {
            return Decoded::Rejected("broken JSON in a Vercel log drain entry");
        };
        if entry.message.0.starts_with("SAMPLE MESSAGE:") {
            return Decoded::Ignored("test entry of a log drain");
        }
        if entry.source.0 == "build" {
            return Decoded::Ignored("build output, no request");
        }
        let mut record = entry.into_record();
        record.at = frame.at;
        out.push(record);
        Decoded::Records
    }
}

/// Why an object of another of Vercel's drains is refused; `None` for log entries.
fn other_drain(bytes: &[u8]) -> Option<&'static str> {
    if vercel::has_key(bytes, "resourceSpans") {
        return Some("a trace drain holds spans, not logs: export the log drain");
    }
    // Audit, speed insights and analytics drains name their schema first.
    let schema = vercel::has_key(bytes, "schema")
        && [&b"\"schema\":\"vercel."[..], b"\"schema\": \"vercel."]
            .iter()
            .any(|needle| memchr::memmem::find(bytes, needle).is_some());
    schema.then_some("an analytics, speed insights or audit drain holds no logs: export the log drain")
}

impl Entry<'_> {
    fn into_record(self) -> Record {
        let middleware =
            is_middleware(self.edge_type.0.as_bytes(), self.kind.0.as_bytes(), self.source.0.as_bytes());
        let proxy = self.proxy.0;
        let mut record = Record {
            time_ms: self.timestamp.time_ms().or_else(|| proxy.timestamp.time_ms()),
            level: Level::parse(&self.level.0).or(match self.kind.0.as_ref() {
                "stderr" => Some(Level::Error),
                "fatal" => Some(Level::Fatal),
                "stdout" => Some(Level::Info),
                _ => None,
            }),
            message: self.message.0.into_owned(),
            event_id: self.id.given(),
            stream: self.instance_id.given().or_else(|| self.invocation_id.given()),
            path: vercel::path(&proxy.path.0),
            runtime: if middleware {
                Some("edge".to_owned())
            } else {
                vercel::runtime(&self.source.0).0.map(str::to_owned)
            },
            deployment: self.deployment_id.given(),
            region: self.execution_region.given().or_else(|| proxy.lambda_region.given()),
            environment: self.environment.given(),
            branch: self.branch.given(),
            client: vercel::client(&proxy.user_agent),
            // Those that are kept below.
            fields: Vec::with_capacity(9),
            ..Record::default()
        };
        record.set_id(&self.request_id.0, IdKind::Request);
        record.set_id(&proxy.vercel_id.0, IdKind::Request);
        record.set_id(&self.trace_id.0, IdKind::Trace);
        record.set_id(&self.trace_id_dotted.0, IdKind::Trace);
        if !middleware {
            record.route = vercel::route(&self.path.0);
        }
        let function = self.source.0 == "lambda";
        let seen = statuses(self.status_code, proxy.status_code, function, middleware);
        record.status = seen.client;
        record.function_status = seen.function;
        record.marks.insert(seen.marks);
        vercel::mark_phrases(&mut record);
        vercel::set_method(&mut record, proxy.method);
        let host = if proxy.host.0.is_empty() { self.host } else { proxy.host };
        vercel::keep(&mut record, "host", host);
        vercel::keep(&mut record, "project", self.project_name);
        vercel::keep(&mut record, "source", self.source);
        vercel::keep(&mut record, "type", self.kind);
        vercel::keep(&mut record, "entrypoint", self.entrypoint);
        vercel::keep(&mut record, "destination", self.destination);
        vercel::keep(&mut record, "cache", proxy.vercel_cache);
        vercel::keep(&mut record, "waf_action", proxy.waf_action);
        let mut path_type = proxy.path_type;
        path_type.0.to_mut().make_ascii_lowercase();
        vercel::keep(&mut record, "path_type", path_type);
        record
    }
}

/// What the two statuses of an entry say: the function's own, and the one that the proxy gave the client. A function's
/// line repeats its status before the request is over, so without the proxy's it ends nothing.
#[derive(Debug, Clone, Copy)]
struct Statuses {
    client: Option<u16>,
    function: Option<u16>,
    marks: Marks,
}

fn statuses(own: Number, proxy: Number, function: bool, middleware: bool) -> Statuses {
    let mut out =
        Statuses { client: None, function: own.status().filter(|_| function), marks: Marks::default() };
    if own.is_minus_one() {
        out.marks.insert(Marks::CRASH);
        if proxy.status() == Some(504) {
            out.marks.insert(Marks::TIMEOUT);
        }
    }
    if proxy.is_minus_one() {
        out.marks.insert(Marks::BACKGROUND | Marks::END);
    } else if let Some(status) = proxy.status().or_else(|| own.status().filter(|_| !function)) {
        out.client = Some(status);
        if !middleware {
            out.marks.insert(Marks::CLIENT | Marks::END);
        }
    }
    if middleware {
        out.marks.insert(vercel::middleware_marks(out.client));
    }
    out
}

/// Whether an entry is middleware's, by its `edgeType`, `type` and `source`.
fn is_middleware(edge_type: &[u8], kind: &[u8], source: &[u8]) -> bool {
    edge_type == b"middleware"
        || matches!(kind, b"middleware" | b"middleware-invocation")
        || source == b"middleware"
}

/// Reads briefs: by stencil where one fits, else member by member.
struct Glancer {
    stencils: Stencils<Fixed>,
}

/// What all lines of one stencil have in common.
#[derive(Debug, Clone, Copy)]
struct Fixed {
    statuses: Statuses,
    middleware: bool,
}

/// The members that correlation needs and that differ from line to line.
struct Read<'a> {
    id: &'a [u8],
    time_ms: i64,
    request_id: &'a [u8],
    /// Member `path`: the route's template.
    template: Option<&'a [u8]>,
    /// Member `path` of the proxy.
    path: Option<&'a [u8]>,
    deployment: Option<&'a [u8]>,
    trace: Option<&'a [u8]>,
}

const ID: u8 = 0;
const TIME: u8 = 1;
const REQUEST_ID: u8 = 2;
const TEMPLATE: u8 = 3;
const PATH: u8 = 4;
const MESSAGE: u8 = 5;
const DEPLOYMENT: u8 = 6;
const TRACE: u8 = 7;

fn role(path: &[&str]) -> Option<Role> {
    Some(match path {
        ["id"] => Role::Text(ID),
        ["timestamp"] => Role::Integer(TIME),
        ["requestId"] => Role::Text(REQUEST_ID),
        ["path"] => Role::Text(TEMPLATE),
        ["proxy", "path"] => Role::Text(PATH),
        ["message"] => Role::Raw(MESSAGE),
        ["deploymentId"] => Role::FixedText(DEPLOYMENT),
        ["traceId" | "trace.id"] => Role::Text(TRACE),
        ["source" | "type" | "edgeType" | "statusCode"] | ["proxy", "statusCode"] => Role::Fixed,
        _ => return None,
    })
}

impl Glance for Glancer {
    fn glance<'a>(&mut self, frame: &Frame<'a>, context: &FrameContext) -> Option<Brief<'a>> {
        // What stands in an array that has a name may be of another shape than its members tell.
        if !context.array_key.is_empty() {
            return None;
        }
        if let Some((fixed, holes)) = self.stencils.fill(frame.bytes) {
            return brief_of_holes(*fixed, &holes);
        }
        let (fixed, read) = glance(frame.bytes)?;
        let brief = brief(fixed, &read)?;
        self.stencils.learn(frame.bytes, fixed);
        Some(brief)
    }

    fn glance_line<'a>(&mut self, bytes: &'a [u8]) -> Option<(Brief<'a>, usize)> {
        let mut holes = stencil::EMPTY;
        let (fixed, length) = self.stencils.fill_line(bytes, &mut holes)?;
        Some((brief_of_holes(*fixed, &holes)?, length))
    }
}

fn brief_of_holes<'a>(fixed: Fixed, holes: &Holes<'a>) -> Option<Brief<'a>> {
    let [id, time, request_id, template, path, message, deployment, trace, ..] = *holes;
    if message.is_some_and(|message| message.starts_with(SAMPLE_MESSAGE)) {
        return None;
    }
    let time_ms = time::from_integer(stencil::integer(time?).into())?;
    brief(fixed, &Read { id: id?, time_ms, request_id: request_id?, template, path, deployment, trace })
}

/// How the test entry of a log drain begins.
const SAMPLE_MESSAGE: &[u8] = b"SAMPLE MESSAGE";

/// The members that correlation needs, found without parsing the rest. Gives up where the full decoder could see
/// anything else: escapes, a member twice, another type, another shape.
fn glance(bytes: &[u8]) -> Option<(Fixed, Read<'_>)> {
    let mut members = Members::new(bytes)?;
    let (mut id, mut time_ms, mut source, mut request_id) = (None, None, None, None);
    let (mut kind, mut edge_type, mut template, mut own) = (None, None, None, None);
    let (mut deployment, mut trace) = (None, None);
    let (mut owner, mut proxy_seen, mut path, mut proxy_status) = (false, false, None, None);
    while let Some(key) = members.next_key()? {
        match key {
            b"id" => once(&mut id, members.text()?.as_bytes())?,
            b"timestamp" => once(&mut time_ms, time::from_integer(members.integer()?.into())?)?,
            b"source" => once(&mut source, members.string()?)?,
            b"requestId" => once(&mut request_id, members.text()?.as_bytes())?,
            b"type" => once(&mut kind, members.string()?)?,
            b"edgeType" => once(&mut edge_type, members.string()?)?,
            b"path" => once(&mut template, members.text()?.as_bytes())?,
            b"statusCode" => once(&mut own, members.integer()?)?,
            b"deploymentId" => {
                owner = true;
                once(&mut deployment, members.text()?.as_bytes())?;
            }
            b"projectId" => {
                owner = true;
                members.skip()?;
            }
            b"traceId" | b"trace.id" if members.peek(1)? == b"\"" => {
                once(&mut trace, members.text()?.as_bytes())?;
            }
            b"message" => {
                let text = members.peek(SAMPLE_MESSAGE.len() + 1)?;
                if text.strip_prefix(b"\"") == Some(SAMPLE_MESSAGE) {
                    return None;
                }
                members.skip()?;
            }
            b"proxy" if !proxy_seen => {
                proxy_seen = true;
                members.enter()?;
                while let Some(key) = members.next_key()? {
                    match key {
                        b"path" => once(&mut path, members.text()?.as_bytes())?,
                        b"statusCode" => once(&mut proxy_status, members.integer()?)?,
                        _ => members.skip()?,
                    }
                }
            }
            b"proxy"
            | b"rowId"
            | b"TimeUTC"
            | b"responseStatusCode"
            | b"timestampInMs"
            | b"schema"
            | b"resourceSpans" => {
                return None;
            }
            _ => members.skip()?,
        }
    }
    let source = source?;
    if !owner || source == b"build" || !members.at_end() {
        return None;
    }
    let middleware = is_middleware(edge_type.unwrap_or_default(), kind.unwrap_or_default(), source);
    let number = |value: Option<i64>| Number(value.map(|number| number as f64));
    let statuses = statuses(number(own), number(proxy_status), source == b"lambda", middleware);
    let read =
        Read { id: id?, time_ms: time_ms?, request_id: request_id?, template, path, deployment, trace };
    Some((Fixed { statuses, middleware }, read))
}

fn brief<'a>(fixed: Fixed, read: &Read<'a>) -> Option<Brief<'a>> {
    if matches!(read.id, b"" | b"-") {
        return None;
    }
    let route = read.template.filter(|template| !fixed.middleware && vercel::is_route(template));
    if route.is_some_and(|route| !route.starts_with(b"/")) {
        return None;
    }
    let path = match (route, read.path) {
        (None, Some(path)) => vercel::path_in(std::str::from_utf8(path).ok()?).map(str::as_bytes),
        _ => None,
    };
    let id = normalise_id_bytes(read.request_id)?;
    if read.trace.is_some_and(|trace| trace.len() > MAX_ID_BYTES) {
        return None;
    }
    Some(Brief {
        id,
        trace: read.trace.and_then(normalise_id_bytes).filter(|trace| *trace != id),
        time_ms: Some(read.time_ms),
        status: fixed.statuses.client,
        function_status: fixed.statuses.function,
        marks: fixed.statuses.marks,
        event_id: Some(read.id),
        route,
        path,
        stream: None,
        complete: false,
        line: None,
        deployment: read.deployment.filter(|id| !matches!(*id, b"" | b"-")),
    })
}

/// Fills `slot`; `None` if it is filled already.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

#[cfg(test)]
mod tests;
