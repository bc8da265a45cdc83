//! eventwire's decoders.

use super::peers::Decode;
use crate::harness::{Checksum, Sink, View, Work};
use bytes::{Bytes, BytesMut};
use eventwire::Utf8Bytes;
use eventwire::sse::{Decoder, Event, Item, OwnedDecoder};

/// Decodes in a read buffer that grows chunk by chunk, as a socket would fill it. `SCATTERED` means
/// that events have several lines, which are joined in the buffer, so the buffer must be filled
/// again for each run.
pub struct Borrowed<const SCATTERED: bool> {
    stream: Bytes,
    chunk: usize,
    buffer: Vec<u8>,
}

impl<const SCATTERED: bool> Borrowed<SCATTERED> {
    pub fn new(stream: Bytes, chunk: usize) -> Self {
        Self { buffer: stream.to_vec(), stream, chunk }
    }
}

impl<const SCATTERED: bool> Work for Borrowed<SCATTERED> {
    const PREPARES: bool = SCATTERED;

    fn prepare(&mut self) {
        self.buffer.copy_from_slice(&self.stream);
    }

    fn run<S: Sink>(&mut self, sink: &mut S) {
        let mut decoder = Decoder::new();
        let (mut start, mut end) = (0, 0);
        while end < self.buffer.len() {
            end = self.buffer.len().min(end + self.chunk);
            let mut input = &mut self.buffer[start..end];
            while let Some(item) = decoder.decode(&mut input).unwrap() {
                if let Item::Event(event) = item {
                    sink.take(&event.to_str().unwrap());
                }
            }
            start = end - input.len();
        }
    }
}

impl View for Event<&str> {
    fn show(&self, sum: &mut Checksum) {
        sum.whole(self.data.as_bytes(), self.event_type_or_default(), self.id.unwrap_or_default());
    }
}

/// Decodes `Bytes` chunks, as an HTTP client returns them, to owned text.
pub struct Owned;

impl Decode for Owned {
    fn decode(chunks: &[Bytes], sink: &mut impl Sink) {
        let mut decoder = OwnedDecoder::new();
        for chunk in chunks {
            let mut chunk = chunk.clone();
            while let Some(item) = decoder.decode(&mut chunk).unwrap() {
                if let Item::Event(event) = item {
                    sink.take(&event);
                }
            }
        }
    }
}

/// Reads into a `BytesMut`, and decodes to owned text.
pub struct OwnedMut;

impl Decode for OwnedMut {
    fn decode(chunks: &[Bytes], sink: &mut impl Sink) {
        let mut decoder = OwnedDecoder::new();
        let mut buffer = BytesMut::new();
        for chunk in chunks {
            buffer.extend_from_slice(chunk);
            while let Some(item) = decoder.decode_buffer(&mut buffer).unwrap() {
                if let Item::Event(event) = item {
                    sink.take(&event);
                }
            }
        }
    }
}

impl View for Event<Utf8Bytes, Utf8Bytes> {
    fn show(&self, sum: &mut Checksum) {
        sum.whole(self.data.as_bytes(), self.event_type_or_default(), &self.last_event_id);
    }
}
