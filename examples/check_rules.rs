//! For authors of rules: loads a folder of rule files, prints every fault, runs every sample.
//!
//! `cargo run --example check_rules -- rules` checks; `… -- rules --text FILE` prints which rules match the text
//! of a file (`-` for standard input), taken as one record.

use std::error::Error;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use why500::record::Record;
use why500::rules::{RuleSet, check};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (dir, text) = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [dir] => (*dir, None),
        [dir, "--text", file] => (*dir, Some(*file)),
        _ => {
            eprintln!("usage: check_rules DIR [--text FILE]");
            return Ok(ExitCode::from(2));
        }
    };
    let (rules, errors) = RuleSet::from_dir(Path::new(dir));
    for error in &errors {
        println!("{error}\n");
    }
    if let Some(file) = text {
        print_hits(&rules, file)?;
        return Ok(ExitCode::SUCCESS);
    }
    let failures = check::test(&rules, &|record| check::simple_winner(&rules, record));
    for failure in &failures {
        println!("{failure}\n");
    }
    println!(
        "{} rules loaded, {} faults in files, {} samples failed, rule set {}",
        rules.rules().len(),
        errors.len(),
        failures.len(),
        rules.hash()
    );
    Ok(if errors.is_empty() && failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn print_hits(rules: &RuleSet, file: &str) -> Result<(), Box<dyn Error>> {
    let mut message = String::new();
    if file == "-" {
        std::io::stdin().read_to_string(&mut message)?;
    } else {
        message = std::fs::read_to_string(file)?;
    }
    let record = Record { message, ..Record::default() };
    let text = record.text();
    let mut hits = Vec::new();
    rules.match_record(&record, &text, "", &mut hits);
    for hit in &hits {
        let id = rules.by_index(hit.rule).map_or("", |rule| rule.id.as_str());
        println!("{id} signal {} {:?} {:?}", hit.signal + 1, hit.strength, hit.effect);
        println!("  {:?}", text.get(hit.start..hit.end).unwrap_or_default());
        for (name, value) in &hit.captures {
            println!("  {name} = {value:?}");
        }
    }
    println!("decoys: {:?}", rules.decoys_in(&record, &text, ""));
    println!("winner: {}", check::simple_winner(rules, &record).as_deref().unwrap_or("none"));
    Ok(())
}
