//! What `--reach` saw of the declared datastores: the step that failed, and why in the words of the log's causes. Pure: a
//! transcript gives the same findings again.

use chrono::NaiveDate;

use super::checks::About;
use super::datastores::{CAPACITY, TLS, about, at, reader};
use super::simple;
use crate::gate::drivers::{Encryption, Meaning, Verification};
use crate::gate::manifest::Manifest;
use crate::gate::manifest::datastore::{Datastore, Store};
use crate::gate::reach::seen::{Asked, Cause, Certificate, Name, Outcome, Reached, Step, Verdict};
use crate::gate::report::model::{Check, Severity, State};

/// No way to the server.
pub const REACH: About = about(
    "gate-db-reach",
    "timeout",
    &[
        "dns-name-not-found",
        "postgres-connection-refused",
        "mysql-connection-refused",
        "redis-connection-refused",
        "postgres-connect-timeout",
        "mysql-connect-timeout",
        "redis-connect-timeout",
        "tcp-connect-timeout",
        "postgres-database-missing",
    ],
    "Ask each datastore before a release, from where the application runs.",
);
/// A certificate that is over, soon will be, or is for another name.
pub const CERTIFICATE: About = about(
    "gate-db-cert",
    "ssl",
    &["tls-certificate-expired", "tls-hostname-mismatch"],
    "Renew certificates by a machine, a month before their end.",
);
/// A server that does not admit this address.
pub const ALLOWLIST: About = about(
    "gate-db-allowlist",
    "allowlist",
    &[
        "postgres-host-not-allowed",
        "mysql-host-not-allowed",
        "managed-database-ip-not-allowed",
        "redis-protected-mode",
    ],
    "Give the application addresses that stay, and admit them where its network is declared.",
);
/// Wrong user or password.
pub const AUTH: About = about(
    "gate-db-auth",
    "auth",
    &["postgres-password-rejected", "mysql-access-denied", "redis-auth-failed", "pooler-login-rejected"],
    "Change a password in every scope in the same change.",
);

/// The checks of what was seen, in the order of reports.
pub const REACHED: &[About] = &[REACH, CERTIFICATE, ALLOWLIST, AUTH];

/// Days before the end of a certificate from which on a warning is due.
const RENEW_DAYS: i64 = 30;

/// Judges what was seen. `now`: the datastores as the project asks for them now, which may be later.
pub fn judge(
    manifest: Option<&Manifest>,
    now: &[Asked],
    reached: &[&Reached],
    today: NaiveDate,
) -> Vec<Check> {
    let Some(manifest) = manifest.filter(|manifest| !manifest.datastores.is_empty()) else {
        let message = "--reach was asked for, and no datastore is declared, so none was gone to";
        let fix = "declare it in why500.toml: [datastore.NAME] with kind and url_env";
        return vec![not_run(REACH, "project", message.to_owned(), fix)];
    };
    let mut found = Vec::new();
    for (name, declared) in &manifest.datastores {
        let Some(seen) = reached.iter().find(|seen| seen.asked.name == *name) else {
            let message = format!("{name} is declared, and nothing was seen of it");
            found.push(not_run(REACH, name, message, "record the transcript anew"));
            continue;
        };
        let asked = now.iter().find(|asked| asked.declared && asked.name == *name);
        if asked.is_some_and(|asked| !seen.asked.speaks_for(asked)) {
            let message =
                format!("what {name} is, its URL or its driver was another when the transcript was recorded");
            found.push(not_run(REACH, name, message, "record the transcript anew"));
            continue;
        }
        found.extend(seen.steps.iter().filter_map(|step| of_step(seen, step, declared)));
        found.extend(certificate(seen, today));
    }
    found
}

fn not_run(about: About, subject: &str, message: String, fix: &str) -> Check {
    let mut check = simple(about, Severity::Critical, subject, message, fix);
    check.state = State::NotRun;
    check
}

fn of_step(seen: &Reached, step: &Step, declared: &Datastore) -> Option<Check> {
    let asked = &seen.asked;
    match &step.outcome {
        Outcome::Ok => None,
        Outcome::NotRun { why } => left_out(asked, step.step, why, declared),
        Outcome::Failed { cause, said } => Some(at(failed(seen, step, *cause, said, declared), asked)),
    }
}

/// A step that was not taken: nothing was learnt of what it would have shown.
fn left_out(asked: &Asked, step: Name, why: &str, declared: &Datastore) -> Option<Check> {
    let name = &asked.name;
    match step {
        Name::Dns | Name::Tcp => {
            let message = format!("{name} was not gone to: {why}");
            let fix = format!("set {} in the environment of the gate", asked.key);
            Some(not_run(REACH, name, message, &fix))
        }
        // That the driver does not ask for TLS is judged by its URL.
        Name::Tls => None,
        Name::Login if !declared.login => None,
        Name::Login => {
            let message = format!("signing in to {name} could not be tried: {why}");
            Some(not_run(AUTH, name, message, "write login = false in the manifest to do without"))
        }
        Name::Capacity => {
            let known = declared.max_connections.is_some();
            let message = format!("the limit of {name} could not be read: {why}");
            let mut check = not_run(CAPACITY, name, message, "declare max_connections in the manifest");
            check.severity = Severity::Warning;
            (!known).then_some(check)
        }
    }
}

fn failed(seen: &Reached, step: &Step, cause: Cause, said: &str, declared: &Datastore) -> Check {
    let asked = &seen.asked;
    let name = &asked.name;
    let where_ = format!("{name} ({}, {})", asked.store.as_str(), asked.address());
    let critical =
        |about: About, message: String, fix: &str| simple(about, Severity::Critical, name, message, fix);
    let who = reader(asked);
    match cause {
        Cause::Unresolved => critical(
            REACH,
            format!("the name of {where_} has no address: {said}"),
            "correct the host, or run the gate where the name is known",
        ),
        Cause::Refused => critical(
            REACH,
            format!("nobody listens at {where_}: {said}"),
            "start the server, or correct host and port",
        ),
        Cause::TimedOut | Cause::Unreachable if step.step == Name::Tcp => {
            let about = if declared.egress.is_empty() { REACH } else { ALLOWLIST };
            let egress = match declared.egress.as_slice() {
                [] => String::new(),
                list => format!("; it admits {} (egress)", list.join(", ")),
            };
            let message = format!("no connection to {where_}: {said} after {} ms{egress}", step.ms);
            critical(
                about,
                message,
                "run the gate from an address that the server admits; a firewall drops others in silence",
            )
        }
        Cause::TimedOut if step.step == Name::Tls => critical(
            TLS,
            format!(
                "{where_} did not answer to TLS in {} ms; a port without TLS is silent like that",
                step.ms
            ),
            "take the port that speaks TLS, or write the URL without it (redis:// for rediss://)",
        ),
        Cause::Closed | Cause::Garbled if is_unasked_tls(asked, step) => critical(
            TLS,
            format!(
                "{where_} ended the connection of {who}, which has no TLS ({said}); a port that speaks TLS only ends it like that"
            ),
            "write rediss:// for redis://, or take the port without TLS",
        ),
        Cause::TlsNotOffered => {
            let pooler = match asked.store {
                Store::Postgres | Store::Pgbouncer => {
                    " (a PgBouncer without client_tls_sslmode answers so, whatever the server behind it does)"
                }
                _ => "",
            };
            let fix = "switch TLS on at the server or pooler, or take it out of the URL";
            critical(TLS, format!("{where_} does not offer TLS{pooler}, and {who} demands it"), fix)
        }
        Cause::TlsFailed | Cause::Garbled if step.step == Name::Tls => {
            let fix = "make server and client agree: TLS 1.2 or newer, and a port that speaks it";
            critical(TLS, format!("the TLS handshake with {where_} failed: {said}"), fix)
        }
        Cause::AuthorityUnread => {
            let message = format!("the certificate of {where_} could not be judged: {said}");
            not_run(
                TLS,
                name,
                message,
                "name a readable file of the authority (PEM) as ca_file in the manifest",
            )
        }
        Cause::CertificateRefused => refused_certificate(seen, &where_, &who),
        Cause::TlsRequired => {
            let or_not = match asked.store {
                Store::Postgres => " (or admits no connection from here at all)",
                _ => "",
            };
            let message = format!("{where_} requires TLS{or_not}, and {who} connects without it: {said}");
            doubted(critical(TLS, message, &asks_for_tls(asked)), asked)
        }
        Cause::AddressRefused => critical(
            ALLOWLIST,
            format!("{where_} does not admit the address that the gate ran from: {said}"),
            "admit the application's addresses, and run the gate from one of them",
        ),
        Cause::Full => critical(
            CAPACITY,
            format!("{where_} has no connection left: {said}"),
            "make pools smaller, put a pooler in between, or raise the server's limit",
        ),
        Cause::CredentialsRefused => {
            let hint = match asked.store {
                Store::Mariadb | Store::Mysql if seen.tls.is_none() => {
                    "; MariaDB says so too where it wants TLS"
                }
                _ => "",
            };
            let message = format!("{where_} does not take the credentials of {}: {said}{hint}", asked.key);
            critical(AUTH, message, &format!("correct user and password in {}", asked.key))
        }
        Cause::NoDatabase => critical(
            REACH,
            format!("{where_} does not have the database that {} names: {said}", asked.key),
            "create the database, or correct its name",
        ),
        Cause::TimedOut
        | Cause::Closed
        | Cause::Garbled
        | Cause::TlsFailed
        | Cause::Unreachable
        | Cause::Other => critical(
            REACH,
            format!("{where_}: {} failed after {} ms: {said}", step.step.as_str(), step.ms),
            "look at the server's log of that moment",
        ),
    }
}

/// A client without TLS at a port with TLS only: Redis shows it by closing.
fn is_unasked_tls(asked: &Asked, step: &Step) -> bool {
    let plain = asked.meaning.as_ref().is_none_or(|meaning| meaning.encryption == Encryption::None);
    asked.store == Store::Redis && step.step == Name::Login && plain
}

/// Where code may hand options to the driver that the gate did not see, the driver may do what the gate did not.
fn doubted(mut check: Check, asked: &Asked) -> Check {
    let open = asked.meaning.as_ref().is_some_and(|meaning| !meaning.wins);
    if let (Some((file, line)), true) = (&asked.code, open) {
        check.severity = Severity::Warning;
        check.state = State::Warn;
        check.message.push_str(&format!("; unless the options in {file}:{line} ask for it"));
    }
    check
}

fn asks_for_tls(asked: &Asked) -> String {
    match asked.store {
        Store::Postgres | Store::Pgbouncer => {
            format!("add sslmode=verify-full (or what the driver understands) to {}", asked.key)
        }
        Store::Mysql | Store::Mariadb => {
            format!("ask for TLS in {} or in the options of the driver", asked.key)
        }
        Store::Redis => format!("write rediss:// in {}", asked.key),
    }
}

/// The certificate was not what the driver takes: whether for its issuer, its days or its name.
fn refused_certificate(seen: &Reached, where_: &str, who: &str) -> Check {
    let asked = &seen.asked;
    let verdict = seen.certificate.as_ref().map_or(Verdict::Bad, |certificate| certificate.for_driver(asked));
    let (about, why) = match (&seen.certificate, verdict) {
        (Some(certificate), Verdict::Expired) => (CERTIFICATE, format!("ended on {}", certificate.until)),
        (Some(certificate), Verdict::NotYet) => (CERTIFICATE, format!("begins on {}", certificate.from)),
        (Some(certificate), Verdict::WrongName) => {
            let names = match certificate.names.as_slice() {
                [] => certificate.subject.clone(),
                names => names.join(", "),
            };
            (CERTIFICATE, format!("is for {names}"))
        }
        (Some(certificate), Verdict::SelfSigned) => {
            (TLS, format!("vouches for itself ({})", certificate.subject))
        }
        (Some(certificate), Verdict::UnknownIssuer) => {
            let chain = match certificate.chain {
                1 => ", and the server sends no other certificate with it",
                _ => "",
            };
            (TLS, format!("comes from {}, which the driver does not trust{chain}", certificate.issuer))
        }
        _ => (TLS, "cannot be verified".to_owned()),
    };
    let authority = match asked.meaning.as_ref().is_some_and(|meaning| meaning.wins) {
        true => "name the authority's file in the URL (sslrootcert), or in NODE_EXTRA_CA_CERTS",
        false => "hand the authority to the driver (ssl.ca, tls.ca), or name it in NODE_EXTRA_CA_CERTS",
    };
    let fix =
        if about == TLS { authority } else { "give the server a certificate for its name, and renew it" };
    let message = format!("the certificate of {where_} {why}; {who} verifies that");
    doubted(simple(about, Severity::Critical, &asked.name, message, fix), asked)
}

/// What holds of a certificate beside what the driver refused.
fn certificate(seen: &Reached, today: NaiveDate) -> Option<Check> {
    let certificate = seen.certificate.as_ref()?;
    let asked = &seen.asked;
    let is_refused = seen
        .steps
        .iter()
        .any(|step| matches!(&step.outcome, Outcome::Failed { cause: Cause::CertificateRefused, .. }));
    let ends = certificate.until.parse::<NaiveDate>().ok()?;
    let left = ends.signed_duration_since(today).num_days();
    let warn =
        |message: String, fix: &str| Some(simple(CERTIFICATE, Severity::Warning, &asked.name, message, fix));
    let renew = "renew the certificate";
    match () {
        () if is_refused => None,
        () if left < 0 => warn(
            format!("the certificate of {} ended on {}; {}", asked.name, certificate.until, nobody(asked)),
            renew,
        ),
        () if left < RENEW_DAYS => warn(
            format!("the certificate of {} ends on {}, in {left} days", asked.name, certificate.until),
            renew,
        ),
        () if !certificate.name_matches => {
            warn(wrong_name(asked, certificate), "give the server a certificate for its name")
        }
        () => None,
    }
}

fn wrong_name(asked: &Asked, certificate: &Certificate) -> String {
    let names =
        if certificate.names.is_empty() { certificate.subject.clone() } else { certificate.names.join(", ") };
    format!("the certificate of {} is for {names}; {}", asked.name, nobody(asked))
}

fn nobody(asked: &Asked) -> String {
    let verifies = |meaning: &Meaning| meaning.verification != Verification::Nothing;
    match asked.meaning.as_ref().is_some_and(verifies) {
        true => format!("{} does not look at that", reader(asked)),
        false => format!("{} does not look at it, others will", reader(asked)),
    }
}
