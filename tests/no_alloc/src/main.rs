//! A program without an allocator, or anything else of `std` and `alloc`, that decodes and encodes
//! an event. Exits with 0 if they are what they should be; `tests/no_alloc.rs` builds and runs it.

#![no_std]
#![no_main]

use eventwire::sse::{Decoder, EventType, InlineId, Item, Message, Options};

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
    match round_trip() {
        Some(true) => 0,
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
