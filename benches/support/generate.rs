//! Made-up logs of any size, the same for the same seed: records of requests that overlap in time, a few of which fail
//! for causes that the rules know. No two records have the same time. For benchmarks and for the tests of the laws.

use std::collections::BTreeMap;
use std::io::{self, Read};

/// Milliseconds between the starts of two requests; more than a request has records.
const STEP_MS: u64 = 40;
/// 2026-01-05T00:00:00Z.
const START_MS: u64 = 1_767_571_200_000;
/// Steps between two records of a request, so that some fifteen requests are in flight at a time.
const SPREAD_STEPS: u64 = 5;
/// Most records of a request.
const PARTS: u64 = 7;

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Entries of a Vercel log drain, one a line.
    Vercel,
    /// CloudWatch Logs events of Lambda functions, elements of an `events` array.
    CloudWatch,
    /// The same as `aws logs tail` prints them.
    CloudWatchText,
    /// Rows of the Vercel dashboard's export, newest first.
    Dashboard,
    /// Lines of pino in a Fastify server.
    Pino,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 5] =
        [Format::Vercel, Format::CloudWatch, Format::CloudWatchText, Format::Dashboard, Format::Pino];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Vercel => "vercel",
            Format::CloudWatch => "cloudwatch",
            Format::CloudWatchText => "cloudwatch-text",
            Format::Dashboard => "dashboard",
            Format::Pino => "pino",
        }
    }

    /// Bytes before, between and after records in one file.
    fn glue(self) -> (&'static [u8], &'static [u8], &'static [u8]) {
        match self {
            Format::CloudWatch => (b"{\"events\": [", b", ", b"], \"searchedLogStreams\": []}\n"),
            Format::Dashboard => (DASHBOARD_HEADER, b"\n", b"\n"),
            Format::Vercel | Format::CloudWatchText | Format::Pino => (b"", b"\n", b"\n"),
        }
    }
}

/// The columns of the dashboard's export.
const DASHBOARD_HEADER: &[u8] = b"TimeUTC,timestampInMs,requestPath,requestMethod,requestQueryString,responseStatusCode,requestId,requestUserAgent,level,environment,branch,vercelCache,type,function,host,deploymentDomain,deploymentId,durationMs,region,maxMemoryUsed,memorySize,message,projectId,traceId,sessionId,invocationId,instanceId,concurrency\n";

/// What is in a generated log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Requests.
    pub requests: u64,
    /// Those that failed, by the class of their cause.
    pub classes: BTreeMap<&'static str, u64>,
    /// Those that failed, by route as it is reported.
    pub routes: BTreeMap<&'static str, u64>,
}

/// xorshift64*: small, seeded, the same everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for every seed.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 16) % end.max(1)
    }
}

/// Makes records in the order of their times.
pub struct Generator {
    format: Format,
    seed: u64,
    random: Random,
    failed_per_mille: u64,
    spread_steps: u64,
    waiting: BTreeMap<u64, String>,
    /// What was made so far.
    pub truth: Truth,
}

/// Errors as software prints them, with the classes of their causes.
const ERRORS: [(&str, &str); 6] = [
    (
        "connectivity",
        "Error: connect ECONNREFUSED 10.0.3.17:5432\\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1637:16)",
    ),
    (
        "runtime",
        "Error: Cannot find module 'sharp'\\nRequire stack:\\n- /var/task/app/api/images/route.js\\n    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15)",
    ),
    (
        "env",
        "PrismaClientInitializationError: \\nInvalid `prisma.order.findMany()` invocation:\\n\\nerror: Environment variable not found: DATABASE_URL.",
    ),
    (
        "connectivity",
        "Error: getaddrinfo ENOTFOUND db.internal.example.com\\n    at GetAddrInfoReqWrap.onlookupall [as oncomplete] (node:dns:121:26)",
    ),
    (
        "route",
        "TypeError: Cannot read properties of undefined (reading 'total')\\n    at handler (/var/task/app/api/orders/route.js:14:31)",
    ),
    (
        "connectivity",
        "error: remaining connection slots are reserved for non-replication superuser connections",
    ),
];
const ROUTES: [(&str, &str); 4] = [
    ("/api/orders/[id]", "/api/orders/48213"),
    ("/api/images", "/api/images"),
    ("/api/pay", "/api/pay"),
    ("/products/[slug]", "/products/blue-teapot"),
];

impl Generator {
    /// Records of `format`; about `failed_per_mille` of a thousand requests fail.
    pub fn new(format: Format, seed: u64, failed_per_mille: u64) -> Generator {
        Generator {
            format,
            seed,
            random: Random::new(seed),
            failed_per_mille,
            spread_steps: SPREAD_STEPS,
            waiting: BTreeMap::new(),
            truth: Truth::default(),
        }
    }

    /// The same with about this many requests in flight.
    pub fn in_flight(mut self, requests: u64) -> Generator {
        self.spread_steps = (requests / 3).max(1);
        self
    }

    /// Makes one request and hands out the records that no later request can come before.
    fn release(&mut self, each: &mut dyn FnMut(&str)) {
        self.request();
        let next_ms = START_MS + STEP_MS * self.truth.requests;
        while let Some(entry) = self.waiting.first_entry()
            && *entry.key() < next_ms
        {
            each(&entry.remove());
        }
    }

    fn request(&mut self) {
        let number = self.truth.requests;
        let fails = self.random.below(1000) < self.failed_per_mille;
        self.truth.requests += 1;
        let draw = self.random.next();
        if fails {
            let (class, _) = error(draw);
            let (template, path) = ROUTES[(draw % 4) as usize];
            // Where a log has no templates, only what looks like an ID is taken for one.
            let templates =
                matches!(self.format, Format::Vercel | Format::Dashboard) || !path.ends_with("teapot");
            *self.truth.classes.entry(class).or_default() += 1;
            *self.truth.routes.entry(if templates { template } else { path }).or_default() += 1;
        }
        match self.format {
            Format::Vercel => self.vercel(number, fails, draw),
            Format::CloudWatch | Format::CloudWatchText => self.cloudwatch(number, fails, draw),
            Format::Dashboard => self.dashboard(number, fails, draw),
            Format::Pino => self.pino(number, fails, draw),
        }
    }

    /// Time of record `part` of a request; different for all of them.
    fn time(&self, number: u64, part: u64) -> u64 {
        START_MS + STEP_MS * (number + self.spread_steps * part) + part
    }

    fn times(&self, number: u64) -> [u64; PARTS as usize] {
        std::array::from_fn(|part| self.time(number, part as u64))
    }

    fn id(&self, number: u64) -> String {
        let mut mix = Random::new(number.wrapping_mul(31).wrapping_add(self.seed) | 1 << 40);
        let (a, b) = (mix.next(), mix.next());
        format!("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", a >> 32, a & 0xffff, b >> 52, b & 0xfff, number)
    }

    fn vercel(&mut self, number: u64, fails: bool, draw: u64) {
        let (route, path) = ROUTES[(draw % 4) as usize];
        let id = self.id(number);
        let (seed, times_ms) = (self.seed, self.times(number));
        let mut put = |part: u64, rest: String| {
            let time = times_ms[part as usize];
            self.waiting.insert(
                time,
                format!(
                    r#"{{"id":"{seed:04}{number:012}{part}","timestamp":{time},"deploymentId":"dpl_Example{seed:04}","projectId":"prj_Example0001","projectName":"shop","host":"shop-abc.example.com","environment":"production","requestId":"{id}",{rest}}}"#
                ),
            );
        };
        let proxy = |part: u64, status: u64| {
            format!(
                r#""proxy":{{"timestamp":{},"method":"GET","host":"shop.example.com","path":"{path}","userAgent":["ExampleClient/1.0"],"region":"iad1","statusCode":{status},"vercelId":"iad1::{id}","vercelCache":"MISS"}}"#,
                times_ms[part as usize]
            )
        };
        if draw & 0x300 == 0 {
            put(
                0,
                format!(
                    r#""source":"edge","type":"middleware","edgeType":"middleware","level":"info","message":"","path":"/middleware","statusCode":200,{}"#,
                    proxy(0, 200)
                ),
            );
        }
        let function =
            format!(r#""source":"lambda","path":"{route}","executionRegion":"iad1","invocationId":"{id}""#);
        put(
            1,
            format!(
                r#"{function},"type":"stdout","level":"info","message":"[http] GET {path} begins, cart of {} items""#,
                draw >> 60
            ),
        );
        if fails {
            let (_, error) = error(draw);
            put(
                2,
                format!(r#"{function},"type":"stderr","level":"error","message":"{error}","statusCode":500"#),
            );
        } else {
            put(
                2,
                format!(
                    r#"{function},"type":"stdout","level":"info","message":"{{\"msg\":\"order loaded\",\"rows\":{},\"took_ms\":{}}}""#,
                    draw >> 58,
                    draw >> 56
                ),
            );
        }
        let status = if fails { 500 } else { 200 };
        put(
            3,
            format!(
                r#"{function},"type":"stdout","level":"{}","message":"","statusCode":{status},{}"#,
                if fails { "error" } else { "info" },
                proxy(3, status)
            ),
        );
    }

    fn cloudwatch(&mut self, number: u64, fails: bool, draw: u64) {
        let id = self.id(number);
        let (seed, times_ms, text) = (self.seed, self.times(number), self.format == Format::CloudWatchText);
        // Each stream serves one request at a time.
        let stream = number % (self.spread_steps * PARTS + 1).max(64);
        let mut put = |part: u64, message: String| {
            let time = times_ms[part as usize];
            if text {
                let message = message.replace("\\n", "\n").replace("\\t", "\t");
                let line =
                    format!("{}000+00:00 2026/01/05/[$LATEST]{seed:016x}{stream:016x} {message}", iso(time));
                self.waiting.insert(time, line);
                return;
            }
            self.waiting.insert(
                time,
                format!(
                    r#"{{"logStreamName": "2026/01/05/[$LATEST]{seed:016x}{stream:016x}", "timestamp": {time}, "message": "{message}\n", "ingestionTime": {}, "eventId": "3{seed:010}{number:040}{part}"}}"#,
                    time + 900
                ),
            );
        };
        let stamp = |part: usize| format!("{}Z", iso(times_ms[part]));
        put(0, format!("START RequestId: {id} Version: $LATEST"));
        put(1, format!("{}\\t{id}\\tINFO\\tcart of {} items", stamp(1), draw >> 60));
        put(2, "a line without any id".to_owned());
        if fails {
            let (_, error) = error(draw);
            put(3, format!("{}\\t{id}\\tERROR\\t{error}", stamp(3)));
            put(4, format!("{} {id} Task timed out after 3.00 seconds", stamp(4)));
        }
        put(5, format!("END RequestId: {id}"));
        put(
            6,
            format!(
                "REPORT RequestId: {id}\\tDuration: {}.52 ms\\tBilled Duration: 215 ms\\tMemory Size: 1024 MB\\tMax Memory Used: 184 MB\\t",
                draw >> 55
            ),
        );
    }

    fn dashboard(&mut self, number: u64, fails: bool, draw: u64) {
        let (route, path) = ROUTES[(draw % 4) as usize];
        let (id, times_ms, seed) = (self.id(number), self.times(number), self.seed);
        let status = if fails { 500 } else { 200 };
        let mut put = |part: usize, level: &str, figures: &str, message: &str| {
            // The newest row comes first.
            let time = 2 * START_MS - times_ms[part];
            let day = iso(time).replace('T', " ");
            self.waiting.insert(
                times_ms[part],
                format!(
                    r#"{},{time},shop.example.com{path},GET,,{status},{id},ExampleClient/1.0,{level},production,main,MISS,function,{route},shop.example.com,shop-abc.example.com,dpl_Example{seed:04},{figures},"{}",prj_Example0001,,,{id},,1"#,
                    &day[..19],
                    message.replace("\\n", "\n").replace('"', "\"\"")
                ),
            );
        };
        put(0, "", "240,iad1,142,2048", "");
        put(1, "info", ",,,", &format!("cart of {} items, loaded", draw >> 60));
        if fails {
            put(2, "error", ",,,", error(draw).1);
        }
    }

    fn pino(&mut self, number: u64, fails: bool, draw: u64) {
        let (_, path) = ROUTES[(draw % 4) as usize];
        let (id, times_ms) = (self.id(number), self.times(number));
        let mut put = |part: u64, level: u64, rest: String| {
            let time = times_ms[part as usize];
            self.waiting.insert(
                time,
                format!(
                    r#"{{"level":{level},"time":{time},"pid":7,"hostname":"web-1","reqId":"{id}",{rest}}}"#
                ),
            );
        };
        put(
            0,
            30,
            format!(
                r#""req":{{"method":"GET","url":"{path}","hostname":"shop.example.com"}},"msg":"incoming request""#
            ),
        );
        if fails {
            let (_, error) = error(draw);
            let message = error.split("\\n").next().unwrap_or_default();
            put(
                1,
                50,
                format!(
                    r#""err":{{"type":"Error","message":"{message}","stack":"{error}"}},"msg":"{message}""#
                ),
            );
        }
        let status = if fails { 500 } else { 200 };
        put(
            2,
            30,
            format!(
                r#""res":{{"statusCode":{status}}},"responseTime":{}.25,"msg":"request completed""#,
                draw >> 56
            ),
        );
    }
}

/// What a failing request meets, by class and text.
fn error(draw: u64) -> (&'static str, &'static str) {
    ERRORS[(draw >> 20) as usize % ERRORS.len()]
}

/// `2026-01-05T00:00:00.000`.
fn iso(time_ms: u64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(time_ms as i64).unwrap_or_default();
    time.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

/// A reader over records that are made while it is read; ends after the record that reaches `size_bytes`.
pub struct Endless {
    generator: Generator,
    size_bytes: u64,
    made_bytes: u64,
    buffer: Vec<u8>,
    at: usize,
    any: bool,
    closed: bool,
}

impl Endless {
    /// About `size_bytes` of what the generator makes.
    pub fn new(generator: Generator, size_bytes: u64) -> Endless {
        let buffer = generator.format.glue().0.to_vec();
        Endless { generator, size_bytes, made_bytes: 0, buffer, at: 0, any: false, closed: false }
    }
}

impl Endless {
    /// What was made so far.
    pub fn truth(&self) -> &Truth {
        &self.generator.truth
    }
}

/// A size such as `200MiB`.
pub fn size(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let (digits, shift) = units
        .iter()
        .find_map(|(unit, shift)| text.strip_suffix(unit).map(|digits| (digits, *shift)))
        .unwrap_or((text, 0));
    let number: u64 = digits.trim().parse().map_err(|_| format!("--size {text}: not a size"))?;
    number.checked_shl(shift).ok_or_else(|| format!("--size {text}: too large"))
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let (_, between, after) = self.generator.format.glue();
        while self.at == self.buffer.len() && !self.closed {
            self.buffer.clear();
            self.at = 0;
            let (buffer, any) = (&mut self.buffer, &mut self.any);
            let mut put = |record: &str| {
                if *any {
                    buffer.extend_from_slice(between);
                }
                *any = true;
                buffer.extend_from_slice(record.as_bytes());
            };
            if self.made_bytes < self.size_bytes {
                self.generator.release(&mut put);
            } else {
                for record in std::mem::take(&mut self.generator.waiting).values() {
                    put(record);
                }
                buffer.extend_from_slice(after);
                self.closed = true;
            }
            self.made_bytes += self.buffer.len() as u64;
        }
        let rest = &self.buffer[self.at..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}
