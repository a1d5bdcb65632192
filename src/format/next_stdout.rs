//! Payload `next-stdout`: what a Next.js server prints by itself: error blocks, warnings, boot lines, and the blocks
//! of NextAuth and Auth.js. These lines have no time, no path, no status and no request ID. Request lines of the
//! development server are access log lines and not read here.

use crate::format::text_parts::{first_line, push_field, read_printed_error};
use crate::format::{About, Payload, ansi};
use crate::record::{Level, Marks, Record};

/// The payload `next-stdout`.
pub struct NextStdout;

/// What a line of Next.js begins with, and its level. Old versions used words, pipes can mangle the symbols.
/// <https://github.com/vercel/next.js/blob/canary/packages/next/src/build/output/log.ts>
const PREFIXES: &[(&str, Level)] = &[
    ("⨯ ", Level::Error),
    ("â¨¯ ", Level::Error),
    ("⚠ ", Level::Warn),
    ("▲ ", Level::Info),
    ("✓ ", Level::Info),
    ("○ ", Level::Info),
    ("» ", Level::Trace),
    ("error - ", Level::Error),
    ("warn  - ", Level::Warn),
    ("info  - ", Level::Info),
    ("ready - ", Level::Info),
    ("event - ", Level::Info),
    ("wait  - ", Level::Info),
    ("[next-auth][error]", Level::Error),
    ("[next-auth][warn]", Level::Warn),
    ("[auth][error]", Level::Error),
    ("[auth][warn]", Level::Warn),
];

/// Thrown by Next.js itself to steer a render; the request does not fail by them.
const CONTROL_FLOW: &[&str] = &[
    "NEXT_NOT_FOUND",
    "NEXT_REDIRECT",
    "NEXT_HTTP_ERROR_FALLBACK",
    "DYNAMIC_SERVER_USAGE",
    "BAILOUT_TO_CLIENT_SIDE_RENDERING",
    "NEXT_STATIC_GEN_BAILOUT",
];

/// Error lines after which no request has failed: stray promises, refused sign-ins.
const NO_REQUEST: &[&str] = &[
    "unhandledRejection",
    "uncaughtException",
    "Failed to start server",
    "[auth][error] CredentialsSignin",
    "[next-auth][error][CLIENT_FETCH_ERROR]",
];

impl Payload for NextStdout {
    fn name(&self) -> &'static str {
        "next-stdout"
    }

    fn about(&self) -> About {
        About {
            title: "Standard output of a Next.js server",
            fingerprint: "⨯, ⚠, ▲ or ✓ at the start of a line, [next-auth][error], a digest property",
            export: "`next start > app.log 2>&1`, or the container's log",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        let first = ansi::strip(first_line(record.message.trim_start()));
        prefix(first.trim_start()).is_some() || digest(&record.message).is_some()
    }

    fn read(&self, record: &mut Record, _more: &mut Vec<Record>) {
        let text = ansi::strip(record.message.trim()).into_owned();
        let (body, level) = prefix(&text).unwrap_or((&text, Level::Error));
        record.level = Some(level);
        record.runtime.get_or_insert_with(|| {
            if text.contains(".next/server/edge/") { "edge" } else { "node" }.to_owned()
        });
        let digest = digest(&text);
        if let Some(digest) = digest {
            push_field(record, "digest", digest);
        }
        if let Some(version) = version(body) {
            push_field(record, "framework", "next");
            push_field(record, "framework_version", version);
        }
        if level == Level::Error {
            read_printed_error(body.trim_start_matches("Error: Error: "), record);
            let steers = |mark: &&str| {
                digest.is_some_and(|digest| digest.starts_with(*mark))
                    || body.strip_prefix("Error: ").is_some_and(|rest| rest.starts_with(*mark))
            };
            let spared = |start: &&str| body.starts_with(*start) || text.starts_with(*start);
            if !CONTROL_FLOW.iter().any(steers) && !NO_REQUEST.iter().any(spared) {
                record.marks.insert(Marks::ERROR_BLOCK);
            }
            if body.starts_with("uncaughtException") {
                record.marks.insert(Marks::CRASH);
            }
        }
        record.message = text;
    }
}

/// The rest of a line that begins as Next.js begins its own, and its level.
fn prefix(text: &str) -> Option<(&str, Level)> {
    let known =
        PREFIXES.iter().find_map(|(start, level)| text.strip_prefix(start).map(|rest| (rest, *level)));
    // Older versions wrote a plain X; only an error after it tells it from a sentence.
    known.or_else(|| {
        let rest = text.strip_prefix("X ")?;
        let class = rest.split([':', ' ']).next().unwrap_or_default();
        crate::format::text_parts::is_error_class(class).then_some((rest, Level::Error))
    })
}

/// The digest among the properties below an error. It names the error, never the request.
fn digest(text: &str) -> Option<&str> {
    // Nothing stands below an error of one line.
    memchr::memchr(b'\n', text.as_bytes())?;
    let at = memchr::memmem::find(text.as_bytes(), b"digest: '")
        .filter(|at| text[..*at].ends_with(['\n', ' ', '\t']) && text[..*at].contains('\n'))?;
    text[at + 9..].split('\'').next().filter(|digest| !digest.is_empty() && digest.len() <= 200)
}

/// `Next.js 15.1.0` of the boot line.
fn version(body: &str) -> Option<&str> {
    let rest = body.strip_prefix("Next.js ")?;
    rest.split([' ', '\n', '\r']).next().filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Record {
        let mut record = Record { message: text.to_owned(), ..Record::default() };
        assert!(NextStdout.detect(&record), "{text}");
        NextStdout.read(&mut record, &mut Vec::new());
        record
    }

    #[test]
    fn reads_error_blocks() {
        let text = " ⨯ Error: connect ECONNREFUSED 10.0.0.5:5432\n    at g (.next/server/chunks/1.js:1:1) {\n  errno: -111,\n  code: 'ECONNREFUSED',\n  digest: '457955337'\n}";
        let record = read(text);
        assert!(record.marks.has(Marks::ERROR_BLOCK));
        assert_eq!(record.level, Some(Level::Error));
        assert_eq!(record.error_codes, ["ECONNREFUSED"]);
        assert_eq!(record.field("digest"), Some("457955337"));
        assert_eq!(record.id, None);
        assert_eq!(record.runtime.as_deref(), Some("node"));
        assert!(record.message.starts_with("⨯ Error: connect"));

        let edge = read(
            "\u{1b}[31m\u{1b}[1m⨯\u{1b}[22m\u{1b}[39m EvalError: no\n    at t (.next/server/edge/chunks/a.js:1:1)",
        );
        assert_eq!(edge.error_class.as_deref(), Some("EvalError"));
        assert_eq!(edge.runtime.as_deref(), Some("edge"));
        assert!(read("⨯ Error [PostgresError]: no").error_class.as_deref() == Some("PostgresError"));
        assert!(read("X TypeError: no").marks.has(Marks::ERROR_BLOCK));
        assert!(read("â¨¯ Error: no").marks.has(Marks::ERROR_BLOCK));
        assert!(
            read("[next-auth][error][NO_SECRET] \nhttps://next-auth.js.org/errors#no_secret Please")
                .marks
                .has(Marks::ERROR_BLOCK)
        );
        assert!(read("Error: boom\n    at f (a.js:1:1) {\n  digest: '123'\n}").marks.has(Marks::ERROR_BLOCK));
    }

    #[test]
    fn spares_control_flow() {
        for text in [
            "⨯ Error: NEXT_NOT_FOUND\n    at f (a.js:1:1) {\n  digest: 'NEXT_NOT_FOUND'\n}",
            "⨯ Error: NEXT_REDIRECT",
            "⨯ DynamicServerError: Dynamic server usage\n    at f (a.js:1:1) {\n  digest: 'DYNAMIC_SERVER_USAGE'\n}",
            "⨯ unhandledRejection: Error: late",
            "[auth][error] CredentialsSignin: Read more at https://errors.authjs.dev#credentialssignin",
        ] {
            assert!(!read(text).marks.has(Marks::ERROR_BLOCK), "{text}");
        }
    }

    #[test]
    fn reads_boot_lines() {
        let record = read("▲ Next.js 16.4.6\n- Local:         http://localhost:3000");
        assert_eq!(record.field("framework_version"), Some("16.4.6"));
        assert_eq!(record.level, Some(Level::Info));
        assert!(record.marks.is_empty());
        assert_eq!(read(" ⚠ Invalid next.config.js options").level, Some(Level::Warn));
        assert_eq!(read(" ✓ Ready in 139ms").level, Some(Level::Info));
    }

    #[test]
    fn leaves_other_text_alone() {
        for text in ["X marks the spot", "all ✓ fine", "the digest: 'abc' is wrong", "{\"a\":1}", ""] {
            assert!(!NextStdout.detect(&Record { message: text.to_owned(), ..Record::default() }), "{text}");
        }
    }
}
