//! The program as a process: what is typed, what comes out, and with which exit code.

mod bad_input;
mod codes;
mod explain;
mod face;
mod files;
#[cfg(feature = "gate")]
mod gate;
mod input;
#[cfg(unix)]
mod live;
mod memory;
mod own_rules;
mod rules_lint;
mod safety;
mod support;
