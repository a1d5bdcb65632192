//! What correlation must know of an access line in common or combined log format, read without decoding it: the request was
//! answered, below 500, and by that line alone. All else is left to the decoder ([`super::access_log`] and the payloads
//! after it), which says exactly the same of what is read here: failures, IDs, tails of any other kind, doubts.

use wide::u8x16;

use super::text_parts::METHODS;
use super::{Begun, quiet, time};
use crate::record::{Brief, BriefLine, Marks};

/// The longest IPv6 address, and the shortest address.
const MAX_ADDRESS_BYTES: usize = 45;
const MIN_ADDRESS_BYTES: usize = 7;
/// Bytes of `01/Jan/2026:00:00:00 +0000`.
const DATE_BYTES: usize = 26;
/// Most quoted texts behind the size: referrer, agent, and what else is logged.
const MAX_QUOTED: usize = 4;

const DIGIT: u8 = 1;
const SIGN: u8 = 2;

/// What each byte is in an address: 0 if it ends one.
static ADDRESS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' => DIGIT,
            b'.' | b':' => SIGN,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

/// Reads lines. What it says of one depends on that alone.
#[derive(Default)]
pub struct Reader {
    /// The date that was read last, for many lines have the same.
    date: [u8; DATE_BYTES],
    time_ms: Option<i64>,
}

impl Reader {
    /// Reads the beginning of a line, `192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] "`, by which alone a line begins an entry
    /// of no other shape.
    #[inline]
    pub fn begin(&mut self, line: &[u8]) -> Option<Begun> {
        // One byte decides most lines of other kinds.
        if !line.first()?.is_ascii_digit() {
            return None;
        }
        let head = line.get(..line.len().min(MAX_ADDRESS_BYTES + 1))?;
        let mut kinds = 0;
        let length = head.iter().position(|b| {
            let kind = ADDRESS[usize::from(*b)];
            kinds |= kind;
            kind == 0
        })?;
        let is_address = length >= MIN_ADDRESS_BYTES && kinds & SIGN != 0;
        let rest = line.get(length..)?;
        let (date, rest) = rest.strip_prefix(b" - - [")?.split_first_chunk::<DATE_BYTES>()?;
        if !is_address || !rest.starts_with(b"] \"") {
            return None;
        }
        let time_ms = self.time_ms(date)?;
        let message = length as u32 + 6 + DATE_BYTES as u32 + 3;
        Some(Begun { time_ms, stream: (0, 0), message })
    }

    fn time_ms(&mut self, date: &[u8; DATE_BYTES]) -> Option<i64> {
        if *date != self.date {
            let plain = date.iter().all(|b| b.is_ascii_alphanumeric() || b"/: +-".contains(b));
            let text = std::str::from_utf8(date).ok().filter(|_| plain && date[2] == b'/');
            self.time_ms = text.and_then(time::parse).map(|stamp| stamp.ms);
            self.date = *date;
        }
        self.time_ms
    }

    /// Reads the rest of a line that begins so, white space at its end left out.
    #[inline]
    pub fn glance<'a>(&self, line: &'a [u8], begun: Begun) -> Option<Brief<'a>> {
        let rest = line.get(begun.message as usize..)?;
        let (path, rest) = request(rest)?;
        let (status, rest) = status(rest)?;
        let before = line.get(begun.message as usize..line.len() - rest.len())?;
        look(before)?;
        tail(rest, look(rest)?)?;
        Some(Brief {
            time_ms: Some(begun.time_ms),
            status: Some(status),
            marks: Marks::CLIENT | Marks::END,
            path: Some(path),
            complete: true,
            line: Some(BriefLine { stream: [b"", b""], message: line }),
            ..Brief::default()
        })
    }
}

/// The path of `GET /x?y HTTP/1.1" `, and what follows.
#[inline]
fn request(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let after = |method: &&str| text.strip_prefix(method.as_bytes())?.strip_prefix(b" /");
    let rest = METHODS.iter().find_map(after)?;
    let start = text.len() - rest.len() - 1;
    let end = start + memchr::memchr2(b' ', b'"', &text[start..])?;
    let target = &text[start..end];
    let rest = text[end..].strip_prefix(b" HTTP/")?;
    let version = rest.iter().take(3).take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let rest = rest[version..].strip_prefix(b"\" ")?;
    let path = &target[..memchr::memchr2(b'?', b'#', target).unwrap_or(target.len())];
    (names_no_id(target)).then_some((path, rest))
}

/// A status below 500 that is no client's that left, and what follows.
#[inline]
fn status(text: &[u8]) -> Option<(u16, &[u8])> {
    let ([a @ b'1'..=b'4', b @ b'0'..=b'9', c @ b'0'..=b'9', b' '], rest) = text.split_first_chunk::<4>()?
    else {
        return None;
    };
    let status = [a, b, c].into_iter().fold(0, |status, digit| status * 10 + u16::from(digit & 0xf));
    (status != 499).then_some((status, rest))
}

/// Size, and quoted texts of which none says anything of the request. `signs`: there are some by which pairs are told.
#[inline]
fn tail(text: &[u8], signs: bool) -> Option<()> {
    let size = text.iter().take(18).take_while(|b| b.is_ascii_digit()).count();
    let mut rest = &text[size..];
    for _ in 0..MAX_QUOTED {
        let Some(quoted) = rest.strip_prefix(b" \"") else { break };
        let end = memchr::memchr(b'"', quoted)?;
        if !says_nothing(&quoted[..end], signs) {
            return None;
        }
        rest = &quoted[end + 1..];
    }
    (size > 0 && rest.is_empty()).then_some(())
}

/// Whether nobody finds a pair, an ID or the name of a proxy in a quoted text.
#[inline]
fn says_nothing(text: &[u8], signs: bool) -> bool {
    let may_be_id = matches!(text.len(), 32 | 36) && text.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    if !signs {
        return !may_be_id;
    }
    let has_space = memchr::memchr(b' ', text).is_some();
    // `"name@provider"` is a proxy's router.
    let (at, equals) = (memchr::memchr(b'@', text).is_some(), memchr::memchr(b'=', text).is_some());
    let names_proxy = at && !has_space && !text.contains(&b'/');
    !may_be_id && !names_proxy && !(equals && (has_space || !names_no_id(text)))
}

/// Whether no key of a request ID stands before an equals sign.
#[inline]
fn names_no_id(text: &[u8]) -> bool {
    memchr::memchr_iter(b'=', text).all(|at| !quiet::names_id(&text[..at]))
}

/// One look at a text: whether an equals or at sign is in it. None unless it is printable ASCII without brackets, braces and
/// backslashes, by which other shapes are told.
#[inline]
fn look(text: &[u8]) -> Option<bool> {
    let (blocks, rest) = text.as_chunks::<16>();
    let mut signs = u8x16::splat(0);
    for block in blocks {
        let block = u8x16::from(*block);
        let odd = block.min(u8x16::splat(0x1f)).simd_eq(block)
            | block.simd_eq(u8x16::splat(b'['))
            | block.simd_eq(u8x16::splat(b'\\'))
            | block.simd_eq(u8x16::splat(b'{'))
            | block;
        if odd.to_bitmask() != 0 {
            return None;
        }
        signs |= block.simd_eq(u8x16::splat(b'=')) | block.simd_eq(u8x16::splat(b'@'));
    }
    let is_plain = |b: &u8| matches!(b, b' '..=b'~') && !matches!(b, b'[' | b'\\' | b'{');
    let more_signs = rest.iter().any(|b| matches!(b, b'=' | b'@'));
    rest.iter().all(is_plain).then_some(more_signs || signs.to_bitmask() != 0)
}

#[cfg(test)]
#[path = "access_glance_tests.rs"]
mod tests;
