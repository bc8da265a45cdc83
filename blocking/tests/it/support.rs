//! Servers that run for one connection, in a thread.

use eventwire_blocking::Transport;
use eventwire_blocking::ws::{self, AcceptError, WebSocket};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A server, and where it is.
pub(crate) struct Server<T> {
    pub(crate) port: u16,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Server<T> {
    /// Serves one connection.
    pub(crate) fn start(serve: impl FnOnce(TcpStream) -> T + Send + 'static) -> Self {
        Self::listen(move |listener| {
            let (stream, _) = listener.accept().unwrap();
            serve(stream)
        })
    }

    pub(crate) fn listen(serve: impl FnOnce(TcpListener) -> T + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { port, thread: thread::spawn(move || serve(listener)) }
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/chat", self.port)
    }

    pub(crate) fn join(self) -> T {
        self.thread.join().unwrap()
    }
}

/// Returns the two ends of a connection.
pub(crate) fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (ours, listener.accept().unwrap().0)
}

/// Sends messages back until the connection ends.
pub(crate) fn echo(socket: &mut WebSocket) {
    while let Some(Ok(message)) = socket.next() {
        if socket.send(message).is_err() {
            return;
        }
    }
}

pub(crate) fn accept(stream: TcpStream) -> Result<WebSocket, AcceptError> {
    ws::accept(stream).open()
}

/// Reads a request's head, and answers it.
pub(crate) fn answer(stream: &mut TcpStream, response: &[u8]) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    stream.write_all(response).unwrap();
    String::from_utf8(head).unwrap()
}

/// Accepts a WebSocket whose frames the test reads and writes itself.
pub(crate) fn upgrade(stream: &mut TcpStream) {
    use eventwire_blocking::eventwire::ws::handshake::accept_key;
    let mut copy = stream.try_clone().unwrap();
    let head = answer(&mut copy, b"");
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = String::from_utf8(accept_key(key).to_vec()).unwrap();
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    write!(stream, "{head}Sec-WebSocket-Accept: {accept}\r\n\r\n").unwrap();
}

/// Waits until the other end has closed the connection.
pub(crate) fn drain(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    rest
}

/// A transport that takes a few bytes at a time, and is often too late. What it does is random, but
/// the same for the same seed and the same calls.
pub(crate) struct Erratic {
    stream: TcpStream,
    /// One in so many calls is too late.
    lateness: u64,
    random: [AtomicU64; 2],
}

impl Erratic {
    pub(crate) fn new(stream: TcpStream, lateness: u64, seed: u64) -> Self {
        let random = [seed, seed ^ u64::MAX].map(AtomicU64::new);
        Self { stream, lateness, random }
    }

    /// Returns how many of these bytes are taken.
    fn take(&self, side: usize, len: usize) -> io::Result<usize> {
        let next = |state: u64| state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        let random = next(self.random[side].load(Ordering::Relaxed));
        self.random[side].store(random, Ordering::Relaxed);
        let random = random >> 33;
        match random % self.lateness {
            0 => Err(ErrorKind::TimedOut.into()),
            1 => Err(ErrorKind::Interrupted.into()),
            // Mostly a few bytes, sometimes many.
            _ => Ok(len.min(1 << (random >> 8 & 15))),
        }
    }
}

impl Transport for Erratic {
    fn read_within(&self, buffer: &mut [u8], time: Option<Duration>) -> io::Result<usize> {
        let len = self.take(0, buffer.len())?;
        self.stream.read_within(&mut buffer[..len], time)
    }

    fn write_within(&self, bytes: &[u8], time: Option<Duration>) -> io::Result<usize> {
        let len = self.take(1, bytes.len())?;
        self.stream.write_within(&bytes[..len], time)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        Transport::shutdown(&self.stream, how)
    }
}
