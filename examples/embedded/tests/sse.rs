//! The SSE client of this package, over transports in memory.

mod wire;

use embassy_futures::block_on;
use embedded::blocking::Blocking;
use embedded::sse;
use embedded_io_adapters::tokio_1::FromTokio;
use embedded_io_async::{Read, Write};
use eventwire::sse::decode::InlineId;
use eventwire::sse::{
    Decoder, DecoderOptions, EventSource, EventSourceOptions, EventSourceStep, LastEvent,
};
use std::io::ErrorKind;
use std::time::Duration;
use wire::{Pieces, SIZES, Wire, pieces};

type Source = EventSource<Decoder<InlineId<8>>>;

const NOW: Duration = Duration::from_secs(10);
const BUFFER: usize = 192;

/// Returns a source for events of up to 64 bytes, which is about to connect.
fn source(options: EventSourceOptions) -> Source {
    let decoder = Decoder::with_storage(DecoderOptions::new().max_event(64), InlineId::<8>::new());
    let mut source = EventSource::with_decoder(decoder, options);
    assert_eq!(source.poll(NOW), Ok(EventSourceStep::Connect));
    source
}

/// Returns the types and data of the events, and the error as text.
async fn follow<T: Read + Write>(
    transport: T,
    host: &str,
    source: &mut Source,
    buffer: &mut [u8],
) -> (Vec<String>, Option<String>) {
    let mut events = Vec::new();
    let result = sse::follow(
        transport,
        host,
        "/a?b",
        source,
        buffer,
        || NOW,
        |event| {
            let event_type =
                event.event_type.map(|event_type| event_type.to_string()).unwrap_or_default();
            events.push(format!("{event_type}:{}", event.data));
        },
    );
    let error = result.await.err().map(|error| error.to_string());
    let _ = source.network_error((), NOW);
    (events, error)
}

/// Follows a response in pieces of every size, over blocking and async transports. Returns the
/// events, the error and the request.
fn exchange(source: &mut Source, response: &[u8]) -> (Vec<String>, Option<String>, String) {
    let before = source.clone();
    let mut seen = Vec::new();
    for size in SIZES {
        *source = before.clone();
        let mut wire = Wire::new(response, size);
        let transport = Blocking(&mut wire);
        let (events, error) = block_on(follow(transport, "a:1", source, &mut [0; BUFFER]));
        seen.push((events, error, wire.written, source.poll(NOW)));

        *source = before.clone();
        let mut pieces = pieces(response, size);
        let (events, error) = block_on(follow(&mut pieces, "a:1", source, &mut [0; BUFFER]));
        seen.push((events, error, pieces.into_inner().written, source.poll(NOW)));
    }
    let first = seen[0].clone();
    assert!(seen.iter().all(|other| *other == first), "{seen:#?}");
    (first.0, first.1, String::from_utf8(first.2).unwrap())
}

/// Returns a response with a body in chunks.
fn chunked(body: &str) -> String {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    format!("{HEAD}Transfer-Encoding: Chunked\r\n\r\n{body}")
}

const REQUEST: &str = "GET /a?b HTTP/1.1\r\nhost: a:1\r\nconnection: close\r\n\
    accept: text/event-stream\r\ncache-control: no-cache\r\n";

#[test]
fn a_stream_in_chunks_is_followed_and_resumed() {
    let mut source = source(EventSourceOptions::new());
    let response = chunked(
        "c\r\nretry: 500\n\n\r\n1;ext=\"a\"\r\ni\r\n00E \t;b\r\nd: 7\nevent: a\n\r\n\
         1b\r\ndata: 1\ndata: 2\n\ndata: 3\n\n:\r\n5\r\ndata:\r\n0\r\nTrailer: x\r\n\r\nrest",
    );
    let (events, error, request) = exchange(&mut source, response.as_bytes());
    assert_eq!(events, ["a:1\n2", ":3"]);
    assert_eq!(error.unwrap(), "end of the event stream");
    assert_eq!(request, format!("{REQUEST}\r\n"));

    let back = NOW + Duration::from_millis(500);
    assert_eq!(source.poll(NOW), Ok(EventSourceStep::Wait(Some(back))));
    assert_eq!(source.poll(back), Ok(EventSourceStep::Connect));
    let (events, _, request) = exchange(&mut source, chunked("9\r\ndata: 4\n\n\r\n").as_bytes());
    assert_eq!(events, [":4"]);
    assert_eq!(request, format!("{REQUEST}last-event-id: 7\r\n\r\n"));
}

#[test]
fn a_stream_until_the_connection_is_closed() {
    for head in [
        "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n\
         HTTP/1.1 200 OK\r\ncontent-type: text/event-stream;charset=utf-8\r\n\r\n",
    ] {
        // The body is many times longer than the buffer.
        let body = "data: gr\u{FC}n\n\n: comment\n\n".repeat(50) + "data: cut";
        let mut source = source(EventSourceOptions::new());
        let (events, error, _) = exchange(&mut source, (head.to_owned() + &body).as_bytes());
        assert_eq!(events, vec![":gr\u{FC}n"; 50]);
        assert_eq!(error.unwrap(), "end of the event stream");
        assert_eq!(source.poll(NOW), Ok(EventSourceStep::Wait(Some(NOW + Duration::from_secs(3)))));
    }
}

#[test]
fn the_last_event_ends_the_stream() {
    let mut source = source(EventSourceOptions::new().last_event(LastEvent::Data("[DONE]")));
    let response = chunked("1a\r\ndata: [DONE]\n\ndata: more\n\n\r\n");
    let (events, error, _) = exchange(&mut source, response.as_bytes());
    assert_eq!((&events[..], error), (&[":[DONE]".to_owned()][..], None));
    assert_eq!(source.poll(NOW), Ok(EventSourceStep::Closed));
}

/// The body ends by its last chunk or by the end of the connection, and the decoder yields an
/// unfinished event or does not.
#[test]
fn the_last_event_without_its_blank_line_ends_the_stream_too() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    for response in
        [chunked("c\r\ndata: [DONE]\r\n0\r\n\r\n"), HEAD.to_owned() + "data: a\n\ndata: [DONE]\n"]
    {
        for unfinished in [false, true] {
            let limits = DecoderOptions::new().max_event(64).unfinished(unfinished);
            let options = EventSourceOptions::new().last_event(LastEvent::Data("[DONE]"));
            let decoder = Decoder::with_storage(limits, InlineId::<8>::new());
            let mut source = EventSource::with_decoder(decoder, options);
            source.poll(NOW).unwrap();
            let (events, error, _) = exchange(&mut source, response.as_bytes());
            assert_eq!((events.contains(&":[DONE]".to_owned()), error), (unfinished, None));
            assert_eq!(source.poll(NOW), Ok(EventSourceStep::Closed));
        }
    }
}

#[test]
fn failures_are_reported() {
    const AGAIN: EventSourceStep = EventSourceStep::Wait(Some(Duration::from_secs(13)));
    let plain = |head: &str| format!("HTTP/1.1 {head}\r\n\r\n");
    let coded = |lines: &str| plain(&format!("200 OK\r\ncontent-type: text/event-stream{lines}"));
    for (response, error, next) in [
        (String::new(), "the transport ended inside the response", AGAIN),
        ("HTTP/1.1 200 OK\r\ncontent-".into(), "the transport ended inside the response", AGAIN),
        (chunked("5\r\ndata"), "the transport ended inside the response", AGAIN),
        (chunked("5\r\ndata:"), "the transport ended inside the response", AGAIN),
        (chunked(""), "the transport ended inside the response", AGAIN),
        ("HTTP/2 200\r\n\r\n".into(), "malformed response", AGAIN),
        (chunked("\r\n"), "malformed response", AGAIN),
        (chunked("x\r\n"), "malformed response", AGAIN),
        (chunked("-1\r\n"), "malformed response", AGAIN),
        (chunked("5x\r\ndata:"), "malformed response", AGAIN),
        (chunked("12345678123456781\r\n"), "malformed response", AGAIN),
        (chunked("5\r\ndata:\n"), "malformed response", AGAIN),
        (chunked("5\r\ndata:\r5"), "malformed response", AGAIN),
        (coded("\r\ntransfer-encoding: gzip, chunked"), "malformed response", AGAIN),
        (
            coded("\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked"),
            "malformed response",
            AGAIN,
        ),
        (plain(&format!("200 OK\r\nx: {:200}", "")), "the buffer is too small", AGAIN),
        (chunked(&format!("1;{:200}\r\nd", "")), "the buffer is too small", AGAIN),
        (plain("204 No Content"), "status 204 instead of an event stream", EventSourceStep::Closed),
        (plain("101 No"), "status 101 instead of an event stream", EventSourceStep::Closed),
        (
            plain("200 OK\r\ncontent-type: text/html"),
            "response is not an event stream",
            EventSourceStep::Closed,
        ),
        (
            chunked(&format!("46\r\ndata: {:64}\r\n", "")),
            "event longer than 64 bytes, at byte 64",
            EventSourceStep::Closed,
        ),
        (
            chunked("14\r\nid: 123456789\ndata\n\n\r\n"),
            "event id does not fit 8 bytes, at byte 19",
            EventSourceStep::Closed,
        ),
    ] {
        let mut source = source(EventSourceOptions::new());
        let (events, found, _) = exchange(&mut source, response.as_bytes());
        assert_eq!((events.len(), found.as_deref()), (0, Some(error)), "{response:?}");
        assert_eq!(source.poll(NOW), Ok(next), "{response:?}");
    }
}

#[test]
fn events_before_a_failure_are_delivered() {
    let mut source = source(EventSourceOptions::new());
    let (events, error, _) = exchange(&mut source, chunked("9\r\ndata: 4\n\n\r\nx").as_bytes());
    assert_eq!(events, [":4"]);
    assert_eq!(error.unwrap(), "malformed response");
}

#[test]
fn a_buffer_smaller_than_the_events() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let decoder =
        Decoder::with_storage(DecoderOptions::new().max_event(BUFFER), InlineId::<8>::new());
    let mut source = EventSource::with_decoder(decoder, EventSourceOptions::new());
    source.poll(NOW).unwrap();
    let response = format!("{head}data: 1\n\ndata: {:200}\n\n", "");
    let (events, error, _) = exchange(&mut source, response.as_bytes());
    assert_eq!(events, [":1"]);
    assert_eq!(error.unwrap(), "the buffer is too small");
}

#[test]
fn requests_that_cannot_be_sent() {
    let size = REQUEST.len() + 2;
    for (host, size, error) in [
        ("a\r\nb: c", size + 6, "host or target with other than visible ASCII"),
        ("\u{FC}", size, "host or target with other than visible ASCII"),
        ("a:1", size - 1, "the buffer is too small for the request"),
        ("a:1", size, "the transport ended inside the response"),
    ] {
        let mut wire = Wire::new(b"", 1);
        let mut source = source(EventSourceOptions::new());
        let transport = Blocking(&mut wire);
        let (_, found) = block_on(follow(transport, host, &mut source, &mut vec![0; size]));
        assert_eq!(found.as_deref(), Some(error));
        assert_eq!(wire.written.len(), if error.contains("ended") { size } else { 0 });
    }
}

#[test]
fn a_transport_that_fails() {
    let response = chunked("9\r\ndata: 4\n\n\r\n");
    let pieces = Pieces::new([response.as_bytes()]).then_fail(ErrorKind::ConnectionReset);
    let mut source = source(EventSourceOptions::new());
    let transport = FromTokio::new(pieces);
    let (events, error) = block_on(follow(transport, "a:1", &mut source, &mut [0; BUFFER]));
    assert_eq!(events, [":4"]);
    assert_eq!(error.unwrap(), "connection reset");
    assert_eq!(source.poll(NOW), Ok(EventSourceStep::Wait(Some(NOW + Duration::from_secs(3)))));
}
