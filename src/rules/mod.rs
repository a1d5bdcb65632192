//! Rules: causes as data. Loaded from TOML, compiled once, matched on single records.
//!
//! This room knows records and rules. It does not know requests: what several records of one request mean
//! together is weighed above it.
mod anchors;
pub mod catalogue;
pub mod check;
mod compile;
mod conditions;
pub mod coverage;
mod embedded;
pub mod error;
mod files;
pub mod lint;
mod literals;
pub mod load;
pub mod matcher;
pub mod model;
mod prefilter;
mod presence;
mod refusal;
mod signal;
pub mod template;
mod validate;

pub use error::{RuleError, RuleErrors};
pub use load::RuleSet;
pub use matcher::Hit;

#[cfg(test)]
mod tests;
