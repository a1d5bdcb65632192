//! The logging change for every phase, for four loggers. Function names are those of their documentation:
//! <https://getpino.io/#/docs/api>, <https://github.com/winstonjs/winston#readme>,
//! <https://docs.aws.amazon.com/powertools/typescript/latest/features/logger/>, <https://www.structlog.org/en/stable/api.html>.

use serde::Serialize;

use super::Phase;

/// One logging change in four loggers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// pino.
    pub pino: String,
    /// winston.
    pub winston: String,
    /// Powertools for AWS Lambda (TypeScript).
    pub powertools: String,
    /// structlog.
    pub structlog: String,
}

/// The change that logs a phase.
pub fn of(phase: Phase) -> Change {
    let all = |pino: &str, winston: &str, powertools: &str, structlog: &str| Change {
        pino: pino.to_owned(),
        winston: winston.to_owned(),
        powertools: powertools.to_owned(),
        structlog: structlog.to_owned(),
    };
    match phase {
        Phase::CorrelationId => all(
            "const log = logger.child({ requestId: req.id }); // and log with `log` alone in this request",
            "const log = logger.child({ requestId: req.id }); // and log with `log` alone in this request",
            "logger.addContext(context); // first line of the handler",
            "structlog.contextvars.bind_contextvars(request_id=request_id)  # with processor merge_contextvars",
        ),
        Phase::IdPassedOn => all(
            "await fetch(url, { headers: { 'x-request-id': req.id } })",
            "await fetch(url, { headers: { 'x-request-id': req.id } })",
            "await fetch(url, { headers: { 'x-request-id': context.awsRequestId } })",
            "httpx.get(url, headers={\"x-request-id\": request_id})",
        ),
        Phase::ErrorClass => all(
            "log.error({ err }, 'request failed') // the Error itself under `err`: class, stack and cause are written",
            "log.error('request failed', { name: err.name, code: err.code, stack: err.stack, cause: String(err.cause) })",
            "logger.error('request failed', err as Error)",
            "log.exception(\"request failed\")  # with processor structlog.processors.dict_tracebacks",
        ),
        Phase::RequestReceipt => line(
            "request received",
            &[("method", "req.method", "request.method"), ("path", "req.url", "request.path")],
        ),
        Phase::Authentication => line("authenticated", &[("subject", "session.subject", "session.subject")]),
        Phase::DependencyInit => line(
            "client created",
            &[
                ("dependency", "'postgres'", "\"postgres\""),
                ("host", "host", "host"),
                ("max", "pool.options.max", "pool.maxconn"),
            ],
        ),
        Phase::DatabaseCall => line(
            "query finished",
            &[
                ("operation", "name", "name"),
                ("durationMs", "Date.now() - begin", "elapsed_ms"),
                ("rows", "result.rowCount", "cursor.rowcount"),
            ],
        ),
        Phase::ResponseEmission => line(
            "request completed",
            &[
                ("statusCode", "res.statusCode", "response.status_code"),
                ("durationMs", "Date.now() - begin", "elapsed_ms"),
            ],
        ),
        Phase::FeatureFlags => line("feature flags", &[("flags", "flags", "flags")]),
        Phase::PoolFigures => all(
            "log.warn({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }, 'pool')",
            "log.warn('pool', { total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount })",
            "logger.warn('pool', { total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount })",
            "log.warning(\"pool\", total=pool.size(), idle=pool.checkedin(), active=pool.checkedout())",
        ),
    }
}

/// One line with fields: name, expression in JavaScript, expression in Python.
fn line(message: &str, fields: &[(&str, &str, &str)]) -> Change {
    let js: Vec<String> = fields.iter().map(|(name, js, _)| format!("{name}: {js}")).collect();
    let js = js.join(", ");
    let py: Vec<String> = fields.iter().map(|(name, _, py)| format!("{}={py}", snake(name))).collect();
    Change {
        pino: format!("log.info({{ {js} }}, '{message}')"),
        winston: format!("log.info('{message}', {{ {js} }})"),
        powertools: format!("logger.info('{message}', {{ {js} }})"),
        structlog: format!("log.info(\"{message}\", {})", py.join(", ")),
    }
}

/// `durationMs` as `duration_ms`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
