//! Limits that change while a connection runs.

use bytes::BytesMut;
use eventwire::ws::connection::MessageDecoder;
use eventwire::ws::frame::{Fault, FrameDecoder, FrameEvent, OnLimit, Role};
use eventwire::ws::{Connection, Limits, Message, ProtocolError};

/// Decodes the next message of a client's decoder, which continues with these bytes.
fn next(decoder: &mut MessageDecoder, bytes: &[u8]) -> Result<Option<Message>, ProtocolError> {
    decoder.decode(&mut BytesMut::from(bytes))
}

fn fault<T: std::fmt::Debug>(result: Result<T, ProtocolError>) -> Fault {
    result.unwrap_err().fault
}

#[test]
fn the_next_frame_is_judged_by_the_new_limits() {
    for (first, second) in [
        (Limits::new().max_message(4), Limits::new().max_message(5)),
        (Limits::new().max_frame(4), Limits::new().max_frame(5)),
    ] {
        let mut decoder = MessageDecoder::new(Role::Client, first);
        decoder.set_limits(second);
        assert_eq!(next(&mut decoder, b"\x81\x05hello"), Ok(Some("hello".into())));
        decoder.set_limits(first);
        let error = fault(next(&mut decoder, b"\x81\x05hello"));
        assert!(
            matches!(
                error,
                Fault::FrameTooLong { limit: 4, at_least: 5 }
                    | Fault::MessageTooLong { limit: 4, at_least: 5 }
            ),
            "{error}"
        );
    }
    let mut decoder = MessageDecoder::new(Role::Client, Limits::new());
    assert_eq!(next(&mut decoder, b"\x01\x01a\x00\x01b"), Ok(None));
    decoder.set_limits(Limits::new().max_fragments(2));
    assert_eq!(fault(next(&mut decoder, b"\x80\x01c")), Fault::TooManyFragments { limit: 2 });
}

/// All frames of a message under way count, but a frame that has begun is received completely.
#[test]
fn a_message_under_way_goes_on_by_the_new_limits() {
    let begun = || {
        let mut decoder = FrameDecoder::new(Role::Client, Limits::new());
        let mut bytes = *b"\x01\x05he";
        let mut input = &mut bytes[..];
        assert!(matches!(decoder.decode(&mut input), Ok(Some(FrameEvent::Data(_)))));
        decoder.set_limits(Limits::new().max_message(3).max_frame(3));
        let mut bytes = *b"llo";
        let mut input = &mut bytes[..];
        let Ok(Some(FrameEvent::Data(run))) = decoder.decode(&mut input) else { panic!() };
        assert_eq!(run.payload, b"llo");
        decoder
    };
    let mut bytes = *b"\x80\x01!";
    let error = begun().decode(&mut &mut bytes[..]).unwrap_err();
    let too_long = Fault::MessageTooLong { limit: 3, at_least: 6 };
    assert_eq!(error, ProtocolError { fault: too_long, offset: 8 });
    // An empty frame does not make the message longer.
    let mut bytes = *b"\x80\x00\x81\x03new";
    let mut input = &mut bytes[..];
    let mut decoder = begun();
    let Ok(Some(FrameEvent::Data(run))) = decoder.decode(&mut input) else { panic!() };
    assert!(run.fin && run.payload.is_empty());
    assert!(matches!(decoder.decode(&mut input), Ok(Some(FrameEvent::Data(_)))));
    // The message is skipped, if the new policy says so.
    let mut decoder = begun();
    decoder.set_limits(Limits::new().max_message(3).on_limit(OnLimit::Skip));
    let mut bytes = *b"\x80\x01!\x81\x03new";
    let mut input = &mut bytes[..];
    let skipped = ProtocolError { fault: too_long, offset: 8 };
    assert_eq!(decoder.decode(&mut input), Ok(Some(FrameEvent::Skipped(skipped))));
    assert!(matches!(decoder.decode(&mut input), Ok(Some(FrameEvent::Data(_)))));
    // The gathered part is not lost, whatever its length.
    let mut decoder = MessageDecoder::new(Role::Client, Limits::new());
    assert_eq!(next(&mut decoder, b"\x01\x05hello"), Ok(None));
    decoder.set_limits(Limits::new().max_message(0));
    assert_eq!(next(&mut decoder, b"\x80\x00"), Ok(Some("hello".into())));
}

#[test]
fn connections_pass_them_on() {
    let mut received = BytesMut::from(&b"\x81\x82\0\0\0\0hi"[..]);
    let mut connection = Connection::server(Limits::new());
    connection.set_limits(Limits::new().max_message(1));
    let too_long = Fault::MessageTooLong { limit: 1, at_least: 2 };
    assert_eq!(fault(connection.receive(&mut received.clone())), too_long);
    let mut connection = Connection::frame_server(Limits::new());
    connection.set_limits(Limits::new().max_message(1));
    assert_eq!(fault(connection.receive_buffer(&mut received)), too_long);
}

#[cfg(feature = "handshake")]
#[test]
fn sockets_pass_them_on() {
    use eventwire::Backoff;
    use eventwire::ws::{
        ReconnectingWebSocket, ReconnectingWebSocketEvent, ReconnectingWebSocketOptions, WebSocket,
        WebSocketEvent, WebSocketOptions,
    };
    use std::time::Duration;
    let now = Duration::ZERO;
    let short = WebSocketOptions::new().limits(Limits::new().max_message(1));
    let long = Limits::new().max_message(2);
    let message = b"\x81\x02hi";
    let mut socket = WebSocket::client(short, rand::random::<[u8; 4]>, now);
    socket.set_limits(long);
    assert_eq!(socket.poll(&mut BytesMut::new(), now), Some(WebSocketEvent::Open));
    let received = socket.poll(&mut BytesMut::from(&message[..]), now);
    assert_eq!(received, Some(WebSocketEvent::Text("hi".into())));

    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(1), rand::random());
    let mut link = ReconnectingWebSocket::new(ReconnectingWebSocketOptions::new(backoff));
    link.set_limits(long); // of no connection
    let mut received = BytesMut::new();
    assert_eq!(link.poll(&mut received, now), Some(ReconnectingWebSocketEvent::Connect));
    link.connected(WebSocket::client(short, rand::random::<[u8; 4]>, now));
    link.set_limits(long);
    assert_eq!(link.poll(&mut received, now), Some(ReconnectingWebSocketEvent::Open));
    received.extend_from_slice(message);
    let event = link.poll(&mut received, now);
    assert_eq!(event, Some(ReconnectingWebSocketEvent::Text("hi".into())));
}

#[cfg(feature = "deflate")]
#[test]
fn a_compressed_message_is_judged_as_it_is_inflated() {
    use eventwire::ws::deflate::DeflateParams;
    use eventwire::ws::{Deflate, Frame};
    let agreed = Some(DeflateParams::default());
    let deflate = Deflate::new();
    let text = "again and ".repeat(100);
    let mut sent = BytesMut::new();
    let mut server = Connection::server(Limits::new()).deflate(&deflate, agreed);
    server.send_to(Frame::text(&text).unfinished(), &mut sent).unwrap();
    server.send_to(Frame::text(&text).continuing(), &mut sent).unwrap();
    let first_frame = 2 + usize::from(sent[1]);
    let decoder = |limit| {
        let limits = Limits::new().max_message(limit);
        MessageDecoder::new(Role::Client, limits).deflate(&deflate, agreed)
    };
    // The new limit is higher, and high enough.
    let mut decoder_of_more = decoder(1);
    decoder_of_more.set_limits(Limits::new().max_message(2000));
    let whole = Message::from(text.repeat(2));
    assert_eq!(decoder_of_more.decode(&mut sent.clone()), Ok(Some(whole)));
    // The new limit is lower than the inflated length so far.
    let mut decoder = decoder(2000);
    let mut rest = sent;
    let mut first = rest.split_to(first_frame);
    assert_eq!(decoder.decode(&mut first), Ok(None));
    decoder.set_limits(Limits::new().max_message(10));
    let too_long = Fault::MessageTooLong { limit: 10, at_least: 11 };
    assert_eq!(fault(decoder.decode(&mut rest)), too_long);
}
