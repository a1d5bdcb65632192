//! `.env` files as Next.js reads them (the grammar of dotenv 16.3 with its expansion), which differs from Node's own reader
//! and from others. Values leave this file only behind [`Hidden`], which answers questions and prints nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::fence;

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// A value.
    Set,
    /// Nothing, as written.
    Empty,
    /// A `$` in the value is taken for the name of a variable that is nowhere set, so that a part is lost.
    Eaten,
}

/// A value that nothing prints. Two are compared, and questions are asked of one.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a value.
    pub fn new(value: String) -> Hidden {
        Hidden(value)
    }

    /// Asks a question of the value; the answer must not hold it.
    pub fn ask<T>(&self, question: impl FnOnce(&str) -> T) -> T {
        question(&self.0)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A key in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it holds.
    pub held: Held,
    /// The value, as written.
    pub value: Hidden,
    /// Line, from 1.
    pub line: u32,
}

/// Keys that a scope has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// `production`, `preview` or `development`.
    pub scope: &'static str,
    /// The platform wrote it with all keys of the scope, so that a key that is not in it is not there.
    pub complete: bool,
    /// Files, in the order of precedence.
    pub files: Vec<String>,
    /// Keys, each with the file that wins.
    pub keys: BTreeMap<String, (String, Entry)>,
    /// Files that are there and cannot be read, with the reason; what keys the scope has is then unknown.
    pub unread: Vec<(String, String)>,
}

/// Reads the snapshots of a project: what `vercel pull` wrote, else the `.env` files that Next.js loads in production. A
/// `.env` file seldom has all keys that the platform adds. Files that the manifest names for a scope come first and count
/// as all that it has.
pub fn snapshots(root: &Path, named: Vec<(&'static str, Vec<String>)>) -> Vec<Snapshot> {
    let named = named.into_iter().map(|(scope, files)| (scope, true, files));
    let pulled =
        ["production", "preview"].map(|scope| (scope, true, vec![format!(".vercel/.env.{scope}.local")]));
    let own = [".env.production.local", ".env.local", ".env.production", ".env"].map(str::to_owned).to_vec();
    let mut found = Vec::new();
    for (scope, complete, files) in named.chain(pulled).chain([("production", false, own)]) {
        let mut snapshot = Snapshot { scope, complete, ..Snapshot::default() };
        for file in files {
            let path = root.join(&file);
            // Own files may be links to what each machine has for itself; what was pulled is meant to be there.
            let text = if complete { fence::text_if_named(&path) } else { fence::text_if_there(&path) };
            let text = match text {
                None => continue,
                Some(Ok(text)) => text,
                Some(Err(reason)) => {
                    snapshot.unread.push((file, reason));
                    continue;
                }
            };
            for (key, entry) in parse(&text) {
                snapshot.keys.entry(key).or_insert((file.clone(), entry));
            }
            snapshot.files.push(file);
        }
        let known = found.iter().any(|other: &Snapshot| other.scope == scope);
        let is_empty = snapshot.files.is_empty() && snapshot.unread.is_empty();
        if !is_empty && !known {
            found.push(snapshot);
        }
    }
    found
}

/// The keys of a text; the last of several wins.
pub fn parse(text: &str) -> BTreeMap<String, Entry> {
    let mut raw: BTreeMap<String, (String, u32)> = BTreeMap::new();
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let (taken, pair) = assignment(rest);
        if let Some((key, value)) = pair {
            raw.insert(key, (value, line));
        }
        let (done, after) = rest.split_at(taken);
        line += u32::try_from(done.matches('\n').count()).unwrap_or(u32::MAX);
        rest = after;
    }
    let held = |value: &str| match value {
        "" => Held::Empty,
        _ if loses(value, &raw) => Held::Eaten,
        _ => Held::Set,
    };
    let entry = |value: &String, line| Entry { held: held(value), value: Hidden(value.clone()), line };
    raw.iter().map(|(key, (value, line))| (key.clone(), entry(value, *line))).collect()
}

/// The first assignment of a text: how many bytes it takes (at least the line), key and value.
fn assignment(text: &str) -> (usize, Option<(String, String)>) {
    let end = text.find('\n').map_or(text.len(), |at| at + 1);
    let line = text[..end].trim_start();
    let line = line
        .strip_prefix("export")
        .filter(|rest| rest.starts_with([' ', '\t']))
        .map_or(line, str::trim_start);
    let stop = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')))
        .unwrap_or(line.len());
    let (key, after) = line.split_at(stop);
    let value = after.trim_start_matches([' ', '\t']);
    let value = match (value.strip_prefix('='), after.strip_prefix(':')) {
        (Some(value), _) => value,
        (None, Some(value)) if value.starts_with([' ', '\t']) => value,
        _ => return (end, None),
    };
    if key.is_empty() {
        return (end, None);
    }
    let value = value.trim_start_matches([' ', '\t']);
    if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) {
        // A quoted value may go on over lines; where the quote is never closed, it is part of the value.
        let begin = end - value.len() + 1;
        let inner = &text[begin..];
        let mut escaped = false;
        for (at, c) in inner.char_indices() {
            if c == quote && !escaped {
                let close = begin + at + 1;
                let taken = text[close..].find('\n').map_or(text.len(), |next| close + next + 1);
                return (taken, Some((key.to_owned(), inner[..at].to_owned())));
            }
            escaped = c == '\\' && !escaped;
        }
    }
    let value = value.split('#').next().unwrap_or("").trim();
    (end, Some((key.to_owned(), value.to_owned())))
}

/// Whether expansion drops a part of a value: `$name` of a key that the file does not have.
fn loses(value: &str, keys: &BTreeMap<String, (String, u32)>) -> bool {
    let mut escaped = false;
    for (at, c) in value.char_indices() {
        if c == '$' && !escaped {
            let rest = &value[at + 1..];
            let name = rest.strip_prefix('{').unwrap_or(rest);
            let stop = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
            let default = rest.starts_with('{') && name[stop..].starts_with(":-");
            // A variable of the platform may be meant by a name in capitals.
            let lower = name[..stop].chars().any(|c| c.is_ascii_lowercase()) || stop == 0;
            let digit = name.starts_with(|c: char| c.is_ascii_digit());
            if !default && !keys.contains_key(&name[..stop]) && (lower || digit) {
                return true;
            }
        }
        escaped = c == '\\' && !escaped;
    }
    false
}
