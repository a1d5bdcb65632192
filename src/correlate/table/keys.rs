//! Hashes that name streams, places and what stands beside each other.

use xxhash_rust::xxh3::xxh3_64;

use super::Origin;
use crate::record::{Position, Record};

/// Where error blocks and completions stand beside each other: in one source, or in one stream of a container that has
/// streams. A platform that names the request on every row has no need of it.
pub fn neighbours_key(stream: u64, format: &str, origin: Origin<'_>) -> Option<u64> {
    if format.starts_with("vercel") {
        return None;
    }
    Some(if format == "lines" { source_key(origin) } else { stream })
}

fn source_key(origin: Origin<'_>) -> u64 {
    xxh3_64(origin.name.as_bytes()) ^ 0x9e37_79b9_7f4a_7c15
}

/// The stream of a record; records that name none share one in each source.
pub fn stream_key(record: &Record, origin: Origin<'_>) -> u64 {
    match &record.stream {
        Some(stream) => xxh3_64(stream.as_bytes()),
        None => source_key(origin),
    }
}

/// A place in the input, for what is a request by itself.
pub fn place_key(source: &str, at: Position) -> u64 {
    xxh3_64(format!("{source}\0{}", at.entry).as_bytes())
}
