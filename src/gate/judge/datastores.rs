//! Datastores: what a URL asks of its driver against what production needs, and how many connections services may open
//! against how many there are. Works on what was asked ([`Asked`]); what `--reach` saw is judged in [`super::reached`].

use std::collections::BTreeMap;

use super::checks::About;
use super::declared::MALFORMED;
use super::reach::Certainty;
use super::simple;
use crate::gate::drivers::{Bite, Encryption, Meaning, Verification, default_pool};
use crate::gate::manifest::Manifest;
use crate::gate::manifest::datastore::{Datastore, Driver, PoolMode, Service, Store, Tls};
use crate::gate::reach::seen::{Asked, Capacity};
use crate::gate::report::model::{Check, Evidence, Severity, State};

/// A check of datastores: what it prevents stands in logs as connectivity.
pub(super) const fn about(
    id: &'static str,
    subclass: &'static str,
    prevents: &'static [&'static str],
    prevention: &'static str,
) -> About {
    About { id, class: "connectivity", subclass, prevents, prevention }
}

/// TLS that is required and not configured, or configured otherwise than the driver understands it.
pub const TLS: About = about(
    "gate-db-tls",
    "ssl",
    &[
        "database-requires-tls",
        "database-without-tls",
        "tls-untrusted-issuer",
        "tls-plaintext-mismatch",
        "tls-handshake-refused",
    ],
    "Say sslmode as the driver understands it, and test it against production's server before a release.",
);
/// More connections than there are.
pub const CAPACITY: About = about(
    "gate-db-capacity",
    "pool",
    &[
        "postgres-too-many-connections",
        "mysql-too-many-connections",
        "pooler-connections-exhausted",
        "redis-max-clients",
        "prisma-pool-timeout",
    ],
    "Change pools, instances and the server's limit together.",
);
/// A driver that keeps statements on a connection that a pooler gives to others.
pub const POOLER: About = about(
    "gate-db-pooler-mode",
    "pool",
    &["pooler-prepared-statement"],
    "Tell the driver that a pooler stands between it and the server.",
);

/// The checks of datastores that need no connection, in the order of reports.
pub const DATASTORES: &[About] = &[TLS, CAPACITY, POOLER];

/// Slots that PostgreSQL keeps for administrators unless it is told otherwise.
const RESERVED_BY_POSTGRES: u32 = 3;
/// Part of the usable connections from which on a warning is due.
const NEARLY_FULL: f64 = 0.8;

/// Judges what was asked. `limits`: what servers said of theirs, by the name of the datastore.
pub fn judge(asked: &[Asked], manifest: Option<&Manifest>, limits: &BTreeMap<&str, &Capacity>) -> Vec<Check> {
    let mut found = Vec::new();
    for one in asked {
        let declared = manifest.and_then(|manifest| manifest.datastores.get(&one.name));
        let declared = declared.filter(|_| one.declared);
        let limit = limits.get(one.name.as_str()).copied();
        found.extend(unreadable(one));
        found.extend(tls(one, declared));
        found.extend(pooler(one, declared, limit));
        if let (Some(declared), Some(manifest)) = (declared, manifest) {
            found.extend(capacity(one, declared, &manifest.services, limit));
        }
    }
    found
}

/// A value that no driver can take apart.
fn unreadable(asked: &Asked) -> Option<Check> {
    let why = asked.wrong.as_ref()?;
    let origin = asked.origin.as_deref().unwrap_or_default();
    let message = format!("{} in production {why}: {}", asked.key, place(origin, asked.line));
    let fix = format!("correct {} in production", asked.key);
    Some(at(simple(MALFORMED, Severity::Critical, &asked.key, message, &fix), asked))
}

fn tls(asked: &Asked, declared: Option<&Datastore>) -> Vec<Check> {
    let wanted = declared.and_then(|declared| declared.tls);
    let Some(meaning) = &asked.meaning else {
        return wanted.and_then(|_| untold(asked)).into_iter().collect();
    };
    let mut found = Vec::new();
    let who = reader(asked);
    // Options in the code may change what the URL leaves open, and in most drivers also what it says.
    let doubt = asked.code.as_ref().filter(|_| !meaning.wins);
    let unless = match doubt {
        Some((file, line)) => format!("; unless the options in {file}:{line} say otherwise"),
        None => String::new(),
    };
    let graded = |severity: Severity| match (severity, doubt) {
        (Severity::Critical, Some(_)) => (Severity::Warning, Certainty::Likely),
        (severity, Some(_)) => (severity, Certainty::Likely),
        (severity, None) => (severity, Certainty::Certain),
    };
    let mut finding = |severity: Severity, message: String, fix: &str| {
        let (severity, certainty) = graded(severity);
        let mut check = simple(TLS, severity, &asked.name, format!("{message}{unless}"), fix);
        check.certainty = Some(certainty);
        found.push(at(check, asked));
    };
    for trap in &meaning.traps {
        let severity = match trap.bite {
            Bite::Breaks => Severity::Critical,
            Bite::Misleads => Severity::Warning,
            Bite::Shifts => Severity::Note,
        };
        finding(severity, format!("{}: {}", asked.key, trap.text), &trap.fix);
    }
    if let Some(wanted) = wanted {
        let needs = format!("{} needs TLS ({})", asked.name, wanted.as_str());
        let fix = remedy(asked, wanted);
        if meaning.encryption == Encryption::None {
            let silent = if meaning.explicit { "as its URL says" } else { "for its URL says nothing of TLS" };
            finding(Severity::Critical, format!("{needs}, and {who} connects without it, {silent}"), &fix);
        } else if !meaning.encrypts() {
            let message = format!("{needs}, and {who} goes on without it where the server does not offer it");
            finding(Severity::Warning, message, &fix);
        } else if !meaning.verifies(wanted) {
            finding(Severity::Warning, format!("{needs}, and {who} {}", meaning.words()), &fix);
        }
    }
    if let Some(private) = private_authority(asked, declared, meaning) {
        let replaced = match (&asked.code, meaning.wins) {
            (Some((file, line)), true) => {
                format!("; what the URL says replaces the options in {file}:{line}")
            }
            _ => String::new(),
        };
        let severity = match declared.is_some() && meaning.wins {
            true => Severity::Critical,
            false => Severity::Warning,
        };
        let message = format!("{who} verifies the certificate, and {private}{replaced}");
        finding(
            severity,
            message,
            "name the authority's file in the URL (sslrootcert) or in NODE_EXTRA_CA_CERTS",
        );
    }
    found
}

/// Why the certificate's authority is none that the driver knows, if that is so.
fn private_authority(asked: &Asked, declared: Option<&Datastore>, meaning: &Meaning) -> Option<String> {
    let verifies = meaning.encryption != Encryption::None && meaning.verification >= Verification::Chain;
    // Options in the code may name the authority, where they count.
    let may_be_told = asked.code.is_some() && !meaning.wins;
    if !verifies || meaning.ca.is_some() || asked.extra_roots || may_be_told {
        return None;
    }
    if declared.is_some_and(|declared| declared.ca_file.is_some()) {
        return Some("its authority is a private one (ca_file), which the driver is not told of".to_owned());
    }
    // Providers whose databases have certificates of an authority of their own.
    let own = [".rds.amazonaws.com", ".db.ondigitalocean.com", ".aivencloud.com", ".pooler.supabase.com"];
    let is_proxy = asked.host.contains(".proxy-");
    let own = own.iter().find(|end| asked.host.ends_with(**end)).filter(|_| !is_proxy)?;
    Some(format!("servers under *{own} have certificates of an authority that Node.js does not know"))
}

fn untold(asked: &Asked) -> Option<Check> {
    let (message, fix) = match (&asked.origin, &asked.wrong) {
        (_, Some(_)) => return None,
        (None, None) => (
            format!("TLS of {} could not be judged: {} has no value here", asked.name, asked.key),
            format!(
                "set {} in the environment of the gate and say --reach, or name a file in [env.snapshots]",
                asked.key
            ),
        ),
        (Some(_), None) => (
            format!(
                "TLS of {} could not be judged: which driver reads {} is not told",
                asked.name, asked.key
            ),
            format!("name it in the manifest: driver = {}", drivers(asked.store)),
        ),
    };
    let mut check = simple(TLS, Severity::Warning, &asked.name, message, &fix);
    check.state = State::NotRun;
    Some(check)
}

/// Drivers for a kind of server, as the manifest names them.
fn drivers(store: Store) -> &'static str {
    match store {
        Store::Postgres | Store::Pgbouncer => "\"pg\", \"postgres\" or \"prisma\"",
        Store::Mysql | Store::Mariadb => "\"mysql2\", \"mariadb\" or \"prisma\"",
        Store::Redis => "\"ioredis\" or \"redis\"",
    }
}

/// What to write so that the driver does what is wanted.
fn remedy(asked: &Asked, wanted: Tls) -> String {
    let driver = asked.driver.as_ref().map(|installed| (installed.driver, installed.version));
    match driver {
        Some((Driver::NodePostgres, _)) if wanted == Tls::Require => {
            format!("write sslmode=no-verify in {} (or verify-full, which is better)", asked.key)
        }
        Some((Driver::NodePostgres | Driver::PostgresJs, _)) if wanted != Tls::Require => {
            format!("write sslmode=verify-full in {}", asked.key)
        }
        Some((Driver::PostgresJs, _)) => format!("write sslmode=require in {}", asked.key),
        Some((Driver::Prisma, _)) if wanted == Tls::Require => {
            format!("write sslmode=require in {} (MySQL: sslaccept=accept_invalid_certs)", asked.key)
        }
        Some((Driver::Prisma, _)) => format!("write sslmode=require&sslaccept=strict in {}", asked.key),
        Some((Driver::Mysql2, _)) => {
            "pass ssl: { rejectUnauthorized: true, verifyIdentity: true } to mysql2".to_owned()
        }
        Some((Driver::Mariadb, _)) => format!("write ssl=true in {}", asked.key),
        Some((Driver::Ioredis | Driver::NodeRedis, _)) => format!("write rediss:// in {}", asked.key),
        _ => format!("ask for TLS in {}", asked.key),
    }
}

fn pooler(asked: &Asked, declared: Option<&Datastore>, limit: Option<&Capacity>) -> Option<Check> {
    asked.meaning.as_ref().filter(|meaning| meaning.prepares)?;
    if limit.and_then(|limit| limit.prepared).is_some_and(|kept| kept > 0) {
        return None;
    }
    let mode = limit.and_then(|limit| limit.pool_mode).or(declared.and_then(|declared| declared.pool_mode));
    let by_port = asked.host.ends_with(".pooler.supabase.com") && asked.port == 6543;
    let shares = matches!(mode, Some(PoolMode::Transaction | PoolMode::Statement)) || by_port;
    if !shares || matches!(asked.store, Store::Mysql | Store::Mariadb | Store::Redis) {
        return None;
    }
    let fix = match asked.driver.as_ref().map(|installed| installed.driver) {
        Some(Driver::Prisma) => format!("add pgbouncer=true to {}", asked.key),
        _ => "pass prepare: false in the code, or prepare=false in the URL".to_owned(),
    };
    let message = format!(
        "{} keeps prepared statements by name, and the pooler of {} gives its connections to others between transactions",
        reader(asked),
        asked.name
    );
    let mut check = simple(POOLER, Severity::Warning, &asked.name, message, &fix);
    check.certainty = Some(Certainty::Likely);
    Some(at(check, asked))
}

/// The connections that services may open, against those that there are.
fn capacity(
    asked: &Asked,
    declared: &Datastore,
    services: &[Service],
    limit: Option<&Capacity>,
) -> Option<Check> {
    let services: Vec<&Service> = services.iter().filter(|service| service.datastore == asked.name).collect();
    if services.is_empty() {
        return None;
    }
    let not_run = |message: String, fix: &str| {
        let mut check = simple(CAPACITY, Severity::Warning, &asked.name, message, fix);
        check.state = State::NotRun;
        Some(check)
    };
    let of_url = asked.meaning.as_ref().and_then(|meaning| meaning.pool);
    let default = of_url.or_else(|| default_pool(asked.driver.as_ref()?.driver));
    let mut demand = u64::from(declared.head_room);
    let mut parts = Vec::new();
    for service in services {
        let Some(pool) = service.pool_max.or(default) else {
            let message = format!(
                "the pool of service {} is not told, so its connections to {} were not counted",
                service.name, asked.name
            );
            return not_run(message, "add pool_max to the service");
        };
        let processes = u64::from(service.processes);
        demand = demand.saturating_add(
            u64::from(service.instances_max).saturating_mul(u64::from(pool)).saturating_mul(processes),
        );
        let times = if service.processes == 1 { String::new() } else { format!(" × {processes}") };
        parts.push(format!("{} {}{times} × {pool}", service.name, service.instances_max));
    }
    if declared.head_room > 0 {
        parts.push(format!("head room {}", declared.head_room));
    }
    let by_manifest = declared.max_connections.map(|max| {
        let by_default = if asked.store == Store::Postgres { RESERVED_BY_POSTGRES } else { 0 };
        max.saturating_sub(declared.reserved_connections.unwrap_or(by_default))
    });
    let (usable, source) = match (limit.and_then(Capacity::usable), by_manifest) {
        (Some(usable), _) => (usable, "as the server says"),
        (None, Some(usable)) => (usable, "by the manifest"),
        (None, None) => {
            let message = format!(
                "the limit of {} is not known, so {} connections were held against nothing",
                asked.name, demand
            );
            return not_run(message, "add max_connections to the datastore, or say --reach");
        }
    };
    let part = declared.usable_fraction.unwrap_or(1.0);
    let usable_part = f64::from(usable) * part;
    // Counts of connections are far below where a float loses whole numbers.
    let needed = demand as f64;
    let severity = match () {
        () if needed > usable_part => Severity::Critical,
        () if needed > usable_part * NEARLY_FULL => Severity::Warning,
        () => return None,
    };
    let of = if part < 1.0 { format!("{:.0} % of ", part * 100.0) } else { String::new() };
    let sign = if severity == Severity::Critical { ">" } else { "of" };
    let message = format!(
        "{} = {demand} {sign} {of}{usable} usable connections of {} ({source})",
        parts.join(" + "),
        asked.name
    );
    let fix = "make pools or instances smaller, put a pooler in between, or raise the server's limit";
    Some(simple(CAPACITY, severity, &asked.name, message, fix))
}

/// `DATABASE_URL, as pg 8.13 reads it,`.
pub fn reader(asked: &Asked) -> String {
    match &asked.driver {
        Some(driver) => format!("{} with {}", driver.label(), asked.key),
        None => format!("what reads {}", asked.key),
    }
}

fn place(origin: &str, line: Option<u32>) -> String {
    line.map_or_else(|| origin.to_owned(), |line| format!("{origin}:{line}"))
}

/// With the line of the file that has the URL.
pub fn at(mut check: Check, asked: &Asked) -> Check {
    if let (Some(file), Some(line)) = (&asked.origin, asked.line) {
        check.evidence.push(Evidence { file: file.clone(), line, column: 1, chain: Vec::new() });
    }
    check
}
