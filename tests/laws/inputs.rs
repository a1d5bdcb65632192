//! What the laws are proved on: made-up inputs of the shapes that matter most, and every file below `samples/`.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::generate::{Endless, Format, Generator, Truth};

/// Largest sample that is read, in bytes: the laws are about shapes, not about sizes.
const MAX_SAMPLE_BYTES: u64 = 256 * 1024;

/// An input.
pub struct Input {
    /// Name of the source.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Formats whose records can be put in any order and still make a file.
pub const RECORDS: [Format; 3] = [Format::Vercel, Format::CloudWatch, Format::Pino];

/// About `bytes` of records, one by one, in the order of their times.
pub fn records(format: Format, seed: u64, bytes: u64) -> Vec<String> {
    let mut text = String::new();
    Endless::new(Generator::new(format, seed, 250), bytes).read_to_string(&mut text).expect("reads");
    if format != Format::CloudWatch {
        return text.lines().map(str::to_owned).collect();
    }
    let whole: serde_json::Value = serde_json::from_str(&text).expect("generated JSON");
    let events = whole["events"].as_array().expect("events");
    events.iter().map(ToString::to_string).collect()
}

/// A file with these records.
pub fn file<R: AsRef<str>>(format: Format, records: &[R]) -> Vec<u8> {
    let records: Vec<&str> = records.iter().map(AsRef::as_ref).collect();
    match format {
        Format::CloudWatch => {
            format!("{{\"events\": [{}], \"searchedLogStreams\": []}}\n", records.join(", ")).into_bytes()
        }
        _ => (records.join("\n") + "\n").into_bytes(),
    }
}

/// A file of about `bytes`.
fn whole(format: Format, bytes: u64) -> Vec<u8> {
    let mut out = Vec::new();
    Endless::new(Generator::new(format, 1, 250), bytes).read_to_end(&mut out).expect("reads");
    out
}

/// A file of about `bytes` in which so many of a thousand requests fail, and what is in it.
pub fn generated_of(format: Format, seed: u64, bytes: u64, failed_per_mille: u64) -> (Vec<u8>, Truth) {
    let (mut made, mut out) =
        (Endless::new(Generator::new(format, seed, failed_per_mille), bytes), Vec::new());
    made.read_to_end(&mut out).expect("reads");
    (out, made.truth().clone())
}

/// Made-up inputs of about 10 kB each.
pub fn generated() -> Vec<Input> {
    let mut out: Vec<Input> = Format::ALL
        .into_iter()
        .map(|format| Input { name: format!("{}.log", format.name()), bytes: whole(format, 10_000) })
        .collect();
    let mut mixed = Vec::new();
    let lines = [records(Format::Pino, 5, 4_000), records(Format::Vercel, 6, 4_000)].concat();
    for (index, line) in lines.iter().enumerate() {
        mixed.push(line.clone());
        match index % 7 {
            2 => mixed.push(format!(
                "203.0.113.9 - - [05/Jan/2026:00:00:{:02} +0000] \"GET /api/items/{index} HTTP/1.1\" {} 512 \"-\" \"ExampleClient/1.0\"",
                index % 60,
                if index % 3 == 0 { 502 } else { 200 }
            )),
            3 => mixed.push(
                "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>\n    import numpy\nModuleNotFoundError: No module named 'numpy'"
                    .to_owned(),
            ),
            5 => mixed.push(" ⨯ Error: Missing API key\n    at charge (app/api/pay/route.ts:8:11) {\n  digest: '42'\n}\n".to_owned()),
            _ => {}
        }
    }
    out.push(Input { name: "mixed.log".to_owned(), bytes: (mixed.join("\n") + "\n").into_bytes() });
    out.push(Input { name: "dashboard.csv".to_owned(), bytes: dashboard() });
    out.push(Input { name: "tail.txt".to_owned(), bytes: tail() });
    out
}

/// A dashboard export: CSV, newest first, messages with quotes and newlines.
fn dashboard() -> Vec<u8> {
    let mut rows = Vec::new();
    for number in 0..30u32 {
        let time = |part: u32| {
            format!(
                "2026-01-05 00:{:02}:{:02},{}",
                number / 6,
                number % 6 * 10,
                1_767_571_200_000 + u64::from(number) * 10_000 + u64::from(part)
            )
        };
        let id = format!("kq7zt-{}-0a1b2c3d4e5f", 1_767_571_200_000 + u64::from(number));
        let row = |part: u32, status: i32, level: &str, message: &str| {
            format!(
                "\"{}\",shop.example.com/api/orders/{number},GET,,{status},\"{id}\",ExampleClient/1.0,{level},production,main,MISS,lambda,/api/orders/[id],shop.example.com,shop-abc.example.com,dpl_ExampleAAAA1111,12,iad1,142,2048,\"{message}\",prj_ExampleBBBB2222,,,01EXAMPLE,,-1",
                time(part).replace(',', "\",")
            )
        };
        if number % 4 == 0 {
            rows.push(row(1, -1, "error", "Error: \"\"DATABASE_URL\"\" is not set,\n    at load (/var/task/a.js:1:2)\n    at main (/var/task/a.js:9:1)"));
            rows.push(row(2, 500, "error", ""));
        } else {
            rows.push(row(1, 200, "info", "order loaded"));
            rows.push(row(2, 200, "info", ""));
        }
    }
    rows.reverse();
    let header = "TimeUTC,timestampInMs,requestPath,requestMethod,requestQueryString,responseStatusCode,requestId,requestUserAgent,level,environment,branch,vercelCache,type,function,host,deploymentDomain,deploymentId,durationMs,region,maxMemoryUsed,memorySize,message,projectId,traceId,sessionId,invocationId,instanceId,concurrency";
    format!("{header}\n{}\n", rows.join("\n")).into_bytes()
}

/// `aws logs tail`: stacks in the entry, Lambda's own lines.
fn tail() -> Vec<u8> {
    let mut out = String::new();
    for number in 0..30u32 {
        let stream = format!("2026/01/05/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f{}", number % 3);
        let id = format!("0a1b2c3d-0000-4000-8000-0000000000{number:02}");
        let mut put = |ms: u32, text: &str| {
            out.push_str(&format!("2026-01-05T00:00:{number:02}.{ms:03}000+00:00 {stream} {text}\n"));
        };
        put(1, &format!("START RequestId: {id} Version: $LATEST"));
        put(2, "printed without an id");
        if number % 5 == 0 {
            put(
                3,
                "[ERROR] KeyError: 'STRIPE_SECRET_KEY'\nTraceback (most recent call last):\n  File \"/var/task/app.py\", line 4, in handler\n    key = os.environ['STRIPE_SECRET_KEY']",
            );
            put(4, &format!("2026-01-05T00:00:{number:02}.004Z {id} Task timed out after 3.00 seconds"));
        }
        put(5, &format!("END RequestId: {id}"));
        put(
            6,
            &format!(
                "REPORT RequestId: {id}\tDuration: 12.52 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t"
            ),
        );
    }
    out.into_bytes()
}

/// Every file below `samples/` but the damaged ones, for the laws do damage of their own; what describes a sample is as
/// good an input as the sample.
pub fn samples() -> Vec<Input> {
    let mut out = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"), &mut out);
    out.sort_by(|a, b| a.name.cmp(&b.name));
    out
}

fn walk(folder: &Path, out: &mut Vec<Input>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && (name.ends_with("-damaged") || name.ends_with("-truncated")) {
            continue;
        }
        if path.is_dir() {
            walk(&path, out);
        } else if entry.metadata().is_ok_and(|data| data.len() <= MAX_SAMPLE_BYTES)
            && let Ok(bytes) = fs::read(&path)
        {
            out.push(Input {
                name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                bytes,
            });
        }
    }
}
