//! Refuses rules that load and yet would not be good: patterns that run over text they say nothing about, signals that
//! no sample proves, texts that are missing. Whether the samples do what their files say is for `check.rs`.

use crate::record::Record;
use crate::rules::anchors::{Run, unanchored};
use crate::rules::check::{record_of, supporting_signal};
use crate::rules::coverage;
use crate::rules::error::{Problem, RuleError, nearest};
use crate::rules::load::RuleSet;
use crate::rules::model::{Class, Effect, Rule, Sample};
pub use crate::rules::refusal::Refusal;
use crate::rules::signal::{capture_names, parse};
use crate::rules::template;
use crate::rules::validate::{RuleFile, Step};

/// Captures that are of use wherever they stand: facts around a cause (where, how much, which version) that the report
/// shows as `key = value` and that mean the same under every rule. What a cause is *about* (a module, a variable, a
/// column) is none of them: it belongs into the subject or a text. The list of `docs/rules.md`, which a test compares.
pub const CONTEXT_CAPTURES: [&str; 23] = [
    "host",
    "port",
    "database",
    "user",
    "client_ip",
    "url",
    "file",
    "path",
    "code",
    "status",
    "limit",
    "timeout_ms",
    "timeout_s",
    "db_timeout_ms",
    "active_clients",
    "waiting_requests",
    "ssl_required",
    "ssl_config",
    "memory_mb",
    "version",
    "required_version",
    "platform",
    "operation",
];

/// Which rules are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those of the user. A sample of a built-in rule that one of them takes away is refused, too.
    Own,
}

/// What is refused, in the order of the rules and of the lines of their files. `winner` names the rule that explains
/// a record; it is weighed above this room.
pub fn lint(rules: &RuleSet, which: Which, winner: &dyn Fn(&Record) -> Option<String>) -> Vec<RuleError> {
    let mut all = Vec::new();
    for (index, rule) in (0u16..).zip(rules.rules()) {
        let Some(file) = rules.rule_file(index) else { continue };
        let mut faults = Faults { file, faults: Vec::new() };
        faults.lost_samples(rule, winner);
        if which == Which::All || !file.built_in {
            faults.texts(rule);
            faults.patterns(rule);
            faults.silent_signals(rules, index, rule);
            faults.taken_counter_samples(rules, index, rule);
            faults.duplicates(rule);
        }
        faults.faults.sort_by_key(|fault| fault.line);
        all.append(&mut faults.faults);
    }
    all
}

/// The faults of one file.
struct Faults<'a> {
    file: &'a RuleFile,
    faults: Vec<RuleError>,
}

impl Faults<'_> {
    fn add(&mut self, path: &[Step<'_>], refusal: Refusal) {
        self.faults.push(self.file.error(path, Problem::Refused(refusal)));
    }

    fn texts(&mut self, rule: &Rule) {
        let captured = captures_of(rule);
        let mut wanted = vec![("title", &rule.title), ("meaning", &rule.meaning)];
        if rule.class != Class::Decoy {
            wanted.extend([
                ("subclass", &rule.subclass),
                ("fix", &rule.fix),
                ("prevention", &rule.prevention),
            ]);
        }
        for (key, _) in wanted.iter().filter(|(_, text)| text.trim().is_empty()) {
            self.add(&[Step::Key(key)], Refusal::Missing(key));
        }
        if rule.class != Class::Decoy && rule.references.is_empty() {
            self.add(&[Step::Key("references")], Refusal::Missing("references"));
        }
        for (key, text) in [
            ("title", &rule.title),
            ("meaning", &rule.meaning),
            ("fix", &rule.fix),
            ("prevention", &rule.prevention),
        ] {
            for name in template::names(text).filter(|name| !captured.iter().any(|have| have == name)) {
                let nearest = nearest(name, captured.iter().map(String::as_str)).map(str::to_owned);
                self.add(&[Step::Key(key)], Refusal::UnknownPlaceholder { name: name.to_owned(), nearest });
            }
        }
        for (number, url) in rule.references.iter().enumerate().filter(|(_, url)| !is_https(url)) {
            let path = [Step::Key("references"), Step::Index(number)];
            self.add(&path, Refusal::NotHttps(url.clone()));
        }
    }

    fn patterns(&mut self, rule: &Rule) {
        for (number, signal) in rule.signals.iter().enumerate() {
            let path = [Step::Key("signal"), Step::Index(number), Step::Key("pattern")];
            // A pattern that cannot be read does not load.
            let Some((hir, _)) = signal.pattern.as_deref().and_then(|pattern| parse(pattern).ok()) else {
                continue;
            };
            match unanchored(&hir) {
                Some(Run::Lines) => self.add(&path, Refusal::RunsOverLines),
                Some(Run::Open) => self.add(&path, Refusal::OpenRun),
                None => {}
            }
            let supports = signal.effect == Effect::Supports && rule.class != Class::Decoy;
            let mut names = Vec::new();
            capture_names(&hir, &mut names);
            for name in names {
                if !supports {
                    self.add(&path, Refusal::CaptureWithoutSupport(name));
                } else if !is_used(rule, &name) {
                    self.add(&path, Refusal::UnusedCapture(name));
                }
            }
        }
    }

    fn silent_signals(&mut self, rules: &RuleSet, index: u16, rule: &Rule) {
        for number in coverage::of_rule(rules, index, rule).silent {
            let at = number - 1;
            let effect = rule.signals.get(at).map(|signal| signal.effect).unwrap_or_default();
            self.add(&[Step::Key("signal"), Step::Index(at)], Refusal::Silent(effect));
        }
    }

    fn taken_counter_samples(&mut self, rules: &RuleSet, index: u16, rule: &Rule) {
        for (number, sample) in rule.counter_samples.iter().enumerate() {
            if let Some(signal) = supporting_signal(rules, index, rule, &record_of(sample)) {
                let path = [Step::Key("counter_sample"), Step::Index(number)];
                self.add(&path, Refusal::TakenCounterSample(signal));
            }
        }
    }

    fn lost_samples(&mut self, rule: &Rule, winner: &dyn Fn(&Record) -> Option<String>) {
        if rule.class == Class::Decoy {
            return;
        }
        for (number, sample) in rule.samples.iter().enumerate() {
            let wanted = sample.won_by.as_deref().unwrap_or(&rule.id);
            let won = winner(&record_of(sample));
            if won.as_deref() == Some(wanted) {
                continue;
            }
            let refusal = match (won, &sample.won_by) {
                (Some(won), None) => Refusal::LostSample(won),
                (Some(won), Some(wanted)) => Refusal::WonByAnother { won, wanted: wanted.clone() },
                (None, _) => Refusal::NobodyWins,
            };
            self.add(&[Step::Key("sample"), Step::Index(number)], refusal);
        }
    }

    fn duplicates(&mut self, rule: &Rule) {
        let mut seen: Vec<(String, Sample)> = Vec::new();
        for (key, samples) in [("sample", &rule.samples), ("counter_sample", &rule.counter_samples)] {
            for (number, sample) in samples.iter().enumerate() {
                // What a sample expects does not tell it from another one.
                let bare = Sample { captures: Default::default(), won_by: None, ..sample.clone() };
                match seen.iter().find(|(_, other)| *other == bare) {
                    Some((other, _)) => {
                        let refusal = Refusal::DuplicateSample(other.clone());
                        self.add(&[Step::Key(key), Step::Index(number)], refusal);
                    }
                    None => seen.push((format!("{key}[{}]", number + 1), bare)),
                }
            }
        }
    }
}

/// Names that the supporting signals capture.
fn captures_of(rule: &Rule) -> Vec<String> {
    let mut names = Vec::new();
    for signal in rule.signals.iter().filter(|signal| signal.effect == Effect::Supports) {
        if let Some((hir, _)) = signal.pattern.as_deref().and_then(|pattern| parse(pattern).ok()) {
            capture_names(&hir, &mut names);
        }
    }
    names
}

/// Whether the report shows the capture: in a text, in the incident's subject, or under a name that readers look for.
fn is_used(rule: &Rule, name: &str) -> bool {
    let texts = [&rule.title, &rule.meaning, &rule.fix, &rule.prevention];
    CONTEXT_CAPTURES.contains(&name)
        || rule.subject.iter().any(|subject| subject == name)
        || texts.iter().any(|text| template::names(text).any(|used| used == name))
}

fn is_https(url: &str) -> bool {
    url.strip_prefix("https://").is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_alphanumeric()) && !rest.contains(|c: char| c.is_whitespace())
    })
}

#[cfg(test)]
mod tests;
