//! Opening what has to be a regular file. A pipe, a device or a socket in its place would let a program wait for ever, or
//! never end; these are refused before they are opened. Not here: sources that the user named, which may be pipes.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Opens a regular file, also one that a link leads to, and tells its length in bytes.
///
/// # Errors
/// It is something else, or cannot be opened.
pub fn open(path: &Path) -> io::Result<(File, u64)> {
    // Before it is opened: to open a pipe is to wait for its writer.
    refuse(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    refuse(&metadata)?;
    Ok((file, metadata.len()))
}

/// As [`open`], but no link is followed.
///
/// # Errors
/// It is something else, a link for one, or cannot be opened.
pub fn open_itself(path: &Path) -> io::Result<(File, u64)> {
    refuse(&fs::symlink_metadata(path)?)?;
    open(path)
}

/// The bytes of a regular file of at most `most_bytes`, also of one that a link leads to.
///
/// # Errors
/// As [`open`]; it is larger, or cannot be read.
pub fn read(path: &Path, most_bytes: u64) -> io::Result<Vec<u8>> {
    let (file, length) = open(path)?;
    whole(file, length, most_bytes)
}

/// The bytes of an open file of at most `most_bytes`. What says that it is empty may still hold something (`/proc`).
///
/// # Errors
/// It is larger, or cannot be read.
pub fn whole(file: File, length: u64, most_bytes: u64) -> io::Result<Vec<u8>> {
    let too_large = || {
        let error = format!("larger than {most_bytes} bytes, which are the most that are read");
        io::Error::new(io::ErrorKind::FileTooLarge, error)
    };
    if length > most_bytes {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(most_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most_bytes { Err(too_large()) } else { Ok(bytes) }
}

/// As [`read`], as text.
///
/// # Errors
/// As [`read`]; it is no UTF-8.
pub fn read_text(path: &Path, most_bytes: u64) -> io::Result<String> {
    String::from_utf8(read(path, most_bytes)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text"))
}

fn refuse(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let kind = match metadata.file_type() {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_symlink() => "a link",
        _ => "a pipe, a socket or a device",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}, no regular file")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_within_the_limit_are_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        fs::write(&path, "four").expect("a file");
        assert_eq!(read_text(&path, 4).expect("reads"), "four");
        assert_eq!(read(&path, 3).expect_err("too large").kind(), io::ErrorKind::FileTooLarge);
        assert!(read(dir.path(), 4).expect_err("a folder").to_string().contains("a folder"));
        fs::write(&path, [0xff]).expect("a file");
        assert_eq!(read_text(&path, 4).expect_err("no text").kind(), io::ErrorKind::InvalidData);
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_refused_and_links_where_they_are_not_wanted() {
        let dir = tempfile::tempdir().expect("a folder");
        let (path, link) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&path, "four").expect("a file");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        assert_eq!(read(&link, 4).expect("reads"), b"four");
        assert!(open_itself(&link).expect_err("a link").to_string().contains("a link"));
        assert!(read(Path::new("/dev/zero"), 4).expect_err("a device").to_string().contains("device"));
    }
}
