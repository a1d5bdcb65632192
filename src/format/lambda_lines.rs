//! The grammar of Lambda's text lines: what the platform prints around an invocation, and the prefixes that its
//! runtimes put before a message. Only the form is read; what it means is the business of [`super::lambda_text`].

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while_m_n, take_while1};
use nom::character::complete::{alpha1, char, one_of, space1};
use nom::combinator::{eof, map, map_opt, opt, peek, recognize, rest, value, verify};
use nom::multi::separated_list1;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use super::{aws, time};
use crate::record::Level;

/// One line, or one message with its lines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line<'a> {
    /// `START RequestId: U …`.
    Start(&'a str),
    /// `END RequestId: U`.
    End(&'a str),
    /// `REPORT RequestId: U`, and the figures after it.
    Report(&'a str, &'a str),
    /// `INIT_START …`, `RESTORE_START …`, `EXTENSION …`, `LOGS …`, `TELEMETRY …`.
    Init,
    /// `INIT_REPORT …`, `RESTORE_REPORT …`, with the figures.
    InitReport(&'a str),
    /// `XRAY TraceId: …`, which can stand on a line of its own after REPORT.
    Xray,
    /// `ISO U Task timed out after N seconds`: time, id, text.
    Timeout(i64, &'a str, &'a str),
    /// `RequestId: U Error: …`, `RequestId: U Process exited …`: id and text.
    Fault(&'a str, &'a str),
    /// What a runtime's logger prefixed: time, id (empty or `undefined` during initialisation), level, text.
    App(i64, &'a str, Option<Level>, &'a str),
    /// Python's report of an unhandled exception: class, and the text without `[ERROR] `.
    Crash(&'a str, &'a str),
    /// `[LEVEL] text` of the Java logger.
    Levelled(Level, &'a str),
}

/// Reads the head of a message. [`Line::Levelled`] is a form that any logger uses: callers must know that the
/// text comes from Lambda.
pub fn line(text: &str) -> Option<Line<'_>> {
    // Decides most foreign lines by one byte.
    let grammar = match text.as_bytes().first()? {
        b'S' | b'E' | b'R' | b'I' | b'X' | b'L' | b'T' => platform.parse(text),
        b'[' => bracketed.parse(text),
        b'0'..=b'9' if text.as_bytes().get(4) == Some(&b'-') => dated.parse(text),
        _ => return None,
    };
    grammar.ok().map(|(_, line)| line)
}

/// Whether a message is surely Lambda's: any form but the bracketed level alone.
pub fn is_lambda(text: &str) -> bool {
    match line(text) {
        None | Some(Line::Levelled(..)) => false,
        Some(Line::Crash(class, body)) => class.starts_with("Runtime.") || body.contains(TRACEBACK),
        Some(_) => true,
    }
}

/// Whether a line is `ISO U Task timed out …`.
pub fn is_timeout(text: &str) -> bool {
    timeout.parse(text).is_ok()
}

/// What follows the head of a Python crash.
pub const TRACEBACK: &str = "Traceback (most recent call last)";

fn platform(input: &str) -> IResult<&str, Line<'_>> {
    alt((
        map(preceded(tag("START RequestId: "), start_id), Line::Start),
        map(preceded(tag("END RequestId: "), id), Line::End),
        map((preceded(tag("REPORT RequestId: "), id), rest), |(id, figures)| Line::Report(id, figures)),
        map((preceded(tag("RequestId: "), id), preceded(space1, fault)), |(id, text)| Line::Fault(id, text)),
        map(preceded(alt((tag("INIT_REPORT "), tag("RESTORE_REPORT "))), rest), Line::InitReport),
        value(Line::Init, alt((tag("INIT_START "), tag("RESTORE_START ")))),
        value(
            Line::Init,
            (alt((tag("EXTENSION"), tag("LOGS"), tag("TELEMETRY"))), one_of("\t "), tag("Name: ")),
        ),
        value(Line::Xray, tag("XRAY TraceId: ")),
    ))
    .parse(input)
}

/// What Lambda says of a runtime that ended. Other texts behind an id are not the platform's.
fn fault(input: &str) -> IResult<&str, &str> {
    recognize((alt((tag("Error: "), tag("Process exited"), tag("Task timed out"))), rest)).parse(input)
}

fn bracketed(input: &str) -> IResult<&str, Line<'_>> {
    alt((python, crash, java)).parse(input)
}

/// `[LEVEL]⇥ISO⇥id⇥text`.
fn python(input: &str) -> IResult<&str, Line<'_>> {
    let (input, level) = terminated(bracketed_level, char('\t')).parse(input)?;
    let (input, time_ms) = terminated(iso, char('\t')).parse(input)?;
    let (input, id) = terminated(id_or_none, tab_or_end).parse(input)?;
    Ok(("", Line::App(time_ms, id, Some(level), input)))
}

/// `[ERROR] Type: message`, lines of the traceback behind it.
fn crash(input: &str) -> IResult<&str, Line<'_>> {
    let (text, _) = tag("[ERROR] ").parse(input)?;
    let (_, class) =
        terminated(class_name, alt((tag(": "), tag(":\n"), tag("\n"), tag("\r"), eof))).parse(text)?;
    Ok(("", Line::Crash(class, text)))
}

/// `Type`, `module.Type`.
fn class_name(input: &str) -> IResult<&str, &str> {
    let word = take_while1(|c: char| c.is_ascii_alphanumeric() || c == '_');
    verify(recognize(separated_list1(char('.'), word)), |name: &str| {
        let last = name.rsplit('.').next().unwrap_or(name);
        // Classes begin with a capital; a message like `failed: x` does not.
        name.len() <= 120 && last.starts_with(|c: char| c.is_ascii_uppercase())
    })
    .parse(input)
}

/// `[LEVEL] text`.
fn java(input: &str) -> IResult<&str, Line<'_>> {
    map((terminated(bracketed_level, char(' ')), rest), |(level, text)| Line::Levelled(level, text))
        .parse(input)
}

fn bracketed_level(input: &str) -> IResult<&str, Level> {
    let word = verify(alpha1, |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase()));
    map_opt(delimited(char('['), word, char(']')), Level::parse).parse(input)
}

/// Forms that begin with a time.
fn dated(input: &str) -> IResult<&str, Line<'_>> {
    alt((timeout, node, log4j)).parse(input)
}

fn timeout(input: &str) -> IResult<&str, Line<'_>> {
    let (text, (time_ms, id)) = (terminated(iso, char(' ')), terminated(uuid, char(' '))).parse(input)?;
    let (_, _) = tag("Task timed out").parse(text)?;
    Ok(("", Line::Timeout(time_ms, id, text)))
}

/// `ISO⇥id⇥LEVEL⇥text`; the level in lower case by .NET, no level by old Node.
fn node(input: &str) -> IResult<&str, Line<'_>> {
    let (input, time_ms) = terminated(iso, char('\t')).parse(input)?;
    let (input, id) = terminated(id_or_none, tab_or_end).parse(input)?;
    let (text, level) = opt(terminated(level, tab_or_end)).parse(input)?;
    if id.is_empty() && level.is_none() {
        // Two tabs behind a time are any table.
        return Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Verify)));
    }
    Ok(("", Line::App(time_ms, id, level, text)))
}

/// `YYYY-MM-DD HH:MM:SS id LEVEL text`, the pattern of Lambda's log4j2 appender; the id may stand in `<>`.
fn log4j(input: &str) -> IResult<&str, Line<'_>> {
    let date = recognize((
        take_while_m_n(10, 10, |c: char| c.is_ascii_digit() || c == '-'),
        one_of(" T"),
        take_while_m_n(8, 16, |c: char| c.is_ascii_digit() || ":.,Z".contains(c)),
    ));
    let (input, time_ms) =
        terminated(map_opt(date, |text| time::parse(text).map(|stamp| stamp.ms)), char(' ')).parse(input)?;
    let (input, id) =
        terminated(alt((delimited(char('<'), uuid, char('>')), uuid)), char(' ')).parse(input)?;
    let (text, level) =
        terminated(level, preceded(opt(char(' ')), peek(alt((rest_is_any, eof))))).parse(input)?;
    Ok(("", Line::App(time_ms, id, Some(level), text.trim_start_matches(' '))))
}

fn rest_is_any(input: &str) -> IResult<&str, &str> {
    take_while_m_n(1, 1, |_| true).parse(input)
}

/// The level column: upper case by Node and Python, four lower-case letters by .NET.
fn level(input: &str) -> IResult<&str, Level> {
    map_opt(verify(alpha1, |word: &str| word.len() <= 8), |word: &str| {
        let known = matches!(word, "trce" | "dbug" | "info" | "warn" | "fail" | "crit")
            || word.bytes().all(|byte| byte.is_ascii_uppercase());
        known.then(|| Level::parse(word)).flatten()
    })
    .parse(input)
}

fn tab_or_end(input: &str) -> IResult<&str, &str> {
    alt((tag("\t"), eof)).parse(input)
}

fn iso(input: &str) -> IResult<&str, i64> {
    let token = take_while_m_n(20, 32, |c: char| c.is_ascii_digit() || "-:T.Z".contains(c));
    map_opt(verify(token, |token: &str| token.ends_with('Z')), |token| {
        time::parse(token).map(|stamp| stamp.ms)
    })
    .parse(input)
}

fn uuid(input: &str) -> IResult<&str, &str> {
    let token = take_while_m_n(36, 36, |c: char| c.is_ascii_hexdigit() || c == '-');
    verify(token, aws::is_uuid).parse(input)
}

/// The id column; before the first invocation it is empty or `undefined`.
fn id_or_none(input: &str) -> IResult<&str, &str> {
    alt((uuid, tag("undefined"), peek_tab)).parse(input)
}

fn peek_tab(input: &str) -> IResult<&str, &str> {
    value("", peek(char('\t'))).parse(input)
}

/// The id of a START line: a UUID, or what has the version after it. A line that was cut off names another request.
fn start_id(input: &str) -> IResult<&str, &str> {
    let (rest, id) = id(input)?;
    match rest.is_empty() && !aws::is_uuid(id) {
        true => Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Verify))),
        false => Ok((rest, id)),
    }
}

/// The id in a line of the platform.
fn id(input: &str) -> IResult<&str, &str> {
    verify(take_while1(|c: char| c.is_ascii_alphanumeric() || c == '-'), |id: &str| id.len() >= 8)
        .parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    const U: &str = "11111111-2222-4333-8444-555555555555";

    #[test]
    fn reads_every_form() {
        let at = 1_767_225_600_186;
        let iso = "2026-01-01T00:00:00.186Z";
        let cases: Vec<(String, Line<'_>)> = vec![
            (format!("START RequestId: {U} Version: $LATEST"), Line::Start(U)),
            (format!("START RequestId: {U}"), Line::Start(U)),
            (format!("END RequestId: {U}"), Line::End(U)),
            (format!("REPORT RequestId: {U}\tDuration: 1 ms"), Line::Report(U, "\tDuration: 1 ms")),
            ("INIT_START Runtime Version: nodejs:22.v1\tRuntime Version ARN: arn:x".into(), Line::Init),
            ("RESTORE_START Runtime Version: java:21.v1".into(), Line::Init),
            ("EXTENSION\tName: x\tState: Ready\tEvents: [INVOKE]".into(), Line::Init),
            ("INIT_REPORT Init Duration: 1 ms".into(), Line::InitReport("Init Duration: 1 ms")),
            (format!("START RequestId: {U}"), Line::Start(U)),
            ("XRAY TraceId: 1-6955b900-0123456789abcdef01234567".into(), Line::Xray),
            (
                format!("{iso} {U} Task timed out after 3.00 seconds"),
                Line::Timeout(at, U, "Task timed out after 3.00 seconds"),
            ),
            (
                format!("RequestId: {U} Error: Runtime exited with error: signal: killed"),
                Line::Fault(U, "Error: Runtime exited with error: signal: killed"),
            ),
            (
                format!("RequestId: {U} Process exited before completing request"),
                Line::Fault(U, "Process exited before completing request"),
            ),
            (format!("{iso}\t{U}\tINFO\ta\tb"), Line::App(at, U, Some(Level::Info), "a\tb")),
            (format!("{iso}\t{U}\tINFO"), Line::App(at, U, Some(Level::Info), "")),
            (format!("{iso}\t{U}\told node"), Line::App(at, U, None, "old node")),
            (
                format!("{iso}\t{U}\tfail\tdotnet\nSystem.Exception"),
                Line::App(at, U, Some(Level::Error), "dotnet\nSystem.Exception"),
            ),
            (format!("{iso}\tundefined\tERROR\tx"), Line::App(at, "undefined", Some(Level::Error), "x")),
            (format!("{iso}\t\tERROR\tx"), Line::App(at, "", Some(Level::Error), "x")),
            (format!("[INFO]\t{iso}\t{U}\tx"), Line::App(at, U, Some(Level::Info), "x")),
            (
                format!("[WARNING]\t{iso}\t\tLAMBDA_WARNING: x"),
                Line::App(at, "", Some(Level::Warn), "LAMBDA_WARNING: x"),
            ),
            (
                "[ERROR] KeyError: 'A'\nTraceback (most recent call last):".into(),
                Line::Crash("KeyError", "KeyError: 'A'\nTraceback (most recent call last):"),
            ),
            (
                "[ERROR] botocore.errorfactory.NotFound: x".into(),
                Line::Crash("botocore.errorfactory.NotFound", "botocore.errorfactory.NotFound: x"),
            ),
            ("[WARN] from java".into(), Line::Levelled(Level::Warn, "from java")),
            (
                format!("2026-01-01 00:00:00.186 {U} ERROR Handler:12 - x"),
                Line::App(at, U, Some(Level::Error), "Handler:12 - x"),
            ),
            (
                format!("2026-01-01 00:00:00 <{U}> INFO  Handler - x"),
                Line::App(at - 186, U, Some(Level::Info), "Handler - x"),
            ),
        ];
        for (text, want) in &cases {
            assert_eq!(line(text), Some(*want), "{text}");
        }
    }

    #[test]
    fn leaves_foreign_lines() {
        for text in [
            "",
            "START",
            "START RequestId: ",
            "START RequestId: 11110034-2222-4333-8444-5",
            "END of file",
            "REPORT RequestId: é",
            "Error: x",
            "2026-01-01T00:00:00.186Z INFO x",
            "2026-01-01T00:00:00.186Z\tINFO\tx",
            "2026-01-01T00:00:00.186Z\t\tx",
            "2026-01-01T00:00:00.186Z\t42\tINFO\tx",
            "RequestId: 11111111-2222-4333-8444-555555555555 handled",
            "[info] x",
            "[1,2]",
            "[ERROR]é",
            "2026-01-01T00:00:00.186é",
        ] {
            assert_eq!(line(text), None, "{text}");
        }
        assert!(!is_lambda("[ERROR] payment failed"));
        assert!(!is_lambda("[ERROR] TypeError: x"));
        assert!(is_lambda("[ERROR] Runtime.ImportModuleError: x"));
    }
}
