//! Payload `render-request`: what Render's router writes of a request. The message itself names the ID and the duration; its
//! dashboard puts method, status and URL before it, which a copy of the page has with or without breaks between them.

use super::text_parts::{first_line, method, push_field, set_request, set_request_id};
use super::{About, Payload};
use crate::record::{Marks, Record};

/// The payload `render-request`.
pub struct RenderRequest;

/// What stands first in the message.
const FIRST: &str = "clientIP=\"";
/// What no such message is without.
const ID: &str = "requestID=\"";
const DURATION: &str = "responseTimeMS=";
/// Longest text before the message: method, status, host and path.
const MAX_HEAD_BYTES: usize = 2_000;

impl Payload for RenderRequest {
    fn name(&self) -> &'static str {
        "render-request"
    }

    fn about(&self) -> About {
        About {
            title: "Render's request lines",
            fingerprint: "clientIP, requestID and responseTimeMS",
            export: "Render's log page, or render logs --resources SERVICE --type request",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        split(&record.message).is_some()
    }

    fn read(&self, record: &mut Record, _more: &mut Vec<Record>) {
        let message = std::mem::take(&mut record.message);
        if let Some((head, pairs)) = split(&message) {
            read(head, pairs, record);
        }
        record.message = message;
    }
}

/// What stands before the message, and the message.
fn split(text: &str) -> Option<(&str, &str)> {
    let at = memchr::memmem::find(text.get(..MAX_HEAD_BYTES).unwrap_or(text).as_bytes(), FIRST.as_bytes())?;
    let (head, pairs) = (&text[..at], &text[at + FIRST.len()..]);
    let url = head.trim();
    let is_head = head.is_empty() || head.starts_with('[') || (url.contains('/') && !url.contains(' '));
    (is_head && pairs.contains(ID) && pairs.contains(DURATION)).then_some((head, pairs))
}

fn read(head: &str, pairs: &str, record: &mut Record) {
    let after = |name: &str| pairs.split_once(name).map(|(_, rest)| rest);
    if let Some(id) = after(ID).and_then(|rest| rest.split('"').next()) {
        set_request_id(record, id);
    }
    record.duration_ms = after(DURATION).and_then(|rest| first_line(rest).split(' ').next()?.parse().ok());
    record.marks.insert(Marks::EDGE);
    let (verb, rest) = head.strip_prefix('[').and_then(|rest| rest.split_once(']')).unwrap_or(("", head));
    let rest = rest.trim();
    let status =
        rest.get(..3).and_then(|digits| digits.parse().ok()).filter(|code| (100..600).contains(code));
    let url = if status.is_some() { rest[3..].trim() } else { rest };
    if let Some(slash) = url.find('/')
        && (verb.is_empty() || method(verb).is_some())
    {
        set_request(record, verb, &url[slash..]);
        push_field(record, "host", &url[..slash]);
    }
    if status.is_some() {
        record.status = status;
        record.marks.insert(Marks::CLIENT | Marks::END);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIRS: &str = r#"clientIP="203.0.113.9" requestID="32c7760a-6e6e-4328" responseTimeMS=17 responseBytes=29 userAgent="ExampleClient/1.0""#;

    fn of(text: &str) -> Option<Record> {
        let mut record = Record { message: text.to_owned(), ..Record::default() };
        RenderRequest.detect(&record).then(|| RenderRequest.read(&mut record, &mut Vec::new()))?;
        Some(record)
    }

    #[test]
    fn reads_the_message_and_what_the_page_puts_before_it() {
        for head in [
            "[GET]502shop.example.com/o?x=1",
            "[GET]\n502\nshop.example.com/o ",
            "[GET] 502 shop.example.com/o ",
        ] {
            let line = of(&format!("{head}{PAIRS}")).expect("read");
            assert_eq!((line.method.as_deref(), line.path.as_deref()), (Some("GET"), Some("/o")), "{head}");
            assert_eq!((line.status, line.duration_ms), (Some(502), Some(17.0)));
            assert_eq!(line.id.map(|id| id.text).as_deref(), Some("32c7760a-6e6e-4328"));
        }
        // Copied without the badge, and as the command prints it.
        for head in ["[GET]\n", ""] {
            let line = of(&format!("{head}shop.example.com/o {PAIRS}")).expect("read");
            assert_eq!((line.status, line.path.as_deref()), (None, Some("/o")));
        }
        let line = of(PAIRS).expect("read");
        assert_eq!((line.status, line.path, line.marks.has(Marks::END)), (None, None, false));
        assert!(line.id.is_some());
    }

    #[test]
    fn leaves_others() {
        for text in [
            "",
            "[GET]",
            "clientIP=\"203.0.113.9\"",
            "[x] clientIP=\"a\" requestID=\"b\"",
            "a b/c clientIP=\"a\" requestID=\"b\" responseTimeMS=1",
            "é clientIP=\"",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
        assert!(of(&format!("[é]éé{PAIRS}")).is_some_and(|line| line.method.is_none()));
    }
}
