//! Records of the Lambda platform in the JSON log format and from the Telemetry API: an envelope of time, type and
//! record. What a function wrote inside such an envelope is handed back as the message, to be read again.

use memchr::memmem;
use serde_json::{Map, Value};

use super::{About, Payload, aws, json, lambda_lines, lambda_text, time};
use crate::record::{Level, Marks, Record};

/// The shape `lambda-platform`.
pub struct LambdaPlatform;

impl Payload for LambdaPlatform {
    fn name(&self) -> &'static str {
        "lambda-platform"
    }

    fn about(&self) -> About {
        About {
            title: "AWS Lambda platform records and Telemetry API",
            fingerprint: "objects with time, type platform.*, function or extension, and record",
            export: "aws logs filter-log-events --log-group-name /aws/lambda/NAME, log format JSON",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        let text = record.message.trim_start();
        let has = |needle: &str| memmem::find(text.as_bytes(), needle.as_bytes()).is_some();
        text.starts_with('{')
            && has("\"record\"")
            && has("\"time\"")
            && kind(text)
                .is_some_and(|kind| kind.starts_with("platform.") || matches!(kind, "function" | "extension"))
    }

    fn read(&self, record: &mut Record, _more: &mut Vec<Record>) {
        let Some(mut map) = json::object(record.message.as_bytes()) else {
            return;
        };
        let Some(kind) = map.get("type").and_then(Value::as_str).map(str::to_owned) else {
            return;
        };
        if record.time_ms.is_none() {
            record.time_ms =
                json::text(&map, &["time"]).and_then(|text| time::parse(&text)).map(|stamp| stamp.ms);
        }
        match map.remove("record") {
            Some(Value::Object(inner)) if kind.starts_with("platform.") => {
                platform(&kind, &map, &inner, record)
            }
            Some(Value::String(text)) => {
                record.message = text;
                aws::clean(&mut record.message);
                if kind == "platform.fault" {
                    record.marks.insert(Marks::CRASH);
                    record.level = Some(Level::Error);
                    if lambda_lines::is_lambda(&record.message) {
                        lambda_text::read_line(record);
                    }
                }
            }
            Some(inner) if !inner.is_null() => record.message = inner.to_string(),
            _ => record.message = kind,
        }
    }
}

/// The member `type`, without reading the object. It stands before `record`, whose members may be named so too.
fn kind(text: &str) -> Option<&str> {
    memmem::find_iter(text.as_bytes(), b"\"type\"").take(3).find_map(|at| {
        let rest = text[at + 6..].trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        let kind = &rest[..rest.find('"')?];
        (kind.starts_with("platform.") || matches!(kind, "function" | "extension")).then_some(kind)
    })
}

fn platform(kind: &str, outer: &Map<String, Value>, inner: &Map<String, Value>, record: &mut Record) {
    // Both were seen outside of `record` too.
    let status = json::text(inner, &["status"]).or_else(|| json::text(outer, &["status"]));
    let class = json::text(inner, &["errorType"]).or_else(|| json::text(outer, &["errorType"]));
    let phase = json::text(inner, &["phase"]);
    if let Some(id) = json::text(inner, &["requestId"]).or_else(|| json::text(outer, &["requestId"])) {
        aws::set_lambda_id(record, &id);
    }
    if let Some(tracing) = inner.get("tracing").and_then(Value::as_object)
        && let Some(value) = json::text(tracing, &["value"])
        && let Some(id) = crate::record::normalise_id(&value)
    {
        aws::set_field(record, aws::TRACE_ID, id);
        record.know_as(id, crate::record::IdKind::Trace);
    }
    let empty = Map::new();
    let metrics = inner.get("metrics").and_then(Value::as_object).unwrap_or(&empty);
    let init = matches!(
        kind,
        "platform.initStart"
            | "platform.initRuntimeDone"
            | "platform.initReport"
            | "platform.restoreStart"
            | "platform.restoreRuntimeDone"
            | "platform.restoreReport"
            | "platform.extension"
            | "platform.telemetrySubscription"
            | "platform.logsSubscription"
    );
    match kind {
        _ if init => record.marks.insert(Marks::INIT),
        "platform.start" | "platform.invokeStart" => record.marks.insert(Marks::START),
        "platform.report" => report(metrics, record),
        _ => record.marks.insert(Marks::SUMMARY),
    }
    if init {
        if let Some(version) = json::text(inner, &["runtimeVersion"]) {
            record.runtime.get_or_insert(version);
        }
        if let Some(ms) = json::text(metrics, &["durationMs"]) {
            aws::set_field(record, "init_duration_ms", &ms);
        }
    }
    for key in ["initializationType", "phase", "reason", "droppedRecords", "droppedBytes"] {
        if let Some(value) = json::text(inner, &[key]) {
            aws::set_field(record, key, &value);
        }
    }
    let failed = match status.as_deref() {
        Some("error" | "failure") => Some(Marks::CRASH),
        // As in the text format: the init phase is tried again in the invocation.
        Some("timeout") if !init || phase.as_deref() == Some("invoke") => Some(Marks::TIMEOUT),
        _ => None,
    };
    if let Some(mark) = failed {
        record.marks.insert(mark);
        record.level = Some(Level::Error);
    }
    record.message = kind.to_owned();
    for (name, value) in [("status", &status), ("errorType", &class)] {
        if let Some(value) = value {
            record.message.push_str(&format!(" {name}: {value}"));
        }
    }
    if let Some(class) = class {
        lambda_text::error_type(&class, record);
    }
}

fn report(metrics: &Map<String, Value>, record: &mut Record) {
    record.marks.insert(Marks::SUMMARY | Marks::END);
    record.duration_ms = record.duration_ms.or(json::number(metrics, &["durationMs"]));
    record.memory_limit_mb = record.memory_limit_mb.or(json::number(metrics, &["memorySizeMB"]));
    record.memory_used_mb = record.memory_used_mb.or(json::number(metrics, &["maxMemoryUsedMB"]));
    for (key, name) in [("initDurationMs", "init_duration_ms"), ("restoreDurationMs", "restore_duration_ms")]
    {
        if let Some(value) = json::text(metrics, &[key]) {
            record.marks.insert(Marks::COLD_START);
            aws::set_field(record, name, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const U: &str = "11111111-2222-4333-8444-555555555555";

    fn run(message: &str) -> Record {
        let mut record = Record { message: message.replace('#', U), ..Record::default() };
        assert!(LambdaPlatform.detect(&record), "{message}");
        LambdaPlatform.read(&mut record, &mut Vec::new());
        record
    }

    #[test]
    fn reads_reports() {
        let record = run(
            r##"{"time":"2026-01-01T00:00:03.000Z","type":"platform.report","record":{"requestId":"#","status":"timeout","metrics":{"durationMs":3000.5,"billedDurationMs":3001,"memorySizeMB":128,"maxMemoryUsedMB":60,"initDurationMs":201.5},"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-6955b900-0123456789abcdef01234567;Sampled=0"}}}"##,
        );
        assert_eq!(record.marks, Marks::SUMMARY | Marks::END | Marks::COLD_START | Marks::TIMEOUT);
        assert_eq!(
            (record.duration_ms, record.memory_limit_mb, record.memory_used_mb),
            (Some(3000.5), Some(128.0), Some(60.0))
        );
        assert_eq!(record.id.as_ref().map(|id| id.text.as_str()), Some(U));
        assert_eq!(record.field("trace_id"), Some("1-6955b900-0123456789abcdef01234567"));
        assert_eq!(record.message, "platform.report status: timeout");
        assert_eq!(record.time_ms, Some(1_767_225_603_000));

        let outside = run(
            r##"{"time":"2026-01-01T00:00:03.000123Z","type":"platform.report","status":"error","record":{"requestId":"#","errorType":"Runtime.OutOfMemory","metrics":{"durationMs":5}}}"##,
        );
        assert!(outside.marks.has(Marks::CRASH) && outside.marks.has(Marks::OUT_OF_MEMORY));
        let success = run(
            r##"{"time":"2026-01-01T00:00:03Z","type":"platform.report","record":{"requestId":"#","status":"success","metrics":{}}}"##,
        );
        assert_eq!((success.marks, success.level), (Marks::SUMMARY | Marks::END, None));
    }

    #[test]
    fn reads_the_course_of_an_invocation() {
        let start = run(
            r##"{"time":"2026-01-01T00:00:00.000Z","type":"platform.start","record":{"requestId":"#","version":"$LATEST"}}"##,
        );
        assert_eq!(start.marks, Marks::START);
        let done = run(
            r##"{"time":"2026-01-01T00:00:00.000Z","type":"platform.runtimeDone","record":{"requestId":"#","status":"failure","metrics":{"durationMs":5,"producedBytes":0}}}"##,
        );
        assert_eq!((done.marks, done.duration_ms), (Marks::SUMMARY | Marks::CRASH, None));
        let init = run(
            r##"{"time":"2026-01-01T00:00:00.000Z","type":"platform.initStart","record":{"initializationType":"on-demand","phase":"init","runtimeVersion":"nodejs:22.v1"}}"##,
        );
        assert_eq!((init.marks, init.runtime.as_deref()), (Marks::INIT, Some("nodejs:22.v1")));
        let failed = run(
            r##"{"time":"2026-01-01T00:00:00.000Z","type":"platform.initRuntimeDone","record":{"initializationType":"on-demand","phase":"init","status":"error","errorType":"Runtime.ExitError"}}"##,
        );
        assert_eq!(
            (failed.marks, failed.error_class.as_deref()),
            (Marks::INIT | Marks::CRASH, Some("Runtime.ExitError"))
        );
        let retried = run(
            r##"{"time":"2026-01-01T00:00:00.000Z","type":"platform.initReport","record":{"phase":"init","status":"timeout","metrics":{"durationMs":10000}}}"##,
        );
        assert_eq!((retried.marks, retried.field("init_duration_ms")), (Marks::INIT, Some("10000")));
        let fault = run(
            r##"{"time":"2026-01-01T00:00:00.000Z","type":"platform.fault","record":"RequestId: # Error: Runtime exited with error: exit status 1\nRuntime.ExitError"}"##,
        );
        assert_eq!((fault.marks, fault.error_class.as_deref()), (Marks::CRASH, Some("Runtime.ExitError")));
        assert!(fault.id.is_some());
    }

    #[test]
    fn hands_back_what_the_function_wrote() {
        let text = run(
            r##"{"time":"2026-01-01T00:00:00.186Z","type":"function","record":"2026-01-01T00:00:00.186Z\t#\tINFO\thello\n"}"##,
        );
        assert_eq!(text.message, format!("2026-01-01T00:00:00.186Z\t{U}\tINFO\thello"));
        let object = run(
            r##"{"time": "2026-01-01T00:00:00.186Z", "type": "function", "record": {"timestamp":"2026-01-01T00:00:00.186Z","level":"INFO","requestId":"#","message":"x"}}"##,
        );
        assert_eq!(object.time_ms, Some(1_767_225_600_186));
        assert!(object.message.starts_with("{\"timestamp\""));
    }

    #[test]
    fn leaves_foreign_objects() {
        for message in [
            r#"{"time":"2026-01-01T00:00:00Z","type":"app","record":{}}"#,
            r#"{"type":"platform.report"}"#,
            r#"{"time":1,"type":"request","record":"x"}"#,
            "platform.report",
            "{\"time\":1,\"record\":2,\"type\":",
        ] {
            assert!(
                !LambdaPlatform.detect(&Record { message: message.to_owned(), ..Record::default() }),
                "{message}"
            );
        }
    }
}
