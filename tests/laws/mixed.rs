//! Several programs that write into one file: their entries, mixed line by line, tell of the same failed requests and causes
//! as the files apart. Proved on the samples whose lines name their requests, in pairs and all together.

use std::collections::BTreeMap;
use std::fs;

use why500::report::model::Report;

use crate::generate::Random;
use crate::support::{engine, run};

/// Files with an object a line.
const OBJECTS: &[&str] = &[
    "apigw/access-json/access.jsonl",
    "azure/diagnostics/PT1H.json",
    "cloudflare/logpush/http_requests.ndjson",
    "cloudflare/logpush/workers_trace_events.ndjson",
    "datadog/search-and-archive/archive.json",
    "gcp/log-bucket/stdout-00.json",
    "journald/json/journal.json",
    "jsonlines/as-printed/bunyan.log",
    "jsonlines/as-printed/ecs-python.log",
    "jsonlines/as-printed/log4js.log",
    "jsonlines/as-printed/loguru.log",
    "jsonlines/as-printed/pino-http.log",
    "jsonlines/as-printed/python-json-logger.log",
    "jsonlines/as-printed/structlog.log",
    "jsonlines/as-printed/tslog.log",
    "jsonlines/bunyan/api.log",
    "jsonlines/deployment-change/app.log",
    "jsonlines/ecs/shop.ndjson",
    "jsonlines/pino-http/app.log",
    "jsonlines/pino/app.log",
    "jsonlines/python-json-logger/api.log",
    "jsonlines/slog/main.log",
    "jsonlines/structlog/app.log",
    "jsonlines/zap/api.log",
    "lambda/json-node/function.jsonl",
    "lambda/json-python/function.jsonl",
    "loki/query-and-logcli/logcli.jsonl",
    "netlify/logs-and-drain/drain.ndjson",
    "otlp/collector-file/logs.jsonl",
    "proxies/traefik-caddy/caddy.log",
    "proxies/traefik-caddy/traefik-json.log",
    "railway/http-and-deploy/deploy.jsonl",
    "railway/http-and-deploy/http.jsonl",
    "shippers/fluent-bit-filebeat-elastic/filebeat.ndjson",
    "shippers/fluent-bit-filebeat-elastic/fluent-bit.jsonl",
    "stories/recovery/app.log",
    "supabase/export/edge_logs.ndjson",
    "vercel/drain-lambda-text/drain.ndjson",
    "vercel/drain-ndjson/drain.ndjson",
    "vercel/drain-outcomes/drain.ndjson",
    "vercel/elsewhere/axiom.ndjson",
    "vercel/history/logs.jsonl",
];

/// Files of text, and what their entries begin with.
const TEXTS: &[(&str, &str)] = &[
    ("apigw/gateway-balancer-function/balancer.log", "https "),
    ("apigw/gateway-balancer-function/execution.log", "2026-"),
    ("apigw/gateway-balancer-function/function.log", "2026-"),
    ("cloudwatch/tail-detailed/tail.log", "2026-"),
    ("lambda/vpc-without-egress/tail.log", "2026-"),
    ("lambda/sam-logs/function.log", "2026/"),
    ("platforms/fly-logs/fly.log", "2026-"),
    ("platforms/heroku-logs/app.log", "2026-"),
    ("platforms/railway-logs/http.log", "2026-"),
    ("proxies/alb/alb.log", "https "),
    ("proxies/envoy/envoy.log", "["),
];

struct File {
    name: &'static str,
    entries: Vec<Vec<u8>>,
}

impl File {
    fn read(name: &'static str, begins: &str) -> File {
        let path = format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"));
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut entries: Vec<Vec<u8>> = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match entries.last_mut() {
                Some(entry) if !line.starts_with(begins.as_bytes()) => entry.extend_from_slice(line),
                _ => entries.push(line.to_vec()),
            }
        }
        if let Some(last) = entries.last_mut().filter(|last| !last.ends_with(b"\n")) {
            last.push(b'\n');
        }
        File { name, entries }
    }

    fn whole(&self) -> Vec<u8> {
        self.entries.concat()
    }
}

fn files() -> Vec<File> {
    let objects = OBJECTS.iter().map(|name| File::read(name, "{"));
    objects.chain(TEXTS.iter().map(|(name, begins)| File::read(name, begins))).collect()
}

/// Failed requests with an ID: their statuses and causes.
fn failed(report: &Report) -> BTreeMap<String, (Option<u16>, Option<String>)> {
    let with_id = report.failures.iter().filter_map(|one| {
        let id = one.correlation_id.clone()?;
        Some((id, (one.status, one.cause.clone())))
    });
    with_id.collect()
}

/// The entries of several files, each file's own in their order.
fn mix(files: &[&File], seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut left: Vec<std::slice::Iter<'_, Vec<u8>>> = files.iter().map(|file| file.entries.iter()).collect();
    let mut out = Vec::new();
    while !left.is_empty() {
        let which = random.below(left.len() as u64) as usize;
        match left[which].next() {
            Some(entry) => out.extend_from_slice(entry),
            None => drop(left.remove(which)),
        }
    }
    out
}

/// What differs between the files apart and mixed.
fn difference(files: &[&File], seed: u64) -> Option<String> {
    let whole: Vec<(String, Vec<u8>)> =
        files.iter().enumerate().map(|(nth, file)| (format!("{nth}.log"), file.whole())).collect();
    let sources: Vec<(&str, &[u8])> =
        whole.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let apart = failed(&run(engine(1), &sources));
    let report = run(engine(1), &[("all.log", &mix(files, seed))]);
    let mixed = failed(&report);
    if apart == mixed {
        return None;
    }
    let names: Vec<&str> = files.iter().map(|file| file.name).collect();
    let lost = apart.iter().filter(|(id, said)| mixed.get(*id) != Some(said));
    let new = mixed.iter().filter(|(id, said)| apart.get(*id) != Some(said));
    let lines = |them: &mut dyn Iterator<Item = (&String, &(Option<u16>, Option<String>))>| {
        them.map(|(id, said)| format!("    {id} {said:?}\n")).collect::<String>()
    };
    Some(format!(
        "{}\n  apart:\n{}  mixed:\n{}",
        names.join(" + "),
        lines(&mut lost.into_iter()),
        lines(&mut new.into_iter())
    ))
}

#[test]
fn two_programs_in_one_file_fail_as_apart() {
    let files = files();
    let mut found = Vec::new();
    for (nth, one) in files.iter().enumerate() {
        for other in &files[nth + 1..] {
            found.extend(difference(&[one, other], nth as u64));
        }
    }
    assert!(found.is_empty(), "{} pairs differ\n{}", found.len(), found.join(""));
}

#[test]
fn many_programs_in_one_file_fail_as_apart() {
    let files = files();
    let mut found = Vec::new();
    for seed in 0..30 {
        let mut random = Random::new(seed);
        let some: Vec<&File> = (0..6).map(|_| &files[random.below(files.len() as u64) as usize]).collect();
        let mut names: Vec<&str> = some.iter().map(|file| file.name).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() == some.len() {
            found.extend(difference(&some, seed));
        }
    }
    assert!(found.is_empty(), "{} mixtures differ\n{}", found.len(), found.join(""));
}
