//! Standard input and other pipes while they are still being written to: a thread reads, the run takes what is there, and an
//! interruption or a tick gets through although nothing arrives.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks that wait at most.
const QUEUE: usize = 4;
/// How long a quiet pipe is waited for before interruptions are looked at.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long a non-blocking pipe that holds nothing is left alone.
const PAUSE: Duration = Duration::from_millis(10);

/// A reader that ends when `stop` is set, and reports [`io::ErrorKind::WouldBlock`] on a quiet pipe if `ticks` is set.
pub struct LiveReader {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    at: usize,
    stop: Arc<AtomicBool>,
    ticks: bool,
}

impl LiveReader {
    /// Opens and begins to read in a thread of its own: opening a named pipe waits for its writer.
    pub fn new<R: Read>(
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        stop: Arc<AtomicBool>,
        ticks: bool,
    ) -> LiveReader {
        let (send, chunks) = sync_channel(QUEUE);
        std::thread::spawn(move || {
            let mut inner = match open() {
                Ok(inner) => inner,
                Err(error) => {
                    let _ = send.send(Err(error));
                    return;
                }
            };
            loop {
                let mut chunk = vec![0; CHUNK_BYTES];
                match inner.read(&mut chunk) {
                    Ok(0) => return,
                    Ok(count) => {
                        chunk.truncate(count);
                        if send.send(Ok(chunk)).is_err() {
                            return;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
                    Err(error) => {
                        let _ = send.send(Err(error));
                        return;
                    }
                }
            }
        });
        LiveReader { chunks, chunk: Vec::new(), at: 0, stop, ticks }
    }
}

impl Read for LiveReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(0);
            }
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => {
                    self.chunk = chunk?;
                    self.at = 0;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) if self.ticks => return Err(io::ErrorKind::WouldBlock.into()),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        let count = out.len().min(self.chunk.len() - self.at);
        out[..count].copy_from_slice(&self.chunk[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
