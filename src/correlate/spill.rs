//! What does not fit into memory, in files: entries of open requests, and what is left of requests that were let go.
//! Files have no name (the system removes them with the process, however that ends) and no other user may read them.
//! Not here: when something has to go (the budget).
//!
//! An error of the disk ends no run. What could not be written stays for the caller to do without; what could not be read
//! back is missed, and both are said.

pub mod graves;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::held::{Body, Held, Part, RawFrame};
use crate::input::batches::Batch;
use crate::input::frame::FrameContext;
use crate::record::Record;

/// A new file without a name in `dir`.
///
/// # Errors
/// The folder is missing, is none, or may not be written to.
pub fn nameless_file(dir: &Path) -> io::Result<File> {
    tempfile::tempfile_in(dir)
}

/// Entries of open requests in a file that only grows.
#[derive(Debug)]
pub struct Entries {
    file: Mutex<Growing>,
}

#[derive(Debug)]
struct Growing {
    dir: PathBuf,
    file: Option<File>,
    end: u64,
    trouble: Option<String>,
}

/// Where an entry stands that was put away, and what of it stays in memory.
#[derive(Debug, Clone)]
pub struct Stored {
    entries: Arc<Entries>,
    from: u64,
    len_bytes: usize,
    kind: StoredKind,
}

#[derive(Debug, Clone)]
enum StoredKind {
    Raw(Part, Option<Arc<FrameContext>>),
    /// Names that live as long as the program: of the payload and of the format.
    Record(&'static str, &'static str),
}

impl Entries {
    /// Entries in `dir`; the file is made when the first one comes.
    pub fn new(dir: &Path) -> Entries {
        Entries { file: Mutex::new(Growing { dir: dir.to_owned(), file: None, end: 0, trouble: None }) }
    }

    /// Puts an entry away that has bytes of its own; false if it is no such entry, or the disk refused it.
    pub fn put(self: &Arc<Entries>, held: &mut Held) -> bool {
        let (bytes, kind) = match &held.body {
            Body::Raw(raw) => {
                let frame = raw.as_ref();
                (frame.bytes().to_vec(), StoredKind::Raw(frame.part, raw.context().cloned()))
            }
            Body::Record(decoded) => {
                let (record, format) = &**decoded;
                let Ok(bytes) = serde_json::to_vec(record) else { return false };
                (bytes, StoredKind::Record(record.payload, format))
            }
            Body::Shared(..) | Body::Stored(_) => return false,
        };
        let Ok(from) = self.append(&bytes) else { return false };
        held.body =
            Body::Stored(Box::new(Stored { entries: Arc::clone(self), from, len_bytes: bytes.len(), kind }));
        true
    }

    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let mut growing = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let from = growing.end;
        let written = growing.write(from, bytes);
        if let Err(error) = &written {
            growing.trouble.get_or_insert_with(|| error.to_string());
        }
        written.map(|()| from)
    }

    fn read(&self, from: u64, len_bytes: usize) -> io::Result<Vec<u8>> {
        let mut growing = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = vec![0; len_bytes];
        let read = growing.read(from, &mut bytes);
        if let Err(error) = &read {
            growing.trouble.get_or_insert_with(|| error.to_string());
        }
        read.map(|()| bytes)
    }

    /// The first error of the disk.
    pub fn trouble(&self) -> Option<String> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }
}

impl Growing {
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(nameless_file(&self.dir)?),
        };
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)?;
        self.end = at + bytes.len() as u64;
        Ok(())
    }

    fn read(&mut self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(bytes)
    }
}

impl Stored {
    /// As [`super::held::Held::is_unread`].
    pub fn is_unread(&self) -> bool {
        matches!(&self.kind, StoredKind::Raw(part, _) if !part.complete)
    }

    /// The entry in memory again; None if it cannot be read.
    pub fn restore(&self) -> Option<Body> {
        let bytes = self.entries.read(self.from, self.len_bytes).ok()?;
        match &self.kind {
            StoredKind::Raw(part, context) => {
                let batch = Batch { bytes, contexts: context.iter().cloned().collect() };
                Some(Body::Raw(RawFrame::whole(batch, *part)))
            }
            StoredKind::Record(payload, format) => {
                let mut record: Record = serde_json::from_slice(&bytes).ok()?;
                record.payload = payload;
                Some(Body::Record(Box::new((record, format))))
            }
        }
    }
}

/// Has entries in memory again that were put away; one that cannot be read stays away.
pub fn restore(held: &mut [Held]) {
    for held in held {
        if let Body::Stored(stored) = &held.body
            && let Some(body) = stored.restore()
        {
            held.body = body;
        }
    }
}
