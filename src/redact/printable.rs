//! Texts from logs made safe to show: no escape sequence, no control character, no override of the writing
//! direction. Not here: how long a text may be; that is the affair of whoever lays it out.

use std::borrow::Cow;

/// Removes terminal escape sequences, C0, DEL and C1 controls, and characters that turn the writing direction
/// or hide text. Newlines and tabs stay (CR LF becomes LF).
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(must_go) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(must_go) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(first) = rest.chars().next() else { break };
        rest = &rest[first.len_utf8()..];
        match first {
            '\u{1b}' => rest = after_escape(rest),
            '\u{9b}' => rest = after_parameters(rest),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => rest = after_string(rest),
            // Other ends of lines: NEL, LINE SEPARATOR, PARAGRAPH SEPARATOR, VT, FF.
            '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => out.push('\n'),
            // A lone CR would let a terminal write over what it has shown.
            '\r' if !rest.starts_with('\n') && !rest.is_empty() => out.push('\n'),
            _ => {}
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// [`printable`] on one line: newlines become ` ⏎ `, tabs a space; white space at both ends goes.
pub fn single_line(text: &str) -> Cow<'_, str> {
    match printable(text) {
        Cow::Borrowed(text) => join_lines(text),
        Cow::Owned(text) => Cow::Owned(join_lines(&text).into_owned()),
    }
}

fn join_lines(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if !text.contains(['\n', '\t']) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<&str> = text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect();
    Cow::Owned(lines.join(" ⏎ ").replace('\t', " "))
}

/// JSON text with the same characters written as escapes, so that the document is safe to show and its values are
/// unchanged.
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    let hidden = |c: char| c != '\t' && must_go(c);
    if !json.contains(hidden) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn must_go(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Bidirectional marks, embeddings, overrides, isolates.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Invisible: zero-width space, soft hyphen, word joiner and invisible operators, BOM, interlinear
        // annotation, tags. The zero-width joiners stay: scripts and emoji need them.
        '\u{200b}' | '\u{ad}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        '\u{2028}' | '\u{2029}' => true,
        c => c.is_control(),
    }
}

/// The text behind an ESC's sequence (ECMA-48).
fn after_escape(text: &str) -> &str {
    let mut chars = text.chars();
    match chars.next() {
        Some('[') => after_parameters(chars.as_str()),
        Some(']' | 'P' | 'X' | '^' | '_') => after_string(chars.as_str()),
        Some(c @ ' '..='~') => {
            let rest = if (' '..='/').contains(&c) {
                chars.as_str().trim_start_matches(|c| (' '..='/').contains(&c))
            } else {
                return chars.as_str();
            };
            rest.strip_prefix(|c| ('0'..='~').contains(&c)).unwrap_or(rest)
        }
        _ => text,
    }
}

/// The text behind the parameters and the final byte of a control sequence.
fn after_parameters(text: &str) -> &str {
    let rest = text.trim_start_matches(|c| ('0'..='?').contains(&c));
    let rest = rest.trim_start_matches(|c| (' '..='/').contains(&c));
    rest.strip_prefix(|c| ('@'..='~').contains(&c)).unwrap_or(rest)
}

/// The text behind a control string. One that is not ended on its line hides nothing: its text stays.
fn after_string(text: &str) -> &str {
    let Some(at) = text.find(['\u{7}', '\u{9c}', '\u{1b}', '\n']) else { return text };
    let end = &text[at..];
    if let Some(rest) = end.strip_prefix(['\u{7}', '\u{9c}']) {
        return rest;
    }
    end.strip_prefix("\u{1b}\\").unwrap_or(text)
}
