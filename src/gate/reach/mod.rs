//! The way to the datastores that a manifest declares: name, connection, encryption, signing in, limits; each step timed and
//! named. The one room that opens connections to datastores; it judges nothing, see [`crate::gate::judge::reached`].
//!
//! It goes as the driver would go: with TLS where the URL means TLS to it, without where it does not. A password is sent in
//! clear text only where the driver would send it so too and the server has shown that it speaks the protocol; it is in no
//! text that leaves this room.

pub mod line;
pub mod mysql;
pub mod packets;
pub mod postgres;
pub mod redis;
pub mod seen;
pub mod tls;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::collect::connection::Connection;
use super::collect::datastores::{Found, Sought};
use super::collect::fence;
use super::drivers::Encryption;
use super::manifest::Manifest;
use super::manifest::datastore::{Datastore, Store};
use line::{Failure, Line};
use seen::{Asked, Capacity, Cause, Certificate, Name, Outcome, Reached, Step, Verdict};
use tls::Trust;

/// Longest times.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Of a step.
    pub step: Duration,
    /// Of all steps to a datastore.
    pub whole: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { step: Duration::from_secs(5), whole: Duration::from_secs(20) }
    }
}

/// Datastores that are gone to at the same time.
const AT_ONCE: usize = 8;

/// Goes to the datastores that the manifest declares, and to no other. `root`: the folder that files of authorities are
/// named from.
pub fn run(root: &Path, sought: &[Sought], manifest: &Manifest, bounds: Bounds) -> Vec<Reached> {
    let declared: Vec<(&Sought, &Datastore)> = sought
        .iter()
        .filter(|one| one.declared)
        .filter_map(|one| Some((one, manifest.datastores.get(&one.name)?)))
        .collect();
    let mut reached = Vec::new();
    for some in declared.chunks(AT_ONCE) {
        reached.extend(thread::scope(|scope| {
            let going: Vec<_> = some
                .iter()
                .map(|(one, declared)| scope.spawn(move || go(root, one, declared, bounds)))
                .collect();
            going.into_iter().filter_map(|one| one.join().ok()).collect::<Vec<_>>()
        }));
    }
    reached
}

fn go(root: &Path, sought: &Sought, declared: &Datastore, bounds: Bounds) -> Reached {
    let asked = Asked::of(sought);
    let Found::Url(url, ..) = &sought.url else {
        let why = match &asked.wrong {
            Some(why) => format!("{} {why}", asked.key),
            None => {
                format!("{} has no value, neither in production's files nor in the environment", asked.key)
            }
        };
        let step = Step { step: Name::Dns, ms: 0, outcome: Outcome::NotRun { why } };
        return Reached {
            asked: Box::new(asked),
            steps: vec![step],
            tls: None,
            certificate: None,
            capacity: None,
        };
    };
    // The URL names a file where the application runs, which may not be here; the manifest's stands for it then.
    let named = asked.meaning.as_ref().and_then(|meaning| meaning.ca.as_ref());
    let files = named.into_iter().chain(&declared.ca_file);
    let authority = files.filter_map(|file| fence::text(&root.join(file)).ok()).next();
    let trust = Trust::new(authority.as_deref());
    let mut trip = Trip {
        lacks_authority: (named.is_some() || declared.ca_file.is_some()) && !trust.has_own(),
        trust,
        login: declared.login,
        bounds,
        end: Instant::now() + bounds.whole,
        url: url.as_ref().clone(),
        asked,
        steps: Vec::new(),
        tls: None,
        certificate: None,
        capacity: None,
    };
    match trip.asked.store {
        Store::Postgres | Store::Pgbouncer => postgres::go(&mut trip),
        Store::Mysql | Store::Mariadb => mysql::go(&mut trip),
        Store::Redis => redis::go(&mut trip),
    }
    let Trip { asked, steps, tls, certificate, capacity, .. } = trip;
    Reached { asked: Box::new(asked), steps, tls, certificate, capacity }
}

/// How encryption is to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Plain,
    /// If it is offered.
    Offered,
    /// Or not further.
    Tls,
}

/// One way to one datastore.
pub struct Trip {
    asked: Asked,
    url: Connection,
    trust: Trust,
    /// An own authority is named, and its file is not here or holds none.
    lacks_authority: bool,
    login: bool,
    bounds: Bounds,
    end: Instant,
    steps: Vec<Step>,
    tls: Option<String>,
    certificate: Option<Certificate>,
    capacity: Option<Capacity>,
}

impl Trip {
    /// How the driver goes; as far as that is not known, with TLS where it is offered.
    fn mode(&self) -> Mode {
        let Some(meaning) = &self.asked.meaning else { return Mode::Offered };
        match meaning.encryption {
            Encryption::Require => Mode::Tls,
            Encryption::Prefer => Mode::Offered,
            Encryption::None if !meaning.wins && self.asked.code.is_some() => Mode::Offered,
            Encryption::None => Mode::Plain,
        }
    }

    fn until(&self) -> Instant {
        (Instant::now() + self.bounds.step).min(self.end)
    }

    /// Takes a step and notes what became of it.
    fn step<T>(
        &mut self,
        name: Name,
        take: impl FnOnce(&mut Trip, Instant) -> Result<T, Failure>,
    ) -> Option<T> {
        let begun = Instant::now();
        let until = self.until();
        let result = take(self, until);
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (outcome, value) = match result {
            Ok(value) => (Outcome::Ok, Some(value)),
            Err(Failure::NotRun(why)) => (Outcome::NotRun { why }, None),
            Err(Failure::Failed(cause, said)) => {
                (Outcome::Failed { cause, said: masked(&said, &self.url) }, None)
            }
        };
        self.steps.push(Step { step: name, ms, outcome });
        value
    }

    /// Whether the last step was left out, not failed.
    fn is_left_out(&self) -> bool {
        self.steps.last().is_some_and(|step| matches!(step.outcome, Outcome::NotRun { .. }))
    }

    /// Counts a wait before the last step to it.
    fn add_to_last(&mut self, wait: Duration) {
        if let Some(step) = self.steps.last_mut() {
            step.ms = step.ms.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        }
    }

    fn not_run(&mut self, name: Name, why: &str) {
        self.steps.push(Step { step: name, ms: 0, outcome: Outcome::NotRun { why: why.to_owned() } });
    }

    /// The first two steps.
    fn connect(&mut self) -> Option<Line> {
        if self.asked.host.is_empty() || self.asked.host.starts_with('/') {
            let why = "the URL names no host that could be gone to";
            self.not_run(Name::Dns, why);
            return None;
        }
        let addresses =
            self.step(Name::Dns, |trip, until| line::resolve(&trip.asked.host, trip.asked.port, until))?;
        self.step(Name::Tcp, |_, until| Line::connect(&addresses, until))
    }

    /// Another connection, after the first steps went well.
    fn again(&self, until: Instant) -> Result<Line, Failure> {
        Line::connect(&line::resolve(&self.asked.host, self.asked.port, until)?, until)
    }

    /// Encrypts, notes what was seen, and stops where the driver would stop.
    fn encrypt(&mut self, line: &mut Line) -> Result<(), Failure> {
        let seen = line.encrypt(&self.trust, &self.asked)?;
        self.tls = Some(seen.version);
        self.certificate = seen.certificate;
        let verdict = self.certificate.as_ref().map_or(Verdict::Good, |seen| seen.for_driver(&self.asked));
        match verdict {
            Verdict::Good => Ok(()),
            _ if self.lacks_authority => {
                let said =
                    "the file of its authority is not here, so that the certificate could not be judged";
                Err(Failure::Failed(Cause::AuthorityUnread, said.to_owned()))
            }
            _ => {
                let said = "the driver would not take the certificate, so nothing more was sent";
                Err(Failure::Failed(Cause::CertificateRefused, said.to_owned()))
            }
        }
    }
}

/// Most characters of a server's text that are kept.
const MAX_SAID: usize = 200;

/// A server's text without the credentials of the URL.
fn masked(said: &str, url: &Connection) -> String {
    let mut text: String = said.chars().take(4 * MAX_SAID).collect();
    for secret in [&url.password, &url.user, &url.database] {
        text = secret.ask(|secret| without(&text, secret));
    }
    text.chars().take(MAX_SAID).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A text without a word. One of a letter or two is in many others, where it gives nothing away: there it is cut out only as
/// a word of its own.
fn without(text: &str, secret: &str) -> String {
    if secret.is_empty() {
        return text.to_owned();
    }
    let is_short = secret.len() < 3;
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, _) in text.match_indices(secret) {
        let end = at + secret.len();
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(end..).unwrap_or_default());
        let inside = before.ends_with(char::is_alphanumeric) || after.starts_with(char::is_alphanumeric);
        if !(is_short && inside) {
            out.push_str(text.get(done..at).unwrap_or_default());
            out.push('…');
            done = end;
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests;
