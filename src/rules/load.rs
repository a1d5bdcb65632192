//! Loads rule files: those built into the program, and those of the user, which add to them or override them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use rayon::prelude::*;

use crate::rules::compile::{Machine, PreparedSignal};
use crate::rules::error::{Problem, RuleError, RuleErrors, nearest};
use crate::rules::model::{Class, Rule};
use crate::rules::validate::{CheckedRule, RuleFile, Step, class_by_name};

/// The rules that come with the program.
static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// Rules in force: checked, ordered by (class, id), ready to match.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    files: Vec<RuleFile>,
    /// For each rule the indexes of all rules that it yields to, directly or through others.
    yields: Vec<Vec<u16>>,
    machine: Machine,
    hash: String,
}

impl RuleSet {
    /// The rules that come with the program. They are tested when it is built, so an error here is a defect of it.
    pub fn embedded() -> Result<RuleSet, RuleErrors> {
        RuleSet::load(&[])
    }

    /// The built-in rules and those of the given folders. A folder holds files flat or in folders named after
    /// classes; a rule with the id of an earlier one replaces it. All faults of all files are reported together.
    pub fn load(user_dirs: &[PathBuf]) -> Result<RuleSet, RuleErrors> {
        let mut errors = Vec::new();
        let mut rules = BTreeMap::new();
        check_files(embedded_files(&mut errors), &mut rules, &mut errors);
        for dir in user_dirs {
            let mut own = BTreeMap::new();
            check_files(files_in(dir, &mut errors), &mut own, &mut errors);
            compile_all(&mut own, &mut errors);
            rules.append(&mut own);
        }
        let set = RuleSet::assemble(rules, &mut errors);
        if errors.is_empty() { Ok(set) } else { Err(RuleErrors(errors)) }
    }

    /// The rules of one folder without the built-in ones: those that are sound, and the faults of the others.
    pub fn from_dir(dir: &Path) -> (RuleSet, Vec<RuleError>) {
        let mut errors = Vec::new();
        let mut rules = BTreeMap::new();
        check_files(files_in(dir, &mut errors), &mut rules, &mut errors);
        compile_all(&mut rules, &mut errors);
        let set = RuleSet::assemble(rules, &mut errors);
        (set, errors)
    }

    /// All rules, ordered by class in the order of triage (decoys last), then by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule with this id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// The rule at this index, as hits name it.
    pub fn by_index(&self, index: u16) -> Option<&Rule> {
        self.rules.get(usize::from(index))
    }

    /// The file that the rule at this index was read from, for messages.
    pub fn file(&self, index: u16) -> &str {
        self.rule_file(index).map_or("", |file| file.name.as_str())
    }

    /// Whether the rule at this index comes with the program.
    pub fn is_built_in(&self, index: u16) -> bool {
        self.rule_file(index).is_some_and(|file| file.built_in)
    }

    /// The file of the rule at this index, to name faults in it by line.
    pub(super) fn rule_file(&self, index: u16) -> Option<&RuleFile> {
        self.files.get(usize::from(index))
    }

    /// Whether the first rule yields to the second, directly or through others.
    pub fn yields(&self, loser: u16, winner: u16) -> bool {
        self.yields.get(usize::from(loser)).is_some_and(|to| to.contains(&winner))
    }

    /// 16 hexadecimal digits over ids and contents of all rules, equal on all machines.
    pub fn hash(&self) -> String {
        self.hash.clone()
    }

    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    fn assemble(checked: BTreeMap<String, CheckedRule>, errors: &mut Vec<RuleError>) -> RuleSet {
        let mut hasher = blake3::Hasher::new();
        for (id, rule) in &checked {
            for part in [id.as_str(), &rule.file.text] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
        }
        let hash: String = hasher.finalize().to_hex().chars().take(16).collect();

        let mut checked: Vec<CheckedRule> = checked.into_values().collect();
        checked.sort_by(|a, b| (a.rule.class, &a.rule.id).cmp(&(b.rule.class, &b.rule.id)));
        let most = usize::from(u16::MAX);
        if let Some(extra) = checked.get(most) {
            errors.push(extra.file.error(&[], Problem::TooMany(most)));
            checked.truncate(most);
        }
        let yields = resolve_yields(&checked, errors);

        let mut rules = Vec::with_capacity(checked.len());
        let mut files = Vec::with_capacity(checked.len());
        let mut signals: Vec<Vec<PreparedSignal>> = Vec::with_capacity(checked.len());
        for rule in checked {
            rules.push(rule.rule);
            files.push(rule.file);
            signals.push(rule.signals);
        }
        let machine = Machine::build(rules.iter().zip(signals));
        RuleSet { rules, files, yields, machine, hash }
    }
}

/// Follows `yields_to` to its ends; reports unknown ids and circles.
fn resolve_yields(checked: &[CheckedRule], errors: &mut Vec<RuleError>) -> Vec<Vec<u16>> {
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
    // Reading the patterns is most of the work at start-up; the results come back in the order of the files.
    let checked: Vec<Result<CheckedRule, Vec<RuleError>>> =
        files.into_par_iter().map(RuleFile::check).collect();
    for result in checked {
        match result {
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

/// Compiles all patterns now, to find those that are too large; such rules are taken out. The built-in ones are
/// tested beforehand and compile at first use instead.
fn compile_all(rules: &mut BTreeMap<String, CheckedRule>, errors: &mut Vec<RuleError>) {
    rules.retain(|_, checked| {
        let before = errors.len();
        for (number, signal) in checked.signals.iter().enumerate() {
            if let Err(problem) = signal.compile_now() {
                let path = [Step::Key("signal"), Step::Index(number), Step::Key("pattern")];
                errors.push(checked.file.error(&path, problem));
            }
        }
        errors.len() == before
    });
}

fn embedded_files(errors: &mut Vec<RuleError>) -> Vec<RuleFile> {
    let mut files = Vec::new();
    let flat = EMBEDDED.files();
    for file in flat.chain(EMBEDDED.dirs().flat_map(|folder| folder.files())) {
        match file.contents_utf8() {
            Some(text) => files.extend(rule_file(file.path(), file.path(), Cow::Borrowed(text), true)),
            None => errors.push(unreadable(file.path(), "not UTF-8")),
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// Rule files of a folder and of the folders in it, by name.
fn files_in(dir: &Path, errors: &mut Vec<RuleError>) -> Vec<RuleFile> {
    let mut files = Vec::new();
    for entry in entries(dir, errors) {
        let inner = if entry.is_dir() { entries(&entry, errors) } else { vec![entry] };
        for path in inner.iter().filter(|path| path.extension().is_some_and(|e| e == "toml")) {
            let below = path.strip_prefix(dir).unwrap_or(path);
            match fs::read_to_string(path) {
                Ok(text) => files.extend(rule_file(path, below, Cow::Owned(text), false)),
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
fn rule_file(path: &Path, below: &Path, text: Cow<'static, str>, built_in: bool) -> Option<RuleFile> {
    path.extension().filter(|extension| *extension == "toml")?;
    let folder = below.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    Some(RuleFile {
        name: path.display().to_string().replace('\\', "/"),
        class_folder: folder
            .filter(|name| class_by_name(name).is_some_and(|class| class != Class::Unclassified)),
        stem: path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
        text: if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { text },
        built_in,
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
