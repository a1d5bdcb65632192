//! Redis and what speaks like it: TLS from the first byte or never, a password, limits.

use super::line::{Failure, Line};
use super::seen::{Capacity, Cause, Name};
use super::{Mode, Trip};

/// Goes there.
pub fn go(trip: &mut Trip) {
    let Some(mut line) = trip.connect() else { return };
    // There is no asking: as the URL does not say it, whether TLS is spoken is only found out by speaking it.
    if trip.mode() == Mode::Tls {
        let secured = trip.step(Name::Tls, |trip, until| {
            line.until(until);
            trip.encrypt(&mut line)
        });
        if secured.is_none() {
            return;
        }
    } else {
        trip.not_run(Name::Tls, "the URL does not ask for it");
    }
    if !trip.login {
        return trip.not_run(Name::Login, "login = false");
    }
    let signed = trip.step(Name::Login, |trip, until| {
        line.until(until);
        sign_in(trip, &mut line)
    });
    if signed.is_none() {
        return;
    }
    let capacity = trip.step(Name::Capacity, |_, until| {
        line.until(until);
        limits(&mut line)
    });
    trip.capacity = capacity;
}

/// The first word shows whether the server speaks the protocol; only then the password is sent.
fn sign_in(trip: &Trip, line: &mut Line) -> Result<(), Failure> {
    let first = ask(line, &[b"PING"])?;
    let wants = first.starts_with("-NOAUTH") || first.starts_with("-ERR operation not permitted");
    if !wants && first.starts_with('-') {
        return Err(refusal(&first));
    }
    if trip.url.password.ask(str::is_empty) {
        return if wants { Err(refusal(&first)) } else { Ok(()) };
    }
    let answer = trip.url.password.ask(|password| {
        trip.url.user.ask(|user| match user {
            "" => ask(line, &[b"AUTH", password.as_bytes()]),
            user => ask(line, &[b"AUTH", user.as_bytes(), password.as_bytes()]),
        })
    })?;
    if answer.starts_with('-') {
        return Err(refusal(&answer));
    }
    match ask(line, &[b"PING"])? {
        refused if refused.starts_with('-') => Err(refusal(&refused)),
        _ => Ok(()),
    }
}

fn limits(line: &mut Line) -> Result<Capacity, Failure> {
    let text = ask(line, &[b"INFO", b"clients"])?;
    if text.starts_with('-') {
        return Err(Failure::NotRun("the user may not ask for limits (INFO)".to_owned()));
    }
    let clients = info(&text);
    Ok(Capacity { max: clients.0, used: clients.1, ..Capacity::default() })
}

/// `maxclients` and `connected_clients` of what INFO says.
pub fn info(text: &str) -> (Option<u32>, Option<u32>) {
    let value = |key: &str| {
        text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(':')?.parse().ok())
    };
    (value("maxclients"), value("connected_clients"))
}

/// Sends a command and reads its answer: a line with its mark, or the text itself.
fn ask(line: &mut Line, words: &[&[u8]]) -> Result<String, Failure> {
    let mut command = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        command.extend(format!("${}\r\n", word.len()).into_bytes());
        command.extend(*word);
        command.extend(b"\r\n");
    }
    line.send(&command)?;
    let first = line.text()?;
    match first.chars().next() {
        Some('+' | '-' | ':') => Ok(first),
        Some('$') => {
            let length = first.get(1..).and_then(|length| length.parse::<i64>().ok());
            let Some(length) = length else { return Err(Failure::garbled("a text of no length")) };
            // Below 0: nothing.
            let Ok(length) = usize::try_from(length) else { return Ok(String::new()) };
            let bytes = line.exactly(length)?;
            line.exactly(2)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => Err(Failure::garbled("the answer is not that of Redis")),
    }
}

fn refusal(answer: &str) -> Failure {
    Failure::Failed(cause(answer), answer.trim_start_matches('-').to_owned())
}

/// Why a server refuses.
pub fn cause(answer: &str) -> Cause {
    let starts = |list: &[&str]| list.iter().any(|part| answer.starts_with(part));
    match () {
        () if answer.contains("max number of clients") => Cause::Full,
        () if starts(&["-DENIED"]) => Cause::AddressRefused,
        () if starts(&[
            "-NOAUTH",
            "-WRONGPASS",
            "-ERR invalid password",
            "-ERR AUTH",
            "-ERR Client sent AUTH",
        ]) =>
        {
            Cause::CredentialsRefused
        }
        () if starts(&["-ERR operation not permitted"]) => Cause::CredentialsRefused,
        () => Cause::Other,
    }
}
