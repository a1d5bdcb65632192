//! What `why500 gate` sees outside of the project: looked at now, or read from a transcript.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::NaiveDate;

use super::GateArgs;
use crate::cli::exit::{Failure, remark};
use crate::cli::triage::watch_signals;
use crate::engine::{Engine, Options};
use crate::gate;
use crate::gate::after::{Logs, Named};
use crate::gate::collect::project::Project;
use crate::gate::manifest::Manifest;
use crate::gate::probe::target::Target;
use crate::gate::probe::{self, Limits, Refusal};
use crate::gate::reach::{self, Bounds};
use crate::gate::transcript::{Observation, Phase, Transcript};
use crate::incidents::known;
use crate::incidents::memory::Memory;
use crate::input::source;
use crate::input::unpack::Expand;

/// What was seen, where anything was to be looked at.
///
/// # Errors
/// The arguments make no sense together, the host does not answer, or a transcript is bad or cannot be written.
pub fn transcript(
    args: &GateArgs,
    project: &Project,
    manifest: Option<&Manifest>,
    today: impl Fn() -> NaiveDate,
) -> Result<Option<Transcript>, Failure> {
    if let Some(path) = &args.transcript {
        return Transcript::read(path).map(Some).map_err(|fault| Failure::Config(fault.to_string()));
    }
    if args.live.is_none() && !args.reach {
        return match args.record {
            Some(_) => {
                Err(Failure::Usage("--record needs something to be seen: --live URL, --reach".to_owned()))
            }
            None => Ok(None),
        };
    }
    // Everything that can be wrong here is said before a connection is opened.
    let target = args.live.as_deref().map(Target::parse).transpose().map_err(Failure::Usage)?;
    if target.is_some() && manifest.is_none() {
        let text = "--live sends what why500.toml declares, and there is none; why500 gate init drafts one";
        return Err(Failure::Usage(text.to_owned()));
    }
    if let Some(path) = args.record.as_deref().filter(|path| path.exists()) {
        return Err(taken(path));
    }
    let mut transcript = Transcript::new(args.as_of.unwrap_or_else(today));
    let environment = |key: &str| std::env::var(key).ok();
    if let Some((target, manifest)) = target.zip(manifest) {
        let seen = probe::live(&target, manifest, &environment, Limits::of(manifest));
        let seen = seen.map_err(|refusal| unsent(&target, &refusal))?;
        transcript.head.target = Some(target.shown());
        transcript.add(Phase::Live, seen);
    }
    if args.reach {
        let reached = manifest.map(|manifest| {
            let sought = gate::sought(project, manifest, &environment);
            reach::run(&project.root, &sought, manifest, Bounds::default())
        });
        transcript.add(Phase::Reach, reached.into_iter().flatten().map(Observation::Datastore));
    }
    if let Some(path) = &args.record {
        write(path, &transcript)?;
    }
    Ok(Some(transcript))
}

/// Why no probe was sent.
fn unsent(target: &Target, refusal: &Refusal) -> Failure {
    match refusal {
        Refusal::Exposed => Failure::Usage(
            "--live: the manifest names secrets to send, and http can be read on the way; use https"
                .to_owned(),
        ),
        Refusal::Unreachable(why) => {
            remark(&format!("--live: {} does not answer: {why}", target.shown()));
            Failure::NoInput
        }
    }
}

/// The logs of a deployment, triaged.
///
/// # Errors
/// None could be read, or they do not name the deployment.
pub fn logs(args: &GateArgs, memory: Option<&Memory>) -> Result<Option<Logs>, Failure> {
    if !args.after {
        return Ok(None);
    }
    let engine = Engine::with_rules(&[], Options::default())?;
    let stop = Arc::new(AtomicBool::new(false));
    watch_signals(&stop);
    let mut finished = engine.run(source::find_within(&args.logs, Expand::default()), &stop, &mut ());
    for error in &finished.errors {
        remark(&error.to_string());
    }
    if finished.read == 0 {
        return Err(Failure::NoInput);
    }
    if let Some(memory) = memory {
        finished.report.known = known::of(&finished.report, memory, None, &[], None);
    }
    let named = Named { deployment: args.deployment.clone(), previous: args.previous.clone() };
    Logs::new(finished.report, &named).map(Some).map_err(Failure::NotThere)
}

fn taken(path: &Path) -> Failure {
    Failure::Usage(format!(
        "{} is there already; name a new file for --record, or move it away",
        path.display()
    ))
}

fn write(path: &Path, transcript: &Transcript) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    let written = transcript.write(&mut bytes).and_then(|()| File::create_new(path)?.write_all(&bytes));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => taken(path),
        _ => Failure::Output(error),
    })
}
