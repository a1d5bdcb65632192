//! UTF-16 with a byte order mark, as PowerShell and spreadsheets write it, turned into UTF-8 while it is read. What is no
//! character becomes U+FFFD. Not here: UTF-16 without the mark, which is refused as binary data.

use std::io::{self, Read};

/// The mark of little endian.
pub const LITTLE_ENDIAN: &[u8] = b"\xff\xfe\0\0";
/// The mark of big endian.
pub const BIG_ENDIAN: &[u8] = b"\xfe\xff";

/// Which byte of a unit comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The low one.
    Little,
    /// The high one.
    Big,
}

/// The order that the first bytes of a text tell. `FF FE 00 00` marks UTF-32.
pub fn order(head: &[u8]) -> Option<Order> {
    if head.starts_with(BIG_ENDIAN) {
        return Some(Order::Big);
    }
    (head.starts_with(b"\xff\xfe") && head != LITTLE_ENDIAN).then_some(Order::Little)
}

/// Reads UTF-8 out of UTF-16.
pub struct Utf16Reader {
    inner: Box<dyn Read + Send>,
    order: Order,
    /// Bytes read, not yet decoded: never more than a piece.
    raw: Vec<u8>,
    /// First half of a pair.
    high: Option<u16>,
    /// Decoded, not yet handed out.
    out: Vec<u8>,
    at: usize,
    begun: bool,
    ended: bool,
}

const PIECE_BYTES: usize = 32 * 1024;

impl Utf16Reader {
    /// The text begins with its mark, which is dropped.
    pub fn new(inner: Box<dyn Read + Send>, order: Order) -> Utf16Reader {
        Utf16Reader {
            inner,
            order,
            raw: Vec::new(),
            high: None,
            out: Vec::new(),
            at: 0,
            begun: false,
            ended: false,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let kept = self.raw.len();
        self.raw.resize(kept + PIECE_BYTES, 0);
        let read = self.inner.read(&mut self.raw[kept..]);
        self.raw.truncate(kept + read.as_ref().map_or(0, |count| *count));
        self.ended = read? == 0;
        self.out.clear();
        self.at = 0;
        let even = self.raw.len() & !1;
        let units: Vec<u16> = self.raw[..even]
            .chunks_exact(2)
            .map(|pair| match self.order {
                Order::Little => u16::from_le_bytes([pair[0], pair[1]]),
                Order::Big => u16::from_be_bytes([pair[0], pair[1]]),
            })
            .collect();
        self.raw.drain(..even);
        let mut held: Vec<u16> = self.high.take().into_iter().chain(units).collect();
        if !self.ended && held.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            self.high = held.pop();
        }
        for read in char::decode_utf16(held) {
            let read = read.unwrap_or(char::REPLACEMENT_CHARACTER);
            if !std::mem::replace(&mut self.begun, true) && read == '\u{feff}' {
                continue;
            }
            self.out.extend_from_slice(read.encode_utf8(&mut [0; 4]).as_bytes());
        }
        if self.ended && !self.raw.is_empty() {
            self.raw.clear();
            self.out.extend_from_slice("\u{fffd}".as_bytes());
        }
        Ok(())
    }
}

impl Read for Utf16Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.out.len() {
            if self.ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let count = out.len().min(self.out.len() - self.at);
        out[..count].copy_from_slice(&self.out[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out one byte at a time.
    struct Drip(Vec<u8>, usize);

    impl Read for Drip {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let Some(byte) = self.0.get(self.1) else { return Ok(0) };
            self.1 += 1;
            out[0] = *byte;
            Ok(1)
        }
    }

    fn read(bytes: &[u8], order: Order) -> String {
        let (mut whole, mut drip) = (String::new(), String::new());
        let reader = |inner| Utf16Reader::new(inner, order);
        reader(Box::new(io::Cursor::new(bytes.to_vec()))).read_to_string(&mut whole).expect("UTF-8");
        reader(Box::new(Drip(bytes.to_vec(), 0))).read_to_string(&mut drip).expect("UTF-8");
        assert_eq!(whole, drip);
        whole
    }

    #[test]
    fn decodes_both_orders_in_any_pieces() {
        let text = "\u{feff}a;é🦀\r\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&little, Order::Little), "a;é🦀\r\n");
        assert_eq!(read(&big, Order::Big), "a;é🦀\r\n");
        assert_eq!(order(&little), Some(Order::Little));
        assert_eq!(order(&big), Some(Order::Big));
        assert_eq!(order(b"\xff\xfe\0\0"), None);
        assert_eq!(order(b"\xff"), None);
    }

    #[test]
    fn what_is_no_character_is_replaced() {
        assert_eq!(read(b"\xff\xfe\x00\xd8a\0", Order::Little), "\u{fffd}a");
        assert_eq!(read(b"\xff\xfe\x00\xd8", Order::Little), "\u{fffd}");
        assert_eq!(read(b"\xff\xfea\0b", Order::Little), "a\u{fffd}");
        assert_eq!(read(b"\xff\xfe", Order::Little), "");
    }
}
