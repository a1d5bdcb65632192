//! why500 answers one question from logs alone: why is production returning 500s?
//!
//! It reads log exports, joins their lines into requests by correlation ID, decides which requests failed, and names
//! the cause of each failure by rules: a class, a rule ID, a confidence and the lines that it rests on. Failed requests
//! with the same cause and subject are one [incident](report::model::Incident); the incidents are ranked.
//!
//! The program `why500` is a thin face on this library: [`engine::Engine`] takes sources and gives a
//! [`report::model::Report`], and [`report`] writes it as a table, JSON, JSON lines, CSV,
//! Markdown, a page of HTML, or a message.
//!
//! # Example
//!
//! ```
//! use why500::engine::Engine;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let log = r#"{"id":"1","timestamp":1767225600000,"source":"lambda","deploymentId":"dpl_1","requestId":"r1",
//!     "path":"/api/orders","level":"error","message":"Error: Missing required environment variable: STRIPE_KEY",
//!     "statusCode":500,"proxy":{"method":"GET","path":"/api/orders","statusCode":500}}"#;
//!
//! let engine = Engine::new()?;
//! let finished = engine.run_reader("drain.ndjson", Box::new(log.as_bytes()));
//!
//! let report = finished.report;
//! assert_eq!(report.requests.failed, 1);
//! let incident = &report.incidents[0];
//! assert_eq!(incident.cause.as_deref(), Some("missing-variable"));
//! assert_eq!(incident.captures["env_key"], "STRIPE_KEY");
//! assert_eq!(incident.evidence[0].line, 1);
//! # Ok(())
//! # }
//! ```
//!
//! Input that cannot be read is no error of the run: it stands in [`Finished::errors`](engine::run::Finished::errors),
//! and what was read is reported. Texts in a report are redacted unless
//! [`Options::no_redact`](engine::Options::no_redact) is set.
//!
//! # Rooms
//!
//! One direction, bytes to report: [`input`] frames bytes, [`format`](mod@format) decodes frames to [`record`]s,
//! [`correlate`] joins records into requests, [`rules`] finds signals in single records, [`diagnose`] weighs the signals
//! of a request, [`redact`] makes texts safe to show, [`report`] writes, [`compare`] holds two reports against each
//! other, [`postmortem`] bundles what was written. [`engine`] puts the rooms together and [`cli`]
//! is the program. `ARCHITECTURE.md` says why.
pub mod budget;
pub mod cli;
pub mod compare;
pub mod correlate;
pub mod diagnose;
pub mod engine;
pub mod fault;
pub mod format;
#[cfg(feature = "gate")]
pub mod gate;
pub mod incidents;
pub mod input;
pub mod postmortem;
pub mod record;
pub mod redact;
pub mod report;
pub mod rules;
