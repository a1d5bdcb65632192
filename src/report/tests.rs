use proptest::prelude::*;

use super::model::Report;
use super::table::TableOptions;
use super::{csv, fixture, json, jsonl, layout, message, table, words};

fn drawn(report: &Report, width: usize, colour: bool) -> String {
    let mut out = Vec::new();
    table::write(report, &TableOptions { width, colour, top: 3 }, &mut out).expect("writes to memory");
    String::from_utf8(out).expect("is UTF-8")
}

fn written(write: fn(&Report, &mut dyn std::io::Write) -> std::io::Result<()>, report: &Report) -> String {
    let mut out = Vec::new();
    write(report, &mut out).expect("writes to memory");
    String::from_utf8(out).expect("is UTF-8")
}

/// Escapes are shown as `␛`, so the snapshots hold none.
fn visible(text: &str) -> String {
    text.replace('\u{1b}', "␛")
}

#[test]
fn the_table_at_every_width() {
    for width in [60, 80, 120, 200] {
        insta::assert_snapshot!(format!("busy_{width}"), drawn(&fixture::busy(), width, false));
        insta::assert_snapshot!(
            format!("busy_{width}_colour"),
            visible(&drawn(&fixture::busy(), width, true))
        );
    }
}

#[test]
fn the_table_of_other_reports() {
    insta::assert_snapshot!("calm_80", drawn(&fixture::calm(), 80, false));
    insta::assert_snapshot!("empty_80", drawn(&fixture::empty(), 80, false));
    insta::assert_snapshot!("hostile_80", drawn(&fixture::hostile(), 80, false));
    insta::assert_snapshot!("long_100", drawn(&fixture::long(), 100, false));
}

#[test]
fn forms_for_scripts() {
    insta::assert_snapshot!("json", written(json::write, &fixture::busy()));
    insta::assert_snapshot!("jsonl", written(jsonl::write, &fixture::busy()));
    insta::assert_snapshot!("csv", written(csv::write, &fixture::busy()));
}

#[test]
fn the_message_for_a_channel() {
    let all = [fixture::busy(), fixture::calm(), fixture::empty(), fixture::hostile(), fixture::markup()];
    let texts: Vec<String> = all.iter().map(|report| written(message::write, report)).collect();
    for text in &texts {
        assert!(!text.chars().any(|c| c != '\n' && c.is_control()));
        assert!(!text.contains(['<', '>', '`']) && !text.contains("@here") && !text.contains("://"));
        assert!(text.lines().count() <= 9 && text.lines().all(|line| line.chars().count() <= 301));
    }
    insta::assert_snapshot!("message", texts.join("\n"));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for report in [fixture::busy(), fixture::hostile(), fixture::long(), fixture::empty()] {
        for width in (20..=220).step_by(7).chain([79, 80, 81]) {
            for line in drawn(&report, width, false).lines() {
                assert!(layout::width(line) <= width, "{} > {width}: {line}", layout::width(line));
                assert_eq!(line, line.trim_end());
            }
        }
    }
}

#[test]
fn colour_only_adds_escapes_of_its_own() {
    for report in [fixture::busy(), fixture::hostile(), fixture::calm()] {
        for width in [20, 60, 80, 120] {
            let coloured = drawn(&report, width, true);
            assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), drawn(&report, width, false));
        }
    }
}

#[test]
fn nothing_from_a_log_steers_the_terminal_or_adds_an_entry() {
    for width in [20, 40, 60, 80, 120, 200] {
        let text = drawn(&fixture::hostile(), width, false);
        assert!(!text.chars().any(|c| c != '\n' && c.is_control()), "control character at {width}");
        assert!(!text.contains(['\u{202e}', '\u{2066}']));
        // One per incident in full, the first of which holds the injections.
        for (key, times) in [("fix = ", 3), ("rule = ", 3)] {
            let entries = text.lines().filter(|line| line.trim_start().starts_with(key)).count();
            assert_eq!(entries, times, "{key} at {width}:\n{text}");
        }
    }
}

#[test]
fn csv_runs_no_formula() {
    let mut report = fixture::hostile();
    report.incidents.truncate(1);
    for start in ["=", "+", "-", "@", "\t", "\r", "\r\n=", " =", "＝"] {
        report.incidents[0].title = format!("{start}HYPERLINK(\"https://example.com\")");
        let text = written(csv::write, &report);
        let row = text.split("\r\n").nth(1).expect("has a row");
        assert!(row.starts_with("1,runtime,edge-node-module,\"'"), "{start:?}: {row}");
        assert_eq!(text.matches("\r\n").count(), 2);
        assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\u{1b}']));
    }
}

#[test]
fn json_is_a_stable_contract() {
    let text = written(json::write, &fixture::busy());
    assert!(text.starts_with("{\n  \"schema\": \"why500/report/v1\",\n  \"tool\"") && text.ends_with("}\n"));
    let value: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
    assert_eq!(value["incidents"][3]["cause"], serde_json::Value::Null);
    let lines = written(jsonl::write, &fixture::busy());
    assert_eq!(lines.lines().count(), 1);
    assert!(written(jsonl::write, &fixture::calm()).is_empty());
}

#[test]
fn numbers_and_times_read_well() {
    assert_eq!([0, 7, 999, 1_204, 1_000_000].map(words::count), ["0", "7", "999", "1 204", "1 000 000"]);
    assert_eq!([0.0, 0.001, 0.5, 0.999, 1.0].map(words::percent), ["0%", "<1%", "50%", ">99%", "100%"]);
    assert_eq!(
        words::span(Some("odd"), Some("2026-01-01T10:00:00.000Z")),
        "odd odd – 2026-01-01 10:00:00 UTC"
    );
    assert_eq!(words::moment(Some("2026-01-02T10:00:59.000Z"), false), "01-02 10:00");
}

#[test]
fn layout_counts_columns() {
    assert_eq!(layout::cut("数据库连接", 5), "数据…");
    assert_eq!(layout::cut("abc", 3), "abc");
    assert_eq!(layout::cut("abc", 0), "");
    assert_eq!(layout::wrap("one two three", 7, 9), ["one two", "three"]);
    assert_eq!(layout::wrap("one two three", 7, 1), ["one tw…"]);
    assert_eq!(layout::wrap("/api/users/create", 12, 9), ["/api/users/", "create"]);
    assert_eq!(layout::wrap("", 12, 9), [""]);
    assert!(layout::wrap("数据库", 1, 9).len() == 3);
    assert!(layout::wrap(&"☎\u{fe0f}".repeat(9), 4, 9).iter().all(|line| layout::width(line) <= 4));
}

proptest! {
    #[test]
    fn layout_keeps_to_its_columns(text in any::<String>(), columns in 2_usize..40, lines in 1_usize..9) {
        let text = crate::redact::printable::single_line(&text).into_owned();
        let wrapped = layout::wrap(&text, columns, lines);
        prop_assert!(wrapped.len() <= lines);
        prop_assert!(wrapped.iter().all(|line| layout::width(line) <= columns), "{:?}", wrapped);
        prop_assert!(layout::width(&layout::cut(&text, columns)) <= columns);
    }

    #[test]
    fn no_text_breaks_the_table(title in any::<String>(), route in any::<String>(), width in 20_usize..130) {
        let mut report = fixture::busy();
        report.incidents[0].title = title.clone();
        report.incidents[0].fix = title;
        report.incidents[0].routes[0].route = route.clone();
        report.window.from = Some(route);
        for line in drawn(&report, width, false).lines() {
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert!(layout::width(line) <= width, "{}", line);
        }
    }
}
