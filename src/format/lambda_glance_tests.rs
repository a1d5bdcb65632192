use super::*;

const U: &str = "11111111-2222-4333-8444-555555555555";
const APP: &str = "2026-01-01T00:00:00.186Z\t#\tINFO\t";

/// What is said of a message in both of its forms.
fn seen(message: &str) -> Option<(Marks, Option<u16>, Option<String>)> {
    let message = message.replace('#', U);
    let escaped = serde_json::to_string(&message).expect("a text");
    let mut reader = Reader::default();
    let plain = glance::<Plain>(message.as_bytes(), &mut reader);
    let other = glance::<Escaped>(escaped.trim_matches('"').as_bytes(), &mut reader);
    let told = |seen: Seen<'_>| {
        assert_eq!(seen.id, U.as_bytes());
        (seen.marks, seen.status, seen.path.map(|path| String::from_utf8_lossy(path).into_owned()))
    };
    let (plain, other) = (plain.map(told), other.map(told));
    assert_eq!(plain, other, "{message}");
    plain
}

#[test]
fn reads_what_the_platform_prints() {
    let figures = "\tDuration: 1.5 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB";
    for (message, marks) in [
        ("START RequestId: # Version: $LATEST".to_owned(), Marks::START),
        ("START RequestId: #".to_owned(), Marks::START),
        ("END RequestId: #".to_owned(), Marks::SUMMARY),
        (format!("REPORT RequestId: #{figures}\t"), Marks::SUMMARY | Marks::END),
        (
            format!("REPORT RequestId: #{figures}\tInit Duration: 200.1 ms"),
            Marks::SUMMARY | Marks::END | Marks::COLD_START,
        ),
    ] {
        assert_eq!(seen(&message), Some((marks, None, None)), "{message}");
    }
    for message in [
        format!("REPORT RequestId: #{figures}\tStatus: timeout"),
        format!("REPORT RequestId: #{figures}\tStatus: error\tError Type: Runtime.ExitError"),
        "REPORT RequestId: #".to_owned(),
        "END RequestId: # and more".to_owned(),
        "START RequestId: 00000000-0000-0000-0000-000000000000".to_owned(),
        "START RequestId: 1111".to_owned(),
        "INIT_START Runtime Version: nodejs:24.v1".to_owned(),
        "RequestId: # Error: Runtime exited".to_owned(),
        String::new(),
    ] {
        assert_eq!(seen(&message), None, "{message}");
    }
}

#[test]
fn reads_logged_requests_and_responses() {
    let client = Marks::CLIENT | Marks::END;
    for (text, marks, status) in [
        (
            r#"request {"method":"GET","path":"/a?b=1","ip":"192.0.2.1","ua":"x/1 (y; z)"}"#,
            Marks::default(),
            None,
        ),
        (
            r#"response {"statusCode":200,"method":"GET","path":"/a?b=1","durationMs":205,"bytes":3}"#,
            client,
            Some(200),
        ),
        (r#"response {"statusCode":500,"method":"GET","path":"/a?b=1"}"#, client, Some(500)),
        (r#"response {"statusCode":499,"method":"GET","path":"/a?b=1"}"#, client | Marks::ABORTED, Some(499)),
    ] {
        assert_eq!(seen(&format!("{APP}{text}")), Some((marks, status, Some("/a".to_owned()))), "{text}");
    }
    for text in [
        r#"response {"statusCode":200,"method":"GET","path":"/a","error":"x"}"#,
        r#"response {"statusCode":200,"statusCode":500,"method":"GET","path":"/a"}"#,
        r#"response {"statusCode":200,"method":"GET"}"#,
        r#"response {"statusCode":"200","method":"GET","path":"/a"}"#,
        r#"response {"statusCode":200,"method":"GET","path":"/a"} "#,
        r#"response {"statusCode":200,"method":"get","path":"/a"}"#,
        r#"response {"statusCode":200,"method":"GET","path":"https://example.com/a"}"#,
        r#"response {"statusCode":200,"method":"GET","path":"/a\"b"}"#,
        r#"request {"method":"GET","path":"/a","ua":"a=1 status=500"}"#,
        r#"upstream response {"statusCode":503,"method":"GET","path":"/a"}"#,
    ] {
        assert_eq!(seen(&format!("{APP}{text}")), None, "{text}");
    }
}
