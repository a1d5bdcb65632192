//! Reads folders of rule files: finds the files, checks each, and checks what they say of each other. The build script
//! does this with the built-in rules, the program with those of the user.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::rules::error::{Problem, RuleError, nearest};
use crate::rules::model::Class;
use crate::rules::validate::{CheckedRule, RuleFile, Step, class_by_name};

/// Reads and checks all rule files of a folder, flat or in folders named after classes. Sound rules come back by id,
/// the faults of the others go to `errors`.
pub(super) fn read_folder(dir: &Path, errors: &mut Vec<RuleError>) -> BTreeMap<String, CheckedRule> {
    let mut rules = BTreeMap::new();
    check_files(files_in(dir, errors), &mut rules, errors);
    rules
}

/// Rules in their final order: by class in the order of triage (decoys last), then by id.
pub(super) fn in_order(rules: BTreeMap<String, CheckedRule>) -> Vec<CheckedRule> {
    let mut rules: Vec<CheckedRule> = rules.into_values().collect();
    rules.sort_by(|a, b| (a.rule.class, &a.rule.id).cmp(&(b.rule.class, &b.rule.id)));
    rules
}

/// Follows `yields_to` to its ends; reports unknown ids and circles.
pub(super) fn resolve_yields(checked: &[CheckedRule], errors: &mut Vec<RuleError>) -> Vec<Vec<u16>> {
    let index: BTreeMap<&str, u16> = checked.iter().map(|c| c.rule.id.as_str()).zip(0u16..).collect();
    let mut direct: Vec<Vec<u16>> = Vec::with_capacity(checked.len());
    for rule in checked {
        let mut to = Vec::new();
        for (number, id) in rule.rule.yields_to.iter().enumerate() {
            match index.get(id.as_str()) {
                Some(found) => to.push(*found),
                None => {
                    let nearest = nearest(id, index.keys().copied()).map(str::to_owned);
                    let path = [Step::Key("yields_to"), Step::Index(number)];
                    errors.push(rule.file.error(&path, Problem::UnknownRule { id: id.clone(), nearest }));
                }
            }
        }
        direct.push(to);
    }
    let mut all = Vec::with_capacity(checked.len());
    for (number, rule) in (0u16..).zip(checked) {
        let mut reached: Vec<u16> = Vec::new();
        let mut open: Vec<u16> = direct.get(usize::from(number)).cloned().unwrap_or_default();
        while let Some(next) = open.pop() {
            if reached.contains(&next) {
                continue;
            }
            reached.push(next);
            open.extend(direct.get(usize::from(next)).into_iter().flatten());
        }
        if reached.contains(&number) {
            let by_way = rule.rule.yields_to.first().cloned().unwrap_or_default();
            errors.push(rule.file.error(&[Step::Key("yields_to")], Problem::YieldsInCircle(by_way)));
        }
        reached.sort_unstable();
        all.push(reached);
    }
    all
}

/// Checks files; the sound rules go to `rules`, the faults of the others to `errors`.
fn check_files(files: Vec<RuleFile>, rules: &mut BTreeMap<String, CheckedRule>, errors: &mut Vec<RuleError>) {
    for file in files {
        match file.check() {
            Err(mut faults) => errors.append(&mut faults),
            Ok(checked) => match rules.get(&checked.rule.id) {
                Some(other) => {
                    let problem =
                        Problem::DuplicateId { id: checked.rule.id.clone(), other: other.file.name.clone() };
                    errors.push(checked.file.error(&[Step::Key("id")], problem));
                }
                None => {
                    rules.insert(checked.rule.id.clone(), checked);
                }
            },
        }
    }
}

/// Rule files of a folder and of the folders in it, by name.
fn files_in(dir: &Path, errors: &mut Vec<RuleError>) -> Vec<RuleFile> {
    let mut files = Vec::new();
    for entry in entries(dir, errors) {
        let inner = if entry.is_dir() { entries(&entry, errors) } else { vec![entry] };
        for path in inner.iter().filter(|path| path.extension().is_some_and(|e| e == "toml")) {
            let below = path.strip_prefix(dir).unwrap_or(path);
            match fs::read_to_string(path) {
                Ok(text) => files.extend(rule_file(path, below, &text)),
                Err(error) => errors.push(unreadable(path, &error.to_string())),
            }
        }
    }
    files
}

fn entries(dir: &Path, errors: &mut Vec<RuleError>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    match fs::read_dir(dir) {
        Ok(found) => {
            for entry in found {
                match entry {
                    Ok(entry) => paths.push(entry.path()),
                    Err(error) => errors.push(unreadable(dir, &error.to_string())),
                }
            }
        }
        Err(error) => errors.push(unreadable(dir, &error.to_string())),
    }
    paths.sort();
    paths
}

/// `None` for files that are not TOML. `below` is the path below the folder of rules.
fn rule_file(path: &Path, below: &Path, text: &str) -> Option<RuleFile> {
    path.extension().filter(|extension| *extension == "toml")?;
    let folder = below.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    Some(RuleFile {
        name: path.display().to_string().replace('\\', "/"),
        class_folder: folder
            .filter(|name| class_by_name(name).is_some_and(|class| class != Class::Unclassified)),
        stem: path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
        text: text.replace("\r\n", "\n"),
        built_in: false,
    })
}

fn unreadable(path: &Path, why: &str) -> RuleError {
    RuleError {
        file: path.display().to_string(),
        line: None,
        key: String::new(),
        problem: Problem::Unreadable(why.to_owned()),
    }
}
