//! Promises of the public types, checked at compile time.

use eventwire::sse::client::{LastEvents, Statuses};
use eventwire::sse::decode::{
    Block, FieldName, IdTooLong, InlineId, Lexer, OnLimit, Pieces, Text, Token,
};
use eventwire::sse::encode::{DataWriter, EventText};
use eventwire::sse::header::UnsendableId;
use eventwire::sse::{
    DecodeError, Decoder, DecoderOptions, Event, EventBuilder, EventId, EventSource,
    EventSourceError, EventSourceErrorCause, EventSourceOptions, EventSourceStep, EventType,
    InvalidValue, Item, KeepAlive, LastEvent, OwnedDecoder, OwnedItem, ReadyState, Received,
    Replay, Resume, Subscription,
};
use eventwire::{
    BufferTooSmall, Credentials, Fanout, FanoutOptions, InvalidUrl, Lagged, Subscriber, Target,
    Url, Utf8Bytes, ws,
};
use std::borrow::Cow;
use std::collections::HashMap;

const fn send_sync<T: Send + Sync + Unpin>() {}
const fn copy<T: Copy>() {}
const fn error<T: std::error::Error + Send + Sync + Copy + Eq + 'static>() {}

const _: () = {
    send_sync::<Block<&[u8]>>();
    send_sync::<OwnedDecoder>();
    send_sync::<DataWriter<&mut [u8]>>();
    send_sync::<DataWriter<&mut Vec<u8>>>();
    send_sync::<DataWriter<&mut bytes::BytesMut>>();
    send_sync::<Decoder>();
    send_sync::<Decoder<String>>();
    send_sync::<Event<&str>>();
    send_sync::<EventId<'_>>();
    send_sync::<EventSource>();
    send_sync::<EventSource<OwnedDecoder>>();
    send_sync::<EventSource<Decoder<String>>>();
    send_sync::<EventText<'_>>();
    send_sync::<EventType<'_>>();
    send_sync::<FieldName>();
    send_sync::<InlineId<8>>();
    send_sync::<Fanout<bytes::Bytes>>();
    send_sync::<FanoutOptions>();
    send_sync::<Item<&[u8]>>();
    send_sync::<KeepAlive>();
    send_sync::<LastEvent>();
    send_sync::<LastEvent<String>>();
    send_sync::<LastEvents>();
    send_sync::<Lexer>();
    send_sync::<EventBuilder<'_>>();
    send_sync::<OnLimit>();
    send_sync::<DecoderOptions>();
    send_sync::<OwnedItem>();
    send_sync::<Pieces<'_>>();
    send_sync::<ReadyState>();
    send_sync::<Received<OwnedItem>>();
    send_sync::<Replay>();
    send_sync::<Replay<(bytes::Bytes, ws::PreparedFrame)>>();
    send_sync::<Resume>();
    send_sync::<EventSourceOptions>();
    send_sync::<EventSourceStep>();
    send_sync::<Statuses>();
    send_sync::<Subscriber>();
    send_sync::<Subscription>();
    send_sync::<Text<'_>>();
    send_sync::<Token<'_>>();
    send_sync::<Utf8Bytes>();

    send_sync::<Credentials<'_>>();
    send_sync::<Target<'_>>();
    send_sync::<Url<'_>>();

    send_sync::<ws::Close<&str>>();
    send_sync::<ws::CloseCode>();
    send_sync::<ws::CloseEvent>();
    send_sync::<ws::Connection>();
    send_sync::<ws::Connection<fn() -> [u8; 4], ws::connection::MessageDecoder>>();
    send_sync::<ws::frame::Run<&mut [u8]>>();
    send_sync::<ws::frame::DataKind>();
    send_sync::<ws::frame::FrameDecoder>();
    send_sync::<ws::socket::Disconnected>();
    send_sync::<ws::frame::FrameEvent<&mut [u8], &str>>();
    send_sync::<ws::frame::FrameEvent<bytes::BytesMut, Utf8Bytes>>();
    send_sync::<ws::frame::Fragments<'_>>();
    send_sync::<ws::Frame<&[u8]>>();
    send_sync::<ws::frame::FrameHeader>();
    send_sync::<ws::frame::HeaderBytes>();
    send_sync::<ws::ReconnectingWebSocketEvent>();
    send_sync::<ws::frame::MaskKey>();
    send_sync::<ws::Message>();
    error::<ws::connection::NotText>();
    send_sync::<ws::connection::MessageDecoder>();
    send_sync::<ws::frame::NoMask>();
    send_sync::<ws::frame::OpCode>();
    send_sync::<ws::Limits>();
    #[cfg(feature = "getrandom")]
    send_sync::<ws::OsMaskKeys>();
    send_sync::<ws::PreparedFrame>();
    send_sync::<ws::connection::Reader>();
    send_sync::<ws::connection::Reader<ws::connection::MessageDecoder>>();
    send_sync::<ws::ReconnectingWebSocket<fn() -> [u8; 4]>>();
    send_sync::<ws::ReconnectingWebSocketOptions>();
    send_sync::<ws::connection::Reply>();
    send_sync::<ws::frame::Role>();
    send_sync::<ws::frame::Rsv>();
    send_sync::<ws::WebSocketEvent>();
    send_sync::<ws::WebSocketOptions>();
    send_sync::<ws::ConnectionState>();
    send_sync::<ws::socket::ToWrite<'_>>();
    send_sync::<ws::frame::Utf8Validator>();
    send_sync::<ws::WebSocket>();
    send_sync::<ws::WebSocket<fn() -> [u8; 4]>>();
    send_sync::<ws::connection::Writer>();
    send_sync::<ws::connection::Writer<fn() -> [u8; 4]>>();

    copy::<EventId<'_>>();
    copy::<EventType<'_>>();
    copy::<FieldName>();
    copy::<LastEvent>();
    copy::<OnLimit>();
    copy::<DecoderOptions>();
    copy::<ReadyState>();
    copy::<Received<()>>();
    copy::<EventSourceStep>();
    copy::<Token<'_>>();

    copy::<Credentials<'_>>();
    copy::<Target<'_>>();
    copy::<Url<'_>>();

    copy::<ws::Close<&str>>();
    copy::<ws::CloseCode>();
    copy::<ws::frame::Run<&[u8]>>();
    copy::<ws::frame::DataKind>();
    copy::<ws::frame::FrameEvent<&[u8], &str>>();
    copy::<ws::Flow>();
    copy::<ws::Frame<&[u8]>>();
    copy::<ws::frame::FrameHeader>();
    copy::<ws::frame::HeaderBytes>();
    copy::<ws::frame::MaskKey>();
    copy::<ws::frame::NoMask>();
    copy::<ws::frame::OpCode>();
    copy::<ws::Limits>();
    copy::<ws::ReadyState>();
    copy::<ws::frame::Role>();
    copy::<ws::frame::Rsv>();
    copy::<ws::WebSocketOptions>();
    copy::<ws::ConnectionState>();
    copy::<ws::frame::Utf8Validator>();

    error::<Lagged>();
    error::<BufferTooSmall>();
    error::<DecodeError>();
    error::<IdTooLong>();
    error::<InvalidUrl>();
    error::<InvalidValue>();
    error::<EventSourceError>();
    error::<EventSourceError<std::fmt::Error>>();
    error::<EventSourceErrorCause>();
    error::<UnsendableId>();

    error::<ws::frame::ControlTooLong>();

    error::<ws::frame::Fault>();
    error::<ws::frame::InvalidUtf8>();
    error::<ws::frame::NoMaskKey>();
    error::<ws::frame::InvalidCloseCode>();
    error::<ws::ProtocolError>();
    error::<ws::SendError>();
};

#[cfg(feature = "handshake")]
const _: () = {
    use eventwire::ws::handshake::{
        Acceptance, ClientHandshake, ClientRequest, Extension, Headers, OwnedRequest, ParamValue,
        Rejection, Request, RequestError, Response, ResponseCheck, ResponseError, ServerHandshake,
        Unsendable, Upgrade,
    };

    send_sync::<ClientHandshake<'_>>();
    send_sync::<ClientRequest<'_>>();
    send_sync::<Headers<'_>>();
    send_sync::<OwnedRequest>();
    send_sync::<ResponseCheck<'_>>();
    send_sync::<ServerHandshake>();

    send_sync::<Request<'_>>();
    send_sync::<Response<'_>>();

    copy::<Acceptance<'_>>();
    copy::<Extension<'_>>();
    copy::<ParamValue<'_>>();
    copy::<Rejection<'_>>();
    copy::<Request<'_>>();
    copy::<Response<'_>>();
    copy::<Upgrade>();

    error::<RequestError>();
    error::<ResponseError>();
    error::<Unsendable>();
};

#[test]
fn utf8_bytes_is_text() {
    let text = Utf8Bytes::from("gr\u{FC}n");
    assert_eq!(text, *"gr\u{FC}n");
    assert_eq!(format!("{text} {text:?}"), "gr\u{FC}n \"gr\u{FC}n\"");
    assert_eq!(Utf8Bytes::from_static("a").into_bytes(), "a");
    assert!(Utf8Bytes::try_from(bytes::Bytes::from_static(b"\xFF")).is_err());
    assert_eq!(Utf8Bytes::from_utf8_lossy(bytes::Bytes::from_static(b"a\xFF")), "a\u{FFFD}");
    assert_eq!(Utf8Bytes::try_from(b"a".to_vec()).as_deref(), Ok("a"));
    assert!(Utf8Bytes::try_from(b"a\xFF".to_vec()).is_err());
    let owned = String::from("gr\u{FC}n");
    assert_eq!(Utf8Bytes::from(&owned), text);
    assert_eq!(Utf8Bytes::from(owned.clone().into_boxed_str()), text);
    assert_eq!(Utf8Bytes::from(Cow::from("gr\u{FC}n")), text);
    assert_eq!(Utf8Bytes::from(Cow::from(owned.clone())), owned);
    assert_eq!(owned, text);
    let cow = Cow::from(&owned);
    assert_eq!(text, cow);
    assert_eq!(cow, text);
    let bytes: &bytes::Bytes = text.as_ref();
    assert_eq!(bytes, "gr\u{FC}n".as_bytes());
    let map = HashMap::from([(text, 1)]);
    assert_eq!(map.get("gr\u{FC}n"), Some(&1), "a map finds it by a str");
}

#[test]
fn events_can_be_made() {
    let mut event = eventwire::sse::OwnedEvent::new("a");

    assert_eq!((event.event_type_or_default(), &*event.last_event_id), ("message", ""));
    event.id = Some("7".into());
    let event = event.map(|text| text.to_string());
    assert_eq!((&*event.data, event.id.as_deref()), ("a", Some("7")));
    assert_eq!(Event::<&str>::new("a"), Event::new("a"));
}

#[test]
fn headers() {
    use eventwire::sse::header::{is_event_stream, last_event_id_value};
    for accepted in [
        "text/event-stream",
        "TEXT/EVENT-STREAM",
        " text/event-stream\t;charset=x",
        "text/event-stream;",
        "text/html, text/event-stream",
        "text/html;a=\"\\\",\", text/event-stream, , */*, text, /x, t e/xt;x",
    ] {
        assert!(is_event_stream(accepted.as_bytes()), "{accepted}");
    }
    for refused in [
        "",
        ";",
        "text",
        "text/event-stream2",
        "text/event-stream, text/html",
        "text/html;a=\", text/event-stream\"",
        "text/html;a=\"\\\", text/event-stream",
        "*/*",
        "text/ event-stream",
        "application/json; text/event-stream",
    ] {
        assert!(!is_event_stream(refused.as_bytes()), "{refused}");
    }
    assert_eq!(last_event_id_value("\u{2026} a\tb"), Ok(Some("\u{2026} a\tb".as_bytes())));
    for (id, offset) in [(" a", 0), ("a\t", 1), ("a\x01b", 1), ("ab\x7F", 2), (" ", 0)] {
        assert_eq!(last_event_id_value(id), Err(UnsendableId { offset }), "{id:?}");
    }
}

/// Checks the size of a connection without its buffers. The docs state the figures for 64-bit
/// machines. Some 32-bit machines align `u64` to less and need less.
#[test]
fn state_is_small() {
    #[track_caller]
    fn takes<T>(on_64_bits: usize, on_32_bits: usize) {
        let size = size_of::<T>();
        match size_of::<usize>() {
            8 => assert_eq!(size, on_64_bits),
            _ if align_of::<u64>() == 8 => assert_eq!(size, on_32_bits),
            _ => assert!(size <= on_32_bits, "{size}"),
        }
    }
    takes::<Lexer>(4, 4);
    takes::<Decoder<InlineId<36>>>(224 + 40, 176);
    takes::<OwnedDecoder>(352, 208);
    takes::<Subscriber>(8, 8);
    takes::<Subscription>(16, 16);
    takes::<EventSource>(224 + 256 + 224, 600);
    takes::<EventSource<OwnedDecoder>>(352 + 224, 408);

    // Feature `deflate` adds state, whether compression is in use or not.
    let with =
        |without: usize, deflate: usize| if cfg!(feature = "deflate") { deflate } else { without };
    takes::<ws::frame::FrameDecoder>(with(88, 96), with(88, 96));
    takes::<ws::connection::MessageDecoder>(with(112, 128), with(104, 112));
    takes::<ws::connection::Reader>(with(240, 248), with(232, 240));
    takes::<ws::connection::Reply>(144, 136);
    takes::<ws::connection::Writer>(with(8, 16), with(8, 12));
    takes::<ws::Connection>(with(248, 264), with(240, 256));
    takes::<ws::Connection<ws::frame::NoMask, ws::connection::MessageDecoder>>(
        with(272, 296),
        with(256, 272),
    );
    #[cfg(feature = "handshake")]
    takes::<ws::WebSocket>(with(784, 816), with(664, 688));
}
