//! `MessageStream` in both roles.

use bytes::{Bytes, BytesMut};
use eventwire::ws::adapt::ReuniteError;
use eventwire::ws::frame::{Fault, Role};
use eventwire::ws::{
    Close, CloseCode, Connection, ConnectionState, Frame, Limits, MaskSource, Message,
    MessageStream, SendError, StreamError,
};
use eventwire_test_support::cut;
use eventwire_test_support::transport;
use eventwire_test_support::ws::{ROLES, Stream};
use futures_util::stream::FusedStream;
use futures_util::{FutureExt, SinkExt, StreamExt};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use transport::Pieces;

type Masks = fn() -> [u8; 4];

const MASKS: Masks = || [1, 2, 3, 4];

fn server<T>(io: T) -> MessageStream<T> {
    MessageStream::new(io, Connection::server(Limits::new()), BytesMut::new())
}

fn client<T>(io: T) -> MessageStream<T, Masks> {
    MessageStream::new(io, Connection::client(Limits::new(), MASKS), BytesMut::new())
}

fn state<T, M>(stream: &MessageStream<T, M>) -> ConnectionState {
    stream.connection().state()
}

/// How a stream of messages ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    Cut,
    Broken(Fault),
}

/// Returns streams that `role` receives, their messages, and how they end.
fn rows(role: Role) -> Vec<(Vec<u8>, Vec<Message>, End)> {
    let text = |text: &str| Message::Text(text.into());
    let normal = Message::Close(Some(Close { code: CloseCode::NORMAL, reason: "bye".into() }));
    let close = b"\x03\xE8bye";
    let stream = |build: fn(&mut Stream) -> &mut Stream| {
        let mut stream = Stream::new(role);
        build(&mut stream);
        stream.bytes
    };
    let fragments = || {
        let mut stream = Stream::new(role);
        stream.frame(0x81, b"whole").frame(0x01, b"gr\xC3").frame(0x89, b"?").frame(0x80, b"\xBCn");
        stream
    };
    let said = [text("whole"), Message::Ping(Bytes::from_static(b"?")), text("gr\u{FC}n")];
    vec![
        (Vec::new(), vec![], End::Cut),
        (fragments().bytes, said.to_vec(), End::Cut),
        (
            fragments().frame(0x88, close).bytes.clone(),
            [&said[..], &[normal]].concat(),
            End::Closed,
        ),
        (stream(|it| it.frame(0x88, b"").raw(b"ignored")), vec![Message::Close(None)], End::Closed),
        // The stream ends inside a message, a header or a payload.
        (stream(|it| it.frame(0x01, b"hello")), vec![], End::Cut),
        (
            stream(|it| it.frame(0x01, b"a").frame(0x80, b"b").raw(b"\x82")),
            vec![text("ab")],
            End::Cut,
        ),
        (
            stream(|it| it.frame(0x82, b"").header(0x82, 3).key().payload(b"xy")),
            vec![Message::Binary(Bytes::new())],
            End::Cut,
        ),
        (
            fragments().frame(0x83, b"").frame(0x81, b"never seen").bytes.clone(),
            said.to_vec(),
            End::Broken(Fault::ReservedOpCode(3)),
        ),
        (stream(|it| it.frame(0x81, b"\xFF")), vec![], End::Broken(Fault::InvalidUtf8)),
    ]
}

/// Reads all messages and the end. Each future that would have to wait is dropped. Replies go out
/// by reading alone.
fn read<M: MaskSource>(mut stream: MessageStream<Pieces, M>) -> (Vec<Message>, End, Pieces) {
    let mut messages = Vec::new();
    let mut end = End::Closed;
    loop {
        match stream.next().now_or_never() {
            None => {}
            Some(None) => break,
            Some(Some(Ok(message))) => messages.push(message),
            Some(Some(Err(StreamError::Io(error)))) => {
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
                end = End::Cut;
            }
            Some(Some(Err(StreamError::Protocol(error)))) => end = End::Broken(error.fault),
            Some(Some(Err(error))) => panic!("{error}"),
        }
    }
    assert!(stream.is_terminated() && matches!(stream.next().now_or_never(), Some(None)));
    (messages, end, stream.into_parts().0)
}

/// Returns the bytes that an endpoint in this role sends if it only reads.
fn answers(role: Role, messages: &[Message], end: End) -> Vec<u8> {
    let mut sent = Vec::new();
    let mut put = |frame: Frame<&[u8]>| {
        let mut server = Connection::server(Limits::new());
        let mut client = Connection::client(Limits::new(), MASKS);
        match role {
            Role::Server => server.send_to(frame, &mut sent).unwrap(),
            Role::Client => client.send_to(frame, &mut sent).unwrap(),
        }
    };
    for message in messages {
        match message {
            Message::Ping(payload) => put(Frame::pong(&payload[..]).unwrap()),
            Message::Close(close) => {
                let close = close.as_ref().map(|it| Close { code: it.code, reason: &*it.reason });
                put(Frame::close(close).unwrap());
            }
            _ => {}
        }
    }
    if let End::Broken(fault) = end {
        let close = Close { code: fault.close_code(), reason: "" };
        put(Frame::close(Some(close)).unwrap());
    }
    sent
}

#[test]
fn every_split_gives_the_same_messages() {
    for role in ROLES {
        for (stream, messages, end) in rows(role) {
            let check = |chunks: &[&[u8]]| {
                let pieces = Pieces::new(chunks.iter().copied());
                let (seen, seen_end, io) = match role {
                    Role::Server => read(server(pieces)),
                    Role::Client => read(client(pieces)),
                };
                assert_eq!((&seen, seen_end), (&messages, end), "{role:?} {chunks:?}");
                let answers = answers(role, &messages, end);
                if end == End::Cut {
                    assert!(answers.starts_with(&io.written), "{role:?} {chunks:?}");
                } else {
                    assert_eq!((io.written, io.shut), (answers, true), "{role:?} {chunks:?}");
                }
            };
            check(&[&stream]);
            check(&stream.chunks(1).collect::<Vec<_>>());
            for at in 0..=stream.len() {
                let (front, back) = stream.split_at(at);
                check(&[front, back]);
            }
        }
    }
}

/// Sends back every message, as the docs show. Returns the error if reading failed.
async fn echo<T, M>(
    mut stream: MessageStream<T, M>,
) -> Result<(T, Option<StreamError>), StreamError>
where
    T: AsyncRead + AsyncWrite + Unpin,
    M: MaskSource,
{
    let mut failed = None;
    while let Some(message) = stream.next().await {
        match message {
            Ok(Message::Text(text)) => stream.send(Frame::text(&text)).await?,
            Ok(Message::Binary(payload)) => stream.send(Frame::binary(payload)).await?,
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
    }
    Ok((stream.into_parts().0, failed))
}

/// Fails a test that would wait for ever.
async fn within<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), test).await.expect("the test takes too long")
}

/// Lets one end talk and the other echo, over the given pipe.
async fn converse<A, B>(talker: MessageStream<DuplexStream, A>, echoer: B)
where
    A: MaskSource,
    B: Future<Output = Result<(DuplexStream, Option<StreamError>), StreamError>>,
{
    let talk = async move {
        let mut stream = talker;
        let payload = eventwire_test_support::ws::pattern(70_000);
        let long = "gr\u{FC}\u{DF}e ".repeat(10_000);
        // An echo does not read while it writes, so send one message at a time.
        stream.send(Frame::text("hello")).await?;
        assert_eq!(stream.next().await.unwrap()?, Message::Text("hello".into()));
        stream.send(Frame::binary(&payload)).await?;
        assert_eq!(stream.next().await.unwrap()?, Message::Binary(payload.into()));
        for frame in Frame::text(&long).fragments(1000) {
            stream.send(frame).await?;
        }
        assert_eq!(stream.next().await.unwrap()?, Message::Text(long.into()));
        stream.send(Frame::ping(b"?").unwrap()).await?;
        assert_eq!(stream.next().await.unwrap()?, Message::Pong(Bytes::from_static(b"?")));
        stream.close(Some(Close { code: CloseCode::GOING_AWAY, reason: "bye" })).await?;
        assert_eq!(state(&stream), ConnectionState::LocalClosing);
        let Message::Close(Some(close)) = stream.next().await.unwrap()? else { panic!() };
        assert_eq!((close.code, &*close.reason), (CloseCode::GOING_AWAY, "bye"));
        assert_eq!(state(&stream), ConnectionState::Closed);
        assert!(stream.next().await.is_none());
        Ok::<_, StreamError>(())
    };
    let (talk, echo) = within(async { tokio::join!(talk, echoer) }).await;
    talk.unwrap();
    assert!(echo.unwrap().1.is_none());
}

#[tokio::test]
async fn a_conversation() {
    for width in [7, 131, 1 << 20] {
        let (ours, theirs) = tokio::io::duplex(width);
        converse(client(ours), echo(server(theirs))).await;
        let (ours, theirs) = tokio::io::duplex(width);
        converse(server(ours), echo(client(theirs))).await;
    }
}

#[tokio::test]
async fn a_broken_peer_is_answered() {
    for (sent, answer) in [
        (&b"\x83\x80"[..], b"\x88\x02\x03\xEA"),
        (b"\x81\x81\0\0\0\0\xFF", b"\x88\x02\x03\xEF"),
        (b"\x82\xFF\0\0\0\x01\0\0\0\0", b"\x88\x02\x03\xF1"),
    ] {
        let (mut peer, ours) = tokio::io::duplex(64);
        peer.write_all(&[b"\x89\x80\0\0\0\0", sent].concat()).await.unwrap();
        let (io, failed) = within(echo(server(ours))).await.unwrap();
        assert!(matches!(failed, Some(StreamError::Protocol(_))), "{failed:?}");
        drop(io);
        let mut received = Vec::new();
        peer.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, [b"\x8A\x00", &answer[..]].concat());
    }
    // A client's reply is masked, and the client hangs up as well.
    let (mut peer, ours) = tokio::io::duplex(64);
    peer.write_all(b"\x83").await.unwrap();
    drop(within(echo(client(ours))).await.unwrap());
    let mut received = Vec::new();
    peer.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"\x88\x82\x01\x02\x03\x04\x02\xE8");
}

#[tokio::test]
async fn a_cut_connection_is_no_end() {
    // This holds even if our close frame was sent and the reply to it is awaited.
    let (ours, theirs) = tokio::io::duplex(64);
    let mut stream = server(ours);
    stream.close(None).await.unwrap();
    assert_eq!(state(&stream), ConnectionState::LocalClosing);
    drop(theirs);
    let Some(Err(StreamError::Io(error))) = stream.next().await else { panic!() };
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert!(stream.next().await.is_none());
    assert!(stream.next().await.is_none());
    assert_eq!(state(&stream), ConnectionState::LocalClosing);

    let mut stream = server(Pieces::new([]).then_fail(io::ErrorKind::ConnectionReset));
    let Some(Err(StreamError::Io(error))) = stream.next().await else { panic!() };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(stream.next().await.is_none());
}

#[test]
fn frames_take_along_what_is_owed() {
    let received = b"\x89\x81\0\0\0\0?\x89\x80\0\0\0\0\x88\x80\0\0\0\0";
    let mut stream = server(Stuck::new(received));
    let mut next = || stream.next().now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(next(), Message::Ping("?".into()));
    assert_eq!(next(), Message::Ping("".into()));
    assert!(stream.feed(Frame::text("a")).now_or_never().unwrap().is_ok());
    assert!(stream.feed(Frame::text("b").prepare()).now_or_never().unwrap().is_ok());
    // The peer has closed, and nothing may follow our close frame.
    assert_eq!(stream.next().now_or_never().unwrap().unwrap().unwrap(), Message::Close(None));
    let result = stream.feed(Frame::text("c")).now_or_never().unwrap();
    assert!(matches!(result, Err(StreamError::Send(SendError::Closed))), "{result:?}");
    let result = stream.feed(Frame::text("c").prepare()).now_or_never().unwrap();
    assert!(matches!(result, Err(StreamError::Send(SendError::Closed))), "{result:?}");
    assert_eq!(state(&stream), ConnectionState::Closed);
    assert!(stream.next().now_or_never().is_none());
    assert!(stream.flush().now_or_never().is_none());
}

#[tokio::test]
async fn a_refused_frame_goes_unsent_and_the_reply_out() {
    let (mut peer, ours) = tokio::io::duplex(64);
    let mut stream = client(ours);
    peer.write_all(b"\x88\x00").await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), Message::Close(None));
    assert_eq!(state(&stream), ConnectionState::Closed);
    let refused = stream.send(Frame::text("late")).await;
    assert!(matches!(refused, Err(StreamError::Send(SendError::Closed))), "{refused:?}");
    drop(stream);
    let mut received = Vec::new();
    peer.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"\x88\x80\x01\x02\x03\x04");
}

#[tokio::test]
async fn a_client_masks() {
    let (mut peer, ours) = tokio::io::duplex(64);
    let mut stream = client(ours);
    stream.send(Frame::text("hi")).await.unwrap();
    stream.send(Frame::binary(vec![0; 5])).await.unwrap();
    drop(stream);
    let mut received = Vec::new();
    peer.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"\x81\x82\x01\x02\x03\x04ik\x82\x85\x01\x02\x03\x04\x01\x02\x03\x04\x01");
}

#[tokio::test]
async fn one_frame_to_many() {
    let news = Frame::text("to all").prepare();
    let (mut servers, clients): (Vec<_>, Vec<_>) = (0..3)
        .map(|_| tokio::io::duplex(64))
        .map(|(ours, theirs)| (server(ours), client(theirs)))
        .unzip();
    for stream in &mut servers {
        stream.send(news.clone()).await.unwrap();
    }
    for mut stream in clients {
        let message = within(stream.next()).await.unwrap().unwrap();
        assert_eq!(message, Message::Text("to all".into()));
    }
}

#[tokio::test]
async fn what_came_behind_the_handshake_is_read_first() {
    let (mut peer, ours) = tokio::io::duplex(64);
    let connection = Connection::server(Limits::new());
    let mut stream = MessageStream::new(ours, connection, BytesMut::from(&b"\x81\x82\0\0"[..]));
    peer.write_all(b"\0\0hi").await.unwrap();
    let message = within(stream.next()).await.unwrap().unwrap();
    assert_eq!(message, Message::Text("hi".into()));
}

/// Returns everything that an echoing server sends, by its connection alone.
fn echoed(mut received: BytesMut) -> Vec<u8> {
    let mut connection = Connection::server(Limits::new());
    let mut sent = Vec::new();
    while let Some(message) = connection.receive(&mut received).unwrap() {
        connection.reply_to(&mut sent).unwrap();
        if let Message::Text(text) = message {
            connection.send_to(Frame::text(&text), &mut sent).unwrap();
        }
    }
    sent
}

#[test]
fn futures_that_are_dropped_lose_nothing() {
    let mut stream = Stream::new(Role::Server);
    for number in 0..60 {
        let text = format!("{number} gr\u{FC}n").repeat(number);
        let (front, back) = text.as_bytes().split_at(text.len() / 2);
        stream.frame(0x01, front).frame(0x89, &[u8::try_from(number).unwrap()]).frame(0x80, back);
        stream.frame(0x81, text.as_bytes());
    }
    stream.frame(0x88, b"\x03\xE8");
    let stream = stream.bytes;
    let expected = echoed(BytesMut::from(&stream[..]));
    let mut random = SmallRng::seed_from_u64(7);
    for _ in 0..20 {
        let lengths: Vec<usize> = (0..300).map(|_| random.random_range(1..200)).collect();
        let mut stream = server(Pieces::new(cut(&stream, &lengths)));
        let mut dropped = 0;
        loop {
            let message = match stream.next().now_or_never() {
                None => {
                    dropped += 1;
                    continue;
                }
                Some(None) => break,
                Some(Some(message)) => message.unwrap(),
            };
            // A send that is dropped while it flushes was accepted, and goes out later.
            if let Message::Text(text) = message {
                dropped += usize::from(stream.send(Frame::text(&text)).now_or_never().is_none());
            }
            // Flush so that the buffer is never full: a send that waits for room is not accepted
            // yet.
            while stream.flush().now_or_never().is_none() {}
        }
        assert!(dropped > 300, "{dropped}");
        let io = stream.into_parts().0;
        assert!(io.shut);
        assert!(io.written == expected, "the written bytes differ");
    }
}

const fn send_sync<T: Send + Sync + Unpin>() {}
const fn error<T: std::error::Error + Send + Sync + 'static>() {}

const _: () = {
    send_sync::<MessageStream<DuplexStream>>();
    send_sync::<MessageStream<DuplexStream, Masks>>();
    error::<StreamError>();
};

#[cfg(feature = "deflate")]
#[tokio::test]
async fn messages_are_compressed_as_the_connection_agreed() {
    use eventwire::ws::Deflate;
    use eventwire::ws::deflate::DeflateParams;
    let deflate = Deflate::new();
    let agreed = Some(DeflateParams::default());
    let (here, there) = tokio::io::duplex(512);
    let connection = Connection::server(Limits::new()).deflate(&deflate, agreed);
    let mut server = MessageStream::new(here, connection, BytesMut::new());
    let connection = Connection::client(Limits::new(), MASKS).deflate(&deflate, agreed);
    let mut client = MessageStream::new(there, connection, BytesMut::new());
    // Far too long for the pipe unless it is compressed.
    let text = "again and ".repeat(1000);
    client.send(Frame::ping(&b"?"[..]).unwrap()).await.unwrap();
    client.send(Frame::text(&text).unfinished()).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::Ping("?".into()));
    client.send(Frame::text("").continuing()).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::Text((&*text).into()));
    // A reply goes out before the next frame, even inside a compressed message.
    server.send(Frame::text(&text).unfinished()).await.unwrap();
    client.send(Frame::ping(&b"!"[..]).unwrap()).await.unwrap();
    assert!(server.next().await.unwrap().is_ok());
    server.send(Frame::text("").continuing()).await.unwrap();
    server.send(Frame::text(&text).prepare()).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong("?".into()));
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong("!".into()));
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Text((&*text).into()));
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Text((&*text).into()));
}

/// Yields these bytes and then nothing; accepts nothing.
#[derive(Debug)]
struct Stuck {
    to_read: Vec<u8>,
}

impl Stuck {
    fn new(to_read: &[u8]) -> Self {
        Self { to_read: to_read.to_vec() }
    }
}

impl AsyncRead for Stuck {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.to_read.is_empty() {
            return Poll::Pending;
        }
        let len = self.to_read.len().min(buffer.remaining());
        buffer.put_slice(&self.to_read.drain(..len).collect::<Vec<_>>());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stuck {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn one_who_only_reads_answers_pings_closes_and_errors() {
    for (sent, answer, broken) in [
        (&b"\x89\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xE8"[..], b"\x8A\x02hi\x88\x02\x03\xE8", false),
        (b"\x89\x82\0\0\0\0hi\x83", b"\x8A\x02hi\x88\x02\x03\xEA", true),
    ] {
        let (mut peer, ours) = tokio::io::duplex(64);
        peer.write_all(sent).await.unwrap();
        let mut stream = server(ours);
        // There are at most three items. The peer has its reply before the last one is asked for.
        assert!(within(stream.next()).await.unwrap().is_ok());
        assert_eq!(within(stream.next()).await.unwrap().is_err(), broken);
        let mut received = vec![0; answer.len()];
        within(peer.read_exact(&mut received)).await.unwrap();
        assert_eq!(received, answer);
        assert!(within(stream.next()).await.is_none());
        assert_eq!(within(peer.read(&mut received)).await.unwrap(), 0, "the server hangs up first");
    }
}

#[tokio::test]
async fn a_client_hangs_up_after_the_server() {
    let (mut peer, ours) = tokio::io::duplex(64);
    let mut stream = client(ours);
    peer.write_all(b"\x88\x00").await.unwrap();
    assert_eq!(within(stream.next()).await.unwrap().unwrap(), Message::Close(None));
    let mut answer = [0; 6];
    within(peer.read_exact(&mut answer)).await.unwrap();
    assert!(stream.next().now_or_never().is_none());
    // Bytes after a close frame are ignored.
    peer.write_all(b"\x81\x01a").await.unwrap();
    assert!(stream.next().now_or_never().is_none());
    assert!(peer.read(&mut answer).now_or_never().is_none());
    peer.shutdown().await.unwrap();
    assert!(within(stream.next()).await.is_none());
    assert_eq!(within(peer.read(&mut answer)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_read_and_owed_one_pong() {
    const PINGS: u32 = 10_000;
    let (peer, ours) = tokio::io::duplex(64);
    let (mut from_us, mut to_us) = tokio::io::split(peer);
    let pings = tokio::spawn(async move {
        for number in 0..PINGS {
            let mut ping = b"\x89\x84\0\0\0\0".to_vec();
            ping.extend(number.to_be_bytes());
            to_us.write_all(&ping).await.unwrap();
        }
        to_us
    });
    let mut stream = server(ours);
    for number in 0..PINGS {
        let message = within(stream.next()).await.unwrap().unwrap();
        assert_eq!(message, Message::Ping(number.to_be_bytes().to_vec().into()));
    }
    let _to_us = pings.await.unwrap();
    // The peer reads now: the pongs in the pipe, one in transit, and the latest one.
    let reading = tokio::spawn(async move {
        let mut received = Vec::new();
        from_us.read_to_end(&mut received).await.unwrap();
        received
    });
    within(stream.flush()).await.unwrap();
    drop(stream);
    let received = within(reading).await.unwrap();
    let answers: Vec<_> =
        received.chunks(6).map(|it| it.strip_prefix(b"\x8A\x04").unwrap()).collect();
    assert!(answers.len() <= 64 / 6 + 2, "{}", answers.len());
    assert_eq!(answers.last().unwrap(), &(PINGS - 1).to_be_bytes());
}

/// One task reads and the other writes, over a small pipe. Both go on, whichever of them is woken
/// when there is room.
#[tokio::test]
async fn both_halves_of_a_stream_go_on() {
    const MESSAGES: u32 = 500;
    let (peer, ours) = tokio::io::duplex(16);
    let (mut sink, mut stream) = server(ours).split();
    let (mut their_sink, mut their_stream) = client(peer).split();
    let text = "a text that is longer than the pipe is wide";
    let sending = tokio::spawn(async move {
        for _ in 0..MESSAGES {
            sink.send(Frame::text(text)).await.unwrap();
        }
        sink
    });
    // One task of the peer sends pings, which our end answers.
    let their_pings = tokio::spawn(async move {
        for number in 0..MESSAGES {
            their_sink.send(Frame::ping(number.to_be_bytes()).unwrap()).await.unwrap();
        }
        their_sink
    });
    let reading = tokio::spawn(async move {
        for _ in 0..MESSAGES {
            assert!(matches!(stream.next().await, Some(Ok(Message::Ping(_)))));
        }
        stream
    });
    let mut texts = 0;
    while texts < MESSAGES {
        match within(their_stream.next()).await.unwrap().unwrap() {
            Message::Text(_) => texts += 1,
            Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
    let (sink, stream) = (within(sending).await.unwrap(), within(reading).await.unwrap());
    let mut ours = sink.reunite(stream).unwrap();
    let theirs = within(their_pings).await.unwrap().reunite(their_stream).unwrap();
    ours.close(None).await.unwrap();
    let rest = async {
        let mut theirs = theirs;
        while theirs.next().await.transpose().unwrap().is_some() {}
    };
    let end = async { while ours.next().await.transpose().unwrap().is_some() {} };
    within(async { tokio::join!(rest, end) }).await;
}

/// A task that waits for room is woken even if another task has polled since.
#[tokio::test]
async fn a_task_that_waits_to_write_is_woken_though_another_reads() {
    let (mut peer, ours) = tokio::io::duplex(16);
    let (mut sink, mut stream) = server(ours).split();
    let sending = tokio::spawn(async move { sink.send(Frame::binary(vec![7; 100])).await });
    tokio::task::yield_now().await;
    let reading = tokio::spawn(async move {
        let _ = stream.next().await;
        stream
    });
    tokio::task::yield_now().await;
    // The reading task is gone by the time the pipe has room.
    reading.abort();
    let _ = reading.await;
    let mut received = vec![0; 102];
    within(peer.read_exact(&mut received)).await.unwrap();
    within(sending).await.unwrap().unwrap();
}

/// A transport that is opened and closed by the test. It keeps only the waker of the latest call,
/// and none after a call that was ready.
#[derive(Clone, Debug, Default)]
struct Gate(Arc<Mutex<Gated>>);

#[derive(Debug, Default)]
struct Gated {
    open: bool,
    fails: bool,
    shut: bool,
    written: Vec<u8>,
    to_read: Vec<u8>,
    waker: Option<Waker>,
}

impl Gate {
    fn set(&self, change: impl FnOnce(&mut Gated)) {
        change(&mut self.0.lock().unwrap());
    }

    fn pass<T>(&self, cx: &Context<'_>, act: impl FnOnce(&mut Gated) -> T) -> Poll<io::Result<T>> {
        let mut gate = self.0.lock().unwrap();
        if gate.fails {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if !gate.open {
            gate.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        gate.waker = None;
        Poll::Ready(Ok(act(&mut gate)))
    }
}

impl AsyncRead for Gate {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let to_read = std::mem::take(&mut self.0.lock().unwrap().to_read);
        if to_read.is_empty() {
            return Poll::Pending;
        }
        buf.put_slice(&to_read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gate {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.pass(cx, |gate| {
            gate.written.extend_from_slice(bytes);
            bytes.len()
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pass(cx, |gate| gate.shut = true)
    }
}

/// Counts how often a task is woken.
#[derive(Debug, Default)]
struct Wakes(AtomicUsize);

impl Wakes {
    fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once, as a task whose wake-ups are counted.
fn poll<F: Future + Unpin>(mut future: F, task: &Arc<Wakes>) -> Poll<F::Output> {
    future.poll_unpin(&mut Context::from_waker(&Waker::from(Arc::clone(task))))
}

/// The transport forgets the writer once the reader has written everything, so the stream itself
/// wakes the writer. The same holds the other way round.
#[test]
fn a_half_is_woken_when_the_other_half_has_written_for_it() {
    let (reader, writer) = (Arc::default(), Arc::default());
    let gate = Gate::default();
    let (mut sender, mut receiver) = server(gate.clone()).split();
    let mut sending = Box::pin(sender.send("hello"));
    assert!(poll(&mut sending, &writer).is_pending());
    gate.set(|gate| gate.open = true);
    assert!(poll(receiver.next(), &reader).is_pending());
    gate.set(|gate| assert!(gate.written == b"\x81\x05hello" && gate.waker.is_none()));
    assert_eq!(writer.take(), 1);
    assert!(matches!(poll(&mut sending, &writer), Poll::Ready(Ok(()))));
    drop(sending);

    gate.set(|gate| gate.open = false);
    let mut closing = Box::pin(receiver.close(None));
    assert!(poll(&mut closing, &reader).is_pending());
    gate.set(|gate| gate.open = true);
    let mut flushing = Box::pin(sender.flush());
    reader.take();
    assert!(matches!(poll(&mut flushing, &writer), Poll::Ready(Ok(()))));
    assert_eq!(reader.take(), 1);
    assert!(matches!(poll(&mut closing, &reader), Poll::Ready(Ok(()))));
}

/// The halves share the wait for the transport to shut, in either order.
#[test]
fn a_half_is_woken_when_the_other_half_has_shut_the_transport() {
    for writer_is_first in [true, false] {
        let (reader, writer) = (Arc::default(), Arc::default());
        let gate = Gate::default();
        gate.set(|gate| (gate.open, gate.to_read) = (true, b"\x88\x80\0\0\0\0".to_vec()));
        let (mut sender, mut receiver) = server(gate.clone()).split();
        assert!(matches!(poll(receiver.next(), &reader), Poll::Ready(Some(Ok(_)))));
        gate.set(|gate| gate.open = false);
        let mut end = receiver.next();
        let mut closing = SinkExt::<Message>::close(&mut sender);
        let (waiting, other) = if writer_is_first {
            assert!(poll(&mut closing, &writer).is_pending());
            gate.set(|gate| gate.open = true);
            assert!(matches!(poll(&mut end, &reader), Poll::Ready(None)));
            (&writer, &reader)
        } else {
            assert!(poll(&mut end, &reader).is_pending());
            gate.set(|gate| gate.open = true);
            assert!(matches!(poll(&mut closing, &writer), Poll::Ready(Ok(()))));
            (&reader, &writer)
        };
        gate.set(|gate| assert!(gate.shut && gate.waker.is_none()));
        assert_eq!((waiting.take(), other.take()), (1, 0), "{writer_is_first}");
        if writer_is_first {
            assert!(matches!(poll(&mut closing, &writer), Poll::Ready(Ok(()))));
        } else {
            assert!(matches!(poll(&mut end, &reader), Poll::Ready(None)));
        }
    }
}

/// A reader that waits for the peer is not woken each time that the other half sends.
#[test]
fn a_reader_that_waits_for_the_peer_is_not_woken_by_what_is_sent() {
    let (reader, writer) = (Arc::default(), Arc::default());
    let gate = Gate::default();
    gate.set(|gate| gate.open = true);
    let (mut sender, mut receiver) = server(gate).split();
    assert!(poll(receiver.next(), &reader).is_pending());
    for _ in 0..3 {
        assert!(matches!(poll(Box::pin(sender.send("hi")), &writer), Poll::Ready(Ok(()))));
    }
    assert_eq!((reader.take(), writer.take()), (0, 0));
}

/// The reader waits for the peer, and the writer gives up its wait. The reader then writes the rest
/// of the frame, although it had nothing to write before.
#[tokio::test]
async fn a_send_that_is_dropped_is_finished_by_a_reader_that_waits() {
    let (ours, mut peer) = tokio::io::duplex(64);
    let (mut sender, mut receiver) = server(ours).split();
    let reading = tokio::spawn(async move { receiver.next().await });
    tokio::task::yield_now().await;
    assert!(sender.send(&[7; 1000]).now_or_never().is_none());
    let mut frame = [0; 1004];
    within(peer.read_exact(&mut frame)).await.unwrap();
    assert_eq!(frame[1003], 7);
    drop(peer);
    assert!(within(reading).await.unwrap().unwrap().is_err());
}

/// After a failed write, `feed` fails too. Otherwise a program that only feeds would never see the
/// failure.
#[tokio::test]
async fn nothing_is_queued_after_the_transport_failed() {
    let gate = Gate::default();
    gate.set(|gate| gate.fails = true);
    let mut stream = server(gate);
    let kind = |result| match result {
        Err(StreamError::Io(error)) => error.kind(),
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(stream.send("a").await), io::ErrorKind::ConnectionReset);
    for _ in 0..3 {
        assert_eq!(kind(stream.feed("a").await), io::ErrorKind::BrokenPipe);
    }
}

#[tokio::test]
async fn closing_the_sink_closes_the_connection() {
    let (mut peer, ours) = tokio::io::duplex(64);
    let mut stream = server(ours);
    SinkExt::close(&mut stream).await.unwrap();
    stream.close(None).await.unwrap();
    let mut received = [0; 2];
    peer.read_exact(&mut received).await.unwrap();
    assert_eq!((&received, state(&stream)), (b"\x88\x00", ConnectionState::LocalClosing));
    let late = stream.send(Frame::text("late")).await;
    assert!(matches!(late, Err(StreamError::Send(SendError::Closed))), "{late:?}");
    peer.write_all(b"\x81\x81\0\0\0\0a\x88\x80\0\0\0\0").await.unwrap();
    assert_eq!(within(stream.next()).await.unwrap().unwrap(), Message::Text("a".into()));
    assert_eq!(within(stream.next()).await.unwrap().unwrap(), Message::Close(None));
    assert!(within(stream.next()).await.is_none());
    assert_eq!(peer.read(&mut received).await.unwrap(), 0);
    let long = Close { code: CloseCode::NORMAL, reason: &*"x".repeat(124) };
    let (_peer, ours) = tokio::io::duplex(64);
    let refused = server(ours).close(Some(long)).await;
    assert!(matches!(refused, Err(StreamError::Send(SendError::ControlTooLong(_)))), "{refused:?}");
}

#[derive(Debug, thiserror::Error)]
#[error("the cable was cut")]
struct Cable;

/// Yields one ping and then its own error; accepts nothing.
#[derive(Debug)]
struct Failing {
    ping: Option<&'static [u8]>,
    reads: bool,
}

impl AsyncRead for Failing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(ping) = self.ping.take() {
            buffer.put_slice(ping);
        } else if !self.reads {
            return Poll::Ready(Err(io::Error::other(Cable)));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Failing {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, Cable)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Checks that `source()` is the transport's own error, and returns its kind.
fn cable(error: &StreamError) -> io::ErrorKind {
    assert_eq!(error.to_string(), "the cable was cut");
    let source = error.source().and_then(|it| it.downcast_ref::<io::Error>()).unwrap();
    assert!(source.get_ref().unwrap().is::<Cable>());
    source.kind()
}

#[tokio::test]
async fn the_transport_s_own_error_is_kept() {
    let ping = Some(&b"\x89\x80\0\0\0\0"[..]);
    let mut stream = server(Failing { ping, reads: false });
    assert_eq!(stream.next().await.unwrap().unwrap(), Message::Ping(Bytes::new()));
    assert_eq!(cable(&stream.next().await.unwrap().unwrap_err()), io::ErrorKind::Other);
    assert!(stream.next().await.is_none());
    // The failed write of the reply is the cause of the end, and is reported once.
    let mut stream = server(Failing { ping, reads: true });
    assert_eq!(stream.next().await.unwrap().unwrap(), Message::Ping(Bytes::new()));
    assert_eq!(cable(&stream.next().await.unwrap().unwrap_err()), io::ErrorKind::ConnectionAborted);
    assert!(stream.next().await.is_none());
    // A writer gets the error every time.
    let mut stream = server(Failing { ping: None, reads: true });
    let error = stream.send(Frame::text("a")).await.unwrap_err();
    assert_eq!(cable(&error), io::ErrorKind::ConnectionAborted);
    let again = stream.send(Frame::text("a")).await.unwrap_err();
    let StreamError::Io(again) = again else { panic!("{again}") };
    assert_eq!(again.kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn a_client_without_masking_keys_says_so_and_ends() {
    #[derive(Debug)]
    struct None;
    impl MaskSource for None {
        fn next_key(
            &mut self,
        ) -> Result<eventwire::ws::frame::MaskKey, eventwire::ws::frame::NoMaskKey> {
            Err(eventwire::ws::frame::NoMaskKey)
        }
    }
    let (mut peer, ours) = tokio::io::duplex(64);
    let connection = Connection::client(Limits::new(), None);
    let mut stream = MessageStream::new(ours, connection, BytesMut::new());
    peer.write_all(b"\x89\x00").await.unwrap();
    assert_eq!(within(stream.next()).await.unwrap().unwrap(), Message::Ping(Bytes::new()));
    let error = within(stream.next()).await.unwrap().unwrap_err();
    assert!(matches!(error, StreamError::Send(SendError::NoMaskKey(_))), "{error}");
    assert!(within(stream.next()).await.is_none());
}

/// Returns a server's stream that has received these bytes, and the other end of its pipe.
async fn received(bytes: &[u8]) -> (MessageStream<DuplexStream>, DuplexStream) {
    let (mut peer, ours) = tokio::io::duplex(1 << 16);
    peer.write_all(bytes).await.unwrap();
    (server(ours), peer)
}

/// Returns the bytes that the peer has received when this stream is dropped.
async fn sent<T>(dropped: T, mut peer: DuplexStream) -> Vec<u8> {
    drop(dropped);
    let mut sent = Vec::new();
    within(peer.read_to_end(&mut sent)).await.unwrap();
    sent
}

#[tokio::test]
async fn anything_that_becomes_a_frame_is_sent_in_either_role() {
    let prepared = Frame::text("prepared").prepare();
    for (role, other) in [(Role::Server, Role::Client), (Role::Client, Role::Server)] {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let stream = |io, role| {
            let connection = Connection::with_role(role, Limits::new(), MASKS);
            MessageStream::new(io, connection, BytesMut::new())
        };
        let (mut ours, mut theirs) = (stream(ours, role), stream(theirs, other));
        ours.send("str").await.unwrap();
        ours.send(String::from("string")).await.unwrap();
        ours.send(eventwire::Utf8Bytes::from("shared")).await.unwrap();
        ours.send(b"array").await.unwrap();
        ours.send(vec![1, 2]).await.unwrap();
        ours.send(Bytes::from_static(b"bytes")).await.unwrap();
        ours.send(Message::Pong(Bytes::from_static(b"!"))).await.unwrap();
        ours.send(&Message::from("message")).await.unwrap();
        ours.send(Frame::text("frame")).await.unwrap();
        ours.send(&Frame::text("borrowed")).await.unwrap();
        ours.send(&prepared).await.unwrap();
        ours.send(prepared.clone()).await.unwrap();
        ours.send(Message::Close(Some(Close::new(CloseCode::NORMAL, "bye".into())))).await.unwrap();
        for expected in [
            Message::from("str"),
            Message::from("string"),
            Message::from("shared"),
            Message::from(b"array"),
            Message::from(vec![1, 2]),
            Message::from(Bytes::from_static(b"bytes")),
            Message::Pong(Bytes::from_static(b"!")),
            Message::from("message"),
            Message::from("frame"),
            Message::from("borrowed"),
            Message::from("prepared"),
            Message::from("prepared"),
            Message::Close(Some(Close::new(CloseCode::NORMAL, "bye".into()))),
        ] {
            assert_eq!(within(theirs.next()).await.unwrap().unwrap(), expected, "{role:?}");
        }
        assert_eq!(state(&ours), ConnectionState::LocalClosing);
    }
}

#[tokio::test]
async fn an_echo_is_one_line() {
    // By `forward` between the halves. Control frames are forwarded too, and the close frame is
    // answered once.
    let stream = b"\x81\x82\0\0\0\0hi\x82\x80\0\0\0\0\x8A\x81\0\0\0\0!\x88\x82\0\0\0\0\x03\xE8";
    let (ours, peer) = received(stream).await;
    let (sender, receiver) = ours.split();
    within(receiver.forward(sender)).await.unwrap();
    let echoed = b"\x81\x02hi\x82\x00\x8A\x01!\x88\x02\x03\xE8";
    assert_eq!(sent((), peer).await, echoed);
    // By a loop over the whole stream.
    let (mut ours, peer) = received(stream).await;
    let echo = async {
        while let Some(message) = ours.next().await {
            ours.send(message?).await?;
        }
        Ok::<_, StreamError>(())
    };
    within(echo).await.unwrap();
    assert_eq!(sent(ours, peer).await, echoed);
    // By the halves that every stream and sink has. They hold a message until the next one is asked
    // for, so the next one must not be a close frame.
    let (ours, mut peer) = received(&stream[..8]).await;
    let (sender, receiver) = StreamExt::split(ours);
    let echo = tokio::spawn(receiver.forward(sender));
    let mut echoed = [0; 4];
    within(peer.read_exact(&mut echoed)).await.unwrap();
    assert_eq!(&echoed, b"\x81\x02hi");
    peer.write_all(b"\x88\x80\0\0\0\0").await.unwrap();
    within(echo).await.unwrap().unwrap();
    assert_eq!(sent((), peer).await, b"\x88\x00");
}

#[tokio::test]
async fn what_has_no_frame_is_refused_and_the_stream_goes_on() {
    let limits = Limits::new().max_message(1).on_limit(eventwire::ws::frame::OnLimit::Skip);
    let (mut peer, ours) = tokio::io::duplex(64);
    let mut stream = MessageStream::new(ours, Connection::server(limits), BytesMut::new());
    peer.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
    let skipped = within(stream.next()).await.unwrap().unwrap();
    assert!(matches!(skipped, Message::Skipped(_)));
    let refused = stream.send(skipped).await;
    assert!(matches!(refused, Err(StreamError::Send(SendError::Skipped))), "{refused:?}");
    for too_long in [
        Message::Ping(vec![0; 126].into()),
        Message::Pong(vec![0; 126].into()),
        Message::Close(Some(Close::new(CloseCode::NORMAL, "x".repeat(124).into()))),
    ] {
        let refused = stream.send(&too_long).await;
        assert!(
            matches!(refused, Err(StreamError::Send(SendError::ControlTooLong(_)))),
            "{refused:?}"
        );
        let refused = SinkExt::send(&mut stream, too_long).await;
        assert!(matches!(refused, Err(StreamError::Send(SendError::ControlTooLong(_)))));
    }
    assert_eq!(state(&stream), ConnectionState::Open);
    stream.send("on").await.unwrap();
    assert_eq!(sent(stream, peer).await, b"\x81\x02on");
}

#[tokio::test]
async fn a_close_is_what_is_written() {
    let closed = async |close: Result<(), StreamError>, stream, peer| {
        close.unwrap();
        sent::<MessageStream<_>>(stream, peer).await
    };
    let (mut stream, peer) = received(b"").await;
    assert_eq!(closed(stream.close(None).await, stream, peer).await, b"\x88\x00");
    let (mut stream, peer) = received(b"").await;
    assert_eq!(closed(stream.close(1001).await, stream, peer).await, b"\x88\x02\x03\xE9");
    let (mut stream, peer) = received(b"").await;
    let close = stream.close(CloseCode::NORMAL).await;
    assert_eq!(closed(close, stream, peer).await, b"\x88\x02\x03\xE8");
    let (mut stream, peer) = received(b"").await;
    let close = stream.close(Close::new(1000, String::from("bye"))).await;
    assert_eq!(closed(close, stream, peer).await, b"\x88\x05\x03\xE8bye");
    // A code that may not be sent changes nothing.
    let (mut stream, peer) = received(b"").await;
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        let refused = stream.close(code).await.unwrap_err();
        let StreamError::Send(SendError::InvalidCloseCode(error)) = refused else { panic!() };
        assert_eq!(error.0, code);
    }
    assert_eq!(state(&stream), ConnectionState::Open);
    assert_eq!(sent(stream, peer).await, b"");
}

/// The reading half, used alone, answers the peer's ping and close frame.
#[tokio::test]
async fn the_reading_half_alone_answers() {
    let (stream, mut peer) = received(b"\x89\x82\0\0\0\0hi").await;
    let (sender, mut receiver) = stream.split();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), Message::Ping("hi".into()));
    let mut pong = [0; 4];
    within(peer.read_exact(&mut pong)).await.unwrap();
    assert_eq!(&pong, b"\x8A\x02hi");
    // It also does so after the other half is gone.
    drop(sender);
    peer.write_all(b"\x88\x82\0\0\0\0\x03\xE8").await.unwrap();
    assert!(matches!(within(receiver.next()).await, Some(Ok(Message::Close(Some(_))))));
    assert_eq!(receiver.state(), ConnectionState::Closed);
    assert!(within(receiver.next()).await.is_none());
    assert!(receiver.is_terminated());
    assert_eq!(sent(receiver, peer).await, b"\x88\x02\x03\xE8");
}

#[tokio::test]
async fn either_half_closes() {
    let (stream, mut peer) = received(b"").await;
    let (mut sender, mut receiver) = stream.split();
    receiver.close(Close::new(4000, "enough")).await.unwrap();
    // A second close sends nothing more, on either half.
    sender.close(1000).await.unwrap();
    SinkExt::close(&mut sender).await.unwrap();
    sender.send(Message::Close(None)).await.unwrap();
    receiver.close(None).await.unwrap();
    assert_eq!(sender.state(), ConnectionState::LocalClosing);
    let late = sender.send("late").await;
    assert!(matches!(late, Err(StreamError::Send(SendError::Closed))), "{late:?}");
    // A ping is still answered.
    peer.write_all(b"\x89\x80\0\0\0\0\x88\x80\0\0\0\0").await.unwrap();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), Message::Ping(Bytes::new()));
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), Message::Close(None));
    assert!(within(receiver.next()).await.is_none());
    let sent = sent((sender, receiver), peer).await;
    assert_eq!(sent, [&b"\x88\x08\x0F\xA0enough"[..], b"\x8A\x00"].concat());

    let (stream, peer) = received(b"\x88\x80\0\0\0\0").await;
    let (mut sender, mut receiver) = stream.split();
    SinkExt::close(&mut sender).await.unwrap();
    assert!(within(receiver.next()).await.unwrap().is_ok());
    assert!(within(receiver.next()).await.is_none());
    assert_eq!(self::sent((sender, receiver), peer).await, b"\x88\x00");
}

#[tokio::test]
async fn halves_of_two_streams_stay_apart() {
    let ((one, _a), (two, _b)) = (received(b"").await, received(b"").await);
    let ((one_sender, one_receiver), (two_sender, two_receiver)) = (one.split(), two.split());
    let error = one_sender.reunite(two_receiver).unwrap_err();
    assert_eq!(error.to_string(), "the halves belong to two different streams");
    assert_eq!(format!("{error:?}"), "ReuniteError { .. }");
    let ReuniteError(one_sender, two_receiver) = error;
    assert!(one_sender.reunite(one_receiver).is_ok());
    assert!(two_sender.reunite(two_receiver).is_ok());
}

/// A function or a closure that returns masking keys has no `Debug`, but `unwrap` and `?` work.
#[test]
fn halves_with_any_source_of_masking_keys_are_joined() {
    let stream = |masks| MessageStream::new(Gate::default(), masks, BytesMut::new());
    let random = || Connection::client(Limits::new(), rand::random::<[u8; 4]>);
    let (sender, receiver) = stream(random()).split();
    let (_sender, receiver) = sender.reunite(receiver).unwrap().split();
    let (sender, _receiver) = stream(random()).split();
    let unite = || -> Result<_, Box<dyn std::error::Error>> { Ok(sender.reunite(receiver)?) };
    assert!(unite().is_err());
}

/// The bytes that wait to be written are bounded. A full sink waits while reading goes on.
#[tokio::test]
async fn a_full_sink_waits_and_is_read_all_the_same() {
    let stuck = || server(Stuck::new(b"\x81\x81\0\0\0\0a"));
    let mut stream = stuck().high_water_mark(100);
    let mut taken = 0;
    while stream.feed("0123456789").now_or_never().is_some() {
        taken += 1;
    }
    assert_eq!(taken, 100_usize.div_ceil(12));
    assert!(stream.send("more").now_or_never().is_none());
    assert!(SinkExt::send(&mut stream, "more".into()).now_or_never().is_none());
    assert!(stream.flush().now_or_never().is_none());
    assert_eq!(stream.next().now_or_never().unwrap().unwrap().unwrap(), "a".into());
    // The default mark is 8 KiB. At least one frame is taken in any case.
    let mut stream = stuck();
    assert!(stream.feed(vec![0; 9000]).now_or_never().is_some());
    assert!(stream.feed("more").now_or_never().is_none());
    let mut stream = stuck().high_water_mark(0);
    assert!(stream.feed("one").now_or_never().is_some());
    assert!(stream.feed("more").now_or_never().is_none());
    let (mut sender, mut receiver) = stream.split();
    assert!(sender.feed("more").now_or_never().is_none());
    assert!(receiver.next().now_or_never().is_some());
}

#[tokio::test]
async fn limits_change_while_it_runs() {
    let (mut stream, mut peer) = received(b"\x81\x82\0\0\0\0hi").await;
    stream.set_limits(Limits::new().max_message(2));
    assert_eq!(within(stream.next()).await.unwrap().unwrap(), "hi".into());
    let (_sender, mut receiver) = stream.split();
    receiver.set_limits(Limits::new().max_message(1));
    peer.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
    let Err(StreamError::Protocol(error)) = within(receiver.next()).await.unwrap() else {
        panic!()
    };
    assert_eq!(error.fault, Fault::MessageTooLong { limit: 1, at_least: 2 });
}

const _: () = {
    use eventwire::ws::adapt::{ReadHalf, WriteHalf};
    send_sync::<ReadHalf<DuplexStream, Masks>>();
    send_sync::<WriteHalf<DuplexStream, Masks>>();
};
