//! The command line: what was typed, what it means, and what the process says on its way out. Everything else is the
//! library's.

pub mod args;
pub mod compare;
pub mod exit;
pub mod explain;
pub mod formats;
#[cfg(feature = "gate")]
pub mod gate;
pub mod incidents;
pub mod memory;
pub mod postmortem;
pub mod read;
pub mod rules;
pub mod triage;
pub mod verify;
pub mod watch;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use exit::Exit;

/// Runs the program with the process's own arguments.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows where each belongs.
            let printed = error.print();
            return match error.use_stderr() {
                true => Exit::Usage,
                false => exit::settle(printed.map(|()| Exit::Success).map_err(exit::Failure::Output)),
            };
        }
    };
    let result = match cli.command {
        None => triage::run(&cli.triage),
        Some(Command::Triage(args)) => triage::run(&args),
        Some(Command::Explain(args)) => explain::run(&args),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Rules(args)) => rules::run(&args),
        Some(Command::Incidents(args)) => incidents::run(&args),
        Some(Command::Formats) => formats::run(),
        Some(Command::Postmortem(args)) => postmortem::run(&args),
        Some(Command::Verify(args)) => verify::run(&args),
        #[cfg(feature = "gate")]
        Some(Command::Gate(args)) => gate::run(&args),
        Some(Command::Completions { shell }) => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "why500", &mut out);
            exit::print(&out)
        }
        Some(Command::Man) => {
            let mut out = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut out)
                .map_err(exit::Failure::Output)
                .and_then(|()| exit::print(&out))
        }
    };
    exit::settle(result)
}
