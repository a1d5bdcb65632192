//! Opening sources, each when it is its turn. Not here: which sources there are, and what compression they have.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::stdin::LiveReader;
use crate::input::source::{Source, SourceError, Stream};
use crate::input::unpack::Expand;

/// What a source is read from. Files are opened when it is their turn: a folder may hold more of them than a
/// process may have open.
pub enum Input {
    /// Not yet opened; it is unpacked so far.
    Closed(Source, Expand),
    /// Opened by the caller.
    Open(Stream),
}

impl Input {
    /// Size on disk, where it is known; a guess until the file is opened, for it may be compressed.
    pub fn size_bytes(&self) -> Option<u64> {
        match self {
            Input::Open(stream) => stream.size_bytes,
            Input::Closed(Source::Stdin, _) => None,
            Input::Closed(Source::Member(member), _) => Some(member.size_bytes()),
            Input::Closed(Source::File(path), _) => {
                std::fs::metadata(path).ok().filter(|m| m.is_file()).map(|m| m.len())
            }
        }
    }

    /// Opens it, if it is not open. `stop` ends whatever may be written to while it is read; `ticks` as in
    /// [`LiveReader`].
    pub fn open(self, stop: &Arc<AtomicBool>, ticks: bool) -> Result<Stream, SourceError> {
        match self {
            Input::Open(stream) => Ok(stream),
            Input::Closed(source, expand) => open(&source, expand, stop, ticks),
        }
    }
}

/// Opens a source. Whatever may be written to while it is read is read so that an interruption gets through.
fn open(source: &Source, expand: Expand, stop: &Arc<AtomicBool>, ticks: bool) -> Result<Stream, SourceError> {
    let stop = Arc::clone(stop);
    let live = match source {
        Source::Stdin => LiveReader::new(|| Ok(std::io::stdin()), stop, ticks),
        Source::File(path) if std::fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir()) => {
            let path = path.clone();
            LiveReader::new(|| std::fs::File::open(path), stop, ticks)
        }
        Source::File(_) | Source::Member(_) => return Stream::open(source, expand),
    };
    let name = source.name();
    Stream::within(Box::new(live), &name, None, expand).map_err(|source| SourceError::open(name, source))
}
