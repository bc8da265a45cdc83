//! A server on loopback whose answers are written by hand, to cut and stall where a test wants.

use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The head of an event stream whose body ends with the connection.
pub const OPEN: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                        connection: close\r\n\r\n";

/// The head of an event stream in chunks, whose end can be told from a cut.
pub const CHUNKED: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                           transfer-encoding: chunked\r\nconnection: close\r\n\r\n";

/// Returns this data as a chunk of a body.
pub fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

pub struct Server {
    listener: TcpListener,
}

impl Server {
    pub async fn start() -> Self {
        Self::at(([127, 0, 0, 1], 0).into()).await
    }

    pub async fn at(address: SocketAddr) -> Self {
        Self { listener: TcpListener::bind(address).await.unwrap() }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://{}/feed", self.address())
    }

    /// Returns the next request.
    pub async fn request(&self) -> Exchange {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(stream.read_line(&mut head).await.unwrap(), 0, "{head}");
        }
        let head = head.to_lowercase();
        let len = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; len.map_or(0, |len| len.parse().unwrap())];
        stream.read_exact(&mut body).await.unwrap();
        Exchange { head, body: String::from_utf8(body).unwrap(), stream }
    }

    /// Answers the next request, and disconnects. Returns the head of the request.
    pub async fn answer(&self, answer: impl AsRef<str>) -> String {
        let mut exchange = self.request().await;
        exchange.write(answer).await;
        exchange.head
    }

    /// Checks that nobody has connected since the last request.
    pub async fn assert_no_request(&self) {
        // Connections are accepted in turn, so this one comes after any other.
        let own = TcpStream::connect(self.address()).await.unwrap();
        let (_, from) = self.listener.accept().await.unwrap();
        assert_eq!(from, own.local_addr().unwrap(), "there was another request");
    }
}

pub struct Exchange {
    /// In lower case.
    pub head: String,
    pub body: String,
    stream: BufReader<TcpStream>,
}

impl Exchange {
    pub async fn write(&mut self, bytes: impl AsRef<str>) {
        self.stream.write_all(bytes.as_ref().as_bytes()).await.unwrap();
    }

    /// Waits until the client has disconnected.
    pub async fn closed(mut self) {
        // A reset is the end too.
        let _ = self.stream.read_to_end(&mut Vec::new()).await;
    }
}

/// Returns the value of this header, or `None`.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}
