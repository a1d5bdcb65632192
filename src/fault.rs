//! What is wrong with a file of the user, said so that it can be repaired: file, line, key and cure.

use std::fmt;
use std::path::Path;

use thiserror::Error;

use crate::rules::error::write_fault;

/// One fault of one file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Fault {
    /// Path as the user knows it.
    pub file: String,
    /// Line, counted from 1, where the fault has one.
    pub line: Option<usize>,
    /// Key at fault; empty where the whole file is.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub cure: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fault(f, (&self.file, self.line, &self.key), &self.problem, &self.cure)
    }
}

impl Fault {
    /// A fault of the whole file.
    pub fn whole(file: &Path, problem: impl Into<String>, cure: impl Into<String>) -> Fault {
        Fault {
            file: file.display().to_string(),
            line: None,
            key: String::new(),
            problem: problem.into(),
            cure: cure.into(),
        }
    }

    /// A fault at a key of the file's text; `table` counts the tables of an array from 0.
    pub fn at(
        file: &Path,
        text: &str,
        table: Option<(&str, usize)>,
        key: &str,
        problem: &str,
        cure: &str,
    ) -> Fault {
        Fault { line: line_of(text, table, key), key: key.to_owned(), ..Fault::whole(file, problem, cure) }
    }

    /// What the TOML reader says, at its line; the key is the one that the line sets.
    pub fn toml(file: &Path, text: &str, error: &toml::de::Error, cure: &str) -> Fault {
        let line = error.span().map(|span| {
            let before = text.get(..span.start).unwrap_or(text);
            before.bytes().filter(|b| *b == b'\n').count() + 1
        });
        let key = line
            .and_then(|line| text.lines().nth(line - 1))
            .and_then(|line| line.split_once('='))
            .map(|(key, _)| key.trim().to_owned())
            .filter(|key| {
                !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
            })
            .unwrap_or_default();
        Fault { line, key, ..Fault::whole(file, error.message().replace('\n', "; "), cure) }
    }
}

/// The line that sets a key, in the `n`th table of this name; else the table's own, else none.
fn line_of(text: &str, table: Option<(&str, usize)>, key: &str) -> Option<usize> {
    let mut lines = text.lines().enumerate();
    let mut head = None;
    if let Some((name, number)) = table {
        let header = format!("[[{name}]]");
        head = Some(lines.by_ref().filter(|(_, line)| line.trim() == header).nth(number)?.0 + 1);
    }
    lines
        .take_while(|(_, line)| head.is_none() || !line.trim_start().starts_with('['))
        .find(|(_, line)| line.split_once('=').is_some_and(|(name, _)| name.trim() == key))
        .map(|(at, _)| at + 1)
        .or(head)
}
