//! The values that convert into a message, a frame or a close frame.

use bytes::{Bytes, BytesMut};
use eventwire::Utf8Bytes;
use eventwire::ws::connection::IntoFrame;
use eventwire::ws::connection::{MessageDecoder, NotText, Writer};
use eventwire::ws::frame::{ControlTooLong, Fault, Role};
use eventwire::ws::frame::{IntoClose, InvalidCloseCode};
use eventwire::ws::{
    Close, CloseCode, Connection, ConnectionState, Flow, Frame, Limits, Message, PreparedFrame,
    ProtocolError, SendError, WebSocket, WebSocketEvent, WebSocketOptions,
};
use std::borrow::Cow;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

type Masks = fn() -> [u8; 4];

fn masks() -> [u8; 4] {
    rand::random()
}

#[test]
fn text_and_bytes_are_messages() {
    let text = || Message::Text("hi".into());
    assert_eq!(Message::from("hi"), text());
    assert_eq!(Message::from(String::from("hi")), text());
    assert_eq!(Message::from(Utf8Bytes::from("hi")), text());
    let binary = || Message::Binary("hi".into());
    assert_eq!(Message::from(b"hi"), binary());
    assert_eq!(Message::from(&b"hi"[..]), binary());
    assert_eq!(Message::from(b"hi".to_vec()), binary());
    assert_eq!(Message::from(Bytes::from_static(b"hi")), binary());
    assert_eq!(Message::from(BytesMut::from(&b"hi"[..])), binary());
    assert_eq!(text().into_text(), Ok("hi".into()));
    assert_eq!(binary().into_text(), Err(NotText));
    assert_eq!(text().as_text(), Some("hi"));
    assert_eq!((binary().as_text(), Message::Ping("hi".into()).as_text()), (None, None));
    assert!(text().is_data() && binary().is_data() && !Message::Close(None).is_data());
}

/// Returns a message of each kind that can be received.
fn messages() -> Vec<Message> {
    let close = |code, reason: &str| Message::Close(Some(Close::new(code, reason.into())));
    vec![
        "".into(),
        "gr\u{FC}n".into(),
        "x".repeat(70_000).into(),
        b"".into(),
        vec![0xFF; 126].into(),
        Message::Ping(Bytes::new()),
        Message::Ping(vec![1; 125].into()),
        Message::Pong(Bytes::from_static(b"?")),
        Message::Close(None),
        close(CloseCode::NORMAL, ""),
        close(CloseCode::GOING_AWAY, &"x".repeat(123)),
    ]
}

#[test]
fn a_received_message_can_be_sent() {
    for message in messages() {
        for role in [Role::Server, Role::Client] {
            let mut sent = BytesMut::new();
            let connection = || Connection::with_role(role, Limits::new(), masks as Masks);
            connection().send_to(&message, &mut sent).unwrap();
            connection().send_to(message.clone(), &mut sent).unwrap();
            let other = if role == Role::Server { Role::Client } else { Role::Server };
            let mut decoder = MessageDecoder::new(other, Limits::new());
            assert_eq!(decoder.decode(&mut sent), Ok(Some(message.clone())), "{role:?}");
            if !matches!(message, Message::Close(_)) {
                assert_eq!(decoder.decode(&mut sent), Ok(Some(message.clone())), "{role:?}");
            }
        }
        let owned = Frame::try_from(message.clone()).unwrap();
        let borrowed = Frame::try_from(&message).unwrap();
        assert_eq!((owned.payload(), owned.encoded_len(false)), {
            (borrowed.payload(), borrowed.encoded_len(false))
        });
    }
}

#[test]
fn what_has_no_frame_says_why() {
    let error = ProtocolError { fault: Fault::MessageTooLong { limit: 1, at_least: 2 }, offset: 0 };
    let too_long = |len| SendError::ControlTooLong(ControlTooLong { len });
    for (message, error) in [
        (Message::Skipped(error), SendError::Skipped),
        (Message::Ping(vec![0; 126].into()), too_long(126)),
        (Message::Pong(vec![0; 126].into()), too_long(126)),
        (
            Message::Close(Some(Close::new(CloseCode::NORMAL, "x".repeat(124).into()))),
            too_long(126),
        ),
    ] {
        assert_eq!(Frame::try_from(&message), Err(error));
        let mut connection = Connection::server(Limits::new());
        let mut sent = BytesMut::new();
        assert_eq!(connection.send_to(&message, &mut sent), Err(error));
        assert_eq!(connection.send_to(message, &mut sent), Err(error));
        assert!(sent.is_empty());
        assert_eq!(connection.state(), ConnectionState::Open);
    }
}

#[test]
fn a_shared_text_is_shared() {
    let text = Utf8Bytes::from("x".repeat(100));
    let at = text.as_str().as_ptr();
    assert_eq!(Frame::from(text.clone()).into_payload().as_ptr(), at);
    assert_eq!(Message::from(text.clone()).into_frame().unwrap().into_payload().as_ptr(), at);
    let prepared = Frame::from(text).prepare();
    let payload = prepared.clone().into_frame().unwrap().into_payload();
    assert_eq!(payload, "x".repeat(100));
}

fn sent(connection: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut buffer = BytesMut::new();
    connection(&mut buffer);
    buffer
}

#[test]
fn every_way_to_write_a_frame_is_the_same() {
    fn check(expected: &[u8], frame: impl IntoFrame + Clone) {
        let written = sent(|it| Writer::server().send_to(frame.clone(), it).unwrap());
        assert_eq!(written, expected);
        let mut buffer = [0; 64];
        let len = Connection::frame_server(Limits::new()).send(frame.clone(), &mut buffer).unwrap();
        assert_eq!(&buffer[..len], expected);
        let mut socket = WebSocket::server(WebSocketOptions::new(), NOW);
        assert_eq!(socket.send(frame), Ok(Flow::Ready));
        let written = sent(|it| bytes::BufMut::put(it, socket.to_write(NOW)));
        assert_eq!(written, expected);
    }
    let text = b"\x81\x02hi";
    check(text, "hi");
    check(text, String::from("hi"));
    check(text, &String::from("hi"));
    check(text, Cow::Borrowed("hi"));
    check(text, Utf8Bytes::from("hi"));
    check(text, &Utf8Bytes::from("hi"));
    check(text, Frame::text("hi"));
    check(text, &Frame::text("hi"));
    check(text, Message::from("hi"));
    check(text, &Message::from("hi"));
    check(text, Frame::text("hi").prepare());
    check(text, &Frame::text("hi").prepare());
    let binary = b"\x82\x02hi";
    check(binary, b"hi");
    check(binary, &b"hi"[..]);
    check(binary, b"hi".to_vec());
    check(binary, &b"hi".to_vec());
    check(binary, Bytes::from_static(b"hi"));
    check(binary, &Bytes::from_static(b"hi"));
    check(binary, BytesMut::from(&b"hi"[..]));
    let close = Frame::close(Some(Close::new(CloseCode::NORMAL, "bye"))).unwrap();
    check(b"\x88\x05\x03\xE8bye", close);
    check(b"\x88\x05\x03\xE8bye", close.prepare());
}

/// A socket that learns its role at run time sends in every way, masked if necessary.
#[test]
fn a_socket_of_either_role_shares_and_sends_prepared_frames() {
    let long = "x".repeat(5000);
    for role in [Role::Server, Role::Client] {
        let options = WebSocketOptions::new();
        let mut socket = WebSocket::with_role(role, options, masks as Masks, NOW);
        assert_eq!(socket.role(), role);
        let prepared = Frame::text(&long).prepare();
        assert_eq!(socket.send_prepared(&prepared), Ok(Flow::Ready));
        assert_eq!(socket.send(prepared), Ok(Flow::Ready));
        assert_eq!(socket.send_shared(Utf8Bytes::from(&*long)), Ok(Flow::Ready));
        assert_eq!(socket.send_shared(long.clone()), Ok(Flow::Ready));
        assert_eq!(socket.send_shared(Message::Ping(Bytes::from_static(b"?"))), Ok(Flow::Ready));
        let mut written = sent(|it| bytes::BufMut::put(it, socket.to_write(NOW)));
        let other = if role == Role::Server { Role::Client } else { Role::Server };
        let mut peer =
            WebSocket::with_role(other, options.control_events(true), masks as Masks, NOW);
        assert_eq!(peer.poll(&mut written, NOW), Some(WebSocketEvent::Open));
        for _ in 0..4 {
            let text = WebSocketEvent::Text((&*long).into());
            assert_eq!(peer.poll(&mut written, NOW), Some(text), "{role:?}");
        }
        let ping = WebSocketEvent::Ping(Bytes::from_static(b"?"));
        assert_eq!(peer.poll(&mut written, NOW), Some(ping));
        assert!(written.is_empty());
    }
}

/// Returns the close frame of a server that is closed with this value.
fn closed(close: impl IntoClose) -> Result<Vec<u8>, SendError> {
    let mut socket = WebSocket::server(WebSocketOptions::new(), NOW);
    socket.close(close, NOW)?;
    Ok(sent(|it| bytes::BufMut::put(it, socket.to_write(NOW))).to_vec())
}

#[test]
fn every_way_to_close_is_the_same() {
    let bye = Ok(b"\x88\x05\x03\xE8bye".to_vec());
    assert_eq!(closed(None), Ok(b"\x88\x00".to_vec()));
    assert_eq!(closed(1000), Ok(b"\x88\x02\x03\xE8".to_vec()));
    assert_eq!(closed(CloseCode::NORMAL), closed(1000));
    assert_eq!(closed(Some(Close { code: CloseCode::NORMAL, reason: "bye" })), bye);
    assert_eq!(closed(Close::new(CloseCode::NORMAL, "bye")), bye);
    assert_eq!(closed(Close::new(1000, "bye")), bye);
    assert_eq!(closed(Close::new(1000, String::from("bye"))), bye);
    assert_eq!(closed(Close::new(CloseCode::NORMAL, Utf8Bytes::from("bye"))), bye);
    for code in 0..=u16::MAX {
        let allowed = CloseCode::new(code);
        assert_eq!(CloseCode::try_from(code), allowed.ok_or(InvalidCloseCode(code)));
        if allowed.is_none() {
            assert_eq!(closed(code), Err(InvalidCloseCode(code).into()));
            assert_eq!(closed(Close::new(code, "bye")), Err(InvalidCloseCode(code).into()));
        }
    }
    let long = Close::new(1000, "x".repeat(124));
    assert_eq!(closed(long), Err(SendError::ControlTooLong(ControlTooLong { len: 126 })));
    assert_eq!(
        InvalidCloseCode(1006).to_string(),
        "close code 1006, which may not be sent: use 1000 to 1003, 1007 to 1014 or 3000 to 4999"
    );
}

#[test]
fn a_code_that_may_not_be_sent_closes_nothing() {
    let mut socket = WebSocket::server(WebSocketOptions::new(), NOW);
    assert!(socket.close(1005, NOW).is_err());
    assert!(socket.fail(Close::new(999, ""), NOW).is_err());
    assert_eq!(socket.send("still open"), Ok(Flow::Ready));
    let pages = WebSocketOptions::new().browser_close_codes(true);
    let mut socket = WebSocket::server(pages, NOW);
    let refused = socket.close(1001, NOW);
    assert_eq!(refused, Err(SendError::ReservedCloseCode(CloseCode::GOING_AWAY)));
    assert_eq!(socket.close(3000, NOW), Ok(()));
    assert_eq!(socket.close(1001, NOW), Err(SendError::ReservedCloseCode(CloseCode::GOING_AWAY)));
    assert_eq!(socket.send("late"), Err(SendError::Closed));
}

#[test]
fn a_reply_is_owed_until_it_is_written() {
    let mut connection = Connection::server(Limits::new());
    assert!(!connection.owes_reply());
    let receive = |connection: &mut Connection<_, MessageDecoder>, bytes: &[u8]| {
        connection.receive(&mut BytesMut::from(bytes)).map(drop)
    };
    let mut sent = BytesMut::new();
    receive(&mut connection, b"\x8A\x80\0\0\0\0").unwrap();
    assert!(!connection.owes_reply(), "a pong asks for nothing");
    receive(&mut connection, b"\x89\x80\0\0\0\0").unwrap();
    assert!(connection.owes_reply());
    connection.reply_to(&mut sent).unwrap();
    assert!(!connection.owes_reply());
    // The peer's answer to our own close frame is not answered.
    connection.send_to(Message::Close(None), &mut sent).unwrap();
    receive(&mut connection, b"\x88\x80\0\0\0\0").unwrap();
    assert!(!connection.owes_reply());
    let before = sent.len();
    connection.reply_to(&mut sent).unwrap();
    assert_eq!(sent.len(), before);
    // An error is answered only once.
    let mut connection = Connection::server(Limits::new());
    receive(&mut connection, b"\x83").unwrap_err();
    assert!(connection.owes_reply());
    connection.reply_to(&mut sent).unwrap();
    receive(&mut connection, b"\x83").unwrap_err();
    assert!(!connection.owes_reply());
}

#[test]
fn a_frame_of_ones_own_type_is_sent() {
    #[derive(Clone)]
    struct Chat(PreparedFrame);
    impl IntoFrame for Chat {
        type Payload = Bytes;

        fn into_frame(self) -> Result<Frame<Bytes>, SendError> {
            self.0.into_frame()
        }

        fn prepared(&self) -> Option<&PreparedFrame> {
            Some(&self.0)
        }
    }
    let mut socket = WebSocket::server(WebSocketOptions::new(), NOW);
    assert_eq!(socket.send(Chat(Frame::text("hi").prepare())), Ok(Flow::Ready));
    assert_eq!(sent(|it| bytes::BufMut::put(it, socket.to_write(NOW))), b"\x81\x02hi"[..]);
}
