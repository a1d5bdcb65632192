//! What Docker's `json-file` driver keeps of a container: one object a line with `log`, `stream` and `time`. Long lines
//! are cut into pieces, which are joined by the joiner.
//! <https://github.com/moby/moby/blob/master/daemon/logger/jsonfilelog/jsonlog/jsonlogbytes.go>

use serde_json::Value;

use super::{About, Container, Decoded, json, prefixed, time};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::{Marks, Record};

/// The shape `docker-json`.
pub struct DockerJson;

/// Its members; no other program's object has only these.
const MEMBERS: [&str; 4] = ["log", "stream", "attrs", "time"];
/// Its first member: `log`, which an empty line has none of.
const STARTS: [&[u8]; 2] = [b"{\"log\":\"", b"{\"stream\":\"std"];

impl Container for DockerJson {
    fn name(&self) -> &'static str {
        "docker-json"
    }

    fn about(&self) -> About {
        About {
            title: "Docker's json-file log",
            fingerprint: "objects with log, stream and time and nothing else",
            export: "/var/lib/docker/containers/ID/ID-json.log",
        }
    }

    fn joins(&self) -> bool {
        true
    }

    fn detect(&self, frame: &Frame<'_>, _context: &FrameContext) -> Option<&'static str> {
        (frame.kind == FrameKind::Json && STARTS.iter().any(|start| frame.bytes.starts_with(start)))
            .then_some("log, stream and time")
    }

    fn decode(&self, frame: &Frame<'_>, _context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        let Some(map) = json::object(frame.bytes) else { return Decoded::NotMine };
        if map.keys().any(|key| !MEMBERS.contains(&key.as_str())) {
            return Decoded::NotMine;
        }
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        let (Some(channel), Some(stamp)) = (text("stream"), text("time").and_then(time::parse)) else {
            return Decoded::NotMine;
        };
        let line = text("log");
        let mut record = Record {
            at: frame.at,
            time_ms: Some(stamp.ms),
            message: line.unwrap_or_default().trim_end_matches(['\n', '\r']).to_owned(),
            fields: vec![(prefixed::CHANNEL.to_owned(), channel.to_owned())],
            ..Record::default()
        };
        if line.is_some_and(|line| !line.ends_with('\n')) {
            record.marks.insert(Marks::PIECE);
        }
        out.push(record);
        Decoded::Records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Record> {
        let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Json, at: Default::default() };
        let mut out = Vec::new();
        DockerJson.detect(&frame, &FrameContext::default())?;
        (DockerJson.decode(&frame, &FrameContext::default(), &mut out) == Decoded::Records).then_some(())?;
        out.pop()
    }

    #[test]
    fn reads_lines_pieces_and_empty_lines() {
        let line = read(r#"{"log":"    at f\n","stream":"stderr","time":"2026-01-01T10:10:15.001234567Z"}"#);
        let line = line.expect("read");
        assert_eq!((line.message.as_str(), line.time_ms), ("    at f", Some(1_767_262_215_001)));
        assert!(line.marks.is_empty());
        let piece = read(r#"{"log":"half","stream":"stdout","time":"2026-01-01T10:10:15Z"}"#);
        assert!(piece.is_some_and(|piece| piece.marks.has(Marks::PIECE)));
        let empty = read(r#"{"stream":"stdout","time":"2026-01-01T10:10:15Z"}"#);
        assert!(empty.is_some_and(|empty| empty.message.is_empty() && empty.marks.is_empty()));
    }

    #[test]
    fn leaves_other_objects() {
        for text in [
            r#"{"log":"x\n","stream":"stdout","time":"2026-01-01T10:10:15Z","kubernetes":{}}"#,
            r#"{"log":"x\n","stream":"stdout","time":"soon"}"#,
            r#"{"log":{"level":"info"},"stream":"stdout","time":"2026-01-01T10:10:15Z"}"#,
            r#"{"log":"cut"#,
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
