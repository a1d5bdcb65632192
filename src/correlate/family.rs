//! Families of routes: the part of an application that one team knows, `/api/orders` for `/api/orders/[id]/items`. Coarse
//! enough that counts of a family say something, fine enough that one bad family does not hide behind the others.

/// The family of a route: its first segment that is neither a prefix of the whole application (`api`, `v1`) nor
/// variable, with the prefixes before it. What begins with no slash (the name of a function) is a family of its own.
pub fn of_route(route: &str) -> &str {
    if !route.starts_with('/') {
        return route;
    }
    let mut end = 0;
    for segment in route.split('/').skip(1) {
        if segment.is_empty() || is_variable(segment) {
            break;
        }
        end += 1 + segment.len();
        if !is_prefix(segment) {
            break;
        }
    }
    if end == 0 { "/" } else { &route[..end] }
}

/// `[id]`, `{id}`, `:id`, `<int:id>`, `*`.
fn is_variable(segment: &str) -> bool {
    segment.starts_with(['[', '{', ':', '<', '*', '('])
}

/// Segments that stand before the names of all parts of an application.
fn is_prefix(segment: &str) -> bool {
    let version =
        segment.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    version || matches!(segment, "api" | "rest" | "trpc" | "rpc" | "_next" | "app")
}

#[cfg(test)]
mod tests {
    use super::of_route;

    #[test]
    fn the_first_segment_that_names_something() {
        for (route, family) in [
            ("/api/orders/[id]/items", "/api/orders"),
            ("/api/orders", "/api/orders"),
            ("/api/v2/orders/{id}", "/api/v2/orders"),
            ("/api/[...all]", "/api"),
            ("/checkout/:step", "/checkout"),
            ("/[id]", "/"),
            ("/", "/"),
            ("", ""),
            ("//", "/"),
            ("/vault/x", "/vault"),
            ("orders-function", "orders-function"),
            ("/größe/x", "/größe"),
        ] {
            assert_eq!(of_route(route), family, "{route}");
        }
    }
}
