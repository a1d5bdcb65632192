//! Exit codes, and the one place where errors become them. Scripts rely on the numbers.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{ExitCode, Termination};

use thiserror::Error;

use crate::rules::RuleErrors;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It ran, whatever it found.
    Success = 0,
    /// It ran, and what was asked to fail did.
    Found = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// No input could be read, or output could not be written.
    Io = 3,
    /// A rule, manifest or configuration is bad.
    Config = 4,
    /// Interrupted; the report so far was printed.
    Interrupted = 130,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// What ends a command early.
#[derive(Debug, Error)]
pub enum Failure {
    /// Arguments that clap cannot refuse by itself.
    #[error("{0}")]
    Usage(String),
    /// Nothing could be read; the reasons are on stderr already.
    #[error("no input could be read")]
    NoInput,
    /// What was named is not in the input: it was read, and what was asked for is not so.
    #[error("{0}")]
    NotThere(String),
    /// A folder that holds no bundle.
    #[error("{0}")]
    NoBundle(String),
    /// The folder for what does not fit into memory cannot be used.
    #[error("--spill {dir}: no file can be written there ({source}); name a folder that exists and that this user may write to", dir = .dir.display())]
    Spill {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The report could not be written.
    #[error("the output could not be written: {0}")]
    Output(#[source] io::Error),
    /// Bad rules.
    #[error("{0}")]
    Rules(#[from] RuleErrors),
    /// A bad argument that names a rule or sample.
    #[error("{0}")]
    Config(String),
}

/// Says on stderr what went wrong and chooses the code. A closed pipe is no error.
pub fn settle(result: Result<Exit, Failure>) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success,
        Err(failure) => {
            remark(&failure.to_string());
            match failure {
                Failure::Usage(_) => Exit::Usage,
                Failure::NotThere(_) => Exit::Found,
                Failure::NoInput | Failure::NoBundle(_) | Failure::Spill { .. } | Failure::Output(_) => {
                    Exit::Io
                }
                Failure::Rules(_) | Failure::Config(_) => Exit::Config,
            }
        }
    }
}

/// A line on stderr. Names in it may come from anywhere, so they are made printable.
pub fn remark(text: &str) {
    let _ = writeln!(io::stderr(), "why500: {}", crate::redact::printable::printable(text));
}

/// Writes to stdout at once.
pub fn print(bytes: &[u8]) -> Result<Exit, Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(Failure::Output)?;
    Ok(Exit::Success)
}
