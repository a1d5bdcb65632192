//! Compression, recognised by content and opened in layers, within limits that a decompression bomb meets. Text in
//! UTF-16 is turned into UTF-8 on the way. Not here: archives, which hold several files (`archive.rs`).

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::utf16::{self, Utf16Reader};

/// Compression layers that are opened; `gzip` in `gzip` is what Firehose makes.
pub const MAX_LAYERS: u32 = 3;
/// Most bytes that one compressed source may give.
pub const MAX_EXPANDED_BYTES: u64 = 64 << 30;
/// Most bytes that it may give for each of its own; real logs stay far below, also where they repeat themselves.
pub const MAX_RATIO: u64 = 200;
/// Up to so many bytes any ratio is fine.
pub const FREE_BYTES: u64 = 64 << 20;

/// How far a compressed source is unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expand {
    /// Most bytes that one source may give.
    pub most_bytes: u64,
    /// Most bytes for each compressed one beyond [`FREE_BYTES`]; none where the user has said how much is fine.
    pub ratio: Option<u64>,
}

impl Default for Expand {
    fn default() -> Expand {
        Expand { most_bytes: MAX_EXPANDED_BYTES, ratio: Some(MAX_RATIO) }
    }
}

impl Expand {
    /// Up to so many bytes, however dense they are packed.
    pub fn up_to(most_bytes: u64) -> Expand {
        Expand { most_bytes, ratio: None }
    }

    /// Whether so many bytes out of so many compressed ones are too many, and why.
    pub fn refuses(self, packed_bytes: u64, bytes: u64) -> Option<String> {
        if bytes > self.most_bytes {
            return Some(format!(
                "unpacked it is larger than {} (raise it with --max-expand)",
                size(self.most_bytes)
            ));
        }
        let ratio = self.ratio?;
        (bytes > FREE_BYTES && bytes / ratio > packed_bytes).then(|| {
            format!("unpacked it is more than {ratio} times as large: a decompression bomb? (if not, say --max-expand {})", size(self.most_bytes))
        })
    }
}

/// A size as it is typed.
fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 30) => format!("{}GiB", bytes >> 30),
        _ if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => bytes.to_string(),
    }
}

/// Unpacked bytes of a source, and its size where that is the size on disk.
pub type Unpacked = (Box<dyn Read + Send>, Option<u64>);

/// Opens the layers of compression that the first bytes tell of: gzip (members back to back) and zstd; then UTF-16.
pub fn unpacked(raw: Box<dyn Read + Send>, size_bytes: Option<u64>, expand: Expand) -> io::Result<Unpacked> {
    let packed_bytes = Arc::new(AtomicU64::new(0));
    let counted = Counting { inner: raw, count: Arc::clone(&packed_bytes) };
    let (reader, layers) = layers(Box::new(counted), 0)?;
    let (reader, size_bytes) = match layers {
        0 => (reader, size_bytes),
        _ => {
            (Box::new(Guard { inner: reader, packed_bytes, bytes: 0, expand }) as Box<dyn Read + Send>, None)
        }
    };
    let (head, whole) = head(reader, &[utf16::LITTLE_ENDIAN, utf16::BIG_ENDIAN])?;
    Ok(match utf16::order(&head) {
        Some(order) => (Box::new(Utf16Reader::new(whole, order)), None),
        None => (whole, size_bytes),
    })
}

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

fn layers(raw: Box<dyn Read + Send>, layer: u32) -> io::Result<(Box<dyn Read + Send>, u32)> {
    if layer >= MAX_LAYERS {
        return Ok((raw, layer));
    }
    let (head, whole) = head(raw, &[GZIP, ZSTD])?;
    if head.starts_with(GZIP) {
        return layers(Box::new(flate2::read::MultiGzDecoder::new(whole)), layer + 1);
    }
    if head.starts_with(ZSTD) {
        return layers(Box::new(zstd::stream::read::Decoder::new(whole)?), layer + 1);
    }
    Ok((whole, layer))
}

/// The first bytes, as far as they tell which of these beginnings a reader has; and the whole of it.
fn head(raw: Box<dyn Read + Send>, beginnings: &[&[u8]]) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut reader = BufReader::with_capacity(64 * 1024, raw);
    let mut head = Vec::new();
    // A pipe may hand out its first bytes one at a time.
    while beginnings.iter().any(|begin| begin.len() > head.len() && begin.starts_with(&head)) {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(&byte) = available.first() else { break };
        head.push(byte);
        reader.consume(1);
    }
    let whole = io::Cursor::new(head.clone()).chain(reader);
    Ok((head, Box::new(whole)))
}

/// Counts what is read.
struct Counting {
    inner: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Ends with an error where more comes out than is allowed.
struct Guard {
    inner: Box<dyn Read + Send>,
    packed_bytes: Arc<AtomicU64>,
    bytes: u64,
    expand: Expand,
}

impl Read for Guard {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        let bytes = self.bytes + count as u64;
        match self.expand.refuses(self.packed_bytes.load(Ordering::Relaxed), bytes) {
            Some(_) if self.bytes < self.expand.most_bytes && bytes > self.expand.most_bytes => {
                // As much as is allowed, however much came at once.
                let allowed = (self.expand.most_bytes - self.bytes) as usize;
                self.bytes = self.expand.most_bytes;
                Ok(allowed)
            }
            Some(why) if count > 0 => Err(io::Error::other(why)),
            _ => {
                self.bytes = bytes;
                Ok(count)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("writes");
        encoder.finish().expect("finishes")
    }

    /// What comes out before the end or the error, and the error.
    fn read(bytes: Vec<u8>, expand: Expand) -> (u64, Option<String>) {
        let mut reader = unpacked(Box::new(io::Cursor::new(bytes)), None, expand).expect("opens").0;
        let (mut total, mut piece) = (0, vec![0; 100_000]);
        loop {
            match reader.read(&mut piece) {
                Ok(0) => return (total, None),
                Ok(count) => total += count as u64,
                Err(error) => return (total, Some(error.to_string())),
            }
        }
    }

    #[test]
    fn a_bomb_meets_its_limits() {
        let bomb = gzip(&vec![b'a'; (FREE_BYTES + (8 << 20)) as usize]);
        let (total, why) = read(bomb.clone(), Expand::default());
        assert!(total.abs_diff(FREE_BYTES) < 2 << 20, "{total}");
        assert!(why.expect("an error").contains("more than 200 times"));
        assert_eq!(read(bomb.clone(), Expand::up_to(1 << 30)), (FREE_BYTES + (8 << 20), None));
        let (total, why) = read(bomb.clone(), Expand::up_to(1_000_000));
        assert_eq!(total, 1_000_000);
        assert!(why.expect("an error").contains("larger than 1000000 (raise it with --max-expand)"));
        // Layers count as one.
        assert!(read(gzip(&bomb), Expand::default()).1.is_some());
        // What is not compressed has no limit here.
        assert_eq!(read(vec![b'a'; 5000], Expand::up_to(1000)), (5000, None));
    }

    #[test]
    fn utf_16_is_read_in_any_layer() {
        let text: Vec<u8> = "\u{feff}héllo 🦀\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [text.clone(), gzip(&text)] {
            let mut out = String::new();
            let mut reader = unpacked(Box::new(io::Cursor::new(bytes)), None, Expand::default()).unwrap().0;
            reader.read_to_string(&mut out).expect("reads");
            assert_eq!(out, "héllo 🦀\n");
        }
    }
}
