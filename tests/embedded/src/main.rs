//! The clients of `examples/embedded/` in a program without `std` and without an allocator. Exits
//! with 0 if both see everything that a server sends. `tests/it/no_alloc.rs` builds and runs it.

#![no_std]
#![no_main]

#[cfg(feature = "leak")]
extern crate std;

#[path = "../../no_alloc/src/bare.rs"]
mod bare;

use clients::blocking::Blocking;
use clients::sse;
use clients::websocket::WebSocket;
use core::time::Duration;
use embassy_futures::block_on;
use embedded_io::{ErrorKind, ErrorType, Read, Write};
use eventwire::sse::decode::{InlineId, Text};
use eventwire::sse::{
    Decoder, DecoderOptions, Event, EventSource, EventSourceOptions, EventSourceStep,
};
use eventwire::ws::handshake::ClientRequest;
use eventwire::ws::{self, Connection, Frame};

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    match (stream(), block_on(conversation())) {
        (Some(true), Some(true)) => 0,
        _ => 1,
    }
}

/// A server that sends these bytes, whatever it receives.
struct Server(&'static [u8]);

impl ErrorType for Server {
    type Error = ErrorKind;
}

impl Read for Server {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        self.0.read(buffer).map_err(|never| match never {})
    }
}

impl Write for Server {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

fn stream() -> Option<bool> {
    let server = Server(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
          6\r\nid: 7\n\r\n9\r\ndata: a\n\n\r\n0\r\n\r\n",
    );
    let second = Duration::from_secs(1);
    let decoder = Decoder::with_storage(DecoderOptions::new().max_event(128), InlineId::<8>::new());
    let mut source = EventSource::with_decoder(decoder, EventSourceOptions::new());
    let connects = source.poll(second).ok()? == EventSourceStep::Connect;
    let mut seen = false;
    let see = |event: Event<Text<'_>>| seen = event.data == "a";
    let mut buffer = [0; 256];
    let transport = Blocking(server);
    let follow = sse::follow(transport, "a", "/", &mut source, &mut buffer, || second, see);
    let ended = matches!(block_on(follow), Err(sse::Error::Source(_)));
    let waits = source.poll(second).ok()? == EventSourceStep::Wait(Some(4 * second));
    Some(connects && seen && ended && waits && source.last_event_id() == "7")
}

async fn conversation() -> Option<bool> {
    let server = Server(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x01a\x88\x00",
    );
    let request = ClientRequest::new("a", "/", *b"the sample nonce").ok()?;
    let connection = Connection::frame_client(ws::Limits::new(), || [1, 2, 3, 4]);
    let (mut received, mut to_send) = ([0; 256], [0; 256]);
    let transport = Blocking(server);
    let opening = WebSocket::open(transport, &request, connection, &mut received, &mut to_send);
    let mut socket = opening.await.ok()?;
    socket.send(&Frame::text("hello")).await.ok()?;
    let seen = matches!(socket.receive().await.ok()?, Some(ws::frame::FrameEvent::Data(run)) if run.payload == b"a");
    let closed = matches!(socket.receive().await.ok()?, Some(ws::frame::FrameEvent::Close(None)));
    Some(seen && closed && socket.finish().await.is_ok())
}
