//! Rules: causes as data. Loaded from TOML, compiled once, matched on single records.
//!
//! This room knows records and rules. It does not know requests: what several records of one request mean
//! together is weighed above it.
pub mod check;
mod compile;
mod conditions;
mod embedded;
pub mod error;
mod files;
mod literals;
pub mod load;
pub mod matcher;
pub mod model;
mod prefilter;
mod signal;
pub mod template;
mod validate;

pub use error::{RuleError, RuleErrors};
pub use load::RuleSet;
pub use matcher::Hit;

#[cfg(test)]
mod tests;
