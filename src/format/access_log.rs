//! Payload `access-log`: one line per answered request, as proxies and servers write it: common and combined log
//! format with or without a custom tail (nginx, Apache, gunicorn, ingress-nginx, Envoy, Traefik), uvicorn, morgan's
//! five formats, and the request lines of the Next.js development server. Error logs of proxies are not read here.

use std::borrow::Cow;

use nom::bytes::complete::{tag, take_till, take_till1};
use nom::character::complete::{char, space0};
use nom::combinator::{opt, verify};
use nom::sequence::{delimited, terminated};
use nom::{IResult, Parser};

use crate::format::text_parts::{
    self, METHODS, duration_ms, is_bare_id, method, path_of, push_field, request_line, set_asked,
    set_request_id, set_time,
};
use crate::format::{About, Payload, ansi, plain_text, python_text, time};
use crate::record::{Client, IdKind, Level, Marks, Record};

#[cfg(test)]
mod tests;

/// Longest text before the request, in bytes.
const MAX_HEAD_BYTES: usize = 400;

/// The payload `access-log`.
pub struct AccessLog;

impl Payload for AccessLog {
    fn name(&self) -> &'static str {
        "access-log"
    }

    fn about(&self) -> About {
        About {
            title: "Access log lines (nginx, Apache, gunicorn, uvicorn, morgan, Next.js dev, Envoy)",
            fingerprint: "a request line followed by a status",
            export: "the server's access log file or standard output",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        let text = ansi::strip(first_line(&record.message));
        parse(&text).is_some()
    }

    fn read(&self, record: &mut Record, more: &mut Vec<Record>) {
        let mut text = std::mem::take(&mut record.message);
        if let Cow::Owned(stripped) = ansi::strip(&text) {
            text = stripped;
        }
        let (line, below) = text.split_once('\n').unwrap_or((&text, ""));
        let line = line.trim_end_matches('\r');
        if let Some(entry) = parse(line) {
            fill(record, &entry);
            if entry.status >= Some(500) {
                set_asked(record, client_of(line), entry.target);
            }
            push_rest(record, below, more);
            text.truncate(line.len());
        }
        record.message = text;
    }
}

/// The address that a line begins with, or has behind the name of the host.
fn client_of(line: &str) -> &str {
    let mut words = line.split(' ').take(2);
    words.find(|word| word.parse::<std::net::IpAddr>().is_ok()).unwrap_or_default()
}

/// A traceback below an access line was printed after it, by whichever request came next: a record of its own.
fn push_rest(record: &Record, below: &str, more: &mut Vec<Record>) {
    if below.trim().is_empty() {
        return;
    }
    let mut rest = Record {
        at: record.at,
        time_ms: record.time_ms,
        stream: record.stream.clone(),
        message: below.trim_end().to_owned(),
        ..Record::default()
    };
    rest.at.part += 1;
    if python_text::PythonText.detect(&rest) {
        python_text::PythonText.read(&mut rest, more);
    } else {
        plain_text::read_text(&mut rest);
    }
    if rest.error_class.is_some() {
        rest.marks.insert(Marks::APART | Marks::NO_TIME);
    }
    more.push(rest);
}

/// One access line, as parsed.
#[derive(Debug, PartialEq)]
struct Entry<'a> {
    /// What stood in brackets before the request.
    date: Option<&'a str>,
    verb: &'a str,
    target: &'a str,
    /// None where the line has a dash: the response was never sent.
    status: Option<u16>,
    /// What follows the status.
    tail: &'a str,
    /// The status stands in quoted form's place (`"GET /x HTTP/1.1" 500`), so a tail of any kind may follow.
    quoted: bool,
}

fn first_line(text: &str) -> &str {
    let line = text_parts::first_line(text);
    let mut end = line.len().min(16 * 1024);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}

fn parse(line: &str) -> Option<Entry<'_>> {
    let line = line.trim();
    quoted_entry(line)
        .or_else(|| bare_entry(line))
        .or_else(|| koa_entry(line))
        .or_else(|| sanic_entry(line))
        .or_else(|| {
            // Railway's request lines begin with a time.
            let (date, rest) =
                line.split_once(' ').filter(|(date, _)| date.as_bytes().get(10) == Some(&b'T'))?;
            let entry = bare_entry(rest).filter(|_| time::parse(date).is_some())?;
            Some(Entry { date: Some(date), ..entry })
        })
}

/// `host ident user [date] "GET /x HTTP/1.1" 500 tail`, any of the parts before the quote missing.
fn quoted_entry(line: &str) -> Option<Entry<'_>> {
    let quote = memchr::memchr(b'"', line.as_bytes()).filter(|at| *at <= MAX_HEAD_BYTES)?;
    let (request, rest) = quoted(&line[quote..])?;
    let (status, tail) = status(rest.strip_prefix(' ')?)?;
    let date = head(&line[..quote])?;
    let (verb, target) = match request_line(request) {
        Some((verb, target)) => (verb, target),
        // A malformed request has no line; only a dated entry may say so.
        None if date.is_some() && (request == "-" || request.is_empty()) => ("", ""),
        None => return None,
    };
    Some(Entry { date, verb, target, status, tail, quoted: true })
}

/// What may stand before the quoted request: a date in brackets, or an address and dashes. `Some(None)` is the latter.
fn head(text: &str) -> Option<Option<&str>> {
    if let Some(open) = memchr::memchr(b'[', text.as_bytes()) {
        let (_, date) = bracketed(&text[open..]).ok()?;
        let is_date = time::parse(date).is_some() || date.contains(", ");
        return is_date.then_some(Some(date));
    }
    let text = text.trim_end();
    let (text, _) = level_prefix(text).ok()?;
    let mut words = text.split(' ');
    let address = words.next()?;
    let is_address = address == "-" || (address.contains(['.', ':']) && !address.ends_with(':'));
    let dashes = words.clone().count();
    // actix names the address alone; PHP-FPM has the date without brackets.
    if dashes == 0 && address.parse::<std::net::IpAddr>().is_ok() {
        return Some(None);
    }
    if let [user, "", day, zone] = words.clone().collect::<Vec<_>>()[..]
        && user == "-"
        && is_address
        && zone.len() == 5
        && day.as_bytes().get(11) == Some(&b':')
    {
        return Some(text.get(text.len().checked_sub(day.len() + 6)?..));
    }
    (is_address && (1..=3).contains(&dashes) && words.any(|word| word == "-")).then_some(None)
}

/// `INFO:     ` as uvicorn prints it.
fn level_prefix(text: &str) -> IResult<&str, Option<&str>> {
    let word =
        verify(take_till1(|c: char| !c.is_ascii_uppercase()), |word: &str| Level::parse(word).is_some());
    terminated(opt(terminated(word, char(':'))), space0).parse(text)
}

fn bracketed(text: &str) -> IResult<&str, &str> {
    delimited(char('['), take_till1(|c| c == ']'), char(']')).parse(text)
}

/// A quoted text, and what follows; a backslash escapes the character after it. The escapes are kept.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    let bytes = inside.as_bytes();
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes[at] == b'"' {
            return Some((&inside[..at], &inside[at + 1..]));
        }
        from = at + 2;
    }
}

/// Three digits from 100 to 599 that end there, or a dash for a response that was never sent; `000` is the same.
/// And what follows. Envoy writes `0` where nothing was answered.
fn status(text: &str) -> Option<(Option<u16>, &str)> {
    let digits = text.get(..3).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let (status, rest) = match digits {
        Some(digits) => (digits.parse().ok()?, &text[3..]),
        None => (0, text.strip_prefix(['-', '0'])?),
    };
    let known = status == 0 || (100..600).contains(&status);
    let ends = rest.is_empty() || rest.starts_with([' ', ',']);
    (known && ends).then_some((Some(status).filter(|status| *status != 0), rest))
}

/// `GET /x 500 12.345 ms - 31` and the like, without quotes: the tail must be one that access loggers write, or any
/// sentence about a request would pass.
fn bare_entry(line: &str) -> Option<Entry<'_>> {
    let mut rest = line;
    // morgan's `short` has the address and the user first.
    for _ in 0..3 {
        let (word, after) = rest.split_once(' ')?;
        if METHODS.contains(&word) {
            let (target, after) = after.split_once(' ')?;
            if !(target.starts_with('/') || target.starts_with("http://") || target.starts_with("https://")) {
                return None;
            }
            let after = protocol(after).map_or(after, |(after, _)| after);
            let (status, tail) = status(after)?;
            return is_timing(tail).then_some(Entry {
                date: None,
                verb: word,
                target,
                status,
                tail,
                quoted: false,
            });
        }
        let is_address = word == "-" || word.contains(['.', ':']) || word.contains("::");
        if !is_address && rest.len() == line.len() {
            return None;
        }
        rest = after;
    }
    None
}

/// `--> GET /x 200 9ms 2b`, `xxx GET /x 500 0ms -`, `-x- GET /x 200 3ms -`.
fn koa_entry(line: &str) -> Option<Entry<'_>> {
    let (arrow, request) = text_parts::koa_line(line).filter(|(arrow, _)| *arrow != "<--")?;
    let (verb, rest) = request.split_once(' ')?;
    let (target, after) = rest.split_once(' ')?;
    let (status, tail) = status(after)?;
    let took = tail.trim_start().split(' ').next().and_then(duration_ms);
    let status = status.filter(|_| arrow != "-x-");
    took.is_some().then_some(Entry { date: None, verb, target, status, tail, quoted: false })
}

/// `Main |2026-01-01 10:10:15 +0000 INFO: 203.0.113.9:4711 GET http://shop.example.com/x 500 136  510.0ms` of Sanic.
fn sanic_entry(line: &str) -> Option<Entry<'_>> {
    const INFO: &str = " INFO: ";
    let at = line.get(..64).unwrap_or(line).find(INFO)?;
    let date = line.get(at.checked_sub(25)?..at).filter(|date| time::parse(date).is_some())?;
    let mut words = line[at + INFO.len()..].split(' ').filter(|word| !word.is_empty());
    let (address, verb, target) = (words.next()?, words.next()?, words.next()?);
    let (code, bytes, took) = (words.next()?, words.next()?, words.next()?);
    let (status, _) = status(code)?;
    let is_whole = address.contains(':')
        && METHODS.contains(&verb)
        && target.starts_with("http")
        && bytes.bytes().all(|b| b.is_ascii_digit())
        && duration_ms(took).is_some()
        && words.next().is_none();
    is_whole.then_some(Entry { date: Some(date), verb, target, status, tail: "", quoted: true })
}

/// `HTTP/1.1 ` before the status.
fn protocol(text: &str) -> IResult<&str, &str> {
    delimited(tag("HTTP/"), take_till(|c| c == ' '), char(' ')).parse(text)
}

/// ` in 12ms (…)`, ` 12.345 ms - 31`, ` 31 - 12.345 ms`, ` - - ms - -`.
fn is_timing(tail: &str) -> bool {
    if let Some(after) = tail.strip_prefix(" in ") {
        return after.starts_with(|c: char| c.is_ascii_digit());
    }
    let words: Vec<&str> = tail.split(' ').filter(|word| !word.is_empty()).take(6).collect();
    let value = |word: &str| word == "-" || word.parse::<f64>().is_ok();
    match words.as_slice() {
        [a, "ms", "-", b] | [b, "-", a, "ms"] => value(a) && value(b),
        // Railway: `502 12ms ID`.
        [took, id] => duration_ms(took).is_some() && id.len() >= 16,
        _ => false,
    }
}

fn fill(record: &mut Record, entry: &Entry<'_>) {
    if let Some(stamp) = entry.date.and_then(time::parse) {
        set_time(record, stamp);
    }
    if let Some(verb) = method(entry.verb) {
        record.method = Some(verb);
    }
    if let Some(path) = path_of(entry.target) {
        record.path = Some(path);
    }
    record.status = entry.status;
    record.marks.insert(Marks::END);
    match entry.status {
        None => record.marks.insert(Marks::ABORTED),
        Some(499) => record.marks.insert(Marks::ABORTED | Marks::CLIENT),
        Some(_) => record.marks.insert(Marks::CLIENT),
    }
    let level = match entry.status {
        Some(500..) => Level::Error,
        _ => Level::Info,
    };
    record.level.get_or_insert(level);
    if entry.quoted {
        read_tail(record, entry.tail);
    } else if let Some(after) = entry.tail.strip_prefix(" in ") {
        record.duration_ms = duration_ms(after.split(['(', ',']).next().unwrap_or_default());
    } else if let Some((took, id)) = entry.tail.trim().split_once(' ')
        && let Some(took) = duration_ms(took)
    {
        record.duration_ms = Some(took);
        let id = id.trim();
        if id.len() >= 16 {
            record.marks.insert(Marks::EDGE);
            set_request_id(record, id);
        }
    } else {
        let words: Vec<&str> = entry.tail.split(' ').filter(|word| !word.is_empty()).collect();
        let before_unit = words.windows(2).find(|pair| pair[1] == "ms").map(|pair| pair[0]);
        record.duration_ms = before_unit.and_then(|number| number.parse().ok());
    }
}

/// The tail of a quoted entry: bytes, quoted referrer and agent (of which the family is kept), `key=value`, times, bare ids.
fn read_tail(record: &mut Record, tail: &str) {
    let mut rest = tail.trim_start();
    let mut last_id: Option<&str> = None;
    let mut is_proxy = record.status == Some(499);
    if let Some(duration) = envoy_duration(rest) {
        record.duration_ms = Some(duration);
        is_proxy = true;
    }
    for number in 0..64 {
        if rest.is_empty() {
            break;
        }
        let (token, after) = next_token(rest);
        let bare = token.trim_end_matches(',').trim_matches('"');
        if is_bare_id(bare) {
            last_id = Some(bare);
        } else if let Some((key, value)) = token.split_once('=').filter(|_| !token.starts_with('"')) {
            is_proxy |= key.starts_with("upstream") || matches!(key, "ust" | "urt" | "uct" | "uht");
            // nginx's `$request_time`, under its usual names, beside a status that gateways answer with.
            is_proxy |= matches!(key, "rt" | "request_time") && matches!(record.status, Some(502 | 504));
            read_pair(record, key, value.trim_end_matches(',').trim_matches('"'));
        } else if number == 0 && is_response_flag(token) {
            push_field(record, "response_flags", token);
            // `DC`: the client closed the connection.
            if token == "DC" && record.status.is_none_or(|status| status < 500) {
                record.marks.insert(Marks::ABORTED);
            }
        } else if number == 2 && token.starts_with('"') {
            record.client = Client::of(bare);
        } else if record.duration_ms.is_none() {
            record.duration_ms = bare_duration(token, after);
        }
        // ingress-nginx names the upstream in brackets, Traefik the router with its provider.
        is_proxy |= (token.starts_with('[') && token.ends_with(']'))
            || (token.starts_with('"') && token.contains('@') && !token.contains([' ', '/']));
        rest = after;
    }
    if is_proxy && record.status.is_some() {
        record.marks.insert(Marks::EDGE);
    }
    if let Some(id) = last_id {
        record.set_id(id, IdKind::Request);
    }
}

/// Envoy's default tail: flags or a dash, perhaps details and a reason, bytes in, bytes out, milliseconds.
/// <https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage>
fn envoy_duration(tail: &str) -> Option<f64> {
    let mut words = tail.split(' ');
    let flags = words.next()?;
    if flags != "-" && !is_response_flag(flags) {
        return None;
    }
    let mut words = words.skip_while(|word| !word.bytes().all(|b| b.is_ascii_digit())).take(3);
    let (received, sent, duration) = (words.next()?, words.next()?, words.next()?);
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    (is_number(received) && is_number(sent)).then(|| duration.parse().ok()).flatten()
}

/// The text up to the next space outside quotes, and what follows.
fn next_token(text: &str) -> (&str, &str) {
    let mut inside = false;
    let end = text.bytes().position(|b| {
        inside ^= b == b'"';
        b == b' ' && !inside
    });
    match end {
        Some(end) => (&text[..end], text[end..].trim_start()),
        None => (text, ""),
    }
}

/// Envoy's flags after the status (`UF`, `UC,URX`): upper case only, so no byte count and no reason phrase.
fn is_response_flag(word: &str) -> bool {
    word.len() >= 2
        && word.len() <= 24
        && word.bytes().all(|b| b.is_ascii_uppercase() || b == b',')
        && !matches!(word, "OK")
}

/// `0.002313` in seconds, `12ms`, `12 ms`.
fn bare_duration(word: &str, after: &str) -> Option<f64> {
    if word.contains('.') && word.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        let number: f64 = word.parse().ok()?;
        let is_ms = after.starts_with("ms");
        return Some(if is_ms { number } else { seconds_to_ms(number) });
    }
    duration_ms(word)
}

/// Rounded to a microsecond: the product of a decimal fraction is not exact.
fn seconds_to_ms(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e3
}

/// `rt=0.022 urt=0.023 ust=502 id=UUID` and what else people call these.
fn read_pair(record: &mut Record, key: &str, value: &str) {
    if value.is_empty() || value == "-" {
        return;
    }
    let seconds = |text: &str| text.parse().ok().map(seconds_to_ms);
    match key.to_ascii_lowercase().replace('-', "_").as_str() {
        "request_id" | "requestid" | "req_id" | "reqid" | "rid" | "id" | "x_request_id"
        | "http_x_request_id" => {
            set_request_id(record, value);
        }
        "trace_id" | "traceid" | "trace" => record.set_id(value, IdKind::Trace),
        "rt" | "request_time" | "time" | "duration" => {
            record.duration_ms = duration_ms(value).or_else(|| seconds(value)).or(record.duration_ms);
        }
        "ust" | "us" | "upstream_status" => push_field(record, "upstream_status", value),
        "urt" | "upstream_response_time" | "uct" | "uht" | "upstream" | "upstream_addr" | "host" | "cs" => {
            push_field(record, key, value);
        }
        "xff" | "ua" | "user_agent" | "ref" | "referer" | "referrer" | "ip" | "remote_addr" | "user"
        | "cookie" => {}
        _ => push_field(record, key, value),
    }
}
