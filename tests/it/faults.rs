//! Inputs of real clients, servers and proxies that eventwire once judged wrong. Each is a file in
//! `tests/faults/`.

use bytes::{Bytes, BytesMut};
use eventwire::Url;
use eventwire::sse::{
    DecoderOptions, EventSource, EventSourceErrorCause, EventSourceOptions, Item, LastEvent,
    OwnedDecoder, OwnedItem, ReadyState, Received,
};
use eventwire::ws::connection::MessageDecoder;
use eventwire::ws::deflate::DeflateParams;
use eventwire::ws::frame::{Fault, Role};
use eventwire::ws::handshake::{
    ClientRequest, Request, RequestError, ResponseError, ServerHandshake, accept_key,
};
use eventwire::ws::{self, CloseCode, Deflate, Message};
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/faults/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

// WebSocket.

fn request(bytes: &[u8]) -> Result<Request<'_>, RequestError> {
    ServerHandshake::new().decode(bytes).map(|request| request.expect("the request is whole"))
}

/// The example in [RFC 6455, section 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1) is
/// such a key. Keys by Python's `base64.b64encode` never are; most keys of 22 random characters
/// are.
#[test]
fn a_key_with_spare_bits_is_accepted_and_answered_as_it_came() {
    let bytes = file("01-key-spare-bits.request");
    let answer = request(&bytes).unwrap().accept().to_bytes();
    let accept = accept_key("AQIDBAUGBwgJCgsMDQ4PEC==");
    let answer = std::str::from_utf8(&answer).unwrap();
    assert!(answer.contains(std::str::from_utf8(&accept).unwrap()), "{answer}");
}

#[test]
fn an_empty_line_before_a_request_is_passed_over() {
    let bytes = file("14-empty-line-first.request");
    assert_eq!(request(&bytes).unwrap().head_len(), bytes.len());
}

#[test]
fn a_server_that_chose_no_subprotocol_does_not_open() {
    let bytes = file("05-no-subprotocol-chosen.response");
    let asked = ClientRequest::new("h", "/", *b"the sample nonce").unwrap();
    let asked = asked.subprotocols(&["mqtt"]).unwrap();
    let answer = asked.handshake().decode(&bytes).map(drop);
    assert_eq!(answer, Err(ResponseError::NoSubprotocol));
    let forgiving = asked.require_subprotocol(false);
    let opened = forgiving.handshake().decode(&bytes).unwrap().expect("the response is whole");
    assert_eq!(opened.subprotocol(), None);
}

#[test]
fn a_response_of_65_headers_opens() {
    let bytes = file("12-65-headers.response");
    let asked = ClientRequest::new("h", "/", *b"the sample nonce").unwrap();
    let opened = asked.handshake().decode(&bytes).unwrap().expect("the response is whole");
    assert_eq!(opened.headers().count(), 65);
}

#[test]
fn urls_as_people_write_them() {
    let urls = String::from_utf8(file("08-urls.txt")).unwrap();
    let urls: Vec<Url<'_>> = urls.lines().map(|url| Url::parse(url).unwrap()).collect();
    let [query, upper, user] = &urls[..] else { panic!("{urls:?}") };
    for url in &urls {
        assert_eq!((url.scheme(), url.host(), url.port()), ("ws", "127.0.0.1", 9107));
    }
    assert_eq!(query.target().to_string(), "/?x=1");
    assert_eq!(upper.target().to_string(), "/");
    let request = ClientRequest::from_url(user, *b"the sample nonce").unwrap().to_bytes();
    let head = std::str::from_utf8(&request).unwrap();
    assert!(head.contains("Authorization: Basic dXNlcjpwdw==\r\n"), "{head}");
    assert!(head.contains("Host: 127.0.0.1:9107\r\n"), "{head}");
}

fn refused(role: Role, name: &str) -> (Fault, CloseCode) {
    let mut decoder = MessageDecoder::new(role, ws::Limits::new());
    let error = decoder.decode(&mut BytesMut::from(&file(name)[..])).unwrap_err();
    (error.fault, error.close_code())
}

/// NATS sends 1006. `tests/it/ws_reconnecting_websocket.rs` shows that a client reconnects.
#[test]
fn close_codes_that_no_frame_may_have() {
    let protocol = CloseCode::PROTOCOL_ERROR;
    for code in [1005, 1006] {
        let found = refused(Role::Client, &format!("11-close-{code}.frames"));
        assert_eq!(found, (Fault::InvalidCloseCode(code), protocol));
    }
    let found = refused(Role::Server, "17-unmasked-from-client.frames");
    assert_eq!(found, (Fault::Unmasked, protocol));
}

#[test]
fn a_message_that_refers_back_over_a_final_block() {
    let mut decoder = MessageDecoder::new(Role::Client, ws::Limits::new())
        .deflate(&Deflate::new(), Some(DeflateParams::default()));
    let mut buffer = BytesMut::from(&file("13-window-kept-over-bfinal.frames")[..]);
    let mut messages = Vec::new();
    while let Some(message) = decoder.decode(&mut buffer).unwrap() {
        messages.push(message);
    }
    let alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
    let [Message::Text(first), Message::Text(second)] = &messages[..] else {
        panic!("{messages:?}")
    };
    assert!(first.contains(alphabet) && second == first, "{messages:?}");
}

// Event streams.

/// Returns what a decoder shows of a stream up to its end.
fn events(options: DecoderOptions, name: &str) -> Vec<String> {
    let mut decoder = OwnedDecoder::with_options(options);
    let mut chunk = Bytes::from(file(name));
    let mut items = Vec::new();
    while let Some(item) = decoder.decode_eof(&mut chunk).unwrap() {
        items.push(match item {
            Item::Event(event) => event.data.to_string(),
            Item::Unknown(line) => format!("line {line}"),
            other => panic!("{other:?}"),
        });
    }
    items
}

/// Gemini sends its errors in this form, in the middle of a stream.
#[test]
fn bare_json_in_a_stream_can_be_seen() {
    let name = "09-json-outside-of-fields.sse";
    assert_eq!(events(DecoderOptions::new(), name), ["{\"a\":1}"]);
    let shown = events(DecoderOptions::new().unknown_lines(true), name);
    assert_eq!(shown[0], "{\"a\":1}");
    assert_eq!((&*shown[1], shown.last().map(|it| &**it)), ("line {", Some("line }")));
    assert!(shown.iter().any(|line| line.contains("\"message\": \"quota used up\"")));
}

#[test]
fn an_event_that_no_blank_line_ends_can_be_had() {
    let name = "10-end-without-blank-line.sse";
    assert_eq!(events(DecoderOptions::new(), name), ["{\"a\":1}"]);
    assert_eq!(events(DecoderOptions::new().unfinished(true), name), ["{\"a\":1}", "[DONE]"]);
}

/// Returns an open source that has read this file.
fn read(options: EventSourceOptions, name: &str) -> EventSource<OwnedDecoder> {
    let mut source = EventSource::owned(options);
    source.poll(NOW).unwrap();
    source.response(200, [("content-type", "text/event-stream")], NOW).unwrap();
    let mut chunk = Bytes::from(file(name));
    while let Received::Item::<OwnedItem>(_) = source.receive(&mut chunk, NOW).unwrap() {}
    source
}

#[test]
fn events_that_end_a_stream_for_good() {
    const LAST: &[LastEvent] =
        &[LastEvent::Data("[DONE]"), LastEvent::EventType("response.failed")];
    for name in ["15-other-last-events.sse", "16-done-with-space.sse"] {
        let source = read(EventSourceOptions::new().last_event(LAST), name);
        assert_eq!(source.ready_state(), ReadyState::Closed, "{name}");
    }
    // Only the end of the body shows that the third event is one.
    let options = EventSourceOptions::new().last_event(LAST);
    let mut source = read(options, "10-end-without-blank-line.sse");
    assert_eq!(source.ready_state(), ReadyState::Open);
    assert_eq!(source.end(NOW), Ok(()));
    assert_eq!(source.ready_state(), ReadyState::Closed);
}

/// The standard ends such a connection ([WHATWG HTML, 9.2.3]). The docs of `EventSource` explain
/// how to accept such a server.
///
/// [WHATWG HTML, 9.2.3]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
#[test]
fn what_is_no_event_stream_by_its_head() {
    for (name, cause) in [
        ("18-no-content-type.http", EventSourceErrorCause::ContentType),
        ("18-status-201.http", EventSourceErrorCause::Status(201)),
    ] {
        let head = String::from_utf8(file(name)).unwrap();
        let (head, _) = head.split_once("\n\n").or(head.split_once("\r\n\r\n")).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let mut source = EventSource::owned(EventSourceOptions::new());
        source.poll(NOW).unwrap();
        let error = source.response(status, headers, NOW).unwrap_err();
        assert_eq!((error.cause, error.reconnect_at), (cause, None), "{name}");
    }
}
