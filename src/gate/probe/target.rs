//! The deployment that is probed: a scheme, a host and a base path.

use ureq::http::Uri;

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `https://shop.example.com`, lower case.
    origin: String,
    /// `/shop`, or nothing.
    base: String,
    is_private: bool,
}

impl Target {
    /// Reads a URL. What it says of a bad one does not hold it, for a part of it may be a password.
    ///
    /// # Errors
    /// It is no `https` or `http` URL of a host, or has a user, a query or a fragment.
    pub fn parse(url: &str) -> Result<Target, String> {
        let example = "write it as https://shop.example.com";
        let uri: Uri = url.parse().map_err(|_| format!("--live: this is no URL; {example}"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(format!("--live: this is no URL with a scheme and a host; {example}"));
        };
        if !matches!(scheme, "http" | "https") {
            return Err(format!("--live: the scheme is neither https nor http; {example}"));
        }
        if authority.as_str().contains('@') {
            return Err("--live: a user or password in the URL would be seen by every process; name a key of the environment in headers_env of the manifest".to_owned());
        }
        if uri.query().is_some() || url.contains('#') {
            return Err(format!("--live: paths and queries are those of the manifest; {example}"));
        }
        let host = authority.host().to_ascii_lowercase();
        if host.is_empty() || authority.as_str().ends_with(':') {
            return Err(format!("--live: the host or port is empty; {example}"));
        }
        let port = match authority.as_str().get(authority.host().len() + 1..) {
            Some(port) => Some(
                port.parse::<u16>()
                    .map_err(|_| format!("--live: the port is no number up to 65535; {example}"))?,
            ),
            None => None,
        };
        let port = port.filter(|port| *port != default_port(scheme));
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let is_loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
        Ok(Target {
            origin: format!("{scheme}://{host}{port}"),
            base: uri.path().trim_end_matches('/').to_owned(),
            is_private: scheme == "https" || is_loopback,
        })
    }

    /// Whether nobody on the way can read what is sent.
    pub fn is_private(&self) -> bool {
        self.is_private
    }

    /// Host and port.
    pub fn address(&self) -> String {
        let (scheme, host) = self.origin.split_once("://").unwrap_or_default();
        let has_port = host.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
        if has_port { host.to_owned() } else { format!("{host}:{}", default_port(scheme)) }
    }

    /// As transcripts and reports name it.
    pub fn shown(&self) -> String {
        format!("{}{}", self.origin, self.base)
    }

    /// The URL of a path of the deployment that begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// A declared path, below the base.
    pub fn below(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The path and query that a `Location` leads to from `path`, if that is on the same origin.
    pub fn same_origin(&self, location: &str, path: &str) -> Option<String> {
        let location = location.split('#').next().unwrap_or_default();
        let scheme = self.origin.split("//").next().unwrap_or_default();
        let absolute = match location {
            _ if location.starts_with("//") => format!("{scheme}{location}"),
            _ if location.contains("://") => location.to_owned(),
            _ if location.starts_with('/') => return Some(location.to_owned()),
            "" => return None,
            _ if location.starts_with('?') => {
                return Some(format!("{}{location}", path.split('?').next().unwrap_or_default()));
            }
            // `mailto:` and its like.
            _ if location.split('/').next().is_some_and(|first| first.contains(':')) => return None,
            _ => {
                let folder = path.split('?').next().and_then(|path| path.rsplit_once('/'));
                return Some(format!("{}/{location}", folder.map_or("", |(folder, _)| folder)));
            }
        };
        let uri: Uri = absolute.parse().ok()?;
        let other = Target::parse(&format!("{}://{}", uri.scheme_str()?, uri.authority()?)).ok()?;
        (other.origin == self.origin)
            .then(|| uri.path_and_query().map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned()))
    }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn reads_a_host_with_a_base_and_nothing_else() {
        let target = Target::parse("https://Shop.Example.com:443/base/").expect("a target");
        assert_eq!(target.shown(), "https://shop.example.com/base");
        assert_eq!(target.url(&target.below("/api?x=1")), "https://shop.example.com/base/api?x=1");
        assert_eq!(target.address(), "shop.example.com:443");
        assert_eq!(Target::parse("http://[::1]").expect("a target").address(), "[::1]:80");
        assert_eq!(Target::parse("http://[::1]:3000").expect("a target").address(), "[::1]:3000");
        assert!(target.is_private() && !Target::parse("http://shop.example.com").expect("one").is_private());
        assert!(Target::parse("http://127.0.0.1:3000").expect("a target").is_private());
        for bad in [
            "shop.example.com",
            "ftp://shop.example.com",
            "https://u:s3cret@shop.example.com",
            "https://shop.example.com?token=s3cret",
            "https://shop.example.com#s3cret",
            "https://",
            "https://shop.example.com:99999",
            "",
        ] {
            let said = Target::parse(bad).expect_err(bad);
            assert!(said.starts_with("--live: ") && !said.contains("s3cret"), "{said}");
        }
    }

    #[test]
    fn a_redirect_stays_on_the_origin_or_is_none() {
        let target = Target::parse("https://shop.example.com").expect("a target");
        let leads = |location: &str| target.same_origin(location, "/api/a?x=1");
        assert_eq!(leads("/b?y").as_deref(), Some("/b?y"));
        assert_eq!(leads("b").as_deref(), Some("/api/b"));
        assert_eq!(leads("?y=2").as_deref(), Some("/api/a?y=2"));
        assert_eq!(leads("https://SHOP.example.com:443/c#top").as_deref(), Some("/c"));
        assert_eq!(leads("//shop.example.com/d").as_deref(), Some("/d"));
        for other in [
            "https://evil.example.com/",
            "//evil.example.com/",
            "http://shop.example.com/",
            "https://shop.example.com:8443/",
            "https://shop.example.com@evil.example.com/",
            "mailto:a@example.com",
            "",
            "https://",
        ] {
            assert_eq!(leads(other), None, "{other}");
        }
    }
}
