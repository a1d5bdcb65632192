//! The gate for messages: tells of a text, without reading it, that no payload finds anything in it by which entries are
//! joined or requests decided. Shapes that glance let such messages go by unread. It says no in any doubt and knows no
//! shape's meaning: where a payload learns to read something new, what it begins with belongs in here.

use std::sync::LazyLock;

use wide::u8x16;

use super::json_app;
use super::text_parts::METHODS;

/// Beginnings with this first byte that some payload knows: lines of Lambda's platform and what its runtimes print of an
/// invocation that failed, Next.js, Python, Node.js, Heroku, compressed content.
fn known_beginnings(first: u8) -> &'static [&'static str] {
    match first {
        b'C' => &["CRITICAL:"],
        b'D' => &["DEBUG:"],
        b'E' => &["END ", "EXTENSION", "ERROR:"],
        b'F' => &["FATAL:", "FATAL ERROR"],
        b'H' => &["H4sI"],
        b'I' => &["INIT_", "INFO:", "Invoke Error", "Internal Server Error"],
        b'L' => &["LOGS"],
        b'N' => &["Node.js v"],
        b'R' => &["REPORT ", "RESTORE_", "RequestId: "],
        b'S' => &["START "],
        b'T' => &["TELEMETRY", "Task timed out", "Traceback"],
        b'U' => &["Uncaught Exception", "Unhandled Promise Rejection"],
        b'W' => &["WARN:", "WARNING:"],
        b'X' => &["XRAY", "X "],
        b'[' => &["[auth]", "[next-auth]"],
        b'a' => &["app["],
        b'e' => &["error - ", "event - "],
        b'h' => &["heroku["],
        b'i' => &["info  - "],
        b'r' => &["ready - "],
        b'w' => &["warn  - ", "wait  - "],
        _ => &[],
    }
}

/// Whether no payload finds an ID, a status, a mark, a route, a path, a time, a stream or further records in this text,
/// and all leave it as it is. `message` is one line of printable ASCII without quotes and backslashes, or it is not quiet.
pub fn is_quiet(message: &[u8]) -> bool {
    let [first, .., last] = message else { return message.first().is_none_or(u8::is_ascii_alphabetic) };
    // A leading digit may begin a time, a brace an object.
    let begins =
        first.is_ascii_alphabetic() || (*first == b'[' && message.get(1).is_some_and(u8::is_ascii_lowercase));
    begins
        && *last != b' '
        // `Thu, 01 Jan 2026 …`, in brackets or not.
        && !message.iter().skip(3).take(2).any(|b| *b == b',')
        && !begins_known(message)
        && !names_method(message)
        && has_only_harmless(message)
}

fn begins_known(message: &[u8]) -> bool {
    let known = message.first().map_or(&[][..], |first| known_beginnings(*first));
    known.iter().any(|known| message.starts_with(known.as_bytes()))
}

/// Whether one of the first words is an HTTP verb: access lines begin so, after an address and a user.
fn names_method(message: &[u8]) -> bool {
    let mut rest = message;
    for _ in 0..3 {
        let space = memchr::memchr(b' ', &rest[..rest.len().min(256)]);
        let word = &rest[..space.unwrap_or(rest.len())];
        // Beyond such a word no verb is looked for.
        if word.len() >= 256 {
            return true;
        }
        if word.first().is_some_and(u8::is_ascii_uppercase)
            && METHODS.iter().any(|method| method.as_bytes() == word)
        {
            return true;
        }
        let Some(space) = space else { return false };
        rest = &rest[space + 1..];
    }
    false
}

/// One pass over the text: only printable ASCII, and nothing that reads like an ID, a colour or a telling pair.
#[inline]
fn has_only_harmless(message: &[u8]) -> bool {
    let (quote, backslash, equals, bracket) =
        (u8x16::splat(b'"'), u8x16::splat(b'\\'), u8x16::splat(b'='), u8x16::splat(b'['));
    let last_control = u8x16::splat(0x1f);
    let mut blocks = message.chunks_exact(16);
    let mut at = 0;
    for block in &mut blocks {
        let Ok(block) = <[u8; 16]>::try_from(block) else { return false };
        let block = u8x16::from(block);
        let bad = block.simd_eq(quote) | block.simd_eq(backslash) | block.min(last_control).simd_eq(block);
        if (bad | block).to_bitmask() != 0 {
            return false;
        }
        let mut telling = (block.simd_eq(equals) | block.simd_eq(bracket)).to_bitmask();
        while telling != 0 {
            let place = at + telling.trailing_zeros() as usize;
            if !is_harmless(message, place) {
                return false;
            }
            telling &= telling - 1;
        }
        at += 16;
    }
    blocks.remainder().iter().enumerate().all(|(offset, byte)| match byte {
        b'"' | b'\\' | ..=0x1f | 0x7f.. => false,
        b'=' | b'[' => is_harmless(message, at + offset),
        _ => true,
    })
}

/// What stands at an equals sign or an opening bracket.
#[inline]
fn is_harmless(message: &[u8], at: usize) -> bool {
    if message[at] == b'[' {
        // A colour (`[31m`), or a UUID in brackets.
        let digit = message.get(at + 1).is_some_and(u8::is_ascii_digit);
        return !digit && message.get(at + 37) != Some(&b']');
    }
    let Some(end) = message[..at].last_chunk::<4>() else { return is_harmless_key(&message[..at]) };
    // Most keys have an ending that no telling one has.
    let word = u32::from_le_bytes(*end);
    if may_be_telling(word) { is_harmless_key(&message[..at]) } else { true }
}

/// Whether the pair whose key `before` ends in says nothing. A key that is longer than any known one does not.
#[cold]
fn is_harmless_key(before: &[u8]) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'@' | b'#' | b'-');
    let len = before.iter().rev().take(65).take_while(|b| is_part(b)).count();
    let key = std::str::from_utf8(&before[before.len() - len..]).unwrap_or_default();
    let ends_in_id = key.len() >= 3 && ID_ENDINGS.iter().any(|id| key.ends_with(id));
    !ends_in_id && !json_app::is_telling_key(key)
}

/// How the keys of request IDs in texts end; what stands before such an ending may be anything but a letter.
const ID_ENDINGS: [&str; 7] = ["request_id", "requestId", "reqId", "req_id", "request-id", "rid", "Rid"];

/// Hashes of the endings of telling keys, a bit each.
static ENDINGS: LazyLock<Box<[u64; 64]>> = LazyLock::new(|| {
    let mut bits = Box::new([0u64; 64]);
    let mut add = |ending: &[u8]| {
        if let Some(end) = ending.last_chunk::<4>() {
            let place = place_of(u32::from_le_bytes(*end));
            bits[place >> 6] |= 1 << (place & 63);
        }
    };
    json_app::telling_keys().for_each(|key| add(key.as_bytes()));
    ID_ENDINGS.iter().for_each(|key| add(key.as_bytes()));
    bits
});

/// Whether a key with these last four bytes may be telling: one such key ends so, or it has fewer letters than four in a
/// row.
#[inline]
fn may_be_telling(word: u32) -> bool {
    let letters = word.to_le_bytes().iter().all(u8::is_ascii_alphanumeric);
    let place = place_of(word);
    !letters || ENDINGS[place >> 6] & (1 << (place & 63)) != 0
}

/// Case does not count.
fn place_of(word: u32) -> usize {
    ((word | 0x2020_2020).wrapping_mul(0x9e37_79b1) >> 20) as usize
}

#[cfg(test)]
mod tests;
