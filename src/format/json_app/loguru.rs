//! loguru's serialised records: `{"text": …, "record": {…}}`, where the bound members stand in `extra` and the
//! traceback only in the text.
//! <https://loguru.readthedocs.io/en/stable/api/logger.html>

use serde_json::{Map, Value};

use crate::format::json;

/// The members as another logger would have written them, if this is loguru's.
pub fn flatten(map: &Map<String, Value>) -> Option<Map<String, Value>> {
    let text = map.get("text")?.as_str()?;
    let record = map.get("record")?.as_object()?;
    let level = json::get(record, "level.name")?;
    let mut flat = record.get("extra").and_then(Value::as_object).cloned().unwrap_or_default();
    flat.insert("logger".to_owned(), Value::from("loguru"));
    flat.insert("level".to_owned(), level.clone());
    for (path, name) in
        [("message", "message"), ("time.timestamp", "time"), ("process.id", "pid"), ("name", "name")]
    {
        if let Some(value) = json::get(record, path) {
            flat.insert(name.to_owned(), value.clone());
        }
    }
    if record.get("exception").is_some_and(Value::is_object) {
        flat.insert("exc_info".to_owned(), Value::from(traceback(text)));
    }
    Some(flat)
}

/// The traceback in the text, without what loguru draws of the values of variables.
fn traceback(text: &str) -> String {
    let start = text.find("Traceback (most recent call last)").unwrap_or(0);
    let drawn = |line: &&str| !line.trim_start().starts_with(['│', '└']) && !line.trim().is_empty();
    text[start..].lines().filter(drawn).collect::<Vec<_>>().join("\n")
}
