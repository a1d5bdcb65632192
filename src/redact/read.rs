//! Reads the files of `src/redact/rules/`: what counts as a secret, one kind of finding a file, with samples and look-alikes. The
//! build script does this, so that a faulty file stops the build and the program need not read any when it starts.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// Ways to tell a value from prose, by the name that files have for them, and the function.
const ACCEPT: [(&str, &str); 13] = [
    ("always", "judge::always"),
    ("key-material", "judge::key_material"),
    ("url-password", "judge::url_password"),
    ("header-value", "judge::header_value"),
    ("bare-credential", "judge::bare_credential"),
    ("random-key", "judge::random_key"),
    ("quoted", "judge::quoted"),
    ("assigned", "judge::assigned"),
    ("after-colon", "judge::after_colon"),
    ("email", "judge::email"),
    ("client-address", "place::client_address"),
    ("telephone", "place::telephone"),
    ("named-telephone", "place::named_telephone"),
];

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    kind: String,
    order: u32,
    about: String,
    hints: Vec<String>,
    pattern: String,
    accept: String,
    #[serde(default)]
    sample: Vec<Sample>,
    #[serde(default)]
    look_alike: Vec<LookAlike>,
}

/// A text with a secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    log: Text,
    /// What must not be seen of it any more.
    hides: String,
}

/// A text that stays as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LookAlike {
    log: Text,
}

/// A text, or its parts: split so that nobody who looks for real secrets in this repository takes it for one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    One(String),
    Parts(Vec<String>),
}

impl Text {
    fn whole(&self) -> String {
        match self {
            Text::One(text) => text.clone(),
            Text::Parts(parts) => parts.concat(),
        }
    }
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    file: String,
    line: Option<usize>,
    key: String,
    problem: String,
    cure: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}: {}\n  cure: {}", self.key, self.problem, self.cure)
    }
}

/// Reads a folder: the source text of the table of patterns, and of that of their samples.
///
/// # Errors
/// All faults of all files.
pub fn pack(dir: &Path) -> Result<(String, String), Vec<Fault>> {
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    let mut paths: Vec<_> = match fs::read_dir(dir) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) => return Err(vec![unreadable(dir, &error.to_string())]),
    };
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "toml")) {
        match fs::read_to_string(path) {
            Ok(text) => match check(path, &text) {
                Ok(file) => files.push((path, file)),
                Err(mut wrong) => faults.append(&mut wrong),
            },
            Err(error) => faults.push(unreadable(path, &error.to_string())),
        }
    }
    let mut orders = BTreeSet::new();
    for (path, file) in &files {
        if !orders.insert(file.order) {
            let problem = format!("{} is that of another file, too", file.order);
            faults.push(fault(
                path,
                None,
                "order",
                problem,
                "give it a number of its own; of overlapping values the least wins",
            ));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    files.sort_by_key(|(_, file)| file.order);
    let files: Vec<File> = files.into_iter().map(|(_, file)| file).collect();
    Ok((table(&files), samples(&files)))
}

/// Reads one file.
///
/// # Errors
/// All its faults.
fn check(path: &Path, text: &str) -> Result<File, Vec<Fault>> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        vec![fault(
            path,
            line,
            "file",
            error.message().to_owned(),
            "docs/redaction.md says which keys a file has",
        )]
    })?;
    let mut faults = Vec::new();
    let mut wrong = |key: &str, problem: &str, cure| {
        let begin =
            text.lines().position(|line| line.split('=').next().is_some_and(|name| name.trim() == key));
        faults.push(fault(path, begin.map(|at| at + 1), key, problem.to_owned(), cure));
    };
    if path.file_stem().is_none_or(|stem| stem.to_string_lossy() != file.id) {
        wrong("id", "this is not the name of the file", "name the file after the id");
    }
    let is_kind = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if file.kind.is_empty() || !file.kind.chars().all(is_kind) {
        wrong("kind", "it stands in tokens", "lower case, digits and `-`");
    }
    if file.about.trim().is_empty() {
        wrong("about", "this is empty", "say in a sentence what it finds");
    }
    match regex_syntax::parse(&file.pattern) {
        Err(error) => wrong("pattern", &error.to_string().replace('\n', " "), "docs.rs/regex has the syntax"),
        Ok(hir) if hir.properties().explicit_captures_len() == 0 => {
            wrong("pattern", "it has no group", "put the value to be hidden into a group")
        }
        Ok(_) => {}
    }
    if file.hints.iter().any(String::is_empty) || file.hints.is_empty() {
        wrong(
            "hints",
            "a hint is empty, or there is none",
            "name literals of which one stands in every match",
        );
    }
    if !ACCEPT.iter().any(|(name, _)| *name == file.accept) {
        wrong("accept", "there is no such function", "one of those that src/redact/read.rs lists");
    }
    let has_hint = |log: &str| {
        let log = log.to_ascii_lowercase();
        file.hints.iter().any(|hint| log.contains(&hint.to_ascii_lowercase()))
    };
    if file.sample.is_empty() || file.look_alike.is_empty() {
        wrong(
            "sample",
            "a sample or a look-alike is missing",
            "add at least one [[sample]] and one [[look_alike]]",
        );
    }
    for sample in &file.sample {
        let log = sample.log.whole();
        if sample.hides.is_empty() || !log.contains(&sample.hides) {
            wrong("hides", "it does not stand in the log", "quote a part of the secret");
        }
        if !has_hint(&log) {
            wrong("hints", "none of them stands in a sample", "name a literal that stands in every match");
        }
    }
    if file.look_alike.iter().any(|one| !has_hint(&one.log.whole())) {
        wrong(
            "look_alike",
            "one has no hint, so the pattern is not even tried",
            "take a text that comes nearer",
        );
    }
    if faults.is_empty() { Ok(file) } else { Err(faults) }
}

fn fault(path: &Path, line: Option<usize>, key: &str, problem: String, cure: &'static str) -> Fault {
    let file = path.display().to_string().replace('\\', "/");
    Fault { file, line, key: key.to_owned(), problem, cure }
}

fn unreadable(path: &Path, why: &str) -> Fault {
    fault(path, None, "file", format!("cannot be read: {why}"), "check that it is there and UTF-8 text")
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// The table of patterns as an expression of the language.
fn table(files: &[File]) -> String {
    let mut out = "&[\n".to_owned();
    for file in files {
        let accept =
            ACCEPT.iter().find(|(name, _)| *name == file.accept).map_or("judge::always", |(_, path)| path);
        let File { id, kind, hints, pattern, .. } = file;
        let _ = writeln!(
            out,
            "Pattern {{ id: {id:?}, kind: {kind:?}, hints: &{hints:?}, regex: {pattern:?}, accept: {accept} }},"
        );
    }
    out + "]"
}

/// The samples of all patterns, in the same order.
fn samples(files: &[File]) -> String {
    let mut out = "&[\n".to_owned();
    for file in files {
        let samples: Vec<(String, &str)> =
            file.sample.iter().map(|one| (one.log.whole(), one.hides.as_str())).collect();
        let look_alikes: Vec<String> = file.look_alike.iter().map(|one| one.log.whole()).collect();
        let _ = writeln!(out, "Samples {{ secrets: &{samples:?}, look_alikes: &{look_alikes:?} }},");
    }
    out + "]"
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "id = \"x\"\nkind = \"x-key\"\norder = 1\nabout = \"x\"\nhints = [\"x_\"]\npattern = '''(x_[a-z]+)'''\naccept = \"always\"\n[[sample]]\nlog = [\"key x\", \"_abc\"]\nhides = \"abc\"\n[[look_alike]]\nlog = \"x_\"\n";

    #[test]
    fn faults_are_named_by_file_line_and_key() {
        let path = Path::new("src/redact/rules/x.toml");
        assert!(check(path, GOOD).is_ok());
        for (from, to, said) in [
            ("(x_[a-z]+)", "(x_[a-z+)", "src/redact/rules/x.toml:6: pattern: "),
            ("(x_[a-z]+)", "x_[a-z]+", "src/redact/rules/x.toml:6: pattern: it has no group"),
            ("[\"x_\"]", "[]", "src/redact/rules/x.toml:5: hints: "),
            ("\"always\"", "\"never\"", "src/redact/rules/x.toml:7: accept: "),
            ("x-key", "X Key", "src/redact/rules/x.toml:2: kind: "),
            ("hides = \"abc\"", "hides = \"xyz\"", "hides: "),
            ("log = \"x_\"", "log = \"y\"", "look_alike: "),
            ("id = \"x\"", "id = \"y\"", "src/redact/rules/x.toml:1: id: "),
            ("order = 1", "ordre = 1", "src/redact/rules/x.toml:3: file: "),
        ] {
            let faults = check(path, &GOOD.replacen(from, to, 1)).expect_err(to);
            let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert!(text.iter().any(|text| text.contains(said) && text.contains("cure: ")), "{to}: {text:?}");
        }
    }

    #[test]
    fn the_files_of_this_program_are_sound() {
        let (table, samples) = pack(Path::new("src/redact/rules")).expect("sound files");
        assert_eq!(table.matches("Pattern {").count(), samples.matches("Samples {").count());
    }
}
