//! Diagnosis: what the rules say of one failed request, and which failed requests are one incident. Pure functions
//! of the request's lines; what failed requests say together is added after the merge (`circumstances`, `neighbours`).
pub mod account;
pub mod case;
pub mod circumstances;
pub mod explain;
pub mod exposure;
pub mod fold;
pub mod gaps;
pub mod incident;
mod join;
pub mod judge;
pub mod last_words;
pub mod neighbours;
pub mod onset;
mod private;
pub mod samples;
pub mod segments;
pub mod statistics;
#[cfg(test)]
mod story;
pub mod telemetry;
pub mod triage;
pub mod unwrap;
pub mod weigh;
