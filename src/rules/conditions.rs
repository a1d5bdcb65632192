//! Conditions on the fields of a record: read once, tested per record.

use serde::{Deserialize, Serialize};
use toml::Value;

use crate::record::{Level, Marks, Record};
use crate::rules::model::Condition;

/// A condition that is ready to be tested.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Test {
    field: Field,
    /// Equal to one of these; empty: no such demand.
    any: Vec<Wanted>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    present: Option<bool>,
    /// Name of a group of the signal's pattern.
    captured: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Field {
    Status,
    Level,
    Runtime,
    Environment,
    Method,
    Route,
    ErrorClass,
    ErrorCode,
    Format,
    Mark,
    DurationMs,
    MemoryUsedMb,
    MemoryLimitMb,
    MemoryRatio,
    Other(String),
}

/// A value to compare with: as text, and as number where it is one.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Wanted {
    text: String,
    number: Option<f64>,
}

/// Marks that conditions and samples can name.
const MARKS: [(&str, Marks); 9] = [
    ("crash", Marks::CRASH),
    ("timeout", Marks::TIMEOUT),
    ("out_of_memory", Marks::OUT_OF_MEMORY),
    ("init", Marks::INIT),
    ("cold_start", Marks::COLD_START),
    ("truncated", Marks::TRUNCATED),
    ("background", Marks::BACKGROUND),
    ("summary", Marks::SUMMARY),
    ("middleware", Marks::MIDDLEWARE),
];

/// The mark of this name in rule files.
pub(super) fn mark_by_name(name: &str) -> Option<Marks> {
    MARKS.iter().find(|(known, _)| *known == name).map(|(_, mark)| *mark)
}

/// The names of all marks, for messages.
pub(super) fn mark_names() -> String {
    MARKS.map(|(name, _)| name).join(", ")
}

impl Test {
    /// Reads a condition; the error says why it could never hold.
    pub(super) fn read(condition: &Condition) -> Result<Test, String> {
        let field = match condition.field.as_str() {
            "status" => Field::Status,
            "level" => Field::Level,
            "runtime" => Field::Runtime,
            "environment" => Field::Environment,
            "method" => Field::Method,
            "route" => Field::Route,
            "error_class" => Field::ErrorClass,
            "error_code" => Field::ErrorCode,
            "format" => Field::Format,
            "mark" => Field::Mark,
            "duration_ms" => Field::DurationMs,
            "memory_used_mb" => Field::MemoryUsedMb,
            "memory_limit_mb" => Field::MemoryLimitMb,
            "memory_ratio" => Field::MemoryRatio,
            "" => return Err("the condition names no field".into()),
            other => Field::Other(other.to_owned()),
        };
        let mut any = Vec::new();
        for value in condition.is.iter().chain(condition.any.iter().flatten()) {
            any.push(Wanted::read(value, &condition.field)?);
        }
        if condition.is.is_some() && condition.any.is_some() {
            return Err("the condition has both `is` and `any`".into());
        }
        if condition.any.as_ref().is_some_and(Vec::is_empty) {
            return Err("`any` is empty".into());
        }
        let bounded = condition.at_least.is_some() || condition.at_most.is_some();
        if any.is_empty() && !bounded && condition.present.is_none() && condition.captured.is_none() {
            return Err(
                "the condition has no operator (is, any, at_least, at_most, present, captured)".into()
            );
        }
        if condition.captured.is_some() && !matches!(field, Field::Other(_)) {
            return Err(format!("`{}` cannot be compared with a capture", condition.field));
        }
        for wanted in &any {
            match field {
                Field::Mark if mark_by_name(&wanted.text).is_none() => {
                    return Err(format!("there is no mark `{}`; marks are {}", wanted.text, mark_names()));
                }
                Field::Level if Level::parse(&wanted.text).is_none() => {
                    return Err(format!("there is no level `{}`", wanted.text));
                }
                _ if field.is_number() && wanted.number.is_none() => {
                    return Err(format!("`{}` is a number, `{}` is none", condition.field, wanted.text));
                }
                _ => {}
            }
        }
        if bounded && !field.is_number() && !matches!(field, Field::Other(_)) {
            return Err(format!("`{}` is no number, so it has no bounds", condition.field));
        }
        Ok(Test {
            field,
            any,
            at_least: condition.at_least,
            at_most: condition.at_most,
            present: condition.present,
            captured: condition.captured.clone(),
        })
    }

    /// Name of the capture that the field is compared with, which is not known before the pattern has matched.
    pub(super) fn captured(&self) -> Option<&str> {
        self.captured.as_deref()
    }

    /// Whether the field is what the pattern captured under the condition's name. Holds where it names none.
    pub(super) fn holds_for(&self, record: &Record, captures: &[(String, String)]) -> bool {
        let (Some(name), Field::Other(field)) = (&self.captured, &self.field) else { return true };
        let captured = captures.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        captured.zip(record.field(field)).is_some_and(|(captured, have)| same_text(have, captured))
    }

    /// Whether the record meets the condition, but for what it says of captures. A field that is absent meets only
    /// `present = false`.
    pub(super) fn holds(&self, record: &Record, format: &str) -> bool {
        match &self.field {
            Field::Status => self.number(record.status.or(record.function_status).map(f64::from)),
            Field::DurationMs => self.number(record.duration_ms),
            Field::MemoryUsedMb => self.number(record.memory_used_mb),
            Field::MemoryLimitMb => self.number(record.memory_limit_mb),
            Field::MemoryRatio => self.number(memory_ratio(record)),
            Field::Level => self.one_of(record.level.iter().map(|level| level.as_str()), |have, wanted| {
                Level::parse(have) == Level::parse(wanted)
            }),
            Field::Runtime => self.text(record.runtime.as_deref()),
            Field::Environment => self.text(record.environment.as_deref()),
            Field::Method => self.text(record.method.as_deref()),
            Field::Route => self.text(record.route.as_deref().or(record.path.as_deref())),
            Field::ErrorClass => self.text(record.error_class.as_deref()),
            Field::ErrorCode => self.one_of(record.error_codes.iter().map(String::as_str), same_text),
            Field::Format => {
                // A source's format is `container/payload`; a rule may name the whole or either.
                let whole = (!format.is_empty()).then_some(format);
                let parts =
                    whole.filter(|name| name.contains('/')).into_iter().flat_map(|name| name.split('/'));
                self.one_of(whole.into_iter().chain(parts), same_text)
            }
            Field::Mark => self.one_of(
                MARKS.iter().filter(|(_, mark)| record.marks.has(*mark)).map(|(name, _)| *name),
                same_text,
            ),
            Field::Other(name) => {
                let value = record.field(name);
                let number = value.and_then(|text| text.trim().parse::<f64>().ok());
                let any = self.any.is_empty()
                    || self.any.iter().any(|wanted| {
                        value.is_some_and(|have| same_text(have, &wanted.text))
                            || (number.is_some() && wanted.number == number)
                    });
                any && self.within(number) && self.present.is_none_or(|there| there == value.is_some())
            }
        }
    }

    fn number(&self, have: Option<f64>) -> bool {
        let any = self.any.is_empty() || self.any.iter().any(|w| have.is_some() && w.number == have);
        any && self.within(have) && self.present.is_none_or(|there| there == have.is_some())
    }

    fn within(&self, have: Option<f64>) -> bool {
        self.at_least.is_none_or(|least| have.is_some_and(|n| n >= least))
            && self.at_most.is_none_or(|most| have.is_some_and(|n| n <= most))
    }

    fn text(&self, have: Option<&str>) -> bool {
        self.one_of(have.into_iter(), same_text)
    }

    fn one_of<'a>(&self, have: impl Iterator<Item = &'a str>, same: fn(&str, &str) -> bool) -> bool {
        let mut there = false;
        let mut equal = self.any.is_empty();
        for value in have {
            there = true;
            equal = equal || self.any.iter().any(|wanted| same(value, &wanted.text));
        }
        equal && self.present.is_none_or(|wanted| wanted == there)
    }
}

impl Field {
    fn is_number(&self) -> bool {
        matches!(
            self,
            Field::Status
                | Field::DurationMs
                | Field::MemoryUsedMb
                | Field::MemoryLimitMb
                | Field::MemoryRatio
        )
    }
}

impl Wanted {
    fn read(value: &Value, field: &str) -> Result<Wanted, String> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Boolean(flag) => flag.to_string(),
            _ => return Err(format!("`{field}` can be compared with texts, numbers and true or false only")),
        };
        Ok(Wanted { number: text.parse().ok(), text })
    }
}

fn same_text(have: &str, wanted: &str) -> bool {
    have.eq_ignore_ascii_case(wanted)
}

/// Peak memory as a share of the limit, where both are known.
fn memory_ratio(record: &Record) -> Option<f64> {
    let limit = record.memory_limit_mb.filter(|limit| *limit > 0.0)?;
    record.memory_used_mb.map(|used| used / limit)
}
