use super::super::fixture;
use super::page;

#[test]
fn the_page_of_several_reports() {
    insta::assert_snapshot!("busy", page(&fixture::story(), Some("2026-01-01T10:30:00.000Z")));
    insta::assert_snapshot!("calm", page(&fixture::calm(), None));
    insta::assert_snapshot!("empty", page(&fixture::empty(), None));
    insta::assert_snapshot!("hostile", page(&fixture::markup(), None));
}

/// A reader of Markdown that knows blocks and code spans only: what is left outside of them must be inert.
fn outside_of_code(page: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<String> = None;
    for line in page.lines() {
        match &fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            // What stands behind the fence of a block has no backtick.
            None if line.starts_with("```") && !line.trim_start_matches('`').contains('`') => {
                fence = Some(line.trim_end_matches("text").to_owned());
            }
            None => {
                let mut rest = line;
                while let Some(at) = rest.find('`') {
                    out.push_str(&rest[..at]);
                    let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
                    let inside = &rest[at + run..];
                    let end = end_of_span(inside, run);
                    assert!(end.is_some(), "a span without an end: {line}");
                    rest = &inside[end.unwrap_or_default() + run..];
                }
                out.push_str(rest);
                out.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a block without an end");
    out
}

/// Where a run of exactly so many backticks stands.
fn end_of_span(text: &str, run: usize) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find('`').map(|at| from + at) {
        let length = text[at..].len() - text[at..].trim_start_matches('`').len();
        if length == run {
            return Some(at);
        }
        from = at + length;
    }
    None
}

#[test]
fn nothing_from_a_log_acts() {
    let text = outside_of_code(&page(&fixture::markup(), None));
    for forbidden in
        ["<img", "<script", "](", "javascript:", "@here", "**bold", "evil.example", "$x", "![", ":bomb:"]
    {
        assert!(!text.contains(forbidden), "{forbidden}: {text}");
    }
    // The only headings are the page's own.
    for heading in text.lines().filter(|line| line.starts_with('#')) {
        assert!(!heading.trim_start_matches(['#', ' ']).starts_with("owned"), "{heading}");
    }
    assert!(
        !text
            .lines()
            .any(|line| line.trim_start().starts_with(['>', '|', '+', '*', '=']) && !line.starts_with("**"))
    );
}
