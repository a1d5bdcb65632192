//! What a connection URL means to the driver that reads it. The same `sslmode=require` verifies nothing in one driver, all in
//! another, and is passed over by a third. Pure; each rule is read from the source of the versions that it names.

mod mysql;
mod postgres;
mod redis;

use serde::{Deserialize, Serialize};

use super::collect::connection::Connection;
use super::manifest::datastore::{Driver, Store, Tls};

/// A driver and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The driver.
    pub driver: Driver,
    /// Major and minor; `None` where it cannot be told.
    pub version: Option<(u32, u32)>,
    /// Where the version was read.
    pub source: String,
}

impl Installed {
    /// `pg 8.13`.
    pub fn label(&self) -> String {
        match self.version {
            Some((major, minor)) => format!("{} {major}.{minor}", self.driver.as_str()),
            None => self.driver.as_str().to_owned(),
        }
    }
}

/// Whether a driver encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// No.
    None,
    /// If the server offers it.
    Prefer,
    /// Or it does not connect.
    Require,
}

/// What of a certificate a driver verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// Nothing.
    Nothing,
    /// That it comes from a trusted authority, and its days.
    Chain,
    /// And that it is for the server's name.
    Full,
}

/// Which authorities a driver trusts, unless it is given others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Roots {
    /// Those of Mozilla, which Node.js has built in.
    Mozilla,
    /// Those of the machine.
    System,
}

/// How much a [`Trap`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bite {
    /// The driver throws, or cannot connect to any server.
    Breaks,
    /// It does other than is written, and goes on.
    Misleads,
    /// It will change with the driver's next version.
    Shifts,
}

/// Something in a URL that does other than it seems to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trap {
    /// How much.
    pub bite: Bite,
    /// What happens.
    pub text: String,
    /// What to write.
    pub fix: String,
}

/// What a URL means to a driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meaning {
    /// Whether it encrypts.
    pub encryption: Encryption,
    /// What it verifies then.
    pub verification: Verification,
    /// Whom it trusts then.
    pub roots: Roots,
    /// The file of an authority that the URL names, which is trusted in place of [`Meaning::roots`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The URL says it. Otherwise it is the driver's default, which options in the code may change.
    pub explicit: bool,
    /// What the URL says, options in the code do not change.
    pub wins: bool,
    /// What does other than it seems to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traps: Vec<Trap>,
    /// Connections of a pool, if the URL says it or the driver has a fixed default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<u32>,
    /// It prepares statements and keeps them by name, on the connection.
    pub prepares: bool,
}

impl Meaning {
    fn of_roots(roots: Roots) -> Meaning {
        Meaning {
            encryption: Encryption::None,
            verification: Verification::Nothing,
            roots,
            ca: None,
            explicit: false,
            wins: false,
            traps: Vec::new(),
            pool: None,
            prepares: false,
        }
    }

    fn says(&mut self, encryption: Encryption, verification: Verification) {
        self.explicit = true;
        self.encryption = encryption;
        self.verification = verification;
    }

    fn trap(&mut self, bite: Bite, text: impl Into<String>, fix: impl Into<String>) {
        self.traps.push(Trap { bite, text: text.into(), fix: fix.into() });
    }

    /// Whether it does what a manifest asks for, as far as encryption goes.
    pub fn encrypts(&self) -> bool {
        self.encryption == Encryption::Require
    }

    /// Whether it verifies as much as a manifest asks for.
    pub fn verifies(&self, wanted: Tls) -> bool {
        let least = match wanted {
            Tls::Require => Verification::Nothing,
            Tls::VerifyCa => Verification::Chain,
            Tls::VerifyFull => Verification::Full,
        };
        self.verification >= least
    }

    /// What the driver does, in words.
    pub fn words(&self) -> &'static str {
        match (self.encryption, self.verification) {
            (Encryption::None, _) => "connects without TLS",
            (Encryption::Prefer, _) => "uses TLS if the server offers it, and verifies nothing",
            (Encryption::Require, Verification::Nothing) => "uses TLS and verifies nothing",
            (Encryption::Require, Verification::Chain) => "uses TLS and verifies the issuer, not the name",
            (Encryption::Require, Verification::Full) => "uses TLS and verifies issuer and name",
        }
    }
}

/// Connections of a pool where no URL can say it.
pub fn default_pool(driver: Driver) -> Option<u32> {
    match driver {
        Driver::NodePostgres => Some(10),
        Driver::Ioredis | Driver::NodeRedis => Some(1),
        Driver::PostgresJs | Driver::Prisma | Driver::Mysql2 | Driver::Mariadb => None,
    }
}

/// What a URL means. `None` where the driver is not for such a server.
pub fn meaning(installed: &Installed, store: Store, url: &Connection) -> Option<Meaning> {
    let version = installed.version;
    match (installed.driver, store) {
        (Driver::NodePostgres, Store::Postgres | Store::Pgbouncer) => {
            Some(postgres::node_postgres(version, url))
        }
        (Driver::PostgresJs, Store::Postgres | Store::Pgbouncer) => Some(postgres::postgres_js(url)),
        (Driver::Prisma, Store::Postgres | Store::Pgbouncer) => Some(postgres::prisma(url)),
        (Driver::Prisma, Store::Mysql | Store::Mariadb) => Some(mysql::prisma(url)),
        (Driver::Mysql2, Store::Mysql | Store::Mariadb) => Some(mysql::mysql2(url)),
        (Driver::Mariadb, Store::Mysql | Store::Mariadb) => Some(mysql::mariadb(url)),
        (Driver::Ioredis, Store::Redis) => Some(redis::ioredis(url)),
        (Driver::NodeRedis, Store::Redis) => Some(redis::node_redis(url)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
