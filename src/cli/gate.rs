//! `why500 gate`: judges a project before it ships.

mod seen;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, NaiveDate};
use clap::{Args, Subcommand, ValueEnum};

use super::exit::{self, Exit, Failure};
use super::memory::named;
use crate::gate::collect::project::{self, Project, ProjectError};
use crate::gate::judge::guards;
use crate::gate::manifest::{self, Manifest, draft};
use crate::gate::transcript::{Phase, Transcript};
use crate::gate::{self, Demands, report};
use crate::incidents::DEFAULT_DIR;
use crate::incidents::memory::Memory;

/// Arguments of `gate`.
#[derive(Debug, Clone, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 passed (warnings are allowed) · 1 a check failed, or a critical one could not run, or there is no route · 2 usage · 3 no project, no answer from the host, or no output · 4 a bad manifest, transcript or saved incident"
)]
pub struct GateArgs {
    /// Folder of the project
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Output form
    #[arg(long, value_enum, default_value_t = GateFormat::Table)]
    pub format: GateFormat,
    /// What the team declares of routes and keys; by default why500.toml in the project's folder, where there is one
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Day as of which waivers hold (2027-03-31); by default today, with --transcript its day
    #[arg(long, value_name = "DAY")]
    pub as_of: Option<NaiveDate>,
    /// Go to the datastores that the manifest declares (name, connection, TLS, signing in, limits), and to no other
    #[arg(long, conflicts_with_all = ["transcript", "after"])]
    pub reach: bool,
    /// Send the probes and negative paths of the manifest to the deployment at this URL, and nothing to any other host
    #[arg(long, value_name = "URL", conflicts_with = "transcript")]
    pub live: Option<String>,
    /// Write what was seen to a new file, so that --transcript can judge it again
    #[arg(long, value_name = "FILE", conflicts_with = "transcript")]
    pub record: Option<PathBuf>,
    /// Judge again what --record wrote: no connection is opened, and the verdict is the same byte for byte
    #[arg(long, value_name = "FILE")]
    pub transcript: Option<PathBuf>,
    /// Fail if this step was not taken: live, reach (may be repeated, or separated by commas)
    #[arg(long, value_name = "STEP", value_delimiter = ',', value_parser = parse_phase)]
    pub require_phase: Vec<Phase>,
    /// Folder of saved incidents, whose guards must find nothing; by default .why500/incidents of the project, else of the
    /// current directory, if it is there
    #[arg(long, value_name = "DIR", conflicts_with = "no_incidents")]
    pub incidents: Option<PathBuf>,
    /// Look for no saved incidents
    #[arg(long)]
    pub no_incidents: bool,
    /// Judge a deployment by its logs (and by probes, with --live or --transcript) instead of the project: keep, watch, hold
    /// or roll back. Exit with 0 only for keep
    #[arg(long, requires = "logs")]
    pub after: bool,
    /// Logs for --after, as for triage: a file, a folder or a pattern, with those of the deployment before (may be repeated)
    #[arg(long, value_name = "PATH", requires = "after")]
    pub logs: Vec<PathBuf>,
    /// Deployment to judge with --after; by default the one that the logs first name last
    #[arg(long, value_name = "ID", requires = "after")]
    pub deployment: Option<String>,
    /// Deployment to compare it with, and to go back to; by default the one before it
    #[arg(long, value_name = "ID", requires = "after")]
    pub previous: Option<String>,
    /// Something else than judging
    #[command(subcommand)]
    pub action: Option<GateAction>,
}

/// What `gate` does beside judging.
#[derive(Debug, Clone, Subcommand)]
pub enum GateAction {
    /// Write a draft of the manifest why500.toml, from what the project has
    Init {
        /// Folder of the project
        #[arg(value_name = "DIR", default_value = ".")]
        dir: PathBuf,
    },
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
/// No project, several, a bad manifest, or the output could not be written.
pub fn run(args: &GateArgs) -> Result<Exit, Failure> {
    if let Some(GateAction::Init { dir }) = &args.action {
        return init(dir);
    }
    let project = find(&args.dir)?;
    let manifest = manifest(args, &project)?;
    let memory = memory(args, &project)?;
    let transcript = seen::transcript(args, &project, manifest.as_ref(), today)?;
    let of_transcript = transcript.as_ref().and_then(Transcript::as_of);
    let today = args.as_of.or(of_transcript).unwrap_or_else(today);
    let logs = seen::logs(args, memory.as_ref())?;
    if logs.as_ref().is_some_and(|logs| logs.report.partial) {
        exit::remark("interrupted: a part of the logs is no ground for a verdict");
        return Ok(Exit::Interrupted);
    }
    let demands = Demands {
        manifest: manifest.as_ref(),
        today,
        transcript: transcript.as_ref(),
        logs: logs.as_ref(),
        incidents: memory.as_ref(),
        required: &args.require_phase,
    };
    let report = gate::run(project, demands);
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

fn parse_phase(text: &str) -> Result<Phase, String> {
    let phases = [Phase::Reach, Phase::Live];
    phases.into_iter().find(|phase| phase.as_str() == text).ok_or_else(|| "one of: reach, live".to_owned())
}

/// The day that it is, in UTC: what a waiver's end is held against unless --as-of names a day.
fn today() -> NaiveDate {
    DateTime::<chrono::Utc>::from(SystemTime::now()).date_naive()
}

fn find(dir: &Path) -> Result<Project, Failure> {
    project::find(dir).map_err(|error| match error {
        ProjectError::None(_) => {
            exit::remark(&error.to_string());
            Failure::NoInput
        }
        ProjectError::Several(..) => Failure::Usage(error.to_string()),
    })
}

/// The manifest that was named, else that of the project, where it has one.
fn manifest(args: &GateArgs, project: &Project) -> Result<Option<Manifest>, Failure> {
    let own = project.root.join(manifest::FILE);
    let Some(path) = args.manifest.clone().or_else(|| own.exists().then_some(own)) else { return Ok(None) };
    Manifest::read(&path).map(Some).map_err(|fault| Failure::Config(fault.to_string()))
}

/// Saved incidents of the folder that was named, else of the project's, else of the current directory's.
fn memory(args: &GateArgs, project: &Project) -> Result<Option<Memory>, Failure> {
    let usual = [project.root.join(DEFAULT_DIR), PathBuf::from(DEFAULT_DIR)];
    let dir = match &args.incidents {
        Some(dir) => Some(named("--incidents", dir)?.to_owned()),
        None => usual.into_iter().find(|dir| !args.no_incidents && dir.is_dir()),
    };
    let Some(dir) = dir else { return Ok(None) };
    let memory = Memory::load(&dir);
    // A guard may stand in a file that cannot be read, so none is passed over.
    guards::sound(&memory).map_err(|fault| Failure::Config(fault.to_string()))?;
    Ok(Some(memory))
}

/// Writes a draft beside the project's `package.json`; one that is there stays.
fn init(dir: &Path) -> Result<Exit, Failure> {
    let project = find(dir)?;
    let path = project.root.join(manifest::FILE);
    let today = today();
    let text = draft::write(&gate::run(
        project,
        Demands { manifest: None, today, transcript: None, logs: None, incidents: None, required: &[] },
    ));
    let written = File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::Usage(format!(
            "{} is there already; edit it, or move it away for a new draft",
            path.display()
        )),
        _ => Failure::Output(error),
    })?;
    exit::remark(&format!("wrote {}; fill in the owners, then run why500 gate", path.display()));
    Ok(Exit::Success)
}
