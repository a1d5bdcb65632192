//! Tests of the room as a whole: files in, hits out.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::record::{Level, Marks, Record};
use crate::rules::model::{Effect, Rule, Strength};
use crate::rules::{Hit, RuleError, RuleSet, check};

/// Writes files and loads them without the built-in rules.
fn load(files: &[(&str, &str)]) -> (RuleSet, Vec<String>) {
    let dir = folder(files);
    let (rules, errors) = RuleSet::from_dir(dir.path());
    (rules, errors.iter().map(|error| shown(error, &dir)).collect())
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// The message with paths below the folder.
fn shown(error: &RuleError, dir: &TempDir) -> String {
    let base = format!("{}/", dir.path().display()).replace('\\', "/");
    error.to_string().replace(&base, "")
}

/// A whole rule file around some signals.
fn rule(id: &str, class: &str, head: &str, signals: &str) -> String {
    format!(
        "id = \"{id}\"\nclass = \"{class}\"\nsubclass = \"refused\"\ntitle = \"t\"\n{head}\n{signals}\n\
         [[sample]]\nlog = \"s\"\n[[counter_sample]]\nlog = \"c\"\n"
    )
}

fn pattern(strength: &str, pattern: &str) -> String {
    format!("[[signal]]\nstrength = \"{strength}\"\npattern = '''{pattern}'''\n")
}

fn hits(rules: &RuleSet, record: &Record) -> Vec<Hit> {
    let mut hits = Vec::new();
    rules.match_record(record, &record.text(), "vercel-drain/next-error", &mut hits);
    hits
}

fn ids(rules: &RuleSet, record: &Record) -> Vec<String> {
    hits(rules, record).iter().map(|hit| rules.by_index(hit.rule).unwrap().id.clone()).collect()
}

fn message(text: &str) -> Record {
    Record { message: text.to_owned(), ..Record::default() }
}

/// Built-in rules compile at first use when the program runs; here all of them are compiled.
#[test]
fn embedded_patterns_compile() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("rules");
    let (rules, errors) = RuleSet::from_dir(&dir);
    assert!(errors.is_empty(), "{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    assert_eq!(rules.hash(), RuleSet::embedded().unwrap().hash());
}

#[test]
fn embedded_rules_are_their_files_and_quick_ones_lack_samples_only() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("rules");
    let (files, _) = RuleSet::from_dir(&dir);
    let embedded = RuleSet::embedded().unwrap();
    let quick = RuleSet::load_without_samples(&[]).unwrap();
    assert_eq!((quick.rules().len(), quick.hash()), (files.rules().len(), files.hash()));
    for (index, rule) in (0u16..).zip(files.rules()) {
        assert_eq!(embedded.by_index(index), Some(rule));
        let bare = Rule { samples: Vec::new(), counter_samples: Vec::new(), ..rule.clone() };
        assert_eq!(quick.by_index(index), Some(&bare));
        let text = |rules: &RuleSet| rules.rule_file(index).map(|file| file.text.clone());
        assert_eq!(text(&embedded), text(&files), "{}: faults are named by line", rule.id);
        assert_eq!(text(&quick).as_deref(), Some(""));
        assert!(embedded.is_built_in(index) && quick.is_built_in(index) && !files.is_built_in(index));
    }
}

#[test]
fn hits_come_in_order_with_clean_captures() {
    let (rules, errors) = load(&[
        (
            "b.toml",
            &rule("b", "connectivity", "", &pattern("strong", "(?i:HOST) (?P<host>[^,]*), end (?P<x>z?)")),
        ),
        ("runtime/a.toml", &rule("a", "runtime", "", &pattern("definitive", "^second line$"))),
    ]);
    assert_eq!(errors, Vec::<String>::new());
    let text = format!("hOsT \u{1b} db\u{7}.example.com{} , end \r\nsecond line\r\nmore", "x".repeat(300));
    let found = hits(&rules, &message(&text));
    assert_eq!(found.len(), 2);
    assert_eq!(rules.by_index(found[0].rule).unwrap().id, "a");
    assert_eq!(text.get(found[0].start..found[0].end), Some("second line"));
    assert_eq!((found[0].strength, found[0].effect), (Strength::Definitive, Effect::Supports));
    let [(name, value)] = found[1].captures.as_slice() else { panic!("{:?}", found[1].captures) };
    assert_eq!(name, "host");
    assert!(value.starts_with("db.example.comxxx") && value.len() == 200);
}

#[test]
fn numbered_groups_are_places_of_one_capture() {
    let words =
        "no (?P<host>[a-z]+) here|gone: (?P<host_2>[a-z]+)(?: by (?P<host_10>[a-z]+))?|(?P<_3>lone) one";
    let (rules, errors) =
        load(&[("a.toml", &rule("a", "runtime", "subject = ['host']", &pattern("strong", words)))]);
    assert_eq!(errors, Vec::<String>::new());
    let captured = |text: &str| hits(&rules, &message(text)).remove(0).captures;
    assert_eq!(captured("no db here"), [("host".to_owned(), "db".to_owned())]);
    assert_eq!(captured("gone: db by cache"), [("host".to_owned(), "db".to_owned())]);
    assert_eq!(captured("lone one"), [("_3".to_owned(), "lone".to_owned())]);
}

#[test]
fn characters_beyond_ascii_stay_whole() {
    let (rules, errors) = load(&[
        ("a.toml", &rule("a", "runtime", "", &pattern("strong", "[^x]{1,2}⨯ error (?P<file>[^'\\n]{1,5})"))),
        ("b.toml", &rule("b", "runtime", "", &pattern("strong", "[“\"]quoted"))),
    ]);
    assert_eq!(errors, Vec::<String>::new());
    let text = "äöü⨯ error äöü “quoted";
    let found = hits(&rules, &message(text));
    assert_eq!(found.len(), 2);
    assert_eq!(text.get(found[0].start..found[0].end), Some("ü⨯ error äöü"));
    assert_eq!(found[0].captures, [("file".to_owned(), "äö".to_owned())]);
    assert_eq!(text.get(found[1].start..found[1].end), Some("“quoted"));
}

#[test]
fn line_decoys_mask_their_line_and_record_decoys_all() {
    let decoy = |scope: &str| {
        rule("d", "decoy", &format!("scope = \"{scope}\""), "[[signal]]\npattern = '''handled retry'''\n")
    };
    let signals = pattern("strong", "refused by (?P<host>[a-z]+)")
        + "[[signal]]\nstrength = \"suggestive\"\nwhere = [{ field = \"status\", at_least = 500 }]\n";
    let cause = rule("cause", "connectivity", "subject = [\"host\"]", &signals);

    let (rules, errors) = load(&[("d.toml", &decoy("line")), ("cause.toml", &cause)]);
    assert_eq!(errors, Vec::<String>::new());
    let both = message("refused by alpha (handled retry)\nrefused by beta");
    assert_eq!(hits(&rules, &both)[0].captures, [("host".to_owned(), "beta".to_owned())]);
    assert!(hits(&rules, &message("ü refused by alpha, handled retry ü")).is_empty());
    let with_status = Record { status: Some(500), ..message("refused by alpha, handled retry") };
    let found = hits(&rules, &with_status);
    assert_eq!((found.len(), found[0].signal, found[0].end), (1, 1, 0));

    let (rules, _) = load(&[("d.toml", &decoy("record")), ("cause.toml", &cause)]);
    assert!(hits(&rules, &Record { status: Some(500), ..both }).is_empty());
    assert_eq!(rules.decoys_in(&with_status, &with_status.text(), ""), ["d"]);
}

#[test]
fn many_masked_lines_end_the_search() {
    let (rules, _) = load(&[
        ("d.toml", &rule("d", "decoy", "", "[[signal]]\npattern = 'handled'\n")),
        ("a.toml", &rule("a", "runtime", "", &pattern("strong", "refused"))),
    ]);
    assert!(hits(&rules, &message(&"refused handled\n".repeat(10_000))).is_empty());
}

#[test]
fn conditions_read_the_fields_of_the_record() {
    let record = Record {
        status: Some(504),
        level: Some(Level::Error),
        runtime: Some("edge".to_owned()),
        environment: Some("production".to_owned()),
        method: Some("GET".to_owned()),
        path: Some("/api/orders".to_owned()),
        error_class: Some("TypeError".to_owned()),
        error_codes: vec!["P1001".to_owned(), "ECONNREFUSED".to_owned()],
        marks: Marks::TIMEOUT | Marks::END,
        duration_ms: Some(300_000.0),
        memory_used_mb: Some(127.0),
        memory_limit_mb: Some(128.0),
        fields: vec![("pool.waiting".to_owned(), "12".to_owned()), ("flag".to_owned(), "true".to_owned())],
        ..Record::default()
    };
    let holds = |condition: &str| {
        let signal = format!("[[signal]]\nstrength = \"strong\"\nwhere = [{condition}]\n");
        let (rules, errors) = load(&[("a.toml", &rule("a", "runtime", "", &signal))]);
        assert_eq!(errors, Vec::<String>::new(), "{condition}");
        !hits(&rules, &record).is_empty()
    };
    for condition in [
        "{ field = 'status', is = 504 }",
        "{ field = 'status', any = [502, 504] }",
        "{ field = 'level', is = 'error' }",
        "{ field = 'runtime', is = 'edge' }, { field = 'environment', is = 'production' }",
        "{ field = 'method', any = ['GET', 'HEAD'] }",
        "{ field = 'route', is = '/api/orders' }",
        "{ field = 'error_class', is = 'TypeError' }",
        "{ field = 'error_code', is = 'P1001' }",
        "{ field = 'format', is = 'next-error' }",
        "{ field = 'format', is = 'vercel-drain/next-error' }",
        "{ field = 'mark', is = 'timeout' }",
        "{ field = 'duration_ms', at_least = 300000 }",
        "{ field = 'memory_ratio', at_least = 0.98, at_most = 1.1 }",
        "{ field = 'pool.waiting', at_least = 1 }",
        "{ field = 'pool.waiting', is = 12 }",
        "{ field = 'flag', is = true }",
        "{ field = 'flag', present = true }, { field = 'other', present = false }",
    ] {
        assert!(holds(condition), "{condition}");
    }
    for condition in [
        "{ field = 'status', is = 500 }",
        "{ field = 'status', at_most = 499 }",
        "{ field = 'mark', is = 'crash' }",
        "{ field = 'mark', present = false }",
        "{ field = 'memory_ratio', at_most = 0.5 }",
        "{ field = 'pool.idle', at_most = 3 }",
        "{ field = 'runtime', is = 'edge' }, { field = 'environment', is = 'preview' }",
    ] {
        assert!(!holds(condition), "{condition}");
    }
}

#[test]
fn faults_name_file_line_key_and_cure() {
    let cases: &[(&str, String, &str)] = &[
        ("a.toml", "id = \n".into(), "a.toml:1: "),
        (
            "a.toml",
            rule("a", "runtime", "symptoms = true", ""),
            "a.toml:5: symptoms: unknown key `symptoms`\n  cure: did you mean `symptom`? valid here: symptom, ",
        ),
        (
            "a.toml",
            rule("a", "runtime", "", "[[signal]]\nstrength = 'strong'\npatern = 'x'\n"),
            "a.toml:8: patern: unknown key `patern`\n  cure: did you mean `pattern`?",
        ),
        (
            "a.toml",
            "id = 'a'\nclass = 'env'\n".into(),
            "title: the key `title` is missing\n  cure: add `title",
        ),
        (
            "b.toml",
            rule("a", "runtime", "", &pattern("strong", "text")),
            "b.toml:1: id: id is `a`, but the file is named `b.toml`\n  cure: rename the file to `a.toml`",
        ),
        (
            "env/a.toml",
            rule("a", "runtime", "", &pattern("strong", "text")),
            "env/a.toml:2: class: class is `runtime`, but the file lies in folder `env`\n  cure: move",
        ),
        (
            "a.toml",
            rule("a", "connectivity", "", &pattern("strong", "text")).replace("refused", "tls"),
            "a.toml:3: subclass: `tls` is no subclass of connectivity\n  cure: choose one of ssl, ",
        ),
        (
            "a.toml",
            rule("a", "runtime", "", &(pattern("strong", "text") + &pattern("strong", "fine|\\d+ms"))),
            "a.toml:11: signal[2].pattern: the pattern, or one of its alternatives, can match without any fixed text",
        ),
        (
            "a.toml",
            rule("a", "runtime", "", &pattern("strong", "text (?=x)")),
            "a.toml:8: signal[1].pattern: the pattern is no regular expression: look-around",
        ),
        (
            "a.toml",
            rule("a", "runtime", "", &pattern("strong", "text(?:\\w{1,1000}-){1,1000}")),
            "a.toml:8: signal[1].pattern: the compiled pattern is too large\n  cure: shorten",
        ),
        (
            "a.toml",
            rule("a", "runtime", "subject = ['host']", &pattern("strong", "text")),
            "a.toml:5: subject[1]: `host` is not captured by any signal\n  cure: name a group (?P<host>…)",
        ),
        (
            "a.toml",
            rule("a", "runtime", "yields_to = ['zz']", &pattern("strong", "text")),
            "a.toml:5: yields_to[1]: there is no rule `zz`",
        ),
        (
            "a.toml",
            rule("a", "runtime", "yields_to = ['a']", &pattern("strong", "text")),
            "a.toml:5: yields_to: the rule yields to itself",
        ),
        (
            "a.toml",
            rule("a", "runtime", "", ""),
            "a.toml:1: signal: the rule has no signal that speaks for it\n  cure: add",
        ),
        (
            "a.toml",
            rule("a", "runtime", "", "[[signal]]\npattern = 'text'\n"),
            "a.toml:6: signal[1]: the signal has no strength\n  cure: add strength",
        ),
        (
            "a.toml",
            rule("a", "runtime", "", "[[signal]]\nstrength = 'strong'\n"),
            "a.toml:6: signal[1]: the signal has neither a pattern nor a condition",
        ),
        (
            "a.toml",
            rule(
                "a",
                "runtime",
                "",
                "[[signal]]\nstrength = 'strong'\nwhere = [{ field = 'mark', is = 'oom' }]\n",
            ),
            "a.toml:8: signal[1].where[1]: there is no mark `oom`; marks are crash, ",
        ),
        (
            "a.toml",
            rule("a", "runtime", "", &pattern("strong", "text")).replace("[[sample]]", "[[counter_sample]]"),
            "a.toml:1: sample: the rule has no sample\n  cure: add a [[sample]]",
        ),
        (
            "a.toml",
            rule("a", "runtime", "", &pattern("strong", "text")).replace("[[counter_sample]]", "[[sample]]"),
            "a.toml:1: counter_sample: the rule has no counter-sample\n  cure: add a [[counter_sample]]",
        ),
        (
            "a.toml",
            rule("a", "unclassified", "", &pattern("strong", "text")),
            "a.toml:2: class: `unclassified` is ",
        ),
    ];
    for (name, text, wanted) in cases {
        let (_, errors) = load(&[(name, text)]);
        assert!(errors.iter().any(|error| error.contains(wanted)), "wanted {wanted}\ngot {errors:#?}");
    }
}

#[test]
fn a_faulty_key_does_not_hide_that_samples_are_missing() {
    let text = "id = 'a'\nclass = 'env'\ntitel = 't'\n[[sample]]\nlog = 's'\n";
    let (_, errors) = load(&[("a.toml", text)]);
    let [key, samples] = errors.as_slice() else { panic!("{errors:#?}") };
    assert!(key.starts_with("a.toml:3: titel: unknown key"), "{key}");
    assert!(
        samples.starts_with("a.toml:1: counter_sample: the rule has no counter-sample\n  cure: "),
        "{samples}"
    );
}

#[test]
fn user_rules_add_and_override() {
    let built_in = RuleSet::embedded().unwrap();
    let replaced = built_in.rules()[0].id.clone();
    let dir = folder(&[
        (&format!("{replaced}.toml"), &rule(&replaced, "runtime", "", &pattern("strong", "own zzz text"))),
        ("notes.md", "not a rule"),
        ("team/own-new.toml", &rule("own-new", "route", "", &pattern("strong", "new zzz text"))),
    ]);
    let rules = RuleSet::load(&[dir.path().to_owned()]).unwrap();
    assert_eq!(rules.rules().len(), built_in.rules().len() + 1);
    assert_eq!(rules.get(&replaced).unwrap().title, "t");
    assert_eq!(ids(&rules, &message("own zzz text, new zzz text")), [replaced.as_str(), "own-new"]);
    assert_ne!(rules.hash(), built_in.hash());
    assert_eq!(rules.hash().len(), 16);

    let missing = RuleSet::load(&[dir.path().join("none")]).unwrap_err();
    assert!(missing.to_string().contains("cannot be read"), "{missing}");
}

#[test]
fn a_bad_file_does_not_hide_the_others() {
    let (rules, errors) = load(&[
        ("a.toml", "id ="),
        ("b.toml", "what"),
        ("c.toml", &rule("c", "route", "", &pattern("strong", "text"))),
        ("env/c.toml", &rule("c", "env", "", &pattern("strong", "text"))),
    ]);
    assert_eq!((rules.rules().len(), errors.len()), (1, 3), "{errors:#?}");
    assert!(errors[2].contains("env/c.toml:1: id: id `c` is also that of c.toml"), "{}", errors[2]);
}

#[test]
fn failing_samples_teach() {
    let file = r#"
id = "a"
class = "route"
title = "t"
[[signal]]
strength = "strong"
pattern = '''bad (?P<module>[a-z]+)'''
[[sample]]
log = "Bad thing"
[[sample]]
log = "bad thing"
captures = { module = "other" }
[[sample]]
log = "bad thing"
won_by = "b"
[[counter_sample]]
log = "not so bad thing"
"#;
    let other = rule("b", "route", "", &pattern("strong", "better"));
    let (rules, errors) = load(&[("a.toml", file), ("b.toml", &other)]);
    assert_eq!(errors, Vec::<String>::new());
    let failures = check::test(&rules, &|_| Some("a".to_owned()));
    let shown: Vec<String> = failures.iter().map(ToString::to_string).collect();
    let all = shown.join("\n");
    for wanted in [
        "a.toml: sample 1: Bad thing\n  expected: a matches\n  got:      it does not; no rule matches",
        "expected: module = \"other\"\n  got:      module = \"thing\"",
        "expected: b wins\n  got:      a wins; matched: a (signal 1, strong)",
        "a.toml: counter_sample 1: not so bad thing\n  expected: a does not match\n  got:      signal 1 matches \"bad thing\"",
    ] {
        assert!(all.contains(wanted), "{wanted}\nnot in\n{all}");
    }
}

#[test]
fn values_of_the_wrong_kind_name_their_key_and_the_cure() {
    let sound = rule("a", "route", "", &pattern("strong", "some words"));
    let cases = [
        (
            "class = \"route\"",
            "class = \"rout\"",
            "a.toml:2: class: `rout` is none of its values\n  cure: did you mean `route`?",
        ),
        (
            "\"strong\"",
            "\"strongg\"",
            "signal[1].strength: `strongg` is none of its values\n  cure: did you mean `strong`?",
        ),
        (
            "log = \"s\"",
            "log = 3",
            "sample[1].log: invalid type: integer `3`, expected a string\n  cure: put it in quotes",
        ),
        (
            "title = \"t\"",
            "title = \"t\"\nyields_to = \"b\"",
            "a.toml:5: yields_to: invalid type: string \"b\", expected a sequence\n  cure: put it in brackets",
        ),
        (
            "title = \"t\"",
            "title = \"t\"\nsymptom = \"yes\"",
            "a.toml:5: symptom: invalid type: string \"yes\", expected a boolean\n  cure: write true or false",
        ),
    ];
    for (from, to, wanted) in cases {
        let (_, errors) = load(&[("a.toml", &sound.replace(from, to))]);
        let [error] = errors.as_slice() else { panic!("{to}: {errors:#?}") };
        assert!(error.contains(wanted), "{wanted}\nnot in\n{error}");
    }
}
