//! Running the engine over bytes that arrive in pieces, and looking at reports without the positions in them.

use std::io::{self, Read};
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use why500::engine::{Engine, Options};
use why500::input::source::Stream;
use why500::report::model::Report;

use crate::generate::Random;

/// The engine with so many threads; rules are compiled once.
pub fn engine(threads: usize) -> &'static Engine {
    static ENGINES: [OnceLock<Engine>; 3] = [const { OnceLock::new() }; 3];
    let slot = match threads {
        1 => 0,
        2 => 1,
        _ => 2,
    };
    ENGINES[slot].get_or_init(|| with_options(Options { threads: [1, 2, 4][slot], ..Options::default() }))
}

/// An engine with options of its own.
pub fn with_options(options: Options) -> Engine {
    Engine::with_rules(&[], options).expect("the embedded rules load")
}

/// Hands bytes out in pieces.
pub struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    random: Option<Random>,
    most: usize,
}

impl Pieces {
    /// Pieces of exactly `size` bytes.
    pub fn of(bytes: &[u8], size: usize) -> Pieces {
        Pieces { bytes: bytes.to_vec(), at: 0, random: None, most: size }
    }

    /// Pieces of 1 to 64 bytes.
    pub fn random(bytes: &[u8], seed: u64) -> Pieces {
        Pieces { bytes: bytes.to_vec(), at: 0, random: Some(Random::new(seed)), most: 64 }
    }
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let size = match &mut self.random {
            Some(random) => 1 + random.below(self.most as u64) as usize,
            None => self.most,
        };
        let rest = &self.bytes[self.at..];
        let count = size.min(rest.len()).min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

/// Runs over named readers and checks that the account closes.
pub fn run_readers(engine: &Engine, readers: Vec<(&str, Box<dyn Read + Send>)>) -> Report {
    let streams = readers
        .into_iter()
        .map(|(name, reader)| {
            (name.to_owned(), Stream::from_reader(reader, name, None).expect("memory can be read"))
        })
        .collect();
    let finished = engine.run_streams(streams, &Arc::default(), &mut ());
    assert!(finished.errors.is_empty(), "{:?}", finished.errors);
    assert_closes(&finished.report);
    finished.report
}

/// Runs over named bytes.
pub fn run(engine: &Engine, sources: &[(&str, &[u8])]) -> Report {
    let readers = sources
        .iter()
        .map(|(name, bytes)| (*name, Box::new(io::Cursor::new(bytes.to_vec())) as Box<dyn Read + Send>))
        .collect();
    run_readers(engine, readers)
}

/// Runs over bytes that arrive in pieces.
pub fn run_pieces(engine: &Engine, name: &str, pieces: Pieces) -> Report {
    run_readers(engine, vec![(name, Box::new(pieces))])
}

/// The account of every source closes, and the totals fit together.
pub fn assert_closes(report: &Report) {
    for source in &report.sources {
        let sum =
            source.decoded + source.continuations + source.duplicates + source.ignored + source.rejected;
        assert_eq!(source.frames, sum, "the account of {source:?}");
        let reasons: u64 = source.rejects.iter().map(|reject| reject.frames).sum();
        assert_eq!(source.rejected, reasons, "every rejected frame has a reason: {source:?}");
    }
    let totals = &report.requests;
    assert!(totals.failed + totals.aborted + totals.incomplete <= totals.total, "{totals:?}");
    assert_eq!(totals.failed, report.failures.len() as u64);
    assert_eq!(totals.failed, report.incidents.iter().map(|incident| incident.requests).sum::<u64>());
}

/// `json` and `jsonl` as they are printed.
pub fn printed(report: &Report) -> (String, String) {
    let (mut json, mut jsonl) = (Vec::new(), Vec::new());
    why500::report::json::write(report, &mut json).expect("memory can be written");
    why500::report::jsonl::write(report, &mut jsonl).expect("memory can be written");
    (String::from_utf8(json).expect("json is text"), String::from_utf8(jsonl).expect("jsonl is text"))
}

/// `requests`, `traffic`, `incidents`, `routes` and jsonl without the positions of the evidence.
pub fn findings(report: &Report) -> String {
    let (json, jsonl) = printed(report);
    let json: Value = serde_json::from_str(&json).expect("json");
    let mut out = String::new();
    for key in ["window", "requests", "routes", "traffic", "incidents"] {
        let mut value = json[key].clone();
        forget_positions(&mut value);
        out.push_str(&serde_json::to_string_pretty(&value).expect("json"));
        out.push('\n');
    }
    for cell in &report.traffic.whole.cells {
        out.push_str(&format!("{cell:?}\n"));
    }
    for one in &report.traffic.whole.sample {
        out.push_str(&format!("{one:?}\n"));
    }
    for line in jsonl.lines() {
        let mut value: Value = serde_json::from_str(line).expect("jsonl");
        forget_positions(&mut value);
        out.push_str(&serde_json::to_string_pretty(&value).expect("json"));
        out.push('\n');
    }
    out
}

fn forget_positions(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.contains_key("line") && map.contains_key("text") {
                map.remove("line");
                map.remove("source");
            }
            if map.contains_key("verdict")
                && let Some(Value::String(why)) = map.get_mut("why")
                && why.ends_with(')')
                && let Some(at) = why.rfind(" (")
            {
                why.truncate(at);
            }
            map.remove("cites");
            map.values_mut().for_each(forget_positions);
        }
        Value::Array(values) => values.iter_mut().for_each(forget_positions),
        _ => {}
    }
}

/// Nothing if the texts are equal, else the first line that differs.
pub fn same(left: &str, right: &str, what: &str) -> Result<(), String> {
    if left == right {
        return Ok(());
    }
    let number = left.lines().zip(right.lines()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| {
        let lines = text.lines().skip(number.saturating_sub(3)).take(7);
        lines.map(|line| format!("    {line}\n")).collect::<String>()
    };
    Err(format!("{what}: line {} differs\n{}  --\n{}", number + 1, around(left), around(right)))
}

/// Equal texts, or a panic that shows the first line that differs.
#[track_caller]
pub fn assert_same(left: &str, right: &str, what: &str) {
    if let Err(difference) = same(left, right, what) {
        panic!("{difference}");
    }
}
