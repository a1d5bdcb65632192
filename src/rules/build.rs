//! Build script: reads the files of `rules/` and `src/redact/rules/` and checks them with the program's own code, so that a faulty
//! built-in rule stops the build and the program need not read TOML or take patterns apart when it starts. `embedded.rs`
//! and `redact/patterns.rs` take up what is written here.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "../record.rs"]
#[expect(dead_code, reason = "rules need levels and marks only")]
mod record;

#[path = "."]
#[expect(dead_code, reason = "matching needs more of these than reading")]
mod rules {
    pub mod anchors;
    pub mod conditions;
    pub mod error;
    pub mod files;
    pub mod literals;
    pub mod model;
    pub mod presence;
    pub mod refusal;
    pub mod signal;
    pub mod validate;

    use std::error::Error;
    use std::mem::take;
    use std::path::Path;

    use self::validate::CheckedRule;

    /// Takes out what matching does not need: the part of the file's name that is the same for all, the samples, and
    /// the text of the file, which comes back and holds them.
    fn without_samples(checked: &mut CheckedRule) -> String {
        if let Some(below) = checked.file.name.strip_prefix("rules/") {
            checked.file.name = below.to_owned();
        }
        checked.rule.samples.clear();
        checked.rule.counter_samples.clear();
        take(&mut checked.file.text)
    }

    /// Reads a folder of rules: the checked rules, and the texts of their files. The error names all faults of all files.
    pub fn pack(dir: &Path) -> Result<(String, String), Box<dyn Error>> {
        let mut errors = Vec::new();
        let mut rules = files::in_order(files::read_folder(dir, &mut errors));
        files::resolve_yields(&rules, &mut errors);
        if !errors.is_empty() {
            return Err(error::RuleErrors(errors).into());
        }
        let texts: Vec<String> = rules.iter_mut().map(without_samples).collect();
        Ok((serde_json::to_string(&rules)?, serde_json::to_string(&texts)?))
    }
}

#[path = "../redact/read.rs"]
mod redaction;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=src/redact/rules");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    match rules::pack(Path::new("rules")) {
        Ok((rules, texts)) => {
            fs::write(out.join("rules.json"), rules)?;
            fs::write(out.join("texts.json"), texts)?;
        }
        Err(error) => say(&error.to_string()),
    }
    match redaction::pack(Path::new("src/redact/rules")) {
        Ok((patterns, samples)) => {
            fs::write(out.join("redaction.rs"), patterns)?;
            fs::write(out.join("redaction_samples.rs"), samples)?;
        }
        Err(faults) => faults.iter().for_each(|fault| say(&fault.to_string())),
    }
    Ok(())
}

/// Stops the build with this text.
fn say(error: &str) {
    error.lines().for_each(|line| println!("cargo::error={line}"));
}
