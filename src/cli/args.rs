//! What can be typed. Help, completions and the man page are generated from here.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::memory::{KnownArgs, NamedArgs};
use super::read::ReadArgs;
use crate::budget::Objective;
use crate::compare::split::By;
use crate::correlate::dimensions::Fields;
use crate::engine::{Options, View};
use crate::format::registry::Shapes;
use crate::input::unpack::Expand;
use crate::redact::own::OwnPattern;

/// why500 answers one question from logs alone: why is production returning 500s?
#[derive(Debug, Parser)]
#[command(name = "why500", version, max_term_width = 100, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Cli {
    /// Subcommand; without one, the paths are triaged.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Arguments of triage.
    #[command(flatten)]
    pub triage: TriageArgs,
}

const EXAMPLES: &str = "Examples:
  vercel logs --json --limit 1000 | why500
  aws logs tail /aws/lambda/orders --since 1h | why500
  kubectl logs -f deploy/web | why500 --every 10s
  why500 logs_result.csv exports/ 'archive/*.gz'
  why500 --format jsonl app.log | jq -r .cause | sort | uniq -c
  why500 compare --by deployment --fail-on new export.json
  why500 explain 4f6d343c-1a2b-4c3d-8e9f-000000000001 app.log

Exit codes: 0 ran · 1 --fail-on matched, an --slo threshold was crossed, or no request or incident has the ID that was named · 2 usage · 3 no input or output · 4 bad rule · 130 interrupted";

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Triage files, folders, patterns or standard input (the default)
    Triage(Box<TriageArgs>),
    /// Explain one request: its lines, every signal, and how its causes were weighed
    Explain(Box<ExplainArgs>),
    /// Compare two inputs, or two parts of one: which incidents are new, worse, the same, better or gone
    Compare(Box<CompareArgs>),
    /// List, show, test or lint the rules
    Rules(RulesArgs),
    /// Save, list, show and match incidents: what they were and what fixed them
    Incidents(Box<super::incidents::IncidentsArgs>),
    /// List the input formats, how they are recognised and how to export them
    Formats,
    /// Write what was found as a bundle that can be shown and checked: text, page, report, evidence, digests
    Postmortem(Box<PostmortemArgs>),
    /// Check a bundle: its files, its sources, and every cited line
    Verify(VerifyArgs),
    /// Judge a Next.js project before it ships, by the causes that its logs would show afterwards
    #[cfg(feature = "gate")]
    Gate(Box<super::gate::GateArgs>),
    /// Print shell completions
    #[command(hide = true)]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    #[command(hide = true)]
    Man,
}

/// Arguments of triage.
#[derive(Debug, Clone, Args)]
pub struct TriageArgs {
    /// Files, folders, archives (zip, tar) or patterns; none or `-` reads standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Output form
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Read the input as this format (see `why500 formats`) instead of detecting it
    #[arg(long, value_name = "NAME")]
    pub input_format: Option<String>,
    /// Say on stderr which formats were tried on the first entries and why the winner won
    #[arg(long)]
    pub explain_format: bool,
    /// Rules of your own: a folder of TOML files that add to or override the built-in ones (may be repeated)
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// Show the N top incidents in full
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub top: usize,
    /// Show only failures on routes that contain this text
    #[arg(long, value_name = "TEXT")]
    pub route: Option<String>,
    /// Show only failures of this class (may be repeated)
    #[arg(long = "class", value_name = "CLASS", value_parser = parse_class)]
    pub classes: Vec<crate::rules::model::Class>,
    /// Show only failures at or after this time: RFC 3339, or epoch seconds or milliseconds
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub since: Option<i64>,
    /// Show only failures before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub until: Option<i64>,
    /// Exit with 1 if a failure of this class was found (`any`: any failure; `new`: one that --baseline has not; may be
    /// repeated). Incidents of --baseline and --suppress are passed over
    #[arg(long, value_name = "CLASS|any|new", value_parser = parse_fail_on)]
    pub fail_on: Vec<FailOn>,
    /// Hold an objective against the requests: per cent that must not fail (99.9). Exit with 1 if a threshold was crossed
    #[arg(long, value_name = "PERCENT", value_parser = crate::budget::parse_target)]
    pub slo: Option<u64>,
    /// Period of the objective (30d, 12h)
    #[arg(long, value_name = "SPAN", value_parser = crate::budget::parse_span, default_value = "30d")]
    pub window: i64,
    /// What counts as now: the end of the objective's period, and of what is suppressed; by default the last record's time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub as_of: Option<i64>,
    /// Redraw the report at this interval while input arrives, on a terminal (10s, 1m)
    #[arg(long, value_name = "INTERVAL", value_parser = parse_interval)]
    pub every: Option<Duration>,
    /// What is known of incidents
    #[command(flatten)]
    pub known: KnownArgs,
    /// How to run and to print
    #[command(flatten)]
    pub run: RunArgs,
    /// No progress and no remarks on stderr; errors are still said
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments that all commands share that read logs.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Colour
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
    /// Width of the table in columns; by default that of the terminal, else 100
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(20..=1000))]
    pub width: Option<u16>,
    /// Worker threads; 0 takes all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Skip the rest of a line or JSON value longer than this, and count it (8MiB, 64KiB, bytes)
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "8MiB")]
    pub max_line: usize,
    /// Memory that requests may take (256MiB, 1GiB); by default what they need. Beyond it the oldest are forgotten, and
    /// the report says so
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory: Option<usize>,
    /// Put what does not fit into --memory into files in this folder instead, gone when the program ends
    #[arg(long, value_name = "DIR", requires = "memory")]
    pub spill: Option<PathBuf>,
    /// Unpack a compressed source up to this size, however dense it is packed; by default up to 64GiB and, beyond 64MiB, to
    /// 200 times its size
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_expand: Option<usize>,
    /// Key of the redaction tokens, to compare them between runs
    #[arg(long, value_name = "KEY", env = "WHY500_REDACT_KEY", hide_env_values = true)]
    pub redact_key: Option<String>,
    /// Hide what this regular expression finds as well, such as ids of users: its first group, whose name stands in the token
    /// (may be repeated)
    #[arg(long, value_name = "REGEX", value_parser = OwnPattern::parse)]
    pub redact_pattern: Vec<OwnPattern>,
    /// Print secrets and personal data as they are
    #[arg(long)]
    pub no_redact: bool,
    /// Another field of log lines that may set failures apart, beside tenants and feature flags; `NAME.*` for all below it
    /// (may be repeated)
    #[arg(long = "segment-field", value_name = "NAME", value_parser = crate::correlate::dimensions::field_name)]
    pub segment_fields: Vec<String>,
}

impl RunArgs {
    /// How far compressed sources are unpacked.
    pub fn expand(&self) -> Expand {
        self.max_expand.map_or_else(Expand::default, |most| Expand::up_to(most as u64))
    }

    /// The options of a run that reads its input as the format of this name, or detects it, and shows `view`.
    ///
    /// # Errors
    /// There is no such format; the text names those that there are.
    pub fn options(&self, input_format: Option<&str>, view: View) -> Result<Options, String> {
        Ok(Options {
            threads: self.threads,
            shapes: input_format.map_or(Ok(Shapes::all()), Shapes::forced)?,
            max_line_bytes: self.max_line,
            redact_key: self.redact_key.clone(),
            redact_patterns: self.redact_pattern.clone(),
            no_redact: self.no_redact,
            memory_bytes: self.memory,
            spill_dir: self.spill.clone(),
            segment_fields: Fields::with(&self.segment_fields),
            view,
        })
    }
}

impl TriageArgs {
    /// The objective, where one was given.
    pub fn objective(&self) -> Option<Objective> {
        self.slo.map(|allowed| Objective::new(allowed, self.window, self.as_of))
    }

    /// The options of the run.
    ///
    /// # Errors
    /// As [`RunArgs::options`].
    pub fn options(&self) -> Result<Options, String> {
        let view = View {
            route: self.route.clone(),
            classes: self.classes.clone(),
            since_ms: self.since,
            until_ms: self.until,
        };
        self.run.options(self.input_format.as_deref(), view)
    }
}

/// Output forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The diagnosis table, for people
    Table,
    /// The whole report as one JSON object
    Json,
    /// One JSON object per failed request
    Jsonl,
    /// One row per incident
    Csv,
    /// A postmortem's text, as far as logs tell
    Markdown,
    /// One page that stands alone, with charts; no script, no network
    Html,
    /// A few lines of plain text for an incident channel
    Message,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// Any failed request.
    Any,
    /// Any failed request whose incident the baseline has not.
    New,
    /// A failed request of this class.
    Class(crate::rules::model::Class),
}

/// Arguments of `explain`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 explained, failed or not · 1 no request (or more than one) has the ID · 2 usage · 3 no input or output · 4 bad rule"
)]
pub struct ExplainArgs {
    /// Correlation ID of the request, as a header or a log line has it, or SOURCE:LINE for one that has none
    #[arg(value_name = "ID")]
    pub id: String,
    /// Files, folders, archives (zip, tar) or patterns; none or `-` reads standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Output form
    #[arg(long, value_enum, default_value_t = ExplainFormat::Table)]
    pub format: ExplainFormat,
    /// How the logs are read
    #[command(flatten)]
    pub read: ReadArgs,
}

/// Arguments of `postmortem`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 written, failed requests or not · 1 no incident (or more than one) has the ID · 2 usage · 3 no input or output · 4 bad rule · 130 interrupted, and nothing written"
)]
pub struct PostmortemArgs {
    /// Files, folders, archives (zip, tar) or patterns; none or `-` reads standard input, whose lines cannot be proven
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Folder to write to: a new or empty one, or that of a former bundle
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Only the incident whose ID begins so
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    /// Speak as of this moment; by default that of the last record
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub as_of: Option<i64>,
    /// Hold an objective against the requests: per cent that must not fail (99.9). The exit code stays 0
    #[arg(long, value_name = "PERCENT", value_parser = crate::budget::parse_target)]
    pub slo: Option<u64>,
    /// Period of the objective (30d, 12h)
    #[arg(long, value_name = "SPAN", value_parser = crate::budget::parse_span, default_value = "30d")]
    pub window: i64,
    /// Saved incidents
    #[command(flatten)]
    pub saved: NamedArgs,
    /// How the logs are read
    #[command(flatten)]
    pub read: ReadArgs,
    /// No progress and no remarks on stderr; errors are still said
    #[arg(long, short)]
    pub quiet: bool,
}

impl PostmortemArgs {
    /// The objective, where one was given.
    pub fn objective(&self) -> Option<Objective> {
        self.slo.map(|allowed| Objective::new(allowed, self.window, self.as_of))
    }
}

/// Arguments of `verify`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 nothing differs · 1 something differs or is missing · 2 usage · 3 no bundle there\n\nThe files of a bundle are checked against the SHA-256 in its manifest, and the manifest against its seal. Sources are found by their content among --sources, or at the place that the manifest names; without them, the lines that were cited from them are not checked, and that is said."
)]
pub struct VerifyArgs {
    /// Folder of the bundle
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The sources: files, folders or archives, wherever they are now; all of them have to be there
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub sources: Vec<PathBuf>,
}

/// Output forms of `explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// For people
    Table,
    /// One JSON object
    Json,
}

/// Arguments of `compare`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 compared · 1 --fail-on matched · 2 usage · 3 no input or output · 4 bad rule · 130 interrupted"
)]
pub struct CompareArgs {
    /// Two inputs (files, folders, archives or patterns), the one before first; with --by any number that are one input, or
    /// none for standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Split one input: `time=TIME`, `deployment[=ID]` (the newest, against those before it), `environment[=NAME]` or
    /// `branch[=NAME]` (against all others)
    #[arg(long, value_name = "WHAT", value_parser = parse_by)]
    pub by: Option<By>,
    /// Exit with 1 if an incident has this verdict (may be repeated)
    #[arg(long, value_enum, value_name = "VERDICT")]
    pub fail_on: Vec<FailOnChange>,
    /// Output form
    #[arg(long, value_enum, default_value_t = CompareFormat::Table)]
    pub format: CompareFormat,
    /// How the logs are read
    #[command(flatten)]
    pub read: ReadArgs,
}

/// What of a comparison makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOnChange {
    /// An incident that was not seen before
    New,
    /// An incident by which a larger share of requests fails
    Worse,
}

/// Output forms of `compare`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For people
    Table,
    /// One JSON object
    Json,
}

fn parse_by(text: &str) -> Result<By, String> {
    let (what, value) = text.split_once('=').map_or((text, None), |(what, value)| (what, Some(value)));
    let name = value.filter(|value| !value.is_empty()).map(str::to_owned);
    match (what, value) {
        ("time", Some(value)) => parse_time(value).map(By::Time),
        ("deployment", _) => Ok(By::Deployment(name)),
        ("environment", _) => Ok(By::Environment(name)),
        ("branch", _) => Ok(By::Branch(name)),
        _ => Err("one of: time=TIME, deployment[=ID], environment[=NAME], branch[=NAME]".to_owned()),
    }
}

/// Arguments of `rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// What to do
    #[command(subcommand)]
    pub action: RulesAction,
    /// Rules of your own, as for triage
    #[arg(long, value_name = "DIR", global = true)]
    pub rules: Vec<PathBuf>,
}

/// What can be done with rules.
#[derive(Debug, Subcommand)]
pub enum RulesAction {
    /// List all causes
    List {
        /// Output form
        #[arg(long, value_enum, default_value_t = ListFormat::Text)]
        format: ListFormat,
    },
    /// Show one rule in full
    Show {
        /// Its id
        id: String,
    },
    /// Check every rule against its samples and counter-samples
    Test,
    /// Refuse rules that load and yet would not be good (exit code 4); with --rules, those of your own
    Lint,
    /// Count which signals of every rule its samples fire
    Coverage,
}

/// Output forms of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// One line per rule
    Text,
    /// A page of all causes, with what to do
    Markdown,
}

fn parse_class(text: &str) -> Result<crate::rules::model::Class, String> {
    use crate::rules::model::Class;
    Class::TRIAGE
        .into_iter()
        .chain([Class::Unclassified])
        .find(|class| class.as_str() == text)
        .ok_or_else(|| "one of: runtime, env, connectivity, platform, route, unclassified".to_owned())
}

fn parse_fail_on(text: &str) -> Result<FailOn, String> {
    match text {
        "any" => Ok(FailOn::Any),
        "new" => Ok(FailOn::New),
        _ => parse_class(text).map(FailOn::Class).map_err(|classes| format!("any, new, or {classes}")),
    }
}

pub(super) fn parse_time(text: &str) -> Result<i64, String> {
    crate::format::time::parse(text)
        .map(|stamp| stamp.ms)
        .ok_or_else(|| "a time such as 2026-01-01T10:00:00Z, or epoch seconds or milliseconds".to_owned())
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| "a number with a unit, such as 10s or 1m".to_owned())?;
    let interval = match &text[digits.len()..] {
        "" | "s" => Duration::from_secs(number),
        "ms" => Duration::from_millis(number),
        "m" => Duration::from_secs(number.saturating_mul(60)),
        _ => return Err("the unit is s, ms or m".to_owned()),
    };
    if interval.is_zero() { Err("more than nothing".to_owned()) } else { Ok(interval) }
}

/// A size with a unit: `8MiB`, `64KiB`, `1GiB`, or bytes.
fn parse_size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: usize = digits.parse().map_err(|_| "a size such as 8MiB".to_owned())?;
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("the unit is KiB, MiB or GiB".to_owned()),
    };
    match number.checked_mul(factor) {
        Some(size) if size >= 1024 => Ok(size),
        _ => Err("between 1KiB and what memory holds".to_owned()),
    }
}
