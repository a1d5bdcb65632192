//! Pool and connection figures: what drivers, pools and applications log of their connections, under common names. It
//! reads fields and text lines and says what the figures prove; how much that weighs is decided in [`super::weigh`].

mod names;

use std::collections::BTreeMap;

use crate::correlate::line::Line;
use names::{Kind, bare_kind_of, has_cue, kind_of, may_be_named, named_before, snake};

/// Longest line of text that is searched for figures, in bytes.
const MAX_LINE_BYTES: usize = 2_000;

/// The figures of one request, as far as they were logged. The last one said counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Connections in use.
    pub active: Option<u64>,
    /// Connections that were free.
    pub idle: Option<u64>,
    /// Requests that waited for a connection.
    pub waiting: Option<u64>,
    /// Open connections.
    pub total: Option<u64>,
    /// Most connections that the pool may open.
    pub max: Option<u64>,
    /// How long a connection was waited for, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Whether the server demands TLS, as logged.
    pub ssl_required: Option<String>,
    /// What the client was told of TLS, as logged.
    pub ssl_config: Option<String>,
    /// The line (by index) that the waiting figure, else any, was read from.
    pub line: Option<usize>,
}

/// What the figures of a pool prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// All connections were in use and somebody waited.
    Exhausted,
    /// None was in use and none free: none could be opened.
    NeverReached,
    /// Connections were free while somebody waited: the process was busy, or held one connection and asked for another.
    Idle,
    /// Connections were free and nobody waited.
    Free,
}

impl Figures {
    /// The figures of a request's lines.
    pub fn read(lines: &[Line]) -> Figures {
        let mut figures = Figures::default();
        for (index, line) in lines.iter().enumerate() {
            for (name, value) in &line.record.fields {
                figures.field(index, name, value);
            }
            for text in line.text.lines().filter(|text| may_hold_figures(text)) {
                figures.text(index, text);
            }
        }
        // node-postgres and others log all and free ones: the rest is in use.
        if figures.active.is_none()
            && let (Some(total), Some(idle)) = (figures.total, figures.idle)
        {
            figures.active = Some(total.saturating_sub(idle));
        }
        figures
    }

    /// What the figures prove of the pool.
    pub fn pool(&self) -> Option<Pool> {
        let waiting = self.waiting.is_some_and(|waiting| waiting > 0);
        let (active, idle) = (self.active?, self.idle);
        let full = self.max.or(self.total).is_some_and(|most| active >= most);
        match (active, idle) {
            (0, Some(0)) => Some(Pool::NeverReached),
            (1.., Some(0)) if waiting || full => Some(Pool::Exhausted),
            // Where nobody logs what is free or allowed, that somebody waits tells that nothing was.
            (1.., None) if waiting && (full || self.max.or(self.total).is_none()) => Some(Pool::Exhausted),
            (_, Some(1..)) if waiting && !full => Some(Pool::Idle),
            (_, Some(1..)) if self.waiting == Some(0) && !full => Some(Pool::Free),
            _ => None,
        }
    }

    /// Whether the server demands TLS and the client was told to do without.
    pub fn tls_is_missing(&self) -> bool {
        let is = |value: &Option<String>, words: &[&str]| {
            value.as_deref().is_some_and(|value| words.iter().any(|word| value.eq_ignore_ascii_case(word)))
        };
        is(&self.ssl_required, &["true", "on", "1", "required", "yes"])
            && is(&self.ssl_config, &["false", "off", "disable", "disabled", "none", "null", "0", "{}"])
    }

    /// The figures as `key = value` facts of a report.
    pub fn captures(&self) -> BTreeMap<String, String> {
        let numbers = [
            ("active_clients", self.active),
            ("idle_clients", self.idle),
            ("waiting_requests", self.waiting),
            ("pool_max", self.max),
            ("db_timeout_ms", self.timeout_ms),
        ];
        let texts = [("ssl_required", &self.ssl_required), ("ssl_config", &self.ssl_config)];
        let numbers = numbers.into_iter().filter_map(|(key, value)| Some((key, value?.to_string())));
        let texts = texts.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)));
        numbers.chain(texts).map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn field(&mut self, line: usize, name: &str, value: &str) {
        if !may_be_named(name) {
            return;
        }
        let full = snake(name);
        let last = full.rsplit('.').next().unwrap_or(&full);
        let kind = kind_of(last).or_else(|| bare_kind_of(last).filter(|_| has_cue(name)));
        if let Some(kind) = kind {
            self.take(line, kind, value);
        }
    }

    /// `name=1`, `name: 1`, `"name":1` and `name 1` with a name of up to four words.
    fn text(&mut self, line: usize, text: &str) {
        let mut cue = None;
        if let Some(size) = size_limit(text) {
            let overflow = number_after(text, " overflow ").unwrap_or(0);
            self.take(line, Kind::Max, &size.saturating_add(overflow).to_string());
        }
        let bytes = text.as_bytes();
        for at in memchr::memchr2_iter(b'=', b':', bytes) {
            let (Some(before), Some(after)) = (text.get(..at), text.get(at + 1..)) else { continue };
            if !may_be_named(before) {
                continue;
            }
            if !*cue.get_or_insert_with(|| has_cue(text)) {
                return;
            }
            let value = after.trim_start_matches([' ', '"', '\'']);
            let end = value.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(value.len());
            let Some(value) = value.get(..end).filter(|value| !value.is_empty() && value.len() <= 24) else {
                continue;
            };
            if let Some(kind) = named_before(before) {
                self.take(line, kind, value);
            }
        }
    }

    fn take(&mut self, line: usize, kind: Kind, value: &str) {
        let value = value.trim();
        let number = value.parse::<f64>().ok().filter(|number| (0.0..1e12).contains(number));
        let whole = number.map(|number| number.round() as u64);
        let place = match kind {
            Kind::Active => &mut self.active,
            Kind::Idle => &mut self.idle,
            Kind::Waiting => &mut self.waiting,
            Kind::Total => &mut self.total,
            Kind::Max => &mut self.max,
            Kind::TimeoutMs => &mut self.timeout_ms,
            Kind::TimeoutS => {
                if let Some(seconds) = number {
                    self.timeout_ms = Some((seconds * 1000.0).round() as u64);
                    self.line = self.line.or(Some(line));
                }
                return;
            }
            Kind::SslRequired | Kind::SslConfig => {
                let text = Some(value.to_owned()).filter(|value| !value.is_empty());
                match kind {
                    Kind::SslRequired => self.ssl_required = text.or(self.ssl_required.take()),
                    _ => self.ssl_config = text.or(self.ssl_config.take()),
                }
                return;
            }
        };
        if whole.is_some() {
            *place = whole;
            if kind == Kind::Waiting || self.line.is_none() {
                self.line = Some(line);
            }
        }
    }
}

/// The number after the first `limit of size `, found by its rarest letter.
fn size_limit(text: &str) -> Option<u64> {
    let (head, tail) = ("limit of si", "ze ");
    memchr::memchr_iter(b'z', text.as_bytes())
        .find(|at| text[..*at].ends_with(head) && text[*at..].starts_with(tail))
        .and_then(|at| number_after(&text[at..], tail))
}

fn number_after(text: &str, words: &str) -> Option<u64> {
    let rest = text.get(text.find(words)? + words.len()..)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

/// Most lines of a request are frames, or hold no number.
fn may_hold_figures(text: &str) -> bool {
    text.len() <= MAX_LINE_BYTES
        && !text.trim_start().starts_with("at ")
        && memchr::memchr3(b'=', b':', b'Q', text.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Figures {
        let mut figures = Figures::default();
        for text in texts.iter().filter(|text| has_cue(text)) {
            figures.text(0, text);
        }
        if figures.active.is_none()
            && let (Some(total), Some(idle)) = (figures.total, figures.idle)
        {
            figures.active = Some(total.saturating_sub(idle));
        }
        figures
    }

    #[test]
    fn reads_what_pools_print() {
        let hikari = of(&[
            "HikariPool-1 - Connection is not available, request timed out after 30000ms (total=10, active=10, idle=0, waiting=3)",
        ]);
        assert_eq!(
            (hikari.active, hikari.idle, hikari.waiting, hikari.total),
            (Some(10), Some(0), Some(3), Some(10))
        );
        assert_eq!(hikari.pool(), Some(Pool::Exhausted));
        let none = of(&["HikariPool-1 - Timeout failure stats (total=0, active=0, idle=0, waiting=1)"]);
        assert_eq!(none.pool(), Some(Pool::NeverReached));
        let newer = of(&["HikariPool-1 - Pool stats (total=10/10, idle=0/10, active=10, waiting=2)"]);
        assert_eq!(newer.pool(), Some(Pool::Exhausted));
        let pg = of(&["pool exhausted totalCount=10 idleCount=0 waitingCount=7"]);
        assert_eq!((pg.active, pg.pool()), (Some(10), Some(Pool::Exhausted)));
        let mariadb = of(&["(pool connections: active=0 idle=0 limit=10)", "waiting=1 pool"]);
        assert_eq!((mariadb.max, mariadb.pool()), (Some(10), Some(Pool::NeverReached)));
        let prisma = of(&["(Current connection pool timeout: 10, connection limit: 5)"]);
        assert_eq!((prisma.timeout_ms, prisma.max), (Some(10_000), Some(5)));
        let alchemy = of(&[
            "Pool size: 5  Connections in pool: 0 Current Overflow: 10 Current Checked out connections: 15",
        ]);
        assert_eq!((alchemy.active, alchemy.idle), (Some(15), Some(0)));
        assert_eq!(
            of(&["QueuePool limit of size 5 overflow 10 reached, connection timed out"]).max,
            Some(15)
        );
        let free = of(&["HikariPool-1 - Pool stats (total=10, active=2, idle=8, waiting=0)"]);
        assert_eq!(free.pool(), Some(Pool::Free));
        let knex = of(&["pool numUsed: 3, numFree: 4, numPendingAcquires: 2"]);
        assert_eq!(knex.pool(), Some(Pool::Idle));
    }

    #[test]
    fn bare_words_need_a_pool_beside_them() {
        assert_eq!(of(&["cart total: 10, active: 3"]), Figures::default());
        let mut figures = Figures::default();
        figures.field(0, "cart.total", "10");
        figures.field(0, "pool.waiting", "4");
        figures.field(0, "sslConfig", "disable");
        figures.field(0, "ssl_required", "true");
        assert_eq!((figures.total, figures.waiting), (None, Some(4)));
        assert!(figures.tls_is_missing());
    }
}
