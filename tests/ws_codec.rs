//! `MessageCodec` in tokio-util's `Framed`, in both roles.

mod common;
#[path = "common/transport.rs"]
mod transport;

use bytes::{Bytes, BytesMut};
use common::cut;
use common::ws::{ROLES, Stream};
use eventwire::ws::{
    Close, CloseCode, CodecError, Connection, Fault, Frame, MaskSource, Message, MessageCodec,
    Options, Owed, Role, SendError, State,
};
use futures_util::{FutureExt, SinkExt, StreamExt};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio_util::codec::{Decoder, Encoder, Framed, FramedParts, FramedRead};
use transport::Pieces;

type Masks = fn() -> [u8; 4];

const MASKS: Masks = || [1, 2, 3, 4];

fn server<T: AsyncRead + AsyncWrite>(io: T) -> Framed<T, MessageCodec> {
    Framed::new(io, MessageCodec::new(Connection::message_server(Options::new())))
}

fn client<T: AsyncRead + AsyncWrite>(io: T) -> Framed<T, MessageCodec<Masks>> {
    Framed::new(io, MessageCodec::new(Connection::message_client(Options::new(), MASKS)))
}

fn state<T, M>(framed: &Framed<T, MessageCodec<M>>) -> State {
    framed.codec().connection().state()
}

/// How a stream of messages ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    Cut,
    Broken(Fault),
}

/// What `role` receives, what comes of it, and how it ends.
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
        // Inside a message, a header, a payload.
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

/// All messages, by futures of which each that has to wait is dropped, and the end.
fn read<M>(codec: MessageCodec<M>, chunks: &[&[u8]]) -> (Vec<Message>, End) {
    let mut framed = FramedRead::new(Pieces::new(chunks.iter().copied()), codec);
    let mut messages = Vec::new();
    let mut end = End::Closed;
    loop {
        match framed.next().now_or_never() {
            None => {}
            Some(None) => return (messages, end),
            Some(Some(Ok(message))) => messages.push(message),
            Some(Some(Err(CodecError::Io(error)))) => {
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
                end = End::Cut;
            }
            Some(Some(Err(CodecError::Protocol(error)))) => end = End::Broken(error.fault),
            Some(Some(Err(error))) => panic!("{error}"),
        }
    }
}

#[test]
fn every_split_gives_the_same_messages() {
    for role in ROLES {
        for (stream, messages, end) in rows(role) {
            let check = |chunks: &[&[u8]]| {
                let seen = match role {
                    Role::Server => read(server(tokio::io::empty()).into_parts().codec, chunks),
                    Role::Client => read(client(tokio::io::empty()).into_parts().codec, chunks),
                };
                assert_eq!(seen, (messages.clone(), end), "{role:?} {chunks:?}");
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

/// Sends back what it gets, as the docs say, until both have closed; how reading failed, if it did.
async fn echo<T, M>(
    mut framed: Framed<T, MessageCodec<M>>,
) -> Result<(T, Option<CodecError>), CodecError>
where
    T: AsyncRead + AsyncWrite + Unpin,
    M: MaskSource,
{
    let mut failed = None;
    while state(&framed) != State::Closed
        && let Some(message) = framed.next().await
    {
        framed.send(Owed).await?;
        match message {
            Ok(Message::Text(text)) => framed.send(Frame::text(&text)).await?,
            Ok(Message::Binary(payload)) => framed.send(Frame::binary(payload)).await?,
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
    }
    SinkExt::<Owed>::close(&mut framed).await?;
    Ok((framed.into_inner(), failed))
}

/// Stops a test that would wait for ever.
async fn within<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), test).await.expect("no end")
}

/// One end talks, the other echoes; over a pipe this wide.
async fn converse<A, B>(talker: Framed<DuplexStream, MessageCodec<A>>, echoer: B)
where
    A: MaskSource,
    B: Future<Output = Result<(DuplexStream, Option<CodecError>), CodecError>>,
{
    let talk = async move {
        let mut framed = talker;
        let payload = common::ws::pattern(70_000);
        let long = "gr\u{FC}\u{DF}e ".repeat(10_000);
        // Whoever echoes does not read while it writes, so one at a time.
        framed.send(Frame::text("hello")).await?;
        assert_eq!(framed.next().await.unwrap()?, Message::Text("hello".into()));
        framed.send(Frame::binary(&payload)).await?;
        assert_eq!(framed.next().await.unwrap()?, Message::Binary(payload.into()));
        for frame in Frame::text(&long).fragments(1000) {
            framed.send(frame).await?;
        }
        assert_eq!(framed.next().await.unwrap()?, Message::Text(long.into()));
        framed.send(Frame::ping(b"?").unwrap()).await?;
        assert_eq!(framed.next().await.unwrap()?, Message::Pong(Bytes::from_static(b"?")));
        let close = Close { code: CloseCode::GOING_AWAY, reason: "bye" };
        framed.send(Frame::close(Some(close)).unwrap()).await?;
        assert_eq!(state(&framed), State::LocalClosing);
        let Message::Close(Some(close)) = framed.next().await.unwrap()? else { panic!() };
        assert_eq!((close.code, &*close.reason), (CloseCode::GOING_AWAY, "bye"));
        assert_eq!(state(&framed), State::Closed);
        framed.send(Owed).await?;
        assert!(framed.next().await.is_none());
        Ok::<_, CodecError>(())
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
        assert!(matches!(failed, Some(CodecError::Protocol(_))), "{failed:?}");
        drop(io);
        let mut received = Vec::new();
        peer.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, [b"\x8A\x00", &answer[..]].concat());
    }
    // A client's answer is masked.
    let (mut peer, ours) = tokio::io::duplex(64);
    peer.write_all(b"\x83").await.unwrap();
    drop(within(echo(client(ours))).await.unwrap());
    let mut received = Vec::new();
    peer.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"\x88\x82\x01\x02\x03\x04\x02\xE8");
}

#[tokio::test]
async fn a_cut_connection_is_no_end() {
    // Even where our close frame was sent and awaits its answer.
    let (ours, theirs) = tokio::io::duplex(64);
    let mut framed = server(ours);
    framed.send(Frame::close(None).unwrap()).await.unwrap();
    assert_eq!(state(&framed), State::LocalClosing);
    drop(theirs);
    let Some(Err(CodecError::Io(error))) = framed.next().await else { panic!() };
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert!(framed.next().await.is_none());
    assert!(framed.next().await.is_none());
    assert_eq!(state(&framed), State::LocalClosing);

    let mut framed = server(Pieces::new([]).then_fail(io::ErrorKind::ConnectionReset));
    let Some(Err(CodecError::Io(error))) = framed.next().await else { panic!() };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn frames_take_along_what_is_owed() {
    let mut codec = MessageCodec::new(Connection::message_server(Options::new()));
    let mut sent = BytesMut::new();
    let mut received = BytesMut::from(&b"\x89\x81\0\0\0\0?\x89\x80\0\0\0\0\x88\x80\0\0\0\0"[..]);
    codec.decode(&mut received).unwrap();
    codec.encode(Frame::text("a"), &mut sent).unwrap();
    codec.decode(&mut received).unwrap();
    codec.encode(Frame::text("b").prepare(), &mut sent).unwrap();
    assert_eq!(sent.split(), b"\x8A\x01?\x81\x01a\x8A\x00\x81\x01b"[..]);
    // What is owed to a peer that closed stays, where the frame may not go after it.
    assert_eq!(codec.decode(&mut received).unwrap(), Some(Message::Close(None)));
    let result = codec.encode(Frame::text("c"), &mut sent);
    assert!(matches!(result, Err(CodecError::Send(SendError::CloseSent))), "{result:?}");
    let result = codec.encode(Frame::text("c").prepare(), &mut sent);
    assert!(matches!(result, Err(CodecError::Send(SendError::CloseSent))), "{result:?}");
    assert_eq!(sent, b"\x88\x00"[..]);
    codec.encode(Owed, &mut sent).unwrap();
    assert_eq!(sent, b"\x88\x00"[..]);
    assert_eq!(codec.into_connection().state(), State::Closed);
}

#[tokio::test]
async fn a_refused_frame_goes_unsent_and_the_reply_out() {
    let (mut peer, ours) = tokio::io::duplex(64);
    let mut framed = client(ours);
    peer.write_all(b"\x88\x00").await.unwrap();
    assert_eq!(framed.next().await.unwrap().unwrap(), Message::Close(None));
    assert_eq!(state(&framed), State::RemoteClosing);
    let refused = framed.send(Frame::text("late")).await;
    assert!(matches!(refused, Err(CodecError::Send(SendError::CloseSent))), "{refused:?}");
    framed.send(Owed).await.unwrap();
    drop(framed);
    let mut received = Vec::new();
    peer.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"\x88\x80\x01\x02\x03\x04");
}

#[tokio::test]
async fn a_client_masks() {
    let (mut peer, ours) = tokio::io::duplex(64);
    let mut framed = client(ours);
    framed.send(Frame::text("hi")).await.unwrap();
    framed.send(Frame::binary(vec![0; 5])).await.unwrap();
    drop(framed);
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
    for framed in &mut servers {
        framed.send(news.clone()).await.unwrap();
    }
    for mut framed in clients {
        let message = within(framed.next()).await.unwrap().unwrap();
        assert_eq!(message, Message::Text("to all".into()));
    }
}

#[tokio::test]
async fn what_came_behind_the_handshake_is_read_first() {
    let (mut peer, ours) = tokio::io::duplex(64);
    let codec = server(tokio::io::empty()).into_parts().codec;
    let mut parts = FramedParts::new::<Frame<&[u8]>>(ours, codec);
    parts.read_buf = BytesMut::from(&b"\x81\x82\0\0"[..]);
    let mut framed = Framed::from_parts(parts);
    peer.write_all(b"\0\0hi").await.unwrap();
    let message = within(framed.next()).await.unwrap().unwrap();
    assert_eq!(message, Message::Text("hi".into()));
}

/// What an echoing server sends in all, by its connection alone.
fn echoed(mut received: BytesMut) -> Vec<u8> {
    let mut connection = Connection::message_server(Options::new());
    let mut sent = Vec::new();
    while let Some(message) = connection.receive(&mut received).unwrap() {
        connection.reply_to(&mut sent).unwrap();
        if let Message::Text(text) = message {
            connection.send_to(&Frame::text(&text), &mut sent).unwrap();
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
        let mut framed = server(Pieces::new(cut(&stream, &lengths)));
        let mut dropped = 0;
        loop {
            let message = match framed.next().now_or_never() {
                None => {
                    dropped += 1;
                    continue;
                }
                Some(None) => break,
                Some(Some(message)) => message.unwrap(),
            };
            // What is dropped while it flushes was taken, and goes out later.
            dropped += usize::from(framed.send(Owed).now_or_never().is_none());
            if let Message::Text(text) = message {
                dropped += usize::from(framed.send(Frame::text(&text)).now_or_never().is_none());
            }
            // So that the buffer never is as full as may be: what waits for that is not taken yet.
            while framed.write_buffer().len() > 4096 {
                let _ = SinkExt::<Owed>::flush(&mut framed).now_or_never();
            }
        }
        assert!(dropped > 300, "{dropped}");
        while SinkExt::<Owed>::close(&mut framed).now_or_never().is_none() {}
        let io = framed.into_inner();
        assert!(io.shut);
        assert!(io.written == expected, "what was sent differs");
    }
}

const fn send_sync<T: Send + Sync + Unpin>() {}
const fn error<T: std::error::Error + Send + Sync + 'static>() {}

const _: () = {
    send_sync::<MessageCodec>();
    send_sync::<MessageCodec<Masks>>();
    send_sync::<Owed>();
    error::<CodecError>();
};

#[cfg(feature = "deflate")]
#[tokio::test]
async fn messages_are_compressed_as_the_connection_agreed() {
    use eventwire::ws::{Deflate, DeflateParams};
    let deflate = Deflate::new();
    let agreed = Some(DeflateParams::default());
    let (here, there) = tokio::io::duplex(512);
    let connection = Connection::message_server(Options::new()).deflate(&deflate, agreed);
    let mut server = Framed::new(here, MessageCodec::new(connection));
    let connection = Connection::message_client(Options::new(), MASKS).deflate(&deflate, agreed);
    let mut client = Framed::new(there, MessageCodec::new(connection));
    // By far too long for the pipe, unless it is compressed.
    let text = "again and ".repeat(1000);
    client.send(Frame::ping(&b"?"[..]).unwrap()).await.unwrap();
    client.send(Frame::text(&text).unfinished()).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::Ping("?".into()));
    client.send(Frame::text("").continuing()).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::Text((&*text).into()));
    // What is owed goes before a frame, also inside a message that is compressed.
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
