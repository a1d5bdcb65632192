use super::*;
use crate::record::Record;

/// A rule in which nothing is refused.
const GOOD: &str = r#"id = "queue-full"
class = "connectivity"
subclass = "limit"
title = "Queue is full"
meaning = "The queue takes no more."
subject = ["queue"]
fix = "Drain {queue} on {host}."
prevention = "Watch its length."
references = ["https://example.com/queue"]

[[signal]]
strength = "definitive"
pattern = '''queue (?P<queue>\w+) on (?P<host>\S+) is full'''

[[signal]]
effect = "recovers"
pattern = '''queue \w+ drained'''

[[sample]]
log = "Error: queue orders on mq.example.com is full"
captures = { queue = "orders" }

[[counter_sample]]
log = "queue orders drained"
"#;

/// What is refused in a rule, without folders; the rule of that id wins everything that says `is full`.
fn refused(text: &str, winner: &str) -> Vec<String> {
    let dir = tempfile::TempDir::new().unwrap();
    std::fs::write(dir.path().join("queue-full.toml"), text).unwrap();
    let (rules, errors) = RuleSet::from_dir(dir.path());
    assert!(errors.is_empty(), "{errors:?}");
    let won = |record: &Record| record.message.contains("is full").then(|| winner.to_owned());
    let base = format!("{}/", dir.path().display()).replace('\\', "/");
    lint(&rules, Which::Own, &won).iter().map(|fault| fault.to_string().replace(&base, "")).collect()
}

#[test]
fn a_good_rule_passes() {
    assert_eq!(refused(GOOD, "queue-full"), Vec::<String>::new());
}

#[test]
fn numbered_groups_are_used_where_their_name_is() {
    let more = GOOD.replace(" is full'''", r" is full|lane (?P<queue_2>\w+) is full'''");
    assert_ne!(more, GOOD);
    assert_eq!(refused(&more, "queue-full"), Vec::<String>::new());
}

#[test]
fn a_counter_sample_of_a_decoy_that_it_matches_is_refused() {
    let decoy = "id = 'queue-full'\nclass = 'decoy'\ntitle = 't'\nmeaning = 'm'\n[[signal]]\npattern = 'queue is'\n\
                 [[sample]]\nlog = 'queue is full'\n[[counter_sample]]\nlog = 'this queue is not'\n";
    let found = refused(decoy, "queue-full");
    let [fault] = found.as_slice() else { panic!("{found:#?}") };
    assert!(
        fault.starts_with("queue-full.toml:9: counter_sample[1]: signal 1 of the rule matches"),
        "{fault}"
    );
}

#[test]
fn every_refusal_names_file_line_key_and_cure() {
    let decoy = "id = 'queue-full'\nclass = 'decoy'\ntitle = 't'\n[[signal]]\npattern = '(?P<host>queue) is'\n\
                 [[sample]]\nlog = 'queue is full'\n[[counter_sample]]\nlog = 'c'\n";
    let cases: [(&str, &str, &[&str]); 20] = [
        (
            " is full",
            " is full.*",
            &["queue-full.toml:13: signal[1].pattern: a repetition in the pattern takes any"],
        ),
        (
            " on (",
            r" on[\s\S]*(",
            &["queue-full.toml:13: signal[1].pattern: a repetition in the pattern runs over"],
        ),
        (
            r"(?P<host>\S+)",
            r"(?P<machine>\S+)",
            &[
                "toml:7: fix: `{host}` is captured by no signal",
                "toml:13: signal[1].pattern: the capture `machine` is never used",
            ],
        ),
        (
            r"queue \w+ drained",
            r"queue (?P<queue>\w+) drained",
            &["toml:17: signal[2].pattern: the capture `queue` is never used"],
        ),
        ("queue orders drained", "queue", &["toml:15: signal[2]: no sample fires the signal"]),
        (
            "[[sample]]",
            "[[signal]]\nstrength = \"strong\"\npattern = 'queue gone'\n\n[[sample]]",
            &["toml:19: signal[3]: no sample fires"],
        ),
        ("fix = \"Drain {queue} on {host}.\"\n", "", &["toml:1: fix: `fix` is missing or empty"]),
        ("\"Watch its length.\"", "\" \"", &["toml:8: prevention: `prevention` is missing or empty"]),
        ("\"The queue takes no more.\"", "\"\"", &["toml:5: meaning: `meaning` is missing or empty"]),
        ("\"Queue is full\"", "\"\"", &["toml:4: title: `title` is missing or empty"]),
        (
            "class = \"connectivity\"\nsubclass = \"limit\"",
            "class = \"route\"",
            &["toml:1: subclass: `subclass` is missing or empty"],
        ),
        ("\"https://example.com/queue\"", "", &["toml:9: references: `references` is missing or empty"]),
        (
            "https://example.com",
            "http://example.com",
            &["toml:9: references[1]: `http://example.com/queue` is not an https URL"],
        ),
        ("https://example.com", "https:// example.com", &["is not an https URL"]),
        (
            "Drain {queue}",
            "Drain {queu}",
            &[
                "toml:7: fix: `{queu}` is captured by no signal that supports the cause\n  cure: did you mean `{queue}`?",
            ],
        ),
        (
            "\"Watch its length.\"",
            "\"Watch {length_max}.\"",
            &["toml:8: prevention: `{length_max}` is captured by no signal"],
        ),
        (
            "[[counter_sample]]",
            "[[sample]]\nlog = \"Error: queue orders on mq.example.com is full\"\n\n[[counter_sample]]",
            &["toml:23: sample[2]: the same as `sample[1]`"],
        ),
        (
            "log = \"queue orders drained\"",
            "log = \"Error: queue orders on mq.example.com is full\"",
            &[
                "toml:15: signal[2]: no sample fires",
                "toml:23: counter_sample[1]: signal 1 of the rule matches this counter-sample",
                "toml:23: counter_sample[1]: the same as `sample[1]`",
            ],
        ),
        (
            "Drain {queue}",
            "Drain {queue_2}",
            &[
                "toml:7: fix: `{queue_2}` is captured by no signal that supports the cause\n  cure: did you mean `{queue}`?",
            ],
        ),
        (
            GOOD,
            decoy,
            &[
                "toml:1: meaning: `meaning` is missing",
                "toml:5: signal[1].pattern: the capture `host` is never used",
            ],
        ),
    ];
    for (from, to, wanted) in cases {
        let found = refused(&GOOD.replace(from, to), "queue-full");
        assert_eq!(found.len(), wanted.len(), "{to}: {found:#?}");
        for (fault, wanted) in found.iter().zip(wanted) {
            assert!(fault.contains(wanted), "{wanted}\nnot in\n{fault}");
            assert!(fault.contains("\n  cure: "), "{fault}");
        }
    }
}

#[test]
fn a_sample_that_another_rule_wins_says_so() {
    let found = refused(GOOD, "queue-down");
    let [fault] = found.as_slice() else { panic!("{found:#?}") };
    assert!(fault.starts_with("queue-full.toml:19: sample[1]: `queue-down` wins this sample\n"), "{fault}");
    assert!(fault.contains("won_by = \"queue-down\""), "{fault}");
    let said = GOOD.replace("captures = ", "won_by = \"queue-down\"\ncaptures = ");
    assert_eq!(refused(&said, "queue-down"), Vec::<String>::new());
    // A rule of the user that took the sample from the one that `won_by` names.
    let taken = refused(&said, "own-rule").join("\n");
    assert!(taken.contains("sample[1]: `own-rule` wins this sample, not `queue-down`\n  cure: "), "{taken}");
    let unmatched = GOOD.replace("is full\"", "is nearly full\"");
    let found = refused(
        &unmatched.replace("is nearly full\"\ncaptures = { queue = \"orders\" }", "went\""),
        "queue-full",
    );
    assert!(
        found.iter().any(|fault| fault.contains("sample[1]: no rule wins this sample\n  cure: ")),
        "{found:#?}"
    );
}

#[test]
fn the_names_of_context_are_those_of_the_documentation() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md");
    let page = std::fs::read_to_string(path).unwrap();
    let list =
        page.split("`key = value` lines of the report: ").nth(1).and_then(|rest| rest.split('.').next());
    let names: Vec<&str> = list.expect("the list").split('`').skip(1).step_by(2).collect();
    assert_eq!(names, CONTEXT_CAPTURES);
}
