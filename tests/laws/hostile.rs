//! Broken input: nothing panics, the account closes, and pieces change nothing.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{TestCaseError, TestCaseResult, TestRunner};
use why500::engine::{Engine, Options};
use why500::format::Decoded;
use why500::format::registry::{CONTAINERS, Detector, Shapes};
use why500::input::frame::{Frame, FrameContext, FrameKind};
use why500::input::framer::{Framer, Step};
use why500::record::{Marks, Position};

use crate::inputs::{Input, generated, samples};
use crate::support::{
    Pieces, assert_closes, assert_same, engine, printed, run, run_pieces, same, with_options,
};

/// Bytes of an input that are mutated; a cut is a mutation too.
const MAX_BYTES: usize = 6_000;

/// One change; indexes are scaled to the length at hand.
#[derive(Debug, Clone)]
enum Change {
    Cut(Index, Index),
    Repeat(Index, u16),
    Swap(Index, Index),
    Insert(Index, &'static [u8]),
    Truncate(Index),
    Flip(Index, u8),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let pieces: [&'static [u8]; 14] = [
        b"\0",
        b"\"",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\x1b[31m",
    ];
    prop_oneof![
        (at(), at()).prop_map(|(a, b)| Change::Cut(a, b)),
        (at(), 1u16..400).prop_map(|(a, n)| Change::Repeat(a, n)),
        (at(), at()).prop_map(|(a, b)| Change::Swap(a, b)),
        (at(), select(pieces.to_vec())).prop_map(|(a, piece)| Change::Insert(a, piece)),
        at().prop_map(Change::Truncate),
        (at(), any::<u8>()).prop_map(|(a, byte)| Change::Flip(a, byte)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match change {
        Change::Cut(a, b) => {
            let from = a.index(length);
            // Short cuts break syntax more subtly than long ones.
            let to = (from + 1 + b.index(40)).min(length);
            bytes.drain(from..to);
        }
        Change::Repeat(a, count) => {
            let from = a.index(length);
            let to = (from + usize::from(*count)).min(length);
            let copy = bytes[from..to].to_vec();
            bytes.splice(to..to, copy);
        }
        Change::Swap(a, b) => bytes.swap(a.index(length), b.index(length)),
        Change::Insert(a, piece) => {
            let at = a.index(length + 1);
            bytes.splice(at..at, piece.iter().copied());
        }
        Change::Truncate(a) => bytes.truncate(a.index(length)),
        Change::Flip(a, byte) => bytes[a.index(length)] ^= byte,
    }
}

fn inputs() -> Vec<Input> {
    let mut inputs = generated();
    // What a broken compressed file holds is another question, see below.
    inputs.extend(samples().into_iter().filter(|sample| !is_compressed(&sample.bytes)));
    inputs
}

fn is_compressed(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"\x28\xb5\x2f\xfd")
}

fn mutated(inputs: &[Input], which: &Index, from: &Index, changes: &[Change]) -> (String, Vec<u8>) {
    let input = which.get(inputs);
    // Not always from the beginning: an export may begin anywhere.
    let start = if input.bytes.len() > MAX_BYTES { from.index(input.bytes.len() - MAX_BYTES) } else { 0 };
    let start = if start % 3 == 0 { 0 } else { start };
    let mut bytes: Vec<u8> = input.bytes.iter().skip(start).take(MAX_BYTES).copied().collect();
    for change in changes {
        apply(&mut bytes, change);
    }
    (input.name.clone(), bytes)
}

fn holds(engine: &Engine, name: &str, bytes: &[u8], pieces: Pieces) -> TestCaseResult {
    let whole = run(engine, &[(name, bytes)]);
    let pieces = run_pieces(engine, name, pieces);
    let (whole, pieces) = (printed(&whole), printed(&pieces));
    let what = if bytes.len() < 400 { String::from_utf8_lossy(bytes) } else { name.into() };
    let result = same(&whole.0, &pieces.0, &what).and_then(|()| same(&whole.1, &pieces.1, &what));
    result.map_err(TestCaseError::fail)
}

/// Runs a property; its failure is shown once, shrunk.
fn prove<S: Strategy>(cases: u32, strategy: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    if let Err(error) = TestRunner::new(config).run(strategy, property) {
        panic!("{error}");
    }
}

#[test]
fn mutated_inputs_close_their_account_in_any_pieces() {
    let inputs = inputs();
    let strategy = (any::<Index>(), any::<Index>(), vec(change(), 1..8), any::<u64>());
    prove(300, &strategy, |(which, from, changes, seed)| {
        let (name, bytes) = mutated(&inputs, &which, &from, &changes);
        holds(engine(1), &name, &bytes, Pieces::random(&bytes, seed))
    });
}

/// On one thread lines are framed and glanced at in one, on several they are cut off first. Odd ends of lines and long
/// lines are among them.
#[test]
fn mutated_inputs_are_the_same_on_any_threads() {
    let inputs = inputs();
    let odd =
        vec![&b"\r"[..], b"\n\n", b" \n", b"\xef\xbb\xbf", b"{\"events\":[", b"]", b"{}\n", b"[\n", b"a,b\n"];
    let odd = vec((any::<Index>(), select(odd)), 0..4);
    let limits = [(engine(1), engine(2)), (&with_limit(1), &with_limit(2))];
    let strategy = (any::<Index>(), any::<Index>(), vec(change(), 0..5), odd);
    prove(300, &strategy, |(which, from, mut changes, odd)| {
        changes.extend(odd.into_iter().map(|(at, piece)| Change::Insert(at, piece)));
        let (name, bytes) = mutated(&inputs, &which, &from, &changes);
        for (one, two) in limits {
            let (one, two) = (printed(&run(one, &[(&name, &bytes)])), printed(&run(two, &[(&name, &bytes)])));
            same(&one.0, &two.0, &name).map_err(TestCaseError::fail)?;
        }
        Ok(())
    });
}

fn with_limit(threads: usize) -> Engine {
    with_options(Options { threads, max_line_bytes: 500, ..Options::default() })
}

/// With a line limit that most entries exceed.
#[test]
fn overlong_entries_are_the_same_in_any_pieces() {
    let inputs = inputs();
    let engine = with_options(Options { threads: 1, max_line_bytes: 200, ..Options::default() });
    let strategy = (any::<Index>(), any::<Index>(), vec(change(), 0..5), any::<u64>());
    prove(150, &strategy, |(which, from, changes, seed)| {
        let (name, bytes) = mutated(&inputs, &which, &from, &changes);
        holds(&engine, &name, &bytes, Pieces::random(&bytes, seed))
    });
}

/// Short strings of the bytes that framing turns on.
#[test]
fn arbitrary_syntax_is_the_same_in_any_pieces() {
    let tokens: [&'static [u8]; 16] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"",
        b"\n",
        b" ",
        b"\\",
        b"a",
        b"1",
        b"{\"a\":1}",
        b"\"events\":[",
        b"\r\n",
        b"\0",
    ];
    let strategy = (vec(select(tokens.to_vec()), 0..40), 1usize..5);
    let short = with_options(Options { threads: 1, max_line_bytes: 12, ..Options::default() });
    prove(600, &strategy, |(tokens, size)| {
        let bytes = tokens.concat();
        holds(engine(1), "syntax", &bytes, Pieces::of(&bytes, size))?;
        holds(&short, "syntax", &bytes, Pieces::of(&bytes, size))
    });
}

#[test]
fn binary_data_is_refused_in_any_pieces() {
    let mut noise = Vec::new();
    let mut random = crate::generate::Random::new(3);
    for _ in 0..3_000 {
        noise.extend_from_slice(&random.next().to_le_bytes()[..2]);
    }
    let late = [b"a line\n".repeat(200), noise.clone()].concat();
    for bytes in [noise, late, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), b"ok\n\0\0\0\0\0\0".to_vec()] {
        for seed in 0..3 {
            let whole = printed(&run(engine(1), &[("noise", &bytes)]));
            let pieces = printed(&run_pieces(engine(1), "noise", Pieces::random(&bytes, seed)));
            assert_same(&whole.0, &pieces.0, "noise");
        }
    }
}

/// Which container read the frame before saves time and nothing else.
#[test]
fn a_hint_changes_nothing() {
    for input in inputs() {
        let mut framer = Framer::new(&input.name, 1 << 20);
        let mut detector = Detector::new(Shapes::all());
        let mut rest = &input.bytes[..];
        loop {
            match framer.next(rest, true, &mut detector) {
                Step::Frame { start, end, next, kind, .. } => {
                    let frame = Frame { bytes: &rest[start..end], kind, at: Position::default() };
                    let read = |hint| {
                        let mut records = Vec::new();
                        let read = Shapes::all().read(&frame, framer.context(), hint, None, &mut records);
                        (read.container, format!("{:?} {records:?}", read.decoded))
                    };
                    let without = read(None);
                    for hint in 0..CONTAINERS.len() as u8 {
                        let name = CONTAINERS[usize::from(hint)].name();
                        let text = String::from_utf8_lossy(frame.bytes);
                        assert_eq!(read(Some(hint)), without, "{}: hint {name}: {text}", input.name);
                    }
                    rest = &rest[next..];
                }
                Step::Skip { next, .. } | Step::Trailer { next, .. } => rest = &rest[next..],
                Step::More => break,
            }
        }
    }
}

/// What is glanced at says what decoding says.
#[test]
fn a_glance_sees_what_decoding_sees() {
    let inputs = inputs();
    let strategy = (any::<Index>(), any::<Index>(), vec(change(), 0..4));
    prove(400, &strategy, |(which, from, changes)| {
        let (name, bytes) = mutated(&inputs, &which, &from, &changes);
        let frame = |bytes| Frame { bytes, kind: FrameKind::Json, at: Position::default() };
        // One that learned from the whole input may be faster, but says the same.
        let mut learned: Vec<_> = CONTAINERS.iter().map(|container| container.glancer()).collect();
        for line in inputs[which.index(inputs.len())].bytes.split(|byte| *byte == b'\n') {
            for glancer in learned.iter_mut().flatten() {
                glancer.glance(&frame(line));
            }
        }
        for line in bytes.split(|byte| *byte == b'\n') {
            let frame = frame(line);
            let fresh = CONTAINERS.iter().map(|container| container.glancer()).enumerate();
            let learned = learned.iter_mut().enumerate();
            for (index, brief) in
                fresh.filter_map(|(index, glancer)| Some((index, glancer?.glance(&frame)?))).chain(
                    learned.filter_map(|(index, glancer)| Some((index, glancer.as_mut()?.glance(&frame)?))),
                )
            {
                let mut records = Vec::new();
                let read = Shapes::all().read(&frame, &FrameContext::default(), None, None, &mut records);
                let text = String::from_utf8_lossy(line);
                prop_assert_eq!(read.container, Some(index as u8), "{}: {}", name, text);
                prop_assert_eq!(read.decoded, Decoded::Records, "{}: {}", name, text);
                let record = &records[0];
                prop_assert_eq!(record.id.as_ref().map(|id| id.text.as_bytes()), Some(brief.id), "{}", text);
                prop_assert_eq!(record.event_id.as_ref().map(String::as_bytes), brief.event_id, "{}", text);
                prop_assert_eq!(record.time_ms, brief.time_ms, "{}", text);
                prop_assert_eq!(record.status, brief.status, "{}", text);
                prop_assert_eq!(record.function_status, brief.function_status, "{}", text);
                prop_assert_eq!(record.route.as_ref().map(String::as_bytes), brief.route, "{}", text);
                // A path is asked for where there is no route.
                let path = record.path.as_ref().filter(|_| record.route.is_none());
                prop_assert_eq!(path.map(String::as_bytes), brief.path, "{}", text);
                let deployment = record.deployment.as_ref().map(String::as_bytes);
                prop_assert_eq!(deployment, brief.deployment, "{}", text);
                let decisive = Marks::CLIENT | Marks::END | Marks::BACKGROUND | Marks::MIDDLEWARE;
                for (name, mark) in [("any", decisive), ("client", Marks::CLIENT), ("end", Marks::END)] {
                    prop_assert_eq!(record.marks.has(mark), brief.marks.has(mark), "{}: {}", name, text);
                }
            }
        }
        Ok(())
    });
}

/// A compressed file that breaks off or is damaged is an error that names it; what was read of it is accounted for.
#[test]
fn damaged_compression_is_an_error() {
    let text = generated().remove(0).bytes;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &text).expect("writes");
    let gzip = encoder.finish().expect("finishes");
    let zstd = zstd::stream::encode_all(&text[..], 1).expect("encodes");
    for whole in [gzip, zstd] {
        for at in (5..whole.len()).step_by(whole.len() / 40) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            for bytes in [whole[..at].to_vec(), damaged] {
                let reader = Box::new(Pieces::random(&bytes, at as u64));
                let finished = engine(1).run_reader("broken.gz", reader);
                assert_closes(&finished.report);
                assert!(finished.errors.iter().all(|error| error.to_string().contains("broken.gz")));
            }
        }
    }
}
