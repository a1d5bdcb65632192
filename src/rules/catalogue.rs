//! All causes as one Markdown page, for readers who look a cause up. Decoys are no causes and are left out.

use std::fmt::Write;

use crate::rules::load::RuleSet;
use crate::rules::model::{Class, Rule};

/// The page: classes in the order of triage, in them subclasses and then ids by name. Ends in a line break.
pub fn markdown(rules: &RuleSet) -> String {
    let causes: Vec<&Rule> = rules.rules().iter().filter(|rule| rule.class != Class::Decoy).collect();
    let mut out = String::from("# Causes\n\n");
    out.push_str(
        "<!-- Written by `why500 rules list --format markdown`; edit the files in rules/ instead. -->\n\n",
    );
    let _ = writeln!(
        out,
        "The {} causes that why500 tells apart. `{{name}}` stands for what the log says, and text in square brackets is \
         shown only where the log says it.",
        causes.len()
    );
    for class in Class::TRIAGE {
        let mut of_class: Vec<&Rule> = causes.iter().copied().filter(|rule| rule.class == class).collect();
        if of_class.is_empty() {
            continue;
        }
        of_class.sort_by(|a, b| (&a.subclass, &a.id).cmp(&(&b.subclass, &b.id)));
        let _ = writeln!(out, "\n## {class}\n\n{}", about(class));
        let mut subclass = None;
        for rule in of_class {
            if subclass != Some(&rule.subclass) {
                subclass = Some(&rule.subclass);
                let _ = writeln!(out, "\n### {class}/{}", rule.subclass);
            }
            entry(&mut out, rule);
        }
    }
    out
}

/// What the class is, one sentence.
fn about(class: Class) -> &'static str {
    match class {
        Class::Runtime => "What the code needs is not what the deployed runtime gives.",
        Class::Env => "A variable, secret or credential is missing, malformed or meant for another place.",
        Class::Connectivity => {
            "A database or another service cannot be reached, refuses, or answers too late."
        }
        Class::Platform => "A limit of the platform: time, memory, payload, throttling.",
        Class::Route => "A bug in the handler, the query or the schema.",
        Class::Unclassified | Class::Decoy => "",
    }
}

fn entry(out: &mut String, rule: &Rule) {
    let _ = writeln!(out, "\n#### {}\n\n`{}`", escape(&rule.title), rule.id);
    for text in [escape(&rule.meaning), format!("**Fix:** {}", escape(&rule.fix))] {
        let _ = writeln!(out, "\n{text}");
    }
    if !rule.references.is_empty() {
        out.push('\n');
    }
    for reference in &rule.references {
        let _ = writeln!(out, "- <{reference}>");
    }
}

/// The text on one line, with what Markdown would take for markup behind backslashes. An underscore within a word is
/// none.
fn escape(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(line.len() + 8);
    let mut before = ' ';
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let markup = match c {
            '\\' | '`' | '*' | '<' | '>' | '[' | ']' | '|' => true,
            '_' => !before.is_alphanumeric() || !after.is_alphanumeric(),
            _ => false,
        };
        if markup {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_texts_stays_text() {
        assert_eq!(
            escape("Set DATABASE_URL\nof {host}[:{port}]."),
            r"Set DATABASE_URL of {host}\[:{port}\]."
        );
        assert_eq!(escape("`a` *b* <c> __dirname \\"), r"\`a\` \*b\* \<c\> \_\_dirname \\");
    }
}
