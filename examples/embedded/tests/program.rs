//! The program `embedded` with servers on loopback.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::{Buf, Bytes, BytesMut};
use eventwire::ws::handshake::ServerHandshake;
use eventwire::ws::{CloseEvent, WebSocketOptions};
use eventwire_test_support::{echo, program};
use futures_util::{StreamExt, stream};
use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::{net, thread};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

const PROGRAM: &str = env!("CARGO_BIN_EXE_embedded");

/// Sends the two events after the last event ID, in chunks of 7 bytes. There are six events in all.
async fn events(headers: HeaderMap) -> Response {
    let last = headers.get("last-event-id").map_or("0", |id| id.to_str().unwrap());
    let last: u64 = last.parse().unwrap();
    if last == 6 {
        return StatusCode::NO_CONTENT.into_response();
    }
    let event = |id| format!("retry: 20\r\nid: {id}\r\ndata: gr\u{FC}n\r\ndata: {id}\r\n\r\n");
    let body = event(last + 1) + &event(last + 2);
    let chunks: Vec<_> = body.as_bytes().chunks(7).map(Bytes::copy_from_slice).collect();
    let body = Body::from_stream(stream::iter(chunks).map(Ok::<_, Infallible>));
    ([("content-type", "text/event-stream")], body).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_in_chunks_is_followed_over_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let app = Router::new().route("/events", get(events));
    tokio::spawn(axum::serve(listener, app).into_future());

    let (status, output, errors) =
        spawn_blocking(move || program::run(PROGRAM, &[&url], b"")).await.unwrap();
    let printed = [1, 2, 3, 4, 5, 6].map(|id| format!("gr\u{FC}n\n{id}\n")).concat();
    assert_eq!((status, output), (Some(2), printed), "{errors}");
    let again = "embedded: end of the event stream, trying again\n".repeat(3);
    assert_eq!(errors, again + "embedded: status 204 instead of an event stream\n");
}

#[test]
fn a_stream_that_is_cut_off_is_requested_again() {
    let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        for response in [
            "200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
             99\r\nretry: 1\ndata: 1\n\ndata:",
            "204 No Content\r\n\r\n",
        ] {
            let (mut connection, _) = listener.accept().unwrap();
            let lines = BufReader::new(&connection).lines().map(Result::unwrap);
            assert_ne!(lines.take_while(|line| !line.is_empty()).count(), 0);
            connection.write_all(format!("HTTP/1.1 {response}").as_bytes()).unwrap();
        }
    });
    let (status, output, errors) = program::run(PROGRAM, &[&url], b"");
    server.join().unwrap();
    assert_eq!((status, &*output), (Some(2), "1\n"), "{errors}");
    let cut = "embedded: the transport ended inside the response, trying again\n";
    assert_eq!(errors, cut.to_owned() + "embedded: status 204 instead of an event stream\n");
}

/// Accepts one client and echoes its messages. Returns how the connection was closed.
async fn serve(listener: &TcpListener) -> CloseEvent {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut received = BytesMut::new();
    let mut handshake = ServerHandshake::new();
    let (head_len, response) = loop {
        if let Some(request) = handshake.decode(&received).unwrap() {
            assert_eq!(request.target(), "/chat");
            break (request.head_len(), request.accept().to_bytes());
        }
        assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0);
    };
    received.advance(head_len);
    stream.write_all(&response).await.unwrap();
    echo::echo(stream, received, WebSocketOptions::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_echoed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/chat", listener.local_addr().unwrap());
    // The long line exceeds the receive buffer. A line that exceeds the send buffer is not sent.
    let lines = format!("one\ngr\u{FC}n\n\n{}\n", "x".repeat(1000));
    let too_long = "x".repeat(2000);
    let error = "embedded: buffer too small: 2008 bytes are needed\n";
    for (input, status, output, errors, code) in
        [(&lines, 0, &*lines, "", 1000), (&too_long, 2, "", error, 1006)]
    {
        let (url, input) = (url.clone(), input.clone());
        let running = spawn_blocking(move || program::run(PROGRAM, &[&url], input.as_bytes()));
        let close = serve(&listener).await;
        let expected = (Some(status), output.to_owned(), errors.to_owned());
        assert_eq!(running.await.unwrap(), expected);
        assert_eq!((close.code, close.was_clean), (code, code != 1006), "{close}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_closes_is_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/chat", listener.local_addr().unwrap());
    let mut child = program::start(PROGRAM, &[&url]);
    // The input stays open, because at its end the client would close the connection.
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"close\n").unwrap();
    let close = serve(&listener).await;
    assert_eq!((close.code, close.was_clean), (4000, true), "{close}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn arguments_are_refused_in_one_line() {
    program::refuses_in_one_line(
        PROGRAM,
        &[&[], &["localhost"], &["https://localhost/"], &["ws://"], &["ws://a/", "ws://b/"]],
    );
}
