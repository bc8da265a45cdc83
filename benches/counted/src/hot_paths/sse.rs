//! Server-sent events.

use super::aligned::{self, Output};
use super::{COUNT, READ, Work};
use bytes::{Bytes, BytesMut};
use eventwire::sse::{Decoder, EventBuilder, Item, OwnedDecoder};
use std::hint::black_box;

/// Decodes many copies of an event, to text in the buffer.
pub fn decode(event: &str, chunk: usize) -> Box<dyn Work> {
    let stream = stream(event);
    Box::new(InPlace { buffer: aligned::bytes(&stream), stream, chunk })
}

/// Decodes many copies of an event, to owned text.
pub fn decode_bytes(event: &str) -> Box<dyn Work> {
    let stream = aligned::bytes(&stream(event)).freeze();
    Box::new(Owned { stream, chunks: Vec::new() })
}

/// Encodes an event with this data, repeatedly.
pub fn encode(data: &str) -> Box<dyn Work> {
    let message = EventBuilder::new().data(aligned::text(data));
    let output = Output::new(message.encoded_len());
    Box::new(Encode { message, output })
}

fn stream(event: &str) -> Vec<u8> {
    event.repeat(COUNT.into()).into()
}

/// Decodes in a window that grows over the stream by one chunk at a time.
struct InPlace {
    stream: Vec<u8>,
    buffer: BytesMut,
    chunk: usize,
}

impl Work for InPlace {
    fn prepare(&mut self) {
        self.buffer.copy_from_slice(&self.stream);
    }

    fn run(&mut self) -> usize {
        let mut decoder = Decoder::new();
        let mut events = 0;
        let buffer = &mut self.buffer[..];
        let (mut start, mut end) = (0, 0);
        while end < buffer.len() {
            end = buffer.len().min(end + self.chunk);
            let mut input = &mut buffer[start..end];
            while let Some(item) = decoder.decode(&mut input).unwrap() {
                if let Item::Event(event) = item {
                    black_box(event.to_str().unwrap());
                    events += 1;
                }
            }
            start = end - input.len();
        }
        events
    }
}

/// Decodes chunks that share the stream's memory.
struct Owned {
    stream: Bytes,
    chunks: Vec<Bytes>,
}

impl Work for Owned {
    fn prepare(&mut self) {
        let chunks = self.stream.chunks(READ).map(|chunk| self.stream.slice_ref(chunk));
        self.chunks = chunks.collect();
    }

    fn run(&mut self) -> usize {
        let mut decoder = OwnedDecoder::new();
        let mut events = 0;
        for chunk in &mut self.chunks {
            while let Some(item) = decoder.decode(chunk).unwrap() {
                if let Item::Event(event) = item {
                    black_box(event);
                    events += 1;
                }
            }
        }
        events
    }
}

struct Encode {
    message: EventBuilder<'static>,
    output: Output,
}

impl Work for Encode {
    fn run(&mut self) -> usize {
        for _ in 0..COUNT {
            let output = black_box(self.output.cleared());
            black_box(&self.message).encode_to(output).unwrap();
        }
        COUNT.into()
    }
}
