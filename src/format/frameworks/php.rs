//! PHP: Monolog's lines as Laravel and Symfony write them, and PHP's own error log.

use super::{Framework, begin, complete, status};
use xxhash_rust::xxh3::xxh3_64;

use crate::format::text_parts::{first_line, is_uuid, push_code, said_by_php, set_request_id, set_time};
use crate::format::{About, time};
use crate::record::{Level, Marks, Record};

/// The shape `monolog`.
pub const MONOLOG: Framework = Framework {
    name: "monolog",
    about: About {
        title: "Monolog's lines (Laravel, Symfony)",
        fingerprint: "[time] channel.LEVEL: text {context}",
        export: "storage/logs/laravel.log, var/log/prod.log",
    },
    detect: |text| monolog(text).is_some(),
    read: read_monolog,
};

/// The shape `php-errors`.
pub const PHP_ERRORS: Framework = Framework {
    name: "php-errors",
    about: About {
        title: "PHP's error log and PHP-FPM's",
        fingerprint: "PHP Fatal error: …, [time] WARNING: [pool www] …",
        export: "the file that error_log names",
    },
    detect: |text| php(text).is_some(),
    read: read_php,
};

/// Time, level and text of `[2026-01-01 10:10:15] production.ERROR: text`.
fn monolog(text: &str) -> Option<(time::Stamp, Level, &str)> {
    let (stamp, rest) = text
        .strip_prefix('[')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))?
        .split_once("] ")?;
    let (channel, body) = rest.split_once(": ")?;
    let (name, level) = channel.rsplit_once('.')?;
    let valid = level.bytes().all(|b| b.is_ascii_uppercase()) && !name.contains(char::is_whitespace);
    let stamp = time::parse(stamp).filter(|_| valid)?;
    Some((stamp, Level::parse(level)?, body))
}

fn read_monolog(text: &str, record: &mut Record) {
    let Some((stamp, level, body)) = monolog(text) else { return };
    set_time(record, stamp);
    record.level = Some(level);
    record.runtime.get_or_insert_with(|| "php".to_owned());
    // A processor's `extra` or `context`: `{"request_id":"…"}`.
    for key in ["\"request_id\":\"", "\"requestId\":\"", "\"uid\":\""] {
        if let Some(id) = body.split_once(key).and_then(|(_, rest)| rest.split('"').next())
            && (is_uuid(id) || !key.contains("uid"))
        {
            set_request_id(record, id);
            break;
        }
    }
    read_web(body, record);
    let Some(exception) = body.split_once("\"exception\":\"[object] (").map(|(_, rest)| rest) else { return };
    if level < Level::Error {
        return;
    }
    record.marks.insert(Marks::ERROR_BLOCK);
    // `Illuminate\\Database\\QueryException(code: 2002): text`: the backslashes are JSON's.
    let (name, rest) = exception.split_once("(code: ").unwrap_or((exception, ""));
    if name.len() <= 200 && !name.contains(char::is_whitespace) {
        record.error_class = name.rsplit('\\').next().map(str::to_owned);
    }
    let code = rest.split(')').next().unwrap_or_default();
    if code != "0" && code.bytes().all(|b| b.is_ascii_alphanumeric()) {
        push_code(record, code);
    }
}

/// The request, where Monolog's web processor adds it: `{"url":"/x","ip":"…","http_method":"GET",…}`.
/// <https://github.com/Seldaek/monolog/blob/main/src/Monolog/Processor/WebProcessor.php>
fn read_web(body: &str, record: &mut Record) {
    let Some((_, extra)) = body.rsplit_once("{\"url\":\"") else { return };
    let Some((_, verb)) = extra.split_once(",\"http_method\":\"") else { return };
    let (url, verb) = (extra.split('"').next(), verb.split('"').next());
    if let (Some(url), Some(verb)) = (url, verb) {
        begin(record, verb, &url.replace("\\/", "/"));
    }
}

/// Time and text of a line of PHP or PHP-FPM.
fn php(text: &str) -> Option<(Option<time::Stamp>, &str)> {
    let (stamp, body) = match text.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((at, body)) => match php_time(at) {
            Some(stamp) => (Some(stamp), body),
            None => {
                let stamp = server_time(at)?;
                let is_servers = answered(body).is_some() || body.starts_with("PHP ");
                return is_servers.then_some((Some(stamp), body));
            }
        },
        None => (None, text),
    };
    let is_php = (body.starts_with("PHP ") || body.starts_with(SAID)) && body.contains(": ")
        || stamp.is_some() && (body.contains(": [pool ") || body.starts_with("NOTICE: fpm"));
    is_php.then_some((stamp, body))
}

/// Before what a script wrote through PHP-FPM.
const SAID: &str = "NOTICE: PHP message: ";

/// What a worker said: `WARNING: [pool www] child 7 said into stderr: "NOTICE: PHP message: PHP Fatal error: …"`.
fn said(body: &str) -> Option<&str> {
    let (_, quoted) = body.split_once("] child ")?.1.split_once(" said into std")?;
    let inside = quoted.split_once(": \"")?.1;
    Some(inside.rsplit_once('"').map_or(inside, |(inside, _)| inside))
}

/// Whether a line of a worker goes on with the one before it.
fn goes_on(inside: &str) -> bool {
    inside.starts_with([' ', '#']) || inside.starts_with("Stack trace:")
}

/// `01-Jan-2026 10:10:15 UTC`, or without the zone.
fn php_time(text: &str) -> Option<time::Stamp> {
    let date = text.get(..20).filter(|date| date.as_bytes()[2] == b'-')?;
    let at = chrono::NaiveDateTime::parse_from_str(date, "%d-%b-%Y %H:%M:%S").ok()?;
    Some(time::Stamp { ms: at.and_utc().timestamp_millis(), zoned: text[20..].trim() == "UTC" })
}

/// `Thu Jan 01 10:10:15 2026` of the built-in server. <https://www.php.net/manual/features.commandline.webserver.php>
fn server_time(text: &str) -> Option<time::Stamp> {
    if text.len() != 24 {
        return None;
    }
    let at = chrono::NaiveDateTime::parse_from_str(text, "%a %b %d %H:%M:%S %Y").ok()?;
    Some(time::Stamp { ms: at.and_utc().timestamp_millis(), zoned: false })
}

/// `203.0.113.9:4711 [500]: GET /x - text` of the built-in server: status, verb and target.
fn answered(body: &str) -> Option<(u16, &str, &str)> {
    let (address, rest) = first_line(body).split_once(" [")?;
    let (code, request) = rest.split_once("]: ")?;
    let (verb, target) = request.split_once(' ')?;
    let target = target.split(' ').next().unwrap_or_default();
    let valid = address.contains(':') && !address.contains(' ') && target.starts_with('/');
    Some((status(code).filter(|_| valid)?, verb, target))
}

fn read_php(text: &str, record: &mut Record) {
    let Some((stamp, body)) = php(text) else { return };
    if let Some(stamp) = stamp {
        set_time(record, stamp);
    }
    record.runtime.get_or_insert_with(|| "php".to_owned());
    if let Some((code, verb, target)) = answered(body) {
        begin(record, verb, target);
        complete(record, code, None);
        record.level = Some(if code >= 500 { Level::Error } else { Level::Info });
        return;
    }
    let inside = said(body);
    if inside.is_some_and(goes_on) {
        record.marks.insert(Marks::CONTINUATION);
        return;
    }
    let body = inside.unwrap_or(body);
    if let Some(said) = said_by_php(body) {
        record.asked.get_or_insert_default().quoted = Some(xxh3_64(said.as_bytes()));
    }
    let body = body.strip_prefix(SAID).unwrap_or(body);
    let kind = body.strip_prefix("PHP ").unwrap_or(body).split(':').next().unwrap_or_default();
    record.level = match kind {
        "Fatal error" | "Parse error" | "Recoverable fatal error" => Some(Level::Error),
        "Warning" => Some(Level::Warn),
        "Notice" | "Deprecated" => Some(Level::Info),
        other => Level::parse(other).or(record.level),
    };
    if matches!(kind, "Fatal error" | "Parse error") {
        record.marks.insert(Marks::ERROR_BLOCK);
    }
    if body.contains("Allowed memory size of ") && body.contains(" exhausted") {
        record.marks.insert(Marks::OUT_OF_MEMORY);
    }
    if body.contains("Maximum execution time of ") && body.contains(" exceeded") {
        record.marks.insert(Marks::TIMEOUT);
    }
    if let Some((_, rest)) = body.split_once("Uncaught ") {
        let name = rest.split([':', ' ']).next().unwrap_or_default();
        record.error_class = name.rsplit('\\').next().filter(|name| !name.is_empty()).map(str::to_owned);
    }
}
