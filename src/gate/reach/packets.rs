//! Packets of MySQL's protocol, as far as a probe needs them. Bytes come from a server that may be anything: nothing here
//! panics, and nothing is as long as it says unless it is there.

use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// The client wants to name a database.
pub const CONNECT_WITH_DB: u32 = 0x8;
/// TLS.
pub const SSL: u32 = 0x800;
/// What every client of today can: long passwords, protocol 4.1, transactions, plugins.
pub const BASE: u32 = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x0008_0000;

/// How a server greets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Its version.
    pub version: String,
    /// What it can.
    pub capabilities: u32,
    /// What passwords are mixed with.
    pub salt: Vec<u8>,
    /// How it signs in by default.
    pub plugin: String,
}

/// An error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its number.
    pub code: u16,
    /// SQLSTATE, where there is one.
    pub state: String,
    /// The text.
    pub text: String,
}

/// What a server answers to signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Good.
    Ok,
    /// No.
    Refused(Refusal),
    /// In another way: plugin and salt.
    Switch(String, Vec<u8>),
    /// Something of the plugin's.
    More(Vec<u8>),
}

/// Reads bytes from the front, as far as they are there.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, count: usize) -> Option<u64> {
        Some(self.take(count)?.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// Up to a 0, which is taken too; all of it where there is none.
    fn text(&mut self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let text = String::from_utf8_lossy(self.0.get(..end).unwrap_or_default()).into_owned();
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        text
    }

    /// A number of the protocol's own form. `None` also for NULL.
    fn length(&mut self) -> Option<u64> {
        match self.number(1)? {
            short @ 0..=0xfa => Some(short),
            0xfc => self.number(2),
            0xfd => self.number(3),
            0xfe => self.number(8),
            _ => None,
        }
    }
}

/// The first packet of a server: a greeting, or why there is none.
///
/// `None`: it is neither.
pub fn greeting(packet: &[u8]) -> Option<Result<Greeting, Refusal>> {
    let mut bytes = Bytes(packet);
    match bytes.number(1)? {
        0xff => return refusal(packet).map(Err),
        10 => {}
        _ => return None,
    }
    let version: String = bytes.text().chars().take(60).collect();
    bytes.take(4)?;
    let mut salt = bytes.take(8)?.to_vec();
    bytes.take(1)?;
    let low = bytes.number(2)?;
    bytes.take(3)?;
    let high = bytes.number(2)?;
    let capabilities = u32::try_from(high << 16 | low).ok()?;
    let length = usize::try_from(bytes.number(1)?).ok()?;
    bytes.take(10)?;
    let second = bytes.take(length.saturating_sub(8).max(13))?;
    salt.extend(second.strip_suffix(&[0]).unwrap_or(second));
    let plugin = bytes.text();
    Some(Ok(Greeting { version, capabilities, salt, plugin }))
}

/// An error packet.
pub fn refusal(packet: &[u8]) -> Option<Refusal> {
    let mut bytes = Bytes(packet.strip_prefix(&[0xff])?);
    let code = u16::try_from(bytes.number(2)?).ok()?;
    let mut state = String::new();
    if let Some(rest) = bytes.0.strip_prefix(b"#") {
        bytes.0 = rest;
        state = String::from_utf8_lossy(bytes.take(5)?).into_owned();
    }
    Some(Refusal { code, state, text: String::from_utf8_lossy(bytes.0).into_owned() })
}

/// An answer to signing in.
pub fn answer(packet: &[u8]) -> Option<Answer> {
    match packet.first()? {
        0 => Some(Answer::Ok),
        1 => Some(Answer::More(packet.get(1..)?.to_vec())),
        0xfe => {
            let mut bytes = Bytes(packet.get(1..)?);
            let plugin = bytes.text();
            Some(Answer::Switch(plugin, bytes.0.strip_suffix(&[0]).unwrap_or(bytes.0).to_vec()))
        }
        0xff => refusal(packet).map(Answer::Refused),
        _ => None,
    }
}

/// Fields of a row, as text; `None` is NULL.
pub fn row(packet: &[u8]) -> Option<Vec<Option<String>>> {
    let mut bytes = Bytes(packet);
    let mut fields = Vec::new();
    while let Some(first) = bytes.0.first() {
        if *first == 0xfb {
            bytes.take(1)?;
            fields.push(None);
            continue;
        }
        let length = usize::try_from(bytes.length()?).ok()?;
        fields.push(Some(String::from_utf8_lossy(bytes.take(length)?).into_owned()));
    }
    Some(fields)
}

/// How many columns a result has.
pub fn columns(packet: &[u8]) -> Option<u64> {
    Bytes(packet).length()
}

/// The request for TLS: the head of a login without anyone's name.
pub fn ssl_request(capabilities: u32) -> Vec<u8> {
    let mut packet = Vec::with_capacity(32);
    packet.extend(capabilities.to_le_bytes());
    packet.extend((1_u32 << 24).to_le_bytes());
    packet.push(45); // utf8mb4
    packet.extend([0; 23]);
    packet
}

/// A login.
pub fn login(capabilities: u32, user: &str, proof: &[u8], database: &str, plugin: &str) -> Vec<u8> {
    let mut packet = ssl_request(capabilities);
    packet.extend(user.bytes().filter(|byte| *byte != 0));
    packet.push(0);
    packet.push(u8::try_from(proof.len()).unwrap_or(0));
    packet.extend(proof);
    if capabilities & CONNECT_WITH_DB != 0 {
        packet.extend(database.bytes().filter(|byte| *byte != 0));
        packet.push(0);
    }
    packet.extend(plugin.bytes());
    packet.push(0);
    packet
}

/// The proof of a password for a plugin; `None` where the plugin is not known.
pub fn proof(plugin: &str, password: &str, salt: &[u8]) -> Option<Vec<u8>> {
    let password = password.as_bytes();
    if password.is_empty() {
        return matches!(plugin, "mysql_native_password" | "caching_sha2_password").then(Vec::new);
    }
    let salt = salt.get(..20).unwrap_or(salt);
    match plugin {
        "mysql_native_password" => {
            let once = Sha1::digest(password);
            let twice = Sha1::digest(once);
            let mixed = Sha1::new().chain_update(salt).chain_update(twice).finalize();
            Some(once.iter().zip(mixed.iter()).map(|(a, b)| a ^ b).collect())
        }
        "caching_sha2_password" => {
            let once = Sha256::digest(password);
            let twice = Sha256::digest(once);
            let mixed = Sha256::new().chain_update(twice).chain_update(salt).finalize();
            Some(once.iter().zip(mixed.iter()).map(|(a, b)| a ^ b).collect())
        }
        _ => None,
    }
}
