//! What processes print when they end: how a line that belongs to no request is recognised as one. It tells that a process
//! ended, never why; why is for the rules.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::record::{Marks, Record};

/// Bytes at the beginning and at the end of a text that are looked at: the words stand first or last.
const LOOK_BYTES: usize = 2048;

/// Texts that only the end of a process, or of the worker that had the request, prints.
const ENDINGS: &[&str] = &[
    // Node.js after an exception that nobody caught; V8; npm, yarn, nodemon and pm2 of the program they ran.
    "\nNode.js v",
    "FATAL ERROR: ",
    "npm ERR! errno ",
    "npm error Lifecycle script",
    "npm ERR! code ELIFECYCLE",
    "error Command failed with exit code",
    "[nodemon] app crashed",
    "] exited with code [",
    "because it exceeds --max-memory-restart",
    // Libraries and frameworks that end the process at its start.
    "Exiting with error code",
    "[ExceptionHandler] ",
    "Could not find a production build in the",
    "Application startup failed. Exiting.",
    "APPLICATION FAILED TO START",
    "Application run failed",
    "Hosting failed to start",
    "Error loading ASGI app",
    "unable to load app 0",
    "no python application found",
    "! Unable to load application: ",
    "Worker failed to boot",
    "Worker exiting (pid",
    // Workers that their server ends.
    "WORKER TIMEOUT (pid",
    "was sent SIGKILL!",
    "was sent SIGSEGV!",
    "Terminating timed out worker",
    "DAMN ! worker",
    "exited on signal ",
    // Languages.
    " panicked at ",
    "\ngoroutine 1 [running]:",
    "fatal error: all goroutines are asleep",
    "fatal error: concurrent map ",
    "Exception in thread \"main\"",
    "Unhandled exception. ",
    "Terminating due to java.lang.OutOfMemoryError",
    "Kernel pid terminated",
    // Kernel, service manager, containers, platforms.
    "Out of memory: Killed process",
    "Memory cgroup out of memory",
    "Main process exited, code=",
    "exited with code ",
    "Process exited with status",
    "to crashed",
    "Main child exited",
    "OOMKilled",
];

static ENDINGS_AT_ONCE: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(ENDINGS).ok());

/// Whether a line tells that a process ended, or the worker that had the request.
pub fn ends_process(record: &Record) -> bool {
    record.marks.has(Marks::CRASH | Marks::OUT_OF_MEMORY)
        || has_ending(record.message.as_bytes())
        || has_ending(record.error_text.as_bytes())
}

fn has_ending(text: &[u8]) -> bool {
    let Some(endings) = ENDINGS_AT_ONCE.as_ref() else { return false };
    if text.len() <= 2 * LOOK_BYTES {
        return endings.is_match(text);
    }
    endings.is_match(&text[..LOOK_BYTES]) || endings.is_match(&text[text.len() - LOOK_BYTES..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_process_is_told_from_what_it_prints_while_it_runs() {
        let says = |message: &str| ends_process(&Record { message: message.to_owned(), ..Record::default() });
        assert!(says("TypeError: x\n    at file:///app/a.mjs:1:2\n\nNode.js v24.1.0"));
        assert!(says("web-1 exited with code 1"));
        assert!(says("fatal error: concurrent map writes\n\ngoroutine 49 [running]:"));
        for running in [
            "listening on 3000",
            "TypeError: x\n    at handler (/app/a.js:1:2)",
            "http: panic serving 10.0.0.9:1: nil pointer\ngoroutine 7 [running]:",
            "shutdown of the previous worker is done",
        ] {
            assert!(!says(running), "{running}");
        }
        let long = format!("{}\nNode.js v24.1.0", "x".repeat(3 * LOOK_BYTES));
        assert!(says(&long) && !says(&"x".repeat(3 * LOOK_BYTES)));
    }
}
