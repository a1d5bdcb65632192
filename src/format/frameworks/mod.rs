//! What web frameworks print of a request by themselves: Rails, Sinatra and Puma, Spring, Laravel and PHP, Phoenix, ASP.NET Core and Serilog,
//! Go's net/http and frameworks, Nest, Nitro; and Rust's loggers. Next.js and Python's are elsewhere. One shape a file; each reads the text of one entry, wherever it was wrapped.

pub mod dotnet;
pub mod go;
pub mod go_access;
pub mod java;
pub mod nest;
pub mod nitro;
pub mod phoenix;
pub mod php;
pub mod rack;
pub mod rails;
pub mod rust;

use super::text_parts::{is_error_class, path_of};
use super::{About, Payload};
use crate::record::{Marks, Record};

#[cfg(test)]
mod tests;

/// A framework's own text.
pub struct Framework {
    name: &'static str,
    about: About,
    /// Whether the message is its own. Has to fail at the first bytes of most others.
    detect: fn(&str) -> bool,
    /// Fills the record by the message, which stays as it is.
    read: fn(&str, &mut Record),
}

impl Payload for Framework {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> About {
        self.about
    }

    fn detect(&self, record: &Record) -> bool {
        (self.detect)(&record.message)
    }

    fn read(&self, record: &mut Record, _more: &mut Vec<Record>) {
        let text = std::mem::take(&mut record.message);
        (self.read)(&text, record);
        record.message = text;
    }
}

/// An answer that the framework reports as sent.
fn complete(record: &mut Record, status: u16, duration_ms: Option<f64>) {
    record.status = Some(status);
    record.duration_ms = record.duration_ms.or(duration_ms);
    record.marks.insert(Marks::CLIENT | Marks::END);
}

/// A status as a word of its own.
fn status(word: &str) -> Option<u16> {
    let word = word.trim_end_matches([',', '.']);
    (word.len() == 3).then(|| word.parse().ok()).flatten().filter(|code| (100..600).contains(code))
}

/// Method and path of a request that begins.
fn begin(record: &mut Record, verb: &str, target: &str) {
    record.method = super::text_parts::method(verb).or(record.method.take());
    record.path = path_of(target).or(record.path.take());
}

/// The innermost error class of a printed stack of Java or .NET: of the last cause, else of the first line that is one.
fn note_class(text: &str, record: &mut Record) {
    let mut found: Option<&str> = None;
    for line in text.lines().take(1_000) {
        let trimmed = line.trim_start();
        let cause = ["Caused by: ", "---> "].iter().find_map(|start| trimmed.strip_prefix(start));
        let name = cause.unwrap_or(trimmed).split([':', ' ', '\r']).next().unwrap_or_default();
        if (cause.is_some() || found.is_none()) && name.contains('.') && is_error_class(name) {
            found = Some(name);
        }
    }
    if let Some(name) = found {
        record.error_class = name.rsplit('.').next().map(str::to_owned);
    }
}
