//! What Vercel's shapes share: tolerant members, fixed phrases of the platform, names of runtimes, routes and
//! paths. No shape is recognised here.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use memchr::memmem;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de::value::MapAccessDeserializer};
use serde_json::Value;

use crate::format::time;
use crate::record::{Client, Marks, Record};

/// Whether `"key":` stands in the bytes as a key. Inside a string the quotes would be escaped, so a message that
/// quotes JSON does not count.
pub fn has_key(bytes: &[u8], key: &str) -> bool {
    memmem::find_iter(bytes, key.as_bytes()).any(|at| {
        let after = bytes.get(at + key.len()..).unwrap_or_default();
        let quoted = at > 0 && bytes.get(at - 1) == Some(&b'"') && after.first() == Some(&b'"');
        quoted
            && (at < 2 || bytes.get(at - 2) != Some(&b'\\'))
            && after.iter().skip(1).find(|b| !b.is_ascii_whitespace()) == Some(&b':')
    })
}

/// Whether all keys stand in the bytes (see [`has_key`]).
pub fn has_keys(bytes: &[u8], keys: &[&str]) -> bool {
    keys.iter().all(|key| has_key(bytes, key))
}

/// Whether the bytes begin as a JSON object does.
pub fn is_object(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}

/// Reads one JSON object. Where its bytes are not UTF-8 or hold NUL they are replaced first; of a member that stands
/// twice the last counts.
pub fn read<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Option<T> {
    let read = std::str::from_utf8(bytes).ok().and_then(|text| serde_json::from_str(text).ok());
    read.or_else(|| {
        let clean = String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}");
        T::deserialize(serde_json::from_str::<Value>(&clean).ok()?).ok()
    })
}

/// A member as text, whatever its JSON type: numbers and booleans are printed, `null` and arrays are empty,
/// objects are printed as JSON. Never fails, so that one odd member does not cost the entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl Text<'_> {
    /// The text, unless it is empty or the platform's placeholder `-`.
    pub fn given(self) -> Option<String> {
        (!matches!(self.0.as_ref(), "" | "-")).then(|| self.0.into_owned())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl TextVisitor {
    fn owned<E>(text: impl ToString) -> Result<Text<'static>, E> {
        Ok(Text(Cow::Owned(text.to_string())))
    }
}

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        TextVisitor::owned(text)
    }
    fn visit_string<E>(self, text: String) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text)))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
        TextVisitor::owned(number)
    }
    fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
        TextVisitor::owned(number)
    }
    fn visit_f64<E>(self, number: f64) -> Result<Text<'de>, E> {
        TextVisitor::owned(number)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Text<'de>, E> {
        TextVisitor::owned(flag)
    }
    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Text<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text<'de>, A::Error> {
        TextVisitor::owned(Value::deserialize(MapAccessDeserializer::new(map))?)
    }
}

/// A member as a number: a number or a numeric text. Anything else is none, and never an error.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Number(pub Option<f64>);

impl Number {
    /// Reads a text form.
    pub fn parse(text: &str) -> Number {
        Number(text.trim().parse().ok().filter(|number: &f64| number.is_finite()))
    }

    /// An HTTP status, 100 to 599; the platform's sentinels (−1, −10, 0) are none.
    pub fn status(self) -> Option<u16> {
        self.0.filter(|n| n.fract() == 0.0 && (100.0..600.0).contains(n)).map(|n| n as u16)
    }

    /// Whether this is the log drain's sentinel −1.
    pub fn is_minus_one(self) -> bool {
        self.0 == Some(-1.0)
    }

    /// The number, unless it is negative, which stands for unknown.
    pub fn known(self) -> Option<f64> {
        self.0.filter(|n| *n >= 0.0)
    }

    /// Milliseconds since the Unix epoch.
    pub fn time_ms(self) -> Option<i64> {
        self.0.and_then(time::from_float)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Number, E> {
        Ok(Number::parse(text))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
        Ok(Number(Some(number as f64)))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
        Ok(Number(Some(number as f64)))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
        Ok(Number(Some(number).filter(|number| number.is_finite())))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Number, E> {
        Ok(Number::default())
    }
    fn visit_unit<E>(self) -> Result<Number, E> {
        Ok(Number::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Number, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Number::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Number, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Number::default())
    }
}

/// A member that should be an object; of anything else it is the default, never an error.
#[derive(Debug, Clone, Default)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }
    fn visit_str<E>(self, _: &str) -> Result<Object<T>, E> {
        Ok(Object::default())
    }
    fn visit_i64<E>(self, _: i64) -> Result<Object<T>, E> {
        Ok(Object::default())
    }
    fn visit_u64<E>(self, _: u64) -> Result<Object<T>, E> {
        Ok(Object::default())
    }
    fn visit_f64<E>(self, _: f64) -> Result<Object<T>, E> {
        Ok(Object::default())
    }
    fn visit_bool<E>(self, _: bool) -> Result<Object<T>, E> {
        Ok(Object::default())
    }
    fn visit_unit<E>(self) -> Result<Object<T>, E> {
        Ok(Object::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Object<T>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Object::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// Text that Vercel adds when a function's process ends, after the name of the runtime.
const EXIT_PHRASE: &str = " process exited with exit status";
/// Runtimes that it names there.
const EXIT_RUNTIMES: [&str; 2] = ["Node.js", "Python"];
/// Text that Vercel adds when a function is killed at its time limit, in two parts: a search for more than 32 bytes
/// takes longer to prepare than a message to read.
const TIMEOUT_PHRASE: [&str; 2] = ["Vercel Runtime ", "Timeout Error: Task timed out"];

/// Marks a record by the fixed phrases that the platform writes into messages.
pub fn mark_phrases(record: &mut Record) {
    // Older exports print the timeout without its head.
    let [head, tail] = TIMEOUT_PHRASE;
    if says(&record.message, &[head], tail) || record.message.starts_with("Task timed out after ") {
        record.marks.insert(Marks::TIMEOUT);
    }
    if says(&record.message, &EXIT_RUNTIMES, EXIT_PHRASE) {
        record.marks.insert(Marks::CRASH);
    }
}

/// Tells texts that [`mark_phrases`] may mark from all others; kept by whoever asks often, for it takes time to prepare.
#[derive(Debug, Clone)]
pub struct Phrases {
    exit: memmem::Finder<'static>,
    timeout: memmem::Finder<'static>,
}

impl Phrases {
    /// Prepares the searches.
    pub fn new() -> Phrases {
        Phrases { exit: memmem::Finder::new(EXIT_PHRASE), timeout: memmem::Finder::new(TIMED_OUT) }
    }

    /// Whether the text may hold any of them.
    pub fn may_stand_in(&self, text: &[u8]) -> bool {
        text.len() >= TIMED_OUT.len() && (self.exit.find(text).is_some() || self.timeout.find(text).is_some())
    }
}

impl Default for Phrases {
    fn default() -> Phrases {
        Phrases::new()
    }
}

/// What all forms of [`TIMEOUT_PHRASE`] have in common.
const TIMED_OUT: &str = "Task timed out";

/// Whether `tail` stands anywhere in the text with one of `heads` before it.
fn says(text: &str, heads: &[&str], tail: &str) -> bool {
    let mut tails = memmem::find_iter(text.as_bytes(), tail.as_bytes());
    tails.any(|at| heads.iter().any(|head| text[..at].ends_with(head)))
}

/// What ran, under one name for all shapes and years: `lambda`, `edge`, `static` … and whether it was middleware.
/// `None` for a request record of any kind and for names that say nothing.
pub fn runtime(kind: &str) -> (Option<&str>, bool) {
    match kind {
        "lambda" | "serverless" | "function" => (Some("lambda"), false),
        "edge" | "edge-function" => (Some("edge"), false),
        "edge-middleware" => (Some("edge"), true),
        "middleware" | "serverless-middleware" => (Some("middleware"), true),
        "" | "-" | "request" | "delimiter" => (None, false),
        other => (Some(other), false),
    }
}

/// Marks of a middleware's status: it lets requests pass with a status below 300, so only a redirect or an
/// error says that it answered the client itself.
pub fn middleware_marks(status: Option<u16>) -> Marks {
    match status {
        Some(300..) => Marks::MIDDLEWARE | Marks::CLIENT | Marks::END,
        _ => Marks::MIDDLEWARE,
    }
}

/// Whether a name is a route of the platform. Middleware, error pages and source files that serve every path
/// (`/api/index.py`) are none.
pub fn is_route(name: &[u8]) -> bool {
    let slashes = name.iter().take_while(|b| **b == b'/').count();
    let bare = &name[slashes..];
    let extension = match memchr::memrchr2(b'.', b'/', bare) {
        Some(at) if bare[at] == b'.' => &bare[at + 1..],
        _ => b"",
    };
    let is_source = matches!(
        extension,
        b"py" | b"js" | b"cjs" | b"mjs" | b"ts" | b"mts" | b"go" | b"rb" | b"php" | b"rs"
    );
    let is_no_route = matches!(bare.strip_prefix(b"src/").unwrap_or(bare), b"middleware" | b"_middleware")
        || matches!(bare, b"-" | b"." | b"404" | b"500" | b"_error");
    !(name.is_empty() || is_source || is_no_route)
}

/// A route template as the platform names it, with its leading `/`; none where the name is no route.
pub fn route(name: &str) -> Option<String> {
    is_route(name.as_bytes())
        .then(|| if name.starts_with('/') { name.to_owned() } else { format!("/{name}") })
}

/// A concrete path without scheme, host, query and fragment; none where there is no path.
pub fn path_in(text: &str) -> Option<&str> {
    if text.starts_with('/') && !text.contains(':') {
        let end = text.bytes().position(|b| matches!(b, b'?' | b'#')).unwrap_or(text.len());
        return text.get(..end);
    }
    if memchr::memchr3(b'?', b'#', b':', text.as_bytes()).is_none() {
        return memchr::memchr(b'/', text.as_bytes()).and_then(|at| text.get(at..));
    }
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let text = match text.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => rest,
        _ => text,
    };
    text.find('/').and_then(|at| text.get(at..))
}

/// As [`path_in`], owned.
pub fn path(text: &str) -> Option<String> {
    path_in(text).map(str::to_owned)
}

/// The start of the request in milliseconds since the Unix epoch, from a request ID of the form
/// `kq7zt-1767225600123-0a1b2c3d4e5f`.
pub fn id_time_ms(id: &str) -> Option<i64> {
    let digits = id.rsplit("::").next()?.split('-').nth(1)?;
    (digits.len() == 13 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| time::from_number_text(digits))
        .flatten()
}

/// Sets the method in upper case, unless it is a placeholder.
pub fn set_method(record: &mut Record, method: Text<'_>) {
    record.method = method.given().map(|mut method| {
        method.make_ascii_uppercase();
        method
    });
}

/// What kind of program asked; `agent` is a text, or a list of one.
pub fn client(agent: &serde_json::Value) -> Option<Client> {
    let agent = agent.as_array().and_then(|agents| agents.first()).unwrap_or(agent);
    agent.as_str().and_then(Client::of)
}

/// Keeps a member under a name of its own, unless it is empty or a placeholder.
pub fn keep(record: &mut Record, name: &str, value: Text<'_>) {
    if let Some(value) = value.given() {
        record.fields.push((name.to_owned(), value));
    }
}

#[cfg(test)]
mod tests;
