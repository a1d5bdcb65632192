//! The one step of the gate that looks outside of the project, and only if it is asked to: `--live URL` sends what the
//! manifest declares to the host of that URL, and nothing else to nobody else. What is seen goes into a transcript;
//! nothing is judged here but whether a request is worth a second attempt.
//!
//! Bounded: requests one after the other, each with a time limit and read up to a size; a limit on all together. No proxy
//! is used, no cookie kept, no redirect followed to another origin.

pub mod hide;
pub mod http;
pub mod target;

use std::collections::BTreeMap;
use std::net::{TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use super::judge::live::is_as_declared;
use super::manifest::Manifest;
use super::manifest::live::{Method, Probe};
use super::transcript::{Http, Lost, Observation, Outcome, Purpose, Step};
use hide::Secrets;
use http::Client;
use target::Target;

/// Header that lets automation through the deployment protection of Vercel.
/// <https://vercel.com/docs/deployment-protection/methods-to-bypass-deployment-protection/protection-bypass-automation>
const BYPASS: &str = "x-vercel-protection-bypass";
/// Attempts of a warm-up.
const WARM_UPS: u32 = 3;
/// Addresses of a host that are tried.
const MAX_ADDRESSES: usize = 8;

/// How much a run may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// One request, redirects included.
    pub request: Duration,
    /// All of them.
    pub run: Duration,
    /// Before what was not as declared is tried a second time.
    pub backoff: Duration,
    /// Bytes of an answer's body that are read.
    pub body_bytes: u64,
    /// Bytes of its headers, beyond which there is no answer.
    pub header_bytes: usize,
}

impl Limits {
    /// The usual ones, with the manifest's limit of one request.
    pub fn of(manifest: &Manifest) -> Limits {
        Limits {
            request: Duration::from_millis(manifest.live.timeout_ms.unwrap_or(10_000)),
            run: Duration::from_secs(300),
            backoff: Duration::from_secs(2),
            body_bytes: 256 << 10,
            header_bytes: 64 << 10,
        }
    }
}

/// Why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The manifest names secrets, and the way to the host is not encrypted.
    Exposed,
    /// The host does not answer.
    Unreachable(String),
}

/// What is sent, and what for.
struct Planned<'m> {
    purpose: Purpose,
    family: &'m str,
    probe: &'m Probe,
}

impl Planned<'_> {
    /// Whether a request that may change something was let through, or may have been: it is not sent twice.
    fn did_its_work(&self, http: &Http) -> bool {
        let is_done = matches!(&http.outcome, Outcome::Answered(answer) if answer.status < 400);
        !self.probe.request.method.is_safe() && (self.purpose == Purpose::Probe || is_done)
    }
}

/// Sends what a manifest declares. `environment` gives the values of the keys that the manifest names, and of no others.
///
/// # Errors
/// Nothing was sent: the host does not answer, twice, or what would be sent could be read on the way.
pub fn live(
    target: &Target,
    manifest: &Manifest,
    environment: &dyn Fn(&str) -> Option<String>,
    limits: Limits,
) -> Result<Vec<Observation>, Refusal> {
    let secrets = Secrets::gather(manifest, environment);
    let mut run = Run {
        client: Client::new(target, limits, manifest.live.runtime_header.as_deref()),
        target,
        secrets,
        manifest,
        ends: Instant::now() + limits.run,
        seen: Vec::new(),
    };
    if !target.is_private() && !run.secrets.is_empty() {
        return Err(Refusal::Exposed);
    }
    if reach(target, limits).is_err() {
        thread::sleep(limits.backoff);
        reach(target, limits).map_err(Refusal::Unreachable)?;
    }
    for path in &manifest.live.warm_up {
        run.warm_up(path.as_str());
    }
    let planned: Vec<Planned<'_>> = manifest
        .families
        .iter()
        .flat_map(|family| {
            let of = |purpose| move |probe| Planned { purpose, family: family.name.as_str(), probe };
            let probes = family.probes.iter().map(of(Purpose::Probe));
            probes.chain(family.negatives.iter().map(of(Purpose::Negative)))
        })
        .collect();
    let mut again = Vec::new();
    for one in &planned {
        let http = run.send(one, 1);
        let is_right = is_as_declared(one.probe, one.purpose, &http, &manifest.live);
        if http.is_sent() && !is_right && !one.did_its_work(&http) {
            again.push(one);
        }
        run.seen.push(Observation::Http(http));
    }
    if !again.is_empty() {
        thread::sleep(limits.backoff.min(run.ends.saturating_duration_since(Instant::now())));
    }
    for one in again {
        let http = run.send(one, 2);
        run.seen.push(Observation::Http(http));
    }
    Ok(run.seen)
}

/// Opens a connection and closes it again.
fn reach(target: &Target, limits: Limits) -> Result<(), String> {
    let addresses =
        target.address().to_socket_addrs().map_err(|error| format!("its name is not found: {error}"))?;
    let mut said = "its name has no address".to_owned();
    for address in addresses.take(MAX_ADDRESSES) {
        match TcpStream::connect_timeout(&address, limits.request) {
            Ok(_) => return Ok(()),
            Err(error) => said = error.to_string(),
        }
    }
    Err(said)
}

struct Run<'m> {
    client: Client,
    target: &'m Target,
    secrets: Secrets,
    manifest: &'m Manifest,
    ends: Instant,
    seen: Vec<Observation>,
}

impl Run<'_> {
    fn send(&self, one: &Planned<'_>, attempt: u32) -> Http {
        let request = &one.probe.request;
        let follows = request.method.is_safe()
            && !one.probe.expect.status.iter().any(|status| (300..400).contains(status));
        let mut headers = request.headers.clone();
        let mut lacking = None;
        for (name, key) in &request.headers_env {
            match self.secrets.value(key) {
                Some(value) => drop(headers.insert(name.clone(), value.to_owned())),
                None => lacking = Some(key),
            }
        }
        let mut http = Http {
            purpose: one.purpose,
            family: one.family.to_owned(),
            name: one.probe.name.clone(),
            attempt,
            sent: one.probe.digest(),
            method: request.method.as_str().to_owned(),
            path: request.path.as_str().to_owned(),
            redirects: Vec::new(),
            elapsed_ms: 0,
            outcome: Outcome::Lost(Lost { step: Step::NotSent, text: "the time of the run is over".into() }),
        };
        if let Some(key) = lacking {
            let text = format!("{key} is not set in the environment of this run, or cannot be a header");
            http.outcome = Outcome::Lost(Lost { step: Step::NotSent, text });
            return http;
        }
        let wanted: Vec<&str> = one.probe.expect.headers.keys().map(String::as_str).collect();
        self.exchange(&mut http, request.method, headers, request.body.as_deref(), follows, &wanted);
        http
    }

    /// Asks until it is answered without a 5xx, or three times.
    fn warm_up(&mut self, path: &str) {
        for attempt in 1..=WARM_UPS {
            let mut http = Http {
                purpose: Purpose::WarmUp,
                family: String::new(),
                name: path.to_owned(),
                attempt,
                sent: String::new(),
                method: Method::Get.as_str().to_owned(),
                path: path.to_owned(),
                redirects: Vec::new(),
                elapsed_ms: 0,
                outcome: Outcome::Lost(Lost {
                    step: Step::NotSent,
                    text: "the time of the run is over".into(),
                }),
            };
            self.exchange(&mut http, Method::Get, BTreeMap::new(), None, true, &[]);
            let is_warm = matches!(&http.outcome, Outcome::Answered(answer) if answer.status < 500);
            self.seen.push(Observation::Http(http));
            if is_warm {
                return;
            }
        }
    }

    fn exchange(
        &self,
        http: &mut Http,
        method: Method,
        mut headers: BTreeMap<String, String>,
        body: Option<&str>,
        follows: bool,
        wanted: &[&str],
    ) {
        let left = self.ends.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        if let Some(value) =
            self.manifest.live.protection_bypass_env.as_deref().and_then(|key| self.secrets.value(key))
        {
            headers.insert(BYPASS.to_owned(), value.to_owned());
        }
        let begun = Instant::now();
        let mut path = self.target.below(&http.path);
        http.outcome = loop {
            let limit = left.min(self.client.limits.request).saturating_sub(begun.elapsed());
            let (outcome, next) =
                self.client.send(method, &path, &headers, body, limit, (wanted, &self.secrets));
            if let Outcome::Answered(answer) = &outcome
                && follows
                && http.redirects.len() < self::http::MAX_REDIRECTS
                && let Some(next) = next
            {
                http.redirects.push(super::transcript::Redirect {
                    status: answer.status,
                    path: self.secrets.hide(next.split('?').next().unwrap_or_default()),
                });
                path = next;
                continue;
            }
            break outcome;
        };
        http.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    }
}

#[cfg(test)]
mod tests;
