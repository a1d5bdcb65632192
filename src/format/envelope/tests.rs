use super::*;
use crate::record::IdKind;

/// Opens a text as the payload `json` does.
fn open(text: &str) -> Vec<Record> {
    let mut record = Record { message: text.to_owned(), ..Record::default() };
    assert!(JsonApp.detect(&record), "{text}");
    let mut more = Vec::new();
    JsonApp.read(&mut record, &mut more);
    let mut all = vec![record];
    all.append(&mut more);
    all
}

fn id(record: &Record) -> Option<(&str, IdKind)> {
    record.id.as_ref().map(|id| (id.text.as_str(), id.kind))
}

const TIME_MS: Option<i64> = Some(1_767_262_215_001);

#[test]
fn names_are_listed_once() {
    let listed: Vec<&str> = super::super::registry::PAYLOADS.iter().map(|payload| payload.name()).collect();
    for envelope in ENVELOPES {
        assert_eq!(listed.iter().filter(|name| **name == envelope.name).count(), 1, "{}", envelope.name);
    }
}

#[test]
fn reads_cloudflare_outcomes() {
    let event = |outcome: &str, response: &str| {
        open(&format!(
            r#"{{"outcome":"{outcome}","scriptName":"edge","scriptVersion":{{"id":"v7"}},"exceptions":[{{"name":"Error","message":"boom","timestamp":1767262215001}}],"logs":[{{"message":["answered",{{"status":502}}],"level":"warn","timestamp":1767262215000}}],"eventTimestamp":1767262214990,"event":{{"request":{{"url":"https://e.example.com/o?x=1","method":"GET","headers":{{"cf-ray":"8c1d2e3f4a5b6c7d-FRA"}},"cf":{{"colo":"FRA"}}}}{response}}}}}"#
        ))
    };
    let client = Marks::CLIENT | Marks::END;
    let cases = [
        ("ok", r#","response":{"status":500}"#, Some(500), client),
        ("exception", "", None, client | Marks::CRASH),
        ("exception", r#","response":{"status":200}"#, Some(200), client | Marks::CRASH),
        ("exceededCpu", "", None, client | Marks::CRASH),
        ("exceededMemory", "", None, client | Marks::OUT_OF_MEMORY),
        ("canceled", "", None, client | Marks::ABORTED),
    ];
    for (outcome, response, status, marks) in cases {
        let records = event(outcome, response);
        assert_eq!((records[0].status, records[0].marks), (status, marks), "{outcome}");
        assert_eq!(records.len(), 3);
        assert!(records.iter().all(|record| id(record) == Some(("8c1d2e3f4a5b6c7d", IdKind::Request))));
        assert!(records.iter().all(|record| record.path.as_deref() == Some("/o")));
        assert_eq!((records[1].status, records[1].message.as_str()), (None, r#"answered {"status":502}"#));
        assert_eq!((records[2].error_text.as_str(), records[2].time_ms), ("Error: boom", TIME_MS));
    }
    let cron = open(
        r#"{"outcome":"exception","eventTimestamp":1767262214990,"logs":[],"exceptions":[],"event":{"cron":"* * * * *"}}"#,
    );
    assert!(cron[0].marks.is_empty() && cron[0].id.is_none());
}

#[test]
fn reads_cloudflare_logpush() {
    let trace = open(
        r#"{"EventTimestampMs":1767262215001,"Outcome":"exception","ScriptName":"pay","Event":{"RayID":"8c1d2e3f4a5b6c7d","Request":{"URL":"https://e.example.com/pay","Method":"POST"},"Response":{"Status":500}},"Logs":[],"Exceptions":[{"Name":"TypeError","Message":"x <<<Logpush: exception messages truncated>>>","TimestampMs":1767262215002}]}"#,
    );
    assert_eq!((trace[0].status, trace[0].method.as_deref()), (Some(500), Some("POST")));
    assert!(trace[1].marks.has(Marks::TRUNCATED));
    assert_eq!(trace[1].error_class.as_deref(), Some("TypeError"));

    let edge = |rest: &str| {
        open(&format!(
            r#"{{"RayID":"8c1d2e3f4a5b6c7d","EdgeStartTimestamp":1767262215001000000,"ClientRequestMethod":"GET","ClientRequestPath":"/o",{rest}}}"#
        ))
        .remove(0)
    };
    let refused = edge(r#""EdgeResponseStatus":522,"OriginResponseStatus":0"#);
    assert_eq!((refused.time_ms, refused.status), (TIME_MS, Some(522)));
    assert_eq!(refused.message, "error code: 522");
    let passed = edge(r#""EdgeResponseStatus":503,"OriginResponseStatus":503,"ParentRayID":"00""#);
    assert_eq!((passed.message.as_str(), passed.field("upstream_status")), ("", Some("503")));
    let inner = edge(r#""EdgeResponseStatus":503,"ParentRayID":"8c1d2e3f4a5b6c70""#);
    assert_eq!((inner.status, inner.marks), (None, Marks::SUMMARY));
    assert_eq!(id(&inner), Some(("8c1d2e3f4a5b6c70", IdKind::Request)));
}

#[test]
fn reads_datadog() {
    let records = open(
        r#"{"data":[{"id":"AQ1","type":"log","attributes":{"timestamp":"2026-01-01T10:10:15.001Z","status":"error","service":"api","host":"web-1","message":"GET /o 503","tags":["env:prod","version:1.4.2"],"attributes":{"http":{"status_code":503,"method":"GET","url_details":{"path":"/o"}},"duration":31000000,"dd":{"trace_id":"1234567890123456789"}}}},{"id":"AQ2","type":"log","attributes":{"status":"warn","message":"{\"level\":50,\"time\":1767262215001,\"msg\":\"x\"}"}}]}"#,
    );
    assert_eq!(records.len(), 2);
    let first = &records[0];
    assert_eq!((first.time_ms, first.status, first.level), (TIME_MS, Some(503), Some(Level::Error)));
    assert_eq!((first.path.as_deref(), first.environment.as_deref()), (Some("/o"), Some("prod")));
    assert_eq!((first.deployment.as_deref(), first.event_id.as_deref()), (Some("1.4.2"), Some("AQ1")));
    assert_eq!(id(first), Some(("1234567890123456789", IdKind::Trace)));
    assert_eq!((records[1].message.as_str(), records[1].level), ("x", Some(Level::Error)));
}

#[test]
fn reads_loki() {
    let records = open(
        r#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"pod":"api-1","env":"prod","detected_level":"error"},"values":[["1767262215001000000","level=warn msg=\"pool wait\" request_id=8f31"],["1767262215002000000","plain",{"trace_id":"aa11bb22cc33dd44ee55ff6677889900"}]]}]}}"#,
    );
    assert_eq!((records[0].time_ms, records[0].level), (TIME_MS, Some(Level::Warn)));
    assert_eq!(
        (records[0].message.as_str(), id(&records[0])),
        ("pool wait", Some(("8f31", IdKind::Request)))
    );
    assert_eq!((records[1].level, records[1].stream.as_deref()), (Some(Level::Error), Some("api-1")));
    assert_eq!(id(&records[1]), Some(("aa11bb22cc33dd44ee55ff6677889900", IdKind::Trace)));
    let line = open(
        r#"{"labels":{"pod":"api-1"},"line":"{\"level\":50,\"time\":1767262215001,\"msg\":\"x\"}","timestamp":"2026-01-01T10:10:15.002Z"}"#,
    );
    assert_eq!((line[0].message.as_str(), line[0].level), ("x", Some(Level::Error)));
}

#[test]
fn reads_azure() {
    for status in [r#"\"502\""#, "502"] {
        let record = open(&format!(
            r#"{{"time":"2026-01-01T10:10:15.0012345Z","resourceId":"/SUBSCRIPTIONS/S/SITES/SHOP","category":"AppServiceHTTPLogs","properties":"{{\"CsMethod\":\"GET\",\"CsUriStem\":\"/o\",\"CsUriQuery\":\"a=1&X-ARR-LOG-ID=5f0c1d2e-1\",\"ScStatus\":{status},\"TimeTaken\":230001}}"}}"#
        ))
        .remove(0);
        assert_eq!((record.time_ms, record.status), (TIME_MS, Some(502)));
        assert_eq!((record.path.as_deref(), record.duration_ms), (Some("/o"), Some(230_001.0)));
        assert_eq!(id(&record), Some(("5f0c1d2e-1", IdKind::Request)));
    }
    let row = |rest: &str| {
        open(&format!(
            r#"{{"TimeGenerated":"2026-01-01T10:10:15.0010000Z","OperationId":"aa11bb22cc33dd44ee55ff6677889900","AppRoleName":"shop",{rest}}}"#
        ))
        .remove(0)
    };
    let request = row(
        r#""Type":"AppRequests","Name":"GET /o/{id}","Url":"https://e.example.com/o/7?x","ResultCode":"500","DurationMs":4.5"#,
    );
    assert_eq!((request.status, request.route.as_deref()), (Some(500), Some("/o/{id}")));
    assert_eq!(request.path.as_deref(), Some("/o/7"));
    let call = row(
        r#""Type":"AppDependencies","Name":"GET /v1","Target":"p.example.com","ResultCode":"503","Success":false"#,
    );
    assert_eq!((call.status, call.field("upstream_status")), (None, Some("503")));
    let thrown = row(
        r#""Type":"AppExceptions","ExceptionType":"System.TimeoutException","OuterMessage":"late","InnermostMessage":"late""#,
    );
    assert_eq!(thrown.error_text, "System.TimeoutException: late");
    let table = open(
        r#"{"tables":[{"name":"PrimaryResult","columns":[{"name":"timestamp"},{"name":"operation_Id"},{"name":"itemType"},{"name":"message"},{"name":"severityLevel"}],"rows":[["2026-01-01T10:10:15.001Z","aa11","trace","hello",3]]}]}"#,
    );
    assert_eq!((table[0].message.as_str(), table[0].level), ("hello", Some(Level::Error)));
}

#[test]
fn reads_otlp() {
    let records = open(
        r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"cloud.region","value":{"stringValue":"fra"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1767262215001000000","severityNumber":17,"body":{"stringValue":"fail"},"attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/o"}},{"key":"http.response.status_code","value":{"intValue":"503"}}],"traceId":"4BF92F3577B34DA6A3CE929D0E0E4736"},{"timeUnixNano":"0","observedTimeUnixNano":"1767262215001000000","severityNumber":"SEVERITY_NUMBER_WARN2","body":{"kvlistValue":{"values":[{"key":"msg","value":{"stringValue":"pool wait"}},{"key":"request_id","value":{"stringValue":"8f31aa"}}]}},"traceId":"S/kvNXezTaajzpKdDg5HNg=="}]}]}]}"#,
    );
    assert_eq!(records.len(), 2);
    assert_eq!((records[0].status, records[0].level), (Some(503), Some(Level::Error)));
    assert_eq!((records[0].path.as_deref(), records[0].region.as_deref()), (Some("/o"), Some("fra")));
    assert_eq!(id(&records[0]), Some(("4bf92f3577b34da6a3ce929d0e0e4736", IdKind::Trace)));
    assert_eq!((records[1].time_ms, records[1].level), (TIME_MS, Some(Level::Warn)));
    assert_eq!(
        (records[1].message.as_str(), id(&records[1])),
        ("pool wait", Some(("8f31aa", IdKind::Request)))
    );
    assert_eq!(trace_of("S/kvNXezTaajzpKdDg5HNg=="), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(open(r#"{"resourceSpans":[{"status":{"code":2}}]}"#)[0].marks.has(Marks::SUMMARY));
}

fn trace_of(text: &str) -> String {
    let line = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"x"}},"traceId":"{text}"}}]}}]}}]}}"#
    );
    open(&line)[0].id.as_ref().map(|id| id.text.clone()).unwrap_or_default()
}

#[test]
fn reads_journald() {
    let record = open(
        r#"{"__REALTIME_TIMESTAMP":"1767262215001234","PRIORITY":"3","_HOSTNAME":"h","_PID":"9","_SYSTEMD_UNIT":"api.service","MESSAGE":[27,91,51,49,109,120,27,91,51,57,109]}"#,
    )
    .remove(0);
    assert_eq!((record.time_ms, record.level), (TIME_MS, Some(Level::Error)));
    assert_eq!((record.message.as_str(), record.stream.as_deref()), ("x", Some("h:9")));
    let frame = open(r#"{"__CURSOR":"c","MESSAGE":"    at f (/app/a.js:1:2)"}"#).remove(0);
    assert!(frame.marks.has(Marks::CONTINUATION));
}

#[test]
fn reads_platform_lines() {
    let fly = open(
        r#"{"level":"error","instance":"e784","message":"[PC05] timed out while connecting to your instance","region":"iad","timestamp":"2026-01-01T10:10:15.001Z","meta":{"Instance":"e784","HTTP":{"Request":{"ID":"01J-iad","Method":"GET","Version":""},"Response":{"status_code":0}},"Error":{"Code":0,"Message":""},"URL":{"Full":"https://e.example.com/o"}}}"#,
    )
    .remove(0);
    assert_eq!(
        (fly.status, fly.path.as_deref(), id(&fly)),
        (None, Some("/o"), Some(("01J-iad", IdKind::Request)))
    );
    assert_eq!((fly.error_codes.as_slice(), fly.region.as_deref()), (&["PC05".to_owned()][..], Some("iad")));

    let render = open(
        r#"{"id":"l1","labels":[{"name":"statusCode","value":"502"},{"name":"method","value":"GET"},{"name":"path","value":"/o"},{"name":"type","value":"request"}],"message":"","timestamp":"2026-01-01T10:10:15.001Z"}"#,
    )
    .remove(0);
    assert_eq!((render.status, render.time_ms), (Some(502), TIME_MS));
    assert!(render.marks.has(Marks::CLIENT) && render.path.as_deref() == Some("/o"));

    let netlify = open(
        r#"{"site_id":"s","deploy_id":"d","log_type":"traffic","status_code":502,"method":"POST","url":"https://e.example.com/pay","request_id":"01J","timestamp":"2026-01-01T10:10:15.001Z"}"#,
    )
    .remove(0);
    assert_eq!((netlify.status, netlify.path.as_deref()), (Some(502), Some("/pay")));
    assert_eq!(id(&netlify), Some(("01J", IdKind::Request)));
}

#[test]
fn reads_through_stores_and_shippers() {
    let hits = open(
        r#"{"hits":{"hits":[{"_id":"e1","_source":{"@timestamp":"2026-01-01T10:10:15.001Z","log.level":"error","message":"x","http":{"request":{"id":"8f31aa"}}}},{"_id":"e2","_source":{"json":{"level":50,"msg":"y"},"agent":{"type":"filebeat"},"@timestamp":"2026-01-01T10:10:15.001Z"}}]}}"#,
    );
    assert_eq!((hits[0].message.as_str(), hits[0].event_id.as_deref()), ("x", Some("e1")));
    assert_eq!((hits[1].message.as_str(), hits[1].time_ms), ("y", TIME_MS));
    let fluent = open(
        r#"{"date":1767262215.001,"log":"z","log_processed":{"level":50,"msg":"z"},"kubernetes":{"pod_name":"p"}}"#,
    );
    assert_eq!((fluent[0].time_ms, fluent[0].stream.as_deref()), (TIME_MS, Some("p")));
}

#[test]
fn plain_loggers_are_no_envelopes() {
    for text in [
        r#"{"level":50,"time":1767262215001,"data":[{"type":"log","attributes":{}}],"msg":"x"}"#,
        r#"{"level":"error","message":"x","labels":{"a":1},"meta":{"region":"fra"},"outcome":"failed"}"#,
        r#"{"line":"x","timestamp":1767262215001,"level":"error"}"#,
        r#"{"category":"orders","message":"x","level":"info"}"#,
        r#"{"source":"function","message":"x"}"#,
        r#"{"json":{"a":1},"message":"x"}"#,
    ] {
        let Some(map) = json::object(text.as_bytes()) else { panic!("{text}") };
        assert!(find(&map).is_none(), "{text}");
    }
}

#[test]
fn envelopes_in_envelopes_end() {
    let mut text = r#"{"_source":{"message":"core"}}"#.to_owned();
    for _ in 0..40 {
        text = format!(r#"{{"_source":{text}}}"#);
    }
    assert!(!open(&text).is_empty());
}

#[test]
fn entries_of_a_page_are_told_apart() {
    let page = open(
        r#"{"hasMore":false,"logs":[{"id":"l1","labels":[{"name":"statusCode","value":"200"}],"message":"","timestamp":"2026-01-01T10:10:15.001Z"},{"id":"l2","labels":[{"name":"statusCode","value":"502"}],"message":"","timestamp":"2026-01-01T10:10:15.001Z"}]}"#,
    );
    assert_eq!(page.len(), 2);
    assert!(page.iter().all(|record| record.marks.has(Marks::APART)));
    assert_eq!((page[0].status, page[1].status), (Some(200), Some(502)));
}
