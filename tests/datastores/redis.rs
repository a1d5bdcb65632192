//! Redis with a port for TLS and one without, and a password.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use super::certificates::{Authority, FAR};
use super::support::{ALL, Folder, PASSWORD, Project, Server, free_port};

struct Redis {
    authority: Authority,
    server: Server,
    plain: u16,
    _folder: Folder,
}

fn start(clients: u32) -> Redis {
    let (folder, authority) = (Folder::new(), Authority::new());
    let pair = authority.pair("localhost", FAR);
    folder.write("server.crt", &pair.certificate);
    folder.write("server.key", &pair.key);
    folder.write("ca.pem", &authority.pem);
    let (plain, port) = (free_port(), free_port());
    // In a file, for arguments can be seen by others.
    let text = format!(
        "bind 127.0.0.1\nport {plain}\ntls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\n\
         tls-auth-clients no\nrequirepass {PASSWORD}\nmaxclients {clients}\nsave \"\"\nappendonly no\n",
        folder.at("server.crt"),
        folder.at("server.key"),
        folder.at("ca.pem"),
    );
    folder.write("redis.conf", &text);
    let mut command = folder.command("redis-server");
    command.arg(folder.at("redis.conf"));
    Redis { authority, server: Server::start(command, "TERM", port), plain, _folder: folder }
}

pub fn tls_and_password() {
    let redis = start(20);
    let project = Project::new(("ioredis", "5.4.0"), "redis");
    project.write("ca.pem", &redis.authority.pem);
    let url = |scheme: &str, port: u16| format!("{scheme}://:{PASSWORD}@localhost:{port}");

    let said = project.ask(&url("rediss", redis.server.port), "");
    said.is(&["gate-db-tls fail"], "which the driver does not trust");
    let secure = url("rediss", redis.server.port);
    let told = [("DATASTORE_URL", secure.as_str()), ("NODE_EXTRA_CA_CERTS", "ca.pem")];
    let said = project.ask_with(&told, "ca_file = \"ca.pem\"\ntls = \"verify-full\"");
    said.is(&[], "");
    assert_eq!(said.steps(), ALL);
    assert_eq!(said.capacity()["max"], 20);
    // Each protocol at the other's port.
    let said = project.ask(&url("redis", redis.server.port), "");
    said.is(&["gate-db-tls fail"], "which has no TLS");
    let said = project.ask(&url("rediss", redis.plain), "");
    assert_eq!(said.found(), ["gate-db-tls fail"], "{}", said.text());
    // The password.
    project.ask(&url("redis", redis.plain), "").is(&[], "");
    let none = format!("redis://localhost:{}", redis.plain);
    project.ask(&none, "").is(&["gate-db-auth fail"], "NOAUTH");
    let wrong = url("redis", redis.plain).replace(PASSWORD, "another");
    project.ask(&wrong, "").is(&["gate-db-auth fail"], "WRONGPASS");
}

/// A connection that the server has taken. The one that showed that it runs may be counted for a moment yet.
fn hold(port: u16) -> TcpStream {
    for _ in 0..200 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.write_all(b"PING\r\n").expect("a word");
        let mut answer = [0; 7];
        if stream.read_exact(&mut answer).is_ok() && &answer == b"-NOAUTH" {
            return stream;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("no connection is taken");
}

pub fn full() {
    let redis = start(3);
    let project = Project::new(("redis", "4.7.0"), "redis");
    let held: Vec<TcpStream> = (0..3).map(|_| hold(redis.plain)).collect();
    let url = format!("redis://:{PASSWORD}@localhost:{}", redis.plain);
    project.ask(&url, "").is(&["gate-db-capacity fail"], "max number of clients reached");
    drop(held);
}
