//! A server of a few lines for tests: it answers as a function says, on a free port of this machine, until it is dropped.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A request as it came in.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What comes back.
pub enum Reply {
    /// Status, further headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The same after so many milliseconds.
    Late(u64, u16, String),
    /// Headers that do not end.
    EndlessHeaders,
    /// A body that does not end.
    EndlessBody,
    /// The connection is closed in the middle of the body.
    Broken,
    /// These bytes.
    Raw(&'static str),
}

impl Reply {
    pub fn json(status: u16, body: &str) -> Reply {
        Reply::Answer(status, vec![("content-type", "application/json; charset=utf-8".into())], body.into())
    }

    pub fn html(status: u16, body: &str) -> Reply {
        Reply::Answer(status, vec![("content-type", "text/html".into())], body.into())
    }
}

pub struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (asked, ends) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (list, end, reply) = (Arc::clone(&asked), Arc::clone(&ends), Arc::new(reply));
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if end.load(Ordering::SeqCst) {
                    break;
                }
                let (list, end, reply) = (Arc::clone(&list), Arc::clone(&end), Arc::clone(&reply));
                thread::spawn(move || {
                    if let Some(one) = read(&stream) {
                        list.lock().expect("the list").push(one.clone());
                        answer(stream, reply(&one), &end);
                    }
                });
            }
        });
        Server { address, asked, ends, thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked for, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("the list").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads a request; None where the connection was closed without one.
fn read(mut stream: &TcpStream) -> Option<Asked> {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let (mut bytes, mut byte) = (Vec::new(), [0u8]);
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let mut asked = Asked {
        method: first.next()?.to_owned(),
        path: first.next()?.to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(key, value)| (key.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: String::new(),
    };
    let length = asked.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8_lossy(&body).into_owned();
    Some(asked)
}

fn answer(mut stream: TcpStream, reply: Reply, end: &AtomicBool) {
    let whole = |status: u16, headers: &[(&str, String)], body: &str| {
        let mut text =
            format!("HTTP/1.1 {status} Said\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        format!("{text}\r\n{body}")
    };
    let mut write = |text: &str| stream.write_all(text.as_bytes()).is_ok();
    let goes_on = || !end.load(Ordering::SeqCst);
    match reply {
        Reply::Answer(status, headers, body) => drop(write(&whole(status, &headers, &body))),
        Reply::Late(ms, status, body) => {
            thread::sleep(Duration::from_millis(ms));
            write(&whole(status, &[], &body));
        }
        Reply::EndlessHeaders => {
            write("HTTP/1.1 200 OK\r\n");
            while goes_on() && write(&format!("x-more: {}\r\n", "a".repeat(1000))) {}
        }
        Reply::EndlessBody => {
            write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[0");
            while goes_on() && write(&",0".repeat(4000)) {}
        }
        Reply::Broken => drop(write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{")),
        Reply::Raw(text) => drop(write(text)),
    }
}
