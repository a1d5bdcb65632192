//! Fills captured values into the texts of a rule.

use std::collections::BTreeMap;

/// Replaces `{name}` by the captured value, or by "the name" (underscores as spaces) where nothing was captured.
/// Text in square brackets that holds a `{name}` is optional: it is left out as a whole unless all its names were
/// captured. Names are lower-case letters, digits and underscores; other braces and brackets stay. Values are not
/// expanded again.
pub fn fill(template: &str, captures: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, inner, after)) = optional_part(rest) {
        out.push_str(&fill_names(before, captures));
        if names(inner).all(|name| captures.contains_key(name)) {
            out.push_str(&fill_names(inner, captures));
        }
        rest = after;
    }
    out.push_str(&fill_names(rest, captures));
    out
}

/// The first text in square brackets that holds a name, with what stands before and after it.
fn optional_part(template: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = template[from..].find('[').map(|at| from + at) {
        let close = open + template[open..].find(']')?;
        let inner = &template[open + 1..close];
        if names(inner).next().is_some() {
            return Some((&template[..open], inner, &template[close + 1..]));
        }
        from = close + 1;
    }
    None
}

/// The names in a text.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .filter(|name| is_name(name))
}

fn fill_names(template: &str, captures: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, from_brace) = rest.split_at(open);
        out.push_str(before);
        let name = from_brace.strip_prefix('{').and_then(|tail| tail.split_once('}')).map(|(name, _)| name);
        match name {
            Some(name) if is_name(name) => {
                match captures.get(name) {
                    Some(value) => out.push_str(value),
                    None => {
                        out.push_str("the ");
                        out.push_str(&name.replace('_', " "));
                    }
                }
                rest = from_brace.get(name.len() + 2..).unwrap_or_default();
            }
            _ => {
                out.push('{');
                rest = from_brace.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_names_and_leaves_other_braces() {
        let captures = BTreeMap::from([("module".to_owned(), "{file}".to_owned())]);
        assert_eq!(fill("Replace {module}.", &captures), "Replace {file}.");
        assert_eq!(fill("Set {env_key} on it", &captures), "Set the env key on it");
        assert_eq!(fill("use { a: 1 } or ${HOME} or {", &captures), "use { a: 1 } or ${HOME} or {");
        assert_eq!(fill("{{module}", &captures), "{{file}");
    }

    #[test]
    fn leaves_out_what_was_not_captured() {
        let host = BTreeMap::from([("host".to_owned(), "db".to_owned())]);
        let text = "Open it[ ({host})], not [id][ on {host}:{port}].";
        assert_eq!(fill(text, &host), "Open it (db), not [id].");
        assert_eq!(fill(text, &BTreeMap::new()), "Open it, not [id].");
        assert_eq!(fill("a [ b", &host), "a [ b");
    }
}
