//! Azure Application Insights: rows of its tables (`AppRequests`, `AppExceptions`, `AppTraces`, `AppDependencies`), in
//! the names of a workspace or the classic ones, and answers of the query API. `TenantId` is the workspace's there.
//! <https://learn.microsoft.com/azure/azure-monitor/reference/tables/apprequests>

use serde_json::Value;

use super::{Envelope, Object, answered, keep, push_line, time_ms};
use crate::format::text_parts::{method, push_field, set_request};
use crate::format::{About, json};
use crate::record::{IdKind, Level, Record};

/// Rows of Application Insights.
pub const ENVELOPE: Envelope = Envelope {
    name: "app-insights",
    about: About {
        title: "Azure Application Insights rows",
        fingerprint: "objects with OperationId (operation_Id) beside AppRoleName, IKey, itemType or Type App…; tables[] of such columns",
        export: "az monitor log-analytics query -w WORKSPACE --analytics-query 'union App*' > rows.json",
    },
    one_request: false,
    claims: |map| is_row(map) || tables(map).is_some(),
    read,
};

fn is_row(map: &Object) -> bool {
    let is_named = |key: &str, start: &str| {
        map.get(key).and_then(Value::as_str).is_some_and(|text| text.starts_with(start))
    };
    (map.contains_key("OperationId")
        && (map.contains_key("AppRoleName") || map.contains_key("IKey") || is_named("Type", "App")))
        || (map.contains_key("operation_Id")
            && ["itemType", "cloud_RoleName", "iKey"].iter().any(|key| map.contains_key(*key)))
}

/// `tables` of an answer, if their columns are ours.
fn tables(map: &Object) -> Option<&Vec<Value>> {
    let tables = map.get("tables")?.as_array()?;
    let columns = tables.first()?.get("columns")?.as_array()?;
    let named = |column: &Value| {
        column
            .get("name")
            .and_then(Value::as_str)
            .is_some_and(|name| matches!(name, "OperationId" | "operation_Id"))
    };
    columns.iter().any(named).then_some(tables)
}

fn read(map: &Object, base: &Record, depth: usize) -> Vec<Record> {
    let mut out = Vec::new();
    let Some(tables) = tables(map) else {
        read_row(map, base, depth, &mut out);
        return out;
    };
    for table in tables {
        let names: Vec<&str> = table
            .get("columns")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|column| column.get("name").and_then(Value::as_str).unwrap_or_default())
            .collect();
        for row in
            table.get("rows").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_array)
        {
            let row: Object =
                names.iter().zip(row).map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            read_row(&row, base, depth, &mut out);
        }
    }
    out
}

fn read_row(map: &Object, base: &Record, depth: usize, out: &mut Vec<Record>) {
    let text = |names: &[&str]| json::text(map, names);
    let mut record = base.clone();
    record.time_ms = time_ms(map, &["TimeGenerated", "timestamp"]).or(base.time_ms);
    record.stream = text(&["AppRoleInstance", "cloud_RoleInstance"]);
    record.deployment = text(&["AppVersion", "application_Version"]);
    keep(
        map,
        &[("AppRoleName", "service"), ("cloud_RoleName", "service"), ("ItemCount", "item_count")],
        &mut record,
    );
    if let Some(id) = text(&["OperationId", "operation_Id"]) {
        record.set_id(&id, IdKind::Trace);
    }
    let severity = json::number(map, &["SeverityLevel"]);
    record.level = severity.map(|number| match number as i64 {
        ..1 => Level::Debug,
        1 => Level::Info,
        2 => Level::Warn,
        3 => Level::Error,
        _ => Level::Fatal,
    });
    let kind = text(&["Type", "itemType", "TableName"]).unwrap_or_default().to_ascii_lowercase();
    let kind = kind.trim_start_matches("app").trim_end_matches('s');
    let has = |name: &str| json::get(map, name).is_some();
    match kind {
        "exception" => read_exception(map, &mut record),
        "dependency" | "dependencie" => read_dependency(map, &mut record),
        "request" => read_request(map, &mut record),
        _ if has("ExceptionType") => read_exception(map, &mut record),
        _ if has("Target") || has("DependencyType") => read_dependency(map, &mut record),
        _ if has("ResultCode") => read_request(map, &mut record),
        _ => {
            record.message = text(&["Message"]).unwrap_or_default();
            push_line(record, depth, out);
            return;
        }
    }
    out.push(record);
}

fn read_request(map: &Object, record: &mut Record) {
    let text = |names: &[&str]| json::text(map, names);
    // `GET /orders/{id}` or `GET Orders/Get [id]`.
    let name = text(&["Name"]).unwrap_or_default();
    let (verb, target) = name.split_once(' ').unwrap_or(("", name.as_str()));
    record.method = method(verb);
    let url = text(&["Url"]);
    set_request(record, verb, url.as_deref().unwrap_or(target));
    if target.starts_with('/') && target.contains(['{', ':', '[', '*']) {
        record.route = Some(target.to_owned());
    }
    record.duration_ms = json::number(map, &["DurationMs", "duration"]);
    answered(record, json::get(map, "ResultCode").and_then(json::as_status));
}

fn read_exception(map: &Object, record: &mut Record) {
    let text = |names: &[&str]| json::text(map, names);
    let details = match json::get(map, "Details") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(other) => other.clone(),
        None => Value::Null,
    };
    let mut error = Object::new();
    let parts = [
        ("type", text(&["ExceptionType", "type"])),
        ("message", text(&["OuterMessage", "outerMessage", "Message", "problemId"])),
        ("stack", details.get(0).and_then(|first| first.get("rawStack")).and_then(json::scalar)),
    ];
    error.extend(parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    let inner = [("type", text(&["InnermostType"])), ("message", text(&["InnermostMessage"]))];
    let inner: Object =
        inner.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
    if !inner.is_empty() && inner.get("message") != error.get("message") {
        error.insert("cause".to_owned(), Value::Object(inner));
    }
    json::read_error(&Value::Object(error), record);
    for part in details.as_array().into_iter().flatten().take(8) {
        if let Some(message) = part.get("message").and_then(json::scalar) {
            json::append_line(&mut record.error_text, &message);
        }
    }
    record.level = record.level.or(Some(Level::Error));
}

/// A call to something else: what it answered is never the request's own status.
fn read_dependency(map: &Object, record: &mut Record) {
    let text = |names: &[&str]| json::text(map, names).unwrap_or_default();
    let failed = text(&["Success"]).eq_ignore_ascii_case("false");
    let code = text(&["ResultCode"]);
    let (kind, target, name) = (text(&["DependencyType", "type"]), text(&["Target"]), text(&["Name"]));
    let end = if failed { " failed" } else { "" };
    record.message = format!("{kind} {target} {name}{end} {code}").trim().to_owned();
    push_field(record, "dependency", &target);
    push_field(record, "upstream_status", &code);
    record.level = record.level.or(Some(if failed { Level::Warn } else { Level::Info }));
}
