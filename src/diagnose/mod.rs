//! Diagnosis: what the rules say of one failed request, and which failed requests are one incident. Pure functions
//! of the request's lines.
pub mod account;
pub mod case;
pub mod explain;
pub mod fold;
pub mod incident;
mod join;
pub mod judge;
pub mod neighbours;
pub mod samples;
pub mod telemetry;
pub mod triage;
pub mod unwrap;
pub mod weigh;
