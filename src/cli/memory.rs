//! What triage is told beside the logs: saved incidents, a baseline, suppressions. All of it is read before the logs, so
//! that a fault in it is said at once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Failure, remark};
use crate::incidents::accept::{self, Suppress};
use crate::incidents::memory::Memory;
use crate::incidents::{DEFAULT_DIR, known};
use crate::report::memory::SuppressionState;
use crate::report::model::Report;

/// Arguments about saved incidents.
#[derive(Debug, Clone, Args)]
pub struct SavedArgs {
    /// Folder of saved incidents; by default .why500/incidents of the current directory, if it is there
    #[arg(long, value_name = "DIR", conflicts_with = "no_incidents")]
    pub incidents: Option<PathBuf>,
    /// Look for no saved incidents
    #[arg(long)]
    pub no_incidents: bool,
}

/// Arguments of commands whose output must not depend on where they are run.
#[derive(Debug, Clone, Args)]
pub struct NamedArgs {
    /// Folder of saved incidents; without it none are looked for
    #[arg(long, value_name = "DIR", conflicts_with = "no_incidents")]
    pub incidents: Option<PathBuf>,
    /// As it is without --incidents
    #[arg(long, hide = true)]
    pub no_incidents: bool,
}

impl NamedArgs {
    /// Reads the folder. A broken file of it is only said.
    ///
    /// # Errors
    /// The folder that was named is not there.
    pub fn read(&self, quiet: bool) -> Result<KnownFiles, Failure> {
        KnownFiles::read(self.incidents.as_deref().map(|dir| named("--incidents", dir)).transpose()?, quiet)
    }
}

/// A folder that was named; it has to be there.
///
/// # Errors
/// It is not.
pub fn named<'d>(option: &str, dir: &'d Path) -> Result<&'d Path, Failure> {
    match std::fs::read_dir(dir) {
        Ok(_) => Ok(dir),
        Err(error) => Err(Failure::Config(format!(
            "{option} {}: no folder that can be read ({error})\n  cure: name the folder that `why500 incidents save` writes to",
            dir.display()
        ))),
    }
}

/// Arguments of triage about what is known.
#[derive(Debug, Clone, Args)]
pub struct KnownArgs {
    /// Saved incidents
    #[command(flatten)]
    pub saved: SavedArgs,
    /// Report of an earlier run (--format json): --fail-on passes over its incidents, and `--fail-on new` needs it
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Incidents that --fail-on passes over for a while: TOML entries with incident, reason and until
    #[arg(long, value_name = "FILE")]
    pub suppress: Option<PathBuf>,
}

/// What was read.
pub struct KnownFiles {
    memory: Memory,
    baseline: Option<BTreeSet<String>>,
    suppressions: Vec<Suppress>,
}

impl KnownArgs {
    /// Reads the files.
    ///
    /// # Errors
    /// The baseline or the suppressions have a fault. A broken file of the memory is only said.
    pub fn read(&self, quiet: bool) -> Result<KnownFiles, Failure> {
        let baseline = match &self.baseline {
            Some(file) => {
                Some(accept::baseline(file).map_err(|fault| Failure::Config(format!("--baseline {fault}")))?)
            }
            None => None,
        };
        let suppressions = match &self.suppress {
            Some(file) => accept::suppressions(file).map_err(|faults| {
                let said: Vec<String> = faults.iter().map(|fault| format!("--suppress {fault}")).collect();
                Failure::Config(said.join("\n"))
            })?,
            None => Vec::new(),
        };
        Ok(KnownFiles { baseline, suppressions, ..self.saved.read(quiet)? })
    }
}

impl SavedArgs {
    /// Reads the folder. A broken file of it is only said.
    ///
    /// # Errors
    /// The folder that was named is not there.
    fn read(&self, quiet: bool) -> Result<KnownFiles, Failure> {
        let dir = match &self.incidents {
            _ if self.no_incidents => None,
            Some(dir) => Some(named("--incidents", dir)?),
            // Only this one place, and only if it is there: no folder above it is searched.
            None => Some(Path::new(DEFAULT_DIR)).filter(|dir| dir.is_dir()),
        };
        KnownFiles::read(dir, quiet)
    }
}

/// Files of the memory that are passed over.
pub fn say_faults(memory: &Memory) {
    for fault in &memory.faults {
        remark(&format!("passed over: {fault}"));
    }
}

impl KnownFiles {
    fn read(dir: Option<&Path>, quiet: bool) -> Result<KnownFiles, Failure> {
        let memory = dir.map(Memory::load).unwrap_or_default();
        if !quiet {
            say_faults(&memory);
        }
        Ok(KnownFiles { memory, baseline: None, suppressions: Vec::new() })
    }

    /// Puts beside the report what is known of its incidents; says what became of suppressions that suppress nothing.
    pub fn apply(&self, report: &mut Report, as_of_ms: Option<i64>, quiet: bool) {
        report.known = known::of(report, &self.memory, self.baseline.as_ref(), &self.suppressions, as_of_ms);
        for one in &report.known.suppressions {
            let text = match one.state {
                SuppressionState::Unused => "matches no incident of this report: take it out",
                SuppressionState::Expired => "is over: look at it again, or give it another day",
                SuppressionState::Used => continue,
            };
            if !quiet {
                remark(&format!("suppression of {} until {} {text}", one.incident, one.until));
            }
        }
    }
}
