//! Payload `proxy-log`: access lines that do not have the request in front: HAProxy's, those of AWS's load balancers, and
//! Caddy's on a console. The proxy's own status is what the client got; the backend's is kept beside it.

use super::text_parts::{
    first_line, is_bare_id, push_field, request_line, set_request, set_request_id, set_time,
};
use super::{About, Payload, json, json_app, time};
use crate::record::{IdKind, Level, Marks, Record};

/// The payload `proxy-log`.
pub struct ProxyLog;

impl Payload for ProxyLog {
    fn name(&self) -> &'static str {
        "proxy-log"
    }

    fn about(&self) -> About {
        About {
            title: "Access lines of HAProxy, AWS load balancers and Caddy's console",
            fingerprint: "five timers before a status; elb and target status; handled request after http.log.access",
            export: "the proxy's access log; for AWS the objects in the bucket",
        }
    }

    fn detect(&self, record: &Record) -> bool {
        let line = first_line(&record.message);
        haproxy(line).is_some() || aws(line).is_some() || caddy(line).is_some()
    }

    fn read(&self, record: &mut Record, _more: &mut Vec<Record>) {
        let text = std::mem::take(&mut record.message);
        let line = first_line(&text);
        if let Some(entry) = haproxy(line) {
            entry.fill(record);
        } else if let Some(entry) = aws(line) {
            entry.fill(record);
        } else if let Some((level, object)) = caddy(line) {
            record.message = "handled request".to_owned();
            if let Some(map) = json::object(object.as_bytes()) {
                json_app::read_object(&map, record);
            }
            record.level = level;
            if let Some((word, _)) = line.split_once('\t')
                && let Some(stamp) = time::parse(word)
            {
                set_time(record, stamp);
            }
            record.marks.insert(Marks::EDGE);
        }
        record.message = text;
    }
}

/// What such a line says.
struct Entry<'t> {
    time_ms: i64,
    zoned: bool,
    status: Option<u16>,
    request: &'t str,
    duration_ms: Option<f64>,
    id: Option<(&'t str, IdKind)>,
    aborted: bool,
    fields: Vec<(&'static str, &'t str)>,
}

impl Entry<'_> {
    fn fill(self, record: &mut Record) {
        set_time(record, time::Stamp { ms: self.time_ms, zoned: self.zoned });
        if let Some((verb, target)) = request_line(self.request) {
            set_request(record, verb, target);
        }
        record.status = self.status;
        record.duration_ms = self.duration_ms;
        record.marks.insert(Marks::END | Marks::EDGE);
        if self.aborted {
            record.status = Some(499);
        }
        if self.aborted || self.status.is_none() {
            record.marks.insert(Marks::ABORTED);
        }
        if record.status.is_some() {
            record.marks.insert(Marks::CLIENT);
        }
        match self.id {
            Some((id, IdKind::Request)) => set_request_id(record, id),
            Some((id, kind)) => record.set_id(id, kind),
            None => {}
        }
        let failed = self.status.is_some_and(|status| status >= 500);
        record.level = Some(if failed { Level::Error } else { Level::Info });
        for (name, value) in self.fields {
            push_field(record, name, value);
        }
    }
}

fn code(word: &str) -> Option<u16> {
    (word.len() == 3).then(|| word.parse().ok()).flatten().filter(|code| (100..600).contains(code))
}

/// `203.0.113.9:33317 [01/Jan/2026:10:10:15.655] http-in web/web1 10/0/30/69/109 503 2750 - - sC-- 1/1/1/1/0 0/0
/// {captured} "GET /x HTTP/1.1"`. <https://docs.haproxy.org/3.0/configuration.html#8.2.3>
fn haproxy(line: &str) -> Option<Entry<'_>> {
    let head = line.as_bytes().get(..202).unwrap_or(line.as_bytes());
    let open = memchr::memchr_iter(b'[', head).find(|at| head[..*at].ends_with(b" "))? - 1;
    let (date, rest) = line[open + 2..].split_once("] ")?;
    let (second, fraction) = date.split_once('.')?;
    let stamp = time::parse(second)?;
    let mut words = rest.split(' ');
    let (frontend, backend, timers) = (words.next()?, words.next()?, words.next()?);
    if timers.split('/').count() != 5 || !backend.contains('/') {
        return None;
    }
    let total: f64 = timers.rsplit('/').next()?.trim_start_matches('+').parse().ok()?;
    let status = words.next()?;
    let status_code = code(status);
    (status_code.is_some() || status == "-1").then_some(())?;
    let state = words.nth(3)?;
    (state.len() == 4).then_some(())?;
    let request =
        rest.rsplit_once(" \"").map(|(_, request)| request.trim_end_matches('"')).unwrap_or_default();
    let captured = rest.split(['{', '}', '|', ' ']).find(|part| is_bare_id(part));
    Some(Entry {
        time_ms: stamp.ms + fraction.get(..3).and_then(|ms| ms.parse().ok()).unwrap_or(0),
        zoned: false,
        status: status_code,
        request,
        duration_ms: (total >= 0.0).then_some(total),
        id: captured.map(|id| (id, IdKind::Request)),
        // `C`: the client closed the connection; `c`: it was too slow.
        aborted: state.starts_with(['C', 'c']) && status_code.is_none_or(|code| code < 500),
        fields: vec![
            ("logger", "haproxy"),
            ("frontend", frontend),
            ("backend", backend),
            ("termination_state", state),
        ],
    })
}

/// Application Load Balancer, `TYPE TIME elb CLIENT TARGET 0.0 0.0 0.0 502 500 IN OUT "GET URL HTTP/1.1" "agent" … "Root=…"`,
/// and the classic one, which has no type and no trace.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>
fn aws(line: &str) -> Option<Entry<'_>> {
    let (first, after) = line.split_once(' ')?;
    let rest = match first {
        "http" | "https" | "h2" | "grpcs" | "ws" | "wss" => after,
        _ if first.as_bytes().get(10) == Some(&b'T') => line,
        _ => return None,
    };
    let tokens = tokens(rest);
    let get = |at: usize| tokens.get(at).copied();
    let stamp = get(0).and_then(time::parse)?;
    let times = [get(4)?, get(5)?, get(6)?];
    let seconds: Vec<f64> = times.iter().filter_map(|time| time.parse().ok()).collect();
    if seconds.len() != 3 || !get(2)?.contains(':') {
        return None;
    }
    let (status, target_status) = (get(7)?, get(8)?);
    let status_code = code(status);
    (status_code.is_some() || status == "-").then_some(())?;
    (code(target_status).is_some() || matches!(target_status, "-" | "0")).then_some(())?;
    let request = get(11).filter(|request| request.contains("HTTP/") || request.contains("://"))?;
    // −1: this phase was never reached.
    let spent: Vec<f64> = seconds.into_iter().filter(|time| *time >= 0.0).collect();
    let total: f64 = spent.iter().sum();
    let trace = get(16).filter(|trace| trace.contains("Root=") || trace.starts_with("1-"));
    let mut fields = vec![("logger", "elb"), ("elb", get(1)?), ("target_status_code", target_status)];
    if let Some(reason) = get(23).filter(|reason| *reason != "-") {
        fields.push(("error_reason", reason));
    }
    Some(Entry {
        time_ms: stamp.ms,
        zoned: true,
        status: status_code,
        request,
        duration_ms: (!spent.is_empty()).then(|| (total * 1e6).round() / 1e3),
        id: trace.map(|trace| (trace, IdKind::Trace)),
        // 460: the client closed the connection before the load balancer could answer.
        aborted: status == "460",
        fields,
    })
}

/// Words and quoted texts, without the quotes; no more than such a line has.
fn tokens(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() && out.len() < 40 {
        let (token, after) = match rest.strip_prefix('"') {
            Some(inside) => inside.split_once('"').unwrap_or((inside, "")),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        out.push(token);
        rest = after.trim_start();
    }
    out
}

/// Level and object of a line whose parts stand a tab apart: time, `ERROR`, `http.log.access.log0`, `handled request`, `{"request": {…}}`.
fn caddy(line: &str) -> Option<(Option<Level>, &str)> {
    // Few lines have tabs, so most are told by one fast search.
    memchr::memchr(b'\t', line.as_bytes())?;
    let (head, object) = line.split_once("\thandled request\t")?;
    let (level, logger) = head.rsplit_once('\t')?;
    let level = level.rsplit('\t').next().and_then(Level::parse);
    (logger.starts_with("http.log.access") && object.starts_with('{')).then_some((level, object))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Record {
        let mut record = Record { message: text.to_owned(), ..Record::default() };
        assert!(ProxyLog.detect(&record), "{text}");
        ProxyLog.read(&mut record, &mut Vec::new());
        assert_eq!(record.message, text);
        record
    }

    #[test]
    fn reads_haproxy() {
        let line = read(
            "203.0.113.9:33317 [01/Jan/2026:10:10:15.655] http-in web/web1 10/0/30/69/109 503 500 - - sC-- 1/1/1/1/0 0/0 {shop.example.com|8f31aa00-0000-4000-8000-000000000001} {} \"GET /o?x HTTP/1.1\"",
        );
        assert_eq!((line.status, line.path.as_deref()), (Some(503), Some("/o")));
        assert_eq!((line.time_ms, line.duration_ms), (Some(1_767_262_215_655), Some(109.0)));
        assert_eq!(
            line.id.clone().map(|id| id.text).as_deref(),
            Some("8f31aa00-0000-4000-8000-000000000001")
        );
        assert_eq!(line.field("termination_state"), Some("sC--"));
        let gone = read(
            "203.0.113.9:33317 [01/Jan/2026:10:10:15.655] http-in web/web1 10/0/30/-1/109 -1 0 - - CH-- 1/1/1/1/0 0/0 \"GET /o HTTP/1.1\"",
        );
        assert!(gone.marks.has(Marks::ABORTED) && gone.status == Some(499));
    }

    #[test]
    fn reads_load_balancers() {
        let line = read(
            "https 2026-01-01T10:10:15.186641Z app/web/0a1b2c3d4e5f6071 203.0.113.9:2817 - -1 -1 -1 503 - 500 57 \"GET https://shop.example.com:443/o?x=1 HTTP/1.1\" \"curl 500\" ECDHE TLSv1.2 arn:aws:x \"Root=1-58337281-1d84f3d73c47ec4e58577259\" \"shop.example.com\" \"-\" 1 2026-01-01T10:10:15.090000Z \"forward\" \"-\" \"LambdaThrottling\" \"-\" \"-\" \"-\" \"-\"",
        );
        assert_eq!((line.status, line.path.as_deref()), (Some(503), Some("/o")));
        assert_eq!(
            line.id.clone().map(|id| (id.text, id.kind)),
            Some(("1-58337281-1d84f3d73c47ec4e58577259".to_owned(), IdKind::Trace))
        );
        assert_eq!(line.field("error_reason"), Some("LambdaThrottling"));
        let served = read(
            "http 2026-01-01T10:10:15.186641Z app/web/0a1b 203.0.113.9:2817 10.0.0.1:80 0.001 0.5 0.001 200 500 500 500 \"GET http://shop.example.com:80/ HTTP/1.1\" \"-\" - - -",
        );
        assert_eq!(
            (served.status, served.duration_ms),
            (Some(200), Some(502.0)),
            "the last word is the balancer's"
        );
        let classic = read(
            "2026-01-01T10:10:15.186641Z web 203.0.113.9:2817 10.0.0.1:80 0.001 0.5 0.001 502 0 0 500 \"GET http://shop.example.com:80/o HTTP/1.1\" \"-\" - -",
        );
        assert_eq!((classic.status, classic.path.as_deref()), (Some(502), Some("/o")));
    }

    #[test]
    fn reads_caddys_console() {
        let line = read(
            "2026/01/01 10:10:15.001\tERROR\thttp.log.access.log0\thandled request\t{\"request\": {\"method\": \"GET\", \"host\": \"shop.example.com\", \"uri\": \"/o?x=1\", \"headers\": {\"X-Request-Id\": [\"8f31aa-9\"]}}, \"duration\": 1.5, \"size\": 500, \"status\": 502}",
        );
        assert_eq!((line.status, line.path.as_deref()), (Some(502), Some("/o")));
        assert_eq!(line.id.map(|id| id.text).as_deref(), Some("8f31aa-9"));
        assert!(line.marks.has(Marks::CLIENT) && line.marks.has(Marks::EDGE));
        assert_eq!(line.time_ms, Some(1_767_262_215_001));
    }

    #[test]
    fn leaves_other_lines() {
        for text in
            ["", "a [b] c d 1/2/3/4/5 500 1 - - abcd", "https é", "http 1 2 3", "x\thandled request\t{"]
        {
            assert!(!ProxyLog.detect(&Record { message: text.to_owned(), ..Record::default() }), "{text}");
        }
    }
}
