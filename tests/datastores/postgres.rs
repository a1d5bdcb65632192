//! PostgreSQL that admits TLS only, its certificates, and one without a connection left.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::certificates::{Authority, FAR};
use super::support::{ALL, Folder, PASSWORD, Project, Server, free_port};

/// A server with TLS, a role `app` (SCRAM) and a role `old` (MD5).
pub struct Postgres {
    pub folder: Folder,
    pub authority: Authority,
    pub server: Server,
}

impl Postgres {
    pub fn start(slots: u32, access: &str) -> Postgres {
        let (folder, authority, port) = (Folder::new(), Authority::new(), free_port());
        folder.run(
            "initdb",
            &["-D", &folder.at("data"), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"],
        );
        let pair = authority.pair("localhost", FAR);
        folder.write("server.crt", &pair.certificate);
        folder.write("server.key", &pair.key);
        folder.write("pg_hba.conf", &format!("local all all trust\n{access}\n"));
        let settings = [
            ("port", port.to_string()),
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("unix_socket_directories", folder.at("")),
            ("max_connections", slots.to_string()),
            ("superuser_reserved_connections", "3".to_owned()),
            ("fsync", "off".to_owned()),
            ("ssl", "on".to_owned()),
            ("ssl_cert_file", folder.at("server.crt")),
            ("ssl_key_file", folder.at("server.key")),
            ("hba_file", folder.at("pg_hba.conf")),
            ("max_wal_senders", "0".to_owned()),
        ];
        let mut command = folder.command("postgres");
        command.args(["-D", &folder.at("data")]);
        for (name, value) in &settings {
            command.args(["-c", &format!("{name}={value}")]);
        }
        let server = Server::start(command, "INT", port);
        let postgres = Postgres { folder, authority, server };
        postgres.wait();
        postgres.sql(&format!("CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'"));
        postgres
            .sql(&format!("SET password_encryption = 'md5'; CREATE ROLE old LOGIN PASSWORD '{PASSWORD}'"));
        postgres.sql("CREATE DATABASE shop");
        postgres
    }

    /// The port answers a little before queries are.
    fn wait(&self) {
        for _ in 0..100 {
            let mut psql = self.folder.command("psql");
            let port = self.server.port.to_string();
            psql.args(["-h", &self.folder.at(""), "-p", &port, "-U", "postgres", "-c", "SELECT 1"]);
            if psql.status().is_ok_and(|status| status.success()) {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("PostgreSQL does not begin to answer");
    }

    pub fn sql(&self, text: &str) {
        let port = self.server.port.to_string();
        let arguments =
            ["-h", &self.folder.at(""), "-p", &port, "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c", text];
        self.folder.run("psql", &arguments);
    }

    /// The first value that a query gives.
    pub fn value(&self, text: &str) -> String {
        let port = self.server.port.to_string();
        let mut psql = self.folder.command("psql");
        psql.args(["-h", &self.folder.at(""), "-p", &port, "-U", "postgres", "-At", "-c", text]);
        let output = psql.stdout(Stdio::piped()).output().expect("psql");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Waits until a query gives this.
    pub fn until(&self, text: &str, wanted: impl Fn(&str) -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !wanted(&self.value(text)) {
            assert!(Instant::now() < end, "{text}: {}", self.value(text));
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Has the server read its files again, and waits until new connections are served by them.
    pub fn reload(&self) {
        const LOADED: &str = "SELECT pg_conf_load_time()";
        let before = self.value(LOADED);
        self.server.signal("HUP");
        self.until(LOADED, |now| now != before);
    }

    pub fn url(&self, who: &str, query: &str) -> String {
        format!("postgres://{who}@localhost:{}/shop{query}", self.server.port)
    }
}

/// Connections that are held until they are dropped.
pub struct Held(Vec<Child>);

impl Held {
    /// Opens them at a port, which may be that of a pooler in front of the server, and waits until all are there.
    pub fn new(postgres: &Postgres, count: usize, port: u16, user: &str) -> Held {
        let port = port.to_string();
        let hold = |_: usize| {
            let mut psql = postgres.folder.command("psql");
            psql.env("PGPASSWORD", PASSWORD);
            psql.args([
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "-U",
                user,
                "-d",
                "shop",
                "-c",
                "SELECT pg_sleep(60)",
            ]);
            psql.spawn().expect("psql")
        };
        let mut held = Held((0..count).map(hold).collect());
        let busy = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'";
        let end = Instant::now() + Duration::from_secs(30);
        while postgres.value(busy) != count.to_string() {
            assert!(Instant::now() < end, "the connections cannot be held");
            thread::sleep(Duration::from_millis(200));
            // Asking took a slot itself, which may have been the last.
            for child in &mut held.0 {
                if !matches!(child.try_wait(), Ok(None)) {
                    *child = hold(0);
                }
            }
        }
        held
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

const HOSTSSL: &str = "hostssl all old 127.0.0.1/32 md5\nhostssl all all 127.0.0.1/32 scram-sha-256";

pub fn hostssl_only() {
    let postgres = Postgres::start(20, HOSTSSL);
    let project = Project::new(("pg", "8.13.0"), "postgres");
    project.write("ca.pem", &postgres.authority.pem);
    let app = format!("app:{PASSWORD}");

    let said = project.ask(&postgres.url(&app, ""), "");
    said.is(&["gate-db-tls fail"], "requires TLS");
    assert_eq!(said.steps(), "dns ok, tcp ok, tls not_run, login failed");

    let said =
        project.ask(&postgres.url(&app, "?sslmode=verify-full&sslrootcert=ca.pem"), "tls = \"verify-full\"");
    said.is(&[], "");
    assert_eq!(said.steps(), ALL);
    assert_eq!(said.report["datastores"][0]["tls"], "TLS 1.3");
    assert_eq!((&said.capacity()["max"], &said.capacity()["reserved"]), (&20.into(), &3.into()));

    project.ask(&postgres.url(&app, "?sslmode=no-verify"), "").is(&[], "");
    let old = format!("old:{PASSWORD}");
    let said = project.ask(&postgres.url(&old, "?sslmode=no-verify"), "");
    said.is(&[], "");
    assert_eq!(said.steps(), ALL);

    let said = project.ask(&postgres.url(&format!("app:not-{PASSWORD}"), "?sslmode=no-verify"), "");
    said.is(&["gate-db-auth fail"], "28P01 password authentication failed for user");
    let absent = postgres.url(&app, "?sslmode=no-verify").replace("/shop", "/absent");
    project.ask(&absent, "").is(&["gate-db-reach fail"], "does not have the database");
    let said = project.ask(&postgres.url(&app, "?sslmode=no-verify"), "login = false");
    said.is(&[], "");
    assert_eq!(said.steps(), "dns ok, tcp ok, tls ok, login not_run");

    // Pools against what the server says of itself.
    let service = "[[service]]\nname = \"web\"\ndatastore = \"main\"\ninstances_max = 4";
    let said = project.ask(&postgres.url(&app, "?sslmode=no-verify"), service);
    said.is(
        &["gate-db-capacity fail"],
        "web 4 × 10 = 40 > 17 usable connections of main (as the server says)",
    );

    // Other drivers understand the same words otherwise.
    let project = Project::new(("postgres", "3.4.5"), "postgres");
    project.ask(&postgres.url(&app, "?sslmode=require"), "").is(&[], "");
    let project = Project::new(("@prisma/client", "6.2.0"), "postgres");
    project.write("package.json", r#"{"dependencies":{"next":"16.4.0","@prisma/client":"6.2.0"}}"#);
    project.ask_as("prisma", &postgres.url(&app, "")).is(&[], "");
}

pub fn certificates() {
    let postgres = Postgres::start(20, HOSTSSL);
    let project = Project::new(("pg", "8.13.0"), "postgres");
    project.write("ca.pem", &postgres.authority.pem);
    let app = format!("app:{PASSWORD}");
    let rooted = postgres.url(&app, "?sslmode=verify-full&sslrootcert=ca.pem");

    // A private authority that nobody told the driver of.
    let said = project.ask(&postgres.url(&app, "?sslmode=verify-full"), "");
    said.is(&["gate-db-tls fail"], "which the driver does not trust");
    assert_eq!(said.steps(), "dns ok, tcp ok, tls failed");
    let told = [
        ("DATASTORE_URL", postgres.url(&app, "?sslmode=verify-full")),
        ("NODE_EXTRA_CA_CERTS", "ca.pem".to_owned()),
    ];
    let told: Vec<(&str, &str)> = told.iter().map(|(name, value)| (*name, value.as_str())).collect();
    project.ask_with(&told, "ca_file = \"ca.pem\"").is(&[], "");

    let show = |name: &str, until: i32| {
        let pair = postgres.authority.pair(name, until);
        postgres.folder.write("server.crt", &pair.certificate);
        postgres.folder.write("server.key", &pair.key);
        postgres.reload();
    };
    show("localhost", 2021);
    project.ask(&rooted, "").is(&["gate-db-cert fail"], "ended on 2021-01-01");
    // Who verifies nothing connects, for now.
    let said = project.ask(&postgres.url(&app, "?sslmode=no-verify"), "");
    said.is(&["gate-db-cert warn"], "ended on 2021-01-01");
    assert_eq!(said.steps(), ALL);
    show("db.example.com", FAR);
    project.ask(&rooted, "").is(&["gate-db-cert fail"], "is for db.example.com");
    show("localhost", FAR);
    project.ask(&rooted, "").is(&[], "");
}

pub fn full() {
    let postgres = Postgres::start(6, HOSTSSL);
    let project = Project::new(("pg", "8.13.0"), "postgres");
    let held = Held::new(&postgres, 3, postgres.server.port, "app");
    let url = postgres.url(&format!("app:{PASSWORD}"), "?sslmode=no-verify");
    project.ask(&url, "").is(&["gate-db-capacity fail"], "has no connection left: 53300");
    drop(held);
}
