//! A cursor over the members of one JSON object, for shapes that glance: keys and values are found, not parsed, and
//! nothing is allocated. Whoever uses it gives up (`None`) at the first doubt and lets the full decoder speak: what a
//! JSON parser would refuse is a doubt, for else a broken entry would count or not depending on who read it.

use super::stencil::{integer, integer_end, text_end};

/// Deepest value that is passed over.
const MAX_DEPTH: u32 = 16;

/// A value that holds no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A text, without escapes.
    Text(&'a [u8]),
    /// A number, without an exponent.
    Number(&'a [u8]),
    /// `true`, `false` or `null`.
    Word(&'a [u8]),
}

/// Stands before a member, or at the end of the object.
#[derive(Clone)]
pub struct Members<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Members<'a> {
    /// At the first member of the object that `bytes` begin with.
    pub fn new(bytes: &'a [u8]) -> Option<Members<'a>> {
        (bytes.first() == Some(&b'{')).then_some(Members { bytes, at: 1 })
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
        self.bytes.get(start..self.at - 1).filter(|text| !text.contains(&b'\\'))
    }

    /// The bytes of a string value between its quotes, with any escapes as they stand.
    #[inline]
    pub fn raw_string(&mut self) -> Option<&'a [u8]> {
        let start = self.at + 1;
        self.pass_string()?;
        self.bytes.get(start..self.at - 1)
    }

    /// Passes over the string at the cursor.
    #[inline]
    fn pass_string(&mut self) -> Option<()> {
        if *self.bytes.get(self.at)? != b'"' {
            return None;
        }
        self.at = text_end(self.bytes, self.at + 1)?.end + 1;
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
        let end = integer_end(self.bytes, self.at)?;
        let digits = self.bytes.get(self.at..end)?;
        if !matches!(self.bytes.get(end)?, b',' | b'}' | b' ' | b'\t' | b'\r' | b'\n') {
            return None;
        }
        self.at = end;
        Some(integer(digits))
    }

    /// A value that is neither object nor array. `None` for those, and for a text with escapes.
    pub fn scalar(&mut self) -> Option<Scalar<'a>> {
        match *self.bytes.get(self.at)? {
            b'"' => self.string().map(Scalar::Text),
            b'{' | b'[' => None,
            first => {
                let start = self.at;
                self.skip()?;
                let text = self.bytes.get(start..self.at)?;
                let is_word = first.is_ascii_alphabetic();
                Some(if is_word { Scalar::Word(text) } else { Scalar::Number(text) })
            }
        }
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

    /// How many bytes are behind the cursor.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether nothing but white space is left after the object.
    pub fn at_end(&self) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.iter().all(is_space))
    }

    #[inline]
    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(is_space) {
            self.at += 1;
        }
    }
}

/// What JSON takes for white space.
fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
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
        let mut members = Members::new(text).unwrap();
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
            let read = Members::new(broken.as_bytes()).and_then(|mut members| {
                while members.next_key()?.is_some() {
                    members.skip()?;
                }
                Some(())
            });
            assert_eq!(read, None, "{broken}");
        }
        let whole = r#"{"a":"\u001b\n","b":[],"c":{},"d":[1.5,-2,null,{"e":[true]} ] ,"f":0}"#;
        let mut members = Members::new(whole.as_bytes()).unwrap();
        while members.next_key().unwrap().is_some() {
            members.skip().unwrap();
        }
        assert!(members.at_end());
    }

    #[test]
    fn gives_up_on_what_is_no_object() {
        assert!(Members::new(b"[1]").is_none());
        let mut cut = Members::new(b"{\"a\":\"x").unwrap();
        assert!(cut.next_key().unwrap().is_some());
        assert_eq!(cut.text(), None);
        assert_eq!(cut.skip(), None);
        assert_eq!(Members::new(b"{a:1}").unwrap().next_key(), None);
        assert!(!Members { bytes: b"{}\x0c", at: 2 }.at_end(), "a form feed is no white space of JSON");
    }
}
