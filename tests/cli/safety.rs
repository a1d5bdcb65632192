//! Nothing read from a log is trusted: control characters, secrets, colour.

use serde_json::json;

use super::support::{Dir, REFUSED, Ran, drain, drain_value, sample};

const FORMATS: [&str; 7] = ["table", "json", "jsonl", "csv", "markdown", "html", "message"];

/// Escape sequences, a clipboard write, C1 controls, overrides of the writing direction, a forged line.
const HOSTILE: &str = "\u{1b}[2J\u{1b}[31mred\u{1b}]52;c;cm0gLXJm\u{7}\u{9b}31m\u{9d}0;title\u{9c}\u{202e}gpj\u{2066}x\u{7f}\u{8}\r\u{0}";

#[track_caller]
fn is_printable(what: &str, text: &str) {
    let bad = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    // CSV ends its rows with CR LF.
    let found = text.replace("\r\n", "\n").chars().find(|c| bad(*c));
    assert_eq!(found, None, "{what}: {text:?}");
}

#[test]
fn no_control_character_of_a_log_gets_out() {
    let mut entry = drain_value(1, 500, &format!("Error: boom {HOSTILE} {REFUSED}"));
    for key in ["path", "requestId", "deploymentId", "environment", "level", "entrypoint", "executionRegion"]
    {
        entry[key] = json!(format!("x{HOSTILE}y"));
    }
    entry["proxy"]["path"] = json!(format!("/a{HOSTILE}"));
    entry["proxy"]["method"] = json!(format!("GET{HOSTILE}"));
    let text = format!(
        "2026-01-01T00:00:00Z ERROR {HOSTILE}\n10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] \"GET /{HOSTILE} HTTP/1.1\" 500 1 \"-\" \"-\"\n{HOSTILE}\n"
    );
    let logs = [
        format!("{entry}\n"),
        text.clone(),
        format!("{entry}\n{text}"),
        format!("[{entry}, {{\"a{HOSTILE}\": 1"),
    ];
    for log in logs {
        let dir = Dir::new();
        let name = "evil\u{1b}[2J\u{9b}31m\u{202e}.log";
        dir.file(name, &log);
        for format in FORMATS {
            for extra in ["--no-redact", "--explain-format"] {
                let ran = dir
                    .run(&[name, "missing\u{1b}[31m", "--format", format, "--color", "never", extra])
                    .exits(0);
                is_printable(&format!("{format} {extra} stdout"), &ran.stdout);
                is_printable(&format!("{format} {extra} stderr"), &ran.stderr);
            }
        }
    }
}

#[test]
fn hidden_characters_in_json_are_escaped_not_lost() {
    let dir = Dir::new();
    let mut entry = drain_value(1, 500, "boom");
    entry["requestId"] = json!("a\u{202e}b\u{9b}c\u{e0001}");
    let ran = dir.pipe(&["--format", "jsonl"], entry.to_string()).exits(0);
    assert!(ran.stdout.contains("a\\u202eb\\u009bc\\udb40\\udc01"), "{}", ran.stdout);
    let line: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(line["correlation_id"], "a\u{202e}b\u{9b}c\u{e0001}");
}

#[test]
fn colour_only_where_it_was_asked_for() {
    let dir = Dir::new();
    dir.file("a.log", sample());
    assert!(!dir.run(&["a.log"]).exits(0).stdout.contains('\u{1b}'));
    let coloured = dir.run(&["a.log", "--color", "always"]).exits(0).stdout;
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    for format in ["json", "jsonl", "csv"] {
        let plain = dir.run(&["a.log", "--color", "always", "--format", format]).exits(0).stdout;
        assert!(!plain.contains('\u{1b}'), "{plain}");
    }
    let mut command = dir.command(&["a.log", "--color", "always"]);
    let asked = Ran::from(command.env("NO_COLOR", "1").output().expect("the program runs"));
    assert_eq!(asked.stdout, coloured, "what is typed wins over the environment");
}

const SECRETS: [&str; 5] = [
    "hunter2-and-more",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJlMTIz",
    "s%3A8d2f6a1b9c",
    "jane.doe@example.com",
    "sk_live_51ExampleKey00aa11bb22cc33",
];

/// Failures that carry secrets in message and path; the first of a rule, the second of none.
fn secretive() -> String {
    let [password, bearer, cookie, mail, key] = SECRETS;
    let text = format!(
        "url postgres://app:{password}@db.example.com:5432/app headers {{ Authorization: 'Bearer {bearer}', Cookie: 'sid={cookie}' }} key {key} user {mail}"
    );
    let mut first = drain_value(1, 500, &format!("{REFUSED}\n{text}"));
    let mut second = drain_value(2, 500, &format!("Error: boom {text}"));
    let third = drain_value(3, 500, &format!("Error: another {text}"));
    for entry in [&mut first, &mut second] {
        entry["path"] = json!(format!("/api/users/{mail}/orders"));
        entry["proxy"]["path"] = json!(format!("/api/users/{mail}/orders?token={key}"));
    }
    format!("{first}\n{second}\n{third}\n")
}

#[test]
fn secrets_are_redacted_everywhere() {
    let dir = Dir::new();
    dir.file("a.log", secretive());
    for format in FORMATS {
        let ran = dir.run(&["a.log", "--format", format, "--top", "9", "--width", "1000"]).exits(0);
        for secret in SECRETS {
            assert!(
                !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
                "{format}: {secret}: {}",
                ran.stdout
            );
        }
        assert!(ran.stdout.contains("‹email:"), "{format}: {}", ran.stdout);
    }
    let shown = dir.run(&["a.log", "--format", "jsonl", "--no-redact"]).exits(0).stdout;
    for secret in SECRETS {
        assert!(shown.contains(secret), "{secret}: {shown}");
    }
}

/// The tokens of a kind, in the order of the text.
fn tokens(text: &str, kind: &str) -> Vec<String> {
    let open = format!("‹{kind}:");
    let ends = text.split(&open).skip(1).filter_map(|rest| rest.split('›').next());
    ends.map(str::to_owned).collect()
}

#[test]
fn equal_values_get_equal_tokens_and_a_key_makes_them_stable() {
    let dir = Dir::new();
    dir.file("a.log", secretive())
        .file("b.log", secretive() + &drain(9, 500, "boom jane.doe@example.com john@example.com"));
    let run =
        |file: &str, more: &[&str]| dir.run(&[&[file, "--format", "jsonl"], more].concat()).exits(0).stdout;
    let mails = |text: &str| {
        let mut all = tokens(text, "email");
        all.sort();
        all.dedup();
        all
    };
    let (a, b) = (mails(&run("a.log", &[])), mails(&run("b.log", &[])));
    assert_eq!((a.len(), b.len()), (1, 2));
    assert!(!b.contains(&a[0]), "without a key the tokens of different inputs cannot be compared");
    assert_eq!(mails(&run("a.log", &[])), a);
    let key = ["--redact-key", "between-runs"];
    let (a, b) = (mails(&run("a.log", &key)), mails(&run("b.log", &key)));
    assert!(b.contains(&a[0]), "{a:?} {b:?}");
    let mut command = dir.command(&["a.log", "--format", "jsonl"]);
    let from_environment =
        command.env("WHY500_REDACT_KEY", "between-runs").output().expect("the program runs");
    assert_eq!(mails(&String::from_utf8_lossy(&from_environment.stdout)), a);
    assert!(!dir.run(&["--help"]).exits(0).stdout.contains("between-runs"));
}

/// A log that prints what this program prints cannot pass for it: what is cited stands behind a bar, and no value begins a
/// line of its own.
#[test]
fn a_log_cannot_pass_for_the_report() {
    let forged = "\n   rule = edge-node-module\n9 of 9 requests failed\n── 1  runtime/edge  Forged ── 99% sure ──\n   fix = rm -rf /\n\u{2028}   rule = also-forged\r   rule = forged-again\n\t ✓ route  clear";
    let mut entry = drain_value(1, 500, &format!("{REFUSED}{forged}"));
    let mut other = drain_value(2, 500, &format!("Error: boom{forged}"));
    for entry in [&mut entry, &mut other] {
        for key in
            ["path", "requestId", "deploymentId", "environment", "level", "entrypoint", "executionRegion"]
        {
            entry[key] = json!(format!("{}{forged}", entry[key].as_str().unwrap_or("x")));
        }
        entry["proxy"]["path"] = json!(format!("/a{forged}"));
    }
    let dir = Dir::new();
    let shown = dir.pipe(&["--top", "9", "--width", "70"], format!("{entry}\n{other}\n")).exits(0).stdout;
    let lines_with = |start: &str| shown.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(lines_with("   rule = "), 1, "{shown}");
    assert_eq!(lines_with("   fix = "), 1, "{shown}");
    assert_eq!(lines_with("9 of 9"), 0, "{shown}");
    assert!(shown.starts_with("2 of 2 requests failed"), "{shown}");
    let sure = shown.lines().filter(|line| line.starts_with("── 1  ") && line.ends_with(" sure ──"));
    assert_eq!(sure.count(), 1, "{shown}");
}

/// Every cell of the CSV, whatever the log holds.
#[test]
fn no_cell_of_the_csv_is_a_formula() {
    let dir = Dir::new();
    for start in
        ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\u{200b}=1", "\u{202e}=1", "＝1", " =1", "\n=1"]
    {
        let mut entry = drain_value(1, 500, &format!("{start} cmd|'/c calc'!A0"));
        for key in ["deploymentId", "path", "entrypoint"] {
            entry[key] = json!(start);
        }
        let shown = dir.pipe(&["--format", "csv"], format!("{entry}\n")).exits(0).stdout;
        for row in shown.split("\r\n") {
            // Cells that are quoted hold commas; a formula would begin behind a comma or a quote all the same.
            for cell in row.split([',', '"']) {
                assert!(!cell.trim_start().starts_with(['=', '+', '@', '＝']), "{start:?}: {shown}");
            }
        }
    }
}
