//! A connection with an end in time: whatever the other side does, or does not, a step is over when its time is.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

use super::seen::{Asked, Cause};
use super::tls::{Handshake, Trust};

/// Most bytes of one message of a server.
pub const MAX_MESSAGE: usize = 64 << 10;
/// Most bytes that are read of a server in all.
const MAX_READ: usize = 1 << 20;
/// Most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 8;

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It failed, with what was said.
    Failed(Cause, String),
    /// It could not be taken.
    NotRun(String),
}

impl Failure {
    /// What came is not what the protocol has here.
    pub fn garbled(what: &str) -> Failure {
        Failure::Failed(Cause::Garbled, what.to_owned())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        use io::ErrorKind as Kind;
        let (cause, said) = match error.kind() {
            Kind::TimedOut | Kind::WouldBlock => (Cause::TimedOut, "no answer in time".to_owned()),
            Kind::ConnectionRefused => (Cause::Refused, "connection refused".to_owned()),
            Kind::HostUnreachable | Kind::NetworkUnreachable => {
                (Cause::Unreachable, "no way there".to_owned())
            }
            Kind::UnexpectedEof | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => {
                (Cause::Closed, "the server closed the connection".to_owned())
            }
            _ => (Cause::Other, error.to_string()),
        };
        Failure::Failed(cause, said)
    }
}

/// Addresses of a name.
///
/// # Errors
/// It has none, or nobody says so in time.
pub fn resolve(host: &str, port: u16, until: Instant) -> Result<Vec<SocketAddr>, Failure> {
    // The system's resolver has no limit in time of its own, so that it is waited for from outside.
    let (sender, receiver) = mpsc::channel();
    let place = (host.to_owned(), port);
    thread::spawn(move || {
        sender.send(place.to_socket_addrs().map(|found| found.take(MAX_ADDRESSES).collect()))
    });
    let none = |said: String| Failure::Failed(Cause::Unresolved, said);
    let found: io::Result<Vec<SocketAddr>> = receiver
        .recv_timeout(until.saturating_duration_since(Instant::now()))
        .map_err(|_| none("no answer of the resolver in time".to_owned()))?;
    match found {
        Ok(addresses) if addresses.is_empty() => Err(none("the name has no address".to_owned())),
        Ok(addresses) => Ok(addresses),
        Err(error) => Err(none(error.to_string())),
    }
}

/// A socket whose reads and writes end when time is over, however slowly bytes come.
struct Timed {
    socket: TcpStream,
    until: Instant,
    read: usize,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        let read = self.socket.read(buffer)?;
        self.read += read;
        if self.read > MAX_READ {
            return Err(io::Error::other("the server says more than is asked"));
        }
        Ok(read)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
    Gone,
}

/// A connection.
pub struct Line {
    stream: Stream,
}

impl Line {
    /// Connects to the first address that answers.
    ///
    /// # Errors
    /// None does.
    pub fn connect(addresses: &[SocketAddr], until: Instant) -> Result<Line, Failure> {
        let mut last = Failure::Failed(Cause::Unresolved, "no address".to_owned());
        for (number, address) in addresses.iter().enumerate() {
            let left = until.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() - number).unwrap_or(1);
            if share.is_zero() {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            match TcpStream::connect_timeout(address, share) {
                Ok(socket) => {
                    // Small messages in turn: waiting to fill packets would only add to the times.
                    let _ = socket.set_nodelay(true);
                    return Ok(Line { stream: Stream::Plain(Timed { socket, until, read: 0 }) });
                }
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }

    /// Gives the next step its end.
    pub fn until(&mut self, until: Instant) {
        match &mut self.stream {
            Stream::Plain(timed) => timed.until = until,
            Stream::Tls(tls) => tls.sock.until = until,
            Stream::Gone => {}
        }
    }

    /// Whether it is encrypted.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Encrypts it.
    ///
    /// # Errors
    /// The handshake failed.
    pub fn encrypt(&mut self, trust: &Trust, asked: &Asked) -> Result<Handshake, Failure> {
        let Stream::Plain(mut timed) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(Failure::NotRun("encrypted already".to_owned()));
        };
        let (mut client, recorder) = trust.client(&asked.host)?;
        while client.is_handshaking() {
            client.complete_io(&mut timed).map_err(|error| super::tls::failure(&error))?;
        }
        let seen = recorder.handshake(&client);
        self.stream = Stream::Tls(Box::new(StreamOwned::new(client, timed)));
        Ok(seen)
    }

    /// Sends.
    ///
    /// # Errors
    /// It cannot be sent in time.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match &mut self.stream {
            Stream::Plain(timed) => timed.write_all(bytes)?,
            Stream::Tls(tls) => {
                tls.write_all(bytes)?;
                tls.flush()?;
            }
            Stream::Gone => return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
        }
        Ok(())
    }

    /// Reads as many bytes as this.
    ///
    /// # Errors
    /// They do not come in time, or are more than a message has.
    pub fn exactly(&mut self, count: usize) -> Result<Vec<u8>, Failure> {
        if count > MAX_MESSAGE {
            return Err(Failure::garbled("a message of more than 64 KiB"));
        }
        let mut bytes = vec![0; count];
        match &mut self.stream {
            Stream::Plain(timed) => timed.read_exact(&mut bytes)?,
            Stream::Tls(tls) => tls.read_exact(&mut bytes)?,
            Stream::Gone => return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
        }
        Ok(bytes)
    }

    /// Reads a line that ends with CR LF, without it.
    ///
    /// # Errors
    /// As [`Line::exactly`].
    pub fn text(&mut self) -> Result<String, Failure> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            if line.len() >= MAX_MESSAGE {
                return Err(Failure::garbled("a line of more than 64 KiB"));
            }
            line.extend(self.exactly(1)?);
        }
        line.truncate(line.len() - 2);
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}
