//! Apache's error log: `[time] [module:level] [pid 9:tid 8] [client ADDRESS:PORT] text`. What an application writes to its
//! standard error gets the prefix line by line, so a traceback is many entries, those of other threads between them.
//! <https://httpd.apache.org/docs/2.4/logs.html#errorlog>

use chrono::NaiveDateTime;
use xxhash_rust::xxh3::xxh3_64;

use super::{Head, Prefixed};
use crate::format::About;
use crate::format::text_parts::set_asked;
use crate::record::{Level, Record};

/// How the server is called in the field `logger`.
pub const NAME: &str = "apache";

/// The shape `apache-errors`.
pub const ERRORS: Prefixed = Prefixed {
    name: "apache-errors",
    about: About {
        title: "Apache's error log",
        fingerprint: "[Thu Jan 01 10:10:15.001 2026] [module:level] [pid 9:tid 8] [client ADDRESS]",
        export: "/var/log/apache2/error.log",
    },
    fingerprint: "a time, a module with its level, a process",
    can_begin,
    head,
};

const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];

fn can_begin(line: &[u8]) -> bool {
    line.first() == Some(&b'[') && line.get(4) == Some(&b' ') && DAYS.contains(&&line[1..4])
}

/// Reads the prefix of a line.
pub fn head(line: &str) -> Option<Head<'_>> {
    if !can_begin(line.as_bytes()) {
        return None;
    }
    let (date, rest) = line.get(1..)?.split_once("] [")?;
    let at = NaiveDateTime::parse_from_str(date, "%a %b %d %H:%M:%S%.f %Y").ok()?;
    let (place, mut rest) = rest.split_once(']')?;
    // Before version 2.4 there was no module.
    let level = Level::parse(place.rsplit(':').next()?)?;
    let (mut stream, mut client) = (None, None);
    while let Some((group, after)) = rest.strip_prefix(" [").and_then(|rest| rest.split_once(']')) {
        let Some((name, value)) = group.split_once(' ') else { break };
        match name {
            "pid" => stream = Some(value),
            "client" | "remote" => client = Some(address(value)),
            _ => break,
        }
        rest = after;
    }
    let body = rest.strip_prefix(' ').unwrap_or(rest);
    // What the system said stands before the client: `(111)Connection refused: [client 203.0.113.9:4711] AH01102: text`.
    let inner = body.split_once("[client ").and_then(|(_, rest)| rest.split_once(']'));
    Some(Head {
        time_ms: Some(at.and_utc().timestamp_millis()),
        level: Some(level),
        stream: stream.map(Into::into),
        server: Some(NAME),
        client: client.or(inner.map(|(value, _)| address(value))),
        body,
        ..Head::default()
    })
}

/// Notes the server, and whom it served in which thread. Its access lines stand at the time at which requests came.
pub fn note(record: &mut Record, thread: Option<&str>, client: Option<&str>) {
    record.fields.push(("logger".to_owned(), NAME.to_owned()));
    if let Some(client) = client {
        let connection = thread.map(|thread| xxh3_64(thread.as_bytes()));
        let asked = set_asked(record, client, "");
        (asked.connection, asked.at_arrival) = (connection, true);
    }
}

/// An address without its port: `203.0.113.9:4711`, `2001:db8::9:4711`.
fn address(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((address, port)) if port.bytes().all(|b| b.is_ascii_digit()) => address,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_prefix_of_a_line() {
        let line = "[Mon Jan 05 10:10:15.001234 2026] [wsgi:error] [pid 9:tid 8] [remote 203.0.113.9:4711]   File \"/srv/a.py\"";
        let found = head(line).expect("a head");
        assert_eq!((found.time_ms, found.level), (Some(1_767_607_815_001), Some(Level::Error)));
        assert_eq!((found.stream.as_deref(), found.client), (Some("9:tid 8"), Some("203.0.113.9")));
        assert_eq!(found.body, "  File \"/srv/a.py\"");
        let of_system = "[Mon Jan 05 10:10:15.001234 2026] [proxy_http:error] [pid 9:tid 8] (70007)The timeout specified has expired: [client 203.0.113.9:4711] AH01102: error reading";
        assert_eq!(head(of_system).and_then(|head| head.client), Some("203.0.113.9"));
        let old = head("[Mon Jan 05 10:10:15 2026] [error] [client 203.0.113.9] File does not exist: /srv/x");
        assert_eq!(
            old.map(|head| (head.client, head.body)),
            Some((Some("203.0.113.9"), "File does not exist: /srv/x"))
        );
    }

    #[test]
    fn leaves_what_other_servers_write() {
        for line in [
            "[Mon Jan  5 10:10:15 2026] 203.0.113.9:4711 [500]: GET /x",
            "[Mon Jan 05 10:10:15 2026] [hello] there",
            "[Mon",
            "[2026-01-05 10:10:15] [error] x",
        ] {
            assert!(!can_begin(line.as_bytes()) || head(line).is_none(), "{line}");
        }
    }
}
