//! Broken input: nothing panics, the account closes, and pieces change nothing.

use proptest::prelude::*;
use proptest::sample::Index;
use why500::engine::Options;

use crate::inputs::{Input, generated, samples};
use crate::support::{Pieces, assert_same, engine, printed, run, run_pieces, with_options};

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
        (at(), proptest::sample::select(pieces.to_vec())).prop_map(|(a, piece)| Change::Insert(a, piece)),
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
    inputs.extend(samples());
    inputs
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

fn holds(engine: &why500::engine::Engine, name: &str, bytes: &[u8], seed: u64) {
    let whole = run(engine, &[(name, bytes)]);
    let bytes_read: u64 = whole.sources.iter().map(|source| source.bytes).sum();
    assert_eq!(bytes_read, bytes.len() as u64, "all of {name} is read");
    let pieces = run_pieces(engine, name, Pieces::random(bytes, seed));
    let (whole, pieces) = (printed(&whole), printed(&pieces));
    let shown = String::from_utf8_lossy(bytes).into_owned();
    if whole != pieces && bytes.len() < 600 {
        eprintln!("{shown:?}");
    }
    assert_same(&whole.0, &pieces.0, name);
    assert_same(&whole.1, &pieces.1, name);
}

#[test]
fn mutated_inputs_close_their_account_in_any_pieces() {
    let inputs = inputs();
    let strategy = (any::<Index>(), any::<Index>(), proptest::collection::vec(change(), 1..8), any::<u64>());
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&strategy, |(which, from, changes, seed)| {
        let (name, bytes) = mutated(&inputs, &which, &from, &changes);
        holds(engine(1), &name, &bytes, seed);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// With a line limit that most entries exceed.
#[test]
fn overlong_entries_are_the_same_in_any_pieces() {
    let inputs = inputs();
    let engine = with_options(Options { threads: 1, max_line_bytes: 200, ..Options::default() });
    let strategy = (any::<Index>(), any::<Index>(), proptest::collection::vec(change(), 0..5), any::<u64>());
    let config = ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&strategy, |(which, from, changes, seed)| {
        let (name, bytes) = mutated(&inputs, &which, &from, &changes);
        holds(&engine, &name, &bytes, seed);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
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
    let strategy = (proptest::collection::vec(proptest::sample::select(tokens.to_vec()), 0..40), 1usize..5);
    let config = ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&strategy, |(tokens, size)| {
        let bytes = tokens.concat();
        let whole = printed(&run(engine(1), &[("syntax", &bytes)]));
        let pieces = printed(&run_pieces(engine(1), "syntax", Pieces::of(&bytes, size)));
        assert_same(
            &whole.0,
            &pieces.0,
            &format!("{:?} in pieces of {size}", String::from_utf8_lossy(&bytes)),
        );
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
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
