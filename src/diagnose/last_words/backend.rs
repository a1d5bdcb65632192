//! Which program a proxy means, as far as it names it: by the host of an upstream, or the kind of dyno.

use super::witness::Witness;
use crate::correlate::line::Line;

/// What names say of a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// It is the program that the proxy names.
    Named,
    /// It is another one.
    Another,
    /// They say nothing: only time ties the two.
    Silent,
}

/// The names of the backend.
pub struct Backend<'l>(Vec<&'l str>);

impl<'l> Backend<'l> {
    /// The names in a failed request's own lines.
    pub fn of(lines: &'l [Line]) -> Backend<'l> {
        let names = lines.iter().flat_map(|line| {
            let upstream = line.text.split_once("upstream: \"").and_then(|(_, rest)| host(rest));
            // Heroku's router knows web dynos only.
            upstream.or_else(|| (line.record.payload == "heroku").then_some("web"))
        });
        Backend(names.collect())
    }

    /// What the names say of a witness.
    pub fn tie(&self, witness: &Witness) -> Tie {
        let streams = || witness.lines.iter().filter_map(|line| line.record.stream.as_deref());
        let killed = || witness.lines.iter().filter_map(|line| killed(&line.text));
        let told: Vec<&str> = streams().chain(killed()).filter(|name| is_name(name)).collect();
        if self.0.is_empty() || told.is_empty() {
            return Tie::Silent;
        }
        let same = |name: &str| self.0.iter().any(|backend| is_part(backend, name));
        if told.into_iter().any(same) { Tie::Named } else { Tie::Another }
    }
}

/// The host of an address `http://HOST:PORT/path"`, if it is a name that tells programs apart.
fn host(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let end = rest.find([':', '/', '"']).unwrap_or(rest.len());
    let host = &rest[..end];
    (is_name(host) && !host.starts_with("localhost") && !host.contains("..")).then_some(host)
}

/// The process that the kernel killed for its memory: `Killed process 812 (transcoder)`.
fn killed(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("Killed process ")?;
    let (_, rest) = rest.split_once('(')?;
    Some(rest.split_once(')')?.0)
}

/// Whether it is the kernel that tells of an end: of any process of the machine.
pub fn is_kernel(witness: &Witness) -> bool {
    witness.lines.iter().any(|line| killed(&line.text).is_some())
}

/// Whether a word names a program, and is no address, number or hash.
fn is_name(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_alphabetic() && !b.is_ascii_hexdigit())
}

/// Whether the name of a stream (`api-1`, `shop_api_1`, `web.1`, `api-7d9f-x2k`) has the backend's name as a part.
fn is_part(backend: &str, stream: &str) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    // A name in a cluster goes on with its namespace.
    let backend = backend.split('.').next().unwrap_or(backend);
    stream.match_indices(backend).any(|(at, _)| {
        let bytes = stream.as_bytes();
        is_edge(at.checked_sub(1).and_then(|before| bytes.get(before)))
            && is_edge(bytes.get(at + backend.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_known_by_the_name_of_its_backend() {
        for (backend, stream) in
            [("api", "api-1"), ("api", "shop_api_1"), ("web", "web.1"), ("api.shop.svc", "api-7d9f-x2k")]
        {
            assert!(is_part(backend, stream), "{backend} {stream}");
        }
        assert!(!is_part("api", "worker.1") && !is_part("api", "apiary-1") && !is_part("web", "worker-1"));
    }

    #[test]
    fn addresses_name_no_program() {
        assert_eq!(host("http://api:3000/exports\", host"), Some("api"));
        assert_eq!(host("fastcgi://php:9000\""), Some("php"));
        for address in
            ["http://10.0.0.20:3000/x", "http://localhost:3000/", "http://[::1]:80/", "unix:/run/x.sock"]
        {
            assert_eq!(host(address), None, "{address}");
        }
        assert_eq!(killed("Out of memory: Killed process 812 (transcoder) total-vm:1kB"), Some("transcoder"));
    }
}
