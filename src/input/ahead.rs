//! A reader in a thread of its own: the bytes that come next are read, and unpacked, while those before them are worked on. The
//! memory of what was taken is used again.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks that wait at most.
const QUEUE: usize = 4;
/// How long a non-blocking pipe that holds nothing is left alone.
const PAUSE: Duration = Duration::from_millis(10);

/// Bytes read at once: so many of them mean anything.
#[derive(Debug, Default)]
struct Chunk {
    bytes: Vec<u8>,
    filled: usize,
}

/// A reader of what a thread reads. It ends with the thread's reader; the thread ends with whichever of them ends first.
#[derive(Debug)]
pub struct Ahead {
    chunks: Receiver<io::Result<Chunk>>,
    /// Takes the memory of chunks back.
    spent: Sender<Vec<u8>>,
    chunk: Chunk,
    at: usize,
    /// The last chunk was not there yet when it was asked for.
    waited_for: Arc<AtomicBool>,
}

impl Ahead {
    /// Opens and begins to read: opening a named pipe waits for its writer.
    pub fn new<R: Read>(open: impl FnOnce() -> io::Result<R> + Send + 'static) -> Ahead {
        let (send, chunks) = sync_channel(QUEUE);
        let (spent, again) = channel();
        std::thread::spawn(move || match open() {
            Ok(inner) => read_on(inner, &send, &again),
            Err(error) => drop(send.send(Err(error))),
        });
        Ahead { chunks, spent, chunk: Chunk::default(), at: 0, waited_for: Arc::default() }
    }

    /// Tells at any time whether the last bytes had to be waited for.
    pub fn waited_for(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.waited_for)
    }

    /// Waits until there are bytes to take: true if there are, false at the end. The error of kind
    /// [`io::ErrorKind::TimedOut`] says that nothing came for so long.
    pub fn wait(&mut self, patience: Duration) -> io::Result<bool> {
        if self.at < self.chunk.filled {
            return Ok(true);
        }
        let ready = self.chunks.try_recv();
        self.waited_for.store(ready.is_err(), Ordering::Relaxed);
        match ready.or_else(|_| self.chunks.recv_timeout(patience)) {
            Ok(chunk) => {
                // Whoever read it may be gone; then nobody needs the memory.
                let _ = self.spent.send(std::mem::replace(&mut self.chunk, chunk?).bytes);
                self.at = 0;
                Ok(true)
            }
            Err(RecvTimeoutError::Disconnected) => Ok(false),
            Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Copies what is there, and says how many bytes that are.
    pub fn hand_out(&mut self, out: &mut [u8]) -> usize {
        let rest = &self.chunk.bytes[self.at..self.chunk.filled];
        let count = out.len().min(rest.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        count
    }
}

impl Read for Ahead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.wait(Duration::MAX) {
                Ok(true) => return Ok(self.hand_out(out)),
                Ok(false) => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn read_on(mut inner: impl Read, send: &SyncSender<io::Result<Chunk>>, again: &Receiver<Vec<u8>>) {
    loop {
        let mut bytes = again.try_recv().unwrap_or_default();
        bytes.resize(CHUNK_BYTES, 0);
        let read = loop {
            match inner.read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
                read => break read,
            }
        };
        let ends = !matches!(read, Ok(1..));
        if !matches!(read, Ok(0)) && send.send(read.map(|filled| Chunk { bytes, filled })).is_err() || ends {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes by threes, then fails.
    struct Broken(Vec<u8>);

    impl Read for Broken {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::other("unplugged"));
            }
            let count = self.0.len().min(3).min(out.len());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            Ok(count)
        }
    }

    #[test]
    fn hands_on_all_bytes_in_order() {
        let bytes: Vec<u8> = (0..3_000_000u32).map(|number| (number % 251) as u8).collect();
        let source = bytes.clone();
        let mut out = Vec::new();
        Ahead::new(move || Ok(io::Cursor::new(source))).read_to_end(&mut out).expect("reads");
        assert!(out == bytes);
    }

    #[test]
    fn what_was_read_comes_before_the_error() {
        let mut ahead = Ahead::new(|| Ok(Broken(b"seven b".to_vec())));
        let (mut out, mut piece) = (Vec::new(), [0; 2]);
        let error = loop {
            match ahead.read(&mut piece) {
                Ok(count) => out.extend_from_slice(&piece[..count]),
                Err(error) => break error,
            }
        };
        assert_eq!((out.as_slice(), error.to_string().as_str()), (&b"seven b"[..], "unplugged"));
        assert_eq!(ahead.read(&mut piece).expect("over"), 0);
        let refused = Ahead::new(|| Err::<io::Empty, _>(io::Error::other("no such pipe"))).read(&mut piece);
        assert_eq!(refused.expect_err("fails").to_string(), "no such pipe");
    }

    #[test]
    fn says_that_nothing_came() {
        let (hold, held) = channel::<()>();
        let mut ahead = Ahead::new(move || {
            let _ = held.recv();
            Ok(io::empty())
        });
        let waited = ahead.wait(Duration::from_millis(1)).expect_err("nothing there");
        assert_eq!(waited.kind(), io::ErrorKind::TimedOut);
        drop(hold);
        assert!(!ahead.wait(Duration::from_secs(60)).expect("the end"));
    }
}
