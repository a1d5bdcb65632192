//! What the manifest says of a deployment's first hour: the objective, how much must be seen, and the way back. Judged in
//! [`crate::gate::after`].

use serde::{Deserialize, Deserializer, de};

use crate::budget::{Objective, parse_span, parse_target};

/// Requests that must be seen where the manifest says nothing.
const MIN_REQUESTS: u64 = 200;
/// Objective where the manifest says nothing, in hundred-millionths that may fail: 99.9 %.
const ALLOWED: u64 = 100_000;
/// Thirty days, in minutes.
const WINDOW: i64 = 30 * 1440;
/// Longest command and note, in bytes.
const MAX_TEXT: usize = 1000;

/// `[slo]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Share of requests that must not fail (0.999), as hundred-millionths that may.
    #[serde(rename = "availability", deserialize_with = "availability")]
    pub allowed: u64,
    /// Period of the objective, in minutes.
    #[serde(default = "window", deserialize_with = "span")]
    pub window: i64,
    /// Requests of a deployment below which its burn rates say nothing.
    #[serde(default = "min_requests")]
    pub min_requests: u64,
    /// After a deployment.
    #[serde(default)]
    pub after_deploy: AfterDeploy,
}

/// `[slo.after_deploy]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AfterDeploy {
    /// How long a deployment is to be seen before it is called good, in minutes.
    #[serde(default, deserialize_with = "span")]
    pub observe: i64,
}

impl Default for Slo {
    fn default() -> Slo {
        Slo {
            allowed: ALLOWED,
            window: WINDOW,
            min_requests: MIN_REQUESTS,
            after_deploy: AfterDeploy::default(),
        }
    }
}

impl Slo {
    /// The objective; its end is the last record's time.
    pub fn objective(&self) -> Objective {
        Objective::new(self.allowed, self.window, None)
    }
}

/// `[rollback]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// Printed, never run. `{previous}` and `{deployment}` stand for the ids.
    #[serde(default, deserialize_with = "command")]
    pub command: Option<String>,
    /// Where to read more.
    #[serde(default)]
    pub notes: Option<String>,
    /// What going back leaves as it is, beside the usual.
    #[serde(default)]
    pub does_not_undo: Vec<String>,
}

impl Rollback {
    /// The command for these deployments. An id that a shell could take for more than a word stays a placeholder, for ids are
    /// read from logs.
    pub fn filled(&self, deployment: Option<&str>, previous: Option<&str>) -> Option<String> {
        let mut command = self.command.clone()?;
        for (name, id) in [("{deployment}", deployment), ("{previous}", previous)] {
            let is_word = |id: &&str| {
                !id.is_empty()
                    && id.len() <= 200
                    && !id.starts_with('-')
                    && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/@".contains(&byte))
            };
            if let Some(id) = id.filter(is_word) {
                command = command.replace(name, id);
            }
        }
        Some(command)
    }
}

fn min_requests() -> u64 {
    MIN_REQUESTS
}

fn window() -> i64 {
    WINDOW
}

fn availability<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let share = f64::deserialize(from)?;
    let wrong = || de::Error::custom("the availability is a share between 0 and 1, such as 0.999");
    if !(share > 0.0 && share < 1.0) {
        return Err(wrong());
    }
    parse_target(&format!("{:.6}", share * 100.0)).map_err(|_| wrong())
}

fn span<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    parse_span(&String::deserialize(from)?).map_err(de::Error::custom)
}

fn command<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    if text.len() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(de::Error::custom("the command is one line of at most 1000 bytes"));
    }
    let mut rest = text.as_str();
    while let Some((_, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').unwrap_or((behind, ""));
        if !matches!(name, "deployment" | "previous") {
            return Err(de::Error::custom(format!(
                "`{{{name}}}` is not known: the ids are {{deployment}} and {{previous}}"
            )));
        }
        rest = after;
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::gate::manifest::{Manifest, SCHEMA};

    fn parse(text: &str) -> Result<Manifest, String> {
        let text = format!("schema = \"{SCHEMA}\"\n{text}");
        Manifest::parse(Path::new("why500.toml"), &text).map_err(|fault| fault.to_string())
    }

    #[test]
    fn reads_an_objective_and_the_way_back() {
        let manifest = parse(
            "[slo]\navailability = 0.9995\nwindow = \"7d\"\nmin_requests = 50\nafter_deploy = { observe = \"30m\" }\n\
             [rollback]\ncommand = \"vercel rollback {previous} # from {deployment}\"\nnotes = \"runbooks/rollback.md\"\n",
        )
        .expect("a manifest");
        let slo = manifest.slo.as_ref().expect("an objective");
        assert_eq!(slo.objective().target_percent(), 99.95);
        assert_eq!((slo.window, slo.after_deploy.observe), (7 * 1440, 30));
        let filled = |previous| manifest.rollback.filled(Some("dpl_new"), previous).expect("a command");
        assert_eq!(filled(Some("dpl_old")), "vercel rollback dpl_old # from dpl_new");
        for hostile in ["x; rm -rf ~", "$(id)", "a b", "-f", "", "`id`", "a\nb"] {
            assert_eq!(filled(Some(hostile)), "vercel rollback {previous} # from dpl_new");
        }
    }

    #[test]
    fn faults_name_the_line() {
        for (text, said) in [
            ("[slo]\navailability = 99.9\n", "why500.toml:3: availability: the availability is a share"),
            ("[slo]\navailability = 0.99\nwindow = \"a\"\n", "why500.toml:4: window: "),
            (
                "[rollback]\ncommand = \"x {previous.url}\"\n",
                "why500.toml:3: command: `{previous.url}` is not known",
            ),
            ("[rollback]\ncommand = \"a\\nb\"\n", "why500.toml:3: command: the command is one line"),
            ("[slo]\nmin_requests = 3\n", "availability"),
        ] {
            let fault = parse(text).expect_err(text);
            assert!(fault.contains(said), "{fault}");
        }
    }
}
