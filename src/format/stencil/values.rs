//! Where the texts and numbers of a line of JSON end, several bytes looked at together.

use wide::u8x16;

/// The last control character; none may stand in a string.
const LAST_CONTROL: u8 = 0x1f;

/// An integer as it stands in a hole, which has no more than 18 digits.
#[inline]
pub fn integer(text: &[u8]) -> i64 {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let (first, rest) = digits.split_at(digits.len() % 8);
    let number = first.iter().fold(0, |number, b| number * 10 + i64::from(b & 0xf));
    let number = rest.chunks_exact(8).fold(number, |number, eight| {
        let eight = eight.first_chunk().map_or(0, |eight| eight_digits(*eight));
        number * 100_000_000 + eight
    });
    if digits.len() < text.len() { -number } else { number }
}

/// The number that eight digits say: neighbours are joined in pairs, these in fours, and these in one.
#[inline]
fn eight_digits(digits: [u8; 8]) -> i64 {
    let ones = u64::from_le_bytes(digits) & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (ones.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(10_000 << 32 | 1) >> 32) as i64
}

/// A text within a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEnd {
    /// Where its closing quote stands.
    pub end: usize,
    /// It is ASCII and holds no escapes.
    pub plain: bool,
}

/// Where the text that begins at `at`, after its quote, ends. `None` where a JSON parser would refuse it, and for
/// surrogates, which come in pairs.
#[inline]
pub fn text_end(bytes: &[u8], mut at: usize) -> Option<TextEnd> {
    let (mut escaped, mut beyond_ascii) = (false, 0);
    'blocks: while let Some(block) = bytes.get(at..)?.first_chunk::<BLOCK_BYTES>() {
        let Marked { mut special, high } = marked(block);
        while special != 0 {
            let place = special.trailing_zeros() as usize;
            match block[place] {
                b'"' => {
                    // Only what stands before it; once there is an escape, it does not matter.
                    beyond_ascii |= high & ((1 << place) - 1);
                    return Some(TextEnd { end: at + place, plain: !escaped && beyond_ascii == 0 });
                }
                b'\\' => {
                    escaped = true;
                    let next = place + escape_len(&bytes[at + place..])?;
                    if next >= BLOCK_BYTES {
                        at += next;
                        continue 'blocks;
                    }
                    special &= !0 << next;
                }
                _ => return None,
            }
        }
        beyond_ascii |= high;
        at += BLOCK_BYTES;
    }
    loop {
        let rest = bytes.get(at..)?;
        let special = rest.iter().position(|b| matches!(b, b'"' | b'\\' | ..=LAST_CONTROL))?;
        beyond_ascii |= u32::from(!rest[..special].is_ascii());
        match rest[special] {
            b'"' => return Some(TextEnd { end: at + special, plain: !escaped && beyond_ascii == 0 }),
            b'\\' => {
                escaped = true;
                at += special + escape_len(&rest[special..])?;
            }
            _ => return None,
        }
    }
}

/// Bytes of a text that are looked at together.
const BLOCK_BYTES: usize = 32;

/// Which bytes of a block are quotes, backslashes or control characters, and which are beyond ASCII; a bit for each.
struct Marked {
    special: u32,
    high: u32,
}

#[inline(always)]
fn marked(block: &[u8; BLOCK_BYTES]) -> Marked {
    let half = |from: usize| {
        let half = block[from..].first_chunk::<16>().map_or(u8x16::splat(0), |half| u8x16::from(*half));
        // With its second bit flipped a quote stands right behind the control characters, which stay among themselves.
        let flipped = half ^ u8x16::splat(0x02);
        let low = flipped.min(u8x16::splat(LAST_CONTROL + 1)).simd_eq(flipped);
        let special = low | half.simd_eq(u8x16::splat(b'\\'));
        (special.to_bitmask(), half.to_bitmask())
    };
    let ((special, high), (later_special, later_high)) = (half(0), half(16));
    Marked { special: special | later_special << 16, high: high | later_high << 16 }
}

/// Length of the escape that `bytes` begin with.
#[inline]
fn escape_len(bytes: &[u8]) -> Option<usize> {
    match *bytes.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => {
            let digits = bytes.get(2..6)?;
            (digits.iter().all(u8::is_ascii_hexdigit) && !matches!(digits[0], b'd' | b'D')).then_some(6)
        }
        _ => None,
    }
}

/// Where the integer that begins at `at` ends. What follows it is for the next literal to check.
#[inline]
pub fn integer_end(bytes: &[u8], at: usize) -> Option<usize> {
    let first = at + usize::from(bytes.get(at) == Some(&b'-'));
    let digits = bytes.get(first..)?;
    let count = digits_len(digits);
    let plain = count == 1 || (count > 1 && count <= 18 && digits[0] != b'0');
    plain.then_some(first + count)
}

/// How many digits `bytes` begin with.
#[inline]
fn digits_len(bytes: &[u8]) -> usize {
    let slowly = || bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let Some(block) = bytes.first_chunk::<16>() else { return slowly() };
    let values = u8x16::from(*block) ^ u8x16::splat(b'0');
    let digits = values.min(u8x16::splat(9)).simd_eq(values).to_bitmask();
    match digits.trailing_ones() as usize {
        16 => slowly(),
        count => count,
    }
}

/// Where the number that begins at `at` ends, an integer or one with a fraction; exponents are left to a parser.
#[inline]
pub fn number_end(bytes: &[u8], at: usize) -> Option<usize> {
    let end = integer_end(bytes, at)?;
    if bytes.get(end) != Some(&b'.') {
        return Some(end);
    }
    let digits = digits_len(bytes.get(end + 1..)?);
    (digits > 0 && digits <= 32).then_some(end + 1 + digits)
}
