//! The program as a process: what is typed, what comes out, and with which exit code.

mod bad_input;
mod codes;
mod compare;
mod explain;
mod face;
mod files;
mod gaps;
#[cfg(feature = "gate")]
mod gate;
#[cfg(feature = "gate")]
mod gate_hostile;
#[cfg(feature = "gate")]
mod gate_live;
#[cfg(feature = "gate")]
mod gate_reach;
mod input;
#[cfg(unix)]
mod live;
mod memory;
mod memory_of_incidents;
mod own_rules;
mod postmortem;
mod rules_lint;
mod safety;
mod slo;
mod story;
mod support;
mod verify;
