//! Prefixes of hosting platforms' commands: `heroku logs`, `fly logs`, `railway logs`, `doctl apps logs`, `render logs`,
//! `netlify logs`.

use super::{Head, Prefixed, can_begin_iso, fraction_digits, iso_word, word};
use crate::format::{About, time};
use crate::record::Level;

/// `2026-01-01T10:10:45.123456+00:00 app[web.1]: text`.
/// <https://devcenter.heroku.com/articles/logging#log-format>
pub const HEROKU: Prefixed = Prefixed {
    name: "heroku-logs",
    about: About {
        title: "heroku logs",
        fingerprint: "lines that begin with time and heroku[…]: or app[…]:",
        export: "heroku logs --num 1500 --app NAME > app.log",
    },
    fingerprint: "time, source and dyno",
    can_begin: can_begin_iso,
    head: heroku,
};

/// `2026-01-01T10:10:15Z app[e784] iad [info]text`.
/// <https://github.com/superfly/flyctl/blob/master/internal/render/logs.go>
pub const FLY: Prefixed = Prefixed {
    name: "fly-logs",
    about: About {
        title: "fly logs",
        fingerprint: "lines that begin with time, app[INSTANCE], region and [level]",
        export: "fly logs --no-tail > app.log",
    },
    fingerprint: "time, instance, region and level",
    can_begin: |line| can_begin_iso(line) || line.starts_with(b"error.message="),
    head: fly,
};

/// `2026-01-01T10:10:15.001Z [ERRO] text`. A level says only to which output the line was written.
/// <https://github.com/railwayapp/cli/blob/master/src/util/logs.rs>
pub const RAILWAY: Prefixed = Prefixed {
    name: "railway-logs",
    about: About {
        title: "railway logs",
        fingerprint: "lines that begin with time and [INFO], [ERRO], [WARN] or [DBUG]",
        export: "railway logs > app.log",
    },
    fingerprint: "time and a level of four letters",
    can_begin: can_begin_iso,
    head: railway,
};

/// `web 2026-01-01T10:10:15.001234567Z text`.
/// <https://docs.digitalocean.com/reference/doctl/reference/apps/logs/>
pub const DIGITALOCEAN: Prefixed = Prefixed {
    name: "doctl-apps-logs",
    about: About {
        title: "doctl apps logs",
        fingerprint: "lines that begin with component and time in nanoseconds",
        export: "doctl apps logs APP --type run > app.log",
    },
    fingerprint: "component and time",
    can_begin: |line| line.first().is_some_and(u8::is_ascii_lowercase),
    head: digitalocean,
};

/// `2026-01-01 10:10:15  text`: seconds, two spaces. Status and path of a request are in labels that the text has not.
/// <https://github.com/render-oss/cli/blob/main/cmd/logs.go>
pub const RENDER: Prefixed = Prefixed {
    name: "render-logs",
    about: About {
        title: "render logs",
        fingerprint: "lines that begin with date, time without a fraction, and two spaces",
        export: "render logs --resources SERVICE --output text > app.log; with --output json statuses are in it",
    },
    fingerprint: "date, time and two spaces",
    can_begin: |line| line.len() > 20 && line[4] == b'-' && line[10] == b' ' && &line[19..21] == b"  ",
    head: render,
};

/// `[𝒇 pay] 2026-01-01T10:10:15.001Z ERROR text`; a globe for edge functions, a rocket for deploys.
/// <https://github.com/netlify/cli/blob/main/src/commands/logs/log-api.ts>
pub const NETLIFY: Prefixed = Prefixed {
    name: "netlify-logs",
    about: About {
        title: "netlify logs",
        fingerprint: "lines that begin with a symbol and a function's name in brackets, time and level",
        export: "netlify logs --since 1h > netlify.log",
    },
    fingerprint: "a symbol and a name in brackets",
    can_begin: |line| NETLIFY_SOURCES.iter().any(|source| line.starts_with(source.as_bytes())),
    head: netlify,
};

/// What a line of a function, an edge function and a deploy begins with.
const NETLIFY_SOURCES: [&str; 3] = ["[𝒇 ", "[🌐 ", "[🚀 "];

fn render(line: &str) -> Option<Head<'_>> {
    let (stamp, body) = line.split_at_checked(19)?;
    let body = body.strip_prefix("  ")?;
    let is_stamp = stamp.bytes().zip(*b"dddd-dd-dd dd:dd:dd").all(|(byte, form)| match form {
        b'd' => byte.is_ascii_digit(),
        _ => byte == form,
    });
    // A logger of its own writes its level next, and lines without a prefix below.
    let is_level = |word: &str| word.len() > 1 && Level::parse(word).is_some();
    if !is_stamp || body.split([' ', ':']).next().is_some_and(is_level) {
        return None;
    }
    Some(Head { time_ms: Some(time::parse(stamp)?.ms), body, ..Head::default() })
}

fn netlify(line: &str) -> Option<Head<'_>> {
    let rest = NETLIFY_SOURCES.iter().find_map(|source| line.strip_prefix(source))?;
    let (name, rest) = rest.split_once("] ")?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    let (time_ms, rest) = match iso_word(rest) {
        Some((stamp, rest)) => (Some(time::parse(stamp)?.ms), rest),
        None => (None, rest),
    };
    let (level, body) = word(rest)?;
    Some(Head {
        time_ms,
        stream: Some(name.into()),
        level: Some(Level::parse(level)?),
        body,
        ..Head::default()
    })
}

pub(super) fn heroku(line: &str) -> Option<Head<'_>> {
    let (stamp, rest) = iso_word(line)?;
    let inside = rest.strip_prefix("heroku[").or_else(|| rest.strip_prefix("app["))?;
    let (dyno, body) = inside.split_once("]:")?;
    if dyno.is_empty() || dyno.len() > 60 || dyno.contains([' ', '[']) {
        return None;
    }
    let time_ms = Some(time::parse(stamp)?.ms);
    let body = body.strip_prefix(' ').unwrap_or(body);
    Some(Head { time_ms, stream: Some(dyno.into()), body, ..Head::default() })
}

pub(super) fn fly(line: &str) -> Option<Head<'_>> {
    // An error's message is printed before the time.
    let rest = match line.strip_prefix("error.message=\"") {
        Some(rest) => rest.split_once("\" ")?.1,
        None => line,
    };
    let leads = rest.len() < line.len();
    let (stamp, rest) = iso_word(rest)?;
    let (source, rest) = word(rest.trim_start())?;
    let (provider, instance) = source.strip_suffix(']')?.split_once('[')?;
    let (region, rest) = word(rest)?;
    let (level, body) = rest.strip_prefix('[')?.split_once(']')?;
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if !is_word(provider) || !(2..=4).contains(&region.len()) || !is_word(region) || instance.contains('[') {
        return None;
    }
    let level = Level::parse(level)?;
    let time_ms = Some(time::parse(stamp)?.ms);
    let body = if leads { line } else { body.strip_prefix(' ').unwrap_or(body) };
    // Everything that is written to either output is `info`.
    let level = (level != Level::Info).then_some(level);
    let stream = Some(instance).filter(|instance| !instance.is_empty()).map(Into::into);
    Some(Head { time_ms, stream, level, region: Some(region), body, ..Head::default() })
}

pub(super) fn railway(line: &str) -> Option<Head<'_>> {
    let (stamp, rest) = iso_word(line)?;
    let (level, body) = rest.strip_prefix('[')?.split_once(']')?;
    let (channel, level) = match level {
        "ERRO" => ("stderr", None),
        "INFO" => ("stdout", None),
        "WARN" | "DBUG" => ("stdout", Level::parse(level)),
        _ => return None,
    };
    let time_ms = Some(time::parse(stamp)?.ms);
    let body = body.strip_prefix(' ').unwrap_or(body);
    Some(Head { time_ms, channel: Some(channel), level, body, ..Head::default() })
}

fn digitalocean(line: &str) -> Option<Head<'_>> {
    if !line.starts_with(|c: char| c.is_ascii_lowercase()) {
        return None;
    }
    let (component, rest) = word(line)?;
    let is_name = component.len() <= 40
        && component.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_name || Level::parse(component).is_some() {
        return None;
    }
    let (stamp, body) = iso_word(rest).filter(|(stamp, _)| fraction_digits(stamp) == 9)?;
    let time_ms = Some(time::parse(stamp)?.ms);
    Some(Head { time_ms, stream: Some(component.into()), body, ..Head::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(head: fn(&str) -> Option<Head<'_>>, line: &str) -> Option<(Option<i64>, Option<String>, String)> {
        head(line).map(|head| (head.time_ms, head.stream.map(|s| s.into_owned()), head.body.to_owned()))
    }

    const AT: Option<i64> = Some(1_767_262_215_001);

    #[test]
    fn reads_heroku() {
        let text = "2026-01-01T10:10:15.001234+00:00 app[web.1]:     at f (a.js:1:1)";
        assert_eq!(of(heroku, text), Some((AT, Some("web.1".to_owned()), "    at f (a.js:1:1)".to_owned())));
        assert!(of(heroku, "2026-01-01T10:10:15.001234+00:00 heroku[router]: at=info").is_some());
        for text in
            ["2026-01-01T10:10:15.001Z host sshd[1]: x", "app[web.1]: x", "2026-01-01T10:10:15Z app[ x"]
        {
            assert_eq!(of(heroku, text), None, "{text}");
        }
    }

    #[test]
    fn reads_fly() {
        let text = "2026-01-01T10:10:15.001Z app[e784] iad [info]    at f (a.js:1:1)";
        assert_eq!(of(fly, text), Some((AT, Some("e784".to_owned()), "   at f (a.js:1:1)".to_owned())));
        let text = "2026-01-01T10:10:15.001Z proxy[e784] iad [error][PC01] instance refused connection";
        assert_eq!(fly(text).and_then(|head| head.level), Some(Level::Error));
        let text =
            "error.message=\"timed out\" 2026-01-01T10:10:15.001Z proxy[e784] iad [error]request.id=\"a\"";
        assert_eq!(of(fly, text), Some((AT, Some("e784".to_owned()), text.to_owned())));
        assert_eq!(of(fly, "2026-01-01T10:10:15.001Z app[1] main [thread] x"), None);
    }

    #[test]
    fn reads_render_and_netlify() {
        let at = Some(1_767_262_215_000);
        let text = "2026-01-01 10:10:15      at f (a.js:1:1)";
        assert_eq!(of(render, text), Some((at, None, "    at f (a.js:1:1)".to_owned())));
        for text in
            ["2026-01-01 10:10:15 x", "2026-01-01 10:10:15  INFO x", "2026-01-01T10:10:15  x", "é", ""]
        {
            assert_eq!(of(render, text), None, "{text}");
        }
        let text = "[𝒇 pay] 2026-01-01T10:10:15.001Z ERROR TypeError: no";
        assert_eq!(of(netlify, text), Some((AT, Some("pay".to_owned()), "TypeError: no".to_owned())));
        assert_eq!(netlify(text).and_then(|head| head.level), Some(Level::Error));
        assert!(netlify("[🌐 geo] INFO hello").is_some_and(|head| head.time_ms.is_none()));
        for text in ["[𝒇 ] INFO x", "[𝒇 pay] hello", "[x pay] INFO x", "[𝒇 a b] INFO x"] {
            assert_eq!(of(netlify, text), None, "{text}");
        }
    }

    #[test]
    fn reads_railway_and_digitalocean() {
        let head = railway("2026-01-01T10:10:15.001Z [ERRO] text").expect("read");
        assert_eq!((head.level, head.channel, head.body), (None, Some("stderr"), "text"));
        assert_eq!(railway("2026-01-01T10:10:15.001Z [ERROR] text"), None);
        let text = "web 2026-01-01T10:10:15.001234567Z text";
        assert_eq!(of(digitalocean, text), Some((AT, Some("web".to_owned()), "text".to_owned())));
        for text in ["info 2026-01-01T10:10:15.001234567Z x", "https 2026-01-01T10:10:15.186641Z app/x", "é"]
        {
            assert_eq!(digitalocean(text), None, "{text}");
        }
    }
}
