//! Rules of one's own, and the commands about rules.

use super::support::{Dir, drain};

/// A rule in which nothing is refused.
pub const OWN: &str = r#"
id = "billing-down"
class = "connectivity"
subclass = "upstream"
title = "Billing is down"
meaning = "The billing service says that it is down."
subject = ["service"]
status = "stable"
fix = "Look at the state of {service}."
prevention = "Call it with a time limit."
references = ["https://example.com/billing"]

[[signal]]
strength = "definitive"
pattern = '''billing replied DOWN from (?P<service>[a-z]+)'''

[[sample]]
log = "Error: billing replied DOWN from payments"
captures = { service = "payments" }

[[counter_sample]]
log = "billing replied UP"
"#;

#[test]
fn own_rules_add_to_the_built_in_ones() {
    let dir = Dir::new();
    dir.file("mine/connectivity/billing-down.toml", OWN);
    let log = drain(1, 500, "Error: billing replied DOWN from payments");
    dir.pipe(&["--format", "jsonl"], &log).exits(0).shows("\"cause\":null");
    dir.pipe(&["--format", "jsonl", "--rules", "mine"], &log).exits(0).shows("\"cause\":\"billing-down\"");
    dir.run(&["rules", "list", "--rules", "mine"]).exits(0).shows("billing-down");
    dir.run(&["rules", "--rules", "mine", "show", "billing-down"])
        .exits(0)
        .shows("Look at the state of {service}.");
    let before = dir.pipe(&["--format", "json"], &log).json()["tool"]["ruleset"].clone();
    let after = dir.pipe(&["--format", "json", "--rules", "mine"], &log).json()["tool"]["ruleset"].clone();
    assert_ne!(before, after, "the report tells which rules were in force");
}

#[test]
fn a_rule_with_a_known_id_overrides() {
    let dir = Dir::new();
    dir.file("mine/connectivity/billing-down.toml", OWN);
    dir.file("more/connectivity/billing-down.toml", OWN.replace("Billing is down", "Ask the billing team"));
    let log = drain(1, 500, "Error: billing replied DOWN from payments");
    let ran = dir.pipe(&["--rules", "mine", "--rules", "more"], &log).exits(0).shows("Ask the billing team");
    assert!(!ran.stdout.contains("Billing is down"), "{ran:#?}");
}

#[test]
fn a_bad_rule_names_file_line_key_and_cure() {
    let dir = Dir::new();
    let with = |from: &str, to: &str| OWN.replace(from, to);
    let cases = [
        (with("definitive", "certain"), "certain", Some(14)),
        (with("billing replied DOWN from (", "billing replied DOWN from (("), "pattern", None),
        (
            with("pattern = '''billing replied DOWN from (?P<service>[a-z]+)'''", "pattern = '''.*'''"),
            "can match without any fixed text",
            Some(15),
        ),
        (with("class = \"connectivity\"", "class = \"network\""), "network", Some(3)),
        (with("fix =", "fixx ="), "fixx", Some(9)),
        ("id = ".to_owned(), "billing-down.toml", Some(1)),
        (with("[[counter_sample]]\nlog = \"billing replied UP\"\n", ""), "counter", None),
    ];
    for (text, said, line) in cases {
        dir.file("mine/connectivity/billing-down.toml", &text);
        for args in [&["--rules", "mine"][..], &["rules", "list", "--rules", "mine"]] {
            let ran = dir.run(args).exits(4).says("billing-down.toml").says(said);
            if let Some(line) = line {
                assert!(ran.stderr.contains(&format!("billing-down.toml:{line}")), "{line}: {ran:#?}");
            }
            assert!(ran.stdout.is_empty(), "{ran:#?}");
        }
    }
    dir.run(&["--rules", "nowhere"]).exits(4).says("nowhere");
}

#[test]
fn rules_are_listed_shown_and_tested() {
    let dir = Dir::new();
    dir.run(&["rules", "list"])
        .exits(0)
        .shows("postgres-connection-refused")
        .shows(" causes, ")
        .shows(" decoys");
    dir.run(&["rules", "show", "postgres-connection-refused"])
        .exits(0)
        .shows("PostgreSQL is not listening there");
    dir.run(&["rules", "show", "postgres-refused"]).exits(4).says("no rule is called").says("near it: ");
    dir.run(&["rules", "test"]).exits(0).shows(": 0 failed");
    // A rule whose sample another one wins is found by the test, and that is what was asked.
    dir.file("mine/connectivity/billing-down.toml", OWN.replace("replied UP", "replied DOWN from x"));
    dir.run(&["rules", "test", "--rules", "mine"]).exits(1).shows("billing-down");
}
