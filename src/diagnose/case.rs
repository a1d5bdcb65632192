//! What speaks for and against one rule in one request: its hits gathered from the lines, and the circumstances of the
//! request that a weighing looks at. Facts only; what they weigh is decided in [`super::weigh`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::telemetry::Figures;
use super::unwrap::Chain;
use crate::correlate::line::Line;
use crate::record::{Level, Marks};
use crate::rules::RuleSet;
use crate::rules::model::{Class, Effect, Rule, Strength};

/// How something was said: programs quote and mention errors that are none of theirs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Voice {
    /// Below a warning, and not as an error that is printed.
    #[default]
    Mentioned,
    /// As a warning, or as an error that is printed.
    Warned,
    /// As an error, without a level, or by the platform.
    Raised,
}

impl Voice {
    fn of(line: &Line) -> Voice {
        let by_platform = Marks::CRASH | Marks::TIMEOUT | Marks::OUT_OF_MEMORY | Marks::SUMMARY | Marks::INIT;
        match line.record.level {
            None => Voice::Raised,
            Some(level) if level >= Level::Error || line.record.marks.has(by_platform) => Voice::Raised,
            Some(level) if level >= Level::Warn || line.record.error_class.is_some() => Voice::Warned,
            Some(_) => Voice::Mentioned,
        }
    }
}

/// The hits of one rule.
#[derive(Debug, Default)]
pub struct Case {
    /// Strongest supporting signal.
    pub best: Option<Strength>,
    /// Lines with a supporting signal: two patterns on one line are one witness.
    pub witnesses: BTreeSet<usize>,
    /// Signals against it.
    pub contradicting: BTreeSet<u16>,
    /// First supporting line.
    pub first: usize,
    /// Last supporting line.
    pub last: usize,
    /// Last line with a signal of the rule that it was survived.
    pub recovered: Option<usize>,
    /// A supporting line is logged as an error, or has no level.
    pub severe: bool,
    /// How a supporting line was said, the loudest counts.
    pub voice: Voice,
    /// Supporting hits: strength, line, where it begins and ends in the line's text.
    pub hits: Vec<(Strength, usize, usize, usize)>,
    /// Captured hosts.
    pub hosts: BTreeSet<String>,
    /// Captured time limits, in milliseconds.
    pub limits_ms: Vec<f64>,
}

/// Gathers the hits of all rules.
pub fn gather(lines: &[Line]) -> BTreeMap<u16, Case> {
    let mut cases: BTreeMap<u16, Case> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        for hit in &line.hits {
            let case = cases.entry(hit.rule).or_default();
            match hit.effect {
                Effect::Supports => {
                    if case.best.is_none() {
                        case.first = index;
                    }
                    case.best = case.best.max(Some(hit.strength));
                    case.witnesses.insert(index);
                    case.last = index;
                    case.voice = case.voice.max(Voice::of(line));
                    case.severe |= line.record.level.is_none_or(|level| level >= Level::Error);
                    case.hits.push((hit.strength, index, hit.start, hit.end));
                    for (name, value) in &hit.captures {
                        case.capture(name, value);
                    }
                }
                Effect::Contradicts => {
                    case.contradicting.insert(hit.signal);
                }
                Effect::Recovers => case.recovered = Some(index),
            }
        }
    }
    cases
}

impl Case {
    fn capture(&mut self, name: &str, value: &str) {
        let factor = match name {
            "host" => {
                self.hosts.insert(value.to_ascii_lowercase());
                return;
            }
            "timeout_ms" => 1.0,
            "timeout_s" => 1000.0,
            _ => return,
        };
        if let Some(ms) = value.parse::<f64>().ok().filter(|number| *number > 0.0) {
            self.limits_ms.push(ms * factor);
        }
    }

    /// Whether both name a host and none in common.
    pub fn another_target(&self, other: &Case) -> bool {
        !self.hosts.is_empty() && !other.hosts.is_empty() && self.hosts.is_disjoint(&other.hosts)
    }

    /// Texts of the supporting lines.
    pub fn texts<'l>(&'l self, lines: &'l [Line]) -> impl Iterator<Item = &'l str> {
        self.witnesses.iter().filter_map(|index| lines.get(*index)).map(|line| line.text.as_str())
    }
}

/// Circumstances of a request.
pub struct Context {
    /// Some line with a signal is logged as an error.
    pub any_severe: bool,
    /// Figures of pools and connections.
    pub figures: Figures,
    /// How long the request took by its summary, in milliseconds.
    pub duration_ms: Option<f64>,
    /// Lines (by index) in which the application said something normal.
    pub normal: Vec<usize>,
    /// Lines (by index) that say of anything that it works again.
    pub recoveries: Vec<usize>,
    /// Lines (by index) that say of a host that a connection to it stands.
    pub connections: Vec<usize>,
    /// The last line (by index) with an error of a class of its own that no rule knows.
    pub unknown_error: Option<usize>,
    /// Some line is what the backend printed when it ended.
    pub has_last_words: bool,
    chains: BTreeMap<usize, Chain>,
}

impl Context {
    /// Whether a rule is no cause in this request: a wrapper, a symptom, or what a proxy says of a backend whose last words
    /// are there.
    pub fn is_symptom(&self, rule: &Rule) -> bool {
        rule.symptom || (rule.backend_gone && self.has_last_words)
    }

    /// Looks at the lines once.
    pub fn of(lines: &[Line]) -> Context {
        let normal = |line: &Line| {
            line.hits.is_empty()
                && !line.text.trim().is_empty()
                && line.record.level.is_some_and(|level| level < Level::Warn)
                && !line.record.marks.has(Marks::SUMMARY.and(Marks::START).and(Marks::END).and(Marks::CLIENT))
        };
        let normal: Vec<usize> =
            lines.iter().enumerate().filter(|(_, line)| normal(line)).map(|(index, _)| index).collect();
        let news: Vec<(usize, String)> =
            normal.iter().filter_map(|index| Some((*index, good_news(&lines[*index].text)?))).collect();
        let told = |says: fn(&str) -> bool| {
            news.iter().filter(|(_, head)| says(head)).map(|(index, _)| *index).collect()
        };
        Context {
            any_severe: lines
                .iter()
                .any(|line| !line.hits.is_empty() && line.record.level >= Some(Level::Error)),
            has_last_words: lines.iter().any(|line| line.record.marks.has(Marks::LAST_WORDS)),
            figures: Figures::read(lines),
            duration_ms: lines.iter().rev().find_map(|line| line.record.duration_ms),
            recoveries: told(says_recovered),
            connections: told(says_connected),
            unknown_error: lines.iter().rposition(is_unknown_error),
            normal,
            chains: lines
                .iter()
                .enumerate()
                .filter(|(_, line)| line.hits.len() > 1)
                .map(|(index, line)| (index, Chain::read(&line.text)))
                .filter(|(_, chain)| !chain.is_flat())
                .collect(),
        }
    }

    /// Deepest place of a case in the chains of errors of this line: its signals of at least `strength`.
    pub fn depth(&self, case: &Case, line: usize, strength: Strength) -> Option<u16> {
        let chain = self.chains.get(&line)?;
        case.hits
            .iter()
            .filter(|(own, at, start, end)| *own >= strength && *at == line && end > start)
            .map(|(_, _, _, end)| chain.depth(end.saturating_sub(1)))
            .max()
    }

    /// Lines with a chain of errors.
    pub fn chained_lines(&self) -> impl Iterator<Item = usize> {
        self.chains.keys().copied()
    }
}

/// Whether a line raises an error of a class that says something, and no rule knows it.
fn is_unknown_error(line: &Line) -> bool {
    /// Classes that frameworks wrap anything in.
    const GENERIC: [&str; 16] = [
        "Error",
        "Exception",
        "RuntimeError",
        "RuntimeException",
        "AggregateError",
        "ServerError",
        "ServletException",
        "NestedServletException",
        "InternalServerError",
        "InternalServerErrorException",
        "HttpException",
        "HTTPException",
        "HttpError",
        "HTTPError",
        "AppError",
        "ApplicationError",
    ];
    line.hits.is_empty()
        && line.record.level >= Some(Level::Error)
        && !line.record.marks.has(Marks::SUMMARY | Marks::CLIENT)
        && line.record.error_class.as_deref().is_some_and(|class| {
            let class = class.rsplit(['.', ':', '\\']).next().unwrap_or(class);
            !GENERIC.contains(&class)
        })
}

/// Words with which programs say that a connection stands, beside the name of what they are connected to.
const CONNECTED: [&str; 4] =
    ["successfully connected", "connected successfully", "connection established", "connected to "];

/// Words with which clients say that a connection or call works again.
const RECOVERED: [&str; 11] = [
    "reconnected",
    "connection restored",
    "connection re-established",
    "connection reestablished",
    "retry succeeded",
    "succeeded after retry",
    "succeeded on retry",
    "succeeded on attempt",
    "recovered after",
    "ready after",
    "ready again",
];

/// Ends of words one of which all of these and of [`CONNECTED`] hold.
const NEWS_ENDS: [&[u8; 4]; 6] = [b"cted", b"ored", b"shed", b"eded", b"ered", b"read"];

/// The first words of a text in small letters, where it may say that something works (again): told without a copy of most
/// texts.
fn good_news(text: &str) -> Option<String> {
    let may = memchr::memchr2_iter(b'd', b'D', text.as_bytes().get(..1600).unwrap_or(text.as_bytes()));
    let ends = |at: usize| text.as_bytes()[..=at].last_chunk::<4>().map(|end| end.to_ascii_lowercase());
    let is_good = may.filter_map(ends).any(|end| NEWS_ENDS.iter().any(|known| end == known[..]));
    is_good.then(|| text.chars().take(400).collect::<String>().to_ascii_lowercase())
}

fn says_recovered(head: &str) -> bool {
    let attempt = || head.split_once("attempt ").is_some_and(|(_, rest)| rest.contains(" succeeded"));
    RECOVERED.iter().any(|words| head.contains(words)) || attempt()
}

fn says_connected(head: &str) -> bool {
    CONNECTED.iter().any(|words| head.contains(words)) && !head.contains("not connected")
}

/// Parts of paths and frames of drivers and of clients of the network.
const DRIVERS: [&str; 36] = [
    "node_modules/pg/",
    "node_modules/pg-pool/",
    "node_modules/postgres/",
    "node_modules/mysql2/",
    "node_modules/mariadb/",
    "node_modules/mongodb/",
    "node_modules/mongoose/",
    "node_modules/ioredis/",
    "node_modules/@redis/",
    "node_modules/undici/",
    "node_modules/axios/",
    "node_modules/@prisma/",
    "node_modules/tedious/",
    "node_modules/knex/",
    "node_modules/sequelize/",
    "node_modules/typeorm/",
    "node_modules/kafkajs/",
    "node_modules/amqplib/",
    "node_modules/nodemailer/",
    "node_modules/@smithy/",
    "node:internal/deps/undici",
    "node:net:",
    "node:_tls_wrap",
    "node:dns",
    "site-packages/psycopg",
    "site-packages/asyncpg/",
    "site-packages/sqlalchemy/",
    "site-packages/pymongo/",
    "site-packages/redis/",
    "site-packages/requests/",
    "site-packages/urllib3/",
    "site-packages/httpx/",
    "com.zaxxer.hikari",
    "at org.postgresql.",
    "at com.mysql.cj",
    "at java.base/java.net.",
];

/// One search for all of these; none if it could not be prepared.
static DRIVER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(DRIVERS).ok());

/// Whether the stack of a text runs through a driver.
pub fn has_driver_frames(text: &str) -> bool {
    let any_driver = || match &*DRIVER {
        Some(parts) => parts.is_match(text),
        None => DRIVERS.iter().any(|part| text.contains(part)),
    };
    (text.contains("    at ") || text.contains("\tat ") || text.contains("site-packages/")) && any_driver()
}

/// Whether the first frame of a text's stack is the application's own.
pub fn begins_in_app(text: &str) -> bool {
    let frame = text.lines().map(str::trim_start).find(|line| line.starts_with("at ") && line.contains('('));
    frame.is_some_and(|frame| {
        !["node_modules", "node:", "<anonymous>", "java.", "internal/"]
            .iter()
            .any(|part| frame.contains(part))
    })
}

/// Whether this rule says that the platform ended the request at a time limit, which leaves open what it waited for.
pub fn is_platform_end(rule: u16, rules: &RuleSet) -> bool {
    rules.by_index(rule).is_some_and(|rule| rule.class == Class::Platform && rule.subclass == "timeout")
}
