//! What a report says of an error budget (`--slo`). The figures are worked out in [`crate::budget`]; here stand only
//! their words. Keys are a contract, as those of [`super::model`].

use serde::Serialize;

/// A service level objective held against the requests of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slo {
    /// Objective, in per cent of all requests that must not fail.
    pub target_percent: f64,
    /// Length of the period that the budget is for, in minutes.
    pub period_minutes: i64,
    /// End of the period, RFC 3339 UTC; null where no record has a time.
    pub as_of: Option<String>,
    /// Minutes of the period that the logs cover, from their first record to their last.
    pub covered_minutes: i64,
    /// The whole in one word.
    pub verdict: State,
    /// What the counts of all requests are worth.
    pub denominator: Denominator,
    /// Why they are not exact; also what else bounds the figures.
    pub notes: Vec<String>,
    /// All requests of the period.
    #[serde(flatten)]
    pub spent: Spent,
    /// Burn rates over several windows, all of which end at `as_of`.
    pub burn: Vec<Burn>,
    /// What each incident took of the budget, most first.
    pub incidents: Vec<IncidentShare>,
    /// Route families with failures, most first.
    pub families: Vec<Family>,
    /// Route families without any failure.
    pub families_without_failures: u64,
    /// What to do, where a threshold was crossed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
}

/// Whether a threshold was crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No.
    Kept,
    /// By what these logs hold it was, but they do not hold enough to be sure.
    Unknown,
    /// Yes, whatever happened where these logs do not look.
    Crossed,
}

/// What the counts of all requests are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Denominator {
    /// The logs hold all requests.
    Exact,
    /// They hold the failures and not all of the rest: availability is at least what is said, burn rates at most.
    LowerBound,
}

/// Failures against the budget for them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spent {
    /// Requests.
    pub requests: u64,
    /// Of these failed.
    pub failed: u64,
    /// Share that did not fail, 0–1; null without requests.
    pub availability: Option<f64>,
    /// Failures that the objective allows in so many requests.
    pub budget: f64,
    /// Share of the budget that was spent; above 1 it is overdrawn. Null without requests.
    pub budget_spent: Option<f64>,
}

/// One pair of windows of a multi-window burn-rate alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Burn {
    /// Burn rate from which both windows count as crossed.
    pub threshold: f64,
    /// The window that tells that the loss matters.
    pub long: BurnWindow,
    /// The window that tells that it goes on.
    pub short: BurnWindow,
    /// Whether both are at or above the threshold.
    pub verdict: State,
}

/// Requests of one window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BurnWindow {
    /// Its length in minutes.
    pub minutes: i64,
    /// How many of them the logs cover.
    pub covered_minutes: i64,
    /// Requests.
    pub requests: u64,
    /// Of these failed.
    pub failed: u64,
    /// How many times faster than allowed the budget is spent; null without requests.
    pub rate: Option<f64>,
}

/// What one incident took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentShare {
    /// Fingerprint.
    pub id: String,
    /// Failed requests of it in the period.
    pub failed: u64,
    /// Share of the budget; null without requests.
    pub budget_spent: Option<f64>,
}

/// One route family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Family {
    /// Its name; null for requests without a route.
    pub family: Option<String>,
    /// Its requests against a budget of its own.
    #[serde(flatten)]
    pub spent: Spent,
    /// Its burn rates.
    pub burn: Vec<Burn>,
    /// The worst verdict.
    pub verdict: State,
}

/// Whether to roll back, and to what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rollback {
    /// What to do, in one word.
    pub advice: Advice,
    /// The same in a sentence, with the reason.
    pub why: String,
    /// The deployment that most failures of the crossed window ran on.
    pub bad: Option<Deployment>,
    /// The last deployment before it that kept the objective on the same routes.
    pub last_good: Option<Deployment>,
}

/// What to do about a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Roll back to `last_good`.
    RollBack,
    /// A newer deployment answers and keeps the objective: there is nothing to roll back.
    AlreadyReplaced,
    /// The failures are not those of one deployment: a rollback would not end them.
    NotTheDeployment,
    /// The logs do not tell.
    Unknown,
}

/// What the report knows of a deployment, on the routes in question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// Minute of its first request in these logs, RFC 3339 UTC.
    pub first_seen: Option<String>,
    /// Minute of its last one.
    pub last_seen: Option<String>,
    /// Minute of its first failure.
    pub first_failure: Option<String>,
    /// Requests.
    pub requests: u64,
    /// Of these failed.
    pub failed: u64,
    /// Incidents that were seen on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<String>,
    /// Branches that its requests were built from, as far as their records say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<String>,
    /// Regions that those incidents name, and that its failed requests ran in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
}
