use std::borrow::Cow;

use proptest::prelude::*;

use super::own::OwnPattern;
use super::patterns::{PATTERNS, SAMPLES};
use super::printable::{printable, single_line};
use super::{Keep, Redactor, samples};

fn redactor() -> Redactor {
    Redactor::new(b"key of the tests")
}

#[test]
fn every_pattern_compiles() {
    for pattern in PATTERNS {
        let regex =
            regex::Regex::new(pattern.regex).unwrap_or_else(|error| panic!("{}: {error}", pattern.kind));
        assert!(regex.captures_len() > 1, "{} has no group", pattern.kind);
        assert!(!pattern.hints.is_empty(), "{} has no hint", pattern.kind);
    }
}

#[test]
fn secrets_go_and_look_alikes_stay() {
    let failures = samples::test();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    let redactor = redactor();
    for (text, _) in SAMPLES.iter().flat_map(|one| one.secrets) {
        let redacted = redactor.redact(text);
        assert_eq!(redactor.redact(&redacted), redacted, "redacting twice changes nothing");
    }
    // No pattern is near it, so no file has it.
    assert_eq!(redactor.redact("connect ECONNREFUSED ::1:5432"), "connect ECONNREFUSED ::1:5432");
}

#[test]
fn every_sample_is_found_by_its_own_pattern() {
    let unproved = samples::lint();
    assert!(unproved.is_empty(), "\n{}", unproved.join("\n"));
    let ids: std::collections::BTreeSet<&str> = PATTERNS.iter().map(|pattern| pattern.id).collect();
    assert_eq!(ids.len(), PATTERNS.len());
}

#[test]
fn what_surrounds_a_secret_stays() {
    let redacted = redactor().redact("postgres://app:hunter2@db.example.com:5432/shop refused").into_owned();
    assert!(redacted.starts_with("postgres://app:‹url-password:"), "{redacted}");
    assert!(redacted.ends_with("›@db.example.com:5432/shop refused"), "{redacted}");
    let two = redactor().redact("a://u:p1@h,b://v:p2@i").into_owned();
    assert!(two.contains("@h,b://v:") && two.ends_with("@i") && !two.contains("p1"), "{two}");
}

#[test]
fn tokens_are_keyed_and_comparable() {
    let one = redactor().redact("jane@example.com").into_owned();
    assert_eq!(one.len(), "‹email:7f3a90c412de›".len());
    assert_eq!(redactor().redact("mail to jane@example.com!"), format!("mail to {one}!"));
    assert_ne!(Redactor::new(b"another").redact("jane@example.com"), one);
    assert_eq!(Redactor::off().redact("jane@example.com"), "jane@example.com");
}

#[test]
fn the_lists_are_as_long_as_they_should_be() {
    let secrets: usize = SAMPLES.iter().map(|one| one.secrets.len()).sum();
    let look_alikes: usize = SAMPLES.iter().map(|one| one.look_alikes.len()).sum();
    assert!(secrets >= 60 && look_alikes >= 60, "{secrets} {look_alikes}");
}

#[test]
fn what_a_fix_needs_stays() {
    let text = "Client with IP address '203.0.113.7' is not allowed to access the server.";
    assert!(redactor().redact(text).contains("‹ip:"));
    let keep = Keep { addresses: &["203.0.113.7"], id: None };
    assert_eq!(redactor().redact_but(text, keep), text);
    // Only whole addresses are kept, and no other kind.
    let keep = Keep { addresses: &["3.0.113.7", "jane@example.com"], id: None };
    assert!(redactor().redact_but(text, keep).contains("‹ip:"));
    assert!(redactor().redact_but("to jane@example.com", keep).contains("‹email:"));
}

#[test]
fn patterns_of_the_user_hide_more() {
    let own = [r"user_id=(?P<user_id>\d+)", r"acct-[0-9a-f]+", r"tenant (\w+)"].map(OwnPattern::parse);
    let own: Vec<OwnPattern> = own.into_iter().map(|one| one.expect("a pattern")).collect();
    let redactor = redactor().with_own(&own);
    let text = redactor.redact("user_id=4711 of acct-0a1b, tenant blue: jane@example.com").into_owned();
    assert!(text.starts_with("user_id=‹user-id:") && text.contains(" of ‹own:"), "{text}");
    assert!(text.contains("tenant ‹own:") && text.contains("‹email:") && !text.contains("4711"), "{text}");
    assert_eq!(redactor.redact(&text), text, "redacting twice changes nothing");
    let keep = Keep { addresses: &[], id: Some("acct-0a1b") };
    assert_eq!(redactor.redact_but("request acct-0a1b", keep), "request acct-0a1b");
    for wrong in ["(", ".*", "x*", "a{1000}{1000}{1000}"] {
        assert!(OwnPattern::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_plain_text_is_borrowed() {
    assert!(matches!(redactor().redact("GET /api/orders 500 in 12ms"), Cow::Borrowed(_)));
    assert!(matches!(printable("GET /api/orders 500 – ok"), Cow::Borrowed(_)));
}

#[test]
fn hostile_length_takes_linear_time() {
    let redactor = redactor();
    for unit in [
        "-----BEGIN PRIVATE KEY-----",
        "cookie:[\"a cookie:x=y ",
        "a.a@b.",
        "a@b.co,",
        "password",
        "postgres://a:b;",
        "token:{",
    ] {
        redactor.redact(&unit.repeat(2_000_000 / unit.len()));
    }
}

#[test]
fn escapes_and_controls_go() {
    let table = [
        ("\u{1b}[31mred\u{1b}[0m", "red"),
        ("\u{1b}]0;title\u{7}x", "x"),
        ("\u{1b}]8;;https://example.com\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
        ("\u{1b}]0;not ended", "0;not ended"),
        ("\u{9b}2Jcleared", "cleared"),
        ("\u{1b}(Bx\u{1b}cy", "xy"),
        ("a\u{8}b\u{7f}c\u{0}d", "abcd"),
        ("abc\u{202e}fed\u{2066}g", "abcfedg"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("tab\tstays", "tab\tstays"),
        ("zero\u{200b}width\u{feff}", "zerowidth"),
        ("\u{1b}", ""),
        ("\u{1b}é", "é"),
    ];
    for (text, clean) in table {
        assert_eq!(printable(text), clean, "{text:?}");
    }
    assert_eq!(single_line(" a\r\n\tb\n\nc\td "), "a ⏎ b ⏎ c d");
}

proptest! {
    #[test]
    fn redaction_is_idempotent(
        text in "(password|token|cookie|Bearer|sk-|@|://|:|=|\"|'| |;|a|B|7|\\.|\\{|\\[|‹|›|\n|eyJ|authorization){0,40}",
    ) {
        let redactor = redactor();
        let once = redactor.redact(&text).into_owned();
        prop_assert_eq!(redactor.redact(&once).into_owned(), once);
    }

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        let redactor = redactor();
        let once = redactor.redact(&text).into_owned();
        prop_assert_eq!(redactor.redact(&once).into_owned(), once);
    }

    #[test]
    fn printable_leaves_no_control_character(text in any::<String>()) {
        let clean = printable(&text);
        prop_assert!(!clean.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        prop_assert!(!single_line(&text).contains(['\n', '\t']));
        prop_assert_eq!(printable(&clean).into_owned(), clean.into_owned());
    }
}
