use super::values::TextEnd;
use super::*;

/// `id` is a text, `time` an integer, `body` any text, `state` decides; of nested ones only `inner.name` is read.
fn role(path: &[&str]) -> Option<Role> {
    Some(match path {
        ["id"] => Role::Text(0),
        ["time"] => Role::Integer(1),
        ["body"] => Role::Raw(2),
        ["inner", "name"] => Role::Text(3),
        ["state"] => Role::Fixed,
        ["release"] => Role::FixedText(4),
        _ => return None,
    })
}

fn learned(lines: &[&str]) -> Stencils<usize> {
    let mut stencils = Stencils::new(role);
    for (number, line) in lines.iter().enumerate() {
        stencils.learn(line.as_bytes(), number);
    }
    stencils
}

/// Value and holes of a line, as texts.
fn filled<'a>(stencils: &mut Stencils<usize>, line: &'a str) -> Option<(usize, Vec<&'a str>)> {
    let (value, holes) = stencils.fill(line.as_bytes())?;
    let texts = holes.iter().flatten().map(|hole| std::str::from_utf8(hole).unwrap());
    Some((*value, texts.collect()))
}

const LINE: &str = r#"{"id":"a","time":17,"state":"on","body":"x","inner":{"name":"n"}}"#;

#[test]
fn fills_what_it_learned() {
    let off = LINE.replace("\"on\"", "\"off\"");
    let mut stencils = learned(&[LINE, &off]);
    assert_eq!(filled(&mut stencils, LINE), Some((0, vec!["a", "17", "x", "n"])));
    assert_eq!(filled(&mut stencils, &off), Some((1, vec!["a", "17", "x", "n"])));
    let other = r#"{"id":"","time":-5,"state":"on","body":"said \"é\"\u001b","inner":{"name":"zz"}}"#;
    assert_eq!(filled(&mut stencils, other), Some((0, vec!["", "-5", r#"said \"é\"\u001b"#, "zz"])));
    for unknown in ["", "{", &LINE[..LINE.len() - 1], &format!("{LINE} "), &LINE.replace("on", "in")] {
        assert_eq!(filled(&mut stencils, unknown), None, "{unknown}");
    }
}

#[test]
fn a_fixed_text_is_read_wherever_it_stands() {
    for place in [0, 1, 9] {
        let with = |release: &str| {
            let mut members: Vec<&str> = LINE[1..LINE.len() - 1].splitn(5, ',').collect();
            let release = format!(r#""release":{release}"#);
            members.insert(place.min(members.len()), &release);
            format!("{{{}}}", members.join(","))
        };
        let (one, two) = (with("\"r1\""), with("\"release-2\""));
        let mut stencils = learned(&[&one, &two]);
        for (number, release, line) in [(0, "r1", &one), (1, "release-2", &two)] {
            let line = line.replace("\"a\"", "\"another\"");
            assert_eq!(
                filled(&mut stencils, &line),
                Some((number, vec!["another", "17", "x", "n", release]))
            );
        }
        assert_eq!(filled(&mut stencils, &with("\"r3\"")), None);
        assert_eq!(
            filled(&mut learned(&[&with("null")]), &with("null")),
            Some((0, vec!["a", "17", "x", "n"]))
        );
        assert_eq!(filled(&mut learned(&[&with(r#""r\u0031""#)]), &with(r#""r\u0031""#)), None);
    }
}

#[test]
fn holes_refuse_what_could_read_otherwise() {
    let mut stencils = learned(&[LINE]);
    for (from, to) in [
        ("\"a\"", r#""a\n""#),
        ("\"a\"", "\"é\""),
        ("\"a\"", "1"),
        ("\"a\"", "null"),
        ("\"x\"", "\"\u{1}\""),
        ("\"x\"", "\"\t\""),
        ("\"x\"", r#""\q""#),
        ("\"x\"", r#""\u00g0""#),
        ("\"x\"", r#""\ud83d\ude00""#),
        ("\"x\"", r#""x"#),
        ("\"x\"", "[]"),
        ("17", "\"17\""),
        ("17", "1.5"),
        ("17", "1e5"),
        ("17", "017"),
        ("17", "-"),
        ("17", ""),
        ("17", "1234567890123456789"),
    ] {
        let line = LINE.replacen(from, to, 1);
        assert_ne!(line, LINE);
        assert_eq!(filled(&mut stencils, &line), None, "{line}");
    }
}

#[test]
fn members_that_change_become_holes() {
    let line = |host: &str, count: u32| format!(r#"{{"host":"{host}","count":{count},"id":"a"}}"#);
    let mut stencils = learned(&[&line("one", 1), &line("two", 1)]);
    assert_eq!(filled(&mut stencils, &line("one", 1)), Some((0, vec!["a"])));
    assert_eq!(filled(&mut stencils, &line("three", 1)), None);
    stencils.learn(line("three", 1).as_bytes(), 7);
    assert_eq!(filled(&mut stencils, &line("four \\\" four", 1)), Some((7, vec!["a"])));
    assert_eq!(filled(&mut stencils, &line("four", 2)), None, "the count has not changed yet");
    for count in 2..4 {
        stencils.learn(line("four", count).as_bytes(), 8);
    }
    assert_eq!(filled(&mut stencils, &line("five", 99)), Some((8, vec!["a"])));
}

#[test]
fn a_key_with_a_dot_is_no_path() {
    let mut stencils = learned(&[r#"{"id":"a","inner.name":"n"}"#]);
    assert_eq!(filled(&mut stencils, r#"{"id":"b","inner.name":"n"}"#), Some((0, vec!["b"])));
    assert_eq!(filled(&mut stencils, r#"{"id":"b","inner.name":"m"}"#), None);
    let nested = r#"{"inner":{"id":"a","inner":{"name":"n"}}}"#;
    let mut stencils = learned(&[nested]);
    assert_eq!(filled(&mut stencils, nested), Some((0, vec![])));
    assert_eq!(filled(&mut stencils, &nested.replace("\"a\"", "\"b\"")), None);
}

#[test]
fn elements_of_arrays_are_told_from_members() {
    let line = r#"{"list":["id","time",{"id":"a"}],"id":"b","more":[[1,2],{}]}"#;
    let mut stencils = learned(&[line]);
    assert_eq!(filled(&mut stencils, &line.replace("\"b\"", "\"c\"")), Some((0, vec!["c"])));
    assert_eq!(filled(&mut stencils, &line.replace("\"a\"", "\"c\"")), None);
}

#[test]
fn nodes_are_bounded() {
    let mut stencils = Stencils::new(role);
    for number in 0..CREDIT_FOR_TESTS {
        let line = format!(r#"{{"state":"{number}","id":"a","time":1,"body":"x"}}"#);
        stencils.learn(line.as_bytes(), number);
        assert!(stencils.nodes.len() <= MAX_NODES);
        assert_eq!(filled(&mut stencils, &line), Some((number, vec!["a", "1", "x"])));
    }
}

/// Lines that may be learned although hardly any fits.
const CREDIT_FOR_TESTS: usize = 200;

#[test]
fn learning_without_success_ends() {
    let line = |number: usize| format!(r#"{{"state":"{number}","id":"a"}}"#);
    let mut stencils = Stencils::new(role);
    (0..2_000).for_each(|number| stencils.learn(line(number).as_bytes(), number));
    assert_eq!(filled(&mut stencils, &line(1_999)), None, "it was given up before");
    let mut known = learned(&[LINE]);
    (0..100_000).for_each(|_| assert!(known.fill(LINE.as_bytes()).is_some()));
    (0..2_000).for_each(|number| known.learn(line(number).as_bytes(), number));
    assert!(filled(&mut known, &line(1_999)).is_some(), "successes pay for it");
}

#[test]
fn long_and_odd_lines_are_not_learned() {
    let long = format!(r#"{{"id":"a","body":"{}"}}"#, "x".repeat(20_000));
    let many = format!("{{{}}}", (0..100).map(|n| format!("\"id\":\"{n}\"")).collect::<Vec<_>>().join(","));
    let escaped = r#"{"id":"a\n"}"#;
    let mut stencils = learned(&[&long, &many, escaped]);
    for line in [&long[..], &many, escaped] {
        assert_eq!(filled(&mut stencils, line), None);
    }
}

#[test]
fn texts_end_at_their_quote() {
    let plain = |end| Some(TextEnd { end, plain: true });
    let other = |end| Some(TextEnd { end, plain: false });
    for pad in 0..40 {
        let pad_text = "x".repeat(pad);
        assert_eq!(text_end(format!("{pad_text}\"é\\").as_bytes(), 0), plain(pad));
        assert_eq!(text_end(format!("{pad_text}é\"").as_bytes(), 0), other(pad + 2));
        assert_eq!(text_end(format!("{pad_text}\\\"\\\\\" tail of the line").as_bytes(), 0), other(pad + 4));
        assert_eq!(text_end(format!("{pad_text}\\u00e9\"").as_bytes(), 0), other(pad + 6));
        for broken in ["", "\\", "\\x\"", "\\u12\"", "\\uDC00\"", "\n\"", "\u{0}\""] {
            assert_eq!(text_end(format!("{pad_text}{broken}").as_bytes(), 0), None, "{broken:?}");
        }
    }
    assert_eq!(text_end(b"\"", 5), None);
}

#[test]
fn integers_are_read() {
    for number in [0, 7, -7, 999_999_999_999_999_999, -999_999_999_999_999_999] {
        let text = number.to_string();
        assert_eq!(integer_end(text.as_bytes(), 0), Some(text.len()));
        assert_eq!(integer(text.as_bytes()), number);
    }
}

#[test]
fn numbers_of_any_length_are_read() {
    for length in 1..=18 {
        for sign in ["", "-"] {
            let digits: String = (0..length).map(|place| char::from(b'1' + (place * 7 % 9) as u8)).collect();
            let text = format!("{sign}{digits}");
            assert_eq!(integer(text.as_bytes()), text.parse::<i64>().unwrap());
            for behind in ["", ",", "}                    ", ".5,\"a\":12345678901234567890"] {
                let line = format!("{text}{behind}");
                assert_eq!(integer_end(line.as_bytes(), 0), Some(text.len()), "{line}");
            }
        }
    }
    assert_eq!((integer(b"0"), integer(b"100000000"), integer(b"99999999")), (0, 100_000_000, 99_999_999));
    for none in ["", "-", "x", "01", "1234567890123456789", "12345678901234567890123"] {
        assert_eq!(integer_end(none.as_bytes(), 0), None, "{none}");
    }
}

/// Byte by byte, as [`text_end`] says of blocks.
fn text_end_slowly(bytes: &[u8]) -> Option<TextEnd> {
    let (mut at, mut plain) = (0, true);
    loop {
        match *bytes.get(at)? {
            b'"' => return Some(TextEnd { end: at, plain }),
            b'\\' => {
                plain = false;
                at += match *bytes.get(at + 1)? {
                    b'u' => {
                        let digits = bytes.get(at + 2..at + 6)?;
                        let fits =
                            digits.iter().all(u8::is_ascii_hexdigit) && !matches!(digits[0], b'd' | b'D');
                        fits.then_some(6)?
                    }
                    byte => b"\"\\/bfnrt".contains(&byte).then_some(2)?,
                };
            }
            ..=0x1f => return None,
            byte => {
                plain &= byte.is_ascii();
                at += 1;
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn texts_end_where_they_do_byte_by_byte(
        parts in proptest::collection::vec("[ !#-~]{0,40}|é{1,9}|(\\\\[nt\"\\\\]){1,20}|\\\\u[0-9a-f]{4}|\"|\\\\|\u{0}|\u{1f}|\u{7f}", 0..8)
    ) {
        let text = parts.concat();
        proptest::prop_assert_eq!(text_end(text.as_bytes(), 0), text_end_slowly(text.as_bytes()));
    }
}
