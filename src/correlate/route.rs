//! Routes: the platform's template where the log has one, else the path with its variable segments masked, so that
//! a million concrete paths are a few routes.

use std::borrow::Cow;

/// Longest route that is kept, in bytes.
const MAX_ROUTE_BYTES: usize = 160;
/// Most segments that are kept.
const MAX_SEGMENTS: usize = 12;

/// The route of a concrete path: without scheme, host and query, with numbers, ids, hashes and
/// encoded or overlong segments as `[id]`.
pub fn of_path(path: &str) -> String {
    let path = &path[..memchr::memchr2(b'?', b'#', path.as_bytes()).unwrap_or(path.len())];
    let scheme_end = memchr::memchr_iter(b':', path.as_bytes()).find(|at| path[*at..].starts_with("://"));
    let path = match scheme_end {
        Some(at) => path[at + 3..].find('/').map_or("/", |slash| &path[at + 3 + slash..]),
        None => path,
    };
    // Numbers of a digit or two get longer.
    let mut out = String::with_capacity(path.len().min(MAX_ROUTE_BYTES) + 16);
    for segment in path.split('/').filter(|s| !s.is_empty()).take(MAX_SEGMENTS) {
        out.push('/');
        out.push_str(if is_variable(segment.as_bytes()) { "[id]" } else { segment });
        if out.len() > MAX_ROUTE_BYTES {
            break;
        }
    }
    if out.is_empty() {
        out.push('/');
    }
    if out.len() <= MAX_ROUTE_BYTES && out.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return out;
    }
    out.chars().filter(|c| !c.is_control()).take(MAX_ROUTE_BYTES).collect()
}

/// As [`of_path`], written into `out`, of a path in plain ASCII that needs nothing cut off; false of any other.
#[inline]
pub fn of_plain_path(path: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    if path.len() > MAX_PLAIN_BYTES || path.first() != Some(&b'/') {
        return false;
    }
    let (mut from, mut segments) = (1, 0);
    while from <= path.len() {
        let (mut kinds, mut digits, mut end) = (0, 0, from);
        while let Some(kind) = path.get(end).map(|byte| KINDS[usize::from(*byte)])
            && kind != SLASH
        {
            kinds |= kind;
            digits += usize::from(kind & DIGIT);
            end += 1;
        }
        let segment = &path[from..end];
        from = end + 1;
        if segment.is_empty() {
            continue;
        }
        segments += 1;
        if kinds & FOREIGN != 0 || segments > MAX_SEGMENTS {
            return false;
        }
        out.push(b'/');
        let variable = is_variable_by(segment, digits, kinds & ODD != 0);
        out.extend_from_slice(if variable { b"[id]" } else { segment });
    }
    if out.is_empty() {
        out.push(b'/');
    }
    true
}

/// Longest path of which [`of_plain_path`] makes a route: its segments may grow from one byte to four.
const MAX_PLAIN_BYTES: usize = MAX_ROUTE_BYTES - 3 * MAX_SEGMENTS;
const DIGIT: u8 = 1;
const ODD: u8 = 2;
const FOREIGN: u8 = 4;
const SLASH: u8 = 8;

/// What each byte of a segment says of it.
static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT,
            b'%' | b'@' | b'=' | b',' => ODD,
            b'?' | b'#' | b':' | ..=0x1f | 0x7f.. => FOREIGN,
            b'/' => SLASH,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

/// A platform's template as given (`/api/orders/[id]`, `/orders/{id}`), with a leading slash.
pub fn of_template(template: &str) -> Cow<'_, str> {
    if template.starts_with('/')
        && template.len() <= MAX_ROUTE_BYTES
        && template.bytes().all(|b| (0x20..0x7f).contains(&b))
    {
        return Cow::Borrowed(template);
    }
    let template: String = template.chars().filter(|c| !c.is_control()).take(MAX_ROUTE_BYTES).collect();
    Cow::Owned(if template.starts_with('/') { template } else { format!("/{template}") })
}

/// Whether a segment stands for a value: it holds a digit and is not a short word with a version (`v1`, `oauth2`),
/// or is too long or too odd for a name.
fn is_variable(segment: &[u8]) -> bool {
    let (mut digits, mut odd) = (0, false);
    for byte in segment {
        digits += usize::from(byte.is_ascii_digit());
        odd |= matches!(byte, b'%' | b'@' | b'=' | b',');
    }
    is_variable_by(segment, digits, odd)
}

/// The same, of a segment with so many digits, and with or without an odd character.
#[inline]
fn is_variable_by(segment: &[u8], digits: usize, odd: bool) -> bool {
    if matches!(segment.first(), Some(b'[' | b'{' | b':' | b'<')) {
        return false;
    }
    if digits == segment.len() || odd || segment.len() > 48 {
        return true;
    }
    if digits == 0 {
        return is_locale(segment);
    }
    let letters_then_digit = digits == 1
        && segment.len() <= 8
        && segment.last().is_some_and(u8::is_ascii_digit)
        && segment.iter().take(segment.len() - 1).all(u8::is_ascii_alphabetic);
    // Files keep their name: `main.4f2a.js` is variable, `index2.html` is not worth telling apart.
    segment.len() > 2 && !letters_then_digit
}

/// A language with its country (`en-US`, `pt_BR`): as many routes as there are languages.
fn is_locale(segment: &[u8]) -> bool {
    matches!(segment, [a, b, b'-' | b'_', c, d]
        if a.is_ascii_lowercase() && b.is_ascii_lowercase() && c.is_ascii_uppercase() && d.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_what_varies() {
        for (path, route) in [
            ("/api/orders/42?full=1", "/api/orders/[id]"),
            (
                "https://shop.example.com/api/v1/users/7b1f9c3e-0000-4000-8000-000000000000",
                "/api/v1/users/[id]",
            ),
            ("/api/oauth2/token", "/api/oauth2/token"),
            ("/files/a1b2c3d4e5", "/files/[id]"),
            ("/search/caf%C3%A9", "/search/[id]"),
            ("/en-US/cart", "/[id]/cart"),
            ("/api/de/up-to", "/api/de/up-to"),
            ("/", "/"),
            ("", "/"),
            ("/api/orders/[id]/status", "/api/orders/[id]/status"),
            ("/x/\u{1b}red", "/x/red"),
        ] {
            assert_eq!(of_path(path), route, "{path}");
        }
    }

    #[test]
    fn plain_paths_give_the_same_route() {
        let mut out = Vec::new();
        let parts = [
            "",
            "a",
            "1",
            "v1",
            "en-US",
            "42",
            "a=b",
            "[id]",
            "a b",
            "deadbeef01",
            "x:y",
            "é",
            "?q",
            "main.4f.js",
        ];
        let long = "x".repeat(50);
        let deep = "/1".repeat(12);
        let deeper = "/1".repeat(13);
        let mut plain = 0;
        let mut check = |path: &str| {
            if of_plain_path(path.as_bytes(), &mut out) {
                plain += 1;
                assert_eq!(String::from_utf8_lossy(&out), of_path(path), "{path}");
            }
        };
        for one in parts {
            for two in parts {
                check(&format!("/{one}/{two}"));
                check(&format!("{one}/{two}/"));
                check(&format!("/{one}//{two}/{long}{deep}"));
                check(&format!("/{one}{two}{deeper}"));
            }
        }
        for path in [&*long, &deep, &deeper, &long.repeat(4), &format!("/{}", long.repeat(2)), ""] {
            check(path);
        }
        assert!(plain > 100, "{plain}");
    }

    #[test]
    fn keeps_templates() {
        assert_eq!(of_template("api/hello"), "/api/hello");
        assert_eq!(of_template("/orders/{id}"), "/orders/{id}");
    }
}
