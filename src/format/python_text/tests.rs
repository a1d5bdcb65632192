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
