//! The workload of `run --bench`: repeats the stream.

use crate::call::Call;
use core::hint::black_box;
use eventwire::sse::decode::InlineId;
use eventwire::sse::{Decoder, DecoderOptions, EventBuilder, Item};
use eventwire::ws::frame::{FrameEvent, MaskKey};
use eventwire::ws::{self, Connection, Frame};

/// Decodes the stream, from a copy because data is joined in place. Returns the number of events.
#[unsafe(no_mangle)]
extern "C" fn bench_sse_decoder(call: &mut Call, rounds: u32) -> usize {
    let (stream, _, _) = call.parts();
    let mut copy = stream.to_vec();
    let mut events = 0;
    for _ in 0..rounds {
        copy.copy_from_slice(stream);
        let mut decoder = Decoder::with_storage(DecoderOptions::new(), InlineId::<64>::new());
        let mut input = &mut copy[..];
        while let Ok(Some(item)) = decoder.decode(&mut input) {
            let Item::Event(event) = item else { continue };
            black_box(event.to_str().ok());
            events += 1;
        }
    }
    events
}

/// Encodes an event with the stream as data. Returns the number of bytes.
#[unsafe(no_mangle)]
extern "C" fn bench_sse_encode(call: &mut Call, rounds: u32) -> usize {
    let (stream, _, _) = call.parts();
    let text = str::from_utf8(stream).expect("text");
    let mut out = vec![0; 8 * text.len() + 64];
    (0..rounds)
        .map(|_| black_box(&EventBuilder::new().data(text)).encode(&mut out).unwrap_or(0))
        .sum()
}

/// Decodes frames, masked by a key of zeros, which leaves them unchanged. Returns their number.
#[unsafe(no_mangle)]
extern "C" fn bench_ws_decoder(call: &mut Call, rounds: u32) -> usize {
    let (stream, _, _) = call.parts();
    let mut messages = 0;
    for _ in 0..rounds {
        let mut connection = Connection::frame_server(ws::Limits::new());
        let mut input = &mut *stream;
        while let Ok(Some(event)) = connection.receive(&mut input) {
            let FrameEvent::Data(run) = black_box(event) else { continue };
            messages += usize::from(run.fin);
        }
    }
    messages
}

/// Sends the stream as a masked frame. Returns the number of bytes.
#[unsafe(no_mangle)]
extern "C" fn bench_ws_send(call: &mut Call, rounds: u32) -> usize {
    let (stream, _, _) = call.parts();
    let mut connection = Connection::frame_client(ws::Limits::new(), || [0x37, 0xFA, 0x21, 0x3D]);
    let mut out = vec![0; stream.len() + 14];
    let frame = Frame::binary(&*stream);
    (0..rounds).map(|_| connection.send(black_box(&frame), &mut out).unwrap_or(0)).sum()
}

/// Masks the stream in place. Returns the number of bytes.
#[unsafe(no_mangle)]
extern "C" fn bench_ws_mask(call: &mut Call, rounds: u32) -> usize {
    let (stream, _, _) = call.parts();
    let mut key = MaskKey([0x37, 0xFA, 0x21, 0x3D]);
    for _ in 0..rounds {
        key.apply(black_box(&mut *stream));
    }
    rounds as usize * stream.len()
}
