//! The deadline that `serve` adds to `axum::serve`.

use axum::Router;
use axum::routing::get;
use example_support::serve::{PATIENCE, serve};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get("hello"));
    assert!(PATIENCE > SECOND);
    tokio::spawn(serve(listener, router, SECOND));
    address
}

/// Sends these bytes. Returns the response, and the time until the server disconnects.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> (String, Duration) {
    let begin = Instant::now();
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    let mut received = Vec::new();
    let read = socket.read_to_end(&mut received);
    timeout(30 * SECOND, read).await.expect("the server disconnects").unwrap();
    (String::from_utf8(received).unwrap(), begin.elapsed())
}

#[tokio::test]
async fn a_client_that_sends_half_a_request_is_disconnected() {
    let address = start().await;
    for part in ["", "G", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websoc"] {
        let (_, after) = exchange(address, part.as_bytes()).await;
        assert!((SECOND..20 * SECOND).contains(&after), "{part:?}: {after:?}");
    }
    // The second request of a connection has the same deadline.
    let (received, after) = exchange(address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP").await;
    assert!(received.ends_with("hello"), "{received}");
    assert!((SECOND..20 * SECOND).contains(&after), "{after:?}");
}

#[tokio::test]
async fn a_response_has_no_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let slow = async || {
        sleep(3 * SECOND).await;
        "late"
    };
    tokio::spawn(serve(listener, Router::new().route("/", get(slow)), SECOND));
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let (received, _) = exchange(address, request).await;
    assert!(received.ends_with("late"), "{received}");
}
