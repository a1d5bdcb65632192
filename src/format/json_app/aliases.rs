//! Which member of a logger's object means what: the alias table, as data.
//!
//! Names are folded: lower case without `_` and `-`, nested members with dots. Within a row the first name that
//! is present wins. Members below a wrapper (`meta`, `context` …) count as if they stood at top level.

use std::sync::LazyLock;

use hashbrown::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64;

/// What a member can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// When the application wrote the line.
    Time,
    /// Severity.
    Level,
    /// The text.
    Message,
    /// Status in response position: always this request's.
    Status,
    /// A bare status: this request's only beside a method and a path of its own.
    BareStatus,
    /// Method beside the status, or bound to a request logger.
    Method,
    /// Request target.
    Path,
    /// Method bound by a request logger (`req.method`): on every line of the request, so no proof of an access record.
    BoundMethod,
    /// Target bound by a request logger.
    BoundPath,
    /// Route template.
    Route,
    /// Explicit request ID.
    RequestId,
    /// Trace ID.
    TraceId,
    /// An error as an object or a text.
    Error,
    /// Class of an error in flat members.
    ErrorClass,
    /// Message of an error in flat members.
    ErrorMessage,
    /// Stack in a flat member.
    Stack,
    /// Code of an error in a flat member.
    ErrorCode,
    /// Duration of the request.
    Duration,
    /// Region.
    Region,
    /// Deployment or release.
    Deployment,
    /// A version, which is a deployment only if it looks like one.
    Version,
    /// Environment.
    Environment,
    /// Git branch.
    Branch,
    /// Runtime.
    Runtime,
    /// Host or instance.
    Host,
    /// Process.
    Pid,
    /// The event's own ID.
    EventId,
}

/// How many slots there are.
pub const SLOTS: usize = Slot::EventId as usize + 1;

/// The table. Sources of the names: the loggers' own documentation and serialisers (pino, pino-http, fastify,
/// winston, bunyan, log4js, tslog, NestJS, ECS, Google Cloud, zap, slog, zerolog, structlog, python-json-logger,
/// lograge, Serilog, tracing).
const ALIASES: &[(Slot, &[&str])] = &[
    (
        Slot::Time,
        &[
            "@timestamp",
            "@t",
            "timestamp",
            "time",
            "ts",
            "timegenerated",
            "eventtimestamp",
            "startutc",
            "starttime",
            "asctime",
            "datetime",
            "date",
            "timeiso8601",
            "msec",
            "t",
            "receivetimestamp",
        ],
    ),
    (
        Slot::Level,
        &[
            "level",
            "lvl",
            "log.level",
            "severity",
            "severitytext",
            "levelname",
            "@l",
            "loglevel",
            "loglevelname",
            "level.levelstr",
            "levelno",
            "logging.googleapis.com/severity",
            "errorseverity",
            "parsed.errorseverity",
            "at",
        ],
    ),
    (
        Slot::Message,
        &[
            "message",
            "msg",
            "@m",
            "@message",
            "textpayload",
            // GELF's whole text, stack and all; the short one is its first line.
            "fullmessage",
            "shortmessage",
            "event",
            "eventmessage",
            "event.message",
            "log.message",
            "@mt",
            "0",
            "1",
            "log",
            "line",
            "desc",
            "text",
        ],
    ),
    (
        Slot::Status,
        &[
            "res.statuscode",
            "http.response.statuscode",
            "httprequest.status",
            "http.statuscode",
            "httpstatus",
            "event.response.status",
            "downstreamstatus",
            "httprequest.responsestatuscode",
        ],
    ),
    (
        Slot::BareStatus,
        &[
            "status",
            "statuscode",
            "httpstatuscode",
            "responsestatus",
            "responsestatuscode",
            "responsecode",
            "response.status",
            "response.statuscode",
            "resp.status",
            "res.status",
        ],
    ),
    (
        Slot::Method,
        &[
            "http.request.method",
            "httprequest.requestmethod",
            "http.method",
            "method",
            "requestmethod",
            "httpmethod",
            "verb",
            "request.method",
        ],
    ),
    (
        Slot::Path,
        &[
            "url.path",
            "http.urldetails.path",
            "httprequest.requesturl",
            "http.target",
            "url.original",
            "url.full",
            "http.url",
            "requestpath",
            "requesturi",
            "requesturl",
            "request.path",
            "request.pathname",
            "request.uri",
            "request.url",
            "path",
            "uri",
            "url",
            "originalurl",
        ],
    ),
    (Slot::BoundMethod, &["req.method"]),
    (Slot::BoundPath, &["req.originalurl", "req.url", "req.path"]),
    (Slot::Route, &["http.route", "route", "routepath", "routepattern", "req.route", "req.route.path"]),
    (
        Slot::RequestId,
        &[
            "requestid",
            "reqid",
            "req.id",
            "req.reqid",
            "req.requestid",
            "xrequestid",
            "http.request.id",
            "http.requestid",
            "request.id",
            "request.requestid",
            "awsrequestid",
            "xvercelid",
            "vercelid",
            "correlationid",
            "xcorrelationid",
            "executionid",
            "labels.executionid",
            "invocationid",
            "faas.invocationid",
            "cfray",
            "rayid",
            "sbrequestid",
            "flyrequestid",
            "xnfrequestid",
            "xrailwayrequestid",
            "rndrid",
            "req.headers.xrequestid",
            "requestxrequestid",
            "req.headers.xvercelid",
            "req.headers.xcorrelationid",
            "request.headers.xrequestid",
            "req.headers.flyrequestid",
            "req.headers.xnfrequestid",
            "req.headers.xrailwayrequestid",
            "req.headers.rndrid",
            "req.headers.cfray",
            "req.headers.sbrequestid",
        ],
    ),
    (
        Slot::TraceId,
        &[
            "trace.id",
            "traceid",
            "dd.traceid",
            "@tr",
            "logging.googleapis.com/trace",
            "trace",
            "otel.traceid",
            "oteltraceid",
            "traceparent",
            "xcloudtracecontext",
            "xamzntraceid",
            "amzntraceid",
        ],
    ),
    (
        Slot::Error,
        &[
            "err",
            "error",
            "exception",
            "excinfo",
            "@x",
            "rawerror",
            "cause",
            "e",
            "reason",
            "errors",
            "rootcause",
            "innerexception",
            "innererror",
            "exc",
            "ex",
            "exceptions",
            "causes",
            "errordetails",
            "errorinfo",
            "errorobject",
            "failure",
            "thrown",
            "throwable",
            "lasterror",
            "originalerror",
            "dberror",
            "errorobj",
            "errobj",
            // What Go programs recovered from.
            "panic",
            "recover",
        ],
    ),
    (
        Slot::ErrorClass,
        &[
            "error.type",
            "error.kind",
            "exception.type",
            "errortype",
            "errorname",
            "errorclass",
            "exctype",
            "exceptionclass",
            "err.type",
            "error.name",
        ],
    ),
    (
        Slot::ErrorMessage,
        &[
            "error.message",
            "exception.message",
            "errormessage",
            "errmsg",
            "errormsg",
            "errortext",
            "exceptionmessage",
            "excvalue",
            "excmessage",
            "err.message",
            "upstreamerrors",
            "responsedetails",
        ],
    ),
    (
        Slot::Stack,
        &[
            "error.stacktrace",
            "error.stack",
            "exception.stacktrace",
            "stack",
            "stacktrace",
            "traceback",
            "backtrace",
            "exctext",
            "errorverbose",
            "errorstack",
            "errorstacktrace",
            "err.stack",
        ],
    ),
    (
        Slot::ErrorCode,
        &[
            "error.code",
            "errorcode",
            "code",
            "sqlstate",
            "statecode",
            "errcode",
            "parsed.sqlstatecode",
            "errno",
        ],
    ),
    (
        Slot::Duration,
        &[
            "responsetime",
            "durationms",
            "elapsedmilliseconds",
            "elapsedms",
            "responsetimems",
            "latencyms",
            "durationmillis",
            "executiontimems",
            "event.duration",
            "httprequest.latency",
            "http.server.request.duration",
            "requesttime",
            "totalduration",
            "duration",
            "elapsed",
            "latency",
            "took",
            "timetaken",
            "service",
        ],
    ),
    (Slot::Region, &["cloud.region", "region", "awsregion", "flyregion", "resource.labels.location"]),
    (
        Slot::Deployment,
        &[
            "deploymentid",
            "deployment.id",
            "deployment",
            "deployid",
            "resource.labels.revisionname",
            "release",
            "gitsha",
            "commit",
            "commitsha",
            "gitcommit",
            "vercelgitcommitsha",
            "buildid",
        ],
    ),
    (Slot::Version, &["service.version", "dd.version", "appversion", "version"]),
    (
        Slot::Environment,
        &[
            "deployment.environment.name",
            "deployment.environment",
            "service.environment",
            "environment",
            "vercelenv",
            "nodeenv",
            "dd.env",
            "env",
            "stage",
        ],
    ),
    (Slot::Branch, &["branch", "gitbranch", "vercelgitcommitref"]),
    (Slot::Runtime, &["process.runtime.name", "runtime"]),
    (
        Slot::Host,
        &[
            "hostname",
            "host.name",
            "host.hostname",
            "k8s.pod.name",
            "podname",
            "resource.labels.podname",
            "kubernetes.podname",
            "kubernetes.pod.name",
            "deploymentinstanceid",
            "dyno",
            "instance",
            "instanceid",
        ],
    ),
    (Slot::Pid, &["pid", "process.pid", "processid"]),
    (Slot::EventId, &["insertid"]),
];

/// Members that are read by their name alone, beside the table.
const READ_BY_NAME: &[&str] = &["request", "req", "res", "syscall"];

/// Whether correlation rests on what a slot holds. The others only describe the request.
pub fn is_telling_slot(slot: Slot) -> bool {
    !matches!(
        slot,
        Slot::Level
            | Slot::Method
            | Slot::BoundMethod
            | Slot::Duration
            | Slot::Region
            | Slot::Deployment
            | Slot::Version
            | Slot::Environment
            | Slot::Branch
            | Slot::Runtime
    )
}

/// Whether correlation rests on the member of this folded name.
pub fn is_telling(name: &str) -> bool {
    meaning(name).is_some_and(|(slot, _)| is_telling_slot(slot)) || READ_BY_NAME.contains(&name)
}

/// All folded names for which [`is_telling`] holds.
pub fn telling() -> impl Iterator<Item = &'static str> {
    let named = ALIASES.iter().filter(|(slot, _)| is_telling_slot(*slot));
    named.flat_map(|(_, names)| names.iter().copied()).chain(READ_BY_NAME.iter().copied())
}

/// No name of the table is longer, in bytes.
const MAX_NAME_BYTES: usize = 64;

static TELLING: LazyLock<HashSet<u64>> =
    LazyLock::new(|| telling().map(|name| xxh3_64(name.as_bytes())).collect());

/// Whether correlation may rest on a member of this name as written; with nothing allocated, for that is asked often.
pub fn may_be_telling(key: &[u8]) -> bool {
    let (mut folded, mut len) = ([0; MAX_NAME_BYTES], 0);
    for byte in key.iter().filter(|byte| !matches!(byte, b'_' | b'-')) {
        let Some(place) = folded.get_mut(len) else { return false };
        *place = byte.to_ascii_lowercase();
        len += 1;
    }
    TELLING.contains(&xxh3_64(&folded[..len]))
}

/// Objects whose members count as if they stood at top level.
pub const WRAPPERS: &[&str] =
    &["fields", "message", "msg", "@fields", "meta", "logmeta", "jsonpayload", "attributes", "metadata"];

/// Wrappers that also hold other people's answers: a status, method or path below them proves nothing.
pub const LOOSE_WRAPPERS: &[&str] = &[
    "context",
    "ctx",
    "extra",
    "data",
    "payload",
    "details",
    "properties",
    "mdc",
    "span",
    "spans",
    "customdimensions",
    "labels",
    "logging.googleapis.com/labels",
    "info",
];

/// Members whose text is often a category or a remark of the application (`reason: "expired"`), and sometimes the only
/// place where the error stands.
pub const REMARKS: &[&str] = &[
    "cause",
    "causes",
    "e",
    "ex",
    "reason",
    "errors",
    "detail",
    "details",
    "description",
    "errordetails",
    "errorinfo",
    "failure",
    "panic",
    "recover",
    "stderr",
];

/// Whether the text of a member may tell of an error, by its folded path: a remark by its name, or anything below or
/// beside what is called an error.
pub fn is_remark(path: &str) -> bool {
    let of_error = |name: &str| {
        ["error", "exception", "failure", "traceback", "panic"].iter().any(|word| name.contains(word))
            || name.starts_with("err")
            || name.ends_with("err")
    };
    REMARKS.contains(&path) || path.split('.').any(of_error)
}

/// Members that are never kept: what identifies people, what opens doors, and the process's environment.
const PRIVATE: &[&str] = &[
    "headers",
    "rawheaders",
    "header",
    "respheaders",
    "cookie",
    "cookies",
    "setcookie",
    "authorization",
    "useragent",
    "ua",
    "clientua",
    "ip",
    "ips",
    "clientip",
    "remoteip",
    "srcip",
    "serverip",
    "remoteaddress",
    "remoteaddr",
    "remoteport",
    "clientaddress",
    "xforwardedfor",
    "httpxforwardedfor",
    "xrealip",
    "fwd",
    "referer",
    "referrer",
    "httpreferrer",
    "httpreferer",
    "httpuseragent",
    "password",
    "passwd",
    "secret",
    "token",
    "accesstoken",
    "refreshtoken",
    "apikey",
    "email",
    "session",
    "argv",
    "req.body",
    "req.query",
    "req.params",
    "request.body",
    "request.query",
    "request.params",
    "process.env",
];

type Index = HashMap<&'static str, (Slot, usize)>;

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index::new();
    for (slot, names) in ALIASES {
        for (rank, name) in names.iter().enumerate() {
            index.insert(name, (*slot, rank));
        }
    }
    index
});

/// The meaning of a folded path and its rank within the row: lower is better.
pub fn meaning(path: &str) -> Option<(Slot, usize)> {
    INDEX.get(path).copied()
}

/// Whether a member is never kept, by its folded path.
pub fn is_private(path: &str) -> bool {
    let last = path.rsplit_once('.').map(|(_, last)| last);
    PRIVATE_NAMES.contains(path) || last.is_some_and(|last| PRIVATE_NAMES.contains(last))
}

static PRIVATE_NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| PRIVATE.iter().copied().collect());

/// Whether the member at this folded path is a user agent.
pub fn is_user_agent(path: &str) -> bool {
    matches!(path.rsplit('.').next(), Some("useragent" | "httpuseragent" | "clientua" | "ua"))
}

/// A member's name as the table spells it.
pub fn fold(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_unique() {
        let names: Vec<&str> = ALIASES.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        for name in &names {
            assert_eq!((*name, name.len() <= MAX_NAME_BYTES), (fold(name).as_str(), true));
            assert!(may_be_telling(name.to_uppercase().as_bytes()) || !is_telling(name), "{name}");
            assert!(!is_private(name) || name.contains("headers."), "{name}");
        }
        assert!(may_be_telling(b"Request-ID") && may_be_telling(b"res") && !may_be_telling(b"component"));
        assert_eq!(names.len(), INDEX.len(), "a name stands in two rows");
        assert_eq!(ALIASES.len(), SLOTS);
    }
}
