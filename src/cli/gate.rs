//! `why500 gate`: judges a project before it ships.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::exit::{self, Exit, Failure};
use crate::gate::collect::project::ProjectError;
use crate::gate::{self, report};

/// Arguments of `gate`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 passed (warnings are allowed) · 1 a check failed, or a critical one could not run, or there is no route · 2 usage · 3 no project, or no output"
)]
pub struct GateArgs {
    /// Folder of the project
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Output form
    #[arg(long, value_enum, default_value_t = GateFormat::Table)]
    pub format: GateFormat,
}

/// Output forms of `gate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GateFormat {
    /// For people
    Table,
    /// The whole verdict as one JSON object
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// For code scanning (SARIF 2.1.0)
    Sarif,
    /// Test report for CI systems
    Junit,
    /// Comment for a pull request
    Markdown,
}

/// Runs the gate.
///
/// # Errors
/// No project, several, or the output could not be written.
pub fn run(args: &GateArgs) -> Result<Exit, Failure> {
    let report = gate::run(&args.dir).map_err(|error| match error {
        ProjectError::None(_) => {
            exit::remark(&error.to_string());
            Failure::NoInput
        }
        ProjectError::Several(..) => Failure::Usage(error.to_string()),
    })?;
    let mut out = Vec::new();
    match args.format {
        GateFormat::Table => report::table::write(&report, &mut out),
        GateFormat::Github => report::github::write(&report, &mut out),
        GateFormat::Json => report::json::write(&report, &mut out),
        GateFormat::Sarif => report::sarif::write(&report, &mut out),
        GateFormat::Junit => report::junit::write(&report, &mut out),
        GateFormat::Markdown => report::markdown::write(&report, &mut out),
    }
    .map_err(Failure::Output)?;
    exit::print(&out)?;
    Ok(if report.failed() { Exit::Found } else { Exit::Success })
}
