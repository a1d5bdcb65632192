//! What a deployment may do to a probe, each with a server that does it.

#[path = "tests/server.rs"]
mod server;

use std::path::Path;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use server::{Asked, Reply, Server};

use super::target::Target;
use super::{Limits, Refusal, live};
use crate::gate::judge;
use crate::gate::manifest::{Manifest, SCHEMA};
use crate::gate::report::model::Check;
use crate::gate::transcript::{Body, Http, Observation, Outcome, Phase, Step, Transcript};

const LIMITS: Limits = Limits {
    request: Duration::from_millis(700),
    run: Duration::from_secs(20),
    backoff: Duration::from_millis(10),
    body_bytes: 64 << 10,
    header_bytes: 32 << 10,
};

fn manifest(text: &str) -> Manifest {
    let text = format!("schema = \"{SCHEMA}\"\n{text}");
    Manifest::parse(Path::new("why500.toml"), &text).expect("a manifest")
}

/// A family with these tables.
fn family(tables: &str) -> Manifest {
    manifest(&format!("[[family]]\nname = \"shop\"\nroutes = [\"/api/**\"]\n{tables}"))
}

fn probe(path: &str, expect: &str) -> Manifest {
    family(&format!(
        "[[family.probe]]\nname = \"one\"\nrequest = {{ path = \"{path}\" }}\nexpect = {{ {expect} }}\n"
    ))
}

fn negative(expect: &str) -> Manifest {
    family(&format!(
        "[[family.negative]]\nname = \"malformed\"\nrequest = {{ method = \"POST\", path = \"/api/pay\", body = '{{\"', headers = {{ content-type = \"application/json\" }} }}\nexpect = {{ {expect} }}\n"
    ))
}

fn environment(key: &str) -> Option<String> {
    match key {
        "TOKEN" => Some("Bearer s3cret-token/1".to_owned()),
        "BYPASS" => Some("byp4ss-value".to_owned()),
        _ => None,
    }
}

fn seen(server: &Server, manifest: &Manifest) -> Transcript {
    let target = Target::parse(&server.url()).expect("a target");
    let mut transcript = Transcript::new(NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day"));
    transcript.head.target = Some(target.shown());
    transcript.add(Phase::Live, live(&target, manifest, &environment, LIMITS).expect("it answers"));
    transcript
}

/// Probes, judges, and judges again what was written: equal.
fn judged(server: &Server, manifest: &Manifest) -> (Transcript, Vec<Check>) {
    let transcript = seen(server, manifest);
    let mut bytes = Vec::new();
    transcript.write(&mut bytes).expect("written");
    let again = Transcript::parse(Path::new("seen"), &bytes).expect("a transcript");
    let checks = judge::live::judge(manifest, &transcript);
    assert_eq!(judge::live::judge(manifest, &again), checks);
    assert!(!String::from_utf8(bytes).expect("text").contains("s3cret"), "{again:?}");
    (transcript, checks.0)
}

fn names(checks: &[Check]) -> Vec<String> {
    let name = |check: &Check| format!("{} {} {:?}", check.id, check.subject, check.state);
    checks.iter().map(name).collect()
}

fn requests(transcript: &Transcript) -> Vec<&Http> {
    transcript.http().collect()
}

fn step(http: &Http) -> Option<Step> {
    match &http.outcome {
        Outcome::Lost(lost) => Some(lost.step),
        Outcome::Answered(_) => None,
    }
}

#[test]
fn a_healthy_deployment_has_no_finding() {
    let server = Server::start(|asked: &Asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/api/prices?page=1") => Reply::json(200, "[]"),
        ("POST", "/api/pay") if asked.body == "{\"" => Reply::json(400, r#"{"error":"no JSON"}"#),
        _ => Reply::html(404, "<html>"),
    });
    let manifest = family(
        "[[family.probe]]\nname = \"prices\"\nrequest = { path = \"/api/prices?page=1\" }\n\
         expect = { status = 200, headers = { content-type = \"application/json*\" }, json = true, max_ms = 600 }\n\
         [[family.negative]]\nname = \"malformed\"\nrequest = { method = \"POST\", path = \"/api/pay\", body = '{\"' }\n",
    );
    let (transcript, checks) = judged(&server, &manifest);
    assert_eq!(names(&checks), Vec::<String>::new());
    assert_eq!(requests(&transcript).len(), 2);
    assert_eq!(server.asked().len(), 2, "nothing else was sent");
}

#[test]
fn a_500_for_malformed_json_is_found_twice_and_told_with_its_id() {
    let server = Server::start(|_| {
        Reply::Answer(
            500,
            vec![
                ("x-vercel-id", "iad1::iad1::abc-17-x".into()),
                ("x-vercel-error", "FUNCTION_INVOCATION_FAILED".into()),
            ],
            "SyntaxError: Unexpected end of JSON input\n    at JSON.parse (<anonymous>)\nBearer s3cret-token/1".into(),
        )
    });
    let (transcript, checks) = judged(&server, &negative("status = [400, 422], json = true"));
    assert_eq!(names(&checks), ["gate-negative-500 /api/pay Fail"]);
    assert_eq!(requests(&transcript).len(), 2, "a second attempt");
    let check = &checks[0];
    for part in ["expected 400 or 422, got 500 twice", "FUNCTION_INVOCATION_FAILED", "Unexpected end of JSON"]
    {
        assert!(check.message.contains(part), "{}", check.message);
    }
    assert!(check.fix.contains("why500 explain abc-17-x"), "{}", check.fix);
    assert!(check.prevents.contains(&"request-body-parse"));
    assert!(check.cause.is_some(), "the rule that names the incident which it would become");
}

#[test]
fn refusals_are_structured_and_credentials_are_asked_for() {
    let page = Server::start(|_| Reply::html(400, "<!DOCTYPE html><p>Bad Request"));
    assert_eq!(names(&judged(&page, &negative("")).1), ["gate-negative-shape /api/pay Warn"]);
    let open = Server::start(|_| Reply::json(200, "{}"));
    assert_eq!(names(&judged(&open, &negative("status = [401, 403]")).1), ["gate-auth-open /api/pay Fail"]);
    assert_eq!(open.asked().len(), 1, "what was let through is not done twice");
    assert_eq!(names(&judged(&open, &negative("")).1), ["gate-live-status /api/pay Fail"]);
    let gone = Server::start(|_| Reply::json(404, "{}"));
    assert_eq!(names(&judged(&gone, &negative("status = 400")).1), ["gate-live-status /api/pay Fail"]);
}

#[test]
fn what_is_slow_is_late_and_what_never_comes_is_given_up() {
    let late = Server::start(|_| Reply::Late(150, 200, "{}".into()));
    let (_, checks) = judged(&late, &probe("/", "max_ms = 50"));
    assert_eq!(names(&checks), ["gate-live-time / Warn"]);
    let never = Server::start(|_| Reply::Late(60_000, 200, "{}".into()));
    let begun = Instant::now();
    let (transcript, checks) = judged(&never, &probe("/", ""));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(requests(&transcript).into_iter().filter_map(step).collect::<Vec<_>>(), [Step::Timeout; 2]);
    assert_eq!(names(&checks), ["gate-live-status / Fail"]);
    assert!(checks[0].message.contains("no answer in time"), "{}", checks[0].message);
}

#[test]
fn a_redirect_is_followed_within_the_host_and_never_off_it() {
    let other = Server::start(|_| Reply::json(200, "{}"));
    let elsewhere = format!("{}/steal?token=s3cret", other.url());
    let server = Server::start(move |asked: &Asked| match asked.path.as_str() {
        "/in?a=1" => Reply::Answer(308, vec![("location", "/in/?a=1".into())], String::new()),
        "/in/?a=1" => Reply::json(200, "{}"),
        "/loop" => Reply::Answer(302, vec![("location", "/loop".into())], String::new()),
        _ => Reply::Answer(302, vec![("location", elsewhere.clone())], String::new()),
    });
    let (transcript, checks) = judged(&server, &probe("/in?a=1", ""));
    assert_eq!(names(&checks), Vec::<String>::new());
    assert_eq!(requests(&transcript)[0].redirects[0].path, "/in/");
    let (_, checks) = judged(&server, &probe("/off", ""));
    assert_eq!(names(&checks), ["gate-live-status /off Fail"]);
    assert!(
        checks[0].message.contains(&format!("got 302 to {}/steal", other.url())),
        "{}",
        checks[0].message
    );
    assert!(other.asked().is_empty(), "nothing was sent to the other host");
    let (transcript, _) = judged(&server, &probe("/loop", ""));
    assert_eq!(requests(&transcript)[0].redirects.len(), 3);
    // A redirect that is declared is the answer; so is one of what may change something.
    assert_eq!(names(&judged(&server, &probe("/in?a=1", "status = 308")).1), Vec::<String>::new());
    let (transcript, _) = judged(&server, &negative("status = 302, json = false"));
    assert!(requests(&transcript)[0].redirects.is_empty());
}

#[test]
fn huge_and_endless_answers_are_cut() {
    let server = Server::start(|asked: &Asked| match asked.path.as_str() {
        "/body" => Reply::EndlessBody,
        "/headers" => Reply::EndlessHeaders,
        "/broken" => Reply::Broken,
        _ => Reply::Raw("SSH-2.0-OpenSSH_9.2\r\n"),
    });
    let begun = Instant::now();
    let (transcript, checks) = judged(&server, &probe("/body", ""));
    assert_eq!(names(&checks), Vec::<String>::new());
    let Outcome::Answered(answer) = &requests(&transcript)[0].outcome else { panic!("an answer") };
    assert_eq!((answer.body_bytes, answer.body_cut, answer.body), (64 << 10, true, Body::Text));
    // Of a cut body it cannot be said whether it is JSON.
    assert_eq!(names(&judged(&server, &probe("/body", "json = true")).1), ["gate-live-body /body NotRun"]);
    for path in ["/headers", "/broken", "/ssh"] {
        let (transcript, checks) = judged(&server, &probe(path, ""));
        assert_eq!(names(&checks), [format!("gate-live-status {path} Fail")]);
        assert_eq!(step(requests(&transcript)[0]), Some(Step::Answer), "{path} {transcript:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn secrets_are_sent_and_seen_nowhere_else() {
    let server = Server::start(|asked: &Asked| {
        let echo = format!("{:?} s3cret-token/1 s3cret-token%2F1", asked.headers);
        Reply::Answer(
            403,
            vec![
                ("x-request-id", "s3cret-token/1".into()),
                ("set-cookie", "session=s3cret-token/1; Path=/".into()),
            ],
            echo,
        )
    });
    let manifest = family(
        "[[family.probe]]\nname = \"mine\"\nrequest = { path = \"/api/me\", headers_env = { authorization = \"TOKEN\" } }\n\
         [[family.probe]]\nname = \"other\"\nrequest = { path = \"/api/me\", headers_env = { x-token = \"UNSET\" } }\n\
         [live]\nprotection_bypass_env = \"BYPASS\"\n",
    );
    let (transcript, checks) = judged(&server, &manifest);
    let asked = server.asked();
    assert_eq!(asked[0].header("authorization"), Some("Bearer s3cret-token/1"));
    assert_eq!(asked[0].header("x-vercel-protection-bypass"), Some("byp4ss-value"));
    let all = format!("{transcript:?} {checks:?}");
    assert!(!all.contains("s3cret") && !all.contains("byp4ss"), "{all}");
    assert!(all.contains("session=‹hidden›"), "{all}");
    assert_eq!(names(&checks), ["gate-live-status /api/me Fail", "gate-live-status /api/me NotRun"]);
    assert!(checks[1].message.contains("UNSET is not set"), "{}", checks[1].message);
    // In clear text over a network they are not sent at all.
    let open = Target::parse("http://shop.example.com").expect("a target");
    assert_eq!(live(&open, &manifest, &environment, LIMITS), Err(Refusal::Exposed));
}

#[test]
fn every_declared_method_and_body_is_sent_as_it_is() {
    let server = Server::start(|_| Reply::json(400, "{}"));
    for (method, body) in [("POST", "{"), ("PUT", ""), ("PATCH", "x"), ("DELETE", "y"), ("OPTIONS", "")] {
        let body_key = if body.is_empty() { String::new() } else { format!(", body = \"{body}\"") };
        let manifest = family(&format!(
            "[[family.negative]]\nname = \"one\"\nrequest = {{ method = \"{method}\", path = \"/{method}\"{body_key} }}\n"
        ));
        assert_eq!(names(&judged(&server, &manifest).1), Vec::<String>::new(), "{method}");
        let asked = server.asked().pop().expect("a request");
        assert_eq!((asked.method.as_str(), asked.body.as_str()), (method, body));
    }
    let manifest = family(
        "[[family.probe]]\nname = \"one\"\nrequest = { method = \"HEAD\", path = \"/h\" }\nexpect = { status = 400 }\n",
    );
    assert_eq!(names(&judged(&server, &manifest).1), Vec::<String>::new());
}

#[test]
fn a_sign_in_page_is_no_verdict_on_the_application() {
    let server = Server::start(|_| {
        Reply::Answer(
            401,
            vec![("server", "Vercel".into()), ("set-cookie", "_vercel_sso_nonce=abc".into())],
            "<!doctype html>".into(),
        )
    });
    let manifest = family(
        "[[family.negative]]\nname = \"no credentials\"\nrequest = { path = \"/api/me\" }\nexpect = { status = 401, json = false }\n",
    );
    let (_, checks) = judged(&server, &manifest);
    assert_eq!(names(&checks), ["gate-live-status /api/me NotRun"]);
    assert!(checks[0].fix.contains("protection_bypass_env"), "{}", checks[0].fix);
}

#[test]
fn runtimes_and_headers_are_held_to_the_manifest() {
    let server = Server::start(|_| {
        Reply::Answer(
            200,
            vec![("x-app-runtime", "edge".into()), ("cache-control", "no-store".into())],
            "{}".into(),
        )
    });
    let with = |expect: &str| {
        family(&format!(
            "[[family.probe]]\nname = \"one\"\nrequest = {{ path = \"/\" }}\nexpect = {{ {expect} }}\n[live]\nruntime_header = \"X-App-Runtime\"\n"
        ))
    };
    let found = |expect: &str| names(&judged(&server, &with(expect)).1);
    assert_eq!(found("runtime = \"edge\", headers = { cache-control = \"no-*\" }"), Vec::<String>::new());
    assert_eq!(found("runtime = \"nodejs\""), ["gate-live-runtime / Fail"]);
    assert_eq!(
        found("headers = { cache-control = \"public*\", etag = \"*\" }"),
        ["gate-live-header / Fail"; 2]
    );
    let silent = Server::start(|_| Reply::json(200, "{}"));
    assert_eq!(names(&judged(&silent, &with("runtime = \"edge\"")).1), ["gate-live-runtime / NotRun"]);
}

#[test]
fn a_cold_start_is_told_and_does_not_fail() {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_| match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Reply::json(503, "{}"),
        1 => Reply::json(200, "{}"),
        2 => Reply::json(500, "{}"),
        _ => Reply::json(200, "{}"),
    });
    let mut manifest = probe("/api/a", "");
    manifest.live = self::manifest("[live]\nwarm_up = [\"/api/health\"]\n").live;
    let transcript = seen(&server, &manifest);
    let (checks, remarks) = judge::live::judge(&manifest, &transcript);
    assert_eq!(names(&checks), ["gate-live-status /api/a Warn"]);
    assert!(checks[0].message.contains("at the second attempt only: at first expected 200–299, got 500"));
    assert!(remarks[0].starts_with("warm-up /api/health: 503 after"), "{remarks:?}");
    let never = Server::start(|_| Reply::json(503, "{}"));
    let checks = judge::live::judge(&manifest, &seen(&never, &manifest)).0;
    assert_eq!(names(&checks), ["gate-live-status /api/a Fail", "gate-live-status /api/health Fail"]);
    assert_eq!(never.asked().len(), 3 + 2);
}

#[test]
fn an_observation_speaks_only_for_the_request_that_was_declared() {
    let server = Server::start(|_| Reply::json(200, "{}"));
    let transcript = seen(&server, &probe("/api/a", ""));
    let (checks, remarks) = judge::live::judge(&probe("/api/b", ""), &transcript);
    assert_eq!(names(&checks), ["gate-live-status /api/b NotRun"]);
    assert!(remarks[0].starts_with("1 of 1 requests of the transcript"), "{remarks:?}");
    let nothing = judge::live::judge(&family(""), &transcript).0;
    assert_eq!(names(&nothing), ["gate-live-status project NotRun"]);
}

#[test]
fn a_host_that_is_not_there_is_said_at_once() {
    let port = {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        closed.local_addr().expect("an address").port()
    };
    let target = Target::parse(&format!("http://127.0.0.1:{port}")).expect("a target");
    let refused = live(&target, &probe("/", ""), &environment, LIMITS);
    assert!(matches!(refused, Err(Refusal::Unreachable(_))), "{refused:?}");
}

#[test]
fn a_host_without_tls_is_no_answer() {
    let server = Server::start(|_| Reply::json(200, "{}"));
    let target = Target::parse(&server.url().replace("http:", "https:")).expect("a target");
    let seen = live(&target, &probe("/", ""), &environment, LIMITS).expect("it accepts connections");
    let is_lost = |one: &Observation| match one {
        Observation::Http(http) => matches!(step(http), Some(Step::Tls | Step::Timeout)),
        Observation::Datastore(_) => false,
    };
    assert!(seen.iter().all(is_lost), "{seen:?}");
    assert!(server.asked().is_empty());
}

#[test]
fn the_time_of_a_run_ends() {
    let server = Server::start(|_| Reply::Late(300, 200, "{}".into()));
    let tables: String = (0..20)
        .map(|number| {
            format!("[[family.probe]]\nname = \"{number}\"\nrequest = {{ path = \"/{number}\" }}\n")
        })
        .collect();
    let target = Target::parse(&server.url()).expect("a target");
    let limits = Limits { run: Duration::from_millis(700), ..LIMITS };
    let begun = Instant::now();
    let seen = live(&target, &family(&tables), &environment, limits).expect("it answers");
    assert!(begun.elapsed() < Duration::from_secs(3));
    let not_sent =
        seen.iter().filter(|one| matches!(one, Observation::Http(http) if !http.is_sent())).count();
    assert!(not_sent >= 15, "{not_sent}");
}
