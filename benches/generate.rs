//! Writes a made-up log to standard output: `cargo bench --bench generate -- --format vercel --size 1GiB > big.ndjson`.

#[path = "support/generate.rs"]
#[expect(dead_code, reason = "others use the rest of it")]
mod generate;

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use generate::{Endless, Format, Generator};

const USAGE: &str = "options: --format vercel|cloudwatch|cloudwatch-text|dashboard|pino  --size BYTES|NKiB|NMiB|NGiB  --seed N  --failed-per-mille N  --in-flight N";

fn main() -> ExitCode {
    match plan(std::env::args().skip(1)) {
        // `cargo test --benches` and a bare `cargo bench` run this too: without a format there is nothing to do.
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some((generator, size_bytes))) => {
            match io::copy(&mut Endless::new(generator, size_bytes), &mut io::stdout().lock()) {
                Ok(_) => ExitCode::SUCCESS,
                Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("generate: {error}");
                    ExitCode::FAILURE
                }
            }
        }
        Err(problem) => {
            eprintln!("generate: {problem}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn plan(mut arguments: impl Iterator<Item = String>) -> Result<Option<(Generator, u64)>, String> {
    let (mut format, mut size_bytes, mut seed, mut failed_per_mille, mut in_flight) =
        (None, 100 << 20, 1, 20, 16);
    while let Some(name) = arguments.next() {
        if name == "--bench" {
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} {value}: not a number"));
        match name.as_str() {
            "--format" => {
                let found = Format::ALL.into_iter().find(|format| format.name() == value);
                format = Some(found.ok_or_else(|| format!("no format is called `{value}`"))?);
            }
            "--size" => size_bytes = generate::size(&value)?,
            "--seed" => seed = number()?,
            "--failed-per-mille" => failed_per_mille = number()?,
            "--in-flight" => in_flight = number()?,
            _ => return Err(format!("what is {name}?")),
        }
    }
    Ok(format.map(|format| (Generator::new(format, seed, failed_per_mille).in_flight(in_flight), size_bytes)))
}
