//! Whether a pattern runs over text that it says nothing about: `.*` at an end of it, or any text over any number of
//! lines. Such a pattern takes unrelated lines of one record for one message.
//!
//! What is judged is the parsed pattern, so `.*`, `[^\n]+`, `(?:.|\n)*` and `(?s:.*?)` are seen alike. It is not judged
//! whether the pattern is right.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// A counted repetition of more than this many times is as good as one without an end. A page of a stack is shorter.
pub(super) const MAX_RUN: u32 = 4_000;
/// A class of at most so many characters (`[Nn]`) counts as fixed text.
const FIXED_CLASS: usize = 4;

/// How a pattern runs over text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// Over any number of lines.
    Lines,
    /// To an end of a line, with no fixed text on one of its sides.
    Open,
}

/// The first fault of this kind, from the left.
pub(super) fn unanchored(hir: &Hir) -> Option<Run> {
    walk(hir, false, false)
}

/// `left` and `right` tell whether fixed text stands somewhere on that side.
fn walk(hir: &Hir, left: bool, right: bool) -> Option<Run> {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            run(repetition, left && right).or_else(|| walk(&repetition.sub, left, right))
        }
        HirKind::Capture(capture) => walk(&capture.sub, left, right),
        HirKind::Alternation(branches) => branches.iter().find_map(|branch| walk(branch, left, right)),
        HirKind::Concat(parts) => {
            let fixed: Vec<bool> = parts.iter().map(has_text).collect();
            let first = fixed.iter().position(|fixed| *fixed);
            let last = fixed.iter().rposition(|fixed| *fixed);
            parts.iter().enumerate().find_map(|(at, part)| {
                let before = left || first.is_some_and(|first| first < at);
                let after = right || last.is_some_and(|last| last > at);
                walk(part, before, after)
            })
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => None,
    }
}

/// The fault of this repetition itself. `between`: fixed text stands on both sides.
fn run(repetition: &Repetition, between: bool) -> Option<Run> {
    if repetition.max.is_some_and(|max| max <= MAX_RUN) {
        return None;
    }
    match class_of(&repetition.sub) {
        Some(class) if has(class, b'\n') && is_prose(class) => Some(Run::Lines),
        Some(class) if !between && (b' '..=b'~').all(|byte| has(class, byte)) => Some(Run::Open),
        Some(_) => None,
        // `(?:[^\n]*\n)*`: lines that need not say anything.
        None => {
            let body = &repetition.sub;
            let any_lines = takes(body, &is_prose) && breaks_line(body) && !says_something(body);
            any_lines.then_some(Run::Lines)
        }
    }
}

/// The class, if the pattern is one, in however many groups.
fn class_of(hir: &Hir) -> Option<&Class> {
    match hir.kind() {
        HirKind::Class(class) => Some(class),
        HirKind::Capture(capture) => class_of(&capture.sub),
        _ => None,
    }
}

fn has(class: &Class, byte: u8) -> bool {
    match class {
        Class::Bytes(class) => class.ranges().iter().any(|r| (r.start()..=r.end()).contains(&byte)),
        Class::Unicode(class) => {
            class.ranges().iter().any(|r| (r.start()..=r.end()).contains(&char::from(byte)))
        }
    }
}

/// Takes words and the spaces between them.
fn is_prose(class: &Class) -> bool {
    has(class, b' ') && (b'a'..=b'z').all(|byte| has(class, byte))
}

/// Whether some class in the pattern meets `what`.
fn takes(hir: &Hir, what: &dyn Fn(&Class) -> bool) -> bool {
    match hir.kind() {
        HirKind::Class(class) => what(class),
        HirKind::Repetition(repetition) => takes(&repetition.sub, what),
        HirKind::Capture(capture) => takes(&capture.sub, what),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(|part| takes(part, what)),
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) => false,
    }
}

fn breaks_line(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(class) => has(class, b'\n'),
        HirKind::Repetition(repetition) => breaks_line(&repetition.sub),
        HirKind::Capture(capture) => breaks_line(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(breaks_line),
        HirKind::Empty | HirKind::Look(_) => false,
    }
}

/// Whether every match contains fixed text.
fn has_text(hir: &Hir) -> bool {
    fixed(hir, &|_| true)
}

/// Whether every match contains fixed text other than blanks and line breaks.
fn says_something(hir: &Hir) -> bool {
    fixed(hir, &|bytes| bytes.iter().any(|byte| !byte.is_ascii_whitespace()))
}

fn fixed(hir: &Hir, counts: &dyn Fn(&[u8]) -> bool) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => counts(&literal.0),
        HirKind::Class(class) => {
            let members: Vec<u8> = (0..=127).filter(|byte| has(class, *byte)).take(FIXED_CLASS + 1).collect();
            (1..=FIXED_CLASS).contains(&members.len()) && counts(&members)
        }
        HirKind::Repetition(repetition) => repetition.min > 0 && fixed(&repetition.sub, counts),
        HirKind::Capture(capture) => fixed(&capture.sub, counts),
        HirKind::Concat(parts) => parts.iter().any(|part| fixed(part, counts)),
        HirKind::Alternation(parts) => parts.iter().all(|part| fixed(part, counts)),
        HirKind::Empty | HirKind::Look(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::signal::parse;

    fn judged(pattern: &str) -> Option<Run> {
        unanchored(&parse(pattern).unwrap().0)
    }

    #[test]
    fn refuses_open_ends() {
        for pattern in [
            ".*timeout",
            "timeout.*",
            "timeout: (?P<code>.+)$",
            "^.*?timeout here",
            r"timeout [^\n]*\d+",
            "timeout(?: .*)?",
            "(?:refused.*|timed out)",
            "timeout .{0,9000}",
            ".+",
        ] {
            assert_eq!(judged(pattern), Some(Run::Open), "{pattern}");
        }
    }

    #[test]
    fn refuses_runs_over_lines_even_between_fixed_texts() {
        for pattern in [
            r"timeout[\s\S]*?pg-pool",
            "timeout(?s:.*?)pg-pool",
            r"timeout(?:.|\n)*pg-pool",
            r"timeout(.|\n)*pg-pool",
            r"timeout\n(?:[^\n]*\n)*pg-pool",
            "name '[^']+' is",
            r"timeout\D+pool",
            r"timeout[\s\S]{0,5000}pool",
        ] {
            assert_eq!(judged(pattern), Some(Run::Lines), "{pattern}");
        }
    }

    #[test]
    fn accepts_runs_that_something_stops() {
        for pattern in [
            "timeout .* in pool",
            "timeout .+?[Pp]ool",
            r"timeout[\s\S]{0,2000}?pg-pool",
            r"timeout '(?P<host>[^'\n]+)",
            r"timeout (?P<host>\S+)",
            r"timeout\s+\w*",
            r"timeout\n(?:\s+at [^\n]*\n)*\s+at pg-pool",
            "timeout .{1,200}",
            "(?:timeout .* |waited )in pool",
        ] {
            assert_eq!(judged(pattern), None, "{pattern}");
        }
    }
}
