//! JSON objects that programs log as their text, where nothing but a text is in them by which requests are decided. Whether
//! an object is such a one is a matter of its layout: the names of its members and the kinds of their values. A layout is
//! judged once, by having the decoder read an object of that layout with plain values. So what is said of an object depends
//! on nothing that was seen before it; only how fast it is said.

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::json_app::{self, Use};
use super::members::{Members, Scalar};
use super::registry::Shapes;
use super::{ansi, quiet};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{IdKind, Marks, Record};

/// Most layouts that are remembered; from then on they are remembered anew.
const MAX_LAYOUTS: usize = 1024;
/// Most members of an object that is looked into.
const MAX_MEMBERS: usize = 32;
/// Texts that would make another shape of the object if they stood in it, as names do.
const BARRED: [&[u8]; 6] = [b"type", b"time", b"level", b"record", b"status", b"message"];

/// What was judged so far.
#[derive(Default)]
pub struct Objects {
    /// By the hash of a layout; none if its objects have to be decoded.
    verdicts: HashMap<u64, Option<Said>>,
    layout: Vec<u8>,
}

/// What objects of one layout say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// Not even a text.
    Nothing,
    /// The text of the member of this number, which stands for all of it.
    Text(usize),
}

impl Objects {
    /// The text that the object is logged for, which may be empty, if neither that nor anything else in the object tells of
    /// its request, whoever reads it. `None` in any doubt.
    pub fn text_of<'t>(&mut self, object: &'t [u8]) -> Option<&'t [u8]> {
        let mut texts: [&[u8]; MAX_MEMBERS] = [&[]; MAX_MEMBERS];
        let mut members = Members::new(object)?;
        let mut count = 0;
        self.layout.clear();
        while let Some(key) = members.next_key()? {
            let scalar = members.scalar()?;
            let text = texts.get_mut(count)?;
            let kind = match scalar {
                Scalar::Text(value) if is_plain(value) => {
                    *text = value;
                    b's'
                }
                Scalar::Text(_) => return None,
                Scalar::Number(number) if number.first() == Some(&b'-') => b'-',
                Scalar::Number(number) if number.contains(&b'.') => b'.',
                Scalar::Number(_) => b'1',
                Scalar::Word(word) => *word.first()?,
            };
            count += 1;
            self.layout.extend_from_slice(key);
            self.layout.extend_from_slice(&[b'"', kind]);
        }
        if members.position() != object.len() || ansi::has_reset(object) {
            return None;
        }
        match self.verdict()? {
            Said::Nothing => Some(b""),
            Said::Text(number) => texts.get(number).copied().filter(|text| is_silent(text)),
        }
    }

    /// What objects of the layout at hand say.
    fn verdict(&mut self) -> Option<Said> {
        let hash = xxh3_64(&self.layout);
        if let Some(verdict) = self.verdicts.get(&hash) {
            return *verdict;
        }
        if self.verdicts.len() >= MAX_LAYOUTS {
            self.verdicts.clear();
        }
        let verdict = judge(&self.layout);
        self.verdicts.insert(hash, verdict);
        verdict
    }
}

/// Whether a text is no more than a value, whatever the name of its member.
fn is_plain(text: &[u8]) -> bool {
    text.is_ascii() && !BARRED.contains(&text) && !text.starts_with(b"H4sI")
}

/// Whether an object's own text tells nothing. Some texts stand for none.
fn is_silent(text: &[u8]) -> bool {
    !matches!(text, b"" | b"-" | b"null" | b"undefined")
        && quiet::is_quiet(text)
        && !json_app::is_phrase(text)
}

/// Has an object of a layout read in every place where one may stand.
fn judge(layout: &[u8]) -> Option<Said> {
    const ID: &str = "11111111-2222-4333-8444-555555555555";
    let layout = std::str::from_utf8(layout).ok()?;
    let (object, texts) = example(layout)?;
    let function = format!("2026-01-01T00:00:00.000Z\t{ID}\tINFO\t{object}");
    let text = object.replace('"', "\\\"");
    let logger = format!(r#"{{"level":30,"time":1767225600000,"reqId":"{ID}","msg":"{text}"}}"#);
    let places = [(&object, FrameKind::Line), (&object, FrameKind::Json), (&function, FrameKind::Line)];
    let mut verdict = None;
    for (bytes, kind) in places.into_iter().chain([(&logger, FrameKind::Json)]) {
        let id = (bytes != &object).then_some(ID);
        let record = read(bytes, kind)?;
        let said = match record.message.as_str() {
            "" => Said::Nothing,
            message => Said::Text(texts.iter().position(|text| text == message)?),
        };
        if !says_no_more(&record, id) || verdict.is_some_and(|verdict| verdict != said) {
            return None;
        }
        verdict = Some(said);
    }
    verdict
}

/// An object of this layout, and the texts of its members by number. `None` if what correlation takes from one depends on
/// its value.
fn example(layout: &str) -> Option<(String, Vec<String>)> {
    let (mut members, mut texts) = (Vec::new(), Vec::new());
    let mut rest = layout;
    while let Some((key, after)) = rest.split_once('"') {
        let (kind, after) = after.split_at_checked(1)?;
        rest = after;
        // Shapes of Lambda and API Gateway are told by these and by how values beside them are written.
        let told_by = matches!(key, "requestId" | "timestamp");
        if told_by || !matches!(json_app::use_of(&[key]), Use::Nothing | Use::Message | Use::Duration) {
            return None;
        }
        let text = format!("text number {}", texts.len());
        let value = match kind {
            "s" => format!("\"{text}\""),
            "-" => "-7".to_owned(),
            "." => "7.5".to_owned(),
            "1" => "7".to_owned(),
            "f" => "false".to_owned(),
            "n" => "null".to_owned(),
            _ => "true".to_owned(),
        };
        members.push(format!("\"{key}\":{value}"));
        texts.push(if kind == "s" { text } else { String::new() });
    }
    Some((format!("{{{}}}", members.join(",")), texts))
}

/// The one record of a line of an unknown container.
fn read(bytes: &str, kind: FrameKind) -> Option<Record> {
    let frame = Frame { bytes: bytes.as_bytes(), kind, at: Default::default() };
    let mut records = Vec::new();
    Shapes::forced("lines").ok()?.read(&frame, &FrameContext::default(), None, None, &mut records);
    let record = records.pop()?;
    records.is_empty().then_some(record)
}

/// Whether a record says nothing of its request but its ID and what stands before the object.
fn says_no_more(record: &Record, id: Option<&str>) -> bool {
    let mut marks = record.marks;
    // The container marks what stands below another line, whatever it says.
    marks.remove(Marks::CONTINUATION);
    let own_id = record.id.as_ref().map(|id| (id.text.as_str(), id.kind));
    marks.is_empty()
        && own_id == id.map(|id| (id, IdKind::Request))
        && record.time_ms == id.map(|_| 1_767_225_600_000)
        && (record.status, record.function_status) == (None, None)
        && (&record.route, &record.path, &record.deployment) == (&None, &None, &None)
        && (&record.stream, &record.event_id) == (&None, &None)
        && (record.error_text.as_str(), &record.error_class) == ("", &None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_text_of_objects_that_say_nothing_else() {
        let mut objects = Objects::default();
        for (object, text) in [
            (r#"{"event":"flag.carrier","tenant":"t_1","took":180,"rows":12}"#, Some("flag.carrier")),
            (r#"{"event":"other","tenant":"status","took":1,"rows":-1}"#, None),
            (r#"{"event":"other","tenant":"t","took":1,"rows":-1}"#, Some("other")),
            (r#"{"a":1,"b":2.5,"c":null,"d":true}"#, Some("")),
            (r#"{"a":1,"event":true}"#, None),
            (r#"{"msg":"loaded","level":"error"}"#, Some("loaded")),
            (r#"{"msg":"loaded","message":"saved"}"#, Some("saved")),
            (r#"{"msg":"request completed","rows":1}"#, None),
            (r#"{"msg":"null"}"#, None),
            (r#"{"msg":"x","status":500}"#, None),
            (r#"{"msg":"x","requestId":"r-1234567"}"#, None),
            (r#"{"msg":"x","time":1767225600000}"#, None),
            (r#"{"msg":"x","err":"boom"}"#, None),
            (r#"{"msg":"x","path":"/a","method":"GET"}"#, None),
            (r#"{"msg":"x","ctx":{"status":500}}"#, None),
            (r#"{"msg":"x"} "#, None),
            (r#"{"msg":"x",}"#, None),
            (r#"{"msg":"a\nb"}"#, None),
            (r#"{"msg":"red [31mx[0m"}"#, None),
            (r#"{"log":"x","stream":"stdout"}"#, Some("x")),
        ] {
            // Twice: what was judged before changes nothing.
            for _ in 0..2 {
                assert_eq!(objects.text_of(object.as_bytes()), text.map(str::as_bytes), "{object}");
            }
        }
    }
}
