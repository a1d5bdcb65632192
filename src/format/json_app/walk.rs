//! Finds the members of a logger's object by meaning: one pass over the object, whatever its nesting.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::aliases::{self, LOOSE_WRAPPERS, REMARKS, SLOTS, Slot, WRAPPERS};
use crate::format::json;
use crate::format::text_parts::push_field;
use crate::record::{Client, Record};

/// Deepest nesting that is looked into.
const MAX_DEPTH: usize = 6;
/// How many elements of an array are looked at.
const MAX_ITEMS: usize = 8;

/// One member with a meaning.
struct Member<'v> {
    rank: usize,
    name: String,
    value: &'v Value,
}

/// The best member of every slot, and the errors.
#[derive(Default)]
pub struct Found<'v> {
    slots: [Option<Member<'v>>; SLOTS],
    unread: Vec<Slot>,
    /// Members that hold request IDs, with their names, the best one among them; more than a few are not noted.
    pub request_ids: Vec<(&'v Value, String)>,
    /// Members that hold an error, as found.
    pub errors: Vec<&'v Value>,
    /// Texts of members that may tell of an error or of anything else; more than a few are not noted.
    pub remarks: Vec<&'v str>,
}

/// Where the walk stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// Folded path, wrappers left out.
    path: &'p str,
    /// Path as written.
    name: &'p str,
    depth: usize,
    /// Below a wrapper that may hold another service's answer.
    loose: bool,
}

/// Whether a name is as [`aliases::fold`] gives it.
fn is_folded(key: &str) -> bool {
    !key.bytes().any(|b| b.is_ascii_uppercase() || matches!(b, b'_' | b'-'))
}

/// Whether a member says something of this request wherever it stands.
fn proves(slot: Slot) -> bool {
    matches!(
        slot,
        Slot::RequestId
            | Slot::TraceId
            | Slot::Error
            | Slot::ErrorClass
            | Slot::ErrorMessage
            | Slot::Stack
            | Slot::Status
            | Slot::BoundMethod
            | Slot::BoundPath
    )
}

/// What correlation takes from a member that holds a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Nothing.
    Nothing,
    /// The time.
    Time,
    /// The text.
    Message,
    /// The request ID.
    Id,
    /// A trace ID; a text with spaces is a stack instead.
    Trace,
    /// The path, as a target.
    Path,
    /// The route.
    Route,
    /// The host, which is part of the stream.
    Host,
    /// The process, which is the other part.
    Pid,
    /// A duration: that there is one, not how long.
    Duration,
    /// The deployment, or a version that may stand for it.
    Deployment,
    /// Whatever else it says: it depends on the value.
    Value,
}

/// What correlation may take from the scalar to which these keys lead, through objects and arrays. A member of which it
/// takes something by this account need not be the one that counts.
pub fn use_of(keys: &[&str]) -> Use {
    let Some((last, parents)) = keys.split_last() else { return Use::Value };
    if matches!(keys, ["extra", "url" | "http_method"]) {
        // Of Monolog's web processor the request.
        return Use::Value;
    }
    let (mut path, mut loose) = (String::new(), false);
    for key in parents {
        join(&mut path, key);
        if aliases::is_private(&path) {
            return use_of_header(&path, last);
        }
        if matches!(aliases::meaning(&path), Some((Slot::Error, _))) {
            return Use::Value;
        }
        if WRAPPERS.contains(&path.as_str()) || LOOSE_WRAPPERS.contains(&path.as_str()) {
            loose |= LOOSE_WRAPPERS.contains(&path.as_str());
            path.clear();
        }
    }
    join(&mut path, last);
    // An array of texts can have the name of a wrapper, and be the text; a type can tell the shape.
    if path == "data" || matches!(aliases::fold(last).as_str(), "type" | "schema") {
        return Use::Value;
    }
    if aliases::is_private(&path) {
        return Use::Nothing;
    }
    let Some((slot, _)) = aliases::meaning(&path) else {
        return if aliases::is_telling(&path) { Use::Value } else { Use::Nothing };
    };
    if loose && !proves(slot) {
        return Use::Nothing;
    }
    match slot {
        Slot::Time => Use::Time,
        Slot::Message => Use::Message,
        Slot::RequestId => Use::Id,
        Slot::TraceId => Use::Trace,
        Slot::Path | Slot::BoundPath => Use::Path,
        Slot::Route => Use::Route,
        Slot::Host => Use::Host,
        Slot::Pid => Use::Pid,
        Slot::Duration => Use::Duration,
        Slot::Deployment | Slot::Version => Use::Deployment,
        Slot::Method => Use::Value,
        _ if aliases::is_telling_slot(slot) => Use::Value,
        _ => Use::Nothing,
    }
}

fn join(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(&aliases::fold(key));
}

/// As [`use_of`], of what stands below a member that is never kept.
fn use_of_header(path: &str, key: &str) -> Use {
    let is_read = matches!(path, "req.headers" | "request.headers" | "headers")
        && aliases::meaning(&format!("req.headers.{}", aliases::fold(key))).is_some();
    if is_read { Use::Id } else { Use::Nothing }
}

impl<'v> Found<'v> {
    /// Walks the object; members without a meaning become other fields of the record.
    pub fn walk(&mut self, map: &'v Map<String, Value>, record: &mut Record) {
        self.members(map, Place { path: "", name: "", depth: 0, loose: false }, record);
    }

    /// The best member of a slot.
    pub fn value(&self, slot: Slot) -> Option<&'v Value> {
        self.slots[slot as usize].as_ref().map(|member| member.value)
    }

    /// The name, as written, of the best member of a slot.
    pub fn name(&self, slot: Slot) -> &str {
        self.slots[slot as usize].as_ref().map_or("", |member| member.name.as_str())
    }

    /// Says that a member turned out to mean something else: it becomes another field.
    pub fn give_back(&mut self, slot: Slot) {
        self.unread.push(slot);
    }

    /// Keeps the members that were given back.
    pub fn keep_unread(&mut self, record: &mut Record) {
        for slot in std::mem::take(&mut self.unread) {
            if let Some(member) = &self.slots[slot as usize]
                && let Some(text) = json::scalar(member.value)
            {
                push_field(record, &member.name, &text);
            }
        }
    }

    fn members(&mut self, map: &'v Map<String, Value>, place: Place<'_>, record: &mut Record) {
        for (key, value) in map {
            // Most names of most objects are written as the table spells them, and stand at top level.
            let folded = if is_folded(key) { Cow::Borrowed(key.as_str()) } else { aliases::fold(key).into() };
            let path = if place.path.is_empty() { folded } else { format!("{}.{folded}", place.path).into() };
            let name: Cow<'_, str> =
                if place.name.is_empty() { key.into() } else { format!("{}.{key}", place.name).into() };
            self.member(value, Place { path: &path, name: &name, ..place }, record);
        }
    }

    fn member(&mut self, value: &'v Value, place: Place<'_>, record: &mut Record) {
        if value.is_null() || place.depth > MAX_DEPTH {
            return;
        }
        if aliases::is_private(place.path) {
            self.headers(value, place, record);
            return;
        }
        if let Some((slot, rank)) = aliases::meaning(place.path)
            && self.take(slot, rank, value, place)
        {
            return;
        }
        match value {
            Value::Object(map) => {
                let strict = WRAPPERS.contains(&place.path);
                let loose = LOOSE_WRAPPERS.contains(&place.path);
                let path = if strict || loose { "" } else { place.path };
                let below = Place { path, depth: place.depth + 1, loose: place.loose || loose, ..place };
                self.members(map, below, record);
            }
            Value::Array(items) => self.items(items, place, record),
            _ => {
                if let Value::String(text) = value
                    && (aliases::is_remark(place.path) || (place.loose && place.path == "message"))
                    && self.remarks.len() < MAX_ITEMS
                {
                    self.remarks.push(text);
                }
                if let Some(text) = json::scalar(value) {
                    push_field(record, place.name, &text);
                }
            }
        }
    }

    /// An array: log4js puts the arguments of a call into one, spans and wrappers can be one.
    fn items(&mut self, items: &'v [Value], place: Place<'_>, record: &mut Record) {
        for (index, item) in items.iter().take(MAX_ITEMS).enumerate() {
            let name = format!("{}.{index}", place.name);
            match item {
                Value::Object(_) => {
                    self.member(item, Place { name: &name, depth: place.depth + 1, ..place }, record);
                }
                Value::String(_) if place.path == "data" && index == 0 => {
                    self.put(Slot::Message, usize::MAX, item, &name);
                }
                _ => {
                    if let Some(text) = json::scalar(item) {
                        push_field(record, &name, &text);
                    }
                }
            }
        }
    }

    /// Takes a member for a slot; false if its type does not fit or it stands where it proves nothing.
    fn take(&mut self, slot: Slot, rank: usize, value: &'v Value, place: Place<'_>) -> bool {
        if place.loose && !proves(slot) {
            return false;
        }
        match (slot, value) {
            (_, Value::String(text)) if matches!(text.as_str(), "" | "-" | "null" | "undefined") => {
                return true;
            }
            (Slot::Error, Value::Object(_) | Value::Array(_)) => {
                self.errors.push(value);
                return true;
            }
            (Slot::Error, Value::String(_)) if !REMARKS.contains(&place.path) => {
                self.errors.push(value);
                return true;
            }
            (Slot::Error, _) => return false,
            (Slot::TraceId, Value::String(text)) if text.contains(char::is_whitespace) => {
                self.put(Slot::Stack, usize::MAX, value, place.name);
                return true;
            }
            (Slot::TraceId, Value::Array(_)) => {
                self.put(Slot::Stack, usize::MAX, value, place.name);
                return true;
            }
            (Slot::Message | Slot::Stack, Value::Array(_)) => {}
            (_, Value::Object(_) | Value::Array(_)) => return false,
            _ => {}
        }
        self.put(slot, rank, value, place.name);
        true
    }

    fn put(&mut self, slot: Slot, rank: usize, value: &'v Value, name: &str) {
        if slot == Slot::RequestId && self.request_ids.len() < MAX_ITEMS {
            self.request_ids.push((value, name.to_owned()));
        }
        let place = &mut self.slots[slot as usize];
        if place.as_ref().is_none_or(|have| rank < have.rank) {
            *place = Some(Member { rank, name: name.to_owned(), value });
        }
    }

    /// Headers are never kept, but an ID may stand only there; of the user agent the family is kept.
    fn headers(&mut self, value: &'v Value, place: Place<'_>, record: &mut Record) {
        // Some exports make a list of one of every object.
        let value = match value {
            Value::Array(items) if items.len() == 1 => &items[0],
            other => other,
        };
        if let (Value::String(agent), true) = (value, aliases::is_user_agent(place.path)) {
            record.client = record.client.or(Client::of(agent));
        }
        let Value::Object(map) = value else { return };
        if !matches!(place.path, "req.headers" | "request.headers" | "headers") {
            return;
        }
        for (key, value) in map {
            let value = match value {
                Value::Array(items) => items.first().unwrap_or(value),
                other => other,
            };
            let folded = aliases::fold(key);
            if let Some((slot, rank)) = aliases::meaning(&format!("req.headers.{folded}")) {
                self.put(slot, rank, value, key);
            } else if matches!(folded.as_str(), "traceparent" | "xcloudtracecontext") {
                self.put(Slot::TraceId, usize::MAX, value, key);
            } else if let (Value::String(agent), true) = (value, aliases::is_user_agent(&folded)) {
                record.client = record.client.or(Client::of(agent));
            }
        }
    }
}
