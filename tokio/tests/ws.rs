//! `ws::accept`, `ws::connect` and the `WebSocket` between them.

use bytes::Bytes;
use eventwire_tokio::eventwire::ws::frame::OnLimit;
use eventwire_tokio::ws::{
    self, AcceptError, ConnectError, ConnectErrorKind, Failure, Message, ReadyState, SendError,
    WebSocket, WebSocketOptions,
};
use futures_util::{SinkExt, StreamExt, stream};
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, duplex, split};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

type Failed = Box<dyn Error + Send + Sync>;

/// Both ends of a WebSocket over a pipe of this size, and the server's task.
async fn pair(size: usize) -> (WebSocket, WebSocket) {
    pair_with(size, WebSocket::DEFAULT_OPTIONS, WebSocketOptions::new()).await
}

async fn pair_with(
    size: usize,
    client: WebSocketOptions,
    server: WebSocketOptions,
) -> (WebSocket, WebSocket) {
    let (a, b) = duplex(size);
    let server = tokio::spawn(ws::accept(b).options(server).into_future());
    let client = ws::connect("ws://example.com/chat").options(client).over(a).await;
    (client.expect("a client"), server.await.expect("no panic").expect("a server"))
}

async fn echo(mut socket: WebSocket) -> Result<u32, Failed> {
    let mut count = 0;
    while let Some(message) = socket.next().await {
        socket.send(message?).await?;
        count += 1;
    }
    Ok(count)
}

#[tokio::test]
async fn messages_are_echoed_through_a_narrow_pipe() -> Result<(), Failed> {
    let (mut client, server) = pair(37).await;
    let server = tokio::spawn(echo(server));
    for i in 0..200 {
        let text = format!("{i} ").repeat(i);
        client.send(&text).await?;
        assert_eq!(client.next().await.expect("an echo")?, Message::from(text));
    }
    let close = client.close(1000, "bye").await?;
    assert!(close.was_clean);
    assert_eq!(close.code, 1000);
    assert!(client.next().await.is_none());
    assert_eq!(server.await??, 200);
    Ok(())
}

#[tokio::test]
async fn a_url_is_connected_to() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server: JoinHandle<Result<_, Failed>> = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await?;
        let mut seen = (String::new(), Vec::new());
        let socket = ws::accept(tcp)
            .protocols(["chat.v2", "chat.v1"])
            .on_request(|request| {
                seen.0 = request.target().to_owned();
                seen.1 = request.header("authorization").unwrap_or_default().to_vec();
                Ok(())
            })
            .await?;
        let protocol = socket.protocol().to_owned();
        echo(socket).await?;
        Ok((seen, protocol))
    });
    let mut client = ws::connect(format!("ws://{address}/chat?room=1"))
        .header("Authorization", "Bearer abc")
        .subprotocol("chat.v1")
        .no_proxy()
        .await?;
    assert_eq!(client.protocol(), "chat.v1");
    assert_eq!(client.ready_state(), ReadyState::Open);
    client.send(vec![1, 2, 3]).await?;
    assert_eq!(client.next().await.expect("an echo")?, Message::Binary(vec![1, 2, 3].into()));
    client.close(1000, "").await?;
    let ((target, authorization), protocol) = server.await??;
    assert_eq!((&*target, &*authorization), ("/chat?room=1", &b"Bearer abc"[..]));
    assert_eq!(protocol, "chat.v1");
    Ok(())
}

#[tokio::test]
async fn frames_right_after_the_request_are_not_lost() -> Result<(), Failed> {
    let (mut a, b) = duplex(4096);
    a.write_all(
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
          \x81\x82\0\0\0\0hi",
    )
    .await?;
    let mut server = ws::accept(b).await?;
    assert_eq!(server.next().await.expect("a message")?.into_text()?, "hi");
    Ok(())
}

#[tokio::test]
async fn halves_work_in_two_tasks() -> Result<(), Failed> {
    let (client, server) = pair(64).await;
    let server = tokio::spawn(echo(server));
    let (mut tx, mut rx) = client.split();
    let received = tokio::spawn(async move {
        let mut count = 0;
        while let Some(message) = rx.next().await {
            assert_eq!(message?.to_string(), format!("message {count}"));
            count += 1;
        }
        Ok::<_, Failed>(count)
    });
    for i in 0..500 {
        tx.send(format!("message {i}")).await?;
    }
    // Not before the last echo: messages after our close frame's answer would be lost.
    tokio::task::yield_now().await;
    let close = tx.close(1000, "bye").await?;
    assert!(close.was_clean, "{close}");
    assert!(received.await?? <= 500);
    assert_eq!(server.await??, 500);
    assert!(matches!(tx.send("late").await, Err(SendError::Closed)));
    Ok(())
}

#[tokio::test]
async fn a_client_that_only_reads_answers_a_thousand_pings() -> Result<(), Failed> {
    let (client, mut server) =
        pair_with(4096, WebSocketOptions::new(), WebSocketOptions::new().control_events(true))
            .await;
    let (_tx, mut rx) = client.split();
    let reader = tokio::spawn(async move { rx.next().await });
    for i in 0..1000_u32 {
        server.send(ws::Frame::ping(i.to_be_bytes())?).await?;
        let pong = server.next().await.expect("a pong")?;
        assert_eq!(pong, Message::Pong(Bytes::copy_from_slice(&i.to_be_bytes())));
    }
    assert!(server.close(1000, "").await?.was_clean);
    assert!(reader.await?.is_none());
    Ok(())
}

#[tokio::test]
async fn either_half_closes_the_connection() -> Result<(), Failed> {
    for by_reader in [false, true] {
        let (client, server) = pair(256).await;
        let server = tokio::spawn(echo(server));
        let (mut tx, mut rx) = client.split();
        let close =
            if by_reader { rx.close(4000, "r").await? } else { tx.close(4000, "w").await? };
        assert!(close.was_clean);
        assert_eq!((tx.close_event(), rx.close_event()), (Some(close.clone()), Some(close)));
        assert!(rx.next().await.is_none());
        server.await??;
    }
    Ok(())
}

/// The peer's answer comes behind messages of the same read, which stay with the other half.
#[tokio::test]
async fn closing_by_the_write_half_keeps_messages() -> Result<(), Failed> {
    let (client, mut server) = pair(4096).await;
    let (mut tx, mut rx) = client.split();
    for i in 0..3 {
        server.feed(format!("{i}")).await?;
    }
    server.flush().await?;
    let server = tokio::spawn(async move { server.closed().await });
    assert!(tx.close(1000, "").await?.was_clean);
    for i in 0..3 {
        assert_eq!(rx.next().await.expect("a message")?.to_string(), format!("{i}"));
    }
    assert!(rx.next().await.is_none());
    assert!(server.await?.was_clean);
    Ok(())
}

#[tokio::test]
async fn dropping_the_socket_says_goodbye() -> Result<(), Failed> {
    for halves in [false, true] {
        let (client, mut server) = pair(4096).await;
        if halves {
            let (tx, rx) = client.split();
            drop(rx);
            drop(tx);
        } else {
            drop(client);
        }
        let close = server.closed().await;
        assert_eq!(close.code, 1001);
    }
    Ok(())
}

#[tokio::test]
async fn a_reader_that_goes_away_leaves_closing_to_the_writer() -> Result<(), Failed> {
    let (client, mut server) = pair(64).await;
    let (mut tx, rx) = client.split();
    let server = tokio::spawn(async move {
        for i in 0..100 {
            if server.send(format!("message {i}")).await.is_err() {
                break;
            }
        }
        server.closed().await
    });
    let closing = tokio::spawn(async move { tx.close(1000, "").await });
    tokio::task::yield_now().await;
    drop(rx);
    assert!(closing.await??.was_clean);
    assert!(server.await?.was_clean);
    Ok(())
}

#[tokio::test]
async fn it_is_a_stream_and_a_sink() -> Result<(), Failed> {
    let (client, server) = pair(64).await;
    let server = tokio::spawn(async move {
        let (tx, rx) = StreamExt::split(server);
        rx.map(|message| Ok(message.unwrap_or_else(|_| Message::from("error")))).forward(tx).await
    });
    let (mut tx, rx) = client.split();
    let messages = (0..10).map(|i| Ok(Message::from(i.to_string())));
    tx.send_all(&mut stream::iter(messages)).await?;
    let echoes: Vec<_> = rx.take(10).map(|it| it.expect("an echo").to_string()).collect().await;
    assert_eq!(echoes.concat(), "0123456789");
    SinkExt::close(&mut tx).await?;
    server.await??;
    Ok(())
}

#[tokio::test]
async fn bytes_pass_in_binary_messages() -> Result<(), Failed> {
    let (client, server) = pair(100).await;
    let server = tokio::spawn(async move {
        let (mut read, mut write) = split(server.into_byte_stream());
        copy(&mut read, &mut write).await?;
        write.shutdown().await
    });
    let (mut read, mut write) = split(client.into_byte_stream());
    let sent: Vec<u8> = (0..50_000_u32).map(|i| (i % 251) as u8).collect();
    let expected = sent.clone();
    let writer = tokio::spawn(async move {
        write.write_all(&sent).await?;
        write.flush().await?;
        Ok::<_, std::io::Error>(write)
    });
    let mut received = vec![0; expected.len()];
    read.read_exact(&mut received).await?;
    assert_eq!(received, expected);
    let mut write = writer.await??;
    write.shutdown().await?;
    assert_eq!(read.read(&mut [0]).await?, 0);
    server.await??;
    Ok(())
}

#[tokio::test]
async fn an_end_without_closing_handshake_is_an_error_once() -> Result<(), Failed> {
    let (a, b) = duplex(4096);
    let server = tokio::spawn(ws::accept(b).into_future());
    let (mut read, mut write) = split(a);
    write
        .write_all(
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
              \x81\x82\0\0\0\0hi\x81\x8Acut",
        )
        .await?;
    let mut server = server.await??;
    write.shutdown().await?;
    drop(write);
    assert_eq!(server.next().await.expect("a message")?.to_string(), "hi");
    let mut rest = Vec::new();
    let reading = tokio::spawn(async move { read.read_to_end(&mut rest).await });
    let close = server.next().await.expect("an error").expect_err("an error");
    assert_eq!((close.code, &close.failure), (1006, &Some(Failure::EndOfStream)));
    assert!(server.next().await.is_none());
    assert_eq!(server.close_event(), Some(&close));
    assert_eq!(server.send("late").await, Err(SendError::Closed));
    reading.await??;
    Ok(())
}

#[tokio::test]
async fn the_mark_makes_senders_wait() -> Result<(), Failed> {
    let options = WebSocketOptions::new().high_water_mark(1000);
    let (mut client, mut server) = pair_with(64, options, WebSocketOptions::new()).await;
    // The pipe is full after this, as nobody reads.
    client.try_send(vec![0; 200])?;
    assert!(timeout(Duration::from_millis(50), client.flush()).await.is_err());
    let mut taken = 1;
    while client.try_send("0123456789").is_ok() {
        taken += 1;
    }
    assert!((10..=100).contains(&taken), "{taken}");
    assert_eq!(client.try_send("x"), Err(SendError::Full));
    let fed = timeout(Duration::from_millis(50), client.feed("x")).await;
    assert!(fed.is_err());
    let reader = tokio::spawn(async move {
        let mut count = 0;
        while let Some(Ok(_)) = server.next().await {
            count += 1;
        }
        count
    });
    client.feed("x").await?;
    client.close(1000, "").await?;
    assert_eq!(reader.await?, taken + 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_a_close_costs_five_seconds() -> Result<(), Failed> {
    let (mut client, _server) = pair(4096).await;
    let start = tokio::time::Instant::now();
    let close = client.close(1000, "").await?;
    assert_eq!(close.failure, Some(Failure::ClosingTimeout));
    let took = start.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(7)).contains(&took), "{took:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_given_up() -> Result<(), Failed> {
    let (mut client, _server) = pair(4096).await;
    let start = tokio::time::Instant::now();
    let close = client.next().await.expect("an error").expect_err("an error");
    assert_eq!(close.failure, Some(Failure::PongTimeout));
    let took = start.elapsed();
    assert!((Duration::from_secs(40)..Duration::from_secs(43)).contains(&took), "{took:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_ends_a_send() -> Result<(), Failed> {
    let (mut client, _server) = pair(64).await;
    let start = tokio::time::Instant::now();
    assert_eq!(client.send(vec![0; 10_000]).await, Err(SendError::Closed));
    let took = start.elapsed();
    assert!((Duration::from_secs(40)..Duration::from_secs(43)).contains(&took), "{took:?}");
    let failure = client.close_event().and_then(|close| close.failure.clone());
    assert_eq!(failure, Some(Failure::PongTimeout));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    let (a, _b) = duplex(4096);
    let start = tokio::time::Instant::now();
    let error = ws::connect("ws://example.com/").over(a).await.expect_err("an error");
    assert!(matches!(error.kind(), ConnectErrorKind::Timeout(_)), "{error:?}");
    let took = start.elapsed();
    assert!((Duration::from_secs(10)..Duration::from_secs(12)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_asks_is_given_up() {
    let (a, _b) = duplex(4096);
    let error = ws::accept(a).await.expect_err("an error");
    assert!(matches!(error, AcceptError::Timeout(_)), "{error:?}");
}

async fn answer(response: &'static [u8]) -> ConnectError {
    let (a, mut b) = duplex(4096);
    tokio::spawn(async move {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(b.read_u8().await?);
        }
        b.write_all(response).await?;
        b.shutdown().await
    });
    ws::connect("ws://example.com/").over(a).await.expect_err("an error")
}

#[tokio::test]
async fn a_refusal_has_status_headers_and_body() {
    let error = answer(
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait",
    )
    .await;
    assert!(!error.is_permanent());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    let refusal = error.refusal().expect("a refusal");
    assert_eq!((refusal.status(), &**refusal.body()), (429, &b"wait"[..]));

    let error = answer(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await;
    assert!(error.is_permanent());
    assert!(error.to_string().contains("401"), "{error}");
    let error = answer(b"\x15\x03\x01\0\x02\x02\x28").await;
    assert!(error.to_string().contains("wss"), "{error}");
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_an_error() {
    let over =
        |connect: ws::Connect| async { connect.over(duplex(64).0).await.expect_err("an error") };
    let error = over(ws::connect("localhost:8080")).await;
    assert!(matches!(error.kind(), ConnectErrorKind::Url(_)), "{error:?}");
    let connect = || ws::connect("ws://example.com/");
    let error = over(connect().header("Upgrade", "h2c")).await;
    assert!(matches!(error.kind(), ConnectErrorKind::Request(_)), "{error:?}");
    let error = over(connect().header("a", "b\n")).await;
    assert!(matches!(error.kind(), ConnectErrorKind::Header(_)), "{error:?}");
    let error = over(connect().subprotocol("a b")).await;
    assert!(matches!(error.kind(), ConnectErrorKind::Request(_)), "{error:?}");
    assert!(error.is_permanent());
}

/// Returns the server's error and its answer to the client.
async fn refused(request: &str, rejects: bool) -> (AcceptError, String) {
    let (mut a, b) = duplex(1 << 17);
    a.write_all(request.as_bytes()).await.expect("a pipe");
    let accept = ws::accept(b).on_request(move |_| {
        if rejects { Err(ws::handshake::Rejection::FORBIDDEN) } else { Ok(()) }
    });
    let server = tokio::spawn(async move { accept.await.expect_err("an error") });
    let mut answer = String::new();
    a.read_to_string(&mut answer).await.expect("an answer");
    drop(a);
    (server.await.expect("no panic"), answer)
}

#[tokio::test]
async fn a_bad_request_is_told_why() {
    let table = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "426", false),
        ("POST / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "405", false),
        (format!("GET /{} HTTP/1.1\r\n", "a".repeat(70_000)), "4", false),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                .to_owned(),
            "403",
            true,
        ),
    ];
    for (request, status, rejects) in table {
        let (error, answer) = refused(&request, rejects).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert_eq!(matches!(error, AcceptError::Rejected { status: 403 }), rejects);
    }
}

#[tokio::test]
async fn redirects_are_followed_only_if_asked_for() -> Result<(), Failed> {
    let target = TcpListener::bind("127.0.0.1:0").await?;
    let gate = TcpListener::bind("127.0.0.1:0").await?;
    let (to, from) = (target.local_addr()?, gate.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = gate.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(tcp.read_u8().await?);
            }
            let head = format!(
                "HTTP/1.1 302 Found\r\nLocation: ws://{to}/there\r\nContent-Length: 0\r\n\r\n"
            );
            tcp.write_all(head.as_bytes()).await?;
        }
        Ok::<_, std::io::Error>(())
    });
    let server = tokio::spawn(async move {
        let (tcp, _) = target.accept().await?;
        let mut authorization = None;
        let on_request = ws::accept(tcp).on_request(|request| {
            authorization = request.header("authorization").map(<[u8]>::to_vec);
            Ok(())
        });
        let socket = on_request.await?;
        echo(socket).await?;
        Ok::<_, Failed>(authorization)
    });
    let connect = || {
        let connect = ws::connect(format!("ws://{from}/here")).no_proxy();
        connect.header("Authorization", "Bearer secret")
    };
    let error = connect().await.expect_err("a redirect");
    assert!(matches!(error.kind(), ConnectErrorKind::Refused(_)), "{error:?}");
    let mut socket = connect().redirects(1).await?;
    socket.close(1000, "").await?;
    assert_eq!(server.await??, None);
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_down_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let error = ws::connect(format!("ws://{address}/")).no_proxy().await.expect_err("an error");
    let text = error.to_string();
    assert!(text.contains(&address.to_string()), "{text}");
    assert!(error.source().is_some());
}

/// The socket of the operating system is closed with the last event, even if the `WebSocket` is
/// kept.
#[tokio::test]
async fn the_transport_is_dropped_with_the_last_event() -> Result<(), Failed> {
    let (mut a, b) = duplex(4096);
    a.write_all(
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
          \x81\x80\0\0\0\0\x82\x80\0\0\0\0\x88\x80\0\0\0\0",
    )
    .await?;
    let server = tokio::spawn(async move {
        let mut server = ws::accept(b).await?;
        server.closed().await;
        Ok::<_, Failed>(server)
    });
    let mut answer = Vec::new();
    a.read_to_end(&mut answer).await?;
    assert!(answer.ends_with(b"\x88\0"));
    a.shutdown().await?;
    let server = server.await??;
    assert!(a.write_all(b"x").await.is_err());
    assert!(server.close_event().is_some_and(|close| close.was_clean));
    Ok(())
}

/// A page may send only 1000 and 3000 to 4999.
#[tokio::test]
async fn a_socket_that_acts_like_a_page_says_goodbye_too() -> Result<(), Failed> {
    let options = WebSocketOptions::new().browser_close_codes(true);
    let (client, mut server) = pair_with(4096, options, WebSocketOptions::new()).await;
    drop(client);
    assert_eq!(server.closed().await.code, 1000);
    Ok(())
}

/// A reader that was dropped while it waited looks as if it waited still.
#[tokio::test(start_paused = true)]
async fn a_sender_keeps_the_deadlines_of_a_reader_that_stopped() -> Result<(), Failed> {
    let (client, _server) = pair(64).await;
    let (mut tx, mut rx) = client.split();
    assert!(timeout(Duration::from_secs(1), rx.next()).await.is_err());
    let start = tokio::time::Instant::now();
    assert_eq!(tx.send(vec![0; 10_000]).await, Err(SendError::Closed));
    assert!(start.elapsed() < Duration::from_secs(70), "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_writer_whose_reader_was_dropped_answers_pings() -> Result<(), Failed> {
    let server = WebSocketOptions::new().control_events(true);
    let (client, mut server) = pair_with(4096, WebSocketOptions::new(), server).await;
    let (mut tx, _) = client.split();
    server.send(ws::Frame::ping(b"?")?).await?;
    server.send("dropped").await?;
    tx.send("hello").await?;
    tx.flush().await?;
    assert_eq!(server.next().await.expect("a pong")?, Message::Pong(Bytes::from("?")));
    assert_eq!(server.next().await.expect("a message")?.to_string(), "hello");
    Ok(())
}

#[tokio::test]
async fn long_writes_become_messages_of_64_kib() -> Result<(), Failed> {
    let (client, mut server) = pair(1 << 20).await;
    let mut stream = client.into_byte_stream();
    assert_eq!(stream.write(&[]).await?, 0);
    let writing = tokio::spawn(async move {
        stream.write_all(&vec![7; 200_000]).await?;
        stream.flush().await?;
        Ok::<_, std::io::Error>(stream)
    });
    let mut lens = Vec::new();
    while lens.iter().sum::<usize>() < 200_000 {
        let Message::Binary(payload) = server.next().await.expect("a message")? else {
            panic!("not a binary message")
        };
        lens.push(payload.len());
    }
    assert_eq!(lens, [65_536, 65_536, 65_536, 3_392]);
    drop(writing.await??);
    Ok(())
}

#[tokio::test]
async fn bytes_that_were_skipped_are_an_error() -> Result<(), Failed> {
    let limits = ws::Limits::new().max_message(10).on_limit(OnLimit::Skip);
    let options = WebSocketOptions::new().limits(limits);
    let (client, mut server) = pair_with(4096, options, WebSocketOptions::new()).await;
    server.send(vec![0; 11]).await?;
    let error = client.into_byte_stream().read(&mut [0]).await.expect_err("an error");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    Ok(())
}

/// The answer is written even if the time for the request is nearly over.
#[tokio::test(start_paused = true)]
async fn a_slow_refusal_keeps_its_reason() -> Result<(), Failed> {
    let (mut a, b) = duplex(16);
    let accept = ws::accept(b).timeout(Duration::from_millis(100));
    let server = tokio::spawn(accept.into_future());
    tokio::time::sleep(Duration::from_millis(90)).await;
    a.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    tokio::time::sleep(Duration::from_millis(90)).await;
    let error = server.await?.expect_err("an error");
    assert!(matches!(error, AcceptError::Request(_)), "{error:?}");
    Ok(())
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn nothing_is_sent_in_the_clear_for_wss() -> Result<(), Failed> {
    let (a, mut b) = duplex(4096);
    let connect = ws::connect("wss://user:secret@example.com/").over(a);
    let client = tokio::spawn(connect);
    let mut start = [0; 3];
    b.read_exact(&mut start).await?;
    assert_eq!(start, [0x16, 0x03, 0x01]); // the first message of TLS
    drop(b);
    assert!(client.await?.is_err());
    Ok(())
}
