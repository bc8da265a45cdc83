//! The safe twins of the vector code.

use crate::simd::{Line, LineEnds, WithLineEnds};
#[cfg(feature = "alloc")]
use bytes::BufMut;
use memchr::memchr2;

/// Finds line ends one by one.
struct Search {
    from: usize,
}

impl LineEnds for Search {
    #[inline]
    fn next(&mut self, buf: &[u8]) -> Option<usize> {
        let rest = buf.get(self.from..)?;
        let len = match rest {
            // Most lines end with more than one byte, or are followed by an empty line.
            [b'\n' | b'\r', ..] => 0,
            _ => memchr2(b'\n', b'\r', rest)?,
        };
        let end = self.from + len;
        self.from = end + 1;
        Some(end)
    }

    /// Always `false`: checking would take a second pass.
    #[inline]
    fn are_ascii_to(&self, _end: usize) -> bool {
        false
    }
}

#[inline]
pub(crate) fn with_line_ends<W: WithLineEnds>(from: usize, work: W) -> W::Output {
    work.run(Search { from })
}

/// Spare memory, written from its front.
pub(crate) struct Spare<'a> {
    memory: &'a mut [u8],
    written: usize,
}

impl<'a> Spare<'a> {
    pub(crate) const fn new(memory: &'a mut [u8]) -> Self {
        Self { memory, written: 0 }
    }

    /// Returns the number of bytes written.
    pub(crate) const fn written(&self) -> usize {
        self.written
    }

    /// Writes these bytes; returns whether there was room for them.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> bool {
        let end = self.written + bytes.len();
        let Some(place) = self.memory.get_mut(self.written..end) else { return false };
        place.copy_from_slice(bytes);
        self.written = end;
        true
    }

    /// Writes nothing: without vectors the caller's own loop is as good.
    #[allow(clippy::unused_self, reason = "the vectors write to it")]
    pub(crate) const fn copy_lines(&mut self, _text: &[u8], _line: Line) -> usize {
        0
    }
}

/// Appends nothing: safe code cannot write to memory that a buffer has not initialised.
#[cfg(feature = "alloc")]
pub(crate) fn append(
    _buffer: &mut impl BufMut,
    _write: impl FnOnce(&mut Spare<'_>) -> bool,
) -> bool {
    false
}

/// Masks `payload` in place.
#[inline]
pub(crate) fn mask(payload: &mut [u8], key: [u8; 4]) {
    unmask_text(payload, key);
}

/// Unmasks `text` in place. Returns whether it is ASCII.
#[inline]
pub(crate) fn unmask_text(text: &mut [u8], key: [u8; 4]) -> bool {
    let wide = wide(key);
    let (words, tail) = text.as_chunks_mut::<8>();
    let mut seen = 0;
    for word in words {
        let plain = u64::from_ne_bytes(*word) ^ wide;
        seen |= plain;
        *word = plain.to_ne_bytes();
    }
    let mut high = seen & 0x8080_8080_8080_8080 != 0;
    for (byte, key) in tail.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
        high |= !byte.is_ascii();
    }
    !high
}

/// Writes `payload`, masked, to `out`, which must have the same length.
#[inline]
pub(crate) fn copy_masked(payload: &[u8], out: &mut [u8], key: [u8; 4]) {
    assert_eq!(payload.len(), out.len());
    let wide = wide(key);
    let (words, tail) = payload.as_chunks::<8>();
    let (out_words, out_tail) = out.as_chunks_mut::<8>();
    for (word, out) in words.iter().zip(out_words) {
        *out = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for ((byte, out), key) in tail.iter().zip(out_tail).zip(key.iter().cycle()) {
        *out = byte ^ key;
    }
}

/// Appends `payload`, masked, to `buffer`, which must have room for it. This twin copies twice.
#[cfg(feature = "alloc")]
pub(crate) fn put_masked(buffer: &mut impl BufMut, payload: &[u8], key: [u8; 4]) {
    let mut masked = [0; 1024];
    for piece in payload.chunks(masked.len()) {
        let masked = &mut masked[..piece.len()];
        copy_masked(piece, masked, key);
        buffer.put_slice(masked);
    }
}

/// Appends the first `len` of these bytes to `buffer`, which must have room for them.
#[cfg(feature = "alloc")]
pub(crate) fn put_few(buffer: &mut impl BufMut, bytes: [u8; 16], len: usize) {
    buffer.put_slice(&bytes[..len]);
}

/// Returns whether all bytes are ASCII.
#[inline]
pub(crate) const fn is_ascii(bytes: &[u8]) -> bool {
    bytes.is_ascii()
}

/// Repeats a key, for eight bytes at once.
fn wide([a, b, c, d]: [u8; 4]) -> u64 {
    u64::from_ne_bytes([a, b, c, d, a, b, c, d])
}
