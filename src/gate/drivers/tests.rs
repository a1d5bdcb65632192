use super::*;

fn read(driver: Driver, version: (u32, u32), store: Store, url: &str) -> Meaning {
    let installed = Installed { driver, version: Some(version), source: String::new() };
    meaning(&installed, store, &Connection::parse(url).expect("a URL")).expect("a meaning")
}

/// `encryption verification`, the bites of its traps, and `*` where the URL wins over code.
fn told(driver: Driver, version: (u32, u32), store: Store, query: &str) -> String {
    let scheme = match store {
        Store::Redis => "redis",
        Store::Mysql | Store::Mariadb => "mysql",
        _ => "postgres",
    };
    let meaning = read(driver, version, store, &format!("{scheme}://app:x@db.example.com/shop{query}"));
    let bites: String = meaning.traps.iter().map(|trap| format!(" {:?}", trap.bite)).collect();
    let wins = if meaning.wins { "*" } else { "" };
    format!("{:?} {:?}{wins}{bites}", meaning.encryption, meaning.verification)
}

#[test]
fn node_postgres_takes_most_modes_for_verify_full() {
    let pg = |query: &str| told(Driver::NodePostgres, (8, 13), Store::Postgres, query);
    assert_eq!(pg(""), "None Nothing");
    assert_eq!(pg("?sslmode=disable"), "None Nothing*");
    for mode in ["prefer", "require", "verify-ca"] {
        assert_eq!(pg(&format!("?sslmode={mode}")), "Require Full* Shifts");
    }
    assert_eq!(pg("?sslmode=verify-full"), "Require Full*");
    assert_eq!(pg("?sslmode=allow"), "Require Full*");
    assert_eq!(pg("?sslmode=no-verify"), "Require Nothing*");
    assert_eq!(pg("?ssl=true"), "Require Full*");
    assert_eq!(pg("?ssl=no-verify"), "Require Nothing*");
    assert_eq!(pg("?ssl=0"), "None Nothing*");
    assert_eq!(pg("?ssl=false"), "Require Full* Breaks");
    // The name of another driver's parameter, and an older version that does not know it yet.
    assert_eq!(pg("?sslaccept=strict"), "None Nothing");
    assert_eq!(pg("?uselibpqcompat=true&sslmode=require"), "Require Full* Shifts");
}

#[test]
fn node_postgres_by_version() {
    let compat = "?uselibpqcompat=true&sslmode=require";
    let pg = |version, query: &str| told(Driver::NodePostgres, version, Store::Postgres, query);
    assert_eq!(pg((8, 16), compat), "Require Nothing*");
    assert_eq!(pg((8, 16), "?uselibpqcompat=true&sslmode=require&sslrootcert=ca.pem"), "Require Chain*");
    assert_eq!(pg((8, 16), "?uselibpqcompat=true&sslmode=verify-ca"), "Require Chain* Breaks");
    assert_eq!(pg((9, 0), "?sslmode=require"), "Require Nothing*");
    assert_eq!(pg((7, 18), "?sslmode=require"), "None Nothing Misleads");
    assert_eq!(pg((7, 18), "?ssl=true"), "Require Nothing*");
    assert_eq!(pg((8, 4), "?ssl=false"), "Require Full* Misleads");
}

#[test]
fn others_of_postgresql() {
    let js = |query: &str| told(Driver::PostgresJs, (3, 4), Store::Postgres, query);
    assert_eq!(js(""), "None Nothing");
    assert_eq!(js("?sslmode=require"), "Require Nothing");
    assert_eq!(js("?sslmode=prefer"), "Prefer Nothing");
    assert_eq!(js("?sslmode=verify-ca"), "Require Full");
    assert_eq!(js("?sslmode=no-verify"), "Require Full Misleads");
    assert_eq!(js("?sslrootcert=system"), "Require Full");
    let prisma = |query: &str| told(Driver::Prisma, (6, 2), Store::Postgres, query);
    assert_eq!(prisma(""), "Prefer Nothing*");
    assert_eq!(prisma("?sslmode=require"), "Require Nothing*");
    assert_eq!(prisma("?sslmode=require&sslaccept=strict"), "Require Full*");
    assert_eq!(prisma("?sslmode=verify-full"), "Prefer Nothing* Misleads");
    let pooled = read(
        Driver::Prisma,
        (6, 2),
        Store::Postgres,
        "postgres://u@h.example.com/d?pgbouncer=true&connection_limit=1",
    );
    assert_eq!((pooled.prepares, pooled.pool), (false, Some(1)));
}

#[test]
fn drivers_of_mysql_pass_over_what_others_know() {
    let two = |query: &str| told(Driver::Mysql2, (3, 11), Store::Mysql, query);
    assert_eq!(two(""), "None Nothing");
    assert_eq!(two("?sslmode=require"), "None Nothing Misleads");
    assert_eq!(two("?sslmode=disable"), "None Nothing");
    assert_eq!(two("?ssl=true"), "Require Chain Breaks");
    assert_eq!(two("?ssl=require"), "Require Chain Breaks");
    assert_eq!(two("?ssl=%7B%22rejectUnauthorized%22%3Atrue%7D"), "Require Chain");
    assert_eq!(two("?ssl={\"rejectUnauthorized\":false}"), "Require Nothing");
    assert_eq!(two("?ssl={\"verifyIdentity\":true}"), "Require Full");
    assert_eq!(told(Driver::Mariadb, (3, 4), Store::Mariadb, "?ssl=true"), "Require Full");
    assert_eq!(told(Driver::Mariadb, (3, 4), Store::Mariadb, "?sslmode=require"), "None Nothing Misleads");
    let prisma = |query: &str| told(Driver::Prisma, (5, 0), Store::Mysql, query);
    assert_eq!(prisma("?sslmode=require"), "None Nothing* Misleads");
    assert_eq!(prisma("?sslaccept=strict"), "Require Full*");
    assert_eq!(prisma("?sslaccept=accept_invalid_certs"), "Require Nothing*");
}

#[test]
fn drivers_of_redis() {
    let io = |query: &str| told(Driver::Ioredis, (5, 4), Store::Redis, query);
    assert_eq!(io(""), "None Nothing");
    assert_eq!(io("?tls=false"), "Require Full Misleads");
    assert_eq!(told(Driver::NodeRedis, (4, 7), Store::Redis, "?tls=true"), "None Nothing Misleads");
    let secure = read(Driver::NodeRedis, (5, 1), Store::Redis, "rediss://:x@cache.example.com");
    assert_eq!((secure.encryption, secure.verification), (Encryption::Require, Verification::Full));
}
