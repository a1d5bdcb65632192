//! Addresses and telephone numbers: which of them are a person's. An address that a server has (the database that refused,
//! the proxy in front) is what a diagnosis is about and stays; that of a client goes. So do addresses of which nothing
//! is said.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Characters before an address in which a word about it is looked for.
const LOOK_BACK: usize = 64;
/// Words before the address of a client.
const CLIENT: &[&str] = &[
    "client",
    "remote",
    "forwarded",
    "fwd",
    "real-ip",
    "real_ip",
    "realip",
    "sourceip",
    "source_ip",
    "source ip",
    "user_ip",
    "userip",
    "visitor",
    "caller",
    "viewer",
    "peer ip",
    "true-ip",
    "connecting-ip",
];
/// Words before the address of a server, or before what only looks like an address.
const SERVER: &[&str] = &[
    "econn",
    "etimedout",
    "ehost",
    "enet",
    "eaddrinuse",
    "epipe",
    "connect",
    "dial ",
    "host",
    "server",
    "upstream",
    "getaddrinfo",
    "resolve",
    "lookup",
    "listen",
    "bind",
    "endpoint",
    "user '",
    "reach",
    "database",
    "proxy",
    "dns",
    "target",
    "backend",
    "version",
    "release",
    "oid",
    "driver",
    "assembly",
    "subnet",
    "cidr",
    "gateway",
];
/// Ports above 1023 that services listen on; behind other ones a client is.
const SERVICE_PORTS: &[u16] = &[
    1433, 1521, 1883, 2181, 2379, 3000, 3001, 3128, 3306, 3307, 4000, 4317, 4318, 4222, 5000, 5432, 5433,
    5434, 5439, 5671, 5672, 6379, 6380, 6432, 6543, 7000, 7687, 8000, 8001, 8080, 8081, 8086, 8123, 8443,
    8529, 8888, 9000, 9042, 9090, 9092, 9093, 9094, 9200, 9300, 9999, 11211, 15432, 25060, 25061, 26257,
    27017, 27018, 27019, 28015, 50051,
];

/// Whether an address is a client's.
pub fn client_address(before: &str, value: &str, after: &str) -> bool {
    let Ok(address) = value.parse::<IpAddr>() else { return false };
    let part_of_more = after.starts_with(['.', '-', '_'])
        && after[1..].starts_with(|c: char| c.is_alphanumeric())
        || before.ends_with(['.', '-'])
        || before.ends_with("::");
    if !is_public(address) || part_of_more || after.starts_with('/') && is_mask(&after[1..]) {
        return false;
    }
    let port = after.strip_prefix(']').unwrap_or(after).strip_prefix(':').map(digits).unwrap_or_default();
    let port = port.parse::<u16>().ok();
    if before.ends_with('/') {
        // `https://203.0.113.7/`, `db.example.com/203.0.113.7:5432`, `Agent/120.0.1.2`: none is a client, unless its port is.
        return port.is_some_and(|port| !is_service(port));
    }
    match nearest_word(before) {
        Some(is_client) => is_client,
        None => port.is_none_or(|port| !is_service(port)),
    }
}

/// Whether the word about an address that stands nearest before it says client; None without such a word.
fn nearest_word(before: &str) -> Option<bool> {
    let from = before.char_indices().rev().take(LOOK_BACK).last().map_or(before.len(), |(at, _)| at);
    let near = before[from..].to_ascii_lowercase();
    let near = near.rsplit('\n').next().unwrap_or_default();
    let last = |words: &[&str]| words.iter().filter_map(|word| near.rfind(word)).max();
    match (last(CLIENT), last(SERVER)) {
        (None, None) => None,
        (client, server) => Some(client > server),
    }
}

fn digits(text: &str) -> &str {
    &text[..text.bytes().take_while(u8::is_ascii_digit).count()]
}

/// A number of bits, as behind a network's address.
fn is_mask(text: &str) -> bool {
    let bits = digits(text);
    !bits.is_empty()
        && bits.len() <= 3
        && !text[bits.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '.')
}

fn is_service(port: u16) -> bool {
    port < 1024 || SERVICE_PORTS.contains(&port)
}

/// Whether an address is reachable from everywhere, and so may lead to a person.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| is_public_v6(v6), is_public_v4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, _, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let resolver = [[8, 8, 8, 8], [8, 8, 4, 4], [1, 1, 1, 1], [1, 0, 0, 1], [9, 9, 9, 9]];
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || shared
        || resolver.contains(&address.octets()))
}

/// Global unicast: 2000::/3 (RFC 4291).
fn is_public_v6(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xe000 == 0x2000
}

/// Whether digits with a plus are a telephone number: E.164 has at most fifteen, and few real ones less than ten.
pub fn telephone(_before: &str, value: &str, after: &str) -> bool {
    let count = value.bytes().filter(u8::is_ascii_digit).count();
    (10..=15).contains(&count) && !after.starts_with(|c: char| c.is_alphanumeric())
}

/// Whether what stands behind a name such as `phone` is a number.
pub fn named_telephone(_before: &str, value: &str, after: &str) -> bool {
    let count = value.bytes().filter(u8::is_ascii_digit).count();
    (7..=15).contains(&count) && !after.starts_with(|c: char| c.is_alphanumeric())
}
