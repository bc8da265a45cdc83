//! The WebSocket client of this package, over transports in memory.

mod wire;

use embassy_futures::{block_on, poll_once};
use embedded::blocking::Blocking;
use embedded::websocket::{Error, WebSocket};
use embedded_io_adapters::tokio_1::FromTokio;
use embedded_io_async::{Read, Write};
use eventwire::ws::frame::{DataKind, FrameEvent, MaskKey, NoMaskKey};
use eventwire::ws::handshake::{ClientRequest, accept_key};
use eventwire::ws::{Close, CloseCode, Connection, Frame, Limits, MaskSource};
use std::io::ErrorKind;
use std::task::Poll;
use wire::{Pieces, SIZES, Wire, pieces};

const NONCE: [u8; 16] = *b"the sample nonce";
const MASK: [u8; 4] = [1, 2, 3, 4];
/// Room for the head of the response.
const RECEIVED: usize = 160;
const TO_SEND: usize = 192;

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: a:1\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

fn request() -> ClientRequest<'static> {
    ClientRequest::new("a:1", "/chat", NONCE).unwrap()
}

fn connection() -> Connection<fn() -> [u8; 4]> {
    Connection::frame_client(Limits::new().max_message(1000), || MASK)
}

/// Returns the bytes that the server sends: its response, followed by these frames.
fn accepted(frames: &[u8]) -> Vec<u8> {
    let accept = accept_key("dGhlIHNhbXBsZSBub25jZQ==");
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        str::from_utf8(&accept).unwrap()
    );
    [head.as_bytes(), frames].concat()
}

/// Returns the bytes that the client sends: its request, followed by these frames, masked.
fn sent(frames: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = REQUEST.as_bytes().to_vec();
    for (opcode, payload) in frames {
        bytes.extend([0x80 | opcode, 0x80 | u8::try_from(payload.len()).unwrap()]);
        bytes.extend(MASK);
        bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    }
    bytes
}

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Message(DataKind, Vec<u8>),
    Closed(Option<(u16, String)>),
    Failed(String),
}

use Seen::{Closed, Failed, Message};

fn failed(error: &str) -> Vec<Seen> {
    vec![Failed(error.to_owned())]
}

/// Opens a connection, sends these frames at once, and reads to the end of the connection.
async fn converse<T: Read + Write>(transport: T, frames: &[Frame<&[u8]>]) -> Vec<Seen> {
    let mut seen = Vec::new();
    if let Err(error) = try_converse(transport, frames, &mut seen).await {
        seen.push(Failed(error.to_string()));
    }
    seen
}

async fn try_converse<T: Read + Write>(
    transport: T,
    frames: &[Frame<&[u8]>],
    seen: &mut Vec<Seen>,
) -> Result<(), Error<T::Error>> {
    let (mut received, mut to_send) = ([0; RECEIVED], [0; TO_SEND]);
    let request = request();
    let opening = WebSocket::open(transport, &request, connection(), &mut received, &mut to_send);
    let mut socket = opening.await?;
    for frame in frames {
        socket.send(frame).await?;
    }
    let mut message = Vec::new();
    loop {
        match socket.receive().await? {
            Some(FrameEvent::Data(run)) => {
                message.extend_from_slice(run.payload);
                if run.fin {
                    seen.push(Message(run.kind, std::mem::take(&mut message)));
                }
            }
            Some(FrameEvent::Close(close)) => {
                seen.push(Closed(close.map(|close| (close.code.get(), close.reason.to_owned()))));
                return socket.finish().await;
            }
            Some(_) | None => {}
        }
    }
}

/// Returns what the client receives and writes. It is the same for pieces of every size, over
/// blocking and async transports.
fn each_way(response: &[u8], frames: &[Frame<&[u8]>]) -> (Vec<Seen>, Vec<u8>) {
    let mut all = Vec::new();
    for size in SIZES {
        let mut wire = Wire::new(response, size);
        let seen = block_on(converse(Blocking(&mut wire), frames));
        all.push((seen, wire.written));
        let mut pieces = pieces(response, size);
        let seen = block_on(converse(&mut pieces, frames));
        all.push((seen, pieces.into_inner().written));
    }
    assert!(all.iter().all(|other| *other == all[0]), "{all:#?}");
    all.swap_remove(0)
}

#[test]
fn a_conversation() {
    let long = [7; 500];
    let response = accepted(
        &[
            &b"\x01\x02gr\x89\x01?\x00\x02\xC3\xBC\x80\x01n\x8A\x00\x82\x7E\x01\xF4"[..],
            &long,
            b"\x89\x7D",
            &[b'p'; 125],
            b"\x88\x05\x03\xE8bye\x81\x01x",
        ]
        .concat(),
    );
    let (seen, written) = each_way(&response, &[Frame::text("hi"), Frame::binary(&[1, 2])]);
    let text = Message(DataKind::Text, "gr\u{FC}n".into());
    let binary = Message(DataKind::Binary, long.into());
    assert_eq!(seen, [text, binary, Closed(Some((1000, "bye".into())))]);
    let mut wire = Wire::new(&response, 1);
    block_on(converse(Blocking(&mut wire), &[]));
    assert_eq!(wire.to_read, b"", "the client reads until the server disconnects");
    let frames: [(u8, &[u8]); 5] =
        [(1, b"hi"), (2, &[1, 2]), (10, b"?"), (10, &[b'p'; 125]), (8, b"\x03\xE8bye")];
    assert_eq!(written, sent(&frames));
}

#[test]
fn closed_by_us() {
    let close = Close { code: CloseCode::GOING_AWAY, reason: "out" };
    let frames = [Frame::close(Some(close)).unwrap()];
    let (seen, written) = each_way(&accepted(b"\x81\x01a\x89\x00\x88\x00"), &frames);
    assert_eq!(seen, [Message(DataKind::Text, b"a".into()), Closed(None)]);
    assert_eq!(written, sent(&[(8, b"\x03\xE9out"), (10, b"")]));
}

#[test]
fn handshakes_that_fail() {
    let head = accepted(b"");
    let text = str::from_utf8(&head).unwrap();
    let long = text.replace("\r\n\r\n", "\r\nx: 34567890123456789012345678901234\r\n\r\n");
    assert!(long.len() > RECEIVED);
    for (response, error) in [
        ("HTTP/1.1 401 No\r\n\r\n", "the server answered with status 401"),
        (&text.replace("websocket", "h2c"), "Upgrade is not websocket"),
        (&text.replace("Accept: ", "Accept: x"), "Sec-WebSocket-Accept does not answer the key"),
        (&text[..text.len() - 1], "the transport ended"),
        ("", "the transport ended"),
        (&long, "response head longer than 160 bytes"),
    ] {
        let (seen, written) = each_way(response.as_bytes(), &[]);
        assert_eq!((seen, written), (failed(error), sent(&[])), "{response:?}");
    }
}

#[test]
fn errors_of_the_server_are_answered() {
    for (frames, error, code) in [
        (&b"\x81\x81\0\0\0\0a"[..], "masked frame from a server, at byte 1", b"\x03\xEA"),
        (b"\x81\x01\xFF", "text that is not UTF-8, at byte 2", b"\x03\xEF"),
        (
            b"\x82\x7E\x03\xE9",
            "message of at least 1001 bytes, over the limit of 1000, at byte 3",
            b"\x03\xF1",
        ),
    ] {
        let (seen, written) = each_way(&accepted(frames), &[]);
        assert_eq!((seen, written), (failed(error), sent(&[(8, code)])));
    }
    let (seen, written) = each_way(&accepted(b"\x81\x02a"), &[]);
    assert_eq!((seen, written), (failed("the transport ended"), sent(&[])));
}

#[test]
fn buffers_that_are_too_small() {
    let open = |received: usize, to_send: usize| {
        let mut wire = Wire::new(b"", 1);
        let (mut received, mut to_send) = (vec![0; received], vec![0; to_send]);
        let (transport, request) = (Blocking(&mut wire), request());
        let opening =
            WebSocket::open(transport, &request, connection(), &mut received, &mut to_send);
        (block_on(opening).err().unwrap().to_string(), wire.written.len())
    };
    let error = |needed| format!("buffer too small: {needed} bytes are needed");
    assert_eq!(open(130, TO_SEND), (error(131), 0));
    assert_eq!(open(131, 130), (error(131), 0));
    assert_eq!(open(131, REQUEST.len() - 1), (error(REQUEST.len()), 0));
    assert_eq!(open(131, REQUEST.len()), ("the transport ended".into(), REQUEST.len()));
}

#[test]
fn a_frame_that_is_too_long_does_not_end_the_connection() {
    let response = accepted(b"\x88\x00");
    let mut wire = Wire::new(&response, 7);
    block_on(async {
        let (mut received, mut to_send) = ([0; RECEIVED], [0; TO_SEND]);
        let transport = Blocking(&mut wire);
        let request = request();
        let opening =
            WebSocket::open(transport, &request, connection(), &mut received, &mut to_send);
        let mut socket = opening.await.unwrap();
        // The header takes 8 bytes.
        let error = socket.send(&Frame::binary(&[0; TO_SEND - 7])).await.unwrap_err();
        assert!(matches!(error, Error::Send(_)), "{error}");
        socket.send(&Frame::text("short")).await.unwrap();
        assert_eq!(socket.receive().await.unwrap(), Some(FrameEvent::Close(None)));
        let error = socket.send(&Frame::text("late")).await.unwrap_err();
        assert_eq!(error.to_string(), "not sent: the connection is closing or closed");
        socket.finish().await.unwrap();
    });
    assert_eq!(wire.written, sent(&[(1, b"short"), (8, b"")]));
}

/// A source that has no key for the first two requests.
struct Scarce(u8);

impl MaskSource for Scarce {
    fn next_key(&mut self) -> Result<MaskKey, NoMaskKey> {
        self.0 += 1;
        if self.0 < 3 { Err(NoMaskKey) } else { Ok(MaskKey(MASK)) }
    }
}

#[test]
fn a_reply_that_fails_loses_no_message() {
    let response = accepted(b"\x89\x00\x81\x01a\x81\x01b\x88\x00");
    let mut wire = Wire::new(&response, usize::MAX);
    let (mut seen, mut failures) = (Vec::new(), 0);
    block_on(async {
        let (mut received, mut to_send) = ([0; RECEIVED], [0; TO_SEND]);
        let connection = Connection::frame_client(Limits::new(), Scarce(0));
        let request = request();
        let transport = Blocking(&mut wire);
        let opening = WebSocket::open(transport, &request, connection, &mut received, &mut to_send);
        let mut socket = opening.await.unwrap();
        loop {
            match socket.receive().await {
                Ok(Some(FrameEvent::Data(run))) => seen.extend_from_slice(run.payload),
                Ok(Some(FrameEvent::Close(_))) => break,
                Ok(_) => {}
                Err(Error::Send(_)) => failures += 1,
                Err(error) => panic!("{error}"),
            }
        }
        socket.finish().await.unwrap();
    });
    assert_eq!((&seen[..], failures), (&b"ab"[..], 2));
    assert_eq!(wire.written, sent(&[(10, b""), (8, b"")]));
}

/// Each future is dropped if it is not ready at once.
#[test]
fn futures_that_are_dropped_lose_nothing() {
    let response = accepted(b"\x81\x02hi\x89\x01?\x82\x03abc\x88\x02\x03\xE8");
    for size in SIZES {
        let mut pieces = pieces(&response, size);
        let (mut received, mut to_send) = ([0; RECEIVED], [0; TO_SEND]);
        let request = request();
        let opening =
            WebSocket::open(&mut pieces, &request, connection(), &mut received, &mut to_send);
        let mut socket = block_on(opening).unwrap();
        assert!(poll_once(socket.send(&Frame::text("sent"))).is_pending());
        assert!(poll_once(socket.send(&Frame::text("not sent"))).is_pending());
        let mut payload = Vec::new();
        loop {
            match poll_once(socket.receive()).map(Result::unwrap) {
                Poll::Ready(Some(FrameEvent::Data(run))) => payload.extend_from_slice(run.payload),
                Poll::Ready(Some(FrameEvent::Close(_))) => break,
                Poll::Ready(_) | Poll::Pending => {}
            }
        }
        block_on(socket.finish()).unwrap();
        assert_eq!(payload, b"hiabc");
        assert_eq!(
            pieces.into_inner().written,
            sent(&[(1, b"sent"), (10, b"?"), (8, b"\x03\xE8")])
        );
    }
}

#[test]
fn a_transport_that_fails() {
    let response = accepted(b"\x81\x01a");
    let pieces = Pieces::new([&response[..]]).then_fail(ErrorKind::ConnectionReset);
    let seen = block_on(converse(FromTokio::new(pieces), &[]));
    assert_eq!(seen, [Message(DataKind::Text, b"a".into()), Failed("connection reset".into())]);
}
