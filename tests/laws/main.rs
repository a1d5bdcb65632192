//! The laws that every number of a report rests on: order and repetition of the input change nothing, the account
//! closes, nothing is let go too early. Proved on made-up logs, on mutations of them, and on every sample.

#[path = "../../benches/support/generate.rs"]
#[expect(dead_code, reason = "others use the rest of it")]
mod generate;

mod access;
mod algebra;
mod aliases;
mod backwards;
mod damage;
mod formats;
mod glance;
mod horizon;
mod hostile;
mod inputs;
mod memory;
mod mixed;
mod support;
mod whole_run;
