//! API Gateway access logs in JSON. The template is the customer's, but the variables have customary names; all
//! values are text, and `-` is a missing one. Execution logs are another shape.

use memchr::memmem;
use serde_json::{Map, Value};

use super::{About, Payload, aws, json, lambda_body, time};
use crate::record::{IdKind, Marks, Record};

/// The shape `apigw-access`.
pub struct ApiGatewayAccess;

/// Members that are read by name, and those about the person behind the request, which are not kept.
const KNOWN: [&str; 24] = [
    "requestId",
    "requestTime",
    "requestTimeEpoch",
    "httpMethod",
    "resourcePath",
    "routeKey",
    "path",
    "status",
    "responseLatency",
    "integration",
    "integration.requestId",
    "integrationRequestId",
    "awsEndpointRequestId",
    "xrayTraceId",
    "ip",
    "sourceIp",
    "caller",
    "user",
    "userAgent",
    "userArn",
    "identity",
    "authorizer",
    "extendedRequestId",
    "error",
];

/// Members that hold the text of an error, in the order of what they say.
const ERRORS: [&str; 9] = [
    "error.message",
    "errorMessage",
    "error.messageString",
    "integrationErrorMessage",
    "integration.error",
    "integrationError",
    "authorizer.error",
    "error.validationErrorString",
    "error.responseType",
];

impl Payload for ApiGatewayAccess {
    fn name(&self) -> &'static str {
        "apigw-access"
    }

    fn about(&self) -> About {
        About {
            title: "API Gateway access log (JSON)",
            fingerprint: "requestId, status and httpMethod or routeKey beside requestTime or extendedRequestId",
            export: "API Gateway console, stage, Logs, Enable access logging, format JSON",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        let bytes = record.message.trim_start().as_bytes();
        let has = |key: &str| memmem::find(bytes, key.as_bytes()).is_some();
        bytes.starts_with(b"{")
            && has("\"requestId\"")
            && has("\"status\"")
            && (has("\"httpMethod\"") || has("\"routeKey\"") || has("\"resourcePath\""))
            && (has("\"requestTime\"")
                || has("\"requestTimeEpoch\"")
                || has("\"extendedRequestId\"")
                || has("\"integrationStatus\"")
                || has("\"responseLength\""))
    }

    fn read(&self, record: &mut Record, _more: &mut Vec<Record>) {
        let Some(map) = json::object(record.message.as_bytes()) else {
            return;
        };
        if record.time_ms.is_none() {
            record.time_ms = ["requestTimeEpoch", "requestTime"]
                .iter()
                .find_map(|key| time::parse(&json::text(&map, &[key])?))
                .map(|stamp| stamp.ms);
        }
        let extended = json::text(&map, &["extendedRequestId"]);
        if let Some(id) = json::text(&map, &["requestId"]) {
            record.set_id(&id, IdKind::Request);
        }
        if let Some(id) = &extended {
            // Clients cannot override this one, so it stands in where their request ID was refused.
            record.set_id(id, IdKind::Request);
            aws::set_field(record, "extended_request_id", id);
        }
        if let Some(id) =
            json::text(&map, &["integration.requestId", "integrationRequestId", "awsEndpointRequestId"])
        {
            aws::set_field(record, aws::LAMBDA_REQUEST_ID, &id);
            record.know_as(&id, IdKind::Alias);
        }
        if let Some(id) = json::text(&map, &["xrayTraceId"]) {
            aws::set_trace_id(record, &id);
        }
        // `integrationStatus` is the Lambda service's answer, 200 even where the handler threw; it stays a field.
        record.status = record.status.or_else(|| map.get("status").and_then(json::as_status));
        record.function_status = record.function_status.or_else(|| nested_status(&map));
        // Its time is the request's begin, so the function's own lines come after it; yet it is the gateway that answered.
        record.marks.insert(Marks::CLIENT | Marks::END | Marks::EDGE);
        record.duration_ms = record.duration_ms.or(json::number(&map, &["responseLatency"]));
        place(&map, record);
        for key in ERRORS {
            if let Some(text) = json::text(&map, &[key]) {
                json::append_line(&mut record.error_text, &text);
            }
        }
        json::flatten(&map, &KNOWN, record);
        record.message = summary(record);
    }
}

/// `integration.status`, which a function returned.
fn nested_status(map: &Map<String, Value>) -> Option<u16> {
    map.get("integration.status")
        .or_else(|| map.get("integration").and_then(|integration| integration.get("status")))
        .and_then(json::as_status)
}

/// Method, path and route. `$default` and catch-all resources say nothing of the route.
fn place(map: &Map<String, Value>, record: &mut Record) {
    let route_key = json::text(map, &["routeKey"]);
    let (key_method, key_path) = route_key
        .as_deref()
        .and_then(|key| key.split_once(' '))
        .map_or((None, None), |(a, b)| (Some(a), Some(b)));
    if record.method.is_none() {
        record.method = json::text(map, &["httpMethod"])
            .or_else(|| key_method.filter(|method| *method != "ANY").map(str::to_owned))
            .map(|method| method.to_ascii_uppercase());
    }
    let resource = json::text(map, &["resourcePath"]).or_else(|| key_path.map(str::to_owned));
    if record.path.is_none() {
        record.path = json::text(map, &["path"]).as_deref().and_then(lambda_body::path);
    }
    if let Some(resource) = resource.as_deref().and_then(lambda_body::path) {
        if resource.contains("+}") {
            return;
        }
        if record.path.is_none() && !resource.contains('{') {
            record.path = Some(resource.clone());
        }
        record.route.get_or_insert(resource);
    }
}

/// A line for people in place of the object.
fn summary(record: &Record) -> String {
    let status = record.status.map(|status| status.to_string());
    let place = record.path.as_deref().or(record.route.as_deref());
    [record.method.as_deref(), place, status.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(message: &str) -> Record {
        let mut record = Record { message: message.to_owned(), ..Record::default() };
        assert!(ApiGatewayAccess.detect(&record), "{message}");
        ApiGatewayAccess.read(&mut record, &mut Vec::new());
        record
    }

    fn id(record: &Record) -> Option<&str> {
        record.id.as_ref().map(|id| id.text.as_str())
    }

    #[test]
    fn reads_the_preset_of_rest_apis() {
        let record = run(
            r#"{"requestId":"22222222-3333-4444-8555-666666666666","extendedRequestId":"AbCdEfGhoAMFabc=","ip":"192.0.2.10","caller":"-","user":"-","requestTime":"01/Jan/2026:00:00:00 +0000","httpMethod":"GET","resourcePath":"/orders/{id}","status":"502","protocol":"HTTP/1.1","responseLength":"36","integrationLatency":"-","integrationStatus":"200"}"#,
        );
        assert_eq!(id(&record), Some("22222222-3333-4444-8555-666666666666"));
        assert_eq!((record.status, record.function_status), (Some(502), None));
        assert_eq!(record.marks, Marks::CLIENT | Marks::END | Marks::EDGE);
        assert_eq!(
            (record.method.as_deref(), record.route.as_deref(), record.path.as_deref()),
            (Some("GET"), Some("/orders/{id}"), None)
        );
        assert_eq!(record.time_ms, Some(1_767_225_600_000));
        assert_eq!(record.field("extended_request_id"), Some("AbCdEfGhoAMFabc="));
        assert_eq!(
            (record.field("integrationStatus"), record.field("integrationLatency"), record.field("ip")),
            (Some("200"), None, None)
        );
        assert_eq!(record.message, "GET /orders/{id} 502");
    }

    #[test]
    fn never_groups_on_replaced_ids() {
        let text = r#"{"requestId":"UUID_REPLACED_INVALID_REQUEST_ID","extendedRequestId":"AbC=","requestTimeEpoch":"1767225600188","httpMethod":"GET","path":"/a","status":"500"}"#;
        assert_eq!(id(&run(text)), Some("AbC="));
        assert_eq!(id(&run(&text.replace("AbC=", "-"))), None);
        assert_eq!(run(text).time_ms, Some(1_767_225_600_188));
    }

    #[test]
    fn reads_http_apis_and_joins() {
        let record = run(
            r#"{"requestId":"AbC=","requestTime":"01/Jan/2026:00:00:00 +0000","routeKey":"POST /orders","status":"500","responseLatency":"29","integration.requestId":"11111111-2222-4333-8444-555555555555","integration.status":"500","integrationErrorMessage":"-","errorMessage":"Internal Server Error"}"#,
        );
        assert_eq!(record.field("lambda_request_id"), Some("11111111-2222-4333-8444-555555555555"));
        assert_eq!((record.function_status, record.duration_ms), (Some(500), Some(29.0)));
        assert_eq!(
            (record.method.as_deref(), record.route.as_deref(), record.path.as_deref()),
            (Some("POST"), Some("/orders"), Some("/orders"))
        );
        assert_eq!(record.error_text, "Internal Server Error");
        let nested = run(
            r#"{"requestId":"AbC=","requestTime":"-","routeKey":"$default","path":"/a/7","status":500,"integration":{"requestId":"u-1","status":"502"}}"#,
        );
        assert_eq!((nested.field("lambda_request_id"), nested.function_status), (Some("u-1"), Some(502)));
        assert_eq!((nested.route.as_deref(), nested.path.as_deref()), (None, Some("/a/7")));
        let proxy = run(
            r#"{"requestId":"AbC=","requestTime":"-","httpMethod":"GET","resourcePath":"/{proxy+}","path":"/prod/a","status":"-"}"#,
        );
        assert_eq!(
            (proxy.route.as_deref(), proxy.path.as_deref(), proxy.status),
            (None, Some("/prod/a"), None)
        );
    }

    #[test]
    fn leaves_foreign_objects() {
        for message in [
            r#"{"requestId":"1","status":"500","httpMethod":"GET"}"#,
            r#"{"requestId":"1","status":"500","requestTime":"x"}"#,
            r#"{"reqId":"1","status":500,"httpMethod":"GET","requestTime":"x"}"#,
            "requestId status httpMethod requestTime",
        ] {
            assert!(
                !ApiGatewayAccess.detect(&Record { message: message.to_owned(), ..Record::default() }),
                "{message}"
            );
        }
    }
}
