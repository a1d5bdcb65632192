//! What the manifest declares of a deployment: probes that must be answered, negative paths that must be refused, and how
//! to reach it. Sent in [`crate::gate::probe`], judged in [`crate::gate::judge::live`].

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use super::Wanted;

/// Most probes and negative paths of one manifest.
pub const MAX_PROBES: usize = 200;
/// Most warm-ups.
pub const MAX_WARM_UPS: usize = 10;
/// Longest path, body and value of a header, in bytes.
const MAX_PATH: usize = 2048;
const MAX_BODY: usize = 64 << 10;
const MAX_VALUE: usize = 4096;

/// `[live]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// Paths that are asked for first, so that probes do not measure a cold start.
    #[serde(default)]
    pub warm_up: Vec<Path>,
    /// Key of the environment that holds the secret which lets automation through the deployment protection of Vercel.
    #[serde(default)]
    pub protection_bypass_env: Option<String>,
    /// Header of answers in which the application says on which runtime it ran (`nodejs` or `edge`).
    #[serde(default, deserialize_with = "header_name")]
    pub runtime_header: Option<String>,
    /// Most milliseconds of one request.
    #[serde(default, deserialize_with = "timeout")]
    pub timeout_ms: Option<u64>,
}

/// `[[family.probe]]` and `[[family.negative]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// What is sent.
    pub request: Request,
    /// What must come back.
    #[serde(default)]
    pub expect: Expect,
    /// A probe may change what the deployment holds: only with this is another method than GET or HEAD sent.
    #[serde(default, rename = "unsafe")]
    pub is_unsafe: bool,
}

/// What is sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Method.
    #[serde(default)]
    pub method: Method,
    /// Path and query, below the URL of `--live`.
    pub path: Path,
    /// Headers.
    #[serde(default, deserialize_with = "headers")]
    pub headers: BTreeMap<String, String>,
    /// Headers whose values are in the environment: name of the header to key of the environment.
    #[serde(default, deserialize_with = "headers")]
    pub headers_env: BTreeMap<String, String>,
    /// Body.
    #[serde(default, deserialize_with = "body")]
    pub body: Option<String>,
}

/// What must come back.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Statuses that are right; by default 200–299, of a negative path 400–499.
    #[serde(default, deserialize_with = "statuses")]
    pub status: Vec<u16>,
    /// Headers with patterns of their values, in which `*` stands for any text.
    #[serde(default, deserialize_with = "headers")]
    pub headers: BTreeMap<String, String>,
    /// Whether the body must be JSON; by default only that of a negative path.
    #[serde(default)]
    pub json: Option<bool>,
    /// Most milliseconds until the end of the answer.
    #[serde(default)]
    pub max_ms: Option<u64>,
    /// The runtime that it must say it ran on.
    #[serde(default)]
    pub runtime: Option<Wanted>,
}

/// Methods that may be declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET.
    #[default]
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
}

impl Method {
    /// As sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
        }
    }

    /// Whether it only reads, by its meaning (RFC 9110, 9.2.1).
    pub fn is_safe(self) -> bool {
        matches!(self, Method::Get | Method::Head)
    }
}

/// A path with its query. It cannot lead to another host: it begins with one slash and is put behind the host as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the query.
    pub fn without_query(&self) -> &str {
        self.0.split('?').next().unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Path, D::Error> {
        let text = String::deserialize(from)?;
        if !text.starts_with('/') || text.starts_with("//") {
            return Err(de::Error::custom("a path begins with one /; the host is that of --live"));
        }
        if !text.bytes().all(|byte| (0x21..0x7f).contains(&byte) && !b"#\"<>\\^`{|}".contains(&byte)) {
            let problem =
                "a path holds printable ASCII, other characters as %XX, and no part behind a #".to_owned();
            return Err(de::Error::custom(problem));
        }
        if text.len() > MAX_PATH {
            return Err(de::Error::custom(format!("a path has at most {MAX_PATH} bytes")));
        }
        Ok(Path(text))
    }
}

impl Probe {
    /// Hash of what is sent: values from the environment are not in it.
    pub fn digest(&self) -> String {
        let request = &self.request;
        let mut hasher = blake3::Hasher::new();
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part(request.method.as_str());
        part(request.path.as_str());
        for headers in [&request.headers, &request.headers_env] {
            part(&headers.len().to_string());
            for (name, value) in headers {
                part(name);
                part(value);
            }
        }
        part(request.body.as_deref().unwrap_or_default());
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// What the types cannot refuse: the key at fault, what is wrong, what to do.
    pub(super) fn fault(&self, is_negative: bool, live: &Live) -> Option<(&'static str, String, String)> {
        let method = self.request.method;
        if self.name.trim().is_empty() {
            return Some(("name", "the name is empty".to_owned(), "say what the probe shows".to_owned()));
        }
        if !is_negative && !method.is_safe() && !self.is_unsafe {
            let problem = format!("a probe with {} may change what the deployment holds", method.as_str());
            let cure = "send GET or HEAD, or add unsafe = true if it may";
            return Some(("request", problem, cure.to_owned()));
        }
        if is_negative && self.is_unsafe {
            let cure = "leave it out: what is declared as refused is sent with any method";
            return Some(("unsafe", "a negative path needs no unsafe".to_owned(), cure.to_owned()));
        }
        if method.is_safe() && self.request.body.is_some() {
            let problem = format!("{} has no body", method.as_str());
            return Some(("request", problem, "leave the body out, or change the method".to_owned()));
        }
        if method == Method::Head && self.expect.json == Some(true) {
            let cure = "send GET, or leave json out";
            return Some(("expect", "the answer to HEAD has no body".to_owned(), cure.to_owned()));
        }
        let twice = |name: &&String| self.request.headers_env.contains_key(*name);
        if let Some(name) = self.request.headers.keys().find(twice) {
            let problem = format!("`{name}` is both in headers and in headers_env");
            return Some(("request", problem, "keep one of the two".to_owned()));
        }
        if self.expect.runtime.is_some() && live.runtime_header.is_none() {
            let cure = "add runtime_header = \"x-app-runtime\" to [live], and set that header from process.env.NEXT_RUNTIME";
            let problem = "no header is named that tells the runtime of an answer".to_owned();
            return Some(("expect", problem, cure.to_owned()));
        }
        if let Some(status) = self.expect.status.iter().find(|status| is_negative && **status >= 500) {
            let cure = "a negative path is refused with 4xx; a 5xx is what it must not get";
            return Some(("expect", format!("{status} is no refusal"), cure.to_owned()));
        }
        None
    }
}

/// Headers that say how a request is framed or where it goes: those are the client's to write.
const RESERVED: [&str; 8] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "proxy-authorization",
];

fn name(text: &str) -> Result<String, String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let lower = text.to_ascii_lowercase();
    if text.is_empty() || text.len() > 100 || !text.bytes().all(token) {
        return Err(format!("`{text}` is no name of a header"));
    }
    if RESERVED.contains(&lower.as_str()) {
        return Err(format!("the header `{lower}` cannot be declared"));
    }
    Ok(lower)
}

fn headers<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let written = BTreeMap::<String, String>::deserialize(from)?;
    let mut headers = BTreeMap::new();
    for (key, value) in written {
        let key = name(&key).map_err(de::Error::custom)?;
        if value.len() > MAX_VALUE || !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return Err(de::Error::custom(format!(
                "the value of `{key}` is not of at most {MAX_VALUE} printable ASCII characters"
            )));
        }
        if headers.insert(key.clone(), value).is_some() {
            return Err(de::Error::custom(format!("`{key}` stands twice")));
        }
    }
    Ok(headers)
}

fn header_name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    name(&String::deserialize(from)?).map(Some).map_err(de::Error::custom)
}

fn body<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    match text.len() {
        0..=MAX_BODY => Ok(Some(text)),
        _ => Err(de::Error::custom("the body is larger than 64 KiB")),
    }
}

fn timeout<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    match u64::deserialize(from)? {
        limit @ 100..=60_000 => Ok(Some(limit)),
        _ => Err(de::Error::custom("a request may take from 100 to 60000 milliseconds")),
    }
}

fn statuses<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u16>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(u16),
        Many(Vec<u16>),
    }
    let list = match Written::deserialize(from) {
        Ok(Written::One(one)) => vec![one],
        Ok(Written::Many(many)) => many,
        Err(_) => Vec::new(),
    };
    if list.is_empty() || list.iter().any(|status| !(200..=599).contains(status)) {
        return Err(de::Error::custom("the status is a number from 200 to 599, or a list of them"));
    }
    Ok(list)
}

#[cfg(test)]
mod tests;
