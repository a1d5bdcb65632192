//! What several shapes need of JSON: fields by alias, nested members as flat fields, error objects as text.
//! No shape is recognised here.

use serde_json::{Map, Value};

use crate::record::Record;

/// How many other fields a record keeps; the rest of a wide object is dropped.
pub const MAX_FIELDS: usize = 128;
/// Longest value kept of another field, in bytes.
const MAX_FIELD_BYTES: usize = 512;
/// Deepest level that is looked into.
const MAX_DEPTH: usize = 6;

/// Most values of one entry that are read: a value takes some hundred bytes once it is parsed, whatever its text takes.
pub const MAX_VALUES: usize = 1 << 19;

/// Whether a text has more JSON values than [`MAX_VALUES`], by the brackets and commas outside of its strings.
pub fn is_too_dense(bytes: &[u8]) -> bool {
    if bytes.len() <= MAX_VALUES {
        return false;
    }
    let (mut in_string, mut escaped, mut values) = (false, false, 0usize);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b'{' | b'[' if !in_string => values += 1,
            _ => {}
        }
    }
    values > MAX_VALUES
}

/// Reads one JSON object. Invalid UTF-8 is replaced; anything but an object is `None`.
pub fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let bytes = bytes.trim_ascii();
    if bytes.first() != Some(&b'{') || bytes.last() != Some(&b'}') || is_too_dense(bytes) {
        return None;
    }
    let parsed = serde_json::from_slice(bytes).or_else(|error| {
        // Only then there is anything to replace.
        if memchr::memchr(0, bytes).is_none() && std::str::from_utf8(bytes).is_ok() {
            return Err(error);
        }
        serde_json::from_str(&String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}"))
    });
    match parsed {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}

/// The member at `path`, dots stepping into objects; a literal key that contains the dots is found too, and
/// `key` also stands for `Key`, `KEY`, `k_e_y` and `k-e-y` spellings of the same word.
pub fn get<'v>(map: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    if let Some(value) = map.get(path) {
        return usable(value);
    }
    if let Some((head, rest)) = path.split_once('.') {
        return match find(map, head)? {
            Value::Object(inner) => get(inner, rest),
            Value::Array(items) => match items.first()? {
                Value::Object(inner) if items.len() == 1 => get(inner, rest),
                _ => None,
            },
            _ => None,
        };
    }
    find(map, path).and_then(usable)
}

/// The first usable member of several paths.
pub fn first<'v>(map: &'v Map<String, Value>, paths: &[&str]) -> Option<&'v Value> {
    paths.iter().find_map(|path| get(map, path))
}

/// As [`first`], as text; numbers and booleans are printed, objects and arrays are not text.
pub fn text(map: &Map<String, Value>, paths: &[&str]) -> Option<String> {
    paths.iter().find_map(|path| get(map, path).and_then(scalar))
}

/// As [`first`], as a number; numbers in text form count.
pub fn number(map: &Map<String, Value>, paths: &[&str]) -> Option<f64> {
    paths.iter().find_map(|path| as_number(get(map, path)?))
}

/// A number, or a text that is one.
pub fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// An HTTP status: a number or a numeric text from 100 to 599. Sentinels and words are none.
pub fn as_status(value: &Value) -> Option<u16> {
    // With its reason, as WSGI has it: `500 Internal Server Error`.
    let reasoned = value
        .as_str()
        .and_then(|text| text.split_once(' '))
        .filter(|(_, reason)| reason.starts_with(|c: char| c.is_ascii_uppercase()));
    let number = match reasoned {
        Some((code, _)) if code.len() == 3 => code.parse::<u16>().ok().map(f64::from)?,
        _ => as_number(value)?,
    };
    (number.fract() == 0.0 && (100.0..600.0).contains(&number)).then_some(number as u16)
}

/// Text of a scalar; none for objects, arrays, null and placeholders.
pub fn scalar(value: &Value) -> Option<String> {
    match usable(value)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn usable(value: &Value) -> Option<&Value> {
    match value {
        Value::Null => None,
        Value::String(text) if matches!(text.as_str(), "" | "-" | "null" | "undefined") => None,
        _ => Some(value),
    }
}

fn find<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    map.get(key).or_else(|| map.iter().find(|(have, _)| same_word(have, key)).map(|(_, value)| value))
}

/// Equal but for case, `_` and `-`.
fn same_word(a: &str, b: &str) -> bool {
    let fold = |text: &str| {
        text.bytes().filter(|b| !matches!(b, b'_' | b'-')).map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>()
    };
    a.len().abs_diff(b.len()) <= 4 && fold(a) == fold(b)
}

/// Adds all scalar members, nested ones under dotted names, to the record's other fields, but for the
/// top-level keys in `known`.
pub fn flatten(map: &Map<String, Value>, known: &[&str], record: &mut Record) {
    for (key, value) in map {
        if !known.contains(&key.as_str()) {
            flatten_value(key, value, 0, record);
        }
    }
}

fn flatten_value(name: &str, value: &Value, depth: usize, record: &mut Record) {
    if record.fields.len() >= MAX_FIELDS || depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                flatten_value(&format!("{name}.{key}"), inner, depth + 1, record);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().take(8).enumerate() {
                flatten_value(&format!("{name}.{index}"), inner, depth + 1, record);
            }
        }
        _ => {
            if let Some(mut text) = scalar(value) {
                truncate(&mut text, MAX_FIELD_BYTES);
                record.fields.push((name.to_owned(), text));
            }
        }
    }
}

/// Cuts a text to at most `max` bytes at a character boundary.
pub fn truncate(text: &mut String, max: usize) {
    if text.len() > max {
        let mut end = max;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}

/// Reads an error object of any logger (`err`, `error`, `exception`, Lambda's `errorType`/`errorMessage`/`stack`)
/// into `error_class`, `error_codes` and `error_text`: `Class: message`, the stack, every cause, and a line
/// `code: 'X'` for each code, so that rules meet one form.
pub fn read_error(value: &Value, record: &mut Record) {
    let mut text = String::new();
    error_lines(value, 0, &mut text, record);
    append_line(&mut record.error_text, text.trim_end());
}

/// Appends `line` on a line of its own, unless it is empty or stands there already.
pub fn append_line(text: &mut String, line: &str) {
    if line.is_empty() || text.contains(line) {
        return;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(line);
}

/// Members of an error object that hold its class; case, `_` and `-` do not matter here and below.
const CLASSES: &[&str] = &[
    "type",
    "name",
    "errorType",
    "kind",
    "class",
    "className",
    "exceptionName",
    "exceptionClass",
    "errorName",
];
/// Members that hold its message.
const MESSAGES: &[&str] = &[
    "message",
    "errorMessage",
    "exceptionMessage",
    "msg",
    "reason",
    "description",
    "errorDescription",
    "error",
];
/// Members that hold the errors which it wraps.
const INNER_ERRORS: &[&str] = &[
    "cause",
    "causes",
    "rootCause",
    "aggregateErrors",
    "errors",
    "error",
    "err",
    "exception",
    "originalError",
    "original",
    "parent",
    "previous",
    "inner",
    "innerError",
    "innerException",
    "driverAdapterError",
    "reason",
];

fn error_lines(value: &Value, depth: usize, out: &mut String, record: &mut Record) {
    if depth > MAX_DEPTH {
        return;
    }
    let map = match value {
        Value::Object(map) => map,
        Value::Array(items) => {
            for item in items.iter().take(16) {
                error_lines(item, depth + 1, out, record);
            }
            return;
        }
        other => {
            if let Some(text) = scalar(other) {
                append_line(out, &text);
            }
            return;
        }
    };
    let class =
        text(map, CLASSES).filter(|name| name.len() <= 120 && !name.bytes().all(|b| b.is_ascii_digit()));
    let message = text(map, MESSAGES);
    let stack = first(map, &["stack", "stackTrace", "trace", "backtrace", "traceback"]).map(stack_text);
    let head = match (&class, &message) {
        (Some(class), Some(message)) => format!("{class}: {message}"),
        (Some(only), None) | (None, Some(only)) => only.clone(),
        (None, None) => String::new(),
    };
    let stack_has_head =
        stack.as_ref().is_some_and(|stack| message.as_ref().is_some_and(|m| stack.contains(m.as_str())));
    if !stack_has_head {
        append_line(out, &head);
    }
    if let Some(stack) = &stack {
        append_line(out, stack.trim_end());
    }
    if let Some(class) = class.filter(|name| name != "Error") {
        record.error_class.get_or_insert(class);
    }
    for key in
        ["code", "errorCode", "sqlState", "errno", "sqlstate", "statusCode", "status", "detail", "hint"]
    {
        if let Some(code) = map.get(key).and_then(scalar) {
            let numeric = code.parse::<i64>().is_ok();
            if matches!(key, "code" | "errorCode" | "sqlState" | "sqlstate") || (key == "errno" && !numeric) {
                append_line(out, &format!("code: '{code}'"));
                if !record.error_codes.contains(&code) {
                    record.error_codes.push(code);
                }
            } else if matches!(key, "detail" | "hint" | "statusCode" | "status") {
                append_line(out, &format!("{key}: {code}"));
            }
        }
    }
    for key in [
        "meta",
        "address",
        "port",
        "hostname",
        "syscall",
        "path",
        "clientVersion",
        "routine",
        "table",
        "column",
        "constraint",
    ] {
        match map.get(key) {
            Some(Value::Object(meta)) => {
                append_line(out, &format!("{key}: {}", Value::Object(meta.clone())));
            }
            Some(other) => {
                if let Some(text) = scalar(other) {
                    append_line(out, &format!("{key}: {text}"));
                }
            }
            None => {}
        }
    }
    if let Some(cause) = map.get("cause").and_then(Value::as_str) {
        append_line(out, &format!("[cause]: {cause}"));
    }
    read_answer(map, out);
    for key in INNER_ERRORS {
        if let Some(inner @ (Value::Object(_) | Value::Array(_))) = find(map, key) {
            let before = out.len();
            error_lines(inner, depth + 1, out, record);
            if out.len() > before && *key == "cause" {
                let mark = if before == 0 || out[..before].ends_with('\n') { before } else { before + 1 };
                if out.is_char_boundary(mark) && mark <= out.len() {
                    out.insert_str(mark, "[cause]: ");
                }
            }
        }
    }
}

/// Longest body of an answer that is taken over, in bytes.
const MAX_ANSWER_BYTES: usize = 2_000;

/// The answer that an HTTP client's error carries, in the words that such clients print. A framework's own error has
/// `statusCode` in its `response` instead (NestJS).
fn read_answer(error: &Map<String, Value>, out: &mut String) {
    let Some(Value::Object(answer)) = error.get("response") else { return };
    let Some(status) = answer.get("status").and_then(as_status) else { return };
    append_line(out, &format!("responded with status code {status}"));
    match answer.get("data") {
        Some(Value::String(body)) if body.len() <= MAX_ANSWER_BYTES => append_line(out, body),
        Some(body @ Value::Object(_)) => {
            let body = body.to_string();
            append_line(out, if body.len() <= MAX_ANSWER_BYTES { &body } else { "" });
        }
        _ => {}
    }
}

/// A stack as text: strings as they are, arrays of lines or of frame objects joined.
fn stack_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let lines: Vec<String> = items
                .iter()
                .take(256)
                .map(|item| match item {
                    Value::Object(frame) => format!(
                        "    at {} ({}:{})",
                        text(frame, &["method", "function", "functionName"]).unwrap_or_default(),
                        text(frame, &["file", "fileName", "filename", "path"]).unwrap_or_default(),
                        text(frame, &["line", "fileLine", "lineno", "lineNumber"]).unwrap_or_default()
                    ),
                    other => scalar(other).unwrap_or_default(),
                })
                .collect();
            lines.join("\n")
        }
        other => scalar(other).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_counted_outside_of_texts() {
        let dense = format!("{{\"a\":[{}1]}}", "1,".repeat(MAX_VALUES));
        assert!(is_too_dense(dense.as_bytes()) && object(dense.as_bytes()).is_none());
        let text = format!("{{\"a\":\"{}\\\"\"}}", "[,{".repeat(MAX_VALUES));
        assert!(!is_too_dense(text.as_bytes()) && object(text.as_bytes()).is_some());
    }

    #[test]
    fn finds_members_by_alias() {
        let Value::Object(map) =
            json!({"req": {"id": 7}, "log.level": "error", "Request_Id": "a", "x": null, "y": "-"})
        else {
            unreachable!()
        };
        assert_eq!(text(&map, &["req.id"]).as_deref(), Some("7"));
        assert_eq!(text(&map, &["log.level"]).as_deref(), Some("error"));
        assert_eq!(text(&map, &["requestId"]).as_deref(), Some("a"));
        assert_eq!(text(&map, &["x", "y"]), None);
    }

    #[test]
    fn renders_nested_errors_once() {
        let mut record = Record::default();
        read_error(
            &json!({"type": "TypeError", "message": "fetch failed", "stack": "TypeError: fetch failed\n    at f (/a.js:1:2)",
                    "cause": {"type": "Error", "message": "connect ECONNREFUSED 10.0.0.5:5432", "code": "ECONNREFUSED"}}),
            &mut record,
        );
        assert_eq!(record.error_class.as_deref(), Some("TypeError"));
        assert_eq!(record.error_codes, ["ECONNREFUSED"]);
        assert_eq!(
            record.error_text,
            "TypeError: fetch failed\n    at f (/a.js:1:2)\n[cause]: Error: connect ECONNREFUSED 10.0.0.5:5432\ncode: 'ECONNREFUSED'"
        );
    }
}
