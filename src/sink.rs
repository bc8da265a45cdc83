//! [`Sink`], the destination of every encoder: a slice, a growing buffer, or a counter for
//! measuring.

#[cfg(feature = "alloc")]
use crate::simd::append;
use crate::simd::{Line, Spare};
use core::convert::Infallible;

/// The error of a buffer that has no room for all of the output. The buffer then holds only a part
/// of the output: do not send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("buffer too small: {needed} bytes are needed")]
pub struct BufferTooSmall {
    /// The number of bytes that the whole output needs.
    pub needed: usize,
}

/// A value that can be written to a [`Sink`].
pub(crate) trait Encode {
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error>;

    /// Returns a length that the encoding cannot exceed, faster than the exact length.
    #[cfg(feature = "alloc")]
    fn longest(&self) -> usize;
}

/// A destination for pieces of output.
pub(crate) trait Sink {
    type Error;

    fn put(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Puts as much of `text` as possible at once, with the start of a line in place of each line
    /// end. Returns how much.
    fn copy_lines(&mut self, _text: &[u8], _line: Line) -> usize {
        0
    }
}

pub(crate) fn encoded_len(value: &impl Encode) -> usize {
    let mut count = Count(0);
    let Ok(()) = value.write(&mut count);
    count.0
}

/// Writes to the front of `buffer`. Returns the length.
pub(crate) fn encode(value: &impl Encode, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
    let mut spare = Spare::new(buffer);
    match value.write(&mut Room(&mut spare)) {
        Ok(()) => Ok(spare.written()),
        Err(Full) => Err(BufferTooSmall { needed: encoded_len(value) }),
    }
}

/// Appends everything to `buffer`, or nothing.
#[cfg(feature = "alloc")]
pub(crate) fn encode_to<B: bytes::BufMut>(
    value: &impl Encode,
    buffer: &mut B,
) -> Result<(), BufferTooSmall> {
    if append(buffer, |spare| value.write(&mut Room(spare)).is_ok()) {
        return Ok(());
    }
    let room = buffer.remaining_mut();
    // A growing buffer has room for anything, so it needs no measuring.
    if room < value.longest() {
        let needed = encoded_len(value);
        if room < needed {
            return Err(BufferTooSmall { needed });
        }
    }
    let Ok(()) = value.write(&mut Growing(buffer));
    Ok(())
}

/// Returns the encoding in memory of its own.
#[cfg(feature = "alloc")]
pub(crate) fn to_bytes(value: &impl Encode) -> bytes::Bytes {
    let mut buffer = alloc::vec::Vec::with_capacity(encoded_len(value));
    let Ok(()) = value.write(&mut Growing(&mut buffer));
    buffer.into()
}

struct Count(usize);

impl Sink for Count {
    type Error = Infallible;

    fn put(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0 += bytes.len();
        Ok(())
    }
}

/// The error of a sink that has no room for a piece.
struct Full;

/// Memory that does not grow.
struct Room<'s, 'm>(&'s mut Spare<'m>);

impl Sink for Room<'_, '_> {
    type Error = Full;

    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if self.0.put(bytes) { Ok(()) } else { Err(Full) }
    }

    #[inline]
    fn copy_lines(&mut self, text: &[u8], line: Line) -> usize {
        self.0.copy_lines(text, line)
    }
}

#[cfg(feature = "alloc")]
struct Growing<'b, B>(&'b mut B);

#[cfg(feature = "alloc")]
impl<B: bytes::BufMut> Sink for Growing<'_, B> {
    type Error = Infallible;

    fn put(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.put_slice(bytes);
        Ok(())
    }
}

/// Writes `n` in decimal at the end of `digits`, and returns its digits.
pub(crate) fn decimal(mut n: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            return &digits[at..];
        }
    }
}
