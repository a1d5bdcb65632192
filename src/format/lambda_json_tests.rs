use super::*;

const U: &str = "11111111-2222-4333-8444-555555555555";
const STREAM: &str = "2026/01/01/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f9";

fn run(message: &str) -> Record {
    let mut record = Record { message: message.replace('#', U), ..Record::default() };
    assert!(LambdaJson.detect(&record), "{message}");
    LambdaJson.read(&mut record, &mut Vec::new());
    record
}

fn id(record: &Record) -> Option<&str> {
    record.id.as_ref().map(|id| id.text.as_str())
}

#[test]
fn reads_node() {
    let record = run(
        r##"{"timestamp":"2026-01-01T00:00:00.186Z","level":"ERROR","requestId":"#","message":{"errorType":"Error","errorMessage":"remaining connection slots are reserved","stackTrace":["Error: remaining connection slots are reserved","    at /var/task/db.js:10:5"]}}"##,
    );
    assert_eq!(
        (id(&record), record.level, record.time_ms),
        (Some(U), Some(Level::Error), Some(1_767_225_600_186))
    );
    assert_eq!(record.text(), "Error: remaining connection slots are reserved\n    at /var/task/db.js:10:5");
    assert!(record.marks.is_empty());

    let several = run(
        r##"{"timestamp":"2026-01-01T00:00:00.186Z","level":"ERROR","requestId":"#","tenantId":"t1","message":"payment failed TypeError: x\n    at f (a.js:1:2)","errorType":"TypeError","errorMessage":"x","stackTrace":["TypeError: x","    at f (a.js:1:2)"]}"##,
    );
    assert_eq!((several.error_class.as_deref(), several.field("tenantId")), (Some("TypeError"), Some("t1")));
    assert!(several.marks.is_empty());

    let crash = run(
        r##"{"timestamp":"2026-01-01T00:00:00.186Z","level":"ERROR","requestId":"#","message":"Invoke Error \t{\"errorType\":\"Error\",\"errorMessage\":\"boom\",\"stack\":[\"Error: boom\"]}"}"##,
    );
    assert_eq!(
        (crash.marks, crash.message.as_str(), crash.error_text.as_str()),
        (Marks::CRASH, "Invoke Error", "Error: boom")
    );

    let response = run(
        r##"{"timestamp":"2026-01-01T00:00:00.186Z","level":"INFO","requestId":"#","message":{"statusCode":500,"method":"GET","path":"/a?b=1"}}"##,
    );
    assert_eq!((response.status, response.path.as_deref()), (Some(500), Some("/a")));
}

#[test]
fn reads_initialisation() {
    let mut record = Record {
        message: r#"{"timestamp":"2026-01-01T00:00:00.186Z","level":"INFO","message":"loading"}"#.to_owned(),
        ..Record::default()
    };
    assert!(!LambdaJson.detect(&record));
    record.stream = Some(STREAM.to_owned());
    assert!(LambdaJson.detect(&record));
    LambdaJson.read(&mut record, &mut Vec::new());
    assert_eq!((record.marks, record.id, record.message.as_str()), (Marks::INIT, None, "loading"));
}

#[test]
fn reads_python() {
    let logged = run(
        r##"{"timestamp": "2026-01-01T00:00:00Z", "level": "ERROR", "message": "no table", "logger": "root", "stackTrace": ["  File \"/var/task/app.py\", line 3, in handler\n"], "errorType": "KeyError", "errorMessage": "'A'", "requestId": "#", "location": "/var/task/app.py:handler:3"}"##,
    );
    assert_eq!(
        (id(&logged), logged.message.as_str(), logged.error_class.as_deref()),
        (Some(U), "no table", Some("KeyError"))
    );
    assert!(logged.marks.is_empty());
    assert_eq!(logged.field("logger"), Some("root"));
    for crash in [
        r##"{"timestamp": "2026-01-01T00:00:00Z", "log_level": "ERROR", "errorMessage": "'A'", "errorType": "KeyError", "requestId": "#", "stackTrace": ["  File \"/var/task/app.py\", line 3, in handler\n"]}"##,
        r##"{"timestamp": "2026-01-01T00:00:00Z", "level": "ERROR", "errorMessage": "'A'", "errorType": "KeyError", "requestId": "#", "stackTrace": []}"##,
    ] {
        let record = run(crash);
        assert_eq!((record.marks, record.level, id(&record)), (Marks::CRASH, Some(Level::Error), Some(U)));
        assert_eq!(record.message, "KeyError: 'A'");
    }
}

#[test]
fn reads_java_and_dotnet() {
    let java = run(
        r##"{"timestamp":"2026-01-01T00:00:00.186Z","message":"hello","level":"WARN","AWSRequestId":"#"}"##,
    );
    assert_eq!((id(&java), java.level, java.message.as_str()), (Some(U), Some(Level::Warn), "hello"));
    let dotnet = run(
        r##"{"timestamp":"2026-01-01T00:00:00.186Z","level":"Critical","requestId":"#","traceId":"1-6955b900-0123456789abcdef01234567","message":"Order 7 failed","orderId":7,"errorType":"System.InvalidOperationException","errorMessage":"no stock","stackTrace":["at Program.Main()"]}"##,
    );
    assert_eq!(
        (dotnet.level, id(&dotnet), dotnet.field("orderId")),
        (Some(Level::Fatal), Some(U), Some("7"))
    );
    assert_eq!(dotnet.field("trace_id"), Some("1-6955b900-0123456789abcdef01234567"));
    assert!(dotnet.error_text.starts_with("System.InvalidOperationException: no stock"));
}

#[test]
fn reads_powertools() {
    let python = run(
        r##"{"level":"ERROR","location":"handler:42","message":{"event":"payment failed"},"timestamp":"2026-01-01 00:00:00,186+0000","service":"orders","cold_start":true,"function_name":"orders","function_memory_size":"128","function_request_id":"#","correlation_id":"c","exception":"Traceback (most recent call last):\n  File \"a.py\", line 1\nssl.SSLError: x","exception_name":"SSLError","xray_trace_id":"1-6955b900-0123456789abcdef01234567"}"##,
    );
    assert_eq!((id(&python), python.time_ms), (Some(U), Some(1_767_225_600_186)));
    assert_eq!(
        (python.message.as_str(), python.error_class.as_deref()),
        (r#"{"event":"payment failed"}"#, Some("SSLError"))
    );
    assert!(python.error_text.ends_with("ssl.SSLError: x"));
    assert_eq!(python.marks, Marks::COLD_START);
    assert_eq!((python.field("service"), python.field("correlation_id")), (Some("orders"), Some("c")));

    let script = run(
        r##"{"cold_start":false,"function_name":"orders","function_request_id":"#","level":"ERROR","message":"failed","service":"orders","timestamp":"2026-01-01T00:00:00.186Z","error":{"name":"TypeError","location":"/var/task/a.js:1","message":"x","stack":"TypeError: x\n    at f (/var/task/a.js:1:2)","cause":{"name":"Error","message":"connect ECONNREFUSED 10.0.0.5:5432"}}}"##,
    );
    assert_eq!(script.error_class.as_deref(), Some("TypeError"));
    assert!(script.error_text.contains("[cause]: Error: connect ECONNREFUSED 10.0.0.5:5432"));
    let frames = run(
        r##"{"level":"ERROR","message":"failed","timestamp":"2026-01-01 00:00:00,186+0000","function_request_id":"#","stack_trace":{"type":"KeyError","value":"'A'","module":"builtins","frames":[{"file":"a.py","line":3,"function":"handler","statement":"x"}]}}"##,
    );
    assert_eq!(
        (frames.error_class.as_deref(), frames.error_text.contains("handler (a.py:3)")),
        (Some("KeyError"), true)
    );
}

#[test]
fn leaves_foreign_objects() {
    for message in [
        r##"{"level":"info","message":"x","requestId":"11111111-2222-4333-8444-555555555555","timestamp":"2026-01-01T00:00:00.186Z"}"##,
        r##"{"timestamp":"2026-01-01T00:00:00.186Z","level":"info","requestId":"11111111-2222-4333-8444-555555555555"}"##,
        r##"{"timestamp":"2026-01-01T00:00:00.186Z","level":"ERROR","requestId":"42","message":"x"}"##,
        r##"{"time":1767225600186,"level":50,"reqId":"1","msg":"x"}"##,
        "{",
        "",
        "[INFO]",
        "{\"level\":\"",
    ] {
        assert!(
            !LambdaJson.detect(&Record { message: message.to_owned(), ..Record::default() }),
            "{message}"
        );
    }
    // Cut short: claimed, but left as it is.
    let mut cut = Record { message: "{\"function_request_id\":\"x".to_owned(), ..Record::default() };
    LambdaJson.read(&mut cut, &mut Vec::new());
    assert_eq!(cut.message, "{\"function_request_id\":\"x");
}
