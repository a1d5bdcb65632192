//! Chains of errors: at which depth of the chain a place of a joined text stands. 0 is outermost; what stands deeper is
//! closer to the cause. It reads what runtimes, loggers and ORMs print between an error and its cause, and judges
//! nothing itself.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// The depths of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Where a stretch begins, and its depth; in the order of the text.
    stretches: Vec<(usize, u16)>,
}

/// Begin a cause on a line of its own, after its indent; what is indented deeper belongs to it.
const BLOCKS: [&str; 13] = [
    "[cause]:",
    "Caused by:",
    "caused by:",
    "Caused by ",
    "cause:",
    "[errors]:",
    "errors: [",
    "[originalError]:",
    "originalError:",
    "original:",
    "parent:",
    "reason:",
    "[auth][cause]:",
];

/// Stand between a wrapper and its cause on one line.
const INLINE: [&str; 14] = [
    "[cause]: ",
    "\"cause\":",
    "\"reason\":",
    "\"originalError\":",
    ", reason: ",
    " failed with error: ",
    " ---> ",
    "nested exception is ",
    "Last error: ",
    "last error: ",
    "instrumentation hook: ",
    "exported Web Handler: ",
    "Original error: ",
    "; caused by: ",
];

/// End the wrapper's own words; the cause follows on the next lines, up to the stack.
const HEADS: [&str; 2] = ["` invocation:", "()` invocation in"];

/// Python and PHP print the innermost error first. Between two errors of such a chain stands one of these.
const AFTER_CAUSE: &str = "The above exception was the direct cause of the following exception";
const DURING: &str = "During handling of the above exception, another exception occurred";

/// Stands before an inner error of .NET, which ends with [`ARROW_END`].
const ARROW: &str = " ---> ";
const ARROW_END: &str = "--- End of inner exception";

/// One search for all that begins or ends a cause within a line. Most texts hold none of it, which is told once and not for every
/// line. None if it could not be prepared.
static WITHIN: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let words = INLINE.iter().chain(&HEADS).chain(&[AFTER_CAUSE, DURING, ARROW]);
    AhoCorasick::new(words).ok()
});

/// Exceptions that handlers catch as a matter of course: what is raised while one of them is handled is no wrapper.
const CONTROL_FLOW: [&str; 6] =
    ["KeyError", "IndexError", "AttributeError", "StopIteration", "LookupError", "DoesNotExist"];

/// A block that is open: its indent, the depth outside it.
struct Open {
    indent: usize,
    outside: i32,
}

impl Chain {
    /// Reads the chain of a joined text, in one pass.
    pub fn read(text: &str) -> Chain {
        let within = WITHIN.as_ref().is_none_or(|words| words.is_match(text));
        let mut reader =
            Reader { stretches: vec![(0, 0)], depth: 0, blocks: Vec::new(), head: None, said: "", within };
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            reader.line(offset, line.trim_end());
            offset += line.len();
        }
        let outermost = reader.stretches.iter().map(|(_, depth)| *depth).min().unwrap_or(0);
        Chain {
            stretches: reader
                .stretches
                .into_iter()
                .map(|(at, depth)| (at, u16::try_from(depth - outermost).unwrap_or(u16::MAX)))
                .collect(),
        }
    }

    /// Depth at a byte offset.
    pub fn depth(&self, offset: usize) -> u16 {
        let after = self.stretches.partition_point(|(at, _)| *at <= offset);
        after.checked_sub(1).and_then(|index| self.stretches.get(index)).map_or(0, |(_, depth)| *depth)
    }

    /// Whether the text holds no chain at all.
    pub fn is_flat(&self) -> bool {
        self.stretches.iter().all(|(_, depth)| *depth == 0)
    }
}

struct Reader<'t> {
    stretches: Vec<(usize, i32)>,
    depth: i32,
    blocks: Vec<Open>,
    /// Depth outside of a head (see [`HEADS`]) whose cause is being read.
    head: Option<i32>,
    /// The last line that stands at the margin: the error that a traceback ends with.
    said: &'t str,
    /// Any line may hold something of [`WITHIN`].
    within: bool,
}

impl<'t> Reader<'t> {
    fn line(&mut self, offset: usize, line: &'t str) {
        let body = line.trim_start();
        if body.is_empty() {
            return;
        }
        let indent = line.len() - body.len();
        if (self.within && body.contains(AFTER_CAUSE))
            || (body.starts_with("Next ") && self.said.starts_with("PHP"))
        {
            return self.turn(offset);
        }
        if self.within && body.contains(DURING) {
            if CONTROL_FLOW.iter().any(|name| error_name(self.said).ends_with(name)) {
                return;
            }
            return self.turn(offset);
        }
        if let Some(outside) = self.head
            && (body.starts_with("at ") || body.starts_with("[cause]"))
        {
            self.head = None;
            self.go(offset, outside);
        }
        // A block at the margin has no end that could be told from its content.
        while let Some(open) = self.blocks.last().filter(|open| open.indent > 0 && indent <= open.indent) {
            let outside = open.outside;
            self.blocks.pop();
            self.go(offset, outside);
        }
        if indent == 0 {
            self.said = line;
        }
        if body.starts_with(ARROW_END) {
            return self.go(offset, (self.depth - 1).max(0));
        }
        let mut from = 0;
        if let Some(marker) = BLOCKS.iter().find(|marker| body.starts_with(**marker)) {
            self.blocks.push(Open { indent, outside: self.depth });
            self.go(offset, self.depth + 1);
            from = marker.len();
        }
        if !self.within {
            return;
        }
        let arrow = body.contains(ARROW);
        let outside = self.depth;
        let mut rest = from;
        while let Some((at, marker)) = first_inline(body, rest) {
            self.go(offset + indent + at, self.depth + 1);
            rest = at + marker.len();
        }
        // The lines below go on with the wrapper; .NET says where the inner error ends.
        if self.depth != outside && !arrow {
            self.go(offset + line.len(), outside);
        }
        if HEADS.iter().any(|head| body.contains(head)) && self.head.is_none() {
            self.head = Some(self.depth);
            self.go(offset + line.len(), self.depth + 1);
        }
    }

    /// What was read so far is the cause of what follows.
    fn turn(&mut self, offset: usize) {
        self.blocks.clear();
        self.head = None;
        let outermost = self.stretches.iter().map(|(_, depth)| *depth).min().unwrap_or(0);
        self.go(offset, outermost - 1);
    }

    fn go(&mut self, offset: usize, depth: i32) {
        self.depth = depth;
        match self.stretches.last_mut() {
            Some(last) if last.0 == offset => last.1 = depth,
            _ => self.stretches.push((offset, depth)),
        }
    }
}

fn first_inline(body: &str, from: usize) -> Option<(usize, &'static str)> {
    let rest = body.get(from..)?;
    // Most lines hold none of the characters that every marker holds.
    if memchr::memchr2(b':', b'>', rest.as_bytes()).is_none() && !rest.contains("nested") {
        return None;
    }
    INLINE.iter().filter_map(|marker| rest.find(marker).map(|at| (from + at, *marker))).min()
}

/// The class at the start of an error line, without its modules.
fn error_name(line: &str) -> &str {
    let name = line.split([':', ' ']).next().unwrap_or_default();
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Depth of every word, in the order given.
    #[track_caller]
    fn depths(text: &str, words: &[(&str, u16)]) {
        let chain = Chain::read(text);
        for (word, depth) in words {
            let at = text.find(word).unwrap_or_else(|| panic!("no {word}"));
            assert_eq!(chain.depth(at), *depth, "{word}: {chain:?}");
        }
    }

    #[test]
    fn node_and_java_print_the_cause_last() {
        depths(
            "Error: Failed query: select 1\n    at a (/app/a.js:1:1) {\n  [cause]: Error: lost\n      at b (/app/b.js:1:1) {\n    [cause]: Error: ECONNREFUSED\n        at c (c.js:1:1)\n  },\n  digest: '42'\n}",
            &[("Failed query", 0), ("lost", 1), ("ECONNREFUSED", 2), ("digest", 0)],
        );
        depths(
            "java.lang.RuntimeException: outer\n\tat a.B.c(B.java:1)\nCaused by: java.sql.SQLException: middle\n\tat d.E.f(E.java:2)\nCaused by: java.net.ConnectException: inner",
            &[("outer", 0), ("middle", 1), ("E.java", 1), ("inner", 2)],
        );
        depths(
            "Error: a\n[cause]: Error: b\ncode: 'X'\n[cause]: Error: last",
            &[("a", 0), ("'X'", 1), ("last", 2)],
        );
    }

    #[test]
    fn python_prints_the_cause_first() {
        let text = format!(
            "Traceback (most recent call last):\n  File \"a.py\", line 1\nOSError: inner\n\n{AFTER_CAUSE}:\n\nTraceback (most recent call last):\nDbError: middle\n\n{DURING}:\n\nTraceback (most recent call last):\nAppError: outer"
        );
        depths(&text, &[("inner", 2), ("middle", 1), ("outer", 0)]);
        let caught = format!("Traceback\nKeyError: 'inner'\n\n{DURING}:\n\nTraceback\nDbError: outer");
        assert!(Chain::read(&caught).is_flat(), "a missing key that is handled is no cause");
    }

    #[test]
    fn wrappers_on_one_line() {
        depths("FetchError: request failed, reason: connect refused", &[("FetchError", 0), ("refused", 1)]);
        depths(
            "{\"errorMessage\":\"outer\",\"cause\":{\"message\":\"inner\"}}\nafter",
            &[("outer", 0), ("inner", 1), ("after", 0)],
        );
        depths(
            "System.Exception: outer ---> System.IO.IOException: inner\n   at A.B()\n   --- End of inner exception stack trace ---\n   at C.D()",
            &[("outer", 0), ("inner", 1), ("A.B", 1), ("C.D", 0)],
        );
        depths(
            "Invalid `prisma.user.findMany()` invocation:\n\n\nCan't reach it\n    at f (a.js)",
            &[("Invalid", 0), ("reach", 1), ("at f", 0)],
        );
    }

    #[test]
    fn a_plain_text_is_flat() {
        assert!(Chain::read("").is_flat());
        assert!(Chain::read("Error: boom: x\n    at f (a.js:1:2)\n").is_flat());
        assert!(Chain::read("Ünïcode → ---").is_flat());
    }
}
