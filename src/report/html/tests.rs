use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::super::fixture;
use super::super::model::Report;
use super::{base64, page};

#[test]
fn the_page_of_several_reports() {
    // The style sheet is left out: every change of a colour would change all of them.
    let bare = |report: &Report, as_of: Option<&str>| {
        let page = page(report, as_of);
        let (before, rest) = page.split_once("<style>").expect("a style sheet");
        let (_, after) = rest.split_once("</style>").expect("its end");
        let digest = before.find("'sha256-").map(|at| &before[at..at + 53]).expect("a digest");
        format!("{}{after}", before.replace(digest, "'sha256-…'")).replace("><", ">\n<")
    };
    insta::assert_snapshot!("story", bare(&fixture::story(), Some("2026-01-01T10:30:00.000Z")));
    insta::assert_snapshot!("calm", bare(&fixture::calm(), None));
    insta::assert_snapshot!("empty", bare(&fixture::empty(), None));
    insta::assert_snapshot!("hostile", bare(&fixture::markup(), None));
}

#[test]
fn the_policy_allows_this_style_sheet_alone() {
    let page = page(&fixture::busy(), None);
    let style =
        page.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).expect("a style sheet");
    let digest = base64(&Sha256::digest(style.as_bytes()));
    assert!(page.contains(&format!("style-src 'sha256-{digest}'")), "{digest}");
    for forbidden in ["<script", " style=", "url(", "@import", "<link", "<img", "<iframe", " on"] {
        let inside = page.replace(style, "");
        let found = inside.match_indices(forbidden).find(|(at, _)| {
            // ` on` only as the beginning of an attribute.
            forbidden != " on"
                || inside[at + 3..].split('=').next().is_some_and(|name| {
                    !name.is_empty() && name.len() < 20 && name.bytes().all(|b| b.is_ascii_lowercase())
                })
        });
        assert_eq!(found, None, "{forbidden}");
    }
}

#[test]
fn base64_is_the_standard_one() {
    let pairs = [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
    ];
    for (bytes, text) in pairs {
        assert_eq!(base64(bytes.as_bytes()), text);
    }
}

/// The tags of a page, in their order; values are left out.
fn tags(page: &str) -> Vec<String> {
    page.split('<').skip(1).map(|rest| rest.split([' ', '>']).next().unwrap_or_default().to_owned()).collect()
}

proptest! {
    #[test]
    fn no_text_adds_a_tag(text in "[<>\"'&a-z/=\u{202e}\u{0} -]{0,40}") {
        let mut report = fixture::busy();
        let plain = tags(&page(&report, None));
        // As long as a word stands there, the same parts are drawn.
        let text = format!("x{text}");
        for incident in &mut report.incidents {
            incident.title = text.clone();
            incident.fix = text.clone();
            incident.meaning = text.clone();
            for route in &mut incident.routes {
                route.route = text.clone();
            }
            for line in &mut incident.evidence {
                line.text = text.clone();
                line.source = text.clone();
                line.correlation_id = Some(text.clone());
            }
            for value in incident.captures.values_mut() {
                *value = text.clone();
            }
        }
        report.sources[0].name = text.clone();
        report.remarks = vec![text];
        let written = page(&report, None);
        let hidden = written.contains(['\u{202e}', '\u{0}']);
        prop_assert!(!hidden);
        let hostile = tags(&written);
        let prevented = |tags: &[String]| tags.iter().filter(|tag| *tag != "p" && *tag != "/p").count();
        prop_assert_eq!(prevented(&hostile), prevented(&plain));
    }
}
