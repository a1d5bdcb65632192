//! Texts made safe for Markdown: nothing that a log holds may become emphasis, a link, a mention, HTML or a heading, in
//! CommonMark and in what code forges make of it. What a log said goes into code spans and fenced blocks, where none of
//! that acts; prose with captured values in it keeps its plain words, and every other word becomes a code span.

use std::collections::BTreeSet;

use crate::redact::printable::{printable, single_line};

/// A value as a code span on one line; a dash where there is none.
pub fn code(text: &str) -> String {
    let line = single_line(text);
    if line.is_empty() {
        return "–".to_owned();
    }
    // The shortest that the text does not hold itself.
    let runs = runs(&line);
    let fence = "`".repeat((1..).find(|length| !runs.contains(length)).unwrap_or(1));
    let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// Lines as a fenced block, with a newline at the end.
pub fn block(text: &str) -> String {
    let text = printable(text);
    let fence = "`".repeat(runs(&text).last().copied().unwrap_or(0).max(2) + 1);
    let mut out = format!("{fence}text\n");
    for line in text.trim_matches('\n').lines() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push_str(&fence);
    out.push('\n');
    out
}

/// A sentence on one line, for the middle of a line or an item of a list.
pub fn prose(text: &str) -> String {
    let line = single_line(text);
    let mut out = String::with_capacity(line.len() + 16);
    // Words that act and stand side by side make one span.
    let mut held: Vec<&str> = Vec::new();
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let numbers_a_list =
            out.is_empty() && word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with(['.', ')']);
        if acts(word) || numbers_a_list {
            held.push(word);
            continue;
        }
        release(&mut held, &mut out);
        spaced(&mut out, word);
    }
    release(&mut held, &mut out);
    out
}

fn release(held: &mut Vec<&str>, out: &mut String) {
    if held.is_empty() {
        return;
    }
    let words = held.join(" ");
    held.clear();
    // What closes the sentence stays outside of the span.
    let core = words
        .trim_start_matches(['(', '"', '\''])
        .trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '\'']);
    match words.find(core).filter(|_| !core.is_empty()) {
        Some(at) => {
            let (before, after) = (&words[..at], &words[at + core.len()..]);
            // What is a span already stays one.
            let inner = core.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
            let inner =
                inner.filter(|inner| !inner.trim().is_empty() && !inner.contains('`')).unwrap_or(core);
            spaced(out, &format!("{before}{}{after}", code(inner)));
        }
        None => spaced(out, &code(&words)),
    }
}

fn spaced(out: &mut String, word: &str) {
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(word);
}

/// Whether a word may be more than its letters: markup, a link, a mention, an emoji code, a formula.
fn acts(word: &str) -> bool {
    word.contains(['\\', '`', '*', '_', '[', ']', '<', '>', '&', '|', '~', '#', '@', '$', '{', '}', '^'])
        || word.contains("://")
        || word.to_ascii_lowercase().contains("www.")
        || word.matches(':').count() > 1 && !is_clock(word)
        || word.chars().all(|c| matches!(c, '-' | '=' | '+'))
}

/// `10:02:00`, with what closes a sentence: no emoji has such a name.
fn is_clock(word: &str) -> bool {
    let core = word.trim_matches(['(', ')', ',', '.', ';', ':']);
    core.len() == 8
        && core.bytes().enumerate().all(|(at, b)| if at % 3 == 2 { b == b':' } else { b.is_ascii_digit() })
}

/// Lengths of the runs of backticks in a text.
fn runs(text: &str) -> BTreeSet<usize> {
    text.split(|c| c != '`').map(str::len).filter(|length| *length > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_code_spans() {
        assert_eq!(code("/api/[id]"), "`/api/[id]`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`x"), "`` `x ``");
        assert_eq!(code("a```b"), "`a```b`");
        assert_eq!(code("one\n# two"), "`one ⏎ # two`");
        assert_eq!(code(" \u{202e}"), "–");
        assert_eq!(block("a\n````\nb\u{1b}[2J"), "`````text\na\n````\nb\n`````\n");
    }

    #[test]
    fn prose_keeps_plain_words_only() {
        assert_eq!(
            prose("Set STRIPE_KEY (now 5), see https://example.com/a."),
            "Set `STRIPE_KEY` (now 5), see `https://example.com/a`."
        );
        assert_eq!(prose("install @scope/a *b* now"), "install `@scope/a *b*` now");
        assert_eq!(prose("a <img src=x> b & c"), "a `<img src=x>` b `&` c");
        assert_eq!(prose("one\n---\ntwo"), "one ⏎ `---` ⏎ two");
        assert_eq!(prose("1. first 2. second"), "`1`. first 2. second");
        assert_eq!(prose("one file (`why500 rules`)."), "one file (`why500 rules`).");
        assert_eq!(prose("***"), "`***`");
        assert_eq!(prose("at 10:02:00, :100: 1:2:3"), "at 10:02:00, `:100: 1:2:3`");
        assert_eq!(prose("::warning:: x"), "`::warning`:: x");
    }
}
