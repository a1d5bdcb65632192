//! Hashes that name streams, places and what stands beside each other.

use xxhash_rust::xxh3::xxh3_64;

use super::{Correlator, Origin};
use crate::record::{Marks, Position, Record};

/// Lines of one method and path without any ID are one request while no more than this lies between them.
const FALLBACK_GAP_MS: i64 = 1_000;

impl Correlator<'_> {
    /// The key of a record that has no ID but is a request by itself (an access line, a completion), or that has
    /// method and path to go by.
    pub(super) fn own_key(&mut self, record: &Record, origin: Origin<'_>) -> Option<u64> {
        if record.at.part > 0
            && !record.marks.has(Marks::APART)
            && let Some((at, key)) = self.last_own
            && at.source == record.at.source
            && at.entry == record.at.entry
        {
            return Some(key);
        }
        // A printed table has neither times nor IDs; its rows are requests.
        let row = record.field("domain").is_some() && record.time_ms.is_none();
        if row || is_own_completion(record) {
            let key = own_place(record, origin);
            self.last_own = Some((record.at, key));
            return Some(key);
        }
        // Runtime-log streams name method, path and domain on every line, and no request.
        let (method, path, domain) =
            (record.method.as_deref()?, record.path.as_deref()?, record.field("domain")?);
        let time_ms = record.time_ms?;
        let family = xxh3_64(format!("{domain}\0{method}\0{path}").as_bytes());
        let ends = record.marks.has(Marks::END);
        let next = match self.fallback.get(&family) {
            Some((last_ms, key, ended)) if !*ended && (time_ms - last_ms).abs() <= FALLBACK_GAP_MS => *key,
            _ => xxh3_64(format!("{family}\0{time_ms}\0{}", record.at.entry).as_bytes()),
        };
        self.fallback.insert(family, (time_ms, next, ends));
        Some(next)
    }
}

/// Where error blocks and completions stand beside each other: in one source, or in one stream of a container that has
/// streams. A platform that names the request on every row has no need of it.
pub fn neighbours_key(stream: u64, format: &str, origin: Origin<'_>) -> Option<u64> {
    if format.starts_with("vercel") {
        return None;
    }
    Some(if format == "lines" { origin.stream } else { stream })
}

/// The same, of an entry with these marks, if it is a completion.
pub fn completion_key(stream: u64, marks: Marks, format: &str, origin: Origin<'_>) -> Option<u64> {
    if marks.has(Marks::CLIENT) { neighbours_key(stream, format, origin) } else { None }
}

/// Whether a record without an ID is the completion of a request, and all that there is of it.
pub fn is_own_completion(record: &Record) -> bool {
    let completion = record.marks.has(Marks::CLIENT | Marks::ABORTED) && record.marks.has(Marks::END);
    // Runtime-log streams name the domain on every line.
    completion && record.field("domain").is_none()
}

/// The stream of the entries of this source that name none.
pub fn source_key(name: &str) -> u64 {
    xxh3_64(name.as_bytes()) ^ 0x9e37_79b9_7f4a_7c15
}

/// The stream of a record; records that name none share one in each source.
pub fn stream_key(record: &Record, origin: Origin<'_>) -> u64 {
    match &record.stream {
        Some(stream) => xxh3_64(stream.as_bytes()),
        None => origin.stream,
    }
}

/// Where a record stands that is a request by itself.
pub fn own_place(record: &Record, origin: Origin<'_>) -> u64 {
    let frame = place_key(origin.name, record.at, &mut Vec::new());
    match record.at.part {
        part @ 1.. if record.marks.has(Marks::APART) => xxh3_64(format!("{frame}\0{part}").as_bytes()),
        _ => frame,
    }
}

/// A place in the input, for what is a request by itself. `bytes` is for use.
pub fn place_key(source: &str, at: Position, bytes: &mut Vec<u8>) -> u64 {
    bytes.clear();
    bytes.extend_from_slice(source.as_bytes());
    bytes.push(0);
    // The number in decimal, as no number is longer.
    let (mut digits, mut rest, mut first) = ([b'0'; 20], at.entry, 20);
    while rest > 0 || first == 20 {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    bytes.extend_from_slice(&digits[first..]);
    xxh3_64(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_by_source_and_entry() {
        for entry in [0, 7, 10, 1_234_567_890, u64::MAX] {
            let at = Position { entry, ..Position::default() };
            let key = place_key("a.log", at, &mut vec![1, 2]);
            assert_eq!(key, xxh3_64(format!("a.log\0{entry}").as_bytes()));
        }
    }
}
