use super::*;
use crate::record::IdKind;

fn read(text: &str) -> Record {
    let mut record = Record { message: text.to_owned(), ..Record::default() };
    PlainText.read(&mut record, &mut Vec::new());
    record
}

fn id(record: &Record) -> Option<(&str, IdKind)> {
    record.id.as_ref().map(|id| (id.text.as_str(), id.kind))
}

#[test]
fn reads_times_and_levels() {
    let cases = [
        ("2026-01-01T10:10:15.001Z ERROR boom", Some(1_767_262_215_001), Some(Level::Error), "ERROR boom"),
        (
            "2026-01-01 10:10:15.001 +0000 [warn] boom",
            Some(1_767_262_215_001),
            Some(Level::Warn),
            "[warn] boom",
        ),
        (
            "[2026-01-01T10:10:15.001Z] [error] boom",
            Some(1_767_262_215_001),
            Some(Level::Error),
            "[error] boom",
        ),
        ("2026-01-01 10:10:15 boom", Some(1_767_262_215_000), None, "boom"),
        ("E boom", None, Some(Level::Error), "E boom"),
        ("error: boom", None, Some(Level::Error), "error: boom"),
        ("<error> boom", None, Some(Level::Error), "<error> boom"),
        ("\u{1b}[31mERROR\u{1b}[0m boom", None, Some(Level::Error), "ERROR boom"),
        (
            "TypeError: boom\n    at f (a.js:1:1)",
            None,
            Some(Level::Error),
            "TypeError: boom\n    at f (a.js:1:1)",
        ),
        ("info about errors", None, None, "info about errors"),
        ("I think so", None, Some(Level::Info), "I think so"),
        ("500 errors", None, None, "500 errors"),
        ("1767262215 orders", None, None, "1767262215 orders"),
    ];
    for (text, ms, level, message) in cases {
        let record = read(text);
        assert_eq!(record.time_ms, ms, "{text}");
        assert_eq!(record.level, level, "{text}");
        assert_eq!(record.message, message, "{text}");
        assert!(record.marks.is_empty() && record.status.is_none(), "{text}");
    }
}

#[test]
fn reads_explicit_ids_only() {
    let uuid = "100d30d6-35ee-509b-bcf0-67bc08e7a9fc";
    assert_eq!(id(&read("boom request_id=8f31aa")), Some(("8f31aa", IdKind::Request)));
    assert_eq!(id(&read("boom (reqId=req-7)")), Some(("req-7", IdKind::Scoped)));
    assert_eq!(id(&read(&format!("[{uuid}] boom"))), Some((uuid, IdKind::Request)));
    assert_eq!(id(&read(&format!("AccessDenied (Service: S3; Request ID: {uuid})"))), None);
    assert_eq!(id(&read("grid=4 boom")), None);
}

#[test]
fn reads_logfmt_by_the_table() {
    let record = read(
        "ts=2026-01-01T10:10:15.001Z level=error msg=\"acquire failed\" err=\"pool timeout\" pool.waiting=7 request_id=8f31",
    );
    assert_eq!(record.time_ms, Some(1_767_262_215_001));
    assert_eq!(record.level, Some(Level::Error));
    assert_eq!(record.message, "acquire failed");
    assert_eq!(record.error_text, "pool timeout");
    assert_eq!(record.field("pool.waiting"), Some("7"));
    assert_eq!(id(&record), Some(("8f31", IdKind::Request)));
    assert_eq!(record.status, None);
    assert_eq!(read("GET https://example.com/x?a=1&b=2").fields.len(), 0);
}

#[test]
fn a_sentence_with_pairs_keeps_its_text() {
    let text = "AuthError: status=401 message='Invalid key: it\'s expired' code=bad_key";
    let record = read(text);
    assert_eq!(record.message, text);
    assert_eq!(record.status, None);
    let record = read("level=error error='PG::ConnectionBad: timeout' msg='not saved' request_id=8f31aa");
    assert_eq!(
        (record.message.as_str(), record.error_text.as_str()),
        ("not saved", "PG::ConnectionBad: timeout")
    );
    assert_eq!(id(&record), Some(("8f31aa", IdKind::Request)));
    let record = read("level=error msg=don't tool='unclosed status=500");
    assert_eq!(record.message, "don't");
}

#[test]
fn reads_apache_errors() {
    let record = read(
        "[Thu Jan 01 10:10:15.001 2026] [proxy:error] [pid 9:tid 8] (111)Connection refused: AH00957: http: attempt to connect to 10.0.0.5:3000 (10.0.0.5:3000) failed",
    );
    assert_eq!((record.level, record.time_ms), (Some(Level::Error), Some(1_767_262_215_001)));
    assert_eq!(record.field("logger"), Some("apache"));
    assert!(record.marks.is_empty() && record.error_codes == ["AH00957"]);
}

#[test]
fn reads_node_crashes() {
    let crash = read(
        "TypeError: Cannot read properties of undefined (reading 'email')\n    at file:///app/a.mjs:14:20\n\nNode.js v24.21.0",
    );
    assert_eq!(crash.field("runtime_version"), Some("24.21.0"));
    assert_eq!(crash.error_class.as_deref(), Some("TypeError"));
    assert!(crash.marks.has(Marks::CRASH) && crash.level == Some(Level::Fatal));
    let whole = read(
        "/app/a.js:12\n  throw new RangeError('x');\n  ^\n\nRangeError: x\n    at f (/app/a.js:12:9)\n\nNode.js v20.11.1",
    );
    assert_eq!(whole.error_class.as_deref(), Some("RangeError"));
    let heap = read("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory");
    assert!(heap.marks.has(Marks::OUT_OF_MEMORY) && heap.marks.has(Marks::CRASH));
    let warning = read("(node:17) [DEP0040] DeprecationWarning: The `punycode` module is deprecated.");
    assert_eq!((warning.level, warning.error_class), (Some(Level::Warn), None));
}

#[test]
fn reads_nginx_errors() {
    let record = read(
        "2026/11/22 12:34:54 [error] 1996#1996: *2 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.9, server: shop.example.com, request: \"GET /api/health?x HTTP/1.1\", upstream: \"http://10.0.0.5:3000/api/health\", host: \"shop.example.com\"",
    );
    assert_eq!((record.method.as_deref(), record.path.as_deref()), (Some("GET"), Some("/api/health")));
    assert_eq!(record.level, Some(Level::Error));
    assert_eq!(record.field("upstream"), Some("10.0.0.5:3000"));
    assert_eq!(record.time_ms, Some(1_795_350_894_000));
    assert!(record.marks.is_empty() && record.status.is_none());
}

#[test]
fn reads_postgres_and_pgbouncer() {
    let cases = [
        (
            "2026-11-22 12:33:05.005 UTC [803] app@shop FATAL:  password authentication failed",
            Level::Fatal,
            "postgres",
        ),
        ("2026-11-22 12:33:05.005 UTC [803] app@shop DETAIL:  Connection matched", Level::Info, "postgres"),
        ("2026-11-22 12:33:05.005 UTC [803] LOG:  checkpoint starting", Level::Info, "postgres"),
        (
            "2026-11-22 12:33:05 UTC:10.0.0.9(5432):app@shop:[803]:ERROR:  deadlock detected",
            Level::Error,
            "postgres",
        ),
        (
            "2026-11-22 12:33:05.005 UTC [803] WARNING C-0x55: shop/app@10.0.0.2:1 pooler error: x",
            Level::Warn,
            "pgbouncer",
        ),
    ];
    for (text, level, logger) in cases {
        let record = read(text);
        assert_eq!(record.level, Some(level), "{text}");
        assert_eq!(record.field("logger"), Some(logger), "{text}");
        assert_eq!(record.stream.as_deref(), Some("postgres:803"), "{text}");
        assert!(record.time_ms.is_some() && record.marks.is_empty(), "{text}");
    }
}

#[test]
fn an_object_at_the_end_adds_what_it_knows() {
    let record = read(
        "payment failed {\"requestId\":\"8f31aa\",\"error\":{\"name\":\"StripeError\",\"message\":\"no\"}}",
    );
    assert_eq!(id(&record), Some(("8f31aa", IdKind::Request)));
    assert_eq!(record.error_class.as_deref(), Some("StripeError"));
    assert!(record.message.starts_with("payment failed {"));
}

#[test]
fn never_panics_on_odd_text() {
    for text in
        ["", " ", "[", "é", "=", "a==b =c", "(node:", "heroku[", "2026-", "\u{1b}", "key=\"\\", "99 [é"]
    {
        read(text);
    }
}

proptest::proptest! {
    #[test]
    fn all_payloads_survive_any_text(parts in proptest::collection::vec(
        proptest::prop_oneof![
            ".{0,8}",
            "[\\[\\]{}\"'=:,. \\n\\\\-]{1,4}",
            "(2026-01-01 10:10:15,001|2026/01/01 10:10:15|GET /x|HTTP/1.1|500|ERROR|INFO:|⨯|Traceback \\(most recent call last\\):|\\{\"level\":50,|\"msg\":\"|\u{1b}\\[31m|request_id=|\\(pid:|digest: ')",
        ],
        0..12,
    )) {
        let text = parts.concat();
        let payloads: [&dyn Payload; 5] = [
            &crate::format::json_app::JsonApp,
            &crate::format::access_log::AccessLog,
            &crate::format::next_stdout::NextStdout,
            &crate::format::python_text::PythonText,
            &PlainText,
        ];
        crate::format::lines::starts_entry(text.as_bytes());
        for payload in payloads {
            let mut record = Record { message: text.clone(), ..Record::default() };
            if payload.detect(&record) {
                payload.read(&mut record, &mut Vec::new());
            }
        }
    }
}

#[test]
fn an_apache_error_that_names_a_path_is_of_its_request() {
    let head = "[Thu Jan 01 10:10:15.001 2026] [proxy:error] [pid 9:tid 8] [client 203.0.113.9:4711]";
    let named = read(&format!("{head} AH00898: Error reading from remote server returned by /slow/y"));
    assert_eq!((named.path.as_deref(), named.method), (Some("/slow/y"), None));
    assert_eq!(named.error_text, "Error reading from remote server returned by /slow/y");
    let other = read(&format!("{head} AH01114: HTTP: failed to make connection to backend: 10.0.0.5"));
    assert!(other.error_text.is_empty() && other.path.is_none());
}

#[test]
fn errors_that_nginx_answers_below_500_are_warnings() {
    let line = |text: &str| {
        read(&format!(
            "2026/01/01 10:10:15 [error] 31#31: *77 {text}, client: 203.0.113.9, server: a, request: \"GET /o?x HTTP/1.1\", host: \"a\""
        ))
    };
    assert_eq!(line("client intended to send too large body: 6 bytes").level, Some(Level::Warn));
    assert_eq!(
        line("connect() failed (111: Connection refused) while connecting to upstream").level,
        Some(Level::Error)
    );
    let php = |said: &str| {
        line(&format!(
            "FastCGI sent in stderr: \"PHP message: {said}\" while reading response header from upstream"
        ))
    };
    assert_eq!(
        php("PHP Warning:  Undefined array key \"title\" in /srv/a.php on line 4").level,
        Some(Level::Warn)
    );
    assert_eq!(php("no user \"x\" was not found in \"y\"").level, Some(Level::Error));
    let fatal = php("PHP Fatal error:  Uncaught Error: x in /srv/a.php:6");
    assert_eq!(fatal.level, Some(Level::Error));
    let quoted = fatal.asked.and_then(|asked| asked.quoted);
    let mut own = Record {
        message: "NOTICE: PHP message: PHP Fatal error:  Uncaught Error: x in /srv/a.php:6\nStack trace:\n#0 {main}".to_owned(),
        ..Record::default()
    };
    crate::format::frameworks::php::PHP_ERRORS.read(&mut own, &mut Vec::new());
    assert!(
        quoted.is_some() && own.asked.and_then(|asked| asked.quoted) == quoted,
        "the same words in both logs"
    );
}

#[test]
fn threads_tell_errors_apart() {
    let thread = |text: &str| {
        let record = read(text);
        let thread = crate::format::text_parts::thread_of(&record.message).map(str::to_owned);
        (record.level, thread)
    };
    let exec = |level| (Some(level), Some("http-exec-1".to_owned()));
    assert_eq!(thread("10:10:15.001 [http-exec-1] ERROR shop.Pay - refused"), exec(Level::Error));
    assert_eq!(thread("2026-01-01 10:10:15.001 ERROR [http-exec-1] shop.Pay - refused"), exec(Level::Error));
    assert_eq!(thread("10:10:15.001 [http-exec-1] INFO  shop.Pay - GET /pay/1 502"), exec(Level::Info));
    assert_eq!(thread("[shop] hello there"), (None, None));
    assert_eq!(thread("ERROR [shop] hello there"), (Some(Level::Error), None));
    assert_eq!(thread("éééééééééééééé"), (None, None));
}
