//! Spellings of correlation IDs: which of them are one ID, and how an ID is shown that is too long. Not here: what wraps an
//! ID (`normalise_id`), and which IDs are one request's (`correlate/aliases.rs`).

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

/// Longest ID that is kept as it is, in bytes: what a load balancer or a trace writes is a quarter of it.
pub const MAX_ID_BYTES: usize = 200;
/// Of a longer one, so many bytes are shown before the hash of the whole.
const SHOWN_BYTES: usize = 48;
/// Stands between the two.
const CUT: char = '…';
/// Letters of the hash.
const HASH_CHARS: usize = 16;

/// The number under which the lines of a request are gathered. The ID of a trace in AWS's spelling
/// (`1-5759e988-bd862e3fe1be46a994272793`) and in OpenTelemetry's (the same 32 digits) is one ID.
/// <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids>
#[inline]
pub fn id_key(id: &[u8]) -> u64 {
    match digits_of_xray(id) {
        Some(digits) => xxh3_64(&digits),
        None => xxh3_64(id),
    }
}

/// Whether two texts are spellings of one ID; letters count in any case.
pub fn is_same_id(one: &str, other: &str) -> bool {
    let digits = |id: &str| digits_of_xray(id.as_bytes()).map(|digits| digits.to_ascii_lowercase());
    let whole = |id: &str| digits(id).unwrap_or_else(|| id.to_ascii_lowercase().into_bytes());
    one.eq_ignore_ascii_case(other) || whole(one) == whole(other)
}

/// Which of two spellings of one ID a report shows: AWS's, by which its consoles find the trace; else the lesser.
pub fn shown_id(one: String, other: String) -> String {
    match one.len().cmp(&other.len()) {
        std::cmp::Ordering::Greater => one,
        std::cmp::Ordering::Less => other,
        std::cmp::Ordering::Equal => one.min(other),
    }
}

/// The 32 digits of a trace ID as X-Ray writes it.
#[inline]
fn digits_of_xray(id: &[u8]) -> Option<[u8; 32]> {
    if id.len() != 35 || !id.starts_with(b"1-") || id[10] != b'-' {
        return None;
    }
    let mut digits = [0; 32];
    let (epoch, unique) = digits.split_at_mut(8);
    epoch.copy_from_slice(&id[2..10]);
    unique.copy_from_slice(&id[11..]);
    digits.make_ascii_lowercase();
    digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)
}

/// An ID as it is kept: one that is over-long by its beginning and a hash of the whole, so that equal ones stay equal.
pub fn kept_id(id: &str) -> Cow<'_, str> {
    if id.len() <= MAX_ID_BYTES {
        return Cow::Borrowed(id);
    }
    let mut end = SHOWN_BYTES;
    while !id.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}{CUT}{:016x}", &id[..end], xxh3_64(id.as_bytes())))
}

/// Whether [`kept_id`] has cut this ID.
pub fn was_cut(id: &str) -> bool {
    id.rsplit_once(CUT).is_some_and(|(before, hash)| {
        before.len() + 3 >= SHOWN_BYTES
            && hash.len() == HASH_CHARS
            && hash.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const XRAY: &str = "1-5759e988-bd862e3fe1be46a994272793";
    const OTEL: &str = "5759e988bd862e3fe1be46a994272793";

    #[test]
    fn both_spellings_of_a_trace_are_one_id() {
        assert_eq!(id_key(XRAY.as_bytes()), id_key(OTEL.as_bytes()));
        assert_eq!(id_key(XRAY.to_ascii_uppercase().as_bytes()), id_key(OTEL.as_bytes()));
        assert!(is_same_id(XRAY, OTEL) && is_same_id(OTEL, XRAY) && is_same_id("aB", "Ab"));
        for other in ["1-5759e988-bd862e3fe1be46a99427279g", "2-5759e988-bd862e3fe1be46a994272793", "1-", ""]
        {
            assert_ne!(id_key(other.as_bytes()), id_key(OTEL.as_bytes()));
            assert!(!is_same_id(other, OTEL));
        }
        for (one, two) in [(XRAY, OTEL), (OTEL, XRAY)] {
            assert_eq!(shown_id(one.to_owned(), two.to_owned()), XRAY);
        }
    }

    #[test]
    fn over_long_ids_are_kept_by_their_hash() {
        let long = "é".repeat(101);
        let kept = kept_id(&long);
        assert!(kept.len() < 80 && was_cut(&kept), "{kept}");
        assert_eq!(kept, kept_id(&long));
        assert_ne!(kept, kept_id(&format!("{long}x")));
        assert_eq!(kept_id(&long[..200]), &long[..200]);
        assert!(!was_cut("a…0123456789abcdef") && !was_cut(&"x".repeat(200)));
    }
}
