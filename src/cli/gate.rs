//! `why500 gate`: judges a project before it ships.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, NaiveDate};
use clap::{Args, Subcommand, ValueEnum};

use super::exit::{self, Exit, Failure};
use crate::gate::collect::project::{self, Project, ProjectError};
use crate::gate::manifest::{self, Manifest, draft};
use crate::gate::reach::Bounds;
use crate::gate::transcript::{Observation, Phase, Transcript};
use crate::gate::{self, Demands, report};

/// Arguments of `gate`.
#[derive(Debug, Clone, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 passed (warnings are allowed) · 1 a check failed, or a critical one could not run, or there is no route · 2 usage · 3 no project, or no output · 4 a bad manifest"
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
    /// Day as of which waivers hold (2027-03-31); by default today
    #[arg(long, value_name = "DAY")]
    pub as_of: Option<NaiveDate>,
    /// Go to the datastores that the manifest declares (name, connection, TLS, signing in, limits) and judge what is seen
    #[arg(long)]
    pub reach: bool,
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
    let today = args.as_of.unwrap_or_else(today);
    let transcript = args.reach.then(|| {
        let mut transcript = Transcript::new(today);
        transcript.add(Phase::Reach, reach(&project, manifest.as_ref()));
        transcript
    });
    let demands = Demands { manifest: manifest.as_ref(), today, transcript: transcript.as_ref() };
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

/// The day that it is, in UTC: what a waiver's end is held against unless --as-of names a day.
fn today() -> NaiveDate {
    DateTime::<chrono::Utc>::from(SystemTime::now()).date_naive()
}

/// What is seen of the datastores that are declared.
fn reach(project: &Project, manifest: Option<&Manifest>) -> Vec<Observation> {
    let Some(manifest) = manifest else { return Vec::new() };
    let sought = gate::sought(project, manifest);
    let reached = gate::reach::run(&project.root, &sought, manifest, Bounds::default());
    reached.into_iter().map(Observation::Datastore).collect()
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

/// Writes a draft beside the project's `package.json`; one that is there stays.
fn init(dir: &Path) -> Result<Exit, Failure> {
    let project = find(dir)?;
    let path = project.root.join(manifest::FILE);
    let today = today();
    let text = draft::write(&gate::run(project, Demands { manifest: None, today, transcript: None }));
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
