//! `why500 formats`, and `--explain-format`.

use std::fmt::Write;

use super::exit::{Exit, Failure, print, remark};
use crate::format::About;
use crate::format::registry::{CONTAINERS, Detector, PAYLOADS, Shapes};
use crate::input::frame::Frame;
use crate::input::framer::{Framer, Step};
use crate::input::source::{Stream, binary_kind};
use crate::record::Position;

/// Entries of a source that are explained.
const EXPLAINED: usize = 3;
/// Bytes of a source that are looked at for it.
const EXPLAINED_BYTES: usize = 64 * 1024;

/// First bytes of a source that tell binary data from text, as the run does it.
const BINARY_BYTES: usize = 8 * 1024;

/// Lists the shapes.
pub fn run() -> Result<Exit, Failure> {
    let mut out = String::new();
    let _ = writeln!(out, "Containers: how an entry is wrapped\n");
    for shape in CONTAINERS {
        describe(&mut out, shape.name(), shape.about());
    }
    let _ = writeln!(out, "Payloads: what a message holds\n");
    for shape in PAYLOADS {
        describe(&mut out, shape.name(), shape.about());
    }
    print(out.as_bytes())
}

fn describe(out: &mut String, name: &str, about: About) {
    let _ = writeln!(out, "  {name}\n      {}", about.title);
    let _ = writeln!(out, "      recognised by: {}", about.fingerprint);
    let _ = writeln!(out, "      export:        {}\n", about.export);
}

/// Says which shapes were tried on the first entries of a source. They are only looked at: the run reads them again.
pub fn explain(name: &str, stream: &mut Stream, shapes: Shapes) {
    let (bytes, ended) = stream.peek(EXPLAINED_BYTES);
    if let Some(what) = binary_kind(&bytes[..bytes.len().min(BINARY_BYTES)]) {
        remark(&format!("{name}: {what}; no format was tried"));
    } else if explain_bytes(name, bytes, ended, shapes) == 0 && explain_bytes(name, bytes, true, shapes) == 0
    {
        remark(&format!("{name}: no entry in it; no format was tried"));
    }
}

/// Explains the first entries and says how many they were.
fn explain_bytes(name: &str, bytes: &[u8], ended: bool, shapes: Shapes) -> usize {
    let mut framer = Framer::new(name, EXPLAINED_BYTES);
    let mut detector = Detector::new(shapes);
    let (mut at, mut explained) = (0, 0);
    while explained < EXPLAINED {
        match framer.next(&bytes[at..], ended, &mut detector) {
            Step::Frame { start, end, next, kind, line, .. } => {
                let position = Position { line, ..Position::default() };
                let frame = Frame { bytes: &bytes[at + start..at + end], kind, at: position };
                let context = framer.context().clone();
                remark(&format!("{name}:{line}: an entry framed as {kind:?}"));
                for shape in CONTAINERS {
                    let verdict = match shape.detect(&frame, &context) {
                        Some(why) => format!("yes: {why}"),
                        None => format!("no: not {}", shape.about().fingerprint),
                    };
                    remark(&format!("    {:24} {verdict}", shape.name()));
                    if verdict.starts_with("yes") {
                        break;
                    }
                }
                let mut records = Vec::new();
                let read = shapes.read(&frame, &context, None, detector.text_container(), &mut records);
                let container = read.container.map_or("none", Shapes::container_name);
                let payload = records.first().map_or("", |record| record.payload);
                remark(&format!(
                    "    → {container}{}{payload}: {} records",
                    if payload.is_empty() { "" } else { "/" },
                    records.len()
                ));
                explained += 1;
                at += next;
            }
            Step::Skip { next, .. } | Step::Trailer { next, .. } => at += next,
            Step::More => break,
        }
    }
    explained
}
