//! Tests of the way to a server, over loopback.

mod environment;
mod http_proxy;
#[cfg(unix)]
mod real_proxies;
mod socks_proxy;
mod tcp;
#[cfg(feature = "tls")]
mod tls;

use super::*;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, split};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// Dials, within a deadline.
async fn dialled(url: &str, options: &DialOptions) -> Result<BoxTransport, DialError> {
    within_deadline(url, options, Duration::from_secs(5)).await
}

async fn within_deadline(
    url: &str,
    options: &DialOptions,
    deadline: Duration,
) -> Result<BoxTransport, DialError> {
    let url = Url::parse(url).unwrap();
    let progress = Progress::new(&url);
    let dialled = tokio::time::timeout(deadline, dial(&url, options, &progress)).await;
    dialled.unwrap_or_else(|_| Err(progress.timed_out()))
}

/// Dials, and returns the error.
async fn failed(url: &str, options: &DialOptions) -> DialError {
    dialled(url, options).await.err().expect("the attempt fails")
}

/// Serves the connections of a listener of its own, one after the other.
async fn serve<S, F>(mut session: S) -> SocketAddr
where
    S: FnMut(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            session(stream).await;
        }
    });
    address
}

/// Starts a server that sends back what it receives.
async fn echo_server() -> SocketAddr {
    serve(|stream| async { echo(stream).await }).await
}

async fn echo(stream: impl AsyncRead + AsyncWrite) {
    let (mut reader, mut writer) = split(stream);
    let _ = copy(&mut reader, &mut writer).await;
}

/// Connects to a server, as a proxy does, and passes on what both sides send.
async fn forward(
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    server: SocketAddr,
) {
    let mut server = TcpStream::connect(server).await.unwrap();
    tokio::spawn(async move {
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
    });
}

/// Checks that a transport leads to a server that sends back what it receives.
async fn assert_echoes(mut transport: BoxTransport) {
    transport.write_all(b"hello").await.unwrap();
    transport.flush().await.unwrap();
    let mut received = [0; 5];
    transport.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"hello");
}

/// Reads a head of HTTP, to its empty line.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Accepts one connection.
async fn accept_once<T: Send + 'static, F: Future<Output = T> + Send>(
    session: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = tokio::spawn(async move { session(listener.accept().await.unwrap().0).await });
    (address, accepted)
}

/// A port of 127.0.0.1 on which nothing listens. No other test can take it.
struct ClosedPort(TcpSocket);

impl ClosedPort {
    fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self(socket)
    }

    fn number(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }
}
