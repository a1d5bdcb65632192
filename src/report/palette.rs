//! Colours by role. Nothing depends on colour alone: every coloured word says what its colour says.

use anstyle::{AnsiColor, Style};

use super::model::Verdict;
use crate::rules::model::Class;

/// Ordinary text.
pub const PLAIN: Style = Style::new();
/// Headlines and what should be read first.
pub const STRONG: Style = Style::new().bold();
/// What may be passed over: labels, rules, notes.
pub const QUIET: Style = Style::new().dimmed();
/// Bad news: failures in the headline, an interrupted run.
pub const ALARM: Style = AnsiColor::Red.on_default().bold();
/// Good news, and the fix.
pub const GOOD: Style = AnsiColor::Green.on_default();

/// Colour of a class; the sixteen colours of the terminal's own theme, so it stays readable on light and dark.
pub fn class(class: Class) -> Style {
    match class {
        Class::Runtime => AnsiColor::Magenta.on_default(),
        Class::Env => AnsiColor::Yellow.on_default(),
        Class::Connectivity => AnsiColor::Cyan.on_default(),
        Class::Platform => AnsiColor::Red.on_default(),
        Class::Route => AnsiColor::Blue.on_default(),
        Class::Unclassified | Class::Decoy => QUIET,
    }
}

/// Mark and colour of a verdict.
pub fn verdict(verdict: Verdict) -> (&'static str, Style) {
    match verdict {
        Verdict::Fail => ("✗", AnsiColor::Red.on_default()),
        Verdict::Clear => ("✓", GOOD),
        Verdict::Unknown => ("·", QUIET),
    }
}
