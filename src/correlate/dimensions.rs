//! Dimensions: what a record says of where and for whom its request ran, by name, so that failed requests can be held
//! against all others. Pure functions of records; which of them is over-represented is decided elsewhere.

use std::collections::BTreeMap;

use crate::record::{Marks, Record};

/// Dimensions that one request may have; of more those with the least names are kept.
const MOST: usize = 32;
/// Longest value, in characters.
const MAX_CHARS: usize = 80;
/// What a flag is that stands in a list of those that are on.
pub const ON: &str = "on";

/// Fields that name the tenant or a flag where nothing else is asked for. `*` stands for any name below.
pub const DEFAULT_FIELDS: [&str; 15] = [
    "tenant",
    "tenantId",
    "tenantSlug",
    "orgId",
    "organizationId",
    "organisationId",
    "accountId",
    "workspaceId",
    "teamId",
    "customerId",
    "flags.*",
    "featureFlags.*",
    "features.*",
    "experiments.*",
    "variants.*",
];

/// A name as [`Fields::with`] takes it.
///
/// # Errors
/// It names no field.
pub fn field_name(text: &str) -> Result<String, String> {
    let stem = text.strip_suffix(".*").unwrap_or(text);
    match stem
        .split('.')
        .all(|part| part.bytes().any(|byte| fold(byte).is_some_and(|b| !b.is_ascii_whitespace())))
    {
        true => Ok(text.to_owned()),
        false => Err("the name of a field, such as tenantId, or NAME.* for all below it".to_owned()),
    }
}

/// Which other fields of a record are dimensions.
#[derive(Debug, Clone)]
pub struct Fields {
    names: Vec<Name>,
    /// Whether any name ends with this letter, folded.
    ends: [bool; 256],
}

#[derive(Debug, Clone)]
struct Name {
    /// Folded: lower case, without `_` and `-`.
    folded: Vec<u8>,
    /// It stands for all names below it.
    below: bool,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields::with(&[])
    }
}

impl Fields {
    /// The default fields and these. A name stands for a field of this name at any depth, whatever its case and with or
    /// without `_` and `-`; `NAME.*` for all fields below it.
    pub fn with(more: &[String]) -> Fields {
        let mut names: Vec<Name> = Vec::new();
        let mut ends = [false; 256];
        for name in DEFAULT_FIELDS.into_iter().chain(more.iter().map(String::as_str)) {
            let (stem, below) = name.strip_suffix(".*").map_or((name, false), |stem| (stem, true));
            let folded: Vec<u8> = stem.bytes().filter_map(fold).collect();
            let Some(last) = folded.last() else { continue };
            ends[usize::from(*last)] |= !below;
            names.push(Name { folded, below });
        }
        Fields { names, ends }
    }

    /// The dimension that a field is: its name without what stands above the part that was asked for, and its value.
    fn dimension<'r>(&self, name: &'r str, value: &'r str) -> Option<(String, &'r str)> {
        let last = name.bytes().rev().find_map(fold)?;
        let nested = name.contains('.');
        if !nested && !self.ends[usize::from(last)] {
            return None;
        }
        for wanted in &self.names {
            if !wanted.below {
                if let Some(from) = starts_at(name, &wanted.folded) {
                    return Some((name[from..].to_owned(), value));
                }
                continue;
            }
            for (dot, _) in name.match_indices('.') {
                let (stem, rest) = (&name[..dot], &name[dot + 1..]);
                let Some(from) = starts_at(stem, &wanted.folded) else { continue };
                // A list of what is on.
                return Some(match rest.bytes().all(|b| b.is_ascii_digit()) {
                    true => (format!("{}.{value}", &stem[from..]), ON),
                    false => (name[from..].to_owned(), value),
                });
            }
        }
        None
    }
}

/// A letter as names are compared; None of what does not count.
fn fold(byte: u8) -> Option<u8> {
    (!matches!(byte, b'_' | b'-')).then(|| byte.to_ascii_lowercase())
}

/// Where the name that is wanted begins, if `name` is it or ends with it after a dot.
fn starts_at(name: &str, wanted: &[u8]) -> Option<usize> {
    let mut left = wanted.iter().rev();
    let mut at = name.len();
    let mut expected = left.next();
    while let Some(next) = expected {
        at = at.checked_sub(1)?;
        match fold(*name.as_bytes().get(at)?) {
            None => continue,
            Some(letter) if letter == *next => expected = left.next(),
            Some(_) => return None,
        }
    }
    let before = name.get(..at)?;
    let start = before.trim_end_matches(['_', '-']);
    (start.is_empty() || start.ends_with('.')).then_some(start.len())
}

/// The dimensions of a request, gathered from its records in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dimensions {
    values: BTreeMap<String, String>,
}

impl Dimensions {
    /// Takes what a record says.
    pub fn learn(&mut self, record: &Record, fields: &Fields) {
        let plain = [
            ("region", &record.region),
            ("deployment", &record.deployment),
            ("environment", &record.environment),
            ("branch", &record.branch),
        ];
        for (name, value) in plain {
            if let Some(value) = value {
                self.put(name, value);
            }
        }
        // Middleware runs elsewhere than what it stands before.
        if let Some(runtime) = record.runtime.as_ref().filter(|_| !record.marks.has(Marks::MIDDLEWARE)) {
            self.put("runtime", runtime);
        }
        if let Some(client) = record.client {
            self.put("client", client.as_str());
        }
        if record.marks.has(Marks::COLD_START | Marks::INIT) {
            self.put("start", "cold");
        } else if record.marks.has(Marks::SUMMARY) {
            // Whether the platform tells cold starts at all is seen where there is one.
            self.put("start", "warm");
        }
        for (name, value) in &record.fields {
            if let Some((name, value)) = fields.dimension(name, value) {
                self.put(&name, value);
            }
        }
    }

    /// Of several values the least.
    fn put(&mut self, name: &str, value: &str) {
        let end = value.char_indices().nth(MAX_CHARS).map_or(value.len(), |(end, _)| end);
        let value = value[..end].trim();
        match self.values.get_mut(name) {
            _ if value.is_empty() => {}
            Some(have) if have.as_str() <= value => {}
            Some(have) => value.clone_into(have),
            None => {
                self.values.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// All of them, by name.
    pub fn finish(mut self) -> BTreeMap<String, String> {
        if self.values.len() > MOST {
            let rest = self.values.keys().nth(MOST).cloned();
            rest.map(|rest| self.values.split_off(&rest));
        }
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Client;

    fn of(fields: &[(&str, &str)], wanted: &[&str]) -> Vec<(String, String)> {
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        let record = Record {
            fields: fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Record::default()
        };
        let mut dimensions = Dimensions::default();
        dimensions.learn(&record, &Fields::with(&wanted));
        dimensions.finish().into_iter().collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn fields_are_found_by_any_spelling_and_depth() {
        assert_eq!(of(&[("tenant_id", "a")], &[]), pairs(&[("tenant_id", "a")]));
        assert_eq!(of(&[("context.tenantId", "a")], &[]), pairs(&[("tenantId", "a")]));
        assert_eq!(of(&[("subtenant", "a"), ("tenantId.raw", "b"), ("x", "c")], &[]), []);
        assert_eq!(of(&[("meta.Shop-Id", "7")], &["shop_id"]), pairs(&[("Shop-Id", "7")]));
        assert_eq!(
            of(&[("_tenant", "a"), ("é.tenant", "b")], &[]),
            pairs(&[("_tenant", "a"), ("tenant", "b")])
        );
    }

    #[test]
    fn flags_are_members_or_stand_in_a_list() {
        assert_eq!(of(&[("ctx.flags.new_checkout", "true")], &[]), pairs(&[("flags.new_checkout", "true")]));
        assert_eq!(of(&[("feature_flags.0", "beta")], &[]), pairs(&[("feature_flags.beta", "on")]));
        assert_eq!(of(&[("ld.x", "1")], &["ld.*"]), pairs(&[("ld.x", "1")]));
    }

    #[test]
    fn the_order_of_records_makes_no_difference() {
        let records = [
            Record { region: Some("iad1".to_owned()), client: Some(Client::Safari), ..Record::default() },
            Record { region: Some("fra1".to_owned()), marks: Marks::SUMMARY, ..Record::default() },
            Record { runtime: Some("edge".to_owned()), marks: Marks::MIDDLEWARE, ..Record::default() },
            Record { marks: Marks::SUMMARY | Marks::COLD_START, ..Record::default() },
        ];
        let (mut forth, mut back) = (Dimensions::default(), Dimensions::default());
        let fields = Fields::default();
        records.iter().for_each(|record| forth.learn(record, &fields));
        records.iter().rev().for_each(|record| back.learn(record, &fields));
        assert_eq!(forth, back);
        let is: Vec<(String, String)> = forth.finish().into_iter().collect();
        assert_eq!(is, pairs(&[("client", "safari"), ("region", "fra1"), ("start", "cold")]));
    }

    #[test]
    fn user_agents_are_families() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
        for (agent, family) in [
            (chrome, Some("chrome")),
            (&format!("{chrome} Edg/120.0"), Some("edge")),
            (
                "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Version/17.0 Mobile/15E148 Safari/604.1",
                Some("safari"),
            ),
            ("Mozilla/5.0 (X11; rv:120.0) Gecko/20100101 Firefox/120.0", Some("firefox")),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +https://example.com/bot.html)", Some("bot")),
            ("curl/8.5.0", Some("script")),
            ("ExampleClient/1.0", Some("other")),
            ("-", None),
        ] {
            assert_eq!(Client::of(agent).map(Client::as_str), family, "{agent}");
        }
    }
}
