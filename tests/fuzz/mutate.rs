//! Mutation: bytes, tokens, lines and members of one input, and parts of another one in it.

use crate::generate::Random;
use crate::inputs::Input;

/// What syntax turns on, and values at the ends of their ranges.
const TOKENS: [&[u8]; 46] = [
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
    b";",
    b":",
    b"\t",
    b" ",
    b"'",
    b"=",
    b"%",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\xa6\x80",
    b"\xe2\x80\xae",
    b"\xed\xa0\x80",
    b"\xc2\x9b31m",
    b"\x1b[31m",
    b"\x1b]52;c;eA==\x07",
    b"\\ud800",
    b"\\u0000",
    b"\\u202e",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"9999-99-99T99:99:99Z",
    b"0001-01-01T00:00:00Z",
    b"{\"events\":[",
    b"\"logEvents\":[{",
    b"sep=;\n",
    b"a;b\n",
    b"START RequestId: ",
    b"REPORT RequestId: x\t",
    b"=HYPERLINK(\"x\")",
];

/// Makes inputs out of others.
pub struct Mutator<'a> {
    seeds: &'a [Input],
    most_bytes: usize,
}

impl Mutator<'_> {
    /// Out of these, about `most_bytes` long.
    pub fn new(seeds: &[Input], most_bytes: usize) -> Mutator<'_> {
        Mutator { seeds, most_bytes }
    }

    /// The input of this number.
    pub fn make(&self, seed: u64) -> Vec<u8> {
        let mut random = Random::new(seed.wrapping_add(1));
        let mut bytes = self.part(&mut random);
        if random.below(4) == 0 {
            // Half of one, half of another.
            let other = self.part(&mut random);
            bytes.truncate(at(&mut random, bytes.len()));
            bytes.extend_from_slice(&other[at(&mut random, other.len())..]);
        }
        for _ in 0..random.below(10) {
            match random.below(3) {
                0 => change_lines(&mut bytes, &mut random),
                _ => change(&mut bytes, &mut random),
            }
        }
        bytes.truncate(self.most_bytes * 3);
        bytes
    }

    /// A part of an input; not always from its beginning, for an export may begin anywhere.
    fn part(&self, random: &mut Random) -> Vec<u8> {
        let Some(seed) = self.seeds.get(random.below(self.seeds.len() as u64) as usize) else {
            return Vec::new();
        };
        let from = if random.below(2) == 0 { 0 } else { at(random, seed.bytes.len()) };
        seed.bytes[from..].iter().take(self.most_bytes).copied().collect()
    }
}

/// A place in so many bytes, the end included.
fn at(random: &mut Random, length: usize) -> usize {
    random.below(length as u64 + 1) as usize
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    let length = bytes.len();
    let from = at(random, length);
    let to = (from + random.below(60) as usize).min(length);
    match random.below(9) {
        0 => {
            bytes.drain(from..to);
        }
        1 => {
            let copy = bytes[from..to].to_vec();
            let most = if random.below(20) == 0 { 300 } else { 3 };
            let times = 1 + random.below(most) as usize;
            bytes.splice(to..to, copy.repeat(times));
        }
        2 | 3 => {
            let token = TOKENS[random.below(TOKENS.len() as u64) as usize];
            let times = if random.below(20) == 0 { 400 } else { 1 };
            bytes.splice(from..from, token.repeat(times));
        }
        4 => {
            let token = TOKENS[random.below(TOKENS.len() as u64) as usize];
            bytes.splice(from..to, token.iter().copied());
        }
        5 => bytes.truncate(from),
        6 => bytes[from..to].iter_mut().for_each(|byte| *byte ^= 1 << random.below(8)),
        7 => number(bytes, from, random),
        _ => {
            if let Some(byte) = bytes.get_mut(from) {
                *byte = random.below(256) as u8;
            }
        }
    }
}

/// Puts another number where one stands.
fn number(bytes: &mut Vec<u8>, from: usize, random: &mut Random) {
    let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|found| from + found) else {
        return;
    };
    let end = bytes[start..]
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .map_or(bytes.len(), |found| start + found);
    const OTHERS: [&str; 10] = [
        "",
        "0",
        "-1",
        "500",
        "99999999999999999999",
        "1e308",
        "0.5",
        "4294967296",
        "253402300800000",
        "007",
    ];
    let other = OTHERS[random.below(OTHERS.len() as u64) as usize];
    bytes.splice(start..end, other.bytes());
}

/// Takes away, repeats or moves whole lines.
fn change_lines(bytes: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let (one, other) = (at(random, lines.len()), at(random, lines.len()));
    if one.max(other) >= lines.len() {
        return;
    }
    match random.below(3) {
        0 => {
            lines.remove(one);
        }
        1 => lines.insert(other, lines[one]),
        _ => lines.swap(one, other),
    }
    *bytes = lines.concat();
}
