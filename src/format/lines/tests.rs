use super::*;
use crate::record::Position;

fn starts(line: &str) -> bool {
    starts_entry(line.as_bytes())
}

#[test]
fn lists_are_sorted_for_the_search() {
    assert!(PYTHON_BUILT_IN.is_sorted());
}

#[test]
fn entries_begin() {
    for line in [
        "{\"level\":30,\"msg\":\"listening\"}",
        "plain text",
        "2026-11-22T10:00:00Z INFO ready",
        "[2026-11-22 12:36:36,691] ERROR in app: Exception on /api/invoice [GET]",
        "[2026-11-22 12:36:36 +0000] [48] [INFO] Booting worker with pid: 53",
        "INFO:     10.0.0.2:55202 - \"GET /api/health HTTP/1.1\" 200 OK",
        "10.0.0.2 - - [22/Nov/2026:12:35:08 +0000] \"GET /x HTTP/1.1\" 500 265",
        "TypeError: Cannot read properties of undefined (reading 'email')",
        "Error: connect ECONNREFUSED 10.0.0.5:5432",
        "Error [PostgresError]: password authentication failed",
        "PrismaClientInitializationError: ",
        "AggregateError [ECONNREFUSED]: ",
        "error: password authentication failed for user \"app\"",
        "Uncaught Exception: boom",
        "Unhandled Rejection at: Promise",
        " ⨯ Error: boom",
        "⨯ Error: boom",
        "\u{1b}[31m\u{1b}[1m⨯\u{1b}[22m\u{1b}[39m Error: boom",
        " ▲ Next.js 15.1.0",
        " panic: cart is locked",
        "Host not found",
        "GET /x HTTP/1.1 500",
        " GET /api/o 500 in 32ms",
        "file:///app/routes/exports.mjs:14",
        "/app/server.js:12",
        "<--- Last few GCs --->",
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        "[next-auth][error][NO_SECRET] ",
        "[14:03] noted",
        "web.1: State changed from starting to crashed",
        "500 errors so far",
        "at startup: nothing to do",
    ] {
        // The last one shows the price of a rule without state: "at " with a colon reads as a frame.
        assert_eq!(starts(line), line != "at startup: nothing to do", "{line:?}");
    }
}

#[test]
fn entries_go_on() {
    for line in [
        ":",
        "for call at",
        "botocore.errorfactory.NoSuchBucket: An error occurred (NoSuchBucket) when calling the GetObject operation",
        "",
        "   ",
        "\r",
        "    at async handler (/app/a.js:1:2) {",
        "\tat java.base/java.lang.Thread.run(Thread.java:1)",
        "at f (/app/a.js:1:2)",
        "app/main.go:90 (0x86bc04)",
        "Npgsql.NpgsqlException (0x80004005): Failed to connect to 10.0.0.5:5432",
        "System.Net.Internals.SocketExceptionFactory+ExtendedSocketException (111): Connection refused 10.0.0.5:5432",
        "GET /boom HTTP/1.1",
        "Host: shop.example.com",
        "Caused by: Error: low",
        "[cause]: Error: low",
        "  [cause]: TypeError: Invalid URL",
        "  code: 'ECONNREFUSED',",
        "}",
        "},",
        "])",
        "    ^^^^^",
        "^^^^",
        "~~~~~~~^^^",
        "... 12 more",
        "    ... 6 lines matching cause stack trace ...",
        "Traceback (most recent call last):",
        "  File \"/app/a.py\", line 1, in f",
        "KeyError: 'total'",
        "ModuleNotFoundError: No module named 'sendgrid'",
        "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
        "TypeError: 'NoneType' object is not subscriptable",
        "psycopg.OperationalError: connection failed",
        "sqlalchemy.exc.OperationalError: (psycopg.OperationalError) connection failed",
        "httpx.ReadTimeout",
        "shop.models.Order.DoesNotExist: Order matching query does not exist.",
        "The above exception was the direct cause of the following exception:",
        "(Background on this error at: https://sqlalche.me/e/20/e3q8)",
        "Require stack:",
        "- /app/server.js",
        "Node.js v24.21.0",
        "https://next-auth.js.org/errors#no_secret Please define a `secret` in production.",
        "Learn More: https://nextjs.org/docs/messages/node-module-in-edge-runtime",
        "[2476:0x2c288000]     1155 ms: Mark-Compact (reduce) 48.2 (51.8) -> 47.2 (50.0) MB",
        "10: 0x1addd09  [node]",
        " 1: 0x931db0  [node]",
        " │ GET https://partner.example.com/v1 502 in 88ms (cache skip)",
        "Invalid `prisma.user.findMany()` invocation:",
        "Can't reach database server at `db.example.com:5432`",
    ] {
        assert!(!starts(line), "{line:?}");
    }
}

#[test]
fn decodes_lines_and_objects() {
    let mut out = Vec::new();
    let at = Position { source: 1, line: 7, entry: 7, part: 0 };
    let frame = |bytes, kind| Frame { bytes, kind, at };
    let context = FrameContext::default();
    let line = frame(b"\xef\xbb\xbfready\r", FrameKind::Line);
    assert_eq!(Lines.decode(&line, &context, &mut out), Decoded::Records);
    let fragment = frame(b"    at f (a.js:1:2)\n    at g (b.js:1:2)", FrameKind::Line);
    assert_eq!(Lines.decode(&fragment, &context, &mut out), Decoded::Records);
    let object = frame(b"{\"msg\":\"x\"}", FrameKind::Json);
    assert_eq!(Lines.decode(&object, &context, &mut out), Decoded::Records);
    assert_eq!(
        Lines.decode(&frame(b" \r\n", FrameKind::Line), &context, &mut out),
        Decoded::Ignored("blank line")
    );
    assert_eq!(Lines.decode(&frame(b"a,b", FrameKind::Csv), &context, &mut out), Decoded::NotMine);
    let messages: Vec<&str> = out.iter().map(|record| record.message.as_str()).collect();
    assert_eq!(messages, ["ready", "    at f (a.js:1:2)\n    at g (b.js:1:2)", "{\"msg\":\"x\"}"]);
    assert!(out[1].marks.has(Marks::CONTINUATION) && !out[0].marks.has(Marks::CONTINUATION));
    assert_eq!(out[0].at, at);
}

#[test]
fn never_panics_on_odd_bytes() {
    for line in [&b"\xff\xfe\x00"[..], b"\x1b[", b"[", b"[1", "é".as_bytes(), b"...", b"\xf0\x9f"] {
        starts_entry(line);
    }
}
