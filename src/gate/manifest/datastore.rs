//! What a manifest says of datastores: `[datastore.NAME]` (the server) and `[[service]]` (who opens connections to it).
//! Addresses and credentials are not here: they are taken from the key that a datastore names.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Manifest;
use crate::fault::Fault;
use crate::rules::error::nearest;

/// Kind of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// PostgreSQL.
    Postgres,
    /// PgBouncer, in front of PostgreSQL.
    Pgbouncer,
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
    /// Redis and what speaks like it.
    Redis,
}

impl Store {
    /// As messages name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Store::Postgres => "PostgreSQL",
            Store::Pgbouncer => "PgBouncer",
            Store::Mysql => "MySQL",
            Store::Mariadb => "MariaDB",
            Store::Redis => "Redis",
        }
    }

    /// The port that a URL without one means.
    pub fn default_port(self) -> u16 {
        match self {
            Store::Postgres => 5432,
            Store::Pgbouncer => 6432,
            Store::Mysql | Store::Mariadb => 3306,
            Store::Redis => 6379,
        }
    }
}

/// The package that a project reaches a datastore with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Driver {
    /// node-postgres, also below Drizzle, Knex, Sequelize, TypeORM and Prisma's adapter.
    #[serde(rename = "pg")]
    NodePostgres,
    /// postgres.js.
    #[serde(rename = "postgres")]
    PostgresJs,
    /// Prisma's own engine, up to version 6.
    #[serde(rename = "prisma")]
    Prisma,
    /// mysql2, also below Drizzle, Knex, Sequelize and TypeORM.
    #[serde(rename = "mysql2")]
    Mysql2,
    /// The MariaDB connector.
    #[serde(rename = "mariadb")]
    Mariadb,
    /// ioredis.
    #[serde(rename = "ioredis")]
    Ioredis,
    /// node-redis.
    #[serde(rename = "redis")]
    NodeRedis,
}

impl Driver {
    /// As packages name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Driver::NodePostgres => "pg",
            Driver::PostgresJs => "postgres",
            Driver::Prisma => "prisma",
            Driver::Mysql2 => "mysql2",
            Driver::Mariadb => "mariadb",
            Driver::Ioredis => "ioredis",
            Driver::NodeRedis => "redis",
        }
    }
}

/// How well a connection to a server must be protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// Encrypted.
    Require,
    /// And the certificate comes from an authority that is trusted.
    VerifyCa,
    /// And it is for the server's name.
    VerifyFull,
}

impl Tls {
    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Tls::Require => "require",
            Tls::VerifyCa => "verify-ca",
            Tls::VerifyFull => "verify-full",
        }
    }
}

/// When a pooler gives a server's connection to the next client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoolMode {
    /// When the client leaves.
    Session,
    /// After each transaction.
    Transaction,
    /// After each statement.
    Statement,
}

/// `[datastore.NAME]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Datastore {
    /// What it is.
    pub kind: Store,
    /// The key whose value is its URL.
    pub url_env: String,
    /// The driver, where packages do not tell which of several it is.
    #[serde(default)]
    pub driver: Option<Driver>,
    /// What production needs.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// The authority of its certificate, where that is not a public one (PEM).
    #[serde(default)]
    pub ca_file: Option<String>,
    /// Whether `--reach` signs in with the URL's credentials.
    #[serde(default = "yes")]
    pub login: bool,
    /// Connections that the server takes at most, as far as it does not say itself.
    #[serde(default)]
    pub max_connections: Option<u32>,
    /// Of these, those that are kept for administrators.
    #[serde(default)]
    pub reserved_connections: Option<u32>,
    /// The part of the rest that services may use.
    #[serde(default)]
    pub usable_fraction: Option<f64>,
    /// Connections beside those of services: migrations, scheduled jobs, people.
    #[serde(default)]
    pub head_room: u32,
    /// How a pooler pools.
    #[serde(default)]
    pub pool_mode: Option<PoolMode>,
    /// Networks that the application connects from, if the server admits only these.
    #[serde(default)]
    pub egress: Vec<String>,
}

/// `[[service]]`: who opens connections.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The datastore.
    pub datastore: String,
    /// Instances at most: on serverless platforms the limit of concurrent functions, not their average.
    pub instances_max: u32,
    /// Connections of one pool; by default what the URL says, else the driver's default.
    #[serde(default)]
    pub pool_max: Option<u32>,
    /// Processes of an instance, each with a pool of its own.
    #[serde(default = "one")]
    pub processes: u32,
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

/// What the types cannot refuse.
pub fn check(manifest: &Manifest, path: &Path, text: &str) -> Option<Fault> {
    let stores: &BTreeMap<String, Datastore> = &manifest.datastores;
    for (name, store) in stores {
        let fraction = store.usable_fraction.unwrap_or(1.0);
        if !(fraction > 0.0 && fraction <= 1.0) {
            let problem = format!("usable_fraction of {name} is not above 0 and at most 1");
            return Some(Fault::at(
                path,
                text,
                None,
                "usable_fraction",
                &problem,
                "write 0.9 for nine tenths",
            ));
        }
    }
    let unknown = |table: (&str, usize), key: &str, wanted: &str| {
        let cure = nearest(wanted, stores.keys().map(String::as_str))
            .map_or_else(|| format!("add [datastore.{wanted}]"), |near| format!("did you mean `{near}`?"));
        Fault::at(path, text, Some(table), key, &format!("there is no datastore `{wanted}`"), &cure)
    };
    let services = manifest.services.iter().enumerate();
    let mut of_services = services.filter(|(_, service)| !stores.contains_key(&service.datastore));
    if let Some((number, service)) = of_services.next() {
        return Some(unknown(("service", number), "datastore", &service.datastore));
    }
    manifest.families.iter().enumerate().find_map(|(number, family)| {
        let wanted = family.datastores.iter().find(|name| !stores.contains_key(*name))?;
        Some(unknown(("family", number), "datastores", wanted))
    })
}
