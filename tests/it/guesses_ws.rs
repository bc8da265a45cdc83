//! The WebSocket code that a newcomer wrote before reading the docs. Each guess compiles and does
//! what it says, as far as a core without I/O can.
//!
//! | guess | here |
//! |---|---|
//! | `framed.send(message?)`, to echo | compiles: `the_echo` |
//! | `framed.split()`, then two kinds of frame | compiles: `two_kinds_of_frame_after_a_split` |
//! | `framed.close()` | `close(None)` or `SinkExt::close(&mut framed)`: `closing` |
//! | `socket.send("x")`, `socket.send(Frame::text("x"))` | compiles: `sending` |
//! | `close(1000, "bye")` | `close(Close::new(1000, "bye"))` or `close(1000)`: `closing` |
//! | `.header("authorization", x)` | compiles: `a_header` |
//! | `.headers(&[(.., &format!(..))])` | use `header`: the text must outlive the request |
//! | `ClientRequest::from_url("wss://..", nonce)` | compiles: `a_request_of_a_url` |
//! | `WebSocket::server(WebSocketOptions::new(), Instant::now())` | pass a `Duration`: `time` |
//! | `room.send(text)`, `socket.send(frame?)` of a prepared frame | compiles: `a_room` |
//! | `message?.into_text()?` | compiles: `the_echo` |
//! | `connect(url)`, `accept(stream)` | not here: `eventwire-tokio` and `eventwire-blocking` will |
//!
//! Time is a `Duration` since a start, because a machine without an operating system has no
//! `Instant`. This crate opens no sockets, so `connect` and `accept` are left to other crates.

use bytes::{Bytes, BytesMut};
use eventwire::ws::{
    Close, CloseCode, Connection, Frame, Limits, Message, MessageStream, PreparedFrame, WebSocket,
    WebSocketOptions,
};
use futures_util::{SinkExt, StreamExt};
use std::error::Error;
use std::time::{Duration, Instant};
use tokio::io::DuplexStream;
use tokio::sync::broadcast;

type Masks = fn() -> [u8; 4];
type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn pair() -> (MessageStream<DuplexStream>, MessageStream<DuplexStream, Masks>) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let server = Connection::server(Limits::new());
    let client = Connection::client(Limits::new(), rand::random as Masks);
    let server = MessageStream::new(ours, server, BytesMut::new());
    (server, MessageStream::new(theirs, client, BytesMut::new()))
}

/// Runs a client that sends some messages and receives them back.
async fn talk(mut client: MessageStream<DuplexStream, Masks>) -> Result {
    for text in ["one", "two", "three"] {
        client.send(text).await?;
    }
    for text in ["one", "two", "three"] {
        let Some(message) = client.next().await else { return Err("no message".into()) };
        assert_eq!(message?.into_text()?, text);
    }
    client.close(1000).await?;
    while client.next().await.transpose()?.is_some() {}
    Ok(())
}

#[tokio::test]
async fn the_echo() -> Result {
    let (mut socket, client) = pair();
    let client = tokio::spawn(talk(client));
    while let Some(message) = socket.next().await {
        socket.send(message?).await?;
    }
    client.await??;

    let (socket, client) = pair();
    let client = tokio::spawn(talk(client));
    let (sink, stream) = socket.split();
    stream.forward(sink).await?;
    client.await?
}

#[tokio::test]
async fn two_kinds_of_frame_after_a_split() -> Result {
    let (socket, client) = pair();
    let (mut tx, mut rx) = socket.split();
    let reading = tokio::spawn(async move {
        while rx.next().await.transpose()?.is_some() {}
        Result::Ok(())
    });
    tx.send("text").await?;
    tx.send(String::from("owned text")).await?;
    tx.send(vec![1, 2, 3]).await?;
    tx.send(Bytes::from_static(b"shared")).await?;
    tx.send(Message::Ping(Bytes::new())).await?;
    tx.send(Frame::text("frame")).await?;
    tx.send(Frame::text("prepared").prepare()).await?;
    tx.send(Frame::ping(b"?")?).await?;
    tx.flush().await?;
    tx.close(Close::new(CloseCode::NORMAL, "bye")).await?;
    // These methods are those of any stream and sink. No type needs to be written out.
    let (mut sink, mut stream) = StreamExt::split(client);
    let mut seen = Vec::new();
    while let Some(message) = stream.next().await {
        seen.push(message?);
    }
    assert_eq!(seen.len(), 9);
    sink.flush().await?;
    sink.close().await?;
    reading.await?
}

#[tokio::test]
async fn closing() -> Result {
    let (mut socket, mut client) = pair();
    SinkExt::close(&mut socket).await?;
    socket.close(None).await?;
    assert_eq!(client.next().await.transpose()?, Some(Message::Close(None)));
    let (mut socket, mut client) = pair();
    socket.close(Close::new(1000, "bye")).await?;
    let close = Message::Close(Some(Close::new(CloseCode::NORMAL, "bye".into())));
    assert_eq!(client.next().await.transpose()?, Some(close));

    let now = Duration::ZERO;
    let mut socket = WebSocket::server(WebSocketOptions::new(), now);
    socket.close(Close::new(1000, "bye"), now)?;
    let mut socket = WebSocket::server(WebSocketOptions::new(), now);
    socket.close(1000, now)?;
    Ok(())
}

#[test]
fn sending() -> Result {
    let mut socket = WebSocket::server(WebSocketOptions::new(), Duration::ZERO);
    let _ = socket.send("x")?;
    let _ = socket.send(Frame::text("x"))?;
    let _ = socket.send(Frame::text("x"))?;
    let _ = socket.send(format!("{}", 1))?;
    let _ = socket.send(Message::from("x"))?;
    let _ = socket.send(b"x")?;
    let frame: Frame<Bytes> = Message::from("x").try_into()?;
    let _ = socket.send_shared(frame)?;
    Ok(())
}

#[test]
fn time() {
    let start = Instant::now();
    let socket = WebSocket::server(WebSocketOptions::new(), start.elapsed());
    assert_eq!(socket.deadline(), Some(Duration::ZERO));
}

/// The task of each member waits for messages from the room and from the member.
#[tokio::test]
async fn a_room() -> Result {
    async fn member(
        mut socket: MessageStream<DuplexStream>,
        room: broadcast::Sender<PreparedFrame>,
    ) -> Result {
        let mut news = room.subscribe();
        loop {
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => drop(room.send(Frame::text(&text).prepare())),
                    Some(Ok(_)) => {}
                    _ => return Ok(()),
                },
                frame = news.recv() => socket.send(frame?).await?,
            }
        }
    }
    let room = broadcast::Sender::new(16);
    let (socket, client) = pair();
    let member = tokio::spawn(member(socket, room));
    talk(client).await?;
    member.await?
}

#[cfg(feature = "handshake")]
mod requests {
    use super::{Error, Result};
    use eventwire::ws::handshake::ClientRequest;
    use eventwire::ws::{WebSocket, WebSocketOptions};
    use std::time::Duration;

    fn request(token: &str) -> Result<ClientRequest<'static>> {
        let request = ClientRequest::from_url("wss://localhost:8831/", rand::random())?
            .header("Authorization", format!("Bearer {token}"))?;
        Ok(request)
    }

    #[test]
    fn a_request_of_a_url() -> Result<(), Box<dyn Error + Send + Sync>> {
        let url = String::from("ws://localhost/chat");
        let request = ClientRequest::from_url(&url, rand::random())?.into_owned();
        drop(url);
        assert!(request.to_bytes().starts_with(b"GET /chat HTTP/1.1\r\nHost: localhost\r\n"));
        Ok(())
    }

    #[test]
    fn a_header() -> Result {
        let (options, now) = (WebSocketOptions::new(), Duration::ZERO);
        let masks = rand::random::<[u8; 4]>;
        let mut socket = WebSocket::connect(&request("abc")?, options, masks, now);
        let head = bytes::Buf::chunk(&socket.to_write(now)).to_vec();
        assert!(head.ends_with(b"\r\nAuthorization: Bearer abc\r\n\r\n"));
        Ok(())
    }

    #[cfg(feature = "http")]
    #[test]
    fn a_header_by_its_name() -> Result {
        let token = http::HeaderValue::from_static("Bearer abc");
        let request = request("x")?.header(http::header::COOKIE, token)?;
        assert!(request.to_bytes().ends_with(b"\r\ncookie: Bearer abc\r\n\r\n"));
        Ok(())
    }

    #[cfg(feature = "getrandom")]
    #[test]
    fn a_client_without_rand() -> Result {
        use eventwire::ws::OsMaskKeys;
        use eventwire::ws::handshake::os_nonce;
        let request = ClientRequest::from_url("ws://localhost/", os_nonce()?)?;
        let (options, now) = (WebSocketOptions::new(), Duration::ZERO);
        let mut socket = WebSocket::connect(&request, options, OsMaskKeys::new(), now);
        assert!(bytes::Buf::has_remaining(&socket.to_write(now)));
        Ok(())
    }
}
