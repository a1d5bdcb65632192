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
        out.push_str(if is_variable(segment) { "[id]" } else { segment });
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
fn is_variable(segment: &str) -> bool {
    if matches!(segment.as_bytes().first(), Some(b'[' | b'{' | b':' | b'<')) {
        return false;
    }
    let (mut digits, mut odd) = (0, false);
    for byte in segment.bytes() {
        digits += usize::from(byte.is_ascii_digit());
        odd |= matches!(byte, b'%' | b'@' | b'=' | b',');
    }
    if digits == segment.len() || odd || segment.len() > 48 {
        return true;
    }
    if digits == 0 {
        return is_locale(segment);
    }
    let letters_then_digit = digits == 1
        && segment.len() <= 8
        && segment.as_bytes().last().is_some_and(u8::is_ascii_digit)
        && segment.bytes().take(segment.len() - 1).all(|b| b.is_ascii_alphabetic());
    // Files keep their name: `main.4f2a.js` is variable, `index2.html` is not worth telling apart.
    segment.len() > 2 && !letters_then_digit
}

/// A language with its country (`en-US`, `pt_BR`): as many routes as there are languages.
fn is_locale(segment: &str) -> bool {
    matches!(segment.as_bytes(), [a, b, b'-' | b'_', c, d]
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
    fn keeps_templates() {
        assert_eq!(of_template("api/hello"), "/api/hello");
        assert_eq!(of_template("/orders/{id}"), "/orders/{id}");
    }
}
