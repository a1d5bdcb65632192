//! Checks the files in a bundle's folder: each against its digest and length, that there are no others, and that
//! `evidence.jsonl` can be read. Whatever their size, they go through the hash in pieces.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::ARTIFACTS;
use super::digest::{BLOCK_BYTES, hex, read_block};
use super::evidence::Cited;
use super::manifest::{self, Claims};
use super::verify::{Check, State, What, short};
use crate::input::regular;

/// Largest file of a bundle that is hashed, in bytes.
const MAX_FILE_BYTES: u64 = 16 << 30;
/// Largest `evidence.jsonl` whose lines are read, in bytes: 400,000 lines of the usual length.
const MAX_EVIDENCE_BYTES: u64 = 256 << 20;
/// Longest line of it, in bytes; a quoted text has 400 characters.
const MAX_EVIDENCE_LINE_BYTES: u64 = 1 << 20;
/// Other files of the folder that are named.
const MAX_STRAYS: usize = 20;
/// How the names of signatures begin, which people put beside a manifest.
const SIGNATURE: &str = "manifest.json.";

/// Checks all files but the manifest.
pub(super) fn check(dir: &Path, claims: &Claims) -> Vec<Check> {
    let mut checks: Vec<Check> = ARTIFACTS.iter().map(|name| check_artifact(dir, name, claims)).collect();
    let unknown = claims.artifacts.iter().filter(|one| !ARTIFACTS.contains(&one.name.as_str())).count();
    if unknown > 0 {
        let found = format!("{unknown} with other names, which are not opened");
        let expected = "entries for the files of a bundle";
        checks.push(Check::new(What::File, manifest::NAME, State::Differs, expected, &found));
    }
    checks.extend(strays(dir));
    checks
}

fn check_artifact(dir: &Path, name: &str, claims: &Claims) -> Check {
    let check = |state, expected: &str, found: &str| Check::new(What::File, name, state, expected, found);
    let mut entries = claims.artifacts.iter().filter(|one| one.name == name);
    let claimed = match (entries.next(), entries.next()) {
        (Some(claimed), None) => claimed,
        (None, _) => return check(State::Differs, "an entry in the manifest", "none"),
        _ => return check(State::Differs, "an entry in the manifest", "several"),
    };
    let length = |bytes: u64| format!("{bytes} bytes, SHA-256 ");
    let expected = length(claimed.bytes) + &short(&claimed.sha256);
    let (file, bytes) = match regular::open_itself(&dir.join(name)) {
        Ok(opened) => opened,
        Err(error) => return check(State::Missing, &expected, &error.to_string()),
    };
    if bytes > MAX_FILE_BYTES {
        return check(State::Differs, &expected, &format!("{bytes} bytes, which are not read"));
    }
    match hashed(file) {
        Err(error) => check(State::Missing, &expected, &error.to_string()),
        Ok((is, bytes)) if is == claimed.sha256 && bytes == claimed.bytes => check(State::Same, "", ""),
        Ok((is, bytes)) => check(State::Differs, &expected, &(length(bytes) + &short(&is))),
    }
}

/// SHA-256 of a file and how many bytes it has.
fn hashed(file: File) -> io::Result<(String, u64)> {
    let mut reader = file.take(MAX_FILE_BYTES);
    let mut sha = Sha256::new();
    let mut buffer = vec![0; BLOCK_BYTES];
    let mut bytes = 0;
    loop {
        let block = read_block(&mut reader, &mut buffer)?;
        if block.is_empty() {
            return Ok((hex(&sha.finalize()), bytes));
        }
        sha.update(block);
        bytes += block.len() as u64;
    }
}

/// What lies in the folder besides: no digest covers it, so whoever reads it takes it for a part of the bundle.
fn strays(dir: &Path) -> Vec<Check> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != manifest::NAME && !ARTIFACTS.contains(&name.as_str()))
        .collect();
    names.sort();
    let check = |name: &String| match name.starts_with(SIGNATURE) {
        true => {
            Check::new(What::File, name, State::Unchecked, "", "a signature is for the tool that made it")
        }
        false => Check::new(What::File, name, State::Differs, "no such file", "not of the bundle"),
    };
    let mut checks: Vec<Check> = names.iter().take(MAX_STRAYS).map(check).collect();
    if names.len() > MAX_STRAYS {
        let found = format!("{} more that are not of the bundle", names.len() - MAX_STRAYS);
        checks.push(Check::new(What::File, "…", State::Differs, "no such files", &found));
    }
    checks
}

/// The cited lines, and what is wrong with their file. That it is missing is said by [`check`].
pub(super) fn read_evidence(dir: &Path, claims: &Claims) -> (Vec<Cited>, Vec<Check>) {
    let name = ARTIFACTS[3];
    let (mut cited, mut checks) = (Vec::new(), Vec::new());
    let Ok((file, bytes)) = regular::open_itself(&dir.join(name)) else { return (cited, checks) };
    let mut differs = |what, name: &str, expected: &str, found: &str| {
        checks.push(Check::new(what, name, State::Differs, expected, found));
    };
    if bytes > MAX_EVIDENCE_BYTES {
        let expected = format!("at most {MAX_EVIDENCE_BYTES} bytes");
        differs(What::File, name, &expected, &format!("{bytes} bytes: its lines are not read"));
        return (cited, checks);
    }
    let mut reader = BufReader::new(file.take(MAX_EVIDENCE_BYTES));
    let (mut number, mut lines, mut located) = (0_u64, 0_u64, 0_u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(MAX_EVIDENCE_LINE_BYTES).read_until(b'\n', &mut line);
        if !read.is_ok_and(|count| count > 0) {
            break;
        }
        number += 1;
        let place = || format!("{name}:{number}");
        if line.len() as u64 == MAX_EVIDENCE_LINE_BYTES && !line.ends_with(b"\n") {
            let found = format!("a line of more than {MAX_EVIDENCE_LINE_BYTES} bytes: the rest is not read");
            differs(What::Line, &place(), "a cited line", &found);
            break;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        if line.is_empty() {
            continue;
        }
        lines += 1;
        match serde_json::from_slice::<Cited>(line) {
            Ok(one) => {
                located += u64::from(one.hash.is_some());
                cited.push(one);
            }
            Err(error) => differs(What::Line, &place(), "a cited line", &error.to_string()),
        }
    }
    if lines != claims.evidence.lines {
        let expected = format!("{} lines", claims.evidence.lines);
        differs(What::File, name, &expected, &format!("{lines} lines"));
    }
    if let Some(claimed) = claims.evidence.located.filter(|claimed| *claimed != located) {
        differs(
            What::File,
            name,
            &format!("{claimed} lines with their bytes"),
            &format!("{located} lines with their bytes"),
        );
    }
    (cited, checks)
}
