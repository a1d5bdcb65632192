//! Where input comes from: files, folders, patterns, pipes, compressed or not.

use std::io::Write;

use super::support::{Dir, REFUSED, drain, failed, gzip, names, sample, zstd};

#[test]
fn folders_are_walked_and_what_is_passed_over_is_counted() {
    let dir = Dir::new();
    dir.file("logs/a.log", drain(1, 500, REFUSED))
        .file("logs/deep/b.bin", gzip(drain(2, 500, REFUSED).as_bytes()))
        .file("logs/deep/c.log", zstd(drain(3, 500, REFUSED).as_bytes()))
        .file("logs/picture.log", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
        .file("logs/.hidden", drain(4, 500, REFUSED))
        .file("logs/.git/objects/x", drain(5, 500, REFUSED));
    let ran = dir.run(&["logs", "--format", "json"]).exits(0).says("logs/picture.log:1: ").says("an image");
    let report = ran.json();
    assert_eq!(failed(&report), 3);
    assert_eq!(names(&report), ["logs/a.log", "logs/deep/b.bin", "logs/deep/c.log", "logs/picture.log"]);
    assert_eq!(report["remarks"][0], "2 hidden files were passed over");
    dir.run(&["logs"]).exits(0).shows("2 hidden files were passed over");
}

#[cfg(unix)]
#[test]
fn links_in_a_folder_are_counted_not_followed() {
    let dir = Dir::new();
    dir.file("outside.log", sample()).file("logs/a.log", drain(7, 500, REFUSED));
    std::os::unix::fs::symlink(dir.path("outside.log"), dir.path("logs/link.log")).expect("a link");
    let report = dir.run(&["logs", "--format", "json"]).exits(0).json();
    assert_eq!(names(&report), ["logs/a.log"]);
    assert_eq!(report["remarks"][0], "1 link, pipe or socket in a folder was passed over");
    // Named by the user it is read.
    assert_eq!(names(&dir.run(&["logs/link.log", "--format", "json"]).exits(0).json()), ["logs/link.log"]);
}

#[test]
fn a_folder_may_hold_more_files_than_a_process_may_open() {
    let dir = Dir::new();
    for number in 0..300 {
        dir.file(&format!("logs/{number}.log"), drain(number, 500, REFUSED));
    }
    let mut command = std::process::Command::new("sh");
    let script = "ulimit -n 64; exec \"$0\" logs --format json";
    command.args(["-c", script, env!("CARGO_BIN_EXE_why500")]).current_dir(dir.root());
    let ran = super::support::Ran::from(command.output().expect("a shell")).exits(0);
    assert_eq!(failed(&ran.json()), 300, "{}", ran.stderr);
}

#[test]
fn patterns_that_the_shell_left_alone_are_expanded() {
    let dir = Dir::new();
    dir.file("a-1.log", drain(1, 500, REFUSED))
        .file("a-2.log", drain(2, 500, REFUSED))
        .file("b.log", sample());
    assert_eq!(names(&dir.run(&["a-*.log", "--format", "json"]).exits(0).json()), ["a-1.log", "a-2.log"]);
    assert_eq!(names(&dir.run(&["?.log", "--format", "json"]).exits(0).json()), ["b.log"]);
    // A file whose name looks like a pattern is that file.
    dir.file("[1].log", sample());
    assert_eq!(names(&dir.run(&["[1].log", "--format", "json"]).exits(0).json()), ["[1].log"]);
}

#[test]
fn compression_is_known_by_content() {
    let dir = Dir::new();
    let two_members =
        [gzip(drain(1, 500, REFUSED).as_bytes()), gzip(drain(2, 500, REFUSED).as_bytes())].concat();
    dir.file("plain.gz", sample()).file("members.log", &two_members);
    assert_eq!(failed(&dir.run(&["plain.gz", "--format", "json"]).exits(0).json()), 1);
    assert_eq!(failed(&dir.run(&["members.log", "--format", "json"]).exits(0).json()), 2);
    assert_eq!(failed(&dir.pipe(&["--format", "json"], &two_members).exits(0).json()), 2);
    assert_eq!(failed(&dir.pipe(&["--format", "json"], zstd(sample().as_bytes())).exits(0).json()), 1);
}

#[test]
fn a_cut_off_archive_gives_what_it_holds_and_says_so() {
    let dir = Dir::new();
    let text: String = (0..400).map(|number| drain(number, 500, &format!("boom {number:x}"))).collect();
    let frames = [zstd(text.as_bytes()), zstd(text.as_bytes())].concat();
    for packed in [&gzip(text.as_bytes()), &frames] {
        dir.file("a.log", &packed[..packed.len() - 9]);
        let ran = dir.run(&["a.log", "--format", "json"]).exits(0).says("a.log: read up to byte");
        assert!(failed(&ran.json()) > 0, "{ran:#?}");
    }
    // The last entry before the break counts, although its line has no end.
    let whole = drain(1, 500, REFUSED);
    let mut packed = gzip(whole.trim_end().as_bytes());
    packed.truncate(packed.len() - 4);
    dir.file("a.log", packed);
    let ran = dir.run(&["a.log", "--format", "json"]).exits(0).says("a.log: read up to byte");
    assert_eq!(failed(&ran.json()), 1);
}

#[test]
fn a_file_named_twice_is_read_once() {
    let dir = Dir::new();
    // Lines without ids of their own could not be told apart from repetitions.
    dir.file("a.log", "10.1.2.3 - - [01/Jan/2026:00:00:01 +0000] \"GET /a HTTP/1.1\" 500 12 \"-\" \"-\"\n");
    for args in [["a.log", "a.log"], ["a.log", "./a.log"], [".", "a.log"]] {
        let report = dir.run(&[&args[..], &["--format", "json"]].concat()).exits(0).json();
        assert_eq!((names(&report).len(), failed(&report)), (1, 1), "{args:?}");
    }
}

#[test]
fn standard_input_stands_beside_files() {
    let dir = Dir::new();
    dir.file("a.log", drain(1, 500, REFUSED));
    let report = dir.pipe(&["-", "a.log", "-", "--format", "json"], drain(2, 500, REFUSED)).exits(0).json();
    assert_eq!(names(&report), ["-", "a.log"]);
    assert_eq!(failed(&report), 2);
}

#[test]
fn a_slow_pipe_is_read_to_its_end() {
    let dir = Dir::new();
    let mut child = dir.start(&["--format", "json"]);
    let mut stdin = child.stdin.take().expect("a pipe");
    for byte in drain(1, 500, REFUSED).as_bytes().chunks(97) {
        stdin.write_all(byte).and_then(|()| stdin.flush()).expect("the program reads");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    drop(stdin);
    let ran = super::support::Ran::from(child.wait_with_output().expect("the program ends")).exits(0);
    assert_eq!(failed(&ran.json()), 1);
    assert!(ran.json().get("partial").is_none());
}

#[test]
fn a_format_can_be_forced_and_the_choice_explained() {
    let dir = Dir::new();
    dir.file("a.log", sample());
    let ran = dir.run(&["a.log", "--explain-format"]).exits(0);
    let ran =
        ran.says("a.log:1: an entry framed as Json").says("yes: members id, timestamp, source, deploymentId");
    let stderr = ran.says("→ vercel-drain/text: 1 records").stderr;
    // Of a pipe the same is said, and nothing is lost by looking.
    let piped = dir.pipe(&["--explain-format", "--format", "json"], sample()).exits(0);
    assert_eq!(piped.stderr, stderr.replace("a.log:", "-:"));
    assert_eq!(failed(&piped.json()), 1);
    dir.pipe(&["--explain-format"], "").exits(0).says("-: no entry in it");
    dir.pipe(&["--explain-format"], b"\x7fELF\x02\x01\x01\0\0\0")
        .exits(0)
        .says("-: a program, not a log; no format");
    let text = "2026-01-01T00:00:00Z ERROR boom\n";
    dir.pipe(&["--explain-format"], text).exits(0).says("no: not ").says("→ lines");
    // Forced, no other shape is tried.
    let forced = dir.run(&["a.log", "--input-format", "insights-csv", "--format", "json"]).exits(0).json();
    assert_eq!(forced["sources"][0]["rejected"], 2);
    let forced = dir.run(&["a.log", "--input-format", "vercel-drain", "--format", "json"]).exits(0).json();
    assert_eq!(failed(&forced), 1);
}
