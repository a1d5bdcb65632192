//! What no server of a package does.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use super::support::{PASSWORD, Project, free_port};

/// Answers each connection with these bytes, and stays silent then.
fn answering(bytes: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut stream = stream;
                let _ = stream.write_all(bytes);
                let mut sink = [0; 512];
                while stream.read(&mut sink).is_ok_and(|read| read > 0) {}
            });
        }
    });
    port
}

fn url(port: u16, query: &str) -> String {
    format!("postgres://app:{PASSWORD}@127.0.0.1:{port}/shop{query}")
}

pub fn no_server() -> Result<(), Failed> {
    let project = Project::new(("pg", "8.13.0"), "postgres");
    let said = project.ask(&url(free_port(), ""), "");
    said.is(&["gate-db-reach fail"], "nobody listens");
    assert_eq!(said.steps(), "dns ok, tcp failed");
    let said = project.ask(&format!("postgres://app:{PASSWORD}@no-such-host.invalid/shop"), "");
    said.is(&["gate-db-reach fail"], "has no address");
    assert_eq!(said.steps(), "dns failed");
    Ok(())
}

pub fn no_datastore() -> Result<(), Failed> {
    let project = Project::new(("pg", "8.13.0"), "postgres");
    let begun = Instant::now();
    let said = project.ask(&url(answering(b""), "?sslmode=no-verify"), "");
    said.is(&["gate-db-tls fail"], "did not answer to TLS");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    let said = project.ask(&url(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "?sslmode=no-verify"), "");
    said.is(&["gate-db-tls fail"], "not that of PostgreSQL");
    project
        .ask(&url(answering(b"N"), "?sslmode=no-verify"), "")
        .is(&["gate-db-tls fail"], "does not offer TLS");
    // A message that says that it is 4 GiB long.
    project.ask(&url(answering(b"R\xff\xff\xff\xff"), ""), "").is(&["gate-db-reach fail"], "no length");
    // Somebody who wants the password itself does not get it without TLS.
    let said = project.ask(&url(answering(b"R\0\0\0\x08\0\0\0\x03"), ""), "");
    said.is(&["gate-db-auth not_run"], "clear text");
    // And one who asks for work without end.
    let sasl = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0R\0\0\0\x21\0\0\0\x0br=x,s=eHg=,i=4294967295";
    let said = project.ask(&url(answering(sasl), ""), "");
    assert_eq!(said.found(), ["gate-db-reach fail"], "{}", said.text());
    let mysql = Project::new(("mysql2", "3.11.0"), "mysql");
    let refused = answering(b"\x15\0\0\0\xff\x6a\x04Host is not allowed");
    let at = format!("mysql://app:{PASSWORD}@127.0.0.1:{refused}/shop");
    mysql.ask(&at, "").is(&["gate-db-allowlist fail"], "does not admit the address");
    Ok(())
}

pub fn nothing_declared() -> Result<(), Failed> {
    let project = Project::new(("pg", "8.13.0"), "postgres");
    let said = project.ask_with(&[], "");
    said.is(&["gate-db-reach not_run"], "DATASTORE_URL has no value");
    Ok(())
}
