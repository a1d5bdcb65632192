use super::*;
use crate::record::IdKind;

const U: &str = "11111111-2222-4333-8444-555555555555";
const STREAM: &str = "2026/01/01/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f9";

/// Reads a message that must be detected; `#` stands for the request id.
fn run(message: &str) -> Record {
    let mut record = Record { message: message.replace('#', U), ..Record::default() };
    assert!(LambdaText.detect(&record), "{message}");
    let mut more = Vec::new();
    LambdaText.read(&mut record, &mut more);
    assert!(more.is_empty(), "{message}");
    record
}

fn id(record: &Record) -> Option<&str> {
    record.id.as_ref().map(|id| id.text.as_str())
}

#[test]
fn reads_brackets_of_an_invocation() {
    let start = run("START RequestId: # Version: $LATEST\n");
    assert_eq!((id(&start), start.marks), (Some(U), Marks::START));
    let end = run("END RequestId: #\n");
    assert_eq!((id(&end), end.marks), (Some(U), Marks::SUMMARY));
    assert_eq!(end.message, format!("END RequestId: {U}"));
}

#[test]
fn reads_reports() {
    let tabs = "REPORT RequestId: #\tDuration: 12.30 ms\tBilled Duration: 13 ms \tMemory Size: 128 MB\tMax Memory Used: 60 MB\tInit Duration: 201.50 ms\t\nXRAY TraceId: 1-6955b900-0123456789abcdef01234567\tSegmentId: 0123456789abcdef\tSampled: true\t\n";
    let record = run(tabs);
    assert_eq!(record.marks, Marks::SUMMARY | Marks::END | Marks::COLD_START);
    assert_eq!(
        (record.duration_ms, record.memory_limit_mb, record.memory_used_mb),
        (Some(12.3), Some(128.0), Some(60.0))
    );
    assert_eq!(record.field("trace_id"), Some("1-6955b900-0123456789abcdef01234567"));
    assert_eq!(record.field("init_duration_ms"), Some("201.50"));
    assert_eq!(id(&record), Some(U));
    let spaces = run(&tabs.replace('\t', " "));
    assert_eq!(
        (spaces.duration_ms, spaces.memory_used_mb, spaces.marks),
        (Some(12.3), Some(60.0), record.marks)
    );

    let restored = run(
        "REPORT RequestId: #\tDuration: 116 ms\tBilled Duration: 117 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\tRestore Duration: 300.1 ms\tBilled Restore Duration: 301 ms\t",
    );
    assert_eq!((restored.duration_ms, restored.field("restore_duration_ms")), (Some(116.0), Some("300.1")));
    let swapped = run(
        "REPORT RequestId: #\tBilled Restore Duration: 301 ms\tRestore Duration: 300 ms\tBilled Duration: 2 ms\tDuration: 1 ms",
    );
    assert_eq!((swapped.duration_ms, swapped.field("restore_duration_ms")), (Some(1.0), Some("300")));
}

#[test]
fn reads_failed_reports() {
    let timeout = run(
        "REPORT RequestId: #\tDuration: 3000.00 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\tStatus: timeout",
    );
    assert!(timeout.marks.has(Marks::TIMEOUT) && !timeout.marks.has(Marks::CRASH));
    let exit = run("REPORT RequestId: #\tDuration: 30.00 ms\tStatus: error\tError Type: Runtime.ExitError\n");
    assert!(exit.marks.has(Marks::CRASH) && !exit.marks.has(Marks::OUT_OF_MEMORY));
    assert_eq!(exit.error_class.as_deref(), Some("Runtime.ExitError"));
    let memory =
        run("REPORT RequestId: #\tDuration: 30.00 ms\tStatus: error\tError Type: Runtime.OutOfMemory");
    assert!(memory.marks.has(Marks::OUT_OF_MEMORY));
}

#[test]
fn reads_initialisation() {
    let start = run(
        "INIT_START Runtime Version: python:3.12.mainlinev2.v7\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:0\n",
    );
    assert_eq!(
        (start.marks, id(&start), start.runtime.as_deref()),
        (Marks::INIT, None, Some("python:3.12.mainlinev2.v7"))
    );
    let error = run(
        "INIT_REPORT Init Duration: 137.69 ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError\n",
    );
    assert_eq!(error.marks, Marks::INIT | Marks::CRASH);
    assert_eq!((error.error_class.as_deref(), error.duration_ms), (Some("Runtime.ImportModuleError"), None));
    let retried = run("INIT_REPORT Init Duration: 9999.69 ms\tPhase: init\tStatus: timeout");
    assert_eq!(retried.marks, Marks::INIT);
    let ended = run("INIT_REPORT Init Duration: 3000 ms\tPhase: invoke\tStatus: timeout");
    assert_eq!(ended.marks, Marks::INIT | Marks::TIMEOUT);
    for line in [
        "RESTORE_START Runtime Version: java:21.v1",
        "RESTORE_REPORT Restore Duration: 300 ms",
        "EXTENSION\tName: x\tState: Ready\tEvents: [INVOKE]",
    ] {
        assert_eq!(run(line).marks, Marks::INIT, "{line}");
    }
    let uncaught = run(
        "2026-01-01T00:00:00.186Z\tundefined\tERROR\tUncaught Exception \t{\"errorType\":\"Runtime.ImportModuleError\",\"errorMessage\":\"Error: Cannot find module 'pg'\",\"stack\":[\"Runtime.ImportModuleError: Error: Cannot find module 'pg'\"]}",
    );
    assert_eq!((uncaught.marks, id(&uncaught)), (Marks::INIT | Marks::CRASH, None));
    assert!(uncaught.text().contains("Cannot find module 'pg'"));
    let warning = run("[WARNING]\t2026-01-01T00:00:00.186Z\t\tLAMBDA_WARNING: Unhandled exception.");
    assert_eq!((warning.marks, id(&warning), warning.level), (Marks::INIT, None, Some(Level::Warn)));
}

#[test]
fn reads_timeouts_and_exits() {
    let timeout = run("2026-01-01T00:00:03.186Z # Task timed out after 3.00 seconds\n\n");
    assert_eq!((timeout.marks, id(&timeout)), (Marks::TIMEOUT, Some(U)));
    assert_eq!(timeout.message, "Task timed out after 3.00 seconds");
    assert_eq!(timeout.time_ms, Some(1_767_225_603_186));

    let killed = run("RequestId: # Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n");
    assert_eq!((killed.marks, id(&killed)), (Marks::CRASH, Some(U)));
    assert_eq!(killed.message, "Error: Runtime exited with error: signal: killed\nRuntime.ExitError");
    assert_eq!(killed.error_class.as_deref(), Some("Runtime.ExitError"));
    let format = run(
        "RequestId: # Error: fork/exec /var/task/bootstrap: exec format error\nRuntime.InvalidEntrypoint",
    );
    assert_eq!(format.error_class.as_deref(), Some("Runtime.InvalidEntrypoint"));
    assert_eq!(run("RequestId: # Process exited before completing request").marks, Marks::CRASH);
    assert_eq!(run("RequestId: # Error: Task timed out after 3.00 seconds").marks, Marks::TIMEOUT);
}

#[test]
fn reads_prefixed_lines() {
    let cases = [
        ("2026-01-01T00:00:00.186Z\t#\tINFO\thello\tthere\n", Some(Level::Info), "hello\tthere"),
        ("2026-01-01T00:00:00.186Z\t#\told node", None, "old node"),
        (
            "2026-01-01T00:00:00.186Z\t#\tfail\tboom\n   at Program.Main()",
            Some(Level::Error),
            "boom\n   at Program.Main()",
        ),
        (
            "2026-01-01T00:00:00.186Z\t#\tERROR\tError: x\r    at f (a.js:1:2)\r",
            Some(Level::Error),
            "Error: x\n    at f (a.js:1:2)",
        ),
        ("[DEBUG]\t2026-01-01T00:00:00.186Z\t#\thello", Some(Level::Debug), "hello"),
    ];
    for (line, level, message) in cases {
        let record = run(line);
        assert_eq!((record.level, record.message.as_str(), id(&record)), (level, message, Some(U)), "{line}");
        assert_eq!(record.time_ms, Some(1_767_225_600_186));
        assert!(record.marks.is_empty());
    }
}

#[test]
fn reads_python_crashes() {
    let record = run(
        "[ERROR] KeyError: 'ORDERS_TABLE'\rTraceback (most recent call last):\r\u{a0} \u{a0} File \"/var/task/app.py\", line 23, in handler\n",
    );
    assert_eq!((record.marks, record.level, id(&record)), (Marks::CRASH, Some(Level::Error), None));
    assert_eq!(record.error_class.as_deref(), Some("KeyError"));
    assert_eq!(
        record.message,
        "KeyError: 'ORDERS_TABLE'\nTraceback (most recent call last):\n    File \"/var/task/app.py\", line 23, in handler"
    );
    assert!(run("[ERROR] Runtime.ImportModuleError: Unable to import module 'app'").marks.has(Marks::CRASH));
}

#[test]
fn reads_bracketed_levels_of_functions_only() {
    let mut record = Record { message: "[WARN] slow".to_owned(), ..Record::default() };
    assert!(!LambdaText.detect(&record));
    record.stream = Some(STREAM.to_owned());
    assert!(LambdaText.detect(&record));
    LambdaText.read(&mut record, &mut Vec::new());
    assert_eq!((record.level, record.message.as_str()), (Some(Level::Warn), "slow"));

    let mut logged = Record {
        message: "[ERROR] PaymentError: declined".to_owned(),
        stream: Some(STREAM.to_owned()),
        ..Record::default()
    };
    assert!(LambdaText.detect(&logged));
    LambdaText.read(&mut logged, &mut Vec::new());
    assert!(logged.marks.is_empty());
}

#[test]
fn keeps_what_the_container_knows() {
    let mut record = Record {
        message: format!("2026-01-01T00:00:00.186Z\t{U}\tERROR\tx"),
        time_ms: Some(1_767_225_600_188),
        level: Some(Level::Info),
        ..Record::default()
    };
    record.set_id("kq7zt-1767225600123-0a1b2c3d4e5f", IdKind::Request);
    LambdaText.read(&mut record, &mut Vec::new());
    assert_eq!((record.time_ms, record.level), (Some(1_767_225_600_188), Some(Level::Error)));
    assert_eq!(id(&record), Some("kq7zt-1767225600123-0a1b2c3d4e5f"));
    assert_eq!(record.field("lambda_request_id"), Some(U));
}

#[test]
fn leaves_foreign_messages() {
    for message in [
        "",
        "hello",
        "[ERROR] payment failed",
        "[error] TypeError: x",
        "{\"message\":\"\\nREPORT RequestId: 1\"}",
        "see REPORT RequestId: below",
        "2026-01-01T00:00:00.186Z INFO x",
        "Error: x\n    at f (a.js:1:2)",
    ] {
        let record = Record { message: message.to_owned(), ..Record::default() };
        assert!(!LambdaText.detect(&record), "{message}");
    }
}

/// Any mixture of the pieces that the grammars look for.
fn pieces() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let piece = prop_oneof![
        Just("START RequestId: "),
        Just("END RequestId: "),
        Just("REPORT RequestId: "),
        Just("RequestId: "),
        Just(U),
        Just("2026-01-01T00:00:00.186Z"),
        Just("[ERROR]"),
        Just("Invoke Error \t{\"errorType\":\"E\"}"),
        Just("Status: error\tError Type: Runtime.ExitError"),
        Just(" Duration: 1e9 ms"),
        Just("Traceback (most recent call last)"),
        Just("{\"time\":1,\"type\":\"platform.report\",\"record\":{}}"),
        Just("{\"requestId\":\"1\",\"status\":\"500\",\"routeKey\":\"x\",\"requestTime\":\"-\"}"),
        Just("\n"),
        Just("\r"),
        Just("\t"),
        Just(" "),
        Just("\\n"),
        Just("\u{a0}"),
        Just("{\"err\":{"),
        Just("}"),
        Just("ERROR"),
        Just(": "),
    ];
    let any = prop_oneof![4 => piece.prop_map(str::to_owned), 1 => ".{0,4}"];
    proptest::collection::vec(any, 0..24).prop_map(|pieces| pieces.concat())
}

proptest::proptest! {
    #[test]
    fn never_panics_and_keeps_its_promises(message in pieces()) {
        use crate::format::{apigw_access::ApiGatewayAccess, lambda_json::LambdaJson, lambda_platform::LambdaPlatform};
        let shapes: [&dyn Payload; 4] = [&LambdaText, &LambdaJson, &LambdaPlatform, &ApiGatewayAccess];
        for shape in shapes {
            let mut record = Record { message: message.clone(), ..Record::default() };
            let mut more = Vec::new();
            let _ = shape.detect(&record);
            shape.read(&mut record, &mut more);
            for (number, part) in more.iter().enumerate() {
                proptest::prop_assert_eq!(part.at.part as usize, number + 1);
                proptest::prop_assert!(!part.message.contains('\r'));
            }
        }
    }
}
