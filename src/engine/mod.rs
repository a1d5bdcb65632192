//! The engine: the rooms put together. Sources in, a report out; no arguments, no terminal.

pub mod account;
pub mod assemble;
pub mod explain;
pub mod lane;
pub mod open;
pub mod reader;
pub mod run;
pub mod stdin;
mod totals;
mod traffic;
mod waiting;

use std::path::PathBuf;

use crate::correlate::dimensions::Fields;
use crate::format::registry::Shapes;
use crate::rules::RuleSet;
use crate::rules::model::Class;

/// Longest line or JSON value that is read, in bytes; the rest of a longer one is skipped and counted.
pub const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Worker threads; 0 takes what the machine has.
    pub threads: usize,
    /// Shapes that are tried.
    pub shapes: Shapes,
    /// Longest line, see [`MAX_LINE_BYTES`].
    pub max_line_bytes: usize,
    /// Key of the redaction tokens; by default a hash of the failed records, so that equal input gives equal tokens.
    pub redact_key: Option<String>,
    /// What else is hidden, beside secrets and personal data.
    pub redact_patterns: Vec<crate::redact::own::OwnPattern>,
    /// Print secrets and personal data as they are.
    pub no_redact: bool,
    /// Bytes that requests may take in memory; None: what they need. See [`crate::correlate::budget`].
    pub memory_bytes: Option<usize>,
    /// Folder for files with what does not fit into them; None: it is done without.
    pub spill_dir: Option<PathBuf>,
    /// Fields of log lines that are dimensions, such as the tenant.
    pub segment_fields: Fields,
    /// What of the failures is shown.
    pub view: View,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            threads: 0,
            shapes: Shapes::all(),
            max_line_bytes: MAX_LINE_BYTES,
            redact_key: None,
            redact_patterns: Vec::new(),
            no_redact: false,
            memory_bytes: None,
            spill_dir: None,
            segment_fields: Fields::default(),
            view: View::default(),
        }
    }
}

/// Narrows which failed requests are shown; the totals stay those of the whole input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Only routes that contain this text.
    pub route: Option<String>,
    /// Only these classes; empty means all.
    pub classes: Vec<Class>,
    /// Only failures at or after this time, in milliseconds since the Unix epoch.
    pub since_ms: Option<i64>,
    /// Only failures before this time.
    pub until_ms: Option<i64>,
}

impl View {
    /// Whether anything is left out.
    pub fn is_narrow(&self) -> bool {
        *self != View::default()
    }
}

/// Reads logs with a set of rules.
pub struct Engine {
    /// The rules in force.
    pub rules: RuleSet,
    /// What to do.
    pub options: Options,
}

impl Engine {
    /// The embedded rules and default options.
    pub fn new() -> Result<Engine, crate::rules::RuleErrors> {
        Ok(Engine { rules: RuleSet::load_without_samples(&[])?, options: Options::default() })
    }

    /// As [`Engine::new`], with the rules of further folders added; a rule with the same id replaces the embedded one.
    pub fn with_rules(dirs: &[PathBuf], options: Options) -> Result<Engine, crate::rules::RuleErrors> {
        Ok(Engine { rules: RuleSet::load_without_samples(dirs)?, options })
    }
}
