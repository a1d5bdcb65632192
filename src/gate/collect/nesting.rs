//! How deep the code of a file is nested, told from its bytes alone. A parser descends one call for each level, so a file
//! of nothing but brackets would use up the stack; such files are refused before they are parsed. This is an estimate, not
//! a lexer: where it errs, the stack that is left ([`STACK_BYTES`]) has room.

/// Most brackets that are open at once.
pub const MAX_BRACKETS: usize = 1000;
/// Most operators that may hang on each other in all open brackets together (`a + b + c`, `else if`, `a.b.c`), which
/// nest without any bracket.
pub const MAX_CHAIN: u64 = 20_000;
/// The stack that files are parsed on, in bytes: enough for both limits in a build without optimisation.
pub const STACK_BYTES: usize = 512 << 20;
/// Most open brackets in a file of JSON.
const MAX_JSON: usize = 100;

/// Words behind which an expression or a statement goes on inside of what began.
const CHAINING: &[&str] = &[
    "if",
    "for",
    "while",
    "do",
    "with",
    "typeof",
    "void",
    "delete",
    "await",
    "new",
    "yield",
    "in",
    "of",
    "instanceof",
    "throw",
    "as",
    "satisfies",
    "keyof",
    "infer",
    "readonly",
    "unique",
    "extends",
    "return",
];

/// What a bracket, or the file, holds so far.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Operators since the last separator.
    chain: u64,
    /// `else`, which no separator ends.
    lasting: u64,
    /// `${`: behind its end a template goes on.
    in_template: bool,
}

/// Whether code is nested too deeply to be parsed. Time is linear in the text.
pub fn is_too_deep(text: &str) -> bool {
    Scan {
        bytes: text.as_bytes(),
        at: 0,
        levels: vec![Level::default()],
        total: 0,
        last: b';',
        line_ended: false,
    }
    .run()
}

/// Whether JSON is.
pub fn is_json_too_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_JSON {
            return true;
        }
    }
    false
}

struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    /// Never empty.
    levels: Vec<Level>,
    /// All chains of [`Scan::levels`] together.
    total: u64,
    /// The last byte that was no space and no comment; a letter stands for a name, `k` for a word that goes on.
    last: u8,
    /// A line ended behind it.
    line_ended: bool,
}

impl Scan<'_> {
    fn run(mut self) -> bool {
        while let Some(byte) = self.byte(0) {
            self.step(byte);
            if self.levels.len() > MAX_BRACKETS || self.total > MAX_CHAIN {
                return true;
            }
        }
        false
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn step(&mut self, byte: u8) {
        match (byte, self.byte(1)) {
            (b'\n', _) => self.line_ended = true,
            (byte, _) if byte.is_ascii_whitespace() => {}
            (b'/', Some(b'/')) => {
                self.at = self.find(b'\n');
                return;
            }
            (b'/', Some(b'*')) => {
                let rest = self.bytes.get(self.at + 2..).unwrap_or_default();
                let end = memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
                self.at += 2 + end;
                return;
            }
            _ => return self.token(byte),
        }
        self.at += 1;
    }

    fn token(&mut self, byte: u8) {
        self.end_of_statement(byte);
        let before = self.last;
        self.last = byte;
        self.at += 1;
        match byte {
            b'\'' | b'"' => self.quoted(byte),
            b'`' => {
                self.hang_on(before);
                self.template();
            }
            b'(' | b'[' | b'{' => {
                if byte != b'{' {
                    self.hang_on(before);
                }
                self.levels.push(Level::default());
            }
            b')' | b']' | b'}' => self.close(),
            b';' | b',' => self.separate(),
            b'/' if self.byte(0) == Some(b'>') => self.unchain(),
            b'/' if is_operator(before) && self.regex() => {}
            b'<' if self.byte(0) == Some(b'/') => {
                self.at += 1;
                self.unchain();
            }
            b'<' | b'/' | b'!' | b'~' | b'?' | b':' | b'=' | b'.' | b'+' | b'-' | b'*' | b'&' | b'|'
            | b'^' | b'%' => {
                self.chain();
            }
            byte if is_word(byte) => self.word(),
            _ => {}
        }
    }

    /// A line that ends behind a whole expression ends the statement, unless the next one goes on with it.
    fn end_of_statement(&mut self, next: u8) {
        let ended = std::mem::take(&mut self.line_ended);
        if ended && !is_operator(self.last) && self.last != b')' && !is_operator(next) && next != b'.' {
            self.separate();
        }
    }

    fn top(&mut self) -> Option<&mut Level> {
        self.levels.last_mut()
    }

    fn chain(&mut self) {
        self.total += 1;
        if let Some(level) = self.top() {
            level.chain += 1;
        }
    }

    fn unchain(&mut self) {
        if let Some(level) = self.top().filter(|level| level.chain > 0) {
            level.chain -= 1;
            self.total -= 1;
        }
    }

    fn separate(&mut self) {
        let chain = self.top().map_or(0, |level| std::mem::take(&mut level.chain));
        self.total -= chain;
    }

    /// `f()()`, `a[0][0]`: brackets behind brackets nest in the tree.
    fn hang_on(&mut self, before: u8) {
        if matches!(before, b')' | b']' | b'`') {
            self.chain();
        }
    }

    fn close(&mut self) {
        if self.levels.len() == 1 {
            return;
        }
        if let Some(level) = self.levels.pop() {
            self.total -= level.chain + level.lasting;
            if level.in_template {
                self.template();
            }
        }
    }

    /// A name or a number; words that go on count.
    fn word(&mut self) {
        let begin = self.at - 1;
        while self.byte(0).is_some_and(is_word) {
            self.at += 1;
        }
        let word = self.bytes.get(begin..self.at).unwrap_or_default();
        if word == b"else" {
            self.total += 1;
            if let Some(level) = self.top() {
                level.lasting += 1;
            }
            self.last = b'k';
        } else if CHAINING.iter().any(|one| one.as_bytes() == word) {
            self.chain();
            self.last = b'k';
        } else {
            self.last = b'a';
        }
    }

    /// To the end of a string, which ends with its line at the latest.
    fn quoted(&mut self, quote: u8) {
        while let Some(byte) = self.byte(0) {
            if byte == b'\n' {
                return;
            }
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == quote {
                return;
            }
        }
    }

    /// To the end of a template or to its next hole.
    fn template(&mut self) {
        self.last = b'`';
        while let Some(byte) = self.byte(0) {
            match (byte, self.byte(1)) {
                (b'\\', _) => self.at += 1,
                (b'`', _) => {
                    self.at += 1;
                    return;
                }
                (b'$', Some(b'{')) => {
                    self.at += 2;
                    self.levels.push(Level { in_template: true, ..Level::default() });
                    self.last = b'{';
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Behind the end of a regular expression, if this is one.
    fn regex(&mut self) -> bool {
        let (mut at, mut in_class) = (self.at, false);
        while let Some(byte) = self.bytes.get(at) {
            at += 1;
            match byte {
                b'\n' => return false,
                b'\\' => at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => {
                    self.at = at;
                    self.last = b'a';
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    fn find(&self, byte: u8) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        memchr::memchr(byte, rest).map_or(self.bytes.len(), |end| self.at + end)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#' | 0x80..)
}

/// Behind this an expression has to follow.
fn is_operator(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b'['
            | b'{'
            | b','
            | b';'
            | b'='
            | b':'
            | b'?'
            | b'!'
            | b'~'
            | b'&'
            | b'|'
            | b'^'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'<'
            | b'>'
            | b'k'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_not_too_deep() {
        let plain = "export async function GET(request) {\n  const a = `x${b ? `y${c}` : d}`; // ((((\n  return f(a)\n}\n";
        let lines = "const a = b + c\nif (a) f(a.b.c)\nconst s = \"([{<\" + '(' + /[(\"]/.source\n";
        let jsx = "<div className=\"a\"><p>Don't ({name})</p><br/></div>;\n";
        let data = format!("export const data = [{}];", "{ a: 1.5, b: [-2, 3] },\n".repeat(50_000));
        let sum = format!("const s = {};", vec!["'a'"; 5000].join(" +\n  "));
        for text in [plain.repeat(5000), lines.repeat(20_000), jsx.repeat(2000), data, sum] {
            assert!(!is_too_deep(&text), "{}", &text[..60]);
        }
    }

    #[test]
    fn what_nests_without_end_is() {
        let many = 100_000;
        for piece in [
            "(",
            "[",
            "{",
            "<a>",
            "f(",
            "!",
            "- ",
            "a?b:",
            "a=>",
            "x=",
            "if(a)",
            "if(a);else ",
            "a+",
            "a.b.",
            "`${",
            "{a:[",
            "typeof ",
            "new ",
            "(\")\"+",
            "/\"/.a+(",
            "f()()",
            "a[0][0]",
            "(/* ) */",
            "<A<",
            "x as y ",
            "if(a)\n",
            "\n?.b",
        ] {
            assert!(is_too_deep(&piece.repeat(many)), "{piece}");
            assert!(is_too_deep(&format!("const x = {}", piece.repeat(many))), "{piece}");
        }
        assert!(is_json_too_deep("[".repeat(200).as_bytes()));
        assert!(!is_json_too_deep(br#"{"a":["[[[[[[\"[[[["]}"#));
    }
}
