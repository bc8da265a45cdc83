//! A program without an allocator, or anything else of `std` and `alloc`, that decodes and encodes
//! an event and opens a WebSocket. Exits with 0 if they are what they should be; `tests/no_alloc.rs` builds and runs it.

#![no_std]
#![no_main]

use eventwire::sse::{Decoder, EventType, InlineId, Item, Message, Options};
use eventwire::ws::handshake::{ClientRequest, ServerHandshake};

#[link(name = "c")]
unsafe extern "C" {}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    #[cfg(feature = "leak")]
    let _ = eventwire::sse::BytesDecoder::new();
    match (round_trip(), handshake()) {
        (Some(true), Some(true)) => 0,
        _ => 1,
    }
}

fn round_trip() -> Option<bool> {
    let mut buffer = [0; 64];
    let message =
        Message::new().event_type(EventType::from_static("sum")).data("1 +\n2").comment("c");
    let len = message.encode(&mut buffer).ok()?;
    let mut input = &mut buffer[..len];
    let mut decoder = Decoder::<InlineId<8>>::with_options(Options::new().max_event(63));
    let Item::Event(event) = decoder.decode(&mut input).ok()?? else { return None };
    Some(event.to_str().ok()?.event_type == Some("sum") && event.data == b"1 +\n2")
}

fn handshake() -> Option<bool> {
    let request = ClientRequest::new("example.com", "/", [7; 16]).ok()?.subprotocols(&["a"]).ok()?;
    let (mut to_server, mut to_client) = ([0; 256], [0; 256]);
    let len = request.encode(&mut to_server).ok()?;
    let mut server = ServerHandshake::new();
    let accepted = server.decode(&to_server[..len]).ok()??.accept().subprotocol("a").ok()?;
    let len = accepted.encode(&mut to_client).ok()?;
    let mut client = request.handshake();
    Some(client.decode(&to_client[..len]).ok()??.subprotocol() == Some("a"))
}
