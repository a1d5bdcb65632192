//! The gate for messages: tells of a text, without reading it, that no payload finds anything in it by which entries are
//! joined or requests decided. Shapes that glance let such messages go by unread. It says no in any doubt and knows no
//! shape's meaning: where a payload learns to read something new, what it begins with belongs in here.

use std::sync::LazyLock;

use wide::u8x16;

use super::json_app;
use super::members::Members;
use super::text_parts::METHODS;

/// Beginnings with this first byte that some payload knows: lines of Lambda's platform and what its runtimes print of an
/// invocation that failed, Next.js, Python, Node.js, Rails, Phoenix, PHP, Go, .NET, Heroku, compressed content.
fn known_beginnings(first: u8) -> &'static [&'static str] {
    match first {
        b'C' => &["CRITICAL:", "Completed "],
        b'D' => &["DEBUG:"],
        b'E' => &["END ", "EXTENSION", "ERROR:", "Error R"],
        b'F' => &["FATAL:", "FATAL ERROR"],
        b'H' => &["H4sI"],
        b'I' => &["INIT_", "INFO:", "Invoke Error", "Internal Server Error"],
        b'L' => &["LOGS"],
        b'N' => &["Node.js v", "NOTICE: "],
        b'P' => &["PHP ", "Process", "Parameters"],
        b'R' => &["REPORT ", "RESTORE_", "RequestId: "],
        b'S' => &["START ", "Started ", "State changed", "Sent ", "Servlet"],
        b'T' => &["TELEMETRY", "Task timed out", "Traceback"],
        b'U' => &["Uncaught Exception", "Unhandled Promise Rejection"],
        b'W' => &["WARN:", "WARNING:"],
        b'X' => &["XRAY", "X "],
        b'[' => &["[auth]", "[next-auth]"],
        b'a' => &["app["],
        b'c' => &["crit: "],
        b'd' => &["dbug: "],
        b'e' => &["error - ", "event - "],
        b'f' => &["fail: "],
        b'g' => &["goroutine "],
        b'h' => &["heroku[", "haproxy", "http: ", "http ", "https ", "h2 "],
        b'i' => &["info  - ", "info: "],
        b'p' => &["panic: "],
        b'r' => &["ready - "],
        b't' => &["trce: "],
        b'w' => &["warn  - ", "wait  - ", "warn: ", "ws ", "wss "],
        _ => &[],
    }
}

/// Whether no payload finds an ID, a status, a mark, a route, a path, a time, a stream or further records in this text,
/// and all leave it as it is. `message` is one line of printable ASCII without backslashes, or it is not quiet.
pub fn is_quiet(message: &[u8]) -> bool {
    let begins = match message {
        [] => true,
        // A leading digit may begin a time, a brace an object.
        [first] => first.is_ascii_alphabetic(),
        [first, second, ..] => first.is_ascii_alphabetic() || (*first == b'[' && second.is_ascii_lowercase()),
    };
    begins && goes_on::<false>(message)
}

/// The same of a text that begins with an object and goes on behind it.
pub fn is_quiet_behind_object(message: &[u8]) -> bool {
    let Some(end) = object_end(message) else { return false };
    // Behind another opening bracket, the object might be taken for one that was cut off.
    let closed = memchr::memchr2(b'{', b'[', &message[end..]).is_none();
    closed && !message[end..].trim_ascii().is_empty() && goes_on::<false>(message)
}

/// Where the object ends that a text begins with.
fn object_end(text: &[u8]) -> Option<usize> {
    let mut members = Members::new(text)?;
    while members.next_key()?.is_some() {
        members.skip()?;
    }
    Some(members.position())
}

/// The same of a text as it stands in a JSON string, where quotes are escaped and nothing else is; a text that begins
/// with an object and goes on is one that payload `json` has left as it is.
pub fn is_quiet_escaped(message: &[u8]) -> bool {
    if message.starts_with(b"{\\\"") {
        return message.last() != Some(&b'"') && goes_on::<true>(message);
    }
    match message {
        [] => true,
        [first] => first.is_ascii_alphabetic(),
        [first, second, ..] => {
            let begins = first.is_ascii_alphabetic() || (*first == b'[' && second.is_ascii_lowercase());
            begins && goes_on::<true>(message)
        }
    }
}

/// What is asked of a text that begins as a quiet one does.
#[inline]
fn goes_on<const ESCAPED: bool>(message: &[u8]) -> bool {
    // `Thu, 01 Jan 2026 …`, in brackets or not.
    !message.iter().skip(3).take(2).any(|b| *b == b',')
        && !matches!(message.last(), Some(b' '))
        && !begins_known(message)
        && json_app::bracketed_id(message).is_none()
        && !is_dated_behind_word(message)
        && !names_method(message)
        && has_only_harmless::<ESCAPED>(message)
}

/// `Main  2026-01-01 …`: a time behind the first word.
fn is_dated_behind_word(message: &[u8]) -> bool {
    let Some(space) = memchr::memchr(b' ', message.get(..20).unwrap_or(message)) else { return false };
    match message[space..].trim_ascii_start() {
        [a, b, c, d, b'-' | b'/', ..] => [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
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

/// One pass over the text: only printable ASCII, and nothing that reads like an ID, a colour, a telling pair, an access
/// line, or the name of what tells a shape of Lambda or API Gateway.
#[inline]
fn has_only_harmless<const ESCAPED: bool>(message: &[u8]) -> bool {
    let quote_mark = if ESCAPED { b'\\' } else { b'"' };
    let (quote, backslash) = (u8x16::splat(quote_mark), u8x16::splat(b'\\'));
    let (equals, bracket, last_control) = (u8x16::splat(b'='), u8x16::splat(b'['), u8x16::splat(0x1f));
    let slash = u8x16::splat(b'/');
    let endings = &**ENDINGS;
    let mut quoted = false;
    let mut blocks = message.chunks_exact(16);
    let mut at = 0;
    for block in &mut blocks {
        let Ok(block) = <[u8; 16]>::try_from(block) else { return false };
        let block = u8x16::from(block);
        let mut bad = block.min(last_control).simd_eq(block) | block;
        if !ESCAPED {
            bad |= block.simd_eq(backslash);
        }
        if bad.to_bitmask() != 0 {
            return false;
        }
        let telling =
            block.simd_eq(equals) | block.simd_eq(bracket) | block.simd_eq(quote) | block.simd_eq(slash);
        let mut telling = telling.to_bitmask();
        while telling != 0 {
            let place = at + telling.trailing_zeros() as usize;
            if !is_harmless_at::<ESCAPED>(message, place, endings, &mut quoted) {
                return false;
            }
            telling &= telling - 1;
        }
        at += 16;
    }
    blocks.remainder().iter().enumerate().all(|(offset, byte)| match byte {
        ..=0x1f | 0x7f.. => false,
        b'\\' if !ESCAPED => false,
        b'=' | b'[' | b'"' | b'\\' | b'/' => {
            is_harmless_at::<ESCAPED>(message, at + offset, endings, &mut quoted)
        }
        _ => true,
    })
}

/// What stands at an equals sign, an opening bracket or a quote; `quoted`: another quote stands before it.
#[inline(always)]
fn is_harmless_at<const ESCAPED: bool>(
    message: &[u8],
    at: usize,
    endings: &Endings,
    quoted: &mut bool,
) -> bool {
    match message.get(at) {
        Some(b'=') => is_harmless_pair(&message[..at], endings),
        Some(b'[') => is_harmless_bracket(message, at),
        Some(b'/') => is_harmless_slash(&message[..at]),
        Some(b'"') if !ESCAPED => is_harmless_quote::<ESCAPED>(message, at, quoted),
        Some(b'\\') => is_harmless_quote::<ESCAPED>(message, at, quoted),
        _ => true,
    }
}

/// What stands at a slash: no path behind a verb, wherever in the line: `shop - POST /sms -> 500`.
#[inline(always)]
fn is_harmless_slash(before: &[u8]) -> bool {
    let begins_word =
        matches!(before.last(), Some(b' ' | b'"' | b'\'' | b'[' | b'(' | b'|' | b',' | b';' | b'\\'));
    !begins_word || !ends_in_method(before)
}

#[inline(never)]
fn ends_in_method(before: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic();
    let Some(last) = before.iter().rposition(is_letter) else { return false };
    let word = &before[..=last];
    METHODS.iter().any(|method| {
        word.strip_suffix(method.as_bytes()).is_some_and(|rest| !rest.last().is_some_and(is_letter))
    })
}

/// What stands at a quote, or at the backslash before it.
#[inline(never)]
fn is_harmless_quote<const ESCAPED: bool>(message: &[u8], at: usize, quoted: &mut bool) -> bool {
    let first = !std::mem::replace(quoted, true);
    let before = &message[..at];
    let may_be_name = matches!(before, [.., b'I', b'd'] | [.., b'i', b'd'] | [.., b'r', b'd'])
        || matches!(before, [.., b'p', b'e'] | [.., b'm', b'p']);
    // An object at the end is read, an address or a date may stand before a request.
    let reads_like_entry = first
        && (message.last() == Some(&b'}')
            || before.contains(&b'[')
            || memchr::memchr_iter(b'-', before).any(|at| before[..at].last() == Some(&b' ')));
    let names_shape = may_be_name && message.first() == Some(&b'{');
    let is_other_escape = ESCAPED && message.get(at + 1) != Some(&b'"');
    !(names_shape || reads_like_entry || is_other_escape)
}

/// What stands at an opening bracket: no colour (`[31m`), and no UUID in brackets.
#[inline(never)]
fn is_harmless_bracket(message: &[u8], at: usize) -> bool {
    let digit = message.get(at + 1).is_some_and(u8::is_ascii_digit);
    !digit && message.get(at + 37) != Some(&b']')
}

/// Whether the pair whose key `before` ends in says nothing. Most keys have an ending that no telling one has.
#[inline(always)]
fn is_harmless_pair(before: &[u8], endings: &Endings) -> bool {
    let end = before.last_chunk::<4>().map(|end| u32::from_le_bytes(*end));
    end.is_some_and(|end| !endings.may_end(end)) || is_harmless_key(before, endings)
}

/// The same, by all of the key. One that is longer than any known one does not say anything.
#[inline(never)]
fn is_harmless_key(before: &[u8], endings: &Endings) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'@' | b'#' | b'-');
    let len = before.iter().rev().take(MAX_KEY_BYTES).take_while(|b| is_part(b)).count();
    let (before, key) = before.split_at(before.len() - len);
    if key.iter().all(u8::is_ascii_alphabetic) && !endings.may_be(key) {
        return true;
    }
    let ends_in_id = key.len() >= 3 && ID_ENDINGS.iter().any(|id| key.ends_with(id.as_bytes()));
    // What stands in the query of an address is no pair.
    !ends_in_id && (matches!(before.last(), Some(b'?' | b'&')) || !json_app::is_telling_key(key))
}

/// How the keys of request IDs in texts end; what stands before such an ending may be anything but a letter.
const ID_ENDINGS: [&str; 7] = ["request_id", "requestId", "reqId", "req_id", "request-id", "rid", "Rid"];

/// Whether the key that `before` ends in is one of a request ID.
pub fn names_id(before: &[u8]) -> bool {
    before.last() == Some(&b'd') && ID_ENDINGS.iter().any(|id| before.ends_with(id.as_bytes()))
}

/// What tells telling keys from most others: bits for the hashes of their last four bytes, alone and with the length of the
/// key. Case does not count.
struct Endings {
    alone: [u64; 256],
    with_length: [u64; 256],
}

static ENDINGS: LazyLock<Box<Endings>> = LazyLock::new(|| {
    let mut endings = Box::new(Endings { alone: [0; 256], with_length: [0; 256] });
    let mut add = |key: &[u8], lengths: std::ops::RangeInclusive<usize>| {
        let end = Endings::end(key);
        let (word, bit) = Endings::place(end, 0);
        endings.alone[word] |= bit;
        for length in lengths {
            let (word, bit) = Endings::place(end, length);
            endings.with_length[word] |= bit;
        }
    };
    json_app::telling_keys().for_each(|key| add(key.as_bytes(), key.len()..=key.len()));
    // Anything may stand before these.
    ID_ENDINGS.iter().for_each(|key| add(key.as_bytes(), key.len()..=MAX_KEY_BYTES));
    endings
});

/// No key that is looked at is longer.
const MAX_KEY_BYTES: usize = 65;

impl Endings {
    /// Whether a key with these last four bytes may be telling: one such key ends so, or they are not all letters.
    #[inline(always)]
    fn may_end(&self, end: u32) -> bool {
        // Of bytes below 128, those from `a` on and those beyond `z` have their high bit set.
        let lower = end | 0x2020_2020;
        let (from_a, beyond_z) = (lower.wrapping_add(0x1f1f_1f1f), lower.wrapping_add(0x0505_0505));
        let letters = from_a & !beyond_z & 0x8080_8080 == 0x8080_8080;
        let (word, bit) = Endings::place(end, 0);
        !letters || self.alone[word] & bit != 0
    }

    /// Whether this key, which is all letters, may be telling.
    fn may_be(&self, key: &[u8]) -> bool {
        let (word, bit) = Endings::place(Endings::end(key), key.len());
        self.with_length[word] & bit != 0
    }

    /// The last four bytes of a key, with zeros before those of a shorter one.
    fn end(key: &[u8]) -> u32 {
        key.iter().rev().take(4).rev().fold(0, |end, byte| end >> 8 | u32::from(*byte) << 24)
    }

    #[inline(always)]
    fn place(end: u32, length: usize) -> (usize, u64) {
        let mixed = (end | 0x2020_2020) ^ (length as u32).wrapping_mul(0x85eb_ca6b);
        let place = (mixed.wrapping_mul(0x9e37_79b1) >> 18) as usize;
        (place >> 6, 1 << (place & 63))
    }
}

#[cfg(test)]
mod tests;
