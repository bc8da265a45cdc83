//! A client on either wire, which reports when it has which event.

use bytes::{Buf, BytesMut};
use eventwire::sse::{Item, OwnedDecoder};
use eventwire_tokio::ws::{self, Message, WebSocketOptions};
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// The receive buffer of a client that does not read. The operating system allocates twice as much.
const RECEIVE_BUFFER: u32 = 16 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Sse,
    WebSocket,
}

impl Wire {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sse => "event stream",
            Self::WebSocket => "WebSocket",
        }
    }

    /// Returns the memory of an idle connection in the server, in bytes, by the crate's guide.
    pub(crate) const fn resident(self) -> u64 {
        match self {
            Self::Sse => 13_568,
            Self::WebSocket => 2_576,
        }
    }
}

/// Whether the client reads all the time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Steady,
    Pausing,
}

pub(crate) enum Report {
    Open,
    /// The next event arrived at this time.
    Event(Instant),
    /// A fault: an event that was not the next one, or the end.
    Fault(String),
}

pub(crate) struct Client {
    pub(crate) wire: Wire,
    /// Sent with each report.
    pub(crate) group: Group,
    pub(crate) reports: mpsc::UnboundedSender<(Group, Report)>,
    /// Whether to read.
    pub(crate) reading: watch::Receiver<bool>,
}

impl Client {
    /// Runs until the connection ends, which it should not.
    pub(crate) async fn run(mut self, address: SocketAddr) {
        if let Err(error) = self.follow(address).await {
            self.report(Report::Fault(error.to_string()));
        }
    }

    async fn follow(&mut self, address: SocketAddr) -> io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        let stream = socket.connect(address).await?;
        match self.wire {
            Wire::Sse => self.follow_events(stream).await,
            Wire::WebSocket => self.follow_socket(stream, address).await,
        }
    }

    async fn follow_socket(&mut self, stream: TcpStream, address: SocketAddr) -> io::Result<()> {
        let connect = ws::connect(format!("ws://{address}/socket"));
        let connect = connect.options(WebSocketOptions::new()).over(stream);
        let mut socket = connect.await.map_err(io::Error::other)?;
        self.report(Report::Open);
        let mut next = 0;
        loop {
            self.wait_for_reading().await;
            match socket.next().await {
                Some(Ok(Message::Text(text))) => self.event(&text, &mut next)?,
                Some(Ok(_)) => {}
                Some(Err(close)) => return Err(io::Error::other(close)),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    async fn follow_events(&mut self, mut stream: TcpStream) -> io::Result<()> {
        // No chunked encoding, which would only have to be removed again.
        stream.write_all(b"GET /events HTTP/1.0\r\n\r\n").await?;
        let mut received = BytesMut::new();
        let head_len = loop {
            read(&mut stream, &mut received).await?;
            if let Some(len) = head_len(&received)? {
                break len;
            }
        };
        received.advance(head_len);
        self.report(Report::Open);
        let (mut decoder, mut next) = (OwnedDecoder::new(), 0);
        loop {
            while let Some(item) = decoder.decode_buffer(&mut received).map_err(io::Error::other)? {
                if let Item::Event(event) = item {
                    self.event(&event.data, &mut next)?;
                }
            }
            if received.is_empty() {
                received = BytesMut::new();
            }
            self.wait_for_reading().await;
            read(&mut stream, &mut received).await?;
        }
    }

    /// A client that does not read waits here.
    async fn wait_for_reading(&mut self) {
        // The sender lives as long as the clients.
        let _ = self.reading.wait_for(|&reading| reading).await;
    }

    /// Checks the number that an event begins with, and reports the event.
    fn event(&self, data: &str, next: &mut usize) -> io::Result<()> {
        let number = data.split(' ').next().and_then(|number| number.parse().ok());
        if number != Some(*next) {
            return Err(io::Error::other(format!("{number:?} came in place of {next}")));
        }
        self.report(Report::Event(Instant::now()));
        *next += 1;
        Ok(())
    }

    fn report(&self, report: Report) {
        // The receiver of the reports may have stopped.
        let _ = self.reports.send((self.group, report));
    }
}

/// Returns where the head of the response ends, if it has arrived and is as expected.
fn head_len(received: &[u8]) -> io::Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(received).map_err(io::Error::other)? {
        httparse::Status::Partial => Ok(None),
        httparse::Status::Complete(len) if response.code == Some(200) => Ok(Some(len)),
        httparse::Status::Complete(_) => {
            Err(io::Error::other(format!("status {:?}", response.code)))
        }
    }
}

/// Waits without a buffer, because many clients wait.
async fn read(stream: &mut TcpStream, received: &mut BytesMut) -> io::Result<()> {
    stream.readable().await?;
    received.reserve(4096);
    match stream.try_read_buf(received) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}

/// Sends a POST request. Returns the server's answer.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!("POST {path} HTTP/1.0\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await?;
    let len = head_len(&response)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    String::from_utf8(response.split_off(len)).map_err(io::Error::other)
}
