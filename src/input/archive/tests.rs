use std::io::Write;
use std::path::PathBuf;

use ::tar::EntryType;

use super::*;

fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).expect("a file");
    (dir, path)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("writes");
    encoder.finish().expect("finishes")
}

fn tarred(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).expect("appends");
    }
    builder.into_inner().expect("finishes")
}

fn listed(path: &Path, hold_bytes: usize) -> Listing {
    let mut hold_bytes = hold_bytes;
    list(path, Expand::default(), &mut hold_bytes).expect("an archive")
}

fn text(member: &Member) -> Result<String, String> {
    let mut out = String::new();
    let mut reader = member.open(Expand::default()).map_err(|error| error.to_string())?;
    reader.read_to_string(&mut out).map(|_| out).map_err(|error| error.to_string())
}

fn texts(listing: &Listing) -> Vec<(String, Result<String, String>)> {
    listing.members.iter().map(|member| (member.path.clone(), text(member))).collect()
}

fn ok(path: &str, text: &str) -> (String, Result<String, String>) {
    (path.to_owned(), Ok(text.to_owned()))
}

#[test]
fn a_tar_is_read_in_place_and_a_compressed_one_from_memory() {
    let long = format!("{}/{}.log", "folder".repeat(20), "name".repeat(20));
    let plain = tarred(&[
        ("b.log", b"second"),
        ("a/x.log", b"first"),
        (&long, b"long"),
        (".hidden", b"no"),
        ("b.log", b"again"),
    ]);
    let wanted = [ok("a/x.log", "first"), ok(&long, "long"), ok("b.log", "again")];
    for (name, bytes) in [
        ("a.tar", plain.clone()),
        ("a.tgz", gzip(&plain)),
        ("a.tar.zst", ::zstd::stream::encode_all(&plain[..], 1).expect("encodes")),
    ] {
        let (_dir, path) = file(name, &bytes);
        for hold_bytes in [1 << 20, 0] {
            let listing = listed(&path, hold_bytes);
            assert_eq!(texts(&listing), wanted, "{name} {hold_bytes}");
            assert_eq!((listing.hidden, listing.replaced, listing.broken), (1, 1, None));
        }
    }
    let mut damaged = gzip(&plain);
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    let (_dir, path) = file("a.tgz", &damaged);
    let listing = listed(&path, 1 << 20);
    assert_eq!(texts(&listing), wanted);
    assert!(listing.broken.expect("a reason").contains("checksum"));
    let (_dir, path) = file("plain.gz", &gzip(b"no tar in it"));
    assert!(list(&path, Expand::default(), &mut 0).is_none());
}

#[test]
fn a_tar_that_is_cut_off_gives_what_is_there() {
    let text = "line\n".repeat(1000);
    let plain = tarred(&[("a.log", text.as_bytes()), ("b.log", text.as_bytes())]);
    for cut in [600, 3000, 5600, 6200, 9000] {
        let (_dir, path) = file("a.tar", &plain[..cut]);
        let (_other, packed) = file("a.tgz", &gzip(&plain[..cut]));
        let whole = texts(&listed(&path, 0));
        assert_eq!(texts(&listed(&packed, 1 << 20)), whole, "{cut}");
        assert_eq!(whole[0].1.is_ok(), cut >= 5600, "{cut}");
        let is_whole = |text: &Result<String, String>| text.as_ref().is_ok_and(|text| text.len() == 5000);
        let is_cut = |text: &Result<String, String>| {
            text.as_ref().is_err_and(|error| error.contains("ends inside this file"))
        };
        assert!(whole.iter().all(|(_, text)| is_whole(text) || is_cut(text)), "{cut}: {whole:?}");
    }
}

#[test]
fn what_a_tar_header_says_is_not_trusted() {
    let mut endless = ::tar::Header::new_gnu();
    endless.set_size(u64::MAX >> 2);
    endless.set_entry_type(EntryType::GNULongName);
    endless.set_cksum();
    let mut bytes = endless.as_bytes().to_vec();
    bytes.extend(vec![b'a'; 200_000]);
    let (_dir, path) = file("a.tar", &bytes);
    let listing = listed(&path, 0);
    assert!(listing.members.is_empty());
    let mut damaged = tarred(&[("a.log", b"one"), ("b.log", b"two")]);
    damaged[1024] ^= 1;
    let (_dir, path) = file("a.tar", &damaged);
    let listing = listed(&path, 0);
    assert_eq!(texts(&listing), [ok("a.log", "one")]);
    assert!(listing.broken.expect("a reason").contains("a header is damaged"));
}

/// A stored zip member as the format has it, and its entry in the directory.
struct Zip(Vec<u8>, Vec<u8>, u16);

impl Zip {
    fn new() -> Zip {
        Zip(Vec::new(), Vec::new(), 0)
    }

    fn add(self, name: &str, packed: &[u8], bytes: usize, method: u16, flags: u16) -> Zip {
        let at = self.0.len();
        self.add_at(name, packed, bytes, method, flags, at, true)
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of the format")]
    fn add_at(
        mut self,
        name: &str,
        packed: &[u8],
        bytes: usize,
        method: u16,
        flags: u16,
        at: usize,
        body: bool,
    ) -> Zip {
        let mut common = Vec::new();
        for field in [20, flags, method, 0, 0x21] {
            common.extend(u16::to_le_bytes(field));
        }
        for field in [0, packed.len() as u32, bytes as u32] {
            common.extend(field.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0u16.to_le_bytes());
        if body {
            self.0.extend(b"PK\x03\x04");
            self.0.extend(&common);
            self.0.extend(name.as_bytes());
            self.0.extend(packed);
        }
        self.1.extend(b"PK\x01\x02\x14\x00");
        self.1.extend(&common);
        self.1.extend([0; 10]);
        self.1.extend((at as u32).to_le_bytes());
        self.1.extend(name.as_bytes());
        self.2 += 1;
        self
    }

    fn bytes(self) -> Vec<u8> {
        let (mut out, directory, count) = (self.0, self.1, self.2);
        let at = out.len() as u32;
        out.extend(&directory);
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend(count.to_le_bytes());
        out.extend(count.to_le_bytes());
        out.extend((directory.len() as u32).to_le_bytes());
        out.extend(at.to_le_bytes());
        out.extend([0, 0]);
        out
    }
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("writes");
    encoder.finish().expect("finishes")
}

#[test]
fn a_zip_is_read_member_by_member() {
    let zstd = ::zstd::stream::encode_all(&b"third"[..], 1).expect("encodes");
    let bytes = Zip::new()
        .add("logs/", b"", 0, 0, 0)
        .add("logs/a.log", b"first", 5, 0, 0)
        .add("../../b.log", &deflate(b"second"), 6, 8, 0)
        .add("c.log", &zstd, 5, 93, 0)
        .add("__MACOSX/._a.log", b"no", 2, 0, 0)
        .add("secret.log", b"??", 2, 0, 1)
        .add("odd.log", b"??", 2, 14, 0)
        .bytes();
    let (_dir, path) = file("a.zip", &bytes);
    let listing = listed(&path, 0);
    assert_eq!(
        texts(&listing),
        [ok("logs/a.log", "first"), ok("../../b.log", "second"), ok("c.log", "third")]
    );
    assert_eq!(listing.hidden, 1);
    let refused: Vec<&str> = listing.refused.iter().map(|(_, why)| why.as_str()).collect();
    assert!(
        refused[0].starts_with("encrypted") && refused[1].starts_with("compressed with lzma"),
        "{refused:?}"
    );
}

#[test]
fn a_zip_that_lies_is_refused() {
    // All members share the bytes of the first.
    let packed = deflate(&vec![b'a'; 1 << 20]);
    let mut zip = Zip::new().add("0", &packed, 1 << 20, 8, 0);
    for number in 1..1000 {
        zip = zip.add_at(&number.to_string(), &packed, 1 << 20, 8, 0, 0, false);
    }
    let (_dir, path) = file("a.zip", &zip.bytes());
    let listing = listed(&path, 0);
    assert!(listing.members.is_empty() && listing.broken.is_some(), "{listing:?}");
    // A member never gives more than the directory says.
    let (_dir, path) = file("a.zip", &Zip::new().add("a", &deflate(b"much more"), 4, 8, 0).bytes());
    assert_eq!(texts(&listed(&path, 0)), [ok("a", "much")]);
    let (_dir, path) = file("a.xlsx", &Zip::new().add("[Content_Types].xml", b"", 0, 0, 0).bytes());
    assert!(listed(&path, 0).broken.expect("a reason").contains("save it as CSV"));
}

#[test]
fn a_zip_that_is_cut_off_gives_what_is_there() {
    let long: String = (0..2000).map(|number| format!("line {number}\n")).collect();
    let packed = deflate(long.as_bytes());
    // The second has its sizes behind it, as what is packed on the fly.
    let mut on_the_fly = Zip::new().add("a.log", b"first", 5, 0, 0);
    on_the_fly = on_the_fly.add("b.log", &packed, long.len(), 8, 1 << 3);
    let at = on_the_fly.0.len() - packed.len() - "b.log".len() - 12;
    on_the_fly.0[at..at + 8].fill(0);
    on_the_fly.0.extend(b"PK\x07\x08");
    on_the_fly.0.extend([0; 12]);
    let whole = on_the_fly.add("c.log", &packed, long.len(), 8, 0).0;
    let (_dir, path) = file("a.zip", &whole);
    let listing = listed(&path, 0);
    assert_eq!(texts(&listing), [ok("a.log", "first"), ok("b.log", &long), ok("c.log", &long)]);
    assert!(listing.broken.expect("a reason").contains("directory"));
    for length in (0..whole.len()).step_by(7) {
        let (_dir, path) = file("a.zip", &whole[..length]);
        let Some(listing) = list(&path, Expand::default(), &mut 0) else { continue };
        let texts = texts(&listing);
        assert!(texts.len() <= 3 && listing.broken.is_some(), "{length}");
        // All but the last are whole.
        let whole = texts.len().saturating_sub(1);
        assert!(texts[..whole].iter().all(|(_, text)| text.is_ok()), "{length}");
    }
    let (_dir, path) = file("a.zip", &whole[..whole.len() - packed.len() / 2]);
    let listing = listed(&path, 0);
    let mut part = Vec::new();
    let mut reader = listing.members[2].open(Expand::default()).expect("opens");
    assert!(reader.read_to_end(&mut part).is_err());
    assert!(part.len() > 100 && long.as_bytes().starts_with(&part));
}

#[test]
fn a_damaged_member_of_a_zip_is_told_by_its_checksum() {
    let mut crc = Crc::new();
    crc.update(b"text");
    let with = |crc: u32| {
        let mut bytes = Zip::new().add("a", b"text", 4, 0, 0).bytes();
        // In the directory's entry.
        let at = bytes.windows(4).position(|four| four == b"PK\x01\x02").expect("an entry") + 16;
        bytes[at..at + 4].copy_from_slice(&crc.to_le_bytes());
        let (_dir, path) = file("a.zip", &bytes);
        text(&listed(&path, 0).members[0])
    };
    assert_eq!(with(crc.sum()).as_deref(), Ok("text"));
    assert!(with(1).expect_err("damaged").contains("checksum"));
}

#[test]
fn there_is_a_limit_to_members() {
    let files: Vec<(String, &[u8])> = (0..MAX_MEMBERS + 7).map(|n| (format!("{n}.log"), &b"x"[..])).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let (_dir, path) = file("a.tar", &tarred(&files));
    let listing = listed(&path, 0);
    assert_eq!((listing.members.len(), listing.beyond), (MAX_MEMBERS, 7));
}
