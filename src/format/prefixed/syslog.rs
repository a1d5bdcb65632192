//! Syslog: RFC 5424 with or without an octet count, Heroku's drains that leave its structured data out, RFC 3164, the
//! files of rsyslog, and the short forms of `journalctl`. The old forms have no year: their lines have no time here.

use super::{Head, Prefixed, can_begin_iso, iso_word, word};
use crate::format::{About, time};
use crate::record::Level;

/// The shape `syslog`.
pub const SYSLOG: Prefixed = Prefixed {
    name: "syslog",
    about: About {
        title: "Syslog (RFC 5424, RFC 3164, rsyslog's files, journalctl)",
        fingerprint: "lines that begin with <PRI>, or with time, host and tag[pid]:",
        export: "journalctl -u NAME -o short-iso-precise, or the file that a log drain writes",
    },
    fingerprint: "a syslog header",
    can_begin,
    head,
};

/// `<PRI>`, a count before one, a month, or a time.
fn can_begin(line: &[u8]) -> bool {
    match line {
        [b'<', ..] => true,
        [b'0'..=b'9', ..] => {
            can_begin_iso(line) || line.get(..8).unwrap_or(line).windows(2).any(|pair| pair == b" <")
        }
        [b'A'..=b'Z', _, _, b' ', ..] => true,
        _ => false,
    }
}

pub(super) fn head(line: &str) -> Option<Head<'_>> {
    match line.as_bytes().first()? {
        b'<' => with_priority(line),
        b'0'..=b'9' => counted(line).or_else(|| rsyslog(line)),
        b'A'..=b'Z' => traditional(line),
        _ => None,
    }
}

/// `83 <40>1 …`: the count is of bytes, and the line's end tells as much.
fn counted(line: &str) -> Option<Head<'_>> {
    let (count, rest) = word(line)?;
    (count.len() <= 6 && rest.starts_with('<') && count.bytes().all(|b| b.is_ascii_digit())).then_some(())?;
    with_priority(rest)
}

/// The first of several frames that follow each other without a line break, each with its count of bytes, and the others.
pub(super) fn cut_counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = counted_start(bytes)?;
    let count: usize = std::str::from_utf8(&bytes[..start - 1]).ok()?.parse().ok()?;
    let (first, rest) = bytes.split_at_checked(start.checked_add(count)?)?;
    counted_start(rest).map(|_| (first, rest))
}

/// Where the message begins behind its count.
fn counted_start(bytes: &[u8]) -> Option<usize> {
    let digits = bytes.iter().take(7).take_while(|b| b.is_ascii_digit()).count();
    ((1..=6).contains(&digits) && bytes.get(digits..)?.starts_with(b" <")).then_some(digits + 1)
}

fn with_priority(line: &str) -> Option<Head<'_>> {
    let (priority, rest) = line.strip_prefix('<')?.split_once('>')?;
    let priority: u8 = priority.parse().ok().filter(|_| priority.len() <= 3)?;
    let head = match rest.strip_prefix("1 ") {
        Some(rest) => rfc5424(rest)?,
        None => traditional(rest).or_else(|| rsyslog(rest))?,
    };
    // What a program writes to its standard output is logged as `info`, whatever it is.
    let level = match priority % 8 {
        ..3 => Some(Level::Fatal),
        3 => Some(Level::Error),
        4 => Some(Level::Warn),
        _ => None,
    };
    Some(Head { level, ..head })
}

/// `TIME HOST APP PROCID MSGID SD MSG`. <https://www.rfc-editor.org/rfc/rfc5424#section-6>
fn rfc5424(rest: &str) -> Option<Head<'_>> {
    let (stamp, rest) = word(rest)?;
    let (_host, rest) = word(rest)?;
    let (app, rest) = word(rest)?;
    let (process, rest) = word(rest)?;
    let (_id, rest) = word(rest)?;
    let time_ms = if stamp == "-" { None } else { Some(time::parse(stamp)?.ms) };
    let is_heroku = matches!(app, "heroku" | "app") && process != "-" && process.parse::<u32>().is_err();
    let body = if is_heroku { rest } else { after_structured_data(rest) };
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let stream = match (app, process) {
        ("-", "-") => None,
        ("-", one) | (one, "-") => Some(one.into()),
        (_, dyno) if is_heroku => Some(dyno.into()),
        (app, process) => Some(format!("{app}[{process}]").into()),
    };
    Some(Head { time_ms, stream, body, ..Head::default() })
}

/// `-` or `[id key="value"]…` before the message. Heroku sends none; a message in brackets has no pairs in them.
fn after_structured_data(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix('-') {
        return rest.strip_prefix(' ').unwrap_or(rest);
    }
    let mut rest = text;
    while rest.starts_with('[') {
        let mut quoted = false;
        let mut escaped = false;
        let end = rest.bytes().position(|b| {
            let ends = b == b']' && !quoted;
            quoted ^= b == b'"' && !escaped;
            escaped = b == b'\\' && !escaped;
            ends
        });
        let Some(end) = end else { break };
        if !rest[..end].contains(['=', '@']) {
            break;
        }
        rest = &rest[end + 1..];
    }
    rest.strip_prefix(' ').unwrap_or(rest)
}

/// `Jan  1 10:10:15 host tag[17]: text`. <https://www.rfc-editor.org/rfc/rfc3164#section-4.1>
fn traditional(line: &str) -> Option<Head<'_>> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (month, rest) = line.split_at_checked(3)?;
    if !MONTHS.contains(&month) {
        return None;
    }
    let (day, rest) = word(rest.trim_start())?;
    let (clock, rest) = word(rest)?;
    let is_day = day.len() <= 2 && day.bytes().all(|b| b.is_ascii_digit());
    let is_clock = clock.len() >= 8 && clock.as_bytes()[2] == b':' && clock.as_bytes()[5] == b':';
    (is_day && is_clock).then_some(())?;
    tagged(rest, false).or_else(|| dyno(rest))
}

/// `host app/web.1 text`: Heroku's program and dyno as Papertrail writes them, without a colon.
fn dyno(text: &str) -> Option<Head<'_>> {
    let (_host, rest) = word(text)?;
    let (program, body) = word(rest)?;
    let name = program.strip_prefix("app/").or_else(|| program.strip_prefix("heroku/"))?;
    let is_dyno = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    is_dyno.then(|| Head { stream: Some(name.into()), body, ..Head::default() })
}

/// `2026-01-01T10:10:15.001234+00:00 host tag[17]: text`; a tag without a process is too common elsewhere.
fn rsyslog(line: &str) -> Option<Head<'_>> {
    let (stamp, rest) = iso_word(line)?;
    let time_ms = Some(time::parse(stamp)?.ms);
    Some(Head { time_ms, ..tagged(rest, true)? })
}

/// `host tag[17]: text`.
fn tagged(text: &str, needs_process: bool) -> Option<Head<'_>> {
    let (host, rest) = word(text)?;
    let (tag, body) = rest.split_once(':')?;
    let is_name =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'@' | b'(' | b')');
    let has_process = match tag.strip_suffix(']').and_then(|tag| tag.split_once('[')) {
        Some((name, process)) => {
            (name.bytes().all(is_name) && process.bytes().all(|b| b.is_ascii_digit())).then_some(())?;
            true
        }
        None => {
            tag.bytes().all(is_name).then_some(())?;
            false
        }
    };
    let valid = !tag.is_empty()
        && tag.len() <= 64
        && (has_process || !needs_process)
        && host.bytes().all(|b| is_name(b) || b == b':')
        && Level::parse(host).is_none()
        && (body.is_empty() || body.starts_with(' '));
    let body = body.strip_prefix(' ').unwrap_or(body);
    valid.then(|| Head { stream: Some(tag.into()), body, ..Head::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found<'t> = (Option<i64>, Option<String>, Option<Level>, &'t str);

    fn of(line: &str) -> Option<Found<'_>> {
        head(line).map(|head| (head.time_ms, head.stream.map(|s| s.into_owned()), head.level, head.body))
    }

    const AT: Option<i64> = Some(1_767_262_215_001);

    #[test]
    fn counted_frames_need_no_line_break() {
        let (one, two) = ("<40>1 - - - - - - é", "<40>1 - - - - - - b");
        let both = format!("{} {one}{} {two}", one.len(), two.len());
        let (first, rest) = cut_counted(both.as_bytes()).expect("two frames");
        assert_eq!((first, cut_counted(rest)), (format!("{} {one}", one.len()).as_bytes(), None));
        for text in ["7 <40>1 x", "999999 <40>1 x7 <4", "0 <1 <", " <", "18446744073709551615 <"] {
            let _ = cut_counted(text.as_bytes());
        }
        assert_eq!(cut_counted(b"9 <40>1 xy7 xy"), None);
    }

    #[test]
    fn reads_the_new_form() {
        let stream = |name: &str| Some(name.to_owned());
        assert_eq!(
            of("<11>1 2026-01-01T10:10:15.001Z web-1 shop 17 - - boom"),
            Some((AT, stream("shop[17]"), Some(Level::Error), "boom"))
        );
        assert_eq!(
            of(
                "<14>1 2026-01-01T10:10:15.001Z web-1 shop - - [x@1 a=\"b ] \\\" c\"][y@2 d=\"\"] \u{feff}[info] hi"
            ),
            Some((AT, stream("shop"), None, "[info] hi"))
        );
        assert_eq!(
            of("221 <158>1 2026-01-01T10:10:15.001234+00:00 host heroku router - at=info method=GET"),
            Some((AT, stream("router"), None, "at=info method=GET"))
        );
        assert_eq!(
            of("<190>1 2026-01-01T10:10:15.001234+00:00 host app web.1 -     at f (a.js:1:1)").map(|f| f.3),
            Some("    at f (a.js:1:1)")
        );
    }

    #[test]
    fn reads_the_old_forms() {
        let shop = Some("shop[17]".to_owned());
        assert_eq!(of("Jan  1 10:10:15 web-1 shop[17]: boom"), Some((None, shop.clone(), None, "boom")));
        assert_eq!(
            of("<12>Jan 11 10:10:15 web-1 shop[17]: boom"),
            Some((None, shop.clone(), Some(Level::Warn), "boom"))
        );
        assert_eq!(of("2026-01-01T10:10:15.001+0000 web-1 shop[17]:   x"), Some((AT, shop, None, "  x")));
        assert_eq!(of("Jan 01 10:10:15 web-1 kernel: oom").map(|f| f.3), Some("oom"));
    }

    #[test]
    fn leaves_other_lines() {
        for text in [
            "2026-01-01T10:10:15.001Z ERROR main[1]: boom",
            "2026-01-01T10:10:15.001Z web main: boom",
            "<div>1 2",
            "<11>hello",
            "<999",
            "Jan",
            "January is cold",
            "Mar 1 x",
            "12 <b> x",
            "1",
            "é",
            "",
            "2026-01-01T10:10:15.001+00:00 app[web.1]: x",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
