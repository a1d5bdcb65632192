//! The rules in force: those built into the program, and those of the user, which add to them or override them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::rules::compile::{Machine, compile};
use crate::rules::embedded;
use crate::rules::error::{Problem, RuleError, RuleErrors};
use crate::rules::files::{in_order, read_folder, resolve_yields};
use crate::rules::model::Rule;
use crate::rules::validate::{CheckedRule, RuleFile, Step};

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
    /// The rules that come with the program. They are checked when it is built, so an error here is a defect of it.
    pub fn embedded() -> Result<RuleSet, RuleErrors> {
        RuleSet::load(&[])
    }

    /// The built-in rules and those of the given folders. A folder holds files flat or in folders named after
    /// classes; a rule with the id of an earlier one replaces it. All faults of all files are reported together.
    pub fn load(user_dirs: &[PathBuf]) -> Result<RuleSet, RuleErrors> {
        RuleSet::add_folders(embedded::rules_with_samples()?, user_dirs)
    }

    /// As [`RuleSet::load`], but the built-in rules come without their samples and the lines of their keys, which
    /// matching does not need: this is quicker.
    pub fn load_without_samples(user_dirs: &[PathBuf]) -> Result<RuleSet, RuleErrors> {
        RuleSet::add_folders(embedded::rules()?, user_dirs)
    }

    /// The rules of one folder without the built-in ones: those that are sound, and the faults of the others.
    pub fn from_dir(dir: &Path) -> (RuleSet, Vec<RuleError>) {
        let mut errors = Vec::new();
        let mut rules = read_folder(dir, &mut errors);
        take_out_too_large(&mut rules, &mut errors);
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

    fn add_folders(built_in: Vec<CheckedRule>, dirs: &[PathBuf]) -> Result<RuleSet, RuleErrors> {
        let mut errors = Vec::new();
        let mut rules: BTreeMap<String, CheckedRule> =
            built_in.into_iter().map(|rule| (rule.rule.id.clone(), rule)).collect();
        for dir in dirs {
            let mut own = read_folder(dir, &mut errors);
            take_out_too_large(&mut own, &mut errors);
            rules.append(&mut own);
        }
        let set = RuleSet::assemble(rules, &mut errors);
        if errors.is_empty() { Ok(set) } else { Err(RuleErrors(errors)) }
    }

    fn assemble(checked: BTreeMap<String, CheckedRule>, errors: &mut Vec<RuleError>) -> RuleSet {
        let mut hasher = Xxh3::new();
        for (id, rule) in &checked {
            hasher.update(&(id.len() as u64).to_le_bytes());
            hasher.update(id.as_bytes());
            hasher.update(&rule.digest.to_le_bytes());
        }
        let hash = format!("{:016x}", hasher.digest());

        let mut checked = in_order(checked);
        let most = usize::from(u16::MAX);
        if let Some(extra) = checked.get(most) {
            errors.push(extra.file.error(&[], Problem::TooMany(most)));
            checked.truncate(most);
        }
        let yields = resolve_yields(&checked, errors);

        let mut rules = Vec::with_capacity(checked.len());
        let mut files = Vec::with_capacity(checked.len());
        let mut signals = Vec::with_capacity(checked.len());
        for rule in checked {
            rules.push(rule.rule);
            files.push(rule.file);
            signals.push(rule.signals);
        }
        let machine = Machine::build(rules.iter().zip(signals));
        RuleSet { rules, files, yields, machine, hash }
    }
}

/// Takes out the rules whose patterns are too large. The user's patterns are compiled for it, so that the fault is
/// said before anything is read; a test does the same with the built-in ones.
fn take_out_too_large(rules: &mut BTreeMap<String, CheckedRule>, errors: &mut Vec<RuleError>) {
    rules.retain(|_, checked| {
        let before = errors.len();
        for (number, (signal, prepared)) in checked.rule.signals.iter().zip(&checked.signals).enumerate() {
            let Some(source) = &signal.pattern else { continue };
            if let Err(error) = compile(source, prepared.unicode) {
                let problem = match error {
                    regex::Error::CompiledTooBig(_) => Problem::PatternTooLarge,
                    other => Problem::BadPattern(other.to_string()),
                };
                let path = [Step::Key("signal"), Step::Index(number), Step::Key("pattern")];
                errors.push(checked.file.error(&path, problem));
            }
        }
        errors.len() == before
    });
}
