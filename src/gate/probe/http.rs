//! One request over HTTP, and what of its answer is kept. The client follows no redirect, keeps no connection (so that
//! nothing is sent twice when one breaks), asks no proxy and knows no cookies.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use ureq::http::{HeaderMap, Request, Response};
use ureq::{Agent, Error, Timeout};

use super::Limits;
use super::hide::Secrets;
use super::target::Target;
use crate::gate::manifest::live::Method;
use crate::gate::transcript::{Answer, Body, Lost, Outcome, Step};
use crate::redact::Redactor;
use crate::redact::printable::single_line;

/// Redirects within the origin that are followed.
pub const MAX_REDIRECTS: usize = 3;
/// Longest value of a header that is kept, in characters.
const MAX_VALUE_CHARS: usize = 200;
/// Longest part of a body that is kept.
const MAX_EXCERPT_CHARS: usize = 400;
/// Part of a body in which that is looked for, in bytes.
const MAX_EXCERPT_BYTES: usize = 16 << 10;

/// Headers that a judgement or a reader may need.
const KEPT: &[&str] = &[
    "allow",
    "cf-ray",
    "content-type",
    "retry-after",
    "server",
    "www-authenticate",
    "x-amzn-errortype",
    "x-amzn-requestid",
    "x-matched-path",
    "x-request-id",
    "x-vercel-cache",
    "x-vercel-error",
    "x-vercel-id",
];
/// Headers of which only the names of what they hold are kept.
const CREDENTIALS: &[&str] =
    &["authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key", "x-auth-token"];

/// Sends requests to one origin.
pub struct Client {
    agent: Agent,
    target: Target,
    runtime_header: Option<String>,
    /// What a request may take.
    pub limits: Limits,
}

impl Client {
    /// A client for a target.
    pub fn new(target: &Target, limits: Limits, runtime_header: Option<&str>) -> Client {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .allow_non_standard_methods(true)
            .max_response_header_size(limits.header_bytes)
            .user_agent(concat!("why500/", env!("CARGO_PKG_VERSION"), " gate"))
            .accept("*/*")
            .build();
        Client {
            agent: config.new_agent(),
            target: target.clone(),
            runtime_header: runtime_header.map(str::to_owned),
            limits,
        }
    }

    /// Sends one request. `kept`: headers that are kept beside the usual ones, and what must not be. Gives the path of the
    /// same origin, too, that the answer redirects to.
    pub fn send(
        &self,
        method: Method,
        path: &str,
        headers: &BTreeMap<String, String>,
        body: Option<&str>,
        limit: Duration,
        kept: (&[&str], &Secrets),
    ) -> (Outcome, Option<String>) {
        let lost = |error: &Error| {
            let (step, text) = describe(error);
            let redactor = Redactor::new(path.as_bytes());
            (Outcome::Lost(Lost { step, text: safe(&text, &redactor, kept.1, MAX_VALUE_CHARS) }), None)
        };
        if limit.is_zero() {
            return lost(&Error::Timeout(Timeout::Global));
        }
        let mut request = Request::builder().method(method.as_str()).uri(self.target.url(path));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let sent = match body {
            Some(body) => self.run(request.body(body.to_owned()), limit),
            None if matches!(method, Method::Post | Method::Put | Method::Patch) => {
                self.run(request.body(String::new()), limit)
            }
            None => self.run(request.body(()), limit),
        };
        match sent {
            Ok(answer) => {
                let next = self.redirect(path, &answer);
                let read = self.read(method, path, answer, kept);
                read.map_or_else(|error| lost(&error), |answer| (Outcome::Answered(answer), next))
            }
            Err(error) => lost(&error),
        }
    }

    fn run(
        &self,
        request: Result<Request<impl ureq::AsSendBody>, ureq::http::Error>,
        limit: Duration,
    ) -> Result<Response<ureq::Body>, Error> {
        let request = self.agent.configure_request(request?).timeout_global(Some(limit)).build();
        self.agent.run(request)
    }

    fn read(
        &self,
        method: Method,
        path: &str,
        answer: Response<ureq::Body>,
        (wanted, secrets): (&[&str], &Secrets),
    ) -> Result<Answer, Error> {
        let (parts, body) = answer.into_parts();
        let status = parts.status.as_u16();
        let (mut bytes, limit) = (Vec::new(), self.limits.body_bytes);
        body.into_with_config()
            .limit(u64::MAX)
            .reader()
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(Error::from)?;
        let body_cut = bytes.len() as u64 > limit;
        bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let redactor = Redactor::new(&bytes);
        let text = |text: &str, most_chars| safe(text, &redactor, secrets, most_chars);
        let excerpt = if status >= 400 { excerpt(&bytes, &text) } else { String::new() };
        Ok(Answer {
            status,
            headers: self.headers(path, &parts.headers, wanted, &|value| text(value, MAX_VALUE_CHARS)),
            body: if method == Method::Head { Body::Unread } else { kind(&bytes, body_cut) },
            body_bytes: bytes.len() as u64,
            body_cut,
            excerpt,
        })
    }

    fn headers(
        &self,
        path: &str,
        headers: &HeaderMap,
        wanted: &[&str],
        safe: &dyn Fn(&str) -> String,
    ) -> BTreeMap<String, String> {
        let mut kept = BTreeMap::new();
        for (name, value) in headers {
            let name = name.as_str();
            let text = String::from_utf8_lossy(value.as_bytes());
            let is_kept = KEPT.contains(&name)
                || wanted.contains(&name)
                || self.runtime_header.as_deref() == Some(name);
            let text = match name {
                "location" => self.location(path, &text),
                _ if CREDENTIALS.contains(&name) => names_only(&text),
                _ if is_kept => text.into_owned(),
                _ => continue,
            };
            let text = safe(&text);
            kept.entry(name.to_owned())
                .and_modify(|held: &mut String| {
                    held.push_str(", ");
                    held.push_str(&text);
                })
                .or_insert(text);
        }
        kept
    }

    /// Where a redirect leads, without what its query may hold.
    fn location(&self, path: &str, location: &str) -> String {
        let whole = self.target.same_origin(location, path).unwrap_or_else(|| location.to_owned());
        let cut = whole.split(['?', '#']).next().unwrap_or_default();
        // A user or password before the host.
        match cut.split_once("//") {
            Some((scheme, rest)) if !cut.starts_with('/') => {
                let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
                let host = authority.rsplit('@').next().unwrap_or_default();
                format!("{scheme}//{host}/{path}")
            }
            _ => cut.to_owned(),
        }
    }

    /// The path and query that an answer redirects to on the same origin.
    fn redirect(&self, path: &str, answer: &Response<ureq::Body>) -> Option<String> {
        let location = answer.headers().get("location")?.to_str().ok()?;
        matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308)
            .then(|| self.target.same_origin(location, path))?
    }
}

/// The names in `a=1; b=2`, with their values hidden.
fn names_only(text: &str) -> String {
    match text.split(';').next().and_then(|first| first.split_once('=')) {
        Some((name, _)) => format!("{}=‹hidden›", name.trim()),
        None => "‹hidden›".to_owned(),
    }
}

/// A text of the deployment made safe to keep: without values of the environment, without secrets, on one line.
fn safe(text: &str, redactor: &Redactor, secrets: &Secrets, most_chars: usize) -> String {
    let hidden = secrets.hide(text);
    let redacted = redactor.redact(&hidden);
    cut(&single_line(&redacted), most_chars)
}

fn cut(text: &str, most_chars: usize) -> String {
    match text.char_indices().nth(most_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn excerpt(bytes: &[u8], safe: &dyn Fn(&str, usize) -> String) -> String {
    let part = &bytes[..bytes.len().min(MAX_EXCERPT_BYTES)];
    if part.contains(&0) {
        return String::new();
    }
    safe(&String::from_utf8_lossy(part), MAX_EXCERPT_CHARS)
}

/// What a body is, by what it holds: servers lie about types.
fn kind(bytes: &[u8], is_cut: bool) -> Body {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return if is_cut && !bytes.contains(&0) { Body::Text } else { Body::Binary };
    };
    let text = text.trim();
    let begins = |with: &str| text.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    if text.is_empty() {
        Body::Empty
    } else if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        Body::Json
    } else if begins("<!doctype html") || begins("<html") {
        Body::Html
    } else if text.contains('\0') {
        Body::Binary
    } else {
        Body::Text
    }
}

/// Which step failed, and what is said of it.
fn describe(error: &Error) -> (Step, String) {
    let step = match error {
        Error::HostNotFound => Step::Dns,
        Error::Timeout(Timeout::Resolve) => Step::Dns,
        Error::Timeout(Timeout::Connect) | Error::ConnectionFailed => Step::Connect,
        Error::Timeout(_) => Step::Timeout,
        Error::Tls(_) | Error::Rustls(_) | Error::TlsRequired => Step::Tls,
        Error::Io(io) => match io.kind() {
            std::io::ErrorKind::ConnectionRefused
            | std::io::ErrorKind::HostUnreachable
            | std::io::ErrorKind::NetworkUnreachable => Step::Connect,
            std::io::ErrorKind::TimedOut => Step::Timeout,
            std::io::ErrorKind::InvalidData => Step::Tls,
            _ => Step::Answer,
        },
        _ => Step::Answer,
    };
    (step, error.to_string())
}
