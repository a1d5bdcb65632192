//! Pipes that never end: signals, ticks, the terminal.

use std::io::Write;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::support::{Dir, REFUSED, Ran, drain, failed};

fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
}

/// Starts, writes `lines` slowly, waits until they must have been read, and leaves the pipe open.
fn feed(dir: &Dir, args: &[&str], lines: u64) -> (Child, std::process::ChildStdin) {
    let mut child = dir.start(args);
    let mut stdin = child.stdin.take().expect("a pipe");
    for number in 0..lines {
        stdin.write_all(drain(number, 500, REFUSED).as_bytes()).expect("the program reads");
        stdin.flush().expect("the program reads");
        std::thread::sleep(Duration::from_millis(30));
    }
    std::thread::sleep(Duration::from_millis(700));
    (child, stdin)
}

#[test]
fn a_signal_prints_the_report_so_far() {
    for name in ["INT", "TERM"] {
        let dir = Dir::new();
        let (child, open) = feed(&dir, &["--format", "json"], 3);
        signal(&child, name);
        let asked = Instant::now();
        let ran = Ran::from(child.wait_with_output().expect("the program ends")).exits(130);
        assert!(asked.elapsed() < Duration::from_secs(5), "{name}");
        let report = ran.json();
        assert_eq!((&report["partial"], failed(&report)), (&true.into(), 3), "{name}: {ran:#?}");
        drop(open);
    }
    let dir = Dir::new();
    let (child, open) = feed(&dir, &[], 1);
    signal(&child, "INT");
    let ran = Ran::from(child.wait_with_output().expect("the program ends")).exits(130);
    ran.shows("Interrupted: ").shows("1 of 1 request failed");
    drop(open);
}

#[test]
fn a_signal_before_anything_arrived() {
    let dir = Dir::new();
    let (child, open) = feed(&dir, &["--format", "json"], 0);
    signal(&child, "TERM");
    let ran = Ran::from(child.wait_with_output().expect("the program ends")).exits(130);
    assert_eq!(ran.json()["partial"], true);
    drop(open);
}

#[test]
fn a_named_pipe_is_live_too() {
    let dir = Dir::new();
    let pipe = dir.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let child = dir.command(&["pipe", "--format", "json"]).spawn().expect("the program starts");
    let mut writer = std::fs::OpenOptions::new().write(true).open(&pipe).expect("a reader");
    writer.write_all(drain(1, 500, REFUSED).as_bytes()).expect("the program reads");
    std::thread::sleep(Duration::from_millis(700));
    signal(&child, "INT");
    let ran = Ran::from(child.wait_with_output().expect("the program ends")).exits(130);
    assert_eq!(failed(&ran.json()), 1);
    drop(writer);
}

#[test]
fn a_second_signal_ends_at_once() {
    let dir = Dir::new();
    // Nobody reads the report, so that printing it waits.
    let lines: String = (0..3000).map(|number| drain(number, 500, REFUSED)).collect();
    dir.file("a.log", lines);
    let mut child = dir.start(&["-", "a.log", "--format", "jsonl"]);
    let stdin = child.stdin.take();
    std::thread::sleep(Duration::from_millis(700));
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(300));
    drop(stdin);
    if child.try_wait().expect("a state").is_none() {
        signal(&child, "INT");
    }
    let asked = Instant::now();
    assert_eq!(child.wait().expect("the program ends").code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(5));
}

#[test]
fn redrawing_needs_a_terminal() {
    let dir = Dir::new();
    let ran = dir
        .pipe(&["--every", "50ms"], drain(1, 500, REFUSED))
        .exits(0)
        .says("--every redraws a table on a terminal");
    assert!(!ran.stdout.contains('\u{1b}'), "{ran:#?}");
}

/// Under a terminal made by `script`, as util-linux has it.
#[cfg(target_os = "linux")]
#[test]
fn the_report_is_redrawn_on_a_terminal() {
    let dir = Dir::new();
    let program = env!("CARGO_BIN_EXE_why500");
    let line = drain(1, 500, REFUSED);
    dir.file("one.log", line).file("two.log", drain(2, 500, "boom"));
    let pipeline = format!(
        "(cat one.log; sleep 1.5; cat two.log; sleep 1.5) | '{program}' --every 200ms --width 100; echo exit=$?"
    );
    let mut script = Command::new("script");
    script.args(["-qec", &pipeline, "/dev/null"]).current_dir(dir.root()).env("NO_COLOR", "1");
    let Ok(output) = script.stdin(std::process::Stdio::null()).output() else {
        return; // A machine without it.
    };
    let shown = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
    let pages: Vec<&str> = shown.split("\u{1b}[2J\u{1b}[3J\u{1b}[H").collect();
    let with = |text: &str| pages.iter().filter(|page| page.contains(text)).count();
    assert!(with("Reading; Ctrl-C ends it") >= 2, "{shown}");
    assert!(with("1 of 1 request failed") >= 1 && with("2 of 2 requests failed") >= 2, "{shown}");
    let last = pages.last().expect("a page");
    assert!(last.starts_with("2 of 2 requests failed") && last.ends_with("exit=0\n"), "{last}");
    assert!(!last.contains('\u{1b}'), "NO_COLOR holds on a terminal: {last}");
}
