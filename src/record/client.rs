//! What kind of program asked, as far as its user agent says. The user agent itself is never kept.

use serde::{Deserialize, Serialize};

/// Families of user agents: enough to see that one kind of client fails, too little to tell people apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Client {
    /// A crawler, a monitor, or another program that calls itself one.
    Bot,
    /// Chrome and what is built like it.
    Chrome,
    /// Microsoft Edge.
    Edge,
    /// Firefox.
    Firefox,
    /// Opera.
    Opera,
    /// Safari.
    Safari,
    /// A command line or a library of a programming language.
    Script,
    /// An app on a phone that uses its platform's own library.
    App,
    /// Any other.
    Other,
}

impl Client {
    /// The family of a user agent; None of a placeholder.
    pub fn of(agent: &str) -> Option<Client> {
        let agent = agent.trim();
        let (product, _) = agent.split_once(['/', ' ']).unwrap_or((agent, ""));
        Some(match product {
            "" | "-" => return None,
            "Mozilla" | "Opera" => Client::of_browser(agent),
            "curl" | "Wget" | "HTTPie" | "axios" | "node" | "node-fetch" | "undici" | "got" | "Deno"
            | "Bun" | "python-requests" | "python-httpx" | "Python-urllib" | "aiohttp" | "Go-http-client"
            | "Java" | "Apache-HttpClient" | "Ruby" | "Faraday" | "GuzzleHttp" | "PostmanRuntime"
            | "insomnia" => Client::Script,
            "okhttp" | "Dart" | "Dalvik" => Client::App,
            _ if agent.contains("CFNetwork/") => Client::App,
            _ if is_bot(agent) => Client::Bot,
            _ => Client::Other,
        })
    }

    /// Browsers name those whose pages they can show, and at the end themselves.
    fn of_browser(agent: &str) -> Client {
        let last = agent.rsplit(' ').next().unwrap_or_default();
        match last.split('/').next().unwrap_or_default() {
            "Firefox" => Client::Firefox,
            "Edg" | "EdgA" | "EdgiOS" => Client::Edge,
            "OPR" => Client::Opera,
            _ if is_bot(agent) => Client::Bot,
            "Safari" if agent.contains("Chrome/") || agent.contains("CriOS/") => Client::Chrome,
            "Safari" if agent.contains("FxiOS/") => Client::Firefox,
            "Safari" => Client::Safari,
            _ => Client::Other,
        }
    }

    /// The name used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Client::Bot => "bot",
            Client::Chrome => "chrome",
            Client::Edge => "edge",
            Client::Firefox => "firefox",
            Client::Opera => "opera",
            Client::Safari => "safari",
            Client::Script => "script",
            Client::App => "app",
            Client::Other => "other",
        }
    }
}

fn is_bot(agent: &str) -> bool {
    ["compatible;", "bot/", "Bot/", "bot;", "crawler", "spider", "Uptime", "HealthCheck", "HeadlessChrome"]
        .iter()
        .any(|word| agent.contains(word))
}
