//! `why500 incidents save|list|show|match`: the memory of incidents.

use std::fmt::Write;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::args::{RunArgs, parse_time};
use super::exit::{Exit, Failure, print};
use super::memory::{named, say_faults};
use super::read::ReadArgs;
use super::triage::watch_signals;
use crate::format::time::rfc3339;
use crate::incidents::accept::{self, NoReport};
use crate::incidents::memory::{Memory, read_text, write};
use crate::incidents::saved::{Guard, Proof, Saved};
use crate::incidents::{DEFAULT_DIR, known};
use crate::redact::Redactor;
use crate::redact::printable::{escaped_json, printable};
use crate::report::model::Report;
use crate::report::words;

/// Longest body or log of a probe that is kept, in characters.
const MAX_PROOF_CHARS: usize = 4000;

/// Arguments of `incidents`.
#[derive(Debug, Args)]
pub struct IncidentsArgs {
    /// What to do
    #[command(subcommand)]
    pub action: IncidentsAction,
    /// Folder of saved incidents; by default .why500/incidents of the current directory
    #[arg(long, value_name = "DIR", global = true)]
    pub dir: Option<PathBuf>,
}

/// What can be done with the memory.
#[derive(Debug, Subcommand)]
pub enum IncidentsAction {
    /// Save an incident of these logs, or of a report.json, with what is known of it
    Save(Box<SaveArgs>),
    /// List the saved incidents
    List {
        /// Output form
        #[arg(long, value_enum, default_value_t = MemoryFormat::Text)]
        format: MemoryFormat,
    },
    /// Show one saved incident
    Show {
        /// Its fingerprint, or how it begins
        id: String,
        /// Output form
        #[arg(long, value_enum, default_value_t = MemoryFormat::Text)]
        format: MemoryFormat,
    },
    /// Say of every incident of these logs whether it was seen before
    Match(Box<MatchArgs>),
}

/// Output forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MemoryFormat {
    /// For people
    Text,
    /// JSON
    Json,
}

/// Where incidents come from.
#[derive(Debug, Clone, Args)]
pub struct FromArgs {
    /// Logs as for triage, or one report.json
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How the logs are read
    #[command(flatten)]
    pub read: ReadArgs,
}

/// Arguments of `incidents save`.
#[derive(Debug, Clone, Args)]
pub struct SaveArgs {
    /// Fingerprint of the incident or how it begins; `top` for the first of the report
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where it comes from
    #[command(flatten)]
    pub from: FromArgs,
    /// Who knows more
    #[arg(long, value_name = "TEXT")]
    pub owner: Option<String>,
    /// Why it happened; by default what the report says
    #[arg(long, value_name = "TEXT")]
    pub root_cause: Option<String>,
    /// What ended it
    #[arg(long, value_name = "TEXT")]
    pub fix: Option<String>,
    /// What keeps it from coming back; by default what the report says
    #[arg(long, value_name = "TEXT")]
    pub prevention: Option<String>,
    /// When it was fixed
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub fixed_at: Option<i64>,
    /// Ticket, change or postmortem (may be repeated)
    #[arg(long, value_name = "URL")]
    pub link: Vec<String>,
    /// Check of why500 gate that must find nothing once it is fixed, such as gate-edge-node-module:/api/pay; without a value
    /// those that prevent its cause (may be repeated)
    #[arg(long, value_name = "CHECK[:SUBJECT]", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub guard: Vec<String>,
    /// Status code that a probe after the fix got
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(100..=599))]
    pub proof_status: Option<u16>,
    /// Body that the probe got, or @FILE
    #[arg(long, value_name = "TEXT", requires = "proof_status")]
    pub proof_body: Option<String>,
    /// Log lines of the probe, or @FILE
    #[arg(long, value_name = "TEXT", requires = "proof_status")]
    pub proof_logs: Option<String>,
    /// When the probe was made
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "proof_status")]
    pub proof_at: Option<i64>,
    /// Add to a file that is there: what people wrote stays unless it is given anew
    #[arg(long)]
    pub update: bool,
}

/// Arguments of `incidents match`.
#[derive(Debug, Clone, Args)]
pub struct MatchArgs {
    /// What to match
    #[command(flatten)]
    pub from: FromArgs,
    /// Output form
    #[arg(long, value_enum, default_value_t = MemoryFormat::Text)]
    pub format: MemoryFormat,
}

/// Does what was asked.
pub fn run(args: &IncidentsArgs) -> Result<Exit, Failure> {
    let dir = args.dir.as_deref().unwrap_or(Path::new(DEFAULT_DIR));
    // What is saved makes its folder; to read one that was named it has to be there.
    if !matches!(args.action, IncidentsAction::Save(_)) {
        args.dir.as_deref().map(|dir| named("--dir", dir)).transpose()?;
    }
    match &args.action {
        IncidentsAction::Save(save_args) => save(dir, save_args),
        IncidentsAction::List { format } => list(dir, *format),
        IncidentsAction::Show { id, format } => show(dir, id, *format),
        IncidentsAction::Match(match_args) => matches(dir, match_args),
    }
}

fn load(dir: &Path) -> Memory {
    let memory = Memory::load(dir);
    say_faults(&memory);
    memory
}

/// The report of the logs.
fn triage(from: &FromArgs) -> Result<Report, Failure> {
    let engine = from.read.engine(from.read.options()?)?;
    let stop = Arc::new(AtomicBool::new(false));
    watch_signals(&stop);
    from.read.report(&from.paths, &engine, &stop)
}

/// The incidents of the logs or of the report, as JSON has them.
fn incidents(from: &FromArgs) -> Result<Vec<Value>, Failure> {
    if let [path] = from.paths.as_slice()
        && path.extension().is_some_and(|ending| ending == "json")
    {
        match accept::read_report(path) {
            Ok(report) => {
                return Ok(report.get("incidents").and_then(Value::as_array).cloned().unwrap_or_default());
            }
            Err(NoReport::OtherVersion(fault)) => return Err(Failure::Config(fault.to_string())),
            // Logs may have that ending, too.
            Err(NoReport::Other(_)) => {}
        }
    }
    let report = triage(from)?;
    report
        .incidents
        .iter()
        .map(|one| serde_json::to_value(one).map_err(|error| Failure::Output(error.into())))
        .collect()
}

fn save(dir: &Path, args: &SaveArgs) -> Result<Exit, Failure> {
    let proof = proof(args)?;
    let found: Vec<Saved> = incidents(&args.from)?.iter().filter_map(Saved::of).collect();
    let mut saved = pick(found, &args.id)?;
    let exists = dir.join(format!("{}.toml", saved.id));
    if exists.exists() {
        if !args.update {
            return Err(taken(&exists));
        }
        let earlier = read_text(&exists).and_then(|text| Saved::read(&exists, &text));
        saved.continue_from(earlier.map_err(|fault| Failure::Config(fault.to_string()))?);
    }
    let redactor = redactor(&args.from.read.run, &saved.id);
    let text = |text: &str| redactor.redact(&printable(text)).into_owned();
    for (field, given) in [
        (&mut saved.owner, &args.owner),
        (&mut saved.root_cause, &args.root_cause),
        (&mut saved.fix, &args.fix),
        (&mut saved.prevention, &args.prevention),
    ] {
        if let Some(given) = given {
            *field = printable(given).into_owned();
        }
    }
    if let Some(at) = args.fixed_at {
        saved.fixed_at = rfc3339(at);
    }
    for link in &args.link {
        let link = text(link);
        if !saved.links.contains(&link) {
            saved.links.push(link);
        }
    }
    saved.proof.extend(proof.map(|proof| Proof {
        body: cut(&text(&proof.body)),
        logs: cut(&text(&proof.logs)),
        ..proof
    }));
    guard(&mut saved, &args.guard)?;
    match write(dir, &saved, args.update) {
        Ok(path) => print(format!("{}\n", printable(&path.display().to_string())).as_bytes()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(taken(&exists)),
        Err(error) => Err(Failure::Output(error)),
    }
}

/// Adds the guards that were asked for.
fn guard(saved: &mut Saved, asked: &[String]) -> Result<(), Failure> {
    for text in asked {
        let guards = if text.is_empty() { suggested(saved)? } else { vec![Guard::parse(&printable(text))] };
        for guard in guards {
            known_check(&guard)?;
            if !saved.guards.contains(&guard) {
                saved.guards.push(guard);
            }
        }
    }
    Ok(())
}

#[cfg(feature = "gate")]
fn suggested(saved: &Saved) -> Result<Vec<Guard>, Failure> {
    let guards = crate::gate::judge::guards::suggest(saved);
    if guards.is_empty() {
        let cause = if saved.cause.is_empty() { "this incident" } else { saved.cause.as_str() };
        return Err(Failure::Usage(format!(
            "no check of why500 gate is known to prevent {cause}; name one: --guard=CHECK:SUBJECT (docs/gate.md)"
        )));
    }
    Ok(guards)
}

#[cfg(not(feature = "gate"))]
fn suggested(_saved: &Saved) -> Result<Vec<Guard>, Failure> {
    Err(Failure::Usage("this program has no gate; name the check: --guard=CHECK:SUBJECT".to_owned()))
}

#[cfg(feature = "gate")]
fn known_check(guard: &Guard) -> Result<(), Failure> {
    use crate::gate::judge::checks;
    use crate::rules::error::nearest;
    if checks::all().any(|about| about.id == guard.check) {
        return Ok(());
    }
    let near = nearest(&guard.check, checks::all().map(|about| about.id));
    let cure = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Err(Failure::Usage(format!("--guard: there is no check `{}`{cure}", guard.check)))
}

#[cfg(not(feature = "gate"))]
fn known_check(_guard: &Guard) -> Result<(), Failure> {
    Ok(())
}

fn taken(path: &Path) -> Failure {
    let there = std::io::Error::new(
        ErrorKind::AlreadyExists,
        format!("{} is there already; --update adds to it and keeps what people wrote", path.display()),
    );
    Failure::Output(there)
}

/// The one incident that is meant.
fn pick(found: Vec<Saved>, id: &str) -> Result<Saved, Failure> {
    let ids: Vec<String> = found.iter().map(|one| one.id.clone()).collect();
    let mut meant = match id {
        "top" => found.into_iter().take(1).collect(),
        _ => found.into_iter().filter(|one| !id.is_empty() && one.id.starts_with(id)).collect::<Vec<_>>(),
    };
    match (meant.pop(), meant.pop()) {
        (Some(one), None) => Ok(one),
        (Some(one), Some(other)) => {
            Err(Failure::NotThere(format!("`{id}` could be {} or {}: name more of it", other.id, one.id)))
        }
        _ if ids.is_empty() => Err(Failure::NotThere("there is no incident in this input".to_owned())),
        _ => {
            Err(Failure::NotThere(format!("no incident `{id}` in this input; there are {}", ids.join(", "))))
        }
    }
}

/// The probe that was described, before redaction.
fn proof(args: &SaveArgs) -> Result<Option<Proof>, Failure> {
    let Some(status) = args.proof_status else { return Ok(None) };
    let text = |given: &Option<String>| match given.as_deref() {
        None => Ok(String::new()),
        Some(given) => match given.strip_prefix('@') {
            Some(file) => read_text(Path::new(file)).map_err(|fault| Failure::Config(fault.to_string())),
            None => Ok(given.to_owned()),
        },
    };
    let at = args.proof_at.map(rfc3339).unwrap_or_default();
    Ok(Some(Proof { at, status, body: text(&args.proof_body)?, logs: text(&args.proof_logs)? }))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_PROOF_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What people pass by hand is redacted like what is read from logs; the fingerprint is the key unless one was given.
fn redactor(run: &RunArgs, id: &str) -> Redactor {
    if run.no_redact {
        return Redactor::off();
    }
    Redactor::new(run.redact_key.as_deref().unwrap_or(id).as_bytes()).with_own(&run.redact_pattern)
}

fn list(dir: &Path, format: MemoryFormat) -> Result<Exit, Failure> {
    let memory = load(dir);
    if format == MemoryFormat::Json {
        let all: Vec<&Saved> = memory.saved.values().map(|(_, saved)| saved).collect();
        return print_json(&all);
    }
    let mut out = String::new();
    for (_, saved) in memory.saved.values() {
        let state = match saved.fixed_at.as_str() {
            "" => "not fixed".to_owned(),
            at => format!("fixed {}", words::date(at)),
        };
        let owner = if saved.owner.is_empty() { "–" } else { &saved.owner };
        let class = &saved.class;
        let line = format!("{}  {class:12}  {state:16}  {owner:16}  {}", saved.id, saved.title);
        let _ = writeln!(out, "{}", printable(&line).replace('\n', " "));
    }
    if memory.saved.is_empty() {
        let _ = writeln!(out, "no saved incident in {}", printable(&dir.display().to_string()));
    }
    print(out.as_bytes())
}

fn show(dir: &Path, id: &str, format: MemoryFormat) -> Result<Exit, Failure> {
    let memory = load(dir);
    let (file, saved) = memory.find(id).map_err(Failure::NotThere)?;
    if format == MemoryFormat::Json {
        return print_json(saved);
    }
    let text = saved.to_toml().map_err(|error| Failure::Output(std::io::Error::other(error)))?;
    print(format!("# {}\n{}", printable(&file.display().to_string()), printable(&text)).as_bytes())
}

fn matches(dir: &Path, args: &MatchArgs) -> Result<Exit, Failure> {
    let memory = load(dir);
    let mut report = triage(&args.from)?;
    report.known = known::of(&report, &memory, None, &[], None);
    if args.format == MemoryFormat::Json {
        return print_json(&report.known.seen_before);
    }
    let mut out = String::new();
    for one in &report.incidents {
        let title = printable(&words::headline(one)).replace('\n', " ");
        let _ = match report.known.seen(&one.id) {
            Some(seen) => {
                let sentence = printable(&seen.sentence()).replace('\n', " ");
                writeln!(out, "{}  {title}\n              seen before: {sentence}", one.id)
            }
            None => writeln!(out, "{}  {title}\n              not seen before", one.id),
        };
    }
    print(out.as_bytes())
}

fn print_json(value: &impl serde::Serialize) -> Result<Exit, Failure> {
    let json = serde_json::to_string_pretty(value).map_err(|error| Failure::Output(error.into()))?;
    print(format!("{}\n", escaped_json(&json)).as_bytes())
}
