//! Prefixes inside a message: a collector that ships the lines of `docker compose logs`, of syslog or of a hosting
//! platform's command keeps the prefix of every line. Rules and joining want the program's own text. What the prefix
//! says (time, stream) is not read here: the record has its own.

use super::{Prefixed, container, platform, syslog};

/// Prefixes that are taken off, most particular first.
const PREFIXES: [&Prefixed; 9] = [
    &container::CRI,
    &container::KUBECTL,
    &container::COMPOSE,
    &platform::HEROKU,
    &platform::FLY,
    &platform::RAILWAY,
    &platform::DIGITALOCEAN,
    &syslog::SYSLOG,
    &container::TIMESTAMPS,
];

/// The text without the prefix that its first line has, taken off every line that has it; `None` where there is none.
/// A second prefix inside the first (a time behind a container's name) is the first one's matter.
pub fn without_prefix(text: &str) -> Option<String> {
    let first = text.lines().next()?;
    let shape = PREFIXES.into_iter().find(|shape| body(shape, first).is_some())?;
    let mut plain = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        plain.push_str(body(shape, line).unwrap_or(line));
    }
    Some(plain)
}

/// What follows the prefix of one line, its end included.
fn body<'t>(shape: &Prefixed, line: &'t str) -> Option<&'t str> {
    shape.read_start(line.as_bytes(), |_, start| start).and_then(|start| line.get(start..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_prefix_off_every_line() {
        let text = "web_1    | Traceback (most recent call last):\nweb_1    |   File \"/app/a.py\", line 3\n  odd\nweb_1    | KeyError: 'STATES'";
        assert_eq!(
            without_prefix(text).as_deref(),
            Some(
                "Traceback (most recent call last):\n  File \"/app/a.py\", line 3\n  odd\nKeyError: 'STATES'"
            )
        );
    }

    #[test]
    fn knows_times_and_syslog() {
        let docker = "2026-01-01T10:10:15.482750476Z  UnicodeEncodeError: x";
        assert_eq!(without_prefix(docker).as_deref(), Some(" UnicodeEncodeError: x"));
        let syslog = "Mar 24 02:38:07 web-1 app[17]: Error: x";
        assert_eq!(without_prefix(syslog).as_deref(), Some("Error: x"));
        let papertrail = "Mar 24 02:38:07 shop app/web.1   File \"/app/a.py\", line 3";
        assert_eq!(without_prefix(papertrail).as_deref(), Some("  File \"/app/a.py\", line 3"));
    }

    #[test]
    fn leaves_other_texts() {
        for text in [
            "",
            "\n",
            "Error: a  | b",
            "2026-01-01T10:10:15.482Z\tid\tERROR\tx",
            "TypeError: x\n    at f (a.js:1:2)",
            "Mar 24 was a Tuesday",
        ] {
            assert_eq!(without_prefix(text), None, "{text:?}");
        }
    }
}
