//! Fills captured values into the texts of a rule.

use std::collections::BTreeMap;

/// Replaces `{name}` by the captured value, or by "the name" (underscores as spaces) where nothing was captured.
/// Names are lower-case letters, digits and underscores; other braces stay. Values are not expanded again.
pub fn fill(template: &str, captures: &BTreeMap<String, String>) -> String {
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
}
