//! Input that is broken: never a panic, never a silent loss.

use super::support::{Dir, REFUSED, Ran, drain, failed, sample};

/// Runs on `input` and checks that the account closes and every entry with a fault is said.
fn read(input: impl AsRef<[u8]>) -> (Ran, serde_json::Value) {
    let dir = Dir::new();
    let ran = dir.file("a.log", input).run(&["a.log", "--format", "json"]).exits(0);
    assert!(!ran.stderr.contains("panick"), "{ran:#?}");
    let report = ran.json();
    let rejected = report["sources"][0]["rejected"].as_u64().expect("a count");
    assert_eq!(ran.stderr.contains(" entries rejected: "), rejected > 0, "{ran:#?}");
    (ran, report)
}

#[test]
fn nothing_in_it() {
    for input in ["", "\n", "  \n\t\n\r\n", "\u{feff}", "\u{feff}\n", "[]", "[ ]\n"] {
        let (ran, report) = read(input);
        assert_eq!(report["requests"]["total"], 0, "{input:?}");
        ran.says("a.log: no log line in it");
    }
    let dir = Dir::new();
    dir.pipe(&[], "").exits(0).says("vercel logs --json").shows("No request found");
}

#[test]
fn binary_data() {
    for input in [
        &b"\0\x01\x02\x03\0\0\0\x10ab"[..],
        b"\x7fELF\x02\x01\x01\0\0\0",
        b"PAR1\0\0",
        b"a\0b\0c\0d\0\n\0",
        b"\xff\xfe\0\0a\0\0\0",
    ] {
        let (_, report) = read(input);
        assert_eq!(report["sources"][0]["format"], "binary");
        assert_eq!(report["sources"][0]["rejected"], 1);
    }
}

#[test]
fn a_last_line_without_an_end_counts() {
    let (_, report) = read(sample().trim_end());
    assert_eq!((failed(&report), &report["requests"]["total"]), (1, &2.into()));
    let cut = &sample()[..sample().len() - 40];
    let (_, report) = read(cut);
    assert_eq!(failed(&report), 1);
    assert_eq!(report["sources"][0]["rejected"], 1);
}

#[test]
fn a_bom_and_crlf_change_nothing() {
    let (_, plain) = read(sample());
    for input in [format!("\u{feff}{}", sample()), sample().replace('\n', "\r\n")] {
        let (_, report) = read(&input);
        assert_eq!((&report["requests"], &report["incidents"]), (&plain["requests"], &plain["incidents"]));
    }
}

#[test]
fn invalid_utf8_and_nul_leave_the_entries_around_them() {
    let mut input = drain(1, 500, REFUSED).into_bytes();
    input.extend_from_slice(b"2026-01-01T00:00:01Z ERROR \xff\xfe\xc3 broken \0 text\n");
    input.extend(drain(2, 500, REFUSED).replace("node:net", "n\0\u{1}de").bytes());
    input.extend(
        drain(3, 500, REFUSED).into_bytes().iter().map(|byte| if *byte == b'@' { 0xff } else { *byte }),
    );
    let (_, report) = read(&input);
    assert!(failed(&report) >= 2, "{report:#}");
    let (_, report) =
        read([drain(1, 500, REFUSED).as_bytes(), &b"\xff".repeat(3000), b"\n", sample().as_bytes()].concat());
    assert_eq!(failed(&report), 1, "{report:#}");
}

#[test]
fn braces_and_quotes_left_open_lose_only_themselves() {
    for bad in ["{", "{\"a\": \"", "[{\"a\":1", "\"", "}}}}", "]", "{]", "{\"a\":1,}", "[[[[[[[["] {
        let input = drain(1, 500, REFUSED) + bad + "\n" + &drain(2, 500, REFUSED) + &drain(3, 500, REFUSED);
        let (ran, report) = read(&input);
        let source = &report["sources"][0];
        assert_eq!(source["bytes"], input.len(), "{bad}");
        assert!(failed(&report) == 3 || source["rejected"] != 0, "{bad}: {ran:#?}");
    }
    let deep = format!("{}1{}\n", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    let (_, report) = read(deep + &sample());
    assert_eq!(failed(&report), 1);
}

#[test]
fn a_csv_with_a_broken_quote_or_mangled_numbers() {
    let header = "@timestamp,@requestId,@message\r\n";
    let broken = format!(
        "{header}2026-01-01 00:00:00.000,r1,\"START RequestId: never closed\r\n2026-01-01 00:00:01.000,r2,ok\r\n"
    );
    let (_, report) = read(broken);
    assert_eq!(report["sources"][0]["ignored"], 1, "{report:#}");
    let mangled = "timestamp,message\r\n1.76563E+12,REPORT RequestId: 8f507cfc-0001\r\n1.76563E+12,boom\r\n";
    let (ran, report) = read(mangled);
    let remark = "a.log: 2 rows hold numbers that a spreadsheet rounded (1.76563E+12)";
    assert!(report["remarks"].to_string().contains(remark), "{ran:#?}");
    let dir = Dir::new();
    dir.file("a.log", mangled).run(&["a.log", "--format", "csv"]).exits(0).says(remark);
}

#[test]
fn a_shape_that_nobody_knows() {
    for input in [
        "<xml><a/></xml>\n",
        "just words\nand more\n",
        "1,2,3\n4,5,6\n",
        "{\"x\":1}\n{\"x\":2}\n",
        "🦀🦀🦀\n",
    ] {
        let (_, report) = read(input);
        assert_eq!(failed(&report), 0, "{input}");
        assert!(report["sources"][0]["frames"].as_u64() > Some(0), "{input}");
    }
}

#[cfg(unix)]
#[test]
fn a_line_of_100_mb_takes_little_memory_and_no_neighbours() {
    use std::io::Write;
    let dir = Dir::new();
    let mut command = std::process::Command::new("sh");
    // 400 MB of address space, of which threads and the rules take their share.
    let script = "ulimit -v 400000; exec \"$0\" --format json --threads 1";
    command.args(["-c", script, env!("CARGO_BIN_EXE_why500")]).current_dir(dir.root());
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("a shell");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || -> std::io::Result<()> {
        stdin.write_all(drain(1, 500, REFUSED).as_bytes())?;
        stdin.write_all(b"{\"message\":\"")?;
        for _ in 0..100 {
            stdin.write_all(&[b'a'; 1 << 20])?;
        }
        stdin.write_all(b"\"}\n")?;
        stdin.write_all(drain(2, 500, REFUSED).as_bytes())
    });
    let ran = Ran::from(child.wait_with_output().expect("the program ends")).exits(0);
    writer.join().expect("the writer ends").expect("everything was read");
    let ran = ran.says("-:2: 1 of 3 entries rejected: longer than the line limit");
    assert_eq!(failed(&ran.json()), 2);
}

#[test]
fn a_long_line_is_skipped_where_the_limit_says() {
    let dir = Dir::new();
    let input = drain(1, 500, REFUSED) + &drain(2, 500, &"x".repeat(5000)) + &drain(3, 500, REFUSED);
    let ran = dir.pipe(&["--max-line", "4KiB", "--format", "json"], &input).exits(0);
    assert_eq!(failed(&ran.says("longer than the line limit").json()), 2);
    assert_eq!(failed(&dir.pipe(&["--format", "json"], &input).exits(0).json()), 3);
}
