//! `rules lint`, `rules coverage`, and the list of causes as Markdown.

use super::own_rules::OWN;
use super::support::Dir;

#[test]
fn lint_passes_the_built_in_rules_and_good_own_ones() {
    let dir = Dir::new();
    dir.run(&["rules", "lint"]).exits(0).shows(" rules linted: 0 refused");
    dir.file("mine/connectivity/billing-down.toml", OWN);
    dir.run(&["rules", "lint", "--rules", "mine"]).exits(0).shows("1 rules of your own linted: 0 refused");
}

/// What is changed in the good rule, and the line, key and fault that must be named, with a word of the cure.
#[test]
fn each_refusal_names_file_line_key_and_cure() {
    let cases: [(&str, &str, usize, &str, &str, &str); 12] = [
        ("DOWN from (", "DOWN.* from (", 0, "", "", ""),
        (
            "[a-z]+)'''",
            "[a-z]+).*'''",
            15,
            "signal[1].pattern",
            "fixed text does not stand on both",
            "[^\\n]{1,200}",
        ),
        ("DOWN from (", "DOWN[\\s\\S]*(", 15, "signal[1].pattern", "any number of lines", "{0,1000}"),
        ("from (", "from (?P<verb>the )?(", 15, "signal[1].pattern", "`verb` is never used", "in `subject`"),
        (
            "[[sample]]",
            "[[signal]]\nstrength = \"strong\"\npattern = 'billing gone'\n[[sample]]",
            17,
            "signal[2]",
            "no sample fires the signal",
            "add a [[sample]]",
        ),
        (
            "[[sample]]",
            "[[signal]]\neffect = \"recovers\"\npattern = 'billing came back'\n[[sample]]",
            17,
            "signal[2]",
            "no sample fires the signal",
            "[[counter_sample]]",
        ),
        (
            "fix = \"Look at the state of {service}.\"\n",
            "",
            2,
            "fix",
            "`fix` is missing or empty",
            "add fix = ",
        ),
        (
            "references = [\"https://example.com/billing\"]",
            "references = []",
            11,
            "references",
            "missing or empty",
            "primary documentation",
        ),
        ("\"https://", "\"http://", 11, "references[1]", "is not an https URL", "https://"),
        (
            "[[counter_sample]]",
            "[[sample]]\nlog = \"Error: billing replied DOWN from payments\"\n[[counter_sample]]",
            21,
            "sample[2]",
            "the same as `sample[1]`",
            "remove one",
        ),
        (
            "from payments\"",
            "from payments. Missing required environment variable: STRIPE_KEY\"",
            17,
            "sample[1]",
            "`missing-variable` wins this sample",
            "won_by = \"missing-variable\"",
        ),
        ("title = \"Billing is down\"", "title = \"\"", 5, "title", "missing or empty", "add title = "),
    ];
    for (from, to, line, key, fault, cure) in cases {
        let dir = Dir::new();
        dir.file("mine/connectivity/billing-down.toml", OWN.replace(from, to));
        let ran = dir.run(&["rules", "lint", "--rules", "mine"]);
        if line == 0 {
            ran.exits(0);
            continue;
        }
        let ran = ran
            .exits(4)
            .shows(&format!("mine/connectivity/billing-down.toml:{line}: {key}: "))
            .shows(fault)
            .shows("1 refused");
        let said = ran.stdout.lines().find(|line| line.starts_with("  cure: ")).unwrap_or_default();
        assert!(said.contains(cure), "no `{cure}` in {ran:#?}");
    }
}

#[test]
fn a_pattern_without_a_literal_does_not_load() {
    let dir = Dir::new();
    let text = OWN.replace("billing replied DOWN from ", "");
    dir.file("mine/connectivity/billing-down.toml", text);
    dir.run(&["rules", "lint", "--rules", "mine"])
        .exits(4)
        .says("mine/connectivity/billing-down.toml:15: signal[1].pattern: ")
        .says("fixed text of 4 bytes")
        .says("cure: ");
}

#[test]
fn a_built_in_sample_that_an_own_rule_takes_away_is_refused() {
    let dir = Dir::new();
    let greedy = OWN.replace(
        "[[sample]]",
        "[[signal]]\nstrength = \"definitive\"\npattern = '''environment variable'''\n\n\
         [[sample]]\nlog = \"billing: environment variable\"\n\n[[sample]]",
    );
    let greedy = greedy.replace(
        "class = \"connectivity\"\nsubclass = \"upstream\"",
        "class = \"runtime\"\nsubclass = \"module\"",
    );
    dir.file("mine/billing-down.toml", greedy);
    let ran = dir
        .run(&["rules", "lint", "--rules", "mine"])
        .exits(4)
        .shows("env/missing-variable.toml:")
        .shows("`billing-down` wins this sample");
    assert!(!ran.stdout.contains("mine/billing-down.toml"), "{ran:#?}");
    let place = ran.stdout.split("env/missing-variable.toml:").nth(1).unwrap_or_default();
    assert!(place.starts_with(|c: char| c.is_ascii_digit()), "a built-in rule has no line: {ran:#?}");
}

#[test]
fn coverage_counts_signals_and_samples() {
    let dir = Dir::new();
    let half = OWN
        .replace("[[sample]]", "[[signal]]\nstrength = \"strong\"\npattern = 'billing gone'\n\n[[sample]]");
    dir.file("mine/connectivity/billing-down.toml", half);
    let ran = dir.run(&["rules", "coverage", "--rules", "mine"]).exits(0).shows("counter-samples");
    let words = |start: &str| -> Vec<String> {
        let line = ran.stdout.lines().find(|line| line.starts_with(start)).expect("the line");
        line.split_whitespace().map(str::to_owned).collect()
    };
    let own = words("billing-down ");
    assert_eq!(own, ["billing-down", "2", "1", "1", "1", "not", "fired:", "signal", "2"]);
    let number = |line: &[String], at: usize| line[at].parse::<usize>().expect("a number");
    let all = words("all ");
    for at in 1..=5 {
        let classes = ["runtime", "env", "connectivity", "platform", "route", "decoy"];
        let sum: usize = classes.iter().map(|class| number(&words(&format!("{class:12} ")), at)).sum();
        assert_eq!(sum, number(&all, at), "{}", ran.stdout);
    }
    assert_eq!(number(&all, 2), number(&all, 3) + 1, "one signal of all is not fired");
}

#[test]
fn the_list_in_markdown_has_own_rules_at_their_place() {
    let dir = Dir::new();
    dir.file("mine/connectivity/billing-down.toml", OWN);
    let ran = dir
        .run(&["rules", "list", "--format", "markdown", "--rules", "mine"])
        .exits(0)
        .shows("\n#### Billing is down\n\n`billing-down`\n\nThe billing service says that it is down.\n\n**Fix:** Look at the state of {service}.\n\n- <https://example.com/billing>\n");
    let at = |text: &str| ran.stdout.find(text).unwrap_or_else(|| panic!("no {text}"));
    let order = [
        "\n## runtime\n",
        "\n## env\n",
        "\n## connectivity\n",
        "\n### connectivity/upstream\n",
        "`billing-down`",
        "\n## platform\n",
        "\n## route\n",
    ];
    assert!(order.is_sorted_by_key(|text| at(text)));
    assert!(!ran.stdout.contains("npm-notice"), "a decoy is no cause");
    dir.run(&["rules", "list", "--format", "xml"]).exits(2).says("markdown");
}

#[test]
fn the_page_of_causes_is_up_to_date() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/causes.md")).expect("docs/causes.md");
    let ran = Dir::new().run(&["rules", "list", "--format", "markdown"]).exits(0);
    let differs = page.lines().zip(ran.stdout.lines()).position(|(old, new)| old != new);
    assert!(
        page == ran.stdout,
        "docs/causes.md is stale (line {}); renew it: cargo run -- rules list --format markdown > docs/causes.md",
        differs.map_or(0, |at| at + 1)
    );
}
