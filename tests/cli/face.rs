//! Help, formats, completions, the man page.

use super::support::Dir;

#[test]
fn help_text() {
    let dir = Dir::new();
    let ran = dir.run(&["--help"]).exits(0);
    assert!(ran.stderr.is_empty());
    insta::assert_snapshot!("help", ran.stdout);
}

#[test]
fn version_and_short_help() {
    let dir = Dir::new();
    dir.run(&["--version"]).exits(0).shows(concat!("why500 ", env!("CARGO_PKG_VERSION")));
    let short = dir.run(&["-h"]).exits(0).shows("Usage: why500");
    assert!(short.stdout.lines().all(|line| line.chars().count() <= 100), "{}", short.stdout);
    dir.run(&["rules", "--help"]).exits(0).shows("Check every rule against its samples");
}

#[test]
fn formats_are_listed_with_their_export() {
    let dir = Dir::new();
    let ran = dir.run(&["formats"]).exits(0).shows("recognised by:").shows("export:");
    for name in ["vercel-drain", "cloudwatch-events", "insights-csv", "lambda-text", "json", "lines"] {
        assert!(ran.stdout.contains(&format!("\n  {name}\n")), "{name}: {}", ran.stdout);
    }
}

#[test]
fn completions_and_man_page() {
    let dir = Dir::new();
    for (shell, sign) in [
        ("bash", "complete -F _why500"),
        ("zsh", "#compdef why500"),
        ("fish", "complete -c why500"),
        ("powershell", "why500"),
    ] {
        dir.run(&["completions", shell]).exits(0).shows(sign).shows("input-format");
    }
    dir.run(&["completions", "tcsh-or-so"]).exits(2);
    dir.run(&["man"]).exits(0).shows(".TH why500 1").shows("Exit codes");
}

/// The report that README.md shows is the program's own. To renew it, run the command and paste its output.
#[test]
fn readme_shows_the_real_report() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("a README");
    let shown =
        readme.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a text block");
    let mut command =
        Dir::new().command(&["--top", "1", "--width", "100", "samples/vercel/drain-ndjson/drain.ndjson"]);
    let output = command.current_dir(root).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), shown);
}
