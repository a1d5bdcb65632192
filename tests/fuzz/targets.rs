//! The properties, one a target.

use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use why500::engine::{Engine, Options};
use why500::format::registry::{CONTAINERS, Detector, PAYLOADS, Shapes};
use why500::input::archive;
use why500::input::frame::{Frame, FrameContext, FrameKind};
use why500::input::framer::{Boundaries, Framer, Skipped, Step};
use why500::input::source::{Stream, binary_kind};
use why500::input::unpack::Expand;
use why500::record::Position;
use why500::report::model::Report;
use why500::report::table::TableOptions;
use why500::report::{csv, json, jsonl, table};

use crate::generate::Random;

/// Frames and what was skipped, with their bytes; glue is not counted, so it may come in any pieces.
fn frames(bytes: &[u8], limit: usize, mut piece: impl FnMut() -> usize) -> Vec<String> {
    let mut framer = Framer::new("fuzz", limit);
    let mut detector = Detector::new(Shapes::all());
    let (mut out, mut from, mut have, mut steps) = (Vec::new(), 0, 0, 0);
    loop {
        steps += 1;
        assert!(steps <= 4 * bytes.len() + 64, "framing does not end");
        let eof = have == bytes.len();
        let next = match framer.next(&bytes[from..have], eof, &mut detector) {
            Step::Frame { start, end, next, kind, line, continuations } => {
                assert!(start <= end && end <= next.max(end) && from + end <= have);
                let text = String::from_utf8_lossy(&bytes[from + start..from + end]);
                out.push(format!("{kind:?} {line} {continuations} {text}"));
                next
            }
            Step::Skip { next, what, line } => {
                if what != Skipped::Glue {
                    out.push(format!("{what:?} {line}"));
                }
                next
            }
            Step::Trailer { next, members } => {
                out.push(format!("{members:?}"));
                next
            }
            Step::More if eof => break,
            Step::More => {
                have = (have + piece()).min(bytes.len());
                0
            }
        };
        from += next;
        assert!(from <= have);
    }
    assert_eq!(from, bytes.len(), "all of it is framed or skipped");
    out
}

/// The same frames in any pieces, with a limit that some exceed and one that none does.
pub fn framing(bytes: &[u8], seed: u64) {
    for limit in [1 << 20, 150] {
        let whole = frames(bytes, limit, || bytes.len());
        let mut random = Random::new(seed);
        let pieces = frames(bytes, limit, || 1 + random.below(50) as usize);
        assert_eq!(whole, pieces, "limit {limit}");
        if bytes.len() < 500 {
            assert_eq!(frames(bytes, limit, || 1), whole, "limit {limit}, byte by byte");
        }
    }
}

fn kinds(bytes: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    [FrameKind::Line, FrameKind::Json, FrameKind::Csv].into_iter().map(|kind| Frame {
        bytes,
        kind,
        at: Position::default(),
    })
}

/// Contexts in which a row or element may stand.
fn contexts(bytes: &[u8]) -> [FrameContext; 3] {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let columns = String::from_utf8_lossy(line).split(',').map(str::to_owned).collect();
    let known = ["timestamp", "message"].map(str::to_owned).to_vec();
    [
        FrameContext::default(),
        FrameContext { columns, array_key: "events".to_owned(), ..FrameContext::default() },
        FrameContext {
            columns: known,
            semicolons: true,
            array_key: "results".to_owned(),
            ..FrameContext::default()
        },
    ]
}

/// Detection says the same twice, and a hint changes nothing.
pub fn detection(bytes: &[u8], seed: u64) {
    let _ = binary_kind(bytes);
    let mut detector = Detector::new(Shapes::all());
    for line in bytes.split(|byte| *byte == b'\n') {
        detector.starts_entry(line);
        let text = String::from_utf8_lossy(line);
        detector.is_csv_header(&text.split(',').collect::<Vec<_>>());
    }
    for line in bytes.split(|byte| *byte == b'\n').chain([bytes]) {
        for context in contexts(bytes) {
            for frame in kinds(line) {
                let read = |hint| {
                    let mut records = Vec::new();
                    let read = Shapes::all().read(&frame, &context, hint, None, &mut records);
                    format!("{:?} {:?} {records:?}", read.container, read.decoded)
                };
                let hint = (seed % CONTAINERS.len() as u64) as u8;
                assert_eq!(read(None), read(Some(hint)), "hint {hint}");
            }
        }
    }
}

fn every_shape() -> &'static [Shapes] {
    static SHAPES: OnceLock<Vec<Shapes>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let names =
            CONTAINERS.iter().map(|shape| shape.name()).chain(PAYLOADS.iter().map(|shape| shape.name()));
        names.map(|name| Shapes::forced(name).expect("a name")).collect()
    })
}

/// Every container and payload decodes anything, to the same records each time.
pub fn decoding(bytes: &[u8], seed: u64) {
    let contexts = contexts(bytes);
    let context = &contexts[(seed % 3) as usize];
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').chain([bytes]).take(12).collect();
    for shapes in every_shape() {
        for line in &lines {
            for frame in kinds(line) {
                let read = || {
                    let mut records = Vec::new();
                    let read = shapes.read(&frame, context, None, None, &mut records);
                    assert!(
                        records.len() <= line.len() + 1,
                        "{} records of {} bytes",
                        records.len(),
                        line.len()
                    );
                    format!("{:?} {records:?}", read.decoded)
                };
                assert_eq!(read(), read());
            }
        }
    }
    for container in CONTAINERS {
        let Some(mut glancer) = container.glancer() else { continue };
        for line in &lines {
            for frame in kinds(line) {
                for context in &contexts {
                    let _ = glancer.glance(&frame, context);
                }
                let _ = glancer.glance_line(frame.bytes);
            }
        }
    }
}

/// A reader that hands out pieces.
struct Pieces(Vec<u8>, usize, Random);

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = &self.0[self.1..];
        let count = (1 + self.2.below(64) as usize).min(rest.len()).min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.1 += count;
        Ok(count)
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Text in some wrapping, damaged here and there.
fn wrapped(bytes: &[u8], seed: u64, random: &mut Random) -> Vec<u8> {
    let utf16 = || -> Vec<u8> {
        let text = String::from_utf8_lossy(bytes);
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let mut out = match seed % 5 {
        0 => gzip(bytes),
        1 => zstd::stream::encode_all(bytes, 1).expect("memory"),
        2 => gzip(&gzip(bytes)),
        3 => utf16(),
        _ => gzip(&utf16()),
    };
    for _ in 0..random.below(4) {
        let at = random.below(out.len() as u64) as usize;
        out[at] ^= 1 << random.below(8);
    }
    if random.below(3) == 0 {
        out.truncate(random.below(out.len() as u64 + 1) as usize);
    }
    out
}

fn read_out(reader: Box<dyn Read + Send>) -> (Vec<u8>, Option<String>) {
    let expand = Expand::up_to(1 << 20);
    let mut stream = match Stream::within(reader, "fuzz", None, expand) {
        Ok(stream) => stream,
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let (mut out, mut piece) = (Vec::new(), [0; 997]);
    loop {
        match stream.read(&mut piece) {
            Ok(Some(0)) => return (out, None),
            Ok(count) => out.extend_from_slice(&piece[..count.unwrap_or(0)]),
            Err(error) => return (out, Some(error.to_string())),
        }
        assert!(out.len() <= 2 << 20, "a limit is kept");
    }
}

/// Damaged compression: the same bytes in any pieces, within the limit.
pub fn unpacking(bytes: &[u8], seed: u64) {
    let mut random = Random::new(seed ^ 0x5eed);
    let packed = wrapped(bytes, seed, &mut random);
    let (whole, error) = read_out(Box::new(io::Cursor::new(packed.clone())));
    let (pieces, piecewise) = read_out(Box::new(Pieces(packed, 0, random)));
    assert_eq!(error.is_some(), piecewise.is_some(), "{error:?} {piecewise:?}");
    if error.is_none() {
        assert_eq!(whole, pieces);
    }
}

fn tarred(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for number in 0..1 + random.below(3) {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        let name = format!("{}/{number}.log", "x".repeat(random.below(200) as usize + 1));
        builder.append_data(&mut header, name, bytes).expect("memory");
    }
    builder.into_inner().expect("memory")
}

/// One stored member, as the format has it.
fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0, 0, 0, 0, 0];
    common.extend((bytes.len() as u32).to_le_bytes());
    common.extend((bytes.len() as u32).to_le_bytes());
    common.extend([5, 0, 0, 0]);
    let mut out = b"PK\x03\x04".to_vec();
    out.extend(&common);
    out.extend(b"a.log");
    out.extend(bytes);
    let at = out.len() as u32;
    out.extend(b"PK\x01\x02\x14\0");
    out.extend(&common);
    out.extend([0; 14]);
    out.extend(b"a.log");
    let length = out.len() as u32 - at;
    out.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    out.extend(length.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// Damaged archives: listed and read, or refused.
pub fn archives(bytes: &[u8], seed: u64) {
    let mut random = Random::new(seed ^ 0xa2c);
    let mut packed = match seed % 3 {
        0 => zipped(bytes),
        1 => tarred(bytes, &mut random),
        _ => gzip(&tarred(bytes, &mut random)),
    };
    for _ in 0..random.below(6) {
        // What matters stands at the ends.
        let near = random.below(packed.len().min(120) as u64) as usize;
        let at = if random.below(2) == 0 { near } else { packed.len() - 1 - near };
        packed[at] =
            if random.below(2) == 0 { random.below(256) as u8 } else { packed[at] ^ (1 << random.below(8)) };
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &packed).expect("a file");
    let mut hold_bytes = if random.below(2) == 0 { 1 << 20 } else { 0 };
    let Some(listing) = archive::list(file.path(), Expand::default(), &mut hold_bytes) else { return };
    for member in listing.members.iter().take(4) {
        let Ok(reader) = member.open(Expand::default()) else { continue };
        let _ = read_out(reader);
    }
}

fn engine(threads: usize) -> &'static Engine {
    static ENGINES: [OnceLock<Engine>; 3] = [const { OnceLock::new() }; 3];
    ENGINES[threads].get_or_init(|| {
        let options = match threads {
            0 => Options { threads: 1, max_line_bytes: 300, ..Options::default() },
            threads => Options { threads, ..Options::default() },
        };
        Engine::with_rules(&[], options).expect("the rules load")
    })
}

fn run(engine: &Engine, sources: Vec<(&str, Box<dyn Read + Send>)>) -> Report {
    let streams = sources.into_iter().filter_map(|(name, reader)| {
        // What only looks like compression is an error, which is no report.
        Some((name.to_owned(), Stream::within(reader, name, None, Expand::up_to(1 << 20)).ok()?))
    });
    let report = engine.run_streams(streams.collect(), &Arc::default(), &mut ()).report;
    for source in &report.sources {
        let sum =
            source.decoded + source.continuations + source.duplicates + source.ignored + source.rejected;
        assert_eq!(source.frames, sum, "the account of {source:?}");
        assert_eq!(source.rejected, source.rejects.iter().map(|reject| reject.frames).sum::<u64>());
    }
    let totals = &report.requests;
    assert!(totals.failed + totals.aborted + totals.incomplete <= totals.total, "{totals:?}");
    assert_eq!(totals.failed, report.failures.len() as u64);
    assert_eq!(totals.failed, report.incidents.iter().map(|incident| incident.requests).sum::<u64>());
    report
}

fn one(engine: &Engine, bytes: &[u8]) -> Report {
    run(engine, vec![("a.log", Box::new(io::Cursor::new(bytes.to_vec())))])
}

/// All forms of a report, each looked at.
fn printed(report: &Report) -> String {
    let mut out = Vec::new();
    json::write(report, &mut out).expect("memory");
    serde_json::from_slice::<serde_json::Value>(&out).expect("JSON");
    let mut more = Vec::new();
    jsonl::write(report, &mut more).expect("memory");
    assert_eq!(more.iter().filter(|byte| **byte == b'\n').count() as u64, report.requests.failed);
    out.append(&mut more);
    table::write(report, &TableOptions::default(), &mut out).expect("memory");
    let mut rows = Vec::new();
    csv::write(report, &mut rows).expect("memory");
    let text = String::from_utf8(rows).expect("UTF-8");
    assert!(!text.lines().any(|line| line.starts_with(['=', '+', '-', '@', '\t'])), "a formula: {text}");
    out.extend(text.replace("\r\n", "\n").into_bytes());
    let text = String::from_utf8(out).expect("UTF-8");
    let odd = |c: &char| {
        (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(text.chars().find(odd), None, "{text:?}");
    text
}

#[track_caller]
fn same(left: &str, right: &str, what: &str) {
    if left != right {
        let (a, b) = left.lines().zip(right.lines()).find(|(a, b)| a != b).unwrap_or_default();
        panic!("{what}:\n{a}\n{b}");
    }
}

/// Lines dealt out to two sources: the same report with any number of threads.
pub fn correlation(bytes: &[u8], seed: u64) {
    let mut random = Random::new(seed ^ 0xc0);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if random.below(3) == 0 { &mut b } else { &mut a }.extend_from_slice(line);
    }
    let sources = || -> Vec<(&str, Box<dyn Read + Send>)> {
        vec![("a.log", Box::new(io::Cursor::new(a.clone()))), ("b.log", Box::new(io::Cursor::new(b.clone())))]
    };
    let (single, double) = (run(engine(1), sources()), run(engine(2), sources()));
    same(&printed(&single), &printed(&double), "threads");
}

/// The same report in any pieces; also with a limit that most lines exceed.
pub fn whole_run(bytes: &[u8], seed: u64) {
    // How much comes out of damaged compression before the error depends on how it arrives; see `unpacking`.
    if bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"\x28\xb5\x2f\xfd") {
        return;
    }
    for which in [0, 1] {
        let whole = printed(&one(engine(which), bytes));
        let pieces: Box<dyn Read + Send> = Box::new(Pieces(bytes.to_vec(), 0, Random::new(seed)));
        same(&whole, &printed(&run(engine(which), vec![("a.log", pieces)])), "pieces");
    }
}

/// Twice the input takes no more than about twice the time: an input is repeated as a whole, or each of its lines is.
pub fn linear(bytes: &[u8], seed: u64) {
    let unit = if seed.is_multiple_of(2) {
        bytes.to_vec()
    } else {
        bytes.iter().copied().filter(|byte| *byte != b'\n').collect()
    };
    if unit.is_empty() {
        return;
    }
    let times = 150_000 / unit.len() + 1;
    let took = |times: usize| {
        let input = unit.repeat(times);
        let begun = Instant::now();
        one(engine(1), &input);
        begun.elapsed()
    };
    // A busy machine may be slow once, hardly four times.
    let slow = (0..4).all(|_| took(times * 4) > took(times) * 12 + Duration::from_millis(200));
    assert!(!slow, "four times the input takes more than twelve times as long: {:?}", took(times * 4));
}

/// The input, and good texts with a piece of it in them.
#[cfg(feature = "gate")]
fn around(bytes: &[u8], random: &mut Random, good: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut damaged = |good: &&[u8]| {
        let mut text = good.to_vec();
        let at = random.below(text.len() as u64) as usize;
        let end = (at + random.below(40) as usize).min(text.len());
        let piece = &bytes[..bytes.len().min(random.below(60) as usize)];
        text.splice(at..end, piece.iter().copied());
        text
    };
    std::iter::once(bytes.to_vec()).chain(good.iter().map(&mut damaged)).collect()
}

/// What the gate reads of a team (files of keys, manifest, URLs of datastores) and of whatever answers for a datastore is
/// taken or refused: nothing panics, and a fault of a manifest has its cure.
#[cfg(feature = "gate")]
pub fn gate(bytes: &[u8], seed: u64) {
    use postgres_protocol::message::backend::Message;
    use why500::gate::collect::{connection::Connection, dotenv};
    use why500::gate::manifest::Manifest;
    use why500::gate::reach::{packets, postgres, redis, tls};
    const TEXTS: [&[u8]; 3] = [
        b"export A=\"x $B ${C:-d}\" # e\nF='\n'\nG: `h`\nDATABASE_URL=postgres://a:b@db.example.com:1/c?sslmode=require#d\n",
        b"schema = \"why500/manifest/v1\"\n[datastore.main]\nkind = \"postgres\"\nurl_env = \"A\"\n[[service]]\nname = \"web\"\ndatastore = \"main\"\ninstances_max = 4\n[[family]]\nname = \"b\"\nroutes = [\"/api/**\"]\n[[family.negative]]\nname = \"c\"\nrequest = { method = \"POST\", path = \"/api/d\" }\n",
        b"postgresql://a:b%40@[::1]:6543,db.example.com:1/c?sslmode=verify-full&host=d&port=7&ssl=%7B%7D",
    ];
    const PACKETS: [&[u8]; 8] = [
        b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0",
        b"E\0\0\0\x1eSFATAL\0C28000\0Mno entry\0\0",
        b"D\0\0\0\x10\0\x02\0\0\0\x02ab\xff\xff\xff\xff",
        b"\x0a10.11.6-MariaDB\0\x01\0\0\0abcdefgh\0\xfe\xff\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\x0f\0\0\0abcdefghijkl\0mysql_native_password\0",
        b"\xff\x15\x04#28000Access denied",
        b"\xfemysql_native_password\0abcdefghijklmnopqrst\0",
        b"\x03100\xfb\xfc\x02\0ab",
        b"# Clients\r\nconnected_clients:7\r\nmaxclients:100\r\n",
    ];
    let mut random = Random::new(seed);
    for text in around(bytes, &mut random, &TEXTS) {
        let text = String::from_utf8_lossy(&text);
        dotenv::parse(&text);
        let _ = Connection::parse(&text);
        if let Err(fault) = Manifest::parse(std::path::Path::new("why500.toml"), &text) {
            assert!(!fault.problem.is_empty() && !fault.cure.is_empty(), "{fault}");
        }
    }
    for packet in around(bytes, &mut random, &PACKETS) {
        // With the length that it has, or hardly any would be looked into.
        let frame = [
            packet.get(..1).unwrap_or_default(),
            &(packet.len() as u32 + 3).to_be_bytes(),
            packet.get(5..).unwrap_or_default(),
        ];
        match postgres::parse(&frame.concat()) {
            Ok(Message::ErrorResponse(error)) => {
                postgres::cause(&postgres::read_error(&error));
            }
            Ok(Message::DataRow(row)) => {
                postgres::fields(&row);
            }
            _ => {}
        }
        let _ = packets::greeting(&packet);
        let _ = packets::answer(&packet);
        let _ = packets::row(&packet);
        let _ = packets::columns(&packet);
        let text = String::from_utf8_lossy(&packet);
        redis::info(&text);
        redis::cause(&text);
        tls::described(&packet);
    }
}

/// A transcript with a piece of the input in it is read or refused with line and cure; what is read is written as it was.
#[cfg(feature = "gate")]
pub fn transcript(bytes: &[u8], seed: u64) {
    use why500::gate::transcript::Transcript;
    const GOOD: &[u8] = br#"{"schema":"why500/transcript/v1","as_of":"2026-11-23","phases":["live"]}
{"kind":"http","purpose":"probe","family":"a","name":"b","attempt":1,"sent":"0f","method":"GET","path":"/a","elapsed_ms":12,"outcome":{"answered":{"status":200,"headers":{"content-type":"application/json"},"body":"json","body_bytes":2}}}
{"kind":"http","purpose":"negative","family":"a","name":"c","attempt":2,"sent":"0f","method":"POST","path":"/a","elapsed_ms":0,"outcome":{"lost":{"step":"timeout","text":"x"}}}
{"kind":"datastore","asked":{"name":"main","declared":true,"store":"postgres","key":"A","origin":".env","line":1,"wrong":null,"host":"db.example.com","port":5432,"driver":{"driver":"pg","version":[8,13],"source":"package.json"},"meaning":{"encryption":"require","verification":"full","roots":"mozilla","explicit":true,"wins":true,"pool":10,"prepares":false},"code":["lib/db.ts",4],"extra_roots":false,"ca_file":"ca.pem"},"steps":[{"step":"dns","ms":3,"outcome":"ok"},{"step":"tls","ms":4,"outcome":{"not_run":{"why":"x"}}},{"step":"login","ms":5,"outcome":{"failed":{"cause":"credentials-refused","said":"x"}}}],"tls":"TLS 1.3","certificate":{"subject":"CN=a","issuer":"CN=b","names":["db.example.com"],"from":"2026-01-01","until":"2027-01-01","chain":1,"name_matches":true,"mozilla":"good","system":null,"own":"unknown-issuer"},"capacity":{"max":100,"reserved":3,"own_limit":null,"used":5,"pool_mode":"session","prepared":0,"version":"15"}}
"#;
    Transcript::parse(std::path::Path::new("good"), GOOD).expect("a transcript");
    for text in around(bytes, &mut Random::new(seed), &[GOOD]) {
        match Transcript::parse(std::path::Path::new("seen"), &text) {
            Ok(read) => {
                let mut out = Vec::new();
                read.write(&mut out).expect("written");
                let again = Transcript::parse(std::path::Path::new("seen"), &out).expect("a transcript");
                assert_eq!(again, read);
            }
            Err(fault) => assert!(fault.line.is_some() && !fault.cure.is_empty(), "{fault}"),
        }
    }
}
