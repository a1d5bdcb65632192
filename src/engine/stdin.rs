//! Standard input and other pipes while they are still being written to: a thread reads, the run takes what is there, and an
//! interruption or a tick gets through although nothing arrives.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::input::ahead::Ahead;

/// How long a quiet pipe is waited for before interruptions are looked at.
const PATIENCE: Duration = Duration::from_millis(100);

/// A reader that ends when `stop` is set, and reports [`io::ErrorKind::WouldBlock`] on a quiet pipe if `ticks` is set.
pub struct LiveReader {
    ahead: Ahead,
    stop: Arc<AtomicBool>,
    ticks: bool,
}

impl LiveReader {
    /// Opens and begins to read in a thread of its own: opening a named pipe waits for its writer.
    pub fn new<R: Pipe>(
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        stop: Arc<AtomicBool>,
        ticks: bool,
    ) -> LiveReader {
        let ahead = Ahead::new(|| {
            let pipe = open()?;
            widen(&pipe);
            Ok(pipe)
        });
        LiveReader { ahead, stop, ticks }
    }
}

impl Read for LiveReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(0);
            }
            match self.ahead.wait(PATIENCE) {
                Ok(true) => return Ok(self.ahead.hand_out(out)),
                Ok(false) => return Ok(0),
                Err(error) if error.kind() != io::ErrorKind::TimedOut => return Err(error),
                Err(_) if self.ticks => return Err(io::ErrorKind::WouldBlock.into()),
                Err(_) => {}
            }
        }
    }
}

/// What may be a pipe.
#[cfg(target_os = "linux")]
pub trait Pipe: Read + std::os::fd::AsFd {}
#[cfg(target_os = "linux")]
impl<R: Read + std::os::fd::AsFd> Pipe for R {}

/// What may be a pipe.
#[cfg(not(target_os = "linux"))]
pub trait Pipe: Read {}
#[cfg(not(target_os = "linux"))]
impl<R: Read> Pipe for R {}

/// Lets a pipe hold a megabyte, so that its writer and we wake each other more seldom: Linux gives it 64 KiB. What is no
/// pipe, or may not be so large, stays as it is.
#[cfg(target_os = "linux")]
fn widen(pipe: &impl Pipe) {
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, 1 << 20);
}

#[cfg(not(target_os = "linux"))]
fn widen(_pipe: &impl Pipe) {}
