//! Starting and ending servers, and asking the gate about them.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Completion, Failed, Trial};
use serde_json::Value;

/// Who servers run as where the tests run as root, which they refuse: `nobody`.
const NOBODY: u32 = 65534;

/// A password that must not be in any output.
pub const PASSWORD: &str = "correct-horse-7h1s-1s-n0t-shown";

/// A test that needs programs.
pub fn trial(name: &str, programs: &'static [&'static str], run: fn()) -> Trial {
    Trial::ignorable_test(name, move || {
        let absent: Vec<&str> = programs.iter().copied().filter(|name| program(name).is_none()).collect();
        if absent.is_empty() {
            run();
            return Ok(Completion::Completed);
        }
        let why = format!("not installed: {}", absent.join(", "));
        if std::env::var_os("CI").is_some_and(|value| !value.is_empty()) {
            return Err(Failed::from(format!("{why}; nothing is skipped where CI is set")));
        }
        Ok(Completion::ignored_with(format!("{why}; tests/datastores/install installs it")))
    })
}

/// Where a program is.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|entry| entry.path().join("bin")));
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// A folder that servers may write.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a folder"));
        folder.give(folder.path());
        folder
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn at(&self, name: &str) -> String {
        self.path().join(name).display().to_string()
    }

    /// Writes a file that only the server may read.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
        self.give(&path);
    }

    fn is_root(&self) -> bool {
        let own = fs::metadata(self.path()).expect("the folder").uid();
        own == 0 || own == NOBODY
    }

    fn give(&self, path: &Path) {
        if self.is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("an owner");
        }
    }

    /// A program that runs as who owns the folder.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name).expect("the program"));
        command.current_dir(self.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // MariaDB clears its folder for temporary tables when it starts, of those of others too.
        command.env("HOME", self.path()).env("TMPDIR", self.path());
        command.env_remove("PGHOST").env_remove("PGUSER");
        if self.is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Runs a program to its end.
    pub fn run(&self, name: &str, arguments: &[&str]) {
        let output = self
            .command(name)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {said}");
    }
}

/// A server, ended with what has it.
pub struct Server {
    child: Child,
    signal: &'static str,
    pub port: u16,
}

impl Server {
    /// Starts it and waits until its port answers.
    pub fn start(mut command: Command, signal: &'static str, port: u16) -> Server {
        let mut server = Server { child: command.spawn().expect("it starts"), signal, port };
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Ok(Some(status)) = server.child.try_wait() {
                panic!("the server ended while it started: {status}");
            }
            assert!(Instant::now() < end, "the server does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([&format!("-{signal}"), &id]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{signal}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args([&format!("-{}", self.signal), &id]).status();
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// A project with one datastore.
pub struct Project {
    dir: tempfile::TempDir,
    driver: String,
    kind: &'static str,
}

/// What the gate said.
pub struct Said {
    pub code: Option<i32>,
    pub report: Value,
}

impl Project {
    /// `driver`: a package and its version.
    pub fn new(driver: (&str, &str), kind: &'static str) -> Project {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("app/api/x")).expect("folders");
        let route = "export const GET = () => Response.json({ ok: true });\n";
        fs::write(dir.path().join("app/api/x/route.ts"), route).expect("a route");
        let package = format!(r#"{{"dependencies":{{"next":"16.4.0","{}":"{}"}}}}"#, driver.0, driver.1);
        fs::write(dir.path().join("package.json"), package).expect("package.json");
        Project { dir, driver: driver.0.to_owned(), kind }
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).expect("a file");
    }

    /// Asks the gate, with this URL in its environment and these lines in the manifest.
    pub fn ask(&self, url: &str, more: &str) -> Said {
        self.ask_with(&[("DATASTORE_URL", url)], more)
    }

    /// As [`Project::ask`], with another driver than the package's name.
    pub fn ask_as(mut self, driver: &str, url: &str) -> Said {
        driver.clone_into(&mut self.driver);
        self.ask(url, "")
    }

    pub fn ask_with(&self, environment: &[(&str, &str)], more: &str) -> Said {
        let (kind, driver) = (self.kind, &self.driver);
        let manifest = format!(
            "schema = \"why500/manifest/v1\"\n[datastore.main]\nkind = \"{kind}\"\nurl_env = \"DATASTORE_URL\"\ndriver = \"{driver}\"\n{more}\n"
        );
        self.write("why500.toml", &manifest);
        let seen = self.dir.path().join("seen.jsonl");
        let _ = fs::remove_file(&seen);
        let ask = |how: &[&str], environment: &[(&str, &str)]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_why500"));
            command.arg("gate").arg(self.dir.path()).args(how).arg(&seen).args(["--format", "json"]);
            command.env_remove("NODE_EXTRA_CA_CERTS").env_remove("DATASTORE_URL");
            command.envs(environment.iter().copied()).output().expect("the program runs")
        };
        let output = ask(&["--reach", "--record"], environment);
        let recorded = fs::read(&seen).expect("a transcript");
        let all = [output.stdout.as_slice(), output.stderr.as_slice(), recorded.as_slice()].concat();
        let all = String::from_utf8_lossy(&all);
        assert!(!all.contains(PASSWORD), "the password is in the output: {all}");
        // Without the URL and any connection the transcript gives the same.
        let again = ask(&["--transcript"], &[]);
        assert_eq!(again.status.code(), output.status.code());
        assert_eq!(String::from_utf8_lossy(&again.stdout), String::from_utf8_lossy(&output.stdout));
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {all}"));
        Said { code: output.status.code(), report }
    }
}

impl Said {
    /// Findings of datastores: `id state`.
    pub fn found(&self) -> Vec<String> {
        let checks = self.report["checks"].as_array().expect("checks");
        let found = checks.iter().filter(|check| {
            check["state"] != "pass" && check["id"].as_str().is_some_and(|id| id.starts_with("gate-db"))
        });
        found
            .map(|check| {
                format!("{} {}", check["id"].as_str().unwrap_or(""), check["state"].as_str().unwrap_or(""))
            })
            .collect()
    }

    /// Messages of findings.
    pub fn text(&self) -> String {
        let checks = self.report["checks"].as_array().expect("checks");
        let found = checks.iter().filter(|check| {
            check["state"] != "pass" && check["id"].as_str().is_some_and(|id| id.starts_with("gate-db"))
        });
        found.map(|check| format!("{}\n", check["message"].as_str().unwrap_or(""))).collect()
    }

    /// Steps: `dns ok, tcp ok, login failed`.
    pub fn steps(&self) -> String {
        let steps = self.report["datastores"][0]["steps"].as_array().expect("steps");
        let outcome = |step: &Value| match &step["outcome"] {
            Value::String(text) => text.clone(),
            Value::Object(one) => one.keys().next().cloned().unwrap_or_default(),
            _ => String::new(),
        };
        steps
            .iter()
            .map(|step| format!("{} {}", step["step"].as_str().unwrap_or(""), outcome(step)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Holds the findings, and a part of what is said.
    pub fn is(&self, found: &[&str], part: &str) {
        assert_eq!(self.found(), found, "{}{}", self.text(), self.steps());
        assert!(self.text().contains(part), "{part}: {}", self.text());
        let fails = found.iter().any(|one| one.ends_with("fail"));
        assert_eq!(self.code == Some(1), fails || self.is_not_run(), "{:?} {}", self.code, self.text());
    }

    fn is_not_run(&self) -> bool {
        let checks = self.report["checks"].as_array().expect("checks");
        checks.iter().any(|check| check["state"] == "not_run" && check["severity"] == "critical")
    }

    pub fn capacity(&self) -> &Value {
        &self.report["datastores"][0]["capacity"]
    }
}

/// All steps of a way without fault.
pub const ALL: &str = "dns ok, tcp ok, tls ok, login ok, capacity ok";
