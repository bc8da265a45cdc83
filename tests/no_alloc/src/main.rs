//! A program without an allocator or anything else of `std` and `alloc`. It encodes and decodes an
//! event, resumes a stream that was cut off, and lets both ends of a WebSocket talk from the
//! handshake on. Exits with 0 if every result is right. `tests/it/no_alloc.rs` builds and runs it.

#![no_std]
#![no_main]

mod bare;

use core::time::Duration;
use eventwire::Backoff;
use eventwire::sse::decode::InlineId;
use eventwire::sse::{
    Decoder, DecoderOptions, EventBuilder, EventSource, EventSourceOptions, EventSourceStep,
    EventType, Item, LastEvent, Received,
};
use eventwire::ws::frame::{DataKind, Run};
use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
use eventwire::ws::{self, Connection, Frame};

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    #[cfg(feature = "leak")]
    let _ = eventwire::sse::OwnedDecoder::new();
    match (round_trip(), reconnection(), handshake(), conversation()) {
        (Some(true), Some(true), Some(true), Some(true)) => 0,
        _ => 1,
    }
}

fn round_trip() -> Option<bool> {
    let mut buffer = [0; 64];
    let message =
        EventBuilder::new().event_type(EventType::from_static("sum")).data("1 +\n2").comment("c");
    let len = message.encode(&mut buffer).ok()?;
    let mut input = &mut buffer[..len];
    let mut decoder =
        Decoder::with_storage(DecoderOptions::new().max_event(63), InlineId::<8>::new());
    let Item::Event(event) = decoder.decode(&mut input).ok()?? else { return None };
    Some(event.to_str().ok()?.event_type == Some("sum") && event.data == "1 +\n2")
}

fn reconnection() -> Option<bool> {
    let second = Duration::from_secs(1);
    let backoff = Backoff::new(second, second, 1).jitter(0);
    let decoder = Decoder::with_storage(DecoderOptions::new().max_event(63), InlineId::<8>::new());
    let options = EventSourceOptions::new().backoff(backoff).last_event(LastEvent::Data("b"));
    let mut source = EventSource::with_decoder(decoder, options);
    let mut connects = source.poll(second).ok()? == EventSourceStep::Connect;
    source.response(200, [("content-type", "text/event-stream")], second).ok()?;
    let mut body = *b"retry: 2000\nid: 7\ndata: a\n\ndata: cut o";
    let received = source.receive(&mut &mut body[..], second).ok()?;
    let gives = matches!(received, Received::Item(Item::Event(event)) if event.data == "a");
    let back = source.end(second).err()?.reconnect_at?;
    connects &= source.poll(back).ok()? == EventSourceStep::Connect;
    let resumes = source.request_headers().any(|it| it == ("last-event-id", b"7"));
    source.response(200, [("content-type", "text/event-stream")], back).ok()?;
    let mut body = *b"data: b"; // without its blank line
    let done = source.receive_eof(&mut &mut body[..], back).ok()? == Received::Closed;
    Some(connects && gives && resumes && done && back == 4 * second)
}

fn handshake() -> Option<bool> {
    let request =
        ClientRequest::new("example.com", "/", [7; 16]).ok()?.subprotocols(&["a"]).ok()?;
    let (mut to_server, mut to_client) = ([0; 256], [0; 256]);
    let len = request.encode(&mut to_server).ok()?;
    let mut server = ServerHandshake::new();
    let accepted = server.decode(&to_server[..len]).ok()??.accept().subprotocol("a").ok()?;
    let len = accepted.encode(&mut to_client).ok()?;
    let mut client = request.handshake();
    Some(client.decode(&to_client[..len]).ok()??.subprotocol() == Some("a"))
}

/// A client sends a message and a ping. The server reads both, and the client reads the pong.
fn conversation() -> Option<bool> {
    let mut client = Connection::frame_client(ws::Limits::new(), || [1, 2, 3, 4]);
    let mut server = Connection::frame_server(ws::Limits::new());
    let mut sent = [0; 64];
    let mut len = client.send(Frame::text("gr\u{FC}n"), &mut sent).ok()?;
    len += client.send(Frame::ping(b"?").ok()?, &mut sent[len..]).ok()?;

    let mut input = &mut sent[..len];
    let text = server.receive(&mut input).ok()??;
    let ping = server.receive(&mut input).ok()??;
    let mut replied = [0; ws::frame::FrameDecoder::MIN_BUFFER];
    let len = server.reply(&mut replied).ok()?;
    let pong = client.receive(&mut &mut replied[..len]).ok()??;

    let ws::frame::FrameEvent::Data(Run { kind: DataKind::Text, payload, fin: true, .. }) = text
    else {
        return None;
    };
    Some(
        payload == "gr\u{FC}n".as_bytes()
            && matches!(ping, ws::frame::FrameEvent::Ping(payload) if payload == b"?")
            && matches!(pong, ws::frame::FrameEvent::Pong(payload) if payload == b"?"),
    )
}
