//! Loggers that put the members of an entry below one of their own: loguru's serialised records, Serilog's default
//! JSON, the JSON console of .NET; and echo, whose
//! members mean what they mean there alone. Their objects are laid out as other loggers would have written them.
//! <https://loguru.readthedocs.io/en/stable/api/logger.html>
//! <https://learn.microsoft.com/dotnet/core/extensions/console-log-formatter>

use serde_json::{Map, Value};

use crate::format::json;

type Object = Map<String, Value>;

/// The members in one object, if this is such a logger's.
pub fn flatten(map: &Object) -> Option<Object> {
    if map.contains_key("record") && map.contains_key("text") {
        return loguru(map);
    }
    if map.contains_key("MessageTemplate") {
        return serilog(map);
    }
    if map.contains_key("latency_human") {
        return echo(map);
    }
    (map.contains_key("EventId") && map.contains_key("LogLevel")).then(|| dotnet(map))
}

/// `{"text": …, "record": {…}}`: bound members stand in `extra`, the traceback only in the text.
fn loguru(map: &Object) -> Option<Object> {
    let text = map.get("text")?.as_str()?;
    let record = map.get("record")?.as_object()?;
    let level = json::get(record, "level.name")?;
    let mut flat = record.get("extra").and_then(Value::as_object).cloned().unwrap_or_default();
    flat.insert("level".to_owned(), level.clone());
    for (path, name) in [("message", "message"), ("time.timestamp", "time"), ("process.id", "pid")] {
        if let Some(value) = json::get(record, path) {
            flat.insert(name.to_owned(), value.clone());
        }
    }
    if record.get("exception").is_some_and(Value::is_object) {
        flat.insert("exc_info".to_owned(), Value::from(traceback(text)));
    }
    Some(flat)
}

/// The access lines of Go's echo, in which `id` is the request's.
/// <https://echo.labstack.com/docs/middleware/logger>
fn echo(map: &Object) -> Option<Object> {
    let id = map.get("id").filter(|id| id.as_str().is_some_and(|id| !id.is_empty()))?.clone();
    let mut flat = map.clone();
    flat.insert("request_id".to_owned(), id);
    Some(flat)
}

/// The traceback in the text, without what loguru draws of the values of variables.
fn traceback(text: &str) -> String {
    let start = text.find("Traceback (most recent call last)").unwrap_or(0);
    let drawn = |line: &&str| !line.trim_start().starts_with(['│', '└']) && !line.trim().is_empty();
    text[start..].lines().filter(drawn).collect::<Vec<_>>().join("\n")
}

/// `{"Timestamp", "Level", "MessageTemplate", "Properties": {…}}`, as the compact format has it.
fn serilog(map: &Object) -> Option<Object> {
    let mut flat = map.get("Properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let names = [
        ("Timestamp", "@t"),
        ("Level", "@l"),
        ("MessageTemplate", "@mt"),
        ("RenderedMessage", "@m"),
        ("Exception", "@x"),
        ("TraceId", "@tr"),
    ];
    for (from, to) in names {
        if let Some(value) = map.get(from) {
            flat.insert(to.to_owned(), value.clone());
        }
    }
    flat.contains_key("@t").then_some(flat)
}

/// `{"EventId", "LogLevel", "Category", "Message", "State": {…}, "Scopes": [{…}]}`; the innermost scope comes last.
fn dotnet(map: &Object) -> Object {
    let mut flat = Object::new();
    for scope in
        map.get("Scopes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
    {
        flat.extend(scope.clone());
    }
    flat.extend(map.get("State").and_then(Value::as_object).cloned().unwrap_or_default());
    for (key, value) in map {
        if !matches!(key.as_str(), "State" | "Scopes") {
            flat.insert(key.clone(), value.clone());
        }
    }
    flat.remove("{OriginalFormat}");
    flat
}
