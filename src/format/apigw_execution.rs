//! API Gateway execution logs: every event begins with the request's ID in parentheses. They say the status, and the ID
//! of the function's invocation behind it. Access logs are another shape. Bodies and headers, which they print too, are
//! neither kept nor matched, for they are the customer's.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html>

use super::text_parts::{is_uuid, set_request};
use super::{About, Payload, aws};
use crate::record::{IdKind, Level, Marks, Record};

/// The shape `apigw-execution`.
pub struct ApiGatewayExecution;

/// How a console test prints its first line.
const TEST_HEAD: &str = "Execution log for request ";

impl Payload for ApiGatewayExecution {
    fn name(&self) -> &'static str {
        "apigw-execution"
    }

    fn about(&self) -> About {
        About {
            title: "API Gateway execution log",
            fingerprint: "(request ID) before Starting execution, Method completed with status …",
            export: "aws logs tail API-Gateway-Execution-Logs_APIID/STAGE --since 1h > execution.log",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        split(&record.message).is_some()
    }

    fn read(&self, record: &mut Record, _more: &mut Vec<Record>) {
        let Some((id, text)) = split(&record.message).map(|(id, text)| (id.to_owned(), text.to_owned()))
        else {
            return;
        };
        record.set_id(&id, IdKind::Request);
        // Nothing of it is the application's.
        record.marks.insert(Marks::SUMMARY);
        // The streams of a gateway are shared by all its requests.
        record.stream = None;
        let is_private =
            text.contains("before transformations: ") || text.contains("after transformations: ");
        if let Some(function) = function_id(&text) {
            aws::set_field(record, aws::LAMBDA_REQUEST_ID, &function);
            record.know_as(&function, IdKind::Alias);
        }
        if let Some(trace) = after(&text, "X-Amzn-Trace-Id=").or(after(&text, "X-Amzn-Trace-Id:")) {
            record.know_as(trace.trim(), IdKind::Trace);
        }
        if let Some((verb, path)) = request(&text) {
            set_request(record, verb, path);
        } else if let Some(status) = status(&text) {
            record.status = Some(status);
            record.marks.insert(Marks::CLIENT | Marks::END | Marks::EDGE);
            record.level = Some(if status >= 500 { Level::Error } else { Level::Info });
        } else if text.starts_with("Execution failed") || text.starts_with("Lambda execution failed") {
            record.level = Some(Level::Error);
            if text.starts_with("Execution failed due to a timeout") {
                record.marks.insert(Marks::TIMEOUT);
            }
        } else if text.contains("Endpoint request timed out") {
            record.level = Some(Level::Error);
            record.marks.insert(Marks::TIMEOUT);
            record.message = "Endpoint request timed out".to_owned();
            return;
        }
        record.message = match text.split_once("transformations: ") {
            Some((head, _)) if is_private => format!("{head}transformations: …"),
            _ if text.starts_with("Endpoint response headers") => "Endpoint response headers: …".to_owned(),
            _ => text,
        };
    }
}

/// The ID, and the text behind it.
fn split(text: &str) -> Option<(&str, &str)> {
    if let Some(id) = text.strip_prefix(TEST_HEAD) {
        return is_uuid(id.trim_end()).then_some((id.trim_end(), text));
    }
    let (id, rest) = text.strip_prefix('(')?.split_once(") ")?;
    is_uuid(id).then_some((id, rest))
}

/// What stands behind `key`, to the next separator.
fn after<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(key)?;
    rest.split([',', '}', ' ', ';']).next().filter(|value| !value.is_empty())
}

/// The ID of the function's invocation.
fn function_id(text: &str) -> Option<String> {
    let id = after(text, "Lambda request id: ")
        .or_else(|| after(text, "x-amzn-RequestId="))
        .or_else(|| after(text, "x-amzn-RequestId:"))?;
    let id = id.trim_end_matches('.');
    is_uuid(id).then(|| id.to_owned())
}

/// `HTTP Method: GET, Resource Path: /orders`.
fn request(text: &str) -> Option<(&str, &str)> {
    let (verb, path) = text.strip_prefix("HTTP Method: ")?.split_once(", Resource Path: ")?;
    Some((verb, path.trim_end()))
}

fn status(text: &str) -> Option<u16> {
    let code = text.strip_prefix("Method completed with status: ")?.trim_end();
    code.parse().ok().filter(|code| (100..600).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "22222222-3333-4444-8555-666666666666";
    const FUNCTION: &str = "11111111-2222-4333-8444-555555555555";

    fn run(text: &str) -> Record {
        let mut record = Record { message: format!("({ID}) {text}"), ..Record::default() };
        assert!(ApiGatewayExecution.detect(&record), "{text}");
        ApiGatewayExecution.read(&mut record, &mut Vec::new());
        assert_eq!(record.id.as_ref().map(|id| id.text.as_str()), Some(ID));
        record
    }

    #[test]
    fn the_status_ends_the_request() {
        let end = run("Method completed with status: 502");
        assert_eq!(end.status, Some(502));
        assert!(end.marks.has(Marks::END) && end.marks.has(Marks::EDGE));
        assert_eq!(run("Method completed with status: 1000").status, None);
        let begin = run("HTTP Method: GET, Resource Path: /orders");
        assert_eq!((begin.method.as_deref(), begin.path.as_deref()), (Some("GET"), Some("/orders")));
        for text in [
            "Execution failed due to a timeout error",
            r#"Endpoint response body before transformations: {"message": "Endpoint request timed out"}"#,
        ] {
            assert!(run(text).marks.has(Marks::TIMEOUT), "{text}");
        }
    }

    #[test]
    fn it_names_the_invocation() {
        for text in [
            format!(
                "Lambda execution failed with status 200 due to customer function error: boom. Lambda request id: {FUNCTION}"
            ),
            format!("Endpoint response headers: {{Date=Mon, x-amzn-RequestId={FUNCTION}, Content-Length=3}}"),
        ] {
            let also = run(&text).also;
            assert_eq!(also.len(), 1, "{text}");
            assert_eq!((also[0].text.as_str(), also[0].kind), (FUNCTION, IdKind::Alias));
        }
    }

    #[test]
    fn headers_and_bodies_are_not_kept() {
        let body = run(r#"Method request body before transformations: {"card":"4111"}"#);
        assert_eq!(body.message, "Method request body before transformations: …");
        assert!(!run("Endpoint response headers: {Authorization=x}").message.contains("Authorization"));
    }

    #[test]
    fn doubtful_texts_are_left_alone() {
        for text in [
            "(node:7) warning",
            "(22222222-3333-4444-8555) x",
            "()",
            "(",
            "Execution log for request x",
            "(ü) x",
        ] {
            assert!(
                !ApiGatewayExecution.detect(&Record { message: text.to_owned(), ..Record::default() }),
                "{text}"
            );
        }
    }
}
