use super::*;

#[test]
fn finds_keys_but_not_quoted_ones() {
    assert!(has_keys(br#"{"id" : 1,"a":{"rowId":2}}"#, &["id", "rowId"]));
    assert!(!has_key(br#"{"message":"{\"rowId\":1}"}"#, "rowId"));
    assert!(!has_key(br#"{"message":"rowId"}"#, "rowId"));
    assert!(!has_key(b"rowId", "rowId"));
}

#[test]
fn members_never_fail() {
    #[derive(Deserialize)]
    #[serde(bound(deserialize = "'de: 'a"))]
    struct Odd<'a> {
        a: Text<'a>,
        b: Number,
        c: Number,
        d: Number,
        e: Text<'a>,
    }
    let odd: Odd<'_> = read(br#"{"a":7,"b":"500","c":null,"d":["x",{"y":1}],"e":{"k":[1]},"z":1}"#).unwrap();
    assert_eq!(odd.a.0, "7");
    assert_eq!(odd.b.status(), Some(500));
    assert_eq!((odd.c.0, odd.d.0), (None, None));
    assert_eq!(odd.e.0, r#"{"k":[1]}"#);
    assert_eq!(Number(Some(-1.0)).status(), None);
    assert_eq!(Number(Some(0.0)).status(), None);
    assert_eq!(Number::parse("NaN").0, None);
}

#[test]
fn marks_platform_phrases() {
    let marks = |message: &str| {
        let mut record = Record { message: message.to_owned(), ..Record::default() };
        mark_phrases(&mut record);
        record.marks
    };
    assert_eq!(marks("x\nPython process exited with exit status: 1. The logs above can help"), Marks::CRASH);
    assert_eq!(marks("Vercel Runtime Timeout Error: Task timed out after 60 seconds"), Marks::TIMEOUT);
    assert_eq!(marks("Task timed out after 10.01 seconds"), Marks::TIMEOUT);
    assert!(marks("worker: Task timed out after 3 seconds, retrying").is_empty());
}

#[test]
fn tells_routes_from_middleware_files() {
    assert_eq!(route("api/hello").as_deref(), Some("/api/hello"));
    assert_eq!(route("/api/orders/[id]").as_deref(), Some("/api/orders/[id]"));
    assert_eq!(route("/docs/middleware").as_deref(), Some("/docs/middleware"));
    for name in ["", "-", ".", "src/middleware", "/middleware", "middleware", "/api/index.py", "/500"] {
        assert_eq!(route(name), None, "{name}");
    }
}

#[test]
fn reads_paths_and_request_starts() {
    assert_eq!(path("shop.example.com/api/pay").as_deref(), Some("/api/pay"));
    assert_eq!(path("/api/orders/42?full=1").as_deref(), Some("/api/orders/42"));
    assert_eq!(path("https://shop.example.com/a/b#c").as_deref(), Some("/a/b"));
    assert_eq!(path("a.example.com/to/https://b/c").as_deref(), Some("/to/https://b/c"));
    assert_eq!(path(""), None);
    assert_eq!(id_time_ms("fra1::iad1::kq7zt-1767225600123-0a1b2c3d4e5f"), Some(1_767_225_600_123));
    assert_eq!(id_time_ms("11111111-2222-4333-8444-555555555555"), None);
}
