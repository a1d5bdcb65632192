//! Which datastores a project has: those that its manifest declares, and those whose URLs stand under keys that its code
//! reads; with the driver, as packages tell it. Nothing is connected to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::connection::Connection;
use super::dotenv::{Held, Hidden, Snapshot};
use super::fence;
use super::graph::{Graph, file_of, in_package, package_of};
use super::project::Project;
use crate::gate::drivers::Installed;
use crate::gate::manifest::Manifest;
use crate::gate::manifest::datastore::{Driver, Store};

/// A datastore, and how its URL was found.
#[derive(Debug, Clone)]
pub struct Sought {
    /// Name in the manifest; else the key.
    pub name: String,
    /// The manifest declares it.
    pub declared: bool,
    /// What it is.
    pub store: Store,
    /// The key whose value is its URL.
    pub key: String,
    /// Its URL.
    pub url: Found,
    /// The driver, where it can be told.
    pub driver: Option<Installed>,
    /// A file that hands options about TLS to the driver, with the line.
    pub code: Option<(String, u32)>,
    /// Production hands further authorities to Node.js (`NODE_EXTRA_CA_CERTS`).
    pub extra_roots: bool,
    /// The file of its authority, as the manifest names it.
    pub ca_file: Option<String>,
}

/// What was found of a URL.
#[derive(Debug, Clone)]
pub enum Found {
    /// It, where, and the line if that is a file.
    Url(Box<Connection>, String, Option<u32>),
    /// A value that is no URL: why, where, line.
    Wrong(&'static str, String, Option<u32>),
    /// Nothing.
    Absent,
}

/// Where values of keys are taken from.
pub struct Values<'v> {
    /// Files of keys.
    pub snapshots: &'v [Snapshot],
    /// The environment of this process, where it counts.
    pub environment: &'v dyn Fn(&str) -> Option<Hidden>,
}

impl Values<'_> {
    /// A key's value in production, where it stands, and the line.
    fn of(&self, key: &str) -> Option<(Hidden, String, Option<u32>)> {
        let production = self.snapshots.iter().find(|snapshot| snapshot.scope == "production");
        let held = production.and_then(|snapshot| snapshot.keys.get(key));
        // What `vercel pull` may not read it writes as nothing or as a placeholder.
        let is_value = |value: &Hidden| value.ask(|text| !matches!(text, "" | "[SENSITIVE]"));
        let own = held.filter(|(_, entry)| entry.held != Held::Empty && is_value(&entry.value));
        let own = own.map(|(file, entry)| (entry.value.clone(), file.clone(), Some(entry.line)));
        own.or_else(|| {
            let value = (self.environment)(key).filter(is_value)?;
            Some((value, "the environment of this process".to_owned(), None))
        })
    }
}

/// The datastores of a project, in the order of their names. `keys`: those that its code reads.
pub fn sought(
    project: &Project,
    manifest: Option<&Manifest>,
    keys: &BTreeSet<&str>,
    values: &Values<'_>,
    own: &Graph,
) -> Vec<Sought> {
    let packages = Packages::of(project);
    let extra_roots = values.of("NODE_EXTRA_CA_CERTS").is_some();
    let mut found = Vec::new();
    let declared = manifest.iter().flat_map(|manifest| &manifest.datastores);
    for (name, store) in declared.clone() {
        let driver = packages.driver(store.kind, store.driver);
        found.push(Sought {
            name: name.clone(),
            declared: true,
            store: store.kind,
            key: store.url_env.clone(),
            url: url(values, &store.url_env),
            code: driver.as_ref().and_then(|driver| code(project, own, driver.driver)),
            driver,
            extra_roots,
            ca_file: store.ca_file.clone(),
        });
    }
    let known: BTreeSet<&str> = declared.map(|(_, store)| store.url_env.as_str()).collect();
    let in_prisma = prisma_keys(&project.root);
    let read = keys.iter().copied().chain(in_prisma.iter().map(String::as_str));
    for key in read.collect::<BTreeSet<_>>().difference(&known) {
        let Found::Url(url, origin, line) = url(values, key) else { continue };
        let Some(store) = of_scheme(&url.scheme) else { continue };
        let driver = packages.driver(store, None);
        found.push(Sought {
            name: (*key).to_owned(),
            declared: false,
            store,
            key: (*key).to_owned(),
            url: Found::Url(url, origin, line),
            code: driver.as_ref().and_then(|driver| code(project, own, driver.driver)),
            driver,
            extra_roots,
            ca_file: None,
        });
    }
    found
}

fn url(values: &Values<'_>, key: &str) -> Found {
    let Some((value, origin, line)) = values.of(key) else { return Found::Absent };
    match value.ask(Connection::parse) {
        Ok(url) => Found::Url(Box::new(url), origin, line),
        Err(why) => Found::Wrong(why, origin, line),
    }
}

fn of_scheme(scheme: &str) -> Option<Store> {
    match scheme {
        "postgres" | "postgresql" => Some(Store::Postgres),
        "mysql" => Some(Store::Mysql),
        "mariadb" => Some(Store::Mariadb),
        "redis" | "rediss" => Some(Store::Redis),
        _ => None,
    }
}

/// Keys that a Prisma schema reads: `env("DATABASE_URL")`.
fn prisma_keys(root: &Path) -> Vec<String> {
    let text = fence::text(&root.join("prisma/schema.prisma")).unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let quoted = lines.flat_map(|line| line.split("env(\"").skip(1)).filter_map(|rest| rest.split_once('"'));
    quoted.map(|(key, _)| key.to_owned()).collect()
}

/// Packages of drivers, and of Prisma's ways to them.
const DRIVERS: &[&str] = &[
    "pg",
    "postgres",
    "mysql2",
    "mariadb",
    "ioredis",
    "redis",
    "@prisma/client",
    "@prisma/adapter-pg",
    "@prisma/adapter-mariadb",
    "@prisma/adapter-neon",
    "@prisma/adapter-planetscale",
    "@prisma/adapter-libsql",
];
/// Drivers whose reading of URLs is not known here: beside one of them, which driver has a URL cannot be told.
const OTHER: &[&str] =
    &["@neondatabase/serverless", "@vercel/postgres", "mysql", "@planetscale/database", "@upstash/redis"];

/// Packages of [`DRIVERS`] and [`OTHER`] that the project asks for, with versions.
struct Packages {
    wanted: BTreeMap<String, (Option<(u32, u32)>, String)>,
}

impl Packages {
    fn of(project: &Project) -> Packages {
        let root = &project.root;
        let package = fence::json(&root.join("package.json")).unwrap_or(Value::Null);
        let groups = ["devDependencies", "dependencies"];
        let listed = groups.iter().filter_map(|group| package.get(group)?.as_object()).flatten();
        let listed =
            listed.filter(|(name, _)| DRIVERS.contains(&name.as_str()) || OTHER.contains(&name.as_str()));
        let wanted = listed.filter_map(|(name, range)| {
            let installed = root.ancestors().take(16).find_map(|dir| {
                let own = fence::json(&dir.join("node_modules").join(name).join("package.json"))?;
                numbers(own.get("version")?.as_str()?)
            });
            let (version, source) = match installed {
                Some(version) => (Some(version), format!("node_modules/{name}/package.json")),
                None => (numbers(range.as_str()?), "package.json".to_owned()),
            };
            Some((name.clone(), (version, source)))
        });
        Packages { wanted: wanted.collect() }
    }

    /// The driver for such a server: the one that is named, else the only one that it can be.
    fn driver(&self, store: Store, named: Option<Driver>) -> Option<Installed> {
        let has = |name: &str| self.wanted.contains_key(name);
        // From 7 on, and below with an adapter, Prisma uses the adapter's driver.
        let prisma = self.wanted.get("@prisma/client");
        let engine = prisma.is_some_and(|(version, _)| version.is_some_and(|(major, _)| major <= 6));
        let by_package: &[(&str, Driver)] = match store {
            Store::Postgres | Store::Pgbouncer => &[
                ("pg", Driver::NodePostgres),
                ("@prisma/adapter-pg", Driver::NodePostgres),
                ("postgres", Driver::PostgresJs),
            ],
            Store::Mysql | Store::Mariadb => &[
                ("mysql2", Driver::Mysql2),
                ("mariadb", Driver::Mariadb),
                ("@prisma/adapter-mariadb", Driver::Mariadb),
            ],
            Store::Redis => &[("ioredis", Driver::Ioredis), ("redis", Driver::NodeRedis)],
        };
        let adapted = self.wanted.keys().any(|name| name.starts_with("@prisma/adapter-"));
        let mut candidates: BTreeSet<Driver> =
            by_package.iter().filter(|(name, _)| has(name)).map(|(_, driver)| *driver).collect();
        let other = OTHER.iter().any(|name| has(name)) && named.is_none();
        if engine && !adapted && store != Store::Redis {
            candidates.insert(Driver::Prisma);
        }
        let only = (candidates.len() == 1 && !other).then(|| candidates.first().copied()).flatten();
        let driver = named.or(only)?;
        let package = match driver {
            Driver::Prisma => "@prisma/client",
            Driver::NodePostgres if !has("pg") => "@prisma/adapter-pg",
            Driver::Mariadb if !has("mariadb") => "@prisma/adapter-mariadb",
            other => other.as_str(),
        };
        let (version, source) = match self.wanted.get(package) {
            Some((_, source)) if package.starts_with("@prisma/adapter") => (None, source.clone()),
            Some((version, source)) => (*version, source.clone()),
            None => (None, "the manifest".to_owned()),
        };
        Some(Installed { driver, version, source })
    }
}

/// Major and minor of the first number in a version or range.
fn numbers(text: &str) -> Option<(u32, u32)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let mut parts = text.get(start..)?.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

/// The first file that imports the driver, or what stands on it, and has an option about TLS.
fn code(project: &Project, own: &Graph, driver: Driver) -> Option<(String, u32)> {
    let (packages, options): (&[&str], &[&str]) = match driver {
        Driver::Prisma => return None,
        Driver::NodePostgres => {
            (&["pg", "pg-pool", "@prisma/adapter-pg", "knex", "sequelize", "typeorm"], &["ssl"])
        }
        Driver::PostgresJs => (&["postgres"], &["ssl"]),
        Driver::Mysql2 => (&["mysql2", "knex", "sequelize", "typeorm"], &["ssl"]),
        Driver::Mariadb => (&["mariadb", "@prisma/adapter-mariadb"], &["ssl"]),
        Driver::Ioredis => (&["ioredis", "bullmq"], &["tls"]),
        Driver::NodeRedis => (&["redis"], &["tls"]),
    };
    let imports = |specifier: &str| {
        let package = package_of(specifier);
        packages.contains(&package) || package == "drizzle-orm"
    };
    let files = own
        .modules
        .iter()
        .filter(|(key, module)| !in_package(key) && module.edges.iter().any(|edge| imports(&edge.specifier)));
    let files: BTreeSet<&str> = files.map(|(key, _)| file_of(key)).collect();
    files.into_iter().find_map(|file| {
        let text = fence::text(&project.root.join(file)).ok()?;
        let line = text.lines().position(|line| options.iter().any(|option| has_option(line, option)))?;
        Some((file.to_owned(), u32::try_from(line + 1).unwrap_or(u32::MAX)))
    })
}

/// Whether a line sets an option: `ssl:`, `ssl,`, `ssl }`.
fn has_option(line: &str, option: &str) -> bool {
    line.match_indices(option).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after =
            line.get(at + option.len()..).unwrap_or_default().trim_start_matches(['"', '\'', ' ', '\t']);
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '.' | '?' | '&');
        !before.is_some_and(is_name) && (after.is_empty() || after.starts_with([':', ',', '}']))
    })
}
