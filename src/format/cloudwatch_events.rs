//! CloudWatch Logs events as JSON: `aws logs filter-log-events`, `get-log-events`, Live Tail updates and
//! subscription payloads, plain or wrapped. What a message holds is not read here.

use memchr::memmem;
use serde_json::{Map, Value};

use super::lambda_glance::{self, Escaped, Reader};
use super::members::Members;
use super::stencil::{EMPTY, Role, Stencils, integer};
use super::{About, Container, Decoded, Element, Glance, aws, json, subscription, time};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{Brief, Position, Record};

/// The shape `cloudwatch-events`.
pub struct CloudWatchEvents;

const NO_MESSAGE: Decoded = Decoded::Ignored("event without a message");
const CONTROL: Decoded = Decoded::Ignored("CloudWatch control message");
/// Also seen inside a data message.
const CONTROL_TEXT: &str = "CWL CONTROL MESSAGE:";

impl Container for CloudWatchEvents {
    fn name(&self) -> &'static str {
        "cloudwatch-events"
    }

    fn about(&self) -> About {
        About {
            title: "CloudWatch Logs events (JSON)",
            fingerprint: "events[] with eventId or ingestionTime, logEvents[] with id, sessionResults[]",
            export: "aws logs filter-log-events --log-group-name GROUP --output json",
        }
    }

    fn detect(&self, frame: &Frame<'_>, context: &FrameContext) -> Option<&'static str> {
        if frame.kind != FrameKind::Json {
            return None;
        }
        // Lines of applications come by here too; parsing them only to say no would cost most of the reading.
        let listed = matches!(context.array_key.as_str(), "events" | "logEvents" | "sessionResults");
        let telling: [&[u8]; 5] = [b"eventId", b"vents\"", b"sessionResults", b"sessionUpdate", b"H4sI"];
        if !listed && !telling.iter().any(|word| memmem::find(frame.bytes, word).is_some()) {
            return None;
        }
        let map = json::object(frame.bytes)?;
        let has = |key: &str| map.contains_key(key);
        let event =
            has("message") && map.get("timestamp").is_some_and(|time| json::as_number(time).is_some());
        match context.array_key.as_str() {
            "events" if event && has("eventId") => Some("events[] with eventId"),
            "events" if event && has("ingestionTime") => Some("events[] with ingestionTime"),
            "logEvents" if event && has("id") => Some("logEvents[] with id"),
            "sessionResults" if event && (has("logStreamName") || has("ingestionTime")) => {
                Some("sessionResults[] with logStreamName")
            }
            "events" | "logEvents" | "sessionResults" => None,
            _ if event && has("eventId") && has("logStreamName") => Some("eventId and logStreamName"),
            _ if has("messageType") && has("logEvents") => Some("messageType and logEvents"),
            _ if list(&map).is_some_and(|items| items.iter().any(is_event)) => Some("events[]"),
            _ if !subscription::bodies(&map).is_empty() => Some("gzip in base64 under data"),
            _ => None,
        }
    }

    fn glancer(&self) -> Option<Box<dyn Glance>> {
        Some(Box::new(Glancer { stencils: Stencils::new(role), reader: Reader::default() }))
    }

    fn decode(&self, frame: &Frame<'_>, context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        let envelope = Envelope::from_context(context);
        if envelope.control {
            return CONTROL;
        }
        if matches!(context.array_key.as_str(), "searchedLogStreams" | "subscriptionFilters") {
            return Decoded::Ignored("list beside the events");
        }
        let Some(map) = json::object(frame.bytes) else {
            return Decoded::NotMine;
        };
        let mut at = frame.at;
        if map.contains_key("message") || map.contains_key("eventId") {
            return event(map, &envelope, at, out);
        }
        let bodies = subscription::bodies(&map);
        if bodies.is_empty() {
            return batch(map, &mut at, out);
        }
        let mut result = CONTROL;
        for body in bodies {
            if out.len() > subscription::MAX_EVENTS {
                return Decoded::Rejected("unpacks to more events than memory is spent on");
            }
            let Some(objects) = subscription::unpack(body) else {
                return Decoded::Rejected("data is not base64 of gzip of JSON");
            };
            for object in objects {
                match batch(object, &mut at, out) {
                    Decoded::Ignored(_) => {}
                    other => result = other,
                }
            }
        }
        result
    }
}

/// What the object around the events says of all of them.
#[derive(Default)]
struct Envelope {
    stream: Option<String>,
    group: Option<String>,
    control: bool,
}

impl Envelope {
    fn add(&mut self, key: &str, value: &str) {
        match key.rsplit('.').next().unwrap_or(key) {
            "logStream" | "logStreamName" if !value.is_empty() => self.stream = Some(value.to_owned()),
            "logGroup" | "logGroupName" | "logGroupIdentifier" if !value.is_empty() => {
                self.group = Some(aws::log_group(value).to_owned());
            }
            "messageType" => self.control = value == "CONTROL_MESSAGE",
            _ => {}
        }
    }

    fn from_context(context: &FrameContext) -> Envelope {
        let mut envelope = Envelope::default();
        for (key, value) in &context.envelope {
            envelope.add(key, value);
        }
        envelope
    }
}

/// The events of a whole object that came as one frame.
fn list(map: &Map<String, Value>) -> Option<&Vec<Value>> {
    ["logEvents", "events", "sessionResults"]
        .iter()
        .find_map(|key| map.get(*key))
        .or_else(|| map.get("sessionUpdate").and_then(|update| update.get("sessionResults")))
        .and_then(Value::as_array)
}

fn is_event(value: &Value) -> bool {
    value.get("message").is_some()
        && value.get("timestamp").is_some_and(|time| json::as_number(time).is_some())
        && ["eventId", "ingestionTime", "id"].iter().any(|key| value.get(key).is_some())
}

/// Reads a whole object; its records are numbered in the order of the list.
fn batch(map: Map<String, Value>, at: &mut Position, out: &mut Vec<Record>) -> Decoded {
    let mut envelope = Envelope::default();
    for (key, value) in &map {
        if let Some(text) = value.as_str() {
            envelope.add(key, text);
        }
    }
    if envelope.control {
        return CONTROL;
    }
    let Some(items) = list(&map) else {
        return Decoded::NotMine;
    };
    let mut result = Decoded::Ignored("no events");
    for item in items {
        if let Value::Object(inner) = item
            && event(inner.clone(), &envelope, *at, out) == Decoded::Records
        {
            at.part += 1;
            result = Decoded::Records;
        }
    }
    result
}

fn event(mut map: Map<String, Value>, envelope: &Envelope, at: Position, out: &mut Vec<Record>) -> Decoded {
    let mut message = match map.remove("message") {
        Some(Value::String(text)) => text,
        Some(Value::Null) | None => return NO_MESSAGE,
        Some(other) => other.to_string(),
    };
    if message.starts_with(CONTROL_TEXT) {
        return CONTROL;
    }
    aws::clean(&mut message);
    let mut record = Record {
        at,
        time_ms: map.get("timestamp").and_then(event_time),
        message,
        event_id: json::text(&map, &["eventId", "id"]),
        stream: json::text(&map, &["logStreamName", "logStream"]).or_else(|| envelope.stream.clone()),
        ..Record::default()
    };
    let group = json::text(&map, &["logGroupIdentifier", "logGroupName", "logGroup"]);
    if let Some(group) = group.as_deref().map(aws::log_group).or(envelope.group.as_deref()) {
        aws::set_field(&mut record, aws::LOG_GROUP, group);
    }
    out.push(record);
    Decoded::Records
}

fn event_time(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(whole) => time::from_integer(whole.into()),
            None => time::from_float(number.as_f64()?),
        },
        Value::String(text) => time::parse(text).map(|stamp| stamp.ms),
        _ => None,
    }
}

/// Reads briefs of events as `filter-log-events` lists them.
struct Glancer {
    stencils: Stencils<()>,
    reader: Reader,
}

const STREAM: u8 = 0;
const TIME: u8 = 1;
const MESSAGE: u8 = 2;
const EVENT: u8 = 3;
const INGESTED: u8 = 4;

fn role(path: &[&str]) -> Option<Role> {
    Some(match path {
        ["logStreamName"] => Role::Text(STREAM),
        ["timestamp"] => Role::Integer(TIME),
        ["message"] => Role::Raw(MESSAGE),
        ["eventId"] => Role::Text(EVENT),
        ["ingestionTime"] => Role::Integer(INGESTED),
        _ => return None,
    })
}

/// The members of an event, as they stand.
struct Event<'a> {
    stream: &'a [u8],
    timestamp: i64,
    message: &'a [u8],
    event_id: &'a [u8],
}

impl<'a> Event<'a> {
    /// The event that `bytes` begin with, its length, and how many line ends are in it. Most are laid out as one before
    /// them.
    #[inline]
    fn read(bytes: &'a [u8], stencils: &mut Stencils<()>) -> Option<(Event<'a>, usize, u64)> {
        let mut holes = EMPTY;
        if let Some((_, length, newlines)) = stencils.fill_start(bytes, &mut holes) {
            let hole = |slot: u8| holes.get(usize::from(slot)).copied().flatten();
            let timestamp = integer(hole(TIME)?);
            let event =
                Event { stream: hole(STREAM)?, timestamp, message: hole(MESSAGE)?, event_id: hole(EVENT)? };
            return Some((event, length, newlines));
        }
        let (event, length) = Event::walk(bytes)?;
        stencils.learn(&bytes[..length], ());
        Some((event, length, memchr::memchr_iter(b'\n', &bytes[..length]).count() as u64))
    }

    fn walk(bytes: &'a [u8]) -> Option<(Event<'a>, usize)> {
        let mut members = Members::new(bytes)?;
        let (mut stream, mut timestamp, mut message, mut event_id) = (None, None, None, None);
        while let Some(key) = members.next_key()? {
            match key {
                b"logStreamName" => once(&mut stream, members.text()?.as_bytes())?,
                b"timestamp" => once(&mut timestamp, members.integer()?)?,
                b"message" => once(&mut message, members.raw_string()?)?,
                b"eventId" => once(&mut event_id, members.text()?.as_bytes())?,
                b"ingestionTime" => drop(members.integer()?),
                _ => return None,
            }
        }
        let event = Event { stream: stream?, timestamp: timestamp?, message: message?, event_id: event_id? };
        Some((event, members.position()))
    }
}

impl Glance for Glancer {
    fn glance<'a>(&mut self, frame: &Frame<'a>, context: &FrameContext) -> Option<Brief<'a>> {
        let element =
            (frame.kind == FrameKind::Json).then(|| self.glance_element(frame.bytes, context))??;
        (element.length == frame.bytes.len()).then_some(element.brief)
    }

    fn glance_element<'a>(&mut self, bytes: &'a [u8], context: &FrameContext) -> Option<Element<'a>> {
        let foreign = |(key, _): &(String, String)| key.ends_with("messageType");
        if context.array_key != "events" || context.envelope.iter().any(foreign) {
            return None;
        }
        let (event, length, newlines) = Event::read(bytes, &mut self.stencils)?;
        let Event { stream, timestamp, mut message, event_id } = event;
        let time_ms = time::from_integer(timestamp.into())?;
        // Words that stand for nothing are shorter.
        if stream.len() <= 9 || event_id.len() <= 9 {
            return None;
        }
        while let Some(rest) = message.strip_suffix(b"\\n").or_else(|| message.strip_suffix(b"\\r")) {
            message = rest;
        }
        let seen = lambda_glance::glance::<Escaped>(message, &mut self.reader)?;
        let brief = Brief {
            deployment: None,
            id: seen.id,
            trace: None,
            time_ms: Some(time_ms),
            status: seen.status,
            function_status: None,
            marks: seen.marks,
            event_id: Some(event_id),
            route: None,
            path: seen.path,
            stream: Some(stream),
            complete: true,
            line: None,
        };
        Some(Element { brief, length, newlines })
    }

    fn payload(&self, _: FrameKind) -> &'static str {
        "lambda-text"
    }

    fn reads_on(&self) -> bool {
        true
    }
}

/// Fills `slot`; `None` if it is filled already.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

#[cfg(test)]
#[path = "cloudwatch_events_tests.rs"]
mod tests;
