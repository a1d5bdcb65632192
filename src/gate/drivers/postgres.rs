//! Drivers of PostgreSQL: node-postgres (pg-connection-string 0.1 to 2.14), postgres.js 3.4, Prisma's engine (quaint, up to 6).

use super::{Bite, Encryption, Meaning, Roots, Verification};
use crate::gate::collect::connection::Connection;

/// node-postgres. A parameter about TLS in the URL replaces the `ssl` that code passes beside it.
pub fn node_postgres(version: Option<(u32, u32)>, url: &Connection) -> Meaning {
    let mut meaning = Meaning { pool: Some(10), ..Meaning::of_roots(Roots::Mozilla) };
    let version = version.unwrap_or((8, 16));
    if version.0 < 8 {
        return before_8(url, meaning);
    }
    meaning.wins = true;
    let mode = url.word("sslmode");
    meaning.ca = url.parameter("sslrootcert").map(|file| file.ask(str::to_owned));
    let is_object = ["sslmode", "sslcert", "sslkey", "sslrootcert"].iter().any(|name| filled(url, name));
    let compat = version >= (8, 15) && url.word("uselibpqcompat").as_deref() == Some("true");
    if is_object {
        match mode.as_deref() {
            Some("disable") => meaning.says(Encryption::None, Verification::Nothing),
            Some(mode @ ("prefer" | "require" | "verify-ca" | "verify-full")) if compat || version.0 > 8 => {
                as_libpq(mode, &mut meaning);
            }
            Some("no-verify") => meaning.says(Encryption::Require, Verification::Nothing),
            other => {
                meaning.says(Encryption::Require, Verification::Full);
                if let Some(mode @ ("prefer" | "require" | "verify-ca")) = other {
                    meaning.trap(
                        Bite::Shifts,
                        format!("sslmode={mode} is verify-full in pg 8, and will verify less in pg 9"),
                        "write sslmode=verify-full to keep it, or uselibpqcompat=true for the meaning of libpq",
                    );
                }
            }
        }
        return meaning;
    }
    match url.word("ssl").as_deref() {
        Some("true" | "1") => meaning.says(Encryption::Require, Verification::Full),
        Some("no-verify") => meaning.says(Encryption::Require, Verification::Nothing),
        Some("0") => meaning.says(Encryption::None, Verification::Nothing),
        Some("") | None => {
            meaning.wins = false;
            if url.word("sslnegotiation").as_deref() == Some("direct") {
                meaning.says(Encryption::Require, Verification::Full);
            }
        }
        Some(other) => {
            meaning.says(Encryption::Require, Verification::Full);
            // From about 8.7 on; before, it verified.
            let (bite, then) = match version >= (8, 7) {
                true => (Bite::Breaks, "asks for TLS with it and then throws a TypeError"),
                false => (Bite::Misleads, "asks for TLS whatever it says"),
            };
            meaning.trap(
                bite,
                format!("ssl={other} is a text to pg, which {then}"),
                "write sslmode=disable, sslmode=verify-full or sslmode=no-verify",
            );
        }
    }
    meaning
}

/// Up to 7 only `ssl=true` counts, and nothing is verified.
fn before_8(url: &Connection, mut meaning: Meaning) -> Meaning {
    meaning.wins = true;
    match url.word("ssl").as_deref() {
        Some("true" | "1") => meaning.says(Encryption::Require, Verification::Nothing),
        Some(_) => meaning.says(Encryption::None, Verification::Nothing),
        None => meaning.wins = false,
    }
    if let (Some(mode), false) = (url.word("sslmode"), meaning.explicit) {
        let text = format!("sslmode={mode} is passed over by pg before version 8");
        meaning.trap(Bite::Misleads, text, "write ssl=true, or update pg");
    }
    meaning
}

/// libpq: nothing but encryption up to `require`, unless a root is named; then the issuer.
fn as_libpq(mode: &str, meaning: &mut Meaning) {
    let rooted = meaning.ca.is_some();
    let verification = match mode {
        "verify-full" => Verification::Full,
        "verify-ca" => Verification::Chain,
        "require" if rooted => Verification::Chain,
        _ => Verification::Nothing,
    };
    meaning.says(Encryption::Require, verification);
    if mode == "verify-ca" && !rooted {
        let text =
            "sslmode=verify-ca without sslrootcert makes pg throw where it means what it means in libpq";
        meaning.trap(Bite::Breaks, text, "name sslrootcert, or write sslmode=verify-full");
    }
}

/// postgres.js. What code passes as `ssl` wins.
pub fn postgres_js(url: &Connection) -> Meaning {
    let mut meaning = Meaning {
        pool: url.number("max").or(Some(10)),
        prepares: url.word("prepare").as_deref() != Some("false"),
        ..Meaning::of_roots(Roots::Mozilla)
    };
    let system = url.parameter("sslrootcert").is_some_and(|root| root.ask(|root| root == "system"));
    let mode = if system { Some("verify-full".to_owned()) } else { url.word("sslmode").or(url.word("ssl")) };
    match mode.as_deref() {
        None | Some("") => {}
        Some("disable" | "false") => meaning.says(Encryption::None, Verification::Nothing),
        Some("prefer") => meaning.says(Encryption::Prefer, Verification::Nothing),
        Some("require" | "allow") => meaning.says(Encryption::Require, Verification::Nothing),
        Some(other) => {
            meaning.says(Encryption::Require, Verification::Full);
            if other == "no-verify" {
                let text = "sslmode=no-verify verifies in postgres.js, which does not know it";
                meaning.trap(Bite::Misleads, text, "write sslmode=require, which does not verify there");
            }
        }
    }
    let direct = url.word("sslnegotiation").as_deref() == Some("direct");
    if direct && meaning.encryption == Encryption::None {
        let text = "sslnegotiation=direct does nothing in postgres.js without sslmode";
        meaning.trap(Bite::Misleads, text, "add sslmode=verify-full");
    }
    meaning
}

/// Prisma's engine: `sslmode` says whether, `sslaccept` how strictly. The URL is all that it reads.
pub fn prisma(url: &Connection) -> Meaning {
    let mut meaning = Meaning {
        pool: url.number("connection_limit"),
        prepares: url.word("pgbouncer").as_deref() != Some("true"),
        wins: true,
        explicit: true,
        ca: url.parameter("sslcert").map(|file| file.ask(str::to_owned)),
        ..Meaning::of_roots(Roots::System)
    };
    let strict = match url.word("sslaccept").as_deref() {
        None | Some("accept_invalid_certs") => Verification::Nothing,
        Some(_) => Verification::Full,
    };
    match url.word("sslmode").as_deref() {
        Some("disable") => meaning.says(Encryption::None, Verification::Nothing),
        Some("require") => meaning.says(Encryption::Require, strict),
        None | Some("prefer" | "") => meaning.says(Encryption::Prefer, strict),
        Some(mode) => {
            meaning.says(Encryption::Prefer, strict);
            let text = format!("sslmode={mode} is unknown to Prisma, which takes it for prefer");
            meaning.trap(Bite::Misleads, text, "write sslmode=require&sslaccept=strict");
        }
    }
    meaning
}

fn filled(url: &Connection, name: &str) -> bool {
    url.parameter(name).is_some_and(|value| value.ask(|text| !text.is_empty()))
}
