use super::*;

/// Headers start with `time,`; indented lines and lines that start with `}` continue an entry.
struct Simple;

impl Boundaries for Simple {
    fn is_known_entry(&self, _line: &[u8]) -> bool {
        false
    }

    fn is_csv_header(&mut self, columns: &[&str]) -> bool {
        columns.first() == Some(&"time")
    }
    fn starts_entry(&mut self, line: &[u8]) -> bool {
        !line.is_empty() && !line[0].is_ascii_whitespace() && line[0] != b'}'
    }
}

/// All frames as `kind@line:text`, other steps as names, with the source handed out `step` bytes at a time.
fn frames(text: &[u8], step: usize) -> Vec<String> {
    let mut framer = Framer::new("t", 1000);
    let (mut out, mut start, mut have) = (Vec::new(), 0, 0);
    loop {
        let eof = have == text.len();
        match framer.next(&text[start..have], eof, &mut Simple) {
            Step::Frame { start: s, end, next, kind, line, continuations } => {
                let body = String::from_utf8_lossy(&text[start + s..start + end]).replace('\n', "|");
                out.push(format!("{kind:?}@{line}+{continuations}:{body}"));
                start += next;
            }
            Step::Skip { next, what, line } => {
                if !matches!(what, Skipped::Glue) {
                    out.push(format!("{what:?}@{line}"));
                }
                start += next;
            }
            Step::Trailer { next, members } => {
                out.push(format!("trailer {members:?}"));
                start += next;
            }
            Step::More if eof => return out,
            Step::More => have = (have + step).min(text.len()),
        }
    }
}

fn same(text: &str, expected: &[&str]) {
    for step in [1, 2, 3, 7, 64, 4096] {
        assert_eq!(frames(text.as_bytes(), step), expected, "step {step}");
    }
}

#[test]
fn one_object_a_line() {
    same(
        "{\"a\":1}\r\n{\"b\":2}\n\n {\"c\":3}",
        &["Json@1+0:{\"a\":1}", "Json@2+0:{\"b\":2}", "Blank@3", "Json@4+0:{\"c\":3}"],
    );
}

#[test]
fn values_in_arrays_and_back_to_back() {
    same(
        "[{\"a\":1},\n{\"b\":2}][{\"c\":3}]",
        &["Json@1+0:{\"a\":1}", "Json@2+0:{\"b\":2}", "Json@2+0:{\"c\":3}"],
    );
    same(
        "{\"a\":1}{\"b\":2}\n{\n \"c\":3\n}\n",
        &["Json@1+0:{\"a\":1}", "Json@1+0:{\"b\":2}", "Json@2+0:{|  \"c\":3|}".replace("  ", " ").as_str()],
    );
}

#[test]
fn objects_may_be_separated_by_commas() {
    // log4js's JSON layout with a separator.
    let frames = ["Json@1+0:{\"a\":1}", "Json@2+0:{\"a\":2}", "Json@3+0:{\"a\":3}"];
    same("{\"a\":1},\n{\"a\":2},\n{\"a\":3},\n", &frames);
    same("{\"a\":1},\n{\"a\":2} , \n{\"a\":3},", &frames);
}

#[test]
fn envelopes_are_opened() {
    same(
        "{\"logStream\":\"s\",\n\"events\":[{\"a\":1},\n{\"b\":2}],\"nextToken\":\"t\"}\n{\"x\":1}",
        &[
            "Json@2+0:{\"a\":1}",
            "Json@3+0:{\"b\":2}",
            "trailer [(\"nextToken\", \"t\")]",
            "Json@4+0:{\"x\":1}",
        ],
    );
}

#[test]
fn text_entries_take_their_continuations() {
    same(
        "one\n  at a\n  at b\ntwo\n{\"j\":1}\nthree",
        &["Line@1+2:one|  at a|  at b", "Line@4+0:two", "Json@5+0:{\"j\":1}", "Line@6+0:three"],
    );
    same("[INFO] text\nx", &["Line@1+0:[INFO] text", "Line@2+0:x"]);
}

#[test]
fn csv_rows_with_line_breaks() {
    same("time,message\n1,\"a\nb\"\n2,c\n", &["Header@1", "Csv@2+0:1,\"a|b\"", "Csv@4+0:2,c"]);
}

#[test]
fn a_line_cut_off_does_not_swallow_the_next() {
    same(
        "{\"a\":1}\n{\"b\":\"cut\n{\"c\":3}\n",
        &["Json@1+0:{\"a\":1}", "Line@2+0:{\"b\":\"cut", "Json@3+0:{\"c\":3}"],
    );
    same("{\"events\":[{\"a\":1},{\"b\":\"cu", &["Json@1+0:{\"a\":1}", "CutOff@1"]);
}

#[test]
fn of_a_page_that_was_cut_off_only_the_end_is_lost() {
    same(
        "{\n \"data\": [\n  {\"a\": 1},\n  {\"b\": \"cu",
        &["Json@1+0:{| \"data\": [|  {\"a\": 1},", "CutOff@3"],
    );
    // More lines than a text entry may have.
    let page = format!("{{\n\"data\": [\n{}{{\"b\": ", "{\"a\": 1},\n".repeat(3000));
    let mut framer = Framer::new("t", 1 << 20);
    let Step::Frame { end, next, continuations: 0, .. } = framer.next(page.as_bytes(), true, &mut Simple)
    else {
        panic!("the whole elements are one frame")
    };
    assert_eq!((&page[end - 9..end], end), ("{\"a\": 1},", next));
    let Step::Skip { what: Skipped::CutOff, line: 3002, .. } =
        framer.next(&page.as_bytes()[next..], true, &mut Simple)
    else {
        panic!("the rest is cut off")
    };
    // Torn lines are lines.
    same(
        "{\"a\":{\"b\":1\n{\"c\":3}\n{\"d\":4}\n",
        &["Line@1+0:{\"a\":{\"b\":1", "Json@2+0:{\"c\":3}", "Json@3+0:{\"d\":4}"],
    );
}

#[test]
fn directives_name_the_columns_of_lines() {
    same(
        "#Version: 1.0\n#Fields: date cs-method\n2026-01-01 GET\n# a comment\n#Fields: of gold\n",
        &[
            "Header@1",
            "Header@2",
            "Line@3+0:2026-01-01 GET",
            "Line@4+0:# a comment",
            "Line@5+0:#Fields: of gold",
        ],
    );
}

#[test]
fn an_overlong_line_is_skipped() {
    let text = format!("{}\nnext\n", "x".repeat(3000));
    for step in [1, 64, 4096] {
        assert_eq!(frames(text.as_bytes(), step), ["TooLong@1", "Line@2+0:next"], "step {step}");
    }
    let text = format!("{{\"a\":1}}\n{{\"b\":\"{}\"}}\n{{\"c\":3}}\n", "x".repeat(3000));
    for step in [1, 64, 4096] {
        assert_eq!(
            frames(text.as_bytes(), step),
            ["Json@1+0:{\"a\":1}", "TooLong@2", "Json@3+0:{\"c\":3}"],
            "step {step}"
        );
    }
    let text = format!("[{{\"b\":\"{}\"}},{{\"c\":3}}]", "x".repeat(3000));
    for step in [1, 64, 4096] {
        assert_eq!(frames(text.as_bytes(), step), ["TooLong@1", "Json@1+0:{\"c\":3}"], "step {step}");
    }
    let text = format!("time,message\n1,\"{}\"\n2,c\n", "x".repeat(3000));
    for step in [1, 64, 4096] {
        assert_eq!(frames(text.as_bytes(), step), ["Header@1", "TooLong@2", "Csv@3+0:2,c"], "step {step}");
    }
}

#[test]
fn marks_and_blanks() {
    same("\u{feff}{\"a\":1}\n", &["Json@1+0:{\"a\":1}"]);
    same("   \n\t\n", &["Blank@1", "Blank@2"]);
    same("", &[]);
}

#[test]
fn a_comma_at_the_end_of_the_bytes_waits_for_what_follows() {
    same("{\"a\":1}\n,\n{\"b\":2}\n", &["Json@1+0:{\"a\":1}", "Blank@2", "Json@3+0:{\"b\":2}"]);
    same("{\"a\":1}\n, b\n", &["Json@1+0:{\"a\":1}", "Line@2+0:, b"]);
}

#[test]
fn overlong_values_are_dropped_alike_in_any_pieces() {
    // Escapes stand wherever a piece may end.
    let escapes = r#"\"}\\"#.repeat(400);
    same(
        &format!("[{{\"a\":\"{escapes}\"}},{{\"b\":\"{escapes}\"}},{{\"c\":3}}]"),
        &["TooLong@1", "TooLong@1", "Json@1+0:{\"c\":3}"],
    );
    // An envelope whose entries begin beyond the limit is too long a value, however much of it is there.
    let long = "x".repeat(1200);
    same(
        &format!("{{\"note\":\"{long}\",\"events\":[{{\"a\":1}}]}}\n{{\"b\":2}}\n"),
        &["TooLong@1", "Json@2+0:{\"b\":2}"],
    );
}
