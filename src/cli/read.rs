//! How logs are read by the commands that look at them once and print no triage table as they go. Not here: which logs, and
//! what becomes of the report.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::args::RunArgs;
use super::exit::{Failure, remark};
use super::triage::try_spill;
use crate::engine::{Engine, Options, View};
use crate::input::source;
use crate::report::model::Report;

/// Arguments of all commands that read logs, but triage.
#[derive(Debug, Clone, Args)]
pub struct ReadArgs {
    /// Read the input as this format (see `why500 formats`) instead of detecting it
    #[arg(long, value_name = "NAME")]
    pub input_format: Option<String>,
    /// Rules of your own, as for triage (may be repeated)
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// How to run and to print
    #[command(flatten)]
    pub run: RunArgs,
}

impl ReadArgs {
    /// The options of a run that shows everything.
    ///
    /// # Errors
    /// There is no such format, or the folder of `--spill` cannot be written to.
    pub fn options(&self) -> Result<Options, Failure> {
        let options = self.run.options(self.input_format.as_deref(), View::default());
        let options = options.map_err(Failure::Usage)?;
        try_spill(&self.run)?;
        Ok(options)
    }

    /// An engine with the rules that were named.
    ///
    /// # Errors
    /// A rule is bad.
    pub fn engine(&self, options: Options) -> Result<Engine, Failure> {
        Ok(Engine::with_rules(&self.rules, options)?)
    }

    /// The report on these paths; what could not be read is said.
    ///
    /// # Errors
    /// Nothing could be read.
    pub fn report(
        &self,
        paths: &[PathBuf],
        engine: &Engine,
        stop: &Arc<AtomicBool>,
    ) -> Result<Report, Failure> {
        let finished = engine.run(source::find_within(paths, self.run.expand()), stop, &mut ());
        for error in &finished.errors {
            remark(&error.to_string());
        }
        if finished.read == 0 { Err(Failure::NoInput) } else { Ok(finished.report) }
    }
}
