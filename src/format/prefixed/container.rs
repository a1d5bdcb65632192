//! Prefixes of container runtimes and of the commands that print their logs: the log files of Kubernetes' runtimes (CRI),
//! `kubectl logs --prefix` and `--timestamps`, `docker logs -t`, `docker compose logs`.

use super::{Head, Prefixed, can_begin_iso, fraction_digits, iso_word, platform, syslog, word};
use crate::format::{About, time};

/// `2026-01-01T10:10:15.001234567Z stdout F text`; `P` in the place of `F` is a piece.
/// <https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md>
pub const CRI: Prefixed = Prefixed {
    name: "cri",
    about: About {
        title: "Log files of Kubernetes containers (CRI)",
        fingerprint: "lines that begin with time, stdout or stderr, F or P",
        export: "/var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log on the node",
    },
    fingerprint: "time, stream and tag",
    can_begin: can_begin_iso,
    head: cri,
};

/// `[pod/web-7c9/app] text`, with a time after it if one was asked for.
pub const KUBECTL: Prefixed = Prefixed {
    name: "kubectl",
    about: About {
        title: "kubectl logs --prefix",
        fingerprint: "lines that begin with [pod/NAME/CONTAINER]",
        export: "kubectl logs -l app=NAME --prefix --timestamps --all-containers",
    },
    fingerprint: "[pod/NAME/CONTAINER]",
    can_begin: |line| line.starts_with(b"[pod/"),
    head: kubectl,
};

/// `web-1  | text`, with a time after the bar if one was asked for.
pub const COMPOSE: Prefixed = Prefixed {
    name: "docker-compose",
    about: About {
        title: "docker compose logs",
        fingerprint: "lines that begin with a container's name and a bar",
        export: "docker compose logs --timestamps --no-color > app.log",
    },
    fingerprint: "a container's name and a bar",
    can_begin: |line| bar(line).is_some(),
    head: compose,
};

/// `2026-01-01T10:10:15.001234567Z text`: with nine digits, as no program's own logger writes them.
pub const TIMESTAMPS: Prefixed = Prefixed {
    name: "container-timestamps",
    about: About {
        title: "docker logs --timestamps, kubectl logs --timestamps",
        fingerprint: "lines that begin with a time in nanoseconds",
        export: "docker logs --timestamps NAME > app.log 2>&1",
    },
    fingerprint: "a time in nanoseconds",
    can_begin: |line| can_begin_iso(line) && line[19] == b'.',
    head: timestamps,
};

fn cri(line: &str) -> Option<Head<'_>> {
    let (stamp, rest) = iso_word(line)?;
    let (channel, rest) = word(rest)?;
    if !matches!(channel, "stdout" | "stderr") {
        return None;
    }
    let (tag, body) = word(rest)?;
    // The tag may have more parts, after colons.
    let is_piece = match tag.split(':').next()? {
        "P" => true,
        "F" => false,
        _ => return None,
    };
    let time_ms = Some(time::parse(stamp)?.ms);
    Some(Head { time_ms, channel: Some(channel), is_piece, body, ..Head::default() })
}

fn kubectl(line: &str) -> Option<Head<'_>> {
    let (name, body) = line.strip_prefix("[pod/")?.split_once(']')?;
    if name.contains(char::is_whitespace) || !name.contains('/') {
        return None;
    }
    let body = body.strip_prefix(' ').unwrap_or(body);
    Some(Head { stream: Some(name.into()), ..timed(body) })
}

/// Where the bar after a container's name is.
fn bar(line: &[u8]) -> Option<usize> {
    memchr::memchr(b'|', line.get(..80).unwrap_or(line)).filter(|at| line[..*at].ends_with(b"  "))
}

fn compose(line: &str) -> Option<Head<'_>> {
    let bar = bar(line.as_bytes())?;
    let (before, body) = (&line[..bar], &line[bar + 1..]);
    let name = before.trim_end_matches(' ');
    let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@');
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.bytes().all(valid);
    // The longest name has two spaces after it.
    if !is_name || before.len() < name.len() + 2 || !(body.is_empty() || body.starts_with(' ')) {
        return None;
    }
    Some(Head { stream: Some(name.into()), ..timed(body.get(1..).unwrap_or_default()) })
}

fn timestamps(line: &str) -> Option<Head<'_>> {
    let head = timed(line);
    // A line is of one shape, whichever is asked first.
    let is_other = || {
        let others: [fn(&str) -> Option<Head<'_>>; 5] =
            [cri, platform::heroku, platform::fly, platform::railway, syslog::head];
        others.iter().any(|other| other(line).is_some())
    };
    (head.time_ms.is_some() && !is_other()).then_some(head)
}

/// A line with or without a time of nine digits before it.
fn timed(line: &str) -> Head<'_> {
    let found = iso_word(line).filter(|(stamp, _)| fraction_digits(stamp) == 9);
    match found.and_then(|(stamp, body)| Some((time::parse(stamp)?, body))) {
        Some((stamp, body)) => Head { time_ms: Some(stamp.ms), body, ..Head::default() },
        None => Head { body: line, ..Head::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Container, Decoded};
    use crate::input::frame::{Frame, FrameContext, FrameKind};
    use crate::record::{Marks, Record};

    fn read(shape: &Prefixed, text: &str) -> Option<Record> {
        let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Line, at: Default::default() };
        shape.detect(&frame, &FrameContext::default())?;
        let mut out = Vec::new();
        (shape.decode(&frame, &FrameContext::default(), &mut out) == Decoded::Records).then_some(())?;
        out.pop()
    }

    #[test]
    fn reads_cri() {
        let line = read(&CRI, "2026-01-01T10:10:15.001234567Z stderr F     at f (a.js:1:1)").expect("read");
        assert_eq!((line.message.as_str(), line.time_ms), ("    at f (a.js:1:1)", Some(1_767_262_215_001)));
        assert_eq!(line.field(super::super::CHANNEL), Some("stderr"));
        let piece = read(&CRI, "2026-01-01T11:10:15.1+01:00 stdout P {\"a\"").expect("read");
        assert!(piece.marks.has(Marks::PIECE) && piece.message == "{\"a\"");
        assert_eq!(piece.time_ms, Some(1_767_262_215_100));
        assert!(read(&CRI, "2026-01-01T10:10:15.001234567Z stdout F").is_some_and(|r| r.message.is_empty()));
        assert!(read(&CRI, "2026-01-01T10:10:15.001234567Z stdout F:x y").is_some());
        for text in ["2026-01-01T10:10:15Z stdout G x", "2026-01-01T10:10:15Z out F x", "soon stdout F x", ""]
        {
            assert_eq!(read(&CRI, text), None, "{text}");
        }
    }

    #[test]
    fn reads_kubectl_and_timestamps() {
        let line =
            read(&KUBECTL, "[pod/web-7c9/app] 2026-01-01T10:10:15.001234567Z GET / 200").expect("read");
        assert_eq!((line.stream.as_deref(), line.message.as_str()), (Some("web-7c9/app"), "GET / 200"));
        assert!(line.time_ms.is_some());
        assert!(read(&KUBECTL, "[pod/web-7c9/app] text").is_some_and(|line| line.time_ms.is_none()));
        assert_eq!(read(&KUBECTL, "[pod/] x"), None);
        assert!(read(&TIMESTAMPS, "2026-01-01T10:10:15.001234567Z text").is_some());
        for text in [
            "2026-01-01T10:10:15.001234567Z stdout F text",
            "2026-01-01T10:10:15.001Z ERROR text",
            "2026-01-01T10:10:15.001234Z x",
            "2026",
            "é",
        ] {
            assert_eq!(read(&TIMESTAMPS, text), None, "{text}");
        }
    }

    #[test]
    fn reads_compose_with_colours() {
        let line = read(&COMPOSE, "web-1  | GET / 200").expect("read");
        assert_eq!((line.stream.as_deref(), line.message.as_str()), (Some("web-1"), "GET / 200"));
        let line = read(&COMPOSE, "\u{1b}[36mweb-1     | \u{1b}[0m\u{1b}[31mred\u{1b}[0m é").expect("read");
        assert_eq!(line.stream.as_deref(), Some("web-1"));
        assert!(line.message.ends_with("red\u{1b}[0m é"), "{:?}", line.message);
        let line = read(&COMPOSE, "postgres  | 2026-01-01T10:10:15.001234567Z   indented").expect("read");
        assert_eq!((line.message.as_str(), line.time_ms.is_some()), ("  indented", true));
        assert!(read(&COMPOSE, "web-1  |").is_some_and(|line| line.message.is_empty()));
        for text in ["a | b", " id  | name", "12 | code", "https://x/  | y", "web-1  |x", "", "|"] {
            assert_eq!(read(&COMPOSE, text), None, "{text}");
        }
    }
}
