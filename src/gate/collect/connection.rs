//! A connection URL taken apart as drivers do it. It holds credentials: nothing here prints them, and what is asked of a
//! password is asked by name.

use std::fmt;

use super::dotenv::Hidden;

/// Parts of a connection URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    /// `postgres`, `redis`, …, in lower case.
    pub scheme: String,
    /// Host; without brackets for IPv6. Of several the first.
    pub host: String,
    /// Port, where one is written.
    pub port: Option<u16>,
    /// Who signs in; empty where nobody is named.
    pub user: Hidden,
    /// The password; empty where none is written.
    pub password: Hidden,
    /// The path without its first `/`.
    pub database: Hidden,
    parameters: Vec<(String, Hidden)>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://…", self.scheme)
    }
}

/// Parameters whose values are words that say how to connect, and no secrets.
const SPOKEN: &[&str] = &[
    "ssl",
    "sslmode",
    "sslaccept",
    "ssl-mode",
    "sslnegotiation",
    "uselibpqcompat",
    "pgbouncer",
    "prepare",
    "tls",
    "usessl",
];

impl Connection {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// What is wrong, in words that hold nothing of the value.
    pub fn parse(text: &str) -> Result<Connection, &'static str> {
        let (scheme, rest) = text.trim().split_once("://").ok_or("is no URL with a scheme")?;
        if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
            return Err("is no URL with a scheme");
        }
        let (rest, _) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (who, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = who.split_once(':').unwrap_or((who, ""));
        let first = place.split(',').next().unwrap_or_default();
        let (host, port) = host_and_port(first)?;
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let parameters = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(&name.replace('+', " ")), Hidden::new(decoded(&value.replace('+', " "))))
        });
        let mut url = Connection {
            scheme: scheme.to_ascii_lowercase(),
            host: decoded(host),
            port,
            user: Hidden::new(decoded(user)),
            password: Hidden::new(decoded(password)),
            database: Hidden::new(decoded(path)),
            parameters: parameters.collect(),
        };
        if url.scheme.starts_with("postgres") {
            url.by_parameters();
        }
        Ok(url)
    }

    /// URLs of PostgreSQL may say who and where in parameters, which then count.
    fn by_parameters(&mut self) {
        let filled =
            |name: &str| self.parameter(name).filter(|value| value.ask(|text| !text.is_empty())).cloned();
        let (user, password) = (filled("user"), filled("password"));
        let (host, port) = (filled("host"), filled("port"));
        self.user = user.unwrap_or_else(|| self.user.clone());
        self.password = password.unwrap_or_else(|| self.password.clone());
        self.host = host.map_or_else(|| self.host.clone(), |host| host.ask(str::to_owned));
        self.port = port.and_then(|port| port.ask(|text| text.parse().ok())).or(self.port);
    }

    /// A parameter's value; the last of several. Some are file names or even passwords, so that only what
    /// [`Connection::word`] gives may be shown.
    pub fn parameter(&self, name: &str) -> Option<&Hidden> {
        self.parameters.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// Whether a parameter is there.
    pub fn has(&self, name: &str) -> bool {
        self.parameter(name).is_some()
    }

    /// The value of a parameter that says how to connect, if it is a plain word; else `…`.
    pub fn word(&self, name: &str) -> Option<String> {
        let value = self.parameter(name)?;
        let is_spoken = SPOKEN.contains(&name.to_ascii_lowercase().as_str());
        let plain = |text: &str| {
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            is_spoken && text.len() <= 24 && text.bytes().all(is_plain)
        };
        Some(value.ask(|text| if plain(text) { text.to_owned() } else { "…".to_owned() }))
    }

    /// A parameter that is a number.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.parameter(name)?.ask(|text| text.parse().ok())
    }
}

fn host_and_port(place: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("has a [ without ] in its host")?;
            (host, rest.strip_prefix(':').unwrap_or(rest))
        }
        None => place.split_once(':').unwrap_or((place, "")),
    };
    if port.is_empty() {
        return Ok((host, None));
    }
    // What follows a `/`, `?` or `#` of a password is taken for something else, by every reader of URLs.
    let wrong = "has no number for its port (a / ? # or @ of a password is written %2F %3F %23 %40)";
    port.parse().ok().filter(|port| *port > 0).map(|port| (host, Some(port))).ok_or(wrong)
}

/// `%41` to `A`; what is no escape stays.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = |b: &u8| char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let pair = bytes.get(at + 1).and_then(hex).zip(bytes.get(at + 2).and_then(hex));
        match (byte, pair) {
            (b'%', Some((high, low))) => {
                out.push(high << 4 | low);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Connection {
        Connection::parse(text).expect("a URL")
    }

    #[test]
    fn takes_a_url_apart() {
        let url =
            parsed("postgresql://app:p%40ss@db.example.com:6543/shop?sslmode=require&max=5&sslpassword=x");
        assert_eq!(
            (url.scheme.as_str(), url.host.as_str(), url.port),
            ("postgresql", "db.example.com", Some(6543))
        );
        assert!(url.password.ask(|text| text == "p@ss") && url.database.ask(|text| text == "shop"));
        assert_eq!(url.word("sslmode").as_deref(), Some("require"));
        assert_eq!(url.word("sslpassword").as_deref(), Some("…"));
        assert_eq!(url.number("max"), Some(5));
        // As pg reads it: what a parameter says of user, password and place counts.
        let by_parameter = parsed("postgres://a:b@db.example.com/shop?password=x&host=other.example.com");
        assert!(by_parameter.password.ask(|text| text == "x"));
        assert_eq!(by_parameter.host, "other.example.com");
        assert_eq!(parsed("redis://[::1]:1/").host, "::1");
        assert_eq!(parsed("postgres://u@a.example.com:1,b.example.com:2/x").host, "a.example.com");
        assert_eq!(format!("{url:?}"), "postgresql://…");
    }

    #[test]
    fn says_what_is_wrong_without_the_value() {
        assert_eq!(Connection::parse("db.example.com"), Err("is no URL with a scheme"));
        for cut in ["postgres://u:p#x@db.example.com/a", "postgres://u:p/x@db.example.com/a"] {
            assert!(Connection::parse(cut).expect_err("a fault").starts_with("has no number for its port"));
        }
    }

    proptest! {
        #[test]
        fn takes_any_text(text in "\\PC*", tail in "[%a-f0-9@:/?#\\[\\],=&]{0,40}") {
            let _ = Connection::parse(&text);
            let _ = Connection::parse(&format!("postgres://{tail}{text}"));
        }
    }
}
