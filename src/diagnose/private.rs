//! Machines of a private network that answered a request: what tells a way out that is missing from a network that is
//! down. Not here: what follows from it (`circumstances`).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use crate::correlate::line::Line;
use crate::record::Level;
use crate::rules::model::{Class, Rule};

/// Words of a line that says that a connection stands.
const STANDS: [&str; 6] =
    ["connected to", "connection established", "connected:", "connect ok", "query ok", "pool ready"];
/// Subclasses of connectivity in which the other side answered.
const ANSWERED: [&str; 5] = ["auth", "allowlist", "ssl", "refused", "limit"];
/// Bytes of a line that are looked at.
const HEAD_BYTES: usize = 400;

/// A private address that answered: one that a normal line says to be connected to, or the one whose own answer (a
/// refusal, a rejected login) is the cause of the failure.
pub(super) fn answer(
    lines: &[Line],
    rule: Option<&Rule>,
    captures: &BTreeMap<String, String>,
) -> Option<String> {
    let refused =
        rule.filter(|rule| rule.class == Class::Connectivity && ANSWERED.contains(&rule.subclass.as_str()));
    let own = refused.and(captures.get("host")).filter(|host| host.parse().is_ok_and(is_private));
    own.cloned().or_else(|| lines.iter().find_map(connected_to))
}

/// The private address that a normal line is connected to.
fn connected_to(line: &Line) -> Option<String> {
    if !line.hits.is_empty() || line.record.level.is_some_and(|level| level >= Level::Warn) {
        return None;
    }
    let head = line.text.get(..line.text.floor_char_boundary(HEAD_BYTES))?;
    let lower = head.to_ascii_lowercase();
    if !STANDS.iter().any(|words| lower.contains(words)) {
        return None;
    }
    head.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .find(|word| word.parse().is_ok_and(is_private))
        .map(str::to_owned)
}

/// Whether an address is of a private network (RFC 1918) and not of this machine.
pub(super) fn is_private(address: Ipv4Addr) -> bool {
    address.is_private()
}

/// Whether a host is of the public internet, as far as its text tells: a name with a dot that no private network
/// reserves, or an address that is routed.
pub(super) fn is_public(host: &str) -> bool {
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            !(address.is_private() || address.is_loopback() || address.is_link_local())
        }
        Ok(IpAddr::V6(address)) => {
            !(address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local())
        }
        Err(_) => {
            host.contains('.')
                && ![".internal", ".local", ".svc", ".cluster.local", ".lan", ".rds.amazonaws.com"]
                    .iter()
                    .any(|end| host.ends_with(end))
                && !host.contains(".cache.amazonaws.com")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    fn line(text: &str, level: Level) -> Line {
        let at = crate::record::Position::default();
        Line {
            identity: 0,
            order: crate::correlate::held::Order::new(None, at, false),
            at,
            record: Record { level: Some(level), ..Record::default() },
            text: text.to_owned(),
            error_at: 0,
            hits: Vec::new(),
        }
    }

    #[test]
    fn a_line_that_says_so_names_the_private_machine() {
        let said = |text: &str, level| answer(&[line(text, level)], None, &BTreeMap::new());
        assert_eq!(said("pg: connected to 10.0.3.4:5432", Level::Info).as_deref(), Some("10.0.3.4"));
        assert_eq!(said("connected to 198.51.100.7:5432", Level::Info), None, "public");
        assert_eq!(said("not connected to 10.0.3.4:5432", Level::Error), None, "an error");
        assert_eq!(said("connecting 10.0.3.4:5432", Level::Info), None, "not yet");
    }

    #[test]
    fn hosts_are_public_unless_their_name_or_address_says_otherwise() {
        for host in ["api.example.com", "198.51.100.7", "2606:4700::1"] {
            assert!(is_public(host), "{host}");
        }
        for host in
            ["db.internal", "10.0.0.5", "redis", "orders.default.svc.cluster.local", "127.0.0.1", "fd00::1"]
        {
            assert!(!is_public(host), "{host}");
        }
    }
}
