//! why500 answers one question from logs alone: why is production returning 500s?
pub mod cli;
pub mod correlate;
pub mod diagnose;
pub mod engine;
pub mod format;
pub mod input;
pub mod record;
pub mod redact;
pub mod report;
pub mod rules;
