//! What correlation must know of one line of a Lambda function, read without decoding it: the platform's START, END and
//! REPORT, and lines that Node's runtime prefixes, where their text is a logged request or response or says nothing of the
//! request. Everything else is left to the decoder ([`super::lambda_text`] and the payloads after it), which says exactly
//! the same of what is read here.

use super::logged_objects::Objects;
use super::quiet;
use super::stencil::{integer, integer_end};
use super::text_parts::{METHODS, unescape};
use super::time::Seconds;
use crate::record::Marks;

/// How a message is written.
pub trait Form {
    /// A tab.
    const TAB: &'static [u8];
    /// A double quote.
    const QUOTE: &'static [u8];

    /// Whether the text, as written, says nothing of its request.
    fn is_quiet(text: &[u8], reader: &mut Reader) -> bool;
}

/// As the function wrote it.
pub struct Plain;

impl Form for Plain {
    const TAB: &'static [u8] = b"\t";
    const QUOTE: &'static [u8] = b"\"";

    fn is_quiet(text: &[u8], reader: &mut Reader) -> bool {
        reader.is_quiet(text)
    }
}

/// As it stands inside a JSON text, which was found to be one.
pub struct Escaped;

impl Form for Escaped {
    const TAB: &'static [u8] = b"\\t";
    const QUOTE: &'static [u8] = b"\\\"";

    fn is_quiet(text: &[u8], reader: &mut Reader) -> bool {
        if memchr::memchr(b'\\', text).is_none() {
            return quiet::is_quiet(text);
        }
        let mut plain = std::mem::take(&mut reader.scratch);
        let quiet = unescape(text, &mut plain).is_some() && reader.is_quiet(&plain);
        reader.scratch = plain;
        quiet
    }
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen<'a> {
    /// Request ID.
    pub id: &'a [u8],
    /// As [`crate::record::Record::marks`].
    pub marks: Marks,
    /// As [`crate::record::Record::status`].
    pub status: Option<u16>,
    /// As [`crate::record::Record::path`].
    pub path: Option<&'a [u8]>,
}

/// Reads messages. What it says of one depends on that alone.
#[derive(Default)]
pub struct Reader {
    /// The clocks of lines.
    pub seconds: Seconds,
    objects: Objects,
    scratch: Vec<u8>,
}

impl Reader {
    /// Whether a text says nothing of its request, whoever reads it.
    fn is_quiet(&mut self, text: &[u8]) -> bool {
        match (text, text.last()) {
            ([b'{', ..], Some(b'}')) => self.objects.text_of(text).is_some(),
            ([b'{', ..], _) => quiet::is_quiet_behind_object(text),
            _ => quiet::is_quiet(text),
        }
    }
}

/// Reads a message of one line, cleaned of the line ends behind it. `None` where there is any doubt.
#[inline]
pub fn glance<'a, F: Form>(message: &'a [u8], reader: &mut Reader) -> Option<Seen<'a>> {
    match message.first()? {
        b'S' => {
            let (id, rest) = id(message.strip_prefix(b"START RequestId: ")?)?;
            let version = if rest.is_empty() { rest } else { rest.strip_prefix(b" Version: ")? };
            let plain = version.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'$' | b'-' | b'_'));
            plain.then_some(Seen { id, marks: Marks::START, status: None, path: None })
        }
        b'E' => {
            let (id, rest) = id(message.strip_prefix(b"END RequestId: ")?)?;
            rest.is_empty().then_some(Seen { id, marks: Marks::SUMMARY, status: None, path: None })
        }
        b'R' => {
            let (id, rest) = id(message.strip_prefix(b"REPORT RequestId: ")?)?;
            Some(Seen { id, marks: report::<F>(rest)?, status: None, path: None })
        }
        b'0'..=b'9' => application::<F>(message, reader),
        _ => None,
    }
}

/// A UUID that text begins with, and what follows it. All zeros are no ID.
#[inline]
fn id(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (id, rest) = text.split_first_chunk::<36>()?;
    // Without branches, so that it runs over many bytes at a time.
    let (mut known, mut dashes, mut zeros) = (true, 0u8, 0u8);
    for byte in id {
        let digit = byte.wrapping_sub(b'0') < 10;
        let letter = (byte | 0x20).wrapping_sub(b'a') < 6;
        dashes += u8::from(*byte == b'-');
        zeros += u8::from(*byte == b'0');
        known &= digit | letter | (*byte == b'-');
    }
    let placed = id[8] == b'-' && id[13] == b'-' && id[18] == b'-' && id[23] == b'-';
    (known && placed && dashes == 4 && zeros < 32).then_some((&id[..], rest))
}

/// The figures of a REPORT that tells of no failure, in the order in which Lambda prints them.
#[inline]
fn report<F: Form>(text: &[u8]) -> Option<Marks> {
    let figure = |text, name: &[u8], unit: &[u8]| figure::<F>(text, name, unit);
    let mut rest = figure(text, b"Duration: ", b" ms")?;
    rest = figure(rest, b"Billed Duration: ", b" ms")?;
    rest = figure(rest, b"Memory Size: ", b" MB")?;
    rest = figure(rest, b"Max Memory Used: ", b" MB")?;
    let mut marks = Marks::SUMMARY | Marks::END;
    if let Some(after) = figure(rest, b"Init Duration: ", b" ms") {
        marks.insert(Marks::COLD_START);
        rest = after;
    }
    (rest.is_empty() || rest == F::TAB).then_some(marks)
}

/// The text behind a tab, a name, a number and its unit.
#[inline]
fn figure<'a, F: Form>(text: &'a [u8], name: &[u8], unit: &[u8]) -> Option<&'a [u8]> {
    let text = text.strip_prefix(F::TAB)?.strip_prefix(name)?;
    let digits = text.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    if digits == 0 { None } else { text[digits..].strip_prefix(unit) }
}

/// `ISO⇥id⇥LEVEL⇥text`.
#[inline]
fn application<'a, F: Form>(message: &'a [u8], reader: &mut Reader) -> Option<Seen<'a>> {
    reader.seconds.ms(message)?;
    let ([b'.', a, b, c, b'Z'], rest) = message.get(19..)?.split_first_chunk::<5>()? else { return None };
    if ![a, b, c].into_iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (id, rest) = id(rest.strip_prefix(F::TAB)?)?;
    let rest = rest.strip_prefix(F::TAB)?;
    let level = rest.iter().take(6).take_while(|b| b.is_ascii_uppercase()).count();
    if !matches!(&rest[..level], b"INFO" | b"WARN" | b"ERROR" | b"DEBUG" | b"TRACE" | b"FATAL") {
        return None;
    }
    let text = rest[level..].strip_prefix(F::TAB)?;
    let nothing = Seen { id, marks: Marks::default(), status: None, path: None };
    if let Some(object) = text.strip_prefix(b"request {") {
        let http = http::<F>(object)?;
        return http.status.is_none().then_some(Seen { path: Some(http.path), ..nothing });
    }
    if let Some(object) = text.strip_prefix(b"response {") {
        let http = http::<F>(object)?;
        let mut marks = Marks::CLIENT | Marks::END;
        if http.status? == 499 {
            marks.insert(Marks::ABORTED);
        }
        return Some(Seen { marks, status: http.status, path: Some(http.path), ..nothing });
    }
    F::is_quiet(text, reader).then_some(nothing)
}

/// What a logged request or response says.
struct Http<'a> {
    path: &'a [u8],
    status: Option<u16>,
}

/// Members of which no reader of objects makes anything but a field.
const OTHERS: [&[u8]; 6] = [b"bytes", b"ip", b"ua", b"userAgent", b"contentLength", b"size"];

/// Reads the members of a flat object of one line, from behind its brace to the end of the text. Only members are known
/// that mean the same to all who read such objects, and method and path have to be there.
#[inline]
fn http<F: Form>(text: &[u8]) -> Option<Http<'_>> {
    let (mut path, mut method, mut status, mut duration) = (None, None, None, None);
    let mut at = 0;
    loop {
        let key = string::<F>(text, &mut at)?;
        if *text.get(at)? != b':' {
            return None;
        }
        at += 1;
        match key {
            b"path" => {
                let target = string::<F>(text, &mut at).filter(|target| is_target(target))?;
                let end = memchr::memchr2(b'?', b'#', target).unwrap_or(target.len());
                once(&mut path, &target[..end])?;
            }
            b"method" => once(&mut method, string::<F>(text, &mut at).filter(|method| is_method(method))?)?,
            b"statusCode" => {
                let number = integer(number(text, &mut at)?);
                once(&mut status, u16::try_from(number).ok().filter(|status| (100..600).contains(status))?)?;
            }
            b"durationMs" => once(&mut duration, number(text, &mut at).map(drop)?)?,
            _ if !OTHERS.contains(&key) => return None,
            _ if text[at..].starts_with(F::QUOTE) => {
                // Pairs of names and values, or what is left of a colour, would be read too.
                let value = string::<F>(text, &mut at)?;
                if memchr::memchr2(b'=', b'[', value).is_some() {
                    return None;
                }
            }
            _ => drop(number(text, &mut at)?),
        }
        at += 1;
        match text.get(at - 1)? {
            b',' => {}
            b'}' if at == text.len() => break,
            _ => return None,
        }
    }
    // Only a response has a duration.
    if duration.is_some() && status.is_none() {
        return None;
    }
    method?;
    Some(Http { path: path?, status })
}

/// Fills `slot`; `None` if it is filled already.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

fn is_method(method: &[u8]) -> bool {
    METHODS.iter().any(|known| known.as_bytes() == method)
}

/// Whether a target is nothing but a path, with a query or not.
fn is_target(target: &[u8]) -> bool {
    target.first() == Some(&b'/')
        && target
            .iter()
            .fold(true, |plain, b| plain & (b.wrapping_sub(b'!') < 0x5e) & !matches!(b, b':' | b'[' | b'{'))
}

/// The text in quotes at `at`, without escapes and control characters.
#[inline]
fn string<'a, F: Form>(text: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let rest = text.get(*at..)?.strip_prefix(F::QUOTE)?;
    let end = memchr::memchr2(b'"', b'\\', rest)?;
    let value = &rest[..end];
    let plain = value.iter().fold(true, |plain, byte| plain & (*byte >= b' '));
    if !plain || !rest[end..].starts_with(F::QUOTE) {
        return None;
    }
    *at += end + 2 * F::QUOTE.len();
    Some(value)
}

/// The number at `at`, without sign and fraction.
#[inline]
fn number<'a>(text: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let end = integer_end(text, *at)?;
    let digits = text.get(*at..end).filter(|digits| digits[0] != b'-')?;
    *at = end;
    Some(digits)
}

#[cfg(test)]
#[path = "lambda_glance_tests.rs"]
mod tests;
