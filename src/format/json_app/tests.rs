use super::*;

fn read_all(text: &str) -> (Record, Vec<Record>) {
    let mut record = Record { message: text.to_owned(), ..Record::default() };
    assert!(JsonApp.detect(&record), "{text}");
    let mut more = Vec::new();
    JsonApp.read(&mut record, &mut more);
    (record, more)
}

fn read(text: &str) -> Record {
    read_all(text).0
}

fn id(record: &Record) -> Option<(&str, IdKind)> {
    record.id.as_ref().map(|id| (id.text.as_str(), id.kind))
}

const TIME_MS: Option<i64> = Some(1_767_262_215_001);

#[test]
fn reads_pino() {
    let record = read(
        r#"{"level":50,"time":1767262215001,"pid":17,"hostname":"web-1","reqId":"8f31aa","err":{"type":"PrismaClientInitializationError","message":"Can't reach database server","stack":"PrismaClientInitializationError: Can't reach database server\n    at f (/app/a.js:1:2)","errorCode":"P1001"},"msg":"lookup failed"}"#,
    );
    assert_eq!((record.time_ms, record.level), (TIME_MS, Some(Level::Error)));
    assert_eq!(record.message, "lookup failed");
    assert_eq!(record.error_class.as_deref(), Some("PrismaClientInitializationError"));
    assert_eq!(record.error_codes, ["P1001"]);
    assert_eq!(record.stream.as_deref(), Some("web-1:17"));
    assert_eq!(id(&record), Some(("8f31aa", IdKind::Request)));
    assert_eq!(record.field("logger"), Some("pino"));
    assert!(record.marks.is_empty());
}

#[test]
fn reads_pino_http() {
    let record = read(
        r#"{"level":30,"time":1767262215001,"pid":17,"hostname":"web-1","req":{"id":412,"method":"POST","url":"/api/orders?x=1","query":{"x":"1"},"headers":{"x-request-id":"7b1f","cookie":"a=b","user-agent":"x"},"remoteAddress":"203.0.113.9"},"res":{"statusCode":503,"headers":{}},"err":{"type":"Error","message":"failed with status code 503","stack":"Error: failed with status code 503\n    at onResFinished (/app/logger.js:1:1)"},"responseTime":5012,"msg":"request errored"}"#,
    );
    assert_eq!(record.status, Some(503));
    assert!(record.marks.has(Marks::CLIENT) && record.marks.has(Marks::END));
    assert_eq!((record.method.as_deref(), record.path.as_deref()), (Some("POST"), Some("/api/orders")));
    assert_eq!(record.duration_ms, Some(5012.0));
    assert_eq!(id(&record), Some(("web-1:17:412", IdKind::Scoped)));
    assert_eq!((record.error_text.as_str(), record.error_class), ("", None));
    assert_eq!(record.fields, [("logger".to_owned(), "pino".to_owned())]);

    let aborted = read(
        r#"{"level":30,"time":1767262215001,"pid":17,"hostname":"web-1","req":{"id":"a1b2","method":"GET","url":"/x"},"res":{"statusCode":null,"headers":{}},"responseTime":403,"msg":"request aborted"}"#,
    );
    assert!(aborted.marks.has(Marks::ABORTED) && aborted.marks.has(Marks::END));
    assert!(!aborted.marks.has(Marks::CLIENT) && aborted.status.is_none());
}

#[test]
fn reads_fastify() {
    let start = read(
        r#"{"level":30,"time":1767262215001,"pid":9,"hostname":"h","reqId":"req-1","req":{"method":"GET","url":"/api/price","host":"shop.example.com"},"msg":"incoming request"}"#,
    );
    assert!(start.marks.has(Marks::START));
    assert_eq!(start.path.as_deref(), Some("/api/price"));
    let error = read(
        r#"{"level":50,"time":1767262215001,"pid":9,"hostname":"h","reqId":"req-1","req":{"method":"GET","url":"/api/price"},"res":{"statusCode":500},"err":{"type":"TypeError","message":"x","stack":"TypeError: x\n    at f"},"msg":"x"}"#,
    );
    assert_eq!((error.status, error.marks), (Some(500), Marks::default()));
    let end = read(
        r#"{"level":30,"time":1767262215001,"pid":9,"hostname":"h","reqId":"req-1","res":{"statusCode":500},"responseTime":2.5,"msg":"request completed"}"#,
    );
    assert!(end.marks.has(Marks::CLIENT) && end.marks.has(Marks::END));
    assert_eq!(id(&start), id(&end));
    assert_eq!(id(&end), Some(("h:9:req-1", IdKind::Scoped)));
}

#[test]
fn an_upstream_status_is_never_ours() {
    for text in [
        r#"{"level":40,"time":1767262215001,"pid":1,"hostname":"h","req":{"id":"a1b2c","method":"GET","url":"/x"},"attempt":1,"status":503,"msg":"partner answered 503, retrying"}"#,
        r#"{"level":"error","message":"partner failed","url":"https://partner.example.com/x","method":"GET","status":502}"#,
        r#"{"level":"error","message":"charge failed","stack":"Error: charge failed\n    at f","statusCode":502}"#,
        r#"{"level":"error","message":"x","data":{"method":"GET","path":"/x","status":500}}"#,
        r#"{"level":"error","message":"x","err":{"message":"no","response":{"status":502}}}"#,
        r#"{"level":"info","message":"job done","status":"ok"}"#,
    ] {
        let record = read(text);
        assert_eq!((record.status, record.marks), (None, Marks::default()), "{text}");
    }
    let record = read(r#"{"level":"error","msg":"x","err":{"message":"no","response":{"status":502}}}"#);
    assert_eq!(record.field("upstream_status"), Some("502"));
}

#[test]
fn a_bare_status_counts_beside_method_and_path() {
    let access = read(
        r#"{"level":"info","message":"GET /x 500","method":"GET","path":"/x","status":500,"duration":12}"#,
    );
    assert_eq!((access.status, access.duration_ms), (Some(500), Some(12.0)));
    assert!(access.marks.has(Marks::CLIENT));
    let error = read(
        r#"{"level":"error","message":"boom","method":"GET","path":"/x","statusCode":"500","error":"TypeError: boom"}"#,
    );
    assert_eq!((error.status, error.marks), (Some(500), Marks::default()));
}

#[test]
fn reads_winston_and_nest() {
    let record = read(
        "{\"level\":\"\\u001b[31merror\\u001b[39m\",\"message\":\"db down\",\"requestId\":\"b7c2aa\",\"code\":\"ECONNREFUSED\",\"syscall\":\"connect\",\"address\":\"10.0.0.5\",\"port\":5432,\"stack\":\"Error: db down\\n    at f\",\"timestamp\":\"2026-01-01T10:10:15.001Z\"}",
    );
    assert_eq!((record.level, record.time_ms), (Some(Level::Error), TIME_MS));
    assert_eq!(record.error_codes, ["ECONNREFUSED"]);
    assert!(record.error_text.starts_with("Error: db down\n    at f"), "{}", record.error_text);
    assert!(record.error_text.contains("address: 10.0.0.5"));
    let file = read(
        r#"{"level":"error","message":"x","errno":-2,"syscall":"open","path":"/app/t.html","method":"GET"}"#,
    );
    assert_eq!((file.path.as_deref(), file.field("path")), (None, Some("/app/t.html")));
    let express = read(
        r#"{"level":"info","message":"HTTP GET /x","meta":{"req":{"method":"GET","url":"/x"},"res":{"statusCode":500},"responseTime":3}}"#,
    );
    assert_eq!((express.status, express.path.as_deref()), (Some(500), Some("/x")));
    assert!(express.marks.has(Marks::CLIENT));
    let nest =
        read(r#"{"level":"log","pid":9,"timestamp":1767262215001,"message":"up","context":"Bootstrap"}"#);
    assert_eq!(
        (nest.level, nest.field("logger"), nest.time_ms),
        (Some(Level::Info), Some("nestjs"), TIME_MS)
    );
}

#[test]
fn reads_other_node_loggers() {
    let bunyan = read(
        r#"{"name":"api","hostname":"h1","pid":9,"level":50,"err":{"message":"boom","name":"TypeError","stack":"TypeError: boom\n    at f (a.js:1:1)\nCaused by: Error: low"},"req_id":"8f31aa","msg":"boom","time":"2026-01-01T10:10:15.001Z","v":0}"#,
    );
    assert_eq!((bunyan.field("logger"), bunyan.time_ms), (Some("bunyan"), TIME_MS));
    assert_eq!(bunyan.error_class.as_deref(), Some("TypeError"));
    assert_eq!(id(&bunyan), Some(("8f31aa", IdKind::Request)));
    let log4js = read(
        r#"{"startTime":"2026-01-01T10:10:15.001Z","categoryName":"api","data":["quota hit",{"k":1}],"level":{"level":40000,"levelStr":"ERROR"},"context":{"requestId":"8f31aa"},"pid":9}"#,
    );
    assert_eq!((log4js.message.as_str(), log4js.level), ("quota hit", Some(Level::Error)));
    assert_eq!(id(&log4js), Some(("8f31aa", IdKind::Request)));
    let tslog4 = read(
        r#"{"0":"quota hit","_meta":{"runtime":"Nodejs","date":"2026-01-01T10:10:15.001Z","logLevelId":5,"logLevelName":"ERROR"}}"#,
    );
    assert_eq!(
        (tslog4.message.as_str(), tslog4.level, tslog4.time_ms),
        ("quota hit", Some(Level::Error), TIME_MS)
    );
    let tslog5 = read(
        r#"{"message":"quota hit","level":"ERROR","time":"2026-01-01T10:10:15.001Z","error":{"name":"RangeError","message":"x","stack":[{"fileName":"a.js","fileLine":"1","method":"f"}]},"_logMeta":{"v":5,"logLevelId":5}}"#,
    );
    assert_eq!((tslog5.error_class.as_deref(), tslog5.field("logger")), (Some("RangeError"), Some("tslog")));
}

#[test]
fn reads_ecs_dotted_and_nested() {
    for text in [
        r#"{"log.level":"error","@timestamp":"2026-01-01T10:10:15.001Z","ecs.version":"8.10.0","message":"fail","http":{"request":{"id":"8f31aa","method":"GET"},"response":{"status_code":502}},"url":{"path":"/o"},"event":{"duration":1200000000},"error":{"type":"TypeError","message":"no","stack_trace":"TypeError: no\n    at f"},"trace":{"id":"4BF92F3577B34DA6A3CE929D0E0E4736"}}"#,
        r#"{"log":{"level":"error"},"@timestamp":"2026-01-01T10:10:15.001Z","message":"fail","http.request.id":"8f31aa","http.request.method":"GET","http.response.status_code":"502","url.path":"/o","event.duration":1200000000,"error.type":"TypeError","error.message":"no","error.stack_trace":"TypeError: no\n    at f","trace.id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#,
    ] {
        let record = read(text);
        assert_eq!((record.status, record.path.as_deref()), (Some(502), Some("/o")), "{text}");
        assert_eq!((record.level, record.time_ms), (Some(Level::Error), TIME_MS), "{text}");
        assert_eq!(record.duration_ms, Some(1200.0), "{text}");
        assert_eq!(id(&record), Some(("8f31aa", IdKind::Request)), "{text}");
        assert_eq!(record.error_text, "TypeError: no\n    at f", "{text}");
        assert_eq!(record.error_class.as_deref(), Some("TypeError"), "{text}");
        assert_eq!(record.field("logger"), Some("ecs"), "{text}");
    }
}

#[test]
fn reads_google_cloud() {
    let entry = read(
        r#"{"insertId":"a1","logName":"projects/p1/logs/run.googleapis.com%2Frequests","timestamp":"2026-01-01T10:10:15.001234Z","severity":"ERROR","httpRequest":{"requestMethod":"GET","requestUrl":"https://app.example.com/o?x","status":503,"latency":"10.001s","remoteIp":"203.0.113.9","userAgent":"x"},"trace":"projects/p1/traces/4bf92f3577b34da6a3ce929d0e0e4736","resource":{"type":"cloud_run_revision","labels":{"revision_name":"web-00012","location":"europe-west1"}}}"#,
    );
    assert_eq!((entry.status, entry.path.as_deref()), (Some(503), Some("/o")));
    assert_eq!(entry.duration_ms, Some(10_001.0));
    assert!(entry.marks.has(Marks::CLIENT) && entry.marks.has(Marks::END));
    assert_eq!(id(&entry), Some(("4bf92f3577b34da6a3ce929d0e0e4736", IdKind::Trace)));
    assert_eq!(
        (entry.deployment.as_deref(), entry.region.as_deref()),
        (Some("web-00012"), Some("europe-west1"))
    );
    assert_eq!(entry.event_id.as_deref(), Some("1767262215001:a1"));
    assert!(entry.fields.iter().all(|(name, _)| !name.contains("Ip") && !name.contains("Agent")));
    let payload = read(
        r#"{"insertId":"a2","timestamp":"2026-01-01T10:10:15.001Z","severity":"DEFAULT","jsonPayload":{"level":50,"time":1767262215001,"pid":1,"hostname":"h","requestId":"8f31aa","msg":"boom","err":{"type":"TypeError","message":"boom","stack":"TypeError: boom"}}}"#,
    );
    assert_eq!((payload.level, payload.message.as_str()), (Some(Level::Error), "boom"));
    assert_eq!(payload.error_class.as_deref(), Some("TypeError"));
    let (text, _) = read_all(
        r#"{"insertId":"a3","timestamp":"2026-01-01T10:10:15.001Z","textPayload":"ERROR:    Exception in ASGI application\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'x'"}"#,
    );
    assert_eq!((text.error_class.as_deref(), text.runtime.as_deref()), (Some("KeyError"), Some("python")));
    let stdout = read(
        r#"{"severity":"ERROR","message":"boom","logging.googleapis.com/trace":"projects/p/traces/4bf92f3577b34da6a3ce929d0e0e4736"}"#,
    );
    assert_eq!(stdout.field("logger"), Some("gcp"));
    assert_eq!(id(&stdout).map(|(_, kind)| kind), Some(IdKind::Trace));
}

#[test]
fn reads_python() {
    let trace = r#"Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: bad"#;
    let structlog = read(&format!(
        r#"{{"event":"upstream failed","level":"error","timestamp":1767262215.001,"request_id":"8f31aa","exception":"{trace}"}}"#
    ));
    assert_eq!((structlog.message.as_str(), structlog.time_ms), ("upstream failed", TIME_MS));
    assert_eq!(structlog.error_class.as_deref(), Some("ValueError"));
    let json = read(&format!(
        r#"{{"asctime":"2026-01-01 10:10:15,001","levelname":"ERROR","levelno":40,"name":"api","message":"bad","exc_info":"{trace}"}}"#
    ));
    assert_eq!(
        (json.level, json.time_ms, json.field("logger")),
        (Some(Level::Error), TIME_MS, Some("python"))
    );
    assert!(json.error_text.ends_with("ValueError: bad"));
    let transformer = read(
        r#"{"event":"x","level":"error","timestamp":"2026-01-01T10:10:15.001Z","exception":[{"exc_type":"KeyError","exc_value":"'total'","frames":[]}]}"#,
    );
    assert_eq!(
        (transformer.error_class.as_deref(), transformer.error_text.as_str()),
        (Some("KeyError"), "KeyError: 'total'")
    );
    let django = read(
        r#"{"event":"request_finished","level":"info","timestamp":"2026-01-01T10:10:15.001Z","request":"GET /x","code":500,"request_id":"8f31aa"}"#,
    );
    assert_eq!((django.status, django.path.as_deref()), (Some(500), Some("/x")));
    assert!(django.marks.has(Marks::CLIENT));
}

#[test]
fn reads_go() {
    let zap = read(
        r#"{"level":"error","ts":1767262215.001,"caller":"a/b.go:12","msg":"save","error":"dial tcp 10.0.0.5:5432: i/o timeout","stacktrace":"main.f\n\t/src/b.go:12"}"#,
    );
    assert_eq!((zap.time_ms, zap.field("logger")), (TIME_MS, Some("zap")));
    assert!(zap.error_text.starts_with("dial tcp 10.0.0.5:5432: i/o timeout\nmain.f"), "{}", zap.error_text);
    let slog = read(
        r#"{"time":"2026-01-01T11:10:15.001234567+01:00","level":"ERROR+2","msg":"request completed","method":"GET","path":"/o","status":500,"duration":5000000}"#,
    );
    assert_eq!((slog.level, slog.duration_ms, slog.status), (Some(Level::Error), Some(5.0), Some(500)));
    let zerolog = read(r#"{"level":"error","time":"2026-01-01T10:10:15Z","error":"EOF","message":"save"}"#);
    assert_eq!((zerolog.error_text.as_str(), zerolog.field("logger")), ("EOF", Some("zerolog")));
}

#[test]
fn reads_lograge_serilog_and_tracing() {
    let lograge = read(
        r#"I, [2026-01-01T10:10:15.001234 #17]  INFO -- : [100d30d6-35ee-509b-bcf0-67bc08e7a9fc] {"method":"GET","path":"/o","format":"html","controller":"OController","action":"show","status":500,"duration":12.34,"error":"PG::ConnectionBad: timeout"}"#,
    );
    assert_eq!((lograge.status, lograge.duration_ms, lograge.time_ms), (Some(500), Some(12.34), TIME_MS));
    assert!(lograge.marks.has(Marks::CLIENT));
    assert_eq!(id(&lograge), Some(("100d30d6-35ee-509b-bcf0-67bc08e7a9fc", IdKind::Request)));
    assert_eq!(lograge.error_text, "PG::ConnectionBad: timeout");
    let serilog = read(
        r#"{"@t":"2026-01-01T10:10:15.0010000Z","@mt":"Failed {Op} for {Tenant:l}{None}","@l":"Error","@x":"System.TimeoutException: late\n   at A.B()","Op":"save","Tenant":"acme","@tr":"4bf92f3577b34da6a3ce929d0e0e4736"}"#,
    );
    assert_eq!(serilog.message, "Failed save for acme{None}");
    assert_eq!((serilog.time_ms, serilog.error_class.as_deref()), (TIME_MS, Some("TimeoutException")));
    assert_eq!(id(&serilog).map(|(_, kind)| kind), Some(IdKind::Trace));
    let plain = read(
        r#"{"@t":"2026-01-01T10:10:15.001Z","@m":"HTTP GET /o responded 500 in 3.1 ms","RequestMethod":"GET","RequestPath":"/o","StatusCode":500,"Elapsed":3.1,"RequestId":"0HMA:01"}"#,
    );
    assert_eq!((plain.level, plain.status, plain.duration_ms), (Some(Level::Info), Some(500), Some(3.1)));
    assert!(plain.marks.has(Marks::CLIENT));
    let tracing = read(
        r#"{"timestamp":"2026-01-01T10:10:15.001Z","level":"ERROR","fields":{"message":"boom","error":"refused"},"target":"api","span":{"request_id":"8f31aa","name":"req"},"spans":[{"name":"req"}]}"#,
    );
    assert_eq!((tracing.message.as_str(), tracing.error_text.as_str()), ("boom", "refused"));
    assert_eq!(id(&tracing), Some(("8f31aa", IdKind::Request)));
}

#[test]
fn unwraps_json_in_text() {
    let inner = r#"{\"level\":50,\"time\":1767262215001,\"pid\":1,\"hostname\":\"h\",\"msg\":\"boom\",\"requestId\":\"8f31aa\"}"#;
    for text in [
        format!(r#"{{"log":"{inner}\n","stream":"stderr","time":"2026-01-01T10:10:15.5Z"}}"#),
        format!(r#"{{"level":"info","message":"{inner}","timestamp":"2026-01-01T10:10:15.5Z"}}"#),
        format!(r#"{{"level":"info","message":"2026-01-01T10:10:15.5Z INFO {inner}"}}"#),
        format!("\"{inner}\""),
        format!("2026-01-01T10:10:15.5Z stdout F {}", inner.replace('\\', "")),
        format!("web-1  | {}", inner.replace('\\', "")),
    ] {
        let record = read(&text);
        assert_eq!((record.level, record.message.as_str()), (Some(Level::Error), "boom"), "{text}");
        assert_eq!(record.time_ms, TIME_MS, "{text}");
        assert_eq!(id(&record), Some(("8f31aa", IdKind::Request)), "{text}");
    }
    let (docker, _) = read_all(
        r#"{"log":"10.0.0.2 - - [01/Jan/2026:10:10:15 +0000] \"GET /o HTTP/1.1\" 500 265\n","stream":"stdout","time":"2026-01-01T10:10:15.5Z"}"#,
    );
    assert_eq!((docker.status, docker.path.as_deref()), (Some(500), Some("/o")));
}

#[test]
fn the_first_level_and_time_stand() {
    let record =
        read(r#"{"level":30,"time":1767262215001,"pid":1,"msg":"a","level":"high","time":"noon","msg":"b"}"#);
    assert_eq!((record.level, record.time_ms, record.message.as_str()), (Some(Level::Info), TIME_MS, "b"));
}

#[test]
fn reads_what_is_left_of_a_cut_object() {
    let record = read(
        r#"{"level":50,"time":1767262215001,"pid":1,"hostname":"h","reqId":"8f31aa","err":{"type":"TypeError","message":"boom","stack":"TypeError: boo"#,
    );
    assert!(record.marks.has(Marks::TRUNCATED));
    assert_eq!((record.level, record.error_text.as_str()), (Some(Level::Error), "TypeError: boom"));
    assert_eq!(id(&record), Some(("8f31aa", IdKind::Request)));
    assert_eq!(read(r#"{"a" oops"#).message, r#"{"a" oops"#);
}

#[test]
fn keeps_the_containers_fields() {
    let mut record = Record {
        message: r#"{"level":"error","message":"x","requestId":"inner1","timestamp":"2026-01-01 10:10:15"}"#
            .to_owned(),
        time_ms: Some(1_767_262_000_000),
        stream: Some("s".to_owned()),
        ..Record::default()
    };
    record.set_id("outer1", IdKind::Request);
    JsonApp.read(&mut record, &mut Vec::new());
    assert_eq!(id(&record), Some(("outer1", IdKind::Request)));
    // A time without a zone does not replace one that the container knows.
    assert_eq!((record.time_ms, record.level), (Some(1_767_262_000_000), Some(Level::Error)));
}

#[test]
fn leaves_other_text_alone() {
    for text in
        ["{ foo: 'bar' }", "{", "payment failed {\"a\":1}", "[{\"a\":1}]", "{abc}", "Error {\"é\":1}", ""]
    {
        let claimed = JsonApp.detect(&Record { message: text.to_owned(), ..Record::default() });
        // A level is a logger's prefix.
        assert_eq!(claimed, text.starts_with("Error"), "{text}");
    }
}

#[test]
fn reads_loguru() {
    let error = read(
        r#"{"text": "2026-01-01 10:10:15.001 | ERROR | app:f:1 - lookup failed\nTraceback (most recent call last):\n\n  File \"/app/a.py\", line 7, in w\n    boom(key)\n    │    └ 'value of a variable'\n    └ <function boom>\n\nConnectionRefusedError: [Errno 111] Connection refused\n", "record": {"elapsed": {"seconds": 0.01}, "exception": {"type": "ConnectionRefusedError", "value": "[Errno 111] Connection refused", "traceback": true}, "extra": {"request_id": "8f31aa"}, "file": {"name": "a.py"}, "function": "f", "level": {"icon": "x", "name": "ERROR", "no": 40}, "line": 1, "message": "lookup failed", "name": "app", "process": {"id": 14, "name": "MainProcess"}, "time": {"repr": "2026-01-01 10:10:15.001+00:00", "timestamp": 1767262215.001}}}"#,
    );
    assert_eq!((error.time_ms, error.level), (TIME_MS, Some(Level::Error)));
    assert_eq!((error.message.as_str(), id(&error)), ("lookup failed", Some(("8f31aa", IdKind::Request))));
    assert_eq!(error.error_class.as_deref(), Some("ConnectionRefusedError"));
    assert!(!error.error_text.contains("value of a variable"), "{}", error.error_text);
}

#[test]
fn reads_an_object_in_place_of_the_message() {
    // NestJS's own logger, given an object.
    let nest = read(
        r#"{"level":"log","pid":9,"timestamp":1767262215001,"message":{"requestId":"8f31aa","status":500,"method":"GET","path":"/o/3","durationMs":31},"context":"Api"}"#,
    );
    assert_eq!((nest.status, nest.path.as_deref()), (Some(500), Some("/o/3")));
    assert!(nest.marks.has(Marks::CLIENT));
    // tslog, given an object and a text.
    let tslog = read(
        r#"{"1":"lookup failed","message":{"requestId":"8f31aa"},"level":"ERROR","time":"2026-01-01T10:10:15.001Z","error":{"name":"Error","message":"connect ECONNREFUSED 127.0.0.1:1","stack":[{"fileName":"a.mjs","fileLine":"3","method":"f"}]},"_logMeta":{"v":5,"logLevelId":5}}"#,
    );
    assert_eq!((tslog.message.as_str(), id(&tslog)), ("lookup failed", Some(("8f31aa", IdKind::Request))));
    assert!(tslog.error_text.contains("ECONNREFUSED"));
}

#[test]
fn reads_spring_and_gelf() {
    let logstash = read(
        r#"{"@timestamp":"2026-01-01T10:10:15.001Z","@version":"1","message":"Servlet.service() threw exception","logger_name":"o.a.c.c.C","thread_name":"http-nio-1","level":"ERROR","level_value":40000,"stack_trace":"java.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\nCaused by: java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after 30000ms.","requestId":"8f31aa"}"#,
    );
    assert_eq!((logstash.time_ms, logstash.level), (TIME_MS, Some(Level::Error)));
    assert_eq!(logstash.error_class.as_deref(), Some("IllegalStateException"));
    assert!(logstash.error_text.contains("HikariPool-1") && id(&logstash).is_some());
    let gelf = read(
        r#"{"version":"1.1","short_message":"query failed","timestamp":1767262215.001,"level":3,"_level_name":"ERROR","_process_pid":9,"host":"web-1","_log_logger":"a.B","_error_type":"java.sql.SQLException","_error_message":"late","_error_stack_trace":"java.sql.SQLException: late"}"#,
    );
    assert_eq!((gelf.message.as_str(), gelf.level), ("query failed", Some(Level::Error)));
    assert_eq!((gelf.time_ms, gelf.error_text.as_str()), (TIME_MS, "java.sql.SQLException: late"));
}

#[test]
fn reads_what_proxies_and_platforms_answered() {
    let traefik = read(
        r#"{"DownstreamStatus":504,"OriginStatus":504,"Duration":30001000,"RequestMethod":"GET","RequestPath":"/o","RouterName":"web@docker","StartUTC":"2026-01-01T10:10:15.001Z","RetryAttempts":1,"level":"info","msg":"","time":"2026-01-01T10:10:45Z"}"#,
    );
    // When it was written, as in other access logs, not when the request began.
    assert_eq!((traefik.status, traefik.time_ms), (Some(504), Some(1_767_262_245_000)));
    assert_eq!((traefik.duration_ms.map(f64::round), traefik.path.as_deref()), (Some(30.0), Some("/o")));
    let supabase = read(
        r#"{"id":"x","timestamp":1767262215001000,"event_message":"GET | 500 | /rest/v1/o","metadata":[{"request":[{"method":"GET","path":"/rest/v1/o","headers":[{"cf_ray":"8c1d2e3f4a5b6c7d-FRA"}]}],"response":[{"status_code":500}]}]}"#,
    );
    assert_eq!((supabase.status, supabase.time_ms), (Some(500), TIME_MS));
    assert_eq!(id(&supabase), Some(("8c1d2e3f4a5b6c7d", IdKind::Request)));
    let railway = read(
        r#"{"timestamp":"2026-01-01T10:10:15.001Z","method":"GET","path":"/o","httpStatus":502,"totalDuration":5001,"requestId":"r8f31aaa","responseDetails":"connection refused"}"#,
    );
    assert_eq!((railway.status, railway.error_text.as_str()), (Some(502), "connection refused"));
    assert!(railway.marks.has(Marks::CLIENT));
    let component = read(r#"web 2026-01-01T10:10:15.001000000Z {"level":50,"msg":"x"}"#);
    assert_eq!((component.time_ms, component.message.as_str()), (TIME_MS, "x"));
}

#[test]
fn reads_dotnet() {
    let finished = read(
        r#"{"EventId":2,"LogLevel":"Information","Category":"Microsoft.AspNetCore.Hosting.Diagnostics","Message":"Request finished HTTP/1.1 GET http://shop.example.com/o/3 - 500 0 - 31.2ms","State":{"Message":"Request finished","ElapsedMilliseconds":31.2,"StatusCode":500,"Protocol":"HTTP/1.1","Method":"GET","Host":"shop.example.com","Path":"/o/3","{OriginalFormat}":"Request finished {Protocol}"},"Scopes":[{"Message":"ConnectionId:0HN","ConnectionId":"0HN"},{"RequestId":"0HN7K:00000003","RequestPath":"/o/3"}],"Timestamp":"2026-01-01T10:10:15.001Z"}"#,
    );
    assert_eq!((finished.status, finished.path.as_deref()), (Some(500), Some("/o/3")));
    assert_eq!(
        (id(&finished), finished.duration_ms),
        (Some(("0HN7K:00000003", IdKind::Request)), Some(31.2))
    );
    assert!(finished.marks.has(Marks::CLIENT));
    let serilog = read(
        r#"{"Timestamp":"2026-01-01T11:10:15.0010000+01:00","Level":"Error","MessageTemplate":"Failed {Op}","Exception":"System.TimeoutException: late\n   at A.B()","Properties":{"Op":"save","RequestId":"0HN7K:00000003"}}"#,
    );
    assert_eq!((serilog.message.as_str(), serilog.time_ms), ("Failed save", TIME_MS));
    assert_eq!((serilog.level, id(&serilog)), (Some(Level::Error), id(&finished)));
    assert_eq!(serilog.error_class.as_deref(), Some("TimeoutException"));
}

#[test]
fn reads_access_records_of_go_loggers() {
    for text in [
        // zerolog's hlog, logrus, slog, zap.
        r#"{"level":"info","req_id":"cq1v","method":"GET","url":"/o","status":500,"size":12,"duration":31.0,"time":"2026-01-01T10:10:15Z","message":""}"#,
        r#"{"level":"info","request_id":"cq1v","method":"GET","path":"/o","status":500,"latency_ms":31,"msg":"request","time":"2026-01-01T10:10:15Z"}"#,
        r#"{"time":"2026-01-01T10:10:15Z","level":"INFO","msg":"request","request_id":"cq1v","method":"GET","path":"/o","status":500,"duration":31000000}"#,
        r#"{"level":"info","ts":1767262215.0,"msg":"request","request_id":"cq1v","method":"GET","path":"/o","status":500,"duration":0.031}"#,
    ] {
        let record = read(text);
        assert_eq!((record.status, record.path.as_deref()), (Some(500), Some("/o")), "{text}");
        assert_eq!(record.duration_ms.map(f64::round), Some(31.0), "{text}");
        assert!(id(&record) == Some(("cq1v", IdKind::Request)) && record.marks.has(Marks::CLIENT), "{text}");
    }
}

#[test]
fn an_error_handlers_own_note_of_its_answer_counts_where_nothing_else_does() {
    let noted = |line: &str| read(line).function_status;
    let line = r#"{"level":"error","requestId":"r-1","statusCode":500,"message":"Error: no such table"}"#;
    assert_eq!(noted(line), Some(500));
    assert_eq!(noted(&line.replace("error", "info")), None, "no error");
    assert_eq!(noted(&line.replace("500", "503")), None, "more likely somebody else's");
    assert_eq!(noted(&line.replace("statusCode", "status")), None, "more likely somebody else's");
}

#[test]
fn reads_what_go_programs_recovered_from() {
    let zap = read(
        r#"{"level":"error","ts":1767262215.001,"msg":"panic recovered","request_id":"8f31aa","panic":"runtime error: index out of range [3] with length 3"}"#,
    );
    assert_eq!(zap.error_text, "runtime error: index out of range [3] with length 3");
    let echo = read(
        r#"{"time":"2026-01-01T10:10:15.001Z","level":"-","prefix":"echo","message":"[PANIC RECOVER] cart is locked goroutine 6 [running]:\nmain.f()\n\t/app/main.go:1"}"#,
    );
    assert_eq!((echo.error_class.as_deref(), echo.level), (Some("panic"), Some(Level::Error)));
    let access = |text: &str| read(text).duration_ms;
    assert_eq!(
        access(
            r#"{"time":"2026-01-01T10:10:15.001Z","id":"a","method":"GET","uri":"/x","status":500,"error":"","latency":12345678,"latency_human":"12.345678ms"}"#
        ),
        Some(12_345_678.0 * 1e-6)
    );
    assert_eq!(
        access(
            r#"{"duration":223092,"level":"info","method":"GET","msg":"request completed","path":"/x","status":500,"time":"2026-01-01T10:10:15Z"}"#
        ),
        None,
        "0.2 ms as Go writes it, or minutes of somebody who divided it"
    );
}

#[test]
fn reads_the_request_that_monolog_adds() {
    let record = read(
        r#"{"message":"x","context":{},"level":500,"level_name":"CRITICAL","channel":"app","datetime":"2026-01-01T10:10:15.001+00:00","extra":{"url":"/orders/7","ip":"::1","http_method":"GET","server":"h"}}"#,
    );
    assert_eq!((record.method.as_deref(), record.path.as_deref()), (Some("GET"), Some("/orders/7")));
    assert!(record.marks.is_empty());
}
