//! `why500 gate --reach` beside the other steps: one transcript for all, and what cannot be asked for. Real datastores are
//! in `tests/datastores`.

use std::net::TcpListener;

use super::gate_live::server::{Reply, Server};
use super::support::Dir;

const MANIFEST: &str = r#"schema = "why500/manifest/v1"

[datastore.main]
kind = "postgres"
url_env = "DATABASE_URL"

[[family]]
name = "api"
routes = ["/api/**"]
owner = "shop"
datastores = ["main"]

[[family.probe]]
name = "prices"
request = { path = "/api/prices" }
expect = { status = 200 }
"#;

fn project() -> Dir {
    let dir = Dir::new();
    let route = "import { Pool } from 'pg';\nnew Pool(process.env.DATABASE_URL);\nexport const GET = () => new Response('ok');";
    dir.file("package.json", r#"{"dependencies":{"next":"16.4.0","pg":"8.13.0"}}"#)
        .file("app/api/prices/route.ts", route)
        .file("why500.toml", MANIFEST);
    dir
}

/// A place where nobody listens.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").to_string()
}

#[test]
fn one_transcript_holds_datastores_and_probes() {
    let dir = project();
    let server = Server::start(|_| Reply::json(500, r#"{"error":"x"}"#));
    let url = format!("postgres://teller:hunter2-s3cret@{}/vault", nobody());
    for format in ["json", "table"] {
        let file = format!("seen-{format}.jsonl");
        let both =
            ["gate", "--reach", "--live", &server.url(), "--record", &file, "--require-phase", "live,reach"];
        let mut command = dir.command(&[&both[..], &["--format", format]].concat());
        let first = super::support::Ran::from(command.env("DATABASE_URL", &url).output().expect("it runs"));
        let first = first.exits(1).shows("gate-db-reach").shows("gate-live-status");
        let recorded = std::fs::read_to_string(dir.path(&file)).expect("a transcript");
        for secret in ["hunter2", "teller", "vault"] {
            assert!(!recorded.contains(secret) && !first.stdout.contains(secret), "{secret}: {recorded}");
        }
        let again =
            dir.run(&["gate", "--transcript", &file, "--require-phase", "live,reach", "--format", format]);
        assert_eq!(again.exits(1).stdout, first.stdout, "{format}");
    }
    for format in ["sarif", "junit", "github", "markdown"] {
        dir.run(&["gate", "--transcript", "seen-json.jsonl", "--format", format])
            .exits(1)
            .shows("gate-db-reach");
    }
    let report = dir.run(&["gate", "--transcript", "seen-json.jsonl", "--format", "json"]).exits(1).stdout;
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["phase"], "reach,live");
    assert_eq!(report["datastores"][0]["name"], "main");
    assert_eq!(report["routes"][0]["datastores"][0], "main");
    // What was seen of another URL says nothing of this one.
    dir.file(".env.production", "DATABASE_URL=postgres://a@db.example.com/c\n");
    let later = ["gate", "--transcript", "seen-json.jsonl"];
    dir.run(&later).exits(1).shows("record the transcript anew").shows("gate-live-status");
}

#[test]
fn a_url_of_a_file_gives_the_same_twice() {
    let dir = project();
    dir.file(
        ".env.production",
        format!("DATABASE_URL=postgres://teller:hunter2-s3cret@{}/vault\n", nobody()),
    );
    for format in ["json", "table"] {
        let file = format!("seen-{format}.jsonl");
        let first = dir.run(&["gate", "--reach", "--record", &file, "--format", format]).exits(1);
        let first = first.shows("gate-db-reach").shows(".env.production");
        let again = dir.run(&["gate", "--transcript", &file, "--format", format]).exits(1);
        assert_eq!(again.stdout, first.stdout, "{format}");
        assert!(!first.stdout.contains("hunter2"), "{}", first.stdout);
    }
}

#[test]
fn what_cannot_be_reached_is_said_with_its_exit_code() {
    let dir = project();
    dir.run(&["gate", "--reach", "--transcript", "x"]).exits(2);
    dir.run(&["gate", "--reach", "--after", "--logs", "x"]).exits(2);
    dir.run(&["gate", "--reach", "--record", "why500.toml"]).exits(2).says("is there already");
    dir.run(&["gate", "--reach"]).exits(1).shows("DATABASE_URL has no value");
    dir.run(&["gate", "--require-phase", "reach"]).exits(1).shows("the step reach was required");
    dir.run(&["gate"]).exits(0);
    std::fs::remove_file(dir.path("why500.toml")).expect("removed");
    dir.run(&["gate", "--reach"]).exits(1).shows("no datastore is declared");
}
