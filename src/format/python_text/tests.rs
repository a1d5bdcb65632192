use super::*;

fn read(text: &str) -> Record {
    let mut record = Record { message: text.to_owned(), ..Record::default() };
    assert!(PythonText.detect(&record), "{text}");
    PythonText.read(&mut record, &mut Vec::new());
    record
}

const FRAMES: &str = "Traceback (most recent call last):\n  File \"/app/shop.py\", line 33, in orders\n    with engine().connect() as c:\n         ^^^^^^^^";

#[test]
fn reads_flask() {
    let record = read(&format!(
        "[2026-11-22 12:35:08,648] ERROR in app: Exception on /api/orders [GET]\n{FRAMES}\nKeyError: 'DATABASE_URL'"
    ));
    assert_eq!(record.method.as_deref(), Some("GET"));
    assert_eq!(record.path.as_deref(), Some("/api/orders"));
    assert_eq!(record.error_class.as_deref(), Some("KeyError"));
    assert_eq!(record.level, Some(Level::Error));
    assert_eq!(record.time_ms, Some(1_795_350_908_648));
    assert_eq!(record.runtime.as_deref(), Some("python"));
    assert!(record.marks.has(Marks::ERROR_BLOCK));
}

#[test]
fn the_last_exception_of_a_chain_names_the_class() {
    let record = read(&format!(
        "ERROR:    Exception in ASGI application\n{FRAMES}\npsycopg.OperationalError: refused\n\nThe above exception was the direct cause of the following exception:\n\n{FRAMES}\nsqlalchemy.exc.TimeoutError: QueuePool limit\n(Background on this error at: https://sqlalche.me/e/20/3o7r)"
    ));
    assert_eq!(record.error_class.as_deref(), Some("TimeoutError"));
    assert!(record.marks.has(Marks::ERROR_BLOCK));
    let (_, line) = last_exception(&record.message).unwrap_or_default();
    assert_eq!(line, "sqlalchemy.exc.TimeoutError: QueuePool limit");
    assert_eq!(read(&format!("{FRAMES}\nhttpx.ReadTimeout")).error_class.as_deref(), Some("ReadTimeout"));
}

#[test]
fn reads_gunicorn() {
    let boot = read("[2026-11-22 12:40:29 +0000] [53] [INFO] Booting worker with pid: 53");
    assert_eq!((boot.level, boot.stream.as_deref()), (Some(Level::Info), Some("53")));
    let timeout = read("[2026-11-22 12:40:31 +0000] [48] [CRITICAL] WORKER TIMEOUT (pid:53)");
    assert!(timeout.marks.has(Marks::TIMEOUT));
    assert_eq!((timeout.level, timeout.stream.as_deref()), (Some(Level::Fatal), Some("53")));
    let killed = read(
        "[2026-11-22 12:40:31 +0000] [48] [ERROR] Worker (pid:53) was sent SIGKILL! Perhaps out of memory?",
    );
    assert!(killed.marks.has(Marks::CRASH) && killed.stream.as_deref() == Some("53"));
    let handling = read(&format!(
        "[2026-11-22 12:40:31 +0000] [53] [ERROR] Error handling request /o\n{FRAMES}\nValueError: bad"
    ));
    assert_eq!(handling.path.as_deref(), Some("/o"));
}

#[test]
fn reads_django_and_logging() {
    let django =
        read(&format!("Internal Server Error: /cart/\n{FRAMES}\nshop.models.Cart.DoesNotExist: none"));
    assert_eq!(django.path.as_deref(), Some("/cart/"));
    assert_eq!(django.error_class.as_deref(), Some("DoesNotExist"));
    assert!(django.marks.has(Marks::ERROR_BLOCK));
    assert_eq!(read("2026-01-01 10:10:15,001 - shop - ERROR - bad").level, Some(Level::Error));
    assert_eq!(read("2026-01-01 10:10:15,001 WARNING shop bad").level, Some(Level::Warn));
    assert_eq!(read("ERROR:root:bad").level, Some(Level::Error));
    assert_eq!(read("INFO:     Application startup complete.").level, Some(Level::Info));
    assert_eq!(read(FRAMES).level, Some(Level::Error));
}

#[test]
fn reads_tornado() {
    let failed = read(
        "[E 260101 10:10:15 web:2108] Uncaught exception GET /quotes/CHF (203.0.113.9)\n    HTTPServerRequest(protocol='http', method='GET')\n    Traceback (most recent call last):\n      File \"/srv/main.py\", line 8, in get\n        x = rows[cur]\n    tornado.simple_httpclient.HTTPTimeoutError: Timeout during request",
    );
    assert_eq!((failed.method.as_deref(), failed.path.as_deref()), (Some("GET"), Some("/quotes/CHF")));
    assert_eq!(
        (failed.error_class.as_deref(), failed.time_ms),
        (Some("HTTPTimeoutError"), Some(1_767_262_215_000))
    );
    assert!(failed.marks.has(Marks::ERROR_BLOCK));
    for line in [
        "[E 260101 10:10:15 web:2591] 500 GET /quotes/CHF (203.0.113.9) 9.33ms",
        "ERROR:tornado.access:500 GET /quotes/CHF (203.0.113.9) 9.33ms",
    ] {
        let answer = read(line);
        assert_eq!((answer.status, answer.duration_ms), (Some(500), Some(9.33)), "{line}");
        assert!(answer.marks.has(Marks::CLIENT) && answer.path.as_deref() == Some("/quotes/CHF"));
    }
    assert_eq!(read("[W 260101 10:10:15 web:2106] 400 GET /x (203.0.113.9): bad code").status, None);
}

#[test]
fn what_django_finds_suspicious_is_no_failure() {
    let line = "2026-01-01 10:10:15,001 ERROR django.security.DisallowedHost Invalid HTTP_HOST header";
    assert_eq!(read(line).level, Some(Level::Warn));
}

#[test]
fn leaves_other_text_alone() {
    for text in [
        "ERROR: it broke: badly",
        "Error: boom",
        "[2026-11-22 12:40:29] hello",
        "[14:03] [x] [INFO] y",
        "2026-01-01 10:10:15.001 UTC [311] app@shop FATAL:  sorry",
        "éééééééééééééééééééééééé",
        "",
    ] {
        assert!(!PythonText.detect(&Record { message: text.to_owned(), ..Record::default() }), "{text}");
    }
}
