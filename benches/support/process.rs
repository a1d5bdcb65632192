//! Runs a program and says what it took.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use wait4::Wait4;

/// What a run took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Seconds on the clock.
    pub wall_s: f64,
    /// Seconds of all threads.
    pub cpu_s: f64,
    /// Most memory, in MiB.
    pub peak_mib: f64,
}

impl Cost {
    /// The median of each figure.
    pub fn median(costs: &[Cost]) -> Cost {
        let of = |get: fn(&Cost) -> f64| median(costs.iter().map(get).collect());
        Cost {
            wall_s: of(|cost| cost.wall_s),
            cpu_s: of(|cost| cost.cpu_s),
            peak_mib: of(|cost| cost.peak_mib),
        }
    }
}

/// The median; 0 of nothing.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// A program with its arguments; what it prints is thrown away.
pub struct Program {
    name: String,
    arguments: Vec<String>,
    piped: Option<PathBuf>,
}

impl Program {
    /// A program without arguments.
    pub fn new(name: &str) -> Program {
        Program { name: name.to_owned(), arguments: Vec::new(), piped: None }
    }

    /// With these arguments.
    pub fn args<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Program {
        self.arguments.extend(arguments.into_iter().map(str::to_owned));
        self
    }

    /// On this file.
    pub fn path(self, path: &Path) -> Program {
        let path = path.display().to_string();
        self.args([path.as_str()])
    }

    /// On this file through a pipe.
    pub fn piped(mut self, path: &Path) -> Program {
        self.piped = Some(path.to_owned());
        self
    }

    /// Runs it to its end. An error if it is not installed, or cannot read such input.
    pub fn run(&self) -> io::Result<Cost> {
        let mut feeder = match &self.piped {
            Some(path) => Some(Command::new("cat").arg(path).stdout(Stdio::piped()).spawn()?),
            None => None,
        };
        let input = match feeder.as_mut().and_then(|feeder| feeder.stdout.take()) {
            Some(pipe) => Stdio::from(pipe),
            None => Stdio::from(File::open("/dev/null")?),
        };
        let begun = Instant::now();
        let child = Command::new(&self.name)
            .args(&self.arguments)
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let ended = child.wait4()?;
        let wall_s = begun.elapsed().as_secs_f64();
        // 1 says of some programs that nothing was found; above it, the input is not for them.
        if ended.status.code().is_none_or(|code| code > 1) {
            return Err(io::Error::other(format!("{} failed: {}", self.name, ended.status)));
        }
        let used = ended.rusage;
        if let Some(mut feeder) = feeder {
            feeder.wait()?;
        }
        let cpu_s = (used.utime + used.stime).as_secs_f64();
        Ok(Cost { wall_s, cpu_s, peak_mib: used.maxrss as f64 / f64::from(1 << 20) })
    }
}
