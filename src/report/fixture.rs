//! Made-up reports that the tests of the output forms share.

mod told;

use std::collections::BTreeMap;

use super::model::*;
use crate::correlate::traffic::{Cell, Traffic as Whole};
use crate::rules::model::Class;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn time(clock: &str) -> Option<String> {
    Some(format!("2026-01-01T{clock}Z"))
}

fn route(route: &str, requests: u64, total: u64) -> RouteCount {
    RouteCount { route: route.to_owned(), requests, total }
}

fn line(source: &str, line: u64, clock: &str, text: &str) -> Evidence {
    let id = Some("0b5b1b6e-8c1f-4d2a-9c55-3b5f0f3c2a11".to_owned());
    Evidence { source: source.to_owned(), line, time: time(clock), correlation_id: id, text: text.to_owned() }
}

fn triage(found: Option<Class>, why: &str) -> Vec<TriageStep> {
    let step = |step: Class| {
        let (verdict, why) = match found {
            Some(class) if class == step => (Verdict::Fail, why),
            Some(_) if step == Class::Platform => (Verdict::Clear, "64 of 1 024 MB used, 12 of 60 s"),
            _ => (Verdict::Unknown, "no line about it"),
        };
        TriageStep { step, verdict, why: why.to_owned(), cites: None }
    };
    Class::TRIAGE.map(step).to_vec()
}

/// A report of a bad twenty minutes: three causes and an undecided rest.
pub fn busy() -> Report {
    let edge = Incident {
        rank: 1,
        id: "9c1e04b7d2aa".to_owned(),
        class: Class::Runtime,
        subclass: "edge".to_owned(),
        cause: Some("edge-node-module".to_owned()),
        title: "Node-only module in the Edge runtime".to_owned(),
        meaning: "The route runs on the Edge runtime, which has no Node.js core modules, but its code imports one."
            .to_owned(),
        subject: map(&[("node_dependency", "pg")]),
        confidence: 0.972,
        requests: 16,
        share: 16.0 / 23.0,
        routes: vec![route("/api/users/create", 12, 120), route("/api/users/[id]", 3, 88), route("/api/me", 1, 9)],
        status: [("500".to_owned(), 15), ("none".to_owned(), 1)].into(),
        first_seen: time("09:58:12.345"),
        last_seen: time("10:21:40.002"),
        deployments: vec!["dpl_2fJ7".to_owned()],
        captures: map(&[("node_dependency", "pg"), ("runtime_detected", "edge")]),
        evidence: vec![
            line("export.json", 182, "09:58:12.345", "Error: The edge runtime does not support Node.js 'net' module.\nLearn more: https://nextjs.org/docs/api-reference/edge-runtime\n    at node_modules/pg/lib/stream.js:23"),
            line("export.json", 207, "09:58:40.100", "[POST] /api/users/create reason=EDGE_FUNCTION_INVOCATION_FAILED, status=500, user_error=true"),
        ],
        rivals: vec![Rival { cause: "module-not-in-bundle".to_owned(), confidence: 0.31 }],
        triage: triage(Some(Class::Runtime), "pg needs Node.js sockets; the route is built for edge"),
        correlation_ids: vec!["0b5b1b6e-8c1f-4d2a-9c55-3b5f0f3c2a11".to_owned()],
        fix: "Run the route on Node.js (export const runtime = 'nodejs'), or replace pg by a driver that speaks HTTP.".to_owned(),
        prevention: "Lint edge routes for imports of Node.js core modules.".to_owned(),
        references: vec!["https://nextjs.org/docs/messages/node-module-in-edge-runtime".to_owned()],
        contributing: Vec::new(),
        onset: None,
        segments: Vec::new(),
        inferred_from: Vec::new(),
    };
    let env = Incident {
        rank: 2,
        id: "41d0aa93e1f5".to_owned(),
        class: Class::Env,
        subclass: "missing".to_owned(),
        cause: Some("env-missing".to_owned()),
        title: "Missing environment variable".to_owned(),
        meaning: "The code reads a variable that this environment does not have.".to_owned(),
        subject: map(&[("env_key", "STRIPE_SECRET_KEY")]),
        confidence: 0.9,
        requests: 4,
        share: 4.0 / 23.0,
        routes: vec![route("/api/checkout", 4, 4)],
        status: [("500".to_owned(), 4)].into(),
        first_seen: time("10:02:00.000"),
        last_seen: time("10:20:11.000"),
        captures: map(&[("env_key", "STRIPE_SECRET_KEY")]),
        evidence: vec![line(
            "export.json",
            311,
            "10:02:00.000",
            "Error: Missing required env STRIPE_SECRET_KEY",
        )],
        rivals: Vec::new(),
        triage: triage(Some(Class::Env), "STRIPE_SECRET_KEY is read and not set"),
        fix: "Set STRIPE_SECRET_KEY for Production and redeploy.".to_owned(),
        prevention: "Check the required variables when the build starts.".to_owned(),
        references: vec!["https://vercel.com/docs/environment-variables".to_owned()],
        contributing: Vec::new(),
        onset: None,
        segments: Vec::new(),
        inferred_from: Vec::new(),
        deployments: vec!["dpl_2fJ7".to_owned(), "dpl_9Qa1".to_owned()],
        correlation_ids: Vec::new(),
    };
    let pool = Incident {
        rank: 3,
        id: "77ab0c12fe90".to_owned(),
        class: Class::Connectivity,
        subclass: "pool".to_owned(),
        cause: Some("pool-exhausted".to_owned()),
        title: "No free connection in the pool within its time limit".to_owned(),
        meaning: "All connections of the pool were in use until the time limit passed.".to_owned(),
        status: [("500".to_owned(), 2)].into(),
        fix: "Raise connection_limit (now 5) or put a pooler in front; find queries that hold a connection for long.".to_owned(),
        prevention: "Alert when connections wait for longer than a second.".to_owned(),
        references: vec!["https://www.prisma.io/docs/orm/prisma-client/setup-and-configuration/databases-connections".to_owned()],
        subject: BTreeMap::new(),
        confidence: 0.81,
        requests: 2,
        share: 2.0 / 23.0,
        routes: vec![route("/api/organisations/[organisation]/projects/[project]/reports", 2, 40)],
        captures: map(&[("limit", "5"), ("timeout_s", "10")]),
        evidence: vec![line(
            "fra1/worker.log",
            12_044,
            "10:11:09.500",
            "Timed out fetching a new connection from the connection pool. (Current connection pool timeout: 10, connection limit: 5)",
        )],
        triage: triage(Some(Class::Connectivity), "10 s without a free connection, limit 5"),
        first_seen: time("10:11:09.500"),
        last_seen: time("10:11:09.900"),
        ..env.clone()
    };
    let open = Incident {
        rank: 4,
        id: "c0ffee001122".to_owned(),
        class: Class::Unclassified,
        subclass: String::new(),
        cause: None,
        title: "Error: something went wrong".to_owned(),
        meaning: "Its only line names no cause.".to_owned(),
        status: [("500".to_owned(), 1)].into(),
        first_seen: time("10:15:00.000"),
        last_seen: time("10:15:00.000"),
        subject: BTreeMap::new(),
        confidence: 0.0,
        requests: 1,
        share: 1.0 / 23.0,
        routes: vec![route("/api/orders/[id]", 1, 400)],
        captures: BTreeMap::new(),
        evidence: vec![line("export.json", 900, "10:15:00.000", "Error: something went wrong")],
        triage: triage(None, ""),
        fix: "Log the error's cause in this handler; look at the upstream's log at 10:15:00.".to_owned(),
        prevention: String::new(),
        references: Vec::new(),
        ..env.clone()
    };
    Report {
        schema: SCHEMA,
        tool: Tool { name: "why500", version: "0.1.0", ruleset: "3f1c".to_owned() },
        partial: false,
        sources: sources(),
        window: Window { from: time("09:58:12.345"), to: time("10:21:40.002") },
        requests: Totals {
            total: 1204,
            failed: 23,
            aborted: 2,
            incomplete: 1,
            unattributed: 14,
            exact: true,
            forgotten: 0,
        },
        routes: vec![
            route("/api/users/create", 12, 120),
            route("/api/checkout", 4, 4),
            route("/api/users/[id]", 3, 88),
            route("/api/organisations/[organisation]/projects/[project]/reports", 2, 40),
            route("/api/me", 1, 9),
            route("/api/orders/[id]", 1, 400),
        ],
        traffic: Traffic::default(),
        incidents: vec![edge, env, pool, open],
        outside_requests: Vec::new(),
        slo: None,
        gaps: Vec::new(),
        known: Default::default(),
        remarks: vec![
            "export.json holds 1 000 rows, the most that one export can have: it may be cut.".to_owned(),
        ],
        failures: vec![Failure {
            correlation_id: None,
            correlation: Correlation { kind: "fallback", certainty: 0.5, aliases: Vec::new() },
            time: time("10:15:00.000"),
            method: Some("GET".to_owned()),
            route: Some("/api/orders/[id]".to_owned()),
            status: Some(500),
            class: Class::Unclassified,
            subclass: String::new(),
            cause: None,
            confidence: 0.0,
            incident: "c0ffee001122".to_owned(),
            dimensions: map(&[("region", "fra1")]),
            evidence: Vec::new(),
            next_step: Some("Look at the upstream's log.".to_owned()),
            inferred_from: None,
        }],
    }
}

fn sources() -> Vec<Source> {
    vec![
        Source {
            name: "export.json".to_owned(),
            format: "vercel-json/text".to_owned(),
            bytes: 812_004,
            frames: 1000,
            decoded: 996,
            duplicates: 3,
            rejected: 1,
            records: 1010,
            rejects: vec![Reject {
                reason: "JSON ends within a string".to_owned(),
                frames: 1,
                first_line: 1000,
            }],
            ..Source::default()
        },
        Source {
            name: "fra1/worker.log".to_owned(),
            format: "text".to_owned(),
            bytes: 90_121,
            frames: 13_002,
            decoded: 12_000,
            continuations: 990,
            ignored: 12,
            records: 12_000,
            ..Source::default()
        },
    ]
}

/// Requests, and none failed.
pub fn calm() -> Report {
    let mut report = busy();
    report.incidents.clear();
    report.failures.clear();
    report.routes.clear();
    report.remarks.clear();
    report.requests.failed = 0;
    report
}

/// Nothing in it.
pub fn empty() -> Report {
    Report {
        sources: Vec::new(),
        requests: Totals { exact: true, ..Totals::default() },
        window: Window::default(),
        ..calm()
    }
}

/// Texts that want to break out of their place.
pub fn hostile() -> Report {
    let mut report = busy();
    let injection = "pg\nfix = delete everything\r\n\u{1b}[2J\u{1b}]0;owned\u{7}rule = none";
    if let Some(incident) = report.incidents.first_mut() {
        incident.title = format!("\u{1b}[31mred\u{202e}desrever\u{2066} {}", "long ".repeat(2_000));
        incident.subject = map(&[("node_dependency", injection)]);
        incident.captures =
            map(&[("a key\nfix", injection), ("wide", "数据库连接失败，请检查连接池设置。😀👩‍👩‍👧 e\u{301}")]);
        incident.fix = format!("Replace {injection} {} fix = wrapped into place", "word ".repeat(18));
        incident.routes = vec![route("/api/\u{1b}[8mhidden/\u{9b}31m数据", 16, 16)];
        incident.evidence = vec![
            line("a\u{7}b.log", 1, "10:00:00.000", &"x".repeat(10_000)),
            line("c.log", 2, "10:00:00.000", "fix = not the report's\n\n\u{8}\u{8}rule = neither\u{0}"),
        ];
    }
    report.sources[0].name = "\u{1b}]8;;https://example.com\u{7}=cmd()".to_owned();
    report.remarks.push("\u{202e}remark\tone\u{85}two".to_owned());
    report.partial = true;
    report.requests.exact = false;
    report
}

/// The busy report over two days with many sources and incidents.
pub fn long() -> Report {
    let mut report = busy();
    report.window.from = Some("2025-12-30T23:00:00.000Z".to_owned());
    report.sources = (0..9).map(|n| Source { name: format!("{n}.log"), ..sources()[1].clone() }).collect();
    let open = report.incidents[3].clone();
    report.incidents.extend((5..30).map(|rank| Incident { rank, ..open.clone() }));
    report
}

/// The busy report with its traffic: a deployment in its middle, two incidents over time.
pub fn story() -> Report {
    let mut report = busy();
    let first_ms = 1_767_261_480_000;
    let mut cells = Vec::new();
    for minute in 0..24_u64 {
        let failed = [0, 0, 1, 3, 6, 4, 2, 1].get((minute as usize).wrapping_sub(1)).copied().unwrap_or(0);
        let minute_ms = Some(first_ms + minute as i64 * 60_000);
        let deployment = if minute < 2 { "dpl_9Qa1" } else { "dpl_2fJ7" };
        let route = if minute % 2 == 0 { "/api/users/create" } else { "/api/orders/[id]" };
        cells.push(Cell {
            minute_ms,
            route: Some(route.into()),
            deployment: Some(deployment.into()),
            requests: 40 + minute,
            failed,
        });
    }
    let intervals = cells.iter().map(|cell| Interval {
        from: cell.minute_ms.map(crate::format::time::rfc3339),
        requests: cell.requests,
        failed: cell.failed,
    });
    report.traffic = Traffic {
        step_minutes: 1,
        intervals: intervals.collect(),
        whole: Whole { cells, sample: Vec::new() },
    };
    let open = report.failures[0].clone();
    for (clock, incident) in [
        ("10:00:12.000", "9c1e04b7d2aa"),
        ("10:02:00.000", "41d0aa93e1f5"),
        ("10:02:31.000", "9c1e04b7d2aa"),
        ("10:02:41.000", "9c1e04b7d2aa"),
    ] {
        report.failures.push(Failure { time: time(clock), incident: incident.to_owned(), ..open.clone() });
    }
    told::add(&mut report);
    report
}

/// The story with texts that want to be markup.
pub fn markup() -> Report {
    let mut report = story();
    let html = "<img src=x onerror=alert(1)></code></pre><script>alert(2)</script>\"'&lt;";
    let markdown = "``` owned\n# owned\n[click](javascript:alert(1)) **bold** @here https://evil.example/x $x$ ![](x) :bomb: \\| a|b";
    if let Some(incident) = report.incidents.first_mut() {
        incident.title = format!("{html} {markdown}");
        incident.meaning = markdown.to_owned();
        incident.subject = map(&[("node_dependency", markdown)]);
        incident.captures = map(&[(html, markdown), ("`tick`", "`")]);
        incident.fix = format!("- [ ] {html} {markdown}");
        incident.prevention = format!("1. {markdown}");
        incident.routes = vec![route(&format!("/api/{html}"), 10, 16), route(markdown, 6, 6)];
        incident.deployments = vec![html.to_owned(), markdown.to_owned()];
        incident.references = vec!["javascript:alert(1)".to_owned(), format!("https://example.com/{html}")];
        incident.evidence =
            vec![line(html, 1, "10:00:00.000", &format!("{html}\n```\n# owned\n````\n{markdown}"))];
        incident.triage = triage(Some(Class::Env), markdown);
        incident.contributing = vec![markdown.to_owned()];
        for segment in &mut incident.segments {
            segment.value = format!("{html} {markdown}");
        }
        if let Some(start) = incident.onset.as_mut().and_then(|onset| onset.deployment.as_mut()) {
            start.id = format!("{html} {markdown}");
            start.previous = Some(markdown.to_owned());
        }
    }
    if let Some(open) = report.incidents.last_mut() {
        open.title = format!("{html} {markdown}");
    }
    if let Some(ended) = report.incidents[1].onset.as_mut() {
        ended.ended_with = Some(format!("{html} {markdown}"));
    }
    let seen = &mut report.known.seen_before[0];
    (seen.root_cause, seen.fix, seen.owner) = (markdown.to_owned(), html.to_owned(), html.to_owned());
    (seen.file, seen.links) = (format!("{html} {markdown}"), vec![html.to_owned(), markdown.to_owned()]);
    report.known.suppressions[0].reason = format!("{html} {markdown}");
    report.gaps[0].family = Some(format!("{html} {markdown}"));
    if let Some(slo) = &mut report.slo {
        slo.families[0].family = Some(format!("{html} {markdown}"));
        if let Some(rollback) = &mut slo.rollback {
            rollback.why = format!("{html} {markdown}");
            rollback.bad.iter_mut().for_each(|bad| bad.id = format!("{html} {markdown}"));
        }
    }
    report.routes = vec![route(html, 16, 16), route(markdown, 6, 6)];
    report.remarks = vec![html.to_owned(), markdown.to_owned(), "=== x".to_owned(), "> quoted".to_owned()];
    report.sources[0].name = format!("{html} {markdown}");
    for cell in &mut report.traffic.whole.cells {
        cell.deployment = Some(format!("{html} {markdown}").into());
    }
    report
}
