//! A fresh folder and the program run in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A fresh folder, gone at the end of the test.
pub struct Dir(TempDir);

impl Dir {
    pub fn new() -> Dir {
        Dir(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Dir {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, content).expect("a file");
        self
    }

    /// The program, to be run in this folder, without colour or keys from the environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_why500"));
        command.args(args).current_dir(self.0.path());
        command.env_remove("NO_COLOR").env_remove("WHY500_REDACT_KEY").env_remove("COLUMNS");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs to the end with nothing on standard input.
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().expect("the program runs"))
    }

    /// Runs to the end with `input` on standard input.
    pub fn pipe(&self, args: &[&str], input: impl AsRef<[u8]>) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = input.as_ref().to_vec();
        let writer = std::thread::spawn(move || {
            // The program may well stop reading first.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().expect("the program ends");
        writer.join().expect("the writer ends");
        Ran::from(output)
    }

    /// Starts with an open pipe on standard input.
    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdin(Stdio::piped()).spawn().expect("the program starts")
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }
}

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Ran {
        assert!(self.stderr.contains(text), "no `{text}` in {self:#?}");
        self
    }

    #[track_caller]
    pub fn shows(self, text: &str) -> Ran {
        assert!(self.stdout.contains(text), "no `{text}` in {self:#?}");
        self
    }

    /// Standard output as one JSON document, whose accounts are checked on the way.
    #[track_caller]
    pub fn json(&self) -> Value {
        let report: Value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        for source in report["sources"].as_array().expect("sources") {
            let of = |key: &str| source[key].as_u64().expect("a count");
            let sum =
                ["decoded", "continuations", "duplicates", "ignored", "rejected"].map(of).iter().sum::<u64>();
            assert_eq!(of("frames"), sum, "the account does not close: {source}");
            let reasons = source["rejects"].as_array().map_or(0, |rejects| {
                rejects.iter().map(|reject| reject["frames"].as_u64().expect("a count")).sum()
            });
            assert_eq!(of("rejected"), reasons, "a rejection without a reason: {source}");
        }
        report
    }
}

/// Failed requests of a report.
pub fn failed(report: &Value) -> u64 {
    report["requests"]["failed"].as_u64().expect("a count")
}

/// Names of the sources of a report.
pub fn names(report: &Value) -> Vec<&str> {
    report["sources"]
        .as_array()
        .expect("sources")
        .iter()
        .filter_map(|source| source["name"].as_str())
        .collect()
}

/// A log drain entry, as a line.
pub fn drain(number: u64, status: u16, message: &str) -> String {
    let mut line = drain_value(number, status, message).to_string();
    line.push('\n');
    line
}

/// A log drain entry.
pub fn drain_value(number: u64, status: u16, message: &str) -> Value {
    let time = 1_767_225_600_000 + number * 1000;
    json!({
        "id": format!("event-{number}"), "timestamp": time, "deploymentId": "dpl_ExampleAAAA1111",
        "projectId": "prj_ExampleBBBB2222", "host": "shop.example.com", "source": "lambda", "type": "stderr",
        "level": if status >= 500 { "error" } else { "info" }, "path": "/api/orders", "environment": "production",
        "requestId": format!("request-{number}"), "statusCode": status, "message": message,
        "proxy": {
            "timestamp": time, "method": "GET", "host": "shop.example.com", "path": "/api/orders?page=1",
            "statusCode": status
        }
    })
}

/// A message with a cause of class `connectivity`.
pub const REFUSED: &str = "Error: connect ECONNREFUSED 10.0.0.5:5432\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)";

/// One request that failed and one that did not.
pub fn sample() -> String {
    drain(1, 500, REFUSED) + &drain(2, 200, "ok")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("writes");
    encoder.finish().expect("finishes")
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).expect("encodes")
}
