//! What was asked of datastores and what was seen, as data: a transcript holds it, and the judge decides on nothing else.
//! No credential, user or database name is in it.

use serde::{Deserialize, Serialize};

use crate::gate::collect::datastores::{Found, Sought};
use crate::gate::drivers::{Installed, Meaning, Roots, Verification, meaning};
use crate::gate::manifest::datastore::{PoolMode, Store};

/// A datastore as the project asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Name in the manifest; else the key.
    pub name: String,
    /// The manifest declares it.
    pub declared: bool,
    /// What it is.
    pub store: Store,
    /// The key whose value is its URL.
    pub key: String,
    /// Where the value stands.
    pub origin: Option<String>,
    /// The line there.
    pub line: Option<u32>,
    /// Why the value is no URL.
    pub wrong: Option<String>,
    /// Host; empty where there is no URL.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The driver.
    pub driver: Option<Installed>,
    /// What the URL means to it.
    pub meaning: Option<Meaning>,
    /// Where code hands options about TLS to the driver.
    pub code: Option<(String, u32)>,
    /// Node.js is given further authorities.
    pub extra_roots: bool,
    /// The file of the authority that the manifest names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
}

impl Asked {
    /// What is asked, without what must not be told.
    pub fn of(sought: &Sought) -> Asked {
        let (url, origin, line, wrong) = match &sought.url {
            Found::Url(url, origin, line) => (Some(url), Some(origin.clone()), *line, None),
            Found::Wrong(why, origin, line) => (None, Some(origin.clone()), *line, Some((*why).to_owned())),
            Found::Absent => (None, None, None, None),
        };
        let driver = sought.driver.as_ref();
        Asked {
            name: sought.name.clone(),
            declared: sought.declared,
            store: sought.store,
            key: sought.key.clone(),
            origin,
            line,
            wrong,
            host: url.map(|url| url.host.clone()).unwrap_or_default(),
            port: url.and_then(|url| url.port).unwrap_or(sought.store.default_port()),
            meaning: driver.zip(url).and_then(|(driver, url)| meaning(driver, sought.store, url)),
            driver: sought.driver.clone(),
            code: sought.code.clone(),
            extra_roots: sought.extra_roots,
            ca_file: sought.ca_file.clone(),
        }
    }

    /// Whether what was seen for this holds of another that is asked for, where values may lack that were there then.
    /// Credentials may be others: they are not known here.
    pub fn speaks_for(&self, other: &Asked) -> bool {
        fn what(asked: &Asked) -> impl PartialEq {
            let driver = asked.driver.as_ref().map(|one| (one.driver, one.version));
            (&asked.name, asked.store, &asked.key, &asked.ca_file, driver)
        }
        fn way(asked: &Asked) -> impl PartialEq {
            (&asked.host, asked.port, &asked.meaning)
        }
        what(self) == what(other) && (other.origin.is_none() || way(self) == way(other))
    }

    /// `db.example.com:5432`.
    pub fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// A step on the way to a datastore, in the order that they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Name {
    /// Its name to addresses.
    Dns,
    /// A connection.
    Tcp,
    /// Encryption.
    Tls,
    /// Signing in.
    Login,
    /// Asking for limits.
    Capacity,
}

impl Name {
    /// As reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Name::Dns => "dns",
            Name::Tcp => "tcp",
            Name::Tls => "tls",
            Name::Login => "login",
            Name::Capacity => "capacity",
        }
    }
}

/// Why a step failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The name has no address, or nobody answers for it.
    Unresolved,
    /// Nobody listens.
    Refused,
    /// No way there.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The other side closed the connection.
    Closed,
    /// What came is not the protocol.
    Garbled,
    /// The server does not offer TLS.
    TlsNotOffered,
    /// The handshake failed.
    TlsFailed,
    /// The certificate is not what the driver takes, so nothing more was sent.
    CertificateRefused,
    /// Whether the driver takes the certificate cannot be told, for its authority's file is not here.
    AuthorityUnread,
    /// The server wants TLS.
    TlsRequired,
    /// The server does not admit this address.
    AddressRefused,
    /// No connection is left.
    Full,
    /// Wrong user or password.
    CredentialsRefused,
    /// The database is not there.
    NoDatabase,
    /// Another refusal.
    Other,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// Done.
    Ok,
    /// Not taken: why.
    NotRun {
        /// In words.
        why: String,
    },
    /// It failed.
    Failed {
        /// Why.
        cause: Cause,
        /// What the other side or the system said, without credentials.
        said: String,
    },
}

/// A step and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Which.
    pub step: Name,
    /// How long it took.
    pub ms: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What an authority's list says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Good.
    Good,
    /// Nobody in the list vouches for it.
    UnknownIssuer,
    /// It vouches for itself.
    SelfSigned,
    /// Its days are over.
    Expired,
    /// Its days have not begun.
    NotYet,
    /// It is for other names.
    WrongName,
    /// Something else.
    Bad,
}

/// The certificate that a server showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// For whom.
    pub subject: String,
    /// From whom.
    pub issuer: String,
    /// Names that it is for, at most 16.
    pub names: Vec<String>,
    /// First day (2027-03-31).
    pub from: String,
    /// Last day.
    pub until: String,
    /// Certificates in the chain that the server sent.
    pub chain: usize,
    /// It is for the host that was asked for.
    pub name_matches: bool,
    /// As Node.js sees it, by Mozilla's list.
    pub mozilla: Verdict,
    /// As this machine sees it; `None` where it has no list.
    pub system: Option<Verdict>,
    /// By the authority that the manifest or the URL names.
    pub own: Option<Verdict>,
}

impl Certificate {
    /// What the driver makes of it: [`Verdict::Good`] where it verifies nothing, or all that it verifies holds.
    pub fn for_driver(&self, asked: &Asked) -> Verdict {
        let Some(meaning) =
            asked.meaning.as_ref().filter(|meaning| meaning.verification != Verification::Nothing)
        else {
            return Verdict::Good;
        };
        let by_roots = match meaning.roots {
            Roots::Mozilla => Some(self.mozilla),
            Roots::System => self.system,
        };
        // Options in the code may name the authority, if they count.
        let is_told = meaning.ca.is_some() || asked.extra_roots || (asked.code.is_some() && !meaning.wins);
        let by_own = self.own.filter(|_| is_told);
        let lists = by_roots.filter(|_| meaning.ca.is_none()).into_iter().chain(by_own);
        let judged = lists.map(|verdict| match verdict {
            Verdict::WrongName if meaning.verification < Verification::Full => Verdict::Good,
            other => other,
        });
        let mut judged: Vec<Verdict> = judged.collect();
        // What the nearest list says of it tells more than that another does not know it.
        judged.sort_by_key(|verdict| match verdict {
            Verdict::Good => 0,
            Verdict::UnknownIssuer | Verdict::SelfSigned => 2,
            _ => 1,
        });
        judged.first().copied().unwrap_or(Verdict::UnknownIssuer)
    }
}

/// What a server says of its limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Connections at most.
    pub max: Option<u32>,
    /// Of these kept for administrators.
    pub reserved: u32,
    /// The least of the limits of the role, the user and the database.
    pub own_limit: Option<u32>,
    /// Connections that there were, with this one.
    pub used: Option<u32>,
    /// How a pooler pools.
    pub pool_mode: Option<PoolMode>,
    /// Prepared statements that a pooler keeps; 0 where it does not.
    pub prepared: Option<u32>,
    /// The server's version, as it says.
    pub version: Option<String>,
}

impl Capacity {
    /// Connections that services may have.
    pub fn usable(&self) -> Option<u32> {
        let of_server = self.max.map(|max| max.saturating_sub(self.reserved));
        of_server.into_iter().chain(self.own_limit).min()
    }
}

/// What was seen of one datastore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reached {
    /// What was asked for.
    pub asked: Box<Asked>,
    /// Steps, in order.
    pub steps: Vec<Step>,
    /// The version of TLS.
    pub tls: Option<String>,
    /// The certificate.
    pub certificate: Option<Certificate>,
    /// Limits.
    pub capacity: Option<Capacity>,
}
