//! Files that are no plain logs: archives, bombs, text of spreadsheets, links in circles, devices, files that change.

use std::io::Write;

use super::support::{Dir, REFUSED, drain, failed, gzip, names, sample};

fn tarred(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        builder.append_data(&mut header, name, text.as_bytes()).expect("appends");
    }
    builder.into_inner().expect("finishes")
}

/// A zip of stored members, as the format has it; `flags` 1 says that all are encrypted.
fn zipped(files: &[(&str, &[u8])], flags: u16) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let at = out.len() as u32;
        let mut common = [20, flags, 0, 0, 0x21].map(u16::to_le_bytes).concat();
        common.extend([0, bytes.len() as u32, bytes.len() as u32].map(u32::to_le_bytes).concat());
        common.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        out.extend([b"PK\x03\x04", &common[..], name.as_bytes(), bytes].concat());
        directory.extend(
            [b"PK\x01\x02\x14\0", &common[..], &[0; 10], &at.to_le_bytes(), name.as_bytes()].concat(),
        );
    }
    let (count, at) = ((files.len() as u16).to_le_bytes(), out.len() as u32);
    let length = (directory.len() as u32).to_le_bytes();
    out.extend(
        [&directory[..], b"PK\x05\x06\0\0\0\0", &count[..], &count, &length, &at.to_le_bytes(), &[0, 0]]
            .concat(),
    );
    out
}

#[test]
fn archives_are_opened_like_folders() {
    let dir = Dir::new();
    let (one, two) = (drain(1, 500, REFUSED), drain(2, 500, REFUSED));
    let packed = gzip(drain(3, 500, REFUSED).as_bytes());
    let files: [(&str, &[u8]); 4] = [
        ("b/two.log", two.as_bytes()),
        ("a/one.log", one.as_bytes()),
        ("c.log.gz", &packed),
        (".hidden", b"x"),
    ];
    dir.file("logs/x.zip", zipped(&files, 0));
    let report = dir.run(&["logs", "--format", "json"]).exits(0).json();
    assert_eq!(names(&report), ["logs/x.zip:a/one.log", "logs/x.zip:b/two.log", "logs/x.zip:c.log.gz"]);
    assert_eq!(failed(&report), 3);
    assert_eq!(report["remarks"][0], "1 hidden file was passed over");
    let tar = tarred(&[("b/two.log", &two), ("a/one.log", &one)]);
    dir.file("x.tar", &tar).file("x.tgz", gzip(&tar)).file("x.tar.zst", super::support::zstd(&tar));
    for name in ["x.tar", "x.tgz", "x.tar.zst"] {
        let report = dir.run(&[name, "--format", "json"]).exits(0).json();
        assert_eq!(names(&report), [format!("{name}:a/one.log"), format!("{name}:b/two.log")]);
        assert_eq!(failed(&report), 2);
        assert_eq!(report["incidents"][0]["evidence"][0]["source"], format!("{name}:a/one.log"));
    }
}

/// A path in an archive is a name: nothing is written or opened by it.
#[test]
fn a_path_in_an_archive_touches_no_file() {
    let dir = Dir::new();
    let text = sample();
    dir.file(
        "in/x.zip",
        zipped(&[("../../etc/passwd", text.as_bytes()), ("/etc/hosts", text.as_bytes())], 0),
    );
    dir.file("etc/passwd", "untouched");
    let report = dir.run(&["in/x.zip", "--format", "json"]).exits(0).json();
    assert_eq!(names(&report), ["in/x.zip:../../etc/passwd", "in/x.zip:/etc/hosts"]);
    assert_eq!(report["sources"][0]["bytes"], text.len());
    assert_eq!(std::fs::read(dir.path("etc/passwd")).expect("still there"), b"untouched");
    assert_eq!(std::fs::read_dir(dir.path("in")).expect("a folder").count(), 1);
}

#[test]
fn what_cannot_be_unpacked_is_said_with_its_cure() {
    let dir = Dir::new();
    let whole = zipped(&[("a.log", sample().as_bytes())], 0);
    dir.file("secret.zip", zipped(&[("a.log", b"????")], 1))
        .file("cut.zip", &whole[..whole.len() - 9])
        .file("empty.tar", vec![0; 1024])
        .file("sheet.xlsx", zipped(&[("[Content_Types].xml", b"<x/>")], 0))
        .file("good.log", sample());
    let run = |name: &str| dir.run(&[name, "good.log", "--format", "json"]).exits(0);
    let ran = run("secret.zip").says("secret.zip:a.log: encrypted: unpack it first");
    assert!(ran.json()["remarks"].to_string().contains("secret.zip:a.log: encrypted"), "{ran:#?}");
    run("cut.zip").says("cut.zip: the directory of this zip archive cannot be read");
    run("sheet.xlsx").says("save it as CSV");
    dir.run(&["secret.zip"]).exits(3).says("no input could be read");
    // An archive that is no file of its own cannot be opened like a folder.
    dir.file("outer.zip", zipped(&[("inner.zip", &whole)], 0));
    let ran = run("outer.zip").says("outer.zip:inner.zip:1: ").says("unpack it first");
    assert_eq!(failed(&ran.json()), 1);
    for bytes in [whole, tarred(&[("a.log", &sample())])] {
        dir.pipe(&[], bytes).exits(0).says("an archive from a pipe or inside another archive: name its file");
    }
}

#[test]
fn a_bomb_is_cut_off_and_said() {
    let dir = Dir::new();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(sample().as_bytes()).expect("writes");
    for _ in 0..80 {
        encoder.write_all(&[b'a'; 1 << 20]).expect("writes");
    }
    dir.file("bomb.gz", encoder.finish().expect("finishes"));
    let ran = dir.run(&["bomb.gz", "--format", "json"]).exits(0).says("more than 200 times as large");
    assert_eq!(failed(&ran.json()), 1);
    assert!(ran.json()["remarks"].to_string().contains("decompression bomb"), "{ran:#?}");
    let ran = dir.run(&["bomb.gz", "--max-expand", "1GiB", "--format", "json"]).exits(0);
    assert!(ran.says("longer than the line limit").json()["sources"][0]["bytes"].as_u64() > Some(80 << 20));
    dir.run(&["bomb.gz", "--max-expand", "1MiB"])
        .exits(0)
        .says("larger than 1MiB (raise it with --max-expand)");
}

#[test]
fn what_spreadsheets_and_power_shell_write_is_read() {
    let dir = Dir::new();
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        let unit = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        format!("\u{feff}{text}").encode_utf16().flat_map(unit).collect()
    };
    let log = sample();
    for big in [false, true] {
        dir.file("a.log", utf16(&log, big));
        assert_eq!(failed(&dir.run(&["a.log", "--format", "json"]).exits(0).json()), 1);
        assert_eq!(failed(&dir.pipe(&["--format", "json"], utf16(&log, big)).exits(0).json()), 1);
    }
    dir.pipe(&[], &utf16(&log, false)[2..]).exits(0).says("UTF-16 text without its mark");
    let csv = "@timestamp,@requestId,@message\r\n2026-01-01 00:00:00.000,r1,\"REPORT RequestId: r1\tDuration: 3000.00 ms\tStatus: timeout\"\r\n2026-01-01 00:00:01.000,r2,\"say, hello\"\r\n";
    let plain = dir.pipe(&["--format", "json"], csv).exits(0).json();
    // Cells with the delimiter stand in quotes; a comma is no longer one.
    let semicolons = csv.replace("\"say, hello\"", "say, hello").replace(",r", ";r").replace(",\"", ";\"");
    let semicolons = semicolons
        .replace("r2,", "r2;")
        .replace("@timestamp,@requestId,@message", "@timestamp;@requestId;@message");
    for text in [semicolons.clone(), format!("sep=;\r\n{semicolons}"), format!("\u{feff}{semicolons}")] {
        let report = dir.pipe(&["--format", "json"], &text).exits(0).json();
        assert_eq!(
            (&report["requests"], &report["incidents"]),
            (&plain["requests"], &plain["incidents"]),
            "{text}"
        );
        assert_eq!(report["sources"][0]["format"], plain["sources"][0]["format"]);
    }
}

#[cfg(unix)]
#[test]
fn links_in_circles_and_files_that_are_none() {
    use std::os::unix::fs::symlink;
    let dir = Dir::new();
    dir.file("logs/a.log", sample());
    symlink(".", dir.path("logs/self")).expect("a link");
    symlink("b", dir.path("logs/a")).expect("a link");
    symlink("a", dir.path("logs/b")).expect("a link");
    let _socket = std::os::unix::net::UnixListener::bind(dir.path("logs/socket")).expect("a socket");
    let pipe = dir.path("logs/pipe");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().expect("mkfifo").success());
    let report = dir.run(&["logs", "--format", "json"]).exits(0).json();
    assert_eq!(names(&report), ["logs/a.log"]);
    assert_eq!(report["remarks"][0], "5 links, pipes or sockets in folders were passed over");
    // Named by the user, each says what is wrong with it.
    for name in ["logs/a", "logs/socket"] {
        let ran = dir.run(&[name, "logs/a.log", "--format", "json"]).exits(0).says(&format!("{name}: "));
        assert_eq!(names(&ran.json()), ["logs/a.log"]);
        dir.run(&[name]).exits(3);
    }
    dir.run(&["/dev/null"]).exits(0).says("/dev/null: no log line in it");
    dir.run(&["/dev/zero"]).exits(0).says("/dev/zero:1: 1 of 1 entries rejected: ");
}

/// What is there when it is read counts; nothing panics and the account closes.
#[test]
fn a_file_may_grow_or_shrink_while_it_is_read() {
    let dir = Dir::new();
    let lines: String = (0..20_000).map(|number| drain(number, 200, "ok")).collect();
    for shrinks in [false, true] {
        dir.file("a.log", &lines);
        let path = dir.path("a.log");
        let child = dir.command(&["a.log", "--format", "json"]).spawn().expect("the program starts");
        let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("the file");
        for number in 0..50 {
            if shrinks {
                file.set_len(lines.len() as u64 / (number + 2)).expect("shorter");
            } else {
                file.write_all(drain(100_000 + number, 500, REFUSED).as_bytes()).expect("longer");
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let ran = super::support::Ran::from(child.wait_with_output().expect("the program ends")).exits(0);
        let (report, total) = (ran.json(), |report: &serde_json::Value| report["requests"]["total"].as_u64());
        match shrinks {
            false => assert!(total(&report) >= Some(20_000), "{ran:#?}"),
            true => assert!(total(&report) <= Some(20_000), "{ran:#?}"),
        }
    }
}
