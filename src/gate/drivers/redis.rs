//! Drivers of Redis: ioredis (5), node-redis (`redis` 4 and 5). Both verify all, unless code says otherwise.

use super::{Bite, Encryption, Meaning, Roots, Verification};
use crate::gate::collect::connection::Connection;

/// ioredis: `rediss:`, or any `tls` in the URL that is not empty, whatever it says.
pub fn ioredis(url: &Connection) -> Meaning {
    let mut meaning = Meaning { pool: Some(1), ..Meaning::of_roots(Roots::Mozilla) };
    let asked = url.parameter("tls").is_some_and(|tls| tls.ask(|text| !text.is_empty()));
    if url.scheme == "rediss" || asked {
        meaning.says(Encryption::Require, Verification::Full);
    }
    if let (Some(word @ ("false" | "0" | "no")), true) = (url.word("tls").as_deref(), asked) {
        let text = format!("tls={word} in the URL turns TLS on in ioredis: any text does");
        meaning.trap(Bite::Misleads, text, "take tls out of the URL");
    }
    meaning
}

/// node-redis: the scheme alone.
pub fn node_redis(url: &Connection) -> Meaning {
    let mut meaning = Meaning { pool: Some(1), ..Meaning::of_roots(Roots::Mozilla) };
    if url.scheme == "rediss" {
        meaning.says(Encryption::Require, Verification::Full);
    } else if ["tls", "ssl", "sslmode"].iter().any(|name| url.has(name)) {
        let text = "node-redis passes over parameters about TLS and connects without it";
        meaning.trap(Bite::Misleads, text, "write rediss:// in place of redis://");
    }
    meaning
}
