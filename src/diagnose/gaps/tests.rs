use super::*;
use crate::correlate::held::Order;
use crate::record::{Position, Record};

fn line(text: &str, marks: Marks, fields: &[(&str, &str)]) -> Line {
    let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Line {
        identity: 0,
        order: Order { time_ms: 0, source: 0, sequence: 0, part: 0 },
        at: Position::default(),
        record: Record { marks, fields, status: marks.has(Marks::END).then_some(500), ..Record::default() },
        text: text.to_owned(),
        error_at: 0,
        hits: Vec::new(),
    }
}

fn logged(lines: &[Line], kind: IdKind) -> Vec<Phase> {
    let seen = phases(lines, kind, &Figures::default());
    Phase::ALL.into_iter().filter(|phase| seen.has(*phase)).collect()
}

#[test]
fn phases_are_seen_by_marks_words_and_fields() {
    let none = Marks::default();
    assert_eq!(logged(&[line("boom", none, &[])], IdKind::Fallback), []);
    assert_eq!(logged(&[line("Error: boom", none, &[])], IdKind::Order), [], "`Error` names no class");
    let all = [
        line("Incoming request GET /api/orders", none, &[("headers.traceparent", "00-1")]),
        line("session found", none, &[]),
        line("connected to postgres", none, &[("featureFlags.newCheckout", "true")]),
        line("prisma:query SELECT 1", none, &[]),
        line("java.sql.SQLException: boom", none, &[]),
        line("request completed", Marks::END, &[]),
    ];
    let seen = logged(&all, IdKind::Request);
    assert_eq!(seen.len(), Phase::ALL.len() - 1, "all but pool figures: {seen:?}");
    assert!(!seen.contains(&Phase::PoolFigures));
}

#[test]
fn every_phase_has_a_change_for_every_logger() {
    for phase in Phase::ALL {
        let change = changes::of(phase);
        for (text, calls) in [
            (&change.pino, ["log", "fetch("]),
            (&change.winston, ["log", "fetch("]),
            (&change.powertools, ["logger.", "fetch("]),
            (&change.structlog, ["log", "httpx"]),
        ] {
            assert!(calls.iter().any(|call| text.contains(call)), "{phase:?}: {text}");
            assert_eq!(text.matches('(').count(), text.matches(')').count(), "{phase:?}: {text}");
            assert_eq!(text.matches('{').count(), text.matches('}').count(), "{phase:?}: {text}");
        }
    }
}

#[test]
fn texts_of_any_length_and_script_are_looked_at() {
    let long = "größe ".repeat(1000) + "TypeError";
    assert!(!names_error_class(&long), "beyond what is looked at");
    assert!(names_error_class("TypeError: größe"));
    assert!(names_error_class("in x.ErrorException (1)") && names_error_class("caught MyError"));
    for text in ["Error", "Exception", "error: x", "myError", "TypeErrors", "_XError", ""] {
        assert!(!names_error_class(text), "{text}");
    }
    assert_eq!(logged(&[line(&long, Marks::default(), &[])], IdKind::Trace), [Phase::CorrelationId]);
}
