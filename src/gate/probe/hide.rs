//! Values of the environment that requests carry: they are sent and appear nowhere else, also where a deployment sends
//! them back.

use std::collections::BTreeMap;

use crate::gate::manifest::Manifest;

/// In the place of a value.
const HIDDEN: &str = "‹hidden›";
/// Parts of a value that are shorter do not tell it (`Bearer`, `Basic`).
const MIN_PART: usize = 8;

/// Values by key. It has no `Debug`, so that none is printed by accident.
pub struct Secrets {
    values: BTreeMap<String, String>,
    /// What is hidden, the longest first.
    forms: Vec<String>,
}

impl Secrets {
    /// The values of the keys that a manifest names. One that cannot be a header's value counts as not set.
    pub fn gather(manifest: &Manifest, environment: &dyn Fn(&str) -> Option<String>) -> Secrets {
        let probes =
            manifest.families.iter().flat_map(|family| family.probes.iter().chain(&family.negatives));
        let keys = probes.flat_map(|probe| probe.request.headers_env.values());
        let keys = keys.chain(&manifest.live.protection_bypass_env);
        let is_sendable =
            |value: &String| !value.is_empty() && value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let values: BTreeMap<String, String> =
            keys.filter_map(|key| Some((key.clone(), environment(key).filter(is_sendable)?))).collect();
        let mut forms: Vec<String> = values.values().flat_map(|value| forms(value)).collect();
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        forms.dedup();
        Secrets { values, forms }
    }

    /// The value of a key, where it is set.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// A text without the values, as they are or as URLs and JSON write them.
    pub fn hide(&self, text: &str) -> String {
        self.forms.iter().fold(text.to_owned(), |text, form| match text.contains(form.as_str()) {
            true => text.replace(form.as_str(), HIDDEN),
            false => text,
        })
    }
}

/// A value and its parts, as they may come back.
fn forms(value: &str) -> Vec<String> {
    let parts = value.split([' ', ',', ';', '=']).filter(|part| part.len() >= MIN_PART);
    std::iter::once(value).chain(parts).flat_map(written).collect()
}

fn written(text: &str) -> [String; 3] {
    let mut percent = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            percent.push(char::from(byte));
        } else {
            percent.push_str(&format!("%{byte:02X}"));
        }
    }
    [text.to_owned(), percent, text.replace('\\', "\\\\").replace('"', "\\\"")]
}
