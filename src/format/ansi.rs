//! Terminal control sequences in log text: what colour loggers write, and what pipelines make of it.
//! Nothing is coloured here.

use std::borrow::Cow;

/// Spellings that pipelines put in the place of the escape byte, each before its `[`.
const STAND_INS: [&str; 8] = ["#033", "\\033", "\\33", "\\x1b", "\\u001b", "^[", "\u{241b}", "\u{fffd}"];
/// Sequences that end a colour; without one of them a bare `[31m` is left as it is.
const RESETS: [&str; 5] = ["[0m", "[22m", "[24m", "[39m", "[49m"];

/// Removes escape sequences (CSI, OSC and single ones), their stand-ins (`#033[31m`), and colours whose escape
/// byte was lost (`[31m … [0m`, only where a reset proves them). Text without any is returned as it is.
pub fn strip(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let has_reset = has_reset(bytes);
    if !has_reset && memchr::memchr(0x1b, bytes).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\u{1b}', '[']) {
        let (before, from) = rest.split_at(at);
        let length = if from.starts_with('\u{1b}') {
            Some(escape_length(from))
        } else {
            colour_length(from).filter(|_| has_reset)
        };
        match length {
            Some(length) => {
                let lost = from.starts_with('[');
                out.push_str(if lost { without_stand_in(before) } else { before });
                rest = &from[length..];
            }
            None => {
                out.push_str(before);
                out.push('[');
                rest = &from[1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Whether a text holds the end of a colour, with or without its escape byte.
pub fn has_reset(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'[', bytes).any(|at| {
        bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
            && RESETS.iter().any(|reset| bytes[at..].starts_with(reset.as_bytes()))
    })
}

/// Length of the sequence that `text` begins with; its first character is the escape byte.
fn escape_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.get(1) {
        Some(b'[') => {
            let parameters = bytes[2..].iter().take_while(|b| (0x20..0x40).contains(*b)).count();
            let end = 2 + parameters;
            end + usize::from(bytes.get(end).is_some_and(|b| (0x40..0x7f).contains(b)))
        }
        Some(b']') => {
            // Looked for nearby and up to the next sequence only: a hostile text of many beginnings stays linear.
            let near = &bytes[..bytes.len().min(1024)];
            let end = near.iter().skip(2).position(|b| matches!(b, 0x07 | 0x1b)).map(|at| at + 2);
            let end = end.and_then(|at| match (near[at], near.get(at + 1)) {
                (0x07, _) => Some(at + 1),
                (_, Some(b'\\')) => Some(at + 2),
                _ => None,
            });
            end.unwrap_or(2)
        }
        Some(b) if (0x40..0x60).contains(b) => 2,
        _ => 1,
    }
}

/// Length of a colour sequence without its escape byte: `[31m`, `[1;31m`. `[5m]` is text, not a colour.
fn colour_length(text: &str) -> Option<usize> {
    let body = text.as_bytes().get(1..)?;
    let length = body.iter().take(12).take_while(|b| b.is_ascii_digit() || **b == b';').count();
    let ends = length > 0 && body[0] != b';' && body.get(length) == Some(&b'm');
    (ends && body.get(length + 1) != Some(&b']')).then_some(length + 2)
}

/// The text before a colour, without what stands for its escape byte.
fn without_stand_in(before: &str) -> &str {
    STAND_INS.iter().find_map(|stand_in| before.strip_suffix(stand_in)).unwrap_or(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_what_terminals_understand() {
        let cases = [
            ("plain [text] only", "plain [text] only"),
            ("\u{1b}[31merror\u{1b}[39m", "error"),
            ("\u{1b}[0mGET /o \u{1b}[31m503\u{1b}[0m 12.345 ms - 31\u{1b}[0m", "GET /o 503 12.345 ms - 31"),
            ("\u{1b}]0;title\u{7}ready", "ready"),
            ("\u{1b}]8;;https://example.com\u{1b}\\link", "link"),
            ("\u{1b}[38;2;173;127;168m▲ Next.js\u{1b}[0m", "▲ Next.js"),
            ("#033[31mfail#033[0m", "fail"),
            ("\\x1b[31mfail\\x1b[0m", "fail"),
            ("[33m Missing[0m variables", " Missing variables"),
            ("load [1m 5m 15m] wait [5m]", "load [1m 5m 15m] wait [5m]"),
            ("cut \u{1b}", "cut "),
            ("cut \u{1b}[3", "cut "),
            ("\u{1b}é", "é"),
        ];
        for (text, expected) in cases {
            assert_eq!(strip(text), expected, "{text:?}");
        }
    }
}
