use super::*;
use crate::record::Position;

fn decode(text: &str) -> (Decoded, Vec<Record>) {
    let frame = Frame { bytes: text.as_bytes(), kind: FrameKind::Line, at: Position::default() };
    let mut out = Vec::new();
    let decoded = VercelTable.decode(&frame, &FrameContext::default(), &mut out);
    (decoded, out)
}

fn one(text: &str) -> Record {
    let (decoded, mut out) = decode(text);
    assert_eq!(decoded, Decoded::Records, "{text}");
    assert!(VercelTable.starts_entry(text.lines().next().unwrap().as_bytes()));
    out.remove(0)
}

#[test]
fn reads_the_compact_table() {
    let record = one(
        "00:00:00.12  shop.example.com  error    λ POST /api/checkout     504     Vercel Runtime Timeout Error: Task timed out after 60 …",
    );
    assert_eq!((record.status, record.level), (Some(504), Some(Level::Error)));
    assert_eq!((record.method.as_deref(), record.path.as_deref()), (Some("POST"), Some("/api/checkout")));
    assert_eq!(record.marks, Marks::END | Marks::CLIENT | Marks::TIMEOUT | Marks::TRUNCATED);
    assert_eq!((record.time_ms, record.field("time_of_day")), (None, Some("00:00:00.12")));
    assert_eq!(
        (record.runtime.as_deref(), record.field("domain")),
        (Some("lambda"), Some("shop.example.com"))
    );
    let record = one("Jan 01 00:00:00.12  shop.example.com  info   ◇ GET /   ---  (no message)");
    assert_eq!((record.status, record.message.as_str(), record.marks), (None, "", Marks::default()));
    assert_eq!(record.field("time_of_day"), Some("Jan 01 00:00:00.12"));
    assert_eq!(one("00:00:00.12    warning    GET /a   404  x").field("domain"), None);
}

#[test]
fn reads_the_expanded_table() {
    let record = one("00:00:00.12  shop.example.com  error  λ GET /a   \ncharging card\nError: boom\n");
    assert_eq!(record.message, "charging card\nError: boom");
    assert_eq!((record.status, record.marks), (None, Marks::default()));
    assert!(!VercelTable.starts_entry(b"Error: boom"));
    assert!(!VercelTable.starts_entry(b""));
}

#[test]
fn reads_the_stream() {
    let record = one(
        "00:00:00.12  🚫  GET  500  shop.example.com  ƒ  /api/orders/42\n--------------------------------------------------\nError: boom\n    at f (/a.js:1:2)\n",
    );
    assert_eq!((record.status, record.level), (Some(500), Some(Level::Error)));
    assert_eq!(record.message, "Error: boom\n    at f (/a.js:1:2)");
    assert_eq!((record.path.as_deref(), record.runtime.as_deref()), (Some("/api/orders/42"), Some("lambda")));
    assert!(record.marks.is_empty(), "one line of a request, not its end");
    let record = one("00:00:00.12  ℹ️  GET  ---  shop.example.com     /a\n\nhello");
    assert_eq!((record.status, record.level, record.path.as_deref()), (None, Some(Level::Info), Some("/a")));
}

#[test]
fn reads_the_short_form() {
    let record = one("2026-01-01T00:00:00.188Z  Error: boom");
    assert_eq!((record.time_ms, record.message.as_str()), (Some(1_767_225_600_188), "Error: boom"));
    for other in ["2026-01-01T00:00:00.188Z Error: boom", "2026-01-01T00:00:00.188Z     at f (/a.js:1:2)"] {
        assert_eq!(decode(other).0, Decoded::NotMine, "{other}");
    }
}

#[test]
fn passes_over_what_the_cli_prints_around() {
    for text in [
        "TIME         HOST              LEVEL                      STATUS  MESSAGE",
        "\u{1b}[2mTIME\u{1b}[22m  \u{1b}[2mHOST\u{1b}[22m  LEVEL",
        "Fetched 2 logs for acme/shop",
        "No logs found for acme/shop",
        "Streaming logs for deployment dpl_ExampleAAAA1111 starting from 00:00:00.12",
    ] {
        assert!(matches!(decode(text).0, Decoded::Ignored(_)), "{text}");
    }
}

#[test]
fn reads_through_colours() {
    let record = one(
        "\u{1b}[2m00:00:00.12\u{1b}[22m  \u{1b}[2mshop.example.com\u{1b}[22m  \u{1b}[31merror\u{1b}[39m  λ GET /a   \u{1b}[31m500\u{1b}[39m  \u{1b}[31mError: boom\u{1b}[39m",
    );
    assert_eq!((record.status, record.message.as_str()), (Some(500), "Error: boom"));
}

#[test]
fn leaves_other_text() {
    for text in [
        "",
        "  ",
        "é",
        "00:00:00.12  starting up",
        "00:00:00.12  a  info  b",
        "TIME flies",
        "Fetched 20 rows",
        "12:00:00.12 [vite] error",
        "2026-01-01T00:00:00.18éZ  x",
        "GET /a 200 in 5ms",
    ] {
        assert_eq!(decode(text).0, Decoded::NotMine, "{text}");
    }
    let json = Frame { bytes: b"TIME HOST LEVEL", kind: FrameKind::Json, at: Position::default() };
    assert_eq!(VercelTable.decode(&json, &FrameContext::default(), &mut Vec::new()), Decoded::NotMine);
}

#[test]
fn survives_cuts_anywhere() {
    for text in [
        "Jan 01 00:00:00.12  shop.example.com  error  λ GET /a   500  Error: bööm …",
        "00:00:00.12  🚫  GET  500  shop.example.com  ƒ  /api/orders/42",
        "2026-01-01T00:00:00.188Z  ⨯ Error: boom",
        "\u{1b}[2m00:00:00.12\u{1b}[22m  \u{1b}[",
    ] {
        for end in 0..text.len() {
            for bytes in [&text.as_bytes()[..end], &text.as_bytes()[end..]] {
                let frame = Frame { bytes, kind: FrameKind::Line, at: Position::default() };
                VercelTable.decode(&frame, &FrameContext::default(), &mut Vec::new());
            }
        }
    }
}
