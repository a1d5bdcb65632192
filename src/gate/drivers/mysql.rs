//! Drivers of MySQL and MariaDB: mysql2 (3.24), the MariaDB connector (3.5), Prisma's engine (quaint, up to 6).

use serde_json::Value;

use super::{Bite, Encryption, Meaning, Roots, Verification};
use crate::gate::collect::connection::Connection;

/// Parameters of other drivers that ask for TLS.
const FOREIGN: &[&str] = &["sslmode", "ssl-mode", "sslaccept", "sslcert", "useSSL", "tls"];

/// mysql2 reads each parameter as JSON; of TLS it knows `ssl` alone, as an object or as the name of a profile. By default the
/// issuer is verified and the name is not.
pub fn mysql2(url: &Connection) -> Meaning {
    let mut meaning = Meaning {
        pool: url.number("connectionLimit").or(Some(10)),
        prepares: false,
        ..Meaning::of_roots(Roots::Mozilla)
    };
    let read =
        |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    match url.parameter("ssl").map(|value| value.ask(read)) {
        None => {}
        Some(Value::Null | Value::Bool(false)) => meaning.says(Encryption::None, Verification::Nothing),
        Some(Value::Number(number)) if number.as_f64() == Some(0.0) => {
            meaning.says(Encryption::None, Verification::Nothing);
        }
        Some(Value::String(name)) if name.is_empty() => meaning.says(Encryption::None, Verification::Nothing),
        Some(Value::Object(ssl)) => {
            let off = |name: &str| ssl.get(name) == Some(&Value::Bool(false));
            let on = |name: &str| ssl.get(name) == Some(&Value::Bool(true));
            let verification = match () {
                () if off("rejectUnauthorized") => Verification::Nothing,
                () if on("verifyIdentity") => Verification::Full,
                () => Verification::Chain,
            };
            meaning.says(Encryption::Require, verification);
        }
        Some(Value::String(name)) if name == "Amazon RDS" => {
            meaning.says(Encryption::Require, Verification::Chain);
            meaning.ca = Some("(the profile Amazon RDS)".to_owned());
        }
        Some(other) => {
            meaning.says(Encryption::Require, Verification::Chain);
            let is_text = other.is_string();
            let text = match is_text {
                true => {
                    "ssl in the URL names a profile that mysql2 does not have, and it throws \"Unknown SSL profile\""
                }
                false => "mysql2 throws \"SSL profile must be an object\" for this value of ssl in the URL",
            };
            meaning.trap(
                Bite::Breaks,
                text,
                "write ssl={\"rejectUnauthorized\":true} (escaped), or pass ssl in the code",
            );
        }
    }
    if !meaning.explicit {
        foreign(
            url,
            "mysql2",
            "pass ssl: { rejectUnauthorized: true } in the code, or ssl={…} in the URL",
            &mut meaning,
        );
    }
    meaning
}

/// The MariaDB connector knows `ssl=true`, which verifies all, and URLs of its own scheme only.
pub fn mariadb(url: &Connection) -> Meaning {
    let mut meaning =
        Meaning { pool: url.number("connectionLimit").or(Some(10)), ..Meaning::of_roots(Roots::Mozilla) };
    if url.has("ssl") {
        match url.word("ssl").as_deref() {
            Some("true") => meaning.says(Encryption::Require, Verification::Full),
            _ => meaning.says(Encryption::None, Verification::Nothing),
        }
    } else {
        foreign(url, "the MariaDB connector", "write ssl=true", &mut meaning);
    }
    meaning
}

/// Prisma's engine uses TLS only where a parameter about certificates is there; `sslmode` is not one of them.
pub fn prisma(url: &Connection) -> Meaning {
    let mut meaning = Meaning {
        pool: url.number("connection_limit"),
        prepares: true,
        wins: true,
        explicit: true,
        ca: url.parameter("sslcert").map(|file| file.ask(str::to_owned)),
        ..Meaning::of_roots(Roots::System)
    };
    if ["sslaccept", "sslcert", "sslidentity", "sslpassword"].iter().any(|name| url.has(name)) {
        let strict = url.word("sslaccept").as_deref() == Some("strict");
        let verification = if strict { Verification::Full } else { Verification::Nothing };
        meaning.says(Encryption::Require, verification);
    } else {
        foreign(url, "Prisma with MySQL", "write sslaccept=strict", &mut meaning);
    }
    meaning
}

fn foreign(url: &Connection, driver: &str, fix: &str, meaning: &mut Meaning) {
    let off =
        |word: &str| matches!(word.to_ascii_lowercase().as_str(), "disable" | "disabled" | "false" | "0");
    let asked = FOREIGN.iter().find(|name| url.word(name).is_some_and(|word| !off(&word)));
    if let Some(name) = asked {
        let text = format!("{name} in the URL is passed over by {driver}, which connects without TLS");
        meaning.trap(Bite::Misleads, text, fix);
    }
}
