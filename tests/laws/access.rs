//! Access lines: counted where they are seen, or decoded and held for a while, they are the same traffic.

use serde_json::Value;

use crate::generate::Random;
use crate::support::{engine, printed, run};

/// An access log with failures, clients that left, tracebacks and lines of other kinds in it. `host` is what the addresses
/// begin with.
fn log(host: &str, seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut text = String::new();
    for number in 0..3_000_u64 {
        let (minute, second) = (number / 300, number / 5 % 60);
        let status = match random.below(40) {
            0 => 500,
            1 => 499,
            2 => 404,
            3 => 304,
            _ => 200,
        };
        let path = match random.below(4) {
            0 => format!("/api/orders/{}", random.below(1_000)),
            1 => "/cart?next=/pay&page=2".to_owned(),
            2 => format!("/search?request_id=r-{number:09}"),
            _ => "/".to_owned(),
        };
        text.push_str(&format!(
            "{host}0.2.{} - - [01/Jan/2026:00:{minute:02}:{second:02} +0000] \"GET {path} HTTP/1.1\" {status} {} \"-\" \"curl/8.7.1\"\n",
            random.below(200),
            random.below(9_000),
        ));
        match random.below(60) {
            0 => text.push_str(
                "Traceback (most recent call last):\n  File \"/app/a.py\", line 1, in f\nKeyError: 'total'\n",
            ),
            1 => text.push_str(
                "{\"level\":30,\"time\":1767225600000,\"reqId\":\"r-json-77\",\"msg\":\"loaded\"}\n",
            ),
            2 => text.push_str("listening on port 3000\n\n"),
            _ => {}
        }
    }
    text
}

fn told(text: &str, threads: usize) -> Vec<Value> {
    let report = run(engine(threads), &[("access.log", text.as_bytes())]);
    let (json, _) = printed(&report);
    let mut json: Value = serde_json::from_str(&json).expect("a report");
    let whole = &report.traffic.whole;
    let kept = ["requests", "routes", "traffic", "window", "gaps"].map(|key| json[key].take());
    kept.into_iter()
        .chain([format!("{:?}", whole.cells).into(), format!("{:?}", whole.sample).into()])
        .collect()
}

#[test]
fn counting_at_once_shows_nowhere() {
    for seed in 1..4 {
        // Addresses that begin with a letter are not glanced at.
        let (glanced, decoded) = (log("192.", seed), log("a92.", seed));
        let told_of_glanced = told(&glanced, 1);
        assert!(told_of_glanced[0]["failed"].as_u64() > Some(20), "{told_of_glanced:?}");
        assert!(told_of_glanced[0]["aborted"].as_u64() > Some(20), "{told_of_glanced:?}");
        assert_eq!(told_of_glanced, told(&decoded, 1));
        assert_eq!(told_of_glanced, told(&glanced, 2));
    }
}
