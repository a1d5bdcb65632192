//! `why500 gate --reach` against real datastores from Debian's packages (postgresql, pgbouncer, mariadb-server,
//! redis-server), each started here on a free port in a folder of its own and ended by its own id. What is not installed is
//! named as ignored; where `CI` is set it fails.

mod bouncer;
mod certificates;
mod faults;
mod maria;
mod postgres;
mod redis;
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![
        support::trial("postgresql: hostssl only", &["postgres", "psql"], postgres::hostssl_only),
        support::trial("postgresql: certificates", &["postgres", "psql"], postgres::certificates),
        support::trial("postgresql: full", &["postgres", "psql"], postgres::full),
        support::trial(
            "pgbouncer: no TLS for clients",
            &["postgres", "psql", "pgbouncer"],
            bouncer::without_tls,
        ),
        support::trial("pgbouncer: full", &["postgres", "psql", "pgbouncer"], bouncer::full),
        support::trial(
            "mariadb: secure transport only",
            &["mariadbd", "mariadb-install-db"],
            maria::secure_transport,
        ),
        support::trial("redis: TLS and a password", &["redis-server"], redis::tls_and_password),
        support::trial("redis: full", &["redis-server"], redis::full),
        Trial::test("faults: no server at all", faults::no_server),
        Trial::test("faults: servers that are none", faults::no_datastore),
        Trial::test("faults: nothing is declared or set", faults::nothing_declared),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}
