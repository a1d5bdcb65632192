//! What the logs lack, and patterns of the user for what is to be hidden.

use super::support::{Dir, REFUSED, drain};

#[test]
fn what_the_logs_lack_is_said_where_a_cause_is_missing() {
    let dir = Dir::new();
    let log = drain(1, 500, "something broke");
    dir.pipe(&[], &log).exits(0).shows("what the logs lack").shows("the error's class");
    let report = dir.pipe(&["--format", "json"], &log).exits(0).json();
    let gap = &report["gaps"][0];
    assert_eq!(gap["family"], "/api/orders");
    assert_eq!((gap["requests"].as_u64(), gap["uncertain"].as_u64()), (Some(1), Some(1)));
    assert_eq!(gap["missing"][0]["phase"], "error_class");
    assert!(gap["missing"][0]["change"]["pino"].as_str().is_some_and(|text| text.contains("err")), "{gap}");
    // A certain cause needs no such line; the account is in JSON all the same.
    let ran = dir.pipe(&[], drain(1, 500, REFUSED)).exits(0);
    assert!(!ran.stdout.contains("what the logs lack"), "{}", ran.stdout);
    dir.pipe(&["--format", "json"], drain(1, 500, REFUSED)).exits(0).shows("\"gaps\"");
    let calm = dir.pipe(&["--format", "json"], drain(1, 200, "ok")).exits(0).json();
    assert!(calm.get("gaps").is_none());
}

#[test]
fn addresses_of_clients_and_ids_of_users_are_hidden() {
    let dir = Dir::new();
    let log = drain(1, 500, "client 203.0.113.7 user_id=4711 of request-1: something broke");
    let ran = dir.pipe(&[], &log).exits(0).shows("‹ip:");
    assert!(!ran.stdout.contains("203.0.113.7") && ran.stdout.contains("4711"), "{}", ran.stdout);
    let pattern = ["--redact-pattern", r"user_id=(?P<user>\d+)", "--redact-pattern", r"request-\d"];
    let ran = dir.pipe(&pattern, &log).exits(0).shows("user_id=‹user:").shows("request request-1");
    assert!(!ran.stdout.contains("4711"), "{}", ran.stdout);
    assert!(ran.stdout.contains("of request-1:"), "a correlation ID stays: {}", ran.stdout);
    dir.pipe(&["--no-redact"], &log).exits(0).shows("client 203.0.113.7");
    dir.run(&["--redact-pattern", "(", "x"]).exits(2).says("regular expression");
    // A database that refused is what it is about.
    let refused = drain(1, 500, "Error: connect ECONNREFUSED 203.0.113.9:5432");
    dir.pipe(&[], refused).exits(0).shows("203.0.113.9");
}
