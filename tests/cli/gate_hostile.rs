//! `why500 gate` on projects that cannot be read in part, or that want to do harm: it ends, it does not crash, and what
//! could not be checked does not pass.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::support::{Dir, Ran};

const PACKAGE: &str = r#"{"dependencies":{"next":"16.4.0"}}"#;
const PLAIN: &str = "export const GET = () => new Response('ok');";
const EDGE: &str = "export const runtime = 'edge';\nexport const GET = () => new Response('ok');\n";

/// A project of these files.
fn project(files: &[(&str, &str)]) -> Dir {
    let dir = Dir::new();
    dir.file("p/package.json", PACKAGE);
    for (name, text) in files {
        dir.file(&format!("p/{name}"), text);
    }
    dir
}

/// Runs the gate, which has to end by itself.
fn gate(dir: &Dir, more: &[&str]) -> Ran {
    let args = [&["gate", "p"], more].concat();
    let mut command = dir.command(&args);
    let (out, err) = (dir.path("out.txt"), dir.path("err.txt"));
    command
        .stdout(std::fs::File::create(&out).expect("a file"))
        .stderr(std::fs::File::create(&err).expect("a file"));
    let mut child = command.stdin(Stdio::null()).spawn().expect("the program starts");
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if begun.elapsed() > Duration::from_secs(60) {
            child.kill().expect("ends");
            panic!("the gate does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let text = |path: &Path| std::fs::read_to_string(path).expect("a text");
    Ran { code: status.code(), stdout: text(&out), stderr: text(&err) }
}

fn verdict(dir: &Dir) -> Value {
    serde_json::from_str(&gate(dir, &["--format", "json"]).stdout).expect("JSON")
}

/// Checks that could not run, as `id subject severity`.
fn not_run(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().expect("checks").iter();
    let of = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    checks
        .filter(|check| check["state"] == "not_run")
        .map(|check| format!("{} {} {}", of(check, "id"), of(check, "subject"), of(check, "severity")))
        .collect()
}

#[test]
fn an_edge_route_that_cannot_be_read_fails() {
    let large = format!("{EDGE}//{}", "x".repeat(5 << 20));
    for route in ["export const runtime = 'edge';\nexport const = ;", &large] {
        let dir = project(&[("app/api/x/route.ts", route)]);
        gate(&dir, &[]).exits(1).shows("could not be read").shows("Gate failed");
        assert_eq!(not_run(&verdict(&dir)), ["gate-edge-node-module /api/x critical"]);
    }
    // Without a word of edge in it, it runs on Node.js, and what is not understood is only listed.
    let dir = project(&[("app/a/page.js", "export const = ;"), ("app/api/x/route.ts", PLAIN)]);
    gate(&dir, &[]).exits(0).shows("Not read: app/a/page.js");
}

#[test]
fn what_decides_on_edge_or_is_loaded_there_has_to_be_read() {
    let broken = "export const runtime = 'edge';\nexport const = ;";
    let dir = project(&[("app/layout.tsx", broken), ("app/page.tsx", "export default () => null;")]);
    gate(&dir, &[]).exits(1).shows("app/layout.tsx could not be read");
    let route = format!("import {{ a }} from '../../../lib/a';\n{}", EDGE.replace("'ok'", "a()"));
    let dir = project(&[("app/api/x/route.ts", &route), ("lib/a.ts", "export function a( {")]);
    gate(&dir, &[]).exits(1).shows("lib/a.ts could not be read");
    let dir = project(&[("middleware.ts", "export function ( {")]);
    gate(&dir, &[]).exits(1).shows("middleware.ts could not be read");
}

#[test]
fn deep_nesting_is_refused_and_not_a_crash() {
    for (open, close) in
        [("(", ")"), ("[", "]"), ("<a>", "</a>"), ("{a:", "}"), ("!", ""), ("a=>", ""), ("x+", "")]
    {
        let many = 100_000;
        let text = format!("{EDGE}const x = {}1{};", open.repeat(many), close.repeat(many));
        let dir = project(&[("app/api/x/route.tsx", &text)]);
        gate(&dir, &[]).exits(1).shows("nested too deeply");
    }
    // As deep as is allowed, it is read.
    for (open, close, times) in [
        ("(", ")", 990),
        ("[", "]", 990),
        ("<a>", "</a>", 9000),
        ("!", "", 19_000),
        ("x+", "", 19_000),
        ("a=>", "", 19_000),
    ] {
        let text = format!("{EDGE}const x = {}1{};", open.repeat(times), close.repeat(times));
        let ran = gate(&project(&[("app/api/x/route.tsx", &text)]), &[]);
        assert!(matches!(ran.code, Some(0 | 1)) && !ran.stdout.contains("too deeply"), "{open}: {ran:#?}");
    }
    let json = format!("{{\"name\":\"a\",\"exports\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let route = format!("import 'deep';\n{EDGE}");
    let dir = project(&[("app/api/x/route.ts", &route), ("node_modules/deep/package.json", &json)]);
    assert!(matches!(gate(&dir, &[]).code, Some(0 | 1)));
}

#[test]
fn without_a_route_nothing_passes() {
    let dir = project(&[("lib/a.ts", PLAIN)]);
    gate(&dir, &[]).exits(1).shows("Gate failed").shows("no route was found");
    assert_eq!(verdict(&dir)["verdict"], "failed");
    assert_eq!(not_run(&verdict(&dir)), ["gate-runtime-unreadable project critical"]);
}

/// What a key holds is shown, and is not another key's name.
#[test]
fn odd_names_of_keys_are_quoted() {
    let route = "export const GET = () => new Response(process.env['STRIPE\\u001b[0m_KEY']! + process.env['<b>A\\n::error::x']!);";
    let dir = project(&[("app/api/x/route.ts", route), (".vercel/.env.production.local", "A=1\n")]);
    for form in ["table", "github", "json"] {
        let ran = gate(&dir, &["--format", form]).exits(1);
        assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}']), "{ran:#?}");
        assert!(!ran.stdout.lines().any(|line| line.trim_start().starts_with("::error::x")), "{ran:#?}");
    }
    let text = gate(&dir, &[]).shows("\"STRIPE\\u{1b}[0m_KEY\"").stdout;
    assert!(!text.contains("STRIPE_KEY") && !text.contains("<b>"), "{text}");
    let report = verdict(&dir);
    let subjects: Vec<&str> = report["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .filter_map(|check| check["subject"].as_str())
        .collect();
    assert!(subjects.contains(&"STRIPE\u{1b}[0m_KEY"), "{subjects:?}");
}

/// Every file of a chain is read once, and every finding costs one walk.
#[test]
fn long_chains_take_linear_time() {
    let chain = |length: usize| {
        let dir = project(&[(
            "app/api/x/route.ts",
            &format!("import {{ f }} from '../../../lib/f0';\n{}", EDGE.replace("'ok'", "f()")),
        )]);
        for at in 0..length {
            let next = match at + 1 < length {
                true => format!(
                    "import {{ f as g }} from './f{}';\nexport const f = () => g() + process.env.KEY;\n",
                    at + 1
                ),
                false => "import fs from 'fs';\nexport const f = () => fs.readFileSync('x');\n".to_owned(),
            };
            dir.file(&format!("p/lib/f{at}.ts"), next);
        }
        let begun = Instant::now();
        gate(&dir, &[]).exits(1).shows("node:fs");
        begun.elapsed().as_millis().max(50)
    };
    let (short, long) = (chain(500), chain(4000));
    assert!(long < short * 24, "500 files: {short} ms, 4000 files: {long} ms");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    fn pipe(path: &Path) {
        let _ = std::fs::remove_file(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
    }

    fn zero(path: &Path) {
        let _ = std::fs::remove_file(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        symlink("/dev/zero", path).expect("a link");
    }

    #[test]
    fn pipes_and_devices_are_not_read() {
        let files: [(&str, i32); 9] = [
            ("package.json", 3),
            ("next.config.js", 1),
            ("app/api/x/route.ts", 1),
            ("middleware.ts", 1),
            ("pages/_app.tsx", 0),
            (".vercel/.env.production.local", 1),
            (".env", 0),
            ("tsconfig.json", 0),
            ("node_modules/next/package.json", 0),
        ];
        for put in [pipe, zero] {
            for (name, code) in files {
                let dir =
                    project(&[("app/api/y/route.ts", PLAIN), ("pages/a.tsx", "export default () => null;")]);
                put(&dir.path("p").join(name));
                let ran = gate(&dir, &[]);
                // A page that is not known to run on Node.js because its `_app` cannot be read does not run on edge.
                assert_eq!(ran.code, Some(code), "{name}: {ran:#?}");
            }
        }
        for name in ["lib/a.ts", "lib/package.json", "node_modules/a/package.json", "tsconfig.json"] {
            let route = format!("import '../../../lib/a';\nimport 'a';\n{EDGE}");
            let dir = project(&[("app/api/x/route.ts", &route), ("lib/b.ts", PLAIN)]);
            pipe(&dir.path("p").join(name));
            gate(&dir, &[]);
        }
    }

    #[test]
    fn links_do_not_lead_out_nor_in_circles() {
        let dir = project(&[("app/api/x/route.ts", PLAIN)]);
        symlink("/", dir.path("p/app/root")).expect("a link");
        symlink("..", dir.path("p/app/api/up")).expect("a link");
        symlink("/", dir.path("p/pages")).expect("a link");
        let ran = gate(&dir, &[])
            .exits(0)
            .shows("a link leads out of the workspace")
            .shows("a folder that holds it");
        assert!(ran.stdout.contains("1 route"), "{ran:#?}");
        // A file that a link brings in from outside is not read.
        dir.file("secret.ts", EDGE);
        std::fs::create_dir_all(dir.path("p/app/api/z")).expect("folders");
        symlink(dir.path("secret.ts"), dir.path("p/app/api/z/route.ts")).expect("a link");
        gate(&dir, &[]).exits(1).shows("a link leads out of the workspace");
    }

    /// Two links to each folder: each more doubles the ways.
    #[test]
    fn folders_are_counted() {
        let dir =
            project(&[("app/api/x/route.ts", PLAIN), ("parts/30/page.tsx", "export default () => null;")]);
        for at in 0..30 {
            let folder = dir.path(&format!("p/parts/{at}"));
            std::fs::create_dir_all(&folder).expect("folders");
            for name in ["a", "b"] {
                symlink(format!("../{}", at + 1), folder.join(name)).expect("a link");
            }
        }
        symlink("../parts/0", dir.path("p/app/many")).expect("a link");
        gate(&dir, &[]).exits(1).shows("more than 20000 folders");
    }
}
