//! Patterns of routes. A route's own pattern holds brackets (`/api/orders/[id]`), which a glob would take for a class of
//! characters; so a pattern is compared part by part: `*` is any one part, `**` any number of them.

use serde::{Deserialize, Deserializer, de};

/// A pattern of routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    /// A pattern; it begins with a slash.
    pub fn new(text: &str) -> Option<Pattern> {
        text.starts_with('/').then(|| Pattern { text: text.to_owned() })
    }

    /// The paths that a route answers, by its own pattern: `[id]` is any one part, `[...rest]` and `[[...rest]]` any number.
    pub fn of_route(route: &str) -> Pattern {
        let mut text = String::new();
        for part in parts(route) {
            text.push('/');
            text.push_str(match part {
                _ if part.starts_with("[[...") => "**",
                _ if part.starts_with("[...") => "*/**",
                _ if part.starts_with('[') => "*",
                _ => part,
            });
        }
        Pattern { text }
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a route's pattern is one of those meant.
    pub fn matches(&self, route: &str) -> bool {
        let wanted: Vec<&str> = parts(&self.text).collect();
        let mut ends = vec![false; wanted.len() + 1];
        ends[0] = true;
        open(&wanted, &mut ends);
        for part in parts(route) {
            let mut next = vec![false; wanted.len() + 1];
            for (at, want) in wanted.iter().enumerate().filter(|(at, _)| ends[*at]) {
                match *want {
                    "**" => next[at] = true,
                    "*" => next[at + 1] = true,
                    want if want == part => next[at + 1] = true,
                    _ => {}
                }
            }
            open(&wanted, &mut next);
            ends = next;
        }
        ends[wanted.len()]
    }
}

/// `**` may stand for nothing.
fn open(wanted: &[&str], ends: &mut [bool]) {
    for (at, want) in wanted.iter().enumerate() {
        if ends[at] && *want == "**" {
            ends[at + 1] = true;
        }
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Pattern, D::Error> {
        let text = String::deserialize(from)?;
        Pattern::new(&text)
            .ok_or_else(|| de::Error::custom(format!("the route `{text}` does not begin with /")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_part_by_part() {
        let matches = |pattern: &str, route: &str| Pattern::new(pattern).expect("a pattern").matches(route);
        assert!(matches("/api/billing/**", "/api/billing/prices/[id]"));
        assert!(matches("/api/billing/**", "/api/billing"));
        assert!(matches("/api/orders/[id]", "/api/orders/[id]"));
        assert!(matches("/api/*/refund", "/api/[shop]/refund"));
        assert!(matches("/**/webhook", "/api/a/webhook"));
        assert!(!matches("/api/billing/**", "/api/billings"));
        assert!(!matches("/api/*", "/api/a/b"));
        assert!(!matches("/api/*", "/api"));
        assert_eq!(Pattern::new("api"), None);
    }

    #[test]
    fn a_route_answers_paths() {
        let answers = |route: &str, path: &str| Pattern::of_route(route).matches(path);
        assert!(answers("/api/orders/[id]", "/api/orders/0"));
        assert!(!answers("/api/orders/[id]", "/api/orders"));
        assert!(answers("/docs/[...path]", "/docs/a/b"));
        assert!(!answers("/docs/[...path]", "/docs"));
        assert!(answers("/docs/[[...path]]", "/docs"));
        assert!(answers("/", "/"));
    }
}
