use std::borrow::Cow;

use proptest::prelude::*;

use super::own::OwnPattern;
use super::printable::{printable, single_line};
use super::{Keep, Redactor, patterns};

/// A secret, and what must not be seen of it any more. Split so that no scanner takes them for real ones.
const SECRETS: &[(&str, &str)] = &[
    ("postgres://app:hunter2@db.example.com:5432/shop", "hunter2"),
    ("could not connect to postgresql://app:p%40ss@db.example.com", "p%40ss"),
    ("redis://:s3cr3tpw@cache.example.com:6379", "s3cr3tpw"),
    ("mongodb+srv://app:pw1@c0.example.com/db?retryWrites=true", "pw1"),
    ("mysql://root:p@ss@db.example.com/x", "p@ss"),
    ("postgres://app:pa/ss#w?rd@db.example.com/x", "pa/ss#w?rd"),
    ("https://user:letmein@api.example.com/v1", "letmein"),
    ("amqp://guest:guestpw@mq.example.com", "guestpw"),
    ("Authorization: Bearer abcdef123456", "abcdef123456"),
    ("authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
    (r#"{"authorization":"Bearer q1w2e3r4t5"}"#, "q1w2e3r4t5"),
    (r#"{\"Authorization\":\"Bearer q1w2e3r4t5\"}"#, "q1w2e3r4t5"),
    ("headers: { Authorization: 'token abc123def456' }", "abc123def456"),
    ("sent Bearer 8fK2-long_opaque.value", "8fK2"),
    ("Proxy used Basic dXNlcjpwYXNzd29yZA== for it", "dXNlcjpwYXNzd29yZA"),
    ("Cookie: session=abc123; theme=dark", "abc123"),
    ("Set-Cookie: sid=s%3Aabc.def; Path=/; HttpOnly", "s%3Aabc"),
    (r#"{"cookie":"sid=abc123; x=1"}"#, "abc123"),
    ("'set-cookie': [ 'sid=abc123; Path=/', 'b=2' ]", "abc123"),
    ("cookies: { sid: 'abc123' }", "abc123"),
    (concat!("Invalid API Key provided: sk_", "live_4eC39HqLyjWDarjtT1zdp7dc"), "4eC39"),
    (concat!("key rk_", "test_51HqLyjWDarjtT1zdp7 is wrong"), "51Hq"),
    (concat!("whsec", "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "MfKQ"),
    (concat!("Incorrect API key provided: sk", "-proj-a1B2c3D4e5F6g7H8i9J0k1L2"), "a1B2"),
    (concat!("sk", "-ant-api03-Zz9Yy8Xx7Ww6Vv5Uu4Tt3Ss2"), "Zz9"),
    (concat!("AKIA", "IOSFODNN7EXAMPLE is not authorized"), "IOSF"),
    (concat!("ASIA", "IOSFODNN7EXAMPLE"), "IOSF"),
    (concat!("remote: ghp", "_16C7e42F292c6912E7710c838347Ae178B4a"), "16C7"),
    (concat!("github", "_pat_11ABCDEFG0123456789_abcdefghij"), "11ABC"),
    (concat!("xox", "b-123456789012-abcdefABCDEF"), "abcdefABC"),
    (concat!("POST https://hooks.slack.com/", "services/T0000/B0000/XXXXyyyyZZZZ"), "XXXXyyyy"),
    (concat!("key=AIza", "SyA1234567890abcdefghijklmnopqrstuv"), "SyA123"),
    (concat!("SG", ".ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKc"), "ngeV"),
    (concat!("re", "_a1b2c3d4_E5f6G7h8I9j0K1l2M3n4"), "E5f6"),
    (concat!("npm", "_abcdefghijklmnopqrstuvwxyz0123456789"), "abcdefg"),
    (concat!("glpat", "-abcDEF123456ghiJKL78"), "abcDEF"),
    (concat!("jwt eyJ", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"), "hbGci"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA1234\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    (r"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n", "MIIEvQ"),
    ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1\nduRSx", "MHcCAQ"),
    ("password=hunter2 host=db.example.com", "hunter2"),
    (r#"{"user":"a","password":"correct horse battery staple"}"#, "correct horse"),
    (r#"{\"password\":\"hunter2\"}"#, "hunter2"),
    (r#"{"nested":{"clientSecret":"abc\"def"}}"#, "def"),
    ("STRIPE_WEBHOOK_SECRET=abcdef", "abcdef"),
    ("GET /callback?access_token=9f8e7d6c&state=1", "9f8e7d6c"),
    ("x-api-key: 0a1b2c3d4e", "0a1b2c3d4e"),
    ("auth: { user: 'mailer', pass: 'pl4in' }", "pl4in"),
    ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalr"),
    ("db password: hunter2", "hunter2"),
    ("Server=tcp:db.example.com;User ID=app;Password=Pl4in!;Encrypt=true", "Pl4in"),
    ("\"password\"=>\"ruby1\"", "ruby1"),
    ("PGPASSWORD=pgpw psql", "pgpw"),
    ("config['secret'] = 'abc-def'", "abc-def"),
    ("https://bucket.example.com/x?X-Amz-Signature=deadbeef0123", "deadbeef"),
    ("user jane.doe@example.com not found", "jane.doe"),
    ("<jane+tag@mail.example.co.uk>", "jane+tag"),
    ("/users?email=jane%40example.com", "jane"),
    ("smtp://jane@example.com:pw@smtp.example.com", "jane"),
    ("jörg.müller@example.de", "müller"),
    ("203.0.113.7 - - [01/Jan/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 500 12", "203.0.113.7"),
    ("upstream timed out, client: 203.0.113.7, server: shop.example.com", "203.0.113.7"),
    (r#"{"remoteAddress":"198.51.100.23","remotePort":51234}"#, "198.51.100.23"),
    ("X-Forwarded-For: 198.51.100.23, 10.0.0.2", "198.51.100.23"),
    ("login from 203.0.113.7:51234 failed", "203.0.113.7"),
    ("rate limit for 198.51.100.23 exceeded", "198.51.100.23"),
    ("forwarded: for=\"[2001:db8:85a3::8a2e:370:7334]\"", "8a2e:370"),
    ("client 2a00:1450:4001:81b::200e: bad request", "4001:81b"),
    ("::ffff:203.0.113.7 GET /api/orders", "203.0.113.7"),
    ("SMS to +49 151 23456789 failed", "23456789"),
    ("Invalid 'To' phone number: +15005550001", "5005550001"),
    (r#"{"phone":"0151 23456789"}"#, "23456789"),
    ("mobile=01512345678&x=1", "1512345678"),
    ("call (555) 234-5678 for help", "234-5678"),
];

/// What looks like a secret and must stay readable to the letter.
const LOOK_ALIKES: &[&str] = &[
    "Missing required env STRIPE_SECRET_KEY",
    "Error: secretOrPrivateKey must have a value",
    "token: expired",
    "Invalid token: expired at 12:00",
    "password: must be at least 8 characters",
    "Access denied for user 'app'@'10.0.0.1' (using password: YES)",
    "password authentication failed for user \"app\"",
    "SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string",
    "SyntaxError: Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
    "SyntaxError: Unexpected token: identifier",
    "STRIPE_SECRET_KEY: Required",
    "JWT_SECRET: String must contain at least 32 character(s)",
    "{ JWT_SECRET: [ 'Required' ] }",
    r#"{"token":null,"password":"","secret":false,"apiKey":undefined}"#,
    r#"{"password":"is required"}"#,
    "JWT_SECRET=",
    "JWT_SECRET=undefined",
    "const secret = process.env.JWT_SECRET",
    "const token = req.headers.authorization",
    "const token = getToken(req)",
    "if (token === null) return",
    "API_KEY: ${API_KEY}",
    "password: <redacted>",
    "password=********",
    "token: [REDACTED]",
    "Invalid API Key provided: sk_test_****4242",
    "prompt_tokens: 120, max_tokens=4096, token_type: bearer",
    "publishable pk_live_abcdefABCDEF123456",
    "[auth][error] MissingSecret: Please define a `secret`. Read more at https://errors.authjs.dev#missingsecret",
    "You need to provide your API key in the Authorization header, using Bearer auth",
    "Authorization: missing",
    "Basic authentication required",
    "Bearer authentication is not configured",
    "Cookie \"session\" was rejected",
    "cookies() should be awaited before using its value",
    "https://example.com:8080/a?b=c@d",
    "ssh://git@example.com/repo",
    "git@example.com:org/repo.git",
    "node_modules/.pnpm/next@15.1.0_react@19.0.0/node_modules/next",
    "lodash@4.17.21 and @scope/pkg@1.2.3-beta.rc",
    "/img/logo@2x.png",
    "postgres://app:***@db.example.com/x",
    "http://localhost:3000/api/users/@me",
    "req 0b5b1b6e-8c1f-4d2a-9c55-3b5f0f3c2a11 failed",
    "x-vercel-id: fra1::iad1::k5x2p-1767261492345-0a1b2c3d4e5f",
    "Root=1-67891233-abcdef012345678912345678",
    "sk-loading-indicator-wrapper",
    "refund re_3MmlLrLkdIwHu7ix0uqz0jkA",
    "npm_config_user_agent npm_lifecycle_event",
    "re_export_default_from_module_path",
    "error:1E08010C: expected -----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----",
    "Error: ENOENT: no such file or directory, open '/run/secrets/token': ENOENT",
    "at verify (/app/lib/token:12:5)",
    "The 'token' property is missing or undefined in your Redis config.",
    "Missing credentials. Please pass an `apiKey`, or set the `OPENAI_API_KEY` environment variable.",
    "env_key = STRIPE_SECRET_KEY",
    "getaddrinfo ENOTFOUND ip-10-0-0-1.ec2.internal",
    "apiKey: 'My API Key'",
    "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')",
    "[ActionDispatch::HostAuthorization::DefaultResponseApp] Blocked hosts: example.com",
    "redis://redistogo:xxxxxxxx@redis.example.com:9231/",
    "ec2-user@ip-10-0-0-1.ec2.internal",
    "connect ECONNREFUSED 203.0.113.5:5432",
    "connect ETIMEDOUT 198.51.100.23:6379",
    "dial tcp 203.0.113.5:443: i/o timeout",
    "connect ECONNREFUSED 10.0.0.5:5432",
    "Error: listen EADDRINUSE: address already in use 0.0.0.0:3000",
    "connect ECONNREFUSED ::1:5432",
    "connection to server at \"db.example.com\" (203.0.113.5), port 5432 failed",
    "no pg_hba.conf entry for host \"203.0.113.5\", user \"app\"",
    "upstream: \"http://203.0.113.5:8080/api\"",
    "Mozilla/5.0 Chrome/120.0.6099.109 Safari/537.36",
    "Could not load assembly Npgsql, Version=8.0.3.11",
    "client 192.168.1.20 and 172.16.0.9, 100.64.3.2 and 169.254.169.254",
    "security group 203.0.113.0/24 does not match",
    "lookup db.example.com on 8.8.8.8:53: no such host",
    "std::fd::OwnedFd 2026:10:11 24:00:00",
    "[01/Jan/2026:10:00:00 +0000] took 1767225600000 ms",
    "2026-01-31T10:00:00.000+0200 order 4711-500-1234 total +12.50",
    "telemetry: 12345678, hotel=1234567",
    "0.1.2.3-beta.4 and 1.2.3.4-rc.1",
    "trace 429-503-1234567",
];

fn redactor() -> Redactor {
    Redactor::new(b"key of the tests")
}

#[test]
fn every_pattern_compiles() {
    for pattern in patterns::PATTERNS {
        let regex =
            regex::Regex::new(pattern.regex).unwrap_or_else(|error| panic!("{}: {error}", pattern.kind));
        assert!(regex.captures_len() > 1, "{} has no group", pattern.kind);
        assert!(!pattern.hints.is_empty(), "{} has no hint", pattern.kind);
    }
}

#[test]
fn secrets_go() {
    let redactor = redactor();
    let mut left = Vec::new();
    for (text, secret) in SECRETS {
        let redacted = redactor.redact(text);
        if redacted.contains(secret) || !redacted.contains('‹') || redactor.redact(&redacted) != redacted {
            left.push(format!("{text}\n  -> {redacted}"));
        }
    }
    assert!(left.is_empty(), "\n{}", left.join("\n"));
}

#[test]
fn look_alikes_stay() {
    let redactor = redactor();
    let hidden: Vec<String> = LOOK_ALIKES
        .iter()
        .filter(|text| redactor.redact(text) != **text)
        .map(|text| format!("{text}\n  -> {}", redactor.redact(text)))
        .collect();
    assert!(hidden.is_empty(), "\n{}", hidden.join("\n"));
}

#[test]
fn what_surrounds_a_secret_stays() {
    let redacted = redactor().redact("postgres://app:hunter2@db.example.com:5432/shop refused").into_owned();
    assert!(redacted.starts_with("postgres://app:‹url-password:"), "{redacted}");
    assert!(redacted.ends_with("›@db.example.com:5432/shop refused"), "{redacted}");
    let two = redactor().redact("a://u:p1@h,b://v:p2@i").into_owned();
    assert!(two.contains("@h,b://v:") && two.ends_with("@i") && !two.contains("p1"), "{two}");
}

#[test]
fn tokens_are_keyed_and_comparable() {
    let one = redactor().redact("jane@example.com").into_owned();
    assert_eq!(one.len(), "‹email:7f3a90c412de›".len());
    assert_eq!(redactor().redact("mail to jane@example.com!"), format!("mail to {one}!"));
    assert_ne!(Redactor::new(b"another").redact("jane@example.com"), one);
    assert_eq!(Redactor::off().redact("jane@example.com"), "jane@example.com");
}

#[test]
fn the_lists_are_as_long_as_they_should_be() {
    assert!(SECRETS.len() >= 60 && LOOK_ALIKES.len() >= 60, "{} {}", SECRETS.len(), LOOK_ALIKES.len());
}

#[test]
fn what_a_fix_needs_stays() {
    let text = "Client with IP address '203.0.113.7' is not allowed to access the server.";
    assert!(redactor().redact(text).contains("‹ip:"));
    let keep = Keep { addresses: &["203.0.113.7"], id: None };
    assert_eq!(redactor().redact_but(text, keep), text);
    // Only whole addresses are kept, and no other kind.
    let keep = Keep { addresses: &["3.0.113.7", "jane@example.com"], id: None };
    assert!(redactor().redact_but(text, keep).contains("‹ip:"));
    assert!(redactor().redact_but("to jane@example.com", keep).contains("‹email:"));
}

#[test]
fn patterns_of_the_user_hide_more() {
    let own = [r"user_id=(?P<user_id>\d+)", r"acct-[0-9a-f]+", r"tenant (\w+)"].map(OwnPattern::parse);
    let own: Vec<OwnPattern> = own.into_iter().map(|one| one.expect("a pattern")).collect();
    let redactor = redactor().with_own(&own);
    let text = redactor.redact("user_id=4711 of acct-0a1b, tenant blue: jane@example.com").into_owned();
    assert!(text.starts_with("user_id=‹user-id:") && text.contains(" of ‹own:"), "{text}");
    assert!(text.contains("tenant ‹own:") && text.contains("‹email:") && !text.contains("4711"), "{text}");
    assert_eq!(redactor.redact(&text), text, "redacting twice changes nothing");
    let keep = Keep { addresses: &[], id: Some("acct-0a1b") };
    assert_eq!(redactor.redact_but("request acct-0a1b", keep), "request acct-0a1b");
    for wrong in ["(", ".*", "x*", "a{1000}{1000}{1000}"] {
        assert!(OwnPattern::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_plain_text_is_borrowed() {
    assert!(matches!(redactor().redact("GET /api/orders 500 in 12ms"), Cow::Borrowed(_)));
    assert!(matches!(printable("GET /api/orders 500 – ok"), Cow::Borrowed(_)));
}

#[test]
fn hostile_length_takes_linear_time() {
    let redactor = redactor();
    for unit in [
        "-----BEGIN PRIVATE KEY-----",
        "cookie:[\"a cookie:x=y ",
        "a.a@b.",
        "a@b.co,",
        "password",
        "postgres://a:b;",
        "token:{",
    ] {
        redactor.redact(&unit.repeat(2_000_000 / unit.len()));
    }
}

#[test]
fn escapes_and_controls_go() {
    let table = [
        ("\u{1b}[31mred\u{1b}[0m", "red"),
        ("\u{1b}]0;title\u{7}x", "x"),
        ("\u{1b}]8;;https://example.com\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
        ("\u{1b}]0;not ended", "0;not ended"),
        ("\u{9b}2Jcleared", "cleared"),
        ("\u{1b}(Bx\u{1b}cy", "xy"),
        ("a\u{8}b\u{7f}c\u{0}d", "abcd"),
        ("abc\u{202e}fed\u{2066}g", "abcfedg"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("tab\tstays", "tab\tstays"),
        ("zero\u{200b}width\u{feff}", "zerowidth"),
        ("\u{1b}", ""),
        ("\u{1b}é", "é"),
    ];
    for (text, clean) in table {
        assert_eq!(printable(text), clean, "{text:?}");
    }
    assert_eq!(single_line(" a\r\n\tb\n\nc\td "), "a ⏎ b ⏎ c d");
}

proptest! {
    #[test]
    fn redaction_is_idempotent(
        text in "(password|token|cookie|Bearer|sk-|@|://|:|=|\"|'| |;|a|B|7|\\.|\\{|\\[|‹|›|\n|eyJ|authorization){0,40}",
    ) {
        let redactor = redactor();
        let once = redactor.redact(&text).into_owned();
        prop_assert_eq!(redactor.redact(&once).into_owned(), once);
    }

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        let redactor = redactor();
        let once = redactor.redact(&text).into_owned();
        prop_assert_eq!(redactor.redact(&once).into_owned(), once);
    }

    #[test]
    fn printable_leaves_no_control_character(text in any::<String>()) {
        let clean = printable(&text);
        prop_assert!(!clean.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        prop_assert!(!single_line(&text).contains(['\n', '\t']));
        prop_assert_eq!(printable(&clean).into_owned(), clean.into_owned());
    }
}
