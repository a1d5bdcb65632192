//! PgBouncer in front of PostgreSQL.

use super::postgres::{Held, Postgres};
use super::support::{PASSWORD, Project, Server, free_port};

fn start(postgres: &Postgres, clients: u32, more: &str) -> Server {
    let port = free_port();
    let folder = &postgres.folder;
    folder.write("users.txt", &format!("\"app\" \"{PASSWORD}\"\n"));
    let text = format!(
        "[databases]\nshop = host=127.0.0.1 port={} dbname=shop\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\nmax_client_conn = {clients}\npool_mode = transaction\n{more}\n",
        postgres.server.port,
        folder.at("users.txt"),
    );
    folder.write("pgbouncer.ini", &text);
    let mut command = folder.command("pgbouncer");
    command.arg(folder.at("pgbouncer.ini"));
    Server::start(command, "INT", port)
}

const OPEN: &str = "host all all 127.0.0.1/32 scram-sha-256";

pub fn without_tls() {
    let postgres = Postgres::start(20, OPEN);
    let bouncer = start(&postgres, 30, "stats_users = app");
    let project = Project::new(("pg", "8.13.0"), "pgbouncer");
    let url = |query: &str| format!("postgres://app:{PASSWORD}@localhost:{}/shop{query}", bouncer.port);
    let said = project.ask(&url("?sslmode=no-verify"), "");
    said.is(&["gate-db-tls fail"], "client_tls_sslmode");
    assert_eq!(said.steps(), "dns ok, tcp ok, tls failed");
    let said = project.ask(&url(""), "");
    said.is(&[], "");
    assert_eq!(said.steps(), "dns ok, tcp ok, tls not_run, login ok, capacity ok");
    assert_eq!((&said.capacity()["max"], &said.capacity()["pool_mode"]), (&30.into(), &"transaction".into()));
    // The pooler's own limit counts, and its way of pooling.
    let service = "[[service]]\nname = \"web\"\ndatastore = \"main\"\ninstances_max = 4";
    project.ask(&url(""), service).is(&["gate-db-capacity fail"], "40 > 30 usable connections");
    let project = Project::new(("postgres", "3.4.5"), "pgbouncer");
    project.ask(&url(""), "").is(&["gate-db-pooler-mode warn"], "prepared statements");
    let wrong = url("").replace(PASSWORD, "another");
    project.ask(&wrong, "").is(&["gate-db-auth fail"], "does not take the credentials");
}

pub fn full() {
    let postgres = Postgres::start(20, OPEN);
    let bouncer = start(&postgres, 2, "");
    let project = Project::new(("pg", "8.13.0"), "pgbouncer");
    let url = format!("postgres://app:{PASSWORD}@localhost:{}/shop", bouncer.port);
    // Its limits are told to its administrators only, so that they must be declared.
    let said = project.ask(&url, "");
    said.is(&["gate-db-capacity not_run"], "administrators only");
    project.ask(&url, "max_connections = 2").is(&[], "");
    let held = Held::new(&postgres, 2, bouncer.port, "app");
    project.ask(&url, "").is(&["gate-db-capacity fail"], "no more connections allowed");
    drop(held);
}
