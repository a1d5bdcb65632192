use super::*;
use crate::record::{IdKind, Level};

fn read(shape: &Framework, text: &str) -> Record {
    let mut record = Record { message: text.to_owned(), ..Record::default() };
    assert!(shape.detect(&record), "{text}");
    shape.read(&mut record, &mut Vec::new());
    assert_eq!(record.message, text, "the text stays");
    record
}

fn id(record: &Record) -> Option<(&str, IdKind)> {
    record.id.as_ref().map(|id| (id.text.as_str(), id.kind))
}

const UUID: &str = "7b1f2a3c-0d1e-4f5a-8b9c-0d1e2f3a4b5c";

#[test]
fn reads_rails() {
    let started = read(
        &rails::RAILS,
        &format!("[{UUID}] Started GET \"/orders/5?x=1\" for 203.0.113.9 at 2026-01-01 10:10:15 +0000"),
    );
    assert_eq!((started.method.as_deref(), started.path.as_deref()), (Some("GET"), Some("/orders/5")));
    assert_eq!((id(&started), started.time_ms), (Some((UUID, IdKind::Request)), Some(1_767_262_215_000)));
    assert!(started.marks.has(Marks::START));
    let done = read(
        &rails::RAILS,
        &format!(
            "I, [2026-01-01T10:10:15.001234 #17]  INFO -- : [{UUID}] Completed 500 Internal Server Error in 12ms (ActiveRecord: 1.2ms)"
        ),
    );
    assert_eq!((done.status, done.duration_ms), (Some(500), Some(12.0)));
    assert!(done.marks.has(Marks::CLIENT) && done.marks.has(Marks::END));
    assert_eq!((done.level, done.stream.as_deref()), (Some(Level::Info), Some("17")));
    let error = read(
        &rails::RAILS,
        &format!("[{UUID}] ActiveRecord::ConnectionNotEstablished (connection to server failed):"),
    );
    assert_eq!(error.error_class.as_deref(), Some("ConnectionNotEstablished"));
    assert_eq!(id(&read(&rails::RAILS, "Processing by OrdersController#show as HTML")), None);
    for text in ["Completed the import", "Started the engine", "[x] NoMethodError (y)", "I, [", "[é"] {
        assert!(!rails::RAILS.detect(&Record { message: text.to_owned(), ..Record::default() }), "{text}");
    }
}

#[test]
fn reads_spring() {
    let block = read(
        &java::SPRING,
        "2026-01-01T10:10:15.001Z ERROR 1 --- [nio-8080-exec-1] o.a.c.c.C.[.[.[/].[dispatcherServlet]    : Servlet.service() for servlet [dispatcherServlet] in context with path [] threw exception [Request processing failed] with root cause\n\njava.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available\n\tat com.example.A.b(A.java:1)",
    );
    assert!(block.marks.has(Marks::ERROR_BLOCK));
    assert_eq!(block.error_class.as_deref(), Some("SQLTransientConnectionException"));
    assert_eq!((block.level, block.time_ms), (Some(Level::Error), Some(1_767_262_215_001)));
    let traced = read(
        &java::SPRING,
        "2026-01-01T10:10:15.001Z  INFO 1 --- [shop] [nio-8080-exec-1] [4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7] c.e.Shop : hello",
    );
    assert_eq!(id(&traced), Some(("4bf92f3577b34da6a3ce929d0e0e4736", IdKind::Trace)));
    let flux = read(
        &java::SPRING,
        "2026-01-01 10:10:15.001 ERROR 1 --- [ctor-http-nio-2] a.w.r.e.AbstractErrorWebExceptionHandler : [2bfa1-1]  500 Server Error for HTTP GET \"/o?x\"",
    );
    assert_eq!((flux.status, flux.path.as_deref()), (Some(500), Some("/o")));
}

#[test]
fn reads_php() {
    let laravel = read(
        &php::MONOLOG,
        "[2026-01-01 10:10:15] production.ERROR: SQLSTATE[HY000] [2002] Connection refused {\"exception\":\"[object] (Illuminate\\\\Database\\\\QueryException(code: 2002): SQLSTATE[HY000]\n[stacktrace]\n#0 /app/x.php(1): y()\n\"}",
    );
    assert!(laravel.marks.has(Marks::ERROR_BLOCK) && laravel.level == Some(Level::Error));
    assert_eq!(laravel.error_class.as_deref(), Some("QueryException"));
    assert_eq!(laravel.error_codes, ["2002"]);
    assert!(read(&php::MONOLOG, "[2026-01-01 10:10:15] local.INFO: sent {\"id\":1}").marks.is_empty());
    let fatal = read(
        &php::PHP_ERRORS,
        "[01-Jan-2026 10:10:15 UTC] PHP Fatal error:  Uncaught PDOException: SQLSTATE[HY000] [2002] Connection refused in /app/x.php:12",
    );
    assert!(fatal.marks.has(Marks::ERROR_BLOCK));
    assert_eq!(
        (fatal.error_class.as_deref(), fatal.time_ms),
        (Some("PDOException"), Some(1_767_262_215_000))
    );
    let memory =
        read(&php::PHP_ERRORS, "PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried)");
    assert!(memory.marks.has(Marks::OUT_OF_MEMORY));
    let pool = read(
        &php::PHP_ERRORS,
        "[01-Jan-2026 10:10:15] WARNING: [pool www] server reached pm.max_children setting (5), consider raising it",
    );
    assert_eq!((pool.level, pool.marks.is_empty()), (Some(Level::Warn), true));
}

#[test]
fn reads_phoenix() {
    let begun = read(&phoenix::PHOENIX, "10:10:15.001 request_id=GGx8f31aa [info] GET /o/1");
    assert_eq!((id(&begun), begun.path.as_deref()), (Some(("GGx8f31aa", IdKind::Request)), Some("/o/1")));
    let sent = read(&phoenix::PHOENIX, "10:10:15.013 request_id=GGx8f31aa [info] Sent 500 in 12ms");
    assert_eq!((sent.status, sent.duration_ms), (Some(500), Some(12.0)));
    let error = read(
        &phoenix::PHOENIX,
        "10:10:15.013 request_id=GGx8f31aa [error] ** (DBConnection.ConnectionError) connection not available",
    );
    assert_eq!(error.error_class.as_deref(), Some("ConnectionError"));
}

#[test]
fn reads_dotnet() {
    let error = read(
        &dotnet::DOTNET,
        "fail: Microsoft.AspNetCore.Server.Kestrel[13]\n      => ConnectionId:0HM1\n      Connection id \"0HM1\", Request id \"0HM1:00000002\": An unhandled exception was thrown by the application.\n      System.InvalidOperationException: late\n       ---> Npgsql.NpgsqlException: refused\n         at A.B()",
    );
    assert_eq!(id(&error), Some(("0HM1:00000002", IdKind::Request)));
    assert!(error.marks.has(Marks::ERROR_BLOCK));
    assert_eq!(error.error_class.as_deref(), Some("NpgsqlException"));
    let done = read(
        &dotnet::DOTNET,
        "info: Microsoft.AspNetCore.Hosting.Diagnostics[2]\n      Request finished HTTP/1.1 GET http://shop.example.com/o?x - 500 0 - 12.5ms",
    );
    assert_eq!((done.status, done.path.as_deref(), done.duration_ms), (Some(500), Some("/o"), Some(12.5)));
    for text in ["info: all is well\n      x", "fail: x", "warn: A[x]\ny"] {
        assert!(!dotnet::DOTNET.detect(&Record { message: text.to_owned(), ..Record::default() }), "{text}");
    }
}

#[test]
fn without_scopes_kestrels_id_parts_nothing() {
    let error = read(
        &dotnet::DOTNET,
        "fail: Microsoft.AspNetCore.Server.Kestrel[13]\n      Connection id \"0HM1\", Request id \"0HM1:00000002\": An unhandled exception was thrown by the application.",
    );
    assert!(error.id.is_none() && error.marks.has(Marks::ERROR_BLOCK));
    let line = read(
        &dotnet::DOTNET,
        "2026-01-01T10:10:15.001Z info: Microsoft.AspNetCore.Hosting.Diagnostics[2] Request finished HTTP/1.1 GET http://shop.example.com/o - 500 - - 12.5ms",
    );
    assert_eq!((line.status, line.time_ms), (Some(500), Some(1_767_262_215_001)));
    let old = read(
        &dotnet::DOTNET,
        "info: Microsoft.AspNetCore.Hosting.Internal.WebHost[2]\n      Request finished in 12.5ms 500 text/plain",
    );
    assert_eq!((old.status, old.duration_ms), (Some(500), Some(12.5)));
}

#[test]
fn reads_serilog() {
    for (text, time_ms) in [
        ("[10:10:15 ERR] HTTP GET /o responded 500 in 12.5 ms", None),
        (
            "2026-01-01 10:10:15.001 +00:00 [ERR] HTTP GET /o responded 500 in 12.5 ms",
            Some(1_767_262_215_001),
        ),
    ] {
        let done = read(&dotnet::SERILOG, text);
        assert_eq!((done.status, done.path.as_deref(), done.time_ms), (Some(500), Some("/o"), time_ms));
        assert_eq!((done.level, done.duration_ms), (Some(Level::Error), Some(12.5)));
    }
    let error = read(&dotnet::SERILOG, "[10:10:15 FTL] gone\nNpgsql.NpgsqlException (0x80004005): refused");
    assert!(error.level == Some(Level::Fatal) && error.status.is_none());
    for text in ["[10:10:15 GET] x", "[abc ERR] x", "x [ERR] y", "[é ERR] x"] {
        assert!(!dotnet::SERILOG.detect(&Record { message: text.to_owned(), ..Record::default() }), "{text}");
    }
}

#[test]
fn reads_access_lines_of_go() {
    for (text, took_ms) in [
        (
            "[GIN] 2026/01/01 - 10:10:15 | 500 |   12.5ms |   203.0.113.9 | GET      \"/o?x\"\nError #01: refused",
            12.5,
        ),
        ("10:10:15 | 500 |   1m2.5s | 203.0.113.9 | GET | /o | refused", 62_500.0),
        (
            "2026/01/01 10:10:15 [web-1/AbCdEf-000001] \"GET http://shop.example.com/o HTTP/1.1\" from 203.0.113.9:1 - 500 21B in 12.5ms",
            12.5,
        ),
    ] {
        let line = read(&go_access::GO_ACCESS, text);
        assert_eq!(
            (line.status, line.path.as_deref(), line.duration_ms),
            (Some(500), Some("/o"), Some(took_ms))
        );
        assert!(line.marks.has(Marks::CLIENT | Marks::END));
        assert_eq!(line.id.is_some(), text.contains("web-1"));
    }
    for text in [
        "10:10:15 | 500 | items | a | GET | /o | x",
        "[GIN] 2026/01/01 - 10:10:15 | 500",
        "[GIN-debug] GET /o --> main.main.func1 (3 handlers)",
        "\"GET /o HTTP/1.1\" from 203.0.113.9 - 500 21B",
    ] {
        assert!(
            !go_access::GO_ACCESS.detect(&Record { message: text.to_owned(), ..Record::default() }),
            "{text}"
        );
    }
}

#[test]
fn reads_what_php_says_through_fpm() {
    let said = |text: &str| {
        read(
            &php::PHP_ERRORS,
            &format!("[01-Jan-2026 10:10:15] WARNING: [pool www] child 7 said into stderr: \"{text}\""),
        )
    };
    let fatal =
        said("NOTICE: PHP message: PHP Fatal error:  Uncaught PDOException: refused in /app/x.php:12");
    assert!(fatal.marks.has(Marks::ERROR_BLOCK) && fatal.error_class.as_deref() == Some("PDOException"));
    for rest in ["Stack trace:", "#0 /app/x.php(12): PDO->__construct()", "  thrown in /app/x.php on line 12"]
    {
        assert_eq!(said(rest).marks, Marks::CONTINUATION, "{rest}");
    }
}

#[test]
fn rails_needs_no_tag_before_an_exception() {
    let error =
        read(&rails::RAILS, "ActiveRecord::StatementInvalid (late\n\tby far\n):\n  \napp/x.rb:1:in `y'");
    assert_eq!((error.error_class.as_deref(), error.level), (Some("StatementInvalid"), Some(Level::Fatal)));
    for text in ["ActiveRecord::Base (abstract)", "Total (5):"] {
        assert!(!rails::RAILS.detect(&Record { message: text.to_owned(), ..Record::default() }), "{text}");
    }
}

#[test]
fn reads_nest() {
    let block = read(
        &nest::NEST,
        "[Nest] 17  - 03/10/2026, 9:15:01\u{202f}AM   ERROR [ExceptionsHandler] Error: connect ECONNREFUSED 10.0.0.5:5432\n    at f {\n  code: 'ECONNREFUSED',\n}",
    );
    assert!(block.marks.has(Marks::ERROR_BLOCK) && block.level == Some(Level::Error));
    assert_eq!((block.time_ms, block.stream.as_deref()), (Some(1_773_134_101_000), Some("17")));
    assert_eq!(block.error_codes, ["ECONNREFUSED"]);
    let line = read(&nest::NEST, "[Nest] 17  - 10.3.2026, 09:15:01     LOG [RoutesResolver] C {/}: +12ms");
    assert!(line.marks.is_empty() && line.time_ms.is_none() && line.level == Some(Level::Info));
    assert!(!nest::NEST.detect(&Record { message: "[Nest] é".to_owned(), ..Record::default() }));
}

#[test]
fn reads_go_panics() {
    let panic = read(
        &go::GO_PANIC,
        "2026/01/01 10:10:15 http: panic serving 203.0.113.9:4711: runtime error: invalid memory address or nil pointer dereference\ngoroutine 17 [running]:",
    );
    assert!(panic.marks.has(Marks::ERROR_BLOCK) && panic.time_ms == Some(1_767_262_215_000));
}

#[test]
fn reads_go_panics_that_were_recovered_from() {
    for text in [
        "cart is locked\napp/main.go:90 (0x86bc04)\n\tmain.func1: panic(x)",
        "runtime error: invalid memory address or nil pointer dereference\n/app/main.go:17 (0x8d3f05)",
        " panic: cart is locked\n \n -> main.main.func8\n ->   app/main.go:100",
    ] {
        let panic = read(&go_access::GO_ACCESS, text);
        assert_eq!(panic.level, Some(Level::Error));
        let class = if text.starts_with('r') { "runtime error" } else { "panic" };
        assert_eq!(panic.error_class.as_deref(), Some(class));
    }
    for text in ["panic: x", "cart is locked\napp/main.go:90", "a\n -> b"] {
        let record = Record { message: text.to_owned(), ..Record::default() };
        assert!(!go_access::GO_ACCESS.detect(&record), "{text}");
    }
}

#[test]
fn what_rails_answers_below_500_is_no_failure() {
    let unknown = read(&rails::RAILS, "ActionController::RoutingError (No route matches [GET] \"/x\"):");
    assert_eq!((unknown.status, unknown.error_class), (Some(404), None));
    let missing = read(&rails::RAILS, "ActiveRecord::RecordNotFound (Couldn't find Order):");
    assert_eq!((missing.status, missing.error_class, missing.level), (None, None, Some(Level::Warn)));
    let marked = "NoMethodError (undefined method `total' for nil:NilClass\n\n  nil.total\n     ^^^^^^):\n";
    assert_eq!(read(&rails::RAILS, marked).error_class.as_deref(), Some("NoMethodError"));
}

#[test]
fn reads_the_console_for_systemd() {
    let done = read(
        &dotnet::DOTNET,
        "<6>Microsoft.AspNetCore.Hosting.Diagnostics[2] => ConnectionId:0HN1 => RequestPath:/x RequestId:0HN1:00000001, SpanId:a, TraceId:b, ParentId: Request finished in 23.4ms 500 ",
    );
    assert_eq!((done.status, done.path.as_deref(), done.duration_ms), (Some(500), Some("/x"), Some(23.4)));
    assert_eq!(id(&done).map(|(id, _)| id), Some("0HN1:00000001"));
    let error = read(
        &dotnet::DOTNET,
        "<3>Microsoft.AspNetCore.Server.Kestrel[13] Connection id \"0HN1\", Request id \"0HN1:00000001\": An unhandled exception was thrown by the application. System.NullReferenceException: Object",
    );
    assert!(error.marks.has(Marks::ERROR_BLOCK) && error.level == Some(Level::Error));
    assert!(read(&dotnet::DOTNET, "Microsoft.Hosting.Lifetime[0] Content root path: /").marks.is_empty());
    for text in ["<6>", "<é", "<6>a[1] b", "<9>A.b[1] c", "Microsoft.A[x] y", "Microsoft.A[1]"] {
        assert!(!dotnet::DOTNET.detect(&Record { message: text.to_owned(), ..Record::default() }), "{text}");
    }
}

#[test]
fn reads_phps_own_server_and_what_monolog_adds() {
    let answer = read(
        &php::PHP_ERRORS,
        "[Thu Jan 01 10:10:15 2026] 203.0.113.9:4711 [500]: GET /o?x - Uncaught Error: x",
    );
    assert_eq!((answer.status, answer.path.as_deref()), (Some(500), Some("/o")));
    assert_eq!(answer.time_ms, Some(1_767_262_215_000));
    let fatal = read(&php::PHP_ERRORS, "[Thu Jan 01 10:10:15 2026] PHP Fatal error:  Uncaught Error: x");
    assert!(fatal.marks.has(Marks::ERROR_BLOCK));
    for text in ["[Thu Jan 01 10:10:15 2026] 203.0.113.9:4711 Accepted", "[Thu Jan 01 10:10:15 2026]"] {
        let record = Record { message: text.to_owned(), ..Record::default() };
        assert!(!php::PHP_ERRORS.detect(&record), "{text}");
    }
    let web = read(
        &php::MONOLOG,
        "[2026-01-01T10:10:15.1+00:00] app.INFO: x {\"a\":1} {\"url\":\"\\/orders\\/7\",\"ip\":\"::1\",\"http_method\":\"GET\",\"server\":\"h\"}",
    );
    assert_eq!((web.method.as_deref(), web.path.as_deref()), (Some("GET"), Some("/orders/7")));
}

#[test]
fn reads_what_ruby_servers_say_of_errors() {
    let dumped = read(
        &rack::RACK,
        "2026-01-01 10:10:15 - PG::ConnectionBad - connection refused\n:\n\t/srv/app.rb:8:in `db'\n\tapp.rb:10:in `block in <main>'",
    );
    assert_eq!(
        (dumped.error_class.as_deref(), dumped.time_ms),
        (Some("ConnectionBad"), Some(1_767_262_215_000))
    );
    assert!(dumped.marks.has(Marks::ERROR_BLOCK));
    let unrescued = read(
        &rack::RACK,
        "2026-01-01 10:10:15 +0000 Rack app (\"POST /hooks?x\" - (203.0.113.9)): #<KeyError: key not found: \"A\">",
    );
    assert_eq!((unrescued.status, unrescued.path.as_deref()), (Some(500), Some("/hooks")));
    assert_eq!(
        (unrescued.error_class.as_deref(), unrescued.method.as_deref()),
        (Some("KeyError"), Some("POST"))
    );
    assert!(unrescued.marks.has(Marks::ECHO));
    for text in [
        "2026-01-01 10:10:15 - Shop - hello",
        "2026-01-01 10:10:15 - Shop - hello\n\tmore: in detail",
        "2026-01-01 10:10:15 +0000 HTTP parse error, malformed request (\"GET /x\" - (203.0.113.9)): #<Puma::HttpParserError: x>",
        "2026-01-01 10:10:15",
        "éééééééééééééééééé",
    ] {
        assert!(!rack::RACK.detect(&Record { message: text.to_owned(), ..Record::default() }), "{text}");
    }
}

#[test]
fn reads_jettys_errors_without_a_stack() {
    let said = |body: &str| {
        let line = format!(
            "2026-01-01T10:10:15.001Z  WARN 1 --- [qtp51-19] org.eclipse.jetty.server.HttpChannel     : {body}"
        );
        read(&java::SPRING, &line)
    };
    let failed =
        said("handleException /score/991 javax.net.ssl.SSLHandshakeException: PKIX path building failed");
    assert_eq!((failed.path.as_deref(), failed.level), (Some("/score/991"), Some(Level::Error)));
    assert_eq!(failed.error_class.as_deref(), Some("SSLHandshakeException"));
    for body in [
        "handleException /x org.eclipse.jetty.http.BadMessageException: 400: Bad",
        "handleException of the scheduler",
        "no handleException",
    ] {
        assert_eq!(said(body).level, Some(Level::Warn), "{body}");
    }
}

#[test]
fn reads_nitros_unexpected_errors() {
    let failed = read(
        &nitro::NITRO,
        "[request error] [unhandled] [GET] http://shop.example.com/api/a?x\n FetchError: [GET] \"http://cms.example.com/\": fetch failed\n    at f (a.mjs:1:2)",
    );
    assert_eq!((failed.method.as_deref(), failed.path.as_deref()), (Some("GET"), Some("/api/a")));
    assert!(failed.marks.has(Marks::ERROR_BLOCK));
    let expected = "[request error] [fatal] [GET] http://shop.example.com/x";
    assert!(!nitro::NITRO.detect(&Record { message: expected.to_owned(), ..Record::default() }));
}
