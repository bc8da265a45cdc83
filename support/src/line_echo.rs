//! A server for programs that send the lines of their input by WebSocket and print what comes back,
//! and what each such program must do.

use crate::{echo, program};
use bytes::{Buf, BytesMut};
use eventwire::ws::handshake::{Rejection, ServerHandshake};
use eventwire::ws::{CloseEvent, WebSocketOptions};
use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;
use std::thread;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A server that runs as long as the test.
#[derive(Debug)]
pub struct Server {
    /// The URL that the server echoes at. It refuses others.
    pub url: String,
    /// How connections were closed; `None` for those that the server dropped.
    pub ends: mpsc::UnboundedReceiver<Option<CloseEvent>>,
}

impl Server {
    /// Starts a server without TLS.
    ///
    /// # Panics
    ///
    /// If there is no port to listen on.
    pub async fn start() -> Self {
        Self::start_with("ws", async |stream| Some(stream)).await
    }

    /// Starts a server of this scheme, which does `open` with each connection first. `None` ends
    /// it.
    ///
    /// # Panics
    ///
    /// If there is no port to listen on.
    pub async fn start_with<S, F>(
        scheme: &str,
        open: impl Fn(TcpStream) -> F + Send + Sync + 'static,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
        F: Future<Output = Option<S>> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}/chat?a=b", listener.local_addr().unwrap());
        let (sender, ends) = mpsc::unbounded_channel();
        let open = Arc::new(open);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (open, sender) = (Arc::clone(&open), sender.clone());
                tokio::spawn(async move {
                    let Some(stream) = open(stream).await else { return };
                    let _ = sender.send(serve(stream).await);
                });
            }
        });
        Self { url, ends }
    }
}

/// Echoes to one client at the target of [`Server::url`], and refuses other targets with status
/// 401.
///
/// # Panics
///
/// If the client breaks the protocol.
pub async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<CloseEvent> {
    let mut received = BytesMut::new();
    let mut handshake = ServerHandshake::new();
    let (head_len, response, accepted) = loop {
        match handshake.decode(&received).unwrap() {
            Some(request) if request.target() == "/chat?a=b" => {
                break (request.head_len(), request.accept().to_bytes(), true);
            }
            Some(request) => {
                let rejection = Rejection::new(401).unwrap();
                break (request.head_len(), rejection.to_bytes(), false);
            }
            None => assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0),
        }
    };
    received.advance(head_len);
    stream.write_all(&response).await.unwrap();
    stream.flush().await.unwrap();
    if !accepted {
        stream.shutdown().await.unwrap();
        return None;
    }
    echo::echo(stream, received, WebSocketOptions::new()).await
}

/// Runs a program as [`program::run`] does, on an input too long for the pipes; returns its status
/// and output.
///
/// # Panics
///
/// If the program does not start, or does not read its input.
#[must_use]
pub fn run_long(program: &str, args: &[&str], input: &[u8]) -> (Option<i32>, Vec<u8>) {
    let mut child = program::start(program, args);
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        let output = child.wait_with_output().unwrap();
        (output.status.code(), output.stdout)
    })
}

/// Asserts that a program prints what it sent, and closes with 1000. `args` name the server.
///
/// # Panics
///
/// If it does not.
pub async fn echoes(program: &str, args: &[&str], server: &mut Server) {
    let normal = (Some(0), "one\ngr\u{FC}n\n3 bytes\n\n".into(), "open\nclosed with 1000\n".into());
    let input = "one\ngr\u{FC}n\nbinary\n\n";
    assert_eq!(program::run(program, args, input.as_bytes()), normal);
    let end = server.ends.recv().await.unwrap().unwrap();
    assert_eq!((end.code, end.was_clean), (1000, true), "{end}");

    // Much more than may wait to be written, in lines short and long.
    let line = |len: usize| "x".repeat(len % 997) + "\n";
    let input: String =
        (0..8000).map(line).chain([100_000, 500_000].map(|it| "y".repeat(it) + "\n")).collect();
    let (status, output) = run_long(program, args, input.as_bytes());
    assert_eq!(status, Some(0));
    assert!(output == input.as_bytes(), "{} bytes of {}", output.len(), input.len());
}

/// Asserts that a program exits with this status and these errors although its input stays open:
/// the server ends the connection.
///
/// # Panics
///
/// If it does not.
pub fn ends_by_itself(program: &str, args: &[&str], input: &str, status: i32, error: &str) {
    let mut child = program::start(program, args);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    let mut errors = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        errors += &(line.unwrap() + "\n");
    }
    assert_eq!((child.wait().unwrap().code(), &*errors), (Some(status), error));
}
