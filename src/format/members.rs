//! A cursor over the members of one JSON object, for shapes that glance: keys and values are found, not parsed, and
//! nothing is allocated. Whoever uses it gives up (`None`) at the first doubt and lets the full decoder speak: what a
//! JSON parser would refuse is a doubt, for else a broken entry would count or not depending on who read it.
//!
//! The quotes of the object are found first, sixteen bytes at a time; after that a string of any length is passed over
//! in one step.

use wide::u8x16;

/// Most quotes of an object that is glanced at, and with [`u16`] its longest length; more is doubt.
const MAX_QUOTES: usize = 256;

/// Deepest value that is passed over.
const MAX_DEPTH: u32 = 16;
/// The last control character; none may stand in a string, and outside of strings they are a doubt too.
const LAST_CONTROL: u8 = 0x1f;

/// Where the quotes of some bytes are, but for escaped ones.
pub struct Quotes {
    at: [u16; MAX_QUOTES],
    count: usize,
    escapes: bool,
}

impl Quotes {
    /// Finds them. `None` if there are too many, or bytes that no one-line JSON text has.
    pub fn find(bytes: &[u8]) -> Option<Quotes> {
        let mut quotes = Quotes { at: [0; MAX_QUOTES], count: 0, escapes: false };
        let mut escaped = usize::MAX;
        let (quote, backslash) = (u8x16::splat(b'"'), u8x16::splat(b'\\'));
        let last_control = u8x16::splat(LAST_CONTROL);
        let mut controls = u8x16::splat(0);
        let (blocks, rest) = bytes.as_chunks::<16>();
        for (index, block) in blocks.iter().enumerate() {
            let block = u8x16::from(*block);
            controls |= block.min(last_control).simd_eq(block);
            let mut mask = (block.simd_eq(quote) | block.simd_eq(backslash)).to_bitmask();
            while mask != 0 {
                let at = index * 16 + mask.trailing_zeros() as usize;
                mask &= mask - 1;
                quotes.take(bytes, at, &mut escaped)?;
            }
        }
        let base = bytes.len() - rest.len();
        for (offset, byte) in rest.iter().enumerate() {
            if matches!(byte, b'"' | b'\\') {
                quotes.take(bytes, base + offset, &mut escaped)?;
            }
        }
        let clean = controls.to_bitmask() == 0 && rest.iter().all(|byte| *byte > LAST_CONTROL);
        clean.then_some(quotes)
    }

    #[inline]
    fn take(&mut self, bytes: &[u8], at: usize, escaped: &mut usize) -> Option<()> {
        if at == *escaped {
            return Some(());
        }
        if bytes[at] == b'\\' {
            check_escape(&bytes[at..])?;
            *escaped = at + 1;
            self.escapes = true;
            return Some(());
        }
        *self.at.get_mut(self.count)? = u16::try_from(at).ok()?;
        self.count += 1;
        Some(())
    }
}

/// Stands before a member, or at the end of the object.
#[derive(Clone)]
pub struct Members<'a, 'q> {
    bytes: &'a [u8],
    quotes: &'q Quotes,
    at: usize,
    next_quote: usize,
}

impl<'a, 'q> Members<'a, 'q> {
    /// At the first member of the object that `bytes` begin with. `quotes` are those of the same bytes.
    pub fn new(bytes: &'a [u8], quotes: &'q Quotes) -> Option<Members<'a, 'q>> {
        (bytes.first() == Some(&b'{')).then_some(Members { bytes, quotes, at: 1, next_quote: 0 })
    }

    /// The next key, with the cursor before its value; `Some(None)` at the end of the object.
    #[inline]
    pub fn next_key(&mut self) -> Option<Option<&'a [u8]>> {
        // Values never end in a brace that opens, so this tells whether a comma is due.
        let first = self.bytes.get(self.at.wrapping_sub(1)) == Some(&b'{');
        self.space();
        match *self.bytes.get(self.at)? {
            b'}' => {
                self.at += 1;
                return Some(None);
            }
            b',' if !first => {
                self.at += 1;
                self.space();
            }
            _ if !first => return None,
            _ => {}
        }
        let key = self.string()?;
        self.space();
        if *self.bytes.get(self.at)? != b':' {
            return None;
        }
        self.at += 1;
        self.space();
        Some(Some(key))
    }

    /// The bytes of a string value between its quotes. `None` if it is no string or holds an escape.
    #[inline]
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let start = self.at + 1;
        self.pass_string()?;
        let text = self.bytes.get(start..self.at - 1)?;
        if self.quotes.escapes && text.contains(&b'\\') {
            return None;
        }
        Some(text)
    }

    /// Passes over the string at the cursor.
    #[inline]
    fn pass_string(&mut self) -> Option<()> {
        let (open, close) = (self.next_quote, self.next_quote + 1);
        if close >= self.quotes.count || self.quotes.at[open] as usize != self.at {
            return None;
        }
        self.at = self.quotes.at[close] as usize + 1;
        self.next_quote += 2;
        Some(())
    }

    /// A string value as text.
    #[inline]
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.string()?).ok()
    }

    /// An integer value.
    #[inline]
    pub fn integer(&mut self) -> Option<i64> {
        let rest = self.bytes.get(self.at..)?;
        let negative = rest.first() == Some(&b'-');
        let digits = &rest[usize::from(negative)..];
        let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        if count == 0
            || count > 18
            || (count > 1 && digits[0] == b'0')
            || !matches!(digits.get(count)?, b',' | b'}' | b' ' | b'\t' | b'\r' | b'\n')
        {
            return None;
        }
        self.at += usize::from(negative) + count;
        let number = digits[..count].iter().fold(0i64, |n, b| n * 10 + i64::from(b - b'0'));
        Some(if negative { -number } else { number })
    }

    /// Enters an object value. Its members are then read with this cursor, up to `Some(None)`.
    #[inline]
    pub fn enter(&mut self) -> Option<()> {
        if *self.bytes.get(self.at)? != b'{' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// Passes over a value of any kind.
    #[inline]
    pub fn skip(&mut self) -> Option<()> {
        self.skip_value(MAX_DEPTH)
    }

    fn skip_value(&mut self, depth: u32) -> Option<()> {
        match *self.bytes.get(self.at)? {
            b'"' => self.pass_string(),
            b'{' if depth > 0 => {
                self.at += 1;
                while self.next_key()?.is_some() {
                    self.skip_value(depth - 1)?;
                }
                Some(())
            }
            b'[' if depth > 0 => {
                self.at += 1;
                self.space();
                if *self.bytes.get(self.at)? == b']' {
                    self.at += 1;
                    return Some(());
                }
                loop {
                    self.space();
                    self.skip_value(depth - 1)?;
                    self.space();
                    self.at += 1;
                    match *self.bytes.get(self.at - 1)? {
                        b',' => {}
                        b']' => return Some(()),
                        _ => return None,
                    }
                }
            }
            b'{' | b'[' => None,
            _ => {
                let rest = &self.bytes[self.at..];
                let count = rest.iter().position(|b| matches!(b, b',' | b'}' | b']' | b' '))?;
                self.at += count;
                is_scalar(&rest[..count]).then_some(())
            }
        }
    }

    /// Up to `count` bytes from the cursor on.
    pub fn peek(&self, count: usize) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        Some(&rest[..rest.len().min(count)])
    }

    /// Whether nothing but white space is left after the object.
    pub fn at_end(&self) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.iter().all(u8::is_ascii_whitespace))
    }

    #[inline]
    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }
}

/// `None` unless `bytes` begin with an escape; surrogates, which come in pairs, are a doubt.
fn check_escape(bytes: &[u8]) -> Option<()> {
    match *bytes.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
        b'u' => {
            let digits = bytes.get(2..6)?;
            (digits.iter().all(u8::is_ascii_hexdigit) && !matches!(digits[0], b'd' | b'D')).then_some(())
        }
        _ => None,
    }
}

/// A literal or a plain number; exponents are a doubt.
fn is_scalar(bytes: &[u8]) -> bool {
    if matches!(bytes, b"true" | b"false" | b"null") {
        return true;
    }
    let number = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let whole = number.iter().take_while(|b| b.is_ascii_digit()).count();
    let plain = whole == 1 || (whole > 1 && number[0] != b'0');
    let fraction = match &number[whole..] {
        [] => true,
        [b'.', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    plain && fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_members_and_nested_objects() {
        let text = br#"{ "a" : "x", "n":-12,"o":{"b":[1,"]"],"c":true} , "e":"q\"" ,"f":"\\"}"#;
        let quotes = Quotes::find(text).unwrap();
        let mut members = Members::new(text, &quotes).unwrap();
        assert_eq!(members.next_key(), Some(Some(&b"a"[..])));
        assert_eq!(members.text(), Some("x"));
        assert_eq!(members.next_key(), Some(Some(&b"n"[..])));
        assert_eq!(members.integer(), Some(-12));
        assert_eq!(members.next_key(), Some(Some(&b"o"[..])));
        members.enter().unwrap();
        assert_eq!(members.next_key(), Some(Some(&b"b"[..])));
        members.skip().unwrap();
        assert_eq!(members.next_key(), Some(Some(&b"c"[..])));
        members.skip().unwrap();
        assert_eq!(members.next_key(), Some(None));
        assert_eq!(members.next_key(), Some(Some(&b"e"[..])));
        assert_eq!(members.clone().text(), None, "an escape is doubt");
        members.skip().unwrap();
        assert_eq!(members.next_key(), Some(Some(&b"f"[..])));
        members.skip().unwrap();
        assert_eq!(members.next_key(), Some(None));
        assert!(members.at_end());
    }

    #[test]
    fn gives_up_where_a_parser_would() {
        for broken in [
            r#"{"a":1 "b":2}"#,
            r#"{"a":1,,"b":2}"#,
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            "{\"a\":\"\r\"}",
            r#"{"a":"\q"}"#,
            r#"{"a":"\u12g4"}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":tru}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":[1 2]}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":{"b"}}"#,
            r#"{"a":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}"#,
        ] {
            let quotes = Quotes::find(broken.as_bytes());
            let read = quotes.as_ref().and_then(|quotes| {
                let mut members = Members::new(broken.as_bytes(), quotes)?;
                while members.next_key()?.is_some() {
                    members.skip()?;
                }
                Some(())
            });
            assert_eq!(read, None, "{broken}");
        }
        let whole = r#"{"a":"\u001b\n","b":[],"c":{},"d":[1.5,-2,null,{"e":[true]} ] ,"f":0}"#;
        let quotes = Quotes::find(whole.as_bytes()).unwrap();
        let mut members = Members::new(whole.as_bytes(), &quotes).unwrap();
        while members.next_key().unwrap().is_some() {
            members.skip().unwrap();
        }
        assert!(members.at_end());
    }

    #[test]
    fn gives_up_on_what_is_no_object() {
        let none = Quotes::find(b"").unwrap();
        assert!(Members::new(b"[1]", &none).is_none());
        let quotes = Quotes::find(b"{\"a\":\"x").unwrap();
        let mut cut = Members::new(b"{\"a\":\"x", &quotes).unwrap();
        assert!(cut.next_key().unwrap().is_some());
        assert_eq!(cut.text(), None);
        assert_eq!(cut.skip(), None);
        assert_eq!(Members::new(b"{a:1}", &none).unwrap().next_key(), None);
        assert!(Quotes::find(&b"\"".repeat(MAX_QUOTES + 1)).is_none());
    }
}
