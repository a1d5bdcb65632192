//! What was seen of datastores, as data, and what is said of it.

use chrono::NaiveDate;

use crate::gate::drivers::{Encryption, Installed, Meaning, Roots, Verification};
use crate::gate::judge::reached::judge;
use crate::gate::manifest::Manifest;
use crate::gate::manifest::datastore::{Driver, Store};
use crate::gate::reach::seen::{Asked, Cause, Certificate, Name, Outcome, Reached, Step, Verdict};
use crate::gate::report::model::{Check, State};
use crate::gate::transcript::{Observation, Phase, Transcript};

fn seen(encryption: Encryption, verification: Verification, last: Name, outcome: Outcome) -> Reached {
    let asked = Asked {
        name: "main".to_owned(),
        declared: true,
        store: Store::Postgres,
        key: "DATABASE_URL".to_owned(),
        origin: Some("the environment of this process".to_owned()),
        line: None,
        wrong: None,
        host: "db.example.com".to_owned(),
        port: 5432,
        driver: Some(Installed {
            driver: Driver::NodePostgres,
            version: Some((8, 13)),
            source: String::new(),
        }),
        meaning: Some(Meaning {
            encryption,
            verification,
            roots: Roots::Mozilla,
            ca: None,
            explicit: true,
            wins: true,
            traps: Vec::new(),
            pool: Some(10),
            prepares: false,
        }),
        code: None,
        extra_roots: false,
        ca_file: None,
    };
    let all = [Name::Dns, Name::Tcp, Name::Tls, Name::Login, Name::Capacity];
    let before = all.into_iter().take_while(|name| *name < last);
    let mut steps: Vec<Step> = before.map(|step| Step { step, ms: 1, outcome: Outcome::Ok }).collect();
    steps.push(Step { step: last, ms: 7, outcome });
    Reached { asked: Box::new(asked), steps, tls: None, certificate: None, capacity: None }
}

fn failed(last: Name, cause: Cause) -> Reached {
    let outcome = Outcome::Failed { cause, said: "so it said".to_owned() };
    seen(Encryption::Require, Verification::Full, last, outcome)
}

fn manifest(more: &str) -> Manifest {
    let text = format!(
        "schema = \"why500/manifest/v1\"\n[datastore.main]\nkind = \"postgres\"\nurl_env = \"DATABASE_URL\"\n{more}"
    );
    Manifest::parse(std::path::Path::new("why500.toml"), &text).expect("a manifest")
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day")
}

fn told(reached: &Reached, more: &str) -> Vec<String> {
    let checks = judge(Some(&manifest(more)), &[], &[reached], today());
    let line = |check: &Check| format!("{} {} {:?}", check.id, check.severity.as_str(), check.state);
    checks.iter().map(line).collect()
}

#[test]
fn the_step_that_fails_names_the_check() {
    for (step, cause, expected) in [
        (Name::Dns, Cause::Unresolved, "gate-db-reach critical Fail"),
        (Name::Tcp, Cause::Refused, "gate-db-reach critical Fail"),
        (Name::Tcp, Cause::TimedOut, "gate-db-reach critical Fail"),
        (Name::Tls, Cause::TimedOut, "gate-db-tls critical Fail"),
        (Name::Tls, Cause::TlsNotOffered, "gate-db-tls critical Fail"),
        (Name::Tls, Cause::TlsFailed, "gate-db-tls critical Fail"),
        (Name::Login, Cause::TlsRequired, "gate-db-tls critical Fail"),
        (Name::Login, Cause::AddressRefused, "gate-db-allowlist critical Fail"),
        (Name::Login, Cause::CredentialsRefused, "gate-db-auth critical Fail"),
        (Name::Login, Cause::NoDatabase, "gate-db-reach critical Fail"),
        (Name::Login, Cause::Full, "gate-db-capacity critical Fail"),
        (Name::Capacity, Cause::TimedOut, "gate-db-reach critical Fail"),
    ] {
        assert_eq!(told(&failed(step, cause), ""), [expected], "{step:?} {cause:?}");
    }
    // Where the server admits named networks only, silence means that.
    let silent = failed(Name::Tcp, Cause::TimedOut);
    assert_eq!(told(&silent, "egress = [\"192.0.2.10/32\"]"), ["gate-db-allowlist critical Fail"]);
}

#[test]
fn what_was_not_tried_is_said() {
    let left = |step| {
        seen(Encryption::Require, Verification::Nothing, step, Outcome::NotRun { why: "no".to_owned() })
    };
    assert_eq!(told(&left(Name::Dns), ""), ["gate-db-reach critical NotRun"]);
    assert_eq!(told(&left(Name::Login), ""), ["gate-db-auth critical NotRun"]);
    assert_eq!(told(&left(Name::Login), "login = false"), Vec::<String>::new());
    assert_eq!(told(&left(Name::Capacity), ""), ["gate-db-capacity warning NotRun"]);
    assert_eq!(told(&left(Name::Capacity), "max_connections = 9"), Vec::<String>::new());
    let none = judge(None, &[], &[], today());
    assert_eq!(none.first().map(|check| check.id), Some("gate-db-reach"));
    assert!(crate::gate::report::model::fails(&none));
    assert!(crate::gate::report::model::fails(&judge(Some(&manifest("")), &[], &[], today())));
}

#[test]
fn what_was_seen_speaks_for_what_was_asked() {
    let seen = failed(Name::Tcp, Cause::Refused);
    let now = |change: fn(&mut Asked)| {
        let mut asked = seen.asked.as_ref().clone();
        asked.origin = Some(".env.production".to_owned());
        change(&mut asked);
        judge(Some(&manifest("")), &[asked], &[&seen], today()).remove(0).state
    };
    assert_eq!(now(|_| ()), State::Fail);
    for other in [
        (|asked| asked.host = "db2.example.com".to_owned()) as fn(&mut Asked),
        |asked| asked.port = 6432,
        |asked| asked.meaning = None,
        |asked| asked.store = Store::Pgbouncer,
        |asked| asked.key = "POOLER_URL".to_owned(),
        |asked| asked.driver = None,
        |asked| asked.ca_file = Some("ca.pem".to_owned()),
    ] {
        assert_eq!(now(other), State::NotRun);
    }
    // Where the URL is not at hand any more, what was seen of it stands.
    let gone = |asked: &mut Asked| {
        (asked.origin, asked.meaning) = (None, None);
        asked.host.clear();
    };
    assert_eq!(now(gone), State::Fail);
}

fn shown(verification: Verification, mozilla: Verdict, own: Option<Verdict>) -> Reached {
    let mut reached = seen(Encryption::Require, verification, Name::Capacity, Outcome::Ok);
    reached.certificate = Some(Certificate {
        subject: "CN=db.example.com".to_owned(),
        issuer: "CN=Example Authority".to_owned(),
        names: vec!["db.example.com".to_owned()],
        from: "2026-01-01".to_owned(),
        until: "2027-06-01".to_owned(),
        chain: 1,
        name_matches: true,
        mozilla,
        system: None,
        own,
    });
    reached
}

#[test]
fn certificates_as_the_driver_sees_them() {
    let good = shown(Verification::Full, Verdict::Good, None);
    assert_eq!(told(&good, ""), Vec::<String>::new());
    let mut soon = good.clone();
    let certificate = soon.certificate.as_mut().expect("a certificate");
    certificate.until = "2026-12-22".to_owned();
    assert_eq!(told(&soon, ""), ["gate-db-cert warning Warn"]);
    // One authority is enough; the own one counts where the driver is told of it.
    let mut private = shown(Verification::Full, Verdict::UnknownIssuer, Some(Verdict::Good));
    let verdict =
        |reached: &Reached| reached.certificate.as_ref().map(|seen| seen.for_driver(&reached.asked));
    assert_eq!(verdict(&private), Some(Verdict::UnknownIssuer));
    private.asked.extra_roots = true;
    assert_eq!(verdict(&private), Some(Verdict::Good));
    let nobody = shown(Verification::Nothing, Verdict::Expired, None);
    assert_eq!(verdict(&nobody), Some(Verdict::Good));
    let name = |verification| verdict(&shown(verification, Verdict::WrongName, None));
    assert_eq!(name(Verification::Full), Some(Verdict::WrongName));
    assert_eq!(name(Verification::Chain), Some(Verdict::Good));
}

#[test]
fn a_transcript_gives_the_same_again() {
    let mut refused = shown(Verification::Full, Verdict::SelfSigned, None);
    refused.steps.push(Step {
        step: Name::Tls,
        ms: 3,
        outcome: Outcome::Failed { cause: Cause::CertificateRefused, said: "no".to_owned() },
    });
    let mut transcript = Transcript::new(today());
    transcript.add(Phase::Reach, [Observation::Datastore(refused.clone())]);
    let mut text = Vec::new();
    transcript.write(&mut text).expect("written");
    let again = Transcript::parse(std::path::Path::new("seen.jsonl"), &text).expect("a transcript");
    assert_eq!(again, transcript);
    let back: Vec<&Reached> = again.datastores().collect();
    let judged = |reached: &[&Reached]| judge(Some(&manifest("")), &[], reached, today());
    assert_eq!(judged(&back), judged(&[&refused]));
}
