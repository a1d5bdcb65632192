//! What processes print when they end by a failure, and when they serve again: how a line that belongs to no request is
//! recognised as one. It tells that a process ended, never why; why is for the rules.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::record::{Marks, Record};

/// Bytes at the beginning and at the end of a text that are looked at: the words stand first or last.
const LOOK_BYTES: usize = 2048;

/// What else a text must show where a phrase stands.
#[derive(Clone, Copy)]
enum If {
    /// Nothing: only the end of a process, or of the worker that had the request, prints it.
    Said,
    /// It begins the line; elsewhere it may be quoted.
    BeginsLine,
    /// The number behind it is of a failure: a process that was asked to end fails nobody.
    Failed,
    /// The switch of this name is on.
    True,
}

/// What is printed when a process ends by a failure.
const ENDINGS: &[(&str, If)] = &[
    // Node.js after an exception that nobody caught; V8; nodemon and pm2 of the program they ran.
    ("Node.js v", If::BeginsLine),
    ("FATAL ERROR: ", If::BeginsLine),
    ("npm ERR! errno ", If::Failed),
    ("npm error code ", If::Failed),
    ("error Command failed with exit code ", If::Failed),
    ("[nodemon] app crashed", If::Said),
    ("] exited with code [", If::Failed),
    ("because it exceeds --max-memory-restart", If::Said),
    // Libraries and frameworks that end the process at its start.
    ("Exiting with error code", If::Said),
    ("[ExceptionHandler] ", If::Said),
    ("Could not find a production build in the", If::Said),
    ("Application startup failed. Exiting.", If::Said),
    ("APPLICATION FAILED TO START", If::Said),
    ("Application run failed", If::Said),
    ("Hosting failed to start", If::Said),
    ("Error loading ASGI app", If::Said),
    ("unable to load app 0", If::Said),
    ("no python application found", If::Said),
    ("! Unable to load application: ", If::Said),
    ("Worker failed to boot", If::Said),
    ("Exception in worker process", If::Said),
    // Workers that their server ends; it also replaces some in good order.
    ("WORKER TIMEOUT (pid", If::Said),
    ("was sent SIGKILL!", If::Said),
    ("was sent SIGSEGV!", If::Said),
    ("Terminating timed out worker", If::Said),
    ("DAMN ! worker", If::Said),
    ("exited on signal 6", If::Said),
    ("exited on signal 9", If::Said),
    ("exited on signal 11", If::Said),
    // Languages; of threads beside the first one a runtime survives the panic.
    ("thread 'main' panicked at ", If::Said),
    ("thread 'main' (", If::BeginsLine),
    ("goroutine 1 [running]:", If::BeginsLine),
    ("fatal error: all goroutines are asleep", If::Said),
    ("fatal error: concurrent map ", If::Said),
    ("Exception in thread \"main\"", If::Said),
    ("Unhandled exception. ", If::BeginsLine),
    ("Terminating due to java.lang.OutOfMemoryError", If::Said),
    ("Kernel pid terminated", If::Said),
    // Kernel, service manager, containers, platforms.
    ("Out of memory: Killed process", If::Said),
    ("Memory cgroup out of memory", If::Said),
    ("Main process exited, code=exited, status=", If::Failed),
    ("Main process exited, code=dumped", If::Said),
    ("Main process exited, code=killed, status=9/", If::Said),
    ("exited with code ", If::Failed),
    ("Process exited with status ", If::Failed),
    ("to crashed", If::Said),
    ("Main child exited normally with code: ", If::Failed),
    ("OOMKilled", If::True),
];

/// What is printed when a process serves again.
const READY: &[&str] = &[
    "istening on",
    "istening at",
    "tarted server on",
    "eady on http",
    "Ready in ",
    "Uvicorn running on",
    "Application startup complete",
    "erver started",
    "erver is running",
    "erver running",
    "server up",
    "eady to accept connections",
    "eady to handle connections",
    "Accepting connections at",
    "changed from starting to up",
];

static ENDINGS_AT_ONCE: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(ENDINGS.iter().map(|(phrase, _)| phrase)).ok());
static READY_AT_ONCE: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(READY).ok());

/// Whether a line tells that a process ended by a failure, or the worker that had the request.
pub fn ends_process(record: &Record) -> bool {
    record.marks.has(Marks::CRASH | Marks::OUT_OF_MEMORY)
        || has_ending(&record.message)
        || has_ending(&record.error_text)
}

/// Whether a line tells that a process serves, as it does when it was started again.
pub fn serves(record: &Record) -> bool {
    let head = &record.message.as_bytes()[..record.message.len().min(LOOK_BYTES)];
    READY_AT_ONCE.as_ref().is_some_and(|ready| ready.is_match(head))
}

fn has_ending(text: &str) -> bool {
    if text.len() <= 2 * LOOK_BYTES {
        return has_ending_within(text);
    }
    let (head, tail) =
        (text.floor_char_boundary(LOOK_BYTES), text.ceil_char_boundary(text.len() - LOOK_BYTES));
    has_ending_within(&text[..head]) || has_ending_within(&text[tail..])
}

fn has_ending_within(text: &str) -> bool {
    let Some(endings) = ENDINGS_AT_ONCE.as_ref() else { return false };
    endings.find_overlapping_iter(text).any(|found| {
        let begins_line = found.start() == 0 || text.as_bytes()[found.start() - 1] == b'\n';
        let rest = &text[found.end()..];
        match ENDINGS[found.pattern().as_usize()].1 {
            If::Said => true,
            If::BeginsLine => begins_line,
            If::Failed => is_failing_code(rest),
            If::True => !is_off(rest),
        }
    })
}

/// Whether a text begins with the exit code of a failure. A process that was asked to end exits with 0 or, by the signal,
/// with 129, 130 or 143.
fn is_failing_code(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let code = text[..digits].parse::<u16>();
    code.is_ok_and(|code| !matches!(code, 0 | 129 | 130 | 143))
}

/// Whether what follows a name says no: `":false`, `=false`, `: 0`.
fn is_off(text: &str) -> bool {
    let value = text.trim_start_matches(['"', '\'', ':', '=', ' ']);
    ["false", "0", "no"].iter().any(|no| value.starts_with(no))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_process_is_told_from_what_it_prints_while_it_runs() {
        let says = |message: &str| ends_process(&Record { message: message.to_owned(), ..Record::default() });
        assert!(says("TypeError: x\n    at file:///app/a.mjs:1:2\n\nNode.js v24.1.0"));
        assert!(says("web-1 exited with code 1") && says("Process exited with status 137"));
        assert!(says("thread 'main' panicked at src/main.rs:4:5:\nno database"));
        assert!(says("fatal error: concurrent map writes\n\ngoroutine 49 [running]:"));
        for running in [
            "listening on 3000",
            "TypeError: x\n    at handler (/app/a.js:1:2)",
            "http: panic serving 10.0.0.9:1: nil pointer\ngoroutine 7 [running]:",
            "shutdown of the previous worker is done",
            "migrate-1 exited with code 0",
            "web-1 exited with code 143",
            "App [api:0] exited with code [0] via signal [SIGINT]",
            "[2214] [INFO] Worker exiting (pid: 2214)",
            r#"{"State":{"OOMKilled":false,"ExitCode":0}}"#,
            "thread 'tokio-runtime-worker' panicked at src/jobs.rs:9:1:\nindex out of bounds",
            "page title: FATAL ERROR: Reached heap limit",
            "app.service: Main process exited, code=exited, status=0/SUCCESS",
            "app.service: Main process exited, code=killed, status=15/TERM",
        ] {
            assert!(!says(running), "{running}");
        }
        assert!(serves(&Record { message: "listening on 3000".to_owned(), ..Record::default() }));
        let long = format!("{}\nNode.js v24.1.0", "x".repeat(3 * LOOK_BYTES));
        assert!(says(&long) && !says(&"x".repeat(3 * LOOK_BYTES)));
    }
}
