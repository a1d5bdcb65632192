//! Made-up logs of any size, the same for the same seed: records of requests that overlap in time, a few of which fail
//! for causes that the rules know. No two records have the same time. For benchmarks and for the tests of the laws.

use std::collections::BTreeMap;
use std::io::{self, Read};

/// Milliseconds between the starts of two requests; more than a request has records.
const STEP_MS: u64 = 40;
/// 2026-01-05T00:00:00Z.
const START_MS: u64 = 1_767_571_200_000;
/// Log streams of the functions; each serves one request at a time.
const STREAMS: u64 = 64;

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Entries of a Vercel log drain, one a line.
    Vercel,
    /// CloudWatch Logs events of Lambda functions, elements of an `events` array.
    CloudWatch,
    /// Lines of pino in a Fastify server.
    Pino,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 3] = [Format::Vercel, Format::CloudWatch, Format::Pino];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Vercel => "vercel",
            Format::CloudWatch => "cloudwatch",
            Format::Pino => "pino",
        }
    }

    /// Bytes before, between and after records in one file.
    fn glue(self) -> (&'static [u8], &'static [u8], &'static [u8]) {
        match self {
            Format::CloudWatch => (b"{\"events\": [", b", ", b"], \"searchedLogStreams\": []}\n"),
            Format::Vercel | Format::Pino => (b"", b"\n", b"\n"),
        }
    }
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
    waiting: BTreeMap<u64, String>,
    requests: u64,
}

/// Errors as software prints them.
const ERRORS: [&str; 6] = [
    "Error: connect ECONNREFUSED 10.0.3.17:5432\\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1637:16)",
    "Error: Cannot find module 'sharp'\\nRequire stack:\\n- /var/task/app/api/images/route.js\\n    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15)",
    "PrismaClientInitializationError: \\nInvalid `prisma.order.findMany()` invocation:\\n\\nerror: Environment variable not found: DATABASE_URL.",
    "Error: getaddrinfo ENOTFOUND db.internal.example.com\\n    at GetAddrInfoReqWrap.onlookupall [as oncomplete] (node:dns:121:26)",
    "TypeError: Cannot read properties of undefined (reading 'total')\\n    at handler (/var/task/app/api/orders/route.js:14:31)",
    "error: remaining connection slots are reserved for non-replication superuser connections",
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
            waiting: BTreeMap::new(),
            requests: 0,
        }
    }

    /// Makes one request and hands out the records that no later request can come before.
    fn release(&mut self, each: &mut dyn FnMut(&str)) {
        self.request();
        let next_ms = START_MS + STEP_MS * self.requests;
        while let Some(entry) = self.waiting.first_entry()
            && *entry.key() < next_ms
        {
            each(&entry.remove());
        }
    }

    fn request(&mut self) {
        let number = self.requests;
        let fails = self.random.below(1000) < self.failed_per_mille;
        self.requests += 1;
        let draw = self.random.next();
        match self.format {
            Format::Vercel => self.vercel(number, fails, draw),
            Format::CloudWatch => self.cloudwatch(number, fails, draw),
            Format::Pino => self.pino(number, fails, draw),
        }
    }

    /// Time of record `part` of a request; different for all of them.
    fn time(number: u64, part: u64) -> u64 {
        START_MS + STEP_MS * (number + 5 * part) + part
    }

    fn id(&self, number: u64) -> String {
        let mut mix = Random::new(number.wrapping_mul(31).wrapping_add(self.seed) | 1 << 40);
        let (a, b) = (mix.next(), mix.next());
        format!("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", a >> 32, a & 0xffff, b >> 52, b & 0xfff, number)
    }

    fn vercel(&mut self, number: u64, fails: bool, draw: u64) {
        let (route, path) = ROUTES[(draw % 4) as usize];
        let id = self.id(number);
        let seed = self.seed;
        let mut put = |part: u64, rest: String| {
            let time = Generator::time(number, part);
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
                Generator::time(number, part)
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
            let error = ERRORS[(draw >> 20) as usize % ERRORS.len()];
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
        let seed = self.seed;
        let stream = number % STREAMS;
        let mut put = |part: u64, message: String| {
            let time = Generator::time(number, part);
            self.waiting.insert(
                time,
                format!(
                    r#"{{"logStreamName": "2026/01/05/[$LATEST]{seed:016x}{stream:016x}", "timestamp": {time}, "message": "{message}\n", "ingestionTime": {}, "eventId": "3{seed:010}{number:040}{part}"}}"#,
                    time + 900
                ),
            );
        };
        let stamp = |part: u64| {
            let ms = Generator::time(number, part) % 86_400_000;
            format!(
                "2026-01-05T{:02}:{:02}:{:02}.{:03}Z",
                ms / 3_600_000,
                ms / 60_000 % 60,
                ms / 1000 % 60,
                ms % 1000
            )
        };
        put(0, format!("START RequestId: {id} Version: $LATEST"));
        put(1, format!("{}\\t{id}\\tINFO\\tcart of {} items", stamp(1), draw >> 60));
        put(2, "a line without any id".to_owned());
        if fails {
            let error = ERRORS[(draw >> 20) as usize % ERRORS.len()];
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

    fn pino(&mut self, number: u64, fails: bool, draw: u64) {
        let (_, path) = ROUTES[(draw % 4) as usize];
        let id = self.id(number);
        let mut put = |part: u64, level: u64, rest: String| {
            let time = Generator::time(number, part);
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
            let error = ERRORS[(draw >> 20) as usize % ERRORS.len()];
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
