//! The wrappers around subscription data: base64 of gzip of JSON, as a function event, a Kinesis batch or a Firehose
//! batch holds it. Only unpacking; what is inside is the business of [`super::cloudwatch_events`].

use std::io::Read;

use serde_json::{Map, Value};

/// Most bytes that one wrapped body may unpack to. A Kinesis record holds 1 MiB, a function event 6 MiB, both packed about
/// one to ten; a body beyond it is hostile.
const MAX_UNPACKED_BYTES: u64 = 64 << 20;
/// Most events in it: each takes some kB of memory, and a batch that is written holds ten thousand at most. See
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>.
pub const MAX_EVENTS: usize = 20_000;

/// Braces for each event; messages are JSON more often than not.
const MAX_BRACES: usize = 50;

/// The wrapped bodies of an object: `awslogs.data`, `Records[].kinesis.data`, `Records[].Data`, `records[].data`,
/// or one element of such a list.
pub fn bodies(map: &Map<String, Value>) -> Vec<&str> {
    let mut found = Vec::new();
    if let Some(data) = map.get("awslogs").and_then(|inner| inner.get("data")).and_then(Value::as_str) {
        found.push(data);
    }
    for key in ["Records", "records"] {
        if let Some(Value::Array(items)) = map.get(key) {
            found.extend(items.iter().filter_map(Value::as_object).filter_map(element));
        }
    }
    found.extend(element(map));
    found.retain(|data| data.trim_start().starts_with("H4sI"));
    found
}

fn element(map: &Map<String, Value>) -> Option<&str> {
    map.get("kinesis")
        .and_then(|inner| inner.get("data"))
        .or_else(|| map.get("data"))
        .or_else(|| map.get("Data"))
        .and_then(Value::as_str)
}

/// The JSON objects of one body; several may stand back to back. None where it is not base64 of gzip of JSON, or
/// more of it than memory should be spent on.
pub fn unpack(data: &str) -> Option<Vec<Map<String, Value>>> {
    let packed = base64(data.as_bytes())?;
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(packed.as_slice())
        .take(MAX_UNPACKED_BYTES)
        .read_to_end(&mut bytes)
        .ok()?;
    // Asked before anything is built of it: small events make much memory out of few bytes. An object ends in a brace.
    if memchr::memchr_iter(b'}', &bytes).nth(MAX_EVENTS * MAX_BRACES).is_some()
        || memchr::memmem::find_iter(&bytes, b"\"message\"").nth(MAX_EVENTS).is_some()
    {
        return None;
    }
    let mut objects = Vec::new();
    for value in serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>() {
        match value.ok()? {
            Value::Object(map) => objects.push(map),
            _ => return None,
        }
    }
    Some(objects)
}

/// Standard and URL alphabet, line breaks skipped, padding optional.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            b'\r' | b'\n' | b' ' => continue,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::Write;

    /// Packs a text as CloudWatch packs subscription data.
    pub fn pack(text: &str) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text.as_bytes()).unwrap();
        let bytes = gzip.finish().unwrap();
        let mut out = String::new();
        for chunk in bytes.chunks(3) {
            let word = chunk.iter().fold(0u32, |word, byte| (word << 8) | u32::from(*byte))
                << (8 * (3 - chunk.len()));
            for at in 0..4 {
                let index = (word >> (18 - 6 * at)) as usize & 63;
                out.push(if at <= chunk.len() { char::from(ALPHABET[index]) } else { '=' });
            }
        }
        out
    }

    #[test]
    fn unpacks_what_is_packed() {
        let packed = pack(r#"{"a":1}{"b":2}"#);
        assert!(packed.starts_with("H4sI"));
        let objects = unpack(&packed).unwrap();
        assert_eq!(objects.len(), 2);
        assert_eq!(unpack("H4sI!!"), None);
        // Little that unpacks to very much.
        let event = r#"{"id":"1","timestamp":1,"message":"x"},"#;
        let bomb = |count: usize| pack(&format!("{{\"logEvents\":[{}{{}}]}}", event.repeat(count)));
        assert!(unpack(&bomb(1_000)).is_some());
        assert_eq!(unpack(&bomb(MAX_EVENTS + 1)), None);
        assert_eq!(unpack("H4sIAAAA"), None);
    }
}
