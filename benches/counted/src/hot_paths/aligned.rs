//! Memory that begins at a multiple of 64 wherever the allocator puts it, because vector loops and
//! `memcpy` take other paths at other addresses.

use bytes::{Buf, BufMut, BytesMut};
use std::ops::Deref;

const ALIGNMENT: usize = 64;

/// Returns a copy of these bytes.
pub fn bytes(bytes: &[u8]) -> BytesMut {
    let mut copy = BytesMut::with_capacity(ALIGNMENT + bytes.len());
    let start = pad(&mut copy);
    copy.extend_from_slice(bytes);
    copy.advance(start);
    copy
}

/// Returns a copy of this text, for as long as the program runs.
pub fn text(text: &str) -> &'static str {
    let mut copy = Vec::with_capacity(ALIGNMENT + text.len());
    let start = pad(&mut copy);
    copy.extend_from_slice(text.as_bytes());
    str::from_utf8(&copy.leak()[start..]).expect("a copy of text")
}

/// A `Vec` for writing to, repeatedly.
pub struct Output {
    /// Padding, followed by the bytes written.
    buffer: Vec<u8>,
    start: usize,
}

impl Output {
    pub fn new(capacity: usize) -> Self {
        let mut buffer = Vec::with_capacity(ALIGNMENT + capacity);
        let start = pad(&mut buffer);
        Self { buffer, start }
    }

    pub fn cleared(&mut self) -> &mut Vec<u8> {
        self.buffer.truncate(self.start);
        &mut self.buffer
    }
}

/// Fills an empty buffer up to the first aligned address. Returns its index.
fn pad<B: BufMut + Deref<Target = [u8]>>(buffer: &mut B) -> usize {
    let start = buffer.as_ptr().align_offset(ALIGNMENT);
    buffer.put_bytes(0, start);
    start
}
